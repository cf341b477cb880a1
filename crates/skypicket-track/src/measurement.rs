//! [`Plot`]: an observation's measurement, checked at the door and made ready for comparing with states.
//!
//! Nothing that is not finite or not within its range gets past [`examine`], so that no input can make a state anything
//! but finite. Radar plots are converted to Cartesian ones without bias (multiplicative correction, Longbin and others
//! 1998); directions stay directions, since their error is not Gaussian in metres.

use crate::{
    matrix::{Cholesky, Matrix, build, congruence, is_finite},
    settings::Settings,
};
use skypicket_model::{Enu, Measurement, Observation, Place, Time, observation::LogNormalRange};

/// What a report of a kind is worth to a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A position with an identity or an address.
    Cooperative,
    /// A bare position.
    Fix,
    /// A radar plot.
    Radar,
    /// A person's report, however it measures.
    Person,
    /// A direction from a machine.
    Direction,
    /// A presence.
    Presence,
}

impl Kind {
    /// The kind of an observation.
    pub fn of(o: &Observation) -> Self {
        if o.sighting.is_some() || o.signal.transport.as_deref() == Some("person") {
            return Self::Person;
        }
        match o.measurement {
            Measurement::Position { .. } if o.claims.ids.is_empty() && o.signal.address.is_none() => Self::Fix,
            Measurement::Position { .. } => Self::Cooperative,
            Measurement::RangeAzEl { .. } => Self::Radar,
            Measurement::Bearing { .. } => Self::Direction,
            Measurement::Presence { .. } => Self::Presence,
        }
    }
}

/// A measurement ready for use.
#[derive(Debug, Clone, PartialEq)]
pub enum Plot {
    /// A place.
    Point(Point),
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
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The frame of `mean` and `cov`: at the place itself, or at the sensor.
    pub frame: Enu,
    /// Metres east, north, up in `frame`.
    pub mean: [f64; 3],
    /// Covariance, m², positive definite (only its first two rows and columns count while the height is unknown).
    pub cov: [[f64; 3]; 3],
    /// The height was measured.
    pub height_known: bool,
    /// Where on Earth.
    pub place: Place,
}

/// A direction from an observer.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Ray {
    /// The observer's frame.
    pub frame: Enu,
    /// One sigma of the observer's own place, metres.
    pub from_sigma_m: f64,
    /// From true north clockwise, radians.
    pub azimuth: f64,
    /// Error components (weight, sigma in radians); weights sum to 1.
    pub components: Vec<(f64, f64)>,
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
        }
    }
}

/// Added to every positional variance, m²: no sensor is better than half a metre, and a covariance that is only
/// semi-definite becomes definite.
const FLOOR_M2: f64 = 0.25;

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
            Plot::Point(radar(*from, *range_m, *azimuth_deg, *elevation_deg, *sigma)?)
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

fn position(at: Place, cov: &Matrix<3, 3>) -> Result<Point, Unusable> {
    let place = at.check().map_err(|_| Unusable::Place)?;
    let height_known = place.alt_hae_m.is_some();
    let dims = if height_known { 3 } else { 2 };
    if !is_finite(cov) {
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
    let cov = build(|i, j| match (i < dims && j < dims, i == j) {
        (true, true) => cov[i][j] + FLOOR_M2,
        (true, false) => f64::midpoint(cov[i][j], cov[j][i]),
        (false, true) => 1.0,
        (false, false) => 0.0,
    });
    Cholesky::of(&cov).ok_or(Unusable::Covariance)?;
    Ok(Point { frame: Enu::at(place), mean: [0.0; 3], cov, height_known, place })
}

fn radar(
    from: Place,
    range_m: f64,
    azimuth_deg: f64,
    elevation_deg: Option<f64>,
    [sigma_range, sigma_az, sigma_el]: [f64; 3],
) -> Result<Point, Unusable> {
    let from = from.check().map_err(|_| Unusable::Place)?;
    if !within(range_m, 0.0, 1e6) || !within(sigma_range, 0.0, 1e5) {
        return Err(Unusable::Range);
    }
    if !(azimuth_deg.is_finite() && azimuth_deg.abs() <= 720.0 && within(sigma_az, 0.0, 45.0)) {
        return Err(Unusable::Angle);
    }
    if elevation_deg.is_some_and(|e| !(e.is_finite() && e.abs() <= 90.0 && within(sigma_el, 0.0, 45.0))) {
        return Err(Unusable::Angle);
    }
    let (az, s_az) = (azimuth_deg.to_radians(), sigma_az.to_radians());
    // A two-dimensional radar: the range is horizontal, and a flat elevation without error says just that.
    let (el, s_el) = elevation_deg.map_or((0.0, 0.0), |e| (e.to_radians(), sigma_el.to_radians()));
    let (sa, ca, se, ce) = (libm::sin(az), libm::cos(az), libm::sin(el), libm::cos(el));
    let shrink = |s: f64| libm::exp(-s * s / 2.0);
    let flat = range_m * ce;
    let mean = [
        flat * sa / (shrink(s_az) * shrink(s_el)),
        flat * ca / (shrink(s_az) * shrink(s_el)),
        range_m * se / shrink(s_el),
    ];
    // Along the line of sight (flat), across it, and up; the fourth powers are what bending adds to the first order.
    let jacobian: Matrix<3, 3> =
        [[ce * sa, flat * ca, -range_m * se * sa], [ce * ca, -flat * sa, -range_m * se * ca], [se, 0.0, range_m * ce]];
    let noise = [sigma_range * sigma_range, s_az * s_az, s_el * s_el];
    let mut cov = congruence(&jacobian, &build(|i, j| if i == j { noise[i] } else { 0.0 }));
    let bend = 0.5 * flat * flat * s_az * s_az * s_az * s_az;
    cov[0][0] += bend * sa * sa + FLOOR_M2;
    cov[0][1] += bend * sa * ca;
    cov[1][0] += bend * sa * ca;
    cov[1][1] += bend * ca * ca + FLOOR_M2;
    cov[2][2] += 0.5 * range_m * range_m * s_el * s_el * s_el * s_el + FLOOR_M2;
    Cholesky::of(&cov).ok_or(Unusable::Covariance)?;
    let frame = Enu::at(from);
    let height_known = elevation_deg.is_some() && from.alt_hae_m.is_some();
    let place = frame.to_place(mean);
    let place = Place::new(place.lat_deg, place.lon_deg, None).map_err(|_| Unusable::Place)?;
    Ok(Point { frame, mean, cov, height_known, place })
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
    Ok(Ray {
        frame: Enu::at(from),
        from_sigma_m,
        azimuth: azimuth_deg.to_radians(),
        // A twentieth of a degree at least: sharper is nobody's.
        components: azimuth_error.iter().map(|&(w, s)| (w / total, s.max(0.05).to_radians())).collect(),
        elevation: elevation_deg
            .filter(|_| from.alt_hae_m.is_some())
            .map(|(e, s)| (e.to_radians(), s.max(0.05).to_radians())),
        range: range.map(|r| LogNormalRange { sigma_ln: r.sigma_ln.max(0.01), ..r }),
    })
}

impl Ray {
    /// Total variance of the azimuth, rad².
    pub fn azimuth_variance(&self) -> f64 {
        self.components.iter().map(|(w, s)| w * s * s).sum()
    }

    /// The widest component, radians.
    pub fn widest(&self) -> f64 {
        self.components.iter().fold(0.0, |m, c| if c.1 > m { c.1 } else { m })
    }

    /// How far from the observer it can mean, metres: four sigmas of its range, or `reach_m` without one.
    pub fn reach_m(&self, reach_m: f64) -> f64 {
        let far = self.range.map_or(reach_m, |r| r.median_m * libm::exp(4.0 * r.sigma_ln));
        far.min(reach_m.max(self.range.map_or(0.0, |r| 2.0 * r.median_m))) + 4.0 * self.from_sigma_m
    }

    /// The Gaussian with the same first two moments, given a range. Exact: with the azimuth error δ a mixture of
    /// zero-mean normals, `E cos kδ = Σ w·exp(-k²σ²/2)`, and with a log-normal range, `E rᵏ = mᵏ·exp(k²s²/2)`.
    pub fn point(&self) -> Option<Point> {
        let range = self.range?;
        let mean_of_cos =
            |k: f64| self.components.iter().map(|(w, s)| w * libm::exp(-k * k * s * s / 2.0)).sum::<f64>();
        let moment = |k: f64| libm::exp(k * libm::log(range.median_m) + k * k * range.sigma_ln * range.sigma_ln / 2.0);
        let (cos1, cos2, r1, r2) = (mean_of_cos(1.0), mean_of_cos(2.0), moment(1.0), moment(2.0));
        // Range is slant: what lies along the ground is its share by the elevation, with that angle's own spread.
        let (el, s_el) = self.elevation.unwrap_or((0.0, 0.0));
        let shrink = |k: f64| libm::exp(-k * k * s_el * s_el / 2.0);
        let ce = libm::cos(el) * shrink(1.0);
        let ce2 = f64::midpoint(1.0, libm::cos(2.0 * el) * shrink(2.0));
        let (se, se2) = (libm::sin(el) * shrink(1.0), f64::midpoint(1.0, -libm::cos(2.0 * el) * shrink(2.0)));
        let along = r1 * ce * cos1;
        let var_along = (r2 * ce2 * f64::midpoint(1.0, cos2) - along * along).max(0.0);
        let var_across = (r2 * ce2 * f64::midpoint(1.0, -cos2)).max(0.0);
        let var_up = (r2 * se2 - r1 * r1 * se * se).max(0.0);
        let (sa, ca) = (libm::sin(self.azimuth), libm::cos(self.azimuth));
        let turn: Matrix<3, 3> = [[sa, ca, 0.0], [ca, -sa, 0.0], [0.0, 0.0, 1.0]];
        let own = self.from_sigma_m * self.from_sigma_m + FLOOR_M2;
        let noise = [var_along + own, var_across + own, var_up + own];
        let cov = congruence(&turn, &build(|i, j| if i == j { noise[i] } else { 0.0 }));
        let mean = [along * sa, along * ca, r1 * se];
        let place = self.frame.to_place(mean);
        let place = Place::new(place.lat_deg, place.lon_deg, None).ok()?;
        Cholesky::of(&cov)?;
        Some(Point { frame: self.frame, mean, cov, height_known: self.elevation.is_some(), place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments of a ray against a fine sum over its own distribution.
    #[test]
    fn a_ray_has_the_moments_of_its_mixture() {
        let ray = ray(
            Place::new(47.0, 8.0, None).unwrap(),
            0.0,
            90.0,
            &[(0.9, 5.0), (0.1, 25.0)],
            None,
            Some(LogNormalRange { median_m: 175.0, sigma_ln: 0.5 }),
        )
        .unwrap();
        let p = ray.point().unwrap();
        let (mut n, mut e1, mut e2, mut n2) = (0.0, 0.0, 0.0, 0.0);
        for (w, s) in &ray.components {
            for i in -200..=200 {
                for j in -200..=200 {
                    let (a, b) = (f64::from(i) / 40.0, f64::from(j) / 40.0);
                    let density = w * libm::exp(-(a * a + b * b) / 2.0);
                    let r = 175.0 * libm::exp(0.5 * a);
                    let (east, north) = (r * libm::cos(s * b), r * libm::sin(s * b));
                    n += density;
                    e1 += density * east;
                    e2 += density * east * east;
                    n2 += density * north * north;
                }
            }
        }
        assert!((p.mean[0] - e1 / n).abs() < 0.2, "{} {}", p.mean[0], e1 / n);
        let (var_e, var_n) = (e2 / n - (e1 / n) * (e1 / n), n2 / n);
        assert!((p.cov[0][0] / var_e - 1.0).abs() < 0.01 && (p.cov[1][1] / var_n - 1.0).abs() < 0.01);
    }

    #[test]
    fn what_is_hostile_stays_outside() {
        let here = Place::new(47.0, 8.0, None).unwrap();
        let eye = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        assert!(position(here, &eye).is_ok());
        assert!(position(Place { lat_deg: f64::NAN, ..here }, &eye).is_err());
        assert!(position(here, &[[f64::INFINITY, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]).is_err());
        assert!(position(here, &[[1.0, 5.0, 0.0], [5.0, 1.0, 0.0], [0.0, 0.0, 0.0]]).is_err());
        assert!(position(here, &[[1.0, 0.5, 0.0], [-0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]).is_err());
        assert!(radar(here, -1.0, 0.0, None, [1.0, 1.0, 1.0]).is_err());
        assert!(radar(here, 100.0, f64::NAN, None, [1.0, 1.0, 1.0]).is_err());
        assert!(ray(here, 5.0, 10.0, &[], None, None).is_err());
        assert!(ray(here, 5.0, 10.0, &[(0.5, 5.0)], None, None).is_err());
        assert!(ray(here, f64::NAN, 10.0, &[(1.0, 5.0)], None, None).is_err());
    }
}
