// This page as an app of its own: whether it is one, whether it can become one, and how.

interface InstallPrompt extends Event {
  prompt(): Promise<void>;
  readonly userChoice: Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

const apple = /iP(hone|ad|od)/.test(navigator.userAgent) || (navigator.userAgent.includes('Macintosh') && navigator.maxTouchPoints > 1);

class Install {
  /** Opened from the home screen. */
  installed = $state(standalone());
  /** The browser would install it now, if asked from a touch. */
  possible = $state(false);
  /** The person said no to the browser's question. */
  declined = $state(false);
  /** The page's files are kept: it opens without a signal. */
  opensOffline = $state(false);
  /** An iPhone or iPad: the person must do it by hand, in Safari. */
  readonly apple = apple;
  /** … and this is Safari. Other browsers there name themselves. */
  readonly appleSafari = apple && !/CriOS|FxiOS|EdgiOS|OPiOS|DuckDuckGo/.test(navigator.userAgent);
  private kept: InstallPrompt | null = null;

  constructor() {
    addEventListener('beforeinstallprompt', (event) => {
      // Asked when the person chooses to, and not over a warning.
      event.preventDefault();
      this.kept = event as InstallPrompt;
      this.possible = true;
    });
    addEventListener('appinstalled', () => {
      this.possible = false;
      this.installed = true;
    });
    globalThis.matchMedia?.('(display-mode: standalone)').addEventListener?.('change', () => (this.installed = standalone()));
    void this.look();
    navigator.serviceWorker?.addEventListener('controllerchange', () => void this.look());
    navigator.serviceWorker?.ready.then(() => this.look(), () => undefined);
  }

  /** Shows the browser's question; call from a touch. */
  async ask(): Promise<void> {
    const prompt = this.kept;
    if (prompt === null) return;
    // It may be used once.
    this.kept = null;
    this.possible = false;
    await prompt.prompt();
    this.declined = (await prompt.userChoice).outcome !== 'accepted';
  }

  private async look(): Promise<void> {
    try {
      this.opensOffline = (await globalThis.caches?.has('skypicket-field-ready')) ?? false;
    } catch {
      this.opensOffline = false;
    }
  }
}

function standalone(): boolean {
  return (navigator as { standalone?: boolean }).standalone === true || (globalThis.matchMedia?.('(display-mode: standalone)').matches ?? false);
}

export const install = new Install();
