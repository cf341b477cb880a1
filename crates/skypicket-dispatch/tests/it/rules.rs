//! The rules at the head of `lib.rs`: whom a rule means, corrections, reminders, lapses, calls, and ways to people that
//! come and go; one behaviour a test.

use crate::world::*;
use skypicket_model::{
    Area, Audience, CallStatus, Channel, Danger, Directory, DispatchEvent, LatLon, Level, Marking, Notice, NoticeId,
    NoticeState, Place, Position, ProtectedId, Reached, Role, SourceId, Subscription, Time, Tlp, TrackId, UnitId,
    Within,
    danger::Danger as AnyDanger,
    delivery::{Outcome, Rule},
    people::{Duty, Roster},
};
use uuid::Uuid;

const WEB: Channel = Channel::Web;
const SMS: Channel = Channel::Sms;

fn nid(n: u128) -> NoticeId {
    NoticeId(Uuid::from_u128(n))
}

fn uid(s: &str) -> UnitId {
    UnitId::new(s).unwrap()
}

fn issued(n: u128, people: &[&str]) -> Notice {
    bulletin(n, 1, NoticeState::Issued, Level::Urgent, named(people))
}

fn updated(n: u128, version: u32, people: &[&str]) -> Notice {
    bulletin(n, version, NoticeState::Updated, Level::Urgent, named(people))
}

fn recalled(n: u128, version: u32, people: &[&str]) -> Notice {
    bulletin(n, version, NoticeState::Recalled, Level::Urgent, named(people))
}

fn cleared(n: u128, version: u32, protected: ProtectedId) -> Notice {
    notice(n, version, NoticeState::Cleared, Level::Urgent, false, protected)
}

/// To whom and over what.
fn went(events: &[DispatchEvent]) -> Vec<(String, Channel)> {
    attempts(events).into_iter().map(|(p, c, ..)| (p, c)).collect()
}

fn trouble(w: &World, n: u128, p: &str) -> Option<String> {
    w.row(n, p).trouble
}

/// Nothing is left over that should have been done.
fn nothing_due(w: &World) {
    assert!(w.d.next_due().is_none_or(|t| t > w.now), "due {:?} at {}", w.d.next_due(), w.now);
}

// ---- who ----

fn at(lat_deg: f64) -> Place {
    Place { lat_deg, lon_deg: -106.4, alt_hae_m: None }
}

fn stand(w: &mut World, p: &str, lat_deg: f64, accuracy_m: f64) {
    let (person, via) = (pid(p), SourceId::new("web").unwrap());
    let position = Position { person, at: at(lat_deg), accuracy_m, observed_at: w.now, via };
    w.positions.insert(pid(p), position);
}

fn danger(protected: ProtectedId, earliest_s: f64, reason: &str) -> AnyDanger {
    Danger {
        track: TrackId(Uuid::from_u128(9)),
        protected,
        at: Time::default(),
        distance_m: 1.0,
        bearing_deg: 0.0,
        cpa_m: 1.0,
        cpa_in_s: 1.0,
        earliest_s,
        p_within: Within::default(),
        level: None,
        reasons: vec![reason.into()],
    }
}

fn around(lat_deg: f64, radius_m: f64) -> Area {
    Area::Circle { centre: LatLon { lat_deg, lon_deg: -106.4 }, radius_m }
}

#[test]
fn each_rule_means_exactly_its_people() {
    let mut w = World::with(|d| {
        let duty = |p: &str, from: f64, until: f64| Duty {
            person: pid(p),
            from: Time::from_micros(1_000_000_000).plus_s(from),
            until: Time::from_micros(1_000_000_000).plus_s(until),
        };
        let duties = vec![duty("s9", -60.0, 60.0), duty("b1", 60.0, 120.0)];
        d.rosters.insert(uid("desk"), Roster { id: uid("desk"), name: "Desk".into(), unit: uid("centre"), duties });
        d.people.get_mut(&pid("chief")).unwrap().disabled = true;
        let wish = |level, area| Subscription { level, area };
        d.people.get_mut(&pid("boss")).unwrap().subscriptions = vec![wish(Level::Urgent, None)];
        d.people.get_mut(&pid("b1")).unwrap().subscriptions = vec![wish(Level::Advisory, Some(around(40.0, 1.0)))];
        d.people.get_mut(&pid("lead")).unwrap().subscriptions =
            vec![wish(Level::Advisory, Some(around(31.8, 12_000.0)))];
    });
    // 0.001 degree of latitude is 111 m.
    stand(&mut w, "a1", 31.7, 1.0);
    stand(&mut w, "a2", 31.701, 1.0);
    stand(&mut w, "b1", 31.704, 1.0);
    stand(&mut w, "s9", 31.704, 200.0);
    stand(&mut w, "chief", 31.7, 1.0);
    w.dangers = vec![
        danger(to_person("b1"), 50.0, "height_unknown"),
        danger(to_person("lead"), 61.0, "height_unknown"),
        danger(to_person("boss"), 1.0, "own_flight"),
    ];
    w.send(urgent(1, to_person("a1")));
    let all = ["a1", "a2", "b1", "boss", "lead", "mute", "s9", "super", "w1", "w2"];
    let unit = |leadership| Audience::Unit { unit: uid("alpha"), leadership };
    let agency = Audience::Agency { agency: skypicket_model::AgencyId::new("guard").unwrap() };
    for (audience, rule, expected) in [
        (named(&["b1", "chief", "ghost"]).remove(0), Rule::Named, &["b1"][..]),
        (unit(false), Rule::Unit, &["a1", "a2"]),
        (agency, Rule::Agency, &["b1", "boss", "mute"]),
        (Audience::Role { role: Role::Supervisor }, Rule::Role, &["boss", "lead", "s9", "super"]),
        (Audience::OnDuty { roster: uid("desk") }, Rule::OnDuty, &["s9"]),
        (Audience::InArea { area: around(31.7, 150.0) }, Rule::Area, &["a1", "a2"]),
        // How well a place is known counts for them: better one too many than one too few.
        (Audience::InArea { area: around(31.7, 300.0) }, Rule::Area, &["a1", "a2", "s9"]),
        (Audience::InDanger {}, Rule::InDanger, &["a1"]),
        (Audience::InDangerSoon { within_s: 60.0 }, Rule::InDangerSoon, &["b1"]),
        (Audience::Neighbours { within_m: 200.0 }, Rule::Neighbour, &["a2"]),
        (Audience::Subscribers {}, Rule::Subscription, &["boss", "lead"]),
        (Audience::Centre {}, Rule::Role, &["w1", "w2"]),
        (Audience::Everybody {}, Rule::Everybody, &all),
    ] {
        let mut b = bulletin(2, 1, NoticeState::Issued, Level::Urgent, vec![audience.clone()]);
        if let skypicket_model::About::Bulletin(b) = &mut b.about {
            b.area = Some(around(31.7, 1.0));
        }
        let dangers = || w.dangers.clone();
        let situation = skypicket_dispatch::Situation { positions: &w.positions, dangers: &dangers };
        let found: Vec<(String, Rule)> =
            w.d.audience(&b, situation, w.now).into_iter().map(|(p, r)| (p.to_string(), r)).collect();
        let expected: Vec<(String, Rule)> = expected.iter().map(|p| ((*p).to_owned(), rule)).collect();
        assert_eq!(found, expected, "{audience:?}");
    }
    let with_leaders = bulletin(2, 1, NoticeState::Issued, Level::Urgent, vec![unit(true)]);
    let found = w.d.audience(&with_leaders, skypicket_dispatch::Situation::default(), w.now);
    assert_eq!(found[&pid("lead")], Rule::Leadership);
    assert_eq!(found.len(), 3);
}

#[test]
fn of_two_rules_that_mean_somebody_the_one_that_asks_more_counts() {
    let mut w = World::new();
    let audience = [vec![Audience::Subscribers {}, Audience::Everybody {}], named(&["b1"])].concat();
    w.send(bulletin(1, 1, NoticeState::Issued, Level::Urgent, audience));
    assert_eq!((w.row(1, "b1").rule, w.row(1, "a1").rule), (Rule::Named, Rule::Everybody));
}

#[test]
fn the_watch_is_asked_to_take_an_urgent_warning_also_where_everybody_is_told_of_it() {
    let mut w = World::with_web(&["super"]);
    w.policy(|p| p.warnings_also = vec![Audience::Everybody {}]);
    w.send(urgent(1, to_person("a1")));
    assert_eq!((w.row(1, "w1").rule, w.row(1, "b1").rule), (Rule::Centre, Rule::Everybody));
    assert!(w.row(1, "w1").owes && !w.row(1, "b1").owes);
    assert!(told(&w.pass(60)).contains(&("w1".into(), "super".into())));
}

#[test]
fn one_of_the_watch_who_comes_into_danger_themself_is_escalated_as_such_and_once() {
    let mut w = World::with_web(&["super", "lead"]);
    w.change(|d| d.people.get_mut(&pid("w2")).unwrap().roles = [Role::Field].into());
    w.send(urgent(1, to_site()));
    w.change(|d| d.people.get_mut(&pid("w1")).unwrap().unit = uid("alpha"));
    w.send(notice(1, 2, NoticeState::Updated, Level::Urgent, false, to_site()));
    assert_eq!(w.row(1, "w1").rule, Rule::SiteUnit);
    let events = told(&w.pass(400));
    let of_w1: Vec<_> = events.iter().filter(|(p, _)| p == "w1").map(|(_, to)| to.as_str()).collect();
    assert_eq!(of_w1, ["lead", "chief", "-"]);
    nothing_due(&w);
}

#[test]
fn a_warning_about_a_person_goes_to_no_subscriber_who_may_not_know_where_they_are() {
    let everything = vec![Subscription { level: Level::Advisory, area: None }];
    let mut w = World::with(|d| {
        for p in ["b1", "boss", "lead", "s9", "w1"] {
            d.people.get_mut(&pid(p)).unwrap().subscriptions = everything.clone();
        }
    });
    w.policy(|p| p.warnings_also = vec![Audience::Subscribers {}]);
    let on = |w: &World, n| w.d.recipients_of(nid(n)).iter().map(|(p, _)| p.to_string()).collect::<Vec<_>>();
    w.send(urgent(1, to_person("a1")));
    assert_eq!(on(&w, 1), ["a1", "lead", "w1", "w2"]);
    w.send(urgent(2, to_site()));
    assert_eq!(on(&w, 2), ["a1", "a2", "b1", "boss", "lead", "s9", "w1", "w2"]);
    assert!(!w.row(2, "b1").owes);
}

#[test]
fn what_ended_is_news_to_nobody_new() {
    let mut w = World::with_web(&["a1", "b1"]);
    w.send(urgent(1, to_site()));
    w.change(|d| d.people.get_mut(&pid("b1")).unwrap().unit = uid("alpha"));
    let events = w.send(cleared(1, 2, to_site()));
    assert_eq!(went(&events), [("a1".into(), WEB)]);
    assert!(w.d.recipient(nid(1), &pid("b1")).is_none());
}

// ---- corrections ----

#[test]
fn a_correction_goes_where_the_older_version_is_and_where_they_look_first_at_the_same_time() {
    let mut w = World::with(|d| channels_of(d, "b1", &[WEB, SMS]));
    w.channel(SMS, true);
    let events = w.send(issued(1, &["b1"]));
    assert_eq!(went(&events), [("b1".into(), SMS)]);
    w.accept_all(&events);
    w.reach("b1", WEB, true);
    for (version, n) in [(2, updated(1, 2, &["b1"])), (3, recalled(1, 3, &["b1"]))] {
        let events = w.send(n);
        let mut to = went(&events);
        to.sort();
        assert_eq!(to, [("b1".into(), WEB), ("b1".into(), SMS)], "version {version}");
        w.accept_all(&events);
    }
}

#[test]
fn a_correction_reaches_every_channel_that_had_it_although_one_of_them_has_confirmed() {
    let mut w = World::with(|d| channels_of(d, "b1", &[WEB, SMS]));
    w.channel(SMS, true);
    w.reach("b1", WEB, true);
    w.send(issued(1, &["b1"]));
    // No receipt of the page: it went by SMS as well, and then the page has it after all.
    assert_eq!(went(&w.pass(5)), [("b1".into(), SMS)]);
    w.got("b1", 1, 1, WEB);
    w.channel(SMS, false);
    let events = w.send(recalled(1, 2, &["b1"]));
    assert_eq!(went(&events), [("b1".into(), WEB)]);
    w.got("b1", 1, 2, WEB);
    // The gateway is back: who had it by SMS gets the recall by SMS, though their page has it.
    let sent = sent_to(&w.channel(SMS, true), "b1");
    assert_eq!((sent.version, sent.channel), (2, SMS));
    // A sure failure is repeated; with the gateway gone it waits for it, and nothing spins.
    w.tell(sent.id, 1, Outcome::Failed("x".into()));
    assert_eq!(went(&w.pass(5)), [("b1".into(), SMS)]);
    w.tell(sent.id, 2, Outcome::Failed("x".into()));
    w.channel(SMS, false);
    assert_eq!(went(&w.pass(120)), []);
    nothing_due(&w);
    assert_eq!(went(&w.channel(SMS, true)), [("b1".into(), SMS)]);
}

#[test]
fn a_correction_on_its_way_over_a_connection_that_breaks_goes_again_when_it_is_back() {
    let mut w = World::with(|d| channels_of(d, "b1", &[SMS, WEB]));
    w.channel(SMS, true);
    w.reach("b1", WEB, true);
    let events = w.send(issued(1, &["b1"]));
    w.accept_all(&events);
    assert_eq!(went(&w.pass(90)), [("b1".into(), WEB)]);
    w.got("b1", 1, 1, WEB);
    let events = w.send(recalled(1, 2, &["b1"]));
    assert_eq!(attempts(&events).len(), 2);
    let by_sms = deliveries(&events).into_iter().find(|d| d.channel == SMS).unwrap();
    w.tell(by_sms.id, 1, Outcome::Delivered);
    w.reach("b1", WEB, false);
    let again = sent_to(&w.reach("b1", WEB, true), "b1");
    assert_eq!((again.channel, again.attempts, again.may_repeat), (WEB, 2, true));
    w.got("b1", 1, 2, WEB);
    assert_eq!(went(&w.reach("b1", WEB, true)), []);
}

#[test]
fn who_found_it_by_themself_gets_the_correction_there() {
    let mut w = World::with(|d| channels_of(d, "b1", &[SMS, Channel::Push]));
    w.send(issued(1, &["b1"]));
    // Nothing was ever handed to push; their own worker has it.
    w.got("b1", 1, 1, Channel::Push);
    w.reach("b1", Channel::Push, true);
    assert_eq!(went(&w.send(recalled(1, 2, &["b1"]))), [("b1".into(), Channel::Push)]);
}

#[test]
fn a_recall_alarms_nobody_who_never_had_any_of_it() {
    let mut w = World::with(|d| {
        channels_of(d, "b1", &[WEB, SMS]);
        channels_of(d, "boss", &[SMS]);
    });
    w.send(issued(1, &["b1", "boss"]));
    assert_eq!(w.d.counts(nid(1)).unreachable, 2);
    w.send(recalled(1, 2, &["b1", "boss"]));
    assert_eq!(went(&w.channel(SMS, true)), []);
    for p in ["b1", "boss"] {
        assert_eq!(trouble(&w, 1, p).as_deref(), Some("overtaken"), "{p}");
        assert_eq!(w.d.unreachable(&pid(p)), None, "{p}");
    }
    assert_eq!((w.d.counts(nid(1)).trouble, w.d.counts(nid(1)).unreachable), (0, 0));
    // Where they look anyway it stands as recalled.
    assert_eq!(went(&w.reach("b1", WEB, true)), [("b1".into(), WEB)]);
}

#[test]
fn a_recall_that_overtakes_its_original_wins() {
    let mut w = World::with(|d| channels_of(d, "b1", &[WEB, SMS]));
    w.channel(SMS, true);
    w.reach("boss", WEB, true);
    assert_eq!(went(&w.send(recalled(1, 2, &["b1", "boss"]))), [("boss".into(), WEB)]);
    for late in [issued(1, &["b1"]), updated(1, 3, &["b1"])] {
        assert_eq!(w.send(late), []);
    }
    assert_eq!(went(&w.pass(5)), []);
    assert_eq!(w.d.version_of(nid(1)), Some(2));
    assert_eq!(trouble(&w, 1, "b1").as_deref(), Some("overtaken"));
    let err = w.d.check_acknowledge(&pid("b1"), nid(1), 3).unwrap_err();
    assert_eq!(err.code, "unknown_version");
}

#[test]
fn an_update_asks_anew_and_nothing_of_the_older_version_goes_any_more() {
    let mut w = World::with_web(&["a1"]);
    let first = sent_to(&w.send(issued(1, &["a1", "b1"])), "a1");
    w.ack("a1", 1, 1);
    let events = w.send(updated(1, 2, &["a1", "b1"]));
    assert_eq!(sent_to(&events, "a1").version, 2);
    assert!(w.row(1, "a1").owes);
    assert_eq!(w.tell(first.id, 1, Outcome::Failed("x".into())), []);
    assert!(deliveries(&w.reach("b1", WEB, true)).iter().all(|d| d.version == 2));
}

// ---- its time is over ----

#[test]
fn what_is_over_before_it_could_be_handed_over_alarms_nobody() {
    let mut w = World::with_web(&["a1"]);
    w.change(|d| channels_of(d, "a1", &[WEB]));
    let expires_at = Some(w.now.plus_s(60.0));
    let d = sent_to(&w.send(Notice { expires_at, ..issued(1, &["a1", "b1"]) }), "a1");
    w.tell(d.id, 1, Outcome::Failed("x".into()));
    w.now = w.now.plus_s(60.0);
    assert_eq!(went(&w.reach("b1", WEB, true)), []);
    assert_eq!(went(&w.pass(3_000)), []);
    for p in ["a1", "b1"] {
        assert_eq!(trouble(&w, 1, p).as_deref(), Some("overtaken"), "{p}");
    }
    nothing_due(&w);
}

#[test]
fn nobody_is_reminded_or_escalated_to_after_its_time_also_where_the_clock_jumped() {
    let mut w = World::with_web(&["a1", "lead"]);
    let expires_at = Some(w.now.plus_s(1_000.0));
    w.send(Notice { expires_at, ..issued(1, &["a1"]) });
    w.got("a1", 1, 1, WEB);
    // The centre stood still over both times and the end.
    w.now = w.now.plus_s(2_000.0);
    let events = w.pass(1);
    assert_eq!(went(&events), []);
    nothing_due(&w);
    assert_eq!(went(&w.pass(3_000)), []);
    nothing_due(&w);
}

// ---- reminders ----

#[test]
fn who_has_it_and_is_silent_is_reminded_where_they_have_it_and_over_the_next_channel() {
    let mut w = World::with_web(&["a1"]);
    w.policy(|p| p.acknowledge_s.urgent = 1_000.0);
    w.reach("a1", Channel::Tak, true);
    let d = sent_to(&w.send(urgent(1, to_person("a1"))), "a1");
    w.got("a1", 1, 1, WEB);
    assert_eq!(went(&w.pass(14)), []);
    let events = w.pass(1);
    let given: Vec<_> = deliveries(&events).iter().map(|d| (d.channel, d.reminder, d.attempts)).collect();
    assert_eq!(given, [(WEB, 1, 2), (Channel::Tak, 1, 1)]);
    assert_eq!(deliveries(&events)[0].id, d.id);
    assert_eq!(w.row(1, "a1").reminder, 1);
    // As often as the policy says, and no more.
    assert_eq!(deliveries(&w.pass(15)).iter().map(|d| d.reminder).max(), Some(2));
    assert_eq!(went(&w.pass(400)), []);
    // Asked anew: as often again, under higher numbers.
    w.send(notice(1, 2, NoticeState::Updated, Level::Urgent, true, to_person("a1")));
    w.got("a1", 1, 2, WEB);
    assert_eq!(deliveries(&w.pass(15)).iter().map(|d| d.reminder).min(), Some(3));
    w.ack("a1", 1, 2);
    assert_eq!(went(&w.pass(400)), []);
}

#[test]
fn who_never_got_it_is_not_reminded_and_nobody_by_a_policy_of_none() {
    let mut w = World::with_web(&["a2"]);
    w.policy(|p| p.most_reminders = 0);
    w.send(urgent(1, to_site()));
    w.got("a2", 1, 1, WEB);
    w.pass(100);
    assert_eq!((w.row(1, "a1").reminder, w.row(1, "a2").reminder), (0, 0));
}

#[test]
fn over_a_channel_that_gives_no_receipts_they_are_reminded_too() {
    let mut w = World::with(|d| channels_of(d, "a1", &[Channel::Mail]));
    w.channel(Channel::Mail, true);
    let d = sent_to(&w.send(issued(1, &["a1"])), "a1");
    w.tell(d.id, 1, Outcome::Accepted);
    assert_eq!(went(&w.pass(449)), []);
    assert_eq!(trouble(&w, 1, "a1").as_deref(), Some("no_receipt"));
    let again = sent_to(&w.pass(1), "a1");
    assert_eq!((again.id, again.attempts, again.reminder), (d.id, 2, 1));
}

#[test]
fn what_its_provider_took_and_reports_lost_goes_over_the_next_channel_at_once_and_never_there_again() {
    for failed in [Outcome::Failed("reported_failed".into()), Outcome::Refused("reported_refused".into())] {
        let word = failed.word();
        for fast in [false, true] {
            let mut w = World::with(|d| channels_of(d, "a1", &[Channel::Sms, Channel::Mail]));
            w.channel(Channel::Sms, true);
            w.channel(Channel::Mail, true);
            let d = sent_to(&w.send(issued(1, &["a1"])), "a1");
            let mut said = [Outcome::Accepted, failed.clone()];
            if fast {
                // Its report comes before the answer to our own request.
                said.reverse();
            }
            let mut events = Vec::new();
            for outcome in said {
                events.extend(w.tell(d.id, 1, outcome));
            }
            assert_eq!(went(&events), [("a1".into(), Channel::Mail)], "{word}, fast {fast}: {events:?}");
            assert_eq!((trouble(&w, 1, "a1").as_deref(), w.row(1, "a1").unreachable), (Some(word), false));
            assert_eq!(w.tell(d.id, 1, failed.clone()), [], "said twice");
            let mail = sent_to(&events, "a1");
            w.tell(mail.id, 1, Outcome::Accepted);
            // Neither a retry nor a reminder goes there any more; the reminder goes where they may have it.
            let later = w.pass(700);
            assert!(later.iter().all(|e| !matches!(e, DispatchEvent::Attempt { delivery } if delivery.id == d.id)));
            assert!(deliveries(&later).iter().any(|d| d.channel == Channel::Mail && d.reminder > 0), "{later:?}");
            // What corrects it goes over both: nobody knows for sure.
            let recall = bulletin(1, 2, NoticeState::Recalled, Level::Caution, named(&["a1"]));
            let both: std::collections::BTreeSet<Channel> = went(&w.send(recall)).into_iter().map(|(_, c)| c).collect();
            assert_eq!(both, [Channel::Sms, Channel::Mail].into());
        }
    }
}

#[test]
fn a_provider_that_reports_a_loss_after_the_persons_own_receipt_or_too_late_moves_nothing_back() {
    let mut w = World::with(|d| channels_of(d, "a1", &[Channel::Sms, Channel::Mail]));
    w.channel(Channel::Sms, true);
    w.channel(Channel::Mail, true);
    let d = sent_to(&w.send(issued(1, &["a1"])), "a1");
    w.tell(d.id, 1, Outcome::Accepted);
    w.got("a1", 1, 1, Channel::Sms);
    assert_eq!(w.tell(d.id, 1, Outcome::Failed("late".into())), []);
    assert_eq!(w.row(1, "a1").reached, Reached::Delivered);

    // Answered over another channel: it is noted, and nothing more goes.
    let d = sent_to(&w.send(issued(2, &["a1"])), "a1");
    w.tell(d.id, 1, Outcome::Accepted);
    w.ack("a1", 2, 1);
    assert_eq!(attempts(&w.tell(d.id, 1, Outcome::Refused("late".into()))), []);
    assert!(w.row(2, "a1").acknowledged_at.is_some());

    // The next channel went already for want of a receipt: only the reason is another.
    let mut w = World::with(|d| channels_of(d, "a1", &[Channel::Sms]));
    w.channel(Channel::Sms, true);
    let d = sent_to(&w.send(issued(1, &["a1"])), "a1");
    w.tell(d.id, 1, Outcome::Accepted);
    w.pass(200);
    assert_eq!(trouble(&w, 1, "a1").as_deref(), Some("no_receipt"));
    assert_eq!(attempts(&w.tell(d.id, 1, Outcome::Refused("late".into()))), []);
    assert_eq!(trouble(&w, 1, "a1").as_deref(), Some("refused"));
    assert!(w.row(1, "a1").unreachable);
}

#[test]
fn a_reminder_that_may_not_go_any_more_counts_and_goes_nowhere() {
    let mut w = World::with_web(&["a1"]);
    let owner = directory().agency_of(&pid("a1")).cloned();
    let marking = Marking { tlp: Tlp::AmberStrict, owner, ..Marking::default() };
    w.send(Notice { marking, ..urgent(1, to_person("a1")) });
    w.got("a1", 1, 1, WEB);
    w.change(|d| d.people.get_mut(&pid("a1")).unwrap().unit = uid("bravo"));
    for _ in 0..100 {
        let events = w.pass(1);
        assert!(went(&events).iter().all(|(p, _)| p != "a1"), "{events:?}");
        nothing_due(&w);
    }
}

#[test]
fn a_leader_who_has_it_already_is_given_it_again_once_however_many_fall_silent() {
    let mut w = World::with(|d| {
        d.people.get_mut(&pid("lead")).unwrap().unit = uid("alpha");
    });
    for p in ["a1", "a2", "lead"] {
        w.reach(p, WEB, true);
    }
    w.policy(|p| p.most_reminders = 0);
    w.send(urgent(1, to_site()));
    w.ack("lead", 1, 1);
    let events = w.pass(30);
    assert_eq!(told(&events), [("a1".into(), "lead".into()), ("a2".into(), "lead".into())]);
    let again = sent_to(&events, "lead");
    assert_eq!((again.reminder, again.attempts), (1, 2));
}

#[test]
fn a_supervisor_who_has_it_already_is_given_it_again_when_the_centre_is_silent() {
    let mut w = World::with_web(&["super"]);
    w.policy(|p| p.warnings_also = named(&["super"]));
    w.send(urgent(1, to_person("a1")));
    w.ack("super", 1, 1);
    w.ack("a1", 1, 1);
    let events = w.pass(60);
    assert_eq!(told(&events)[0], ("w1".into(), "super".into()));
    assert_eq!(sent_to(&events, "super").reminder, 1);
}

// ---- acknowledgements lapse ----

#[test]
fn an_acknowledgement_that_is_too_old_is_asked_for_again() {
    let mut w = World::with_web(&["a1", "lead", "w1"]);
    w.send(urgent(1, to_person("a1")));
    w.ack("a1", 1, 1);
    w.ack("w1", 1, 1);
    assert_eq!(w.pass(1_799), []);
    let events = w.pass(1);
    assert!(
        matches!(&events[0], DispatchEvent::Lapsed { person, version: 1, .. } if *person == pid("a1")),
        "{events:?}"
    );
    assert_eq!(sent_to(&events, "a1").reminder, 1);
    let row = w.row(1, "a1");
    assert_eq!((row.owes, row.acknowledged_at), (true, None));
    // The clocks run from now on; the watch, who took it, is not asked again.
    assert!(!w.row(1, "w1").owes);
    assert_eq!(told(&w.pass(29)), []);
    assert_eq!(told(&w.pass(1)), [("a1".into(), "lead".into())]);
    w.ack("a1", 1, 1);
    assert!(!w.row(1, "a1").owes && !w.row(1, "lead").owes);
}

#[test]
fn of_a_bulletin_and_a_milder_warning_none_lapses() {
    let mut w = World::with_web(&["a1"]);
    w.send(issued(1, &["a1"]));
    w.send(notice(2, 1, NoticeState::Raised, Level::Caution, true, to_person("a1")));
    w.ack("a1", 1, 1);
    w.ack("a1", 2, 1);
    assert_eq!(w.pass(4_000), []);
}

// ---- calls ----

#[test]
fn who_was_called_and_knows_counts_as_having_acknowledged_with_the_name_of_who_says_so() {
    let mut w = World::with_web(&["lead"]);
    w.send(urgent(1, to_person("a1")));
    w.pass(270);
    assert!(w.row(1, "a1").silent);
    w.call("w1", "a1", 1, 1, CallStatus::NoAnswer);
    let row = w.row(1, "a1");
    assert_eq!((row.silent, row.owes, row.call.unwrap().status), (true, true, CallStatus::NoAnswer));
    w.call("w2", "a1", 1, 1, CallStatus::Acknowledged);
    let row = w.row(1, "a1");
    assert_eq!((row.silent, row.owes, row.acknowledged_by), (false, false, Some(pid("w2"))));
    assert_eq!(row.acknowledged_via, Some(Channel::Voice));
    assert!(!w.row(1, "lead").owes);
    // Twice is once; and it is not said that they were reached.
    let again = w.call("w2", "a1", 1, 1, CallStatus::Acknowledged);
    assert!(matches!(&again[..], [DispatchEvent::Called { .. }]), "{again:?}");
    assert_eq!(w.row(1, "a1").reached, Reached::Queued);
}

#[test]
fn who_is_away_is_waited_for_no_more_until_a_version_asks_anew() {
    let mut w = World::with_web(&["a1", "lead"]);
    w.send(urgent(1, to_person("a1")));
    w.got("a1", 1, 1, WEB);
    w.pass(30);
    assert!(w.row(1, "lead").owes);
    w.call("w1", "a1", 1, 1, CallStatus::Unavailable);
    let (row, counts) = (w.row(1, "a1"), w.d.counts(nid(1)));
    assert_eq!((row.owes, row.excused, row.silent), (false, true, false));
    assert_eq!((counts.excused, counts.escalated), (1, 0));
    assert!(!w.row(1, "lead").owes);
    assert!(told(&w.pass(500)).iter().all(|(p, _)| p != "a1"));
    // They are found after all, and nobody answers: waited for again.
    w.call("w1", "a1", 1, 1, CallStatus::NoAnswer);
    assert!(w.row(1, "a1").owes);
    w.call("w1", "a1", 1, 1, CallStatus::Unavailable);
    w.send(notice(1, 2, NoticeState::Updated, Level::Urgent, true, to_person("a1")));
    let row = w.row(1, "a1");
    assert_eq!((row.owes, row.excused, row.call), (true, false, None));
}

#[test]
fn a_leader_who_is_called_answers_for_those_whose_silence_they_carry() {
    let mut w = World::with_web(&["lead"]);
    w.change(|d| d.people.get_mut(&pid("lead")).unwrap().unit = uid("alpha"));
    w.send(urgent(1, to_site()));
    w.ack("lead", 1, 1);
    w.ack("a2", 1, 1);
    w.pass(30);
    assert!(w.row(1, "lead").owes);
    w.call("w1", "lead", 1, 1, CallStatus::Acknowledged);
    assert!(!w.row(1, "lead").owes && w.row(1, "a1").escalation_answered);
}

#[test]
fn a_call_that_does_not_fit_is_refused_by_name_and_changes_nothing() {
    let mut w = World::new();
    let owner = directory().agency_of(&pid("a1")).cloned();
    let marking = Marking { tlp: Tlp::AmberStrict, owner, ..Marking::default() };
    w.send(Notice { marking: marking.clone(), ..urgent(1, to_person("a1")) });
    w.send(Notice { marking, ..notice(1, 2, NoticeState::Updated, Level::Urgent, false, to_person("a1")) });
    w.send(urgent(2, to_person("a1")));
    w.send(cleared(2, 2, to_person("a1")));
    let before = cbor(&w.d);
    for (by, person, n, version, code) in [
        ("a1", "a1", 1, 2, "own"),
        ("w1", "b1", 1, 2, "not_found"),
        ("w1", "a1", 9, 1, "not_found"),
        // Of another agency, who may not know of it.
        ("boss", "a1", 1, 2, "not_found"),
        ("w1", "a1", 1, 1, "superseded"),
        ("w1", "a1", 2, 2, "over"),
    ] {
        let got = w.d.check_call(&pid(by), &pid(person), nid(n), version).map_or_else(|r| r.code, |()| "taken");
        assert_eq!(got, code, "{by} {person} {n} {version}");
        assert_eq!(w.call(by, person, n, version, CallStatus::Acknowledged), []);
    }
    assert_eq!(cbor(&w.d), before);
}

// ---- ways that come and go ----

#[test]
fn after_a_restart_what_a_provider_had_accepted_is_not_repeated_and_what_nobody_knows_of_once() {
    let mut w = World::with(|d| {
        for p in ["a1", "a2", "b1"] {
            channels_of(d, p, &[SMS]);
        }
    });
    w.channel(SMS, true);
    let events = w.send(issued(1, &["a1", "a2", "b1"]));
    let (accepted, unknown, late) = (sent_to(&events, "a1"), sent_to(&events, "a2"), sent_to(&events, "b1"));
    w.tell(accepted.id, 1, Outcome::Accepted);
    w.feed(Owned::Started);
    assert_eq!(trouble(&w, 1, "a2").as_deref(), Some("no_channel_up"));
    // The gateway's word about one comes before the way to it is found to be up again.
    w.tell(late.id, 1, Outcome::Accepted);
    assert_eq!((w.row(1, "b1").reached, trouble(&w, 1, "b1")), (Reached::Sent, None));
    let again = sent_to(&w.channel(SMS, true), "a2");
    assert_eq!((again.id, again.attempts, again.may_repeat), (unknown.id, 2, true));
    w.tell(again.id, 2, Outcome::Accepted);
    assert_eq!(went(&w.pass(89)), []);
    // The receipts are late all the same.
    w.pass(1);
    for p in ["a1", "a2", "b1"] {
        assert_eq!(trouble(&w, 1, p).as_deref(), Some("no_receipt"), "{p}");
    }
    w.tell(late.id, 1, Outcome::Delivered);
    assert_eq!(w.row(1, "b1").reached, Reached::Delivered);
}

#[test]
fn after_a_restart_what_needs_no_connection_is_tried_at_the_next_tick() {
    let mut w = World::with(|d| channels_of(d, "a1", &[WEB, Channel::Push]));
    w.reach("a1", WEB, true);
    w.reach("a1", Channel::Push, true);
    w.send(urgent(1, to_person("a1")));
    assert_eq!(went(&w.feed(Owned::Started)), []);
    let sent = sent_to(&w.pass(1), "a1");
    assert_eq!((sent.channel, sent.may_repeat), (Channel::Push, true));
}

#[test]
fn after_a_restore_what_is_open_is_marked_and_nothing_is_sent_because_of_it() {
    let mut w = World::with(|d| channels_of(d, "a1", &[WEB, Channel::Push]));
    w.reach("a1", WEB, true);
    w.reach("a1", Channel::Push, true);
    w.send(urgent(1, to_site()));
    let events = w.feed(Owned::Restored);
    assert_eq!(went(&events), []);
    assert!(w.d.deliveries_of(nid(1)).iter().all(|d| d.may_repeat));
    // Neither when the centre starts on what was restored.
    w.feed(Owned::Started);
    assert_eq!(went(&w.pass(5)), []);
    assert!(sent_to(&w.reach("a2", WEB, true), "a2").may_repeat);
}

#[test]
fn when_the_way_to_a_provider_goes_and_comes_everybody_on_it_moves_and_comes_back_once() {
    let people: Vec<String> = (0..300).map(|k| format!("p{k:03}")).collect();
    let names: Vec<&str> = people.iter().map(String::as_str).collect();
    let mut w = World::with(|d| {
        let like = d.people[&pid("a1")].clone();
        for p in &names {
            d.people.insert(pid(p), skypicket_model::Person { id: pid(p), name: (*p).into(), ..like.clone() });
            channels_of(d, p, &[SMS, Channel::Mail]);
        }
    });
    w.channel(SMS, true);
    let events = w.send(issued(1, &names));
    assert_eq!(attempts(&events).len(), 300);
    // The gateway took the first hundred.
    for d in deliveries(&events).iter().take(100) {
        w.tell(d.id, 1, Outcome::Accepted);
    }
    w.channel(SMS, false);
    assert_eq!(w.d.counts(nid(1)).unreachable, 200);
    let by_mail = w.channel(Channel::Mail, true);
    assert_eq!(attempts(&by_mail).len(), 200);
    assert!(attempts(&by_mail).iter().all(|(_, c, n, again)| (*c, *n, *again) == (Channel::Mail, 1, true)));
    // Mail has it on the way: the gateway's return makes no second copy.
    assert_eq!(went(&w.channel(SMS, true)), []);
    assert_eq!(w.channel(SMS, true), []);
    nothing_due(&w);
}

#[test]
fn when_web_push_itself_does_not_work_the_next_channel_is_tried_and_push_again_when_it_does() {
    let mut w = World::with(|d| channels_of(d, "a1", &[Channel::Push, Channel::Tak]));
    w.reach("a1", Channel::Push, true);
    w.channel(Channel::Push, false);
    assert_eq!(w.d.channels_up(&pid("a1")), []);
    w.send(urgent(1, to_person("a1")));
    assert_eq!(trouble(&w, 1, "a1").as_deref(), Some("no_channel_up"));
    assert_eq!(went(&w.channel(Channel::Push, true)), [("a1".into(), Channel::Push)]);
    assert_eq!(w.d.channels_up(&pid("a1")), [Channel::Push]);
    assert_eq!(w.d.services_up().count(), 0);
}

#[test]
fn who_says_stop_is_reached_another_way_and_by_this_one_again_after_start() {
    let mut w = World::with(|d| channels_of(d, "a1", &[SMS, Channel::Mail]));
    w.channel(SMS, true);
    w.channel(Channel::Mail, true);
    w.reach("a1", SMS, false);
    assert!(w.d.has_stopped(&pid("a1"), SMS));
    assert_eq!(w.d.channels_up(&pid("a1")), [Channel::Mail]);
    assert_eq!(went(&w.send(urgent(1, to_person("a1")))), [("a1".into(), Channel::Mail)]);
    // It outlives a restart, and a gateway that comes up anew.
    w.feed(Owned::Started);
    assert_eq!(went(&w.channel(SMS, true)), []);
    assert_eq!(went(&w.reach("a1", SMS, true)), [("a1".into(), SMS)]);
}

#[test]
fn a_siren_is_never_asked_and_is_told_when_the_danger_is_over() {
    let mut w = World::with(|d| {
        let siren = d.people[&pid("a2")].clone();
        let roles = [Role::Device].into();
        d.people.insert(pid("siren"), skypicket_model::Person { id: pid("siren"), roles, ..siren });
        channels_of(d, "siren", &[Channel::Relay]);
    });
    w.channel(Channel::Relay, true);
    let on = sent_to(&w.send(urgent(1, to_site())), "siren");
    w.tell(on.id, 1, Outcome::Delivered);
    let row = w.row(1, "siren");
    assert_eq!((row.rule, row.owes, row.next), (Rule::SiteUnit, false, None));
    let events = w.pass(500);
    assert!(went(&events).iter().all(|(p, _)| p != "siren") && told(&events).iter().all(|(p, _)| p != "siren"));
    let off = sent_to(&w.send(cleared(1, 2, to_site())), "siren");
    assert_eq!((off.version, off.channel), (2, Channel::Relay));
    w.tell(off.id, 1, Outcome::Delivered);
    // One that never went on need not be told.
    w.channel(Channel::Relay, false);
    w.send(urgent(2, to_site()));
    w.send(cleared(2, 2, to_site()));
    assert_eq!(went(&w.channel(Channel::Relay, true)), []);
    assert_eq!(trouble(&w, 2, "siren").as_deref(), Some("overtaken"));
}

#[test]
fn a_siren_that_was_switched_off_for_a_version_is_not_asked_for_it_afterwards() {
    let mut w = World::with(|d| d.people.get_mut(&pid("a2")).unwrap().roles = [Role::Device].into());
    let off = |off| move |d: &mut Directory| d.people.get_mut(&pid("a2")).unwrap().disabled = off;
    w.send(issued(1, &["a2"]));
    w.change(off(true));
    w.send(updated(1, 2, &["a1"]));
    w.change(off(false));
    assert!(!w.row(1, "a2").owes);
}

// ---- what changes midway ----

#[test]
fn nobody_waits_for_one_who_is_shut_out_midway_and_again_once_they_are_let_in() {
    let mut w = World::with_web(&["a1", "lead"]);
    w.send(urgent(1, to_person("a1")));
    w.got("a1", 1, 1, WEB);
    assert!(w.row(1, "a1").owes);
    w.change(|d| d.people.get_mut(&pid("a1")).unwrap().disabled = true);
    assert!(!w.row(1, "a1").owes);
    for _ in 0..200 {
        let events = w.pass(1);
        assert!(told(&events).iter().all(|(p, _)| p != "a1") && went(&events).iter().all(|(p, _)| p != "a1"));
        nothing_due(&w);
    }
    w.change(|d| d.people.get_mut(&pid("a1")).unwrap().disabled = false);
    assert!(w.row(1, "a1").owes);
    assert!(told(&w.pass(1)).contains(&("a1".into(), "lead".into())));
}

#[test]
fn a_channel_or_address_given_midway_is_used_at_the_next_tick() {
    let mut w = World::new();
    w.channel(Channel::Mail, true);
    w.send(issued(1, &["mute", "b1"]));
    assert_eq!(trouble(&w, 1, "mute").as_deref(), Some("no_channel"));
    w.change(|d| channels_of(d, "mute", &[Channel::Mail]));
    assert_eq!(went(&w.pass(1)), [("mute".into(), Channel::Mail)]);
    assert_eq!(w.pass(1), []);
}

#[test]
fn other_times_midway_hold_from_then_on() {
    let mut w = World::with_web(&["a1", "lead"]);
    w.send(urgent(1, to_person("a1")));
    w.pass(10);
    w.policy(|p| p.acknowledge_s.urgent = 12.0);
    assert_eq!(told(&w.pass(1)), []);
    assert_eq!(told(&w.pass(1)), [("a1".into(), "lead".into())]);
    w.policy(|p| p.supervisor_s = 5.0);
    assert_eq!(told(&w.pass(5)), [("a1".into(), "chief".into())]);
    w.policy(|p| p.retention_s = 7.0);
    w.send(cleared(1, 2, to_person("a1")));
    w.pass(7);
    assert_eq!(w.d.kept(), 0);
}

#[test]
fn a_bulletin_that_ended_is_kept_for_phones_that_were_away_and_then_forgotten_wholly() {
    let mut w = World::with_web(&["a1"]);
    w.policy(|p| p.bulletin.retention_s = 5_000.0);
    w.send(issued(1, &["a1", "b1"]));
    w.got("a1", 1, 1, WEB);
    w.reach("a1", WEB, false);
    w.send(recalled(1, 2, &["a1", "b1"]));
    w.pass(4_000);
    assert_eq!(went(&w.reach("a1", WEB, true)), [("a1".into(), WEB)]);
    w.pass(1_000);
    assert_eq!((w.d.kept(), w.d.next_due()), (0, None));
    let mut fresh = World::new();
    fresh.policy(|p| p.bulletin.retention_s = 5_000.0);
    fresh.reach("a1", WEB, true);
    fresh.now = w.now;
    fresh.pass(0);
    fresh.feed(Owned::Tick);
    assert_eq!(cbor(&w.d), cbor(&fresh.d), "something of it is left");
}

// ---- snapshots ----

/// Takes away what a snapshot of the release before did not have.
fn as_before(v: &mut ciborium::Value) {
    const NEW: [&str; 19] = [
        "services",
        "stopped",
        "shut",
        "again",
        "protected",
        "audience",
        "area",
        "expires_at",
        "heard_over",
        "reminded",
        "reminded_before",
        "reminded_at",
        "call",
        "device",
        "out",
        "by",
        "failures",
        "reminder",
        "warnings_also",
    ];
    match v {
        ciborium::Value::Map(entries) => {
            entries.retain_mut(|(k, v)| {
                let key = k.as_text().unwrap_or_default();
                // Every version was of a warning then, and had this.
                let keep = key == "protected" || !NEW.contains(&key);
                as_before(v);
                keep
            });
        }
        ciborium::Value::Array(items) => items.iter_mut().for_each(as_before),
        _ => {}
    }
}

#[test]
fn a_snapshot_of_the_release_before_is_read_and_goes_on() {
    let mut w = World::with_web(&["a1", "lead"]);
    w.send(urgent(1, to_site()));
    w.got("a1", 1, 1, WEB);
    let mut old: ciborium::Value = ciborium::from_reader(&cbor(&w.d)[..]).unwrap();
    as_before(&mut old);
    let mut bytes = Vec::new();
    ciborium::into_writer(&old, &mut bytes).unwrap();
    w.d = ciborium::from_reader(&bytes[..]).unwrap();
    assert_eq!(w.d.counts(nid(1)).recipients, 4);
    assert_eq!(w.row(1, "a1").reached, Reached::Delivered);
    let events = w.pass(30);
    assert!(told(&events).contains(&("a1".into(), "lead".into())), "{events:?}");
    assert_eq!(went(&w.reach("a2", WEB, true)), [("a2".into(), WEB)]);
    assert!(went(&w.send(cleared(1, 2, to_site()))).contains(&("a1".into(), WEB)));
}

// ---- measures ----

fn done(w: &World, n: u128, p: &str) -> Vec<String> {
    w.row(n, p).done.of(w.d.checklist(nid(n))).cloned().collect()
}

fn refused(w: &World, p: &str, n: u128, version: u32, list: &[&str]) -> &'static str {
    w.d.check_measures(&pid(p), nid(n), version, &measures(list)).err().map_or("", |r| r.code)
}

#[test]
fn what_somebody_has_done_is_theirs_alone_and_the_last_list_counts() {
    let mut w = World::with_web(&["a1", "a2"]);
    w.send(with_checklist(issued(1, &["a1", "a2"]), &["armour", "kit"]));
    w.got("a1", 1, 1, WEB);
    let before = w.row(1, "a1");
    let events = w.tick_off("a1", 1, 1, &["armour", "kit"]);
    let [DispatchEvent::Measures { version: 1, person, done: said, at, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((person, said, *at), (&pid("a1"), &measures(&["armour", "kit"]), w.now));
    // It is neither receipt nor acknowledgement, and nobody else's.
    let after = w.row(1, "a1");
    assert_eq!((after.reached, after.owes, after.acknowledged_at), (before.reached, true, None));
    assert!(done(&w, 1, "a2").is_empty());
    assert_eq!(w.tick_off("a1", 1, 1, &["kit", "armour"]), vec![], "the same again");
    w.feed(Owned::Acknowledge(pid("a1"), nid(1), 1, WEB));
    w.tick_off("a1", 1, 1, &["kit"]);
    assert_eq!(done(&w, 1, "a1"), ["kit"], "also after the acknowledgement");
    assert!(w.row(1, "a1").acknowledged_at.is_some());
    w.tick_off("a1", 1, 1, &[]);
    assert!(done(&w, 1, "a1").is_empty());
}

#[test]
fn a_newer_version_keeps_what_is_on_its_checklist_too() {
    let mut w = World::with_web(&["a1"]);
    w.send(with_checklist(issued(1, &["a1"]), &["armour", "kit"]));
    w.tick_off("a1", 1, 1, &["armour", "kit"]);
    w.send(with_checklist(updated(1, 2, &["a1"]), &["report", "kit", "cover"]));
    assert_eq!(done(&w, 1, "a1"), ["kit"]);
    w.tick_off("a1", 1, 2, &["kit", "cover"]);
    // From a phone that was away: it says nothing of what came later.
    let events = w.tick_off("a1", 1, 1, &["armour"]);
    assert!(matches!(&events[..], [DispatchEvent::Measures { version: 2, .. }]), "{events:?}");
    assert_eq!(done(&w, 1, "a1"), ["cover"]);
    w.send(with_checklist(recalled(1, 3, &["a1"]), &["report", "kit", "cover"]));
    assert_eq!(done(&w, 1, "a1"), ["cover"], "what was done stays known");
}

#[test]
fn measures_that_nobody_may_tick_are_refused_with_the_reason() {
    let mut w = World::with_web(&["a1"]);
    let mut b = with_checklist(issued(1, &["a1", "b1"]), &["kit"]);
    b.marking = Marking { tlp: Tlp::AmberStrict, owner: skypicket_model::AgencyId::new("patrol").ok(), ..b.marking };
    b.expires_at = Some(w.now.plus_s(100.0));
    w.send(b.clone());
    assert_eq!(refused(&w, "a1", 1, 1, &["kit"]), "");
    assert_eq!(refused(&w, "a2", 1, 1, &["kit"]), "not_found", "on no list");
    assert_eq!(refused(&w, "b1", 1, 1, &["kit"]), "not_found", "not released to them");
    assert_eq!(refused(&w, "a1", 2, 1, &["kit"]), "not_found");
    assert_eq!(refused(&w, "a1", 1, 2, &["kit"]), "unknown_version");
    assert_eq!(refused(&w, "a1", 1, 1, &["kit", "zoo"]), "unknown_measure");
    assert_eq!(w.tick_off("a1", 1, 1, &["zoo"]), vec![]);
    w.pass(100);
    assert_eq!(refused(&w, "a1", 1, 1, &["kit"]), "over", "its time is over");
    let mut again = with_checklist(updated(1, 2, &["a1"]), &["kit"]);
    again.marking = b.marking;
    w.send(again);
    assert_eq!(refused(&w, "a1", 1, 2, &["kit"]), "");
    w.send(with_checklist(recalled(1, 3, &["a1"]), &["kit"]));
    assert_eq!(refused(&w, "a1", 1, 3, &["kit"]), "over");
    assert_eq!(refused(&w, "a1", 1, 2, &["kit"]), "over");
    assert_eq!(w.tick_off("a1", 1, 2, &["kit"]), vec![]);
}
