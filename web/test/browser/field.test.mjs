// The built field page in a real browser, phone-sized, against a small made-up centre: three touches to a report, nothing
// lost without a signal, warnings shown and acknowledged, silence said aloud, large targets, axe clean. Needs
// `npm run build` first.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { SmallCentre } from '../../field/dev/small-centre.mjs';
import { until } from '../../dev/steps.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

const WORDS = {
  en: { report: 'REPORT DRONE', wings: /^Wings/, send: 'SEND', done: 'Done', menu: 'Menu', armed: /ARMED/, more: 'More', ack: /^Acknowledge/, push: 'Push', install: 'Install' },
  es: { report: 'REPORTAR DRON', wings: /^Con alas/, send: 'ENVIAR', done: 'Listo', menu: 'Menú', armed: /ALERTA/, more: 'Más', ack: /^Enterado/, push: 'Notificaciones push', install: 'Instalar' },
};

async function phone(t, { language = 'en', palette = 'night', context: more = {}, prepare = () => undefined, clock = false, init = null } = {}) {
  const centre = new SmallCentre();
  prepare(centre);
  const url = await centre.listen();
  const { context, page, wrong } = await watched(browser, {
    viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, permissions: ['geolocation', 'screen-wake-lock'],
    geolocation: { latitude: 31.76, longitude: -106.49, accuracy: 8 }, ...more,
  });
  t.after(async () => { await context.close(); centre.close(); });
  await page.addInitScript(([l, p]) => {
    localStorage.setItem('skypicket-field.language', l);
    localStorage.setItem('skypicket-field.palette', p);
  }, [language, palette]);
  // What the page takes from the phone, for tests that take it away again; and whether it makes a sound.
  await page.addInitScript(() => {
    globalThis.locks = [];
    globalThis.contexts = [];
    globalThis.tones = 0;
    const request = globalThis.WakeLock?.prototype.request;
    if (request) WakeLock.prototype.request = async function (kind) { const l = await request.call(this, kind); globalThis.locks.push(l); return l; };
    const Context = globalThis.AudioContext;
    globalThis.AudioContext = class extends Context { constructor(o) { super(o); globalThis.contexts.push(this); } };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { globalThis.tones += 1; start.call(this, at); };
  });
  if (init) await page.addInitScript(init);
  if (clock) await page.clock.install();
  await page.goto(`${url}/field/`);
  await page.locator('.report').waitFor();
  const touch = (name) => page.getByRole('button', { name }).first().click();
  return { centre, url, context, page, wrong, touch, w: WORDS[language] };
}
/** The phone lies with its top edge raised by `tilt`, pointing at a magnetic heading. */
const point = (page, heading, tilt) =>
  page.evaluate(([h, b]) => {
    clearInterval(globalThis.pointing);
    globalThis.pointing = setInterval(() => dispatchEvent(new DeviceOrientationEvent('deviceorientationabsolute', { alpha: 360 - h, beta: b, gamma: 0, absolute: true })), 40);
  }, [heading, tilt]);
const seen = (page, text) => page.getByText(text).first().isVisible();

test('a report takes three touches and holds the true direction and the tilt; its receipts arrive by themselves', async (t) => {
  const { centre, page, touch, wrong } = await phone(t);
  await point(page, 30, 15);
  await touch('REPORT DRONE');
  await touch(/^Fast FPV/);
  await until('the ring shows the direction', () => seen(page, '037°'));
  await touch('SEND');
  await until('SENT', () => seen(page, 'SENT'));
  await until('it is at the centre', () => centre.posts('/sightings').length === 1);
  const [{ body }] = centre.posts('/sightings');
  assert.equal(body.kind, 'fpv');
  // 30° magnetic and 7.4° of declination near El Paso in these years.
  assert.ok(Math.abs(body.bearing.azimuth_deg - 37.4) < 1, JSON.stringify(body.bearing));
  assert.equal(body.bearing.how, 'compass');
  assert.ok(Math.abs(body.elevation_deg - 15) < 1);
  assert.equal(body.from.lat_deg, 31.76);
  const view = centre.sightings.get(body.id);
  view.seen_by_centre = ['watch-1', new Date().toISOString()];
  centre.send('sighting', view);
  await until('two receipts', async () => (await page.locator('li.done').count()) === 2);
  await touch(/UNDO/);
  await until('the retraction', () => seen(page, 'TAKEN BACK'));
  await until('it is at the centre', () => centre.posts(`/sightings/${body.id}/retraction`).length === 1);
  assert.deepEqual(wrong, []);
});

test('without a signal the page opens, a report waits through a reload, and goes once with its own time', async (t) => {
  const { centre, context, page, touch } = await phone(t);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await until('the service worker has the page', () => page.evaluate(() => Boolean(navigator.serviceWorker.controller)));
  await context.setOffline(true);
  await page.reload();
  const began = Date.now();
  await touch('REPORT DRONE');
  await touch(/^Wings/);
  await touch('SEND');
  await until('kept, and not called sent', () => seen(page, 'KEPT ON THIS PHONE'));
  const made = Date.now();
  await touch('Done');
  await page.reload();
  await until('the count on the button', () => seen(page, '1 not yet sent'));
  await new Promise((r) => setTimeout(r, 1_500));
  assert.equal(centre.posts('/sightings').length, 0);
  await context.setOffline(false);
  await until('sent', () => centre.posts('/sightings').length === 1, 20_000);
  await until('the count is gone', async () => !(await seen(page, '1 not yet sent')));
  await new Promise((r) => setTimeout(r, 1_500));
  const sent = centre.posts('/sightings');
  assert.equal(sent.length, 1);
  const last = Date.parse(sent[0].body.last_seen);
  assert.ok(last >= began - 1_000 && last <= made + 1_000, `its own time: ${last - began} ms after it was begun, ${made - last} before it was kept`);
  assert.ok(Date.parse(sent[0].body.sent_at) - Date.parse(sent[0].body.last_seen) > 1_000, 'the clock of sending is that of sending');
  const kept = await page.evaluate(async () => {
    const all = [];
    for (const name of await caches.keys()) for (const r of await (await caches.open(name)).keys()) all.push(new URL(r.url).pathname);
    return all;
  });
  assert.ok(kept.includes('/field/'));
  assert.deepEqual(kept.filter((p) => p.startsWith('/api')), []);
});

test('what the centre refuses is kept with the reason; what it cannot take now waits as long as it asks', async (t) => {
  const { centre, page, touch } = await phone(t);
  centre.failing = (path) => (path === '/sightings' ? [422, 'invalid', 'from: not a place'] : null);
  await touch('REPORT DRONE');
  await touch(/^Wings/);
  await touch('SEND');
  await until('refused, with the reason', () => seen(page, /from: not a place/));
  await touch('Done');
  centre.failing = (path) => (path === '/sightings' ? [507, 'full', 'no room', { 'retry-after': '2' }] : null);
  await touch('1 refused: look');
  await touch('Send again');
  await until('asked again', () => centre.posts('/sightings').length >= 2);
  centre.failing = () => null;
  await until('taken', () => centre.sightings.size === 1, 6_000);
  const [, refused, taken] = centre.posts('/sightings').map((p) => p.at);
  assert.ok(taken - refused >= 1_900, `not before the time that the centre asked for: ${taken - refused} ms`);
});

test('a warning is shown, follows the drone, is acknowledged for its version, and ends calmly', async (t) => {
  const { centre, page, touch } = await phone(t);
  const id = centre.warn({}, { unrecorded: true });
  await until('shown is told', () => centre.posts(`/notices/${id}/versions/1/receipts`).some((p) => p.body.shown === true));
  assert.ok(await seen(page, 'Take cover now.'));
  assert.ok(await seen(page, 'UNRECORDED'));
  centre.dangers = [{ track: 't-1', protected: { person: 'agent-1' }, distance_m: 212, bearing_deg: 70, cpa_m: 10, cpa_in_s: 9, earliest_s: 20, p_within: { 30: 1, 60: 1, 120: 1, 300: 1 }, level: 'urgent', reasons: [] }];
  await until('live numbers', async () => (await seen(page, '210 m')) && (await seen(page, '070° E')));
  await new Promise((r) => setTimeout(r, 800));
  await touch(/^Acknowledge/);
  await until('acknowledged, by the centre’s own time', () => seen(page, /^Acknowledged \d\d:\d\d:\d\dZ/));
  assert.equal(centre.posts(`/notices/${id}/versions/1/acknowledgements`).length, 1);
  centre.update(id, { level: 'urgent', state: 'updated' });
  await until('the next version asks anew', () => page.getByRole('button', { name: /^Acknowledge/ }).isVisible());
  centre.dangers = [];
  centre.update(id, { state: 'cleared', text: 'Warning over: the drone is no longer near.' });
  await until('cleared', () => seen(page, 'Warning over: the drone is no longer near.'));
  await touch('Done');
  await until('calm', () => seen(page, 'Nothing near you'));
});

test('a warning that comes in the middle of a report stands above it and does not throw the report away', async (t) => {
  const { centre, page, touch } = await phone(t);
  await touch('REPORT DRONE');
  await touch(/^Wings/);
  const id = centre.warn();
  await until('the warning in one line', () => page.locator('.strip').isVisible());
  assert.equal(centre.posts(`/notices/${id}/versions/1/receipts`).length, 0, 'one line is not the warning shown');
  await touch('SEND');
  await until('sent', () => centre.sightings.size === 1);
  await page.locator('.strip').click();
  await until('shown', () => centre.posts(`/notices/${id}/versions/1/receipts`).length === 1);
});

test('a page that is not on the screen does not say that a warning was shown', async (t) => {
  const { centre, page } = await phone(t);
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  const id = centre.warn();
  await page.locator('.warning').waitFor();
  await new Promise((r) => setTimeout(r, 1_500));
  assert.equal(centre.posts(`/notices/${id}/versions/1/receipts`).length, 0);
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await until('shown', () => centre.posts(`/notices/${id}/versions/1/receipts`).length === 1);
});

test('a leader gets the reports of their people and hears who has not acknowledged', async (t) => {
  const { centre, page } = await phone(t, { prepare: (c) => { c.leads = ['agent-3']; } });
  await until('armed', () => seen(page, /heard \d s ago/));
  const report = centre.reportOf('agent-3', 'Agent 3');
  await until('seen is told', () => centre.posts(`/sightings/${report}/seen`).length === 1);
  assert.ok(await seen(page, 'Agent 3: Multirotor'));
  const silent = { person: 'agent-3', name: 'Agent 3', rule: 'in_danger', reached: 'shown', channel: 'web', acknowledged_at: null, escalated_to: 'agent-1', silent: false, trouble: null, may_repeat: false };
  centre.warn({ protected: { person: 'agent-3' }, protected_name: 'Agent 3' }, { rule: 'escalation', rows: [silent] });
  await until('who is silent', () => seen(page, 'Agent 3 has not acknowledged'));
  assert.equal(await page.getByText('Take cover now.', { exact: true }).count(), 0, 'the leader is not told to take cover');
});

test('twenty seconds of silence are said in words; a session that is over still lets a report be made', async (t) => {
  const { centre, page, touch } = await phone(t, { clock: true });
  await page.mouse.click(200, 300);
  await until('armed', () => seen(page, /^ARMED/));
  centre.die();
  // The page's clock stands still and jumps: however slow the machine is, no more time passes there.
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 4_000));
  await page.clock.fastForward(11_000);
  await page.clock.runFor(600);
  await until('the time has passed on the page', () => seen(page, /heard 1[5-9] s ago/));
  assert.ok(!(await seen(page, 'YOU WILL NOT BE WARNED')));
  await page.clock.fastForward(5_000);
  await page.clock.resume();
  await until('said', () => seen(page, 'YOU WILL NOT BE WARNED'), 12_000);
  assert.ok(await seen(page, 'NOT ARMED'));
  assert.ok(await seen(page, 'Not known whether anything is near'));
  centre.revive();
  await until('heard again', async () => !(await seen(page, 'YOU WILL NOT BE WARNED')), 15_000);
  centre.endSessions();
  await until('session over', () => page.getByRole('button', { name: 'Sign in again' }).isVisible(), 15_000);
  await touch('REPORT DRONE');
  await touch(/^Wings/);
  await touch('SEND');
  await until('kept', () => seen(page, 'KEPT ON THIS PHONE'));
  await touch('Done');
  await touch('Sign in again');
  await page.getByLabel('Name').fill('agent-1');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await until('sent after signing in', () => centre.sightings.size === 1);
});

test('where the browser may not keep the screen on nobody is armed, until they say that they do it themselves', async (t) => {
  const { page } = await phone(t, { context: { permissions: ['geolocation'] } });
  await page.mouse.click(200, 300);
  await until('what is missing is named', () => seen(page, 'missing: screen kept on'));
  assert.equal(await page.title(), 'NOT ARMED – Skypicket');
  await page.locator('.bar .state').click();
  await page.getByRole('button', { name: 'I keep it on myself' }).click();
  await until('armed', () => seen(page, /^ARMED/));
  assert.equal(await page.title(), 'ARMED – Skypicket');
  await page.reload();
  await page.locator('.report').waitFor();
  await page.mouse.click(200, 300);
  await until('armed after a reload, too', () => seen(page, /^ARMED/));
});

test('a screen lock that the phone takes away is noticed, and taken back', async (t) => {
  const { page } = await phone(t);
  await page.mouse.click(200, 300);
  await until('armed', () => seen(page, /^ARMED/));
  // As a battery saver does it: released, and the next wish refused.
  await page.evaluate(() => {
    globalThis.may = navigator.wakeLock.request.bind(navigator.wakeLock);
    navigator.wakeLock.request = async () => { throw new DOMException('no', 'NotAllowedError'); };
  });
  await page.evaluate(() => globalThis.locks.forEach((l) => l.release()));
  await until('noticed', () => seen(page, 'missing: screen kept on'));
  await page.evaluate(() => { navigator.wakeLock.request = globalThis.may; });
  await until('armed again by itself', () => seen(page, /^ARMED/));
});

test('sound that the phone takes away is noticed; the test alarm is heard or not', async (t) => {
  const { page, touch } = await phone(t);
  await page.mouse.click(200, 300);
  await until('armed', () => seen(page, /^ARMED/));
  await page.evaluate(() => Promise.all(globalThis.contexts.map((c) => { c.resume = () => new Promise(() => undefined); return c.suspend(); })));
  await until('noticed', () => seen(page, 'missing: sound'));
  await page.evaluate(() => Promise.all(globalThis.contexts.map((c) => { delete c.resume; return c.resume(); })));
  await until('armed again', () => seen(page, /^ARMED/));
  await page.locator('.bar .state').click();
  await touch('Test alarm');
  await touch('I heard nothing');
  await until('said what to do', () => seen(page, /Turn the volume up/));
  await touch('Test alarm');
  await touch('I heard it');
  await until('kept', () => seen(page, /^Heard \d s ago/));
});

test('a phone that was deaf says for how long, and what came and went in between, without a sound', async (t) => {
  const { centre, page } = await phone(t, { clock: true });
  await page.mouse.click(200, 300);
  await until('armed', () => seen(page, /^ARMED/));
  centre.die();
  // The centre lives on, 40 s of the page's time, while the phone hears nothing of it.
  await page.clock.fastForward(21_000);
  await page.clock.fastForward(4_000);
  await until('alarmed', () => seen(page, 'YOU WILL NOT BE WARNED'));
  assert.equal(await page.getByRole('alert').filter({ hasText: 'YOU WILL NOT BE WARNED' }).count(), 1);
  const played = await page.evaluate(() => globalThis.tones);
  assert.ok(played > 0, 'it sounds');
  const id = centre.warn();
  const missed = centre.notices.get(id);
  centre.aheadMs = 40_000;
  missed.notice = { ...missed.notice, version: 2, state: 'cleared', text: 'Warning over: the drone went away.', at: new Date(Date.now() + 30_000).toISOString() };
  await page.evaluate(() => { globalThis.tones = 0; });
  centre.revive();
  await until('recovered', async () => !(await seen(page, 'YOU WILL NOT BE WARNED')), 15_000);
  await until('how long', () => seen(page, /This phone was deaf for [34]\d s/));
  await until('what was missed', () => seen(page, '1 warning to you came and went in that time. It is below.'));
  assert.ok(await seen(page, 'Warning over: the drone went away.'));
  assert.ok(await seen(page, 'Missed: this phone was deaf'));
  assert.equal(await page.evaluate(() => globalThis.tones), 0, 'what is over makes no noise');
  await page.locator('.deafness').getByRole('button', { name: 'Done' }).click();
  await until('put away', async () => (await page.locator('.deafness').count()) === 0);
});

test('a first visit in a browser without service worker, push, vibration and database is armed, and alarms all the same', async (t) => {
  const bare = () => {
    delete Navigator.prototype.serviceWorker;
    delete globalThis.PushManager;
    delete globalThis.Notification;
    delete globalThis.caches;
    delete Navigator.prototype.vibrate;
    // On some phones the database never answers.
    IDBFactory.prototype.open = () => new EventTarget();
  };
  const { centre, page, touch } = await phone(t, { init: bare });
  await page.mouse.click(200, 300);
  await until('armed', () => seen(page, /^ARMED/));
  await until('said that reports do not outlive a restart', () => seen(page, /cannot keep reports over a restart/));
  await touch('REPORT DRONE');
  await touch(/^Wings/);
  await touch('SEND');
  await until('sent', () => centre.sightings.size === 1);
  await touch('Done');
  await touch('Menu');
  await touch('Push');
  await until('said', () => seen(page, 'This browser knows no push.'));
  await page.goBack();
  await page.goBack();
  centre.die();
  await until('alarmed', () => seen(page, 'YOU WILL NOT BE WARNED'));
  assert.ok((await page.evaluate(() => globalThis.tones)) > 0);
});

test('a centre that refuses this phone is said to, and asked again', async (t) => {
  const { centre, page } = await phone(t);
  await page.mouse.click(200, 300);
  await until('armed', () => seen(page, /^ARMED/));
  centre.refusing = 403;
  centre.cut();
  await until('alarmed', () => seen(page, 'YOU WILL NOT BE WARNED'));
  assert.ok(await seen(page, 'The centre refuses this phone (403).'));
  centre.refusing = 0;
  await until('heard again by itself', async () => !(await seen(page, 'YOU WILL NOT BE WARNED')), 20_000);
});

test('push is turned on from a touch, renewed when the key or the subscription is another, and ends with the session', async (t) => {
  const fake = () => {
    // Headless Chromium reaches no maker's service: the browser's half of a subscription is played.
    const b64 = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    globalThis.subscribed = 0;
    let held = null;
    PushManager.prototype.getSubscription = async () => held;
    PushManager.prototype.subscribe = async (options) => {
      if (globalThis.noService) throw new DOMException('no service', 'AbortError');
      globalThis.subscribed += 1;
      const endpoint = `https://push.example.net/${globalThis.subscribed}`;
      held = {
        endpoint, options: { applicationServerKey: options.applicationServerKey.buffer }, unsubscribe: async () => { held = null; return true; },
        toJSON: () => ({ endpoint, keys: { p256dh: b64(new Uint8Array(65)), auth: b64(new Uint8Array(16)) } }),
      };
      return held;
    };
    Object.defineProperty(Notification, 'permission', { get: () => globalThis.allowed ?? 'default' });
    Notification.requestPermission = async () => (globalThis.allowed ??= 'granted');
  };
  const { centre, page, touch } = await phone(t, { init: fake });
  const posts = () => centre.posts('/push/subscriptions').map((p) => p.body.endpoint);
  await touch('Menu');
  await touch('Push');
  assert.ok(await seen(page, /Doze/), 'what Android cannot do stands there');
  assert.ok(await seen(page, /iOS 16.4/));
  await page.evaluate(() => { globalThis.noService = true; });
  await touch('Turn push on');
  await until('no service', () => seen(page, 'Without internet there is no push.'));
  await page.evaluate(() => { globalThis.noService = false; });
  await touch('Turn push on');
  await until('on', () => seen(page, 'Push is on for this phone.'));
  assert.deepEqual(posts(), ['https://push.example.net/1']);
  assert.equal(centre.devices.length, 1);
  await touch('Send a test');
  await until('taken, not called arrived', () => seen(page, 'The maker took it. That is no proof that it comes.'));
  // The centre has another key now: what was made for the old one is given up.
  centre.pushKey = 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8';
  await page.evaluate(() => navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: { push: 'changed' } })));
  await until('subscribed anew', () => posts().length === 2);
  await until('one phone is left', () => centre.devices.length === 1);
  // The centre forgot it: told again. Blocked while that is under way, which must not be missed: the phone is not armed,
  // since its owner counts on it.
  centre.devices = [];
  let release;
  const held = new Promise((r) => { release = r; });
  await page.route('**/api/v1/push/subscriptions', async (route) => {
    const answer = await route.fetch();
    await held;
    await route.fulfill({ response: answer });
  }, { times: 1 });
  await page.evaluate(() => navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: { push: 'changed' } })));
  await until('told again', () => centre.devices.length === 1);
  await page.evaluate(() => { globalThis.allowed = 'denied'; navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: { push: 'changed' } })); });
  release();
  await until('not armed', () => seen(page, /missing: .*notifications allowed/));
  await page.evaluate(() => { globalThis.allowed = 'granted'; });
  await page.goBack();
  await touch('Sign out');
  await touch('Sign out now');
  await until('taken off', () => centre.devices.length === 0);
});

test('installing is offered where the browser can, and explained on an iPhone', async (t) => {
  const { page, touch } = await phone(t);
  await touch('Menu');
  await touch('Install');
  await until('the menu way', () => seen(page, /In the browser’s menu/));
  await page.evaluate(() => {
    const event = new Event('beforeinstallprompt', { cancelable: true });
    event.prompt = async () => { globalThis.prompted = true; };
    event.userChoice = Promise.resolve({ outcome: 'dismissed' });
    dispatchEvent(event);
    globalThis.prevented = event.defaultPrevented;
  });
  assert.equal(await page.evaluate(() => globalThis.prevented), true, 'never over a warning');
  await touch('Install on this phone');
  await until('said no', () => seen(page, /Not installed/));
  assert.equal(await page.evaluate(() => globalThis.prompted), true);

  const iphone = await phone(t, {
    context: { userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1' },
    init: () => { delete globalThis.PushManager; },
  });
  await iphone.touch('Menu');
  await iphone.touch('Push');
  await until('only when installed', () => seen(iphone.page, /push works only in the installed page/));
  await iphone.touch('Install');
  await until('the steps', () => seen(iphone.page, /Add to Home Screen/));
});

test('a phone without position says so and takes one by hand', async (t) => {
  const { centre, page, touch } = await phone(t, { context: { permissions: [] } });
  await touch('REPORT DRONE');
  await touch(/^Wings/);
  await until('said', () => seen(page, 'Your position is not known. Enter it to send a report.'));
  await touch('Enter position by hand');
  await page.getByRole('textbox').fill('13R CR 59571 15434');
  await touch('Use this position');
  const ring = await page.getByRole('slider').boundingBox();
  await page.mouse.click(ring.x + ring.width * 0.85, ring.y + ring.height / 2);
  await touch('SEND');
  await until('sent', () => centre.sightings.size === 1);
  const [{ body }] = centre.posts('/sightings');
  assert.deepEqual(body.bearing, { azimuth_deg: 90, how: 'octant', sigma_deg: null });
  assert.ok(Math.abs(body.from.lat_deg - 31.76584) < 1e-3 && body.from_accuracy_m === 10, JSON.stringify(body.from));
  await until('the centre is told', () => centre.posts('/positions').length > 0);
});

for (const [language, palette, exercise] of [['es', 'day', 'first-light'], ['es', 'red', null], ['en', 'night', 'first-light']]) {
  test(`axe finds nothing and every target is large: ${language}, ${palette}, ${exercise ?? 'live'}`, async (t) => {
    const { centre, page, touch, w, wrong } = await phone(t, { language, palette, context: { reducedMotion: 'reduce' }, prepare: (c) => { c.exercise = exercise; c.leads = ['agent-3']; } });
    const found = [];
    const check = async (name) => {
      await new Promise((r) => setTimeout(r, 250));
      await page.evaluate(AXE);
      const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
      const axe = await page.evaluate(async (runOnly) => (await globalThis.axe.run(document, { runOnly })).violations.map((v) => `${v.id} ${v.nodes.map((n) => n.target)}`), rules);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll('button, input:not(.sr-only), textarea')]
          .filter((e) => e.checkVisibility())
          .map((e) => [e.textContent.trim() || e.type, e.getBoundingClientRect()])
          .filter(([, r]) => r.width < 71.9 || r.height < 71.9)
          .map(([what, r]) => `${what} ${r.width}x${r.height}`),
      );
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      found.push(...axe.map((f) => `${name}: ${f}`), ...small.map((f) => `${name}: small ${f}`), ...(wide > 0 ? [`${name}: ${wide} px too wide`] : []));
    };
    assert.equal(await page.locator('.band').count(), exercise ? 2 : 0);
    await check('home');
    await touch(w.menu);
    await check('menu');
    await touch(w.push);
    await check('push');
    await page.goBack();
    await touch(w.install);
    await check('install');
    await page.goBack();
    await page.goBack();
    await touch(w.armed);
    await check('armed');
    await page.goBack();
    await touch(w.report);
    await check('kind');
    await touch(w.wings);
    await check('ring');
    await point(page, 300, 10);
    await check('compass');
    const gap = await page.evaluate(() => {
      const send = document.querySelector('.send').getBoundingClientRect();
      return Math.min(...[...document.querySelectorAll('main button:not(.send)')].map((e) => send.top - e.getBoundingClientRect().bottom));
    });
    assert.ok(gap >= 48, `SEND stands ${gap} px apart`);
    await touch(w.more);
    await check('more');
    await touch(w.done);
    await touch(w.send);
    await until('sent', () => centre.sightings.size === 1);
    await check('sent');
    await touch(w.done);
    centre.reportOf('agent-3', 'Agent 3');
    centre.warn();
    centre.warn({ track: 't-2', level: 'caution', protected: { site: 'gate-2' }, protected_name: 'Gate 2' }, { unrecorded: true });
    const over = centre.warn({ track: 't-3', level: 'advisory' });
    await until('warned', async () => (await page.locator('.warning').count()) === 3);
    await check('warned');
    centre.update(over, { state: 'cleared' });
    await new Promise((r) => setTimeout(r, 700));
    await touch(w.ack);
    await check('acknowledged');
    await touch(w.menu);
    await check('a warning above another page');
    assert.deepEqual(found, []);
    assert.deepEqual(wrong, []);
  });
}
