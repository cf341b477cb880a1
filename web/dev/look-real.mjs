// Looks at both faces against the real program while the drone comes: node dev/look-real.mjs [OUT_FOLDER]
// Takes about four minutes: the exercise runs in real time.
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, watched } from './browser.mjs';
import { PHONE, RealCentre } from './centre.mjs';

const [out = join(tmpdir(), 'skypicket-look')] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const centre = await new RealCentre().start();
const started = Date.now();
const browser = await launch();
const wrongs = [];
const open = async (name, url, options) => {
  const w = await watched(browser, options);
  wrongs.push([name, w.wrong]);
  await w.page.goto(url);
  return w.page;
};
const shot = async (page, name) => {
  await page.screenshot({ path: join(out, `${name}.png`) });
  console.log(Math.round((Date.now() - started) / 1000), name);
};
const until = (s) => new Promise((r) => setTimeout(r, Math.max(0, started + s * 1000 - Date.now())));
try {
  const links = {};
  for (const p of ['visitor', 'west-lead', 'sector-chief']) links[p] = await centre.links(p);
  const watch = await open('watch', (await centre.links('watch-1')).url);
  const visitor = await open('visitor', links.visitor.field_url, PHONE);
  const lead = await open('lead', links['west-lead'].field_url, { ...PHONE, geolocation: { latitude: 31.7660, longitude: -106.4990, accuracy: 9 } });
  const chief = await open('chief', links['sector-chief'].url);
  await watch.getByRole('button', { name: 'Not now' }).waitFor();
  await shot(watch, 'c-password');
  await shot(visitor, 'f-password');
  for (const p of [watch, visitor, lead, chief]) await p.getByRole('button', { name: 'Not now' }).click();
  await watch.waitForSelector('.map[data-drawn]', { timeout: 20_000 });
  await watch.getByRole('button', { name: 'Sound blocked: click to arm' }).click();
  for (const p of [visitor, lead]) await p.mouse.click(200, 150);
  await until(22);
  await shot(watch, 'c-start');
  await shot(visitor, 'f-calm');
  await watch.getByRole('button', { name: 'People', exact: true }).click();
  await watch.waitForTimeout(400);
  await shot(watch, 'c-people');
  await watch.getByRole('button', { name: 'Sources', exact: true }).click();
  await watch.waitForTimeout(400);
  await shot(watch, 'c-sources');
  await watch.getByRole('button', { name: 'Open as…' }).click();
  await watch.getByRole('button', { name: 'Make a link for Visitor' }).click();
  await watch.waitForTimeout(800);
  await shot(watch, 'c-windows');
  await watch.keyboard.press('Escape');
  const touch = (page, name) => page.getByRole('button', { name }).first().click();
  await touch(visitor, 'REPORT DRONE');
  await visitor.waitForTimeout(300);
  await shot(visitor, 'f-kind');
  await touch(visitor, /^Multirotor/);
  await visitor.waitForTimeout(300);
  await shot(visitor, 'f-ring');
  await visitor.evaluate(() => { globalThis.pointing = setInterval(() => dispatchEvent(new DeviceOrientationEvent('deviceorientationabsolute', { alpha: 200, beta: 22, gamma: 0, absolute: true })), 40); });
  await visitor.waitForTimeout(600);
  await shot(visitor, 'f-compass');
  await visitor.getByRole('radio', { name: /^300– 1000/ }).click();
  await touch(visitor, 'SEND');
  await visitor.waitForTimeout(500);
  await shot(visitor, 'f-sent');
  await visitor.waitForTimeout(4000);
  await shot(visitor, 'f-sent-later');
  await shot(lead, 'f-lead-report');
  await shot(watch, 'c-report');
  await watch.locator('.row.report').first().click();
  await watch.waitForTimeout(900);
  await shot(watch, 'c-sighting');
  await touch(visitor, 'Done');
  await visitor.waitForTimeout(300);
  await shot(visitor, 'f-after');
  await watch.keyboard.press('Escape');
  for (const s of [95, 120]) {
    await until(s);
    await shot(watch, `c-${s}`);
    await shot(visitor, `f-${s}`);
  }
  await watch.locator('.row.urgent').first().waitFor({ timeout: 60_000 });
  await watch.waitForTimeout(3000);
  await shot(watch, 'c-urgent');
  await shot(visitor, 'f-urgent');
  await watch.keyboard.press('ArrowDown');
  await watch.waitForTimeout(1500);
  await shot(watch, 'c-track');
  await shot(chief, 'c-chief');
  await visitor.getByRole('button', { name: /^Acknowledge/ }).first().click();
  await visitor.waitForTimeout(1200);
  await shot(visitor, 'f-acknowledged');
  await watch.keyboard.press('Space');
  await watch.waitForTimeout(800);
  await shot(watch, 'c-taken');
  await until(182);
  await shot(watch, 'c-silent');
  await shot(visitor, 'f-182');
  await shot(lead, 'f-lead-silent');
  await shot(chief, 'c-chief-182');
  await until(240);
  await shot(watch, 'c-240');
  await shot(visitor, 'f-240');
  await shot(lead, 'f-lead-240');
} catch (error) {
  for (const [i, c] of browser.contexts().entries()) for (const p of c.pages()) await p.screenshot({ path: join(out, `failed-${i}.png`) });
  console.error(error);
  process.exitCode = 1;
} finally {
  console.log(JSON.stringify(wrongs, null, 1));
  await browser.close();
  await centre.stop();
}
