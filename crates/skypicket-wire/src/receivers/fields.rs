//! Values of loosely written JSON: numbers that may be texts with a unit, texts that may be missing.

use crate::relayed::MAX_TEXT;
use serde_json::{Map, Value};
use skypicket_model::Time;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// A number, or a text that begins with one ("0.25 m/s", "<10 m"). May be infinite, so that a range check can flag it.
pub(super) fn number(v: Option<&Value>) -> Option<f64> {
    match v? {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => leading_number(s),
        _ => None,
    }
}

/// The number at the start of a text, after `<`, `>`, `=` and spaces.
pub(super) fn leading_number(s: &str) -> Option<f64> {
    let s = s.trim_start_matches([' ', '<', '>', '=', '≤', '≥']);
    let end = s.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(s.len());
    let mut digits = s.get(..end)?;
    // "5e" of "5east" and the like.
    while !digits.is_empty() && !digits.ends_with(|c: char| c.is_ascii_digit() || c == '.') {
        digits = digits.get(..digits.len() - 1)?;
    }
    digits.parse().ok()
}

/// A number under the first of these keys that has one.
pub(super) fn any_number(o: &Object, keys: &[&str]) -> Option<f64> {
    keys.iter().find_map(|k| number(o.get(*k)))
}

/// A text that is not empty, without the spaces around it, cut to what is ever kept.
pub(super) fn text(v: Option<&Value>) -> Option<String> {
    let s = v?.as_str()?.trim();
    let mut end = s.len().min(MAX_TEXT);
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    s.get(..end).filter(|s| !s.is_empty()).map(str::to_owned)
}

/// A text or a number, as text.
pub(super) fn text_or_number(v: Option<&Value>) -> Option<String> {
    text(v).or_else(|| v.filter(|v| v.is_number()).map(Value::to_string))
}

/// A whole number from 0 to 255.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within 0 to 255 by the filter
pub(super) fn code(v: Option<&Value>) -> Option<u8> {
    number(v).filter(|n| (0.0..=255.0).contains(n) && libm::trunc(*n).total_cmp(n).is_eq()).map(|n| n as u8)
}

/// Milliseconds or seconds since the Unix epoch, told apart by their size; 0 is unknown.
pub(super) fn epoch(v: Option<&Value>) -> Option<Time> {
    let n = number(v).filter(|n| *n > 0.0)?;
    Time::from_unix_s(if n > 1e11 { n / 1000.0 } else { n })
}

/// Received power, dBm; 0 is unknown.
pub(super) fn rssi(v: Option<&Value>) -> Option<f64> {
    number(v).filter(|r| (-200.0..=100.0).contains(r) && r.abs() > 1e-9)
}

/// Middle of a channel, MHz: Wi-Fi 1 to 14 and 32 to 177, Bluetooth advertising 37 to 39.
pub(super) fn channel_mhz(channel: Option<f64>, bluetooth: bool) -> Option<f64> {
    let c = channel?;
    match (bluetooth, c) {
        (true, 37.0..37.5) => Some(2402.0),
        (true, 37.5..38.5) => Some(2426.0),
        (true, 38.5..=39.0) => Some(2480.0),
        (false, 13.5..=14.5) => Some(2484.0),
        (false, 1.0..=13.0) => Some(2407.0 + 5.0 * c),
        (false, 32.0..=177.0) => Some(5000.0 + 5.0 * c),
        _ => None,
    }
}

/// A frequency, MHz: Hz above 100,000, else MHz; 0 is unknown.
pub(super) fn frequency_mhz(f: Option<f64>) -> Option<f64> {
    let f = f.filter(|f| f.is_finite() && *f > 0.0)?;
    Some(if f > 1e5 { f / 1e6 } else { f })
}

/// A bearer in the words of a decoded broadcast.
pub(super) fn transport(v: Option<&Value>) -> Option<String> {
    let said = text(v)?;
    let plain: String = said.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    Some(
        match plain.as_str() {
            "wifi_beacon" | "wi_fi_beacon" | "beacon" => "wifi_beacon",
            "wifi_nan" | "wi_fi_nan" | "wifi_action" | "nan" => "wifi_nan",
            "ble" | "ble_legacy" | "bt4" | "bluetooth_legacy" | "ble4" => "ble_legacy",
            "ble_long_range" | "ble_coded" | "ble_extended" | "bt5" | "ble5" => "ble_extended",
            other => other.get(..other.len().min(32)).unwrap_or("other"),
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (v, n) in [
            (json!(1.5), Some(1.5)),
            (json!("0.25 m/s"), Some(0.25)),
            (json!("<10 m"), Some(10.0)),
            (json!("< 3 m"), Some(3.0)),
            (json!("-12.5"), Some(-12.5)),
            (json!("1e3"), Some(1000.0)),
            (json!("5 east"), Some(5.0)),
            (json!("5e"), Some(5.0)),
            (json!("1e400"), Some(f64::INFINITY)),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!(""), None),
            (json!("-"), None),
            (json!(true), None),
            (json!(null), None),
            (json!([1]), None),
        ] {
            assert_eq!(number(Some(&v)), n, "{v}");
        }
    }

    #[test]
    fn codes_times_and_frequencies() {
        assert_eq!(
            (code(Some(&json!(255))), code(Some(&json!(256))), code(Some(&json!(1.5)))),
            (Some(255), None, None)
        );
        let t = Time::from_unix_s(1_735_677_509.089);
        assert_eq!(epoch(Some(&json!(1_735_677_509_089u64))), t);
        assert_eq!(epoch(Some(&json!(1_735_677_509.089))), t);
        assert_eq!((epoch(Some(&json!(0))), epoch(Some(&json!(-1)))), (None, None));
        assert_eq!(frequency_mhz(Some(2_437_000_000.0)), Some(2437.0));
        assert_eq!(frequency_mhz(Some(2437.0)), Some(2437.0));
        assert_eq!((frequency_mhz(Some(0.0)), frequency_mhz(Some(f64::INFINITY))), (None, None));
        assert_eq!(channel_mhz(Some(6.0), false), Some(2437.0));
        assert_eq!(channel_mhz(Some(149.0), false), Some(5745.0));
        assert_eq!(channel_mhz(Some(38.0), true), Some(2426.0));
        assert_eq!(transport(Some(&json!("WiFi NaN"))).as_deref(), Some("wifi_nan"));
        assert_eq!(transport(Some(&json!("BLE long range"))).as_deref(), Some("ble_extended"));
    }
}
