//! `GET /events`: what happens, as server-sent events.

use super::{App, Caller, Problem, ShowsPositions, Signed, permission::Event};
use crate::{
    audit::Audit,
    centre::Centre,
    clock,
    hub::{Frames, Sees, frame},
    inbox::{Job, NotTaken},
};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use futures_util::stream;
use serde_json::json;
use skypicket_model::{Channel, PersonId, Time};
use std::{collections::BTreeSet, convert::Infallible, sync::Arc};

/// A stream that shows people's positions says so in the audit at its opening, and again after so long, seconds.
const SAID_AGAIN_S: f64 = 3_600.0;

/// Events that wait go out together up to so many bytes.
const TOGETHER: usize = 16 * 1_024;

/// An open stream; when it is dropped, the channel may be down.
struct Open {
    app: App,
    frames: Frames,
    number: u64,
    person: PersonId,
    positions: Option<Showing>,
}

/// An open stream that shows where people are.
struct Showing {
    audit: Audit,
    centre: Centre,
    person: PersonId,
    session: String,
    sees: Sees,
    /// Nobody named is everybody.
    whose: BTreeSet<PersonId>,
    said_at: Time,
}

impl Showing {
    /// Says it again when it is time to. The stream goes on whatever the disk does: it warns.
    async fn goes_on(&mut self) {
        let now = clock::now();
        if now.since_s(self.said_at) < SAID_AGAIN_S {
            return;
        }
        // Who leads whom may have changed.
        let Ok(Some(whose)) = whose(&self.centre, &self.person, self.sees).await else { return };
        self.whose = whose;
        self.audit.positions_beside(&self.person, &self.session, "GET /api/v1/events, still open", &self.whose).await;
        self.said_at = now;
    }
}

/// Whose positions a stream shows: everybody's (nobody named) at the centre, else those whom the person leads. Also
/// warnings and dangers tell a place.
async fn whose(centre: &Centre, person: &PersonId, sees: Sees) -> Result<Option<BTreeSet<PersonId>>, NotTaken> {
    if sees.all || sees.people {
        return Ok(Some(BTreeSet::new()));
    }
    let me = person.clone();
    let led: BTreeSet<PersonId> = centre
        .ask(move |e| {
            let d = e.directory();
            // Most lead nobody, and many come back at once after a restart: only the units that one leads are looked at.
            let units: BTreeSet<_> = d.units.values().filter(|u| u.leadership.contains(&me)).map(|u| &u.id).collect();
            let theirs = d.people.values().filter(|p| units.contains(&p.unit) && d.leaders_of(&p.id).contains(&me));
            theirs.map(|p| p.id.clone()).collect()
        })
        .await?;
    Ok((!led.is_empty()).then_some(led))
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.app.centre.hub.leave(self.number).is_some() {
            reach(&self.app, &self.person, false);
        }
        if let Some(s) = &self.positions {
            s.audit.positions_ended(&s.person, &s.session, "GET /api/v1/events, ended", &s.whose);
        }
    }
}

fn reach(app: &App, person: &PersonId, up: bool) {
    if let Err(error) = app.centre.inbox.push(Job::Reach(person.clone(), Channel::Web, up)) {
        tracing::warn!(%error, "a channel's change was not taken");
    }
}

/// `GET /events` for the program's own reader: nothing but heartbeats and test events.
pub fn own(app: &App) -> Response {
    streaming(app.web_loop.stream(clock::now()))
}

fn streaming(body: Body) -> Response {
    let mut response = Response::new(body);
    let h = response.headers_mut();
    h.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    h.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    h.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    response
}

/// What waits already goes out in one piece: one write for many small events.
fn together(first: Bytes, frames: &mut Frames) -> Bytes {
    let Ok(second) = frames.try_recv() else { return first };
    let mut all = first.to_vec();
    all.extend_from_slice(&second);
    while all.len() < TOGETHER {
        let Ok(next) = frames.try_recv() else { break };
        all.extend_from_slice(&next);
    }
    all.into()
}

/// `GET /events`.
pub async fn events(
    State(app): State<App>,
    Extension(caller): Signed,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    let Caller { reader, unit, sees, session } = caller;
    let person = reader.person.clone();
    let rights = (reader.clone(), unit.clone());
    let opened_with = session.clone();
    let whose = whose(&app.centre, &person, sees).await?;
    let hello = frame(Event::Hello, None, &json!({"now": clock::now(), "exercise": app.centre.exercise.as_deref()}));
    let joined = app.centre.hub.join((reader, unit), sees, after, hello);
    if joined.first {
        reach(&app, &person, true);
    } else {
        // A second page, or one that came back before the first was known to be gone: what is open goes there too.
        reach(&app, &person, false);
        reach(&app, &person, true);
    }
    let positions = whose.clone().map(|whose| Showing {
        audit: app.audit.clone(),
        centre: app.centre.clone(),
        person: person.clone(),
        session,
        sees,
        whose,
        said_at: clock::now(),
    });
    let (frames, number) = (joined.frames, joined.number);
    let open = Open { app: app.clone(), frames, number, person, positions };
    app.centre.hub.of_session(number, &opened_with);
    // What ended or changed between being let in and being listed here must not be missed.
    let asked = open.person.clone();
    let now = app.centre.ask(move |e| {
        let d = e.directory();
        Some((d.reader(&asked)?, d.people.get(&asked)?.unit.clone()))
    });
    if now.await? != Some(rights) || !(opened_with == "cli" || app.access.session_open(&opened_with)) {
        app.centre.hub.end_one(number);
    }
    let open = Arc::new(tokio::sync::Mutex::new(open));
    let body = stream::unfold(open, |open| async move {
        let mut o = open.lock().await;
        let first = o.frames.recv().await?;
        let next = together(first, &mut o.frames);
        if let Some(showing) = &mut o.positions {
            showing.goes_on().await;
        }
        drop(o);
        Some((Ok::<Bytes, Infallible>(next), open))
    });
    let mut response = streaming(Body::from_stream(body));
    // Nothing of it goes out before the guard has put this into the record, or has waited for that as long as a warning does.
    if let Some(whose) = whose {
        response.extensions_mut().insert(ShowsPositions(whose));
    }
    Ok(response)
}
