//! Tracks as no tracker should make them: the truth with noise, swapped labels, gaps, doubles, false and suspect tracks,
//! so that every part of the score has something to count. The same for the same seed.

use skypicket_sim::scene::{Cov, State, TrackLine, Truth};

/// SplitMix64, as the scenes have it: the tracks must not change with a dependency.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.unit()
    }

    /// Bell-shaped enough, sigma 1 (the sum of twelve).
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// The lines of a track file, in the order of arrival.
pub(crate) fn tracks(truth: &Truth, seed: u64) -> Vec<TrackLine> {
    let mut dice = Dice(seed ^ 0x7079);
    let (begin, end) = (truth.header.t0, truth.header.t1);
    let n = truth.targets.len();
    let mut lines = Vec::new();
    // Half-way, each even label swaps with the next.
    let swap_at = begin + 0.5 * (end - begin);
    for (k, target) in truth.targets.iter().enumerate() {
        let sigma = dice.between(4.0, 16.0);
        let gap = dice.between(begin, end);
        let (mut t, mut reports, mut life) = (begin + dice.between(0.5, 6.0), 0, 0);
        let mut was_gone = false;
        while t < end {
            t += dice.between(0.3, 1.4);
            let Some(at) = target.at(t) else { continue };
            // Nothing for a while; after it a new label.
            let gone = t > gap && t < gap + 7.0;
            if gone && !was_gone {
                life += 1;
                reports = 0;
            }
            was_gone = gone;
            if gone {
                continue;
            }
            let partner = if t > swap_at && (k ^ 1) < n { k ^ 1 } else { k };
            let id: Box<str> = if life > 0 { format!("k{partner}.{life}") } else { format!("k{partner}") }.into();
            let off: [f64; 3] = std::array::from_fn(|_| sigma * dice.normal());
            let v: [f64; 3] = std::array::from_fn(|i| at.v[i] + 2.0 * dice.normal());
            let p: [f64; 3] = std::array::from_fn(|i| at.p[i] + off[i]);
            // Too sure by a little, leaning, and once in a while of no use at all.
            let lean = 0.3 * sigma * sigma;
            let var = 0.9 * sigma * sigma;
            let cov3 = [[var, lean, 0.0], [lean, 1.2 * var, 0.1 * lean], [0.0, 0.1 * lean, 0.8 * var]];
            let kind = dice.unit();
            let cov = if kind < 0.3 {
                Some(Cov::Position(cov3))
            } else if kind < 0.9 {
                let six: [[f64; 6]; 6] = std::array::from_fn(|i| {
                    std::array::from_fn(|j| if i < 3 && j < 3 { cov3[i][j] } else { f64::from(u8::from(i == j)) * 4.0 })
                });
                Some(Cov::State(Box::new(six)))
            } else if kind < 0.92 {
                Some(Cov::Position([[0.0; 3]; 3]))
            } else {
                None
            };
            let known = dice.unit();
            let uas_id: Option<Box<str>> = match &target.uas_id {
                Some(id) if known < 0.7 => Some(id.clone()),
                Some(_) if known < 0.8 => Some("UAS-9999".into()),
                None if known < 0.05 => Some("UAS-9998".into()),
                _ => None,
            };
            let ta = t + dice.between(0.05, 1.8);
            let state = if reports < 2 { State::Tentative } else { State::Confirmed };
            let suspect = dice.unit() < 0.02;
            lines.push(TrackLine { id, t, ta, p: Some(p), v, cov, state, uas_id, suspect });
            // A second track of some, for a while.
            if k % 3 == 0 && t > begin + 20.0 && t < begin + 45.0 {
                let p = Some(std::array::from_fn(|i| p[i] + 6.0 * dice.normal() + 9.0));
                let id = format!("double{k}").into();
                let (cov, state) = (None, State::Confirmed);
                lines.push(TrackLine { id, t, ta, p, v, cov, state, uas_id: None, suspect: false });
            }
            reports += 1;
        }
    }
    // Of nothing: some straight ways, some of them suspect, one that ends by saying so.
    for k in 0..4 {
        let from: [f64; 3] = [dice.between(-1500.0, 1500.0), dice.between(-500.0, 2500.0), 60.0];
        let v = [dice.between(-12.0, 12.0), dice.between(-12.0, 12.0), 0.0];
        let first = dice.between(begin, end - 15.0);
        for s in 0..14 {
            let t = first + f64::from(s);
            let p = std::array::from_fn(|i| from[i] + v[i] * (t - first));
            let state = if k == 3 && s == 13 { State::Deleted } else { State::Confirmed };
            let cov = Some(Cov::Position([[100.0, 0.0, 0.0], [0.0, 100.0, 0.0], [0.0, 0.0, 100.0]]));
            let id = format!("nothing{k}").into();
            lines.push(TrackLine { id, t, ta: t + 0.2, p: Some(p), v, cov, state, uas_id: None, suspect: k == 1 });
        }
    }
    lines.sort_by(|a, b| a.ta.total_cmp(&b.ta));
    lines
}
