//! [`Target`]: an address that the administrator configured.

use hyper::Uri;
use std::{fmt, net::IpAddr};

/// Longest address.
const MOST: usize = 2_048;

/// Why an address is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Empty or over 2,048 octets.
    #[error("url: must have 1 to 2048 characters")]
    Length,
    /// Not an http or https address with a host, or with a user in it.
    #[error("url: must be https://HOST[:PORT]/PATH, without user or fragment; put a login into its file")]
    Address,
    /// Others could read what passes.
    #[error(
        "url: {host} is not this machine and http has no TLS: use https, or say insecure = true in its table to send in the clear anyway"
    )]
    Plain {
        /// The host.
        host: String,
    },
}

/// An address; its path may be a secret, so it is shown without.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
    host: String,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target {{ host: {:?}, .. }}", self.host)
    }
}

impl Target {
    /// Checks an address. http is taken to this machine only, unless `insecure`.
    pub fn parse(text: &str, insecure: bool) -> Result<Self, TargetError> {
        if text.is_empty() || text.len() > MOST {
            return Err(TargetError::Length);
        }
        if text.contains('#') {
            return Err(TargetError::Address);
        }
        let uri: Uri = text.parse().map_err(|_| TargetError::Address)?;
        let authority = uri.authority().ok_or(TargetError::Address)?;
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(TargetError::Address);
        }
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if insecure || is_this_machine(&host) => {}
            Some("http") => return Err(TargetError::Plain { host }),
            _ => return Err(TargetError::Address),
        }
        Ok(Self { uri, host })
    }

    /// The host, for people to look at.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether what passes can be read on the way beyond this machine.
    pub fn is_insecure(&self) -> bool {
        self.is_plain() && !is_this_machine(&self.host)
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.uri.scheme_str() == Some("http")
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }
}

/// Whether a host is this machine for certain.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_goes_anywhere_and_http_only_to_this_machine() {
        for good in [
            "https://sms.example.net/send?key=1",
            "https://10.0.0.7:8443/x",
            "http://127.0.0.1:8080/x",
            "http://localhost/x",
            "http://[::1]:9/x",
        ] {
            let t = Target::parse(good, false).unwrap();
            assert!(!t.is_insecure(), "{good}");
        }
        for bad in ["http://sms.example.net/x", "http://10.0.0.7/x", "http://localhost.example.net/x"] {
            assert!(matches!(Target::parse(bad, false), Err(TargetError::Plain { .. })), "{bad}");
            assert!(Target::parse(bad, true).unwrap().is_insecure(), "{bad}");
        }
        for bad in ["ftp://x/y", "/x", "https://", "https://u:p@h/x", "https://h/x#y", "no url"] {
            assert_eq!(Target::parse(bad, true), Err(TargetError::Address), "{bad}");
        }
        assert_eq!(Target::parse("", false), Err(TargetError::Length));
    }

    #[test]
    fn an_address_is_shown_without_its_path() {
        let t = Target::parse("https://hooks.example.net/T0/secret", false).unwrap();
        assert_eq!(t.host(), "hooks.example.net");
        assert!(!format!("{t:?}").contains("secret"));
    }
}
