//! The `observation` line: one observation as one line of JSON, for feeds (newline JSON over UDP and TCP) and for what a
//! replay prints.
//!
//! # The line
//! ```json
//! {"type":"observation","t":1700000000.25,"id":"018b…","source":"radar-1","transport":"radar",
//!  "claims":{"ids":[{"kind":"serial","value":"1ABC"}],"class":"rotor"},"lla":[31.76,-106.49,1200.0],
//!  "cov_enu_m2":[[100,0,0],[0,100,0],[0,0,225]]}
//! ```
//! | field | meaning |
//! |---|---|
//! | `type` | always `observation`; may be left out on input |
//! | `t` | when it was so, Unix seconds UTC. More than a day off the moment of receipt: refused, `clock`. A little ahead of it: taken as received now, flag `clock_suspect` when over 2 s |
//! | `id` | UUID; made by the receiver where left out |
//! | `source` | a configured source id; the connection's own where left out; one that is not allowed there: refused, `source` |
//! | `transport` | bearer or feed (`radar`, `wifi_beacon` …), at most 32 characters; `json` where left out |
//! | `claims` | what the thing says of itself: the fields of [`Claims`]; besides, on input, one id may be written plainly as `serial`, `caa`, `utm`, `session`, `icao` or `tak_uid` |
//! | `signal` | optional: `address`, `rssi_dbm`, `counter`, `receiver_at` of [`Signal`] |
//! | `lla` | `[lat, lon, hae]`, WGS-84 degrees and metres above the ellipsoid; `hae` `null` or left out is unknown; `null` when the measurement is no position |
//! | `cov_enu_m2` | 3 × 3 covariance of `lla`, east-north-up, m², symmetric, sigmas 0.001 m to 100 km; left out: sigma 15 m on each known axis, flag `accuracy_unknown` |
//! | `rae` | instead of `lla`, a radar plot: `{"from":[lat,lon,hae],"range_m":…,"azimuth_deg":0..360,"elevation_deg":-90..90 or null,"sigma":[m,deg,deg]}`; without elevation `range_m` is horizontal and `sigma` may have two numbers |
//! | `bearing` | instead of `lla`, a direction: `{"from":[lat,lon,hae or null],"from_sigma_m":…,"azimuth_deg":…,"azimuth_error":[[weight,sigma_deg],…],"elevation_deg":[deg,sigma_deg] or null,"range":{"median_m":…,"sigma_ln":…} or null}`; weights sum to 1 |
//! | `presence` | instead of `lla`: `{"from":[lat,lon,hae or null] or null,"radius_m":… or null}`; with none of the four the thing is just heard, at `signal.receiver_at` where that is known |
//! | `flags` | what was doubtful; written, and on input taken over |
//!
//! Any other field is refused by its path, so that a typing error is seen at once.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use crate::json::{self, JsonError, Limits};
use serde_json::{Map, Value, json};
use skypicket_model::{
    Claims, LatLon, Measurement, Observation, ObservationId, Place, Signal, SourceId, Time,
    kinematics::AirClass,
    observation::{EnuCovariance, IdClaim, IdKind, LogNormalRange},
};
use std::collections::BTreeSet;

/// Sigma taken where a position comes without accuracy, metres.
pub const ASSUMED_SIGMA_M: f64 = 15.0;
/// Farthest that `t` may be from the moment of receipt, seconds.
pub const CLOCK_LIMIT_S: f64 = 86_400.0;
/// Ahead of receipt by more than this is flagged, seconds.
const CLOCK_SUSPECT_S: f64 = 2.0;

/// Whose observations a line may hold.
#[derive(Debug, Clone, Copy)]
pub enum Sources<'a> {
    /// Only the connection's own source.
    Own,
    /// The connection's own and these.
    Listed(&'a BTreeSet<SourceId>),
    /// Any: for replays.
    Any,
}

/// What a line does not say itself.
pub struct Context<'a> {
    /// The source when none is named.
    pub source: &'a SourceId,
    /// Which others may be named.
    pub sources: Sources<'a>,
    /// When its bytes came; `None` in a replay, where that is `t` itself.
    pub received_at: Option<Time>,
    /// Makes an id for a line without.
    pub make_id: &'a mut dyn FnMut() -> ObservationId,
    /// Set by [`decode`], also where it refuses the time: how far the line's clock is ahead of the receipt, seconds.
    pub ahead_s: Option<f64>,
}

/// Why a line was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LineError {
    /// It is not strict JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A field is missing, unknown or does not fit.
    #[error("{path}: {message}")]
    Field {
        /// Fixed word: `line_field`, `line_range`, `source`, `clock`, `line_type`.
        reason: &'static str,
        /// Where, as `claims.ids[0].kind`.
        path: String,
        /// What is wrong there.
        message: String,
    },
}

impl LineError {
    /// The fixed word to count it under.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Json(e) => e.kind.as_str(),
            Self::Field { reason, .. } => reason,
        }
    }

    /// Where in the line, bytes, where that is known.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Json(e) => Some(e.offset as u64),
            Self::Field { .. } => None,
        }
    }
}

// ---- writing ----

/// The line of an observation.
pub fn encode(o: &Observation) -> Value {
    let mut line = json!({
        "type": "observation",
        "t": o.observed_at.unix_s(),
        "id": o.id.to_string(),
        "source": o.source.as_str(),
        "transport": o.signal.transport,
        "claims": serde_json::to_value(&o.claims).unwrap_or_else(|_| json!({})),
        "lla": null,
    });
    let Some(fields) = line.as_object_mut() else { return line };
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    match &o.measurement {
        Measurement::Position { at, cov_enu_m2 } => {
            put("lla", lla(*at));
            put("cov_enu_m2", json!(cov_enu_m2));
        }
        Measurement::RangeAzEl { from, range_m, azimuth_deg, elevation_deg, sigma } => {
            put(
                "rae",
                json!({"from": lla(*from), "range_m": range_m, "azimuth_deg": azimuth_deg,
                       "elevation_deg": elevation_deg, "sigma": sigma}),
            );
        }
        Measurement::Bearing { from, from_sigma_m, azimuth_deg, azimuth_error, elevation_deg, range } => {
            put(
                "bearing",
                json!({"from": lla(*from), "from_sigma_m": from_sigma_m, "azimuth_deg": azimuth_deg,
                       "azimuth_error": azimuth_error, "elevation_deg": elevation_deg,
                       "range": range.map(|r| json!({"median_m": r.median_m, "sigma_ln": r.sigma_ln}))}),
            );
        }
        Measurement::Presence { from, radius_m } => {
            put("presence", json!({"from": from.map(lla), "radius_m": radius_m}));
        }
    }
    let signal = Signal { transport: None, ..o.signal.clone() };
    if !signal.is_empty() {
        let mut value = serde_json::to_value(&signal).unwrap_or_else(|_| json!({}));
        if let Some(at) = signal.receiver_at
            && let Some(fields) = value.as_object_mut()
        {
            fields.insert("receiver_at".into(), lla(at));
        }
        put("signal", value);
    }
    if !o.flags.is_empty() {
        put("flags", json!(o.flags));
    }
    line
}

fn lla(p: Place) -> Value {
    json!([p.lat_deg, p.lon_deg, p.alt_hae_m])
}

// ---- reading ----

/// The observation of a line (with or without its line end).
pub fn decode(line: &[u8], ctx: &mut Context<'_>) -> Result<Observation, LineError> {
    let value = json::parse(line.trim_ascii(), &Limits::LINE)?;
    decode_value(&value, ctx)
}

/// The observation of a line that is read already.
pub fn decode_value(value: &Value, ctx: &mut Context<'_>) -> Result<Observation, LineError> {
    let line = Node { path: String::new(), value }.object()?;
    line.only(&[
        "type",
        "t",
        "id",
        "source",
        "transport",
        "claims",
        "signal",
        "lla",
        "cov_enu_m2",
        "rae",
        "bearing",
        "presence",
        "flags",
    ])?;
    if let Some(kind) = line.opt("type")
        && kind.text(32)? != "observation"
    {
        return Err(kind.refuse("line_type", "must be \"observation\""));
    }

    let t = line.need("t")?;
    let claimed = Time::from_unix_s(t.number()?).ok_or_else(|| t.refuse("clock", "is no time"))?;
    let received_at = ctx.received_at.unwrap_or(claimed);
    let ahead_s = claimed.since_s(received_at);
    ctx.ahead_s = Some(ahead_s);
    if ahead_s.abs() > CLOCK_LIMIT_S {
        return Err(t.refuse("clock", format!("is {ahead_s:.0} s off the moment of receipt, {received_at}")));
    }

    let source = match line.opt("source") {
        None => ctx.source.clone(),
        Some(node) => {
            let named = SourceId::new(node.text(64)?).map_err(|e| node.refuse("source", e.to_string()))?;
            let allowed = named == *ctx.source
                || match ctx.sources {
                    Sources::Own => false,
                    Sources::Listed(list) => list.contains(&named),
                    Sources::Any => true,
                };
            if !allowed {
                return Err(node.refuse("source", format!("'{named}' may not report here")));
            }
            named
        }
    };

    let transport = match line.opt("transport") {
        Some(node) => node.text(32)?.to_owned(),
        None => "json".to_owned(),
    };
    let mut signal = line.opt("signal").map_or_else(|| Ok(Signal::default()), |n| signal_of(&n))?;
    signal.transport = Some(transport);
    let claims = line.opt("claims").map_or_else(|| Ok(Claims::default()), |n| claims_of(&n))?;

    let mut flags = BTreeSet::new();
    if let Some(node) = line.opt("flags") {
        for flag in node.array(0, 32)? {
            flags.insert(flag.text(64)?.to_owned());
        }
    }
    if ahead_s > CLOCK_SUSPECT_S {
        flags.insert("clock_suspect".to_owned());
    }
    let measurement = measurement_of(&line, &signal, &mut flags)?;

    let id = match line.opt("id") {
        Some(node) => node.text(64)?.parse().map_err(|_| node.bad("is no UUID"))?,
        None => (ctx.make_id)(),
    };
    Ok(Observation {
        id,
        source,
        observed_at: claimed.min(received_at),
        received_at,
        measurement,
        claims,
        signal,
        sighting: None,
        flags: flags.into_iter().collect(),
    })
}

fn measurement_of(line: &Object<'_>, signal: &Signal, flags: &mut BTreeSet<String>) -> Result<Measurement, LineError> {
    let shapes: Vec<_> = ["lla", "rae", "bearing", "presence"].into_iter().filter_map(|k| line.opt(k)).collect();
    if let [_, second, ..] = shapes.as_slice() {
        return Err(second.bad("only one of lla, rae, bearing and presence may be given"));
    }
    let cov = line.opt("cov_enu_m2");
    if let (Some(cov), None) = (&cov, line.opt("lla")) {
        return Err(cov.bad("belongs to lla, which is not given"));
    }
    if let Some(node) = line.opt("lla") {
        let at = place(&node)?;
        let cov_enu_m2 = if let Some(cov) = cov {
            covariance(&cov, at.alt_hae_m.is_some())?
        } else {
            flags.insert("accuracy_unknown".to_owned());
            let v = ASSUMED_SIGMA_M * ASSUMED_SIGMA_M;
            let up = if at.alt_hae_m.is_some() { v } else { 0.0 };
            [[v, 0.0, 0.0], [0.0, v, 0.0], [0.0, 0.0, up]]
        };
        return Ok(Measurement::Position { at, cov_enu_m2 });
    }
    if let Some(node) = line.opt("rae") {
        let rae = node.object()?;
        rae.only(&["from", "range_m", "azimuth_deg", "elevation_deg", "sigma"])?;
        let from_node = rae.need("from")?;
        let from = place(&from_node)?;
        if from.alt_hae_m.is_none() {
            return Err(from_node.bad("a radar's height must be known"));
        }
        let elevation_deg = rae.opt("elevation_deg").map(|n| n.within(-90.0, 90.0)).transpose()?;
        let sigma_node = rae.need("sigma")?;
        let given = sigma_node.array(if elevation_deg.is_some() { 3 } else { 2 }, 3)?;
        let mut sigma = [0.0; 3];
        for (k, (slot, node)) in sigma.iter_mut().zip(&given).enumerate() {
            // Without an elevation its sigma means nothing and may be 0.
            let floor = if k == 2 && elevation_deg.is_none() { 0.0 } else { 1e-4 };
            *slot = node.within(floor, if k == 0 { 100_000.0 } else { 180.0 })?;
        }
        return Ok(Measurement::RangeAzEl {
            from,
            range_m: rae.need("range_m")?.within(1e-3, 1_000_000.0)?,
            azimuth_deg: azimuth(&rae.need("azimuth_deg")?)?,
            elevation_deg,
            sigma,
        });
    }
    if let Some(node) = line.opt("bearing") {
        return bearing_of(&node);
    }
    if let Some(node) = line.opt("presence") {
        let presence = node.object()?;
        presence.only(&["from", "radius_m"])?;
        return Ok(Measurement::Presence {
            from: presence.opt("from").map(|n| place(&n)).transpose()?,
            radius_m: presence.opt("radius_m").map(|n| n.within(1e-3, 1_000_000.0)).transpose()?,
        });
    }
    Ok(Measurement::Presence { from: signal.receiver_at, radius_m: None })
}

fn bearing_of(node: &Node<'_>) -> Result<Measurement, LineError> {
    let bearing = node.object()?;
    bearing.only(&["from", "from_sigma_m", "azimuth_deg", "azimuth_error", "elevation_deg", "range"])?;
    let error_node = bearing.need("azimuth_error")?;
    let mut azimuth_error = Vec::new();
    for pair in error_node.array(1, 4)? {
        if let [weight, sigma] = pair.array(2, 2)?.as_slice() {
            azimuth_error.push((weight.within(0.0, 1.0)?, sigma.within(1e-3, 180.0)?));
        }
    }
    let sum: f64 = azimuth_error.iter().map(|(w, _)| w).sum();
    if libm::fabs(sum - 1.0) > 1e-6 {
        return Err(error_node.bad(format!("weights sum to {sum}, not to 1")));
    }
    let elevation_deg = match bearing.opt("elevation_deg") {
        None => None,
        Some(node) => match node.array(2, 2)?.as_slice() {
            [angle, sigma] => Some((angle.within(-90.0, 90.0)?, sigma.within(1e-3, 90.0)?)),
            _ => None,
        },
    };
    let range = match bearing.opt("range") {
        None => None,
        Some(node) => {
            let range = node.object()?;
            range.only(&["median_m", "sigma_ln"])?;
            Some(LogNormalRange {
                median_m: range.need("median_m")?.within(0.1, 1_000_000.0)?,
                sigma_ln: range.need("sigma_ln")?.within(1e-3, 5.0)?,
            })
        }
    };
    Ok(Measurement::Bearing {
        from: place(&bearing.need("from")?)?,
        from_sigma_m: bearing.need("from_sigma_m")?.within(1e-3, 100_000.0)?,
        azimuth_deg: azimuth(&bearing.need("azimuth_deg")?)?,
        azimuth_error,
        elevation_deg,
        range,
    })
}

fn azimuth(node: &Node<'_>) -> Result<f64, LineError> {
    let a = node.within(0.0, 360.0)?;
    if a >= 360.0 { Err(node.refuse("line_range", "must be from 0 to under 360")) } else { Ok(a) }
}

fn place(node: &Node<'_>) -> Result<Place, LineError> {
    let items = node.array(2, 3)?;
    let (Some(lat), Some(lon)) = (items.first(), items.get(1)) else { return Err(node.bad("must be [lat, lon, hae]")) };
    let hae = items.get(2).filter(|n| !n.value.is_null()).map(Node::number).transpose()?;
    Place::new(lat.number()?, lon.number()?, hae).map_err(|e| node.refuse("line_range", e.to_string()))
}

fn covariance(node: &Node<'_>, height_known: bool) -> Result<EnuCovariance, LineError> {
    let mut c = [[0.0; 3]; 3];
    for (row, out) in node.array(3, 3)?.iter().zip(&mut c) {
        for (cell, slot) in row.array(3, 3)?.iter().zip(out) {
            *slot = cell.within(-1e10, 1e10)?;
        }
    }
    let [[ee, en, eu], [ne, nn, nu], [ue, un, uu]] = c;
    let scale = ee.max(nn).max(uu);
    if [(en, ne), (eu, ue), (nu, un)].iter().any(|(a, b)| libm::fabs(a - b) > 1e-9 * scale) {
        return Err(node.refuse("line_range", "is not symmetric"));
    }
    let variance = 1e-6..=1e10;
    if !(variance.contains(&ee) && variance.contains(&nn) && (!height_known || variance.contains(&uu))) {
        return Err(node.refuse("line_range", "sigmas must be from 0.001 m to 100 km"));
    }
    // Sylvester's criterion, strictly: a singular covariance would divide by zero further on.
    let plane = ee * nn - en * en;
    let whole = ee * (nn * uu - nu * nu) - en * (en * uu - nu * eu) + eu * (en * nu - nn * eu);
    if plane <= 1e-12 * ee * nn || height_known && whole <= 1e-12 * ee * nn * uu {
        return Err(node.refuse("line_range", "is not positive definite"));
    }
    Ok(if height_known { [[ee, en, eu], [en, nn, nu], [eu, nu, uu]] } else { [[ee, en, 0.0], [en, nn, 0.0], [0.0; 3]] })
}

const ID_KINDS: [(&str, IdKind); 6] = [
    ("serial", IdKind::Serial),
    ("caa", IdKind::Caa),
    ("utm", IdKind::Utm),
    ("session", IdKind::Session),
    ("icao", IdKind::Icao),
    ("tak_uid", IdKind::TakUid),
];

fn claims_of(node: &Node<'_>) -> Result<Claims, LineError> {
    let c = node.object()?;
    c.only(&[
        "ids",
        "class",
        "velocity_enu_mps",
        "height_takeoff_m",
        "height_agl_m",
        "alt_baro_m",
        "operator_at",
        "operator_id",
        "status",
        "text",
        "auth_types",
        "claimed_at",
        "serial",
        "caa",
        "utm",
        "session",
        "icao",
        "tak_uid",
    ])?;
    let mut ids = Vec::new();
    if let Some(node) = c.opt("ids") {
        for item in node.array(0, 16)? {
            let id = item.object()?;
            id.only(&["kind", "value"])?;
            let kind_node = id.need("kind")?;
            let word = kind_node.text(16)?;
            let kind = ID_KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
            let kind = kind.ok_or_else(|| kind_node.bad(format!("'{word}' is no kind of id")))?;
            ids.push(IdClaim { kind, value: id.need("value")?.filled_text(64)?.to_owned() });
        }
    }
    for (name, kind) in ID_KINDS {
        if let Some(node) = c.opt(name) {
            let claim = IdClaim { kind, value: node.filled_text(64)?.to_owned() };
            if !ids.contains(&claim) {
                ids.push(claim);
            }
        }
    }
    let class = c.opt("class").map(|n| class(&n)).transpose()?;
    let velocity_enu_mps = match c.opt("velocity_enu_mps") {
        None => None,
        Some(node) => {
            let mut v = [0.0; 3];
            for (slot, n) in v.iter_mut().zip(node.array(3, 3)?) {
                *slot = n.within(-2_000.0, 2_000.0)?;
            }
            Some(v)
        }
    };
    let height = |name| c.opt(name).map(|n: Node<'_>| n.within(-100_000.0, 100_000.0)).transpose();
    let text = |name, most| c.opt(name).map(|n: Node<'_>| n.text(most).map(str::to_owned)).transpose();
    Ok(Claims {
        ids,
        class,
        velocity_enu_mps,
        height_takeoff_m: height("height_takeoff_m")?,
        height_agl_m: height("height_agl_m")?,
        alt_baro_m: height("alt_baro_m")?,
        operator_at: c.opt("operator_at").map(|n| lat_lon(&n)).transpose()?,
        operator_id: text("operator_id", 64)?,
        status: text("status", 32)?,
        text: text("text", 256)?,
        auth_types: match c.opt("auth_types") {
            None => Vec::new(),
            Some(node) => node.array(0, 16)?.iter().map(auth_type).collect::<Result<_, _>>()?,
        },
        claimed_at: match c.opt("claimed_at") {
            None => None,
            Some(node) => {
                Some(node.text(64)?.parse().map_err(|e: skypicket_model::time::NotAnInstant| node.bad(e.to_string()))?)
            }
        },
    })
}

/// 0 to 15.
fn auth_type(node: &Node<'_>) -> Result<u8, LineError> {
    let number = node.value.as_u64().and_then(|n| u8::try_from(n).ok()).filter(|n| *n < 16);
    number.ok_or_else(|| node.refuse("line_range", "must be a whole number from 0 to 15"))
}

fn class(node: &Node<'_>) -> Result<AirClass, LineError> {
    Ok(match node.text(16)? {
        "rotor" => AirClass::Rotor,
        "fpv" => AirClass::Fpv,
        "fixed_wing" => AirClass::FixedWing,
        "crewed" => AirClass::Crewed,
        "bird" => AirClass::Bird,
        other => return Err(node.bad(format!("'{other}' is none of rotor, fpv, fixed_wing, crewed, bird"))),
    })
}

/// `[lat, lon]`, or the object form that [`Claims`] writes.
fn lat_lon(node: &Node<'_>) -> Result<LatLon, LineError> {
    let (lat, lon) = if node.value.is_object() {
        let o = node.object()?;
        o.only(&["lat_deg", "lon_deg"])?;
        (o.need("lat_deg")?.number()?, o.need("lon_deg")?.number()?)
    } else {
        match node.array(2, 2)?.as_slice() {
            [lat, lon] => (lat.number()?, lon.number()?),
            _ => return Err(node.bad("must be [lat, lon]")),
        }
    };
    LatLon::new(lat, lon).map_err(|e| node.refuse("line_range", e.to_string()))
}

fn signal_of(node: &Node<'_>) -> Result<Signal, LineError> {
    let s = node.object()?;
    s.only(&["address", "rssi_dbm", "counter", "receiver_at"])?;
    let counter = match s.opt("counter") {
        None => None,
        Some(n) => {
            let byte = n.value.as_u64().and_then(|v| u8::try_from(v).ok());
            Some(byte.ok_or_else(|| n.refuse("line_range", "must be a whole number from 0 to 255"))?)
        }
    };
    Ok(Signal {
        transport: None,
        address: s.opt("address").map(|n| n.text(64).map(str::to_owned)).transpose()?,
        rssi_dbm: s.opt("rssi_dbm").map(|n| n.within(-200.0, 100.0)).transpose()?,
        counter,
        receiver_at: s.opt("receiver_at").map(|n| place(&n)).transpose()?,
    })
}

// ---- a value with its path ----

struct Node<'a> {
    path: String,
    value: &'a Value,
}

struct Object<'a> {
    path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Node<'a> {
    fn refuse(&self, reason: &'static str, message: impl Into<String>) -> LineError {
        let path = if self.path.is_empty() { ".".to_owned() } else { self.path.clone() };
        LineError::Field { reason, path, message: message.into() }
    }

    fn bad(&self, message: impl Into<String>) -> LineError {
        self.refuse("line_field", message)
    }

    fn object(&self) -> Result<Object<'a>, LineError> {
        let members = self.value.as_object().ok_or_else(|| self.bad("must be an object"))?;
        Ok(Object { path: self.path.clone(), members })
    }

    fn array(&self, least: usize, most: usize) -> Result<Vec<Node<'a>>, LineError> {
        let items = self.value.as_array().filter(|a| (least..=most).contains(&a.len()));
        let items = items.ok_or_else(|| {
            let many = if least == most { format!("{least}") } else { format!("{least} to {most}") };
            self.bad(format!("must be an array of {many}"))
        })?;
        Ok(items.iter().enumerate().map(|(k, value)| Node { path: format!("{}[{k}]", self.path), value }).collect())
    }

    fn number(&self) -> Result<f64, LineError> {
        self.value.as_f64().filter(|v| v.is_finite()).ok_or_else(|| self.bad("must be a number"))
    }

    fn within(&self, least: f64, most: f64) -> Result<f64, LineError> {
        let v = self.number()?;
        if (least..=most).contains(&v) {
            Ok(v)
        } else {
            Err(self.refuse("line_range", format!("{v} is not within {least} to {most}")))
        }
    }

    fn text(&self, most_chars: usize) -> Result<&'a str, LineError> {
        let s = self.value.as_str().ok_or_else(|| self.bad("must be text"))?;
        if s.chars().count() > most_chars { Err(self.bad(format!("at most {most_chars} characters"))) } else { Ok(s) }
    }

    fn filled_text(&self, most_chars: usize) -> Result<&'a str, LineError> {
        let s = self.text(most_chars)?;
        if s.is_empty() { Err(self.bad("must not be empty")) } else { Ok(s) }
    }
}

impl<'a> Object<'a> {
    fn child(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A member that is there and not null.
    fn opt(&self, key: &str) -> Option<Node<'a>> {
        self.members.get(key).filter(|v| !v.is_null()).map(|value| Node { path: self.child(key), value })
    }

    fn need(&self, key: &str) -> Result<Node<'a>, LineError> {
        self.opt(key).ok_or_else(|| Node { path: self.child(key), value: &Value::Null }.bad("is missing"))
    }

    fn only(&self, known: &[&str]) -> Result<(), LineError> {
        match self.members.keys().find(|k| !known.contains(&k.as_str())) {
            None => Ok(()),
            Some(key) => {
                let short: String = key.chars().take(64).collect();
                let message = format!("is not a field here; known are {}", known.join(", "));
                Err(Node { path: self.child(&short), value: &Value::Null }.bad(message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, received_at: Option<f64>) -> Result<Observation, LineError> {
        let source = SourceId::new("feed-1").unwrap();
        let mut make_id = || ObservationId(uuid::Uuid::from_u128(7));
        decode(
            text.as_bytes(),
            &mut Context {
                source: &source,
                sources: Sources::Own,
                received_at: received_at.and_then(Time::from_unix_s),
                make_id: &mut make_id,
                ahead_s: None,
            },
        )
    }

    fn refused(text: &str) -> String {
        let e = read(text, None).unwrap_err();
        format!("{} {e}", e.reason())
    }

    #[test]
    fn the_shortest_position_gets_the_assumed_accuracy_and_says_so() {
        let o = read(r#"{"t":1000,"lla":[31.7,-106.4]}"#, Some(1000.5)).unwrap();
        assert_eq!(o.flags, ["accuracy_unknown"]);
        assert_eq!(o.source.as_str(), "feed-1");
        assert_eq!(o.id.0, uuid::Uuid::from_u128(7));
        assert_eq!(o.received_at, o.observed_at.plus_s(0.5));
        assert_eq!(o.signal.transport.as_deref(), Some("json"));
        let Measurement::Position { at, cov_enu_m2 } = o.measurement else { panic!() };
        assert_eq!((at.lat_deg, at.lon_deg, at.alt_hae_m), (31.7, -106.4, None));
        assert_eq!(cov_enu_m2, [[225.0, 0.0, 0.0], [0.0, 225.0, 0.0], [0.0; 3]]);
    }

    #[test]
    fn a_clock_a_little_ahead_is_taken_as_now_and_a_day_off_is_refused() {
        let o = read(r#"{"t":1003,"lla":[1,2,3]}"#, Some(1000.0)).unwrap();
        assert_eq!(o.observed_at, o.received_at);
        assert!(o.flags.contains(&"clock_suspect".to_owned()));
        assert!(read(r#"{"t":1001,"lla":[1,2,3]}"#, Some(1000.0)).unwrap().flags.iter().all(|f| f != "clock_suspect"));
        for t in ["-85401", "87401", "1e200"] {
            let e = read(&format!(r#"{{"t":{t},"lla":[1,2,3]}}"#), Some(1000.0)).unwrap_err();
            assert_eq!(e.reason(), "clock", "{t}");
        }
    }

    #[test]
    fn a_typing_error_is_refused_by_its_path() {
        insta::assert_snapshot!(
            [
                r#"{"t":1,"lla":[1,2,3],"claims":{"serail":"X"}}"#,
                r#"{"t":1,"lla":[1,2,3],"claims":{"ids":[{"kind":"serial","value":"X"},{"kind":"tail","value":"Y"}]}}"#,
                r#"{"t":1,"lla":[1,2,3],"cov":[[1]]}"#,
                r#"{"t":1,"rae":{"from":[1,2],"range_m":5,"azimuth_deg":1,"sigma":[1,1]}}"#,
                r#"{"t":1,"rae":{"from":[1,2,3],"range_m":5,"azimuth_deg":360,"sigma":[1,1]}}"#,
                r#"{"t":1,"rae":{"from":[1,2,3],"range_m":5,"azimuth_deg":36,"elevation_deg":4,"sigma":[1,1]}}"#,
                r#"{"t":1,"lla":[1,2,3],"bearing":{}}"#,
                r#"{"t":1,"lla":[91,2,3]}"#,
                r#"{"t":1,"lla":[1,2,3],"cov_enu_m2":[[1,2,0],[2,1,0],[0,0,1]]}"#,
                r#"{"t":1,"lla":[1,2,3],"cov_enu_m2":[[1,0.5,0],[0,1,0],[0,0,1]]}"#,
                r#"{"t":1,"cov_enu_m2":[[1,0,0],[0,1,0],[0,0,1]]}"#,
                r#"{"t":1,"source":"radar-9","lla":[1,2,3]}"#,
                r#"{"t":1,"source":"Radar 9","lla":[1,2,3]}"#,
                r#"{"t":1,"signal":{"counter":256}}"#,
                r#"{"t":1,"type":"track"}"#,
                r#"{"t":1,"t":2}"#,
                r#"{"lla":[1,2,3]}"#,
                r#"{"t":NaN}"#,
                "[]",
            ]
            .map(refused)
            .join("\n"),
            @r#"
            line_field claims.serail: is not a field here; known are ids, class, velocity_enu_mps, height_takeoff_m, height_agl_m, alt_baro_m, operator_at, operator_id, status, text, auth_types, claimed_at, serial, caa, utm, session, icao, tak_uid
            line_field claims.ids[1].kind: 'tail' is no kind of id
            line_field cov: is not a field here; known are type, t, id, source, transport, claims, signal, lla, cov_enu_m2, rae, bearing, presence, flags
            line_field rae.from: a radar's height must be known
            line_range rae.azimuth_deg: must be from 0 to under 360
            line_field rae.sigma: must be an array of 3
            line_field bearing: only one of lla, rae, bearing and presence may be given
            line_range lla: latitude 91 is not within -90 to 90 degrees
            line_range cov_enu_m2: is not positive definite
            line_range cov_enu_m2: is not symmetric
            line_field cov_enu_m2: belongs to lla, which is not given
            source source: 'radar-9' may not report here
            source source: 'Radar 9' is not a configured name: 1 to 64 of a-z, 0-9, '-', '_', '.', starting with a letter or digit
            line_range signal.counter: must be a whole number from 0 to 255
            line_type type: must be "observation"
            json_duplicate_key key "t" is there twice (byte 9)
            line_field t: is missing
            json_syntax expected value (byte 5)
            line_field .: must be an object
            "#
        );
    }

    #[test]
    fn a_plain_serial_is_an_id() {
        let o = read(r#"{"t":1,"claims":{"serial":"1ABC","class":"rotor"}}"#, None).unwrap();
        assert_eq!(o.claims.id(IdKind::Serial), Some("1ABC"));
        assert_eq!(o.measurement, Measurement::Presence { from: None, radius_m: None });
    }

    #[test]
    fn every_field_of_the_claims_is_read_and_written() {
        let full = Claims {
            ids: ID_KINDS.iter().map(|(n, k)| IdClaim { kind: *k, value: (*n).into() }).collect(),
            class: Some(AirClass::FixedWing),
            velocity_enu_mps: Some([1.0, -2.0, 0.5]),
            height_takeoff_m: Some(30.0),
            height_agl_m: Some(29.0),
            alt_baro_m: Some(1_000.0),
            operator_at: Some(LatLon { lat_deg: 1.0, lon_deg: 2.0 }),
            operator_id: Some("OP".into()),
            status: Some("airborne".into()),
            text: Some("free \u{1F6F8}".into()),
            auth_types: vec![1, 5],
            claimed_at: Time::from_unix_s(99.5),
        };
        let o = Observation { claims: full.clone(), ..read(r#"{"t":100,"lla":[1,2,3]}"#, None).unwrap() };
        assert_eq!(read(&encode(&o).to_string(), None).unwrap().claims, full);
    }

    fn measurement() -> impl Strategy<Value = Measurement> {
        let place = || {
            (-90.0..=90.0f64, -180.0..=180.0f64, proptest::option::of(-400.0..9_000.0f64))
                .prop_map(|(lat, lon, h)| Place { lat_deg: lat, lon_deg: lon, alt_hae_m: h })
        };
        prop_oneof![
            (place(), 0.1..300.0f64, 0.1..300.0f64, 0.1..300.0f64, -0.9..0.9f64).prop_map(|(at, a, b, c, rho)| {
                let up = if at.alt_hae_m.is_some() { c * c } else { 0.0 };
                let ab = rho * a * b;
                Measurement::Position { at, cov_enu_m2: [[a * a, ab, 0.0], [ab, b * b, 0.0], [0.0, 0.0, up]] }
            }),
            (place(), 1.0..50_000.0f64, 0.0..360.0f64, proptest::option::of(-5.0..90.0f64)).prop_map(
                |(from, range_m, azimuth_deg, elevation_deg)| Measurement::RangeAzEl {
                    from: Place { alt_hae_m: Some(from.alt_hae_m.unwrap_or(7.0)), ..from },
                    range_m,
                    azimuth_deg,
                    elevation_deg,
                    sigma: [10.0, 0.5, 1.0],
                }
            ),
            (place(), 0.0..360.0f64, any::<bool>(), any::<bool>()).prop_map(|(from, azimuth_deg, e, r)| {
                Measurement::Bearing {
                    from,
                    from_sigma_m: 5.0,
                    azimuth_deg,
                    azimuth_error: vec![(0.9, 5.0), (0.1, 25.0)],
                    elevation_deg: e.then_some((20.0, 10.0)),
                    range: r.then_some(LogNormalRange { median_m: 175.0, sigma_ln: 0.5 }),
                }
            }),
            (proptest::option::of(place()), proptest::option::of(1.0..5_000.0f64))
                .prop_map(|(from, radius_m)| Measurement::Presence { from, radius_m }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(m in measurement(), us in 0..4_000_000_000_000_000i64, addr in any::<bool>()) {
            let at = Time::from_micros(us);
            let o = Observation {
                id: ObservationId(uuid::Uuid::from_u128(us.unsigned_abs().into())),
                source: SourceId::new("feed-1").unwrap(),
                observed_at: at,
                received_at: at,
                measurement: m,
                claims: Claims::default(),
                signal: Signal {
                    transport: Some("radar".into()),
                    address: addr.then(|| "aa:bb".into()),
                    rssi_dbm: addr.then_some(-70.5),
                    counter: addr.then_some(255),
                    receiver_at: addr.then_some(Place { lat_deg: 1.5, lon_deg: 2.5, alt_hae_m: None }),
                },
                sighting: None,
                flags: vec!["x".into()],
            };
            prop_assert_eq!(read(&encode(&o).to_string(), None).unwrap(), o);
        }

        #[test]
        fn no_line_panics(text in "\\PC{0,80}", t in any::<f64>(), k in 0..5usize) {
            let _ = read(&text, None);
            let shape = ["lla", "rae", "bearing", "presence", "claims"][k];
            let _ = read(&format!("{{\"t\":{t},\"{shape}\":{text}}}"), Some(5.0));
        }
    }
}
