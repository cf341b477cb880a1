//! The cheapest pairing: [`assign`] of a full table, [`pairs_within`] a distance.

use std::collections::BTreeMap;

/// Which column each row gets, so that the sum of costs is least; rows or columns that are too many get none.
///
/// Shortest augmenting paths with potentials (Jonker and Volgenant 1987; the form of Edmonds and Karp): O(n² m).
/// `cost(row, column)` must be finite.
pub(super) fn assign(rows: usize, columns: usize, cost: &dyn Fn(usize, usize) -> f64) -> Vec<Option<usize>> {
    if rows > columns {
        let mut by_row = vec![None; rows];
        for (column, row) in assign(columns, rows, &|r, c| cost(c, r)).into_iter().enumerate() {
            if let Some(row) = row {
                by_row[row] = Some(column);
            }
        }
        return by_row;
    }
    // Row and column 0 are the outside: a row is brought in by finding it a way to a free column.
    let (mut of_row, mut of_column) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    let mut row_of = vec![0; columns + 1];
    let mut from = vec![0; columns + 1];
    for row in 1..=rows {
        row_of[0] = row;
        let mut column = 0;
        let mut least = vec![f64::INFINITY; columns + 1];
        let mut done = vec![false; columns + 1];
        loop {
            done[column] = true;
            let r = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for c in 1..=columns {
                if done[c] {
                    continue;
                }
                let reduced = cost(r - 1, c - 1) - of_row[r] - of_column[c];
                if reduced < least[c] {
                    least[c] = reduced;
                    from[c] = column;
                }
                if least[c] < step {
                    (step, next) = (least[c], c);
                }
            }
            for c in 0..=columns {
                if done[c] {
                    of_row[row_of[c]] += step;
                    of_column[c] -= step;
                } else {
                    least[c] -= step;
                }
            }
            column = next;
            if row_of[column] == 0 {
                break;
            }
        }
        while column != 0 {
            row_of[column] = row_of[from[column]];
            column = from[column];
        }
    }
    let mut by_row = vec![None; rows];
    for c in 1..=columns {
        if row_of[c] > 0 {
            by_row[row_of[c] - 1] = Some(c - 1);
        }
    }
    by_row
}

/// Two that could be a pair, and what their pairing costs less than leaving both alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) row: usize,
    pub(super) column: usize,
    /// Above zero.
    pub(super) gain: f64,
}

/// Whose group a node is in (union-find, paths halved).
fn root(parent: &mut [usize], mut k: usize) -> usize {
    while parent[k] != k {
        parent[k] = parent[parent[k]];
        k = parent[k];
    }
    k
}

/// The pairing with the greatest sum of gains, by row.
///
/// Whoever shares no candidates, directly or through others, cannot take one another's partners: so each such group is
/// solved for itself, which makes ten thousand targets along a border as cheap as many small scenes.
pub(super) fn best_pairs(candidates: &[Candidate]) -> Vec<Candidate> {
    let mut nodes: BTreeMap<(bool, usize), usize> = BTreeMap::new();
    let mut parent: Vec<usize> = Vec::new();
    let mut node = |parent: &mut Vec<usize>, key| {
        *nodes.entry(key).or_insert_with(|| {
            parent.push(parent.len());
            parent.len() - 1
        })
    };
    let ends: Vec<usize> = candidates
        .iter()
        .map(|c| {
            let (a, b) = (node(&mut parent, (false, c.row)), node(&mut parent, (true, c.column)));
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            parent[a.max(b)] = a.min(b);
            a
        })
        .collect();
    let mut groups: BTreeMap<usize, Vec<Candidate>> = BTreeMap::new();
    for (c, end) in candidates.iter().zip(ends) {
        groups.entry(root(&mut parent, end)).or_default().push(*c);
    }
    let mut best = Vec::new();
    for group in groups.values() {
        if let [only] = group[..] {
            best.push(only);
            continue;
        }
        let index = |mut of: Vec<usize>| {
            of.sort_unstable();
            of.dedup();
            of
        };
        let rows = index(group.iter().map(|c| c.row).collect());
        let columns = index(group.iter().map(|c| c.column).collect());
        let mut gain = vec![0.0; rows.len() * columns.len()];
        for c in group {
            if let (Ok(r), Ok(k)) = (rows.binary_search(&c.row), columns.binary_search(&c.column)) {
                gain[r * columns.len() + k] = c.gain;
            }
        }
        let chosen = assign(rows.len(), columns.len(), &|r, k| -gain[r * columns.len() + k]);
        for (r, k) in chosen.into_iter().enumerate().filter_map(|(r, k)| Some((r, k?))) {
            let gain = gain[r * columns.len() + k];
            // Zero: they are no candidates, and were put together only because somebody had to be.
            if gain > 0.0 {
                best.push(Candidate { row: rows[r], column: columns[k], gain });
            }
        }
    }
    best.sort_by_key(|c| c.row);
    best
}

/// Distance of the first `dims` coordinates.
pub(super) fn distance(a: [f64; 3], b: [f64; 3], dims: usize) -> f64 {
    libm::sqrt(a.iter().zip(b).take(dims).map(|(x, y)| (x - y) * (x - y)).sum())
}

/// All pairs of rows and columns that are nearer than `within`, with their distance, in the order of rows and columns.
pub(super) fn near(rows: &[[f64; 3]], columns: &[[f64; 3]], within: f64, dims: usize) -> Vec<(usize, usize, f64)> {
    let mut by_east: Vec<(f64, usize)> = columns.iter().enumerate().map(|(k, p)| (p[0], k)).collect();
    by_east.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut found = Vec::new();
    for (r, p) in rows.iter().enumerate() {
        let first = by_east.partition_point(|(east, _)| *east < p[0] - within);
        for (_, k) in by_east[first..].iter().take_while(|(east, _)| *east <= p[0] + within) {
            let d = distance(*p, columns[*k], dims);
            if d < within {
                found.push((r, *k, d));
            }
        }
    }
    found.sort_by_key(|n| (n.0, n.1));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Every way, by trying.
    fn least(rows: usize, columns: usize, cost: &dyn Fn(usize, usize) -> f64) -> f64 {
        fn go(row: usize, rows: usize, used: &mut Vec<bool>, spare: usize, cost: &dyn Fn(usize, usize) -> f64) -> f64 {
            if row == rows {
                return 0.0;
            }
            let mut best = if spare > 0 { go(row + 1, rows, used, spare - 1, cost) } else { f64::INFINITY };
            for c in 0..used.len() {
                if !used[c] {
                    used[c] = true;
                    best = best.min(cost(row, c) + go(row + 1, rows, used, spare, cost));
                    used[c] = false;
                }
            }
            best
        }
        go(0, rows, &mut vec![false; columns], rows.saturating_sub(columns), cost)
    }

    #[test]
    fn the_cheapest_pairing_is_found_whatever_the_shape() {
        let mut rng = Rng::at(3, 1, 4);
        for (rows, columns) in [(0, 3), (3, 0), (1, 1), (4, 4), (3, 6), (6, 3), (5, 6)] {
            for _ in 0..40 {
                let table: Vec<f64> = (0..rows * columns).map(|_| rng.between(-5.0, 5.0)).collect();
                let cost = |r: usize, c: usize| table[r * columns + c];
                let chosen = assign(rows, columns, &cost);
                let pairs: Vec<(usize, usize)> =
                    chosen.iter().enumerate().filter_map(|(r, c)| Some((r, (*c)?))).collect();
                assert_eq!(pairs.len(), rows.min(columns));
                let mut taken: Vec<usize> = pairs.iter().map(|p| p.1).collect();
                taken.sort_unstable();
                taken.dedup();
                assert_eq!(taken.len(), pairs.len(), "no column twice");
                let sum: f64 = pairs.iter().map(|(r, c)| cost(*r, *c)).sum();
                assert!((sum - least(rows, columns, &cost)).abs() < 1e-9, "{rows} × {columns}");
            }
        }
    }

    #[test]
    fn groups_solved_alone_give_what_the_whole_table_gives() {
        let mut rng = Rng::at(3, 1, 5);
        for _ in 0..50 {
            let place = |rng: &mut Rng| [rng.between(0.0, 400.0), rng.between(0.0, 400.0), rng.between(0.0, 30.0)];
            let rows: Vec<_> = (0..25).map(|_| place(&mut rng)).collect();
            let columns: Vec<_> = (0..40).map(|_| place(&mut rng)).collect();
            let c = 50.0;
            let candidates: Vec<Candidate> = near(&rows, &columns, c, 3)
                .into_iter()
                .map(|(row, column, d)| Candidate { row, column, gain: c * c - d * d })
                .collect();
            let cost = |r: usize, k: usize| distance(rows[r], columns[k], 3).min(c).powi(2);
            let whole: f64 = assign(25, 40, &cost).into_iter().enumerate().filter_map(|(r, k)| Some(cost(r, k?))).sum();
            let gains: f64 = best_pairs(&candidates).iter().map(|p| p.gain).sum();
            assert!((25.0 * c * c - gains - whole).abs() < 1e-6);
        }
    }
}
