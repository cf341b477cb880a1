// Areas as people draw and type them: what is wrong with a ring and at which corner, how it lies on a map (also over the
// antimeridian), and where a view must look to show it whole. Pure. The rules are those of the centre (`Area::check`).
import type { Feature, Position } from 'geojson';
import type { LatLon, NoticeArea } from '../types';
import { circleRing, distanceBearing, polar } from './geometry';

export const MOST_CORNERS = 200;
export const MOST_M = 1_000_000;

/** A longitude between -180 and 180. */
export const wrapLon = (lon: number): number => {
  if (lon >= -180 && lon <= 180) return lon;
  const turned = ((((lon + 180) % 360) + 360) % 360) - 180;
  return turned === -180 && lon > 0 ? 180 : turned;
};
const round5 = (x: number): number => Math.round(x * 1e5) / 1e5;
/** A place that was pointed at: to about a metre, which is more than a hand on a map can do. */
export const pointed = (lon: number, lat: number): LatLon => ({ lat_deg: round5(Math.max(-90, Math.min(90, lat))), lon_deg: round5(wrapLon(lon)) });

export const isPlace = (p: LatLon): boolean => Math.abs(p.lat_deg) <= 90 && Math.abs(p.lon_deg) <= 180;

/** The corners as [lon, lat], each no more than half a turn from the one before: a ring over the antimeridian stays in one piece. */
export function unwrapped(points: readonly LatLon[], near?: number): Position[] {
  let last = near;
  return points.map((p) => {
    const lon = last === undefined ? p.lon_deg : last + wrapLon(p.lon_deg - last);
    last = lon;
    return [lon, p.lat_deg];
  });
}

// The plane of `geometry.ts` is good to 0.1 % near a point; farther out a sphere is better.
const NEAR_M = 30_000;
const EARTH_M = 6_371_009;
const RAD = Math.PI / 180;

/** How far it is over the ground, metres. */
export function groundM(a: LatLon, b: LatLon): number {
  const dLat = (b.lat_deg - a.lat_deg) * RAD;
  const dLon = (b.lon_deg - a.lon_deg) * RAD;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat_deg * RAD) * Math.cos(b.lat_deg * RAD) * Math.sin(dLon / 2) ** 2;
  const m = 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)));
  return m < NEAR_M ? distanceBearing(a, b).m : m;
}

/** The point so far away, in one piece with `from` over the antimeridian. */
function away(from: LatLon, bearing: number, m: number): Position {
  if (m < NEAR_M) return polar(from, bearing, m);
  const d = m / EARTH_M;
  const lat = from.lat_deg * RAD;
  const north = Math.asin(Math.sin(lat) * Math.cos(d) + Math.cos(lat) * Math.sin(d) * Math.cos(bearing * RAD));
  const east = Math.atan2(Math.sin(bearing * RAD) * Math.sin(d) * Math.cos(lat), Math.cos(d) - Math.sin(lat) * Math.sin(north));
  return [from.lon_deg + east / RAD, north / RAD];
}
function rim(at: LatLon, m: number): Position[] {
  if (m < NEAR_M) return circleRing(at, m, 96);
  const ring = Array.from({ length: 96 }, (_, k) => away(at, (k * 360) / 96, m));
  return [...ring, ring[0]!];
}

type Side = [Position, Position];
const sideOf = ([ax, ay]: Position, [bx, by]: Position, [cx, cy]: Position): number => (bx! - ax!) * (cy! - ay!) - (by! - ay!) * (cx! - ax!);
const cross = ([p, q]: Side, [r, s]: Side): boolean => sideOf(p, q, r) * sideOf(p, q, s) < 0 && sideOf(r, s, p) * sideOf(r, s, q) < 0;

/** The first two sides that cross, by the corners from which they start, counted from 0. */
export function crossing(points: readonly LatLon[]): [number, number] | null {
  const ring = unwrapped(points);
  const first = ring[0];
  if (!first || ring.length < 4) return null;
  // The way back to the first corner is no more than half a turn, too.
  const sides = ring.map((p, k): Side => [p, ring[k + 1] ?? [p[0]! + wrapLon(first[0]! - p[0]!), first[1]!]]);
  for (let i = 0; i < sides.length; i += 1) for (let j = i + 1; j < sides.length; j += 1) if (cross(sides[i]!, sides[j]!)) return [i, j];
  return null;
}

/** What is wrong with a ring, in words, and at which corner (counted from 0) where it is one corner's fault. */
export function ringTrouble(points: readonly LatLon[]): { corner: number | null; says: string } | null {
  const off = points.findIndex((p) => !isPlace(p));
  if (off >= 0) return { corner: off, says: `Corner ${off + 1} is not on the Earth.` };
  if (points.length > MOST_CORNERS) return { corner: MOST_CORNERS, says: `Give at most ${MOST_CORNERS} corners; there are ${points.length}.` };
  if (points.length < 3) return { corner: null, says: `Give at least three corners; there ${points.length === 1 ? 'is one' : `are ${points.length}`}.` };
  const far = points.findIndex((p) => groundM(points[0]!, p) > MOST_M);
  if (far >= 0) return { corner: far, says: `Corner ${far + 1} is over 1,000 km from the first.` };
  const over = crossing(points);
  if (over) return { corner: over[1], says: `The side from corner ${over[1] + 1} crosses the side from corner ${over[0] + 1}: put the corners in their order around the area.` };
  return null;
}

/** What is wrong with a circle. */
export function circleTrouble(centre: LatLon, radius_m: number): string {
  if (!isPlace(centre)) return 'Say where its middle is.';
  return radius_m > 0 && radius_m <= MOST_M ? '' : 'Give a radius over 0 and at most 1,000 km.';
}

/** How an area lies on a map; null while there is nothing to see. An unfinished ring is a line. */
export function featureOf(area: NoticeArea, properties: object = {}, near?: number): Feature | null {
  if (area.shape === 'circle') {
    if (circleTrouble(area.centre, area.radius_m) !== '') return null;
    const [at] = unwrapped([area.centre], near);
    return { type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [rim({ lat_deg: at![1]!, lon_deg: at![0]! }, area.radius_m)] } };
  }
  const ring = unwrapped(area.points.filter(isPlace), near);
  if (ring.length < 2) return null;
  if (ring.length === 2) return { type: 'Feature', properties, geometry: { type: 'LineString', coordinates: ring } };
  return { type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [[...ring, ring[0]!]] } };
}

/** The point of a circle's rim by which its size is pulled: due east. */
export const rimOf = (centre: LatLon, radius_m: number): Position => away(centre, 90, radius_m);
/** How far from the middle somebody pulled it, metres: whole ones, at least one. */
export const radiusTo = (centre: LatLon, at: LatLon): number => Math.min(MOST_M, Math.max(1, Math.round(groundM(centre, at))));

/** Where the middle of each side is: pulled, it becomes a corner. */
export function middles(points: readonly LatLon[]): LatLon[] {
  if (points.length < 2) return [];
  const ring = unwrapped(points);
  const first = ring[0]!;
  return ring.slice(0, ring.length === 2 ? 1 : undefined).map((p, k) => {
    const next = ring[k + 1] ?? [p[0]! + wrapLon(first[0]! - p[0]!), first[1]!];
    return pointed((p[0]! + next[0]!) / 2, (p[1]! + next[1]!) / 2);
  });
}

/** The box [west, south, east, north] around features; null around none. */
export function boxAround(features: readonly Feature[]): [number, number, number, number] | null {
  let box: [number, number, number, number] | null = null;
  const visit = (c: unknown): void => {
    if (!Array.isArray(c)) return;
    if (typeof c[0] === 'number') {
      const [x, y] = c as [number, number];
      box = box ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)] : [x, y, x, y];
    } else c.forEach(visit);
  };
  for (const f of features) if ('coordinates' in f.geometry) visit(f.geometry.coordinates);
  return box;
}
