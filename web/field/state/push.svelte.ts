// Push on this phone: a second way, by the maker of its browser, for when this page is not open.
import { api, Problem } from '../../shared/api';
import { uuidv7 } from '../../shared/ids';
import type { Push, PushTested } from '../../shared/types';
import { within } from '../within';
import { keep, kept } from './settings.svelte';

/** What keeps push from working: this browser, the person's own no, the centre, the maker's service, or the way there. */
export type PushTrouble = 'unsupported' | 'denied' | 'off' | 'service' | 'centre' | 'many';

/** The subscription is looked at again so often. */
const AGAIN_MS = 30 * 60_000;

class PushState {
  readonly supported = 'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;
  permission = $state<'granted' | 'denied' | 'default' | 'none'>(this.supported ? Notification.permission : 'none');
  /** The person wants it on this phone. */
  wanted = $state(kept('push') === 'on');
  /** Subscribed at the maker's service, and the centre knows it. */
  works = $state(false);
  trouble = $state<PushTrouble | null>(null);
  busy = $state(false);
  /** What the centre says: its key, and my phones. */
  at = $state.raw<Push | null>(null);
  /** The last test: when it was sent, what the maker's service said, when it arrived on this phone. */
  test = $state.raw<{ id: string; sentMs: number; outcome: PushTested['items'][number]['outcome'] | 'none' | null; arrivedMs: number | null } | null>(null);
  /** A notification was touched: the page shows this warning. */
  onOpen: (notice: string) => void = () => undefined;
  private started = false;
  private settling: Promise<void> | null = null;
  private again = false;

  constructor() {
    navigator.serviceWorker?.addEventListener('message', (event: MessageEvent<unknown>) => {
      const said = event.data as { push?: unknown; id?: unknown } | null;
      if (said?.push === 'test' && said.id === this.test?.id && this.test) this.test = { ...this.test, arrivedMs: Date.now() };
      else if (said?.push === 'changed') void this.settle();
      else if (said?.push === 'open' && typeof said.id === 'string') this.onOpen(said.id);
    });
  }

  /** Somebody is signed in: is the subscription still what the centre has? */
  async start(): Promise<void> {
    if (!this.started) {
      this.started = true;
      setInterval(() => void this.settle(), AGAIN_MS);
      document.addEventListener('visibilitychange', () => {
        if (this.supported) this.permission = Notification.permission;
        if (document.visibilityState === 'visible' && this.wanted && !this.works) void this.settle();
      });
    }
    await this.settle();
  }

  /** Turns it on; call from a touch, since the browser asks. */
  async enable(): Promise<void> {
    if (!this.supported) {
      this.trouble = 'unsupported';
      return;
    }
    this.permission = await Notification.requestPermission();
    this.wanted = true;
    keep('push', 'on');
    await this.settle();
  }

  /** Turns it off on this phone. */
  async disable(): Promise<void> {
    this.wanted = false;
    this.works = false;
    this.trouble = null;
    keep('push', null);
    const id = kept('push-id');
    keep('push-id', null);
    keep('push-endpoint', null);
    if (id !== null) await api.unsubscribePush(id).catch(() => undefined);
    await this.forget();
    await this.ask();
  }

  /** Signed out: nothing more may come to this phone for whoever was here. */
  async stop(): Promise<void> {
    const id = kept('push-id');
    const was = this.wanted || id !== null;
    if (id !== null) await within(5_000, api.unsubscribePush(id)).catch(() => undefined);
    this.wanted = this.works = false;
    this.at = null;
    this.test = null;
    for (const key of ['push', 'push-id', 'push-endpoint']) keep(key, null);
    // Without a signal the centre is not told; a subscription that the browser gave up is refused to it by the maker.
    if (was) await this.forget();
  }

  /** Takes another phone of mine off. */
  async takeOff(id: string): Promise<void> {
    if (id === kept('push-id')) return this.disable();
    try {
      await api.unsubscribePush(id);
    } catch (error) {
      if (!(error instanceof Problem && error.status === 404)) throw error;
    }
    await this.ask();
  }

  /** The id under which the centre knows this phone. */
  get ownId(): string | null {
    return kept('push-id');
  }

  async sendTest(): Promise<void> {
    const id = uuidv7();
    this.test = { id, sentMs: Date.now(), outcome: null, arrivedMs: null };
    try {
      const { items } = await api.testPush(id);
      const own = items.find((i) => i.device.id === this.ownId);
      if (this.test?.id === id) this.test = { ...this.test, outcome: own?.outcome ?? 'none' };
    } catch {
      if (this.test?.id === id) this.test = { ...this.test, outcome: 'failed' };
    }
    await this.ask();
  }

  /** Tells the service worker how the centre's clock differs from this phone's. */
  tellClock(offMs: number): void {
    navigator.serviceWorker?.controller?.postMessage({ clockOffMs: offMs });
  }

  /** Brings browser and centre to agree; never twice at a time. What changes meanwhile may come too late for the round under way: it goes round again. */
  settle(): Promise<void> {
    if (this.settling) this.again = true;
    else this.settling = this.rounds().finally(() => (this.settling = null));
    return this.settling;
  }

  private async rounds(): Promise<void> {
    do {
      this.again = false;
      await this.bring();
    } while (this.again);
  }

  private async ask(): Promise<void> {
    try {
      this.at = await api.push();
    } catch {
      // What was known before stays.
    }
  }

  private async bring(): Promise<void> {
    this.busy = true;
    try {
      await this.ask();
      if (!this.wanted) return;
      this.works = false;
      this.trouble = await this.subscribe();
      this.works = this.trouble === null;
    } finally {
      this.busy = false;
    }
  }

  private async subscribe(): Promise<PushTrouble | null> {
    if (!this.supported) return 'unsupported';
    this.permission = Notification.permission;
    if (this.permission !== 'granted') return 'denied';
    const at = this.at;
    if (at === null) return 'centre';
    if (!at.enabled) return 'off';
    let subscription: PushSubscription | null;
    try {
      const { pushManager } = await within(10_000, navigator.serviceWorker.ready);
      const key = bytes(at.key);
      subscription = await within(10_000, pushManager.getSubscription());
      // The centre has another key than the one it was made for: nothing would come any more.
      if (subscription && !same(subscription.options.applicationServerKey, key)) {
        await within(10_000, subscription.unsubscribe());
        subscription = null;
      }
      subscription ??= await within(30_000, pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
    } catch {
      return 'service';
    }
    const { endpoint, keys } = subscription.toJSON();
    if (!endpoint || !keys?.['p256dh'] || !keys['auth']) return 'service';
    const id = kept('push-id');
    if (id !== null && kept('push-endpoint') === endpoint && at.devices.some((d) => d.id === id)) return null;
    try {
      const made = await api.subscribePush({ id: uuidv7(), endpoint, keys: { p256dh: keys['p256dh'], auth: keys['auth'] }, device: deviceWords() });
      keep('push-id', made.id);
      keep('push-endpoint', endpoint);
      // The one that it takes the place of: the browser has given it up.
      if (id !== null && id !== made.id) await api.unsubscribePush(id).catch(() => undefined);
    } catch (error) {
      return error instanceof Problem && error.code === 'too_many_devices' ? 'many' : error instanceof Problem && error.code === 'push_off' ? 'off' : 'centre';
    }
    await this.ask();
    return null;
  }

  private async forget(): Promise<void> {
    if (!this.supported) return;
    try {
      const worker = await within(5_000, navigator.serviceWorker.getRegistration('/field/') ?? Promise.resolve(undefined));
      const subscription = worker ? await within(5_000, worker.pushManager.getSubscription()) : null;
      if (subscription) await within(5_000, subscription.unsubscribe());
      await within(5_000, caches.delete('skypicket-field-pushed'));
      for (const shown of (await worker?.getNotifications?.()) ?? []) shown.close();
    } catch {
      // The browser keeps it; the centre no longer writes to it.
    }
  }
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function same(a: ArrayBuffer | null, b: Uint8Array): boolean {
  if (a === null) return false;
  const has = new Uint8Array(a);
  return has.length === b.length && has.every((x, k) => x === b[k]);
}

/** What phone and browser this is, in a few words, so that its owner knows it in a list. */
function deviceWords(): string {
  const ua = navigator.userAgent;
  const system = /Android/.test(ua) ? 'Android' : /iP(hone|od)/.test(ua) ? 'iPhone' : /iPad/.test(ua) ? 'iPad' : /Windows/.test(ua) ? 'Windows' : /Mac/.test(ua) ? 'Mac' : 'Linux';
  const browser = /Firefox|FxiOS/.test(ua) ? 'Firefox' : /Edg/.test(ua) ? 'Edge' : /SamsungBrowser/.test(ua) ? 'Samsung' : /Chrome|CriOS/.test(ua) ? 'Chrome' : 'Safari';
  return `${system}, ${browser}`;
}

export const push = new PushState();
