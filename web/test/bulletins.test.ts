import { describe, expect, test } from 'vitest';
import { bar, csv, merged, needsCall, nextToCall, stateOf } from '../office/board';
import { blank, blankRule, KINDS, marking, Requests, ruleWords, stepName, wrong, wrongAudience, wrongRule } from '../office/bulletins';
import { badAddress, wholeAddresses } from '../office/people';
import type { BoardRow, BulletinContent, NoticeCounts, RecipientRow } from '../shared/types';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const whole = (more: Partial<BulletinContent> = {}): BulletinContent => ({ ...blank(NOW), title: 'Alert', text: 'Look up.', audience: [{ to: 'everybody' }], ...more });

describe('a draft', () => {
  test('holds for eight hours, is TLP:GREEN, asks for an acknowledgement, and is for nobody yet', () => {
    const c = blank(NOW);
    expect([c.expires_at, c.marking.tlp, c.needs_ack, c.audience]).toEqual(['2026-11-26T20:00:00.000Z', 'TLP:GREEN', true, []]);
    expect(wrong(c, NOW)).toEqual(['The title is missing.', 'The text is missing.', 'Say whom it is for: add a rule.']);
    expect(wrong(whole(), NOW)).toEqual([]);
  });
  test('is bounded as the centre bounds it', () => {
    expect(wrong(whole({ title: 'x'.repeat(121) }), NOW)).toEqual(['The title has 121 characters; at most 120 fit.']);
    expect(wrong(whole({ text_es: 'x'.repeat(4_001) }), NOW)).toEqual(['The Spanish text has 4,001 characters; at most 4,000 fit.']);
    expect(wrong(whole({ expires_at: '2026-11-26T11:59:59Z' }), NOW)).toEqual(['It must be valid until a time in the future.']);
    expect(wrong(whole({ expires_at: '' }), NOW)).toEqual(['It must be valid until a time in the future.']);
    expect(wrong(whole({ expires_at: '2027-11-28T12:00:00Z' }), NOW)).toEqual(['It can be valid for 366 days at most.']);
  });
  test('every kind of rule can be added, says what it lacks, and reads as words when it is whole', () => {
    const filled = { people: { people: ['p-1'] }, unit: { unit: 'north' }, agency: { agency: 'bp' }, on_duty: { roster: 'desk' }, in_area: { area: { shape: 'circle', centre: { lat_deg: 31.76, lon_deg: -106.49 }, radius_m: 5_000 } } } as Record<string, object>;
    for (const { to } of KINDS) {
      const rule = blankRule(to);
      const asks = ['people', 'unit', 'agency', 'on_duty', 'in_area'].includes(to);
      expect(wrongRule(rule) !== '', to).toBe(asks);
      const full = { ...rule, ...filled[to] } as typeof rule;
      expect(wrongRule(full), to).toBe('');
      expect(ruleWords(full, (_, id) => id.toUpperCase()), to).not.toMatch(/undefined|NaN|^$/);
    }
    expect(ruleWords({ to: 'unit', unit: 'north', leadership: true }, () => 'North patrol')).toBe('unit North patrol and its leadership');
    expect(wrongRule({ to: 'in_danger_soon', within_s: NaN })).toBe('Give 1 to 3,600 seconds.');
    expect(wrongRule({ to: 'neighbours', within_m: 100_001 })).toBe('Give 1 to 100,000 metres.');
  });
  test('a marking has an owner and names only where its label asks for them', () => {
    expect(marking('TLP:GREEN', 'bp', ['so'], ['p'])).toEqual({ tlp: 'TLP:GREEN', owner: null, releasable_to: ['so'], named: [] });
    expect(marking('TLP:AMBER+STRICT', 'bp', ['so'], [])).toEqual({ tlp: 'TLP:AMBER+STRICT', owner: 'bp', releasable_to: [], named: [] });
    expect(wrongAudience(whole({ marking: marking('TLP:RED', 'bp', [], []) }))).toEqual(['TLP:RED: name who may see it.']);
  });
  test('the same act pressed again is the same request, another one is not', () => {
    let k = 0;
    const r = new Requests(() => String((k += 1)));
    expect([r.of('recall', 'b', 'why'), r.of('recall', 'b', 'why'), r.of('recall', 'b', 'other'), r.of('recall', 'b', 'why')]).toEqual(['1', '1', '2', '3']);
  });
  test('a bulletin in force whose correction waits says both', () => {
    expect(stepName({ step: 'issued', version: 1, waiting: {} as never })).toBe('in force; a correction waits for a second person');
    expect(stepName({ step: 'issued', version: 1, waiting: null })).toBe('in force');
  });
});

const counts = (more: Partial<NoticeCounts>): NoticeCounts => ({ recipients: 10, queued: 0, sent: 0, delivered: 0, shown: 0, acknowledged: 0, owing: 0, escalated: 0, silent: 0, unreachable: 0, excused: 0, ...more });
const row = (person: string, more: Partial<BoardRow> = {}): BoardRow => ({
  person, name: person, unit: 'u', unit_name: 'U', agency: 'a', rule: 'unit', reached: 'delivered', channel: 'web', attempts: 1, may_repeat: false, reminder: 0, acknowledged_at: null,
  acknowledged_via: null, acknowledged_by: null, acknowledged_by_name: null, call: null, owes: true, escalated_to: null, escalated_to_name: null, silent: false, trouble: null, why: '', next: null,
  deliveries: [], done: [], ...more,
});

describe('the board', () => {
  test('a bar never holds more than everybody, and the bad part is never counted twice', () => {
    const parts = bar(counts({ acknowledged: 5, owing: 4, escalated: 3, silent: 2, excused: 1 }));
    expect(parts.map((p) => [p.what, p.people])).toEqual([['done', 5], ['excused', 1], ['waits', 1], ['bad', 3]]);
    expect(parts.reduce((s, p) => s + p.share, 0)).toBeCloseTo(1);
    expect(bar(counts({ recipients: 0 }))).toEqual([]);
  });
  test('an event changes the rows that it names, in place, and no other', () => {
    const rows = [row('a'), row('b', { escalated_to_name: 'Lead' })];
    const news: RecipientRow = { person: 'b', name: 'b', rule: 'unit', reached: 'shown', channel: 'web', acknowledged_at: '2026-11-26T12:00:00Z', owes: false, escalated_to: null, silent: false, trouble: null, may_repeat: false };
    const next = merged(rows, { recipients: [news, { ...news, person: 'z' }] });
    expect(next.map((r) => [r.person, r.acknowledged_at !== null])).toEqual([['a', false], ['b', true]]);
    expect(next[0]).toBe(rows[0]);
    expect(merged([row('b', { done: ['kit'] })], { recipients: [news] })[0]?.done).toEqual(['kit']);
    expect(merged(rows, { recipients: [{ ...news, done: ['kit'] }] })[1]?.done).toEqual(['kit']);
  });
  test('a call-round goes from one who owes to the next, round and both ways, and ends with nobody left', () => {
    const rows = [row('a', { owes: false }), row('b'), row('c', { owes: false }), row('d')];
    expect([nextToCall(rows, null), nextToCall(rows, 'b'), nextToCall(rows, 'd'), nextToCall(rows, 'd', -1), nextToCall(rows, null, -1)]).toEqual(['b', 'd', 'b', 'b', 'd']);
    expect(nextToCall([row('a')], 'a')).toBeNull();
    expect(nextToCall([], null)).toBeNull();
    expect([needsCall(row('a')), needsCall(row('a', { silent: true })), needsCall(row('a', { silent: true, owes: false }))]).toEqual([false, true, false]);
  });
  test('CSV says how each stands, and is no formula', () => {
    const lines = csv([row('a', { name: '=cmd', why: 'said "yes", later', call: { status: 'unavailable', by: 'w', by_name: 'W', at: '2026-11-26T12:00:00Z' }, owes: false })]).split('\r\n');
    expect(lines[1]).toMatch(/^a,'=cmd,u,a,unit,excused,delivered,web,1,,,,unavailable,w,2026-11-26T12:00:00Z,,,"said ""yes"", later",,$/);
    expect(csv([row('a', { done: ['kit'] })], ['armour', 'kit']).split('\r\n').map((l) => l.split(',').slice(-2))).toEqual([['measure:armour', 'measure:kit'], ['no', 'yes'], ['']]);
    expect([row('a'), row('a', { silent: true }), row('a', { escalated_to: 'l' }), row('a', { owes: false })].map(stateOf)).toEqual(['owing', 'silent', 'escalated', 'not_asked']);
  });
});

test('addresses are checked as they are typed, and empty ones are not sent', () => {
  expect([badAddress('mail', 'a@b.org'), badAddress('sms', '+15551234567'), badAddress('relay', 'siren-1'), badAddress('mail', '')]).toEqual(['', '', '', '']);
  expect(badAddress('mail', 'a b@c')).not.toBe('');
  for (const bad of ['5551234567', '+12', '+1 555 123 4567', '+1234567890123456']) expect(badAddress('sms', bad), bad).not.toBe('');
  expect(wholeAddresses({ mail: ' a@b.org ', sms: '', relay: null })).toEqual({ mail: 'a@b.org' });
});
