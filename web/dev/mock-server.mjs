// A made-up centre for working on the pages without the real one: serves dist/ under the pages' security policy and
// answers the HTTP API from a scripted border scene. A development tool: nothing of it is shipped.
//
//   node dev/mock-server.mjs [--port 8090] [--scene busy|calm|empty] [--live] [--unrecorded] [--seconds N]
//
// Sign in with the link token `as-PERSON` (as-watch-1, as-agent-3, as-lead-1 …) or any name of a person and `password12`.
// POST /mock/cut closes every event stream and refuses new ones, POST /mock/mend ends that, POST /mock/unrecorded and
// /mock/recorded switch the record's state.
//
// SKYPICKET_MOCK_LAG=MS makes its answers come late and out of order, SKYPICKET_MOCK_SEED=N otherwise: see lag.mjs.
import { createServer } from 'node:http';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomUUID } from 'node:crypto';
import { BulletinDesk } from './mock-bulletins.mjs';
import { lags } from './lag.mjs';
import { IntelligenceDesk } from './mock-intelligence.mjs';
import { SearchDesk } from './mock-search.mjs';
import { deflateSync } from 'node:zlib';

export const CSP = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'", "img-src 'self' data: blob:", "connect-src 'self'",
  "worker-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
].join('; ');

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2', '.json': 'application/json', '.webmanifest': 'application/manifest+json', '.png': 'image/png', '.bin': 'application/octet-stream',
};

const ORIGIN = { lat: 31.76, lon: -106.49 };
const M_LAT = 110_890;
const M_LON = 111_320 * Math.cos((ORIGIN.lat * Math.PI) / 180);
const at = (e, n) => [ORIGIN.lon + e / M_LON, ORIGIN.lat + n / M_LAT];
const place = (e, n) => { const [lon_deg, lat_deg] = at(e, n); return { lat_deg, lon_deg, alt_hae_m: null }; };
const uuid = (n) => `018f3c00-0000-8000-8000-${String(n).padStart(12, '0')}`;
const GREEN = { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] };

const UNITS = { north: 'North patrol', south: 'South patrol', centre: 'Centre' };
const PEOPLE = [
  ['watch-1', 'Watch officer', 'centre', ['watch', 'administrator'], null],
  ['lead-1', 'Lead North', 'north', ['field', 'supervisor'], [-300, 1500]],
  ['agent-1', 'Agent 1', 'north', ['field'], [-2100, 1250]],
  ['agent-2', 'Agent 2', 'north', ['field'], [-1250, 1000]],
  ['agent-3', 'Agent 3', 'south', ['field'], [500, 250]],
  ['agent-4', 'Agent 4', 'south', ['field'], [760, 130]],
  ['agent-5', 'Agent 5', 'south', ['field'], [1500, -650]],
  ['lead-2', 'Lead South', 'south', ['field', 'supervisor'], [1900, 600]],
];
/** Who works in the office and is on no map. */
const OFFICE = [
  ['analyst-1', 'Analyst One', 'centre', ['analyst'], null],
  ['analyst-2', 'Analyst Two', 'centre', ['analyst'], null],
  ['auditor-1', 'Auditor', 'centre', ['auditor'], null],
];
const SITES = [['post-2', 'Post 2', 200, 1150, 420, 'south']];

/** A PMTiles file (version 3) of one grey raster tile: what an own basemap looks like on the wire. */
export function tinyTiles() {
  const crcTable = Array.from({ length: 256 }, (_, n) => { let c = n; for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; return c >>> 0; });
  const crc = (b) => { let c = 0xffffffff; for (const x of b) c = crcTable[(c ^ x) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0; };
  const chunk = (type, data) => { const b = Buffer.alloc(12 + data.length); b.writeUInt32BE(data.length, 0); b.write(type, 4); data.copy(b, 8); b.writeUInt32BE(crc(b.subarray(4, 8 + data.length)), 8 + data.length); return b; };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(256, 0);
  head.writeUInt32BE(256, 4);
  head[8] = 8; // eight bits of grey
  const png = Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.alloc(257 * 256, 120))), chunk('IEND', Buffer.alloc(0))]);
  const varint = (n) => { const out = []; let v = n; while (v > 127) { out.push((v % 128) | 128); v = Math.floor(v / 128); } out.push(v); return out; };
  const root = Buffer.from([...varint(1), ...varint(0), ...varint(1), ...varint(png.length), ...varint(1)]);
  const meta = Buffer.from('{}');
  const h = Buffer.alloc(127);
  h.write('PMTiles', 0);
  h[7] = 3;
  const put = (at, v) => h.writeBigUInt64LE(BigInt(v), at);
  put(8, 127); put(16, root.length); put(24, 127 + root.length); put(32, meta.length); put(40, 127 + root.length + meta.length); put(48, 0);
  put(56, 127 + root.length + meta.length); put(64, png.length); put(72, 1); put(80, 1); put(88, 1);
  h[96] = 1; h[97] = 1; h[98] = 1; h[99] = 2; h[100] = 0; h[101] = 0;
  [[-180, -85], [180, 85]].forEach(([lon, lat], i) => { h.writeInt32LE(lon * 1e7, 102 + i * 8); h.writeInt32LE(lat * 1e7, 106 + i * 8); });
  return Buffer.concat([h, root, meta, png]);
}

export function mock(options = {}) {
  const { scene = 'busy', live = false, seconds = 95 } = options;
  const exercise = live ? null : 'first-light';
  const started = Date.now() - seconds * 1000;
  const iso = (ms = Date.now()) => new Date(ms).toISOString();
  const elapsed = () => (Date.now() - started) / 1000;
  let unrecorded = options.unrecorded ?? false;
  let cut = false;
  const streams = new Set();
  const sessions = new Map();
  const repeats = new Map();
  const acknowledged = new Map(); // `${notice}|${person}` -> iso
  const shown = new Set();
  const seen = new Map(); // sighting -> {centre, leadership}
  const verdicts = new Map();
  const retracted = new Map();
  const filed = [];
  const log = [];
  let entries = 18_234;

  const person = (id) => {
    const p = [...PEOPLE, ...OFFICE].find((x) => x[0] === id);
    if (!p) return null;
    const [pid, name, unit, roles, pos] = p;
    const old = pid === 'agent-5';
    const unreachable = pid === 'agent-5' && scene !== 'empty';
    return {
      id: pid, name, unit, unit_name: UNITS[unit], agency: 'sector', roles,
      position: pos ? { at: place(pos[0] + (pid === 'agent-1' ? elapsed() * 0.4 : 0), pos[1]), accuracy_m: pid === 'agent-5' ? 60 : 8, observed_at: iso(Date.now() - (old ? 260_000 : 4_000)) } : null,
      channels_up: unreachable ? [] : pid === 'agent-2' ? ['tak'] : ['web'], unreachable, why: unreachable ? 'page closed or connection lost' : null, since: unreachable ? iso(Date.now() - 180_000) : null, disabled: false,
    };
  };

  // ---- tracks ----
  const cov = (e, n, en = 0, u = 0) => [[e, en, 0], [en, n, 0], [0, 0, u]];
  function path(k, t) {
    switch (k) {
      case 1: return { e: 1900 - 11 * (t - 60), n: -420 + 6.2 * (t - 60), v: [-11, 6.2, 0] };
      case 2: return { e: -2900 + 9 * (t - 60), n: 2050 - 5 * (t - 60), v: [9, -5, 0.6] };
      case 3: { const w = t / 18; return { e: -700 + 260 * Math.cos(w), n: 1750 + 260 * Math.sin(w), v: [(-260 / 18) * Math.sin(w), (260 / 18) * Math.cos(w), 0] }; }
      case 4: return { e: 2650 + 1.1 * t, n: 1450 - 0.5 * t, v: [1.1, -0.5, 0] };
      default: return { e: -1500 - 3 * t, n: -1200 - 2 * t, v: [-3, -2, 0] };
    }
  }
  const SPEC = {
    1: { class: 'rotor', class_p: 0.93, ids: [['serial', '1581F5FKD232600B4D1A', 0.97]], sources: ['rid-1', 'radar-1', 'person.agent-3'], cov: cov(60, 140, 40, 90), vcov: cov(0.6, 1.4), existence: 0.998, h: 1190 },
    2: { class: 'fixed_wing', class_p: 0.7, ids: [], sources: ['radar-1'], cov: cov(900, 300, -250, 1600), vcov: cov(2, 1), existence: 0.97, h: 1260 },
    3: { class: 'rotor', class_p: 0.99, ids: [['serial', '1748FEV3HMM825451179', 0.99]], sources: ['rid-1', 'radar-1'], cov: cov(30, 30, 0, 60), vcov: cov(0.3, 0.3), existence: 0.999, h: 1225, affiliation: 'own' },
    4: { class: null, class_p: 0, ids: [], sources: ['person.agent-1'], cov: cov(42_000, 9_000, 12_000), vcov: cov(30, 30), existence: 0.45, state: 'tentative', people: true },
    5: { class: 'rotor', class_p: 0.8, ids: [['serial', '1581F45T7227900BQRS7', 0.6]], sources: ['rid-1'], cov: cov(220, 220), vcov: cov(1, 1), existence: 0.9, suspect: true },
  };
  // What the watch decided: which track ended in which, which came of which, and what each is called.
  const mergedInto = new Map();
  const splitFrom = new Map();
  const called = new Map();
  const stories = new Map();
  const began = (k) => {
    const radar = SPEC[k].sources.includes('radar-1');
    const start = SPEC[k].people ? { by: 'person', sources: SPEC[k].sources } : radar ? { by: 'radar', sources: ['radar-1'] } : { by: 'cooperative', sources: ['rid-1'] };
    return [
      { at: iso(started), what: { is: 'started', ...start } },
      ...(SPEC[k].people ? [] : [{ at: iso(started + 2_000), what: { is: 'confirmed', by_desk: false } }]),
      ...SPEC[k].ids.map(([kind, value]) => ({ at: iso(started + 3_000), what: { is: 'named', kind, value, before: null } })),
    ];
  };
  const story = (k) => { if (!stories.has(k)) stories.set(k, began(k)); return stories.get(k); };
  const alive = () => (scene === 'empty' ? [] : scene === 'calm' ? [3] : [1, 2, 3, 4, 5, ...splitFrom.keys()].filter((k) => !mergedInto.has(k)));
  function track(k) {
    const t = elapsed();
    const s = SPEC[k];
    const { e, n, v } = path(splitFrom.get(k) ?? k, t);
    const call = called.get(k);
    const [lon, lat] = at(e, n);
    const trail = Array.from({ length: 61 }, (_, i) => { const p = path(k, t - 60 + i); return at(p.e, p.n); });
    return {
      type: 'Feature', id: uuid(k), geometry: { type: 'Point', coordinates: s.h ? [lon, lat, s.h] : [lon, lat] },
      properties: {
        id: uuid(k), state: s.state ?? 'confirmed', at: iso(), measured_at: iso(Date.now() - 700), since: iso(started), vel_enu_mps: v, cov_enu_m2: s.cov,
        vel_cov_enu: s.vcov, cross_cov_enu: cov(0, 0), existence: s.existence, ids: s.ids.map(([kind, value, p]) => ({ kind, value, p })),
        class: call?.class ? (['drone', 'unknown'].includes(call.class) ? null : call.class) : s.class, class_p: call?.class ? 1 : s.class_p,
        affiliation: call?.affiliation ?? s.affiliation ?? 'unknown', suspect: s.suspect ?? false, lineage: story(k),
        ...(call ? { decided: { ...call, believed: { class: s.class, class_p: s.class_p, affiliation: s.affiliation ?? 'unknown' } } } : {}),
        evidence: s.suspect ? [{ kind: 'duplicate_identity', weight: 2.1 }, { kind: 'implied_speed', weight: 1.4 }] : [], sources: s.sources,
        because: [uuid(900 + k), uuid(910 + k)], height_takeoff_m: k === 5 ? 48 : null, by_people_only: s.people ?? false, height_known: s.h !== undefined, trail: s.people ? [] : trail,
      },
    };
  }

  // ---- warnings ----
  const PAIRS = [
    [1, { person: 'agent-4' }, 'urgent'], [1, { person: 'agent-3' }, 'urgent'], [1, { site: 'post-2' }, 'urgent'], [1, { person: 'agent-5' }, 'caution'],
    [2, { person: 'agent-1' }, 'caution'], [2, { person: 'agent-2' }, 'advisory'],
  ];
  const positionOf = (p) => {
    if ('site' in p) return [SITES[0][3], SITES[0][4]];
    const id = p.person;
    const pos = PEOPLE.find((x) => x[0] === id)[4];
    return [pos[0] + (id === 'agent-1' ? elapsed() * 0.4 : 0), pos[1]];
  };
  function facts(k, p) {
    const { e, n, v } = path(k, elapsed());
    const [pe, pn] = positionOf(p);
    const [de, dn] = [e - pe, n - pn];
    const distance_m = Math.hypot(de, dn);
    const t = Math.max(0, -(de * v[0] + dn * v[1]) / (v[0] ** 2 + v[1] ** 2));
    return {
      distance_m, bearing_deg: ((Math.atan2(de, dn) * 180) / Math.PI + 360) % 360, cpa_m: Math.hypot(de + v[0] * t, dn + v[1] * t), cpa_in_s: t,
      earliest_s: Math.max(0, (distance_m - ('site' in p ? 200 : 150)) / 25), p30: distance_m < 900 ? 0.7 : 0.1,
    };
  }
  const danger = ([k, p, level]) => {
    const f = facts(k, p);
    return {
      track: uuid(k), protected: p, at: iso(), distance_m: f.distance_m, bearing_deg: f.bearing_deg, cpa_m: f.cpa_m, cpa_in_s: f.cpa_in_s, earliest_s: f.earliest_s,
      p_within: { 30: f.p30, 60: Math.min(1, f.p30 + 0.15), 120: 0.9, 300: 0.95 }, level,
      reasons: [level === 'urgent' ? 'within_30_s' : level === 'caution' ? 'within_120_s' : 'within_300_s', ...(k === 2 ? [] : ['height_unknown'])],
    };
  };
  const pairs = () => (scene === 'busy' ? PAIRS : []);
  const noticeId = (i) => uuid(500 + i);
  const raised = started + 70_000;
  function noticeView(i, me) {
    const [k, p, level] = pairs()[i];
    const f = facts(k, p);
    const id = noticeId(i);
    const name = 'site' in p ? SITES[0][1] : person(p.person).name;
    const people = 'site' in p ? [['agent-3', 'site_unit'], ['agent-4', 'site_unit']] : [[p.person, 'in_danger']];
    const rows = [...people, ['watch-1', 'centre']];
    const silent = p.person === 'agent-5' && scene === 'busy';
    if (silent) rows.push(['lead-2', 'escalation']);
    const auto = { 'agent-3': 74_500, 'agent-1': 79_000 };
    const recipients = rows.map(([who, rule]) => {
      const ack = acknowledged.get(`${id}|${who}`) ?? (auto[who] && rule !== 'centre' ? iso(started + auto[who]) : null);
      const lost = who === 'agent-5';
      return {
        person: who, name: person(who).name, rule, reached: lost ? 'queued' : ack || shown.has(`${id}|${who}`) ? 'shown' : who === 'agent-2' ? 'sent' : 'delivered',
        channel: lost ? null : who === 'agent-2' ? 'tak' : 'web', acknowledged_at: ack, escalated_to: silent && lost ? 'lead-2' : null, silent: false,
        trouble: lost ? 'no_channel_up' : null, may_repeat: who === 'agent-2', owes: ack === null && (rule !== 'centre' || level === 'urgent'), escalation_answered: false, carries: [], attempts: lost ? 0 : 1,
      };
    });
    return {
      notice: {
        kind: 'warning', id, version: 1, state: 'raised', level, at: iso(raised), track: uuid(k), protected: p, protected_name: name, needs_ack: true,
        facts: { distance_m: f.distance_m, bearing_deg: f.bearing_deg, earliest_s: f.earliest_s, cpa_m: f.cpa_m, p_within_30: f.p30, track_at: place(0, 0), height_unknown: true, by_people_only: false },
        reasons: danger(pairs()[i]).reasons, because: [uuid(901), uuid(911)], marking: GREEN, exercise, code: String(4000 + i * 137),
        text: `${exercise ? 'EXERCISE. ' : ''}Drone ${Math.round(f.distance_m / 10) * 10} m ${f.bearing_deg < 180 ? 'east' : 'west'} of ${name}. Take cover now and stay under it.`,
        text_es: `${exercise ? 'EJERCICIO. ' : ''}Dron a ${Math.round(f.distance_m / 10) * 10} m de ${name}. Cúbrase ya y no salga.`,
      },
      unrecorded, recipients: me.roles.includes('watch') ? recipients : recipients.filter((r) => r.person === me.id),
      mine: recipients.some((r) => r.person === me.id), acknowledged: acknowledged.has(`${id}|${me.id}`),
    };
  }
  const concerns = (i, me) => me.roles.includes('watch') || noticeView(i, me).mine;

  // ---- sightings ----
  const scripted = () => (scene !== 'busy' ? [] : [
    { id: uuid(700), reporter: 'agent-3', from: place(500, 250), from_accuracy_m: 8, bearing: { azimuth_deg: 112, how: 'compass', sigma_deg: 6 }, range: 'to1000', elevation_deg: 14, kind: 'multirotor', count: 1, activity: 'approaching', lights: false, sound: true, payload: true, words: 'Something hanging under it', ago: 38, track: 1 },
    { id: uuid(701), reporter: 'agent-1', from: place(-2100, 1250), from_accuracy_m: 12, bearing: { azimuth_deg: 310, how: 'octant', sigma_deg: null }, range: 'farther', elevation_deg: null, kind: 'unsure', count: null, activity: 'passing', lights: true, sound: null, payload: null, words: '', ago: 75, track: null },
    // A flood: what more people say of the same drone.
    ...(options.flood ? ['agent-1', 'agent-2', 'agent-3', 'agent-4', 'agent-5', 'lead-1', 'lead-2'].map((reporter, k) => ({ id: uuid(710 + k), reporter, from: place(300 + 40 * k, 250), from_accuracy_m: 8, bearing: null, range: 'to1000', elevation_deg: null, kind: 'multirotor', count: 1, activity: 'approaching', lights: null, sound: true, payload: null, words: '', ago: 30 - k, track: 1 })) : []),
  ]).map((s) => ({ ...s, stored: Date.now() - (s.ago * 1000) }));
  const SCRIPT = scripted();
  const sightings = () => [...SCRIPT, ...filed];
  function sightingView(s) {
    const v = verdicts.get(s.id);
    const look = seen.get(s.id) ?? {};
    const { ago, track: k, stored, ...body } = s;
    const t = iso(stored - 3000);
    return {
      sighting: { lights: null, sound: null, payload: null, elevation_deg: null, count: null, ...body, first_seen: body.first_seen ?? t, last_seen: body.last_seen ?? t, marking: GREEN }, stored_at: iso(stored), verdict: v?.verdict ?? { is: 'new' },
      decided_by: v?.by ?? null, decided_at: v?.at ?? null, why: v?.why ?? '', leaders: ['lead-2'], seen_by_centre: look.centre ?? null, seen_by_leadership: look.leadership ?? null,
      retracted_at: retracted.get(s.id) ?? null, track: k ? uuid(k) : null, reporter_name: person(s.reporter)?.name ?? s.reporter,
    };
  }

  const off = (azimuth) => ({ range_m: null, azimuth_deg: { off: azimuth, sigma: 0.1, sure: true }, elevation_deg: { off: 0.02, sigma: 0.1, sure: false }, clock_s: null, rests_on: 212, applied: azimuth < 5 });
  const sources = () => (scene === 'empty' ? [] : [
    { id: 'radar-1', kind: 'radar', last_heard: iso(Date.now() - 400), received: 4_312, decoded: 4_310, refused: { out_of_range: 2 }, shed: 0, expected_interval_s: 1, silent: false, registration: off(1.25) },
    { id: 'rid-1', kind: 'remote_id', last_heard: iso(Date.now() - 900), received: 20_833, decoded: 20_790, refused: { bad_crc: 31, too_short: 12 }, shed: 0, expected_interval_s: 3, silent: false, lag_s: 0.4, trouble: null, registration: null, flood: null },
    ...(scene === 'busy' ? [{ id: 'rid-2', kind: 'remote_id', last_heard: iso(started + 40_000), received: 118, decoded: 118, refused: {}, shed: 0, expected_interval_s: 3, silent: true, lag_s: null, trouble: 'connection refused', registration: null, flood: null }] : []),
  ]);
  const status = () => ({
    exercise, software: '0.1.0', now: iso(), started_at: iso(started), record: { state: unrecorded ? 'full' : 'ok', unrecorded, entries, checkpoint_at: iso(Date.now() - 8000) },
    on_watch: scene === 'empty' ? [] : [{ id: 'watch-1', name: 'Watch officer' }], on_duty: scene === 'empty' ? [] : [{ roster: 'desk', post: 'Watch desk', id: 'watch-1', name: 'Watch officer', until: iso(Date.now() + 7_200_000), here: true }], place: { lat_deg: ORIGIN.lat + 0.005, lon_deg: ORIGIN.lon, zoom: 12.6, name: 'El Paso sector' }, basemap: Boolean(options.tiles),
  });
  const flights = () => (scene === 'empty' ? [] : [{ id: uuid(800), unit: 'north', serial: '1748FEV3HMM825451179', centre: place(-700, 1750), radius_m: 450, from: iso(started), until: iso(started + 3_600_000) }]);

  const meOf = (id) => {
    const p = person(id);
    return {
      person: { id: p.id, name: p.name, unit: p.unit, roles: p.roles, language: 'en' }, unit_name: p.unit_name, agency: 'sector', agency_name: 'Sector',
      leads: p.roles.includes('supervisor') ? PEOPLE.filter((x) => x[2] === p.unit && x[0] !== p.id).map((x) => x[0]) : [], exercise, must_set_password: sessions.get(id) === 'link', must_set_factor: false, now: iso(),
    };
  };

  // ---- serving ----
  const problem = (res, status_, code, detail) => {
    res.writeHead(status_, { 'Content-Type': 'application/problem+json' });
    res.end(JSON.stringify({ type: 'about:blank', title: code, status: status_, detail, code, request_id: randomUUID() }));
  };
  const json = (res, body, code = 200) => {
    res.writeHead(code, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    res.end(JSON.stringify(body));
  };
  const empty = (res) => res.writeHead(204).end();
  const bodyOf = (req) => new Promise((resolve) => { let s = ''; req.on('data', (d) => (s += d)); req.on('end', () => { try { resolve(JSON.parse(s || '{}')); } catch { resolve(null); } }); });
  const sees = (me, s) => me.roles.includes('watch') || s.reporter === me.id || meOf(me.id).leads.includes(s.reporter);
  const mayPeople = (me) => PEOPLE.map((p) => person(p[0])).filter((p) => me.roles.includes('watch') || meOf(me.id).leads.includes(p.id));

  /** Who has which alarm in hand, and the last shift change. */
  const hands = new Map();
  let shift = null;
  const levelOf = (notice) => pairs().map((_, i) => noticeView(i, person('watch-1')).notice).find((n) => n.id === notice)?.level ?? null;
  const shelf = new Map();
  /** Whether the urgent ones sound, or only the cautions. */
  let loud = options.loud ?? true;
  const flood = () => ({ since: options.flood ? iso(started) : null, calls_in_10_min: options.flood ? 12 : 3 });
  /** In the mock the urgent ones interrupt; the others are grouped in a flood, and else wait. */
  const calls = (a, held) => {
    const s = shelf.get(`${a.of}/${a.id}`);
    const track = a.of === 'notice' ? pairs().map((_, i) => noticeView(i, person('watch-1')).notice).find((n) => n.id === a.id)?.track : (sightings().find((x) => x.id === a.id)?.track ? uuid(sightings().find((x) => x.id === a.id).track) : undefined);
    const level = (a.of === 'notice' ? levelOf(a.id) : null) ?? 'advisory';
    const how = level === (loud ? 'urgent' : 'caution') ? 'interrupts' : options.flood ? 'grouped' : 'waits';
    return {
      action: a.of === 'notice' ? 'see_that_they_know' : 'decide', incident: track ? { of: 'track', id: track } : { of: 'sighting', id: a.id }, sounds: how === 'interrupts' && !held && !s, calls_since: iso(started),
      call: { level, at: iso(started), why: 'new', how }, shelved_by: s?.by ?? null, shelved_at: s?.at ?? null, shelved_until: s?.until ?? null, shelved_why: s?.why ?? null,
      shelve_most_s: level === 'urgent' ? 300 : 1_800, down_since: null,
    };
  };
  const figures = () => ({
    at: iso(), since: iso(started - 5 * 3_600_000), targets: { per_10_min: 1, peak_10_min: 2, urgent: 0.05, caution: 0.15, advisory: 0.8 }, calls: { urgent: 4, caution: 5, advisory: 31 },
    shares: { urgent: 0.1, caution: 0.125, advisory: 0.775 }, interruptions: 21, per_10_min: 0.7, peak_10_min: 3, flood_since: flood().since, floods: options.flood ? 1 : 0, flood_s: options.flood ? 95 : 0,
    taken: 30, taken_p50_s: 14, taken_p95_s: 122, open: alarmList().items.length, untaken: alarmList().items.filter((a) => !a.in_hand && !a.shelved_until).length, standing: 1, standing_s: 600, shelved: shelf.size, stale: 0, stale_s: 86_400,
    officers: [{ id: 'watch-1', name: 'Watch officer', since: iso(started - 5 * 3_600_000), until: null, interruptions: 21, per_10_min: 0.7, peak_10_min: 3, taken: 30 }], exercise,
  });
  const alarmView = (a) => {
    const h = hands.get(`${a.of}/${a.id}`);
    return { alarm: a, since: iso(started), level: a.of === 'notice' ? levelOf(a.id) : null, in_hand: Boolean(h?.holder), holder: h?.holder ?? null, held_since: h?.held_since ?? null, how: h?.how ?? null, taken_level: h?.taken_level ?? null, gone_at: null, before: h?.before ?? null, why: h?.why ?? '', ...calls(a, Boolean(h?.holder)) };
  };
  const alarmList = () => ({
    items: [...pairs().map((_, i) => ({ of: 'notice', id: noticeId(i) })), ...sightings().filter((s) => !verdicts.has(s.id)).map((s) => ({ of: 'sighting', id: s.id }))].map(alarmView), shift, flood: flood(),
  });

  const desk = new BulletinDesk({ uuid, iso, exercise, person, push: (...a) => push(...a), people: options.people });
  if (options.bulletins) desk.scene();
  const reports = new IntelligenceDesk({ uuid, iso, person, push: (...a) => push(...a), agencies: [{ id: 'county', name: 'County sheriff' }, { id: 'sector', name: 'Sector' }] });
  if (options.reports) reports.scene();
  const search = new SearchDesk({ uuid, iso, push: (...a) => push(...a) });
  if (options.search) search.scene();
  let eventId = 100;
  function push(event, data, durable = false, to = () => true) {
    if (durable) eventId += 1;
    for (const s of streams) if (to(s.me)) s.res.write(`${durable ? `id: ${eventId}\n` : ''}event: ${event}\ndata: ${JSON.stringify(typeof data === 'function' ? data(s.me) : data)}\n\n`);
  }
  const pushSighting = (s) => push('sighting', sightingView(s), true, (me) => sees(me, s));
  const pushNotice = (i) => push('notice', (me) => noticeView(i, me), true, (me) => concerns(i, me));
  const centreSees = (me) => me.roles.some((r) => r === 'watch' || r === 'supervisor');
  const second = setInterval(() => {
    entries += 7;
    push('tracks', { features: alive().map(track) }, false, centreSees);
    push('dangers', (me) => ({ items: pairs().map(danger).filter((d) => me.roles.includes('watch') || d.protected.person === me.id) }));
  }, 1000);
  const beat = setInterval(() => { push('heartbeat', { now: iso() }); push('status', status()); }, 2000);

  async function api(req, res, url) {
    const p = url.pathname.slice('/api/v1'.length);
    if (exercise) res.setHeader('Skypicket-Exercise', exercise);
    const parts = p.split('/').filter(Boolean);
    const cookie = /skypicket_session=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];
    const body = ['POST', 'PUT'].includes(req.method) ? await bodyOf(req) : null;
    log.push(`${req.method} ${p}`);
    if (p === '/sign-in') return json(res, { passkeys: 'by_address', provider: null, exercise });
    if (p === '/sessions' && req.method === 'POST') {
      const id = body.link ? /^as-(.+)$/.exec(body.link)?.[1] : body.password === 'password12' ? PEOPLE.find((x) => x[0] === body.name || x[1] === body.name)?.[0] : undefined;
      if (!id || !person(id)) return problem(res, 401, 'not_signed_in', 'This link or password is not valid.');
      if (body.link && options.askPassword) sessions.set(id, 'link');
      res.setHeader('Set-Cookie', `skypicket_session=${id}; Path=/; HttpOnly; SameSite=Strict`);
      return json(res, meOf(id));
    }
    const who = cookie && person(cookie);
    if (!who) return problem(res, 401, 'not_signed_in', 'Sign in first.');
    const key = body?.id && req.method === 'POST' ? `${who.id}|${body.id}` : null;
    const text = JSON.stringify({ p, body });
    if (key && repeats.has(key)) {
      const held = repeats.get(key);
      if (held.text !== text) return problem(res, 409, 'id_reused', 'The same id came with another body.');
      return held.answer ? json(res, held.answer, held.code) : empty(res);
    }
    const answer = (data, code = 200) => { if (key) repeats.set(key, { text, answer: data, code }); if (data) json(res, data, code); else empty(res); };
    if (p === '/me') return json(res, meOf(who.id));
    if (p === '/me/password') { sessions.delete(who.id); return empty(res); }
    if (p === '/sessions/current') { res.setHeader('Set-Cookie', 'skypicket_session=; Path=/; Max-Age=0'); return empty(res); }
    if (p === '/status') return json(res, status());
    if (p === '/tracks') return json(res, { type: 'FeatureCollection', features: centreSees(who) ? alive().map(track) : [] });
    if (p === '/dangers') return json(res, { items: pairs().map(danger) });
    if (p === '/people') return json(res, { items: mayPeople(who), next: null });
    if (p === '/sites') return json(res, { type: 'FeatureCollection', features: SITES.map(([id, name, standoff_m, e, n, unit]) => ({ type: 'Feature', id, geometry: { type: 'Point', coordinates: at(e, n) }, properties: { id, name, standoff_m, unit } })) });
    if (p === '/own-flights') return json(res, { items: flights() });
    if (p === '/sources') return json(res, { items: sources() });
    if (p === '/basemap' && options.tiles) {
      const all = tinyTiles();
      const m = /bytes=(\d+)-(\d+)/.exec(req.headers.range ?? '');
      const [from, to] = m ? [Number(m[1]), Math.min(Number(m[2]), all.length - 1)] : [0, all.length - 1];
      res.writeHead(m ? 206 : 200, { 'Content-Type': 'application/vnd.pmtiles', 'Content-Range': `bytes ${from}-${to}/${all.length}`, ETag: '"1"', 'Cache-Control': 'no-cache' });
      return res.end(all.subarray(from, to + 1));
    }
    if (p === '/basemap') return problem(res, 404, 'not_found', 'No own basemap.');
    if (p === '/positions') return answer({ id: body.id }, 201);
    if (p === '/events') {
      if (cut) return res.destroy();
      res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      const s = { res, me: who };
      streams.add(s);
      req.on('close', () => streams.delete(s));
      res.write(`event: hello\ndata: ${JSON.stringify({ now: iso(), exercise })}\n\n`);
      return undefined;
    }
    const head = (id) => {
      const v = desk.bulletins.has(id) ? desk.noticeView(desk.bulletins.get(id), who) : pairs().map((_, i) => noticeView(i, who)).find((x) => x.notice.id === id);
      if (!v) return null;
      const { version, kind, state, level, at: since, marking } = v.notice;
      return { id, version, kind, state, level, title: v.notice.title ?? v.notice.protected_name, at: since, expires_at: v.notice.expires_at ?? null, exercise, marking };
    };
    const tools = { json: (data, code) => json(res, data, code), problem: (...a) => problem(res, ...a), answer };
    if (options.reports && reports.take(req, url, parts, body, who, tools) !== false) return undefined;
    if (search.take(req, url, parts, body, who, tools) !== false) return undefined;
    if (desk.take(req, url, parts, body, who, head, tools) !== false) return undefined;
    if (parts[0] === 'sightings') {
      if (parts.length === 1 && req.method === 'GET') return json(res, { items: sightings().filter((s) => sees(who, s)).filter((s) => !url.searchParams.has('mine') || s.reporter === who.id).map(sightingView), next: null });
      if (parts.length === 1) {
        const { sent_at, ...rest } = body;
        const s = { ...rest, reporter: who.id, stored: Date.now(), track: null };
        filed.push(s);
        answer({ id: s.id, receipts: { stored_at: iso(s.stored), seen_by_centre: null, seen_by_leadership: null } }, 201);
        return pushSighting(s);
      }
      const s = sightings().find((x) => x.id === parts[1]);
      if (!s || !sees(who, s)) return problem(res, 404, 'not_found', 'No such report.');
      if (parts[2] === 'seen') seen.set(s.id, { ...seen.get(s.id), [who.roles.includes('watch') ? 'centre' : 'leadership']: [who.id, iso()] });
      if (parts[2] === 'triage') {
        if (!who.roles.includes('watch')) return problem(res, 403, 'forbidden', 'Only the watch decides about reports.');
        verdicts.set(s.id, { verdict: body.verdict, by: who.id, at: iso(), why: body.why });
      }
      if (parts[2] === 'retraction') retracted.set(s.id, iso());
      answer(sightingView(s));
      if (parts[2]) pushSighting(s);
      return undefined;
    }
    if (parts[0] === 'notices') {
      const all = pairs().map((_, i) => i).filter((i) => concerns(i, who));
      if (parts.length === 1) return json(res, { items: [...all.map((i) => noticeView(i, who)), ...desk.notices().map((b) => desk.noticeView(b, who))], next: null });
      const i = all.find((k) => noticeId(k) === parts[1]);
      if (i === undefined) return problem(res, 404, 'not_found', 'No such notice.');
      if (parts.length === 2) { const v = noticeView(i, who); return json(res, { ...v, versions: [v.notice] }); }
      if (parts[4] === 'receipts') { if (body.shown) shown.add(`${noticeId(i)}|${who.id}`); answer(null); return pushNotice(i); }
      if (parts[4] === 'acknowledgements') {
        acknowledged.set(`${noticeId(i)}|${who.id}`, iso());
        answer({ acknowledged_at: iso() }, 201);
        return pushNotice(i);
      }
    }
    if (parts[0] === 'tracks' && parts.length === 3) {
      if (!who.roles.some((r) => r === 'watch' || r === 'supervisor')) return problem(res, 403, 'forbidden', 'Only the watch decides about tracks.');
      const known = Object.keys(SPEC).map(Number);
      const k = known.find((x) => uuid(x) === parts[1]);
      if (k === undefined) return problem(res, 404, 'not_found', 'There is no such track, or it is long over. Choose one that is on the map now.');
      if (mergedInto.has(k)) return problem(res, 409, 'track_over', `This track is over: it was merged into track ${uuid(mergedInto.get(k))}. Choose that one.`);
      const tell = (x, what) => story(x).push({ at: iso(), what });
      const by = who.id;
      const why = body.why ?? '';
      let [left, other] = [k, null];
      if (parts[2] === 'merges') {
        const w = known.find((x) => uuid(x) === body.with);
        if (w === undefined || mergedInto.has(w)) return problem(res, 404, 'not_found', 'There is no such track, or it is long over. Choose one that is on the map now.');
        const over = Math.max(k, w);
        left = Math.min(k, w);
        mergedInto.set(over, left);
        SPEC[left] = { ...SPEC[left], ids: [...SPEC[left].ids, ...SPEC[over].ids], sources: [...new Set([...SPEC[left].sources, ...SPEC[over].sources])] };
        tell(left, { is: 'took_over', track: uuid(over), by, why });
      } else if (parts[2] === 'splits') {
        const part = body.part;
        const takes = part.of === 'source' ? SPEC[k].sources.includes(part.source) : SPEC[k].ids.some(([, v]) => v === part.value);
        if (!takes) return problem(res, 409, 'unknown_part', 'That is no part of this track.');
        other = Math.max(...known, 5) + 1;
        const gone = (x) => part.of === 'source' && x === part.source;
        SPEC[other] = { ...SPEC[k], sources: part.of === 'source' ? [part.source] : SPEC[k].sources, ids: part.of === 'source' ? [] : SPEC[k].ids.filter(([, v]) => v === part.value) };
        SPEC[k] = { ...SPEC[k], sources: SPEC[k].sources.filter((x) => !gone(x)), ids: part.of === 'source' ? SPEC[k].ids : SPEC[k].ids.filter(([, v]) => v !== part.value) };
        splitFrom.set(other, k);
        stories.set(other, [{ at: iso(), what: { is: 'split_from', track: uuid(k), part, by, why } }]);
        tell(k, { is: 'split_off', track: uuid(other), part, by, why });
      } else {
        if (!body.class && !body.affiliation && !called.has(k)) return problem(res, 409, 'nothing_decided', 'Nobody decided what this track is: there is nothing to take back.');
        if (body.class || body.affiliation) called.set(k, { class: body.class ?? null, affiliation: body.affiliation ?? null, by, at: iso(), why });
        else called.delete(k);
        tell(k, { is: 'classified', class: body.class ?? null, affiliation: body.affiliation ?? null, by, why });
      }
      answer({ track: track(left), other: other === null ? null : track(other) });
      return push('tracks', { features: alive().map(track) }, false, centreSees);
    }
    if (parts[0] === 'alarms') {
      if (parts.length === 1) return json(res, alarmList());
      if (parts[1] === 'figures') return json(res, figures());
      if (!who.roles.includes('watch')) return problem(res, 403, 'forbidden', 'Alarms are in the hands of watch officers.');
      const keyOf = (a) => `${a.of}/${a.id}`;
      const now = { held_since: iso(), gone_at: null };
      const put = (a, more) => { hands.set(keyOf(a), { ...(hands.get(keyOf(a)) ?? { taken_level: null, before: null, why: '' }), alarm: a, ...now, ...more }); };
      const named = (id) => ({ id, name: person(id).name });
      let touched = body.alarms ?? [];
      if (parts[1] === 'take') {
        const other = touched.map((a) => hands.get(keyOf(a))).find((h) => h?.holder && h.holder.id !== who.id);
        if (other && !body.why) return problem(res, 409, 'taken', `${other.holder.name} has it in hand; to take it from them, say why`);
        for (const a of touched) {
          const before = hands.get(keyOf(a))?.holder ?? null;
          shelf.delete(keyOf(a));
          put(a, { holder: named(who.id), how: before && before.id !== who.id ? 'taken_from' : 'taken', before, why: body.why ?? '', taken_level: a.of === 'notice' ? levelOf(a.id) : null });
          if (a.of === 'notice') acknowledged.set(`${a.id}|${who.id}`, iso());
        }
      } else if (parts[1] === 'shelve') {
        // One act has one time, as at the centre: what was shelved together stands together.
        const ms = Date.now();
        for (const a of touched) shelf.set(keyOf(a), { by: named(who.id), at: iso(ms), until: iso(ms + body.for_s * 1_000), why: body.why });
      } else if (parts[1] === 'unshelve') for (const a of touched) shelf.delete(keyOf(a));
      else if (parts[1] === 'hand-back') for (const a of touched) put(a, { holder: null, how: 'handed_back', before: named(who.id), why: body.why, taken_level: null });
      else {
        touched = [...hands.values()].filter((h) => h.holder?.id === body.from).map((h) => h.alarm);
        for (const a of touched) put(a, { holder: named(who.id), how: 'taken_over', before: named(body.from), why: body.note });
        shift = { by: named(who.id), from: named(body.from), note: body.note, at: iso(), alarms: touched.length, shelved: shelf.size };
        push('shift', shift, true, (me) => me.roles.includes('watch'));
      }
      answer(alarmList());
      for (const a of touched) push('alarm', alarmView(a), true, (me) => me.roles.includes('watch'));
      if (parts[1] === 'take') pairs().forEach((_, i) => { if (touched.some((a) => a.id === noticeId(i))) pushNotice(i); });
      return undefined;
    }
    if (parts[0] === 'people' && parts[2] === 'sign-in-links') {
      if (!who.roles.includes('watch')) return problem(res, 403, 'forbidden', 'Not yours to make.');
      const base = `http://${req.headers.host}`;
      return answer({ url: `${base}/#sign-in=as-${parts[1]}`, field_url: `${base}/field/#sign-in=as-${parts[1]}`, expires_at: iso(Date.now() + 900_000) }, 201);
    }
    return problem(res, 404, 'not_found', `No ${p} here.`);
  }

  const far = lags();
  const server = createServer((req, res) => {
    const url = new URL(req.url, 'http://mock');
    res.setHeader('Content-Security-Policy', CSP);
    res.setHeader('X-Content-Type-Options', 'nosniff');
    res.setHeader('Referrer-Policy', 'no-referrer');
    if (url.pathname.startsWith('/mock/')) {
      const what = url.pathname.slice(6);
      if (what === 'cut') { cut = true; for (const s of streams) s.res.destroy(); streams.clear(); }
      if (what === 'mend') cut = false;
      if (what === 'unrecorded' || what === 'recorded') { unrecorded = what === 'unrecorded'; push('status', status()); pairs().forEach((_, i) => pushNotice(i)); }
      if (what === 'log') return json(res, log);
      return empty(res);
    }
    if (url.pathname.startsWith('/api/')) return void far(res).then(() => api(req, res, url)).catch((error) => { console.error(error); if (!res.headersSent) problem(res, 500, 'internal', String(error)); });
    let file = join(DIST, normalize(decodeURIComponent(url.pathname)));
    if (!file.startsWith(DIST)) return problem(res, 404, 'not_found', '');
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, 'index.html');
    if (!existsSync(file)) return problem(res, 404, 'not_found', url.pathname);
    res.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    return void createReadStream(file).pipe(res);
  });
  return {
    listen: (port = 0) => new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`))),
    close: () => { clearInterval(second); clearInterval(beat); for (const s of streams) s.res.destroy(); server.close(); server.closeAllConnections(); },
    log,
    desk,
    reports,
    search,
    /** Now the urgent warnings sound as well. */
    loud: () => { loud = true; for (const a of alarmList().items) push('alarm', a, true, (me) => me.roles.includes('watch')); },
    acknowledge: (i, who) => { acknowledged.set(`${noticeId(i)}|${who}`, iso()); pushNotice(i); },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const arg = (name, otherwise) => { const i = process.argv.indexOf(`--${name}`); return i < 0 ? otherwise : process.argv[i + 1]; };
  const flag = (name) => process.argv.includes(`--${name}`);
  const m = mock({ scene: arg('scene', 'busy'), live: flag('live'), unrecorded: flag('unrecorded'), seconds: Number(arg('seconds', '95')), askPassword: flag('ask-password') });
  const url = await m.listen(Number(arg('port', '8090')));
  console.log(`${url}/#sign-in=as-watch-1   ${url}/field/#sign-in=as-agent-3`);
}
