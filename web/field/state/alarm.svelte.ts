// The phone's voice: tones made by the browser, and vibration. Silent until the person has touched the page once.
import { BUZZ, due, PULSES, type Asking, type Sound, type Sounded } from '../sounds';

const QUIET_MS = 120_000;

class Alarm {
  /** Sound may be made now. */
  on = $state(false);
  /** Until when the "unheard" alarm is held back, device clock. */
  quietUntilMs = $state(0);
  private context: AudioContext | null = null;
  private wave: PeriodicWave | null = null;
  private sounded: Sounded = {};

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

  /** Sounds what is due of what asks. */
  look(asking: readonly Asking[], nowMs: number): void {
    const next = due(asking, this.sounded, nowMs, this.quietUntilMs);
    this.sounded = next.sounded;
    if (next.sound) this.play(next.sound);
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

export const alarm = new Alarm();
