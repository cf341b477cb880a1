//! Drafts: several write, nobody overwrites what they did not read, and who wrote is not the second person; what a
//! bulletin rests on says whom it may open to.

use crate::{bulletins::*, world::*};
use proptest::prelude::*;
use skypicket_desk::{
    Desk,
    bulletins::{MOST_COMMENT, MOST_COMMENTS},
};
use skypicket_model::{
    Act, AgencyId, BulletinAct, BulletinContent, BulletinState, BulletinStep, Link, Marking, NoticeState, PersonId,
    Phrase, ReportId, Sheet, SightingId, Time, Tlp, TrackId, bulletin::Statement, entry::ActEntry, may_see,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

fn draft(n: u128, read: Option<Time>, content: BulletinContent) -> BulletinAct {
    BulletinAct::Draft { notice: nid(n), read, content: Box::new(content) }
}
fn submit(n: u128, read: Time) -> BulletinAct {
    BulletinAct::Submit { notice: nid(n), read }
}
fn comment(n: u128, text: &str) -> BulletinAct {
    BulletinAct::Comment { notice: nid(n), text: text.into() }
}
fn send_back(n: u128, why: &str) -> BulletinAct {
    BulletinAct::Return { notice: nid(n), why: why.into() }
}

fn phrase(en: &str) -> Phrase {
    Phrase { en: en.into(), es: String::new() }
}

fn with_sheet(c: BulletinContent, rests_on: &[Link], release_why: &str) -> BulletinContent {
    let sheet = Sheet {
        template: "osa@1".into(),
        series: "OSA".into(),
        kind: phrase("Officer Safety Alert"),
        issuer: "Sector centre".into(),
        known: vec![Statement { text: phrase("One was seen."), grade: skypicket_model::Grade::default() }],
        not_known: vec![phrase("Where from.")],
        measures: vec![],
        area_name: phrase(""),
        valid_from: None,
        report_to: phrase("The centre."),
        contact: String::new(),
        rests_on: rests_on.iter().copied().collect(),
        release_why: release_why.into(),
        short: phrase(""),
        brief: phrase(""),
    };
    BulletinContent { sheet: Some(Box::new(sheet)), ..c }
}

fn on_sighting(n: u128) -> Link {
    Link::Sighting(sid(n))
}

fn written(d: &Desk, n: u128) -> Time {
    state(d, n).proposed_at
}

/// With sighting 1 of patrol only, and 2 of everybody.
fn with_sightings() -> Desk {
    let mut d = with_boss();
    act(&mut d, "a1", report(patrol_only(sighting(1, "a1"))), 0).unwrap();
    act(&mut d, "a1", report(sighting(2, "a1")), 0).unwrap();
    d
}

#[test]
fn a_draft_grows_by_several_hands_goes_back_and_out_by_one_who_wrote_none_of_it() {
    let mut d = desk();
    // Unfinished, which no proposal may be.
    let empty = BulletinContent { text: String::new(), audience: vec![], ..content("") };
    assert_eq!(done(&mut d, "analyst", draft(1, None, empty), 0), Ok(vec![]));
    assert_eq!(state(&d, 1).step, BulletinStep::Draft);
    let t = written(&d, 1);
    assert_eq!(done(&mut d, "analyst", submit(1, t), 1), Err("unfit"));
    done(&mut d, "watch", draft(1, Some(t), with_sheet(content("one"), &[], "")), 2).unwrap();
    // What another wrote is not overwritten.
    assert_eq!(done(&mut d, "analyst", draft(1, Some(t), content("other")), 3), Err("changed"));
    assert_eq!(done(&mut d, "analyst", submit(1, t), 3), Err("changed"));
    // A comment changes nothing of what was read.
    let t = written(&d, 1);
    done(&mut d, "chief", comment(1, " Say which road. "), 4).unwrap();
    assert_eq!((written(&d, 1), state(&d, 1).comments[0].text.as_str()), (t, "Say which road."));
    assert_eq!(done(&mut d, "analyst", submit(1, t), 5), Ok(vec![]));
    assert_eq!(state(&d, 1).step, BulletinStep::Proposed);
    assert_eq!(done(&mut d, "analyst", draft(1, Some(t), content("late")), 6), Err("not_a_draft"));
    // Neither who began it nor who wrote on at it.
    let at_first = read(&d, 1);
    assert_eq!(done(&mut d, "watch", approve(1, at_first), 6), Err("second_person"));
    done(&mut d, "lead", send_back(1, "no road is named"), 7).unwrap();
    let back = state(&d, 1);
    assert_eq!(
        (back.step, back.comments[1].returned, back.comments[1].by.as_str()),
        (BulletinStep::Draft, true, "lead")
    );
    assert_eq!(done(&mut d, "lead", approve(1, at_first), 8), Err("nothing_waits"));
    let t = written(&d, 1);
    done(&mut d, "analyst", draft(1, Some(t), with_sheet(content("two"), &[], "")), 9).unwrap();
    let t = written(&d, 1);
    done(&mut d, "watch", submit(1, t), 10).unwrap();
    let t = read(&d, 1);
    let n = one(done(&mut d, "lead", approve(1, t), 11));
    assert_eq!((n.state, n.bulletin().unwrap().title.as_str()), (NoticeState::Issued, "two"));
    let number = n.bulletin().unwrap().number.clone().unwrap();
    assert!(number.starts_with("OSA-") && number.ends_with("-0001"), "{number}");
    // What was said while it was written stays at the centre.
    assert!(!format!("{n:?}").contains("road"));
}

#[test]
fn who_wrote_at_a_draft_stays_its_author_when_another_proposes_it_again() {
    let mut d = desk();
    done(&mut d, "analyst", draft(1, None, content("x")), 0).unwrap();
    let t = written(&d, 1);
    done(&mut d, "watch", draft(1, Some(t), content("by watch")), 1).unwrap();
    let t = written(&d, 1);
    done(&mut d, "analyst", submit(1, t), 2).unwrap();
    done(&mut d, "lead", comment(1, "good"), 3).unwrap();
    done(&mut d, "analyst", propose(1, content("by watch")), 4).unwrap();
    let t = read(&d, 1);
    assert_eq!(done(&mut d, "watch", approve(1, t), 5), Err("second_person"));
    assert_eq!(state(&d, 1).comments.len(), 1);
    one(done(&mut d, "lead", approve(1, t), 6));
}

#[test]
fn a_correction_that_is_sent_back_waits_for_its_author_and_what_is_in_force_stays() {
    let mut d = desk();
    issued(&mut d, 1, content("first"));
    done(&mut d, "watch", correct(1, content("second"), "w"), 2).unwrap();
    let t = read(&d, 1);
    done(&mut d, "lead", send_back(1, "not so"), 3).unwrap();
    assert!(state(&d, 1).waiting().is_none() && state(&d, 1).correction.as_ref().unwrap().draft);
    assert_eq!(done(&mut d, "lead", approve(1, t), 4), Err("nothing_waits"));
    assert_eq!((state(&d, 1).step, state(&d, 1).content.title.as_str()), (BulletinStep::Issued, "first"));
    done(&mut d, "analyst", correct(1, content("third"), "w"), 5).unwrap();
    let t = read(&d, 1);
    // Both wrote at it.
    assert_eq!(done(&mut d, "watch", approve(1, t), 6), Err("second_person"));
    let n = one(done(&mut d, "lead", approve(1, t), 7));
    assert_eq!(n.bulletin().unwrap().title, "third");
    // One that was sent back can be taken back.
    done(&mut d, "watch", correct(1, content("fourth"), "w"), 8).unwrap();
    done(&mut d, "lead", send_back(1, "no"), 9).unwrap();
    assert_eq!(done(&mut d, "watch", withdraw(1, "w"), 10), Ok(vec![]));
    assert!(state(&d, 1).correction.is_none());
}

#[test]
fn every_act_at_a_draft_that_does_not_fit_is_refused_by_its_code() {
    let mut d = with_sightings();
    // 1 is a draft, 2 waits, 3 is in force, 4 is over, 5 is patrol's draft, 6 is full of comments.
    done(&mut d, "analyst", draft(1, None, content("x")), 0).unwrap();
    done(&mut d, "analyst", propose(2, content("x")), 0).unwrap();
    issued(&mut d, 3, content("x"));
    issued(&mut d, 4, content("x"));
    one(done(&mut d, "lead", recall(4, "w"), 2));
    done(&mut d, "analyst", draft(5, None, patrol(content("x"))), 0).unwrap();
    done(&mut d, "analyst", draft(6, None, content("x")), 0).unwrap();
    for _ in 0..MOST_COMMENTS {
        done(&mut d, "lead", comment(6, "x"), 1).unwrap();
    }
    let t = written(&d, 1);
    let old = Time::from_micros(t.as_micros() - 1);
    let c = || content("x");
    let theirs = with_sheet(c(), &[on_sighting(1)], "");
    let ghost = with_sheet(c(), &[Link::Report(ReportId(Uuid::from_u128(9)))], "");
    let long = "w".repeat(MOST_COMMENT + 1);
    let before = cbor(&d);
    for (k, (by, what, code)) in [
        ("a1", draft(20, None, c()), "forbidden"),
        ("auditor", draft(20, None, c()), "forbidden"),
        ("ghost", draft(20, None, c()), "forbidden"),
        ("analyst", draft(20, Some(t), c()), "not_found"),
        ("analyst", draft(1, None, c()), "changed"),
        ("watch", draft(1, Some(old), c()), "changed"),
        ("a1", draft(1, Some(t), c()), "forbidden"),
        ("b1", draft(5, Some(written(&d, 5)), c()), "not_found"),
        ("analyst", draft(2, Some(t), c()), "not_a_draft"),
        ("analyst", draft(3, Some(t), c()), "not_a_draft"),
        ("analyst", draft(4, Some(t), c()), "not_a_draft"),
        ("analyst", draft(1, Some(t), content(&"x".repeat(121))), "unfit"),
        // Nobody lets it rest on what is not there, or not for them.
        ("analyst", draft(1, Some(t), ghost.clone()), "unfit"),
        ("b1", draft(1, Some(t), theirs.clone()), "unfit"),
        ("b1", draft(20, None, theirs.clone()), "unfit"),
        ("b1", propose(20, theirs.clone()), "unfit"),
        ("analyst", submit(20, t), "not_found"),
        ("b1", submit(5, written(&d, 5)), "not_found"),
        ("a1", submit(1, t), "forbidden"),
        ("auditor", submit(1, t), "forbidden"),
        ("analyst", submit(1, old), "changed"),
        ("analyst", submit(2, read(&d, 2)), "not_a_draft"),
        ("analyst", submit(3, t), "not_a_draft"),
        ("analyst", propose(1, c()), "exists"),
        ("analyst", comment(20, "x"), "not_found"),
        ("b1", comment(5, "x"), "not_found"),
        ("a1", comment(1, "x"), "forbidden"),
        ("auditor", comment(1, "x"), "forbidden"),
        ("lead", comment(1, "  "), "unfit"),
        ("lead", comment(1, "\u{1b}[2J"), "unfit"),
        ("lead", comment(1, &long), "unfit"),
        ("lead", comment(4, "x"), "over"),
        ("lead", comment(6, "x"), "too_many"),
        ("lead", send_back(20, "w"), "not_found"),
        ("b1", send_back(5, "w"), "not_found"),
        ("analyst", send_back(2, "w"), "forbidden"),
        ("a1", send_back(2, "w"), "forbidden"),
        ("lead", send_back(2, " "), "why"),
        ("lead", send_back(1, "w"), "nothing_waits"),
        ("lead", send_back(3, "w"), "nothing_waits"),
        ("lead", send_back(4, "w"), "nothing_waits"),
        ("lead", approve(1, t), "nothing_waits"),
        ("lead", break_glass(1, "w"), "nothing_waits"),
        ("lead", recall(1, "w"), "not_in_force"),
        ("lead", correct(1, c(), "w"), "not_in_force"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(done(&mut d, by, what.clone(), 8), Err(code), "{k}: {by} {what:?}");
        let entry = ActEntry { by: pid(by), via: "web".into(), request: None, act: Act::Bulletin(what) };
        assert_eq!(d.decide(&entry, at(8)), [], "{k}");
    }
    assert_eq!(cbor(&d), before);
}

#[test]
fn what_is_marked_wider_than_what_it_rests_on_needs_a_reason_and_a_second_person() {
    let mut d = with_sightings();
    let wide = |why: &str| with_sheet(content("x"), &[on_sighting(1), on_sighting(2)], why);
    assert_eq!(done(&mut d, "watch", propose(1, wide("")), 1), Err("unfit"));
    // As strict as that: fits.
    let strict = BulletinContent { marking: patrol(content("x")).marking, ..wide("") };
    done(&mut d, "watch", propose(2, strict), 1).unwrap();
    // Wider with a reason: nobody issues that alone.
    done(&mut d, "watch", propose(1, wide("lives are in danger")), 1).unwrap();
    assert_eq!(done(&mut d, "watch", break_glass(1, "now"), 2), Err("second_person"));
    assert_eq!(done(&mut d, "lead", break_glass(1, "now"), 2), Err("second_person"));
    let t = read(&d, 1);
    let n = one(done(&mut d, "lead", approve(1, t), 3));
    let sheet = n.bulletin().unwrap().sheet.clone().unwrap();
    assert!(sheet.rests_on.is_empty() && sheet.release_why.is_empty(), "they stay at the centre");
    // A draft may be marked so while it is written.
    done(&mut d, "watch", draft(3, None, wide("")), 4).unwrap();
    let t = written(&d, 3);
    assert_eq!(done(&mut d, "watch", submit(3, t), 5), Err("unfit"));
}

#[test]
fn who_issues_without_having_seen_all_that_it_rests_on_knows_so_and_that_stands_in_it() {
    let mut d = with_sightings();
    let on_both = with_sheet(content("x"), &[on_sighting(1), on_sighting(2)], "lives are in danger");
    for (n, by, hidden) in [(1, "lead", 0), (2, "b1", 2)] {
        done(&mut d, "watch", propose(n, on_both.clone()), 1).unwrap();
        let t = read(&d, n);
        // More than they were told is hidden from them.
        for told in 0..hidden {
            assert_eq!(done(&mut d, by, approve_unseen(n, t, told), 2), Err("unseen"), "{by}, {told}");
        }
        one(done(&mut d, by, approve_unseen(n, t, hidden), 2));
        let unseen = state(&d, n).unseen.clone();
        assert_eq!(unseen.as_ref().map_or(0, |u| u.count), hidden, "{by}");
        let strictest = patrol(content("")).marking;
        assert_eq!(unseen.and_then(|u| u.marking), (hidden > 0).then_some(strictest), "{by}");
    }
    // Alone, too; and the next version says it of its own.
    done(&mut d, "watch", propose(3, with_sheet(content("x"), &[on_sighting(2)], "")), 3).unwrap();
    one(done(&mut d, "b1", break_glass(3, "now"), 4));
    assert_eq!(state(&d, 3).unseen.as_ref().map(|u| u.count), Some(1));
    done(&mut d, "watch", correct(3, with_sheet(content("y"), &[on_sighting(2)], ""), "w"), 5).unwrap();
    assert_eq!(state(&d, 3).unseen.as_ref().map(|u| u.count), Some(1), "of what is in force");
    let t = read(&d, 3);
    one(done(&mut d, "lead", approve(3, t), 6));
    assert_eq!(state(&d, 3).unseen, None);
}

#[test]
fn what_is_marked_more_strictly_by_now_than_whoever_approves_was_told_is_not_approved() {
    let mut d = with_boss();
    let strict = patrol(content("")).marking;
    let amber = Marking { tlp: Tlp::Amber, ..strict.clone() };
    let shared = Marking { releasable_to: [AgencyId::new("elsewhere").unwrap()].into(), ..amber.clone() };
    let red = Marking { tlp: Tlp::Red, named: [pid("lead")].into(), ..strict.clone() };
    // What it rests on, marked ever more strictly; b1 of guard sees it at no time.
    let marked = |m: &Marking| BulletinContent { marking: m.clone(), ..content("behind") };
    issued(&mut d, 9, marked(&shared));
    done(&mut d, "watch", propose(1, with_sheet(content("x"), &[Link::Notice(nid(9))], "asked")), 2).unwrap();
    let t = read(&d, 1);
    let nobody = |m: &Marking| Marking { named: BTreeSet::new(), ..m.clone() };
    let steps = [shared, amber, strict, red];
    for (k, now) in steps.iter().enumerate() {
        if k > 0 {
            done(&mut d, "watch", correct(9, marked(now), "w"), 3).unwrap();
            let t = read(&d, 9);
            one(done(&mut d, "lead", approve(9, t), 3));
        }
        let mut told = d.clone();
        for (j, was) in steps.iter().enumerate() {
            let act = approve_told(1, t, 1, &nobody(was));
            let fits = d.check(&pid("b1"), &Act::Bulletin(act), at(4)).map_err(|r| r.code);
            assert_eq!(fits, if j < k { Err("unseen") } else { Ok(()) }, "told {was:?}, is {now:?}");
        }
        assert_eq!(done(&mut told, "b1", approve_told(1, t, 0, &nobody(now)), 4), Err("unseen"), "too few");
        one(done(&mut told, "b1", approve_told(1, t, 1, &nobody(now)), 4));
        assert_eq!(state(&told, 1).unseen.as_ref().and_then(|u| u.marking.clone()), Some(nobody(now)));
    }
    // In records of before it was asked for nobody said what they were told: it stays as it was.
    one(done(&mut d, "b1", approve_unseen(1, t, 1), 5));
    let old = serde_json::json!({"do": "approve", "notice": nid(1), "read": t, "unseen": 1});
    assert_eq!(serde_json::from_value::<BulletinAct>(old.clone()).unwrap(), approve_unseen(1, t, 1));
    assert_eq!(serde_json::to_value(approve_unseen(1, t, 1)).unwrap(), old);
}

#[test]
fn a_report_that_is_gone_is_hidden_from_nobody_and_a_correction_may_leave_it_out() {
    let mut before = with_sightings();
    let gone = Link::Report(ReportId(Uuid::from_u128(9)));
    done(&mut before, "watch", propose(1, with_sheet(content("x"), &[on_sighting(2)], "")), 1).unwrap();
    // It named a report that was there when it was written, and that was purged since.
    let mut s = state(&before, 1).clone();
    s.content.sheet.as_mut().unwrap().rests_on.insert(gone);
    before.apply(&skypicket_model::DeskEvent::Bulletin { state: Box::new(s) }, at(2));
    let t = read(&before, 1);
    // Nobody has to say that they have not seen it.
    one(done(&mut before, "lead", approve_told(1, t, 0, &Marking::default()), 3));
    assert_eq!(state(&before, 1).unseen, None);
    // What is hidden is counted without it.
    let mut s = state(&before, 1).clone();
    s.content.sheet.as_mut().unwrap().rests_on.insert(on_sighting(1));
    let seen = |by: &str| before.unseen(&pid(by), &s.content, at(4)).map(|u| u.count);
    assert_eq!((seen("lead"), seen("b1")), (None, Some(2)), "both sightings, and not the report");
    // Kept or left out.
    for links in [&[gone, on_sighting(2)][..], &[on_sighting(2)]] {
        let mut d = before.clone();
        done(&mut d, "watch", correct(1, with_sheet(content("y"), links, ""), "w"), 5).unwrap();
        let t = read(&d, 1);
        one(done(&mut d, "lead", approve(1, t), 6));
        assert_eq!(state(&d, 1).content.sheet.as_ref().unwrap().rests_on.contains(&gone), links.contains(&gone));
    }
}

#[test]
fn whoever_began_a_draft_proposes_it_anew_only_over_what_they_may_see() {
    let mut d = with_sightings();
    for (n, by_another) in [
        (1, with_sheet(content("x"), &[on_sighting(1)], "asked")),
        (2, patrol(with_sheet(content("x"), &[on_sighting(1)], ""))),
        (3, with_sheet(content("x"), &[], "")),
    ] {
        // b1, of guard, begins; the watch writes on at it, and sends it in.
        done(&mut d, "b1", draft(n, None, content("b1's")), 1).unwrap();
        let t = written(&d, n);
        done(&mut d, "watch", draft(n, Some(t), by_another), 2).unwrap();
        let t = written(&d, n);
        done(&mut d, "watch", submit(n, t), 3).unwrap();
    }
    let before = cbor(&d);
    // It rests on what they may not see; it is marked so that they may not see it.
    assert_eq!(done(&mut d, "b1", propose(1, content("anew")), 4), Err("changed"));
    assert_eq!(done(&mut d, "b1", propose(2, content("anew")), 4), Err("not_found"));
    assert_eq!(cbor(&d), before);
    done(&mut d, "b1", propose(3, content("anew")), 4).unwrap();
}

#[test]
fn a_correction_that_was_sent_back_is_withdrawn_also_by_who_may_not_see_it() {
    let mut d = with_sightings();
    issued(&mut d, 1, content("x"));
    done(&mut d, "watch", correct(1, patrol(with_sheet(content("y"), &[on_sighting(1)], "")), "w"), 2).unwrap();
    // It waits for somebody who may see it.
    assert_eq!(done(&mut d, "b1", withdraw(1, "w"), 3), Err("nothing_waits"));
    done(&mut d, "lead", send_back(1, "no"), 3).unwrap();
    // Nobody decides about it any more: b1 need not wait for its author.
    let t = state(&d, 1).written_at();
    let refused = d.check(&pid("b1"), &Act::Bulletin(correct_read(1, t, content("z"))), at(4)).unwrap_err();
    assert!(refused.code == "changed" && refused.message.contains("withdraw"), "{refused:?}");
    assert_eq!(done(&mut d, "b1", withdraw(1, "w"), 4), Ok(vec![]));
    let t = state(&d, 1).written_at();
    done(&mut d, "b1", correct_read(1, t, content("z")), 5).unwrap();
}

#[test]
fn nobody_corrects_over_what_they_have_not_read_or_may_not_see() {
    let mut d = with_sightings();
    issued(&mut d, 1, content("x"));
    let first = state(&d, 1).written_at();
    done(&mut d, "watch", correct_read(1, first, content("watch's")), 2).unwrap();
    assert_eq!(done(&mut d, "lead", correct_read(1, first, content("lead's")), 3), Err("changed"));
    assert_eq!(state(&d, 1).correction.as_ref().unwrap().content.title, "watch's");
    // What was said about it, and that it was sent back, change nothing of what was read.
    let second = state(&d, 1).written_at();
    done(&mut d, "lead", comment(1, "hm"), 4).unwrap();
    done(&mut d, "lead", send_back(1, "no"), 4).unwrap();
    done(&mut d, "lead", correct_read(1, second, content("lead's")), 5).unwrap();
    // Taken back, or in force by now: another one.
    let third = state(&d, 1).written_at();
    done(&mut d, "watch", withdraw(1, "w"), 6).unwrap();
    for before in [first, second, third] {
        assert_eq!(done(&mut d, "watch", correct_read(1, before, content("z")), 7), Err("changed"));
    }
    let t = state(&d, 1).written_at();
    done(&mut d, "watch", correct_read(1, t, patrol(content("patrol's"))), 8).unwrap();
    // b1 may see what is in force, and not what waits: whatever they say that they read.
    let t = state(&d, 1).written_at();
    for read in [first, t] {
        assert_eq!(done(&mut d, "b1", correct_read(1, read, content("b1's")), 9), Err("changed"));
    }
    assert_eq!(done(&mut d, "b1", correct(1, content("b1's"), "w"), 9), Err("changed"));
    let t = read(&d, 1);
    one(done(&mut d, "lead", approve(1, t), 10));
    assert_eq!(done(&mut d, "watch", correct_read(1, t, content("z")), 11), Err("changed"));
    let now = state(&d, 1).written_at();
    done(&mut d, "watch", correct_read(1, now, content("z")), 11).unwrap();
}

#[test]
fn what_it_rests_on_counts_also_for_who_may_not_see_it_and_who_writes_on_needs_not_see_it() {
    let mut d = with_sightings();
    // A draft that everybody may write at, on a sighting that is patrol's.
    done(&mut d, "watch", draft(1, None, with_sheet(content("x"), &[on_sighting(1)], "")), 1).unwrap();
    let t = written(&d, 1);
    // b1, of guard, writes on at it, and may not make it wider than what they cannot see.
    done(&mut d, "b1", draft(1, Some(t), with_sheet(content("y"), &[on_sighting(1)], "")), 2).unwrap();
    let t = written(&d, 1);
    assert_eq!(done(&mut d, "b1", submit(1, t), 3), Err("unfit"));
    // What it rests on was marked more strictly since: it is looked at again by whoever approves, whatever they see.
    let bare = with_sheet(content("y"), &[on_sighting(1)], "asked the source");
    done(&mut d, "watch", draft(1, Some(t), bare), 4).unwrap();
    let t = written(&d, 1);
    done(&mut d, "watch", submit(1, t), 5).unwrap();
    let t = read(&d, 1);
    assert_eq!(done(&mut d, "b1", approve(1, t), 6), Err("second_person"));
    one(done(&mut d, "lead", approve(1, t), 6));
    // Corrected by b1 it goes on resting on that; without a reason it does not go out.
    let kept = |why: &str| with_sheet(content("z"), &[on_sighting(1)], why);
    assert_eq!(done(&mut d, "b1", correct(1, kept(""), "w"), 7), Err("unfit"));
    assert_eq!(done(&mut d, "b1", correct(1, kept("asked the source"), "w"), 7), Ok(vec![]));
}

#[test]
fn what_is_said_while_a_stricter_correction_waits_is_marked_as_that_is() {
    let mut d = with_boss();
    issued(&mut d, 1, content("x"));
    done(&mut d, "lead", comment(1, "open"), 2).unwrap();
    done(&mut d, "watch", correct(1, patrol(content("secret")), "w"), 3).unwrap();
    done(&mut d, "lead", comment(1, "about the secret"), 4).unwrap();
    done(&mut d, "watch", withdraw(1, "w"), 5).unwrap();
    let marking = |k: usize| state(&d, 1).comments[k].marking.clone().unwrap();
    assert_eq!((marking(0), marking(1)), (Marking::default(), patrol(content("")).marking));
}

// ---- whatever happens ----

#[derive(Debug, Clone)]
enum Doing {
    /// Patrol's marking; rests on sightings; with a reason to release it; as read, or as read before.
    Draft(bool, u8, bool, bool),
    Propose(bool, u8, bool),
    Correct(bool, u8, bool),
    Submit(bool),
    Comment,
    Return,
    Approve(bool),
    BreakGlass,
    Withdraw,
    Recall,
}

fn doing() -> impl Strategy<Value = Doing> {
    let b = any::<bool>;
    prop_oneof![
        6 => (b(), 0u8..4, b(), prop::bool::weighted(0.9)).prop_map(|(m, r, w, new)| Doing::Draft(m, r, w, new)),
        2 => (b(), 0u8..4, b()).prop_map(|(m, r, w)| Doing::Propose(m, r, w)),
        2 => (b(), 0u8..4, b()).prop_map(|(m, r, w)| Doing::Correct(m, r, w)),
        5 => prop::bool::weighted(0.9).prop_map(Doing::Submit),
        1 => Just(Doing::Comment),
        2 => Just(Doing::Return),
        8 => prop::bool::weighted(0.9).prop_map(Doing::Approve),
        1 => Just(Doing::BreakGlass),
        1 => Just(Doing::Withdraw),
        1 => Just(Doing::Recall),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever anybody does in whatever order: what goes out is what a second person read, who wrote none of it; it goes
    /// to nobody outside the marking of what was approved; to nobody outside what it rests on, without a reason that a
    /// second person approved; and who may not see a bulletin does nothing to it.
    #[test]
    fn no_sequence_of_acts_gets_content_to_a_reader_outside_its_release_and_no_author_approves(
        script in prop::collection::vec(
            (doing(), 1u128..3, prop::sample::select(&["watch", "analyst", "lead", "chief", "b1", "a1"][..]), 0u32..2),
            1..90,
        ),
    ) {
        let mut d = with_sightings();
        let dir = { let mut dir = directory(); dir.people.get_mut(&pid("b1")).unwrap().roles = [skypicket_model::Role::Supervisor].into(); dir };
        let everybody: Vec<PersonId> = dir.people.keys().cloned().collect();
        let mut history = d.clone();
        let mut wrote: BTreeMap<u128, BTreeSet<&str>> = BTreeMap::new();
        let mut now = 10;
        for (k, (what, n, by, pause)) in script.into_iter().enumerate() {
            now += pause;
            let c = |marked: bool, rests: u8, why: bool| {
                let c = content(&format!("c{k}"));
                let links: Vec<Link> = [(1, 1u128), (2, 2)].iter().filter(|(bit, _)| rests & bit != 0).map(|(_, s)| on_sighting(*s)).collect();
                with_sheet(if marked { patrol(c) } else { c }, &links, if why { "asked" } else { "" })
            };
            let before = d.bulletin(nid(n)).cloned();
            let was = |fresh: bool| before.as_ref().map(|s| if fresh { s.proposed_at } else { Time::from_micros(s.proposed_at.as_micros() - 1) });
            let act = match what {
                Doing::Draft(m, r, w, fresh) => draft(n, was(fresh), c(m, r, w)),
                Doing::Propose(m, r, w) => propose(n, c(m, r, w)),
                Doing::Correct(m, r, w) => correct(n, c(m, r, w), "w"),
                Doing::Submit(fresh) => submit(n, was(fresh).unwrap_or(at(0))),
                Doing::Comment => comment(n, "said"),
                Doing::Return => send_back(n, "w"),
                Doing::Approve(fresh) => {
                    let t = before.as_ref().and_then(|s| s.waiting()).map_or(at(0), |w| w.1);
                    approve(n, if fresh { t } else { at(0) })
                }
                Doing::BreakGlass => break_glass(n, "now"),
                Doing::Withdraw => withdraw(n, "w"),
                Doing::Recall => recall(n, "w"),
            };
            let entry = ActEntry { by: pid(by), via: "web".into(), request: None, act: Act::Bulletin(act.clone()) };
            let events = d.decide(&entry, at(now));
            prop_assert_eq!(d.check(&pid(by), &entry.act, at(now)).is_err(), events.is_empty());
            if !events.is_empty() {
                if let Some(s) = &before {
                    prop_assert!(may_see(&dir.reader(&pid(by)).unwrap(), &s.content.marking), "{by} did {act:?} to what they may not see");
                }
                let authors = wrote.entry(n).or_default();
                match &act {
                    BulletinAct::Draft { .. } | BulletinAct::Propose { .. } => { authors.insert(by); }
                    BulletinAct::Correct { .. } => {
                        if before.as_ref().is_some_and(|s| s.correction.is_none()) { authors.clear(); }
                        authors.insert(by);
                    }
                    BulletinAct::Approve { .. } => prop_assert!(!authors.contains(by), "{by} wrote at it"),
                    _ => {}
                }
            }
            let waited = before.as_ref().and_then(BulletinState::waiting).map(|w| w.2.clone());
            for notice in take(&mut d, &events, at(now)) {
                let b = notice.bulletin().unwrap();
                if notice.state.ended() { continue; }
                let c = waited.clone().unwrap();
                prop_assert_eq!((&notice.marking, &b.title), (&c.marking, &c.title));
                let sheet = b.sheet.as_ref().unwrap();
                prop_assert!(sheet.rests_on.is_empty() && sheet.release_why.is_empty());
                let sheet = c.sheet.as_ref().unwrap();
                let released = !sheet.release_why.is_empty() && b.approved_by.is_some();
                for person in &everybody {
                    let reader = dir.reader(person).unwrap();
                    let basis = |l: &Link| d.linked(*l, at(now)).is_none_or(|l| may_see(&reader, l.marking));
                    if may_see(&reader, &notice.marking) && !released {
                        prop_assert!(sheet.rests_on.iter().all(basis), "{person} gets what rests on what they may not see");
                    }
                }
            }
            take(&mut history, &events, at(now));
        }
        prop_assert_eq!(cbor(&d), cbor(&history));
    }
}

#[test]
fn links_that_lead_nowhere_are_let_be_once_they_stand_there() {
    let mut d = with_sightings();
    let track = Link::Track(TrackId(Uuid::from_u128(7)));
    done(&mut d, "watch", propose(1, with_sheet(content("x"), &[on_sighting(2), track], "")), 1).unwrap();
    let t = read(&d, 1);
    one(done(&mut d, "lead", approve(1, t), 2));
    // The same to a desk that has forgotten the sighting.
    let mut later = with_boss();
    later.apply(&skypicket_model::DeskEvent::Bulletin { state: Box::new(state(&d, 1).clone()) }, at(3));
    let again = with_sheet(content("y"), &[on_sighting(2), track], "");
    assert_eq!(done(&mut later, "watch", correct(1, again, "w"), 4), Ok(vec![]));
    let new = with_sheet(content("y"), &[Link::Sighting(SightingId(Uuid::from_u128(77)))], "");
    assert_eq!(done(&mut later, "watch", correct(1, new, "w"), 5), Err("unfit"));
}
