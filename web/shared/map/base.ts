// What every map here stands on: land, borders, grid and names, in the colours of the palette. Mostly dark and empty.
import type { LayerSpecification, SourceSpecification } from 'maplibre-gl';
import type { Basemap } from './basemap';

export interface Colours {
  ground: string;
  panel: string;
  line: string;
  strong: string;
  text: string;
  dim: string;
  urgent: string;
  caution: string;
  advisory: string;
  own: string;
}

/** The palette in force, read from the tokens. */
export function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: of('ground'), panel: of('panel'), line: of('line'), strong: of('line-strong'), text: of('text'), dim: of('dim'),
    urgent: of('urgent'), caution: of('caution'), advisory: of('advisory'), own: of('own'),
  };
}

export const FONT = ['Inter Variable', 'sans-serif'];
export const EMPTY = { type: 'FeatureCollection' as const, features: [] };
export const labelOf = { 'text-font': FONT, 'text-size': 13, 'text-max-width': 14, 'text-line-height': 1.25 };
export const haloOf = (c: Colours) => ({ 'text-halo-color': c.ground, 'text-halo-width': 1.4 });

/** The layers that lie under all others. */
export function baseLayers(c: Colours): LayerSpecification[] {
  const label = labelOf;
  const halo = haloOf(c);
  return [
    { id: 'ground', type: 'background', paint: { 'background-color': c.ground } },
    { id: 'land', type: 'fill', source: 'land', paint: { 'fill-color': c.panel, 'fill-opacity': 0.55, 'fill-antialias': false } },
    {
      id: 'county', type: 'line', source: 'borders', minzoom: 6, filter: ['==', ['get', 'is'], 'county'],
      paint: { 'line-color': c.line, 'line-width': 1, 'line-opacity': ['interpolate', ['linear'], ['zoom'], 6, 0.2, 9, 0.8] },
    },
    { id: 'state', type: 'line', source: 'borders', minzoom: 3, filter: ['==', ['get', 'is'], 'state'], paint: { 'line-color': c.strong, 'line-width': 1, 'line-opacity': 0.5 } },
    { id: 'coast', type: 'line', source: 'borders', filter: ['==', ['get', 'is'], 'coast'], paint: { 'line-color': c.strong, 'line-width': 1, 'line-opacity': 0.6 } },
    {
      id: 'country', type: 'line', source: 'borders', filter: ['in', ['get', 'is'], ['literal', ['country', 'us']]],
      paint: { 'line-color': c.strong, 'line-width': ['interpolate', ['linear'], ['zoom'], 4, 1, 10, 2], 'line-opacity': 0.85 },
    },
    { id: 'grid', type: 'line', source: 'grid', filter: ['==', ['geometry-type'], 'LineString'], paint: { 'line-color': c.line, 'line-width': 1, 'line-opacity': 0.7 } },
    {
      id: 'grid-label', type: 'symbol', source: 'grid', filter: ['==', ['geometry-type'], 'Point'],
      layout: { ...label, 'text-field': ['get', 'name'], 'text-anchor': ['get', 'anchor'] as never, 'text-offset': [0.3, 0.3], 'text-allow-overlap': false },
      paint: { 'text-color': c.dim, 'text-opacity': 0.75, ...halo },
    },
    {
      id: 'names', type: 'symbol', source: 'names', maxzoom: 9,
      filter: ['any', ['all', ['==', ['get', 'is'], 'country'], ['<', ['zoom'], 5.5], ['>', ['*', ['get', 'area'], ['^', 2, ['zoom']]], 200]], ['all', ['==', ['get', 'is'], 'state'], ['>=', ['zoom'], 4.5]]],
      layout: { ...label, 'text-field': ['get', 'name'], 'text-letter-spacing': 0.06 }, paint: { 'text-color': c.dim, ...halo },
    },
  ];
}

/** Their sources; `grid` is filled by the page. */
export const baseSources = (base: Basemap | null): Record<string, SourceSpecification> => ({
  land: { type: 'geojson', data: base?.land ?? EMPTY, maxzoom: 8, tolerance: 0.4 },
  borders: { type: 'geojson', data: base?.lines ?? EMPTY, maxzoom: 10, tolerance: 0.2 },
  names: { type: 'geojson', data: base?.names ?? EMPTY, maxzoom: 6 },
});
