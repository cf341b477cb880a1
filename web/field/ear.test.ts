import { expect, test } from 'vitest';
import { Ear, WAKING_MS, type Gap } from './ear';

/** A page that looks twice a second at its clocks, beside a centre that beats every two. */
class World {
  wall = 1_790_000_000_000;
  mono = 50_000;
  centre = 1_790_000_000_900;
  ear = new Ear(this.at());
  gaps: Gap[] = [];
  at(): { wallMs: number; monoMs: number } {
    return { wallMs: this.wall, monoMs: this.mono };
  }
  pass(ms: number): void {
    this.wall += ms;
    this.mono += ms;
    this.centre += ms;
  }
  beat(): void {
    const gap = this.ear.hear(this.at(), this.centre);
    if (gap) this.gaps.push(gap);
  }
  /** Seconds of looking; `beats` says whether the centre is heard. */
  run(s: number, beats: boolean): number | null {
    let deafAfter: number | null = null;
    for (let k = 1; k <= s * 2; k += 1) {
      this.pass(500);
      if (beats && k % 4 === 0) this.beat();
      this.ear.tick(this.at());
      if (this.ear.deaf) deafAfter ??= k / 2;
    }
    return deafAfter;
  }
}
const heard = (): World => {
  const w = new World();
  w.beat();
  return w;
};

test('twenty seconds of silence are deafness, nineteen are not, and a beat ends it', () => {
  const w = heard();
  expect(w.run(60, true)).toBeNull();
  expect(w.run(19.5, false)).toBeNull();
  expect(w.run(5, false)).toBe(0.5);
  w.beat();
  expect(w.ear.deaf).toBe(false);
  expect(w.gaps).toHaveLength(1);
  expect(w.gaps[0]!.toMs - w.gaps[0]!.fromMs).toBe(24_500);
});

test('a page just opened cries after five seconds', () => {
  expect(new World().run(30, false)).toBe(5);
});

test('a clock that is set forward cries not and reports nothing, since the centre is heard at once', () => {
  const w = heard();
  w.wall += 3_600_000;
  expect(w.run(60, true)).toBeNull();
  expect(w.gaps).toEqual([]);
});

test('a clock that is set back hides no silence', () => {
  const w = heard();
  w.run(5, false);
  w.wall -= 86_400_000;
  expect(w.run(30, false)).toBe(15);
  w.wall += 500;
  w.beat();
  expect(w.gaps).toHaveLength(1);
});

test('a page that was frozen gets three seconds to hear, then cries', () => {
  const w = heard();
  w.pass(600_000); // frozen: no look in between
  w.ear.tick(w.at());
  expect(w.ear.deaf).toBe(false);
  expect(w.run(10, false)).toBe(WAKING_MS / 1_000);
});

test('a page that was frozen and hears at once says how long it was deaf, without crying', () => {
  const w = heard();
  w.pass(600_000);
  w.ear.tick(w.at());
  w.pass(400);
  w.beat();
  expect(w.ear.deaf).toBe(false);
  expect(w.gaps[0]!.toMs - w.gaps[0]!.fromMs).toBe(600_400);
});

test('a page that was frozen and gets all the beats of that time at once says how long it was deaf', () => {
  for (const sleeps of [true, false]) {
    const w = heard();
    const from = w.centre;
    w.wall += 24_000;
    w.centre += 24_000;
    w.mono += sleeps ? 0 : 24_000; // the running clock of some devices stands still
    w.ear.tick(w.at());
    for (let beat = from + 2_000; beat <= w.centre; beat += 2_000) {
      w.mono += 3;
      const gap = w.ear.hear(w.at(), beat);
      if (gap) w.gaps.push(gap);
      expect(w.ear.deaf).toBe(false);
    }
    expect(w.gaps).toHaveLength(1);
    expect(w.gaps[0]!.fromMs).toBe(from);
    expect(Math.abs(w.gaps[0]!.toMs - from - 24_000)).toBeLessThanOrEqual(4_000);
    expect(w.run(60, true)).toBeNull();
    expect(w.gaps).toHaveLength(1);
  }
});

test('a short sleep and the time awake after it do not add up to a gap', () => {
  const w = heard();
  w.pass(12_000);
  w.ear.tick(w.at());
  expect(w.run(60, true)).toBeNull();
  expect(w.gaps).toEqual([]);
});

test('a device whose running clock stands still in sleep notices all the same', () => {
  const w = heard();
  w.wall += 120_000;
  w.centre += 120_000;
  w.mono += 20;
  w.ear.tick(w.at());
  expect(w.run(10, false)).toBe(3);
  w.beat();
  expect(w.gaps).toHaveLength(1);
});

test('timers that run once a minute cry at the second look at the latest', () => {
  const w = heard();
  w.pass(60_000);
  w.ear.tick(w.at());
  w.pass(60_000);
  w.ear.tick(w.at());
  expect(w.ear.deaf).toBe(true);
});

test('bytes without the centre’s clock are heard, but end no gap', () => {
  const w = heard();
  w.run(30, false);
  expect(w.ear.hear(w.at(), null)).toBeNull();
  expect(w.ear.deaf).toBe(false);
  w.pass(100);
  w.beat();
  expect(w.gaps).toHaveLength(1);
});

test('a centre whose own clock is set makes no gap', () => {
  const w = heard();
  w.pass(2_000);
  w.centre += 3_600_000;
  w.beat();
  expect(w.gaps).toEqual([]);
});
