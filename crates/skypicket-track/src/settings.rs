//! [`Settings`]: every number that the tracker goes by, with its unit, its default and why.

use crate::{measurement::Kind, sky};
use serde::{Deserialize, Serialize};
use skypicket_model::SourceId;
use std::collections::BTreeMap;

/// How a tracker behaves. A file names only what differs from the defaults; an unknown key is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// One sigma of each horizontal velocity of a new track, m/s. Default 15.
    pub start_speed_sigma_mps: f64,
    /// One sigma of the climb rate of a new track, m/s. Default 5.
    pub start_climb_sigma_mps: f64,
    /// Gate of a position or plot without identity, in sigmas. Default 4.
    pub gate_sigma: f64,
    /// Gate of a report whose address or identity already belongs to the track, in sigmas. Default 6.
    pub identity_gate_sigma: f64,
    /// Gate of a direction, as squared distance (a mixture's is minus twice its log likelihood against the peak).
    /// Default 9.5: a person off by 30° still joins the only drone there, one off by 50° starts another.
    pub ray_gate_d2: f64,
    /// Largest squared distance at which two tracks of one identity are one thing. Default 16 (99.9 % with three
    /// dimensions).
    pub merge_gate_d2: f64,
    /// Things appearing per m² that a report could be instead of the track it is compared with. Default 1e-7 (one in
    /// ten square kilometres).
    pub birth_density_per_m2: f64,
    /// False plots of a radar per scan and m². Default 1e-6; `sources` overrides it.
    pub clutter_density_per_m2: f64,
    /// Depth over which false plots and births are spread, metres. Default 1000.
    pub clutter_height_m: f64,
    /// Probability that a radar scan shows a target. Default 0.9; `sources` overrides it.
    pub detection_probability: f64,
    /// Existence from which a track is confirmed. Default 0.95.
    pub confirm: f64,
    /// Existence from which a track ends. Default 0.05.
    pub delete: f64,
    /// Plots that a track resting on radar alone needs before it is confirmed. Default 3.
    pub radar_confirm_plots: u32,
    /// Oldest report that still moves a track that has newer ones, seconds behind it: so much of each track is kept to be
    /// worked through again. What is older still says that it is there. Default 10.
    pub late_max_s: f64,
    /// Oldest report that is taken at all, seconds behind `now`. Default 120.
    pub stale_s: f64,
    /// Two plots of one radar closer in time than this are of one scan, and not of one thing, seconds. Default 0.05.
    pub same_scan_s: f64,
    /// Farthest that a direction without a range reaches, metres. Default 10000.
    pub ray_reach_m: f64,
    /// Directions without range or track that are remembered. Default 256, oldest out first.
    pub unresolved_max: usize,
    /// How long they are remembered, seconds. Default 60.
    pub unresolved_s: f64,
    /// Smallest angle between two directions that may start a track where they cross, degrees. Default 15.
    pub crossing_min_deg: f64,
    /// How long a link-layer address means the same emitter, seconds. Default 60.
    pub address_s: f64,
    /// Emitters remembered. Default 50000, oldest out first.
    pub emitters_max: usize,
    /// Live tracks at most. Default 20000; beyond it the least trusted of those that only claim to be there makes room, and where
    /// there is none no track starts and the refusal is counted.
    pub max_tracks: usize,
    /// Tracks of `max_tracks` kept for what people report. Default 1000.
    pub people_reserve: usize,
    /// How each kind of report makes and keeps a track.
    pub kinds: Kinds,
    /// What differs for a single source.
    pub sources: BTreeMap<SourceId, SourceSettings>,
    /// Thresholds of the evidence about trust.
    pub trust: TrustSettings,
}

/// One [`KindSettings`] per kind of report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kinds {
    /// A position with an identity or an address (Remote ID, ADS-B, TAK). Default 0.9, 3 s, 10 s.
    pub cooperative: KindSettings,
    /// A bare position. Default 0.5, 3 s, 10 s.
    pub fix: KindSettings,
    /// A radar plot. Default 0.2, 1.5 s, 1.5 s.
    pub radar: KindSettings,
    /// A person's report. Default 0.6, 30 s, 60 s.
    pub person: KindSettings,
    /// A direction from a machine. Default 0.2, 3 s, 5 s.
    pub direction: KindSettings,
    /// A presence. It starts nothing; default 0.0, 3 s, 10 s.
    pub presence: KindSettings,
}

/// How a kind of report makes and keeps a track.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindSettings {
    /// Existence of a track that one such report starts, 0 to 1.
    pub start: f64,
    /// Silence that means nothing yet, seconds.
    pub interval_s: f64,
    /// Time constant with which existence falls after that, seconds.
    pub hold_s: f64,
}

/// What differs for one source. A value that is left out is that of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceSettings {
    /// False plots per scan and m².
    pub clutter_density_per_m2: Option<f64>,
    /// Probability that a scan shows a target.
    pub detection_probability: Option<f64>,
    /// Silence that means nothing yet, seconds: its scan time.
    pub interval_s: Option<f64>,
}

/// Thresholds of the evidence. All are judgement to be measured, none a verdict: two kinds make a track suspect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustSettings {
    /// Claimed speed by receive time that a rotor cannot fly, m/s. Default 45.
    pub rotor_mps: f64,
    /// The same for everything else that is not a crewed aircraft, m/s. Default 100.
    pub other_mps: f64,
    /// Distance allowed on top of the claimed accuracies, metres. Default 30.
    pub slack_m: f64,
    /// Claimed time may lead the receive time by so many seconds. Default 1.
    pub lead_s: f64,
    /// Claimed time may lag the receive time by so many seconds. Default 5.
    pub lag_s: f64,
    /// Farthest from the receiver that a Wi-Fi claim is plausible, metres. Default 20000.
    pub wifi_reach_m: f64,
    /// The same for Bluetooth legacy advertising, metres. Default 5000.
    pub ble_reach_m: f64,
    /// Received power that no claim from over 1 km away can have, dBm. Default -30.
    pub loud_dbm: f64,
    /// Two places of one identity at one time this far apart are two things, metres. Default 200.
    pub duplicate_m: f64,
    /// What counts as one time for that, seconds. Default 5.
    pub duplicate_s: f64,
    /// How long a piece of evidence is held after it was last seen, seconds. Default 120.
    pub hold_s: f64,
    /// Farthest that an operator can be from the drone, metres. Default 15000.
    pub operator_m: f64,
    /// Fastest that an operator can move, m/s. Default 50.
    pub operator_mps: f64,
    /// Short by so much of what the claimed speeds would have flown, and of three quarters of it, it stands still, metres.
    /// Default 150: real ones repeat a place for up to 1.6 s.
    pub still_m: f64,
    /// Frames over which a signal that stays the same is held against claimed distances. Default 20.
    pub steady_frames: u32,
    /// Swing of 20 log10 of the claimed distance from which that says something, dB. Default 12.
    pub steady_range_db: f64,
    /// Swing of the received power up to which it is the same, dB. Default 3.
    pub steady_db: f64,
    /// Names that take turns from which on they are one radio. Default 5.
    pub one_radio_names: usize,
    /// Spread of their received power up to which they can be, dB. Default 6.
    pub one_radio_db: f64,
    /// Time within which they take their turns, seconds. Default 60.
    pub one_radio_s: f64,
    /// Silence after which a turn is over, seconds. Default 5.
    pub turn_gap_s: f64,
    /// New names of one source within some ten seconds that are a flood. Default 50.
    pub flood_names: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start_speed_sigma_mps: 15.0,
            start_climb_sigma_mps: 5.0,
            gate_sigma: 4.0,
            identity_gate_sigma: 6.0,
            ray_gate_d2: 9.5,
            merge_gate_d2: 16.0,
            birth_density_per_m2: 1e-7,
            clutter_density_per_m2: 1e-6,
            clutter_height_m: 1_000.0,
            detection_probability: 0.9,
            confirm: 0.95,
            delete: 0.05,
            radar_confirm_plots: 3,
            late_max_s: 10.0,
            stale_s: 120.0,
            same_scan_s: 0.05,
            ray_reach_m: 10_000.0,
            unresolved_max: 256,
            unresolved_s: 60.0,
            crossing_min_deg: 15.0,
            address_s: 60.0,
            emitters_max: 50_000,
            max_tracks: 20_000,
            people_reserve: 1_000,
            kinds: Kinds::default(),
            sources: BTreeMap::new(),
            trust: TrustSettings::default(),
        }
    }
}

impl Default for Kinds {
    fn default() -> Self {
        let kind = |start, interval_s, hold_s| KindSettings { start, interval_s, hold_s };
        Self {
            cooperative: kind(0.9, 3.0, 10.0),
            fix: kind(0.5, 3.0, 10.0),
            radar: kind(0.2, 1.5, 1.5),
            person: kind(0.6, 30.0, 60.0),
            direction: kind(0.2, 3.0, 5.0),
            presence: kind(0.0, 3.0, 10.0),
        }
    }
}

impl Default for TrustSettings {
    fn default() -> Self {
        Self {
            rotor_mps: 45.0,
            other_mps: 100.0,
            slack_m: 30.0,
            lead_s: 1.0,
            lag_s: 5.0,
            wifi_reach_m: 20_000.0,
            ble_reach_m: 5_000.0,
            loud_dbm: -30.0,
            duplicate_m: 200.0,
            duplicate_s: 5.0,
            hold_s: 120.0,
            operator_m: 15_000.0,
            operator_mps: 50.0,
            still_m: 150.0,
            steady_frames: 20,
            steady_range_db: 12.0,
            steady_db: 3.0,
            one_radio_names: 5,
            one_radio_db: 6.0,
            one_radio_s: 60.0,
            turn_gap_s: 5.0,
            flood_names: 50.0,
        }
    }
}

/// A track of which nothing was measured for so long is over, seconds: where it would be by now says nothing.
pub(crate) const FORGET_S: f64 = 1_000.0;

/// A setting that the tracker cannot work with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("track setting {name} = {value}: must be {must_be}")]
pub struct SettingsProblem {
    /// Its key.
    pub name: String,
    /// What was given.
    pub value: f64,
    /// What it must be.
    pub must_be: &'static str,
}

/// Settings that there were, and why they are no more. A configuration that names one is refused with this; in old records
/// they are passed over.
pub const RETIRED: [(&str, &str); 3] = [
    (
        "q_horizontal",
        "how things move is no setting any more: quiet flight and manoeuvre are weighed against each other",
    ),
    ("q_vertical", "how things move is no setting any more: quiet flight and manoeuvre are weighed against each other"),
    ("recentre_m", "tracks need no frames of their own any more"),
];

impl Settings {
    /// The settings of a kind.
    pub fn kind(&self, kind: Kind) -> &KindSettings {
        match kind {
            Kind::Cooperative => &self.kinds.cooperative,
            Kind::Fix => &self.kinds.fix,
            Kind::Radar => &self.kinds.radar,
            Kind::Person => &self.kinds.person,
            Kind::Direction => &self.kinds.direction,
            Kind::Presence => &self.kinds.presence,
        }
    }

    /// Silence of a source that means nothing yet, seconds.
    pub fn interval_s(&self, kind: Kind, source: &SourceId) -> f64 {
        self.sources.get(source).and_then(|s| s.interval_s).unwrap_or(self.kind(kind).interval_s)
    }

    /// What these mean for the engine.
    pub fn sky(&self) -> sky::Settings {
        let engine = sky::Settings::default();
        let high = self.clutter_height_m.min(1e5);
        sky::Settings {
            unknown_speed: [self.start_speed_sigma_mps, self.start_climb_sigma_mps],
            unnoticed: self.birth_density_per_m2,
            low: (engine.low.0, engine.low.1.min(high)),
            high,
            gate: self.gate_sigma * self.gate_sigma,
            rewind: self.late_max_s,
            tracks: self.max_tracks.clamp(1, 1_000_000),
            forget: FORGET_S,
            ..engine
        }
    }

    /// Checks that every number is finite and within what the tracker can work with; to be called where a
    /// configuration is read.
    pub fn check(&self) -> Result<(), SettingsProblem> {
        let positive = |name: &str, value: f64| {
            let fine = value.is_finite() && value > 0.0 && value <= 1e7;
            let problem = || SettingsProblem { name: name.into(), value, must_be: "over 0 and at most 1e7" };
            fine.then_some(()).ok_or_else(problem)
        };
        let share = |name: &str, value: f64| {
            let problem = || SettingsProblem { name: name.into(), value, must_be: "from 0 to under 1" };
            (0.0..1.0).contains(&value).then_some(()).ok_or_else(problem)
        };
        for (name, value) in [
            ("start_speed_sigma_mps", self.start_speed_sigma_mps),
            ("start_climb_sigma_mps", self.start_climb_sigma_mps),
            ("gate_sigma", self.gate_sigma),
            ("identity_gate_sigma", self.identity_gate_sigma),
            ("ray_gate_d2", self.ray_gate_d2),
            ("merge_gate_d2", self.merge_gate_d2),
            ("birth_density_per_m2", self.birth_density_per_m2),
            ("clutter_density_per_m2", self.clutter_density_per_m2),
            ("clutter_height_m", self.clutter_height_m),
            ("late_max_s", self.late_max_s),
            ("stale_s", self.stale_s),
            ("same_scan_s", self.same_scan_s),
            ("ray_reach_m", self.ray_reach_m),
            ("unresolved_s", self.unresolved_s),
            ("crossing_min_deg", self.crossing_min_deg),
            ("address_s", self.address_s),
            ("trust.rotor_mps", self.trust.rotor_mps),
            ("trust.other_mps", self.trust.other_mps),
            ("trust.slack_m", self.trust.slack_m),
            ("trust.lead_s", self.trust.lead_s),
            ("trust.lag_s", self.trust.lag_s),
            ("trust.wifi_reach_m", self.trust.wifi_reach_m),
            ("trust.ble_reach_m", self.trust.ble_reach_m),
            ("trust.duplicate_m", self.trust.duplicate_m),
            ("trust.duplicate_s", self.trust.duplicate_s),
            ("trust.hold_s", self.trust.hold_s),
            ("trust.operator_m", self.trust.operator_m),
            ("trust.operator_mps", self.trust.operator_mps),
            ("trust.still_m", self.trust.still_m),
            ("trust.steady_range_db", self.trust.steady_range_db),
            ("trust.steady_db", self.trust.steady_db),
            ("trust.one_radio_db", self.trust.one_radio_db),
            ("trust.one_radio_s", self.trust.one_radio_s),
            ("trust.turn_gap_s", self.trust.turn_gap_s),
            ("trust.flood_names", self.trust.flood_names),
        ] {
            positive(name, value)?;
        }
        for (name, value) in [
            ("trust.steady_frames", f64::from(self.trust.steady_frames)),
            ("trust.one_radio_names", self.trust.one_radio_names as f64),
        ] {
            if value < 2.0 {
                return Err(SettingsProblem { name: name.into(), value, must_be: "at least 2" });
            }
        }
        if !self.trust.loud_dbm.is_finite() {
            return Err(SettingsProblem {
                name: "trust.loud_dbm".into(),
                value: self.trust.loud_dbm,
                must_be: "finite",
            });
        }
        for (name, value) in
            [("detection_probability", self.detection_probability), ("confirm", self.confirm), ("delete", self.delete)]
        {
            share(name, value)?;
        }
        let k = &self.kinds;
        for (name, kind) in [
            ("cooperative", k.cooperative),
            ("fix", k.fix),
            ("radar", k.radar),
            ("person", k.person),
            ("direction", k.direction),
            ("presence", k.presence),
        ] {
            share(&format!("kinds.{name}.start"), kind.start)?;
            positive(&format!("kinds.{name}.interval_s"), kind.interval_s)?;
            positive(&format!("kinds.{name}.hold_s"), kind.hold_s)?;
        }
        for (source, s) in &self.sources {
            s.clutter_density_per_m2
                .map_or(Ok(()), |v| positive(&format!("sources.{source}.clutter_density_per_m2"), v))?;
            s.detection_probability.map_or(Ok(()), |v| share(&format!("sources.{source}.detection_probability"), v))?;
            s.interval_s.map_or(Ok(()), |v| positive(&format!("sources.{source}.interval_s"), v))?;
        }
        for (name, value, most, must_be) in [
            ("late_max_s", self.late_max_s, FORGET_S, "over 0 and at most 1000"),
            // What made a report is remembered for so long, so that it can be worked through again.
            ("stale_s", self.stale_s, FORGET_S, "over 0 and at most 1000"),
            ("gate_sigma", self.gate_sigma, 30.0, "over 0 and at most 30"),
            ("start_speed_sigma_mps", self.start_speed_sigma_mps, 1e3, "over 0 and at most 1000"),
            ("start_climb_sigma_mps", self.start_climb_sigma_mps, 1e3, "over 0 and at most 1000"),
            ("birth_density_per_m2", self.birth_density_per_m2, 1.0, "over 0 and at most 1"),
            ("clutter_height_m", self.clutter_height_m, 1e5, "over 0 and at most 1e5"),
        ] {
            if value > most {
                return Err(SettingsProblem { name: name.into(), value, must_be });
            }
        }
        let engine = self.sky().check().err();
        engine.map_or(Ok(()), |e| {
            Err(SettingsProblem { name: e.name.into(), value: e.value, must_be: "what the engine can work with" })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_fine_and_nonsense_is_named() {
        assert_eq!(Settings::default().check(), Ok(()));
        let bad = Settings { late_max_s: f64::NAN, ..Settings::default() };
        assert_eq!(bad.check().unwrap_err().name, "late_max_s");
    }

    #[test]
    fn what_the_sky_cannot_work_with_is_named() {
        for (name, bad) in [
            ("late_max_s", Settings { late_max_s: 1_001.0, ..Settings::default() }),
            ("stale_s", Settings { stale_s: 1_001.0, ..Settings::default() }),
            ("gate_sigma", Settings { gate_sigma: 31.0, ..Settings::default() }),
            ("birth_density_per_m2", Settings { birth_density_per_m2: 2.0, ..Settings::default() }),
        ] {
            assert_eq!(bad.check().unwrap_err().name, name);
        }
        // Whatever passes makes a sky.
        let edge = Settings { clutter_height_m: 1.0, late_max_s: 1_000.0, max_tracks: 0, ..Settings::default() };
        assert_eq!(edge.check(), Ok(()));
        assert!(sky::Sky::world(edge.sky()).is_ok());
    }

    #[test]
    fn a_file_names_only_what_differs_and_an_unknown_key_is_refused() {
        let s: Settings =
            serde_json::from_str(r#"{"gate_sigma": 5.0, "sources": {"r1": {"interval_s": 4.0}}}"#).unwrap();
        assert!((s.gate_sigma - 5.0).abs() < 1e-12 && (s.confirm - 0.95).abs() < 1e-12);
        assert!(serde_json::from_str::<Settings>(r#"{"gate_sigmas": 5.0}"#).is_err());
    }
}
