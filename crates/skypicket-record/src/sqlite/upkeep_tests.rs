//! Tests of what is done to a record as a whole: copies, purges, and who may read it.

use super::{testing::*, *};
use crate::{ALERTS, ReadError, RequestSeen, retention::MOST_DAYS};
use skypicket_model::{
    Act, Body, DirectoryChange, NoticeState, Verdict,
    entry::{Configured, Snapshot, Upkeep},
};
use std::collections::BTreeMap;

fn log() -> LogId {
    LogId(uuid(0x10))
}

fn options() -> Options {
    Options { log: Some(log()), reserve_bytes: 0, ..Options::default() }
}

fn go_on() -> AtomicBool {
    AtomicBool::new(false)
}

fn open(folder: &Folder) -> SqliteRecord {
    SqliteRecord::open(folder.path(), options()).unwrap()
}

fn sound(record: &SqliteRecord) -> Report {
    let report = record.verify(|_, _| ()).unwrap();
    assert!(report.is_sound(), "{report:#?}");
    report
}

fn copied(from: &Folder) -> (Folder, (u64, Hash), Hash) {
    let mut out = CopyOut::new(from.path()).unwrap();
    let root = out.root();
    let to = Folder::new();
    let mut copy = CopyIn::new(to.path(), log(), "live").unwrap();
    while let Some(part) = out.next_part().unwrap() {
        copy.part(&part.name, &part.bytes).unwrap();
    }
    let made = copy.finish().unwrap();
    fs::copy(from.path().join("checkpoint.key"), to.path().join("checkpoint.key")).unwrap();
    (to, made, root)
}

#[test]
fn a_copy_holds_everything_that_the_record_had_when_it_began() {
    let folder = Folder::new();
    let record = open(&folder);
    record.append(entries(0, every_kind(log()))).wait().unwrap();
    record.checkpoint().wait().unwrap();
    let many = record.head().next;
    record.append(entries(many, (0..600).map(|n| observations(n * 3, 3)))).wait().unwrap();
    record.checkpoint().wait().unwrap();
    record.private_put("tls", "authority", vec![1, 2, 3]).wait().unwrap();
    let (to, made, root) = copied(&folder);
    let end = many + 600;
    assert_eq!(made, (end, root));
    let copy = open(&to);
    let report = sound(&copy);
    assert_eq!((report.entries, report.checkpoints), (end, 2));
    assert_eq!(report.root, sound(&record).root);
    assert_eq!(copy.read(0, 1_000).wait().unwrap(), record.read(0, 1_000).wait().unwrap());
    assert_eq!(copy.private_get("tls", "authority").wait().unwrap(), Some(vec![1, 2, 3]));
    assert_eq!(
        copy.sightings(SightingQuery::default()).wait().unwrap(),
        record.sightings(SightingQuery::default()).wait().unwrap()
    );
    // It goes on as the record would.
    copy.append(entries(end, [Body::Tick])).wait().unwrap();
    sound(&copy);
}

#[test]
fn a_copy_made_while_others_write_is_of_one_moment_and_holds_nobody_up() {
    let folder = Folder::new();
    let record = open(&folder);
    record.append(entries(0, (0..2_000).map(|n| observations(n * 8, 8)))).wait().unwrap();
    let mut out = CopyOut::new(folder.path()).unwrap();
    let to = Folder::new();
    let mut copy = CopyIn::new(to.path(), log(), "live").unwrap();
    let mut next = 2_000;
    while let Some(part) = out.next_part().unwrap() {
        // Between any two parts the record writes, purges and signs.
        record.append(entries(next, [report(u128::from(next), 1), observations(1, 2)])).wait().unwrap();
        next += 2;
        record.checkpoint().wait().unwrap();
        copy.part(&part.name, &part.bytes).unwrap();
    }
    let (size, root) = copy.finish().unwrap();
    assert_eq!((size, root), (2_000, record.prove(0, Some(2_000)).wait().unwrap().root));
    fs::copy(folder.path().join("checkpoint.key"), to.path().join("checkpoint.key")).unwrap();
    sound(&open(&to));
    // The write-ahead log was never held: a checkpoint folds all of it in.
    assert!(record.send(|answer| Job::Cut { answer }).wait().unwrap());
}

#[test]
fn a_copy_that_is_cut_short_out_of_order_or_of_a_damaged_record_is_refused() {
    let folder = Folder::new();
    let record = open(&folder);
    record.append(entries(0, (0..9_000).map(|_| Body::Tick))).wait().unwrap();
    let mut out = CopyOut::new(folder.path()).unwrap();
    let (first, second) = (out.next_part().unwrap().unwrap(), out.next_part().unwrap().unwrap());
    let to = Folder::new();
    let mut copy = CopyIn::new(to.path(), log(), "live").unwrap();
    assert!(matches!(copy.part(&second.name, &second.bytes), Err(CopyError::Part { .. })));
    assert!(copy.part(&first.name, &second.bytes).is_err(), "another part under its name");
    assert!(copy.part(&first.name, &first.bytes[..first.bytes.len() - 1]).is_err());
    assert!(matches!(copy.finish(), Err(CopyError::Part { .. })), "the last part is missing");
    // Nothing opens it as a record.
    assert!(matches!(SqliteRecord::open(to.path(), options()), Err(OpenError::NotARecord(_))));

    drop(record);
    let connection = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    connection.execute("UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 7", []).unwrap();
    let mut out = CopyOut::new(folder.path()).unwrap();
    assert!(matches!(out.next_part(), Err(CopyError::Damaged(_))), "no backup of what does not fit together");
}

/// All bytes of every file of a folder.
fn bytes_of(folder: &Folder) -> Vec<u8> {
    let files = fs::read_dir(folder.path()).unwrap();
    files.flat_map(|f| fs::read(f.unwrap().path()).unwrap()).collect()
}

fn holds(folder: &Folder, needle: &str) -> bool {
    bytes_of(folder).windows(needle.len()).any(|w| w == needle.as_bytes())
}

fn said(n: u128, words: &str) -> Body {
    let mut sighting = sighting(n, 1, 31.76);
    sighting.words = words.into();
    act(1, Some(request(n)), Act::Sighting { sighting: Box::new(sighting) })
}

#[test]
fn what_is_purged_is_on_the_disk_no_more_and_everything_still_verifies() {
    let folder = Folder::new();
    let record = open(&folder);
    let old = "SECRET-WORDS-OF-LONG-AGO ".repeat(400);
    let new = "words of today";
    let mut bodies = every_kind(log());
    bodies.push(said(50, &old));
    bodies.extend((0..300).map(|n| observations(n * 3, 3)));
    // What was made of a notice for others, kept beside the record.
    let signed: Vec<String> = bodies
        .iter()
        .filter_map(|b| if let Body::Notice(n) = b { Some((n.id, n.version)) } else { None })
        .flat_map(|(id, v)| [format!("{id}.{v}"), format!("{id}.{}{}", v + 1, skypicket_model::notice::WITHDRAWN)])
        .collect();
    assert!(!signed.is_empty());
    for key in &signed {
        record.private_put(ALERTS, key, b"SIGNED-FOR-OTHERS ".repeat(400)).wait().unwrap();
    }
    record.private_put(ALERTS, "another.1", vec![1]).wait().unwrap();
    record.append(entries(0, bodies)).wait().unwrap();
    record.checkpoint().wait().unwrap();
    let end = record.head().next;
    // Two days later.
    let later = |e: Entry| Entry { recorded_at: e.recorded_at.plus_s(2.0 * 86_400.0), ..e };
    record
        .append(entries(end, [said(60, new), observations(9_000, 3)]).into_iter().map(later).collect())
        .wait()
        .unwrap();
    assert!(holds(&folder, "SECRET-WORDS-OF-LONG-AGO") && holds(&folder, "1581F4QZB2236003C1AN"));

    let now = record.last_recorded_at().unwrap();
    let retention = Retention { acts: 1.0, observations: 1.0, tracks: 1.0, notices: 1.0, ..Retention::default() };
    let due = record.due(&retention, now).unwrap();
    let purged = record.purge(&retention, now, &go_on()).unwrap();
    assert_eq!(purged.items, due.items);
    assert!(purged.log_cut);
    assert_eq!(purged.items["observations"], 903);
    assert_eq!(purged.items["tracks"], 2);
    assert!(!purged.items.contains_key("configured"), "the newest configuration is kept");
    assert!(!purged.items.contains_key("snapshot"), "the newest snapshot is kept");
    assert!(!holds(&folder, "SECRET-WORDS-OF-LONG-AGO"), "purged words are still on the disk");
    assert!(!holds(&folder, "over the wash"), "the views' copies too");
    assert!(!holds(&folder, "SIGNED-FOR-OTHERS"), "what was made of a notice stays when the notice goes");
    assert_eq!(record.private_list(ALERTS).wait().unwrap().len(), 1, "only what was made of it");
    assert!(holds(&folder, new));
    let report = sound(&record);
    assert_eq!(report.purged, purged.items.values().sum::<u64>());
    assert_eq!(record.due(&retention, now).unwrap().items, BTreeMap::default(), "nothing is left to do");
    assert_eq!(record.request(person(1), request(50).id).wait().unwrap(), RequestSeen::No);
    assert!(matches!(record.request(person(1), request(60).id).wait().unwrap(), RequestSeen::Yes { .. }));
    assert_eq!(record.notices(NoticeQuery::default()).wait().unwrap().items, []);

    // Views made again are the same; reading goes on over the gaps and names them.
    let live = record.sightings(SightingQuery::default()).wait().unwrap();
    record.rebuild_views().unwrap();
    assert_eq!(record.sightings(SightingQuery::default()).wait().unwrap(), live);
    let stretch = record.read_on(0, 1_000).wait().unwrap();
    assert_eq!(stretch.next, record.head().next);
    assert!(stretch.purged.contains(&(2, "observations".into())) && stretch.purged.iter().any(|(_, k)| k == "act"));
    assert!(matches!(record.read(4, 1).wait(), Err(ReadError::Purged { .. })));
    // A copy holds nothing of it either.
    let (to, ..) = copied(&folder);
    let copy = open(&to);
    assert_eq!(sound(&copy).purged, report.purged);
    assert!(!holds(&to, "SECRET-WORDS-OF-LONG-AGO"));
}

#[test]
fn what_a_start_needs_is_kept_whatever_its_age_and_what_took_its_place_is_not() {
    let folder = Folder::new();
    let record = open(&folder);
    let configured = || {
        Body::Configured(Configured { directory: skypicket_model::Directory::default(), policies: BTreeMap::default() })
    };
    let snapshot = |n: u8| Body::Snapshot(Snapshot { engines: 1, state: [("engines".to_owned(), vec![n])].into() });
    let directory = || act(1, None, Act::Directory { changes: Vec::<DirectoryChange>::new() });
    record
        .append(entries(
            0,
            [configured(), directory(), snapshot(1), configured(), directory(), snapshot(2), Body::Tick],
        ))
        .wait()
        .unwrap();
    let far = t(0).plus_s(86_400.0 * (MOST_DAYS + 10.0));
    let purged = record.purge(&Retention::default(), far, &go_on()).unwrap();
    let expected: BTreeMap<String, u64> =
        [("act", 1), ("configured", 1), ("snapshot", 1)].map(|(k, n)| (k.into(), n)).into();
    assert_eq!(purged.items, expected);
    let left: Vec<u64> = record.read_on(0, 100).wait().unwrap().entries.iter().map(|e| e.index).collect();
    assert_eq!(left, [3, 4, 5, 6]);
    assert_eq!(record.latest_snapshot().wait().unwrap().unwrap().entry, 5);
    // Once there are newer ones, these go too.
    let later = |e: Entry| Entry { recorded_at: far, ..e };
    record.append(entries(7, [configured(), snapshot(3)]).into_iter().map(later).collect()).wait().unwrap();
    assert_eq!(record.purge(&Retention::default(), far, &go_on()).unwrap().items, expected);
    assert_eq!(record.oldest_snapshot().wait().unwrap(), Some(8));
    sound(&record);
}

#[test]
fn a_purge_that_is_stopped_goes_on_the_next_time() {
    let folder = Folder::new();
    let record = open(&folder);
    record.append(entries(0, (0..200).map(|n| observations(n, 1)))).wait().unwrap();
    let now = t(30 * 86_400);
    let stopped = record.purge(&Retention::default(), now, &AtomicBool::new(true)).unwrap();
    assert_eq!(stopped.items, BTreeMap::default());
    assert_eq!(record.purge(&Retention::default(), now, &go_on()).unwrap().items["observations"], 200);
}

#[test]
fn a_purge_names_the_backups_that_still_hold_it() {
    let folder = Folder::new();
    let record = open(&folder);
    let backup = |id: &str, entries| {
        Body::Upkeep(Upkeep::BackedUp { id: id.into(), entries, to: "/media/x".into(), recipients: Vec::new() })
    };
    record
        .append(entries(
            0,
            [
                Body::Tick,
                backup("before", 1),
                notice(1, 1, NoticeState::Raised),
                sighting_state(1, 1, 31.7, Verdict::New),
                observations(1, 2),
                backup("with", 5),
            ],
        ))
        .wait()
        .unwrap();
    let now = t(8 * 86_400);
    assert_eq!(record.due(&Retention::default(), now).unwrap().backups, ["with"]);
    assert_eq!(record.purge(&Retention::default(), now, &go_on()).unwrap().backups, ["with"]);
    record.append(entries(6, [backup("after", 6)])).wait().unwrap();
    assert_eq!(record.purge(&Retention::default(), now, &go_on()).unwrap().backups, Vec::<String>::new());
    let seen: Vec<u64> = record.upkeep(10).wait().unwrap().iter().map(|row| row.entry).collect();
    assert_eq!(seen, [6, 5, 1]);
}

#[test]
fn a_purge_keeps_nobody_waiting_who_writes() {
    let folder = Folder::new();
    let record = open(&folder);
    for block in 0..60u64 {
        let bodies = (0..20).map(|n| observations(u128::from(block * 20 + n) * 200, 200));
        record.append(entries(block * 20, bodies)).wait().unwrap();
    }
    let now = t(30 * 86_400);
    let (longest, items) = std::thread::scope(|s| {
        let purge = s.spawn(|| record.purge(&Retention::default(), now, &go_on()).unwrap());
        let mut longest = Duration::ZERO;
        let mut writes = 0;
        while !purge.is_finished() || writes < 3 {
            let begun = std::time::Instant::now();
            record.private_put("x", "y", vec![1]).wait().unwrap();
            longest = longest.max(begun.elapsed());
            writes += 1;
        }
        (longest, purge.join().unwrap().items)
    });
    assert_eq!(items["observations"], 240_000);
    assert!(longest < Duration::from_secs(1), "a write waited {longest:?}");
    eprintln!("longest wait beside a purge of 240,000 items: {longest:?}");
}

#[test]
fn a_record_with_words_of_a_later_version_is_refused_by_name() {
    let folder = Folder::new();
    drop(open(&folder));
    let connection = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    let schema: i32 = connection.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
    assert_eq!(schema, 2, "programs that know only 1 refuse it: they could not read its entries");
    connection
        .execute_batch(&format!(
            "UPDATE meta SET value = '{}' WHERE key = 'words'; UPDATE meta SET value = '9.4.0' WHERE key = 'software';",
            WORDS + 1
        ))
        .unwrap();
    drop(connection);
    for read_only in [false, true] {
        let refused = SqliteRecord::open(folder.path(), Options { read_only, ..options() }).err().unwrap();
        let said = refused.to_string();
        assert!(said.contains("Skypicket 9.4.0") && said.contains("use Skypicket 9.4.0 or newer"), "{said}");
    }
}
