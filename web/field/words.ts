// Numbers and times as words in the reader's language; what reads the same in every language is in shared/format.ts.
import type { Units } from '../shared/format';
import type { Fill, Key, Translate } from '../shared/i18n';
import type { RangeClass } from '../shared/types';

/** The limits of a range class, in round numbers of the reader's units. */
const LIMITS: Record<Units, { a: string; b: string; c: string }> = {
  metric: { a: '100 m', b: '300 m', c: '1000 m' },
  feet: { a: '330 ft', b: '1000 ft', c: '3300 ft' },
};

/** A range class in words: "100 m to 300 m". */
export function rangeWords(range: RangeClass, units: Units, t: Translate): string {
  const { a, b, c } = LIMITS[units];
  const fill: Fill = { under100: { a }, to300: { a, b }, to1000: { a: b, b: c }, farther: { a: c }, unknown: {} }[range];
  return t(`range.${range}`, fill);
}

/** No-break space. */
const NB = '\u00a0';

/** A range class on a small button, in one or two short lines. */
export function rangeShort(range: RangeClass, units: Units, t: Translate): string {
  const [a, b, c, unit] = units === 'metric' ? ['100', '300', '1000', 'm'] : ['330', '1000', '3300', 'ft'];
  return {
    under100: `< ${a}${NB}${unit}`,
    to300: `${a}– ${b}${NB}${unit}`,
    to1000: `${b}– ${c}${NB}${unit}`,
    farther: units === 'metric' ? `> 1${NB}km` : `> ${c}${NB}${unit}`,
    unknown: t('report.range_short_unknown'),
  }[range];
}

/** A span of time: seconds below two minutes, then minutes, then hours. Never negative. */
export function span(ms: number): { n: number; unit: 's' | 'min' | 'h' } {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 120) return { n: s, unit: 's' };
  if (s < 7_200) return { n: Math.floor(s / 60), unit: 'min' };
  return { n: Math.floor(s / 3_600), unit: 'h' };
}

/** "3 s ago". */
export function ago(ms: number, t: Translate): string {
  const { n, unit } = span(ms);
  return t(`time.ago_${unit}` as Key, { n });
}

/** "25 s". */
export function lasting(ms: number): string {
  const { n, unit } = span(ms);
  return `${n} ${unit}`;
}

/** Time left: "12 s", "4 min". */
export function timeLeft(s: number): string {
  return s < 120 ? `${Math.max(0, Math.floor(s))} s` : `${Math.floor(s / 60)} min`;
}

/** A moment in UTC: "12:03:10Z". */
export function utc(time: string | number): string {
  return `${new Date(time).toISOString().slice(11, 19)}Z`;
}

/** A moment in UTC and in the phone's own time: "12:03:10Z / 06:03:10 local". */
export function moment(time: string | number, t: Translate): string {
  const d = new Date(time);
  const local = [d.getHours(), d.getMinutes(), d.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');
  return `${utc(time)} / ${local} ${t('word.local')}`;
}
