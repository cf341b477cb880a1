// Whether the centre can be heard, told by clocks that may lie: a page is frozen with its timers, a device's clock is
// set, a connection stands open and says nothing. Pure: every moment comes from the caller.

/** The centre beats every 2 s; silent for so long, a person must be told that they will not be warned. */
export const UNHEARD_AFTER_MS = 20_000;
/** A page that has just been opened may take so long before it must have heard something. */
export const FIRST_HEARD_WITHIN_MS = 5_000;
/** A page that slept gets so long to hear what is there, before it cries. */
export const WAKING_MS = 3_000;
/** The page looks twice a second: a gap this long between two looks is a sleep, or a clock that was set. */
const LEAP_MS = 5_000;
/** What was kept for a page while it slept arrives within this. */
const BACKLOG_MS = 10_000;
/** A silence counts as deafness only if this device noticed it as well: the centre's clock can be set, too. */
const NOTICED_MS = 10_000;

/** Two clocks of the device at one moment: the wall's, which can be set and runs on in sleep, and the one that only runs. */
export interface Moment {
  wallMs: number;
  monoMs: number;
}

/** A time in which this phone would not have warned, by the centre's clock, Unix milliseconds. */
export interface Gap {
  fromMs: number;
  toMs: number;
}

export class Ear {
  /** How long the centre has been silent. */
  silentMs = 0;
  /** Something was heard since the ear began to listen. */
  heard = false;
  /** Nobody should count on a warning. */
  deaf = false;
  /** The centre's clock when it last told it. */
  private centreMs: number | null = null;
  /** Silence that this device noticed since the centre last told its clock. */
  private noticedMs = 0;
  private wakingUntil: number | null = null;
  /** How often time leapt. */
  leaps = 0;
  /** The last leap: the centre's clock before it, how long it was by the running clock, and when it ended. */
  private leap: { centreMs: number; monoMs: number; endedMs: number } | null = null;

  constructor(private last: Moment) {}

  /** Something came. `centreMs` is the centre's clock where the message told it; gives the gap that ends with it. */
  hear(at: Moment, centreMs: number | null): Gap | null {
    this.pass(at);
    this.silentMs = 0;
    this.heard = true;
    this.deaf = false;
    this.wakingUntil = null;
    if (centreMs === null) return null;
    const before = this.centreMs;
    const noticed = this.noticedMs;
    this.centreMs = centreMs;
    this.noticedMs = 0;
    const slept = this.backlog(at, centreMs);
    // The centre's own clock says how long it was: no setting of this device's clock makes or hides a gap.
    if (before !== null && centreMs - before >= UNHEARD_AFTER_MS && noticed >= NOTICED_MS) {
      this.leap = null;
      return { fromMs: before, toMs: centreMs };
    }
    return slept;
  }

  /** After a sleep the beats of all that time come at once, each with its own time: none of them is far from the next. */
  private backlog(at: Moment, centreMs: number): Gap | null {
    const leap = this.leap;
    if (leap === null) return null;
    const since = at.monoMs - leap.endedMs;
    if (since > BACKLOG_MS) {
      this.leap = null;
      return null;
    }
    // Before what has passed since is taken off: time in which the page was awake is no gap.
    const toMs = Math.max(centreMs - since, leap.centreMs + leap.monoMs);
    if (toMs - leap.centreMs < UNHEARD_AFTER_MS) return null;
    this.leap = null;
    return { fromMs: leap.centreMs, toMs };
  }

  /** Time passes. */
  tick(at: Moment): void {
    const leapt = this.pass(at);
    const silent = this.heard ? this.silentMs >= UNHEARD_AFTER_MS : this.silentMs >= FIRST_HEARD_WITHIN_MS;
    if (!silent) {
      this.deaf = false;
      return;
    }
    // Once for each silence: timers that run once a minute would wait for ever.
    if (leapt && !this.deaf) this.wakingUntil ??= at.monoMs + WAKING_MS;
    this.deaf = this.deaf || this.wakingUntil === null || at.monoMs >= this.wakingUntil;
  }

  /** Begins to listen anew (another connection, somebody signed in again); what is known of the centre's clock stays. */
  listen(at: Moment): void {
    this.pass(at);
    if (!this.heard) this.silentMs = 0;
  }

  /** Adds what passed since the last look; whether it was a leap. */
  private pass(at: Moment): boolean {
    const mono = Math.max(0, at.monoMs - this.last.monoMs);
    const wall = at.wallMs - this.last.wallMs;
    this.last = at;
    // The longer of the two: the running clock stands still while some devices sleep. A clock set back adds nothing.
    const passed = Math.max(mono, wall);
    this.silentMs += passed;
    this.noticedMs += passed;
    if (passed <= LEAP_MS) return false;
    this.leaps += 1;
    if (this.centreMs !== null) this.leap = { centreMs: this.centreMs, monoMs: mono, endedMs: at.monoMs };
    return true;
  }
}
