// The event stream for a page of the office that is live: what it asks for, whether the centre is heard, and whether
// something waits for the reader themself, since this page does not alarm.
import { type Connection, EventStream } from '../shared/events';
import { isOver } from '../shared/notice';
import { gone } from './gone.svelte';
import { kept } from './kept.svelte';
import type { EventData, EventName, NoticeView } from '../shared/types';

/** Connected later than this, what the page read at its start may be older than what was told before. */
const LATE_MS = 2_000;

type Take = { [N in EventName]?: (data: EventData[N]) => void };

export class Live {
  connection = $state.raw<Connection>({ is: 'connecting' });
  /** The centre's clock, ms, renewed each half second. */
  now = $state(Date.now());
  /** Notices that wait for the reader's own acknowledgement. */
  waiting = $state.raw<ReadonlySet<string>>(new Set());
  #stream: EventStream;
  #timer: ReturnType<typeof setInterval> | null = null;
  /** Before this moment of the running clock a first connection is in time. */
  #inTime = Infinity;

  /** `again` is called when everything must be read anew: at the start, and when something may have been missed. */
  constructor(me: string, take: Take, again: () => void) {
    this.#stream = new EventStream({
      on: (name, data) => {
        if (name === 'hello' || name === 'reset') again();
        // What the menu says of kept searches; that event is not sent again, so after a gap they are read.
        if (name === 'search') kept.heard(data as EventData['search']);
        if (name === 'hello' || name === 'reset') void kept.read();
        if (name === 'intelligence') gone.take(data as EventData['intelligence']);
        if (name === 'hello' || name === 'reset') {
          if (performance.now() > this.#inTime) gone.gaps += 1;
          this.#inTime = 0;
          void gone.check(me);
        }
        if (name === 'notice') this.#noteMine(data as NoticeView, me);
        (take[name] as ((d: typeof data) => void) | undefined)?.(data);
      },
      onConnection: (c) => (this.connection = c),
    });
  }
  start(): void {
    this.#inTime = performance.now() + LATE_MS;
    this.#stream.start();
    this.#timer = setInterval(() => (this.now = Date.now() + this.#stream.clockOffsetMs), 500);
  }
  stop(): void {
    this.#stream.stop();
    if (this.#timer !== null) clearInterval(this.#timer);
  }
  #noteMine(v: NoticeView, me: string): void {
    const owes = v.mine && !isOver(v.notice, this.now) && (v.recipients.find((r) => r.person === me)?.owes ?? (v.notice.needs_ack && !v.acknowledged));
    if (owes === this.waiting.has(v.notice.id)) return;
    const next = new Set(this.waiting);
    if (owes) next.add(v.notice.id);
    else next.delete(v.notice.id);
    this.waiting = next;
  }
}
