//! What the API shows: [`NoticeView`], [`SightingView`], [`PersonItem`], [`TrackFeature`], [`StatusView`]; built from
//! the engines' state, shaped for readers, each cut to what its reader may see.

use crate::engines::Engines;
use serde::Serialize;
use skypicket_model::{
    AgencyId, Channel, Danger, Delivery, Directory, Notice, NoticeId, PersonId, Place, ProtectedId, Role,
    SightingState, Time, Track, TrackId, TrackState, UnitId,
    delivery::{Reached, Rule},
    people::Language,
};
use skypicket_record::{DeliveryQuery, ReadError, Record, SqliteRecord};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A notice with who has it.
#[allow(clippy::struct_excessive_bools)] // four answers to four questions, as the pages ask them
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoticeView {
    /// The newest version.
    pub notice: Notice,
    /// Acted on before it was durable.
    pub unrecorded: bool,
    /// Who has it.
    pub recipients: Vec<RecipientRow>,
    /// The reader is on its list.
    pub mine: bool,
    /// The reader acknowledged this version.
    pub acknowledged: bool,
    /// The reader's acknowledgement is still waited for.
    pub owes: bool,
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
    /// The language of texts to them.
    #[serde(skip)]
    pub language: Language,
}

/// The language of texts to a person.
fn language_of(directory: &Directory, id: &PersonId) -> Language {
    directory.people.get(id).map(|p| p.language).unwrap_or_default()
}

impl NoticeView {
    /// The whole view, as the centre sees it.
    pub fn of(engines: &Engines, notice: &Notice, unrecorded: bool) -> Self {
        let recipients = engines
            .dispatcher()
            .board(notice.id)
            .into_iter()
            .map(|r| RecipientRow {
                name: name_of(engines.directory(), &r.person),
                language: language_of(engines.directory(), &r.person),
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
            })
            .collect();
        Self { notice: notice.clone(), unrecorded, recipients, mine: false, acknowledged: false, owes: false }
    }

    /// As `reader` may see it; `None` when they may not.
    pub fn for_reader(&self, reader: &PersonId, sees_all: bool) -> Option<Self> {
        let own = self.recipients.iter().find(|r| r.person == *reader);
        if own.is_none() && !sees_all {
            return None;
        }
        let mut view = self.clone();
        view.mine = own.is_some();
        view.acknowledged = own.is_some_and(|r| r.acknowledged_at.is_some());
        view.owes = own.is_some_and(|r| r.owes);
        if !sees_all {
            view.recipients.retain(|r| r.person == *reader);
            // Somebody told of another's silence must see whose.
            let told: Vec<RecipientRow> =
                self.recipients.iter().filter(|r| r.escalated_to.as_ref() == Some(reader)).cloned().collect();
            view.recipients.extend(told);
        }
        Some(view)
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
    /// Why.
    pub why: Option<&'static str>,
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
            unreachable: channels_up.is_empty(),
            why: channels_up.is_empty().then_some("no page open and no TAK client connected"),
            leaders: directory.leaders_of(id),
            channels_up,
        })
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
    pub fn features(&self) -> Vec<serde_json::Value> {
        self.tracks.iter().map(|t| feature(t, self.trails.get(&t.id))).collect()
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

fn round7(x: f64) -> f64 {
    (x * 1e7).round() / 1e7
}

/// A track as a GeoJSON feature (RFC 7946: longitude first; a height only where it is known).
fn feature(t: &Track, trail: Option<&VecDeque<[f64; 2]>>) -> serde_json::Value {
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

/// A notice that the engines no longer hold, from the record.
pub async fn notice_from_record(
    record: &SqliteRecord,
    directory: &Directory,
    id: NoticeId,
) -> Result<Option<NoticeView>, ReadError> {
    let versions = record.notice_versions(id).await?;
    let Some(newest) = versions.into_iter().next_back() else { return Ok(None) };
    let mut furthest: BTreeMap<PersonId, Delivery> = BTreeMap::new();
    let query = DeliveryQuery { notice: Some(id), ..DeliveryQuery::default() };
    for d in record.deliveries(query).await?.items {
        let better = furthest.get(&d.person).is_none_or(|o| (d.version, d.reached) > (o.version, o.reached));
        if better {
            furthest.insert(d.person.clone(), d);
        }
    }
    let rows = record.recipients(id, newest.notice.version).await?;
    let recipients = rows
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
                person: r.person,
            }
        })
        .collect();
    Ok(Some(NoticeView {
        notice: newest.notice,
        unrecorded: false,
        recipients,
        mine: false,
        acknowledged: false,
        owes: false,
    }))
}
