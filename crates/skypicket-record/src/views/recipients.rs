//! View *recipients*: who is on each notice version's list, who acknowledged, who stayed silent and to whom that went.

use super::{View, blob, bounded, name, notices::level_word, sql_index};
use crate::{
    query::{DisseminationQuery, EscalationRow, RecipientRow},
    record::ReadError,
};
use rusqlite::{Connection, ToSql, params};
use skypicket_model::{
    Body, CallStatus, Channel, DispatchEvent, Entry, Level, NoticeId, PersonId, Time, delivery::Rule,
};

pub(crate) const VIEW: View =
    View { tables: &["view_recipients", "view_escalations"], schema: include_str!("recipients.sql"), apply, purge };

fn rule_of(word: &str) -> Option<Rule> {
    Rule::ALL.into_iter().find(|r| r.word() == word)
}

fn level_of(word: &str) -> Option<Level> {
    [Level::Advisory, Level::Caution, Level::Urgent].into_iter().find(|l| level_word(*l) == word)
}

/// One person on one list.
struct Row<'a> {
    connection: &'a Connection,
    entry: u64,
    notice: NoticeId,
    version: u32,
    person: &'a PersonId,
}

impl Row<'_> {
    /// Makes sure that the row is there; a rule that is known stays.
    fn list(&self, place: usize, rule: Option<Rule>) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO view_recipients (notice, version, person, entry, place, rule) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (notice, version, person) DO UPDATE SET rule = coalesce(rule, excluded.rule)",
            )?
            .execute(params![
                blob(&self.notice.0),
                self.version,
                self.person.as_str(),
                sql_index(self.entry),
                sql_index(place as u64),
                rule.map(Rule::word),
            ])?;
        Ok(())
    }

    /// Sets two columns that were not set before: the first acknowledgement or escalation counts.
    fn set(&self, at: (&str, Time), more: Option<(&str, Option<&str>)>) -> rusqlite::Result<()> {
        self.list(usize::MAX >> 1, None)?;
        let (time_column, time) = at;
        let (column, value) = more.unwrap_or((time_column, None));
        let second = if more.is_some() { format!(", {column} = ?5") } else { String::new() };
        let sql = format!(
            "UPDATE view_recipients SET {time_column} = ?4{second} \
             WHERE notice = ?1 AND version = ?2 AND person = ?3 AND {time_column} IS NULL"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let (notice, person) = (blob(&self.notice.0), self.person.as_str());
        match more {
            Some(_) => statement.execute(params![notice, self.version, person, time.as_micros(), value])?,
            None => statement.execute(params![notice, self.version, person, time.as_micros()])?,
        };
        Ok(())
    }
}

impl Row<'_> {
    /// Sets a column, whatever it held: the last counts.
    fn put(&self, column: &str, value: impl ToSql) -> rusqlite::Result<()> {
        self.list(usize::MAX >> 1, None)?;
        let sql =
            format!("UPDATE view_recipients SET {column} = ?4 WHERE notice = ?1 AND version = ?2 AND person = ?3");
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement.execute(params![blob(&self.notice.0), self.version, self.person.as_str(), value]).map(drop)
    }
}

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Dispatch(event) = &entry.body else { return Ok(()) };
    let row = |notice: NoticeId, version: u32, person| Row { connection, entry: entry.index, notice, version, person };
    match event {
        DispatchEvent::Recipients { notice, version, people } => people
            .iter()
            .enumerate()
            .try_for_each(|(place, (person, rule))| row(*notice, *version, person).list(place, Some(*rule))),
        DispatchEvent::Acknowledged { notice, version, person, at, via, by } => {
            let r = row(*notice, *version, person);
            r.set(("acknowledged_at", *at), Some(("acknowledged_via", Some(via.word()))))?;
            by.as_ref().map_or(Ok(()), |by| r.put("acknowledged_by", Some(by.as_str())))
        }
        DispatchEvent::Called { notice, version, person, status, by, at } => {
            let r = row(*notice, *version, person);
            r.put("call_status", Some(status.word()))?;
            r.put("called_by", Some(by.as_str()))?;
            r.put("called_at", Some(at.as_micros()))
        }
        // They are asked again: the next acknowledgement is the one that counts.
        DispatchEvent::Lapsed { notice, version, person, at } => {
            let r = row(*notice, *version, person);
            r.put("lapsed_at", Some(at.as_micros()))?;
            for column in ["acknowledged_at", "acknowledged_via", "acknowledged_by"] {
                r.put(column, None::<i64>)?;
            }
            Ok(())
        }
        DispatchEvent::Escalated { notice, version, person, to, at, level } => {
            connection
                .prepare_cached(
                    "INSERT INTO view_escalations (entry, notice, version, person, to_whom, at, level) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    sql_index(entry.index),
                    blob(&notice.0),
                    version,
                    person.as_str(),
                    to.as_ref().map(PersonId::as_str),
                    at.as_micros(),
                    level_word(*level),
                ])?;
            let to_column = Some(("escalated_to", to.as_ref().map(PersonId::as_str)));
            row(*notice, *version, person).set(("escalated_at", *at), to_column)?;
            // Who is told of a silence is on the list from then on.
            to.as_ref().map_or(Ok(()), |to| row(*notice, *version, to).list(usize::MAX >> 1, Some(Rule::Escalation)))
        }
        DispatchEvent::Silent { notice, version, person, at } => {
            row(*notice, *version, person).set(("silent_at", *at), None)
        }
        // The last has a view of its own.
        DispatchEvent::Attempt { .. }
        | DispatchEvent::Moved { .. }
        | DispatchEvent::Closed { .. }
        | DispatchEvent::Measures { .. } => Ok(()),
    }
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Dispatch(event) = &entry.body else { return Ok(()) };
    let forget = |notice: &NoticeId, version: u32, person: &PersonId| {
        connection
            .prepare_cached("DELETE FROM view_recipients WHERE notice = ?1 AND version = ?2 AND person = ?3")?
            .execute(params![blob(&notice.0), version, person.as_str()])
            .map(drop)
    };
    match event {
        DispatchEvent::Recipients { notice, version, people } => {
            people.iter().try_for_each(|(person, _)| forget(notice, *version, person))
        }
        DispatchEvent::Acknowledged { notice, version, person, .. }
        | DispatchEvent::Lapsed { notice, version, person, .. }
        | DispatchEvent::Called { notice, version, person, .. }
        | DispatchEvent::Silent { notice, version, person, .. } => forget(notice, *version, person),
        DispatchEvent::Escalated { notice, version, person, to, .. } => {
            connection
                .prepare_cached("DELETE FROM view_escalations WHERE entry = ?1")?
                .execute([sql_index(entry.index)])?;
            forget(notice, *version, person)?;
            to.as_ref().map_or(Ok(()), |to| forget(notice, *version, to))
        }
        // The last has a view of its own.
        DispatchEvent::Attempt { .. }
        | DispatchEvent::Moved { .. }
        | DispatchEvent::Closed { .. }
        | DispatchEvent::Measures { .. } => Ok(()),
    }
}

const COLUMNS: &str = "person, rule, acknowledged_at, acknowledged_via, escalated_at, escalated_to, silent_at, \
                       acknowledged_by, call_status, called_by, called_at, lapsed_at";

/// From [`COLUMNS`].
fn row_of(row: &rusqlite::Row<'_>) -> Result<RecipientRow, ReadError> {
    let time = |column| row.get::<_, Option<i64>>(column).map(|t| t.map(Time::from_micros));
    let via: Option<String> = row.get(3)?;
    let to: Option<String> = row.get(5)?;
    Ok(RecipientRow {
        person: name(row.get(0)?)?,
        rule: row.get::<_, Option<String>>(1)?.as_deref().and_then(rule_of),
        acknowledged: time(2)?.zip(via.as_deref().and_then(Channel::from_word)),
        escalated: match time(4)? {
            Some(at) => Some((at, to.map(name).transpose()?)),
            None => None,
        },
        silent_at: time(6)?,
        acknowledged_by: row.get::<_, Option<String>>(7)?.map(name).transpose()?,
        call: match (row.get::<_, Option<String>>(8)?, row.get::<_, Option<String>>(9)?, time(10)?) {
            (Some(status), Some(by), Some(at)) => CallStatus::from_word(&status).map(|s| (s, name(by), at)),
            _ => None,
        }
        .map(|(status, by, at)| by.map(|by| (status, by, at)))
        .transpose()?,
        lapsed_at: time(11)?,
    })
}

pub(crate) fn list(connection: &Connection, notice: NoticeId, version: u32) -> Result<Vec<RecipientRow>, ReadError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM view_recipients WHERE notice = ?1 AND version = ?2 ORDER BY place, entry, person"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![blob(&notice.0), version])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(row_of(row)?);
    }
    Ok(list)
}

/// The lists of all versions after a row, by version and person.
pub(crate) fn after(
    connection: &Connection,
    query: &DisseminationQuery,
) -> Result<Vec<(u32, RecipientRow)>, ReadError> {
    let sql = format!(
        "SELECT {COLUMNS}, version FROM view_recipients \
         WHERE notice = ?1 AND (version, person) > (?2, ?3) ORDER BY version, person LIMIT ?4"
    );
    let (version, person) = query.after.as_ref().map_or((0, ""), |(v, p)| (*v, p.as_str()));
    let mut statement = connection.prepare_cached(&sql)?;
    let most = sql_index(bounded(query.limit) as u64);
    let mut rows = statement.query(params![blob(&query.notice.0), version, person, most])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push((row.get(12)?, row_of(row)?));
    }
    Ok(list)
}

pub(crate) fn escalations(connection: &Connection, notice: NoticeId) -> Result<Vec<EscalationRow>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT version, person, to_whom, at, level FROM view_escalations WHERE notice = ?1 ORDER BY entry",
    )?;
    let mut rows = statement.query([blob(&notice.0)])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let level: String = row.get(4)?;
        list.push(EscalationRow {
            notice,
            version: row.get(0)?,
            person: name(row.get(1)?)?,
            to: row.get::<_, Option<String>>(2)?.map(name).transpose()?,
            at: Time::from_micros(row.get(3)?),
            level: level_of(&level).ok_or_else(|| ReadError::Io("a view holds a level that is none".into()))?,
        });
    }
    Ok(list)
}
