import { describe, expect, test } from 'vitest';
import {
  memoryStore,
  Outbox,
  storeWithSpare,
  unsent,
  type NewItem,
  type OutboxAnswer,
  type OutboxItem,
  type OutboxStore,
  type Surroundings,
} from './outbox';

/** A centre that keeps what it is sent, answers by script, and can lose its answer. */
class Centre {
  /** Bodies taken, by id, in order. */
  taken: { path: string; body: Record<string, unknown> }[] = [];
  asked: { path: string; body: Record<string, unknown> | null }[] = [];
  /** Answers to give before the ordinary ones: a status, or 'lost' (taken, but no answer) or 'cut' (never arrived). */
  script: (number | 'lost' | 'cut' | OutboxAnswer)[] = [];

  request = async (path: string, body: unknown): Promise<OutboxAnswer> => {
    const sent = body as Record<string, unknown> | null;
    this.asked.push({ path, body: sent });
    if (sent === null) {
      const found = this.taken.find((t) => path === `/sightings/${String(t.body.id)}`);
      return found ? { status: 200, retryAfterS: null, json: { sighting: found.body } } : problem(404, 'not_found');
    }
    const next = this.script.shift();
    if (next === 'cut') throw new TypeError('network');
    if (typeof next === 'object') return next;
    if (typeof next === 'number') return problem(next, `code_${next}`);
    const before = this.taken.find((t) => t.body.id === sent.id);
    if (before && JSON.stringify(before.body) !== JSON.stringify(sent)) return problem(409, 'id_reused');
    if (!before) this.taken.push({ path, body: sent });
    if (next === 'lost') throw new TypeError('network');
    return { status: 201, retryAfterS: null, json: { id: sent.id } };
  };
}

const problem = (status: number, code: string, retryAfterS: number | null = null): OutboxAnswer => ({
  status,
  retryAfterS,
  json: { code, detail: `because ${code}`, status },
});

class World {
  at = 1_700_000_000_000;
  timers: { at: number; then: () => void }[] = [];
  ids = 0;
  taken: string[] = [];
  refused: OutboxItem[] = [];
  signedOut = 0;
  outbox: Outbox;

  constructor(
    readonly centre: Centre,
    readonly store: OutboxStore,
  ) {
    const surroundings: Surroundings = {
      store,
      request: centre.request,
      now: () => this.at,
      later: (ms, then) => {
        const timer = { at: this.at + ms, then };
        this.timers.push(timer);
        return () => void (this.timers = this.timers.filter((t) => t !== timer));
      },
      random: () => 1,
      makeId: () => `fresh-${(this.ids += 1)}`,
    };
    this.outbox = new Outbox(surroundings, {
      taken: (item) => void this.taken.push(item.id),
      refused: (item) => void this.refused.push(item),
      signedOut: () => void (this.signedOut += 1),
    });
  }

  /** Lets so many milliseconds pass, and whatever is due run. */
  async pass(ms: number): Promise<void> {
    this.at += ms;
    const due = this.timers.filter((t) => t.at <= this.at);
    this.timers = this.timers.filter((t) => t.at > this.at);
    due.forEach((t) => t.then());
    await this.outbox.flush();
  }
}

const report = (id: string, more: Partial<NewItem> = {}): NewItem => ({
  id,
  kind: 'sighting',
  person: 'agent-1',
  path: '/sightings',
  body: { id, kind: 'fpv', first_seen: '2026-01-01T00:00:00Z' },
  stamp: 'sent_at',
  check: `/sightings/${id}`,
  ...more,
});
const acknowledgement = (id: string): NewItem => ({
  id,
  kind: 'acknowledgement',
  person: 'agent-1',
  path: '/notices/n/versions/1/acknowledgements',
  body: { id },
});

async function start(script: Centre['script'] = [], store = memoryStore()): Promise<World & { centre: Centre }> {
  const centre = new Centre();
  centre.script = script;
  const world = new World(centre, store);
  await world.outbox.open();
  world.outbox.signIn('agent-1');
  await world.outbox.flush();
  return world;
}

describe('sending', () => {
  test('what is made offline goes in the order in which it was made, once, with its own times', async () => {
    const w = await start(['cut']);
    await w.outbox.add(report('a'));
    await w.outbox.add(acknowledgement('b'));
    await w.outbox.add({ ...report('c'), kind: 'retraction', path: '/sightings/a/retraction', body: { id: 'c' }, stamp: null, check: null, after: 'a' });
    await w.outbox.flush();
    expect(w.centre.taken).toEqual([]);
    expect(unsent(w.outbox.items, 'agent-1')).toBe(3);
    await w.pass(10_000);
    expect(w.centre.taken.map((t) => t.body.id)).toEqual(['a', 'b', 'c']);
    expect(w.centre.taken[0]!.body.first_seen).toBe('2026-01-01T00:00:00Z');
    expect(w.taken).toEqual(['a', 'b', 'c']);
    expect(w.outbox.items).toEqual([]);
  });

  test('the clock of sending is set at the attempt that gets through, not when the report was made', async () => {
    const w = await start(['cut']);
    await w.outbox.add(report('a'));
    await w.outbox.flush();
    await w.pass(3_600_000);
    expect(w.centre.taken[0]!.body.sent_at).toBe(new Date(w.at).toISOString());
  });

  test('an item leaves only after a 2xx of the centre', async () => {
    for (const answer of [
      500, 502, 503, 507, 429, 408, 'cut', 'lost',
      { status: 200, retryAfterS: null, json: null }, // a sign-in page of a hotel
      { status: 302, retryAfterS: null, json: null },
    ] as Centre['script']) {
      const w = await start([answer]);
      await w.outbox.add(report('a'));
      await w.outbox.flush();
      expect(w.outbox.items.map((i) => [i.id, i.state]), JSON.stringify(answer)).toEqual([['a', 'waiting']]);
      await w.pass(60_000);
      expect(w.outbox.items, JSON.stringify(answer)).toEqual([]);
      expect(w.centre.taken.map((t) => t.body.id)).toEqual(['a']);
    }
  });

  test('nothing is lost or doubled over random answers, cuts and restarts', async () => {
    let seed = 7;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let round = 0; round < 40; round += 1) {
      const store = memoryStore();
      const choices = [500, 503, 507, 429, 'cut', 'lost', 'cut', 'lost'] as const;
      let w = await start(Array.from({ length: 30 }, () => choices[Math.floor(random() * choices.length)]!), store);
      const ids = Array.from({ length: 6 }, (_, k) => `r${round}-${k}`);
      for (const id of ids) {
        await w.outbox.add(report(id));
        if (random() < 0.5) await w.pass(random() * 20_000);
        if (random() < 0.3) {
          const next = new World(w.centre, store);
          next.at = w.at;
          await next.outbox.open();
          next.outbox.signIn('agent-1');
          w = next;
        }
      }
      for (let k = 0; k < 60 && w.outbox.items.length > 0; k += 1) await w.pass(31_000);
      expect(w.outbox.items).toEqual([]);
      expect(w.centre.taken.map((t) => t.body.id).sort()).toEqual([...ids].sort());
      expect(w.refused).toEqual([]);
    }
  });

  test('the wait doubles to 30 s, and a sign of life ends it at once', async () => {
    const w = await start(Array.from({ length: 8 }, () => 'cut' as const));
    await w.outbox.add(report('a'));
    await w.outbox.flush();
    const waits: number[] = [];
    for (let k = 0; k < 6; k += 1) {
      const due = Math.min(...w.timers.map((t) => t.at)) - w.at;
      waits.push(due);
      await w.pass(due);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
    w.centre.script = [];
    w.outbox.hasten();
    await w.outbox.flush();
    expect(w.outbox.items).toEqual([]);
  });

  test('Retry-After is kept, even when a sign of life comes sooner', async () => {
    for (const status of [503, 507]) {
      const w = await start([problem(status, 'full', 120)]);
      await w.outbox.add(report('a'));
      await w.outbox.flush();
      w.outbox.hasten();
      await w.pass(119_000);
      expect(w.centre.asked.length).toBe(1);
      await w.pass(1_000);
      expect(w.centre.taken.length).toBe(1);
    }
  });

  test('an item at which the centre fails lets others pass after three times, but not its own retraction', async () => {
    const w = await start([500, 500, 500]);
    await w.outbox.add(report('a'));
    await w.outbox.add({ ...report('b'), path: '/sightings/a/retraction', body: { id: 'b' }, stamp: null, check: null, after: 'a' });
    await w.outbox.add(acknowledgement('c'));
    await w.outbox.flush();
    await w.pass(1_000);
    expect(w.centre.taken).toEqual([]);
    await w.pass(2_000);
    expect(w.taken).toEqual(['c']);
    await w.pass(10_000);
    expect(w.taken).toEqual(['c', 'a', 'b']);
  });
});

describe('an answer that was lost', () => {
  test('a report that did get through is not sent again', async () => {
    const w = await start(['lost']);
    await w.outbox.add(report('a'));
    await w.outbox.flush();
    await w.pass(5_000);
    expect(w.taken).toEqual(['a']);
    expect(w.centre.asked.filter((x) => x.body !== null).length).toBe(1);
  });

  test('a 409 over the very same report counts as taken', async () => {
    const w = await start();
    w.centre.taken.push({ path: '/sightings', body: { id: 'a', kind: 'fpv', first_seen: 'corrected', sent_at: 'then' } });
    await w.outbox.add(report('a'));
    await w.outbox.flush();
    expect(w.taken).toEqual(['a']);
    expect(w.refused).toEqual([]);
  });

  test('a 409 over another report is shown, kept, and can be sent under a new id', async () => {
    const w = await start();
    w.centre.taken.push({ path: '/sightings', body: { id: 'a', kind: 'multirotor' } });
    await w.outbox.add(report('a'));
    await w.outbox.flush();
    expect(w.refused.map((i) => [i.id, i.refusal?.status, i.refusal?.code])).toEqual([['a', 409, 'id_reused']]);
    expect(w.outbox.items.length).toBe(1);
    await w.outbox.tryAgain(w.outbox.items[0]!.seq);
    await w.outbox.flush();
    expect(w.centre.taken.map((t) => [t.body.id, t.body.kind])).toEqual([['a', 'multirotor'], ['fresh-1', 'fpv']]);
    expect(w.outbox.items).toEqual([]);
  });
});

describe('refusals', () => {
  test('are kept with their reason until the person lets them go, and do not stop what is behind', async () => {
    for (const status of [400, 403, 404, 410, 413, 422]) {
      const w = await start([status]);
      await w.outbox.add(report('a'));
      await w.outbox.add(report('b'));
      await w.outbox.flush();
      expect(w.taken).toEqual(['b']);
      expect(w.outbox.items.map((i) => [i.id, i.state, i.refusal?.detail])).toEqual([['a', 'refused', `because code_${status}`]]);
      await w.pass(1_000_000);
      expect(w.outbox.items.length).toBe(1);
      await w.outbox.letGo(w.outbox.items[0]!.seq);
      expect(w.outbox.items).toEqual([]);
    }
  });

  test('a retraction of a refused report is not sent', async () => {
    const w = await start([422]);
    await w.outbox.add(report('a'));
    await w.outbox.add({ ...report('b'), kind: 'retraction', path: '/sightings/a/retraction', body: { id: 'b' }, stamp: null, check: null, after: 'a' });
    await w.outbox.flush();
    expect(w.centre.asked.length).toBe(1);
    expect(w.outbox.items.map((i) => i.refusal?.code)).toEqual(['code_422', 'depends']);
  });

  test('what the page made by itself is let go when refused, and never counted', async () => {
    const w = await start([404]);
    await w.outbox.add({ ...acknowledgement('a'), kind: 'receipt', quiet: true });
    expect(unsent(w.outbox.items, 'agent-1')).toBe(0);
    await w.outbox.flush();
    expect(w.outbox.items).toEqual([]);
  });
});

describe('who and where', () => {
  test('what waits survives a restart of the page', async () => {
    const store = memoryStore();
    const first = await start(['cut'], store);
    await first.outbox.add(report('a'));
    await first.outbox.flush();
    const second = new World(first.centre, store);
    await second.outbox.open();
    expect(unsent(second.outbox.items, 'agent-1')).toBe(1);
    expect(second.outbox.items[0]!.made_at).toBe('2023-11-14T22:13:20.000Z');
    second.outbox.signIn('agent-1');
    await second.outbox.flush();
    expect(second.centre.taken.length).toBe(1);
  });

  test('items of another person wait until that person signs in', async () => {
    const w = await start();
    w.outbox.signIn('agent-2');
    await w.outbox.add(report('a'));
    await w.outbox.flush();
    expect(w.centre.asked).toEqual([]);
    w.outbox.signIn('agent-1');
    await w.outbox.flush();
    expect(w.taken).toEqual(['a']);
  });

  test('a lost session keeps everything and asks to sign in', async () => {
    const w = await start([401]);
    await w.outbox.add(report('a'));
    await w.outbox.flush();
    expect(w.signedOut).toBe(1);
    await w.pass(1_000_000);
    expect(w.centre.asked.length).toBe(1);
    w.outbox.signIn('agent-1');
    await w.outbox.flush();
    expect(w.taken).toEqual(['a']);
  });

  test('a device that cannot keep still sends, and says so', async () => {
    let told = 0;
    const full: OutboxStore = { ...memoryStore(), add: () => Promise.reject(new Error('quota')), put: () => Promise.reject(new Error('quota')) };
    const w = await start(['cut'], storeWithSpare(full, () => void (told += 1)));
    await w.outbox.add(report('a'));
    await w.outbox.flush();
    expect(told).toBe(1);
    expect(unsent(w.outbox.items, 'agent-1')).toBe(1);
    await w.pass(5_000);
    expect(w.taken).toEqual(['a']);
    expect(w.outbox.items).toEqual([]);
  });
});
