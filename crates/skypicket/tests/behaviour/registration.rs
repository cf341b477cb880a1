//! A direction finder that is turned is found out, put right, and shown to the watch officer.

use crate::support::{Centre, Client, Feed, SOON, at, drone_line, items, now_s, until};
use serde_json::{Value, json};

/// A drone flies by that says who and where it is, while a finder which reads its serial points so many degrees beside it.
fn fly_by(feed: &mut Feed, serial: &str, turned_deg: f64) {
    let began = now_s() - 9.0;
    let stands = (900.0, 0.0);
    for k in 0..30 {
        let t = 0.3 * f64::from(k);
        let (east, north) = (300.0 - 12.0 * t, 900.0 + 4.0 * t);
        let mut beacon = drone_line(serial, east, north, 80.0, [-12.0, 4.0, 0.0]);
        beacon["t"] = json!(began + t);
        feed.send(&beacon);
        let azimuth = (east - stands.0).atan2(north - stands.1).to_degrees();
        let (lat, lon) = at(stands.0, stands.1);
        feed.send(&json!({
            "type": "observation", "t": began + t + 0.05, "claims": {"ids": [{"kind": "serial", "value": serial}]},
            "bearing": {"from": [lat, lon, 1_203.0], "from_sigma_m": 2.0, "azimuth_deg": (azimuth + turned_deg).rem_euclid(360.0),
                "azimuth_error": [[1.0, 1.5]], "elevation_deg": null, "range": null},
        }));
    }
}

/// What is known of the only source that brought directions.
fn known(watch: &Client, looks: u64) -> Value {
    until("what was learned of the finder", SOON, || {
        let sources = watch.see("/api/v1/sources");
        let row = items(&sources).iter().find(|s| s["id"] == "radar").cloned()?;
        (row["registration"]["rests_on"].as_u64()? >= looks).then(|| row["registration"].clone())
    })
}

#[test]
fn a_turned_finder_is_put_right_and_one_that_is_turned_too_far_is_only_said_to_be() {
    for (turned, applied) in [(3.0, true), (7.0, false)] {
        let mut centre = Centre::start();
        let watch = centre.person("watch");
        let of =
            |sources: &Value| items(sources).iter().find(|s| s["id"] == "radar").map(|s| s["registration"].clone());
        assert_eq!(of(&watch.see("/api/v1/sources")), Some(Value::Null), "nothing is known before anything was heard");
        let mut feed = Feed::connect(centre.scene.tcp);
        fly_by(&mut feed, "TURNED1", turned);
        let r = known(&watch, 20);
        let azimuth = &r["azimuth_deg"];
        let (off, sigma) = (azimuth["off"].as_f64().unwrap(), azimuth["sigma"].as_f64().unwrap());
        assert!((off - turned).abs() < 0.7 && sigma < 0.6 && azimuth["sure"] == true, "{r}");
        assert_eq!(
            (&r["applied"], &r["range_m"], &r["elevation_deg"]),
            (&json!(applied), &Value::Null, &Value::Null),
            "{r}"
        );
        // Who looks after machines sees the same.
        let integrator = centre.person("integrator");
        let machines = integrator.see("/api/v1/machines");
        let machine = items(&machines).iter().find(|m| m["source"]["id"] == "radar").unwrap();
        assert_eq!(machine["source"]["registration"]["applied"], json!(applied));
    }
}
