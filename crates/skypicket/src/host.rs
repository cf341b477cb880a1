//! The host: the machine under the centre, as Linux shows it: memory, open files, the sockets that this process really listens on,
//! disk space, who may read a file, whether something keeps the clock.
//!
//! Everything here is `None` or empty where the machine does not say; nothing is guessed.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// What this process uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Process {
    /// Memory in use, bytes.
    pub resident_bytes: Option<u64>,
    /// Processor time used, seconds.
    pub cpu_s: Option<f64>,
    /// Open file descriptors.
    pub open_fds: Option<u64>,
    /// Most file descriptors that it may open.
    pub max_fds: Option<u64>,
}

/// Ticks of `/proc/*/stat` a second: the same on every Linux that programs can see (`USER_HZ`).
const TICKS: f64 = 100.0;

impl Process {
    /// Now.
    pub fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self {
            resident_bytes: kib(&status, "VmRSS:"),
            cpu_s: cpu_s(&stat),
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|d| d.count() as u64),
            max_fds: soft_limit(&limits, "Max open files"),
        }
    }
}

/// Memory that programs could still have, and all there is, bytes.
pub fn memory() -> (Option<u64>, Option<u64>) {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    (kib(&text, "MemAvailable:"), kib(&text, "MemTotal:"))
}

/// A line `name: N kB`, in bytes.
fn kib(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|l| l.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1_024)
}

/// User and system time (proc(5): fields 14 and 15; the second field may hold spaces, so counted from behind it).
fn cpu_s(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((user + system) as f64 / TICKS)
}

/// The soft limit in a row of `/proc/self/limits`; unlimited is none.
fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    limits.lines().find_map(|l| l.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Bytes that this user may still write where `path` is, and how large that disk is.
pub fn disk(path: &Path) -> Option<(u64, u64)> {
    let s = rustix::fs::statvfs(path).ok()?;
    Some((s.f_bavail.saturating_mul(s.f_frsize), s.f_blocks.saturating_mul(s.f_frsize)))
}

/// A socket that takes what others send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Bound {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// Its address.
    pub address: SocketAddr,
}

/// Every socket on which the process with this folder of descriptors listens, or is bound for datagrams; `None` where
/// `/proc` cannot be read.
pub fn bound(own: Option<&Path>) -> Option<BTreeSet<Bound>> {
    let mine: Option<HashSet<u64>> = own.map(|fds| {
        let names = fs::read_dir(fds).into_iter().flatten().flatten().filter_map(|e| fs::read_link(e.path()).ok());
        names.filter_map(|n| n.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
    });
    let mut found = BTreeSet::new();
    let mut any = false;
    for (file, protocol, listening) in
        [("tcp", "tcp", "0A"), ("tcp6", "tcp", "0A"), ("udp", "udp", "07"), ("udp6", "udp", "07")]
    {
        // A machine without IPv6 has no table of it.
        let Ok(text) = fs::read_to_string(format!("/proc/net/{file}")) else { continue };
        any = true;
        for (address, inode) in sockets(&text, listening) {
            if mine.as_ref().is_none_or(|m| m.contains(&inode)) {
                found.insert(Bound { protocol, address });
            }
        }
    }
    any.then_some(found)
}

/// Local address and inode of each socket in a table of `/proc/net` that is in a state (`0A` listens; `07` of a datagram
/// socket is bound and connected to nobody).
fn sockets(table: &str, state: &str) -> Vec<(SocketAddr, u64)> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if *fields.get(3)? != state {
            return None;
        }
        Some((hex_address(fields.get(1)?)?, fields.get(9)?.parse().ok()?))
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// `0100007F:1F90`: each word of four bytes in the machine's own order, the port in plain hexadecimal.
fn hex_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if !ip.is_ascii() || ip.len() % 8 != 0 {
        return None;
    }
    let words: Option<Vec<[u8; 4]>> = (0..ip.len() / 8)
        .map(|k| u32::from_str_radix(ip.get(8 * k..8 * k + 8)?, 16).ok().map(u32::to_ne_bytes))
        .collect();
    let ip = match words?.as_slice() {
        [one] => IpAddr::from(Ipv4Addr::from(*one)),
        [a, b, c, d] => {
            let mut bytes = [0; 16];
            bytes.iter_mut().zip([a, b, c, d].into_iter().flatten()).for_each(|(to, from)| *to = *from);
            let v6 = Ipv6Addr::from(bytes);
            v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Whether a program sets the clock by others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeKeeper {
    /// One does, and has reached its servers.
    Synchronised,
    /// One runs and says nothing that can be read here.
    Runs,
    /// One runs and has not reached a server since the machine started.
    NotYet,
    /// None was found.
    None,
}

/// As systemd-timesyncd, chrony, ntpd and gpsd leave traces under `/run`.
pub fn time_keeper() -> TimeKeeper {
    time_keeper_in(Path::new("/run"))
}

fn time_keeper_in(run: &Path) -> TimeKeeper {
    if run.join("systemd/timesync/synchronized").exists() {
        TimeKeeper::Synchronised
    } else if ["chrony/chronyd.pid", "chronyd.pid", "ntpd.pid", "ntpsec/ntpd.pid"].iter().any(|p| run.join(p).exists())
    {
        TimeKeeper::Runs
    } else if run.join("systemd/timesync").exists() {
        TimeKeeper::NotYet
    } else {
        TimeKeeper::None
    }
}

/// The machine's time zone, by name where it has one.
pub fn time_zone() -> Option<String> {
    if let Some(tz) = std::env::var_os("TZ") {
        return tz.into_string().ok().filter(|t| !t.is_empty());
    }
    let link = fs::read_link("/etc/localtime").ok();
    let name = link.and_then(|l| l.to_str()?.split_once("zoneinfo/").map(|(_, name)| name.to_owned()));
    name.or_else(|| fs::read_to_string("/etc/timezone").ok().map(|t| t.trim().to_owned())).filter(|t| !t.is_empty())
}

/// A file or folder that somebody other than its owner can open.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Open {
    /// Which.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

/// What under a data folder others than its owner can open, at most a hundred of them; and those that belong to somebody
/// else than the folder does.
pub fn open_to_others(folder: &Path) -> (Vec<Open>, Vec<PathBuf>) {
    let (mut open, mut foreign) = (Vec::new(), Vec::new());
    let owner = fs::metadata(folder).map(|m| m.uid()).ok();
    let mut folders = vec![folder.to_owned()];
    while let Some(dir) = folders.pop() {
        let inside = fs::read_dir(&dir).into_iter().flatten().flatten().map(|e| e.path());
        for path in std::iter::once(dir.clone()).chain(inside) {
            let Ok(m) = fs::symlink_metadata(&path) else { continue };
            // What lies in a folder that is closed cannot be reached, but a key is a key.
            let mode = m.permissions().mode() & 0o777;
            if !m.is_symlink() && mode & 0o077 != 0 && open.len() < 100 && !open.iter().any(|o: &Open| o.path == path) {
                open.push(Open { path: path.clone(), mode });
            }
            if Some(m.uid()) != owner && foreign.len() < 100 {
                foreign.push(path.clone());
            }
            if m.is_dir() && path != dir && folders.len() < 100 {
                folders.push(path);
            }
        }
    }
    (open, foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_proc_are_read_as_the_kernel_writes_them() {
        let status = "Name:\tskypicket\nVmPeak:\t  9 kB\nVmRSS:\t  123456 kB\n";
        assert_eq!(kib(status, "VmRSS:"), Some(126_418_944));
        assert_eq!(kib(status, "VmSwap:"), None);
        let stat = "42 (a (b) c) S 1 1 1 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 5 0 1 1 1";
        assert_eq!(cpu_s(stat), Some(3.0));
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(limits, "Max open files"), Some(1_024));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn an_address_of_proc_net_is_the_one_that_was_bound() {
        for (hex, expect) in [
            ("0100007F:1F90", "127.0.0.1:8080"),
            ("00000000:0035", "0.0.0.0:53"),
            ("00000000000000000000000001000000:1F97", "[::1]:8087"),
            ("0000000000000000FFFF00000100007F:1F97", "127.0.0.1:8087"),
        ] {
            assert_eq!(hex_address(hex), Some(expect.parse().unwrap()), "{hex}");
        }
        for bad in ["", "0100007F", "0100007F:", "01:1F90", "zz00007F:1F90", "é100007:1F90"] {
            assert_eq!(hex_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_this_process_listens_on_is_found_and_what_others_do_is_not() {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let connected = std::net::TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
        let mine = bound(Some(Path::new("/proc/self/fd"))).unwrap();
        assert!(mine.contains(&Bound { protocol: "tcp", address: tcp.local_addr().unwrap() }));
        assert!(mine.contains(&Bound { protocol: "udp", address: udp.local_addr().unwrap() }));
        assert!(!mine.iter().any(|b| b.address == connected.local_addr().unwrap()));
        let nobody = bound(Some(Path::new("/proc/self/task"))).unwrap();
        assert!(nobody.is_empty(), "{nobody:?}");
        assert!(mine.is_subset(&bound(None).unwrap()));
    }

    #[test]
    fn traces_of_a_time_keeper() {
        let run = std::env::temp_dir().join(format!("skypicket-run-{}", std::process::id()));
        fs::create_dir_all(&run).unwrap();
        assert_eq!(time_keeper_in(&run), TimeKeeper::None);
        fs::create_dir_all(run.join("systemd/timesync")).unwrap();
        assert_eq!(time_keeper_in(&run), TimeKeeper::NotYet);
        fs::create_dir_all(run.join("chrony")).unwrap();
        fs::write(run.join("chrony/chronyd.pid"), "1").unwrap();
        assert_eq!(time_keeper_in(&run), TimeKeeper::Runs);
        fs::write(run.join("systemd/timesync/synchronized"), "").unwrap();
        assert_eq!(time_keeper_in(&run), TimeKeeper::Synchronised);
        fs::remove_dir_all(&run).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_is_named() {
        let folder = std::env::temp_dir().join(format!("skypicket-open-{}", std::process::id()));
        fs::create_dir_all(folder.join("live")).unwrap();
        for (name, mode) in [("live/checkpoint.key", 0o640), ("live/record.db", 0o600)] {
            fs::write(folder.join(name), "x").unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        for dir in ["live", ""] {
            fs::set_permissions(folder.join(dir), fs::Permissions::from_mode(0o700)).unwrap();
        }
        let (open, foreign) = open_to_others(&folder);
        assert_eq!(open, [Open { path: folder.join("live/checkpoint.key"), mode: 0o640 }]);
        assert!(foreign.is_empty());
        fs::remove_dir_all(&folder).unwrap();
    }
}
