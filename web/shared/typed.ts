// What somebody typed of a correction and did not propose yet: kept in this tab alone, so that loading the page again loses
// nothing. It is gone with the tab, when it is proposed or cancelled, and when they sign out.
import type { BulletinContent } from './types';

export interface Typed {
  /** When what it begins with was written. */
  from: string;
  content: BulletinContent;
  why: string;
}
const PREFIX = 'skypicket-typed/';
const key = (person: string, notice: string): string => `${PREFIX}${person}/${notice}`;

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
/** All of it, whoever typed it. */
export function dropAll(): void {
  try {
    for (const k of Object.keys(sessionStorage)) if (k.startsWith(PREFIX)) sessionStorage.removeItem(k);
  } catch {
    // Nothing was kept then.
  }
}
