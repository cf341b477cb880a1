//! [`Notice`]: one version of a warning or of a bulletin, and its [`Level`].

use crate::{
    Area, Audience, LatLon, Marking, NoticeId, ObservationId, PersonId, Sheet, Time, TrackId, people::ProtectedId,
};
use serde::{Deserialize, Serialize};

/// How urgent, from the mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Know of it.
    Advisory,
    /// Be ready.
    Caution,
    /// Act now.
    Urgent,
}

/// The life of a notice: a warning is raised, updated, cleared; a bulletin is issued, updated, and recalled or expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// First version of a warning.
    Raised,
    /// First version of a bulletin.
    Issued,
    /// A later version, which takes the place of the one before.
    Updated,
    /// The danger is over: the last version of a warning.
    Cleared,
    /// It was wrong or is withdrawn: the last version of a bulletin, and all that remains to be shown of it.
    Recalled,
    /// Its time is over: the last version of a bulletin.
    Expired,
}

impl NoticeState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Raised, Self::Issued, Self::Updated, Self::Cleared, Self::Recalled, Self::Expired];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Issued => "issued",
            Self::Updated => "updated",
            Self::Cleared => "cleared",
            Self::Recalled => "recalled",
            Self::Expired => "expired",
        }
    }

    /// The last version: nothing of it is asked or alarmed any more.
    pub fn ended(self) -> bool {
        matches!(self, Self::Cleared | Self::Recalled | Self::Expired)
    }
}

/// What follows `NOTICE.VERSION` in the name of what says, to whom that version is not released, that those before it no
/// longer are.
pub const WITHDRAWN: &str = ".withdrawn";

/// One version of a notice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same over all versions.
    pub id: NoticeId,
    /// 1, 2, 3 …
    pub version: u32,
    /// Where in its life.
    pub state: NoticeState,
    /// Level of this version (of the last one before, when it ended).
    pub level: Level,
    /// When this version was made.
    pub at: Time,
    /// Whether people must acknowledge this version on purpose: the first, and each at a higher level.
    pub needs_ack: bool,
    /// Who may see it.
    pub marking: Marking,
    /// Name of the exercise; `None` is live.
    pub exercise: Option<String>,
    /// Four digits that a reply by chat, SMS or mail must hold to acknowledge this version.
    pub code: String,
    /// What to say, in English: what it is, where from here, how soon, what to do.
    pub text: String,
    /// The same in Spanish.
    pub text_es: String,
    /// From then on nobody is alarmed by it any more; `None` for a warning, which ends when the danger does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// What it is about, by its kind.
    #[serde(flatten)]
    pub about: About,
}

/// What a notice is about; written with its word as `kind`, and told by its fields when read, since the warnings of
/// older records have no such word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", from = "AboutRead")]
pub enum About {
    /// A danger.
    Warning(Warning),
    /// Something that people have to say.
    Bulletin(Bulletin),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AboutRead {
    Warning(Warning),
    Bulletin(Bulletin),
}

impl From<AboutRead> for About {
    fn from(read: AboutRead) -> Self {
        match read {
            AboutRead::Warning(w) => Self::Warning(w),
            AboutRead::Bulletin(b) => Self::Bulletin(b),
        }
    }
}

/// A warning about one track to one protected person or place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// The track.
    pub track: TrackId,
    /// Who or what is in danger.
    pub protected: ProtectedId,
    /// Its name as shown.
    pub protected_name: String,
    /// Where it is as seen from the protected, and how soon, when this version was made.
    pub facts: NoticeFacts,
    /// Fixed words that say why.
    pub reasons: Vec<String>,
    /// The observations that it rests on.
    pub because: Vec<ObservationId>,
}

/// What makes a bulletin one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bulletin {
    /// Its title in English, one line.
    pub title: String,
    /// The same in Spanish.
    pub title_es: String,
    /// Whom it is for; the list of people is fixed from it with each version.
    pub audience: Vec<Audience>,
    /// Where it is about: people who asked for what happens there get it with [`Audience::Subscribers`].
    #[serde(default)]
    pub area: Option<Area>,
    /// Who issued this version.
    pub issued_by: PersonId,
    /// The second person who approved it; `None` only where `break_glass` says why.
    #[serde(default)]
    pub approved_by: Option<PersonId>,
    /// Why one person alone issued it.
    #[serde(default)]
    pub break_glass: Option<String>,
    /// Why it was updated, recalled, or ended; empty in the first version.
    #[serde(default)]
    pub why: String,
    /// Its number: `OSA-2026-0001`; the same over all versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Its further fields, where it was written from a template; without what it rests on, which stays at the centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<Box<Sheet>>,
}

impl Notice {
    /// The warning, where it is one.
    pub fn warning(&self) -> Option<&Warning> {
        match &self.about {
            About::Warning(w) => Some(w),
            About::Bulletin(_) => None,
        }
    }

    /// The bulletin, where it is one.
    pub fn bulletin(&self) -> Option<&Bulletin> {
        match &self.about {
            About::Bulletin(b) => Some(b),
            About::Warning(_) => None,
        }
    }

    /// The track that a warning is about.
    pub fn track(&self) -> Option<TrackId> {
        self.warning().map(|w| w.track)
    }

    /// Nobody may be alarmed by it any more: it ended, or its time is over.
    pub fn is_over(&self, now: Time) -> bool {
        self.state.ended() || self.expires_at.is_some_and(|t| t <= now)
    }
}

/// The numbers of a warning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeFacts {
    /// Distance from the protected, metres.
    pub distance_m: f64,
    /// True bearing from the protected, degrees.
    pub bearing_deg: f64,
    /// Earliest possible time to reach the stand-off radius, seconds.
    pub earliest_s: f64,
    /// Closest point of approach, metres.
    pub cpa_m: f64,
    /// Probability of being within the stand-off radius in 30 s.
    pub p_within_30: f64,
    /// Where the track was.
    pub track_at: LatLon,
    /// Height unknown: distances are horizontal.
    pub height_unknown: bool,
    /// Only people's reports so far.
    pub by_people_only: bool,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub(crate) fn warning() -> Value {
        json!({
            "id": "018f0000-0000-7000-8000-000000000001", "version": 2, "state": "updated", "level": "urgent",
            "at": "2026-11-26T18:00:00Z", "track": "018f0000-0000-7000-8000-000000000002",
            "protected": {"person": "picket-7"}, "protected_name": "Picket 7", "needs_ack": true,
            "facts": {"distance_m": 1.0, "bearing_deg": 2.0, "earliest_s": 3.0, "cpa_m": 4.0, "p_within_30": 0.5,
                "track_at": {"lat_deg": 1.0, "lon_deg": 2.0}, "height_unknown": false, "by_people_only": true},
            "reasons": ["inside_standoff"], "because": [], "marking": {"tlp": "TLP:AMBER"}, "exercise": null,
            "code": "1234", "text": "Drone", "text_es": "Dron"
        })
    }

    #[test]
    fn a_warning_of_an_older_record_is_read_and_its_kind_is_written_from_now_on() {
        let n: Notice = serde_json::from_value(warning()).unwrap();
        assert_eq!(n.warning().unwrap().protected_name, "Picket 7");
        let again = serde_json::to_value(&n).unwrap();
        assert_eq!((&again["kind"], &again["track"]), (&json!("warning"), &warning()["track"]));
        assert_eq!(serde_json::from_value::<Notice>(again).unwrap(), n);
    }

    #[test]
    fn a_bulletin_comes_back_as_it_was_and_what_is_neither_is_refused() {
        let mut b = warning();
        for key in ["track", "protected", "protected_name", "facts", "reasons", "because"] {
            b.as_object_mut().unwrap().remove(key);
        }
        assert!(serde_json::from_value::<Notice>(b.clone()).is_err());
        for (key, value) in [
            ("title", json!("Officer Safety Alert")),
            ("title_es", json!("Alerta")),
            ("audience", json!([{"to": "agency", "agency": "bp"}, {"to": "in_danger"}])),
            ("issued_by", json!("watch")),
        ] {
            b[key] = value;
        }
        let n: Notice = serde_json::from_value(b).unwrap();
        let text = serde_json::to_string(&n).unwrap();
        assert!(text.contains("\"kind\":\"bulletin\"") && n.warning().is_none());
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), n);
    }
}
