import { describe, expect, test } from 'vitest';
import type { OutboxItem } from '../shared/outbox';
import type { BulletinNotice, NoticeView } from '../shared/types';
import { checklist, measuresPath, ticked } from './checklist';

const text = { en: 'x', es: '' };
const view = (done?: string[], version = 1, ids = ['cover', 'kit']): NoticeView<BulletinNotice> => ({
  notice: { id: 'b', version, sheet: { measures: ids.map((id) => ({ id, text })) } }, recipients: [{ person: 'me', ...(done ? { done } : {}) }],
}) as unknown as NoticeView<BulletinNotice>;
const item = (done: string[], more: Partial<OutboxItem> = {}): OutboxItem =>
  ({ kind: 'measures', person: 'me', path: measuresPath('b', 1), body: { id: 'i', done }, state: 'waiting', refusal: null, ...more }) as OutboxItem;
const none = new Map<string, string[]>();

describe('a checklist', () => {
  test('shows what the centre has, over that its last answer, over that what waits on the phone', () => {
    expect([...checklist(view(['kit']), 'me', [], none).done]).toEqual(['kit']);
    expect([...checklist(view(['kit']), 'me', [], new Map([['b', ['cover']]])).done]).toEqual(['cover']);
    const c = checklist(view(['kit']), 'me', [item(['kit']), item(['cover', 'kit']), item([], { person: 'another' })], new Map([['b', ['cover']]]));
    expect([[...c.done], c.kept, c.refused]).toEqual([['cover', 'kit'], true, '']);
    expect(checklist(view(), 'me', [], none).done.size).toBe(0);
  });
  test('keeps ticks over a new version for what still stands on it, and says why one was refused only of its own version', () => {
    expect([...checklist(view(['cover', 'kit'], 2, ['kit', 'armour']), 'me', [], none).done]).toEqual(['kit']);
    const refused = item(['kit'], { state: 'refused', refusal: { status: 409, code: 'superseded', detail: 'a newer version took its place', at: '' } });
    expect(checklist(view([]), 'me', [refused], none).refused).toBe('a newer version took its place');
    expect(checklist(view([], 2), 'me', [refused], none).refused).toBe('');
    expect(checklist(view([]), 'me', [refused, item(['kit'])], none).refused).toBe('');
  });
  test('is sent whole at each tick', () => {
    const c = checklist(view(['kit']), 'me', [], none);
    expect([ticked(c, 'cover', true), ticked(c, 'kit', false), ticked(c, 'kit', true)]).toEqual([['cover', 'kit'], [], ['kit']]);
  });
});
