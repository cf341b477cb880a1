//! [`Reads`]: reads of the API on their way into the access audit, folded so that they neither fill the record nor hide.
//!
//! Reads of one thing by one person in one session become one row a minute with their number: the first goes into the
//! record with the next flush, what follows within a minute with one row at its end. Of one person at most
//! [`MOST_ROWS_EACH`] rows a minute are kept, of all together [`MOST_ROWS`]; what is beyond is counted in one row a person,
//! and one for all. A read of people's positions, or of an intelligence report, must stand in the record before it is answered: the first in a minute is
//! written by itself, the same again within it is only counted.
//!
//! Pure: time is an argument.

use skypicket_model::{Access, Deed, PersonId, Time};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds that are folded into one row.
const FOLD_S: f64 = 60.0;
/// Rows of one person in a minute.
pub const MOST_ROWS_EACH: usize = 120;
/// Rows of all people in a minute.
pub const MOST_ROWS: usize = 4_000;
/// Reads of people's positions that one person gets written in a minute: with more than that to write they are asked to
/// wait.
pub const MOST_POSITIONS_EACH: usize = 300;
/// What a row says that counts reads beyond the bound.
pub const FOLDED_AWAY: &str = "other reads, folded away";

/// What is folded into one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    by: PersonId,
    session: String,
    deed: Deed,
    what: String,
    about: Vec<PersonId>,
}

#[derive(Debug, Default)]
struct Fold {
    /// Read since it was written last: first, last, how often.
    waiting: Option<(Time, Time, u32)>,
    written_at: Option<Time>,
}

/// Reads of one person or of all that found no place in the table.
#[derive(Debug)]
struct Beyond {
    first: Time,
    last: Time,
    times: u32,
}

impl Beyond {
    fn add(to: &mut Option<Self>, times: u32, first: Time, last: Time) {
        match to {
            None => *to = Some(Self { first, last, times }),
            Some(b) => {
                b.first = b.first.min(first);
                b.last = b.last.max(last);
                b.times = b.times.saturating_add(times);
            }
        }
    }
}

/// What to do about a read of people's positions, or of an intelligence report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Positions {
    /// Write this first, then [`Reads::written`], then answer.
    Write(Access),
    /// It stands in the record for this minute: answer.
    Counted,
    /// So many were written for this person in this minute: refuse, and let them try again.
    TooMany,
}

/// The table.
#[derive(Debug, Default)]
pub struct Reads {
    folds: BTreeMap<Key, Fold>,
    /// Rows in the table of each person.
    each: BTreeMap<PersonId, usize>,
    beyond: BTreeMap<PersonId, Option<Beyond>>,
    beyond_all: Option<Beyond>,
    /// When reads of positions were written lately, by whom.
    positions: BTreeMap<PersonId, Vec<Time>>,
    /// When the row about what is beyond was written last.
    beyond_at: Option<Time>,
}

impl Reads {
    /// A read that shows nobody's position.
    pub fn read(&mut self, by: &PersonId, session: &str, what: &str, now: Time) {
        let key = Key {
            by: by.clone(),
            session: session.to_owned(),
            deed: Deed::Read,
            what: what.to_owned(),
            about: Vec::new(),
        };
        self.count(key, now);
    }

    fn count(&mut self, key: Key, now: Time) {
        if !self.has_room(&key) {
            if self.beyond.contains_key(&key.by) || self.beyond.len() < MOST_ROWS {
                Beyond::add(self.beyond.entry(key.by).or_default(), 1, now, now);
            } else {
                Beyond::add(&mut self.beyond_all, 1, now, now);
            }
            return;
        }
        let by = key.by.clone();
        let fold = match self.folds.entry(key) {
            std::collections::btree_map::Entry::Occupied(o) => o.into_mut(),
            std::collections::btree_map::Entry::Vacant(v) => {
                *self.each.entry(by).or_insert(0) += 1;
                v.insert(Fold::default())
            }
        };
        fold.waiting = Some(match fold.waiting {
            None => (now, now, 1),
            Some((first, last, times)) => (first.min(now), last.max(now), times.saturating_add(1)),
        });
    }

    fn has_room(&self, key: &Key) -> bool {
        self.folds.contains_key(key)
            || self.folds.len() < MOST_ROWS && self.each.get(&key.by).is_none_or(|n| *n < MOST_ROWS_EACH)
    }

    /// A read that shows where these people are; nobody named is everybody.
    pub fn positions(
        &mut self,
        by: &PersonId,
        session: &str,
        what: &str,
        about: &BTreeSet<PersonId>,
        now: Time,
    ) -> Positions {
        self.first(positions_key(by, session, what, about), now)
    }

    /// A read that shows an intelligence report: treated as one of positions, and bounded together with them.
    pub fn intelligence(&mut self, by: &PersonId, session: &str, what: &str, now: Time) -> Positions {
        let key = Key {
            by: by.clone(),
            session: session.to_owned(),
            deed: Deed::ReadIntelligence,
            what: what.to_owned(),
            about: Vec::new(),
        };
        self.first(key, now)
    }

    /// A read that must stand in the record before it is answered.
    fn first(&mut self, key: Key, now: Time) -> Positions {
        let recent = |f: &Fold| f.written_at.is_some_and(|t| now.since_s(t) < FOLD_S);
        if self.folds.get(&key).is_some_and(recent) {
            self.count(key, now);
            return Positions::Counted;
        }
        let lately = self.positions.entry(key.by.clone()).or_default();
        lately.retain(|t| now.since_s(*t) < FOLD_S);
        if lately.len() >= MOST_POSITIONS_EACH {
            return Positions::TooMany;
        }
        let mut row = Access::once(Some(key.by), key.deed, key.what, now);
        row.about = key.about;
        row.session = Some(key.session);
        Positions::Write(row)
    }

    /// A read that goes on over a time has ended.
    pub fn ended(&mut self, by: &PersonId, session: &str, what: &str, about: &BTreeSet<PersonId>, now: Time) {
        self.count(positions_key(by, session, what, about), now);
    }

    /// That row is durable.
    pub fn written(&mut self, row: &Access, now: Time) {
        let (Some(by), Some(session)) = (&row.by, &row.session) else { return };
        self.positions.entry(by.clone()).or_default().push(now);
        let key = Key {
            by: by.clone(),
            session: session.clone(),
            deed: row.deed,
            what: row.what.clone(),
            about: row.about.clone(),
        };
        if !self.has_room(&key) {
            return;
        }
        if !self.folds.contains_key(&key) {
            *self.each.entry(by.clone()).or_insert(0) += 1;
        }
        self.folds.entry(key).or_default().written_at = Some(now);
    }

    /// What is due for the record; all that waits when it is the `last` time. What was not read for a minute leaves the
    /// table.
    pub fn due(&mut self, now: Time, last: bool) -> Vec<Access> {
        let mut rows = Vec::new();
        for (key, fold) in &mut self.folds {
            let due = last || fold.written_at.is_none_or(|t| now.since_s(t) >= FOLD_S);
            let Some((first, until, times)) = fold.waiting.take_if(|_| due) else { continue };
            fold.written_at = Some(now);
            rows.push(Access {
                by: Some(key.by.clone()),
                deed: key.deed,
                what: key.what.clone(),
                about: key.about.clone(),
                session: Some(key.session.clone()),
                first,
                last: until,
                times,
            });
        }
        let each = &mut self.each;
        self.folds.retain(|key, fold| {
            let keep = fold.waiting.is_some() || fold.written_at.is_some_and(|t| now.since_s(t) < FOLD_S);
            if !keep && let Some(n) = each.get_mut(&key.by) {
                *n -= 1;
                if *n == 0 {
                    each.remove(&key.by);
                }
            }
            keep
        });
        self.positions.retain(|_, times| times.iter().any(|t| now.since_s(*t) < FOLD_S));
        if last || self.beyond_at.is_none_or(|t| now.since_s(t) >= FOLD_S) {
            let all = self.beyond_all.take().map(|b| (None, b));
            let each = std::mem::take(&mut self.beyond).into_iter().filter_map(|(p, b)| Some((Some(p), b?)));
            let before = rows.len();
            rows.extend(each.chain(all).map(|(by, b)| Access {
                first: b.first,
                last: b.last,
                times: b.times,
                ..Access::once(by, Deed::Read, FOLDED_AWAY, now)
            }));
            if rows.len() > before {
                self.beyond_at = Some(now);
            }
        }
        rows
    }
}

fn positions_key(by: &PersonId, session: &str, what: &str, about: &BTreeSet<PersonId>) -> Key {
    let many = about.is_empty() || about.len() > Access::MOST_ABOUT;
    Key {
        by: by.clone(),
        session: session.to_owned(),
        deed: Deed::ReadPositions,
        what: if many { format!("{what}, {}", Access::EVERYBODY) } else { what.to_owned() },
        about: if many { Vec::new() } else { about.iter().cloned().collect() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn p(n: usize) -> PersonId {
        PersonId::new(&format!("p{n}")).unwrap()
    }
    fn t(s: f64) -> Time {
        Time::from_micros(1_000_000_000).plus_s(s)
    }
    fn row(r: &Access) -> (String, String, u32) {
        (r.by.as_ref().map_or_else(String::new, ToString::to_string), r.what.clone(), r.times)
    }

    #[test]
    fn the_first_read_goes_at_once_and_those_of_the_next_minute_in_one_row() {
        let mut reads = Reads::default();
        reads.read(&p(1), "s", "GET /a", t(0.0));
        reads.read(&p(1), "s", "GET /a", t(1.0));
        reads.read(&p(1), "s2", "GET /a", t(1.0));
        let rows = reads.due(t(2.0), false);
        assert_eq!(
            rows.iter().map(row).collect::<Vec<_>>(),
            [("p1".into(), "GET /a".into(), 2), ("p1".into(), "GET /a".into(), 1)]
        );
        assert_eq!((rows[0].first, rows[0].last), (t(0.0), t(1.0)));
        for s in 3..60 {
            reads.read(&p(1), "s", "GET /a", t(f64::from(s)));
            assert_eq!(reads.due(t(f64::from(s)), false), []);
        }
        let rows = reads.due(t(62.0), false);
        assert_eq!(rows.iter().map(row).collect::<Vec<_>>(), [("p1".into(), "GET /a".into(), 57)]);
        assert_eq!(reads.due(t(200.0), false), []);
        assert!(reads.folds.is_empty() && reads.each.is_empty(), "nothing stays");
        // At the end all goes, whatever its minute.
        reads.read(&p(1), "s", "GET /a", t(201.0));
        reads.due(t(201.0), false);
        reads.read(&p(1), "s", "GET /a", t(202.0));
        assert_eq!(reads.due(t(202.0), true).len(), 1);
    }

    #[test]
    fn positions_are_written_first_once_a_minute_and_counted_in_it() {
        let mut reads = Reads::default();
        let whose: BTreeSet<PersonId> = [p(2), p(3)].into();
        let ask = |reads: &mut Reads, s: f64| reads.positions(&p(1), "s", "GET /people", &whose, t(s));
        let Positions::Write(first) = ask(&mut reads, 0.0) else { panic!() };
        assert_eq!((first.about.clone(), first.deed), (vec![p(2), p(3)], Deed::ReadPositions));
        // Until it is durable nothing is answered without it.
        assert!(matches!(ask(&mut reads, 0.5), Positions::Write(_)));
        reads.written(&first, t(1.0));
        assert_eq!(ask(&mut reads, 2.0), Positions::Counted);
        assert_eq!(ask(&mut reads, 3.0), Positions::Counted);
        // Somebody else's position is another read.
        let other: BTreeSet<PersonId> = [p(2), p(4)].into();
        assert!(matches!(reads.positions(&p(1), "s", "GET /people", &other, t(3.0)), Positions::Write(_)));
        let rows = reads.due(t(61.0), false);
        assert_eq!(rows.iter().map(|r| (r.times, r.about.len())).collect::<Vec<_>>(), [(2, 2)]);
        // Counted rows begin another minute, and so does what is written.
        assert_eq!(ask(&mut reads, 62.0), Positions::Counted);
        assert!(matches!(ask(&mut reads, 200.0), Positions::Write(_)));
        // Nobody named, or too many to name, is everybody.
        for whose in [BTreeSet::new(), (0..=Access::MOST_ABOUT).map(p).collect()] {
            let Positions::Write(r) = reads.positions(&p(1), "s", "GET /events", &whose, t(300.0)) else { panic!() };
            assert_eq!((r.what.as_str(), r.about.len()), ("GET /events, everybody", 0));
        }
    }

    #[test]
    fn a_flood_of_one_person_costs_a_bounded_number_of_rows_and_hides_nobody_else() {
        let mut reads = Reads::default();
        for n in 0..10_000 {
            reads.read(&p(1), "s", &format!("GET /notices/{n}"), t(f64::from(n) / 1_000.0));
        }
        reads.read(&p(2), "s", "GET /people", t(10.0));
        let rows = reads.due(t(11.0), false);
        assert_eq!(rows.len(), MOST_ROWS_EACH + 2);
        assert!(rows.iter().any(|r| r.by == Some(p(2))));
        let away: Vec<_> = rows.iter().filter(|r| r.what == FOLDED_AWAY).map(row).collect();
        assert_eq!(away, [("p1".into(), FOLDED_AWAY.into(), 10_000 - u32::try_from(MOST_ROWS_EACH).unwrap())]);
        // Positions that differ each time: written up to the bound, then refused.
        let mut written = 0;
        for n in 0..1_000 {
            match reads.positions(&p(3), "s", &format!("GET /people/{n}"), &[p(n)].into(), t(20.0)) {
                Positions::Write(r) => {
                    reads.written(&r, t(20.0));
                    written += 1;
                }
                Positions::TooMany => {}
                Positions::Counted => panic!(),
            }
        }
        assert_eq!(written, MOST_POSITIONS_EACH);
        assert!(matches!(reads.positions(&p(3), "s", "GET /people", &[p(1)].into(), t(81.0)), Positions::Write(_)));
    }

    proptest! {
        /// Every read is in some row, in few of them.
        #[test]
        fn no_read_is_lost_and_rows_are_bounded(
            script in prop::collection::vec((0usize..40, 0usize..200, 0u32..4_000, prop::bool::weighted(0.02)), 1..1_500),
        ) {
            let mut reads = Reads::default();
            let (mut now, mut read, mut told, mut rows) = (0.0, 0u64, 0u64, 0usize);
            for (who, what, pause_ms, flush) in script {
                now += f64::from(pause_ms) / 1_000.0;
                reads.read(&p(who), "s", &format!("GET /{what}"), t(now));
                read += 1;
                if flush {
                    let due = reads.due(t(now), false);
                    told += due.iter().map(|r| u64::from(r.times)).sum::<u64>();
                    rows += due.len();
                }
            }
            let due = reads.due(t(now), true);
            told += due.iter().map(|r| u64::from(r.times)).sum::<u64>();
            rows += due.len();
            prop_assert_eq!(told, read);
            let minutes = now / FOLD_S + 2.0;
            prop_assert!((rows as f64) <= minutes * (MOST_ROWS + 41) as f64, "{} rows in {} minutes", rows, minutes);
            prop_assert!(reads.folds.len() <= MOST_ROWS);
        }
    }
}
