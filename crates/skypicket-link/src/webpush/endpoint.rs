//! [`Endpoint`]: where a subscription is written to, and which addresses may be meant by it.

use hyper::Uri;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest address.
const MOST: usize = 2_048;

/// Why an address is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Empty or over 2,048 octets.
    #[error("endpoint: must have 1 to 2048 characters")]
    Length,
    /// Not an https address of a named host on its usual port.
    #[error("endpoint: must be an https:// address of a named host, without user or port")]
    Address,
}

/// Where one subscription is written to: a secret of its browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(super) uri: Uri,
    pub(super) host: String,
    /// Scheme and host: whom the signed word is for.
    pub(super) origin: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint {{ host: {:?}, .. }}", self.host)
    }
}

impl Endpoint {
    /// Checks an address. With `loopback` (only for tests) also plain http to 127.0.0.1.
    pub fn parse(text: &str, loopback: bool) -> Result<Self, EndpointError> {
        if text.is_empty() || text.len() > MOST {
            return Err(EndpointError::Length);
        }
        let uri: Uri = text.parse().map_err(|_| EndpointError::Address)?;
        let authority = uri.authority().ok_or(EndpointError::Address)?;
        let host = authority.host().to_ascii_lowercase();
        let test = loopback && uri.scheme_str() == Some("http") && (host == "127.0.0.1" || host == "localhost");
        // A name that ends in a digit or holds a colon would be read as an address by some resolvers.
        let named = host.contains('.')
            && !host.ends_with('.')
            && !host.ends_with(|c: char| c.is_ascii_digit())
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        let usual = authority.as_str().len() == authority.host().len() || authority.as_str().ends_with(":443");
        let public = uri.scheme_str() == Some("https") && named && usual && !authority.as_str().contains('@');
        if !(test || public) {
            return Err(EndpointError::Address);
        }
        let origin = if test { format!("http://{authority}") } else { format!("https://{host}") };
        Ok(Self { uri, host, origin })
    }

    /// The maker's server, for people to look at.
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// Whether the public internet knows this address: not this machine, not its own network, not a range kept for else.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !(a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224)
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    if let Some(v4) = v6.to_ipv4() {
        // Mapped and (long given up) compatible ones.
        return is_public_v4(v4);
    }
    let [s0, s1, s2, ..] = v6.segments();
    let [.., a, b, c, d] = v6.octets();
    let inner = Ipv4Addr::new(a, b, c, d);
    match (s0, s1) {
        // NAT64: what it leads to counts.
        (0x0064, 0xff9b) => s2 == 0 && is_public_v4(inner),
        // 6to4 and Teredo hide another address; documentation.
        (0x2002, _) | (0x2001, 0x0000 | 0x0db8) => false,
        // The unicast space that is given out.
        _ => (s0 & 0xe000) == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_to_a_named_host_is_taken() {
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc:def",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
            "https://web.push.apple.com:443/QOe",
            "https://WNS2-par02p.notify.windows.com/w/?token=x%3d",
        ] {
            let e = Endpoint::parse(good, false).unwrap();
            assert_eq!(e.origin, format!("https://{}", e.host()), "{good}");
        }
        for bad in [
            "http://fcm.googleapis.com/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://localhost/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://192.168.1.1./x",
            "https://centre/x",
            "https://push.example.net:8443/x",
            "https://push.example.net@10.0.0.1/x",
            "https://user@push.example.net/x",
            "https://a:b@push.example.net:443/x",
            "file:///etc/passwd",
            "gopher://push.example.net/",
            "/relative",
            "https://",
            "https://push_.example.net/x",
            "nonsense with spaces",
        ] {
            assert_eq!(Endpoint::parse(bad, false), Err(EndpointError::Address), "{bad}");
        }
        assert_eq!(Endpoint::parse("", false), Err(EndpointError::Length));
        let long = format!("https://push.example.net/{}", "x".repeat(MOST));
        assert_eq!(Endpoint::parse(&long, false), Err(EndpointError::Length));
    }

    #[test]
    fn loopback_is_taken_only_by_tests_and_an_endpoint_is_not_shown_whole() {
        let text = "http://127.0.0.1:9999/secret";
        assert_eq!(Endpoint::parse(text, false), Err(EndpointError::Address));
        let e = Endpoint::parse(text, true).unwrap();
        assert_eq!(e.origin, "http://127.0.0.1:9999");
        assert!(!format!("{e:?}").contains("secret"));
        assert_eq!(Endpoint::parse("http://10.0.0.1/x", true), Err(EndpointError::Address));
    }

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_not_public() {
        for private in [
            "0.0.0.0",
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in
            ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2a00:1450:4001::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
