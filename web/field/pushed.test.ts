import { expect, test } from 'vitest';
import { read, show, type PushNotice } from './pushed';

const NOW = Date.parse('2026-11-26T12:00:10Z');
const warning: PushNotice = {
  kind: 'notice', id: 'n-1', version: 2, state: 'updated', level: 'urgent', expires_at: '2026-11-26T12:02:00Z', delivery: 'd-1', asks: true, language: 'en',
  exercise: null, may_repeat: false, unrecorded: false, text: 'Drone. 045°, 350 m from you. Take cover now.', mine: true, about: 'Agent 1',
};

test('a warning is loud, with its level in words and its own text', () => {
  expect(show(warning, null, NOW, true)).toEqual({
    title: 'URGENT: drone near you', body: 'Drone. 045°, 350 m from you. Take cover now.\nOpen Skypicket and acknowledge.', lang: 'en', tag: 'n-1', quiet: false,
  });
  const es = show({ ...warning, language: 'es', mine: false, about: 'Puesto 1', text: 'Dron.' }, null, NOW, true);
  expect(es.title).toBe('URGENTE: dron cerca de Puesto 1');
});

test('an exercise says so first, also in a test', () => {
  expect(show({ ...warning, exercise: 'first-light' }, null, NOW, true).title).toBe('EXERCISE · URGENT: drone near you');
  expect(show({ ...warning, exercise: 'first-light', language: 'es' }, null, NOW, true).title).toMatch(/^EJERCICIO · URGENTE/);
  expect(show({ kind: 'test', id: 't', at: '2026-11-26T12:00:00Z', language: 'en', exercise: 'x' }, null, NOW, true).title).toMatch(/^EXERCISE · /);
});

test('above TLP:GREEN it says only that there is something, loudly', () => {
  const { text: _, mine: __, about: ___, ...bare } = warning;
  const s = show(bare, null, NOW, true);
  expect(s).toEqual({ title: 'URGENT: a warning for you', body: 'Open Skypicket to read it.', lang: 'en', tag: 'n-1', quiet: false });
});

test('a bulletin has its number and marking under its words, and above TLP:GREEN the label alone', () => {
  const b: PushNotice = { ...warning, notice_kind: 'bulletin', about: 'Explosives on drones', text: 'Wear armour.', foot: 'OSA-2026-0001 TLP:GREEN, releasable to bp' };
  const s = show(b, null, NOW, true);
  expect(s.title).toBe('URGENT: Explosives on drones');
  expect(s.body).toBe('Wear armour.\nOpen Skypicket and acknowledge.\nOSA-2026-0001 TLP:GREEN, releasable to bp');
  const { text: _, mine: __, about: ___, ...bare } = b;
  expect(show({ ...bare, foot: 'TLP:AMBER' }, null, NOW, true).body).toBe('Open Skypicket to read it.\nTLP:AMBER');
});

test('what is over, late, repeated or asks nothing is quiet; an older one does not take the place of a newer', () => {
  const table: [Partial<PushNotice>, PushNotice | null, boolean, RegExp][] = [
    [{ state: 'cleared' }, null, true, /^Over/],
    [{ expires_at: '2026-11-26T12:00:09Z' }, null, true, /^Late/],
    [{}, warning, true, /^URGENT/],
    [{ asks: false, level: 'caution' }, null, true, /^CAUTION/],
    [{ version: 1, text: 'older', level: 'caution' }, warning, true, /^URGENT: drone near you/],
  ];
  for (const [more, known, quiet, title] of table) {
    const s = show({ ...warning, ...more }, known, NOW, true);
    expect(s.quiet, JSON.stringify(more)).toBe(quiet);
    expect(s.title).toMatch(title);
    expect(s.body).not.toContain('older');
  }
  expect(show({ ...warning, version: 3 }, warning, NOW, true).quiet).toBe(false);
});

test('a clock that nobody compared makes no warning late within ten minutes', () => {
  const at = Date.parse(warning.expires_at);
  expect(show(warning, null, at + 9 * 60_000, false).quiet).toBe(false);
  expect(show(warning, null, at + 11 * 60_000, false).quiet).toBe(true);
});

test('what cannot be read is shown all the same, loudly', () => {
  for (const text of ['', 'nonsense', '{}', '{"kind":"notice"}', '{"kind":"notice","id":"x","version":1,"state":"raised","level":"purple"}', 'null', '[]']) {
    expect(read(text), text).toBeNull();
  }
  expect(show(null, null, NOW, true).quiet).toBe(false);
  expect(read(JSON.stringify(warning))).toEqual(warning);
});

test('a bulletin is called by its title, in the reader’s words; above TLP:GREEN it is only said that there is one', () => {
  const bulletin: PushNotice = { ...warning, notice_kind: 'bulletin', state: 'issued', version: 1, text: 'Look up.', about: 'Officer Safety Alert' };
  expect(show(bulletin, null, NOW, true)).toMatchObject({ title: 'URGENT: Officer Safety Alert', body: 'Look up.\nOpen Skypicket and acknowledge.', quiet: false });
  const { text: _, mine: __, about: ___, ...bare } = bulletin;
  expect(show(bare, null, NOW, true).title).toBe('URGENT: a bulletin for you');
  expect(show({ ...bare, language: 'es' }, null, NOW, true).title).toBe('URGENTE: un boletín para usted');
});

test('a reminder alarms again, once for each', () => {
  const first = { ...warning, reminder: 1 };
  expect(show(first, warning, NOW, true)).toMatchObject({ quiet: false, body: expect.stringContaining('Reminder. ') });
  expect(show(first, first, NOW, true).quiet).toBe(true);
  expect(show({ ...warning, reminder: 2 }, first, NOW, true).quiet).toBe(false);
  expect(show({ ...first, asks: false }, warning, NOW, true).quiet).toBe(true);
});

test('a recall is loud where the old words were shown, silent where they never were; a late original stays recalled and silent', () => {
  const bulletin: PushNotice = { ...warning, notice_kind: 'bulletin', state: 'issued', version: 1, about: 'Officer Safety Alert' };
  const recall: PushNotice = { ...bulletin, state: 'recalled', version: 2, asks: false, text: 'It was wrong.' };
  expect(show(recall, bulletin, NOW, true)).toMatchObject({ title: 'RECALLED: Officer Safety Alert', quiet: false });
  expect(show(recall, null, NOW, true).quiet).toBe(true);
  expect(show(recall, recall, NOW, true).quiet).toBe(true);
  expect(show(bulletin, recall, NOW, true)).toMatchObject({ title: 'RECALLED: Officer Safety Alert', body: 'It was wrong.', quiet: true });
  const corrected: PushNotice = { ...bulletin, state: 'updated', version: 2, asks: false };
  expect(show(corrected, bulletin, NOW, true).quiet).toBe(false);
  expect(show(corrected, null, NOW, true).quiet).toBe(true);
  expect(show({ ...bulletin, state: 'expired', version: 2, asks: false }, bulletin, NOW, true)).toMatchObject({ title: 'Expired: Officer Safety Alert', quiet: true });
});
