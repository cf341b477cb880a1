//! [`Associator`]: which track a measurement is of.

use crate::updater::Innovation;
use skypicket_model::TrackId;

/// A gated pair of track and measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hypothesis {
    /// The track.
    pub track: TrackId,
    /// Its existence now.
    pub existence: f64,
    /// How they compare.
    pub innovation: Innovation,
}

/// Chooses among hypotheses.
pub trait Associator {
    /// The track that the measurement is of; `None` when there are no hypotheses.
    fn choose(&self, hypotheses: &[Hypothesis]) -> Option<Hypothesis>;
}

/// The likeliest, weighed by existence: `argmax r·N(z)`; the older id on a tie, so that order never matters.
///
/// Observations come one at a time, so this is the global optimum for each; a set of plots of one scan is not solved
/// jointly yet (an associator over clusters will stand here).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NearestNeighbour;

impl Associator for NearestNeighbour {
    fn choose(&self, hypotheses: &[Hypothesis]) -> Option<Hypothesis> {
        let score = |h: &Hypothesis| libm::log(h.existence.max(1e-12)) + h.innovation.ln_likelihood;
        hypotheses.iter().copied().max_by(|a, b| score(a).total_cmp(&score(b)).then(b.track.cmp(&a.track)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn hypothesis(n: u128, existence: f64, ln_likelihood: f64) -> Hypothesis {
        let innovation = Innovation { d2: 1.0, dims: 2, ln_likelihood };
        Hypothesis { track: TrackId(Uuid::from_u128(n)), existence, innovation }
    }

    #[test]
    fn the_likeliest_wins_and_a_tie_goes_to_the_lower_id() {
        let pick = |h: &[Hypothesis]| NearestNeighbour.choose(h).map(|h| h.track.0.as_u128());
        assert_eq!(pick(&[hypothesis(1, 0.9, -9.0), hypothesis(2, 0.9, -8.0)]), Some(2));
        assert_eq!(pick(&[hypothesis(1, 0.9, -9.0), hypothesis(2, 0.2, -8.9)]), Some(1));
        assert_eq!(pick(&[hypothesis(3, 0.9, -9.0), hypothesis(2, 0.9, -9.0)]), Some(2));
        assert_eq!(pick(&[]), None);
    }
}
