// Whether this phone would warn its owner, and if not, what is missing. Said plainly: a page that looks armed and is
// not is worse than none. One table: the bar on top, the phone check and the tests all read it.
import type { Fix } from './place';

/** The centre's idea of where somebody is must not be older. */
export const POSITION_OLD_AFTER_MS = 60_000;

/** Without one of these nobody is armed; in the order in which they should be put right. */
export const NEEDS = ['session', 'heard', 'position', 'sent', 'screen', 'sound', 'notifications'] as const;
export type Need = (typeof NEEDS)[number];
/** What helps, and disarms nobody. */
export const HELPS = ['audible', 'vibration', 'compass', 'push', 'storage', 'offline', 'installed', 'clock'] as const;
export type Help = (typeof HELPS)[number];

/** How one of them stands: there; missing; worth a look; not to be had on this phone. */
export type Standing = 'ok' | 'missing' | 'advised' | 'cannot';

export interface Check {
  what: Need | Help;
  is: Standing;
}

export interface ArmingFacts {
  nowMs: number;
  /** The centre takes this person's word. */
  signedIn: boolean;
  /** The centre has been heard at all; and is silent for too long. */
  heard: boolean;
  deaf: boolean;
  /** The browser gives this page positions. */
  positionAllowed: boolean;
  fix: Fix | null;
  /** When the centre last said that it has the person's position, device clock; null is never. */
  positionSentMs: number | null;
  /** The browser keeps the screen on. */
  screenHeld: boolean;
  /** The person keeps it on themself. */
  screenByHand: boolean;
  /** The page may make sound (a browser wants a touch first). */
  soundOn: boolean;
  /** What the person said of the last test: heard, not heard, never tried. */
  audible: boolean | null;
  vibrates: boolean;
  compass: 'works' | 'ask' | 'none';
  /** The person wants push on this phone. */
  pushWanted: boolean;
  notifications: 'granted' | 'denied' | 'default' | 'none';
  /** The centre has this phone's subscription. */
  pushWorks: boolean;
  /** The browser promised not to clear what is kept; null is not known. */
  persisted: boolean | null;
  opensOffline: boolean;
  installed: boolean;
  /** The centre's clock minus this phone's. */
  clockOffMs: number;
}

/** The table. */
export function checks(f: ArmingFacts): Check[] {
  const need = (what: Need, ok: boolean): Check => ({ what, is: ok ? 'ok' : 'missing' });
  const help = (what: Help, ok: boolean | null): Check => ({ what, is: ok === null ? 'cannot' : ok ? 'ok' : 'advised' });
  const placed = (f.positionAllowed || f.fix?.byHand === true) && f.fix !== null;
  return [
    need('session', f.signedIn),
    need('heard', f.heard && !f.deaf),
    need('position', placed),
    need('sent', placed && f.positionSentMs !== null && Math.abs(f.nowMs - f.positionSentMs) <= POSITION_OLD_AFTER_MS),
    need('screen', f.screenHeld || f.screenByHand),
    need('sound', f.soundOn),
    need('notifications', !f.pushWanted || f.notifications === 'granted'),
    help('audible', f.audible === true),
    help('vibration', f.vibrates ? true : null),
    help('compass', f.compass === 'none' ? null : f.compass === 'works'),
    help('push', f.notifications === 'none' ? null : f.pushWanted && f.pushWorks),
    help('storage', f.persisted),
    help('offline', f.opensOffline),
    help('installed', f.installed),
    help('clock', Math.abs(f.clockOffMs) < 30_000),
  ];
}

/** What is missing, in the order in which it should be put right; empty is armed. */
export function missing(f: ArmingFacts): Need[] {
  const lacking = new Set(checks(f).filter((c) => c.is === 'missing').map((c) => c.what));
  // Without a session nothing is heard, and without a position none is sent: what follows from another is not named.
  if (lacking.has('session')) lacking.delete('heard');
  if (lacking.has('session') || lacking.has('position')) lacking.delete('sent');
  return NEEDS.filter((n) => lacking.has(n));
}
