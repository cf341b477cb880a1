// A phone on another network of the same machine: Chromium, as large as a phone, in a network namespace of the test's own,
// which reaches the centre over one cable that can be cut. It is enrolled by the two codes on the screen of the office, is
// armed, reports, is warned, goes deaf when the cable is cut and says so, recovers, and loses nothing.
//
// Needs root, iproute2 and certutil (libnss3-tools). One story, told in order.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CHROMIUM, launch, opened } from '../../dev/browser.mjs';
import { PHONE } from '../../dev/centre.mjs';
import { HERE, Home, SecureCentre, readCode } from '../../dev/secure.mjs';
import { moment, setUpSignIn, until } from '../../dev/steps.mjs';

const CRY = 'YOU WILL NOT BE WARNED';
/** Names and addresses of this run: two runs at once do not meet. */
const n = process.pid % 60;
const NET = { name: `skypicket-${process.pid}`, here: `skp${process.pid}a`, there: `skp${process.pid}b`, centre: `198.51.100.${4 * n + 1}`, phone: `198.51.100.${4 * n + 2}` };
const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** The namespace and its cable; or why there is none. */
function lay() {
  if (process.getuid() !== 0) return 'only root makes network namespaces';
  try {
    ip('netns', 'add', NET.name);
    ip('link', 'add', NET.here, 'type', 'veth', 'peer', 'name', NET.there, 'netns', NET.name);
    ip('address', 'add', `${NET.centre}/30`, 'dev', NET.here);
    ip('link', 'set', NET.here, 'up');
    ip('-n', NET.name, 'address', 'add', `${NET.phone}/30`, 'dev', NET.there);
    ip('-n', NET.name, 'link', 'set', NET.there, 'up');
    ip('-n', NET.name, 'link', 'set', 'lo', 'up');
    return false;
  } catch (error) {
    clear();
    return `no network namespace here: ${String(error.stderr ?? error).trim()}`;
  }
}
/** With the namespace goes its end of the cable, and so the other end. */
function clear() {
  for (const args of [['link', 'delete', NET.here], ['netns', 'delete', NET.name]]) {
    try {
      ip(...args);
    } catch {
      // Not there.
    }
  }
}
const skip = lay();
process.once('exit', clear);
// Cut short from outside: what was laid is taken up all the same.
process.once('SIGTERM', () => process.exit(143));

const centre = new SecureCentre();
const desk = new Home();
const pocket = new Home();
let deskBrowser;
let phoneBrowser;
let office;
let page;
const links = {};

/** Chromium in the namespace: Playwright starts this script in its place and speaks with it over pipes. */
function inside() {
  const script = join(pocket.path, 'chromium-inside');
  writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${NET.name} ${CHROMIUM} "$@"\n`);
  chmodSync(script, 0o755);
  return launch({ executablePath: script, env: pocket.env });
}

before(async () => {
  if (skip) return;
  await centre.start(NET.centre);
  desk.trust(centre.authority);
  deskBrowser = await launch({ env: desk.env });
});
after(async () => {
  await phoneBrowser?.close();
  await deskBrowser?.close();
  await centre.stop();
  desk.remove();
  pocket.remove();
  clear();
});

const seen = (text) => page.getByText(text).first().isVisible();
const touch = (name) => page.getByRole('button', { name }).first().click();
const ask = (path) => office.evaluate(async (p) => (await fetch(`/api/v1${p}`)).json(), path);
const reports = async () => (await ask('/sightings?limit=200')).items.filter((v) => v.sighting.reporter === 'agent-a1');
async function report(kind) {
  await touch('REPORT DRONE');
  await touch(kind);
  await touch('SEND');
}
async function look(name) {
  if (process.env.LOOK) await page.screenshot({ path: join(process.env.LOOK, `netns-${name}.png`) });
}

test('the office shows two codes, which say what a camera would read', { skip, timeout: 300_000 }, async () => {
  office = await (await opened(deskBrowser, { viewport: { width: 1280, height: 900 } })).newPage();
  // The network was only just made: a browser that notices drops what it was loading.
  await until('the page is whole', async () => {
    await office.goto(centre.first.sign_in.replace('/#', '/office/#')).catch(() => undefined);
    return office.getByLabel('New password').waitFor({ timeout: 10_000 }).then(() => true, () => false);
  });
  // Over TLS whoever looks after the centre must have a second factor: an administrator's first minutes, as they are.
  await setUpSignIn(office);
  await office.getByRole('link', { name: 'Enrol a phone' }).click();
  await office.getByLabel('Person').fill('Agent A1 (agent-a1)');
  await office.getByRole('button', { name: 'Make the codes' }).click();
  await office.getByAltText(/^Code 2/).waitFor();
  links.trust = readCode(await office.getByAltText(/^Code 1/).screenshot());
  links.signIn = readCode(await office.getByAltText(/^Code 2/).screenshot());
  assert.equal(new URL(links.trust).hostname, NET.centre);
  assert.equal(new URL(links.signIn).hostname, NET.centre);
  assert.ok(links.signIn.startsWith('https://'));
});

test('a phone that trusts nothing yet is warned by its browser, and gets the certificate by the first code', { skip, timeout: 300_000 }, async () => {
  const stranger = await inside();
  try {
    const p = await stranger.newPage();
    await assert.rejects(p.goto(new URL('/field/', links.signIn).href), /ERR_CERT_AUTHORITY_INVALID/);
    const phone = await (await opened(stranger, PHONE)).newPage();
    await phone.goto(links.trust);
    if (process.env.LOOK) await phone.screenshot({ path: join(process.env.LOOK, 'netns-trust.png') });
    const got = phone.waitForEvent('download');
    await phone.getByRole('link', { name: 'Download the certificate (ca.crt)' }).click();
    const file = join(pocket.path, 'ca.crt');
    await (await got).saveAs(file);
    // What the phone's settings would show, against the screen at the centre.
    const { fingerprint256 } = new X509Certificate(execFileSync('cat', [file]));
    assert.equal((await office.locator('.pairs').innerText()).replace(/\s+/g, ':'), fingerprint256);
    pocket.trust(file);
  } finally {
    await stranger.close();
  }
});

test('by the second code it is signed in, and armed', { skip, timeout: 300_000 }, async () => {
  phoneBrowser = await inside();
  const context = await opened(phoneBrowser, { ...PHONE, geolocation: { latitude: HERE.lat, longitude: HERE.lon, accuracy: 6 } });
  page = await context.newPage();
  await page.goto(links.signIn);
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByText('REPORT DRONE').waitFor();
  assert.ok(!page.url().includes('sign-in'), 'the secret leaves the address');
  await page.mouse.click(195, 150);
  await until('armed', () => seen(/^ARMED/), 20_000);
  await office.getByText('Signed in: the link has been used.').waitFor();
  await look('armed');
});

test('it reports', { skip, timeout: 300_000 }, async () => {
  await report(/^Multirotor/);
  await until('SENT', () => seen('SENT'));
  await until('at the centre', async () => (await reports()).length === 1);
  await touch('Done');
});

test('it is warned of a drone that a sensor hears', { skip, timeout: 300_000 }, async () => {
  const drone = centre.drone('NETNS-1', [900, 0, 60], [-18, 0]);
  try {
    await until('an urgent warning', () => page.locator('article.warning.urgent').first().isVisible());
    await look('warned');
    const { items } = await ask('/notices?limit=50');
    const warning = items.find((v) => v.recipients.some((r) => r.person === 'agent-a1'));
    assert.ok(warning, 'a warning to this person');
    // A new version asks again: so does the person.
    await until('acknowledged', async () => {
      const button = page.getByRole('button', { name: /^Acknowledge:/ }).first();
      if (await button.isVisible()) await button.click({ timeout: 2_000 }).catch(() => undefined);
      return page.locator('.ack.taken').first().isVisible();
    }, 15_000);
    const row = async () => (await ask(`/notices/${warning.notice.id}`)).recipients.find((r) => r.person === 'agent-a1');
    await until('the centre has it', async () => (await row()).acknowledged_at !== null);
  } finally {
    drone.stop();
  }
});

test('when the cable is cut it goes deaf, says so by itself, and keeps what is reported', { skip, timeout: 300_000 }, async (t) => {
  await until('just heard', () => seen(/heard [01] s ago/), 20_000);
  ip('link', 'set', NET.here, 'down');
  const cut = Date.now();
  const cried = await moment('the cry', () => seen(CRY));
  t.diagnostic(`cried ${cried - cut} ms after the cable was cut`);
  assert.ok(cried - cut <= 25_000, `${cried - cut} ms`);
  assert.ok(await seen('NOT ARMED'));
  await look('deaf');
  await report(/^Wings/);
  await until('kept', () => seen('KEPT ON THIS PHONE'));
  await touch('Done');
  await until('counted', () => seen('1 not yet sent'));
  assert.equal((await reports()).length, 1, 'it could not have come');
  // The centre sees that it cannot reach the phone, and says who.
  await until('the centre tells of it', async () => (await ask('/people?limit=100')).items.find((p) => p.id === 'agent-a1').unreachable, 60_000);
});

test('when it is joined again it recovers by itself, and nothing was lost or came twice', { skip, timeout: 300_000 }, async (t) => {
  ip('link', 'set', NET.here, 'up');
  const joined = Date.now();
  const heard = await moment('no longer deaf', async () => !(await seen(CRY)) && (await seen(/^ARMED/)), 60_000);
  t.diagnostic(`armed again ${heard - joined} ms after the cable was joined`);
  await until('sent', async () => !(await seen('1 not yet sent')));
  const all = await reports();
  assert.deepEqual(all.map((v) => v.sighting.kind).sort(), ['fixed_wing', 'multirotor']);
  assert.equal(new Set(all.map((v) => v.sighting.id)).size, 2, 'once each');
  // And it is warned as before.
  const drone = centre.drone('NETNS-2', [0, 900, 60], [0, -18]);
  try {
    const before = (await ask('/notices?limit=50')).items.length;
    await until('another warning at the centre', async () => (await ask('/notices?limit=50')).items.length > before);
    await until('and on the phone', () => page.locator('article.warning').first().isVisible(), 20_000);
    await look('recovered');
  } finally {
    drone.stop();
  }
});
