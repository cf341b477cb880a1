// The phone's voice: tones made by the browser, and vibration. Silent until the person has touched the page once.
import { BUZZ, due, PULSES, type Asking, type Sound, type Sounded } from '../sounds';
import { keep, kept } from './settings.svelte';

const QUIET_MS = 120_000;

class Alarm {
  /** Sound may be made now. */
  on = $state(false);
  /** Until when the "unheard" alarm is held back, device clock. */
  quietUntilMs = $state(0);
  /** What the person said of the last test, and when; null before the first. */
  audible = $state.raw<{ heard: boolean; atMs: number } | null>(readAudible());
  readonly vibrates = typeof navigator.vibrate === 'function';
  private context: AudioContext | null = null;
  private wave: PeriodicWave | null = null;
  private sounded: Sounded = {};
  private resumedMs = 0;

  /** Call from a touch: browsers allow sound only then. */
  readonly unlock = (): void => {
    const Context = globalThis.AudioContext;
    if (!Context) return;
    if (this.context === null) {
      const context = new Context({ latencyHint: 'interactive' });
      context.onstatechange = () => (this.on = context.state === 'running');
      this.context = context;
      // Overtones, so that small loudspeakers and tired ears get something of it.
      this.wave = context.createPeriodicWave(new Float32Array([0, 0, 0, 0, 0, 0]), new Float32Array([0, 1, 0.5, 0.6, 0.3, 0.25]));
    }
    if (this.context.state !== 'running') void this.context.resume().then(() => (this.on = this.context?.state === 'running'));
    else this.on = true;
  };

  /** The person heard the test, or did not. */
  noteAudible(heard: boolean): void {
    this.audible = { heard, atMs: Date.now() };
    keep('audible', JSON.stringify(this.audible));
  }

  /** Sounds what is due of what asks. */
  look(asking: readonly Asking[], nowMs: number): void {
    this.check();
    const next = due(asking, this.sounded, nowMs, this.quietUntilMs);
    this.sounded = next.sounded;
    if (next.sound) this.play(next.sound);
  }

  /** A call, another app or a sleep takes the sound away without a word on some phones: looked at, and asked back. */
  private check(): void {
    const context = this.context;
    if (context === null) return;
    this.on = context.state === 'running';
    const now = Date.now();
    if (!this.on && Math.abs(now - this.resumedMs) >= 2_000) {
      this.resumedMs = now;
      void context.resume().catch(() => undefined);
    }
  }

  quieten(nowMs: number): void {
    this.quietUntilMs = nowMs + QUIET_MS;
  }

  play(sound: Sound): void {
    this.buzz(BUZZ[sound]);
    const context = this.context;
    if (!context || !this.wave || context.state !== 'running') return;
    for (const pulse of PULSES[sound]) {
      const from = context.currentTime + 0.02 + pulse.at / 1_000;
      const until = from + pulse.for / 1_000;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.setPeriodicWave(this.wave);
      tone.frequency.value = pulse.hz;
      volume.gain.setValueAtTime(0, from);
      volume.gain.linearRampToValueAtTime(0.9, from + 0.012);
      volume.gain.setValueAtTime(0.9, until - 0.02);
      volume.gain.linearRampToValueAtTime(0, until);
      tone.connect(volume).connect(context.destination);
      tone.start(from);
      tone.stop(until + 0.01);
    }
  }

  /** A short answer to a touch. */
  tap(ms = 30): void {
    this.buzz(ms);
  }

  private buzz(pattern: number | number[]): void {
    // Browsers refuse, and complain, before the first touch.
    if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.(pattern);
  }
}

function readAudible(): { heard: boolean; atMs: number } | null {
  try {
    const a = JSON.parse(kept('audible') ?? 'null') as { heard?: unknown; atMs?: unknown } | null;
    return typeof a?.heard === 'boolean' && typeof a.atMs === 'number' ? { heard: a.heard, atMs: a.atMs } : null;
  } catch {
    return null;
  }
}

export const alarm = new Alarm();
