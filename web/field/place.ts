// A person's position: the newest fix of the phone, or what was typed where the phone gives none.
import { parsePlace } from '../shared/format';
import { toMgrs } from '../shared/mgrs';
import type { Place } from '../shared/types';

/** Where somebody is, how surely and since when. */
export interface Fix {
  at: Place;
  /** One sigma, metres. */
  accuracy_m: number;
  /** Device clock, Unix milliseconds. */
  atMs: number;
  /** Typed by the person: it does not move with them. */
  byHand: boolean;
}

/** A typed position: MGRS, or latitude and longitude in degrees, with minutes or seconds or without. */
export function readPlace(text: string): Omit<Fix, 'atMs'> | null {
  // Spanish writes O for west; MGRS knows no letter O, so nothing is lost.
  const plain = text.trim().toUpperCase().replaceAll('O', 'W');
  const at = parsePlace(plain);
  return at && { at: { ...at, alt_hae_m: null }, accuracy_m: typedAccuracy(plain), byHand: true };
}

/** As sure as the digits typed: half of the square, or half of the last digit of the coarser number (111 km a degree). */
function typedAccuracy(text: string): number {
  const grid = /^\d{1,2}[A-Z]{3}(\d*)$/.exec(text.replace(/\s+/g, ''));
  if (grid) return clamp(10 ** (5 - grid[1]!.length / 2) / 2);
  const numbers = text.match(/\d+(?:\.\d+)?/g) ?? [];
  const decimals = Math.min(...numbers.filter((_, k) => (k + 1) % (numbers.length / 2) === 0).map((n) => n.split('.')[1]?.length ?? 0));
  const unit = { 4: 111_000 / 60, 6: 111_000 / 3_600 }[numbers.length] ?? 111_000;
  return clamp((unit * 10 ** -decimals) / 2);
}

/** Nobody knows their own place better than 10 m from a map; the centre takes at most 50 km. */
const clamp = (m: number): number => Math.min(50_000, Math.max(10, m));

/** MGRS with spaces ("13R CR 59571 15434"), no finer than the position is; empty near the poles. */
export function mgrsOf(at: { lat_deg: number; lon_deg: number }, accuracyM = 1): string {
  const [zone, square, east = '', north = ''] = toMgrs(at.lat_deg, at.lon_deg)?.split(' ') ?? [];
  if (zone === undefined) return '';
  const digits = Math.max(1, Math.min(5, 5 - Math.floor(Math.log10(Math.max(1, accuracyM)))));
  return `${zone} ${square} ${east.slice(0, digits)} ${north.slice(0, digits)}`;
}

/** A browser's fix. Height is kept only where it is above the ellipsoid: Apple's devices give it above the sea. */
export function fixOf(position: GeolocationPosition, apple: boolean): Fix {
  const c = position.coords;
  const height = apple || c.altitude === null || !Number.isFinite(c.altitude) || Math.abs(c.altitude) > 100_000 ? null : c.altitude;
  return {
    at: { lat_deg: c.latitude, lon_deg: c.longitude, alt_hae_m: height },
    // W3C says 95 %; phones mostly give 68 %. Taken as one sigma: never too sure.
    accuracy_m: Math.min(50_000, Math.max(1, c.accuracy)),
    atMs: position.timestamp,
    byHand: false,
  };
}
