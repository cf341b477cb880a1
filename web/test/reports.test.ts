import { beforeEach, describe, expect, test } from 'vitest';
import { forgetTyped } from '../shared/typed';
import type { Me, Report, ReportContent } from '../shared/types';
import {
  blankReport, content, differences, drop, dueWords, firstLine, keep, kept, lacking, linkHref, merged, placed, remark, span, type Kept, type Typed, typed, whyNot,
} from '../office/reports';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const iso = (days: number): string => new Date(NOW + days * 86_400_000).toISOString();
const whole = (more: Partial<Typed> = {}): Typed => ({ ...blankReport(NOW), title: 'Two drones', text: 'They stood there.', kind: 'officer', obtained: 'observed', learned: iso(0), source: 'North 3', lawful: true, about: ['drone'], ...more });
const name = (_: string, id: string): string => id.toUpperCase();
const me = (id: string, ...roles: Me['person']['roles']): Me => ({ person: { id, name: id, unit: 'u', roles, language: 'en' }, agency: 'a', agency_name: 'A' }) as Me;
const may = { change: false, vet: false, approve_individual: false, review: false, ask_purge: false, purge: false };
const report = (more: Partial<Report> = {}): Report => ({
  report: 'r', version: 1, step: 'raw', sight: 'whole', title: 't', filed_by: 'ana', purge_by: iso(80), review_by: iso(30), due: null, due_since: null, individual: 'none', purge_asked: false,
  purge_request: null, individual_approver: null, history: [{ version: 1, at: iso(0), by: { id: 'ana', name: 'Ana' }, what: 'filed', fields: [], grade_from: null, grade_to: null, why: '' }], may, ...more,
}) as Report;
const says = (r: Report, who: Me): string[] => whyNot(r, who, NOW).map((w) => `${w.act}: ${w.says}`);

describe('what is typed', () => {
  test('nothing is filled in but F6 and two dates that a raw report may have', () => {
    const t = blankReport(NOW);
    expect(t).toMatchObject({ kind: '', obtained: '', learned: '', lawful: false, about: [], individual: null, grade: { reliability: 'F', credibility: 6 } });
    expect([t.review_by, t.purge_by]).toEqual([iso(30), iso(90)]);
    expect([...lacking(t).keys()]).toEqual(['kind', 'obtained', 'learned']);
  });
  test('what is whole goes out and comes back the same', () => {
    const t = whole({ individual: { text: 'He', basis: 'seen', approver: 'lead' }, from: iso(-1) });
    expect(lacking(t).size).toBe(0);
    const c: ReportContent = content(t);
    expect(c).toMatchObject({ from: iso(-1), until: null, provenance: { at: iso(0), lawful: true } });
    expect(typed(c)).toEqual(t);
    expect(lacking({ ...t, individual: { text: 'x', basis: 'y', approver: '' } }).get('approver')).toMatch(/supervisor/);
  });
  test('the first line becomes a title, no longer than a title may be', () => {
    expect(firstLine('\n  Look at this!  \nmore')).toBe('Look at this!');
    expect([...firstLine('é'.repeat(300))]).toHaveLength(120);
  });
  test('another label keeps the owner and drops what does not count under it', () => {
    const amber = remark({ tlp: 'TLP:GREEN', owner: null, releasable_to: ['c'], named: [] }, 'TLP:AMBER', 'mine');
    expect(amber).toEqual({ tlp: 'TLP:AMBER', owner: 'mine', releasable_to: ['c'], named: [] });
    expect(remark({ ...amber, owner: 'theirs' }, 'TLP:AMBER+STRICT', 'mine')).toEqual({ tlp: 'TLP:AMBER+STRICT', owner: 'theirs', releasable_to: [], named: [] });
    expect(remark(amber, 'TLP:RED', 'mine', { named: ['p'] }).named).toEqual(['p']);
    expect(remark(amber, 'TLP:GREEN', 'mine').owner).toBeNull();
  });
});

describe('a refusal', () => {
  const at = (code: string, detail: string): [Record<string, string>, string] => {
    const { fields, rest } = placed({ code, detail, title: '' });
    return [Object.fromEntries(fields), rest];
  };
  test('stands beside the fields that it names, line by line, in the words of the server', () => {
    expect(at('unfit', 'title: 0 characters; give 1 to 200\nprovenance.source: 0 characters; give 1 to 200\nsalt: give 32')).toEqual([{ title: '0 characters; give 1 to 200', source: '0 characters; give 1 to 200' }, 'salt: give 32']);
    expect(at('no_basis', 'individual.basis: say why (28 CFR 23.20(a), (c))')).toEqual([{ basis: 'say why (28 CFR 23.20(a), (c))' }, '']);
    expect(at('later_dates', 'review_by, purge_by: a change keeps nothing for longer')).toEqual([{ review_by: 'a change keeps nothing for longer' }, '']);
    expect(at('not_independent', "grade: credibility 1 needs two: 'a' and 'b' have the same origin (x.example/a: b)")[0]).toEqual({ grade: "credibility 1 needs two: 'a' and 'b' have the same origin (x.example/a: b)" });
    expect(at('unfit', 'links: there is no report 1\nlinks: there is no report 2')[0]).toEqual({ links: 'there is no report 1 there is no report 2' });
  });
  test('without a field stands by itself, a reason beside “why”', () => {
    expect(at('second_person', 'somebody who did not write at it must vet it')).toEqual([{}, 'somebody who did not write at it must vet it']);
    expect(at('why', 'say why, in 1 to 500 characters')).toEqual([{ why: 'say why, in 1 to 500 characters' }, '']);
  });
});

describe('two versions', () => {
  const read = whole();
  test('differ field by field, in words', () => {
    expect(differences(read, whole({ grade: { reliability: 'B', credibility: 2 }, marking: remark(read.marking, 'TLP:AMBER', 'a', { releasable_to: ['c'] }) }), name)).toEqual([
      { field: 'Grade', before: 'F6, source cannot be judged, information cannot be judged', after: 'B2, source usually reliable, information probably true' },
      { field: 'Marking', before: 'TLP:GREEN', after: 'TLP:AMBER, of A, releasable to C' },
    ]);
  });
  test('mine is kept over theirs only where I typed, and what both changed is named', () => {
    const { all, both } = merged(read, whole({ title: 'Mine', text: 'Mine too' }), whole({ text: 'Theirs', source: 'South 1' }));
    expect(all).toMatchObject({ title: 'Mine', text: 'Mine too', source: 'South 1' });
    expect(both).toEqual(['Text']);
    expect(merged(read, whole({ text: 'Same' }), whole({ text: 'Same' })).both).toEqual([]);
  });
});

describe('what is due', () => {
  test('says since when, and why it goes', () => {
    const row = { due: 'review', due_since: iso(-3), purge_by: iso(9), purge_asked: false } as const;
    expect(dueWords(row, NOW)).toBe('to be looked at again, 3 days late');
    expect(dueWords({ ...row, due: 'purge', purge_asked: true, due_since: iso(-0.1) }, NOW)).toBe('its purge was asked for 2 h ago');
    expect(dueWords({ ...row, due: 'purge', purge_by: iso(-2), due_since: iso(-2) }, NOW)).toBe('its time was over 2 days ago: it must go');
    expect(dueWords({ ...row, due: null }, NOW)).toBe('');
    expect([span(-5), span(119), span(7_199), span(172_799), span(172_800)]).toEqual(['0 s', '119 s', '119 min', '47 h', '2 days']);
  });
});

describe('why something is not possible', () => {
  test('a raw one is vetted by another than who wrote at it since it was vetted', () => {
    const wrote = report({ history: [...report().history, { version: 2, at: iso(0), by: { id: 'bob', name: 'Bob' }, what: 'changed', fields: ['text'], grade_from: null, grade_to: null, why: 'x' }] });
    expect(says(wrote, me('bob', 'analyst'))[0]).toBe('vet: You wrote at it: somebody else must vet it.');
    expect(says(report(), me('ana', 'analyst'))[0]).toMatch(/^vet: You wrote at it/);
    const before = report({ history: [...wrote.history, { ...wrote.history[0]!, what: 'vetted' }], may: { ...may, vet: true, review: true, change: true } });
    expect(says(before, me('bob', 'analyst'))).toEqual([]);
    expect(says(report(), me('w', 'watch'))[0]).toBe('vet: It is vetted by an analyst or a supervisor who did not write at it.');
    expect(says(report({ individual: 'waits', individual_approver: { id: 'lead', name: 'Lead' } }), me('c', 'analyst')).join('\n')).toMatch(/once the supervisor named has approved[\s\S]*waits for Lead/);
  });
  test('who asked or filed does not decide that it goes, and what is over is only purged', () => {
    const asked = report({ purge_request: { by: { id: 'aud', name: 'Aud' }, at: iso(0), why: 'x' } });
    expect(says(asked, me('aud', 'auditor')).at(-1)).toBe('purge: Somebody who neither filed it nor asked for its purge must decide that.');
    expect(says(asked, me('c', 'analyst')).at(-1)).toMatch(/An auditor or an administrator/);
    expect(says(report({ purge_by: iso(-1) }), me('c', 'analyst'))).toEqual(['purge: Its time is over: an auditor or an administrator purges it. It cannot be changed, vetted or kept longer any more (28 CFR 23.20(h)).']);
    expect(says(report({ purge_by: iso(-1), may: { ...may, purge: true } }), me('d', 'auditor'))).toEqual([]);
    expect(says(report({ sight: 'tombstone' }), me('d', 'auditor'))).toEqual([]);
  });
});

test('each thing that is linked has a place where it opens', () => {
  expect([linkHref({ to: 'report', id: '1' }), linkHref({ to: 'notice', id: '2' }), linkHref({ to: 'sighting', id: '3' }), linkHref({ to: 'track', id: '4' })]).toEqual(['#intelligence/1', '#bulletins/2', '/#sighting/3', '/#track/4']);
});

describe('what is kept while it is written', () => {
  let map: Map<string, string>;
  let store: Storage;
  beforeEach(() => {
    map = new Map();
    store = { getItem: (k: string) => map.get(k) ?? null, setItem: (k: string, v: string) => void map.set(k, v), removeItem: (k: string) => void map.delete(k), key: (n: number) => [...map.keys()][n] ?? null, get length() { return map.size; }, clear: () => map.clear() } as Storage;
  });
  const what: Kept = { typed: whole(), why: 'because', read: whole(), version: 3, sent: { id: 'x', body: 'y' } };
  test('comes back as it was, each report by itself', () => {
    expect(keep(store, 'ana', 'new', what)).toBe(true);
    expect(kept(store, 'ana', 'new')).toEqual(what);
    expect(kept(store, 'ana', 'other')).toBeNull();
    expect(kept(store, 'bob', 'new')).toBeNull();
    drop(store, 'ana', 'new');
    expect(kept(store, 'ana', 'new')).toBeNull();
  });
  test('what others left goes when somebody signs in, all of it at sign-out, and nothing else', () => {
    keep(store, 'ana', 'new', what);
    keep(store, 'an', 'new', what);
    map.set('skypicket-later', '1');
    forgetTyped(store, 'an');
    expect([...map.keys()]).toEqual(['skypicket-typed.an.new', 'skypicket-later']);
    forgetTyped(store);
    expect([...map.keys()]).toEqual(['skypicket-later']);
  });
  test('what was damaged, or cannot be kept, is not taken for something', () => {
    map.set('skypicket-typed.ana.new', '{"typed":');
    expect(kept(store, 'ana', 'new')).toBeNull();
    expect(keep({ ...store, setItem: () => { throw new Error('full'); } }, 'ana', 'new', what)).toBe(false);
  });
});
