// The board of a notice in words and figures: bars, who comes next in a call-round, and CSV. Pure, so that it is tested.
import type { BoardRow, BoardState, CallStatus, Next, NoticeCounts, NoticeView } from '../shared/types';

export const STATES: readonly { state: BoardState; says: string; count: (c: NoticeCounts) => number | null; bad?: boolean }[] = [
  { state: 'silent', says: 'Silent: call', count: (c) => c.silent, bad: true },
  { state: 'escalated', says: 'Escalated', count: (c) => c.escalated, bad: true },
  { state: 'unreachable', says: 'Not reachable', count: (c) => c.unreachable, bad: true },
  { state: 'owing', says: 'Not acknowledged', count: (c) => c.owing },
  { state: 'acknowledged', says: 'Acknowledged', count: (c) => c.acknowledged },
  { state: 'queued', says: 'Waiting for a way', count: (c) => c.queued },
  { state: 'sent', says: 'Sent only', count: (c) => c.sent },
  { state: 'delivered', says: 'Delivered', count: (c) => c.delivered },
  { state: 'shown', says: 'Shown', count: (c) => c.shown },
  { state: 'excused', says: 'Excused', count: (c) => c.excused },
  { state: 'trouble', says: 'In trouble', count: () => null },
];
export const CALLS: readonly { status: CallStatus; key: string; says: string; done: string }[] = [
  { status: 'acknowledged', key: '1', says: 'They know now', done: 'knows now' },
  { status: 'no_answer', key: '2', says: 'No answer', done: 'did not answer' },
  { status: 'unavailable', key: '3', says: 'Off duty or away', done: 'is off duty or away' },
];
export const callName = (s: CallStatus): string => ({ acknowledged: 'said that they know', no_answer: 'no answer', unavailable: 'off duty or away' })[s] ?? s;

const NEXT: Record<Next['what'], string> = {
  receipt: 'the next way is tried', retry: 'it is sent again', remind: 'they are reminded', escalate: 'their leader is told', lapse: 'they are asked again',
  forget: 'the board is put away',
};
/** What comes next by itself, in words. */
export const nextName = (n: Next): string => NEXT[n.what] ?? n.what;

/** Parts of a bar, as shares of all: acknowledged, excused, still waited for, silent or escalated. */
export function bar(c: NoticeCounts): { what: 'done' | 'excused' | 'waits' | 'bad'; share: number; people: number }[] {
  const of = Math.max(1, c.recipients);
  const bad = Math.min(c.owing, Math.max(c.silent, c.escalated));
  const parts = [
    { what: 'done' as const, people: c.acknowledged },
    { what: 'excused' as const, people: c.excused },
    { what: 'waits' as const, people: Math.max(0, c.owing - bad) },
    { what: 'bad' as const, people: bad },
  ];
  return parts.map((p) => ({ ...p, share: Math.min(1, p.people / of) })).filter((p) => p.people > 0);
}

/** Rows with what an event of the notice says of them; the order stays. */
export function merged(rows: readonly BoardRow[], view: Pick<NoticeView, 'recipients'>): BoardRow[] {
  const news = new Map(view.recipients.map((r) => [r.person, r]));
  return rows.map((row) => {
    const r = news.get(row.person);
    if (!r) return row;
    return {
      ...row, reached: r.reached, channel: r.channel, acknowledged_at: r.acknowledged_at, owes: r.owes ?? row.owes, escalated_to: r.escalated_to,
      escalated_to_name: r.escalated_to === row.escalated_to ? row.escalated_to_name : null, silent: r.silent, trouble: r.trouble, may_repeat: r.may_repeat,
      attempts: r.attempts ?? row.attempts, reminder: r.reminder ?? row.reminder, done: r.done ?? row.done,
    };
  });
}

/** Somebody must do something about them. */
export const needsCall = (r: BoardRow): boolean => r.owes && (r.silent || r.escalated_to !== null || r.trouble !== null);

/** The next person to call after `at` (from the start where it is null), going round; null when nobody is left. */
export function nextToCall(rows: readonly BoardRow[], at: string | null, by: 1 | -1 = 1): string | null {
  const from = rows.findIndex((r) => r.person === at);
  for (let k = 1; k <= rows.length; k += 1) {
    const i = (((from < 0 ? (by > 0 ? -1 : 0) : from) + by * k) % rows.length + rows.length) % rows.length;
    const row = rows[i]!;
    if (row.person !== at && row.owes) return row.person;
  }
  return null;
}

const COLUMNS = [
  'person', 'name', 'unit', 'agency', 'rule', 'state', 'reached', 'channel', 'attempts', 'acknowledged_at', 'acknowledged_via', 'acknowledged_by', 'call', 'called_by', 'called_at',
  'escalated_to', 'trouble', 'why', 'next', 'next_at',
] as const;
/** How a person stands, in one word. */
export const stateOf = (r: BoardRow): string =>
  r.acknowledged_at !== null ? 'acknowledged' : r.call?.status === 'unavailable' ? 'excused' : r.silent ? 'silent' : r.owes && r.escalated_to !== null ? 'escalated' : r.owes ? 'owing' : 'not_asked';
/** The rows' ticks as a question: who has done a measure, or has not. */
export interface Ticked {
  measure: string;
  is: 'done' | 'not_done';
}
/** RFC 4180, with a column for each measure of the checklist; a cell that a spreadsheet would take for a formula is quoted with '. */
export function csv(rows: readonly BoardRow[], measures: readonly string[] = []): string {
  const cell = (v: string | null): string => {
    const text = v === null ? '' : /^[=+\-@\t\r]/.test(v) ? `'${v}` : v;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const line = (r: BoardRow): string =>
    [
      r.person, r.name, r.unit, r.agency, r.rule, stateOf(r), r.reached, r.channel, String(r.attempts), r.acknowledged_at, r.acknowledged_via, r.acknowledged_by,
      r.call?.status ?? null, r.call?.by ?? null, r.call?.at ?? null, r.escalated_to, r.trouble, r.why, r.next?.what ?? null, r.next?.at ?? null,
      ...measures.map((m) => (r.done.includes(m) ? 'yes' : 'no')),
    ].map(cell).join(',');
  return [[...COLUMNS, ...measures.map((m) => `measure:${m}`)].join(','), ...rows.map(line)].join('\r\n') + '\r\n';
}
