// One clock for the page: `clock.now` moves twice a second, so that "3 s ago" is true wherever it is shown.

class Clock {
  /** Device clock, Unix milliseconds. */
  now = $state(Date.now());

  constructor() {
    setInterval(() => this.tick(), 500);
    // Timers sleep with the screen: the first thing seen after waking must not be old.
    document.addEventListener('visibilitychange', () => this.tick());
  }

  private tick(): void {
    this.now = Date.now();
  }
}

export const clock = new Clock();
