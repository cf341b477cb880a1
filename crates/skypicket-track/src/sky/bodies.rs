//! [`Bodies`]: all that may be there, found by number, by place and by name.
//!
//! Places are found through squares over the ground, of three sizes: what may be far from where it was last known lies
//! in larger ones, so that few have to be looked into. Nothing here decides anything: whoever asks gets all that can
//! matter and some more, oldest first, so that no result depends on where a thing is kept.

use super::{
    Name,
    body::{Body, Step},
    gauss::V3,
};
use std::{
    collections::{HashMap, VecDeque},
    ops::{Index, IndexMut},
};

/// Things that may be up to so far from where they were last known, m, and the squares that they lie in.
const REACH: [f64; 3] = [1_000.0, 8_000.0, 128_000.0];
/// Side of the squares, m.
const SIDE: [f64; 3] = [2_000.0, 8_000.0, 128_000.0];
/// As fast as anything flies between two looks, m/s.
const FAST: f64 = 60.0;
/// What flies may have gone farther since it was noted where it is: that is done anew each second, m.
const SLACK: f64 = 100.0;
/// Room for steps at first: most starts are false and over soon.
const FIRST_STEPS: usize = 4;
/// No slot.
const NONE: usize = usize::MAX;

/// A square: which size, how far east and north.
type Square = (usize, i32, i32);

/// All that may be there.
#[derive(Debug, Clone, Default)]
pub(super) struct Bodies {
    slots: Vec<Body>,
    /// Where each lies: its square, and its neighbours in the bucket of that.
    links: Vec<Link>,
    free: Vec<usize>,
    /// First of each bucket; a power of two of them.
    buckets: Vec<usize>,
    named: HashMap<Name, Vec<usize>>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    /// The number of what lies there: here it is at hand, while what lies there is large and far away in memory.
    id: u64,
    /// Where it was last known over ground, and how far from there it may be by now, m.
    at: [f64; 2],
    reach: f64,
    square: Option<Square>,
    before: usize,
    after: usize,
}

/// Where nothing lies.
const NOWHERE: Link = Link { id: 0, at: [0.0; 2], reach: 0.0, square: None, before: NONE, after: NONE };

impl Link {
    /// It is within so much of a place over ground.
    fn within(&self, p: &V3, radius: f64) -> bool {
        let d = [self.at[0] - p[0], self.at[1] - p[1]];
        d[0] * d[0] + d[1] * d[1] <= radius * radius
    }
}

impl Index<usize> for Bodies {
    type Output = Body;
    fn index(&self, slot: usize) -> &Body {
        &self.slots[slot]
    }
}

impl IndexMut<usize> for Bodies {
    fn index_mut(&mut self, slot: usize) -> &mut Body {
        &mut self.slots[slot]
    }
}

impl Bodies {
    /// These, oldest first.
    pub(super) fn of(all: Vec<Body>, now: f64) -> Self {
        let mut it = Self::default();
        for (slot, body) in all.into_iter().enumerate() {
            for name in body.claims.names() {
                it.named.entry(name).or_default().push(slot);
            }
            it.slots.push(body);
            it.links.push(NOWHERE);
        }
        it.widen(now);
        it
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Names that they said, in no order, as often as they are held.
    pub(super) fn names(&self) -> impl Iterator<Item = Name> {
        self.named.iter().flat_map(|(name, slots)| slots.iter().map(|_| *name))
    }

    /// Slots of all, oldest first.
    pub(super) fn all(&self, out: &mut Vec<usize>) {
        out.clear();
        out.extend((0..self.slots.len()).filter(|k| self.links[*k].id != 0));
        self.oldest_first(out);
    }

    /// Takes a new one; gives its slot.
    pub(super) fn add(&mut self, mut body: Body, first: &Step, now: f64) -> usize {
        let slot = if let Some(slot) = self.free.pop() {
            // Room for steps that was kept.
            body.steps = std::mem::take(&mut self.slots[slot].steps);
            self.slots[slot] = body;
            slot
        } else {
            self.slots.push(body);
            self.links.push(NOWHERE);
            self.slots.len() - 1
        };
        let steps = &mut self.slots[slot].steps;
        if steps.capacity() == 0 {
            steps.reserve_exact(FIRST_STEPS);
        }
        steps.push_back(*first);
        if self.buckets.len() < 2 * self.slots.len() {
            self.widen(now);
        }
        self.moved(slot, now);
        slot
    }

    /// One is over.
    pub(super) fn remove(&mut self, slot: usize) {
        self.unlink(slot);
        for name in self.slots[slot].claims.names() {
            self.unname(name, slot);
        }
        let body = &mut self.slots[slot];
        body.id = 0;
        body.steps.clear();
        if body.steps.capacity() > FIRST_STEPS {
            body.steps = VecDeque::new();
        }
        self.free.push(slot);
    }

    /// It says a name.
    pub(super) fn says(&mut self, slot: usize, name: Name, t: f64) {
        let before = self.slots[slot].claims;
        self.slots[slot].claims.says(name, t);
        let after = self.slots[slot].claims;
        for gone in before.names().filter(|n| !after.said(*n)) {
            self.unname(gone, slot);
        }
        if !before.said(name) {
            self.named.entry(name).or_default().push(slot);
        }
    }

    fn unname(&mut self, name: Name, slot: usize) {
        if let Some(slots) = self.named.get_mut(&name) {
            slots.retain(|s| *s != slot);
            if slots.is_empty() {
                self.named.remove(&name);
            }
        }
    }

    /// Slots of those that said this name, oldest first.
    pub(super) fn named(&self, name: Name, out: &mut Vec<usize>) {
        out.clear();
        out.extend(self.named.get(&name).into_iter().flatten());
        self.oldest_first(out);
    }

    /// Another of those whose name this is fits.
    pub(super) fn any_named(&self, name: Name, fits: impl Fn(usize, &Body) -> bool) -> bool {
        self.named.get(&name).into_iter().flatten().any(|k| fits(*k, &self.slots[*k]))
    }

    /// Its last step changed, or time passed: it is found where it is by now.
    pub(super) fn moved(&mut self, slot: usize, now: f64) {
        let last = self.slots[slot].last();
        let age = (now - last.t).max(0.0);
        // Late looks find it where it was up to some seconds ago.
        let reach = FAST * (age + 9.0) + 5.0 * last.motion.states[1].spread() + 100.0;
        let size = REACH.iter().position(|r| reach <= *r).unwrap_or(REACH.len() - 1);
        let p = last.motion.states[0].p;
        let square = (size, floor(p[0] / SIDE[size]), floor(p[1] / SIDE[size]));
        let link = &mut self.links[slot];
        link.at = [p[0], p[1]];
        link.reach = reach;
        if self.links[slot].square == Some(square) {
            return;
        }
        self.unlink(slot);
        let bucket = self.bucket(square);
        let first = self.buckets[bucket];
        self.links[slot] =
            Link { id: self.slots[slot].id, at: [p[0], p[1]], reach, square: Some(square), before: NONE, after: first };
        if first != NONE {
            self.links[first].before = slot;
        }
        self.buckets[bucket] = slot;
    }

    /// Slots of those that were last known within `radius` of a place over ground, and some more; oldest first.
    pub(super) fn known_within(&self, p: &V3, radius: f64, out: &mut Vec<usize>) {
        self.find(p, |_| radius, |link| link.within(p, radius + SLACK), out);
    }

    /// Slots of those that may be within `radius` of a place over ground by now, and some more; oldest first.
    pub(super) fn reaching(&self, p: &V3, radius: f64, out: &mut Vec<usize>) {
        self.find(p, |size| radius + REACH[size], |link| link.within(p, radius + link.reach + SLACK), out);
    }

    fn find(&self, p: &V3, radius: impl Fn(usize) -> f64, near: impl Fn(&Link) -> bool, out: &mut Vec<usize>) {
        out.clear();
        for (size, side) in SIDE.into_iter().enumerate() {
            let r = radius(size);
            let [x0, x1, y0, y1] = [p[0] - r, p[0] + r, p[1] - r, p[1] + r].map(|c| floor(c / side));
            let squares = (u64::from(x1.abs_diff(x0)) + 1).saturating_mul(u64::from(y1.abs_diff(y0)) + 1);
            if squares > self.slots.len() as u64 {
                let inside = |(s, x, y): Square| s == size && (x0..=x1).contains(&x) && (y0..=y1).contains(&y);
                let lies = |k: &usize| self.links[*k].square.is_some_and(inside) && near(&self.links[*k]);
                out.extend((0..self.slots.len()).filter(lies));
                continue;
            }
            for x in x0..=x1 {
                for y in y0..=y1 {
                    let square = (size, x, y);
                    let mut at = self.buckets[self.bucket(square)];
                    while at != NONE {
                        let link = &self.links[at];
                        if link.square == Some(square) && near(link) {
                            out.push(at);
                        }
                        at = link.after;
                    }
                }
            }
        }
        self.oldest_first(out);
    }

    fn oldest_first(&self, out: &mut [usize]) {
        out.sort_unstable_by_key(|k| self.links[*k].id);
    }

    fn bucket(&self, (size, x, y): Square) -> usize {
        let mix = u64::from(x.cast_unsigned()) | u64::from(y.cast_unsigned()) << 32;
        let h = (mix ^ (size as u64) << 29).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // Buckets are a power of two, and the upper half is the better mixed one.
        usize::try_from(h >> 32).unwrap_or(0) & (self.buckets.len() - 1)
    }

    fn unlink(&mut self, slot: usize) {
        let Link { square: Some(square), before, after, .. } = self.links[slot] else { return };
        if before == NONE {
            let bucket = self.bucket(square);
            self.buckets[bucket] = after;
        } else {
            self.links[before].after = after;
        }
        if after != NONE {
            self.links[after].before = before;
        }
        self.links[slot] = NOWHERE;
    }

    /// More buckets, for more things.
    fn widen(&mut self, now: f64) {
        let n = (4 * self.slots.len()).next_power_of_two().max(64);
        self.buckets.clear();
        self.buckets.resize(n, NONE);
        for link in &mut self.links {
            *link = NOWHERE;
        }
        for slot in 0..self.slots.len() {
            if self.slots[slot].id != 0 {
                self.moved(slot, now);
            }
        }
    }
}

/// The whole number below, held to what an i32 can be.
#[allow(clippy::cast_possible_truncation)] // saturating is what is meant
fn floor(x: f64) -> i32 {
    libm::floor(x) as i32
}
