// Search and kept searches of the made-up centre: as the API answers them, over a few things of its own. It finds by plain
// words, without endings and places' exact shapes. A development tool: nothing of it is shipped.

const ROLES = ['watch', 'analyst', 'supervisor', 'auditor'];
const MOST = 20;
const fold = (t) => t.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

export class SearchDesk {
  /** What can be found, the oldest first. */
  things = [];
  /** Kept searches by person. */
  kept = new Map();
  /** The next answer of GET /search is this problem: [status, code, detail]. */
  next = null;
  #told = 1_000;

  constructor({ uuid, iso, push }) {
    Object.assign(this, { uuid, iso, push });
  }
  /** Something to find, with what is said of it. `sees` says who may find it, `by` who wrote it. */
  add(more, tell = true) {
    this.#told += 1;
    const at = this.iso(Date.now() - 60_000);
    const thing = {
      kind: 'sighting', id: this.uuid(2_000 + this.#told), title: '', text: '', state: 'new', draft: false, version: 1, number: null, marking: { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] },
      grade: null, level: null, area: null, at: null, from: at, until: at, person: null, person_name: null, by: null, sees: () => true, ...more, told: this.#told,
    };
    this.things = [...this.things.filter((t) => t.id !== thing.id), thing];
    if (tell) this.#tell(thing);
    return thing;
  }
  /** Enough for every kind of hit, and more than a page of sightings. */
  scene() {
    const amber = { tlp: 'TLP:AMBER', owner: 'sector', releasable_to: ['county'], named: [] };
    for (let k = 0; k < 60; k += 1) this.add({ text: `patrol ${k} heard a rotor`, person: 'agent-1', person_name: 'Agent 1', at: { lat_deg: 31.76, lon_deg: -106.49 } }, false);
    this.add({ id: this.uuid(700), text: '🛸🛸 carrying a grey canister under it', person: 'agent-3', person_name: 'Agent 3', at: { lat_deg: 31.7625, lon_deg: -106.4852 } }, false);
    this.add({ kind: 'warning', id: this.uuid(500), title: 'Agent 4', text: 'Drone with a canister 300 m east. Take cover now.', state: 'cleared', level: 'urgent', person: 'agent-4', person_name: 'Agent 4', at: { lat_deg: 31.76, lon_deg: -106.48 } }, false);
    this.add({ kind: 'bulletin', id: this.uuid(600), title: 'Officer Safety Alert: a canister may explode', text: 'Take cover when you hear one.', state: 'issued', number: 'EX-OSA-2026-0001', level: 'urgent', until: this.iso(Date.now() + 8 * 3_600_000), area: { shape: 'circle', centre: { lat_deg: 31.76, lon_deg: -106.49 }, radius_m: 5_000 } }, false);
    this.add({ kind: 'bulletin', id: this.uuid(601), title: 'Road to Post 2 closed', text: 'A canister was found beside it.', state: 'proposed', draft: true, level: 'advisory' }, false);
    this.add({ kind: 'report', title: 'Canisters under drones', text: 'Patrol North 3 saw two drones, each with a canister.', state: 'vetted', grade: { reliability: 'B', credibility: 2 }, marking: amber, sees: (me) => me.roles.includes('watch') }, false);
    return this;
  }

  #fits(s, t) {
    const words = fold(`${t.title} ${t.text}`);
    const parts = [...(s.q ?? '').matchAll(/(-?)(?:"([^"]*)"|([^\s"]+))/g)].map(([, not, phrase, word]) => [not === '-', fold(phrase ?? word)]);
    const m = (a, b) => Math.hypot((a.lat_deg - b.lat_deg) * 110_890, (a.lon_deg - b.lon_deg) * 94_600);
    const middle = t.at ?? t.area?.centre ?? null;
    return parts.every(([not, w]) => words.includes(w) !== not) && (s.kinds.length === 0 || s.kinds.includes(t.kind)) && (!s.near || (middle !== null && m(middle, s.near.at) <= s.near.within_m + (t.area?.radius_m ?? 0)))
      && (!s.from || t.until >= s.from) && (!s.until || t.from <= s.until) && (!s.reliability || (t.grade && t.grade.reliability <= s.reliability)) && (!s.credibility || (t.grade && t.grade.credibility <= s.credibility));
  }
  #spans(text, s) {
    const out = [];
    const chars = [...text];
    for (const [, not, phrase, word] of (s.q ?? '').matchAll(/(-?)(?:"([^"]*)"|([^\s"]+))/g)) {
      const w = [...fold(phrase ?? word)];
      if (not === '') for (let k = 0; k + w.length <= chars.length; k += 1) if (fold(chars.slice(k, k + w.length).join('')) === w.join('')) out.push({ from: k, to: k + w.length });
    }
    return out.sort((a, b) => a.from - b.from);
  }
  #hit(t, s) {
    const { text, by, sees, ...row } = t;
    return { ...row, title_hits: this.#spans(t.title, s), snippet: text, snippet_hits: this.#spans(text, s) };
  }
  #found(s, me, { since = 0, others = false } = {}) {
    return this.things.filter((t) => t.told >= since && t.sees(me) && !(others && t.by === me.id) && this.#fits(s, t)).reverse();
  }
  #page(all, s, q) {
    const from = Number(q.get('cursor') ?? 0);
    const limit = Number(q.get('limit') ?? 50);
    return { items: all.slice(from, from + limit).map((t) => this.#hit(t, s)), next: from + limit < all.length ? String(from + limit) : null };
  }
  #view(k, me) {
    const n = this.#found(k.search, me, { since: k.read, others: true }).length;
    return { id: k.id, name: k.name, search: k.search, notify: k.notify, read: k.read, unread: Math.min(100, n), more: n >= 100 };
  }
  #tell(t) {
    const fits = (me) => [...(this.kept.get(me.id)?.values() ?? [])].filter((k) => k.notify && t.sees(me) && t.by !== me.id && this.#fits(k.search, t));
    // One event names one search; here nobody keeps two that fit the same.
    this.push('search', (me) => ({ search: fits(me)[0].id, kind: t.kind, id: t.id, told: t.told }), false, (me) => fits(me).length > 0);
  }

  /** Answers what is its own; false leaves it to the rest. */
  take(req, url, parts, body, who, { json, problem, answer }) {
    if (parts[0] !== 'search' && parts[0] !== 'searches') return false;
    if (!who.roles.some((r) => ROLES.includes(r))) return problem(403, 'forbidden', 'Your roles do not allow this.');
    const q = url.searchParams;
    const mine = this.kept.get(who.id) ?? new Map();
    this.kept.set(who.id, mine);
    if (parts[0] === 'search') {
      const wrong = this.next;
      this.next = null;
      if (wrong) return problem(...wrong);
      const [lat, lon] = (q.get('near') ?? '').split(',').map(Number);
      const s = {
        q: q.get('q') ?? '', kinds: (q.get('kind') ?? '').split(',').filter(Boolean), near: q.has('near') ? { at: { lat_deg: lat, lon_deg: lon }, within_m: Number(q.get('within_m')) } : null,
        from: q.get('from'), until: q.get('until'), reliability: q.get('reliability'), credibility: q.has('credibility') ? Number(q.get('credibility')) : null,
      };
      return json(this.#page(this.#found(s, who), s, q));
    }
    if (parts.length === 1 && req.method === 'GET') return json({ items: [...mine.values()].map((k) => this.#view(k, who)) });
    if (parts.length === 1) {
      if (!body.of && mine.size >= MOST) return problem(409, 'too_many', `you have ${MOST} saved searches: drop one first`);
      const before = body.of ? mine.get(body.of) : null;
      if (body.of && !before) return problem(404, 'not_found', 'There is no such saved search.');
      const id = body.of ?? body.id;
      const k = { id, name: body.name.trim(), search: body.search, notify: body.notify, read: before?.read ?? this.#told + 1 };
      mine.set(id, k);
      return answer(this.#view(k, who), 201);
    }
    const k = mine.get(parts[1]);
    if (!k) return problem(404, 'not_found', 'There is no such saved search.');
    if (req.method === 'DELETE') {
      mine.delete(k.id);
      return answer(null);
    }
    if (parts[2] === 'read') {
      k.read = Math.max(k.read, Math.min(body.head, this.#told + 1));
      return json(this.#view(k, who));
    }
    return json({ ...this.#page(this.#found(k.search, who, { since: Number(q.get('since') ?? 0), others: true }), k.search, q), head: this.#told + 1 });
  }
}
