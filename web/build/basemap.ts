// Makes the offline basemap at build time: world-atlas (Natural Earth 1:50m) and us-atlas (U.S. Census 1:10m) become one
// small binary file of lines, land areas and names, decoded in the page by `console/map/basemap.ts`.
//
// Layout: u32 little-endian length of a JSON head, the head, then each layer's points as zigzag varints of deltas in
// the layer's own integer grid. A layer of the head is {name, kind, scale, translate, parts: [points per part]}; a
// negative count is a hole in the ring before it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { MultiLineString, MultiPolygon, Polygon, Position } from 'geojson';
import { feature, mesh, merge } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import type { Plugin } from 'vite';

type Named = GeometryCollection<{ name: string }>;
type Atlas = Topology<Record<string, Named>>;
const require = createRequire(import.meta.url);
const load = (name: string): Atlas => JSON.parse(readFileSync(require.resolve(name), 'utf8')) as Atlas;

/** The United States in world-atlas: its lines come, finer, from us-atlas. */
const US = '840';

interface Layer {
  name: string;
  kind: 'lines' | 'rings';
  scale: [number, number];
  translate: [number, number];
  parts: number[];
}

function zigzag(v: number, out: number[]): void {
  let z = v < 0 ? -2 * v - 1 : 2 * v;
  while (z > 127) {
    out.push((z % 128) | 128);
    z = Math.floor(z / 128);
  }
  out.push(z);
}

/** Area (degrees², signed) and centroid of a ring. */
function ringCentre(ring: Position[]): { area: number; at: [number, number] } {
  let area = 0;
  let x = 0;
  let y = 0;
  for (let i = 0; i + 1 < ring.length; i += 1) {
    const [ax, ay] = ring[i] as [number, number];
    const [bx, by] = ring[i + 1] as [number, number];
    const cross = ax * by - bx * ay;
    area += cross / 2;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  return { area: Math.abs(area), at: [x / (6 * area), y / (6 * area)] };
}

/** Where to write the name of an area: the centroid of its largest part. */
function labels(atlas: Atlas, object: string): [name: string, lon: number, lat: number, area: number][] {
  const all = feature(atlas, atlas.objects[object]!);
  return all.features.flatMap((f) => {
    const g = f.geometry as Polygon | MultiPolygon | null;
    if (!g) return [];
    const outer = g.type === 'Polygon' ? [g.coordinates[0]!] : g.coordinates.map((p) => p[0]!);
    const best = outer.map(ringCentre).sort((a, b) => b.area - a.area)[0];
    if (!best) return [];
    const round = (v: number): number => Math.round(v * 1000) / 1000;
    return [[f.properties.name, round(best.at[0]), round(best.at[1]), round(best.area)] as [string, number, number, number]];
  });
}

export function makeBasemap(): Uint8Array {
  const world = load('world-atlas/countries-50m.json');
  const us = load('us-atlas/counties-10m.json');
  const layers: Layer[] = [];
  const points: number[] = [];
  const add = (name: string, kind: Layer['kind'], atlas: Atlas, parts: Position[][], isHole?: boolean[]): void => {
    const { scale, translate } = atlas.transform!;
    for (const part of parts) {
      let px = 0;
      let py = 0;
      for (const p of part) {
        const x = Math.round((p[0]! - translate[0]) / scale[0]);
        const y = Math.round((p[1]! - translate[1]) / scale[1]);
        zigzag(x - px, points);
        zigzag(y - py, points);
        [px, py] = [x, y];
      }
    }
    layers.push({ name, kind, scale: [scale[0], scale[1]], translate: [translate[0], translate[1]], parts: parts.map((p, i) => (isHole?.[i] ? -p.length : p.length)) });
  };
  const lines = (m: MultiLineString): Position[][] => m.coordinates;
  const countries = world.objects['countries']!;
  const land = merge(world, countries.geometries as never).coordinates;
  add('land', 'rings', world, land.flat(), land.flatMap((polygon) => polygon.map((_, i) => i > 0)));
  add('coast', 'lines', world, lines(mesh(world, countries, (a, b) => a === b && a.id !== US)));
  add('country', 'lines', world, lines(mesh(world, countries, (a, b) => a !== b && a.id !== US && b.id !== US)));
  add('us', 'lines', us, lines(mesh(us, us.objects['nation']!)));
  add('state', 'lines', us, lines(mesh(us, us.objects['states']!, (a, b) => a !== b)));
  const stateOf = (g: { id?: string | number }): string => String(g.id).slice(0, 2);
  add('county', 'lines', us, lines(mesh(us, us.objects['counties']!, (a, b) => a !== b && stateOf(a) === stateOf(b))));
  const head = Buffer.from(JSON.stringify({ layers, countries: labels(world, 'countries'), states: labels(us, 'states') }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, Buffer.from(points)]);
}

/** Gives `virtual:basemap`, whose default export is the file's address. */
export function basemap(): Plugin {
  const id = '\0virtual:basemap';
  let building = false;
  return {
    name: 'basemap',
    configResolved(config) {
      building = config.command === 'build';
    },
    resolveId: (source) => (source === 'virtual:basemap' ? id : undefined),
    load(source) {
      if (source !== id) return undefined;
      if (!building) return 'export default "/@basemap.bin";';
      const ref = this.emitFile({ type: 'asset', name: 'basemap.bin', source: makeBasemap() });
      return `export default import.meta.ROLLUP_FILE_URL_${ref};`;
    },
    configureServer(server) {
      let made: Uint8Array | undefined;
      server.middlewares.use('/@basemap.bin', (_, answer) => {
        made ??= makeBasemap();
        answer.setHeader('Content-Type', 'application/octet-stream').end(made);
      });
    },
  };
}
