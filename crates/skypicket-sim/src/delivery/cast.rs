//! [`directory`]: who is who in the simulated world; and the policies that may be in force there.

use skypicket_dispatch::{Policy, policy::LevelsMaybe};
use skypicket_model::{Directory, Position};

/// Three agencies; a unit with two leaders, one with one, one with none; a centre of two officers and an analyst; a siren
/// and a system of another house. `mute` has no channel at all. Nobody's order of channels is another's.
const DIRECTORY: &str = r#"{
"agencies": {"patrol": {"id": "patrol", "name": "Patrol"}, "guard": {"id": "guard", "name": "Guard"},
  "town": {"id": "town", "name": "Town"}},
"units": {
  "alpha": {"id": "alpha", "name": "Alpha", "agency": "patrol", "leadership": ["lead", "chief"]},
  "bravo": {"id": "bravo", "name": "Bravo", "agency": "guard", "leadership": ["boss"]},
  "charlie": {"id": "charlie", "name": "Charlie", "agency": "town"},
  "centre": {"id": "centre", "name": "Centre", "agency": "patrol", "leadership": ["super"]},
  "staff": {"id": "staff", "name": "Staff", "agency": "patrol", "leadership": ["super"]}},
"sites": {
  "post": {"id": "post", "name": "Post", "at": {"lat_deg": 31.7, "lon_deg": -106.4, "alt_hae_m": null}, "unit": "alpha"},
  "gate": {"id": "gate", "name": "Gate", "at": {"lat_deg": 31.8, "lon_deg": -106.5, "alt_hae_m": null}, "unit": "charlie"}},
"people": {
  "a1": {"id": "a1", "name": "A1", "unit": "alpha", "roles": ["field"], "channels": ["web", "push", "sms"],
    "addresses": {"sms": "+15550000001"}},
  "a2": {"id": "a2", "name": "A2", "unit": "alpha", "roles": ["field"], "channels": ["tak", "web"], "tak_uid": "T-2"},
  "a3": {"id": "a3", "name": "A3", "unit": "alpha", "roles": ["field"], "channels": ["tak", "sms", "mail"],
    "addresses": {"sms": "+15550000003", "mail": "a3@example.org"}, "tak_uid": "T-3"},
  "ana": {"id": "ana", "name": "Ana", "unit": "centre", "roles": ["analyst"], "channels": ["web", "mail"],
    "addresses": {"mail": "ana@example.org"}},
  "b1": {"id": "b1", "name": "B1", "unit": "bravo", "roles": ["field"], "channels": ["web", "push", "mail"],
    "addresses": {"mail": "b1@example.org"}},
  "b2": {"id": "b2", "name": "B2", "unit": "bravo", "roles": ["field"], "channels": ["push", "sms"],
    "addresses": {"sms": "+15550000012"}, "subscriptions": [{"level": "caution"}]},
  "boss": {"id": "boss", "name": "Boss", "unit": "bravo", "roles": ["supervisor"], "channels": ["web", "push"]},
  "c1": {"id": "c1", "name": "C1", "unit": "charlie", "roles": ["field"], "channels": ["web", "mail"],
    "addresses": {"mail": "c1@example.org"}},
  "chief": {"id": "chief", "name": "Chief", "unit": "staff", "roles": ["supervisor"], "channels": ["sms", "mail"],
    "addresses": {"sms": "+15550000021", "mail": "chief@example.org"}},
  "house": {"id": "house", "name": "House", "unit": "charlie", "roles": ["device"], "channels": ["webhook"],
    "addresses": {"webhook": "house"}},
  "lead": {"id": "lead", "name": "Lead", "unit": "staff", "roles": ["field", "supervisor"], "channels": ["web", "sms"],
    "addresses": {"sms": "+15550000022"}},
  "mute": {"id": "mute", "name": "Mute", "unit": "bravo", "roles": ["field"], "channels": []},
  "siren": {"id": "siren", "name": "Siren", "unit": "alpha", "roles": ["device"], "channels": ["relay"],
    "addresses": {"relay": "siren"}},
  "super": {"id": "super", "name": "Super", "unit": "centre", "roles": ["supervisor"], "channels": ["web", "push", "sms"],
    "addresses": {"sms": "+15550000031"}},
  "w1": {"id": "w1", "name": "W1", "unit": "centre", "roles": ["watch", "administrator"], "channels": ["web"]},
  "w2": {"id": "w2", "name": "W2", "unit": "centre", "roles": ["watch"], "channels": ["web", "tak"], "tak_uid": "T-9"}}}"#;

const POSITIONS: &str = r#"[
{"person": "a1", "at": {"lat_deg": 31.7, "lon_deg": -106.4, "alt_hae_m": null}, "accuracy_m": 10.0,
 "observed_at": "2026-03-08T06:00:00Z", "via": "web"},
{"person": "b1", "at": {"lat_deg": 31.701, "lon_deg": -106.401, "alt_hae_m": null}, "accuracy_m": 20.0,
 "observed_at": "2026-03-08T06:00:00Z", "via": "web"}]"#;

/// Who is who at the beginning.
pub(crate) fn directory() -> Directory {
    serde_json::from_str(DIRECTORY).unwrap_or_default()
}

/// Who is where, all the time.
pub(crate) fn positions() -> Vec<Position> {
    serde_json::from_str(POSITIONS).unwrap_or_default()
}

/// One of a few sound policies: the default, a hasty one, a patient one, and one whose acknowledgements lapse soon.
pub(crate) fn policy(which: u8) -> Policy {
    let mut p = Policy::default();
    match which % 4 {
        1 => {
            p.retry_s = 1.0;
            p.max_ambiguous = 3;
            p.most_reminders = 4;
            p.supervisor_s = 30.0;
            p.bulletin.supervisor_s = 120.0;
            p.bulletin.acknowledge_s.urgent = 120.0;
        }
        2 => {
            p.max_ambiguous = 1;
            p.most_reminders = 0;
            p.retention_s = 900.0;
            p.bulletin.retention_s = 7_200.0;
        }
        3 => {
            p.lapse_s = LevelsMaybe { urgent: Some(300.0), caution: Some(900.0), advisory: None };
            p.bulletin.lapse_s = LevelsMaybe { urgent: Some(3_600.0), caution: None, advisory: None };
        }
        _ => {}
    }
    p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_and_every_policy_are_sound() {
        let d = directory();
        assert_eq!((d.people.len(), d.problems()), (16, Vec::new()));
        assert_eq!(positions().len(), 2);
        for which in 0..4 {
            policy(which).check().unwrap();
        }
    }
}
