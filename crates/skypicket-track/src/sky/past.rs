//! [`Past`]: the last steps of a thing, so that what comes late can be joined at its own time.
//!
//! A step is small: when it was, and what was measured then. Large is what followed from it, the state under every model;
//! so only the newest state is at hand, and every fourth one of those before it. A state in between is worked out again
//! from the one before when somebody asks, which happens only to what comes out of its turn.

use super::{
    charts::{Chart, Move},
    flock::Push,
    gauss::Gauss,
    join,
    motion::{Lapse, Motion},
    registration::Registration,
    sensor::Measured,
    sensors::Sensors,
    settings::Settings,
};
use std::cell::Cell;

/// Steps of a [`Block`].
pub(super) const EACH: usize = 4;
/// Blocks that a thing has after some seconds, mostly.
const MOSTLY: usize = 8;
/// No sensor.
pub(super) const NOBODY: u32 = u32::MAX;
/// Blocks are made so many at once: how many are in use goes up and down a little all the time.
const AT_ONCE: usize = 16;
/// So many blocks are spare at least before any is given back to whoever has memory.
const FEW: usize = 64;

/// What was joined at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// When, s.
    pub(super) t: f64,
    /// What its flock did beyond what was expected of it before that: place (m) and velocity (m/s).
    pub(super) push: Push,
    by: u32,
    measured: Measured,
}

impl Step {
    /// A sensor measured this.
    pub(super) fn by(t: f64, sensor: usize, measured: Measured) -> Self {
        // There are never as many sensors as a u32 counts; one more would be of nobody.
        Self { t, push: Push::default(), by: u32::try_from(sensor).unwrap_or(NOBODY), measured }
    }

    /// Nothing was measured that could be worked through again.
    pub(super) fn blank(t: f64) -> Self {
        Self { t, push: Push::default(), by: NOBODY, measured: Measured { z: [0.0; 3], r: [0.0; 3] } }
    }

    /// What was measured, and the sensor, where it is known.
    pub(super) fn of(t: f64, by: Option<(usize, Measured)>) -> Self {
        by.map_or_else(|| Self::blank(t), |(sensor, m)| Self::by(t, sensor, m))
    }

    /// The same, before which its flock did this.
    pub(super) fn pushed(self, push: Push) -> Self {
        Self { push, ..self }
    }

    /// The sensor, and what it measured.
    pub(super) fn seen(&self) -> Option<(usize, &Measured)> {
        (self.by != NOBODY).then_some((self.by as usize, &self.measured))
    }
}

/// Some steps one after another, and the state at the first of them.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) start: Motion,
    /// Those that are not used yet mean nothing.
    pub(super) steps: [Step; EACH],
}

/// The last steps of a thing, oldest first. All blocks but the last are full.
#[derive(Debug, Clone, Default)]
#[allow(clippy::vec_box)] // blocks go from one thing to another
pub(super) struct Past {
    blocks: Vec<Box<Block>>,
    /// When the newest was, s.
    newest: f64,
    /// Steps in all blocks.
    len: usize,
    /// The state at the newest.
    now: Motion,
}

/// Blocks of things that are over, and room to work in: nothing is allocated as long as as many are followed as before.
#[derive(Debug, Default)]
#[allow(clippy::vec_box)] // blocks go from one thing to another
pub(super) struct Spare {
    blocks: Vec<Box<Block>>,
    tail: Vec<Step>,
}

/// What a step is worked through with again.
pub(super) struct Means<'a> {
    sensors: &'a Sensors,
    offs: &'a [Registration],
    pub(super) settings: &'a Settings,
    /// The time that passed last: most things that a scan meets were seen by the one before, all as long ago.
    lapse: Cell<Lapse>,
}

impl<'a> Means<'a> {
    pub(super) fn of(sensors: &'a Sensors, offs: &'a [Registration], settings: &'a Settings) -> Self {
        Self { sensors, offs, settings, lapse: Cell::new(Lapse::of(0.0, &settings.flight)) }
    }

    /// A motion so many seconds later.
    pub(super) fn predict(&self, motion: &Motion, dt: f64) -> Motion {
        let mut lapse = self.lapse.get();
        if !lapse.is(dt) {
            lapse = Lapse::of(dt, &self.settings.flight);
            self.lapse.set(lapse);
        }
        motion.after(&lapse, &self.settings.flight)
    }

    /// The state at a step, from the one before it. Whether what was measured left one to go on with; else it is as if nothing
    /// had been measured.
    fn step(&self, before: &Motion, t: f64, chart: Chart, it: &Step) -> (Motion, bool) {
        let mut predicted = self.predict(before, it.t - t);
        predicted.push(&it.push);
        let Some((sensor, m)) = it.seen() else { return (predicted, true) };
        let mut joined = predicted;
        join(&mut joined, &self.sensors.seen_from(sensor, chart), &self.offs[sensor], m);
        if joined.is_sound() { (joined, true) } else { (predicted, false) }
    }
}

impl Spare {
    fn block(&mut self, start: &Motion, first: Step) -> Box<Block> {
        if self.blocks.is_empty() {
            self.blocks.extend((0..AT_ONCE).map(|_| Box::default()));
        }
        let mut block = self.blocks.pop().unwrap_or_default();
        block.start = *start;
        block.steps[0] = first;
        block
    }

    fn put(&mut self, block: Box<Block>, followed: usize) {
        if self.blocks.len() < FEW.max(followed) {
            if self.blocks.is_empty() {
                self.blocks.reserve(FEW);
            }
            self.blocks.push(block);
        }
    }
}

impl Clone for Spare {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Default for Block {
    fn default() -> Self {
        Self { start: Motion::default(), steps: [Step::blank(0.0); EACH] }
    }
}

impl Past {
    /// Number of the newest step.
    pub(super) fn last(&self) -> usize {
        self.len - 1
    }

    /// Number of the oldest step that something late can follow on. Those before it only lead up to it.
    fn oldest(&self, settings: &Settings) -> usize {
        let newest = self.newest();
        let most = self.len.saturating_sub(settings.steps);
        // The last of those that are too old leads up to what is not: without it nothing between the two could be joined.
        (most..self.last()).find(|k| newest - self.step(k + 1).t <= settings.rewind).unwrap_or(self.last())
    }

    /// There are as many steps as are kept at most.
    pub(super) fn is_full(&self, settings: &Settings) -> bool {
        self.len - self.oldest(settings) >= settings.steps
    }

    /// Its blocks; the state at the first step of the last one is only in there once there is a second.
    pub(super) fn blocks(&self) -> impl ExactSizeIterator<Item = (&Motion, &[Step])> {
        let last = self.blocks.len().wrapping_sub(1);
        self.blocks.iter().enumerate().map(move |(k, b)| {
            let n = if k == last { self.used() } else { EACH };
            (if n == 1 { &self.now } else { &b.start }, &b.steps[..n])
        })
    }

    /// As it was kept: blocks with the state at the first step of each, and the state at the newest. None where it cannot have
    /// been.
    pub(super) fn again(kept: Vec<(Motion, Vec<Step>)>, now: &Motion) -> Option<Self> {
        let mut it = Self { now: *now, ..Self::default() };
        let blocks = kept.len();
        for (k, (start, steps)) in kept.into_iter().enumerate() {
            if steps.is_empty() || steps.len() > EACH || (steps.len() < EACH && k + 1 < blocks) {
                return None;
            }
            it.len += steps.len();
            let mut block = Box::new(Block { start, ..Block::default() });
            block.steps[..steps.len()].copy_from_slice(&steps);
            it.blocks.push(block);
        }
        let newest = it.steps().next_back().map(|s| s.t)?;
        Some(Self { newest, ..it })
    }

    /// There is a state to go on with at all steps where one is kept.
    pub(super) fn is_sound(&self) -> bool {
        self.now.is_sound() && self.blocks().all(|(start, _)| start.is_sound())
    }

    /// All steps.
    pub(super) fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        (0..self.len).map(|k| self.step(k))
    }

    fn step(&self, k: usize) -> &Step {
        &self.blocks[k / EACH].steps[k % EACH]
    }

    /// Steps in the last block.
    fn used(&self) -> usize {
        self.len - EACH * self.blocks.len().saturating_sub(1)
    }

    /// When the newest was, s.
    pub(super) fn newest(&self) -> f64 {
        self.newest
    }

    /// The state at the newest.
    pub(super) fn now(&self) -> &Motion {
        &self.now
    }

    /// The same for whoever knows better.
    pub(super) fn now_mut(&mut self) -> &mut Motion {
        &mut self.now
    }

    /// The newest step that is no later than `t`; or the oldest, where `t` is before that.
    pub(super) fn base(&self, t: f64, settings: &Settings) -> Result<usize, usize> {
        // Nearly always it is the last.
        if self.newest() <= t {
            return Ok(self.last());
        }
        let oldest = self.oldest(settings);
        (oldest..self.last()).rev().find(|k| self.step(*k).t <= t).ok_or(oldest)
    }

    /// When a step was, and the state at it.
    pub(super) fn state(&self, k: usize, chart: Chart, means: &Means) -> (f64, Motion) {
        if k == self.last() {
            return (self.newest, self.now);
        }
        let at = self.step(k).t;
        let block = &self.blocks[k / EACH];
        let (mut t, mut motion) = (block.steps[0].t, block.start);
        for step in &block.steps[1..=k % EACH] {
            motion = means.step(&motion, t, chart, step).0;
            t = step.t;
        }
        (at, motion)
    }

    /// Where it was at some step no later than `t`, or at the first: with [`Self::base`] the state at that, or at one a little
    /// before.
    pub(super) fn about(&self, t: f64, settings: &Settings) -> (f64, &Motion) {
        let k = self.base(t, settings).unwrap_or_else(|oldest| oldest);
        if k == self.last() {
            return (self.newest, &self.now);
        }
        let block = &self.blocks[k / EACH];
        (block.steps[0].t, &block.start)
    }

    /// It is there, and nothing is known of before.
    pub(super) fn restart(&mut self, step: Step, motion: &Motion, spare: &mut Spare) {
        while self.blocks.len() > 1 {
            spare.blocks.extend(self.blocks.pop());
        }
        if let Some(block) = self.blocks.last_mut() {
            block.steps[0] = step;
        } else {
            self.blocks.reserve_exact(MOSTLY);
            self.blocks.push(spare.block(motion, step));
        }
        (self.len, self.newest) = (1, step.t);
        self.now = *motion;
    }

    /// It is over.
    pub(super) fn clear(&mut self, spare: &mut Spare, followed: usize) {
        self.len = 0;
        while let Some(block) = self.blocks.pop() {
            spare.put(block, followed);
        }
    }

    /// One more.
    fn push(&mut self, step: Step, motion: &Motion, spare: &mut Spare) {
        let used = self.used();
        match self.blocks.last_mut() {
            Some(block) if used < EACH => {
                if used == 1 {
                    block.start = self.now;
                }
                block.steps[used] = step;
            }
            _ => {
                if self.blocks.len() == self.blocks.capacity() {
                    self.blocks.reserve_exact(MOSTLY.max(self.blocks.len()));
                }
                self.blocks.push(spare.block(motion, step));
            }
        }
        self.len += 1;
        self.newest = step.t;
        self.now = *motion;
    }

    /// Puts a step, and the state at it, behind the one that it came from and works through what came after it again.
    pub(super) fn insert(
        &mut self,
        base: usize,
        (step, motion): (Step, &Motion),
        chart: Chart,
        means: &Means,
        spare: &mut Spare,
    ) {
        let late = base + 1 < self.len;
        if late {
            let mut tail = std::mem::take(&mut spare.tail);
            tail.clear();
            tail.extend((base + 1..self.len).map(|k| *self.step(k)));
            spare.tail = tail;
            while self.blocks.len() > base / EACH + 1 {
                spare.blocks.extend(self.blocks.pop());
            }
            self.len = base + 1;
            if self.used() == 1 {
                self.now = self.blocks[base / EACH].start;
            }
        }
        self.push(step, motion, spare);
        if late {
            let mut tail = std::mem::take(&mut spare.tail);
            let mut t = step.t;
            for step in &mut tail {
                let (motion, sound) = means.step(&self.now, t, chart, step);
                if !sound {
                    step.by = NOBODY;
                }
                t = step.t;
                self.push(*step, &motion, spare);
            }
            spare.tail = tail;
        }
        while self.oldest(means.settings) >= EACH {
            spare.blocks.push(self.blocks.remove(0));
            self.len -= EACH;
        }
    }

    /// A little of each part of the newest state and of where the next step goes.
    pub(super) fn touched(&self) -> u64 {
        let state = |g: &Gauss| g.p[0].to_bits() ^ g.pp[2].to_bits() ^ g.pv[1][1].to_bits() ^ g.vv[3].to_bits();
        let [quiet, busy] = &self.now.states;
        let step = self.blocks.last().map_or(0, |b| {
            let next = &b.steps[self.used() % EACH];
            next.t.to_bits() ^ next.measured.r[2].to_bits()
        });
        state(quiet) ^ state(busy) ^ step
    }

    /// Its places are in another chart from now on.
    pub(super) fn moved(&mut self, to: &Move) {
        self.now.moved(to);
        for block in &mut self.blocks {
            block.start.moved(to);
            block.steps.iter_mut().for_each(|s| s.push.moved(to));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sky::{
        Sense,
        gauss::Gauss,
        lone::{Odds, blank},
    };
    use proptest::prelude::*;

    /// What `insert` is to come to, with every state kept.
    fn plainly(steps: &mut Vec<(Step, Motion)>, base: usize, step: Step, motion: &Motion, means: &Means) {
        steps.insert(base + 1, (step, *motion));
        for k in base + 2..steps.len() {
            let (before, motion) = (steps[k - 1].0.t, steps[k - 1].1);
            let it = steps[k].0;
            steps[k].1 = means.step(&motion, before, Chart::SCENE, &it).0;
        }
        let newest = steps[steps.len() - 1].0.t;
        let old = steps.iter().take_while(|s| newest - s.0.t > means.settings.rewind).count().saturating_sub(1);
        let spare = steps.len().saturating_sub(means.settings.steps);
        steps.drain(..old.max(spare));
    }

    proptest! {
        #[test]
        fn states_that_are_worked_out_again_are_those_that_were_there(
            reports in proptest::collection::vec((-3.0..1.5f64, -50.0..50.0f64), 1..120), most in 1..30usize,
        ) {
            let settings = Settings { steps: most, ..Settings::default() };
            let sensors = Sensors::of(vec![blank(Sense::Fix, Odds { pd: 0.9, untrue: 1e-9, who: 0 })]);
            let offs = [Registration::default()];
            let means = Means::of(&sensors, &offs, &settings);
            let cov = [100.0, 0.0, 0.0, 100.0, 0.0, 100.0];
            let first = (Step::blank(0.0), Motion::of(Gauss::standing([0.0; 3], cov, 12.0, 4.0), &settings.flight));
            let (mut past, mut spare, mut all) = (Past::default(), Spare::default(), vec![first]);
            past.restart(first.0, &first.1, &mut spare);
            for (dt, x) in reports {
                let t = past.newest() + dt;
                let base = past.base(t, &settings);
                let plain = all.iter().rposition(|s| s.0.t <= t);
                prop_assert_eq!(base.is_ok(), plain.is_some());
                let (Ok(base), Some(plain)) = (base, plain) else { continue };
                let (then, state) = past.state(base, Chart::SCENE, &means);
                prop_assert_eq!((then, state), (all[plain].0.t, all[plain].1));
                let step = Step::by(t, 0, Measured { z: [x; 3], r: [25.0; 3] });
                let motion = means.step(&state, then, Chart::SCENE, &step).0;
                past.insert(base, (step, &motion), Chart::SCENE, &means, &mut spare);
                plainly(&mut all, plain, step, &motion, &means);
                prop_assert_eq!(past.now(), &all[all.len() - 1].1);
                prop_assert_eq!(past.len - past.oldest(&settings), all.len());
                prop_assert_eq!(past.is_full(&settings), all.len() >= most);
                // No more than a block of what only leads up to it.
                prop_assert!(past.len < all.len() + EACH && past.blocks.len() == past.len.div_ceil(EACH));
            }
        }
    }
}
