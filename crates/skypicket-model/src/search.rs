//! [`Search`]: what somebody looks for among sightings, reports, bulletins and warnings; [`SavedSearch`], one that is
//! kept and tells of what is new.

use crate::{Credibility, LatLon, PersonId, Reliability, SearchId, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A kind of thing that can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchKind {
    /// A sighting.
    Sighting,
    /// An intelligence report.
    Report,
    /// A bulletin, from its draft on.
    Bulletin,
    /// A warning.
    Warning,
}

impl SearchKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Sighting, Self::Report, Self::Bulletin, Self::Warning];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sighting => "sighting",
            Self::Report => "report",
            Self::Bulletin => "bulletin",
            Self::Warning => "warning",
        }
    }
}

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchPlace {
    /// Around this point.
    pub at: LatLon,
    /// So far from it, metres, over 0 and at most 100,000.
    pub within_m: f64,
}

/// What somebody looks for; all of it must fit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Words: all of them, in any order; the last may be the beginning of one. `"so and so"` is those words one after the
    /// other, `-so` is what must not be there. Empty is whatever fits the rest.
    #[serde(default)]
    pub q: String,
    /// Of these kinds; empty is every kind.
    #[serde(default)]
    pub kinds: BTreeSet<SearchKind>,
    /// Near a place.
    #[serde(default)]
    pub near: Option<SearchPlace>,
    /// What it tells of goes on at or after this.
    #[serde(default)]
    pub from: Option<Time>,
    /// What it tells of goes on at or before this.
    #[serde(default)]
    pub until: Option<Time>,
    /// Only reports whose source is at least so reliable.
    #[serde(default)]
    pub reliability: Option<Reliability>,
    /// Only reports that are at least so credible.
    #[serde(default)]
    pub credibility: Option<Credibility>,
}

impl Search {
    /// Most characters of the words.
    pub const MOST_Q: usize = 200;
    /// Most words and phrases.
    pub const MOST_TERMS: usize = 20;
    /// Largest distance from a place, metres.
    pub const MOST_WITHIN_M: f64 = 100_000.0;

    /// The words and phrases of `q`, in order.
    pub fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::new();
        let mut rest = self.q.trim_start();
        while !rest.is_empty() {
            let (not, after) = match rest.strip_prefix('-') {
                Some(after) => (true, after),
                None => (false, rest),
            };
            let (text, phrase, next) = if let Some(quoted) = after.strip_prefix('"') {
                let (text, next) = quoted.split_once('"').unwrap_or((quoted, ""));
                (text, true, next)
            } else {
                let end = after.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(after.len());
                let (text, next) = after.split_at(end);
                (text, false, next)
            };
            // What has neither letter nor digit is no word.
            if text.chars().any(char::is_alphanumeric) {
                // The last word may still be in the making.
                let begun = !not && !phrase && next.is_empty();
                terms.push(Term { text: text.to_owned(), not, begun });
            }
            rest = next.trim_start();
        }
        terms
    }

    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), String> {
        let length = self.q.chars().count();
        if length > Self::MOST_Q {
            return Err(format!("q: {length} characters: give at most {}", Self::MOST_Q));
        }
        let terms = self.terms().len();
        if terms > Self::MOST_TERMS {
            return Err(format!("q: {terms} words: give at most {}", Self::MOST_TERMS));
        }
        if terms == 0 && !self.q.trim().is_empty() {
            return Err("q: there is no word in it: give letters or digits, or leave it out".into());
        }
        if let Some(p) = &self.near {
            LatLon::new(p.at.lat_deg, p.at.lon_deg).map_err(|e| format!("near: {e}"))?;
            if !(p.within_m > 0.0 && p.within_m <= Self::MOST_WITHIN_M) {
                return Err(format!("within_m is {}: give over 0 and at most 100000 metres", p.within_m));
            }
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until < from
        {
            return Err("until: it is before from".into());
        }
        Ok(())
    }
}

/// A word or phrase that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// It; never without a letter or digit.
    pub text: String,
    /// It must not be there.
    pub not: bool,
    /// It may be the beginning of a word.
    pub begun: bool,
}

/// A search that somebody keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedSearch {
    /// Client-made.
    pub id: SearchId,
    /// What they call it, 1 to 80 characters.
    pub name: String,
    /// What it looks for.
    pub search: Search,
    /// Tell on their pages when something new fits.
    pub notify: bool,
}

/// A saved search came, changed, or is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchChange {
    /// Whose.
    pub person: PersonId,
    /// Which.
    pub id: SearchId,
    /// As it is now; `None` when it was dropped.
    pub saved: Option<SavedSearch>,
    /// When.
    pub at: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(q: &str) -> Vec<(String, bool, bool)> {
        let search = Search { q: q.into(), ..Search::default() };
        search.terms().into_iter().map(|t| (t.text, t.not, t.begun)).collect()
    }

    #[test]
    fn words_phrases_and_what_must_not_be_there_are_told_apart() {
        let t = |text: &str, not, begun| (text.to_owned(), not, begun);
        assert_eq!(terms("  drone exp"), [t("drone", false, false), t("exp", false, true)]);
        assert_eq!(terms("drone exp "), [t("drone", false, false), t("exp", false, false)]);
        assert_eq!(terms("\"under the bridge\" -toy"), [t("under the bridge", false, false), t("toy", true, false)]);
        assert_eq!(
            terms("-\"two words\" x\"y"),
            [t("two words", true, false), t("x", false, false), t("y", false, false)]
        );
        assert_eq!(terms("!!! -- \"\" - \""), []);
        assert_eq!(terms("a:b* NEAR(c)"), [t("a:b*", false, false), t("NEAR(c)", false, true)]);
    }

    #[test]
    fn a_search_out_of_its_bounds_is_refused_in_words() {
        let ok = Search { q: "drone".into(), ..Search::default() };
        assert_eq!(ok.check(), Ok(()));
        let at = LatLon { lat_deg: 31.7, lon_deg: -106.4 };
        let t = |s: f64| Time::from_unix_s(s).unwrap();
        for (bad, word) in [
            (Search { q: "x".repeat(201), ..Search::default() }, "200"),
            (Search { q: "x ".repeat(21), ..Search::default() }, "20"),
            (Search { q: "?!".into(), ..Search::default() }, "no word"),
            (Search { near: Some(SearchPlace { at, within_m: 0.0 }), ..Search::default() }, "within_m"),
            (Search { near: Some(SearchPlace { at, within_m: f64::NAN }), ..Search::default() }, "within_m"),
            (
                Search { near: Some(SearchPlace { at: LatLon { lat_deg: 91.0, ..at }, within_m: 9.0 }), ..ok.clone() },
                "near",
            ),
            (Search { from: Some(t(2e9)), until: Some(t(1e9)), ..Search::default() }, "until"),
        ] {
            let why = bad.check().unwrap_err();
            assert!(why.contains(word), "{why}");
        }
    }
}
