//! [`Codes`]: the digits by which a reply acknowledges a version of a notice, so that none ever means two.
//!
//! A code belongs to its version while the notice is open, and for some time after: somebody's late reply must not
//! acknowledge another notice. Warnings have four digits and bulletins five, so that no code of one kind is one of the
//! other.

use crate::{Notice, NoticeId, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which codes are given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<NoticeId, Given>", into = "BTreeMap<NoticeId, Given>")]
pub struct Codes {
    of: BTreeMap<NoticeId, Given>,
    /// How many notices hold each code: more than one only when all are given.
    held: BTreeMap<String, u32>,
}

/// The codes of one notice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Given {
    /// Of its newest versions, oldest first.
    codes: Vec<String>,
    /// They are free again from then on; `None` while it is open.
    until: Option<Time>,
}

impl Codes {
    /// Versions of a notice whose codes stay its own: as many as a late reply is understood for.
    pub const VERSIONS: usize = 16;

    /// A version has this code now. The last version frees all of the notice's codes `after_s` later.
    pub fn hear(&mut self, notice: &Notice, after_s: f64) {
        let given = self.of.entry(notice.id).or_default();
        if !given.codes.contains(&notice.code) {
            given.codes.push(notice.code.clone());
            *self.held.entry(notice.code.clone()).or_default() += 1;
            while given.codes.len() > Self::VERSIONS {
                let oldest = given.codes.remove(0);
                free(&mut self.held, &oldest);
            }
        }
        given.until = notice.state.ended().then(|| notice.at.plus_s(after_s));
    }

    /// Time passes.
    pub fn forget(&mut self, now: Time) {
        let held = &mut self.held;
        self.of.retain(|_, given| {
            let over = given.until.is_some_and(|t| t <= now);
            if over {
                given.codes.iter().for_each(|c| free(held, c));
            }
            !over
        });
    }

    /// A free code for a version: from its id alone (FNV-1a), the next ones where another has them and where `taken` says
    /// so; all zeros are never given. With all of them given one repeats, and then means the newest.
    pub fn free_for(&self, id: NoticeId, version: u32, digits: u32, taken: impl Fn(&str) -> bool) -> String {
        let mut h: u64 = 0xcbf2_9ce4_8422_2325;
        for b in id.0.as_bytes().iter().chain(&version.to_be_bytes()) {
            h = (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
        }
        let most = 10_u64.pow(digits.clamp(1, 9)) - 1;
        let start = (h ^ (h >> 32)) % most;
        let width = digits as usize;
        let code = |k: u64| format!("{:0width$}", (start + k) % most + 1);
        let is_free = |c: &String| !self.held.contains_key(c) && !taken(c);
        (0..most).map(code).find(is_free).unwrap_or_else(|| code(0))
    }

    /// No notice has any.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

fn free(held: &mut BTreeMap<String, u32>, code: &str) {
    if let Some(n) = held.get_mut(code) {
        *n -= 1;
        if *n == 0 {
            held.remove(code);
        }
    }
}

impl From<BTreeMap<NoticeId, Given>> for Codes {
    fn from(of: BTreeMap<NoticeId, Given>) -> Self {
        let mut held: BTreeMap<String, u32> = BTreeMap::new();
        for code in of.values().flat_map(|g| &g.codes) {
            *held.entry(code.clone()).or_default() += 1;
        }
        Self { of, held }
    }
}

impl From<Codes> for BTreeMap<NoticeId, Given> {
    fn from(codes: Codes) -> Self {
        codes.of
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoticeState, notice::tests::warning};
    use uuid::Uuid;

    fn version(n: u128, version: u32, state: NoticeState, code: &str, at: Time) -> Notice {
        let old: Notice = serde_json::from_value(warning()).unwrap();
        Notice { id: NoticeId(Uuid::from_u128(n)), version, state, code: code.into(), at, ..old }
    }

    #[test]
    fn the_code_of_an_older_version_stays_its_own_until_some_time_after_the_end() {
        let t = |s: f64| Time::from_micros(0).plus_s(s);
        let id = NoticeId(Uuid::from_u128(7));
        let mut codes = Codes::default();
        let wanted = codes.free_for(id, 1, 4, |_| false);
        // Another warning had this very code in an older version.
        codes.hear(&version(1, 1, NoticeState::Raised, &wanted, t(0.0)), 3_600.0);
        codes.hear(&version(1, 2, NoticeState::Updated, "0001", t(1.0)), 3_600.0);
        let given = codes.free_for(id, 1, 4, |_| false);
        assert_ne!(given, wanted);
        assert_ne!(codes.free_for(id, 1, 4, |c| c == given), given);
        codes.hear(&version(1, 3, NoticeState::Cleared, "0002", t(10.0)), 3_600.0);
        codes.forget(t(3_609.0));
        assert_ne!(codes.free_for(id, 1, 4, |_| false), wanted, "a late reply");
        let kept: Codes = serde_json::from_str(&serde_json::to_string(&codes).unwrap()).unwrap();
        assert_eq!(kept, codes);
        codes.forget(t(3_610.0));
        assert_eq!(codes.free_for(id, 1, 4, |_| false), wanted);
        assert!(codes.is_empty() && codes.held.is_empty());
    }

    #[test]
    fn of_very_many_versions_only_the_newest_hold_their_codes_and_with_all_given_one_repeats() {
        let t = Time::from_micros(0);
        let mut codes = Codes::default();
        for v in 1..=40 {
            let code = format!("{v:04}");
            codes.hear(&version(1, v, NoticeState::Updated, &code, t), 1.0);
        }
        assert_eq!((codes.held.len(), codes.held.contains_key("0024")), (16, false));
        for n in 2..12 {
            codes.hear(&version(n, 1, NoticeState::Raised, &(n - 2).to_string(), t), 1.0);
        }
        assert_eq!(codes.free_for(NoticeId(Uuid::from_u128(99)), 1, 1, |_| false).len(), 1);
    }
}
