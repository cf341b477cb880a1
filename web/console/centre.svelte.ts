// What the page knows of the centre: filled by the API, kept current by the event stream, read by every panel.
//
// Collections are plain maps behind a version counter: a burst of a thousand changes wakes each reader once.
import { api, Problem } from '../shared/api';
import { type Connection, EventStream } from '../shared/events';
import type {
  Alarm, AlarmId, AlarmList, Bulletin, Danger, EventData, EventName, Flood, Me, NoticeView, OwnFlight, PersonView, SavedSearch, Shift, SightingView, SiteFeature, SourceView, Status, DecidedAffiliation, TrackClass, TrackDecided, TrackFeature, TrackPart, Verdict,
} from '../shared/types';
import { uuidv7 } from '../shared/ids';
import { ended, isWarning } from '../shared/notice';
import { alarmKey, attention, dangerKey, inHand, needsMyAcknowledgement, type Row } from './attention';
import { laterSighting } from '../shared/sightings';
import { fromHash, same, type Selection, toHash } from './selection';

/** Events are taken together at most so often, milliseconds: below what an eye notices, above what a flood costs. */
const FLUSH_MS = 80;
/** Most alarms in one act. */
const MOST_ALARMS = 500;
/** Sources have no event: asked for so often, milliseconds. */
const SOURCES_MS = 5_000;

interface Versions {
  tracks: number;
  dangers: number;
  notices: number;
  sightings: number;
  people: number;
  sources: number;
  places: number;
  alarms: number;
}
type Collection = keyof Versions;

export class Centre {
  readonly me: Me;
  connection = $state.raw<Connection>({ is: 'connecting' });
  status = $state.raw<Status | null>(null);
  /** Server time, ms, renewed each half second. */
  now = $state(Date.now());
  /** Seconds since the centre was heard. */
  heardAgo = $state<number | null>(null);
  loaded = $state(false);
  selection = $state.raw<Selection>(fromHash(location.hash));
  /** What is unread of the searches that I keep and want to be told of; quiet, whatever comes. */
  searches = $state.raw<SavedSearch[]>([]);
  /** A short word on what was just done or refused. */
  said = $state.raw<{ text: string; bad: boolean; at: number } | null>(null);
  /** Bumped when the map should go to the selection. */
  flyTo = $state(0);

  #v = $state<Versions>({ tracks: 0, dangers: 0, notices: 0, sightings: 0, people: 0, sources: 0, places: 0, alarms: 0 });
  #tracks = new Map<string, TrackFeature>();
  #dangers = new Map<string, Danger>();
  #notices = new Map<string, NoticeView>();
  #sightings = new Map<string, SightingView>();
  #people = new Map<string, PersonView>();
  #sources = new Map<string, SourceView>();
  #alarms = new Map<string, Alarm>();
  #bulletins = new Map<string, Bulletin>();
  #shift: Shift | null = null;
  /** Numbers questions for alarms and what the stream tells of them, in the order of this page. */
  #count = 0;
  #alarmsAsked = 0;
  #alarmTold = new Map<string, number>();
  #flood: Flood = { since: null, calls_in_10_min: 0 };
  #sites: SiteFeature[] = [];
  #flights: OwnFlight[] = [];
  /** Notices that I acknowledged in some version, so that an update does not ask again. */
  #acknowledgedBefore = new Set<string>();
  #acknowledging = new Set<string>();

  #stream: EventStream;
  #inbox: { name: EventName; data: EventData[EventName] }[] = [];
  #flush: ReturnType<typeof setTimeout> | null = null;
  #rereading: ReturnType<typeof setTimeout> | null = null;
  #loading = false;
  #isLoaded: () => void = () => undefined;
  /** Settles when everything was read for the first time. */
  readonly ready = new Promise<void>((resolve) => (this.#isLoaded = resolve));
  #again = false;
  #searching: ReturnType<typeof setTimeout> | null = null;
  #timers: ReturnType<typeof setInterval>[] = [];
  #seen = new Set<string>();
  #receipts = new Map<string, 'delivered' | 'shown'>();
  #onSignedOut: () => void;

  constructor(me: Me, onSignedOut: () => void) {
    this.me = me;
    this.#onSignedOut = onSignedOut;
    this.#stream = new EventStream({
      on: (name, data) => this.#take(name, data),
      onConnection: (c) => {
        this.connection = c;
        if (c.is === 'refused') this.#onSignedOut();
      },
    });
  }

  start(): void {
    this.#stream.start();
    this.#timers.push(setInterval(() => this.#tick(), 500), setInterval(() => void this.#loadSources(), SOURCES_MS));
    addEventListener('hashchange', this.#onHash);
    document.addEventListener('visibilitychange', this.#looked);
  }
  stop(): void {
    this.#stream.stop();
    this.#timers.forEach(clearInterval);
    if (this.#flush !== null) clearTimeout(this.#flush);
    if (this.#rereading !== null) clearTimeout(this.#rereading);
    if (this.#searching !== null) clearTimeout(this.#searching);
    document.removeEventListener('visibilitychange', this.#looked);
    removeEventListener('hashchange', this.#onHash);
  }
  hurry(): void {
    this.#stream.hurry();
  }

  // ---- reading ----
  get tracks(): ReadonlyMap<string, TrackFeature> { void this.#v.tracks; return this.#tracks; }
  get dangers(): ReadonlyMap<string, Danger> { void this.#v.dangers; return this.#dangers; }
  get notices(): ReadonlyMap<string, NoticeView> { void this.#v.notices; return this.#notices; }
  get sightings(): ReadonlyMap<string, SightingView> { void this.#v.sightings; return this.#sightings; }
  get people(): ReadonlyMap<string, PersonView> { void this.#v.people; return this.#people; }
  get sources(): ReadonlyMap<string, SourceView> { void this.#v.sources; return this.#sources; }
  /** Who has what in hand, by `alarmKey`; only of what is open. */
  get alarms(): ReadonlyMap<string, Alarm> { void this.#v.alarms; return this.#alarms; }
  /** How far bulletins are, for those who write, approve or read them. */
  get bulletins(): ReadonlyMap<string, Bulletin> { void this.#v.notices; return this.#bulletins; }
  /** The last shift change. */
  get shift(): Shift | null { void this.#v.alarms; return this.#shift; }
  /** Whether there is a flood of alarms. */
  get flood(): Flood { void this.#v.alarms; return this.#flood; }
  get sites(): readonly SiteFeature[] { void this.#v.places; return this.#sites; }
  get ownFlights(): readonly OwnFlight[] { void this.#v.places; return this.#flights; }

  /** The one list. */
  readonly rows: Row[] = $derived.by(() =>
    attention({
      notices: this.notices.values(), dangers: this.dangers, tracks: this.tracks, sightings: this.sightings.values(),
      sources: this.sources.values(), people: this.people.values(), me: this.me.person.id, acknowledgedBefore: this.#acknowledgedBefore, nowMs: this.now,
      bulletins: this.bulletins.values(), alarms: this.alarms, watch: this.can('watch'), flood: this.flood.since !== null,
    }));

  nameOf(person: string): string {
    return this.people.get(person)?.name ?? (person === this.me.person.id ? this.me.person.name : person);
  }
  can(...roles: Me['person']['roles']): boolean {
    return this.me.person.roles.some((r) => roles.includes(r));
  }
  // The centre's permission table decides; these keep the page from asking for what it would be refused.
  get seesSky(): boolean { return this.can('watch', 'analyst', 'auditor', 'supervisor', 'integrator'); }
  get seesPeople(): boolean { return this.can('watch', 'auditor', 'supervisor', 'administrator'); }
  /** Writes, approves or reads bulletins; whoever is only on the list of one sees that one. */
  get seesBulletins(): boolean { return this.can('watch', 'analyst', 'supervisor', 'auditor'); }
  /** Looks for things and keeps searches. */
  get seesSearch(): boolean { return this.can('watch', 'analyst', 'supervisor', 'auditor'); }
  get seesAlarms(): boolean { return this.can('watch', 'analyst', 'auditor'); }
  get seesFigures(): boolean { return this.can('watch', 'analyst', 'auditor', 'supervisor'); }
  get seesSources(): boolean { return this.can('watch', 'integrator', 'administrator', 'auditor'); }
  needsMine(v: NoticeView): boolean {
    void this.#v.notices;
    return needsMyAcknowledgement(v, this.me.person.id, this.#acknowledgedBefore);
  }
  /** Whether this collection's reader must draw again: a number that changes with it. */
  version(of: Collection): number {
    return this.#v[of];
  }

  // ---- selecting ----
  select(s: Selection, fly = false): void {
    if (!same(s, this.selection)) {
      this.selection = s;
      history.replaceState(null, '', toHash(s) || location.pathname + location.search);
    }
    if (fly && s !== null) this.flyTo += 1;
  }
  readonly #onHash = (): void => {
    this.selection = fromHash(location.hash);
    this.flyTo += 1;
  };

  say(text: string, bad = false): void {
    this.said = { text, bad, at: Date.now() };
  }
  #refused(what: string, error: unknown): void {
    const why = error instanceof Problem ? (error.status === 0 ? 'the centre does not answer' : error.detail || error.title) : String(error);
    this.say(`${what}: ${why}`, true);
  }

  // ---- doing ----
  /** Acknowledges every notice about a track that waits for me. */
  async acknowledgeTrack(track: string): Promise<void> {
    const mine = [...this.#notices.values()].filter((v) => isWarning(v) && v.notice.track === track && needsMyAcknowledgement(v, this.me.person.id, this.#acknowledgedBefore));
    if (mine.length === 0) {
      this.say('Nothing here waits for you.');
      return;
    }
    const results = await Promise.all(mine.map((v) => this.acknowledge(v)));
    if (results.every(Boolean)) this.say(mine.length === 1 ? 'Acknowledged.' : `${mine.length} warnings acknowledged.`);
  }
  async acknowledge(v: NoticeView): Promise<boolean> {
    const { id, version } = v.notice;
    const key = `${id}/${version}`;
    if (this.#acknowledging.has(key)) return true;
    this.#acknowledging.add(key);
    try {
      // One request id over the repeats: a lost answer must not become a second act.
      const request = uuidv7();
      await withRepeat(() => api.acknowledge(id, version, request));
      this.#acknowledgedBefore.add(id);
      const held = this.#notices.get(id);
      if (held && held.notice.version === version) this.#notices.set(id, { ...held, acknowledged: true });
      this.#bump('notices');
      return true;
    } catch (error) {
      this.#refused('Not acknowledged', error);
      return false;
    } finally {
      this.#acknowledging.delete(key);
    }
  }
  /** The open warnings of a track, as alarms. */
  alarmsOf(track: string): AlarmId[] {
    const open = [...this.notices.values()].filter((v) => isWarning(v) && v.notice.track === track && !ended(v.notice.state));
    const warnings = open.map((v): AlarmId => ({ of: 'notice', id: v.notice.id }));
    if (this.flood.since === null) return warnings;
    // In a flood the reports of it are taken with it.
    const fed = [...this.sightings.values()].filter((s) => s.track === track && s.verdict.is === 'new' && s.retracted_at === null);
    return [...warnings, ...fed.map((s): AlarmId => ({ of: 'sighting', id: s.sighting.id }))];
  }
  /** Takes what is selected in hand; an officer's Space. What another has in hand is taken only with a reason. */
  async take(alarms: AlarmId[], why = ''): Promise<boolean> {
    const level = (a: AlarmId) => (a.of === 'notice' ? (this.#notices.get(a.id)?.notice.level ?? null) : null);
    const me = this.me.person.id;
    const held = (a: AlarmId): boolean => {
      const alarm = this.#alarms.get(alarmKey(a));
      return alarm?.holder?.id === me && inHand(alarm, level(a));
    };
    const owed = (a: AlarmId): boolean => {
      const v = a.of === 'notice' ? this.#notices.get(a.id) : undefined;
      return v !== undefined && needsMyAcknowledgement(v, me, this.#acknowledgedBefore);
    };
    const wanted = alarms.filter((a) => !held(a) || owed(a));
    if (wanted.length === 0) {
      this.say(alarms.length === 0 ? 'Nothing here waits for you.' : 'You have it in hand.');
      return true;
    }
    const others = wanted.map((a) => this.#alarms.get(alarmKey(a))).filter((a) => a?.holder && a.holder.id !== me && inHand(a, level(a.alarm)));
    const free = why === '' ? wanted.filter((a) => !others.some((o) => o !== undefined && alarmKey(o.alarm) === alarmKey(a))) : wanted;
    if (free.length === 0) {
      this.say(`${others[0]!.holder!.name} has it in hand. To take it from them, say why, below.`);
      return false;
    }
    const key = `take/${free.map(alarmKey).sort().join(',')}`;
    if (this.#acknowledging.has(key)) return true;
    this.#acknowledging.add(key);
    try {
      // What the page shows now is what the officer answers for; the list may be longer than one act may be.
      for (let k = 0; k < free.length; k += MOST_ALARMS) {
        const request = uuidv7();
        await this.#alarmsBy(() => withRepeat(() => api.takeAlarms(free.slice(k, k + MOST_ALARMS), why, request)));
      }
      for (const a of free) if (a.of === 'notice') this.#acknowledged(a.id);
      this.#bump('notices');
      this.say(free.length === 1 ? 'You have it in hand.' : `You have ${free.length} alarms in hand.`);
      return true;
    } catch (error) {
      this.#refused('Not taken', error);
      return false;
    } finally {
      this.#acknowledging.delete(key);
    }
  }
  #acknowledged(notice: string): void {
    this.#acknowledgedBefore.add(notice);
    const held = this.#notices.get(notice);
    if (!held?.mine) return;
    const recipients = held.recipients.map((r) => (r.person === this.me.person.id && r.owes ? { ...r, owes: false } : r));
    this.#notices.set(notice, { ...held, recipients, acknowledged: true });
  }
  async handBack(alarms: AlarmId[], why: string): Promise<boolean> {
    const mine = alarms.filter((a) => this.#alarms.get(alarmKey(a))?.holder?.id === this.me.person.id);
    try {
      const request = uuidv7();
      await this.#alarmsBy(() => withRepeat(() => api.handBack(mine.slice(0, 500), why, request)));
      this.say('Handed back to the watch.');
      return true;
    } catch (error) {
      this.#refused('Not handed back', error);
      return false;
    }
  }
  async takeOver(from: string, note: string): Promise<boolean> {
    try {
      const request = uuidv7();
      await this.#alarmsBy(() => withRepeat(() => api.takeOver(from, note, request)));
      this.say(`You have taken over from ${this.nameOf(from)}.`);
      return true;
    } catch (error) {
      this.#refused('Not taken over', error);
      return false;
    }
  }
  /** Puts alarms aside for a time; those that can be: in nobody's hand and not shelved. */
  async shelve(alarms: AlarmId[], for_s: number, why: string): Promise<boolean> {
    try {
      const request = uuidv7();
      await this.#alarmsBy(() => withRepeat(() => api.shelve(alarms.slice(0, MOST_ALARMS), for_s, why, request)));
      this.say(alarms.length === 1 ? 'Shelved: it comes back by itself.' : `${alarms.length} alarms shelved: they come back by themselves.`);
      return true;
    } catch (error) {
      this.#refused('Not shelved', error);
      return false;
    }
  }
  async unshelve(alarms: AlarmId[]): Promise<boolean> {
    try {
      const request = uuidv7();
      await this.#alarmsBy(() => withRepeat(() => api.unshelve(alarms.slice(0, MOST_ALARMS), request)));
      this.say('No longer shelved.');
      return true;
    } catch (error) {
      this.#refused('Still shelved', error);
      return false;
    }
  }
  #putAlarms(list: AlarmList): void {
    this.#alarms = new Map(list.items.map((a) => [alarmKey(a.alarm), a]));
    this.#shift = list.shift;
    this.#flood = list.flood;
    this.#bump('alarms');
  }
  /** Takes a list of alarms as an answer. What the stream told since it was asked for is newer, and stays. */
  async #alarmsBy(ask: () => Promise<AlarmList>): Promise<void> {
    const asked = (this.#count += 1);
    const list = await ask();
    if (asked < this.#alarmsAsked) return; // a list that was asked for later is here; what was done by this one is told by the stream
    this.#alarmsAsked = asked;
    const newer = (key: string): boolean => (this.#alarmTold.get(key) ?? 0) > asked;
    const held = [...this.#alarms].filter(([key]) => newer(key)).map(([, a]) => a);
    this.#putAlarms({
      items: [...list.items.filter((a) => !newer(alarmKey(a.alarm))), ...held],
      shift: newer('shift') ? this.#shift : list.shift,
      flood: newer('flood') ? this.#flood : list.flood,
    });
  }
  /** The stream told of an alarm, the shift or the flood. */
  #toldOf(key: string): void {
    if (this.#alarmTold.size > 5_000) this.#alarmTold = new Map([...this.#alarmTold].slice(-2_500));
    this.#alarmTold.delete(key);
    this.#alarmTold.set(key, (this.#count += 1));
  }
  async triage(sighting: string, verdict: Exclude<Verdict, { is: 'new' }>, why: string): Promise<boolean> {
    try {
      const request = uuidv7();
      this.#putSighting(await withRepeat(() => api.triage(sighting, verdict, why, request)));
      this.say(verdict.is === 'confirmed' ? 'Report confirmed.' : verdict.is === 'dismissed' ? 'Report dismissed.' : 'Report merged.');
      return true;
    } catch (error) {
      this.#refused('Not decided', error);
      return false;
    }
  }
  async retract(sighting: string): Promise<void> {
    try {
      const request = uuidv7();
      this.#putSighting(await withRepeat(() => api.retract(sighting, request)));
      this.say('Report taken back.');
    } catch (error) {
      this.#refused('Not taken back', error);
    }
  }
  // ---- tracks ----
  /** Whether one may say what tracks are. */
  get decidesTracks(): boolean { return this.can('watch', 'supervisor'); }
  /** Another track is the same thing: what is left of the two is selected. */
  async mergeTracks(track: string, other: string, why: string): Promise<boolean> {
    return this.#decide('Not merged', (request) => api.mergeTracks(track, other, why, request), ({ track: left }) => {
      for (const id of [track, other]) if (left && id !== left.id) this.#tracks.delete(id);
      const here = this.selection?.kind === 'track' && [track, other].includes(this.selection.id);
      if (left && here) this.select({ kind: 'track', id: left.id });
      return 'Merged: one track now.';
    });
  }
  /** Gives a source or an identity of a track a track of its own. */
  async splitTrack(track: string, part: TrackPart, why: string): Promise<boolean> {
    return this.#decide('Not split', (request) => api.splitTrack(track, part, why, request), () => 'Split: two tracks now.');
  }
  /** Says what a track is; neither takes that back. */
  async classifyTrack(track: string, what: TrackClass | null, affiliation: DecidedAffiliation | null, why: string): Promise<boolean> {
    const undone = what === null && affiliation === null;
    return this.#decide(undone ? 'Not taken back' : 'Not classified', (request) => api.classifyTrack(track, what, affiliation, why, request),
      () => (undone ? 'Taken back: the tracker decides again.' : 'Classified.'));
  }
  async #decide(failed: string, act: (request: string) => Promise<TrackDecided>, done: (answer: TrackDecided) => string): Promise<boolean> {
    try {
      const request = uuidv7();
      const answer = await withRepeat(() => act(request));
      for (const t of [answer.track, answer.other]) {
        // The answer has no trail; the next second's tracks have.
        if (t) this.#tracks.set(t.id, { ...t, properties: { ...t.properties, trail: t.properties.trail ?? this.#tracks.get(t.id)?.properties.trail ?? [] } });
      }
      this.say(done(answer));
      this.#bump('tracks');
      return true;
    } catch (error) {
      this.#refused(failed, error);
      return false;
    }
  }
  /** A report was on a screen that somebody looks at. */
  async sawSighting(id: string): Promise<void> {
    const v = this.#sightings.get(id);
    if (!v || this.#seen.has(id) || v.sighting.reporter === this.me.person.id) return;
    // Somebody else's look at the same desk counts for the receipt already.
    const forCentre = this.can('watch') && v.seen_by_centre === null;
    const forLeadership = (this.me.leads.includes(v.sighting.reporter) || v.leaders.includes(this.me.person.id)) && v.seen_by_leadership === null;
    if (!forCentre && !forLeadership) return;
    this.#seen.add(id);
    try {
      const request = uuidv7();
      this.#putSighting(await withRepeat(() => api.seen(id, request)));
    } catch (error) {
      if (error instanceof Problem && !error.transient) return; // not ours to see: asking again would not help
      this.#seen.delete(id);
    }
  }
  /** My own warnings: tell the centre that this page has them, and that they are shown. */
  #sendReceipts(): void {
    const visible = document.visibilityState === 'visible';
    for (const v of this.#notices.values()) {
      if (!v.mine || ended(v.notice.state)) continue;
      const key = `${v.notice.id}/${v.notice.version}`;
      const want = visible ? 'shown' : 'delivered';
      const have = this.#receipts.get(key);
      if (have === want || have === 'shown') continue;
      this.#receipts.set(key, want);
      api.receipt(v.notice.id, v.notice.version, visible).catch((error: unknown) => {
        if (error instanceof Problem && !error.transient) return;
        if (have === undefined) this.#receipts.delete(key);
        else this.#receipts.set(key, have);
      });
    }
    if (this.#receipts.size > 5_000) this.#receipts = new Map([...this.#receipts].slice(-2_500));
  }

  // ---- keeping current ----
  #tick(): void {
    this.now = Date.now() + this.#stream.clockOffsetMs;
    this.heardAgo = this.#stream.heardAgo();
    this.#sendReceipts();
    if (this.said && Date.now() - this.said.at > (this.said.bad ? 12_000 : 5_000)) this.said = null;
  }

  #take<N extends EventName>(name: N, data: EventData[N]): void {
    if (name === 'heartbeat') return;
    if (name === 'reset') void this.#rightsNow();
    if (name === 'hello' || name === 'reset') {
      void this.#loadAll();
      return;
    }
    this.#inbox.push({ name, data });
    // What needs a person goes through at once.
    this.#flush ??= setTimeout(() => this.#drain(), name === 'notice' ? 0 : FLUSH_MS);
  }

  /** Starting anew may mean that my roles are others now: then this page is another one. */
  async #rightsNow(): Promise<void> {
    const roles = (me: Me): string => [...me.person.roles].sort().join();
    try {
      if (roles(await api.me()) !== roles(this.me)) location.reload();
    } catch {
      // Signed out, or no answer: the stream says so.
    }
  }

  #drain(): void {
    this.#flush = null;
    if (this.#loading) return; // what was fetched may be older than these: they are applied after it
    const touched = new Set<Collection>();
    for (const { name, data } of this.#inbox.splice(0)) {
      switch (name) {
        case 'tracks':
          for (const f of (data as EventData['tracks']).features) {
            if (f.properties.state === 'deleted') this.#tracks.delete(f.id);
            else this.#tracks.set(f.id, f);
          }
          touched.add('tracks');
          break;
        case 'dangers':
          this.#setDangers((data as EventData['dangers']).items);
          touched.add('dangers');
          break;
        case 'notice':
          this.#putNotice(data as NoticeView);
          touched.add('notices');
          break;
        case 'bulletin':
          this.#bulletins.set((data as Bulletin).notice, data as Bulletin);
          touched.add('notices');
          break;
        case 'sighting':
          this.#putSighting(data as SightingView);
          touched.add('sightings');
          break;
        case 'person':
          this.#people.set((data as PersonView).id, data as PersonView);
          touched.add('people');
          break;
        case 'search':
          this.#searchesChanged();
          break;
        case 'directory':
          this.#directoryChanged();
          break;
        case 'alarm':
          this.#alarms.set(alarmKey((data as Alarm).alarm), data as Alarm);
          this.#toldOf(alarmKey((data as Alarm).alarm));
          touched.add('alarms');
          break;
        case 'shift':
          this.#shift = data as Shift;
          this.#toldOf('shift');
          touched.add('alarms');
          break;
        case 'flood':
          this.#flood = data as Flood;
          this.#toldOf('flood');
          touched.add('alarms');
          break;
        case 'status':
          this.status = data as Status;
          break;
        default:
      }
    }
    this.#bump(...touched);
    if (touched.has('notices')) this.#sendReceipts();
  }
  /** Names, units and who is there at all may be others now: the list is read again, once for a burst of changes. */
  #directoryChanged(): void {
    if (!this.seesPeople || this.#rereading !== null) return;
    this.#rereading = setTimeout(() => {
      this.#rereading = null;
      api.people().then((people) => {
        this.#people = new Map(people.map((p) => [p.id, p]));
        this.#bump('people');
      }, () => undefined); // the next change, or the stream coming back, reads it again
    }, 500);
  }
  /** What is unread is read again: once for a burst of hits, and after a look at the office, where it may have been read. */
  #searchesChanged(): void {
    if (!this.seesSearch || this.#searching !== null) return;
    this.#searching = setTimeout(() => {
      this.#searching = null;
      api.searches().then((all) => (this.searches = all.filter((s) => s.notify && s.unread > 0)), () => undefined); // the next hit, or the stream coming back, reads it again
    }, 1_000);
  }
  readonly #looked = (): void => {
    if (document.visibilityState === 'visible' && this.searches.length > 0) this.#searchesChanged();
  };
  /** A report that is older than those that are read at the start, or came by an address. */
  async openSighting(id: string): Promise<boolean> {
    try {
      this.#putSighting(await api.sighting(id));
      return true;
    } catch (error) {
      if (error instanceof Problem && error.transient) this.#refused('Not read', error);
      return false;
    }
  }
  /** A warning is shown with its drone, also one that is over. False when there is none for this reader. */
  async openWarning(id: string): Promise<boolean> {
    try {
      const v = this.#notices.get(id) ?? (await api.notice(id));
      if (!isWarning(v)) return false;
      this.#putNotice(v);
      this.#bump('notices');
      this.select({ kind: 'track', id: v.notice.track }, true);
      return true;
    } catch (error) {
      if (error instanceof Problem && error.transient) this.#refused('Not read', error);
      return false;
    }
  }
  #bump(...which: Collection[]): void {
    for (const c of which) this.#v[c] += 1;
  }
  #setDangers(items: Danger[]): void {
    this.#dangers = new Map(items.map((d) => [dangerKey(d.track, d.protected), d]));
  }
  #putNotice(v: NoticeView): void {
    const held = this.#notices.get(v.notice.id);
    if (held && held.notice.version > v.notice.version) return; // an older version came late
    if (v.acknowledged) this.#acknowledgedBefore.add(v.notice.id);
    if (ended(v.notice.state)) this.#alarmGone({ of: 'notice', id: v.notice.id });
    this.#notices.set(v.notice.id, v);
    // Cleared warnings stay for the detail panel, but not without bound.
    if (this.#notices.size > 2_000) {
      for (const [id, old] of this.#notices) {
        if (this.#notices.size <= 1_500) break;
        if (ended(old.notice.state)) this.#notices.delete(id);
      }
    }
  }
  #putSighting(came: SightingView): void {
    const v = laterSighting(this.#sightings.get(came.sighting.id), came);
    this.#sightings.set(v.sighting.id, v);
    const over = v.verdict.is !== 'new' || v.retracted_at !== null;
    if (over) this.#alarmGone({ of: 'sighting', id: v.sighting.id });
    this.#bump('sightings');
  }
  /** What is over asks for nobody any more, also where a list from before comes late. */
  #alarmGone(alarm: AlarmId): void {
    this.#toldOf(alarmKey(alarm));
    if (this.#alarms.delete(alarmKey(alarm))) this.#bump('alarms');
  }

  async #loadAll(): Promise<void> {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    this.#loading = true;
    try {
      do {
        this.#again = false;
        const optional = async <T>(may: boolean, what: () => Promise<T>, otherwise: T): Promise<T> => {
          if (!may) return otherwise;
          try {
            return await what();
          } catch (error) {
            // A role that may not ask sees an empty list, not an error.
            if (error instanceof Problem && (error.status === 403 || error.status === 404)) return otherwise;
            throw error;
          }
        };
        const [status, tracks, dangers, notices, sightings, people, sites, flights, alarms, bulletins] = await Promise.all([
          api.status(),
          optional(this.seesSky, api.tracks, { type: 'FeatureCollection' as const, features: [] }),
          optional(true, api.dangers, []),
          optional(true, api.notices, []),
          optional(true, api.sightings, []),
          optional(this.seesPeople, api.people, []),
          optional(this.seesSky, api.sites, { type: 'FeatureCollection' as const, features: [] }),
          optional(this.seesSky, api.ownFlights, []),
          optional(this.seesAlarms, api.alarms, { items: [], shift: null, flood: { since: null, calls_in_10_min: 0 } }),
          optional(this.seesBulletins, () => api.bulletins(), []),
        ]);
        this.status = status;
        this.#tracks = new Map(tracks.features.filter((f) => f.properties.state !== 'deleted').map((f) => [f.id, f]));
        this.#setDangers(dangers);
        this.#notices = new Map();
        notices.forEach((v) => this.#putNotice(v));
        this.#sightings = new Map(sightings.map((s) => [s.sighting.id, s]));
        this.#people = new Map(people.map((p) => [p.id, p]));
        this.#sites = sites.features;
        this.#flights = flights;
        this.#putAlarms(alarms);
        this.#bulletins = new Map(bulletins.map((b) => [b.notice, b]));
      } while (this.#again);
      this.loaded = true;
      this.#isLoaded();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.#onSignedOut();
      else setTimeout(() => void this.#loadAll(), 2_000);
    } finally {
      this.#loading = false;
    }
    this.#drain();
    this.#bump('tracks', 'dangers', 'notices', 'sightings', 'people', 'places');
    this.#searchesChanged();
    await this.#loadSources();
  }
  async #loadSources(): Promise<void> {
    if (this.connection.is !== 'open' || !this.seesSources) return;
    try {
      this.#sources = new Map((await api.sources()).map((s) => [s.id, s]));
      this.#bump('sources');
      // No event says that a channel works again.
      if ([...this.#alarms.values()].some((a) => a.alarm.of === 'channel')) await this.#alarmsBy(api.alarms);
    } catch {
      // Not allowed, or not reachable: the connection says the latter.
    }
  }
}

/** Tries again a few times where the centre may answer later; the body, and so its id, stays the same. */
async function withRepeat<T>(action: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof Problem) || !error.transient || attempt >= 4) throw error;
      await new Promise((r) => setTimeout(r, Math.min(4_000, (error.retryAfterS ?? 2 ** (attempt - 2)) * 1_000)));
    }
  }
}
