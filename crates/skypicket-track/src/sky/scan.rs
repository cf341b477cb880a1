//! A scan joined as a whole: who is who, what that makes of each track, and what may be new.

use super::{
    Plot, Report, Sky,
    assign::{Assignment, Pair},
    body::at_time,
    charts::Chart,
    compare,
    crossing::Loose,
    flock::{self, Flier, Member, Push},
    gauss::{self, Gauss, V3, minus},
    guesses::Strange,
    join,
    motion::Motion,
    past::{Means, Step},
    sensor::{self, Measured, Sense},
};

/// What nobody has noticed is reckoned with this far around a sensor at most, m.
const FAR: f64 = 20_000.0;

/// A sensor's errors are learned from plots that are of a track as surely as this.
const SURE: f64 = 0.95;

/// A plot that a track is given says at least this share of what it would say if it were the track's for certain.
const LEAST_SURE: f64 = 0.02;

/// A bearing is a known thing's as surely as this.
const EXPLAINED: f64 = 0.7;
/// Nothing gives off what can be found for certain: one miss would be the end of it.
pub(super) const MOST_GIVES: f64 = 0.999;
/// Plots that a track can have a choice of in a scan: of more, the likeliest.
const MOST_EACH: usize = 50;

/// What a scan is worked on with, kept from scan to scan: in the steady state nothing is allocated.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    /// Plots of a scan that had others which are not fit.
    pub(super) fit: Vec<Plot>,
    /// All plots of one, in an order of their own.
    pub(super) in_order: Vec<Plot>,
    pub(super) seen: Vec<Seen>,
    pub(super) pairs: Vec<Pair>,
    pub(super) fliers: Vec<Flier>,
    pub(super) members: Vec<Member>,
    pub(super) mates: Vec<(usize, Gauss)>,
    pub(super) places: Vec<(V3, [f64; 6], f64)>,
    against: Vec<f64>,
    births: Vec<f64>,
    pub(super) taken: Vec<bool>,
    pub(super) assignment: Assignment,
    /// Slots of tracks: those that are looked at, those of a name, all.
    pub(super) near: Vec<usize>,
    pub(super) named: Vec<usize>,
    pub(super) loose: Vec<Loose>,
    pub(super) crossings: Vec<(V3, [Loose; 3])>,
    pub(super) strange: Vec<Strange>,
    pub(super) new: Vec<Loose>,
    explained: Vec<f64>,
    /// Tracks that a sighting may be of: their weights, the steps that they come from, and as they are with it.
    pub(super) shares: Vec<(usize, f64, Option<usize>, Motion)>,
    pub(super) all: Vec<usize>,
}

/// A track as a scan meets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) body: usize,
    /// The moment at which it was seen.
    then: f64,
    pub(super) motion: Motion,
    chance: f64,
    /// Its step that the motion comes from; none when it began later.
    pub(super) from: Option<usize>,
    /// What its flock did.
    pub(super) push: Push,
}

impl Sky {
    pub(super) fn whole(&mut self, sensor: usize, t: f64, plots: &[Plot], out: &mut Vec<Report>) {
        let mut s = std::mem::take(&mut self.scratch);
        let from = &self.sensors[sensor].clone();
        let chart = self.sensors.chart(sensor);
        let ear = usize::from(from.sound.is_some());
        let bearing = from.sense == Sense::Bearing;
        // A bearing whose emission says its name is of the tracks of that name, or speaks against them.
        s.taken.clear();
        s.taken.resize(plots.len(), false);
        if bearing {
            for (j, plot) in plots.iter().enumerate() {
                s.taken[j] = self.name_heard(sensor, from, t, plot, &mut s.near, out);
            }
        }
        // Where plots are in the scene, for a first look.
        s.places.clear();
        s.against.clear();
        s.births.clear();
        for plot in plots {
            if bearing {
                // False, or of something that nobody has noticed yet.
                let reach = from.range[1].min(FAR);
                s.against.push(from.clutter + self.settings.unnoticed * from.pd * reach * reach / 2.0);
                s.births.push(0.0);
                continue;
            }
            let (p, cov) = from.place_of(&self.registrations[sensor].without_motion(&plot.m));
            let spread = (cov[0] + cov[3] + cov[5]).sqrt();
            let birth = self.unnoticed_at(from, &p) * from.pd * plot.m.z[0] * plot.m.z[0] * libm::cos(plot.m.z[2]);
            s.places.push((p, cov, spread));
            s.against.push(from.clutter * self.clutter[sensor].factor(from, &plot.m) + birth);
            s.births.push(birth);
        }
        // Tracks that it could see.
        s.seen.clear();
        let far = from.range[1] + 500.0;
        self.bodies.known_within(chart, &from.at, far, &mut s.near);
        self.bodies.fetch(&s.near);
        let means = Means::of(&self.sensors, &self.registrations, &self.settings);
        for k in s.near.iter().copied() {
            if bearing && self.guesses.hold(self.bodies[k].id) {
                continue;
            }
            let body = &mut self.bodies[k];
            let near = minus(&body.last().motion.states[0].p, &from.at);
            if near[0] * near[0] + near[1] * near[1] > far * far {
                continue;
            }
            // What is heard now was given off some time ago, when the thing was elsewhere.
            let mut then = t;
            if let Some(speed) = from.sound {
                for _ in 0..2 {
                    let d = minus(&at_time(body, then, &means).1.place(), &from.at);
                    then = t - gauss::dot(&d, &d).sqrt() / speed;
                }
            }
            let (at, motion) = at_time(body, then, &means);
            let (p, pp) = motion.merged_place();
            let mut chance = from.chance_at(&p, &pp);
            if bearing {
                chance *= body.gives[ear];
            }
            if chance < 1e-3 {
                continue;
            }
            body.fade(t, &self.settings);
            s.seen.push(Seen { body: k, then, motion, chance, from: at, push: Push::default() });
        }
        let mut rounds = if !bearing && self.gather(&mut s, t) { flock::ROUNDS } else { 0 };
        loop {
            self.pair_up(&mut s, sensor, plots);
            s.assignment.solve(&mut s.pairs, s.seen.len(), plots.len());
            if rounds == 0 {
                break;
            }
            rounds -= 1;
            if self.follow(&mut s) {
                rounds = 0;
            }
        }
        // What that makes of each track.
        let mut k = 0;
        for (i, seen) in s.seen.iter().enumerate() {
            let mut any = 0.0;
            let mut best: Option<usize> = None;
            let start = k;
            while k < s.pairs.len() && s.pairs[k].track == i {
                any += s.pairs[k].chance;
                if s.pairs[k].best {
                    best = Some(k);
                }
                k += 1;
            }
            let any = any.min(1.0);
            let body = &mut self.bodies[seen.body];
            let unseen = (1.0 - body.r * seen.chance).max(1e-12);
            let there = body.r * (1.0 - seen.chance) / unseen;
            body.r = (any + (1.0 - any) * there).clamp(0.0, 1.0 - 1e-9);
            if bearing {
                let pd = from.pd;
                let e = body.gives[ear];
                let quiet = e * (1.0 - pd) / (1.0 - e * pd);
                // What was found by its sound or radio goes on giving that; else its misses would mean nothing.
                let least = if body.met[ear] { self.settings.gives.min(MOST_GIVES) } else { 0.02 };
                body.gives[ear] = (any + (1.0 - any) * quiet).clamp(least, MOST_GIVES);
            }
            if best.is_some() && !bearing {
                body.claims.seen += 1;
            }
            if seen.from.is_none() && any > 0.5 && body.past.is_full(&self.settings) {
                // It was there then, and nobody knows any more where.
                self.refused.late += 1;
            }
            if bearing {
                // Bearings that could be this track's are joined as one, each as far as it could: with a choice made
                // for good, the first mistake would lead to the next.
                if let Some(base) = seen.from
                    && let Some(m) = blend(&s.pairs[start..k], plots, any)
                {
                    let mut motion = seen.motion;
                    join(&mut motion, from, &self.registrations[sensor], &m);
                    let means = Means::of(&self.sensors, &self.registrations, &self.settings);
                    self.bodies.insert(seen.body, base, Step::by(seen.then, sensor, m), &motion, &means);
                }
            } else if let (Some(best), Some(base)) = (best, seen.from) {
                let plot = s.pairs[best].plot;
                s.taken[plot] = true;
                if s.pairs[best].chance > SURE
                    && let Some(said) = body.claims.said_place(t, &seen.motion.merged())
                {
                    self.registrations[sensor].learn_from(from, &plots[plot].m, &said, t);
                }
                // It may be another's: the less sure it is whose this is, the less it says.
                let mut m = plots[plot].m;
                m.r = m.r.map(|r| r / s.pairs[best].chance.max(LEAST_SURE));
                let mut motion = seen.motion;
                join(&mut motion, from, &self.registrations[sensor], &m);
                let step = Step::by(seen.then, sensor, m).pushed(seen.push);
                let means = Means::of(&self.sensors, &self.registrations, &self.settings);
                self.bodies.insert(seen.body, base, step, &motion, &means);
            } else if let Some(base) = seen.from
                && seen.push != Push::default()
            {
                let step = Step::blank(seen.then).pushed(seen.push);
                let means = Means::of(&self.sensors, &self.registrations, &self.settings);
                self.bodies.insert(seen.body, base, step, &seen.motion, &means);
            }
        }
        if bearing {
            // What is of a thing whose place is known otherwise says nothing new.
            s.explained.clear();
            s.explained.resize(plots.len(), 0.0);
            for p in &s.pairs {
                s.explained[p.plot] += p.chance;
            }
            for (taken, explained) in s.taken.iter_mut().zip(&s.explained) {
                *taken |= *explained > EXPLAINED;
            }
            self.guess(sensor, t, plots, &mut s, out);
        } else {
            self.keep_common(&s, t);
            self.flock(&mut s, t);
            for j in 0..plots.len() {
                // From here on the chance that it is of something new.
                s.births[j] = s.assignment.free[j] * s.births[j] / s.against[j];
                // What it comes to is seen when that is over.
                s.taken[j] |= s.births[j] >= self.settings.over * 2.0;
            }
            for (j, plot) in plots.iter().enumerate().filter(|(j, _)| !s.taken[*j]) {
                self.clutter[sensor].count(from, &plot.m, s.assignment.free[j]);
            }
            self.clutter[sensor].looked(from, t);
        }
        s.near.clear();
        for seen in &s.seen {
            self.bodies.moved(seen.body, self.now);
            self.show(seen.body, t, out);
            s.near.push(seen.body);
        }
        self.bury(&s.near, out);
        if !bearing {
            self.births(&s, chart, (sensor, t), plots);
        }
        self.scratch = s;
    }

    /// What of a scan is of no track may be new. Whatever was over with the scan is gone by now: its room is at hand.
    fn births(&mut self, s: &Scratch, chart: Chart, (sensor, t): (usize, f64), plots: &[Plot]) {
        for (plot, (r, (p, cov, spread))) in plots.iter().zip(s.births.iter().zip(&s.places)) {
            if *r < self.settings.over * 2.0 || *spread > self.settings.vague {
                continue;
            }
            let [over_ground, up] = self.settings.unknown_speed;
            let state = Gauss::standing(*p, *cov, over_ground, up);
            let motion = Motion::of(state, &self.settings.flight);
            let Some(k) = self.begin(chart, t, &motion, Some((sensor, plot.m)), *r) else { continue };
            self.bodies[k].claims.seen = 1;
            self.hatch(s, k, t);
        }
    }

    /// Who could be who.
    fn pair_up(&self, s: &mut Scratch, sensor: usize, plots: &[Plot]) {
        let from = &self.sensors[sensor];
        let bearing = from.sense == Sense::Bearing;
        s.pairs.clear();
        for (i, seen) in s.seen.iter().enumerate() {
            let body = &self.bodies[seen.body];
            let (place, spread) = if bearing { ([0.0; 3], 0.0) } else { seen.motion.about() };
            let unseen = (1.0 - body.r * seen.chance).max(1e-12);
            let start = s.pairs.len();
            for (j, plot) in plots.iter().enumerate() {
                if s.taken[j] {
                    continue;
                }
                if !bearing {
                    let (p, _, own) = &s.places[j];
                    let d = minus(p, &place);
                    let reach = 4.5 * (spread + own);
                    if gauss::dot(&d, &d) > reach * reach {
                        continue;
                    }
                }
                let (ln, d2) = compare(&seen.motion, from, &self.registrations[sensor], &plot.m, self.settings.gate);
                if d2 > self.settings.gate {
                    continue;
                }
                let odds = body.r * seen.chance * libm::exp(ln) / s.against[j] / unseen;
                if odds < 1e-6 {
                    continue;
                }
                let pair = Pair { track: i, plot: j, odds, chance: 0.0, best: false };
                let own = &mut s.pairs[start..];
                if own.len() < MOST_EACH {
                    s.pairs.push(pair);
                } else if let Some(least) = own.iter_mut().min_by(|a, b| a.odds.total_cmp(&b.odds))
                    && least.odds < odds
                {
                    *least = pair;
                }
            }
        }
    }
}

/// Several bearings as one: their mean by chance, less sure for their spread and for the chance that none is it.
fn blend(pairs: &[Pair], plots: &[Plot], any: f64) -> Option<Measured> {
    if any < 0.02 {
        return None;
    }
    let first = plots[pairs.first()?.plot].m;
    let (mut mean, mut square, mut r) = (0.0, 0.0, 0.0);
    for p in pairs {
        let m = &plots[p.plot].m;
        let off = sensor::wrap(m.z[1] - first.z[1]);
        mean += p.chance * off;
        square += p.chance * off * off;
        r += p.chance * m.r[1];
    }
    let (mean, square, r) = (mean / any, square / any, r / any);
    let mut m = first;
    m.z[1] = sensor::wrap(first.z[1] + mean);
    m.r[1] = (r + (square - mean * mean).max(0.0)) / any.min(1.0);
    Some(m)
}
