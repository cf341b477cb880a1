//! [`Tls`]: the TLS of pages and API: where its certificate comes from, under which names the centre is reached, and how
//! the certificate is kept fresh while the centre runs.

use crate::{clock, config::TlsConfig};
use skypicket_link::tls::{
    Authority, CertificateFacts, ClientAuth, Served, ServerIdentity, ServerName, TlsError, due, fingerprint,
    server_config,
};
use skypicket_model::Time;
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// The machine's addresses, and certificate files, are looked at so often.
const EACH: Duration = Duration::from_mins(1);
/// Most names in one certificate: a machine with more addresses is told by its first ones.
const MOST_NAMES: usize = 100;

/// TLS of pages and API.
#[derive(Debug)]
pub struct Tls {
    /// Signs the own certificates; with files of somebody else's authority, only those of clients.
    pub authority: Arc<Authority>,
    /// What listeners show.
    pub identity: Arc<ServerIdentity>,
    listen: SocketAddr,
    from: From,
}

/// Where the certificate comes from.
#[derive(Debug)]
enum From {
    /// The own authority, for what the machine is called and for these.
    Own { names: Vec<ServerName> },
    /// Files.
    Files { cert: PathBuf, key: PathBuf },
}

/// What the machine says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Addresses with the name of their interface.
    pub addresses: Vec<(String, IpAddr)>,
    /// Host name.
    pub name: Option<ServerName>,
}

impl Machine {
    /// Asks the system. Without its answer only what is configured is known.
    pub fn ask() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
            tracing::warn!(%error, "the machine's addresses could not be read");
            Vec::new()
        });
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        Self {
            addresses: interfaces.into_iter().map(|i| (i.name.clone(), i.ip())).collect(),
            name: name.and_then(|n| ServerName::parse(n.trim())),
        }
    }
}

/// What the certificate must stand for: the machine's addresses when it listens on all of them, its name, loopback, and
/// what is configured.
pub fn wanted(listen: SocketAddr, machine: &Machine, configured: &[ServerName]) -> BTreeSet<ServerName> {
    let ip = listen.ip().to_canonical();
    let mut first: Vec<ServerName> = configured.to_vec();
    if ip.is_unspecified() {
        first.extend(by_reach(machine, listen).into_iter().map(ServerName::Ip));
    } else {
        first.push(ServerName::Ip(ip));
    }
    if let Some(ServerName::Dns(name)) = &machine.name {
        first.push(ServerName::Dns(name.clone()));
        // What phones find without a name server (mDNS).
        if !name.contains('.') {
            first.push(ServerName::Dns(format!("{name}.local")));
        }
    }
    first.push(ServerName::Dns("localhost".into()));
    first.push(ServerName::Ip([127, 0, 0, 1].into()));
    let mut out = BTreeSet::new();
    for n in first {
        if out.len() < MOST_NAMES {
            out.insert(n);
        }
    }
    out
}

/// Where a phone reaches the centre, best first: what is configured, then the machine's addresses. Never empty.
pub fn hosts(listen: SocketAddr, machine: &Machine, configured: &[ServerName]) -> Vec<String> {
    let ip = listen.ip().to_canonical();
    let mut out: Vec<String> = configured.iter().map(host).collect();
    if ip.is_unspecified() {
        let reach = by_reach(machine, listen).into_iter().filter(|a| !a.is_loopback());
        out.extend(reach.map(|a| host(&ServerName::Ip(a))));
        if out.is_empty() {
            out.push("localhost".into());
        }
    } else {
        out.push(host(&ServerName::Ip(ip)));
    }
    let mut seen = BTreeSet::new();
    out.retain(|h| seen.insert(h.clone()));
    out
}

/// As it stands in a URL.
fn host(name: &ServerName) -> String {
    match name {
        ServerName::Ip(IpAddr::V6(a)) => format!("[{a}]"),
        other => other.to_string(),
    }
}

fn link_local_v6(a: &IpAddr) -> bool {
    matches!(a, IpAddr::V6(a) if a.is_unicast_link_local())
}

/// The machine's addresses, those that a phone most likely reaches first: real interfaces before those of containers and
/// virtual machines, IPv4 before IPv6, given by a network before made up by the machine. Only those that a listener on all
/// addresses has.
fn by_reach(machine: &Machine, listen: SocketAddr) -> Vec<IpAddr> {
    let rank = |(interface, a): &(String, IpAddr)| {
        let made = ["docker", "br-", "veth", "virbr", "cni", "podman", "lxc"].iter().any(|p| interface.starts_with(p));
        let alone = matches!(a, IpAddr::V4(a) if a.is_link_local());
        (a.is_loopback(), made, alone, a.is_ipv6())
    };
    let mut all: Vec<_> = machine.addresses.iter().collect();
    all.sort_by_key(|a| rank(a));
    let all = all.into_iter().map(|(_, a)| a.to_canonical());
    all.filter(|a| !link_local_v6(a) && (a.is_ipv4() || listen.is_ipv6())).collect()
}

impl Tls {
    /// As configured; `None` without TLS. The authority is in the data folder, for live and exercises alike: a phone trusts
    /// it once.
    pub fn start(config: &TlsConfig, data: &Path, listen: SocketAddr, now: Time) -> Result<Option<Self>, TlsError> {
        let machine = Machine::ask();
        let own: Vec<ServerName> = match config {
            TlsConfig::Off => return Ok(None),
            TlsConfig::Auto { names } => names.iter().filter_map(|n| ServerName::parse(n)).collect(),
            TlsConfig::Files { .. } => Vec::new(),
        };
        let stands_for: Vec<ServerName> = own.iter().cloned().chain(machine.name.clone()).collect();
        let authority = Arc::new(Authority::open(&data.join("tls"), &stands_for, now)?);
        let (from, served) = if let TlsConfig::Files { cert, key } = config {
            (From::Files { cert: cert.clone(), key: key.clone() }, read_files(cert, key)?)
        } else {
            let served = authority.server(&permitted(&authority, wanted(listen, &machine, &own), &own), now)?;
            (From::Own { names: own }, served)
        };
        let (begins, ends) = authority.validity();
        if now < begins || now > ends {
            tracing::error!(
                %now, %begins, %ends,
                "the own authority is not valid at this time: is the clock right? No phone will trust this centre"
            );
        }
        Ok(Some(Self { authority, identity: Arc::new(ServerIdentity::new(served)), listen, from }))
    }

    /// Settings of the listener of pages and API.
    pub fn http_config(&self) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        // No client is asked for a certificate here: phones would ask their owner which one to give.
        server_config(Arc::clone(&self.identity), &[b"h2", b"http/1.1"], &ClientAuth::None).map(Arc::new)
    }

    /// Whether phones must be told to trust the own authority.
    pub fn is_own(&self) -> bool {
        matches!(self.from, From::Own { .. })
    }

    /// What the certificate shown now says.
    pub fn facts(&self) -> CertificateFacts {
        self.identity.facts()
    }

    /// What people compare: of the own authority, else of the certificate itself.
    pub fn fingerprint(&self) -> String {
        if self.is_own() { fingerprint(self.authority.der()) } else { self.facts().fingerprint }
    }

    /// Where a phone reaches the centre now, best first: `https://host:port`.
    pub fn bases(&self) -> Vec<String> {
        let hosts = match &self.from {
            From::Own { names } => hosts(self.listen, &Machine::ask(), names),
            // What a foreign certificate does not name would only be warned of.
            From::Files { .. } => {
                let facts = self.facts();
                let dns = facts.names.iter().filter(|n| matches!(n, ServerName::Dns(_)));
                let ips = facts.names.iter().filter(|n| matches!(n, ServerName::Ip(_)));
                let named: Vec<String> = dns.chain(ips).map(host).collect();
                if named.is_empty() { hosts(self.listen, &Machine::ask(), &[]) } else { named }
            }
        };
        let port = self.listen.port();
        hosts.into_iter().map(|h| format!("https://{h}:{port}")).collect()
    }

    /// The https form of `host:port` as a client wrote it, if the certificate stands for that host; else the best base.
    pub fn https_of(&self, authority: Option<&str>) -> String {
        let best = || self.bases().into_iter().next().unwrap_or_default();
        let Some(a) = authority.and_then(|a| a.parse::<axum::http::uri::Authority>().ok()) else { return best() };
        let bare = a.host().trim_start_matches('[').trim_end_matches(']');
        match ServerName::parse(bare) {
            Some(n) if self.facts().names.contains(&n) => {
                let port = a.port_u16().map(|p| format!(":{p}")).unwrap_or_default();
                format!("https://{}{port}", host(&n))
            }
            _ => best(),
        }
    }

    /// Whether the certificate is to be replaced now, and by what.
    fn fresh(&self, machine: &Machine, now: Time) -> Result<Option<Served>, TlsError> {
        let shown = self.facts();
        match &self.from {
            From::Own { names } => {
                let wanted = permitted(&self.authority, wanted(self.listen, machine, names), names);
                let Some(why) = due(&shown, &wanted, now) else { return Ok(None) };
                tracing::info!(?why, "the own certificate is made anew");
                self.authority.server(&wanted, now).map(Some)
            }
            From::Files { cert, key } => {
                let read = read_files(cert, key)?;
                Ok((read.facts().fingerprint != shown.fingerprint).then_some(read))
            }
        }
    }

    /// Looks once, and replaces the certificate if it is due.
    fn look(&self, machine: &Machine, now: Time) {
        match self.fresh(machine, now) {
            Ok(None) => {}
            Ok(Some(served)) => {
                tracing::info!(ends = %served.facts().not_after, "another certificate is shown from now on");
                self.identity.replace(served);
            }
            // The old one goes on: better than none, and a half-written file is whole at the next look.
            Err(error) => tracing::error!(%error, "the certificate could not be renewed; the old one stays"),
        }
    }

    /// Keeps the certificate fresh until `shutdown`: each minute, and whenever `asked` (SIGHUP).
    pub async fn keep(self: Arc<Self>, mut asked: mpsc::Receiver<()>, mut shutdown: watch::Receiver<bool>) {
        let mut each = tokio::time::interval(EACH);
        let mut askable = true;
        loop {
            tokio::select! {
                _ = each.tick() => {}
                heard = asked.recv(), if askable => {
                    askable = heard.is_some();
                    if askable { tracing::info!("asked to look at the certificate") }
                }
                _ = shutdown.wait_for(|s| *s) => return,
            }
            let this = Arc::clone(&self);
            // Files and signatures are no work for the thread that serves warnings.
            let _ = tokio::task::spawn_blocking(move || this.look(&Machine::ask(), clock::now())).await;
        }
    }
}

/// Without what the machine calls itself but the authority was not made for (it was renamed since); what is configured
/// stays in, so that it is refused aloud.
fn permitted(authority: &Authority, names: BTreeSet<ServerName>, configured: &[ServerName]) -> BTreeSet<ServerName> {
    names.into_iter().filter(|n| authority.permits(n) || configured.contains(n)).collect()
}

fn read_files(cert: &Path, key: &Path) -> Result<Served, TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| TlsError::File { path: path.to_owned(), error });
    let (chain, private) = (read(cert)?, read(key)?);
    let named = |p: &Path| p.display().to_string();
    Served::from_pem((&chain, &named(cert)), (&private, &named(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(addresses: &[(&str, &str)]) -> Machine {
        Machine {
            addresses: addresses.iter().map(|(i, a)| ((*i).to_owned(), a.parse().unwrap())).collect(),
            name: ServerName::parse("Box-1"),
        }
    }

    fn names(texts: &[&str]) -> Vec<ServerName> {
        texts.iter().map(|t| ServerName::parse(t).unwrap()).collect()
    }

    const MANY: &[(&str, &str)] = &[
        ("lo", "127.0.0.1"),
        ("lo", "::1"),
        ("docker0", "172.17.0.1"),
        ("wlan0", "fe80::1"),
        ("wlan0", "fd00::7"),
        ("wlan0", "192.168.4.1"),
        ("usb0", "169.254.3.4"),
    ];

    #[test]
    fn on_all_addresses_the_certificate_stands_for_each_and_a_phone_is_sent_to_the_likeliest() {
        let m = machine(MANY);
        let all: SocketAddr = "[::]:8443".parse().unwrap();
        let expect = names(&[
            "127.0.0.1",
            "::1",
            "172.17.0.1",
            "fd00::7",
            "192.168.4.1",
            "169.254.3.4",
            "box-1",
            "box-1.local",
            "localhost",
        ]);
        assert_eq!(wanted(all, &m, &[]), expect.into_iter().collect());
        assert_eq!(hosts(all, &m, &[]), ["192.168.4.1", "[fd00::7]", "169.254.3.4", "172.17.0.1"]);
        assert_eq!(hosts(all, &m, &names(&["picket.lan"])).first().unwrap(), "picket.lan");
        assert_eq!(hosts(all, &machine(&[("lo", "127.0.0.1")]), &[]), ["localhost"]);
        let four: SocketAddr = "0.0.0.0:8443".parse().unwrap();
        assert_eq!(hosts(four, &m, &[]), ["192.168.4.1", "169.254.3.4", "172.17.0.1"]);
        assert!(!wanted(four, &m, &[]).contains(&ServerName::parse("fd00::7").unwrap()));
    }

    #[test]
    fn on_one_address_it_stands_for_that_one() {
        let one: SocketAddr = "192.0.2.7:8443".parse().unwrap();
        let w = wanted(one, &machine(MANY), &names(&["picket.lan"]));
        assert_eq!(
            w,
            names(&["192.0.2.7", "picket.lan", "box-1", "box-1.local", "localhost", "127.0.0.1"]).into_iter().collect()
        );
        assert_eq!(hosts(one, &machine(MANY), &[]), ["192.0.2.7"]);
        let v6: SocketAddr = "[fd00::7]:1".parse().unwrap();
        assert_eq!(hosts(v6, &Machine::default(), &[]), ["[fd00::7]"]);
    }

    #[test]
    fn a_certificate_never_has_more_names_than_its_bound() {
        let many: Vec<(String, IpAddr)> = (0..300u16)
            .map(|i| {
                (format!("v{i}"), {
                    let [high, low] = i.to_be_bytes();
                    IpAddr::from([10, 0, high, low])
                })
            })
            .collect();
        let m = Machine { addresses: many, name: None };
        assert_eq!(wanted("0.0.0.0:1".parse().unwrap(), &m, &[]).len(), MOST_NAMES);
    }

    struct Dir(PathBuf);
    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
    fn dir(name: &str) -> Dir {
        let d = std::env::temp_dir().join(format!("skypicket-tls-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&d);
        std::fs::create_dir_all(&d).unwrap();
        Dir(d)
    }

    fn now() -> Time {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_own_certificate_is_renewed_before_its_end_and_when_addresses_change_and_otherwise_stays() {
        let d = dir("renewal");
        let config = TlsConfig::Auto { names: vec!["picket.lan".into()] };
        let tls = Tls::start(&config, &d.0, "192.0.2.7:8443".parse().unwrap(), now()).unwrap().unwrap();
        let m = Machine::ask();
        let first = tls.facts();
        tls.look(&m, now());
        assert_eq!(tls.facts(), first, "not due");
        let later = first.not_after.plus_s(-29.0 * 86_400.0);
        tls.look(&m, later);
        let second = tls.facts();
        assert!(second.fingerprint != first.fingerprint && second.not_after > first.not_after);
        assert_eq!(second.names, first.names);
        // Another name of the machine that the authority was made for: shown at once.
        let renamed = Machine { name: ServerName::parse("field.local"), ..m };
        tls.look(&renamed, later);
        assert!(tls.facts().names.contains(&ServerName::Dns("field.local".into())));
        assert!(tls.is_own() && tls.fingerprint() == tls.authority.fingerprint());
    }

    #[test]
    fn a_name_that_the_authority_was_not_made_for_is_refused_aloud_when_it_is_configured() {
        let d = dir("configured");
        let listen: SocketAddr = "192.0.2.7:8443".parse().unwrap();
        Tls::start(&TlsConfig::Auto { names: Vec::new() }, &d.0, listen, now()).unwrap();
        let other = TlsConfig::Auto { names: vec!["picket.example".into()] };
        let e = Tls::start(&other, &d.0, listen, now()).unwrap_err().to_string();
        assert!(e.contains("'picket.example'") && e.contains("tls"), "{e}");
    }

    #[test]
    fn files_are_read_again_when_they_change_and_a_spoiled_one_changes_nothing() {
        let d = dir("files");
        let listen: SocketAddr = "192.0.2.7:8443".parse().unwrap();
        let (cert, key) = (d.0.join("c.pem"), d.0.join("k.pem"));
        let write = |name: &str| {
            let k = rcgen::KeyPair::generate().unwrap();
            let c = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&k).unwrap();
            std::fs::write(&cert, c.pem()).unwrap();
            std::fs::write(&key, k.serialize_pem()).unwrap();
        };
        write("one.example");
        let config = TlsConfig::Files { cert: cert.clone(), key: key.clone() };
        let tls = Tls::start(&config, &d.0, listen, now()).unwrap().unwrap();
        assert_eq!(tls.bases(), ["https://one.example:8443"]);
        assert!(!tls.is_own());
        std::fs::write(&key, "spoiled").unwrap();
        tls.look(&Machine::default(), now());
        assert_eq!(tls.bases(), ["https://one.example:8443"]);
        write("two.example");
        tls.look(&Machine::default(), now());
        assert_eq!(tls.bases(), ["https://two.example:8443"]);
    }

    #[test]
    fn whoever_comes_in_plain_is_sent_to_the_name_they_used_only_if_it_is_ours() {
        let d = dir("https-of");
        let config = TlsConfig::Auto { names: vec!["picket.lan".into()] };
        let tls = Tls::start(&config, &d.0, "192.0.2.7:8443".parse().unwrap(), now()).unwrap().unwrap();
        for (asked, expect) in [
            (Some("192.0.2.7:8443"), "https://192.0.2.7:8443"),
            (Some("picket.lan"), "https://picket.lan"),
            (Some("PICKET.lan:9"), "https://picket.lan:9"),
            (Some("evil.example"), "https://picket.lan:8443"),
            (Some("user@picket.lan"), "https://picket.lan"),
            (Some("a b"), "https://picket.lan:8443"),
            (None, "https://picket.lan:8443"),
        ] {
            assert_eq!(tls.https_of(asked), expect, "{asked:?}");
        }
    }
}
