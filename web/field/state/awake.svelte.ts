// Keeps the screen on while the page is open: a phone that sleeps does not warn. Where the browser cannot, it says so.
import { within } from '../within';

interface Sentinel {
  release(): Promise<void>;
  addEventListener(name: 'release', then: () => void): void;
}
interface Lock {
  request(kind: 'screen'): Promise<Sentinel>;
}

/** A lock that was refused or taken away (low battery, battery saver) is asked for again so often. */
const AGAIN_MS = 5_000;

class Awake {
  held = $state(false);
  /** This browser knows no such thing. */
  readonly none = !('wakeLock' in navigator);
  private wanted = false;
  private asking = false;

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    document.addEventListener('visibilitychange', () => void this.take());
    setInterval(() => void this.take(), AGAIN_MS);
    void this.take();
  }

  /** Asks for it, unless it is held; some browsers want a touch. */
  async take(): Promise<void> {
    const lock = (navigator as { wakeLock?: Lock }).wakeLock;
    if (!lock || this.held || this.asking || document.visibilityState !== 'visible') return;
    this.asking = true;
    try {
      const sentinel = await within(3_000, lock.request('screen'));
      this.held = true;
      // The browser takes it away when the page is left or the battery is low.
      sentinel.addEventListener('release', () => (this.held = false));
    } catch {
      // Low battery, or not allowed: asked again.
    } finally {
      this.asking = false;
    }
  }
}

export const awake = new Awake();
