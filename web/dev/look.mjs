// Pictures of the console in its states, for looking at: node dev/look.mjs [OUT_FOLDER [NAME…]]
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, watched } from './browser.mjs';
import { mock } from './mock-server.mjs';

const [out = join(tmpdir(), 'skypicket-look'), ...names] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const browser = await launch();
const TRACK1 = '#track/018f3c00-0000-8000-8000-000000000001';
const SHOTS = {
  'sign-in': { scene: 'busy', as: null },
  busy: { scene: 'busy' },
  'busy-track': { scene: 'busy', do: async (p) => { await p.evaluate((h) => { location.hash = h; }, TRACK1); } },
  'busy-report': { scene: 'busy', do: async (p) => { await p.evaluate(() => { location.hash = '#sighting/018f3c00-0000-8000-8000-000000000700'; }); } },
  calm: { scene: 'calm', live: true },
  empty: { scene: 'empty', live: true },
  people: { scene: 'busy', do: async (p) => p.getByRole('button', { name: 'People', exact: true }).click() },
  sources: { scene: 'busy', do: async (p) => p.getByRole('button', { name: 'Sources', exact: true }).click() },
  windows: { scene: 'busy', do: async (p) => { await p.getByRole('button', { name: 'Open as…' }).click(); await p.getByRole('button', { name: 'Make a link for Agent 3' }).click(); } },
  display: { scene: 'busy', live: true, do: async (p) => p.getByRole('button', { name: 'Display' }).click() },
  day: { scene: 'busy', live: true, palette: 'day', do: async (p) => { await p.evaluate((h) => { location.hash = h; }, TRACK1); } },
  red: { scene: 'busy', live: true, palette: 'red', do: async (p) => { await p.evaluate((h) => { location.hash = h; }, TRACK1); } },
  lost: { scene: 'busy', do: async (p, url) => { await fetch(`${url}/mock/cut`, { method: 'POST' }); await p.waitForTimeout(4000); } },
  unrecorded: { scene: 'busy', unrecorded: true },
  find: { scene: 'busy', do: async (p) => { await p.keyboard.press('Control+k'); await p.keyboard.type('agent'); } },
  keys: { scene: 'busy', do: async (p) => { await p.keyboard.press('?'); } },
  supervisor: { scene: 'busy', as: 'lead-2' },
  wide: { scene: 'busy', live: true, do: async (p) => { await p.locator('.maplibregl-canvas').focus(); for (let i = 0; i < 4; i += 1) { await p.keyboard.press('-'); await p.waitForTimeout(600); } } },
};
for (const [name, shot] of Object.entries(SHOTS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const m = mock(shot);
  const url = await m.listen();
  const { context, page, wrong } = await watched(browser);
  if (shot.palette) await page.addInitScript((p) => localStorage.setItem('skypicket.console', JSON.stringify({ palette: p })), shot.palette);
  await page.goto(shot.as === null ? `${url}/` : `${url}/#sign-in=as-${shot.as ?? 'watch-1'}`);
  if (shot.as !== null) {
    await page.waitForSelector('.maplibregl-canvas', { timeout: 30_000 });
    await page.waitForTimeout(3500);
  } else await page.waitForTimeout(800);
  if (shot.do) await shot.do(page, url);
  await page.waitForTimeout(1800);
  await page.screenshot({ path: join(out, `${name}.png`) });
  console.log(name, wrong.length === 0 ? 'ok' : wrong.slice(0, 6));
  await context.close();
  m.close();
}
await browser.close();
