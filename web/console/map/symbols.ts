// Pictures on the map: MIL-STD-2525D symbols of tracks (affiliation inside the frame), and the outlines of levels
// around them (level outside the frame), so that the two never mix.
import { ms } from 'milsymbol-src/milsymbol.js';
import air from 'milsymbol-src/numbersidc/sidc/air.js';
import type { Affiliation, AirClass, Level, TrackProperties } from '../../shared/types';
import type { Palette } from '../prefs.svelte';

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

/**
 * At night frames are lines in the standard's own light colours (MIL-STD-2525D table VII), by day filled as on paper,
 * for dark-adapted eyes in the one hue: a filled field of yellow would outshine every warning on a dark map.
 */
const LIGHT: Record<string, string> = { '1': '#ffff80', '3': '#80e0ff', '4': '#aaffaa', '5': '#ffe599', '6': '#ff8080' };

/** The symbol, centred on its frame (the octagon's middle stays on the spot whatever stands around it). */
export function drawSymbol(sidc: string, palette: Palette, colours: { text: string; ground: string }): ImageData | null {
  const mono = palette === 'red' ? colours.text : palette === 'night' ? LIGHT[sidc[3]!] ?? colours.text : null;
  const symbol = new ms.Symbol(sidc, {
    size: mono ? 21 : 19, infoFields: false, strokeWidth: mono ? 7 : 4, outlineWidth: mono ? 6 : 3, outlineColor: colours.ground,
    ...(mono ? { monoColor: mono, fill: false } : {}),
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
  return canvas(208, (c) => {
    c.translate(104, 104);
    c.strokeStyle = colour;
    c.lineWidth = level === 'urgent' ? 6 : 5;
    c.lineJoin = 'round';
    c.beginPath();
    // Each leaves the symbol, which reaches 22 px from its middle, free inside.
    if (level === 'advisory') c.arc(0, 0, 48, 0, Math.PI * 2);
    else if (level === 'caution') polygon(c, [[0, -64], [64, 0], [0, 64], [-64, 0]]);
    else polygon(c, [[0, -92], [80, 46], [-80, 46]]);
    c.stroke();
  });
}

/** Corner marks around what is selected. */
export function drawSelected(colour: string): ImageData | null {
  return canvas(208, (c) => {
    c.translate(104, 104);
    c.strokeStyle = colour;
    c.lineWidth = 3;
    const [a, b] = [98, 78];
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
