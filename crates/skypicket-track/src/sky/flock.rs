//! Flocks: what flies close together flies alike.
//!
//! Each thing in a flock does what the flock does, and little of its own. So what all of them did beyond what was
//! expected is one unknown for the flock, found out from all their plots together before each plot is given to its
//! track; and what each has of its own is quiet flight. Where the two were not told apart, a turn of the flock would
//! look like so many turns, each as uncertain as one thing alone, and tracks would slip to their neighbours.

use super::{
    Sky,
    body::at_time,
    charts::Move,
    gauss::{self, AT, Gauss, Sym3, V3, dot, minus, times, turn},
    motion::{MODELS, Motion},
    past::Means,
    scan::Scratch,
    settings::Settings,
};
use serde::{Deserialize, Serialize};

/// How often plots are given anew at most, each time knowing better what the flock did.
pub(super) const ROUNDS: usize = 3;
/// What changes by less than this changes nothing for who is who, m.
const SETTLED_M: f32 = 0.3;
/// Surely enough there to tell of its flock.
const THERE: f64 = 0.3;

/// What a flock did beyond what was expected of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Push {
    /// m.
    pub(super) p: [f32; 3],
    /// m/s.
    pub(super) v: [f32; 3],
}

impl Push {
    #[allow(clippy::cast_possible_truncation)] // what is rounded away is far under a millimetre
    fn of(g: &Gauss) -> Self {
        Self { p: g.p.map(|x| x as f32), v: g.v.map(|x| x as f32) }
    }

    /// The same in another chart.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn moved(&mut self, to: &Move) {
        for v in [&mut self.p, &mut self.v] {
            *v = turn(&to.turn, &v.map(f64::from)).map(|x| x as f32);
        }
    }
}

/// What is not known of a flock's flight, as a covariance around nought.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Common {
    pub(super) t: f64,
    /// Under each model of flight, and how probable each is. The means are nought, so one thing does for both.
    pub(super) g: Gauss,
    pub(super) mu: [f64; MODELS],
}

impl Common {
    /// It can have been found out: numbers, and no certainty that is less than none.
    pub(super) fn is_sound(&self) -> bool {
        let mut places = self.g.pp.iter().chain(&self.g.vv).chain(self.g.pv.iter().flatten());
        let sure = [0, 3, 5].iter().all(|k| self.g.pp[*k] >= 0.0 && self.g.vv[*k] >= 0.0);
        self.t.is_finite()
            && places.all(|x| x.abs() < 1e12)
            && sure
            && self.g.p.iter().chain(&self.g.v).all(|x| *x == 0.0)
            && self.mu.iter().all(|mu| (0.0..=1.0).contains(mu))
    }

    /// The same in another chart.
    pub(super) fn moved(&mut self, to: &Move) {
        self.g = self.g.moved(to);
        (self.g.p, self.g.v) = ([0.0; 3], [0.0; 3]);
    }

    /// What is left to know at `t`, once all went with what the flock did.
    fn after(motion: &Motion, t: f64) -> Self {
        let mut g = motion.merged();
        (g.p, g.v) = ([0.0; 3], [0.0; 3]);
        Self { t, g, mu: motion.mu }
    }
}

/// What may be one of a flock, as a scan meets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flier {
    /// Index of what was seen.
    seen: usize,
    /// Where it would be in quiet flight.
    p: V3,
    v: V3,
    /// Of how many others.
    mates: f64,
}

impl Flier {
    fn near(&self, other: &Self, settings: &Settings) -> bool {
        let (d, v) = (minus(&self.p, &other.p), minus(&self.v, &other.v));
        dot(&d, &d) < settings.flock * settings.flock && dot(&v, &v) < settings.like * settings.like
    }
}

/// One of a flock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    flier: Flier,
    /// Where it would be if the flock did what was expected.
    start: Motion,
    /// What the flock may have done, under each model of flight.
    common: Motion,
    /// What it did, as far as plots say so.
    found: Motion,
    /// What its plots say of that: information, and information times place.
    info: (Sym3, V3),
}

/// Nought, for certain.
pub(super) const NOTHING: Gauss = Gauss { p: [0.0; 3], v: [0.0; 3], pp: [0.0; 6], pv: [[0.0; 3]; 3], vv: [0.0; 6] };

/// The inverse of a symmetric matrix that has one.
fn inverse(m: &Sym3) -> Sym3 {
    let [a, b, c, d, e, f] = *m;
    let (p, q, r) = (d * f - e * e, c * e - b * f, b * e - c * d);
    let det = a * p + b * q + c * r;
    [p, q, r, a * f - c * c, b * c - a * e, a * d - b * b].map(|x| x / det)
}

/// Joins what is known of a place as information. Gives the natural logarithm of its likelihood, but for what is the
/// same for all.
fn inform(g: &mut Gauss, (a, b): &(Sym3, V3)) -> f64 {
    // Row by row of a factor of it, each is a number of variance 1.
    let mut l = [[0.0; 3]; 3];
    let mut y = [0.0; 3];
    let mut ln = 0.0;
    for i in 0..3 {
        for j in 0..=i {
            let rest: f64 = a[AT[i][j]] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            l[i][j] = if i == j { rest.max(1e-12).sqrt() } else { rest / l[j][j] };
        }
        y[i] = (b[i] - (0..i).map(|k| l[i][k] * y[k]).sum::<f64>()) / l[i][i];
    }
    for k in 0..3 {
        let h = [l[0][k], l[1][k], l[2][k]];
        let said = g.join(&h, y[k] - dot(&h, &g.p), 1.0);
        ln -= 0.5 * (said.d2 + libm::log(said.s));
    }
    ln
}

impl Sky {
    /// Who of what was seen flies in a flock by now. Whether anything does.
    pub(super) fn gather(&mut self, s: &mut Scratch, t: f64) -> bool {
        s.fliers.clear();
        for (k, seen) in s.seen.iter().enumerate() {
            let body = &self.bodies[seen.body];
            // What comes late finds the flock as it was, and its flight from then on is known.
            if body.r > THERE && seen.from == Some(body.past.last()) && seen.motion.mu[0] > 0.5 {
                let quiet = &seen.motion.states[0];
                s.fliers.push(Flier { seen: k, p: quiet.p, v: quiet.v, mates: 0.0 });
            }
        }
        // From west to east, so that few have to be compared.
        s.fliers.sort_unstable_by(|a, b| a.p[0].total_cmp(&b.p[0]).then(a.seen.cmp(&b.seen)));
        for i in 0..s.fliers.len() {
            for j in i + 1..s.fliers.len() {
                if s.fliers[j].p[0] - s.fliers[i].p[0] > self.settings.flock {
                    break;
                }
                if s.fliers[i].near(&s.fliers[j], &self.settings) {
                    s.fliers[i].mates += 1.0;
                    s.fliers[j].mates += 1.0;
                }
            }
        }
        s.fliers.retain(|f| f.mates >= self.settings.mates);
        s.fliers.sort_unstable_by_key(|f| f.seen);
        s.members.clear();
        for f in &s.fliers {
            let start = s.seen[f.seen].motion;
            s.members.push(Member { flier: *f, start, common: start, found: start, info: ([0.0; 6], [0.0; 3]) });
        }
        let mut next = 0;
        for (k, seen) in s.seen.iter_mut().enumerate() {
            let body = &mut self.bodies[seen.body];
            let means = Means::of(&self.sensors, &self.registrations, &self.settings);
            let last = body.past.last();
            let member = s.members.get_mut(next).filter(|m| m.flier.seen == k);
            let Some(member) = member else {
                if seen.from == Some(last)
                    && let Some(common) = self.bodies.leave(seen.body)
                {
                    let body = &mut self.bodies[seen.body];
                    for state in &mut body.past.now_mut().states {
                        state.widen(&common.g);
                    }
                    seen.motion = at_time(body, t, &means).1;
                }
                continue;
            };
            next += 1;
            if body.common.is_none() {
                let mut g = NOTHING;
                let began = body.past.newest();
                // Just begun: how fast it flies nobody knows, but all of them fly alike.
                if last == 0 && body.claims.seen == 1 && !body.claims.any {
                    let quiet = &mut body.past.now_mut().states[0];
                    let alike = self.settings.alike * self.settings.alike;
                    for axis in [0, 3, 5] {
                        g.vv[axis] = (quiet.vv[axis] - alike).max(0.0);
                        quiet.vv[axis] = quiet.vv[axis].min(alike);
                    }
                }
                let mu = Motion::of(NOTHING, &self.settings.flight).mu;
                self.bodies.join_flock(seen.body, Common { t: began, g, mu });
                let body = &self.bodies[seen.body];
                seen.motion = at_time(body, t, &means).1;
                member.start = seen.motion;
            }
            if let Some(common) = &self.bodies[seen.body].common {
                let both = Motion { mu: common.mu, states: [common.g; MODELS], flat: false };
                member.common = both.predict(t - common.t, &self.settings.flight);
            }
        }
        !s.members.is_empty()
    }

    /// What flocks did, as far as the plots say so that are given to their members by now; all members go with it. Whether
    /// this is what was known of it before, so that nothing would change in another round.
    pub(super) fn follow(&self, s: &mut Scratch) -> bool {
        let mut settled = true;
        for m in &mut s.members {
            m.info = ([0.0; 6], [0.0; 3]);
        }
        let mut at = 0;
        for pair in &s.pairs {
            while at < s.members.len() && s.members[at].flier.seen < pair.track {
                at += 1;
            }
            let Some(m) = s.members.get_mut(at).filter(|m| m.flier.seen == pair.track) else { continue };
            let (p, cov, _) = &s.places[pair.plot];
            let g = &m.start.states[0];
            let var: Sym3 = std::array::from_fn(|k| g.pp[k] + cov[k]);
            let weight = pair.chance * s.seen[m.flier.seen].motion.mu[0];
            let info = inverse(&var).map(|x| x * weight);
            let said = times(&info, &minus(p, &g.p));
            (0..6).for_each(|k| m.info.0[k] += info[k]);
            (0..3).for_each(|k| m.info.1[k] += said[k]);
        }
        for i in 0..s.members.len() {
            let me = s.members[i].flier;
            let mut all = ([0.0; 6], [0.0; 3]);
            for o in s.members.iter().filter(|o| me.near(&o.flier, &self.settings)) {
                (0..6).for_each(|k| all.0[k] += o.info.0[k]);
                (0..3).for_each(|k| all.1[k] += o.info.1[k]);
            }
            let mut common = s.members[i].common;
            let ln = std::array::from_fn(|k| inform(&mut common.states[k], &all));
            common.weigh(&ln);
            let push = Push::of(&common.merged());
            let seen = &mut s.seen[me.seen];
            settled &= (0..3).all(|k| (push.p[k] - seen.push.p[k]).abs() < SETTLED_M);
            seen.push = push;
            seen.motion = s.members[i].start;
            seen.motion.push(&push);
            s.members[i].found = common;
        }
        settled
    }

    /// Keeps what is not known of the flocks' flight.
    pub(super) fn keep_common(&mut self, s: &Scratch, t: f64) {
        for m in &s.members {
            if let Some(common) = &mut self.bodies[s.seen[m.flier.seen].body].common {
                **common = Common::after(&m.found, t);
            }
        }
    }

    /// What begins within a flock flies as it does.
    pub(super) fn hatch(&mut self, s: &Scratch, k: usize, t: f64) {
        let p = self.bodies[k].last().motion.states[0].p;
        let (mut n, mut sum, mut common) = (0.0, [0.0; 3], None);
        for m in &s.members {
            let g = &s.seen[m.flier.seen].motion.states[0];
            let d = minus(&g.p, &p);
            if dot(&d, &d) < self.settings.flock * self.settings.flock {
                n += 1.0;
                (0..3).for_each(|i| sum[i] += g.v[i]);
                common = Some(m.found);
            }
        }
        let Some(common) = common.filter(|_| n >= self.settings.mates) else { return };
        let alike = self.settings.alike * self.settings.alike;
        let body = &mut self.bodies[k];
        let quiet = &mut body.past.now_mut().states[0];
        quiet.v = sum.map(|x| x / n);
        for axis in [0, 3, 5] {
            quiet.vv[axis] = quiet.vv[axis].min(alike);
        }
        self.bodies.join_flock(k, Common::after(&common, t));
        self.bodies.moved(k, self.now);
    }

    /// Things that fly close together fly alike: in a flock each knows its velocity from its neighbours, as far as these
    /// agree.
    pub(super) fn flock(&mut self, s: &mut Scratch, t: f64) {
        s.mates.clear();
        for seen in &s.seen {
            let body = &self.bodies[seen.body];
            let last = body.last();
            if body.r < 0.5 || (last.t - t).abs() > 1e-6 {
                continue;
            }
            s.mates.push((seen.body, last.motion.merged()));
        }
        for k in 0..s.mates.len() {
            let me = s.mates[k];
            let (mut n, mut sum, mut square, mut own) = (0.0, [0.0; 3], [0.0; 3], [0.0; 3]);
            for (o, g) in &s.mates {
                let d = minus(&g.p, &me.1.p);
                if *o == me.0 || gauss::dot(&d, &d) > self.settings.flock * self.settings.flock {
                    continue;
                }
                n += 1.0;
                for i in 0..3 {
                    sum[i] += g.v[i];
                    square[i] += g.v[i] * g.v[i];
                    own[i] += g.vv[gauss::AT[i][i]];
                }
            }
            if n < self.settings.mates {
                continue;
            }
            let mean: V3 = std::array::from_fn(|i| sum[i] / n);
            let var: V3 = std::array::from_fn(|i| {
                let spread = (square[i] / n - mean[i] * mean[i]).max(0.0) * n / (n - 1.0);
                (spread - own[i] / n).max(0.0) + own[i] / (n * n) + self.settings.alike * self.settings.alike
            });
            for state in &mut self.bodies[me.0].past.now_mut().states {
                state.believe_velocity(&mean, &var);
            }
        }
    }
}
