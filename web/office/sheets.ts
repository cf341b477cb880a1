// The fields of an Officer Safety Alert and its like: what is not whole yet, what changed between two versions, and a
// typed list of corners. Pure, so that it is tested.
import { absolute, parsePlace, place } from '../shared/format';
import { ringTrouble } from '../shared/map/ring';
import type { Audience, BulletinContent, Grade, LatLon, LibraryArea, NoticeArea, Phrase, Polygon, Reliability, Sheet } from '../shared/types';
import { ruleWords } from './bulletins';

/** Admiralty code, wording of FM 2-22.3. */
export const RELIABILITIES: readonly { reliability: Reliability; says: string }[] = [
  { reliability: 'A', says: 'completely reliable' },
  { reliability: 'B', says: 'usually reliable' },
  { reliability: 'C', says: 'fairly reliable' },
  { reliability: 'D', says: 'not usually reliable' },
  { reliability: 'E', says: 'unreliable' },
  { reliability: 'F', says: 'cannot be judged' },
];
export const CREDIBILITIES: readonly { credibility: number; says: string }[] = [
  { credibility: 1, says: 'confirmed by other sources' },
  { credibility: 2, says: 'probably true' },
  { credibility: 3, says: 'possibly true' },
  { credibility: 4, says: 'doubtful' },
  { credibility: 5, says: 'improbable' },
  { credibility: 6, says: 'cannot be judged' },
];
/** Nothing is assumed but that nobody judged. */
export const F6: Grade = { reliability: 'F', credibility: 6 };
export const gradeName = (g: Grade): string => `${g.reliability}${g.credibility}`;
export const gradeWords = (g: Grade): string =>
  `source ${RELIABILITIES.find((r) => r.reliability === g.reliability)?.says ?? g.reliability}, information ${CREDIBILITIES.find((c) => c.credibility === g.credibility)?.says ?? g.credibility}`;

export const MOST_SHORT = 90;
export const MOST_BRIEF = 360;
export const MOST_STATEMENTS = 20;
export const MOST_MEASURES = 32;

export const phrase = (en = '', es = ''): Phrase => ({ en, es });

/** An empty sheet of a centre. */
export const blankSheet = (issuer: string): Sheet => ({
  template: '', series: 'OSA', kind: phrase('Officer Safety Alert', 'Alerta de seguridad para oficiales'), issuer, known: [], not_known: [], measures: [], area_name: phrase(),
  valid_from: null, report_to: phrase(), contact: '', rests_on: [], release_why: '', short: phrase(), brief: phrase(),
});

/** What the API may have left out stands there empty. */
export function whole(s: Partial<Sheet> & Pick<Sheet, 'series' | 'kind' | 'issuer'>): Sheet {
  const p = (x: Partial<Phrase> | undefined): Phrase => ({ en: x?.en ?? '', es: x?.es ?? '' });
  return {
    ...blankSheet(s.issuer), ...s, kind: p(s.kind), area_name: p(s.area_name), report_to: p(s.report_to), short: p(s.short), brief: p(s.brief),
    known: (s.known ?? []).map((k) => ({ text: p(k.text), grade: k.grade ?? F6 })), not_known: (s.not_known ?? []).map(p), measures: (s.measures ?? []).map((m) => ({ id: m.id, text: p(m.text) })),
  };
}

/** What of a sheet is not whole yet, in words, in the order of the form. */
export function wrongSheet(s: Sheet, expires_at: string): string[] {
  const out: string[] = [];
  const length = (text: string): number => [...text.trim()].length;
  const most = (what: string, p: Phrase, n: number): void => {
    if (length(p.en) > n || length(p.es) > n) out.push(`${what}: at most ${n.toLocaleString('en-US')} characters fit.`);
  };
  if (!/^[A-Z]{1,6}$/.test(s.series)) out.push('The series of its number: 1 to 6 capital letters.');
  if (length(s.kind.en) === 0) out.push('The kind of bulletin is missing.');
  if (length(s.issuer) === 0) out.push('The issuing centre is missing.');
  s.known.forEach((k, n) => { if (length(k.text.en) === 0) out.push(`Known ${n + 1}: write it, or take it off.`); });
  s.not_known.forEach((k, n) => { if (length(k.en) === 0) out.push(`Not known ${n + 1}: write it, or take it off.`); });
  s.measures.forEach((m, n) => { if (length(m.text.en) === 0) out.push(`Measure ${n + 1}: write it, or take it off.`); });
  if (length(s.report_to.en) === 0) out.push('To whom a sighting is reported is missing.');
  if (s.valid_from !== null && Date.parse(s.valid_from) >= Date.parse(expires_at)) out.push('It would begin after its end.');
  most('The 90-character text', s.short, MOST_SHORT);
  most('The 360-character text', s.brief, MOST_BRIEF);
  return out;
}

/** A name for a measure of one's own, that none of these has. */
export function ownMeasure(text: string, taken: readonly string[]): string {
  const words = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 48).replace(/-+$/, '') || 'own';
  for (let k = 1; ; k += 1) {
    const id = k === 1 ? words : `${words}-${k}`;
    if (!taken.includes(id)) return id;
  }
}

/** Corners, one in each line or behind a semicolon, each as MGRS or degrees; what is no place is said by its number, and
 *  then the list is not read. */
export function parseCorners(text: string): { points: LatLon[]; wrong: string; unread: boolean } {
  const lines = text.split(/[\n;]/).map((l) => l.trim()).filter((l) => l !== '');
  const points: LatLon[] = [];
  for (const [k, line] of lines.entries()) {
    const at = parsePlace(line);
    if (at === null) return { points, wrong: `Corner ${k + 1} is no MGRS position and no pair of degrees: ${line.slice(0, 40)}`, unread: true };
    points.push({ lat_deg: at.lat_deg, lon_deg: at.lon_deg });
  }
  // A ring that names its first corner again at its end.
  const [first, last] = [points[0], points.at(-1)];
  if (points.length > 3 && first && last && first.lat_deg === last.lat_deg && first.lon_deg === last.lon_deg) points.pop();
  return { points, wrong: ringTrouble(points)?.says ?? '', unread: false };
}
const sameGround = (a: NoticeArea, b: NoticeArea): boolean =>
  a.shape === 'circle'
    ? b.shape === 'circle' && a.radius_m === b.radius_m && a.centre.lat_deg === b.centre.lat_deg && a.centre.lon_deg === b.centre.lon_deg
    : b.shape === 'polygon' && a.points.length === b.points.length && a.points.every((p, k) => p.lat_deg === b.points[k]!.lat_deg && p.lon_deg === b.points[k]!.lon_deg);
/** The named area whose ground this is. */
export const namedAs = (area: NoticeArea, areas: readonly LibraryArea[]): LibraryArea | null => areas.find((a) => sameGround(a.ground, area)) ?? null;
/** The named area that the words name, while the ground is another. */
export const misnamed = (name: Phrase, area: NoticeArea | null, areas: readonly LibraryArea[]): LibraryArea | null =>
  (area !== null && areas.find((a) => a.name.en === name.en.trim() && !sameGround(a.ground, area))) || null;
export const cornerLines = (a: Polygon): string => a.points.filter((p) => Number.isFinite(p.lat_deg)).map((p) => `${p.lat_deg}, ${p.lon_deg}`).join('\n');

/** A place on the ground in words. */
export function areaWords(a: NoticeArea): string {
  if (a.shape === 'circle') return `within ${a.radius_m.toLocaleString('en-US')} m of ${place(a.centre)} (${a.centre.lat_deg.toFixed(5)}, ${a.centre.lon_deg.toFixed(5)})`;
  return `within ${a.points.length} corners: ${a.points.map((p) => place(p)).join(', ')}`;
}

/** One field that differs between two versions. */
export interface Change {
  field: string;
  before: string;
  after: string;
}
type Name = (kind: 'unit' | 'agency' | 'roster' | 'person', id: string) => string;

/** What differs between what is in force and what waits, field by field, in the order of the page. */
export function changes(a: BulletinContent, b: BulletinContent, name: Name): Change[] {
  const both = (p: Phrase | undefined): string => (p === undefined ? '' : p.es === '' ? p.en : `${p.en} / ${p.es}`);
  const marked = (c: BulletinContent): string =>
    [c.marking.tlp, ...c.marking.releasable_to.map((x) => name('agency', x)), ...c.marking.named.map((p) => name('person', p))].join(', ');
  const audience = (c: BulletinContent): string => c.audience.map((r: Audience) => ruleWords(r, name)).join('; ');
  const lines = (items: readonly string[] | undefined): string => (items ?? []).join('\n');
  const rows: [string, (c: BulletinContent) => string][] = [
    ['Level', (c) => c.level],
    ['Must be acknowledged', (c) => (c.needs_ack ? 'yes' : 'no')],
    ['Kind', (c) => both(c.sheet?.kind)],
    ['Series', (c) => c.sheet?.series ?? ''],
    ['Issuing centre', (c) => c.sheet?.issuer ?? ''],
    ['Title', (c) => c.title],
    ['Spanish title', (c) => c.title_es],
    ['Text', (c) => c.text],
    ['Spanish text', (c) => c.text_es],
    ['Known', (c) => lines(c.sheet?.known.map((k) => `${gradeName(k.grade)} ${both(k.text)}`))],
    ['Not known', (c) => lines(c.sheet?.not_known.map(both))],
    ['Measures', (c) => lines(c.sheet?.measures.map((m) => both(m.text)))],
    ['Area', (c) => (c.area === null ? '' : areaWords(c.area))],
    ['Name of the area', (c) => both(c.sheet?.area_name)],
    ['Valid from', (c) => (c.sheet?.valid_from ? absolute(c.sheet.valid_from) : '')],
    ['Valid until', (c) => (c.expires_at === '' ? '' : absolute(c.expires_at))],
    ['For', audience],
    ['Marking', marked],
    ['Why it is released', (c) => c.sheet?.release_why ?? ''],
    ['Report sightings to', (c) => both(c.sheet?.report_to)],
    ['Contact', (c) => c.sheet?.contact ?? ''],
    ['90 characters', (c) => both(c.sheet?.short)],
    ['360 characters', (c) => both(c.sheet?.brief)],
    ['Rests on', (c) => lines((c.sheet?.rests_on ?? []).map((l) => `${l.to} ${l.id}`))],
    ['If recalled', (c) => [c.recall_text, c.recall_text_es].filter((x) => x !== '').join(' / ')],
  ];
  return rows.map(([field, of]) => ({ field, before: of(a), after: of(b) })).filter((c) => c.before !== c.after);
}
