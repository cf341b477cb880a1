// The offline basemap: reads the file that `build/basemap.ts` makes, as GeoJSON.
import type { Feature, FeatureCollection, LineString, MultiPolygon, Point, Position } from 'geojson';

interface Head {
  layers: { name: string; kind: 'lines' | 'rings'; scale: [number, number]; translate: [number, number]; parts: number[] }[];
  countries: [string, number, number, number][];
  states: [string, number, number, number][];
}

export interface Basemap {
  land: Feature<MultiPolygon>;
  /** Property `is`: coast, country, us, state or county. */
  lines: FeatureCollection<LineString, { is: string }>;
  /** Properties `name`, `is` (country or state) and `area` (degrees²). */
  names: FeatureCollection<Point, { name: string; is: string; area: number }>;
}

export function decodeBasemap(bytes: Uint8Array): Basemap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Head;
  let at = 4 + length;
  const varint = (): number => {
    let z = 0;
    let unit = 1;
    for (;;) {
      const b = bytes[at];
      if (b === undefined) throw new Error('the basemap file is cut short');
      at += 1;
      z += (b & 127) * unit;
      if (b < 128) break;
      unit *= 128;
    }
    return z % 2 === 0 ? z / 2 : -(z + 1) / 2;
  };
  const land: Position[][][] = [];
  const lines: Feature<LineString, { is: string }>[] = [];
  for (const layer of head.layers) {
    for (const count of layer.parts) {
      const part: Position[] = [];
      let x = 0;
      let y = 0;
      for (let i = 0; i < Math.abs(count); i += 1) {
        x += varint();
        y += varint();
        part.push([layer.translate[0] + x * layer.scale[0], layer.translate[1] + y * layer.scale[1]]);
      }
      if (layer.kind === 'rings' && count < 0) land.at(-1)?.push(part);
      else if (layer.kind === 'rings') land.push([part]);
      else lines.push({ type: 'Feature', properties: { is: layer.name }, geometry: { type: 'LineString', coordinates: part } });
    }
  }
  const names = (of: Head['countries'], is: string): Basemap['names']['features'] =>
    of.map(([name, lon, lat, area]) => ({
      type: 'Feature', properties: { name, is, area }, geometry: { type: 'Point', coordinates: [lon, lat] },
    }));
  return {
    land: { type: 'Feature', properties: {}, geometry: { type: 'MultiPolygon', coordinates: land } },
    lines: { type: 'FeatureCollection', features: lines },
    names: { type: 'FeatureCollection', features: [...names(head.countries, 'country'), ...names(head.states, 'state')] },
  };
}

let loading: Promise<Basemap> | undefined;

/** The basemap, read once a page. */
export function loadBasemap(): Promise<Basemap> {
  loading ??= (async () => {
    const { default: url } = await import('virtual:basemap');
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`the basemap did not load: HTTP ${answer.status}`);
    return decodeBasemap(new Uint8Array(await answer.arrayBuffer()));
  })();
  return loading;
}
