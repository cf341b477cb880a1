// Steps that browser tests share: waiting, what axe finds, and signing in whole.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Asks until it is so, and gives what it is then; fails when it is not in time. */
export async function until(what, check, ms = 60_000) {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    const is = await check();
    if (is) return is;
    await new Promise((r) => setTimeout(r, 60));
  }
  assert.fail(`not so in ${ms} ms: ${what}`);
}

/** The same; gives the moment at which it was so. */
export async function moment(what, check, ms) {
  await until(what, check, ms);
  return Date.now();
}

/** What axe finds wrong with the page as it is; nothing, else it fails. */
export async function axe(page, name) {
  // The policy forbids inline scripts, so axe comes in through the debugger's door.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const r = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return r.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`);
  });
  assert.deepEqual(found, [], name);
}

/** RFC 6238 with the usual values, so many steps from now. */
export function totp(base32, steps = 0) {
  const bits = [...base32.replaceAll(' ', '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** The same, once what is left of its step is enough for it to be typed and looked at. */
export async function code(base32, steps = 0) {
  await until('the code holds for a while', () => Date.now() % 30_000 < 20_000);
  return totp(base32, steps);
}

/** The first time over TLS: a password, codes, and the recovery codes written down. */
export async function setUpSignIn(page, password = 'correct horse battery') {
  const touch = (name) => page.getByRole('button', { name }).first().click();
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('The same again').fill(password);
  await touch('Save password');
  await page.getByRole('heading', { name: 'Set up a second factor' }).waitFor();
  await page.getByLabel('The six digits that it shows now').fill(await code(await page.locator('.key').innerText(), -1));
  await touch('Go on');
  await page.getByRole('heading', { name: 'Keep these recovery codes' }).waitFor();
  await touch('I have written them down');
}

/** Holds back the answers to `method` at `address`, the first `first` of them, as the centre gives them or as `fulfil`. `waits()` is
 *  done when so many are held; `let()` sends them, and is done when the page has taken the first one in. What is asked after that
 *  goes on as ever. */
export async function hold(page, address, { method = 'GET', first = Infinity, fulfil = null } = {}) {
  const held = [];
  let open = false;
  let all = 0;
  await page.route(address, async (route) => {
    if (open || route.request().method() !== method || all >= first) return route.fallback();
    all += 1;
    const answer = fulfil ?? { response: await route.fetch() };
    await new Promise((go) => held.push({ go, request: route.request() }));
    return route.fulfill(answer).catch(() => undefined); // the page may have given it up
  });
  return {
    waits: (n = 1) => until(`${address} is asked for`, () => held.length >= n),
    let: async () => {
      open = true;
      const [one] = held;
      const came = one && page.waitForEvent('requestfinished', { predicate: (r) => r === one.request });
      held.splice(0).forEach(({ go }) => go());
      await came;
      await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true)))));
    },
  };
}

/** Types a report that can be filed: what was seen is `text`. */
export async function typeReport(page, title, text = title) {
  await page.getByLabel(/^Text/).fill(text);
  await page.getByLabel('Title, one line').fill(title);
  await page.getByLabel('Kind of source').selectOption('officer');
  await page.getByLabel(/^Source, in words/).fill('North 3');
  await page.getByRole('button', { name: 'Now' }).click();
  await page.getByLabel('How it was learned').selectOption('observed');
  await page.getByLabel(/I affirm/).check();
  await page.getByLabel('drones, their flights and loads').check();
}
