//! [`Body`]: one thing that may be there, and its last steps.

use super::{
    Sky,
    charts::{Chart, Move},
    claims::Claims,
    flock::Common,
    motion::Motion,
    past::{Means, Past, Step},
    sensor::Measured,
};
use serde::{Deserialize, Serialize};

/// One thing that may be there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Body {
    /// Its number, from 1 on; never used again.
    pub(super) id: u64,
    /// Chance that it is there, at `as_of`.
    pub(super) r: f64,
    /// The moment that `r` is of, s.
    pub(super) as_of: f64,
    /// Its last steps; never empty.
    pub(super) past: Past,
    /// It is believed.
    pub(super) confirmed: bool,
    /// It was believed at some time.
    pub(super) was: bool,
    /// Chance that it gives off what a radio finder, or an ear, can find.
    pub(super) gives: [f64; 2],
    /// It began where such bearings met: of radio, of sound.
    pub(super) met: [bool; 2],
    /// When it was shown last, s.
    pub(super) shown: f64,
    pub(super) claims: Claims,
    /// What its places are in.
    pub(super) chart: Chart,
    /// Who should say something of it again, where reports come by themselves.
    pub(super) waits: Vec<Wait>,
    /// What is not known of its flock's flight, while it flies in one.
    pub(super) common: Option<Box<Common>>,
}

/// A kind of reports that come by themselves, and when the next is due.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Wait {
    /// Which kind, as whoever asks numbers them.
    pub(super) kind: u8,
    /// When the last came, s.
    pub(super) at: f64,
    /// Silence that means nothing yet, s.
    pub(super) interval: f64,
    /// Time constant with which the chance falls after that, s.
    pub(super) hold: f64,
}

impl Wait {
    /// Such a silence can be waited for.
    pub(super) fn is_sound(&self) -> bool {
        self.at.is_finite() && self.interval >= 0.0 && self.hold > 0.0
    }
}

impl Body {
    /// Chance that it is there, for all that was not heard of it until now: it falls only after the silence that means
    /// nothing, as slowly as the most patient kind allows. How long the silence is counts, never how often somebody looked.
    pub(super) fn existence(&self, now: f64) -> f64 {
        if self.waits.is_empty() || self.waits.iter().any(|w| now - w.at <= w.interval) {
            return self.r;
        }
        let kept = self.waits.iter().map(|w| libm::exp(-(now - w.at - w.interval) / w.hold));
        self.r * kept.fold(0.0, f64::max)
    }

    /// A little of each part of it that memory gives at once; see [`Bodies::fetch`](super::bodies::Bodies::fetch).
    pub(super) fn touched(&self) -> u64 {
        self.r.to_bits() ^ self.shown.to_bits() ^ u64::from(self.claims.seen) ^ self.past.touched()
    }

    /// Its places are in another chart from now on.
    pub(super) fn carry(&mut self, chart: Chart, to: &Move) {
        self.chart = chart;
        self.past.moved(to);
        if let Some(common) = &mut self.common {
            common.moved(to);
        }
        self.claims.moved(to);
    }
}

/// The newest step of a thing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last<'a> {
    pub(super) t: f64,
    pub(super) motion: &'a Motion,
}

impl Body {
    /// Its newest step.
    pub(super) fn last(&self) -> Last<'_> {
        Last { t: self.past.newest(), motion: self.past.now() }
    }
}

/// A track as it was at a time, and its step that this comes from; none when it began later.
pub(super) fn at_time(body: &Body, t: f64, means: &Means) -> (Option<usize>, Motion) {
    let at = body.past.base(t, means.settings);
    let (then, motion) = body.past.state(at.unwrap_or_else(|oldest| oldest), body.chart, means);
    (at.ok(), means.predict(&motion, t - then))
}

impl Sky {
    /// Something new; none where there are as many as there can be. This is counted.
    pub(super) fn begin(
        &mut self,
        chart: Chart,
        t: f64,
        motion: &Motion,
        by: Option<(usize, Measured)>,
        r: f64,
    ) -> Option<usize> {
        if self.bodies.len() >= self.settings.tracks {
            self.refused.many += 1;
            return None;
        }
        let shown = f64::NEG_INFINITY;
        let body = Body { id: self.next, r, as_of: t, gives: [0.5; 2], shown, chart, ..Body::default() };
        self.next += 1;
        Some(self.bodies.add(body, (Step::of(t, by), motion), self.now))
    }
}
