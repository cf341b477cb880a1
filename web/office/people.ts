// What the pages about people share: words for roles and channels, what a refused call says, and the undo of a change.
import { Problem } from '../shared/api';
import type { Addresses, Channel, DirectoryPerson, PersonEntry, Role } from '../shared/types';

export const ROLES: readonly { role: Role; says: string }[] = [
  { role: 'field', says: 'reports drones and is warned' },
  { role: 'watch', says: 'works at the console: sees everything now, decides about reports, takes alarms' },
  { role: 'analyst', says: 'sees reports, tracks and warnings; not where people are' },
  { role: 'supervisor', says: 'sees the people whom they lead, is told when one of them stays silent, writes their rosters' },
  { role: 'integrator', says: 'connects sensors and other systems' },
  { role: 'auditor', says: 'reads everything that was recorded, changes nothing' },
  { role: 'administrator', says: 'keeps people, machines, certificates and backups; not where people are' },
  { role: 'device', says: 'no person: a siren, a light or another system that is told; cannot sign in' },
];
export const CHANNELS: readonly { channel: Channel; says: string }[] = [
  { channel: 'web', says: 'their open page' },
  { channel: 'push', says: 'push to their phone when no page is open' },
  { channel: 'tak', says: 'their TAK client' },
  { channel: 'mail', says: 'mail to their address' },
  { channel: 'sms', says: 'a short message to their telephone' },
  { channel: 'webhook', says: 'a signed request to a system of theirs' },
  { channel: 'relay', says: 'a siren or a light' },
];

/** What a refused or failed call says to the person who made it. */
export function trouble(error: unknown): string {
  if (!(error instanceof Problem)) return error instanceof Error ? error.message : String(error);
  return error.status === 0 ? 'The centre does not answer. Nothing was changed as far as known; try again.' : error.detail || error.title;
}

/** What of a listed person was entered, as a change takes it. */
export function entry(p: DirectoryPerson): PersonEntry {
  const { id, name, unit, roles, channels, tak_uid, language, disabled, addresses, subscriptions } = p;
  return {
    id, name, unit, roles: [...roles], channels: [...channels], tak_uid, language, disabled,
    ...(addresses ? { addresses: { ...addresses } } : {}), ...(subscriptions ? { subscriptions: subscriptions.map((s) => ({ ...s })) } : {}),
  };
}

/** Addresses without those that are empty. */
export const wholeAddresses = (a: Addresses | undefined): Addresses =>
  Object.fromEntries(Object.entries(a ?? {}).map(([k, v]) => [k, v?.trim() ?? '']).filter(([, v]) => v !== ''));

/** Why an address cannot be one; empty when it can, or is not given. */
export function badAddress(kind: keyof Addresses, value: string): string {
  const v = value.trim();
  if (v === '') return '';
  if (kind === 'mail') return /^[^\s@]+@[^\s@]+$/.test(v) && v.length <= 254 ? '' : 'This is no mail address.';
  if (kind === 'sms') return /^\+\d{7,15}$/.test(v) ? '' : 'Give the number with + and its country: + and 7 to 15 digits, no spaces.';
  return badId(v);
}

/** A change that was made, and how to take it back. */
export interface Made {
  said: string;
  undo: (() => Promise<void>) | null;
}

/** Why an id cannot be one; empty when it can. */
export function badId(id: string): string {
  if (id === '') return 'An id is needed.';
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(id) ? '' : 'Only a-z, 0-9, "-", "_" and ".", beginning with a letter or digit, at most 64.';
}
