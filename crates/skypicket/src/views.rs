//! What the API shows: [`NoticeView`], [`SightingView`], [`PersonItem`], [`TrackFeature`], [`StatusView`]; built from
//! the engines' state, shaped for readers, each cut to what its reader may see.

use crate::{checklists::Checklists, engines::Engines};
use serde::Serialize;
use skypicket_desk::OpenAlarm;
use skypicket_dispatch::{Counts, RecipientState, Trouble};
use skypicket_model::{
    Action, AgencyId, AlarmChange, AlarmId, CallHow, CallReason, Channel, Danger, Delivery, Directory, Incident, Level,
    Marking, Notice, NoticeId, Person, PersonId, Place, ProtectedId, Role, ShiftChange, SightingState, Time, Track,
    TrackId, TrackState, UnitId,
    delivery::{Reached, Rule},
    people::Language,
};
use skypicket_record::{DeliveryQuery, MeasuresRow, ReadError, Record, SqliteRecord};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Rows of a list that is shown whole; of a longer one, so many of those who need somebody.
pub const WHOLE: usize = 50;
/// Most rows in one event, those that changed in it included; most rows of people whose silence one leader was told.
pub const MOST_ROWS: usize = 200;

/// A notice with who has it, as one reader may see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(clippy::struct_excessive_bools)] // five answers to five questions, as the pages ask them
pub struct NoticeView {
    /// The newest version.
    pub notice: Notice,
    /// Acted on before it was durable.
    pub unrecorded: bool,
    /// How many are how far; only for those who see everybody's rows.
    pub counts: Option<Counts>,
    /// Who has it: everybody of a short list (at most [`WHOLE`]), of a longer one those who need somebody, the most
    /// pressing first. To whoever does not see everybody's: their own row, and those of whose silence they were told.
    pub recipients: Vec<RecipientRow>,
    /// There are rows that this reader may see beside these.
    pub more: bool,
    /// The reader is on its list.
    pub mine: bool,
    /// The reader acknowledged this version.
    pub acknowledged: bool,
    /// The reader's acknowledgement is still waited for.
    pub owes: bool,
    /// By whom it was issued, for readers.
    #[serde(flatten)]
    pub issuers: Issuers,
}

/// The names of those who issued a version of a bulletin; none of a warning, which nobody issues.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Issuers {
    /// Who wrote it.
    pub issued_by_name: Option<String>,
    /// The second person who approved it; `None` also where one alone broke the glass.
    pub approved_by_name: Option<String>,
}

impl Issuers {
    /// Of a version.
    pub fn of(directory: &Directory, notice: &Notice) -> Self {
        let Some(b) = notice.bulletin() else { return Self::default() };
        Self {
            issued_by_name: Some(name_of(directory, &b.issued_by)),
            approved_by_name: b.approved_by.as_ref().map(|p| name_of(directory, p)),
        }
    }
}

/// One person on a notice's list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecipientRow {
    /// Who.
    pub person: PersonId,
    /// Call-sign or role.
    pub name: String,
    /// Why they are on the list.
    pub rule: Rule,
    /// How far it came.
    pub reached: Reached,
    /// Over what.
    pub channel: Option<Channel>,
    /// When they acknowledged this version.
    pub acknowledged_at: Option<Time>,
    /// An acknowledgement by them is still waited for.
    pub owes: bool,
    /// To whom their silence was escalated.
    pub escalated_to: Option<PersonId>,
    /// Nobody is left to tell: call them.
    pub silent: bool,
    /// Why it is not further.
    pub trouble: Option<String>,
    /// An attempt may have got through unseen.
    pub may_repeat: bool,
    /// Which reminder they were given last: their page alarms again for a higher one.
    pub reminder: u32,
    /// What they have done of a bulletin's checklist, by the measures' names.
    pub done: Vec<String>,
    /// The language of texts to them.
    #[serde(skip)]
    pub language: Language,
}

/// The language of texts to a person.
fn language_of(directory: &Directory, id: &PersonId) -> Language {
    directory.people.get(id).map(|p| p.language).unwrap_or_default()
}

impl RecipientRow {
    fn of(directory: &Directory, r: RecipientState, checklist: &[String]) -> Self {
        Self {
            name: name_of(directory, &r.person),
            language: language_of(directory, &r.person),
            person: r.person,
            rule: r.rule,
            reached: r.reached,
            channel: r.channel,
            acknowledged_at: r.acknowledged_at,
            owes: r.owes,
            escalated_to: r.escalated_to,
            silent: r.silent,
            trouble: r.trouble,
            may_repeat: r.may_repeat,
            reminder: r.reminder,
            done: r.done.of(checklist).cloned().collect(),
        }
    }

    pub fn find(engines: &Engines, notice: NoticeId, person: &PersonId) -> Option<Self> {
        let dispatcher = engines.dispatcher();
        Some(Self::of(engines.directory(), dispatcher.recipient(notice, person)?, dispatcher.checklist(notice)))
    }
}

/// The rows that the centre's pages are given unasked, and whether there are more.
pub fn some_rows(engines: &Engines, notice: NoticeId) -> (Vec<RecipientRow>, bool) {
    let dispatcher = engines.dispatcher();
    if dispatcher.counts(notice).recipients as usize <= WHOLE {
        let (directory, checklist) = (engines.directory(), dispatcher.checklist(notice));
        let rows = dispatcher.rows(notice).map(|r| RecipientRow::of(directory, r, checklist));
        return (rows.collect(), false);
    }
    let needing = dispatcher.needing(notice, WHOLE).into_iter();
    (needing.filter_map(|p| RecipientRow::find(engines, notice, p)).collect(), true)
}

/// Whoever is not shown everybody's rows sees their own, and those of whose silence they were told: they must see whose.
/// And whether there are more of them.
pub fn own_rows(engines: &Engines, notice: NoticeId, own: &RecipientRow) -> (Vec<RecipientRow>, bool) {
    let mut told = engines.dispatcher().told(notice, &own.person).filter(|p| **p != own.person);
    let mut rows = vec![own.clone()];
    rows.extend(told.by_ref().take(MOST_ROWS).filter_map(|p| RecipientRow::find(engines, notice, p)));
    (rows, told.next().is_some())
}

impl NoticeView {
    /// Of what the engines hold; `None` for whoever may not see it.
    pub fn of(engines: &Engines, notice: &Notice, unrecorded: bool, reader: &PersonId, sees_all: bool) -> Option<Self> {
        let own = RecipientRow::find(engines, notice.id, reader);
        let (mut recipients, more) = match &own {
            _ if sees_all => some_rows(engines, notice.id),
            Some(own) => own_rows(engines, notice.id, own),
            None => return None,
        };
        // A reader always finds their own row.
        recipients.extend(
            own.iter().filter(|o| recipients.iter().all(|r| r.person != o.person)).cloned().collect::<Vec<_>>(),
        );
        Some(Self {
            issuers: Issuers::of(engines.directory(), notice),
            notice: notice.clone(),
            unrecorded,
            counts: sees_all.then(|| engines.dispatcher().counts(notice.id)),
            recipients,
            more,
            mine: own.is_some(),
            acknowledged: own.as_ref().is_some_and(|r| r.acknowledged_at.is_some()),
            owes: own.is_some_and(|r| r.owes),
        })
    }

    /// Of the record, where `all` are all rows of the newest version.
    fn of_record(
        notice: Notice,
        issuers: Issuers,
        all: &[RecipientRow],
        reader: &PersonId,
        sees_all: bool,
    ) -> Option<Self> {
        let own = all.iter().find(|r| r.person == *reader).cloned();
        if own.is_none() && !sees_all {
            return None;
        }
        let counts = sees_all.then(|| counts_of(all));
        let told = |r: &RecipientRow| r.escalated_to.as_ref() == Some(reader) && r.person != *reader;
        let rows = || all.iter().filter(|r| sees_all || told(r)).cloned();
        let most = if sees_all { WHOLE } else { MOST_ROWS };
        let mut recipients: Vec<RecipientRow> = own.iter().filter(|_| !sees_all).cloned().collect();
        // Of a long list those who were silent, then those whom it did not reach, then the others.
        let mut shown: Vec<RecipientRow> = rows().collect();
        let more = shown.len() > most;
        if more {
            shown.sort_by_key(|r| (!r.silent, r.trouble.is_none(), r.acknowledged_at.is_some()));
            shown.truncate(most);
        }
        recipients.extend(shown);
        Some(Self {
            notice,
            issuers,
            unrecorded: false,
            counts,
            recipients,
            more,
            mine: own.is_some(),
            acknowledged: own.as_ref().is_some_and(|r| r.acknowledged_at.is_some()),
            owes: own.is_some_and(|r| r.owes),
        })
    }
}

/// How many of these are how far.
fn counts_of(rows: &[RecipientRow]) -> Counts {
    let n =
        |which: fn(&RecipientRow) -> bool| u32::try_from(rows.iter().filter(|r| which(r)).count()).unwrap_or(u32::MAX);
    Counts {
        recipients: n(|_| true),
        queued: n(|r| r.reached == Reached::Queued),
        sent: n(|r| r.reached == Reached::Sent),
        delivered: n(|r| r.reached == Reached::Delivered),
        shown: n(|r| r.reached == Reached::Shown),
        acknowledged: n(|r| r.acknowledged_at.is_some()),
        owing: n(|r| r.owes),
        escalated: n(|r| r.escalated_to.is_some() && r.owes),
        // Of what is over, nobody is on the way to be reached or called any more.
        unreachable: 0,
        excused: 0,
        silent: n(|r| r.silent),
        trouble: n(|r| r.trouble.is_some()),
    }
}

/// A sighting with its reporter's name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SightingView {
    /// The state.
    #[serde(flatten)]
    pub state: SightingState,
    /// Call-sign or role of the reporter.
    pub reporter_name: String,
}

impl SightingView {
    /// Of a state.
    pub fn of(directory: &Directory, state: &SightingState) -> Self {
        Self { reporter_name: name_of(directory, &state.sighting.reporter), state: state.clone() }
    }
}

/// An alarm that is open, and who at the centre has it in hand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlarmView {
    /// Which.
    pub alarm: AlarmId,
    /// Since when it is open.
    pub since: Time,
    /// Level of a warning, now.
    pub level: Option<Level>,
    /// Somebody has it in hand, at the level that it has now.
    pub in_hand: bool,
    /// Who has it, or had it last.
    pub holder: Option<OnWatch>,
    /// Since when they have it, or since when nobody has.
    pub held_since: Option<Time>,
    /// How it came to that.
    pub how: Option<AlarmChange>,
    /// Level at which it was taken.
    pub taken_level: Option<Level>,
    /// Its holder is gone since.
    pub gone_at: Option<Time>,
    /// Who had it before.
    pub before: Option<OnWatch>,
    /// Why it was handed back or taken over.
    pub why: String,
    /// What a person is to do about it.
    pub action: Action,
    /// With which others it belongs together.
    pub incident: Incident,
    /// It sounds now, until somebody takes it.
    pub sounds: bool,
    /// When it last began to call for a person.
    pub calls_since: Option<Time>,
    /// Its last call: at which level, when, why, and whether that interrupts.
    pub call: Option<CallView>,
    /// Put aside by.
    pub shelved_by: Option<OnWatch>,
    /// Since.
    pub shelved_at: Option<Time>,
    /// Until.
    pub shelved_until: Option<Time>,
    /// Why.
    pub shelved_why: Option<String>,
    /// Longest time for which it may be shelved at the level that it has now, seconds.
    pub shelve_most_s: u32,
    /// Of a channel that takes no messages: since when; `None` of one that takes them and does not work.
    pub down_since: Option<Time>,
    /// Who may see it.
    #[serde(skip)]
    pub marking: Marking,
}

/// The last call of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CallView {
    /// At which level.
    pub level: Level,
    /// When.
    pub at: Time,
    /// Why then.
    pub why: CallReason,
    /// Whether it interrupts.
    pub how: CallHow,
}

/// Whether there is a flood of alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FloodView {
    /// Since when; `None`: there is none.
    pub since: Option<Time>,
    /// Calls in the last ten minutes.
    pub calls_in_10_min: u32,
}

impl FloodView {
    /// As it is now.
    pub fn of(engines: &Engines, now: Time) -> Self {
        Self { since: engines.desk().flood_since(), calls_in_10_min: engines.desk().calls_in_10_min(now) }
    }
}

impl AlarmView {
    /// Of an open alarm.
    pub fn of(engines: &Engines, a: &OpenAlarm<'_>) -> Self {
        let directory = engines.directory();
        let named = |p: &PersonId| OnWatch { id: p.clone(), name: name_of(directory, p) };
        Self {
            alarm: a.alarm,
            since: a.since,
            level: a.level,
            in_hand: a.in_hand,
            holder: a.state.and_then(|s| s.holder.as_ref()).map(named),
            held_since: a.state.map(|s| s.since),
            how: a.state.map(|s| s.how),
            taken_level: a.state.and_then(|s| s.level),
            gone_at: a.state.and_then(|s| s.gone_at),
            before: a.state.and_then(|s| s.before.as_ref()).map(named),
            why: a.state.map(|s| s.why.clone()).unwrap_or_default(),
            action: a.alarm.action(),
            incident: a.incident,
            sounds: a.sounds,
            calls_since: a.calls_since,
            call: a.call.map(|c| CallView { level: c.level, at: c.at, why: c.why, how: c.how }),
            shelved_by: a.shelved.map(|s| named(&s.by)),
            shelved_at: a.shelved.map(|s| s.at),
            shelved_until: a.shelved.map(|s| s.until),
            shelved_why: a.shelved.map(|s| s.why.clone()),
            shelve_most_s: engines.desk().policy().shelve_most_s(a.alarm.calling_level(a.level)),
            down_since: a.down_since,
            marking: a.marking.clone(),
        }
    }
}

/// The last shift change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShiftView {
    /// Who came.
    pub by: OnWatch,
    /// Who went.
    pub from: OnWatch,
    /// What they said.
    pub note: String,
    /// When.
    pub at: Time,
    /// How many alarms went from one to the other.
    pub alarms: u32,
    /// How many alarms were shelved then.
    pub shelved: u32,
}

impl ShiftView {
    /// Of a shift change.
    pub fn of(directory: &Directory, c: &ShiftChange) -> Self {
        let named = |p: &PersonId| OnWatch { id: p.clone(), name: name_of(directory, p) };
        Self {
            by: named(&c.by),
            from: named(&c.from),
            note: c.note.clone(),
            at: c.at,
            alarms: c.alarms,
            shelved: c.shelved,
        }
    }
}

/// A person as the centre's list shows them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonItem {
    /// Who.
    pub id: PersonId,
    /// Call-sign or role.
    pub name: String,
    /// Unit.
    pub unit: UnitId,
    /// Its name.
    pub unit_name: String,
    /// Agency.
    pub agency: Option<AgencyId>,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Where they last said they are.
    pub position: Option<PositionView>,
    /// Channels that are up.
    pub channels_up: Vec<Channel>,
    /// Nothing would reach them now.
    pub unreachable: bool,
    /// Why, or what stands between them and a warning although something would reach them.
    pub why: Option<&'static str>,
    /// Since when, where that is known.
    pub since: Option<Time>,
    /// Shut out.
    pub disabled: bool,
    /// Who leads them: they are told of changes too.
    #[serde(skip)]
    pub leaders: Vec<PersonId>,
}

/// A position in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PositionView {
    /// Where.
    pub at: Place,
    /// One sigma, metres.
    pub accuracy_m: f64,
    /// When.
    pub observed_at: Time,
}

impl PersonItem {
    /// Of a person; `None` when there is none of that id.
    pub fn of(engines: &Engines, id: &PersonId) -> Option<Self> {
        let directory = engines.directory();
        let p = directory.people.get(id)?;
        let channels_up = engines.dispatcher().channels_up(id);
        let reach = Reachable::of(engines, p);
        Some(Self {
            id: p.id.clone(),
            name: p.name.clone(),
            unit: p.unit.clone(),
            unit_name: directory.units.get(&p.unit).map(|u| u.name.clone()).unwrap_or_default(),
            agency: directory.agency_of(id).cloned(),
            roles: p.roles.clone(),
            position: engines.positions().get(id).map(|p| PositionView {
                at: p.at,
                accuracy_m: p.accuracy_m,
                observed_at: p.observed_at,
            }),
            unreachable: reach.unreachable,
            why: reach.why,
            since: reach.since,
            disabled: p.disabled,
            leaders: directory.leaders_of(id),
            channels_up,
        })
    }
}

/// That a person asked for nothing more over channels that are entered for them, in words; `None` when they did not.
pub fn answered_stop(engines: &Engines, p: &Person) -> Option<&'static str> {
    let stopped = |c| p.channels.contains(&c) && engines.dispatcher().has_stopped(&p.id, c);
    match (stopped(Channel::Sms), stopped(Channel::Mail)) {
        (false, false) => None,
        (true, false) => Some("answered STOP by SMS: nothing goes there until they write START"),
        (false, true) => Some("answered STOP by mail: nothing goes there until they write START"),
        (true, true) => Some("answered STOP by SMS and by mail: nothing goes there until they write START"),
    }
}

/// Whether something would reach a person now, and why not in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reachable {
    /// Nothing would.
    pub unreachable: bool,
    /// Why.
    pub why: Option<&'static str>,
    /// Since when, where that is known.
    pub since: Option<Time>,
}

impl Reachable {
    /// Of a person of the directory.
    pub fn of(engines: &Engines, p: &Person) -> Self {
        let no = |why, since| Self { unreachable: true, why: Some(why), since };
        if p.disabled {
            return no("disabled: cannot sign in and is sent nothing", None);
        }
        let up = engines.dispatcher().channels_up(&p.id);
        match engines.dispatcher().unreachable(&p.id) {
            None => {
                let relayed_only = p.channels.iter().filter(|c| up.contains(c)).all(|c| c.is_relayed());
                let push = up.contains(&Channel::Push);
                let why = if push {
                    "push only: no page open and no TAK client connected"
                } else {
                    "only through others (mail, SMS …): no page open and no TAK client connected"
                };
                let stopped = answered_stop(engines, p);
                let why = stopped.or(relayed_only.then_some(why));
                Self { unreachable: false, why, since: engines.lost(&p.id).filter(|_| relayed_only).map(|l| l.at) }
            }
            Some(Trouble::NoChannel) => no("no channel is entered for them", None),
            // What they said themselves explains more than which connection is not there.
            Some(Trouble::NoChannelUp) if answered_stop(engines, p).is_some() => {
                Self { unreachable: true, why: answered_stop(engines, p), since: None }
            }
            Some(Trouble::NoChannelUp) if !up.is_empty() => {
                no("connected, but only over a channel that is not entered for them", None)
            }
            Some(Trouble::NoChannelUp) if p.roles.contains(&Role::Device) => {
                no("the centre's way to this device is down or not set up", None)
            }
            Some(Trouble::NoChannelUp) => match engines.lost(&p.id) {
                None => no("never seen here: has not opened a page or connected a TAK client yet", None),
                Some(l) if l.by_restart => no("has not come back since the centre started again", Some(l.at)),
                Some(l) => match l.channel {
                    Channel::Web => no("page closed or connection lost", Some(l.at)),
                    Channel::Tak => no("TAK client closed or connection lost", Some(l.at)),
                    Channel::Push => no("push was taken off their phone", Some(l.at)),
                    _ => no("the centre's way to them is down", Some(l.at)),
                },
            },
            Some(Trouble::NoReceipt) => no("connected, but their device did not confirm the last warning", None),
            Some(Trouble::NotInDirectory) => no("not in the directory", None),
            Some(Trouble::Refused) => no("the address that is entered for them was refused", None),
            Some(
                Trouble::Failed
                | Trouble::Ambiguous
                | Trouble::ChannelDown
                | Trouble::NotReleasable
                | Trouble::Overtaken,
            ) => no("the last warning could not be handed to their device", None),
        }
    }

    /// For a list in which those come first whom somebody must call: who was here and is lost, the newest loss first;
    /// then who was never here; then who is shut out; then everybody else.
    pub fn order(item: &PersonItem) -> (u8, std::cmp::Reverse<Option<Time>>, PersonId) {
        let group = match (item.unreachable, item.disabled, item.since) {
            (true, false, Some(_)) => 0,
            (true, false, None) => 1,
            (true, true, _) => 2,
            (false, ..) => 3,
        };
        (group, std::cmp::Reverse(item.since), item.id.clone())
    }
}

/// The name under which a person is shown.
pub fn name_of(directory: &Directory, id: &PersonId) -> String {
    directory.people.get(id).map_or_else(|| id.to_string(), |p| p.name.clone())
}

/// The sky at one moment, made once a second for every reader.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// The moment.
    pub now: Time,
    /// Live tracks by id, and where each was in the last 60 s.
    pub tracks: Vec<Track>,
    /// Trails: longitude and latitude, oldest first.
    pub trails: BTreeMap<TrackId, VecDeque<[f64; 2]>>,
    /// Every danger that has a level.
    pub dangers: Vec<Danger>,
    /// The unit of each site.
    pub sites: BTreeMap<UnitId, UnitId>,
}

impl Picture {
    /// Points kept in a trail, at one a second.
    const TRAIL: usize = 60;

    /// The next picture: trails grow by a point, and end with their track.
    #[must_use]
    pub fn next(&self, now: Time, tracks: Vec<Track>, dangers: Vec<Danger>, directory: &Directory) -> Self {
        let mut trails = BTreeMap::new();
        for t in tracks.iter().filter(|t| t.state != TrackState::Deleted) {
            let mut trail = self.trails.get(&t.id).cloned().unwrap_or_default();
            if trail.len() == Self::TRAIL {
                trail.pop_front();
            }
            trail.push_back([round7(t.place.lon_deg), round7(t.place.lat_deg)]);
            trails.insert(t.id, trail);
        }
        let sites = directory.sites.values().map(|s| (s.id.clone(), s.unit.clone())).collect();
        Self { now, tracks, trails, dangers: dangers.into_iter().filter(|d| d.level.is_some()).collect(), sites }
    }

    /// The tracks as GeoJSON features.
    pub fn features(&self) -> impl Iterator<Item = serde_json::Value> {
        self.tracks.iter().map(|t| feature(t, self.trails.get(&t.id)))
    }

    /// The event of all tracks: each is made as it is written, since a full sky as values is many times its text.
    pub fn tracks_event(&self) -> impl Serialize {
        TracksEvent { features: Features(self) }
    }

    /// The dangers that a reader of `unit` may see: all, or only those to themself and to their unit's sites.
    pub fn dangers_for(&self, reader: &PersonId, unit: &UnitId, sees_all: bool) -> Vec<&Danger> {
        let own = |d: &&Danger| match &d.protected {
            ProtectedId::Person(p) => p == reader,
            ProtectedId::Site(s) => self.sites.get(s) == Some(unit),
        };
        self.dangers.iter().filter(|d| sees_all || own(d)).collect()
    }
}

/// A list of GeoJSON features.
struct Features<'a>(&'a Picture);

impl Serialize for Features<'_> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.0.features())
    }
}

#[derive(Serialize)]
struct TracksEvent<'a> {
    features: Features<'a>,
}

fn round7(x: f64) -> f64 {
    (x * 1e7).round() / 1e7
}

/// A track as a GeoJSON feature (RFC 7946: longitude first; a height only where it is known).
pub fn feature(t: &Track, trail: Option<&VecDeque<[f64; 2]>>) -> serde_json::Value {
    let mut coordinates = vec![round7(t.place.lon_deg), round7(t.place.lat_deg)];
    coordinates.extend(t.place.alt_hae_m);
    let mut properties = serde_json::to_value(t).unwrap_or_default();
    if let Some(o) = properties.as_object_mut() {
        o.remove("place");
        o.insert("height_known".into(), t.place.alt_hae_m.is_some().into());
        o.insert("trail".into(), serde_json::to_value(trail).unwrap_or_default());
    }
    serde_json::json!({
        "type": "Feature", "id": t.id, "geometry": {"type": "Point", "coordinates": coordinates},
        "properties": properties,
    })
}

/// How the record does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordView {
    /// `ok`, `slow`, `reserve` or `full`.
    pub state: &'static str,
    /// Warnings go out before they are durable.
    pub unrecorded: bool,
    /// Entries written.
    pub entries: u64,
    /// Newest signed checkpoint.
    pub checkpoint_at: Option<Time>,
}

/// How the centre does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusView {
    /// Exercise, or live.
    pub exercise: Option<String>,
    /// Version of the program.
    pub software: &'static str,
    /// Now.
    pub now: Time,
    /// Started.
    pub started_at: Time,
    /// The record.
    pub record: RecordView,
    /// Watch officers with an open page.
    pub on_watch: Vec<OnWatch>,
    /// Who should be on duty now, and whether they are here; nobody for readers who may not see people.
    pub on_duty: Vec<OnDuty>,
    /// Where the map opens.
    pub place: crate::config::MapPlace,
    /// There is an own map (`GET /basemap`).
    pub basemap: bool,
    /// What every page must warn of (listeners that others can reach without TLS).
    pub warnings: Vec<String>,
}

/// A watch officer with an open page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnWatch {
    /// Who.
    pub id: PersonId,
    /// Call-sign or role.
    pub name: String,
}

/// Somebody who should be on duty now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnDuty {
    /// At which post.
    pub roster: UnitId,
    /// Its name.
    pub post: String,
    /// Who.
    pub id: PersonId,
    /// Call-sign or role.
    pub name: String,
    /// Until when.
    pub until: Time,
    /// A page of theirs is open.
    pub here: bool,
}

impl OnDuty {
    /// Most of them in one status; the rosters' own page has all.
    const MOST: usize = 60;

    /// Everybody on any roster now, in order of the rosters.
    pub fn all(directory: &Directory, here: impl Fn(&PersonId) -> bool, now: Time) -> Vec<Self> {
        let duties = directory
            .rosters
            .values()
            .flat_map(|r| r.duties.iter().filter(move |d| d.from <= now && now < d.until).map(move |d| (r, d)));
        let mut out: Vec<Self> = Vec::new();
        for (r, d) in duties.filter(|(_, d)| directory.active(&d.person).is_some()) {
            // Two duties of one person that overlap are one.
            if let Some(known) = out.iter_mut().find(|o| o.roster == r.id && o.id == d.person) {
                known.until = known.until.max(d.until);
            } else if out.len() < Self::MOST {
                out.push(Self {
                    roster: r.id.clone(),
                    post: r.name.clone(),
                    id: d.person.clone(),
                    name: name_of(directory, &d.person),
                    until: d.until,
                    here: here(&d.person),
                });
            }
        }
        out
    }
}

impl StatusView {
    /// Without who is on duty.
    #[must_use]
    pub fn without_duty(&self) -> Self {
        Self { on_duty: Vec::new(), ..self.clone() }
    }
}

/// A notice that the engines no longer hold, from the record.
pub async fn notice_from_record(
    record: &SqliteRecord,
    directory: &Directory,
    id: NoticeId,
    (reader, sees_all): (&PersonId, bool),
) -> Result<Option<NoticeView>, ReadError> {
    let versions = record.notice_versions(id).await?;
    let checklists = Checklists::of(versions.iter().map(|v| &v.notice));
    let Some(newest) = versions.into_iter().next_back() else { return Ok(None) };
    let said = record.measures(id).await?;
    let mut furthest: BTreeMap<PersonId, Delivery> = BTreeMap::new();
    let query = DeliveryQuery { notice: Some(id), ..DeliveryQuery::default() };
    for d in record.deliveries(query).await?.items {
        let better = furthest.get(&d.person).is_none_or(|o| (d.version, d.reached) > (o.version, o.reached));
        if better {
            furthest.insert(d.person.clone(), d);
        }
    }
    let rows = record.recipients(id, newest.notice.version).await?;
    let list = checklists.list(newest.notice.version);
    let done = |person: &PersonId| -> Vec<String> {
        let theirs = MeasuresRow::of(&said, person);
        checklists.done(newest.notice.version, theirs).of(list).cloned().collect()
    };
    let recipients: Vec<RecipientRow> = rows
        .into_iter()
        .map(|r| {
            let d = furthest.get(&r.person);
            RecipientRow {
                name: name_of(directory, &r.person),
                language: language_of(directory, &r.person),
                rule: r.rule.unwrap_or(Rule::Centre),
                reached: d.map_or(Reached::Queued, |d| d.reached),
                channel: d.map(|d| d.channel),
                acknowledged_at: r.acknowledged.map(|(at, _)| at),
                owes: false,
                escalated_to: r.escalated.and_then(|(_, to)| to),
                silent: r.silent_at.is_some(),
                trouble: d.and_then(|d| d.trouble.clone()),
                may_repeat: d.is_some_and(|d| d.may_repeat),
                reminder: d.map_or(0, |d| d.reminder),
                done: done(&r.person),
                person: r.person,
            }
        })
        .collect();
    let issuers = Issuers::of(directory, &newest.notice);
    Ok(NoticeView::of_record(newest.notice, issuers, &recipients, reader, sees_all))
}
