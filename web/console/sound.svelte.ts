// Alarm sounds: the pattern of the highest level that sounds, repeated until a person takes it. What sounds is decided at
// the centre, not here. Browsers keep a page mute until it is clicked: until then the header says so. A pause is timed and
// visible, and a higher alarm breaks it.
import type { Level } from '../shared/types';
import { patternOf } from './patterns';
import { prefs } from './prefs.svelte';
import { LEVEL_RANK } from './words';

export const PAUSE_S = 120;

class Sound {
  /** Whether the browser lets this page sound. */
  armed = $state(false);
  /** Client clock (ms) until which it is paused; 0 when it is not. */
  pausedUntil = $state(0);
  /** What sounds now. */
  level = $state<Level | null>(null);
  /** Everything of an exercise sounds otherwise than live. */
  exercise = true;
  #pausedLevel: Level | null = null;
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The newest interruption that has been sounded for. */
  #mark = '';

  /** Call from a click or key: nothing else may start sound. */
  async arm(test = true): Promise<void> {
    this.#context ??= new AudioContext();
    this.#context.onstatechange = () => {
      this.armed = this.#context?.state === 'running';
    };
    await this.#context.resume().catch(() => undefined);
    this.armed = this.#context.state === 'running';
    if (this.armed && this.level) this.#loop();
    else if (this.armed && test) this.#play('advisory');
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
  /**
   * What sounds now: the level, and the time of the newest interruption at it; a newer one is heard at once, without
   * waiting for the repeat. Called at each change and each tick.
   */
  set(level: Level | null, mark = '', nowMs: number = Date.now()): void {
    if (this.pausedUntil > 0 && nowMs >= this.pausedUntil) this.unpause();
    const higher = level !== null && (this.#pausedLevel === null || LEVEL_RANK[level] > LEVEL_RANK[this.#pausedLevel]);
    if (this.pausedUntil > 0 && higher && level !== this.level) this.pausedUntil = 0;
    const newer = mark > this.#mark;
    if (newer) this.#mark = mark;
    if (level === this.level && !(newer && level !== null)) return;
    this.level = level;
    this.#stop();
    if (level !== null && this.pausedUntil === 0) this.#loop();
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
  #loop(): void {
    this.#stop();
    const level = this.level;
    if (level === null || this.pausedUntil > 0) return;
    if (this.armed) this.#play(level);
    this.#timer = setTimeout(() => this.#loop(), patternOf(level, this.exercise).every * 1_000);
  }
  #play(level: Level): void {
    const context = this.#context;
    if (!context || context.state !== 'running' || prefs.volume === 0) return;
    const p = patternOf(level, this.exercise);
    const gain = context.createGain();
    gain.connect(context.destination);
    gain.gain.value = 0;
    const tones = p.harmonics.map((h) => {
      const tone = context.createOscillator();
      const part = context.createGain();
      part.gain.value = 0.6 / h;
      tone.connect(part).connect(gain);
      return { tone, h };
    });
    const start = context.currentTime + 0.02;
    for (const { at, length, pitch } of p.pulses) {
      for (const { tone, h } of tones) tone.frequency.setValueAtTime(pitch * h, start + at);
      gain.gain.setValueAtTime(0, start + at);
      gain.gain.linearRampToValueAtTime(prefs.volume * 0.5, start + at + 0.015);
      gain.gain.setValueAtTime(prefs.volume * 0.5, start + at + length - 0.02);
      gain.gain.linearRampToValueAtTime(0, start + at + length);
    }
    const last = p.pulses.at(-1)!;
    const end = start + last.at + last.length + 0.05;
    for (const { tone } of tones) {
      tone.start(start);
      tone.stop(end);
    }
    tones[0]!.tone.onended = () => gain.disconnect();
  }
}
export const sound = new Sound();
