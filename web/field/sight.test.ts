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

test('at the edge a card neither comes nor goes by itself: the line takes room, and gives it back', () => {
  const head = box(16, -900, 374, -856);
  const card = (bottom: number) => box(16, -900, 374, bottom);
  const line = 72;
  const low = box(0, 80 + line, 390, 700);
  // Without the line a little less than half is seen; the line takes its room from the window, so that it is more than half.
  for (let seen = 200; seen < 420; seen += 1) {
    const is = [true];
    for (let k = 0; k < 6; k += 1) {
      const was = is.at(-1) ?? true;
      is.push(was ? cardSeen(card(80 + seen), head, window, { seen: true, line: 0 }) : cardSeen(card(80 + line + seen), head, low, { seen: false, line }));
    }
    expect(new Set(is.slice(1)).size, `${seen} px`).toBe(1);
  }
  // And a head at the edge keeps its card until its words are cut.
  expect(cardSeen(box(16, 74, 374, 374), box(16, 74, 374, 118), window, { seen: true, line: 0 })).toBe(true);
  expect(cardSeen(box(16, 70, 374, 370), box(16, 70, 374, 114), window, { seen: true, line: 0 })).toBe(false);
  expect(cardSeen(box(16, 74, 374, 374), box(16, 74, 374, 118), window)).toBe(false);
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
