//! `/metrics`: every number that the centre offers to Prometheus, named once in [`METERS`].
//!
//! Labels have few values: channels, levels, states, the configured sources, fixed reasons. Nothing here names a person or
//! says where anything is.

use crate::{
    centre::Centre,
    clock,
    clocks::Clocks,
    config::Config,
    doctor::Standing,
    engines::{ENGINES, Engines},
    host::{self, Process},
    sources::SourceTable,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use skypicket_model::{
    Channel, Level, Reached, Role, Time,
    entry::{ChannelState, Upkeep},
};
use skypicket_record::{Record, RecordState};
use std::collections::BTreeMap;

/// What kind of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only climbs.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How long things took.
    Histogram,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    /// Its name.
    pub name: &'static str,
    /// What kind.
    pub kind: Kind,
    /// Its labels, as the guide names them.
    #[cfg_attr(not(test), allow(dead_code))]
    pub labels: &'static [&'static str],
    /// What it says, for `# HELP`.
    pub says: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], says: &'static str) -> Meter {
    Meter { name, kind: Kind::Counter, labels, says }
}
const fn gauge(name: &'static str, labels: &'static [&'static str], says: &'static str) -> Meter {
    Meter { name, kind: Kind::Gauge, labels, says }
}
const fn histogram(name: &'static str, labels: &'static [&'static str], says: &'static str) -> Meter {
    Meter { name, kind: Kind::Histogram, labels, says }
}

/// From an entry made to an entry that survives a power cut.
pub const COMMIT: &str = "skypicket_record_commit_seconds";
/// From a warning raised to its first attempt handed to a channel.
pub const SENT: &str = "skypicket_warning_sent_seconds";

/// What became of messages over others' machines.
pub const CARRIED: &str = "skypicket_carried_total";

/// All of them. The administrator's guide has the same list, which a test holds.
pub const METERS: &[Meter] = &[
    gauge("skypicket_build_info", &["version", "engines"], "1; its labels say which program this is"),
    gauge("process_start_time_seconds", &[], "When it started, Unix seconds"),
    gauge("process_resident_memory_bytes", &[], "Memory in use"),
    counter("process_cpu_seconds_total", &[], "Processor time used"),
    gauge("process_open_fds", &[], "Open file descriptors"),
    gauge("process_max_fds", &[], "Most file descriptors that it may open"),
    gauge("skypicket_ready", &[], "1: /readyz would say so"),
    gauge("skypicket_exercise", &[], "1: an exercise, 0: live"),
    gauge("skypicket_record_state", &[], "0: writes everything, 1: on its reserve, 2: full"),
    gauge("skypicket_record_unrecorded", &[], "1: warnings go out before they are written"),
    counter("skypicket_record_entries_total", &[], "Entries in the record"),
    histogram(COMMIT, &[], "From an entry made to the entry safe on the disk"),
    gauge("skypicket_record_queued_batches", &[], "Batches that wait for the disk"),
    gauge("skypicket_record_backlog_entries", &[], "Entries that the record refused and that wait in memory"),
    gauge("skypicket_record_wal_bytes", &[], "Size of the write-ahead log"),
    gauge("skypicket_record_database_bytes", &[], "Size of the database"),
    gauge("skypicket_record_checkpoint_age_seconds", &[], "Since the last signed checkpoint"),
    gauge("skypicket_backup_age_seconds", &[], "Since the newest backup that the record knows of"),
    gauge("skypicket_disk_free_bytes", &[], "Free where the record is"),
    gauge("skypicket_waiting_observations", &[], "Sensor observations in front of the engines"),
    gauge("skypicket_waiting_jobs", &[], "Acts of people and channels in front of the engines"),
    gauge("skypicket_tracks", &[], "Live tracks"),
    gauge("skypicket_warnings_open", &["level"], "Warnings that are not cleared"),
    histogram(SENT, &["channel"], "From a warning raised to its first attempt handed to a channel that was up"),
    gauge("skypicket_deliveries", &["channel", "reached"], "Deliveries of open warnings, by how far they came"),
    gauge(
        "skypicket_deliveries_in_trouble",
        &["channel"],
        "Deliveries of open warnings that are not further for a reason",
    ),
    gauge("skypicket_unacknowledged", &["level"], "Acknowledgements of open warnings that are waited for"),
    gauge("skypicket_silent_people", &[], "People of open warnings whose whole chain stayed silent: call them"),
    gauge("skypicket_alarms_open", &[], "Alarms that are open at the centre"),
    gauge("skypicket_alarms_untaken", &[], "Of those, in nobody's hand and not shelved"),
    gauge("skypicket_alarms_standing", &[], "Of those, for longer than policy.desk.standing_s"),
    gauge("skypicket_alarms_shelved", &[], "Alarms that are shelved"),
    gauge("skypicket_alarms_stale", &[], "Alarms that are open for longer than policy.desk.stale_s"),
    gauge("skypicket_alarms_flood", &[], "1: there is a flood of alarms"),
    gauge("skypicket_alarm_interruptions_per_10_min", &[], "Interruptions in 10 minutes, on average over 8 hours"),
    counter("skypicket_alarm_interruptions_total", &[], "Times that an alarm interrupted the watch"),
    counter("skypicket_alarm_calls_total", &["level"], "Times that an alarm called for a person"),
    gauge("skypicket_people", &[], "People in the directory who are not shut out"),
    gauge("skypicket_people_unreachable", &[], "Of those, with no channel up"),
    gauge("skypicket_on_watch", &[], "Watch officers with an open page"),
    gauge("skypicket_sessions", &[], "Sessions that have not ended"),
    gauge("skypicket_event_streams", &[], "Open pages"),
    counter("skypicket_event_streams_cut_off_total", &[], "Pages that did not read and were cut off"),
    gauge("skypicket_requests_in_flight", &[], "Requests being answered, event streams not counted"),
    gauge("skypicket_certificate_end_seconds", &["of"], "When the certificate ends, Unix seconds"),
    gauge("skypicket_sources", &[], "Sources known"),
    gauge("skypicket_sources_silent", &[], "Sources silent for longer than they should be"),
    gauge("skypicket_source_silent", &["source"], "1: silent for longer than it should be"),
    counter("skypicket_source_received_total", &["source"], "Lines, frames or events that came"),
    counter("skypicket_source_decoded_total", &["source"], "Of those, understood"),
    counter("skypicket_source_refused_total", &["source", "reason"], "Of those, refused"),
    counter("skypicket_source_shed_total", &["source"], "Observations shed in front of the engines"),
    gauge(
        "skypicket_channel_state",
        &["channel"],
        "0: takes messages, 1: takes them but a test did not come round, 2: down",
    ),
    gauge("skypicket_channel_round_seconds", &["channel"], "How long the last test message took to come round"),
    gauge("skypicket_channel_waiting", &["channel", "level"], "Messages that wait for mail, SMS, webhooks or relays"),
    gauge("skypicket_channel_oldest_seconds", &["channel"], "How long the oldest of them waits"),
    gauge("skypicket_channel_under_way", &["channel"], "Messages under way"),
    counter(CARRIED, &["channel", "outcome"], "What became of messages over mail, SMS, webhooks and relays"),
    counter("skypicket_clock_jumps_total", &[], "Times that the machine's clock jumped by over half a second"),
    gauge("skypicket_clock_behind_seconds", &[], "Ours less the middle of the clocks of sources and phones"),
];

/// Rows of upkeep that are looked through for a backup, the newest first.
const UPKEEP: usize = 500;
/// Most reasons of one source, as everywhere.
const MOST_REASONS: usize = 64;

/// Starts counting. `None` when something else in this process counts already.
pub fn install() -> Option<PrometheusHandle> {
    let commit = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    let sent = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(COMMIT.into()), &commit)
        .and_then(|b| b.set_buckets_for_metric(Matcher::Full(SENT.into()), &sent))
        .ok()?
        .install_recorder()
        .ok()?;
    for m in METERS {
        match m.kind {
            Kind::Counter => metrics::describe_counter!(m.name, m.says),
            Kind::Gauge => metrics::describe_gauge!(m.name, m.says),
            Kind::Histogram => metrics::describe_histogram!(m.name, m.says),
        }
    }
    // What has not happened yet is 0, not absent: an alarm on a sum must work from the first minute.
    let _ = metrics::histogram!(COMMIT);
    for c in [Channel::Mail, Channel::Sms, Channel::Webhook, Channel::Relay] {
        for outcome in ["accepted", "delivered", "refused", "failed", "ambiguous"] {
            metrics::counter!(CARRIED, "channel" => c.word(), "outcome" => outcome).absolute(0);
        }
    }
    for c in Channel::ALL {
        let _ = metrics::histogram!(SENT, "channel" => c.word());
    }
    Some(handle)
}

fn set(name: &'static str, value: f64) {
    metrics::gauge!(name).set(value);
}

fn set_if(name: &'static str, value: Option<u64>) {
    if let Some(v) = value {
        set(name, v as f64);
    }
}

/// What the engines know, counted on their own thread.
#[derive(Debug, Default)]
struct Counted {
    open: BTreeMap<&'static str, u32>,
    owed: BTreeMap<&'static str, u32>,
    deliveries: BTreeMap<(Channel, Reached), u32>,
    trouble: BTreeMap<Channel, u32>,
    silent: u32,
    people: usize,
    unreachable: usize,
    on_watch: usize,
    alarms: Option<(skypicket_desk::Figures, skypicket_desk::Totals)>,
}

const LEVELS: [(Level, &str); 3] =
    [(Level::Urgent, "urgent"), (Level::Caution, "caution"), (Level::Advisory, "advisory")];
const REACHED: [(Reached, &str); 4] = [
    (Reached::Queued, "queued"),
    (Reached::Sent, "sent"),
    (Reached::Delivered, "delivered"),
    (Reached::Shown, "shown"),
];

fn count(e: &Engines, present: &std::collections::BTreeSet<skypicket_model::PersonId>, now: Time) -> Counted {
    let alarms = Some((e.desk().figures(now), e.desk().totals()));
    let mut c = Counted { alarms, ..Counted::default() };
    for n in e.notices().filter(|n| !n.state.ended()) {
        let level = LEVELS.iter().find(|(l, _)| *l == n.level).map_or("advisory", |(_, w)| w);
        *c.open.entry(level).or_default() += 1;
        let counts = e.dispatcher().counts(n.id);
        *c.owed.entry(level).or_default() += counts.owing;
        c.silent += counts.silent;
        for d in e.dispatcher().deliveries_of(n.id) {
            *c.deliveries.entry((d.channel, d.reached)).or_default() += 1;
            if d.trouble.is_some() {
                *c.trouble.entry(d.channel).or_default() += 1;
            }
        }
    }
    for p in e.directory().people.values().filter(|p| !p.disabled) {
        c.people += 1;
        c.unreachable += usize::from(e.dispatcher().channels_up(&p.id).is_empty());
        c.on_watch += usize::from(p.roles.contains(&Role::Watch) && present.contains(&p.id));
    }
    c
}

/// What the numbers are read from.
pub struct Read<'a> {
    /// The centre.
    pub centre: &'a Centre,
    /// Its sources.
    pub sources: &'a SourceTable,
    /// Its clocks.
    pub clocks: &'a Clocks,
    /// What it was started with.
    pub standing: &'a Standing,
    /// `/readyz` would say so.
    pub ready: bool,
}

impl Read<'_> {
    /// Reads everything that is not counted as it happens.
    pub async fn all(&self) {
        self.process();
        self.record();
        self.sources();
        self.clocks();
        self.channels();
        for c in self.standing.certificates() {
            let of = if c.what == Config::PAGES { "pages" } else { "machines" };
            metrics::gauge!("skypicket_certificate_end_seconds", "of" => of).set(c.until.unix_s());
        }
        let centre = self.centre;
        let (observations, jobs) = centre.inbox.waiting();
        set("skypicket_waiting_observations", observations as f64);
        set("skypicket_waiting_jobs", jobs as f64);
        let (streams, cut) = centre.hub.counts();
        set("skypicket_event_streams", streams as f64);
        metrics::counter!("skypicket_event_streams_cut_off_total").absolute(cut);
        set("skypicket_requests_in_flight", centre.flags.in_flight() as f64);
        set("skypicket_tracks", centre.picture.borrow().tracks.len() as f64);
        set("skypicket_ready", f64::from(u8::from(self.ready)));
        set("skypicket_exercise", f64::from(u8::from(centre.exercise.is_some())));
        if let Some(at) = newest_backup(centre).await {
            set("skypicket_backup_age_seconds", clock::now().since_s(at).max(0.0));
        }
        if let Some(n) = sessions(centre).await {
            set("skypicket_sessions", n as f64);
        }
        let present = centre.hub.present();
        let now = clock::now();
        let asked = centre.ask(move |e| count(e, &present, now));
        // Engines that do not answer leave the numbers of the last time; `skypicket_ready` says so.
        if let Ok(Ok(c)) = tokio::time::timeout(std::time::Duration::from_secs(2), asked).await {
            tell(&c);
        }
    }

    fn channels(&self) {
        let Some(carriers) = self.centre.carriers.get() else { return };
        for (channel, s) in carriers.board.all() {
            let word = channel.word();
            let state = match s.state {
                ChannelState::Up => 0.0,
                ChannelState::Deaf { .. } => 1.0,
                ChannelState::Down { .. } => 2.0,
            };
            metrics::gauge!("skypicket_channel_state", "channel" => word).set(state);
            let took_s = s.round.map_or(0.0, |r| r.took_s);
            metrics::gauge!("skypicket_channel_round_seconds", "channel" => word).set(took_s);
        }
        let all = [Channel::Mail, Channel::Sms, Channel::Webhook, Channel::Relay];
        let mut by_channel: BTreeMap<Channel, ([usize; 3], f64, usize)> = all.map(|c| (c, ([0; 3], 0.0, 0))).into();
        for ((channel, _), v, _) in carriers.views() {
            let ([urgent, caution, advisory], oldest_s, under_way) = by_channel.entry(channel).or_default();
            *urgent += v.urgent;
            *caution += v.caution;
            *advisory += v.advisory;
            *oldest_s = oldest_s.max(v.oldest_s.unwrap_or(0.0));
            *under_way += v.under_way;
        }
        for (channel, (waiting, oldest_s, under_way)) in by_channel {
            let word = channel.word();
            for (n, (_, level)) in waiting.into_iter().zip(LEVELS) {
                metrics::gauge!("skypicket_channel_waiting", "channel" => word, "level" => level).set(n as f64);
            }
            metrics::gauge!("skypicket_channel_oldest_seconds", "channel" => word).set(oldest_s);
            metrics::gauge!("skypicket_channel_under_way", "channel" => word).set(under_way as f64);
        }
    }

    fn process(&self) {
        let p = Process::now();
        metrics::gauge!("skypicket_build_info", "version" => env!("CARGO_PKG_VERSION"), "engines" => ENGINES.to_string())
            .set(1.0);
        set("process_start_time_seconds", self.centre.started_at.unix_s());
        set_if("process_resident_memory_bytes", p.resident_bytes);
        if let Some(s) = p.cpu_s {
            // Whole seconds: the counter is one of whole numbers.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // of a processor's seconds
            metrics::counter!("process_cpu_seconds_total").absolute(s as u64);
        }
        set_if("process_open_fds", p.open_fds);
        set_if("process_max_fds", p.max_fds);
    }

    fn record(&self) {
        let (record, flags) = (&self.centre.record, &self.centre.flags);
        let m = record.metrics();
        let state = match record.state() {
            RecordState::Ok => 0.0,
            RecordState::Reserve => 1.0,
            RecordState::Full => 2.0,
        };
        set("skypicket_record_state", state);
        set("skypicket_record_unrecorded", f64::from(u8::from(flags.unrecorded())));
        metrics::counter!("skypicket_record_entries_total").absolute(m.entries);
        set("skypicket_record_queued_batches", m.queued as f64);
        set("skypicket_record_backlog_entries", flags.backlog() as f64);
        set("skypicket_record_wal_bytes", m.wal_bytes as f64);
        set("skypicket_record_database_bytes", m.database_bytes as f64);
        if let Some(at) = flags.checkpoint_at() {
            set("skypicket_record_checkpoint_age_seconds", clock::now().since_s(at).max(0.0));
        }
        set_if("skypicket_disk_free_bytes", host::disk(record.folder()).map(|(free, _)| free));
    }

    fn sources(&self) {
        let all = self.sources.list(&self.centre.inbox.shed(), clock::now());
        set("skypicket_sources", all.len() as f64);
        set("skypicket_sources_silent", all.iter().filter(|s| s.silent).count() as f64);
        for s in all {
            let id = s.id.to_string();
            metrics::gauge!("skypicket_source_silent", "source" => id.clone()).set(f64::from(u8::from(s.silent)));
            metrics::counter!("skypicket_source_received_total", "source" => id.clone()).absolute(s.received);
            metrics::counter!("skypicket_source_decoded_total", "source" => id.clone()).absolute(s.decoded);
            metrics::counter!("skypicket_source_shed_total", "source" => id.clone()).absolute(s.shed);
            for (reason, n) in s.refused.into_iter().take(MOST_REASONS) {
                metrics::counter!("skypicket_source_refused_total", "source" => id.clone(), "reason" => reason)
                    .absolute(n);
            }
        }
    }

    fn clocks(&self) {
        metrics::counter!("skypicket_clock_jumps_total").absolute(self.clocks.jumps().0);
        if let Some(s) = self.clocks.compared(clock::now()).middle_s {
            set("skypicket_clock_behind_seconds", s);
        }
    }
}

/// When the newest backup was made that the record knows of.
pub async fn newest_backup(centre: &Centre) -> Option<Time> {
    let rows = centre.record.upkeep(UPKEEP).await.ok()?;
    rows.iter().filter(|r| matches!(r.upkeep, Upkeep::BackedUp { .. })).map(|r| r.recorded_at).max()
}

/// Sessions in the private drawer that have not ended.
async fn sessions(centre: &Centre) -> Option<usize> {
    let now = clock::now();
    let all = centre.record.private_list("session").await.ok()?;
    let until = |bytes: &[u8]| -> Option<skypicket_model::Time> {
        serde_json::from_value(serde_json::from_slice::<serde_json::Value>(bytes).ok()?.get("until")?.clone()).ok()
    };
    Some(all.iter().filter(|(_, v)| until(v).is_none_or(|t| t > now)).count())
}

fn tell(c: &Counted) {
    for (_, level) in LEVELS {
        let of = |m: &BTreeMap<&str, u32>| f64::from(m.get(level).copied().unwrap_or(0));
        metrics::gauge!("skypicket_warnings_open", "level" => level).set(of(&c.open));
        metrics::gauge!("skypicket_unacknowledged", "level" => level).set(of(&c.owed));
    }
    for channel in Channel::ALL {
        for (reached, word) in REACHED {
            let n = c.deliveries.get(&(channel, reached)).copied().unwrap_or(0);
            metrics::gauge!("skypicket_deliveries", "channel" => channel.word(), "reached" => word).set(f64::from(n));
        }
        let n = c.trouble.get(&channel).copied().unwrap_or(0);
        metrics::gauge!("skypicket_deliveries_in_trouble", "channel" => channel.word()).set(f64::from(n));
    }
    set("skypicket_silent_people", f64::from(c.silent));
    set("skypicket_people", c.people as f64);
    set("skypicket_people_unreachable", c.unreachable as f64);
    set("skypicket_on_watch", c.on_watch as f64);
    if let Some((figures, totals)) = &c.alarms {
        tell_alarms(figures, totals);
    }
}

fn tell_alarms(f: &skypicket_desk::Figures, totals: &skypicket_desk::Totals) {
    set("skypicket_alarms_open", f64::from(f.open));
    set("skypicket_alarms_untaken", f64::from(f.untaken));
    set("skypicket_alarms_standing", f64::from(f.standing));
    set("skypicket_alarms_shelved", f64::from(f.shelved));
    set("skypicket_alarms_stale", f64::from(f.stale));
    set("skypicket_alarms_flood", f64::from(u8::from(f.flood_since.is_some())));
    set("skypicket_alarm_interruptions_per_10_min", f.per_10_min);
    metrics::counter!("skypicket_alarm_interruptions_total").absolute(totals.interruptions);
    let calls = totals.calls;
    for (word, n) in [("urgent", calls.urgent), ("caution", calls.caution), ("advisory", calls.advisory)] {
        metrics::counter!("skypicket_alarm_calls_total", "level" => word).absolute(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_guide_names_every_metric_and_no_other() {
        let guide = include_str!("../../../docs/guide/administrator.md");
        let (_, section) = guide.split_once("## Metrics").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let cell = |row: &str| row.split('`').nth(1).map(str::to_owned);
        let documented: BTreeSet<String> = section
            .lines()
            .filter(|l| l.starts_with("| `skypicket_") || l.starts_with("| `process_"))
            .filter_map(cell)
            .collect();
        let written = |m: &Meter| {
            if m.labels.is_empty() { m.name.to_owned() } else { format!("{}{{{}}}", m.name, m.labels.join(",")) }
        };
        let named: BTreeSet<String> = METERS.iter().map(written).collect();
        let missing: Vec<_> = named.difference(&documented).collect();
        let unknown: Vec<_> = documented.difference(&named).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "not in the guide: {missing:?}; not here: {unknown:?}");
    }

    #[test]
    fn the_example_of_alarms_asks_only_for_what_there_is() {
        let rules = include_str!("../../../docs/admin/skypicket.rules.yml");
        let names: BTreeSet<&str> = METERS.iter().map(|m| m.name).collect();
        let mut asked = 0;
        for line in rules.lines().filter(|l| l.trim_start().starts_with("expr:")) {
            for word in line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
                if word.starts_with("skypicket_") || word.starts_with("process_") {
                    let base = ["_bucket", "_count", "_sum"].iter().find_map(|s| word.strip_suffix(s)).unwrap_or(word);
                    assert!(names.contains(base), "the rules ask for {word}");
                    asked += 1;
                }
            }
        }
        assert!(asked > 10, "{asked}");
    }

    #[test]
    fn names_are_as_prometheus_wants_them() {
        for m in METERS {
            assert_eq!(m.kind == Kind::Counter, m.name.ends_with("_total"), "{}", m.name);
            assert!(m.name.starts_with("skypicket_") || m.name.starts_with("process_"), "{}", m.name);
        }
    }
}
