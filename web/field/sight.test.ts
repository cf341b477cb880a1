import { expect, test } from 'vitest';
import { cardSeen, headSeen, toBring } from './sight';

const box = (left: number, top: number, right: number, bottom: number) => ({ left, top, right, bottom });
const window = box(0, 80, 390, 700);

test('a head is before the eyes when all its height is, also at the edge', () => {
  expect(headSeen(box(16, 80, 374, 124), window)).toBe(true);
  expect(headSeen(box(16, 79.4, 374, 123.4), window)).toBe(true);
  expect(headSeen(box(16, 60, 374, 104), window)).toBe(false);
  expect(headSeen(box(16, 690, 374, 734), window)).toBe(false);
  expect(headSeen(box(16, 900, 374, 944), window)).toBe(false);
});

test('on a zoomed page the part that is looked at counts', () => {
  const corner = box(260, 400, 390, 606);
  expect(headSeen(box(16, 80, 374, 124), corner)).toBe(false);
  expect(headSeen(box(16, 420, 374, 464), corner)).toBe(true);
  expect(headSeen(box(16, 420, 290, 464), corner)).toBe(false);
});

test('in a window lower than the head, as much of it as there is room for', () => {
  expect(headSeen(box(16, 90, 374, 134), box(0, 95, 390, 120))).toBe(true);
});

test('who reads in the middle of a long card has it before them', () => {
  expect(cardSeen(box(16, -900, 374, 600), box(16, -900, 374, -856), window)).toBe(true);
  expect(cardSeen(box(16, -900, 374, 300), box(16, -900, 374, -856), window)).toBe(false);
});

test('what asks anew is brought, once, the gravest first', () => {
  const asking = [{ notice: 'w', key: 'w/1' }, { notice: 'b', key: 'b/1' }];
  const none = new Set<string>();
  expect(toBring(asking, none, none, none)).toBe('w');
  expect(toBring(asking, new Set(['b/1']), none, new Set(['b']))).toBe('w');
  expect(toBring(asking, new Set(['w/1', 'b/1']), none, none)).toBe(null);
  expect(toBring(asking, new Set(['b/1']), new Set(['w']), none)).toBe(null);
});

test('nobody is torn away from something graver that waits for their answer', () => {
  const asking = [{ notice: 'w', key: 'w/1' }, { notice: 'b', key: 'b/1' }];
  expect(toBring(asking, new Set(['w/1']), new Set(), new Set(['w']))).toBe(null);
  // But what they have before them and have answered, or what is milder, does not hold it back.
  expect(toBring(asking, new Set(['w/1']), new Set(), new Set(['x']))).toBe('b');
});
