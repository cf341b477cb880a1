//! Trust: evidence that speaks against what a track claims.
//!
//! Additive and never a verdict: two independent kinds make a track *suspect*, and a suspect track is shown and warned
//! of like any other, since a false Remote ID is itself a warning and a real drone may have a bad receiver.

pub(crate) mod flood;
pub(crate) mod radio;
pub(crate) mod word;

pub use flood::{Flood, Floods};
pub use radio::Radios;
pub(crate) use word::Word;

use crate::{identity::Fix, settings::TrustSettings};
use serde::{Deserialize, Serialize};
use skypicket_model::{Observation, Time, kinematics::AirClass, observation::IdKind, track::Evidence};

/// A kind of evidence. Each has a cause of its own, so that two kinds are two reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The same identity at the same time in two places.
    DuplicateIdentity,
    /// One emitter claims two places that its class cannot fly between.
    ImpliedSpeed,
    /// The claimed time is not the time of reception.
    ClockSuspect,
    /// The claimed place is beyond what the receiver can hear.
    FarFromReceiver,
    /// Far too loud for the claimed distance.
    TooLoud,
    /// Claims an operator where nobody could fly it from.
    OperatorFar,
    /// Claims an operator who moves faster than people do.
    OperatorJumps,
    /// Claims to fly, and to be where it was.
    StandsStill,
    /// Equally loud however far away it claims to be.
    SteadySignal,
    /// One of many names that take turns, equally loud: one transmitter makes them up.
    OneRadio,
    /// One of a flood of new names.
    IdentityFlood,
}

impl Doubt {
    /// Its word on the outside.
    pub fn word(self) -> &'static str {
        match self {
            Self::DuplicateIdentity => "duplicate_identity",
            Self::ImpliedSpeed => "implied_speed",
            Self::ClockSuspect => "clock_suspect",
            Self::FarFromReceiver => "far_from_receiver",
            Self::TooLoud => "too_loud",
            Self::OperatorFar => "operator_far",
            Self::OperatorJumps => "operator_jumps",
            Self::StandsStill => "stands_still",
            Self::SteadySignal => "steady_signal",
            Self::OneRadio => "one_radio",
            Self::IdentityFlood => skypicket_model::track::IDENTITY_FLOOD,
        }
    }

    /// Its weight.
    pub fn weight(self) -> f64 {
        match self {
            Self::DuplicateIdentity => 2.0,
            Self::ImpliedSpeed
            | Self::FarFromReceiver
            | Self::TooLoud
            | Self::OperatorFar
            | Self::OperatorJumps
            | Self::StandsStill
            | Self::SteadySignal
            | Self::OneRadio => 1.0,
            // Half of all home-made senders have no clock, and a real one may come while a flood is on.
            Self::ClockSuspect | Self::IdentityFlood => 0.5,
        }
    }
}

/// The doubts about one track, each with when it was last seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Doubts(Vec<(Doubt, Time)>);

impl Doubts {
    /// Seen (again).
    pub(crate) fn note(&mut self, doubt: Doubt, now: Time) {
        match self.0.iter_mut().find(|d| d.0 == doubt) {
            Some(d) => d.1 = now,
            None => self.0.push((doubt, now)),
        }
        self.0.sort_unstable_by_key(|d| d.0);
    }

    /// Those of another track that is the same thing.
    pub(crate) fn join(&mut self, other: &Self) {
        for (doubt, at) in &other.0 {
            let latest = self.0.iter().find(|d| d.0 == *doubt).map_or(*at, |d| d.1.max(*at));
            self.note(*doubt, latest);
        }
    }

    /// The doubts still held at `now`.
    pub fn held(&self, now: Time, hold_s: f64) -> Vec<Evidence> {
        let held = self.0.iter().filter(|d| now.since_s(d.1) <= hold_s);
        held.map(|d| Evidence { kind: d.0.word().into(), weight: d.0.weight() }).collect()
    }

    /// Any are held at `now`.
    pub fn any(&self, now: Time, hold_s: f64) -> bool {
        self.0.iter().any(|d| now.since_s(d.1) <= hold_s)
    }

    /// This one is held at `now`.
    pub fn holds(&self, doubt: Doubt, now: Time, hold_s: f64) -> bool {
        self.0.iter().any(|d| d.0 == doubt && now.since_s(d.1) <= hold_s)
    }
}

/// What one observation of a claimed place says by itself.
pub(crate) fn of_claim(o: &Observation, s: &TrustSettings) -> Vec<Doubt> {
    let mut found = Vec::new();
    let lag = o.claims.claimed_at.map(|c| o.received_at.since_s(c));
    if o.flags.iter().any(|f| f == "clock_suspect") || lag.is_some_and(|l| l < -s.lead_s || l > s.lag_s) {
        found.push(Doubt::ClockSuspect);
    }
    if let (Some(at), Some(receiver)) = (o.measurement.position(), o.signal.receiver_at.and_then(|p| p.check().ok())) {
        let (distance, _) = receiver.distance_and_bearing(at);
        let reach = match o.signal.transport.as_deref() {
            Some("ble_legacy") => Some(s.ble_reach_m),
            Some(t) if t.starts_with("wifi") || t.starts_with("ble") => Some(s.wifi_reach_m),
            _ => None,
        };
        if reach.is_some_and(|r| distance > r) {
            found.push(Doubt::FarFromReceiver);
        }
        if reach.is_some() && o.signal.rssi_dbm.is_some_and(|p| p > s.loud_dbm) && distance > 1_000.0 {
            found.push(Doubt::TooLoud);
        }
    }
    found
}

/// Whether an emitter's two claimed places are too far apart for what it is, by receive time (a forger can freeze the
/// time it claims, not ours).
pub(crate) fn jumped(before: &Fix, after: &Fix, limit_mps: f64, s: &TrustSettings) -> bool {
    let (distance, _) = before.place.distance_and_bearing(after.place);
    let dt = after.received_at.since_s(before.received_at).max(0.0);
    distance - s.slack_m - 3.0 * (before.sigma_m + after.sigma_m) > limit_mps * dt
}

/// The fastest that a class is taken to fly, m/s. An ICAO address is an aircraft's.
pub(crate) fn limit_mps(class: Option<AirClass>, o: &Observation, s: &TrustSettings) -> f64 {
    match class {
        Some(AirClass::Rotor) => s.rotor_mps,
        Some(AirClass::Crewed) => 350.0,
        _ if o.claims.id(IdKind::Icao).is_some() || o.signal.transport.as_deref() == Some("adsb") => 350.0,
        _ => s.other_mps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::Place;

    fn fix(lat: f64, t: f64) -> Fix {
        let at = Time::from_unix_s(t).unwrap();
        Fix { place: Place::new(lat, 8.0, None).unwrap(), sigma_m: 15.0, observed_at: at, received_at: at }
    }

    #[test]
    fn a_jump_is_measured_by_receive_time_after_what_the_accuracies_allow() {
        let s = TrustSettings::default();
        // 0.001 degree of latitude is 111 m; slack and accuracies allow 120 m.
        assert!(!jumped(&fix(47.0, 0.0), &fix(47.001, 0.1), 45.0, &s));
        assert!(jumped(&fix(47.0, 0.0), &fix(47.003, 0.1), 45.0, &s));
        assert!(!jumped(&fix(47.0, 0.0), &fix(47.003, 6.0), 45.0, &s));
    }

    #[test]
    fn doubts_fade() {
        let mut d = Doubts::default();
        let t = Time::from_unix_s(1_000.0).unwrap();
        d.note(Doubt::ClockSuspect, t);
        assert_eq!(d.held(t.plus_s(100.0), 120.0).len(), 1);
        assert!(d.held(t.plus_s(121.0), 120.0).is_empty());
    }
}
