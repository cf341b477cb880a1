// The words behind the fixed codes that engines and channels use. A code that is not known here is shown as it is, with
// spaces: never hidden.
import type {
  Activity, Affiliation, AirClass, BearingHow, Channel, DecidedAffiliation, DroneKind, Level, NoticeState, OffBy, RangeClass, Reached, Registration,
  ReportKind, Role, Rule, SightingView, TrackChange, TrackClass, TrackFeature, TrackPart,
} from '../shared/types';

const plain = (code: string): string => code.replaceAll('_', ' ');

export const LEVEL_SHAPE: Record<Level, string> = { advisory: '●', caution: '◆', urgent: '▲' };
export const LEVEL_RANK: Record<Level, number> = { advisory: 1, caution: 2, urgent: 3 };

const CLASS: Record<AirClass, string> = {
  rotor: 'multirotor', fpv: 'FPV drone', fixed_wing: 'fixed wing', crewed: 'crewed aircraft', bird: 'bird',
};
export const className = (c: AirClass | null): string => (c === null ? 'kind unknown' : CLASS[c] ?? plain(c));

const AFFILIATION: Record<Affiliation, string> = {
  unknown: 'unknown', own: 'own flight', neutral: 'decided harmless', suspect: 'decided suspect', hostile: 'decided hostile',
};
export const affiliationName = (a: Affiliation): string => AFFILIATION[a] ?? plain(a);

const KIND: Record<DroneKind, string> = { multirotor: 'Multirotor', fpv: 'FPV drone', fixed_wing: 'Fixed wing', unsure: 'Drone, kind unsure' };
export const kindName = (k: DroneKind): string => KIND[k] ?? plain(k);

const RANGE: Record<RangeClass, string> = {
  under100: 'under 100 m', to300: '100 to 300 m', to1000: '300 to 1,000 m', farther: 'over 1 km', unknown: 'distance not said',
};
const RANGE_FEET: Record<RangeClass, string> = {
  under100: 'under 330 ft', to300: '330 to 980 ft', to1000: '980 to 3,300 ft', farther: 'over 0.62 mi', unknown: 'distance not said',
};
export const rangeName = (r: RangeClass, feet = false): string => (feet ? RANGE_FEET : RANGE)[r] ?? plain(r);

const ACTIVITY: Record<Activity, string> = {
  hovering: 'hovering', approaching: 'coming closer', passing: 'passing', leaving: 'going away', circling: 'circling',
  dropped: 'came down or dropped something', unknown: 'not said',
};
export const activityName = (a: Activity): string => ACTIVITY[a] ?? plain(a);

const HOW: Record<BearingHow, string> = { compass: 'phone compass', sight: 'sighted by hand', clock: 'clock position', octant: 'compass direction' };
export const howName = (h: BearingHow): string => HOW[h] ?? plain(h);

const RULE: Record<Rule, string> = {
  in_danger: 'in danger', site_unit: 'at the site', in_danger_soon: 'in danger soon', named: 'named', on_duty: 'on duty', unit: 'in the unit',
  leadership: 'leads the unit', agency: 'in the agency', role: 'by role', area: 'in the area', neighbour: 'near somebody in danger', everybody: 'everybody',
  subscription: 'asked for it', centre: 'centre', escalation: 'supervisor of a silent person',
};
export const ruleName = (r: Rule): string => RULE[r] ?? plain(r);

const REACHED: Record<Reached, string> = { queued: 'waiting for a channel', sent: 'sent, nothing heard', delivered: 'delivered', shown: 'shown' };
export const reachedName = (r: Reached): string => REACHED[r] ?? plain(r);

const CHANNEL: Record<Channel, string> = {
  web: 'page', tak: 'TAK', push: 'push', mail: 'mail', sms: 'SMS', webhook: 'webhook', relay: 'siren', voice: 'voice',
};
export const channelName = (c: Channel): string => CHANNEL[c] ?? plain(c);

const STATE: Record<NoticeState, string> = {
  raised: 'raised', issued: 'issued', updated: 'updated', cleared: 'cleared', recalled: 'recalled', expired: 'expired',
};
export const stateName = (s: NoticeState): string => STATE[s] ?? plain(s);

const ROLE: Record<Role, string> = {
  field: 'field', watch: 'watch', analyst: 'analyst', supervisor: 'supervisor', integrator: 'integrator', auditor: 'auditor',
  administrator: 'administrator', device: 'device',
};
export const roleName = (r: Role): string => ROLE[r] ?? plain(r);

const REASON: Record<string, string> = {
  inside_standoff: 'It is inside the stand-off distance.',
  reported_near: 'People reported it near.',
  lingers_near: 'It stays near.',
  held: 'The level is held until it has been lower for 10 s.',
  own_flight: 'It matches a filed own flight.',
  neutral: 'A person decided that it is harmless.',
  crewed: 'It is a crewed aircraft.',
  track_lost: 'The track is lost.',
  position_too_old: 'The position of the person is too old to say anything.',
  height_unknown: 'A height is not known: distances are along the ground.',
  by_people_only: 'Only people have reported it so far.',
  not_confirmed: 'The track is not confirmed yet.', in_flood: 'One of a flood of new names, heard once: it raises nothing by itself.',
  position_old: 'The position of the person is old.',
  position_coarse: 'The position of the person is less sure than the stand-off distance.',
  suspect: 'Evidence speaks against what it says of itself.',
  merged: 'It was merged into another track that has a warning.',
  not_protected: 'The person or place is no longer known here.',
};
/** One reason of a danger as a sentence. */
export function reasonText(code: string): string {
  const known = REASON[code];
  if (known) return known;
  const within = /^within_(\d+)_s$/.exec(code);
  if (within) return `It can be within the stand-off distance in ${within[1]} s.`;
  const text = plain(code);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const EVIDENCE: Record<string, string> = {
  duplicate_identity: 'the same identity in two places', implied_speed: 'claims two places that it cannot fly between',
  clock_suspect: 'its clock is off', far_from_receiver: 'claims a place beyond what the receiver hears',
  too_loud: 'far too loud for the distance that it claims',
  operator_far: 'claims an operator too far away to fly it', operator_jumps: 'claims an operator who moves faster than people do',
  stands_still: 'claims to fly and stays where it is', steady_signal: 'equally loud however far it claims to be',
  one_radio: 'one of many names that seem to be one transmitter', identity_flood: 'one of a flood of new names',
};
export const evidenceName = (e: string): string => EVIDENCE[e] ?? plain(e);

const TROUBLE: Record<string, string> = {
  no_channel_up: 'no channel is open', no_channel: 'has no channel', channel_down: 'the channel broke', not_releasable: 'may not see this',
  not_in_directory: 'is no longer known here', failed: 'could not be sent', ambiguous: 'may have arrived', no_receipt: 'nothing came back',
  refused: 'was refused for good', overtaken: 'it was over before it could be sent',
};
export const troubleName = (t: string): string => TROUBLE[t] ?? plain(t);

const CALLED: Record<TrackClass, string> = { ...CLASS, drone: 'drone, kind not known', unknown: 'nobody knows what' };
/** What a person said that a track is. */
export const calledName = (c: TrackClass): string => CALLED[c] ?? plain(c);
const DECIDED: Record<DecidedAffiliation, string> = { unknown: 'not known whose', neutral: 'harmless', suspect: 'suspect', hostile: 'hostile' };
export const decidedName = (a: DecidedAffiliation): string => DECIDED[a] ?? plain(a);
/** What was decided, in a few words: "bird, harmless". */
export const decisionText = (c: TrackClass | null, a: DecidedAffiliation | null): string =>
  [...(c ? [calledName(c)] : []), ...(a ? [decidedName(a)] : [])].join(', ');

const BEGAN: Record<ReportKind, string> = {
  cooperative: 'what it broadcast', fix: 'a position', radar: 'a radar plot', person: 'a person\u2019s report', direction: 'a direction', presence: 'something heard',
};
const DROPPED: Record<string, string> = {
  silence: 'nobody reported it for too long', doubt: 'too little spoke for it', retracted: 'the report that it rested on was taken back',
};
/** A part of a track: "radar-1", "serial 1581F…". */
export const partName = (p: TrackPart): string => (p.of === 'source' ? p.source : `${plain(p.kind)} ${printable(p.value)}`);
/** What happened to a track, as a sentence; `nameOf` a person, `called` another track. */
export function lineageText(what: TrackChange, nameOf: (person: string) => string, called: (track: string) => string): string {
  const because = (why: string): string => (why ? `: \u201c${why}\u201d` : '');
  switch (what.is) {
    case 'started':
      return what.by === 'direction' && what.sources.length > 1
        ? `Began where directions from ${what.sources.join(' and ')} crossed`
        : `Began with ${BEGAN[what.by] ?? plain(what.by)} from ${what.sources.join(' and ')}`;
    case 'split_from': return `Split from ${called(what.track)} (${partName(what.part)}) by ${nameOf(what.by)}${because(what.why)}`;
    case 'split_off': return `${partName(what.part)} became ${called(what.track)}, split off by ${nameOf(what.by)}${because(what.why)}`;
    case 'confirmed': return what.by_desk ? 'Confirmed, with a report that the desk confirmed' : 'Confirmed';
    case 'doubted': return 'Not confirmed any more: one person\u2019s word is left';
    case 'named': return `Known as ${plain(what.kind)} ${printable(what.value)}${what.before ? `, before that as ${printable(what.before)}` : ''}`;
    case 'took_over': return `Took over ${called(what.track)}${what.by ? `, merged by ${nameOf(what.by)}${because(what.why)}` : ': the same name and place'}`;
    case 'merged_into': return `Ended in ${called(what.track)}${what.by ? `, merged by ${nameOf(what.by)}${because(what.why)}` : ': the same name and place'}`;
    case 'classified': {
      const decision = decisionText(what.class, what.affiliation);
      return decision ? `Called ${decision} by ${nameOf(what.by)}${because(what.why)}` : `${nameOf(what.by)} took the classification back${because(what.why)}`;
    }
    case 'dropped': return `Ended: ${DROPPED[what.why] ?? plain(what.why)}`;
  }
}

/** What a track is called: the tail of its serial number, else its kind and the end of its id. */
export function trackName(id: string, track: TrackFeature | undefined): string {
  const p = track?.properties;
  if (p?.affiliation === 'own') return `own ${tail(p.ids.find((i) => i.kind === 'serial')?.value) ?? id.slice(0, 4)}`;
  const named = p?.ids.find((i) => i.kind === 'serial') ?? p?.ids[0];
  const noun = p?.class === 'crewed' ? 'aircraft' : p?.class === 'bird' ? 'bird' : p?.state === 'tentative' && !named ? 'possible' : 'drone';
  return `${noun} ${tail(named?.value) ?? id.slice(-4)}`;
}
function tail(value: string | undefined): string | null {
  if (!value) return null;
  // Attacker-controlled text: printable characters only, and few of them.
  const clean = printable(value);
  return clean.length > 6 ? `…${clean.slice(-5)}` : clean;
}
/** Text off the air with everything that could mislead the eye (controls, direction marks) made visible. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a1-\u024f]/gu, '\u00b7');
}

/** A sighting in one line: "Multirotor, 2, coming closer". */
export function sightingLine(v: SightingView): string {
  const s = v.sighting;
  const parts = [kindName(s.kind)];
  if (s.count !== null && s.count > 1) parts.push(`${s.count} of them`);
  if (s.activity !== 'unknown') parts.push(activityName(s.activity));
  return parts.join(', ');
}

export function verdictName(v: SightingView): string {
  if (v.retracted_at !== null) return 'taken back by its reporter';
  switch (v.verdict.is) {
    case 'new': return 'not decided';
    case 'confirmed': return 'confirmed as a drone';
    case 'merged': return 'merged into another report';
    case 'dismissed': return 'dismissed';
  }
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** How far a sensor is off, in words; empty where it is as right as can be told. */
export function offWords(r: Registration): string {
  const say = (by: OffBy | null, digits: number, unit: string, more: string, less: string): string[] =>
    by === null || !by.sure ? [] : [`${Math.abs(by.off).toFixed(digits)}${unit} ± ${by.sigma.toFixed(digits)}${unit} ${by.off > 0 ? more : less}`];
  return [
    ...say(r.azimuth_deg, 1, '°', 'too far right', 'too far left'),
    ...say(r.elevation_deg, 1, '°', 'too high', 'too low'),
    ...say(r.range_m, 0, ' m', 'too far', 'too near'),
    ...say(r.clock_s, 2, ' s', 'late', 'early'),
  ].join(', ');
}
