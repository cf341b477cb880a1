//! What people decide about things in the sky, whatever is measured: one is two, or two are one.

use super::Sky;

impl Sky {
    /// Another thing begins as one is thought to be at its newest moment, as surely, and fades as that does. None where
    /// there are as many things as there can be; this is counted.
    pub fn branch(&mut self, id: u64) -> Option<u64> {
        let from = &self.bodies[self.bodies.numbered(id)?];
        let (chart, r, waits) = (from.chart, from.r, from.waits.clone());
        let (t, motion) = (from.last().t, *from.last().motion);
        let k = self.begin(chart, t, &motion, None, r)?;
        self.bodies[k].waits = waits;
        Some(self.bodies[k].id)
    }

    /// Two are one, which is where `keep` is thought to be, however well the other is known: what of the other is left is
    /// that it was there.
    pub fn absorb(&mut self, keep: u64, lose: u64) {
        let (Some(k), Some(l)) = (self.bodies.numbered(keep), self.bodies.numbered(lose)) else { return };
        let now = self.now;
        let lost = self.bodies[l].existence(now);
        let waits = self.bodies[l].waits.clone();
        let body = &mut self.bodies[k];
        body.r = body.existence(now).max(lost);
        for w in waits {
            match body.waits.iter_mut().find(|own| own.kind == w.kind) {
                Some(own) if w.at > own.at => *own = w,
                Some(_) => {}
                None => body.waits.push(w),
            }
        }
        self.bodies.remove(l);
    }
}
