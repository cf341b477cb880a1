// The grid over a map: MGRS squares where they are wanted and can be told apart, else degrees. Pure.
import type { Feature, FeatureCollection, Position } from 'geojson';
import type { CoordinateFormat } from '../format';
import { fromUtm, toUtm, zoneOf } from '../mgrs';
import { graticuleStep } from './geometry';

const point = (at: Position, properties: object): Feature => ({ type: 'Feature', properties, geometry: { type: 'Point', coordinates: at } });
const line = (of: Position[], properties: object): Feature => ({ type: 'Feature', properties, geometry: { type: 'LineString', coordinates: of } });
const collection = (features: Feature[]): FeatureCollection => ({ type: 'FeatureCollection', features });

export interface View {
  west: number;
  south: number;
  east: number;
  north: number;
  widthPx: number;
}

/** The grid under the map: MGRS kilometre squares where positions read in MGRS, else latitude and longitude. */
export function grid(view: View, format: CoordinateFormat): FeatureCollection {
  const { west, south, east, north, widthPx } = view;
  const wide = (east - west) / Math.max(1, widthPx);
  if (!(wide > 0) || east - west > 340) return collection([]);
  if (format === 'mgrs' && east - west < 3 && south > -79 && north < 83) return utmGrid(view);
  const step = graticuleStep(wide);
  const out: Feature[] = [];
  const name = (v: number, positive: string, negative: string): string => {
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return `${Math.abs(v).toFixed(digits)}° ${v < 0 ? negative : positive}`;
  };
  for (let k = Math.ceil(west / step); k * step < east; k += 1) {
    const lon = k * step;
    out.push(line([[lon, Math.max(-85, south)], [lon, Math.min(85, north)]], {}), point([lon, south], { name: name(((lon + 540) % 360) - 180, 'E', 'W'), anchor: 'bottom-left' }));
  }
  for (let k = Math.ceil(south / step); k * step < north; k += 1) {
    const lat = k * step;
    if (Math.abs(lat) > 85) continue;
    out.push(line([[west, lat], [east, lat]], {}), point([west, lat], { name: name(lat, 'N', 'S'), anchor: 'bottom-left' }));
  }
  return collection(out);
}

function utmGrid({ west, south, east, north, widthPx }: View): FeatureCollection {
  const middle = { lat: (south + north) / 2, lon: (west + east) / 2 };
  const zone = zoneOf(middle.lat, middle.lon);
  const isSouth = middle.lat < 0;
  const corners = [[south, west], [south, east], [north, west], [north, east]].map(([lat, lon]) => toUtm(lat!, lon!, zone));
  const e0 = Math.min(...corners.map((c) => c.east));
  const e1 = Math.max(...corners.map((c) => c.east));
  const n0 = Math.min(...corners.map((c) => c.north));
  const n1 = Math.max(...corners.map((c) => c.north));
  const perPx = (e1 - e0) / Math.max(1, widthPx);
  const step = [100, 1_000, 10_000, 100_000].find((s) => s / perPx >= 90) ?? 100_000;
  if ((e1 - e0) / step > 60 || n1 - n0 > 2_000_000) return collection([]);
  const at = (e: number, n: number): Position => {
    const p = fromUtm({ zone, east: e, north: n }, isSouth);
    return [p.lon_deg, p.lat_deg];
  };
  const path = (f: (t: number) => Position): Position[] => Array.from({ length: 9 }, (_, i) => f(i / 8));
  // The printed digits within a 100 km square: kilometres have two, hundreds of metres three.
  const name = (v: number): string => String(Math.floor((v % 100_000) / Math.min(step, 1_000))).padStart(2, '0') + (step < 1_000 ? `.${Math.floor((v % 1_000) / 100)}` : '');
  const out: Feature[] = [];
  for (let k = Math.ceil(e0 / step); k * step < e1; k += 1) {
    const e = k * step;
    const edge = onEdge((t) => at(e, n0 + (n1 - n0) * t), (p) => p[1]! >= south);
    out.push(line(path((t) => at(e, n0 + (n1 - n0) * t)), {}));
    if (edge && step < 100_000) out.push(point(edge, { name: name(e), anchor: 'bottom-left' }));
  }
  for (let k = Math.ceil(n0 / step); k * step < n1; k += 1) {
    const n = k * step;
    const edge = onEdge((t) => at(e0 + (e1 - e0) * t, n), (p) => p[0]! >= west);
    out.push(line(path((t) => at(e0 + (e1 - e0) * t, n)), {}));
    if (edge && step < 100_000) out.push(point(edge, { name: name(n), anchor: 'bottom-left' }));
  }
  return collection(out);
}

/** The first point of a path that is inside the view, found by halving. */
function onEdge(f: (t: number) => Position, inside: (p: Position) => boolean): Position | null {
  if (inside(f(0))) return f(0);
  if (!inside(f(1))) return null;
  let [lo, hi] = [0, 1];
  for (let i = 0; i < 16; i += 1) {
    const mid = (lo + hi) / 2;
    if (inside(f(mid))) hi = mid;
    else lo = mid;
  }
  return f(hi);
}
