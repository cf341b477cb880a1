//! [`Cuts`]: everything of a lost phone that other parts of the centre can cut: push subscriptions, TAK certificates.

use skypicket_model::PersonId;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

/// What a cut ends in: how many things were cut, or why not.
pub type Cutting = Pin<Box<dyn Future<Output = Result<usize, String>> + Send>>;
/// Cuts one kind of thing of the first person, in the name of the second where there is one; must be harmless to repeat.
pub type Cut = Arc<dyn Fn(PersonId, Option<PersonId>) -> Cutting + Send + Sync>;

/// The cuts, by what they cut.
#[derive(Clone, Default)]
pub struct Cuts {
    all: Arc<RwLock<BTreeMap<&'static str, Cut>>>,
}

/// What was cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CutOff {
    /// How many of each kind.
    pub done: BTreeMap<&'static str, usize>,
    /// Which could not be cut.
    pub failed: Vec<&'static str>,
}

impl Cuts {
    /// Adds one: `what` is a plural noun for whoever reads what was cut, for instance `tak_certificates`.
    pub fn register<F>(&self, what: &'static str, cut: impl Fn(PersonId, Option<PersonId>) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<usize, String>> + Send + 'static,
    {
        let cut: Cut = Arc::new(move |person, by| Box::pin(cut(person, by)));
        self.all.write().unwrap_or_else(PoisonError::into_inner).insert(what, cut);
    }

    /// Cuts all of a person; one that fails does not keep the others from it.
    pub async fn cut(&self, person: &PersonId, by: Option<&PersonId>) -> CutOff {
        let all: Vec<(&'static str, Cut)> =
            self.all.read().unwrap_or_else(PoisonError::into_inner).iter().map(|(k, c)| (*k, Arc::clone(c))).collect();
        let mut off = CutOff::default();
        for (what, cut) in all {
            match cut(person.clone(), by.cloned()).await {
                Ok(n) => drop(off.done.insert(what, n)),
                Err(error) => {
                    tracing::error!(%error, what, "not everything of a lost phone could be cut");
                    off.failed.push(what);
                }
            }
        }
        off
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn all_is_cut_once_and_what_fails_keeps_nothing_else_from_it() {
        let cuts = Cuts::default();
        let left = Arc::new(AtomicUsize::new(3));
        let of = Arc::clone(&left);
        cuts.register("tak_certificates", move |_, _| {
            let of = Arc::clone(&of);
            async move { Ok(of.swap(0, Ordering::SeqCst)) }
        });
        cuts.register("broken", |_, _| async { Err("the disk".to_owned()) });
        cuts.register("radios", |p: PersonId, _| async move { Ok(usize::from(p.as_str() == "agent")) });
        let person = PersonId::new("agent").unwrap();
        let first = cuts.cut(&person, None).await;
        assert_eq!(first.done, [("radios", 1), ("tak_certificates", 3)].into());
        assert_eq!(first.failed, ["broken"]);
        let again = cuts.cut(&person, None).await;
        assert_eq!(again.done, [("radios", 1), ("tak_certificates", 0)].into(), "harmless to repeat");
    }
}
