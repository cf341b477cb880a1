//! [`Checklists`]: the protective measures of each version of a notice, and what of them somebody has done by what they
//! said of it and of the versions before.

use skypicket_dispatch::Ticks;
use skypicket_model::{Notice, bulletin::Measure};
use skypicket_record::MeasuresRow;
use std::collections::BTreeMap;

/// By version, the names of its measures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checklists(BTreeMap<u32, Vec<String>>);

/// The measures of a notice's checklist; none where it has no such.
pub fn measures_of(notice: &Notice) -> &[Measure] {
    let sheet = notice.bulletin().and_then(|b| b.sheet.as_ref());
    sheet.map(|s| s.measures.as_slice()).unwrap_or_default()
}

/// The names of its measures.
pub fn names_of(notice: &Notice) -> Vec<String> {
    measures_of(notice).iter().map(|m| m.id.clone()).collect()
}

impl Checklists {
    /// Of a notice's versions.
    pub fn of<'a>(versions: impl IntoIterator<Item = &'a Notice>) -> Self {
        Self(versions.into_iter().map(|n| (n.version, names_of(n))).collect())
    }

    /// The checklist of a version.
    pub fn list(&self, version: u32) -> &[String] {
        self.0.get(&version).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every measure that was ever on it, in order of first appearance.
    pub fn all(&self) -> Vec<&String> {
        let mut all: Vec<&String> = Vec::new();
        for id in self.0.values().flatten() {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all
    }

    /// What somebody has done of a version's checklist. A newer version keeps what is on its checklist too, as in dispatch.
    pub fn done(&self, version: u32, said: &[MeasuresRow]) -> Ticks {
        let mut done = Ticks::default();
        let mut before: &[String] = &[];
        for (v, list) in self.0.range(..=version) {
            done = match said.iter().rev().find(|s| s.version == *v) {
                Some(s) => Ticks::those(list, |_, id| s.done.contains(id)),
                None => done.moved(before, list),
            };
            before = list;
        }
        done
    }
}
