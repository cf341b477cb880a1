// The centre as this phone knows it: who I am there, what it warns me of, when it was last heard.
import { api, onExercise, Problem } from '../../shared/api';
import { EventStream, type Connection } from '../../shared/events';
import { uuidv7 } from '../../shared/ids';
import type { OutboxAnswer, OutboxItem } from '../../shared/outbox';
import type { Danger, EventData, EventName, Me, NewSighting, NoticeView, SightingView, Status } from '../../shared/types';
import { missing, unheard, type Need } from '../arming';
import { newer, versionKey, warningsOf, type Warning } from '../warnings';
import { alarm } from './alarm.svelte';
import { box } from './box.svelte';
import { clock } from './clock.svelte';
import { BY_HAND_HOLDS_MS, here } from './here.svelte';
import { keep, kept, settings } from './settings.svelte';

/** A cleared warning stays on the page so long, unless it is put away. */
const CLEARED_STAYS_MS = 10 * 60_000;
/** A report of my people stays so long. */
const REPORTS_STAY_MS = 12 * 3_600_000;
/** Live numbers older than this are no longer live. */
const DANGER_OLD_MS = 5_000;

class Centre {
  me = $state.raw<Me | null>(null);
  /** `starting` until it is known whether a session is there; `expired`: the person is known, but the centre no longer
   *  takes their word: reports can be made, and wait. */
  session = $state<'starting' | 'none' | 'open' | 'expired'>('starting');
  connection = $state.raw<Connection>({ is: 'connecting' });
  /** When the centre was last heard, device clock. */
  heardMs = $state<number | null>(null);
  private listeningMs = $state(Date.now());
  status = $state.raw<Status | null>(null);
  private views = $state.raw<ReadonlyMap<string, NoticeView>>(new Map());
  private dangers = $state.raw<readonly Danger[]>([]);
  private dangersMs = $state(0);
  /** Cleared warnings that I have put away. */
  private away = $state.raw<ReadonlySet<string>>(new Set());
  /** Acknowledgements that the centre took: version key to its time. */
  answered = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** Reports: mine, and those of people I lead. */
  sightings = $state.raw<ReadonlyMap<string, SightingView>>(new Map());
  private stream: EventStream | null = null;
  private shown = new Set<string>();
  private seen = new Set<string>();
  private refetching = false;

  /** The exercise that an answer named, before anybody had signed in. */
  private heardExercise = $state<string | null>(null);
  readonly exercise = $derived(this.me?.exercise ?? this.heardExercise);
  readonly unheard = $derived(unheard({ nowMs: clock.now, heardMs: this.heardMs, listeningMs: this.listeningMs }));
  readonly missing: Need[] = $derived(
    missing({
      nowMs: clock.now,
      soundOn: alarm.on,
      positionAllowed: here.permission === 'granted',
      fix: here.fix?.byHand && clock.now - here.fix.atMs > BY_HAND_HOLDS_MS ? null : here.fix,
      positionSentMs: here.toldMs,
      heardMs: this.heardMs,
      listeningMs: this.listeningMs,
    }),
  );
  readonly warnings: Warning[] = $derived.by(() => {
    const live = clock.now - this.dangersMs < DANGER_OLD_MS ? this.dangers : [];
    return warningsOf(this.views.values(), live, this.me?.person.id ?? '').filter(({ view: { notice } }) => {
      if (notice.state !== 'cleared') return true;
      return !this.away.has(notice.id) && clock.now - this.serverToDevice(notice.at) < CLEARED_STAYS_MS;
    });
  });
  /** Reports of people I lead, newest first. */
  readonly reports = $derived(
    [...this.sightings.values()]
      .filter((v) => this.me?.leads.includes(v.sighting.reporter) && clock.now - this.serverToDevice(v.stored_at) < REPORTS_STAY_MS)
      .sort((a, b) => b.stored_at.localeCompare(a.stored_at)),
  );

  constructor() {
    onExercise((name) => (this.heardExercise = name));
    document.addEventListener('visibilitychange', () => this.stream?.hurry());
  }

  /** A server time in this device's clock, milliseconds. */
  serverToDevice(time: string): number {
    return Date.parse(time) - (this.stream?.clockOffsetMs ?? 0);
  }

  /** Looks for a session; without a signal the page opens for whoever was signed in last. */
  async start(): Promise<void> {
    box.onTaken = this.taken;
    box.onSignedOut = this.expire;
    here.onSignedOut = this.expire;
    const last = readMe();
    await box.open();
    try {
      this.signedIn(await api.me());
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
        this.me = last;
        this.session = last ? 'expired' : 'none';
        if (last) void box.signIn(last.person.id, false);
      } else if (last) this.signedIn(last);
      else this.session = 'none';
    }
  }

  signedIn(me: Me): void {
    this.me = me;
    this.session = 'open';
    keep('me', JSON.stringify(me));
    settings.prefer(me.person.language);
    void box.signIn(me.person.id);
    here.start();
    this.listen();
    void navigator.storage?.persist?.().catch(() => false);
  }

  async signOut(): Promise<void> {
    try {
      await api.signOut();
    } catch {
      // Without a signal the cookie stays until it runs out; this page forgets who it was.
    }
    this.close();
    void box.signIn(null);
    keep('me', null);
    this.me = null;
    this.session = 'none';
  }

  /** The session ended at the centre's side: nothing on the phone is lost, but nobody is warned. */
  private readonly expire = (): void => {
    if (this.session !== 'open') return;
    this.close();
    void box.signIn(this.me?.person.id ?? null, false);
    this.session = 'expired';
  };

  private close(): void {
    this.stream?.stop();
    this.stream = null;
    here.stop();
    this.heardMs = null;
    this.views = new Map();
    this.dangers = [];
    this.sightings = new Map();
    this.answered = new Map();
    this.status = null;
    this.shown.clear();
    this.seen.clear();
  }

  private listen(): void {
    this.stream?.stop();
    const stream = new EventStream({ on: this.take, onConnection: this.connect });
    this.stream = stream;
    this.listeningMs = Date.now();
    stream.start();
    const look = (): void => {
      if (this.stream !== stream) return;
      this.heardMs = stream.heardAt;
      setTimeout(look, 500);
    };
    look();
  }

  private readonly connect = (c: Connection): void => {
    const was = this.connection;
    this.connection = c;
    if (c.is === 'refused' && c.status === 401) this.expire();
    if (c.is === 'open') {
      this.heardMs = this.stream?.heardAt ?? Date.now();
      box.hasten();
      if (was.is !== 'open') void this.refetch();
    }
  };

  /** Everything that is open, anew: after a connection, and when the stream says that something was missed. */
  private async refetch(): Promise<void> {
    if (this.refetching) return;
    this.refetching = true;
    try {
      const fresh = await api.me();
      if (this.session === 'open') {
        this.me = fresh;
        keep('me', JSON.stringify(fresh));
      }
      const [notices, sightings] = await Promise.all([api.notices(true), api.sightings()]);
      const open = new Set(notices.map((v) => v.notice.id));
      // What was open and is no longer listed has ended while nobody heard.
      const gone = [...this.views.values()].filter((v) => v.notice.state !== 'cleared' && !open.has(v.notice.id));
      for (const view of notices) this.putNotice(view);
      for (const v of gone) this.putNotice(await api.notice(v.notice.id));
      for (const view of sightings) this.putSighting(view);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.expire();
      // Else the stream's next break or reset asks again.
    } finally {
      this.refetching = false;
    }
  }

  private readonly take = <N extends EventName>(name: N, data: EventData[N]): void => {
    this.heardMs = Date.now();
    switch (name) {
      case 'notice':
        this.putNotice(data as NoticeView);
        break;
      case 'dangers':
        this.dangers = (data as { items: Danger[] }).items;
        this.dangersMs = Date.now();
        break;
      case 'sighting':
        this.putSighting(data as SightingView);
        break;
      case 'status':
        this.status = data as Status;
        break;
      case 'reset':
        void this.refetch();
        break;
      default:
    }
  };

  private putNotice(view: NoticeView): void {
    const id = view.notice.id;
    this.views = new Map(this.views).set(id, newer(this.views.get(id), view));
  }

  private putSighting(view: SightingView): void {
    this.sightings = new Map(this.sightings).set(view.sighting.id, view);
  }

  /** A cleared warning has been looked at. */
  putAway(notice: string): void {
    this.away = new Set(this.away).add(notice);
  }

  /** A version is really on the screen: says so once. */
  noteShown(view: NoticeView): void {
    const key = versionKey(view.notice);
    if (this.shown.has(key)) return;
    this.shown.add(key);
    const id = uuidv7();
    void box.add({ id, kind: 'receipt', path: `/notices/${view.notice.id}/versions/${view.notice.version}/receipts`, body: { id, shown: true }, quiet: true });
  }

  /** A report of somebody I lead is really on the screen: says so once. */
  noteSeen(view: SightingView): void {
    const sighting = view.sighting.id;
    if (this.seen.has(sighting) || view.seen_by_leadership !== null) return;
    this.seen.add(sighting);
    const id = uuidv7();
    void box.add({ id, kind: 'seen', path: `/sightings/${sighting}/seen`, body: { id }, quiet: true });
  }

  /** I acknowledge this version. */
  async acknowledge(view: NoticeView): Promise<void> {
    const { id: notice, version } = view.notice;
    const id = uuidv7();
    await box.add({ id, kind: 'acknowledgement', path: `/notices/${notice}/versions/${version}/acknowledgements`, body: { id } });
  }

  /** Keeps a report and sends it; resolves when it is kept. */
  async report(sighting: Omit<NewSighting, 'id' | 'sent_at'>): Promise<string> {
    const id = uuidv7();
    await box.add({ id, kind: 'sighting', path: '/sightings', body: { id, ...sighting }, stamp: 'sent_at', check: `/sightings/${id}` });
    return id;
  }

  /** Takes a report of mine back. */
  async retract(sighting: string): Promise<void> {
    const id = uuidv7();
    await box.add({ id, kind: 'retraction', path: `/sightings/${sighting}/retraction`, body: { id }, after: sighting });
  }

  private readonly taken = (item: OutboxItem, answer: OutboxAnswer): void => {
    const json = answer.json as Record<string, unknown> | null;
    if (item.kind === 'acknowledgement' && typeof json?.acknowledged_at === 'string') {
      const found = /^\/notices\/([^/]+)\/versions\/(\d+)\//.exec(item.path);
      if (found) this.answered = new Map(this.answered).set(`${found[1]}/${found[2]}`, json.acknowledged_at);
    } else if ((item.kind === 'retraction' || item.kind === 'seen') && json && 'sighting' in json) {
      this.putSighting(json as unknown as SightingView);
    } else if (item.kind === 'sighting') {
      void api.sighting(item.id).then((view) => this.putSighting(view), () => undefined);
    }
  };
}

function readMe(): Me | null {
  try {
    const me = JSON.parse(kept('me') ?? 'null') as Me | null;
    return me !== null && typeof me.person?.id === 'string' && Array.isArray(me.leads) ? me : null;
  } catch {
    return null;
  }
}

export const centre = new Centre();
