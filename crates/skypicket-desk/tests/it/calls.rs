//! What interrupts: the rules as tables, the shelf, floods, the figures, and what holds for any sequence.

use crate::{
    alarms::{TWO, alarm, desk2, hand_back, nid, notice, take, take_over},
    world::*,
};
use proptest::prelude::*;
use skypicket_desk::{Desk, Policy};
use skypicket_model::{
    Act, AlarmId, CallHow, CallReason, Channel, DeskEvent, Incident, Level, NoticeState, ShelfEnd, TrackId, Verdict,
    entry::{ActEntry, ChannelState},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

fn track(n: u128) -> TrackId {
    TrackId(Uuid::from_u128(n))
}

fn report_alarm(n: u128) -> AlarmId {
    AlarmId::Sighting(sid(n))
}

fn shelve(alarms: &[AlarmId], for_s: u32, why: &str) -> Act {
    Act::ShelveAlarm { alarms: alarms.to_vec(), for_s, why: why.into() }
}

fn unshelve(alarms: &[AlarmId]) -> Act {
    Act::UnshelveAlarm { alarms: alarms.to_vec() }
}

fn touched(events: &[DeskEvent]) -> Vec<AlarmId> {
    let of = |e: &DeskEvent| match e {
        DeskEvent::Sighting { state } => Some(AlarmId::Sighting(state.sighting.id)),
        DeskEvent::Alarm { state } => Some(state.alarm),
        DeskEvent::Shelf { change } => Some(change.alarm),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// Asks those alarms whether they call, as the engines do, and applies what they say.
fn ask(d: &mut Desk, alarms: &[AlarmId], seconds: u32) -> Vec<DeskEvent> {
    let mut all = Vec::new();
    for a in d.in_calling_order(alarms) {
        for e in d.call(a, at(seconds)) {
            d.apply(&e, at(seconds));
            all.push(e);
        }
    }
    all
}

/// A second passes.
fn tick(d: &mut Desk, seconds: u32) -> Vec<DeskEvent> {
    d.absorb_tick(at(seconds));
    let mut all: Vec<DeskEvent> = d.flood_end(at(seconds)).into_iter().collect();
    for e in &all {
        d.apply(e, at(seconds));
    }
    let due = d.due(at(seconds));
    all.extend(ask(d, &due, seconds));
    all
}

/// Warnings of drones come or change in one moment.
fn warn(d: &mut Desk, warnings: &[(u128, u128, Level)], seconds: u32) -> Vec<(AlarmId, CallHow)> {
    for (n, t, level) in warnings {
        d.hear(&notice(*n, *t, *level, NoticeState::Updated));
        for e in d.raised(nid(*n), at(seconds)) {
            d.apply(&e, at(seconds));
        }
    }
    let ids: Vec<AlarmId> = warnings.iter().map(|(n, ..)| alarm(*n)).collect();
    hows(&ask(d, &ids, seconds))
}

fn does(d: &mut Desk, by: &str, what: Act, seconds: u32) -> Result<Vec<DeskEvent>, &'static str> {
    let mut events = act(d, by, what, seconds)?;
    let asked = touched(&events);
    events.extend(ask(d, &asked, seconds));
    Ok(events)
}

fn hows(events: &[DeskEvent]) -> Vec<(AlarmId, CallHow)> {
    let of = |e: &DeskEvent| match e {
        DeskEvent::Call { call } => Some((call.alarm, call.how)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn why(events: &[DeskEvent]) -> Vec<CallReason> {
    let of = |e: &DeskEvent| match e {
        DeskEvent::Call { call } => Some(call.why),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// Somebody reports; the alarm's call.
fn reported(d: &mut Desk, n: u128, seconds: u32) -> CallHow {
    hows(&does(d, "a1", report(sighting(n, "a1")), seconds).unwrap())[0].1
}

fn sounding(d: &Desk) -> usize {
    d.alarms().filter(|a| a.sounds).count()
}

use CallHow::{Folded, Grouped, Interrupts, Waits};
use Level::{Advisory, Caution, Urgent};

#[test]
fn one_drone_interrupts_once_and_again_when_it_rises_and_another_drone_for_itself() {
    let mut d = desk2();
    // Twelve people under one drone, in one moment: one interruption, at the highest level.
    let many: Vec<_> = (1..=9).map(|n| (n, 7, if n == 4 { Caution } else { Advisory })).collect();
    let calls = warn(&mut d, &many, 1);
    assert_eq!(calls[0], (alarm(4), Interrupts));
    assert!(calls[1..].iter().all(|(_, how)| *how == Folded) && calls.len() == 9, "{calls:?}");
    assert_eq!(sounding(&d), 9, "each until it is taken");
    assert_eq!(warn(&mut d, &[(1, 7, Advisory)], 2), [], "nothing new");
    assert_eq!(warn(&mut d, &[(1, 7, Urgent)], 3), [(alarm(1), Interrupts)], "it rose above what sounds");
    assert_eq!(warn(&mut d, &[(2, 7, Urgent)], 4), [(alarm(2), Folded)], "that sounds already");
    assert_eq!(warn(&mut d, &[(2, 7, Advisory)], 5), [], "to fall is no call");
    assert_eq!(warn(&mut d, &[(2, 7, Urgent)], 6), [], "nor to come back to where it called already");
    // (Two calls more would be a flood: another desk.)
    let mut d = desk2();
    warn(&mut d, &[(1, 7, Caution)], 1);
    assert_eq!(warn(&mut d, &[(20, 8, Caution)], 7), [(alarm(20), Interrupts)], "another drone");
}

#[test]
fn a_report_that_fed_a_track_folds_into_its_sound_and_sounds_alone_when_the_warning_is_over() {
    let mut d = desk2();
    warn(&mut d, &[(1, 7, Caution)], 1);
    let mut events = act(&mut d, "a1", report(sighting(1, "a1")), 2).unwrap();
    for e in d.fed(sid(1), track(7)) {
        d.apply(&e, at(2));
        events.push(e);
    }
    let asked = touched(&events);
    assert_eq!(hows(&ask(&mut d, &asked, 2)), [(report_alarm(1), Folded)]);
    assert_eq!(d.alarm(report_alarm(1)).unwrap().incident, Incident::Track(track(7)));
    d.hear(&notice(1, 7, Caution, NoticeState::Cleared));
    assert!(d.alarm(report_alarm(1)).unwrap().sounds && sounding(&d) == 1);
    does(&mut d, "watch", triage(1, Verdict::Confirmed, ""), 3).unwrap();
    assert_eq!((sounding(&d), d.alarms().count()), (0, 0));
}

#[test]
fn an_advisory_waits_for_room_and_its_turn_comes_and_a_caution_never_waits() {
    let mut d = desk2();
    let (mut got, mut n) = (Vec::new(), 0);
    // A report every minute for two hours, each decided after 20 s.
    for minute in 0..120 {
        n += 1;
        let s = minute * 60;
        if reported(&mut d, n, s) == Interrupts {
            got.push(s);
        }
        for e in tick(&mut d, s + 10) {
            if matches!(e, DeskEvent::Call { call } if call.how == Interrupts) {
                got.push(s + 10);
            }
        }
        does(&mut d, "watch", triage(n, Verdict::Dismissed, "a bird"), s + 20).unwrap();
    }
    assert_eq!(got, [0, 60, 600, 660, 1_200, 1_260, 3_600, 3_660, 4_200, 4_260, 4_800, 4_860]);
    // One that waits is called when there is room; what is dangerous does not wait.
    let mut d = desk2();
    assert_eq!([1, 2, 3, 4].map(|n| reported(&mut d, n, 1)), [Interrupts, Interrupts, Waits, Waits]);
    assert_eq!((sounding(&d), tick(&mut d, 300)), (2, vec![]));
    assert_eq!(warn(&mut d, &[(1, 7, Caution), (2, 8, Urgent)], 301).len(), 2);
    assert_eq!(sounding(&d), 4);
    assert_eq!(tick(&mut d, 601), [], "the two of 300 s ago count as well");
    let events = tick(&mut d, 901);
    assert_eq!(
        (hows(&events), why(&events)),
        (vec![(report_alarm(3), Interrupts), (report_alarm(4), Interrupts)], vec![CallReason::Waited; 2])
    );
    // Only a level that rises is no advisory any more: it does not wait.
    let mut d = desk2();
    for n in 1..=2 {
        reported(&mut d, n, 1);
    }
    assert_eq!(warn(&mut d, &[(1, 7, Advisory)], 2), [(alarm(1), Waits)]);
    assert_eq!(warn(&mut d, &[(1, 7, Caution)], 3), [(alarm(1), Interrupts)]);
}

fn deaf() -> ChannelState {
    ChannelState::Deaf { why: "timed_out".into() }
}

fn down() -> ChannelState {
    ChannelState::Down { why: "no_connection".into() }
}

#[test]
fn a_channel_that_is_down_is_an_alarm_after_two_minutes_and_one_only_until_it_is_up() {
    let mut d = desk2();
    let sms = AlarmId::Channel(Channel::Sms);
    // Down and up again within two minutes, again and again: nobody is interrupted.
    for k in 0..20 {
        d.absorb_channel(Channel::Sms, &down(), at(k * 100));
        assert_eq!(ask(&mut d, &[sms], k * 100), []);
        assert_eq!(tick(&mut d, k * 100 + 99), []);
        d.absorb_channel(Channel::Sms, &ChannelState::Up, at(k * 100 + 99));
    }
    d.absorb_channel(Channel::Sms, &down(), at(3_000));
    assert_eq!((tick(&mut d, 3_119), d.alarm(sms)), (vec![], None));
    assert_eq!(hows(&tick(&mut d, 3_120)), [(sms, Interrupts)]);
    let open = d.alarm(sms).unwrap();
    assert_eq!((open.since, open.down_since, open.call.unwrap().level), (at(3_120), Some(at(3_000)), Caution));
    // It is said to be down again, it takes messages and no test comes round, it is down again: the same alarm.
    for (k, state) in [down(), deaf(), down(), deaf()].iter().enumerate() {
        let s = 3_121 + u32::try_from(k).unwrap() * 200;
        d.absorb_channel(Channel::Sms, state, at(s));
        assert_eq!(ask(&mut d, &[sms], s), []);
        assert_eq!(tick(&mut d, s + 150), []);
        assert_eq!((d.alarms().count(), d.alarm(sms).unwrap().down_since.is_some()), (1, *state == down()));
    }
    does(&mut d, "watch", take(&[sms], ""), 4_000).unwrap();
    d.absorb_channel(Channel::Sms, &ChannelState::Up, at(4_001));
    assert_eq!((d.alarms().count(), d.kept_hands()), (0, 0));
    // Each channel for itself, in one moment; and after a start it is found out anew.
    let all = [Channel::Sms, Channel::Mail, Channel::Webhook];
    for c in all {
        d.absorb_channel(c, &down(), at(5_000));
    }
    assert_eq!(hows(&tick(&mut d, 5_200)).len(), 3);
    d.absorb_start(false, at(5_300));
    assert_eq!((tick(&mut d, 5_900), d.alarms().count()), (vec![], 0));
    d.absorb_channel(Channel::Sms, &down(), at(6_000));
    assert_eq!(why(&tick(&mut d, 6_120)), [CallReason::New]);
}

#[test]
fn a_channel_that_does_not_work_is_a_caution_of_its_own_until_it_works() {
    let mut d = desk2();
    d.absorb_channel(Channel::Sms, &deaf(), at(1));
    let channel = AlarmId::Channel(Channel::Sms);
    assert_eq!(hows(&ask(&mut d, &[channel], 1)), [(channel, Interrupts)]);
    let open = d.alarm(channel).unwrap();
    assert_eq!((open.incident, open.call.unwrap().level), (Incident::Channel(Channel::Sms), Caution));
    d.absorb_channel(Channel::Sms, &deaf(), at(2));
    assert_eq!(ask(&mut d, &[channel], 2), []);
    does(&mut d, "watch", shelve(&[channel], 1_800, "the provider knows"), 3).unwrap();
    d.absorb_channel(Channel::Sms, &ChannelState::Up, at(4));
    assert_eq!((d.alarm(channel), d.figures(at(4)).shelved), (None, 0));
    d.absorb_channel(Channel::Sms, &deaf(), at(5));
    assert_eq!(why(&ask(&mut d, &[channel], 5)), [CallReason::New]);
}

#[test]
fn what_falls_out_of_a_hand_calls_again() {
    let mut d = desk2();
    warn(&mut d, &[(1, 7, Caution)], 1);
    does(&mut d, "watch", take(&[alarm(1)], ""), 2).unwrap();
    assert_eq!(sounding(&d), 0);
    let events = does(&mut d, "watch", hand_back(&[alarm(1)], "called away"), 3).unwrap();
    assert_eq!((why(&events), hows(&events)), (vec![CallReason::Dropped], vec![(alarm(1), Interrupts)]));
    does(&mut d, "watch", take(&[alarm(1)], ""), 4).unwrap();
    assert_eq!(why(&does(&mut d, "watch2", take_over("watch", ""), 5).unwrap()), []);
    d.absorb_page(&pid("watch2"), false, at(6));
    let gone = d.absences(at(66));
    for e in &gone {
        d.apply(e, at(66));
    }
    let asked = touched(&gone);
    assert_eq!(why(&ask(&mut d, &asked, 66)), [CallReason::Dropped]);
    assert_eq!(sounding(&d), 1);
}

#[test]
fn a_flood_groups_by_incident_silently_lets_higher_levels_through_and_ends_late() {
    let mut d = desk2();
    // Nine drones in nine seconds: each sounds. With the eleventh call it is a flood.
    for s in 1..=9 {
        let n = u128::from(s);
        assert_eq!(warn(&mut d, &[(n, n, Caution)], s), [(alarm(n), Interrupts)]);
    }
    assert_eq!(warn(&mut d, &[(10, 1, Caution)], 10), [(alarm(10), Folded)]);
    assert_eq!(d.flood_since(), None);
    does(&mut d, "watch", take(&[alarm(1), alarm(10)], ""), 11).unwrap();
    does(&mut d, "watch2", take(&[alarm(10)], "mine"), 11).unwrap();
    d.hear(&notice(11, 1, Caution, NoticeState::Raised));
    let events = ask(&mut d, &[alarm(11)], 12);
    assert!(matches!(events[0], DeskEvent::Flood { change } if change.on && change.calls == 11), "{events:?}");
    assert_eq!((hows(&events), d.flood_since()), (vec![(alarm(11), Grouped)], Some(at(12))));
    let listed = d.alarm(alarm(11)).unwrap();
    assert!(!listed.sounds && !listed.in_hand && listed.incident == Incident::Track(track(1)), "listed, silent");
    assert_eq!(warn(&mut d, &[(12, 2, Caution)], 13), [(alarm(12), Folded)], "that group sounds still");
    assert_eq!(warn(&mut d, &[(13, 20, Caution)], 13), [(alarm(13), Interrupts)], "a new incident sounds once");
    assert_eq!(warn(&mut d, &[(11, 1, Urgent)], 14), [(alarm(11), Interrupts)], "a higher level breaks through");
    // Somebody gives one back in the flood: that is said.
    let events = does(&mut d, "watch", hand_back(&[alarm(1)], "x"), 15).unwrap();
    assert_eq!(hows(&events), [(alarm(1), Folded)]);
    does(&mut d, "watch", take(&[alarm(1), alarm(11)], ""), 16).unwrap();
    assert_eq!(warn(&mut d, &[(14, 1, Caution)], 17), [(alarm(14), Grouped)]);
    // It is over at five calls in ten minutes, not at ten, and not only when all is quiet.
    assert!((18..=611).all(|s| tick(&mut d, s).is_empty()), "ten to six calls are still a flood");
    let events = tick(&mut d, 612);
    assert!(matches!(events[0], DeskEvent::Flood { change } if !change.on && change.calls == 5), "{events:?}");
    assert_eq!((d.flood_since(), hows(&events)), (None, vec![(alarm(14), Interrupts)]), "what was silent calls now");
    assert_eq!(d.figures(at(700)).floods, 1);
}

#[test]
fn each_refusal_to_shelve_has_its_case() {
    let mut d = desk2();
    let mut dir = directory();
    for (id, roles) in [("watch2", vec![skypicket_model::Role::Watch]), ("a1", vec![skypicket_model::Role::Watch])] {
        let mut p = dir.people[&pid("watch")].clone();
        (p.id, p.roles) = (pid(id), roles.into_iter().collect());
        dir.people.insert(p.id.clone(), p);
    }
    d.configure(&dir);
    does(&mut d, "a1", report(sighting(1, "a1")), 0).unwrap();
    does(&mut d, "a2", report(sighting(2, "a2")), 0).unwrap();
    let events = d.fed(sid(1), track(7));
    for e in &events {
        d.apply(e, at(0));
    }
    warn(&mut d, &[(1, 7, Caution), (2, 8, Urgent), (3, 9, Caution)], 0);
    does(&mut d, "watch", take(&[alarm(3)], ""), 1).unwrap();
    let (one, urgent, mine) = ([alarm(1)], [alarm(2)], [alarm(3)]);
    let long = "x".repeat(Desk::MOST_WHY + 1);
    for (by, what, expect) in [
        ("analyst", shelve(&one, 60, "x"), Err("not_watch")),
        ("lead", unshelve(&one), Err("not_watch")),
        ("watch", shelve(&[], 60, "x"), Err("bad_alarms")),
        ("watch", shelve(&[alarm(9)], 60, "x"), Err("unknown_alarm")),
        ("watch", shelve(&one, 60, " "), Err("why_needed")),
        ("watch", shelve(&one, 60, &long), Err("why_too_long")),
        ("watch", shelve(&one, 9, "x"), Err("bad_shelf_time")),
        ("watch", shelve(&one, 1_801, "x"), Err("bad_shelf_time")),
        ("watch", shelve(&urgent, 301, "x"), Err("bad_shelf_time")),
        ("watch", shelve(&[alarm(1), alarm(2)], 301, "x"), Err("bad_shelf_time")),
        ("watch", shelve(&mine, 60, "x"), Err("in_hand")),
        ("watch2", shelve(&mine, 60, "x"), Err("in_hand")),
        // Who reported it, and who reported what the warning is made of.
        ("a1", shelve(&[report_alarm(1)], 60, "x"), Err("own_alarm")),
        ("a1", shelve(&one, 60, "x"), Err("own_alarm")),
        ("a1", shelve(&[report_alarm(2), alarm(1)], 60, "x"), Err("own_alarm")),
        ("watch", unshelve(&one), Err("not_shelved")),
        ("a1", shelve(&urgent, 300, "x"), Ok(1)),
        ("watch", shelve(&one, 1_800, " works there "), Ok(1)),
        ("watch2", shelve(&one, 60, "x"), Err("already_shelved")),
        ("watch2", unshelve(&[alarm(1), alarm(3)]), Ok(1)),
        ("watch2", shelve(&[report_alarm(1), report_alarm(2)], 60, "x"), Ok(2)),
    ] {
        let got = act(&mut d, by, what.clone(), 2).map(|e| e.len());
        assert_eq!(got, expect, "{by}: {what:?}");
    }
}

#[test]
fn what_is_shelved_is_silent_until_its_time_is_over_it_rises_is_taken_or_somebody_ends_it() {
    let shelved = || {
        let mut d = desk2();
        warn(&mut d, &[(1, 7, Caution)], 1);
        does(&mut d, "watch", shelve(&[alarm(1)], 600, " a survey, they say "), 10).unwrap();
        assert_eq!(sounding(&d), 0);
        d
    };
    let end = |events: &[DeskEvent]| match &events[0] {
        DeskEvent::Shelf { change } => (change.ended, change.by.clone()),
        e => panic!("{e:?}"),
    };
    let mut d = shelved();
    let s = d.alarm(alarm(1)).unwrap().shelved.unwrap().clone();
    assert_eq!((s.by, s.at, s.until, s.why.as_str()), (pid("watch"), at(10), at(610), "a survey, they say"));
    assert_eq!((tick(&mut d, 609), warn(&mut d, &[(1, 7, Caution)], 609)), (vec![], vec![]));
    let events = tick(&mut d, 610);
    assert_eq!((end(&events), why(&events)), ((Some(ShelfEnd::Expired), None), vec![CallReason::Back]));
    assert_eq!((sounding(&d), tick(&mut d, 611)), (1, vec![]), "once");

    let mut d = shelved();
    d.hear(&notice(1, 7, Urgent, NoticeState::Updated));
    let events = ask(&mut d, &[alarm(1)], 20);
    assert_eq!((end(&events), why(&events)), ((Some(ShelfEnd::Higher), None), vec![CallReason::Higher]));
    assert_eq!(sounding(&d), 1);

    let mut d = shelved();
    let events = does(&mut d, "watch2", unshelve(&[alarm(1)]), 20).unwrap();
    assert_eq!(
        (end(&events), why(&events)),
        ((Some(ShelfEnd::Unshelved), Some(pid("watch2"))), vec![CallReason::Back])
    );

    let mut d = shelved();
    does(&mut d, "watch2", take(&[alarm(1)], ""), 20).unwrap();
    let a = d.alarm(alarm(1)).unwrap();
    assert!(a.in_hand && a.shelved.is_none());

    // Another warning of the same drone is another alarm; over is over.
    let mut d = shelved();
    assert_eq!(warn(&mut d, &[(2, 7, Caution)], 20), [(alarm(2), Interrupts)]);
    d.hear(&notice(1, 7, Caution, NoticeState::Cleared));
    assert_eq!((d.alarm(alarm(1)), d.figures(at(21)).shelved), (None, 0));
    // The shift change says how many there are.
    let mut d = shelved();
    does(&mut d, "watch2", take_over("watch", ""), 30).unwrap();
    assert_eq!(d.shift().unwrap().shelved, 1);
}

#[test]
fn the_figures_say_how_often_whom_and_how_fast() {
    let mut d = Desk::new();
    let mut dir = directory();
    let mut second = dir.people[&pid("watch")].clone();
    second.id = pid("watch2");
    second.name = "watch2".into();
    dir.people.insert(second.id.clone(), second);
    d.configure(&dir);
    d.set_policy(Policy { standing_s: 100.0, stale_s: 4_000.0, ..Policy::default() });
    d.absorb_tick(at(0));
    let none = d.figures(at(0));
    assert_eq!((none.shares, none.taken_p50_s, none.per_10_min, none.officers.len()), (None, None, 0.0, 0));
    d.absorb_page(&pid("watch"), true, at(0));
    d.absorb_page(&pid("a1"), true, at(0));
    warn(&mut d, &[(1, 1, Urgent)], 100);
    d.absorb_page(&pid("watch2"), true, at(200));
    warn(&mut d, &[(2, 2, Caution), (3, 2, Caution), (4, 3, Advisory)], 300);
    d.absorb_page(&pid("watch"), false, at(1_200));
    warn(&mut d, &[(5, 5, Caution)], 1_500);
    does(&mut d, "watch2", take(&[alarm(1)], ""), 1_600).unwrap();
    does(&mut d, "watch2", take(&[alarm(2), alarm(3)], ""), 1_601).unwrap();
    does(&mut d, "watch2", shelve(&[alarm(5)], 1_800, "x"), 1_700).unwrap();
    let f = d.figures(at(3_600));
    // The advisory had to wait: two had interrupted.
    assert_eq!((f.calls.urgent, f.calls.caution, f.calls.advisory), (1, 3, 1));
    assert_eq!((f.interruptions, f.peak_10_min, f.per_10_min), (3, 2, 0.5));
    assert!((f.shares.unwrap().caution - 0.6).abs() < 1e-9);
    assert_eq!((f.taken, f.taken_p50_s, f.taken_p95_s), (3, Some(1_301.0), Some(1_500.0)));
    // The world began at the Unix second 1,000 and the warnings say that they were raised at 0.
    assert_eq!((f.open, f.untaken, f.standing, f.shelved, f.stale), (5, 1, 1, 1, 0));
    assert_eq!(d.figures(at(4_000)).stale, 5);
    let officers: Vec<_> =
        f.officers.iter().map(|o| (o.name.as_str(), o.interruptions, o.peak_10_min, o.taken)).collect();
    assert_eq!(officers, [("watch", 2, 2, 0), ("watch2", 2, 1, 3)], "who was here, and of the watch");
    assert_eq!((f.officers[0].until, f.officers[0].per_10_min), (Some(at(1_200)), 1.0));
    assert!((f.officers[1].per_10_min - 2.0 / (3_400.0 / 600.0)).abs() < 1e-9);
    // Back within half an hour: the same shift; later, another.
    d.absorb_page(&pid("watch"), true, at(1_201));
    assert_eq!(d.figures(at(3_600)).officers[0].since, at(0));
    d.absorb_start(false, at(3_700));
    d.absorb_page(&pid("watch"), true, at(5_600));
    let o = d.figures(at(5_600)).officers[0].clone();
    assert_eq!((o.since, o.interruptions), (at(5_600), 0));
    // What is long ago is in no figure any more.
    let f = d.figures(at(1_600 + 28_801));
    assert_eq!((f.interruptions, f.taken, f.calls.urgent), (0, 2, 0));
    assert_eq!(d.totals().interruptions, 3);
}

#[derive(Debug, Clone)]
enum Doing {
    Act(&'static str, Act),
    Hear(u128, u128, Level, NoticeState),
    Fed(u128, u128),
    Page(&'static str, bool),
    Channel(Channel, ChannelState),
    Start,
    Tick,
}

fn channel() -> impl Strategy<Value = Channel> {
    prop::sample::select(&[Channel::Sms, Channel::Mail][..])
}

fn doing() -> impl Strategy<Value = Doing> {
    let officer = || prop::sample::select(&["watch", "watch2", "analyst"][..]);
    let ids = || {
        let one = prop_oneof![
            4 => (1u128..20).prop_map(alarm),
            2 => (1u128..9).prop_map(report_alarm),
            1 => channel().prop_map(AlarmId::Channel)
        ];
        prop::collection::vec(one, 1..6)
    };
    let level = || prop::sample::select(&[Advisory, Advisory, Caution, Urgent][..]);
    let state = prop::sample::select(
        &[NoticeState::Raised, NoticeState::Updated, NoticeState::Updated, NoticeState::Cleared][..],
    );
    prop_oneof![
        8 => (1u128..20, 1u128..5, level(), state).prop_map(|(n, t, l, s)| Doing::Hear(n, t, l, s)),
        4 => (1u128..9, prop::sample::select(&["a1", "watch"][..])).prop_map(|(n, p)| Doing::Act(p, report(sighting(n, p)))),
        1 => (1u128..9).prop_map(|n| Doing::Act("watch", triage(n, Verdict::Dismissed, "bird"))),
        1 => (1u128..9, 1u128..5).prop_map(|(n, t)| Doing::Fed(n, t)),
        2 => (officer(), ids()).prop_map(|(p, a)| Doing::Act(p, take(&a, "why"))),
        1 => (officer(), ids()).prop_map(|(p, a)| Doing::Act(p, hand_back(&a, "why"))),
        2 => (officer(), ids(), 10u32..400).prop_map(|(p, a, s)| Doing::Act(p, shelve(&a, s, "why"))),
        1 => (officer(), ids()).prop_map(|(p, a)| Doing::Act(p, unshelve(&a))),
        1 => (officer(), prop::sample::select(&TWO[..])).prop_map(|(p, f)| Doing::Act(p, take_over(f, "note"))),
        1 => (officer(), any::<bool>()).prop_map(|(p, open)| Doing::Page(p, open)),
        2 => (channel(), prop::sample::select(vec![ChannelState::Up, deaf(), down(), down()]))
            .prop_map(|(c, s)| Doing::Channel(c, s)),
        1 => Just(Doing::Start),
        6 => Just(Doing::Tick),
    ]
}

/// What follows from inputs alone.
fn absorb(d: &mut Desk, what: &Doing, seconds: u32) {
    match what {
        Doing::Hear(n, t, l, s) => d.hear(&notice(*n, *t, *l, *s)),
        Doing::Page(p, open) => d.absorb_page(&pid(p), *open, at(seconds)),
        Doing::Channel(c, state) => d.absorb_channel(*c, state, at(seconds)),
        Doing::Start => d.absorb_start(false, at(seconds)),
        Doing::Tick => d.absorb_tick(at(seconds)),
        Doing::Act(..) | Doing::Fed(..) => {}
    }
}

/// What the desk decides on it, step by step, as the engines ask it.
fn decide(d: &mut Desk, what: &Doing, seconds: u32) -> Vec<DeskEvent> {
    let now = at(seconds);
    let mut all = match what {
        Doing::Act(by, what) => {
            d.decide(&ActEntry { by: pid(by), via: "web".into(), request: None, act: what.clone() }, now)
        }
        Doing::Fed(n, t) => d.fed(sid(*n), track(*t)),
        Doing::Hear(n, ..) => d.raised(nid(*n), now),
        Doing::Page(..) => d.absences(now),
        Doing::Tick => d.absences(now).into_iter().chain(d.flood_end(now)).collect(),
        Doing::Start | Doing::Channel(..) => Vec::new(),
    };
    for e in &all {
        d.apply(e, now);
    }
    let mut asked = touched(&all);
    match what {
        Doing::Hear(n, ..) => asked.push(alarm(*n)),
        Doing::Channel(c, _) => asked.push(AlarmId::Channel(*c)),
        Doing::Tick => asked.extend(d.due(now)),
        Doing::Start => asked.extend(d.alarms().map(|a| a.alarm)),
        _ => {}
    }
    all.extend(ask(d, &asked, seconds));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_alarm_is_lost_advisories_stay_within_bounds_and_replay_and_snapshot_give_the_same(
        script in prop::collection::vec((doing(), 0u32..90), 1..120),
        split in 0usize..120,
    ) {
        let (mut d, mut replayed, mut restored) = (desk2(), desk2(), desk2());
        let mut now = 1;
        let mut interruptions: Vec<u32> = Vec::new();
        let mut calls: Vec<u32> = Vec::new();
        for (k, (what, pause)) in script.iter().enumerate() {
            now += pause;
            if k == split {
                restored = ciborium::from_reader(&cbor(&restored)[..]).unwrap();
            }
            for desk in [&mut d, &mut replayed, &mut restored] {
                absorb(desk, what, now);
            }
            let before = d.clone();
            let events = decide(&mut d, what, now);
            prop_assert_eq!(&events, &decide(&mut restored, what, now));
            for e in &events {
                replayed.apply(e, at(now));
                let DeskEvent::Call { call } = e else { continue };
                if call.why != CallReason::Waited {
                    calls.push(now);
                }
                if call.how == Interrupts {
                    let within = |s: u32| interruptions.iter().filter(|t| now - **t < s).count();
                    // However many come: what is no danger interrupts no more than people can bear.
                    prop_assert!(call.level > Advisory || (within(600) < 2 && within(3_600) < 6), "{interruptions:?}");
                    interruptions.push(now);
                }
                // What is dangerous never waits, and is silent only where its incident sounded as high in a flood.
                prop_assert!(call.level == Advisory || call.how != Waits);
                prop_assert!(call.how != Grouped || d.flood_since().is_some() || before.flood_since().is_some());
            }
            // A flood is on whenever there were so many calls, and began no earlier than that.
            let recent = calls.iter().filter(|t| now - **t < 600).count();
            prop_assert!(recent <= 10 || d.flood_since().is_some(), "{recent} calls and no flood");
            prop_assert!(d.flood_since().is_none() || before.flood_since().is_some() || recent > 10);
            // Nothing is dropped: each open alarm is in exactly one incident, and in somebody's hand, shelved, or calling.
            let mut groups: BTreeMap<Incident, BTreeSet<AlarmId>> = BTreeMap::new();
            for a in d.alarms() {
                groups.entry(a.incident).or_default().insert(a.alarm);
                prop_assert!(!(a.in_hand && a.shelved.is_some()));
                prop_assert!(!a.sounds || !a.in_hand && a.shelved.is_none());
                if !a.in_hand && a.shelved.is_none() {
                    prop_assert!(a.call.is_some_and(|c| c.incident == a.incident), "{:?}", a);
                    prop_assert!(a.sounds == matches!(a.call.unwrap().how, Interrupts | Folded), "{:?}", a);
                }
                if let (Doing::Tick, Some(s)) = (what, a.shelved) {
                    prop_assert!(s.until > at(now), "shelved beyond its time");
                }
            }
            prop_assert_eq!(groups.values().map(BTreeSet::len).sum::<usize>(), d.alarms().count());
            // What is dangerous and sounds nowhere is in a hand, shelved, or in a flood beside what sounded as high.
            for a in d.alarms().filter(|a| a.level > Some(Advisory) && !a.in_hand && a.shelved.is_none()) {
                prop_assert!(a.sounds || d.flood_since().is_some() || !matches!(what, Doing::Tick), "{:?}", a);
            }
        }
        prop_assert_eq!(cbor(&d), cbor(&replayed));
        prop_assert_eq!(cbor(&d), cbor(&restored));
    }
}
