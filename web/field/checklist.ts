// A bulletin's checklist on the phone: what this person has ticked, from what the centre shows, what it answered and what
// still waits on the phone. Pure, so that it is tested.
import type { OutboxItem } from '../shared/outbox';
import type { BulletinNotice, Measure, NoticeView } from '../shared/types';

export interface Checklist {
  measures: Measure[];
  /** Ids of what is done. */
  done: ReadonlySet<string>;
  /** The last tick waits on this phone. */
  kept: boolean;
  /** Why the centre did not take the last tick, in its words; empty where it did. */
  refused: string;
}

/** Where an act about a version goes to. */
export const measuresPath = (notice: string, version: number): string => `/notices/${notice}/versions/${version}/measures`;

const listOf = (body: Record<string, unknown>): string[] => (Array.isArray(body['done']) ? body['done'].filter((x) => typeof x === 'string') : []);

/** `answered` holds the last list that the centre took, by notice, until its own word comes. A tick of an older version still
 *  counts for what stands on the new list, as at the centre. */
export function checklist(view: NoticeView<BulletinNotice>, me: string, items: readonly OutboxItem[], answered: ReadonlyMap<string, readonly string[]>): Checklist {
  const n = view.notice;
  const measures = n.sheet?.measures ?? [];
  const theirs = items.filter((i) => i.kind === 'measures' && i.person === me && i.path.startsWith(`/notices/${n.id}/versions/`));
  const last = theirs.at(-1);
  const waiting = theirs.filter((i) => i.state === 'waiting').at(-1);
  const done = waiting ? listOf(waiting.body) : (answered.get(n.id) ?? view.recipients.find((r) => r.person === me)?.done ?? []);
  const on = new Set(measures.map((m) => m.id));
  const current = last?.state === 'refused' && last.path === measuresPath(n.id, n.version);
  return { measures, done: new Set(done.filter((id) => on.has(id))), kept: waiting !== undefined, refused: current ? last?.refusal?.detail || last?.refusal?.code || '' : '' };
}

/** The list after one tick more or less, in the order of the checklist. */
export const ticked = (c: Checklist, id: string, on: boolean): string[] => c.measures.map((m) => m.id).filter((m) => (m === id ? on : c.done.has(m)));
