// Warnings as a person in the field needs them: which are mine, in what order, and what stands on each. Pure.
import type { OutboxItem } from '../shared/outbox';
import { ended, isBulletin, isOver, isWarning } from '../shared/notice';
import type { BulletinNotice, Danger, Level, Notice, NoticeView, ProtectedId, WarningNotice } from '../shared/types';

const GRAVITY: Record<Level, number> = { urgent: 0, caution: 1, advisory: 2 };

/** How a warning's acknowledgement by me stands. */
export type Acknowledgement =
  /** Asked for. */
  | { is: 'asked' }
  /** On this phone, not yet at the centre. */
  | { is: 'kept'; at: string }
  /** At the centre. */
  | { is: 'taken'; at: string | null }
  /** The centre refused it. */
  | { is: 'refused'; why: string }
  /** Nothing to acknowledge. */
  | { is: 'none' };

/** A warning on the page. */
export interface Warning {
  view: NoticeView<WarningNotice>;
  /** I have it because somebody I lead was silent, not because I am in danger. */
  escalated: boolean;
  /** Names of those whose silence I was told of, and who are silent still. */
  silent: string[];
  /** Names of those who have acknowledged since. */
  answered: string[];
  /** The newest numbers, while it is live. */
  danger: Danger | null;
}

export const sameProtected = (a: ProtectedId, b: ProtectedId): boolean =>
  'person' in a ? 'person' in b && a.person === b.person : 'site' in b && a.site === b.site;

/** Key of one version of one notice. */
export const versionKey = (n: Pick<Notice, 'id' | 'version'>): string => `${n.id}/${n.version}`;

/** The newer of two views of one notice; of the same version the one that came later. */
export function newer(known: NoticeView | undefined, came: NoticeView): NoticeView {
  return known !== undefined && known.notice.version > came.notice.version ? known : came;
}

/** My warnings, open ones first, the gravest at the top, of those of one level my own danger first, then the soonest; cleared ones behind, newest first. */
export function warningsOf(views: Iterable<NoticeView>, dangers: readonly Danger[], me: string): Warning[] {
  const list: Warning[] = [];
  for (const view of views) {
    if (!view.mine || !isWarning(view)) continue;
    const n = view.notice;
    const danger = n.state === 'cleared' ? null : (dangers.find((d) => d.track === n.track && sameProtected(d.protected, n.protected)) ?? null);
    const told = view.recipients.filter((r) => r.person !== me && r.escalated_to === me);
    const names = (answered: boolean): string[] => told.filter((r) => (r.acknowledged_at !== null) === answered).map((r) => r.name);
    const escalated = told.length > 0 || view.recipients.some((r) => r.person === me && r.rule === 'escalation');
    list.push({ view, escalated, silent: names(false), answered: names(true), danger });
  }
  return list.sort((a, b) => rank(a) - rank(b) || own(a, me) - own(b, me) || soon(a) - soon(b) || b.view.notice.at.localeCompare(a.view.notice.at));
}

const rank = (w: Warning): number => (w.view.notice.state === 'cleared' ? 9 : GRAVITY[w.view.notice.level]);
const own = (w: Warning, me: string): number => (isMine(w.view.notice, me) ? 0 : 1);
const soon = (w: Warning): number => (w.view.notice.state === 'cleared' ? 0 : facts(w).earliest_s);

/** A bulletin on the page. */
export interface BulletinCard {
  view: NoticeView<BulletinNotice>;
  /** Nobody is alarmed by it any more. */
  over: boolean;
  /** It was recalled, or corrected, after an older version of it had been on this phone. */
  corrects: boolean;
  /** Names of those I lead whose silence I was told of, and who are silent still. */
  silent: string[];
}

/**
 * My bulletins: those in force first, the gravest at the top, of one level the newest; those that are over behind.
 * `had` are the notices of which some version was on this phone; `nowMs` is the centre's time.
 */
export function bulletinsOf(views: Iterable<NoticeView>, me: string, had: ReadonlyMap<string, number>, nowMs: number): BulletinCard[] {
  const list: BulletinCard[] = [];
  for (const view of views) {
    if (!view.mine || !isBulletin(view)) continue;
    const n = view.notice;
    const silent = view.recipients.filter((r) => r.person !== me && r.escalated_to === me && r.acknowledged_at === null).map((r) => r.name);
    list.push({ view, over: isOver(n, nowMs), corrects: (had.get(n.id) ?? n.version) < n.version && n.state !== 'expired', silent });
  }
  const order = (c: BulletinCard): number => (c.over ? 9 : GRAVITY[c.view.notice.level]);
  return list.sort((a, b) => order(a) - order(b) || b.view.notice.at.localeCompare(a.view.notice.at));
}

/** Which reminder the centre sent me last; a higher one alarms again. */
export const reminderOf = (view: NoticeView, me: string): number => view.recipients.find((r) => r.person === me)?.reminder ?? 0;

/** What an alarm of a notice is about: a new version and a new reminder are something new to hear. */
export const alarmKey = (view: NoticeView, me: string): string => `${versionKey(view.notice)}/${reminderOf(view, me)}`;

/** The numbers to show: live ones, else those of the version. */
export function facts(w: Warning): { distance_m: number; bearing_deg: number; earliest_s: number; live: boolean; at: string } {
  const from = w.danger ?? w.view.notice.facts;
  return {
    distance_m: from.distance_m,
    bearing_deg: from.bearing_deg,
    earliest_s: from.earliest_s,
    live: w.danger !== null,
    at: w.danger?.at ?? w.view.notice.at,
  };
}

/** Whether it is about somebody or something else than me. */
export function isMine(n: WarningNotice, me: string): boolean {
  return 'person' in n.protected && n.protected.person === me;
}

/** How my acknowledgement stands, from what the centre shows, what it answered, and what waits in the outbox. */
export function acknowledgement(view: NoticeView, me: string, items: readonly OutboxItem[], answered: ReadonlyMap<string, string>): Acknowledgement {
  const n = view.notice;
  const own = view.recipients.find((r) => r.person === me);
  const mine = items.filter((i) => i.kind === 'acknowledgement' && i.person === me && i.path.startsWith(`/notices/${n.id}/versions/`));
  const version = (i: OutboxItem): number => Number(/\/versions\/(\d+)\//.exec(i.path)?.[1] ?? 0);
  // The centre says whether it still waits for me; an older one says only whether I acknowledged.
  const owes = own?.owes ?? !view.acknowledged;
  if (ended(n.state)) return view.acknowledged ? { is: 'taken', at: own?.acknowledged_at ?? null } : { is: 'none' };
  if (!owes) return view.acknowledged ? { is: 'taken', at: own?.acknowledged_at ?? null } : { is: 'none' };
  const at = answered.get(versionKey(n));
  if (at !== undefined) return { is: 'taken', at };
  const waiting = mine.find((i) => i.state === 'waiting' && version(i) === n.version);
  if (waiting) return { is: 'kept', at: waiting.made_at };
  const refused = mine.find((i) => i.state === 'refused' && version(i) === n.version);
  if (refused) return { is: 'refused', why: refused.refusal?.detail || refused.refusal?.code || '' };
  return { is: 'asked' };
}

/** How soon it can be here, as far as that is known and still true. */
export type Soon = { is: 'in'; s: number } | { is: 'here' } | { is: 'may be here' } | { is: 'unknown' };

/** The time left now: counted down from the newest numbers; a count that ran out on old numbers claims nothing. */
export function soonOf(w: Warning, ageS: number): Soon {
  const reasons = w.danger?.reasons ?? w.view.notice.reasons;
  if (reasons.includes('reported_near') || reasons.includes('held')) return { is: 'unknown' };
  const { earliest_s } = facts(w);
  if (earliest_s <= 0) return { is: 'here' };
  const left = earliest_s - Math.max(0, ageS);
  return left > 0 ? { is: 'in', s: left } : { is: 'may be here' };
}

/** A last version that does not say that the danger is gone: only that nobody can tell any more. */
export function endedUnknown(n: WarningNotice): boolean {
  return n.state === 'cleared' && n.reasons.some((r) => r === 'position_too_old' || r === 'not_protected');
}
