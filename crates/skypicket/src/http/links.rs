//! The page `/a`, opened by a signed link in a mail or SMS: one person reads and acknowledges one version of one notice.
//!
//! No session, and none is made: the token is all. It stands behind the `#`, so it is in no request line. Reading is a POST
//! as well, and acknowledging happens only at the press of the button: programs that look at links in mail beforehand
//! change nothing. What is shown goes no further than the channel that the link came over may carry.

use super::{App, Problem, body::Strict, browser::Browser, ok, sessions::refused};
use crate::{
    clock,
    http::auth::{AccessError, hash},
    inbox::NotTaken,
    links::Link,
};
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    Act, Level, Request as RecordedRequest, RequestId, Time, entry::ActEntry, may_see, people::Language,
};
use skypicket_wire::render::{Sending, Words, releases};

const PAGE: &str = include_str!("links/link.html");
const STYLE: &str = include_str!("links/link.css");
const SCRIPT: &str = include_str!("links/link.js");

/// `GET /a` and its files.
pub async fn page(request: Request) -> Result<Response, Problem> {
    let (kind, text) = match request.uri().path() {
        "/a" => ("text/html; charset=utf-8", PAGE),
        "/a/link.css" => ("text/css; charset=utf-8", STYLE),
        "/a/link.js" => ("text/javascript; charset=utf-8", SCRIPT),
        _ => return Err(Problem::not_found()),
    };
    let mut r = text.into_response();
    r.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    r.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(r)
}

/// A token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    token: String,
}

/// A token, to acknowledge by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeBody {
    token: String,
    id: RequestId,
}

/// How it stands with what a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// It can be read, and acknowledged where that is asked.
    Open,
    /// A newer version asks to be acknowledged itself.
    Superseded,
    /// It is over.
    Ended,
    /// Its label is above what this way may carry.
    Withheld,
}

/// What the page shows.
#[derive(Debug, Serialize)]
struct View {
    state: Standing,
    language: Language,
    exercise: Option<String>,
    marking: Option<String>,
    level: Option<Level>,
    title: Option<String>,
    text: Option<String>,
    /// An acknowledgement is asked of this person.
    asked: bool,
    acknowledged_at: Option<Time>,
    #[serde(skip)]
    owes: bool,
}

fn wrong() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "wrong_link",
        "This link is not one of this centre's, or was cut: open the whole link.",
    )
}

/// The link of a token; wrong ones are counted by where they come from.
fn link_of(app: &App, browser: &Browser, token: &str) -> Result<Link, Problem> {
    let now = clock::now();
    let Some(link) = app.carriers.links.read(token) else {
        let tried = app.carriers.links.wrong(browser.place.address, now);
        return Err(tried.map_or_else(|wait| refused(AccessError::TooMany(wait)), |()| wrong()));
    };
    if link.is_over(now) {
        return Err(Problem::new(StatusCode::GONE, "link_expired", "The time of this link is over: open Skypicket."));
    }
    Ok(link)
}

/// What a link shows now; nothing to somebody who is shut out or may no longer see it.
async fn look(app: &App, link: &Link) -> Result<View, Problem> {
    let (l, most) = (link.clone(), app.carriers.content_up_to(link.channel));
    let seen = app.centre.ask(move |e| {
        let person = e.directory().active(&l.person)?;
        let reader = e.directory().reader(&l.person)?;
        let language = person.language;
        let bare = |state| View {
            state,
            language,
            exercise: None,
            marking: None,
            level: None,
            title: None,
            text: None,
            asked: false,
            acknowledged_at: None,
            owes: false,
        };
        let Some(notice) = e.notice(l.notice) else { return Some(bare(Standing::Ended)) };
        if !may_see(&reader, &notice.marking) {
            return None;
        }
        let row = e.dispatcher().recipient(l.notice, &l.person)?;
        let exercise = notice.exercise.clone();
        if notice.state.ended() {
            return Some(View { exercise, ..bare(Standing::Ended) });
        }
        if e.dispatcher().check_acknowledge(&l.person, l.notice, l.version).is_err() {
            return Some(View { exercise, ..bare(Standing::Superseded) });
        }
        if !releases(notice.marking.tlp, most) {
            return Some(View { exercise, ..bare(Standing::Withheld) });
        }
        let words = Words::of(notice, &l.person, language, Sending::default());
        Some(View {
            state: Standing::Open,
            language,
            exercise,
            marking: Some(words.marking.into_owned()),
            level: Some(notice.level),
            title: Some(words.title.into_owned()),
            text: Some(words.text.to_owned()),
            asked: notice.needs_ack,
            acknowledged_at: row.acknowledged_at,
            owes: row.owes,
        })
    });
    seen.await?.ok_or_else(wrong)
}

/// `POST /links/read`.
pub async fn read(
    State(app): State<App>,
    browser: Browser,
    Strict { body, .. }: Strict<TokenBody, 4_096>,
) -> Result<Response, Problem> {
    let link = link_of(&app, &browser, &body.token)?;
    ok(Json(look(&app, &link).await?))
}

/// `POST /links/acknowledge`: doing it twice is fine, and stands in the record once.
pub async fn acknowledge(
    State(app): State<App>,
    browser: Browser,
    Strict { body, .. }: Strict<AcknowledgeBody, 4_096>,
) -> Result<Response, Problem> {
    let link = link_of(&app, &browser, &body.token)?;
    let before = look(&app, &link).await?;
    let conflict = |code, words: &str| Problem::new(StatusCode::CONFLICT, code, words);
    match before.state {
        Standing::Open if before.acknowledged_at.is_some() && !before.owes => return ok(Json(before)),
        Standing::Open => {}
        Standing::Superseded => {
            return Err(conflict("superseded", "There is a newer version: open the newest message, or Skypicket."));
        }
        Standing::Ended => return Err(conflict("over", "It is over: nothing is to be acknowledged.")),
        Standing::Withheld => return Err(Problem::forbidden("This way may not carry its words: open Skypicket.")),
    }
    let Link { person, notice, version, channel, .. } = link.clone();
    let sha256 = hash(&format!("POST links/acknowledge\n{notice}/{version}"));
    let request = RecordedRequest { id: body.id, sha256, status: 200, answer: String::new() };
    let act = Act::Acknowledge { notice, version, channel };
    let entry = ActEntry { by: person, via: "link".into(), request: Some(request), act };
    match app.centre.act(entry).await {
        Ok(()) | Err(NotTaken::Repeat(_)) => ok(Json(look(&app, &link).await?)),
        Err(e) => Err(e.into()),
    }
}
