// Reports as they come to a page: by the stream, and as answers that may be older than what the stream told meanwhile.
import type { SightingView } from './types';

const ms = (time: string | null): number => (time === null ? 0 : Date.parse(time));

/** Of two views of one report the later one. A decision, a retraction and who has seen it are never taken back: an answer
 *  that is without them was written before. */
export function laterSighting(held: SightingView | undefined, came: SightingView): SightingView {
  if (held === undefined) return came;
  const older = ms(held.decided_at) > ms(came.decided_at) || (held.retracted_at !== null && came.retracted_at === null);
  const [last, first] = older ? [held, came] : [came, held];
  return { ...last, seen_by_centre: last.seen_by_centre ?? first.seen_by_centre, seen_by_leadership: last.seen_by_leadership ?? first.seen_by_leadership };
}
