//! The channels on real sockets: scripted servers on loopback that accept, refuse, stay silent, break off and repeat.

mod http_server;
mod mail;
mod over_http;
mod smtp_server;

use skypicket_link::{
    Outgoing,
    tls::{Authority, ClientAuth, ServerIdentity, ServerName, server_config},
};
use skypicket_model::{DeliveryId, Level, Time};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};
use uuid::Uuid;

/// Nothing in these tests may take longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A folder that goes away.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("skypicket-carry-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The machine's time: certificates are checked against it.
#[allow(clippy::disallowed_methods)] // certificates hold for the real time, and the TLS library reads it
pub(crate) fn real_now() -> Time {
    Time::from_unix_s(std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()).unwrap()
}

/// An authority of its own, its certificate in a file, and what a server for `localhost` shows under it.
pub(crate) fn own_tls(folder: &Folder) -> (PathBuf, tokio_rustls::TlsAcceptor) {
    let folder = folder.path().join("authority");
    let authority = Authority::open(&folder, &[], real_now()).unwrap();
    let names = BTreeSet::from([ServerName::parse("localhost").unwrap()]);
    let identity = Arc::new(ServerIdentity::new(authority.server(&names, real_now()).unwrap()));
    let config = server_config(identity, &[], &ClientAuth::None).unwrap();
    (folder.join("ca.crt"), tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}

pub(crate) const NOW: Time = Time::from_micros(1_790_000_000_500_000);

pub(crate) fn id(n: u128) -> DeliveryId {
    DeliveryId(Uuid::from_u128(n))
}

/// Attempt 1 of a delivery.
pub(crate) fn outgoing<L>(n: u128, letter: L) -> Outgoing<L> {
    Outgoing { delivery: id(n), attempt: 1, reminder: 0, level: Level::Urgent, expires_at: None, letter }
}

/// Waits under the one limit.
pub(crate) async fn soon<T>(f: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, f).await.expect("within the limit")
}
