// Directions: where a phone points, which way an arrow must turn, how far off north the compass is. Degrees throughout;
// azimuths from true north clockwise unless a name says magnetic.
import geomagnetism from 'geomagnetism';
import type { Key } from '../shared/i18n';

const RAD = Math.PI / 180;

/** An angle brought into 0 ≤ a < 360. */
export function turn(deg: number): number {
  const a = deg % 360;
  const b = a < 0 ? a + 360 : a;
  // "+ 0" turns a negative zero into zero.
  return b >= 360 ? 0 : b + 0;
}

/** The signed way from one azimuth to another, -180 ≤ d < 180, clockwise positive. */
export function between(fromDeg: number, toDeg: number): number {
  return turn(toDeg - fromDeg + 180) - 180;
}

/** Where the phone's top edge, or its back, points. */
export interface Pointing {
  /** From the north of the sensor's own frame, clockwise. */
  azimuth: number;
  /** Above the horizon. */
  elevation: number;
  /** Which side of the phone points: people hold it like a remote control, or upright like a camera. */
  by: 'top' | 'back';
}

/** The top edge gives way to the back when the phone stands steeper than this, and takes over again below the other. */
export const UPRIGHT_FROM_DEG = 70;
export const FLAT_FROM_DEG = 60;

/**
 * Where a phone points, from the angles of a W3C device orientation event (intrinsic Z-X'-Y'' turns alpha, beta, gamma
 * from a frame east-north-up). Held like a remote control its top edge points; held upright its back does, as a camera.
 * The two cannot be mistaken: drones are seldom pointed at 65° above, and never 25° below, the horizon.
 */
export function pointing(alpha: number, beta: number, gamma: number, was: Pointing['by'] = 'top'): Pointing {
  const by = Math.abs(beta) > (was === 'top' ? UPRIGHT_FROM_DEG : FLAT_FROM_DEG) ? 'back' : 'top';
  const [sa, ca] = [Math.sin(alpha * RAD), Math.cos(alpha * RAD)];
  const [sb, cb] = [Math.sin(beta * RAD), Math.cos(beta * RAD)];
  const [sg, cg] = [Math.sin(gamma * RAD), Math.cos(gamma * RAD)];
  // Columns of the rotation matrix: the phone's own y axis (top edge) and z axis (out of the screen; the back is -z).
  const [east, north, up] = by === 'top' ? [-sa * cb, ca * cb, sb] : [-(ca * sg + sa * sb * cg), -(sa * sg - ca * sb * cg), -(cb * cg)];
  return { azimuth: turn(Math.atan2(east, north) / RAD), elevation: Math.asin(Math.max(-1, Math.min(1, up))) / RAD, by };
}

/** One reading of the compass. */
export interface Reading {
  atMs: number;
  azimuth: number;
  elevation: number;
}

/** Readings put together. */
export interface Steady {
  azimuth: number;
  elevation: number;
  /** How far the readings scatter, one sigma. */
  spread: number;
}

/** The mean direction of the readings in a span of time, on the circle; `null` when there are none. */
export function steady(readings: readonly Reading[], fromMs: number, toMs: number): Steady | null {
  const used = readings.filter((r) => r.atMs >= fromMs && r.atMs <= toMs);
  if (used.length === 0) return null;
  const mean = (f: (r: Reading) => number): number => used.reduce((sum, r) => sum + f(r), 0) / used.length;
  const east = mean((r) => Math.sin(r.azimuth * RAD));
  const north = mean((r) => Math.cos(r.azimuth * RAD));
  const azimuth = turn(Math.atan2(east, north) / RAD);
  return { azimuth, elevation: mean((r) => r.elevation), spread: Math.sqrt(mean((r) => between(azimuth, r.azimuth) ** 2)) };
}

/** One sigma of a phone's compass that says nothing about itself (measured: 1 to 7° mean error over eleven models). */
export const USUAL_SIGMA_DEG = 5;
/** A compass worse than this is asked to be moved in a figure eight. */
export const BAD_SIGMA_DEG = 15;

/** One sigma of the direction; `null` when the device says nothing of its own and the hand was still. */
export function sigmaDeg(deviceAccuracy: number | null, spread: number): number | null {
  if (deviceAccuracy === null && spread < 2) return null;
  const base = deviceAccuracy ?? USUAL_SIGMA_DEG;
  return Math.min(180, Math.max(1, Math.sqrt(base ** 2 + spread ** 2)));
}

/**
 * Magnetic declination, degrees, east positive (World Magnetic Model 2025; about half a degree sure). Phones give the
 * magnetic north, in both of the forms in which browsers hand it on. `null` close to a magnetic pole, where a
 * compass says nothing.
 */
export function declination(latDeg: number, lonDeg: number, at: Date): number | null {
  const field = geomagnetism.model(at, { allowOutOfBoundsModel: true }).point([latDeg, lonDeg]);
  // Below 2,000 nT of horizontal field the model itself calls the compass useless ("blackout zone").
  return field.h < 2_000 || !Number.isFinite(field.decl) ? null : field.decl;
}

/** How an arrow on the screen is turned: by the phone's heading where that is known, else with north up. */
export function arrowTurn(bearingDeg: number, headingDeg: number | null): number {
  return turn(bearingDeg - (headingDeg ?? 0));
}

/** The arrow's next turn on the screen, by the shorter way, so that it never spins through the whole circle. */
export function shorterWay(shownDeg: number, wantedDeg: number): number {
  return shownDeg + between(shownDeg, wantedDeg);
}

const OCTANTS = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const;

/** The nearest of eight directions. */
export function octant(deg: number): (typeof OCTANTS)[number] {
  return OCTANTS[Math.round(turn(deg) / 45) % 8] ?? 'n';
}
/** Its letters ("NE"). */
export const octantLetters = (deg: number): Key => `compass.${octant(deg)}`;
/** Its word ("north-east"). */
export const octantWord = (deg: number): Key => `compass.${octant(deg)}_word`;

/** The azimuth of the octant that a point of a ring lies in, from the ring's middle, y downwards; `null` in the middle. */
export function octantAt(dx: number, dy: number, radius: number): number | null {
  if (Math.hypot(dx, dy) < radius * 0.25) return null;
  return (Math.round(turn(Math.atan2(dx, -dy) / RAD) / 45) % 8) * 45;
}

/** Metres between two points and the true bearing from the first, on a sphere: within 0.5 %, for an arrow on a screen. */
export function distanceAndBearing(
  a: { lat_deg: number; lon_deg: number },
  b: { lat_deg: number; lon_deg: number },
): { distance_m: number; bearing_deg: number } {
  const [p1, p2, dl] = [a.lat_deg * RAD, b.lat_deg * RAD, (b.lon_deg - a.lon_deg) * RAD];
  const h = Math.sin((p2 - p1) / 2) ** 2 + Math.cos(p1) * Math.cos(p2) * Math.sin(dl / 2) ** 2;
  const y = Math.sin(dl) * Math.cos(p2);
  const x = Math.cos(p1) * Math.sin(p2) - Math.sin(p1) * Math.cos(p2) * Math.cos(dl);
  return { distance_m: 2 * 6_371_000 * Math.asin(Math.min(1, Math.sqrt(h))), bearing_deg: turn(Math.atan2(y, x) / RAD) };
}
