import { describe, expect, test } from 'vitest';
import type { OutboxItem } from '../shared/outbox';
import type { BulletinNotice, Danger, NoticeView, RecipientRow, WarningNotice } from '../shared/types';
import { acknowledgement, alarmKey, bulletinsOf, endedUnknown, facts, newer, soonOf, warningsOf } from './warnings';

const row = (more: Partial<RecipientRow> = {}): RecipientRow => ({
  person: 'me', name: 'Agent 1', rule: 'in_danger', reached: 'delivered', channel: 'web', acknowledged_at: null, escalated_to: null,
  silent: false, trouble: null, may_repeat: false, ...more,
});
const view = (n: Partial<WarningNotice> = {}, more: Partial<NoticeView<WarningNotice>> = {}): NoticeView<WarningNotice> => ({
  notice: {
    kind: 'warning', id: 'n', version: 1, state: 'raised', level: 'caution', at: '2026-01-01T00:00:00Z', track: 't', protected: { person: 'me' }, protected_name: 'Agent 1',
    needs_ack: true, facts: { distance_m: 300, bearing_deg: 45, earliest_s: 60, cpa_m: 5, p_within_30: 0.5, track_at: { lat_deg: 0, lon_deg: 0 }, height_unknown: false, by_people_only: false },
    reasons: [], because: [], marking: { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] }, exercise: null, code: '1234', text: '', text_es: '', ...n,
  },
  unrecorded: false, recipients: [row()], mine: true, acknowledged: false, ...more,
});
const bulletin = (n: Partial<BulletinNotice> = {}, more: Partial<NoticeView<BulletinNotice>> = {}): NoticeView<BulletinNotice> => ({
  notice: {
    kind: 'bulletin', id: 'b', version: 1, state: 'issued', level: 'urgent', at: '2026-01-01T00:00:00Z', needs_ack: true, title: 'Officer Safety Alert', title_es: 'Alerta',
    text: 'Look up.', text_es: 'Mire arriba.', audience: [{ to: 'everybody' }], area: null, issued_by: 'watch-1', approved_by: 'watch-2', break_glass: null, why: '',
    expires_at: '2026-01-01T08:00:00Z', marking: { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] }, exercise: null, code: '12345', ...n,
  },
  unrecorded: false, recipients: [row()], mine: true, acknowledged: false, ...more,
});
const danger = (more: Partial<Danger> = {}): Danger => ({
  track: 't', protected: { person: 'me' }, at: '2026-01-01T00:00:09Z', distance_m: 120, bearing_deg: 90, cpa_m: 1, cpa_in_s: 4, earliest_s: 3,
  p_within: { 30: 1, 60: 1, 120: 1, 300: 1 }, level: 'urgent', reasons: [], ...more,
});
const item = (more: Partial<OutboxItem>): OutboxItem => ({
  seq: 1, id: 'i', kind: 'acknowledgement', person: 'me', path: '/notices/n/versions/1/acknowledgements', body: {}, stamp: null, after: null, check: null, quiet: false,
  made_at: '2026-01-01T00:00:05Z', attempts: 0, faults: 0, unsure: false, not_before: 0, state: 'waiting', refusal: null, ...more,
});

describe('which warnings, in what order', () => {
  test('the gravest first, my own before others’, then the soonest, cleared ones last; those of others not at all', () => {
    const list = [
      view({ id: 'a', level: 'advisory' }), view({ id: 'b', level: 'urgent', facts: { ...view().notice.facts, earliest_s: 20 } }),
      view({ id: 'c', state: 'cleared', level: 'urgent' }), view({ id: 'd', level: 'urgent', track: 'x', facts: { ...view().notice.facts, earliest_s: 10 } }),
      view({ id: 'e', level: 'urgent' }, { mine: false }), view({ id: 'f', level: 'caution' }),
      view({ id: 'g', level: 'urgent', protected: { site: 'gate' }, facts: { ...view().notice.facts, earliest_s: 1 } }),
    ];
    expect(warningsOf(list, [], 'me').map((w) => w.view.notice.id)).toEqual(['d', 'b', 'g', 'f', 'a', 'c']);
  });

  test('live numbers take the place of the version’s, only for the same track and the same protected', () => {
    const numbers = (d: Danger): number => facts(warningsOf([view()], [d], 'me')[0]!).distance_m;
    expect(numbers(danger())).toBe(120);
    expect(numbers(danger({ track: 'other' }))).toBe(300);
    expect(numbers(danger({ protected: { site: 'me' } }))).toBe(300);
    expect(warningsOf([view({ state: 'cleared' })], [danger()], 'me')[0]!.danger).toBeNull();
  });

  test('a later version wins, whatever the order of arrival', () => {
    const [one, two] = [view({ version: 1 }), view({ version: 2 })];
    expect(newer(two, one)).toBe(two);
    expect(newer(one, two)).toBe(two);
    const again = view({ version: 2 });
    expect(newer(two, again)).toBe(again);
  });

  test('a leader is told whose silence it is, and when it ended', () => {
    const silent = row({ person: 'a3', name: 'Agent 3', escalated_to: 'me' });
    const of = (r: RecipientRow): unknown => {
      const w = warningsOf([view({ protected: { person: 'a3' } }, { recipients: [row({ rule: 'escalation' }), r] })], [], 'me')[0]!;
      return [w.escalated, w.silent, w.answered];
    };
    expect(of(silent)).toEqual([true, ['Agent 3'], []]);
    expect(of({ ...silent, acknowledged_at: '2026-01-01T00:00:20Z' })).toEqual([true, [], ['Agent 3']]);
    expect(of({ ...silent, escalated_to: 'somebody' })).toEqual([true, [], []]);
    expect(warningsOf([view()], [], 'me')[0]!.escalated).toBe(false);
  });
});

describe('how soon', () => {
  const soon = (n: Partial<WarningNotice>, d: Danger | null, ageS: number): unknown => soonOf(warningsOf([view(n)], d ? [d] : [], 'me')[0]!, ageS);
  test('counts down, and claims nothing from numbers that ran out', () => {
    expect(soon({}, null, 10)).toEqual({ is: 'in', s: 50 });
    expect(soon({}, null, -5)).toEqual({ is: 'in', s: 60 });
    expect(soon({}, null, 61)).toEqual({ is: 'may be here' });
    expect(soon({}, danger({ earliest_s: 0 }), 0)).toEqual({ is: 'here' });
  });
  test('is unknown where only a report says that it is near', () => {
    expect(soon({ reasons: ['reported_near'] }, null, 0)).toEqual({ is: 'unknown' });
    expect(soon({}, danger({ reasons: ['held'] }), 0)).toEqual({ is: 'unknown' });
  });
  test('a warning that ended since nobody can tell is not called cleared', () => {
    expect(endedUnknown(view({ state: 'cleared', reasons: ['position_too_old'] }).notice)).toBe(true);
    expect(endedUnknown(view({ state: 'cleared', reasons: ['track_lost'] }).notice)).toBe(false);
    expect(endedUnknown(view({ reasons: ['position_too_old'] }).notice)).toBe(false);
  });
});

describe('acknowledging', () => {
  const stands = (v: NoticeView, items: OutboxItem[] = [], answered: [string, string][] = []): string => acknowledgement(v, 'me', items, new Map(answered)).is;
  test('is asked for until it is at the centre, and says where it is on the way', () => {
    expect(stands(view())).toBe('asked');
    expect(stands(view(), [item({})])).toBe('kept');
    expect(stands(view(), [], [['n/1', '2026-01-01T00:00:06Z']])).toBe('taken');
    expect(stands(view({}, { acknowledged: true, recipients: [row({ acknowledged_at: '2026-01-01T00:00:06Z' })] }))).toBe('taken');
    expect(stands(view(), [item({ state: 'refused', refusal: { status: 409, code: 'superseded', detail: 'no', at: '' } })])).toBe('refused');
  });
  test('is bound to its version: a higher one asks again', () => {
    expect(stands(view({ version: 2 }), [item({})], [['n/1', 'x']])).toBe('asked');
  });
  test('of another person on the same phone does not count', () => {
    expect(stands(view(), [item({ person: 'other' })])).toBe('asked');
  });
  test('follows the centre where that says whether it still waits', () => {
    expect(stands(view({ version: 2 }, { acknowledged: true, recipients: [row({ owes: false, acknowledged_at: 'x' })] }))).toBe('taken');
    expect(stands(view({}, { recipients: [row({ owes: false })] }))).toBe('none');
    expect(stands(view({}, { acknowledged: true, recipients: [row({ owes: true, acknowledged_at: 'x' })] }))).toBe('asked');
  });
  test('of a cleared warning is not asked for', () => {
    expect(stands(view({ state: 'cleared' }))).toBe('none');
  });
});

describe('bulletins', () => {
  const NOON = Date.parse('2026-01-01T01:00:00Z');
  const none = new Map<string, number>();
  test('stand apart from warnings: those in force first, the gravest at the top, what is over by its state or by the clock behind', () => {
    const views = [
      view(), bulletin({ id: 'a', level: 'advisory' }), bulletin({ id: 'b' }), bulletin({ id: 'c', state: 'recalled', version: 2 }), bulletin({ id: 'd', expires_at: '2026-01-01T00:30:00Z' }),
      bulletin({ id: 'e' }, { mine: false }),
    ];
    const list = bulletinsOf(views, 'me', none, NOON);
    expect(list.map((c) => [c.view.notice.id, c.over])).toEqual([['b', false], ['a', false], ['c', true], ['d', true]]);
    expect(warningsOf(views, [], 'me').map((w) => w.view.notice.id)).toEqual(['n']);
  });
  test('a recall or a correction is one only where older words were on this phone; an end by time never is', () => {
    const corrects = (n: Partial<BulletinNotice>, had: [string, number][]): boolean => bulletinsOf([bulletin(n)], 'me', new Map(had), NOON)[0]!.corrects;
    expect(corrects({ state: 'recalled', version: 2 }, [['b', 1]])).toBe(true);
    expect(corrects({ state: 'recalled', version: 2 }, [])).toBe(false);
    expect(corrects({ state: 'recalled', version: 2 }, [['b', 2]])).toBe(false);
    expect(corrects({ state: 'updated', version: 2 }, [['b', 1]])).toBe(true);
    expect(corrects({ state: 'expired', version: 2 }, [['b', 1]])).toBe(false);
  });
  test('an original that comes after its recall changes nothing', () => {
    const recalled = bulletin({ state: 'recalled', version: 2 });
    expect(newer(recalled, bulletin())).toBe(recalled);
  });
  test('a new reminder is something new to hear, the same one is not', () => {
    const reminded = (reminder: number): NoticeView => bulletin({}, { recipients: [row({ reminder })] });
    expect(alarmKey(bulletin(), 'me')).toBe(alarmKey(reminded(0), 'me'));
    expect(new Set([0, 1, 2].map((k) => alarmKey(reminded(k), 'me'))).size).toBe(3);
  });
  test('an acknowledgement waits in the outbox as that of a warning does', () => {
    const v = bulletin();
    const kept = item({ path: '/notices/b/versions/1/acknowledgements' });
    expect(acknowledgement(v, 'me', [kept], new Map()).is).toBe('kept');
    expect(acknowledgement(bulletin({ version: 2, state: 'updated' }), 'me', [kept], new Map()).is).toBe('asked');
    expect(acknowledgement(bulletin({ state: 'recalled' }), 'me', [], new Map()).is).toBe('none');
  });
});
