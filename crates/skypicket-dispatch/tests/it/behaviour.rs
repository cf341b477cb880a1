//! One behaviour a test, named by it.

use crate::world::*;
use skypicket_dispatch::{Due, Trouble};
use skypicket_model::{
    Channel, DispatchEvent, Level, Marking, NoticeId, NoticeState, ProtectedId, Reached, Tlp, UnitId,
    delivery::{Outcome, Rule},
};
use uuid::Uuid;

fn nid(n: u128) -> NoticeId {
    NoticeId(Uuid::from_u128(n))
}

fn refused(w: &World, p: &str, n: u128, version: u32) -> &'static str {
    w.d.check_acknowledge(&pid(p), nid(n), version).map_or_else(|r| r.code, |()| "taken")
}

// ---- who ----

#[test]
fn a_warning_to_a_person_goes_to_them_and_the_watch_and_nobody_else() {
    let mut w = World::with_web(&["a1", "a2", "b1", "lead", "w1", "w2"]);
    let events = w.send(urgent(1, to_person("a1")));
    assert_eq!(
        w.d.recipients_of(nid(1)),
        [(pid("a1"), Rule::InDanger), (pid("w1"), Rule::Centre), (pid("w2"), Rule::Centre)]
    );
    let to: Vec<_> = attempts(&events).into_iter().map(|a| a.0).collect();
    assert_eq!(to, ["a1", "w1", "w2"]);
}

#[test]
fn a_warning_to_a_site_goes_to_the_people_of_its_unit() {
    let mut w = World::new();
    w.send(urgent(1, to_site()));
    let people: Vec<_> = w.d.recipients_of(nid(1)).into_iter().filter(|(_, r)| *r == Rule::SiteUnit).collect();
    assert_eq!(people, [(pid("a1"), Rule::SiteUnit), (pid("a2"), Rule::SiteUnit)]);
}

#[test]
fn a_watch_officer_in_danger_is_on_the_list_once_and_as_in_danger() {
    let mut w = World::new();
    w.send(urgent(1, to_person("w1")));
    assert_eq!(w.d.recipients_of(nid(1)), [(pid("w1"), Rule::InDanger), (pid("w2"), Rule::Centre)]);
    // What they acknowledge counts for the centre as well.
    w.ack("w1", 1, 1);
    assert!(!w.row(1, "w2").owes);
}

#[test]
fn one_who_may_not_see_it_is_listed_and_gets_nothing() {
    let mut w = World::with_web(&["b1", "w1"]);
    let owner = directory().agency_of(&pid("a1")).cloned();
    let marking = Marking { tlp: Tlp::AmberStrict, owner, ..Marking::default() };
    let events = w.send(skypicket_model::Notice { marking, ..urgent(1, to_person("b1")) });
    assert_eq!(attempts(&events), [("w1".into(), Channel::Web, 1, false)]);
    assert_eq!(w.row(1, "b1").trouble.as_deref(), Some("not_releasable"));
    // They cannot tell it from a notice that does not exist, and no reconnect sends it.
    assert_eq!(w.d.check_receipt(&pid("b1"), nid(1), 1), w.d.check_receipt(&pid("b1"), nid(77), 1));
    assert_eq!(attempts(&w.reach("b1", Channel::Web, true)), []);
    assert_eq!(w.d.open_for(&pid("b1")), []);
    assert_eq!(w.d.by_code(&pid("b1"), "0101"), None);
    // Neither may their leader, so nobody is left: shown as silent.
    assert!(told(&w.pass(31)).contains(&("b1".into(), "-".into())));
}

#[test]
fn a_person_whom_nobody_knows_and_one_without_a_channel_are_shown_with_trouble() {
    let mut w = World::new();
    w.send(urgent(1, to_person("ghost")));
    w.send(urgent(2, to_person("mute")));
    assert_eq!(w.row(1, "ghost").trouble.as_deref(), Some("not_in_directory"));
    assert_eq!(w.row(2, "mute").trouble.as_deref(), Some("no_channel"));
    assert_eq!(w.d.unreachable(&pid("mute")), Some(Trouble::NoChannel));
    assert_eq!(w.d.unreachable(&pid("ghost")), Some(Trouble::NotInDirectory));
}

#[test]
fn a_site_nobody_knows_still_reaches_the_watch() {
    let mut w = World::with_web(&["w1"]);
    let events = w.send(urgent(1, ProtectedId::Site(UnitId::new("nowhere").unwrap())));
    assert_eq!(attempts(&events).len(), 1);
}

// ---- how ----

#[test]
fn the_first_channel_that_is_up_is_tried() {
    let mut w = World::new();
    w.reach("a1", Channel::Tak, true);
    let events = w.send(urgent(1, to_person("a1")));
    assert_eq!(attempts(&events), [("a1".into(), Channel::Tak, 1, false)]);
}

#[test]
fn with_no_channel_up_it_waits_visibly_and_goes_when_one_comes_up() {
    let mut w = World::new();
    w.send(urgent(1, to_person("a1")));
    let row = w.row(1, "a1");
    assert_eq!((row.reached, row.trouble.as_deref()), (Reached::Queued, Some("no_channel_up")));
    assert_eq!(w.d.unreachable(&pid("a1")), Some(Trouble::NoChannelUp));
    let waiting = w.d.deliveries_of(nid(1)).into_iter().find(|d| d.person == pid("a1")).unwrap();
    let sent = sent_to(&w.reach("a1", Channel::Web, true), "a1");
    assert_eq!((sent.id, sent.attempts, sent.may_repeat), (waiting.id, 1, false));
    assert_eq!(w.d.unreachable(&pid("a1")), None);
    assert_eq!(w.row(1, "a1").trouble, None);
}

#[test]
fn accepted_is_sent_and_not_delivered() {
    let mut w = World::with_web(&["a1"]);
    let d = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    assert_eq!(w.row(1, "a1").reached, Reached::Queued);
    w.tell(d.id, 1, Outcome::Accepted);
    assert_eq!(w.row(1, "a1").reached, Reached::Sent);
    assert_eq!(w.d.counts(nid(1)).sent, 1);
    assert_eq!(w.tell(d.id, 1, Outcome::Accepted), []);
}

#[test]
fn no_receipt_in_time_tries_the_next_channel_as_well() {
    let mut w = World::with_web(&["a1"]);
    w.reach("a1", Channel::Tak, true);
    let d = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    w.tell(d.id, 1, Outcome::Accepted);
    assert_eq!(w.row(1, "a1").next.unwrap().what, Due::Receipt);
    assert_eq!(attempts(&w.pass(4)), []);
    assert_eq!(attempts(&w.pass(1)), [("a1".into(), Channel::Tak, 1, true)]);
    assert_eq!(w.row(1, "a1").trouble.as_deref(), Some("no_receipt"));
    // The late receipt of the first channel is as good.
    w.shown("a1", 1, 1);
    let row = w.row(1, "a1");
    assert_eq!((row.reached, row.channel, row.trouble), (Reached::Shown, Some(Channel::Web), None));
    assert_eq!(attempts(&w.pass(9)), []);
}

#[test]
fn a_receipt_in_time_ends_the_tries() {
    let mut w = World::with_web(&["a1"]);
    w.reach("a1", Channel::Tak, true);
    w.send(urgent(1, to_person("a1")));
    w.shown("a1", 1, 1);
    assert_eq!(attempts(&w.pass(14)), []);
    assert_eq!(attempts(&w.reach("a1", Channel::Web, true)), []);
}

#[test]
fn a_sure_failure_goes_to_the_next_channel_at_once() {
    let mut w = World::with_web(&["a1"]);
    w.reach("a1", Channel::Tak, true);
    let d = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    let events = w.tell(d.id, 1, Outcome::Failed("reset".into()));
    assert_eq!(attempts(&events), [("a1".into(), Channel::Tak, 1, false)]);
}

#[test]
fn a_sure_failure_on_the_only_channel_is_repeated_under_the_same_id_without_may_repeat() {
    let mut w = World::with_web(&["a1"]);
    let d = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    assert_eq!(attempts(&w.tell(d.id, 1, Outcome::Failed("reset".into()))), []);
    assert_eq!(w.row(1, "a1").trouble.as_deref(), Some("failed"));
    assert_eq!(w.d.unreachable(&pid("a1")), Some(Trouble::Failed));
    let again = sent_to(&w.pass(5), "a1");
    assert_eq!((again.id, again.attempts, again.may_repeat), (d.id, 2, false));
}

#[test]
fn an_ambiguous_attempt_is_repeated_once_then_the_next_channel_is_tried_and_the_trouble_shown() {
    let mut w = World::with_web(&["a1"]);
    w.reach("a1", Channel::Tak, true);
    let d = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    let again = sent_to(&w.tell(d.id, 1, Outcome::Ambiguous("broke".into())), "a1");
    assert_eq!((again.id, again.channel, again.attempts, again.may_repeat), (d.id, Channel::Web, 2, true));
    // The same callback again is about an older attempt.
    assert_eq!(w.tell(d.id, 1, Outcome::Ambiguous("broke".into())), []);
    let events = w.tell(d.id, 2, Outcome::Ambiguous("broke".into()));
    assert_eq!(attempts(&events), [("a1".into(), Channel::Tak, 1, true)]);
    let row = w.row(1, "a1");
    assert_eq!((row.trouble.as_deref(), row.attempts, row.may_repeat), (Some("ambiguous"), 3, true));
    // Nothing more goes over the first channel until it comes up anew.
    assert_eq!(attempts(&w.pass(29)), []);
    assert_eq!(attempts(&w.reach("a1", Channel::Web, true)), [("a1".into(), Channel::Web, 3, true)]);
}

#[test]
fn a_provider_that_takes_back_its_accepted_causes_no_retry() {
    let mut w = World::with_web(&["a1"]);
    w.reach("a1", Channel::Tak, true);
    let d = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    w.tell(d.id, 1, Outcome::Accepted);
    assert_eq!(w.tell(d.id, 1, Outcome::Failed("bookkeeping".into())), []);
    assert_eq!(w.tell(d.id, 1, Outcome::Ambiguous("bookkeeping".into())), []);
}

#[test]
fn a_broken_connection_goes_to_the_next_channel_at_once_and_again_when_it_is_back() {
    let mut w = World::with_web(&["a1"]);
    w.reach("a1", Channel::Tak, true);
    let d = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    w.tell(d.id, 1, Outcome::Accepted);
    assert_eq!(attempts(&w.reach("a1", Channel::Web, false)), [("a1".into(), Channel::Tak, 1, true)]);
    assert_eq!(w.row(1, "a1").trouble.as_deref(), Some("channel_down"));
    let again = sent_to(&w.reach("a1", Channel::Web, true), "a1");
    assert_eq!((again.id, again.attempts, again.may_repeat), (d.id, 2, true));
}

#[test]
fn receipts_only_move_forward_and_repeats_say_nothing() {
    let mut w = World::with_web(&["a1"]);
    w.send(urgent(1, to_person("a1")));
    w.shown("a1", 1, 1);
    let delivered = Owned::Receipt(pid("a1"), nid(1), 1, Channel::Web, false);
    assert_eq!(w.feed(delivered), []);
    assert_eq!(w.shown("a1", 1, 1), []);
    assert_eq!(w.row(1, "a1").reached, Reached::Shown);
}

#[test]
fn a_receipt_over_a_channel_that_was_not_used_counts() {
    let mut w = World::new();
    w.reach("a1", Channel::Tak, true);
    w.send(urgent(1, to_person("a1")));
    w.shown("a1", 1, 1);
    let row = w.row(1, "a1");
    assert_eq!((row.channel, row.reached), (Some(Channel::Web), Reached::Shown));
}

#[test]
fn a_forged_receipt_or_acknowledgement_is_refused_and_changes_nothing() {
    let mut w = World::with_web(&["a1"]);
    w.send(urgent(1, to_person("a1")));
    let before = cbor(&w.d);
    assert_eq!(refused(&w, "b1", 1, 1), "not_found");
    assert_eq!(refused(&w, "a1", 2, 1), "not_found");
    assert_eq!(refused(&w, "a1", 1, 2), "unknown_version");
    assert_eq!(refused(&w, "a1", 1, 0), "unknown_version");
    assert_eq!(w.shown("b1", 1, 1), []);
    assert_eq!(w.ack("b1", 1, 1), []);
    assert_eq!(w.ack("a1", 1, 9), []);
    assert_eq!(cbor(&w.d), before);
}

// ---- acknowledgement ----

#[test]
fn an_acknowledgement_is_of_one_person_shows_it_and_can_be_repeated() {
    let mut w = World::with_web(&["a1", "a2"]);
    w.send(urgent(1, to_site()));
    assert_eq!(w.ack("a1", 1, 1).len(), 2);
    assert_eq!(w.ack("a1", 1, 1), []);
    let (a1, a2) = (w.row(1, "a1"), w.row(1, "a2"));
    assert_eq!((a1.reached, a1.acknowledged_at, a1.owes), (Reached::Shown, Some(w.now), false));
    assert_eq!((a2.acknowledged_at, a2.owes), (None, true));
    assert!(told(&w.pass(31)).iter().all(|(p, _)| p == "a2"));
}

#[test]
fn acknowledging_a_version_that_a_later_one_asks_anew_for_is_refused_as_superseded() {
    let mut w = World::with_web(&["a1"]);
    w.send(notice(1, 1, NoticeState::Raised, Level::Caution, true, to_person("a1")));
    w.ack("a1", 1, 1);
    w.send(notice(1, 2, NoticeState::Updated, Level::Urgent, true, to_person("a1")));
    let r = w.d.check_acknowledge(&pid("a1"), nid(1), 1).unwrap_err();
    assert_eq!(r.code, "superseded");
    assert!(r.message.contains("newest is version 2"), "{r}");
    assert_eq!(w.ack("a1", 1, 1), []);
    let row = w.row(1, "a1");
    assert_eq!((row.acknowledged_at, row.owes), (None, true));
}

#[test]
fn a_milder_version_releases_nobody_and_the_older_acknowledgement_still_counts() {
    for version in [1, 2] {
        let mut w = World::with_web(&["a1"]);
        w.send(urgent(1, to_person("a1")));
        w.pass(20);
        w.send(notice(1, 2, NoticeState::Updated, Level::Caution, false, to_person("a1")));
        assert!(w.row(1, "a1").owes);
        // Asked 20 s ago; a caution leaves 60 s.
        assert_eq!(told(&w.pass(39)), []);
        assert_eq!(refused(&w, "a1", 1, version), "taken");
        w.ack("a1", 1, version);
        assert!(w.row(1, "a1").acknowledged_at.is_some());
        assert_eq!(told(&w.pass(200)), []);
    }
}

#[test]
fn one_who_comes_onto_the_list_with_a_quiet_version_is_asked_too() {
    let mut w = World::with_web(&["a1", "a2"]);
    let mut d = directory();
    d.people.get_mut(&pid("a2")).unwrap().unit = UnitId::new("bravo").unwrap();
    w.d.configure(&d);
    w.send(urgent(1, to_site()));
    w.d.configure(&directory());
    w.send(notice(1, 2, NoticeState::Updated, Level::Caution, false, to_site()));
    assert!(w.row(1, "a2").owes);
}

#[test]
fn the_chat_code_finds_the_version_that_it_was_sent_with() {
    let mut w = World::new();
    w.send(urgent(1, to_person("a1")));
    w.send(urgent(2, to_person("a1")));
    assert_eq!(w.d.by_code(&pid("a1"), "0101"), Some((nid(1), 1)));
    assert_eq!(w.d.by_code(&pid("a1"), "0201"), Some((nid(2), 1)));
    assert_eq!(w.d.by_code(&pid("a1"), "9999"), None);
    assert_eq!(w.d.by_code(&pid("b1"), "0101"), None);
    w.send(notice(1, 2, NoticeState::Updated, Level::Urgent, true, to_person("a1")));
    assert_eq!(w.d.by_code(&pid("a1"), "0101"), Some((nid(1), 1)));
    assert_eq!(refused(&w, "a1", 1, 1), "superseded");
}

#[test]
fn of_two_notices_with_one_code_the_one_still_owed_is_meant() {
    let mut w = World::new();
    for n in [1, 2] {
        w.send(skypicket_model::Notice { code: "7777".into(), ..urgent(n, to_person("a1")) });
    }
    let (first, v) = w.d.by_code(&pid("a1"), "7777").unwrap();
    w.feed(Owned::Acknowledge(pid("a1"), first, v, Channel::Tak));
    let (second, _) = w.d.by_code(&pid("a1"), "7777").unwrap();
    assert_ne!(first, second);
}

// ---- versions ----

#[test]
fn superseded_while_half_delivered_the_undelivered_get_only_the_new_one_and_the_others_the_correction() {
    let mut w = World::with_web(&["a1"]);
    w.send(urgent(1, to_site()));
    w.shown("a1", 1, 1);
    let second = notice(1, 2, NoticeState::Updated, Level::Caution, false, to_site());
    let events = w.send(second);
    assert!(matches!(events[0], DispatchEvent::Closed { version: 1, .. }), "{events:?}");
    assert_eq!(sent_to(&events, "a1").version, 2);
    let late = deliveries(&w.reach("a2", Channel::Web, true));
    assert_eq!(late.iter().map(|d| d.version).collect::<Vec<_>>(), [2]);
}

#[test]
fn what_a_provider_or_client_says_of_an_older_version_does_not_move_the_newer_one() {
    let mut w = World::with_web(&["a1"]);
    let old = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    w.send(notice(1, 2, NoticeState::Updated, Level::Caution, false, to_person("a1")));
    assert_eq!(w.tell(old.id, 1, Outcome::Failed("x".into())), []);
    assert_eq!(w.shown("a1", 1, 1), []);
    assert_eq!(w.row(1, "a1").reached, Reached::Queued);
}

#[test]
fn the_same_or_an_older_version_again_does_nothing() {
    let mut w = World::with_web(&["a1"]);
    w.send(urgent(1, to_person("a1")));
    w.send(notice(1, 2, NoticeState::Updated, Level::Urgent, false, to_person("a1")));
    for v in [1, 2] {
        assert_eq!(w.send(notice(1, v, NoticeState::Updated, Level::Urgent, true, to_person("a1"))), []);
    }
}

#[test]
fn cleared_is_delivered_quietly_ends_all_clocks_and_is_forgotten_after_the_retention() {
    let mut w = World::with_web(&["a1", "w1"]);
    w.send(urgent(1, to_person("a1")));
    let events = w.send(notice(1, 2, NoticeState::Cleared, Level::Urgent, false, to_person("a1")));
    assert_eq!(sent_to(&events, "a1").version, 2);
    assert!(!w.row(1, "a1").owes);
    assert_eq!(w.d.open_for(&pid("a1")), []);
    assert_eq!(told(&w.pass(300)), []);
    assert_eq!(refused(&w, "a1", 1, 1), "taken");
    w.ack("a1", 1, 1);
    assert!(w.row(1, "a1").acknowledged_at.is_some());
    let events = w.pass(3_300);
    assert!(events.contains(&DispatchEvent::Closed { notice: nid(1), version: 2 }));
    assert_eq!((w.d.kept(), w.d.next_due()), (0, None));
    assert_eq!(w.d.board(nid(1)), []);
    assert_eq!(w.reach("a1", Channel::Web, true), []);
}

// ---- silence ----

#[test]
fn silence_climbs_the_chain_and_ends_with_the_centre_having_to_call() {
    let mut w = World::with_web(&["a1", "lead", "chief", "w1"]);
    w.send(urgent(1, to_person("a1")));
    w.ack("w1", 1, 1);
    assert_eq!(told(&w.pass(29)), []);
    let events = w.pass(1);
    assert_eq!(told(&events), [("a1".into(), "lead".into())]);
    assert_eq!(sent_to(&events, "lead").channel, Channel::Web);
    assert_eq!(w.row(1, "lead").rule, Rule::Escalation);
    assert!(w.row(1, "lead").owes);
    assert_eq!(w.row(1, "lead").carries, [pid("a1")]);
    assert_eq!(told(&w.pass(119)), []);
    assert_eq!(told(&w.pass(1)), [("a1".into(), "chief".into())]);
    assert_eq!(told(&w.pass(120)), [("a1".into(), "-".into())]);
    let row = w.row(1, "a1");
    assert_eq!((row.escalated_to, row.silent, row.owes), (Some(pid("chief")), true, true));
    assert_eq!(told(&w.pass(1_000)), []);
    // A late acknowledgement ends it for everybody.
    w.ack("a1", 1, 1);
    let row = w.row(1, "a1");
    assert_eq!((row.silent, row.acknowledged_at), (false, Some(w.now)));
    assert!(!w.row(1, "lead").owes && !w.row(1, "chief").owes);
}

#[test]
fn a_leader_who_takes_it_stops_the_climb_but_the_silent_one_stays_open() {
    let mut w = World::with_web(&["a1", "lead", "chief", "w1"]);
    w.send(urgent(1, to_person("a1")));
    w.ack("w1", 1, 1);
    w.pass(30);
    w.ack("lead", 1, 1);
    assert_eq!(told(&w.pass(500)), []);
    let row = w.row(1, "a1");
    assert_eq!((row.acknowledged_at, row.owes, row.escalation_answered), (None, true, true));
    assert_eq!(row.escalated_to, Some(pid("lead")));
}

#[test]
fn a_leader_who_had_acknowledged_before_being_told_is_asked_once_more() {
    let mut w = World::new();
    let mut d = directory();
    for p in ["lead", "a1"] {
        d.people.get_mut(&pid(p)).unwrap().unit = UnitId::new("alpha").unwrap();
    }
    w.d.configure(&d);
    w.send(urgent(1, to_site()));
    w.ack("lead", 1, 1);
    w.ack("a2", 1, 1);
    w.ack("w1", 1, 1);
    assert!(!w.row(1, "lead").owes);
    assert_eq!(told(&w.pass(30)), [("a1".into(), "lead".into())]);
    assert!(w.row(1, "lead").owes);
    w.ack("lead", 1, 1);
    assert!(!w.row(1, "lead").owes);
    assert!(w.row(1, "a1").escalation_answered);
    assert_eq!(told(&w.pass(500)), []);
}

#[test]
fn a_version_that_asks_anew_starts_the_clocks_anew() {
    let mut w = World::with_web(&["a1", "lead"]);
    w.send(notice(1, 1, NoticeState::Raised, Level::Caution, true, to_person("a1")));
    assert_eq!(told(&w.pass(60)).len(), 1);
    let events = w.send(notice(1, 2, NoticeState::Updated, Level::Urgent, true, to_person("a1")));
    // The leader had the older version, so gets this one too; nobody need answer for anybody yet.
    assert_eq!(sent_to(&events, "lead").version, 2);
    let row = w.row(1, "a1");
    assert_eq!((row.escalated_to, row.owes), (None, true));
    assert!(!w.row(1, "lead").owes);
    assert_eq!(told(&w.pass(30)), [("a1".into(), "lead".into())]);
}

#[test]
fn an_urgent_warning_that_nobody_at_the_centre_takes_goes_to_its_supervisors() {
    let mut w = World::with_web(&["a1", "w1", "w2", "super", "s9"]);
    w.send(urgent(1, to_person("a1")));
    w.ack("a1", 1, 1);
    assert_eq!(told(&w.pass(59)), []);
    let events = w.pass(1);
    assert_eq!(told(&events), [("w1".into(), "super".into()), ("w2".into(), "super".into())]);
    assert_eq!(attempts(&events).iter().filter(|a| a.0 == "super").count(), 1);
    // Then the supervisors of the watch's own agency: chief, lead, s9; never boss, who is of another.
    assert_eq!(told(&w.pass(120))[0].1, "chief");
    assert_eq!(told(&w.pass(120))[0].1, "lead");
    assert_eq!(told(&w.pass(120))[0].1, "s9");
    assert!(w.row(1, "w1").owes);
    w.ack("s9", 1, 1);
    assert_eq!(told(&w.pass(500)), []);
    assert!(!w.row(1, "super").owes);
}

#[test]
fn one_watch_officer_taking_it_is_enough_and_milder_levels_ask_no_watch() {
    let mut w = World::with_web(&["w1", "w2"]);
    w.send(urgent(1, to_person("a1")));
    w.send(notice(2, 1, NoticeState::Raised, Level::Caution, true, to_person("a1")));
    assert!(w.row(1, "w1").owes && !w.row(2, "w1").owes);
    w.ack("w2", 1, 1);
    let row = w.row(1, "w1");
    assert_eq!((row.owes, row.acknowledged_at), (false, None));
    assert!(told(&w.pass(500)).iter().all(|(p, _)| p == "a1"));
}

// ---- crash ----

#[test]
fn after_a_restart_what_was_handed_over_and_not_confirmed_goes_once_more_under_the_same_id() {
    let mut w = World::with_web(&["a1", "a2", "w1", "w2"]);
    let events = w.send(urgent(1, to_site()));
    let (to_a1, to_a2) = (sent_to(&events, "a1"), sent_to(&events, "a2"));
    w.tell(to_a2.id, 1, Outcome::Accepted);
    w.shown("w1", 1, 1);
    w.ack("w2", 1, 1);
    assert_eq!(attempts(&w.feed(Owned::Started)), []);
    assert_eq!(w.d.channels_up(&pid("a1")), []);
    assert_eq!(w.row(1, "a1").trouble.as_deref(), Some("no_channel_up"));
    let mut again = Vec::new();
    for p in ["a1", "a2", "w1", "w2"] {
        again.extend(deliveries(&w.reach(p, Channel::Web, true)));
    }
    let again: Vec<_> = again.iter().map(|d| (d.id, d.attempts, d.may_repeat)).collect();
    assert_eq!(again, [(to_a1.id, 2, true), (to_a2.id, 2, true)]);
}
