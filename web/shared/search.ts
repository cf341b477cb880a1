// A search as both pages of the centre name it: its kinds, its address in the office, what is unread of a kept one. Pure.
import type { SearchOrder } from './api';
import type { SavedSearch, Search, SearchKind } from './types';

export const KINDS: readonly { kind: SearchKind; says: string; many: string }[] = [
  { kind: 'sighting', says: 'Sighting', many: 'sightings' },
  { kind: 'report', says: 'Report', many: 'intelligence reports' },
  { kind: 'bulletin', says: 'Bulletin', many: 'bulletins' },
  { kind: 'warning', says: 'Warning', many: 'warnings' },
];

export const NOTHING: Search = { q: '', kinds: [], near: null, from: null, until: null, reliability: null, credibility: null };

/** It as the centre is asked for it; two that look for the same have the same. */
export function params(s: Search): URLSearchParams {
  const p = new URLSearchParams();
  if (s.q !== '') p.set('q', s.q);
  if (s.kinds.length > 0) p.set('kind', KINDS.map((k) => k.kind).filter((k) => s.kinds.includes(k)).join());
  if (s.near) {
    p.set('near', `${s.near.at.lat_deg},${s.near.at.lon_deg}`);
    p.set('within_m', String(s.near.within_m));
  }
  // Times have more than one way to be written.
  if (s.from !== null) p.set('from', new Date(s.from).toISOString());
  if (s.until !== null) p.set('until', new Date(s.until).toISOString());
  if (s.reliability !== null) p.set('reliability', s.reliability);
  if (s.credibility !== null) p.set('credibility', String(s.credibility));
  return p;
}

/** The address of a search, to reload and to send: after `#`. */
export function addressOf(s: Search, order: SearchOrder = 'newest', change: string | null = null): string {
  const p = params(s);
  if (order !== 'newest') p.set('order', order);
  if (change !== null) p.set('change', change);
  // Everything is looked for too: an address without anything is the empty page.
  return `search/${p.toString() || 'q='}`;
}
export const keptAddress = (id: string, all = false): string => `search/kept/${id}${all ? '/all' : ''}`;

export const unreadWords = (s: Pick<SavedSearch, 'unread' | 'more'>): string => (s.more ? `${s.unread} or more` : String(s.unread));
