//! [`Gatherer`]: authentication pages to whole sets (spec section 4).
//!
//! A set is spread over up to 16 pages, which come in any order, in one pack or in many advertisements. Nothing says of
//! a page after the first which set it is of, so pages of two sets can mix: only a check of the signature would tell,
//! and there is none here. A whole set is therefore no more than "one was heard". What is kept is bounded, whatever is
//! sent: one set for each emitter and type, [`Gatherer::MOST`] in all, ten seconds each.

use super::{
    authentication::{Authentication, FirstPage},
    header::EPOCH_2019_UNIX_S,
    message::Message,
    text,
};
use serde_json::{Value, json};
use skypicket_model::Time;

/// A set is given up when it is not whole after so many seconds.
const EXPIRY_S: f64 = 10.0;
/// Most bytes that sixteen pages hold.
const CAPACITY: usize = 17 + 15 * 23;

/// Who sends: a bearer (any number that tells bearers apart) and an address on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emitter {
    /// Bearer.
    pub bearer: u8,
    /// Address on it.
    pub address: [u8; 6],
}

/// A whole set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticationSet {
    /// 1 UAS ID signature, 2 operator ID signature, 3 message set signature, 4 network Remote ID, 5 specific method.
    pub auth_type: u8,
    /// What page 0 says.
    pub first: FirstPage,
    bytes: [u8; CAPACITY],
    extra: usize,
}

impl AuthenticationSet {
    /// The authentication data, at most 255 bytes.
    pub fn data(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.first.length)).unwrap_or(&[])
    }

    /// What follows the data, such as error correction for Bluetooth 4; cut to what the pages hold.
    pub fn extra(&self) -> &[u8] {
        let start = usize::from(self.first.length) + 1;
        self.bytes.get(start..start + self.extra).unwrap_or(&[])
    }

    /// As an object.
    pub fn to_json(&self) -> Value {
        json!({
            "auth_type": self.auth_type, "last_page_index": self.first.last_page_index, "length": self.first.length,
            "timestamp_2019_s": self.first.timestamp_2019_s, "timestamp_unix_s": self.first.timestamp_unix_s(),
            "auth_data_hex": text::hex(self.data()), "extra_hex": text::hex(self.extra()),
        })
    }

    /// Whether the set says that it was made within `window_s` of an instant; one that was replayed does not.
    pub fn is_of(&self, instant: Time, window_s: f64) -> bool {
        let made = (EPOCH_2019_UNIX_S + i64::from(self.first.timestamp_2019_s)) as f64;
        (instant.unix_s() - made).abs() <= window_s
    }
}

/// What a page did.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// It is kept.
    Kept,
    /// Its number is over the last page of the set, or the set has been given out and this repeats it.
    Passed,
    /// It made a set whole.
    Whole(Box<AuthenticationSet>),
}

/// Gathers the pages of many emitters.
#[derive(Debug, Clone, Default)]
pub struct Gatherer {
    sets: Vec<Pages>,
}

/// The pages of one set.
#[derive(Debug, Clone, Copy)]
struct Pages {
    emitter: Emitter,
    auth_type: u8,
    begun: Time,
    first: Option<FirstPage>,
    /// A bit for each page that is there.
    there: u16,
    data: [[u8; 23]; 16],
    given: bool,
}

impl Pages {
    fn new(emitter: Emitter, auth_type: u8, begun: Time) -> Self {
        Self { emitter, auth_type, begun, first: None, there: 0, data: [[0; 23]; 16], given: false }
    }

    fn take(&mut self, now: Time, a: &Authentication) -> Taken {
        if let Some(f) = a.first {
            if self.first.is_some_and(|old| old != f) {
                // Another set has begun: pages after the first are of the old one, as far as anybody can tell.
                *self = Self::new(self.emitter, self.auth_type, now);
            }
            self.first = Some(f);
            // Pages that came before their first one and are none of it.
            self.there &= Self::all(f.last_page_index);
        }
        if self.first.is_some_and(|f| a.page > f.last_page_index) {
            return Taken::Passed;
        }
        let (i, bit) = (usize::from(a.page & 15), 1u16 << (a.page & 15));
        let repeats = self.there & bit != 0 && self.data.get(i) == Some(&a.data);
        if self.given {
            if repeats {
                return Taken::Passed;
            }
            // A page of the next set.
            let first = self.first.filter(|_| a.first.is_some());
            *self = Self { first, ..Self::new(self.emitter, self.auth_type, now) };
        }
        if let Some(slot) = self.data.get_mut(i) {
            *slot = a.data;
        }
        self.there |= bit;
        match self.first {
            Some(f) if self.there & Self::all(f.last_page_index) == Self::all(f.last_page_index) => {
                self.given = true;
                Taken::Whole(Box::new(self.set(f)))
            }
            _ => Taken::Kept,
        }
    }

    /// The bits of pages 0 to `last`.
    fn all(last: u8) -> u16 {
        u16::MAX >> (15 - last.min(15))
    }

    fn set(&self, first: FirstPage) -> AuthenticationSet {
        let mut bytes = [0; CAPACITY];
        let [page_0, rest @ ..] = &self.data;
        let said = page_0.iter().take(17).chain(rest.iter().flatten());
        let held = 17 + 23 * usize::from(first.last_page_index);
        for (slot, b) in bytes.iter_mut().zip(said.take(held)) {
            *slot = *b;
        }
        let length = usize::from(first.length);
        let room = held.saturating_sub(length + 1);
        let extra = if length < held { bytes.get(length).copied().map_or(0, usize::from).min(room) } else { 0 };
        AuthenticationSet { auth_type: self.auth_type, first, bytes, extra }
    }
}

impl Gatherer {
    /// Most sets at once; the oldest makes place.
    pub const MOST: usize = 256;

    /// Empty.
    pub const fn new() -> Self {
        Self { sets: Vec::new() }
    }

    /// Takes a page of an emitter at an instant.
    pub fn take(&mut self, emitter: Emitter, now: Time, a: &Authentication) -> Taken {
        // Also what lies ahead: a clock that was set back must not keep a set for ever.
        self.sets.retain(|s| now.since_s(s.begun).abs() <= EXPIRY_S);
        let at = self.sets.iter().position(|s| s.emitter == emitter && s.auth_type == a.auth_type);
        if at.is_none() {
            if self.sets.len() >= Self::MOST {
                self.sets.remove(0);
            }
            self.sets.push(Pages::new(emitter, a.auth_type, now));
        }
        let i = at.unwrap_or(self.sets.len().saturating_sub(1));
        self.sets.get_mut(i).map_or(Taken::Passed, |s| s.take(now, a))
    }

    /// Sets that are kept now, whole or not.
    pub fn kept(&self) -> usize {
        self.sets.len()
    }
}

/// The sets that are whole within one pack.
pub fn whole_sets(messages: impl IntoIterator<Item = Message>) -> Vec<AuthenticationSet> {
    let mut gatherer = Gatherer::new();
    let here = Emitter { bearer: 0, address: [0; 6] };
    let mut sets = Vec::new();
    for m in messages {
        if let Message::Authentication(a) = m
            && let Taken::Whole(set) = gatherer.take(here, Time::from_micros(0), &a)
        {
            sets.push(*set);
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHO: Emitter = Emitter { bearer: 1, address: [2, 0, 0, 0, 0, 1] };

    fn at(s: i64) -> Time {
        Time::from_micros(s * 1_000_000)
    }

    /// The pages of a set that holds `data`, then `extra`.
    fn pages(auth_type: u8, timestamp_2019_s: u32, data: &[u8], extra: &[u8]) -> Vec<Authentication> {
        let mut bytes = data.to_vec();
        if !extra.is_empty() {
            bytes.push(u8::try_from(extra.len()).unwrap());
            bytes.extend(extra);
        }
        let last = u8::try_from(bytes.len().saturating_sub(17).div_ceil(23)).unwrap();
        bytes.resize(17 + 23 * usize::from(last), 0);
        let first = FirstPage { last_page_index: last, length: u8::try_from(data.len()).unwrap(), timestamp_2019_s };
        (0..=last)
            .map(|page| {
                let start = if page == 0 { 0 } else { 17 + 23 * (usize::from(page) - 1) };
                let n = if page == 0 { 17 } else { 23 };
                let mut data = [0; 23];
                data[..n].copy_from_slice(&bytes[start..start + n]);
                let a = Authentication {
                    version: 2,
                    auth_type,
                    page,
                    first: (page == 0).then_some(first),
                    data,
                    flags: super::super::flags::Flags::NONE,
                };
                Authentication::decode(&a.encode()).unwrap()
            })
            .collect()
    }

    fn whole(taken: Taken) -> AuthenticationSet {
        if let Taken::Whole(set) = taken { *set } else { panic!("{taken:?}") }
    }

    #[test]
    fn a_set_is_whole_with_its_last_page_and_is_given_once() {
        let data: Vec<u8> = (0..100).collect();
        let pages = pages(1, 9, &data, &[7; 20]);
        let mut g = Gatherer::new();
        for p in &pages[..pages.len() - 1] {
            assert_eq!(g.take(WHO, at(0), p), Taken::Kept);
        }
        let set = whole(g.take(WHO, at(1), pages.last().unwrap()));
        assert_eq!((set.data(), set.extra()), (data.as_slice(), [7; 20].as_slice()));
        // Repeats of the same set say nothing new, until it has expired.
        for p in &pages {
            assert_eq!(g.take(WHO, at(2), p), Taken::Passed);
        }
        let again: Vec<_> = pages.iter().map(|p| g.take(WHO, at(11), p)).collect();
        assert!(matches!(again.last(), Some(Taken::Whole(_))));
    }

    #[test]
    fn another_first_page_begins_another_set() {
        let (old, new) = (pages(1, 9, &[1; 60], &[]), pages(1, 10, &[2; 60], &[]));
        let mut g = Gatherer::new();
        for p in &old[..2] {
            g.take(WHO, at(0), p);
        }
        let taken: Vec<_> = new.iter().map(|p| g.take(WHO, at(1), p)).collect();
        assert_eq!(whole(taken.last().unwrap().clone()).data(), [2; 60]);
    }

    #[test]
    fn pages_expire() {
        let p = pages(3, 9, &[1; 30], &[]);
        let mut g = Gatherer::new();
        g.take(WHO, at(0), &p[0]);
        assert_eq!(g.take(WHO, at(11), &p[1]), Taken::Kept);
        assert_eq!(g.kept(), 1);
        // Also when the clock was set back.
        g.take(WHO, at(-100), &p[1]);
        assert_eq!(g.kept(), 1);
    }

    #[test]
    fn a_page_over_the_last_is_passed_over_and_another_type_is_another_set() {
        let p = pages(1, 9, &[1; 30], &[]);
        let mut g = Gatherer::new();
        g.take(WHO, at(0), &p[0]);
        assert_eq!(g.take(WHO, at(0), &Authentication { page: 2, ..p[1] }), Taken::Passed);
        assert_eq!(g.take(WHO, at(0), &Authentication { auth_type: 2, ..p[1] }), Taken::Kept);
        assert!(matches!(g.take(WHO, at(0), &p[1]), Taken::Whole(_)));
    }

    #[test]
    fn a_flood_of_emitters_makes_the_oldest_go() {
        let p = pages(1, 9, &[1; 30], &[]);
        let mut g = Gatherer::new();
        for n in 0..5_000u32 {
            let [a, b, c, d] = n.to_be_bytes();
            g.take(Emitter { bearer: 1, address: [2, 0, a, b, c, d] }, at(0), &p[1]);
            assert!(g.kept() <= Gatherer::MOST);
        }
    }

    #[test]
    fn freshness_is_in_64_bits() {
        let old = pages(1, u32::MAX, &[1; 10], &[]);
        let set = whole(Gatherer::new().take(WHO, at(0), &old[0]));
        assert!(!set.is_of(at(1_780_282_800), 86_400.0));
        assert!(set.is_of(at(EPOCH_2019_UNIX_S + i64::from(u32::MAX)), 1.0));
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_set(
            data in prop::collection::vec(any::<u8>(), 0..=255),
            extra in prop::collection::vec(any::<u8>(), 0..=80),
            order in any::<u64>(),
        ) {
            let mut p = pages(5, 77, &data, &extra);
            // A shuffle by the bits of a number.
            let mut x = order | 1;
            for i in (1..p.len()).rev() {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                p.swap(i, usize::try_from(x >> 33).unwrap() % (i + 1));
            }
            let mut g = Gatherer::new();
            let sets: Vec<_> = p.iter().filter_map(|a| if let Taken::Whole(s) = g.take(WHO, at(0), a) { Some(s) } else { None }).collect();
            prop_assert_eq!(sets.len(), 1);
            prop_assert_eq!(sets[0].data(), data.as_slice());
            prop_assert_eq!(sets[0].extra(), extra.as_slice());
        }

        #[test]
        fn any_pages_are_taken(raw in prop::collection::vec((any::<u8>(), any::<u8>(), any::<[u8; 23]>(), 0i64..30), 0..200)) {
            let mut g = Gatherer::new();
            for (who, b1, body, s) in raw {
                let mut b = [0x22; 25];
                b[1] = b1 & 0x1F;
                b[2..].copy_from_slice(&body);
                if let Ok(a) = Authentication::decode(&b) {
                    let who = Emitter { bearer: who & 1, address: [0; 6] };
                    if let Taken::Whole(set) = g.take(who, at(s), &a) {
                        prop_assert_eq!(set.data().len(), usize::from(set.first.length));
                        prop_assert!(set.data().len() + set.extra().len() <= CAPACITY);
                    }
                }
            }
        }
    }
}
