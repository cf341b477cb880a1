//! [`findings`]: from facts to plain words: what is well, what is not, and what to do about it. Pure.

use super::facts::{Certificate, ChannelFacts, Facts, Kept, Listener, Running, Source};
use crate::{clocks::WORTH_S, host::TimeKeeper};
use serde::Serialize;
use skypicket_model::{Channel, entry::ChannelState};
use skypicket_record::RecordState;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Well.
    Ok,
    /// To be looked at.
    Warn,
    /// Wrong: somebody may not be warned, or others may read or write what they should not.
    Bad,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, one of a closed set.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// In words.
    pub says: String,
    /// What to do; `None` when it is well.
    pub todo: Option<String>,
}

/// Every word that [`Finding::check`] can be, in their order.
#[cfg(test)]
pub const CHECKS: [&str; 18] = [
    "centre",
    "configuration",
    "ports",
    "certificates",
    "clock",
    "time_zone",
    "disk",
    "record",
    "checkpoint",
    "backups",
    "push",
    "channels",
    "queues",
    "sensors",
    "people",
    "administrators",
    "files",
    "machine",
];

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The write-ahead log over this is held up by something.
const WAL_BAD: u64 = 256 * MIB;

#[derive(Default)]
struct Out(Vec<Finding>);

impl Out {
    fn ok(&mut self, check: &'static str, says: impl Into<String>) {
        self.0.push(Finding { check, state: State::Ok, says: says.into(), todo: None });
    }
    fn warn(&mut self, check: &'static str, says: impl Into<String>, todo: impl Into<String>) {
        self.0.push(Finding { check, state: State::Warn, says: says.into(), todo: Some(todo.into()) });
    }
    fn bad(&mut self, check: &'static str, says: impl Into<String>, todo: impl Into<String>) {
        self.0.push(Finding { check, state: State::Bad, says: says.into(), todo: Some(todo.into()) });
    }
    fn has(&self, check: &str) -> bool {
        self.0.iter().any(|f| f.check == check)
    }
}

/// What the facts say.
pub fn findings(f: &Facts) -> Vec<Finding> {
    let mut out = Out::default();
    centre(f, &mut out);
    if let Some(e) = &f.config {
        out.bad(
            "configuration",
            format!("The configuration is not fit: {e}"),
            "Mend it; `skypicket config check FILE` says when it is.",
        );
    }
    ports(f, &mut out);
    certificates(f, &mut out);
    ending(f, &mut out);
    alerts(f, &mut out);
    clock(f, &mut out);
    let zone = f.zone.as_deref().unwrap_or("not named by this machine");
    out.ok(
        "time_zone",
        format!("Time zone of the machine: {zone}. The record keeps UTC; pages show each reader's own."),
    );
    disk(f, &mut out);
    match &f.record {
        Ok(Some(k)) => {
            record(f, k, &mut out);
            checkpoint(f, k, &mut out);
        }
        Ok(None) => out.ok("record", "There is no record here yet: the first start makes it."),
        Err(e) => out.bad(
            "record",
            format!("The record cannot be opened: {e}"),
            "Delete nothing. Copy the folder, then run `skypicket record verify`.",
        ),
    }
    if let Some(r) = &f.running {
        backups(f, r, &mut out);
        push(r, &mut out);
        channels(r, &mut out);
        queues(r, &mut out);
        sensors(r, &mut out);
    }
    people(f, &mut out);
    files(f, &mut out);
    limits(f, &mut out);
    out.0
}

fn centre(f: &Facts, out: &mut Out) {
    match &f.running {
        Some(r) => {
            let what = r.exercise.as_ref().map_or_else(|| "live".to_owned(), |x| format!("EXERCISE {x}"));
            let since = span(f.now.since_s(r.since));
            out.ok("centre", format!("Runs for {since}, {what}, Skypicket {}.", f.software));
        }
        None => out.warn(
            "centre",
            "No centre runs on this folder: sensors, people, queues and pages were not looked at.",
            "Start it: `systemctl start skypicket`, or `skypicket serve`.",
        ),
    }
}

fn ports(f: &Facts, out: &mut Out) {
    for l in &f.listeners {
        exposure(l, out);
        let Some(bound) = &f.bound else { continue };
        let same = |b: &&crate::host::Bound| {
            b.protocol == l.protocol
                && b.address.port() == l.address.port()
                && (f.running.is_some() && b.address == l.address
                    || f.running.is_none()
                        && (b.address.ip() == l.address.ip()
                            || b.address.ip().is_unspecified()
                            || l.address.ip().is_unspecified()))
        };
        let found = bound.iter().find(same);
        if f.running.is_some() && found.is_none() && l.address.port() != 0 {
            out.bad(
                "ports",
                format!("{} should listen on {} and does not.", upper(&l.what), l.address),
                "Look in the log for why, and start the centre again.",
            );
        }
        if f.running.is_none()
            && l.address.port() != 0
            && let Some(b) = found
        {
            out.bad(
                "ports",
                format!("Another program listens on {}, where {} should.", b.address, l.what),
                format!("Find it with `ss -tulpn | grep {}`, and stop it or choose another port.", l.address.port()),
            );
        }
    }
    if f.running.is_some() {
        for b in f.bound.iter().flatten() {
            // A configured port 0 has become any.
            let named = |l: &Listener| {
                let port = l.address.port();
                l.protocol == b.protocol && l.address.ip() == b.address.ip() && (port == 0 || port == b.address.port())
            };
            if !f.listeners.iter().any(named) {
                let far = !b.address.ip().is_loopback();
                let says = format!(
                    "The centre listens on {} ({}), which the configuration does not name.",
                    b.address, b.protocol
                );
                let todo = "Start it again with the configuration that is meant; ask where this socket came from.";
                if far { out.bad("ports", says, todo) } else { out.warn("ports", says, todo) }
            }
        }
    }
    if f.bound.is_none() {
        out.warn(
            "ports",
            "What is really listened on is not known: /proc/net cannot be read here.",
            "Look with `ss -tulpn`.",
        );
    }
}

fn exposure(l: &Listener, out: &mut Out) {
    let what = upper(&l.what);
    if l.address.ip().is_loopback() {
        let how = if l.tls { ", with TLS" } else { "" };
        out.ok("ports", format!("{what}: {}{how}, reached only from this machine.", l.address));
    } else if l.tls {
        out.ok("ports", format!("{what}: {}, reached by others, with TLS.", l.address));
    } else if l.what == crate::config::Config::PAGES {
        out.bad(
            "ports",
            format!("{what}: {}, reached by others, without TLS: whoever is on that network can read passwords and warnings, and change them.", l.address),
            "Listen on 127.0.0.1 behind a proxy with TLS, or give the centre a certificate.",
        );
    } else {
        out.warn(
            "ports",
            format!(
                "{what}: {}, reached by others, without TLS: whoever is on that network can pretend to be this source.",
                l.address
            ),
            "Let it listen on 127.0.0.1, or on a network that only its sensors are on.",
        );
    }
}

fn certificates(f: &Facts, out: &mut Out) {
    for Certificate { what, names, until, used } in &f.certificates {
        let left = until.since_s(f.now);
        let what = upper(what);
        if left <= 0.0 {
            out.bad(
                "certificates",
                format!("{what}: the certificate ended {} ago; phones refuse it.", span(-left)),
                "Replace the files, or delete the own one so that a new one is made, and start again.",
            );
        } else if left < 7.0 * 86_400.0 {
            out.bad(
                "certificates",
                format!("{what}: the certificate ends in {}.", span(left)),
                "Replace it now; the own authority should have renewed it: look in the log.",
            );
        } else if left < 21.0 * 86_400.0 {
            out.warn(
                "certificates",
                format!("{what}: the certificate ends in {}.", span(left)),
                "See that it is replaced in time.",
            );
        } else {
            out.ok("certificates", format!("{what}: the certificate is good for {} more.", span(left)));
        }
        let missing: Vec<&str> = used.iter().map(String::as_str).filter(|u| !names.contains(*u)).collect();
        if !missing.is_empty() {
            out.bad("certificates", format!("{what}: the certificate does not name {}, under which it is reached.", missing.join(", ")), "Phones that use this address refuse it. Start the centre again so that its own certificate is made anew, or get one with this address.");
        }
    }
}

/// What alerts are signed with: another one is made four months before the last one ends.
fn alerts(f: &Facts, out: &mut Out) {
    if f.running.is_none() {
        return;
    }
    match f.alerts_until.map(|u| u.since_s(f.now)) {
        Some(left) if left > crate::cap::keys::HANDS_OVER_S => {}
        Some(left) => out.bad(
            "certificates",
            format!("The certificate for alerts ends in {}, and no other one was made.", span(left)),
            "Look in the log; start the centre again, and give partners what `skypicket cap certificate` prints then.",
        ),
        None => out.bad(
            "certificates",
            "Nothing can sign alerts: no certificate for them is valid now.",
            "See whether the clock is right; start the centre again, and give partners what `skypicket cap certificate` prints then.",
        ),
    }
}

/// Of sensors and TAK clients.
fn ending(f: &Facts, out: &mut Out) {
    for (whose, until) in &f.ending {
        let left = until.since_s(f.now);
        let what = if left > 0.0 {
            format!("The last token or certificate of {whose} ends in {}.", span(left))
        } else {
            format!("The last token or certificate of {whose} ended {} ago: it is kept out.", span(-left))
        };
        out.warn("certificates", what, "Make another one in the office under Machines, and move it over.");
    }
}

fn clock(f: &Facts, out: &mut Out) {
    match f.keeper {
        TimeKeeper::Synchronised => out.ok("clock", "The clock is kept by time servers (systemd-timesyncd)."),
        TimeKeeper::Runs => out.ok("clock", "A program keeps the clock; `chronyc tracking` or `ntpq -p` says how well."),
        TimeKeeper::NotYet => out.warn(
            "clock",
            "systemd-timesyncd runs and has reached no time server since this machine started.",
            "Without internet give it a server of your own network (NTP= in /etc/systemd/timesyncd.conf), or a GPS receiver through chrony.",
        ),
        TimeKeeper::None => out.warn(
            "clock",
            "No program was found that keeps the clock of this machine (it may be kept by its host).",
            "Install chrony or systemd-timesyncd; compare with a watch: `date -u`.",
        ),
    }
    let Some(r) = &f.running else { return };
    let c = &r.compared;
    match c.middle_s {
        Some(m) if m.abs() > WORTH_S => out.bad(
            "clock",
            format!(
                "Of {} clocks of sources and phones most are {} this machine's: it is probably this one that is wrong.",
                c.heard,
                apart(m)
            ),
            "Compare with a watch: `date -u`. Set the clock, and see what keeps it.",
        ),
        Some(m) => out.ok(
            "clock",
            format!("{} clocks of sources and phones agree with this machine's within {:.1} s.", c.heard, m.abs()),
        ),
        None if c.heard == 0 => out.ok("clock", "No source or phone has told its time in the last ten minutes."),
        None => out.ok(
            "clock",
            format!("{} of the clocks of sources and phones heard: too few to judge this machine's by.", c.heard),
        ),
    }
    for s in &c.far {
        // Whoever is as far off as the middle is no news.
        if c.middle_s.is_none_or(|m| (s.behind_s - m).abs() > WORTH_S) {
            out.warn(
                "clock",
                format!(
                    "The clock of {} is {} this machine's, or what it sends waits so long on the way.",
                    s.whose,
                    apart(s.behind_s)
                ),
                "Set its clock. Tracks from it are placed at the wrong moment.",
            );
        }
    }
    if r.ahead_s > 1.0 {
        out.warn("clock", format!("This machine's clock was set back: the centre's time is {:.0} s ahead of it and goes on at its own pace until the other has caught up.", r.ahead_s), "If the clock is right now and it is far, start the centre again at a quiet moment after that time; else set the clock.");
    }
    if let (n, Some((at, jump))) = r.jumps
        && n > 0
    {
        out.warn(
            "clock",
            format!(
                "This machine's clock jumped {n} times since the start, {} ago by {jump:+.1} s; or the machine slept.",
                span(f.now.since_s(at))
            ),
            "Let it be slewed, not stepped; turn off suspend (`systemctl mask sleep.target suspend.target`).",
        );
    }
}

fn disk(f: &Facts, out: &mut Out) {
    let Some((free, size)) = f.disk else {
        out.warn("disk", "How much disk is free is not known.", "Look with `df -h`.");
        return;
    };
    let says = format!("{} of {} free where the record is.", bytes(free), bytes(size));
    let room = "Make room: the record only grows; delete what is not Skypicket's first.";
    if free < f.reserve_bytes.max(GIB) {
        out.bad("disk", says, room);
    } else if free < 5 * GIB || free < size / 20 {
        out.warn("disk", says, room);
    } else {
        out.ok("disk", says);
    }
    if f.reserve_bytes == 0 {
        out.warn(
            "disk",
            "No disk space is kept back for warnings and people's acts (record.reserve_mib = 0).",
            "Set it to 64 or more.",
        );
    }
}

fn record(f: &Facts, k: &Kept, out: &mut Out) {
    let size = format!("{} entries, {}", k.entries, bytes(k.database_bytes));
    match k.state {
        RecordState::Full => out.bad(
            "record",
            format!(
                "The record is full ({size}): reports and acknowledgements are refused; warnings go out unrecorded."
            ),
            "Make room on the disk. Do not stop the centre before: what waits in memory would be lost.",
        ),
        RecordState::Reserve => out.bad(
            "record",
            format!("The record is on its reserve ({size}): sensors are only counted."),
            "Make room on the disk now.",
        ),
        RecordState::Ok if f.reserve_bytes > 0 && k.reserve_bytes.is_none() => out.bad(
            "record",
            format!("The reserve is gone ({size})."),
            "Make room on the disk and start the centre again: it makes the reserve anew.",
        ),
        RecordState::Ok => out.ok("record", format!("Writes everything: {size}.")),
    }
    if k.wal_bytes > WAL_BAD {
        out.bad(
            "record",
            format!("The write-ahead log is {}: something keeps it from being folded in.", bytes(k.wal_bytes)),
            "End `record export` or `record verify` that run beside the centre; then it shrinks by itself.",
        );
    }
    let Some(r) = &f.running else { return };
    if r.unrecorded || r.backlog > 0 {
        out.bad(
            "record",
            format!("Warnings go out before they are written; {} entries wait in memory.", r.backlog),
            "Look for what else uses the disk, or what fills it.",
        );
    } else if r.longest_commit_s > 0.25 {
        out.warn(
            "record",
            format!(
                "Writing once took {:.1} s since the start: over 0.25 s warnings do not wait for the disk.",
                r.longest_commit_s
            ),
            "Now and then is no harm. Often: look for what else uses the disk, or use a better one.",
        );
    }
}

fn checkpoint(f: &Facts, k: &Kept, out: &mut Out) {
    let Some(c) = &k.checkpoint else {
        let young = f.running.as_ref().is_some_and(|r| f.now.since_s(r.since) < 2.0 * f.checkpoint_s);
        if young {
            out.ok("checkpoint", "No checkpoint was signed yet: the first comes soon.");
        } else {
            out.warn(
                "checkpoint",
                "No checkpoint was ever signed: nothing proves that the record was not changed.",
                "Start the centre, or run `skypicket record checkpoint`.",
            );
        }
        return;
    };
    if let Some(fault) = &c.fault {
        out.bad("checkpoint", format!("The newest checkpoint does not hold: {fault}."), "Change nothing. Copy the folder, run `skypicket record verify`, and compare with the key and root that you wrote down.");
        return;
    }
    let age = c.at.map(|t| f.now.since_s(t));
    let says = format!("The newest checkpoint ({} entries) is signed with this record's key and holds.", c.size);
    match age {
        Some(age) if f.running.is_some() && age > 5.0 * f.checkpoint_s + 10.0 => out.warn(
            "checkpoint",
            format!("The newest checkpoint is {} old.", span(age)),
            "Look in the log for why none was signed since.",
        ),
        _ => out.ok("checkpoint", says),
    }
}

fn backups(f: &Facts, r: &Running, out: &mut Out) {
    let todo = "Make one with `skypicket record backup`, each night by a timer, and keep it on another machine.";
    // An exercise is played again, not restored.
    match r.backup_at.map(|t| f.now.since_s(t)) {
        _ if r.exercise.is_some() => out.ok("backups", "An exercise needs none."),
        None => out.warn("backups", "No backup was ever made.", todo),
        Some(age) if age > 2.0 * 86_400.0 => {
            out.warn("backups", format!("The newest backup is {} old.", span(age)), todo);
        }
        Some(age) => out.ok("backups", format!("The newest backup is {} old.", span(age))),
    }
}

fn push(r: &Running, out: &mut Out) {
    let p = &r.push;
    if !p.enabled {
        return out.ok("push", "Push is off: a phone whose page is closed is not woken.");
    }
    if p.phones == 0 {
        return out.ok("push", "Push is on; no phone has asked for it yet.");
    }
    for (trouble, n) in p.troubles.iter().take(5) {
        out.warn("push", format!("Push to {n} of {} phones failed the last time: {trouble}", p.phones), "The network must let this machine reach the makers of the phones. Each owner can send a test from the field page.");
    }
    if !p.has_contact {
        out.warn(
            "push",
            "Push has no contact: the makers of phones may slow down or refuse who gives none.",
            "Set push.contact to an address (mailto: or https:) of yours.",
        );
    }
    if !out.has("push") {
        out.ok("push", format!("Push was accepted for {} phones the last time, or not tried yet.", p.phones));
    }
}

fn channels(r: &Running, out: &mut Out) {
    for c in &r.channels {
        let (name, long) = (c.channel.word(), span(c.for_s));
        match &c.state {
            ChannelState::Down { why } => out.bad(
                "channels",
                format!("Channel {name} is down for {long}: {why}. People are tried over their next channel."),
                "Look whether this machine reaches the other side and whether its name, port and password are right.",
            ),
            ChannelState::Deaf { why } => out.bad(
                "channels",
                format!("Channel {name} takes messages, but for {long} no test came round: {why}. What it took may not have arrived."),
                "Reach people by other means; look at the other side's own logs and at what should send the test back.",
            ),
            ChannelState::Up => {}
        }
        if c.waiting.0 > 0 && c.waiting.1 > 60.0 {
            let (n, oldest) = (c.waiting.0, span(c.waiting.1));
            out.warn(
                "channels",
                format!("{n} messages wait for {name}, the oldest for {oldest}."),
                "If it does not get less, the other side is slower than what is sent, or `per_s` is set too low.",
            );
        }
        if !c.has_loop && matches!(c.channel, Channel::Mail | Channel::Sms) {
            out.warn(
                "channels",
                format!("{name} is set up but no test goes round it: whether what was taken arrives is not known."),
                format!("Give `loop` in [{name}] an address that comes back to this centre, and leave [watchdog] on."),
            );
        }
    }
    for n in r.nowhere.iter().take(5) {
        out.warn(
            "channels",
            format!("An address leads nowhere: {n}."),
            "Set the channel up, or change the person's entry.",
        );
    }
    if !out.has("channels") {
        let say = |c: &ChannelFacts| match c.round {
            Some((ago, took)) => format!("{} (test {} ago, came round in {took:.1} s)", c.channel.word(), span(ago)),
            None => format!("{} (no test yet)", c.channel.word()),
        };
        let said: Vec<String> = r.channels.iter().map(say).collect();
        out.ok("channels", format!("Channels: {}.", said.join(", ")));
    }
}

fn queues(r: &Running, out: &mut Out) {
    let [observations, jobs, batches] = r.waiting;
    let says = format!("{observations} observations, {jobs} acts and {batches} batches wait.");
    if observations > 10_000 || jobs > 10_000 {
        out.bad("queues", says, "More comes than this machine can follow: find the source that floods (Sources, received), and slow it down.");
    } else if observations > 2_000 || jobs > 2_000 {
        out.warn("queues", says, "Look again in a minute; if it grows, find the source that sends so much.");
    } else {
        out.ok("queues", says);
    }
}

fn sensors(r: &Running, out: &mut Out) {
    if r.sources.is_empty() {
        out.warn(
            "sensors",
            "No source has been heard and none is configured: only people report.",
            "Configure one under [source], or make it a token.",
        );
    }
    for s in &r.sources {
        source(s, out);
    }
    if !r.sources.is_empty() && !out.has("sensors") {
        out.ok("sensors", format!("{} sources are heard as they should be.", r.sources.len()));
    }
}

fn source(s: &Source, out: &mut Out) {
    let Source { id, .. } = s;
    if s.silent {
        let since =
            s.silent_s.map_or_else(|| "was never heard".to_owned(), |x| format!("has been silent for {}", span(x)));
        let expected = s.expected_s.map(|e| format!(" (something should come every {})", span(e))).unwrap_or_default();
        out.bad(
            "sensors",
            format!("{id} {since}{expected}."),
            "Look at the sensor and the way to here; nobody is warned of what only it can hear.",
        );
    }
    if s.refused > 10 && s.refused * 10 > s.received {
        out.warn(
            "sensors",
            format!("{id}: {} of {} inputs were refused.", s.refused, s.received),
            "Sources in the console shows which, and why.",
        );
    }
    if s.shed > 0 {
        out.warn(
            "sensors",
            format!("{id}: {} observations were shed because too many waited.", s.shed),
            "It sends more than this machine can follow: slow it down.",
        );
    }
}

fn people(f: &Facts, out: &mut Out) {
    let known = f.record.as_ref().ok().and_then(|k| k.as_ref()?.people);
    let Some((all, administrators)) = known else {
        if f.running.is_some() {
            out.bad(
                "people",
                "Who is there is not known: the engines do not answer.",
                "Look in the log; the watchdog starts the centre again.",
            );
        }
        return;
    };
    match administrators {
        0 => out.bad(
            "administrators",
            "Nobody is administrator.",
            "Nobody can let people in or shut them out: give somebody the role.",
        ),
        1 => out.warn(
            "administrators",
            "Only one person is administrator.",
            "Give a second one the role: if the only one loses password and session, only `skypicket user reset` on this machine lets them in again.",
        ),
        n => out.ok("administrators", format!("{n} administrators.")),
    }
    let Some(r) = &f.running else { return };
    if r.on_watch == 0 {
        out.bad(
            "people",
            "Nobody is on watch: no one with the role watch has a page open.",
            "Open the console at the watch desk, signed in.",
        );
    } else {
        out.ok("people", format!("{} on watch.", r.on_watch));
    }
    if r.unreachable > 0 {
        out.warn(
            "people",
            format!("{} of {all} people cannot be reached now: no page open, no TAK client connected.", r.unreachable),
            "The list of people says who. Whoever is on duty must open the field page.",
        );
    } else {
        out.ok("people", format!("All {all} people can be reached."));
    }
}

fn files(f: &Facts, out: &mut Out) {
    let here = f.folder.display();
    for o in &f.open {
        let name = o.path.display();
        out.bad(
            "files",
            format!("{name} can be opened by others than its owner (mode {:03o}).", o.mode),
            format!("`chmod go= '{name}'`"),
        );
    }
    if !f.foreign.is_empty() {
        let first = f.foreign.first().map(|p| p.display().to_string()).unwrap_or_default();
        out.warn(
            "files",
            format!("{} files do not belong to the owner of {here}, {first} for one.", f.foreign.len()),
            format!("As root: `chown -R --reference='{here}' '{here}'`"),
        );
    }
    if !f.has_key && matches!(f.record, Ok(Some(_)) | Err(_)) {
        out.bad(
            "files",
            format!("{here} has no checkpoint.key."),
            "Put the copy back that you kept; without it the next start makes a new key, and that shows for ever.",
        );
    }
    if !out.has("files") {
        out.ok("files", format!("{here}: for its owner only."));
    }
}

fn limits(f: &Facts, out: &mut Out) {
    let (free, all) = f.memory;
    match (free, all) {
        (Some(free), Some(all)) if free < 128 * MIB => out.bad(
            "machine",
            format!("{} of {} memory left.", bytes(free), bytes(all)),
            "End other programs, or the system will end this one.",
        ),
        (Some(free), Some(all)) if free < all / 10 => out.warn(
            "machine",
            format!("{} of {} memory left.", bytes(free), bytes(all)),
            "See what uses it: `ps aux --sort=-rss | head`.",
        ),
        (Some(free), Some(all)) => out.ok("machine", format!("{} of {} memory left.", bytes(free), bytes(all))),
        _ => out.warn("machine", "How much memory is left is not known.", "Look with `free -h`."),
    }
    let Some(p) = f.running.as_ref().map(|r| r.process) else { return };
    let (Some(open), Some(max)) = (p.open_fds, p.max_fds) else { return };
    let says = format!("{open} of {max} open files.");
    if open * 10 > max * 8 {
        out.bad(
            "machine",
            says,
            "Soon no page can connect any more: raise LimitNOFILE in the unit, and see who opens so many connections.",
        );
    } else if max < 4_096 {
        out.warn(
            "machine",
            format!("At most {max} open files: every page needs one."),
            "Raise LimitNOFILE in the unit to 65536, or `ulimit -n`.",
        );
    } else {
        out.ok("machine", says);
    }
}

/// With a capital letter.
fn upper(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}

/// How far another clock is from ours, as a reader would say it.
fn apart(behind_s: f64) -> String {
    format!("{:.1} s {}", behind_s.abs(), if behind_s > 0.0 { "behind" } else { "ahead of" })
}

/// A span of time in one unit.
pub fn span(s: f64) -> String {
    let s = s.max(0.0);
    for (over, unit, name) in [(172_800.0, 86_400.0, "days"), (7_200.0, 3_600.0, "h"), (120.0, 60.0, "min")] {
        if s >= over {
            return format!("{:.0} {name}", s / unit);
        }
    }
    format!("{s:.0} s")
}

/// Bytes in one unit.
pub fn bytes(n: u64) -> String {
    if n >= 10 * GIB {
        format!("{} GiB", n / GIB)
    } else if n >= GIB {
        format!("{:.1} GiB", n as f64 / GIB as f64)
    } else {
        format!("{} MiB", n / MIB)
    }
}

/// When it is worst.
pub fn worst(all: &[Finding]) -> State {
    all.iter().map(|f| f.state).max().unwrap_or(State::Ok)
}

#[cfg(test)]
#[path = "cases.rs"]
mod cases;
