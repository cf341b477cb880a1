// Contrast of the palettes, computed from the tokens themselves (WCAG 2.2, 1.4.3 and 1.4.11).
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync(new URL('../shared/tokens.css', import.meta.url), 'utf8');
function tokens(...selectors: string[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const selector of selectors) {
    const body = css.split(`\n${selector} {`)[1]?.split('\n}')[0];
    if (body === undefined) throw new Error(`no ${selector}`);
    for (const [, name, value] of body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)) out[name!] = value!;
  }
  return out;
}
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
const ratio = (a: string, b: string): number => {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p) as [number, number];
  return (x + 0.05) / (y + 0.05);
};
const DAY = ":root[data-palette='day']";
const PALETTES: Record<string, string[]> = {
  night: [':root'],
  'night exercise': [':root', ':root[data-exercise]'],
  day: [':root', DAY],
  'day exercise': [':root', DAY, ":root[data-palette='day'][data-exercise]"],
  red: [':root', ":root[data-palette='red']"],
};

test.each(Object.entries(PALETTES))('%s: text reads, lines show', (_, selectors) => {
  const t = tokens(...selectors);
  for (const ground of ['ground', 'panel']) {
    for (const colour of ['text', 'dim', 'urgent', 'caution', 'advisory', 'own', 'ok', 'exercise']) {
      expect(ratio(t[colour]!, t[ground]!), `${colour} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    expect(ratio(t['line-strong']!, t[ground]!), `line-strong on ${ground}`).toBeGreaterThanOrEqual(3);
  }
  expect(ratio(t['text']!, t['chosen']!)).toBeGreaterThanOrEqual(4.5);
  expect(ratio(t['dim']!, t['chosen']!)).toBeGreaterThanOrEqual(4.5);
  for (const level of ['urgent', 'caution', 'advisory']) expect(ratio(t[level]!, t['chosen']!), `${level}, selected`).toBeGreaterThanOrEqual(4.5);
  expect(ratio(t['on-colour']!, t['urgent']!)).toBeGreaterThanOrEqual(4.5);
  expect(ratio(t['band-text']!, t['band']!)).toBeGreaterThanOrEqual(4.5);
});
