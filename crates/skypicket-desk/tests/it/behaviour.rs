//! One behaviour a test, named by it.

use crate::world::*;
use skypicket_desk::Desk;
use skypicket_model::{Act, Sighting, Time, TrackId, Verdict, entry::ActEntry};
use uuid::Uuid;

#[test]
fn a_sighting_goes_to_the_centre_and_to_the_reporters_own_leadership_at_the_same_moment() {
    let mut d = desk();
    assert_eq!(act(&mut d, "a1", report(sighting(1, "a1")), 0).unwrap().len(), 1);
    let s = d.sighting(sid(1)).unwrap();
    assert_eq!((s.stored_at, s.verdict, &s.leaders), (at(0), Verdict::New, &vec![pid("lead"), pid("chief")]));
    let audience: Vec<_> = d.audience(s).iter().map(ToString::to_string).collect();
    assert_eq!(audience, ["a1", "analyst", "auditor", "chief", "lead", "watch"]);
    for (p, sees) in [("a1", true), ("a2", false), ("b1", false), ("lead", true), ("watch", true)] {
        assert_eq!(!d.visible_to(&pid(p)).is_empty(), sees, "{p}");
    }
    // A leader's own report goes to those above only.
    act(&mut d, "lead", report(sighting(2, "lead")), 0).unwrap();
    assert_eq!(d.sighting(sid(2)).unwrap().leaders, [pid("chief")]);
}

#[test]
fn a_marking_keeps_it_from_leaders_and_centre_but_never_from_its_reporter() {
    let mut d = desk();
    act(&mut d, "b1", report(patrol_only(sighting(1, "b1"))), 0).unwrap();
    assert_eq!(d.visible_to(&pid("b1")).len(), 1);
    assert_eq!(d.visible_to(&pid("watch")).len(), 1);
    let mut dir = directory();
    dir.people.get_mut(&pid("watch")).unwrap().unit = dir.people[&pid("b1")].unit.clone();
    d.configure(&dir);
    assert_eq!(d.visible_to(&pid("watch")).len(), 0);
    assert_eq!(act(&mut d, "watch", see(1), 0), Err("unknown_sighting"));
}

#[test]
fn the_second_and_third_receipts_are_given_once_by_whom_it_was_for() {
    let mut d = desk();
    act(&mut d, "a1", report(sighting(1, "a1")), 0).unwrap();
    assert_eq!(act(&mut d, "auditor", see(1), 1), Err("not_addressed"));
    act(&mut d, "analyst", see(1), 2).unwrap();
    assert_eq!(act(&mut d, "watch", see(1), 3).unwrap(), []);
    act(&mut d, "chief", see(1), 4).unwrap();
    assert_eq!(act(&mut d, "lead", see(1), 5).unwrap(), []);
    let s = d.sighting(sid(1)).unwrap();
    assert_eq!(s.seen_by_centre, Some((pid("analyst"), at(2))));
    assert_eq!(s.seen_by_leadership, Some((pid("chief"), at(4))));
}

#[test]
fn a_decision_keeps_who_when_and_why_and_can_be_changed_with_a_reason() {
    let mut d = desk();
    act(&mut d, "a1", report(sighting(1, "a1")), 0).unwrap();
    act(&mut d, "watch", triage(1, Verdict::Confirmed, ""), 1).unwrap();
    assert_eq!(act(&mut d, "analyst", triage(1, Verdict::Dismissed, " "), 2), Err("already_decided"));
    act(&mut d, "analyst", triage(1, Verdict::Dismissed, "  a balloon "), 3).unwrap();
    let s = d.sighting(sid(1)).unwrap();
    assert_eq!((s.verdict, s.why.as_str()), (Verdict::Dismissed, "a balloon"));
    assert_eq!((s.decided_by.clone(), s.decided_at), (Some(pid("analyst")), Some(at(3))));
}

#[test]
fn a_reporter_takes_a_sighting_back_in_time_and_it_feeds_no_track_any_more() {
    let mut d = desk();
    act(&mut d, "a1", report(sighting(1, "a1")), 0).unwrap();
    act(&mut d, "a1", retract(1), 600).unwrap();
    let s = d.sighting(sid(1)).unwrap();
    assert_eq!((s.retracted_at, s.verdict), (Some(at(600)), Verdict::New));
    assert_eq!(d.fed(sid(1), TrackId(Uuid::from_u128(1))), []);
    assert_eq!(d.open(), 0);
}

#[test]
fn the_track_that_it_fed_is_kept_and_changes_when_tracks_merge() {
    let mut d = desk();
    act(&mut d, "a1", report(sighting(1, "a1")), 0).unwrap();
    for t in [1, 2] {
        let track = TrackId(Uuid::from_u128(t));
        let events = d.fed(sid(1), track);
        assert_eq!(events.len(), 1);
        d.apply(&events[0], at(0));
        assert_eq!(d.sighting(sid(1)).unwrap().track, Some(track));
        assert_eq!(d.fed(sid(1), track), []);
    }
    assert_eq!(d.fed(sid(9), TrackId(Uuid::from_u128(1))), []);
}

/// Sightings 1 (a1), 2 (a1), 3 (a2, retracted), 4 (a1, merged into 1), 5 (a1, confirmed).
fn busy() -> Desk {
    let mut d = desk();
    for (n, by) in [(1, "a1"), (2, "a1"), (3, "a2"), (4, "a1"), (5, "a1")] {
        act(&mut d, by, report(sighting(n, by)), 0).unwrap();
    }
    act(&mut d, "a2", retract(3), 1).unwrap();
    act(&mut d, "watch", merge(4, 1, "same drone"), 1).unwrap();
    act(&mut d, "watch", triage(5, Verdict::Confirmed, ""), 1).unwrap();
    d
}

#[test]
fn each_refusal_says_its_word_and_changes_nothing() {
    let d = busy();
    let before = cbor(&d);
    let s = |n| sighting(n, "a1");
    let long = "x".repeat(Desk::MOST_WHY + 1);
    let table: Vec<(&str, Act, u32, &str)> = vec![
        ("a1", report(Sighting { from_accuracy_m: 0.0, ..s(7) }), 2, "bad_sighting"),
        ("a1", report(Sighting { last_seen: Time::from_micros(0), ..s(7) }), 2, "bad_sighting"),
        ("a1", report(s(1)), 2, "duplicate_sighting"),
        ("a1", report(s(3)), 2, "duplicate_sighting"),
        ("a1", report(sighting(7, "a2")), 2, "not_yours"),
        ("ghost", report(sighting(7, "ghost")), 2, "unknown_person"),
        ("a1", retract(99), 2, "unknown_sighting"),
        ("b1", retract(1), 2, "unknown_sighting"),
        ("lead", retract(2), 2, "not_yours"),
        ("a2", retract(3), 2, "retracted"),
        ("a1", retract(5), 2, "already_decided"),
        ("a1", retract(4), 2, "already_decided"),
        ("a1", retract(1), 2, "others_merged"),
        ("a1", retract(2), 601, "too_late"),
        ("a1", see(1), 2, "not_addressed"),
        ("auditor", see(1), 2, "not_addressed"),
        ("a2", see(1), 2, "unknown_sighting"),
        ("watch", see(99), 2, "unknown_sighting"),
        ("watch", triage(99, Verdict::Confirmed, ""), 2, "unknown_sighting"),
        ("a2", triage(1, Verdict::Confirmed, ""), 2, "unknown_sighting"),
        ("lead", triage(1, Verdict::Confirmed, ""), 2, "not_allowed"),
        ("auditor", triage(1, Verdict::Confirmed, ""), 2, "not_allowed"),
        ("watch", triage(3, Verdict::Confirmed, ""), 2, "retracted"),
        ("watch", triage(1, Verdict::New, "oops"), 2, "not_a_verdict"),
        ("watch", triage(5, Verdict::Confirmed, "again"), 2, "already_decided"),
        ("watch", triage(5, Verdict::Dismissed, "  "), 2, "already_decided"),
        ("watch", triage(1, Verdict::Dismissed, "\t"), 2, "why_needed"),
        ("watch", triage(1, Verdict::Dismissed, &long), 2, "why_too_long"),
        ("watch", merge(1, 2, ""), 2, "why_needed"),
        ("watch", merge(1, 1, "same"), 2, "merge_into_itself"),
        ("watch", merge(1, 99, "same"), 2, "merge_into_unknown"),
        ("watch", merge(1, 3, "same"), 2, "merge_into_retracted"),
        ("watch", merge(1, 4, "same"), 2, "merge_cycle"),
    ];
    for (by, what, seconds, code) in table {
        let got = d.check(&pid(by), &what, at(seconds)).map_err(|r| r.code);
        assert_eq!(got, Err(code), "{by} {what:?}");
        let entry = ActEntry { by: pid(by), via: "web".into(), request: None, act: what };
        assert_eq!(d.decide(&entry, at(seconds)), [], "a refused act decides nothing");
    }
    assert_eq!(cbor(&d), before);
}

#[test]
fn a_longer_way_round_is_a_cycle_too() {
    let mut d = busy();
    act(&mut d, "watch", merge(1, 2, "same"), 2).unwrap();
    assert_eq!(act(&mut d, "watch", merge(2, 4, "same"), 3), Err("merge_cycle"));
    act(&mut d, "watch", merge(2, 5, "same"), 3).unwrap();
}

#[test]
fn of_the_settled_the_newest_are_kept_and_of_the_open_all() {
    let mut d = desk();
    let most = Desk::MOST_SETTLED as u128;
    act(&mut d, "a1", report(sighting(1, "a1")), 0).unwrap();
    for n in 2..most + 12 {
        act(&mut d, "a1", report(sighting(n, "a1")), 0).unwrap();
        act(&mut d, "watch", triage(n, Verdict::Confirmed, ""), 0).unwrap();
    }
    assert_eq!(d.sightings().count(), Desk::MOST_SETTLED + 1);
    assert!(d.sighting(sid(1)).is_some() && d.sighting(sid(11)).is_none() && d.sighting(sid(12)).is_some());
    assert_eq!(d.visible_to(&pid("watch"))[0].sighting.id, sid(most + 11));
}
