// The phone's compass and tilt, where it has them and the person allows them.
import { declination, pointing, steady, turn, type Pointing, type Reading, type Steady } from '../geometry';
import { here } from './here.svelte';

interface AppleOrientation {
  webkitCompassHeading?: number;
  webkitCompassAccuracy?: number;
}
interface AskableOrientation {
  requestPermission?: () => Promise<'granted' | 'denied'>;
}

const KEEP_MS = 3_000;

class Compass {
  /** The newest true (or, without a position, magnetic) direction that the phone points in; null without a compass. */
  azimuth = $state<number | null>(null);
  elevation = $state<number | null>(null);
  by = $state<Pointing['by']>('top');
  /** What the device says of its own error, degrees; null when it says nothing. */
  accuracy = $state<number | null>(null);
  /** Degrees that were added to the magnetic direction; null when it could not be corrected. */
  declination = $state<number | null>(null);
  /** The browser wants to be asked, from a touch. */
  mustAsk = $state(typeof (globalThis.DeviceOrientationEvent as AskableOrientation | undefined)?.requestPermission === 'function');
  /** This device knows no compass. */
  readonly none = !('DeviceOrientationEvent' in globalThis);
  private readings: Reading[] = [];
  private listening = false;
  private lastMs = 0;
  /** Apple: what turns alpha into a compass direction, learnt while the phone lies flat. */
  private offset: number | null = null;
  private declinedFor: string | null = null;

  /** Listens; without a question, so that it gives nothing where the browser wants to be asked. */
  listen(): void {
    if (this.listening) return;
    this.listening = true;
    const name = 'ondeviceorientationabsolute' in globalThis ? 'deviceorientationabsolute' : 'deviceorientation';
    addEventListener(name, this.take as EventListener);
    setInterval(() => {
      // A compass that went silent is no compass.
      if (this.azimuth !== null && performance.now() - this.lastMs > 2_000) this.azimuth = this.elevation = null;
    }, 500);
  }

  /** Listens, and asks the browser where it wants to be asked. Call from a touch. */
  async start(): Promise<void> {
    this.listen();
    const ask = (globalThis.DeviceOrientationEvent as AskableOrientation | undefined)?.requestPermission;
    if (!ask || !this.mustAsk) return;
    try {
      await ask.call(DeviceOrientationEvent);
      // Whatever the answer, asking again changes nothing.
      this.mustAsk = false;
    } catch {
      // Not from a touch, or not to be had: the button on the ring asks again.
    }
  }

  /** The direction held over the span before a moment (`performance.now()`); null when nothing was read. */
  held(toMs: number, forMs = 700): Steady | null {
    return steady(this.readings, toMs - forMs, toMs);
  }

  /** Where the top of the screen points: what an arrow on it must be turned against. */
  readonly heading: number | null = $derived(this.azimuth === null ? null : turn(this.azimuth + screenTurn()));

  private readonly take = (event: DeviceOrientationEvent & AppleOrientation): void => {
    if (event.beta === null || event.gamma === null) return;
    let alpha: number;
    if (typeof event.webkitCompassHeading === 'number') {
      if (event.webkitCompassHeading < 0) return;
      const accuracy = event.webkitCompassAccuracy ?? -1;
      this.accuracy = accuracy >= 0 ? accuracy : 180;
      // Apple's alpha starts anywhere; its compass direction is the top edge's, true only while the phone lies flat.
      if (event.alpha !== null && Math.abs(event.beta) < 45 && Math.abs(event.gamma) < 45) {
        this.offset = turn(360 - event.webkitCompassHeading - event.alpha);
      }
      alpha = event.alpha !== null && this.offset !== null ? turn(event.alpha + this.offset) : turn(360 - event.webkitCompassHeading);
    } else {
      if (event.alpha === null || (event.type === 'deviceorientation' && !event.absolute)) return;
      alpha = event.alpha;
    }
    const p = pointing(alpha, event.beta, event.gamma, this.by);
    this.correct();
    const reading = { atMs: performance.now(), azimuth: turn(p.azimuth + (this.declination ?? 0)), elevation: p.elevation };
    if (p.by !== this.by) this.readings = [];
    this.readings = [...this.readings.filter((r) => reading.atMs - r.atMs < KEEP_MS), reading].slice(-400);
    // The screen shows a third of a second's mean: steady enough to read, quick enough to follow.
    const shown = steady(this.readings, reading.atMs - 300, reading.atMs);
    this.lastMs = reading.atMs;
    this.mustAsk = false;
    this.by = p.by;
    this.azimuth = shown?.azimuth ?? reading.azimuth;
    this.elevation = shown?.elevation ?? reading.elevation;
  };

  /** From magnetic to true north for where the phone is, worked out once for each tenth of a degree. */
  private correct(): void {
    const at = here.fix?.at;
    if (!at) return;
    const key = `${at.lat_deg.toFixed(1)},${at.lon_deg.toFixed(1)}`;
    if (key === this.declinedFor) return;
    this.declinedFor = key;
    this.declination = declination(at.lat_deg, at.lon_deg, new Date());
    this.readings = [];
  }
}

/** How far the browser has turned the page against the phone's upright. */
function screenTurn(): number {
  return globalThis.screen?.orientation?.angle ?? 0;
}

export const compass = new Compass();
