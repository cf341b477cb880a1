// The outbox as the page sees it.
import { uuidv7 } from '../../shared/ids';
import {
  aloneOnDevice, indexedDbStore, memoryStore, Outbox, sendOverHttp, storeWithSpare, unsent,
  type NewItem, type OutboxAnswer, type OutboxItem, type OutboxStore,
} from '../../shared/outbox';

import { within } from '../within';

type Taken = (item: OutboxItem, answer: OutboxAnswer) => void;

class Box {
  items = $state.raw<OutboxItem[]>([]);
  /** The browser cannot keep items over a restart: the person must know. */
  volatile = $state(false);
  person = $state<string | null>(null);
  /** Acts of the person who is signed in that the centre does not have yet. */
  readonly unsent = $derived(unsent(this.items, this.person));
  /** The browser's answer to the wish that it never clears what is kept; null where it cannot say. */
  persisted = $state<boolean | null>(null);
  readonly refused = $derived(this.items.filter((i) => i.state === 'refused' && i.person === this.person));
  onTaken: Taken = () => undefined;
  onSignedOut: () => void = () => undefined;
  private outbox: Outbox | null = null;
  private opening: Promise<Outbox> | null = null;

  open(): Promise<Outbox> {
    this.opening ??= this.make();
    return this.opening;
  }

  private async make(): Promise<Outbox> {
    let store: OutboxStore;
    try {
      const kept = await within(5_000, indexedDbStore());
      // On some phones the database opens and then never answers.
      await within(5_000, kept.all());
      store = storeWithSpare(kept, () => (this.volatile = true));
    } catch {
      this.volatile = true;
      store = memoryStore();
    }
    const outbox = new Outbox(
      {
        store,
        request: sendOverHttp,
        now: () => Date.now(),
        later: (ms, then) => {
          const timer = setTimeout(then, ms);
          return () => clearTimeout(timer);
        },
        random: Math.random,
        makeId: uuidv7,
        alone: aloneOnDevice,
      },
      {
        changed: (items) => (this.items = items),
        taken: (item, answer) => this.onTaken(item, answer),
        signedOut: () => this.onSignedOut(),
      },
    );
    await outbox.open();
    this.outbox = outbox;
    addEventListener('online', () => outbox.hasten());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void outbox.reload().then(() => outbox.hasten());
    });
    // The service worker sends what waits when the page is closed; its news come here.
    navigator.serviceWorker?.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (event.data === 'outbox') void outbox.reload();
    });
    return outbox;
  }

  /** Who makes acts on this phone; they are sent while `sending`, that is, under that person's session. */
  async signIn(person: string | null, sending = true): Promise<void> {
    this.person = person;
    (await this.open()).signIn(sending ? person : null);
  }

  /** Keeps an act of the person who is signed in; resolves when it is kept. */
  async add(item: Omit<NewItem, 'person'>): Promise<OutboxItem> {
    if (this.person === null) throw new Error('nobody is signed in');
    const added = await (await this.open()).add({ ...item, person: this.person });
    if (!added.quiet) void askForSync();
    return added;
  }

  /** Asks the browser not to clear what waits. Some grant it only to an installed page. */
  async persist(): Promise<void> {
    try {
      const storage = navigator.storage;
      this.persisted = (await within(5_000, storage.persisted())) || (await within(10_000, storage.persist()));
    } catch {
      this.persisted = null;
    }
  }

  hasten(): void {
    this.outbox?.hasten();
  }
  letGo(seq: number): void {
    void this.outbox?.letGo(seq);
  }
  tryAgain(seq: number): void {
    void this.outbox?.tryAgain(seq);
  }

  /** What waits or was refused under an id. */
  find(id: string): OutboxItem | undefined {
    return this.items.find((i) => i.id === id);
  }
}

/** Where the browser can, it wakes the service worker when there is a signal again, even if this page is closed. */
async function askForSync(): Promise<void> {
  try {
    const worker = await navigator.serviceWorker?.getRegistration('/field/');
    const sync = (worker as { sync?: { register(tag: string): Promise<void> } } | undefined)?.sync;
    await sync?.register('outbox');
  } catch {
    // Not allowed or not known here: the page sends by itself.
  }
}

export const box = new Box();
