//! [`Assessment`]: how a track endangers someone at one moment, from the track's state *and* covariance.
//!
//! **Geometry.** Everything is worked out in the east-north-up frame at the protected, from the track's place moved
//! along its velocity to the moment asked for. With both heights known distances are slant, else horizontal.
//!
//! **Probability of being within the stand-off at some moment of the next T seconds.** Position and velocity are jointly
//! Gaussian: the track's covariance, plus the protected's own uncertainty on the position. What of the velocity returns,
//! and straying ([`crate::policy::Wander`]), count as a lasting velocity of such variance that the position's variance
//! is right at the moment of closest approach (kept within 30 s and the longest time). Of that Gaussian 256 fixed points are taken (module `nodes`),
//! each a straight path whose first time inside the circle or sphere has a closed form; the share of paths that are
//! inside by T is the probability. Taking the best single moment instead would be far too low whenever the time of
//! arrival is unsure, since each moment then holds only a slice of the paths. The result is multiplied by the track's
//! existence. Against Monte Carlo with the true straying process the error is under 0.05:
//! `tests::probabilities_agree_with_monte_carlo`.
//!
//! **Earliest time.** From the distance as estimated, not reduced by its sigma: it can so be checked by hand from the
//! numbers printed beside it, and uncertainty is told by the probability. It alone raises no level.

use crate::{Policy, Reasons, nodes};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    Danger, Enu, Level, Protected, ProtectedId, Time, Track, TrackId, TrackState, Within, geo,
    kinematics::{AirClass, Limits, limits},
    observation::EnuCovariance,
    track::{Affiliation, IDENTITY_FLOOD},
};

/// How a track endangers someone at one moment, before hysteresis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Distance, metres; horizontal with [`Reasons::HEIGHT_UNKNOWN`].
    pub distance_m: f64,
    /// True bearing from the protected, degrees, 0 ≤ b < 360.
    pub bearing_deg: f64,
    /// Closest point of approach at the present velocity, metres.
    pub cpa_m: f64,
    /// Time until then, seconds; 0 when it is going away or hovers.
    pub cpa_in_s: f64,
    /// Earliest possible time to reach the stand-off radius within the class's limits, seconds; 0 inside it.
    pub earliest_s: f64,
    /// The stand-off radius, metres.
    pub standoff_m: f64,
    /// One sigma of the distance along the line of sight, metres.
    pub distance_sigma_m: f64,
    /// It is coming closer, by more than twice the sigma of its closing speed and by at least 1 m/s.
    pub closing: bool,
    /// Probability of being inside the stand-off now.
    pub p_now: f64,
    /// Probability of being inside it within 30, 60, 120 and 300 s.
    pub p_within: Within,
    /// The level that the policy's rules give.
    pub level: Option<Level>,
    /// Why.
    pub reasons: Reasons,
}

impl Assessment {
    /// As shown, with the level after hysteresis.
    pub fn danger(&self, track: TrackId, protected: ProtectedId, at: Time, level: Option<Level>) -> Danger {
        Danger {
            track,
            protected,
            at,
            distance_m: self.distance_m,
            bearing_deg: self.bearing_deg,
            cpa_m: self.cpa_m,
            cpa_in_s: self.cpa_in_s,
            earliest_s: self.earliest_s,
            p_within: self.p_within,
            level,
            reasons: self.reasons.with(Reasons::HELD, level > self.level).words(),
        }
    }
}

/// Whether every number of a track can be used; one that cannot is ignored.
pub fn is_sound(t: &Track) -> bool {
    // Beyond these a number is no measurement of anything that flies here, and squares stay far from overflow.
    let all = |c: &EnuCovariance, most: f64| c.iter().flatten().all(|x| x.abs() <= most);
    t.place.check().is_ok()
        && t.vel_enu_mps.iter().all(|v| v.abs() <= 10_000.0)
        && all(&t.cov_enu_m2, 1e14)
        && all(&t.vel_cov_enu, 1e10)
        && all(&t.cross_cov_enu, 1e12)
        && (0.0..=1.0).contains(&t.existence)
        && (0.0..=1.0).contains(&t.class_p)
}

/// The limits to reckon with: the class's where it is believed, else those of the unknown.
pub(crate) fn reckoned(policy: &Policy, track: &Track) -> Limits {
    limits(track.class.filter(|_| track.class_p >= policy.class_p))
}

/// Earliest possible time to go `gap_m` closer, seconds: from a closing speed of `closing_mps` (negative: going away)
/// with the highest acceleration towards the place up to the highest speed. 0 for a gap of 0 or less.
///
/// No path of a thing with these limits can be sooner: the distance to a point shrinks at most as fast as along the
/// line of sight, since moving across only adds to it.
pub fn earliest_s(gap_m: f64, closing_mps: f64, limits: Limits) -> f64 {
    if gap_m <= 0.0 {
        return 0.0;
    }
    let Limits { speed_mps: fastest, accel_mps2: a } = limits;
    // A thing seen faster than its class is not made slower by that.
    let fastest = fastest.max(closing_mps);
    let to_fastest_m = (fastest * fastest - closing_mps * closing_mps) / (2.0 * a);
    if to_fastest_m < gap_m {
        (fastest - closing_mps) / a + (gap_m - to_fastest_m) / fastest
    } else {
        (libm::sqrt(closing_mps * closing_mps + 2.0 * a * gap_m) - closing_mps) / a
    }
}

/// How `track` endangers `protected` at `now`.
pub fn assess(policy: &Policy, track: &Track, protected: &Protected, now: Time) -> Assessment {
    assess_in(policy, track, protected, &Enu::at(protected.at), now)
}

/// The same with the frame at the protected, made once.
pub(crate) fn assess_in(policy: &Policy, track: &Track, protected: &Protected, frame: &Enu, now: Time) -> Assessment {
    let flat = track.place.alt_hae_m.is_none() || protected.at.alt_hae_m.is_none();
    let ahead_s = now.since_s(track.at).clamp(0.0, policy.track_lost_s);
    let age_s = protected.at_time.map(|t| now.since_s(t).max(0.0));
    let sigma_m = libm::hypot(
        protected.accuracy_m,
        age_s.map_or(0.0, |s| (policy.position.walk_mps * s).min(policy.position.walk_bound_m)),
    );

    let mut v = track.vel_enu_mps;
    let mut r = frame.from_place(track.place);
    if flat {
        v[2] = 0.0;
        r[2] = 0.0;
    }
    for (x, v) in r.iter_mut().zip(v) {
        *x += v * ahead_s;
    }
    let standoff_m = protected.standoff_m;
    let distance_m = norm(r);
    // Overhead (or below) there is no direction; north then, as good as any.
    let sight = if distance_m > 0.0 { r.map(|x| x / distance_m) } else { [0.0, 1.0, 0.0] };
    let closing_mps = -dot(v, sight);
    let speed2 = dot(v, v);
    // Below 1 cm/s it hovers.
    let cpa_in_s = if speed2 > 1e-4 { (-dot(r, v) / speed2).max(0.0) } else { 0.0 };
    let cpa_m = norm(along(r, v, cpa_in_s));

    let joint = Joint::new(policy, track, ahead_s, sigma_m, cpa_in_s);
    let distance_sigma_m = libm::sqrt(joint.quadratic(0, sight).max(0.0));
    let closing_sigma_mps = libm::sqrt(joint.quadratic(3, sight).max(0.0));

    let ahead = policy.horizons();
    let given = if joint.cannot_reach(r, v, standoff_m) {
        [0.0; Ahead::MOST]
    } else if flat {
        shares::<4>(&joint.factor([0, 1, 3, 4]), [r[0], r[1], 0.0], v, standoff_m, &ahead)
    } else {
        shares::<6>(&joint.factor([0, 1, 2, 3, 4, 5]), r, v, standoff_m, &ahead)
    };
    let p = |s: f64| ahead.of(s, &given) * track.existence;
    let p_now = p(0.0);
    let (urgent, caution, advisory) = (policy.urgent, policy.caution, policy.advisory);

    // What contradicts itself is not believed to be a crewed aircraft either.
    let crewed = track.class == Some(AirClass::Crewed) && track.class_p >= policy.class_p && !track.suspect;
    // Made up by the thousand, as like as not. One that is heard again is as any other.
    let in_flood = track.evidence.iter().any(|e| e.kind == IDENTITY_FLOOD);
    let too_old = age_s.is_some_and(|s| s > policy.position.max_age_s);
    let none = Reasons::default()
        .with(Reasons::OWN_FLIGHT, track.affiliation == Affiliation::Own)
        .with(Reasons::NEUTRAL, track.affiliation == Affiliation::Neutral)
        .with(Reasons::CREWED, crewed)
        .with(Reasons::IN_FLOOD, track.state == TrackState::Tentative && in_flood)
        .with(Reasons::TRACK_LOST, track.state == TrackState::Deleted || now.since_s(track.at) > policy.track_lost_s)
        .with(Reasons::POSITION_TOO_OLD, too_old);
    let (level, why) = if none != Reasons::default() {
        (None, none)
    } else if p(urgent.within_s) >= urgent.p {
        let inside = p_now >= urgent.p;
        (Some(Level::Urgent), Reasons::URGENT.with(Reasons::INSIDE, inside))
    } else if p(caution.within_s) >= caution.p {
        (Some(Level::Caution), Reasons::CAUTION)
    } else if p(advisory.within_s) >= advisory.p {
        (Some(Level::Advisory), Reasons::ADVISORY)
    } else if track.by_people_only && ahead.of(advisory.within_s, &given) >= policy.reported_p {
        (Some(Level::Advisory), Reasons::REPORTED_NEAR)
    } else {
        (None, none)
    };
    let reasons = why
        .with(Reasons::HEIGHT_UNKNOWN, flat)
        .with(Reasons::BY_PEOPLE_ONLY, track.by_people_only)
        .with(Reasons::NOT_CONFIRMED, track.state == TrackState::Tentative)
        .with(Reasons::POSITION_OLD, !too_old && age_s.is_some_and(|s| s > policy.position.old_s))
        .with(Reasons::POSITION_COARSE, sigma_m > standoff_m)
        .with(Reasons::SUSPECT, track.suspect);

    Assessment {
        distance_m,
        bearing_deg: geo::bearing_deg(r[0], r[1]),
        cpa_m,
        cpa_in_s,
        earliest_s: earliest_s(distance_m - standoff_m, closing_mps, reckoned(policy, track)),
        standoff_m,
        distance_sigma_m,
        closing: closing_mps >= 1.0 && closing_mps > 2.0 * closing_sigma_mps,
        p_now,
        p_within: Within { s30: p(30.0), s60: p(60.0), s120: p(120.0), s300: p(300.0) },
        level,
        reasons,
    }
}

/// Joint covariance of relative position and velocity: rows 0 to 2 position, 3 to 5 velocity.
struct Joint {
    c: [[f64; 6]; 6],
    /// Longest time looked ahead, seconds.
    longest_s: f64,
}

impl Joint {
    fn new(policy: &Policy, track: &Track, ahead_s: f64, sigma_m: f64, cpa_in_s: f64) -> Self {
        let mut joint = Self::lasting(policy, track, ahead_s, sigma_m);
        let at_s = cpa_in_s.clamp(30.0, joint.longest_s);
        let carried_s = policy.wander.carried_s(at_s);
        let stray = policy.wander.variance_m2(at_s);
        for i in 0..3 {
            let returning = policy.wander.returning(track.vel_cov_enu[i][i]);
            joint.c[3 + i][3 + i] += (stray + returning * carried_s * carried_s) / (at_s * at_s);
        }
        joint
    }

    /// Without what returns: the position at `now`, and the velocity that lasts.
    fn lasting(policy: &Policy, track: &Track, ahead_s: f64, sigma_m: f64) -> Self {
        let (p, v, x) = (&track.cov_enu_m2, &track.vel_cov_enu, &track.cross_cov_enu);
        let strayed = policy.wander.variance_m2(ahead_s);
        let keep = [0, 1, 2].map(|i: usize| {
            let all = v[i][i];
            if all > 0.0 { libm::sqrt(1.0 - policy.wander.returning(all) / all) } else { 1.0 }
        });
        let mut c = [[0.0; 6]; 6];
        for i in 0..3 {
            for j in 0..3 {
                // Position at `now`: the track's own, moved along.
                c[i][j] = 0.5 * (p[i][j] + p[j][i]) + ahead_s * (x[i][j] + x[j][i]) + ahead_s * ahead_s * v[i][j];
                c[3 + i][3 + j] = 0.5 * (v[i][j] + v[j][i]) * keep[i] * keep[j];
                c[i][3 + j] = (x[i][j] + ahead_s * v[i][j]) * keep[j];
                c[3 + j][i] = c[i][3 + j];
            }
            c[i][i] += sigma_m * sigma_m + strayed;
        }
        Self { c, longest_s: policy.advisory.within_s.max(300.0) }
    }

    /// Variance along a unit vector, of the position (`from` 0) or the velocity (`from` 3).
    fn quadratic(&self, from: usize, u: [f64; 3]) -> f64 {
        let mut sum = 0.0;
        for i in 0..3 {
            for j in 0..3 {
                sum += u[i] * u[j] * self.c[from + i][from + j];
            }
        }
        sum
    }

    /// Whether the chance of coming inside is under 0.002, half of what one sample path weighs: it spares most pairs
    /// the sampling.
    ///
    /// Let u point from the protected to where the mean path is nearest. No mean position has less of u in it, so a
    /// path that comes inside is off the mean by at least the gap against u at some moment; being off is linear in
    /// time, so it is that much off at the start or at the end. Each has one Gaussian tail: 3.1 sigma is 0.00097.
    fn cannot_reach(&self, r: [f64; 3], v: [f64; 3], standoff_m: f64) -> bool {
        let speed2 = dot(v, v);
        let t = if speed2 > 0.0 { (-dot(r, v) / speed2).clamp(0.0, self.longest_s) } else { 0.0 };
        let at = along(r, v, t);
        let nearest = norm(at);
        let gap = nearest - standoff_m;
        if gap <= 0.0 {
            return false;
        }
        let u = at.map(|x| x / nearest);
        let (p, v) = (self.quadratic(0, u).max(0.0), self.quadratic(3, u).max(0.0));
        let mut cross = 0.0;
        for (i, x) in u.iter().enumerate() {
            for (j, y) in u.iter().enumerate() {
                cross += x * y * self.c[i][3 + j];
            }
        }
        let end = p + 2.0 * self.longest_s * cross + self.longest_s * self.longest_s * v;
        gap * gap > 3.1 * 3.1 * p.max(end)
    }

    /// Lower triangular factor of the rows and columns named. A pivot that is not over 0 (a covariance that is not
    /// one) makes its column 0: that direction then counts as known.
    fn factor<const S: usize>(&self, rows: [usize; S]) -> [[f64; S]; S] {
        let mut l = [[0.0; S]; S];
        for j in 0..S {
            let mut d = self.c[rows[j]][rows[j]];
            for x in l[j].iter().take(j) {
                d -= x * x;
            }
            let d = if d > 0.0 { libm::sqrt(d) } else { 0.0 };
            l[j][j] = d;
            for i in j + 1..S {
                let mut s = self.c[rows[i]][rows[j]];
                for (a, b) in l[i].iter().zip(&l[j]).take(j) {
                    s -= a * b;
                }
                l[i][j] = if d > 0.0 { s / d } else { 0.0 };
            }
        }
        l
    }
}

/// The times looked ahead to, each once: 0, 30, 60, 120 and 300 s, which are told, and the policy's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead {
    /// Unused ones are -1: nothing is inside by then.
    s: [f64; Self::MOST],
    len: usize,
}

impl Ahead {
    const MOST: usize = 8;

    pub(crate) fn new(own: [f64; 3]) -> Self {
        let mut ahead = Self { s: [0.0, 30.0, 60.0, 120.0, 300.0, -1.0, -1.0, -1.0], len: 5 };
        for s in own {
            if ahead.place(s).is_none() {
                ahead.s[ahead.len] = s;
                ahead.len += 1;
            }
        }
        ahead
    }

    fn place(&self, s: f64) -> Option<usize> {
        self.s.iter().take(self.len).position(|x| x.to_bits() == s.to_bits())
    }

    fn of(&self, s: f64, shares: &[f64; Self::MOST]) -> f64 {
        self.place(s).and_then(|k| shares.get(k)).copied().unwrap_or(0.0)
    }
}

/// Share of the sample paths that are inside by each time ahead. `S` is twice the number of dimensions (4 or 6).
fn shares<const S: usize>(
    factor: &[[f64; S]; S],
    r: [f64; 3],
    v: [f64; 3],
    standoff_m: f64,
    ahead: &Ahead,
) -> [f64; Ahead::MOST] {
    let n = S / 2;
    let r2 = standoff_m * standoff_m;
    let mut inside = [0u32; Ahead::MOST];
    for z in &nodes::NODES.z {
        let mut d = [0.0; S];
        // The whole row, zeros too: loops of fixed length are turned into vector instructions.
        for (x, row) in d.iter_mut().zip(factor) {
            for (l, z) in row.iter().zip(z) {
                *x += l * z;
            }
        }
        for sign in [1.0, -1.0] {
            let (mut aa, mut ab, mut bb) = (0.0, 0.0, 0.0);
            for i in 0..n {
                let a = r[i] + sign * d[i];
                let b = v[i] + sign * d[n + i];
                aa += a * a;
                ab += a * b;
                bb += b * b;
            }
            let t = first_inside(aa - r2, ab, bb);
            if t < f64::INFINITY {
                for (count, horizon) in inside.iter_mut().zip(ahead.s) {
                    *count += u32::from(t <= horizon);
                }
            }
        }
    }
    inside.map(|k| f64::from(k) / (2 * nodes::COUNT) as f64)
}

/// First time at which |a + b t| is at most the radius, from |a|² less its square, a·b and |b|²; infinite when never.
fn first_inside(outside: f64, ab: f64, bb: f64) -> f64 {
    if outside <= 0.0 {
        return 0.0;
    }
    let under_root = ab * ab - bb * outside;
    if ab >= 0.0 || under_root < 0.0 {
        return f64::INFINITY;
    }
    // The form without subtraction of near-equal numbers.
    outside / (libm::sqrt(under_root) - ab)
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn norm(a: [f64; 3]) -> f64 {
    libm::sqrt(dot(a, a))
}

fn along(r: [f64; 3], v: [f64; 3], t: f64) -> [f64; 3] {
    [r[0] + v[0] * t, r[1] + v[1] * t, r[2] + v[2] * t]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use skypicket_model::{Place, UnitId, track::Evidence};

    pub(crate) const HOME: Place = Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: Some(1_130.0) };

    /// A confirmed track at metres east, north, up of `HOME`, one sigma 5 m and 0.3 m/s.
    pub(crate) fn track(enu: [f64; 3], vel: [f64; 3], now: Time) -> Track {
        let diagonal = |s: f64| [[s * s, 0.0, 0.0], [0.0, s * s, 0.0], [0.0, 0.0, s * s]];
        Track {
            id: TrackId(uuid::Uuid::from_u128(1)),
            state: TrackState::Confirmed,
            at: now,
            measured_at: now,
            since: now,
            place: Enu::at(HOME).to_place(enu),
            vel_enu_mps: vel,
            cov_enu_m2: diagonal(5.0),
            vel_cov_enu: diagonal(0.3),
            cross_cov_enu: [[0.0; 3]; 3],
            existence: 1.0,
            ids: vec![],
            class: Some(AirClass::Rotor),
            class_p: 0.95,
            affiliation: Affiliation::Unknown,
            suspect: false,
            evidence: vec![],
            sources: vec![],
            because: vec![],
            height_takeoff_m: None,
            by_people_only: false,
            decided: None,
            lineage: Vec::new(),
        }
    }

    fn post() -> Protected {
        Protected {
            id: ProtectedId::Site(UnitId::new("post").unwrap()),
            name: "Post".into(),
            at: HOME,
            accuracy_m: 0.0,
            at_time: None,
            standoff_m: 150.0,
        }
    }

    const T0: Time = Time::from_micros(1_700_000_000_000_000);

    fn judged(t: &Track) -> Assessment {
        assess(&Policy::default(), t, &post(), T0)
    }

    /// name, position, velocity, then distance, bearing, cpa, cpa_in, earliest, level; each worked out on paper.
    type Case = (&'static str, [f64; 3], [f64; 3], [f64; 5], Option<Level>);

    #[test]
    fn cases_that_can_be_checked_by_hand() {
        // Rotor: 25 m/s, 5 m/s².
        let cases: &[Case] = &[
            // 850 m to go: 3 s and 52.5 m to 25 m/s, then 797.5 m: 34.9 s. Present speed: 85 s, so within 120 s.
            (
                "head-on",
                [1_000.0, 0.0, 0.0],
                [-10.0, 0.0, 0.0],
                [1_000.0, 90.0, 0.0, 100.0, 34.9],
                Some(Level::Caution),
            ),
            // Stops first: 7 s from -10 to 25 m/s, 52.5 m; 797.5 m at 25.
            ("going away", [1_000.0, 0.0, 0.0], [10.0, 0.0, 0.0], [1_000.0, 90.0, 1_000.0, 0.0, 38.9], None),
            // 350 m: 5 s to 25 m/s, 62.5 m, then 287.5 m at 25 = 11.5 s.
            ("hovering", [0.0, 500.0, 0.0], [0.0, 0.0, 0.0], [500.0, 0.0, 500.0, 0.0, 16.5], None),
            // Crossing: line of sight 1,000 m at 306.87 degrees; passes 600 m north after 80 s; never in 150 m.
            // Closing at 8: 3.4 s to 25 m/s, 56.1 m; (850 - 56.1) / 25 = 31.756.
            (
                "passing by",
                [-800.0, 600.0, 0.0],
                [10.0, 0.0, 0.0],
                [1_000.0, 306.869_897_645_8, 600.0, 80.0, 35.156],
                None,
            ),
            // Slant: 300 m east and 400 m up is 500 m; coming straight down the line of sight at 20 m/s it needs 17.5 s.
            // Limit: 1 s to 25 m/s, 22.5 m, then 327.5 m at 25 = 13.1 s.
            (
                "from above",
                [300.0, 0.0, 400.0],
                [-12.0, 0.0, -16.0],
                [500.0, 90.0, 0.0, 25.0, 14.1],
                Some(Level::Urgent),
            ),
            (
                "inside",
                [0.0, -50.0, 60.0],
                [0.0, 0.0, 0.0],
                [78.102_496_76, 180.0, 78.102_496_76, 0.0, 0.0],
                Some(Level::Urgent),
            ),
            // 2,850 m at 15 m/s is 190 s: advisory. 2 s to 25 m/s, 40 m; 2,810 m at 25 = 112.4 s.
            (
                "far, coming",
                [0.0, -3_000.0, 0.0],
                [0.0, 15.0, 0.0],
                [3_000.0, 180.0, 0.0, 200.0, 114.4],
                Some(Level::Advisory),
            ),
            // 50 m to go and 20 m/s across: no lateral speed helps. sqrt(2 · 5 · 50) / 5 = 4.4721 s.
            ("short gap", [200.0, 0.0, 0.0], [0.0, 20.0, 0.0], [200.0, 90.0, 200.0, 0.0, 4.472_136], None),
        ];
        for (name, at, vel, [distance, bearing, cpa, cpa_in, earliest], level) in cases {
            let mut t = track(*at, *vel, T0);
            // Hand cases are about the mean: a long look ahead needs a well known velocity.
            t.vel_cov_enu = [[0.01, 0.0, 0.0], [0.0, 0.01, 0.0], [0.0, 0.0, 0.01]];
            let a = judged(&t);
            let off = [
                a.distance_m - distance,
                a.bearing_deg - bearing,
                a.cpa_m - cpa,
                a.cpa_in_s - cpa_in,
                a.earliest_s - earliest,
            ];
            assert!(off.iter().all(|d| d.abs() < 0.01), "{name}: {off:?} {a:?}");
            assert_eq!(a.level, *level, "{name}: {a:?}");
        }
    }

    #[test]
    fn how_soon_it_could_be_there_raises_no_level_by_itself() {
        // An FPV hovering 300 m away could be inside within 6 s, and does not move.
        let t = Track { class: Some(AirClass::Fpv), ..track([300.0, 0.0, 0.0], [0.0; 3], T0) };
        let a = judged(&t);
        assert!(a.earliest_s < 6.0 && a.level.is_none(), "{a:?}");
    }

    #[test]
    fn own_neutral_and_crewed_raise_no_level_and_say_so() {
        let near = track([50.0, 0.0, 30.0], [0.0; 3], T0);
        assert_eq!(judged(&near).level, Some(Level::Urgent));
        for (t, word) in [
            (Track { affiliation: Affiliation::Own, ..near.clone() }, "own_flight"),
            (Track { affiliation: Affiliation::Neutral, ..near.clone() }, "neutral"),
            (Track { class: Some(AirClass::Crewed), class_p: 0.8, ..near.clone() }, "crewed"),
        ] {
            let a = judged(&t);
            assert!(a.level.is_none() && a.reasons.words().contains(&word.to_owned()), "{a:?}");
        }
        let crewed = Track { class: Some(AirClass::Crewed), class_p: 0.9, ..near };
        assert_eq!(judged(&Track { class_p: 0.7, ..crewed.clone() }).level, Some(Level::Urgent));
        assert_eq!(judged(&Track { suspect: true, ..crewed }).level, Some(Level::Urgent), "it contradicts itself");
    }

    #[test]
    fn one_of_a_flood_of_names_raises_nothing_until_it_is_heard_again() {
        let evidence = vec![Evidence { kind: IDENTITY_FLOOD.into(), weight: 0.5 }];
        let once = Track { state: TrackState::Tentative, evidence, ..track([50.0, 0.0, 30.0], [0.0; 3], T0) };
        let a = judged(&once);
        assert!(a.level.is_none() && a.reasons.words().contains(&"in_flood".to_owned()), "{a:?}");
        assert_eq!(judged(&Track { evidence: Vec::new(), ..once.clone() }).level, Some(Level::Urgent));
        assert_eq!(judged(&Track { state: TrackState::Confirmed, ..once }).level, Some(Level::Urgent));
    }

    #[test]
    fn with_a_height_unknown_distances_are_horizontal() {
        let mut t = track([300.0, 0.0, 400.0], [0.0; 3], T0);
        t.place.alt_hae_m = None;
        let a = judged(&t);
        assert!((a.distance_m - 300.0).abs() < 0.1 && a.reasons.has(Reasons::HEIGHT_UNKNOWN), "{a:?}");
        let mut p = post();
        p.at.alt_hae_m = None;
        let a = assess(&Policy::default(), &track([300.0, 0.0, 400.0], [0.0; 3], T0), &p, T0);
        assert!((a.distance_m - 300.0).abs() < 0.2 && a.reasons.has(Reasons::HEIGHT_UNKNOWN), "{a:?}");
    }

    #[test]
    fn one_report_by_people_near_by_is_an_advisory_and_never_more() {
        let wide = |s: f64| [[s * s, 0.0, 0.0], [0.0, s * s, 0.0], [0.0, 0.0, s * s]];
        let mut t = Track {
            by_people_only: true,
            state: TrackState::Tentative,
            existence: 0.4,
            cov_enu_m2: wide(90.0),
            vel_cov_enu: wide(8.0),
            class: None,
            ..track([0.0, 180.0, 0.0], [0.0; 3], T0)
        };
        let a = judged(&t);
        assert_eq!(a.level, Some(Level::Advisory), "{a:?}");
        assert!(a.p_within.s300 < 0.5 && a.reasons.words().starts_with(&["reported_near".into()]), "{a:?}");
        t.by_people_only = false;
        assert_eq!(judged(&t).level, None);
    }

    #[test]
    fn an_old_position_is_less_sure_then_silent() {
        let at = |age: f64| {
            let p = Protected { at_time: Some(T0.plus_s(-age)), accuracy_m: 5.0, ..post() };
            assess(&Policy::default(), &track([0.0, 0.0, 60.0], [0.0; 3], T0), &p, T0)
        };
        let (fresh, minutes, hour) = (at(1.0), at(300.0), at(3_600.0));
        assert!(fresh.reasons.words() == ["inside_standoff", "within_30_s"], "{fresh:?}");
        assert!(minutes.level == Some(Level::Urgent) && minutes.p_now < fresh.p_now, "{minutes:?}");
        assert!(minutes.reasons.has(Reasons::POSITION_OLD), "{minutes:?}");
        assert!(hour.level.is_none() && hour.reasons.has(Reasons::POSITION_TOO_OLD), "{hour:?}");
    }

    // ---- probability against Monte Carlo ----

    /// SplitMix64 (Steele, Lea, Flood 2014), for seeded samples.
    struct Mix(u64);
    impl Mix {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
        fn normal(&mut self) -> f64 {
            libm::sqrt(-2.0 * libm::log(1.0 - self.unit())) * libm::cos(std::f64::consts::TAU * self.unit())
        }
    }

    /// Share of simulated paths inside by 0, 30, 60, 120, 300 s: the straying is the Ornstein-Uhlenbeck process itself,
    /// stepped each half second.
    fn monte_carlo(t: &Track, policy: &Policy, flat: bool, seed: u64) -> [f64; 5] {
        let joint = Joint::lasting(policy, t, 0.0, 0.0);
        let l = joint.factor([0, 1, 2, 3, 4, 5]);
        let r = Enu::at(HOME).from_place(t.place);
        let mut g = Mix(seed);
        let mut inside = [0u32; 5];
        let (dt, paths) = (0.5, 2_000);
        let keep = libm::exp(-dt / policy.wander.tau_s);
        let kick = policy.wander.sigma_mps * libm::sqrt(1.0 - keep * keep);
        for _ in 0..paths {
            let z: [f64; 6] = std::array::from_fn(|_| g.normal());
            let x: [f64; 6] = std::array::from_fn(|i| (0..=i).map(|k| l[i][k] * z[k]).sum());
            let mut p: [f64; 3] = std::array::from_fn(|i| r[i] + x[i]);
            let v: [f64; 3] = std::array::from_fn(|i| t.vel_enu_mps[i] + x[3 + i]);
            let mut w: [f64; 3] =
                std::array::from_fn(|i| libm::sqrt(policy.wander.returning(t.vel_cov_enu[i][i])) * g.normal());
            let n = if flat { 2 } else { 3 };
            let mut first = f64::INFINITY;
            for step in 0..=600 {
                if (0..n).map(|i| p[i] * p[i]).sum::<f64>() <= 150.0 * 150.0 {
                    first = f64::from(step) * dt;
                    break;
                }
                for i in 0..n {
                    let before = w[i];
                    w[i] = keep * w[i] + kick * g.normal();
                    p[i] += dt * (v[i] + 0.5 * (before + w[i]));
                }
            }
            for (count, horizon) in inside.iter_mut().zip([0.0, 30.0, 60.0, 120.0, 300.0]) {
                *count += u32::from(first <= horizon);
            }
        }
        inside.map(|k| f64::from(k) / f64::from(paths))
    }

    #[test]
    fn probabilities_agree_with_monte_carlo() {
        let mut g = Mix(2);
        let (mut worst, mut worst_straight) = (0.0f64, 0.0f64);
        for case in 0..40u64 {
            let far = 100.0 + 1_900.0 * g.unit();
            let (from, to) = (std::f64::consts::TAU * g.unit(), 0.35 * g.normal());
            let speed = 20.0 * g.unit();
            let at = [far * libm::sin(from), far * libm::cos(from), 120.0 * g.unit()];
            let vel = [-speed * libm::sin(from + to), -speed * libm::cos(from + to), 0.5 * g.normal()];
            let mut t = track(at, vel, T0);
            let (sp, sv) = (5.0 + 95.0 * g.unit() * g.unit(), 0.2 + 4.0 * g.unit() * g.unit());
            for i in 0..3 {
                t.cov_enu_m2[i][i] = sp * sp;
                t.vel_cov_enu[i][i] = sv * sv;
                t.cross_cov_enu[i][i] = 0.5 * sp * sv;
            }
            if case % 2 == 0 {
                t.place.alt_hae_m = None;
            }
            let calm = Policy {
                wander: crate::policy::Wander { sigma_mps: 0.0, manoeuvre_mps: 0.0, tau_s: 10.0 },
                ..Policy::default()
            };
            for (policy, worst) in [(Policy::default(), &mut worst), (calm, &mut worst_straight)] {
                let a = assess(&policy, &t, &post(), T0);
                let mc = monte_carlo(&t, &policy, case % 2 == 0, case + 1);
                let got = [a.p_now, a.p_within.s30, a.p_within.s60, a.p_within.s120, a.p_within.s300];
                for (got, mc) in got.iter().zip(mc) {
                    *worst = worst.max((got - mc).abs());
                }
            }
        }
        println!("largest error {worst:.3}, without straying {worst_straight:.3}");
        // 2,000 paths have a standard error of up to 0.011 themselves.
        assert!(worst < 0.05 && worst_straight < 0.05, "{worst} {worst_straight}");
    }

    // ---- properties ----

    prop_compose! {
        fn any_track()(
            east in -4_000.0..4_000.0f64, north in -4_000.0..4_000.0f64, up in 0.0..300.0f64,
            ve in -25.0..25.0f64, vn in -25.0..25.0f64, sp in 2.0..200.0f64, sv in 0.1..8.0f64,
            existence in 0.1..1.0f64, height in any::<bool>(),
        ) -> Track {
            let mut t = track([east, north, up], [ve, vn, 0.0], T0);
            for i in 0..3 {
                t.cov_enu_m2[i][i] = sp * sp;
                t.vel_cov_enu[i][i] = sv * sv;
            }
            if !height { t.place.alt_hae_m = None; }
            Track { existence, ..t }
        }
    }

    proptest! {
        /// Coming straight on, a tenth nearer is never less dangerous (a tenth: the fixed points leave steps of 1/256).
        #[test]
        fn nearer_head_on_is_never_a_lower_level(
            far in 200.0..6_000.0f64, speed in 2.0..25.0f64, towards in 0.0..360.0f64,
            sp in 2.0..60.0f64, sv in 0.05..3.0f64, nearer in 0.0..0.9f64,
        ) {
            let (s, c) = (libm::sin(towards.to_radians()), libm::cos(towards.to_radians()));
            let at = |d: f64| {
                let mut t = track([-d * s, -d * c, 0.0], [speed * s, speed * c, 0.0], T0);
                for i in 0..3 {
                    t.cov_enu_m2[i][i] = sp * sp;
                    t.vel_cov_enu[i][i] = sv * sv;
                }
                judged(&t)
            };
            let (a, b) = (at(far), at(far * nearer));
            prop_assert!(b.level >= a.level, "{a:?}\n{b:?}");
            prop_assert!(b.earliest_s <= a.earliest_s);
        }

        /// The same scene elsewhere on Earth is the same danger.
        #[test]
        fn a_scene_moved_elsewhere_is_the_same_danger(t in any_track(), lat in -60.0..60.0f64, lon in -179.0..179.0f64) {
            let elsewhere = Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(20.0) };
            // Rebuilt from the flat offsets, so that a height unknown is unknown there too.
            let known = Place { alt_hae_m: t.place.alt_hae_m.or(HOME.alt_hae_m), ..t.place };
            let offset = Enu::at(HOME).from_place(known);
            let mut moved = t.clone();
            moved.place = Enu::at(elsewhere).to_place(offset);
            if t.place.alt_hae_m.is_none() { moved.place.alt_hae_m = None; }
            let a = judged(&t);
            let b = assess(&Policy::default(), &moved, &Protected { at: elsewhere, ..post() }, T0);
            // With the height unknown the frame's own height stands in, and a metre of it shrinks a kilometre by 0.2 mm.
            prop_assert!((a.distance_m - b.distance_m).abs() < 1.0, "{a:?}\n{b:?}");
            prop_assert!((a.earliest_s - b.earliest_s).abs() < 0.1 && (a.cpa_m - b.cpa_m).abs() < 1.0);
            prop_assert!((a.p_within.s120 - b.p_within.s120).abs() < 0.02, "{a:?}\n{b:?}");
        }

        #[test]
        fn probabilities_are_ones_and_grow_with_time(t in any_track()) {
            let a = judged(&t);
            let p = [0.0, a.p_now, a.p_within.s30, a.p_within.s60, a.p_within.s120, a.p_within.s300, t.existence];
            prop_assert!(p.windows(2).all(|w| w[0] <= w[1]), "{a:?}");
        }

        /// Sparing the sampling changes nothing that counts.
        #[test]
        fn what_cannot_reach_would_sample_to_nothing(t in any_track(), out in 1.0..8.0f64) {
            let joint = Joint::new(&Policy::default(), &t, 0.0, 10.0, 40.0);
            let mut r = Enu::at(HOME).from_place(t.place);
            for x in &mut r { *x *= out; }
            if joint.cannot_reach(r, t.vel_enu_mps, 150.0) {
                let ahead = Policy::default().horizons();
                let p = shares::<6>(&joint.factor([0, 1, 2, 3, 4, 5]), r, t.vel_enu_mps, 150.0, &ahead);
                prop_assert!(p.iter().all(|p| *p <= 0.008), "{p:?}");
            }
        }

        /// No motion within the limits beats the earliest time: tried with full thrust towards the place.
        #[test]
        fn nothing_within_the_limits_is_sooner(
            far in 160.0..3_000.0f64, speed in 0.0..25.0f64, heading in 0.0..360.0f64,
        ) {
            let limits = limits(Some(AirClass::Rotor));
            let (mut x, mut y) = (far, 0.0);
            let (mut vx, mut vy) = (speed * libm::sin(heading.to_radians()), speed * libm::cos(heading.to_radians()));
            let bound = earliest_s(far - 150.0, -vx, limits);
            let (dt, mut t) = (0.01, 0.0);
            while libm::hypot(x, y) > 150.0 && t < 1_000.0 {
                let d = libm::hypot(x, y);
                vx -= limits.accel_mps2 * dt * x / d;
                vy -= limits.accel_mps2 * dt * y / d;
                let s = libm::hypot(vx, vy);
                if s > limits.speed_mps { vx *= limits.speed_mps / s; vy *= limits.speed_mps / s; }
                x += vx * dt;
                y += vy * dt;
                t += dt;
            }
            prop_assert!(t + 0.05 >= bound, "{t} {bound}");
        }
    }

    #[test]
    fn nonsense_is_not_sound_and_extremes_do_not_panic() {
        let good = track([0.0, 1_000.0, 50.0], [0.0, -10.0, 0.0], T0);
        assert!(is_sound(&good));
        let mut bad = good.clone();
        bad.cov_enu_m2[1][1] = f64::NAN;
        assert!(!is_sound(&bad));
        let mut bad = good.clone();
        bad.vel_enu_mps[0] = f64::INFINITY;
        assert!(!is_sound(&bad));
        assert!(!is_sound(&Track { existence: f64::NAN, ..good.clone() }));
        let mut odd = good.clone();
        odd.cov_enu_m2 = [[-1e14; 3]; 3];
        odd.vel_cov_enu = [[1e10; 3]; 3];
        assert!(is_sound(&odd));
        let a = judged(&odd);
        assert!(a.p_within.s300.is_finite() && a.distance_m.is_finite(), "{a:?}");
        let over = Track { place: HOME, ..good };
        assert!(judged(&over).distance_m < 1e-3);
    }
}
