//! View *search*: what can be found by words, place, time and grade.
//!
//! One row is one thing in its newest version. Who may see a row is not for this view to know: whoever asks brings the
//! rule, and a row that it does not let through is counted nowhere, so that neither a page's length nor its cursor tells
//! of it. The order is that of things themselves, or of how often the words stand in each: nothing in it depends on rows
//! that the reader may not see. What a report says of an individual is not in here.

use super::{Conditions, View, blob, bounded, decoded, encoded, index, sql_index};
use crate::{
    area::{Near, cell_of},
    query::{Page, SearchHit, SearchOrder, SearchQuery, SearchRow, Seen, Span},
    record::ReadError,
};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value};
use skypicket_model::{
    Area, Body, BulletinContent, BulletinState, DeskEvent, Entry, LatLon, Notice, NoticeState, PersonId, Place,
    ReportState, Search, SearchKind, SightingState, Verdict, intelligence::ReportStep, people::ProtectedId,
    search::Term,
};
use std::{cmp::Reverse, collections::BTreeSet};
use uuid::Uuid;

pub(crate) const VIEW: View =
    View { tables: &["view_search_text", "view_search"], schema: include_str!("search.sql"), apply, purge };

/// Stand before and after a word that was found, where SQLite marks it.
const MARKS: (char, char) = ('\u{1}', '\u{2}');
/// The newest rows that fit and are visible, among which the best are looked for.
const MOST_RANKED: usize = 500;
/// Characters of a text before and after the first word found that are shown.
const SNIPPET: (usize, usize) = (60, 180);
/// Characters of a text that can be found.
const MOST_TEXT: usize = 20_000;

/// A thing as it is put into the view.
struct Thing {
    row: SearchRow,
    part: i64,
    text: String,
}

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    match &entry.body {
        Body::Desk(DeskEvent::Sighting { state }) => put(connection, entry, of_sighting(state)),
        Body::Desk(DeskEvent::Intelligence { state }) => match of_report(state) {
            Some(thing) => put(connection, entry, thing),
            None => forget(connection, SearchKind::Report, state.id.0, 0),
        },
        Body::Desk(DeskEvent::Bulletin { state }) => {
            put(connection, entry, of_bulletin(state))?;
            match of_correction(state) {
                Some(thing) => put(connection, entry, thing),
                None => forget(connection, SearchKind::Bulletin, state.notice.0, 1),
            }
        }
        Body::Notice(n) => match of_warning(n) {
            Some(thing) => put(connection, entry, thing),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    if !matches!(&entry.body, Body::Desk(_) | Body::Notice(_)) {
        return Ok(());
    }
    // A later state is another one, and stays.
    let mut statement = connection.prepare_cached("SELECT doc FROM view_search WHERE entry = ?1")?;
    let docs: Vec<i64> = statement.query_map([sql_index(entry.index)], |row| row.get(0))?.collect::<Result<_, _>>()?;
    docs.into_iter().try_for_each(|doc| drop_doc(connection, doc))
}

fn drop_doc(connection: &Connection, doc: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM view_search_text WHERE rowid = ?1")?.execute([doc])?;
    connection.prepare_cached("DELETE FROM view_search WHERE doc = ?1")?.execute([doc]).map(drop)
}

fn forget(connection: &Connection, kind: SearchKind, id: Uuid, part: i64) -> rusqlite::Result<()> {
    let doc: Option<i64> = connection
        .prepare_cached("SELECT doc FROM view_search WHERE kind = ?1 AND id = ?2 AND part = ?3")?
        .query_row(params![kind.word(), blob(&id), part], |row| row.get(0))
        .optional()?;
    doc.map_or(Ok(()), |doc| drop_doc(connection, doc))
}

fn put(connection: &Connection, entry: &Entry, thing: Thing) -> rusqlite::Result<()> {
    let Thing { row, part, text } = thing;
    let at = sql_index(entry.index);
    let (title, text) = (plain(&row.title), plain(&text));
    let content = encoded(&row)?;
    let before: Option<(i64, i64, Vec<u8>, String, String)> = connection
        .prepare_cached(
            "SELECT s.doc, s.told, s.content, t.title, t.text FROM view_search s \
             JOIN view_search_text t ON t.rowid = s.doc WHERE s.kind = ?1 AND s.id = ?2 AND s.part = ?3",
        )?
        .query_row(params![row.kind.word(), blob(&row.id), part], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
        })
        .optional()?;
    // A warning says another distance each second: its words are taken again when it rises, falls or ends.
    let goes_on = |old: &[u8]| {
        let old: Option<SearchRow> = crate::encoding::from_bytes(old).ok();
        row.kind == SearchKind::Warning
            && row.state == NoticeState::Updated.word()
            && old.is_some_and(|o| o.level == row.level)
    };
    let same_words = before.as_ref().is_some_and(|(_, _, old, a, b)| *a == title && *b == text || goes_on(old));
    let told = match &before {
        // A warning is news once.
        Some((_, told, ..)) if row.kind == SearchKind::Warning => *told,
        Some((_, told, old, ..)) if same_words && *old == content => *told,
        _ => at,
    };
    let doc = before.as_ref().map_or(at.saturating_mul(2).saturating_add(part), |(doc, ..)| *doc);
    let (middle, radius_m) = match (&row.area, row.at) {
        (Some(area), _) => {
            let (middle, radius_m) = area.around();
            (Some(middle), radius_m)
        }
        (None, at) => (at, 0.0),
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO view_search (doc, kind, id, part, entry, told, begins, ends, cell, radius_m, \
             reliability, credibility, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            doc,
            row.kind.word(),
            blob(&row.id),
            part,
            at,
            told,
            row.from.as_micros(),
            row.until.as_micros(),
            middle.and_then(|m| cell_of(m.lat_deg, m.lon_deg)),
            middle.map(|_| radius_m),
            row.grade.map(|g| g.reliability as i64),
            row.grade.map(|g| i64::from(u8::from(g.credibility))),
            content,
        ])?;
    if same_words {
        return Ok(());
    }
    if before.is_some() {
        connection.prepare_cached("DELETE FROM view_search_text WHERE rowid = ?1")?.execute([doc])?;
    }
    let begun = begun(&title, &text);
    connection
        .prepare_cached("INSERT INTO view_search_text (rowid, title, text, begun) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![doc, title, text, begun])
        .map(drop)
}

/// Without what could be taken for a mark, and not too long.
fn plain(text: &str) -> String {
    text.chars().take(MOST_TEXT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Every word once, so written that it is not stemmed.
fn begun(title: &str, text: &str) -> String {
    let words: BTreeSet<String> = [title, text]
        .into_iter()
        .flat_map(|t| t.split(|c: char| !c.is_alphanumeric()))
        .filter(|w| !w.is_empty())
        .map(|w| format!("{}0", w.to_lowercase()))
        .collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}

// ---- things ----

fn of_sighting(state: &SightingState) -> Thing {
    let s = &state.sighting;
    let is = match state.verdict {
        _ if state.retracted_at.is_some() => "retracted",
        Verdict::New => "new",
        Verdict::Confirmed => "confirmed",
        Verdict::Merged { .. } => "merged",
        Verdict::Dismissed => "dismissed",
    };
    let row = SearchRow {
        person: Some(s.reporter.clone()),
        leaders: state.leaders.clone(),
        by: Some(state.decided_by.clone().unwrap_or_else(|| s.reporter.clone())),
        at: Some(LatLon { lat_deg: s.from.lat_deg, lon_deg: s.from.lon_deg }),
        ..SearchRow::new(
            SearchKind::Sighting,
            s.id.0,
            String::new(),
            is,
            s.marking.clone(),
            (s.first_seen, s.last_seen),
        )
    };
    Thing { row, part: 0, text: s.words.clone() }
}

fn of_report(state: &ReportState) -> Option<Thing> {
    let c = state.content.as_ref()?;
    let is = match state.step {
        ReportStep::Raw => "raw",
        ReportStep::Vetted => "vetted",
        ReportStep::Purged => return None,
    };
    let from = c.from.unwrap_or(c.provenance.at);
    let until = c.until.or(c.from).unwrap_or(c.provenance.at).max(from);
    let row = SearchRow {
        by: Some(state.history.last().map_or_else(|| state.filed_by.clone(), |h| h.by.clone())),
        area: c.area.clone(),
        grade: Some(c.grade),
        version: state.version,
        purge_by: Some(c.purge_by),
        ..SearchRow::new(SearchKind::Report, state.id.0, c.title.clone(), is, c.marking.clone(), (from, until))
    };
    Some(Thing { row, part: 0, text: lines([c.text.as_str(), &c.provenance.source]) })
}

fn of_bulletin(state: &BulletinState) -> Thing {
    use skypicket_model::BulletinStep as Step;
    let (is, draft) = match state.step {
        Step::Draft => ("draft", true),
        Step::Proposed => ("proposed", true),
        Step::Issued => ("issued", false),
        Step::Withdrawn => ("withdrawn", true),
        Step::Recalled => ("recalled", false),
        Step::Expired => ("expired", false),
    };
    let by = state.issued_by.clone().unwrap_or_else(|| state.proposed_by.clone());
    Thing { row: bulletin(state, &state.content, by, (is, draft)), part: 0, text: words_of(&state.content) }
}

fn of_correction(state: &BulletinState) -> Option<Thing> {
    let c = state.correction.as_ref()?;
    let mut row = bulletin(state, &c.content, c.by.clone(), ("correction", true));
    // Whoever may not see the bulletin does not see its correction either.
    row.also = Some(state.content.marking.clone());
    Some(Thing { row, part: 1, text: words_of(&c.content) })
}

fn bulletin(state: &BulletinState, c: &BulletinContent, by: PersonId, (is, draft): (&str, bool)) -> SearchRow {
    let from = c.sheet.as_ref().and_then(|s| s.valid_from).unwrap_or(state.proposed_at);
    let span = (from, c.expires_at.max(from));
    SearchRow {
        draft,
        by: Some(by),
        area: c.area.clone(),
        number: state.number.clone(),
        level: Some(c.level),
        version: state.version,
        ..SearchRow::new(SearchKind::Bulletin, state.notice.0, c.title.clone(), is, c.marking.clone(), span)
    }
}

/// What a bulletin says beside its title, in both languages.
fn words_of(c: &BulletinContent) -> String {
    let mut words = vec![c.text.as_str(), &c.title_es, &c.text_es];
    if let Some(s) = &c.sheet {
        let statements = s.known.iter().map(|k| &k.text).chain(&s.not_known);
        let phrases = statements.chain(s.measures.iter().map(|m| &m.text)).chain([&s.area_name, &s.kind]);
        words.extend(phrases.flat_map(|p| [p.en.as_str(), p.es.as_str()]));
    }
    lines(words)
}

fn of_warning(n: &Notice) -> Option<Thing> {
    let w = n.warning()?;
    let person = match &w.protected {
        ProtectedId::Person(p) => Some(p.clone()),
        ProtectedId::Site(_) => None,
    };
    let row = SearchRow {
        person,
        at: Some(w.facts.track_at),
        level: Some(n.level),
        version: n.version,
        ..SearchRow::new(
            SearchKind::Warning,
            n.id.0,
            w.protected_name.clone(),
            n.state.word(),
            n.marking.clone(),
            (n.at, n.at),
        )
    };
    Some(Thing { row, part: 0, text: lines([n.text.as_str(), &n.text_es]) })
}

/// What is not empty, a line each.
fn lines<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().filter(|p| !p.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

// ---- questions ----

/// Words as FTS5 takes them: each quoted, so that nothing in them is syntax. What must be there, and what must not.
fn matches(terms: &[Term]) -> (Option<String>, Option<String>) {
    let quoted = |t: &Term| format!("\"{}\"", t.text.replace('"', " "));
    let must: Vec<String> = terms
        .iter()
        .filter(|t| !t.not)
        .map(|t| if t.begun { format!("({0} OR {0} *)", quoted(t)) } else { quoted(t) })
        .collect();
    let not: Vec<String> = terms.iter().filter(|t| t.not).map(quoted).collect();
    let some = |parts: Vec<String>, with: &str| (!parts.is_empty()).then(|| parts.join(with));
    (some(must, " AND "), some(not, " OR "))
}

/// How often a row's title and text hold the words: a title counts ten times.
fn score(title: &str, text: &str) -> u64 {
    let count = |t: &str| t.chars().filter(|c| *c == MARKS.0).count() as u64;
    10 * count(title) + count(text).min(9)
}

/// One row of the answer before its words are fetched.
struct Found {
    doc: i64,
    entry: u64,
    told: u64,
    row: SearchRow,
}

/// One page of what fits and what `seen` lets through.
pub(crate) fn find(connection: &Connection, query: &SearchQuery, seen: &Seen) -> Result<Page<SearchHit>, ReadError> {
    let terms = query.search.terms();
    let (must, not) = matches(&terms);
    let limit = bounded(query.limit);
    let best = query.order == SearchOrder::Best && must.is_some();
    let cursor = Cursor::of(query.cursor.as_deref(), best)?;
    let before = if best { i64::MAX } else { cursor.doc };
    let most = if best { MOST_RANKED } else { limit + 1 };
    let found = rows(connection, query, (must.as_deref(), not.as_deref()), before, most, seen)?;
    let hit = |f: Found| -> Result<(u64, i64, SearchHit), ReadError> {
        let (title, text) = marked(connection, must.as_deref(), f.doc)?;
        let score = if best { score(&title, &text) } else { 0 };
        let (_, title) = unmarked(&title);
        let (snippet, spans) = snippet(&text);
        Ok((score, f.doc, SearchHit { row: f.row, title, snippet, spans, entry: f.entry, told: f.told }))
    };
    let mut hits: Vec<(u64, i64, SearchHit)> = found.into_iter().map(hit).collect::<Result<_, _>>()?;
    if best {
        hits.sort_by_key(|(score, doc, _)| (Reverse(*score), Reverse(*doc)));
        hits.retain(|(score, doc, _)| cursor.is_before(*score, *doc));
    }
    let more = hits.len() > limit;
    hits.truncate(limit);
    let next = hits.last().filter(|_| more).map(|(score, doc, _)| Cursor { score: *score, doc: *doc }.text(best));
    Ok(Page { items: hits.into_iter().map(|(_, _, hit)| hit).collect(), next })
}

/// How many fit and are let through, at most `most`.
pub(crate) fn count(
    connection: &Connection,
    query: &SearchQuery,
    seen: &Seen,
    most: usize,
) -> Result<usize, ReadError> {
    let terms = query.search.terms();
    let (must, not) = matches(&terms);
    Ok(rows(connection, query, (must.as_deref(), not.as_deref()), i64::MAX, most, seen)?.len())
}

/// Rows that fit and are let through, the newest first, at most `most`.
fn rows(
    connection: &Connection,
    query: &SearchQuery,
    (must, not): (Option<&str>, Option<&str>),
    before: i64,
    most: usize,
    seen: &Seen,
) -> Result<Vec<Found>, ReadError> {
    let Search { kinds, near, from, until, reliability, credibility, .. } = &query.search;
    // By hand: the first condition is on the full text, where there is one, so that SQLite walks along it.
    let mut c = match must {
        Some(_) => Conditions { sql: "t.rowid < ?".into(), values: vec![Value::Integer(before)] },
        None => Conditions { sql: "s.doc < ?".into(), values: vec![Value::Integer(before)] },
    };
    if let Some(must) = must {
        c.and("view_search_text MATCH ?", [Value::Text(must.to_owned())]);
    }
    if let Some(not) = not {
        let words = [Value::Text(not.to_owned())];
        c.and("s.doc NOT IN (SELECT rowid FROM view_search_text WHERE view_search_text MATCH ?)", words);
    }
    if !kinds.is_empty() {
        let marks = vec!["?"; kinds.len()].join(", ");
        c.and(&format!("s.kind IN ({marks})"), kinds.iter().map(|k| Value::Text(k.word().into())));
    }
    let near = near.map(|p| Near { at: p.at, radius_m: p.within_m });
    if let Some(near) = &near {
        let cells = near.cells().ok_or(ReadError::Question("a circle has a radius of up to 100 km"))?;
        let ranges = vec!["s.cell BETWEEN ? AND ?"; cells.len()].join(" OR ");
        // An area may reach in from far outside: those are few, and each is tested.
        c.and(
            &format!("({ranges} OR s.radius_m > 0)"),
            cells.into_iter().flat_map(|(a, b)| [a, b]).map(Value::Integer),
        );
    }
    if let Some(from) = from {
        c.and("s.ends >= ?", [Value::Integer(from.as_micros())]);
    }
    if let Some(until) = until {
        c.and("s.begins <= ?", [Value::Integer(until.as_micros())]);
    }
    if let Some(least) = reliability {
        c.and("s.reliability <= ?", [Value::Integer(*least as i64)]);
    }
    if let Some(least) = credibility {
        c.and("s.credibility <= ?", [Value::Integer(i64::from(u8::from(*least)))]);
    }
    if let Some(after) = query.told_from {
        c.and("s.told >= ?", [Value::Integer(sql_index(after))]);
    }
    if let Some(end) = query.told_before {
        c.and("s.told < ?", [Value::Integer(sql_index(end))]);
    }
    let (tables, order) = match must {
        Some(_) => ("view_search_text t CROSS JOIN view_search s ON s.doc = t.rowid", "t.rowid"),
        None => ("view_search s", "s.doc"),
    };
    let listed = "EXISTS (SELECT 1 FROM view_recipients r WHERE r.person = ? AND r.notice = s.id)";
    let sql = format!(
        "SELECT s.doc, s.entry, s.told, s.content, s.kind = 'warning' AND {listed} FROM {tables} WHERE {} \
         ORDER BY {order} DESC",
        c.sql
    );
    let reader = Value::Text(query.reader.as_str().to_owned());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(std::iter::once(reader).chain(c.values)))?;
    let mut found = Vec::new();
    while found.len() < most
        && let Some(r) = rows.next()?
    {
        let row: SearchRow = decoded(r, 3)?;
        let there = near.is_none_or(|n| match (&row.area, row.at) {
            (Some(area), _) => area.meets(&Area::Circle { centre: n.at, radius_m: n.radius_m }),
            (None, Some(at)) => n.holds(Place { lat_deg: at.lat_deg, lon_deg: at.lon_deg, alt_hae_m: None }),
            (None, None) => false,
        });
        if there && seen(&row, r.get(4)?) {
            found.push(Found { doc: r.get(0)?, entry: index(r, 1)?, told: index(r, 2)?, row });
        }
    }
    Ok(found)
}

/// A row's title and text with its words marked.
fn marked(connection: &Connection, must: Option<&str>, doc: i64) -> Result<(String, String), ReadError> {
    let both = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?));
    Ok(match must {
        Some(must) => connection
            .prepare_cached(
                "SELECT highlight(view_search_text, 0, char(1), char(2)), \
                 highlight(view_search_text, 1, char(1), char(2)) \
                 FROM view_search_text WHERE view_search_text MATCH ?1 AND rowid = ?2",
            )?
            .query_row(params![must, doc], both)?,
        None => connection
            .prepare_cached("SELECT title, text FROM view_search_text WHERE rowid = ?1")?
            .query_row([doc], both)?,
    })
}

/// The text without marks, and where they were, in characters.
fn unmarked(text: &str) -> (String, Vec<Span>) {
    let (mut out, mut spans, mut begin, mut at) = (String::with_capacity(text.len()), Vec::new(), None, 0u32);
    for c in text.chars() {
        if c == MARKS.0 {
            begin = begin.or(Some(at));
        } else if c == MARKS.1 {
            if let Some(from) = begin.take() {
                spans.push(Span { from, to: at });
            }
        } else {
            out.push(c);
            at += 1;
        }
    }
    (out, spans)
}

/// What stands around the first word found, and where in it words were found.
fn snippet(text: &str) -> (String, Vec<Span>) {
    let (plain, spans) = unmarked(text);
    let chars: Vec<char> = plain.chars().collect();
    let hit = spans.first().map_or(0, |s| s.from as usize);
    let mut from = hit.saturating_sub(SNIPPET.0);
    // From the beginning of a word on.
    while from > 0 && from < hit && !chars.get(from - 1).is_some_and(|c| c.is_whitespace()) {
        from += 1;
    }
    let mut to = (hit + SNIPPET.1).min(chars.len());
    while to < chars.len() && to > hit + SNIPPET.1 / 2 && !chars.get(to).is_some_and(|c| c.is_whitespace()) {
        to -= 1;
    }
    let before = if from > 0 { "…" } else { "" };
    let after = if to < chars.len() { "…" } else { "" };
    let middle: String = chars.get(from..to).unwrap_or_default().iter().collect();
    let moved = |at: u32| (at as usize).clamp(from, to) - from + before.chars().count();
    let shown = spans
        .iter()
        .filter(|s| (s.from as usize) < to && s.to as usize > from)
        .filter_map(|s| Some(Span { from: u32::try_from(moved(s.from)).ok()?, to: u32::try_from(moved(s.to)).ok()? }))
        .collect();
    (format!("{before}{middle}{after}"), shown)
}

/// Where a page ended.
struct Cursor {
    score: u64,
    doc: i64,
}

impl Cursor {
    fn of(text: Option<&str>, best: bool) -> Result<Self, ReadError> {
        let Some(text) = text else { return Ok(Self { score: u64::MAX, doc: i64::MAX }) };
        let hex = |t: &str| u64::from_str_radix(t, 16).map_err(|_| ReadError::Cursor);
        let doc = |t: &str| i64::try_from(hex(t)?).map_err(|_| ReadError::Cursor);
        match (text.split_once('-'), best) {
            (Some((score, at)), true) => Ok(Self { score: hex(score)?, doc: doc(at)? }),
            (None, false) => Ok(Self { score: 0, doc: doc(text)? }),
            _ => Err(ReadError::Cursor),
        }
    }

    /// Whether a row comes after it.
    fn is_before(&self, score: u64, doc: i64) -> bool {
        (Reverse(score), Reverse(doc)) > (Reverse(self.score), Reverse(self.doc))
    }

    fn text(&self, best: bool) -> String {
        if best { format!("{:x}-{:x}", self.score, self.doc) } else { format!("{:x}", self.doc) }
    }
}
