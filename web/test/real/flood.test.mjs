// A flood on the real program: twelve reports of one drone in a minute are one sound, one row with its count, each listed,
// taken as one. SKYPICKET_BIN names the program; LOOK names a folder for pictures; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
const MANY = 12;
/** The low tone that every pattern of an exercise begins with, and no other tone is. */
const SIGN_HZ = 175;
const centre = new RealCentre();
let browser;
before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  [browser] = await Promise.all([launch(), centre.start()]);
});
after(async () => {
  await browser?.close();
  await centre.stop();
});
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`) });
};

test('twelve alarms in a minute are one sound and one row, none is lost, and one touch takes them', async () => {
  const { page, wrong } = await watched(browser);
  await page.addInitScript(() => {
    globalThis.heard = [];
    const set = AudioParam.prototype.setValueAtTime;
    AudioParam.prototype.setValueAtTime = function at(value, when) {
      if (value > 20) globalThis.heard.push({ hz: Math.round(value), at: performance.now() });
      return set.call(this, value, when);
    };
  });
  await page.goto((await centre.links('watch-1')).url);
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByRole('region', { name: 'Needs you now' }).waitFor();
  await page.getByRole('button', { name: 'Sound blocked: click to arm' }).click();
  await until('armed, and the test tone over', async () => (await page.getByText('sound armed').count()) > 0 && (await page.evaluate(() => globalThis.heard.length)) > 0);
  await page.evaluate(() => { globalThis.heard = []; });

  const link = new URL((await centre.links('visitor')).url).hash.replace('#sign-in=', '');
  const signed = await fetch(`${centre.url}/api/v1/sessions`, { method: 'POST', headers: { 'content-type': 'application/json', origin: centre.url }, body: JSON.stringify({ link }) });
  const cookie = signed.headers.getSetCookie()[0].split(';')[0];
  const reports = [];
  for (let k = 0; k < MANY; k += 1) {
    const now = new Date().toISOString();
    const id = randomUUID();
    reports.push(id);
    await centre.ask(cookie, 'POST', '/sightings', {
      // Far from everybody: no warning comes of it, which would rightly break through.
      id, from: { lat_deg: 31.9, lon_deg: -106.3, alt_hae_m: null }, from_accuracy_m: 8, kind: 'multirotor', range: 'to300', elevation_deg: 20,
      bearing: { azimuth_deg: 200 + (k % 3), how: 'compass', sigma_deg: 6 }, first_seen: now, last_seen: now, sent_at: now,
    });
  }
  await page.getByText(/FLOOD of alarms since \d\d:\d\d:\d\d UTC/).waitFor();
  const list = await centre.api('GET', '/alarms');
  const ours = list.items.filter((a) => reports.includes(a.alarm.id));
  assert.equal(ours.length, MANY, 'none is lost');
  assert.equal(new Set(ours.map((a) => JSON.stringify(a.incident))).size, 1, JSON.stringify(ours.map((a) => [a.incident, a.call])));
  assert.equal(ours.filter((a) => a.call.how === 'interrupts').length, 1, JSON.stringify(ours.map((a) => a.call)));

  // One row says how many, and its detail lists each.
  const count = async () => (await centre.api('GET', '/alarms')).items.filter((a) => a.incident.id === ours[0].incident.id).length;
  const row = page.locator('.needs .row', { hasText: / alarms$|\d+ alarms/ }).first();
  await row.waitFor();
  const saying = async () => Number(/(\d+) alarms/.exec(await row.innerText())?.[1]);
  const said = await until('the row says as many as the centre has', async () => { const n = await saying(); return n >= MANY && n === (await count()) && n; });
  await row.click();
  const all = page.getByRole('group', { name: 'Alarms of this incident' });
  await until('each is listed', async () => (await all.getByRole('listitem').count()) === said);
  await axe(page, 'flood');
  await look(page, 'flood-real');
  // One sound: an advisory repeats after 30 s, and what comes later than that is no second sound.
  const signs = await page.evaluate((hz) => globalThis.heard.filter((h) => h.hz === hz).map((h) => h.at), SIGN_HZ);
  assert.equal(signs.filter((at) => at - signs[0] < 29_000).length, 1, `one sound for all of them: ${signs}`);

  await page.keyboard.press('Space');
  await until('all are mine', async () => (await all.getByText('in hand: you').count()) === said);
  await page.getByText('sound armed').waitFor();
  await look(page, 'flood-real-taken');
  const figures = await centre.api('GET', '/alarms/figures');
  assert.ok(figures.flood_since !== null && figures.exercise === 'first-light' && figures.taken >= MANY, JSON.stringify(figures));
  await page.getByRole('button', { name: 'Figures', exact: true }).click();
  await page.getByRole('heading', { name: 'EXERCISE first-light: alarm figures' }).waitFor();
  await page.getByText('on since').waitFor();
  await axe(page, 'figures');
  await look(page, 'figures-real');
  assert.deepEqual(wrong, []);
});
