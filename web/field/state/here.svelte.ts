// Where this phone is, and telling the centre so.
import { api, Problem } from '../../shared/api';
import { uuidv7 } from '../../shared/ids';
import { distanceAndBearing } from '../geometry';
import { fixOf, type Fix } from '../place';
import { keep, kept } from './settings.svelte';

/** A position is told at least this often while it is fresh … */
const TELL_EVERY_MS = 5_000;
/** … or when somebody moved so far, … */
const TELL_AFTER_M = 10;
/** … but not more often than this. */
const TELL_AT_MOST_EVERY_MS = 1_000;
/** A phone that lies still may fall silent: then it is asked. */
const ASK_AFTER_MS = 15_000;
/** A position typed by hand holds for so long, then it must be entered again. */
export const BY_HAND_HOLDS_MS = 30 * 60_000;

/** Apple gives heights above the sea, others above the ellipsoid. */
export const apple = 'webkitCompassHeading' in (globalThis.DeviceOrientationEvent?.prototype ?? {}) || /apple/i.test(navigator.vendor);

class Here {
  fix = $state.raw<Fix | null>(null);
  /** What the browser says about this page's use of positions. */
  permission = $state<'granted' | 'prompt' | 'denied' | 'none'>('geolocation' in navigator ? 'prompt' : 'none');
  /** When the centre last took a position, device clock. */
  toldMs = $state<number | null>(null);
  onSignedOut: () => void = () => undefined;
  private watch: number | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;
  private told: Fix | null = null;
  private triedMs = 0;
  private telling = false;
  private askedMs = 0;

  /** Begins to follow the phone. May show the browser's question. */
  start(): void {
    const hand = readKept();
    if (hand && this.fix === null) this.fix = hand;
    void this.followPermission();
    this.follow();
    this.timer ??= setInterval(() => this.beat(), 1_000);
  }

  stop(): void {
    if (this.watch !== null) navigator.geolocation.clearWatch(this.watch);
    if (this.timer !== null) clearInterval(this.timer);
    this.watch = this.timer = null;
    this.toldMs = null;
    this.told = null;
  }

  /** Asks the browser again, from a touch. */
  follow(): void {
    if (this.permission === 'none' || this.fix?.byHand) return;
    if (this.watch !== null) navigator.geolocation.clearWatch(this.watch);
    this.watch = navigator.geolocation.watchPosition(this.take, this.fail, { enableHighAccuracy: true, maximumAge: 2_000, timeout: 20_000 });
  }

  /** A typed position takes the place of the phone's. */
  setByHand(fix: Fix): void {
    if (this.watch !== null) navigator.geolocation.clearWatch(this.watch);
    this.watch = null;
    this.fix = fix;
    keep('place', JSON.stringify(fix));
    this.tell();
  }

  /** Back to the phone's own. */
  usePhone(): void {
    keep('place', null);
    this.fix = null;
    this.toldMs = null;
    this.follow();
  }

  private readonly take = (position: GeolocationPosition): void => {
    if (this.fix?.byHand) return;
    this.permission = 'granted';
    this.fix = fixOf(position, apple);
    this.tell();
  };

  /** Asked for one that is not old, the browser gave it: so it holds now, whatever time the receiver put on it. */
  private readonly takeFresh = (position: GeolocationPosition): void => {
    if (this.fix?.byHand) return;
    this.fix = { ...fixOf(position, apple), atMs: Date.now() };
    this.tell();
  };

  private readonly fail = (error: GeolocationPositionError): void => {
    if (error.code === error.PERMISSION_DENIED) this.permission = 'denied';
  };

  private async followPermission(): Promise<void> {
    try {
      const status = await navigator.permissions.query({ name: 'geolocation' });
      const note = (): void => {
        if (this.permission === 'none') return;
        this.permission = status.state;
        if (status.state === 'granted') this.follow();
      };
      if (status.state !== 'granted' || this.permission !== 'granted') this.permission = this.permission === 'none' ? 'none' : status.state;
      status.onchange = note;
    } catch {
      // Older browsers cannot be asked: the first answer of the watch says it.
    }
  }

  /** Asks for one fresh position. The watch stops for it: in Chromium one that has nothing new to say keeps everybody waiting who asks beside it. */
  private ask(): void {
    if (this.watch !== null) navigator.geolocation.clearWatch(this.watch);
    this.watch = null;
    const again = (): void => {
      if (this.timer !== null && this.watch === null) this.follow();
    };
    navigator.geolocation.getCurrentPosition(
      (position) => {
        this.takeFresh(position);
        again();
      },
      (error) => {
        this.fail(error);
        again();
      },
      { enableHighAccuracy: true, maximumAge: 0, timeout: 10_000 },
    );
  }

  private beat(): void {
    const now = Date.now();
    const fix = this.fix;
    if (fix?.byHand) {
      // Held to be still there, until it is too old to be believed.
      if (now - fix.atMs < BY_HAND_HOLDS_MS && now - this.triedMs >= TELL_EVERY_MS * 4) void this.send({ ...fix, atMs: now });
      return;
    }
    if (this.permission === 'granted' && (fix === null || now - fix.atMs > ASK_AFTER_MS) && now - this.askedMs > ASK_AFTER_MS) {
      this.askedMs = now;
      this.ask();
    }
    this.tell();
  }

  /** Tells the centre if there is something new to tell. */
  private tell(): void {
    const fix = this.fix;
    if (fix === null || this.telling) return;
    const since = Date.now() - this.triedMs;
    if (since < TELL_AT_MOST_EVERY_MS) return;
    const newer = this.told === null || fix.atMs > this.told.atMs || fix.byHand !== this.told.byHand;
    const moved = this.told === null || distanceAndBearing(this.told.at, fix.at).distance_m >= TELL_AFTER_M;
    if (newer && (moved || since >= TELL_EVERY_MS)) void this.send(fix);
  }

  private async send(fix: Fix): Promise<void> {
    this.telling = true;
    this.triedMs = Date.now();
    try {
      await api.postPosition({
        id: uuidv7(),
        at: fix.at,
        accuracy_m: fix.accuracy_m,
        observed_at: new Date(fix.atMs).toISOString(),
        sent_at: new Date().toISOString(),
      });
      this.told = fix;
      this.toldMs = Date.now();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.onSignedOut();
      // Otherwise the next position says it: an old one is worth nothing by then.
    } finally {
      this.telling = false;
    }
  }
}

/** A position typed before a restart of the page. */
function readKept(): Fix | null {
  try {
    const fix = JSON.parse(kept('place') ?? 'null') as Fix | null;
    return fix !== null && Date.now() - fix.atMs < BY_HAND_HOLDS_MS ? fix : null;
  } catch {
    return null;
  }
}

export const here = new Here();
