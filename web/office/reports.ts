// Intelligence reports in words: what is typed and what of it differs, where a refusal belongs, what somebody may not do
// and why, and what is kept of a report while it is written. Pure but for the storage of the page.
import { absolute } from '../shared/format';
import type { Problem } from '../shared/api';
import { TYPED } from '../shared/typed';
import type {
  Grade, Link, Marking, Me, NoticeArea, Report, ReportContent, ReportIndividual, ReportObtained, ReportRow, ReportSourceKind, ReportStep, ReportSubject, Role, Time,
} from '../shared/types';
import { isPlaced } from './bulletins';
import { areaWords, F6, gradeName, gradeWords, type Change } from './sheets';

// ---- words ----
export const STEPS: Record<ReportStep, string> = { raw: 'raw: nobody has vetted it yet', vetted: 'vetted', purged: 'purged' };
export const KINDS: readonly { kind: ReportSourceKind; says: string }[] = [
  { kind: 'officer', says: 'a member of one of the agencies' },
  { kind: 'public', says: 'somebody from outside' },
  { kind: 'sensor', says: 'a sensor' },
  { kind: 'partner', says: 'another agency or centre' },
  { kind: 'document', says: 'a document or an object' },
  { kind: 'open_post', says: 'one post or article that anybody can read' },
];
export const OBTAINED: readonly { obtained: ReportObtained; says: string }[] = [
  { obtained: 'observed', says: 'seen or heard by the source' },
  { obtained: 'told', says: 'told to the source by another' },
  { obtained: 'measured', says: 'measured' },
  { obtained: 'read', says: 'read' },
  { obtained: 'found', says: 'found' },
];
/** `views` is not offered: it is always refused (28 CFR 23.20(b)). */
export const SUBJECTS: readonly { subject: ReportSubject; says: string }[] = [
  { subject: 'drone', says: 'drones, their flights and loads' },
  { subject: 'weapon', says: 'explosives and weapons' },
  { subject: 'surveillance', says: 'somebody watches or tests a place or people' },
  { subject: 'threat', says: 'a threat that was uttered' },
  { subject: 'crime', says: 'smuggling and other crime' },
];
export const TLPS: readonly { tlp: Marking['tlp']; says: string }[] = [
  { tlp: 'TLP:CLEAR', says: 'anybody may know' },
  { tlp: 'TLP:GREEN', says: 'the agencies here' },
  { tlp: 'TLP:AMBER', says: 'the agency that owns it and those ticked below' },
  { tlp: 'TLP:AMBER+STRICT', says: 'the agency that owns it only' },
  { tlp: 'TLP:RED', says: 'the people named below only' },
];
export const DID: Record<string, string> = {
  filed: 'filed it', changed: 'changed it', vetted: 'vetted it', individual_approved: 'approved what it says about an individual', reviewed: 'looked at it again, with new dates',
  purge_asked: 'asked for its purge', purged: 'purged it',
};
export const ASKS: Record<NonNullable<ReportRow['asks']>, string> = {
  approve_individual: 'read and approve what it says about an individual', purge: 'decide whether it goes', vet: 'read and vet it', review: 'look at it again',
};
export const LINKED: Record<Link['to'], string> = { sighting: 'Sighting', track: 'Track', notice: 'Bulletin', report: 'Report' };
/** Where something that is linked opens. */
export function linkHref(l: Link): string {
  if (l.to === 'report') return `#intelligence/${l.id}`;
  return l.to === 'notice' ? `#bulletins/${l.id}` : `/#${l.to}/${l.id}`;
}
export const kindWords = (k: ReportSourceKind): string => KINDS.find((x) => x.kind === k)?.says ?? k;
export const obtainedWords = (o: ReportObtained): string => OBTAINED.find((x) => x.obtained === o)?.says ?? o;
export const subjectWords = (s: ReportSubject): string => SUBJECTS.find((x) => x.subject === s)?.says ?? s;

type NameOf = (kind: 'agency' | 'person', id: string) => string;
export function markingWords(m: Marking, name: NameOf): string {
  const parts: string[] = [m.tlp];
  if (m.owner) parts.push(`of ${name('agency', m.owner)}`);
  if (m.releasable_to.length > 0) parts.push(`releasable to ${m.releasable_to.map((a) => name('agency', a)).join(', ')}`);
  if (m.named.length > 0) parts.push(`for ${m.named.map((p) => name('person', p)).join(', ')}`);
  return parts.join(', ');
}
/** A marking under another label: an owner where the label asks for one, agencies and people where they count. */
export function remark(before: Marking, tlp: Marking['tlp'], agency: string, more: { releasable_to?: string[]; named?: string[] } = {}): Marking {
  const to = more.releasable_to ?? before.releasable_to;
  return {
    tlp, owner: tlp === 'TLP:AMBER' || tlp === 'TLP:AMBER+STRICT' ? (before.owner ?? (agency || null)) : tlp === 'TLP:RED' ? before.owner : null,
    releasable_to: tlp === 'TLP:RED' || tlp === 'TLP:AMBER+STRICT' ? [] : to, named: tlp === 'TLP:RED' ? (more.named ?? before.named) : [],
  };
}

/** How long something is to be done about it: "3 days", "2 h". */
export function span(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 120) return `${Math.floor(s)} s`;
  if (s < 7_200) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3_600)} h`;
  return `${Math.floor(s / 86_400)} days`;
}
/** What is to be done about it, and since when, in words; empty when nothing is. */
export function dueWords(r: Pick<ReportRow, 'due' | 'due_since' | 'purge_by' | 'purge_asked'>, nowMs: number): string {
  if (r.due === null) return '';
  const late = r.due_since === null ? null : span((nowMs - Date.parse(r.due_since)) / 1_000);
  if (r.due === 'review') return `to be looked at again${late ? `, ${late} late` : ''}`;
  const ago = late ? ` ${late} ago` : '';
  return r.purge_by !== null && Date.parse(r.purge_by) <= nowMs ? `its time was over${ago}: it must go` : `its purge was asked for${ago}`;
}

// ---- what is typed ----
/** A report as it is typed: what is not chosen yet is empty. */
export interface Typed {
  text: string;
  kind: ReportSourceKind | '';
  source: string;
  origin: string;
  learned: Time | '';
  obtained: ReportObtained | '';
  lawful: boolean;
  title: string;
  about: ReportSubject[];
  grade: Grade;
  marking: Marking;
  area: NoticeArea | null;
  from: Time | '';
  until: Time | '';
  links: Link[];
  individual: ReportIndividual | null;
  review_by: Time | '';
  purge_by: Time | '';
}
export type FieldName = keyof Typed | 'why' | 'basis' | 'approver';
const DAY_MS = 86_400_000;
/** What nobody has vetted is kept so long at most, unless the centre's policy says less: then it says so. */
export const TIPS_DAYS = 90;
export const inDays = (nowMs: number, days: number): Time => new Date(Math.floor(nowMs / 60_000) * 60_000 + days * DAY_MS).toISOString();

/** Nothing is filled in but F and 6, and the dates by which it is looked at again and goes. */
export const blankReport = (nowMs: number): Typed => ({
  text: '', kind: '', source: '', origin: '', learned: '', obtained: '', lawful: false, title: '', about: [], grade: F6,
  marking: { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] }, area: null, from: '', until: '', links: [], individual: null,
  review_by: inDays(nowMs, 30), purge_by: inDays(nowMs, TIPS_DAYS),
});
export const typed = (c: ReportContent): Typed => ({
  text: c.text, kind: c.provenance.kind, source: c.provenance.source, origin: c.provenance.origin, learned: c.provenance.at, obtained: c.provenance.obtained, lawful: c.provenance.lawful,
  title: c.title, about: [...c.about], grade: { ...c.grade }, marking: { ...c.marking }, area: c.area, from: c.from ?? '', until: c.until ?? '', links: [...c.links],
  individual: c.individual ? { ...c.individual } : null, review_by: c.review_by, purge_by: c.purge_by,
});
/** What cannot be sent yet since it is not chosen or no time, by field; all else is for the centre to judge. */
export function lacking(t: Typed): Map<FieldName, string> {
  const out = new Map<FieldName, string>();
  if (t.kind === '') out.set('kind', 'Choose from which kind of source it is.');
  if (t.obtained === '') out.set('obtained', 'Choose how it was learned.');
  if (t.learned === '') out.set('learned', 'Say when it was learned.');
  if (t.review_by === '') out.set('review_by', 'Say by when it is looked at again.');
  if (t.purge_by === '') out.set('purge_by', 'Say by when it goes.');
  if (t.area !== null && !isPlaced(t.area)) out.set('area', 'Say where, or take the place off.');
  if (t.individual !== null && t.individual.approver === '') out.set('approver', 'Choose the supervisor who is asked to approve it.');
  return out;
}
/** The content to send; only once nothing is [`lacking`]. */
export function content(t: Typed): ReportContent {
  return {
    title: t.title.trim(), text: t.text.trim(), about: t.about,
    provenance: { kind: t.kind as ReportSourceKind, obtained: t.obtained as ReportObtained, at: t.learned, source: t.source.trim(), origin: t.origin.trim(), lawful: t.lawful },
    grade: t.grade, marking: t.marking, area: t.area, from: t.from || null, until: t.until || null, links: t.links,
    individual: t.individual ? { text: t.individual.text.trim(), basis: t.individual.basis.trim(), approver: t.individual.approver } : null,
    review_by: t.review_by, purge_by: t.purge_by,
  };
}
/** The first line of a text as a title. */
export const firstLine = (text: string): string => [...(text.trim().split('\n')[0] ?? '').trim()].slice(0, 120).join('');

// ---- refusals ----
/** The API's names of fields, and the fields of the form. */
const PATHS: Record<string, FieldName> = {
  title: 'title', text: 'text', about: 'about', 'provenance.kind': 'kind', 'provenance.obtained': 'obtained', 'provenance.at': 'learned', 'provenance.source': 'source',
  'provenance.origin': 'origin', 'provenance.lawful': 'lawful', grade: 'grade', marking: 'marking', area: 'area', from: 'from', until: 'until', links: 'links',
  individual: 'individual', 'individual.text': 'individual', 'individual.basis': 'basis', 'individual.approver': 'approver', review_by: 'review_by', purge_by: 'purge_by',
};
export interface Placed {
  /** By field, in the server's words. */
  fields: Map<FieldName, string>;
  /** What belongs to no field. */
  rest: string;
}
/** Puts each line of a refusal beside the field that it names. */
export function placed(problem: Pick<Problem, 'code' | 'detail' | 'title'>): Placed {
  const fields = new Map<FieldName, string>();
  const rest: string[] = [];
  if (problem.code === 'why') return { fields: new Map([['why', problem.detail]]), rest: '' };
  for (const line of (problem.detail || problem.title).split('\n').filter((l) => l.trim() !== '')) {
    const [, names = '', says = ''] = /^(?:content\.)?([a-z_.]+(?:, [a-z_.]+)*): (.*)$/s.exec(line) ?? [];
    const field = PATHS[names.split(', ')[0] ?? ''];
    if (field === undefined) rest.push(line);
    else fields.set(field, [fields.get(field), says].filter(Boolean).join(' '));
  }
  return { fields, rest: rest.join('\n') };
}

// ---- two versions ----
const NAMES: readonly [keyof Typed, string][] = [
  ['title', 'Title'], ['text', 'Text'], ['about', 'About'], ['kind', 'Kind of source'], ['source', 'Source'], ['origin', 'Origin'], ['learned', 'Learned at'], ['obtained', 'How it was learned'],
  ['lawful', 'Obtained lawfully'], ['grade', 'Grade'], ['marking', 'Marking'], ['area', 'Place'], ['from', 'Begins'], ['until', 'Ends'], ['links', 'Links'], ['individual', 'About an individual'],
  ['review_by', 'Looked at again by'], ['purge_by', 'Gone by'],
];
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
function inWords(t: Typed, k: keyof Typed, name: NameOf): string {
  const time = (x: Time | ''): string => (x === '' ? '' : absolute(x));
  switch (k) {
    case 'about': return t.about.map(subjectWords).join('; ');
    case 'kind': return t.kind === '' ? '' : kindWords(t.kind);
    case 'obtained': return t.obtained === '' ? '' : obtainedWords(t.obtained);
    case 'learned': case 'from': case 'until': case 'review_by': case 'purge_by': return time(t[k]);
    case 'lawful': return t.lawful ? 'affirmed' : '';
    case 'grade': return `${gradeName(t.grade)}, ${gradeWords(t.grade)}`;
    case 'marking': return markingWords(t.marking, name);
    case 'area': return t.area === null ? '' : areaWords(t.area);
    case 'links': return t.links.map((l) => `${LINKED[l.to]} ${l.id}`).join('\n');
    case 'individual': return t.individual ? `${t.individual.text}\nBasis: ${t.individual.basis}\nApprover: ${name('person', t.individual.approver)}` : '';
    default: return t[k];
  }
}
/** What differs between two, field by field, in the order of the page. */
export function differences(a: Typed, b: Typed, name: NameOf): Change[] {
  return NAMES.filter(([k]) => !same(a[k], b[k])).map(([k, field]) => ({ field, before: inWords(a, k, name), after: inWords(b, k, name) }));
}
/** What I typed over what I read, and theirs wherever I typed nothing; `both` names the fields that we both changed, differently. */
export function merged(read: Typed, mine: Typed, theirs: Typed): { all: Typed; both: string[] } {
  const all = { ...mine };
  const both: string[] = [];
  for (const [k, says] of NAMES) {
    if (same(mine[k], read[k])) Object.assign(all, { [k]: theirs[k] });
    else if (!same(theirs[k], read[k]) && !same(theirs[k], mine[k])) both.push(says);
  }
  return { all, both };
}
/** Fields of the API's history in the words of the page. */
export const fieldWords = (fields: readonly string[]): string => fields.map((f) => ({
  provenance: 'where it comes from', review_by: 'looked at again by', purge_by: 'gone by', from: 'when it begins', until: 'when it ends', area: 'place', about: 'what it is about', individual: 'what it says about an individual',
}[f] ?? f)).join(', ');

// ---- who may do what ----
const has = (me: Me, ...roles: Role[]): boolean => me.person.roles.some((r) => roles.includes(r));
export const writes = (me: Me): boolean => has(me, 'analyst', 'watch', 'supervisor');
export const vets = (me: Me): boolean => has(me, 'analyst', 'supervisor');
export const purges = (me: Me): boolean => has(me, 'auditor', 'administrator');

export type Act = keyof Report['may'];
/** Why somebody whose work it could be may not do something about a report now; nothing where they may, or where it is not asked for. */
export function whyNot(r: Report, me: Me, nowMs: number): { act: Act; says: string }[] {
  const out: { act: Act; says: string }[] = [];
  if (r.sight !== 'whole') return out;
  const not = (act: Act, says: string): void => void (r.may[act] || out.push({ act, says }));
  const over = r.purge_by !== null && Date.parse(r.purge_by) <= nowMs;
  if (over) {
    if (!r.may.purge) out.push({ act: 'purge', says: 'Its time is over: an auditor or an administrator purges it. It cannot be changed, vetted or kept longer any more (28 CFR 23.20(h)).' });
    return out;
  }
  const wrote = r.filed_by === me.person.id || sinceVetted(r).some((h) => h.what === 'changed' && h.by.id === me.person.id);
  if (r.step === 'raw') {
    not('vet', !vets(me) ? 'It is vetted by an analyst or a supervisor who did not write at it.' : wrote ? 'You wrote at it: somebody else must vet it.'
      : r.individual === 'waits' ? 'It is vetted once the supervisor named has approved what it says about an individual (28 CFR 23.20(a), (c)).' : 'It cannot be vetted now.');
    if (vets(me)) not('review', 'It is kept longer only by a review, and reviewed once it is vetted.');
  } else if (!vets(me) && r.due === 'review') not('review', 'Analysts and supervisors look at it again.');
  if (r.individual === 'waits') {
    const who = r.individual_approver;
    not('approve_individual', who ? `What it says about an individual waits for ${who.name}, who is asked to approve it.` : 'What it says about an individual is hidden until the supervisor who is named approves it.');
  }
  if (!writes(me)) not('change', 'Analysts, watch and supervisors write reports.');
  if (r.purge_request) {
    if (purges(me)) not('purge', r.purge_request.by.id === me.person.id || r.filed_by === me.person.id ? 'Somebody who neither filed it nor asked for its purge must decide that.' : 'You cannot purge it now.');
    else out.push({ act: 'purge', says: 'An auditor or an administrator who neither filed it nor asked for it decides whether it goes.' });
  } else if (purges(me)) not('purge', 'It can be purged once somebody asks for it, or when its time is over.');
  return out;
}
const sinceVetted = (r: Report): Report['history'] => r.history.slice(r.history.map((h) => h.what).lastIndexOf('vetted') + 1);

// ---- kept while it is written ----
/** What the page keeps of a report that is written: in this tab only, and until its writer signs out. */
export interface Kept {
  typed: Typed;
  why: string;
  /** What it began with, and its version: what others changed since then is not overwritten. */
  read: Typed | null;
  version: number;
  /** The request that was sent last, for the case that its answer was lost. */
  sent: { id: string; body: string } | null;
}
const keyOf = (person: string, report: string): string => `${TYPED}${person}.${report}`;
export function keep(store: Storage, person: string, report: string, what: Kept): boolean {
  try {
    store.setItem(keyOf(person, report), JSON.stringify({ ...what, at: Date.now() }));
    return true;
  } catch {
    return false; // full, or forbidden: the page says that it is not kept
  }
}
export function kept(store: Storage, person: string, report: string): Kept | null {
  try {
    const found = JSON.parse(store.getItem(keyOf(person, report)) ?? 'null') as Partial<Kept> | null;
    if (!found?.typed || typeof found.version !== 'number') return null;
    return { typed: { ...blankReport(0), ...found.typed }, why: found.why ?? '', read: found.read ?? null, version: found.version, sent: found.sent ?? null };
  } catch {
    return null;
  }
}
export function drop(store: Storage, person: string, report: string): void {
  try {
    store.removeItem(keyOf(person, report));
  } catch {
    // Nothing was kept then.
  }
}
