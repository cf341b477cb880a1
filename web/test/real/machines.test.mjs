// The office's page of machines against the real program: an administrator makes a token with an area, sees what it
// brought and what was refused, revokes it, and saves a TAK package; an integrator sees sources and no TAK clients.
// SKYPICKET_BIN names the program; `npm run build` and `cargo build` first. SKYPICKET_LOOK names a folder for pictures.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { BIN } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const PASSWORD = 'correct horse battery';
const folder = mkdtempSync(join(tmpdir(), 'skypicket-machines-'));
const LOOK = process.env.SKYPICKET_LOOK;
const CONFIG = `
[place]
name = "Test"
lat_deg = 31.76
lon_deg = -106.49
zoom = 12
[[agency]]
id = "a"
name = "Agency"
[[unit]]
id = "u"
name = "Unit"
agency = "a"
[[person]]
id = "admin"
name = "Administrator"
unit = "u"
roles = ["administrator", "watch"]
[[person]]
id = "sensors"
name = "Integrator"
unit = "u"
roles = ["integrator"]
[[person]]
id = "agent-1"
name = "ALPHA 1"
unit = "u"
roles = ["field"]
[[source.udp]]
id = "wifi-1"
listen = "127.0.0.1:0"
expected_interval_s = 1.0
[tak]
listen = "127.0.0.1:0"
tls = true
`;
let child, first, browser, page, watch;

async function enter(url) {
  const w = await watched(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  await w.page.goto(url);
  await w.page.getByRole('heading', { name: 'Set your password' }).waitFor();
  await w.page.getByLabel('New password').fill(PASSWORD);
  await w.page.getByLabel('The same again').fill(PASSWORD);
  await w.page.getByRole('button', { name: 'Save password' }).click();
  await w.page.getByRole('link', { name: 'Machines' }).click();
  await w.page.getByRole('heading', { name: 'Machines', level: 1 }).waitFor();
  await w.page.getByRole('heading', { name: 'Sources' }).waitFor();
  return w;
}
const look = async (name) => { if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`), fullPage: true }); };
const click = (name) => page.getByRole('button', { name }).first().click();
async function lines(secret, list) {
  const body = list.map((l) => `${JSON.stringify({ type: 'observation', t: Date.now() / 1000, cov_enu_m2: [[9, 0, 0], [0, 9, 0], [0, 0, 25]], ...l })}\n`).join('');
  return fetch(`${first.listening}/api/v1/observations`, { method: 'POST', headers: { authorization: `Bearer ${secret}` }, body });
}

before(async () => {
  const config = join(folder, 'skypicket.toml');
  writeFileSync(config, CONFIG);
  child = spawn(BIN, ['serve', '--config', config, '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const line = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the program ended with ${code}`)));
  });
  first = JSON.parse(line);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  const ended = new Promise((r) => child.once('exit', r));
  child.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

test('an administrator makes a token with an area, sees what came and what was refused, and revokes it', async () => {
  watch = await enter(first.sign_in.replace('/#', '/office/#'));
  page = watch.page;
  await until('the silent source is called silent', () => page.getByText('SILENT').first().isVisible());
  await page.getByText('Nobody has a TAK client with a certificate yet.').waitFor();
  await click('New token');
  await page.getByLabel('Source', { exact: true }).fill('mast-1');
  await page.getByLabel('What it is for').fill('box on the mast');
  await page.getByLabel('Middle of its area').fill('nowhere');
  await page.getByLabel('Radius, metres').fill('3000');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  await page.getByRole('alert').getByText('or an MGRS reference').waitFor();
  await axe(page, 'the form');
  await look('machines-form');
  await page.getByLabel('Middle of its area').fill('13R CR 58933 15024');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  const given = page.getByRole('region', { name: 'Shown once' });
  await given.waitFor();
  const secret = await given.locator('pre').innerText();
  assert.match(secret, /^skp_/);
  await given.getByRole('button', { name: 'Copy' }).click();
  await given.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await look('machines-secret');
  await click(/^Done/);
  assert.ok(!(await page.content()).includes(secret), 'it is not shown again');

  const inside = await page.evaluate(async () => (await (await fetch('/api/v1/tokens')).json()).items[0].grant.area.circle);
  assert.equal(inside.radius_m, 3000);
  const { lat_deg, lon_deg } = inside.at;
  assert.ok(Math.abs(lat_deg - 31.76) < 0.05 && Math.abs(lon_deg + 106.49) < 0.05, JSON.stringify(inside));
  const answer = await lines(secret, [{ lla: [lat_deg, lon_deg, 1250] }, { lla: [lat_deg + 1, lon_deg, 1250] }]);
  assert.equal((await answer.json()).taken, 1);
  await click('mast-1');
  await page.getByText('outside_area').first().waitFor();
  await page.getByRole('cell', { name: "token 'box on the mast'", exact: true }).waitFor();
  assert.match(await page.locator('.more').innerText(), /3000 m around 13R CR/);
  await axe(page, 'a source opened');
  await look('machines-source');

  await page.locator('.more').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('alertdialog').getByText("'box on the mast' of mast-1").waitFor();
  await axe(page, 'asked before it is revoked');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  await page.getByRole('cell', { name: "token 'box on the mast'", exact: true }).waitFor({ state: 'detached' });
  assert.equal((await lines(secret, [{ lla: [lat_deg, lon_deg, 1250] }])).status, 401);
  await page.getByLabel(/revoked or have ended/).check();
  await page.getByText('revoked by admin', { exact: true }).waitFor();
  assert.deepEqual(watch.wrong, []);
});

test('an administrator saves a TAK package for a person and revokes all of their clients', async () => {
  await click('New package for a person');
  await page.getByLabel('Person').selectOption('agent-1');
  await page.getByLabel('Device, as it is listed').fill('duty phone 2');
  await axe(page, 'the package form');
  await look('machines-package-form');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  const save = page.getByRole('link', { name: 'Save skypicket-agent-1.zip' });
  await save.waitFor();
  await look('machines-package');
  const [download] = await Promise.all([page.waitForEvent('download'), save.click()]);
  const bytes = readFileSync(await download.path());
  assert.deepEqual([...bytes.subarray(0, 2)], [0x50, 0x4b]);
  assert.ok(bytes.includes(Buffer.from('certs/agent-1.p12')));
  await click(/^Done/);
  await page.getByRole('cell', { name: 'ALPHA 1' }).waitFor();
  await look('machines-clients');
  await click('All of this person');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  await until('the client is revoked', async () => (await page.getByRole('row', { name: /ALPHA 1.*revoked by admin/ }).count()) === 1);
  const left = await page.evaluate(async () => (await (await fetch('/api/v1/machines')).json()).clients.map((c) => c.standing));
  assert.deepEqual(left, ['revoked']);
  assert.deepEqual(watch.wrong, []);
});

test('an administrator gives a system of another agency a token for the feed, and shuts it out', async () => {
  await page.getByText('No partner yet.').waitFor();
  await click("New partner's token");
  const form = page.getByRole('form', { name: "New partner's token" });
  await form.getByLabel('Agency').fill('nowhere');
  await form.getByLabel('What it is for').fill('dispatch');
  await form.getByRole('button', { name: 'Make', exact: true }).click();
  await form.getByRole('alert').getByText("there is no agency 'nowhere'").waitFor();
  await axe(page, "the partner's form");
  await form.getByLabel('Agency').fill('a');
  await form.getByRole('button', { name: 'Make', exact: true }).click();
  const given = page.getByRole('region', { name: 'Token of a partner, shown once' });
  await given.waitFor();
  const secret = await given.locator('pre').innerText();
  assert.match(secret, /^skp_/);
  await look('machines-partner');
  const feed = () => fetch(`${first.listening}/cap/feed.atom`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal((await feed()).status, 200);
  await given.getByRole('button', { name: /^Done/ }).click();
  assert.ok(!(await page.content()).includes(secret), 'it is not shown again');
  await page.getByText(/Alerts are signed with a certificate until/).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Save what partners check alerts by' }).click()]);
  assert.match(readFileSync(await download.path(), 'utf8'), /^-----BEGIN CERTIFICATE-----/);
  const tokens = page.getByRole('table', { name: 'Tokens of partners' });
  await tokens.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('alertdialog').getByText("'dispatch' of a").waitFor();
  await axe(page, 'asked before a partner is shut out');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  await until('it is shut out', async () => (await feed()).status === 401);
  await tokens.getByRole('row', { name: /dispatch.*revoked by admin/ }).waitFor();
  // (The refused agency is said in the browser's console.)
  assert.deepEqual(watch.wrong.filter((w) => !(w.includes('422') && w.endsWith('/api/v1/partners'))), []);
});

test('an integrator sees sources, and no TAK clients', async () => {
  const link = await page.evaluate(async (id) => (await (await fetch('/api/v1/people/sensors/sign-in-links', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ id }) })).json()).url, randomUUID());
  const other = await enter(link.replace('/#', '/office/#'));
  assert.equal(await other.page.getByRole('heading', { name: 'TAK clients' }).count(), 0);
  await other.page.getByRole('button', { name: 'mast-1' }).click();
  await other.page.getByRole('button', { name: 'New token of mast-1' }).waitFor();
  assert.deepEqual(other.wrong, []);
});
