// The centre as this phone knows it: who I am there, what it warns me of, when it was last heard.
import { api, call, onExercise, Problem } from '../../shared/api';
import { EventStream, type Connection } from '../../shared/events';
import { uuidv7 } from '../../shared/ids';
import { ended, isWarning } from '../../shared/notice';
import { laterSighting } from '../../shared/sightings';
import type { OutboxAnswer, OutboxItem } from '../../shared/outbox';
import type { Danger, EventData, EventName, Me, NewSighting, NoticeView, SightingView, Status } from '../../shared/types';
import { checks, missing, type ArmingFacts, type Check, type Need } from '../arming';
import { Ear, type Gap } from '../ear';
import { measuresPath } from '../checklist';
import { alarmKey, bulletinsOf, newer, versionKey, warningsOf, type BulletinCard, type Warning } from '../warnings';
import { within } from '../within';
import { alarm } from './alarm.svelte';
import { awake } from './awake.svelte';
import { box } from './box.svelte';
import { before } from './before.svelte';
import { clock } from './clock.svelte';
import { compass } from './compass.svelte';
import { BY_HAND_HOLDS_MS, here } from './here.svelte';
import { install } from './install.svelte';
import { push } from './push.svelte';
import { keep, kept, settings } from './settings.svelte';

/** A cleared warning stays on the page so long, unless it is put away. */
const CLEARED_STAYS_MS = 10 * 60_000;
/** A report of my people stays so long. */
const REPORTS_STAY_MS = 12 * 3_600_000;
/** Live numbers older than this are no longer live. */
const DANGER_OLD_MS = 5_000;
/** After a deafness alarms wait so long for what the centre says of it: a warning that is over by now makes no noise. */
const SETTLING_MS = 2_000;
/** A centre that refuses this phone is asked again so often. */
const REFUSED_AGAIN_MS = 10_000;
/** A list that did not come is asked for again after so long. */
const REFETCH_AGAIN_MS = 2_000;

const moment = (): { wallMs: number; monoMs: number } => ({ wallMs: Date.now(), monoMs: performance.now() });

/** A time in which this phone did not hear the centre, and what of it matters now. */
export interface Deafness extends Gap {
  /** Warnings to me that were raised and over in between; null until the centre has said. */
  missed: string[] | null;
}

class Centre {
  me = $state.raw<Me | null>(null);
  /** `starting` until it is known whether a session is there; `expired`: the person is known, but the centre no longer
   *  takes their word: reports can be made, and wait. */
  session = $state<'starting' | 'none' | 'open' | 'expired'>('starting');
  connection = $state.raw<Connection>({ is: 'connecting' });
  /** When the centre was last heard, by the device's clock as it stands now; null is never. */
  heardMs = $state<number | null>(null);
  /** The centre has been silent for so long that nobody should count on a warning. */
  unheard = $state(false);
  /** The status with which the centre refuses this phone, other than "sign in again". */
  refused = $state<number | null>(null);
  /** The centre's clock minus this phone's, milliseconds; null until it said. */
  clockOffMs = $state<number | null>(null);
  /** The last deafness, until it is put away. */
  deafness = $state.raw<Deafness | null>(null);
  /** Alarms wait until this moment of the running clock. */
  private settlingUntil = 0;
  private ear = new Ear(moment());
  private leaps = 0;
  /** The warnings that were known before the page slept. */
  private knownBefore: { ids: Set<string>; atMs: number } | null = null;
  status = $state.raw<Status | null>(null);
  private views = $state.raw<ReadonlyMap<string, NoticeView>>(new Map());
  private dangers = $state.raw<readonly Danger[]>([]);
  private dangersMs = $state(0);
  /** Cleared warnings that I have put away. */
  private away = $state.raw<ReadonlySet<string>>(new Set());
  /** Acknowledgements that the centre took: version key to its time. */
  answered = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** Versions of which the centre's notice said, since I acknowledged them, that it has it. */
  private readonly said = new Set<string>();
  /** The last list of done measures that the centre took, by notice, until its own word comes. */
  ticks = $state.raw<ReadonlyMap<string, readonly string[]>>(new Map());
  /** Reports: mine, and those of people I lead. */
  sightings = $state.raw<ReadonlyMap<string, SightingView>>(new Map());
  private stream: EventStream | null = null;
  private shown = new Set<string>();
  private seen = new Set<string>();
  private refetching = false;
  /** It was asked for while it went on. */
  private again = false;
  /** Of what the stream told since the list was asked for. */
  private readonly told = new Set<string>();

  /** The exercise that an answer named, before anybody had signed in. */
  private heardExercise = $state<string | null>(null);
  readonly exercise = $derived(this.me?.exercise ?? this.heardExercise);
  private readonly facts: ArmingFacts = $derived({
    nowMs: clock.now,
    signedIn: this.session === 'open',
    heard: this.heardMs !== null,
    deaf: this.unheard,
    positionAllowed: here.permission === 'granted',
    fix: here.fix?.byHand && clock.now - here.fix.atMs > BY_HAND_HOLDS_MS ? null : here.fix,
    positionSentMs: here.toldMs,
    screenHeld: awake.held,
    screenByHand: settings.screenByHand,
    soundOn: alarm.on,
    audible: alarm.audible?.heard ?? null,
    vibrates: alarm.vibrates,
    compass: compass.azimuth !== null ? 'works' : compass.mustAsk ? 'ask' : compass.none ? 'none' : 'works',
    pushWanted: push.wanted,
    notifications: push.permission,
    pushWorks: push.works,
    persisted: box.persisted,
    opensOffline: install.opensOffline,
    installed: install.installed,
    clockOffMs: this.clockOffMs ?? 0,
  });
  readonly checks: Check[] = $derived(checks(this.facts));
  readonly missing: Need[] = $derived(missing(this.facts));
  readonly warnings: Warning[] = $derived.by(() => {
    const live = clock.now - this.dangersMs < DANGER_OLD_MS ? this.dangers : [];
    return warningsOf(this.views.values(), live, this.me?.person.id ?? '').filter(({ view: { notice } }) => {
      if (notice.state !== 'cleared') return true;
      return !this.away.has(notice.id) && clock.now - this.serverToDevice(notice.at) < CLEARED_STAYS_MS;
    });
  });
  /** My bulletins: in force, and over since a short while; a recall of what was on this phone stays until it is put away. */
  readonly bulletins: BulletinCard[] = $derived.by(() =>
    bulletinsOf(this.views.values(), this.me?.person.id ?? '', before.had, clock.now + (this.clockOffMs ?? 0)).filter((c) => {
      if (!c.over) return true;
      const n = c.view.notice;
      if (this.away.has(n.id)) return false;
      if (n.state === 'recalled' && c.corrects) return true;
      return clock.now - this.serverToDevice(ended(n.state) ? n.at : (n.expires_at ?? n.at)) < CLEARED_STAYS_MS;
    }));
  /** Reports of people I lead, newest first. */
  readonly reports = $derived(
    [...this.sightings.values()]
      .filter((v) => this.me?.leads.includes(v.sighting.reporter) && clock.now - this.serverToDevice(v.stored_at) < REPORTS_STAY_MS)
      .sort((a, b) => b.stored_at.localeCompare(a.stored_at)),
  );

  constructor() {
    onExercise((name) => (this.heardExercise = name));
    document.addEventListener('visibilitychange', () => this.stream?.hurry());
    setInterval(() => this.look(), 500);
    // A page that comes back looks at once, whatever its timers do.
    for (const event of ['visibilitychange', 'resume', 'pageshow', 'focus']) addEventListener(event, () => this.look());
    document.addEventListener('visibilitychange', () => this.look());
    document.addEventListener('resume', () => this.look());
  }

  /** Time passes: how long has the centre been silent? */
  private look(): void {
    if (this.session !== 'open') return;
    this.ear.tick(moment());
    this.noteLeap();
    this.listened();
  }

  /** The page slept: what it is told now may be over by now, and belongs to that time. */
  private noteLeap(): void {
    if (this.ear.leaps === this.leaps) return;
    this.leaps = this.ear.leaps;
    this.knownBefore = { ids: new Set(this.views.keys()), atMs: performance.now() };
    this.settlingUntil = performance.now() + SETTLING_MS;
  }

  private listened(): void {
    this.heardMs = this.ear.heard ? Date.now() - this.ear.silentMs : null;
    this.unheard = this.ear.deaf;
  }

  /** Something came from the centre, and with it perhaps its clock. */
  private hear(centreMs: number | null): void {
    const gap = this.ear.hear(moment(), centreMs);
    this.noteLeap();
    this.refused = null;
    if (centreMs !== null) {
      const off = centreMs - Date.now();
      // Told to the service worker when it matters: it compares a message's end with the centre's clock.
      if (this.clockOffMs === null || Math.abs(off - this.clockOffMs) > 5_000) push.tellClock(off);
      this.clockOffMs = off;
    }
    this.listened();
    if (gap) this.recovered(gap);
  }

  /** Deaf until now: says for how long, and asks what was missed. */
  private recovered(gap: Gap): void {
    const before = this.deafness;
    const fresh = this.knownBefore !== null && performance.now() - this.knownBefore.atMs < 15_000;
    const known = fresh && this.knownBefore ? this.knownBefore.ids : new Set(this.views.keys());
    this.knownBefore = null;
    // Two with nothing read in between are told as one.
    this.deafness = { fromMs: before?.fromMs ?? gap.fromMs, toMs: gap.toMs, missed: null };
    this.settlingUntil = performance.now() + SETTLING_MS;
    void this.askMissed(gap, known, before?.missed ?? []);
  }

  /** Warnings to me that began and ended while this phone was deaf; they are shown as past, without a sound. */
  private async askMissed(gap: Gap, known: ReadonlySet<string>, earlier: string[]): Promise<void> {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      try {
        const missed = [...earlier];
        let cursor: string | undefined;
        for (let pages = 0; pages < 4; pages += 1) {
          const page = await api.newestNotices(cursor);
          for (const view of page.items) {
            const over = view.mine && isWarning(view) && ended(view.notice.state) && Date.parse(view.notice.at) >= gap.fromMs && !known.has(view.notice.id);
            if (!over || missed.includes(view.notice.id)) continue;
            missed.push(view.notice.id);
            this.putNotice(view);
          }
          const last = page.items.at(-1);
          cursor = page.next ?? undefined;
          if (cursor === undefined || (last && Date.parse(last.notice.at) < gap.fromMs)) break;
        }
        if (this.deafness?.toMs === gap.toMs) this.deafness = { ...this.deafness, missed };
        return;
      } catch {
        await new Promise((r) => setTimeout(r, 3_000));
        if (this.session !== 'open') return;
      }
    }
  }

  /** The report of a deafness has been read. */
  putDeafnessAway(): void {
    this.deafness = null;
  }

  /** Alarms wait a moment for what is over by now. */
  get settling(): boolean {
    return performance.now() < this.settlingUntil;
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
    // A database that hangs must not keep the page from warning.
    await within(11_000, box.open()).catch(() => undefined);
    try {
      // Who was here before need not wait long for a centre that does not answer.
      this.signedIn(await call<Me>('/me', { timeoutMs: last === null ? 15_000 : 5_000 }));
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
    void box.persist();
    void push.start();
  }

  async signOut(): Promise<void> {
    // Whoever has this phone next must not get this person's warnings on it.
    await push.stop();
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
    this.ear = new Ear(moment());
    this.leaps = 0;
    this.knownBefore = null;
    this.deafness = null;
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
    this.unheard = false;
    this.refused = null;
    this.views = new Map();
    this.dangers = [];
    this.sightings = new Map();
    this.answered = new Map();
    this.said.clear();
    this.ticks = new Map();
    this.status = null;
    this.shown.clear();
    this.seen.clear();
  }

  private listen(): void {
    this.stream?.stop();
    const stream = new EventStream({ on: this.take, onConnection: this.connect, onHeard: () => this.hear(null) });
    this.stream = stream;
    this.ear.listen(moment());
    stream.start();
  }

  private readonly connect = (c: Connection): void => {
    const was = this.connection;
    this.connection = c;
    if (c.is === 'refused' && c.status === 401) this.expire();
    else if (c.is === 'refused') {
      // Not for ever: a right that was taken may be given back, and until then nobody is warned here.
      this.refused = c.status;
      setTimeout(() => {
        if (this.session === 'open' && this.connection.is === 'refused') this.listen();
      }, REFUSED_AGAIN_MS);
    }
    if (c.is === 'open') {
      box.hasten();
      if (was.is !== 'open') void this.refetch();
    }
  };

  /** Everything that is open, anew: after a connection, and when the stream says that something was missed. Until it has come. */
  private async refetch(): Promise<void> {
    if (this.refetching) {
      this.again = true;
      return;
    }
    this.refetching = true;
    try {
      do {
        this.again = false;
        this.told.clear();
        await this.fetchAll();
      } while (this.again);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.expire();
      // The stream may go on well for hours: what was not read may be a warning.
      else setTimeout(() => { if (this.session === 'open' && this.connection.is === 'open') void this.refetch(); }, REFETCH_AGAIN_MS);
    } finally {
      this.refetching = false;
    }
  }
  private async fetchAll(): Promise<void> {
    const fresh = await api.me();
    if (this.session === 'open') {
      this.me = fresh;
      keep('me', JSON.stringify(fresh));
    }
    const [notices, sightings] = await Promise.all([api.notices(true), api.sightings()]);
    const open = new Set(notices.map((v) => v.notice.id));
    // What was open and is no longer listed has ended while nobody heard.
    const gone = [...this.views.values()].filter((v) => !ended(v.notice.state) && !open.has(v.notice.id) && !this.told.has(v.notice.id));
    // What the stream told of meanwhile is newer than the list, which may have been written before it.
    for (const view of notices) if (!this.told.has(view.notice.id)) this.putNotice(view);
    for (const view of sightings) if (!this.told.has(view.sighting.id)) this.putSighting(view);
    // Each by itself: one that does not come keeps none of the others from being read.
    let failed: unknown = null;
    for (const { notice: { id } } of gone) {
      try {
        const view = await api.notice(id);
        if (!this.told.has(id)) this.putNotice(view);
      } catch (error) {
        const status = error instanceof Problem ? error.status : 0;
        // Not for this person any more: it goes from the phone.
        if (status === 403 || status === 404) this.dropNotice(id);
        else if (status === 401 || status === 0) throw error;
        else failed = error;
      }
    }
    if (failed !== null) throw failed;
  }

  private readonly take = <N extends EventName>(name: N, data: EventData[N]): void => {
    const now = (data as { now?: unknown }).now;
    const centreMs = typeof now === 'string' ? Date.parse(now) : NaN;
    this.hear(Number.isNaN(centreMs) ? null : centreMs);
    switch (name) {
      case 'notice':
        this.told.add((data as NoticeView).notice.id);
        this.putNotice(data as NoticeView);
        break;
      case 'dangers':
        this.dangers = (data as { items: Danger[] }).items;
        this.dangersMs = Date.now();
        break;
      case 'sighting':
        this.told.add((data as SightingView).sighting.id);
        this.putSighting(data as SightingView);
        break;
      case 'status':
        this.status = data as Status;
        break;
      case 'reset':
        void this.refetch();
        // Starting anew may mean that my roles are others now.
        void api.me().then((me) => { this.me = me; keep('me', JSON.stringify(me)); }, () => undefined);
        break;
      default:
    }
  };

  private putNotice(view: NoticeView): void {
    const id = view.notice.id;
    this.views = new Map(this.views).set(id, newer(this.views.get(id), view));
    // What it has of my ticks is its own word from here on.
    if (this.ticks.has(id) && view.recipients.some((r) => r.person === this.me?.person.id && r.done !== undefined)) {
      this.ticks = new Map([...this.ticks].filter(([k]) => k !== id));
    }
    const key = versionKey(view.notice);
    // The centre's own word has come: should it ask for the same version again, since an old answer counts no more, it is asked.
    if (view.acknowledged) this.said.add(key);
    if (view.acknowledged && this.answered.has(key)) this.answered = new Map([...this.answered].filter(([k]) => k !== key));
  }

  private dropNotice(id: string): void {
    if (!this.told.has(id)) this.views = new Map([...this.views].filter(([k]) => k !== id));
  }

  private putSighting(view: SightingView): void {
    this.sightings = new Map(this.sightings).set(view.sighting.id, laterSighting(this.sightings.get(view.sighting.id), view));
  }

  /** A cleared warning has been looked at. */
  putAway(notice: string): void {
    this.away = new Set(this.away).add(notice);
  }

  /** A version is really on the screen: says so once. */
  noteShown(view: NoticeView): void {
    const key = alarmKey(view, this.me?.person.id ?? '');
    if (this.shown.has(key)) return;
    this.shown.add(key);
    before.note(view.notice);
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
    this.said.delete(versionKey(view.notice));
    await box.add({ id, kind: 'acknowledgement', path: `/notices/${notice}/versions/${version}/acknowledgements`, body: { id } });
  }

  /** What of a bulletin's checklist I have done: the whole list each time. */
  async tick(view: NoticeView, done: string[]): Promise<void> {
    const id = uuidv7();
    await box.add({ id, kind: 'measures', path: measuresPath(view.notice.id, view.notice.version), body: { id, done } });
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
      // Where the centre's notice has said so already, this answer came second: see `putNotice`. It may ask anew since.
      if (found && !this.said.has(`${found[1]}/${found[2]}`)) this.answered = new Map(this.answered).set(`${found[1]}/${found[2]}`, json.acknowledged_at);
    } else if (item.kind === 'measures' && Array.isArray(item.body.done)) {
      const notice = /^\/notices\/([^/]+)\//.exec(item.path)?.[1];
      if (notice !== undefined) this.ticks = new Map(this.ticks).set(notice, item.body.done as string[]);
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
