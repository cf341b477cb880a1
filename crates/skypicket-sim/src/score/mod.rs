//! [`Scores`]: how well tracks fit the truth, by measures of the field.
//!
//! The truth and the tracks are compared each second, half a second after the full one. A track counts as its newest report
//! that had been made by then, run on by its velocity, and for three seconds of silence: so what is scored is what
//! somebody would have seen at that moment. Tentative and suspect tracks do not count. A target counts while at least
//! one sensor could fix it; a track at one that does not count is neither good nor bad.
//!
//! - GOSPA, order 2, α 2 (Rahmathullah, García-Fernández and Svensson, FUSION 2017): located, missed and false parts;
//! - OSPA⁽²⁾ over ten steps (Beard, Vo and Vo, IEEE TSP 2020): sees labels that change;
//! - SIAP completeness, ambiguity, spuriousness, accuracy, continuity (Votruba, Nisley et al., 2001), over pairs that are
//!   kept while they last (CLEAR MOT; Bernardin and Stiefelhagen, 2008);
//! - normalised estimation error squared (NEES): whether a track is as exact as it says;
//! - time to the first confirmed track; right and wrong identities.

mod assign;
mod chi2;
mod spoofs;
#[cfg(test)]
mod tests;

pub use spoofs::{IN_TIME_S, Spoofs, spoofs};

use crate::scene::{At, State, Target, TrackLine, Tracks, Truth};
use assign::{Candidate, best_pairs, distance, near};
use serde::Serialize;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
};

/// Steps of one OSPA⁽²⁾ window.
const WINDOW: usize = 10;

/// How to score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// A track farther from a target than this, metres, does not track it.
    pub cutoff_m: f64,
    /// A track counts for so long after its last report, seconds.
    pub hold_s: f64,
    /// Between comparisons, seconds.
    pub step_s: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { cutoff_m: 50.0, hold_s: 3.0, step_s: 1.0 }
    }
}

impl Rules {
    /// The moments that are compared, of a scene from `t0` to `t1`.
    fn moments(&self, t0: f64, t1: f64) -> impl Iterator<Item = f64> + use<> {
        let (start, step) = (t0 + 0.5 * self.step_s, self.step_s);
        (0u32..).map(move |k| start + f64::from(k) * step).take_while(move |t| *t < t1 + 1e-9)
    }
}

/// The newest report of a track that had been made by `t`, if it counts, and where it is then.
fn newest(lines: &[TrackLine], t: f64, rules: &Rules) -> Option<(usize, [f64; 3])> {
    let report = lines.partition_point(|r| r.ta <= t + 1e-9).checked_sub(1)?;
    let line = lines.get(report)?;
    if line.state != State::Confirmed || t - line.ta > rules.hold_s {
        return None;
    }
    let p = line.p?;
    Some((report, std::array::from_fn(|k| p[k] + line.v[k] * (t - line.t))))
}

/// All scores. `None` where there is nothing to take a mean of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// As in the truth file.
    pub family: Option<u32>,
    /// As in the truth file.
    pub seed: Option<u64>,
    /// Whether heights count (3) or not (2).
    pub dims: usize,
    /// [`Rules::cutoff_m`].
    pub c: f64,
    /// Comparisons.
    pub grid_steps: usize,
    /// Mean distance of the two sets of points.
    pub gospa: Gospa,
    /// Mean distance of the two sets of tracks, metres.
    pub ospa2: Option<f64>,
    /// Single integrated air picture.
    pub siap: Siap,
    /// Labels.
    pub mot: Mot,
    /// Time to the first confirmed track.
    pub ttfc: Ttfc,
    /// Consistency.
    pub nees: Nees,
    /// Claimed identities.
    pub identity: Identity,
}

/// GOSPA and its parts: `loc2 + missed2 + false2 = rms²`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gospa {
    /// Mean of the steps, metres.
    pub mean: Option<f64>,
    /// Root of the mean square, metres.
    pub rms: Option<f64>,
    /// Part of the errors of located targets, m².
    pub loc2: Option<f64>,
    /// Part of missed targets, m².
    pub missed2: Option<f64>,
    /// Part of false tracks, m².
    pub false2: Option<f64>,
    /// Missed targets a step.
    pub n_missed: Option<f64>,
    /// False tracks a step.
    pub n_false: Option<f64>,
    /// Root mean square error of located targets, metres.
    pub loc_rmse: Option<f64>,
}

/// Attributes of a single integrated air picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Siap {
    /// Share of targets that have a track.
    pub completeness: Option<f64>,
    /// Tracks of a tracked target.
    pub ambiguity: Option<f64>,
    /// Share of tracks that are of nothing.
    pub spuriousness: Option<f64>,
    /// Mean error, metres.
    pub pos_acc: Option<f64>,
    /// Mean error, metres a second.
    pub vel_acc: Option<f64>,
    /// Changes of label a tracked second.
    pub track_number_change_rate: Option<f64>,
    /// Share of the time that the longest unbroken tracks cover.
    pub longest_segment: Option<f64>,
}

/// Labels over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mot {
    /// A target got another track than its last.
    pub id_switches: u64,
    /// A target was found again.
    pub fragments: u64,
    /// One less misses, false tracks and switches a target.
    pub mota: Option<f64>,
}

/// Time from the arrival of a target's first detection to its first confirmed report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ttfc {
    /// Seconds.
    pub mean: Option<f64>,
    /// Seconds.
    pub max: Option<f64>,
    /// Targets that never had one.
    pub never: u64,
    /// Targets.
    pub n: u64,
}

/// Errors in units of what the tracks say of themselves, a dimension: 1 is right, more is too sure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Nees {
    /// Reports with a covariance.
    pub n: u64,
    /// Mean.
    pub mean_per_dim: Option<f64>,
    /// Where the mean of so many independent ones would be, 95 %.
    pub bounds95: [Option<f64>; 2],
    /// Share within their own 95 %.
    pub frac_in_95: Option<f64>,
}

/// Steps of pairs, by what the track says about who it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Identity {
    /// Of targets that broadcast: theirs.
    pub right: u64,
    /// Another.
    pub wrong: u64,
    /// None.
    pub none: u64,
    /// Of targets that do not broadcast.
    pub dark_steps: u64,
    /// And were given an identity all the same.
    pub dark_given_id: u64,
    /// Of suspect tracks.
    pub suspect_steps: u64,
    /// At a real target.
    pub suspect_on_real: u64,
}

/// One comparison, for a curve over time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// When, seconds.
    pub t: f64,
    /// GOSPA, metres.
    pub gospa: f64,
    /// OSPA⁽²⁾ of the window that ends here, metres.
    pub ospa2: f64,
    /// Missed targets.
    pub missed: usize,
    /// False tracks.
    pub false_tracks: usize,
}

/// The scores and their course.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Over the whole scene.
    pub scores: Scores,
    /// Each comparison.
    pub steps: Vec<Step>,
}

/// Sums of one comparison.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    t: f64,
    total: f64,
    loc2: f64,
    missed2: f64,
    false2: f64,
    missed: usize,
    false_tracks: usize,
    pairs: usize,
}

/// Of the window: how near a target and a track were at a step.
#[derive(Debug, Clone, Default)]
struct Closeness {
    targets: Vec<usize>,
    tracks: Vec<usize>,
    near: Vec<(usize, usize, f64)>,
}

/// A target that counts at a step.
struct Real {
    target: usize,
    at: At,
}

/// A track that counts at a step.
#[derive(Clone, Copy)]
struct Shown<'a> {
    track: usize,
    report: usize,
    line: &'a TrackLine,
    p: [f64; 3],
}

/// Means of what may be none.
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Scores tracks against the truth.
pub fn score(truth: &Truth, tracks: &Tracks, rules: &Rules) -> Scored {
    let mut s = Scoring::new(truth, tracks, rules);
    for t in rules.moments(truth.header.t0, truth.header.t1) {
        s.compare(t);
    }
    s.finish()
}

struct Scoring<'a> {
    truth: &'a Truth,
    tracks: &'a Tracks,
    rules: &'a Rules,
    dims: usize,
    rows: Vec<Row>,
    windows: Vec<Closeness>,
    /// By target: its track at each step at which it counts.
    seen: Vec<Vec<Option<usize>>>,
    /// By target: its latest track.
    last: HashMap<usize, usize>,
    /// The pairs of the step before.
    before: HashMap<usize, usize>,
    switches: u64,
    fragments: u64,
    truths: u64,
    tracked: u64,
    assigned: u64,
    shown: u64,
    errors: Vec<f64>,
    speed_errors: Vec<f64>,
    /// Target, track, report.
    matched: Vec<(usize, usize, usize)>,
    identity: Identity,
}

impl<'a> Scoring<'a> {
    fn new(truth: &'a Truth, tracks: &'a Tracks, rules: &'a Rules) -> Self {
        Self {
            truth,
            tracks,
            rules,
            dims: truth.header.score_dims,
            rows: Vec::new(),
            windows: Vec::new(),
            seen: vec![Vec::new(); truth.targets.len()],
            last: HashMap::new(),
            before: HashMap::new(),
            switches: 0,
            fragments: 0,
            truths: 0,
            tracked: 0,
            assigned: 0,
            shown: 0,
            errors: Vec::new(),
            speed_errors: Vec::new(),
            matched: Vec::new(),
            identity: Identity::default(),
        }
    }

    /// The newest report of a track that had been made by then, if it counts.
    fn shown(&self, track: usize, t: f64) -> Option<Shown<'a>> {
        let lines = self.tracks.tracks.get(track)?;
        let (report, p) = newest(lines, t, self.rules)?;
        Some(Shown { track, report, line: lines.get(report)?, p })
    }

    fn compare(&mut self, t: f64) {
        let (c, dims) = (self.rules.cutoff_m, self.dims);
        let (mut real, mut others) = (Vec::new(), Vec::new());
        for (target, series) in self.truth.targets.iter().enumerate() {
            match series.at(t) {
                Some(at) if at.covered && !series.ignore => real.push(Real { target, at }),
                Some(at) => others.push(at.p),
                None => {}
            }
        }
        let (mut shown, mut suspects) = (Vec::new(), Vec::new());
        for s in (0..self.tracks.tracks.len()).filter_map(|k| self.shown(k, t)) {
            if s.line.suspect { suspects.push(s.p) } else { shown.push(s) }
        }
        let places: Vec<[f64; 3]> = real.iter().map(|r| r.at.p).collect();
        self.identity.suspect_steps += suspects.len() as u64;
        let on_real: HashSet<usize> = near(&places, &suspects, c, dims).iter().map(|n| n.1).collect();
        self.identity.suspect_on_real += on_real.len() as u64;

        let candidates = |close: &[(usize, usize, f64)]| -> Vec<Candidate> {
            close.iter().map(|(row, column, d)| Candidate { row: *row, column: *column, gain: c * c - d * d }).collect()
        };
        let at = |shown: &[Shown<'_>]| -> Vec<[f64; 3]> { shown.iter().map(|s| s.p).collect() };
        let mut close = near(&places, &at(&shown), c, dims);
        let mut pairs = best_pairs(&candidates(&close));
        // A track that fits only what does not count is neither good nor bad.
        let beside: HashSet<usize> = near(&others, &at(&shown), c, dims).iter().map(|n| n.1).collect();
        let paired: HashSet<usize> = pairs.iter().map(|p| p.column).collect();
        if beside.iter().any(|k| !paired.contains(k)) {
            let keep = |k: &usize| paired.contains(k) || !beside.contains(k);
            shown = (0..shown.len()).filter(keep).map(|k| shown[k]).collect();
            close = near(&places, &at(&shown), c, dims);
            pairs = best_pairs(&candidates(&close));
        }

        let (n, m, k) = (real.len(), shown.len(), pairs.len());
        let loc2: f64 = pairs.iter().map(|p| distance(places[p.row], shown[p.column].p, dims).powi(2)).sum();
        let (missed2, false2) = ((n - k) as f64 * c * c / 2.0, (m - k) as f64 * c * c / 2.0);
        let total = libm::sqrt(loc2 + missed2 + false2);
        self.rows.push(Row { t, total, loc2, missed2, false2, missed: n - k, false_tracks: m - k, pairs: k });
        self.windows.push(Closeness {
            targets: real.iter().map(|r| r.target).collect(),
            tracks: shown.iter().map(|s| s.track).collect(),
            near: close.iter().map(|(r, k, d)| (real[*r].target, shown[*k].track, *d)).collect(),
        });
        self.follow(&real, &shown, &close);
    }

    /// Pairs over time: one that was a pair and still is near stays one, the rest are paired as they fit best.
    fn follow(&mut self, real: &[Real], shown: &[Shown<'_>], close: &[(usize, usize, f64)]) {
        let column_of: HashMap<usize, usize> = shown.iter().enumerate().map(|(k, s)| (s.track, k)).collect();
        let gap: HashMap<(usize, usize), f64> = close.iter().map(|(r, k, d)| ((*r, *k), *d)).collect();
        let mut partner: Vec<Option<usize>> = vec![None; real.len()];
        let mut free = vec![true; shown.len()];
        for (row, r) in real.iter().enumerate() {
            if let Some(column) = self.before.get(&r.target).and_then(|track| column_of.get(track))
                && free[*column]
                && gap.contains_key(&(row, *column))
            {
                partner[row] = Some(*column);
                free[*column] = false;
            }
        }
        let c2 = self.rules.cutoff_m * self.rules.cutoff_m;
        let rest: Vec<Candidate> = close
            .iter()
            .filter(|(r, k, _)| partner[*r].is_none() && free[*k])
            .map(|(row, column, d)| Candidate { row: *row, column: *column, gain: c2 - d * d })
            .collect();
        for p in best_pairs(&rest) {
            partner[p.row] = Some(p.column);
            free[p.column] = false;
        }
        let doubles: HashSet<usize> = close.iter().map(|n| n.1).filter(|k| free[*k]).collect();
        let tracked = partner.iter().flatten().count() as u64;
        self.truths += real.len() as u64;
        self.tracked += tracked;
        self.assigned += tracked + doubles.len() as u64;
        self.shown += shown.len() as u64;

        let mut now = HashMap::new();
        for (row, r) in real.iter().enumerate() {
            let target = &self.truth.targets[r.target];
            let Some(column) = partner[row] else {
                self.seen[r.target].push(None);
                continue;
            };
            let s = shown[column];
            now.insert(r.target, s.track);
            if let Some(last) = self.last.insert(r.target, s.track) {
                self.switches += u64::from(last != s.track);
                self.fragments += u64::from(self.seen[r.target].last() == Some(&None));
            }
            self.seen[r.target].push(Some(s.track));
            self.errors.push(gap.get(&(row, column)).copied().unwrap_or_default());
            self.speed_errors.push(distance(r.at.v, s.line.v, self.dims));
            self.matched.push((r.target, s.track, s.report));
            let (said, id) = (s.line.uas_id.as_deref(), &mut self.identity);
            match (target.uas_id.as_deref(), said) {
                (Some(true_id), Some(said)) if said == true_id => id.right += 1,
                (Some(_), Some(_)) => id.wrong += 1,
                (Some(_), None) => id.none += 1,
                (None, said) => {
                    id.dark_steps += 1;
                    id.dark_given_id += u64::from(said.is_some());
                }
            }
        }
        self.before = now;
    }

    /// OSPA⁽²⁾ of the window that ends at a step.
    fn ospa2(&self, step: usize) -> f64 {
        let c = self.rules.cutoff_m;
        let window = &self.windows[(step + 1).saturating_sub(WINDOW)..=step];
        // At which of the steps there is which, as bits.
        let (mut targets, mut tracks) = (HashMap::<usize, u32>::new(), HashMap::<usize, u32>::new());
        let mut less: HashMap<(usize, usize), f64> = HashMap::new();
        for (bit, w) in window.iter().enumerate() {
            w.targets.iter().for_each(|k| *targets.entry(*k).or_default() |= 1 << bit);
            w.tracks.iter().for_each(|k| *tracks.entry(*k).or_default() |= 1 << bit);
            w.near.iter().for_each(|(a, b, d)| *less.entry((*a, *b)).or_default() += c - d);
        }
        let (n, m) = (targets.len(), tracks.len());
        if n == 0 && m == 0 {
            return 0.0;
        }
        // Two that were never near have the base distance c, and their pairing gains nothing.
        let mut candidates: Vec<Candidate> = less
            .into_iter()
            .map(|((row, column), less)| {
                let either = (targets.get(&row).unwrap_or(&0) | tracks.get(&column).unwrap_or(&0)).count_ones();
                let base = c - less / f64::from(either);
                Candidate { row, column, gain: c * c - base * base }
            })
            .collect();
        // The sum must not depend on the order of a hash table.
        candidates.sort_by_key(|p| (p.row, p.column));
        let gain: f64 = best_pairs(&candidates).iter().map(|p| p.gain).sum();
        let most = n.max(m) as f64;
        libm::sqrt((c * c - gain / most).max(0.0))
    }

    fn nees(&self) -> Nees {
        let (mut done, mut values) = (HashSet::new(), Vec::new());
        for (target, track, report) in &self.matched {
            let line = &self.tracks.tracks[*track][*report];
            let (Some(cov), Some(p)) = (&line.cov, line.p) else { continue };
            if !done.insert((*track, *report)) {
                continue;
            }
            let Some(at) = self.truth.targets[*target].at(line.t) else { continue };
            let e: [f64; 3] = std::array::from_fn(|k| p[k] - at.p[k]);
            values.extend(squared(cov.position(), e, self.dims));
        }
        let (n, dims) = (values.len() as f64, self.dims as f64);
        let inside = chi2::quantile(0.95, dims);
        let bound = |p: f64| (n > 0.0).then(|| chi2::quantile(p, dims * n) / n / dims);
        Nees {
            n: values.len() as u64,
            mean_per_dim: mean(&values).map(|m| m / dims),
            bounds95: [bound(0.025), bound(0.975)],
            frac_in_95: mean(&values.iter().map(|e| f64::from(u8::from(*e < inside))).collect::<Vec<_>>()),
        }
    }

    fn ttfc(&self) -> Ttfc {
        let first: HashMap<&str, f64> = self.truth.first.iter().map(|f| (f.id.as_str(), f.ta)).collect();
        let (mut times, mut never) = (Vec::new(), 0);
        for (target, seen) in self.truth.targets.iter().zip(&self.seen) {
            let Some(detected) = first.get(&*target.id) else { continue };
            if target.ignore || target.cov.iter().all(|c| *c == 0) {
                continue;
            }
            let tracks: BTreeSet<usize> = seen.iter().flatten().copied().collect();
            let confirmed = tracks.iter().filter_map(|k| self.first_report(target, &self.tracks.tracks[*k]));
            match confirmed.min_by(f64::total_cmp) {
                Some(ta) => times.push((ta - detected).max(0.0)),
                None => never += 1,
            }
        }
        let max = times.iter().copied().max_by(f64::total_cmp);
        Ttfc { mean: mean(&times), max, never, n: times.len() as u64 + never }
    }

    /// When a track first said that the target is about where it is.
    fn first_report(&self, target: &Target, lines: &[TrackLine]) -> Option<f64> {
        lines.iter().filter(|r| r.state == State::Confirmed).find_map(|r| {
            let at = target.at(r.t)?;
            (distance(r.p?, at.p, self.dims) < self.rules.cutoff_m).then_some(r.ta)
        })
    }

    fn finish(self) -> Scored {
        let (mut in_time, mut longest, mut changes) = (0, 0, 0);
        for seen in &self.seen {
            in_time += seen.iter().flatten().count();
            let labels: BTreeSet<usize> = seen.iter().flatten().copied().collect();
            changes += labels.len().saturating_sub(1);
            let (mut run, mut best, mut current) = (0, 0, None);
            for now in seen {
                run = match now {
                    Some(_) if *now == current => run + 1,
                    Some(_) => 1,
                    None => 0,
                };
                current = *now;
                best = best.max(run);
            }
            longest += best;
        }
        let ospa2: Vec<f64> = (0..self.rows.len()).map(|k| self.ospa2(k)).collect();
        let column = |f: fn(&Row) -> f64| mean(&self.rows.iter().map(f).collect::<Vec<_>>());
        let located: f64 = self.rows.iter().map(|r| r.loc2).sum();
        let located_pairs = self.rows.iter().map(|r| r.pairs).sum::<usize>().max(1);
        let (truths, tracked, assigned, shown) =
            (self.truths as f64, self.tracked as f64, self.assigned as f64, self.shown as f64);
        let scores = Scores {
            family: self.truth.header.family,
            seed: self.truth.header.seed,
            dims: self.dims,
            c: self.rules.cutoff_m,
            grid_steps: self.rows.len(),
            gospa: Gospa {
                mean: column(|r| r.total),
                rms: column(|r| r.loc2 + r.missed2 + r.false2).map(libm::sqrt),
                loc2: column(|r| r.loc2),
                missed2: column(|r| r.missed2),
                false2: column(|r| r.false2),
                n_missed: column(|r| r.missed as f64),
                n_false: column(|r| r.false_tracks as f64),
                loc_rmse: Some(libm::sqrt(located / located_pairs as f64)),
            },
            ospa2: mean(&ospa2),
            siap: Siap {
                completeness: Some(tracked / truths.max(1.0)),
                ambiguity: Some(assigned / tracked.max(1.0)),
                spuriousness: Some((shown - assigned) / shown.max(1.0)),
                pos_acc: mean(&self.errors),
                vel_acc: mean(&self.speed_errors),
                track_number_change_rate: Some(changes as f64 / (in_time as f64 * self.rules.step_s).max(1e-9)),
                longest_segment: Some(f64::from(longest) / truths.max(1.0)),
            },
            mot: Mot {
                id_switches: self.switches,
                fragments: self.fragments,
                mota: Some(1.0 - ((truths - tracked) + (shown - tracked) + self.switches as f64) / truths.max(1.0)),
            },
            ttfc: self.ttfc(),
            nees: self.nees(),
            identity: self.identity,
        };
        let steps = self
            .rows
            .iter()
            .zip(ospa2)
            .map(|(r, ospa2)| Step { t: r.t, gospa: r.total, ospa2, missed: r.missed, false_tracks: r.false_tracks })
            .collect();
        Scored { scores, steps }
    }
}

/// e' P⁻¹ e in the first `dims` dimensions, by elimination with pivots; `None` where P has no inverse.
fn squared(p: [[f64; 3]; 3], e: [f64; 3], dims: usize) -> Option<f64> {
    let (mut a, mut x) = (p, e);
    for k in 0..dims {
        let pivot = (k..dims).max_by(|i, j| a[*i][k].abs().total_cmp(&a[*j][k].abs()))?;
        a.swap(k, pivot);
        x.swap(k, pivot);
        if a[k][k].abs() <= 0.0 {
            return None;
        }
        for i in k + 1..dims {
            let f = a[i][k] / a[k][k];
            let row = a[k];
            (k..dims).for_each(|j| a[i][j] -= f * row[j]);
            x[i] -= f * x[k];
        }
    }
    for k in (0..dims).rev() {
        let known: f64 = (k + 1..dims).map(|j| a[k][j] * x[j]).sum();
        x[k] = (x[k] - known) / a[k][k];
    }
    Some(e.iter().zip(x).take(dims).map(|(a, b)| a * b).sum())
}

/// Four decimal places, as a table has them.
fn round(x: &mut Option<f64>) {
    *x = x.filter(|x| x.is_finite()).and_then(|x| format!("{x:.4}").parse().ok());
}

impl Scores {
    /// With four decimal places.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        let g = &mut self.gospa;
        for x in [
            &mut g.mean,
            &mut g.rms,
            &mut g.loc2,
            &mut g.missed2,
            &mut g.false2,
            &mut g.n_missed,
            &mut g.n_false,
            &mut g.loc_rmse,
            &mut self.ospa2,
            &mut self.siap.completeness,
            &mut self.siap.ambiguity,
            &mut self.siap.spuriousness,
            &mut self.siap.pos_acc,
            &mut self.siap.vel_acc,
            &mut self.siap.track_number_change_rate,
            &mut self.siap.longest_segment,
            &mut self.mot.mota,
            &mut self.ttfc.mean,
            &mut self.ttfc.max,
            &mut self.nees.mean_per_dim,
            &mut self.nees.frac_in_95,
        ] {
            round(x);
        }
        self.nees.bounds95.iter_mut().for_each(round);
        self
    }
}

/// A number of a table, or a dash.
struct Cell(Option<f64>);

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(x) => write!(f, "{x}"),
            None => f.write_str("-"),
        }
    }
}

/// The table.
impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.clone().rounded();
        let (g, a, m, t, n, id) = (&s.gospa, &s.siap, &s.mot, &s.ttfc, &s.nees, &s.identity);
        let known = |x: Option<u64>| x.map_or_else(|| "-".to_owned(), |x| x.to_string());
        let c = Cell;
        writeln!(
            f,
            "family {} seed {}  ({}-D, cut-off {} m, {} steps)",
            known(s.family.map(u64::from)),
            known(s.seed),
            s.dims,
            s.c,
            s.grid_steps
        )?;
        writeln!(
            f,
            "  GOSPA mean {} m, rms {} m | loc2 {} missed2 {} false2 {} m2 | missed {} false {} a step, loc rmse {} m",
            c(g.mean),
            c(g.rms),
            c(g.loc2),
            c(g.missed2),
            c(g.false2),
            c(g.n_missed),
            c(g.n_false),
            c(g.loc_rmse)
        )?;
        writeln!(f, "  OSPA(2) {} m", c(s.ospa2))?;
        writeln!(
            f,
            "  SIAP completeness {} ambiguity {} spuriousness {} position {} m velocity {} m/s label changes {}/s longest {}",
            c(a.completeness),
            c(a.ambiguity),
            c(a.spuriousness),
            c(a.pos_acc),
            c(a.vel_acc),
            c(a.track_number_change_rate),
            c(a.longest_segment)
        )?;
        writeln!(f, "  identity switches {} fragments {} MOTA {}", m.id_switches, m.fragments, c(m.mota))?;
        writeln!(f, "  first confirmed track: mean {} s, max {} s, never {} of {}", c(t.mean), c(t.max), t.never, t.n)?;
        writeln!(
            f,
            "  NEES a dimension {} (95 % of {} to {}), {} of {} reports within their 95 %",
            c(n.mean_per_dim),
            c(n.bounds95[0]),
            c(n.bounds95[1]),
            c(n.frac_in_95),
            n.n
        )?;
        write!(
            f,
            "  identity right {} wrong {} none {}; dark given one {} of {}; suspect steps {} ({} on a real target)",
            id.right, id.wrong, id.none, id.dark_given_id, id.dark_steps, id.suspect_steps, id.suspect_on_real
        )
    }
}
