// Whether this phone would warn its owner, and if not, what is missing. Said plainly: a page that looks armed and is
// not is worse than none.
import type { Fix } from './place';

/** The centre beats every 2 s; silent for so long, a person must be told that they will not be warned. */
export const UNHEARD_AFTER_MS = 20_000;
/** A page that has just been opened may take so long before it must have heard something. */
export const FIRST_HEARD_WITHIN_MS = 5_000;
/** The centre's idea of where somebody is must not be older. */
export const POSITION_OLD_AFTER_MS = 60_000;

/** What must hold. */
export type Need = 'sound' | 'position' | 'sent' | 'heard';

export interface ArmingFacts {
  nowMs: number;
  /** The page may make sound (a browser wants a touch first). */
  soundOn: boolean;
  /** The browser gives this page positions. */
  positionAllowed: boolean;
  fix: Fix | null;
  /** When the centre last said that it has the person's position, device clock; null is never. */
  positionSentMs: number | null;
  /** When the centre was last heard, device clock; null is never. */
  heardMs: number | null;
  /** When listening began, device clock. */
  listeningMs: number;
}

/** What is missing, in the order in which it should be put right; empty is armed. */
export function missing(f: ArmingFacts): Need[] {
  const out: Need[] = [];
  if (f.heardMs === null || unheard(f)) out.push('heard');
  if (!(f.positionAllowed || f.fix?.byHand) || f.fix === null) out.push('position');
  else if (f.positionSentMs === null || f.nowMs - f.positionSentMs > POSITION_OLD_AFTER_MS) out.push('sent');
  if (!f.soundOn) out.push('sound');
  return out;
}

/** The centre has not been heard for so long that nobody should count on a warning. */
export function unheard(f: Pick<ArmingFacts, 'nowMs' | 'heardMs' | 'listeningMs'>): boolean {
  return f.heardMs === null ? f.nowMs - f.listeningMs >= FIRST_HEARD_WITHIN_MS : f.nowMs - f.heardMs >= UNHEARD_AFTER_MS;
}
