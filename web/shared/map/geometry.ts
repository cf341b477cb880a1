// Shapes on the map: uncertainty ellipses, stand-off circles, sighting wedges and reach fans, as rings of [lon, lat].
// Local metres are turned to degrees by WGS-84's radii of curvature: better than 0.1 % over the 20 km that is drawn.
import type { Position } from 'geojson';
import type { Covariance, LatLon, RangeClass, Sighting } from '../types';

const A = 6_378_137;
const E2 = 0.0066943799901413165;
const RAD = Math.PI / 180;

/** The point so many metres east and north of `from`. */
export function offset(from: LatLon, east: number, north: number): [number, number] {
  const s = Math.sin(from.lat_deg * RAD);
  const w = 1 - E2 * s * s;
  const meridian = (A * (1 - E2)) / (w * Math.sqrt(w));
  const normal = A / Math.sqrt(w);
  return [
    from.lon_deg + east / (normal * Math.max(1e-9, Math.cos(from.lat_deg * RAD))) / RAD,
    from.lat_deg + north / meridian / RAD,
  ];
}

/** The point at a true bearing and distance from `from`. */
export function polar(from: LatLon, bearingDeg: number, m: number): [number, number] {
  return offset(from, m * Math.sin(bearingDeg * RAD), m * Math.cos(bearingDeg * RAD));
}

export interface Ellipse {
  /** Semi-axes, metres, longer first. */
  major_m: number;
  minor_m: number;
  /** True bearing of the longer axis, 0 ≤ b < 180. */
  bearing_deg: number;
}

/** The horizontal ellipse of `k` sigmas of an east-north-up covariance; null when it is none (not finite or not positive). */
export function ellipseOf(cov: Covariance, k = 2): Ellipse | null {
  const ee = cov[0][0];
  const nn = cov[1][1];
  const en = (cov[0][1] + cov[1][0]) / 2;
  if (![ee, nn, en].every(Number.isFinite) || ee < 0 || nn < 0) return null;
  const mean = (ee + nn) / 2;
  const spread = Math.hypot((ee - nn) / 2, en);
  const large = mean + spread;
  const small = Math.max(0, mean - spread);
  if (!(large > 0)) return null;
  // Direction of the larger eigenvector, from north clockwise: tan(2b) = 2·cov(e,n) / (cov(n,n) − cov(e,e)).
  const b = (Math.atan2(2 * en, nn - ee) / 2 / RAD + 360) % 180;
  return { major_m: k * Math.sqrt(large), minor_m: k * Math.sqrt(small), bearing_deg: b };
}

/** A closed ring around an ellipse. */
export function ellipseRing(at: LatLon, e: Ellipse, points = 48): Position[] {
  const sin = Math.sin(e.bearing_deg * RAD);
  const cos = Math.cos(e.bearing_deg * RAD);
  return Array.from({ length: points + 1 }, (_, i) => {
    const t = ((i % points) / points) * 2 * Math.PI;
    const along = e.major_m * Math.cos(t);
    const across = e.minor_m * Math.sin(t);
    return offset(at, along * sin + across * cos, along * cos - across * sin);
  });
}

export function circleRing(at: LatLon, m: number, points = 64): Position[] {
  return ellipseRing(at, { major_m: m, minor_m: m, bearing_deg: 0 }, points);
}

/** A closed ring around the part of a disc between two bearings and two distances. */
export function sectorRing(at: LatLon, bearingDeg: number, halfDeg: number, near: number, far: number): Position[] {
  if (halfDeg >= 180) return circleRing(at, far);
  const steps = Math.max(4, Math.ceil(halfDeg / 2));
  const arc = (m: number, up: boolean): Position[] =>
    Array.from({ length: steps + 1 }, (_, i) => polar(at, bearingDeg + halfDeg * ((up ? 2 : -2) * (i / steps) + (up ? -1 : 1)), m));
  const outer = arc(far, true);
  const inner = near > 0 ? arc(near, false) : [[at.lon_deg, at.lat_deg]];
  const ring = [...outer, ...inner];
  return [...ring, ring[0]!];
}

/** Nearest and farthest distance of a range class as drawn, metres; an open class ends where eyes do. */
export function rangeBounds(range: RangeClass): [near: number, far: number] {
  switch (range) {
    case 'under100': return [0, 100];
    case 'to300': return [100, 300];
    case 'to1000': return [300, 1_000];
    case 'farther': return [1_000, 3_000];
    case 'unknown': return [0, 1_500];
  }
}

/** Half the angle that a sighting's bearing is drawn with: two sigmas of how it was taken (spec: people, section 2). */
export function bearingHalfDeg(s: Pick<Sighting, 'bearing'>): number {
  switch (s.bearing?.how) {
    case 'compass': return 2 * Math.max(5, s.bearing.sigma_deg ?? 5);
    case 'sight': return 2 * Math.max(1, s.bearing.sigma_deg ?? 3);
    case 'clock': return 15;
    case 'octant': return 22.5;
    case undefined: return 180;
  }
}

/** Where a sighting says that the drone is: a wedge, or an area around the reporter where no direction was given. */
export function sightingRing(s: Sighting): Position[] {
  const [near, far] = rangeBounds(s.range);
  if (!s.bearing) return circleRing(s.from, far + s.from_accuracy_m);
  return sectorRing(s.from, s.bearing.azimuth_deg, bearingHalfDeg(s), near, far);
}

export interface Fan {
  bearing_deg: number;
  half_deg: number;
  speed_mps: number;
}

/**
 * The fan of where a track goes at its present velocity: its heading ± two sigmas, at least 8° and at most 60° each
 * side. Null when it stands, or its motion is not known from noise: then no direction may be drawn.
 */
export function fanOf(velocity: readonly number[], cov: Covariance): Fan | null {
  const [e = NaN, n = NaN] = velocity;
  const v = Math.hypot(e, n);
  if (!Number.isFinite(v) || v < 1) return null;
  // Variance across and along the heading.
  const [ue, un] = [e / v, n / v];
  const c = (cov[0][1] + cov[1][0]) / 2;
  const across = un * un * cov[0][0] - 2 * ue * un * c + ue * ue * cov[1][1];
  const along = ue * ue * cov[0][0] + 2 * ue * un * c + un * un * cov[1][1];
  if (!(across >= 0 && along >= 0) || v < 2 * Math.sqrt(along)) return null;
  const half = Math.min(60, Math.max(8, (2 * Math.atan2(Math.sqrt(across), v)) / RAD));
  return { bearing_deg: (Math.atan2(e, n) / RAD + 360) % 360, half_deg: half, speed_mps: v };
}

/** Distance (m) and true bearing (deg) from one point to another in the tangent plane: for what is drawn and listed. */
export function distanceBearing(from: LatLon, to: LatLon): { m: number; deg: number } {
  const mid = { lat_deg: (from.lat_deg + to.lat_deg) / 2, lon_deg: 0 };
  const [dLon, dLat] = offset(mid, 1, 1);
  const lon = ((to.lon_deg - from.lon_deg + 540) % 360) - 180;
  const e = lon / dLon;
  const n = (to.lat_deg - from.lat_deg) / (dLat - mid.lat_deg);
  return { m: Math.hypot(e, n), deg: (Math.atan2(e, n) / RAD + 360) % 360 };
}

/** A step for the graticule, degrees, so that lines stand about 150 pixels apart or more. */
export function graticuleStep(degreesPerPixel: number): number {
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
  return steps.find((s) => s / degreesPerPixel >= 150) ?? 30;
}
