//! [`Grant`]: what a machine may bring; [`Machines`]: whose machine a certificate names.
//!
//! A machine proves who it is by a token or a client certificate, and is still not believed: it may bring only the
//! formats, the sources and the area that it was given, and no more lines a second than that.

use crate::Health;
use serde::{Deserialize, Serialize};
use skypicket_model::{Enu, LatLon, Measurement, Observation, PersonId, Place, SourceId, Time, geo::ecef};
use skypicket_wire::feed::FeedFormat;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// Where a machine's observations must be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Area {
    /// Within a distance of a point.
    Circle {
        /// The point.
        at: LatLon,
        /// The distance, metres.
        radius_m: f64,
    },
    /// Between two parallels and two meridians; `west_deg` over `east_deg` runs across the date line.
    Box {
        /// Degrees.
        south_deg: f64,
        /// Degrees.
        west_deg: f64,
        /// Degrees.
        north_deg: f64,
        /// Degrees.
        east_deg: f64,
    },
}

impl Area {
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Self::Circle { at, radius_m } => {
                LatLon::new(at.lat_deg, at.lon_deg).map_err(|e| format!("area.circle.at: {e}"))?;
                if (1.0..=2_000_000.0).contains(&radius_m) {
                    Ok(())
                } else {
                    Err("area.circle.radius_m: 1 to 2000000 metres".into())
                }
            }
            Self::Box { south_deg, west_deg, north_deg, east_deg } => {
                LatLon::new(south_deg, west_deg).map_err(|e| format!("area.box: {e}"))?;
                LatLon::new(north_deg, east_deg).map_err(|e| format!("area.box: {e}"))?;
                if south_deg < north_deg {
                    Ok(())
                } else {
                    Err("area.box: south_deg must be less than north_deg".into())
                }
            }
        }
    }

    /// Whether a place is in it; its edge is.
    pub fn holds(&self, p: Place) -> bool {
        match *self {
            Self::Circle { at, radius_m } => {
                // Straight through the earth: a plane at the point would hold its antipode too.
                let flat = |lat_deg, lon_deg| ecef(Place { lat_deg, lon_deg, alt_hae_m: Some(0.0) });
                let [a, b] = [flat(at.lat_deg, at.lon_deg), flat(p.lat_deg, p.lon_deg)];
                let apart: f64 = a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum();
                libm::sqrt(apart) <= radius_m
            }
            Self::Box { south_deg, west_deg, north_deg, east_deg } => {
                let across = west_deg > east_deg;
                let east_west = if across {
                    p.lon_deg >= west_deg || p.lon_deg <= east_deg
                } else {
                    (west_deg..=east_deg).contains(&p.lon_deg)
                };
                (south_deg..=north_deg).contains(&p.lat_deg) && east_west
            }
        }
    }
}

/// What a machine may bring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// In which formats.
    #[serde(default = "Grant::default_formats")]
    pub formats: BTreeSet<FeedFormat>,
    /// Where its observations must be; anywhere where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// Other sources that it may name; itself alone where none are given.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub also: BTreeSet<SourceId>,
    /// Silence longer than this is an alarm, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_interval_s: Option<f64>,
    /// Most lines a second, with as many again at once; no bound of its own where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<u32>,
}

impl Default for Grant {
    fn default() -> Self {
        Self {
            formats: Self::default_formats(),
            area: None,
            also: BTreeSet::new(),
            expected_interval_s: None,
            rate_per_s: None,
        }
    }
}

impl Grant {
    /// Most other sources that one machine may name.
    pub const MOST_ALSO: usize = 64;

    fn default_formats() -> BTreeSet<FeedFormat> {
        [FeedFormat::Lines].into()
    }

    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.formats.is_empty() {
            return Err("formats: at least one".into());
        }
        if self.also.len() > Self::MOST_ALSO {
            return Err(format!("also: at most {} other sources", Self::MOST_ALSO));
        }
        if let Some(s) = self.also.iter().find(|s| s.as_str().starts_with("person.")) {
            return Err(format!("also: '{s}': names that start with 'person.' are for people"));
        }
        if self.expected_interval_s.is_some_and(|s| !(1.0..=604_800.0).contains(&s)) {
            return Err("expected_interval_s: 1 to 604800 seconds".into());
        }
        if self.rate_per_s.is_some_and(|r| !(1..=100_000).contains(&r)) {
            return Err("rate_per_s: 1 to 100000".into());
        }
        self.area.map_or(Ok(()), |a| a.check())
    }

    /// Why an observation is not taken, as a fixed word.
    pub fn refuses(&self, o: &Observation) -> Option<&'static str> {
        let area = self.area.as_ref()?;
        let inside = match &o.measurement {
            Measurement::Position { at, .. } => area.holds(*at),
            // The sensor and what it measured.
            Measurement::RangeAzEl { from, range_m, azimuth_deg, elevation_deg, .. } => {
                let (az, el) = (azimuth_deg.to_radians(), elevation_deg.unwrap_or(0.0).to_radians());
                let flat_m = range_m * libm::cos(el);
                let enu = [flat_m * libm::sin(az), flat_m * libm::cos(az), range_m * libm::sin(el)];
                area.holds(*from) && area.holds(Enu::at(*from).to_place(enu))
            }
            Measurement::Bearing { from, .. } => area.holds(*from),
            // What says of no place that it is there cannot be shown to be inside.
            Measurement::Presence { from, .. } => from.is_some_and(|p| area.holds(p)),
        };
        (!inside).then_some("outside_area")
    }
}

/// Lines counted against a rate: a bucket that holds two seconds' worth.
#[derive(Debug)]
pub struct Rate {
    per_s: Option<f64>,
    left: f64,
    at: Time,
}

impl Rate {
    /// A full bucket.
    pub fn new(per_s: Option<u32>, now: Time) -> Self {
        let per_s = per_s.map(f64::from);
        Self { per_s, left: per_s.unwrap_or(0.0) * 2.0, at: now }
    }

    /// Whether one more may come now.
    pub fn takes(&mut self, now: Time) -> bool {
        let Some(per_s) = self.per_s else { return true };
        // A clock that steps back fills nothing; one that steps ahead fills the bucket once.
        self.left = (self.left + now.since_s(self.at).max(0.0) * per_s).min(per_s * 2.0);
        self.at = now;
        let takes = self.left >= 1.0;
        if takes {
            self.left -= 1.0;
        }
        takes
    }
}

/// Whose a machine is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A source's: it brings observations.
    Source(SourceId),
    /// A person's: their TAK client.
    Person(PersonId),
}

/// A machine that was let in.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Whose it is.
    pub holder: Holder,
    /// What it may bring.
    pub grant: Grant,
    /// Its rate, shared by all its connections.
    pub rate: Arc<Mutex<Rate>>,
    /// Counters of its source.
    pub health: Arc<Health>,
    /// True once it is revoked: its connection is cut.
    pub cut: watch::Receiver<bool>,
    /// Until it ends by itself.
    pub left: Option<Duration>,
}

impl Admitted {
    /// Resolves when it is revoked or ends, with the fixed word for it.
    pub async fn over(&mut self) -> &'static str {
        let left = self.left;
        let ends = async move {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // Whoever held the other end is gone: so is the centre.
            _ = self.cut.wait_for(|cut| *cut) => "revoked",
            () = ends => "certificate_expired",
        }
    }
}

/// Knows whose machine a certificate names. The program implements it; tests stand in for it.
pub trait Machines: Send + Sync + 'static {
    /// Lets in the machine of a client certificate (DER) whose chain was proven, or says by a fixed word why not.
    fn admit(&self, certificate: &[u8]) -> Result<Admitted, &'static str>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{Claims, ObservationId, Signal};

    fn at(lat_deg: f64, lon_deg: f64) -> Place {
        Place { lat_deg, lon_deg, alt_hae_m: None }
    }

    fn circle(radius_m: f64) -> Area {
        Area::Circle { at: LatLon { lat_deg: 31.76, lon_deg: -106.49 }, radius_m }
    }

    fn observation(measurement: Measurement) -> Observation {
        Observation {
            id: ObservationId(uuid::Uuid::nil()),
            source: SourceId::new("radar").unwrap(),
            observed_at: Time::default(),
            received_at: Time::default(),
            measurement,
            claims: Claims::default(),
            signal: Signal::default(),
            sighting: None,
            flags: Vec::new(),
        }
    }

    #[test]
    fn an_area_holds_what_is_in_it_also_across_the_date_line() {
        let boxed = |s, w, n, e| Area::Box { south_deg: s, west_deg: w, north_deg: n, east_deg: e };
        for (area, place, inside) in [
            (circle(1_000.0), at(31.76, -106.49), true),
            (circle(1_000.0), at(31.768, -106.49), true),
            (circle(1_000.0), at(31.7695, -106.49), false),
            (circle(1_000.0), at(-31.76, 73.51), false),
            (boxed(31.0, -107.0, 32.0, -106.0), at(31.5, -106.5), true),
            (boxed(31.0, -107.0, 32.0, -106.0), at(31.5, -105.9), false),
            (boxed(31.0, -107.0, 32.0, -106.0), at(32.1, -106.5), false),
            (boxed(-20.0, 179.0, -10.0, -179.0), at(-15.0, 179.5), true),
            (boxed(-20.0, 179.0, -10.0, -179.0), at(-15.0, -179.5), true),
            (boxed(-20.0, 179.0, -10.0, -179.0), at(-15.0, 0.0), false),
        ] {
            assert_eq!(area.check(), Ok(()));
            assert_eq!(area.holds(place), inside, "{area:?} {place:?}");
        }
        for bad in [circle(0.0), circle(f64::NAN), boxed(2.0, 0.0, 1.0, 1.0), boxed(0.0, 0.0, 91.0, 1.0)] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_kind_of_measurement_is_held_to_the_area() {
        let grant = Grant { area: Some(circle(2_000.0)), ..Grant::default() };
        let here = at(31.76, -106.49);
        let far = at(32.76, -106.49);
        let position =
            |at| Measurement::Position { at, cov_enu_m2: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };
        let rae = |from, range_m| Measurement::RangeAzEl {
            from,
            range_m,
            azimuth_deg: 90.0,
            elevation_deg: Some(10.0),
            sigma: [1.0, 1.0, 1.0],
        };
        let bearing = |from| Measurement::Bearing {
            from,
            from_sigma_m: 1.0,
            azimuth_deg: 0.0,
            azimuth_error: vec![(1.0, 5.0)],
            elevation_deg: None,
            range: None,
        };
        for (measurement, refused) in [
            (position(here), false),
            (position(far), true),
            (rae(here, 1_500.0), false),
            (rae(here, 5_000.0), true),
            (rae(far, 10.0), true),
            (bearing(here), false),
            (bearing(far), true),
            (Measurement::Presence { from: Some(here), radius_m: None }, false),
            (Measurement::Presence { from: Some(far), radius_m: None }, true),
            (Measurement::Presence { from: None, radius_m: None }, true),
        ] {
            let o = observation(measurement);
            assert_eq!(grant.refuses(&o), refused.then_some("outside_area"), "{o:?}");
            assert_eq!(Grant::default().refuses(&o), None);
        }
    }

    #[test]
    fn a_rate_lets_two_seconds_worth_through_at_once_and_then_its_measure() {
        let t = |s| Time::from_unix_s(1_000.0 + s).unwrap();
        let mut rate = Rate::new(Some(10), t(0.0));
        assert_eq!((0..50).filter(|_| rate.takes(t(0.0))).count(), 20);
        assert_eq!((0..50).filter(|_| rate.takes(t(1.0))).count(), 10);
        // A step of the clock backwards gives nothing away.
        assert_eq!((0..50).filter(|_| rate.takes(t(-100.0))).count(), 0);
        let mut free = Rate::new(None, t(0.0));
        assert!((0..1_000).all(|_| free.takes(t(0.0))));
    }

    #[test]
    fn a_grant_of_an_old_record_is_its_own_lines_anywhere() {
        let grant: Grant = toml::from_str("").unwrap();
        assert_eq!(grant, Grant::default());
        assert_eq!(grant.check(), Ok(()));
        for bad in ["formats = []", "also = [\"person.x\"]", "expected_interval_s = 0.0", "rate_per_s = 0"] {
            assert!(toml::from_str::<Grant>(bad).unwrap().check().is_err(), "{bad}");
        }
        assert!(toml::from_str::<Grant>("formats = [\"pcap\"]").is_err());
    }
}
