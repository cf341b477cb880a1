//! What a record promises, tried out.

#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // small numbers, made here

use super::{
    testing::{
        Folder, act, delivery, entries, every_kind, notice, observation, observations, person, report, request,
        sighting_state, site, t, track, uuid,
    },
    *,
};
use crate::{area::Near, merkle::leaf_hash, query::VerdictIs, verify::FaultKind};
use rusqlite::params;
use skypicket_model::{
    Access, Act, Channel, Deed, DispatchEvent, LatLon, Level, NoticeState, Reached, Verdict, delivery::Rule,
};
use std::{fmt::Write, os::unix::fs::PermissionsExt, time::Instant};

fn log() -> LogId {
    LogId(uuid(0x1000))
}

fn options() -> Options {
    Options { log: Some(log()), reserve_bytes: 0, ..Options::default() }
}

fn open(folder: &Folder) -> SqliteRecord {
    SqliteRecord::open(folder.path(), options()).unwrap()
}

/// A second connection, as a thief or a repairer would have.
fn raw(folder: &Folder) -> Connection {
    Connection::open(folder.path().join(FILE_NAME)).unwrap()
}

fn verified(record: &SqliteRecord) -> Report {
    record.verify(|_, _| ()).unwrap()
}

fn assert_sound(record: &SqliteRecord) {
    let report = verified(record);
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!(report.entries, record.head().next);
}

/// Ticks, each its own batch.
fn append_ticks(record: &SqliteRecord, n: u64) {
    let first = record.head().next;
    for index in first..first + n {
        record.append(entries(index, [Body::Tick])).wait().unwrap();
    }
}

#[test]
fn every_kind_of_entry_comes_back_as_it_was_also_after_reopening() {
    let folder = Folder::new();
    let all = entries(0, every_kind(log()));
    {
        let record = open(&folder);
        assert_eq!(record.head(), Head { log: log(), next: 0, last_recorded_at: None });
        assert_eq!(record.read(0, 10).wait().unwrap(), []);
        let appended = record.append(all.clone()).wait().unwrap();
        assert_eq!(appended.next, all.len() as u64);
        assert_eq!(record.read(0, 1_000).wait().unwrap(), all);
        assert_sound(&record);
    }
    let record = open(&folder);
    assert_eq!(record.head().next, all.len() as u64);
    assert_eq!(record.head().last_recorded_at, all.last().map(|e| e.recorded_at));
    assert_eq!(record.read(5, 3).wait().unwrap(), all[5..8]);
    let snapshot = record.latest_snapshot().wait().unwrap().unwrap();
    assert_eq!(Body::Snapshot(snapshot.snapshot), all[snapshot.entry as usize].body);
    append_ticks(&record, 3);
    assert_sound(&record);
}

#[test]
fn many_threads_share_transactions_and_nothing_is_lost() {
    let folder = Folder::new();
    let record = open(&folder);
    let next = Mutex::new(0u64);
    std::thread::scope(|scope| {
        for thread in 0..8u128 {
            let (record, next) = (&record, &next);
            scope.spawn(move || {
                for k in 0..40u128 {
                    let reply = {
                        let mut next = next.lock().unwrap();
                        let reply = record.append(entries(*next, [report(thread * 1_000 + k, 1), Body::Tick]));
                        *next += 2;
                        reply
                    };
                    reply.wait().unwrap();
                    // Durable means visible to everybody.
                    let id = request(thread * 1_000 + k).id;
                    assert!(matches!(record.request(person(1), id).wait().unwrap(), RequestSeen::Yes { .. }));
                }
            });
        }
    });
    assert_eq!(record.head().next, 640);
    assert!(record.metrics().commits < 320, "{:?}", record.metrics());
    assert_sound(&record);
}

#[tokio::test]
async fn replies_can_be_awaited() {
    let folder = Folder::new();
    let record = open(&folder);
    let (a, b) = (record.append(entries(0, [Body::Tick])), record.append(entries(1, [Body::Tick])));
    assert_eq!(b.await, Ok(Appended { next: 2 }));
    assert_eq!(a.await, Ok(Appended { next: 1 }));
    assert_eq!(record.read(1, 5).await.unwrap().len(), 1);
}

#[test]
fn what_does_not_continue_the_log_is_refused_whole() {
    let folder = Folder::new();
    let record = open(&folder);
    append_ticks(&record, 2);
    let refused = |batch: Vec<Entry>| record.append(batch).wait().unwrap_err();
    assert_eq!(refused(entries(3, [Body::Tick])), AppendError::OutOfOrder { index: 3, expected: 2 });
    assert_eq!(refused(entries(1, [Body::Tick])), AppendError::OutOfOrder { index: 1, expected: 2 });
    let mut gap = entries(2, [Body::Tick, Body::Tick]);
    gap[1].index = 4;
    assert_eq!(refused(gap), AppendError::OutOfOrder { index: 4, expected: 3 });
    let mut early = entries(2, [Body::Tick, Body::Tick]);
    early[1].recorded_at = t(0);
    let error = AppendError::TimeRunsBack { index: 3, recorded_at: t(0), last: t(2) };
    assert_eq!(refused(early), error);
    let mut before = entries(2, [Body::Tick]);
    before[0].recorded_at = t(0);
    assert!(matches!(refused(before), AppendError::TimeRunsBack { index: 2, .. }));
    let mut own_cause = entries(2, [Body::Tick]);
    own_cause[0].cause = Some(2);
    assert_eq!(refused(own_cause), AppendError::Cause { index: 2, cause: 2 });
    assert_eq!(record.head().next, 2);
    // The same time twice is no step back.
    let mut same = entries(2, [Body::Tick]);
    same[0].recorded_at = t(1);
    record.append(same).wait().unwrap();
    assert_sound(&record);
}

#[test]
fn one_refused_batch_does_not_take_its_neighbours_with_it() {
    let folder = Folder::new();
    let record = open(&folder);
    raw(&folder)
        .execute_batch(
            "CREATE TRIGGER poison BEFORE INSERT ON private WHEN new.key = 'poison' \
             BEGIN SELECT raise(ABORT, 'poisoned'); END;",
        )
        .unwrap();
    let replies = [
        record.private_put("k", "a", vec![1]),
        record.private_put("k", "poison", vec![2]),
        record.private_put("k", "b", vec![3]),
    ];
    let results: Vec<bool> = replies.into_iter().map(|r| r.wait().is_ok()).collect();
    assert_eq!(results, [true, false, true]);
    assert_eq!(record.private_list("k").wait().unwrap().len(), 2);
    append_ticks(&record, 1);
    assert_sound(&record);
}

#[test]
fn too_many_items_are_refused_and_a_large_snapshot_is_not() {
    let folder = Folder::new();
    let record = open(&folder);
    let many = observations(0, crate::encoding::MAX_ITEMS as u128 + 1);
    let error = record.append(entries(0, [many])).wait().unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { index: 0, size: 65_537, limit: 65_536, .. }), "{error:?}");
    let state = [("track".to_owned(), vec![0xA5; 3 << 20])].into();
    let snapshot = skypicket_model::entry::Snapshot { engines: 7, state };
    record.append(entries(0, [Body::Snapshot(snapshot.clone())])).wait().unwrap();
    assert_eq!(record.latest_snapshot().wait().unwrap().unwrap().snapshot, snapshot);
    assert!(record.metrics().database_bytes + record.wal_bytes() < 8 << 20, "bytes are stored as bytes");
}

#[test]
fn a_slow_commit_delays_the_answer_and_nothing_else() {
    let folder = Folder::new();
    let record = open(&folder);
    append_ticks(&record, 1);
    let faults = Arc::default();
    drop(record);
    let record = SqliteRecord::open(folder.path(), Options { test_faults: Arc::clone(&faults), ..options() }).unwrap();
    faults.commit_delay_ms.store(400, Ordering::Relaxed);
    let begun = Instant::now();
    let reply = record.append(entries(1, [Body::Tick]));
    assert!(begun.elapsed() < Duration::from_millis(200), "asking does not wait");
    assert_eq!(record.read(0, 9).wait().unwrap().len(), 1, "nobody sees what is not durable");
    assert_eq!(record.head().next, 1);
    reply.wait().unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert_eq!(record.head().next, 2);
    assert!(record.metrics().longest_commit_us >= 400_000);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let folder = Folder::new();
    let record = SqliteRecord::open(
        folder.path(),
        Options { queue: 2, test_commit_delay: Some(Duration::from_millis(300)), ..options() },
    )
    .unwrap();
    let replies: Vec<_> = (0..50).map(|k| record.private_put("k", &k.to_string(), vec![])).collect();
    let results: Vec<_> = replies.into_iter().map(Reply::wait).collect();
    assert!(results.contains(&Err(AppendError::Busy)) && results.contains(&Ok(())), "{results:?}");
}

#[test]
fn a_question_that_takes_too_long_is_given_up() {
    let folder = Folder::new();
    let record =
        SqliteRecord::open(folder.path(), Options { read_timeout: Duration::from_millis(100), ..options() }).unwrap();
    let endless = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n) SELECT count(*) FROM n";
    let begun = Instant::now();
    let answer = record.ask(move |c| Ok(c.query_row(endless, [], |row| row.get::<_, i64>(0))?)).wait();
    assert_eq!(answer, Err(ReadError::Timeout));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(record.read(0, 1).wait().unwrap(), [], "and the next one is answered");
}

/// The files as a killed process leaves them.
fn copy_of(folder: &Folder) -> Folder {
    let copy = Folder::new();
    for name in ["record.db", "record.db-wal", "checkpoint.key"] {
        let from = folder.path().join(name);
        if from.exists() {
            fs::copy(from, copy.path().join(name)).unwrap();
        }
    }
    copy
}

#[test]
fn what_was_answered_is_there_after_the_process_was_killed() {
    let folder = Folder::new();
    let record = open(&folder);
    for round in 0..6 {
        append_ticks(&record, 1);
        let next = record.head().next;
        let batch = entries(next, [report(u128::from(next), 1), observations(u128::from(next) * 100, 20)]);
        record.append(batch).wait().unwrap();
        if round == 3 {
            record.checkpoint().wait().unwrap();
        }
        let copy = copy_of(&folder);
        let survivor = open(&copy);
        assert_eq!(survivor.head(), record.head());
        assert_sound(&survivor);
        append_ticks(&survivor, 1);
        assert_sound(&survivor);
    }
}

#[test]
fn a_torn_tail_leaves_a_sound_beginning() {
    let folder = Folder::new();
    let record = open(&folder);
    let mut wal_after = vec![(0, record.wal_bytes())];
    for k in 0..12u64 {
        let batch = entries(2 * k, [report(u128::from(k), 1), observations(u128::from(k) * 100, 10)]);
        record.append(batch).wait().unwrap();
        wal_after.push((record.head().next, record.wal_bytes()));
    }
    let (_, whole) = *wal_after.last().unwrap();
    let first = wal_after[0].1;
    assert!(whole > first + 12 * 4096);
    for cut in 0..40 {
        // Spread over the appended part, at offsets within pages too.
        let length = first + (whole - first) * cut / 40 + cut * 37 % 4096;
        let copy = copy_of(&folder);
        let wal = fs::OpenOptions::new().write(true).open(copy.path().join("record.db-wal")).unwrap();
        wal.set_len(length.min(whole)).unwrap();
        let survivor = open(&copy);
        let promised = wal_after.iter().filter(|(_, bytes)| *bytes <= length).map(|(next, _)| *next).max().unwrap();
        let found = survivor.head().next;
        assert!(found >= promised && found.is_multiple_of(2), "{found} entries, {promised} promised, at {length}");
        assert_eq!(survivor.read(0, 100).wait().unwrap(), record.read(0, found as usize).wait().unwrap());
        assert_sound(&survivor);
    }
}

#[test]
fn any_change_behind_the_records_back_is_found_and_named() {
    let folder = Folder::new();
    {
        let record = open(&folder);
        let all = entries(0, every_kind(log()));
        let n = all.len() as u64;
        record.append(all).wait().unwrap();
        record.checkpoint().wait().unwrap();
        append_ticks(&record, 300 - n);
        record.checkpoint().wait().unwrap();
        assert_sound(&record);
    }
    let flip = |table: &str, column: &str, condition: &str, bit: usize| {
        let connection = raw(&folder);
        let read = format!("SELECT {column} FROM {table} WHERE {condition}");
        let mut bytes: Vec<u8> = connection.query_row(&read, [], |row| row.get(0)).unwrap();
        let before = bytes.clone();
        let at = bit % (bytes.len() * 8);
        bytes[at / 8] ^= 1 << (at % 8);
        let write = format!("UPDATE {table} SET {column} = ?1 WHERE {condition}");
        assert_eq!(connection.execute(&write, [&bytes]).unwrap(), 1);
        (write, before)
    };
    let looked_at = || {
        let only_look = Options { read_only: true, ..options() };
        verified(&SqliteRecord::open(folder.path(), only_look).unwrap())
    };
    let mut tried = 0;
    for (table, column, condition, entry) in [
        ("items", "content", "entry = 2 AND ordinal = 1", Some(2)),
        ("items", "nonce", "entry = 4 AND ordinal = 0", Some(4)),
        ("items", "commitment", "entry = 14 AND ordinal = 0", Some(14)),
        ("entries", "header", "idx = 6", Some(6)),
        ("entries", "items_root", "idx = 7", Some(7)),
        ("entries", "leaf_hash", "idx = 200", Some(200)),
        ("tree_nodes", "hash", "level = 8 AND number = 0", Some(0)),
        ("tree", "peaks", "one = 1", None),
        ("checkpoints", "peaks", "size = 300", Some(299)),
    ] {
        for bit in [0, 77, 1_234, 40_001] {
            let (write, before) = flip(table, column, condition, bit);
            let report = looked_at();
            assert!(
                report.faults.iter().any(|f| f.entry == entry),
                "{table}.{column} where {condition}, bit {bit}: {report:#?}"
            );
            raw(&folder).execute(&write, [&before]).unwrap();
            tried += 1;
        }
    }
    assert_eq!(tried, 36);
    for (sql, undo, entry) in [
        (
            "UPDATE entries SET recorded_at = recorded_at + 1 WHERE idx = 9",
            "UPDATE entries SET recorded_at = recorded_at - 1 WHERE idx = 9",
            9,
        ),
        ("UPDATE entries SET kind = 'shed' WHERE idx = 12", "UPDATE entries SET kind = 'tick' WHERE idx = 12", 12),
        ("UPDATE entries SET cause = 1 WHERE idx = 5", "UPDATE entries SET cause = 4 WHERE idx = 5", 5),
    ] {
        let connection = raw(&folder);
        assert_eq!(connection.execute(sql, []).unwrap(), 1);
        let report = looked_at();
        assert_eq!(report.faults.iter().map(|f| f.entry).collect::<Vec<_>>(), [Some(entry)], "{sql}");
        connection.execute(undo, []).unwrap();
    }
    assert!(looked_at().is_sound(), "all was put back");

    // An entry made up from beginning to end, hashes and all, is caught by the signed checkpoint.
    let connection = raw(&folder);
    let mut other = crate::encoding::seal(&entries(40, [Body::Tick])[0]).unwrap();
    other.items[0].nonce = [9; 32];
    let item = &other.items[0];
    let forged = crate::encoding::commitment(&item.nonce, &item.content);
    let header = crate::encoding::Header {
        items_root: crate::encoding::items_root(&[forged]),
        ..crate::encoding::Header::from_bytes(&other.header).unwrap()
    };
    let bytes = header.to_bytes().unwrap();
    connection
        .execute(
            "UPDATE entries SET header = ?1, leaf_hash = ?2, items_root = ?3 WHERE idx = 40",
            params![bytes, leaf_hash(&bytes), header.items_root],
        )
        .unwrap();
    connection
        .execute("UPDATE items SET nonce = ?1, commitment = ?2 WHERE entry = 40", params![item.nonce, forged])
        .unwrap();
    let report = looked_at();
    let agreed = every_kind(log()).len() as u64;
    assert!(report.faults.iter().any(|f| f.kind == FaultKind::History { size: 300, agreed }), "{report:#?}");
}

#[test]
fn a_record_that_was_changed_since_its_newest_checkpoint_is_not_gone_on_with() {
    for sql in [
        "UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 4",
        "UPDATE items SET content = zeroblob(9) WHERE entry = 9",
        "UPDATE tree SET peaks = zeroblob(64)",
        "UPDATE tree SET peaks = zeroblob(63)",
        "DELETE FROM items WHERE entry = 9; DELETE FROM entries WHERE idx = 9",
        "UPDATE checkpoints SET note = replace(note, char(10) || '3' || char(10), char(10) || '2' || char(10))",
        "UPDATE checkpoints SET size = 11",
        "DELETE FROM keys; DELETE FROM meta WHERE key = 'log'",
    ] {
        let folder = Folder::new();
        {
            let record = open(&folder);
            append_ticks(&record, 3);
            record.checkpoint().wait().unwrap();
            append_ticks(&record, 7);
        }
        drop(open(&folder));
        raw(&folder).execute_batch(sql).unwrap();
        assert!(matches!(SqliteRecord::open(folder.path(), options()), Err(OpenError::Damaged(_))), "{sql}");
    }
}

#[test]
fn what_is_missing_is_found_and_named() {
    for (sql, entry) in [
        ("DELETE FROM items WHERE entry = 5 AND ordinal = 2", Some(5)),
        ("DELETE FROM items WHERE entry = 7; DELETE FROM entries WHERE idx = 7", Some(7)),
        ("DELETE FROM items WHERE entry = 9; DELETE FROM entries WHERE idx = 9", Some(9)),
        ("DELETE FROM tree", None),
    ] {
        let folder = Folder::new();
        {
            let record = open(&folder);
            record.append(entries(0, (0..10).map(|k| observations(k * 10, 4)))).wait().unwrap();
            record.checkpoint().wait().unwrap();
        }
        raw(&folder).execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        let again = SqliteRecord::open(folder.path(), Options { read_only: true, ..options() });
        if entry.is_none() {
            assert!(matches!(again, Err(OpenError::Database(_) | OpenError::Damaged(_))));
            continue;
        }
        let report = verified(&again.unwrap());
        assert!(report.faults.iter().any(|f| f.entry == entry), "{sql}: {report:#?}");
    }
}

#[test]
fn a_lawful_purge_leaves_a_tombstone_and_every_proof() {
    let folder = Folder::new();
    let record = open(&folder);
    record.append(entries(0, [observations(0, 3), report(1, 1), Body::Tick])).wait().unwrap();
    let proof = record.prove(0, None).wait().unwrap();
    let connection = raw(&folder);
    let purge = "UPDATE items SET nonce = NULL, content = NULL WHERE entry = ?1 AND ordinal = ?2";
    connection.execute(purge, [0, 1]).unwrap();
    connection.execute(purge, [1, 0]).unwrap();
    let half = connection.execute("UPDATE items SET nonce = NULL WHERE entry = 0 AND ordinal = 0", []);
    assert!(half.is_err(), "a nonce never goes without its content");

    let report = verified(&record);
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!((report.items, report.purged), (3, 2));
    assert_eq!(record.prove(0, None).wait().unwrap(), proof);
    let Body::Observations { items } = &record.read(0, 1).wait().unwrap()[0].body else { panic!() };
    assert_eq!(items[..], [observation(0), observation(2)]);
    assert_eq!(record.read(1, 1).wait(), Err(ReadError::Purged { index: 1 }));
    record.rebuild_views().unwrap();
    assert_eq!(record.request(person(1), request(1).id).wait().unwrap(), RequestSeen::No);
    append_ticks(&record, 2);
    assert_sound(&record);
}

#[test]
fn each_kind_has_its_retention_date() {
    let folder = Folder::new();
    let record = open(&folder);
    record.append(entries(0, every_kind(log()))).wait().unwrap();
    let connection = raw(&folder);
    let mut statement = connection
        .prepare(
            "SELECT DISTINCT e.kind, (i.purge_after - e.recorded_at) / 3600000000 FROM items i \
             JOIN entries e ON e.idx = i.entry ORDER BY 1",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?)));
    let hours: Vec<_> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    let years = Some(5 * 365 * 24);
    let expected = [
        ("access", years),
        ("act", years),
        ("configured", years),
        ("desk", years),
        ("dispatch", years),
        ("notice", years),
        ("observations", Some(7 * 24)),
        ("positions", Some(24)),
        ("provider", years),
        ("reach", years),
        ("shed", None),
        ("snapshot", Some(24)),
        ("started", None),
        ("tick", None),
        ("tracks", Some(90 * 24)),
        ("unrecorded", None),
        ("upkeep", None),
    ];
    assert_eq!(hours, expected.map(|(kind, hours)| (kind.to_owned(), hours)));
}

/// Every row of every view, as text.
fn dump(folder: &Folder) -> String {
    let connection = raw(folder);
    let mut out = String::new();
    for table in views::VIEWS.iter().flat_map(|v| v.tables) {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            out.push_str(table);
            for k in 0..columns {
                write!(out, " {:?}", row.get_ref(k).unwrap()).unwrap();
            }
            out.push('\n');
        }
    }
    out
}

#[test]
fn views_made_again_equal_the_live_ones_byte_for_byte() {
    let folder = Folder::new();
    let record = open(&folder);
    let mut bodies = every_kind(log());
    for n in 2..30u128 {
        bodies.push(report(n, (n % 3) as usize));
        bodies.push(sighting_state(n, (n % 3) as usize, 31.7 + n as f64 * 0.01, Verdict::New));
        bodies.push(notice(n, 1, NoticeState::Raised));
        bodies.push(Body::Dispatch(DispatchEvent::Attempt { delivery: delivery(n, n, 1, Reached::Sent) }));
        bodies.push(measures(n % 4, 1, 1, n as i64, &["kit"]));
        bodies.push(act(1, None, Act::Conflict { request: request(2).id, body: format!("{n}") }));
        bodies.push(Body::Tracks { items: vec![track(n % 4, t(n as i64))] });
    }
    bodies.extend(super::search_tests::of_every_search_kind());
    bodies.push(Body::Unrecorded { first: 30, last: 60 });
    record.append(entries(0, bodies)).wait().unwrap();
    let live = dump(&folder);
    for table in views::VIEWS.iter().flat_map(|v| v.tables) {
        assert!(live.contains(&format!("{table} ")), "{table} is not tried");
    }
    record.rebuild_views().unwrap();
    assert_eq!(dump(&folder), live);
    // Views of an older version are made again when the record is opened.
    drop(record);
    raw(&folder)
        .execute_batch(
            "UPDATE meta SET value = '0' WHERE key = 'views'; DELETE FROM view_notices; DROP TABLE view_sightings;",
        )
        .unwrap();
    let record = open(&folder);
    assert_eq!(dump(&folder), live);
    append_ticks(&record, 1);
}

#[test]
fn a_view_never_keeps_the_record_from_writing() {
    let folder = Folder::new();
    let record = open(&folder);
    let mut broken = track(1, t(0));
    broken.vel_enu_mps = [f64::NAN, 0.0, f64::INFINITY];
    broken.place.lat_deg = f64::NAN;
    record.append(entries(0, [Body::Tracks { items: vec![broken, track(2, t(0))] }])).wait().unwrap();
    assert_eq!(record.track_history(TrackId(uuid(0xA001)), t(0), t(9)).wait().unwrap(), []);
    assert_eq!(record.track_history(TrackId(uuid(0xA002)), t(0), t(9)).wait().unwrap().len(), 1);
    assert_sound(&record);
}

#[test]
fn the_access_audit_is_found_by_who_about_whom_what_and_when() {
    let folder = Folder::new();
    let record = open(&folder);
    let read = |by: usize, about: &[usize], s: i64| Access {
        about: about.iter().map(|n| person(*n)).collect(),
        ..Access::once(Some(person(by)), Deed::ReadPositions, "GET /api/v1/people", t(s))
    };
    let everybody = Access::once(Some(person(2)), Deed::ReadPositions, "GET /api/v1/events, everybody", t(40));
    let plain = Access { last: t(69), times: 7, ..Access::once(Some(person(2)), Deed::Read, "GET /api/v1/me", t(20)) };
    let refused = Access::once(None, Deed::SignInRefused, "agent-9", t(80));
    let bodies = [
        vec![read(1, &[3, 4], 10), read(1, &[4], 11)],
        vec![everybody.clone()],
        vec![plain.clone()],
        vec![refused.clone()],
    ];
    for (k, (items, s)) in bodies.into_iter().zip([12, 40, 70, 80]).enumerate() {
        let entry = Entry { index: k as u64, recorded_at: t(s), cause: None, body: Body::Access { items } };
        record.append(vec![entry]).wait().unwrap();
    }
    let ask = |query: AccessQuery| {
        let page = record.access(query).wait().unwrap();
        page.items.into_iter().map(|r| r.access).collect::<Vec<_>>()
    };
    let all = || AccessQuery::default();
    assert_eq!(
        ask(all()),
        [refused.clone(), plain.clone(), everybody.clone(), read(1, &[4], 11), read(1, &[3, 4], 10)]
    );
    assert_eq!(ask(AccessQuery { person: Some(person(2)), ..all() }), [plain.clone(), everybody.clone()]);
    // Whoever was shown everybody was shown each.
    assert_eq!(ask(AccessQuery { about: Some(person(3)), ..all() }), [everybody.clone(), read(1, &[3, 4], 10)]);
    assert_eq!(ask(AccessQuery { deed: Some(Deed::SignInRefused), ..all() }), std::slice::from_ref(&refused));
    // A row of a whole minute counts for every moment of it.
    let between = |from, until| ask(AccessQuery { from: Some(t(from)), until: Some(t(until)), ..all() });
    assert_eq!(between(30, 35), std::slice::from_ref(&plain));
    assert_eq!(between(11, 40), [plain, everybody, read(1, &[4], 11)]);
    assert_eq!(between(70, 75), []);
    assert_eq!(between(90, 99), []);
    assert_eq!(between(-9, -1), []);
    let paged = all_pages(2, |cursor| record.access(AccessQuery { cursor, limit: 2, ..all() }).wait().unwrap());
    assert_eq!(paged.iter().map(|r| r.entry).collect::<Vec<_>>(), [3, 2, 1, 0, 0]);
    assert!(record.access(AccessQuery { cursor: Some("no".into()), ..all() }).wait().is_err());
}

/// All pages of a list, one after another.
fn all_pages<T>(limit: usize, mut page: impl FnMut(Option<String>) -> Page<T>) -> Vec<T> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let Page { items, next } = page(cursor);
        assert!(items.len() <= limit);
        all.extend(items);
        cursor = next;
        if cursor.is_none() {
            return all;
        }
    }
}

#[test]
fn sightings_are_listed_newest_first_by_reporter_verdict_and_place() {
    let folder = Folder::new();
    let record = open(&folder);
    let mut bodies: Vec<Body> =
        (0..20).map(|n| sighting_state(n, (n % 2) as usize, 31.70 + n as f64 * 0.01, Verdict::New)).collect();
    bodies.push(sighting_state(4, 0, 31.74, Verdict::Dismissed));
    record.append(entries(0, bodies)).wait().unwrap();
    let list = |query: SightingQuery| {
        let limit = query.limit;
        let states =
            all_pages(limit, |cursor| record.sightings(SightingQuery { cursor, ..query.clone() }).wait().unwrap());
        states.iter().map(|s| s.sighting.id.0.as_u128() - 0x5000).collect::<Vec<_>>()
    };
    let every = SightingQuery { limit: 7, ..SightingQuery::default() };
    assert_eq!(list(every.clone()), (0..20).rev().collect::<Vec<_>>(), "a later verdict changes no place");
    let by_0 = SightingQuery { reporters: vec![person(0)], ..every.clone() };
    assert_eq!(list(by_0), (0..20).rev().step_by(2).map(|n| n - 1).collect::<Vec<_>>());
    let both = SightingQuery { reporters: vec![person(0), person(1)], ..every.clone() };
    assert_eq!(list(both).len(), 20);
    assert_eq!(list(SightingQuery { verdict: Some(VerdictIs::Dismissed), ..every.clone() }), [4]);
    assert_eq!(list(SightingQuery { since: Some(t(17)), ..every.clone() }), [19, 18, 17]);
    let near = Near { at: LatLon::new(31.75, -106.49).unwrap(), radius_m: 1_500.0 };
    assert_eq!(list(SightingQuery { near: Some(near), ..every.clone() }), [6, 5, 4]);
    assert_eq!(list(SightingQuery { near: Some(near), limit: 1, ..every }), [6, 5, 4]);

    let bad = |query| record.sightings(query).wait().unwrap_err();
    let cursor = Some("../../etc".to_owned());
    assert_eq!(bad(SightingQuery { cursor, ..SightingQuery::default() }), ReadError::Cursor);
    let near = Some(Near { radius_m: -1.0, ..near });
    assert!(matches!(bad(SightingQuery { near, ..SightingQuery::default() }), ReadError::Question(_)));
    let four = record.sighting(SightingId(uuid(0x5004))).wait().unwrap().unwrap();
    assert_eq!(four.verdict, Verdict::Dismissed);
    assert_eq!(record.sighting(SightingId(uuid(1))).wait().unwrap(), None);
}

#[test]
fn notices_deliveries_and_recipients_say_who_has_it() {
    let folder = Folder::new();
    let record = open(&folder);
    let mut bodies = every_kind(log());
    let raised = bodies.len() as u64;
    bodies.push(notice(2, 1, NoticeState::Raised));
    bodies.push(notice(2, 2, NoticeState::Updated));
    bodies.push(Body::Dispatch(DispatchEvent::Attempt { delivery: delivery(2, 2, 4, Reached::Sent) }));
    bodies.push(Body::Unrecorded { first: raised, last: raised });
    record.append(entries(0, bodies)).wait().unwrap();
    let (one, two) = (NoticeId(uuid(0x9001)), NoticeId(uuid(0x9002)));

    let list = |query: NoticeQuery| {
        all_pages(1, |cursor| record.notices(NoticeQuery { cursor, limit: 1, ..query.clone() }).wait().unwrap())
            .iter()
            .map(|n| (n.notice.id, n.notice.version))
            .collect::<Vec<_>>()
    };
    assert_eq!(list(NoticeQuery::default()), [(two, 2), (one, 2)]);
    assert_eq!(list(NoticeQuery { open: true, ..NoticeQuery::default() }), [(two, 2)]);
    let of_2 = NoticeQuery { recipient: Some(person(2)), ..NoticeQuery::default() };
    assert_eq!(list(of_2), [(one, 2)]);
    let versions = record.notice_versions(two).wait().unwrap();
    assert_eq!(versions.iter().map(|v| (v.notice.version, v.late)).collect::<Vec<_>>(), [(1, true), (2, false)]);

    let deliveries = |query: DeliveryQuery| record.deliveries(query).wait().unwrap().items;
    let all = deliveries(DeliveryQuery::default());
    assert_eq!(all, [delivery(2, 2, 4, Reached::Sent), delivery(1, 1, 1, Reached::Shown)]);
    assert_eq!(deliveries(DeliveryQuery { notice: Some(one), ..DeliveryQuery::default() }), all[1..]);
    assert_eq!(deliveries(DeliveryQuery { person: Some(person(4)), ..DeliveryQuery::default() }), all[..1]);

    let row = |who, rule| RecipientRow {
        person: person(who),
        rule,
        acknowledged: None,
        escalated: None,
        silent_at: None,
        acknowledged_by: None,
        call: None,
        lapsed_at: None,
    };
    assert_eq!(
        record.recipients(one, 1).wait().unwrap(),
        [
            RecipientRow { escalated: Some((t(4), Some(person(3)))), ..row(2, Some(Rule::InDanger)) },
            RecipientRow { acknowledged: Some((t(3), Channel::Web)), ..row(1, Some(Rule::Centre)) },
            RecipientRow { silent_at: Some(t(5)), ..row(3, Some(Rule::Escalation)) },
        ]
    );
    let escalations = record.escalations(one).wait().unwrap();
    assert_eq!(
        escalations,
        [EscalationRow {
            notice: one,
            version: 1,
            person: person(2),
            to: Some(person(3)),
            at: t(4),
            level: Level::Urgent
        }]
    );
    assert_eq!(record.track_history(TrackId(uuid(0xA001)), t(0), t(2)).wait().unwrap().len(), 1);
    assert_eq!(record.track_history(TrackId(uuid(0xA001)), t(3), t(9)).wait().unwrap(), []);
    assert_ne!(site().to_string(), "");
}

fn measures(of: u128, version: u32, who: usize, at: i64, done: &[&str]) -> Body {
    Body::Dispatch(DispatchEvent::Measures {
        notice: NoticeId(uuid(0x9000 + of)),
        version,
        person: person(who),
        done: done.iter().map(|m| (*m).to_owned()).collect(),
        at: t(at),
    })
}

#[test]
fn the_dissemination_log_says_of_everybody_on_every_list_what_was_tried_when_and_what_they_did() {
    let folder = Folder::new();
    let record = open(&folder);
    let one = NoticeId(uuid(0x9001));
    let list = |version, who: &[usize]| {
        let people = who.iter().map(|p| (person(*p), Rule::Unit)).collect();
        Body::Dispatch(DispatchEvent::Recipients { notice: one, version, people })
    };
    let tried = |n, who, reached, attempts| {
        Body::Dispatch(DispatchEvent::Attempt { delivery: Delivery { attempts, ..delivery(n, 1, who, reached) } })
    };
    let moved = |d: Delivery| Body::Dispatch(DispatchEvent::Moved { delivery: d });
    let failed = Delivery { trouble: Some("failed".into()), ..delivery(1, 1, 2, Reached::Queued) };
    let bodies = vec![
        list(1, &[3, 2]),
        tried(1, 2, Reached::Queued, 1),
        moved(failed),
        tried(1, 2, Reached::Queued, 2),
        moved(Delivery { attempts: 2, ..delivery(1, 1, 2, Reached::Delivered) }),
        moved(Delivery { attempts: 2, ..delivery(1, 1, 2, Reached::Shown) }),
        measures(1, 1, 2, 60, &["armour"]),
        measures(1, 1, 2, 70, &["armour", "kit"]),
        list(2, &[2, 3, 4]),
        measures(1, 2, 2, 80, &["kit"]),
        Body::Dispatch(DispatchEvent::Recipients {
            notice: NoticeId(uuid(0x9002)),
            version: 1,
            people: vec![(person(5), Rule::Unit)],
        }),
    ];
    record.append(entries(0, bodies)).wait().unwrap();
    let page = |after, limit| record.dissemination(DisseminationQuery { notice: one, after, limit }).wait().unwrap();
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|r: &DisseminationRow| (r.version, r.recipient.person.clone()));
        let more = page(after, 2);
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    let who: Vec<(u32, PersonId)> = all.iter().map(|r| (r.version, r.recipient.person.clone())).collect();
    assert_eq!(who, [(1, person(2)), (1, person(3)), (2, person(2)), (2, person(3)), (2, person(4))]);
    assert_eq!(page(None, 0), all, "the same in one page");
    let [d] = &all[0].deliveries[..] else { panic!("{:?}", all[0]) };
    assert_eq!((d.sent_at, d.tried_at), (Some(t(1)), Some(t(3))));
    assert_eq!((d.delivered_at, d.shown_at, d.moved_at), (Some(t(4)), Some(t(5)), t(5)));
    assert_eq!((d.delivery.attempts, d.delivery.reached), (2, Reached::Shown));
    assert!(all[1].deliveries.is_empty() && all[1].measures.is_empty());
    let said = |r: &DisseminationRow| -> Vec<(u32, Time, Vec<String>)> {
        r.measures.iter().map(|m| (m.version, m.at, m.done.iter().cloned().collect())).collect()
    };
    let first = (1, t(70), vec!["armour".to_owned(), "kit".to_owned()]);
    assert_eq!(said(&all[0]), std::slice::from_ref(&first), "the last list counts");
    assert_eq!(said(&all[2]), [first, (2, t(80), vec!["kit".to_owned()])]);
    assert_eq!(record.measures(one).wait().unwrap(), all[2].measures);
}

#[test]
fn a_repeated_request_is_known_and_other_bodies_are_kept_up_to_ten() {
    let folder = Folder::new();
    let record = open(&folder);
    let conflict = |n: u32| act(1, None, Act::Conflict { request: request(1).id, body: format!("body {n}") });
    let mut bodies = vec![report(1, 1)];
    bodies.extend((0..12).map(conflict));
    // The same id again, as it should never be: the first answer stays.
    let other = skypicket_model::Request { answer: "{}".into(), ..request(1) };
    bodies.push(act(1, Some(other), Act::SeeSighting { sighting: SightingId(uuid(1)) }));
    record.append(entries(0, bodies)).wait().unwrap();
    let ask = |who, n| record.request(person(who), request(n).id).wait().unwrap();
    assert_eq!(ask(1, 1), RequestSeen::Yes { request: request(1), entry: 0, conflicts: 10 });
    assert_eq!(ask(2, 1), RequestSeen::Another);
    assert_eq!(ask(1, 2), RequestSeen::No);
    let conflicts = all_pages(4, |cursor| record.conflicts(cursor, 4).wait().unwrap());
    assert_eq!(conflicts.len(), 10);
    assert_eq!((conflicts[9].body.as_str(), conflicts[9].entry), ("body 0", 1));
}

#[test]
fn secrets_are_kept_replaced_listed_and_forgotten_and_are_no_history() {
    let folder = Folder::new();
    {
        let record = open(&folder);
        record.private_put("session", "a", b"one".to_vec()).wait().unwrap();
        record.private_put("session", "b", b"two".to_vec()).wait().unwrap();
        record.private_put("session", "a", b"three".to_vec()).wait().unwrap();
        record.private_put("password", "a", b"hash".to_vec()).wait().unwrap();
        assert_eq!(record.head().next, 0);
    }
    let record = open(&folder);
    assert_eq!(record.private_get("session", "a").wait().unwrap(), Some(b"three".to_vec()));
    let both = vec![("a".to_owned(), b"three".to_vec()), ("b".to_owned(), b"two".to_vec())];
    assert_eq!(record.private_list("session").wait().unwrap(), both);
    assert!(record.private_delete("session", "a").wait().unwrap());
    assert!(!record.private_delete("session", "a").wait().unwrap());
    assert_eq!(record.private_get("session", "a").wait().unwrap(), None);
    assert_eq!(record.private_get("password", "a").wait().unwrap(), Some(b"hash".to_vec()));
}

#[test]
fn checkpoints_and_proofs_hold_for_a_stranger() {
    let folder = Folder::new();
    let record = open(&folder);
    let mut signed = vec![record.checkpoint().wait().unwrap()];
    for n in [1, 6, 250, 300, 43] {
        append_ticks_at_once(&record, n);
        signed.push(record.checkpoint().wait().unwrap());
    }
    assert_eq!(record.checkpoint().wait().unwrap().note, signed.last().unwrap().note, "nothing came since");
    assert_eq!(record.latest_checkpoint().wait().unwrap().as_ref(), signed.last());

    // What a stranger has: the published key, the notes, and the proofs.
    let key = NoteVerifier::from_text(&record.verifier_key().unwrap()).unwrap();
    let keys = [key];
    let roots: Vec<(u64, Hash)> = signed
        .iter()
        .map(|s| {
            let said = Checkpoint::open(&s.note, &keys).unwrap();
            assert_eq!((said.origin, said.size, said.root), (origin(log()), s.size, s.root));
            (s.size, s.root)
        })
        .collect();
    assert_eq!(roots.iter().map(|r| r.0).collect::<Vec<_>>(), [0, 1, 7, 257, 557, 600]);
    for (k, old) in roots.iter().enumerate() {
        for new in &roots[k..] {
            let proof = record.prove_consistency(old.0, new.0).wait().unwrap();
            assert_eq!((proof.old, proof.new), (*old, *new));
            assert!(proof.holds());
        }
        for index in [0, old.0 / 2, old.0.saturating_sub(1)].into_iter().filter(|i| *i < old.0) {
            let proof = record.prove(index, Some(old.0)).wait().unwrap();
            assert!(proof.holds());
            assert_eq!(proof.root, old.1);
            assert_eq!(crate::encoding::Header::from_bytes(&proof.header).unwrap().index, index);
            let other = InclusionProof { header: b"another".to_vec(), ..proof };
            assert!(!other.holds());
        }
    }
    assert_eq!(record.prove(600, None).wait(), Err(ReadError::NoEntry { index: 600 }));
    assert_eq!(record.prove(7, Some(7)).wait(), Err(ReadError::NoEntry { index: 7 }));
    assert_eq!(verified(&record).checkpoints, 6);
}

fn append_ticks_at_once(record: &SqliteRecord, n: usize) {
    record.append(entries(record.head().next, vec![Body::Tick; n])).wait().unwrap();
}

#[test]
fn a_lost_key_is_replaced_and_the_change_is_shown() {
    let folder = Folder::new();
    let first = {
        let record = open(&folder);
        append_ticks(&record, 3);
        record.checkpoint().wait().unwrap();
        record.verifier_key().unwrap()
    };
    fs::remove_file(folder.path().join("checkpoint.key")).unwrap();
    let record = open(&folder);
    append_ticks(&record, 2);
    record.checkpoint().wait().unwrap();
    let report = verified(&record);
    assert!(report.is_sound() && report.checkpoints == 2, "{report:#?}");
    assert_eq!(report.verifier_keys, [(first, 0), (record.verifier_key().unwrap(), 3)]);
    drop(record);
    fs::write(folder.path().join("checkpoint.key"), "not a key").unwrap();
    assert!(matches!(SqliteRecord::open(folder.path(), options()), Err(OpenError::Key { .. })));
}

#[test]
fn one_process_writes_others_may_look() {
    let folder = Folder::new();
    let record = open(&folder);
    append_ticks(&record, 2);
    assert!(matches!(SqliteRecord::open(folder.path(), options()), Err(OpenError::Locked(_))));
    let reader = SqliteRecord::open(folder.path(), Options { read_only: true, ..options() }).unwrap();
    assert_eq!(reader.read(0, 9).wait().unwrap().len(), 2);
    assert_eq!(reader.append(entries(2, [Body::Tick])).wait(), Err(AppendError::ReadOnly));
    append_ticks(&record, 2);
    assert_eq!(reader.read(0, 9).wait().unwrap().len(), 4);
    assert!(verified(&reader).is_sound());
    drop(reader);
    drop(record);
    append_ticks(&open(&folder), 1);
    let nothing = Folder::new();
    let looked = SqliteRecord::open(nothing.path(), Options { read_only: true, ..options() });
    assert!(matches!(looked, Err(OpenError::None(_))));
}

#[test]
fn files_are_for_their_owner_only() {
    let outside = Folder::new();
    let path = outside.path().join("new").join("data");
    let record = SqliteRecord::open(&path, Options { reserve_bytes: 1 << 20, ..options() }).unwrap();
    append_ticks(&record, 1);
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let mut names = Vec::new();
    for file in fs::read_dir(&path).unwrap() {
        let file = file.unwrap();
        assert_eq!(mode(&file.path()), 0o600, "{:?}", file.file_name());
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["checkpoint.key", "lock", "record.db", "record.db-shm", "record.db-wal", "reserve"]);
}

#[test]
fn what_is_not_ours_is_refused_by_name() {
    let newer = Folder::new();
    drop(open(&newer));
    raw(&newer).execute_batch("PRAGMA user_version = 3").unwrap();
    let Err(error) = SqliteRecord::open(newer.path(), options()) else { panic!("opened") };
    assert_eq!(error.to_string(), "this record has schema 3; this program knows up to 2: use a newer program");

    let other = Folder::new();
    raw(&other).execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    assert!(matches!(SqliteRecord::open(other.path(), options()), Err(OpenError::NotARecord(_))));
    let text = Folder::new();
    fs::write(text.path().join(FILE_NAME), "not a database at all, but a letter".repeat(200)).unwrap();
    assert!(matches!(SqliteRecord::open(text.path(), options()), Err(OpenError::NotARecord(_))));

    let exercise = Folder::new();
    let world = |world| SqliteRecord::open(exercise.path(), Options { world, ..options() });
    assert_eq!(world(World::Exercise("first-light".into())).unwrap().world(), "exercise:first-light");
    assert!(matches!(world(World::Live), Err(OpenError::World { .. })));
    assert!(matches!(world(World::Exercise("other".into())), Err(OpenError::World { .. })));
    assert!(world(World::Any).is_ok());
}

#[test]
fn a_full_disk_takes_peoples_batches_from_the_reserve_then_nothing_and_recovers_by_itself() {
    let folder = Folder::new();
    let faults: Arc<Faults> = Arc::default();
    // 400 pages of 4,096 bytes, of which the reserve takes 256.
    faults.disk_pages.store(400, Ordering::Relaxed);
    let options = Options { reserve_bytes: 1 << 20, test_faults: Arc::clone(&faults), ..options() };
    let record = SqliteRecord::open(folder.path(), options).unwrap();
    let reserve = folder.path().join("reserve");
    let append = |bodies: Vec<Body>| record.append(entries(record.head().next, bodies)).wait();
    let mut n = 0u128;
    let mut fill = |people: bool| {
        for _ in 0..2_000 {
            n += 1;
            let body = if people { report(n, 1) } else { observations(n * 100, 20) };
            let before = record.head().next;
            if let Err(error) = append(vec![body]) {
                assert_eq!(error, AppendError::Full);
                assert_eq!(record.head().next, before, "what is refused leaves nothing");
                return n;
            }
        }
        panic!("never full");
    };

    assert_eq!(record.state(), RecordState::Ok);
    fill(false);
    assert_eq!(record.state(), RecordState::Reserve);
    assert!(!reserve.exists());
    assert_eq!(append(vec![observations(0, 1)]), Err(AppendError::Full), "sensors may not use the reserve");
    append(vec![report(1_000_001, 1)]).unwrap();
    append(vec![observations(0, 1), notice(1, 1, NoticeState::Raised)]).unwrap();
    append(vec![Body::Tick]).unwrap();
    record.private_put("session", "x", vec![1]).wait().unwrap();
    assert_eq!(record.state(), RecordState::Reserve);

    let refused = fill(true);
    assert_eq!(record.state(), RecordState::Full);
    assert_eq!(append(vec![report(1_000_002, 1)]), Err(AppendError::Full));
    assert_eq!(append(vec![Body::Tick]), Err(AppendError::Full));
    let unseen = record.request(person(1), request(refused).id).wait().unwrap();
    assert_eq!(unseen, RequestSeen::No, "a refused report is not there by halves");
    assert_sound(&record);

    // Room again: nobody repairs anything.
    faults.disk_pages.store(4_000, Ordering::Relaxed);
    let begun = Instant::now();
    let mut states = Vec::new();
    while record.state() != RecordState::Ok {
        assert!(begun.elapsed() < Duration::from_secs(30), "{states:?}");
        let _ = append(vec![report(2_000_000 + states.len() as u128, 1)]);
        states.push(record.state());
        std::thread::sleep(Duration::from_millis(20));
    }
    append(vec![observations(0, 10)]).unwrap();
    assert_eq!(fs::metadata(reserve).unwrap().len(), 1 << 20);
    assert_sound(&record);
}

#[test]
fn without_a_reserve_a_full_disk_refuses_everything_and_recovers() {
    let folder = Folder::new();
    let faults: Arc<Faults> = Arc::default();
    faults.disk_pages.store(150, Ordering::Relaxed);
    let record = SqliteRecord::open(folder.path(), Options { test_faults: Arc::clone(&faults), ..options() }).unwrap();
    let append = |body: Body| record.append(entries(record.head().next, [body])).wait();
    while append(observations(0, 50)).is_ok() {}
    assert_eq!(record.state(), RecordState::Full);
    assert_eq!(append(report(1, 1)), Err(AppendError::Full));
    faults.disk_pages.store(0, Ordering::Relaxed);
    let begun = Instant::now();
    while append(report(1, 1)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(record.state(), RecordState::Ok);
    assert_sound(&record);
}

/// On a real small disk: `mount -t tmpfs -o size=12m tmpfs FOLDER` and this with `SKYPICKET_SMALL_DISK=FOLDER`.
#[test]
#[ignore = "needs a small file system of its own"]
fn a_real_full_disk_behaves_like_the_simulated_one() {
    let disk = PathBuf::from(std::env::var_os("SKYPICKET_SMALL_DISK").expect("SKYPICKET_SMALL_DISK is the folder"));
    let path = disk.join("data");
    let options = || Options { reserve_bytes: 4 << 20, ..options() };
    let mut record = SqliteRecord::open(&path, options()).unwrap();
    let mut states = Vec::new();
    let (mut n, mut acknowledged) = (0u128, Vec::new());
    for round in 0..2 {
        while record.state() == RecordState::Ok {
            n += 1;
            let _ = record.append(entries(record.head().next, [observations(n * 100, 50)])).wait();
        }
        states.push(record.state());
        assert!(!path.join("reserve").exists());
        while record.state() == RecordState::Reserve {
            n += 1;
            if record.append(entries(record.head().next, [report(n, 1)])).wait().is_ok() {
                acknowledged.push(n);
            }
        }
        states.push(record.state());
        if round == 1 {
            break;
        }
        // A restart on the full disk; then the administrator makes the disk larger.
        drop(record);
        record = SqliteRecord::open(&path, options()).unwrap();
        let grown = std::process::Command::new("mount").args(["-o", "remount,size=40m"]).arg(&disk).status();
        assert!(grown.unwrap().success());
        let begun = Instant::now();
        while record.state() != RecordState::Ok {
            assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", record.state());
            let _ = record.append(entries(record.head().next, [Body::Tick])).wait();
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(states, [RecordState::Reserve, RecordState::Full, RecordState::Reserve, RecordState::Full]);
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    for n in acknowledged {
        assert!(matches!(record.request(person(1), request(n).id).wait().unwrap(), RequestSeen::Yes { .. }), "{n}");
    }
    assert_sound(&record);
}

/// Where records written by released versions are kept.
fn kept(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/record").join(version)
}

#[test]
fn the_record_of_every_released_version_opens_reads_verifies_and_is_gone_on_with() {
    for (version, count, kinds) in [("v1", 28, 15), ("v2", 40, 17)] {
        let folder = Folder::new();
        fs::copy(kept(version).join(FILE_NAME), folder.path().join(FILE_NAME)).unwrap();
        let record = SqliteRecord::open(folder.path(), Options { reserve_bytes: 0, ..Options::default() }).unwrap();
        let report = verified(&record);
        assert!(report.is_sound(), "{version}: {report:#?}");
        let root = fs::read_to_string(kept(version).join("root.txt")).unwrap();
        assert_eq!((report.root.as_str(), report.entries, report.checkpoints), (root.trim(), count, 1), "{version}");
        let entries = record.read(0, 100).wait().unwrap();
        let found: std::collections::BTreeSet<_> = entries.iter().map(|e| e.body.kind()).collect();
        assert_eq!(found.len(), kinds, "{version}: {found:?}");
        let Body::Observations { items } = &entries[2].body else { panic!("{:?}", entries[2]) };
        assert_eq!(items[0].claims.id(skypicket_model::observation::IdKind::Serial), Some("1581F4QZB2236003C1AN"));
        assert_eq!(record.sightings(SightingQuery::default()).wait().unwrap().items.len(), 1);
        if version == "v2" {
            assert_eq!(record.upkeep(10).wait().unwrap().len(), 4);
            assert_eq!(entries, crate::sqlite::testing::entries(0, every_kind(log())), "as they were written");
        }
        append_ticks(&record, 1);
        assert_sound(&record);
    }
}

/// Writes the kept record of this version; run by hand, once a version: `cargo test -p skypicket-record -- --ignored`.
/// Its key is not kept: nothing secret belongs in a repository, and a lost key must not matter.
#[test]
#[ignore = "writes into the repository"]
fn write_the_kept_record_of_this_version() {
    let folder = Folder::new();
    let root = {
        let record = open(&folder);
        record.append(entries(0, every_kind(log()))).wait().unwrap();
        record.checkpoint().wait().unwrap();
        verified(&record).root
    };
    let to = kept(&format!("v{SCHEMA}"));
    fs::create_dir_all(&to).unwrap();
    assert!(!to.join(FILE_NAME).exists(), "a kept record is never written again");
    fs::copy(folder.path().join(FILE_NAME), to.join(FILE_NAME)).unwrap();
    fs::write(to.join("root.txt"), format!("{root}\n")).unwrap();
}
