//! Sightings over HTTP: report, list, see, decide, take back.

use super::{
    App, Problem, Signed,
    body::{Only, Strict, once},
    ok, shows_positions,
};
use crate::{clock, hub::may_see_sighting, views::SightingView};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{
    Act, Marking, Place, RequestId, Sighting, SightingId, Time, Triage, Verdict,
    sighting::{Activity, DroneKind, RangeClass, SightingBearing},
};
use skypicket_record::{Record, SightingQuery};

/// What a client sends: a sighting without what the server knows better.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SightingReport {
    id: SightingId,
    from: Place,
    from_accuracy_m: f64,
    #[serde(default)]
    bearing: Option<SightingBearing>,
    #[serde(default)]
    range: RangeClass,
    #[serde(default)]
    elevation_deg: Option<f64>,
    kind: DroneKind,
    #[serde(default)]
    count: Option<u16>,
    #[serde(default)]
    activity: Activity,
    #[serde(default)]
    lights: Option<bool>,
    #[serde(default)]
    sound: Option<bool>,
    #[serde(default)]
    payload: Option<bool>,
    #[serde(default)]
    words: String,
    first_seen: Time,
    last_seen: Time,
    /// The device's clock at sending.
    #[serde(default)]
    sent_at: Option<Time>,
}

/// How far the device's clock is from ours before its times are corrected, seconds.
const CLOCK_SLACK_S: f64 = 2.0;

/// 2000-01-01T00:00:00Z: what a device says of a time before is a fault of its clock, not an observation.
const EARLIEST: Time = Time::from_micros(946_684_800_000_000);

/// A device's time by our clock: moved by the offset that the device showed at sending, never in the future. Refused
/// where that lies before the year 2000.
pub fn by_our_clock(field: &str, t: Time, sent_at: Option<Time>, now: Time) -> Result<Time, Problem> {
    let offset = sent_at.map_or(0.0, |s| now.since_s(s));
    let t = if offset.abs() > CLOCK_SLACK_S { t.plus_s(offset) } else { t };
    if t < EARLIEST {
        return Err(Problem::invalid(format!("{field}: before the year 2000: look at the clock of the device")));
    }
    Ok(t.min(now))
}

/// `POST /sightings`.
pub async fn report(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<SightingReport>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let last_seen = by_our_clock("last_seen", body.last_seen, body.sent_at, now)?;
    let sighting = Sighting {
        id: body.id,
        reporter: caller.id().clone(),
        from: body.from,
        from_accuracy_m: body.from_accuracy_m,
        bearing: body.bearing,
        range: body.range,
        elevation_deg: body.elevation_deg,
        kind: body.kind,
        count: body.count,
        activity: body.activity,
        lights: body.lights,
        sound: body.sound,
        payload: body.payload,
        words: body.words,
        first_seen: by_our_clock("first_seen", body.first_seen, body.sent_at, now)?.min(last_seen),
        last_seen,
        marking: Marking::default(),
    };
    let mut sighting = sighting;
    if let Some(x) = &app.exercise
        && let Some(at) = x.stands_in_for(&app.centre, caller.id(), sighting.from).await
    {
        sighting.from = at;
    }
    sighting.check().map_err(|e| Problem::invalid(e.to_string()))?;
    let answer = json!({
        "id": body.id,
        "receipts": {"stored_at": now, "seen_by_centre": null, "seen_by_leadership": null},
    });
    let act = Act::Sighting { sighting: Box::new(sighting) };
    once(&app, &caller, (RequestId(body.id.0), "POST sightings", value), (StatusCode::CREATED, answer), act).await
}

/// Which sightings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    mine: bool,
}

/// `GET /sightings`.
pub async fn list(
    State(app): State<App>,
    Extension(caller): Signed,
    Query(q): Query<ListQuery>,
) -> Result<Response, Problem> {
    let limit = q.limit.unwrap_or(50).clamp(1, 200);
    let directory = app.centre.ask(|e| e.directory().clone()).await?;
    let mut cursor = q.cursor;
    let mut items: Vec<SightingView> = Vec::new();
    // A reader who may see few of many still gets whole pages, in at most twenty reads.
    for _ in 0..20 {
        let query = SightingQuery {
            cursor: cursor.clone(),
            limit,
            reporters: if q.mine { vec![caller.id().clone()] } else { Vec::new() },
            ..SightingQuery::default()
        };
        let page = app.centre.record.sightings(query).await.map_err(Problem::internal)?;
        for s in &page.items {
            let view = SightingView::of(&directory, s);
            if may_see_sighting(&view, caller.id(), caller.sees)
                && skypicket_model::may_see(&caller.reader, &s.sighting.marking)
            {
                items.push(view);
            }
        }
        cursor = page.next;
        if cursor.is_none() || items.len() >= limit {
            break;
        }
    }
    // Where a reporter stood is where they were.
    let whose: Vec<_> = items.iter().map(|v| v.state.sighting.reporter.clone()).collect();
    Ok(shows_positions(Json(json!({"items": items, "next": cursor})).into_response(), &caller, whose))
}

/// A sighting that the caller may see.
async fn visible(app: &App, caller: &super::Caller, id: SightingId) -> Result<SightingView, Problem> {
    let held = app.centre.ask(move |e| e.desk().sighting(id).map(|s| SightingView::of(e.directory(), s))).await?;
    let view = if let Some(v) = held {
        v
    } else {
        // The desk keeps the newest; the record keeps all.
        let directory = app.centre.ask(|e| e.directory().clone()).await?;
        let state = app.centre.record.sighting(id).await.map_err(Problem::internal)?.ok_or_else(Problem::not_found)?;
        SightingView::of(&directory, &state)
    };
    let may = may_see_sighting(&view, caller.id(), caller.sees)
        && skypicket_model::may_see(&caller.reader, &view.state.sighting.marking);
    if may { Ok(view) } else { Err(Problem::not_found()) }
}

/// `GET /sightings/{id}`.
pub async fn one(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<SightingId>,
) -> Result<Response, Problem> {
    let view = visible(&app, &caller, id).await?;
    let whose = [view.state.sighting.reporter.clone()];
    Ok(shows_positions(Json(view).into_response(), &caller, whose))
}

/// Does an act about a sighting once and answers with its new state.
async fn change(
    app: &App,
    caller: &super::Caller,
    sighting: SightingId,
    (id, word, value): (RequestId, &str, Value),
    act: Act,
) -> Result<Response, Problem> {
    visible(app, caller, sighting).await?;
    let what = format!("POST sightings/{sighting}/{word}");
    once(app, caller, (id, &what, value), (StatusCode::OK, Value::Null), act).await?;
    ok(Json(visible(app, caller, sighting).await?))
}

/// `POST /sightings/{id}/seen`.
pub async fn seen(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(sighting): Path<SightingId>,
    Strict { value, body }: Strict<Only>,
) -> Result<Response, Problem> {
    change(&app, &caller, sighting, (body.id, "seen", value), Act::SeeSighting { sighting }).await
}

/// `POST /sightings/{id}/retraction`.
pub async fn retract(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(sighting): Path<SightingId>,
    Strict { value, body }: Strict<Only>,
) -> Result<Response, Problem> {
    change(&app, &caller, sighting, (body.id, "retraction", value), Act::Retract { sighting }).await
}

/// A decision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriageBody {
    id: RequestId,
    verdict: Verdict,
    #[serde(default)]
    why: String,
}

/// `POST /sightings/{id}/triage`.
pub async fn triage(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(sighting): Path<SightingId>,
    Strict { value, body }: Strict<TriageBody>,
) -> Result<Response, Problem> {
    if body.why.chars().count() > 1_000 {
        return Err(Problem::invalid("why: at most 1000 characters"));
    }
    let act = Act::Triage(Triage { sighting, verdict: body.verdict, why: body.why });
    change(&app, &caller, sighting, (body.id, "triage", value), act).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_device_clock_is_corrected_by_what_it_showed_at_sending() {
        let now = Time::from_unix_s(1_800_000_000.0).unwrap();
        let ahead = now.plus_s(86_400.0);
        // Seen 30 s before sending, by a clock one day fast.
        assert_eq!(by_our_clock("t", ahead.plus_s(-30.0), Some(ahead), now).unwrap(), now.plus_s(-30.0));
        // A clock that is right, and a report that waited an hour in the outbox.
        assert_eq!(by_our_clock("t", now.plus_s(-3_600.0), Some(now.plus_s(-0.3)), now).unwrap(), now.plus_s(-3_600.0));
        // Nothing is seen in the future.
        assert_eq!(by_our_clock("t", now.plus_s(5.0), None, now).unwrap(), now);
        // A clock that was never set, and one whose fault would carry a time out of the calendar.
        assert!(by_our_clock("t", Time::from_micros(0), None, now).is_err());
        let (first, last) = ("0001-01-01T00:00:00Z".parse().unwrap(), "9999-01-01T00:00:00Z".parse().unwrap());
        assert!(by_our_clock("t", first, Some(last), now).is_err());
    }
}
