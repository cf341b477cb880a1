//! Where things and people are, over HTTP: positions, tracks, dangers, people, sites, own flights.

use super::{
    App, Problem, Signed, auth,
    body::{Strict, once},
    ok, shows_positions,
    sightings::by_our_clock,
};
use crate::{
    clock,
    clocks::Whose,
    views::{PersonItem, Reachable},
};
use axum::{
    Extension, Json,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::{Act, LatLon, OwnFlight, PersonId, Place, Position, RequestId, Role, SourceId, Time, UnitId};
use skypicket_wire::json as strict;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// A person's position as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionReport {
    id: RequestId,
    at: Place,
    accuracy_m: f64,
    observed_at: Time,
    #[serde(default)]
    sent_at: Option<Time>,
}

/// The newest position requests of each person, so that a repeat is known. Positions come every few seconds and a later
/// one replaces an earlier, so they are not kept as requests in the record.
#[derive(Default)]
pub struct SeenPositions {
    seen: Mutex<SeenRequests>,
    /// A person's positions are taken one after the other: a repeat that overtakes the first waits until that is durable.
    turns: Mutex<HashMap<PersonId, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Default)]
struct SeenRequests {
    by_id: HashMap<RequestId, (PersonId, String)>,
    of: HashMap<PersonId, VecDeque<RequestId>>,
}

enum Seen {
    New,
    Same,
    Other,
    Foreign,
}

impl SeenPositions {
    const EACH: usize = 64;

    fn turn(&self, person: &PersonId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(person.clone()).or_default())
    }

    fn look(&self, person: &PersonId, id: RequestId, sha: &str) -> Seen {
        match self.seen.lock().unwrap_or_else(PoisonError::into_inner).by_id.get(&id) {
            None => Seen::New,
            Some((p, _)) if p != person => Seen::Foreign,
            Some((_, s)) if s == sha => Seen::Same,
            Some(_) => Seen::Other,
        }
    }

    fn keep(&self, person: &PersonId, id: RequestId, sha: String) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = seen.of.entry(person.clone()).or_default();
        let oldest = if mine.len() == Self::EACH { mine.pop_front() } else { None };
        mine.push_back(id);
        if let Some(old) = oldest {
            seen.by_id.remove(&old);
        }
        seen.by_id.insert(id, (person.clone(), sha));
    }
}

/// `POST /positions`.
pub async fn position(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { mut value, body }: Strict<PositionReport>,
) -> Result<Response, Problem> {
    let at = body.at.check().map_err(|e| Problem::invalid(e.to_string()))?;
    if !(body.accuracy_m > 0.0 && body.accuracy_m <= 50_000.0) {
        return Err(Problem::invalid("accuracy_m: must be over 0 and at most 50000 m"));
    }
    if let Some(o) = value.as_object_mut() {
        o.remove("sent_at");
    }
    let sha = auth::hash(&strict::canonical(&value));
    let answer = (StatusCode::CREATED, Json(json!({"id": body.id})));
    let turn = app.positions.turn(caller.id());
    let _mine = turn.lock().await;
    match app.positions.look(caller.id(), body.id, &sha) {
        Seen::Same => return ok(answer),
        Seen::Other => return Err(Problem::reused()),
        Seen::Foreign => return Err(Problem::not_found()),
        Seen::New => {}
    }
    if let Some(sent_at) = body.sent_at {
        app.sources.clocks.heard(Whose::Phone(caller.id().clone()), sent_at, clock::now());
    }
    let position = Position {
        person: caller.id().clone(),
        at,
        accuracy_m: body.accuracy_m,
        observed_at: by_our_clock("observed_at", body.observed_at, body.sent_at, clock::now())?,
        via: SourceId::of_person(caller.id()),
    };
    if let Some(x) = &app.exercise {
        if x.stands_in_for(&app.centre, caller.id(), at).await.is_some() {
            return ok(answer);
        }
        x.is_live(caller.id(), clock::now());
    }
    app.centre.position(position).await?;
    app.positions.keep(caller.id(), body.id, sha);
    ok(answer)
}

/// GeoJSON, RFC 7946.
fn geojson(features: &[serde_json::Value]) -> Result<Response, Problem> {
    ok((
        [(header::CONTENT_TYPE, "application/geo+json")],
        Json(json!({"type": "FeatureCollection", "features": features})),
    ))
}

/// `GET /tracks`.
pub async fn tracks(State(app): State<App>) -> Result<Response, Problem> {
    let picture = app.centre.picture.borrow().clone();
    let live: Vec<_> = picture.features().filter(|f| f["properties"]["state"] != "deleted").collect();
    geojson(&live)
}

/// `GET /dangers`.
pub async fn dangers(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let picture = app.centre.picture.borrow().clone();
    let dangers = picture.dangers_for(caller.id(), &caller.unit, caller.sees.all);
    let whose: Vec<PersonId> = dangers.iter().filter_map(|d| d.protected.person().cloned()).collect();
    Ok(shows_positions(Json(json!({"items": dangers})).into_response(), &caller, whose))
}

/// Which people, and which page of them: after the id in `cursor`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleQuery {
    #[serde(default)]
    cursor: Option<PersonId>,
    #[serde(default)]
    limit: Option<usize>,
    /// Only those whom nothing would reach now, those first whom somebody must call.
    #[serde(default)]
    unreachable: bool,
}

/// `GET /people`: everybody for the centre, a supervisor's own people for a supervisor.
pub async fn people(
    State(app): State<App>,
    Extension(caller): Signed,
    Query(q): Query<PeopleQuery>,
) -> Result<Response, Problem> {
    let limit = q.limit.unwrap_or(200).clamp(1, 1_000);
    let roles = &caller.reader.roles;
    let all = [Role::Watch, Role::Auditor, Role::Administrator].iter().any(|r| roles.contains(r));
    // An administrator keeps accounts: where people stand is none of their business.
    let places = [Role::Watch, Role::Auditor, Role::Supervisor].iter().any(|r| roles.contains(r));
    let cut = move |p: PersonItem| if places { p } else { PersonItem { position: None, ..p } };
    let me = caller.id().clone();
    let (items, next) = app
        .centre
        .ask(move |e| {
            let d = e.directory();
            if q.unreachable {
                let mine = |id: &&PersonId| all || d.leaders_of(id).contains(&me);
                // Nobody calls a device.
                let person = |p: &PersonItem| !p.roles.contains(&Role::Device);
                let found = d.people.keys().filter(mine).filter_map(|id| PersonItem::of(e, id));
                let mut found: Vec<PersonItem> = found.filter(|p| p.unreachable && person(p)).collect();
                found.sort_by_cached_key(Reachable::order);
                let from = q.cursor.as_ref().and_then(|c| found.iter().position(|p| p.id == *c)).map_or(0, |k| k + 1);
                let over = found.len() > from + limit;
                let items: Vec<PersonItem> = found.into_iter().skip(from).take(limit).map(cut).collect();
                let next = items.last().filter(|_| over).map(|p| p.id.clone());
                return (items, next);
            }
            let after = |id: &&PersonId| q.cursor.as_ref().is_none_or(|c| *id > c);
            let mine = |id: &&PersonId| all || d.leaders_of(id).contains(&me);
            let mut ids = d.people.keys().filter(after).filter(mine);
            let items: Vec<PersonItem> =
                ids.by_ref().take(limit).filter_map(|id| PersonItem::of(e, id)).map(cut).collect();
            let next = ids.next().and(items.last().map(|p| p.id.clone()));
            (items, next)
        })
        .await?;
    let whose: Vec<PersonId> = items.iter().filter(|p| p.position.is_some()).map(|p| p.id.clone()).collect();
    Ok(shows_positions(Json(json!({"items": items, "next": next})).into_response(), &caller, whose))
}

/// `GET /sites`.
pub async fn sites(State(app): State<App>) -> Result<Response, Problem> {
    let features = app
        .centre
        .ask(|e| {
            let default = e.policies().warn.standoff_m;
            e.directory()
                .sites
                .values()
                .map(|s| {
                    json!({
                        "type": "Feature", "id": s.id,
                        "geometry": {"type": "Point", "coordinates": [s.at.lon_deg, s.at.lat_deg]},
                        "properties": {"id": s.id, "name": s.name, "unit": s.unit, "standoff_m": s.standoff_m.unwrap_or(default)},
                    })
                })
                .collect::<Vec<_>>()
        })
        .await?;
    geojson(&features)
}

/// `GET /own-flights`.
pub async fn own_flights(State(app): State<App>) -> Result<Response, Problem> {
    let items = app.centre.ask(|e| e.own_flights().values().cloned().collect::<Vec<_>>()).await?;
    ok(Json(json!({"items": items})))
}

/// An own flight as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnFlightBody {
    id: RequestId,
    /// The flight to change; the new one's id when left out.
    #[serde(default)]
    flight: Option<String>,
    unit: UnitId,
    #[serde(default)]
    serial: Option<String>,
    centre: LatLon,
    radius_m: f64,
    from: Time,
    until: Time,
}

/// `POST /own-flights`.
pub async fn file_own_flight(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<OwnFlightBody>,
) -> Result<Response, Problem> {
    LatLon::new(body.centre.lat_deg, body.centre.lon_deg).map_err(|e| Problem::invalid(format!("centre: {e}")))?;
    if !(body.radius_m > 0.0 && body.radius_m <= 100_000.0) {
        return Err(Problem::invalid("radius_m: must be over 0 and at most 100000 m"));
    }
    if body.until <= body.from || body.until.since_s(body.from) > 7.0 * 86_400.0 {
        return Err(Problem::invalid("until: must be after from, by at most seven days"));
    }
    let text = |s: &str| !s.is_empty() && s.len() <= 64 && s.chars().all(|c| c.is_ascii_graphic());
    if body.serial.as_deref().is_some_and(|s| !text(s)) || body.flight.as_deref().is_some_and(|s| !text(s)) {
        return Err(Problem::invalid("serial and flight: 1 to 64 printable characters without spaces"));
    }
    let unit = body.unit.clone();
    if !app.centre.ask(move |e| e.directory().units.contains_key(&unit)).await? {
        return Err(Problem::invalid(format!("unit: there is no unit '{}'", body.unit)));
    }
    let flight = OwnFlight {
        id: body.flight.unwrap_or_else(|| body.id.to_string()),
        unit: body.unit,
        serial: body.serial,
        centre: body.centre,
        radius_m: body.radius_m,
        from: body.from,
        until: body.until,
    };
    let answer = serde_json::to_value(&flight).map_err(Problem::internal)?;
    once(&app, &caller, (body.id, "POST own-flights", value), (StatusCode::CREATED, answer), Act::OwnFlight(flight))
        .await
}
