//! [`Rng`]: reproducible random numbers.
//!
//! SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), written here because an exercise must stay the same for its seed
//! over every update of a dependency, and because a stream can start at any (seed, stream, step) without the ones before:
//! so what happens at a second does not depend on how the time was cut into calls. Not for secrets.

use skypicket_model::Time;
use uuid::Uuid;

/// The whole part of a number from 0 to 2^53.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturating is what is meant
pub(crate) fn whole(x: f64) -> u64 {
    libm::floor(x) as u64
}

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream of a seed, a purpose and a step.
    pub(crate) fn at(seed: u64, stream: u64, step: u64) -> Self {
        let mut rng = Self(seed);
        for part in [stream, step] {
            rng.0 = rng.next() ^ part.wrapping_mul(0xd605_1c3d_5f4b_2a6d);
        }
        rng
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 ≤ u < 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Between two numbers.
    pub(crate) fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.unit()
    }

    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        libm::sqrt(-2.0 * libm::log(1.0 - self.unit())) * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// How many of something with this mean (Knuth's product; for small means).
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let (end, mut product, mut count) = (libm::exp(-mean), self.unit(), 0);
        while product > end {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// A time until something that happens at random, with this mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// Any order, each as likely as the others (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for k in (1..items.len()).rev() {
            let other = usize::try_from(whole(self.between(0.0, (k + 1) as f64))).unwrap_or(0).min(k);
            items.swap(k, other);
        }
    }

    /// A UUIDv7 of this moment, as a client makes them.
    pub(crate) fn id(&mut self, at: Time) -> Uuid {
        let millis = u64::try_from(at.as_micros() / 1_000).unwrap_or(0);
        let mut bytes = [0; 10];
        for (b, r) in bytes.iter_mut().zip(self.next().to_le_bytes().into_iter().chain(self.next().to_le_bytes())) {
            *b = r;
        }
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // First outputs of SplitMix64 for state 1234567, as in its authors' reference.
        let mut rng = Rng(1_234_567);
        assert_eq!([rng.next(), rng.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn normals_and_counts_have_their_means() {
        let mut rng = Rng::at(1, 2, 3);
        let n = 20_000;
        let (mut sum, mut square, mut count) = (0.0, 0.0, 0);
        for _ in 0..n {
            let x = rng.normal();
            sum += x;
            square += x * x;
            count += rng.poisson(1.5);
        }
        let n = f64::from(n);
        assert!((sum / n).abs() < 0.03 && (square / n - 1.0).abs() < 0.05);
        assert!((f64::from(count) / n - 1.5).abs() < 0.05);
    }

    #[test]
    fn ids_are_of_their_time() {
        let id = Rng::at(1, 2, 3).id(Time::from_micros(1_700_000_000_000_000));
        assert_eq!(id.get_version_num(), 7);
        assert!(id.to_string().starts_with("018bcfe5-6800"));
    }
}
