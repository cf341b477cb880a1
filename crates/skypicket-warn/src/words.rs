//! The sentences of a warning, by hand in English and in Spanish.
//!
//! What it is, where it is as seen from the one in danger, how soon, what to do. Only what is known: "coming closer"
//! only if it is, "not confirmed" while it is not. An exercise's text starts and ends with the word EXERCISE.

use crate::{Assessment, Policy, Reasons};
use skypicket_model::{
    Level, NoticeState, ProtectedId, Time, Track, TrackState, kinematics::AirClass, people::Language,
};

/// What a text is made from.
pub(crate) struct About<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) state: NoticeState,
    pub(crate) level: Level,
    /// The level of the version before, for an update.
    pub(crate) before: Option<Level>,
    pub(crate) track: &'a Track,
    pub(crate) seen: &'a Assessment,
    pub(crate) protected: &'a ProtectedId,
    pub(crate) name: &'a str,
    pub(crate) exercise: bool,
    pub(crate) now: Time,
}

/// The text in a language.
pub(crate) fn text(about: &About<'_>, language: Language) -> String {
    let en = language == Language::En;
    if about.state == NoticeState::Cleared {
        return over(about.seen.reasons, about.exercise, language);
    }
    let parts = [calmer(about, en), what(about, en), where_and_when(about, en), act(about, en)];
    marked(&parts.concat(), about.exercise, en)
}

fn marked(body: &str, exercise: bool, en: bool) -> String {
    match (exercise, en) {
        (false, _) => body.to_owned(),
        (true, true) => format!("EXERCISE. {body} EXERCISE"),
        (true, false) => format!("EJERCICIO. {body} EJERCICIO"),
    }
}

/// Unmeasured for longer than this, a lower level says only that nothing is heard, seconds.
const SILENT_S: f64 = 5.0;

/// Before an update to a lower level: that the danger is lower, or only that the drone fell silent, which is not the
/// same.
fn calmer(about: &About<'_>, en: bool) -> String {
    let silent_s = about.now.since_s(about.track.measured_at);
    match (about.before > Some(about.level), silent_s > SILENT_S, en) {
        (false, ..) => String::new(),
        (true, false, true) => "Danger is lower now. ".into(),
        (true, false, false) => "El peligro es menor ahora. ".into(),
        (true, true, true) => format!("Nothing heard of it for {silent_s:.0} s: it may still be near. "),
        (true, true, false) => format!("Sin señal de él desde hace {silent_s:.0} s: puede seguir cerca. "),
    }
}

fn what(about: &About<'_>, en: bool) -> String {
    let t = about.track;
    let sure = t.state == TrackState::Confirmed;
    let believed = t.class.filter(|_| t.class_p >= about.policy.class_p);
    let kind = match (believed, en) {
        (Some(AirClass::Fpv), true) => "small fast drone",
        (Some(AirClass::Fpv), false) => "dron pequeño y rápido",
        (Some(AirClass::FixedWing), true) => "drone with wings",
        (Some(AirClass::FixedWing), false) => "dron de ala fija",
        (_, true) => "drone",
        (_, false) => "dron",
    };
    let reports = t.sources.len();
    match (sure, t.by_people_only, en) {
        (true, false, _) => format!("{}. ", capital(kind)),
        (true, true, true) => format!("{}, seen by people, not by sensors. ", capital(kind)),
        (true, true, false) => format!("{}, visto por personas, no por sensores. ", capital(kind)),
        (false, true, true) if reports <= 1 => format!("Possible {kind}, one report, not confirmed. "),
        (false, true, true) => format!("Possible {kind}, {reports} reports, not confirmed. "),
        (false, true, false) if reports <= 1 => format!("Posible {kind}, un solo aviso, sin confirmar. "),
        (false, true, false) => format!("Posible {kind}, {reports} avisos, sin confirmar. "),
        (false, false, true) => format!("Possible {kind}, not confirmed. "),
        (false, false, false) => format!("Posible {kind}, sin confirmar. "),
    }
}

fn where_and_when(about: &About<'_>, en: bool) -> String {
    let a = about.seen;
    let from = match (about.protected, en) {
        (ProtectedId::Person(_), true) => "you".to_owned(),
        (ProtectedId::Person(_), false) => "usted".to_owned(),
        (ProtectedId::Site(_), _) => about.name.to_owned(),
    };
    // A distance that may be off by a third or more is "about".
    let vague = a.distance_sigma_m > a.distance_m / 3.0;
    let distance = match (vague, en) {
        (false, _) => metres(a.distance_m),
        (true, true) => format!("about {}", metres(a.distance_m)),
        (true, false) => format!("unos {}", metres(a.distance_m)),
    };
    let mut said = if en {
        format!("{}, {distance} from {from}.", bearing(a.bearing_deg))
    } else {
        format!("{}, a {distance} de {from}.", bearing(a.bearing_deg))
    };
    if a.reasons.has(Reasons::HEIGHT_UNKNOWN) {
        said.push_str(if en { " Height unknown." } else { " Altura desconocida." });
    }
    if a.closing {
        said.push_str(if en { " It is coming closer." } else { " Se está acercando." });
    }
    let soon = match about.level {
        // No time can be told where only a report says that it is near, or where the level is left over from before.
        _ if a.reasons.has(Reasons::LINGERS) && !a.closing => {
            if en {
                " It stays near.".into()
            } else {
                " Sigue cerca.".into()
            }
        }
        _ if a.reasons.has(Reasons::REPORTED_NEAR)
            || a.reasons.has(Reasons::HELD)
            || a.reasons.has(Reasons::LINGERS) =>
        {
            String::new()
        }
        Level::Urgent if a.reasons.has(Reasons::INSIDE) => {
            let standoff = metres(a.standoff_m);
            if en { format!(" It is within {standoff} now.") } else { format!(" Ya está a menos de {standoff}.") }
        }
        Level::Urgent => {
            let s = libm::round(a.earliest_s.max(1.0));
            if en {
                format!(" It may reach {from} in {s:.0} s.")
            } else {
                format!(" Puede llegar a {from} en {s:.0} s.")
            }
        }
        level => {
            let s =
                if level == Level::Caution { about.policy.caution.within_s } else { about.policy.advisory.within_s };
            if en {
                format!(" It may reach {from} within {}.", span(s, true))
            } else {
                format!(" Puede llegar a {from} en menos de {}.", span(s, false))
            }
        }
    };
    said.push_str(&soon);
    said.push(' ');
    said
}

fn act(about: &About<'_>, en: bool) -> String {
    match (about.level, en) {
        (Level::Urgent, true) => "Take cover now. Keep apart. Do not touch anything that falls.",
        (Level::Urgent, false) => "Cúbrase ya. Manténganse separados. No toque nada que caiga.",
        (Level::Caution, true) => "Be ready to take cover. Keep apart. Watch the sky.",
        (Level::Caution, false) => "Prepárese para cubrirse. Manténganse separados. Vigile el cielo.",
        (Level::Advisory, true) => "Know your nearest cover. Watch the sky.",
        (Level::Advisory, false) => "Ubique el refugio más cercano. Vigile el cielo.",
    }
    .to_owned()
}

/// The text of the last version.
pub(crate) fn over(r: Reasons, exercise: bool, language: Language) -> String {
    let en = language == Language::En;
    let body = if r.has(Reasons::OWN_FLIGHT) {
        if en { "Warning over: it is one of our own flights." } else { "Fin del aviso: es un vuelo propio." }
    } else if r.has(Reasons::NEUTRAL) {
        if en {
            "Warning over: judged harmless by the centre."
        } else {
            "Fin del aviso: el centro lo considera inofensivo."
        }
    } else if r.has(Reasons::CREWED) {
        if en { "Warning over: it is a crewed aircraft." } else { "Fin del aviso: es una aeronave tripulada." }
    } else if r.has(Reasons::MERGED) {
        if en {
            "Warning over: it is the same drone as in another warning, which stays."
        } else {
            "Fin del aviso: es el mismo dron de otro aviso, que sigue vigente."
        }
    } else if r.has(Reasons::POSITION_TOO_OLD) {
        if en {
            "Warning ended: your position is too old to tell. It does not mean that the drone is gone."
        } else {
            "Aviso terminado: su posición es demasiado antigua. No significa que el dron se haya ido."
        }
    } else if r.has(Reasons::NOT_PROTECTED) {
        if en {
            "Warning ended: no longer on the list to be warned."
        } else {
            "Aviso terminado: ya no figura en la lista de avisos."
        }
    } else if r.has(Reasons::TRACK_LOST) {
        if en {
            "Warning over: the drone is no longer seen. Stay alert. Do not touch anything that fell."
        } else {
            "Fin del aviso: el dron ya no se ve. Siga atento. No toque nada que haya caído."
        }
    } else if en {
        "Warning over: out of the drone's way now. Do not touch anything that fell."
    } else {
        "Fin del aviso: ya fuera del camino del dron. No toque nada que haya caído."
    };
    marked(body, exercise, en)
}

/// Three digits: `045°`; north is `000°`.
fn bearing(deg: f64) -> String {
    let whole = libm::round(deg);
    format!("{:03.0}°", if whole >= 360.0 { 0.0 } else { whole })
}

/// Two significant figures: `45 m`, `350 m`, `1.2 km`, `12 km`; under ten metres one.
fn metres(m: f64) -> String {
    let m = m.max(1.0);
    if m < 9.5 {
        return format!("{m:.0} m");
    }
    let step = libm::pow(10.0, libm::floor(libm::log10(m)) - 1.0);
    let rounded = libm::round(m / step) * step;
    if rounded < 1_000.0 {
        format!("{rounded:.0} m")
    } else if rounded < 9_950.0 {
        format!("{:.1} km", rounded / 1_000.0)
    } else {
        format!("{:.0} km", rounded / 1_000.0)
    }
}

/// A look-ahead in words: seconds below two minutes, else whole minutes where it is whole.
fn span(s: f64, en: bool) -> String {
    let minutes = s / 60.0;
    if s >= 120.0 && (minutes - libm::round(minutes)).abs() < 1e-9 {
        format!("{minutes:.0} {}", if en { "minutes" } else { "minutos" })
    } else {
        format!("{s:.0} s")
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_two_figures_and_bearings_three_digits() {
        for (m, s) in [
            (0.2, "1 m"),
            (7.3, "7 m"),
            (9.7, "10 m"),
            (44.6, "45 m"),
            (353.0, "350 m"),
            (994.0, "990 m"),
            (996.0, "1.0 km"),
            (1_249.0, "1.2 km"),
            (12_400.0, "12 km"),
        ] {
            assert_eq!(metres(m), s);
        }
        assert_eq!([bearing(44.6), bearing(359.6), bearing(0.0), bearing(300.0)], ["045°", "000°", "000°", "300°"]);
        assert_eq!([span(120.0, true), span(300.0, false), span(90.0, true)], ["2 minutes", "5 minutos", "90 s"]);
    }
}
