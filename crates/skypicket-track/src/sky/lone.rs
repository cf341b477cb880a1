//! [`Lone`]: a report that comes by itself, not with all else that its sensor saw then.
//!
//! Nobody says when a scan of such a sensor is over, so that it did not report a thing means nothing by itself; instead
//! a thing that nothing is heard of for longer than its reporters usually take fades ([`Sky::heard`]). The odds of a
//! report to be a thing's are the same as in a scan. Who may be whose besides its place (a name, an address, another plot
//! of the same scan) is for whoever asks: they choose among those that are near.
//!
//! Sensors come with their reports: each says where on Earth it was made from.

use super::{
    Sky,
    bodies::Flown,
    body::{Body, Wait, at_time},
    charts::{Chart, Move},
    clutter::Clutter,
    gauss::{AT, Gauss, M3, Sym3, V3, distance2, dot, minus, principal, turn, turned},
    join,
    motion::Motion,
    past::{Means, Step},
    registration::Registration,
    sensor::{EARTH_M, Measured, Sense, Sensor, Sight},
    sensors::{UPRIGHT, placed},
    settings::Settings,
    sight,
};
use skypicket_model::{Enu, Place};
use std::{borrow::Cow, f64::consts::PI};

/// One report multiplies the odds of a thing by this at most: without the misses of whole scans none decides alone.
const MOST_BY_ONE: f64 = 100.0;
/// Nothing is surer than this, so that silence always tells.
const CERTAIN: f64 = 0.999;
/// A sensor's errors are learned from plots that are of a thing as surely as this.
const SURE: f64 = 0.95;
/// Numbers of a covariance whose correlation is under this are as good as independent.
const HARDLY: f64 = 0.01;
/// Things farther apart than this are not compared at all, m.
const APART: f64 = 500_000.0;
/// A thing farther than this from the middle of its square, over ground, goes to the square of what reports it, m.
const OUT_M: f64 = 2_500.0;

/// A report by itself.
#[derive(Debug, Clone)]
pub struct Lone {
    t: f64,
    chart: Chart,
    /// What made it, in the chart, and its slot; without one it cannot be worked through again.
    sensor: Sensor,
    slot: Option<usize>,
    /// Where that stands, and its axes there.
    stands: Enu,
    axes: M3,
    m: Measured,
    /// Where things that it can be of are, in the chart, and how far from there at most, m.
    at: V3,
    reach: f64,
    /// False reports and new things per unit of what it measures.
    none: f64,
}

/// How a report compares with a thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// Chance that the thing is there, now.
    pub existence: f64,
    /// Least squared distance over the models; of looks minus twice the logarithm of the likelihood against the best.
    pub d2: f64,
    /// Chance that the report is the thing's rather than false or of something new.
    pub chance: f64,
    /// Natural logarithm of existence times likelihood: comparable among things, for one report.
    pub ln: f64,
}

/// What joining a report came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// The state moved.
    Moved,
    /// It came too late to move anything.
    Late,
    /// No sound state would have been left.
    Unsound,
}

/// Reports that come by themselves made with this: what it is mistaken about and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odds {
    /// Chance that it sees what is there.
    pub pd: f64,
    /// False reports per m² of ground.
    pub untrue: f64,
    /// A number of its own for whatever has errors of its own: two antennas on one mast can be turned differently. Nought where
    /// nothing is learned of that.
    pub who: u64,
}

impl Sky {
    /// A place on Earth with a covariance in its own east, north and up, m²; only over ground where its height is unknown.
    pub fn lone_place(&mut self, t: f64, place: Place, cov: &M3, odds: Odds) -> Option<Lone> {
        let chart = Chart::of(place);
        let frame = self.sensors.frame(chart)?;
        let own = Enu::at(place);
        let known = place.alt_hae_m.is_some();
        let at = frame.carry(&own, [0.0; 3]);
        let [xz, yz, zz] = if known { [cov[0][2], cov[1][2], cov[2][2]] } else { [0.0, 0.0, 1.0] };
        let own_cov: Sym3 = [cov[0][0], cov[0][1], xz, cov[1][1], yz, zz];
        let in_chart = turned(&frame.turn_from(&own), &own_cov);
        let hardly = |i: usize, j: usize| {
            let c = in_chart[AT[i][j]];
            c * c <= HARDLY * HARDLY * in_chart[AT[i][i]] * in_chart[AT[j][j]]
        };
        let height = |var: f64| if known { var } else { f64::INFINITY };
        // Most are as sure in one direction as in any other: those of a chart share one sensor.
        let (stands, frame, axes, m) = if hardly(0, 1) && (!known || (hardly(0, 2) && hardly(1, 2))) {
            (frame.origin(), frame, UPRIGHT, Measured { z: at, r: [in_chart[0], in_chart[3], height(in_chart[5])] })
        } else {
            let (axes, var) = principal(&own_cov);
            // Where the height is unknown the last axis is upright already.
            (place, own, axes, Measured { z: [0.0; 3], r: [var[0], var[1], height(var[2])] })
        };
        let deep = if known { self.settings.high } else { 1.0 };
        let none = (odds.untrue + self.settings.unnoticed) / deep;
        let spread = (own_cov[0] + own_cov[3]).sqrt();
        let lone = self.lone(t, (0, blank(Sense::Fix, odds)), (stands, frame, axes), m, chart)?;
        Some(Lone { at, reach: self.settings.gate.sqrt() * spread, none, ..lone })
    }

    /// A radar plot: range, azimuth and elevation as seen from a place whose height is known, with variances.
    pub fn lone_plot(&mut self, t: f64, from: Place, m: Measured, odds: Odds) -> Option<Lone> {
        let own = Enu::at(from);
        // Near enough for telling the square, though not on a poles' cap.
        let flat = m.z[0] * libm::cos(m.z[2]) / EARTH_M;
        let lat = from.lat_deg.to_radians() + flat * libm::cos(m.z[1]);
        let lon_deg = from.lon_deg + (flat * libm::sin(m.z[1]) / libm::cos(lat).abs().max(1e-3)).to_degrees();
        let lat_deg = lat.to_degrees().clamp(-90.0, 90.0);
        let there = Place { lat_deg, lon_deg: libm::remainder(lon_deg, 360.0), alt_hae_m: None };
        let lone = self.lone(t, (odds.who, blank(Sense::Radar, odds)), (from, own, UPRIGHT), m, Chart::of(there))?;
        let m = lone.slot.map_or(m, |k| self.registrations[k].without_motion(&m));
        let (at, cov) = lone.sensor.place_of(&m);
        let per_m3 = (odds.untrue + self.settings.unnoticed * odds.pd) / self.settings.high;
        let none = per_m3 * m.z[0] * m.z[0] * libm::cos(m.z[2]).max(0.01);
        Some(Lone { at, reach: self.settings.gate.sqrt() * (cov[0] + cov[3]).sqrt(), none, ..lone })
    }

    /// A look from a place: azimuth, and elevation and median range where these are known (with the variance of the logarithm
    /// of the range), at something that is at most `reach` m away.
    pub fn lone_look(
        &mut self,
        t: f64,
        from: Place,
        sight: Sight,
        m: Measured,
        reach: f64,
        odds: Odds,
    ) -> Option<Lone> {
        let sensor = Sensor { sight: Some(sight), ..blank(Sense::Sight, odds) };
        // Things per radian: those on the line, as far as it goes; of a known range, per its logarithm.
        let far = if m.r[0].is_finite() { 2.0 * m.z[0] * m.z[0] } else { reach * reach / 2.0 };
        let none = (odds.untrue + self.settings.unnoticed) * far;
        let lone = self.lone(t, (odds.who, sensor), (from, Enu::at(from), UPRIGHT), m, Chart::of(from))?;
        Some(Lone { at: lone.sensor.at, reach, none, ..lone })
    }

    /// What was measured by a sensor that stands at a place, in a chart.
    fn lone(
        &mut self,
        t: f64,
        (who, sensor): (u64, Sensor),
        (place, stands, axes): (Place, Enu, M3),
        m: Measured,
        chart: Chart,
    ) -> Option<Lone> {
        if !self.world || !m.is_fit(sensor.sense) || sensor.check().is_err() || !t.is_finite() {
            self.refused.unfit += 1;
            return None;
        }
        let slot = self.slot_of((who, &sensor), (place, &stands), &axes, t);
        let sensor = placed(sensor, &stands, &axes, &self.sensors.frame(chart)?);
        Some(Lone { t, chart, sensor, slot, stands, axes, m, at: [0.0; 3], reach: 0.0, none: 0.0 })
    }

    /// Takes in a sensor that stands at a place, its axes along east, north and up there, and gives its number: whole scans of
    /// it can be [taken](Self::scan) from then on, while it is not forgotten for those that came after it.
    pub fn admit(&mut self, sensor: &Sensor, place: Place) -> Option<usize> {
        if !self.world || sensor.check().is_err() || place.check().is_err() {
            return None;
        }
        self.slot_of((0, sensor), (place, &Enu::at(place)), &UPRIGHT, self.now)
    }

    /// The slot of a sensor that reports something of `t`; none where all are still needed.
    fn slot_of(&mut self, sensor: (u64, &Sensor), place: (Place, &Enu), axes: &M3, t: f64) -> Option<usize> {
        // No step that is older than this is ever worked through again.
        let kept = self.now - self.settings.forget;
        let (slot, new) = self.sensors.meet(sensor, place, axes, t, kept)?;
        if new {
            self.registrations.resize(self.sensors.len(), Registration::default());
            self.loose.resize(self.sensors.len(), Vec::new());
            self.clutter.resize(self.sensors.len(), Clutter::default());
            self.clutter[slot] = Clutter::default();
            self.registrations[slot] = Registration::default();
            self.loose[slot].clear();
        }
        Some(slot)
    }

    /// Time passes: nothing comes from after `now`, and all are found where they may be by then.
    pub fn pass(&mut self, now: f64) {
        self.now = self.now.max(now);
        if self.now - self.swept >= 1.0 || self.swept.is_infinite() {
            self.swept = self.now;
            self.bodies.pass(self.now);
        }
    }

    /// Numbers of the things that a report can be of by their place, and some more; oldest first.
    pub fn near(&mut self, lone: &Lone, ids: &mut Vec<u64>) {
        let mut near = std::mem::take(&mut self.scratch.near);
        let settings = &self.settings;
        let come = |last: &Flown| may_have_flown(last, lone.t, settings);
        self.bodies.reaching(lone.chart, &lone.at, lone.reach, come, &mut near);
        ids.clear();
        ids.extend(near.iter().map(|k| self.bodies[*k].id));
        self.scratch.near = near;
    }

    /// The same around a place.
    pub fn near_place(&mut self, place: Place, radius: f64, ids: &mut Vec<u64>) {
        let chart = Chart::of(place);
        let at = self.sensors.frame(chart).map_or([0.0; 3], |f| f.from_place(place));
        let mut near = std::mem::take(&mut self.scratch.near);
        self.bodies.reaching(chart, &at, radius, |_| f64::INFINITY, &mut near);
        ids.clear();
        ids.extend(near.iter().map(|k| self.bodies[*k].id));
        self.scratch.near = near;
    }

    /// What made a report, in a thing's chart; none where that is far off.
    fn facing<'a>(&self, chart: Chart, lone: &'a Lone) -> Option<Cow<'a, Sensor>> {
        if chart == lone.chart {
            return Some(Cow::Borrowed(&lone.sensor));
        }
        let (here, there) = (self.sensors.peek(chart)?, self.sensors.peek(lone.chart)?);
        let apart = here.carry(&there, [0.0; 3]);
        (dot(&apart, &apart) <= APART * APART)
            .then(|| Cow::Owned(placed(lone.sensor.clone(), &lone.stands, &lone.axes, &here)))
    }

    /// How a report compares with a thing, as that was then. None where they cannot be compared at all. Whether the thing is
    /// within its reach is asked where nothing else ties the two.
    pub fn compare(&self, id: u64, lone: &Lone, tied: bool) -> Option<Compared> {
        let k = self.bodies.numbered(id)?;
        let from = self.facing(self.bodies[k].chart, lone)?;
        let (_, mut motion) = at_time(&self.bodies[k], lone.t, &self.means());
        if !tied && from.sense == Sense::Sight {
            let q = turn(&from.axes, &minus(&motion.place(), &from.at));
            if libm::hypot(q[0], q[1]) > lone.reach {
                return None;
            }
        }
        self.try_on(k, &mut motion, &from, lone)
    }

    /// Joins a report to a motion of a thing.
    fn try_on(&self, k: usize, motion: &mut Motion, from: &Sensor, lone: &Lone) -> Option<Compared> {
        let off = lone.slot.map(|k| self.registrations[k]).unwrap_or_default();
        let (ln, d2) = join(motion, from, &off, &lone.m);
        if !ln.is_finite() || !d2.is_finite() {
            return None;
        }
        let existence = self.bodies[k].existence(self.now);
        let weight = existence * lone.sensor.pd * libm::exp(ln);
        let chance = weight / (weight + lone.none).max(f64::MIN_POSITIVE);
        Some(Compared { existence, d2, chance, ln: libm::log(existence.max(1e-12)) + ln })
    }

    /// Joins a report to a thing. It becomes surer by it, unless it is no new `witness`: somebody's second word is no second
    /// word.
    pub fn join_lone(&mut self, id: u64, lone: &Lone, witness: bool) -> Joined {
        let Some(k) = self.bodies.numbered(id) else { return Joined::Unsound };
        // It stays in its chart until it is well out of that: on a border it would go to and fro.
        let body = &self.bodies[k];
        let [x, y, _] = body.last().motion.states[0].p;
        if body.chart != lone.chart && x * x + y * y > OUT_M * OUT_M {
            self.bodies.bring(k, lone.chart);
        }
        let Some(from) = self.facing(self.bodies[k].chart, lone) else { return Joined::Unsound };
        let (base, mut motion) = at_time(&self.bodies[k], lone.t, &self.means());
        let Some(compared) = self.try_on(k, &mut motion, &from, lone) else { return Joined::Unsound };
        let done = match base {
            Some(base) => {
                let step = Step::of(lone.t, lone.slot.map(|slot| (slot, lone.m)));
                let means = Means::of(&self.sensors, &self.registrations, &self.settings);
                if !self.bodies.insert(k, base, step, &motion, &means) {
                    return Joined::Unsound;
                }
                Joined::Moved
            }
            // Nobody knows any more how it stood then.
            None => Joined::Late,
        };
        let body = &mut self.bodies[k];
        if witness {
            let r = body.r;
            let all = compared.chance + (1.0 - compared.chance) * r;
            let most = MOST_BY_ONE * r / (1.0 - r).max(1e-6);
            body.r = all.min(most / (1.0 + most)).min(CERTAIN);
        }
        if compared.chance > SURE
            && lone.sensor.sense == Sense::Radar
            && let Some(slot) = lone.slot
            && let Some(said) = body.claims.said_place(lone.t, &motion.merged())
        {
            self.registrations[slot].learn_from(&from, &lone.m, &said, lone.t);
        }
        self.bodies.moved(k, self.now);
        done
    }

    /// A direction to the emission of a thing, which says in it who it is: its finder's errors are learned where the thing
    /// says as well where it is.
    pub fn learn_direction(&mut self, id: u64, lone: &Lone) {
        let (Some(k), Some(slot)) = (self.bodies.numbered(id), lone.slot) else { return };
        let Some(from) = self.facing(self.bodies[k].chart, lone) else { return };
        let (_, motion) = at_time(&self.bodies[k], lone.t, &self.means());
        if lone.sensor.sense == Sense::Sight
            && let Some(said) = self.bodies[k].claims.said_place(lone.t, &motion.merged())
        {
            self.registrations[slot].learn_from(&from, &lone.m, &said, lone.t);
        }
    }

    /// A look from a place as it would be if what made it were not off.
    pub fn look_put_right(&self, who: u64, from: Place, sight: Sight, m: &Measured) -> Measured {
        let sensor = Sensor { sight: Some(sight), ..blank(Sense::Sight, Odds { pd: 1.0, untrue: 0.0, who }) };
        self.sensors.find(who, &sensor, from).map_or(*m, |slot| self.registrations[slot].without_motion(m))
    }

    /// How far off the sensor of a report is, as far as that was learned.
    pub fn registration_of(&self, lone: &Lone) -> Option<&Registration> {
        self.registrations.get(lone.slot?).filter(|r| r.rests_on > 0)
    }

    /// A thing says itself where it is: the errors of those that see it can be learned from that.
    pub fn says_itself(&mut self, id: u64, lone: &Lone) {
        let Some(k) = self.bodies.numbered(id) else { return };
        if lone.sensor.sense == Sense::Fix && lone.m.r[2].is_finite() {
            let at = match (self.sensors.peek(self.bodies[k].chart), self.sensors.peek(lone.chart)) {
                (Some(here), Some(there)) => here.carry(&there, lone.at),
                _ => return,
            };
            self.bodies[k].claims.heard_at(lone.t, at, lone.m.r);
        }
    }

    /// The state that a report starts, at rest or with a claimed velocity (east, north, up there); none of a direction alone.
    fn first(&self, lone: &Lone, velocity: Option<V3>) -> Option<Motion> {
        let [over_ground, up] = self.settings.unknown_speed;
        let (p, cov, known): (V3, Sym3, bool) = match lone.sensor.sense {
            Sense::Sight => sight::area(&lone.sensor, &lone.m)?,
            Sense::Radar => {
                let (p, cov) = lone.sensor.place_of(&lone.m);
                (p, cov, true)
            }
            _ => {
                let known = lone.m.r[2].is_finite();
                let axes = &lone.sensor.axes;
                let r = [lone.m.r[0], lone.m.r[1], if known { lone.m.r[2] } else { 1.0 }];
                let mut cov = [0.0; 6];
                for i in 0..3 {
                    for j in i..3 {
                        cov[AT[i][j]] = (0..3).map(|k| r[k] * axes[k][i] * axes[k][j]).sum();
                    }
                }
                (lone.at, cov, known)
            }
        };
        let mut state = Gauss::standing(p, cov, over_ground, up);
        if let Some(v) = velocity {
            let (frame, own) = (lone.chart.frame()?, Enu::at(lone.chart.frame()?.to_place(p)));
            state.v = turn(&frame.turn_from(&own), &v);
        }
        let motion = Motion::of(state, &self.settings.flight);
        Some(if known { motion } else { grounded(motion, lone.chart)?.without_height() })
    }

    /// Starts a thing from a report. None where it says too little of where, or where there are too many.
    pub fn begin_lone(&mut self, lone: &Lone, velocity: Option<V3>, r: f64) -> Option<u64> {
        let motion = self.first(lone, velocity).filter(Motion::is_sound)?;
        let by = lone.slot.map(|slot| (slot, lone.m));
        let k = self.begin(lone.chart, lone.t, &motion, by, r.clamp(0.0, CERTAIN))?;
        Some(self.bodies[k].id)
    }

    /// Starts a thing at a place that was worked out elsewhere, without a height: its covariance over ground, m².
    pub fn begin_at(&mut self, t: f64, place: Place, cov: [[f64; 2]; 2], r: f64) -> Option<u64> {
        let chart = Chart::of(place);
        let frame = chart.frame()?;
        let own = Enu::at(Place { alt_hae_m: None, ..place });
        let cov = turned(&frame.turn_from(&own), &[cov[0][0], cov[0][1], 0.0, cov[1][1], 0.0, 1.0]);
        let [over_ground, up] = self.settings.unknown_speed;
        let at = frame.from_place(Place { alt_hae_m: None, ..place });
        let motion = Motion::of(Gauss::standing(at, cov, over_ground, up), &self.settings.flight).without_height();
        if !motion.is_sound() {
            return None;
        }
        let k = self.begin(chart, t, &motion, None, r.clamp(0.0, CERTAIN))?;
        Some(self.bodies[k].id)
    }

    /// A thing is where a report says, whatever was thought before. Whether it can be so.
    pub fn restart(&mut self, id: u64, lone: &Lone, velocity: Option<V3>) -> bool {
        let Some(motion) = self.first(lone, velocity).filter(Motion::is_sound) else { return false };
        let Some(k) = self.bodies.numbered(id) else { return false };
        let body = &mut self.bodies[k];
        body.chart = lone.chart;
        body.claims = super::claims::Claims::default();
        body.common = None;
        self.bodies.restart(k, Step::of(lone.t, lone.slot.map(|slot| (slot, lone.m))), &motion);
        self.bodies.moved(k, self.now);
        true
    }

    /// A thing is surer, or less sure, by such odds, for something that says nothing of where it is.
    pub fn support(&mut self, id: u64, odds: f64) {
        let Some(k) = self.bodies.numbered(id) else { return };
        let r = self.bodies[k].r;
        let odds = r / (1.0 - r).max(1e-6) * odds;
        self.bodies[k].r = (odds / (1.0 + odds)).clamp(0.0, CERTAIN);
    }

    /// How sure a thing is now, by what somebody decided.
    pub fn believe(&mut self, id: u64, r: f64) {
        if let Some(k) = self.bodies.numbered(id) {
            let body = &mut self.bodies[k];
            let kept = body.existence(self.now) / body.r.max(f64::MIN_POSITIVE);
            body.r = (r / kept.max(1e-6)).clamp(0.0, CERTAIN);
        }
    }

    /// A kind of reports of a thing is heard now, and means nothing by a silence of `interval` s from here on; after that the
    /// thing fades with the time constant `hold`, s. By how much it faded until now it is less sure. To be said before what
    /// the report itself speaks for.
    pub fn heard(&mut self, id: u64, kind: u8, interval: f64, hold: f64) {
        let Some(k) = self.bodies.numbered(id) else { return };
        let body = &mut self.bodies[k];
        body.r = body.existence(self.now);
        let next = Wait { kind, at: self.now, interval, hold };
        if let Some(w) = body.waits.iter_mut().find(|w| w.kind == kind) {
            *w = next;
        } else {
            body.waits.reserve_exact(1);
            body.waits.push(next);
        }
    }

    /// Chance that a thing is there, now.
    pub fn existence(&self, id: u64) -> Option<f64> {
        Some(self.bodies[self.bodies.numbered(id)?].existence(self.now))
    }

    /// The moment of a thing's newest step, s.
    pub fn newest(&self, id: u64) -> Option<f64> {
        Some(self.bodies[self.bodies.numbered(id)?].last().t)
    }

    /// A thing as it is at `t`, or at its newest step where that is later, and the chance that it is there, now.
    pub fn look_at(&self, id: u64, t: f64) -> Option<(Stands, f64)> {
        let body = &self.bodies[self.bodies.numbered(id)?];
        Some((self.stands(body, t), body.existence(self.now)))
    }

    /// A thing as it is at `t`, or at its newest step where that is later.
    pub fn state_at(&self, id: u64, t: f64) -> Option<Stands> {
        Some(self.stands(&self.bodies[self.bodies.numbered(id)?], t))
    }

    fn stands(&self, body: &Body, t: f64) -> Stands {
        let last = body.last();
        let motion = last.motion.predict((t - last.t).max(0.0), &self.settings.flight);
        Stands { chart: body.chart, flat: motion.flat, state: motion.merged() }
    }

    /// How a thing was at a moment, also one that is over.
    pub fn state_then(&self, id: u64, t: f64) -> Option<Stands> {
        let body = &self.bodies[self.bodies.numbered(id)?];
        let (_, motion) = at_time(body, t, &self.means());
        Some(Stands { chart: body.chart, flat: motion.flat, state: motion.merged() })
    }

    /// Squared distance of two things in their sigmas, at the later of their newest moments.
    pub fn distance2(&self, a: u64, b: u64) -> f64 {
        let (Some(ta), Some(tb)) = (self.newest(a), self.newest(b)) else { return f64::INFINITY };
        let at = ta.max(tb);
        let (Some(a), Some(mut b)) = (self.state_at(a, at), self.state_at(b, at)) else { return f64::INFINITY };
        if a.chart != b.chart {
            let (Some(here), Some(there)) = (self.sensors.peek(a.chart), self.sensors.peek(b.chart)) else {
                return f64::INFINITY;
            };
            b.state = b.state.moved(&Move::between(&there, &here));
        }
        let cov: Sym3 = std::array::from_fn(|k| a.state.pp[k] + b.state.pp[k]);
        distance2(&minus(&a.state.p, &b.state.p), &cov, a.flat || b.flat)
    }

    /// Two are one: `keep` goes on, with the better state of the two and the chance of the surer.
    pub fn merge(&mut self, keep: u64, lose: u64) {
        let (Some(k), Some(l)) = (self.bodies.numbered(keep), self.bodies.numbered(lose)) else { return };
        let at = self.bodies[k].last().t.max(self.bodies[l].last().t);
        let spread = |id: u64| self.state_at(id, at).map_or(f64::INFINITY, |s| s.over_ground());
        let better = spread(lose) < spread(keep);
        let lost = self.bodies[l].clone();
        let now = self.now;
        let body = &mut self.bodies[k];
        body.r = body.existence(now).max(lost.existence(now));
        for w in &lost.waits {
            match body.waits.iter_mut().find(|own| own.kind == w.kind) {
                Some(own) if w.at > own.at => *own = *w,
                Some(_) => {}
                None => body.waits.push(*w),
            }
        }
        if better {
            body.past = lost.past;
            body.chart = lost.chart;
            body.claims = lost.claims;
        }
        self.bodies.moved(k, now);
        self.bodies.remove(l);
    }

    /// A thing is gone.
    pub fn remove(&mut self, id: u64) {
        if let Some(k) = self.bodies.numbered(id) {
            self.gone(k);
        }
    }
}

/// How far something may be at a time from where it was last known, in all that counts as near to it, and some more, m.
fn may_have_flown(last: &Flown, t: f64, settings: &Settings) -> f64 {
    let dt = (t - last.t).abs();
    let [speed, unsure] = last.speed;
    let stirred = (settings.flight.q[1] * dt * dt * dt).sqrt();
    // Of what comes late the way between is known, not only where it led.
    let back = if t < last.t { 60.0 * dt } else { 0.0 };
    speed * dt + back + settings.gate.sqrt() * (last.spread[1] + unsure * dt + stirred) + 30.0
}

/// Where something stands.
#[derive(Debug, Clone, Copy)]
pub struct Stands {
    chart: Chart,
    /// Its height is not known.
    pub flat: bool,
    /// In the chart.
    state: Gauss,
}

impl Stands {
    /// Larger than any one sigma over ground, m.
    pub fn over_ground(&self) -> f64 {
        (self.state.pp[0] + self.state.pp[3]).max(0.0).sqrt()
    }

    /// The place, and the state along its own east, north and up.
    pub fn on_earth(&self) -> Option<(Place, Gauss)> {
        let frame = self.chart.frame()?;
        let p = frame.to_place(self.state.p);
        // Far above the poles a longitude may round past 180; the model's range is kept.
        let place = Place {
            lat_deg: p.lat_deg.clamp(-90.0, 90.0),
            lon_deg: p.lon_deg.clamp(-180.0, 180.0),
            alt_hae_m: if self.flat { None } else { p.alt_hae_m },
        };
        let own = Enu::at(place);
        Some((place, self.state.moved(&Move::between(&frame, &own))))
    }
}

/// The same on the ground of its chart, at the same latitude and longitude.
fn grounded(mut motion: Motion, chart: Chart) -> Option<Motion> {
    let frame = chart.frame()?;
    for g in &mut motion.states {
        let place = frame.to_place(g.p);
        g.p = frame.from_place(Place { alt_hae_m: Some(0.0), ..place });
    }
    Some(motion)
}

/// A sensor of which nothing is known but what it measures and how often it is mistaken.
pub(super) fn blank(sense: Sense, odds: Odds) -> Sensor {
    Sensor {
        sense,
        at: [0.0; 3],
        axes: UPRIGHT,
        over: 0.0,
        pd: odds.pd,
        clutter: 1.0,
        range: [0.0, 1e7],
        sector: [0.0, PI],
        elevation: [-PI, PI],
        floor: f64::NEG_INFINITY,
        sound: None,
        sight: None,
    }
}
