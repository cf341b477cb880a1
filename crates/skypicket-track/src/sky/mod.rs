//! [`Sky`]: what may be in the air of a scene, from scans, claims and bearings.
//!
//! Every thing is a Bernoulli component: a state under several models of flight, and the chance that it is there at
//! all (track-oriented Poisson multi-Bernoulli, Williams 2015). A scan is joined as a whole: who is who is solved over
//! clusters of tracks and plots that could belong together. What nobody has noticed yet has a density, so a plot that is
//! of no track starts one with a chance that is small where false plots are many and things are few.
//!
//! Late reports are joined at their own time: each track keeps its last steps, and is worked on again from there.
//!
//! One thread works on a sky, by design: what comes is joined one after the other, each to what the one before has left. So
//! the same input gives the same bytes, however many threads work on other skies beside it, and a sky that is kept and read
//! back goes on to the last bit. What does not depend on order: the plots of one scan, of any sensor, which are given one of
//! their own; and arrivals that no thing has in common, but for the numbers that new tracks get. What does: of two sensors
//! that saw the same thing at the same moment the first to come is joined first, and whose the second's plots are is judged
//! by what that left. Both are in the record in the order in which they came.

pub mod assign;
mod bodies;
mod body;
pub mod charts;
mod claims;
mod clutter;
mod crossing;
mod decided;
mod flock;
pub mod gauss;
mod guesses;
mod keep;
pub mod lone;
pub mod motion;
mod numbers;
mod past;
mod registration;
mod report;
mod scan;
pub mod sensor;
mod sensors;
pub mod settings;
mod sight;
mod sighting;
#[cfg(test)]
mod suite;

use bodies::Bodies;
use clutter::Clutter;
use crossing::Loose;
use gauss::V3;
use gauss::{Said, dot, minus};
use motion::{MODELS, Motion};
use past::Means;
pub use registration::Registration;
pub use report::{Belief, Report};
use scan::Scratch;
use sensor::Component;
pub use sensor::{Measured, Sense, Sensor, Sight};
pub use sensors::MOST_SENSORS;
use sensors::Sensors;
pub use settings::{Settings, SkySettingsProblem};
use std::sync::Arc;

/// A name that something claims: an index into whoever keeps the names.
pub type Name = u32;

/// One plot of a scan.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// What was measured.
    pub m: Measured,
    /// What it claims to be.
    pub name: Option<Name>,
}

/// The air of a scene.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(try_from = "keep::Kept")]
pub struct Sky {
    settings: Settings,
    sensors: Sensors,
    bodies: Bodies,
    guesses: guesses::Guesses,
    next: u64,
    now: f64,
    /// When all were last looked through for what is over, s.
    swept: f64,
    /// How many rested on their own word alone then, and what began so since.
    alone: usize,
    /// Of each sensor, bearings that no track explains.
    loose: Vec<Vec<Loose>>,
    /// Of each sensor, the others that find directions of what it could find too.
    finders: Arc<[Box<[usize]>]>,
    /// Of each sensor, how far it is off.
    registrations: Vec<Registration>,
    /// Of each sensor, what it showed that was nothing.
    clutter: Vec<Clutter>,
    scratch: Scratch,
    refused: Refused,
    /// Things may fly anywhere on Earth, and sensors come and go.
    world: bool,
}

/// What was left out, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refused {
    /// Scans of no sensor that is known, or at no time that can be.
    pub unknown: u64,
    /// Scans that came too late, and plots of tracks whose steps of then are kept no longer.
    pub late: u64,
    /// Plots with numbers that nothing can measure.
    pub unfit: u64,
    /// Plots that were too many: in their scan, or for a track to begin with them, or a bearing to meet others.
    pub many: u64,
}

impl Refused {
    /// All of these.
    pub fn all(&self) -> u64 {
        self.unknown + self.late + self.unfit + self.many
    }
}

/// Why no [`Sky`] can be made.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// A setting.
    #[error(transparent)]
    Settings(#[from] SkySettingsProblem),
    /// A sensor.
    #[error("sensor {number}: {field} makes no sense")]
    Sensor {
        /// Its index.
        number: usize,
        /// The field that is wrong.
        field: &'static str,
    },
    /// What was kept.
    #[error("what was kept of the tracks is damaged: start without it, from the record")]
    Kept,
}

/// Times reach this far from nought, s: Unix seconds fit.
const LONGEST_S: f64 = 1e10;
/// Most plots of a scan; what comes beyond is left out and counted.
pub const MOST_PLOTS: usize = 10_000;
/// ln 2π.
const LN_2PI: f64 = 1.8378770664093453;

/// Joins a measurement to a motion. Gives the natural logarithm of its likelihood and the least squared distance over
/// the models.
fn join(motion: &mut Motion, sensor: &Sensor, off: &Registration, m: &Measured) -> (f64, f64) {
    if sensor.sense == Sense::Sight {
        return sight::join(motion, sensor, &off.without_motion(m));
    }
    if motion.flat
        && let Some(place) = sensor.measures_height(m)
    {
        motion.learn_height(place[2]);
    }
    let flat = motion.flat;
    let mut parts = [Component::default(); 3];
    let mut ln = [0.0; MODELS];
    let mut least = f64::INFINITY;
    for (state, ln) in motion.states.iter_mut().zip(&mut ln) {
        let n = sensor.components(m, state, &mut parts);
        off.put_right(sensor.sense, &mut parts[..n], &state.v);
        let start = state.p;
        let mut told = Told::default();
        for c in &mut parts[..n] {
            if flat {
                c.h[2] = 0.0;
            }
            let moved = dot(&c.h, &minus(&state.p, &start));
            told.also(state.join(&c.h, c.nu - moved, c.r));
        }
        *ln = told.ln(n);
        least = least.min(told.d2);
    }
    (motion.weigh(&ln), least)
}

/// What [`join`] says of a measurement to whoever does not ask what the motion is afterwards: the same to the last bit. A
/// measurement sees the place alone, so nothing else of a state has to be worked on.
/// Where it is farther off than `gate`, squared and in sigmas, only that is said.
fn compare(motion: &Motion, sensor: &Sensor, off: &Registration, m: &Measured, gate: f64) -> (f64, f64) {
    if motion.flat || sensor.sense == Sense::Sight {
        return join(&mut motion.clone(), sensor, off, m);
    }
    let mut parts = [Component::default(); 3];
    let mut n = 0;
    let mut both = [Told::default(), Told::default()];
    for (state, told) in motion.states.iter().zip(&mut both) {
        n = sensor.components(m, state, &mut parts);
        off.put_right(sensor.sense, &mut parts[..n], &state.v);
        let (mut p, mut pp) = (state.p, state.pp);
        for c in &parts[..n] {
            let moved = dot(&c.h, &minus(&p, &state.p));
            told.also(gauss::join_place(&mut p, &mut pp, &c.h, c.nu - moved, c.r));
        }
    }
    let least = both[0].d2.min(both[1].d2);
    // Logarithms cost the most of all this, and most are of no use.
    if least > gate {
        return (f64::NEG_INFINITY, least);
    }
    (motion.weighed(&both.map(|told| told.ln(n))).1, least)
}

/// What the numbers of a measurement said of a state, one after another.
struct Told {
    /// Squared distance, in sigmas.
    d2: f64,
    /// Product of the variances that were expected.
    s: f64,
}

impl Default for Told {
    fn default() -> Self {
        Self { d2: 0.0, s: 1.0 }
    }
}

impl Told {
    fn also(&mut self, said: Said) {
        self.d2 += said.d2;
        self.s *= said.s;
    }

    /// Natural logarithm of the likelihood, of `n` numbers.
    fn ln(&self, n: usize) -> f64 {
        -0.5 * (self.d2 + libm::log(self.s) + n as f64 * LN_2PI)
    }
}

impl Sky {
    /// Nothing known yet. Settings and sensors that make no sense are refused.
    pub fn new(settings: Settings, sensors: Vec<Sensor>) -> Result<Self, Unfit> {
        settings.check()?;
        for (number, sensor) in sensors.iter().enumerate() {
            sensor.check().map_err(|field| Unfit::Sensor { number, field })?;
        }
        let n = sensors.len();
        Ok(Self {
            settings,
            finders: crossing::finders(&sensors),
            sensors: Sensors::of(sensors),
            loose: vec![Vec::new(); n],
            registrations: vec![Registration::default(); n],
            clutter: vec![Clutter::default(); n],
            world: false,
            ..Self::of_defaults()
        })
    }

    /// Nothing known yet, of things that may fly anywhere on Earth and sensors that come and go: what they are is said with
    /// each report ([`lone`]).
    pub fn world(settings: Settings) -> Result<Self, Unfit> {
        settings.check()?;
        Ok(Self { settings, ..Self::of_defaults() })
    }

    /// The same with what is assumed where nothing else is said.
    pub fn of_defaults() -> Self {
        let settings = Settings::default();
        Self {
            settings,
            finders: crossing::finders(&[]),
            sensors: Sensors::default(),
            bodies: Bodies::default(),
            guesses: guesses::Guesses::default(),
            next: 1,
            now: f64::NEG_INFINITY,
            swept: f64::NEG_INFINITY,
            alone: 0,
            loose: Vec::new(),
            registrations: Vec::new(),
            clutter: Vec::new(),
            scratch: Scratch::default(),
            refused: Refused::default(),
            world: true,
        }
    }

    /// Other assumptions from here on; what is followed stays.
    pub fn set_settings(&mut self, settings: Settings) -> Result<(), Unfit> {
        settings.check()?;
        self.settings = settings;
        Ok(())
    }

    /// What steps are worked through with again.
    fn means(&self) -> Means<'_> {
        Means::of(&self.sensors, &self.registrations, &self.settings)
    }

    /// Density of unnoticed things at a place near a sensor, per m³. Where the ground is not known they are spread evenly.
    fn unnoticed_at(&self, from: &Sensor, p: &V3) -> f64 {
        if self.world {
            self.settings.unnoticed / self.settings.high
        } else {
            self.settings.unnoticed_at(from.height(p))
        }
    }

    /// How far off a sensor is, as far as that was learned.
    pub fn registration(&self, sensor: usize) -> Option<&Registration> {
        self.registrations.get(sensor)
    }

    /// Nothing is followed, not even tentatively.
    pub fn is_empty(&self) -> bool {
        self.bodies.len() == 0
    }

    /// Scans and plots refused so far, and why.
    pub fn refused(&self) -> Refused {
        self.refused
    }

    /// The names that tracks gave, as often as they are held. All others mean nothing any more.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.bodies.names()
    }

    /// Takes a whole scan of a sensor that was made at `t`, also when it comes late and when it is empty. Reports of
    /// the tracks that it changed are added to `out`. Whoever calls must not pass times that are yet to come: what comes
    /// later than [`Settings::rewind`] after the newest is refused, since nobody knows any more how things stood then.
    ///
    /// What is not fit to be worked on is left out and counted ([`Self::refused`]): a number that is not finite would
    /// spread over everything that it touches. So is what comes beyond [`MOST_PLOTS`].
    pub fn scan(&mut self, sensor: usize, t: f64, plots: &[Plot], out: &mut Vec<Report>) {
        let Some(sense) = self.sensors.get(sensor).map(|s| s.sense).filter(|s| self.scans(*s, t)) else {
            self.refused.unknown += 1;
            return;
        };
        // People need longer to say what they saw; this has its own bound.
        let latest = if sense == Sense::Person { sighting::LATEST_S } else { self.settings.rewind };
        if self.now - t > latest {
            self.refused.late += 1;
            return;
        }
        let (plots, beyond) = plots.split_at(plots.len().min(MOST_PLOTS));
        self.refused.many += beyond.len() as u64;
        self.now = self.now.max(t);
        if self.now - self.swept >= 1.0 {
            self.sweep(out);
        }
        let fit = plots.iter().filter(|p| p.m.is_fit(sense)).count();
        self.refused.unfit += (plots.len() - fit) as u64;
        if fit == plots.len() {
            return self.take(sensor, t, plots, out);
        }
        let mut rest = std::mem::take(&mut self.scratch.fit);
        rest.clear();
        rest.extend(plots.iter().filter(|p| p.m.is_fit(sense)));
        self.take(sensor, t, &rest, out);
        self.scratch.fit = rest;
    }

    /// Scans of such sensors can be taken. Whoever comes and goes has no scans of claims or looks, and where bearings of
    /// several meet on ground whose height nobody knows is not worked out.
    fn scans(&self, sense: Sense, t: f64) -> bool {
        let whole = match sense {
            Sense::Radar => true,
            Sense::Bearing | Sense::Claim | Sense::Person => !self.world,
            Sense::Fix | Sense::Sight => false,
        };
        whole && t.abs() <= LONGEST_S
    }

    fn take(&mut self, sensor: usize, t: f64, plots: &[Plot], out: &mut Vec<Report>) {
        // What was seen or said at one moment has no order. It gets one of its own, so that it does not matter, not even by
        // a rounding, in which it came.
        let mut plots_in_order = std::mem::take(&mut self.scratch.in_order);
        plots_in_order.clear();
        plots_in_order.extend_from_slice(plots);
        plots_in_order.sort_unstable_by_key(|p| (p.name, p.m.z.map(f64::to_bits), p.m.r.map(f64::to_bits)));
        let plots = &plots_in_order[..];
        match self.sensors[sensor].sense {
            Sense::Radar | Sense::Bearing => self.whole(sensor, t, plots, out),
            Sense::Claim => {
                for plot in plots {
                    self.hear(sensor, t, plot, out);
                }
            }
            Sense::Person => {
                for plot in plots {
                    self.sighted(sensor, t, plot, out);
                }
            }
            // These come by themselves.
            Sense::Fix | Sense::Sight => {}
        }
        self.scratch.in_order = plots_in_order;
    }

    /// A second passed: every track that was not shown for as long, as it is by now.
    pub fn tick(&mut self, now: f64, out: &mut Vec<Report>) {
        if now.is_nan() || now.abs() > LONGEST_S {
            self.refused.unknown += 1;
            return;
        }
        self.now = self.now.max(now);
        self.forget(out);
        self.show_all(out);
    }
}
