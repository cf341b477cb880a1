import { expect, test } from 'vitest';
import { translator } from '../shared/i18n';
import { ago, lasting, moment, rangeWords, span, timeLeft, utc } from './words';

test('range classes are said in the reader’s units', () => {
  const t = translator('en');
  expect(rangeWords('to300', 'metric', t)).toBe('100 m to 300 m');
  expect(rangeWords('farther', 'feet', t)).toBe('farther than 3300 ft');
  expect(rangeWords('unknown', 'metric', translator('es'))).toBe('distancia sin indicar');
});

test('spans are seconds below two minutes and never negative', () => {
  expect(span(-5_000)).toEqual({ n: 0, unit: 's' });
  expect([119_000, 120_000, 7_200_000].map(lasting)).toEqual(['119 s', '2 min', '2 h']);
  expect(ago(3_200, translator('es'))).toBe('hace 3 s');
  expect([0, 12.9, 119.9, 120, 299].map(timeLeft)).toEqual(['0 s', '12 s', '119 s', '2 min', '4 min']);
});

test('moments are in UTC first, with local time beside', () => {
  expect(utc('2026-11-23T12:03:10.9Z')).toBe('12:03:10Z');
  expect(moment('2026-11-23T12:03:10Z', translator('en'))).toMatch(/^12:03:10Z \/ \d\d:\d\d:10 local$/);
});
