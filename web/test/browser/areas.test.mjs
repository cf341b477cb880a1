// Areas of bulletins drawn on a map in the built office, in a real browser against the made-up centre: with the mouse, with
// the keyboard, by name, and typed beside it; what is wrong is said at the corner; shown where the bulletin is read. LOOK
// names a folder for pictures. Needs `npm run build` first.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { mock } from '../../dev/mock-server.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
let browser;
before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  browser = await launch();
});
after(async () => { await browser?.close(); });

/** The form of a new bulletin with an area begun, its map drawn. */
async function form(t, { palette = 'night', width = 1280, options = {} } = {}) {
  const m = mock({ bulletins: true, scene: 'calm', ...options });
  const url = await m.listen();
  const { context, page, wrong } = await watched(browser, { viewport: { width, height: 1000 } });
  t.after(async () => { await context.close(); await m.close(); });
  await page.goto(`${url}/office/#sign-in=as-lead-1`);
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((p) => { document.documentElement.dataset.palette = p; location.hash = 'bulletins/new'; }, palette);
  const button = (name) => page.getByRole('button', { name, exact: typeof name === 'string' });
  await button('Add an area').click();
  const about = page.getByRole('group', { name: /^Where it is about/ });
  const area = about.getByRole('group', { name: 'Draw: Middle' });
  const map = area.locator('.map');
  await area.scrollIntoViewIfNeeded();
  const drawn = (what) => map.getAttribute(`data-${what}`).then(Number);
  await until('borders and what is known there are on the map', async () => (await drawn('borders')) > 0 && (await drawn('known')) >= 2, 60_000);
  const corners = about.getByLabel(/^Corners, one in each line/);
  const lines = async () => (await corners.inputValue()).split('\n').filter(Boolean).map((l) => l.split(', ').map(Number));
  /** Points at a place of the map, in parts of its width and height. */
  const spot = async (x, y) => {
    const box = await map.boundingBox();
    return [box.x + x * box.width, box.y + y * box.height];
  };
  const pull = async (handle, x, y) => {
    // A map that still slides takes it away from under the pointer.
    let last = '';
    const box = await until('it rests', async () => {
      const now = await handle.boundingBox();
      const rests = now !== null && JSON.stringify(now) === last;
      last = JSON.stringify(now);
      return rests && now;
    });
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    const [a, b] = await spot(x, y);
    await page.mouse.move(a, b, { steps: 6 });
    await page.mouse.up();
  };
  const draft = () => [...m.desk.bulletins.values()].find((b) => b.step === 'draft');
  return {
    m, url, page, about, area, map, button, drawn, corners, lines, pull, draft,
    wrong: () => wrong.filter((w) => !/\/api\/v1\/me$/.test(w.trim())),
    click: async (x, y) => page.mouse.click(...(await spot(x, y))),
    corner: (k) => area.getByRole('button', { name: new RegExp(`^Corner ${k}:`) }),
    look: async (name) => { if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`) }); },
  };
}
const near = (a, b, by = 1e-9) => Math.abs(a - b) < by;

for (const [palette, width] of [['night', 1280], ['day', 700]]) {
  test(`an area is drawn corner by corner with the mouse, pulled, undone, and typed: both show the same (${palette}, ${width} px)`, async (t) => {
    const f = await form(t, { palette, width });
    await f.about.getByLabel('an area with corners').check();
    for (const [k, [x, y]] of [[0.3, 0.25], [0.7, 0.25], [0.7, 0.7], [0.3, 0.7]].entries()) {
      await f.click(x, y);
      await until(`corner ${k + 1} in the list`, async () => (await f.lines()).length === k + 1);
    }
    const square = await f.lines();
    assert.ok(square.flat().every((v) => near(v, Math.round(v * 1e5) / 1e5)), 'to five decimals');
    assert.ok(square[0][0] > square[3][0] && square[0][1] < square[1][1], 'north is up and east is right');
    assert.ok(near(square[0][0], square[1][0], 0.002) && near(square[1][1], square[2][1], 0.002));
    // A double click is one corner, and zooms nothing.
    const scale = await f.area.locator('.maplibregl-ctrl-scale').innerText();
    const box = await f.map.boundingBox();
    await f.page.mouse.dblclick(box.x + 0.2 * box.width, box.y + 0.5 * box.height);
    await until('one more', async () => (await f.lines()).length === 5);
    await f.button('Take off the last corner').click();
    await until('taken off', async () => (await f.lines()).length === 4);
    assert.equal(await f.area.locator('.maplibregl-ctrl-scale').innerText(), scale);
    await until('it is on the map', async () => (await f.drawn('areas')) > 0);
    await f.about.getByText('Read as 4 corners').waitFor();
    await axe(f.page, `drawing ${palette}`);
    await f.look(`area-drawn-${palette}`);
    // One corner is pulled, and only that one moves.
    await f.pull(f.corner(2), 0.85, 0.15);
    await until('corner 2 elsewhere', async () => (await f.lines())[1][1] > square[1][1] + 0.001);
    const pulled = await f.lines();
    assert.deepEqual([pulled[0], pulled[2], pulled[3]], [square[0], square[2], square[3]]);
    // Pulled at the middle of a side, a corner more.
    await f.pull(f.area.locator('.handle.between').nth(2), 0.5, 0.9);
    await until('five corners', async () => (await f.lines()).length === 5);
    assert.deepEqual((await f.lines()).filter((_, k) => k !== 3), pulled);
    await f.button('Undo').click();
    await until('four again', async () => (await f.lines()).length === 4);
    await f.button('Undo').click();
    await until('the square again', async () => JSON.stringify(await f.lines()) === JSON.stringify(square));
    await until('kept at the centre as it was drawn', () => JSON.stringify(f.draft()?.content.area?.points.map((p) => [p.lat_deg, p.lon_deg])) === JSON.stringify(square));
    // Typed: the map follows, and says at which corner sides cross.
    await f.corners.fill(square.map((p) => p.join(', ')).map((l, k, all) => all[[0, 2, 1, 3][k]]).join('\n'));
    await f.about.getByRole('alert').filter({ hasText: 'The side from corner 3 crosses the side from corner 1' }).waitFor();
    await until('said at the corner, too', async () => (await f.corner(3).getAttribute('aria-label'))?.includes('crosses the side from corner 1'));
    await f.look(`area-crossing-${palette}`);
    await axe(f.page, `crossing ${palette}`);
    // What cannot be read is not drawn over.
    await f.corners.fill(`${square[0].join(', ')}\nnowhere`);
    await f.about.getByText('The list beside it cannot be read: mend it first, then draw on.').waitFor();
    await f.click(0.5, 0.5);
    assert.equal(await f.corners.inputValue(), `${square[0].join(', ')}\nnowhere`);
    assert.deepEqual(f.wrong(), []);
  });
}

test('a circle is drawn by its middle and its rim, and is what is typed beside it', async (t) => {
  const f = await form(t);
  const middle = f.about.getByLabel('Middle', { exact: true });
  const km = f.about.getByLabel('Radius, km');
  await f.click(0.5, 0.5);
  await until('the middle is typed', async () => /^31\.\d+, -106\.\d+$/.test(await middle.inputValue()));
  const [lat, lon] = (await middle.inputValue()).split(', ').map(Number);
  assert.equal(Number(await km.inputValue()), 5);
  await km.fill('1');
  await f.button('Show it whole').click();
  const rim = f.area.getByRole('button', { name: /^Rim/ });
  await until('the rim is in sight', async () => {
    const [box, m] = [await rim.boundingBox(), await f.map.boundingBox()];
    return box && box.x + box.width < m.x + m.width;
  });
  await until('it is on the map', async () => (await f.drawn('areas')) > 0);
  await f.pull(rim, 0.55, 0.5);
  await until('smaller', async () => Number(await km.inputValue()) < 0.9);
  assert.equal(await middle.inputValue(), `${lat}, ${lon}`, 'the middle stays');
  await f.pull(f.area.getByRole('button', { name: 'Middle of the circle' }), 0.3, 0.4);
  await until('the middle goes west', async () => Number((await middle.inputValue()).split(', ')[1]) < lon);
  await until('kept', async () => f.draft()?.content.area?.radius_m === Number(await km.inputValue()) * 1_000);
  await f.look('area-circle');
  await axe(f.page, 'circle');
});

test('an area is drawn with the keyboard alone', async (t) => {
  const f = await form(t);
  await f.about.getByLabel('an area with corners').check();
  const canvas = f.area.locator('canvas');
  await canvas.focus();
  for (const [k, key] of ['ArrowRight', 'ArrowDown', 'ArrowLeft'].entries()) {
    await f.page.keyboard.press('Enter');
    await until(`corner ${k + 1}`, async () => (await f.lines()).length === k + 1);
    const before = JSON.stringify(await f.map.locator('.handle').first().boundingBox());
    await f.page.keyboard.press(key);
    // The map slides: the next corner is set where it has come to rest.
    let last = '';
    await until('it moved, and rests', async () => {
      const now = JSON.stringify(await f.map.locator('.handle').first().boundingBox());
      const rests = now === last && now !== before;
      last = now;
      return rests;
    });
  }
  const three = await f.lines();
  assert.equal(new Set(three.map(String)).size, 3, JSON.stringify(three));
  await f.corner(2).focus();
  await f.page.keyboard.press('ArrowUp');
  await until('a step north', async () => (await f.lines())[1][0] > three[1][0]);
  const step = (await f.lines())[1][0] - three[1][0];
  assert.ok(await f.corner(2).evaluate((e) => e === document.activeElement), 'the focus stays with the corner');
  await f.page.keyboard.press('Shift+ArrowUp');
  await until('a small one', async () => (await f.lines())[1][0] > three[1][0] + step);
  assert.ok((await f.lines())[1][0] - three[1][0] < step * 1.5);
  await f.look('area-keyboard');
  await f.page.keyboard.press('Delete');
  await until('two left', async () => (await f.lines()).length === 2);
  await until('the focus is on the next one', () => f.corner(2).evaluate((e) => e === document.activeElement));
});

test('a named area brings its ground and its name; drawn otherwise, that is said; the bulletin shows it where it is read', async (t) => {
  const f = await form(t);
  const { page, about } = f;
  await about.getByLabel('An area that has a name').selectOption({ label: 'West line (exercise-west-line, version 1)' });
  await until('its corners', async () => (await f.lines().catch(() => [])).length === 4);
  await until('on the map, whole', async () => (await f.drawn('areas')) > 0 && (await f.corner(1).count()) === 1);
  await about.getByText('Its name goes out with the fields of an Officer Safety Alert only').waitFor();
  await f.button('Add the fields of an Officer Safety Alert').click();
  assert.equal(await page.getByLabel('The area, by its name').inputValue(), 'West line');
  assert.equal(await page.getByLabel('La zona, por su nombre').inputValue(), 'Línea oeste');
  await f.look('area-named');
  await f.corner(1).focus();
  await page.keyboard.press('ArrowUp');
  await about.getByText('The bulletin says “West line”, and the library knows other ground by that name').waitFor();
  await f.button('Undo').click();
  await about.getByText('The bulletin says “West line”').waitFor({ state: 'detached' });
  assert.equal(await about.getByLabel('An area that has a name').inputValue(), 'exercise-west-line');
  // The same list for whom it is for.
  await page.getByLabel('Title, one line').fill('Drones at the west line');
  await page.getByLabel('Kind of rule').selectOption({ label: 'Whoever is in an area' });
  await f.button('Add rule').click();
  const rule = page.getByRole('listitem', { name: /^Rule 1/ });
  await rule.getByLabel('An area that has a name').selectOption('exercise-river-road');
  await until('kept', () => f.draft()?.content.audience.length === 1 && f.draft().content.sheet.area_name.en === 'West line');
  assert.equal(f.draft().content.audience[0].area.radius_m, 900);
  // As it is read.
  await page.evaluate((id) => { location.hash = `bulletins/${id}`; }, f.draft().notice);
  const read = page.getByRole('group', { name: 'Where: Draft' });
  await read.scrollIntoViewIfNeeded();
  await until('both areas are on its map', async () => Number(await read.locator('.map').getAttribute('data-areas')) >= 2, 60_000);
  assert.equal(await read.locator('.handle').count(), 0, 'nothing is drawn here');
  await axe(page, 'read');
  await f.look('area-read');
  assert.deepEqual(f.wrong(), []);
});
