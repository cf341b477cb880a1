import { describe, expect, it } from 'vitest';
import { copied, days, daysOn, gaps, monday, overlaps, pruned, within } from '../office/rosters';
import type { Duty } from '../shared/types';

// Before any time is read: a zone whose clocks change.
process.env['TZ'] = 'America/Denver';
const at = (text: string): number => new Date(text).getTime();
const duty = (person: string, from: string, until: string): Duty => ({ person, from: new Date(from).toISOString(), until: new Date(until).toISOString() });

describe('weeks', () => {
  it('begin on Monday at local midnight, also for a Sunday, and have eight midnights', () => {
    expect(monday(at('2026-11-29T23:30'))).toBe(at('2026-11-23T00:00'));
    expect(monday(at('2026-11-23T00:00'))).toBe(at('2026-11-23T00:00'));
    expect(days(at('2026-11-23T00:00')).map((d) => new Date(d).getDate())).toEqual([23, 24, 25, 26, 27, 28, 29, 30]);
  });
  it('have a day of 23 hours in them when the clocks go forward', () => {
    const all = days(monday(at('2026-03-08T12:00')));
    expect((all[7]! - all[0]!) / 3_600_000).toBe(7 * 24 - 1);
  });
});

describe('gaps and overlaps', () => {
  const [start, end] = [at('2026-11-23T00:00'), at('2026-11-24T00:00')];
  it('finds where nobody is on duty, from the start to the end of the span', () => {
    const all = [duty('a', '2026-11-22T20:00', '2026-11-23T06:00'), duty('b', '2026-11-23T05:00', '2026-11-23T12:00'), duty('c', '2026-11-23T14:00', '2026-11-23T20:00')];
    expect(gaps(all, start, end)).toEqual([
      { from: at('2026-11-23T12:00'), until: at('2026-11-23T14:00') },
      { from: at('2026-11-23T20:00'), until: end },
    ]);
    expect(gaps([], start, end)).toEqual([{ from: start, until: end }]);
    expect(gaps([duty('a', '2026-11-20T00:00', '2026-11-30T00:00'), duty('b', '2026-11-23T01:00', '2026-11-23T02:00')], start, end)).toEqual([]);
  });
  it('finds who is on duty at the same time, and nothing where one begins as the other ends', () => {
    const all = [duty('a', '2026-11-23T00:00', '2026-11-23T08:00'), duty('b', '2026-11-23T07:00', '2026-11-23T15:00'), duty('c', '2026-11-23T15:00', '2026-11-23T23:00')];
    expect(overlaps(all, start, end)).toEqual([{ from: at('2026-11-23T07:00'), until: at('2026-11-23T08:00'), people: ['a', 'b'] }]);
  });
});

describe('copying the week before', () => {
  it('keeps the time on the wall over a change of clocks', () => {
    // Sunday 8 March 2026, 02:00: Denver goes to summer time.
    const week = monday(at('2026-03-09T12:00'));
    const [moved] = copied([duty('a', '2026-03-04T20:00', '2026-03-05T06:00')], week);
    expect(moved).toEqual(duty('a', '2026-03-11T20:00', '2026-03-12T06:00'));
    expect(Date.parse(moved!.from) - at('2026-03-04T20:00')).toBe(7 * 86_400_000 - 3_600_000);
    expect(daysOn(at('2026-03-04T20:00'), 7)).toBe(at('2026-03-11T20:00'));
  });
  it('takes what begins in that week, and nothing twice', () => {
    const week = monday(at('2026-11-23T00:00'));
    const last = duty('a', '2026-11-17T20:00', '2026-11-18T06:00');
    const overEnd = duty('b', '2026-11-15T20:00', '2026-11-16T06:00');
    const there = duty('a', '2026-11-24T20:00', '2026-11-25T06:00');
    expect(copied([overEnd, last], week)).toEqual([there]);
    expect(copied([last, there], week)).toEqual([]);
  });
});

it('what ended half a year ago makes room', () => {
  const all = [duty('a', '2026-01-01T00:00', '2026-01-02T00:00'), duty('b', '2026-11-01T00:00', '2026-11-02T00:00')];
  expect(pruned(all, at('2026-11-23T00:00')).map((d) => d.person)).toEqual(['b']);
  expect(within(all, at('2026-11-01T12:00'), at('2026-11-01T13:00')).length).toBe(1);
});
