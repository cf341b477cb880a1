import { expect, test } from 'vitest';
import { uuidv7 } from '../shared/ids';

test('ids are UUIDv7, carry the clock, and never go back within a page', () => {
  const before = Date.now();
  const ids = Array.from({ length: 5000 }, () => uuidv7());
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  expect(parseInt(ids[0]!.replace('-', '').slice(0, 12), 16)).toBeGreaterThanOrEqual(before);
});

test('a clock that steps back does not break the order', () => {
  const a = uuidv7(2_000_000_000_000);
  const b = uuidv7(1_900_000_000_000);
  expect(b > a).toBe(true);
});
