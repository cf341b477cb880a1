//! [`Plot`]: an observation's measurement, checked at the door and made ready for comparing with what flies.
//!
//! Nothing that is not finite or not within its range gets past [`examine`], so that no input can make a state anything
//! but finite. Radar plots and directions stay what they are: their errors are not Gaussian in metres. Only a radar that
//! knows no elevation is taken for what it says, a place on the ground.

use crate::{
    settings::Settings,
    sky::{Measured, Sight, gauss::principal},
};
use skypicket_model::{Enu, Measurement, Observation, Place, Time, observation::LogNormalRange};
use std::f64::consts::{PI, TAU};

/// What a report of a kind is worth to a track.
pub use skypicket_model::lineage::ReportKind as Kind;

/// A measurement ready for use.
#[derive(Debug, Clone, PartialEq)]
pub enum Plot {
    /// A place.
    Point(Point),
    /// Range, azimuth and elevation from a place whose height is known.
    Echo {
        /// Where the radar stands.
        from: Place,
        /// What it measured: m and rad, with variances.
        m: Measured,
    },
    /// A direction.
    Ray(Ray),
    /// Something is there.
    Presence {
        /// Around where.
        from: Option<Place>,
        /// One sigma, metres.
        radius_m: Option<f64>,
    },
}

/// A Gaussian place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Where on Earth; its height only where that was measured.
    pub place: Place,
    /// Covariance in its own east, north and up, m², positive definite (only its first two rows and columns count while
    /// the height is unknown).
    pub cov: [[f64; 3]; 3],
}

/// A direction from an observer.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Ray {
    /// The observer.
    pub from: Place,
    /// One sigma of the observer's own place, metres.
    pub from_sigma_m: f64,
    /// From true north clockwise, radians, -π to π.
    pub azimuth: f64,
    /// Of azimuths that are as good as they say one sigma, radians.
    pub sigma: f64,
    /// The share of azimuths that is far out, and their sigma, radians.
    pub stray: [f64; 2],
    /// Above the horizon and its sigma, radians; only where the observer's height is known too.
    pub elevation: Option<(f64, f64)>,
    /// How far.
    pub range: Option<LogNormalRange>,
}

/// Why a measurement cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A place is not on Earth.
    #[error("place is not on Earth")]
    Place,
    /// A covariance is not finite, not symmetric, not positive definite, or over 1e10 m².
    #[error("covariance is not symmetric, positive and at most 1e10 m2")]
    Covariance,
    /// A range is not over 0 and at most 1,000 km, or its error is out of range.
    #[error("range or its sigma is out of range")]
    Range,
    /// An angle is not finite or out of range.
    #[error("angle or its sigma is out of range")]
    Angle,
    /// Error components are none, over eight, or their weights do not sum to 1.
    #[error("azimuth error components do not sum to 1")]
    Components,
    /// More than 16 identities, or an identity, address or transport that is empty or over 128 bytes.
    #[error("identity, address or transport is too long, empty or too many")]
    Identity,
    /// Older than the tracker still takes.
    #[error("observation is stale")]
    Stale,
    /// No sound state can come of it.
    #[error("no sound state comes of it")]
    Unsound,
}

impl Unusable {
    /// Its word in counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Covariance => "covariance",
            Self::Range => "range",
            Self::Angle => "angle",
            Self::Components => "components",
            Self::Identity => "identity",
            Self::Stale => "stale",
            Self::Unsound => "unsound",
        }
    }
}

/// Added to every positional variance, m²: no sensor is better than half a metre, and a covariance that is only
/// semi-definite becomes definite.
const FLOOR_M2: f64 = 0.25;
/// No angle is better than this, degrees: sharper is nobody's.
const FINEST_DEG: f64 = 0.05;

/// Checks an observation and makes its measurement ready. The time is `observed_at`, or `now` where that is later:
/// nothing can have been seen in the future.
pub fn examine(o: &Observation, now: Time, settings: &Settings) -> Result<(Plot, Time), Unusable> {
    let at = o.observed_at.min(now);
    if now.since_s(at) > settings.stale_s {
        return Err(Unusable::Stale);
    }
    let long = |text: &str| text.is_empty() || text.len() > 128;
    if o.claims.ids.len() > 16
        || o.claims.ids.iter().any(|c| long(&c.value))
        || [&o.signal.address, &o.signal.transport].into_iter().flatten().any(|t| long(t))
    {
        return Err(Unusable::Identity);
    }
    let plot = match &o.measurement {
        Measurement::Position { at, cov_enu_m2 } => Plot::Point(position(*at, cov_enu_m2)?),
        Measurement::RangeAzEl { from, range_m, azimuth_deg, elevation_deg, sigma } => {
            radar(*from, *range_m, *azimuth_deg, *elevation_deg, *sigma)?
        }
        Measurement::Bearing { from, from_sigma_m, azimuth_deg, azimuth_error, elevation_deg, range } => {
            Plot::Ray(ray(*from, *from_sigma_m, *azimuth_deg, azimuth_error, *elevation_deg, *range)?)
        }
        Measurement::Presence { from, radius_m } => {
            let from = from.map(Place::check).transpose().map_err(|_| Unusable::Place)?;
            if radius_m.is_some_and(|r| !within(r, 0.0, 1e6)) {
                return Err(Unusable::Range);
            }
            Plot::Presence { from, radius_m: *radius_m }
        }
    };
    Ok((plot, at))
}

/// Over `low` and at most `high`.
fn within(x: f64, low: f64, high: f64) -> bool {
    x.is_finite() && x > low && x <= high
}

/// An angle in degrees as radians, -π to π.
fn turned(deg: f64) -> f64 {
    let a = libm::fmod(deg.to_radians() + PI, TAU);
    if a < 0.0 { a + PI } else { a - PI }
}

fn position(at: Place, cov: &[[f64; 3]; 3]) -> Result<Point, Unusable> {
    let place = at.check().map_err(|_| Unusable::Place)?;
    let dims = if place.alt_hae_m.is_some() { 3 } else { 2 };
    if !cov.iter().flatten().all(|x| x.is_finite()) {
        return Err(Unusable::Covariance);
    }
    for (i, row) in cov.iter().enumerate().take(dims) {
        if !(0.0..=1e10).contains(&row[i]) {
            return Err(Unusable::Covariance);
        }
        for (j, other) in cov.iter().enumerate().take(dims) {
            if (row[j] - other[i]).abs() > 1e-6 * (row[i] + other[j]) {
                return Err(Unusable::Covariance);
            }
        }
    }
    // The unknown height's row gets a variance so that the whole stays definite; nothing reads it.
    let entry = |i: usize, j: usize| match (i < dims && j < dims, i == j) {
        (true, true) => cov[i][j] + FLOOR_M2,
        (true, false) => f64::midpoint(cov[i][j], cov[j][i]),
        (false, true) => 1.0,
        (false, false) => 0.0,
    };
    let cov: [[f64; 3]; 3] = std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)));
    let (_, var) = principal(&[cov[0][0], cov[0][1], cov[0][2], cov[1][1], cov[1][2], cov[2][2]]);
    if !var.iter().all(|v| *v >= 1e-6 && *v <= 2.1e10) {
        return Err(Unusable::Covariance);
    }
    Ok(Point { place, cov })
}

fn radar(
    from: Place,
    range_m: f64,
    azimuth_deg: f64,
    elevation_deg: Option<f64>,
    [sigma_range, sigma_az, sigma_el]: [f64; 3],
) -> Result<Plot, Unusable> {
    let from = from.check().map_err(|_| Unusable::Place)?;
    if !within(range_m, 0.0, 1e6) || !within(sigma_range, 0.0, 5e3) {
        return Err(Unusable::Range);
    }
    if !(azimuth_deg.is_finite() && azimuth_deg.abs() <= 720.0 && within(sigma_az, 0.0, 45.0)) {
        return Err(Unusable::Angle);
    }
    if elevation_deg.is_some_and(|e| !(e.is_finite() && e.abs() <= 90.0 && within(sigma_el, 0.0, 45.0))) {
        return Err(Unusable::Angle);
    }
    let az = turned(azimuth_deg);
    let s_az = sigma_az.max(FINEST_DEG).to_radians();
    let var_range = sigma_range * sigma_range + FLOOR_M2;
    if let (Some(el), Some(_)) = (elevation_deg, from.alt_hae_m) {
        let s_el = sigma_el.max(FINEST_DEG).to_radians();
        let m = Measured { z: [range_m, az, el.to_radians()], r: [var_range, s_az * s_az, s_el * s_el] };
        return Ok(Plot::Echo { from, m });
    }
    // Without an elevation the range is horizontal, and without a height of its own its elevations say nothing: a place on
    // the ground, without the bias of turning angles into metres (Longbin and others 1998).
    let flat = range_m * elevation_deg.map_or(1.0, |e| libm::cos(e.to_radians()));
    let (sa, ca) = (libm::sin(az), libm::cos(az));
    let shrink = libm::exp(-s_az * s_az / 2.0);
    let place = Enu::at(Place { alt_hae_m: None, ..from }).to_place([flat * sa / shrink, flat * ca / shrink, 0.0]);
    let place = Place::new(place.lat_deg, place.lon_deg, None).map_err(|_| Unusable::Place)?;
    let along = var_range + 0.5 * flat * flat * s_az * s_az * s_az * s_az;
    let across = flat * flat * s_az * s_az + FLOOR_M2;
    let cov = [
        [along * sa * sa + across * ca * ca, (along - across) * sa * ca, 0.0],
        [(along - across) * sa * ca, along * ca * ca + across * sa * sa, 0.0],
        [0.0, 0.0, 1.0],
    ];
    Ok(Plot::Point(Point { place, cov }))
}

fn ray(
    from: Place,
    from_sigma_m: f64,
    azimuth_deg: f64,
    azimuth_error: &[(f64, f64)],
    elevation_deg: Option<(f64, f64)>,
    range: Option<LogNormalRange>,
) -> Result<Ray, Unusable> {
    let from = from.check().map_err(|_| Unusable::Place)?;
    if !(0.0..=50_000.0).contains(&from_sigma_m) {
        return Err(Unusable::Range);
    }
    if !(azimuth_deg.is_finite() && azimuth_deg.abs() <= 720.0) {
        return Err(Unusable::Angle);
    }
    let total: f64 = azimuth_error.iter().map(|c| c.0).sum();
    let fine = |&(w, s): &(f64, f64)| within(w, 0.0, 1.05) && within(s, 0.0, 180.0);
    if azimuth_error.is_empty()
        || azimuth_error.len() > 8
        || !azimuth_error.iter().all(fine)
        || (total - 1.0).abs() > 0.05
    {
        return Err(Unusable::Components);
    }
    if elevation_deg.is_some_and(|(e, s)| !(e.is_finite() && e.abs() <= 90.0 && within(s, 0.0, 90.0))) {
        return Err(Unusable::Angle);
    }
    if range.is_some_and(|r| !(within(r.median_m, 0.0, 2e5) && within(r.sigma_ln, 0.0, 3.0))) {
        return Err(Unusable::Range);
    }
    // Two components: those that are nearly as good as the best, and the rest, each by its moments.
    let best = azimuth_error.iter().map(|c| c.1).fold(f64::INFINITY, f64::min);
    let of = |far: bool| {
        let all = azimuth_error.iter().filter(|c| (c.1 > 2.0 * best) == far);
        let (w, var) = all.fold((0.0, 0.0), |(w, var), c| (w + c.0, var + c.0 * c.1 * c.1));
        let sigma = if w > 0.0 { (var / w).sqrt() } else { best };
        (w / total, sigma.max(FINEST_DEG).to_radians())
    };
    let ((_, sigma), (share, far)) = (of(false), of(true));
    Ok(Ray {
        from,
        from_sigma_m,
        azimuth: turned(azimuth_deg),
        sigma,
        stray: [share, far],
        elevation: elevation_deg
            .filter(|_| from.alt_hae_m.is_some())
            .map(|(e, s)| (e.to_radians(), s.max(FINEST_DEG).to_radians())),
        range: range.map(|r| LogNormalRange { sigma_ln: r.sigma_ln.max(0.01), ..r }),
    })
}

impl Ray {
    /// Total variance of the azimuth, rad².
    pub fn azimuth_variance(&self) -> f64 {
        let [share, far] = self.stray;
        (1.0 - share) * self.sigma * self.sigma + share * far * far
    }

    /// How far from the observer it can mean, metres: four sigmas of its range, or `reach_m` without one.
    pub fn reach_m(&self, reach_m: f64) -> f64 {
        let far = self.range.map_or(reach_m, |r| r.median_m * libm::exp(4.0 * r.sigma_ln));
        far.min(reach_m.max(self.range.map_or(0.0, |r| 2.0 * r.median_m))) + 4.0 * self.from_sigma_m
    }

    /// How its azimuths err.
    pub fn sight(&self) -> Sight {
        // Where none is far out, how far does not matter: the same finder is the same however sure it is each time.
        let stray = if self.stray[0] > 0.0 { self.stray } else { [0.0, 1.0] };
        Sight { own: self.from_sigma_m, level: self.from.alt_hae_m.is_some(), stray }
    }

    /// The same ray with its direction as it is in `m`.
    #[must_use]
    pub fn as_measured(&self, m: &Measured) -> Self {
        let elevation = self.elevation.map(|_| (m.z[2], m.r[2].sqrt()));
        Self { azimuth: m.z[1], sigma: m.r[1].sqrt(), elevation, ..self.clone() }
    }

    /// What it measures.
    pub fn measured(&self) -> Measured {
        let (median, var_ln) = self.range.map_or((0.0, f64::INFINITY), |r| (r.median_m, r.sigma_ln * r.sigma_ln));
        let (el, var_el) = self.elevation.map_or((0.0, f64::INFINITY), |(e, s)| (e, s * s));
        Measured { z: [median, self.azimuth, el], r: [var_ln, self.sigma * self.sigma, var_el] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_wrap() {
        assert!((turned(630.0) + 0.5 * PI).abs() < 1e-12);
        assert!((turned(-6.0) + 6.0_f64.to_radians()).abs() < 1e-12);
        assert!((turned(-350.0) - 10.0_f64.to_radians()).abs() < 1e-12);
        assert!((turned(350.0) + 10.0_f64.to_radians()).abs() < 1e-12);
    }

    #[test]
    fn many_components_become_the_good_ones_and_the_rest() {
        let from = Place::new(47.0, 8.0, None).unwrap();
        let errors = [(0.5, 4.0), (0.3, 6.0), (0.1, 20.0), (0.1, 40.0)];
        let r = ray(from, 5.0, 90.0, &errors, None, None).unwrap();
        assert!((r.stray[0] - 0.2).abs() < 1e-12);
        assert!((r.sigma.to_degrees() - (0.5f64 * 16.0 + 0.3 * 36.0).sqrt() / 0.8f64.sqrt()).abs() < 1e-9);
        let all: f64 = errors.iter().map(|(w, s)| w * s.to_radians() * s.to_radians()).sum();
        assert!((r.azimuth_variance() - all).abs() < 1e-12);
    }

    #[test]
    fn a_radar_without_elevation_says_a_place_on_the_ground() {
        let from = Place::new(47.0, 8.0, Some(500.0)).unwrap();
        let Plot::Point(p) = radar(from, 3_000.0, 30.0, None, [20.0, 1.0, 1.0]).unwrap() else { panic!() };
        assert!(p.place.alt_hae_m.is_none());
        let (d, b) = from.distance_and_bearing(p.place);
        assert!((d - 3_000.0).abs() < 2.0 && (b - 30.0).abs() < 0.01, "{d} {b}");
        let across = 3_000.0 * 1.0_f64.to_radians();
        assert!(((p.cov[0][0] + p.cov[1][1]) / (400.0 + across * across) - 1.0).abs() < 0.01);
    }
}
