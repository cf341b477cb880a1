//! Search over HTTP: find what one may see, keep a search, read what is new for it.

use super::{
    App, Caller, Problem, Signed,
    body::{Strict, once},
    ok, shows_intelligence, shows_positions,
};
use crate::{
    clock,
    inbox::NotTaken,
    searches::{HitView, MOST_UNREAD, forget_read, keep_read, read_up_to, seen, seen_by_others},
};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::{
    Act, Credibility, LatLon, PersonId, Reliability, RequestId, SavedSearch, Search, SearchId, SearchKind, SearchPlace,
    Time, entry::ActEntry,
};
use skypicket_record::{Page, ReadError, Record, SearchHit, SearchOrder, SearchQuery};
use std::collections::BTreeSet;

/// Things on a page unless said, and at most.
const LIMIT: (usize, usize) = (50, 200);

/// What to look for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchFor {
    #[serde(default)]
    q: String,
    /// Words of kinds with commas between.
    #[serde(default)]
    kind: Option<String>,
    /// `LAT,LON`, degrees.
    #[serde(default)]
    near: Option<String>,
    /// Metres.
    #[serde(default)]
    within_m: Option<f64>,
    #[serde(default)]
    from: Option<Time>,
    #[serde(default)]
    until: Option<Time>,
    #[serde(default)]
    reliability: Option<Reliability>,
    #[serde(default)]
    credibility: Option<u8>,
    #[serde(default)]
    order: Order,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    Newest,
    Best,
}

impl SearchFor {
    /// As the record takes it; what is wrong with it, where something is.
    fn search(&self) -> Result<Search, String> {
        let kind = |word: &str| {
            SearchKind::ALL
                .into_iter()
                .find(|k| k.word() == word)
                .ok_or_else(|| format!("kind: there is no '{word}': give sighting, report, bulletin or warning"))
        };
        let words = self.kind.iter().flat_map(|k| k.split(',')).map(str::trim).filter(|w| !w.is_empty());
        let near = match (&self.near, self.within_m) {
            (None, None) => None,
            (Some(at), Some(within_m)) => Some(SearchPlace { at: lat_lon(at)?, within_m }),
            (Some(_), None) => return Err("within_m: say how far from there, metres".into()),
            (None, Some(_)) => return Err("near: say where, as LAT,LON in degrees".into()),
        };
        let search = Search {
            q: self.q.clone(),
            kinds: words.map(kind).collect::<Result<BTreeSet<_>, _>>()?,
            near,
            from: self.from,
            until: self.until,
            reliability: self.reliability,
            credibility: self.credibility.map(Credibility::try_from).transpose()?,
        };
        search.check()?;
        Ok(search)
    }
}

fn lat_lon(text: &str) -> Result<LatLon, String> {
    let wrong =
        || format!("near: '{}' is no place: give LAT,LON in degrees", text.chars().take(40).collect::<String>());
    let (lat, lon) = text.split_once(',').ok_or_else(wrong)?;
    let degrees = |t: &str| t.trim().parse::<f64>().map_err(|_| wrong());
    LatLon::new(degrees(lat)?, degrees(lon)?).map_err(|e| format!("near: {e}"))
}

/// What the record could not answer.
fn unread(error: ReadError) -> Problem {
    match error {
        ReadError::Cursor => Problem::invalid("cursor: it is none of this list"),
        ReadError::Question(why) => Problem::invalid(why),
        ReadError::Timeout => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_long",
            "The search took too long: narrow it by a kind, a time or a place.",
        ),
        error => Problem::internal(error),
    }
}

/// A page of hits; what tells where people are, or what a report says, is marked for the audit.
fn page(app: &App, caller: &Caller, page: Page<SearchHit>, more: &serde_json::Value) -> Response {
    let roll = app.centre.roll.load_full();
    let items: Vec<HitView> = page.items.into_iter().map(|h| HitView::of(&roll.directory, h)).collect();
    let whose: Vec<PersonId> = items.iter().filter_map(|h| h.whose().cloned()).collect();
    let reports = items.iter().any(HitView::is_report);
    let mut body = json!({"items": items, "next": page.next});
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    let shown = shows_positions(Json(body).into_response(), caller, whose);
    // A snippet is part of what a report says.
    if reports { shows_intelligence(shown) } else { shown }
}

/// `GET /search`.
pub async fn find(
    State(app): State<App>,
    Extension(caller): Signed,
    Query(q): Query<SearchFor>,
) -> Result<Response, Problem> {
    let query = SearchQuery {
        order: match q.order {
            Order::Newest => SearchOrder::Newest,
            Order::Best => SearchOrder::Best,
        },
        cursor: q.cursor.clone(),
        limit: q.limit.unwrap_or(LIMIT.0).clamp(1, LIMIT.1),
        ..SearchQuery::new(q.search().map_err(Problem::invalid)?, caller.id().clone())
    };
    let found = app.centre.record.search(query, seen(&caller.reader)).await.map_err(unread)?;
    Ok(page(&app, &caller, found, &json!({})))
}

async fn keep(app: &App, caller: &Caller, id: SearchId, entry: u64) -> Result<(), Problem> {
    keep_read(&app.centre.record, caller.id(), id, entry).await.map_err(Problem::internal)
}

async fn read_by(app: &App, caller: &Caller, id: SearchId) -> Result<u64, Problem> {
    read_up_to(&app.centre.record, caller.id(), id).await.map_err(Problem::internal)
}

/// What is new for a search since an entry.
async fn unread_of(app: &App, caller: &Caller, saved: &SavedSearch, from: u64) -> Result<usize, Problem> {
    let query = SearchQuery { told_from: Some(from), ..SearchQuery::new(saved.search.clone(), caller.id().clone()) };
    let count = app.centre.record.search_count(query, seen_by_others(&caller.reader), MOST_UNREAD);
    match count.await {
        Ok(n) => Ok(n),
        // A search that is too wide to be counted in its time has more than can be read.
        Err(ReadError::Timeout) => Ok(MOST_UNREAD),
        Err(error) => Err(unread(error)),
    }
}

/// One's own saved search.
async fn mine(app: &App, caller: &Caller, id: SearchId) -> Result<SavedSearch, Problem> {
    let me = caller.id().clone();
    let found = app.centre.ask(move |e| e.desk().searches_of(&me).find(|s| s.id == id).cloned()).await?;
    found.ok_or_else(Problem::not_found)
}

async fn shown(app: &App, caller: &Caller, saved: SavedSearch) -> Result<serde_json::Value, Problem> {
    let read = read_by(app, caller, saved.id).await?;
    let unread = unread_of(app, caller, &saved, read).await?;
    let mut value = serde_json::to_value(saved).map_err(Problem::internal)?;
    if let Some(o) = value.as_object_mut() {
        o.insert("read".into(), json!(read));
        o.insert("unread".into(), json!(unread));
        o.insert("more".into(), json!(unread >= MOST_UNREAD));
    }
    Ok(value)
}

/// `GET /searches`: one's own.
pub async fn list(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let me = caller.id().clone();
    let kept = app.centre.ask(move |e| e.desk().searches_of(&me).cloned().collect::<Vec<_>>()).await?;
    let mut items = Vec::with_capacity(kept.len());
    for saved in kept {
        items.push(shown(&app, &caller, saved).await?);
    }
    ok(Json(json!({"items": items})))
}

/// A search to keep.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Save {
    id: RequestId,
    /// One's own saved search that it takes the place of.
    #[serde(default)]
    of: Option<SearchId>,
    name: String,
    search: Search,
    #[serde(default = "yes")]
    notify: bool,
}

fn yes() -> bool {
    true
}

/// `POST /searches`.
pub async fn save(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<Save>,
) -> Result<Response, Problem> {
    let id = match body.of {
        Some(of) => mine(&app, &caller, of).await?.id,
        None => SearchId(body.id.0),
    };
    let saved = SavedSearch { id, name: body.name, search: body.search, notify: body.notify };
    let act = Act::SaveSearch { search: Box::new(saved) };
    let (me, asked) = (caller.id().clone(), act.clone());
    let fits = app.centre.ask(move |e| e.desk().check(&me, &asked, clock::now())).await?;
    fits.map_err(|r| NotTaken::Refused { code: r.code, message: r.message })?;
    // What is there already is not new. It is kept first: rather nothing unread than everything.
    if body.of.is_none() && read_by(&app, &caller, id).await? == 0 {
        keep(&app, &caller, id, app.centre.record.head().next).await?;
    }
    once(&app, &caller, (body.id, "POST searches", value), (StatusCode::CREATED, serde_json::Value::Null), act).await?;
    let saved = mine(&app, &caller, id).await?;
    ok((StatusCode::CREATED, Json(shown(&app, &caller, saved).await?)))
}

/// `DELETE /searches/{id}`.
pub async fn forget(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<SearchId>,
) -> Result<Response, Problem> {
    mine(&app, &caller, id).await?;
    let via = if caller.session == "cli" { "cli" } else { "web" };
    let act = Act::DropSearch { id };
    app.centre.act(ActEntry { by: caller.id().clone(), via: via.into(), request: None, act }).await?;
    forget_read(&app.centre.record, caller.id(), id).await.map_err(Problem::internal)?;
    ok(StatusCode::NO_CONTENT)
}

/// Which hits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HitsQuery {
    /// Only what is news since this entry.
    #[serde(default)]
    since: Option<u64>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// `GET /searches/{id}/hits`: what fits, the newest first, without what one wrote oneself. `head` is the entry to give
/// back as `since`, and to `PUT /searches/{id}/read`, when all of it was read.
pub async fn hits(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<SearchId>,
    Query(q): Query<HitsQuery>,
) -> Result<Response, Problem> {
    let saved = mine(&app, &caller, id).await?;
    let head = app.centre.record.head().next;
    let query = SearchQuery {
        cursor: q.cursor,
        limit: q.limit.unwrap_or(LIMIT.0).clamp(1, LIMIT.1),
        told_from: q.since,
        ..SearchQuery::new(saved.search, caller.id().clone())
    };
    let found = app.centre.record.search(query, seen_by_others(&caller.reader)).await.map_err(unread)?;
    Ok(page(&app, &caller, found, &json!({"head": head})))
}

/// Up to where it was read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadUpTo {
    /// The `head` of what was read.
    head: u64,
}

/// `PUT /searches/{id}/read`: never back, so that a second page does not make unread what the first has read.
pub async fn read(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<SearchId>,
    Strict { body, .. }: Strict<ReadUpTo>,
) -> Result<Response, Problem> {
    let saved = mine(&app, &caller, id).await?;
    let before = read_by(&app, &caller, id).await?;
    let head = body.head.min(app.centre.record.head().next);
    if head > before {
        keep(&app, &caller, id, head).await?;
    }
    ok(Json(shown(&app, &caller, saved).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Search, String> {
        let uri = format!("/search?{query}").parse().unwrap();
        let Query(q) = Query::<SearchFor>::try_from_uri(&uri).map_err(|e| e.to_string())?;
        q.search()
    }

    #[test]
    fn what_is_asked_is_read_or_refused_in_words() {
        let s = asked("q=two+words&kind=report,bulletin&near=31.76,-106.49&within_m=500&reliability=B&credibility=2")
            .unwrap();
        assert_eq!((s.q.as_str(), s.kinds.len(), s.near.unwrap().within_m), ("two words", 2, 500.0));
        assert_eq!((s.reliability, s.credibility), (Some(Reliability::B), Some(Credibility::Probable)));
        assert_eq!(asked("").unwrap(), Search::default());
        for (bad, word) in [
            ("kind=person", "person"),
            ("near=31.76,-106.49", "within_m"),
            ("within_m=5", "near"),
            ("near=here&within_m=5", "LAT,LON"),
            ("near=91,0&within_m=5", "near"),
            ("near=1,2&within_m=1e9", "within_m"),
            ("credibility=7", "credibility"),
            ("reliability=G", "G"),
            ("q=%3F%3F", "no word"),
            ("from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "until"),
            ("unknown=1", "unknown"),
        ] {
            let why = asked(bad).unwrap_err();
            assert!(why.contains(word), "{bad}: {why}");
        }
    }
}
