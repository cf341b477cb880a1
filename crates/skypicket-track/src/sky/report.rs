//! [`Report`]: a track as it is shown, and when it is believed, doubted and ended.

use super::{
    Name, Sense, Sky, body::Body, charts::Chart, claims::SILENCE_S, gauss::Gauss, past::Step, settings::Settings,
};

/// How far a track is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// Started.
    Tentative,
    /// Believed.
    Confirmed,
    /// Gone.
    Deleted,
}

/// A track as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Its number.
    pub id: u64,
    /// The moment that the state is of, s.
    pub t: f64,
    /// Place and velocity.
    pub state: Gauss,
    /// What they are in.
    pub chart: Chart,
    /// How far it is believed.
    pub belief: Belief,
    /// Chance that it is there.
    pub existence: f64,
    /// What it claims to be.
    pub name: Option<Name>,
    /// Two kinds of evidence speak against its claim.
    pub suspect: bool,
}

impl Sky {
    /// Two kinds of evidence against what a track says of itself: radars that should see it do not, emissions with its
    /// name come from elsewhere, another has its name and is seen.
    fn doubted(&self, k: usize) -> bool {
        let body = &self.bodies[k];
        if !body.claims.alone() {
            return false;
        }
        let silent = body.r < 0.05;
        let elsewhere = body.claims.misfits >= 2 && body.claims.fits == 0;
        let twice = body.claims.name().is_some_and(|n| {
            self.bodies.any_named(n, |o, b| {
                o != k
                    && b.claims.seen > 2
                    && b.claims.name() == Some(n)
                    && (b.claims.heard - body.claims.heard).abs() < 10.0
            })
        });
        u8::from(silent) + u8::from(elsewhere) + u8::from(twice) >= 2
    }

    /// How a track stands now.
    pub(super) fn show(&mut self, k: usize, now: f64, out: &mut Vec<Report>) {
        // Most starts are false: until one is worth a look nobody hears of it.
        let new = &self.bodies[k];
        if new.shown == f64::NEG_INFINITY && new.r < self.settings.worth && !new.claims.any {
            return;
        }
        let suspect = self.doubted(k);
        let body = &mut self.bodies[k];
        let last = body.last();
        let t = last.t.max(now);
        let mut state = last.motion.predict(t - last.t, &self.settings.flight).merged();
        if let Some(common) = &body.common {
            state.widen(&common.g);
        }
        let enough = if body.claims.alone() { self.settings.word * 0.95 } else { self.settings.confirm };
        // Where it is has to be known, too: nobody can look for a thing that may be anywhere.
        let lost = (state.pp[0] + state.pp[3]).sqrt() > self.settings.lost;
        if suspect || (body.r >= enough && !lost && (body.claims.any || body.claims.seen >= 2)) {
            body.confirmed = true;
            body.was = true;
        } else if body.r < self.settings.doubt || lost {
            body.confirmed = false;
        }
        body.shown = body.shown.max(now);
        out.push(Report {
            id: body.id,
            t,
            state,
            chart: body.chart,
            belief: if body.confirmed { Belief::Confirmed } else { Belief::Tentative },
            existence: body.r,
            name: body.claims.name(),
            suspect,
        });
    }

    /// Ends those of these that are hardly there any more.
    pub(super) fn bury(&mut self, these: &[usize], out: &mut Vec<Report>) {
        for k in these {
            if is_over(&self.bodies[*k], self.now, &self.settings) {
                self.end(*k, out);
            }
        }
    }

    /// Looks through all: ends what is hardly there any more or long not measured, and notes where the others are.
    pub(super) fn sweep(&mut self, out: &mut Vec<Report>) {
        self.swept = self.now;
        self.bodies.looked = self.now;
        self.alone = 0;
        self.forget(out);
        let mut all = std::mem::take(&mut self.scratch.all);
        self.bodies.all(&mut all);
        all.retain(|k| !self.stays(*k));
        for k in &all {
            self.end(*k, out);
        }
        self.scratch.all = all;
    }

    /// All as they are by now: those that were not shown for a second are, what is hardly there any more ends. Each is looked
    /// at once, since thousands of them are far away in memory.
    pub(super) fn show_all(&mut self, out: &mut Vec<Report>) {
        self.swept = self.now;
        self.bodies.looked = self.now;
        self.alone = 0;
        let mut all = std::mem::take(&mut self.scratch.all);
        self.bodies.all(&mut all);
        all.retain(|k| {
            let body = &mut self.bodies[*k];
            body.fade(self.now, &self.settings);
            if self.now - body.shown >= 0.999 {
                self.show(*k, self.now, out);
            }
            !self.stays(*k)
        });
        for k in &all {
            self.end(*k, out);
        }
        self.scratch.all = all;
    }

    /// Notes where one is by now. Whether it is still there; else it has to be ended.
    fn stays(&mut self, k: usize) -> bool {
        let body = &self.bodies[k];
        if is_over(body, self.now, &self.settings) {
            return false;
        }
        self.alone += usize::from(body.claims.alone());
        self.bodies.moved(k, self.now);
        true
    }

    /// Ends what nothing was measured of for so long that its state says nothing.
    pub(super) fn forget(&mut self, out: &mut Vec<Report>) {
        let mut all = std::mem::take(&mut self.scratch.all);
        self.bodies.older(self.now - self.settings.forget, &mut all);
        for k in &all {
            self.end(*k, out);
        }
        self.scratch.all = all;
    }

    fn end(&mut self, k: usize, out: &mut Vec<Report>) {
        let body = &self.bodies[k];
        if body.shown > f64::NEG_INFINITY {
            let last = body.last();
            out.push(Report {
                id: body.id,
                // Where it was when something was last measured of it.
                t: last.t,
                state: last.motion.merged(),
                chart: body.chart,
                belief: Belief::Deleted,
                existence: body.r,
                name: None,
                suspect: false,
            });
        }
        self.gone(k);
    }

    /// One is over. If nobody ever believed it, what radars showed of it was nothing.
    pub(super) fn gone(&mut self, k: usize) {
        let body = &self.bodies[k];
        if !body.was && !body.claims.any {
            for (sensor, m) in body.past.steps().filter_map(Step::seen) {
                let from = &self.sensors[sensor];
                if from.sense == Sense::Radar {
                    self.clutter[sensor].count(from, m, 1.0);
                }
            }
        }
        self.bodies.remove(k);
    }
}

/// Hardly there any more. What is said is shown, whatever is thought of it; and where there is nothing else, no longer
/// than that.
fn is_over(b: &Body, now: f64, settings: &Settings) -> bool {
    let silent = now - b.claims.heard;
    if b.claims.alone() { silent >= SILENCE_S } else { b.r < settings.over && !(b.claims.any && silent < 8.0) }
}
