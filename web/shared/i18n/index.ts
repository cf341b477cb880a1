// Texts by language: `translator('es')('report.button')`. Keys are typed, and every language has every key.
import type { Language } from '../types';
import { en, type Key } from './en';
import { es } from './es';

export type { Key };

/** What may be filled into a text. */
export type Fill = Record<string, string | number>;

/** Gives a text in one language. */
export type Translate = (key: Key, fill?: Fill) => string;

/** The tables, by language. */
export const TEXTS: Record<Language, Record<Key, string>> = { en, es };

/** The texts of one language; what a text asks for and is not given stays visible as `{name}`. */
export function translator(language: Language): Translate {
  const texts = TEXTS[language];
  return (key, fill = {}) =>
    texts[key].replace(/\{([a-z]+)\}/g, (whole, name: string) => (name in fill ? String(fill[name]) : whole));
}

/** The first of the languages that texts are written in, from what a browser prefers; English otherwise. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const base = tag.toLowerCase().split('-')[0];
    if (base === 'es' || base === 'en') return base;
  }
  return 'en';
}
