// An area drawn with the mouse in the office of the real program, and one chosen by its name: what is issued, and the CAP
// alert that partners get, has exactly what was drawn and what it is called. SKYPICKET_BIN names the program; LOOK names a
// folder for pictures; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
const centre = new RealCentre();
let browser;
let page;
let wrong;

before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  [browser] = await Promise.all([launch(), centre.start()]);
  await centre.api('POST', '/directory', {
    id: randomUUID(),
    changes: [{ change: 'put_person', person: { id: 'desk-a', name: 'Area desk', unit: (await centre.api('GET', '/me')).person.unit, roles: ['watch'], language: 'en' } }],
  });
  ({ page, wrong } = await watched(browser, { viewport: { width: 1280, height: 1000 } }));
  await page.goto((await centre.links('desk-a')).url.replace('/#', '/office/#'));
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
});
after(async () => {
  await browser?.close();
  await centre.stop();
});

const button = (name) => page.getByRole('button', { name });
/** A new bulletin to everybody, with its area begun; gives the group in which that stands. */
async function begin(title) {
  await page.evaluate(() => { location.hash = 'bulletins'; });
  await page.getByRole('heading', { name: 'Bulletins', level: 1 }).waitFor();
  await page.evaluate(() => { location.hash = 'bulletins/new'; });
  await page.getByLabel('Title, one line').fill(title);
  await page.getByLabel(/^Text: what is known/).fill('EXERCISE: take cover when you hear one.');
  await page.getByLabel('Kind of rule').selectOption({ label: 'Everybody' });
  await button('Add rule').click();
  await button('Add the fields of an Officer Safety Alert').click();
  await page.getByLabel('To whom each sighting is reported, at once').fill('Your leader and this centre.');
  await button('Add an area').click();
  return page.getByRole('group', { name: /^Where it is about/ });
}
/** Proposes what is in the form; the watch officer approves it. Gives the notice and its alert. */
async function issue() {
  await page.getByRole('status').filter({ hasText: /^\s*Kept as a draft at/ }).waitFor();
  await button('Propose (EXERCISE)').click();
  await page.getByText('You wrote this: somebody else must approve it.').waitFor();
  const id = /#bulletins\/([0-9a-f-]{36})/.exec(page.url())[1];
  const b = await centre.api('GET', `/bulletins/${id}`);
  await centre.api('POST', `/bulletins/${id}/approvals`, { id: randomUUID(), read: b.waiting.at });
  const view = await until('issued', async () => (await centre.api('GET', `/notices/${id}`).catch(() => null)) ?? null);
  const xml = await page.evaluate(async (path) => (await fetch(path)).text(), `/api/v1/notices/${id}/versions/${view.notice.version}/renderings/alert.xml`);
  return { notice: view.notice, xml };
}
const all = (xml, name) => [...xml.matchAll(new RegExp(`<(?:cap:)?${name}>([^<]*)</`, 'g'))].map((m) => m[1]);

test('what is drawn is what is issued, and the polygon of the alert, to five decimals', async () => {
  const about = await begin('Drones at the drawn area');
  const map = about.getByRole('group', { name: 'Draw: Middle' }).locator('.map');
  await map.scrollIntoViewIfNeeded();
  await until('the map is drawn', async () => Number(await map.getAttribute('data-borders')) > 0, 60_000);
  await about.getByLabel('an area with corners').check();
  const corners = about.getByLabel(/^Corners, one in each line/);
  const lines = async () => (await corners.inputValue()).split('\n').filter(Boolean).map((l) => l.split(', ').map(Number));
  for (const [k, [x, y]] of [[0.31, 0.22], [0.68, 0.27], [0.74, 0.71], [0.52, 0.55], [0.29, 0.66]].entries()) {
    const box = await map.boundingBox();
    await page.mouse.click(box.x + x * box.width, box.y + y * box.height);
    await until(`corner ${k + 1}`, async () => (await lines()).length === k + 1);
  }
  const drawn = await lines();
  await axe(page, 'drawn');
  if (LOOK) await page.screenshot({ path: join(LOOK, 'real-area.png') });
  const { notice, xml } = await issue();
  assert.deepEqual(notice.area.points.map((p) => [p.lat_deg, p.lon_deg]), drawn);
  const polygons = all(xml, 'polygon').map((p) => p.trim().split(/\s+/).map((pair) => pair.split(',').map((v) => Number(v).toFixed(5))));
  assert.ok(polygons.length > 0, xml);
  const ring = [...drawn, drawn[0]].map((p) => p.map((v) => v.toFixed(5)));
  for (const p of polygons) assert.deepEqual(p, ring);
  assert.deepEqual(wrong.filter((w) => !/\b(409|422)\b/.test(w)), []);
});

test('an area that is chosen by its name is issued with the name and the ground that it has now', async () => {
  const about = await begin('Drones at the west line');
  await about.getByLabel('An area that has a name').selectOption('exercise-west-line');
  await until('its name', async () => (await page.getByLabel('The area, by its name').inputValue()) === 'West line, Posts 1 to 3');
  const { notice, xml } = await issue();
  const [known] = (await centre.api('GET', '/library')).areas.filter((a) => a.id === 'exercise-west-line');
  assert.deepEqual(notice.area, known.ground);
  assert.deepEqual(notice.sheet.area_name, known.name);
  assert.deepEqual(all(xml, 'areaDesc'), ['West line, Posts 1 to 3', 'Línea oeste, puestos 1 a 3']);
  // Where it is read, on a map.
  const read = page.getByRole('group', { name: 'Where: Version 1' });
  await read.scrollIntoViewIfNeeded();
  await until('on the map', async () => Number(await read.locator('.map').getAttribute('data-areas')) > 0, 60_000);
  assert.deepEqual(wrong.filter((w) => !/\b(409|422)\b/.test(w)), []);
});
