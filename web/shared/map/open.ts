// Opens a map: one set-up of the worker, the offline basemap and the type for every page that has one. The library comes
// only with the first map that is opened.
import 'maplibre-gl/dist/maplibre-gl.css';
import type { Map as MapLibre, StyleSpecification } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import type { LatLon } from '../types';
import { readColours, type Colours } from './base';
import { loadBasemap, type Basemap } from './basemap';
import { addOwnTiles, hasOwnTiles } from './own-tiles';

export type Library = typeof import('maplibre-gl');

/** Where a map opens when the centre does not say. */
export const ELSEWHERE = { lat_deg: 31.76, lon_deg: -106.49, zoom: 11 };

export interface Opening {
  style: (c: Colours, base: Basemap | null) => StyleSpecification;
  /** Waited for beside the rest, and where the map opens then. */
  place: () => Promise<(LatLon & { zoom: number }) | null>;
  /** What a screen reader calls it. */
  title: string;
}

/** What a map is made of, once it is there; null when `gone` said meanwhile that nobody wants it any more. */
export async function openMap(host: HTMLElement, opening: Opening, gone: () => boolean): Promise<{ lib: Library; map: MapLibre; colours: Colours } | null> {
  const [lib, base, at] = await Promise.all([
    import('maplibre-gl'), loadBasemap().catch(() => null), opening.place(), document.fonts.load("13px 'Inter Variable'").catch(() => []),
  ]);
  if (gone()) return null;
  lib.setWorkerUrl(workerUrl);
  const colours = readColours();
  const { lat_deg, lon_deg, zoom } = at ?? ELSEWHERE;
  const map = new lib.Map({
    container: host, style: opening.style(colours, base), center: [lon_deg, lat_deg], zoom, minZoom: 1, maxZoom: 18,
    attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, maxPitch: 0, fadeDuration: 0,
    renderWorldCopies: true, locale: { 'Map.Title': opening.title },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.on('error', (event) => console.warn('map', event.error.message));
  return { lib, map, colours };
}

/** Draws the centre's own basemap, where it has one; gives whether it does. */
export async function withOwnTiles(lib: Library, map: MapLibre, colours: Colours, gone: () => boolean): Promise<boolean> {
  return (await hasOwnTiles()) && !gone() && (await addOwnTiles(lib, map, colours));
}
