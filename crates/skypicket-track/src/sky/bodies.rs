//! [`Bodies`]: all that may be there, found by number, by place and by name.
//!
//! Places are found through squares over the ground, of several sizes: what may be far from where it was last known lies
//! in larger ones, so that few have to be looked into. Nothing here decides anything: whoever asks gets all that can
//! matter and some more, oldest first, so that no result depends on where a thing is kept.

use super::{
    Name,
    body::{Body, Last},
    charts::{Chart, Charts},
    flock::Common,
    gauss::{Gauss, V3, dot, minus},
    motion::Motion,
    numbers::Numbers,
    past::{Means, Spare, Step},
    settings::Settings,
};
use std::{
    mem,
    ops::{Index, IndexMut},
};

/// Things that may be up to so far from where they were last known, m, and the squares that they lie in. What a radar saw once
/// at the end of its reach is of the second kind.
const REACH: [f64; 4] = [1_000.0, 2_000.0, 8_000.0, 128_000.0];
/// Side of the squares, m.
const SIDE: [f64; 4] = [2_000.0, 2_000.0, 8_000.0, 128_000.0];
/// So many are read ahead ([`Bodies::fetch`]): what is read is still at hand when its turn comes.
pub(super) const AHEAD: usize = 64;
/// As fast as anything flies between two looks, m/s.
const FAST: f64 = 60.0;
/// In a scene, what flies may have gone farther since it was noted where it is: that is done anew each second, m.
const SLACK: f64 = 100.0;
/// So much room is kept for what is not known of flocks.
const FEW: usize = 64;
/// Side of the neighbourhoods that free slots are kept for, m: about as far as a look reaches.
const NEIGHBOURS_M: f64 = 8_000.0;
/// Buckets beside one another: as many as memory gives at once; a power of two.
const TOGETHER: i32 = 16;
/// No slot. There are never as many.
const NONE: u32 = u32::MAX;

/// A square: which size, and how far along the axes of addresses ([`Charts::address`]): in a scene east and north; else
/// they are cubes, of which few hold any ground.
type Square = (u32, i32, i32, i32);
/// No square.
const NOWHERE: Square = (u32::MAX, 0, 0, 0);
/// The Earth is not quite a sphere: over so much more, and so many metres, whoever is on it is looked for.
const OBLATE: (f64, f64) = (1.01, 150.0);

/// All that may be there.
#[derive(Debug, Clone, Default)]
pub(super) struct Bodies {
    /// Each by itself: they are large, and with room for more of them beside one another there would be much for nobody.
    #[allow(clippy::vec_box)]
    slots: Vec<Box<Body>>,
    /// Where each lies.
    links: Vec<Link>,
    /// What else is known of that.
    known: Vec<Known>,
    free: Free,
    /// First of each bucket; a power of two of them.
    buckets: Vec<u32>,
    named: Numbers<Name, Vec<usize>>,
    /// Slots by number.
    numbered: Numbers<u64, usize>,
    /// How many lie in squares of each size.
    lie: [usize; SIDE.len()],
    charts: Charts,
    spare: Spare,
    /// Room for what is looked through in the squares around a place: each square, and where in its bucket that has come to.
    chains: Vec<(Square, u32)>,
    /// Room for what is not known of flocks' flight.
    #[allow(clippy::vec_box)] // they go from one thing to another
    commons: Vec<Box<Common>>,
    /// When all were last looked through, s.
    pub(super) looked: f64,
}

/// Slots where nothing is. What begins somewhere gets one where something of the same neighbourhood was over: a look meets what
/// flies around its sensor, and where that lies together in memory too, little of it has to be fetched.
#[derive(Debug, Clone, Default)]
struct Free {
    /// First of those of each neighbourhood; a power of two of them. The next of each is in its [`Link::after`].
    near: Vec<u32>,
    /// First of those of none; these are handed out as they lie in memory.
    others: Option<u32>,
    /// How many in all.
    count: usize,
}

/// Where one lies: all that is looked at of those that lie about and are not wanted, in no more than what memory gives at
/// once.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Link {
    /// The number of what lies there, nought where nothing does: here it is at hand, while what lies there is large and far
    /// away in memory.
    id: u64,
    /// Where it was last known.
    address: V3,
    /// How far from there it might have been when that was noted, m.
    reach: f64,
    square: Square,
    /// The next in the square's bucket; where nothing lies, the next of what is free.
    after: u32,
}

/// What else is known of where one lies.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The one before it in the square's bucket.
    before: u32,
    /// Until then it is within the reach of its square's size, s.
    until: f64,
    last: Flown,
    /// [`Body::due`]: until then a second's tick has nothing to do with it.
    due: f64,
    /// [`Claims::alone`](super::claims::Claims::alone), as of then.
    alone: bool,
}

/// How something flew when it was last known: all that says how far it may have come since. Kept beside where it is, so that
/// those that are not near need not be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flown {
    /// The moment, s.
    pub(super) t: f64,
    /// How fast over ground, and one sigma of that, m/s.
    pub(super) speed: [f64; 2],
    /// One sigma of where it was, m, over models: of the second, and the largest.
    pub(super) spread: [f64; 2],
}

impl Flown {
    const NEVER: Self = Self { t: f64::NEG_INFINITY, speed: [0.0; 2], spread: [0.0; 2] };

    fn of(step: Last, chart: Chart) -> Self {
        let [quiet, busy] = &step.motion.states;
        if chart == Chart::SCENE {
            // Whoever asks there looks for itself.
            return Self { t: step.t, spread: [busy.spread(), 0.0], ..Self::NEVER };
        }
        let fast = |g: &Gauss| (g.v[0] * g.v[0] + g.v[1] * g.v[1]).sqrt();
        let unsure = (quiet.vv[0] + quiet.vv[3]).max(busy.vv[0] + busy.vv[3]).max(0.0).sqrt();
        // A height that is not known is no reason to look farther off.
        let flat = |g: &Gauss| (g.pp[0] + g.pp[3]).max(0.0).sqrt();
        let spread = |g: &Gauss| if step.motion.flat { flat(g) } else { g.spread() };
        let [quiet_spread, busy_spread] = [spread(quiet), spread(busy)];
        Self {
            t: step.t,
            speed: [fast(quiet).max(fast(busy)), unsure],
            spread: [busy_spread, quiet_spread.max(busy_spread)],
        }
    }
}

impl Link {
    const NOWHERE: Self = Self { id: 0, address: [0.0; 3], reach: 0.0, square: NOWHERE, after: NONE };

    /// It is within so much of an address.
    fn within(&self, p: &V3, radius: f64) -> bool {
        let d = minus(&self.address, p);
        dot(&d, &d) <= radius * radius
    }
}

impl Known {
    const NOTHING: Self =
        Self { before: NONE, until: f64::NEG_INFINITY, last: Flown::NEVER, due: f64::NEG_INFINITY, alone: false };
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
            it.numbered.insert(body.id, slot);
            it.slots.push(Box::new(body));
            it.links.push(Link::NOWHERE);
            it.known.push(Known::NOTHING);
        }
        it.widen(now);
        it
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.count
    }

    /// Names that they said, in no order, as often as they are held.
    pub(super) fn names(&self) -> impl Iterator<Item = Name> {
        self.named.iter().flat_map(|(name, slots)| slots.iter().map(|_| *name))
    }

    /// Slots of all, oldest first.
    pub(super) fn all(&self, out: &mut Vec<usize>) {
        out.clear();
        out.extend((0..self.links.len()).filter(|k| self.links[*k].id != 0));
        self.oldest_first(out);
    }

    /// Slots of those whose newest step is of `t` or older, oldest first.
    pub(super) fn older(&self, t: f64, out: &mut Vec<usize>) {
        out.clear();
        out.extend((0..self.links.len()).filter(|k| self.links[*k].id != 0 && self.known[*k].last.t <= t));
        self.oldest_first(out);
    }

    /// Takes a new one; gives its slot.
    pub(super) fn add(&mut self, mut body: Body, (first, motion): (Step, &Motion), now: f64) -> usize {
        let slot = self.room(body.chart, &motion.states[0].p);
        // Room that was kept.
        let it = &mut self.slots[slot];
        (body.past, body.waits) = (mem::take(&mut it.past), mem::take(&mut it.waits));
        **it = body;
        if self.numbered.capacity() < 2 * self.slots.len() {
            // With so much room what is gone is cleared away in place.
            self.numbered.reserve(3 * self.slots.len());
        }
        self.numbered.insert(self.slots[slot].id, slot);
        self.slots[slot].past.restart(first, motion, &mut self.spare);
        // When it is due nobody has said yet.
        self.known[slot] = Known::NOTHING;
        if self.buckets.len() < 2 * self.slots.len() {
            self.widen(now);
        }
        self.moved(slot, now);
        slot
    }

    /// A free slot for what begins there.
    fn room(&mut self, chart: Chart, p: &V3) -> usize {
        let address = self.charts.address(chart, p);
        if let Some(first) = neighbourhood(&address, self.free.near.len()).map(|k| &mut self.free.near[k])
            && *first != NONE
        {
            let slot = *first as usize;
            *first = self.links[slot].after;
            self.free.count -= 1;
            return slot;
        }
        if self.free.others.is_none() {
            // What is free in other neighbourhoods is used before there are more, unless that is so little that it would have to
            // be gathered again soon.
            if self.free.count <= self.slots.len() / 16 {
                self.make_room();
            } else {
                self.gather();
            }
        }
        let slot = self.free.others.unwrap_or(0) as usize;
        self.free.others = Some(self.links[slot].after).filter(|k| *k != NONE);
        self.free.count -= 1;
        slot
    }

    /// Slots for more, some at once: how many there are goes up and down a little all the time.
    fn make_room(&mut self) {
        let (from, more) = (self.slots.len(), (self.slots.len() / 8).max(8));
        self.links.reserve_exact(more);
        self.known.reserve_exact(more);
        for _ in 0..more {
            self.slots.push(Box::default());
            self.links.push(Link::NOWHERE);
            self.known.push(Known::NOTHING);
        }
        for slot in (from..from + more).rev() {
            self.give(slot);
        }
    }

    /// A slot is free for anywhere.
    fn give(&mut self, slot: usize) {
        self.links[slot].after = self.free.others.unwrap_or(NONE);
        self.free.others = Some(numbered(slot));
        self.free.count += 1;
    }

    /// All free slots are free for anywhere.
    fn gather(&mut self) {
        self.free.near.fill(NONE);
        (self.free.others, self.free.count) = (None, 0);
        for slot in (0..self.slots.len()).rev() {
            if self.links[slot].id == 0 {
                self.give(slot);
            }
        }
    }

    /// One is over.
    pub(super) fn remove(&mut self, slot: usize) {
        self.unlink(slot);
        for name in self.slots[slot].claims.names() {
            self.unname(name, slot);
        }
        let followed = self.len();
        let body = &mut self.slots[slot];
        self.numbered.remove(&body.id);
        body.id = 0;
        self.links[slot].id = 0;
        body.waits.clear();
        let common = body.common.take();
        body.past.clear(&mut self.spare, followed);
        self.put(common);
        match neighbourhood(&self.links[slot].address, self.free.near.len()).map(|k| &mut self.free.near[k]) {
            Some(first) => {
                self.links[slot].after = std::mem::replace(first, numbered(slot));
                self.free.count += 1;
            }
            None => self.give(slot),
        }
    }

    /// Puts a step, and the state at it, behind the one of a thing that it came from and works through what came after it
    /// again. Whether it was put there: what left no state to go on with is left out, since nothing could ever mend it.
    pub(super) fn insert(&mut self, slot: usize, base: usize, step: Step, motion: &Motion, means: &Means) -> bool {
        if !motion.is_sound() {
            return false;
        }
        let body = &mut self.slots[slot];
        body.past.insert(base, (step, motion), body.chart, means, &mut self.spare);
        true
    }

    /// One flies in no flock any more. Gives what was not known of its flight.
    pub(super) fn leave(&mut self, slot: usize) -> Option<Common> {
        let common = self.slots[slot].common.take()?;
        let known = (*common).clone();
        self.put(Some(common));
        Some(known)
    }

    fn put(&mut self, common: Option<Box<Common>>) {
        if self.commons.len() < FEW {
            self.commons.reserve_exact(FEW - self.commons.len());
            self.commons.extend(common);
        }
    }

    /// One flies in a flock, of whose flight so much is not known.
    pub(super) fn join_flock(&mut self, slot: usize, common: Common) {
        let it = &mut self.slots[slot];
        match it.common.take().or_else(|| self.commons.pop()) {
            Some(mut room) => {
                *room = common;
                it.common = Some(room);
            }
            None => it.common = Some(Box::new(common)),
        }
    }

    /// A thing is there, and nothing is known of before.
    pub(super) fn restart(&mut self, slot: usize, step: Step, motion: &Motion) {
        self.slots[slot].past.restart(step, motion, &mut self.spare);
    }

    /// The slot of a number.
    pub(super) fn numbered(&self, id: u64) -> Option<usize> {
        self.numbered.get(&id).copied()
    }

    /// Its places are in this chart from now on.
    pub(super) fn bring(&mut self, slot: usize, chart: Chart) {
        let body = &mut self.slots[slot];
        if let Some(to) = self.charts.between(body.chart, chart) {
            body.carry(chart, &to);
            self.moved(slot, self.looked);
        }
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
        let body = &self.slots[slot];
        let last = Flown::of(body.last(), body.chart);
        let reach = reach(&last, now);
        let size = REACH.iter().position(|r| reach <= *r).unwrap_or(REACH.len() - 1);
        let p = self.charts.address(self.slots[slot].chart, &self.slots[slot].last().motion.states[0].p);
        let id = self.slots[slot].id;
        self.links[slot] = Link { id, address: p, reach, ..self.links[slot] };
        self.known[slot] = Known { until: until(&last, size), last, ..self.known[slot] };
        let [x, y, z] = p.map(|x| floor(x / SIDE[size]));
        let square = (numbered(size), x, y, z);
        if self.links[slot].square == square {
            return;
        }
        self.unlink(slot);
        let bucket = self.bucket(square);
        let first = self.buckets[bucket];
        self.lie[size] += 1;
        let link = &mut self.links[slot];
        (link.square, link.after) = (square, first);
        self.known[slot].before = NONE;
        if first != NONE {
            self.known[first as usize].before = numbered(slot);
        }
        self.buckets[bucket] = numbered(slot);
    }

    /// Time passes: all are found where they may be by now.
    pub(super) fn pass(&mut self, now: f64) {
        self.looked = now;
        for slot in 0..self.slots.len() {
            if self.links[slot].id != 0 && self.known[slot].until <= now {
                self.moved(slot, now);
            }
        }
    }

    /// Its chance to be there, what was said of it or when it was shown changed.
    pub(super) fn note_due(&mut self, slot: usize, settings: &Settings) {
        let body = &self.slots[slot];
        let known = &mut self.known[slot];
        (known.due, known.alone) = (body.due(settings), body.claims.alone());
    }

    /// Time passes: all are found where they may be by now. Slots of those that are due, oldest first, and how many of the
    /// others rest on their own word alone.
    pub(super) fn due(&mut self, now: f64, out: &mut Vec<usize>) -> usize {
        self.looked = now;
        out.clear();
        let mut alone = 0;
        for slot in 0..self.slots.len() {
            if self.links[slot].id == 0 {
                continue;
            }
            let known = &self.known[slot];
            if known.due <= now {
                out.push(slot);
            } else {
                alone += usize::from(known.alone);
                if known.until <= now {
                    self.moved(slot, now);
                } else {
                    self.links[slot].reach = reach(&known.last, now);
                }
            }
        }
        self.oldest_first(out);
        alone
    }

    /// Reads what is about to be needed of these. Nothing comes of that but that memory is asked for all of it at once: thousands
    /// are far away there, and one after the other each would be waited for by itself.
    pub(super) fn fetch(&self, slots: &[usize]) {
        let bits = slots.iter().fold(0, |bits, k| bits ^ self.slots[*k].touched());
        std::hint::black_box(bits);
    }

    /// Slots of those that were last known within `radius` of a place over ground, and some more; oldest first. They
    /// are in the place's chart afterwards.
    pub(super) fn known_within(&mut self, chart: Chart, p: &V3, radius: f64, out: &mut Vec<usize>) {
        let scene = chart == Chart::SCENE;
        self.find(chart, p, |_| radius, |_, _| if scene { radius + SLACK } else { radius }, out);
        for k in out.iter() {
            if self.slots[*k].chart != chart {
                self.bring(*k, chart);
            }
        }
    }

    /// Slots of those that may be within `radius` of a place over ground by now, and some more; oldest first. Where whoever
    /// asks knows better how far one may have come, that counts.
    pub(super) fn reaching(
        &mut self,
        chart: Chart,
        p: &V3,
        radius: f64,
        may_have_come: impl Fn(&Flown) -> f64,
        out: &mut Vec<usize>,
    ) {
        let looked = self.looked;
        let scene = chart == Chart::SCENE;
        let near = |link: &Link, known: &Known| {
            // In a scene whoever asks measures for itself what is left.
            if scene {
                radius + link.reach + SLACK
            } else {
                radius + reach(&known.last, looked).min(may_have_come(&known.last))
            }
        };
        self.find(chart, p, |size| radius + REACH[size], near, out);
    }

    /// Those in the squares within `radius`; of them, those that are as near as `near` says. Outside a scene that does not
    /// depend on how they were found.
    fn find(
        &mut self,
        chart: Chart,
        p: &V3,
        radius: impl Fn(usize) -> f64,
        near: impl Fn(&Link, &Known) -> f64,
        out: &mut Vec<usize>,
    ) {
        out.clear();
        if self.buckets.is_empty() {
            return;
        }
        let scene = chart == Chart::SCENE;
        let p = self.charts.address(chart, p);
        let mut chains = mem::take(&mut self.chains);
        chains.clear();
        let oblate = if scene { 1.0 } else { OBLATE.0 };
        let fits = |k: usize| self.links[k].within(&p, near(&self.links[k], &self.known[k]) * oblate);
        for (size, side) in SIDE.into_iter().enumerate().filter(|(size, _)| self.lie[*size] > 0) {
            let r = if scene { radius(size) } else { radius(size) * OBLATE.0 + OBLATE.1 };
            let up = if scene { 0.0 } else { r };
            let [x0, x1, y0, y1] = [p[0] - r, p[0] + r, p[1] - r, p[1] + r].map(|c| floor(c / side));
            let [z0, z1] = [p[2] - up, p[2] + up].map(|c| floor(c / side));
            let wide = |a: i32, b: i32| u64::from(b.abs_diff(a)) + 1;
            let squares = wide(x0, x1).saturating_mul(wide(y0, y1)).saturating_mul(wide(z0, z1));
            if squares > self.slots.len() as u64 {
                let inside = |(s, x, y, z): Square| {
                    s == numbered(size) && (x0..=x1).contains(&x) && (y0..=y1).contains(&y) && (z0..=z1).contains(&z)
                };
                let lies = |k: &usize| inside(self.links[*k].square) && fits(*k);
                out.extend((0..self.slots.len()).filter(lies));
                continue;
            }
            for z in z0..=z1 {
                for y in y0..=y1 {
                    for x in x0..=x1 {
                        let square = (numbered(size), x, y, z);
                        let first = self.buckets[self.bucket(square)];
                        if first != NONE {
                            chains.push((square, first));
                        }
                    }
                }
            }
        }
        // One of each chain after another, and not each chain to its end: what comes next in one is still far away in memory
        // while others are looked at.
        while !chains.is_empty() {
            chains.retain_mut(|(square, at)| {
                let link = &self.links[*at as usize];
                if link.square == *square && fits(*at as usize) {
                    out.push(*at as usize);
                }
                *at = link.after;
                *at != NONE
            });
        }
        self.chains = chains;
        self.oldest_first(out);
    }

    fn oldest_first(&self, out: &mut [usize]) {
        out.sort_unstable_by_key(|k| self.links[*k].id);
    }

    /// Those of squares beside one another along the first axis are beside one another, [`TOGETHER`] of them: whoever looks at
    /// one looks at these too, and memory gives them at once.
    fn bucket(&self, (size, x, y, z): Square) -> usize {
        let h = mixed([x.div_euclid(TOGETHER), y, z], size);
        let within = x.rem_euclid(TOGETHER).cast_unsigned() as usize;
        (h & (self.buckets.len() - 1) & !(TOGETHER as usize - 1)) | within
    }

    fn unlink(&mut self, slot: usize) {
        let Link { square, after, .. } = self.links[slot];
        if square == NOWHERE {
            return;
        }
        let before = self.known[slot].before;
        self.lie[square.0 as usize] -= 1;
        if before == NONE {
            let bucket = self.bucket(square);
            self.buckets[bucket] = after;
        } else {
            self.links[before as usize].after = after;
        }
        if after != NONE {
            self.known[after as usize].before = before;
        }
        self.links[slot].square = NOWHERE;
    }

    /// More buckets, for more things.
    fn widen(&mut self, now: f64) {
        let n = (4 * self.slots.len()).next_power_of_two().max(64);
        self.buckets.clear();
        self.buckets.resize(n, NONE);
        self.lie = [0; SIDE.len()];
        self.links.fill(Link::NOWHERE);
        self.known.fill(Known::NOTHING);
        for slot in 0..self.slots.len() {
            if self.slots[slot].id != 0 {
                self.moved(slot, now);
            }
        }
        self.free.near.resize(n / 16, NONE);
        self.gather();
    }
}

/// Which neighbourhood an address is in, of so many: squares or cubes of [`NEIGHBOURS_M`]. Some share a number, which does not
/// matter.
fn neighbourhood(address: &V3, of: usize) -> Option<usize> {
    (of > 0).then(|| mixed(address.map(|x| floor(x / NEIGHBOURS_M)), 0) & (of - 1))
}

/// Some numbers as one, well mixed.
fn mixed([x, y, z]: [i32; 3], size: u32) -> usize {
    let mix = u64::from(x.cast_unsigned()) | u64::from(y.cast_unsigned()) << 32;
    let mix = mix ^ u64::from(size) << 29 ^ u64::from(z.cast_unsigned()).rotate_left(43);
    // The upper half is the better mixed one.
    usize::try_from(mix.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).unwrap_or(0)
}

/// How far from where it was last known something may be by `now`, m. Late looks find it where it was up to some seconds
/// ago.
fn reach(last: &Flown, now: f64) -> f64 {
    let age = (now - last.t).max(0.0);
    FAST * (age + 9.0) + 5.0 * last.spread[0] + 100.0
}

/// When [`reach`] becomes more than that of squares of a size.
fn until(last: &Flown, size: usize) -> f64 {
    if size + 1 == REACH.len() {
        return f64::INFINITY;
    }
    last.t + (REACH[size] - 5.0 * last.spread[0] - 100.0) / FAST - 9.0
}

/// A slot, or a size of squares. There are never as many as a u32 counts.
fn numbered(slot: usize) -> u32 {
    u32::try_from(slot).unwrap_or(NONE)
}

/// The whole number below, held to what an i32 can be.
#[allow(clippy::cast_possible_truncation)] // saturating is what is meant
fn floor(x: f64) -> i32 {
    libm::floor(x) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sky::Settings;
    use proptest::prelude::*;

    proptest! {
        /// Wherever what was over lay, its room is used before there is more, and nobody's twice.
        #[test]
        fn room_of_what_is_over_is_used_again(steps in prop::collection::vec((any::<bool>(), -9..9i32, 0..64usize), 1..3_000)) {
            let settings = Settings::default();
            let mut bodies = Bodies::default();
            let (mut there, mut most, mut next, mut all) = (Vec::new(), 0, 1, Vec::new());
            for (begins, x, which) in steps {
                if begins || there.is_empty() {
                    let p = [f64::from(x) * 5_000.0, 0.0, 0.0];
                    let motion = Motion::of(Gauss::standing(p, [25.0, 0.0, 0.0, 25.0, 0.0, 25.0], 12.0, 4.0), &settings.flight);
                    let body = Body { id: next, chart: Chart::SCENE, ..Body::default() };
                    let slot = bodies.add(body, (Step::blank(0.0), &motion), 0.0);
                    there.push((next, slot));
                    next += 1;
                } else {
                    let (_, slot) = there.remove(which % there.len());
                    bodies.remove(slot);
                }
                most = most.max(there.len());
                bodies.all(&mut all);
                prop_assert_eq!(&all, &there.iter().map(|t| t.1).collect::<Vec<_>>());
                prop_assert_eq!(bodies.len(), there.len());
                prop_assert!(bodies.slots.len() <= most * 5 / 4 + 16, "{} for {most}", bodies.slots.len());
            }
        }
    }
}
