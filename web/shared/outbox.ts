// Outbox: what a person did on this device and the centre has not yet taken.
//
// An item leaves only when the centre answered that it has it. It keeps its client-made id, its order and its own
// times; it is kept in the browser's database, so that it outlives the page, the browser and a flat battery. What the
// centre refuses for good stays too, with the reason, until the person has looked at it.
//
// No clock, timer, network or storage is reached but through `Surroundings`, so that a test is a list of answers. This
// file imports nothing at run time: the service worker carries a copy of its own.

/** What kind of act an item is. */
export type OutboxKind = 'sighting' | 'retraction' | 'acknowledgement' | 'receipt' | 'seen' | 'measures';

/** Why the centre refused an item for good. */
export interface OutboxRefusal {
  /** HTTP status; 0 when it was not the centre that refused. */
  status: number;
  /** The problem's code (`id_reused`, …), or `depends` when what it rests on was refused. */
  code: string;
  /** In the centre's words; empty when it gave none. */
  detail: string;
  /** When, by the device's clock, RFC 3339. */
  at: string;
}

/** One act, ready to be sent. */
export interface OutboxItem {
  /** Place in the order; given by the store. */
  seq: number;
  /** The body's `id`, UUIDv7. */
  id: string;
  kind: OutboxKind;
  /** Who did it: it is sent only under this person's session. */
  person: string;
  /** Path under the API's root, with a leading slash. */
  path: string;
  body: Record<string, unknown>;
  /** Field of the body that holds the device's clock at the moment of sending; set anew at each attempt. */
  stamp: string | null;
  /** Id of the item that this one means nothing without (the report that a retraction takes back). */
  after: string | null;
  /** GET path by which to see whether an attempt without an answer got through. */
  check: string | null;
  /** Made by the page and not by the person: not counted, and let go when the centre refuses it for good. */
  quiet: boolean;
  /** When it was made, by the device's clock, RFC 3339. */
  made_at: string;
  /** Attempts so far. */
  attempts: number;
  /** Answers 5xx in a row that concern this item alone. */
  faults: number;
  /** An attempt ended without an answer: it may have got through. */
  unsure: boolean;
  /** Not before this moment, Unix milliseconds by the device's clock. */
  not_before: number;
  state: 'waiting' | 'refused';
  refusal: OutboxRefusal | null;
}

/** What the caller says of a new item. */
export type NewItem = Pick<OutboxItem, 'id' | 'kind' | 'person' | 'path' | 'body'> &
  Partial<Pick<OutboxItem, 'stamp' | 'after' | 'check' | 'quiet'>>;

/** Where items are kept. */
export interface OutboxStore {
  /** Keeps a new item and gives its place in the order; resolves only when it is durable. */
  add(item: Omit<OutboxItem, 'seq'>): Promise<number>;
  put(item: OutboxItem): Promise<void>;
  remove(seq: number): Promise<void>;
  /** All, in order. */
  all(): Promise<OutboxItem[]>;
}

/** An answer of the centre. */
export interface OutboxAnswer {
  status: number;
  /** Seconds, from `Retry-After`. */
  retryAfterS: number | null;
  /** The parsed JSON body; null when there was none or it was not JSON. */
  json: unknown;
}

/** What the outbox needs of the world. */
export interface Surroundings {
  store: OutboxStore;
  /** One request; rejects when there was no answer. `body` null is a GET. */
  request(path: string, body: unknown): Promise<OutboxAnswer>;
  /** Device clock, Unix milliseconds. */
  now(): number;
  /** Runs `then` after so many milliseconds; gives a way to call it off. */
  later(ms: number, then: () => void): () => void;
  /** 0 to 1. */
  random(): number;
  /** A new UUIDv7. */
  makeId(): string;
  /** Runs `work` while no other page of this device does the same. */
  alone?(work: () => Promise<void>): Promise<void>;
}

/** What the outbox tells the page. */
export interface OutboxListener {
  /** The items, after any change. */
  changed?(items: OutboxItem[]): void;
  /** The centre took it. */
  taken?(item: OutboxItem, answer: OutboxAnswer): void;
  /** The centre refused it for good; it is kept. */
  refused?(item: OutboxItem): void;
  /** The session is over: nothing is sent until somebody signs in. */
  signedOut?(): void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** After so many 5xx answers to one item alone, the items behind it may pass. */
const FAULTS_UNTIL_PASSED = 3;

/** Items of one device, sent in order for whoever is signed in. */
export class Outbox {
  items: OutboxItem[] = [];
  private person: string | null = null;
  private running: Promise<void> | null = null;
  private again = false;
  private failures = 0;
  /** Nothing at all is sent before this moment. */
  private holdUntil = 0;
  /** The hold was asked for by the centre, so that better signs do not shorten it. */
  private heldByCentre = false;
  private callOff: (() => void) | null = null;

  constructor(
    private readonly world: Surroundings,
    private readonly listener: OutboxListener = {},
  ) {}

  /** Reads what was kept before; call once at the start. */
  async open(): Promise<void> {
    await this.reload();
  }

  /** Who is signed in; their items may go from now on. `null` stops sending. */
  signIn(person: string | null): void {
    this.person = person;
    this.heldByCentre = false;
    this.holdUntil = 0;
    if (person !== null) void this.flush();
  }

  /** Keeps an act durably, then tries to send it. Resolves when it is kept, not when it is sent. */
  async add(item: NewItem): Promise<OutboxItem> {
    const kept: Omit<OutboxItem, 'seq'> = {
      stamp: null,
      after: null,
      check: null,
      quiet: false,
      ...item,
      made_at: new Date(this.world.now()).toISOString(),
      attempts: 0,
      faults: 0,
      unsure: false,
      not_before: 0,
      state: 'waiting',
      refusal: null,
    };
    const seq = await this.world.store.add(kept);
    await this.reload();
    void this.flush();
    return { ...kept, seq };
  }

  /** There are signs that the centre can be reached (`online`, an event heard): tries now, unless the centre asked to wait. */
  hasten(): void {
    if (!this.heldByCentre) {
      this.holdUntil = 0;
      this.failures = 0;
    }
    void this.flush();
  }

  /** Sends what waits, in order; resolves when nothing more can go now. Calls while it runs are folded into one more run. */
  flush(): Promise<void> {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    const work = async (): Promise<void> => {
      do {
        this.again = false;
        await this.run();
      } while (this.again);
    };
    const alone = this.world.alone ?? ((w: () => Promise<void>): Promise<void> => w());
    this.running = alone(work)
      .catch(() => {
        // The store would not be read: the timer tries again.
        this.holdUntil = this.world.now() + LONGEST_WAIT_MS;
      })
      .finally(() => {
        this.running = null;
        this.plan();
      });
    return this.running;
  }

  /** The person has looked at a refused item and lets it go. */
  async letGo(seq: number): Promise<void> {
    const item = this.items.find((i) => i.seq === seq);
    if (item?.state !== 'refused') return;
    await this.world.store.remove(seq);
    await this.reload();
  }

  /** Sends a refused item again; one whose id is taken gets a new id. */
  async tryAgain(seq: number): Promise<void> {
    const item = this.items.find((i) => i.seq === seq);
    if (item?.state !== 'refused') return;
    const fresh = item.refusal?.status === 409 ? this.world.makeId() : item.id;
    await this.world.store.put({
      ...item,
      id: fresh,
      body: { ...item.body, id: fresh },
      check: item.check?.replace(item.id, fresh) ?? null,
      state: 'waiting',
      refusal: null,
      unsure: false,
      faults: 0,
      not_before: 0,
    });
    await this.reload();
    void this.flush();
  }

  /** Reads the store again: another page, or the service worker, may have changed it. */
  async reload(): Promise<void> {
    this.items = await this.world.store.all();
    this.listener.changed?.(this.items);
  }

  private async run(): Promise<void> {
    for (;;) {
      await this.reload();
      const now = this.world.now();
      if (this.person === null || now < this.holdUntil) return;
      const item = this.next(now);
      if (!item) return;
      const base = item.after === null ? undefined : this.items.find((i) => i.id === item.after);
      if (base?.state === 'refused') {
        await this.refuse(item, { status: 0, code: 'depends', detail: '', at: new Date(now).toISOString() });
      } else if (!(await this.attempt(item))) {
        return;
      }
    }
  }

  /** The first item that may go now; an item that met faults of its own lets others pass, but not those resting on it. */
  private next(now: number): OutboxItem | undefined {
    const behind = new Set<string>();
    for (const item of this.items) {
      if (item.person !== this.person || item.state !== 'waiting') continue;
      const blocked = item.after !== null && behind.has(item.after);
      if (!blocked && item.not_before <= now) return item;
      if (!blocked && item.faults < FAULTS_UNTIL_PASSED) return undefined;
      behind.add(item.id);
    }
    return undefined;
  }

  /** One attempt. True: go on with the next item; false: stop for now. */
  private async attempt(item: OutboxItem): Promise<boolean> {
    if (item.unsure && item.check !== null) {
      const there = await this.alreadyThere(item);
      if (there === 'no answer') return this.wait(item, null);
      if (there !== 'not there') return this.take(item, there);
    }
    const body = item.stamp === null ? item.body : { ...item.body, [item.stamp]: new Date(this.world.now()).toISOString() };
    // Said before the attempt: if the browser dies midway, the next start knows that it may have got through.
    item = { ...item, attempts: item.attempts + 1 };
    await this.note({ ...item, unsure: true });
    let answer: OutboxAnswer;
    try {
      answer = await this.world.request(item.path, body);
    } catch {
      return this.wait({ ...item, unsure: true }, null);
    }
    const { status } = answer;
    if (status === 204 || ((status === 200 || status === 201) && answer.json !== null)) return this.take(item, answer);
    // A 2xx that is not the centre's (a hotel's sign-in page, a proxy) is no answer at all.
    if (status < 400) return this.wait({ ...item, unsure: true }, null);
    if (status === 401) {
      await this.note({ ...item, unsure: false });
      this.person = null;
      this.listener.signedOut?.();
      return false;
    }
    if (status === 503 || status === 507 || status === 429 || status === 408) {
      return this.wait({ ...item, unsure: status === 408 }, answer.retryAfterS);
    }
    if (status >= 500) return this.fault(item, answer.retryAfterS);
    if (status === 409 && item.check !== null) {
      const there = await this.alreadyThere(item);
      if (there === 'no answer') return this.wait({ ...item, unsure: true }, null);
      if (there !== 'not there') return this.take(item, there);
    }
    const problem = (answer.json ?? {}) as { code?: unknown; detail?: unknown; title?: unknown };
    await this.refuse(item, {
      status,
      code: typeof problem.code === 'string' ? problem.code : '',
      detail: [problem.detail, problem.title].find((x) => typeof x === 'string') ?? '',
      at: new Date(this.world.now()).toISOString(),
    });
    return true;
  }

  /** Whether the centre already holds exactly this item, as far as a GET can show. */
  private async alreadyThere(item: OutboxItem): Promise<OutboxAnswer | 'not there' | 'no answer'> {
    let answer: OutboxAnswer;
    try {
      answer = await this.world.request(item.check!, null);
    } catch {
      return 'no answer';
    }
    if (answer.status === 404 || answer.status === 403) return 'not there';
    if (answer.status !== 200 || answer.json === null) return 'no answer';
    return holds(answer.json, item) ? answer : 'not there';
  }

  private async take(item: OutboxItem, answer: OutboxAnswer): Promise<boolean> {
    this.failures = 0;
    this.heldByCentre = false;
    await this.world.store.remove(item.seq);
    await this.reload();
    this.listener.taken?.(item, answer);
    return true;
  }

  private async refuse(item: OutboxItem, refusal: OutboxRefusal): Promise<void> {
    if (item.quiet) {
      await this.world.store.remove(item.seq);
      await this.reload();
      return;
    }
    const refused: OutboxItem = { ...item, state: 'refused', refusal, unsure: false };
    await this.world.store.put(refused);
    await this.reload();
    this.listener.refused?.(refused);
  }

  /** The centre cannot be reached, or asks to wait: everything waits. */
  private async wait(item: OutboxItem, retryAfterS: number | null): Promise<boolean> {
    this.failures += 1;
    this.heldByCentre = retryAfterS !== null;
    this.holdUntil = this.world.now() + (retryAfterS === null ? this.backOff(this.failures) : Math.min(retryAfterS, 3_600) * 1_000);
    await this.note(item);
    await this.reload();
    return false;
  }

  /** The centre met a fault over this item: it waits, and lets others pass after a few. */
  private async fault(item: OutboxItem, retryAfterS: number | null): Promise<boolean> {
    const faults = item.faults + 1;
    const ms = retryAfterS === null ? this.backOff(faults) : Math.min(retryAfterS, 3_600) * 1_000;
    await this.note({ ...item, faults, unsure: true, not_before: this.world.now() + ms });
    await this.reload();
    return faults >= FAULTS_UNTIL_PASSED;
  }

  /** Keeps how an attempt went. A full disk must not stop the sending: the item itself is already kept. */
  private async note(item: OutboxItem): Promise<void> {
    await this.world.store.put(item).catch(() => undefined);
  }

  /** Doubles from 1 s to 30 s, a quarter of it by chance, so that many phones do not come back at one moment. */
  private backOff(failures: number): number {
    const whole = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 10));
    return whole * (0.75 + 0.25 * this.world.random());
  }

  /** Sets the timer for the next moment at which something may go. */
  private plan(): void {
    this.callOff?.();
    this.callOff = null;
    if (this.person === null) return;
    const mine = this.items.filter((i) => i.person === this.person && i.state === 'waiting');
    if (mine.length === 0) return;
    const soonest = Math.min(...mine.map((i) => i.not_before));
    const ms = Math.max(this.holdUntil, soonest) - this.world.now();
    // A device clock that was set back must not hold a report for days.
    this.callOff = this.world.later(Math.min(Math.max(ms, 250), 3_600_000), () => void this.flush());
  }
}

/** Whether what the centre shows is what the item says: every field sent, but for the clock of sending. */
function holds(shown: unknown, item: OutboxItem): boolean {
  const there = ((shown as { sighting?: unknown }).sighting ?? shown) as Record<string, unknown>;
  // The centre corrects times by the device's clock error, so they say nothing here.
  const skip = new Set([item.stamp, 'first_seen', 'last_seen']);
  return Object.entries(item.body).every(([key, value]) => skip.has(key) || same(there[key] ?? null, value ?? null));
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a));
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((k) => same((a as Record<string, unknown>)[k] ?? null, (b as Record<string, unknown>)[k] ?? null));
}

/** Acts of people that wait: the number on the button. */
export function unsent(items: readonly OutboxItem[], person: string | null): number {
  return items.filter((i) => i.state === 'waiting' && !i.quiet && i.person === person).length;
}

/** Items in memory only: for tests, and where the browser gives no database (then the page must say so). */
export function memoryStore(items: OutboxItem[] = []): OutboxStore {
  let last = Math.max(0, ...items.map((i) => i.seq));
  const copy = <T>(value: T): T => structuredClone(value);
  return {
    add: async (item) => {
      last += 1;
      items.push(copy({ ...item, seq: last }));
      return last;
    },
    put: async (item) => {
      const k = items.findIndex((i) => i.seq === item.seq);
      if (k >= 0) items[k] = copy(item);
    },
    remove: async (seq) => {
      const k = items.findIndex((i) => i.seq === seq);
      if (k >= 0) items.splice(k, 1);
    },
    all: async () => copy([...items].sort((a, b) => a.seq - b.seq)),
  };
}

/** What a full or broken disk will not keep stays in memory, and `volatile` is told so that the page can say it. */
export function storeWithSpare(first: OutboxStore, volatile: () => void): OutboxStore {
  const SPARE_FROM = 2 ** 50;
  const spare = memoryStore();
  const inSpare = (seq: number): boolean => seq >= SPARE_FROM;
  return {
    add: (item) =>
      first.add(item).catch(async () => {
        volatile();
        return SPARE_FROM + (await spare.add(item));
      }),
    put: (item) => (inSpare(item.seq) ? spare.put({ ...item, seq: item.seq - SPARE_FROM }) : first.put(item)),
    remove: (seq) => (inSpare(seq) ? spare.remove(seq - SPARE_FROM) : first.remove(seq)),
    all: async () => [
      ...(await first.all().catch(() => [])),
      ...(await spare.all()).map((item) => ({ ...item, seq: item.seq + SPARE_FROM })),
    ],
  };
}

/** Items in IndexedDB. Rejects when the browser gives no database. */
export async function indexedDbStore(name = 'skypicket-outbox'): Promise<OutboxStore> {
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const open = indexedDB.open(name, 1);
    open.onupgradeneeded = () => open.result.createObjectStore('items', { keyPath: 'seq', autoIncrement: true });
    open.onsuccess = () => resolve(open.result);
    open.onerror = () => reject(open.error ?? new Error('no database'));
    open.onblocked = () => reject(new Error('database is blocked'));
  });
  // A newer version of the page, in another tab, may need to change the database.
  db.onversionchange = () => db.close();
  const write = <T>(act: (items: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      // "strict": on the disk before the promise resolves, so that it outlives a flat battery.
      const tx = db.transaction('items', 'readwrite', { durability: 'strict' });
      const request = act(tx.objectStore('items'));
      tx.oncomplete = () => resolve(request.result);
      tx.onabort = () => reject(tx.error ?? new Error('the device could not keep it'));
    });
  return {
    add: async (item) => Number(await write((items) => items.add(item))),
    put: async (item) => {
      // An item that another page has seen taken must not come back.
      await new Promise<void>((resolve, reject) => {
        const tx = db.transaction('items', 'readwrite', { durability: 'strict' });
        const items = tx.objectStore('items');
        const there = items.getKey(item.seq);
        there.onsuccess = () => {
          if (there.result !== undefined) items.put(item);
        };
        tx.oncomplete = () => resolve();
        tx.onabort = () => reject(tx.error ?? new Error('the device could not keep it'));
      });
    },
    remove: async (seq) => void (await write((items) => items.delete(seq))),
    all: () =>
      new Promise((resolve, reject) => {
        const request = db.transaction('items').objectStore('items').getAll() as IDBRequest<OutboxItem[]>;
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error('the device could not read it'));
      }),
  };
}

/** The real request: same origin, session cookie, JSON, no redirects, 15 s at most. */
export async function sendOverHttp(path: string, body: unknown, root = '/api/v1'): Promise<OutboxAnswer> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 15_000);
  try {
    const response = await fetch(root + path, {
      method: body === null ? 'GET' : 'POST',
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      signal: abort.signal,
      ...(body === null ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return await answerOf(response);
  } finally {
    clearTimeout(timer);
  }
}

async function answerOf(response: Response): Promise<OutboxAnswer> {
  const after = Number(response.headers.get('retry-after') ?? NaN);
  const isJson = /^application\/([a-z.+-]+\+)?json\b/.test(response.headers.get('content-type') ?? '');
  let json: unknown = null;
  if (isJson) {
    try {
      json = await response.json();
    } catch (error) {
      // A refusal stands without its words; a "taken" of which the body broke off is no answer.
      if (response.ok) throw error;
    }
  }
  return { status: response.status, retryAfterS: Number.isFinite(after) && after >= 0 ? after : null, json };
}

/** One page, or the service worker, at a time. */
export function aloneOnDevice(work: () => Promise<void>): Promise<void> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  return locks ? locks.request('skypicket-outbox', work).then(() => undefined) : work();
}
