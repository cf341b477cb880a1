//! What holds for any sequence of acts.

use crate::world::*;
use proptest::prelude::*;
use skypicket_desk::Desk;
use skypicket_model::{Act, DeskEvent, SightingId, TrackId, Verdict, entry::ActEntry};
use uuid::Uuid;

const PEOPLE: [&str; 7] = ["a1", "a2", "lead", "chief", "b1", "watch", "analyst"];

#[derive(Debug, Clone)]
enum Doing {
    Act(&'static str, Act),
    Fed(SightingId, TrackId),
}

fn doing() -> impl Strategy<Value = Doing> {
    let person = || prop::sample::select(&PEOPLE[..]);
    let id = || 1u128..7;
    let why = || prop::sample::select(&["", "because"][..]);
    let verdict = prop_oneof![
        Just(Verdict::New),
        Just(Verdict::Confirmed),
        Just(Verdict::Dismissed),
        id().prop_map(|n| Verdict::Merged { into: sid(n) }),
        id().prop_map(|n| Verdict::Merged { into: sid(n) }),
    ];
    prop_oneof![
        2 => (id(), person()).prop_map(|(n, p)| Doing::Act(p, report(sighting(n, p)))),
        1 => (id(), person()).prop_map(|(n, p)| Doing::Act(p, retract(n))),
        2 => (id(), person()).prop_map(|(n, p)| Doing::Act(p, see(n))),
        5 => (id(), prop::sample::select(&["watch", "analyst", "a1"][..]), verdict, why())
            .prop_map(|(n, p, v, why)| Doing::Act(p, triage(n, v, why))),
        1 => (id(), 1u128..3).prop_map(|(n, t)| Doing::Fed(sid(n), TrackId(Uuid::from_u128(t)))),
    ]
}

fn decide(d: &Desk, what: &Doing, seconds: u32) -> Vec<DeskEvent> {
    match what {
        Doing::Act(by, what) => {
            let entry = ActEntry { by: pid(by), via: "web".into(), request: None, act: what.clone() };
            d.decide(&entry, at(seconds))
        }
        Doing::Fed(s, t) => d.fed(*s, *t),
    }
}

/// Where merges from here end; `None` when they go round.
fn end(d: &Desk, mut id: SightingId) -> Option<SightingId> {
    for _ in 0..20 {
        match d.sighting(id).map(|s| s.verdict) {
            Some(Verdict::Merged { into }) => id = into,
            _ => return Some(id),
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn merges_never_go_round_receipts_are_first_only_and_replay_and_snapshot_give_the_same(
        script in prop::collection::vec((doing(), 0u32..120), 1..80),
        split in 0usize..80,
    ) {
        let (mut d, mut replayed, mut restored) = (desk(), desk(), desk());
        let mut now = 0;
        for (k, (what, pause)) in script.iter().enumerate() {
            now += pause;
            if k == split {
                restored = ciborium::from_reader(&cbor(&restored)[..]).unwrap();
            }
            let before = d.clone();
            let events = decide(&d, what, now);
            prop_assert_eq!(&events, &decide(&restored, what, now));
            if let Doing::Act(by, a) = what
                && d.check(&pid(by), a, at(now)).is_err()
            {
                prop_assert!(events.is_empty());
            }
            for e in &events {
                d.apply(e, at(now));
                replayed.apply(e, at(now));
                restored.apply(e, at(now));
            }
            for old in before.sightings() {
                let new = d.sighting(old.sighting.id).unwrap();
                prop_assert_eq!(&new.sighting, &old.sighting);
                prop_assert!(old.seen_by_centre.is_none() || new.seen_by_centre == old.seen_by_centre);
                prop_assert!(old.seen_by_leadership.is_none() || new.seen_by_leadership == old.seen_by_leadership);
                // What was taken back can still be seen, and nothing else.
                prop_assert!(old.retracted_at.is_none() || (new.retracted_at, new.verdict) == (old.retracted_at, old.verdict));
            }
            for s in d.sightings() {
                let id = s.sighting.id;
                let ends_at = end(&d, id);
                prop_assert!(ends_at.is_some_and(|e| d.sighting(e).is_some_and(|t| e == id || t.retracted_at.is_none())));
                if matches!(s.verdict, Verdict::Dismissed | Verdict::Merged { .. }) {
                    prop_assert!(!s.why.is_empty() && s.decided_by.is_some());
                }
            }
        }
        prop_assert_eq!(cbor(&d), cbor(&replayed));
        prop_assert_eq!(cbor(&d), cbor(&restored));
    }
}
