// A phone that goes deaf, against the real program in a real browser: the program is stopped while its connections stay
// open (half-open), and killed. The page must say YOU WILL NOT BE WARNED by itself after 20 s, make itself heard, and
// recover by itself. SKYPICKET_BIN names the program; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { PHONE, RealCentre } from '../../dev/centre.mjs';
import { moment, until } from '../../dev/steps.mjs';

const centre = new RealCentre();
let browser;
let page;
let context;

before(async () => {
  [browser] = await Promise.all([launch(), centre.start()]);
  const { url } = await centre.links('visitor');
  ({ page, context } = await watched(browser, PHONE));
  await page.addInitScript(() => {
    globalThis.tones = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { globalThis.tones.push(Date.now()); start.call(this, at); };
    globalThis.buzzes = 0;
    globalThis.looks = [];
    setInterval(() => globalThis.looks.push(Date.now()), 500);
    navigator.vibrate = () => { globalThis.buzzes += 1; return true; };
  });
  await page.goto(url.replace('/#', '/field/#'));
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByText('REPORT DRONE').waitFor();
  await page.mouse.click(195, 150);
});
after(async () => {
  await browser?.close();
  await centre.stop();
});

const seen = (text) => page.getByText(text).first().isVisible();
const CRY = 'YOU WILL NOT BE WARNED';
/** Nothing but the cry itself: a warning of the exercise sounds, too. */
const quiet = () => page.evaluate(() => { globalThis.tones = []; globalThis.buzzes = 0; });

test('a program that stands still with its connections open is noticed within 20 s, aloud, and its return too', { timeout: 300_000 }, async (t) => {
  await until('armed', () => seen(/^ARMED/), 20_000);
  await until('just heard', () => seen(/heard [01] s ago/));
  centre.freeze();
  const from = Date.now();
  await quiet();
  // Not before: a short silence is no alarm.
  const then = await until('fifteen seconds', async () => { const text = await page.locator('body').innerText(); return /heard 1[5-9] s ago/.test(text) && text; });
  assert.ok(!then.includes(CRY), 'no cry after 15 s');
  const cried = await moment('the cry', () => seen(CRY), 10_000);
  const after = cried - from;
  t.diagnostic(`cried ${after} ms after the program stood still`);
  assert.ok(after >= 17_500 && after <= 23_000, `${after} ms`);
  assert.ok(await seen('NOT ARMED'));
  assert.equal(await page.title(), 'NOT ARMED – Skypicket');
  const box = await page.locator('.unheard').boundingBox();
  assert.equal(box.width, 390, 'over the whole width');
  assert.equal(await page.locator('.unheard').evaluate((e) => getComputedStyle(e).backgroundColor), 'rgb(255, 90, 79)');
  await until('sound and vibration', () => page.evaluate(() => globalThis.tones.length > 0 && globalThis.buzzes > 0), 3_000);
  // It repeats until it is quietened.
  const first = await page.evaluate(() => globalThis.tones.at(-1));
  await until('again', () => page.evaluate((f) => globalThis.tones.some((x) => x > f + 10_000), first), 35_000);
  await page.getByRole('button', { name: 'Quiet for 2 min' }).click();
  await until('timed and shown', () => seen(/Quiet for 1\d\d s more/));
  assert.ok(await seen(CRY), 'quiet is not over');
  centre.thaw();
  await until('heard again by itself', async () => !(await seen(CRY)) && (await seen(/^ARMED/)), 20_000);
  await until('how long it was deaf', () => seen(/This phone was deaf for [2-9]\d s/));
  await until('what was missed is known', async () => !(await seen('Asking what you missed.')));
  await page.locator('.deafness').getByRole('button', { name: 'Done' }).click();
});

test('a program that is killed is noticed the same way, and a report made meanwhile is not lost', { timeout: 300_000 }, async () => {
  await until('just heard', () => seen(/heard [01] s ago/));
  await centre.kill();
  const from = Date.now();
  await page.getByRole('button', { name: 'REPORT DRONE' }).click();
  await page.getByRole('button', { name: /^Wings/ }).click();
  await page.getByRole('button', { name: 'SEND' }).click();
  await until('kept', () => seen('KEPT ON THIS PHONE'));
  const cried = await moment('the cry', () => seen(CRY), 25_000);
  assert.ok(cried - from >= 17_000 && cried - from <= 23_000, `${cried - from} ms`);
  await page.getByRole('button', { name: 'Done' }).first().click();
  await until('counted', () => seen('1 not yet sent'));
  await centre.start();
  await until('heard again', async () => !(await seen(CRY)), 20_000);
  await until('sent', async () => !(await seen('1 not yet sent')), 20_000);
});

/** Stops everything that the page does, as a phone that puts it away: no timer runs, its connections stay. */
async function frozen(ms) {
  const client = await context.newCDPSession(page);
  await client.send('Debugger.enable');
  const paused = new Promise((r) => client.once('Debugger.paused', r));
  await client.send('Debugger.pause');
  await paused;
  return async () => {
    await new Promise((r) => setTimeout(r, ms)); // nothing of a page that stands still can be waited for
    const from = Date.now();
    await client.send('Debugger.resume');
    await client.detach();
    // It was really frozen: not a timer of it ran.
    const looks = await page.evaluate((f) => globalThis.looks.filter((x) => x > f - 15_000 && x < f - 1_000).length, from);
    assert.equal(looks, 0, 'the page was not frozen');
    return from;
  };
}

test('a page that comes back from a freeze to a silent centre cries within seconds', { timeout: 300_000 }, async () => {
  await until('armed', () => seen(/^ARMED/), 20_000);
  centre.freeze();
  // What was on its way has come: read after the freeze it would count as heard then.
  await until('nothing more is on its way', () => seen(/heard [1-4] s ago/), 10_000);
  const back = await frozen(24_000);
  const from = await back();
  const cried = await moment('the cry', () => seen(CRY), 10_000);
  assert.ok(cried - from <= 6_000, `${cried - from} ms after it came back`);
  centre.thaw();
  await until('heard again', async () => !(await seen(CRY)), 20_000);
  const done = page.locator('.deafness').getByRole('button', { name: 'Done' });
  await until('told', () => done.isVisible());
  await done.click();
});

test('a page that comes back from a freeze to a centre that lives says how long it was deaf, without a cry', { timeout: 300_000 }, async () => {
  await until('armed', () => seen(/^ARMED/), 20_000);
  const back = await frozen(24_000);
  await back();
  let cried = false;
  await until('told', async () => { cried ||= await seen(CRY); return seen(/This phone was deaf for 2\d s/); });
  await until('armed', async () => { cried ||= await seen(CRY); return seen(/^ARMED/); });
  assert.equal(cried, false);
});

test('a session that ended at the centre is said aloud, and cannot pass for quiet', { timeout: 300_000 }, async () => {
  await until('armed', () => seen(/^ARMED/));
  await context.clearCookies();
  await centre.kill();
  await centre.start();
  await until('said', () => seen('Your session is over. Sign in again: nothing on this phone is lost.'));
  assert.ok(await seen(CRY));
  assert.ok(await seen('NOT ARMED'));
  assert.ok(await seen(/missing: sign-in/));
});
