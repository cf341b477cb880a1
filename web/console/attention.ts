// What needs a person now, in one order: levels first, the soonest first within a level; then what has no level,
// oldest first. Pure, so that the order is tested.
import type { Alarm, AlarmId, Bulletin, Channel, Danger, Level, NoticeView, PersonView, ProtectedId, RecipientRow, SightingView, SourceView, Time, TrackFeature, WarningNotice } from '../shared/types';
import { ended, isBulletin, isOver, isWarning, titleOf } from '../shared/notice';
import type { Selection } from './selection';
import { utc } from '../shared/format';
import { channelName, LEVEL_RANK, offWords, plural, sightingLine, trackName } from './words';

export interface Row {
  key: string;
  kind: 'warning' | 'report' | 'silent' | 'channel';
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
  /** Names of those at the centre who acknowledged it. */
  takenBy: string[];
  /** Who has it in hand. */
  hand: Hand;
  /** Names of people who stayed silent past their time and have not acknowledged since. */
  silent: string[];
  /** Of those: names of people for whom nobody is left to tell. */
  call: string[];
  /** I have something to do here. */
  mine: boolean;
  /** The level at which it sounds for me; null is silence. The centre decides it for the watch. */
  sounds: Level | null;
  /** When it interrupted last. */
  mark: string;
  /** All alarms that stand behind this row. */
  alarms: AlarmId[];
  unrecorded: boolean;
  select: Exclude<Selection, null>;
}

/** Who at the centre has something in hand: I, another, nobody; nobody any more is something to do. */
export interface Hand {
  is: 'mine' | 'other' | 'nobody' | 'dropped' | 'shelved';
  /** In words: "you since 02:14", "North desk since 02:14", "North desk gone", "handed back by North desk: …". */
  says: string;
}
export const NOBODY: Hand = { is: 'nobody', says: '' };
export const alarmKey = (a: AlarmId): string => `${a.of}/${a.id}`;

/** Whether somebody has an alarm of this level in hand: who has it is here, and took it at no lower level. */
export function inHand(a: Alarm | undefined, level: Level | null): boolean {
  if (!a || a.holder === null || a.gone_at !== null) return false;
  return level === null || (a.taken_level !== null && LEVEL_RANK[level] <= LEVEL_RANK[a.taken_level]);
}

const clock = (t: Time | null): string => (t === null ? '' : ` since ${utc(t)}`);

/** The hand that some alarms are in together: what is in nobody's decides, then what is in another's. */
export function handOf(alarms: readonly { alarm: Alarm | undefined; level: Level | null }[], me: string): Hand {
  const others = new Map<string, string>();
  let dropped = '';
  let shelved = '';
  let nobody = false;
  let mine: Time | null = null;
  for (const { alarm: a, level } of alarms) {
    if (a?.shelved_until) shelved = `shelved by ${a.shelved_by?.id === me ? 'you' : a.shelved_by?.name ?? 'the watch'} until ${utc(a.shelved_until)}: ${a.shelved_why ?? ''}`;
    else if (a && a.holder && inHand(a, level)) {
      if (a.holder.id !== me) others.set(a.holder.name, `${a.holder.name}${clock(a.held_since)}`);
      else mine = a.held_since;
    } else if (a?.how === 'handed_back' && a.holder === null) dropped = `handed back by ${a.before?.name ?? 'the watch'}: ${a.why}`;
    else if (a?.holder && a.gone_at !== null) dropped = `${a.holder.name} gone since ${utc(a.gone_at)}`;
    else if (a?.holder) dropped = `worse than when ${a.holder.id === me ? 'you' : a.holder.name} took it`;
    else nobody = true;
  }
  if (dropped !== '') return { is: 'dropped', says: dropped };
  if (nobody || alarms.length === 0) return NOBODY;
  if (shelved !== '') return { is: 'shelved', says: shelved };
  if (others.size > 0) return { is: 'other', says: [...others.values()].sort().join(', ') + (mine ? ', and you' : '') };
  return { is: 'mine', says: `you${clock(mine)}` };
}

export const protectedKey = (p: ProtectedId): string => ('person' in p ? `person/${p.person}` : `site/${p.site}`);

/**
 * Whether this notice waits for my acknowledgement. The centre says so in my own row; where it does not, `before` are the
 * notices that I acknowledged in an earlier version.
 */
export function needsMyAcknowledgement(v: NoticeView, me: string, before: ReadonlySet<string>): boolean {
  if (!v.mine || ended(v.notice.state)) return false;
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
  notices: NoticeView<WarningNotice>[];
  level: Level;
  left_s: number;
}

/** Open warnings by track, in the order of the list. */
export function boards(notices: Iterable<NoticeView>, dangers: ReadonlyMap<string, Danger>, nowMs: number): Board[] {
  const byTrack = new Map<string, NoticeView<WarningNotice>[]>();
  for (const v of notices) {
    if (!isWarning(v) || ended(v.notice.state)) continue;
    const list = byTrack.get(v.notice.track);
    if (list) list.push(v);
    else byTrack.set(v.notice.track, [v]);
  }
  const out: Board[] = [];
  for (const [track, list] of byTrack) {
    const left = (v: NoticeView<WarningNotice>): number => timeLeftOf(v, dangers, nowMs);
    list.sort((a, b) => LEVEL_RANK[b.notice.level] - LEVEL_RANK[a.notice.level] || left(a) - left(b) || cmp(a.notice.id, b.notice.id));
    const level = list[0]!.notice.level;
    out.push({ track, notices: list, level, left_s: Math.min(...list.filter((v) => v.notice.level === level).map(left)) });
  }
  return out.sort((a, b) => LEVEL_RANK[b.level] - LEVEL_RANK[a.level] || a.left_s - b.left_s || cmp(a.track, b.track));
}

export const dangerKey = (track: string, p: ProtectedId): string => `${track}|${protectedKey(p)}`;

/** Live time left where there is one, else what the notice said, less the time gone since. */
export function timeLeftOf(v: NoticeView<WarningNotice>, dangers: ReadonlyMap<string, Danger>, nowMs: number): number {
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
  /** How far bulletins are, where I may know. */
  bulletins?: Iterable<Bulletin>;
  /** Who has what in hand, by `alarmKey`. */
  alarms: ReadonlyMap<string, Alarm>;
  /** I am a watch officer: what nobody has in hand any more is mine to take. */
  watch: boolean;
  /** There is a flood: reports stand under the drone that they fed. */
  flood: boolean;
}

/** How many single rows of a kind stand before they fold into one. */
export const FOLD = 5;

export function attention(input: Input): Row[] {
  // Gone through twice: an iterator would be empty the second time.
  const notices = [...input.notices];
  const open = [...input.sightings]
    .filter((s) => s.verdict.is === 'new' && s.retracted_at === null)
    .sort((a, b) => cmp(a.stored_at, b.stored_at) || cmp(a.sighting.id, b.sighting.id));
  const all = boards(notices, input.dangers, input.nowMs).map((b) => {
    const under = input.flood ? open.filter((s) => s.track === b.track) : [];
    return warningRow(b, under.map((s) => s.sighting.id), input);
  });
  // What somebody has in hand stands below what nobody has; in each part the order of levels stays.
  const loud = [...all, ...channelRows(input)].sort((a, b) => LEVEL_RANK[b.level!] - LEVEL_RANK[a.level!]);
  const rows: Row[] = [...loud.filter((r) => !taken(r)), ...loud.filter(taken)];
  const grouped = new Set(all.flatMap((r) => r.alarms.filter((a) => a.of === 'sighting').map((a) => a.id)));
  const alarmOf = (s: SightingView): Alarm | undefined => input.alarms.get(alarmKey({ of: 'sighting', id: s.sighting.id }));
  const alone = open.filter((s) => !grouped.has(s.sighting.id));
  // In a flood, what several people say of a drone that endangers nobody stands together too.
  const together = new Map<string, SightingView[]>();
  if (input.flood) for (const s of alone) if (s.track !== null) together.set(s.track, [...(together.get(s.track) ?? []), s]);
  for (const [track, of] of together) if (of.length < 2) together.delete(track);
  const reports = alone.filter((s) => s.track === null || !together.has(s.track));
  const quiet: Row[] = reports.slice(0, reports.length > FOLD ? FOLD - 1 : FOLD).map((s) => ({
    ...blank('report'),
    key: `sighting/${s.sighting.id}`,
    what: sightingLine(s),
    near: null,
    since: s.stored_at,
    takenBy: [],
    hand: handOf([{ alarm: alarmOf(s), level: null }], input.me),
    mine: true,
    ...heard([alarmOf(s)], input.watch),
    alarms: [{ of: 'sighting', id: s.sighting.id }],
    select: { kind: 'sighting', id: s.sighting.id },
  }));
  for (const [track, of] of together) {
    quiet.push({
      ...blank('report'), key: `track/${track}`, what: `${trackName(track, input.tracks.get(track))}: ${plural(of.length, 'report')}`, since: of[0]!.stored_at,
      hand: handOf(of.map((s) => ({ alarm: alarmOf(s), level: null })), input.me), mine: true, ...heard(of.map(alarmOf), input.watch),
      alarms: of.map((s) => ({ of: 'sighting', id: s.sighting.id })), select: { kind: 'track', id: track },
    });
  }
  if (reports.length > FOLD) {
    const rest = reports.slice(FOLD - 1);
    quiet.push({
      ...blank('report'), key: 'reports', what: `${rest.length} more reports`, since: rest[0]!.stored_at, mine: true, select: { kind: 'reports' },
      ...heard(rest.map(alarmOf), input.watch), alarms: rest.map((s) => ({ of: 'sighting', id: s.sighting.id })),
    });
  }
  // A bulletin does not interrupt at the centre; it stands here while I have not acknowledged it.
  for (const v of notices) {
    if (!isBulletin(v) || isOver(v.notice, input.nowMs) || !needsMyAcknowledgement(v, input.me, input.acknowledgedBefore)) continue;
    quiet.push({
      ...blank('report'), key: `bulletin/${v.notice.id}`, word: 'bulletin', what: titleOf(v.notice), since: v.notice.at, mine: true,
      unrecorded: v.unrecorded, select: { kind: 'bulletin', id: v.notice.id },
    });
  }
  const unread = [...(input.bulletins ?? [])].filter((b) => b.waiting !== null && b.may.approve).sort((a, b) => cmp(a.waiting!.at, b.waiting!.at));
  if (unread.length > 0) {
    const what = unread.length === 1 ? unread[0]!.waiting!.content.title : plural(unread.length, 'bulletin');
    quiet.push({ ...blank('report'), key: 'bulletins', word: 'to approve', what, since: unread[0]!.waiting!.at, mine: true, select: { kind: 'bulletins' } });
  }
  const silent = [...input.sources].filter((s) => s.silent).sort((a, b) => cmp(a.id, b.id));
  if (silent.length > 3) {
    quiet.push({
      ...blank('silent'), key: 'sources', what: `${plural(silent.length, 'source')}`,
      since: silent.map((s) => s.last_heard ?? '').sort()[0] || null, select: { kind: 'sources' },
    });
  } else {
    for (const s of silent) {
      quiet.push({ ...blank('silent'), key: `source/${s.id}`, what: s.trouble ? `Source ${s.id}: not connected` : `Source ${s.id}`, since: s.last_heard, select: { kind: 'source', id: s.id } });
    }
  }
  for (const s of [...input.sources].sort((a, b) => cmp(a.id, b.id))) {
    if (s.flood) {
      quiet.push({ ...blank('silent'), key: `flood/${s.id}`, word: 'flood', what: `Source ${s.id}: ${plural(s.flood.names, 'new name')}, most likely made up`, since: s.flood.since, select: { kind: 'source', id: s.id } });
    }
    if (s.registration && !s.registration.applied) {
      quiet.push({ ...blank('silent'), key: `off/${s.id}`, word: 'misaligned', what: `Source ${s.id}: ${offWords(s.registration)}`, select: { kind: 'source', id: s.id } });
    }
  }
  const lost = [...input.people].filter((p) => p.unreachable && !p.disabled).sort((a, b) => cmp(a.id, b.id));
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
  quiet.sort((a, b) => Number(taken(a)) - Number(taken(b)) || cmp(a.since ?? '~', b.since ?? '~') || cmp(a.key, b.key));
  return [...rows, ...quiet];
}

const taken = (r: Row): boolean => r.hand.is === 'mine' || r.hand.is === 'other' || r.hand.is === 'shelved';

/** At which level these alarms sound at the centre, and when one of them interrupted last. */
export function heard(alarms: readonly (Alarm | undefined)[], watch: boolean): { sounds: Level | null; mark: string } {
  let sounds: Level | null = null;
  let mark = '';
  for (const a of alarms) {
    if (!watch || !a?.sounds || a.call === null) continue;
    const level = a.level ?? a.call.level;
    if (sounds === null || LEVEL_RANK[level] > LEVEL_RANK[sounds]) sounds = level;
    if (a.call.how === 'interrupts' && a.call.at > mark) mark = a.call.at;
  }
  return { sounds, mark };
}

/** Channels that take no messages for long, or take them and do not work. */
function channelRows(input: Input): Row[] {
  const channels = [...input.alarms.values()].filter((a) => a.alarm.of === 'channel').sort((a, b) => cmp(a.alarm.id, b.alarm.id));
  return channels.map((a) => {
    const hand = handOf([{ alarm: a, level: null }], input.me);
    const sound = heard([a], input.watch);
    return {
      ...blank('channel'), key: `channel/${a.alarm.id}`, level: a.call?.level ?? 'caution', word: 'channel', what: `${channelName(a.alarm.id as Channel)} ${a.down_since ? 'is down' : 'does not work'}`, since: a.since,
      hand, mine: input.watch && (hand.is === 'dropped' || sound.sounds !== null), ...sound, alarms: [a.alarm], select: { kind: 'channel', id: a.alarm.id },
    };
  });
}

function blank(kind: 'report' | 'silent' | 'channel'): Omit<Row, 'key' | 'what' | 'select'> {
  return {
    kind, level: null, word: kind, near: null, left_s: null, since: null, acknowledged: null, takenBy: [], hand: NOBODY, silent: [], call: [], mine: false,
    unrecorded: false, sounds: null, mark: '', alarms: [],
  };
}

function warningRow(b: Board, reports: string[], input: Input): Row {
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
  const alarmOf = (v: NoticeView): Alarm | undefined => input.alarms.get(alarmKey({ of: 'notice', id: v.notice.id }));
  const hand = handOf(b.notices.map((v) => ({ alarm: alarmOf(v), level: v.notice.level })), input.me);
  // What another has in hand does not ask the watch; it does ask whoever is in danger themself.
  const forWatch = (v: NoticeView): boolean => v.recipients.find((r) => r.person === input.me)?.rule === 'centre';
  const asks = (v: NoticeView): boolean => {
    const a = alarmOf(v);
    const theirs = input.watch && (a?.shelved_until || (inHand(a, v.notice.level) && a?.holder?.id !== input.me));
    return needsMyAcknowledgement(v, input.me, input.acknowledgedBefore) && !(theirs && forWatch(v));
  };
  const centre = heard(b.notices.map(alarmOf), input.watch);
  // What is addressed to me as somebody in danger, or as a supervisor, sounds for me, whatever the watch makes of it.
  const own = b.notices.filter((v) => asks(v) && !(input.watch && forWatch(v))).map((v) => v.notice.level);
  const sounds = [centre.sounds, ...own].reduce((a, c) => (c !== null && (a === null || LEVEL_RANK[c] > LEVEL_RANK[a]) ? c : a), null);
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
    hand,
    silent: [...silent].sort(),
    call: [...call].sort(),
    // What sounds for the watch is the watch's to take, also where nobody there owes an acknowledgement.
    mine: b.notices.some(asks) || (input.watch && hand.is === 'dropped') || centre.sounds !== null,
    sounds,
    mark: centre.mark,
    alarms: [...b.notices.map((v): AlarmId => ({ of: 'notice', id: v.notice.id })), ...reports.map((id): AlarmId => ({ of: 'sighting', id }))],
    unrecorded: b.notices.some((v) => v.unrecorded),
    select: { kind: 'track', id: b.track },
  };
}

/** What sounds: the highest level of the rows that do, and when one of them interrupted last; null is silence. */
export function sounding(rows: readonly Row[]): { level: Level | null; mark: string } {
  let level: Level | null = null;
  for (const r of rows) if (r.sounds && (level === null || LEVEL_RANK[r.sounds] > LEVEL_RANK[level])) level = r.sounds;
  const marks = rows.filter((r) => r.sounds === level && level !== null).map((r) => r.mark);
  return { level, mark: marks.sort().at(-1) ?? '' };
}
