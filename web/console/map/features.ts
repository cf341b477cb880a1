// What the map draws, as GeoJSON, from what the page knows. Pure: the map only takes it over.
import type { Feature, FeatureCollection, Position } from 'geojson';
import { distance, type Units, speed } from '../../shared/format';
import type { Danger, LatLon, Level, NoticeView, OwnFlight, PersonView, SightingView, SiteFeature, TrackFeature, WarningNotice } from '../../shared/types';
import { ended, isWarning } from '../../shared/notice';
import { protectedKey } from '../attention';
import type { Selection } from '../selection';
import { LEVEL_RANK, sightingLine, trackName } from '../words';
import { circleRing, distanceBearing, ellipseOf, ellipseRing, fanOf, polar, sectorRing, sightingRing } from '../../shared/map/geometry';
import type { Live } from './style';
import { isWeak, sidcOf } from './symbols';

export type Drawing = Record<Exclude<Live, 'grid'>, FeatureCollection>;

export interface Scene {
  tracks: ReadonlyMap<string, TrackFeature>;
  notices: Iterable<NoticeView>;
  dangers: ReadonlyMap<string, Danger>;
  sightings: Iterable<SightingView>;
  people: ReadonlyMap<string, PersonView>;
  sites: readonly SiteFeature[];
  flights: readonly OwnFlight[];
  selection: Selection;
  exercise: boolean;
  units: Units;
  nowMs: number;
}

/** The policy's stand-off radius, metres, for people (a site says its own). */
export const STANDOFF_M = 150;
/** A position older than this is drawn pale, seconds. */
export const OLD_S = 120;
/** With more people than this, stand-off circles are drawn only for those in danger. */
const CROWD = 1_000;
/** Decided reports leave the map after so long, seconds. */
const REPORT_S = 600;

const polygon = (ring: Position[], properties: object): Feature => ({ type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [ring] } });
const point = (at: Position, properties: object): Feature => ({ type: 'Feature', properties, geometry: { type: 'Point', coordinates: at } });
const line = (of: Position[], properties: object): Feature => ({ type: 'Feature', properties, geometry: { type: 'LineString', coordinates: of } });
const collection = (features: Feature[]): FeatureCollection => ({ type: 'FeatureCollection', features });
const latLon = (f: { geometry: { coordinates: number[] } }): LatLon => ({ lon_deg: f.geometry.coordinates[0]!, lat_deg: f.geometry.coordinates[1]! });

export function draw(s: Scene): Drawing {
  const chosen = s.selection !== null && 'id' in s.selection ? s.selection : null;
  const levelOfTrack = new Map<string, Level>();
  const levelOfProtected = new Map<string, Level>();
  const raise = (map: Map<string, Level>, key: string, level: Level): void => {
    const held = map.get(key);
    if (!held || LEVEL_RANK[level] > LEVEL_RANK[held]) map.set(key, level);
  };
  const open: NoticeView<WarningNotice>[] = [];
  for (const v of s.notices) {
    if (!isWarning(v) || ended(v.notice.state)) continue;
    open.push(v);
    raise(levelOfTrack, v.notice.track, v.notice.level);
    raise(levelOfProtected, protectedKey(v.notice.protected), v.notice.level);
  }
  for (const d of s.dangers.values()) {
    if (d.level) raise(levelOfTrack, d.track, d.level);
  }
  const level = (l: Level | undefined): object => (l ? { level: l } : {});

  const out: Record<string, Feature[]> = {
    standoff: [], flights: [], sites: [], people: [], wedges: [], reports: [], fans: [], trails: [], ellipses: [], links: [], tracks: [],
  };
  const protectedAt = new Map<string, LatLon>();
  // How far the selected track is from each whom it endangers: written with their names.
  const chosenTrack = chosen?.kind === 'track' ? s.tracks.get(chosen.id) : undefined;
  const endangered = new Set(open.filter((v) => chosenTrack && v.notice.track === chosenTrack.id).map((v) => protectedKey(v.notice.protected)));
  const withDistance = (name: string, key: string, at: LatLon): string =>
    (chosenTrack && endangered.has(key) ? `${name}\n${distance(distanceBearing(at, latLon(chosenTrack)).m, s.units)}` : name);

  for (const site of s.sites) {
    const { id, name, standoff_m } = site.properties;
    protectedAt.set(`site/${id}`, latLon(site));
    out['sites']!.push(point(site.geometry.coordinates.slice(0, 2), { id, kind: 'site', name: withDistance(name, `site/${id}`, latLon(site)) }));
    out['standoff']!.push(polygon(circleRing(latLon(site), standoff_m), level(levelOfProtected.get(`site/${id}`))));
  }
  for (const p of s.people.values()) {
    if (!p.position) continue;
    const at = p.position.at;
    protectedAt.set(`person/${p.id}`, at);
    const old = s.nowMs - Date.parse(p.position.observed_at) > OLD_S * 1_000;
    const named = withDistance(p.name, `person/${p.id}`, at);
    const name = p.unreachable ? `${named}\nno way to them` : named;
    out['people']!.push(point([at.lon_deg, at.lat_deg], { id: p.id, kind: 'person', name, old, unreachable: p.unreachable }));
    const l = levelOfProtected.get(`person/${p.id}`);
    // In a crowd only the circles that matter: twenty thousand would hide each other.
    if (s.people.size <= CROWD || l || (chosen?.kind === 'person' && chosen.id === p.id)) {
      out['standoff']!.push(polygon(circleRing(at, STANDOFF_M), level(l)));
    }
  }
  for (const f of s.flights) {
    if (Date.parse(f.until) < s.nowMs || Date.parse(f.from) > s.nowMs) continue;
    out['flights']!.push(polygon(circleRing(f.centre, f.radius_m), { id: f.id }));
  }
  for (const v of s.sightings) {
    const r = v.sighting;
    const selected = chosen?.kind === 'sighting' && chosen.id === r.id;
    const over = v.retracted_at !== null || v.verdict.is === 'dismissed' || v.verdict.is === 'merged';
    const old = s.nowMs - Date.parse(r.last_seen) > REPORT_S * 1_000;
    if (!selected && (over || (old && v.verdict.is !== 'new'))) continue;
    const fresh = v.verdict.is === 'new' && v.retracted_at === null;
    const common = { id: r.id, kind: 'sighting', selected, fresh };
    out['wedges']!.push(polygon(sightingRing(r), common));
    out['reports']!.push(point([r.from.lon_deg, r.from.lat_deg], { ...common, name: selected ? sightingLine(v) : fresh ? 'report' : '', rank: selected ? 1 : 0 }));
  }
  for (const f of s.tracks.values()) {
    const p = f.properties;
    const at = latLon(f);
    const selected = chosen?.kind === 'track' && chosen.id === f.id;
    const weak = isWeak(p);
    const l = levelOfTrack.get(f.id);
    const v = Math.hypot(p.vel_enu_mps[0], p.vel_enu_mps[1]);
    // What may be nothing (a radar's false plots) is drawn small and without a name until it matters.
    const quiet = weak && !p.suspect && !l && !selected && p.ids.length === 0;
    // The name stands ahead of a drone that flies west: behind it is its trail.
    const ahead = p.vel_enu_mps[0] < -0.5 * v && v >= 2;
    const lines = quiet ? [] : [trackName(f.id, f)];
    if (l || selected) lines.push(speed(v, s.units));
    if (p.suspect) lines.push('contradicts itself');
    out['tracks']!.push(point([at.lon_deg, at.lat_deg], {
      id: f.id, kind: 'track', icon: `sidc-${sidcOf(p, s.exercise)}`, weak, quiet, ahead, selected, name: lines.join('\n'), rank: (l ? LEVEL_RANK[l] : 0) + (selected ? 10 : 0), ...level(l),
    }));
    const ellipse = ellipseOf(p.cov_enu_m2);
    if (ellipse) out['ellipses']!.push(polygon(ellipseRing(at, ellipse), { id: f.id, kind: 'track', selected, weak }));
    if (p.trail.length > 1 && !quiet) out['trails']!.push(line(p.trail, { id: f.id }));
    if (selected || l === 'urgent') {
      const fan = fanOf(p.vel_enu_mps, p.vel_cov_enu);
      for (const t of fan ? [60, 30] : []) {
        const far = fan!.speed_mps * t;
        out['fans']!.push(polygon(sectorRing(at, fan!.bearing_deg, fan!.half_deg, 0, far), level(l)));
        out['fans']!.push(point(polar(at, fan!.bearing_deg, far), { name: `${t} s` }));
      }
    }
  }
  for (const v of open) {
    const onTrack = chosen?.kind === 'track' && chosen.id === v.notice.track;
    const onProtected = chosen !== null && protectedKey(v.notice.protected) === `${chosen.kind}/${chosen.id}`;
    if (!onTrack && !onProtected) continue;
    const track = s.tracks.get(v.notice.track);
    const at = protectedAt.get(protectedKey(v.notice.protected));
    if (!track || !at) continue;
    const from = latLon(track);
    out['links']!.push(line([[from.lon_deg, from.lat_deg], [at.lon_deg, at.lat_deg]], { level: v.notice.level }));
  }
  return Object.fromEntries(Object.entries(out).map(([k, v]) => [k, collection(v)])) as Drawing;
}

/** The area that a selection is about, for the map to show: a track with everybody it endangers; null when it is nowhere. */
export function extent(s: Selection, scene: Pick<Scene, 'tracks' | 'people' | 'sites' | 'notices'> & { sightings: ReadonlyMap<string, SightingView> }): [number, number, number, number] | null {
  if (s === null || !('id' in s)) return null;
  const at: LatLon[] = [];
  const person = (id: string): void => {
    const p = scene.people.get(id)?.position?.at;
    if (p) at.push(p);
  };
  const site = (id: string): void => {
    const f = scene.sites.find((x) => x.properties.id === id);
    if (f) at.push(latLon(f));
  };
  if (s.kind === 'track') {
    const f = scene.tracks.get(s.id);
    if (f) at.push(latLon(f));
    for (const v of scene.notices) {
      if (!isWarning(v) || v.notice.track !== s.id || ended(v.notice.state)) continue;
      if ('person' in v.notice.protected) person(v.notice.protected.person);
      else site(v.notice.protected.site);
    }
  } else if (s.kind === 'sighting') {
    const v = scene.sightings.get(s.id);
    // Far wedges are not shown whole: where the reporter stands matters more.
    if (v) at.push(v.sighting.from, ...sightingRing(v.sighting).slice(0, 3).map(([lon, lat]) => ({ lon_deg: lon!, lat_deg: lat! })));
  } else if (s.kind === 'person') person(s.id);
  else if (s.kind === 'site') site(s.id);
  if (at.length === 0) return null;
  const lons = at.map((p) => p.lon_deg);
  const lats = at.map((p) => p.lat_deg);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}
