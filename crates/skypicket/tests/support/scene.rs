//! [`Scene`]: the configuration that most tests run: two agencies, a unit in each with its leadership, a site, and a
//! listener of each kind on a free port.

use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::atomic::{AtomicU16, Ordering},
};

/// Where agent-a1 of the tests stands, degrees.
pub const HERE: (f64, f64) = (31.76, -106.49);

/// A configuration and the ports in it.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Of the `radar` source: lines over TCP.
    pub tcp: SocketAddr,
    /// Of the `field-rid` source: lines over UDP.
    pub udp: SocketAddr,
    /// Of the TAK server.
    pub tak: SocketAddr,
    /// The file's text.
    pub text: String,
}

/// A port that is free now, below those that the system gives to outgoing connections; no other of this process's tests
/// is given it. Another program may still take it before the centre does: the centre then says so.
fn free(is_free: impl Fn(SocketAddr) -> bool) -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let n = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + (std::process::id().wrapping_mul(97).wrapping_add(n)) % 20_000;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        if is_free(address) {
            return address;
        }
    }
}

/// A TCP port that is free now.
pub fn free_tcp() -> SocketAddr {
    free(|a| TcpListener::bind(a).is_ok())
}

fn free_udp() -> SocketAddr {
    free(|a| UdpSocket::bind(a).is_ok())
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// People: `watch` (also administrator) and `watch2` at the centre; `lead-a`, `agent-a1`, `agent-a2` in unit `a`;
    /// `lead-b`, `agent-b1` in unit `b` of another agency; one person for each other role. Their TAK uids are
    /// `TAK-<id>`. Waits of dispatch are short.
    pub fn new() -> Self {
        let (tcp, udp, tak) = (free_tcp(), free_udp(), free_tcp());
        let person = |id: &str, unit: &str, roles: &str| {
            format!(
                "[[person]]\nid = \"{id}\"\nname = \"{}\"\nunit = \"{unit}\"\nroles = [{roles}]\ntak_uid = \"TAK-{id}\"\n",
                id.to_uppercase()
            )
        };
        let people = [
            person("watch", "centre", "\"watch\", \"administrator\""),
            person("watch2", "centre", "\"watch\""),
            person("analyst", "centre", "\"analyst\""),
            person("integrator", "centre", "\"integrator\""),
            person("auditor", "centre", "\"auditor\""),
            person("administrator", "centre", "\"administrator\""),
            person("supervisor", "centre", "\"supervisor\""),
            person("lead-a", "a", "\"field\", \"supervisor\""),
            person("agent-a1", "a", "\"field\""),
            person("agent-a2", "a", "\"field\""),
            person("lead-b", "b", "\"field\", \"supervisor\""),
            person("agent-b1", "b", "\"field\""),
        ]
        .concat();
        let text = format!(
            r#"
[place]
name = "Test"
lat_deg = 31.76
lon_deg = -106.49
zoom = 13

[[agency]]
id = "north"
name = "Agency North"
[[agency]]
id = "south"
name = "Agency South"

[[unit]]
id = "centre"
name = "Centre"
agency = "north"
leadership = ["supervisor"]
[[unit]]
id = "a"
name = "Unit A"
agency = "north"
leadership = ["lead-a"]
[[unit]]
id = "b"
name = "Unit B"
agency = "south"
leadership = ["lead-b"]

{people}
[[site]]
id = "post"
name = "Post 1"
at = {{ lat_deg = 31.90, lon_deg = -106.49, alt_hae_m = 1200.0 }}
standoff_m = 200.0
unit = "b"

[[source.tcp]]
id = "radar"
listen = "{tcp}"
[[source.udp]]
id = "field-rid"
listen = "{udp}"
[tak]
listen = "{tak}"

[policy.dispatch]
receipt_s = {{ web = 1.5, tak = 1.5 }}
acknowledge_s = {{ urgent = 3.0, caution = 3.0, advisory = 3.0 }}
retry_s = 1.0
centre_s = 60.0
supervisor_s = 60.0
[record]
reserve_mib = 1
"#
        );
        Self { tcp, udp, tak, text }
    }

    /// Every person of the scene.
    pub const PEOPLE: [&'static str; 12] = [
        "watch",
        "watch2",
        "analyst",
        "integrator",
        "auditor",
        "administrator",
        "supervisor",
        "lead-a",
        "agent-a1",
        "agent-a2",
        "lead-b",
        "agent-b1",
    ];

    /// With another piece of text instead of one that must be there.
    #[must_use]
    pub fn with(mut self, old: &str, new: &str) -> Self {
        assert!(self.text.contains(old), "the scene has no {old}");
        self.text = self.text.replace(old, new);
        self
    }

    /// With more text at the end: whole tables.
    #[must_use]
    pub fn and(mut self, more: &str) -> Self {
        self.text.push_str(more);
        self
    }
}
