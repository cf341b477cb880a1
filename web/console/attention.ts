// What needs a person now, in one order: levels first, the soonest first within a level; then what has no level,
// oldest first. Pure, so that the order is tested.
import type { Danger, Level, NoticeView, PersonView, ProtectedId, RecipientRow, SightingView, SourceView, Time, TrackFeature } from '../shared/types';
import type { Selection } from './selection';
import { LEVEL_RANK, plural, sightingLine, trackName } from './words';

export interface Row {
  key: string;
  kind: 'warning' | 'report' | 'silent';
  level: Level | null;
  /** Beside the shape: the level, or "report", "silent". */
  word: string;
  what: string;
  /** Where it is, as a place to format: metres and bearing from something named. */
  near: { name: string; distance_m: number; bearing_deg: number } | null;
  /** Seconds left until the stand-off radius can be reached. */
  left_s: number | null;
  since: Time | null;
  /** People warned who acknowledged, of how many; null where nobody has to. */
  acknowledged: { of: number; done: number } | null;
  /** Names of those at the centre who took it. */
  takenBy: string[];
  /** Names of people who stayed silent past their time and have not acknowledged since. */
  silent: string[];
  /** Of those: names of people for whom nobody is left to tell. */
  call: string[];
  /** I have something to do here. */
  mine: boolean;
  unrecorded: boolean;
  select: Exclude<Selection, null>;
}

export const protectedKey = (p: ProtectedId): string => ('person' in p ? `person/${p.person}` : `site/${p.site}`);

/**
 * Whether this notice waits for my acknowledgement. The centre says so in my own row; where it does not, `before` are the
 * notices that I acknowledged in an earlier version.
 */
export function needsMyAcknowledgement(v: NoticeView, me: string, before: ReadonlySet<string>): boolean {
  if (!v.mine || v.notice.state === 'cleared') return false;
  const owes = v.recipients.find((r) => r.person === me)?.owes;
  if (owes !== undefined) return owes;
  if (v.acknowledged) return false;
  return v.notice.needs_ack || !before.has(v.notice.id);
}

/** Stayed silent for the set time: somebody else was told, or nobody is left to tell. */
export const isSilent = (r: RecipientRow): boolean => r.silent || (r.escalated_to !== null && r.acknowledged_at === null && r.owes !== false);

export interface Board {
  /** Open notices of one track, the soonest first. */
  track: string;
  notices: NoticeView[];
  level: Level;
  left_s: number;
}

/** Open warnings by track, in the order of the list. */
export function boards(notices: Iterable<NoticeView>, dangers: ReadonlyMap<string, Danger>, nowMs: number): Board[] {
  const byTrack = new Map<string, NoticeView[]>();
  for (const v of notices) {
    if (v.notice.state === 'cleared') continue;
    const list = byTrack.get(v.notice.track);
    if (list) list.push(v);
    else byTrack.set(v.notice.track, [v]);
  }
  const out: Board[] = [];
  for (const [track, list] of byTrack) {
    const left = (v: NoticeView): number => timeLeftOf(v, dangers, nowMs);
    list.sort((a, b) => LEVEL_RANK[b.notice.level] - LEVEL_RANK[a.notice.level] || left(a) - left(b) || cmp(a.notice.id, b.notice.id));
    const level = list[0]!.notice.level;
    out.push({ track, notices: list, level, left_s: Math.min(...list.filter((v) => v.notice.level === level).map(left)) });
  }
  return out.sort((a, b) => LEVEL_RANK[b.level] - LEVEL_RANK[a.level] || a.left_s - b.left_s || cmp(a.track, b.track));
}

export const dangerKey = (track: string, p: ProtectedId): string => `${track}|${protectedKey(p)}`;

/** Live time left where there is one, else what the notice said, less the time gone since. */
export function timeLeftOf(v: NoticeView, dangers: ReadonlyMap<string, Danger>, nowMs: number): number {
  const live = dangers.get(dangerKey(v.notice.track, v.notice.protected));
  if (live) return live.earliest_s;
  return Math.max(0, v.notice.facts.earliest_s - Math.max(0, (nowMs - Date.parse(v.notice.at)) / 1000));
}

const cmp = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export interface Input {
  notices: Iterable<NoticeView>;
  dangers: ReadonlyMap<string, Danger>;
  tracks: ReadonlyMap<string, TrackFeature>;
  sightings: Iterable<SightingView>;
  sources: Iterable<SourceView>;
  people: Iterable<PersonView>;
  me: string;
  acknowledgedBefore: ReadonlySet<string>;
  nowMs: number;
}

/** How many single rows of a kind stand before they fold into one. */
export const FOLD = 5;

export function attention(input: Input): Row[] {
  const rows: Row[] = boards(input.notices, input.dangers, input.nowMs).map((b) => warningRow(b, input));
  const reports = [...input.sightings]
    .filter((s) => s.verdict.is === 'new' && s.retracted_at === null)
    .sort((a, b) => cmp(a.stored_at, b.stored_at) || cmp(a.sighting.id, b.sighting.id));
  const quiet: Row[] = reports.slice(0, reports.length > FOLD ? FOLD - 1 : FOLD).map((s) => ({
    ...blank('report'),
    key: `sighting/${s.sighting.id}`,
    what: sightingLine(s),
    near: null,
    since: s.stored_at,
    takenBy: [],
    mine: true,
    select: { kind: 'sighting', id: s.sighting.id },
  }));
  if (reports.length > FOLD) {
    const rest = reports.slice(FOLD - 1);
    quiet.push({
      ...blank('report'), key: 'reports', what: `${rest.length} more reports`, since: rest[0]!.stored_at, mine: true, select: { kind: 'reports' },
    });
  }
  const silent = [...input.sources].filter((s) => s.silent).sort((a, b) => cmp(a.id, b.id));
  if (silent.length > 3) {
    quiet.push({
      ...blank('silent'), key: 'sources', what: `${plural(silent.length, 'source')}`,
      since: silent.map((s) => s.last_heard ?? '').sort()[0] || null, select: { kind: 'sources' },
    });
  } else {
    for (const s of silent) {
      quiet.push({ ...blank('silent'), key: `source/${s.id}`, what: `Source ${s.id}`, since: s.last_heard, select: { kind: 'source', id: s.id } });
    }
  }
  const lost = [...input.people].filter((p) => p.unreachable).sort((a, b) => cmp(a.id, b.id));
  if (lost.length > 0) {
    const [one] = lost;
    quiet.push({
      ...blank('silent'),
      key: 'people',
      word: 'unreachable',
      what: lost.length <= 3 ? lost.map((p) => p.name).join(', ') : plural(lost.length, 'person', 'people'),
      select: lost.length === 1 ? { kind: 'person', id: one!.id } : { kind: 'people' },
    });
  }
  quiet.sort((a, b) => cmp(a.since ?? '~', b.since ?? '~') || cmp(a.key, b.key));
  return [...rows, ...quiet];
}

function blank(kind: 'report' | 'silent'): Omit<Row, 'key' | 'what' | 'select'> {
  return {
    kind, level: null, word: kind, near: null, left_s: null, since: null, acknowledged: null, takenBy: [], silent: [], call: [], mine: false,
    unrecorded: false,
  };
}

function warningRow(b: Board, input: Input): Row {
  const people = new Set<string>();
  const sites = new Set<string>();
  // A person on several notices of one track counts once, and has acknowledged when nothing of theirs is left open.
  const must = new Map<string, boolean>();
  const takenBy = new Set<string>();
  const silent = new Set<string>();
  const call = new Set<string>();
  for (const v of b.notices) {
    const p = v.notice.protected;
    if ('person' in p) people.add(p.person);
    else sites.add(p.site);
    for (const r of v.recipients) {
      if (isSilent(r)) silent.add(r.name);
      if (r.silent) call.add(r.name);
      if (r.rule === 'centre') {
        if (r.acknowledged_at !== null) takenBy.add(r.name);
      } else if (r.rule !== 'escalation') {
        must.set(r.person, (must.get(r.person) ?? true) && r.acknowledged_at !== null);
      }
    }
  }
  const first = b.notices[0]!;
  const live = input.dangers.get(dangerKey(b.track, first.notice.protected));
  const whom = [people.size > 0 ? plural(people.size, 'person', 'people') : '', sites.size > 0 ? plural(sites.size, 'site') : '']
    .filter((t) => t !== '').join(' and ');
  return {
    key: `track/${b.track}`,
    kind: 'warning',
    level: b.level,
    word: b.level,
    what: `${trackName(b.track, input.tracks.get(b.track))} → ${people.size + sites.size === 1 ? first.notice.protected_name : whom}`,
    near: {
      name: first.notice.protected_name,
      distance_m: live?.distance_m ?? first.notice.facts.distance_m,
      bearing_deg: live?.bearing_deg ?? first.notice.facts.bearing_deg,
    },
    left_s: b.left_s,
    since: b.notices.map((v) => v.notice.at).sort()[0] ?? null,
    acknowledged: must.size === 0 ? null : { of: must.size, done: [...must.values()].filter(Boolean).length },
    takenBy: [...takenBy].sort(),
    silent: [...silent].sort(),
    call: [...call].sort(),
    mine: b.notices.some((v) => needsMyAcknowledgement(v, input.me, input.acknowledgedBefore)),
    unrecorded: b.notices.some((v) => v.unrecorded),
    select: { kind: 'track', id: b.track },
  };
}

/** The level that sounds: the highest among warnings that wait for me; null is silence. */
export function soundingLevel(rows: readonly Row[]): Level | null {
  let best: Level | null = null;
  for (const r of rows) {
    if (r.kind === 'warning' && r.mine && r.level && (best === null || LEVEL_RANK[r.level] > LEVEL_RANK[best])) best = r.level;
  }
  return best;
}
