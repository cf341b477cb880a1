import { describe, expect, test } from 'vitest';
import { BUZZ, due, PULSES, type Asking, type Sound, type Sounded } from './sounds';

/** Plays so many seconds, one look each 500 ms; gives [second, sound]. */
function play(seconds: number, asking: (s: number) => Asking[], quietUntilMs = 0): [number, Sound][] {
  let sounded: Sounded = {};
  const heard: [number, Sound][] = [];
  for (let ms = 0; ms <= seconds * 1_000; ms += 500) {
    const now = due(asking(ms / 1_000), sounded, ms, quietUntilMs);
    sounded = now.sounded;
    if (now.sound) heard.push([ms / 1_000, now.sound]);
  }
  return heard;
}
const urgent: Asking = { key: 'a/1', sound: 'urgent' };
const caution: Asking = { key: 'b/1', sound: 'caution' };
const advisory: Asking = { key: 'c/1', sound: 'advisory' };
const silent: Asking = { key: 'unheard', sound: 'unheard' };

describe('alarms', () => {
  test('urgent repeats every 10 s, caution every 25 s, advisory once, until acknowledged', () => {
    expect(play(30, () => [urgent]).map(([s]) => s)).toEqual([0, 10, 20, 30]);
    expect(play(60, () => [caution]).map(([s]) => s)).toEqual([0, 25, 50]);
    expect(play(60, () => [advisory]).map(([s]) => s)).toEqual([0]);
    expect(play(60, (s) => (s < 15 ? [urgent] : [])).map(([s]) => s)).toEqual([0, 10]);
  });

  test('a higher version sounds at once', () => {
    expect(play(12, (s) => [s < 3 ? caution : { key: 'b/2', sound: 'urgent' }])).toEqual([[0, 'caution'], [3, 'urgent']]);
  });

  test('only one pattern sounds at a time, the gravest', () => {
    expect(play(5, () => [advisory, caution, silent, urgent])).toEqual([[0, 'urgent']]);
  });

  test('silence of the centre repeats every 30 s and can be quietened, a warning not', () => {
    expect(play(60, () => [silent]).map(([s]) => s)).toEqual([0, 30, 60]);
    expect(play(60, () => [silent, urgent], 50_000).filter(([, s]) => s === 'unheard')).toEqual([]);
    expect(play(12, () => [silent, urgent], 50_000).map(([s]) => s)).toEqual([0, 10]);
    expect(play(60, () => [silent], 40_000).map(([s]) => s)).toEqual([40]);
  });

  test('a correction sounds once and is not repeated', () => {
    expect(play(120, () => [{ ...urgent, once: true }])).toEqual([[0, 'urgent']]);
  });

  test('a clock set back does not silence', () => {
    const first = due([urgent], {}, 1_000_000);
    expect(due([urgent], first.sounded, 10_000).sound).toBe('urgent');
  });
});

test('each pattern is its own for the ear and for the hand', () => {
  const shape = (s: Sound): string => PULSES[s].map((p) => `${p.at}/${p.for}`).join(' ');
  const all: Sound[] = ['urgent', 'caution', 'advisory', 'unheard'];
  expect(new Set(all.map(shape)).size).toBe(4);
  expect(new Set(all.map((s) => BUZZ[s].join())).size).toBe(4);
  expect(PULSES.urgent.length).toBe(10);
});
