// Intelligence reports of the made-up centre: as the API answers them, with the refusals that the pages show. A
// development tool: nothing of it is shipped.
import { randomBytes } from 'node:crypto';

const DAY_MS = 86_400_000;
const WRITES = ['analyst', 'watch', 'supervisor'];
const VETS = ['analyst', 'supervisor'];
const PURGES = ['auditor', 'administrator'];
const has = (who, roles) => who.roles.some((r) => roles.includes(r));
const UNVETS = ['title', 'text', 'about', 'provenance', 'area', 'from', 'until', 'individual'];

export class IntelligenceDesk {
  reports = new Map();
  /** Calls that are answered with nothing, as when the network breaks off after the centre has acted. */
  lost = 0;

  constructor({ uuid, iso, person, push, agencies = [] }) {
    Object.assign(this, { uuid, iso, person, push, agencies });
  }
  content(more = {}) {
    const now = Date.now();
    return {
      title: 'Two drones with loads over the river road', text: 'They stood there for a minute, then went south.', about: ['drone', 'weapon'],
      provenance: { kind: 'officer', obtained: 'observed', at: this.iso(now - 3_600_000), source: 'patrol North 3', origin: 'patrol log 26-1107', lawful: true },
      grade: { reliability: 'B', credibility: 2 }, marking: { tlp: 'TLP:GREEN', owner: null, releasable_to: [], named: [] }, area: null, from: null, until: null, links: [], individual: null,
      review_by: this.iso(now + 30 * DAY_MS), purge_by: this.iso(now + 80 * DAY_MS), ...more,
    };
  }
  put(id, content, by, more = {}) {
    const at = more.at ?? this.iso(Date.now() - 60_000);
    const r = {
      id, version: 1, step: 'raw', content, filed_by: by, filed_at: at, individual_by: content.individual ? by : null, individual_approved: null, purge_asked: null, tombstone: null, at,
      history: [{ version: 1, at, by, what: 'filed', fields: [], grade: content.grade.reliability === 'F' && content.grade.credibility === 6 ? null : [{ reliability: 'F', credibility: 6 }, content.grade], why: '' }], ...more,
    };
    this.reports.set(id, r);
    return r;
  }
  /** Two to begin with: one raw, one vetted that is to be looked at again. */
  scene() {
    this.put(this.uuid(900), this.content(), 'analyst-1');
    const old = this.put(this.uuid(901), this.content({ title: 'Canisters were bought at the market', grade: { reliability: 'C', credibility: 3 }, review_by: this.iso(Date.now() - 3 * DAY_MS) }), 'analyst-1', { step: 'vetted', filed_at: this.iso(Date.now() - 40 * DAY_MS) });
    old.history.push({ version: 1, at: this.iso(Date.now() - 39 * DAY_MS), by: 'analyst-2', what: 'vetted', fields: [], grade: null, why: '' });
    return this;
  }
  named = (id) => (id ? { id, name: this.person(id)?.name ?? id } : null);
  over = (r) => r.content !== null && Date.parse(r.content.purge_by) <= Date.now();
  sight(r, who) {
    if (r.content === null) return has(who, PURGES) ? 'tombstone' : null;
    const m = r.content.marking;
    const released = m.tlp !== 'TLP:RED' || m.named.includes(who.id);
    if (this.over(r)) return has(who, PURGES) ? (released ? 'whole' : 'outline') : null;
    return released && (has(who, [...WRITES, 'auditor']) || (r.purge_asked && has(who, PURGES))) ? 'whole' : null;
  }
  open = (r, who) => r.individual_approved !== null || r.individual_by === who.id || r.content.individual?.approver === who.id;
  refusal(r, act, who) {
    const wrote = [r.filed_by, ...r.history.slice(r.history.map((h) => h.what).lastIndexOf('vetted') + 1).filter((h) => h.what === 'changed').map((h) => h.by)];
    if (r.content === null) return [409, 'purged', 'it is purged already'];
    if (this.over(r) && act !== 'purges') return [409, 'over', `its time was over at ${r.content.purge_by}: it can only be purged (28 CFR 23.20(h))`];
    if (act === 'vettings') {
      if (!has(who, VETS)) return [403, 'forbidden', 'only analysts and supervisors vet reports'];
      if (r.step === 'vetted') return [409, 'already_vetted', 'it is vetted already'];
      if (wrote.includes(who.id)) return [409, 'second_person', 'somebody who did not write at it must vet it'];
      if (r.content.individual && !r.individual_approved) return [409, 'individual_waits', 'what it says about an individual waits for its approver: it is vetted after that (28 CFR 23.20(a), (c))'];
    }
    if (act === 'individual-approvals') {
      if (!r.content.individual || r.individual_approved) return [409, 'nothing_waits', 'nothing about an individual waits here'];
      if (r.content.individual.approver !== who.id) return [403, 'forbidden', 'only the supervisor who is named approves it'];
    }
    if (act === 'reviews') {
      if (!has(who, VETS)) return [403, 'forbidden', 'only analysts and supervisors review reports'];
      if (r.step !== 'vetted') return [409, 'not_vetted', 'somebody else must vet it before a review may keep it longer'];
    }
    if (act === 'purge-requests') {
      if (!has(who, [...WRITES, 'auditor'])) return [403, 'forbidden', 'not yours to ask'];
      if (r.purge_asked) return [409, 'already_asked', 'somebody asked for that already'];
    }
    if (act === 'purges') {
      if (!has(who, PURGES)) return [403, 'forbidden', 'only auditors and administrators purge reports'];
      if (!this.over(r) && !r.purge_asked) return [409, 'not_asked', 'its time is not over, and nobody asked for its purge'];
      if (!this.over(r) && (r.purge_asked.by === who.id || r.filed_by === who.id)) return [409, 'second_person', 'somebody who neither filed it nor asked for its purge must decide that'];
    }
    return null;
  }
  due(r) {
    if (r.content === null) return null;
    if (this.over(r) || r.purge_asked) return 'purge';
    return Date.parse(r.content.review_by) <= Date.now() ? 'review' : null;
  }
  since(r) {
    const due = this.due(r);
    if (due === null) return null;
    if (due === 'review') return r.content.review_by;
    return [this.over(r) ? r.content.purge_by : null, r.purge_asked?.at ?? null].filter(Boolean).sort()[0];
  }
  row(r, who) {
    const sight = this.sight(r, who);
    const c = sight === 'whole' ? r.content : null;
    const due = this.due(r);
    const may = (act) => this.refusal(r, act, who) === null;
    const asks = due === 'purge' ? (may('purges') ? 'purge' : null) : may('individual-approvals') ? 'approve_individual' : may('vettings') ? 'vet' : due === 'review' && may('reviews') ? 'review' : null;
    return {
      report: r.id, version: r.version, step: r.step, sight, title: c?.title ?? null, grade: c?.grade ?? null, marking: c?.marking ?? null, about: c?.about ?? [], kind: c?.provenance.kind ?? null,
      obtained: c?.provenance.obtained ?? null, filed_by: r.filed_by, filed_by_name: this.named(r.filed_by).name, filed_by_agency: 'Sector', filed_at: r.filed_at, at: r.at, review_by: r.content?.review_by ?? null,
      purge_by: r.content?.purge_by ?? null, due, due_since: this.since(r), asks, individual: !r.content?.individual || !c ? 'none' : r.individual_approved ? 'approved' : 'waits', purge_asked: r.purge_asked !== null,
    };
  }
  view(r, who) {
    const row = this.row(r, who);
    const whole = row.sight === 'whole';
    const may = (act) => this.refusal(r, act, who) === null;
    const link = (l) => {
      const other = l.to === 'report' ? this.reports.get(l.id) : null;
      const seen = other?.content && this.sight(other, who) === 'whole';
      return { ...l, title: seen ? other.content.title : l.to === 'report' ? null : `${l.to} ${l.id.slice(-3)}`, grade: seen ? other.content.grade : null };
    };
    const individual = whole ? r.content.individual : null;
    return {
      ...row, content: whole ? { ...r.content, individual: individual && this.open(r, who) ? individual : null } : null,
      individual_by: individual ? this.named(r.individual_by) : null, individual_approver: individual ? this.named(individual.approver) : null, individual_approved_at: individual ? (r.individual_approved?.at ?? null) : null,
      purge_request: whole && r.purge_asked ? { by: this.named(r.purge_asked.by), at: r.purge_asked.at, why: r.purge_asked.why } : null,
      history: r.history.map((h) => ({ version: h.version, at: h.at, by: this.named(h.by), what: h.what, fields: h.fields, grade_from: h.grade?.[0] ?? null, grade_to: h.grade?.[1] ?? null, why: h.why })),
      tombstone: r.tombstone && { ...r.tombstone, asked_by: this.named(r.tombstone.asked_by), approved_by: this.named(r.tombstone.approved_by) },
      links: whole ? r.content.links.map(link) : [],
      linked_by: whole ? [...this.reports.values()].filter((o) => o.content?.links.some((l) => l.id === r.id) && this.sight(o, who) === 'whole').map((o) => link({ to: 'report', id: o.id })) : [],
      cited_by: whole ? (r.cited_by ?? []) : [], no_longer_confirmed: null,
      may: { change: whole && has(who, WRITES) && !this.over(r), vet: may('vettings'), approve_individual: may('individual-approvals'), review: may('reviews'), ask_purge: may('purge-requests'), purge: may('purges') },
    };
  }
  /** What a content is refused for, in the words of the API. */
  unfit(c, who, old = null) {
    const out = [];
    if (!c.title) out.push('title: 0 characters; give 1 to 200');
    if (!c.text) out.push('text: 0 characters; give 1 to 10000');
    if (!c.provenance.source) out.push('provenance.source: 0 characters; give 1 to 200');
    if (c.about.length === 0) out.push('about: say at least one thing that it is about');
    if (c.from && c.until && c.from > c.until) out.push('until: it is before from');
    if (out.length > 0) return [422, 'unfit', out.join('\n')];
    if (!c.provenance.lawful) return [422, 'not_lawful', 'provenance.lawful: nothing is kept unless whoever files it affirms that it was obtained lawfully (28 CFR 23.20(d))'];
    if (old && (c.review_by > old.review_by || c.purge_by > old.purge_by)) return [422, 'later_dates', 'review_by, purge_by: a change keeps nothing for longer; a review does (28 CFR 23.20(h))'];
    if (c.review_by > c.purge_by) return [422, 'bad_dates', 'review_by: it would be gone by then; it is looked at again before it goes (28 CFR 23.20(h))'];
    if (!old && Date.parse(c.purge_by) > Date.now() + 90 * DAY_MS) return [422, 'tips_time', 'purge_by: until somebody else has vetted it, a report is kept for at most 90 days; a review after that may keep it longer'];
    if (c.individual && !c.individual.basis) return [422, 'no_basis', 'individual.basis: say why they are reasonably suspected of which crime; without that nothing is kept about an individual (28 CFR 23.20(a), (c))'];
    if (c.individual?.approver === who.id) return [422, 'own_approver', 'individual.approver: somebody else must approve what you keep about an individual (28 CFR 23.20(a), (c))'];
    if (c.grade.credibility === 1 && c.links.filter((l) => l.to === 'report').length < 2) return [422, 'not_independent', 'grade: credibility 1 needs two linked reports of independent sources (FM 2-22.3, table B-2): it links 0; link them, or grade it 2'];
    return null;
  }
  tell(r, saw = () => false) {
    this.push('intelligence', (me) => (this.sight(r, me) ? { report: r.id, version: r.version, step: r.step, gone: false } : { report: r.id, version: null, step: null, gone: true }), true, (me) => this.sight(r, me) !== null || saw(me));
  }

  /** Answers a call about reports; `false` when it is about something else. */
  take(req, url, parts, body, who, { json, problem, answer }) {
    if (parts[0] !== 'intelligence') return false;
    if (!has(who, [...WRITES, ...PURGES])) return problem(403, 'forbidden', 'Not for your roles.');
    const at = this.iso();
    if (parts[1] === 'choices') {
      return json({ agencies: this.agencies, approvers: ['lead-1', 'lead-2'].filter((p) => p !== who.id).map((id) => ({ ...this.named(id), agency: 'Sector' })) });
    }
    if (parts.length === 1 && req.method === 'GET') {
      const q = url.searchParams;
      const fit = [...this.reports.values()].filter((r) => this.sight(r, who) !== null && (q.get('due') ? this.due(r) === q.get('due') : q.get('step') ? r.step === q.get('step') : r.step !== 'purged'));
      const key = (r) => (q.get('due') ? this.since(r) : r.filed_at);
      fit.sort((a, b) => (q.get('due') ? key(a).localeCompare(key(b)) : key(b).localeCompare(key(a))) || a.id.localeCompare(b.id));
      const from = Number(q.get('cursor') ?? 0);
      const limit = Number(q.get('limit') ?? 200);
      return json({ items: fit.slice(from, from + limit).map((r) => this.row(r, who)), next: from + limit < fit.length ? String(from + limit) : null });
    }
    if (parts.length === 1) {
      const bad = this.unfit(body.content, who);
      if (bad) return problem(...bad);
      const r = this.put(body.id, body.content, who.id, { filed_at: at, at });
      this.tell(r);
      if (this.lost > 0) {
        this.lost -= 1;
        req.socket.destroy();
        return undefined;
      }
      return answer(this.view(r, who), 201);
    }
    const r = this.reports.get(parts[1]);
    if (!r || this.sight(r, who) === null) return problem(404, 'not_found', 'There is no such report.');
    if (parts.length === 2) return json(this.view(r, who));
    const saw = new Set(['analyst-1', 'analyst-2', 'watch-1', 'lead-1', 'lead-2', 'auditor-1'].filter((p) => this.sight(r, this.person(p))));
    const did = (what, more = {}) => r.history.push({ version: r.version, at, by: who.id, what, fields: [], grade: null, why: body.why ?? '', ...more });
    if (parts[2] === 'versions') {
      if (!has(who, WRITES)) return problem(403, 'forbidden', 'only analysts, watch and supervisors write reports');
      if (body.read !== r.version) return problem(409, 'changed', `it was changed since you read it: it is version ${r.version} now`);
      const c = { ...body.content, individual: body.content.individual ?? (this.open(r, who) ? null : r.content.individual) };
      const bad = this.unfit(c, who, r.content);
      if (bad) return problem(...bad);
      const fields = Object.keys(c).filter((k) => JSON.stringify(c[k]) !== JSON.stringify(r.content[k]));
      if (fields.length === 0) return problem(409, 'nothing_changes', 'it says the same already');
      const grade = fields.includes('grade') ? [r.content.grade, c.grade] : null;
      if (fields.includes('individual')) Object.assign(r, { individual_by: c.individual ? who.id : null, individual_approved: null });
      Object.assign(r, { version: r.version + 1, content: c, at, step: fields.some((f) => UNVETS.includes(f)) ? 'raw' : r.step });
      did('changed', { version: r.version, fields, grade });
      answer(this.view(r, who), 201);
      this.tell(r, (me) => saw.has(me.id));
      return undefined;
    }
    const no = this.refusal(r, parts[2], who);
    if (no) return problem(...no);
    if (body.read !== undefined && body.read !== r.version) return problem(409, 'changed', `it was changed since you read it: it is version ${r.version} now`);
    if (['reviews', 'purge-requests', 'purges'].includes(parts[2]) && !body.why) return problem(422, 'why', 'say why, in 1 to 500 characters');
    if (parts[2] === 'vettings') { r.step = 'vetted'; did('vetted'); }
    if (parts[2] === 'individual-approvals') { r.individual_approved = { by: who.id, at }; did('individual_approved'); }
    if (parts[2] === 'reviews') {
      if (Date.parse(body.purge_by) > Date.now() + 1_826 * DAY_MS) return problem(422, 'kept_too_long', 'purge_by: nothing is kept over five years without a review; give 2031-11-26T00:00:00Z or earlier (28 CFR 23.20(h))');
      Object.assign(r, { version: r.version + 1, purge_asked: null, content: { ...r.content, review_by: body.review_by, purge_by: body.purge_by } });
      did('reviewed', { version: r.version, fields: ['review_by', 'purge_by'] });
    }
    if (parts[2] === 'purge-requests') { r.purge_asked = { by: who.id, at, why: body.why }; did('purge_asked'); }
    if (parts[2] === 'purges') {
      r.tombstone = { sha256: randomBytes(32).toString('hex'), why: body.why, asked_by: r.purge_asked?.by ?? null, approved_by: who.id, at };
      Object.assign(r, { step: 'purged', content: null, purge_asked: null });
      did('purged');
      for (const h of r.history) h.why = '';
    }
    r.at = at;
    answer(this.view(r, who));
    this.tell(r, (me) => saw.has(me.id));
    return undefined;
  }
}
