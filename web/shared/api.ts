// Typed client of the HTTP API. Every failed call throws a [`Problem`]; every POST carries a client-made id, so that a
// repeat after a lost answer is safe: pass the same body again.
import { uuidv7 } from './ids';
import { params } from './search';
import type {
  Account, AlarmFigures, AlarmId, AlarmList, AuditQuery, AuditRow, BoardRow, BoardState, Bulletin, BulletinContent, BulletinPreview, CallStatus, CapCertificates, CodesBegun, Danger, DecidedAffiliation, Delivery, DirectoryChange, DirectoryPeople, DirectoryPerson, DirectoryView,
  Doctor, Enrolment, Grant, ImportPlan, LatLon, Library, LostPhone, MachineList, Marking, Me, NewSighting, NoticeBoard, NoticeView, OwnFlight, Page, PartnerList, Passkey, PasskeyAnswer,
  PasskeyChallenge, PersonView, Place, Purged, Push, PushDevice, PushTested, ReadOfMe, Rendering, Report, ReportChoices, ReportContent, ReportRow, ReportStep, Reset, ResetRow, Role, Roster, RosterList, SavedSearch, Search, SearchHit, SightingStored,
  SightingView, SignInLinks, SignInStep, SignInWays, SiteCollection, SourceView, Status, Subscription, TakPackage, Time, TrackClass, TrackCollection, TrackDecided, TrackPart, Trust, Upkeep, Verdict,
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

export interface PeopleFilter {
  q?: string | undefined;
  unit?: string | undefined;
  agency?: string | undefined;
  role?: Role | undefined;
  disabled?: boolean | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}
export type SearchOrder = 'newest' | 'best';
export interface RecipientFilter {
  state?: BoardState | undefined;
  agency?: string | undefined;
  unit?: string | undefined;
  /** A measure that they have done, or have not. */
  done?: string | undefined;
  not_done?: string | undefined;
  q?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}
const proof = (password?: string): { id: string; password?: string } => ({ id: uuidv7(), ...(password ? { password } : {}) });

export const api = {
  me: (): Promise<Me> => get('/me'),
  signInByLink: (link: string): Promise<Me> => post('/sessions', { link }),
  signIn: (name: string, password: string): Promise<Me | SignInStep> => post('/sessions', { name, password }),
  signOut: (): Promise<void> => call('/sessions/current', { method: 'DELETE' }),
  setPassword: (password: string, current?: string): Promise<void> =>
    call('/me/password', { method: 'PUT', body: { password, ...(current ? { current } : {}) } }),

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
  // ---- accounts ----
  signInWays: (): Promise<SignInWays> => get('/sign-in'),
  signInByCode: (ticket: string, code: string): Promise<Me> => post('/sessions', { ticket, code }),
  passkeyChallenge: (): Promise<PasskeyChallenge> => post('/passkeys/challenges', { id: uuidv7() }),
  signInByPasskey: (passkey: PasskeyAnswer): Promise<Me> => post('/sessions', { passkey }),
  mySignIn: (): Promise<Account> => get('/me/sign-in'),
  beginCodes: (password?: string): Promise<CodesBegun> => post('/me/totp', proof(password)),
  confirmCodes: async (code: string): Promise<string[]> =>
    (await call<{ recovery_codes: string[] }>('/me/totp', { method: 'PUT', body: { code } })).recovery_codes,
  removeCodes: (password?: string): Promise<void> => post('/me/totp/removal', proof(password)),
  newRecovery: async (password?: string): Promise<string[]> => (await post<{ recovery_codes: string[] }>('/me/recovery-codes', proof(password))).recovery_codes,
  beginPasskey: (password?: string): Promise<PasskeyChallenge> => post('/me/passkeys/challenges', proof(password)),
  addPasskey: (name: string, passkey: PasskeyAnswer): Promise<Passkey> => post('/me/passkeys', { id: uuidv7(), name, passkey }),
  removePasskey: (id: string): Promise<void> => call(`/me/passkeys/${seg(id)}`, { method: 'DELETE' }),
  endSession: (id: string): Promise<void> => call(`/me/sessions/${seg(id)}`, { method: 'DELETE' }),
  endOtherSessions: (): Promise<{ ended: number }> => call('/me/sessions', { method: 'DELETE' }),
  refuseReset: (): Promise<void> => call('/me/reset', { method: 'DELETE' }),
  account: (person: string): Promise<Account> => get(`/people/${seg(person)}/account`),
  endSessionsOf: (person: string): Promise<{ ended: number }> => call(`/people/${seg(person)}/sessions`, { method: 'DELETE' }),
  endSessionOf: (person: string, id: string): Promise<void> => call(`/people/${seg(person)}/sessions/${seg(id)}`, { method: 'DELETE' }),
  resets: async (): Promise<ResetRow[]> => (await get<{ items: ResetRow[] }>('/resets')).items,
  beginReset: (person: string): Promise<{ reset: Reset | null; link: SignInLinks | null }> => post(`/people/${seg(person)}/resets`, { id: uuidv7() }),
  dropReset: (person: string): Promise<void> => call(`/people/${seg(person)}/resets`, { method: 'DELETE' }),
  confirmReset: (person: string): Promise<SignInLinks> => post(`/people/${seg(person)}/resets/confirmation`, { id: uuidv7() }),
  lostPhone: (person: string): Promise<LostPhone> => post(`/people/${seg(person)}/lost-phone`, { id: uuidv7() }),
  // (end of accounts)
  // ---- people ----
  directory: (): Promise<DirectoryView> => get('/directory'),
  directoryPeople: (filter: PeopleFilter, signal?: AbortSignal): Promise<DirectoryPeople> =>
    get(`/directory/people${query({ ...filter })}`, signal),
  directoryPerson: (id: string): Promise<DirectoryPerson> => get(`/directory/people/${seg(id)}`),
  /** All of the changes or none; pass the same request id again after a lost answer. */
  changeDirectory: (changes: DirectoryChange[], request = uuidv7()): Promise<void> => post('/directory', { id: request, changes }),
  importPeople: (csv: string, options: { preview: boolean; create: boolean }, request = uuidv7()): Promise<ImportPlan> =>
    call('/directory/imports', { method: 'POST', body: { id: request, csv, ...options }, timeoutMs: 120_000 }),
  rosters: (): Promise<RosterList> => get('/rosters'),
  putRoster: (roster: Roster, request = uuidv7()): Promise<void> => post('/rosters', { id: request, roster }),
  removeRoster: (roster: string, request = uuidv7()): Promise<void> => post('/rosters', { id: request, remove: roster }),
  // (end of people)
  // ---- audit ----
  audit: (q: AuditQuery): Promise<Page<AuditRow>> => get(`/audit${query({ ...q })}`),
  readsOfMe: (cursor?: string): Promise<Page<ReadOfMe>> => get(`/me/reads${query({ cursor })}`),
  // (end of audit)
  // ---- bulletins ----
  bulletins: (): Promise<Bulletin[]> => all('/bulletins', { limit: 500 }, 2_000),
  bulletin: (id: string): Promise<Bulletin> => get(`/bulletins/${seg(id)}`),
  /** `id` becomes the bulletin's id. */
  proposeBulletin: (id: string, content: BulletinContent): Promise<Bulletin> => post('/bulletins', { id, content }),
  /** Keeps a new draft; `id` becomes the bulletin's id. */
  draftBulletin: (id: string, content: BulletinContent): Promise<Bulletin> => post('/bulletins', { id, content, draft: true }),
  /** `read` is `proposed_at` of what was written on at: what another wrote since is not overwritten. */
  saveDraft: (bulletin: string, read: Time, content: BulletinContent, request: string): Promise<Bulletin> =>
    post(`/bulletins/${seg(bulletin)}/drafts`, { id: request, read, content }),
  submitBulletin: (bulletin: string, read: Time, request: string): Promise<Bulletin> => post(`/bulletins/${seg(bulletin)}/submissions`, { id: request, read }),
  commentBulletin: (bulletin: string, text: string, request: string): Promise<Bulletin> => post(`/bulletins/${seg(bulletin)}/comments`, { id: request, text }),
  returnBulletin: (bulletin: string, why: string, request: string): Promise<Bulletin> => post(`/bulletins/${seg(bulletin)}/returns`, { id: request, why }),
  renderings: async (content: BulletinContent, signal?: AbortSignal): Promise<Rendering[]> =>
    (await call<{ items: Rendering[] }>('/bulletins/preview/renderings', { method: 'POST', body: { content }, ...(signal ? { signal } : {}) })).items,
  library: (): Promise<Library> => get('/library'),
  libraryDraft: async (template: string, values: Record<string, string>, agency: string | null): Promise<BulletinContent> =>
    (await call<{ content: BulletinContent }>('/library/drafts', { method: 'POST', body: { template, values, agency } })).content,
  previewBulletin: (content: BulletinContent, signal?: AbortSignal): Promise<BulletinPreview> =>
    call('/bulletins/preview', { method: 'POST', body: { content }, ...(signal ? { signal } : {}) }),
  /** `read` is when what it begins with was written: what another wrote since is not overwritten. */
  correctBulletin: (bulletin: string, read: Time, content: BulletinContent, why: string, request: string): Promise<Bulletin> =>
    post(`/bulletins/${seg(bulletin)}/corrections`, { id: request, read, content, why }),
  /** `read` is when what was read had been written: what was written since is not approved. `unseen` is how many things that
   *  it rests on they were shown to be hidden from them, `marking` how the strictest of those was marked as they were shown it. */
  approveBulletin: (bulletin: string, read: Time, unseen: number, marking: Marking | null, request: string): Promise<Bulletin> =>
    post(`/bulletins/${seg(bulletin)}/approvals`, { id: request, read, unseen, unseen_marking: marking }),
  breakGlass: (bulletin: string, why: string, request: string): Promise<Bulletin> => post(`/bulletins/${seg(bulletin)}/break-glass`, { id: request, why }),
  withdrawBulletin: (bulletin: string, why: string, request: string): Promise<Bulletin> => post(`/bulletins/${seg(bulletin)}/withdrawals`, { id: request, why }),
  recallBulletin: (bulletin: string, why: string, request: string): Promise<Bulletin> => post(`/bulletins/${seg(bulletin)}/recalls`, { id: request, why }),
  mySubscriptions: async (): Promise<Subscription[]> => (await get<{ items: Subscription[] }>('/me/subscriptions')).items,
  setSubscriptions: (items: Subscription[]): Promise<{ items: Subscription[] } | void> => call('/me/subscriptions', { method: 'PUT', body: { items } }),
  // (end of bulletins)
  // ---- intelligence ----
  reports: (filter: { step?: ReportStep | undefined; due?: 'review' | 'purge' | undefined; cursor?: string | undefined; limit?: number | undefined }): Promise<Page<ReportRow>> =>
    get(`/intelligence${query({ ...filter })}`),
  report: (id: string): Promise<Report> => get(`/intelligence/${seg(id)}`),
  reportChoices: (): Promise<ReportChoices> => get('/intelligence/choices'),
  /** `id` becomes the report's id. */
  fileReport: (id: string, content: ReportContent): Promise<Report> => post('/intelligence', { id, content }),
  /** `read` is the version that was read: what another wrote since is not overwritten. */
  changeReport: (report: string, read: number, content: ReportContent, why: string, request: string): Promise<Report> =>
    post(`/intelligence/${seg(report)}/versions`, { id: request, read, content, why }),
  vetReport: (report: string, read: number, request: string): Promise<Report> => post(`/intelligence/${seg(report)}/vettings`, { id: request, read }),
  approveIndividual: (report: string, read: number, request: string): Promise<Report> => post(`/intelligence/${seg(report)}/individual-approvals`, { id: request, read }),
  reviewReport: (report: string, review_by: Time, purge_by: Time, why: string, request: string): Promise<Report> =>
    post(`/intelligence/${seg(report)}/reviews`, { id: request, review_by, purge_by, why }),
  askPurge: (report: string, why: string, request: string): Promise<Report> => post(`/intelligence/${seg(report)}/purge-requests`, { id: request, why }),
  purgeReport: (report: string, why: string, request: string): Promise<Report> => post(`/intelligence/${seg(report)}/purges`, { id: request, why }),
  // (end of intelligence)
  // ---- search ----
  search: (s: Search, order: SearchOrder, cursor?: string, signal?: AbortSignal): Promise<Page<SearchHit>> =>
    get(`/search${query({ ...Object.fromEntries(params(s)), order, cursor })}`, signal),
  searches: async (): Promise<SavedSearch[]> => (await get<{ items: SavedSearch[] }>('/searches')).items,
  /** With `of` it takes the place of that one. */
  saveSearch: (body: { name: string; search: Search; notify: boolean; of?: string }, request: string): Promise<SavedSearch> => post('/searches', { id: request, ...body }),
  dropSearch: (id: string): Promise<void> => call(`/searches/${seg(id)}`, { method: 'DELETE' }),
  /** What fits one that is kept, without one's own; what came or changed since an entry, where one is given. */
  searchHits: (id: string, since?: number, cursor?: string, signal?: AbortSignal): Promise<Page<SearchHit> & { head: number }> =>
    get(`/searches/${seg(id)}/hits${query({ since, cursor })}`, signal),
  readSearch: (id: string, head: number): Promise<SavedSearch> => call(`/searches/${seg(id)}/read`, { method: 'PUT', body: { head } }),
  // (end of search)
  // ---- board ----
  board: (notice: string, signal?: AbortSignal): Promise<NoticeBoard> => get(`/notices/${seg(notice)}/board`, signal),
  recipients: (notice: string, filter: RecipientFilter, signal?: AbortSignal): Promise<Page<BoardRow>> =>
    get(`/notices/${seg(notice)}/recipients${query({ ...filter })}`, signal),
  recordCall: (notice: string, version: number, body: { id: string; person: string; status: CallStatus; note: string }): Promise<unknown> =>
    post(`/notices/${seg(notice)}/versions/${version}/calls`, body),
  /** What I have done of a version's checklist: the whole list each time. */
  tickMeasures: (notice: string, version: number, done: string[], request = uuidv7()): Promise<{ done: string[]; at: Time }> =>
    post(`/notices/${seg(notice)}/versions/${version}/measures`, { id: request, done }),
  /** Where the dissemination log is: a file to save. */
  exportPath: (notice: string, format: 'csv' | 'jsonl'): string => `/api/v1/notices/${seg(notice)}/export?format=${format}`,
  // (end of board)
  // ---- alarms ----
  alarms: (): Promise<AlarmList> => get('/alarms'),
  takeAlarms: (alarms: AlarmId[], why: string, request = uuidv7()): Promise<AlarmList> => post('/alarms/take', { id: request, alarms, why }),
  handBack: (alarms: AlarmId[], why: string, request = uuidv7()): Promise<AlarmList> => post('/alarms/hand-back', { id: request, alarms, why }),
  takeOver: (from: string, note: string, request = uuidv7()): Promise<AlarmList> => post('/alarms/take-over', { id: request, from, note }),
  shelve: (alarms: AlarmId[], for_s: number, why: string, request = uuidv7()): Promise<AlarmList> => post('/alarms/shelve', { id: request, alarms, for_s, why }),
  unshelve: (alarms: AlarmId[], request = uuidv7()): Promise<AlarmList> => post('/alarms/unshelve', { id: request, alarms }),
  alarmFigures: (): Promise<AlarmFigures> => get('/alarms/figures'),
  // (end of alarms)
  // ---- tracks ----
  /** The older of the two goes on. */
  mergeTracks: (track: string, other: string, why: string, request: string): Promise<TrackDecided> =>
    post(`/tracks/${seg(track)}/merges`, { id: request, with: other, why }),
  splitTrack: (track: string, part: TrackPart, why: string, request: string): Promise<TrackDecided> =>
    post(`/tracks/${seg(track)}/splits`, { id: request, part, why }),
  /** Neither class nor affiliation takes back what was decided. */
  classifyTrack: (track: string, what: TrackClass | null, affiliation: DecidedAffiliation | null, why: string, request: string): Promise<TrackDecided> =>
    post(`/tracks/${seg(track)}/classifications`, { id: request, class: what, affiliation, why }),
  // (end of tracks)
  // ---- machines ----
  machines: (signal?: AbortSignal): Promise<MachineList> => get('/machines', signal),
  makeToken: (body: { id: string; name: string; source: string; grant: Grant; until?: Time }): Promise<{ token: { id: string }; secret: string }> =>
    post('/tokens', body),
  revokeToken: (id: string): Promise<void> => call(`/tokens/${seg(id)}`, { method: 'DELETE' }),
  makeCertificate: (source: string, body: { id: string; name: string; grant: Grant; days: number }): Promise<{ certificate: { serial: string }; file: string; pem: string }> =>
    post(`/sources/${seg(source)}/certificates`, body),
  revokeCertificate: (serial: string): Promise<void> => call(`/certificates/${seg(serial)}`, { method: 'DELETE' }),
  makeTakPackage: (person: string, body: { id: string; name: string; client: 'atak' | 'itak'; host?: string; days: number }): Promise<TakPackage> =>
    post(`/people/${seg(person)}/tak-packages`, body),
  revokeTakClients: (person: string): Promise<{ revoked: number }> => call(`/people/${seg(person)}/certificates`, { method: 'DELETE' }),
  partners: (): Promise<PartnerList> => get('/partners'),
  makePartner: (body: { id: string; name: string; agency: string; until?: Time }): Promise<{ secret: string }> => post('/partners', body),
  revokePartner: (id: string): Promise<void> => call(`/partners/${seg(id)}`, { method: 'DELETE' }),
  capCertificates: (): Promise<CapCertificates> => get('/cap/certificates'),
  // (end of machines)
  // ---- upkeep ----
  upkeep: (signal?: AbortSignal): Promise<Upkeep> => get('/upkeep', signal),
  /** A long one takes minutes; the centre goes on meanwhile. */
  purge: (id: string): Promise<Purged> => call('/upkeep/purge', { method: 'POST', body: { id }, timeoutMs: 600_000 }),
  doctor: (): Promise<Doctor> => get('/doctor'),
  // (end of upkeep)
  // ---- enrolment ----
  trust: (): Promise<Trust> => get('/trust'),
  enrol: (person: string, minutes: number, url: string | null, request = uuidv7()): Promise<Enrolment> =>
    post(`/people/${seg(person)}/enrolments`, { id: request, minutes, url }),
  /** Whether the link still waits for its phone. */
  enrolmentWaits: (person: string, id: string): Promise<boolean> =>
    get(`/people/${seg(person)}/enrolments/${seg(id)}`).then(() => true, (error: unknown) => {
      if (error instanceof Problem && error.status === 404) return false;
      throw error;
    }),
  cancelEnrolment: (person: string, id: string): Promise<void> => call(`/people/${seg(person)}/enrolments/${seg(id)}`, { method: 'DELETE' }),
  // (end of enrolment)
  // ---- push ----
  push: (): Promise<Push> => get('/push'),
  subscribePush: (s: { id: string; endpoint: string; keys: { p256dh: string; auth: string }; device: string }): Promise<PushDevice> => post('/push/subscriptions', s),
  unsubscribePush: (id: string): Promise<void> => call(`/push/subscriptions/${seg(id)}`, { method: 'DELETE' }),
  testPush: (request = uuidv7()): Promise<PushTested> => call('/push/test', { method: 'POST', body: { id: request }, timeoutMs: 40_000 }),
  /** The newest warnings of any state, newest first. */
  newestNotices: (cursor?: string): Promise<Page<NoticeView>> => get(`/notices${query({ limit: 50, cursor })}`),
  // (end of push)
};
