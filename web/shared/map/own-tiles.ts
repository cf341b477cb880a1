// An own basemap: one PMTiles file that the centre serves, where it has one. Drawn quietly under everything else.
import type { Map as MapLibre } from 'maplibre-gl';
import { BASE } from '../api';
import type { Colours } from './base';

const address = (): string => `${location.origin}${BASE}/basemap`;

/** Whether the file that the centre has is one of tiles. */
export async function hasOwnTiles(): Promise<boolean> {
  try {
    const answer = await fetch(address(), { headers: { Range: 'bytes=0-6' }, credentials: 'same-origin' });
    if (answer.status !== 206) {
      await answer.body?.cancel();
      return false;
    }
    return (await answer.text()) === 'PMTiles';
  } catch {
    return false;
  }
}

/** Adds the tiles under the borders; gives whether there was something to draw. */
export async function addOwnTiles(lib: typeof import('maplibre-gl'), map: MapLibre, c: Colours): Promise<boolean> {
  const { PMTiles, Protocol, TileType } = await import('pmtiles');
  const file = new PMTiles(address());
  const protocol = new Protocol();
  protocol.add(file);
  lib.addProtocol('pmtiles', protocol.tile);
  const header = await file.getHeader();
  const url = `pmtiles://${address()}`;
  const before = 'county';
  if (header.tileType !== TileType.Mvt) {
    map.addSource('own', { type: 'raster', url, tileSize: 256 });
    map.addLayer({ id: 'own', type: 'raster', source: 'own', paint: { 'raster-opacity': 0.35, 'raster-saturation': -1 } }, before);
    return true;
  }
  const metadata = (await file.getMetadata()) as { vector_layers?: { id: string }[] };
  map.addSource('own', { type: 'vector', url });
  for (const { id } of metadata.vector_layers ?? []) {
    const quiet = /water|ocean|river|lake/.test(id);
    const road = /road|transport|street|rail/.test(id);
    if (/place|poi|label|name/.test(id)) {
      map.addLayer({
        id: `own-${id}`, type: 'symbol', source: 'own', 'source-layer': id, filter: ['==', ['geometry-type'], 'Point'],
        layout: { 'text-field': ['coalesce', ['get', 'name'], ['get', 'name:en'], ''], 'text-font': ['Inter Variable', 'sans-serif'], 'text-size': 13 },
        paint: { 'text-color': c.dim, 'text-halo-color': c.ground, 'text-halo-width': 1.4 },
      }, before);
      continue;
    }
    map.addLayer({
      id: `own-${id}-area`, type: 'fill', source: 'own', 'source-layer': id, filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': quiet ? c.ground : c.line, 'fill-opacity': quiet ? 1 : 0.25 },
    }, before);
    map.addLayer({
      id: `own-${id}-line`, type: 'line', source: 'own', 'source-layer': id, filter: ['==', ['geometry-type'], 'LineString'],
      paint: { 'line-color': road ? c.strong : c.line, 'line-width': 1, 'line-opacity': road ? 0.45 : 0.7 },
    }, before);
  }
  return (metadata.vector_layers ?? []).length > 0;
}
