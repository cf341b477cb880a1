// What an alarm sounds like: one pattern a level, after IEC 60601-1-8, and another set for an exercise that shares no tone
// with the live one, so that nobody can take the one for the other by ear.
import type { Level } from '../shared/types';

export interface Pulse {
  /** Start, seconds from the start of the pattern. */
  at: number;
  /** Length, seconds. */
  length: number;
  /** Hz. */
  pitch: number;
}
export interface Pattern {
  pulses: Pulse[];
  /** Multiples of the pitch that sound with it: a pure tone is heard badly behind glass and hearing protection. */
  harmonics: number[];
  /** Seconds from start to start, until somebody takes it. */
  every: number;
}

const pulses = (starts: number[], length: number, pitch: number): Pulse[] => starts.map((at) => ({ at, length, pitch }));

/** Five pulses (3 + 2), doubled, for high; three for medium; two for low; pitch and pace fall with the level. */
export const LIVE: Record<Level, Pattern> = {
  urgent: { pulses: pulses([0, 0.2, 0.4, 0.8, 1.0, 1.8, 2.0, 2.2, 2.6, 2.8], 0.13, 880), harmonics: [1, 2, 3], every: 10 },
  caution: { pulses: pulses([0, 0.35, 0.7], 0.2, 660), harmonics: [1, 2, 3], every: 25 },
  advisory: { pulses: pulses([0, 0.45], 0.25, 520), harmonics: [1, 2, 3], every: 30 },
};

/** Two long low tones that only an exercise has. */
export const EXERCISE_SIGN: Pulse[] = [{ at: 0, length: 0.5, pitch: 175 }, { at: 0.6, length: 0.5, pitch: 140 }];
const AFTER_SIGN_S = 1.4;

const exercised = (p: Pattern): Pattern => ({
  pulses: [...EXERCISE_SIGN, ...p.pulses.map((u) => ({ ...u, at: u.at + AFTER_SIGN_S, pitch: u.pitch * 0.45 }))],
  harmonics: [1],
  every: p.every,
});
export const EXERCISE: Record<Level, Pattern> = { urgent: exercised(LIVE.urgent), caution: exercised(LIVE.caution), advisory: exercised(LIVE.advisory) };

export const patternOf = (level: Level, exercise: boolean): Pattern => (exercise ? EXERCISE : LIVE)[level];
/** Every frequency that a pattern has in it, Hz. */
export const tonesOf = (p: Pattern): number[] => [...new Set(p.pulses.flatMap((u) => p.harmonics.map((h) => u.pitch * h)))];
