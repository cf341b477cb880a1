//! [`Figures`]: how many alarms interrupt whom, how fast they are taken, and what stands, is shelved or is stale.
//!
//! Made from the desk's own bounded history: the last [`WINDOW_S`], or as far back as the history goes. The targets are
//! those of EEMUA 191 and ISA-18.2.

use crate::{
    Desk,
    calls::{Past, TEN_MIN_S, level_index},
};
use serde::Serialize;
use skypicket_model::{Level, PersonId, Time};

/// The centre's figures are of so long, seconds: a shift of eight hours.
pub const WINDOW_S: f64 = 28_800.0;

/// What is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Targets {
    /// Interruptions in 10 minutes of one officer, on average over a shift, at most.
    pub per_10_min: f64,
    /// The same at the peak, at most.
    pub peak_10_min: u32,
    /// Share of urgent alarms, at most.
    pub urgent: f64,
    /// Share of cautions, at most.
    pub caution: f64,
    /// Share of advisories, at least.
    pub advisory: f64,
}

/// What is aimed at: 1 in 10 minutes, 2 at the peak, 5 / 15 / 80 %.
pub const TARGETS: Targets = Targets { per_10_min: 1.0, peak_10_min: 2, urgent: 0.05, caution: 0.15, advisory: 0.80 };

/// Calls by level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ByLevel {
    /// Urgent.
    pub urgent: u64,
    /// Caution.
    pub caution: u64,
    /// Advisory, and reports.
    pub advisory: u64,
}

/// Shares by level, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// Urgent.
    pub urgent: f64,
    /// Caution.
    pub caution: f64,
    /// Advisory, and reports.
    pub advisory: f64,
}

/// An officer's shift in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfficerFigures {
    /// Who.
    pub id: PersonId,
    /// Call-sign or role.
    pub name: String,
    /// On shift since.
    pub since: Time,
    /// No page is open since; `None`: is here.
    pub until: Option<Time>,
    /// Interruptions on this shift.
    pub interruptions: u32,
    /// On average in 10 minutes; a shorter shift counts as 10 minutes.
    pub per_10_min: f64,
    /// Most in 10 minutes.
    pub peak_10_min: u32,
    /// Alarms that they took.
    pub taken: u32,
}

/// The figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// As of.
    pub at: Time,
    /// Of what happened since.
    pub since: Time,
    /// What is aimed at.
    pub targets: Targets,
    /// Alarms that called for a person.
    pub calls: ByLevel,
    /// Their shares; `None` when none called.
    pub shares: Option<Shares>,
    /// Of the calls, those that interrupted.
    pub interruptions: u32,
    /// On average in 10 minutes.
    pub per_10_min: f64,
    /// Most in 10 minutes.
    pub peak_10_min: u32,
    /// A flood is on since.
    pub flood_since: Option<Time>,
    /// Floods, with the one that is on.
    pub floods: u32,
    /// Seconds of flood.
    pub flood_s: f64,
    /// Alarms taken or decided.
    pub taken: u32,
    /// Half of them within so many seconds; `None` when none was taken.
    pub taken_p50_s: Option<f64>,
    /// 95 of 100 within so many seconds.
    pub taken_p95_s: Option<f64>,
    /// Open alarms.
    pub open: u32,
    /// Of those, nobody has them in hand, and they are not shelved.
    pub untaken: u32,
    /// Of those, for longer than `standing_s`.
    pub standing: u32,
    /// Longer than this is standing, seconds.
    pub standing_s: f64,
    /// Shelved now.
    pub shelved: u32,
    /// Open for longer than `stale_s`.
    pub stale: u32,
    /// Longer than this is stale, seconds.
    pub stale_s: f64,
    /// Watch officers on shift now or before, by id.
    pub officers: Vec<OfficerFigures>,
}

/// What is counted since the log began, for meters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Interruptions.
    pub interruptions: u64,
    /// Calls.
    pub calls: ByLevel,
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Interruptions in 10 minutes on average; a span under 10 minutes counts as 10 minutes.
fn average(interruptions: u32, span_s: f64) -> f64 {
    f64::from(interruptions) * TEN_MIN_S / span_s.max(TEN_MIN_S)
}

/// Most times within 10 minutes; they are in order.
fn peak(times: &[Time]) -> u32 {
    let mut first = 0;
    let mut most = 0;
    for (k, t) in times.iter().enumerate() {
        while times.get(first).is_some_and(|f| t.since_s(*f) >= TEN_MIN_S) {
            first += 1;
        }
        most = most.max(k + 1 - first);
    }
    small(most)
}

/// The value that so many of 100 do not exceed (nearest rank).
fn percentile(sorted: &[f64], of_100: usize) -> Option<f64> {
    let rank = (sorted.len() * of_100).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn by_level<'a>(calls: impl Iterator<Item = &'a Past>) -> ByLevel {
    let mut n = ByLevel::default();
    for p in calls {
        match p.level {
            Level::Urgent => n.urgent += 1,
            Level::Caution => n.caution += 1,
            Level::Advisory => n.advisory += 1,
        }
    }
    n
}

#[allow(clippy::cast_precision_loss)] // counts, far below 2^52
fn shares(n: ByLevel) -> Option<Shares> {
    let all = (n.urgent + n.caution + n.advisory) as f64;
    let of = |k: u64| k as f64 / all;
    (all > 0.0).then(|| Shares { urgent: of(n.urgent), caution: of(n.caution), advisory: of(n.advisory) })
}

impl Desk {
    /// The figures as of now.
    pub fn figures(&self, now: Time) -> Figures {
        let calls = self.calls();
        let policy = self.policy();
        // A centre that started an hour ago has figures of an hour.
        let since = calls.whole_since().unwrap_or(now).max(now.plus_s(-WINDOW_S));
        let within = |t: Time| t >= since;
        let times: Vec<Time> = calls.interruptions().copied().filter(|t| within(*t)).collect();
        let n = by_level(calls.past().filter(|p| within(p.at)));
        let mut answers: Vec<f64> = calls.answers().filter(|(t, _)| within(*t)).map(|(_, s)| *s).collect();
        answers.sort_by(f64::total_cmp);
        let on = calls.flood().map(|f| (f.since, now));
        let floods: Vec<(Time, Time)> = calls.floods().copied().chain(on).filter(|(_, to)| within(*to)).collect();
        let (mut open, mut untaken, mut standing, mut stale) = (0, 0, 0, 0);
        for a in self.alarms() {
            open += 1;
            stale += u32::from(now.since_s(a.since) >= policy.stale_s);
            if !a.in_hand && a.shelved.is_none() {
                untaken += 1;
                standing += u32::from(now.since_s(a.calls_since.unwrap_or(a.since)) >= policy.standing_s);
            }
        }
        Figures {
            at: now,
            since,
            targets: TARGETS,
            calls: n,
            shares: shares(n),
            interruptions: small(times.len()),
            per_10_min: average(small(times.len()), now.since_s(since)),
            peak_10_min: peak(&times),
            flood_since: on.map(|(since, _)| since),
            floods: small(floods.len()),
            flood_s: floods.iter().map(|(from, to)| to.since_s((*from).max(since)).max(0.0)).sum(),
            taken: small(answers.len()),
            taken_p50_s: percentile(&answers, 50),
            taken_p95_s: percentile(&answers, 95),
            open,
            untaken,
            standing,
            standing_s: policy.standing_s,
            shelved: small(calls.all_shelved().count()),
            stale,
            stale_s: policy.stale_s,
            officers: self.officer_figures(now),
        }
    }

    /// What is counted since the log began.
    pub fn totals(&self) -> Totals {
        let n = |level| self.calls().called_by_level[level_index(level)];
        Totals {
            interruptions: self.calls().interrupted,
            calls: ByLevel { urgent: n(Level::Urgent), caution: n(Level::Caution), advisory: n(Level::Advisory) },
        }
    }

    fn officer_figures(&self, now: Time) -> Vec<OfficerFigures> {
        // Who was last here longer ago than the window has no shift in it.
        let recent = |to: Option<Time>| to.is_none_or(|t| now.since_s(t) < WINDOW_S);
        let shown = self.calls().officers().filter(|(_, o)| recent(o.to));
        shown
            .map(|(id, o)| OfficerFigures {
                id: id.clone(),
                name: self.name(id),
                since: o.from,
                until: o.to,
                interruptions: o.interruptions,
                per_10_min: average(o.interruptions, o.to.unwrap_or(now).since_s(o.from)),
                peak_10_min: o.peak,
                taken: o.taken,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_most_in_any_ten_minutes_and_a_percentile_is_a_value_that_happened() {
        let t = |s: f64| Time::from_micros(0).plus_s(s);
        for (times, expect) in [
            (&[][..], 0),
            (&[0.0][..], 1),
            (&[0.0, 599.0, 600.0, 1_199.0][..], 2),
            (&[0.0, 300.0, 599.9, 2_000.0][..], 3),
        ] {
            let times: Vec<Time> = times.iter().map(|s| t(*s)).collect();
            assert_eq!(peak(&times), expect, "{times:?}");
        }
        assert_eq!(percentile(&[], 50), None);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&hundred, 50), percentile(&hundred, 95)), (Some(50.0), Some(95.0)));
        assert_eq!((percentile(&[3.0], 50), percentile(&[3.0, 9.0], 95)), (Some(3.0), Some(9.0)));
    }
}
