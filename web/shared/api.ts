// Typed client of the HTTP API. Every failed call throws a [`Problem`]; every POST carries a client-made id, so that a
// repeat after a lost answer is safe: pass the same body again.
import { uuidv7 } from './ids';
import type {
  Danger, Delivery, LatLon, Me, NewSighting, NoticeView, OwnFlight, Page, PersonView, Place, SightingStored, SightingView,
  SignInLinks, SiteCollection, SourceView, Status, Time, TrackCollection, Verdict,
} from './types';

export const BASE = '/api/v1';

/** A refused or failed call: an RFC 9457 problem document, or a network failure (`status` 0, `code` "offline"). */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly requestId: string | null = null,
    /** Seconds to wait before trying again, where the server said so. */
    readonly retryAfterS: number | null = null,
  ) {
    super(detail || title);
  }
  /** The same request may succeed later: keep it and send it again. */
  get transient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

function retryAfter(value: string | null): number | null {
  if (value === null) return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, (date - Date.now()) / 1000);
}

async function problemOf(answer: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    const read: unknown = await answer.json();
    if (read !== null && typeof read === 'object') body = read as Record<string, unknown>;
  } catch {
    // Not JSON (a proxy's page): the status says enough.
  }
  const text = (key: string): string => (typeof body[key] === 'string' ? body[key] : '');
  return new Problem(
    answer.status, text('code') || `http_${answer.status}`, text('title') || answer.statusText || `HTTP ${answer.status}`,
    text('detail'), text('request_id') || null, retryAfter(answer.headers.get('Retry-After')),
  );
}

let tellExercise: (name: string) => void = () => undefined;
/** Each answer of an exercise names it, also before anybody has signed in: `tell` is called with the name. */
export function onExercise(tell: (name: string) => void): void {
  tellExercise = tell;
}

export interface CallOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
  /** Give up after so many milliseconds; 15,000 unless said. */
  timeoutMs?: number;
}

/** One call; `path` begins after `/api/v1`. Gives `undefined` for 204. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  // Own controller and timer: AbortSignal.any and .timeout are too new for the phones in use.
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  const timer = setTimeout(stop, options.timeoutMs ?? 15_000);
  if (options.signal?.aborted) stop();
  options.signal?.addEventListener('abort', stop);
  const init: RequestInit = {
    method: options.method ?? 'GET',
    credentials: 'same-origin',
    cache: 'no-store',
    headers: { Accept: 'application/json' },
    signal: abort.signal,
  };
  if (options.body !== undefined) {
    init.headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
    init.body = JSON.stringify(options.body);
  }
  let answer: Response;
  try {
    answer = await fetch(BASE + path, init);
    const exercise = answer.headers.get('Skypicket-Exercise');
    if (exercise !== null) tellExercise(exercise);
    if (!answer.ok) throw await problemOf(answer);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  } catch (error) {
    if (error instanceof Problem || options.signal?.aborted) throw error;
    throw new Problem(0, 'offline', 'No answer from the centre', error instanceof Error ? error.message : '');
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
  }
}

const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>(path, { ...(signal ? { signal } : {}) });
const post = <T>(path: string, body: unknown): Promise<T> => call<T>(path, { method: 'POST', body });
const seg = encodeURIComponent;

function query(values: Record<string, string | number | boolean | undefined>): string {
  const set = Object.entries(values).filter(([, v]) => v !== undefined);
  return set.length === 0 ? '' : `?${new URLSearchParams(set.map(([k, v]) => [k, String(v)]))}`;
}

/** All pages of a listing, at most `max` items. */
async function all<T>(path: string, values: Record<string, string | number | boolean | undefined>, max = 5_000): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await get(path + query({ ...values, cursor }));
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < max);
  return items;
}

export const api = {
  me: (): Promise<Me> => get('/me'),
  signInByLink: (link: string): Promise<Me> => post('/sessions', { link }),
  signIn: (name: string, password: string): Promise<Me> => post('/sessions', { name, password }),
  signOut: (): Promise<void> => call('/sessions/current', { method: 'DELETE' }),
  setPassword: (password: string): Promise<void> => call('/me/password', { method: 'PUT', body: { password } }),

  postSighting: (sighting: NewSighting): Promise<SightingStored> => post('/sightings', sighting),
  sightings: (mine = false): Promise<SightingView[]> => all('/sightings', { limit: 200, mine: mine || undefined }, 1_000),
  sighting: (id: string): Promise<SightingView> => get(`/sightings/${seg(id)}`),
  seen: (id: string, request = uuidv7()): Promise<SightingView> => post(`/sightings/${seg(id)}/seen`, { id: request }),
  triage: (id: string, verdict: Exclude<Verdict, { is: 'new' }>, why: string, request = uuidv7()): Promise<SightingView> =>
    post(`/sightings/${seg(id)}/triage`, { id: request, verdict, why }),
  retract: (id: string, request = uuidv7()): Promise<SightingView> => post(`/sightings/${seg(id)}/retraction`, { id: request }),

  postPosition: (p: { id: string; at: Place; accuracy_m: number; observed_at: Time; sent_at: Time }): Promise<{ id: string }> =>
    post('/positions', p),

  tracks: (): Promise<TrackCollection> => get('/tracks'),
  dangers: async (): Promise<Danger[]> => (await get<{ items: Danger[] }>('/dangers')).items,
  notices: (open = true): Promise<NoticeView[]> => all('/notices', { open: open || undefined }),
  notice: (id: string): Promise<NoticeView> => get(`/notices/${seg(id)}`),
  receipt: (notice: string, version: number, shown: boolean, request = uuidv7()): Promise<void> =>
    post(`/notices/${seg(notice)}/versions/${version}/receipts`, { id: request, shown }),
  acknowledge: (notice: string, version: number, request = uuidv7()): Promise<{ acknowledged_at: Time }> =>
    post(`/notices/${seg(notice)}/versions/${version}/acknowledgements`, { id: request }),
  deliveries: (notice: string): Promise<Delivery[]> => all('/deliveries', { notice }),

  people: (): Promise<PersonView[]> => all('/people', {}, 30_000),
  signInLinks: (person: string, request = uuidv7()): Promise<SignInLinks> =>
    post(`/people/${seg(person)}/sign-in-links`, { id: request }),
  sites: (): Promise<SiteCollection> => get('/sites'),
  ownFlights: async (): Promise<OwnFlight[]> => {
    const answer = await get<OwnFlight[] | { items: OwnFlight[] }>('/own-flights');
    return Array.isArray(answer) ? answer : answer.items;
  },
  postOwnFlight: (flight: Omit<OwnFlight, 'centre'> & { centre: LatLon }): Promise<OwnFlight> => post('/own-flights', flight),
  sources: async (): Promise<SourceView[]> => (await get<{ items: SourceView[] }>('/sources')).items,
  status: (): Promise<Status> => get('/status'),
};
