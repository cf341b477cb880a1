//! [`Guesses`]: several ways in which the things may have flown that rest on bearings alone.
//!
//! A bearing says little of where a thing is, and where bearings of several things cross there may be one more or none. Who
//! is who cannot be settled scan by scan there: the first mistake would lead to the next, and a ghost lives on what it takes
//! from others. So a guess gives each bearing to one thing or to none for good, and several guesses are kept beside one
//! another with their weights until what comes later tells them apart (multiple hypotheses, Reid 1979; of Bernoulli
//! components, Williams 2015). What is shown is the likeliest guess, each of its things about where most of the weight has
//! it, and as surely there as all guesses together say.

use super::{
    Plot, Report, Sky,
    body::Body,
    charts::Chart,
    crossing::Loose,
    gauss::{self, Gauss, V3, minus},
    join,
    motion::Motion,
    past::Step,
    scan::{MOST_GIVES, Scratch},
    sensor::{Measured, Sensor},
};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Bearings of one scan that are worked on; beyond, they would meet anywhere.
const MOST_OF_A_SCAN: usize = 40;
/// Most things in a guess; less than the bits of the sets that they are put in.
const MOST_THINGS: usize = 40;
/// Most guesses.
const MOST_GUESSES: usize = 100;
/// Most things in all guesses together: where there are many things, there are fewer guesses of them.
const MOST_IN_ALL: usize = 500;
/// Most guesses that one guess becomes with a scan, before what may have begun.
const MOST_EACH: usize = 8;
/// Most that may have begun with a scan in one guess, each by itself.
const MOST_BORN: usize = 4;
/// A guess is given up whose weight has fallen to e to the minus this of the likeliest's.
const UNLIKELY_LN: f64 = 15.0;
/// So much of the density of things that nobody has noticed counts where it is asked what a bearing is of: what is new gives
/// off more than one bearing, and is reckoned with where three meet.
const UNNOTICED: f64 = 0.05;
/// Farthest at which these are reckoned with, m.
const FAR_M: f64 = 20_000.0;
/// Before its bearings are joined, what begins is somewhere about where they meet: one sigma over ground, m. Their own
/// errors are small against it.
const WIDE_M: f64 = 200.0;
/// One sigma of how high it is there, m, and of its climb, m/s.
const HIGH: [f64; 2] = [30.0, 1.0];
/// A thing of a guess whose chance is less than this is in it no longer.
const GONE: f64 = 0.02;
/// Two guesses that have the same number of things, each within so much of another, are one, m and m/s.
const SAME_M: f64 = 7.0;
/// See [`SAME_M`].
const SAME_MPS: f64 = 2.5;
/// What begins within this of a thing of another guess is that thing, m.
const CALLED_M: f64 = 80.0;
/// Things of two guesses that are nearest to one another and not farther apart than this count as the same where they are
/// shown, m.
const ABOUT_M: f64 = 150.0;
/// As surely there as this is what a bearing was given to.
const THERE: f64 = 1.0 - 1e-6;
/// Least chance that it gives off what it was not found by.
const LEAST_GIVES: f64 = 0.02;
/// What is shown of things that the likeliest guess has not stays under the chance at which a track is doubted, by this.
const BESIDE: f64 = 0.9;

/// Several ways in which it may have been, the likeliest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Guesses {
    all: Vec<Guess>,
    /// Ways in which single things may have flown; one can be in many guesses.
    lines: Vec<Line>,
    /// Where they flew; several lines can have flown the same way.
    flights: Vec<Vec<Leg>>,
    /// Number of the next bearing.
    next: u64,
    /// What is shown.
    shown: Vec<Shown>,
}

/// One way in which all of it may have been.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Guess {
    /// Logarithm of its weight, the likeliest has nought.
    ln: f64,
    /// Its things: indexes of lines.
    lines: Vec<usize>,
    /// Recent bearings that are of something in it, by their number, rising, with when they were heard; all others are of
    /// nothing.
    used: Vec<(u64, f64)>,
}

/// One way in which one thing may have flown.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Line {
    /// The number that it is shown by; nought while it has none.
    id: u64,
    /// Chance that it is there, at `as_of`, if the guess is right.
    r: f64,
    as_of: f64,
    /// As of [`Body`].
    gives: [f64; 2],
    met: [bool; 2],
    flight: usize,
}

/// A state at a time, and what was joined there.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Leg {
    t: f64,
    motion: Motion,
    by: (usize, Measured),
}

/// What is shown of a thing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Shown {
    id: u64,
    /// Its chance as it was, and when.
    r: f64,
    t: f64,
}

/// A bearing of a scan, and the logarithm of how dense those are that are of nothing known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strange {
    m: Measured,
    ln: f64,
}

/// What a line can make of a bearing.
#[derive(Debug, Clone, Copy)]
struct Hit {
    plot: usize,
    /// Logarithm of the odds.
    ln: f64,
    /// When it was given off, the state with it, and the leg that it comes behind; none where that is too long ago.
    at: Option<(usize, Leg)>,
}

/// What a line can make of a scan.
#[derive(Debug, Clone, Default)]
struct Looked {
    ln_missed: f64,
    missed: Option<Line>,
    hits: Vec<Hit>,
}

/// A guess with a scan.
struct Child {
    ln: f64,
    parent: usize,
    /// Of each line of the parent, which of its hits; none where it was missed.
    hits: Vec<Option<usize>>,
    /// Plots that are of a line.
    used: u64,
}

/// Something that may have begun: the bearings it comes from, and the logarithm of its odds.
struct Birth {
    by: [(u64, f64); 3],
    ln: f64,
    line: usize,
}

impl Guesses {
    /// Something with this number rests on bearings alone and is kept here.
    pub(super) fn hold(&self, id: u64) -> bool {
        self.shown.iter().any(|s| s.id == id)
    }

    /// Number of the bearing that comes next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// This can have been kept by us, where things have numbers below `next` and measurements are `known`.
    pub(super) fn is_sound(&self, next: u64, known: impl Fn(&(usize, Measured)) -> bool) -> bool {
        let chance = |r: &f64| (0.0..=1.0).contains(r);
        let of_line = |l: &Line| {
            (1..next).contains(&l.id)
                && chance(&l.r)
                && l.as_of.is_finite()
                && l.gives.iter().all(chance)
                && l.flight < self.flights.len()
        };
        let of_flight = |f: &Vec<Leg>| {
            let sound = f.iter().all(|l| l.t.is_finite() && l.motion.is_sound() && known(&l.by));
            !f.is_empty() && sound && f.windows(2).all(|w| w[0].t <= w[1].t)
        };
        let of_guess = |g: &Guess| {
            g.ln.is_finite()
                && g.lines.len() <= MOST_THINGS
                && g.lines.iter().all(|l| *l < self.lines.len())
                && g.used.iter().all(|(n, t)| *n < self.next && t.is_finite())
                && g.used.windows(2).all(|w| w[0].0 < w[1].0)
        };
        let first = self.all.first().is_none_or(|g| g.ln.abs() < 1e-9);
        first
            && self.all.iter().all(of_guess)
            && self.all.windows(2).all(|w| w[0].ln >= w[1].ln)
            && self.lines.iter().all(of_line)
            && self.flights.iter().all(of_flight)
            && self.shown.iter().all(|s| (1..next).contains(&s.id) && chance(&s.r) && s.t.is_finite())
    }

    fn last(&self, line: usize) -> &Leg {
        let flight = &self.flights[self.lines[line].flight];
        &flight[flight.len() - 1]
    }
}

impl Sky {
    /// How dense bearings are that are of nothing known, per radian: false ones, and of what nobody has noticed.
    fn strange(&self, from: &Sensor) -> f64 {
        let reach = from.range[1].min(FAR_M);
        from.clutter + UNNOTICED * self.settings.unnoticed * from.pd * reach * reach / 2.0
    }

    /// When something that is heard at `t` was given off by what flew like this.
    fn given_off(&self, flight: &[Leg], from: &Sensor, t: f64) -> f64 {
        let mut then = t;
        if let Some(speed) = from.sound {
            for _ in 0..2 {
                let d = minus(&self.flown(flight, then).1.place(), &from.at);
                then = t - gauss::dot(&d, &d).sqrt() / speed;
            }
        }
        then
    }

    /// How something flew at a time, and its leg that this comes from; none where it began later.
    fn flown(&self, flight: &[Leg], t: f64) -> (Option<usize>, Motion) {
        let at = flight.iter().rposition(|x| x.t <= t);
        let leg = &flight[at.unwrap_or(0)];
        (at, leg.motion.predict(t - leg.t, &self.settings.by_bearings))
    }

    /// Works legs through again from a state on. Gives the logarithm of how likely all that is.
    fn again(&self, mut motion: Motion, mut t: f64, legs: &[Leg], mut each: impl FnMut(Leg)) -> f64 {
        let mut ln = 0.0;
        for leg in legs {
            let (sensor, m) = &leg.by;
            motion = motion.predict(leg.t - t, &self.settings.by_bearings);
            ln += join(&mut motion, &self.sensors[*sensor], &self.registrations[*sensor], m).0;
            t = leg.t;
            each(Leg { motion, ..*leg });
        }
        ln
    }

    /// What a line can make of a scan.
    fn meet_line(&self, line: &Line, sensor: usize, t: f64, plots: &[Strange]) -> Looked {
        let from = &self.sensors[sensor];
        let flight = &self.guesses.flights[line.flight];
        let then = self.given_off(flight, from, t);
        let (base, motion) = self.flown(flight, then);
        let ear = usize::from(from.sound.is_some());
        let e = line.gives[ear];
        let chance = from.chance(&motion.merged()) * e;
        if chance < 1e-3 {
            return Looked::default();
        }
        let unseen = (1.0 - line.r * chance).max(1e-12);
        let mut missed = *line;
        missed.r = (line.r * (1.0 - chance) / unseen).clamp(0.0, 1.0 - 1e-9);
        let least = if line.met[ear] { self.settings.gives.min(MOST_GIVES) } else { LEAST_GIVES };
        missed.gives[ear] = (e * (1.0 - from.pd) / (1.0 - e * from.pd)).clamp(least, MOST_GIVES);
        // What came after it speaks for or against it, too.
        let after = base.map_or(&[] as &[Leg], |b| &flight[b + 1..]);
        let without = self.again(motion, then, after, |_| ());
        let mut hits = Vec::new();
        for (j, Strange { m, ln }) in plots.iter().enumerate() {
            let ln_strange = *ln;
            let mut joined = motion;
            let (ln, d2) = join(&mut joined, from, &self.registrations[sensor], m);
            if d2 > self.settings.gate || !joined.is_sound() {
                continue;
            }
            let ln = ln + self.again(joined, then, after, |_| ()) - without;
            let ln = ln + libm::log(line.r * chance) - ln_strange;
            if !ln.is_finite() {
                continue;
            }
            let leg = Leg { t: then, motion: joined, by: (sensor, *m) };
            hits.push(Hit { plot: j, ln, at: base.map(|b| (b, leg)) });
        }
        Looked { ln_missed: libm::log(unseen), missed: Some(missed), hits }
    }

    /// A line with a bearing.
    fn with(&mut self, line: &Line, hit: &Hit, ear: usize) -> Line {
        let mut new = *line;
        new.r = THERE;
        new.gives[ear] = MOST_GIVES;
        let Some((base, leg)) = hit.at else { return new };
        let old = &self.guesses.flights[line.flight];
        let mut flight = Vec::with_capacity(old.len() + 1);
        flight.extend_from_slice(&old[..=base]);
        flight.push(leg);
        self.again(leg.motion, leg.t, &old[base + 1..], |l| flight.push(l));
        if !flight.iter().all(|l| l.motion.is_sound()) {
            // It leaves no state to go on with.
            return new;
        }
        // As long as something can still come late.
        let newest = flight[flight.len() - 1].t;
        let old = flight.iter().take_while(|l| newest - l.t > self.settings.rewind).count().saturating_sub(1);
        let spare = flight.len().saturating_sub(self.settings.steps);
        flight.drain(..old.max(spare).min(flight.len() - 1));
        new.flight = self.guesses.flights.len();
        self.guesses.flights.push(flight);
        new
    }

    /// Something that three bearings are of, and the logarithm of the odds of that.
    fn born(&self, place: &V3, three: &[Loose; 3]) -> Option<(f64, Line, Vec<Leg>)> {
        let pp = [WIDE_M * WIDE_M, 0.0, 0.0, WIDE_M * WIDE_M, 0.0, HIGH[0] * HIGH[0]];
        let start = Gauss::standing(*place, pp, self.settings.unknown_speed[0], HIGH[1]);
        let mut line = Line { id: 0, r: THERE, as_of: three[0].t, gives: [0.5; 2], met: [false; 2], flight: 0 };
        let mut by: Vec<(f64, &Loose)> = three
            .iter()
            .map(|l| {
                let from = &self.sensors[l.sensor];
                let d = minus(place, &from.at);
                (from.sound.map_or(l.t, |c| l.t - gauss::dot(&d, &d).sqrt() / c), l)
            })
            .collect();
        by.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.sensor.cmp(&b.1.sensor)));
        let mut motion = Motion::of(start, &self.settings.by_bearings);
        let mut t = by[0].0;
        let mut ln = libm::log(self.settings.unnoticed * 2.0 * PI * WIDE_M * WIDE_M);
        let mut flight = Vec::new();
        for (then, l) in by {
            let from = &self.sensors[l.sensor];
            motion = motion.predict(then - t, &self.settings.by_bearings);
            t = then;
            ln += join(&mut motion, from, &self.registrations[l.sensor], &l.raw).0;
            ln += libm::log(from.pd * l.free / self.strange(from));
            flight.push(Leg { t, motion, by: (l.sensor, l.raw) });
            let ear = usize::from(from.sound.is_some());
            line.gives[ear] = self.settings.gives.min(MOST_GIVES);
            line.met[ear] = true;
        }
        (ln > 0.0 && motion.is_sound()).then_some((ln, line, flight))
    }

    /// Takes bearings of a scan that are of nothing that is known otherwise.
    pub(super) fn guess(&mut self, sensor: usize, t: f64, plots: &[Plot], s: &mut Scratch, out: &mut Vec<Report>) {
        self.hear_others();
        self.fade(t);
        let from = &self.sensors[sensor];
        let ear = usize::from(from.sound.is_some());
        let strange = self.strange(from);
        let (mut mine, mut new) = (std::mem::take(&mut s.strange), std::mem::take(&mut s.new));
        mine.clear();
        new.clear();
        for (j, plot) in plots.iter().enumerate().filter(|(j, _)| !s.taken[*j]) {
            if mine.len() >= MOST_OF_A_SCAN {
                self.refused.many += 1;
                continue;
            }
            let free = s.assignment.free[j].clamp(0.01, 1.0);
            mine.push(Strange { m: plot.m, ln: libm::log(strange / free) });
            let m = [plot.m, self.registrations[sensor].without_motion(&plot.m)];
            new.push(Loose::new(sensor, t, m, free, self.guesses.next, from));
            self.guesses.next += 1;
        }
        let mut crossings = std::mem::take(&mut s.crossings);
        self.crossings(sensor, t, &new, s, &mut crossings);
        self.loose[sensor].extend_from_slice(&new);
        if self.guesses.lines.is_empty() && crossings.is_empty() && self.guesses.shown.is_empty() {
            // All agree that there is nothing.
            self.guesses.all.truncate(1);
            let still = self.still_counts();
            self.guesses.all.iter_mut().for_each(|g| g.used.retain(|u| still(u)));
        } else {
            self.branch_guesses(sensor, t, ear, &mine, &new, &crossings);
            self.call();
            self.tidy();
            self.mirror(t, out);
        }
        (s.crossings, s.strange, s.new) = (crossings, mine, new);
    }

    /// Whether a bearing can still meet others.
    fn still_counts(&self) -> impl Fn(&(u64, f64)) -> bool + use<> {
        let oldest = self.now - self.settings.crossing - self.settings.rewind;
        move |(_, t)| *t > oldest
    }

    /// Nobody has looked: each may have gone. What nothing was measured of for too long is over.
    fn fade(&mut self, t: f64) {
        let g = &mut self.guesses;
        for line in &mut g.lines {
            if t > line.as_of {
                line.r *= libm::exp(-(t - line.as_of) / self.settings.stay);
                line.as_of = t;
            }
            let flight = &g.flights[line.flight];
            if t - flight[flight.len() - 1].t >= self.settings.forget {
                line.r = 0.0;
            }
        }
    }

    /// Each guess becomes several.
    fn branch_guesses(
        &mut self,
        sensor: usize,
        t: f64,
        ear: usize,
        mine: &[Strange],
        new: &[Loose],
        crossings: &[(V3, [Loose; 3])],
    ) {
        if self.guesses.all.is_empty() {
            self.guesses.all.push(Guess::default());
        }
        // Each line, and each guess, with the scan.
        let looked: Vec<Looked> = self.guesses.lines.iter().map(|l| self.meet_line(l, sensor, t, mine)).collect();
        let mut children: Vec<Child> = Vec::new();
        for (parent, guess) in self.guesses.all.iter().enumerate() {
            let from = children.len();
            children.push(Child { ln: guess.ln, parent, hits: Vec::new(), used: 0 });
            for l in &guess.lines {
                let m = &looked[*l];
                for k in from..children.len() {
                    for (h, hit) in m.hits.iter().enumerate() {
                        let c = &children[k];
                        if c.used & (1 << hit.plot) != 0 {
                            continue;
                        }
                        let mut hits = Vec::with_capacity(guess.lines.len());
                        hits.extend_from_slice(&c.hits);
                        hits.push(Some(h));
                        let with = Child { ln: c.ln + hit.ln, parent, hits, used: c.used | 1 << hit.plot };
                        children.push(with);
                    }
                    let c = &mut children[k];
                    c.hits.push(None);
                    c.ln += m.ln_missed;
                }
                children[from..].sort_by(|a, b| b.ln.total_cmp(&a.ln));
                children.truncate(from + MOST_EACH);
            }
        }
        children.sort_by(|a, b| b.ln.total_cmp(&a.ln));
        let top = children.first().map_or(0.0, |c| c.ln);
        children.retain(|c| c.ln > top - UNLIKELY_LN);
        children.truncate(2 * MOST_GUESSES);
        let mut things = 0;
        children.retain(|c| {
            things += c.hits.len();
            things <= 2 * MOST_IN_ALL
        });
        // What may have begun.
        let mut births: Vec<Birth> = Vec::new();
        for (place, three) in crossings {
            let Some((ln, mut line, flight)) = self.born(place, three) else { continue };
            line.flight = self.guesses.flights.len();
            self.guesses.flights.push(flight);
            let by = three.map(|l| (l.number, l.t));
            births.push(Birth { by, ln, line: self.guesses.lines.len() });
            self.guesses.lines.push(line);
        }
        births.sort_by(|a, b| b.ln.total_cmp(&a.ln).then(a.by.map(|l| l.0).cmp(&b.by.map(|l| l.0))));
        let still = self.still_counts();
        // Guesses with what they become.
        let mut made: Vec<Vec<Option<usize>>> = looked.iter().map(|l| vec![None; l.hits.len() + 1]).collect();
        let mut guesses: Vec<Guess> = Vec::new();
        for c in &children {
            let mut lines = Vec::new();
            for (k, hit) in c.hits.iter().enumerate() {
                let l = self.guesses.all[c.parent].lines[k];
                let slot = hit.map_or(0, |h| h + 1);
                let now = if let Some(now) = made[l][slot] {
                    now
                } else {
                    let line = self.guesses.lines[l];
                    let line = match hit {
                        Some(h) => self.with(&line, &looked[l].hits[*h], ear),
                        None => looked[l].missed.unwrap_or(line),
                    };
                    self.guesses.lines.push(line);
                    made[l][slot] = Some(self.guesses.lines.len() - 1);
                    self.guesses.lines.len() - 1
                };
                if self.guesses.lines[now].r > GONE {
                    lines.push(now);
                }
            }
            let old = &self.guesses.all[c.parent].used;
            let mut used: Vec<(u64, f64)> = old.iter().copied().filter(&still).collect();
            used.extend(new.iter().enumerate().filter(|(j, _)| c.used & (1 << j) != 0).map(|(_, l)| (l.number, t)));
            let mut left = MOST_BORN;
            for b in &births {
                if left == 0 || lines.len() >= MOST_THINGS {
                    break;
                }
                let p = self.guesses.last(b.line).motion.place();
                if b.by.iter().any(|(n, _)| used.binary_search_by_key(n, |u| u.0).is_ok())
                    || lines.iter().any(|l| apart(&self.guesses.last(*l).motion.place(), &p) < self.settings.apart)
                {
                    continue;
                }
                left -= 1;
                let mut lines = lines.clone();
                lines.push(b.line);
                let mut used = used.clone();
                used.extend(b.by);
                used.sort_unstable_by_key(|u| u.0);
                guesses.push(Guess { ln: c.ln + b.ln, lines, used });
            }
            guesses.push(Guess { ln: c.ln, lines, used });
        }
        self.choose(guesses);
    }

    /// The likeliest of these stay; what is nearly the same counts as one.
    fn choose(&mut self, mut guesses: Vec<Guess>) {
        guesses.sort_by(|a, b| b.ln.total_cmp(&a.ln));
        let top = guesses.first().map_or(0.0, |g| g.ln);
        let mut about: Vec<Option<(V3, V3)>> = vec![None; self.guesses.lines.len()];
        let mut stay: Vec<Guess> = Vec::new();
        let mut things = 0;
        for g in guesses {
            if g.ln < top - UNLIKELY_LN || stay.len() >= MOST_GUESSES || things >= MOST_IN_ALL {
                break;
            }
            for l in &g.lines {
                if about[*l].is_none() {
                    let m = self.guesses.last(*l).motion.merged();
                    about[*l] = Some((m.p, m.v));
                }
            }
            let alike = |a: usize, b: usize| {
                a == b
                    || match (&about[a], &about[b]) {
                        (Some(x), Some(y)) => apart(&x.0, &y.0) < SAME_M && apart(&x.1, &y.1) < SAME_MPS,
                        _ => false,
                    }
            };
            let same = stay.iter_mut().find(|s| {
                s.lines.len() == g.lines.len() && {
                    let mut had = 0u64;
                    g.lines.iter().all(|l| {
                        let k = (0..s.lines.len()).find(|k| had & (1 << k) == 0 && alike(*l, s.lines[*k]));
                        k.is_some_and(|k| {
                            had |= 1 << k;
                            true
                        })
                    })
                }
            });
            if let Some(s) = same {
                s.ln += libm::log1p(libm::exp((g.ln - s.ln).min(0.0)));
            } else {
                things += g.lines.len();
                stay.push(g);
            }
        }
        stay.sort_by(|a, b| b.ln.total_cmp(&a.ln));
        let top = stay.first().map_or(0.0, |g| g.ln);
        for g in &mut stay {
            g.ln -= top;
        }
        self.guesses.all = stay;
    }

    /// What is new is called as what is there in another guess, or gets a number of its own.
    fn call(&mut self) {
        let mut called: Vec<(u64, V3)> = Vec::new();
        for g in &self.guesses.all {
            for l in g.lines.iter().filter(|l| self.guesses.lines[**l].id != 0) {
                called.push((self.guesses.lines[*l].id, self.guesses.last(*l).motion.place()));
            }
        }
        for k in 0..self.guesses.all.len() {
            for n in 0..self.guesses.all[k].lines.len() {
                let l = self.guesses.all[k].lines[n];
                if self.guesses.lines[l].id != 0 {
                    continue;
                }
                let p = self.guesses.last(l).motion.place();
                let lines = &self.guesses.lines;
                let mine = |id: u64| self.guesses.all[k].lines.iter().any(|l| lines[*l].id == id);
                let near = called.iter().filter(|c| !mine(c.0)).map(|c| (apart(&c.1, &p), c.0));
                let near = near.filter(|c| c.0 < CALLED_M).min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let id = near.map_or(self.next, |c| c.1);
                self.next = self.next.max(id + 1);
                self.guesses.lines[l].id = id;
                called.push((id, p));
            }
        }
    }

    /// Only lines that are in a guess stay, and only flights that are of a line.
    fn tidy(&mut self) {
        let g = &mut self.guesses;
        let mut to = vec![usize::MAX; g.lines.len()];
        let mut lines = Vec::new();
        let mut flew = vec![usize::MAX; g.flights.len()];
        let mut flights = Vec::new();
        for l in g.all.iter_mut().flat_map(|g| g.lines.iter_mut()) {
            if to[*l] == usize::MAX {
                to[*l] = lines.len();
                let mut line = g.lines[*l];
                if flew[line.flight] == usize::MAX {
                    flew[line.flight] = flights.len();
                    flights.push(std::mem::take(&mut g.flights[line.flight]));
                }
                line.flight = flew[line.flight];
                lines.push(line);
            }
            *l = to[*l];
        }
        g.lines = lines;
        g.flights = flights;
    }

    /// What else was said of what is shown since: by whom it was seen it is known otherwise from now on; who did not see it
    /// speaks against it in all guesses.
    fn hear_others(&mut self) {
        let mut gone = Vec::new();
        for s in &self.guesses.shown {
            let body = self.bodies.numbered(s.id).map(|k| &self.bodies[k]);
            let Some(body) = body.filter(|b| b.claims.seen == 2 && !b.claims.any) else {
                gone.push(s.id);
                continue;
            };
            let odds = |r: f64| r / (1.0 - r).max(1e-12);
            let faded = s.r * libm::exp(-(body.as_of - s.t).max(0.0) / self.settings.stay);
            let factor = odds(body.r) / odds(faded).max(1e-12);
            if (factor - 1.0).abs() > 1e-6 {
                for line in self.guesses.lines.iter_mut().filter(|l| l.id == s.id) {
                    let o = odds(line.r) * factor;
                    line.r = (o / (1.0 + o)).clamp(0.0, 1.0 - 1e-9);
                }
            }
        }
        if !gone.is_empty() {
            let g = &mut self.guesses;
            g.shown.retain(|s| !gone.contains(&s.id));
            g.all.iter_mut().for_each(|x| x.lines.retain(|l| !gone.contains(&g.lines[*l].id)));
        }
    }

    /// Shows the likeliest guess.
    fn mirror(&mut self, t: f64, out: &mut Vec<Report>) {
        let g = &self.guesses;
        let mut weights: Vec<f64> = g.all.iter().map(|x| libm::exp(x.ln)).collect();
        let total: f64 = weights.iter().sum();
        for w in &mut weights {
            *w /= total;
        }
        let newest = g.flights.iter().map(|f| f[f.len() - 1].t).fold(t, f64::max);
        let now: Vec<Gauss> = (0..g.lines.len())
            .map(|l| {
                let leg = g.last(l);
                leg.motion.predict(newest - leg.t, &self.settings.by_bearings).merged()
            })
            .collect();
        let best: &[usize] = g.all.first().map_or(&[], |x| &x.lines);
        // In every guess, what is about where the likeliest has each of its things.
        let mut parts: Vec<(f64, Vec<(f64, Gauss)>)> = vec![(0.0, Vec::new()); best.len()];
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (guess, w) in g.all.iter().zip(&weights) {
            pairs.clear();
            for (k, b) in best.iter().enumerate() {
                for (n, l) in guess.lines.iter().enumerate() {
                    let d = apart(&now[*b].p, &now[*l].p);
                    if d < ABOUT_M {
                        pairs.push((d, k, n));
                    }
                }
            }
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            let (mut had, mut used) = (0u64, 0u64);
            for (_, k, n) in &pairs {
                if had & (1 << k) == 0 && used & (1 << n) == 0 {
                    had |= 1 << k;
                    used |= 1 << n;
                    let l = guess.lines[*n];
                    parts[*k].0 += w * g.lines[l].r;
                    parts[*k].1.push((*w, now[l]));
                }
            }
        }
        let mut all: Vec<(Line, f64, Motion)> = Vec::new();
        for (b, (r, part)) in best.iter().zip(&mut parts) {
            let total: f64 = part.iter().map(|p| p.0).sum();
            for p in part.iter_mut() {
                p.0 /= total;
            }
            all.push((g.lines[*b], *r, Motion::of(Gauss::mixed(part), &self.settings.by_bearings)));
        }
        // What is in others alone is not believed.
        for (guess, w) in g.all.iter().zip(&weights) {
            for l in &guess.lines {
                let line = &g.lines[*l];
                if best.iter().any(|b| g.lines[*b].id == line.id) {
                    continue;
                }
                match all.iter_mut().find(|a| a.0.id == line.id) {
                    Some(a) => a.1 = (a.1 + w * line.r).min(self.settings.doubt * BESIDE),
                    None => all.push((
                        *line,
                        (w * line.r).min(self.settings.doubt * BESIDE),
                        Motion::of(now[*l], &self.settings.by_bearings),
                    )),
                }
            }
        }
        all.sort_by_key(|a| a.0.id);
        let mut slots = Vec::new();
        for s in &std::mem::take(&mut self.guesses.shown) {
            if let Some(k) = self.bodies.numbered(s.id)
                && all.iter().all(|a| a.0.id != s.id)
            {
                self.bodies[k].r = 0.0;
                slots.push(k);
            }
        }
        for (line, r, motion) in &all {
            let step = Step::blank(newest);
            let k = if let Some(k) = self.bodies.numbered(line.id) {
                self.bodies.restart(k, step, motion);
                k
            } else {
                if *r < self.settings.over * 2.0 {
                    continue;
                }
                if self.bodies.len() >= self.settings.tracks {
                    self.refused.many += 1;
                    continue;
                }
                let body = Body { id: line.id, shown: f64::NEG_INFINITY, chart: Chart::SCENE, ..Body::default() };
                self.bodies.add(body, (step, motion), self.now)
            };
            let body = &mut self.bodies[k];
            body.r = r.clamp(0.0, 1.0 - 1e-9);
            body.as_of = t;
            body.gives = line.gives;
            body.met = line.met;
            body.claims.seen = 2;
            let r = body.r;
            self.guesses.shown.push(Shown { id: line.id, r, t });
            self.bodies.moved(k, self.now);
            self.show(k, t, out);
            slots.push(k);
        }
        self.bury(&slots, out);
    }
}

/// How far over ground, m (or m/s).
fn apart(a: &V3, b: &V3) -> f64 {
    libm::hypot(a[0] - b[0], a[1] - b[1])
}
