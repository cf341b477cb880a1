//! View *recipients*: who is on each notice version's list, who acknowledged, who stayed silent and to whom that went.

use super::{View, blob, name, notices::level_word, sql_index};
use crate::{
    query::{EscalationRow, RecipientRow},
    record::ReadError,
};
use rusqlite::{Connection, params};
use skypicket_model::{Body, Channel, DispatchEvent, Entry, Level, NoticeId, PersonId, Time, delivery::Rule};

pub(crate) const VIEW: View =
    View { tables: &["view_recipients", "view_escalations"], schema: include_str!("recipients.sql"), apply };

fn rule_word(rule: Rule) -> &'static str {
    match rule {
        Rule::InDanger => "in_danger",
        Rule::SiteUnit => "site_unit",
        Rule::Centre => "centre",
        Rule::Escalation => "escalation",
    }
}

fn rule_of(word: &str) -> Option<Rule> {
    [Rule::InDanger, Rule::SiteUnit, Rule::Centre, Rule::Escalation].into_iter().find(|r| rule_word(*r) == word)
}

fn channel_word(channel: Channel) -> &'static str {
    match channel {
        Channel::Web => "web",
        Channel::Tak => "tak",
    }
}

fn channel_of(word: &str) -> Option<Channel> {
    [Channel::Web, Channel::Tak].into_iter().find(|c| channel_word(*c) == word)
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
                rule.map(rule_word),
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

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Dispatch(event) = &entry.body else { return Ok(()) };
    let row = |notice: NoticeId, version: u32, person| Row { connection, entry: entry.index, notice, version, person };
    match event {
        DispatchEvent::Recipients { notice, version, people } => people
            .iter()
            .enumerate()
            .try_for_each(|(place, (person, rule))| row(*notice, *version, person).list(place, Some(*rule))),
        DispatchEvent::Acknowledged { notice, version, person, at, via } => row(*notice, *version, person)
            .set(("acknowledged_at", *at), Some(("acknowledged_via", Some(channel_word(*via))))),
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
        DispatchEvent::Attempt { .. } | DispatchEvent::Moved { .. } | DispatchEvent::Closed { .. } => Ok(()),
    }
}

pub(crate) fn list(connection: &Connection, notice: NoticeId, version: u32) -> Result<Vec<RecipientRow>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT person, rule, acknowledged_at, acknowledged_via, escalated_at, escalated_to, silent_at \
         FROM view_recipients WHERE notice = ?1 AND version = ?2 ORDER BY place, entry, person",
    )?;
    let mut rows = statement.query(params![blob(&notice.0), version])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let time = |column| row.get::<_, Option<i64>>(column).map(|t| t.map(Time::from_micros));
        let via: Option<String> = row.get(3)?;
        let to: Option<String> = row.get(5)?;
        list.push(RecipientRow {
            person: name(row.get(0)?)?,
            rule: row.get::<_, Option<String>>(1)?.as_deref().and_then(rule_of),
            acknowledged: time(2)?.zip(via.as_deref().and_then(channel_of)),
            escalated: match time(4)? {
                Some(at) => Some((at, to.map(name).transpose()?)),
                None => None,
            },
            silent_at: time(6)?,
        });
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
