// Bulletins in words, and what of a draft is not whole yet. Pure, so that it is tested.
import type { Audience, Bulletin, BulletinContent, BulletinStep, Circle, Level, Marking, NoticeArea } from '../shared/types';
import { circleTrouble, ringTrouble } from '../shared/map/ring';
import { areaWords, wrongSheet } from './sheets';

export const LEVELS: readonly { level: Level; says: string }[] = [
  { level: 'advisory', says: 'know of it' },
  { level: 'caution', says: 'be ready' },
  { level: 'urgent', says: 'act now: alarms until it is acknowledged' },
];
export const TLPS: readonly { tlp: Marking['tlp']; says: string }[] = [
  { tlp: 'TLP:CLEAR', says: 'anybody may know' },
  { tlp: 'TLP:GREEN', says: 'the agencies here; its words may go by push, mail and SMS' },
  { tlp: 'TLP:AMBER', says: 'our agency and those ticked below; push, mail and SMS only say that there is something' },
  { tlp: 'TLP:AMBER+STRICT', says: 'our agency only' },
  { tlp: 'TLP:RED', says: 'the people named below only' },
];
export const STEPS: Record<BulletinStep, string> = {
  draft: 'draft', proposed: 'waits for a second person', issued: 'in force', withdrawn: 'withdrawn', recalled: 'recalled', expired: 'expired',
};
/** How far it is, in words. */
export function stepName(b: Pick<Bulletin, 'step' | 'waiting' | 'version' | 'correction'>): string {
  if (b.step === 'issued' && b.correction?.draft) return 'in force; a correction was sent back';
  if (b.step === 'issued' && b.waiting !== null) return 'in force; a correction waits for a second person';
  return STEPS[b.step] ?? b.step;
}

/** When that was written which a correction begins with: the correction that there is, or else the version in force. */
export const writtenAt = (b: Pick<Bulletin, 'at' | 'correction'>): string => b.correction?.at ?? b.at;

/** So many things that somebody may not see, and how they are marked: `2 things, TLP:AMBER at the strictest`. */
export const unseenWords = (count: number, marking: Marking | null | undefined): string =>
  `${count === 1 ? 'one thing' : `${count} things`}${marking ? `, marked ${marking.tlp}${count === 1 ? '' : ' at the strictest'}` : ''}`;

export const KINDS: readonly { to: Audience['to']; says: string }[] = [
  { to: 'people', says: 'Named people' },
  { to: 'unit', says: 'A unit' },
  { to: 'agency', says: 'An agency' },
  { to: 'role', says: 'Everybody with a role' },
  { to: 'on_duty', says: 'Whoever is on duty' },
  { to: 'in_area', says: 'Whoever is in an area' },
  { to: 'in_danger', says: 'Whoever is in danger now' },
  { to: 'in_danger_soon', says: 'Whoever a drone could reach soon' },
  { to: 'neighbours', says: 'Whoever is near somebody in danger' },
  { to: 'subscribers', says: 'Whoever asked for it' },
  { to: 'centre', says: 'The watch at the centre' },
  { to: 'everybody', says: 'Everybody' },
];
/** A new rule of a kind, still to be filled in. */
export function blankRule(to: Audience['to']): Audience {
  switch (to) {
    case 'people': return { to, people: [] };
    case 'unit': return { to, unit: '', leadership: false };
    case 'agency': return { to, agency: '' };
    case 'role': return { to, role: 'field' };
    case 'on_duty': return { to, roster: '' };
    case 'in_area': return { to, area: NOWHERE };
    case 'in_danger_soon': return { to, within_s: 300 };
    case 'neighbours': return { to, within_m: 2_000 };
    default: return { to };
  }
}
/** An area that is still to be filled in. */
export const NOWHERE: Circle = { shape: 'circle', centre: { lat_deg: NaN, lon_deg: NaN }, radius_m: 5_000 };
export const isPlaced = (a: NoticeArea): boolean => areaTrouble(a) === '';
/** What is wrong with an area, in words. */
export const areaTrouble = (a: NoticeArea): string => (a.shape === 'polygon' ? (ringTrouble(a.points)?.says ?? '') : circleTrouble(a.centre, a.radius_m));

/** What is missing in a rule; empty when it is whole. */
export function wrongRule(a: Audience): string {
  const within = (v: number, most: number, unit: string): string => (v >= 1 && v <= most ? '' : `Give 1 to ${most.toLocaleString('en-US')} ${unit}.`);
  switch (a.to) {
    case 'people': return a.people.length > 0 ? '' : 'Name at least one person.';
    case 'unit': return a.unit !== '' ? '' : 'Choose the unit.';
    case 'agency': return a.agency !== '' ? '' : 'Choose the agency.';
    case 'on_duty': return a.roster !== '' ? '' : 'Choose the roster.';
    case 'in_area': return areaTrouble(a.area);
    case 'in_danger_soon': return within(a.within_s, 3_600, 'seconds');
    case 'neighbours': return within(a.within_m, 100_000, 'metres');
    default: return '';
  }
}

/** A rule in words; `name` gives what an id is called. */
export function ruleWords(a: Audience, name: (kind: 'unit' | 'agency' | 'roster' | 'person', id: string) => string): string {
  switch (a.to) {
    case 'people': return a.people.map((p) => name('person', p)).join(', ');
    case 'unit': return `unit ${name('unit', a.unit)}${a.leadership ? ' and its leadership' : ''}`;
    case 'agency': return `agency ${name('agency', a.agency)}`;
    case 'role': return `everybody with the role ${a.role}`;
    case 'on_duty': return `on duty: ${name('roster', a.roster)}`;
    case 'in_area': return areaWords(a.area);
    case 'in_danger': return 'in danger now';
    case 'in_danger_soon': return `a drone could reach them within ${a.within_s} s`;
    case 'neighbours': return `within ${a.within_m.toLocaleString('en-US')} m of somebody in danger`;
    case 'subscribers': return 'asked for it';
    case 'centre': return 'the watch at the centre';
    case 'everybody': return 'everybody';
  }
}

export const MOST_TITLE = 120;
export const MOST_TEXT = 4_000;

/** An empty bulletin that holds for eight hours. */
export const blank = (nowMs: number): BulletinContent => ({
  title: '', title_es: '', text: '', text_es: '', level: 'caution', audience: [], area: null, marking: marking('TLP:GREEN', '', [], []),
  expires_at: new Date(Math.ceil(nowMs / 60_000) * 60_000 + 8 * 3_600_000).toISOString(), needs_ack: true, recall_text: '', recall_text_es: '',
});

/** A marking: an owner where the label asks for one, agencies where they count. */
export const marking = (tlp: Marking['tlp'], agency: string, releasable_to: string[], named: string[]): Marking => ({
  tlp, owner: tlp === 'TLP:AMBER' || tlp === 'TLP:AMBER+STRICT' ? agency || null : null,
  releasable_to: tlp === 'TLP:RED' || tlp === 'TLP:AMBER+STRICT' ? [] : releasable_to, named: tlp === 'TLP:RED' ? named : [],
});

/** What is not whole yet, in words, in the order of the form. */
export function wrong(c: BulletinContent, nowMs: number): string[] {
  const out: string[] = [];
  const size = (what: string, text: string, least: number, most: number): void => {
    const n = [...text.trim()].length;
    if (n < least) out.push(`${what} is missing.`);
    else if (n > most) out.push(`${what} has ${n.toLocaleString('en-US')} characters; at most ${most.toLocaleString('en-US')} fit.`);
  };
  size('The title', c.title, 1, MOST_TITLE);
  size('The Spanish title', c.title_es, 0, MOST_TITLE);
  size('The text', c.text, 1, MOST_TEXT);
  size('The Spanish text', c.text_es, 0, MOST_TEXT);
  size('The recall text', c.recall_text, 0, MOST_TEXT);
  size('The Spanish recall text', c.recall_text_es, 0, MOST_TEXT);
  if (c.sheet) out.push(...wrongSheet(c.sheet, c.expires_at));
  // What a template left open stands in braces.
  const open = c.sheet?.template ? [...new Set(JSON.stringify({ ...c, audience: [] }).match(/\{[a-z_]{1,32}(\.es)?\}/g) ?? [])] : [];
  if (open.length > 0) out.push(`Still to be filled in: ${open.join(', ')}.`);
  out.push(...wrongAudience(c));
  const lasts = Date.parse(c.expires_at) - nowMs;
  if (!(lasts > 0)) out.push('It must be valid until a time in the future.');
  else if (lasts > 366 * 86_400_000) out.push('It can be valid for 366 days at most.');
  return out;
}
/** What keeps it from being said whom it would reach. */
export function wrongAudience(c: BulletinContent): string[] {
  const out = c.audience.length === 0 ? ['Say whom it is for: add a rule.'] : [];
  c.audience.forEach((a, k) => {
    const why = wrongRule(a);
    if (why !== '') out.push(`Rule ${k + 1}: ${why}`);
  });
  if (c.marking.tlp === 'TLP:RED' && c.marking.named.length === 0) out.push('TLP:RED: name who may see it.');
  if (c.area !== null && !isPlaced(c.area)) out.push(`Where it is about: ${areaTrouble(c.area)} Or take the area off.`);
  return out;
}

/** What of an unfinished bulletin can be kept as a draft: what is still to be filled in is not said yet. */
export const keepable = (c: BulletinContent, nowMs: number): BulletinContent => ({
  ...c, audience: c.audience.filter((a) => wrongRule(a) === ''), area: c.area !== null && isPlaced(c.area) ? c.area : null,
  expires_at: c.expires_at === '' ? blank(nowMs).expires_at : c.expires_at,
});

/** One request id for one body: pressed again after a lost answer it is the same request. */
export class Requests {
  private last = { body: '', id: '' };
  constructor(private readonly make: () => string) {}
  of(...body: unknown[]): string {
    const text = JSON.stringify(body);
    if (this.last.body !== text) this.last = { body: text, id: this.make() };
    return this.last.id;
  }
}
