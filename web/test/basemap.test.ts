import { expect, test } from 'vitest';
import { makeBasemap } from '../build/basemap';
import { decodeBasemap } from '../shared/map/basemap';

// The file is made here: seconds on a busy machine.
const SLOW = 60_000;

test('the packed basemap reads back with borders, coasts, states and names where they are', { timeout: SLOW }, () => {
  const file = makeBasemap();
  expect(file.byteLength).toBeLessThan(700_000);
  const map = decodeBasemap(file);
  const kinds = new Set(map.lines.features.map((f) => f.properties.is));
  expect([...kinds].sort()).toEqual(['coast', 'country', 'county', 'state', 'us']);
  for (const f of map.lines.features) {
    for (const [lon, lat] of f.geometry.coordinates as [number, number][]) {
      expect(Math.abs(lon) <= 180.01 && Math.abs(lat) <= 90.01).toBe(true);
    }
  }
  // El Paso: the border of the United States passes within 0.02 degrees of 31.7585 N 106.5290 W (monument 1 on the Rio Grande, 31.7839 N).
  const near = map.lines.features.some((f) => f.properties.is === 'us'
    && (f.geometry.coordinates as [number, number][]).some(([lon, lat]) => Math.hypot(lon + 106.529, lat - 31.784) < 0.02));
  expect(near).toBe(true);
  const texas = map.names.features.find((f) => f.properties.name === 'Texas');
  expect(texas?.geometry.coordinates[0]).toBeCloseTo(-99.3, 0);
  expect(map.names.features.some((f) => f.properties.name === 'Mexico' && f.properties.is === 'country')).toBe(true);
});

test('a file that is cut short is refused, not drawn', { timeout: SLOW }, () => {
  const file = makeBasemap();
  expect(() => decodeBasemap(file.subarray(0, file.byteLength - 10))).toThrow('cut short');
});
