//! Tests of what can be found, by whom, and of the purge of one report.

use super::{testing::*, *};
use crate::{ReadError, SearchHit, SearchOrder, SearchQuery, SearchRow, Seen};
use skypicket_model::{
    Act, Area, Body, BulletinContent, BulletinState, BulletinStep, Credibility, DeskEvent, Grade, LatLon, Marking,
    NoticeState, Reliability, ReportAct, ReportContent, ReportId, ReportState, Search, SearchKind, SearchPlace, Tlp,
    Verdict,
    bulletin::{Correction, Phrase, Sheet, Statement},
    entry::{Snapshot, Upkeep},
    intelligence::{Individual, Obtained, Provenance, ReportChange, ReportStep, SourceKind, Subject, Tombstone},
};

use SearchKind::{Bulletin, Report, Sighting, Warning};
use skypicket_model::Level::{Caution, Urgent};

fn log() -> LogId {
    LogId(uuid(0x10))
}

fn open(folder: &Folder) -> SqliteRecord {
    SqliteRecord::open(folder.path(), Options { log: Some(log()), reserve_bytes: 0, ..Options::default() }).unwrap()
}

fn go_on() -> AtomicBool {
    AtomicBool::new(false)
}

fn content(title: &str, text: &str) -> ReportContent {
    ReportContent {
        title: title.into(),
        text: text.into(),
        about: [Subject::Drone].into(),
        provenance: Provenance {
            kind: SourceKind::Officer,
            obtained: Obtained::Observed,
            at: t(100),
            source: "patrol North 3".into(),
            origin: String::new(),
            lawful: true,
        },
        grade: Grade::default(),
        marking: Marking::default(),
        area: None,
        from: None,
        until: None,
        links: std::collections::BTreeSet::new(),
        individual: None,
        review_by: t(1_000_000),
        purge_by: t(2_000_000),
    }
}

fn state(n: u128, content: Option<ReportContent>) -> Body {
    let step = if content.is_some() { ReportStep::Raw } else { ReportStep::Purged };
    let tombstone = content.is_none().then(|| Tombstone {
        sha256: "00".into(),
        why: "no longer needed".into(),
        asked_by: Some(person(2)),
        approved_by: person(3),
        at: t(500),
    });
    Body::Desk(DeskEvent::Intelligence {
        state: Box::new(ReportState {
            id: ReportId(uuid(0xC000 + n)),
            version: 1,
            step,
            content: content.map(Box::new),
            salt: "00".into(),
            filed_by: person(2),
            filed_at: t(100),
            individual_by: None,
            individual_approved: None,
            purge_asked: None,
            history: vec![ReportChange {
                version: 1,
                at: t(100),
                by: person(2),
                what: "filed".into(),
                fields: Vec::new(),
                grade: None,
                why: String::new(),
            }],
            tombstone,
            at: t(100),
        }),
    })
}

fn filed(n: u128, c: &ReportContent) -> Body {
    let mut answered = request(0x100 + n);
    answered.answer = format!("{{\"title\":\"{}\"}}", c.title);
    let file = ReportAct::File { report: ReportId(uuid(0xC000 + n)), content: Box::new(c.clone()), salt: "00".into() };
    act(2, Some(answered), Act::Intelligence(file))
}

fn bulletin(n: u128, step: BulletinStep, sheet: Option<Sheet>, correction: Option<&str>) -> Body {
    let content = |text: &str| BulletinContent {
        title: "Officer Safety Alert".into(),
        title_es: "Alerta de seguridad".into(),
        text: text.into(),
        text_es: "Drones con cargas explosivas".into(),
        level: skypicket_model::Level::Urgent,
        audience: Vec::new(),
        area: None,
        marking: Marking::default(),
        expires_at: t(900_000),
        needs_ack: true,
        recall_text: String::new(),
        recall_text_es: String::new(),
        sheet: None,
    };
    let mut state = BulletinState {
        notice: NoticeId(uuid(0xD000 + n)),
        step,
        version: 1,
        content: BulletinContent {
            sheet: sheet.map(Box::new),
            ..content("Armed drones may be used against personnel")
        },
        proposed_by: person(2),
        proposed_at: t(200),
        issued_by: None,
        approved_by: None,
        break_glass: None,
        unseen: None,
        why: String::new(),
        correction: None,
        number: Some("OSA-2026-0001".into()),
        authors: std::collections::BTreeSet::new(),
        comments: Vec::new(),
        at: t(200),
    };
    state.correction = correction.map(|text| {
        let content = BulletinContent { marking: Marking { tlp: Tlp::Red, ..Marking::default() }, ..content(text) };
        Box::new(Correction { content, by: person(3), at: t(300), why: "more is known".into(), draft: false })
    });
    Body::Desk(DeskEvent::Bulletin { state: Box::new(state) })
}

/// Reports and bulletins that changed, wait and were purged.
pub(super) fn of_every_search_kind() -> Vec<Body> {
    vec![
        filed(1, &content("A", "one")),
        state(1, Some(content("A", "one"))),
        filed(2, &content("B", "two")),
        state(2, Some(content("B", "two"))),
        act(2, None, Act::Conflict { request: request(0x101).id, body: "{}".into() }),
        state(1, Some(content("A", "three"))),
        bulletin(1, BulletinStep::Draft, None, None),
        bulletin(1, BulletinStep::Issued, None, Some("thermite")),
        state(2, None),
    ]
}

fn everything() -> Box<Seen> {
    Box::new(|_, _| true)
}

fn ask(search: Search) -> SearchQuery {
    SearchQuery::new(search, person(1))
}

fn words(q: &str) -> Search {
    Search { q: q.into(), ..Search::default() }
}

fn find(record: &SqliteRecord, search: Search) -> Vec<SearchHit> {
    record.search(ask(search), everything()).wait().unwrap().items
}

fn titles(record: &SqliteRecord, search: Search) -> Vec<String> {
    find(record, search).into_iter().map(|h| h.row.title).collect()
}

fn said(n: u128, text: &str) -> Body {
    let mut body = sighting_state(n, 1, 31.76, Verdict::New);
    if let Body::Desk(DeskEvent::Sighting { state }) = &mut body {
        state.sighting.words = text.into();
    }
    body
}

/// What the spans mark.
fn hits(text: &str, spans: &[crate::Span]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    spans.iter().map(|s| chars[s.from as usize..s.to as usize].iter().collect()).collect()
}

#[test]
fn words_are_found_in_every_kind_stemmed_without_accents_and_never_taken_for_syntax() {
    let folder = Folder::new();
    let record = open(&folder);
    let sheet = Sheet {
        template: String::new(),
        series: "OSA".into(),
        kind: Phrase { en: "Officer Safety Alert".into(), es: String::new() },
        issuer: "Centre".into(),
        known: vec![Statement {
            text: Phrase { en: "Quadcopters were modified".into(), es: "Cuadricópteros modificados".into() },
            grade: Grade::default(),
        }],
        not_known: Vec::new(),
        measures: Vec::new(),
        area_name: Phrase::default(),
        valid_from: None,
        report_to: Phrase::default(),
        contact: String::new(),
        rests_on: std::collections::BTreeSet::new(),
        release_why: String::new(),
        short: Phrase::default(),
        brief: Phrase::default(),
    };
    let mut secret = content("Explosives seen", "A cache NEAR the bridge, 40% full");
    secret.individual =
        Some(Individual { text: "a man called Zacharias".into(), basis: "seen".into(), approver: person(3) });
    record
        .append(entries(
            0,
            [
                said(1, "over the wash, carrying something"),
                state(1, Some(secret)),
                bulletin(1, BulletinStep::Draft, Some(sheet), None),
                notice(1, 1, NoticeState::Raised),
            ],
        ))
        .wait()
        .unwrap();
    let kinds = |q: &str| find(&record, words(q)).into_iter().map(|h| h.row.kind).collect::<Vec<_>>();
    assert_eq!(kinds("explosive "), [Report], "a stem");
    assert_eq!(kinds("explosi"), [Bulletin, Report], "the beginning of a word, in both languages");
    assert_eq!(kinds("explosi "), [], "a word that is whole is no beginning");
    assert_eq!(kinds("cuadricopteros"), [Bulletin], "no accents, and the sheet's statements in both languages");
    assert_eq!(kinds("quadcopter"), [Bulletin]);
    assert_eq!(kinds("dron"), [Warning, Bulletin], "the newest first");
    assert_eq!(kinds("\"over the wash\""), [Sighting]);
    assert_eq!(kinds("\"the over wash\""), []);
    assert_eq!(kinds("north -bridge"), []);
    assert_eq!(kinds("patrol north"), [Report], "a report's source");
    assert_eq!(kinds("-drone"), [Report, Sighting], "only what must not be there");
    assert_eq!(kinds("zacharias"), [], "nothing of individuals can be found");
    assert_eq!(kinds(""), [Warning, Bulletin, Report, Sighting]);
    for q in ["near(", "title:explosives", "\"", "* OR *", "a AND NOT", "{x}", "^bridge -", "40%", "NEAR/3 bridge"] {
        record.search(ask(words(q)), everything()).wait().unwrap_or_else(|e| panic!("{q}: {e}"));
    }
    assert_eq!(kinds("40% NEAR"), [Report], "an operator is a word like any other");
    let draft = find(&record, words("quadcopter")).remove(0);
    assert!(draft.row.draft && draft.row.state == "draft" && draft.row.number.as_deref() == Some("OSA-2026-0001"));
    let found = find(&record, words("bridge explosives")).remove(0);
    assert_eq!(hits(&found.row.title, &found.title), ["Explosives"]);
    assert_eq!(hits(&found.snippet, &found.spans), ["bridge"]);
}

#[test]
fn only_the_newest_version_is_found_and_a_correction_that_waits_beside_it() {
    let folder = Folder::new();
    let record = open(&folder);
    let texts = ["first wording", "second wording"];
    for (k, text) in (0..).zip(texts) {
        record.append(entries(k, [state(1, Some(content("A", text)))])).wait().unwrap();
    }
    record.append(entries(2, [bulletin(1, BulletinStep::Issued, None, Some("thermite"))])).wait().unwrap();
    assert_eq!(titles(&record, words("first")), Vec::<String>::new());
    assert_eq!(titles(&record, words("second")), ["A"]);
    let waiting = find(&record, words("thermite")).remove(0);
    assert!(waiting.row.draft && waiting.row.state == "correction");
    assert_eq!((waiting.row.marking.tlp, waiting.row.also.unwrap().tlp), (Tlp::Red, Tlp::Green));
    record.append(entries(3, [bulletin(1, BulletinStep::Issued, None, None)])).wait().unwrap();
    assert_eq!(titles(&record, words("thermite")), Vec::<String>::new(), "it was withdrawn");
    assert_eq!(titles(&record, words("armed")), ["Officer Safety Alert"]);
    record.append(entries(4, [state(1, None)])).wait().unwrap();
    assert_eq!(titles(&record, words("second")), Vec::<String>::new(), "it was purged");
}

#[test]
fn place_time_and_grade_narrow_the_search_exactly() {
    let folder = Folder::new();
    let record = open(&folder);
    let at = LatLon { lat_deg: 31.76, lon_deg: -106.49 };
    let circle =
        |north_deg: f64, radius_m| Area::Circle { centre: LatLon { lat_deg: at.lat_deg + north_deg, ..at }, radius_m };
    let graded = |reliability, credibility| Grade { reliability, credibility };
    let report = |title: &str, area, grade, from| ReportContent { area, grade, from, ..content(title, "x") };
    record
        .append(entries(
            0,
            [
                state(
                    1,
                    Some(report(
                        "near",
                        Some(circle(0.005, 100.0)),
                        graded(Reliability::A, Credibility::Doubtful),
                        None,
                    )),
                ),
                state(
                    2,
                    Some(report("far", Some(circle(0.5, 100.0)), graded(Reliability::C, Credibility::Probable), None)),
                ),
                state(3, Some(report("far, but wide", Some(circle(0.5, 60_000.0)), Grade::default(), Some(t(9_000))))),
                state(4, Some(report("nowhere", None, Grade::default(), None))),
                sighting_state(1, 1, 31.763, Verdict::New),
            ],
        ))
        .wait()
        .unwrap();
    let near = |within_m| Some(SearchPlace { at, within_m });
    let all = Search::default();
    assert_eq!(titles(&record, Search { near: near(400.0), ..all.clone() }), ["", "far, but wide"]);
    assert_eq!(titles(&record, Search { near: near(1_000.0), ..all.clone() }), ["", "far, but wide", "near"]);
    assert_eq!(titles(&record, Search { near: near(60_000.0), ..all.clone() }), ["", "far, but wide", "far", "near"]);
    assert_eq!(
        record.search(ask(Search { near: near(2e6), ..all.clone() }), everything()).wait(),
        Err(ReadError::Question("a circle has a radius of up to 100 km"))
    );
    let reports = Search { kinds: [SearchKind::Report].into(), ..all.clone() };
    assert_eq!(titles(&record, Search { from: Some(t(8_999)), ..reports.clone() }), ["far, but wide"]);
    assert_eq!(titles(&record, Search { until: Some(t(100)), ..reports.clone() }), ["nowhere", "far", "near"]);
    assert_eq!(titles(&record, Search { from: Some(t(101)), until: Some(t(8_999)), ..reports.clone() }), [""; 0]);
    assert_eq!(titles(&record, Search { reliability: Some(Reliability::B), ..all.clone() }), ["near"]);
    assert_eq!(titles(&record, Search { credibility: Some(Credibility::Possible), ..all }), ["far"]);
}

/// Whoever may not see a row can tell by nothing that it is there: with it and without it every page is the same.
#[test]
fn pages_counts_and_order_are_the_same_whether_hidden_rows_are_there_or_not() {
    let hidden = |row: &SearchRow| row.marking.tlp == Tlp::Red;
    let pages = |with: bool, order| {
        let folder = Folder::new();
        let record = open(&folder);
        let mut bodies = Vec::new();
        for n in 0..40u128 {
            let mut c = content(&format!("drone {n}"), &"drone and drone again ".repeat(1 + n as usize % 7));
            let red = n % 3 == 1;
            if red {
                c.marking.tlp = Tlp::Red;
                c.text.push_str("rare");
            }
            // The same entries, so that everything else has the same index.
            bodies.push(if red && !with { Body::Tick } else { state(n, Some(c)) });
        }
        record.append(entries(0, bodies)).wait().unwrap();
        let (mut out, mut cursor) = (Vec::new(), None);
        loop {
            let query = SearchQuery { limit: 4, cursor, order, ..ask(words("drone")) };
            let page = record.search(query, Box::new(move |row, _| !hidden(row))).wait().unwrap();
            out.push((page.items.into_iter().map(|h| (h.row.title, h.snippet)).collect::<Vec<_>>(), page.next.clone()));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let count = |q| record.search_count(ask(words(q)), Box::new(move |row, _| !hidden(row)), 100).wait().unwrap();
        (out, count("drone"), count("rare"))
    };
    for order in [SearchOrder::Newest, SearchOrder::Best] {
        let (seen, all, rare) = pages(true, order);
        assert_eq!(pages(false, order), (seen.clone(), all, rare));
        assert_eq!((all, rare), (27, 0));
        let titles: Vec<_> = seen.iter().flat_map(|(page, _)| page.iter().map(|(title, _)| title)).collect();
        let once: std::collections::BTreeSet<_> = titles.iter().collect();
        assert_eq!((titles.len(), once.len()), (27, 27), "each on one page");
        assert!(seen[..seen.len() - 1].iter().all(|(page, _)| page.len() == 4), "whole pages");
    }
}

#[test]
fn the_best_are_those_that_say_it_most_and_a_title_counts_most() {
    let folder = Folder::new();
    let record = open(&folder);
    record
        .append(entries(
            0,
            [
                state(1, Some(content("thermite", "x"))),
                state(2, Some(content("twice", "thermite, thermite"))),
                state(3, Some(content("once", "thermite"))),
            ],
        ))
        .wait()
        .unwrap();
    let best = SearchQuery { order: SearchOrder::Best, ..ask(words("thermite")) };
    let page = record.search(best.clone(), everything()).wait().unwrap();
    assert_eq!(page.items.iter().map(|h| h.row.title.as_str()).collect::<Vec<_>>(), ["thermite", "twice", "once"]);
    let bad = SearchQuery { cursor: Some("zz".into()), ..best };
    assert_eq!(record.search(bad, everything()).wait(), Err(ReadError::Cursor));
}

#[test]
fn what_is_news_is_what_changed_of_what_can_be_found() {
    let folder = Folder::new();
    let record = open(&folder);
    record
        .append(entries(
            0,
            [
                said(1, "one"),
                state(1, Some(content("A", "one"))),
                said(1, "one"),
                notice(1, 1, NoticeState::Raised),
                state(1, Some(content("A", "two"))),
                notice(1, 2, NoticeState::Updated),
            ],
        ))
        .wait()
        .unwrap();
    let told = |from| {
        let query = SearchQuery { told_from: Some(from), ..ask(Search::default()) };
        record.search(query, everything()).wait().unwrap().items.iter().map(|h| h.told).collect::<Vec<_>>()
    };
    assert_eq!(told(0), [3, 4, 0], "a sighting that was only seen, and a later version of a warning, are no news");
    assert_eq!(told(4), [4]);
    let before = SearchQuery { told_from: Some(1), told_before: Some(4), ..ask(Search::default()) };
    assert_eq!(record.search(before, everything()).wait().unwrap().items.len(), 1);
}

#[test]
fn a_warning_is_found_by_what_it_said_when_it_rose_fell_or_ended_and_stands_as_it_does_now() {
    let folder = Folder::new();
    let record = open(&folder);
    let version = |v, state, level, text: &str| {
        let mut body = notice(1, v, state);
        if let Body::Notice(n) = &mut body {
            n.text = text.into();
            n.level = level;
        }
        body
    };
    let story = [
        version(1, NoticeState::Raised, Caution, "alpha"),
        version(2, NoticeState::Updated, Caution, "bravo"),
        version(3, NoticeState::Updated, Urgent, "charlie"),
        version(4, NoticeState::Updated, Urgent, "delta"),
        version(5, NoticeState::Cleared, Urgent, "echo"),
    ];
    for (k, (body, by)) in (0..).zip(story.into_iter().zip(["alpha", "alpha", "charlie", "charlie", "echo"])) {
        record.append(entries(k, [body])).wait().unwrap();
        let found: Vec<_> = ["alpha", "bravo", "charlie", "delta", "echo"]
            .into_iter()
            .filter(|w| !find(&record, words(w)).is_empty())
            .collect();
        assert_eq!(found, [by], "version {}", k + 1);
        assert_eq!(find(&record, words(by))[0].row.version, u32::try_from(k + 1).unwrap());
    }
}

#[test]
fn what_retention_purges_is_found_no_more() {
    let folder = Folder::new();
    let record = open(&folder);
    record.append(entries(0, [state(1, Some(content("old", "x"))), said(2, "seen")])).wait().unwrap();
    let later = |e: Entry| Entry { recorded_at: t(40 * 86_400), ..e };
    record.append(entries(2, [said(2, "seen again")]).into_iter().map(later).collect()).wait().unwrap();
    let retention = Retention { acts: 30.0, ..Retention::default() };
    record.purge(&retention, t(41 * 86_400), &go_on()).unwrap();
    assert_eq!(titles(&record, Search::default()), [""], "a later state stays");
    let before = find(&record, Search::default());
    record.rebuild_views().unwrap();
    assert_eq!(find(&record, Search::default()).len(), before.len());
}

// ---- purge of one report ----

/// All bytes of every file of a folder.
fn holds(folder: &Folder, needle: &str) -> bool {
    let files = fs::read_dir(folder.path()).unwrap();
    let bytes: Vec<u8> = files.flat_map(|f| fs::read(f.unwrap().path()).unwrap()).collect();
    bytes.to_ascii_lowercase().windows(needle.len()).any(|w| w == needle.to_ascii_lowercase().as_bytes())
}

fn snapshot(text: &str) -> Body {
    Body::Snapshot(Snapshot { engines: 1, state: [("desk".to_owned(), text.as_bytes().to_vec())].into() })
}

/// Words that stand nowhere else.
const WORDS: &str = "ZANZIBARQUX";

/// A record with a report that was filed, changed, asked for again with another body, in two snapshots, and purged by
/// people; and another report beside it.
fn told(folder: &Folder) -> SqliteRecord {
    let record = open(folder);
    let old = content(&format!("{WORDS} title"), &format!("about {WORDS} and more {}", "words ".repeat(900)));
    let new = content("changed", &format!("still {WORDS}"));
    let kept = content("kept", "this one stays");
    let change = Act::Intelligence(ReportAct::Change {
        report: ReportId(uuid(0xC001)),
        read: 1,
        content: Box::new(new.clone()),
        salt: "00".into(),
        why: "more is known".into(),
    });
    record
        .append(entries(
            0,
            [
                snapshot("from before"),
                filed(2, &kept),
                state(2, Some(kept)),
                filed(1, &old),
                state(1, Some(old)),
                act(2, None, Act::Conflict { request: request(0x101).id, body: format!("{{\"x\":\"{WORDS}\"}}") }),
                act(3, None, Act::Conflict { request: request(0x101).id, body: "another's, by chance".into() }),
                snapshot(&format!("with {WORDS}")),
                act(4, Some(request(0x300)), change),
                state(1, Some(new)),
                act(
                    2,
                    Some(request(0x301)),
                    Act::Intelligence(ReportAct::AskPurge {
                        report: ReportId(uuid(0xC001)),
                        why: format!("{WORDS} is over"),
                    }),
                ),
                Body::Upkeep(Upkeep::BackedUp {
                    id: "with-it".into(),
                    entries: 10,
                    to: "/media/x".into(),
                    recipients: Vec::new(),
                }),
                snapshot(&format!("again with {WORDS}")),
            ],
        ))
        .wait()
        .unwrap();
    record.checkpoint().wait().unwrap();
    record
}

fn decided(record: &SqliteRecord) -> ReportId {
    let report = ReportId(uuid(0xC001));
    let next = record.head().next;
    let act =
        act(3, Some(request(0x400)), Act::Intelligence(ReportAct::Purge { report, why: "its time is over".into() }));
    record.append(entries(next, [act, state(1, None)])).wait().unwrap();
    report
}

#[test]
fn a_report_that_people_purge_is_in_no_file_any_more_and_the_record_is_sound() {
    let folder = Folder::new();
    let record = told(&folder);
    let report = ReportId(uuid(0xC001));
    assert!(holds(&folder, WORDS));
    assert_eq!(record.purge_report(report, &go_on()), Err(PurgeError::NotPurged(report)));
    assert_eq!(record.reports_to_purge().wait().unwrap(), []);
    decided(&record);
    assert_eq!(record.reports_to_purge().wait().unwrap(), [report]);
    assert_eq!(record.purge_report(report, &go_on()), Err(PurgeError::NoSnapshot(report)), "a start needs one");
    assert!(!record.has_snapshot_since_purge(report).wait().unwrap());
    record.append(entries(record.head().next, [snapshot("without")])).wait().unwrap();
    assert!(record.has_snapshot_since_purge(report).wait().unwrap());
    let purged = record.purge_report(report, &go_on()).unwrap();
    let expected = [("act", 4), ("desk", 2), ("snapshot", 2)].map(|(k, n)| (k.to_owned(), n));
    assert_eq!(purged.items, expected.into());
    assert_eq!(purged.backups, ["with-it"]);
    assert!(purged.log_cut && purged.failed.is_none());
    assert!(!holds(&folder, WORDS), "its words are still in a file");
    assert!(holds(&folder, "this one stays") && holds(&folder, "another's, by chance"));
    let verified = record.verify(|_, _| ()).unwrap();
    assert!(verified.is_sound(), "{verified:#?}");
    assert_eq!(verified.purged, 8);
    assert_eq!(record.request(person(2), request(0x101).id).wait().unwrap(), RequestSeen::No);
    // Views made again are without it too, and it is done only once it is said to be.
    record.rebuild_views().unwrap();
    assert_eq!(titles(&record, Search::default()), ["kept"]);
    assert_eq!(record.reports_to_purge().wait().unwrap(), [report]);
    assert_eq!(record.purge_report(report, &go_on()).unwrap().backups, ["with-it"], "rather one too many");
    let done = Upkeep::Purged {
        items: purged.items,
        at: t(600),
        by: Some(person(3)),
        backups: purged.backups,
        report: Some(report),
    };
    record.append(entries(record.head().next, [Body::Upkeep(done)])).wait().unwrap();
    assert_eq!(record.reports_to_purge().wait().unwrap(), []);
    drop(record);
    assert!(!holds(&folder, WORDS));
    let record = open(&folder);
    assert_eq!(record.reports_to_purge().wait().unwrap(), []);
}

#[test]
fn a_purge_of_a_report_that_is_broken_off_anywhere_is_finished_the_next_time() {
    // After so many steps the process is gone.
    for steps in 0..=8 {
        let folder = Folder::new();
        let record = told(&folder);
        let report = decided(&record);
        record.append(entries(record.head().next, [snapshot("without")])).wait().unwrap();
        let left = record
            .ask(move |c| {
                let holding = views::reports::holding(c, report)?.unwrap();
                Ok(holding.snapshots.into_iter().chain(holding.entries.into_iter().map(|(e, _)| e)).collect::<Vec<_>>())
            })
            .wait()
            .unwrap();
        assert_eq!(left.len(), 8);
        let entries = left[..steps].to_vec();
        record.send(|answer| Job::Purge { entries, answer }).wait().unwrap();
        drop(record);
        let record = open(&folder);
        assert_eq!(record.reports_to_purge().wait().unwrap(), [report]);
        let purged = record.purge_report(report, &go_on()).unwrap();
        let snapshots = 2 - steps.min(2) as u64;
        assert_eq!(purged.items.get("snapshot").copied().unwrap_or(0), snapshots);
        assert_eq!(
            (purged.items["act"], purged.items["desk"], &purged.backups[..]),
            (4, 2, &["with-it".to_owned()][..])
        );
        assert!(!holds(&folder, WORDS), "after {steps} steps");
        assert!(record.verify(|_, _| ()).unwrap().is_sound());
        // And once more does nothing.
        assert_eq!(record.purge_report(report, &go_on()).unwrap().items.get("snapshot"), None);
    }
}
