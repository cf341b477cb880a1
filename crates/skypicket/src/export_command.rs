//! `skypicket export courageous`: what a record holds of the sky, as a document for a trial of counter-drone systems.
//!
//! Confirmed tracks go out in unbroken pieces; what was seen once or from one direction goes out as detections. Where a
//! person stands never does: no sighting has a place or direction there, and nothing of a pilot is written. Nobody in
//! particular reads such a document, so sightings go by the rule for systems of partners ([`may_leave`]).

use crate::{
    cap::may_leave,
    centre::next_entries,
    cli::{CourageousArgs, End, ExportCommand},
    geoid::Geoid,
    serve::folder,
    simulate_command::whole,
};
use skypicket_model::{
    Act, AgencyId, Body, DeskEvent, Entry, Measurement, NoticeId, Observation, PersonId, Place, Sighting, SightingId,
    SourceId, Time, Tlp, Track, TrackId, TrackState, kinematics::AirClass, observation::IdKind,
};
use skypicket_record::{FILE_NAME, Options, SqliteRecord};
use skypicket_wire::courageous::{
    Alarm, Classification, DetectionRecord, DetectionSet, Document, Location, Position3d, TrackingRecord, VERSION,
    VelocityEnu, millis,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{self, BufWriter, Write},
    path::PathBuf,
};

/// Entries read at once.
const PAGE: usize = 1_000;
/// Most records of a document, which is held in memory as a whole.
const MOST_RECORDS: usize = 2_000_000;
/// Tracks are in the record once a second: after so long without, seconds, the next piece begins.
const PIECE_S: f64 = 3.0;
/// An identity or class is said from this probability on.
const SAID_P: f64 = 0.5;
/// A sensor that was farther than this from its first place, metres, may be carried by somebody.
const STANDS_M: f64 = 50.0;

/// Runs the command.
pub fn run(command: &ExportCommand) -> End {
    match command {
        ExportCommand::Courageous(args) => match courageous(args) {
            Ok(()) => End::OK,
            Err(end) => end,
        },
    }
}

fn courageous(args: &CourageousArgs) -> Result<(), End> {
    let at = place(&args.at)?;
    let [from, until] = [("--from", &args.from), ("--until", &args.until)].map(|(name, text)| {
        let time = text.as_deref().map(str::parse::<Time>).transpose();
        time.map_err(|e| End::usage(format!("{name}: {e}")))
    });
    let agency = args.agency.as_deref().map(AgencyId::new).transpose();
    let agency = agency.map_err(|e| End::usage(format!("--agency: {e}")))?;
    let nobody = PersonId::new("nobody").map_err(End::could_not)?;
    let wanted = Wanted { from: from?, until: until?, agency, nobody };
    if let Some(file) = args.to.as_deref().filter(|f| f.exists()) {
        return Err(End::refused(format!("{} is there already", file.display())));
    }
    let under = folder(&args.data, args.exercise.as_deref());
    let either: Vec<PathBuf> =
        if args.exercise.is_none() { vec![under.clone(), args.data.clone()] } else { vec![under.clone()] };
    let home = either.into_iter().find(|d| d.join(FILE_NAME).is_file());
    let home = home.ok_or_else(|| End::could_not(format!("{}: there is no record here", under.display())))?;
    let record = SqliteRecord::open(&home, Options { read_only: true, ..Options::default() })
        .map_err(|e| End::could_not(format!("{}: {e}", home.display())))?;

    let mut seen = Seen::new(wanted);
    let (mut next, mut most, mut purged) = (0, PAGE, 0);
    loop {
        let stretch = next_entries(&record, next, &mut most).map_err(End::could_not)?;
        if stretch.next == next {
            break;
        }
        next = stretch.next;
        // The engines' state is made again from the rest; that it is gone takes nothing from the document.
        purged += stretch.purged.iter().filter(|(_, kind)| kind != "snapshot").count();
        for entry in &stretch.entries {
            seen.take(entry);
            if seen.records > MOST_RECORDS {
                return Err(End::refused(format!(
                    "more than {MOST_RECORDS} records: narrow it with --from and --until"
                )));
            }
        }
    }
    let (document, left_out) = seen.document(&args.vendor, &args.system, at);
    match &args.to {
        None => match write(&document, &mut BufWriter::new(io::stdout().lock())) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            done => done.map_err(|e| End::could_not(format!("the document could not be written: {e}")))?,
        },
        Some(file) => whole(file, |mut out| Ok(write(&document, &mut out)?))
            .map_err(|e| End::could_not(format!("{}: {e}", file.display())))?,
    }
    eprintln!("skypicket: {}", left_out.said(&document, purged));
    Ok(())
}

fn write(document: &Document, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, document)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Where the system stands: the format wants its height, and a guess would be a wrong one.
fn place(text: &str) -> Result<Place, End> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([lat, lon, hae]) => Place::new(*lat, *lon, Some(*hae)).map_err(|e| End::usage(format!("--at: {e}"))),
        _ => Err(End::usage("--at: give LAT,LON,HAE, with the height in metres above the ellipsoid".to_owned())),
    }
}

/// Of which time, and for whom.
struct Wanted {
    from: Option<Time>,
    until: Option<Time>,
    /// `None` is anybody.
    agency: Option<AgencyId>,
    /// Who reads: nobody in particular.
    nobody: PersonId,
}

impl Wanted {
    fn holds(&self, at: Time) -> bool {
        self.from.is_none_or(|t| t <= at) && self.until.is_none_or(|t| at <= t)
    }

    fn may_leave(&self, sighting: &Sighting) -> bool {
        let marking = &sighting.marking;
        match &self.agency {
            Some(agency) => may_leave(agency, &self.nobody, marking),
            None => marking.tlp <= Tlp::Green && marking.releasable_to.is_empty(),
        }
    }
}

/// A track at a moment.
struct Moment {
    at: Time,
    place: Place,
    velocity: [f64; 3],
    existence: f64,
    classification: Classification,
    identification: Option<String>,
    by_people_only: bool,
    alarm: bool,
}

/// A piece of a track.
#[derive(Default)]
struct Flown {
    pieces: Vec<Vec<Moment>>,
    /// It was confirmed at its last entry.
    goes_on: bool,
    /// Who it is, where that is known and nothing speaks against it.
    who: Option<(IdKind, String)>,
}

/// What a sensor said that is of no track by itself.
struct Heard {
    at: Time,
    classification: Classification,
    direction: Option<(Place, f64, Option<f64>)>,
    identification: Option<String>,
}

/// What was read of the record.
struct Seen {
    wanted: Wanted,
    /// Its name, where the record is of one.
    exercise: Option<String>,
    tracks: BTreeMap<TrackId, Flown>,
    open: HashMap<TrackId, HashSet<NoticeId>>,
    heard: BTreeMap<SourceId, Vec<Heard>>,
    stands: HashMap<SourceId, Place>,
    moved: HashSet<SourceId>,
    sightings: BTreeMap<SightingId, Sighting>,
    retracted: HashSet<SightingId>,
    /// Sightings by the track that they fed.
    fed: HashMap<TrackId, HashSet<SightingId>>,
    records: usize,
}

/// What is not in the document, and why.
#[derive(Default)]
struct LeftOut {
    marked: usize,
    retracted: usize,
    people: usize,
    directions: usize,
    flat: usize,
    too_old: usize,
}

impl LeftOut {
    fn said(&self, document: &Document, purged: usize) -> String {
        let tracks: usize = document.tracks.iter().map(|t| t.records.len()).sum();
        let detections: usize = document.detection.iter().map(|d| d.records.len()).sum();
        let mut said = format!(
            "{tracks} records of {} pieces of tracks, {detections} detections in {} sets",
            document.tracks.len(),
            document.detection.len()
        );
        for (n, what) in [
            (self.flat, "track records without a height, since none was measured"),
            (
                self.directions,
                "bearings without their direction, since the sensor's place or height is not known or it moved",
            ),
            (self.marked, "sightings left out by their marking"),
            (self.people, "track records left out that rest on such sightings alone"),
            (self.retracted, "sightings left out that were taken back"),
            (self.too_old, "left out from before 1970"),
            (purged, "entries of the record were purged and are not in it"),
        ] {
            if n > 0 {
                let n = n.to_string();
                said.extend(["; ", n.as_str(), " ", what]);
            }
        }
        said
    }
}

impl Seen {
    fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            exercise: None,
            tracks: BTreeMap::new(),
            open: HashMap::new(),
            heard: BTreeMap::new(),
            stands: HashMap::new(),
            moved: HashSet::new(),
            sightings: BTreeMap::new(),
            retracted: HashSet::new(),
            fed: HashMap::new(),
            records: 0,
        }
    }

    fn take(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Started(s) => self.exercise.clone_from(&s.exercise),
            Body::Observations { items } => items.iter().for_each(|o| self.observation(o)),
            Body::Tracks { items } => items.iter().for_each(|t| self.track(t)),
            Body::Act(a) => match &a.act {
                Act::Sighting { sighting } => {
                    self.records += usize::from(self.wanted.holds(sighting.last_seen));
                    self.sightings.insert(sighting.id, (**sighting).clone());
                }
                Act::Retract { sighting } => {
                    self.retracted.insert(*sighting);
                }
                _ => {}
            },
            Body::Desk(DeskEvent::Sighting { state }) => {
                if let Some(track) = state.track {
                    self.fed.entry(track).or_default().insert(state.sighting.id);
                }
            }
            Body::Notice(n) => {
                if let Some(track) = n.track() {
                    let open = self.open.entry(track).or_default();
                    if n.state.ended() {
                        open.remove(&n.id);
                    } else {
                        open.insert(n.id);
                    }
                }
            }
            _ => {}
        }
    }

    fn track(&mut self, t: &Track) {
        if t.state != TrackState::Confirmed || !self.wanted.holds(t.at) {
            if let Some(flown) = self.tracks.get_mut(&t.id) {
                flown.goes_on = false;
            }
            return;
        }
        let flown = self.tracks.entry(t.id).or_default();
        let last = flown.pieces.last().and_then(|p| p.last()).map(|m| m.at);
        // An entry that was written twice says nothing new.
        if last.is_some_and(|at| t.at <= at) {
            return;
        }
        let unbroken = flown.goes_on && last.is_some_and(|at| t.at.since_s(at) <= PIECE_S);
        if !unbroken {
            flown.pieces.push(Vec::new());
        }
        flown.goes_on = true;
        let said = said(t);
        flown.who = if t.suspect { None } else { said.clone() };
        let class = t.class.filter(|_| t.class_p >= SAID_P);
        let moment = Moment {
            at: t.at,
            place: t.place,
            velocity: t.vel_enu_mps,
            existence: t.existence,
            classification: match class {
                Some(AirClass::Rotor | AirClass::Fpv | AirClass::FixedWing) => Classification::Uav,
                Some(AirClass::Crewed | AirClass::Bird) => Classification::Other,
                // What says that it is a drone, and nothing speaks against it.
                None if !t.suspect && said.as_ref().is_some_and(|(kind, _)| *kind != IdKind::Icao) => {
                    Classification::Uav
                }
                None => Classification::Unknown,
            },
            identification: identified(said.as_ref(), t.suspect),
            by_people_only: t.by_people_only,
            alarm: self.open.get(&t.id).is_some_and(|open| !open.is_empty()),
        };
        self.records += 1;
        if let Some(piece) = flown.pieces.last_mut() {
            piece.push(moment);
        }
    }

    fn observation(&mut self, o: &Observation) {
        // A person's observation is their sighting, which stands in the record as what they did.
        if o.sighting.is_some() || o.source.as_str().starts_with("person.") {
            return;
        }
        let direction = match &o.measurement {
            Measurement::Bearing { from, azimuth_deg, elevation_deg, .. } => {
                let stood = *self.stands.entry(o.source.clone()).or_insert(*from);
                if stood.distance_and_bearing(*from).0 > STANDS_M {
                    self.moved.insert(o.source.clone());
                }
                Some((*from, *azimuth_deg, elevation_deg.map(|e| e.0)))
            }
            Measurement::Presence { .. } => None,
            Measurement::Position { .. } | Measurement::RangeAzEl { .. } => return,
        };
        // Only now: a sensor that moved at any other time may be carried in this one too.
        if !self.wanted.holds(o.observed_at) {
            return;
        }
        let known = [IdKind::Serial, IdKind::Session, IdKind::Utm, IdKind::Icao];
        let said = known.into_iter().find_map(|kind| Some((kind, o.claims.id(kind)?.to_owned())));
        let heard = Heard {
            at: o.observed_at,
            classification: match o.claims.class {
                Some(AirClass::Rotor | AirClass::Fpv | AirClass::FixedWing) => Classification::Uav,
                Some(AirClass::Crewed | AirClass::Bird) => Classification::Other,
                None => Classification::Unknown,
            },
            direction,
            identification: said.map(|(kind, value)| format!("claims {} {value}", word(kind))),
        };
        self.records += 1;
        self.heard.entry(o.source.clone()).or_default().push(heard);
    }

    /// Everything, numbered; and what is not in it.
    fn document(mut self, vendor: &str, system: &str, at: Place) -> (Document, LeftOut) {
        let mut geoid = Geoid::new();
        let (mut left_out, mut number) = (LeftOut::default(), 0);
        let mut numbered = move || {
            number += 1;
            number
        };
        let hidden: HashSet<SightingId> =
            self.sightings.values().filter(|s| !self.wanted.may_leave(s)).map(|s| s.id).collect();

        let mut tracks = Vec::new();
        let mut flown: Vec<(&TrackId, &Flown)> = self.tracks.iter().collect();
        let begun = |f: &Flown| f.pieces.first().and_then(|p| p.first()).map(|m| m.at);
        flown.sort_by_key(|(id, f)| (begun(f), **id));
        // Who was where until when: a target that is lost and found again keeps its number.
        let mut numbers: HashMap<&(IdKind, String), (u64, Time)> = HashMap::new();
        let mut last = 0;
        for (id, f) in flown {
            let (Some(first), Some(end)) = (begun(f), f.pieces.last().and_then(|p| p.last()).map(|m| m.at)) else {
                continue;
            };
            let before = f.who.as_ref().and_then(|who| numbers.get(who)).filter(|(_, until)| *until < first);
            let uas_id = before.map_or(last + 1, |(n, _)| *n);
            last = last.max(uas_id);
            if let Some(who) = &f.who {
                numbers.insert(who, (uas_id, end));
            }
            // What rests on people's reports alone goes no farther than they do; so does what rests on reports not known.
            let fed = self.fed.get(id);
            let may = fed.is_some_and(|s| s.iter().all(|s| self.sightings.contains_key(s) && !hidden.contains(s)));
            let hides = |m: &Moment| m.by_people_only && !may;
            left_out.people += f.pieces.iter().flatten().filter(|m| hides(m)).count();
            // What is left out breaks a stretch too.
            for piece in f.pieces.iter().flat_map(|p| p.split(hides)) {
                let mut records = Vec::new();
                for m in piece {
                    let Some(time) = millis(m.at) else {
                        left_out.too_old += 1;
                        continue;
                    };
                    let height = geoid.amsl_m(m.place);
                    left_out.flat += usize::from(height.is_none());
                    let [east, north, up] = m.velocity;
                    records.push(TrackingRecord {
                        time,
                        record_number: numbered(),
                        classification: m.classification,
                        alarm: Alarm { active: m.alarm, certainty: m.existence.clamp(0.0, 1.0) },
                        location: position(m.place, height),
                        // Without a height the climb is not known, and nought would be a claim.
                        velocity: height.map(|_| VelocityEnu { east, north, up }),
                        identification: m.identification.clone(),
                        cuas_location: None,
                    });
                }
                if !records.is_empty() {
                    let name = Some(format!("track {id}"));
                    tracks.push(skypicket_wire::courageous::Track { uas_id, name, records });
                }
            }
        }

        let mut detection = Vec::new();
        for (n, (source, heard)) in self.heard.iter_mut().enumerate() {
            let stands = !self.moved.contains(source);
            // They are in the record as they arrived.
            heard.sort_by_key(|h| h.at);
            let mut records = Vec::new();
            for h in heard {
                let Some(time) = millis(h.at) else {
                    left_out.too_old += 1;
                    continue;
                };
                let from = h.direction.filter(|_| stands).and_then(|(from, azimuth, elevation)| {
                    let height_amsl = geoid.amsl_m(from)?;
                    let place = Position3d { lat: from.lat_deg, lon: from.lon_deg, height_amsl };
                    let bearing = azimuth.rem_euclid(360.0);
                    Some((
                        place,
                        match elevation {
                            Some(elevation) => Location::BearingElevation { bearing, elevation },
                            None => Location::Bearing { bearing },
                        },
                    ))
                });
                left_out.directions += usize::from(h.direction.is_some() && from.is_none());
                records.push(DetectionRecord {
                    time,
                    record_number: numbered(),
                    classification: h.classification,
                    alarm: None,
                    location: from.map(|f| f.1),
                    identification: h.identification.clone(),
                    cuas_location: from.map(|f| f.0),
                });
            }
            if !records.is_empty() {
                detection.push(DetectionSet { uas_id: None, name: Some(format!("sensor {}", n + 1)), records });
            }
        }
        let mut reports = Vec::new();
        for s in self.sightings.values().filter(|s| self.wanted.holds(s.last_seen)) {
            if self.retracted.contains(&s.id) {
                left_out.retracted += 1;
            } else if hidden.contains(&s.id) {
                left_out.marked += 1;
            } else if let Some(time) = millis(s.last_seen) {
                let classification =
                    if s.kind.class().is_some() { Classification::Uav } else { Classification::Unknown };
                reports.push(DetectionRecord {
                    time,
                    record_number: numbered(),
                    classification,
                    alarm: None,
                    // A direction is one from where somebody stands.
                    location: None,
                    identification: Some("reported by a person".to_owned()),
                    cuas_location: None,
                });
            } else {
                left_out.too_old += 1;
            }
        }
        if !reports.is_empty() {
            reports.sort_by_key(|r| (r.time, r.record_number));
            detection.push(DetectionSet { uas_id: None, name: Some("people's reports".to_owned()), records: reports });
        }
        let height_amsl = geoid.amsl_m(at).unwrap_or_default();
        let document = Document {
            version: VERSION,
            vendor_name: vendor.to_owned(),
            system_name: match &self.exercise {
                Some(name) => format!("{system} (EXERCISE {name})"),
                None => system.to_owned(),
            },
            static_cuas_location: Position3d { lat: at.lat_deg, lon: at.lon_deg, height_amsl },
            detection,
            tracks,
        };
        (document, left_out)
    }
}

fn position(place: Place, height: Option<f64>) -> Location {
    let (lat, lon) = (place.lat_deg, place.lon_deg);
    match height {
        Some(height_amsl) => Location::Position3d(Position3d { lat, lon, height_amsl }),
        None => Location::Position2d { lat, lon },
    }
}

/// Who a track is likeliest to be, of the registers that name aircraft and nobody behind them.
fn said(t: &Track) -> Option<(IdKind, String)> {
    [IdKind::Serial, IdKind::Session, IdKind::Utm, IdKind::Icao]
        .into_iter()
        .filter_map(|kind| t.id_of(kind))
        .find(|id| id.p >= SAID_P)
        .map(|id| (id.kind, id.value.clone()))
}

fn word(kind: IdKind) -> &'static str {
    match kind {
        IdKind::Serial => "serial",
        IdKind::Session => "session",
        IdKind::Utm => "UTM",
        IdKind::Icao => "ICAO",
        IdKind::Caa | IdKind::TakUid => "id",
    }
}

fn identified(said: Option<&(IdKind, String)>, suspect: bool) -> Option<String> {
    match (said, suspect) {
        (Some((kind, value)), false) => Some(format!("{} {value}", word(*kind))),
        (Some((kind, value)), true) => Some(format!("suspect: claims {} {value}", word(*kind))),
        (None, true) => Some("suspect".to_owned()),
        (None, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use skypicket_model::entry::ActEntry;

    fn entry(index: u64, body: Body) -> Entry {
        Entry { index, recorded_at: Time::from_micros(0), cause: None, body }
    }

    fn uuid(n: u64) -> String {
        format!("018f0000-0000-7000-8000-{n:012}")
    }

    fn report(n: u64, marking: &Value) -> Body {
        let sighting: Sighting = serde_json::from_value(json!({
            "id": uuid(n), "reporter": "agent", "from": {"lat_deg": 31.7, "lon_deg": -106.4, "alt_hae_m": 1_200.0},
            "from_accuracy_m": 8.0, "kind": "unsure", "first_seen": "2026-11-26T18:00:00Z",
            "last_seen": "2026-11-26T18:00:00Z", "marking": marking,
        }))
        .unwrap();
        let by = PersonId::new("agent").unwrap();
        Body::Act(ActEntry {
            by,
            via: "web".into(),
            request: None,
            act: Act::Sighting { sighting: Box::new(sighting) },
        })
    }

    fn track(n: u64, at_s: i64, change: &Value) -> Body {
        let mut t = json!({
            "id": uuid(n), "state": "confirmed", "at": second(at_s),
            "measured_at": "2026-11-26T18:00:00Z", "since": "2026-11-26T18:00:00Z",
            "place": {"lat_deg": 31.76, "lon_deg": -106.49, "alt_hae_m": 1_200.0}, "vel_enu_mps": [1.0, 2.0, 3.0],
            "cov_enu_m2": [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]],
            "vel_cov_enu": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            "cross_cov_enu": [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
            "existence": 0.99, "ids": [], "class": null, "class_p": 0.0, "affiliation": "unknown", "suspect": false,
            "evidence": [], "sources": [], "because": [], "height_takeoff_m": null, "by_people_only": false,
        });
        t.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Body::Tracks { items: vec![serde_json::from_value(t).unwrap()] }
    }

    fn exported(agency: Option<&str>, bodies: &[Body]) -> (Document, LeftOut) {
        exported_from(None, agency, bodies)
    }

    fn exported_from(from: Option<Time>, agency: Option<&str>, bodies: &[Body]) -> (Document, LeftOut) {
        let nobody = PersonId::new("nobody").unwrap();
        let agency = agency.map(|a| AgencyId::new(a).unwrap());
        let mut seen = Seen::new(Wanted { from, until: None, agency, nobody });
        (0..).zip(bodies).for_each(|(k, b)| seen.take(&entry(k, b.clone())));
        seen.document("v", "s", Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: Some(1_140.0) })
    }

    fn fed(track: u64, sighting: u64, marking: &Value) -> Body {
        let Body::Act(ActEntry { act: Act::Sighting { sighting }, .. }) = report(sighting, marking) else {
            unreachable!()
        };
        Body::Desk(
            serde_json::from_value(json!({"event": "sighting", "state": {
                "sighting": sighting, "stored_at": "2026-11-26T18:00:00Z", "verdict": {"is": "new"}, "decided_by": null,
                "decided_at": null, "why": "", "leaders": [], "seen_by_centre": null, "seen_by_leadership": null,
                "retracted_at": null, "track": uuid(track),
            }}))
            .unwrap(),
        )
    }

    #[test]
    fn reports_and_what_rests_on_them_alone_go_as_far_as_their_marking() {
        let [open, partner, own, red] = [
            json!({"tlp": "TLP:GREEN"}),
            json!({"tlp": "TLP:AMBER", "owner": "north", "releasable_to": ["south"]}),
            json!({"tlp": "TLP:AMBER+STRICT", "owner": "south"}),
            json!({"tlp": "TLP:RED", "owner": "south", "named": ["nobody"]}),
        ];
        let people = json!({"by_people_only": true});
        let bodies = [
            report(1, &open),
            report(2, &partner),
            report(3, &own),
            report(4, &red),
            fed(11, 1, &open),
            fed(12, 2, &partner),
            track(11, 0, &people),
            track(12, 0, &people),
            // Of no report that is known; and one that a sensor saw.
            track(13, 0, &people),
            track(14, 0, &json!({})),
        ];
        for (agency, reports, tracks) in
            [(None, 1, [11, 14].as_slice()), (Some("south"), 2, &[11, 12, 14]), (Some("west"), 1, &[11, 14])]
        {
            let (d, left_out) = exported(agency, &bodies);
            assert_eq!(d.detection[0].records.len(), reports, "{agency:?}");
            let names: Vec<String> = d.tracks.iter().filter_map(|t| t.name.clone()).collect();
            let want: Vec<String> = tracks.iter().map(|n| format!("track {}", uuid(*n))).collect();
            assert_eq!(names, want, "{agency:?}");
            assert_eq!((left_out.marked, left_out.people), (4 - reports, 4 - tracks.len()), "{agency:?}");
        }
    }

    #[test]
    fn pieces_of_one_target_have_one_number_and_others_have_their_own() {
        let who = |value: &str, p: f64| json!({"ids": [{"kind": "serial", "value": value, "p": p}]});
        let doubted = json!({"ids": [{"kind": "serial", "value": "S1", "p": 0.9}], "suspect": true});
        let mut bodies: Vec<Body> = [0, 1, 2, 9, 10].iter().map(|t| track(1, *t, &who("S1", 0.9))).collect();
        // Lost, and found again under another number of ours; another at the same time; one that is doubted; one not sure enough.
        bodies.extend([
            track(2, 30, &who("S1", 0.9)),
            track(3, 30, &who("S1", 0.9)),
            track(4, 50, &doubted),
            track(5, 60, &who("S1", 0.4)),
        ]);
        bodies.push(track(1, 11, &json!({"state": "tentative"})));
        let (d, _) = exported(None, &bodies);
        let pieces: Vec<(u64, usize)> = d.tracks.iter().map(|t| (t.uas_id, t.records.len())).collect();
        assert_eq!(pieces, [(1, 3), (1, 2), (1, 1), (2, 1), (3, 1), (4, 1)]);
        let numbers: Vec<u64> = d.tracks.iter().flat_map(|t| &t.records).map(|r| r.record_number).collect();
        assert_eq!(numbers, (1..=9).collect::<Vec<u64>>());
        let said = |k: usize| d.tracks[k].records[0].identification.as_deref();
        assert_eq!((said(0), said(4), said(5)), (Some("serial S1"), Some("suspect: claims serial S1"), None));
        let class = |k: usize| d.tracks[k].records[0].classification;
        assert_eq!(
            (class(0), class(4), class(5)),
            (Classification::Uav, Classification::Unknown, Classification::Unknown)
        );
    }

    fn second(n: i64) -> Time {
        Time::from_micros(1_764_180_000_000_000 + n * 1_000_000)
    }

    /// A direction finder's bearing from so many metres east of its first place.
    fn bearing(at_s: i64, east_m: f64, azimuth_deg: f64) -> Body {
        let o = json!({
            "id": uuid(900), "source": "finder", "observed_at": second(at_s), "received_at": second(at_s),
            "measurement": {"kind": "bearing", "from": {"lat_deg": 0.0, "lon_deg": east_m / 111_319.5, "alt_hae_m": 50.0},
                "from_sigma_m": 3.0, "azimuth_deg": azimuth_deg, "azimuth_error": [[1.0, 2.0]], "elevation_deg": null,
                "range": null},
            "claims": {},
        });
        Body::Observations { items: vec![serde_json::from_value(o).unwrap()] }
    }

    #[test]
    fn a_sensor_that_moved_at_another_time_tells_no_place_in_this_one() {
        let bodies = [bearing(0, 400.0, 10.0), bearing(100, 0.0, 20.0), bearing(101, 1.0, 30.0)];
        let (d, left_out) = exported_from(Some(second(50)), None, &bodies);
        let records = &d.detection[0].records;
        assert_eq!((records.len(), left_out.directions), (2, 2));
        assert!(records.iter().all(|r| r.location.is_none() && r.cuas_location.is_none()), "{records:?}");
        // One that stood all the time tells it.
        let (d, left_out) = exported_from(Some(second(50)), None, &bodies[1..]);
        assert_eq!(
            (d.detection[0].records[0].location, left_out.directions),
            (Some(Location::Bearing { bearing: 20.0 }), 0)
        );
    }

    #[test]
    fn detections_are_in_the_order_of_time_whenever_they_arrived() {
        let (d, _) = exported(None, &[bearing(5, 0.0, 50.0), bearing(3, 0.0, 30.0), bearing(4, 0.0, 40.0)]);
        let said: Vec<_> = d.detection[0].records.iter().map(|r| (r.record_number, r.location)).collect();
        let want = [30.0, 40.0, 50.0].map(|bearing| Some(Location::Bearing { bearing }));
        assert_eq!(said, (1..).zip(want).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_left_out_of_a_track_breaks_its_stretch() {
        let people = json!({"by_people_only": true});
        let mut bodies: Vec<Body> = [0, 1].iter().map(|t| track(1, *t, &json!({}))).collect();
        bodies.extend((2..8).map(|t| track(1, t, &people)));
        bodies.extend([8, 9, 10].iter().map(|t| track(1, *t, &json!({}))));
        let (d, left_out) = exported(None, &bodies);
        let pieces: Vec<(u64, usize)> = d.tracks.iter().map(|t| (t.uas_id, t.records.len())).collect();
        assert_eq!((pieces, left_out.people), (vec![(1, 2), (1, 3)], 6));
    }

    #[test]
    fn the_alarm_is_on_while_a_warning_about_this_track_stands() {
        let notice = |n: u64, about: u64, state: &str| {
            let n = json!({
                "id": uuid(n), "version": 1, "state": state, "level": "urgent", "at": second(0), "track": uuid(about),
                "protected": {"person": "picket-7"}, "protected_name": "Picket 7", "needs_ack": true,
                "facts": {"distance_m": 1.0, "bearing_deg": 2.0, "earliest_s": 3.0, "cpa_m": 4.0, "p_within_30": 0.5,
                    "track_at": {"lat_deg": 1.0, "lon_deg": 2.0}, "height_unknown": false, "by_people_only": false},
                "reasons": [], "because": [], "marking": {"tlp": "TLP:AMBER"}, "exercise": null, "code": "1234",
                "text": "Drone", "text_es": "Dron",
            });
            Body::Notice(serde_json::from_value(n).unwrap())
        };
        let at = |t: i64| track(1, t, &json!({"existence": 0.75}));
        let bodies = [
            // Another's.
            notice(30, 2, "raised"),
            at(0),
            notice(31, 1, "raised"),
            notice(32, 1, "raised"),
            at(1),
            notice(31, 1, "cleared"),
            notice(32, 1, "updated"),
            at(2),
            notice(32, 1, "cleared"),
            at(3),
        ];
        let (d, _) = exported(None, &bodies);
        let alarms: Vec<bool> = d.tracks[0].records.iter().map(|r| r.alarm.active).collect();
        assert_eq!(alarms, [false, true, true, false]);
        assert!(d.tracks[0].records.iter().all(|r| (r.alarm.certainty - 0.75).abs() < 1e-9), "how sure it is there");
    }

    #[test]
    fn what_is_not_known_is_not_written() {
        let flat = json!({"place": {"lat_deg": 31.76, "lon_deg": -106.49, "alt_hae_m": null}, "class": "bird", "class_p": 0.8,
            "ids": [{"kind": "caa", "value": "OPERATOR", "p": 1.0}, {"kind": "tak_uid", "value": "PERSON", "p": 1.0}]});
        let (d, left_out) = exported(None, &[track(1, 0, &flat)]);
        let r = &d.tracks[0].records[0];
        assert_eq!(r.location, Location::Position2d { lat: 31.76, lon: -106.49 });
        assert_eq!((r.velocity, &r.identification, r.classification), (None, &None, Classification::Other));
        assert_eq!(left_out.flat, 1);
    }
}
