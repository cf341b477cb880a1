import { describe, expect, test } from 'vitest';
import { csv, deedName, timeOf, whatName } from '../office/audit';
import type { AuditRow } from '../shared/types';

const row = (over: Partial<AuditRow> = {}): AuditRow => ({
  entry: 7, recorded_at: '2026-11-26T15:00:01Z', by: { id: 'north', name: 'North desk' }, deed: 'read_positions', what: 'GET /api/v1/people',
  about: [{ id: 'a1', name: 'A1' }, { id: 'a2', name: 'A2' }], everybody: false, session: '0123456789abcdef', first: '2026-11-26T15:00:00Z',
  last: '2026-11-26T15:00:00Z', times: 1, ...over,
});

describe('the audit in words', () => {
  test('what was read', () => {
    for (const [what, words] of [
      ['GET /api/v1/people', 'the list of people'],
      ['GET /api/v1/events, everybody', 'the live page (event stream)'],
      ['GET /api/v1/events, still open, everybody', 'the live page (event stream), still open'],
      ['GET /api/v1/events, ended', 'the live page (event stream), ended'],
      ['GET /api/v1/sightings/018f', 'report 018f'],
      ['GET /api/v1/audit?about=a1&deed=read_positions', 'this audit (about=a1, deed=read_positions)'],
      ['GET /api/v1/audit?from=%zz', 'this audit (from=%zz)'],
      ['GET /api/v1/search', 'what a search found'],
      ['GET /api/v1/searches/018f/hits', 'what fits a kept search'],
      ['GET /api/v1/sources', 'GET /api/v1/sources'],
      ['agent-9', 'agent-9'],
    ] as const) expect(whatName(what)).toBe(words);
    expect([deedName('read_positions'), deedName('something_new')]).toEqual(['read where people are', 'something new']);
  });
  test('as CSV: one line a row, quoted, and no formula for a spreadsheet', () => {
    const lines = csv([row(), row({ by: { id: 'x', name: '=HYPERLINK("http://x")' }, about: [], everybody: true, session: null })]).split('\r\n');
    expect(lines[0]).toBe('first,last,times,by,by_name,deed,what,about,everybody,session,recorded_at,entry');
    expect(lines[1]).toBe('2026-11-26T15:00:00Z,2026-11-26T15:00:00Z,1,north,North desk,read_positions,GET /api/v1/people,a1 a2,false,0123456789abcdef,2026-11-26T15:00:01Z,7');
    expect(lines[2]).toContain(`,x,"'=HYPERLINK(""http://x"")",`);
    expect(lines.at(-1)).toBe('');
  });
  test('a day and time of this machine is sent as UTC', () => {
    expect([timeOf(''), timeOf('nonsense')]).toEqual([undefined, undefined]);
    expect(timeOf('2026-11-26T15:00')).toBe(new Date(2026, 10, 26, 15, 0).toISOString());
  });
});
