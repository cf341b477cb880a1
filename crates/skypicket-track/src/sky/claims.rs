//! [`Claims`]: what a track says of itself, and what is heard of names.
#![allow(clippy::needless_range_loop)] // one index runs through several matrices at once

use super::{
    Name, Plot, Report, Sky,
    body::{Body, at_time},
    charts::{Chart, Move},
    gauss::{AT, Gauss, V3, dot, minus},
    join,
    motion::Motion,
    past::{Means, Step},
    sensor::{Measured, Sensor},
    settings::Settings,
};
use serde::{Deserialize, Serialize};

/// A word is good for this long for comparing, s.
const FRESH_S: f64 = 1.5;

/// Where something said it was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Word {
    t: f64,
    m: Measured,
}

/// How long a name counts that is not said again while others are, s.
const NAME_LASTS_S: f64 = 60.0;
/// What counts less than this is no name any more.
const LEAST_NAME: f64 = 1e-2;
/// After so long a silence what rests on its own word alone is over, s.
pub(super) const SILENCE_S: f64 = 30.0;

/// What a track says of itself, and what speaks for and against it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The names that it gave, and how often and lately; what is most so counts.
    names: [(Name, f64); 3],
    /// When it last said anything.
    pub(super) heard: f64,
    /// By how much its chance to be there fell since then only because it said nothing.
    faded: f64,
    /// Scans in which something that it did not say itself was seen of it.
    pub(super) seen: u32,
    /// Bearings of emissions with its name that pointed at it, and that did not.
    pub(super) fits: u32,
    /// See `fits`.
    pub(super) misfits: u32,
    /// It said where it is at least once.
    pub(super) any: bool,
    /// What it said last of where it is.
    pub(super) word: Option<Word>,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            names: [(0, 0.0); 3],
            heard: f64::NEG_INFINITY,
            faded: 1.0,
            seen: 0,
            fits: 0,
            misfits: 0,
            any: false,
            word: None,
        }
    }
}

impl Claims {
    /// The name that it gives most often.
    pub(super) fn name(&self) -> Option<Name> {
        let best = self.names.iter().fold((0, 0.0), |best, n| if n.1 > best.1 { *n } else { best });
        (best.1 > 0.0).then_some(best.0)
    }

    /// The names that it gave and that are still kept.
    pub(super) fn names(&self) -> impl Iterator<Item = Name> + use<> {
        self.names.into_iter().filter(|n| n.1 > 0.0).map(|n| n.0)
    }

    /// It gives a name. What it said before counts the less the longer ago that is: a name that is said no longer must not
    /// outweigh the one that is.
    pub(super) fn says(&mut self, name: Name, t: f64) {
        let fade = libm::exp(-(t - self.heard).clamp(0.0, 1e3) / NAME_LASTS_S);
        for n in &mut self.names {
            n.1 *= fade;
            if n.1 < LEAST_NAME {
                n.1 = 0.0;
            }
        }
        if let Some(n) = self.names.iter_mut().find(|n| n.1 > 0.0 && n.0 == name) {
            n.1 += 1.0;
            return;
        }
        let mut least = 0;
        for k in 1..self.names.len() {
            if self.names[k].1 < self.names[least].1 {
                least = k;
            }
        }
        self.names[least] = (name, 1.0);
    }

    /// It gave this name before.
    pub(super) fn said(&self, name: Name) -> bool {
        self.names.iter().any(|n| n.1 > 0.0 && n.0 == name)
    }

    /// Where it should be by what it said last, with the velocity that it has; none where that is too long ago. It rests
    /// on nothing that anybody else measured of the place.
    pub(super) fn said_place(&self, t: f64, g: &Gauss) -> Option<Gauss> {
        let word = self.word.filter(|w| (t - w.t).abs() < FRESH_S)?;
        let dt = t - word.t;
        let mut said = *g;
        for i in 0..3 {
            said.p[i] = word.m.z[i] + dt * g.v[i];
            for j in i..3 {
                said.pp[AT[i][j]] = dt * dt * g.vv[AT[i][j]];
            }
            // Nobody turns within a second or two by more than this.
            said.pp[AT[i][i]] += word.m.r[i] + dt * dt;
        }
        Some(said)
    }

    /// It said where it is, in its chart.
    pub(super) fn heard_at(&mut self, t: f64, z: V3, r: V3) {
        self.word = Some(Word { t, m: Measured { z, r } });
    }

    /// Its places are in another chart from now on.
    pub(super) fn moved(&mut self, to: &Move) {
        if let Some(word) = &mut self.word {
            word.m.z = to.place(&word.m.z);
        }
    }

    /// Rests on its own word alone.
    pub(super) fn alone(&self) -> bool {
        self.any && self.seen == 0
    }
}

impl Body {
    /// Nobody has looked, and it has said nothing: it may have gone. A word alone fades sooner than what was seen, since
    /// who speaks does so every second or so.
    pub(super) fn fade(&mut self, t: f64, settings: &Settings) {
        if t <= self.as_of {
            return;
        }
        let share = self.faded(t, settings);
        self.r *= share;
        self.claims.faded *= share;
        self.as_of = t;
    }

    /// The share of its chance to be there that is left by `t`.
    pub(super) fn faded(&self, t: f64, settings: &Settings) -> f64 {
        let stay = if self.claims.alone() { settings.word_stay } else { settings.stay };
        libm::exp(-(t - self.as_of).max(0.0) / stay)
    }
}

impl Sky {
    /// A bearing to an emission that says its name. Whether a track of that name is known.
    pub(super) fn name_heard(
        &mut self,
        sensor: usize,
        from: &Sensor,
        t: f64,
        plot: &Plot,
        named: &mut Vec<usize>,
        out: &mut Vec<Report>,
    ) -> bool {
        let Some(name) = plot.name else { return false };
        let mut known = false;
        self.bodies.named(name, named);
        for k in named.iter().copied() {
            let body = &mut self.bodies[k];
            if body.claims.name() != Some(name) {
                continue;
            }
            known = true;
            let means = Means::of(&self.sensors, &self.registrations, &self.settings);
            let (Some(at), mut motion) = at_time(body, t, &means) else { continue };
            let (_, d2) = join(&mut motion, from, &self.registrations[sensor], &plot.m);
            if d2 < 12.0 {
                body.claims.fits += 1;
                // What a radar sees as well is no mere word: the finder's errors can be learned from it.
                let said = (body.claims.seen > 0).then(|| body.claims.said_place(t, &motion.merged())).flatten();
                self.bodies.insert(k, at, Step::by(t, sensor, plot.m), &motion, &means);
                if let Some(said) = said {
                    self.registrations[sensor].learn_from(from, &plot.m, &said, t);
                }
            } else {
                body.claims.misfits += 1;
            }
            self.bodies.moved(k, self.now);
            self.show(k, t, out);
        }
        known
    }

    /// What is where it says it is, and of which nothing else is known.
    fn first_word(&self, m: &Measured) -> Motion {
        let [over_ground, up] = self.settings.unknown_speed;
        let cov = [m.r[0], 0.0, 0.0, m.r[1], 0.0, m.r[2]];
        Motion::of(Gauss::standing(m.z, cov, over_ground, up), &self.settings.flight)
    }

    /// Something says where it is.
    pub(super) fn hear(&mut self, sensor: usize, t: f64, plot: &Plot, out: &mut Vec<Report>) {
        let from = &self.sensors[sensor].clone();
        let p = plot.m.z;
        let new = self.unnoticed_at(from, &p) + self.settings.untrue;
        let own = (plot.m.r[0] + plot.m.r[1] + plot.m.r[2]).sqrt();
        let mut best: Option<(f64, usize, Option<usize>, Motion)> = None;
        let mut near = std::mem::take(&mut self.scratch.near);
        self.bodies.reaching(Chart::SCENE, &p, 5.0 * own, |_| f64::INFINITY, &mut near);
        self.bodies.fetch(&near);
        for k in near.iter().copied() {
            let body = &mut self.bodies[k];
            body.fade(t, &self.settings);
            // What is older than all that is kept of a track can still be its word.
            let (then, about) = body.past.about(t, &self.settings);
            let d = minus(&p, &about.states[0].p);
            let reach = 60.0 * (t - then).abs() + 5.0 * (own + about.states[1].spread()) + 100.0;
            if dot(&d, &d) > reach * reach {
                continue;
            }
            let means = Means::of(&self.sensors, &self.registrations, &self.settings);
            let (at, mut motion) = at_time(body, t, &means);
            let (ln, d2) = join(&mut motion, from, &self.registrations[sensor], &plot.m);
            if d2 > self.settings.gate {
                continue;
            }
            let tie = match (plot.name, body.claims.name()) {
                (Some(n), Some(_)) if body.claims.said(n) => 1.0,
                (Some(_), Some(_)) => 1e-4,
                _ => 0.1,
            };
            let odds = body.r * tie * libm::exp(ln) / new;
            if odds > 1.0 && best.as_ref().is_none_or(|b| odds > b.0) {
                best = Some((odds, k, at, motion));
            }
        }
        self.scratch.near = near;
        // One that rests on its word alone goes where it says it is, however far.
        let again = plot.name.and_then(|n| {
            let mut named = std::mem::take(&mut self.scratch.named);
            self.bodies.named(n, &mut named);
            let again = named.iter().copied().find(|k| {
                let b = &self.bodies[*k];
                b.claims.alone() && b.claims.name() == Some(n) && t - b.claims.heard < SILENCE_S
            });
            self.scratch.named = named;
            again
        });
        let k = match best {
            None if again.is_some() => {
                let k = again.unwrap_or(0);
                let motion = self.first_word(&plot.m);
                // An old word does not lead it back.
                if t >= self.bodies[k].last().t {
                    self.bodies.restart(k, Step::by(t, sensor, plot.m), &motion);
                }
                k
            }
            Some((odds, k, at, motion)) => {
                if let Some(at) = at {
                    let means = Means::of(&self.sensors, &self.registrations, &self.settings);
                    self.bodies.insert(k, at, Step::by(t, sensor, plot.m), &motion, &means);
                } else if self.bodies[k].past.is_full(&self.settings) {
                    // It was there then, and nobody knows any more where.
                    self.refused.late += 1;
                }
                let body = &mut self.bodies[k];
                // Where it was before it was known is vague: that something speaks there makes it no surer.
                if at.is_some() && !body.claims.alone() {
                    body.r = odds / (1.0 + odds);
                }
                k
            }
            // Words cost nothing: however many there are, what is seen must find room.
            None if self.alone >= self.settings.tracks.div_ceil(2) => {
                self.refused.many += 1;
                return;
            }
            None => {
                let motion = self.first_word(&plot.m);
                let by = Some((sensor, plot.m));
                let Some(k) = self.begin(Chart::SCENE, t, &motion, by, self.settings.word) else { return };
                self.alone += 1;
                k
            }
        };
        let body = &mut self.bodies[k];
        if body.claims.alone() && t > body.claims.heard {
            // It speaks still. What its silence took is given back; what radars took that do not see it is not.
            body.r = (body.r / body.claims.faded.max(1e-30)).min(self.settings.word);
            body.claims.faded = 1.0;
        }
        body.as_of = body.as_of.max(t);
        body.claims.any = true;
        body.claims.word = Some(Word { t, m: plot.m });
        if let Some(name) = plot.name {
            self.bodies.says(k, name, t);
        }
        let body = &mut self.bodies[k];
        body.claims.heard = body.claims.heard.max(t);
        self.bodies.moved(k, self.now);
        self.show(k, t, out);
    }
}
