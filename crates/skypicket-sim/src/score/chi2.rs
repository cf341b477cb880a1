//! Quantiles of the χ² distribution, for the bounds of a consistent filter's error.

use std::f64::consts::SQRT_2;

/// The x with P(χ²ₖ ≤ x) = p, for 0 < p < 1 and k ≥ 1.
pub(super) fn quantile(p: f64, degrees: f64) -> f64 {
    let a = degrees / 2.0;
    // Wilson and Hilferty's start, then Newton kept between bounds that close in.
    let z = normal_quantile(p);
    let c = 2.0 / (9.0 * degrees);
    let start = degrees * libm::pow((1.0 - c + z * libm::sqrt(c)).max(1e-3), 3.0);
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut x = start / 2.0;
    for _ in 0..200 {
        let off = lower_gamma(a, x) - p;
        if off > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = libm::exp((a - 1.0) * libm::log(x) - x - libm::lgamma(a));
        let mut next = x - off / density;
        if !(next > low && next < high) {
            next = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * x };
        }
        let done = (next - x).abs() <= 1e-14 * x;
        x = next;
        if done {
            break;
        }
    }
    2.0 * x
}

/// The regularised lower incomplete gamma function P(a, x): its series below a + 1, Lentz's continued fraction above.
fn lower_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        // Terms shrink like x / (a + k): some √a of them matter.
        for _ in 0..1_000_000 {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return sum * front;
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut h = d;
    for k in 1..1_000_000 {
        let k = f64::from(k);
        let an = -k * (k - a);
        b += 2.0;
        let away = |x: f64| if x.abs() < tiny { tiny } else { x };
        d = 1.0 / away(an * d + b);
        c = away(b + an / c);
        let change = d * c;
        h *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    1.0 - front * h
}

/// The x with P(N ≤ x) = p: a start for Newton is all that is asked of it.
fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if 0.5 * libm::erfc(-middle / SQRT_2) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Abramowitz and Stegun, table 26.8, and SciPy 1.17 (scipy.stats.chi2.ppf).
        for (p, k, x) in [
            (0.95, 1.0, 3.841458820694124),
            (0.95, 2.0, 5.991464547107979),
            (0.95, 3.0, 7.814727903251179),
            (0.025, 3.0, 0.21579528262389785),
            (0.025, 30.0, 16.79077226556663),
            (0.975, 30.0, 46.97924224367115),
            (0.025, 18_000.0, 17630.02089655753),
            (0.975, 18_000.0, 18373.767684935727),
        ] {
            let got = quantile(p, k);
            assert!((got / x - 1.0).abs() < 1e-10, "χ²({p}, {k}) = {got}, not {x}");
        }
    }
}
