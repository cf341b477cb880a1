//! [`TakConfig`]: settings of the TAK server.

use crate::ClientCertificates;
use serde::Deserialize;
use skypicket_model::{Place, SourceId};
use std::net::SocketAddr;

/// Settings of a [`super::TakServer`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakConfig {
    /// Source of what comes in. Default `tak`.
    #[serde(default = "TakConfig::default_id")]
    pub id: SourceId,
    /// Address and port.
    pub listen: SocketAddr,
    /// Open beyond loopback although nothing proves who a client is. Default false.
    #[serde(default)]
    pub insecure: bool,
    /// Over TLS, with the centre's certificate. Default false.
    #[serde(default)]
    pub tls: bool,
    /// Whether a client must have a certificate, where there is TLS: `required` (the default), or `optional`.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
    /// The centre's own uid. Default `skypicket`.
    #[serde(default = "TakConfig::default_uid")]
    pub uid: String,
    /// The centre's name on clients. Default `PICKET`.
    #[serde(default = "TakConfig::default_callsign")]
    pub callsign: String,
    /// Where the centre is shown on clients' maps, so that it is among their contacts. Default nowhere.
    #[serde(default)]
    pub at: Option<Place>,
    /// Most connections. Default 256.
    #[serde(default = "TakConfig::default_most")]
    pub max_connections: usize,
    /// Most connections from one address. Default 64.
    #[serde(default = "TakConfig::default_most_by_address")]
    pub max_connections_per_address: usize,
    /// Most events waiting for one client; one more, and it is shed. Default 512.
    #[serde(default = "TakConfig::default_queue")]
    pub queue: usize,
    /// A client that takes nothing for so long is shed, seconds. Default 10.
    #[serde(default = "TakConfig::default_write_timeout_s")]
    pub write_timeout_s: u32,
    /// A client silent for so long is let go, seconds (TAK clients ping when idle). Default 300.
    #[serde(default = "TakConfig::default_idle_timeout_s")]
    pub idle_timeout_s: u32,
}

impl TakConfig {
    /// All defaults at an address.
    pub fn at_address(listen: SocketAddr) -> Self {
        Self {
            id: Self::default_id(),
            listen,
            insecure: false,
            tls: false,
            client_certificates: ClientCertificates::default(),
            uid: Self::default_uid(),
            callsign: Self::default_callsign(),
            at: None,
            max_connections: Self::default_most(),
            max_connections_per_address: Self::default_most_by_address(),
            queue: Self::default_queue(),
            write_timeout_s: Self::default_write_timeout_s(),
            idle_timeout_s: Self::default_idle_timeout_s(),
        }
    }

    /// Whoever connects has proven whose client it is.
    pub fn protected(&self) -> bool {
        self.tls && self.client_certificates == ClientCertificates::Required
    }

    fn default_id() -> SourceId {
        #[allow(clippy::unwrap_used)] // a constant, held by a test
        SourceId::new("tak").unwrap()
    }
    fn default_uid() -> String {
        "skypicket".into()
    }
    fn default_callsign() -> String {
        "PICKET".into()
    }
    fn default_most() -> usize {
        256
    }
    fn default_most_by_address() -> usize {
        64
    }
    fn default_queue() -> usize {
        512
    }
    fn default_write_timeout_s() -> u32 {
        10
    }
    fn default_idle_timeout_s() -> u32 {
        300
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_enough_and_unknown_keys_are_refused() {
        let c: TakConfig = toml::from_str("listen = \"127.0.0.1:8087\"").unwrap();
        assert_eq!(c, TakConfig::at_address("127.0.0.1:8087".parse().unwrap()));
        assert!(toml::from_str::<TakConfig>("listen = \"127.0.0.1:8087\"\nquue = 3").is_err());
        assert!(toml::from_str::<TakConfig>("").is_err());
    }
}
