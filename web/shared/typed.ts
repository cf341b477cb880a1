// What somebody typed and has not sent, as pages keep it in their tab: under one prefix and its writer's id, so that every
// page on which one can sign out takes all of it away.
import type { BulletinContent } from './types';

/** Before the writer's id and a dot. */
export const TYPED = 'skypicket-typed.';

/** At sign-out all of it goes; when somebody signs in, what others left goes. */
export function forgetTyped(store: Storage, but: string | null = null): void {
  try {
    const keys = Array.from({ length: store.length }, (_, k) => store.key(k) ?? '');
    for (const k of keys) if (k.startsWith(TYPED) && (but === null || !k.startsWith(`${TYPED}${but}.`))) store.removeItem(k);
  } catch {
    // The browser keeps nothing: then there is nothing to forget.
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
    sessionStorage.setItem(key(person, notice), JSON.stringify(what));
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
