// The report being made, until it is sent.
import type { Activity, BearingHow, DroneKind, NewSighting, RangeClass } from '../../shared/types';
import { sigmaDeg, turn, type Steady } from '../geometry';
import type { Fix } from '../place';

/** Where the direction comes from. */
export type Direction = 'compass' | 'ring' | 'none';

class Draft {
  kind = $state<DroneKind>('unsure');
  /** The person's choice; null lets the page choose: compass where there is one. */
  direction = $state<Direction | null>(null);
  /** One of eight, touched on the ring. */
  octantDeg = $state<number | null>(null);
  /** Read from a hand compass and typed. */
  typedDeg = $state<number | null>(null);
  range = $state<RangeClass>('unknown');
  count = $state<number | null>(null);
  activity = $state<Activity>('unknown');
  lights = $state<boolean | null>(null);
  sound = $state<boolean | null>(null);
  payload = $state<boolean | null>(null);
  words = $state('');
  /** First seen so many minutes before the report was begun. */
  firstMin = $state(0);
  /** When REPORT DRONE was touched, device clock. */
  begunMs = $state(0);

  /** How many of the optional things have been said. */
  readonly details = $derived(
    [this.count, this.lights, this.sound, this.payload, this.typedDeg].filter((x) => x !== null).length +
      [this.activity !== 'unknown', this.words.trim() !== '', this.firstMin > 0].filter(Boolean).length,
  );

  /** A new report, now. */
  begin(nowMs: number): void {
    this.kind = 'unsure';
    this.direction = this.octantDeg = this.typedDeg = this.count = null;
    this.lights = this.sound = this.payload = null;
    this.range = 'unknown';
    this.activity = 'unknown';
    this.words = '';
    this.firstMin = 0;
    this.begunMs = nowMs;
  }

  /** The report as the centre takes it. `held` is what the compass read while the phone was held still. */
  sighting(fix: Fix, held: Steady | null, deviceAccuracy: number | null, nowMs: number): Omit<NewSighting, 'id' | 'sent_at'> {
    const bearing = this.bearing(held, deviceAccuracy);
    const tilt = bearing?.how === 'compass' && held !== null ? held.elevation : null;
    return {
      from: fix.at,
      from_accuracy_m: fix.accuracy_m,
      bearing,
      range: this.range,
      elevation_deg: tilt !== null && tilt >= -30 && tilt <= 90 ? round(tilt) : null,
      kind: this.kind,
      count: this.count,
      activity: this.activity,
      lights: this.lights,
      sound: this.sound,
      payload: this.payload,
      words: this.words.trim(),
      // A clock that was set back while the form was open must not make a last time before the first.
      first_seen: new Date(Math.min(this.begunMs, nowMs) - this.firstMin * 60_000).toISOString(),
      last_seen: new Date(nowMs).toISOString(),
    };
  }

  private bearing(held: Steady | null, deviceAccuracy: number | null): { azimuth_deg: number; how: BearingHow; sigma_deg: number | null } | null {
    if (this.typedDeg !== null) return { azimuth_deg: turn(this.typedDeg), how: 'sight', sigma_deg: null };
    if (this.direction === 'none') return null;
    if (this.direction === 'ring') return this.octantDeg === null ? null : { azimuth_deg: this.octantDeg, how: 'octant', sigma_deg: null };
    if (held === null) return this.octantDeg === null ? null : { azimuth_deg: this.octantDeg, how: 'octant', sigma_deg: null };
    const sigma = sigmaDeg(deviceAccuracy, held.spread);
    return { azimuth_deg: turn(round(held.azimuth)), how: 'compass', sigma_deg: sigma === null ? null : round(sigma) };
  }
}

/** To a tenth: more digits than a phone knows help nobody. */
const round = (x: number): number => Math.round(x * 10) / 10;

export const draft = new Draft();
