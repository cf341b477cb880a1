// Bulletins, boards, calls and subscriptions of the made-up centre: as the API answers them, over people of its own. A
// development tool: nothing of it is shipped.

const STATES = {
  queued: (r) => r.reached === 'queued', sent: (r) => r.reached === 'sent', delivered: (r) => r.reached === 'delivered', shown: (r) => r.reached === 'shown',
  acknowledged: (r) => r.acknowledged_at !== null, owing: (r) => r.owes, silent: (r) => r.silent, escalated: (r) => r.escalated_to !== null && r.owes,
  unreachable: (r) => r.trouble === 'no_channel_up' && r.owes, excused: (r) => r.call?.status === 'unavailable', trouble: (r) => r.trouble !== null,
};
const COUNTED = ['queued', 'sent', 'delivered', 'shown', 'acknowledged', 'owing', 'escalated', 'silent', 'unreachable', 'excused'];
/** The checklist of every bulletin here. */
const MEASURES = [
  { id: 'body-armour', text: { en: 'Wear body armour and helmet in the open.', es: 'Use chaleco y casco al aire libre.' } },
  { id: 'first-aid-kit', text: { en: 'Check that your first-aid kit with tourniquet is with you.', es: 'Compruebe que lleva el botiquín con torniquete.' } },
  { id: 'report-every-sighting', text: { en: 'Report every sighting to your leader and to the centre.', es: 'Reporte cada avistamiento a su jefe y al centro.' } },
];
const AGENCIES = { sector: 'Sector', county: 'County sheriff' };
const UNITS = [['north', 'North patrol', 'sector'], ['south', 'South patrol', 'sector'], ['deputies', 'Deputies', 'county'], ['dispatch', 'County dispatch', 'county']];

const LIBRARY = {
  exercise: true,
  templates: [{ id: 'osa', version: 1, kind: { en: 'Officer Safety Alert', es: '' }, title: { en: 'EXERCISE: explosive drones', es: '' }, placeholders: [{ name: 'place', label: 'Where' }] }],
  measures: [
    { id: 'cover', version: 1, text: { en: 'Take cover under something solid when you hear a drone.', es: 'Cúbrase bajo algo sólido cuando oiga un dron.' } },
    { id: 'body-armour', version: 1, text: { en: 'Wear body armour outside.', es: 'Lleve chaleco antibalas fuera.' } },
    { id: 'first-aid-kit', version: 1, text: { en: 'Carry a first-aid kit with a tourniquet.', es: 'Lleve un botiquín con torniquete.' } },
    { id: 'fallen-drone', version: 1, text: { en: 'Do not touch a drone that came down.', es: 'No toque un dron caído.' } },
  ],
  agencies: [{ id: 'sector', name: 'Sector' }],
  areas: [
    { id: 'exercise-west-line', version: 1, exercise: true, name: { en: 'West line', es: 'Línea oeste' }, ground: { shape: 'polygon', points: [{ lat_deg: 31.752, lon_deg: -106.512 }, { lat_deg: 31.772, lon_deg: -106.512 }, { lat_deg: 31.772, lon_deg: -106.486 }, { lat_deg: 31.752, lon_deg: -106.486 }] } },
    { id: 'exercise-river-road', version: 1, exercise: true, name: { en: 'River road crossing', es: 'Cruce del camino del río' }, ground: { shape: 'circle', centre: { lat_deg: 31.7585, lon_deg: -106.4905 }, radius_m: 900 } },
  ],
};

export class BulletinDesk {
  bulletins = new Map();
  rows = new Map();
  subscriptions = new Map();
  /** How many people are on a list. */
  people = 60;

  constructor({ uuid, iso, exercise, person, push, people }) {
    Object.assign(this, { uuid, iso, exercise, person, push });
    if (people) this.people = people;
  }
  /** A bulletin in force and one that waits, to begin with. */
  scene() {
    const content = this.content({});
    this.bulletins.set(this.uuid(600), this.state(this.uuid(600), content, 'lead-1', { step: 'issued', version: 1, issued_by: 'lead-1', approved_by: 'watch-1' }));
    this.bulletins.set(this.uuid(601), this.state(this.uuid(601), this.content({ title: 'Road to Post 2 closed', title_es: '', text: 'Use the river road.', text_es: '', level: 'advisory' }), 'lead-1', {}));
    return this;
  }
  content(more) {
    return {
      title: 'Officer Safety Alert: drones may carry explosives', title_es: 'Alerta de seguridad: los drones pueden llevar explosivos', text: 'Take cover when you hear one. Report each drone at once.',
      text_es: 'Cúbrase cuando oiga uno. Reporte cada dron de inmediato.', level: 'urgent', audience: [{ to: 'agency', agency: 'sector' }, { to: 'unit', unit: 'deputies', leadership: true }], area: null,
      marking: { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] }, expires_at: this.iso(Date.now() + 8 * 3_600_000), needs_ack: true, recall_text: '', recall_text_es: '', ...more,
    };
  }
  sheet(more) {
    return {
      template: 'osa@1', series: 'OSA', kind: { en: 'Officer Safety Alert', es: 'Alerta de seguridad para oficiales' }, issuer: 'Sector centre',
      known: [{ text: { en: 'The use of explosive drones against personnel was authorised.', es: 'Se autorizó el uso de drones explosivos contra el personal.' }, grade: { reliability: 'B', credibility: 2 } }],
      not_known: [{ en: 'When and where.', es: 'Cuándo y dónde.' }],
      measures: LIBRARY.measures.slice(0, 3).map(({ id, text }) => ({ id, text })), area_name: { en: 'West sector', es: 'Sector oeste' }, valid_from: null,
      report_to: { en: 'Your leader and the centre, at once.', es: 'A su jefe y al centro, de inmediato.' }, contact: 'Watch desk', rests_on: [], release_why: '', short: { en: '', es: '' }, brief: { en: '', es: '' }, ...more,
    };
  }
  renderings(c) {
    const item = (name, language, text) => ({ name, language, media_type: 'text/plain', text, base64: null, characters: text.length });
    const say = (name, language, text) => item(name, language, `${this.exercise ? 'EXERCISE ' : ''}DRAFT ${c.marking.tlp} ${text}`);
    return [
      say('page.txt', 'en', `${c.title}\n\n${c.text}`), say('page.txt', 'es', `${c.title_es || c.title}\n\n${c.text_es || c.text}`), say('mail.txt', 'en', c.title), say('push.txt', 'en', c.title.slice(0, 60)),
      say('sms-90.txt', 'en', c.title.slice(0, 40)), say('sms-360.txt', 'en', c.text.slice(0, 200)), item('alert.xml', 'en', '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><status>Exercise</status></alert>'),
      { name: 'bulletin.pdf', language: 'en', media_type: 'application/pdf', text: null, base64: 'JVBERi0xLjQKJSVFT0YK', characters: null },
    ];
  }
  state(notice, content, by, more) {
    const at = this.iso(Date.now() - 60_000);
    return { notice, step: 'proposed', version: 0, number: null, authors: [by], comments: [], content, proposed_by: by, proposed_at: at, issued_by: null, approved_by: null, break_glass: null, why: '', correction: null, at, ...more };
  }
  view(b, me) {
    const name = (id) => (id === null ? null : (this.person(id)?.name ?? id));
    const c = b.step === 'issued' ? b.correction : null;
    const w = c?.draft ? null : c ? { by: c.by, at: c.at, content: c.content, why: c.why } : b.step === 'proposed' ? { by: b.proposed_by, at: b.proposed_at, content: b.content, why: '' } : null;
    const writes = me.roles.some((r) => ['watch', 'analyst', 'supervisor'].includes(r));
    const decides = me.roles.some((r) => ['watch', 'supervisor'].includes(r));
    const people = [...b.authors, ...b.comments.map((x) => x.by), ...(c ? [c.by] : [])];
    const links = (c?.content ?? b.content).sheet?.rests_on ?? [];
    const draft = b.step === 'draft';
    const over = ['withdrawn', 'recalled', 'expired'].includes(b.step);
    const released = Boolean(w?.content.sheet?.release_why);
    return {
      ...b, names: Object.fromEntries(people.map((p) => [p, name(p)])), basis: this.basis(links, (c?.content ?? b.content).marking), proposed_by_name: name(b.proposed_by), issued_by_name: name(b.issued_by), approved_by_name: name(b.approved_by), waiting: w && { ...w, by_name: name(w.by) },
      may: {
        edit: writes && draft, submit: writes && draft, comment: writes && !over, send_back: decides && w !== null, approve: decides && w !== null && w.by !== me.id && !b.authors.includes(me.id),
        break_glass: decides && w !== null && !released, correct: writes && b.step === 'issued', withdraw: writes && (w !== null || draft || Boolean(c?.draft)), recall: decides && b.step === 'issued',
      },
    };
  }
  /** Links whose id begins with 0a are shown, graded and marked TLP:AMBER; the others are of those that the reader may not see. */
  basis(links, marking) {
    const items = links.filter((l) => l.id.startsWith('0a')).map((link) => ({ link, title: 'Patrol North 3 saw two drones with loads', grade: { reliability: 'B', credibility: 2 }, marking: { tlp: 'TLP:AMBER', owner: 'sector', releasable_to: [], named: [] } }));
    const stricter = items.length > 0;
    return { items, hidden: links.length - items.length, hidden_marking: links.length > items.length ? { tlp: 'TLP:AMBER', owner: 'county', releasable_to: [], named: [] } : null, gone: 0, marking: stricter ? items[0].marking : null, wider: stricter && ['TLP:GREEN', 'TLP:CLEAR'].includes(marking.tlp) };
  }
  sees = (me) => me.roles.some((r) => ['watch', 'analyst', 'supervisor', 'auditor'].includes(r));

  // ---- the notice that it is ----
  notices() {
    return [...this.bulletins.values()].filter((b) => b.version > 0);
  }
  noticeView(b, me) {
    const c = b.content;
    const over = ['recalled', 'expired'].includes(b.step);
    const rows = this.list(b.notice);
    const own = { person: me.id, name: me.name, rule: 'agency', reached: 'delivered', channel: 'web', acknowledged_at: b.mine?.[me.id] ?? null, owes: !over && !b.mine?.[me.id], escalated_to: null, silent: false, trouble: null, may_repeat: false, attempts: 1, reminder: 0 };
    return {
      notice: {
        kind: 'bulletin', id: b.notice, version: b.version, state: over ? b.step : b.version > 1 ? 'updated' : 'issued', level: c.level, at: b.at, needs_ack: !over, marking: c.marking, exercise: this.exercise,
        code: '04711', text: over ? c.recall_text || 'Recalled: it no longer holds.' : c.text, text_es: c.text_es, title: c.title, title_es: c.title_es, audience: c.audience, area: c.area,
        issued_by: b.issued_by, approved_by: b.approved_by, break_glass: b.break_glass, why: b.why, expires_at: c.expires_at, number: b.number,
        ...(c.sheet ? { sheet: { ...c.sheet, rests_on: [], release_why: '' } } : {}),
      },
      issued_by_name: this.person(b.issued_by)?.name ?? null, approved_by_name: b.approved_by ? (this.person(b.approved_by)?.name ?? null) : null,
      unrecorded: false, recipients: [own, ...(me.roles.includes('watch') ? rows.slice(0, 20) : [])], mine: true, acknowledged: own.acknowledged_at !== null, counts: this.counts(rows),
    };
  }
  tell(b) {
    this.push('bulletin', (me) => this.view(b, me), true, this.sees);
    if (b.version > 0) this.push('notice', (me) => this.noticeView(b, me), true, () => true);
  }

  // ---- the board ----
  list(notice) {
    if (this.rows.has(notice)) return this.rows.get(notice);
    const soon = (s) => this.iso(Date.now() + s * 1_000);
    const rows = Array.from({ length: this.people }, (_, k) => {
      const [unit, unit_name, agency] = UNITS[k % 4];
      const kind = k % 10;
      const done = kind < 5;
      const lost = kind === 9;
      return {
        person: `p-${String(k).padStart(5, '0')}`, name: `Agent ${k + 100}`, unit, unit_name, agency, rule: agency === 'sector' ? 'agency' : 'unit', reached: lost ? 'queued' : kind === 6 ? 'sent' : done ? 'shown' : 'delivered',
        channel: lost ? null : kind === 6 ? 'sms' : 'web', attempts: lost ? 0 : kind === 6 ? 2 : 1, may_repeat: kind === 6, reminder: kind > 6 && !lost ? 2 : 0, acknowledged_at: done ? this.iso(Date.now() - 30_000) : null,
        acknowledged_via: done ? 'web' : null, acknowledged_by: null, acknowledged_by_name: null, call: null, owes: !done, escalated_to: kind === 7 ? 'lead-1' : null, escalated_to_name: kind === 7 ? 'Lead North' : null,
        silent: kind === 8, trouble: lost ? 'no_channel_up' : kind === 6 ? 'no_receipt' : null,
        why: done ? 'Acknowledged on their page.' : lost ? 'No way to them is open.' : kind === 8 ? 'Nobody is left to tell: call them.' : kind === 7 ? 'Silent for 15 min; their leader was told.' : 'Has it, and has not acknowledged.',
        next: done || kind === 8 ? null : { what: kind === 7 ? 'escalate' : lost ? 'retry' : 'remind', at: soon(90 + k) },
        done: lost ? [] : MEASURES.filter((_m, n) => (k + n) % 3 === 0 || (done && n !== k % 2)).map((m) => m.id),
        deliveries: lost ? [] : [{ channel: kind === 6 ? 'sms' : 'web', reached: kind === 6 ? 'sent' : 'delivered', attempts: 1, may_repeat: false, trouble: null }],
      };
    });
    this.rows.set(notice, rows);
    return rows;
  }
  counts(rows) {
    return { recipients: rows.length, ...Object.fromEntries(COUNTED.map((s) => [s, rows.filter(STATES[s]).length])) };
  }
  done(rows) {
    return Object.fromEntries(MEASURES.map((m) => [m.id, rows.filter((r) => r.done.includes(m.id)).length]));
  }
  board(head, rows) {
    const troubles = new Map();
    for (const r of rows) if (r.trouble) troubles.set(r.trouble, (troubles.get(r.trouble) ?? 0) + 1);
    return {
      notice: head, counts: this.counts(rows), measures: MEASURES.map((m) => ({ ...m, done: this.done(rows)[m.id] })),
      agencies: Object.entries(AGENCIES).map(([id, name]) => ({
        id, name, counts: this.counts(rows.filter((r) => r.agency === id)), done: this.done(rows.filter((r) => r.agency === id)),
        units: UNITS.filter((u) => u[2] === id).map(([unit, n]) => ({ id: unit, name: n, counts: this.counts(rows.filter((r) => r.unit === unit)), done: this.done(rows.filter((r) => r.unit === unit)) })),
      })),
      troubles: [...troubles].map(([trouble, people]) => ({ trouble, people })), next: { what: 'remind', at: this.iso(Date.now() + 95_000) },
    };
  }
  /** Somebody on a list acknowledges: an event carries the counts and the row. */
  acknowledge(notice, person) {
    const row = this.list(notice).find((r) => r.person === person);
    Object.assign(row, { acknowledged_at: this.iso(), acknowledged_via: 'web', owes: false, silent: false, why: 'Acknowledged on their page.', next: null });
    const b = this.bulletins.get(notice);
    this.push('notice', (me) => ({ ...this.noticeView(b, me), recipients: [row] }), true, (me) => this.sees(me));
  }

  /** Answers what is its own; undefined leaves it to the rest. `tools` are the mock's: json, problem, answer. */
  take(req, url, parts, body, who, head, { json, problem, answer }) {
    const at = this.iso();
    if (parts[0] === 'bulletins') {
      if (!this.sees(who)) return problem(403, 'forbidden', 'Your roles do not allow this.');
      if (parts.length === 1 && req.method === 'GET') return json({ items: [...this.bulletins.values()].map((b) => this.view(b, who)), next: null });
      if (parts[1] === 'preview' && parts[2] === 'renderings') return json({ exercise: this.exercise, items: this.renderings(body.content) });
      if (parts[1] === 'preview') {
        const everybody = body.content.audience.some((a) => a.to === 'everybody');
        const people = everybody ? this.people : body.content.audience.length * 12;
        const rows = this.list('preview').slice(0, Math.min(50, people));
        return json({
          people, unreachable: Math.floor(people / 10), not_releasable: 0, rules: [{ rule: everybody ? 'everybody' : 'unit', people }], agencies: [{ id: 'sector', name: 'Sector', people }], left_out: [],
          sample: rows.map((r) => ({ id: r.person, name: r.name, unit_name: r.unit_name, rule: 'unit', why_not: r.trouble === 'no_channel_up' ? 'page closed or connection lost' : null })),
        });
      }
      if (parts.length === 1) {
        const b = this.state(body.id, body.content, who.id, { proposed_at: at, at, ...(body.draft ? { step: 'draft' } : {}) });
        this.bulletins.set(body.id, b);
        answer(this.view(b, who), 201);
        return this.tell(b);
      }
      const b = this.bulletins.get(parts[1]);
      if (!b) return problem(404, 'not_found', 'There is no such bulletin.');
      const w = this.view(b, who).waiting;
      const issue = (more) => {
        if (b.step === 'issued') Object.assign(b, { content: w.content, why: b.correction.why, correction: null });
        Object.assign(b, { step: 'issued', version: b.version + 1, number: b.number ?? `${this.exercise ? 'EX-' : ''}${b.content.sheet?.series ?? 'B'}-2026-${String((this.numbered = (this.numbered ?? 0) + 1)).padStart(4, '0')}`, issued_by: w.by, approved_by: null, break_glass: null, at, ...more });
      };
      const wrote = () => { if (!b.authors.includes(who.id)) b.authors = [...b.authors, who.id]; };
      if (parts[2] === 'drafts' || parts[2] === 'submissions') {
        if (b.step !== 'draft') return problem(409, 'not_a_draft', 'it is no draft any more');
        if (b.proposed_at !== body.read) return problem(409, 'changed', 'it was changed since you read it: read it again');
        if (parts[2] === 'drafts') {
          wrote();
          Object.assign(b, { content: body.content, proposed_at: at, at });
        } else {
          const view = this.view(b, who);
          if (view.basis.wider && !b.content.sheet?.release_why) return problem(422, 'unfit', 'marking: what it rests on is marked more strictly; mark it so, or say in release_why why it may go out');
          Object.assign(b, { step: 'proposed', proposed_at: at, at });
        }
      }
      if (parts[2] === 'comments') b.comments = [...b.comments, { by: who.id, at, text: body.text }];
      if (parts[2] === 'returns') {
        if (!w) return problem(409, 'nothing_waits', 'nothing waits here');
        b.comments = [...b.comments, { by: who.id, at, text: body.why, returned: true }];
        if (b.step === 'issued') b.correction = { ...b.correction, draft: true };
        else Object.assign(b, { step: 'draft', proposed_at: at, at });
      }
      if (parts[2] === 'corrections') {
        if (b.step !== 'issued') return problem(409, 'not_in_force', 'only what is in force can be corrected');
        if (body.read !== (b.correction?.at ?? b.at)) return problem(409, 'changed', 'it was changed since you read it: read it again');
        if (!b.correction) b.authors = [];
        wrote();
        b.correction = { content: body.content, by: who.id, at, why: body.why };
      }
      if (parts[2] === 'approvals') {
        if (w?.by === who.id || b.authors.includes(who.id)) return problem(422, 'second_person', 'another person than the author must approve it');
        if (w?.at !== body.read) return problem(409, 'changed', 'it was changed since you read it: read it again');
        const hidden = this.view(b, who).basis;
        if (hidden.hidden > (body.unseen ?? 0) || (hidden.hidden > 0 && JSON.stringify(body.unseen_marking) !== JSON.stringify(hidden.hidden_marking))) return problem(409, 'unseen', 'not all that it rests on may be seen by you');
        issue({ approved_by: who.id, unseen: hidden.hidden > 0 ? { count: hidden.hidden, marking: hidden.hidden_marking } : null });
      }
      if (parts[2] === 'break-glass') issue({ break_glass: body.why });
      if (parts[2] === 'withdrawals') Object.assign(b, b.step === 'issued' ? { correction: null } : { step: 'withdrawn', why: body.why, at });
      if (parts[2] === 'recalls') Object.assign(b, { step: 'recalled', version: b.version + 1, why: body.why, at });
      answer(this.view(b, who), ['comments', 'corrections'].includes(parts[2]) ? 201 : 200);
      if (parts[2]) this.tell(b);
      return undefined;
    }
    if (parts.join('/') === 'intelligence') return json({ items: [{ report: this.uuid(1).replace(/^../, '0a'), title: 'Patrol North 3 saw two drones with loads', grade: { reliability: 'B', credibility: 2 } }], next: null });
    if (parts.join('/') === 'library') return json(LIBRARY);
    if (parts.join('/') === 'library/drafts') {
      return json({ content: this.content({ title: `EXERCISE: drones near ${body.values.place ?? '{place}'}`, title_es: `EJERCICIO: drones cerca de ${body.values.place ?? '{place}'}`, sheet: this.sheet({}) }) });
    }
    if (parts[0] === 'notices' && ['board', 'recipients'].includes(parts[2])) {
      const notice = head(parts[1]);
      if (!notice) return problem(404, 'not_found', 'There is no such notice.');
      const rows = this.list(parts[1]);
      if (parts[2] === 'board') return json(this.board(notice, rows));
      const q = url.searchParams;
      const words = (q.get('q') ?? '').toLowerCase();
      const need = (r) => (r.silent ? 0 : r.escalated_to && r.owes ? 1 : r.trouble ? 2 : r.owes ? 3 : 4);
      const fit = rows.filter((r) => (!q.get('state') || STATES[q.get('state')](r)) && (!q.get('agency') || r.agency === q.get('agency')) && (!q.get('unit') || r.unit === q.get('unit')) && (!q.get('done') || r.done.includes(q.get('done'))) && (!q.get('not_done') || !r.done.includes(q.get('not_done'))) && `${r.person} ${r.name} ${r.unit_name}`.toLowerCase().includes(words))
        .sort((a, b) => need(a) - need(b) || (a.person < b.person ? -1 : 1));
      const from = Number(q.get('cursor') ?? 0);
      const limit = Number(q.get('limit') ?? 50);
      return json({ items: fit.slice(from, from + limit), next: from + limit < fit.length ? String(from + limit) : null });
    }
    if (parts[0] === 'notices' && parts[4] === 'calls') {
      const row = this.list(parts[1]).find((r) => r.person === body.person);
      if (!row) return problem(404, 'not_found', 'They are not on its list.');
      row.call = { status: body.status, by: who.id, by_name: who.name, at };
      if (body.status !== 'no_answer') Object.assign(row, { owes: false, silent: false, next: null });
      if (body.status === 'acknowledged') Object.assign(row, { acknowledged_at: at, acknowledged_via: 'voice', acknowledged_by: who.id, acknowledged_by_name: who.name, why: `${who.name} said so for them.` });
      return answer(row, 201);
    }
    const b = parts[0] === 'notices' ? this.bulletins.get(parts[1]) : undefined;
    if (b && parts[4] === 'acknowledgements') {
      b.mine = { ...b.mine, [who.id]: at };
      answer({ acknowledged_at: at }, 201);
      return this.tell(b);
    }
    if (b && parts[4] === 'receipts') return answer(null);
    if (b && parts.length === 2) return json({ ...this.noticeView(b, who), versions: [this.noticeView(b, who).notice] });
    if (parts.join('/') === 'me/subscriptions') {
      if (req.method === 'PUT') this.subscriptions.set(who.id, body.items);
      return json({ items: this.subscriptions.get(who.id) ?? [] });
    }
    if (parts.join('/') === 'me/reads') return json({ items: [], next: null });
    if (parts.join('/') === 'rosters') return json({ items: [], units: [] });
    if (parts.join('/') === 'directory') {
      return json({
        agencies: Object.entries(AGENCIES).map(([id, name]) => ({ id, name })), units: UNITS.map(([id, name, agency]) => ({ id, name, agency, leadership: [], people: 15, sites: [] })),
        rosters: [{ id: 'desk', name: 'Watch desk', unit: 'north', duties: [] }], people: this.people, disabled: 0, notes: [],
      });
    }
    if (parts.join('/') === 'directory/people') {
      const words = (url.searchParams.get('q') ?? '').toLowerCase();
      const found = this.list('preview').filter((r) => `${r.person} ${r.name}`.toLowerCase().includes(words)).slice(0, 12);
      return json({ items: found.map((r) => ({ id: r.person, name: r.name, unit: r.unit, unit_name: r.unit_name, agency: r.agency, roles: ['field'], channels: ['web'], tak_uid: null, language: 'en', disabled: false, leads: [], unreachable: false, why: null, since: null })), next: null, total: found.length });
    }
    return false;
  }
}
