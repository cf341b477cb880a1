// One alarm as a line: what it is about, and how it stands.
import { utc } from '../../shared/format';
import type { Alarm, Channel } from '../../shared/types';
import { inHand } from '../attention';
import type { Centre } from '../centre.svelte';
import { channelName, sightingLine, trackName } from '../words';

/** What it is about. */
export function alarmLine(centre: Centre, a: Alarm): string {
  if (a.alarm.of === 'sighting') {
    const s = centre.sightings.get(a.alarm.id);
    return s ? `Report: ${sightingLine(s)}, from ${s.reporter_name}` : 'Report';
  }
  if (a.alarm.of === 'channel') return `Channel ${channelName(a.alarm.id as Channel)} does not work`;
  const n = centre.notices.get(a.alarm.id)?.notice;
  if (n?.kind === 'bulletin') return `Bulletin: ${n.title}`;
  return n ? `${trackName(n.track, centre.tracks.get(n.track))} → ${n.protected_name}` : 'Warning';
}

const SILENT: Record<string, string> = {
  grouped: 'silent in the flood: its drone sounded already', waits: 'silent: waits its turn', interrupts: 'waits for a hand', folded: 'waits for a hand',
};

/** Who has it, or why it is silent. */
export function alarmStands(a: Alarm, me: string): string {
  if (a.shelved_until) return `shelved until ${utc(a.shelved_until)}`;
  if (a.holder && inHand(a, a.level)) return `in hand: ${a.holder.id === me ? 'you' : a.holder.name}`;
  return SILENT[a.call?.how ?? 'interrupts'] ?? 'waits for a hand';
}
