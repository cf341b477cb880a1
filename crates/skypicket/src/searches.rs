//! [`may_find`]: who may find what; [`HitView`]: something found, for its reader; [`Finder`], which tells people of what is
//! new for the searches that they keep.
//!
//! The finder looks at what was committed, off the way of warnings: it holds no queue but a place in the log for each
//! search, so that what it has no time for is found the next time, and nothing falls out.

use crate::{
    centre::Centre,
    clock,
    http::permission::Event,
    hub::{Sees, frame},
    views::name_of,
};
use serde::Serialize;
use serde_json::json;
use skypicket_model::{
    Area, Body, DeskEvent, Directory, Entry, Grade, LatLon, Level, Marking, PersonId, Reader, SavedSearch, SearchId,
    SearchKind, Time, may_see,
};
use skypicket_record::{AppendError, ReadError, Record, SearchHit, SearchQuery, SearchRow, Seen, Span, SqliteRecord};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

/// Commits of so long are looked at together.
const TOGETHER: Duration = Duration::from_secs(1);
/// What a page is told of one search at once; the rest it reads.
const MOST_TOLD: usize = 20;
/// Unread things are counted up to this.
pub const MOST_UNREAD: usize = 100;

/// Whether a reader may find a row: as the lists of each kind decide. `listed` is whether they are on a warning's list.
fn may_find(reader: &Reader, sees: Sees, row: &SearchRow, listed: bool, now: Time) -> bool {
    let me = &reader.person;
    let released = may_see(reader, &row.marking) && row.also.as_ref().is_none_or(|m| may_see(reader, m));
    released
        && Event::Search.whole(&reader.roles)
        && match row.kind {
            SearchKind::Sighting => sees.all || row.person.as_ref() == Some(me) || row.leaders.contains(me),
            SearchKind::Warning => sees.all || listed,
            SearchKind::Bulletin => Event::Bulletin.whole(&reader.roles),
            SearchKind::Report => row.purge_by.is_none_or(|t| now < t),
        }
}

/// The rule for a reader, as the record asks it of each row.
pub fn seen(reader: &Reader) -> Box<Seen> {
    let (reader, sees, now) = (reader.clone(), Sees::of(&reader.roles), clock::now());
    Box::new(move |row, listed| may_find(&reader, sees, row, listed, now))
}

/// The same without what the reader wrote or changed last themself.
pub fn seen_by_others(reader: &Reader) -> Box<Seen> {
    let (me, seen) = (reader.person.clone(), seen(reader));
    Box::new(move |row, listed| row.by.as_ref() != Some(&me) && seen(row, listed))
}

/// Something found.
#[derive(Debug, Serialize)]
pub struct HitView {
    kind: SearchKind,
    id: Uuid,
    title: String,
    /// Words found in the title, in characters.
    title_hits: Vec<Span>,
    snippet: String,
    /// Words found in the snippet, in characters.
    snippet_hits: Vec<Span>,
    state: String,
    draft: bool,
    version: u32,
    number: Option<String>,
    marking: Marking,
    grade: Option<Grade>,
    level: Option<Level>,
    area: Option<Area>,
    at: Option<LatLon>,
    from: Time,
    until: Time,
    /// A sighting's reporter; whom a warning protects.
    person: Option<PersonId>,
    person_name: Option<String>,
    told: u64,
}

impl HitView {
    /// Of a hit, with names as they are now.
    pub fn of(directory: &Directory, hit: SearchHit) -> Self {
        let SearchHit { row, title, snippet, spans, told, .. } = hit;
        Self {
            kind: row.kind,
            id: row.id,
            title: row.title,
            title_hits: title,
            snippet,
            snippet_hits: spans,
            state: row.state,
            draft: row.draft,
            version: row.version,
            number: row.number,
            marking: row.marking,
            grade: row.grade,
            level: row.level,
            area: row.area,
            at: row.at,
            from: row.from,
            until: row.until,
            person_name: row.person.as_ref().map(|p| name_of(directory, p)),
            person: row.person,
            told,
        }
    }

    /// It is an intelligence report.
    pub fn is_report(&self) -> bool {
        self.kind == SearchKind::Report
    }

    /// Whose place it tells.
    pub fn whose(&self) -> Option<&PersonId> {
        self.person.as_ref()
    }
}

/// Whether an entry may be news for somebody's search, or is a search.
pub fn is_news(entry: &Entry) -> bool {
    match &entry.body {
        Body::Desk(e) => matches!(
            e,
            DeskEvent::Sighting { .. }
                | DeskEvent::Bulletin { .. }
                | DeskEvent::Intelligence { .. }
                | DeskEvent::Search { .. }
        ),
        Body::Notice(n) => n.warning().is_some(),
        _ => false,
    }
}

/// Where it is kept up to where somebody read a saved search.
const READ: &str = "search_read";

fn key(person: &PersonId, id: SearchId) -> String {
    format!("{person}/{id}")
}

/// Up to which entry somebody read what is new for a search of theirs; 0 when that is not known.
pub async fn read_up_to(record: &SqliteRecord, person: &PersonId, id: SearchId) -> Result<u64, ReadError> {
    let kept = record.private_get(READ, &key(person, id)).await?;
    Ok(kept.and_then(|v| <[u8; 8]>::try_from(v).ok()).map_or(0, u64::from_be_bytes))
}

/// Keeps it.
pub async fn keep_read(record: &SqliteRecord, person: &PersonId, id: SearchId, entry: u64) -> Result<(), AppendError> {
    record.private_put(READ, &key(person, id), entry.to_be_bytes().to_vec()).await
}

/// Forgets it.
pub async fn forget_read(record: &SqliteRecord, person: &PersonId, id: SearchId) -> Result<bool, AppendError> {
    record.private_delete(READ, &key(person, id)).await
}

/// Tells people of what is new for their searches.
pub struct Finder {
    centre: Centre,
    /// Up to which entry each search was looked at.
    reached: BTreeMap<SearchId, u64>,
    /// Up to which entry all were: one that was kept since begins there.
    looked: u64,
}

impl Finder {
    /// Of this centre's record, from now on.
    pub fn new(centre: Centre) -> Self {
        let looked = centre.record.head().next;
        Self { centre, reached: BTreeMap::new(), looked }
    }

    /// Looks at what is committed until the end.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut durable = self.centre.durable.subscribe();
        let mut again = true;
        loop {
            let end = self.centre.record.head().next;
            if again {
                again = !self.look(end).await;
            }
            tokio::select! {
                // When something could not be read, it is tried again without waiting for more news.
                changed = durable.changed(), if !again => match changed {
                    Ok(()) => again = true,
                    Err(_) => return,
                },
                () = tokio::time::sleep(TOGETHER), if again => {}
                _ = stopped.wait_for(|s| *s) => return,
            }
            tokio::select! {
                () = tokio::time::sleep(TOGETHER) => {}
                _ = stopped.wait_for(|s| *s) => return,
            }
        }
    }

    /// Looks at everything before an entry, for each search that wants to be told. False when some could not be read.
    async fn look(&mut self, end: u64) -> bool {
        let kept = self.centre.ask(|e| {
            let d = e.directory();
            let notify = e.desk().searches().filter(|(_, s)| s.notify);
            notify.filter_map(|(p, s)| Some((d.reader(p)?, s.clone()))).collect::<Vec<(Reader, SavedSearch)>>()
        });
        let Ok(kept) = kept.await else { return false };
        self.reached.retain(|id, _| kept.iter().any(|(_, s)| s.id == *id));
        let (mut all, begin) = (true, std::mem::replace(&mut self.looked, end));
        for (reader, saved) in kept {
            let from = match self.reached.get(&saved.id) {
                Some(from) => *from,
                // What was there when it was saved is not new.
                None => match read_up_to(&self.centre.record, &reader.person, saved.id).await {
                    Ok(read) => begin.max(read),
                    Err(_) => begin,
                },
            };
            // Who has no page open reads what is unread when they come.
            if from < end && self.centre.hub.here(&reader.person) {
                let query = SearchQuery {
                    limit: MOST_TOLD,
                    told_from: Some(from),
                    told_before: Some(end),
                    ..SearchQuery::new(saved.search.clone(), reader.person.clone())
                };
                match self.centre.record.search(query, seen_by_others(&reader)).await {
                    Ok(page) => self.tell(&reader, &saved, &page.items),
                    Err(error) => {
                        tracing::debug!(%error, "a saved search could not be looked at; it is tried again");
                        all = false;
                        continue;
                    }
                }
            }
            self.reached.insert(saved.id, end);
        }
        all
    }

    fn tell(&self, reader: &Reader, saved: &SavedSearch, hits: &[SearchHit]) {
        for hit in hits.iter().rev() {
            let row = &hit.row;
            let data = json!({"search": saved.id, "kind": row.kind, "id": row.id, "told": hit.told});
            let released = |r: &Reader| {
                Event::Search.whole(&r.roles)
                    && may_see(r, &row.marking)
                    && row.also.as_ref().is_none_or(|m| may_see(r, m))
            };
            self.centre.hub.to_person(&reader.person, &frame(Event::Search, None, &data), released);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{AgencyId, Role, Tlp};

    fn row(kind: SearchKind, change: impl FnOnce(&mut serde_json::Value)) -> SearchRow {
        let mut v = json!({
            "kind": kind, "id": Uuid::from_u128(1), "title": "", "state": "new", "draft": false, "version": 1,
            "number": null, "marking": {"tlp": "TLP:GREEN"}, "also": null, "person": "agent", "leaders": ["lead"],
            "by": "agent", "area": null, "at": null, "from": "2026-11-26T18:00:00Z", "until": "2026-11-26T18:00:00Z",
            "grade": null, "level": null, "purge_by": null,
        });
        change(&mut v);
        serde_json::from_value(v).unwrap()
    }

    fn finds(person: &str, role: Role, row: &SearchRow, listed: bool) -> bool {
        let reader = Reader {
            person: PersonId::new(person).unwrap(),
            agency: AgencyId::new("a").unwrap(),
            roles: [role].into(),
        };
        may_find(&reader, Sees::of(&reader.roles), row, listed, "2026-11-26T19:00:00Z".parse().unwrap())
    }

    #[test]
    fn each_finds_what_the_list_of_its_kind_shows_them_and_nothing_else() {
        use SearchKind::{Bulletin, Report, Sighting, Warning};
        let plain = |kind| row(kind, |_| ());
        for role in [Role::Watch, Role::Analyst, Role::Auditor] {
            for kind in SearchKind::ALL {
                assert!(finds("x", role, &plain(kind), false), "{role:?} {kind:?}");
            }
        }
        for role in [Role::Field, Role::Integrator, Role::Administrator, Role::Device] {
            for kind in SearchKind::ALL {
                assert!(!finds("agent", role, &plain(kind), true), "{role:?} {kind:?}");
            }
        }
        let supervisor = |person, kind, listed| finds(person, Role::Supervisor, &plain(kind), listed);
        assert!(supervisor("lead", Sighting, false) && supervisor("agent", Sighting, false));
        assert!(!supervisor("other", Sighting, true), "of people whom they do not lead");
        assert!(supervisor("lead", Warning, true) && !supervisor("lead", Warning, false));
        assert!(supervisor("other", Bulletin, false) && supervisor("other", Report, false));
    }

    #[test]
    fn both_markings_must_let_one_see_it_and_a_report_whose_time_is_over_is_found_by_nobody() {
        let mut red = row(SearchKind::Bulletin, |_| ());
        assert!(finds("x", Role::Watch, &red, false));
        red.also = Some(Marking { tlp: Tlp::Red, ..Marking::default() });
        assert!(!finds("x", Role::Watch, &red, false));
        let amber = row(SearchKind::Report, |v| v["marking"] = json!({"tlp": "TLP:AMBER", "owner": "b"}));
        assert!(!finds("x", Role::Analyst, &amber, false));
        let over = |at: &str| row(SearchKind::Report, |v| v["purge_by"] = json!(at));
        assert!(finds("x", Role::Auditor, &over("2026-11-26T19:00:01Z"), false));
        assert!(!finds("x", Role::Auditor, &over("2026-11-26T19:00:00Z"), false));
    }
}
