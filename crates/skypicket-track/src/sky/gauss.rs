//! [`Gauss`]: place and velocity with their covariance, kept in blocks.
//!
//! The covariance of six numbers is symmetric, so 21 entries say it all: 6 of place, 9 of place against velocity and 6
//! of velocity. Every measurement here sees the place alone, one number at a time; so joining one is a downdate of rank
//! one without a matrix to invert, and the blocks stay symmetric by construction.
#![allow(clippy::needless_range_loop)] // one index runs through several matrices at once

use super::charts::Move;
use serde::{Deserialize, Serialize};

/// Three numbers along east, north, up.
pub type V3 = [f64; 3];
/// A 3 × 3 matrix, rows first.
pub type M3 = [[f64; 3]; 3];
/// A symmetric 3 × 3 matrix: xx, xy, xz, yy, yz, zz.
pub type Sym3 = [f64; 6];

/// Where entry (i, j) of a [`Sym3`] stands.
pub const AT: [[usize; 3]; 3] = [[0, 1, 2], [1, 3, 4], [2, 4, 5]];

/// a · b.
pub fn dot(a: &V3, b: &V3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// a − b.
pub fn minus(a: &V3, b: &V3) -> V3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// m · v.
pub fn turn(m: &M3, v: &V3) -> V3 {
    [dot(&m[0], v), dot(&m[1], v), dot(&m[2], v)]
}

/// mᵀ · v.
pub fn turn_back(m: &M3, v: &V3) -> V3 {
    std::array::from_fn(|j| m[0][j] * v[0] + m[1][j] * v[1] + m[2][j] * v[2])
}

/// s · v.
pub fn times(s: &Sym3, v: &V3) -> V3 {
    [
        s[0] * v[0] + s[1] * v[1] + s[2] * v[2],
        s[1] * v[0] + s[3] * v[1] + s[4] * v[2],
        s[2] * v[0] + s[4] * v[1] + s[5] * v[2],
    ]
}

/// a · b.
fn product(a: &M3, b: &M3) -> M3 {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// a · bᵀ.
fn times_back(a: &M3, b: &M3) -> M3 {
    std::array::from_fn(|i| std::array::from_fn(|j| dot(&a[i], &b[j])))
}

/// t · s · tᵀ.
pub fn turned(t: &M3, s: &Sym3) -> Sym3 {
    let rows = t.map(|row| times(s, &row));
    let mut out = [0.0; 6];
    for i in 0..3 {
        for j in i..3 {
            out[AT[i][j]] = dot(&rows[i], &t[j]);
        }
    }
    out
}

/// Directions in which the numbers of a covariance are independent, one in each row, and the variance along each
/// (Jacobi's turns; eight rounds are enough for three numbers).
pub fn principal(s: &Sym3) -> (M3, V3) {
    let mut a: M3 = std::array::from_fn(|i| std::array::from_fn(|j| s[AT[i][j]]));
    let mut rows: M3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..8 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] * a[p][q] <= 1e-30 * (a[p][p] * a[q][q]).abs() {
                continue;
            }
            let angle = 0.5 * libm::atan2(2.0 * a[p][q], a[q][q] - a[p][p]);
            let (sin, cos) = (libm::sin(angle), libm::cos(angle));
            for k in 0..3 {
                let (x, y) = (a[k][p], a[k][q]);
                (a[k][p], a[k][q]) = (cos * x - sin * y, sin * x + cos * y);
            }
            for k in 0..3 {
                let (x, y) = (a[p][k], a[q][k]);
                (a[p][k], a[q][k]) = (cos * x - sin * y, sin * x + cos * y);
                let (x, y) = (rows[p][k], rows[q][k]);
                (rows[p][k], rows[q][k]) = (cos * x - sin * y, sin * x + cos * y);
            }
        }
    }
    (rows, [a[0][0], a[1][1], a[2][2]])
}

/// dᵀ · s⁻¹ · d; infinity where `s` has no inverse. Of the ground alone where `flat`.
pub fn distance2(d: &V3, s: &Sym3, flat: bool) -> f64 {
    let (axes, var) = if flat { principal(&[s[0], s[1], 0.0, s[3], 0.0, 1.0]) } else { principal(s) };
    let d = if flat { [d[0], d[1], 0.0] } else { *d };
    let mut sum = 0.0;
    for k in 0..3 {
        let along = dot(&axes[k], &d);
        sum += if var[k] > 0.0 { along * along / var[k] } else { f64::INFINITY };
    }
    sum
}

/// Place (m) and velocity (m/s) with covariance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gauss {
    /// Mean place, m.
    pub p: V3,
    /// Mean velocity, m/s.
    pub v: V3,
    /// Covariance of the place, m².
    pub pp: Sym3,
    /// `[i][j]`: covariance of place i and velocity j, m²/s.
    pub pv: M3,
    /// Covariance of the velocity, m²/s².
    pub vv: Sym3,
}

/// What one number said of a state: its squared distance in sigmas, and the variance that was expected of it.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// ν² / s.
    pub d2: f64,
    /// s.
    pub s: f64,
}

/// How far and how fast a velocity of 1 m/s has become.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fade {
    /// m.
    far: f64,
    /// m/s.
    kept: f64,
}

impl Fade {
    /// `dt` seconds later, where it dies away over the seconds that it `lasts`, forwards.
    pub(super) fn of(dt: f64, lasts: f64) -> Self {
        if dt > 0.0 && lasts < f64::INFINITY {
            let kept = libm::exp(-dt / lasts);
            Self { far: lasts * (1.0 - kept), kept }
        } else {
            Self { far: dt, kept: 1.0 }
        }
    }
}

/// Joins one number to a place and its covariance, as [`Gauss::join`] does.
pub(super) fn join_place(p: &mut V3, pp: &mut Sym3, h: &V3, nu: f64, r: f64) -> Said {
    let a = times(pp, h);
    let s = dot(h, &a) + r;
    let k = nu / s;
    let share = a.map(|a| a / s);
    for i in 0..3 {
        p[i] += a[i] * k;
        for j in i..3 {
            pp[AT[i][j]] -= a[i] * share[j];
        }
    }
    Said { d2: nu * k, s }
}

impl Gauss {
    /// At a place with such a covariance, flying nobody knows where: sigmas of the velocity over ground and up, m/s.
    pub fn standing(p: V3, pp: Sym3, over_ground: f64, up: f64) -> Self {
        let (h, u) = (over_ground * over_ground, up * up);
        Self { p, v: [0.0; 3], pp, pv: [[0.0; 3]; 3], vv: [h, 0.0, 0.0, h, 0.0, u] }
    }

    /// `dt` seconds later (or earlier), with white-noise acceleration of the densities `q` over ground and up, m²/s³
    /// (Bar-Shalom, Li and Kirubarajan 2001, 6.2.2). A velocity dies away over the seconds that it `lasts` over ground and
    /// up, forwards; where that is infinite it stays.
    #[must_use]
    pub fn predict(&self, dt: f64, q: [f64; 2], lasts: [f64; 2]) -> Self {
        self.later(dt, q, [Fade::of(dt, lasts[0]), Fade::of(dt, lasts[1])])
    }

    /// The same, where it is known how velocities fade.
    pub(super) fn later(&self, dt: f64, q: [f64; 2], [ground, climb]: [Fade; 2]) -> Self {
        let mut g = *self;
        let t = dt.abs();
        let (go, keep) = ([ground.far, ground.far, climb.far], [ground.kept, ground.kept, climb.kept]);
        for i in 0..3 {
            g.p[i] += go[i] * self.v[i];
            g.v[i] *= keep[i];
            for j in 0..3 {
                g.pv[i][j] = (self.pv[i][j] + go[i] * self.vv[AT[i][j]]) * keep[j];
            }
            for j in i..3 {
                g.pp[AT[i][j]] += go[j] * self.pv[i][j] + go[i] * self.pv[j][i] + go[i] * go[j] * self.vv[AT[i][j]];
                g.vv[AT[i][j]] *= keep[i] * keep[j];
            }
            let q = q[usize::from(i == 2)];
            g.pp[AT[i][i]] += q * t * t * t / 3.0;
            g.pv[i][i] += q * dt * t / 2.0;
            g.vv[AT[i][i]] += q * t;
        }
        g
    }

    /// Joins one number: `h` is how it changes with the place, `nu` what it was beyond what was expected, `r` its
    /// variance.
    pub fn join(&mut self, h: &V3, nu: f64, r: f64) -> Said {
        let a = times(&self.pp, h);
        let b = turn_back(&self.pv, h);
        let said = join_place(&mut self.p, &mut self.pp, h, nu, r);
        let k = nu / said.s;
        let share = b.map(|b| b / said.s);
        for i in 0..3 {
            self.v[i] += b[i] * k;
            for j in 0..3 {
                self.pv[i][j] -= a[i] * share[j];
            }
            for j in i..3 {
                self.vv[AT[i][j]] -= b[i] * share[j];
            }
        }
        said
    }

    /// Joins what is believed of the velocity, each axis by itself: afterwards it is no surer than `var`, and no less
    /// sure either; so saying it again changes nothing.
    pub fn believe_velocity(&mut self, said: &V3, var: &V3) {
        for axis in 0..3 {
            let a: V3 = std::array::from_fn(|i| self.pv[i][axis]);
            let b: V3 = std::array::from_fn(|i| self.vv[AT[i][axis]]);
            if b[axis] <= var[axis] * 1.0001 {
                continue;
            }
            let r = 1.0 / (1.0 / var[axis] - 1.0 / b[axis]);
            let s = b[axis] + r;
            let k = (said[axis] - self.v[axis]) / s;
            for i in 0..3 {
                self.p[i] += a[i] * k;
                self.v[i] += b[i] * k;
                for j in 0..3 {
                    self.pv[i][j] -= a[i] * b[j] / s;
                }
                for j in i..3 {
                    self.pp[AT[i][j]] -= a[i] * a[j] / s;
                    self.vv[AT[i][j]] -= b[i] * b[j] / s;
                }
            }
        }
    }

    /// The Gaussian with the moments of a mixture. Weights sum to 1.
    #[must_use]
    pub fn mixed(parts: &[(f64, Gauss)]) -> Self {
        let mut m = Self { p: [0.0; 3], v: [0.0; 3], pp: [0.0; 6], pv: [[0.0; 3]; 3], vv: [0.0; 6] };
        for (w, g) in parts {
            for i in 0..3 {
                m.p[i] += w * g.p[i];
                m.v[i] += w * g.v[i];
            }
        }
        for (w, g) in parts {
            let (dp, dv) = (minus(&g.p, &m.p), minus(&g.v, &m.v));
            for i in 0..3 {
                for j in 0..3 {
                    m.pv[i][j] += w * (g.pv[i][j] + dp[i] * dv[j]);
                }
                for j in i..3 {
                    let k = AT[i][j];
                    m.pp[k] += w * (g.pp[k] + dp[i] * dp[j]);
                    m.vv[k] += w * (g.vv[k] + dv[i] * dv[j]);
                }
            }
        }
        m
    }

    /// The same in another chart.
    #[must_use]
    pub fn moved(&self, to: &Move) -> Self {
        let t = &to.turn;
        Self {
            p: to.place(&self.p),
            v: turn(t, &self.v),
            pp: turned(t, &self.pp),
            pv: times_back(&product(t, &self.pv), t),
            vv: turned(t, &self.vv),
        }
    }

    /// Less sure by what is not known besides: the covariance of that is added.
    pub(super) fn widen(&mut self, by: &Self) {
        for i in 0..6 {
            self.pp[i] += by.pp[i];
            self.vv[i] += by.vv[i];
        }
        for i in 0..3 {
            for j in 0..3 {
                self.pv[i][j] += by.pv[i][j];
            }
        }
    }

    /// Larger than any one sigma of the place, m.
    pub fn spread(&self) -> f64 {
        (self.pp[0] + self.pp[3] + self.pp[5]).max(0.0).sqrt()
    }

    /// All numbers are finite and of this Earth, and the covariance is positive definite.
    pub fn is_sound(&self) -> bool {
        let all = |numbers: &[f64]| numbers.iter().all(|x| x.abs() < 1e12);
        let small =
            all(&self.p) && all(&self.v) && all(&self.pp) && self.pv.iter().all(|row| all(row)) && all(&self.vv);
        small && self.is_positive()
    }

    /// Whether the covariance is a lower triangle with ones, times a diagonal of positive numbers, times that triangle again.
    fn is_positive(&self) -> bool {
        let (mut l, mut d, mut inverse) = ([[0.0; 6]; 6], [0.0; 6], [0.0; 6]);
        for i in 0..6 {
            for j in 0..=i {
                let entry = match (i < 3, j < 3) {
                    (true, _) => self.pp[AT[i][j]],
                    (false, true) => self.pv[j][i - 3],
                    (false, false) => self.vv[AT[i - 3][j - 3]],
                };
                let mut rest = entry;
                for k in 0..j {
                    rest -= l[i][k] * d[k] * l[j][k];
                }
                if i == j {
                    if rest.is_nan() || rest <= 0.0 {
                        return false;
                    }
                    (d[i], inverse[i]) = (rest, 1.0 / rest);
                } else {
                    l[i][j] = rest * inverse[j];
                }
            }
        }
        true
    }
}
