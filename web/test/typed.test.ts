import { beforeEach, expect, test } from 'vitest';
import { forgetOld, forgetReport, forgetTyped, STAYS_MS, TYPED, typedReports } from '../shared/typed';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const ONE = '018f3c00-0000-8000-8000-000000000900';
const TWO = '018f3c00-0000-8000-8000-000000000901';
let held: Map<string, string>;
let store: Storage;
beforeEach(() => {
  held = new Map();
  store = {
    get length() { return held.size; }, key: (k: number) => [...held.keys()][k] ?? null, getItem: (k: string) => held.get(k) ?? null,
    setItem: (k: string, v: string) => void held.set(k, v), removeItem: (k: string) => void held.delete(k), clear: () => held.clear(),
  };
});
const put = (key: string, what: unknown): void => void held.set(key, typeof what === 'string' ? what : JSON.stringify(what));
const left = (): string[] => [...held.keys()].map((k) => k.replace(TYPED, '')).sort();

test('what nobody wrote at for a day goes, what cannot be read, and what was typed of a report whose time is over', () => {
  put(`${TYPED}ana.new`, { at: NOW - STAYS_MS, read: { purge_by: '2027-01-01T00:00:00Z' } });
  put(`${TYPED}ana.correction.${ONE}`, { at: NOW });
  put(`${TYPED}ana.${ONE}`, { at: NOW - STAYS_MS - 1, read: null });
  put(`${TYPED}ana.${TWO}`, { at: NOW, read: { purge_by: '2026-11-27T12:00:00Z' } });
  put(`${TYPED}ana.x`, '{');
  put(`${TYPED}ana.y`, { typed: {} });
  put('another', '{');
  forgetOld(store, NOW);
  expect(left()).toEqual(['ana.correction.018f3c00-0000-8000-8000-000000000900', 'ana.new', 'another']);
});

test('the reports of which somebody typed something are known by it, and go one by one', () => {
  for (const k of ['ana.new', `ana.correction.${ONE}`, `ana.${ONE}`, `ana.${TWO}`, `an.${ONE}`, `ana.b.${ONE}`]) put(`${TYPED}${k}`, {});
  expect(typedReports(store, 'ana')).toEqual([ONE, TWO]);
  expect(typedReports(store, 'ana.b')).toEqual([ONE]);
  forgetReport(store, TWO);
  expect(typedReports(store, 'ana')).toEqual([ONE]);
  forgetTyped(store, 'an');
  expect(left()).toEqual([`an.${ONE}`]);
});
