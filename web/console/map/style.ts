// The map's style, made from the palette: mostly dark and empty; colour is spent on levels and affiliation only.
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { baseLayers, baseSources, EMPTY, haloOf, labelOf, type Colours } from '../../shared/map/base';
import type { Basemap } from '../../shared/map/basemap';

/** Symbols shrink when the map shows a whole region, so that they do not cover it. */
const SIZE: never = ['interpolate', ['linear'], ['zoom'], 6, 0.45, 11, 1] as never;
const TRACK_SIZE: never = ['interpolate', ['linear'], ['zoom'], 6, ['case', ['get', 'quiet'], 0.3, 0.45], 11, ['case', ['get', 'quiet'], 0.65, 1]] as never;
/** A name stands on whatever side is free. */
const BESIDE = { 'text-variable-anchor': ['top', 'bottom', 'left', 'right'] as ('top' | 'bottom' | 'left' | 'right')[], 'text-radial-offset': 0.75, 'text-justify': 'auto' as const };

/** The sources that the page fills. */
export const LIVE = [
  'grid', 'standoff', 'flights', 'sites', 'people', 'wedges', 'reports', 'fans', 'trails', 'ellipses', 'links', 'tracks',
] as const;
export type Live = (typeof LIVE)[number];

export function layers(c: Colours): LayerSpecification[] {
  const levelColour: never = ['match', ['get', 'level'], 'urgent', c.urgent, 'caution', c.caution, 'advisory', c.advisory, c.own] as never;
  const label = labelOf;
  const halo = haloOf(c);
  return [
    ...baseLayers(c),

    { id: 'standoff-fill', type: 'fill', source: 'standoff', filter: ['has', 'level'], paint: { 'fill-color': levelColour, 'fill-opacity': 0.1 } },
    {
      id: 'standoff', type: 'line', source: 'standoff',
      paint: { 'line-color': levelColour, 'line-width': ['case', ['has', 'level'], 1.5, 1], 'line-opacity': ['case', ['has', 'level'], 1, 0.4] },
    },
    { id: 'flights', type: 'line', source: 'flights', paint: { 'line-color': c.own, 'line-width': 1, 'line-dasharray': [6, 4], 'line-opacity': 0.6 } },
    {
      id: 'wedges-fill', type: 'fill', source: 'wedges',
      paint: { 'fill-color': c.text, 'fill-opacity': ['case', ['get', 'selected'], 0.16, ['get', 'fresh'], 0.09, 0.04] },
    },
    {
      id: 'wedges', type: 'line', source: 'wedges',
      paint: { 'line-color': c.text, 'line-width': 1, 'line-dasharray': [3, 3], 'line-opacity': ['case', ['get', 'selected'], 0.9, ['get', 'fresh'], 0.5, 0.25] },
    },
    { id: 'fans-fill', type: 'fill', source: 'fans', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': levelColour, 'fill-opacity': 0.07 } },
    { id: 'fans', type: 'line', source: 'fans', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'line-color': levelColour, 'line-width': 1, 'line-opacity': 0.45 } },
    {
      id: 'fans-label', type: 'symbol', source: 'fans', filter: ['==', ['geometry-type'], 'Point'],
      layout: { ...label, 'text-field': ['get', 'name'] }, paint: { 'text-color': c.dim, ...halo },
    },
    { id: 'ellipses-fill', type: 'fill', source: 'ellipses', paint: { 'fill-color': c.text, 'fill-opacity': ['case', ['get', 'selected'], 0.12, 0.06] } },
    { id: 'ellipses', type: 'line', source: 'ellipses', filter: ['!', ['get', 'weak']], paint: { 'line-color': c.text, 'line-width': 1, 'line-opacity': 0.5 } },
    {
      id: 'ellipses-weak', type: 'line', source: 'ellipses', filter: ['get', 'weak'],
      paint: { 'line-color': c.text, 'line-width': 1, 'line-opacity': 0.4, 'line-dasharray': [3, 3] },
    },
    {
      id: 'trails', type: 'line', source: 'trails', layout: { 'line-cap': 'round' },
      paint: { 'line-width': 2, 'line-color': c.text, 'line-gradient': ['interpolate', ['linear'], ['line-progress'], 0, transparent(c.text), 1, c.text] },
    },
    { id: 'links', type: 'line', source: 'links', paint: { 'line-color': levelColour, 'line-width': 1, 'line-dasharray': [2, 3] } },
    {
      id: 'sites', type: 'symbol', source: 'sites',
      layout: {
        ...label, ...BESIDE, 'icon-image': 'site', 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'text-field': ['get', 'name'], 'text-optional': true,
      },
      paint: { 'text-color': c.own, ...halo },
    },
    // Under the people's names: who stands there matters more than the word "report".
    {
      id: 'reports-label', type: 'symbol', source: 'reports',
      layout: { ...label, ...BESIDE, 'text-field': ['get', 'name'], 'symbol-sort-key': ['-', 0, ['get', 'rank']] },
      paint: { 'text-color': c.text, ...halo },
    },
    {
      id: 'people', type: 'circle', source: 'people',
      paint: {
        'circle-radius': 5, 'circle-color': ['case', ['get', 'unreachable'], c.ground, c.own],
        'circle-stroke-color': ['case', ['get', 'unreachable'], c.own, c.ground], 'circle-stroke-width': 2,
        'circle-opacity': ['case', ['get', 'old'], 0.45, 1], 'circle-stroke-opacity': ['case', ['get', 'old'], 0.6, 1],
      },
    },
    {
      id: 'people-label', type: 'symbol', source: 'people',
      layout: { ...label, ...BESIDE, 'text-field': ['get', 'name'] },
      paint: { 'text-color': c.own, 'text-opacity': ['case', ['get', 'old'], 0.7, 1], ...halo },
    },
    {
      id: 'reports', type: 'symbol', source: 'reports',
      layout: { 'icon-image': 'report', 'icon-allow-overlap': true },
      paint: { 'icon-opacity': ['case', ['get', 'fresh'], 1, 0.6] },
    },
    {
      id: 'halos', type: 'symbol', source: 'tracks', filter: ['has', 'level'],
      layout: { 'icon-image': ['concat', 'halo-', ['get', 'level']], 'icon-size': SIZE, 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'rank'] },
    },
    {
      id: 'chosen', type: 'symbol', source: 'tracks', filter: ['get', 'selected'],
      layout: { 'icon-image': 'selected', 'icon-size': SIZE, 'icon-allow-overlap': true, 'icon-ignore-placement': true },
    },
    {
      id: 'tracks', type: 'symbol', source: 'tracks',
      layout: { 'icon-image': ['get', 'icon'], 'icon-size': TRACK_SIZE, 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'rank'] },
      paint: { 'icon-opacity': ['case', ['get', 'weak'], 0.6, 1] },
    },
    {
      id: 'tracks-label', type: 'symbol', source: 'tracks',
      layout: {
        ...label, 'text-field': ['get', 'name'], 'text-anchor': ['case', ['get', 'ahead'], 'right', 'left'] as never, 'text-justify': 'auto',
        'text-offset': ['case', ['all', ['get', 'ahead'], ['has', 'level']], ['literal', [-3.2, 0.4]], ['get', 'ahead'], ['literal', [-2.1, 0]], ['has', 'level'], ['literal', [3.2, 0.4]], ['literal', [2.1, 0]]] as never,
        'text-allow-overlap': ['step', ['zoom'], false, 10, true] as never, 'symbol-sort-key': ['-', 0, ['get', 'rank']],
      },
      paint: { 'text-color': c.text, 'text-opacity': ['case', ['get', 'weak'], 0.75, 1], ...halo },
    },
  ];
}

function transparent(colour: string): string {
  return /^#[0-9a-f]{6}$/i.test(colour) ? `${colour}00` : 'rgba(0,0,0,0)';
}

export function makeStyle(c: Colours, base: Basemap | null): StyleSpecification {
  const sources: StyleSpecification['sources'] = baseSources(base);
  // Cut into tiles of 8 km at the smallest, a metre fine: what changes each second must not be cut into many.
  for (const id of LIVE) sources[id] = { type: 'geojson', data: EMPTY, ...(id === 'trails' ? { lineMetrics: true } : {}), maxzoom: 12, tolerance: 0.05 };
  return { version: 8, sources, layers: layers(c) };
}
