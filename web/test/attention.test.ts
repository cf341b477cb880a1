import { describe, expect, test } from 'vitest';
import { alarmKey, attention, dangerKey, FOLD, handOf, inHand, needsMyAcknowledgement, sounding, type Input } from '../console/attention';
import { fromHash, same, toHash } from '../console/selection';
import type { Alarm, Bulletin, Danger, Level, NoticeView, PersonView, RecipientRow, SightingView, SourceView } from '../shared/types';

const NOW = Date.parse('2026-11-23T06:14:00Z');
const row = (person: string, over: Partial<RecipientRow> = {}): RecipientRow => ({
  person, name: person, rule: 'in_danger', reached: 'sent', channel: 'web', acknowledged_at: null, escalated_to: null, silent: false,
  trouble: null, may_repeat: false, ...over,
});
function notice(id: string, track: string, who: string, level: Level, earliest_s: number, recipients: RecipientRow[] = [row(who)], over: object = {}): NoticeView {
  return {
    notice: {
      kind: 'warning', id, version: 1, state: 'raised', level, at: '2026-11-23T06:13:50Z', track, protected: who.startsWith('post') ? { site: who } : { person: who },
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
  ({ id, kind: 'radar', last_heard, received: 1, decoded: 1, refused: {}, shed: 0, expected_interval_s: 1, silent, clock_offset_s: null, lag_s: null, connections: 0, trouble: null, registration: null, flood: null, samples: [] });
const person = (id: string, unreachable: boolean): PersonView => ({
  id, name: id, unit: 'u', unit_name: 'U', agency: 'a', roles: ['field'], position: null, channels_up: [], unreachable, why: null, since: null, disabled: false,
});
const input = (over: Partial<Input>): Input => ({
  notices: [], dangers: new Map(), tracks: new Map(), sightings: [], sources: [], people: [], me: 'wo', acknowledgedBefore: new Set(), nowMs: NOW, alarms: new Map(), watch: true, flood: false, ...over,
});

/** An alarm in nobody's hand that interrupts. */
const calling = (id: string, level: Level | null, over: Partial<Alarm> = {}): Alarm => ({
  alarm: { of: level === null ? 'sighting' : 'notice', id }, since: '2026-11-23T06:10:00Z', level, in_hand: false, holder: null, held_since: null, how: null,
  taken_level: null, gone_at: null, before: null, why: '', action: level === null ? 'decide' : 'see_that_they_know', incident: { of: 'track', id: 't' }, sounds: true,
  calls_since: '2026-11-23T06:10:00Z', call: { level: level ?? 'advisory', at: '2026-11-23T06:10:00Z', why: 'new', how: 'interrupts' }, shelved_by: null, shelved_at: null,
  shelved_until: null, shelved_why: null, shelve_most_s: 1_800, down_since: null, ...over,
});
const held = (...alarms: Alarm[]): ReadonlyMap<string, Alarm> => new Map(alarms.map((a) => [alarmKey(a.alarm), a]));
describe('bulletins', () => {
  const bulletin = (over: object = {}, more: Partial<NoticeView> = {}): NoticeView => ({
    notice: {
      kind: 'bulletin', id: 'b', version: 1, state: 'issued', level: 'urgent', at: '2026-11-23T06:13:50Z', needs_ack: true, title: 'Officer Safety Alert', title_es: '',
      audience: [], area: null, issued_by: 'ann', approved_by: 'bob', break_glass: null, why: '', expires_at: '2026-11-23T14:00:00Z',
      marking: { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] }, exercise: null, code: '12345', text: '', text_es: '', ...over,
    },
    unrecorded: false, recipients: [row('wo', { owes: true })], mine: true, acknowledged: false, ...more,
  });
  test('one that waits for me stands among what has no level: it never interrupts', () => {
    // As the page gives them: an iterator.
    const rows = attention(input({ notices: [bulletin(), notice('1', 't', 'ann', 'advisory', 30)].values() }));
    expect(rows.map((r) => [r.key, r.kind, r.what])).toEqual([['track/t', 'warning', 'drone t → ann'], ['bulletin/b', 'report', 'Officer Safety Alert']]);
    expect(attention(input({ notices: [bulletin()] })).every((r) => r.level === null)).toBe(true);
    expect(attention(input({ notices: [bulletin()] })).every((r) => r.sounds === null)).toBe(true);
  });
  test('one that is over, acknowledged or not mine asks nothing', () => {
    const quiet = [
      bulletin({ state: 'recalled' }), bulletin({ expires_at: '2026-11-23T06:13:59Z' }), bulletin({}, { recipients: [row('wo', { owes: false })] }), bulletin({}, { mine: false }),
    ];
    for (const n of quiet) expect(attention(input({ notices: [n] }))).toEqual([]);
  });
  test('what waits for a second person asks those who may approve it, and nobody else', () => {
    const waits = (approve: boolean): Bulletin => ({ notice: 'b', waiting: { by: 'ann', by_name: 'Ann', at: '2026-11-23T06:13:50Z', content: { title: 'Alert' } }, may: { approve } }) as Bulletin;
    expect(attention(input({ bulletins: [waits(true)] })).map((r) => [r.word, r.what])).toEqual([['to approve', 'Alert']]);
    expect(attention(input({ bulletins: [waits(false)] }))).toEqual([]);
  });
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
  test('a sensor that is off by more than is put right asks somebody to look at it; one that was put right asks nothing', () => {
    const off = (azimuth: number, applied: boolean): SourceView => ({
      ...source('df-1', false, '2026-11-23T06:13:59Z'),
      registration: { range_m: null, azimuth_deg: { off: azimuth, sigma: 0.3, sure: true }, elevation_deg: null, clock_s: null, rests_on: 40, applied },
    });
    expect(attention(input({ sources: [off(-7.14, false)] })).map((r) => [r.word, r.what])).toEqual([['misaligned', 'Source df-1: 7.1° ± 0.3° too far left']]);
    expect(attention(input({ sources: [off(1.2, true)] }))).toEqual([]);
  });
  test('a flood of new names is one row however many there are', () => {
    const s: SourceView = { ...source('rid-1', false, '2026-11-23T06:10:00Z'), flood: { since: '2026-11-23T06:09:00Z', names: 61_204 } };
    const rows = attention(input({ sources: [s] }));
    expect(rows.map((r) => [r.word, r.since])).toEqual([['flood', '2026-11-23T06:09:00Z']]);
    expect(rows[0]!.what).toContain('new names, most likely made up');
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

describe('what sounds', () => {
  const forWatch = row('wo', { rule: 'centre', owes: true });
  const late = { level: 'caution', at: '2026-11-23T06:12:00Z', why: 'new', how: 'interrupts' } as const;
  test('the highest level that the centre says sounds, and when it interrupted last', () => {
    const notices = [notice('1', 'ta', 'ann', 'urgent', 3, [forWatch]), notice('2', 'tb', 'bob', 'caution', 9, [forWatch]), notice('3', 'tc', 'cy', 'caution', 9, [forWatch])];
    const rows = (...a: Alarm[]) => attention(input({ notices, alarms: held(...a) }));
    const silent = { sounds: false };
    expect(sounding(rows(calling('1', 'urgent'), calling('2', 'caution')))).toEqual({ level: 'urgent', mark: '2026-11-23T06:10:00Z' });
    expect(sounding(rows(calling('1', 'urgent', silent), calling('2', 'caution'), calling('3', 'caution', { call: late })))).toEqual({ level: 'caution', mark: late.at });
    // Folded into a sound: no newer interruption.
    expect(sounding(rows(calling('2', 'caution'), calling('3', 'caution', { call: { ...late, how: 'folded' } })))).toEqual({ level: 'caution', mark: '2026-11-23T06:10:00Z' });
    // What sounds is to be taken, owed or not.
    expect(attention(input({ notices: [notice('2', 'tb', 'bob', 'caution', 9, [row('wo', { rule: 'centre', owes: false })])], alarms: held(calling('2', 'caution')) }))[0]!.mine).toBe(true);
    // Only the centre decides: a warning that waits for the watch and does not sound there does not sound here.
    expect(sounding(rows(calling('1', 'urgent', silent))).level).toBeNull();
    expect(sounding([]).level).toBeNull();
  });
  test('a report sounds as an advisory, also behind the row of those that are folded', () => {
    const many = Array.from({ length: 9 }, (_, i) => sighting(`s${i}`, `2026-11-23T06:0${i}:00Z`));
    expect(sounding(attention(input({ sightings: many, alarms: held(calling('s8', null)) }))).level).toBe('advisory');
    expect(sounding(attention(input({ sightings: many, alarms: held(calling('s8', null)), watch: false }))).level).toBeNull();
  });
  test('what is addressed to me as somebody in danger or as a supervisor sounds for me, whatever the watch makes of it', () => {
    for (const rule of ['in_danger', 'escalation'] as const) {
      const own = [notice('1', 'ta', 'wo', 'urgent', 3, [row('wo', { rule, owes: true })])];
      for (const watch of [true, false]) expect(sounding(attention(input({ notices: own, watch, alarms: held(calling('1', 'urgent', { sounds: false })) }))).level).toBe('urgent');
    }
  });
});

test('a channel that does not work stands among the cautions, sounds, and is taken', () => {
  const sms = calling('sms', null, { alarm: { of: 'channel', id: 'sms' }, action: 'mend', incident: { of: 'channel', id: 'sms' }, call: { level: 'caution', at: '2026-11-23T06:10:00Z', why: 'new', how: 'interrupts' } });
  const notices = [notice('1', 'ta', 'ann', 'urgent', 3), notice('2', 'tb', 'bob', 'advisory', 3)];
  const rows = attention(input({ notices, alarms: held(sms) }));
  expect(rows.map((r) => r.key)).toEqual(['track/ta', 'channel/sms', 'track/tb']);
  expect([rows[1]!.mine, rows[1]!.sounds, rows[1]!.what]).toEqual([true, 'caution', 'SMS does not work']);
  const down = { ...sms, down_since: '2026-11-23T06:08:00Z' };
  expect(attention(input({ alarms: held(down) })).map((r) => r.what)).toEqual(['SMS is down']);
  expect(attention(input({ alarms: held(sms), watch: false })).map((r) => [r.mine, r.sounds])).toEqual([[false, null]]);
});

describe('a flood', () => {
  test('puts reports under the drone that they fed, and drops none', () => {
    const fed = (id: string, track: string | null): SightingView => sighting(id, '2026-11-23T06:10:00Z', { track });
    const notices = [notice('1', 't', 'ann', 'caution', 9), notice('2', 't', 'bob', 'urgent', 9)];
    const sightings = [fed('s1', 't'), fed('s2', null), fed('s3', 't'), fed('s4', 'gone')];
    const rows = (flood: boolean) => attention(input({ notices, sightings, flood }));
    expect(rows(true).map((r) => [r.key, r.alarms.map((a) => a.id).sort()])).toEqual([['track/t', ['1', '2', 's1', 's3']], ['sighting/s2', ['s2']], ['sighting/s4', ['s4']]]);
    for (const flood of [true, false]) expect(rows(flood).flatMap((r) => r.alarms.map((a) => a.id)).sort()).toEqual(['1', '2', 's1', 's2', 's3', 's4']);
    // A drone that endangers nobody yet: its reports stand together all the same.
    const gone = [...sightings, fed('s5', 'gone')];
    const row = attention(input({ notices, sightings: gone, flood: true })).find((r) => r.key === 'track/gone')!;
    expect([row.what, row.alarms.map((a) => a.id), row.select]).toEqual(['drone gone: 2 reports', ['s4', 's5'], { kind: 'track', id: 'gone' }]);
    const many = Array.from({ length: 40 }, (_, i) => fed(`m${i}`, i % 2 ? 't' : null));
    expect(attention(input({ notices, sightings: many, flood: true })).flatMap((r) => r.alarms).length).toBe(42);
  });
});

test('what is shelved stands below, says by whom and until when, and asks nobody', () => {
  const shelf = { sounds: false, shelved_by: { id: 'north', name: 'North desk' }, shelved_until: '2026-11-23T06:20:00Z', shelved_why: 'a survey' };
  const notices = [notice('1', 'ta', 'ann', 'urgent', 3, [row('wo', { rule: 'centre', owes: true })]), notice('2', 'tb', 'bob', 'advisory', 9)];
  const rows = attention(input({ notices, alarms: held(calling('1', 'urgent', shelf)) }));
  expect(rows.map((r) => [r.key, r.mine, r.hand.says])).toEqual([['track/tb', true, ''], ['track/ta', false, 'shelved by North desk until 06:20:00 UTC: a survey']]);
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

describe('alarms in hand', () => {
  const officer = { id: 'north', name: 'North desk' };
  const alarm = (id: string, over: Partial<Alarm> = {}): Alarm => ({
    ...calling(id, 'caution'), sounds: false, in_hand: true, holder: officer, held_since: '2026-11-23T06:14:00Z', how: 'taken', taken_level: 'caution', ...over,
  });
  const asksWatch = row('wo', { rule: 'centre', owes: true });

  test('an alarm is in a hand while its holder is here and its level no higher than taken', () => {
    for (const [what, a, level, is] of [
      ['nobody ever', undefined, 'caution', false],
      ['as taken', alarm('1'), 'caution', true],
      ['fallen', alarm('1'), 'advisory', true],
      ['risen', alarm('1'), 'urgent', false],
      ['gone', alarm('1', { gone_at: '2026-11-23T06:14:00Z' }), 'caution', false],
      ['handed back', alarm('1', { holder: null }), 'caution', false],
      ['a report', alarm('1', { level: null, taken_level: null }), null, true],
    ] as const) expect(inHand(a, level), what).toBe(is);
  });
  test('in words: me, another, nobody, and why nobody any more', () => {
    const says = (a: Alarm | undefined, me = 'wo'): string[] => {
      const h = handOf([{ alarm: a, level: 'caution' }], me);
      return [h.is, h.says];
    };
    expect(says(undefined)).toEqual(['nobody', '']);
    expect(says(alarm('1'))).toEqual(['other', 'North desk since 06:14:00 UTC']);
    expect(says(alarm('1'), 'north')).toEqual(['mine', 'you since 06:14:00 UTC']);
    expect(says(alarm('1', { holder: null, how: 'handed_back', before: officer, why: 'lunch' }))).toEqual(['dropped', 'handed back by North desk: lunch']);
    expect(says(alarm('1', { gone_at: '2026-11-23T06:14:05Z' }))).toEqual(['dropped', 'North desk gone since 06:14:05 UTC']);
    expect(says(alarm('1', { taken_level: 'advisory' }))).toEqual(['dropped', 'worse than when North desk took it']);
    // One of several in nobody's hand: the drone is in nobody's.
    expect(handOf([{ alarm: alarm('1'), level: 'caution' }, { alarm: undefined, level: 'caution' }], 'wo').is).toBe('nobody');
  });
  test('what another has in hand stands below what nobody has, and asks no more', () => {
    const urgent = notice('1', 'ta', 'ann', 'urgent', 10, [row('ann'), asksWatch]);
    const caution = notice('2', 'tb', 'bob', 'caution', 60, [row('bob'), asksWatch]);
    const free = attention(input({ notices: [urgent, caution] }));
    expect(free.map((r) => r.key)).toEqual(['track/ta', 'track/tb']);
    const rows = attention(input({ notices: [urgent, caution], alarms: held(alarm('1', { level: 'urgent', taken_level: 'urgent' })) }));
    expect(rows.map((r) => [r.key, r.mine, r.hand.is])).toEqual([['track/tb', true, 'nobody'], ['track/ta', false, 'other']]);
  });
  test('a higher level breaks through, and so does what was handed back or whose holder went', () => {
    const quiet = row('wo', { rule: 'centre', owes: false, acknowledged_at: '2026-11-23T06:13:00Z' });
    const n = notice('1', 'ta', 'ann', 'urgent', 10, [row('ann'), quiet], {});
    for (const a of [alarm('1'), alarm('1', { holder: null, how: 'handed_back', before: officer, why: 'x' }), alarm('1', { taken_level: 'urgent', gone_at: '2026-11-23T06:14:00Z' })]) {
      const rows = attention(input({ notices: [n], alarms: held(a) }));
      expect([rows[0]!.mine, rows[0]!.hand.is]).toEqual([true, 'dropped']);
      // Who is not of the watch is not asked to take it.
      expect(attention(input({ notices: [n], alarms: held(a), watch: false }))[0]!.mine).toBe(false);
    }
  });
  test('who is in danger themself is asked, whoever at the centre has it in hand', () => {
    const n = notice('1', 'ta', 'wo', 'urgent', 10, [row('wo', { owes: true })]);
    expect(attention(input({ notices: [n], alarms: held(alarm('1', { taken_level: 'urgent' })) }))[0]!.mine).toBe(true);
  });
  test('a report in hand stands below those that nobody has', () => {
    const rows = attention(input({
      sightings: [sighting('s1', '2026-11-23T06:10:00Z'), sighting('s2', '2026-11-23T06:13:00Z')],
      alarms: held(alarm('s1', { alarm: { of: 'sighting', id: 's1' }, level: null, taken_level: null })),
    }));
    expect(rows.map((r) => [r.key, r.hand.says])).toEqual([['sighting/s2', ''], ['sighting/s1', 'North desk since 06:14:00 UTC']]);
  });
});
