//! Alarms in hand: the rules as tables, and what holds for any sequence of what happens.

use crate::world::*;
use proptest::prelude::*;
use skypicket_desk::{Desk, Policy};
use skypicket_model::{
    Act, AlarmChange, AlarmId, DeskEvent, LatLon, Level, Marking, Notice, NoticeId, NoticeState, ProtectedId, Role,
    Tlp, TrackId, UnitId, Verdict, entry::ActEntry, notice::NoticeFacts,
};
use uuid::Uuid;

pub(crate) const TWO: [&str; 2] = ["watch", "watch2"];

pub(crate) fn nid(n: u128) -> NoticeId {
    NoticeId(Uuid::from_u128(0x900 + n))
}

pub(crate) fn alarm(n: u128) -> AlarmId {
    AlarmId::Notice(nid(n))
}

/// A warning of a track to a site.
pub(crate) fn notice(n: u128, track: u128, level: Level, state: NoticeState) -> Notice {
    Notice {
        id: nid(n),
        version: 1,
        state,
        level,
        at: at(0),
        needs_ack: true,
        marking: Marking::default(),
        exercise: None,
        code: "1234".into(),
        text: String::new(),
        text_es: String::new(),
        expires_at: None,
        about: skypicket_model::About::Warning(skypicket_model::Warning {
            track: TrackId(Uuid::from_u128(track)),
            protected: ProtectedId::Site(UnitId::new(&format!("site{n}")).unwrap()),
            protected_name: String::new(),
            facts: NoticeFacts {
                distance_m: 1.0,
                bearing_deg: 0.0,
                earliest_s: 0.0,
                cpa_m: 0.0,
                p_within_30: 1.0,
                track_at: LatLon { lat_deg: 0.0, lon_deg: 0.0 },
                height_unknown: true,
                by_people_only: false,
            },
            reasons: Vec::new(),
            because: Vec::new(),
        }),
    }
}

/// The usual desk with a second watch officer.
pub(crate) fn desk2() -> Desk {
    let mut dir = directory();
    let mut second = dir.people[&pid("watch")].clone();
    second.id = pid("watch2");
    dir.people.insert(second.id.clone(), second);
    let mut d = Desk::new();
    d.configure(&dir);
    d.set_policy(Policy { away_s: 60.0, ..Policy::default() });
    for p in TWO {
        d.absorb_page(&pid(p), true, at(0));
    }
    d
}

fn raise(d: &mut Desk, n: u128, track: u128, level: Level, seconds: u32) -> usize {
    d.hear(&notice(n, track, level, NoticeState::Raised));
    let events = d.raised(nid(n), at(seconds));
    for e in &events {
        d.apply(e, at(seconds));
    }
    events.len()
}

pub(crate) fn take(alarms: &[AlarmId], why: &str) -> Act {
    Act::TakeAlarm { alarms: alarms.to_vec(), why: why.into() }
}

pub(crate) fn hand_back(alarms: &[AlarmId], why: &str) -> Act {
    Act::HandBack { alarms: alarms.to_vec(), why: why.into() }
}

pub(crate) fn take_over(from: &str, note: &str) -> Act {
    Act::TakeOver { from: pid(from), note: note.into() }
}

fn absences(d: &mut Desk, seconds: u32) -> usize {
    let events = d.absences(at(seconds));
    for e in &events {
        d.apply(e, at(seconds));
    }
    events.len()
}

/// Who has it in hand; who had it, in brackets, when it is in nobody's.
fn hand(d: &Desk, a: AlarmId) -> String {
    let open = d.alarm(a).expect("open");
    let name = open.state.and_then(|s| s.holder.as_ref()).map_or_else(|| "-".to_owned(), ToString::to_string);
    if open.in_hand || name == "-" { name } else { format!("({name})") }
}

#[test]
fn each_refusal_has_its_case() {
    let mut d = desk2();
    raise(&mut d, 1, 1, Level::Caution, 0);
    raise(&mut d, 2, 2, Level::Caution, 0);
    act(&mut d, "a1", report(sighting(1, "a1")), 0).unwrap();
    act(&mut d, "a1", report(sighting(2, "a1")), 0).unwrap();
    act(&mut d, "watch", triage(2, Verdict::Confirmed, ""), 0).unwrap();
    act(&mut d, "watch", take(&[alarm(1)], ""), 1).unwrap();
    let (one, two) = ([alarm(1)], [alarm(2)]);
    let long = "x".repeat(Desk::MOST_WHY + 1);
    let many = vec![alarm(1); Desk::MOST_ALARMS + 1];
    for (by, what, expect) in [
        ("analyst", take(&two, ""), Err("not_watch")),
        ("chief", take(&two, ""), Err("not_watch")),
        ("a1", hand_back(&one, "x"), Err("not_watch")),
        ("auditor", take_over("watch", ""), Err("not_watch")),
        ("watch2", take(&[], ""), Err("bad_alarms")),
        ("watch2", take(&many, ""), Err("bad_alarms")),
        ("watch2", take(&two, &long), Err("why_too_long")),
        ("watch2", take(&[alarm(9)], ""), Err("unknown_alarm")),
        ("watch2", take(&[AlarmId::Sighting(sid(2))], ""), Err("unknown_alarm")),
        ("watch2", take(&one, "  "), Err("taken")),
        ("watch2", take(&[alarm(2), alarm(1)], ""), Err("taken")),
        ("watch2", hand_back(&one, "x"), Err("not_holder")),
        ("watch", hand_back(&two, "x"), Err("not_holder")),
        ("watch", hand_back(&one, " "), Err("why_needed")),
        ("watch", take_over("watch", ""), Err("from_yourself")),
        ("watch", take_over("nobody", ""), Err("unknown_person")),
        // What is taken: again is fine, what is over beside what is open is left out.
        ("watch", take(&one, ""), Ok(0)),
        ("watch2", take(&[alarm(2), alarm(2), alarm(9)], ""), Ok(1)),
        ("watch2", take(&[AlarmId::Sighting(sid(1))], ""), Ok(1)),
        ("watch2", take(&one, "he is on the phone"), Ok(1)),
        ("watch2", hand_back(&[alarm(1), alarm(2)], "lunch"), Ok(2)),
        ("watch2", take_over("watch", "quiet night"), Ok(1)),
    ] {
        let got = act(&mut d, by, what.clone(), 2).map(|e| e.len());
        assert_eq!(got, expect, "{by}: {what:?}");
    }
}

#[test]
fn who_has_it_and_why_is_kept_through_take_from_hand_back_and_shift_change() {
    let mut d = desk2();
    raise(&mut d, 1, 1, Level::Caution, 0);
    let state = |d: &Desk| d.alarm(alarm(1)).unwrap().state.cloned().unwrap();
    assert_eq!((hand(&d, alarm(1)).as_str(), d.alarms().count()), ("-", 1));
    act(&mut d, "watch", take(&[alarm(1)], "not kept"), 1).unwrap();
    let s = state(&d);
    assert_eq!((s.how, s.since, s.why.as_str(), s.before), (AlarmChange::Taken, at(1), "", None));
    act(&mut d, "watch2", take(&[alarm(1)], " closer to it "), 2).unwrap();
    let s = state(&d);
    assert_eq!((s.how, s.why.as_str(), s.before), (AlarmChange::TakenFrom, "closer to it", Some(pid("watch"))));
    act(&mut d, "watch2", hand_back(&[alarm(1)], "fire alarm"), 3).unwrap();
    let s = state(&d);
    assert_eq!((s.holder, s.how, s.why.as_str()), (None, AlarmChange::HandedBack, "fire alarm"));
    assert_eq!((s.before, hand(&d, alarm(1)).as_str()), (Some(pid("watch2")), "-"));
    act(&mut d, "watch", take(&[alarm(1)], ""), 4).unwrap();
    raise(&mut d, 2, 2, Level::Urgent, 4);
    act(&mut d, "watch", take(&[alarm(2)], ""), 4).unwrap();
    act(&mut d, "watch2", take_over("watch", "one drone in the north, twice"), 5).unwrap();
    assert_eq!([hand(&d, alarm(1)), hand(&d, alarm(2))], ["watch2", "watch2"]);
    let shift = d.shift().unwrap();
    assert_eq!((shift.by.clone(), shift.from.clone(), shift.alarms), (pid("watch2"), pid("watch"), 2));
    assert_eq!(shift.note, "one drone in the north, twice");
    // Over: nothing of it is left.
    d.hear(&notice(1, 1, Level::Caution, NoticeState::Cleared));
    assert_eq!((d.alarm(alarm(1)), d.alarms().count()), (None, 1));
    assert_eq!(act(&mut d, "watch2", hand_back(&[alarm(1)], "x"), 6), Err("unknown_alarm"));
}

#[test]
fn a_report_in_hand_is_released_when_it_is_decided_or_taken_back() {
    let mut d = desk2();
    for n in [1, 2] {
        act(&mut d, "a1", report(sighting(n, "a1")), 0).unwrap();
        act(&mut d, "watch", take(&[AlarmId::Sighting(sid(n))], ""), 1).unwrap();
    }
    act(&mut d, "watch2", triage(1, Verdict::Confirmed, ""), 2).unwrap();
    act(&mut d, "a1", retract(2), 2).unwrap();
    assert_eq!((d.alarms().count(), d.kept_hands()), (0, 0));
}

#[test]
fn a_higher_level_needs_a_hand_again_and_a_lower_one_does_not() {
    let mut d = desk2();
    raise(&mut d, 1, 1, Level::Caution, 0);
    act(&mut d, "watch", take(&[alarm(1)], ""), 1).unwrap();
    d.hear(&notice(1, 1, Level::Advisory, NoticeState::Updated));
    assert_eq!(hand(&d, alarm(1)), "watch");
    d.hear(&notice(1, 1, Level::Urgent, NoticeState::Updated));
    assert_eq!(hand(&d, alarm(1)), "(watch)");
    // Handing over does not answer it; taking it does, and anybody may.
    act(&mut d, "watch2", take_over("watch", ""), 2).unwrap();
    assert_eq!(hand(&d, alarm(1)), "(watch2)");
    assert_eq!(act(&mut d, "watch", take(&[alarm(1)], ""), 3).map(|e| e.len()), Ok(1));
    assert_eq!(hand(&d, alarm(1)), "watch");
    // Its holder takes it again at the new level.
    raise(&mut d, 2, 2, Level::Advisory, 4);
    act(&mut d, "watch", take(&[alarm(2)], ""), 4).unwrap();
    d.hear(&notice(2, 2, Level::Caution, NoticeState::Updated));
    act(&mut d, "watch", take(&[alarm(2)], ""), 9).unwrap();
    assert_eq!(hand(&d, alarm(2)), "watch");
    assert_eq!(d.alarm(alarm(2)).unwrap().state.unwrap().since, at(4), "it was theirs all the time");
}

#[test]
fn another_warning_of_a_drone_comes_into_the_hand_that_has_all_of_it() {
    let mut d = desk2();
    raise(&mut d, 1, 7, Level::Urgent, 0);
    raise(&mut d, 2, 7, Level::Caution, 0);
    act(&mut d, "watch", take(&[alarm(1)], ""), 1).unwrap();
    assert_eq!(raise(&mut d, 3, 7, Level::Caution, 2), 0, "one of them is in nobody's hand");
    act(&mut d, "watch", take(&[alarm(2), alarm(3)], ""), 3).unwrap();
    assert_eq!(raise(&mut d, 4, 7, Level::Urgent, 4), 1);
    assert_eq!(d.alarm(alarm(4)).unwrap().state.unwrap().how, AlarmChange::SameDrone);
    assert_eq!(raise(&mut d, 5, 8, Level::Urgent, 4), 0, "another drone");
    act(&mut d, "watch2", take(&[alarm(4)], "mine"), 5).unwrap();
    assert_eq!(raise(&mut d, 6, 7, Level::Caution, 6), 0, "two have it");
    // A higher level than that of the hand needs one.
    raise(&mut d, 10, 9, Level::Advisory, 7);
    act(&mut d, "watch", take(&[alarm(10)], ""), 7).unwrap();
    raise(&mut d, 11, 9, Level::Caution, 8);
    assert_eq!(hand(&d, alarm(11)), "(watch)");
}

#[test]
fn a_holder_without_a_page_for_the_set_time_has_it_in_hand_no_more_and_gets_it_back_on_return() {
    let mut d = desk2();
    raise(&mut d, 1, 1, Level::Caution, 0);
    act(&mut d, "watch", take(&[alarm(1)], ""), 10).unwrap();
    d.absorb_page(&pid("watch"), false, at(20));
    assert_eq!((absences(&mut d, 79), hand(&d, alarm(1)).as_str()), (0, "watch"));
    assert_eq!((absences(&mut d, 80), hand(&d, alarm(1)).as_str()), (1, "(watch)"));
    assert_eq!(absences(&mut d, 81), 0, "said once");
    d.absorb_page(&pid("watch"), true, at(90));
    assert_eq!((absences(&mut d, 90), hand(&d, alarm(1)).as_str()), (1, "watch"));
    // A restart closes every page: the time runs from there.
    d.absorb_start(false, at(100));
    assert_eq!((absences(&mut d, 159), absences(&mut d, 160)), (0, 1));
    // Gone: another takes it without a reason.
    d.absorb_page(&pid("watch2"), true, at(161));
    act(&mut d, "watch2", take(&[alarm(1)], ""), 162).unwrap();
    d.absorb_page(&pid("watch"), true, at(163));
    assert_eq!((absences(&mut d, 163), hand(&d, alarm(1)).as_str()), (0, "watch2"));
    // Taken by a command, without any page: from then on.
    raise(&mut d, 2, 2, Level::Caution, 200);
    d.absorb_page(&pid("watch"), false, at(201));
    act(&mut d, "watch", take(&[alarm(2)], ""), 300).unwrap();
    assert_eq!((absences(&mut d, 359), absences(&mut d, 360)), (0, 1));
    // No longer of the watch: at once.
    let mut dir = directory();
    let mut second = dir.people[&pid("watch")].clone();
    second.id = pid("watch2");
    second.roles = [Role::Analyst].into();
    dir.people.insert(second.id.clone(), second);
    d.configure(&dir);
    assert_eq!((absences(&mut d, 361), hand(&d, alarm(1)).as_str()), (1, "(watch2)"));
    assert_eq!(absences(&mut d, 362), 0);
}

#[test]
fn to_acknowledge_a_warning_that_nobody_has_is_to_take_it() {
    let mut d = desk2();
    raise(&mut d, 1, 1, Level::Urgent, 0);
    let mut acknowledge = |by: &str, s: u32| {
        let events = d.acknowledged(&pid(by), nid(1), at(s));
        for e in &events {
            d.apply(e, at(s));
        }
        (events.len(), hand(&d, alarm(1)))
    };
    assert_eq!(acknowledge("a1", 1), (0, "-".into()), "not of the watch");
    assert_eq!(acknowledge("watch", 2), (1, "watch".into()));
    assert_eq!(acknowledge("watch2", 3), (0, "watch".into()));
}

#[test]
fn what_a_marking_keeps_from_an_officer_is_no_alarm_of_theirs() {
    let mut d = desk2();
    let amber = Marking { tlp: Tlp::Red, named: [pid("watch")].into(), ..Marking::default() };
    d.hear(&Notice { marking: amber, ..notice(1, 1, Level::Urgent, NoticeState::Raised) });
    assert_eq!(act(&mut d, "watch2", take(&[alarm(1)], "x"), 1), Err("unknown_alarm"));
    act(&mut d, "watch", take(&[alarm(1)], ""), 1).unwrap();
    assert_eq!(act(&mut d, "watch2", take_over("watch", ""), 2).unwrap().len(), 1, "only the shift change");
    assert_eq!(hand(&d, alarm(1)), "watch");
}

#[derive(Debug, Clone)]
enum Doing {
    Act(&'static str, Act),
    Hear(u128, u128, Level, NoticeState),
    Page(&'static str, bool),
    Start,
    Look,
}

fn doing() -> impl Strategy<Value = Doing> {
    let officer = || prop::sample::select(&["watch", "watch2", "analyst"][..]);
    let ids = || {
        let one = prop_oneof![(1u128..6).prop_map(alarm), (1u128..4).prop_map(|n| AlarmId::Sighting(sid(n)))];
        prop::collection::vec(one, 1..4)
    };
    let why = || prop::sample::select(&["", "because"][..]);
    let level = prop::sample::select(&[Level::Advisory, Level::Caution, Level::Urgent][..]);
    let state = prop::sample::select(&[NoticeState::Raised, NoticeState::Updated, NoticeState::Cleared][..]);
    prop_oneof![
        4 => (1u128..6, 1u128..3, level, state).prop_map(|(n, t, l, s)| Doing::Hear(n, t, l, s)),
        2 => (1u128..4).prop_map(|n| Doing::Act("a1", report(sighting(n, "a1")))),
        1 => (1u128..4).prop_map(|n| Doing::Act("watch", triage(n, Verdict::Dismissed, "bird"))),
        5 => (officer(), ids(), why()).prop_map(|(p, a, w)| Doing::Act(p, take(&a, w))),
        2 => (officer(), ids(), why()).prop_map(|(p, a, w)| Doing::Act(p, hand_back(&a, w))),
        1 => (officer(), prop::sample::select(&TWO[..])).prop_map(|(p, f)| Doing::Act(p, take_over(f, "note"))),
        2 => (officer(), any::<bool>()).prop_map(|(p, open)| Doing::Page(p, open)),
        1 => Just(Doing::Start),
        3 => Just(Doing::Look),
    ]
}

/// What follows from inputs alone.
fn absorb(d: &mut Desk, what: &Doing, seconds: u32) {
    match what {
        Doing::Hear(n, t, l, s) => d.hear(&notice(*n, *t, *l, *s)),
        Doing::Page(p, open) => d.absorb_page(&pid(p), *open, at(seconds)),
        Doing::Start => d.absorb_start(false, at(seconds)),
        Doing::Act(..) | Doing::Look => {}
    }
}

fn decide(d: &Desk, what: &Doing, seconds: u32) -> Vec<DeskEvent> {
    match what {
        Doing::Act(by, what) => {
            let entry = ActEntry { by: pid(by), via: "web".into(), request: None, act: what.clone() };
            d.decide(&entry, at(seconds))
        }
        Doing::Hear(n, ..) => d.raised(nid(*n), at(seconds)),
        Doing::Page(..) | Doing::Look => d.absences(at(seconds)),
        Doing::Start => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn only_open_alarms_are_held_by_watch_officers_alone_and_replay_and_snapshot_give_the_same(
        script in prop::collection::vec((doing(), 0u32..40), 1..80),
        split in 0usize..80,
    ) {
        let (mut d, mut replayed, mut restored) = (desk2(), desk2(), desk2());
        let mut now = 1;
        for (k, (what, pause)) in script.iter().enumerate() {
            now += pause;
            if k == split {
                restored = ciborium::from_reader(&cbor(&restored)[..]).unwrap();
            }
            for desk in [&mut d, &mut replayed, &mut restored] {
                absorb(desk, what, now);
            }
            let before = d.clone();
            let events = decide(&d, what, now);
            prop_assert_eq!(&events, &decide(&restored, what, now));
            if let Doing::Act(by, a) = what {
                let refused = d.check(&pid(by), a, at(now)).is_err();
                prop_assert!(!refused || events.is_empty());
                // Nobody loses an alarm without a reason.
                if let Act::TakeAlarm { alarms, why } = a && why.is_empty() && !refused {
                    for held in alarms.iter().filter_map(|a| before.alarm(*a)).filter(|a| a.in_hand) {
                        prop_assert_eq!(held.state.and_then(|s| s.holder.clone()), Some(pid(by)));
                    }
                }
            }
            for e in &events {
                d.apply(e, at(now));
                replayed.apply(e, at(now));
                restored.apply(e, at(now));
            }
            for a in d.alarms() {
                let holder = a.state.and_then(|s| s.holder.clone());
                prop_assert!(holder.is_none() || TWO.iter().any(|p| holder == Some(pid(p))));
                if a.in_hand {
                    prop_assert!(a.state.is_some_and(|s| s.level >= a.level && s.gone_at.is_none()) && holder.is_some());
                }
                if let Some(s) = a.state.filter(|s| s.how == AlarmChange::HandedBack) {
                    prop_assert!(s.holder.is_none() && !s.why.is_empty());
                }
            }
            let open: Vec<AlarmId> = d.alarms().map(|a| a.alarm).collect();
            prop_assert_eq!(d.kept_hands(), d.alarms().filter(|a| a.state.is_some()).count());
            for n in 1..6 {
                prop_assert_eq!(d.alarm(alarm(n)).is_some(), open.contains(&alarm(n)));
            }
        }
        prop_assert_eq!(cbor(&d), cbor(&replayed));
        prop_assert_eq!(cbor(&d), cbor(&restored));
    }
}
