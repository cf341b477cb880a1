//! How fast the record takes entries, beside bare SQLite in the same run and folder.
//!
//! Bare SQLite is one table of one blob, the same bytes of content, the same journal mode and the same sync: what the
//! disk and the database cost by themselves. Run with `cargo bench -p skypicket-record`; a folder given in
//! `SKYPICKET_BENCH_DIR` is used instead of the system's temporary one (which may be in memory).

use rusqlite::Connection;
use skypicket_model::{
    About, Act, Body, Claims, Entry, LatLon, Level, Marking, Measurement, Notice, NoticeId, NoticeState, Observation,
    ObservationId, PersonId, Place, ProtectedId, Request, RequestId, Sighting, SightingId, Signal, SourceId, Time,
    TrackId, Warning,
    entry::ActEntry,
    notice::NoticeFacts,
    observation::{IdClaim, IdKind},
    sighting::{Activity, DroneKind, RangeClass},
};
use skypicket_record::{Options, Record, Reply, SqliteRecord};
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};
use uuid::Uuid;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn observation(n: u128) -> Fallible<Observation> {
    Ok(Observation {
        id: ObservationId(Uuid::from_u128(n << 64 | 0xFEED)),
        source: SourceId::new("receiver-12")?,
        observed_at: Time::from_micros(1_790_000_000_000_000),
        received_at: Time::from_micros(1_790_000_000_123_456),
        measurement: Measurement::Position {
            at: Place { lat_deg: 31.761_234 + n as f64 * 1e-7, lon_deg: -106.491_234, alt_hae_m: Some(1_234.5) },
            cov_enu_m2: [[225.0, 0.0, 0.0], [0.0, 225.0, 0.0], [0.0, 0.0, 400.0]],
        },
        claims: Claims {
            ids: vec![IdClaim { kind: IdKind::Serial, value: "1581F4QZB2236003C1AN".into() }],
            velocity_enu_mps: Some([3.37, -1.21, 0.5]),
            height_takeoff_m: Some(61.5),
            claimed_at: Some(Time::from_micros(1_790_000_000_000_000)),
            ..Claims::default()
        },
        signal: Signal {
            transport: Some("wifi_beacon".into()),
            address: Some("60:60:1f:aa:bb:cc".into()),
            rssi_dbm: Some(-71.0),
            counter: Some(17),
            ..Signal::default()
        },
        sighting: None,
        flags: vec!["accuracy_unknown".into()],
    })
}

fn report(n: u128) -> Fallible<Body> {
    let at = Time::from_micros(1_790_000_000_000_000);
    Ok(Body::Act(ActEntry {
        by: PersonId::new("agent-17")?,
        via: "web".into(),
        request: Some(Request {
            id: RequestId(Uuid::from_u128(n)),
            sha256: format!("{n:064x}"),
            status: 201,
            answer: "{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}".into(),
        }),
        act: Act::Sighting {
            sighting: Box::new(Sighting {
                id: SightingId(Uuid::from_u128(n)),
                reporter: PersonId::new("agent-17")?,
                from: Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: None },
                from_accuracy_m: 8.0,
                bearing: None,
                range: RangeClass::To300,
                elevation_deg: Some(20.0),
                kind: DroneKind::Multirotor,
                count: None,
                activity: Activity::default(),
                lights: Some(true),
                sound: None,
                payload: None,
                words: "low, coming over the wash".into(),
                first_seen: at,
                last_seen: at,
                marking: Marking::default(),
            }),
        },
    }))
}

/// A version of each of so many warnings.
fn all_warnings(version: u32, warnings: u32) -> Fallible<Vec<Entry>> {
    let one = |n: u32| -> Fallible<Entry> {
        let state = if version == 1 { NoticeState::Raised } else { NoticeState::Updated };
        let distance_m = f64::from(1_000 - version);
        let notice = Notice {
            id: NoticeId(Uuid::from_u128(u128::from(n) + 1)),
            version,
            state,
            level: Level::Urgent,
            at: Time::from_micros(1_790_000_001_000_000),
            needs_ack: true,
            marking: Marking::default(),
            exercise: None,
            code: "4711".into(),
            text: format!("Drone {distance_m} m west of you, coming closer. Take cover."),
            text_es: format!("Dron a {distance_m} m al oeste, se acerca. Póngase a cubierto."),
            expires_at: None,
            about: About::Warning(Warning {
                track: TrackId(Uuid::from_u128(u128::from(n) + 1)),
                protected: ProtectedId::Person(PersonId::new("agent-17")?),
                protected_name: "North 1".into(),
                facts: NoticeFacts {
                    distance_m,
                    bearing_deg: 270.0,
                    earliest_s: 40.0,
                    cpa_m: 20.0,
                    p_within_30: 0.4,
                    track_at: LatLon { lat_deg: 31.76, lon_deg: -106.49 },
                    height_unknown: false,
                    by_people_only: false,
                },
                reasons: vec!["inside_standoff".into()],
                because: Vec::new(),
            }),
        };
        Ok(entry(u64::from((version - 1) * warnings + n), Body::Notice(Box::new(notice))))
    };
    (0..warnings).map(one).collect()
}

fn entry(index: u64, body: Body) -> Entry {
    Entry { index, recorded_at: Time::from_micros(1_790_000_001_000_000), cause: None, body }
}

/// A folder of our own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Fallible<Self> {
        let base = std::env::var_os("SKYPICKET_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = base.join(format!("skypicket-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Folder) -> Fallible<SqliteRecord> {
    Ok(SqliteRecord::open(&folder.0, Options { reserve_bytes: 0, ..Options::default() })?)
}

fn bare(folder: &Path) -> Fallible<Connection> {
    let connection = Connection::open(folder.join("bare.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; \
         CREATE TABLE bare (content BLOB NOT NULL);",
    )?;
    Ok(connection)
}

/// Rows a second of bare SQLite: `n` transactions of `group` rows of `bytes` bytes.
fn bare_rate(name: &str, n: usize, group: usize, bytes: usize) -> Fallible<f64> {
    let folder = Folder::new(name)?;
    let connection = bare(&folder.0)?;
    let content = vec![0x5A_u8; bytes];
    let begun = Instant::now();
    for _ in 0..n {
        let transaction = connection.unchecked_transaction()?;
        for _ in 0..group {
            transaction.prepare_cached("INSERT INTO bare (content) VALUES (?1)")?.execute([&content])?;
        }
        transaction.commit()?;
    }
    Ok((n * group) as f64 / begun.elapsed().as_secs_f64())
}

fn line(what: &str, unit: &str, rate: f64, bare: f64) -> Fallible<()> {
    writeln!(std::io::stdout(), "{what:44} {rate:>10.0} {unit:14} bare {bare:>10.0}   ratio {:.2}", rate / bare)?;
    Ok(())
}

fn main() -> Fallible<()> {
    // One report at a time, each answered before the next is sent.
    let (n, content) = (400_u32, 600);
    let folder = Folder::new("single")?;
    let record = open(&folder)?;
    let begun = Instant::now();
    for index in 0..u64::from(n) {
        record.append(vec![entry(index, report(u128::from(index))?)]).wait()?;
    }
    let single = f64::from(n) / begun.elapsed().as_secs_f64();
    drop(record);
    line("reports, one at a time", "reports/s", single, bare_rate("bare-single", n as usize, 1, content)?)?;

    // Reports as fast as they can be asked for: the record groups them.
    let n = 20_000_u32;
    let folder = Folder::new("grouped")?;
    let record = SqliteRecord::open(&folder.0, Options { reserve_bytes: 0, queue: n as usize, ..Options::default() })?;
    let bodies: Vec<Body> = (0..u128::from(n)).map(report).collect::<Fallible<_>>()?;
    let begun = Instant::now();
    let replies: Vec<_> = (0..).zip(bodies).map(|(index, body)| record.append(vec![entry(index, body)])).collect();
    replies.into_iter().try_for_each(|r| Reply::wait(r).map(drop))?;
    let grouped = f64::from(n) / begun.elapsed().as_secs_f64();
    let groups = usize::try_from(record.metrics().commits)?;
    let longest = record.metrics().longest_commit_us;
    drop(record);
    let bare = bare_rate("bare-grouped", groups, n as usize / groups, content)?;
    line("reports, grouped", "reports/s", grouped, bare)?;
    writeln!(std::io::stdout(), "    {groups} transactions, the longest {longest} us")?;

    // Versions of fifty warnings, fifty in a transaction: each takes the place of the one before in what can be found.
    let (versions, warnings) = (100_u32, 50_u32);
    let folder = Folder::new("warnings")?;
    let record = open(&folder)?;
    let made: Vec<Vec<Entry>> = (1..=versions).map(|v| all_warnings(v, warnings)).collect::<Fallible<_>>()?;
    let begun = Instant::now();
    for entries in made {
        record.append(entries).wait()?;
    }
    let rate = f64::from(versions * warnings) / begun.elapsed().as_secs_f64();
    drop(record);
    let bare = bare_rate("bare-warnings", versions as usize, warnings as usize, 900)?;
    line("versions of warnings, fifty at once", "versions/s", rate, bare)?;

    // Sensor blocks: 100 observations each.
    let (blocks, size) = (400_u32, 100_u128);
    let folder = Folder::new("blocks")?;
    let record = open(&folder)?;
    let block = |k: u128| (k * size..(k + 1) * size).map(observation).collect::<Fallible<Vec<_>>>();
    let bodies: Vec<Vec<Observation>> = (0..u128::from(blocks)).map(block).collect::<Fallible<_>>()?;
    let begun = Instant::now();
    let replies: Vec<_> = (0..)
        .zip(bodies)
        .map(|(index, items)| record.append(vec![entry(index, Body::Observations { items })]))
        .collect();
    replies.into_iter().try_for_each(|r| Reply::wait(r).map(drop))?;
    let rate = f64::from(blocks) * size as f64 / begun.elapsed().as_secs_f64();
    let groups = usize::try_from(record.metrics().commits)?;
    let bytes = (record.metrics().database_bytes + record.wal_bytes()) as f64;
    let begun = Instant::now();
    let report = record.verify(|_, _| ())?;
    let verified = report.items as f64 / begun.elapsed().as_secs_f64();
    drop(record);
    let total = blocks as usize * usize::try_from(size)?;
    let bare = bare_rate("bare-blocks", groups, total / groups, 500)?;
    line("observations, in blocks of 100", "observations/s", rate, bare)?;
    writeln!(
        std::io::stdout(),
        "    about {:.0} bytes on disk each; verified at {verified:.0} items/s",
        bytes / total as f64
    )?;
    Ok(())
}
