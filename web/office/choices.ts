// What a rule of an audience can name, as far as the reader may know it: agencies, units, rosters. What cannot be listed
// is typed by its id, and the centre says whether there is one.
import { api } from '../shared/api';
import type { Me } from '../shared/types';

export interface Choice {
  id: string;
  name: string;
}
export interface Choices {
  agencies: Choice[];
  units: Choice[];
  rosters: Choice[];
}

export async function choices(me: Me): Promise<Choices> {
  const has = (...roles: Me['person']['roles']): boolean => me.person.roles.some((r) => roles.includes(r));
  if (has('administrator', 'auditor')) {
    const d = await api.directory();
    return { agencies: d.agencies, units: d.units.map(({ id, name }) => ({ id, name })), rosters: d.rosters.map(({ id, name }) => ({ id, name })) };
  }
  const own: Choices = { agencies: [{ id: me.agency, name: me.agency_name }], units: [{ id: me.person.unit, name: me.unit_name }], rosters: [] };
  if (!has('watch', 'supervisor')) return own;
  const [people, rosters] = await Promise.all([api.people().catch(() => []), api.rosters().then((r) => r.items, () => [])]);
  const units = new Map(own.units.map((u) => [u.id, u.name]));
  const agencies = new Map(own.agencies.map((a) => [a.id, a.name]));
  for (const p of people) {
    units.set(p.unit, p.unit_name);
    if (!agencies.has(p.agency)) agencies.set(p.agency, p.agency);
  }
  const list = (of: Map<string, string>): Choice[] => [...of].map(([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name));
  return { agencies: list(agencies), units: list(units), rosters: rosters.map((r) => ({ id: r.roster.id, name: r.roster.name })) };
}
