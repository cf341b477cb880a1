//! The dissemination log of a notice over HTTP: who was to get which version by which rule, what was tried and came of
//! it, what they did; read from the record page by page while it goes out, so that its length does not matter.

use super::{App, Problem, Signed, board};
use crate::{
    board::Scope,
    centre::Roll,
    clock,
    dissemination::{Format, Given, Log},
};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Deserialize;
use skypicket_model::{Access, AgencyId, Deed, Notice, NoticeId, PersonId, Time};
use skypicket_record::{AccessQuery, DisseminationQuery, ReadError, Record, SqliteRecord};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// People read at once.
const PAGE: usize = 200;

/// How it is to be written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    format: Format,
}

/// A log on its way out.
struct Sending {
    record: Arc<SqliteRecord>,
    roll: Arc<Roll>,
    scope: Scope,
    notice: NoticeId,
    log: Log,
    /// Partners that there are or were.
    partners: BTreeSet<(PersonId, AgencyId)>,
    /// When its first version was made.
    since: Time,
    /// What was read last.
    after: Option<(u32, PersonId)>,
    /// What goes next without reading.
    first: Option<String>,
    over: bool,
}

impl Sending {
    /// The partners that fetched a version, by version and agency; only for who gets everybody.
    async fn given(&self) -> Result<Vec<Given>, ReadError> {
        let mut found: BTreeMap<(u32, bool, AgencyId, String), Given> = BTreeMap::new();
        if self.scope != Scope::All {
            return Ok(Vec::new());
        }
        for (reader, agency) in &self.partners {
            let mut cursor = None;
            loop {
                let query = AccessQuery {
                    cursor,
                    limit: PAGE,
                    person: Some(reader.clone()),
                    deed: Some(Deed::AlertGiven),
                    from: Some(self.since),
                    ..AccessQuery::default()
                };
                let page = self.record.access(query).await?;
                for a in page.items.into_iter().map(|r| r.access) {
                    let alert = crate::cap::parts_of(&a.what).filter(|(id, ..)| *id == self.notice);
                    let Some((_, version, withdrawal)) = alert else { continue };
                    let token = a.session.unwrap_or_default();
                    let (reader, agency, at) = (reader.clone(), agency.clone(), a.first);
                    let first = found
                        .entry((version, withdrawal, agency.clone(), token.clone()))
                        .or_insert_with(|| Given { version, withdrawal, reader, agency, token, at });
                    first.at = first.at.min(at);
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// The next piece; `None` at the end. After an error nothing follows: whoever reads it sees that it is not whole.
    async fn next(&mut self) -> Option<Result<Bytes, ReadError>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first.into()));
        }
        if self.over {
            return None;
        }
        let query = DisseminationQuery { notice: self.notice, after: self.after.clone(), limit: PAGE };
        let rows = match self.record.dissemination(query).await {
            Ok(rows) => rows,
            Err(error) => {
                self.over = true;
                tracing::warn!(%error, "a dissemination log could not be read to its end");
                return Some(Err(error));
            }
        };
        let Some(last) = rows.last() else {
            self.over = true;
            let given = match self.given().await {
                Ok(g) => g,
                Err(error) => {
                    tracing::warn!(%error, "a dissemination log could not be read to its end");
                    return Some(Err(error));
                }
            };
            let partners = given.iter().map(|g| self.log.partner(&self.roll.directory, g)).collect::<String>();
            let end = partners + &self.log.end();
            return (!end.is_empty()).then(|| Ok(end.into()));
        };
        self.after = Some((last.version, last.recipient.person.clone()));
        let d = &self.roll.directory;
        let mut text = String::new();
        for r in rows.iter().filter(|r| self.scope.holds(d, &r.recipient.person)) {
            text.push_str(&self.log.person(d, r));
        }
        Some(Ok(text.into()))
    }
}

/// `GET /notices/{id}/export`. That it was asked for stands in the record before anything of it goes out.
pub async fn export(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<NoticeId>,
    Query(q): Query<ExportQuery>,
) -> Result<Response, Problem> {
    // The same people may have it as the board, and of the same rows.
    board::may_look(&app, &caller, id).await?;
    let versions = app.centre.record.notice_versions(id).await.map_err(Problem::internal)?;
    let versions: Vec<Notice> = versions.into_iter().map(|v| v.notice).collect();
    let newest = versions.last().ok_or_else(Problem::not_found)?;
    let scope = board::scope(&caller.reader, newest).ok_or_else(Problem::not_found)?;
    let roll = app.centre.roll.load_full();
    let log = Log::new(q.format, &roll.directory, &scope, &versions).ok_or_else(Problem::not_found)?;
    let now = clock::now();
    let what = format!("GET /api/v1/notices/{id}/export?format={}", q.format.word());
    let row = Access::once(Some(caller.id().clone()), Deed::Read, what, now);
    app.audit.write(row.with_session(Some(caller.session.clone()))).await?;
    let headers = [
        (header::CONTENT_TYPE, q.format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", log.file_name())),
    ];
    let record = Arc::clone(&app.centre.record);
    let first = Some(log.begin(caller.id(), now));
    let partners = app.machines.partners.list().into_iter().map(|t| (t.kept.reader, t.kept.agency)).collect();
    let since = versions.first().map_or(now, |n| n.at);
    let sending = Sending { record, roll, scope, notice: id, log, partners, since, after: None, first, over: false };
    let body = stream::unfold(sending, |mut sending| async move { Some((sending.next().await?, sending)) });
    Ok((headers, Body::from_stream(body)).into_response())
}
