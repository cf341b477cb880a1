// The event stream (server-sent events): resumes where it broke off, comes back with back-off, and knows how long ago
// the centre was heard. `EventSource` is not used: it hides the status of a refusal and cannot tell silence from quiet.
import { BASE } from './api';
import type { EventData, EventName } from './types';

export interface StreamMessage {
  id: string | null;
  event: string;
  data: string;
}

/** Cuts a stream of text into messages (WHATWG HTML, section 9.2.6); keeps what is not whole yet. */
export class StreamParser {
  private rest = '';
  private event = '';
  private data: string[] = [];
  private id: string | null = null;
  /** Set by a `retry:` field, milliseconds. */
  retryMs: number | null = null;

  /** Bounds a message, so that a broken server cannot fill the memory of a page that is open for days. */
  static readonly MAX_CHARS = 32_000_000;

  push(text: string): StreamMessage[] {
    const out: StreamMessage[] = [];
    this.rest += text;
    if (this.rest.length > StreamParser.MAX_CHARS) throw new Error('an event is too long');
    let from = 0;
    for (;;) {
      const end = this.rest.slice(from).search(/[\r\n]/);
      if (end < 0) break;
      const at = from + end;
      // A carriage return at the very end may be half of a CRLF: wait for more.
      if (this.rest[at] === '\r' && at + 1 === this.rest.length) break;
      const line = this.rest.slice(from, at);
      from = at + (this.rest[at] === '\r' && this.rest[at + 1] === '\n' ? 2 : 1);
      if (line === '') {
        if (this.data.length > 0) out.push({ id: this.id, event: this.event || 'message', data: this.data.join('\n') });
        this.event = '';
        this.data = [];
        this.id = null;
        continue;
      }
      this.field(line);
    }
    this.rest = this.rest.slice(from);
    return out;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (name === 'data') this.data.push(value);
    else if (name === 'event') this.event = value;
    else if (name === 'id' && !value.includes('\0')) this.id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }
}

export type Connection =
  | { is: 'connecting' }
  | { is: 'open' }
  /** Broken off; tries again by itself. */
  | { is: 'lost'; since: number }
  /** The session is over: sign in again. */
  | { is: 'refused'; status: number };

export interface StreamOptions {
  on: <N extends EventName>(name: N, data: EventData[N]) => void;
  onConnection: (c: Connection) => void;
  /** Any byte came. */
  onHeard?: () => void;
  /** No byte for so long means that the connection is dead; the server beats every 2 s. */
  staleAfterMs?: number;
}

const NAMES: ReadonlySet<string> = new Set<EventName>([
  'hello', 'tracks', 'dangers', 'notice', 'bulletin', 'intelligence', 'sighting', 'person', 'alarm', 'shift', 'flood', 'status', 'directory', 'search', 'heartbeat', 'reset',
]);

/** Waiting time before the n-th try (from 1): doubling from 0.5 s to 10 s, spread by ±25 % so that a crowd does not come back at once. */
export function backOffMs(attempt: number, random: number = Math.random()): number {
  return Math.min(10_000, 500 * 2 ** Math.min(attempt - 1, 10)) * (0.75 + random / 2);
}

export class EventStream {
  /** Client clock (ms) at which the centre was last heard; null before the first byte. */
  heardAt: number | null = null;
  /** Server clock minus client clock, ms, from the newest message that carries `now`. */
  clockOffsetMs = 0;
  private lastId: string | null = null;
  private stopped = false;
  private abort: AbortController | null = null;
  private attempt = 0;
  private lostSince: number | null = null;
  private wake: (() => void) | null = null;

  constructor(private readonly options: StreamOptions) {}

  start(): void {
    addEventListener('online', this.hurry);
    void this.run();
  }
  stop(): void {
    this.stopped = true;
    removeEventListener('online', this.hurry);
    this.abort?.abort();
    this.wake?.();
  }
  /** Try again now, for instance since the network came back. */
  readonly hurry = (): void => {
    this.wake?.();
  };
  /** Seconds since the centre was last heard; null when it never was. */
  heardAgo(nowMs: number = Date.now()): number | null {
    return this.heardAt === null ? null : Math.max(0, (nowMs - this.heardAt) / 1000);
  }

  private async run(): Promise<void> {
    this.options.onConnection({ is: 'connecting' });
    while (!this.stopped) {
      const refused = await this.once();
      if (this.stopped) return;
      if (refused !== null) {
        this.options.onConnection({ is: 'refused', status: refused });
        return;
      }
      this.lostSince ??= this.heardAt ?? Date.now();
      this.options.onConnection({ is: 'lost', since: this.lostSince });
      this.attempt += 1;
      await this.pause(backOffMs(this.attempt));
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.wake = done;
    });
  }

  /** One connection until it ends; gives the status where the server refuses this session. */
  private async once(): Promise<number | null> {
    const abort = new AbortController();
    this.abort = abort;
    const stale = this.options.staleAfterMs ?? 8_000;
    let watchdog = setTimeout(() => abort.abort(), stale);
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (this.lastId !== null) headers['Last-Event-ID'] = this.lastId;
      const answer = await fetch(`${BASE}/events`, { headers, credentials: 'same-origin', cache: 'no-store', signal: abort.signal });
      if (answer.status === 401 || answer.status === 403) return answer.status;
      if (!answer.ok || !answer.body) return null;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new StreamParser();
      let opened = false;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return null;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => abort.abort(), stale);
        this.heardAt = Date.now();
        this.options.onHeard?.();
        if (!opened) {
          opened = true;
          this.attempt = 0;
          this.lostSince = null;
          this.options.onConnection({ is: 'open' });
        }
        for (const message of parser.push(value)) this.take(message);
      }
    } catch {
      return null;
    } finally {
      clearTimeout(watchdog);
      abort.abort();
    }
  }

  private take(message: StreamMessage): void {
    if (NAMES.has(message.event)) {
      let data: unknown;
      try {
        data = JSON.parse(message.data);
      } catch {
        return; // not ours to crash on; the next one counts
      }
      if (data === null || typeof data !== 'object') return;
      const now = (data as { now?: unknown }).now;
      if (typeof now === 'string' && !Number.isNaN(Date.parse(now))) this.clockOffsetMs = Date.parse(now) - Date.now();
      this.options.on(message.event as EventName, data as never);
    }
    // After handling: a message that broke us would come again.
    if (message.id !== null) this.lastId = message.id;
  }
}
