// The server's JSON: a mirror of skypicket-model's serde forms, and of the views that the HTTP API adds around them.
// Units and frames are those of the model: SI, degrees, WGS-84 with height above the ellipsoid, times RFC 3339 in UTC.

export type Time = string;
export type Level = 'advisory' | 'caution' | 'urgent';
export type NoticeState = 'raised' | 'updated' | 'cleared';
export type Role = 'field' | 'watch' | 'analyst' | 'supervisor' | 'integrator' | 'auditor' | 'administrator';
export type Language = 'en' | 'es';
export type Channel = 'web' | 'tak';
export type Reached = 'queued' | 'sent' | 'delivered' | 'shown';
export type Rule = 'in_danger' | 'site_unit' | 'centre' | 'escalation';
export type AirClass = 'rotor' | 'fpv' | 'fixed_wing' | 'crewed' | 'bird';
export type IdKind = 'serial' | 'caa' | 'utm' | 'session' | 'icao' | 'tak_uid';
export type Affiliation = 'unknown' | 'own' | 'neutral' | 'suspect' | 'hostile';
export type TrackState = 'tentative' | 'confirmed' | 'deleted';
export type DroneKind = 'multirotor' | 'fpv' | 'fixed_wing' | 'unsure';
export type RangeClass = 'under100' | 'to300' | 'to1000' | 'farther' | 'unknown';
export type BearingHow = 'compass' | 'sight' | 'clock' | 'octant';
export type Activity = 'hovering' | 'approaching' | 'passing' | 'leaving' | 'circling' | 'dropped' | 'unknown';
export type Covariance = [[number, number, number], [number, number, number], [number, number, number]];

export interface LatLon {
  lat_deg: number;
  lon_deg: number;
}
export interface Place extends LatLon {
  alt_hae_m: number | null;
}
export type ProtectedId = { person: string } | { site: string };

export interface Marking {
  tlp: 'TLP:CLEAR' | 'TLP:GREEN' | 'TLP:AMBER' | 'TLP:AMBER+STRICT' | 'TLP:RED';
  owner: string | null;
  releasable_to: string[];
  named: string[];
}

// ---- sightings ----
export interface SightingBearing {
  azimuth_deg: number;
  how: BearingHow;
  sigma_deg: number | null;
}
export interface Sighting {
  id: string;
  reporter: string;
  from: Place;
  from_accuracy_m: number;
  bearing: SightingBearing | null;
  range: RangeClass;
  elevation_deg: number | null;
  kind: DroneKind;
  count: number | null;
  activity: Activity;
  lights: boolean | null;
  sound: boolean | null;
  payload: boolean | null;
  words: string;
  first_seen: Time;
  last_seen: Time;
  marking: Marking;
}
/** What a page sends: the server sets the reporter and the marking. */
export type NewSighting = Omit<Sighting, 'reporter' | 'marking'> & { sent_at: Time };
export type Verdict = { is: 'new' } | { is: 'confirmed' } | { is: 'dismissed' } | { is: 'merged'; into: string };
export interface SightingView {
  sighting: Sighting;
  stored_at: Time;
  verdict: Verdict;
  decided_by: string | null;
  decided_at: Time | null;
  why: string;
  leaders: string[];
  seen_by_centre: [person: string, at: Time] | null;
  seen_by_leadership: [person: string, at: Time] | null;
  retracted_at: Time | null;
  track: string | null;
  reporter_name: string;
}
export interface SightingStored {
  id: string;
  receipts: { stored_at: Time; seen_by_centre: Time | null; seen_by_leadership: Time | null };
}

// ---- tracks and dangers ----
export interface TrackIdentity {
  kind: IdKind;
  value: string;
  p: number;
}
export interface Evidence {
  kind: string;
  weight: number;
}
export interface TrackProperties {
  id: string;
  state: TrackState;
  at: Time;
  measured_at: Time;
  since: Time;
  vel_enu_mps: [number, number, number];
  cov_enu_m2: Covariance;
  vel_cov_enu: Covariance;
  cross_cov_enu: Covariance;
  existence: number;
  ids: TrackIdentity[];
  class: AirClass | null;
  class_p: number;
  affiliation: Affiliation;
  suspect: boolean;
  evidence: Evidence[];
  sources: string[];
  because: string[];
  height_takeoff_m: number | null;
  by_people_only: boolean;
  height_known: boolean;
  trail: [lon: number, lat: number][];
}
export interface TrackFeature {
  type: 'Feature';
  id: string;
  geometry: { type: 'Point'; coordinates: [number, number] | [number, number, number] };
  properties: TrackProperties;
}
export interface TrackCollection {
  type: 'FeatureCollection';
  features: TrackFeature[];
}
export interface Danger {
  track: string;
  protected: ProtectedId;
  at: Time;
  distance_m: number;
  bearing_deg: number;
  cpa_m: number;
  cpa_in_s: number;
  earliest_s: number;
  p_within: { '30': number; '60': number; '120': number; '300': number };
  level: Level | null;
  reasons: string[];
}

// ---- notices ----
export interface NoticeFacts {
  distance_m: number;
  bearing_deg: number;
  earliest_s: number;
  cpa_m: number;
  p_within_30: number;
  track_at: LatLon;
  height_unknown: boolean;
  by_people_only: boolean;
}
export interface Notice {
  id: string;
  version: number;
  state: NoticeState;
  level: Level;
  at: Time;
  track: string;
  protected: ProtectedId;
  protected_name: string;
  needs_ack: boolean;
  facts: NoticeFacts;
  reasons: string[];
  because: string[];
  marking: Marking;
  exercise: string | null;
  code: string;
  text: string;
  text_es: string;
}
export interface RecipientRow {
  person: string;
  name: string;
  rule: Rule;
  reached: Reached;
  channel: Channel | null;
  acknowledged_at: Time | null;
  /** An acknowledgement of theirs is waited for; absent from a centre that does not say. */
  owes?: boolean;
  escalated_to: string | null;
  silent: boolean;
  trouble: string | null;
  may_repeat: boolean;
  /** The leader who was told of their silence, or one before, has taken it. */
  escalation_answered?: boolean;
  /** People whose silence they were told and have not taken yet. */
  carries?: string[];
  attempts?: number;
}
export interface NoticeView {
  notice: Notice;
  /** Acted on before it could be made durable. */
  unrecorded: boolean;
  recipients: RecipientRow[];
  /** I am a recipient. */
  mine: boolean;
  /** I acknowledged this version. */
  acknowledged: boolean;
  /** Only from `GET /notices/{id}`. */
  versions?: Notice[];
}
export interface Delivery {
  id: string;
  notice: string;
  version: number;
  person: string;
  channel: Channel;
  reached: Reached;
  attempts: number;
  may_repeat: boolean;
  trouble: string | null;
}

// ---- people, places, sources ----
export interface Me {
  person: { id: string; name: string; unit: string; roles: Role[]; language: Language };
  unit_name: string;
  agency: string;
  agency_name: string;
  /** People whom I lead. */
  leads: string[];
  exercise: string | null;
  must_set_password: boolean;
  now: Time;
}
export interface PersonView {
  id: string;
  name: string;
  unit: string;
  unit_name: string;
  agency: string;
  roles: Role[];
  position: { at: Place; accuracy_m: number; observed_at: Time } | null;
  channels_up: Channel[];
  unreachable: boolean;
  why: string | null;
}
export interface SiteFeature {
  type: 'Feature';
  id?: string;
  geometry: { type: 'Point'; coordinates: [number, number] | [number, number, number] };
  properties: { id: string; name: string; standoff_m: number; unit: string };
}
export interface SiteCollection {
  type: 'FeatureCollection';
  features: SiteFeature[];
}
export interface OwnFlight {
  id: string;
  unit: string;
  serial: string | null;
  centre: LatLon;
  radius_m: number;
  from: Time;
  until: Time;
}
export interface SourceView {
  id: string;
  kind: string;
  last_heard: Time | null;
  received: number;
  decoded: number;
  refused: Record<string, number>;
  shed: number;
  expected_interval_s: number | null;
  silent: boolean;
  samples: { at: Time; reason: string; offset: number | null; hex: string }[];
}
export interface Status {
  exercise: string | null;
  software: string;
  now: Time;
  started_at: Time;
  record: { state: 'ok' | 'slow' | 'reserve' | 'full'; unrecorded: boolean; entries: number; checkpoint_at: Time | null };
  on_watch: { id: string; name: string }[];
  place: { lat_deg: number; lon_deg: number; zoom: number; name: string };
  /** There is an own map to ask for. */
  basemap: boolean;
}
export interface SignInLinks {
  url: string;
  field_url: string;
  expires_at: Time;
}
export interface Page<T> {
  items: T[];
  next: string | null;
}

// ---- the event stream ----
export interface EventData {
  hello: { now: Time; exercise: string | null };
  tracks: { features: TrackFeature[] };
  dangers: { items: Danger[] };
  notice: NoticeView;
  sighting: SightingView;
  person: PersonView;
  status: Status;
  heartbeat: { now: Time };
  reset: Record<string, never>;
}
export type EventName = keyof EventData;
