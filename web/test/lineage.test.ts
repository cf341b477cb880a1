import { expect, test } from 'vitest';
import { decisionText, lineageText, partName } from '../console/words';
import type { TrackChange } from '../shared/types';

const say = (what: TrackChange): string => lineageText(what, (p) => p.toUpperCase(), (t) => `drone ${t}`);

test('each event of a track is one sentence that says who and why', () => {
  expect(say({ is: 'started', by: 'radar', sources: ['radar-1'] })).toBe('Began with a radar plot from radar-1');
  expect(say({ is: 'started', by: 'direction', sources: ['df-1', 'df-2'] })).toBe('Began where directions from df-1 and df-2 crossed');
  expect(say({ is: 'confirmed', by_desk: true })).toContain('the desk confirmed');
  expect(say({ is: 'named', kind: 'serial', value: 'S2', before: 'S1' })).toBe('Known as serial S2, before that as S1');
  expect(say({ is: 'took_over', track: '1', by: null, why: '' })).toBe('Took over drone 1: the same name and place');
  expect(say({ is: 'merged_into', track: '1', by: 'w', why: 'one light' })).toBe('Ended in drone 1, merged by W: “one light”');
  expect(say({ is: 'split_from', track: '1', part: { of: 'source', source: 'radar-1' }, by: 'w', why: 'two' })).toBe('Split from drone 1 (radar-1) by W: “two”');
  expect(say({ is: 'classified', class: 'bird', affiliation: 'neutral', by: 'w', why: 'flaps' })).toBe('Called bird, harmless by W: “flaps”');
  expect(say({ is: 'classified', class: null, affiliation: null, by: 'w', why: '' })).toBe('W took the classification back');
  expect(say({ is: 'dropped', why: 'silence' })).toBe('Ended: nobody reported it for too long');
});

test('what comes off the air cannot mislead the eye, and what is not known is shown as it is', () => {
  expect(partName({ of: 'identity', kind: 'serial', value: 'A\u202eB' })).toBe('serial A·B');
  expect(say({ is: 'named', kind: 'tak_uid', value: 'X\u0000', before: null })).toBe('Known as tak uid X·');
  expect(decisionText('drone', null)).toBe('drone, kind not known');
  expect(say({ is: 'dropped', why: 'left_the_map' as never })).toBe('Ended: left the map');
});
