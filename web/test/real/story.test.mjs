// The whole story against the real program, in real browsers: a stranger signs in by the printed link, sees the exercise,
// opens a phone window and a leader's, reports a drone, is warned, acknowledges, and all of it is seen where it must be.
// Then the signal goes, the program is killed, and nothing is lost. One story, told in order: each test goes on where the
// one before it ended. SKYPICKET_BIN names the program; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { PHONE, RealCentre } from '../../dev/centre.mjs';
import { colours, count, decode } from '../../dev/png.mjs';
import { axe, until } from '../../dev/steps.mjs';

const PASSWORD = 'correct horse battery';
const centre = new RealCentre();
let browser;
/** The pages of the story: watch officer, visitor, unit leader. */
const who = {};
let reports = 0;
/** What was wrong on a page, apart from what a test expects. */
const wrongs = [];

before(async () => {
  [browser] = await Promise.all([launch(), centre.start()]);
});
after(async () => {
  await browser?.close();
  await centre.stop();
});

async function open(name, url, options) {
  const { page, context, wrong } = await watched(browser, options);
  // What the policy blocks is told by an event, too; the console alone could be missed.
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (e) => console.error(`Content Security Policy: ${e.violatedDirective} ${e.blockedURI}`)));
  await page.goto(url);
  who[name] = { page, context };
  wrongs.push({ name, wrong });
  return page;
}
const nothingWrong = () => assert.deepEqual(wrongs.filter((w) => w.wrong.length > 0), []);
const forget = () => wrongs.forEach((w) => w.wrong.splice(0));
const touch = (page, name) => page.getByRole('button', { name }).first().click();
const seen = (page, text) => page.getByText(text).first().isVisible();
const marked = async (page) => assert.equal(await page.locator('.band', { hasText: 'EXERCISE' }).filter({ visible: true }).count(), 2, `EXERCISE above and below on ${page.url()}`);
/** What the centre holds, asked in the watch officer's own window. */
const ask = (path) => who.watch.page.evaluate(async (p) => (await fetch(`/api/v1${p}`)).json(), path);
const reportsOf = async (person) => (await ask('/sightings?limit=200')).items.filter((v) => v.sighting.reporter === person);
/** The phone points its top edge at a magnetic heading, raised by `tilt`. */
const point = (page, heading, tilt) =>
  page.evaluate(([h, b]) => {
    clearInterval(globalThis.pointing);
    globalThis.pointing = setInterval(() => dispatchEvent(new DeviceOrientationEvent('deviceorientationabsolute', { alpha: 360 - h, beta: b, gamma: 0, absolute: true })), 40);
  }, [heading, tilt]);
/** A report by the ring: a drone close by in the east, in the middle of the western pickets. */
async function reportNear(page) {
  await touch(page, 'REPORT DRONE');
  await touch(page, /^Multirotor/);
  await page.getByRole('radio', { name: /^< 100/ }).click();
  await touch(page, 'SEND');
}
const back = async (page) => {
  const done = page.getByRole('button', { name: 'Done' });
  if (await done.first().isVisible()) await done.first().click();
};

test('the watch officer signs in by the printed link, sets a password, and sees the exercise drawn', async () => {
  assert.match(centre.signIn, /^http:\/\/127\.0\.0\.1:\d+\/#sign-in=.+/);
  const page = await open('watch', centre.signIn);
  await page.getByRole('heading', { name: 'Set your password' }).waitFor();
  await marked(page);
  await page.getByText('watch-1').waitFor();
  await axe(page, 'set a password');
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByLabel('The same again').fill(PASSWORD);
  await touch(page, 'Save password');
  await page.getByRole('region', { name: 'Needs you now' }).waitFor();
  assert.ok(!page.url().includes('sign-in'), 'the secret leaves the address');
  await marked(page);
  assert.match(await page.title(), /^EXERCISE/);
  await until('two drones and the borders are drawn', async () => Number(await page.getAttribute('.map', 'data-drawn')) >= 2 && Number(await page.getAttribute('.map', 'data-borders')) > 0);
  await until('people are there', async () => /1[0-9] people/.test(await page.locator('.foot').innerText()));
  // What an eye would see: the own flight's symbol, an unknown one's, people, lines. A blank map has none of it.
  await until('the picture has them', async () => {
    const picture = decode(await page.locator('.map').screenshot());
    return count(picture, '#80e0ff') > 40 && count(picture, '#ffff80') > 15 && count(picture, '#7fb2ff') > 300 && colours(picture).size > 200;
  }, 20_000);
  await axe(page, 'console');
  nothingWrong();
});

test('a phone window and a unit leader are opened from "Open as…"', async () => {
  const { page } = who.watch;
  await touch(page, 'Open as…');
  await axe(page, 'open as');
  const link = async (name) => {
    await touch(page, `Make a link for ${name}`);
    await page.locator('.made strong', { hasText: name }).waitFor();
    return page.getByLabel('Link for a phone').inputValue();
  };
  const visitor = await open('visitor', await link('Visitor'), PHONE);
  assert.match(visitor.url(), /^http:\/\/visitor\.localhost:\d+\/field\/$/);
  const lead = await open('lead', await link('West lead'), { ...PHONE, geolocation: { latitude: 31.766, longitude: -106.499, accuracy: 9 } });
  for (const phone of [visitor, lead]) {
    await phone.getByRole('button', { name: 'Not now' }).waitFor();
    await marked(phone);
    await touch(phone, 'Not now');
    // The exercise begins with its alert: read on the phone and acknowledged.
    const alert = phone.locator('article', { hasText: 'EXERCISE: Officer Safety Alert' }).first();
    await alert.getByText('Reckon with small drones').waitFor();
    // A button that has only just appeared takes no touch yet.
    await until('the alert is acknowledged', async () => {
      const button = alert.getByRole('button', { name: /^Acknowledge: / });
      if (await button.isVisible()) await button.click({ timeout: 2_000 }).catch(() => undefined);
      return !(await alert.isVisible());
    });
    await phone.getByText('REPORT DRONE').waitFor();
    await phone.mouse.click(195, 150);
    await until('armed', () => seen(phone, /^ARMED/));
    await marked(phone);
    await axe(phone, 'phone');
  }
  await page.keyboard.press('Escape');
  nothingWrong();
});

test('three touches report a drone; the centre and the unit leader have it, and three receipts turn', async () => {
  const { page: visitor } = who.visitor;
  await point(visitor, 160, 20);
  await touch(visitor, 'REPORT DRONE');
  await touch(visitor, /^Multirotor/);
  // 160° magnetic and 7.4° of declination.
  await until('the ring shows the true direction', () => seen(visitor, '167°'));
  await axe(visitor, 'point');
  const sent = Date.now();
  await touch(visitor, 'SEND');
  await until('SENT', () => seen(visitor, 'SENT'));
  await marked(visitor);
  reports += 1;
  await who.lead.page.getByText('Visitor (Picket 7): Multirotor').waitFor();
  const atLeader = Date.now() - sent;
  await who.watch.page.locator('.row.report', { hasText: 'from Visitor (Picket 7), looking 167°' }).waitFor();
  const atCentre = Date.now() - sent;
  await until('three receipts', async () => (await visitor.locator('li.done').count()) === 3, 15_000);
  await axe(visitor, 'sent');
  const [view] = await reportsOf('visitor');
  assert.equal(view.seen_by_centre[0], 'watch-1');
  assert.equal(view.seen_by_leadership[0], 'west-lead');
  assert.equal(view.sighting.bearing.how, 'compass');
  console.log(`# on the leader's page after ${atLeader} ms, at the centre after ${atCentre} ms`);
  await back(visitor);
  nothingWrong();
});

test('the centre confirms the report; the reporter reads so', async () => {
  const { page } = who.watch;
  await page.locator('.row.report').first().click();
  await page.getByRole('heading', { name: 'Multirotor', exact: true }).waitFor();
  await axe(page, 'report');
  await touch(page, 'Confirm');
  await page.getByText('confirmed as a drone by Watch officer').waitFor();
  await until('told', () => seen(who.visitor.page, 'Centre says: Confirmed'));
  await page.keyboard.press('Escape');
  nothingWrong();
});

test('a report made without a signal waits on the phone, and goes once', async () => {
  const { page: visitor, context } = who.visitor;
  await visitor.evaluate(() => clearInterval(globalThis.pointing));
  await point(visitor, 82, 10);
  await visitor.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  await reportNear(visitor);
  await until('kept, and not called sent', () => seen(visitor, 'KEPT ON THIS PHONE'));
  await marked(visitor);
  await back(visitor);
  await until('counted on the button', () => seen(visitor, '1 not yet sent'));
  assert.equal((await reportsOf('visitor')).length, reports);
  await context.setOffline(false);
  reports += 1;
  await until('it is at the centre', async () => (await reportsOf('visitor')).length === reports, 20_000);
  await until('and no longer counted', async () => !(await seen(visitor, '1 not yet sent')));
  // The browser's own words on a network that is not there, and on the question whether the report had arrived after all.
  const expected = /ERR_INTERNET_DISCONNECTED|ERR_NETWORK|404 \(Not Found\) http:\S+\/sightings\/[0-9a-f-]{36}$/;
  wrongs.forEach((w) => w.wrong.splice(0, w.wrong.length, ...w.wrong.filter((text) => !expected.test(text))));
  nothingWrong();
});

test('the visitor is warned, acknowledges, and the centre sees it', async () => {
  const { page: visitor } = who.visitor;
  const { page } = who.watch;
  await until('an urgent warning', () => visitor.locator('article.warning.urgent').first().isVisible(), 20_000);
  assert.ok(await seen(visitor, 'Take cover now.'));
  await marked(visitor);
  await axe(visitor, 'warned');
  const row = page.locator('.row.urgent').first();
  await until('to how many', async () => /→ \d people/.test(await row.innerText()));
  // A new version asks again: so does the person.
  await until('acknowledged', async () => {
    const button = visitor.getByRole('button', { name: /^Acknowledge:/ }).first();
    if (await button.isVisible()) await button.click({ timeout: 2_000 }).catch(() => undefined);
    return visitor.locator('.ack.taken').first().isVisible();
  }, 15_000);
  await row.click();
  const board = page.getByRole('row', { name: /Visitor \(Picket 7\)/ }).first();
  await until('on the board', () => board.locator('time.good').first().isVisible());
  await page.getByText('To Visitor (Picket 7):').first().waitFor({ state: 'attached' });
  await axe(page, 'board');
  await page.keyboard.press('Space');
  // A warning that went by itself meanwhile took the selection with it: then it is the next one. What is in hand stands
  // below what nobody has.
  const warnings = page.locator('.row.urgent, .row.caution, .row.advisory');
  await until('taken', async () => {
    const gone = (await page.locator('.row.selected:is(.urgent, .caution, .advisory)').count()) === 0;
    if (gone && (await warnings.first().click({ timeout: 2_000 }).then(() => true, () => false))) await page.keyboard.press('Space');
    return (await warnings.filter({ hasText: 'in hand: you since' }).count()) > 0;
  });
  nothingWrong();
});

test('Picket 3 stays silent: red at the centre, and the unit leader is told to reach them', async () => {
  const { page: visitor } = who.visitor;
  const { page } = who.watch;
  const silent = page.locator('.row .silent', { hasText: /Picket 3\b.*silent/ }).first();
  let reported = 0;
  await until('silent, in red', async () => {
    // It is seen near again and again: or else the danger is over before half a minute of silence is.
    if (Date.now() - reported > 8_000) {
      await reportNear(visitor);
      await until('sent', () => seen(visitor, 'SENT'));
      reported = Date.now();
      reports += 1;
      await back(visitor);
    }
    return silent.isVisible();
  }, 90_000);
  assert.equal(await silent.evaluate((e) => getComputedStyle(e).color), 'rgb(255, 90, 79)');
  await page.locator('.row', { hasText: /Picket 3\b.*silent/ }).first().click();
  const board = page.getByRole('row', { name: /Picket 3/ }).first();
  await board.getByText('told West lead').waitFor();
  const { page: lead } = who.lead;
  await until('the leader is told', () => seen(lead, 'Picket 3 has not acknowledged'));
  assert.ok(await seen(lead, 'Reach them now, by voice.'));
  assert.ok(await seen(lead, /to Picket 3:/), 'the text is said to be theirs, not the leader\'s');
  await marked(lead);
  await axe(lead, 'leader');
  await page.keyboard.press('Escape');
  nothingWrong();
});

test('a page that is loaded again keeps its session', async () => {
  for (const [name, ready] of [['watch', '.map[data-drawn]'], ['visitor', '.report'], ['lead', '.report']]) {
    const { page } = who[name];
    await page.reload();
    await page.locator(ready).waitFor();
    await marked(page);
    assert.equal(await page.getByLabel('Password').count(), 0);
  }
  await until('a phone that lies still is armed', async () => {
    await who.visitor.page.mouse.click(195, 8); // sound wants a touch, anywhere
    return seen(who.visitor.page, /^ARMED/);
  });
  nothingWrong();
});

test('the program is killed and starts again: pages say so, come back, and nothing is lost', async () => {
  const { page } = who.watch;
  const { page: visitor } = who.visitor;
  const before = await reportsOf('visitor');
  assert.equal(before.length, reports);
  await centre.kill();
  await page.getByText('Not connected to the centre since').waitFor({ timeout: 15_000 });
  await page.getByText('not live').waitFor();
  await marked(page);
  await centre.start();
  await page.getByText('Not connected to the centre since').waitFor({ state: 'detached' });
  await until('drones are drawn again', async () => Number(await page.getAttribute('.map', 'data-drawn')) >= 2);
  const after = await reportsOf('visitor');
  assert.deepEqual(after.map((v) => [v.sighting.id, v.verdict.is, v.seen_by_centre, v.seen_by_leadership]), before.map((v) => [v.sighting.id, v.verdict.is, v.seen_by_centre, v.seen_by_leadership]));
  assert.equal(after.filter((v) => v.verdict.is === 'confirmed').length, 1);
  await until('the phone hears the centre', async () => !(await seen(visitor, 'YOU WILL NOT BE WARNED')) && (await seen(visitor, /heard \d s ago/)));
  await marked(visitor);
  // Once they are back, nothing more goes wrong.
  forget();
  await new Promise((r) => setTimeout(r, 3_000));
  nothingWrong();
});
