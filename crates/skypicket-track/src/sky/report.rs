//! [`Report`]: a track as it is shown, and when it is believed, doubted and ended.

use super::{
    Name, Sense, Sky, bodies::AHEAD, body::Body, charts::Chart, claims::SILENCE_S, gauss::Gauss, past::Step,
    settings::Settings,
};

/// A track is shown once a second, give or take how times are rounded, s.
const SHOWN_S: f64 = 0.999;

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
        let body = &mut self.bodies[k];
        if body.is_unnoticed(body.faded(now, &self.settings), &self.settings) {
            self.bodies.note_due(k, &self.settings);
            return;
        }
        body.fade(now, &self.settings);
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
        self.bodies.note_due(k, &self.settings);
        let body = &self.bodies[k];
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
            let body = &self.bodies[*k];
            if is_over(body, body.r, self.now, &self.settings) {
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
        all.retain(|k| !self.stays(*k, 1.0));
        for k in &all {
            self.end(*k, out);
        }
        self.scratch.all = all;
    }

    /// All as they are by now: those that were not shown for a second are, what is hardly there any more ends. Whatever can be
    /// neither is not fetched: thousands are far away in memory. Whether one was looked at leaves no trace in it.
    pub(super) fn show_all(&mut self, out: &mut Vec<Report>) {
        self.swept = self.now;
        let mut all = std::mem::take(&mut self.scratch.all);
        self.alone = self.bodies.due(self.now, &mut all);
        let mut over = 0;
        for first in (0..all.len()).step_by(AHEAD) {
            let last = all.len().min(first + AHEAD);
            self.bodies.fetch(&all[first..last]);
            for k in first..last {
                let slot = all[k];
                if self.now >= self.bodies[slot].shown + SHOWN_S {
                    self.show(slot, self.now, out);
                } else {
                    self.bodies.note_due(slot, &self.settings);
                }
                let faded = self.bodies[slot].faded(self.now, &self.settings);
                if !self.stays(slot, faded) {
                    self.bodies[slot].fade(self.now, &self.settings);
                    all[over] = slot;
                    over += 1;
                }
            }
        }
        all.truncate(over);
        for k in &all {
            self.end(*k, out);
        }
        self.scratch.all = all;
    }

    /// Notes where one is by now. Whether it is still there, where its chance to be has faded by so much; else it has to be
    /// ended.
    fn stays(&mut self, k: usize, faded: f64) -> bool {
        let body = &self.bodies[k];
        if is_over(body, body.r * faded, self.now, &self.settings) {
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

impl Body {
    /// Most starts are false: until one is worth a look nobody hears of it.
    fn is_unnoticed(&self, faded: f64, settings: &Settings) -> bool {
        self.shown == f64::NEG_INFINITY && self.r * faded < settings.worth && !self.claims.any
    }

    /// Until then, if nothing comes of it, it has not to be shown again, and is not over, s.
    pub(super) fn due(&self, settings: &Settings) -> f64 {
        let show = if self.is_unnoticed(1.0, settings) { f64::INFINITY } else { self.shown + SHOWN_S };
        if self.claims.alone() {
            return show.min(self.claims.heard + SILENCE_S);
        }
        // It fades no faster than along the tangent; a little sooner, for what is rounded.
        let over = if self.r > settings.over { 0.999 * (1.0 - settings.over / self.r) } else { f64::NEG_INFINITY };
        show.min(self.as_of + settings.stay * over)
    }
}

/// Hardly there any more. What is said is shown, whatever is thought of it; and where there is nothing else, no longer
/// than that.
fn is_over(b: &Body, r: f64, now: f64, settings: &Settings) -> bool {
    if b.claims.alone() {
        now >= b.claims.heard + SILENCE_S
    } else {
        r < settings.over && !(b.claims.any && now - b.claims.heard < 8.0)
    }
}
