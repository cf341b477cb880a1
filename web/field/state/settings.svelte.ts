// What the person chose for this phone: language, light, units. Kept in the browser; lost choices cost nothing.
import type { Units } from '../../shared/format';
import { languageOf, translator, type Translate } from '../../shared/i18n';
import type { Language } from '../../shared/types';

export type Palette = 'night' | 'day' | 'red';

/** Reads a kept text; a browser that keeps nothing gives null. */
export function kept(key: string): string | null {
  try {
    return localStorage.getItem(`skypicket-field.${key}`);
  } catch {
    return null;
  }
}

/** Keeps a text where the browser lets it; null forgets it. */
export function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`skypicket-field.${key}`);
    else localStorage.setItem(`skypicket-field.${key}`, value);
  } catch {
    // Storage is full or forbidden: the choice lasts as long as the page.
  }
}

const oneOf = <T extends string>(value: string | null, of: readonly T[]): T | null => of.find((x) => x === value) ?? null;

class Settings {
  language = $state<Language>(oneOf(kept('language'), ['en', 'es']) ?? languageOf(navigator.languages));
  palette = $state<Palette>(oneOf(kept('palette'), ['night', 'day', 'red']) ?? 'night');
  units = $state<Units>(oneOf(kept('units'), ['metric', 'feet']) ?? 'metric');
  /** The person keeps the screen on themself. */
  screenByHand = $state(kept('screen') === 'by hand');
  readonly t: Translate = $derived(translator(this.language));

  /** The person's own language, from the centre, unless they chose another on this phone. */
  prefer(language: Language): void {
    if (kept('language') === null) this.language = language;
  }
  setLanguage(language: Language): void {
    this.language = language;
    keep('language', language);
  }
  setPalette(palette: Palette): void {
    this.palette = palette;
    keep('palette', palette);
  }
  setScreenByHand(on: boolean): void {
    this.screenByHand = on;
    keep('screen', on ? 'by hand' : null);
  }
  setUnits(units: Units): void {
    this.units = units;
    keep('units', units);
  }
}

export const settings = new Settings();
