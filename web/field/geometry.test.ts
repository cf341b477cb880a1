import { describe, expect, test } from 'vitest';
import { arrowTurn, between, declination, distanceAndBearing, octant, octantAt, pointing, shorterWay, sigmaDeg, steady, turn } from './geometry';

const near = (a: number, b: number, tolerance = 1e-6): void => expect(Math.abs(between(b, a)), `${a} is not ${b}`).toBeLessThan(tolerance);

describe('angles', () => {
  test('stay within the circle', () => {
    expect([turn(-1), turn(360), turn(725), turn(-720), turn(-1e-15)]).toEqual([359, 0, 5, 0, 0]);
    expect([between(350, 10), between(10, 350), between(0, 180)]).toEqual([20, -20, -180]);
  });
});

describe('where the phone points', () => {
  test('lying flat, its top edge: alpha turns against the clock', () => {
    near(pointing(0, 0, 0).azimuth, 0);
    near(pointing(90, 0, 0).azimuth, 270);
    near(pointing(270, 0, 0).azimuth, 90);
    expect(pointing(270, 0, 0)).toMatchObject({ by: 'top', elevation: 0 });
  });

  test('raised like a remote control it points up by its tilt, and a roll of the wrist changes nothing', () => {
    for (const roll of [-60, 0, 45]) {
      const p = pointing(315, 30, roll);
      near(p.azimuth, 45);
      expect(p.elevation).toBeCloseTo(30, 9);
      expect(p.by).toBe('top');
    }
  });

  test('held upright like a camera its back points, at and above the horizon', () => {
    const horizon = pointing(315, 90, 0);
    expect(horizon.by).toBe('back');
    near(horizon.azimuth, 45);
    expect(horizon.elevation).toBeCloseTo(0, 9);
    const above = pointing(315, 120, 0);
    near(above.azimuth, 45);
    expect(above.elevation).toBeCloseTo(30, 9);
    expect(pointing(315, 80, 0).elevation).toBeCloseTo(-10, 9);
  });

  test('between the two holds it does not flicker', () => {
    expect(pointing(0, 65, 0, 'top').by).toBe('top');
    expect(pointing(0, 65, 0, 'back').by).toBe('back');
    expect(pointing(0, 71, 0, 'top').by).toBe('back');
    expect(pointing(0, 59, 0, 'back').by).toBe('top');
  });
});

describe('readings', () => {
  test('are averaged across north, with their scatter', () => {
    const r = [350, 355, 5, 10].map((azimuth, k) => ({ atMs: k, azimuth, elevation: 10 + k }));
    const s = steady(r, 0, 3)!;
    near(s.azimuth, 0, 1e-9);
    expect(s.elevation).toBe(11.5);
    expect(s.spread).toBeGreaterThan(7);
    expect(s.spread).toBeLessThan(9);
    near(steady(r, 2, 3)!.azimuth, 7.5, 1e-9);
    expect(steady(r, 9, 10)).toBeNull();
  });

  test('the error is the device’s own where it gives one, wider with an unsteady hand', () => {
    expect(sigmaDeg(null, 0.5)).toBeNull();
    expect(sigmaDeg(10, 0)).toBe(10);
    expect(sigmaDeg(3, 4)).toBe(5);
    expect(sigmaDeg(null, 12)).toBe(13);
    expect(sigmaDeg(400, 0)).toBe(180);
  });
});

describe('true north', () => {
  // NOAA's published test values for WMM2025 at height 0: 80 N 0 E, 0 N 120 E, 80 S 240 E, all at 2025.0.
  test('agrees with the published test values of the World Magnetic Model', () => {
    const at = new Date('2025-01-01T00:00:00Z');
    expect(declination(80, 0, at)).toBeCloseTo(1.28, 1);
    expect(declination(0, 120, at)).toBeCloseTo(-0.16, 1);
    expect(declination(-80, 240, at)).toBeCloseTo(68.78, 1);
  });

  test('is about eight degrees east of magnetic north along the border near El Paso', () => {
    const d = declination(31.76, -106.49, new Date('2026-06-01T00:00:00Z'))!;
    expect(d).toBeGreaterThan(7);
    expect(d).toBeLessThan(8.5);
  });

  test('is not claimed where a compass is useless', () => {
    expect(declination(86.5, 150, new Date('2026-06-01T00:00:00Z'))).toBeNull();
  });
});

describe('the arrow', () => {
  test('turns with the phone, and shows true bearing with north up without a compass', () => {
    expect(arrowTurn(45, null)).toBe(45);
    expect(arrowTurn(45, 45)).toBe(0);
    expect(arrowTurn(10, 350)).toBe(20);
  });

  test('takes the shorter way round', () => {
    expect(shorterWay(350, 10)).toBe(370);
    expect(shorterWay(370, 350)).toBe(350);
    expect(shorterWay(0, 200)).toBe(-160);
  });
});

describe('eight directions', () => {
  test('are named by the nearest', () => {
    expect([0, 22, 23, 45, 180, 337, 338, 359.9].map(octant)).toEqual(['n', 'n', 'ne', 'ne', 's', 'nw', 'n', 'n']);
  });

  test('are read off a touched ring; the middle says nothing', () => {
    expect(octantAt(0, -100, 120)).toBe(0);
    expect(octantAt(100, 0, 120)).toBe(90);
    expect(octantAt(-70, -75, 120)).toBe(315);
    expect(octantAt(-1, -100, 120)).toBe(0);
    expect(octantAt(5, 5, 120)).toBeNull();
  });
});

test('distance and bearing on the ground agree with known ones', () => {
  // One minute of latitude is a nautical mile within a third of a percent.
  const north = distanceAndBearing({ lat_deg: 31.76, lon_deg: -106.49 }, { lat_deg: 31.76 + 1 / 60, lon_deg: -106.49 });
  expect(Math.abs(north.distance_m - 1852)).toBeLessThan(6);
  near(north.bearing_deg, 0);
  const east = distanceAndBearing({ lat_deg: 0, lon_deg: 0 }, { lat_deg: 0, lon_deg: 0.01 });
  expect(Math.abs(east.distance_m - 1113.2)).toBeLessThan(2);
  near(east.bearing_deg, 90);
});
