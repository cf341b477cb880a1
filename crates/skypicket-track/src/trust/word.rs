//! [`Word`]: what a track claims over time, held against itself: how fast it says that it flies and how far it gets, how
//! far away it says that it is and how loud it is, and where its operator stands.

use super::Doubt;
use crate::{identity::Fix, settings::TrustSettings};
use serde::{Deserialize, Serialize};
use skypicket_model::{LatLon, Observation, Place, Time};

/// What was claimed is compared over at most so long, seconds; then anew.
const WINDOW_S: f64 = 60.0;
/// A claimed velocity is taken to have lasted at most so long, seconds.
const LASTS_S: f64 = 2.0;

/// What a track claims over time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Word {
    /// When the window began.
    began: Option<Time>,
    /// The newest claimed place, when it was received, and the ground speed claimed with it, m/s.
    last: Option<(Place, Time, f64)>,
    /// Metres that it should have flown by the speeds that it claims, and by the places.
    flown_m: [f64; 2],
    /// Frames with a strength and a claimed distance, weakest and loudest, dBm, and the smallest and greatest distance, m.
    frames: u32,
    dbm: [f64; 2],
    range_m: [f64; 2],
    /// Where its operator was claimed to be, and when that was received.
    operator: Option<(LatLon, Time)>,
}

impl Word {
    /// A frame says where it is; what of it does not fit what it said before.
    pub(crate) fn take(&mut self, o: &Observation, fix: &Fix, s: &TrustSettings) -> Vec<Doubt> {
        let mut found = Vec::new();
        let now = fix.received_at;
        if self.began.is_none_or(|b| !(0.0..=WINDOW_S).contains(&now.since_s(b))) {
            *self = Self { began: Some(now), operator: self.operator, last: self.last, ..Self::default() };
        }
        self.fly(o, fix, now);
        if self.flown_m[0] - self.flown_m[1] > s.still_m && self.flown_m[1] < 0.25 * self.flown_m[0] {
            found.push(Doubt::StandsStill);
        }
        if let (Some(dbm), Some(receiver)) = (o.signal.rssi_dbm, o.signal.receiver_at.and_then(|p| p.check().ok())) {
            self.sound(dbm, receiver.distance_and_bearing(fix.place).0);
            let swing_db = 20.0 * libm::log10(self.range_m[1] / self.range_m[0]);
            if self.frames >= s.steady_frames
                && swing_db >= s.steady_range_db
                && self.dbm[1] - self.dbm[0] <= s.steady_db
            {
                found.push(Doubt::SteadySignal);
            }
        }
        if let Some(at) = o.claims.operator_at {
            if far(at, fix.place) > s.operator_m {
                found.push(Doubt::OperatorFar);
            }
            if let Some((before, then)) = self.operator
                && far(before, place(at)) - 100.0 > s.operator_mps * now.since_s(then).max(0.0)
            {
                found.push(Doubt::OperatorJumps);
            }
            self.operator = Some((at, now));
        }
        found
    }

    /// Adds what it should have flown since the frame before, and what it did.
    fn fly(&mut self, o: &Observation, fix: &Fix, now: Time) {
        let speed = o.claims.velocity_enu_mps.map_or(f64::NAN, |[e, n, _]| libm::hypot(e, n));
        if let Some((before, then, said)) = self.last {
            let dt = now.since_s(then);
            let moved = before.distance_and_bearing(fix.place).0;
            // Half a second or less: the same message again, as like as not.
            if dt < 0.5 && moved == 0.0 {
                return;
            }
            let mean = 0.5 * (said + speed);
            if mean.is_finite() && (0.0..=WINDOW_S).contains(&dt) {
                self.flown_m[0] += mean * dt.min(LASTS_S);
                self.flown_m[1] += moved;
            }
        }
        self.last = Some((fix.place, now, speed));
    }

    fn sound(&mut self, dbm: f64, range_m: f64) {
        let range_m = range_m.max(1.0);
        if !dbm.is_finite() || !range_m.is_finite() {
            return;
        }
        if self.frames == 0 {
            (self.dbm, self.range_m) = ([dbm; 2], [range_m; 2]);
        }
        self.frames = self.frames.saturating_add(1);
        self.dbm = [self.dbm[0].min(dbm), self.dbm[1].max(dbm)];
        self.range_m = [self.range_m[0].min(range_m), self.range_m[1].max(range_m)];
    }
}

fn place(at: LatLon) -> Place {
    Place { lat_deg: at.lat_deg, lon_deg: at.lon_deg, alt_hae_m: None }
}

/// Metres over ground; nothing where a place is none.
fn far(at: LatLon, from: Place) -> f64 {
    place(at).check().map_or(0.0, |p| p.distance_and_bearing(from).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{Claims, Measurement, ObservationId, Signal, SourceId};

    const T0: f64 = 1_700_000_000.0;

    struct Said {
        north_m: f64,
        speed_mps: f64,
        dbm: f64,
        operator_north_m: Option<f64>,
    }

    fn at_north(m: f64) -> LatLon {
        LatLon { lat_deg: 31.0 + m / 110_870.0, lon_deg: -106.0 }
    }

    fn doubts(all: impl IntoIterator<Item = (f64, Said)>) -> Vec<Doubt> {
        let (mut word, s) = (Word::default(), TrustSettings::default());
        let mut found = Vec::new();
        for (at_s, said) in all {
            let at = Time::from_unix_s(T0 + at_s).unwrap();
            let place = place(at_north(said.north_m));
            let claims = Claims {
                velocity_enu_mps: Some([0.0, said.speed_mps, 0.0]),
                operator_at: said.operator_north_m.map(at_north),
                ..Claims::default()
            };
            let receiver_at = Some(super::place(at_north(-200.0)));
            let o = Observation {
                id: ObservationId(uuid::Uuid::nil()),
                source: SourceId::new("mast").unwrap(),
                observed_at: at,
                received_at: at,
                measurement: Measurement::Position { at: place, cov_enu_m2: [[1.0; 3]; 3] },
                claims,
                signal: Signal { rssi_dbm: Some(said.dbm), receiver_at, ..Signal::default() },
                sighting: None,
                flags: Vec::new(),
            };
            let fix = Fix { place, sigma_m: 5.0, observed_at: at, received_at: at };
            found.extend(word.take(&o, &fix, &s));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn said(north_m: f64, speed_mps: f64) -> Said {
        // As loud as the distance makes it.
        let dbm = -40.0 - 20.0 * libm::log10((north_m + 200.0).max(1.0));
        Said { north_m, speed_mps, dbm, operator_north_m: Some(0.0) }
    }

    fn seconds(n: u16) -> impl Iterator<Item = f64> {
        (0..n).map(f64::from)
    }

    #[test]
    fn an_honest_flight_raises_nothing() {
        assert_eq!(doubts(seconds(120).map(|t| (t, said(15.0 * t, 15.0)))), []);
        // Each message nine times, and new places each 1.6 s, as real ones were heard.
        let repeated = (0..600).map(|k| (0.1 * f64::from(k), 1.6 * f64::from(k / 16)));
        assert_eq!(doubts(repeated.map(|(t, then)| (t, said(40.0 * then, 40.0)))), []);
        // Says that it stands still while it drifts, as most do.
        assert_eq!(doubts(seconds(60).map(|t| (t, said(2.6 * t, 0.0)))), []);
        // In circles.
        let round = |t: f64| said(10.0 * libm::sin(1.5 * t), 15.0);
        assert_eq!(doubts(seconds(600).map(|k| (0.1 * k, round(0.1 * k)))), []);
    }

    #[test]
    fn who_says_that_it_flies_and_stays_where_it_is_is_doubted() {
        assert_eq!(doubts(seconds(5).map(|t| (t, said(0.0, 49.0)))), [Doubt::StandsStill]);
        assert_eq!(doubts(seconds(3).map(|t| (t, said(0.0, 49.0)))), [], "not after a moment");
        assert_eq!(doubts([0.0, 50.0].map(|t| (t, said(0.0, 49.0)))), [], "nobody knows what was between");
    }

    #[test]
    fn who_is_equally_loud_at_every_distance_is_doubted() {
        let steady = |db: f64| {
            doubts(seconds(40).map(move |t| (t, Said { dbm: -60.0 + db * (t % 2.0), ..said(25.0 * t, 25.0) })))
        };
        assert_eq!(steady(2.0), [Doubt::SteadySignal]);
        assert_eq!(steady(4.0), []);
        let near = seconds(40).map(|t| (t, Said { dbm: -60.0, ..said(5.0 * t, 5.0) }));
        assert_eq!(doubts(near), [], "the distance hardly changed");
    }

    #[test]
    fn an_operator_in_another_town_or_in_flight_is_doubted() {
        let with = |f: &dyn Fn(f64) -> f64| {
            doubts(seconds(10).map(|t| (t, Said { operator_north_m: Some(f(t)), ..said(10.0 * t, 10.0) })))
        };
        assert_eq!(with(&|_| 14_000.0), []);
        assert_eq!(with(&|_| 16_000.0), [Doubt::OperatorFar]);
        assert_eq!(with(&|t| 40.0 * t), [], "in a car");
        assert_eq!(with(&|t| 400.0 * t), [Doubt::OperatorJumps]);
    }
}
