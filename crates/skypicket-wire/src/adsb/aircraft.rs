//! [`Aircraft`]: what is known of one aircraft from its transponder, whoever decoded it.

use crate::{
    feed::Moment,
    relayed::{Flags, Reception, add, known, position, shown, velocity},
};
use serde_json::{Value, json};
use skypicket_model::{
    Claims, Measurement, Observation, ObservationId, Place, Signal, Time,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
};

/// Oldest position that is still an observation, seconds.
pub const MAX_AGE_S: f64 = 60.0;
/// A receiver's clock is used while it is so near ours, seconds ahead and behind.
const CLOCK_S: std::ops::RangeInclusive<f64> = -1.0..=30.0;
/// One sigma of a position whose accuracy is not said, metres.
const SIGMA_UNKNOWN_M: f64 = 50.0;
/// One sigma of a position by multilateration or radar (TIS-B), metres.
const SIGMA_MLAT_M: f64 = 150.0;
/// One sigma of a geometric height, metres (GVA 2: 45 m at 95 %).
const SIGMA_HEIGHT_M: f64 = 23.0;
/// A circle of radius `2.45 σ` holds 95 % of a two-dimensional normal (the root of χ²₂ at 0.95).
const SIGMAS_95_PLANE: f64 = 2.45;

/// One aircraft.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Aircraft {
    /// 24-bit address of ICAO; `None` where the address is of another kind.
    pub icao: Option<u32>,
    /// The address as the receiver writes it.
    pub address: Option<String>,
    /// Flight identification.
    pub callsign: Option<String>,
    /// Registration, by the receiver's own tables.
    pub registration: Option<String>,
    /// Mode A code, four octal digits.
    pub squawk: Option<String>,
    /// Emitter category, `A0` to `C7` (B6 is a drone, C are surface vehicles and obstacles).
    pub category: Option<String>,
    /// Whether it is on the ground.
    pub on_ground: Option<bool>,
    /// Latitude and longitude, degrees.
    pub position: Option<(f64, f64)>,
    /// Age of the position at `at`, seconds.
    pub position_age_s: Option<f64>,
    /// Pressure altitude, metres against 1013.25 hPa.
    pub alt_baro_m: Option<f64>,
    /// Altitude, metres above the WGS-84 ellipsoid.
    pub alt_hae_m: Option<f64>,
    /// Ground speed, m/s.
    pub speed_mps: Option<f64>,
    /// Track over ground from true north clockwise, degrees, 0 to under 360.
    pub track_deg: Option<f64>,
    /// Vertical rate, m/s, up positive.
    pub vertical_mps: Option<f64>,
    /// Navigation accuracy category of the position, 0 to 11.
    pub nac_p: Option<u8>,
    /// Radius of containment, metres.
    pub containment_m: Option<f64>,
    /// `adsb`, `mlat`, `tisb`, `adsr`, `mode_s`.
    pub via: Option<&'static str>,
    /// Emergency in the receiver's word.
    pub emergency: Option<String>,
    /// Received power, dB below full scale: no dBm.
    pub rssi_dbfs: Option<f64>,
    /// When the receiver said so, by its own clock.
    pub at: Option<Time>,
    /// Findings.
    pub flags: Flags,
}

/// Metres of a foot.
pub const FOOT_M: f64 = 0.3048;
/// Metres per second of a knot.
pub const KNOT_MPS: f64 = 1852.0 / 3600.0;

impl Aircraft {
    /// With impossible values made unknown and flagged.
    #[must_use]
    pub fn checked(self) -> Self {
        let mut flags = self.flags;
        let f = &mut flags;
        let height = -1_500.0..=60_000.0;
        let mut a = Self {
            icao: self.icao.filter(|i| *i <= 0xFF_FFFF),
            position: position(self.position, f),
            alt_baro_m: known(self.alt_baro_m, None, height.clone(), "alt_baro_out_of_range", f),
            alt_hae_m: known(self.alt_hae_m, None, height, "alt_hae_out_of_range", f),
            speed_mps: known(self.speed_mps, None, 0.0..=1_200.0, "speed_out_of_range", f),
            track_deg: known(self.track_deg, None, 0.0..=360.0, "track_out_of_range", f)
                .map(|t| if t >= 360.0 { 0.0 } else { t }),
            vertical_mps: known(self.vertical_mps, None, -200.0..=200.0, "vertical_rate_out_of_range", f),
            position_age_s: known(self.position_age_s, None, 0.0..=1e9, "position_age_out_of_range", f),
            containment_m: self.containment_m.filter(|c| c.is_finite() && *c > 0.0),
            rssi_dbfs: self.rssi_dbfs.filter(|r| r.is_finite()),
            nac_p: self.nac_p.filter(|n| *n <= 11),
            flags: Flags::new(),
            ..self
        };
        match a.via {
            Some("mlat") => add(&mut flags, "mlat"),
            Some("tisb") => add(&mut flags, "tisb"),
            _ => {}
        }
        if a.is_surface_vehicle() {
            add(&mut flags, "surface_vehicle");
        }
        a.flags = flags;
        a
    }

    /// Emitter categories C: vehicles and obstacles, no aircraft.
    pub fn is_surface_vehicle(&self) -> bool {
        self.category.as_deref().is_some_and(|c| c.starts_with('C') && c != "C0")
    }

    /// Emitter category B6: unmanned.
    pub fn is_uav(&self) -> bool {
        self.category.as_deref() == Some("B6")
    }

    /// The message as an object.
    pub fn to_json(&self) -> Value {
        json!({
            "msg": "aircraft", "icao": self.icao.map(|i| format!("{i:06x}")), "address": self.address,
            "callsign": self.callsign, "registration": self.registration, "squawk": self.squawk,
            "category": self.category, "on_ground": self.on_ground,
            "lat_deg": self.position.map(|p| p.0), "lon_deg": self.position.map(|p| p.1),
            "position_age_s": self.position_age_s, "alt_baro_m": self.alt_baro_m, "alt_hae_m": self.alt_hae_m,
            "speed_mps": self.speed_mps, "track_deg": self.track_deg, "vertical_mps": self.vertical_mps,
            "nac_p": self.nac_p, "containment_m": self.containment_m, "via": self.via, "emergency": self.emergency,
            "rssi_dbfs": self.rssi_dbfs, "time_unix": self.at.map(Time::unix_s), "flags": self.flags,
        })
    }

    /// One sigma of its position, metres, and whether that was said.
    fn sigma_m(&self) -> (f64, bool) {
        // 95 % bounds of NACp 1 to 11 (DO-260B table 2-70); categories 1 to 11 are those of Remote ID's accuracy codes.
        let epu = self.nac_p.and_then(|n| {
            crate::relayed::Location { horiz_acc: Some(n), ..crate::relayed::Location::default() }.horizontal_bound_m()
        });
        let by_radar = matches!(self.via, Some("mlat" | "tisb"));
        let said = epu.or(self.containment_m).map(|b| b / SIGMAS_95_PLANE);
        match (said, by_radar) {
            (Some(s), false) => (s, true),
            (Some(s), true) => (s.max(SIGMA_MLAT_M), true),
            (None, true) => (SIGMA_MLAT_M, false),
            (None, false) => (SIGMA_UNKNOWN_M, false),
        }
    }

    /// When it was where it says: the receiver's time less the age of the position, where its clock is plausible.
    pub fn observed_at(&self, received_at: Time, flags: &mut Flags) -> Time {
        let said = match self.at {
            Some(t) if CLOCK_S.contains(&received_at.since_s(t)) => t,
            Some(_) => {
                add(flags, "receiver_clock_suspect");
                received_at
            }
            None => received_at,
        };
        said.plus_s(-self.position_age_s.unwrap_or(0.0)).min(received_at)
    }

    /// The observation that it makes; `None` for what is no aircraft, has no position (unless it says that it is a drone),
    /// or an old one.
    ///
    /// Whatever says nothing of its category counts as crewed, with a flag: nearly all that has a transponder is, and an
    /// airliner must not be warned of as a drone. Category B6 is a drone of unknown kind.
    pub fn observe(&self, reception: &Reception, at: &mut Moment<'_>) -> Option<Observation> {
        if self.is_surface_vehicle() || (self.position.is_none() && !self.is_uav()) {
            return None;
        }
        let mut flags = self.flags.clone();
        let observed_at = self.observed_at(at.received_at, &mut flags);
        if at.received_at.since_s(observed_at) > MAX_AGE_S {
            return None;
        }
        let receiver_at = reception.receiver_at.or(at.receiver_at);
        let measurement = match self.position {
            Some((lat, lon)) => {
                let (sigma, said) = self.sigma_m();
                if !said {
                    add(&mut flags, "accuracy_unknown");
                }
                let place = Place::new(lat, lon, self.alt_hae_m).ok()?;
                let var_v = place.alt_hae_m.map_or(0.0, |_| SIGMA_HEIGHT_M.powi(2));
                let (v, zero) = (sigma.powi(2), 0.0);
                Measurement::Position { at: place, cov_enu_m2: [[v, zero, zero], [zero, v, zero], [zero, zero, var_v]] }
            }
            None => Measurement::Presence { from: receiver_at, radius_m: None },
        };
        let class = if self.is_uav() {
            add(&mut flags, "category_uav");
            None
        } else {
            if self.category.as_deref().is_none_or(|c| c.ends_with('0')) {
                add(&mut flags, "category_unknown");
            }
            Some(AirClass::Crewed)
        };
        let status = if self.emergency.is_some() {
            Some("emergency")
        } else {
            self.on_ground.map(|g| if g { "ground" } else { "airborne" })
        };
        flags.sort_unstable();
        Some(Observation {
            id: ObservationId((at.new_id)()),
            source: at.source.clone(),
            observed_at,
            received_at: at.received_at,
            measurement,
            claims: Claims {
                ids: self.icao.map(|i| IdClaim { kind: IdKind::Icao, value: format!("{i:06X}") }).into_iter().collect(),
                class,
                velocity_enu_mps: velocity(self.speed_mps, self.track_deg, self.vertical_mps),
                alt_baro_m: self.alt_baro_m,
                status: status.map(str::to_owned),
                text: self.callsign.as_deref().and_then(|c| shown(c.as_bytes())),
                claimed_at: self.at.map(|t| t.plus_s(-self.position_age_s.unwrap_or(0.0))),
                ..Claims::default()
            },
            signal: Signal {
                transport: Some("adsb".into()),
                address: self.address.clone().or_else(|| self.icao.map(|i| format!("{i:06x}"))),
                rssi_dbm: None,
                counter: None,
                receiver_at,
            },
            sighting: None,
            flags: flags.into_iter().map(str::to_owned).collect(),
        })
    }
}
