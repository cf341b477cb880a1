// Duty rosters by week: which duties stand in it, where nobody is on duty, who is on duty twice, and the week before
// copied by the clock on the wall. Pure; times in milliseconds, weeks from Monday in local time.
import type { Duty } from '../shared/types';

const DAY_MS = 86_400_000;

/** Midnight of the Monday at or before `ms`, local time, and so many weeks on. */
export function monday(ms: number, weeks = 0): number {
  const d = new Date(ms);
  return new Date(d.getFullYear(), d.getMonth(), d.getDate() - ((d.getDay() + 6) % 7) + 7 * weeks).getTime();
}

/** Midnights of a week and the one that ends it: eight of them, each a calendar day apart. */
export function days(week: number): number[] {
  const d = new Date(week);
  return Array.from({ length: 8 }, (_, k) => new Date(d.getFullYear(), d.getMonth(), d.getDate() + k).getTime());
}

export const from = (d: Duty): number => Date.parse(d.from);
export const until = (d: Duty): number => Date.parse(d.until);

/** Duties that touch a span, in order of their start. */
export function within(duties: readonly Duty[], start: number, end: number): Duty[] {
  return duties.filter((d) => from(d) < end && until(d) > start).sort((a, b) => from(a) - from(b) || until(a) - until(b) || a.person.localeCompare(b.person));
}

export interface Span {
  from: number;
  until: number;
}

/** Where in a span nobody is on duty. */
export function gaps(duties: readonly Duty[], start: number, end: number): Span[] {
  const out: Span[] = [];
  let covered = start;
  for (const d of within(duties, start, end)) {
    if (from(d) > covered) out.push({ from: covered, until: from(d) });
    covered = Math.max(covered, until(d));
  }
  if (covered < end) out.push({ from: covered, until: end });
  return out;
}

export interface Overlap extends Span {
  /** The two of them; the same one twice is a mistake. */
  people: [string, string];
}

/** Where in a span two are on duty at the same time. */
export function overlaps(duties: readonly Duty[], start: number, end: number): Overlap[] {
  const out: Overlap[] = [];
  const all = within(duties, start, end);
  for (const [k, a] of all.entries()) {
    for (const b of all.slice(k + 1)) {
      if (from(b) >= until(a)) break;
      out.push({ from: Math.max(from(b), start), until: Math.min(until(a), until(b), end), people: [a.person, b.person] });
    }
  }
  return out;
}

/** The same time of the day so many days on, by the clock on the wall. */
export function daysOn(ms: number, n: number): number {
  const d = new Date(ms);
  return new Date(d.getFullYear(), d.getMonth(), d.getDate() + n, d.getHours(), d.getMinutes(), d.getSeconds(), d.getMilliseconds()).getTime();
}

/** The duties that begin in the week before, moved into this one; those that stand there already are not doubled. */
export function copied(duties: readonly Duty[], week: number): Duty[] {
  const last = monday(week, -1);
  const moved = within(duties, last, week).filter((d) => from(d) >= last).map((d) => ({
    person: d.person, from: new Date(daysOn(from(d), 7)).toISOString(), until: new Date(daysOn(until(d), 7)).toISOString(),
  }));
  const there = (m: Duty): boolean => duties.some((d) => d.person === m.person && from(d) === from(m) && until(d) === until(m));
  return moved.filter((m) => !there(m));
}

/** A day's part of a duty is shown on each day that it touches. */
export const touches = (d: Duty, day: number, next: number): boolean => from(d) < next && until(d) > day;

/** For an input of local date and time. */
export function toInput(ms: number): string {
  const d = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;
}

/** Duties that ended long ago make room for new ones; the record keeps them. */
export function pruned(duties: readonly Duty[], now: number): Duty[] {
  return duties.filter((d) => until(d) > now - 180 * DAY_MS);
}
