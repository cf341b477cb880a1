// What a reader chose for this device: palette, units, coordinates, sound. Kept in the browser, nothing else is.
import type { CoordinateFormat, Units } from '../shared/format';

export type Palette = 'night' | 'day' | 'red';

interface Kept {
  palette: Palette;
  units: Units;
  coordinates: CoordinateFormat;
  volume: number;
}
const KEY = 'skypicket.console';
const DEFAULTS: Kept = { palette: 'night', units: 'metric', coordinates: 'mgrs', volume: 0.6 };
export const PALETTES: [Palette, string][] = [['night', 'Night'], ['day', 'Day'], ['red', 'Red']];
export const UNITS: [Units, string][] = [['metric', 'Metres'], ['feet', 'Feet and miles']];
export const COORDINATES: [CoordinateFormat, string][] = [
  ['mgrs', 'MGRS'], ['decimal', 'Decimal degrees'], ['minutes', 'Degrees, minutes'], ['seconds', 'Degrees, minutes, seconds'],
];

function read(): Kept {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Kept>;
    const one = <T>(list: readonly (readonly [T, string])[], v: unknown, otherwise: T): T => list.find(([k]) => k === v)?.[0] ?? otherwise;
    const volume = kept.volume;
    return {
      palette: one(PALETTES, kept.palette, DEFAULTS.palette),
      units: one(UNITS, kept.units, DEFAULTS.units),
      coordinates: one(COORDINATES, kept.coordinates, DEFAULTS.coordinates),
      volume: typeof volume === 'number' && volume >= 0 && volume <= 1 ? volume : DEFAULTS.volume,
    };
  } catch {
    return { ...DEFAULTS };
  }
}

class Prefs {
  palette = $state<Palette>('night');
  units = $state<Units>('metric');
  coordinates = $state<CoordinateFormat>('mgrs');
  volume = $state(DEFAULTS.volume);

  constructor() {
    Object.assign(this, read());
  }
  /** Shows the palette and keeps what was chosen; call inside an effect. */
  apply(): void {
    document.documentElement.dataset['palette'] = this.palette;
    try {
      localStorage.setItem(KEY, JSON.stringify({ palette: this.palette, units: this.units, coordinates: this.coordinates, volume: this.volume }));
    } catch {
      // Private windows may refuse to keep anything: the choice then lasts as long as the page.
    }
  }
}
export const prefs = new Prefs();
