import { forward, inverse } from 'mgrs';
import { describe, expect, test } from 'vitest';
import * as f from '../shared/format';
import { fromMgrs, toMgrs } from '../shared/mgrs';

describe('numbers carry their unit', () => {
  test('bearings have three digits and wrap', () => {
    expect([0, 5, 44.6, 359.4, 359.6, -90].map(f.bearing)).toEqual(['000°', '005°', '045°', '359°', '000°', '270°']);
    expect(f.bearing(NaN)).toBe('bearing unknown');
    expect([0, 22.4, 22.6, 350].map(f.wind)).toEqual(['N', 'N', 'NE', 'N']);
  });
  test('distances have two significant figures', () => {
    expect([0, 4.4, 47.3, 354, 994, 996, 1_234, 9_960, 12_340, 123_456].map((m) => f.distance(m)))
      .toEqual(['0 m', '4 m', '47 m', '350 m', '990 m', '1.0 km', '1.2 km', '10 km', '12 km', '120 km']);
    expect([1, 100, 340, 1_200, 20_000].map((m) => f.distance(m, 'feet'))).toEqual(['3 ft', '330 ft', '1,100 ft', '0.75 mi', '12 mi']);
    expect(f.distance(-1)).toBe('distance unknown');
  });
  test('time left is in seconds below two minutes', () => {
    expect([-3, 0, 0.4, 1, 59.9, 119.9, 120, 3_599, 3_600, 4_800, Infinity].map(f.timeLeft))
      .toEqual(['now', 'now', '1 s', '1 s', '59 s', '119 s', '2 min', '59 min', '1 h', '1 h 20 min', 'not reachable']);
  });
  test('a moment ago is never negative', () => {
    expect([-5, 0.2, 3.7, 130, 9_000, 400_000, Infinity].map(f.ago))
      .toEqual(['just now', 'just now', '3 s ago', '2 min ago', '2 h ago', '4 days ago', 'never']);
  });
  test('certainty is not rounded into being', () => {
    expect([0, 0.001, 0.456, 0.999, 1].map(f.percent)).toEqual(['0 %', 'under 1 %', '46 %', 'over 99 %', '100 %']);
  });
  test('speed and height', () => {
    expect([f.speed(3.26), f.speed(14.4), f.speed(20, 'feet'), f.height(62.4), f.height(1_000, 'feet')])
      .toEqual(['3.3 m/s', '14 m/s', '45 mph', '62 m', '3,281 ft']);
  });
});

describe('times are UTC with local beside', () => {
  test('both are named', () => {
    const t = '2026-11-23T06:14:05.2Z';
    expect(f.utc(t)).toBe('06:14:05 UTC');
    expect(f.local(t, 'America/Denver')).toBe('23:14:05 MST');
    expect(f.absolute(t, 'America/Denver')).toBe('2026-11-23 06:14:05 UTC (23:14:05 MST)');
    expect(f.utc('nonsense')).toBe('time unknown');
  });
});

describe('places', () => {
  const elPaso = { lat_deg: 31.76, lon_deg: -106.49 };
  test('each form', () => {
    expect(f.place(elPaso)).toMatch(/^13R CR \d{5} \d{5}$/);
    expect(f.place(elPaso, 'decimal')).toBe('31.76000° N, 106.49000° W');
    expect(f.place(elPaso, 'minutes')).toBe('31° 45.600′ N, 106° 29.400′ W');
    expect(f.place(elPaso, 'seconds')).toBe('31° 45′ 36.0″ N, 106° 29′ 24.0″ W');
    expect(f.place({ lat_deg: -0.9999999, lon_deg: 9.9999999 }, 'seconds')).toBe('1° 00′ 00.0″ S, 10° 00′ 00.0″ E');
    expect(f.place({ lat_deg: 85, lon_deg: 0 })).toBe('85.00000° N, 0.00000° E');
    expect(f.place({ lat_deg: NaN, lon_deg: 0 })).toBe('place unknown');
  });
  test('what is printed can be typed back', () => {
    for (let i = 0; i < 400; i += 1) {
      const p = { lat_deg: -79 + ((i * 37.77) % 162), lon_deg: -179.9 + ((i * 101.3) % 359.8) };
      for (const form of ['mgrs', 'decimal', 'minutes', 'seconds'] as const) {
        const back = f.parsePlace(f.place(p, form));
        expect(back, `${f.place(p, form)}`).not.toBeNull();
        const m = Math.hypot((back!.lat_deg - p.lat_deg) * 111_000, (back!.lon_deg - p.lon_deg) * 111_000 * Math.cos((p.lat_deg * Math.PI) / 180));
        expect(m, `${form} ${f.place(p, form)}`).toBeLessThan(3);
      }
    }
  });
  test('other ways of typing, and nonsense', () => {
    expect(f.parsePlace('31.76, -106.49')).toEqual(elPaso);
    expect(f.parsePlace('N31.76 W106.49')).toEqual(elPaso);
    expect(f.parsePlace('w 106 29 24 n 31 45 36')?.lat_deg).toBeCloseTo(31.76, 9);
    for (const bad of ['', 'agent 3', '31.76', '91, 0', '10 70, 20 10', '13R CR 123', '99R CR 1 1', 'sensor-14']) {
      expect(f.parsePlace(bad), bad).toBeNull();
    }
  });
  test('MGRS agrees with an independent implementation', () => {
    for (let i = 0; i < 3_000; i += 1) {
      const lat = -79.9 + ((i * 61.803) % 163.8);
      const lon = -179.99 + ((i * 137.508) % 359.98);
      const own = toMgrs(lat, lon)!;
      // The other rounds to the nearest metre, ours cuts: its square is ours or a neighbour.
      const [west, south, east, north] = inverse(forward([lon, lat], 5));
      const back = fromMgrs(own)!;
      const m = Math.hypot((back.lat_deg - (south + north) / 2) * 111_200, (back.lon_deg - (west + east) / 2) * 111_320 * Math.cos((lat * Math.PI) / 180));
      expect(m, `${lat} ${lon} ${own} ${forward([lon, lat], 5)}`).toBeLessThan(2.5);
    }
  });
  test('MGRS of a known place (NGA.STND.0037: Honolulu is in 4Q FJ)', () => {
    expect(toMgrs(21.309444, -157.916944)).toMatch(/^4Q FJ /);
    expect(toMgrs(84, 0)).toBeNull();
    expect(fromMgrs('4QFJ')).not.toBeNull();
  });
});
