use super::{
    super::facts::{PushFacts, Signed},
    *,
};
use crate::{
    clocks::{Compared, Skew},
    host::{Bound, Open, Process},
};
use skypicket_model::{SourceId, Time};
use std::{collections::BTreeMap, path::PathBuf};

fn now() -> Time {
    Time::from_unix_s(1.9e9).unwrap()
}

fn radar() -> Source {
    let id = SourceId::new("radar-1").unwrap();
    Source { id, silent_s: Some(1.0), expected_s: Some(5.0), silent: false, received: 1_000, refused: 0, shed: 0 }
}

fn pages() -> Listener {
    let address = "127.0.0.1:8080".parse().unwrap();
    Listener { what: crate::config::Config::PAGES.into(), address, protocol: "tcp", tls: false }
}

fn channel(channel: Channel) -> ChannelFacts {
    let (state, round) = (ChannelState::Up, Some((120.0, 0.4)));
    ChannelFacts { channel, state, for_s: 7_300.0, has_loop: true, round, waiting: (0, 0.0) }
}

/// A centre with nothing wrong.
fn well() -> Facts {
    let running = Running {
        since: now().plus_s(-7_300.0),
        exercise: None,
        unrecorded: false,
        backlog: 0,
        longest_commit_s: 0.02,
        waiting: [3, 0, 1],
        sources: vec![radar()],
        unreachable: 0,
        on_watch: 1,
        compared: Compared { heard: 5, middle_s: Some(0.1), far: vec![] },
        push: PushFacts { enabled: true, has_contact: true, phones: 5, troubles: BTreeMap::new() },
        channels: vec![channel(Channel::Web), channel(Channel::Mail)],
        nowhere: vec![],
        backup_at: Some(now().plus_s(-40_000.0)),
        ahead_s: 0.0,
        jumps: (0, None),
        process: Process { open_fds: Some(40), max_fds: Some(65_536), ..Process::default() },
    };
    let kept = Kept {
        state: RecordState::Ok,
        entries: 1_000,
        database_bytes: 5 * MIB,
        wal_bytes: MIB,
        reserve_bytes: Some(64 * MIB),
        checkpoint: Some(Signed { at: Some(now().plus_s(-30.0)), size: 990, fault: None }),
        people: Some((12, 2)),
    };
    Facts {
        now: now(),
        software: "0.1.0",
        config: None,
        running: Some(running),
        listeners: vec![pages()],
        bound: Some([Bound { protocol: "tcp", address: "127.0.0.1:8080".parse().unwrap() }].into()),
        certificates: vec![],
        ending: vec![],
        alerts_until: Some(now().plus_s(1_000.0 * 86_400.0)),
        record: Ok(Some(kept)),
        reserve_bytes: 64 * MIB,
        checkpoint_s: 60.0,
        disk: Some((100 * GIB, 200 * GIB)),
        folder: PathBuf::from("/var/lib/skypicket/live"),
        open: vec![],
        foreign: vec![],
        has_key: true,
        keeper: TimeKeeper::Synchronised,
        zone: Some("America/Denver".into()),
        memory: (Some(2 * GIB), Some(4 * GIB)),
    }
}

fn run(f: &mut Facts) -> &mut Running {
    f.running.as_mut().unwrap()
}
fn mail(f: &mut Facts) -> &mut ChannelFacts {
    &mut run(f).channels[1]
}
fn kept(f: &mut Facts) -> &mut Kept {
    f.record.as_mut().unwrap().as_mut().unwrap()
}
fn listen(f: &mut Facts, what: &str, address: &str, protocol: &'static str, tls: bool) {
    let address = address.parse().unwrap();
    f.listeners.push(Listener { what: what.into(), address, protocol, tls });
    f.bound.as_mut().unwrap().insert(Bound { protocol, address });
}
fn certificate(f: &mut Facts, days: f64, names: &[&str]) {
    f.listeners[0].tls = true;
    let names = names.iter().map(|s| (*s).to_owned()).collect();
    let until = f.now.plus_s(days * 86_400.0);
    let used = vec!["127.0.0.1".to_owned()];
    f.certificates.push(Certificate { what: crate::config::Config::PAGES.into(), names, until, used });
}
fn stop(f: &mut Facts) {
    f.running = None;
    f.bound = Some([].into());
}

#[test]
fn nothing_is_said_to_be_wrong_with_a_centre_that_is_well() {
    let all = findings(&well());
    let not: Vec<_> = all.iter().filter(|f| f.state != State::Ok).collect();
    assert!(not.is_empty(), "{not:?}");
    assert!(all.iter().all(|f| f.todo.is_none()));
    assert_eq!(worst(&all), State::Ok);
    let mut stopped = well();
    stop(&mut stopped);
    let all = findings(&stopped);
    assert_eq!(all.iter().filter(|f| f.state != State::Ok).map(|f| f.check).collect::<Vec<_>>(), ["centre"]);
}

#[test]
fn each_thing_that_can_be_wrong_is_named_with_what_to_do() {
    type Case = (fn(&mut Facts), &'static str, State, &'static str);
    let (warn, bad) = (State::Warn, State::Bad);
    let cases: &[Case] = &[
        (|f| stop(f), "centre", warn, "No centre runs"),
        (|f| mail(f).state = ChannelState::Down { why: "tls".into() }, "channels", bad, "mail is down for 2 h: tls"),
        (|f| mail(f).state = ChannelState::Deaf { why: "timed_out".into() }, "channels", bad, "no test came round"),
        (|f| mail(f).has_loop = false, "channels", warn, "mail is set up but no test goes round it"),
        (|f| mail(f).waiting = (300, 90.0), "channels", warn, "300 messages wait for mail"),
        (|f| run(f).nowhere.push("'a' is to be".into()), "channels", warn, "leads nowhere: 'a'"),
        (|f| f.config = Some("x.toml:4: unknown key".into()), "configuration", bad, "x.toml:4"),
        (|f| listen(f, "tak", "0.0.0.0:8087", "tcp", false), "ports", warn, "Tak: 0.0.0.0:8087"),
        (|f| listen(f, "source.udp 'r'", "10.0.0.1:7001", "udp", false), "ports", warn, "pretend to be this source"),
        (
            |f| {
                f.listeners.clear();
                listen(f, crate::config::Config::PAGES, "0.0.0.0:80", "tcp", false);
            },
            "ports",
            bad,
            "passwords",
        ),
        (|f| f.bound = Some([].into()), "ports", bad, "should listen on 127.0.0.1:8080 and does not"),
        (
            |f| {
                f.bound.as_mut().unwrap().insert(Bound { protocol: "tcp", address: "0.0.0.0:99".parse().unwrap() });
            },
            "ports",
            bad,
            "0.0.0.0:99",
        ),
        (
            |f| {
                f.bound.as_mut().unwrap().insert(Bound { protocol: "udp", address: "127.0.0.1:99".parse().unwrap() });
            },
            "ports",
            warn,
            "127.0.0.1:99",
        ),
        (|f| f.bound = None, "ports", warn, "/proc/net"),
        (
            |f| {
                stop(f);
                f.bound = Some([Bound { protocol: "tcp", address: "0.0.0.0:8080".parse().unwrap() }].into());
            },
            "ports",
            bad,
            "Another program listens on 0.0.0.0:8080",
        ),
        (|f| f.alerts_until = None, "certificates", bad, "Nothing can sign alerts"),
        (|f| f.alerts_until = Some(now().plus_s(20.0 * 86_400.0)), "certificates", bad, "alerts ends in 20 days"),
        (|f| certificate(f, -1.0, &["127.0.0.1"]), "certificates", bad, "ended 24 h ago"),
        (|f| certificate(f, 3.0, &["127.0.0.1"]), "certificates", bad, "ends in 3 days"),
        (|f| certificate(f, 10.0, &["127.0.0.1"]), "certificates", warn, "ends in 10 days"),
        (|f| certificate(f, 90.0, &["watch.example"]), "certificates", bad, "does not name 127.0.0.1"),
        (
            |f| f.ending = vec![("source 'mast'".into(), f.now.plus_s(10.0 * 86_400.0))],
            "certificates",
            warn,
            "of source 'mast' ends in 10 days",
        ),
        (
            |f| f.ending = vec![("source 'mast'".into(), f.now.plus_s(-3.0 * 86_400.0))],
            "certificates",
            warn,
            "of source 'mast' ended 3 days ago",
        ),
        (|f| f.keeper = TimeKeeper::NotYet, "clock", warn, "reached no time server"),
        (|f| f.keeper = TimeKeeper::None, "clock", warn, "No program"),
        (|f| run(f).compared.middle_s = Some(-30.0), "clock", bad, "30.0 s ahead of this machine's"),
        (
            |f| run(f).compared.far = vec![Skew { whose: "source radar-1".into(), behind_s: 61.0 }],
            "clock",
            warn,
            "source radar-1 is 61.0 s behind",
        ),
        (
            |f| run(f).jumps = (2, Some((now().plus_s(-300.0), -3_600.0))),
            "clock",
            warn,
            "jumped 2 times since the start, 5 min ago by -3600.0 s",
        ),
        (|f| f.disk = Some((GIB / 2, 200 * GIB)), "disk", bad, "512 MiB of 200 GiB free"),
        (|f| f.disk = Some((4 * GIB, 200 * GIB)), "disk", warn, "4.0 GiB of 200 GiB free"),
        (|f| run(f).ahead_s = 30.0, "clock", warn, "30 s ahead"),
        (|f| run(f).backup_at = None, "backups", warn, "ever made"),
        (|f| run(f).backup_at = Some(now().plus_s(-300_000.0)), "backups", warn, "3 days old"),
        (
            |f| {
                run(f).push.troubles.insert("the service is not reached.".into(), 2);
            },
            "push",
            warn,
            "2 of 5 phones",
        ),
        (|f| run(f).push.has_contact = false, "push", warn, "no contact"),
        (|f| f.disk = None, "disk", warn, "not known"),
        (|f| f.reserve_bytes = 0, "disk", warn, "reserve_mib = 0"),
        (|f| kept(f).state = RecordState::Full, "record", bad, "is full"),
        (|f| kept(f).state = RecordState::Reserve, "record", bad, "on its reserve"),
        (|f| kept(f).reserve_bytes = None, "record", bad, "reserve is gone"),
        (|f| kept(f).wal_bytes = 300 * MIB, "record", bad, "write-ahead log is 300 MiB"),
        (|f| run(f).unrecorded = true, "record", bad, "before they are written"),
        (|f| run(f).backlog = 7, "record", bad, "7 entries wait"),
        (|f| run(f).longest_commit_s = 1.5, "record", warn, "1.5 s"),
        (
            |f| {
                stop(f);
                f.record = Err("it is damaged".into());
            },
            "record",
            bad,
            "it is damaged",
        ),
        (|f| kept(f).checkpoint = None, "checkpoint", warn, "ever signed"),
        (
            |f| kept(f).checkpoint.as_mut().unwrap().fault = Some("the signature is wrong".into()),
            "checkpoint",
            bad,
            "the signature is wrong",
        ),
        (|f| kept(f).checkpoint.as_mut().unwrap().at = Some(now().plus_s(-900.0)), "checkpoint", warn, "15 min old"),
        (|f| run(f).waiting = [15_000, 0, 0], "queues", bad, "15000 observations"),
        (|f| run(f).waiting = [0, 3_000, 0], "queues", warn, "3000 acts"),
        (|f| run(f).sources.clear(), "sensors", warn, "only people report"),
        (
            |f| {
                let s = &mut run(f).sources[0];
                (s.silent, s.silent_s) = (true, Some(600.0));
            },
            "sensors",
            bad,
            "radar-1 has been silent for 10 min (something should come every 5 s)",
        ),
        (
            |f| {
                let s = &mut run(f).sources[0];
                (s.silent, s.silent_s) = (true, None);
            },
            "sensors",
            bad,
            "radar-1 was never heard",
        ),
        (|f| run(f).sources[0].refused = 200, "sensors", warn, "200 of 1000"),
        (|f| run(f).sources[0].shed = 5, "sensors", warn, "5 observations were shed"),
        (|f| run(f).on_watch = 0, "people", bad, "Nobody is on watch"),
        (|f| run(f).unreachable = 3, "people", warn, "3 of 12 people"),
        (|f| kept(f).people = None, "people", bad, "engines do not answer"),
        (|f| kept(f).people = Some((12, 0)), "administrators", bad, "Nobody is administrator"),
        (|f| kept(f).people = Some((12, 1)), "administrators", warn, "Only one"),
        (
            |f| f.open = vec![Open { path: "/d/checkpoint.key".into(), mode: 0o644 }],
            "files",
            bad,
            "checkpoint.key can be opened by others than its owner (mode 644)",
        ),
        (|f| f.foreign = vec!["/d/record.db".into()], "files", warn, "/d/record.db"),
        (|f| f.has_key = false, "files", bad, "no checkpoint.key"),
        (|f| f.memory = (Some(64 * MIB), Some(4 * GIB)), "machine", bad, "64 MiB of 4.0 GiB"),
        (|f| f.memory = (Some(300 * MIB), Some(4 * GIB)), "machine", warn, "300 MiB of 4.0 GiB"),
        (|f| f.memory = (None, None), "machine", warn, "not known"),
        (|f| run(f).process.open_fds = Some(60_000), "machine", bad, "60000 of 65536"),
        (|f| run(f).process.max_fds = Some(1_024), "machine", warn, "1024"),
    ];
    for (n, (spoil, check, state, says)) in cases.iter().enumerate() {
        let mut f = well();
        spoil(&mut f);
        let all = findings(&f);
        let found = all.iter().find(|x| x.check == *check && x.state == *state && x.says.contains(says));
        let found = found.unwrap_or_else(|| panic!("case {n} ({check}, {says}): {all:#?}"));
        assert!(found.todo.as_ref().is_some_and(|t| t.len() > 10), "what to do: {found:?}");
        // Nothing else is said to be as wrong because of it, but that the centre is stopped.
        let others = all.iter().filter(|x| x.state == State::Bad && x.check != *check).count();
        assert_eq!(others, 0, "case {n}: {all:#?}");
        assert!(worst(&all) >= *state);
    }
}

#[test]
fn a_phone_as_far_off_as_all_others_is_not_named_beside_them() {
    let mut f = well();
    let far = |behind_s| Skew { whose: "a phone".into(), behind_s };
    run(&mut f).compared = Compared { heard: 4, middle_s: Some(-30.0), far: vec![far(-30.2), far(-29.9), far(50.0)] };
    let clock: Vec<_> = findings(&f).into_iter().filter(|x| x.check == "clock" && x.state != State::Ok).collect();
    assert_eq!(clock.len(), 2, "{clock:?}");
    assert!(clock[1].says.contains("50.0 s behind"));
}

#[test]
fn the_words_for_what_was_looked_at_are_a_closed_set_that_the_document_names() {
    let mut f = well();
    f.config = Some("x".into());
    certificate(&mut f, 90.0, &["127.0.0.1"]);
    let said: Vec<&str> = findings(&f).iter().map(|x| x.check).collect();
    for check in CHECKS {
        assert!(said.contains(&check), "nothing is ever said of {check}");
    }
    assert!(said.iter().all(|c| CHECKS.contains(c)));
    let schema: serde_json::Value = serde_json::from_str(include_str!("../http/schemas/doctor.json")).unwrap();
    assert_eq!(schema["Finding"]["properties"]["check"]["enum"], serde_json::json!(CHECKS));
}

#[test]
fn spans_and_sizes_are_said_in_one_unit() {
    for (s, text) in [(0.4, "0 s"), (119.0, "119 s"), (121.0, "2 min"), (7_200.0, "2 h"), (200_000.0, "2 days")] {
        assert_eq!(span(s), text);
    }
    for (n, text) in [(0, "0 MiB"), (1_500 * MIB, "1.5 GiB"), (30 * GIB, "30 GiB")] {
        assert_eq!(bytes(n), text);
    }
}
