//! A slow disk: every commit takes 3 s. Warnings do not wait for it: they go out marked UNRECORDED, whatever else waits
//! for the disk; "received" waits as long as the disk takes; and once it is quick again, what was acted on is written.

use crate::{
    load::{POSTS, position, sighting, source},
    say,
    seed::Seed,
    support::{Centre, Events, Scene, drone_line, id, text, until},
};
use serde_json::json;
use std::time::{Duration, Instant};

const COMMIT_MS: u64 = 3_000;

#[test]
fn no_warning_waits_for_a_slow_disk_and_received_does() {
    let _alone = crate::alone();
    let scene = Scene::new().with("reserve_mib = 1", "reserve_mib = 1\ncheckpoint_s = 1");
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.first();
    let receiver = source(&watch, "receiver-1");
    let agents: Vec<_> = POSTS.iter().map(|(p, _, _)| centre.person(p)).collect();
    for ((_, east, north), agent) in POSTS.iter().zip(&agents) {
        agent.post("/api/v1/positions", &position(*east, *north)).ok(201);
    }
    centre.kill();
    centre.set_flags(&["--test-commit-delay-ms", &COMMIT_MS.to_string()]);
    centre.start_again();
    let mut streams: Vec<_> = agents.iter().map(Events::open).collect();

    let mut slowest = Duration::ZERO;
    for (n, (_, east, north)) in POSTS.iter().enumerate() {
        let serial = format!("SLOW{n:08}");
        let begun = Instant::now();
        // The drone stands over the agent: a few observations are enough.
        let mut came = None;
        for _ in 0..20 {
            let line = drone_line(&serial, *east, *north, 40.0, [0.0; 3]).to_string();
            assert_eq!(receiver.send("POST", "/api/v1/observations", &[], line.as_bytes()).status, 202);
            let theirs = &streams[n].person;
            let ours = format!("\"{theirs}\"");
            let fits = |e: &crate::support::Event| {
                e.name == "notice" && e.data["notice"]["protected"].to_string().contains(&ours)
            };
            came = streams[n].maybe(Duration::from_millis(100), fits);
            if came.is_some() {
                break;
            }
        }
        let view =
            came.unwrap_or_else(|| panic!("no warning within {:?} of the first observation", begun.elapsed())).data;
        assert_eq!(view["unrecorded"], true, "{view}");
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_millis(COMMIT_MS / 2), "a warning took {slowest:?}");

    // What people are told waits for the disk.
    let begun = Instant::now();
    let report = sighting(&mut Seed::new("slow"), (0.0, 0.0));
    agents[0].post("/api/v1/sightings", &report).ok(201);
    let received = begun.elapsed();
    assert!(received >= Duration::from_millis(COMMIT_MS), "received after {received:?}");
    assert_eq!(watch.see("/api/v1/status")["record"]["unrecorded"], true);

    // Quick again: everything is in the record, and says of itself that it was late.
    centre.kill();
    centre.set_flags(&[]);
    centre.start_again();
    agents[0].see(&format!("/api/v1/sightings/{}", text(&report, "/id")));
    let begun = Instant::now();
    agents[1].post("/api/v1/sightings", &sighting(&mut Seed::new("quick"), (0.0, 0.0))).ok(201);
    assert!(begun.elapsed() < Duration::from_millis(COMMIT_MS), "{:?}", begun.elapsed());
    until("the record to say ok", Duration::from_secs(10), || {
        let status = watch.see("/api/v1/status");
        (status["record"]["state"] == "ok" && status["record"]["unrecorded"] == false).then_some(())
    });
    assert!(centre.terminate().status.success());
    let out = centre.verify(&["--recompute"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    say(&format!(
        "slow disk: commits of {COMMIT_MS} ms; slowest of {} warnings {} ms after the first observation, marked unrecorded; a report received after {} ms",
        POSTS.len(),
        slowest.as_millis(),
        received.as_millis(),
    ));
    let _ = (id(), json!(null));
}
