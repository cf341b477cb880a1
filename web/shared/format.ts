// How numbers, times and places read, on both faces. No number without its unit; what is unknown says so.
import { fromMgrs, toMgrs } from './mgrs';
import type { LatLon, Time } from './types';

export type Units = 'metric' | 'feet';
export type CoordinateFormat = 'mgrs' | 'decimal' | 'minutes' | 'seconds';

const FOOT_M = 0.3048;
const MILE_M = 1609.344;

/** Rounded to two significant figures, without exponent; thousands get a thin comma. */
function twoFigures(v: number): string {
  if (v === 0) return '0';
  const digits = Math.floor(Math.log10(Math.abs(v)));
  const step = 10 ** (digits - 1);
  const rounded = Math.round(v / step) * step;
  return rounded.toLocaleString('en-US', { maximumFractionDigits: Math.max(0, 1 - Math.floor(Math.log10(Math.abs(rounded)))) });
}

/** A true bearing in three digits: "045°". */
export function bearing(deg: number): string {
  if (!Number.isFinite(deg)) return 'bearing unknown';
  const whole = ((Math.round(deg) % 360) + 360) % 360;
  return `${String(whole).padStart(3, '0')}°`;
}

const WINDS = ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'];
/** The nearest of eight winds: "NE". */
export function wind(deg: number): string {
  return WINDS[((Math.round(deg / 45) % 8) + 8) % 8]!;
}

/** A distance to two significant figures: "350 m", "1.2 km"; "1,100 ft", "0.75 mi". */
export function distance(m: number, units: Units = 'metric'): string {
  if (!Number.isFinite(m) || m < 0) return 'distance unknown';
  if (units === 'feet') {
    const ft = m / FOOT_M;
    return ft < 2_000 ? `${ft < 10 ? Math.round(ft) : twoFigures(ft)} ft` : `${twoFigures(m / MILE_M)} mi`;
  }
  // 995 m and more would round to "1,000 m".
  return m < 995 ? `${m < 10 ? Math.round(m) : twoFigures(m)} m` : `${fixedKm(m / 1000)} km`;
}

/** Two significant figures that keep their zero: "1.0", "1.2", "12", "120". */
function fixedKm(km: number): string {
  return km < 9.95 ? km.toFixed(1) : twoFigures(km);
}

/** A height: whole metres or feet, with the reference that it is measured from. */
export function height(m: number, units: Units = 'metric'): string {
  return units === 'feet' ? `${Math.round(m / FOOT_M).toLocaleString('en-US')} ft` : `${Math.round(m).toLocaleString('en-US')} m`;
}

export function speed(mps: number, units: Units = 'metric'): string {
  if (!Number.isFinite(mps)) return 'speed unknown';
  return units === 'feet' ? `${Math.round((mps * 3600) / MILE_M)} mph` : `${mps < 10 ? mps.toFixed(1) : Math.round(mps)} m/s`;
}

/** Time left: seconds below two minutes, else minutes, else hours; 0 is "now". */
export function timeLeft(s: number): string {
  if (!Number.isFinite(s)) return 'not reachable';
  if (s <= 0) return 'now';
  if (s < 120) return `${Math.max(1, Math.floor(s))} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
}

/** How long ago: "3 s ago"; never negative (clocks differ a little). */
export function ago(s: number): string {
  if (!Number.isFinite(s)) return 'never';
  if (s < 1) return 'just now';
  if (s < 120) return `${Math.floor(s)} s ago`;
  if (s < 7_200) return `${Math.floor(s / 60)} min ago`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} days ago`;
}

/** A probability in whole percent, with the ends kept apart from certainty. */
export function percent(p: number): string {
  if (!Number.isFinite(p)) return 'unknown';
  if (p > 0 && p < 0.01) return 'under 1 %';
  if (p < 1 && p > 0.99) return 'over 99 %';
  return `${Math.round(p * 100)} %`;
}

const two = (v: number): string => String(v).padStart(2, '0');

/** "06:14:05 UTC". */
export function utc(t: Time | number | Date): string {
  const d = new Date(t);
  if (Number.isNaN(d.getTime())) return 'time unknown';
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} UTC`;
}

/** "23:14:05 MST": the reader's own zone, named. */
export function local(t: Time | number | Date, timeZone?: string): string {
  const d = new Date(t);
  if (Number.isNaN(d.getTime())) return 'time unknown';
  return new Intl.DateTimeFormat('en-US', {
    hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'short', ...(timeZone ? { timeZone } : {}),
  }).format(d);
}

/** "2026-11-23 06:14:05 UTC (23:14:05 MST)": the absolute time behind every relative one. */
export function absolute(t: Time | number | Date, timeZone?: string): string {
  const d = new Date(t);
  if (Number.isNaN(d.getTime())) return 'time unknown';
  return `${d.toISOString().slice(0, 10)} ${utc(d)} (${local(d, timeZone)})`;
}

/** Seconds from `t` to `now` (ms). */
export function since(t: Time, nowMs: number): number {
  return (nowMs - Date.parse(t)) / 1000;
}

/** Degrees split so that rounding carries: 59.9996' never prints as 60.000'. */
function split(value: number, parts: number[]): number[] {
  const per = parts.reduce((a, b) => a * b, 1);
  let units = Math.round(Math.abs(value) * per);
  const out: number[] = [];
  let scale = per;
  for (const p of parts) {
    out.push(Math.floor(units / scale));
    units %= scale;
    scale /= p;
  }
  out.push(Math.floor(units / scale));
  return out;
}

/** A place in the chosen form; MGRS gives way to decimal degrees near the poles. */
export function place(p: LatLon, format: CoordinateFormat = 'mgrs'): string {
  const { lat_deg: lat, lon_deg: lon } = p;
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) return 'place unknown';
  const ns = lat < 0 ? 'S' : 'N';
  const ew = lon < 0 ? 'W' : 'E';
  if (format === 'mgrs') {
    const grid = toMgrs(lat, lon);
    if (grid !== null) return grid;
  }
  if (format === 'minutes') {
    const one = (v: number): string => {
      const [d, thousandths] = split(v, [60_000]) as [number, number];
      return `${d}° ${(thousandths / 1000).toFixed(3).padStart(6, '0')}′`;
    };
    return `${one(lat)} ${ns}, ${one(lon)} ${ew}`;
  }
  if (format === 'seconds') {
    const one = (v: number): string => {
      const [d, m, tenths] = split(v, [60, 600]) as [number, number, number];
      return `${d}° ${two(m)}′ ${(tenths / 10).toFixed(1).padStart(4, '0')}″`;
    };
    return `${one(lat)} ${ns}, ${one(lon)} ${ew}`;
  }
  return `${Math.abs(lat).toFixed(5)}° ${ns}, ${Math.abs(lon).toFixed(5)}° ${ew}`;
}

/** Reads a typed place: MGRS, decimal degrees, degrees-minutes or degrees-minutes-seconds; null when it is none. */
export function parsePlace(text: string): LatLon | null {
  const grid = fromMgrs(text);
  if (grid) return grid;
  const parts = text.trim().toUpperCase().replace(/[°′″'"’”,;]+/g, ' ').match(/[NSEW]|[+-]?\d+(?:\.\d+)?/g);
  if (!parts || /[^\sNSEW\d.+\-°′″'"’”,;]/.test(text.toUpperCase())) return null;
  const values: { numbers: number[]; wind: string | null }[] = [];
  let current: number[] = [];
  const winds = parts.filter((p) => /[NSEW]/.test(p)).length;
  if (winds === 2) {
    const leading = /[NSEW]/.test(parts[0]!);
    let pending: string | null = null;
    for (const p of parts) {
      if (!/[NSEW]/.test(p)) current.push(Number(p));
      else if (leading) {
        if (pending !== null) values.push({ numbers: current, wind: pending });
        pending = p;
        current = [];
      } else {
        values.push({ numbers: current, wind: p });
        current = [];
      }
    }
    if (leading) values.push({ numbers: current, wind: pending });
  } else if (winds === 0 && [2, 4, 6].includes(parts.length)) {
    const half = parts.length / 2;
    values.push({ numbers: parts.slice(0, half).map(Number), wind: null }, { numbers: parts.slice(half).map(Number), wind: null });
  }
  if (values.length !== 2) return null;
  const degrees = values.map(({ numbers, wind }) => {
    const [d = NaN, m = 0, s = 0] = numbers;
    if (numbers.length < 1 || numbers.length > 3 || m < 0 || m >= 60 || s < 0 || s >= 60) return NaN;
    const size = Math.abs(d) + m / 60 + s / 3600;
    return (d < 0 || wind === 'S' || wind === 'W') ? -size : size;
  });
  const swap = values[0]!.wind === 'E' || values[0]!.wind === 'W';
  const [lat, lon] = (swap ? [degrees[1], degrees[0]] : degrees) as [number, number];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat_deg: lat, lon_deg: lon } : null;
}
