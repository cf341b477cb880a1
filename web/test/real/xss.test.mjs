// Text from outside stays text: every field that any input can carry holds markup here, and every page is opened.
// SKYPICKET_BIN names the program; `npm run build` and `cargo build` first. SKYPICKET_LOOK names a folder for pictures.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { BIN } from '../../dev/centre.mjs';
import { until } from '../../dev/steps.mjs';

/** Runs as script wherever it becomes markup, and breaks out of attributes; short enough for every field. */
const EVIL = `"><img src=x onerror=document.body.dataset.x=1>`;
const folder = mkdtempSync(join(tmpdir(), 'skypicket-xss-'));
const LOOK = process.env.SKYPICKET_LOOK;
const toml = (text) => JSON.stringify(text);
let child;
let url = '';
let report = '';
const jar = new Map();
const cookie = () => [...jar].map(([k, v]) => `${k}=${v}`).join('; ');
let browser;

const freePort = () => new Promise((resolve) => {
  const s = createServer();
  s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); });
});

async function ask(method, path, body, headers = {}) {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method, headers: { cookie: cookie(), origin: url, ...(body ? { 'content-type': 'application/json' } : {}), ...headers }, ...(body ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
  });
  for (const c of answer.headers.getSetCookie()) jar.set(...c.split(';')[0].split(/=(.*)/s).slice(0, 2));
  const text = await answer.text();
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}
/** Sends and waits until the other side has it all. */
const say = (port, text) => new Promise((resolve, reject) => {
  const s = connect(port, '127.0.0.1', () => s.write(text, () => resolve(s)));
  s.once('error', reject);
});

before(async () => {
  const [tcp, tak] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'skypicket.toml'), `
[place]
name = ${toml(EVIL)}
lat_deg = 31.76
lon_deg = -106.49
zoom = 13
[[agency]]
id = "a"
name = ${toml(EVIL)}
[[unit]]
id = "u"
name = ${toml(EVIL)}
agency = "a"
leadership = ["boss"]
[[person]]
id = "boss"
name = ${toml(EVIL)}
unit = "u"
roles = ["field", "watch", "analyst", "supervisor", "integrator", "auditor", "administrator"]
[[person]]
id = "agent"
name = ${toml(`agent ${EVIL}`)}
unit = "u"
roles = ["field"]
tak_uid = "TAK-1"
[[site]]
id = "gate"
name = ${toml(EVIL)}
at = { lat_deg = 31.765, lon_deg = -106.49 }
unit = "u"
[[source.tcp]]
id = "radar"
listen = "127.0.0.1:${tcp}"
[tak]
id = "tak"
listen = "127.0.0.1:${tak}"
`);
  child = spawn(BIN, ['serve', '--config', join(folder, 'skypicket.toml'), '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const [first] = await Promise.all([
    new Promise((resolve, reject) => { createInterface({ input: child.stdout }).once('line', resolve); child.once('exit', (code) => reject(new Error(`ended with ${code}`))); }),
    launch().then((b) => { browser = b; }),
  ]);
  const { listening, sign_in } = JSON.parse(first);
  url = listening;
  // The device's own name is text too.
  const link = sign_in.split('sign-in=')[1];
  await ask('POST', '/sessions', { link }, { 'user-agent': `Mozilla/5.0 ${EVIL} Chrome/1` });
  await ask('PUT', '/me/password', { password: 'correct horse battery' });

  // Whatever comes from outside.
  const now = Date.now() / 1_000;
  const lines = [
    { t: now, lla: [31.76, -106.489, 1_200], claims: { serial: EVIL, operator_id: EVIL, text: EVIL, status: EVIL.slice(0, 32) } },
    { t: now, lla: [31.76, -106.489, 1_200], claims: { ids: [{ kind: 'session', value: EVIL }], text: EVIL }, transport: EVIL.slice(0, 32) },
    { [EVIL]: 1 },
  ];
  const radar = await say(tcp, `${lines.map((l) => JSON.stringify(l)).join('\n')}\n${EVIL}\n`);
  const xml = EVIL.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  const stamp = (s) => new Date(Date.now() + s * 1_000).toISOString();
  const event = (uid, type, detail) =>
    `<event version="2.0" uid="${uid}" type="${type}" how="h-g-i-g-o" time="${stamp(0)}" start="${stamp(0)}" stale="${stamp(300)}"><point lat="31.76" lon="-106.49" hae="1200" ce="8" le="9"/><detail>${detail}</detail></event>`;
  const phone = await say(tak, event('TAK-1', 'a-f-G-U-C', `<contact callsign="${xml}"/><__group name="${xml}" role="${xml}"/>`) + event(randomUUID(), 'a-u-A-M-H-Q', `<contact callsign="${xml}"/><remarks>${xml}</remarks>`));
  // Whatever people type.
  const sighting = randomUUID();
  await ask('POST', '/sightings', {
    id: sighting, from: { lat_deg: 31.76, lon_deg: -106.49 }, from_accuracy_m: 10, kind: 'multirotor', words: EVIL.repeat(3),
    bearing: { azimuth_deg: 10, how: 'octant' }, first_seen: stamp(-2), last_seen: stamp(-1),
  });
  await ask('POST', `/sightings/${sighting}/triage`, { id: randomUUID(), verdict: { is: 'dismissed' }, why: EVIL });
  const duties = [{ person: 'boss', from: stamp(-60), until: stamp(3_600) }];
  await ask('POST', '/directory', { id: randomUUID(), changes: [{ change: 'put_roster', roster: { id: 'desk', name: EVIL, unit: 'u', duties } }] });
  await ask('POST', '/tokens', { id: randomUUID(), name: EVIL, source: 'box' });
  const other = randomUUID();
  await ask('POST', '/sightings', { id: other, from: { lat_deg: 31.76, lon_deg: -106.49 }, from_accuracy_m: 10, kind: 'unsure', words: EVIL, first_seen: stamp(-2), last_seen: stamp(-1) });
  const alarms = [{ of: 'sighting', id: other }];
  await ask('POST', '/alarms/take', { id: randomUUID(), alarms });
  await ask('POST', '/alarms/hand-back', { id: randomUUID(), alarms, why: EVIL });
  const later = (days) => stamp(days * 86_400);
  report = randomUUID();
  await ask('POST', '/intelligence', {
    id: report,
    content: {
      title: EVIL, text: EVIL, about: ['drone'], provenance: { kind: 'open_post', obtained: 'read', at: stamp(-60), source: EVIL, origin: EVIL, lawful: true },
      links: [{ to: 'sighting', id: sighting }], review_by: later(30), purge_by: later(80),
    },
  });
  await ask('POST', `/intelligence/${report}/purge-requests`, { id: randomUUID(), why: EVIL });
  await ask('POST', '/searches', { id: randomUUID(), name: EVIL, search: { q: EVIL } });
  // And whoever is not signed in.
  await fetch(`${url}/api/v1/sessions`, { method: 'POST', headers: { origin: url, 'content-type': 'application/json' }, body: JSON.stringify({ name: EVIL, password: EVIL }) });
  await until('the track and the report of the TAK client are there', async () => {
    const tracks = await ask('GET', '/tracks');
    const reports = await ask('GET', '/sightings');
    return tracks.features.length > 0 && reports.items.length >= 3;
  });
  radar.end();
  phone.end();
});
after(async () => {
  await browser?.close();
  child?.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

test('no text that any input can carry becomes script on any page', async () => {
  const { context, page, wrong } = await watched(browser);
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (e) => console.error(`Content Security Policy: ${e.violatedDirective} ${e.blockedURI}`)));
  await context.addCookies([...jar].map(([name, value]) => ({ name, value, url })));
  // Some pages keep an event stream open, so that the network is never idle: every other request must have its answer.
  const asked = new Set();
  page.on('request', (r) => { if (!r.url().includes('/api/v1/events')) asked.add(r); });
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (r) => asked.delete(r));
  let quiet = 0;
  const answered = () => until('every request has its answer', () => { quiet = asked.size ? 0 : quiet + 1; return quiet >= 3; });
  let shown = 0;
  const look = async (what) => {
    const found = await page.evaluate(() => ({
      ran: document.body.dataset.x ?? null, markup: document.querySelectorAll('img[src="x"], [onerror]').length, text: document.body.innerText.includes('onerror='),
      inputs: [...document.querySelectorAll('input, textarea')].some((i) => i.value.includes('onerror=')),
    }));
    assert.equal(found.ran, null, `${what}: it ran`);
    assert.equal(found.markup, 0, `${what}: it became markup`);
    if (found.text || found.inputs) shown += 1;
    if (LOOK) { mkdirSync(LOOK, { recursive: true }); await page.screenshot({ path: join(LOOK, `xss-${what.replace(/[^a-z0-9]+/gi, '-')}.png`) }); }
  };

  await page.goto(`${url}/`);
  await page.getByRole('region', { name: 'Needs you now' }).waitFor();
  await until('the track is drawn', async () => Number(await page.getAttribute('.map', 'data-drawn')) >= 1);
  await look('console');
  for (const list of ['People', 'Sources', 'Open as…']) {
    await page.getByRole('button', { name: list, exact: true }).click();
    await page.waitForTimeout(0);
    await look(list);
  }
  // Each row of what needs somebody, and what is behind it.
  const rows = await page.getByRole('region', { name: 'Needs you now' }).getByRole('button').count();
  for (let n = 0; n < rows; n += 1) {
    const row = page.getByRole('region', { name: 'Needs you now' }).getByRole('button').nth(n);
    // The list goes on while it is looked at.
    if (await row.isVisible() && await row.isEnabled()) await row.click({ timeout: 5_000 }).catch(() => undefined);
    await look(`row ${n}`);
  }
  await page.keyboard.press('Control+k');
  await page.keyboard.type('onerror');
  await look('find');
  await page.keyboard.press('Escape');

  await page.goto(`${url}/office/`);
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  const pages = await page.locator('nav[aria-label="Office"] a[href^="#"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  assert.ok(pages.length >= 9, `${pages}`);
  for (const at of pages) {
    await page.goto(`${url}/office/${at}`);
    await page.locator(`nav[aria-label="Office"] a[aria-current="page"][href="${at}"]`).waitFor();
    await page.locator('main h1').waitFor();
    quiet = 0; await answered();
    await look(`office ${at}`);
  }
  await page.goto(`${url}/office/#search/q=onerror`);
  await page.getByRole('region', { name: 'Hits' }).locator('mark').first().waitFor();
  await look('hits');
  await page.goto(`${url}/office/#people`);
  await page.getByText(`agent ${EVIL}`).first().click();
  quiet = 0; await answered();
  await look('a person');
  await page.goto(`${url}/office/#intelligence/${report}`);
  await page.getByRole('article', { name: 'What it says' }).waitFor();
  await look('a report');
  await page.goto(`${url}/office/#intelligence/${report}/edit`);
  await page.getByLabel('Title, one line').waitFor();
  quiet = 0; await answered();
  await look('a report that is changed');
  await page.goto(`${url}/office/#people`);
  const file = page.locator('input[type=file]');
  const open = page.getByRole('button', { name: /import/i }).first();
  if (!(await file.count())) await open.click();
  await file.first().setInputFiles({ name: `${EVIL.replaceAll('/', '')}.csv`, mimeType: 'text/csv', buffer: Buffer.from(`id,name,unit,roles\nnew-1,"${EVIL.replaceAll('"', '""')}",u,field\nbad one,x,u,field\n"${EVIL.replaceAll('"', '""')}",x,u,"${EVIL.replaceAll('"', '""')}"\n`) });
  quiet = 0; await answered();
  await look('import');

  await page.goto(`${url}/field/`);
  await page.getByText('REPORT DRONE').first().waitFor();
  await look('field');
  // Seen on so many pages: what is kept from being shown would prove nothing.
  assert.ok(shown >= 10, `the text was shown ${shown} times only`);
  // A refused sign-in and a refused import are told by the browser as well.
  assert.deepEqual(wrong.filter((w) => !/status of (401|403|404|422)/.test(w)), []);
});
