//! Following a capture file.

use crate::centre::{Call, Calls, NOW_S, centre, soon, source};
use skypicket_link::{CaptureConfig, CaptureTail, Health};
use skypicket_model::{Observation, Time, observation::IdKind};
use skypicket_wire::{
    capture::PcapWriter,
    remote_id::{BasicId, Message, beacon},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::JoinHandle;

/// A folder of its own for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("skypicket-link-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn file(&self) -> PathBuf {
        self.0.join("air.pcap")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A capture of one beacon for each serial number, stamped `age_s` before the centre's now.
fn capture(serials: &[(&str, f64)]) -> Vec<u8> {
    let mut pcap = PcapWriter::new();
    for (serial, age_s) in serials {
        let payload = Message::BasicId(BasicId::of_text(1, 2, serial)).encode();
        let frame = beacon::encode([2, 0, 0, 0, 0, 1], "drone", 7, &payload);
        pcap.frame(Time::from_unix_s(NOW_S - age_s).unwrap(), -60, &frame);
    }
    pcap.as_bytes().to_vec()
}

/// The same without the file's header, to be appended.
fn records(serials: &[(&str, f64)]) -> Vec<u8> {
    capture(serials).split_off(PcapWriter::new().as_bytes().len())
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn follow(calls: &Calls, path: &Path) -> (Arc<Health>, JoinHandle<()>) {
    let config: CaptureConfig =
        toml::from_str(&format!("id = \"rid-1\"\npoll_ms = 10\npath = {:?}", path.to_str().unwrap())).unwrap();
    let tail = CaptureTail::new(config);
    let health = tail.health();
    (health, tokio::spawn(tail.run(calls.intake(), calls.shutdown())))
}

async fn heard(calls: &mut Calls, n: usize) -> Vec<Observation> {
    let mut all = Vec::new();
    while all.len() < n {
        all.extend(
            calls
                .next_that(|c| if let Call::Observe(s, b) = c { Some((s, b)) } else { None })
                .await
                .1
                .into_iter()
                .inspect(|o| assert_eq!(o.source, source("rid-1"))),
        );
    }
    all
}

fn serials(all: &[Observation]) -> Vec<&str> {
    all.iter().map(|o| o.claims.id(IdKind::Serial).unwrap()).collect()
}

#[tokio::test]
async fn a_file_that_comes_later_and_grows_is_heard_as_it_grows() {
    let folder = Folder::new("grows");
    let mut calls = centre(0);
    let (health, running) = follow(&calls, &folder.file());
    // Stamped long ago, but appended now: a replay into the file is live.
    fs::write(folder.file(), capture(&[("AAA1", 1e6)])).unwrap();
    let first = heard(&mut calls, 1).await;
    assert_eq!(serials(&first), ["AAA1"]);
    assert_eq!(first[0].received_at, Time::from_unix_s(NOW_S).unwrap());
    // A record in two pieces.
    let record = records(&[("BBB2", 0.5)]);
    let (head, tail) = record.split_at(20);
    append(&folder.file(), head);
    append(&folder.file(), tail);
    let second = heard(&mut calls, 1).await;
    assert_eq!(serials(&second), ["BBB2"]);
    assert_eq!(second[0].received_at, Time::from_unix_s(NOW_S - 0.5).unwrap(), "its own stamp, as it is fresh");
    let s = health.snapshot();
    assert_eq!((s.received, s.decoded, s.refused.len()), (2, 2, 0));
    calls.stop();
    soon(running).await.unwrap();
}

#[tokio::test]
async fn what_was_there_before_is_taken_only_while_fresh() {
    let folder = Folder::new("backlog");
    let mut calls = centre(0);
    fs::write(folder.file(), capture(&[("OLD1", 3600.0), ("FRESH1", 2.0), ("OLD2", 60.0)])).unwrap();
    let (health, _running) = follow(&calls, &folder.file());
    assert_eq!(serials(&heard(&mut calls, 1).await), ["FRESH1"]);
    append(&folder.file(), &records(&[("OLD3", 3600.0)]));
    assert_eq!(serials(&heard(&mut calls, 1).await), ["OLD3"], "appended now, so heard now");
    assert_eq!(health.snapshot().refused["old_frame"], 2);
}

#[tokio::test]
async fn a_truncated_or_replaced_file_is_begun_again() {
    let folder = Folder::new("rotates");
    let mut calls = centre(0);
    let (_, _running) = follow(&calls, &folder.file());
    fs::write(folder.file(), capture(&[("AAA1", 0.0), ("AAA2", 0.0)])).unwrap();
    assert_eq!(serials(&heard(&mut calls, 2).await), ["AAA1", "AAA2"]);
    // Truncated and begun anew in place, shorter.
    fs::write(folder.file(), capture(&[("BBB1", 0.0)])).unwrap();
    assert_eq!(serials(&heard(&mut calls, 1).await), ["BBB1"]);
    // Rotated: moved away with a last record, and a longer one in its place.
    append(&folder.file(), &records(&[("BBB2", 0.0)]));
    fs::rename(folder.file(), folder.0.join("air.1.pcap")).unwrap();
    fs::write(folder.file(), capture(&[("CCC1", 0.0), ("CCC2", 0.0), ("CCC3", 0.0)])).unwrap();
    assert_eq!(serials(&heard(&mut calls, 4).await), ["BBB2", "CCC1", "CCC2", "CCC3"]);
}

#[tokio::test]
async fn bad_bytes_are_counted_with_their_offset_and_the_rest_is_heard() {
    let folder = Folder::new("bad");
    let mut calls = centre(0);
    let (health, _running) = follow(&calls, &folder.file());
    let mut bytes = capture(&[("AAA1", 0.0)]);
    let at = bytes.len() as u64;
    bytes.extend([0xEE; 64]);
    bytes.extend(records(&[("AAA2", 0.0), ("AAA3", 0.0)]));
    fs::write(folder.file(), bytes).unwrap();
    let (mut got, mut refused) = (Vec::new(), Vec::new());
    while got.len() < 3 || refused.is_empty() {
        match calls.next().await {
            Call::Observe(_, b) => got.extend(b),
            Call::Refused { reason, offset, .. } => refused.push((reason, offset)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(serials(&got), ["AAA1", "AAA2", "AAA3"]);
    assert_eq!(refused[0], ("record_length".to_owned(), Some(at)));
    assert!(health.snapshot().refused.contains_key("record_length"));
}

#[test]
fn unknown_settings_are_refused() {
    assert!(toml::from_str::<CaptureConfig>("id = \"a\"\npath = \"x\"\npol_ms = 3").is_err());
}
