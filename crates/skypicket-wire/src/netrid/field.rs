//! [`Field`]: a value with its path, and the words of F3411's enumerations.

use crate::receivers::Refusal;
use serde_json::Value;
use skypicket_model::Time;

/// A value and where it stands (`flights[0].states[3].position.alt`).
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
}

impl<'a> Field<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value }
    }

    pub(super) fn bad(&self, message: &str) -> Refusal {
        Refusal::new("netrid_field", format!("{}: {message}", self.path))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A member that is there and not null.
    pub(super) fn opt(&self, key: &str) -> Option<Field<'a>> {
        let value = self.value.get(key).filter(|v| !v.is_null())?;
        Some(Field { path: self.path_of(key), value })
    }

    pub(super) fn need(&self, key: &str) -> Result<Field<'a>, Refusal> {
        self.opt(key).ok_or_else(|| Refusal::new("netrid_field", format!("{}: is missing", self.path_of(key))))
    }

    pub(super) fn items(&self) -> Result<Vec<Field<'a>>, Refusal> {
        let items = self.value.as_array().ok_or_else(|| self.bad("must be a list"))?;
        Ok(items.iter().enumerate().map(|(k, value)| Field { path: format!("{}[{k}]", self.path), value }).collect())
    }

    pub(super) fn number(&self) -> Result<f64, Refusal> {
        self.value.as_f64().ok_or_else(|| self.bad("must be a number"))
    }

    pub(super) fn within(&self, range: std::ops::RangeInclusive<f64>, unknown: Option<f64>) -> Result<f64, Refusal> {
        let n = self.number()?;
        if range.contains(&n) || unknown.is_some_and(|u| u.total_cmp(&n).is_eq()) {
            return Ok(n);
        }
        Err(self.bad(&format!("{n} is not within {} to {}", range.start(), range.end())))
    }

    /// A text of at most 256 characters.
    pub(super) fn text(&self) -> Result<&'a str, Refusal> {
        self.value.as_str().filter(|t| t.len() <= 1_024).ok_or_else(|| self.bad("must be a text of at most 1024 bytes"))
    }

    /// An instant: RFC 3339, or F3411-22a's `{"value","format"}` of it.
    pub(super) fn time(&self) -> Result<Time, Refusal> {
        let field = if self.value.is_object() { self.need("value")? } else { self.clone() };
        field.text()?.parse().map_err(|_| field.bad("must be an RFC 3339 instant such as 2026-11-23T06:14:00Z"))
    }
}

/// Accuracy code of a word such as `HA10m`, `HA1NMPlus`.
pub(super) fn horizontal(word: &str) -> Option<u8> {
    Some(match word.to_ascii_lowercase().as_str() {
        "haunknown" => 0,
        "ha10nmplus" | "ha10nm" => 1,
        "ha4nm" => 2,
        "ha2nm" => 3,
        "ha1nm" => 4,
        "ha05nm" => 5,
        "ha03nm" => 6,
        "ha01nm" => 7,
        "ha005nm" => 8,
        "ha30m" => 9,
        "ha10m" => 10,
        "ha3m" => 11,
        "ha1m" => 12,
        _ => return None,
    })
}

/// Accuracy code of a word such as `VA10m`.
pub(super) fn vertical(word: &str) -> Option<u8> {
    Some(match word.to_ascii_lowercase().as_str() {
        "vaunknown" | "va150mplus" => 0,
        "va150m" => 1,
        "va45m" => 2,
        "va25m" => 3,
        "va10m" => 4,
        "va3m" => 5,
        "va1m" => 6,
        _ => return None,
    })
}

/// Accuracy code of a word such as `SA3mps`.
pub(super) fn speed(word: &str) -> Option<u8> {
    Some(match word.to_ascii_lowercase().as_str() {
        "saunknown" | "sa10mpsplus" => 0,
        "sa10mps" => 1,
        "sa3mps" => 2,
        "sa1mps" => 3,
        "sa03mps" => 4,
        _ => return None,
    })
}

/// Status code of a word.
pub(super) fn status(word: &str) -> Option<u8> {
    Some(match word.to_ascii_lowercase().as_str() {
        "undeclared" => 0,
        "ground" => 1,
        "airborne" => 2,
        "emergency" => 3,
        "remoteidsystemfailure" => 4,
        _ => return None,
    })
}

/// Kind of aircraft of a word.
pub(super) fn aircraft_type(word: &str) -> Option<u8> {
    let w: String = word.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    Some(match w.as_str() {
        "notdeclared" | "none" => 0,
        "aeroplane" | "airplane" => 1,
        "helicopter" | "helicopterormultirotor" | "multirotor" => 2,
        "gyroplane" => 3,
        "vtol" | "hybridlift" => 4,
        "ornithopter" => 5,
        "glider" => 6,
        "kite" => 7,
        "freeballoon" => 8,
        "captiveballoon" => 9,
        "airship" => 10,
        "freefallorparachute" | "parachute" => 11,
        "rocket" => 12,
        "tetheredpoweredaircraft" => 13,
        "groundobstacle" => 14,
        "other" => 15,
        _ => return None,
    })
}

/// Height reference of a word.
pub(super) fn height_ref(word: &str) -> Option<u8> {
    match word {
        "TakeoffLocation" => Some(0),
        "GroundLevel" => Some(1),
        _ => None,
    }
}
