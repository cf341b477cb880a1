//! [`Sensor`]: where it stands, what it can see, and how a place looks to it.
#![allow(clippy::needless_range_loop)] // one index runs through several matrices at once

use super::gauss::{AT, Gauss, M3, Sym3, V3, dot, minus, turn, turn_back};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// What a sensor measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sense {
    /// Range, azimuth and elevation, in scans: what it does not see says something too.
    Radar,
    /// Azimuth, in scans.
    Bearing,
    /// A place that the thing itself gives.
    Claim,
    /// Range and azimuth guessed by a person.
    Person,
    /// A place along the sensor's own axes. Its third number may be missing: then its variance is infinite.
    Fix,
    /// Azimuth, and the elevation and the median of a log-normal range where these are known; what is missing has an
    /// infinite variance. How good the azimuth is says [`Sensor::sight`].
    Sight,
}

/// How somebody looks at something from a place that is itself not quite known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// One sigma of the own place, m.
    pub own: f64,
    /// The own height is known, so that elevations and slant ranges mean something.
    pub level: bool,
    /// Of azimuths the share that is far out, and its sigma, rad.
    pub stray: [f64; 2],
}

/// A sensor. Angles in radians; azimuth from true north clockwise and elevation above the sensor's own horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// What it measures.
    pub sense: Sense,
    /// Where it stands in the scene, m.
    pub at: V3,
    /// Rows: its own east, north and up in the scene's axes.
    pub axes: M3,
    /// Its own height over the scene's origin, m: over the ground that curves away, not over the scene's plane. Nought where
    /// there is no such height.
    #[serde(default)]
    pub over: f64,
    /// Chance to see what it could see.
    pub pd: f64,
    /// Mean false plots a scan per unit of what it measures (m rad rad, or rad).
    pub clutter: f64,
    /// Nearest and farthest that it sees, m.
    pub range: [f64; 2],
    /// Middle and half width of its sector, rad.
    pub sector: [f64; 2],
    /// Lowest and highest elevation, rad.
    pub elevation: [f64; 2],
    /// Below this height above the scene's origin it sees nothing, m; minus infinity where there is no such height.
    pub floor: f64,
    /// Speed of sound where it listens, m/s.
    pub sound: Option<f64>,
    /// How its azimuths err, of [`Sense::Sight`].
    pub sight: Option<Sight>,
}

/// What was measured, with variances.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Range, azimuth, elevation; or east, north, up; or azimuth alone in the middle.
    pub z: V3,
    /// Variance of each.
    pub r: V3,
}

/// Farthest place or range that anything measures, m.
const FARTHEST_M: f64 = 1e8;
/// Between these a variance of metres says something, m²: a millimetre, and 5 km.
const METRES: [f64; 2] = [1e-6, 2.5e7];
/// A place less sure than this is none, m²: 100 km.
const VAGUE_M2: f64 = 2.1e10;
/// Between these a variance of the logarithm of a range says something.
const LOG_RANGE: [f64; 2] = [1e-6, 10.0];
/// Between these a variance of an angle says something, rad²: two seconds of arc, and nearly all around.
const ANGLE: [f64; 2] = [1e-10, 10.0];

impl Measured {
    /// Whether such a sensor can have measured this: all that it gives is finite, and its variances say something.
    pub fn is_fit(&self, sense: Sense) -> bool {
        let metres = |k: usize| self.z[k].abs() <= FARTHEST_M && (METRES[0]..=METRES[1]).contains(&self.r[k]);
        let angle = |k: usize| self.z[k].abs() <= 2.0 * PI && (ANGLE[0]..=ANGLE[1]).contains(&self.r[k]);
        match sense {
            Sense::Radar => self.z[0] >= 0.0 && metres(0) && angle(1) && angle(2) && self.z[2].abs() <= PI / 2.0,
            Sense::Bearing => angle(1),
            Sense::Claim => (0..3).all(metres),
            Sense::Person => self.z[0] >= 0.0 && metres(0) && angle(1),
            Sense::Fix => {
                let place = |k: usize| self.z[k].abs() <= FARTHEST_M && (METRES[0]..=VAGUE_M2).contains(&self.r[k]);
                place(0) && place(1) && (self.r[2] == f64::INFINITY || place(2))
            }
            Sense::Sight => {
                let shares = (LOG_RANGE[0]..=LOG_RANGE[1]).contains(&self.r[0]) && self.z[0] > 0.0;
                angle(1)
                    && (self.r[0] == f64::INFINITY || (shares && self.z[0] <= FARTHEST_M))
                    && (self.r[2] == f64::INFINITY || (angle(2) && self.z[2].abs() <= PI / 2.0))
            }
        }
    }
}

/// An angle between −π and π.
pub fn wrap(a: f64) -> f64 {
    let turns = libm::floor((a + PI) / (2.0 * PI));
    a - turns * 2.0 * PI
}

/// Mean radius of the Earth, m.
pub(super) const EARTH_M: f64 = 6_371_009.0;

/// One number that a measurement holds: how it changes with the place, how far it was from what was expected, its
/// variance.
#[derive(Debug, Clone, Copy, Default)]
pub struct Component {
    /// Gradient, per metre.
    pub h: V3,
    /// Measured minus expected.
    pub nu: f64,
    /// Variance.
    pub r: f64,
}

impl Sensor {
    /// The name of a field that makes no sense, if there is one.
    pub fn check(&self) -> Result<(), &'static str> {
        let within = |name, x: f64, least: f64, most: f64| if x >= least && x <= most { Ok(()) } else { Err(name) };
        self.at.iter().try_for_each(|x| within("at", *x, -FARTHEST_M, FARTHEST_M))?;
        for (i, row) in self.axes.iter().enumerate() {
            for (j, other) in self.axes.iter().enumerate() {
                let is = f64::from(u8::from(i == j));
                within("axes", dot(row, other), is - 1e-6, is + 1e-6)?;
            }
        }
        within("pd", self.pd, 0.0, 1.0)?;
        // Without any clutter a plot of no track would be something for certain.
        within("clutter", self.clutter, 1e-12, 1e12)?;
        within("range", self.range[0], 0.0, self.range[1])?;
        within("range", self.range[1], 0.0, FARTHEST_M)?;
        within("sector", self.sector[0], -2.0 * PI, 2.0 * PI)?;
        within("sector", self.sector[1], 0.0, 2.0 * PI)?;
        within("elevation", self.elevation[0], -PI, self.elevation[1])?;
        within("elevation", self.elevation[1], -PI, PI)?;
        if self.floor.is_nan() || self.floor == f64::INFINITY {
            return Err("floor");
        }
        let sight = self.sight.unwrap_or(Sight { own: 0.0, level: true, stray: [0.0, 1.0] });
        within("sight", sight.own, 0.0, FARTHEST_M)?;
        within("sight", sight.stray[0], 0.0, 1.0)?;
        within("sight", sight.stray[1], 1e-6, 2.0 * PI)?;
        within("over", self.over, -FARTHEST_M, FARTHEST_M)?;
        within("sound", self.sound.unwrap_or(340.0), 1.0, 1e5)
    }

    /// Height of a place over the scene's origin, m: what it is above the sensor's own horizon, and what the Earth curves away
    /// from that. However far from the origin the sensor stands, that is right near it: to a metre and a half 60 km away, and a
    /// centimetre or two at 7 km, since the Earth's radius differs by half of a hundredth from its mean.
    pub fn height(&self, p: &V3) -> f64 {
        self.own_height(&turn(&self.axes, &minus(p, &self.at)))
    }

    /// The same of a place in its own axes.
    fn own_height(&self, q: &V3) -> f64 {
        self.over + q[2] + (q[0] * q[0] + q[1] * q[1]) / (2.0 * EARTH_M)
    }

    /// By how much that grows with the place, a metre.
    pub(super) fn climb(&self, p: &V3) -> V3 {
        let q = turn(&self.axes, &minus(p, &self.at));
        turn_back(&self.axes, &[q[0] / EARTH_M, q[1] / EARTH_M, 1.0])
    }

    /// The place at these coordinates in the scene's plane that is as high as this over the scene's origin.
    pub(super) fn at_height(&self, x: f64, y: f64, height: f64) -> V3 {
        let mut p = [x, y, self.at[2]];
        // The ground near a sensor is very nearly flat, however much the scene's plane leans there.
        for _ in 0..2 {
            p[2] += (height - self.height(&p)) / self.climb(&p)[2];
        }
        p
    }

    /// The place as the sensor sees it: range, azimuth, elevation.
    pub fn sees(&self, p: &V3) -> V3 {
        let q = turn(&self.axes, &minus(p, &self.at));
        let flat2 = q[0] * q[0] + q[1] * q[1];
        let r = (flat2 + q[2] * q[2]).sqrt();
        [r, libm::atan2(q[0], q[1]), libm::asin((q[2] / r.max(1e-9)).clamp(-1.0, 1.0))]
    }

    /// Chance that it sees something that is about at this place: its `pd` inside, nothing outside, and in between by
    /// how much of the spread is inside.
    pub fn chance(&self, g: &Gauss) -> f64 {
        self.chance_at(&g.p, &g.pp)
    }

    /// The same of a place with its covariance.
    pub(super) fn chance_at(&self, p: &V3, pp: &Sym3) -> f64 {
        let q = turn(&self.axes, &minus(p, &self.at));
        let r = dot(&q, &q).sqrt();
        let spread = ((pp[0] + pp[3] + pp[5]).max(0.0).sqrt() / 1.7).max(1.0);
        let mut inside = (r - self.range[0]).min(self.range[1] - r);
        if self.sector[1] < PI - 1e-6 {
            let off = wrap(libm::atan2(q[0], q[1]) - self.sector[0]).abs();
            inside = inside.min((self.sector[1] - off) * r);
        }
        // What looks straight up, too, has no edge there.
        if self.elevation[0] > -PI / 2.0 || self.elevation[1] < PI / 2.0 {
            let el = libm::asin((q[2] / r.max(1e-9)).clamp(-1.0, 1.0));
            inside = inside.min((el - self.elevation[0]) * r).min((self.elevation[1] - el) * r);
        }
        let mut share = soft(inside / spread);
        if self.floor > f64::NEG_INFINITY {
            let up = pp[5].max(1.0).sqrt();
            share = share.min(soft((self.own_height(&q) - self.floor) / up));
        }
        self.pd * share
    }

    /// What a measurement holds against a state, as components; gives how many.
    pub fn components(&self, m: &Measured, g: &Gauss, out: &mut [Component; 3]) -> usize {
        match self.sense {
            Sense::Claim => {
                for (k, c) in out.iter_mut().enumerate() {
                    c.h = [0.0; 3];
                    c.h[k] = 1.0;
                    c.nu = m.z[k] - g.p[k];
                    c.r = m.r[k];
                }
                3
            }
            Sense::Fix => {
                let q = turn(&self.axes, &minus(&g.p, &self.at));
                let known = m.r[2].is_finite();
                for (k, c) in out.iter_mut().enumerate() {
                    *c = Component { h: self.axes[k], nu: m.z[k] - q[k], r: m.r[k] };
                    if !known && k < 2 {
                        // Of what is at another height the same latitude and longitude lie farther out.
                        let out = m.z[k] / EARTH_M;
                        c.h = std::array::from_fn(|i| c.h[i] - out * self.axes[2][i]);
                        c.nu -= out * (m.z[2] - q[2]);
                    }
                }
                if known { 3 } else { 2 }
            }
            // It is joined in a way of its own.
            Sense::Sight => 0,
            Sense::Radar => {
                let q = turn(&self.axes, &minus(&g.p, &self.at));
                let flat2 = (q[0] * q[0] + q[1] * q[1]).max(1.0);
                let flat = flat2.sqrt();
                let r2 = flat2 + q[2] * q[2];
                let r = r2.sqrt();
                let az = libm::atan2(q[0], q[1]);
                let el = libm::atan2(q[2], flat);
                out[0] =
                    Component { h: turn_back(&self.axes, &[q[0] / r, q[1] / r, q[2] / r]), nu: m.z[0] - r, r: m.r[0] };
                out[1] = Component {
                    h: turn_back(&self.axes, &[q[1] / flat2, -q[0] / flat2, 0.0]),
                    nu: wrap(m.z[1] - az),
                    r: m.r[1],
                };
                out[2] = Component {
                    h: turn_back(&self.axes, &[-q[0] * q[2] / (r2 * flat), -q[1] * q[2] / (r2 * flat), flat / r2]),
                    nu: m.z[2] - el,
                    r: m.r[2],
                };
                3
            }
            Sense::Bearing | Sense::Person => {
                let q = turn(&self.axes, &minus(&g.p, &self.at));
                let flat2 = (q[0] * q[0] + q[1] * q[1]).max(1.0);
                let az = libm::atan2(q[0], q[1]);
                out[0] = Component {
                    h: turn_back(&self.axes, &[q[1] / flat2, -q[0] / flat2, 0.0]),
                    nu: wrap(m.z[1] - az),
                    r: m.r[1],
                };
                if self.sense == Sense::Bearing {
                    return 1;
                }
                let r = (flat2 + q[2] * q[2]).sqrt();
                out[1] =
                    Component { h: turn_back(&self.axes, &[q[0] / r, q[1] / r, q[2] / r]), nu: m.z[0] - r, r: m.r[0] };
                2
            }
        }
    }

    /// Where something is whose height this measures by itself; none where it does not.
    pub(super) fn measures_height(&self, m: &Measured) -> Option<V3> {
        match self.sense {
            Sense::Claim => Some(m.z),
            Sense::Fix if m.r[2].is_finite() => {
                let p = turn_back(&self.axes, &m.z);
                Some(std::array::from_fn(|k| p[k] + self.at[k]))
            }
            Sense::Radar => Some(self.place_of(m).0),
            Sense::Fix | Sense::Bearing | Sense::Person | Sense::Sight => None,
        }
    }

    /// A radar plot as a place with covariance, m and m², without the bias of turning angles into metres (Longbin and
    /// others 1998).
    pub fn place_of(&self, m: &Measured) -> (V3, Sym3) {
        let [r, az, el] = [m.z[0], m.z[1], m.z[2]];
        let (sa, ca, se, ce) = (libm::sin(az), libm::cos(az), libm::sin(el), libm::cos(el));
        let longer = |var: f64| libm::exp(var / 2.0);
        let (la, le) = (longer(m.r[1]), longer(m.r[2]));
        let own = [r * ce * sa * la * le, r * ce * ca * la * le, r * se * le];
        let columns: M3 =
            [[ce * sa, r * ce * ca, -r * se * sa], [ce * ca, -r * ce * sa, -r * se * ca], [se, 0.0, r * ce]];
        // In the scene's axes, column by column.
        let mut cov = [0.0; 6];
        for k in 0..3 {
            let column = turn_back(&self.axes, &[columns[0][k], columns[1][k], columns[2][k]]);
            for i in 0..3 {
                for j in i..3 {
                    cov[AT[i][j]] += m.r[k] * column[i] * column[j];
                }
            }
        }
        let p = turn_back(&self.axes, &own);
        (std::array::from_fn(|i| p[i] + self.at[i]), cov)
    }
}

/// The normal distribution, nearly.
fn soft(x: f64) -> f64 {
    if x > 22.0 {
        // It is, to the last bit.
        return 1.0;
    }
    1.0 / (1.0 + libm::exp(-1.702 * x.clamp(-30.0, 30.0)))
}
