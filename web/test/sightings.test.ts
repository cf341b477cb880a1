import { expect, test } from 'vitest';
import { laterSighting } from '../shared/sightings';
import type { SightingView } from '../shared/types';

const view = (more: Partial<SightingView>): SightingView => ({ verdict: { is: 'new' }, decided_at: null, decided_by: null, seen_by_centre: null, seen_by_leadership: null, retracted_at: null, ...more }) as SightingView;
const at = (s: number): string => `2026-11-27T12:00:0${s}Z`;

test('what comes is taken, unless it was written before what is held', () => {
  const fresh = view({});
  const decided = view({ verdict: { is: 'dismissed' }, decided_at: at(1), decided_by: 'watch-1' });
  expect(laterSighting(undefined, fresh)).toBe(fresh);
  expect(laterSighting(fresh, decided).verdict.is).toBe('dismissed');
  // An answer to "seen" that is older than the decision.
  const seen = view({ seen_by_centre: ['watch-2', at(0)] });
  expect(laterSighting(decided, seen)).toMatchObject({ verdict: { is: 'dismissed' }, decided_by: 'watch-1', seen_by_centre: ['watch-2', at(0)] });
  expect(laterSighting(decided, view({ verdict: { is: 'confirmed' }, decided_at: at(2) })).verdict.is).toBe('confirmed');
});

test('what was taken back stays taken back, and who has seen it is not forgotten', () => {
  const back = view({ retracted_at: at(3), seen_by_leadership: ['lead-2', at(1)] });
  expect(laterSighting(back, view({}))).toMatchObject({ retracted_at: at(3), seen_by_leadership: ['lead-2', at(1)] });
  expect(laterSighting(view({ seen_by_centre: ['watch-1', at(1)] }), view({ decided_at: at(2) })).seen_by_centre).toEqual(['watch-1', at(1)]);
});
