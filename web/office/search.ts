// A search in words, in the address and in the form, and what of a text was found. Pure, so that it is tested.
import type { SearchOrder } from '../shared/api';
import { KINDS, NOTHING, params } from '../shared/search';
import { absolute, parsePlace, place } from '../shared/format';
import type { Marking, Reliability, SavedSearch, Search, SearchHit, SearchKind, Span } from '../shared/types';
import { timeOf } from './audit';
import { RELIABILITIES } from './sheets';

export { addressOf, keptAddress, KINDS, NOTHING, unreadWords } from '../shared/search';

/** Bounds of the centre, said before it has to refuse. */
export const MOST_Q = 200;
export const MOST_TERMS = 20;
export const MOST_WITHIN_M = 100_000;
export const MOST_SEARCHES = 20;
export const MOST_NAME = 80;

// ---- words ----
/** A word or phrase that is looked for, read as the centre reads it. */
export interface Term {
  text: string;
  /** It must not be there. */
  not: boolean;
  /** It may be the beginning of a word. */
  begun: boolean;
}
export function terms(q: string): Term[] {
  const out: Term[] = [];
  const trim = (t: string): string => t.replace(/^\p{White_Space}+/u, '');
  let rest = trim(q);
  while (rest !== '') {
    const not = rest.startsWith('-');
    const after = not ? rest.slice(1) : rest;
    const phrase = after.startsWith('"');
    const [, text = '', next = ''] = (phrase ? /^"([^"]*)"?(.*)$/su : /^([^\p{White_Space}"]*)(.*)$/su).exec(after) ?? [];
    if (/[\p{Alphabetic}\p{N}]/u.test(text)) out.push({ text, not, begun: !not && !phrase && next === '' });
    rest = trim(next);
  }
  return out;
}
/** As it is asked for: a space behind the last word says that it is whole. */
const written = (q: string): string => q.replace(/^\p{White_Space}+/u, '').replace(/\p{White_Space}+$/u, ' ');
/** How the words are read: what must be there, and what must not. */
export function readAs(q: string): string {
  const parts = terms(q).map((t) => `${t.not ? 'not ' : ''}“${t.text}”${t.begun ? ' or a word that begins so' : ''}`);
  return parts.length === 0 ? '' : `Looks for ${parts.join(', and ')}.`;
}

// ---- the form ----
/** A search as it stands in the form: some of it not whole. */
export interface Draft {
  q: string;
  kinds: SearchKind[];
  /** A place as it was typed. */
  near: string;
  within: string;
  /** Days and times of this machine, as its fields give them. */
  from: string;
  until: string;
  reliability: string;
  credibility: string;
}
const two = (n: number): string => String(n).padStart(2, '0');
/** A moment as a field of day and time takes it: this machine's time. */
export function fieldOf(t: string | null): string {
  const d = new Date(t ?? NaN);
  if (Number.isNaN(d.getTime())) return '';
  const s = d.getSeconds();
  return `${String(d.getFullYear()).padStart(4, '0')}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}${s === 0 ? '' : `:${two(s)}`}`;
}
export const draftOf = (s: Search): Draft => ({
  q: s.q, kinds: [...s.kinds], near: s.near ? `${s.near.at.lat_deg}, ${s.near.at.lon_deg}` : '', within: s.near ? String(s.near.within_m) : '',
  from: fieldOf(s.from), until: fieldOf(s.until), reliability: s.reliability ?? '', credibility: s.credibility === null ? '' : String(s.credibility),
});
/** To a metre or so: more digits would only make addresses long. */
const digits = (deg: number): number => Math.round(deg * 1e6) / 1e6;
export const isReliability = (v: string): v is Reliability => RELIABILITIES.some((r) => r.reliability === v);

/** The search that a form asks for, and what keeps it from being asked, each with what to do. */
export function searchOf(d: Draft): { search: Search; wrong: string[] } {
  const wrong: string[] = [];
  const q = written(d.q);
  const length = [...q].length;
  const count = terms(q).length;
  if (length > MOST_Q) wrong.push(`The words have ${length} characters: at most ${MOST_Q} fit.`);
  else if (count > MOST_TERMS) wrong.push(`There are ${count} words: at most ${MOST_TERMS} fit.`);
  else if (count === 0 && q !== '') wrong.push('There is no word in it: write letters or digits, or leave the box empty.');
  const at = d.near.trim() === '' ? null : parsePlace(d.near);
  const within = d.within.trim() === '' ? NaN : Number(d.within);
  const fits = within > 0 && within <= MOST_WITHIN_M;
  if (d.near.trim() !== '' && at === null) wrong.push('The place is no MGRS position and no pair of degrees such as 31.76, -106.49.');
  else if (at === null && d.within.trim() !== '') wrong.push('Say near which place, or leave out how far from it.');
  else if (at !== null && !fits) wrong.push('Say how far from the place: over 0 and at most 100,000 metres.');
  const [from, until] = [timeOf(d.from) ?? null, timeOf(d.until) ?? null];
  if (from !== null && until !== null && until < from) wrong.push('The time ends before it begins: exchange the two, or leave one out.');
  const credibility = /^[1-6]$/.test(d.credibility) ? Number(d.credibility) : null;
  return {
    search: {
      q, kinds: KINDS.map((k) => k.kind).filter((k) => d.kinds.includes(k)), near: at && fits ? { at: { lat_deg: digits(at.lat_deg), lon_deg: digits(at.lon_deg) }, within_m: within } : null,
      from, until, reliability: isReliability(d.reliability) ? d.reliability : null, credibility,
    },
    wrong,
  };
}
/** Whether two searches look for the same. */
export const same = (a: Search, b: Search): boolean => params(a).toString() === params(b).toString();

/** What narrows a search beside its words, and the same without it. */
export function loosened(s: Search): { says: string; search: Search }[] {
  const out: { says: string; search: Search }[] = [];
  const without = (is: boolean, says: string, what: Partial<Search>): void => {
    if (is) out.push({ says, search: { ...s, ...what } });
  };
  without(s.near !== null, 'Anywhere', { near: null });
  without(s.from !== null || s.until !== null, 'At any time', { from: null, until: null });
  without(s.kinds.length > 0, 'Of every kind', { kinds: [] });
  without(s.reliability !== null || s.credibility !== null, 'Of any grade', { reliability: null, credibility: null });
  return out;
}

// ---- the address ----
export type At =
  | { is: 'nothing' }
  /** `change` is a kept search that is to look for this; `left` is what in the address was not understood. */
  | { is: 'search'; search: Search; order: SearchOrder; change: string | null; left: string[] }
  | { is: 'kept'; id: string; all: boolean };

export function atOf(hash: string): At {
  const [, first = '', id = '', all = ''] = hash.replace(/^#/, '').split('/');
  if (first === '') return { is: 'nothing' };
  if (first === 'kept' && id !== '') return { is: 'kept', id, all: all === 'all' };
  const p = new URLSearchParams(first);
  const left: string[] = [];
  const search: Search = { ...NOTHING, kinds: [] };
  let order: SearchOrder = 'newest';
  let change: string | null = null;
  let at: { lat_deg: number; lon_deg: number } | null = null;
  let within = NaN;
  for (const [name, value] of p) {
    const understood = ((): boolean => {
      const time = (): string | null => (Number.isNaN(Date.parse(value)) ? null : new Date(value).toISOString());
      switch (name) {
        case 'q': search.q = written(value); return true;
        case 'kind': {
          const words = value.split(',').filter((w) => w !== '');
          search.kinds = KINDS.map((k) => k.kind).filter((k) => words.includes(k));
          return search.kinds.length === words.length;
        }
        case 'near': at = parsePlace(value); return at !== null;
        case 'within_m': within = Number(value); return within > 0 && within <= MOST_WITHIN_M;
        case 'from': search.from = time(); return search.from !== null;
        case 'until': search.until = time(); return search.until !== null;
        case 'reliability': search.reliability = isReliability(value) ? value : null; return search.reliability !== null;
        case 'credibility': search.credibility = /^[1-6]$/.test(value) ? Number(value) : null; return search.credibility !== null;
        case 'order': order = value === 'best' ? 'best' : 'newest'; return value === order;
        case 'change': change = value; return true;
        default: return false;
      }
    })();
    if (!understood) left.push(`${name}=${value}`);
  }
  if (at !== null && within > 0 && within <= MOST_WITHIN_M) search.near = { at, within_m: within };
  else if (at !== null) left.push(`near=${p.get('near')} without how far from it`);
  return { is: 'search', search, order, change, left };
}

// ---- in words ----
/** A search in words, for a list. */
export function searchWords(s: Search): string {
  const out: string[] = [];
  if (s.q !== '') out.push(s.q.trimEnd());
  if (s.kinds.length > 0) out.push(`only ${KINDS.filter((k) => s.kinds.includes(k.kind)).map((k) => k.many).join(' and ')}`);
  if (s.near) out.push(`within ${s.near.within_m.toLocaleString('en-US')} m of ${place(s.near.at)}`);
  if (s.from !== null) out.push(`from ${absolute(s.from)}`);
  if (s.until !== null) out.push(`until ${absolute(s.until)}`);
  if (s.reliability !== null) out.push(`source ${s.reliability === 'A' ? 'A' : `${s.reliability} or better`}`);
  if (s.credibility !== null) out.push(`information ${s.credibility === 1 ? '1' : `${s.credibility} or better`}`);
  return out.length === 0 ? 'everything that you may see' : out.join('; ');
}
/** A name to begin with. */
export const nameFor = (s: Search): string => [...(s.q.trim() || searchWords(s))].slice(0, MOST_NAME).join('');

/** All that is unread of what tells of itself; how it is written. */
export function unreadOf(items: readonly SavedSearch[]): { n: number; says: string } {
  const loud = items.filter((s) => s.notify);
  const n = loud.reduce((sum, s) => sum + s.unread, 0);
  return { n, says: loud.some((s) => s.more) ? `${n}+` : String(n) };
}

const STATES: Record<string, string> = {
  new: 'not decided', proposed: 'waits for a second person', issued: 'in force', correction: 'correction, not in force', raw: 'raw, not vetted', updated: 'goes on', raised: 'goes on',
};
export const stateWords = (h: Pick<SearchHit, 'state'>): string => STATES[h.state] ?? h.state.replaceAll('_', ' ');
/** What it is called, apart from the words of its own title. */
export const titleBefore = (h: SearchHit): string =>
  h.kind === 'sighting' ? `Sighting by ${h.person_name ?? 'somebody who is not known here'}` : h.kind === 'warning' ? 'Warning for ' : h.title === '' ? '(no title yet)' : '';
export function markingWords(m: Marking): string {
  const to = m.tlp === 'TLP:RED' ? m.named : [...(m.owner ? [m.owner] : []), ...m.releasable_to];
  return to.length === 0 ? m.tlp : `${m.tlp} for ${[...new Set(to)].join(', ')}`;
}
/** Where a hit is opened: reports, bulletins in the office; what is on the map in the console. */
export function whereTo(h: Pick<SearchHit, 'kind' | 'id'>): string {
  switch (h.kind) {
    case 'report': return `#intelligence/${h.id}`;
    case 'bulletin': return `#bulletins/${h.id}`;
    default: return `/#${h.kind}/${h.id}`;
  }
}

/** A text in pieces, what was found apart. The stretches count characters, where a string of JavaScript counts halves of some. */
export function pieces(text: string, hits: readonly Span[]): { text: string; hit: boolean }[] {
  const chars = Array.from(text);
  const out: { text: string; hit: boolean }[] = [];
  const put = (from: number, to: number, hit: boolean): void => {
    if (to > from) out.push({ text: chars.slice(from, to).join(''), hit });
  };
  let done = 0;
  for (const h of [...hits].sort((a, b) => a.from - b.from)) {
    const [from, to] = [Math.max(done, h.from), Math.min(chars.length, h.to)];
    if (to <= from) continue;
    put(done, from, false);
    put(from, to, true);
    done = to;
  }
  put(done, chars.length, false);
  return out;
}
