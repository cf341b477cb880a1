import { expect, test } from 'vitest';
import { languageOf, TEXTS, translator, type Key } from './index';

const keys = Object.keys(TEXTS.en) as Key[];
const holes = (text: string): string[] => [...text.matchAll(/\{([a-z]+)\}/g)].map((m) => m[1]!).sort();

test('every language has every text, with the same holes to fill', () => {
  expect(Object.keys(TEXTS.es).sort()).toEqual([...keys].sort());
  for (const key of keys) {
    expect(TEXTS.es[key].trim(), key).not.toBe('');
    expect(TEXTS.en[key].trim(), key).not.toBe('');
    expect(holes(TEXTS.es[key]), key).toEqual(holes(TEXTS.en[key]));
  }
});

test('Spanish texts are Spanish', () => {
  // The same word or sign in both, on purpose.
  const same = new Set<Key>([
    'language.en', 'language.es', 'compass.n', 'compass.ne', 'compass.e', 'compass.se', 'compass.s', 'word.no',
    'report.bearing_error', 'sent.undo_left', 'lead.report', 'warn.announce', 'grade.5',
  ]);
  for (const key of keys) if (!same.has(key)) expect(TEXTS.es[key], key).not.toBe(TEXTS.en[key]);
});

test('texts are filled, and what is missing stays visible', () => {
  expect(translator('en')('warn.escalated', { name: 'Agent 3' })).toBe('Agent 3 has not acknowledged');
  expect(translator('es')('warn.escalated', { name: 'Agente 3' })).toBe('Agente 3 no ha confirmado');
  expect(translator('en')('warn.escalated')).toBe('{name} has not acknowledged');
});

test('a language is chosen from what the browser prefers', () => {
  expect(languageOf(['fr-CA', 'es-MX', 'en'])).toBe('es');
  expect(languageOf(['de'])).toBe('en');
});
