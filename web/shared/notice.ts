// What is common to warnings and bulletins on every page: whether one is over, and which is which.
import type { BulletinNotice, Notice, NoticeState, NoticeView, Time, WarningNotice } from './types';

/** The last version: nothing of it is asked or alarmed any more. */
export const ended = (state: NoticeState): boolean => state === 'cleared' || state === 'recalled' || state === 'expired';

/** Nobody may be alarmed by it any more: it ended, or its time is over. `nowMs` is the centre's. */
export const isOver = (n: { state: NoticeState; expires_at?: Time | null }, nowMs: number): boolean =>
  ended(n.state) || (n.expires_at !== undefined && n.expires_at !== null && Date.parse(n.expires_at) <= nowMs);

export const isWarning = (v: NoticeView): v is NoticeView<WarningNotice> => v.notice.kind === 'warning';
export const isBulletin = (v: NoticeView): v is NoticeView<BulletinNotice> => v.notice.kind === 'bulletin';

/** Its title where it has one, in a language; a warning is called by whom it protects. */
export function titleOf(n: Notice, language: 'en' | 'es' = 'en'): string {
  if (n.kind === 'warning') return n.protected_name;
  return language === 'es' && n.title_es !== '' ? n.title_es : n.title;
}

/** Its text in a language. */
export const textOf = (n: Notice, language: 'en' | 'es'): string => (language === 'es' && n.text_es !== '' ? n.text_es : n.text);
