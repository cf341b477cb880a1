//! What happens to sessions, streams, links and phones when the directory changes, over a real record.

use super::{How, Place, SignInPolicy};
use crate::{
    http::auth::{Access, SetUp, hash},
    http::permission::Event,
    hub::{Hub, Sees, frame},
};
use serde_json::json;
use skypicket_model::Time;
use skypicket_model::{Agency, AgencyId, Directory, Person, PersonId, Reader, Role, Unit, UnitId, people::Language};
use skypicket_record::{Options, Record, SqliteRecord};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("skypicket-accounts-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn id(s: &str) -> PersonId {
    PersonId::new(s).unwrap()
}

fn directory() -> Directory {
    let agency = Agency { id: AgencyId::new("own").unwrap(), name: "Own".into() };
    let unit =
        Unit { id: UnitId::new("u").unwrap(), name: "U".into(), agency: agency.id.clone(), leadership: Vec::new() };
    let mut d = Directory::default();
    for name in ["agent", "other"] {
        let p = Person {
            id: id(name),
            name: name.into(),
            unit: unit.id.clone(),
            roles: [Role::Field].into(),
            channels: Vec::new(),
            addresses: skypicket_model::people::Addresses::default(),
            subscriptions: Vec::new(),
            tak_uid: None,
            language: Language::En,
            disabled: false,
        };
        d.people.insert(p.id.clone(), p);
    }
    d.agencies.insert(agency.id.clone(), agency);
    d.units.insert(unit.id.clone(), unit);
    d
}

async fn open(record: &Arc<SqliteRecord>, hub: &Arc<Hub>, directory: &Directory) -> Arc<Access> {
    let policy = SignInPolicy::default();
    let set_up = SetUp { policy, tls: false, behind_proxy: false, exercise: false, provider: None };
    Arc::new(Access::open(Arc::clone(record), Arc::clone(hub), directory, set_up).await.unwrap())
}

fn record(folder: &Folder) -> Arc<SqliteRecord> {
    Arc::new(SqliteRecord::open(&folder.0, Options { reserve_bytes: 0, ..Options::default() }).unwrap())
}

#[tokio::test]
async fn who_is_shut_out_is_out_at_once_and_stays_out_when_let_in_again() {
    let folder = Folder::new();
    let record = record(&folder);
    let hub = Arc::new(Hub::new(1));
    let before = directory();
    let access = open(&record, &hub, &before).await;
    let cut = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&cut);
    access.cuts.register("tak_certificates", move |person: PersonId, _| {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(usize::from(person.as_str() == "agent"), Ordering::SeqCst);
            Ok(1)
        }
    });
    let secret = access.open_session(&id("agent"), How::Link, &Place::default()).await.unwrap();
    let theirs = access.open_session(&id("other"), How::Link, &Place::default()).await.unwrap();
    let (link, _) = access.make_link(&id("agent")).await.unwrap();
    let reader = Reader { person: id("agent"), agency: AgencyId::new("own").unwrap(), roles: [Role::Field].into() };
    let sees = Sees::of(&reader.roles);
    let mut stream = hub.join((reader, UnitId::new("u").unwrap()), sees, None, frame(Event::Hello, None, &json!({})));
    hub.of_session(stream.number, &access.session(&secret).unwrap().id);

    let mut after = before.clone();
    after.people.get_mut(&id("agent")).unwrap().disabled = true;
    let rest = Access::shut_out(&access, &after).expect("there is something to end");
    // Before anything was waited for.
    assert!(access.session(&secret).is_none(), "the session is over");
    while stream.frames.try_recv().is_ok() {}
    assert!(stream.frames.recv().await.is_none(), "the stream has ended");
    assert!(access.session(&theirs).is_some(), "nobody else's");
    rest.await;
    assert_eq!(cut.load(Ordering::SeqCst), 1, "what others can cut is cut");

    // Let in again: nothing of before comes back, now or after a restart.
    assert!(Access::shut_out(&access, &before).is_none());
    assert!(access.session(&secret).is_none());
    assert!(access.sign_in_by_link(&link, &Place::default()).await.is_err());
    drop(access);
    let again = open(&record, &hub, &before).await;
    assert!(again.session(&secret).is_none());
    assert!(again.session(&theirs).is_some());
}

#[tokio::test]
async fn what_an_older_record_keeps_still_signs_in_and_strangers_of_it_do_not() {
    let folder = Folder::new();
    let record = record(&folder);
    let hub = Arc::new(Hub::new(1));
    let put = |kind: &'static str, key: String, value: serde_json::Value| {
        let record = Arc::clone(&record);
        async move { record.private_put(kind, &key, serde_json::to_vec(&value).unwrap()).await.unwrap() }
    };
    let until = Time::from_micros(4_102_444_800_000_000); // the year 2100
    put("session", hash("old"), json!({"person": "agent", "until": until})).await;
    put("session", hash("gone"), json!({"person": "nobody", "until": until})).await;
    put("link", hash("a link"), json!({"person": "other", "until": null, "first": true})).await;
    let access = open(&record, &hub, &directory()).await;
    assert_eq!(access.session("old").unwrap().person, id("agent"));
    assert!(access.session("gone").is_none());
    assert!(record.private_get("session", &hash("gone")).await.unwrap().is_none(), "it is deleted");
    let (person, _) = access.sign_in_by_link("a link", &Place::default()).await.unwrap();
    assert_eq!(person, id("other"));
    assert!(access.sign_in_by_link("a link", &Place::default()).await.is_err(), "once");
}

#[tokio::test]
async fn the_longest_unused_of_many_sessions_makes_room() {
    let folder = Folder::new();
    let record = record(&folder);
    let access = open(&record, &Arc::new(Hub::new(1)), &directory()).await;
    let mut secrets = Vec::new();
    for _ in 0..25 {
        secrets.push(access.open_session(&id("agent"), How::Password, &Place::default()).await.unwrap());
    }
    let open = secrets.iter().map(|s| access.session(s).is_some()).collect::<Vec<_>>();
    assert_eq!(open.iter().filter(|o| **o).count(), 20);
    assert!(open.iter().rev().take(20).all(|o| *o), "the newest stay");
}
