import { describe, expect, test } from 'vitest';
import { boxAround, crossing, featureOf, groundM, middles, pointed, radiusTo, rimOf, ringTrouble, unwrapped, wrapLon } from '../shared/map/ring';
import type { LatLon } from '../shared/types';

const at = (lat_deg: number, lon_deg: number): LatLon => ({ lat_deg, lon_deg });
const SQUARE = [at(31.7, -106.5), at(31.8, -106.5), at(31.8, -106.4), at(31.7, -106.4)];
const DATE_LINE = [at(1, 179), at(1, -179), at(-1, -179), at(-1, 179)];

describe('what is wrong with a ring', () => {
  test('three to two hundred corners, on the Earth, near each other', () => {
    expect(ringTrouble(SQUARE)).toBeNull();
    expect(ringTrouble(SQUARE.slice(0, 2))).toEqual({ corner: null, says: 'Give at least three corners; there are 2.' });
    expect(ringTrouble([...SQUARE, at(91, 0)])).toEqual({ corner: 4, says: 'Corner 5 is not on the Earth.' });
    const many = Array.from({ length: 201 }, (_, k) => at(31 + Math.sin(k / 32), -106 + Math.cos(k / 32)));
    expect(ringTrouble(many)?.says).toBe('Give at most 200 corners; there are 201.');
    expect(ringTrouble(many.slice(0, 200))).toBeNull();
    expect(ringTrouble([at(31, -106), at(32, -106), at(31, -90)])).toEqual({ corner: 2, says: 'Corner 3 is over 1,000 km from the first.' });
  });

  test('sides that cross are said at the corner from which the later one starts', () => {
    const [a, b, c, d] = SQUARE as [LatLon, LatLon, LatLon, LatLon];
    expect(crossing([a, c, b, d])).toEqual([0, 2]);
    expect(ringTrouble([a, c, b, d])).toEqual({ corner: 2, says: 'The side from corner 3 crosses the side from corner 1: put the corners in their order around the area.' });
    expect(ringTrouble([a, b, d, c])?.corner).toBe(3);
    // Sides that meet in their common corner do not cross; neither does an area that is not convex.
    expect(crossing([a, b, at(31.74, -106.45), d])).toBeNull();
  });

  test('over the antimeridian a ring is as good as anywhere', () => {
    expect(ringTrouble(DATE_LINE)).toBeNull();
    expect(ringTrouble([DATE_LINE[0]!, DATE_LINE[2]!, DATE_LINE[1]!, DATE_LINE[3]!])?.corner).toBe(2);
  });
});

describe('how an area lies on a map', () => {
  test('in one piece over the antimeridian, on the side that is looked at', () => {
    expect(unwrapped(DATE_LINE)).toEqual([[179, 1], [181, 1], [181, -1], [179, -1]]);
    expect(unwrapped(DATE_LINE, -170)).toEqual([[-181, 1], [-179, 1], [-179, -1], [-181, -1]]);
    expect(boxAround([featureOf({ shape: 'polygon', points: DATE_LINE })!])).toEqual([179, -1, 181, 1]);
    expect(middles(DATE_LINE)[0]).toEqual(at(1, 180));
  });

  test('what is pointed at is kept to five decimals, between -180 and 180', () => {
    expect(pointed(181.1234567, 31.7600049)).toEqual(at(31.76, -178.87654));
    expect(pointed(-190, 95)).toEqual(at(90, 170));
    expect([wrapLon(180), wrapLon(-180), wrapLon(540), wrapLon(-106.49)].map((x) => Math.abs(x))).toEqual([180, 180, 180, 106.49]);
  });

  test('an unfinished ring is a line, and one corner is nothing yet', () => {
    const g = (n: number) => featureOf({ shape: 'polygon', points: SQUARE.slice(0, n) })?.geometry.type;
    expect([g(0), g(1), g(2), g(3)]).toEqual([undefined, undefined, 'LineString', 'Polygon']);
    expect(featureOf({ shape: 'circle', centre: at(NaN, NaN), radius_m: 500 })).toBeNull();
    expect(featureOf({ shape: 'circle', centre: at(31, -106), radius_m: 0 })).toBeNull();
  });

  for (const m of [50, 900, 29_000, 31_000, 400_000, 1_000_000]) {
    test(`the rim of a circle of ${m} m is where it is pulled, and so far away all around`, () => {
      const centre = at(47.1, 8.7);
      const [lon, lat] = rimOf(centre, m) as [number, number];
      expect(radiusTo(centre, at(lat, lon))).toBeCloseTo(m, -1);
      const ring = featureOf({ shape: 'circle', centre, radius_m: m })!.geometry as unknown as { coordinates: [number, number][][] };
      for (const [x, y] of ring.coordinates[0]!) expect(Math.abs(groundM(centre, at(y, x)) / m - 1)).toBeLessThan(0.002);
    });
  }

  test('a point between two corners is in their middle; two corners have one', () => {
    expect(middles(SQUARE)).toEqual([at(31.75, -106.5), at(31.8, -106.45), at(31.75, -106.4), at(31.7, -106.45)]);
    expect(middles(SQUARE.slice(0, 2))).toHaveLength(1);
    expect(middles(SQUARE.slice(0, 1))).toEqual([]);
  });
});
