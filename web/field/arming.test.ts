import { expect, test } from 'vitest';
import { missing, unheard, type ArmingFacts } from './arming';

const ready: ArmingFacts = {
  nowMs: 1_000_000,
  soundOn: true,
  positionAllowed: true,
  fix: { at: { lat_deg: 1, lon_deg: 2, alt_hae_m: null }, accuracy_m: 8, atMs: 999_000, byHand: false },
  positionSentMs: 998_000,
  heardMs: 999_000,
  listeningMs: 900_000,
};

test('armed only when nothing is missing', () => {
  expect(missing(ready)).toEqual([]);
  expect(missing({ ...ready, soundOn: false })).toEqual(['sound']);
  expect(missing({ ...ready, positionAllowed: false })).toEqual(['position']);
  expect(missing({ ...ready, fix: null })).toEqual(['position']);
  expect(missing({ ...ready, positionSentMs: null })).toEqual(['sent']);
  expect(missing({ ...ready, positionSentMs: 930_000 })).toEqual(['sent']);
  expect(missing({ ...ready, heardMs: null, soundOn: false })).toEqual(['heard', 'sound']);
});

test('a position typed by hand arms without permission', () => {
  expect(missing({ ...ready, positionAllowed: false, fix: { ...ready.fix!, byHand: true } })).toEqual([]);
});

test('twenty seconds of silence are unheard, nineteen are not', () => {
  expect(unheard({ nowMs: 20_000, heardMs: 0, listeningMs: 0 })).toBe(true);
  expect(unheard({ nowMs: 19_999, heardMs: 0, listeningMs: 0 })).toBe(false);
});

test('a page just opened is not armed, but cries only after five seconds', () => {
  const opened = { ...ready, heardMs: null, listeningMs: ready.nowMs - 4_000 };
  expect(missing(opened)).toEqual(['heard']);
  expect(unheard(opened)).toBe(false);
  expect(unheard({ ...opened, nowMs: opened.nowMs + 1_000 })).toBe(true);
});
