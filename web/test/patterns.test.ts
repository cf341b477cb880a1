import { describe, expect, test } from 'vitest';
import { EXERCISE, EXERCISE_SIGN, LIVE, patternOf, tonesOf } from '../console/patterns';
import type { Level } from '../shared/types';

const LEVELS: Level[] = ['urgent', 'caution', 'advisory'];
const end = (level: Level, exercise: boolean): number => Math.max(...patternOf(level, exercise).pulses.map((u) => u.at + u.length));

describe('alarm sounds', () => {
  test('five pulses doubled, three, two; each slower, lower and rarer than the one above it', () => {
    expect(LEVELS.map((l) => LIVE[l].pulses.length)).toEqual([10, 3, 2]);
    expect(LEVELS.map((l) => LIVE[l].every)).toEqual([10, 25, 30]);
    const pitches = LEVELS.map((l) => LIVE[l].pulses[0]!.pitch);
    expect(pitches).toEqual([...pitches].sort((a, b) => b - a));
    // IEC 60601-1-8: the ground tone within 150 to 1,000 Hz, the second burst a repeat of the first.
    for (const p of pitches) expect(p > 150 && p < 1_000).toBe(true);
    const starts = LIVE.urgent.pulses.map((u) => u.at);
    expect(starts.slice(5).map((s) => Number((s - starts[5]!).toFixed(3)))).toEqual(starts.slice(0, 5));
  });
  test('an exercise shares no tone with live, says what it is first, and ends before it repeats', () => {
    const live = new Set(LEVELS.flatMap((l) => tonesOf(LIVE[l])));
    for (const l of LEVELS) {
      expect(tonesOf(EXERCISE[l]).filter((t) => live.has(t))).toEqual([]);
      expect(EXERCISE[l].pulses.slice(0, EXERCISE_SIGN.length)).toEqual(EXERCISE_SIGN);
      for (const exercise of [true, false]) expect(end(l, exercise)).toBeLessThan(patternOf(l, exercise).every);
    }
  });
  test('pulses come in order and do not run into one another', () => {
    for (const l of LEVELS) for (const exercise of [true, false]) {
      const { pulses } = patternOf(l, exercise);
      pulses.slice(1).forEach((u, k) => expect(u.at).toBeGreaterThanOrEqual(pulses[k]!.at + pulses[k]!.length));
    }
  });
});
