// What is selected, everywhere at once, as it stands in the address after `#`.

export type Selection =
  | { kind: 'track' | 'sighting' | 'warning' | 'person' | 'site' | 'source' | 'channel' | 'bulletin'; id: string }
  | { kind: 'people' | 'sources' | 'reports' | 'windows' | 'display' | 'shift' | 'figures' | 'bulletins' }
  | null;

const WITH_ID = ['track', 'sighting', 'warning', 'person', 'site', 'source', 'channel', 'bulletin'] as const;
const LISTS = ['people', 'sources', 'reports', 'windows', 'display', 'shift', 'figures', 'bulletins'] as const;

export function toHash(s: Selection): string {
  if (s === null) return '';
  return 'id' in s ? `#${s.kind}/${encodeURIComponent(s.id)}` : `#${s.kind}`;
}

export function fromHash(hash: string): Selection {
  const text = hash.replace(/^#/, '');
  const [kind = '', ...rest] = text.split('/');
  const list = LISTS.find((k) => k === kind);
  if (list && rest.length === 0) return { kind: list };
  const thing = WITH_ID.find((k) => k === kind);
  if (!thing || rest.length !== 1 || rest[0] === '') return null;
  try {
    return { kind: thing, id: decodeURIComponent(rest[0]!) };
  } catch {
    return null;
  }
}

export const same = (a: Selection, b: Selection): boolean => toHash(a) === toHash(b);
