//! [`Radios`]: many names that are one radio.
//!
//! Who makes up drones with one transmitter gives each of them a turn: the receiver hears one after the other, all about
//! equally loud. Real ones talk across one another, each as loud as its distance makes it.

use super::Doubt;
use crate::{identity::Emitter, settings::TrustSettings};
use serde::{Deserialize, Serialize};
use skypicket_model::{SourceId, Time, observation::IdClaim};
use std::collections::{BTreeMap, VecDeque};

/// Turns kept of one receiver.
const TURNS: usize = 32;
/// Receivers whose turns are kept; the one heard longest ago goes first.
const RECEIVERS: usize = 256;

/// Who speaks: by name, where one is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Speaker {
    Name(IdClaim),
    Address(Emitter),
}

/// One speaker heard without another between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Turn {
    speaker: Speaker,
    /// The emitter that it was last heard from.
    emitter: Emitter,
    from: Time,
    until: Time,
    frames: u32,
    /// Weakest and loudest, dBm.
    dbm: [f64; 2],
    /// The smallest distance that it claims from the receiver, and the greatest, metres; where both places are known.
    range_m: Option<[f64; 2]>,
}

/// A frame of somebody who claims to be somewhere.
pub(crate) struct Frame<'a> {
    pub(crate) emitter: &'a Emitter,
    pub(crate) ids: &'a [IdClaim],
    pub(crate) dbm: f64,
    pub(crate) range_m: Option<f64>,
}

/// Who was heard lately, receiver by receiver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Radios(BTreeMap<SourceId, VecDeque<Turn>>);

impl Radios {
    /// A receiver heard a frame. Gives the emitters that seem to be one radio with it, itself among them.
    pub(crate) fn hear(&mut self, receiver: &SourceId, frame: &Frame, now: Time, s: &TrustSettings) -> Vec<Emitter> {
        if !frame.dbm.is_finite() {
            return Vec::new();
        }
        if self.0.len() >= RECEIVERS && !self.0.contains_key(receiver) {
            let last = |turns: &VecDeque<Turn>| turns.back().map(|t| t.until);
            let oldest = self.0.iter().min_by_key(|(id, turns)| (last(turns), *id)).map(|(id, _)| id.clone());
            oldest.and_then(|id| self.0.remove(&id));
        }
        let turns = self.0.entry(receiver.clone()).or_default();
        let speaker =
            frame.ids.first().map_or_else(|| Speaker::Address(frame.emitter.clone()), |id| Speaker::Name(id.clone()));
        let goes_on = turns.back_mut().filter(|t| t.speaker == speaker && now.since_s(t.until) <= s.turn_gap_s);
        if let Some(t) = goes_on {
            t.emitter = frame.emitter.clone();
            t.until = now;
            t.frames = t.frames.saturating_add(1);
            t.dbm = [t.dbm[0].min(frame.dbm), t.dbm[1].max(frame.dbm)];
            t.range_m = match (t.range_m, frame.range_m) {
                (Some([a, b]), Some(r)) => Some([a.min(r), b.max(r)]),
                (known, r) => known.or(r.map(|r| [r, r])),
            };
        } else {
            if turns.len() == TURNS {
                turns.pop_front();
            }
            turns.push_back(Turn {
                speaker,
                emitter: frame.emitter.clone(),
                from: now,
                until: now,
                frames: 1,
                dbm: [frame.dbm; 2],
                range_m: frame.range_m.map(|r| [r, r]),
            });
        }
        one_radio(turns, now, s)
    }
}

/// The emitters of the newest turns, as far back as they can be one radio's; none where they are too few.
fn one_radio(turns: &VecDeque<Turn>, now: Time, s: &TrustSettings) -> Vec<Emitter> {
    let mut of: Vec<&Turn> = Vec::new();
    let mut dbm = [f64::INFINITY, f64::NEG_INFINITY];
    for t in turns.iter().rev() {
        let joined = [dbm[0].min(t.dbm[0]), dbm[1].max(t.dbm[1])];
        let gap = of.last().map_or(0.0, |later| later.from.since_s(t.until));
        let fits = joined[1] - joined[0] <= s.one_radio_db
            && gap <= s.turn_gap_s
            && now.since_s(t.from) <= s.one_radio_s
            // The newest has only begun.
            && (of.is_empty() || t.frames >= 2)
            && of.iter().all(|o| o.speaker != t.speaker);
        if !fits {
            break;
        }
        dbm = joined;
        of.push(t);
    }
    if of.len() < s.one_radio_names {
        return Vec::new();
    }
    // Where it is known how far they claim to be, and that is about the same, they may rightly be equally loud.
    let ranges: Option<Vec<[f64; 2]>> = of.iter().map(|t| t.range_m).collect();
    let alike = ranges.is_some_and(|all| {
        let near = all.iter().map(|r| r[0]).fold(f64::INFINITY, f64::min);
        let far = all.iter().map(|r| r[1]).fold(0.0, f64::max);
        20.0 * libm::log10(far / near.max(1.0)) <= s.one_radio_db
    });
    if alike { Vec::new() } else { of.into_iter().map(|t| t.emitter.clone()).collect() }
}

/// The doubt that it raises.
pub(crate) const DOUBT: Doubt = Doubt::OneRadio;

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::observation::IdKind;

    fn t(s: f64) -> Time {
        Time::from_unix_s(1_000.0 + s).unwrap()
    }

    struct Heard<'a> {
        radios: Radios,
        settings: &'a TrustSettings,
    }

    impl Heard<'_> {
        fn hear(&mut self, name: &str, dbm: f64, range_m: Option<f64>, at_s: f64) -> usize {
            let ids = [IdClaim { kind: IdKind::Serial, value: name.into() }];
            let emitter = ("wifi_beacon".to_owned(), format!("address of {name}"));
            let frame = Frame { emitter: &emitter, ids: &ids, dbm, range_m };
            self.radios.hear(&SourceId::new("mast").unwrap(), &frame, t(at_s), self.settings).len()
        }
    }

    fn heard(settings: &TrustSettings) -> Heard<'_> {
        Heard { radios: Radios::default(), settings }
    }

    #[test]
    fn names_that_take_turns_equally_loud_are_one_radio_from_the_fifth_on() {
        let s = TrustSettings::default();
        let mut h = heard(&s);
        for (k, name) in ["a", "b", "c", "d", "e", "f"].iter().enumerate() {
            let at_s = 2.0 * f64::from(u8::try_from(k).unwrap());
            for frame in 0..3 {
                let n = h.hear(name, -62.0 - f64::from(frame), None, at_s + 0.3 * f64::from(frame));
                assert_eq!(n, if k >= 4 { k + 1 } else { 0 }, "{name} {frame}");
            }
        }
    }

    #[test]
    fn names_across_one_another_of_different_strength_too_few_or_too_slow_are_not() {
        let s = TrustSettings::default();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let each = |h: &mut Heard, f: &dyn Fn(usize, usize) -> (f64, f64)| {
            let mut most = 0;
            for (k, name) in names.iter().enumerate() {
                for frame in 0..2 {
                    let (dbm, at_s) = f(k, frame);
                    most = most.max(h.hear(name, dbm, None, at_s));
                }
            }
            most
        };
        let number = |n: usize| f64::from(u8::try_from(n).unwrap());
        let mut h = heard(&s);
        assert_eq!(each(&mut h, &|k, f| (-60.0 - 4.0 * number(k), number(2 * k + f))), 0, "each has its own strength");
        let mut h = heard(&s);
        assert_eq!(each(&mut h, &|k, f| (-60.0, 40.0 * number(2 * k + f))), 0, "too slow");
        let mut h = heard(&s);
        let mut most = 0;
        for round in 0..6 {
            for name in names {
                most = most.max(h.hear(name, -60.0, None, number(round)));
            }
        }
        assert_eq!(most, 0, "they talk across one another");
        let mut h = heard(&s);
        let mut most = 0;
        for round in 0..20 {
            for frame in 0..2 {
                most = most.max(h.hear(names[round % 4], -60.0, None, number(2 * round + frame)));
            }
        }
        assert_eq!(most, 0, "four");
    }

    #[test]
    fn those_that_claim_to_be_equally_far_may_be_equally_loud() {
        let s = TrustSettings::default();
        for (far_m, is_one) in [(1_900.0, false), (9_000.0, true)] {
            let mut h = heard(&s);
            let mut last = 0;
            for (k, name) in ["a", "b", "c", "d", "e"].iter().enumerate() {
                let at_s = f64::from(u8::try_from(k).unwrap());
                let range_m = if k == 2 { far_m } else { 1_000.0 };
                h.hear(name, -60.0, Some(range_m), at_s);
                last = h.hear(name, -60.0, Some(range_m), at_s + 0.2);
            }
            assert_eq!(last > 0, is_one, "{far_m}");
        }
    }

    #[test]
    fn a_flood_of_receivers_and_names_takes_no_more_room() {
        let s = TrustSettings::default();
        let mut radios = Radios::default();
        for k in 0..2_000_u32 {
            let emitter = ("ble_legacy".to_owned(), format!("{k}"));
            let frame = Frame { emitter: &emitter, ids: &[], dbm: -60.0, range_m: None };
            radios.hear(&SourceId::new(&format!("r{}", k % 500)).unwrap(), &frame, t(f64::from(k)), &s);
            radios.hear(&SourceId::new("one").unwrap(), &frame, t(f64::from(k)), &s);
        }
        assert!(radios.0.len() <= RECEIVERS && radios.0.values().all(|turns| turns.len() <= TURNS));
        assert!(radios.0.contains_key(&SourceId::new("one").unwrap()), "the one heard last stays");
    }
}
