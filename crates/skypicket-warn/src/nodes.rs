//! The fixed sample points with which [`crate::danger`] integrates over where a drone may be and how it may move.
//!
//! 128 points of a standard normal in six dimensions and their mirror images: Roberts' additive recurrence (the
//! multidimensional golden ratio), through the inverse normal distribution, then whitened so that mean and covariance
//! of the set are exactly those of the standard normal. They are the same on every machine (libm and plain arithmetic
//! only), so a danger is a function of its inputs.

use std::sync::LazyLock;

/// Points, not counting the mirror images.
pub(crate) const COUNT: usize = 128;

/// The points and the longest distance of one from the origin.
pub(crate) struct Nodes {
    /// The points; the first four coordinates are a set of their own for the plane.
    pub(crate) z: [[f64; 6]; COUNT],
    /// Longest distance from the origin.
    pub(crate) reach: f64,
}

/// The points.
pub(crate) static NODES: LazyLock<Nodes> = LazyLock::new(make);

fn make() -> Nodes {
    // phi solves x^7 = x + 1 (Roberts 2018, d = 6); fixed-point iteration converges to every digit.
    let mut phi: f64 = 1.1;
    for _ in 0..200 {
        phi = libm::pow(1.0 + phi, 1.0 / 7.0);
    }
    let mut z = [[0.0; 6]; COUNT];
    for (k, point) in z.iter_mut().enumerate() {
        let mut step = 1.0;
        for x in point.iter_mut() {
            step /= phi;
            let u = 0.5 + step * (k as f64 + 1.0);
            *x = inverse_normal(u - libm::floor(u));
        }
    }
    // The mirror images make the mean zero. Gram-Schmidt on the coordinates makes the covariance the unit matrix.
    for j in 0..6 {
        for i in 0..j {
            let along: f64 = z.iter().map(|p| p[i] * p[j]).sum::<f64>() / COUNT as f64;
            for p in &mut z {
                p[j] -= along * p[i];
            }
        }
        let size = libm::sqrt(z.iter().map(|p| p[j] * p[j]).sum::<f64>() / COUNT as f64);
        for p in &mut z {
            p[j] /= size;
        }
    }
    let longest = z.iter().map(|p| p.iter().map(|x| x * x).sum::<f64>()).fold(0.0, f64::max);
    Nodes { z, reach: libm::sqrt(longest) }
}

/// The standard normal's quantile at `u`, kept within 1e-12 of the ends: bisection on libm's `erfc`, since it is done
/// once and needs no table of constants.
fn inverse_normal(u: f64) -> f64 {
    let u = u.clamp(1e-12, 1.0 - 1e-12);
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let mid = 0.5 * (low + high);
        if 0.5 * libm::erfc(-mid * std::f64::consts::FRAC_1_SQRT_2) < u { low = mid } else { high = mid }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_points_have_the_standard_normals_covariance() {
        for i in 0..6 {
            for j in 0..6 {
                let c = NODES.z.iter().map(|p| p[i] * p[j]).sum::<f64>() / COUNT as f64;
                assert!((c - f64::from(u8::from(i == j))).abs() < 1e-12, "{i} {j} {c}");
            }
        }
        assert!(NODES.reach > 3.0 && NODES.reach < 6.0, "{}", NODES.reach);
    }

    #[test]
    fn quantiles_are_the_known_ones() {
        assert!((inverse_normal(0.975) - 1.959_963_984_540_054).abs() < 1e-9);
        assert!(inverse_normal(0.5).abs() < 1e-12);
    }
}
