// The field page's service worker: opens the page without a signal, and sends what waits when the page is closed.
//
// It keeps the page's own files and nothing else. Whatever the centre says (/api) goes by it untouched and is never kept.
/// <reference lib="webworker" />
import { aloneOnDevice, indexedDbStore, Outbox, sendOverHttp } from '../shared/outbox?sw';

declare const self: ServiceWorkerGlobalScope;
/** Put in by the build: the page's files and a hash of their names. */
declare const __FIELD_FILES__: { version: string; files: string[] };

const { version, files } = __FIELD_FILES__;
const CACHE = `skypicket-field-${version}`;
/** Says to the page that it opens without a signal. */
const READY = 'skypicket-field-ready';
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
        if (name.startsWith('skypicket-field-') && name !== CACHE && name !== READY) await caches.delete(name);
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
    makeId: () => crypto.randomUUID(),
    alone: aloneOnDevice,
  });
  await outbox.open();
  outbox.signIn(person);
  await outbox.flush();
  for (const c of pages) c.postMessage('outbox');
  // Rejecting asks the browser to try again later.
  if (outbox.items.some((i) => i.person === person && i.state === 'waiting')) throw new Error('items are waiting');
}
