//! Intelligence reports: what may be kept, who gets to see it, how it is graded and vetted, and how it goes.

use crate::world::*;
use proptest::prelude::*;
use skypicket_desk::{
    Desk,
    intelligence::{MOST_DAYS, Sight, as_seen},
};
use skypicket_model::{
    Act, AgencyId, Area, DeskEvent, Directory, Grade, LatLon, Link, Marking, PersonId, ReportAct, ReportContent,
    ReportId, ReportState, Role, Time, Tlp,
    entry::ActEntry,
    intelligence::{
        Credibility, Individual, Obtained, Provenance, Reliability, ReportStep, SourceKind, Subject, Tombstone,
    },
};
use std::collections::BTreeSet;
use uuid::Uuid;

const DAY: u32 = 86_400;
const SALT: &str = "00112233445566778899aabbccddeeff";

fn rid(n: u128) -> ReportId {
    ReportId(Uuid::from_u128(0x1000 + n))
}

/// Two more of each role that decides: `ana` and `bob` are analysts of patrol, `gail` one of guard, `admin` an
/// administrator, `boss` a supervisor of guard, `gone` one of patrol who is shut out.
fn people() -> Directory {
    let mut d = directory();
    for (name, like, role, unit) in [
        ("ana", "analyst", Role::Analyst, "centre"),
        ("bob", "analyst", Role::Analyst, "centre"),
        ("gail", "b1", Role::Analyst, "bravo"),
        ("boss", "b1", Role::Supervisor, "bravo"),
        ("gone", "lead", Role::Supervisor, "alpha"),
        ("admin", "watch", Role::Administrator, "centre"),
        ("device", "b1", Role::Device, "bravo"),
        ("plug", "watch", Role::Integrator, "centre"),
    ] {
        let mut p = d.people[&pid(like)].clone();
        p.id = pid(name);
        p.unit = skypicket_model::UnitId::new(unit).unwrap();
        p.roles = [role].into();
        p.disabled = name == "gone";
        d.people.insert(pid(name), p);
    }
    d
}

fn centre() -> Desk {
    let mut d = Desk::new();
    d.configure(&people());
    d
}

fn content() -> ReportContent {
    ReportContent {
        title: "Two drones over the yard".into(),
        text: "They stood there for a minute.".into(),
        about: [Subject::Drone].into(),
        provenance: Provenance {
            kind: SourceKind::Officer,
            obtained: Obtained::Observed,
            at: at(0),
            source: "patrol North 3".into(),
            origin: String::new(),
            lawful: true,
        },
        grade: Grade { reliability: Reliability::B, credibility: Credibility::Probable },
        marking: Marking::default(),
        area: None,
        from: None,
        until: None,
        links: BTreeSet::new(),
        individual: None,
        review_by: at(30 * DAY),
        purge_by: at(90 * DAY),
    }
}

fn from(origin: &str) -> ReportContent {
    let mut c = content();
    c.title = format!("From {origin}");
    c.provenance.origin = origin.into();
    c
}

fn linking(c: ReportContent, to: &[u128]) -> ReportContent {
    ReportContent { links: to.iter().map(|n| Link::Report(rid(*n))).collect(), ..c }
}

fn confirmed(c: ReportContent) -> ReportContent {
    ReportContent { grade: Grade { credibility: Credibility::Confirmed, ..c.grade }, ..c }
}

fn patrol_only() -> Marking {
    Marking { tlp: Tlp::AmberStrict, owner: AgencyId::new("patrol").ok(), ..Marking::default() }
}

fn marked(marking: Marking, c: ReportContent) -> ReportContent {
    ReportContent { marking, ..c }
}

fn about_somebody(c: ReportContent, approver: &str) -> ReportContent {
    let individual = Individual {
        text: "The pilot drives a red van.".into(),
        basis: "Seen loading a charge: 18 U.S.C. 842.".into(),
        approver: pid(approver),
    };
    ReportContent { individual: Some(individual), ..c }
}

fn file(n: u128, c: ReportContent) -> ReportAct {
    ReportAct::File { report: rid(n), content: Box::new(c), salt: SALT.into() }
}
fn change(n: u128, read: u32, c: ReportContent) -> ReportAct {
    ReportAct::Change {
        report: rid(n),
        read,
        content: Box::new(c),
        salt: SALT.replace('0', "1"),
        why: "new words".into(),
    }
}
fn vet(n: u128, read: u32) -> ReportAct {
    ReportAct::Vet { report: rid(n), read }
}
fn approve(n: u128, read: u32) -> ReportAct {
    ReportAct::ApproveIndividual { report: rid(n), read }
}
fn review(n: u128, review_day: u32, purge_day: u32) -> ReportAct {
    ReportAct::Review {
        report: rid(n),
        review_by: at(review_day * DAY),
        purge_by: at(purge_day * DAY),
        why: "still flown".into(),
    }
}
fn ask(n: u128) -> ReportAct {
    ReportAct::AskPurge { report: rid(n), why: "it was a kite".into() }
}
fn purge(n: u128) -> ReportAct {
    ReportAct::Purge { report: rid(n), why: "not needed".into() }
}

/// What is refused, in words; else it is applied.
fn tried(d: &mut Desk, by: &str, act: ReportAct, seconds: u32) -> Result<(), (String, String)> {
    let act = Act::Intelligence(act);
    d.check(&pid(by), &act, at(seconds)).map_err(|r| (r.code.to_owned(), r.message))?;
    let events = d.decide(&ActEntry { by: pid(by), via: "web".into(), request: None, act }, at(seconds));
    assert_eq!(events.len(), 1);
    for e in &events {
        d.apply(e, at(seconds));
    }
    Ok(())
}

#[track_caller]
fn done(d: &mut Desk, by: &str, act: ReportAct, seconds: u32) {
    tried(d, by, act, seconds).unwrap_or_else(|(code, message)| panic!("{code}: {message}"));
}

#[track_caller]
fn refused(d: &mut Desk, by: &str, act: ReportAct, seconds: u32, code: &str, cites: &str) {
    let (got, message) = tried(d, by, act, seconds).expect_err(code);
    assert_eq!(got, code, "{message}");
    assert!(message.contains(cites), "{code} does not cite {cites}: {message}");
}

fn state(d: &Desk, n: u128) -> &ReportState {
    d.report(rid(n)).unwrap()
}

fn seen(d: &Desk, n: u128, by: &str, seconds: u32) -> Option<(Sight, ReportState)> {
    as_seen(state(d, n), &people().reader(&pid(by)).unwrap(), at(seconds))
}

fn sight(d: &Desk, n: u128, by: &str, seconds: u32) -> Option<Sight> {
    seen(d, n, by, seconds).map(|(s, _)| s)
}

#[test]
fn what_may_not_be_kept_is_refused_by_name_and_with_its_rule() {
    let with = |f: fn(&mut ReportContent)| {
        let mut c = content();
        f(&mut c);
        c
    };
    let somebody = |f: fn(&mut Individual)| {
        let mut c = about_somebody(content(), "lead");
        f(c.individual.as_mut().unwrap());
        c
    };
    let table: Vec<(&str, ReportContent, &str, &str)> = vec![
        ("ana", with(|c| c.about = [Subject::Drone, Subject::Views].into()), "views", "23.20(b)"),
        ("ana", with(|c| c.provenance.lawful = false), "not_lawful", "23.20(d)"),
        ("ana", somebody(|i| i.basis = "  ".into()), "no_basis", "23.20(a), (c)"),
        ("lead", about_somebody(content(), "lead"), "own_approver", "23.20(a), (c)"),
        ("ana", about_somebody(content(), "watch"), "no_approver", "23.20(a), (c)"),
        ("ana", about_somebody(content(), "gone"), "no_approver", "23.20(a), (c)"),
        ("ana", about_somebody(content(), "nobody"), "no_approver", "23.20(a), (c)"),
        ("ana", about_somebody(marked(patrol_only(), content()), "boss"), "no_approver", "23.20(a), (c)"),
        ("ana", with(|c| c.purge_by = at((MOST_DAYS + 1) * DAY)), "kept_too_long", "23.20(h)"),
        ("ana", with(|c| c.review_by = at(91 * DAY)), "bad_dates", "23.20(h)"),
        ("ana", with(|c| (c.review_by, c.purge_by) = (at(0), at(0))), "bad_dates", "23.20(h)"),
        ("ana", with(|c| c.purge_by = at(90 * DAY + 1)), "tips_time", "90 days"),
        ("ana", confirmed(content()), "not_independent", "table B-2"),
        ("a1", content(), "forbidden", "write"),
        ("auditor", content(), "forbidden", "write"),
        ("admin", content(), "forbidden", "write"),
        ("plug", content(), "forbidden", "write"),
        ("device", content(), "forbidden", "write"),
        ("gone", content(), "forbidden", ""),
        // Out of its bounds.
        ("ana", with(|c| c.title = " ".into()), "unfit", "title"),
        ("ana", with(|c| c.title = "a\nb".into()), "unfit", "title"),
        ("ana", with(|c| c.text = "x".repeat(10_001)), "unfit", "text"),
        ("ana", with(|c| c.about.clear()), "unfit", "about"),
        ("ana", with(|c| c.provenance.source = String::new()), "unfit", "source"),
        ("ana", with(|c| c.provenance.origin = "x".repeat(501)), "unfit", "origin"),
        ("ana", with(|c| c.provenance.at = at(301)), "unfit", "provenance.at"),
        ("ana", with(|c| (c.from, c.until) = (Some(at(2)), Some(at(1)))), "unfit", "until"),
        ("ana", with(|c| c.links = (0..51).map(|n| Link::Report(rid(n))).collect()), "unfit", "links"),
        ("ana", linking(content(), &[1]), "unfit", "itself"),
        ("ana", linking(content(), &[2]), "unfit", "there is no report"),
        ("ana", with(|c| c.links = [Link::Sighting(sid(7))].into()), "unfit", "there is no sighting"),
        ("gail", marked(patrol_only(), content()), "unfit", "could not see it yourself"),
        ("ana", somebody(|i| i.text = String::new()), "unfit", "individual.text"),
        (
            "ana",
            with(|c| {
                let centre = LatLon { lat_deg: 31.7, lon_deg: -106.4 };
                c.area = Some(Area::Circle { centre, radius_m: f64::NAN });
            }),
            "unfit",
            "area",
        ),
    ];
    for (by, c, code, cites) in table {
        refused(&mut centre(), by, file(1, c), 0, code, cites);
    }
    let mut d = centre();
    let salted = ReportAct::File { report: rid(1), content: Box::new(content()), salt: "no".into() };
    refused(&mut d, "ana", salted, 0, "unfit", "salt");
    // All that is wrong is said at once.
    let two = with(|c| (c.title, c.text) = (String::new(), String::new()));
    let (_, message) = tried(&mut d, "ana", file(1, two), 0).unwrap_err();
    assert_eq!(message.lines().count(), 2, "{message}");
    // Who may write may; nothing of it depends on a grade.
    for (n, by) in [(1, "ana"), (2, "watch"), (3, "lead"), (4, "gail")] {
        done(&mut d, by, file(n, ReportContent { grade: Grade::default(), ..content() }), 0);
    }
    refused(&mut d, "bob", file(1, content()), 1, "exists", "new one");
}

#[test]
fn an_act_that_does_not_fit_how_far_a_report_is_is_refused() {
    let mut d = centre();
    done(&mut d, "ana", file(1, content()), 0);
    let mut other = content();
    other.text = "Three of them.".into();
    refused(&mut d, "bob", vet(9, 1), 1, "not_found", "");
    refused(&mut d, "bob", change(1, 2, other.clone()), 1, "changed", "version 1");
    refused(&mut d, "bob", change(1, 1, content()), 1, "nothing_changes", "");
    let silent = ReportAct::Change {
        report: rid(1),
        read: 1,
        content: Box::new(other.clone()),
        salt: SALT.into(),
        why: " ".into(),
    };
    refused(&mut d, "bob", silent, 1, "why", "");
    refused(&mut d, "auditor", change(1, 1, other.clone()), 1, "forbidden", "");
    refused(&mut d, "watch", vet(1, 1), 1, "forbidden", "");
    refused(&mut d, "ana", vet(1, 1), 1, "second_person", "");
    refused(&mut d, "bob", vet(1, 2), 1, "changed", "");
    refused(&mut d, "lead", approve(1, 1), 1, "nothing_waits", "");
    refused(&mut d, "bob", review(1, 60, 80), 1, "not_vetted", "");
    refused(&mut d, "auditor", purge(1), 1, "not_asked", "");
    // Whoever changed it since is no second person either.
    done(&mut d, "bob", change(1, 1, other.clone()), 2);
    refused(&mut d, "bob", vet(1, 2), 3, "second_person", "");
    done(&mut d, "lead", vet(1, 2), 3);
    refused(&mut d, "chief", vet(1, 2), 4, "already_vetted", "");
    // Nothing but a review keeps it longer, and that for five years at most.
    let later = |f: fn(&mut ReportContent)| {
        let mut c = content();
        c.text = "Three of them.".into();
        f(&mut c);
        c
    };
    refused(&mut d, "bob", change(1, 2, later(|c| c.purge_by = at(90 * DAY + 1))), 5, "later_dates", "23.20(h)");
    refused(&mut d, "bob", change(1, 2, later(|c| c.review_by = at(30 * DAY + 1))), 5, "later_dates", "23.20(h)");
    refused(&mut d, "watch", review(1, 60, 80), 5, "forbidden", "");
    refused(&mut d, "bob", review(1, 60, MOST_DAYS + 1), 5, "kept_too_long", "23.20(h)");
    refused(&mut d, "bob", review(1, 60, 59), 5, "bad_dates", "23.20(h)");
    refused(&mut d, "bob", review(1, 0, 60), 5, "bad_dates", "23.20(h)");
    done(&mut d, "bob", review(1, 300, MOST_DAYS), 5);
    assert_eq!((state(&d, 1).version, state(&d, 1).content.as_ref().unwrap().purge_by), (3, at(MOST_DAYS * DAY)));
    // Asked once, decided by somebody else who may.
    done(&mut d, "bob", ask(1), 6);
    refused(&mut d, "lead", ask(1), 7, "already_asked", "");
    refused(&mut d, "lead", purge(1), 7, "forbidden", "");
    done(&mut d, "admin", purge(1), 8);
    refused(&mut d, "auditor", purge(1), 9, "purged", "");
    refused(&mut d, "bob", change(1, 3, other), 9, "not_found", "");
}

#[test]
fn whoever_asked_for_a_purge_or_filed_the_report_does_not_decide_it_and_a_review_answers_the_asking() {
    let mut dir = people();
    dir.people.get_mut(&pid("ana")).unwrap().roles.insert(Role::Administrator);
    let mut d = Desk::new();
    d.configure(&dir);
    done(&mut d, "ana", file(1, content()), 0);
    done(&mut d, "auditor", ask(1), 1);
    refused(&mut d, "auditor", purge(1), 2, "second_person", "");
    refused(&mut d, "ana", purge(1), 2, "second_person", "");
    done(&mut d, "bob", vet(1, 1), 3);
    done(&mut d, "bob", review(1, 60, 120), 4);
    assert_eq!(state(&d, 1).purge_asked, None);
    refused(&mut d, "admin", purge(1), 5, "not_found", "");
    // When its time is over one person lets it go: nobody asked.
    done(&mut d, "ana", purge(1), 120 * DAY);
    assert_eq!(state(&d, 1).tombstone.as_ref().unwrap().asked_by, None);
}

#[test]
fn credibility_1_needs_two_independent_sources_and_the_refusal_says_which_coincide() {
    let mut d = centre();
    done(&mut d, "ana", file(1, from("https://x.example/a/1")), 0);
    done(&mut d, "bob", file(2, from("x.example/a/1?s=2")), 0);
    done(&mut d, "bob", file(3, from("sheriff 26-1107")), 0);
    done(&mut d, "ana", file(4, from("sheriff 26-1108")), 0);
    let own = |links: &[u128]| confirmed(linking(from("own patrol"), links));
    let mut said = |by: &str, c: ReportContent| {
        let (code, message) = tried(&mut d, by, file(9, c), 1).unwrap_err();
        assert_eq!(code, "not_independent", "{message}");
        message
    };
    assert!(said("lead", own(&[])).contains("it links 0"));
    assert!(said("lead", own(&[1])).contains("it links 1"));
    let same = said("lead", own(&[1, 2]));
    assert!(same.contains("x.example/a/1") && same.contains("have the same origin"), "{same}");
    let same = said("lead", own(&[1, 4]));
    assert!(same.contains("'From sheriff 26-1108'") && same.contains("filed by the same person"), "{same}");
    // Nor is what its own filer or its own origin said another source.
    assert!(said("ana", own(&[1, 3])).contains("this report were filed by the same person"));
    let mut mine = own(&[1, 3]);
    mine.provenance.origin = "Sheriff  26-1107".into();
    assert!(said("lead", mine).contains("this report have the same origin"));
    // Two that are, among others.
    done(&mut d, "lead", file(9, own(&[1, 2, 3])), 1);
    // A report that rests on another is no second source beside it.
    done(&mut d, "chief", file(5, linking(from("press"), &[1])), 2);
    refused(&mut d, "lead", file(10, own(&[1, 5])), 3, "not_independent", "rest on one another");
    // It is asked again at each change, and its reader is told when what confirmed it is gone.
    assert_eq!(d.no_longer_confirmed(state(&d, 9), at(3)), None);
    done(&mut d, "chief", ask(3), 4);
    done(&mut d, "auditor", purge(3), 5);
    assert!(d.no_longer_confirmed(state(&d, 9), at(6)).unwrap().contains("same origin"));
    let mut better = own(&[1, 2, 3]);
    better.text = "More.".into();
    refused(&mut d, "lead", change(9, 1, better), 6, "not_independent", "same origin");
    // Vetted or not does not matter; that its time is over does.
    let mut d = centre();
    done(&mut d, "ana", file(1, from("one")), 0);
    done(&mut d, "bob", file(2, ReportContent { review_by: at(DAY), purge_by: at(DAY), ..from("two") }), 0);
    refused(&mut d, "lead", file(9, own(&[1, 2])), DAY, "unfit", "there is no report");
    done(&mut d, "lead", file(9, own(&[1, 2])), DAY - 1);
}

#[test]
fn every_change_stands_in_the_history_with_the_grade_before_and_after_and_why() {
    let mut d = centre();
    done(&mut d, "ana", file(1, content()), 0);
    done(&mut d, "bob", vet(1, 1), 1);
    let better = Grade { reliability: Reliability::A, credibility: Credibility::Possible };
    done(&mut d, "watch", change(1, 1, ReportContent { grade: better, ..content() }), 2);
    let s = state(&d, 1);
    let said: Vec<(u32, &str, String, String, &str)> = s
        .history
        .iter()
        .map(|h| {
            let grade = h.grade.map(|(from, to)| format!("{from}>{to}")).unwrap_or_default();
            (h.version, h.by.as_str(), h.what.clone(), grade, h.why.as_str())
        })
        .collect();
    assert_eq!(
        said,
        [
            (1, "ana", "filed".into(), "F6>B2".into(), ""),
            (1, "bob", "vetted".into(), String::new(), ""),
            (2, "watch", "changed".into(), "B2>A3".into(), "new words"),
        ]
    );
    assert_eq!((s.history[2].fields.clone(), s.step), (vec!["grade".to_owned()], ReportStep::Vetted));
    // What it says changed: it is raw again, and for no longer than anything raw.
    done(&mut d, "bob", review(1, 300, 1_000), 3);
    let mut c = ReportContent { grade: better, review_by: at(300 * DAY), purge_by: at(1_000 * DAY), ..content() };
    c.text = "Three of them.".into();
    done(&mut d, "bob", change(1, 3, c), 4);
    let s = state(&d, 1);
    let kept = s.content.as_ref().unwrap();
    assert_eq!((s.version, s.step), (4, ReportStep::Raw));
    assert_eq!((kept.review_by, kept.purge_by), (at(90 * DAY + 4), at(90 * DAY + 4)));
    assert_eq!(s.history.last().unwrap().fields, ["text", "review_by", "purge_by"]);
    refused(&mut d, "bob", vet(1, 4), 5, "second_person", "");
    done(&mut d, "lead", vet(1, 4), 5);
}

#[test]
fn what_is_said_about_an_individual_is_hidden_until_the_supervisor_named_approves_it() {
    let mut d = centre();
    done(&mut d, "ana", file(1, about_somebody(content(), "lead")), 0);
    let knows = |d: &Desk, by: &str| seen(d, 1, by, 1).is_some_and(|(_, s)| format!("{s:?}").contains("red van"));
    for (by, does) in
        [("ana", true), ("lead", true), ("bob", false), ("chief", false), ("watch", false), ("auditor", false)]
    {
        assert_eq!(knows(&d, by), does, "{by}");
    }
    refused(&mut d, "bob", vet(1, 1), 1, "individual_waits", "23.20(a), (c)");
    // Whoever does not see it neither changes nor loses it.
    let mut c = content();
    c.text = "Three of them.".into();
    refused(&mut d, "bob", change(1, 1, about_somebody(c.clone(), "chief")), 1, "individual_waits", "23.20(a), (c)");
    done(&mut d, "bob", change(1, 1, c.clone()), 1);
    assert!(knows(&d, "ana") && !knows(&d, "bob"));
    assert_eq!(state(&d, 1).history.last().unwrap().fields, ["text"]);
    refused(&mut d, "chief", approve(1, 2), 2, "forbidden", "");
    refused(&mut d, "lead", approve(1, 1), 2, "changed", "");
    done(&mut d, "lead", approve(1, 2), 2);
    assert!(knows(&d, "bob") && knows(&d, "auditor"));
    // What is changed of it waits again.
    let mut more = about_somebody(c, "lead");
    more.individual.as_mut().unwrap().text = "The pilot drives a red van and lives near.".into();
    done(&mut d, "bob", change(1, 2, more), 3);
    assert!(knows(&d, "bob") && knows(&d, "lead") && !knows(&d, "ana"));
    done(&mut d, "lead", approve(1, 3), 4);
    done(&mut d, "chief", vet(1, 3), 5);
    // An approver who is none any more approves nothing.
    let mut d = centre();
    done(&mut d, "ana", file(1, about_somebody(content(), "lead")), 0);
    let mut dir = people();
    dir.people.get_mut(&pid("lead")).unwrap().roles = [Role::Watch].into();
    d.configure(&dir);
    refused(&mut d, "lead", approve(1, 1), 1, "no_approver", "23.20(a), (c)");
}

#[test]
fn what_rests_on_something_is_marked_at_least_as_strictly() {
    let mut d = centre();
    done(&mut d, "ana", file(1, marked(patrol_only(), content())), 0);
    refused(&mut d, "ana", file(2, linking(content(), &[1])), 1, "marking_wider", "marked more strictly");
    done(&mut d, "ana", file(2, marked(patrol_only(), linking(content(), &[1]))), 1);
    let wider = ReportContent { text: "x".into(), ..linking(content(), &[1]) };
    refused(&mut d, "bob", change(2, 1, wider), 2, "marking_wider", "");
    // What one may not see cannot be linked, and is not told from what is not there.
    refused(&mut d, "gail", file(3, linking(content(), &[1])), 2, "unfit", "there is no report");
    // A sighting's marking counts as well.
    let sighted = crate::world::patrol_only(sighting(5, "a1"));
    let act = ActEntry { by: pid("a1"), via: "web".into(), request: None, act: report(sighted) };
    for e in d.decide(&act, at(2)) {
        d.apply(&e, at(2));
    }
    let links = [Link::Sighting(sid(5))].into();
    refused(&mut d, "ana", file(4, ReportContent { links, ..content() }), 3, "marking_wider", "sighting");
}

#[test]
fn a_report_whose_time_is_over_is_there_only_for_those_who_decide_that_it_goes() {
    let mut d = centre();
    done(&mut d, "ana", file(1, marked(patrol_only(), content())), 0);
    let end = 90 * DAY;
    for (by, before, after) in [
        ("ana", Some(Sight::Whole), None),
        ("watch", Some(Sight::Whole), None),
        ("lead", Some(Sight::Whole), None),
        ("auditor", Some(Sight::Whole), Some(Sight::Whole)),
        ("admin", None, Some(Sight::Whole)),
        ("gail", None, None),
        ("boss", None, None),
        ("a1", None, None),
        ("plug", None, None),
        ("device", None, None),
    ] {
        assert_eq!((sight(&d, 1, by, end - 1), sight(&d, 1, by, end)), (before, after), "{by}");
    }
    refused(&mut d, "bob", vet(1, 1), end, "not_found", "");
    refused(&mut d, "auditor", ask(1), end, "over", "23.20(h)");
    refused(
        &mut d,
        "bob",
        file(
            2,
            marked(
                patrol_only(),
                ReportContent { review_by: at(end + 1), purge_by: at(end + 1), ..linking(content(), &[1]) },
            ),
        ),
        end,
        "unfit",
        "there is no report",
    );
    // Whom its marking does not name sees that it must go, and not a word of it.
    let red = Marking { tlp: Tlp::Red, named: [pid("ana")].into(), ..Marking::default() };
    done(&mut d, "ana", file(3, marked(red, content())), 0);
    done(&mut d, "ana", ask(3), 1);
    assert_eq!((sight(&d, 3, "auditor", 2), sight(&d, 3, "admin", 2)), (None, None), "its marking is not for them");
    let (how, s) = seen(&d, 3, "auditor", end).unwrap();
    assert_eq!((how, s.content, s.purge_asked), (Sight::Outline, None, None));
    assert!(s.history.iter().all(|h| h.why.is_empty()));
    done(&mut d, "auditor", purge(3), end);
}

#[test]
fn a_purge_leaves_a_tombstone_that_cannot_be_guessed_back() {
    let make = |salt: &str| {
        let mut d = centre();
        done(&mut d, "ana", file(1, about_somebody(content(), "lead")), 0);
        let mut c = about_somebody(content(), "lead");
        c.text = "A secret word.".into();
        let act = ReportAct::Change {
            report: rid(1),
            read: 1,
            content: Box::new(c),
            salt: salt.into(),
            why: "a secret word, too".into(),
        };
        done(&mut d, "ana", act, 1);
        done(&mut d, "bob", ask(1), 2);
        done(&mut d, "auditor", purge(1), 3);
        d
    };
    let d = make(SALT);
    let s = state(&d, 1);
    assert_eq!((s.step, &s.content, s.salt.as_str(), &s.purge_asked), (ReportStep::Purged, &None, "", &None));
    assert!(!format!("{d:?}").contains("secret word"), "nothing of it is left in the engine");
    let t = s.tombstone.clone().unwrap();
    let expect = Tombstone {
        sha256: t.sha256.clone(),
        why: "not needed".into(),
        asked_by: Some(pid("bob")),
        approved_by: pid("auditor"),
        at: at(3),
    };
    assert_eq!((t.clone(), t.sha256.len()), (expect, 64));
    // The same each time it is replayed; another with another salt.
    assert_eq!(state(&make(SALT), 1).tombstone.as_ref(), Some(&t));
    assert_ne!(state(&make(&SALT.replace('f', "e")), 1).tombstone.as_ref().unwrap().sha256, t.sha256);
    for (by, how) in
        [("auditor", Some(Sight::Tombstone)), ("admin", Some(Sight::Tombstone)), ("ana", None), ("a1", None)]
    {
        assert_eq!(sight(&d, 1, by, 4), how, "{by}");
    }
}

#[test]
fn what_is_due_is_listed_the_longest_first() {
    let mut d = centre();
    for (n, review_day, purge_day) in [(1, 30, 90), (2, 20, 90), (3, 10, 40), (4, 80, 90)] {
        let c = ReportContent { review_by: at(review_day * DAY), purge_by: at(purge_day * DAY), ..content() };
        done(&mut d, "ana", file(n, c), 0);
    }
    done(&mut d, "bob", ask(4), DAY);
    let due = |d: &Desk, day: u32| {
        let due = d.overdue(at(day * DAY));
        let ids = |list: &[&ReportState]| list.iter().map(|s| s.id.0.as_u128() - 0x1000).collect::<Vec<_>>();
        (ids(&due.review), ids(&due.purge))
    };
    assert_eq!(due(&d, 5), (vec![], vec![4]));
    assert_eq!(due(&d, 30), (vec![3, 2, 1], vec![4]));
    assert_eq!(due(&d, 40), (vec![2, 1], vec![4, 3]));
    done(&mut d, "auditor", purge(4), 40 * DAY);
    assert_eq!(due(&d, 40), (vec![2, 1], vec![3]));
}

#[test]
fn a_bulletin_rests_on_no_report_that_is_over() {
    use skypicket_model::{Audience, BulletinAct, BulletinContent, Level, NoticeId};
    let mut d = centre();
    done(&mut d, "ana", file(1, content()), 0);
    let sheet: skypicket_model::Sheet = serde_json::from_value(serde_json::json!({
        "series": "OSA", "kind": {"en": "Officer Safety Alert"}, "issuer": "Centre", "report_to": {"en": "Call."},
        "rests_on": [Link::Report(rid(1))],
    }))
    .unwrap();
    let act = |seconds: u32| {
        let content = BulletinContent {
            title: "x".into(),
            title_es: String::new(),
            text: "x".into(),
            text_es: String::new(),
            level: Level::Caution,
            audience: vec![Audience::Everybody {}],
            area: None,
            marking: Marking::default(),
            expires_at: at(seconds + DAY),
            needs_ack: true,
            recall_text: String::new(),
            recall_text_es: String::new(),
            sheet: Some(Box::new(sheet.clone())),
        };
        let notice = NoticeId(Uuid::from_u128(1));
        let act = Act::Bulletin(BulletinAct::Propose { notice, content: Box::new(content) });
        d.check(&pid("bob"), &act, at(seconds)).map_err(|r| r.message)
    };
    assert_eq!(act(1), Ok(()));
    assert!(act(90 * DAY).unwrap_err().contains("there is no report"));
}

// ---- whatever is done, by anyone ----

const READERS: [&str; 14] = [
    "ana", "bob", "gail", "boss", "lead", "chief", "gone", "watch", "analyst", "auditor", "admin", "a1", "device",
    "plug",
];

fn markings() -> Vec<Marking> {
    let patrol = AgencyId::new("patrol").unwrap();
    let guard = AgencyId::new("guard").unwrap();
    let amber = |to: BTreeSet<AgencyId>| Marking {
        tlp: Tlp::Amber,
        owner: Some(patrol.clone()),
        releasable_to: to,
        named: BTreeSet::new(),
    };
    vec![
        Marking::default(),
        patrol_only(),
        amber(BTreeSet::new()),
        amber([guard].into()),
        Marking { tlp: Tlp::Red, named: [pid("ana"), pid("lead")].into(), ..Marking::default() },
    ]
}

/// An act of any kind, over three reports; the words of a report say its marking and version, those about an
/// individual who wrote them.
fn any_act() -> impl Strategy<Value = (usize, u8, u128, usize, u32, bool, u32)> {
    (0..READERS.len(), 0u8..8, 0u128..3, 0usize..5, 1u32..4, any::<bool>(), 0u32..40)
}

fn words(marking: usize) -> String {
    format!("words-marked-{marking}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_acts_gets_words_to_a_reader_outside_their_marking(
        acts in prop::collection::vec(any_act(), 1..60),
    ) {
        let mut d = centre();
        let dir = people();
        let markings = markings();
        let mut now = 0;
        for (who, kind, n, marking, read, somebody, days) in acts {
            now += if days > 34 { (days - 30) * DAY } else { 60 };
            let by = READERS[who];
            let mut c = marked(markings[marking].clone(), content());
            c.title = words(marking);
            c.text = format!("{} by {by} at {now}", words(marking));
            c.provenance.origin = words(marking);
            (c.review_by, c.purge_by) = (at(now + days * DAY / 2 + 1), at(now + days * DAY + 1));
            if somebody {
                c.individual = Some(Individual {
                    text: format!("individual-of-{by}-"),
                    basis: "reason".into(),
                    approver: pid(if marking % 2 == 0 { "lead" } else { "boss" }),
                });
            }
            let read = if read == 3 { d.report(rid(n)).map_or(1, |s| s.version) } else { read };
            let act = match kind {
                0 | 1 => file(n, c),
                2 | 3 => change(n, read, c),
                4 => vet(n, read),
                5 => approve(n, read),
                6 => ask(n),
                _ => purge(n),
            };
            let before = d.report(rid(n)).cloned();
            let took = tried(&mut d, by, act, now).is_ok();

            // Versions and history only grow, one by one.
            let after = d.report(rid(n)).cloned();
            if took {
                let after = after.unwrap();
                let (v, h) = before.as_ref().map_or((0, 0), |s| (s.version, s.history.len()));
                prop_assert!(after.version == v || after.version == v + 1);
                prop_assert_eq!(after.history.len(), h + 1);
                prop_assert_eq!(after.history.last().unwrap().version, after.version);
                prop_assert_eq!(after.history.last().unwrap().by.as_str(), by);
                let kept = before.iter().flat_map(|s| &s.history);
                prop_assert!(kept.zip(&after.history).all(|(a, b)| (a.version, a.at, &a.what) == (b.version, b.at, &b.what)));
                if let Some(c) = &after.content {
                    prop_assert!(c.purge_by <= after.filed_at.plus_s(90.0 * 86_400.0), "nothing was reviewed");
                    prop_assert!(after.step != ReportStep::Vetted || c.individual.is_none() || after.individual_approved.is_some());
                }
            } else {
                prop_assert_eq!(after, before);
            }

            for name in READERS {
                let Some(reader) = dir.reader(&pid(name)) else { continue };
                for s in d.reports() {
                    let Some((_, seen)) = as_seen(s, &reader, at(now)) else { continue };
                    let said = format!("{seen:?}");
                    prop_assert!(!said.contains(SALT));
                    for (k, m) in markings.iter().enumerate() {
                        prop_assert!(!said.contains(&words(k)) || skypicket_model::may_see(&reader, m), "{name}: {said}");
                    }
                    prop_assert!(!["a1", "device", "plug"].contains(&name), "{name} gets nothing at all");
                    if let Some(i) = seen.content.as_ref().and_then(|c| c.individual.as_ref()) {
                        let theirs = i.text.contains(&format!("-{name}-")) || i.approver == reader.person;
                        prop_assert!(theirs || s.individual_approved.is_some(), "{name}: {said}");
                    }
                    let over = s.content.as_ref().is_some_and(|c| c.purge_by <= at(now));
                    prop_assert!(!over || ["auditor", "admin"].contains(&name), "{name} reads what is over");
                }
            }
        }
    }
}

#[test]
fn a_record_of_the_engine_from_before_opens() {
    // A state as it was written before salts and authors of what is said about individuals were kept.
    let mut d = centre();
    done(&mut d, "ana", file(1, content()), 0);
    let mut old = serde_json::to_value(DeskEvent::Intelligence { state: Box::new(state(&d, 1).clone()) }).unwrap();
    let text = old.to_string();
    assert!(text.contains("\"salt\"") && text.contains("\"individual_by\""), "{text}");
    let state = old.as_object_mut().unwrap().values_mut().find_map(|v| {
        let found = if v.get("salt").is_some() { Some(v) } else { v.get_mut("state") };
        found.and_then(|v| v.as_object_mut())
    });
    let state = state.unwrap();
    state.remove("salt");
    state.remove("individual_by");
    assert!(serde_json::from_value::<DeskEvent>(old).is_ok());
}

#[test]
fn who_is_not_in_the_directory_gets_nothing_done() {
    let mut d = centre();
    let nobody = PersonId::new("nobody").unwrap();
    let act = Act::Intelligence(file(1, content()));
    assert_eq!(d.check(&nobody, &act, Time::from_micros(0)).unwrap_err().code, "forbidden");
    refused(&mut d, "gone", file(1, content()), 0, "forbidden", "");
}
