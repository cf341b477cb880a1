//! [`Peer`]: from where a request came.

use axum::{Router, extract::Request, http::HeaderMap};
use hyper::body::Incoming;
use std::net::IpAddr;
use tower::util::MapRequest;

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// The router, each of whose requests says from where it came.
pub fn tag(
    router: Router,
    from: IpAddr,
) -> MapRequest<Router, impl FnMut(Request<Incoming>) -> Request<Incoming> + Clone + Send> {
    MapRequest::new(router, move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(from));
        request
    })
}

/// Whose request it is: the other end of the connection; behind a proxy on this machine (`behind_proxy`: a `public_url` is
/// configured) the address that the proxy put last into `X-Forwarded-For`. What stands before it anybody can make up.
pub fn address(peer: Option<Peer>, headers: &HeaderMap, behind_proxy: bool) -> Option<IpAddr> {
    let Peer(direct) = peer?;
    if !(behind_proxy && direct.to_canonical().is_loopback()) {
        return Some(direct);
    }
    let last = headers.get_all("x-forwarded-for").iter().next_back();
    let last = last.and_then(|v| v.to_str().ok()).and_then(|v| v.rsplit(',').next());
    Some(last.and_then(|v| v.trim().parse().ok()).unwrap_or(direct))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_is_believed_and_only_its_own_word() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 203.0.113.9".parse().unwrap());
        let ip = |s: &str| s.parse::<IpAddr>().unwrap();
        for (peer, behind, expected) in [
            ("127.0.0.1", true, "203.0.113.9"),
            ("127.0.0.1", false, "127.0.0.1"),
            ("192.0.2.1", true, "192.0.2.1"),
            ("::ffff:127.0.0.1", true, "203.0.113.9"),
        ] {
            assert_eq!(address(Some(Peer(ip(peer))), &headers, behind), Some(ip(expected)), "{peer} {behind}");
        }
        headers.append("x-forwarded-for", "nonsense".parse().unwrap());
        assert_eq!(address(Some(Peer(ip("127.0.0.1"))), &headers, true), Some(ip("127.0.0.1")));
        assert_eq!(address(None, &headers, true), None);
    }
}
