import { describe, expect, test } from 'vitest';
import * as g from '../shared/map/geometry';
import type { Covariance, LatLon } from '../shared/types';

const at: LatLon = { lat_deg: 31.76, lon_deg: -106.49 };
const cov = (ee: number, en: number, nn: number): Covariance => [[ee, en, 0], [en, nn, 0], [0, 0, 0]];
const back = (p: readonly number[], from: LatLon = at): { m: number; deg: number } => g.distanceBearing(from, { lon_deg: p[0]!, lat_deg: p[1]! });

describe('ellipse of a covariance', () => {
  test('axes and direction', () => {
    expect(g.ellipseOf(cov(100, 0, 25))).toEqual({ major_m: 20, minor_m: 10, bearing_deg: 90 });
    expect(g.ellipseOf(cov(25, 0, 100))).toEqual({ major_m: 20, minor_m: 10, bearing_deg: 0 });
    // Long axis to the north-east: variances 400 along, 100 across.
    const ne = g.ellipseOf(cov(250, 150, 250))!;
    expect(ne.bearing_deg).toBeCloseTo(45);
    expect([ne.major_m, ne.minor_m]).toEqual([40, 20]);
    expect(g.ellipseOf(cov(250, -150, 250))!.bearing_deg).toBeCloseTo(135);
  });
  test('what is no covariance is not drawn', () => {
    expect(g.ellipseOf(cov(0, 0, 0))).toBeNull();
    expect(g.ellipseOf(cov(-1, 0, 4))).toBeNull();
    expect(g.ellipseOf(cov(NaN, 0, 4))).toBeNull();
  });
  test('every point of its ring lies at k sigmas', () => {
    const c = cov(900, 350, 400);
    const det = 900 * 400 - 350 * 350;
    for (const p of g.ellipseRing(at, g.ellipseOf(c, 2)!)) {
      const { m, deg } = back(p);
      const e = m * Math.sin((deg * Math.PI) / 180);
      const n = m * Math.cos((deg * Math.PI) / 180);
      expect(Math.sqrt((400 * e * e - 700 * e * n + 900 * n * n) / det)).toBeCloseTo(2, 2);
    }
  });
});

test('circles and sectors close and keep their radius and bearings', () => {
  const ring = g.circleRing(at, 150);
  expect(ring[0]).toEqual(ring.at(-1));
  for (const p of ring) expect(back(p).m).toBeCloseTo(150, 0);
  const sector = g.sectorRing(at, 10, 20, 100, 300);
  expect(sector[0]).toEqual(sector.at(-1));
  for (const p of sector) {
    const { m, deg } = back(p);
    expect(Math.min(Math.abs(m - 100), Math.abs(m - 300))).toBeLessThan(0.5);
    expect(Math.abs(((deg - 10 + 540) % 360) - 180)).toBeLessThan(20.05);
  }
});

test('a metre is a metre at any latitude (WGS-84 geodesic lengths)', () => {
  // One degree of latitude from the equator is 110,574.4 m, of longitude 111,319.5 m.
  expect(g.distanceBearing({ lat_deg: 0, lon_deg: 0 }, { lat_deg: 1, lon_deg: 0 }).m).toBeCloseTo(110_574.4, -1);
  expect(g.distanceBearing({ lat_deg: 0, lon_deg: 0 }, { lat_deg: 0, lon_deg: 1 }).m).toBeCloseTo(111_319.5, -1);
  const over = g.distanceBearing({ lat_deg: 10, lon_deg: 179.999 }, { lat_deg: 10, lon_deg: -179.999 });
  expect(over.m).toBeLessThan(250);
  expect(over.deg).toBeCloseTo(90, 0);
});

describe('reach fan', () => {
  test('points along the velocity and widens with its uncertainty', () => {
    const sure = g.fanOf([10, 10, 0], cov(0.1, 0, 0.1))!;
    expect(sure.bearing_deg).toBeCloseTo(45);
    expect(sure.half_deg).toBe(8);
    expect(sure.speed_mps).toBeCloseTo(14.14, 2);
    expect(g.fanOf([0, 10, 0], cov(9, 0, 1))!.half_deg).toBeCloseTo((2 * Math.atan2(3, 10) * 180) / Math.PI);
  });
  test('no direction is drawn for what stands or is not known to move', () => {
    expect(g.fanOf([0.3, 0.2, 0], cov(0.1, 0, 0.1))).toBeNull();
    expect(g.fanOf([3, 0, 0], cov(9, 0, 9))).toBeNull();
  });
});

test('a sighting without a direction is an area, never a made-up wedge', () => {
  const s = { from: { ...at, alt_hae_m: null }, from_accuracy_m: 20, bearing: null, range: 'to300' } as never;
  for (const p of g.sightingRing(s)) expect(back(p).m).toBeCloseTo(320, 0);
  const wedge = { from: { ...at, alt_hae_m: null }, from_accuracy_m: 20, bearing: { azimuth_deg: 270, how: 'octant', sigma_deg: null }, range: 'under100' } as never;
  for (const p of g.sightingRing(wedge)) expect(back(p).m).toBeLessThan(100.5);
});

test('graticule steps are round and wide enough', () => {
  expect(g.graticuleStep(0.00004)).toBe(0.01);
  expect(g.graticuleStep(1)).toBe(30);
});
