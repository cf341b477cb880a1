// The server's JSON: a mirror of skypicket-model's serde forms, and of the views that the HTTP API adds around them.
// Units and frames are those of the model: SI, degrees, WGS-84 with height above the ellipsoid, times RFC 3339 in UTC.

export type Time = string;
export type Level = 'advisory' | 'caution' | 'urgent';
/** A warning is raised, updated, cleared; a bulletin issued, updated, and recalled or expired. */
export type NoticeState = 'raised' | 'issued' | 'updated' | 'cleared' | 'recalled' | 'expired';
export type Role = 'field' | 'watch' | 'analyst' | 'supervisor' | 'integrator' | 'auditor' | 'administrator' | 'device';
export type Language = 'en' | 'es';
export type Channel = 'web' | 'tak' | 'push' | 'mail' | 'sms' | 'webhook' | 'relay' | 'voice';
export type Reached = 'queued' | 'sent' | 'delivered' | 'shown';
export type Rule =
  | 'in_danger' | 'site_unit' | 'in_danger_soon' | 'named' | 'on_duty' | 'unit' | 'leadership' | 'agency' | 'role' | 'area' | 'neighbour'
  | 'everybody' | 'subscription' | 'centre' | 'escalation';
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
/** What a person can say that a track is; `drone` and `unknown` count as the most agile. */
export type TrackClass = AirClass | 'drone' | 'unknown';
/** Only a filed own flight is own. */
export type DecidedAffiliation = Exclude<Affiliation, 'own'>;
/** Part of what a track rests on. */
export type TrackPart = { of: 'source'; source: string } | { of: 'identity'; kind: IdKind; value: string };
export type ReportKind = 'cooperative' | 'fix' | 'radar' | 'person' | 'direction' | 'presence';
export type TrackChange =
  | { is: 'started'; by: ReportKind; sources: string[] }
  | { is: 'split_from' | 'split_off'; track: string; part: TrackPart; by: string; why: string }
  | { is: 'confirmed'; by_desk: boolean }
  | { is: 'doubted' }
  | { is: 'named'; kind: IdKind; value: string; before: string | null }
  | { is: 'took_over' | 'merged_into'; track: string; by: string | null; why: string }
  | { is: 'classified'; class: TrackClass | null; affiliation: DecidedAffiliation | null; by: string; why: string }
  | { is: 'dropped'; why: 'silence' | 'doubt' | 'retracted' };
export interface TrackEvent {
  at: Time;
  what: TrackChange;
}
/** What a person decided that a track is, over what the tracker believes. */
export interface Decided {
  class: TrackClass | null;
  affiliation: DecidedAffiliation | null;
  by: string;
  at: Time;
  why: string;
  believed: { class: AirClass | null; class_p: number; affiliation: Affiliation };
}
/** What is left of a track after an act on it, and the other that a split came to. */
export interface TrackDecided {
  track: TrackFeature | null;
  other: TrackFeature | null;
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
  decided?: Decided;
  /** How it began and what happened to it since, oldest first; not of what began before this was kept. */
  lineage?: TrackEvent[];
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
interface AnyNotice {
  id: string;
  version: number;
  state: NoticeState;
  level: Level;
  at: Time;
  needs_ack: boolean;
  marking: Marking;
  exercise: string | null;
  code: string;
  text: string;
  text_es: string;
  /** From then on nobody is alarmed by it; a warning has none. */
  expires_at?: Time | null;
}
/** A warning of a danger. */
export interface WarningNotice extends AnyNotice {
  kind: 'warning';
  track: string;
  protected: ProtectedId;
  protected_name: string;
  facts: NoticeFacts;
  reasons: string[];
  because: string[];
}
/** Something that people have to say. */
export interface BulletinNotice extends AnyNotice {
  kind: 'bulletin';
  title: string;
  title_es: string;
  audience: Audience[];
  area: NoticeArea | null;
  /** Its number: `OSA-2026-0001`. */
  number?: string | null;
  /** The fields of an Officer Safety Alert and its like. */
  sheet?: Sheet | null;
  issued_by: string;
  approved_by: string | null;
  /** Why one person alone issued it. */
  break_glass: string | null;
  /** Why it was updated, recalled or ended; empty in the first version. */
  why: string;
}
export type Notice = WarningNotice | BulletinNotice;
/** How many people of a notice stand where. */
export interface NoticeCounts {
  recipients: number;
  queued: number;
  sent: number;
  delivered: number;
  shown: number;
  acknowledged: number;
  owing: number;
  escalated: number;
  silent: number;
  unreachable: number;
  excused: number;
  /** With trouble that somebody can do something about; a board has `troubles` instead. */
  trouble?: number;
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
  /** Which reminder they were sent last: a higher one alarms again. */
  reminder?: number;
  /** What they have done of a bulletin's checklist, by the measures' names; my own are in my own row. */
  done?: string[];
}
/** A notice as a reader sees it; of one kind where that is said. */
export interface NoticeView<N extends Notice = Notice> {
  notice: N;
  /** Acted on before it could be made durable. */
  unrecorded: boolean;
  /** How many of the whole list are how far; null for whoever does not see everybody's rows. */
  counts?: NoticeCounts | null;
  /** A list of at most 50 whole; of a longer one those who need somebody and, in an event, those whose row changed. */
  recipients: RecipientRow[];
  /** Not all: of the list in an answer, of the rows that changed in an event. */
  more?: boolean;
  /** I am a recipient. */
  mine: boolean;
  /** I acknowledged this version. */
  acknowledged: boolean;
  /** Call-signs or roles of who issued this version of a bulletin, and of the second person. */
  issued_by_name?: string | null;
  approved_by_name?: string | null;
  /** Only from `GET /notices/{id}`. */
  versions?: N[];
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
  reminder?: number;
}

// ---- bulletins ----
/** Within straight lines between points; the last is joined to the first. */
export interface Polygon {
  shape: 'polygon';
  points: LatLon[];
}
export type NoticeArea = Circle | Polygon;
export interface Circle {
  shape: 'circle';
  centre: LatLon;
  radius_m: number;
}
/** One rule of whom a notice is for. */
export type Audience =
  | { to: 'people'; people: string[] }
  | { to: 'unit'; unit: string; leadership: boolean }
  | { to: 'agency'; agency: string }
  | { to: 'role'; role: Role }
  | { to: 'on_duty'; roster: string }
  | { to: 'in_area'; area: NoticeArea }
  | { to: 'in_danger' }
  | { to: 'in_danger_soon'; within_s: number }
  | { to: 'neighbours'; within_m: number }
  | { to: 'subscribers' }
  | { to: 'centre' }
  | { to: 'everybody' };
/** A wish to be told of what is this bad, there; anywhere without an area. */
export interface Subscription {
  level: Level;
  area: Circle | null;
}
/** What a bulletin says, and to whom, as people write it. */
export interface BulletinContent {
  title: string;
  title_es: string;
  text: string;
  text_es: string;
  level: Level;
  audience: Audience[];
  area: NoticeArea | null;
  marking: Marking;
  expires_at: Time;
  needs_ack: boolean;
  recall_text: string;
  recall_text_es: string;
  sheet?: Sheet | null;
}
/** Words in two languages; the English ones where the Spanish are empty. */
export interface Phrase {
  en: string;
  es: string;
}
export type Reliability = 'A' | 'B' | 'C' | 'D' | 'E' | 'F';
/** Source and information, judged separately; F6: neither can be judged. */
export interface Grade {
  reliability: Reliability;
  credibility: number;
}
export interface Link {
  to: 'sighting' | 'track' | 'notice' | 'report';
  id: string;
}
export interface Measure {
  id: string;
  text: Phrase;
}
/** What makes a bulletin more than a short text. */
export interface Sheet {
  /** NAME@VERSION */
  template: string;
  series: string;
  kind: Phrase;
  issuer: string;
  known: { text: Phrase; grade: Grade }[];
  not_known: Phrase[];
  measures: Measure[];
  area_name: Phrase;
  valid_from: Time | null;
  report_to: Phrase;
  contact: string;
  rests_on: Link[];
  release_why: string;
  /** 90 characters. */
  short: Phrase;
  /** 360 characters. */
  brief: Phrase;
}
export interface BulletinComment {
  by: string;
  at: Time;
  text: string;
  /** It was sent back with this. */
  returned?: boolean;
}
/** What a bulletin rests on, as far as the reader may see it. */
export interface BulletinBasis {
  items: { link: Link; title: string; grade: Grade | null; marking: Marking | null }[];
  /** How many more there are. */
  hidden: number;
  /** The strictest marking of those. */
  hidden_marking: Marking | null;
  /** How many reports it names besides that are not kept any more. */
  gone: number;
  marking: Marking | null;
  /** It is marked less strictly than that. */
  wider: boolean;
}
export type BulletinStep = 'draft' | 'proposed' | 'issued' | 'withdrawn' | 'recalled' | 'expired';
export interface Bulletin {
  /** The notice that it is or would become. */
  notice: string;
  step: BulletinStep;
  /** The version in force; 0 before the first. */
  version: number;
  content: BulletinContent;
  proposed_by: string;
  proposed_by_name: string;
  proposed_at: Time;
  issued_by: string | null;
  issued_by_name: string | null;
  approved_by: string | null;
  approved_by_name: string | null;
  break_glass: string | null;
  why: string;
  correction?: { content: BulletinContent; by: string; at: Time; why: string; draft?: boolean } | null;
  number?: string | null;
  /** What of that which it rests on was hidden from whoever issued it as the last. */
  unseen?: { count: number; marking?: Marking } | null;
  /** Who wrote at it: none of them can be its second person. */
  authors?: string[];
  comments?: BulletinComment[];
  /** What these people are called. */
  names: Record<string, string>;
  basis: BulletinBasis;
  at: Time;
  /** What waits for a second person. */
  waiting: { by: string; by_name: string; at: Time; content: BulletinContent; why: string } | null;
  /** What this reader may do now. */
  may: {
    edit: boolean; submit: boolean; comment: boolean; send_back: boolean; approve: boolean; break_glass: boolean; correct: boolean; withdraw: boolean; recall: boolean;
  };
}
/** One rendering of a bulletin that is not issued yet. */
export interface Rendering {
  name: string;
  language: 'en' | 'es';
  media_type: string;
  text: string | null;
  /** What is no text, such as a PDF. */
  base64: string | null;
  characters: number | null;
}
/** What a bulletin can begin with: data with versions, kept by the centre; of a live centre or of an exercise. */
export interface Library {
  exercise: boolean;
  templates: LibraryTemplate[];
  measures: { id: string; version: number; text: Phrase }[];
  agencies: { id: string; name: string }[];
  areas: LibraryArea[];
}
/** Ground that people call by a name. */
export interface LibraryArea {
  id: string;
  version: number;
  exercise: boolean;
  name: Phrase;
  ground: NoticeArea;
}
export interface LibraryTemplate {
  id: string;
  version: number;
  kind: Phrase;
  title: Phrase;
  /** What is filled in, by name. */
  placeholders: { name: string; label: string; most?: number; example?: Phrase }[];
  about?: Phrase;
}
/** Whom a bulletin would reach now. */
export interface BulletinPreview {
  people: number;
  unreachable: number;
  /** Those of them who may not see it: they get nothing. */
  not_releasable: number;
  rules: { rule: Rule; people: number }[];
  agencies: { id: string | null; name: string; people: number }[];
  sample: { id: string; name: string; unit_name: string; rule: Rule; why_not: string | null }[];
  /** Rules about where people are, not counted for whoever may not see that. */
  left_out?: Audience['to'][];
}
// (end of bulletins)

// ---- intelligence ----
export type ReportStep = 'raw' | 'vetted' | 'purged';
export type ReportSubject = 'drone' | 'weapon' | 'surveillance' | 'threat' | 'crime' | 'views';
export type ReportSourceKind = 'officer' | 'public' | 'sensor' | 'partner' | 'document' | 'open_post';
export type ReportObtained = 'observed' | 'told' | 'measured' | 'read' | 'found';
export interface ReportProvenance {
  kind: ReportSourceKind;
  obtained: ReportObtained;
  at: Time;
  source: string;
  /** What it goes back to: two reports with the same one are one source. */
  origin: string;
  lawful: boolean;
}
export interface ReportIndividual {
  text: string;
  basis: string;
  /** The supervisor who is asked to approve it. */
  approver: string;
}
/** What a report says, as people write it. */
export interface ReportContent {
  title: string;
  text: string;
  about: ReportSubject[];
  provenance: ReportProvenance;
  grade: Grade;
  marking: Marking;
  area: NoticeArea | null;
  from: Time | null;
  until: Time | null;
  links: Link[];
  individual: ReportIndividual | null;
  review_by: Time;
  purge_by: Time;
}
export interface ReportRow {
  report: string;
  version: number;
  step: ReportStep;
  /** How much of it the reader gets. */
  sight: 'whole' | 'outline' | 'tombstone';
  title: string | null;
  grade: Grade | null;
  marking: Marking | null;
  about: ReportSubject[];
  kind: ReportSourceKind | null;
  obtained: ReportObtained | null;
  filed_by: string;
  filed_by_name: string;
  filed_by_agency: string;
  filed_at: Time;
  at: Time;
  review_by: Time | null;
  purge_by: Time | null;
  due: 'review' | 'purge' | null;
  due_since: Time | null;
  /** What of it waits for the reader themself. */
  asks: 'approve_individual' | 'purge' | 'vet' | 'review' | null;
  individual: 'none' | 'waits' | 'approved';
  purge_asked: boolean;
}
export interface Named {
  id: string;
  name: string;
}
export interface LinkView extends Link {
  /** Nothing where the reader may not see it, or it is gone. */
  title: string | null;
  grade: Grade | null;
}
export interface ReportChange {
  version: number;
  at: Time;
  by: Named;
  what: string;
  fields: string[];
  grade_from: Grade | null;
  grade_to: Grade | null;
  why: string;
}
export interface Report extends ReportRow {
  content: ReportContent | null;
  individual_by: Named | null;
  individual_approver: Named | null;
  individual_approved_at: Time | null;
  purge_request: { by: Named; at: Time; why: string } | null;
  history: ReportChange[];
  tombstone: { sha256: string; why: string; asked_by: Named | null; approved_by: Named; at: Time } | null;
  links: LinkView[];
  linked_by: LinkView[];
  cited_by: { notice: string; number: string | null; title: string; step: BulletinStep }[];
  /** Why its credibility 1 is not deserved any more. */
  no_longer_confirmed: string | null;
  may: { change: boolean; vet: boolean; approve_individual: boolean; review: boolean; ask_purge: boolean; purge: boolean };
}
/** What can be named in a report. */
export interface ReportChoices {
  agencies: Named[];
  approvers: { id: string; name: string; agency: string }[];
}
/** That one changed: read it again; or is not there for the reader any more. */
export interface ReportChanged {
  report: string;
  version: number | null;
  step: ReportStep | null;
  gone: boolean;
}
// (end of intelligence)
// ---- search ----
export type SearchKind = 'sighting' | 'report' | 'bulletin' | 'warning';
/** What somebody looks for; all of it must fit. */
export interface Search {
  q: string;
  /** None is every kind. */
  kinds: SearchKind[];
  near: { at: LatLon; within_m: number } | null;
  from: Time | null;
  until: Time | null;
  reliability: Reliability | null;
  credibility: number | null;
}
/** A stretch of a text, in characters (Unicode scalar values, not UTF-16 units). */
export interface Span {
  from: number;
  to: number;
}
/** Something found, as its reader may see it. */
export interface SearchHit {
  kind: SearchKind;
  id: string;
  /** Empty for a sighting; of a warning whom it protects. */
  title: string;
  title_hits: Span[];
  snippet: string;
  snippet_hits: Span[];
  state: string;
  draft: boolean;
  version: number;
  number: string | null;
  marking: Marking;
  grade: Grade | null;
  level: Level | null;
  area: NoticeArea | null;
  at: LatLon | null;
  from: Time;
  until: Time;
  person: string | null;
  person_name: string | null;
  told: number;
}
/** A search that somebody keeps. */
export interface SavedSearch {
  id: string;
  name: string;
  search: Search;
  notify: boolean;
  /** The entry up to which it was read. */
  read: number;
  unread: number;
  /** There is more unread than is counted. */
  more: boolean;
}
export interface SearchNews {
  search: string;
  kind: SearchKind;
  id: string;
  told: number;
}
// (end of search)

// ---- board ----
/** What comes next by itself, and when. */
export interface Next {
  what: 'receipt' | 'retry' | 'remind' | 'escalate' | 'lapse' | 'forget';
  at: Time;
}
export interface BoardPart {
  id: string | null;
  name: string;
  counts: NoticeCounts;
  done: Record<string, number>;
}
export interface NoticeBoard {
  notice: {
    id: string; version: number; kind: 'warning' | 'bulletin'; state: NoticeState; level: Level; title: string; at: Time; expires_at: Time | null;
    exercise: string | null; marking: Marking;
  };
  counts: NoticeCounts;
  /** Its checklist, and how many have done each; empty where it has none. */
  measures: { id: string; text: { en: string; es: string }; done: number }[];
  /** `done`: how many of them have done each measure, by its name. */
  agencies: (BoardPart & { units: BoardPart[] })[];
  troubles: { trouble: string; people: number }[];
  next: Next | null;
}
export type BoardState = 'queued' | 'owing' | 'acknowledged' | 'silent' | 'escalated' | 'trouble' | 'unreachable' | 'sent' | 'delivered' | 'shown' | 'excused';
export type CallStatus = 'acknowledged' | 'no_answer' | 'unavailable';
/** One person on the board of a notice. */
export interface BoardRow {
  person: string;
  name: string;
  unit: string | null;
  unit_name: string;
  agency: string | null;
  rule: Rule;
  reached: Reached;
  channel: Channel | null;
  attempts: number;
  may_repeat: boolean;
  reminder: number;
  acknowledged_at: Time | null;
  acknowledged_via: Channel | null;
  /** Who at the centre said so for them. */
  acknowledged_by: string | null;
  acknowledged_by_name: string | null;
  call: { status: CallStatus; by: string; by_name: string; at: Time } | null;
  owes: boolean;
  escalated_to: string | null;
  escalated_to_name: string | null;
  silent: boolean;
  trouble: string | null;
  /** In plain words. */
  why: string;
  next: Next | null;
  deliveries: { channel: Channel; reached: Reached; attempts: number; may_repeat: boolean; trouble: string | null }[];
  /** The names of the measures of the checklist that they have done. */
  done: string[];
}
// (end of board)

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
  /** Nothing but setting one up is answered before. */
  must_set_factor: boolean;
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
  /** Why, or what is weak about it although something would reach them. */
  why: string | null;
  /** Since when, where that is known. */
  since: Time | null;
  /** Shut out. */
  disabled: boolean;
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
/** How far a number is off: as measured, less what is true. */
export interface OffBy { off: number; sigma: number; sure: boolean }
/** How far a source's measurements are off, learned from drones that say where they are. */
export interface Registration {
  range_m: OffBy | null;
  azimuth_deg: OffBy | null;
  elevation_deg: OffBy | null;
  clock_s: OffBy | null;
  rests_on: number;
  /** What is sure is put right; otherwise it is too much, and somebody has to look at the sensor. */
  applied: boolean;
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
  /** How far its clock is ahead of the centre's (behind, where negative), seconds. */
  clock_offset_s: number | null;
  /** How old what it says was when it came, seconds, on average lately; for feeds. */
  lag_s: number | null;
  connections: number;
  /** Why it is not connected; for feeds. */
  trouble: string | null;
  registration: Registration | null;
  /** More new names come from it than there can be drones. */
  flood: { since: Time; names: number } | null;
  samples: { at: Time; reason: string; offset: number | null; hex: string }[];
}
export interface Status {
  exercise: string | null;
  software: string;
  now: Time;
  started_at: Time;
  record: { state: 'ok' | 'slow' | 'reserve' | 'full'; unrecorded: boolean; entries: number; checkpoint_at: Time | null };
  on_watch: { id: string; name: string }[];
  /** Who should be on duty now; empty for readers who may not see people. */
  on_duty: { roster: string; post: string; id: string; name: string; until: Time; here: boolean }[];
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

// ---- accounts ----
export interface SignInWays {
  passkeys: 'yes' | 'by_address' | 'without_tls';
  provider: string | null;
  exercise: string | null;
}
/** The first half of a sign-in is done. */
export interface SignInStep {
  needs: 'code' | 'passkey';
  ticket: string | null;
}
export interface PasskeyChallenge {
  ceremony: string;
  options: Record<string, unknown>;
}
export interface PasskeyAnswer {
  ceremony: string;
  credential: Record<string, unknown>;
}
export interface CodesBegun {
  secret: string;
  uri: string;
  /** Data address of an image. */
  qr: string;
}
export interface Passkey {
  id: string;
  name: string;
  host: string;
  since: Time;
  used_at: Time | null;
}
export interface SessionRow {
  id: string;
  this: boolean;
  agent: string;
  address: string;
  how: 'unknown' | 'link' | 'password' | 'password_and_code' | 'passkey' | 'provider';
  signed_in_at: Time | null;
  used_at: Time | null;
  ends_at: Time;
}
export interface Reset {
  person: string;
  by: string;
  at: Time;
  until: Time;
}
export interface ResetRow {
  reset: Reset;
  name: string;
  may_confirm: boolean;
}
export interface Account {
  person: string;
  disabled: boolean;
  password: boolean;
  codes_since: Time | null;
  recovery_left: number;
  passkeys: Passkey[];
  needs_factor: boolean;
  open_links: number;
  reset: Reset | null;
  sessions: SessionRow[];
}
export interface LostPhone {
  person: string;
  sessions: number;
  streams: number;
  links: number;
  devices: number;
  cut: Record<string, number>;
  failed: string[];
}
// (end of accounts)

// ---- people ----
export interface Agency {
  id: string;
  name: string;
}
export interface Unit {
  id: string;
  name: string;
  agency: string;
  /** Unit leader first. */
  leadership: string[];
}
/** A person as they are entered. */
export interface PersonEntry {
  id: string;
  name: string;
  unit: string;
  roles: Role[];
  /** In the order in which they are tried. */
  channels: Channel[];
  tak_uid: string | null;
  language: Language;
  disabled: boolean;
  addresses?: Addresses;
  subscriptions?: Subscription[];
}
/** Where mail, short messages, and signed requests to a webhook or relay go. */
export interface Addresses {
  mail?: string | null;
  sms?: string | null;
  webhook?: string | null;
  relay?: string | null;
}
export interface DirectoryPerson extends PersonEntry {
  unit_name: string;
  agency: string | null;
  leads: { unit: string; place: number }[];
  unreachable: boolean;
  why: string | null;
  since: Time | null;
}
export interface DirectoryPeople extends Page<DirectoryPerson> {
  total: number;
}
export interface DirectoryUnit {
  id: string;
  name: string;
  agency: string;
  leadership: { id: string; name: string; disabled: boolean }[];
  people: number;
  sites: string[];
}
export interface Duty {
  person: string;
  from: Time;
  until: Time;
}
export interface Roster {
  id: string;
  name: string;
  unit: string;
  duties: Duty[];
}
export interface DirectoryView {
  agencies: Agency[];
  units: DirectoryUnit[];
  rosters: Roster[];
  people: number;
  disabled: number;
  /** How the configuration file and the record differ about people, in words. */
  notes: string[];
}
export type DirectoryChange =
  | { change: 'put_agency'; agency: Agency }
  | { change: 'remove_agency'; agency: string }
  | { change: 'put_unit'; unit: Unit }
  | { change: 'remove_unit'; unit: string }
  | { change: 'put_person'; person: PersonEntry }
  | { change: 'remove_person'; person: string };
export interface ImportPlan {
  id: string;
  preview: boolean;
  counts: { new: number; changed: number; unchanged: number; refused: number };
  rows: {
    line: number;
    id: string;
    name: string;
    does: 'new' | 'changed' | 'unchanged' | 'refused';
    fields: { field: string; from: string; to: string }[];
    why: string | null;
  }[];
  /** Rows that are not shown. */
  more: number;
  new_agencies: string[];
  new_units: string[];
  problems: string[];
}
export interface RosterView {
  roster: Roster;
  unit_name: string;
  people: Record<string, { name: string; disabled: boolean; here: boolean }>;
  may_write: boolean;
}
export interface RosterList {
  items: RosterView[];
  /** Units whose rosters I may write. */
  units: { id: string; name: string }[];
}
// (end of people)

// ---- audit ----
/** A person by id, and as shown. */
export interface Named {
  id: string;
  name: string;
}
export interface AuditRow {
  entry: number;
  recorded_at: Time;
  /** Nobody where nobody was known: a sign-in that was refused. */
  by: Named | null;
  deed: string;
  what: string;
  about: Named[];
  /** It showed everybody whom the reader may see. */
  everybody: boolean;
  session: string | null;
  first: Time;
  last: Time;
  times: number;
}
export interface AuditQuery {
  person?: string;
  about?: string;
  deed?: string;
  from?: Time;
  until?: Time;
  cursor?: string;
  limit?: number;
}
export interface ReadOfMe {
  by: Named | null;
  unit_name: string;
  what: string;
  everybody: boolean;
  first: Time;
  last: Time;
  times: number;
}
// (end of audit)

// ---- alarms ----
export interface AlarmId {
  of: 'notice' | 'sighting' | 'channel';
  /** Of a channel its word. */
  id: string;
}
export type AlarmChange = 'taken' | 'taken_from' | 'same_drone' | 'handed_back' | 'taken_over';
/** An alarm that is open, and who at the centre has it in hand. */
export interface Alarm {
  alarm: AlarmId;
  since: Time;
  level: Level | null;
  /** Somebody has it in hand, at the level that it had when this was sent. */
  in_hand: boolean;
  holder: Named | null;
  held_since: Time | null;
  how: AlarmChange | null;
  taken_level: Level | null;
  /** The holder has had no page open for long since then. */
  gone_at: Time | null;
  before: Named | null;
  why: string;
  /** What a person is to do about it. */
  action: 'see_that_they_know' | 'decide' | 'mend';
  incident: Incident;
  /** It sounds now, until somebody takes it: decided at the centre. */
  sounds: boolean;
  calls_since: Time | null;
  call: { level: Level; at: Time; why: CallReason; how: CallHow } | null;
  shelved_by: Named | null;
  shelved_at: Time | null;
  shelved_until: Time | null;
  shelved_why: string | null;
  /** Longest time for which it may be shelved at the level that it has now, seconds. */
  shelve_most_s: number;
  /** Of a channel that takes no messages: since when; null of one that takes them and does not work. */
  down_since: Time | null;
}
/** What alarms belong together. */
export interface Incident {
  of: 'track' | 'sighting' | 'channel';
  id: string;
}
export type CallReason = 'new' | 'higher' | 'dropped' | 'back' | 'waited';
export type CallHow = 'interrupts' | 'folded' | 'grouped' | 'waits';
/** Whether there is a flood of alarms. */
export interface Flood {
  since: Time | null;
  calls_in_10_min: number;
}
interface ByLevel {
  urgent: number;
  caution: number;
  advisory: number;
}
export interface AlarmFigures {
  at: Time;
  since: Time;
  targets: { per_10_min: number; peak_10_min: number } & ByLevel;
  calls: ByLevel;
  shares: ByLevel | null;
  interruptions: number;
  per_10_min: number;
  peak_10_min: number;
  flood_since: Time | null;
  floods: number;
  flood_s: number;
  taken: number;
  taken_p50_s: number | null;
  taken_p95_s: number | null;
  open: number;
  untaken: number;
  standing: number;
  standing_s: number;
  shelved: number;
  stale: number;
  stale_s: number;
  officers: { id: string; name: string; since: Time; until: Time | null; interruptions: number; per_10_min: number; peak_10_min: number; taken: number }[];
  exercise: string | null;
}
export interface Shift {
  by: Named;
  from: Named;
  note: string;
  at: Time;
  alarms: number;
  shelved: number;
}
export interface AlarmList {
  items: Alarm[];
  shift: Shift | null;
  flood: Flood;
}
// (end of alarms)

// ---- machines ----
export type Area = { circle: { at: LatLon; radius_m: number } } | { box: { south_deg: number; west_deg: number; north_deg: number; east_deg: number } };
/** What a machine may bring. */
export interface Grant {
  formats?: 'lines'[];
  area?: Area | null;
  also?: string[];
  expected_interval_s?: number | null;
  rate_per_s?: number | null;
}
export type Standing = 'valid' | 'ends_soon' | 'expired' | 'revoked';
interface Credential {
  name: string;
  grant: Grant;
  made_at: Time;
  made_by?: string;
  until?: Time;
  last_used?: Time;
  revoked_at?: Time;
  revoked_by?: string;
  standing: Standing;
  connected: number;
}
export interface Token extends Credential { id: string; source: string }
export interface Certificate extends Credential { serial: string; holder: { source: string } | { person: string } }
export interface Machine { source: SourceView; tokens: Token[]; certificates: Certificate[] }
export interface MachineList {
  items: Machine[];
  /** TAK clients; null for whoever does not look after people. */
  clients: Certificate[] | null;
  authority: { name: string; fingerprint: string; until: Time } | null;
  tak: { tls: boolean; port: number } | null;
  now: Time;
}
export interface TakPackage { certificate: { serial: string; until?: Time }; file: string; zip: string; password: string }
export interface PartnerToken extends Omit<Credential, 'grant'> { id: string; agency: string }
export interface PartnerList { items: PartnerToken[]; feed: string }
export interface CapCertificates { sender: string; items: { pem: string; fingerprint: string; begins: Time; ends: Time; signs: boolean }[] }
// (end of machines)

// ---- upkeep ----
export interface Purged {
  at: Time;
  /** Items by kind of entry. */
  items: Record<string, number>;
  /** Nobody for the daily purge. */
  by: string | null;
  /** Backups that still hold it. */
  backups: string[];
}
export interface Upkeep {
  now: Time;
  entries: number;
  database_bytes: number;
  /** Newest first. */
  backups: { id: string; at: Time; entries: number; to: string; recipients: string[] }[];
  restored: { id: string; at: Time; entries: number; made_at: Time } | null;
  /** Newest first. */
  purges: Purged[];
  next_purge: Time;
  due: Record<string, number>;
  due_in_backups: string[];
  /** Days by group. */
  retention: Record<string, number>;
  rebuild_from: number | null;
  /** The folder of the record. */
  folder: string;
}
/** One line of the doctor. */
export interface Finding {
  check: string;
  state: 'ok' | 'warn' | 'bad';
  says: string;
  todo: string | null;
}
/** What is wrong with the centre, and what to do. */
export interface Doctor {
  now: Time;
  software: string;
  running: boolean;
  worst: Finding['state'];
  items: Finding[];
}
// (end of upkeep)

// ---- enrolment ----
/** By what the centre is known, and where phones reach it. */
export interface Trust {
  /** By the own authority, by certificate files, by a proxy in front, or not at all. */
  tls: 'auto' | 'files' | 'proxy' | 'none';
  authority: string | null;
  authority_ends_at: Time | null;
  fingerprint: string | null;
  names: string[];
  ends_at: Time | null;
  /** Likeliest first. */
  urls: string[];
}
export interface Enrolment {
  id: string;
  /** Null where phones trust the certificate already. */
  trust_url: string | null;
  trust_qr: string | null;
  sign_in_url: string;
  sign_in_qr: string;
  fingerprint: string | null;
  authority: string | null;
  expires_at: Time;
}
// (end of enrolment)

// ---- push ----
/** A phone of mine that gets push. */
export interface PushDevice {
  id: string;
  name: string;
  /** Host of the browser's maker. */
  service: string;
  made_at: Time;
  accepted_at: Time | null;
  trouble: string | null;
}
export interface Push {
  enabled: boolean;
  /** The centre's VAPID public key, base64url. */
  key: string;
  /** A contact is set; some makers of browsers send nothing without. */
  contact: boolean;
  devices: PushDevice[];
}
export interface PushTested {
  items: { device: PushDevice; outcome: 'accepted' | 'gone' | 'failed' | 'ambiguous' }[];
}
// (end of push)

// ---- the event stream ----
export interface EventData {
  hello: { now: Time; exercise: string | null };
  tracks: { features: TrackFeature[] };
  dangers: { items: Danger[] };
  notice: NoticeView;
  bulletin: Bulletin;
  intelligence: ReportChanged;
  sighting: SightingView;
  person: PersonView;
  alarm: Alarm;
  shift: Shift;
  flood: Flood;
  status: Status;
  directory: { entry: number };
  search: SearchNews;
  heartbeat: { now: Time };
  reset: Record<string, never>;
  bye: { why: string };
}
export type EventName = keyof EventData;
