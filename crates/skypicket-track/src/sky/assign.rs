//! [`Assignment`]: which plot is of which track, cluster by cluster: marginal chances, exact in small clusters and by
//! loopy belief propagation in large ones (Williams and Lau 2014), and the single best assignment (Jonker and Volgenant
//! 1987).

/// A track and a plot that can belong together, with the odds of that against the plot being false or new and the
/// track unseen.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Index of the track.
    pub track: usize,
    /// Index of the plot.
    pub plot: usize,
    /// r · pd · likelihood / (clutter + birth) / (1 − r · pd).
    pub odds: f64,
    /// Marginal chance, once solved.
    pub chance: f64,
    /// Is in the best assignment, once solved.
    pub best: bool,
}

/// Clusters of at most so many tracks and plots are enumerated.
const SMALL: usize = 8;
/// Up to this many tracks times plots (and one "unseen" for each track) the best assignment is looked for; beyond, there is
/// neither the memory nor the time, and the likeliest pair is taken first.
const LARGE: usize = 1_000_000;

/// How a cluster is solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// Chances are those of all ways to give plots to tracks, added up; else of messages between these until they settle.
    pub(super) exact: bool,
    /// The best is that of all ways to give plots to tracks; else the likeliest pair is taken first.
    pub(super) best: bool,
}

impl Way {
    /// For so many tracks and plots.
    fn of(tracks: usize, plots: usize) -> Self {
        Self { exact: tracks <= SMALL && plots <= SMALL, best: tracks * (plots + tracks) <= LARGE }
    }
}

/// Solves who is who. Its buffers are kept from scan to scan.
#[derive(Debug, Clone, Default)]
pub struct Assignment {
    parent: Vec<usize>,
    cluster: Vec<(usize, usize)>,
    to_plot: Vec<f64>,
    to_track: Vec<f64>,
    sums: Vec<f64>,
    /// Marginal chance that a plot is of no track.
    pub free: Vec<f64>,
    rows: Vec<usize>,
    cols: Vec<usize>,
    row_of: Vec<usize>,
    col_of: Vec<usize>,
    odds: Vec<f64>,
    ways: Vec<f64>,
    cost: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    way: Vec<usize>,
    matched: Vec<usize>,
    least: Vec<f64>,
    used: Vec<bool>,
}

const NONE: usize = usize::MAX;
/// Cost of what cannot be.
const FAR: f64 = 1e6;

impl Assignment {
    /// Fills in `chance` and `best` of every pair and [`Self::free`].
    pub fn solve(&mut self, pairs: &mut [Pair], tracks: usize, plots: usize) {
        self.solve_by(None, pairs, tracks, plots);
    }

    /// The same, all clusters in one way, also those of a lone pair.
    pub(super) fn solve_by(&mut self, way: Option<Way>, pairs: &mut [Pair], tracks: usize, plots: usize) {
        self.free.clear();
        self.free.resize(plots, 1.0);
        if pairs.is_empty() {
            return;
        }
        self.parent.clear();
        self.parent.extend(0..tracks + plots);
        let n = tracks;
        for p in pairs.iter() {
            let (a, b) = (self.root(p.track), self.root(n + p.plot));
            // The smaller stands for both, so that the order of pairs does not matter.
            if a != b {
                let (low, high) = (a.min(b), a.max(b));
                self.parent[high] = low;
            }
        }
        let mut order = std::mem::take(&mut self.cluster);
        order.clear();
        for (k, p) in pairs.iter().enumerate() {
            order.push((self.root(p.track), k));
        }
        order.sort_unstable();
        let mut from = 0;
        while from < order.len() {
            let mut to = from + 1;
            while to < order.len() && order[to].0 == order[from].0 {
                to += 1;
            }
            if to == from + 1 && way.is_none() {
                let p = &mut pairs[order[from].1];
                p.chance = p.odds / (1.0 + p.odds);
                p.best = p.odds > 1.0;
                self.free[p.plot] = 1.0 - p.chance;
            } else {
                self.number(pairs, &order[from..to], tracks, plots);
                let way = way.unwrap_or_else(|| Way::of(self.rows.len(), self.cols.len()));
                if way.exact {
                    self.exact(pairs, &order[from..to]);
                } else {
                    self.marginals(pairs, &order[from..to], tracks);
                }
                if way.best {
                    self.best(pairs, &order[from..to]);
                } else {
                    self.likeliest(pairs, &mut order[from..to]);
                }
            }
            from = to;
        }
        self.cluster = order;
    }

    fn root(&mut self, mut a: usize) -> usize {
        while self.parent[a] != a {
            let up = self.parent[self.parent[a]];
            self.parent[a] = up;
            a = up;
        }
        a
    }

    /// Messages between tracks and plots until they settle.
    fn marginals(&mut self, pairs: &mut [Pair], cluster: &[(usize, usize)], tracks: usize) {
        let n = cluster.len();
        self.to_plot.clear();
        self.to_plot.resize(n, 0.0);
        self.to_track.clear();
        self.to_track.resize(n, 1.0);
        self.sums.resize(self.sums.len().max(tracks + self.free.len()), 0.0);
        for _ in 0..60 {
            for (_, k) in cluster {
                self.sums[pairs[*k].track] = 1.0;
            }
            for (m, (_, k)) in cluster.iter().enumerate() {
                let p = &pairs[*k];
                self.sums[p.track] += p.odds * self.to_track[m];
            }
            for (m, (_, k)) in cluster.iter().enumerate() {
                let p = &pairs[*k];
                let rest = (self.sums[p.track] - p.odds * self.to_track[m]).max(1e-300);
                self.to_plot[m] = p.odds / rest.max(1.0);
            }
            for (_, k) in cluster {
                self.sums[tracks + pairs[*k].plot] = 1.0;
            }
            for (m, (_, k)) in cluster.iter().enumerate() {
                self.sums[tracks + pairs[*k].plot] += self.to_plot[m];
            }
            let mut moved: f64 = 0.0;
            for (m, (_, k)) in cluster.iter().enumerate() {
                let next = 1.0 / (self.sums[tracks + pairs[*k].plot] - self.to_plot[m]).max(1.0);
                moved = moved.max((next - self.to_track[m]).abs());
                self.to_track[m] = next;
            }
            if moved < 1e-4 {
                break;
            }
        }
        for (_, k) in cluster {
            self.sums[pairs[*k].track] = 1.0;
        }
        for (m, (_, k)) in cluster.iter().enumerate() {
            let p = &pairs[*k];
            self.sums[p.track] += p.odds * self.to_track[m];
        }
        for (m, (_, k)) in cluster.iter().enumerate() {
            let p = &mut pairs[*k];
            p.chance = p.odds * self.to_track[m] / self.sums[p.track];
            self.free[p.plot] = 1.0 / self.sums[tracks + p.plot];
        }
    }

    /// Exact marginals by adding up every way to give plots to tracks: over the tracks one after another, with the set of
    /// plots that are given away as the state, forwards and backwards.
    fn exact(&mut self, pairs: &mut [Pair], cluster: &[(usize, usize)]) {
        let (n, sets) = (self.rows.len(), 1 << self.cols.len());
        self.odds.clear();
        self.odds.resize(n * self.cols.len(), 0.0);
        for (_, k) in cluster {
            let p = &pairs[*k];
            self.odds[self.row_of[p.track] * self.cols.len() + self.col_of[p.plot]] = p.odds;
        }
        let (odds, plots) = (&self.odds, self.cols.len());
        self.ways.clear();
        self.ways.resize(2 * (n + 1) * sets, 0.0);
        let (before, after) = self.ways.split_at_mut((n + 1) * sets);
        before[0] = 1.0;
        for i in 0..n {
            let (done, next) = before.split_at_mut((i + 1) * sets);
            let done = &done[i * sets..];
            for set in 0..sets {
                next[set] += done[set];
                for j in (0..plots).filter(|j| set & (1 << j) == 0) {
                    next[set | (1 << j)] += done[set] * odds[i * plots + j];
                }
            }
        }
        // Backwards a set is of plots that are given away already.
        after[n * sets..].fill(1.0);
        for i in (0..n).rev() {
            for set in 0..sets {
                let mut sum = after[(i + 1) * sets + set];
                for j in (0..plots).filter(|j| set & (1 << j) == 0) {
                    sum += odds[i * plots + j] * after[(i + 1) * sets + (set | (1 << j))];
                }
                after[i * sets + set] = sum;
            }
        }
        let total = after[0];
        for (_, k) in cluster {
            let p = &mut pairs[*k];
            let (i, j) = (self.row_of[p.track], self.col_of[p.plot]);
            let mut sum = 0.0;
            for set in (0..sets).filter(|set| set & (1 << j) == 0) {
                sum += before[i * sets + set] * p.odds * after[(i + 1) * sets + (set | (1 << j))];
            }
            p.chance = (sum / total).min(1.0);
            self.free[p.plot] = 0.0;
        }
        for (j, plot) in self.cols.iter().enumerate() {
            let none: f64 = (0..sets).filter(|set| set & (1 << j) == 0).map(|set| before[n * sets + set]).sum();
            self.free[*plot] = (none / total).min(1.0);
        }
    }

    /// Numbers the tracks and plots of a cluster as rows and columns.
    fn number(&mut self, pairs: &[Pair], cluster: &[(usize, usize)], tracks: usize, plots: usize) {
        self.rows.clear();
        self.cols.clear();
        self.row_of.resize(tracks.max(self.row_of.len()), NONE);
        self.col_of.resize(plots.max(self.col_of.len()), NONE);
        for (_, k) in cluster {
            let p = &pairs[*k];
            self.row_of[p.track] = NONE;
            self.col_of[p.plot] = NONE;
        }
        for (_, k) in cluster {
            let p = &pairs[*k];
            if self.row_of[p.track] == NONE {
                self.row_of[p.track] = self.rows.len();
                self.rows.push(p.track);
            }
            if self.col_of[p.plot] == NONE {
                self.col_of[p.plot] = self.cols.len();
                self.cols.push(p.plot);
            }
        }
    }

    /// The likeliest pair first, then the likeliest of what is left. The order of the cluster is another afterwards.
    fn likeliest(&mut self, pairs: &mut [Pair], cluster: &mut [(usize, usize)]) {
        cluster.sort_unstable_by(|(_, a), (_, b)| {
            let (a, b) = (&pairs[*a], &pairs[*b]);
            b.chance.total_cmp(&a.chance).then((a.track, a.plot).cmp(&(b.track, b.plot)))
        });
        self.used.clear();
        self.used.resize(self.rows.len() + self.cols.len(), false);
        for (_, k) in cluster.iter() {
            let p = &mut pairs[*k];
            let (i, j) = (self.row_of[p.track], self.rows.len() + self.col_of[p.plot]);
            p.best = p.odds > 1.0 && !self.used[i] && !self.used[j];
            if p.best {
                self.used[i] = true;
                self.used[j] = true;
            }
        }
    }

    /// The assignment with the largest product of odds: rows are tracks, columns plots and one "unseen" for each track.
    fn best(&mut self, pairs: &mut [Pair], cluster: &[(usize, usize)]) {
        let (n, m) = (self.rows.len(), self.cols.len() + self.rows.len());
        self.cost.clear();
        self.cost.resize(n * m, FAR);
        for i in 0..n {
            self.cost[i * m + self.cols.len() + i] = 0.0;
        }
        for (_, k) in cluster {
            let p = &pairs[*k];
            let (i, j) = (self.row_of[p.track], self.col_of[p.plot]);
            self.cost[i * m + j] = -libm::log(p.odds.max(1e-300));
        }
        // Shortest augmenting paths with potentials; index 0 is a place-holder.
        self.u.clear();
        self.u.resize(n + 1, 0.0);
        self.v.clear();
        self.v.resize(m + 1, 0.0);
        self.matched.clear();
        self.matched.resize(m + 1, 0);
        self.way.clear();
        self.way.resize(m + 1, 0);
        for i in 1..=n {
            self.matched[0] = i;
            let mut j0 = 0;
            self.least.clear();
            self.least.resize(m + 1, f64::INFINITY);
            self.used.clear();
            self.used.resize(m + 1, false);
            loop {
                self.used[j0] = true;
                let i0 = self.matched[j0];
                let (mut delta, mut j1) = (f64::INFINITY, 0);
                for j in 1..=m {
                    if self.used[j] {
                        continue;
                    }
                    let c = self.cost[(i0 - 1) * m + j - 1] - self.u[i0] - self.v[j];
                    if c < self.least[j] {
                        self.least[j] = c;
                        self.way[j] = j0;
                    }
                    if self.least[j] < delta {
                        delta = self.least[j];
                        j1 = j;
                    }
                }
                for j in 0..=m {
                    if self.used[j] {
                        self.u[self.matched[j]] += delta;
                        self.v[j] -= delta;
                    } else {
                        self.least[j] -= delta;
                    }
                }
                j0 = j1;
                if self.matched[j0] == 0 {
                    break;
                }
            }
            while j0 != 0 {
                let j1 = self.way[j0];
                self.matched[j0] = self.matched[j1];
                j0 = j1;
            }
        }
        for (_, k) in cluster {
            let p = &mut pairs[*k];
            let (i, j) = (self.row_of[p.track], self.col_of[p.plot]);
            p.best = self.matched[j + 1] == i + 1 && p.odds > 0.0;
        }
    }
}
