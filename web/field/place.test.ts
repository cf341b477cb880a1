import { expect, test } from 'vitest';
import { fixOf, mgrsOf, readPlace } from './place';

test('MGRS is read with and without spaces, as sure as its digits', () => {
  const metre = readPlace('13R CR 59571 15434')!;
  expect(metre.accuracy_m).toBe(10);
  expect(mgrsOf(metre.at)).toBe('13R CR 59571 15434');
  expect(readPlace('13R CR')!.accuracy_m).toBe(50_000);
  expect(readPlace('13rcr5957115434')!.at).toEqual(metre.at);
  expect(readPlace('13R CR 59 15')!.accuracy_m).toBe(500);
  expect(metre.byHand).toBe(true);
});

test('degrees are read in the ways in which people write them', () => {
  for (const text of ['31.7600, -106.4900', '31.7600 -106.4900', '31.7600N 106.4900W', '31.7600° N, 106.4900° W', '+31.7600;-106.4900', '31.7600 N 106.4900 O']) {
    expect(readPlace(text), text).toMatchObject({ at: { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: null } });
  }
  expect(readPlace('31.7600, -106.4900')!.accuracy_m).toBe(10);
  expect(readPlace('31.8, -106.5')!.accuracy_m).toBe(5_550);
  expect(readPlace('32, -106')!.accuracy_m).toBe(50_000);
  expect(readPlace('31 45.60 N 106 29.40 W')!.accuracy_m).toBe(10);
  expect(readPlace('31 45 36 N 106 29 24 W')!.accuracy_m).toBeCloseTo(15.4, 1);
});

test('what is no position is not made into one', () => {
  for (const text of ['', '0', 'here', '91, 0', '0, 181', '61R CR 59571 15434', '13I CR 12 34', '13R CR 123', '31.76', '1,2,3']) {
    expect(readPlace(text), text).toBeNull();
  }
});

test('a coarse position is not written to the metre', () => {
  const at = { lat_deg: 31.76, lon_deg: -106.49 };
  expect(mgrsOf(at, 8)).toMatch(/^13R CR \d{5} \d{5}$/);
  expect(mgrsOf(at, 120)).toMatch(/^13R CR \d{3} \d{3}$/);
  expect(mgrsOf({ lat_deg: 85, lon_deg: 0 })).toBe('');
});

test('a height that is not above the ellipsoid stays unknown', () => {
  const position = { timestamp: 5, coords: { latitude: 1, longitude: 2, accuracy: 8, altitude: 1200 } } as GeolocationPosition;
  expect(fixOf(position, false)).toEqual({ at: { lat_deg: 1, lon_deg: 2, alt_hae_m: 1200 }, accuracy_m: 8, atMs: 5, byHand: false });
  expect(fixOf(position, true).at.alt_hae_m).toBeNull();
});
