//! [`SmtpConfig`]: settings of the mail server that mail is handed to.

use serde::Deserialize;
use skypicket_model::Tlp;
use std::path::PathBuf;

/// How the connection is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// TLS from the first octet (port 465), as RFC 8314 recommends.
    #[default]
    Implicit,
    /// Plain first, then `STARTTLS` (port 587). A server that does not offer it is not used.
    Starttls,
    /// None: to this machine only, unless the table says `insecure`.
    None,
}

/// Settings of an [`super::Smtp`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Name or address of the server.
    pub host: String,
    /// Port. Default 465, 587 or 25, by `tls`.
    #[serde(default)]
    pub port: Option<u16>,
    /// `implicit` (the default), `starttls`, or `none`.
    #[serde(default)]
    pub tls: SmtpTls,
    /// No TLS although the server is not this machine. Default false.
    #[serde(default)]
    pub insecure: bool,
    /// Trust only the certificates of this PEM file. Default: what browsers trust.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// Login name. Default none.
    #[serde(default)]
    pub login: Option<String>,
    /// File with its password, in one line.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Who writes: `watch@centre.example` or `Sector Watch <watch@centre.example>`.
    pub from: String,
    /// Where answers go. Default `from`.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Where the mail system's own reports go (the envelope's sender). Default the address of `from`.
    #[serde(default)]
    pub reports_to: Option<String>,
    /// What stands behind the @ in message ids. Default the domain of `from`.
    #[serde(default)]
    pub domain: Option<String>,
    /// Most connections at a time; they are kept. 3 to 64, default 4.
    #[serde(default = "SmtpConfig::default_connections")]
    pub connections: usize,
    /// Strictest label whose content this server may carry. Default `TLP:GREEN`; above it the mail says to open Skypicket.
    #[serde(default = "SmtpConfig::default_content_up_to")]
    pub content_up_to: Tlp,
    /// Mails a second, over time, where the server wants no more. Default: as many as it takes.
    #[serde(default)]
    pub per_s: Option<f64>,
    /// Mails at once before that rate counts, 3 to 1,000. Default 16.
    #[serde(default = "SmtpConfig::default_burst")]
    pub burst: usize,
    /// An address whose mail comes back to the centre (`POST /api/v1/inbound/mail`): test messages go round by it.
    /// Default none: whether mail that was taken arrives anywhere is then not known.
    #[serde(default, rename = "loop")]
    pub loop_to: Option<String>,
    /// File with the key, or the two keys, that whoever takes our mail in signs with what it posts to us
    /// (`POST /api/v1/inbound/mail`). Default none: no answer is taken by mail.
    #[serde(default)]
    pub inbound_keys: Option<PathBuf>,
}

impl SmtpConfig {
    /// All defaults.
    pub fn at(host: &str, from: &str) -> Self {
        Self {
            host: host.to_owned(),
            port: None,
            tls: SmtpTls::default(),
            insecure: false,
            roots: None,
            login: None,
            password_file: None,
            from: from.to_owned(),
            reply_to: None,
            reports_to: None,
            domain: None,
            connections: Self::default_connections(),
            content_up_to: Self::default_content_up_to(),
            per_s: None,
            burst: Self::default_burst(),
            loop_to: None,
            inbound_keys: None,
        }
    }

    /// The port that is meant.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            SmtpTls::Implicit => 465,
            SmtpTls::Starttls => 587,
            SmtpTls::None => 25,
        })
    }

    fn default_connections() -> usize {
        4
    }

    fn default_burst() -> usize {
        16
    }

    fn default_content_up_to() -> Tlp {
        Tlp::Green
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_sender_are_enough_and_unknown_keys_are_refused() {
        let text = "host = \"mail.example.net\"\nfrom = \"w@example.net\"";
        let c: SmtpConfig = toml::from_str(text).unwrap();
        assert_eq!(c, SmtpConfig::at("mail.example.net", "w@example.net"));
        assert_eq!((c.port(), c.tls, c.content_up_to), (465, SmtpTls::Implicit, Tlp::Green));
        assert!(toml::from_str::<SmtpConfig>(&format!("{text}\npasword = \"x\"")).is_err());
        let c: SmtpConfig =
            toml::from_str(&format!("{text}\ntls = \"starttls\"\ncontent_up_to = \"TLP:AMBER\"")).unwrap();
        assert_eq!((c.port(), c.content_up_to), (587, Tlp::Amber));
    }
}
