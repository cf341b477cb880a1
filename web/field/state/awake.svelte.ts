// Keeps the screen on while the page is open: a phone that sleeps does not warn. Where the browser cannot, it says so.

interface Sentinel {
  release(): Promise<void>;
  addEventListener(name: 'release', then: () => void): void;
}

class Awake {
  held = $state(false);
  private wanted = false;

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    document.addEventListener('visibilitychange', () => void this.take());
    void this.take();
  }

  private async take(): Promise<void> {
    const lock = (navigator as { wakeLock?: { request(kind: 'screen'): Promise<Sentinel> } }).wakeLock;
    if (!lock || this.held || document.visibilityState !== 'visible') return;
    try {
      const sentinel = await lock.request('screen');
      this.held = true;
      sentinel.addEventListener('release', () => (this.held = false));
    } catch {
      // Low battery, or not allowed.
    }
  }
}

export const awake = new Awake();
