import { describe, expect, test } from 'vitest';
import { blank, blankRule, keepable, NOWHERE, wrong } from '../office/bulletins';
import { areaWords, blankSheet, changes, cornerLines, F6, gradeName, ownMeasure, parseCorners, phrase, whole, wrongSheet } from '../office/sheets';
import type { BulletinContent } from '../shared/types';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const content = (more: Partial<BulletinContent> = {}): BulletinContent => ({ ...blank(NOW), title: 'Alert', text: 'Look up.', audience: [{ to: 'everybody' }], ...more });
const name = (_: string, id: string): string => id;

describe('the fields of an alert', () => {
  test('say what is not whole, in the order of the form, and nothing when they are', () => {
    const s = blankSheet('');
    expect(wrongSheet({ ...s, known: [{ text: phrase(), grade: F6 }], not_known: [phrase()], measures: [{ id: 'a', text: phrase() }], series: 'x' }, '2026-11-26T20:00:00Z')).toEqual([
      'The series of its number: 1 to 6 capital letters.', 'The issuing centre is missing.', 'Known 1: write it, or take it off.', 'Not known 1: write it, or take it off.',
      'Measure 1: write it, or take it off.', 'To whom a sighting is reported is missing.',
    ]);
    const good = { ...blankSheet('Centre'), report_to: phrase('the centre') };
    expect(wrongSheet(good, '2026-11-26T20:00:00Z')).toEqual([]);
    expect(wrongSheet({ ...good, valid_from: '2026-11-26T20:00:00Z', short: phrase('x'.repeat(91)), brief: phrase('', 'x'.repeat(361)) }, '2026-11-26T20:00:00Z'))
      .toEqual(['It would begin after its end.', 'The 90-character text: at most 90 characters fit.', 'The 360-character text: at most 360 characters fit.']);
    expect(wrong(content({ sheet: blankSheet('Centre') }), NOW)).toEqual(['To whom a sighting is reported is missing.']);
  });
  test('nothing is graded better than F6 unless somebody judged', () => {
    const s = whole({ series: 'OSA', kind: phrase('x'), issuer: 'c', known: [{ text: phrase('y') } as never] });
    expect(gradeName(s.known[0]!.grade)).toBe('F6');
    expect(s.report_to).toEqual({ en: '', es: '' });
  });
  test('an own measure gets a name that fits and that no other has', () => {
    expect(ownMeasure('Park the vehicles under the trees!', [])).toBe('park-the-vehicles-under-the-trees');
    expect(ownMeasure('¡Árboles!', ['arboles'])).toBe('arboles-2');
    expect(ownMeasure('…', ['own'])).toBe('own-2');
    expect(ownMeasure('x'.repeat(500), [])).toMatch(/^[a-z0-9-]{1,64}$/);
  });
});

describe('corners', () => {
  test('are read from lines or semicolons as degrees or MGRS; a closed ring is opened', () => {
    const read = parseCorners('31.76, -106.49\n31.77 -106.49; 31.77, -106.47\n31.76, -106.49');
    expect([read.points.length, read.wrong]).toEqual([3, '']);
    expect(parseCorners(cornerLines({ shape: 'polygon', points: read.points })).points).toEqual(read.points);
    expect(parseCorners('13R CR 58943 15119\n13R CR 59943 15119\n13R CR 59943 16119').wrong).toBe('');
  });
  test('that are none are named by their number', () => {
    expect(parseCorners('31.76, -106.49\nhere').wrong).toBe('Corner 2 is no MGRS position and no pair of degrees: here');
    expect(parseCorners('31.76, -106.49').wrong).toBe('Give at least three corners; there is one.');
    expect(parseCorners('').wrong).toBe('Give at least three corners; there are 0.');
  });
  test('read as words', () => {
    expect(areaWords({ shape: 'polygon', points: parseCorners('31.76, -106.49; 31.77, -106.49; 31.77, -106.47').points })).toMatch(/^within 3 corners: 13R CR/);
  });
});

test('what a template left open is named until it is filled in', () => {
  const sheet = { ...blankSheet('Centre'), report_to: phrase('{leader}'), template: 'osa@1' };
  expect(wrong(content({ sheet, title: 'Drones near {place}', text_es: 'cerca de {place.es}' }), NOW)).toEqual(['Still to be filled in: {place}, {place.es}, {leader}.']);
  expect(wrong(content({ title: 'A set is written {a, b}' }), NOW)).toEqual([]);
});

test('what is still to be filled in is not kept, and all else is', () => {
  const c = content({ title: '', audience: [blankRule('unit'), { to: 'everybody' }], area: structuredClone(NOWHERE), expires_at: '' });
  const kept = keepable(c, NOW);
  expect([kept.audience, kept.area, kept.title, kept.expires_at]).toEqual([[{ to: 'everybody' }], null, '', '2026-11-26T20:00:00.000Z']);
  expect(JSON.stringify(kept)).not.toContain('null,"lon');
});

test('what changed since the version in force is said field by field, and nothing else', () => {
  const sheet = { ...blankSheet('Centre'), known: [{ text: phrase('One.'), grade: F6 }] };
  const a = content({ sheet });
  expect(changes(a, structuredClone(a), name)).toEqual([]);
  const b = { ...a, title: 'Better', sheet: { ...sheet, known: [{ text: phrase('One.'), grade: { reliability: 'B' as const, credibility: 2 } }], release_why: 'asked' } };
  expect(changes(a, b, name)).toEqual([
    { field: 'Title', before: 'Alert', after: 'Better' }, { field: 'Known', before: 'F6 One.', after: 'B2 One.' }, { field: 'Why it is released', before: '', after: 'asked' },
  ]);
  expect(changes(content(), a, name).map((c) => c.field)).toEqual(['Kind', 'Series', 'Issuing centre', 'Known']);
});
