import { describe, expect, test } from 'vitest';
import { addressOf, atOf, draftOf, fieldOf, loosened, markingWords, NOTHING, pieces, readAs, same, searchOf, searchWords, terms, titleBefore, unreadOf, whereTo } from '../office/search';
import type { SavedSearch, Search, SearchHit } from '../shared/types';

const search = (over: Partial<Search>): Search => ({ ...NOTHING, ...over });
const WHOLE = search({
  q: 'grey -"toy drone"', kinds: ['sighting', 'report'], near: { at: { lat_deg: 31.76, lon_deg: -106.49 }, within_m: 500 }, from: '2026-11-20T00:00:00.000Z', until: '2026-11-27T00:00:00.000Z',
  reliability: 'B', credibility: 2,
});

describe('words', () => {
  test('are told apart as the centre tells them apart', () => {
    // The same as in skypicket-model's own test.
    const t = (q: string) => terms(q).map(({ text, not, begun }) => [text, not, begun]);
    expect(t('  drone exp')).toEqual([['drone', false, false], ['exp', false, true]]);
    expect(t('drone exp ')).toEqual([['drone', false, false], ['exp', false, false]]);
    expect(t('"under the bridge" -toy')).toEqual([['under the bridge', false, false], ['toy', true, false]]);
    expect(t('-"two words" x"y')).toEqual([['two words', true, false], ['x', false, false], ['y', false, false]]);
    expect(t('!!! -- "" - "')).toEqual([]);
    expect(t('a:b* NEAR(c)')).toEqual([['a:b*', false, false], ['NEAR(c)', false, true]]);
    expect(t('año ٣')).toEqual([['año', false, false], ['٣', false, true]]);
  });
  test('are said as they are read', () => {
    expect(readAs('grey -toy can')).toBe('Looks for “grey”, and not “toy”, and “can” or a word that begins so.');
    expect(readAs('?')).toBe('');
  });
});

describe('what was found', () => {
  test('is counted in characters, not in halves of them', () => {
    // 🛸 is two UTF-16 units, and one character for the centre.
    expect(pieces('🛸🛸 a canister', [{ from: 5, to: 13 }])).toEqual([{ text: '🛸🛸 a ', hit: false }, { text: 'canister', hit: true }]);
    expect(pieces('ab', [])).toEqual([{ text: 'ab', hit: false }]);
    expect(pieces('', [{ from: 0, to: 3 }])).toEqual([]);
  });
  test('shows the whole text once, whatever stretches are given', () => {
    for (const hits of [[{ from: 4, to: 6 }, { from: 0, to: 2 }], [{ from: 0, to: 4 }, { from: 2, to: 5 }], [{ from: 3, to: 99 }], [{ from: 5, to: 2 }]]) {
      expect(pieces('abcdef', hits).map((p) => p.text).join('')).toBe('abcdef');
    }
    expect(pieces('abcdef', [{ from: 4, to: 6 }, { from: 0, to: 2 }]).filter((p) => p.hit).map((p) => p.text)).toEqual(['ab', 'ef']);
  });
  test('opens where it belongs', () => {
    const hit = (kind: SearchHit['kind']) => whereTo({ kind, id: 'x' });
    expect(['sighting', 'warning', 'report', 'bulletin'].map((k) => hit(k as SearchHit['kind']))).toEqual(['/#sighting/x', '/#warning/x', '#intelligence/x', '#bulletins/x']);
    const h = { kind: 'sighting', title: '', person_name: 'Agent 3' } as SearchHit;
    expect([titleBefore(h), titleBefore({ ...h, person_name: null }), titleBefore({ ...h, kind: 'bulletin' })]).toEqual(['Sighting by Agent 3', 'Sighting by somebody who is not known here', '(no title yet)']);
  });
  test('says for whom it is marked', () => {
    expect(markingWords({ tlp: 'TLP:AMBER', owner: 'sector', releasable_to: ['county', 'sector'], named: [] })).toBe('TLP:AMBER for sector, county');
    expect(markingWords({ tlp: 'TLP:RED', owner: null, releasable_to: [], named: ['lead-1'] })).toBe('TLP:RED for lead-1');
    expect(markingWords({ tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] })).toBe('TLP:GREEN');
  });
});

describe('the address', () => {
  test('holds the whole search, and is read back as it was', () => {
    for (const s of [NOTHING, WHOLE, search({ q: 'a/b #c&d=é 🛸' }), search({ q: 'whole ' }), search({ kinds: ['warning'] })]) {
      for (const change of [null, '018f']) {
        const at = atOf(`#${addressOf(s, 'best', change)}`);
        expect(at).toEqual({ is: 'search', search: s, order: 'best', change, left: [] });
      }
    }
    expect(addressOf(NOTHING)).toBe('search/q=');
    expect(addressOf(search({ q: 'a/b' })).split('/')).toHaveLength(2);
    expect(same(WHOLE, { ...WHOLE, kinds: ['report', 'sighting'], from: '2026-11-20T00:00:00Z' })).toBe(true);
    expect(same(WHOLE, { ...WHOLE, credibility: 3 })).toBe(false);
  });
  test('says what in it is not understood, and looks for the rest', () => {
    const at = atOf('#search/q=x&kind=report,person&near=here&within_m=1e9&from=soon&until=2026-01-01&reliability=G&credibility=7&order=oldest&color=red');
    expect(at).toEqual({
      is: 'search', search: search({ q: 'x', kinds: ['report'], until: '2026-01-01T00:00:00.000Z' }), order: 'newest', change: null,
      left: ['kind=report,person', 'near=here', 'within_m=1e9', 'from=soon', 'reliability=G', 'credibility=7', 'order=oldest', 'color=red'],
    });
    expect(atOf('#search/near=31.7,-106.4')).toMatchObject({ search: NOTHING, left: ['near=31.7,-106.4 without how far from it'] });
  });
  test('names a kept one, or nothing', () => {
    expect([atOf('#search'), atOf('#search/'), atOf('#search/kept/7'), atOf('#search/kept/7/all')]).toEqual([{ is: 'nothing' }, { is: 'nothing' }, { is: 'kept', id: '7', all: false }, { is: 'kept', id: '7', all: true }]);
  });
});

describe('the form', () => {
  const asked = (over: Partial<ReturnType<typeof draftOf>>) => searchOf({ ...draftOf(NOTHING), ...over });
  test('takes MGRS and local time, and gives back what it was given', () => {
    const back = searchOf(draftOf(WHOLE));
    expect(back).toEqual({ search: WHOLE, wrong: [] });
    const { search: s } = asked({ near: '13R CR 59571 15434', within: '250' });
    expect(s.near?.at.lat_deg).toBeCloseTo(31.76, 1);
    expect(asked({ from: '2026-11-26T15:00' }).search.from).toBe(new Date(2026, 10, 26, 15, 0).toISOString());
    expect(fieldOf(new Date(2026, 0, 2, 3, 4, 5).toISOString())).toBe('2026-01-02T03:04:05');
    expect([fieldOf(null), fieldOf('never')]).toEqual(['', '']);
    expect(asked({ q: '  two words   ' }).search.q).toBe('two words ');
  });
  test('says what is wrong with it and what to do', () => {
    for (const [over, said] of [
      [{ q: 'x'.repeat(201) }, '201 characters'],
      [{ q: 'x '.repeat(21) }, '21 words'],
      [{ q: '?!' }, 'no word'],
      [{ near: 'here', within: '5' }, 'no MGRS position'],
      [{ near: '31.7, -106.4' }, 'how far'],
      [{ near: '31.7, -106.4', within: '100001' }, 'at most 100,000'],
      [{ within: '5' }, 'which place'],
      [{ from: '2026-01-02T00:00', until: '2026-01-01T00:00' }, 'ends before it begins'],
    ] as const) {
      const { wrong } = asked(over);
      expect(wrong, said).toHaveLength(1);
      expect(wrong[0]).toContain(said);
    }
    expect(asked({}).wrong).toEqual([]);
  });
  test('can be loosened by what narrows it', () => {
    expect(loosened(WHOLE).map((l) => l.says)).toEqual(['Anywhere', 'At any time', 'Of every kind', 'Of any grade']);
    expect(loosened(search({ q: 'x' }))).toEqual([]);
    expect(loosened(WHOLE)[0]!.search).toEqual({ ...WHOLE, near: null });
  });
});

test('a search in words', () => {
  expect(searchWords(NOTHING)).toBe('everything that you may see');
  expect(searchWords(WHOLE)).toMatch(/^grey -"toy drone"; only sightings and intelligence reports; within 500 m of 13R .*; from 2026-11-20 00:00:00 UTC .*; until 2026-11-27 .*; source B or better; information 2 or better$/);
});
test('the menu counts what is unread of those that tell of it', () => {
  const s = (unread: number, notify = true, more = false) => ({ unread, notify, more }) as SavedSearch;
  expect([unreadOf([s(2), s(3, false), s(1)]), unreadOf([s(100, true, true), s(1)]), unreadOf([])]).toEqual([{ n: 3, says: '3' }, { n: 101, says: '101+' }, { n: 0, says: '0' }]);
});
