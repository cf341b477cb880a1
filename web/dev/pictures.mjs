// The pictures of README and manual, taken from the running exercise: npm run pictures (about four minutes, in real
// time). SKYPICKET_BIN names the program. Written with a palette, so that they stay small.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, watched } from './browser.mjs';
import { PHONE, RealCentre } from './centre.mjs';
import { decode, encode } from './png.mjs';

const OUT = process.argv[2] ?? fileURLToPath(new URL('../../docs/public/pictures', import.meta.url));
/** No picture may be larger, bytes. */
const MOST = 400_000;
mkdirSync(OUT, { recursive: true });
const centre = await new RealCentre().start();
const started = Date.now();
const browser = await launch();

const open = async (url, options) => {
  const { page } = await watched(browser, options);
  await page.goto(url);
  await page.getByRole('button', { name: 'Not now' }).click();
  return page;
};
async function take(page, name) {
  const shot = decode(await page.screenshot());
  const png = encode(shot);
  // Read back: near enough to what was on the screen, or it is not written.
  const { rgb } = decode(png);
  const off = rgb.reduce((sum, v, i) => sum + Math.abs(v - shot.rgb[i]), 0) / rgb.length;
  if (off > 2) throw new Error(`${name}.png is off by ${off} of 255 on average`);
  if (png.length > MOST) throw new Error(`${name}.png would have ${png.length} bytes`);
  writeFileSync(join(OUT, `${name}.png`), png);
  console.log(`${name}.png: ${Math.round(png.length / 1000)} kB, ${Math.round((Date.now() - started) / 1000)} s after the start`);
}
const touch = (page, name) => page.getByRole('button', { name }).first().click();
const point = (page, heading, tilt) =>
  page.evaluate(([h, b]) => {
    clearInterval(globalThis.pointing);
    globalThis.pointing = setInterval(() => dispatchEvent(new DeviceOrientationEvent('deviceorientationabsolute', { alpha: 360 - h, beta: b, gamma: 0, absolute: true })), 40);
  }, [heading, tilt]);

try {
  const phone = { ...PHONE, deviceScaleFactor: 2 };
  const watch = await open((await centre.links('watch-1')).url);
  const visitor = await open((await centre.links('visitor')).field_url, phone);
  const lead = await open((await centre.links('west-lead')).field_url, { ...phone, geolocation: { latitude: 31.766, longitude: -106.499, accuracy: 9 } });
  await watch.getByRole('button', { name: 'Sound blocked: click to arm' }).click();
  for (const p of [visitor, lead]) await p.mouse.click(195, 8);
  await watch.waitForSelector('.map[data-drawn]', { timeout: 60_000 });

  // The exercise begins with its alert: on the phone; then acknowledged by both.
  const alertOf = (p) => p.locator('article', { hasText: 'EXERCISE: Officer Safety Alert' }).first();
  await alertOf(visitor).waitFor({ timeout: 30_000 });
  await visitor.waitForTimeout(800);
  await take(visitor, 'field-alert');
  for (const p of [visitor, lead]) {
    while (await alertOf(p).isVisible()) {
      const button = alertOf(p).getByRole('button', { name: /^Acknowledge: / });
      if (await button.isVisible()) await button.click({ timeout: 2_000 }).catch(() => undefined);
      await p.waitForTimeout(300);
    }
  }

  // The drone comes from the south: at 85 s it is on every screen, still far away. The visitor reports it.
  await new Promise((r) => setTimeout(r, Math.max(0, started + 85_000 - Date.now())));
  await point(visitor, 168, 6);
  await touch(visitor, 'REPORT DRONE');
  await touch(visitor, /^Multirotor/);
  await visitor.getByRole('radio', { name: /^> 1/ }).click();
  await visitor.waitForTimeout(800);
  await take(visitor, 'field-report');
  await touch(visitor, 'SEND');
  await visitor.getByText('Seen by your leadership').waitFor();
  while ((await visitor.locator('li.done').count()) < 3) await visitor.waitForTimeout(100);
  await take(visitor, 'field-sent');
  await touch(visitor, 'Done');
  const row = watch.locator('.row.report', { hasText: 'Visitor' }).first();
  await row.click();
  await watch.waitForTimeout(1_500);
  await take(watch, 'sighting');
  await touch(watch, 'Confirm');
  await watch.getByText('confirmed as a drone by').waitFor();
  await watch.keyboard.press('Escape');
  await watch.keyboard.press('Home');
  await watch.locator('.row').first().evaluate(() => document.activeElement?.blur?.());

  // Urgent for the first of them; the visitor's phone follows.
  await watch.locator('.row.urgent').first().waitFor({ timeout: 120_000 });
  await watch.waitForTimeout(2_500);
  await take(watch, 'console');
  await visitor.locator('article.warning.urgent').first().waitFor({ timeout: 60_000 });
  await visitor.waitForTimeout(700);
  await take(visitor, 'field-warning');
  while (!(await visitor.locator('.ack.taken').first().isVisible())) {
    const button = visitor.getByRole('button', { name: /^Acknowledge:/ }).first();
    if (await button.isVisible()) await button.click({ timeout: 2_000 }).catch(() => undefined);
    await visitor.waitForTimeout(300);
  }
  await watch.locator('.row.urgent').first().click();
  await watch.keyboard.press('Space');
  // Half a minute later somebody has still said nothing.
  await watch.locator('.row .silent', { hasText: 'Picket 3' }).first().waitFor({ timeout: 120_000 });
  await watch.evaluate(() => document.activeElement?.blur?.());
  await watch.waitForTimeout(1_200);
  await take(watch, 'warning');
} finally {
  await browser.close();
  await centre.stop();
}
