//! Bulletins: nobody issues alone, and what does not fit is refused by name.

use crate::world::*;
use proptest::prelude::*;
use skypicket_desk::{Desk, bulletins::MOST_BULLETINS};
use skypicket_model::{
    Act, Area, Audience, BulletinAct, BulletinContent, BulletinState, BulletinStep, DeskEvent, Directory, LatLon,
    Level, Marking, Notice, NoticeId, NoticeState, Role, Time, Tlp, entry::ActEntry,
};
use uuid::Uuid;

pub(crate) fn nid(n: u128) -> NoticeId {
    NoticeId(Uuid::from_u128(n))
}

pub(crate) fn content(title: &str) -> BulletinContent {
    BulletinContent {
        title: title.into(),
        title_es: String::new(),
        text: "Stay under cover.".into(),
        text_es: String::new(),
        level: Level::Urgent,
        audience: vec![Audience::Everybody {}],
        area: None,
        marking: Marking::default(),
        expires_at: at(3_600),
        needs_ack: true,
        recall_text: String::new(),
        recall_text_es: String::new(),
        sheet: None,
    }
}

pub(crate) fn patrol(c: BulletinContent) -> BulletinContent {
    let s = patrol_only(sighting(1, "a1"));
    BulletinContent { marking: s.marking, ..c }
}

pub(crate) fn propose(n: u128, content: BulletinContent) -> BulletinAct {
    BulletinAct::Propose { notice: nid(n), content: Box::new(content) }
}
pub(crate) fn correct(n: u128, content: BulletinContent, why: &str) -> BulletinAct {
    BulletinAct::Correct { notice: nid(n), read: None, content: Box::new(content), why: why.into() }
}
/// Corrects what was written at a time.
pub(crate) fn correct_read(n: u128, read: Time, content: BulletinContent) -> BulletinAct {
    BulletinAct::Correct { notice: nid(n), read: Some(read), content: Box::new(content), why: "w".into() }
}
pub(crate) fn approve(n: u128, read: Time) -> BulletinAct {
    approve_unseen(n, read, 0)
}
/// Approves without having seen so many things that it rests on.
pub(crate) fn approve_unseen(n: u128, read: Time, unseen: u32) -> BulletinAct {
    BulletinAct::Approve { notice: nid(n), read, unseen, unseen_marking: None }
}
/// The same, told how the strictest of it is marked.
pub(crate) fn approve_told(n: u128, read: Time, unseen: u32, marking: &Marking) -> BulletinAct {
    BulletinAct::Approve { notice: nid(n), read, unseen, unseen_marking: Some(marking.clone()) }
}
pub(crate) fn break_glass(n: u128, why: &str) -> BulletinAct {
    BulletinAct::BreakGlass { notice: nid(n), why: why.into() }
}
pub(crate) fn withdraw(n: u128, why: &str) -> BulletinAct {
    BulletinAct::Withdraw { notice: nid(n), why: why.into() }
}
pub(crate) fn recall(n: u128, why: &str) -> BulletinAct {
    BulletinAct::Recall { notice: nid(n), why: why.into() }
}

/// Applies what was decided, as the centre does; the notices that it brings.
pub(crate) fn take(d: &mut Desk, events: &[DeskEvent], now: Time) -> Vec<Notice> {
    let mut out = Vec::new();
    for event in events {
        let version = d.version(event, None, now);
        d.apply(event, now);
        if let Some(n) = version {
            d.hear(&n);
            out.push(n);
        }
    }
    out
}

pub(crate) fn done(d: &mut Desk, by: &str, what: BulletinAct, seconds: u32) -> Result<Vec<Notice>, &'static str> {
    let act = Act::Bulletin(what);
    d.check(&pid(by), &act, at(seconds)).map_err(|r| r.code)?;
    let events = d.decide(&ActEntry { by: pid(by), via: "web".into(), request: None, act }, at(seconds));
    assert_eq!(events.len(), 1);
    Ok(take(d, &events, at(seconds)))
}

pub(crate) fn one(notices: Result<Vec<Notice>, &'static str>) -> Notice {
    let mut notices = notices.unwrap();
    assert_eq!(notices.len(), 1);
    notices.remove(0)
}

pub(crate) fn state(d: &Desk, n: u128) -> &BulletinState {
    d.bulletin(nid(n)).unwrap()
}

pub(crate) fn read(d: &Desk, n: u128) -> Time {
    state(d, n).waiting().unwrap().1
}

/// Proposed by the analyst, approved by lead.
pub(crate) fn issued(d: &mut Desk, n: u128, content: BulletinContent) -> Notice {
    assert_eq!(done(d, "analyst", propose(n, content), 0), Ok(vec![]));
    let t = read(d, n);
    one(done(d, "lead", approve(n, t), 1))
}

/// A supervisor of the other agency more than the others have.
pub(crate) fn with_boss() -> Desk {
    let mut dir: Directory = directory();
    dir.people.get_mut(&pid("b1")).unwrap().roles = [Role::Supervisor].into();
    dir.people.get_mut(&pid("a2")).unwrap().disabled = true;
    let mut d = Desk::new();
    d.configure(&dir);
    d
}

#[test]
fn one_proposes_another_approves_and_the_notice_names_both() {
    let mut d = desk();
    let n = issued(&mut d, 1, content("Drones"));
    let b = n.bulletin().unwrap();
    assert_eq!((n.version, n.state, n.needs_ack), (1, NoticeState::Issued, true));
    assert_eq!((&b.issued_by, &b.approved_by, &b.break_glass), (&pid("analyst"), &Some(pid("lead")), &None));
    // What is not written in Spanish is said in English.
    assert_eq!((&n.text_es, &b.title_es), (&n.text, &b.title));
    assert_eq!(n.expires_at, Some(at(3_600)));
}

#[test]
fn who_breaks_the_glass_answers_for_it_by_name_and_the_reason_is_on_the_notice() {
    let mut d = desk();
    done(&mut d, "analyst", propose(1, content("x")), 0).unwrap();
    let n = one(done(&mut d, "watch", break_glass(1, " it is here "), 1));
    let b = n.bulletin().unwrap();
    assert_eq!((&b.issued_by, &b.approved_by), (&pid("watch"), &None));
    assert_eq!(b.break_glass.as_deref(), Some("it is here"));
    assert_eq!(state(&d, 1).proposed_by, pid("analyst"));
}

#[test]
fn a_correction_waits_for_a_second_person_while_the_older_version_stays_in_force() {
    let mut d = desk();
    issued(&mut d, 1, content("first"));
    assert_eq!(done(&mut d, "watch", correct(1, content("second"), "the place was wrong"), 2), Ok(vec![]));
    assert_eq!((state(&d, 1).version, state(&d, 1).content.title.as_str()), (1, "first"));
    let t = read(&d, 1);
    let n = one(done(&mut d, "chief", approve(1, t), 3));
    let b = n.bulletin().unwrap();
    assert_eq!((n.version, n.state, b.why.as_str()), (2, NoticeState::Updated, "the place was wrong"));
    assert_eq!((&b.issued_by, &b.approved_by), (&pid("watch"), &Some(pid("chief"))));
    // One that is taken back leaves what is in force as it is.
    done(&mut d, "watch", correct(1, content("third"), "y"), 4).unwrap();
    assert_eq!(done(&mut d, "analyst", withdraw(1, "not so"), 5), Ok(vec![]));
    assert_eq!((state(&d, 1).step, state(&d, 1).version), (BulletinStep::Issued, 2));
    assert!(state(&d, 1).waiting().is_none());
}

#[test]
fn one_person_recalls_in_one_act_with_the_words_that_were_prepared() {
    let mut d = desk();
    let prepared = BulletinContent { recall_text: "It was a kite.".into(), ..content("x") };
    issued(&mut d, 1, prepared);
    done(&mut d, "analyst", correct(1, content("y"), "w"), 2).unwrap();
    let n = one(done(&mut d, "watch", recall(1, "a kite"), 3));
    assert_eq!((n.version, n.state, n.needs_ack), (2, NoticeState::Recalled, false));
    assert_eq!((n.text.as_str(), n.text_es.as_str()), ("It was a kite.", "It was a kite."));
    assert_eq!(n.bulletin().unwrap().why, "a kite");
    assert!(state(&d, 1).is_over() && state(&d, 1).correction.is_none());
    issued(&mut d, 2, content("no words"));
    let n = one(done(&mut d, "lead", recall(2, "w"), 3));
    assert_eq!(n.text_es, "Esto queda anulado. No actúe según ello.");
}

#[test]
fn what_is_over_by_its_time_says_so_once() {
    let mut d = desk();
    issued(&mut d, 1, content("x"));
    assert_eq!(d.expired(at(3_599)), []);
    let events = d.expired(at(3_600));
    let n = take(&mut d, &events, at(3_600)).remove(0);
    assert_eq!((n.version, n.state, n.needs_ack), (2, NoticeState::Expired, false));
    assert_eq!(d.expired(at(9_999)), []);
}

#[test]
fn two_in_force_never_have_one_code_and_one_that_is_long_over_gives_its_code_back() {
    // Their own codes are the same: the second has to take the next.
    let base = |n: u128| skypicket_model::Codes::default().free_for(nid(n), 1, 5, |_| false);
    let first = base(1);
    let twin = (2..2_000_000).find(|n| base(*n) == first).unwrap();
    let next = format!("{:05}", first.parse::<u32>().unwrap() + 1);
    let third = (2..2_000_000).find(|n| base(*n) == next).unwrap();
    let mut d = desk();
    let codes: Vec<String> = [1, twin, third].map(|n| issued(&mut d, n, content("x")).code).into();
    assert_eq!(codes[..2], [first.clone(), next.clone()]);
    assert!(!codes[..2].contains(&codes[2]), "{codes:?}");
    one(done(&mut d, "lead", recall(1, "w"), 2));
    let mut again = (twin + 1..4_000_000).filter(|n| base(*n) == first);
    // Late replies are still understood for a while.
    assert_ne!(issued(&mut d, again.next().unwrap(), content("x")).code, first);
    d.absorb_tick(at(604_802));
    assert_eq!(issued(&mut d, again.next().unwrap(), content("x")).code, first);
}

#[test]
fn what_was_written_since_it_was_read_is_not_approved_also_while_the_clock_stands_still() {
    let mut d = desk();
    done(&mut d, "watch", propose(1, content("as read")), 0).unwrap();
    let t = read(&d, 1);
    done(&mut d, "watch", propose(1, content("otherwise")), 0).unwrap();
    assert_eq!(done(&mut d, "lead", approve(1, t), 0), Err("changed"));
    let t = read(&d, 1);
    one(done(&mut d, "lead", approve(1, t), 0));
    done(&mut d, "watch", correct(1, content("b"), "w"), 0).unwrap();
    let t = read(&d, 1);
    done(&mut d, "watch", correct(1, content("c"), "w"), 0).unwrap();
    assert_eq!(done(&mut d, "lead", approve(1, t), 0), Err("changed"));
}

#[test]
fn every_act_that_does_not_fit_is_refused_by_its_code() {
    let mut d = with_boss();
    // 1 waits, 2 is in force, 3 is in force with a correction waiting, 4 was recalled, 5 is patrol's, 6 expired, 7 was
    // withdrawn, 8 waits and its time is over, 9 has a correction that is patrol's.
    done(&mut d, "watch", propose(1, content("x")), 0).unwrap();
    for n in [2, 3, 4, 9] {
        issued(&mut d, n, content("x"));
    }
    done(&mut d, "watch", correct(3, content("y"), "w"), 2).unwrap();
    one(done(&mut d, "lead", recall(4, "w"), 2));
    issued(&mut d, 5, patrol(content("x")));
    issued(&mut d, 6, BulletinContent { expires_at: at(5), ..content("x") });
    done(&mut d, "analyst", propose(7, content("x")), 0).unwrap();
    done(&mut d, "analyst", withdraw(7, "w"), 1).unwrap();
    done(&mut d, "analyst", propose(8, BulletinContent { expires_at: at(7), ..content("x") }), 0).unwrap();
    done(&mut d, "watch", correct(9, patrol(content("y")), "w"), 2).unwrap();
    let over = d.expired(at(6));
    take(&mut d, &over, at(6));
    let (t1, t3, t8, t9) = (read(&d, 1), read(&d, 3), read(&d, 8), read(&d, 9));
    let long = "w".repeat(Desk::MOST_WHY + 1);
    let c = || content("x");
    let before = cbor(&d);
    for (k, (by, what, code)) in [
        ("a1", propose(20, c()), "forbidden"),
        ("auditor", propose(20, c()), "forbidden"),
        ("a2", propose(20, c()), "forbidden"),
        ("ghost", propose(20, c()), "forbidden"),
        ("analyst", propose(1, c()), "exists"),
        ("analyst", propose(2, c()), "exists"),
        ("analyst", propose(7, c()), "exists"),
        ("analyst", correct(20, c(), "w"), "not_found"),
        ("b1", correct(5, c(), "w"), "not_found"),
        ("a1", correct(2, c(), "w"), "forbidden"),
        ("analyst", correct(1, c(), "w"), "not_in_force"),
        ("analyst", correct(4, c(), "w"), "not_in_force"),
        ("analyst", correct(2, c(), "  "), "why"),
        ("analyst", correct(2, c(), &long), "why"),
        ("analyst", correct(2, content(""), "w"), "unfit"),
        ("lead", approve(20, t1), "not_found"),
        ("b1", approve(5, t1), "not_found"),
        ("b1", approve(9, t9), "nothing_waits"),
        ("analyst", approve(1, t1), "forbidden"),
        ("a1", approve(1, t1), "forbidden"),
        ("watch", approve(1, t1), "second_person"),
        ("watch", approve(3, t3), "second_person"),
        ("lead", approve(1, t3), "changed"),
        ("lead", approve(2, t1), "nothing_waits"),
        ("lead", approve(4, t1), "nothing_waits"),
        ("lead", approve(7, t1), "nothing_waits"),
        ("lead", approve(8, t8), "expired"),
        ("lead", break_glass(20, "w"), "not_found"),
        ("b1", break_glass(5, "w"), "not_found"),
        ("b1", break_glass(9, "w"), "nothing_waits"),
        ("analyst", break_glass(1, "w"), "forbidden"),
        ("lead", break_glass(1, ""), "why"),
        ("lead", break_glass(2, "w"), "nothing_waits"),
        ("lead", break_glass(8, "w"), "expired"),
        ("lead", withdraw(20, "w"), "not_found"),
        ("b1", withdraw(5, "w"), "not_found"),
        ("a1", withdraw(1, "w"), "forbidden"),
        ("lead", withdraw(1, " "), "why"),
        ("lead", withdraw(2, "w"), "nothing_waits"),
        ("lead", withdraw(7, "w"), "nothing_waits"),
        ("lead", recall(20, "w"), "not_found"),
        ("b1", recall(5, "w"), "not_found"),
        ("analyst", recall(2, "w"), "forbidden"),
        ("lead", recall(2, ""), "why"),
        ("lead", recall(1, "w"), "not_in_force"),
        ("lead", recall(4, "w"), "over"),
        ("lead", recall(6, "w"), "over"),
        ("lead", recall(7, "w"), "over"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(done(&mut d, by, what.clone(), 8), Err(code), "{k}: {by} {what:?}");
        // What is refused decides nothing, wherever it comes from.
        let entry = ActEntry { by: pid(by), via: "web".into(), request: None, act: Act::Bulletin(what) };
        assert_eq!(d.decide(&entry, at(8)), []);
    }
    assert_eq!(cbor(&d), before);
}

#[test]
fn what_a_bulletin_says_is_checked_all_at_once_and_each_problem_is_named() {
    let d = with_boss();
    let people = |p: &[&str]| Audience::People { people: p.iter().map(|p| pid(p)).collect() };
    let circle = |radius_m| Area::Circle { centre: LatLon { lat_deg: 31.0, lon_deg: -106.0 }, radius_m };
    let unit = |u: &str| Audience::Unit { unit: skypicket_model::UnitId::new(u).unwrap(), leadership: false };
    let to = |a: Audience| BulletinContent { audience: vec![a], ..content("x") };
    for (bad, named) in [
        (content("  "), "title: 0 characters"),
        (content(&"x".repeat(121)), "title: 121 characters"),
        (content("two\nlines"), "title: it holds control characters"),
        (BulletinContent { title_es: "\u{7}".into(), ..content("x") }, "title_es: it holds"),
        (BulletinContent { text: String::new(), ..content("x") }, "text: 0 characters"),
        (BulletinContent { text: "x".repeat(4_001), ..content("x") }, "text: 4001 characters"),
        (BulletinContent { text: "a\u{1b}[2J".into(), ..content("x") }, "text: it holds"),
        (BulletinContent { recall_text: "x".repeat(4_001), ..content("x") }, "recall_text: 4001"),
        (BulletinContent { audience: vec![], ..content("x") }, "audience: 0 rules"),
        (BulletinContent { audience: vec![Audience::Everybody {}; 101], ..content("x") }, "audience: rules: 101"),
        (to(people(&[])), "people: none is named"),
        (to(people(&["ghost"])), "person 'ghost' is not in the directory"),
        (to(people(&["a2"])), "person 'a2' is not in the directory, or is disabled"),
        (to(unit("nowhere")), "there is no unit 'nowhere'"),
        (to(Audience::Agency { agency: skypicket_model::AgencyId::new("no").unwrap() }), "there is no agency 'no'"),
        (to(Audience::OnDuty { roster: skypicket_model::UnitId::new("no").unwrap() }), "there is no roster 'no'"),
        (to(Audience::InDangerSoon { within_s: f64::NAN }), "within_s is NaN"),
        (to(Audience::Neighbours { within_m: 0.0 }), "within_m is 0"),
        (to(Audience::InArea { area: circle(-1.0) }), "radius_m is -1"),
        (BulletinContent { area: Some(circle(2e6)), ..content("x") }, "radius_m is 2000000"),
        (BulletinContent { expires_at: at(0), ..content("x") }, "expires_at"),
        (BulletinContent { expires_at: at(0).plus_s(367.0 * 86_400.0), ..content("x") }, "expires_at"),
    ] {
        let refusal = d.check(&pid("watch"), &Act::Bulletin(propose(1, bad)), at(0)).unwrap_err();
        assert_eq!(refusal.code, "unfit");
        assert!(refusal.message.contains(named), "{named}: {}", refusal.message);
    }
    let two = BulletinContent { text: String::new(), audience: vec![], ..content("x") };
    let refusal = d.check(&pid("watch"), &Act::Bulletin(propose(1, two)), at(0)).unwrap_err();
    assert_eq!(refusal.message.lines().count(), 2);
    let fits = BulletinContent { text: "a\n\tb".into(), title: "x".repeat(120), ..content("x") };
    assert_eq!(d.check(&pid("watch"), &Act::Bulletin(propose(1, fits)), at(0)), Ok(()));
}

#[test]
fn one_more_than_the_most_is_refused_until_one_is_over() {
    let mut d = desk();
    for n in 0..MOST_BULLETINS as u128 {
        done(&mut d, "watch", propose(n, content("x")), 0).unwrap();
    }
    assert_eq!(done(&mut d, "watch", propose(5_000, content("x")), 1), Err("too_many"));
    // One's own can still be written anew.
    assert_eq!(done(&mut d, "watch", propose(3, content("y")), 1), Ok(vec![]));
    done(&mut d, "watch", withdraw(3, "w"), 2).unwrap();
    assert_eq!(done(&mut d, "watch", propose(5_000, content("x")), 3), Ok(vec![]));
}

// ---- whatever happens ----

#[derive(Debug, Clone)]
enum Doing {
    Propose(u8, bool),
    Correct(u8, bool),
    /// Approves what they read so many states ago.
    Approve(usize),
    BreakGlass(bool),
    Withdraw,
    Recall,
}

fn doing() -> impl Strategy<Value = Doing> {
    let b = any::<bool>;
    prop_oneof![
        4 => (any::<u8>(), b()).prop_map(|(k, soon)| Doing::Propose(k, soon)),
        3 => (any::<u8>(), b()).prop_map(|(k, marked)| Doing::Correct(k, marked)),
        6 => (0usize..4).prop_map(Doing::Approve),
        1 => b().prop_map(Doing::BreakGlass),
        1 => Just(Doing::Withdraw),
        1 => Just(Doing::Recall),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_sequence_of_acts_issues_without_a_second_person_or_a_reason_and_history_read_is_the_same(
        script in prop::collection::vec(
            (doing(), 1u128..4, prop::sample::select(&["watch", "analyst", "lead", "chief", "b1", "a1"][..]), 0u32..3),
            1..80,
        ),
    ) {
        let mut d = with_boss();
        let mut history = with_boss();
        let mut restored = with_boss();
        // What could be read of each: when it was proposed, by whom, what.
        let mut seen: Vec<(u128, Time, String, String)> = Vec::new();
        let mut newest: std::collections::BTreeMap<u128, (u32, bool)> = std::collections::BTreeMap::new();
        let mut now = 0;
        for (what, n, by, pause) in script {
            now += pause;
            let mut approved = None;
            let what = match what {
                Doing::Propose(k, soon) => {
                    let expires_at = if soon { at(now + 3) } else { at(3_600) };
                    propose(n, BulletinContent { expires_at, ..content(&format!("{k}")) })
                }
                Doing::Correct(k, marked) => {
                    let c = content(&format!("c{k}"));
                    correct(n, if marked { patrol(c) } else { c }, "w")
                }
                Doing::Approve(back) => {
                    let of_it: Vec<_> = seen.iter().filter(|s| s.0 == n).collect();
                    let Some(read) = of_it.len().checked_sub(back + 1).map(|k| of_it[k].clone()) else { continue };
                    approved = Some((read.2, read.3));
                    approve(n, read.1)
                }
                Doing::BreakGlass(why) => break_glass(n, if why { "now" } else { "" }),
                Doing::Withdraw => withdraw(n, "w"),
                Doing::Recall => recall(n, "w"),
            };
            let entry = ActEntry { by: pid(by), via: "web".into(), request: None, act: Act::Bulletin(what.clone()) };
            let mut events = d.decide(&entry, at(now));
            prop_assert_eq!(d.check(&pid(by), &entry.act, at(now)).is_err(), events.is_empty());
            let mut notices = take(&mut d, &events, at(now));
            let over = d.expired(at(now));
            notices.extend(take(&mut d, &over, at(now)));
            events.extend(over);
            for notice in notices {
                let b = notice.bulletin().unwrap();
                let (version, ended) = newest.entry(notice.id.0.as_u128()).or_insert((0, false));
                prop_assert!(!*ended, "after its end: {notice:?}");
                prop_assert_eq!(notice.version, *version + 1);
                (*version, *ended) = (notice.version, notice.state.ended());
                prop_assert!(!(notice.needs_ack && *ended));
                if *ended {
                    continue;
                }
                match (&b.approved_by, &b.break_glass) {
                    (Some(second), None) => {
                        let (title, author) = approved.clone().unwrap();
                        prop_assert_eq!(&b.title, &title, "they approved other words");
                        prop_assert_eq!(b.issued_by.as_str(), &author);
                        prop_assert!(*second == pid(by) && *second != b.issued_by);
                        prop_assert!(["watch", "lead", "chief", "b1"].contains(&by));
                        prop_assert!(by != "b1" || notice.marking.tlp != Tlp::AmberStrict);
                    }
                    (None, Some(why)) => {
                        let broke = matches!(what, BulletinAct::BreakGlass { .. });
                        prop_assert!(broke && !why.is_empty());
                        prop_assert_eq!(b.issued_by.as_str(), by);
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            if let Some((author, t, c)) = d.bulletin(nid(n)).and_then(BulletinState::waiting)
                && seen.iter().all(|s| (s.0, s.1) != (n, t))
            {
                seen.push((n, t, c.title.clone(), author.to_string()));
            }
            // History: decisions applied, and what they brought heard of again; and the same out of a snapshot each time.
            restored = ciborium::from_reader(&cbor(&restored)[..]).unwrap();
            for other in [&mut history, &mut restored] {
                take(other, &events, at(now));
            }
        }
        prop_assert_eq!(cbor(&d), cbor(&history));
        prop_assert_eq!(cbor(&d), cbor(&restored));
    }
}
