// The field page's service worker: opens the page without a signal, sends what waits when the page is closed, and shows
// what push brings.
//
// It keeps the page's own files and nothing else. Whatever the centre says (/api) goes by it untouched and is never kept.
/// <reference lib="webworker" />
import { uuidv7 } from '../shared/ids?sw';
import { aloneOnDevice, indexedDbStore, Outbox, sendOverHttp } from '../shared/outbox?sw';
import { PUSH_BUZZ, read, show, type PushNotice } from './pushed';

declare const self: ServiceWorkerGlobalScope;
/** Put in by the build: the page's files and a hash of their names. */
declare const __FIELD_FILES__: { version: string; files: string[] };

const { version, files } = __FIELD_FILES__;
const CACHE = `skypicket-field-${version}`;
/** Says to the page that it opens without a signal. */
const READY = 'skypicket-field-ready';
/** What push brought lately, and how clocks differ: a worker that sleeps forgets everything else. */
const PUSHED = 'skypicket-field-pushed';
const PAGE = '/field/';
const MORE = ['/field/manifest.webmanifest', '/field/icon-192.png', '/field/icon-512.png'];

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      // Past the browser's own cache: a page of this version with files of another would not open.
      await cache.addAll(files.map((path) => new Request(path, { cache: 'reload', credentials: 'same-origin' })));
      // Icons do not stop the page from opening.
      await Promise.allSettled(MORE.map((path) => cache.add(path)));
      await caches.open(READY);
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith('skypicket-field-') && ![CACHE, READY, PUSHED].includes(name)) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
  if (request.mode === 'navigate') {
    if (url.pathname === PAGE || url.pathname === `${PAGE}index.html`) event.respondWith(page(event));
  } else if (files.includes(url.pathname) || MORE.includes(url.pathname)) {
    event.respondWith(file(request));
  }
});

/** The page from the network when that answers within two seconds, so that an update arrives; else the kept one. */
async function page(event: FetchEvent): Promise<Response> {
  const kept = await (await caches.open(CACHE)).match(PAGE);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), kept ? 2_000 : 30_000);
  try {
    const fresh = await fetch(event.request.url, { credentials: 'same-origin', signal: abort.signal });
    if (fresh.ok || !kept) return fresh;
    return kept;
  } catch {
    return kept ?? Response.error();
  } finally {
    clearTimeout(timer);
  }
}

/** A file under a name with its hash never changes: the kept one is as good as any. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

// Where the browser knows "background sync", it wakes this worker when there is a signal again.
self.addEventListener('sync', ((event: ExtendableEvent & { tag: string }) => {
  if (event.tag === 'outbox') event.waitUntil(sendWaiting());
}) as EventListener);

/** Sends what waits, under the session that is there, if it is the session of whoever made it. */
async function sendWaiting(): Promise<void> {
  const pages = await self.clients.matchAll({ type: 'window' });
  if (pages.some((c) => c.visibilityState === 'visible')) return; // an open page sends by itself
  const me = await sendOverHttp('/me', null);
  const person = (me.json as { person?: { id?: unknown } } | null)?.person?.id;
  if (me.status !== 200 || typeof person !== 'string') return;
  const outbox = new Outbox({
    store: await indexedDbStore(),
    request: sendOverHttp,
    now: () => Date.now(),
    later: () => () => undefined,
    random: Math.random,
    makeId: uuidv7,
    alone: aloneOnDevice,
  });
  await outbox.open();
  outbox.signIn(person);
  await outbox.flush();
  for (const c of pages) c.postMessage('outbox');
  // Rejecting asks the browser to try again later.
  if (outbox.items.some((i) => i.person === person && i.state === 'waiting')) throw new Error('items are waiting');
}

/** Versions of so many warnings are remembered. */
const MOST_KNOWN = 40;
/** A receipt is tried again after so long, while the browser leaves this worker awake. */
const RECEIPT_AGAIN_MS = [2_000, 5_000, 10_000];

self.addEventListener('push', (event) => {
  event.waitUntil(pushed(event.data?.text() ?? ''));
});

/** Shows it first, since that must not wait for a network; then tells the centre that it came. */
async function pushed(text: string): Promise<void> {
  const message = read(text);
  const notice = message?.kind === 'notice' ? message : null;
  const known = notice ? await recall<PushNotice>(notice.id) : null;
  const off = await recall<number>('clock');
  const shown = show(message, known, Date.now() + (off ?? 0), off !== null);
  if (notice && (known === null || known.version <= notice.version)) await remember(notice.id, notice);
  const loud: NotificationOptions & { renotify: boolean; vibrate: number[] } = {
    renotify: true, requireInteraction: true, silent: false, vibrate: PUSH_BUZZ[notice?.level ?? 'advisory'],
  };
  await self.registration.showNotification(shown.title, {
    body: shown.body, lang: shown.lang, tag: shown.tag, icon: '/field/icon-192.png', badge: '/field/icon-192.png',
    data: { notice: notice?.id ?? null },
    ...(shown.quiet ? { silent: true, requireInteraction: false } : loud),
  });
  if (message?.kind === 'test') await tellPages({ push: 'test', id: message.id });
  if (notice) await receipt(notice);
}

/** "It came to this phone", no more: whether it was seen, nobody knows yet. */
async function receipt(notice: PushNotice): Promise<void> {
  const body = { id: uuidv7(), shown: false, channel: 'push' };
  for (const again of [...RECEIPT_AGAIN_MS, null]) {
    try {
      const { status } = await sendOverHttp(`/notices/${notice.id}/versions/${notice.version}/receipts`, body);
      // Taken, or refused for good (a newer version, no session): either way there is nothing to repeat.
      if (status < 500 && status !== 429) return;
    } catch {
      // No way to the centre.
    }
    if (again === null) return;
    await new Promise((r) => setTimeout(r, again));
  }
}

// The maker's service ended a subscription, or gave it a new address: a new one, under the key of the old one.
self.addEventListener('pushsubscriptionchange', ((event: ExtendableEvent & { oldSubscription?: PushSubscription | null }) => {
  event.waitUntil(
    (async () => {
      const key = event.oldSubscription?.options.applicationServerKey ?? null;
      try {
        const now = (await self.registration.pushManager.getSubscription())
          ?? (key ? await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }) : null);
        const { endpoint, keys } = now?.toJSON() ?? {};
        if (endpoint && keys) await sendOverHttp('/push/subscriptions', { id: uuidv7(), endpoint, keys: { p256dh: keys['p256dh'], auth: keys['auth'] }, device: 'renewed by the browser' });
      } catch {
        // The page puts it right when it is opened next.
      }
      await tellPages({ push: 'changed' });
    })(),
  );
}) as EventListener);

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const notice = (event.notification.data as { notice?: string | null } | null)?.notice ?? null;
  event.waitUntil(
    (async () => {
      const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
      const page = pages.find((c) => new URL(c.url).pathname.startsWith(PAGE));
      if (page) {
        page.postMessage({ push: 'open', id: notice });
        await page.focus();
      } else await self.clients.openWindow(notice === null ? PAGE : `${PAGE}#notice=${notice}`);
    })(),
  );
});

self.addEventListener('message', (event) => {
  const off = (event.data as { clockOffMs?: unknown } | null)?.clockOffMs;
  if (typeof off === 'number') event.waitUntil(remember('clock', off));
});

async function tellPages(message: unknown): Promise<void> {
  for (const page of await self.clients.matchAll({ type: 'window', includeUncontrolled: true })) page.postMessage(message);
}

async function recall<T>(key: string): Promise<T | null> {
  try {
    const kept = await (await caches.open(PUSHED)).match(`/field/pushed/${key}`);
    return kept ? ((await kept.json()) as T) : null;
  } catch {
    return null;
  }
}

async function remember(key: string, value: unknown): Promise<void> {
  try {
    const cache = await caches.open(PUSHED);
    await cache.put(`/field/pushed/${key}`, new Response(JSON.stringify(value)));
    const all = (await cache.keys()).filter((r) => !r.url.endsWith('/clock'));
    for (const old of all.slice(0, Math.max(0, all.length - MOST_KNOWN))) await cache.delete(old);
  } catch {
    // No room: the next message is shown as if it were the first.
  }
}
