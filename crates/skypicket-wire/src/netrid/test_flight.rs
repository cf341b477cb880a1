//! Recorded test flights, as InterUSS writes them for qualifying services: strict.

use super::{
    Flight,
    field::{self, Field},
    provider,
};
use crate::{
    receivers::Refusal,
    relayed::{BasicId, Flags, Location, Message, add},
};

/// The flights of a file, or the first field that does not fit.
pub(super) fn flights(root: &Field<'_>) -> Result<Vec<Flight>, Refusal> {
    root.need("flights")?.items()?.iter().map(flight).collect()
}

fn flight(f: &Field<'_>) -> Result<Flight, Refusal> {
    let reference = f.need("reference_time")?.time()?;
    let d = f.need("flight_details")?;
    let mut out =
        Flight { id: Some(d.need("id")?.text()?.to_owned()), reference: Some(reference), ..Flight::default() };
    let ua_type = match f.opt("aircraft_type") {
        Some(t) => Some(field::aircraft_type(t.text()?).ok_or_else(|| t.bad("is no kind of aircraft"))?),
        None => None,
    };
    let mut messages = provider::detail_messages(&d)?;
    let mut identified = false;
    for m in &mut messages {
        if let Message::BasicId(b) = m {
            b.ua_type = ua_type;
            identified |= !b.id.is_empty();
        }
    }
    if !identified {
        return Err(Refusal::new(
            "netrid_field",
            format!("{}.serial_number: is missing, and so is every other id of the aircraft", d.path),
        ));
    }
    if messages.is_empty() {
        messages.push(Message::BasicId(BasicId { ua_type, ..BasicId::default() }));
    }
    out.messages = messages;
    for s in f.need("states")?.items()? {
        out.messages.push(Message::Location(Box::new(state(&s)?)));
    }
    Ok(out)
}

fn state(s: &Field<'_>) -> Result<Location, Refusal> {
    let mut flags = Flags::new();
    let word = |f: &Field<'_>, k: &str, codes: fn(&str) -> Option<u8>| match f.opt(k) {
        Some(w) => codes(w.text()?).map(Some).ok_or_else(|| w.bad("is no word of the standard")),
        None => Ok(None),
    };
    let at = s.need("timestamp")?.time()?;
    let p = s.need("position")?;
    if p.opt("extrapolated").is_some_and(|e| e.value == true) {
        add(&mut flags, "extrapolated");
    }
    let optional = |f: &Field<'_>, k: &str, range, unknown| f.opt(k).map(|n| n.within(range, unknown)).transpose();
    let lat = p.need("lat")?.within(-90.0..=90.0, None)?;
    let lon = p.need("lng")?.within(-180.0..=180.0, None)?;
    let altitude = || -1000.0..=31_767.5;
    let alt = p.need("alt")?.within(altitude(), None)?;
    let (height_m, height_ref) = match p.opt("height").or_else(|| s.opt("height")) {
        Some(h) => {
            let (distance, reference) = provider::height(&h)?;
            (distance, Some(reference.ok_or_else(|| h.bad("reference: is neither TakeoffLocation nor GroundLevel"))?))
        }
        None => (None, None),
    };
    Ok(Location {
        status: word(s, "operational_status", field::status)?,
        height_ref,
        direction_deg: optional(s, "track", 0.0..=360.0, Some(361.0))?
            .map(|t| if (360.0..361.0).contains(&t) { 0.0 } else { t }),
        speed_h_mps: optional(s, "speed", 0.0..=254.25, Some(255.0))?,
        speed_v_mps: optional(s, "vertical_speed", -62.0..=62.0, Some(63.0))?,
        position: Some((lat, lon)),
        alt_baro_m: optional(&p, "pressure_altitude", altitude(), None)?,
        alt_geo_m: Some(alt),
        alt_m: None,
        height_m,
        horiz_acc: word(&p, "accuracy_h", field::horizontal)?,
        vert_acc: word(&p, "accuracy_v", field::vertical)?,
        baro_acc: None,
        speed_acc: word(s, "speed_accuracy", field::speed)?,
        ts_after_hour_s: None,
        ts_acc: optional(s, "timestamp_accuracy", 0.0..=1e3, None)?.and_then(provider::tenths),
        at: Some(at),
        flags,
    }
    .checked())
}
