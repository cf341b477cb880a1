// What a phone needs TLS for, in Chromium over the centre's own TLS on an address that is not loopback: position, compass,
// service worker, opening without a network, notifications and push, the screen kept awake. The authority is trusted in the
// way a user does it: added to the user's certificate store (NSS, by certutil). No certificate error is ever ignored.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer as createProxy } from 'node:http';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, opened } from '../../dev/browser.mjs';
import { PHONE } from '../../dev/centre.mjs';
import { Home, SecureCentre, readCode } from '../../dev/secure.mjs';
import { axe, setUpSignIn, until } from '../../dev/steps.mjs';

const second = Object.values(networkInterfaces()).flat().find((a) => a.family === 'IPv4' && !a.internal)?.address;
const skip = second ? false : 'this machine has loopback addresses only';
const centre = new SecureCentre();
const home = new Home();
let browser;
let page;
let context;

before(async () => {
  if (skip) return;
  await centre.start(second);
});
after(async () => {
  await browser?.close();
  await centre.stop();
  home.remove();
});


test('a browser that does not trust the authority warns, and is not let past by a plain address', { skip }, async () => {
  assert.match(centre.url, new RegExp(`^https://${second}:\\d+$`));
  const stranger = await launch({ env: home.env });
  try {
    const p = await stranger.newPage();
    await assert.rejects(p.goto(`${centre.url}/field/`), /ERR_CERT_AUTHORITY_INVALID/);
    // Plain goes to https, and so to the same warning.
    await assert.rejects(p.goto(`${centre.url.replace('https', 'http')}/field/`), /ERR_CERT_AUTHORITY_INVALID/);
    const plain = await stranger.newPage();
    const answer = await plain.goto(`${centre.url.replace('https', 'http')}/trust`);
    assert.equal(answer.status(), 200);
    if (process.env.LOOK) await plain.screenshot({ path: join(process.env.LOOK, 'trust.png'), fullPage: true });
    assert.ok(await plain.getByRole('heading', { name: 'Trust this centre' }).isVisible());
    assert.equal(await plain.evaluate(() => getComputedStyle(document.querySelector('code')).display), 'grid', 'its style came');
    assert.deepEqual(await plain.context().cookies(), []);
    await axe(plain, 'the page about trust');
  } finally {
    await stranger.close();
  }
});

test('with the authority trusted, the field page has all that it needs TLS for', { skip, timeout: 300_000 }, async () => {
  home.trust(centre.authority);
  browser = await launch({ env: home.env });
  context = await opened(browser, { ...PHONE, permissions: [...PHONE.permissions, 'notifications'] });
  page = await context.newPage();
  const wrong = [];
  page.on('console', (m) => { if (m.type() === 'error') wrong.push(m.text()); });
  page.on('pageerror', (e) => wrong.push(String(e)));
  await page.goto(centre.first.sign_in.replace('/#', '/field/#'));
  await setUpSignIn(page);
  await page.getByText('REPORT DRONE').waitFor();
  await page.mouse.click(195, 150);
  const has = await page.evaluate(async () => {
    const position = await new Promise((r) => navigator.geolocation.getCurrentPosition((p) => r(p.coords.latitude), (e) => r(e.message), { maximumAge: 600_000, timeout: 10_000 }));
    const lock = await navigator.wakeLock.request('screen').then((l) => l.type, (e) => String(e));
    const registration = await navigator.serviceWorker.ready;
    return {
      secure: isSecureContext, position, lock,
      compass: 'DeviceOrientationEvent' in globalThis && 'ondeviceorientationabsolute' in globalThis,
      worker: new URL(registration.active.scriptURL).pathname,
      push: 'PushManager' in globalThis && 'pushManager' in registration,
      notification: Notification.permission,
      protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol,
    };
  });
  assert.deepEqual(has, {
    secure: true, position: PHONE.geolocation.latitude, lock: 'screen', compass: true, worker: '/field/sw.js', push: true, notification: 'granted', protocol: 'h2',
  });
  const [cookie] = (await context.cookies()).filter((c) => c.name === 'skypicket_session');
  assert.ok(cookie.secure && cookie.httpOnly && cookie.sameSite === 'Strict', JSON.stringify(cookie));
  await until('armed', () => page.getByText(/^ARMED/).first().isVisible(), 20_000);
  assert.deepEqual(wrong, []);
});

test('it opens again without a network', { skip, timeout: 300_000 }, async () => {
  await until('the worker has the page', () => page.evaluate(async () => (await caches.keys()).length > 0));
  await context.setOffline(true);
  await page.reload();
  await page.getByText('REPORT DRONE').waitFor();
  await context.setOffline(false);
});

test('the office makes two codes whose pictures say what they are for, and a sheet to print', { skip, timeout: 300_000 }, async () => {
  const desk = await opened(context.browser(), { viewport: { width: 1280, height: 900 } });
  await desk.addCookies(await context.cookies());
  const office = await desk.newPage();
  const wrong = [];
  office.on('console', (m) => { if (m.type() === 'error' && !/404/.test(m.text())) wrong.push(m.text()); });
  await office.goto(`${centre.url}/office/#enrol/agent-a1`);
  await office.getByRole('button', { name: 'Make the codes' }).click();
  const one = office.getByAltText(/^Code 1/);
  const two = office.getByAltText(/^Code 2/);
  await two.waitFor();
  assert.equal(readCode(await one.screenshot()), `${centre.url.replace('https', 'http')}/trust`);
  const link = readCode(await two.screenshot());
  assert.ok(link.startsWith(`${centre.url}/field/#sign-in=`), link);
  assert.ok(!(await office.locator('body').innerText()).includes(link.split('=')[1]), 'the secret stands in the code only');
  const shown = (await office.locator('.pairs').innerText()).replace(/\s+/g, ':');
  const real = execFileSync('openssl', ['x509', '-in', centre.authority, '-noout', '-fingerprint', '-sha256'], { encoding: 'utf8' }).trim().split('=')[1];
  assert.equal(shown, real);
  assert.match(await office.locator('.state').innerText(), /Waits for the phone: (15 min|14 min) left/);
  if (process.env.LOOK) await office.screenshot({ path: join(process.env.LOOK, 'enrol.png'), fullPage: true });
  await axe(office, 'the codes');
  await office.emulateMedia({ media: 'print' });
  assert.ok(!(await office.locator('nav').isVisible()) && !(await office.getByRole('button', { name: 'New code' }).isVisible()));
  assert.equal(readCode(await two.screenshot()), link, 'the printed code can be read');
  if (process.env.LOOK) await office.screenshot({ path: join(process.env.LOOK, 'enrol-print.png'), fullPage: true });
  await office.emulateMedia({ media: 'screen' });
  // A new code makes the old one void.
  const first = await two.getAttribute('src');
  await office.getByRole('button', { name: 'New code' }).click();
  await until('another code', async () => (await two.count()) === 1 && (await two.getAttribute('src', { timeout: 1_000 }).catch(() => first)) !== first);
  const phone = await desk.newPage();
  const signIn = (url) => phone.evaluate(async (secret) => (await fetch('/api/v1/sessions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ link: secret }) })).status, url.split('#sign-in=')[1]);
  await phone.goto(`${centre.url}/trust`);
  assert.equal(await signIn(link), 401);
  const fresh = readCode(await two.screenshot());
  await office.getByRole('button', { name: 'Cancel this link' }).click();
  await office.getByText('Cancelled: the link works no more.').waitFor();
  assert.equal(await signIn(fresh), 401);
  assert.equal(await two.count(), 0, 'the code is gone from the screen');
  assert.deepEqual(wrong, []);
  await desk.close();
});

test('in an exercise a watch officer enrols, too, and the sheet says EXERCISE across', { skip, timeout: 300_000 }, async () => {
  const exercise = new SecureCentre();
  const own = new Home();
  await exercise.start(second, ['--exercise', 'first-light']);
  own.trust(exercise.authority);
  const other = await launch({ env: own.env });
  try {
    const office = await (await opened(other, { viewport: { width: 900, height: 1100 } })).newPage();
    await office.goto(exercise.first.sign_in.replace('/#', '/office/#'));
    await office.getByRole('button', { name: 'Not now' }).click();
    await office.getByRole('link', { name: 'Enrol a phone' }).click();
    await office.getByLabel('Person').fill('nobody at all');
    await office.getByRole('button', { name: 'Make the codes' }).click();
    await office.getByText('There is nobody').waitFor();
    await office.getByLabel('Person').fill('visitor');
    await office.getByRole('button', { name: 'Make the codes' }).click();
    await office.getByAltText(/^Code 2/).waitFor();
    assert.ok(!(await office.locator('.diagonal').isVisible()));
    await office.emulateMedia({ media: 'print' });
    assert.ok(await office.locator('.diagonal').isVisible());
    assert.ok((await office.locator('.diagonal').boundingBox()).width > 500);
    assert.ok(readCode(await office.getByAltText(/^Code 2/).screenshot()).startsWith(`${exercise.url}/field/#sign-in=`), 'the word does not spoil the code');
    if (process.env.LOOK) await office.screenshot({ path: join(process.env.LOOK, 'enrol-exercise.png') });
  } finally {
    await other.close();
    await exercise.stop();
    own.remove();
  }
});

test('whoever steals the authority’s key cannot stand in for other sites: the browser keeps to its name constraint', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skypicket-forged-'));
  const at = (name) => join(folder, name);
  const forge = (name) => {
    writeFileSync(at('ext'), `subjectAltName=DNS:${name}\nextendedKeyUsage=serverAuth\n`);
    execFileSync('openssl', ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key'), '-out', at('csr'), '-subj', '/CN=x'], { stdio: 'ignore' });
    execFileSync('openssl', ['x509', '-req', '-in', at('csr'), '-CA', centre.authorityWithKey, '-CAkey', at('ca.key'), '-set_serial', String(Date.now()), '-days', '30', '-extfile', at('ext'), '-out', at('crt')], { stdio: 'ignore' });
    return { key: readFileSync(at('key')), cert: readFileSync(at('crt')) };
  };
  execFileSync('openssl', ['pkey', '-in', centre.authorityWithKey, '-out', at('ca.key')], { stdio: 'ignore' });
  const server = createServer({ ...forge('bank.example') }, (_, answer) => answer.end('forged'));
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  const { port } = server.address();
  // Every name leads to the forger: a proxy that asks nobody.
  const proxy = createProxy().on('connect', (_, client) => {
    const to = connect(port, '127.0.0.1', () => { client.write('HTTP/1.1 200 OK\r\n\r\n'); to.pipe(client).pipe(to); });
    to.on('error', () => client.destroy());
    client.on('error', () => to.destroy());
  });
  await new Promise((r) => proxy.listen(0, '127.0.0.1', r));
  const victim = await launch({ env: home.env, proxy: { server: `http://127.0.0.1:${proxy.address().port}` } });
  try {
    const p = await victim.newPage();
    await assert.rejects(p.goto('https://bank.example/'), /ERR_CERT/);
    // The same forger with a local name is believed: so it was the constraint.
    server.setSecureContext(forge('thief.local'));
    assert.equal(await (await (await victim.newPage()).goto('https://thief.local/')).text(), 'forged');
  } finally {
    await victim.close();
    server.close();
    proxy.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
