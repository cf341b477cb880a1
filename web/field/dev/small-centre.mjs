// A small made-up centre for the field page's browser tests: serves dist/ under the pages' security policy, keeps what it
// is sent, and fails, falls silent or forgets its sessions when the test says so; its answers come late where dev/lag.mjs is
// told so. Nothing of it is shipped.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lags } from '../../dev/lag.mjs';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png',
  '.woff2': 'font/woff2', '.webmanifest': 'application/manifest+json',
};
const GREEN = { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] };
let aheadMs = 0;
const now = () => new Date(Date.now() + aheadMs).toISOString();

export class SmallCentre {
  /** What was asked: [method, path, body, when]. */
  log = [];
  sightings = new Map();
  notices = new Map();
  leads = [];
  exercise = null;
  /** The key to subscribe with, and the phones that did. */
  pushKey = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';
  devices = [];
  /** Dangers sent each second. */
  dangers = [];
  /** Refuses event streams with this status. */
  refusing = 0;
  /** Every connection breaks. */
  dead = false;
  /** So many lists of notices are refused with 503. */
  lame = 0;
  /** Lists of notices that are held back, once this is a list: each sends itself when it is called. */
  held = null;
  /** (path, body) => [status, code, detail, headers] for a POST that must fail. */
  failing = () => null;
  #signedIn = true;
  #far = lags();
  #streams = new Set();
  #bodies = new Map();
  #server = createServer((req, res) => void this.#take(req, res));
  #beat = setInterval(() => {
    this.send('heartbeat', { now: now() });
    this.send('dangers', { items: this.dangers.map((d) => ({ ...d, at: now() })) });
  }, 500);

  async listen() {
    await new Promise((r) => this.#server.listen(0, '127.0.0.1', r));
    return `http://127.0.0.1:${this.#server.address().port}`;
  }
  close() {
    aheadMs = 0;
    clearInterval(this.#beat);
    this.#server.closeAllConnections();
    this.#server.close();
  }
  send(event, data) {
    for (const s of this.#streams) s.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
  die() {
    this.dead = true;
    this.#server.closeAllConnections();
  }
  /** This centre's clock runs so far ahead of the machine's: a test need not wait for time to pass. */
  set aheadMs(ms) {
    aheadMs = ms;
  }
  /** Ends every event stream. */
  cut() {
    for (const s of this.#streams) s.destroy();
  }
  revive() {
    this.dead = false;
  }
  endSessions() {
    this.#signedIn = false;
    for (const s of this.#streams) s.destroy();
  }
  posts(end) {
    return this.log.filter(([method, path]) => method === 'POST' && path.endsWith(end)).map(([, path, body, at]) => ({ path, body, at }));
  }

  /** Raises a warning to agent-1; `more` overrides fields of the notice. */
  warn(more = {}, { rows = [], rule = 'in_danger', unrecorded = false } = {}) {
    const notice = {
      kind: 'warning', id: randomUUID(), version: 1, state: 'raised', level: 'urgent', at: now(), track: 't-1', protected: { person: 'agent-1' }, protected_name: 'Agent 1', needs_ack: true,
      reasons: [], because: [], marking: GREEN, exercise: this.exercise, code: '4711', text: 'Drone. 045°, 350 m from you. Take cover now.', text_es: 'Dron. 045°, a 350 m de usted. Cúbrase ya.',
      ...more,
      facts: { distance_m: 350, bearing_deg: 45, earliest_s: 30, cpa_m: 20, p_within_30: 0.8, track_at: { lat_deg: 31.763, lon_deg: -106.487 }, height_unknown: true, by_people_only: false, ...more.facts },
    };
    const own = { person: 'agent-1', name: 'Agent 1', rule, reached: 'delivered', channel: 'web', acknowledged_at: null, owes: true, escalated_to: null, silent: false, trouble: null, may_repeat: false };
    const view = { notice, unrecorded, recipients: [own, ...rows], mine: true, acknowledged: false };
    this.notices.set(notice.id, view);
    this.send('notice', view);
    return notice.id;
  }
  /** Issues a bulletin to agent-1; `more` overrides fields of the notice. */
  issue(more = {}, own = {}) {
    const notice = {
      kind: 'bulletin', id: randomUUID(), version: 1, state: 'issued', level: 'urgent', at: now(), needs_ack: true, marking: GREEN, exercise: this.exercise, code: '04711',
      title: 'Officer Safety Alert', title_es: 'Alerta de seguridad', text: 'Drones may carry explosives. Take cover when you hear one.\nReport each one at once.',
      text_es: 'Los drones pueden llevar explosivos. Cúbrase cuando oiga uno.\nReporte cada uno de inmediato.', audience: [{ to: 'everybody' }], area: null,
      issued_by: 'watch-1', approved_by: 'lead-2', break_glass: null, why: '', expires_at: new Date(Date.now() + aheadMs + 8 * 3_600_000).toISOString(), ...more,
    };
    const row = { person: 'agent-1', name: 'Agent 1', rule: 'everybody', reached: 'delivered', channel: 'web', acknowledged_at: null, owes: notice.needs_ack, escalated_to: null, silent: false, trouble: null, may_repeat: false, reminder: 0, ...own };
    const view = { notice, unrecorded: false, recipients: [row], mine: true, acknowledged: false };
    this.notices.set(notice.id, view);
    this.send('notice', view);
    return notice.id;
  }
  /** The same version once more, as the next reminder. */
  remind(id) {
    const view = this.notices.get(id);
    view.recipients[0].reminder += 1;
    this.send('notice', view);
  }
  /** The last version of a bulletin. */
  end(id, state, text, text_es = text) {
    const view = this.notices.get(id);
    view.notice = { ...view.notice, version: view.notice.version + 1, state, at: now(), needs_ack: false, text, text_es, why: state === 'recalled' ? 'It was a mistake' : '' };
    Object.assign(view.recipients[0], { owes: false });
    this.send('notice', view);
  }
  /** The next version of a warning; `own` overrides fields of what the centre has of agent-1. */
  update(id, more, own = {}) {
    const view = this.notices.get(id);
    view.notice = { ...view.notice, version: view.notice.version + 1, at: now(), ...more };
    view.acknowledged = false;
    Object.assign(view.recipients[0], { acknowledged_at: null, owes: true, ...own });
    this.send('notice', view);
  }
  /** A report of somebody whom agent-1 leads. */
  reportOf(person, name) {
    const view = this.#sighting({ id: randomUUID(), from: { lat_deg: 31.765, lon_deg: -106.5, alt_hae_m: null }, from_accuracy_m: 8, bearing: { azimuth_deg: 45, how: 'compass', sigma_deg: 5 }, range: 'to1000', elevation_deg: 12, kind: 'multirotor', count: null, activity: 'approaching', lights: null, sound: null, payload: null, words: '', first_seen: now(), last_seen: now() }, person, name);
    this.send('sighting', view);
    return view.sighting.id;
  }

  #sighting(body, reporter, reporter_name) {
    const view = {
      sighting: { ...body, reporter, marking: GREEN }, stored_at: now(), verdict: { is: 'new' }, decided_by: null, decided_at: null, why: '', leaders: ['lead-1'],
      seen_by_centre: null, seen_by_leadership: null, retracted_at: null, track: null, reporter_name,
    };
    this.sightings.set(body.id, view);
    return view;
  }
  #me() {
    return {
      person: { id: 'agent-1', name: 'Agent 1', unit: 'north', roles: ['field'], language: 'en' }, unit_name: 'North post', agency: 'sector', agency_name: 'Sector',
      leads: this.leads, exercise: this.exercise, must_set_password: false, now: now(),
    };
  }

  async #take(req, res) {
    const url = new URL(req.url, 'http://centre');
    let text = '';
    for await (const chunk of req) text += chunk;
    if (this.dead) return req.socket.destroy();
    if (!url.pathname.startsWith('/api/v1/')) return this.#file(url.pathname, res);
    await this.#far(res);
    if (this.dead) return req.socket.destroy();
    const path = url.pathname.slice('/api/v1'.length);
    const body = text ? JSON.parse(text) : null;
    this.log.push([req.method, path, body, Date.now()]);
    const json = (value, status = 200) => res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(value));
    const problem = (status, code, detail, headers = {}) =>
      res.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(JSON.stringify({ type: 'about:blank', title: code, status, detail, code, request_id: 'r' }));
    const fail = req.method === 'POST' && this.failing(path, body);
    if (fail) return problem(...fail);
    if (path === '/sessions') {
      this.#signedIn = true;
      return json(this.#me());
    }
    if (!this.#signedIn) return problem(401, 'not_signed_in', 'Sign in first.');
    if (path === '/me') return json(this.#me());
    if (path === '/push') return json({ enabled: true, key: this.pushKey, contact: true, devices: this.devices });
    if (path === '/push/subscriptions') {
      const device = { id: body.id, name: body.device, service: new URL(body.endpoint).host, made_at: now(), accepted_at: null, trouble: null };
      this.devices = [...this.devices.filter((d) => d.id !== body.id), device];
      return json(device, 201);
    }
    if (path === '/push/test') return json({ items: this.devices.map((device) => ({ device, outcome: 'accepted' })) }, 202);
    if (path.startsWith('/push/subscriptions/')) {
      this.devices = this.devices.filter((d) => !path.endsWith(d.id));
      return res.writeHead(204).end();
    }
    if (path === '/positions') return json({ id: body.id }, 201);
    if (path === '/events' && this.refusing) return problem(this.refusing, 'forbidden', 'Your roles do not allow this.');
    if (path === '/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      this.#streams.add(res);
      res.on('close', () => this.#streams.delete(res));
      return res.write(`event: hello\ndata: ${JSON.stringify({ now: now(), exercise: this.exercise })}\n\n`);
    }
    if (path === '/notices') {
      if (this.lame > 0) {
        this.lame -= 1;
        return problem(503, 'closing', 'Come back soon.');
      }
      const open = url.searchParams.has('open');
      const list = { items: structuredClone([...this.notices.values()].filter((v) => !open || !['cleared', 'recalled', 'expired'].includes(v.notice.state)).reverse()), next: null };
      // Written now, and on its way for as long as a test likes.
      if (this.held === null) return json(list);
      this.held.push(() => json(list));
      return undefined;
    }
    if (path === '/sightings' && req.method === 'GET') return json({ items: [...this.sightings.values()], next: null });
    if (path === '/sightings') {
      const { sent_at, ...rest } = body;
      const held = this.#bodies.get(body.id);
      if (held !== undefined && held !== JSON.stringify(rest)) return problem(409, 'id_reused', 'The same id came with another body.');
      if (held === undefined) this.#sighting(rest, 'agent-1', 'Agent 1');
      this.#bodies.set(body.id, JSON.stringify(rest));
      return json({ id: body.id, receipts: { stored_at: now(), seen_by_centre: null, seen_by_leadership: null } }, 201);
    }
    const [, room, id, what, version, act] = path.split('/');
    const view = (room === 'sightings' ? this.sightings : this.notices).get(id);
    if (!view) return problem(404, 'not_found', 'There is no such thing.');
    if (room === 'sightings') {
      if (what === 'retraction') view.retracted_at = now();
      if (what === 'seen') view.seen_by_leadership = ['agent-1', now()];
      return json(view);
    }
    if (what !== 'versions') return json(view);
    if (act === 'receipts') return res.writeHead(204).end();
    if (Number(version) !== view.notice.version) return problem(409, 'superseded', `version ${version} is superseded`);
    if (act === 'measures') {
      view.recipients[0].done = body.done;
      this.send('notice', view);
      return json({ done: body.done, at: now() });
    }
    view.acknowledged = true;
    Object.assign(view.recipients[0], { acknowledged_at: now(), owes: false });
    this.send('notice', view);
    return json({ acknowledged_at: view.recipients[0].acknowledged_at }, 201);
  }

  #file(pathname, res) {
    const file = join(DIST, normalize(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
    if (!file.startsWith(DIST) || !existsSync(file)) return res.writeHead(404).end();
    return res
      .writeHead(200, {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY,
        'cache-control': pathname.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      })
      .end(readFileSync(file));
  }
}
