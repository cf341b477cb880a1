// What sounds when: pure, so that a test can sit through an hour of alarms.
//
// Three levels by pattern (after IEC 60601-1-8: urgent is a burst of five, twice; caution three pulses; advisory two),
// and one of its own for "the centre cannot be heard". An urgent warning repeats every 10 s and a caution every 25 s
// until it is acknowledged; an advisory sounds once.
import type { Level } from '../shared/types';

export type Sound = Level | 'unheard';

/** One pulse: from when, how long (ms), and its pitch (Hz). */
export interface Pulse {
  at: number;
  for: number;
  hz: number;
}

const row = (from: number, count: number, length: number, gap: number, hz: number): Pulse[] =>
  Array.from({ length: count }, (_, k) => ({ at: from + k * (length + gap), for: length, hz }));

export const PULSES: Record<Sound, Pulse[]> = {
  urgent: [0, 1_600].flatMap((from) => [...row(from, 3, 130, 90, 880), ...row(from + 860, 2, 130, 90, 988)]),
  caution: row(0, 3, 220, 200, 660),
  advisory: [
    { at: 0, for: 180, hz: 523 },
    { at: 260, for: 180, hz: 440 },
  ],
  unheard: [0, 1_100].flatMap((from) => [
    { at: from, for: 380, hz: 440 },
    { at: from + 420, for: 460, hz: 294 },
  ]),
};

/** The same for the hand: on, off, on … in milliseconds. */
export const BUZZ: Record<Sound, number[]> = {
  urgent: [130, 90, 130, 90, 130, 330, 130, 90, 130, 420, 130, 90, 130, 90, 130, 330, 130, 90, 130],
  caution: [220, 200, 220, 200, 220],
  advisory: [180, 80, 180],
  unheard: [380, 60, 460, 240, 380, 60, 460],
};

export const REPEAT_MS: Record<Sound, number> = { urgent: 10_000, caution: 25_000, advisory: Infinity, unheard: 30_000 };

/** What asks for a sound. */
export interface Asking {
  /** Notice and version, or `unheard`. */
  key: string;
  sound: Sound;
  /** Sounds once and is not repeated: a correction. */
  once?: boolean;
}

/** When each key last sounded, device clock. */
export type Sounded = Readonly<Record<string, number>>;

const ORDER: Sound[] = ['urgent', 'caution', 'unheard', 'advisory'];

/**
 * What must sound now, and the record of it: the gravest thing that is due, alone; what it drowns counts as sounded,
 * since the page shows it and two patterns at once are neither. `quietUntilMs` holds back repeats of "unheard" only.
 */
export function due(asking: readonly Asking[], sounded: Sounded, nowMs: number, quietUntilMs = 0): { sound: Sound | null; sounded: Sounded } {
  const known: Record<string, number> = {};
  for (const { key } of asking) if (sounded[key] !== undefined) known[key] = sounded[key];
  const ready = asking.filter(({ key, sound, once }) => {
    if (sound === 'unheard' && nowMs < quietUntilMs) return false;
    const last = known[key];
    // A clock that was set back must not silence an alarm.
    return last === undefined || (!once && (nowMs - last >= REPEAT_MS[sound] || nowMs < last));
  });
  const sound = ORDER.find((s) => ready.some((a) => a.sound === s)) ?? null;
  for (const { key } of ready) known[key] = nowMs;
  return { sound, sounded: known };
}
