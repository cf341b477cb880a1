//! [`Event`]: one CoT event, read and written.
//!
//! Structure is strict (an event without uid, type, times, how or point is refused); numbers out of their range become
//! unknown with a flag, so that a person can still be shown what came.

use super::{
    detail::Detail,
    xml::{Element, XmlError},
};
use skypicket_model::{LatLon, Place, Time};

/// What stands for "unknown" in `hae`, `ce` and `le`; ATAK's `CotPoint.UNKNOWN`.
pub const UNKNOWN: f64 = 9_999_999.0;
/// From here on a number is taken as unknown (the protobuf comments say 999999).
const UNKNOWN_FROM: f64 = 999_999.0;
/// Most characters of a uid.
pub const MAX_UID: usize = 256;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Version of the schema, 2 or more.
    pub version: f64,
    /// Global name of the thing; a later event of the same uid replaces an earlier one.
    pub uid: String,
    /// Type, as `a-u-A-M-H-Q`.
    pub kind: String,
    /// When the event was made, by its maker's clock.
    pub time: Time,
    /// From when it is valid.
    pub start: Time,
    /// Until when.
    pub stale: Time,
    /// How the place was found, as `h-e` or `m-g`.
    pub how: String,
    /// Who may see it: free text.
    pub access: Option<String>,
    /// Priority, overtaking, assurance.
    pub qos: Option<String>,
    /// `o`, `e` or `s`, with a name: live, exercise, simulation.
    pub opex: Option<String>,
    /// Other attributes of the event, as they came.
    pub other: Vec<(String, String)>,
    /// Where.
    pub point: Point,
    /// The rest.
    pub detail: Detail,
    /// What was doubtful when it was read (`lat_out_of_range`, `stale_before_start`, `time_zone_missing` …), sorted.
    pub flags: Vec<&'static str>,
}

/// The point of an event; each number unknown where it was not given or not possible.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Latitude, WGS-84 degrees.
    pub lat_deg: Option<f64>,
    /// Longitude, WGS-84 degrees.
    pub lon_deg: Option<f64>,
    /// Height above the ellipsoid, metres.
    pub hae_m: Option<f64>,
    /// Circular error, metres, as written (90 % by ATAK, one sigma by the schema).
    pub ce_m: Option<f64>,
    /// Linear error, metres, as written.
    pub le_m: Option<f64>,
}

impl Point {
    /// Of a place without accuracy.
    pub fn of(p: Place) -> Self {
        Self { lat_deg: Some(p.lat_deg), lon_deg: Some(p.lon_deg), hae_m: p.alt_hae_m, ce_m: None, le_m: None }
    }

    /// Where it is, when that is known. `0 0` without accuracy is how a client without a fix writes "nowhere".
    pub fn place(&self) -> Option<Place> {
        let at = LatLon::new(self.lat_deg?, self.lon_deg?).ok()?;
        let nowhere = libm::fabs(at.lat_deg) + libm::fabs(at.lon_deg) <= 0.0 && self.ce_m.is_none();
        if nowhere {
            return None;
        }
        Place::new(at.lat_deg, at.lon_deg, self.hae_m).ok()
    }
}

impl Event {
    /// A new event without detail, valid from `now` for `valid_s` seconds, nowhere.
    pub fn new(uid: impl Into<String>, kind: &str, how: &str, now: Time, valid_s: f64) -> Self {
        Self {
            version: 2.0,
            uid: uid.into(),
            kind: kind.to_owned(),
            time: now,
            start: now,
            stale: now.plus_s(valid_s),
            how: how.to_owned(),
            access: None,
            qos: None,
            opex: None,
            other: Vec::new(),
            point: Point::default(),
            detail: Detail::default(),
            flags: Vec::new(),
        }
    }

    /// The event in `xml`, all of it.
    pub fn parse(xml: &[u8]) -> Result<Self, XmlError> {
        Self::of(Element::read(xml)?)
    }

    /// The event of a tree.
    pub fn of(root: Element) -> Result<Self, XmlError> {
        let at = root.offset.0;
        if root.name != "event" {
            let name: String = root.name.chars().take(64).collect();
            return Err(XmlError::new("cot_root", at, format!("<{name}> is no event")));
        }
        let mut flags = Vec::new();
        let field = |name: &str, most: usize| -> Result<String, XmlError> {
            let v = root.attribute(name).map(str::trim).filter(|v| !v.is_empty());
            let v = v.ok_or_else(|| XmlError::new("cot_field", at, format!("event/@{name} is missing")))?;
            if v.chars().count() > most {
                return Err(XmlError::new("cot_field", at, format!("event/@{name} has more than {most} characters")));
            }
            Ok(v.to_owned())
        };
        let mut time = |name: &str| -> Result<Time, XmlError> {
            let text = field(name, 64)?;
            let (time, zoned) = read_time(&text)
                .ok_or_else(|| XmlError::new("cot_field", at, format!("event/@{name} '{text}' is no dateTime")))?;
            if !zoned {
                flags.push("time_zone_missing");
            }
            Ok(time)
        };
        let (made, start, stale) = (time("time")?, time("start")?, time("stale")?);
        if stale < start {
            flags.push("stale_before_start");
        }
        let version: f64 = field("version", 16)?.parse().unwrap_or(f64::NAN);
        if !(version.is_finite() && version >= 2.0) {
            return Err(XmlError::new("cot_field", at, "event/@version must be 2 or more"));
        }
        let kind = field("type", 128)?;
        if !is_words(kind.split_once(';').map_or(kind.as_str(), |(head, _)| head)) {
            return Err(XmlError::new("cot_field", at, format!("event/@type '{kind}' is no type")));
        }
        let how = field("how", 32)?;
        if !is_words(&how) {
            return Err(XmlError::new("cot_field", at, format!("event/@how '{how}' is no how")));
        }
        let uid = field("uid", MAX_UID)?;

        let mut point = None;
        let mut detail = None;
        for e in root.children() {
            let slot_taken = match e.name.as_str() {
                "point" => point.replace(read_point(e, &mut flags)?).is_some(),
                "detail" => detail.replace(Detail { elements: e.children().cloned().collect() }).is_some(),
                _ => {
                    flags.push("unknown_element");
                    false
                }
            };
            if slot_taken {
                return Err(XmlError::new("cot_field", e.offset.0, format!("<{}> is there twice", e.name)));
            }
        }
        let known = ["version", "uid", "type", "time", "start", "stale", "how", "access", "qos", "opex"];
        let option = |name: &str| root.attribute(name).map(str::to_owned);
        flags.sort_unstable();
        flags.dedup();
        Ok(Self {
            version,
            uid,
            kind,
            time: made,
            start,
            stale,
            how,
            access: option("access"),
            qos: option("qos"),
            opex: option("opex"),
            point: point.ok_or_else(|| XmlError::new("cot_field", at, "event/point is missing"))?,
            detail: detail.unwrap_or_default(),
            flags,
            other: root.attributes.into_iter().filter(|(n, _)| !known.contains(&n.as_str())).collect(),
        })
    }

    /// Its XML, without declaration or line end.
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(512);
        self.element().write(&mut out);
        out
    }

    /// Its bytes for a legacy stream: declaration, line feed, event.
    pub fn stream_bytes(&self) -> Vec<u8> {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.element().write(&mut out);
        out.into_bytes()
    }

    fn element(&self) -> Element {
        let version =
            if self.version.fract() > 0.0 { self.version.to_string() } else { format!("{:.1}", self.version) };
        let mut e = Element::new("event")
            .with("version", version)
            .with("uid", self.uid.as_str())
            .with("type", self.kind.as_str())
            .with("time", write_time(self.time))
            .with("start", write_time(self.start))
            .with("stale", write_time(self.stale))
            .with("how", self.how.as_str())
            .with_some("access", self.access.as_deref())
            .with_some("qos", self.qos.as_deref())
            .with_some("opex", self.opex.as_deref());
        e.attributes.extend(self.other.iter().cloned());
        let number = |v: Option<f64>| match v {
            Some(v) => v.to_string(),
            None => format!("{UNKNOWN:.1}"),
        };
        // The schema needs a latitude and a longitude: where there is none, 0 0 with unknown accuracy, as TAK does.
        let p = &self.point;
        let (lat, lon, ce, le) = match (p.lat_deg, p.lon_deg) {
            (Some(lat), Some(lon)) => (lat, lon, p.ce_m, p.le_m),
            _ => (0.0, 0.0, None, None),
        };
        let point = Element::new("point")
            .with("lat", lat.to_string())
            .with("lon", lon.to_string())
            .with("hae", number(p.hae_m))
            .with("ce", number(ce))
            .with("le", number(le));
        e.with_child(point).with_child((&self.detail).into())
    }

    /// The affiliation letter that it claims (`f`, `h`, `u` …), for an atom. Never believed.
    pub fn claimed_affiliation(&self) -> Option<&str> {
        let mut parts = self.kind.split('-');
        (parts.next() == Some("a")).then(|| parts.next()).flatten()
    }
}

/// `\w+(-\w+)*` of ASCII.
fn is_words(s: &str) -> bool {
    s.split('-').all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

fn read_point(e: &Element, flags: &mut Vec<&'static str>) -> Result<Point, XmlError> {
    let number = |name: &str| -> Result<f64, XmlError> {
        let text = e.attribute(name).map(str::trim);
        let text = text.ok_or_else(|| XmlError::new("cot_field", e.offset.0, format!("point/@{name} is missing")))?;
        text.parse().map_err(|_| {
            let short: String = text.chars().take(32).collect();
            XmlError::new("cot_field", e.offset.0, format!("point/@{name} '{short}' is no number"))
        })
    };
    let mut within = |v: f64, least: f64, most: f64, flag: &'static str| {
        if (least..=most).contains(&v) {
            Some(v)
        } else {
            flags.push(flag);
            None
        }
    };
    let known = |v: f64| (v.is_nan() || v < UNKNOWN_FROM).then_some(v);
    Ok(Point {
        lat_deg: within(number("lat")?, -90.0, 90.0, "lat_out_of_range"),
        lon_deg: within(number("lon")?, -180.0, 180.0, "lon_out_of_range"),
        hae_m: known(number("hae")?).and_then(|v| within(v, -100_000.0, 100_000.0, "hae_out_of_range")),
        ce_m: known(number("ce")?).and_then(|v| within(v, 0.0, UNKNOWN_FROM, "ce_out_of_range")),
        le_m: known(number("le")?).and_then(|v| within(v, 0.0, UNKNOWN_FROM, "le_out_of_range")),
    })
}

/// An xs:dateTime, and whether it named its zone (without one it is taken as UTC). Digits of a second beyond the
/// microsecond are dropped.
pub fn read_time(text: &str) -> Option<(Time, bool)> {
    let plain = |b: u8| b.is_ascii_digit() || b"-+:.TZ".contains(&b);
    if text.len() > 64 || !text.bytes().all(plain) {
        return None;
    }
    let (date, clock) = text.split_once('T')?;
    let zone_at = clock.find(['Z', '+', '-']);
    let (clock, zone) = zone_at.and_then(|k| clock.split_at_checked(k)).unwrap_or((clock, ""));
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    if clock.contains('.') && (fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let zoned = !zone.is_empty();
    let time = format!("{date}T{whole}.{fraction}{}", if zoned { zone } else { "Z" }).parse().ok()?;
    Some((time, zoned))
}

/// As TAK writes it: UTC with exactly three digits of a second (ATAK reads more digits as more milliseconds).
pub fn write_time(t: Time) -> String {
    let text = Time::from_micros(t.as_micros().div_euclid(1_000).saturating_mul(1_000)).to_string();
    let Some(body) = text.strip_suffix('Z') else { return "9999-12-31T23:59:59.999Z".to_owned() };
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    format!("{whole}.{fraction:0<3}Z")
}

#[cfg(test)]
mod tests {
    use super::{super::xml::tests::any_element, *};
    use proptest::prelude::*;

    const SA: &str = r#"<?xml version="1.0" standalone="yes"?>
<event version="2.0" uid="ANDROID-1" type="a-f-G-U-C" time="2021-02-23T22:28:22.191Z" start="2021-02-23T22:28:22.191Z" stale="2021-02-23T22:34:37.191Z" how="m-g" caveat="x">
<point lat="31.7619" lon="-106.485" hae="1140.3" ce="4.7" le="9999999.0"/>
<detail><takv os="29" version="4.2" device="PIXEL" platform="ATAK-CIV"/><contact endpoint="*:-1:stcp" callsign="RAVEN"/><uid Droid="RAVEN"/><__group name="Cyan" role="Team Member"/><track course="312.4" speed="1.25"/></detail></event>"#;

    #[test]
    fn a_client_s_own_position_is_read() {
        let e = Event::parse(SA.as_bytes()).unwrap();
        assert_eq!((e.uid.as_str(), e.kind.as_str(), e.how.as_str()), ("ANDROID-1", "a-f-G-U-C", "m-g"));
        assert_eq!(
            e.point,
            Point { lat_deg: Some(31.7619), lon_deg: Some(-106.485), hae_m: Some(1140.3), ce_m: Some(4.7), le_m: None }
        );
        assert_eq!(e.stale, e.start.plus_s(375.0));
        assert_eq!(e.detail.contact().unwrap().callsign.as_deref(), Some("RAVEN"));
        assert_eq!(e.detail.group().unwrap().role.as_deref(), Some("Team Member"));
        assert_eq!(e.detail.takv().unwrap().platform.as_deref(), Some("ATAK-CIV"));
        assert_eq!(e.detail.track().unwrap(), Motion { speed_mps: Some(1.25), course_deg: Some(312.4) });
        assert_eq!(e.detail.rest(), "<uid Droid=\"RAVEN\"/>");
        assert_eq!(e.other, [("caveat".to_owned(), "x".to_owned())]);
        assert_eq!(e.claimed_affiliation(), Some("f"));
        assert_eq!(Event::parse(e.write().as_bytes()).unwrap(), e);
    }

    use super::super::detail::Motion;

    #[test]
    fn what_cannot_be_is_unknown_with_a_flag() {
        let xml = SA
            .replace("31.7619", "131.7")
            .replace("1140.3", "-200000")
            .replace("4.7", "-1")
            .replace("stale=\"2021", "stale=\"2020");
        let e = Event::parse(xml.as_bytes()).unwrap();
        assert_eq!(e.flags, ["ce_out_of_range", "hae_out_of_range", "lat_out_of_range", "stale_before_start"]);
        assert_eq!((e.point.lat_deg, e.point.hae_m, e.point.ce_m), (None, None, None));
        assert_eq!(e.point.place(), None);
        let nan = Event::parse(SA.replace("31.7619", "NaN").as_bytes()).unwrap();
        assert_eq!((nan.point.lat_deg, nan.flags), (None, vec!["lat_out_of_range"]));
        for sentinel in ["999999", "9999999.0", "1e9", "inf"] {
            let e = Event::parse(SA.replace("1140.3", sentinel).as_bytes()).unwrap();
            assert_eq!((e.point.hae_m, e.flags.len()), (None, 0), "{sentinel}");
        }
    }

    #[test]
    fn nowhere_is_not_a_place() {
        let xml = SA.replace("31.7619", "0").replace("-106.485", "0.0");
        assert!(Event::parse(xml.as_bytes()).unwrap().point.place().is_some());
        assert_eq!(Event::parse(xml.replace("4.7", "9999999.0").as_bytes()).unwrap().point.place(), None);
    }

    #[test]
    fn a_missing_or_senseless_field_is_refused_by_name() {
        for (from, to, says) in [
            ("uid=\"ANDROID-1\"", "", "event/@uid is missing"),
            ("uid=\"ANDROID-1\"", "uid=\" \"", "event/@uid is missing"),
            ("how=\"m-g\"", "", "event/@how is missing"),
            ("how=\"m-g\"", "how=\"m g\"", "event/@how 'm g' is no how"),
            ("a-f-G-U-C", "a--G", "event/@type 'a--G' is no type"),
            ("version=\"2.0\"", "version=\"1.9\"", "event/@version must be 2 or more"),
            ("start=\"2021-02-23T22:28:22.191Z\"", "start=\"now\"", "event/@start 'now' is no dateTime"),
            (" lat=\"31.7619\"", "", "point/@lat is missing"),
            ("31.7619", "31,7", "point/@lat '31,7' is no number"),
            ("<detail>", "<point lat='0' lon='0' hae='0' ce='0' le='0'/><detail>", "<point> is there twice"),
            ("<event ", "<events ", "not"),
        ] {
            let e = Event::parse(SA.replace(from, to).as_bytes()).unwrap_err();
            assert!(says == "not" || e.message == says, "{e}");
        }
        assert_eq!(Event::parse(b"<auth/>").unwrap_err().kind, "cot_root");
    }

    #[test]
    fn a_type_may_have_a_trailer() {
        let e = Event::parse(SA.replace("a-f-G-U-C", "a-f-G-U-C;x y-z").as_bytes()).unwrap();
        assert_eq!(e.kind, "a-f-G-U-C;x y-z");
    }

    #[test]
    fn times_have_any_number_of_digits_and_are_written_with_three() {
        for (text, expect) in [
            ("2021-02-23T22:28:22Z", "2021-02-23T22:28:22.000Z"),
            ("2021-02-23T22:28:22.1Z", "2021-02-23T22:28:22.100Z"),
            ("2021-02-23T22:28:22.123456789012345Z", "2021-02-23T22:28:22.123Z"),
            ("2021-02-23T22:28:22.191+02:00", "2021-02-23T20:28:22.191Z"),
            ("2021-02-23T22:28:22.191", "2021-02-23T22:28:22.191Z"),
        ] {
            let (t, zoned) = read_time(text).unwrap();
            assert_eq!(write_time(t), expect);
            assert_eq!(zoned, text != "2021-02-23T22:28:22.191");
        }
        for bad in ["", "2021-02-23", "2021-02-23T25:00:00Z", "2021-02-30T00:00:00Z", "2021-02-23T22:28:22.Z", "T", "é"]
        {
            assert_eq!(read_time(bad), None, "{bad}");
        }
        assert_eq!(write_time(Time::from_micros(i64::MAX)), "9999-12-31T23:59:59.999Z");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            (lat, lon) in (-90.0..=90.0f64, -180.0..=180.0f64),
            hae in proptest::option::of(-500.0..20_000.0f64),
            ce in proptest::option::of(0.0..5_000.0f64),
            uid in "[!-~]{1,40}", access in proptest::option::of("[ -~]{1,9}"),
            ms in 0..4_000_000_000_000i64,
            elements in proptest::collection::vec(any_element(), 0..4),
        ) {
            let mut e = Event::new(uid, "a-u-A-M-H-Q", "m-f", Time::from_micros(ms * 1_000), 15.0);
            e.access = access;
            e.point = Point { lat_deg: Some(lat), lon_deg: Some(lon), hae_m: hae, ce_m: ce, le_m: None };
            e.detail.elements = elements;
            prop_assert_eq!(Event::parse(&e.stream_bytes()).unwrap(), e);
        }
    }
}
