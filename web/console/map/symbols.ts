// Pictures on the map: MIL-STD-2525D symbols of tracks (affiliation inside the frame), and the outlines of levels
// around them (level outside the frame), so that the two never mix.
import { ms } from 'milsymbol-src/milsymbol.js';
import air from 'milsymbol-src/numbersidc/sidc/air.js';
import type { Affiliation, AirClass, Level, TrackProperties } from '../../shared/types';

ms.addIcons(air);

/** Standard identity, MIL-STD-2525D table A-II: 1 unknown, 3 friend, 4 neutral, 5 suspect, 6 hostile. */
const IDENTITY: Record<Affiliation, string> = { unknown: '1', own: '3', neutral: '4', suspect: '5', hostile: '6' };

/** Entity of the air symbol set (MIL-STD-2525D table B-I): unmanned, vertical take-off unmanned, fixed wing … */
function entity(cls: AirClass | null, surelyDrone: boolean): string {
  switch (cls) {
    case 'rotor': case 'fpv': return '110400';
    case 'fixed_wing': return '110300';
    case 'crewed': return '120000';
    case 'bird': return '000000';
    case null: return surelyDrone ? '110300' : '000000';
  }
}

/** Under this probability of being there at all a track is drawn pale and dashed. */
export const WEAK_EXISTENCE = 0.8;
export const isWeak = (p: TrackProperties): boolean => p.state === 'tentative' || p.existence < WEAK_EXISTENCE || p.suspect;

/** The 20-digit symbol code of a track. Status 1 (anticipated) makes the frame dashed: it may not be there, or not be what it says. */
export function sidcOf(p: TrackProperties, exercise: boolean): string {
  const context = exercise ? '1' : '0';
  const drone = p.ids.length > 0 || p.by_people_only;
  return `10${context}${IDENTITY[p.affiliation]}01${isWeak(p) ? '1' : '0'}000${entity(p.class, drone)}0000`;
}

const RATIO = 2;

/** The symbol, centred on its frame (the octagon's middle stays on the spot whatever stands around it). */
export function drawSymbol(sidc: string, mono: string | null, outline: string): ImageData | null {
  const symbol = new ms.Symbol(sidc, {
    size: 19, infoFields: false, strokeWidth: 4, outlineWidth: mono ? 0 : 3, outlineColor: outline,
    ...(mono ? { monoColor: mono, fill: false } : { fillOpacity: 0.92 }),
  });
  const drawn = symbol.asCanvas(RATIO);
  const anchor = symbol.getAnchor();
  // The canvas may be larger on one side of the anchor (a modifier): pad so that the anchor is its middle.
  const half = Math.ceil(Math.max(anchor.x, anchor.y, drawn.width / RATIO - anchor.x, drawn.height / RATIO - anchor.y) * RATIO);
  return canvas(half * 2, (c) => c.drawImage(drawn, half - anchor.x * RATIO, half - anchor.y * RATIO));
}

function canvas(px: number, draw: (c: CanvasRenderingContext2D) => void): ImageData | null {
  const element = document.createElement('canvas');
  element.width = px;
  element.height = px;
  const c = element.getContext('2d', { willReadFrequently: true });
  if (!c) return null;
  draw(c);
  return c.getImageData(0, 0, px, px);
}

/** The outline of a level: circle, diamond or triangle, the list's own shapes. */
export function drawHalo(level: Level, colour: string): ImageData | null {
  return canvas(128, (c) => {
    c.translate(64, 64);
    c.strokeStyle = colour;
    c.lineWidth = level === 'urgent' ? 6 : 5;
    c.lineJoin = 'round';
    c.beginPath();
    if (level === 'advisory') c.arc(0, 0, 42, 0, Math.PI * 2);
    else if (level === 'caution') polygon(c, [[0, -54], [54, 0], [0, 54], [-54, 0]]);
    else polygon(c, [[0, -60], [58, 40], [-58, 40]]);
    c.stroke();
  });
}

/** Corner marks around what is selected. */
export function drawSelected(colour: string): ImageData | null {
  return canvas(128, (c) => {
    c.translate(64, 64);
    c.strokeStyle = colour;
    c.lineWidth = 3;
    const [a, b] = [60, 44];
    for (const [x, y] of [[-1, -1], [1, -1], [1, 1], [-1, 1]] as const) {
      c.beginPath();
      c.moveTo(x * a, y * b);
      c.lineTo(x * a, y * a);
      c.lineTo(x * b, y * a);
      c.stroke();
    }
  });
}

/** A site: a filled square; a report: a hollow one, as in the list. */
export function drawSquare(colour: string, filled: boolean, ground: string): ImageData | null {
  return canvas(28, (c) => {
    c.fillStyle = filled ? colour : ground;
    c.strokeStyle = filled ? ground : colour;
    c.lineWidth = 3;
    c.fillRect(5, 5, 18, 18);
    c.strokeRect(5, 5, 18, 18);
  });
}

function polygon(c: CanvasRenderingContext2D, points: [number, number][]): void {
  points.forEach(([x, y], i) => (i === 0 ? c.moveTo(x, y) : c.lineTo(x, y)));
  c.closePath();
}
