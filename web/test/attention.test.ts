import { describe, expect, test } from 'vitest';
import { attention, dangerKey, FOLD, needsMyAcknowledgement, soundingLevel, type Input } from '../console/attention';
import { fromHash, same, toHash } from '../console/selection';
import type { Danger, Level, NoticeView, PersonView, RecipientRow, SightingView, SourceView } from '../shared/types';

const NOW = Date.parse('2026-11-23T06:14:00Z');
const row = (person: string, over: Partial<RecipientRow> = {}): RecipientRow => ({
  person, name: person, rule: 'in_danger', reached: 'sent', channel: 'web', acknowledged_at: null, escalated_to: null, silent: false,
  trouble: null, may_repeat: false, ...over,
});
function notice(id: string, track: string, who: string, level: Level, earliest_s: number, recipients: RecipientRow[] = [row(who)], over: object = {}): NoticeView {
  return {
    notice: {
      id, version: 1, state: 'raised', level, at: '2026-11-23T06:13:50Z', track, protected: who.startsWith('post') ? { site: who } : { person: who },
      protected_name: who, needs_ack: true,
      facts: { distance_m: 400, bearing_deg: 45, earliest_s, cpa_m: 20, p_within_30: 0.6, track_at: { lat_deg: 31, lon_deg: -106 }, height_unknown: false, by_people_only: false },
      reasons: [], because: [], marking: { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] }, exercise: null, code: '1234', text: '', text_es: '', ...over,
    },
    unrecorded: false, recipients, mine: true, acknowledged: false,
  };
}
function sighting(id: string, stored_at: string, over: Partial<SightingView> = {}): SightingView {
  return {
    sighting: { id, kind: 'multirotor', count: 2, activity: 'approaching' } as SightingView['sighting'],
    stored_at, verdict: { is: 'new' }, decided_by: null, decided_at: null, why: '', leaders: [], seen_by_centre: null, seen_by_leadership: null,
    retracted_at: null, track: null, reporter_name: 'Agent 3', ...over,
  };
}
const source = (id: string, silent: boolean, last_heard: string | null): SourceView =>
  ({ id, kind: 'radar', last_heard, received: 1, decoded: 1, refused: {}, shed: 0, expected_interval_s: 1, silent, samples: [] });
const person = (id: string, unreachable: boolean): PersonView => ({
  id, name: id, unit: 'u', unit_name: 'U', agency: 'a', roles: ['field'], position: null, channels_up: [], unreachable, why: null,
});
const input = (over: Partial<Input>): Input => ({
  notices: [], dangers: new Map(), tracks: new Map(), sightings: [], sources: [], people: [], me: 'wo', acknowledgedBefore: new Set(), nowMs: NOW, ...over,
});

describe('order of what needs someone', () => {
  test('level first, then time left, then what has no level, oldest first', () => {
    const rows = attention(input({
      notices: [notice('1', 'ta', 'ann', 'advisory', 200), notice('2', 'tb', 'bob', 'urgent', 30), notice('3', 'tc', 'cat', 'caution', 5), notice('4', 'td', 'dan', 'urgent', 12)],
      sightings: [sighting('s2', '2026-11-23T06:13:00Z'), sighting('s1', '2026-11-23T06:10:00Z')],
      sources: [source('radar-1', true, '2026-11-23T06:12:00Z'), source('rid-1', false, '2026-11-23T06:13:59Z')],
      people: [person('eve', true), person('fay', false)],
    }));
    expect(rows.map((r) => r.key)).toEqual(['track/td', 'track/tb', 'track/tc', 'track/ta', 'sighting/s1', 'source/radar-1', 'sighting/s2', 'people']);
    expect(rows.map((r) => r.word)).toEqual(['urgent', 'urgent', 'caution', 'advisory', 'report', 'silent', 'report', 'unreachable']);
  });
  test('a live danger overrides the time that the notice was made with, which else runs down', () => {
    const n = notice('1', 'ta', 'ann', 'urgent', 30);
    expect(attention(input({ notices: [n] }))[0]!.left_s).toBe(20);
    const d = { track: 'ta', protected: { person: 'ann' }, earliest_s: 7, distance_m: 90, bearing_deg: 10 } as Danger;
    const live = attention(input({ notices: [n], dangers: new Map([[dangerKey('ta', { person: 'ann' }), d]]) }))[0]!;
    expect([live.left_s, live.near?.distance_m]).toEqual([7, 90]);
    expect(attention(input({ notices: [n], nowMs: NOW + 3_600_000 }))[0]!.left_s).toBe(0);
  });
  test('the time left of a group is that of its highest level', () => {
    const [r] = attention(input({ notices: [notice('1', 't', 'ann', 'caution', 11), notice('2', 't', 'bob', 'urgent', 40)] }));
    expect([r!.level, r!.left_s, r!.near!.name]).toEqual(['urgent', 30, 'bob']);
  });
});

describe('warnings of one track are one row', () => {
  const centre = row('wo', { rule: 'centre', name: 'Watch', acknowledged_at: '2026-11-23T06:13:55Z' });
  test('people and sites counted, acknowledgements of people and not of the centre, silence named', () => {
    const [r, ...rest] = attention(input({
      notices: [
        notice('1', 't', 'ann', 'urgent', 30, [row('ann', { acknowledged_at: '2026-11-23T06:13:58Z' }), centre]),
        notice('2', 't', 'bob', 'urgent', 40, [row('bob', { silent: true }), row('lead', { rule: 'escalation' }), row('cy', { rule: 'centre', escalated_to: 'lead' }), centre]),
        notice('3', 't', 'post-2', 'caution', 90, [row('ann', { rule: 'site_unit' })]),
      ],
    }));
    expect(rest).toEqual([]);
    expect(r!.what).toBe('drone t → 2 people and 1 site');
    // Ann acknowledged for herself but not for the post: she is not done.
    expect(r!.acknowledged).toEqual({ of: 2, done: 0 });
    expect([r!.takenBy, r!.silent, r!.call]).toEqual([['Watch'], ['bob', 'cy'], ['bob']]);
  });
  test('cleared warnings are gone, unrecorded ones say so', () => {
    const open = { ...notice('2', 't', 'bob', 'caution', 40), unrecorded: true };
    const [r] = attention(input({ notices: [notice('1', 't', 'ann', 'urgent', 3, [], { state: 'cleared' }), open] }));
    expect([r!.level, r!.what, r!.unrecorded]).toEqual(['caution', 'drone t → bob', true]);
    expect(attention(input({ notices: [notice('1', 't', 'ann', 'urgent', 3, [], { state: 'cleared' })] }))).toEqual([]);
  });
});

test('nothing asks twice: an update that needs no acknowledgement stays quiet after one', () => {
  const v2 = notice('1', 't', 'ann', 'urgent', 3, [], { version: 2, needs_ack: false });
  expect(needsMyAcknowledgement(v2, 'wo', new Set())).toBe(true);
  expect(needsMyAcknowledgement(v2, 'wo', new Set(['1']))).toBe(false);
  expect(needsMyAcknowledgement(notice('1', 't', 'ann', 'urgent', 3, [], { version: 3 }), 'wo', new Set(['1']))).toBe(true);
  expect(needsMyAcknowledgement({ ...v2, mine: false }, 'wo', new Set())).toBe(false);
});

test('where the centre says who owes an acknowledgement, that counts', () => {
  const v = (owes: boolean, acknowledged: boolean): NoticeView => ({ ...notice('1', 't', 'ann', 'urgent', 3, [row('wo', { rule: 'centre', owes })]), acknowledged });
  expect([v(true, true), v(false, false)].map((n) => needsMyAcknowledgement(n, 'wo', new Set()))).toEqual([true, false]);
});

test('sound follows the highest level that waits for me', () => {
  const rows = attention(input({ notices: [{ ...notice('1', 'ta', 'ann', 'urgent', 3), acknowledged: true }, notice('2', 'tb', 'bob', 'caution', 9)] }));
  expect(soundingLevel(rows)).toBe('caution');
  expect(soundingLevel([])).toBeNull();
});

test('many reports fold, none is lost; decided and taken-back ones are not asked about', () => {
  const many = Array.from({ length: 9 }, (_, i) => sighting(`s${i}`, `2026-11-23T06:0${i}:00Z`));
  const rows = attention(input({ sightings: [...many, sighting('d', '2026-11-23T06:00:00Z', { verdict: { is: 'dismissed' } }), sighting('r', '2026-11-23T06:00:00Z', { retracted_at: '2026-11-23T06:00:09Z' })] }));
  expect(rows.length).toBe(FOLD);
  expect(rows.at(-1)!.what).toBe('5 more reports');
  expect(attention(input({ sightings: many.slice(0, FOLD) })).length).toBe(FOLD);
});

test('the address holds the selection and nonsense selects nothing', () => {
  for (const s of [{ kind: 'track', id: 'a/b #1' }, { kind: 'people' }, null] as const) expect(same(fromHash(toHash(s)), s)).toBe(true);
  for (const bad of ['#', '#nothing', '#track', '#track/', '#people/1', '#sign-in=abc', '#track/%E0%A4%A']) expect(fromHash(bad), bad).toBeNull();
});
