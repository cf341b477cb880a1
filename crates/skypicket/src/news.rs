//! [`News`]: what one turn changed of a notice, for all its readers: how many are how far, the rows that the centre's
//! pages need, and each person's own. Of a long list it holds what changed, never everybody.

use crate::{
    engines::Engines,
    views::{Issuers, MOST_ROWS, RecipientRow, own_rows, some_rows},
};
use serde::Serialize;
use skypicket_dispatch::Counts;
use skypicket_model::{Notice, NoticeId, PersonId};
use std::collections::{BTreeMap, BTreeSet};

/// A person's part of the news.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    /// Their own row, then those of people of whose silence they were told.
    pub rows: Vec<RecipientRow>,
    /// They were told of more people's silence than there are rows.
    pub more: bool,
}

impl Own {
    /// Their own row.
    pub fn row(&self) -> Option<&RecipientRow> {
        self.rows.first()
    }
}

/// What one turn changed of a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// The newest version.
    pub notice: Notice,
    /// Who issued it.
    pub issuers: Issuers,
    /// How many are how far.
    pub counts: Counts,
    /// Only for those whose own part changed: the centre's pages hear of it a little later.
    pub quiet: bool,
    /// For the centre: everybody of a short list; of a longer one those who need somebody, and those whose row changed.
    pub rows: Vec<RecipientRow>,
    /// More rows changed than are here.
    pub more: bool,
    /// By person: whoever's part changed, and everybody on the list who sees all rows.
    pub own: BTreeMap<PersonId, Own>,
}

/// As one kind of reader gets it; the fields of a [`NoticeView`](crate::views::NoticeView).
#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools)] // five answers to five questions, as the pages ask them
struct Told<'a> {
    notice: &'a Notice,
    unrecorded: bool,
    counts: Option<&'a Counts>,
    recipients: Vec<&'a RecipientRow>,
    more: bool,
    mine: bool,
    acknowledged: bool,
    owes: bool,
    #[serde(flatten)]
    issuers: &'a Issuers,
}

/// What two readers who see all rows may differ in: on the list, acknowledged, owes.
pub type Kind = (bool, bool, bool);

impl News {
    /// Of a notice whose rows of these people changed; `held` changed before, which those were not told who see all rows
    /// (`wide`). Nothing of it is for those when it is to be `quiet`.
    pub fn of(
        engines: &Engines,
        notice: NoticeId,
        (changed, held): (&BTreeSet<PersonId>, &BTreeSet<PersonId>),
        wide: &BTreeSet<PersonId>,
        quiet: bool,
    ) -> Option<Self> {
        let dispatcher = engines.dispatcher();
        let (mut rows, long) = if quiet { (Vec::new(), false) } else { some_rows(engines, notice) };
        let mut more = false;
        if long {
            let here: BTreeSet<PersonId> = rows.iter().map(|r| r.person.clone()).collect();
            let mut others = changed.union(held).filter(|p| !here.contains(*p));
            let room = MOST_ROWS.saturating_sub(rows.len());
            let fitting: Vec<&PersonId> = others.by_ref().take(room).collect();
            more = others.next().is_some();
            // Where not all fit, none helps: the reader asks for the page anyway.
            if !more {
                rows.extend(fitting.into_iter().filter_map(|p| RecipientRow::find(engines, notice, p)));
            }
        }
        let mut own = BTreeMap::new();
        let mut add = |person: &PersonId| {
            if !own.contains_key(person)
                && let Some(row) = RecipientRow::find(engines, notice, person)
            {
                let (rows, more) = own_rows(engines, notice, &row);
                own.insert(person.clone(), Own { rows, more });
            }
        };
        for person in changed {
            add(person);
            // Whoever was told of their silence sees how it goes on.
            if let Some(leader) = dispatcher.recipient(notice, person).and_then(|r| r.escalated_to) {
                add(&leader);
            }
        }
        if !quiet {
            wide.iter().for_each(&mut add);
        }
        let (notice, counts) = (engines.notice(notice)?.clone(), dispatcher.counts(notice));
        let issuers = Issuers::of(engines.directory(), &notice);
        Some(Self { notice, issuers, counts, quiet, rows, more, own })
    }

    /// Rows that it holds: what it costs to keep.
    pub fn weight(&self) -> usize {
        self.rows.len() + self.own.values().map(|o| o.rows.len()).sum::<usize>()
    }

    /// A person's own row, where it is known here.
    pub fn row(&self, person: &PersonId) -> Option<&RecipientRow> {
        self.own.get(person).and_then(Own::row)
    }

    /// Which kind of reader somebody is who sees all rows.
    pub fn kind(&self, person: &PersonId) -> Kind {
        let own = self.row(person);
        (own.is_some(), own.is_some_and(|r| r.acknowledged_at.is_some()), own.is_some_and(|r| r.owes))
    }

    /// Their own row, where they see all rows and it is not among those of a long list.
    pub fn beside(&self, person: &PersonId) -> Option<&RecipientRow> {
        self.row(person).filter(|_| self.rows.iter().all(|r| r.person != *person))
    }

    /// As a reader of this kind gets it who sees all rows; with their own beside, where it is not among them.
    pub fn whole<'a>(
        &'a self,
        (mine, acknowledged, owes): Kind,
        beside: Option<&'a RecipientRow>,
        unrecorded: bool,
    ) -> impl Serialize + use<'a> {
        Told {
            notice: &self.notice,
            unrecorded,
            counts: Some(&self.counts),
            recipients: self.rows.iter().chain(beside).collect(),
            more: self.more,
            mine,
            acknowledged,
            owes,
            issuers: &self.issuers,
        }
    }

    /// As somebody on the list gets it who sees only their own part; nothing when that did not change.
    pub fn part(&self, person: &PersonId, unrecorded: bool) -> Option<impl Serialize> {
        let own = self.own.get(person)?;
        let (mine, acknowledged, owes) = self.kind(person);
        Some(Told {
            notice: &self.notice,
            unrecorded,
            counts: None,
            recipients: own.rows.iter().collect(),
            more: own.more,
            mine,
            acknowledged,
            owes,
            issuers: &self.issuers,
        })
    }
}
