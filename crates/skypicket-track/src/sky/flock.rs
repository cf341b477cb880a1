//! Flocks: what flies close together flies alike.

use super::{
    Sky,
    gauss::{self, V3, minus},
    scan::Scratch,
};

impl Sky {
    /// Things that fly close together fly alike: in a flock each knows its velocity from its neighbours, as far as these
    /// agree.
    pub(super) fn flock(&mut self, s: &mut Scratch, t: f64) {
        s.mates.clear();
        for seen in &s.seen {
            let body = &self.bodies[seen.body];
            let last = body.last();
            if body.r < 0.5 || (last.t - t).abs() > 1e-6 {
                continue;
            }
            s.mates.push((seen.body, last.motion.merged(), last.motion.mu[1]));
        }
        for k in 0..s.mates.len() {
            let me = s.mates[k];
            let (mut n, mut sum, mut square, mut own, mut stir) = (0.0, [0.0; 3], [0.0; 3], [0.0; 3], 0.0);
            for (o, g, mu) in &s.mates {
                let d = minus(&g.p, &me.1.p);
                if *o == me.0 || gauss::dot(&d, &d) > self.settings.flock * self.settings.flock {
                    continue;
                }
                n += 1.0;
                stir += mu;
                for i in 0..3 {
                    sum[i] += g.v[i];
                    square[i] += g.v[i] * g.v[i];
                    own[i] += g.vv[gauss::AT[i][i]];
                }
            }
            if n < self.settings.mates {
                continue;
            }
            let mean: V3 = std::array::from_fn(|i| sum[i] / n);
            let var: V3 = std::array::from_fn(|i| {
                let spread = (square[i] / n - mean[i] * mean[i]).max(0.0) * n / (n - 1.0);
                (spread - own[i] / n).max(0.0) + own[i] / (n * n) + self.settings.alike * self.settings.alike
            });
            let body = &mut self.bodies[me.0];
            let last = body.steps.len() - 1;
            let share = self.settings.together;
            let mu = (1.0 - share) * me.2 + share * stir / n;
            body.steps[last].motion.mu = [1.0 - mu, mu];
            for state in &mut body.steps[last].motion.states {
                state.believe_velocity(&mean, &var);
            }
        }
    }
}
