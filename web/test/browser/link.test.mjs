// The page of a signed link, as the centre serves it, in a real browser against answers made up here: nothing is
// acknowledged by opening, one press acknowledges once, both languages, and each end is said in words. LOOK names a folder
// for pictures. Needs no build.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, watched } from '../../dev/browser.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
const file = (name) => readFileSync(fileURLToPath(new URL(`../../../crates/skypicket/src/http/links/${name}`, import.meta.url)));
const FILES = {
  '/a': ['text/html; charset=utf-8', file('link.html')],
  '/a/link.css': ['text/css; charset=utf-8', file('link.css')],
  '/a/link.js': ['text/javascript; charset=utf-8', file('link.js')],
};
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const VIEW = {
  state: 'open', language: 'en', exercise: null, marking: 'TLP:GREEN', level: 'urgent', title: 'Explosives on drones',
  text: 'Do not touch a drone that came down.\nKeep 300 m away.', asked: true, acknowledged_at: null,
};
const bare = (state) => ({ ...VIEW, state, marking: null, level: null, title: null, text: null, asked: false });
let browser;
before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  browser = await launch();
});
after(async () => { await browser?.close(); });

/** The page at a token; `answer(path, body)` gives [status, body], or null for a broken connection. */
async function open(t, answer, { token = 'TOKEN', ...options } = {}) {
  const asked = [];
  const server = createServer(async (request, response) => {
    const path = request.url;
    const known = FILES[path];
    if (known) {
      response.writeHead(200, { 'content-type': known[0], 'content-security-policy': POLICY });
      return response.end(known[1]);
    }
    if (request.method !== 'POST') { response.writeHead(404); return response.end(); }
    let text = '';
    for await (const part of request) text += part;
    const body = JSON.parse(text);
    asked.push([path.replace('/api/v1/links/', ''), body]);
    const made = answer(path.replace('/api/v1/links/', ''), body);
    if (!made) return request.socket.destroy();
    response.writeHead(made[0], { 'content-type': 'application/json' });
    response.end(JSON.stringify(made[1]));
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const { context, page, wrong } = await watched(browser, { viewport: { width: 390, height: 760 }, ...options });
  t.after(async () => {
    await context.close();
    server.closeAllConnections();
    server.close();
  });
  await page.goto(`http://127.0.0.1:${server.address().port}/a${token ? `#${token}` : ''}`);
  const look = async (name) => { if (LOOK) await page.screenshot({ path: join(LOOK, `link-${name}.png`) }); };
  return { page, asked, look, wrong: () => wrong.filter((w) => !/favicon|status of [45]|ERR_EMPTY_RESPONSE/.test(w)) };
}
const said = (page) => page.getByRole('status').textContent();

test('opening a link shows its words and acknowledges nothing; one press acknowledges once', async (t) => {
  const done = { ...VIEW, acknowledged_at: '2026-11-26T18:00:00Z' };
  const { page, asked, look, wrong } = await open(t, (path) => [200, path === 'read' ? VIEW : done]);
  const button = page.getByRole('button', { name: 'ACKNOWLEDGE' });
  await button.waitFor();
  await look('open');
  assert.deepEqual(asked, [['read', { token: 'TOKEN' }]]);
  for (const words of ['TLP:GREEN', 'URGENT', 'Explosives on drones', 'Keep 300 m away.']) {
    assert.ok((await page.locator('main').innerText()).includes(words), words);
  }
  await axe(page, 'open');
  const { height } = await button.boundingBox();
  assert.ok(height >= 72, `for gloves: ${height}`);
  await button.focus();
  await page.keyboard.press('Enter');
  await until('what is said', async () => (await said(page)) === 'Acknowledged.');
  assert.equal(await button.isVisible(), false);
  assert.equal(asked.length, 2);
  assert.match(asked[1][1].id, /^[0-9a-f-]{36}$/);
  await look('acknowledged');
  assert.deepEqual(wrong(), []);
});

test('it speaks its reader’s language and an exercise says so first', async (t) => {
  const { page, look } = await open(t, () => [200, { ...VIEW, language: 'es', exercise: 'first-light', title: 'Explosivos en drones', level: 'caution' }]);
  await page.getByRole('button', { name: 'CONFIRMAR' }).waitFor();
  assert.match(await page.locator('body').innerText(), /^EXERCISE \/ EJERCICIO: first-light/);
  assert.equal(await page.locator('html').getAttribute('lang'), 'es');
  await axe(page, 'es');
  await look('es');
});

test('each end is said in words and offers nothing to press', async (t) => {
  for (const [name, answer, words] of [
    ['superseded', [200, bare('superseded')], /newer version/],
    ['ended', [200, bare('ended')], /It is over/],
    ['withheld', [200, bare('withheld')], /Open Skypicket/],
    ['expired', [410, { code: 'link_expired' }], /time of this link is over/],
    ['wrong', [404, { code: 'wrong_link' }], /Open the whole link/],
    ['acknowledged', [200, { ...VIEW, acknowledged_at: '2026-11-26T18:00:00Z' }], /Acknowledged/],
  ]) {
    const { page, look } = await open(t, () => answer);
    await until('what is said', async () => words.test(await said(page)));
    assert.equal(await page.getByRole('button').count(), 0, name);
    await look(name);
  }
  const { page, asked } = await open(t, () => [500, {}], { token: '' });
  await until('what is said', async () => /whole link/.test(await said(page)));
  assert.equal(asked.length, 0);
});

test('a broken line is said, and trying again is the same request', async (t) => {
  const done = { ...VIEW, acknowledged_at: '2026-11-26T18:00:00Z' };
  // A browser tries a broken connection again by itself: so it stays down until it is said to be up.
  let up = false;
  const { page, asked, look } = await open(t, (path) => (up ? [200, path === 'read' ? VIEW : done] : null));
  const again = page.getByRole('button', { name: 'TRY AGAIN' });
  await again.waitFor();
  up = true;
  await again.click();
  const button = page.getByRole('button', { name: 'ACKNOWLEDGE' });
  await button.waitFor();
  up = false;
  await button.click();
  await until('the failure', async () => /NOT acknowledged/.test(await said(page)));
  await look('failed');
  up = true;
  await button.click();
  await until('the end', async () => (await said(page)) === 'Acknowledged.');
  const ids = asked.filter(([path]) => path === 'acknowledge').map(([, body]) => body.id);
  assert.ok(ids.length >= 2);
  assert.equal(new Set(ids).size, 1);
});
