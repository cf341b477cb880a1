// What somebody typed and has not sent, as pages keep it in their tab: under one prefix and its writer's id, so that every
// page on which one can sign out takes all of it away.
import type { BulletinContent } from './types';

/** Before the writer's id and a dot. */
export const TYPED = 'skypicket-typed.';

/** So long something stays after somebody wrote at it last, milliseconds. */
export const STAYS_MS = 24 * 3_600_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function keysOf(store: Storage): string[] {
  return Array.from({ length: store.length }, (_, k) => store.key(k) ?? '').filter((k) => k.startsWith(TYPED));
}
function forget(store: Storage, which: (key: string) => boolean): void {
  try {
    for (const k of keysOf(store)) if (which(k)) store.removeItem(k);
  } catch {
    // The browser keeps nothing: then there is nothing to forget.
  }
}
/** At sign-out all of it goes; when somebody signs in, what others left goes. */
export function forgetTyped(store: Storage, but: string | null = null): void {
  forget(store, (k) => but === null || !k.startsWith(`${TYPED}${but}.`));
}
/** Of a report whose words are gone nothing stays. */
export function forgetReport(store: Storage, report: string): void {
  forget(store, (k) => k.endsWith(`.${report}`));
}
/** What nobody wrote at for a day goes, and so does what was typed of a report whose time is over. */
export function forgetOld(store: Storage, nowMs: number): void {
  forget(store, (k) => {
    try {
      const kept = JSON.parse(store.getItem(k) ?? 'null') as { at?: unknown; read?: { purge_by?: unknown } | null } | null;
      const over = typeof kept?.read?.purge_by === 'string' && Date.parse(kept.read.purge_by) <= nowMs;
      return over || typeof kept?.at !== 'number' || nowMs - kept.at > STAYS_MS;
    } catch {
      return true; // nobody can read it
    }
  });
}
/** The reports of which somebody has typed something here, without those that are not filed yet. */
export function typedReports(store: Storage, person: string): string[] {
  try {
    const own = `${TYPED}${person}.`;
    return keysOf(store).flatMap((k) => (k.startsWith(own) && UUID.test(k.slice(own.length)) ? [k.slice(own.length)] : []));
  } catch {
    return [];
  }
}

/** A correction that is not proposed yet: gone when it is proposed or cancelled, too. */
export interface Typed {
  /** When what it begins with was written. */
  from: string;
  content: BulletinContent;
  why: string;
}
const key = (person: string, notice: string): string => `${TYPED}${person}.correction.${notice}`;

/** What is kept; null where nothing is, or nothing that can be read. */
export function read(person: string, notice: string): Typed | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key(person, notice)) ?? 'null') as Partial<Typed> | null;
    return kept && typeof kept.from === 'string' && typeof kept.why === 'string' && typeof kept.content?.title === 'string' ? (kept as Typed) : null;
  } catch {
    return null;
  }
}
export function keep(person: string, notice: string, what: Typed): void {
  try {
    sessionStorage.setItem(key(person, notice), JSON.stringify({ ...what, at: Date.now() }));
  } catch {
    // No room, or not allowed: it stays on the page, as before.
  }
}
export function drop(person: string, notice: string): void {
  try {
    sessionStorage.removeItem(key(person, notice));
  } catch {
    // Nothing was kept then.
  }
}
