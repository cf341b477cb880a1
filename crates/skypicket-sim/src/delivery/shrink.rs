//! [`shrink`]: a smaller plan that goes wrong in the same way.

use crate::delivery::{Plan, play};

/// The plan without the steps that its first breach does not need, tried at most `most` times.
pub fn shrink(plan: &Plan, most: usize) -> Plan {
    let Some((promise, at_s)) = first(plan) else { return plan.clone() };
    let mut best = plan.clone();
    // What comes after the breach cannot have caused it; one that shows at rest only needs the whole.
    let mut cut = plan.clone();
    cut.steps.retain(|s| s.at_s <= at_s);
    cut.lasts_s = cut.lasts_s.min(at_s + 1.0);
    if first(&cut).is_some_and(|(p, _)| p == promise) {
        best = cut;
    }
    let mut size = best.steps.len().div_ceil(2);
    let mut tries = 0;
    while size > 0 {
        let mut from = 0;
        while from < best.steps.len() && tries < most {
            let mut smaller = best.clone();
            let to = (from + size).min(smaller.steps.len());
            smaller.steps.drain(from..to);
            tries += 1;
            if first(&smaller).is_some_and(|(p, _)| p == promise) {
                best = smaller;
            } else {
                from = to;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    best
}

fn first(plan: &Plan) -> Option<(&'static str, f64)> {
    play(plan).0.first().map(|b| (b.promise, b.at_s))
}
