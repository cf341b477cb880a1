//! Small matrices of fixed size: what a six-state filter needs, with no heap and a fixed order of operations.

use std::array::from_fn;

/// A column vector.
pub(crate) type Vector<const N: usize> = [f64; N];
/// A matrix, rows first.
pub(crate) type Matrix<const R: usize, const C: usize> = [[f64; C]; R];

/// The matrix whose entry (i, j) is `f(i, j)`.
pub(crate) fn build<const R: usize, const C: usize>(f: impl Fn(usize, usize) -> f64) -> Matrix<R, C> {
    from_fn(|i| from_fn(|j| f(i, j)))
}

/// a · b.
pub(crate) fn mul<const R: usize, const K: usize, const C: usize>(a: &Matrix<R, K>, b: &Matrix<K, C>) -> Matrix<R, C> {
    build(|i, j| {
        let mut sum = 0.0;
        for k in 0..K {
            sum += a[i][k] * b[k][j];
        }
        sum
    })
}

/// a · bᵀ.
pub(crate) fn mul_transposed<const R: usize, const K: usize, const C: usize>(
    a: &Matrix<R, K>,
    b: &Matrix<C, K>,
) -> Matrix<R, C> {
    build(|i, j| dot(&a[i], &b[j]))
}

/// a · v.
pub(crate) fn apply<const R: usize, const C: usize>(a: &Matrix<R, C>, v: &Vector<C>) -> Vector<R> {
    from_fn(|i| dot(&a[i], v))
}

/// aᵀ · b.
pub(crate) fn dot<const N: usize>(a: &Vector<N>, b: &Vector<N>) -> f64 {
    let mut sum = 0.0;
    for k in 0..N {
        sum += a[k] * b[k];
    }
    sum
}

/// a + b.
pub(crate) fn add<const R: usize, const C: usize>(a: &Matrix<R, C>, b: &Matrix<R, C>) -> Matrix<R, C> {
    build(|i, j| a[i][j] + b[i][j])
}

/// t · a · tᵀ.
pub(crate) fn congruence<const R: usize, const C: usize>(t: &Matrix<R, C>, a: &Matrix<C, C>) -> Matrix<R, R> {
    symmetric(&mul_transposed(&mul(t, a), t))
}

/// The symmetric part, so that rounding never makes a covariance lopsided.
pub(crate) fn symmetric<const N: usize>(a: &Matrix<N, N>) -> Matrix<N, N> {
    build(|i, j| f64::midpoint(a[i][j], a[j][i]))
}

/// Every entry is finite.
pub(crate) fn is_finite<const R: usize, const C: usize>(a: &Matrix<R, C>) -> bool {
    a.iter().flatten().all(|x| x.is_finite())
}

/// A lower triangular factor L with a = L·Lᵀ.
#[derive(Debug, Clone)]
pub(crate) struct Cholesky<const N: usize>(Matrix<N, N>);

impl<const N: usize> Cholesky<N> {
    /// The factor; `None` when `a` is not positive definite.
    pub(crate) fn of(a: &Matrix<N, N>) -> Option<Self> {
        let mut l = [[0.0; N]; N];
        for i in 0..N {
            for j in 0..=i {
                let sum = l[i].iter().zip(&l[j]).take(j).fold(a[i][j], |sum, (x, y)| sum - x * y);
                if i == j {
                    if !(sum.is_finite() && sum > 0.0) {
                        return None;
                    }
                    l[i][i] = sum.sqrt();
                } else {
                    l[i][j] = sum / l[j][j];
                }
            }
        }
        Some(Self(l))
    }

    /// L⁻¹ · v.
    fn forward(&self, v: &Vector<N>) -> Vector<N> {
        let mut y = [0.0; N];
        for i in 0..N {
            let sum = self.0[i].iter().zip(&y).take(i).fold(v[i], |sum, (l, y)| sum - l * y);
            y[i] = sum / self.0[i][i];
        }
        y
    }

    /// a⁻¹ · v.
    pub(crate) fn solve(&self, v: &Vector<N>) -> Vector<N> {
        let mut x = self.forward(v);
        for i in (0..N).rev() {
            for k in i + 1..N {
                x[i] -= self.0[k][i] * x[k];
            }
            x[i] /= self.0[i][i];
        }
        x
    }

    /// vᵀ · a⁻¹ · v.
    pub(crate) fn distance2(&self, v: &Vector<N>) -> f64 {
        let y = self.forward(v);
        dot(&y, &y)
    }

    /// ln det a.
    pub(crate) fn ln_det(&self) -> f64 {
        let mut sum = 0.0;
        for i in 0..N {
            sum += 2.0 * libm::log(self.0[i][i]);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn solving_undoes_multiplying(entries in proptest::array::uniform3(proptest::array::uniform3(-9.0..9.0f64)),
                                      v in proptest::array::uniform3(-5.0..5.0f64)) {
            let mut a = mul_transposed(&entries, &entries);
            for (i, row) in a.iter_mut().enumerate() {
                row[i] += 1.0;
            }
            let factor = Cholesky::of(&a).unwrap();
            let x = factor.solve(&v);
            for (got, want) in apply(&a, &x).iter().zip(v) {
                prop_assert!((got - want).abs() < 1e-7);
            }
            prop_assert!((factor.distance2(&v) - dot(&v, &x)).abs() < 1e-7);
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert!(Cholesky::of(&[[1.0, 2.0], [2.0, 1.0]]).is_none());
        assert!(Cholesky::of(&[[f64::NAN, 0.0], [0.0, 1.0]]).is_none());
    }
}
