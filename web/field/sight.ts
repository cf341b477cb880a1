// What of the page is before the eyes, and which card must be brought there. Pure.
//
// A browser keeps the reading place when something is put in above it (scroll anchoring): right for a text, wrong for a
// warning. And a page that is zoomed shows a part of itself only.

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What two boxes have in common; null when that is nothing. */
export function common(a: Box, b: Box): Box | null {
  const box = { left: Math.max(a.left, b.left), top: Math.max(a.top, b.top), right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom) };
  return box.right > box.left && box.bottom > box.top ? box : null;
}

const wide = (b: Box): number => b.right - b.left;
const high = (b: Box): number => b.bottom - b.top;

/** So much of a head may be cut off before a card that was before the eyes counts as gone: its words are still there. */
const CUT_PX = 8;

/** Whether the head of a card, where it says what it is, can be read in `window`: all its height but `cut` (or as much as there is room for), and half its width. */
export function headSeen(head: Box, window: Box, cut = 1): boolean {
  const seen = common(head, window);
  return seen !== null && high(seen) >= Math.min(high(head) - cut, high(window)) && wide(seen) >= Math.min(wide(head), wide(window)) / 2;
}

/** How it was when it was looked at last. */
export interface Before {
  /** The card was before the eyes. */
  seen: boolean;
  /** The height of the line that stands on the page for a card that is not; 0 where none does. */
  line: number;
}

/**
 * Whether somebody has a card before them: its head, or half of what can be seen is this card. What was before the eyes
 * stays so a little longer, and what was not must be there also in the room that its line leaves when it goes: else line
 * and card take turns by themselves.
 */
export function cardSeen(card: Box, head: Box, window: Box, before: Before = { seen: false, line: 0 }): boolean {
  if (headSeen(head, window, before.seen ? CUT_PX : 1)) return true;
  const seen = common(card, window);
  const half = before.seen ? high(window) / 2 : (high(window) + before.line) / 2 + CUT_PX;
  return seen !== null && high(seen) >= Math.min(half, high(window)) && wide(seen) >= Math.min(wide(card), wide(window)) / 2;
}

/** A card that asks for an answer, as it stands on the page. */
export interface Asking {
  notice: string;
  /** A new one of these is something new to hear, and to see. */
  key: string;
}

/**
 * The first card that asks anew, in the order of the page, which is that of gravity. None when its head is before the
 * eyes, or when a graver one that waits for an answer is: nobody is torn away from that.
 */
export function toBring(asking: readonly Asking[], known: ReadonlySet<string>, heads: ReadonlySet<string>, cards: ReadonlySet<string>): string | null {
  for (const { notice, key } of asking) {
    if (!known.has(key)) return heads.has(notice) ? null : notice;
    if (cards.has(notice)) return null;
  }
  return null;
}
