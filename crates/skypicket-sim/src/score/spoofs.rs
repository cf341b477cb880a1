//! [`Spoofs`]: whether tracks of drones that are only claimed are shown as suspect, and how soon.
//!
//! No part of the evaluation kit's scores. A *ghost* is where a sender of false broadcasts says that its drone is. A
//! confirmed track is *of* a ghost at a comparison at which it is within the cut-off of the ghost and not of anything
//! real: so a real drone that a ghost flies past is not called one.

use super::{Rules, assign::distance, newest};
use crate::scene::{Arrival, Header, Reading, Tracks, Truth};
use serde::Serialize;
use std::collections::HashMap;

/// A track of a ghost is to be suspect within so many seconds.
pub const IN_TIME_S: f64 = 10.0;
/// Between two claims farther apart than this, seconds, nobody knows where the ghost is.
const LONGEST_GAP_S: f64 = 5.0;

/// What was made of false claims. `None` where there is nothing to take a share of.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Spoofs {
    /// Senders of false broadcasts in the scene.
    pub spoofers: u64,
    /// Of these, how many have a confirmed track of their ghost.
    pub followed: u64,
    /// Confirmed tracks of ghosts.
    pub tracks: u64,
    /// Of these, suspect at most [`IN_TIME_S`] after they were first seen there.
    pub in_time: u64,
    /// Of these, never suspect while seen there.
    pub never: u64,
    /// `in_time` of `tracks`.
    pub in_time_share: Option<f64>,
    /// Longest time from first seen there to suspect, seconds, of those that became it.
    pub slowest_s: Option<f64>,
    /// Comparisons of such tracks, from [`IN_TIME_S`] after they were first seen there.
    pub later_steps: u64,
    /// Of these, how many are suspect.
    pub later_suspect: u64,
}

/// Where each spoofer's drone is claimed to be: times and metres of the scene, in the order of time.
fn ghosts(header: &Header, arrivals: &[Arrival], truth: &Truth) -> Vec<Vec<(f64, [f64; 3])>> {
    let frame = header.origin.frame();
    let mut ghosts = vec![Vec::new(); truth.header.spoofers.len()];
    let number: HashMap<&str, usize> =
        truth.header.spoofers.iter().enumerate().map(|(k, s)| (s.id.as_str(), k)).collect();
    let origins = truth.origins.as_ref().map_or(&[][..], |o| &o.by_seq);
    for arrival in arrivals {
        let Arrival::Meas(m) = arrival else { continue };
        let origin = usize::try_from(m.seq).ok().and_then(|k| origins.get(k)).and_then(Option::as_deref);
        let Some(ghost) = origin.and_then(|o| number.get(o)).and_then(|k| ghosts.get_mut(*k)) else { continue };
        if let Reading::Position { lla: [lat_deg, lon_deg, h], .. } = m.reading {
            ghost.push((m.t, frame.from_place(skypicket_model::Place { lat_deg, lon_deg, alt_hae_m: Some(h) })));
        }
    }
    for g in &mut ghosts {
        g.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    ghosts
}

/// Between two claims, on the straight line.
fn at(ghost: &[(f64, [f64; 3])], t: f64) -> Option<[f64; 3]> {
    let after = ghost.partition_point(|g| g.0 <= t);
    let (before, after) = (ghost.get(after.checked_sub(1)?)?, ghost.get(after)?);
    let gap = after.0 - before.0;
    if gap > LONGEST_GAP_S {
        return None;
    }
    let f = (t - before.0) / gap.max(1e-9);
    Some(std::array::from_fn(|k| before.1[k] * (1.0 - f) + after.1[k] * f))
}

/// When a track was first seen at a ghost, and first suspect there.
struct Seen {
    first: f64,
    suspect: Option<f64>,
}

/// Counts. `None` where the truth does not say which measurements came from whom, or names no spoofer.
pub fn spoofs(header: &Header, arrivals: &[Arrival], truth: &Truth, tracks: &Tracks, rules: &Rules) -> Option<Spoofs> {
    if truth.header.spoofers.is_empty() || truth.origins.is_none() {
        return None;
    }
    let ghosts = ghosts(header, arrivals, truth);
    let mut done = Spoofs { spoofers: ghosts.len() as u64, ..Spoofs::default() };
    let (c, dims) = (rules.cutoff_m, truth.header.score_dims);
    for ghost in &ghosts {
        let mut seen: HashMap<usize, Seen> = HashMap::new();
        for t in rules.moments(truth.header.t0, truth.header.t1) {
            let Some(g) = at(ghost, t) else { continue };
            let real: Vec<[f64; 3]> = truth.targets.iter().filter_map(|r| r.at(t)).map(|r| r.p).collect();
            for (k, lines) in tracks.tracks.iter().enumerate() {
                let Some((line, p)) = newest(lines, t, rules).map(|(report, p)| (&lines[report], p)) else { continue };
                if distance(p, g, dims) >= c || real.iter().any(|r| distance(p, *r, dims) < c) {
                    continue;
                }
                let s = seen.entry(k).or_insert(Seen { first: t, suspect: None });
                if line.suspect {
                    s.suspect.get_or_insert(t);
                }
                if t - s.first >= IN_TIME_S - 1e-9 {
                    done.later_steps += 1;
                    done.later_suspect += u64::from(line.suspect);
                }
            }
        }
        done.followed += u64::from(!seen.is_empty());
        done.tracks += seen.len() as u64;
        for s in seen.values() {
            let Some(after) = s.suspect.map(|t| t - s.first) else {
                done.never += 1;
                continue;
            };
            done.in_time += u64::from(after <= IN_TIME_S + 1e-9);
            done.slowest_s = Some(done.slowest_s.map_or(after, |most| most.max(after)));
        }
    }
    done.in_time_share = (done.tracks > 0).then(|| done.in_time as f64 / done.tracks as f64);
    Some(done)
}
