// Push all the way, against the real program in a real browser: the page subscribes (the browser's half is played, since
// headless Chromium reaches no maker's service), the centre writes to a maker's server that this test plays, what it
// wrote is opened with the phone's key and handed to the real service worker through the debugger's door; the
// notification is there, and the service worker's receipt is at the centre. SKYPICKET_BIN names the program.
import assert from 'node:assert/strict';
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { PHONE, RealCentre } from '../../dev/centre.mjs';
import { until } from '../../dev/steps.mjs';

const centre = new RealCentre(['--test-push-loopback']);
const phone = createECDH('prime256v1');
phone.generateKeys();
const auth = randomBytes(16);
/** What the maker's server got and nobody has looked at yet. */
const got = [];
const maker = createServer(async (req, res) => {
  const parts = [];
  for await (const part of req) parts.push(part);
  got.push({ headers: req.headers, body: Buffer.concat(parts) });
  res.writeHead(201).end();
});
let browser;
let context;
let page;
let registration;

/** RFC 8291, the browser's end of it. */
function open(body) {
  const salt = body.subarray(0, 16);
  const theirs = body.subarray(21, 86);
  const input = Buffer.from(hkdfSync('sha256', phone.computeSecret(theirs), auth, Buffer.concat([Buffer.from('WebPush: info\0'), phone.getPublicKey(), theirs]), 32));
  const key = Buffer.from(hkdfSync('sha256', input, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16));
  const nonce = Buffer.from(hkdfSync('sha256', input, salt, Buffer.from('Content-Encoding: nonce\0'), 12));
  const cipher = createDecipheriv('aes-128-gcm', key, nonce);
  cipher.setAuthTag(body.subarray(-16));
  const plain = Buffer.concat([cipher.update(body.subarray(86, -16)), cipher.final()]);
  return plain.subarray(0, plain.lastIndexOf(2)).toString();
}

before(async () => {
  await new Promise((r) => maker.listen(0, '127.0.0.1', r));
  [browser] = await Promise.all([launch(), centre.start()]);
  const { url } = await centre.links('visitor');
  ({ page, context } = await watched(browser, { ...PHONE, permissions: [...PHONE.permissions, 'notifications'] }));
  await page.addInitScript(([endpoint, p256dh, secret]) => {
    let held = null;
    PushManager.prototype.getSubscription = async () => held;
    PushManager.prototype.subscribe = async (options) => {
      held = { endpoint, options: { applicationServerKey: options.applicationServerKey.buffer }, unsubscribe: async () => { held = null; return true; }, toJSON: () => ({ endpoint, keys: { p256dh, auth: secret } }) };
      return held;
    };
  }, [`http://127.0.0.1:${maker.address().port}/visitor`, phone.getPublicKey('base64url'), auth.toString('base64url')]);
  await page.goto(url.replace('/#', '/field/#'));
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByText('REPORT DRONE').waitFor();
  await page.mouse.click(195, 150);
  await page.evaluate(() => navigator.serviceWorker.ready);
  const client = await context.newCDPSession(page);
  registration = new Promise((resolve) => {
    client.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const own = registrations.find((r) => !r.isDeleted && r.scopeURL.endsWith('/field/'));
      if (own) resolve({ client, registrationId: own.registrationId });
    });
  });
  await client.send('ServiceWorker.enable');
});
after(async () => {
  await browser?.close();
  await centre.stop();
  maker.closeAllConnections();
  maker.close();
});

const seen = (text) => page.getByText(text).first().isVisible();
async function deliver(data) {
  const { client, registrationId } = await registration;
  await client.send('ServiceWorker.deliverPushMessage', { origin: new URL(page.url()).origin, registrationId, data });
}
const shown = () =>
  page.evaluate(async () =>
    (await (await navigator.serviceWorker.ready).getNotifications()).map((n) => ({ title: n.title, body: n.body, tag: n.tag, silent: n.silent, stays: n.requireInteraction })),
  );

test('push is turned on from a touch; a test comes all the way and says EXERCISE', async () => {
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('button', { name: 'Push', exact: true }).click();
  await page.getByRole('button', { name: 'Turn push on' }).click();
  await until('on', () => seen('Push is on for this phone.'));
  await page.getByRole('button', { name: 'Send a test' }).click();
  await until('taken', () => seen('The maker took it. That is no proof that it comes.'));
  const { body } = await until('at the maker', () => got.shift());
  const text = open(body);
  assert.equal(JSON.parse(text).kind, 'test');
  await deliver(text);
  await until('arrived', () => seen(/^It arrived on this phone after/));
  const [n] = await until('the notification', async () => { const all = await shown(); return all.length > 0 && all; });
  assert.equal(n.title, 'EXERCISE · Push reaches this phone');
});

test('a warning without a receipt of the page goes by push; the service worker shows it and gives the receipt', { timeout: 300_000 }, async (t) => {
  // The phone's page is put away: from now on only its service worker is there.
  const origin = new URL(page.url()).origin;
  got.length = 0;
  const cookies = (await context.cookies(origin)).map((c) => `${c.name}=${c.value}`).join('; ');
  await page.goto(`${origin}/field/manifest.webmanifest`);
  const near = () => ({
    id: crypto.randomUUID().replace(/^(.{14})./, '$17'), from: { lat_deg: 31.7636, lon_deg: -106.4922, alt_hae_m: null }, from_accuracy_m: 6, bearing: { azimuth_deg: 90, how: 'octant', sigma_deg: null },
    range: 'under100', elevation_deg: null, kind: 'multirotor', count: null, activity: 'approaching', lights: null, sound: null, payload: null, words: '',
    first_seen: new Date().toISOString(), last_seen: new Date().toISOString(), sent_at: new Date().toISOString(),
  });
  let reported = 0;
  const message = await until('a warning at the maker', async () => {
    if (Date.now() - reported > 8_000) {
      reported = Date.now();
      await centre.ask(cookies, 'POST', '/sightings', near());
      await centre.ask(cookies, 'POST', '/positions', { id: near().id, at: { lat_deg: 31.7636, lon_deg: -106.4922, alt_hae_m: null }, accuracy_m: 6, observed_at: new Date().toISOString(), sent_at: new Date().toISOString() });
    }
    while (got.length > 0) {
      const { headers, body } = got.shift();
      const text = open(body);
      const m = JSON.parse(text);
      // The alert that the exercise begins with comes by push too, and is no warning.
      const alert = text.includes('Officer Safety Alert');
      if (m.kind === 'notice' && !alert && m.state !== 'cleared' && m.asks) return { headers, text, m };
    }
    return null;
  }, 60_000);
  assert.equal(message.headers.urgency, 'high');
  assert.ok(Number(message.headers.ttl) > 0 && Number(message.headers.ttl) <= 120);
  assert.equal(message.m.exercise, 'first-light');
  const rows = async () => (await centre.api('GET', `/deliveries?notice=${message.m.id}&limit=200`)).items.filter((d) => d.person === 'visitor' && d.channel === 'push' && d.version === message.m.version);
  await until('taken by the maker is "sent", no more', async () => (await rows()).some((d) => d.reached === 'sent'));
  await deliver(message.text);
  await until('delivered, by the receipt of the service worker', async () => (await rows()).some((d) => d.reached === 'delivered'), 20_000);

  await page.goto(`${origin}/field/`);
  await page.locator('.report').waitFor();
  const find = async (tag) => (await shown()).find((n) => n.tag === tag);
  const n = await until('the notification', () => find(message.m.id));
  t.diagnostic(`${n.title} | ${n.body}`);
  assert.match(n.title, /^EXERCISE · (URGENT|CAUTION|ADVISORY): drone near you$/);
  assert.ok(n.body.startsWith(message.m.text), n.body);
  assert.deepEqual([n.silent, n.stays], [false, true]);

  // The same again, an older one, and the end: shown without a sound, and the newest stays in place.
  const next = { ...message.m, version: message.m.version + 1, text: 'Drone. Nearer now.' };
  for (const [what, m, title, silent] of [
    ['a newer version', next, /drone near you/, false],
    ['an older version', message.m, /drone near you/, true],
    ['the end', { ...next, version: next.version + 1, state: 'cleared', asks: false, text: 'Warning over.' }, /^EXERCISE · Over/, true],
  ]) {
    await deliver(JSON.stringify(m));
    const body = what === 'the end' ? 'Warning over.' : 'Drone. Nearer now.';
    await until(what, async () => { const x = await find(message.m.id); return x && x.silent === silent && title.test(x.title) && x.body.startsWith(body); });
  }

  // A touch on it brings the open page to the warning.
  await page.getByRole('button', { name: 'Menu' }).click();
  const worker = context.serviceWorkers().find((w) => w.url().endsWith('/field/sw.js'));
  await until('the page has the warning', () => page.evaluate(async (id) => (await (await fetch(`/api/v1/notices/${id}`)).json()).notice?.id === id, message.m.id));
  await worker.evaluate(async () => {
    const [notification] = (await self.registration.getNotifications()).filter((x) => x.data?.notice);
    self.dispatchEvent(new NotificationEvent('notificationclick', { notification }));
  });
  await until('it is put away', async () => !(await find(message.m.id)));
  await until('the page shows it', async () => (await page.locator(`#notice-${message.m.id}`).count()) === 1 || !(await seen('Hear the alarms')), 20_000);
});

test('signing out takes the phone off push', async () => {
  const person = async () => (await centre.api('GET', '/people')).items.find((p) => p.id === 'visitor');
  await until('up', async () => (await person()).channels_up.includes('push'));
  await page.goto(`${new URL(page.url()).origin}/field/`);
  await page.locator('.report').waitFor();
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign out now' }).click();
  await until('down', async () => !(await person()).channels_up.includes('push'));
  await until('nothing is left on the screen', async () => (await shown()).length === 0);
});
