// Alarm sounds: one pattern a level, repeated until a person takes the warning. Browsers keep a page mute until it is
// clicked: until then the header says so. A pause is timed and visible, and a higher alarm breaks it.
import type { Level } from '../shared/types';
import { prefs } from './prefs.svelte';
import { LEVEL_RANK } from './words';

interface Pattern {
  /** Starts of the pulses, seconds. */
  pulses: number[];
  /** Length of a pulse, seconds. */
  length: number;
  /** Hz. */
  pitch: number;
  /** Seconds from start to start; null sounds once. */
  every: number | null;
}
/** After IEC 60601-1-8: five pulses (3 + 2) for high, three for medium, one for low; pitch and pace fall with the level. */
export const PATTERNS: Record<Level, Pattern> = {
  urgent: { pulses: [0, 0.2, 0.4, 0.8, 1.0], length: 0.13, pitch: 880, every: 6 },
  caution: { pulses: [0, 0.35, 0.7], length: 0.2, pitch: 660, every: 20 },
  advisory: { pulses: [0], length: 0.25, pitch: 520, every: null },
};
export const PAUSE_S = 120;

class Sound {
  /** Whether the browser lets this page sound. */
  armed = $state(false);
  /** Client clock (ms) until which it is paused; 0 when it is not. */
  pausedUntil = $state(0);
  /** What sounds now. */
  level = $state<Level | null>(null);
  #pausedLevel: Level | null = null;
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #last: Level | null = null;

  /** Call from a click or key: nothing else may start sound. */
  async arm(test = true): Promise<void> {
    this.#context ??= new AudioContext();
    this.#context.onstatechange = () => {
      this.armed = this.#context?.state === 'running';
    };
    await this.#context.resume().catch(() => undefined);
    this.armed = this.#context.state === 'running';
    if (this.armed && test) this.#play('advisory');
    if (this.armed && this.level) this.#loop();
  }
  pause(): void {
    this.pausedUntil = Date.now() + PAUSE_S * 1_000;
    this.#pausedLevel = this.level;
    this.#stop();
  }
  unpause(): void {
    this.pausedUntil = 0;
    if (this.level) this.#loop();
  }
  /** The level that waits for this person now; called at each change and each tick. */
  set(level: Level | null, nowMs: number = Date.now()): void {
    if (this.pausedUntil > 0 && nowMs >= this.pausedUntil) this.unpause();
    const higher = level !== null && (this.#pausedLevel === null || LEVEL_RANK[level] > LEVEL_RANK[this.#pausedLevel]);
    if (this.pausedUntil > 0 && higher && level !== this.level) this.pausedUntil = 0;
    if (level === this.level) return;
    this.level = level;
    this.#stop();
    if (level !== null && this.pausedUntil === 0) this.#loop();
    if (level === null) this.#last = null;
  }

  /** One pattern, for something to know of; never over an alarm that sounds already. */
  once(level: Level): void {
    if (this.armed && this.level === null && this.pausedUntil === 0) this.#play(level);
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
  #loop(): void {
    this.#stop();
    const level = this.level;
    if (level === null || this.pausedUntil > 0) return;
    const { every } = PATTERNS[level];
    if (every === null && this.#last === level) return;
    this.#last = level;
    if (this.armed) this.#play(level);
    if (every !== null) this.#timer = setTimeout(() => this.#loop(), every * 1_000);
  }
  #play(level: Level): void {
    const context = this.#context;
    if (!context || context.state !== 'running' || prefs.volume === 0) return;
    const p = PATTERNS[level];
    const gain = context.createGain();
    gain.connect(context.destination);
    gain.gain.value = 0;
    // Three harmonics are heard better behind glass and hearing protection than a pure tone.
    const tones = [1, 2, 3].map((h) => {
      const tone = context.createOscillator();
      tone.frequency.value = p.pitch * h;
      const part = context.createGain();
      part.gain.value = 0.6 / h;
      tone.connect(part).connect(gain);
      return tone;
    });
    const start = context.currentTime + 0.02;
    for (const at of p.pulses) {
      gain.gain.setValueAtTime(0, start + at);
      gain.gain.linearRampToValueAtTime(prefs.volume * 0.5, start + at + 0.015);
      gain.gain.setValueAtTime(prefs.volume * 0.5, start + at + p.length - 0.02);
      gain.gain.linearRampToValueAtTime(0, start + at + p.length);
    }
    const end = start + p.pulses.at(-1)! + p.length + 0.05;
    for (const tone of tones) {
      tone.start(start);
      tone.stop(end);
    }
    tones[0]!.onended = () => gain.disconnect();
  }
}
export const sound = new Sound();
