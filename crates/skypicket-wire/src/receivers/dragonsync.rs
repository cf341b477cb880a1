//! DragonSync and the WarDragon kit: what its receivers say over ZMQ, and what it publishes over MQTT and HTTP.
//!
//! Over ZMQ a drone is a list of one-key objects (DJI, droneid-go) or one object with the same keys (ESP32). Over MQTT it
//! is one flat object, with aircraft, radio signals and the kit's own state beside it; they are told by their content. In
//! all of them 0, "" and null stand for "unknown" as well as for themselves, and numbers may be texts with a unit, or the
//! raw integers of the air (then the latitude is far beyond 90).

use super::{
    Refusal, Report,
    fields::{
        Object, any_number, code, epoch, frequency_mhz, leading_number, number, rssi, text, text_or_number, transport,
    },
};
use crate::{
    adsb::{Aircraft, FOOT_M, KNOT_MPS},
    relayed::{BasicId, Flags, Location, Message, OperatorId, RadioSignal, SelfId, Status, System, add, position},
};
use serde_json::Value;
use skypicket_model::{Place, Time};

/// Keys of the messages over ZMQ.
pub const MESSAGES: [&str; 10] = [
    "Basic ID",
    "Location/Vector Message",
    "Location Vector",
    "Self-ID Message",
    "System Message",
    "System",
    "Operator ID Message",
    "Operator ID",
    "Frequency Message",
    "AUX_ADV_IND",
];

/// Whether an array is one message in the list form: every object in it has at most two keys, and one has one of ours.
pub fn is_list(items: &[Value]) -> bool {
    let objects = || items.iter().filter_map(Value::as_object);
    objects().all(|o| o.len() <= 2)
        && objects().any(|o| MESSAGES.iter().any(|k| o.contains_key(*k)))
        && objects().filter(|o| o.contains_key("Basic ID")).count() <= 5
}

/// The list form.
pub fn decode_list(items: &[Value]) -> Report {
    let mut report = Report::default();
    for item in items {
        match item.as_object() {
            Some(o) => messages(&mut report, o),
            None => add(&mut report.flags, "list_item_no_object"),
        }
    }
    end(report)
}

/// One object of any of the forms.
pub fn decode(o: &Object) -> Report {
    if MESSAGES.iter().any(|k| o.contains_key(*k)) {
        let mut report = Report::default();
        messages(&mut report, o);
        return end(report);
    }
    let has = |k: &str| o.contains_key(k);
    let kind = o.get("track_type").and_then(Value::as_str);
    if kind == Some("aircraft") || has("icao") {
        return aircraft(o);
    }
    if has("signal_type") || has("center_hz") {
        return signal(o);
    }
    if has("cpu_usage") || has("gps_fix") || has("uptime_s") || has("memory_total_mb") {
        return system_status(o);
    }
    drone(o)
}

/// A message without any content is refused.
fn end(mut report: Report) -> Report {
    if report.messages.is_empty() {
        report.error = Some(Refusal::new("receiver_content", "no message of a drone in it"));
    }
    report
}

// ---- ZMQ ----

/// What one object of either form says: all its keys, or its only one.
fn messages(report: &mut Report, o: &Object) {
    let object = |k: &str| o.get(k).and_then(Value::as_object);
    let r = &mut report.reception;
    r.address = text(o.get("MAC")).or_else(|| r.address.take());
    r.rssi_dbm = rssi(o.get("RSSI")).or(r.rssi_dbm);
    r.receiver = text(o.get("seen_by")).or_else(|| r.receiver.take());
    if let Some(adv) = object("AUX_ADV_IND") {
        r.rssi_dbm = rssi(adv.get("rssi")).or(r.rssi_dbm);
        r.transport = Some("ble_extended".to_owned());
    }
    if let Some(address) = object("aext").and_then(|a| text(a.get("AdvA"))) {
        r.address = address.split_whitespace().next().map(str::to_owned);
    }
    if let Some(f) = object("Frequency Message") {
        r.frequency_mhz = r.frequency_mhz.or(frequency_mhz(number(f.get("frequency"))));
    }
    if let Some(b) = object("Basic ID") {
        r.address = text(b.get("MAC")).or_else(|| r.address.take());
        r.rssi_dbm = rssi(b.get("RSSI")).or(r.rssi_dbm);
        r.transport = transport(b.get("transport")).or_else(|| r.transport.take());
        r.frequency_mhz = frequency_mhz(number(b.get("frequency_mhz"))).or(r.frequency_mhz);
        basic_id(report, text(b.get("id")), b.get("id_type"), b.get("ua_type"));
    }
    if let Some(l) = object("Location/Vector Message").or_else(|| object("Location Vector")) {
        report.messages.push(Message::Location(Box::new(location(l))));
    }
    if let Some(t) = object("Self-ID Message").and_then(|s| text(s.get("text")).or_else(|| text(s.get("description"))))
    {
        self_id(report, &t);
    }
    if let Some(s) = object("System Message").or_else(|| object("System")) {
        let mut flags = Flags::new();
        let at = |keys: [&str; 4]| pair(s, keys[0], keys[1]).or_else(|| pair(s, keys[2], keys[3]));
        let operator = scaled(at(["operator_lat", "operator_lon", "latitude", "longitude"]), &mut flags);
        let home = scaled(pair(s, "home_lat", "home_lon"), &mut flags);
        report
            .messages
            .push(Message::System(Box::new(System { operator, home, flags, ..System::default() }.checked())));
    }
    if let Some(id) =
        object("Operator ID Message").or_else(|| object("Operator ID")).and_then(|x| text(x.get("operator_id")))
    {
        operator_id(report, &id);
    }
}

fn pair(o: &Object, lat: &str, lon: &str) -> Option<(f64, f64)> {
    number(o.get(lat)).zip(number(o.get(lon)))
}

/// Degrees, also where they come as the integers of the air.
fn scaled(pair: Option<(f64, f64)>, flags: &mut Flags) -> Option<(f64, f64)> {
    let (lat, lon) = pair?;
    if is_raw(lat, lon) {
        add(flags, "raw_scaled");
        return Some((lat / 1e7, lon / 1e7));
    }
    Some((lat, lon))
}

/// Whole numbers far beyond degrees, but not beyond 1e-7 degrees.
fn is_raw(lat: f64, lon: f64) -> bool {
    let whole = |v: f64| libm::trunc(v).total_cmp(&v).is_eq();
    (lat.abs() > 90.0 || lon.abs() > 180.0) && whole(lat) && whole(lon) && lat.abs() <= 90e7 && lon.abs() <= 180e7
        // A degree too many is an error of degrees, no integer of the air: those are millions.
        && (lat.abs() > 1e5 || lon.abs() > 1e5)
}

/// The id of a burst that could not be decoded: something is there, and that is all.
fn is_alert(id: &str) -> bool {
    ["drone-alert", "drone_alert", "alert"].iter().any(|a| id.eq_ignore_ascii_case(a))
}

fn basic_id(report: &mut Report, id: Option<String>, id_type: Option<&Value>, ua_type: Option<&Value>) {
    if id.as_deref().is_some_and(is_alert) {
        report.messages.push(Message::Presence { how: "drone_alert" });
        return;
    }
    let id = id.filter(|i| !i.eq_ignore_ascii_case("unknown")).unwrap_or_default();
    let id = id.strip_prefix("drone-").unwrap_or(&id);
    let id_type = id_type.and_then(|t| code(Some(t)).or_else(|| id_type_of(t.as_str()?)));
    report.messages.push(Message::BasicId(
        BasicId { id_type, ua_type: ua_type_of(ua_type), id: id.as_bytes().to_vec(), flags: vec![] }.checked(),
    ));
}

fn id_type_of(text: &str) -> Option<u8> {
    let t = text.to_lowercase();
    if t.starts_with("none") {
        Some(0)
    } else if t.contains("serial") {
        Some(1)
    } else if t.contains("caa") || t.contains("registration") {
        Some(2)
    } else if t.contains("utm") || t.contains("uuid") {
        Some(3)
    } else if t.contains("session") {
        Some(4)
    } else {
        None
    }
}

/// A number, or the standard's name in the words that gateways use.
fn ua_type_of(v: Option<&Value>) -> Option<u8> {
    const NAMES: [(&str, u8); 17] = [
        ("aeroplane", 1),
        ("airplane", 1),
        ("multirotor", 2),
        ("helicopter", 2),
        ("gyroplane", 3),
        ("vtol", 4),
        ("hybrid", 4),
        ("ornithopter", 5),
        ("glider", 6),
        ("kite", 7),
        ("free balloon", 8),
        ("captive balloon", 9),
        ("airship", 10),
        ("parachute", 11),
        ("rocket", 12),
        ("tethered", 13),
        ("ground obstacle", 14),
    ];
    let v = v?;
    if let Some(c) = code(Some(v)) {
        return Some(c).filter(|c| *c <= 15);
    }
    let t = v.as_str()?.to_lowercase();
    if t.starts_with("other") {
        return Some(15);
    }
    if t.starts_with("no ua") || t == "none" {
        return Some(0);
    }
    NAMES.iter().find(|(name, _)| t.contains(name)).map(|(_, c)| *c)
}

fn location(l: &Object) -> Location {
    let mut flags = Flags::new();
    let at = pair(l, "latitude", "longitude");
    let raw = at.is_some_and(|(lat, lon)| is_raw(lat, lon));
    let position = scaled(at, &mut flags);
    // In the raw form altitudes are half metres above -1000 m (0 unknown), speeds quarters and halves of a metre per second.
    let altitude = |keys: &[&str]| {
        let v = any_number(l, keys)?;
        match raw {
            true if v.abs() < 1e-9 => None,
            true => Some(v * 0.5 - 1000.0),
            false => Some(v),
        }
    };
    let (after_hour_s, instant) = time_of(l.get("timestamp"));
    let west = text(l.get("ew_dir_segment")).is_some_and(|t| t.to_lowercase().starts_with('w'));
    let direction = number(l.get("direction"));
    let fast = number(l.get("speed_multiplier")).is_some_and(|m| m > 0.5);
    let speed = any_number(l, &["speed", "speed_horizontal"]);
    Location {
        status: l.get("op_status").or_else(|| l.get("status")).and_then(status_of),
        height_ref: l.get("height_type").and_then(height_ref_of),
        direction_deg: direction.map(|d| if raw && west { d + 180.0 } else { d }),
        speed_h_mps: speed.map(|s| match (raw, fast) {
            (false, _) => s,
            (true, false) => s * 0.25,
            (true, true) => s * 0.75 + 63.75,
        }),
        speed_v_mps: any_number(l, &["vert_speed", "vertical_speed"]).map(|v| if raw { v * 0.5 } else { v }),
        position,
        alt_baro_m: altitude(&["pressure_altitude"]),
        alt_geo_m: altitude(&["geodetic_altitude"]),
        alt_m: None,
        height_m: altitude(&["height_agl", "height"]),
        horiz_acc: horizontal_code(l.get("horizontal_accuracy")),
        vert_acc: vertical_code(l.get("vertical_accuracy")),
        baro_acc: vertical_code(l.get("baro_accuracy")),
        speed_acc: speed_code(l.get("speed_accuracy")),
        ts_after_hour_s: after_hour_s.map(|t| if raw { t / 10.0 } else { t }),
        ts_acc: None,
        at: instant,
        flags,
    }
    .checked()
}

/// The time of a position: seconds (raw: tenths) after the hour, or an instant; gateways write either under one name.
fn time_of(v: Option<&Value>) -> (Option<f64>, Option<Time>) {
    let dated = |t: &str| t.contains(['-', ':', 'T', '/']);
    if let Some(t) = v.and_then(Value::as_str).filter(|t| dated(t)) {
        return (None, t.trim().parse().ok());
    }
    match number(v) {
        Some(n) if n > 65_535.0 => (None, epoch(v)),
        n => (n, None),
    }
}

fn status_of(v: &Value) -> Option<u8> {
    if let Some(c) = code(Some(v)).filter(|_| v.is_number()) {
        return Some(c);
    }
    let t = v.as_str()?.to_lowercase();
    [("undeclared", 0), ("ground", 1), ("airborne", 2), ("emergency", 3), ("fail", 4)]
        .into_iter()
        .find(|(word, _)| t.contains(word))
        .map(|(_, c)| c)
}

fn height_ref_of(v: &Value) -> Option<u8> {
    if let Some(c) = code(Some(v)).filter(|_| v.is_number()) {
        return Some(c).filter(|c| *c < 2);
    }
    let t: String = v.as_str()?.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    match t {
        t if t.contains("takeoff") => Some(0),
        t if t.contains("ground") || t.contains("agl") => Some(1),
        _ => None,
    }
}

/// Metres of a bound such as "<10 m", "< 1 NM", "<185.2m"; `None` where it is none ("Unknown", "≥ 18.52 km").
fn bound_m(v: Option<&Value>) -> Option<f64> {
    let t = v?.as_str()?.trim();
    if !t.starts_with('<') {
        return None;
    }
    let n = leading_number(t).filter(|n| n.is_finite())?;
    let t = t.to_lowercase();
    Some(if t.contains("nm") {
        n * 1852.0
    } else if t.contains("km") {
        n * 1000.0
    } else {
        n
    })
}

/// The finest code whose bound is not below the one said: bounds are rounded in texts.
fn code_of(bound: Option<f64>, bounds: &[f64]) -> Option<u8> {
    let b = bound?;
    let k = bounds.iter().rposition(|x| *x >= b * 0.98)?;
    u8::try_from(k + 1).ok()
}

fn horizontal_code(v: Option<&Value>) -> Option<u8> {
    const BOUNDS: [f64; 12] = [18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0, 1.0];
    if v.is_some_and(Value::is_number) {
        return code(v);
    }
    code_of(bound_m(v), &BOUNDS)
}

fn vertical_code(v: Option<&Value>) -> Option<u8> {
    if v.is_some_and(Value::is_number) {
        return code(v);
    }
    code_of(bound_m(v), &[150.0, 45.0, 25.0, 10.0, 3.0, 1.0])
}

fn speed_code(v: Option<&Value>) -> Option<u8> {
    if v.is_some_and(Value::is_number) {
        return code(v);
    }
    code_of(bound_m(v), &[10.0, 3.0, 1.0, 0.3])
}

fn self_id(report: &mut Report, text: &str) {
    report
        .messages
        .push(Message::SelfId(SelfId { desc_type: None, desc: text.as_bytes().to_vec(), flags: vec![] }.checked()));
}

fn operator_id(report: &mut Report, id: &str) {
    report.messages.push(Message::OperatorId(
        OperatorId { operator_id_type: None, id: id.as_bytes().to_vec(), flags: vec![] }.checked(),
    ));
}

// ---- MQTT and HTTP ----

fn about(report: &mut Report, o: &Object) {
    let r = &mut report.reception;
    r.receiver = text_or_number(o.get("seen_by"));
    r.at = epoch(o.get("observed_at"));
    r.address = text(o.get("mac"));
    r.rssi_dbm = rssi(o.get("rssi"));
    r.transport = transport(o.get("transport"));
    r.frequency_mhz = frequency_mhz(number(o.get("freq_mhz"))).or_else(|| frequency_mhz(number(o.get("freq"))));
}

/// A number that is not the zero which also says "unknown".
fn filled(v: Option<f64>) -> Option<f64> {
    v.filter(|n| n.abs() > 1e-12)
}

fn drone(o: &Object) -> Report {
    let mut report = Report::default();
    about(&mut report, o);
    let id = text(o.get("id"));
    if id.is_none() && !["lat", "latitude", "mac"].iter().any(|k| o.contains_key(*k)) {
        report.error = Some(Refusal::new("receiver_content", "neither a drone, an aircraft, a signal nor a kit"));
        return report;
    }
    basic_id(&mut report, id, o.get("id_type"), o.get("ua_type"));
    if let Some(caa) = text(o.get("caa_id")).or_else(|| text(o.get("caa"))) {
        report.messages.push(Message::BasicId(
            BasicId { id_type: Some(2), ua_type: ua_type_of(o.get("ua_type")), id: caa.into_bytes(), flags: vec![] }
                .checked(),
        ));
    }
    let mut flags = Flags::new();
    let at = pair(o, "lat", "lon").or_else(|| pair(o, "latitude", "longitude"));
    let speed = number(o.get("speed"));
    let direction = number(o.get("direction"));
    let (after_hour_s, instant) = time_of(o.get("rid_timestamp"));
    // All zero is what an empty record looks like.
    let still = speed.is_none_or(|s| s.abs() < 1e-9) && filled(number(o.get("vspeed"))).is_none();
    let location = Location {
        status: o.get("op_status").and_then(status_of),
        height_ref: o.get("height_type").and_then(height_ref_of),
        direction_deg: if still { filled(direction) } else { direction },
        speed_h_mps: if still { None } else { speed },
        speed_v_mps: if still { None } else { number(o.get("vspeed")) },
        position: scaled(at, &mut flags),
        alt_baro_m: filled(number(o.get("pressure_altitude"))),
        alt_geo_m: None,
        // Its schema says above the sea, its code fills in what may be above the ellipsoid.
        alt_m: filled(number(o.get("alt"))),
        height_m: filled(number(o.get("height"))),
        horiz_acc: horizontal_code(o.get("horizontal_accuracy")),
        vert_acc: vertical_code(o.get("vertical_accuracy")),
        baro_acc: vertical_code(o.get("baro_accuracy")),
        speed_acc: speed_code(o.get("speed_accuracy")),
        ts_after_hour_s: filled(after_hour_s),
        ts_acc: None,
        at: instant,
        flags,
    }
    .checked();
    let said = Location { flags: Flags::new(), ..location.clone() } != Location::default();
    if said || !location.flags.is_empty() {
        report.messages.push(Message::Location(Box::new(location)));
    }
    if let Some(t) = text(o.get("description")) {
        self_id(&mut report, &t);
    }
    let mut flags = Flags::new();
    let operator = scaled(pair(o, "pilot_lat", "pilot_lon"), &mut flags);
    let home = scaled(pair(o, "home_lat", "home_lon"), &mut flags);
    let system = System { operator, home, flags, ..System::default() }.checked();
    if system != System::default() {
        report.messages.push(Message::System(Box::new(system)));
    }
    if let Some(id) = text(o.get("operator_id")) {
        operator_id(&mut report, &id);
    }
    report
}

/// Aircraft: feet and knots.
fn aircraft(o: &Object) -> Report {
    let mut report = Report::default();
    about(&mut report, o);
    let r = &mut report.reception;
    (r.rssi_dbm, r.transport, r.address) = (None, None, None);
    let address = text(o.get("icao"));
    let hex = address.as_deref().filter(|a| !a.starts_with('~'));
    let feet = any_number(o, &["altitude_ft", "alt"]);
    let at = pair(o, "lat", "lon").or_else(|| pair(o, "latitude", "longitude"));
    report.messages.push(Message::Aircraft(Box::new(
        Aircraft {
            icao: hex.and_then(|h| u32::from_str_radix(h, 16).ok()),
            callsign: text(o.get("callsign")),
            registration: text(o.get("registration")),
            squawk: text_or_number(o.get("squawk")),
            category: text(o.get("category")),
            on_ground: o.get("on_ground").and_then(Value::as_bool),
            position: at,
            // It does not say by what it was measured; what readsb gives first is the pressure altitude.
            alt_baro_m: feet.map(|f| f * FOOT_M),
            speed_mps: any_number(o, &["speed_kt", "speed"]).map(|k| k * KNOT_MPS),
            track_deg: any_number(o, &["track", "heading"]),
            vertical_mps: number(o.get("vertical_rate")).map(|v| v * FOOT_M / 60.0),
            nac_p: code(o.get("nac_p")),
            rssi_dbfs: number(o.get("rssi")),
            via: Some("adsb"),
            at: epoch(o.get("observed_at")),
            address,
            ..Aircraft::default()
        }
        .checked(),
    )));
    report
}

/// A radio signal without Remote ID.
fn signal(o: &Object) -> Report {
    let mut report = Report::default();
    about(&mut report, o);
    let mut flags = Flags::new();
    let sensor = position(pair(o, "sensor_lat", "sensor_lon"), &mut flags);
    report.reception.receiver_at = sensor.and_then(|(lat, lon)| Place::new(lat, lon, None).ok());
    let around = position(pair(o, "lat", "lon").or_else(|| pair(o, "latitude", "longitude")), &mut flags).or(sensor);
    report.reception.transport = Some("rf".to_owned());
    report.reception.frequency_mhz = frequency_mhz(number(o.get("center_hz")));
    report.messages.push(Message::RadioSignal(RadioSignal {
        kind: text(o.get("signal_type")).map(|k| k.to_lowercase()),
        centre_hz: filled(number(o.get("center_hz"))).filter(|f| f.is_finite()),
        bandwidth_hz: filled(number(o.get("bandwidth_hz"))).filter(|f| f.is_finite()),
        around,
        radius_m: any_number(o, &["radius_m", "gps_accuracy"]).filter(|r| (1.0..=1e6).contains(r)),
        flags,
    }));
    report
}

/// The kit about itself.
fn system_status(o: &Object) -> Report {
    let mut report = Report::default();
    about(&mut report, o);
    report.reception.receiver = text(o.get("id")).or_else(|| text(o.get("uid"))).or(report.reception.receiver);
    report.reception.at = epoch(o.get("updated")).or(report.reception.at);
    let mut flags = Flags::new();
    let at = position(pair(o, "latitude", "longitude").or_else(|| pair(o, "lat", "lon")), &mut flags);
    let hae = filled(number(o.get("hae")));
    report.messages.push(Message::Status(Status {
        there: true,
        model: None,
        firmware: None,
        status: o.get("gps_fix").and_then(Value::as_bool).map(|f| if f { "gps_fix" } else { "no_gps_fix" }.to_owned()),
        at: at.and_then(|(lat, lon)| Place::new(lat, lon, hae).ok()),
        flags,
    }));
    report
}
