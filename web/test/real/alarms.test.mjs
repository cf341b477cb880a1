// Two watch officers at two consoles of the real program: one takes an alarm and the other sees it taken, hand-back, the
// program killed between, a shift change; then the auditor's page of who read what, and a person's own. One story, told
// in order. SKYPICKET_BIN names the program; LOOK names a folder for pictures; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
const centre = new RealCentre();
let browser;
const who = {};
const wrongs = [];

before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  [browser] = await Promise.all([launch(), centre.start()]);
});
after(async () => {
  await browser?.close();
  await centre.stop();
});

async function open(name, url) {
  const { page, context, wrong } = await watched(browser, { acceptDownloads: true });
  await page.goto(url);
  await page.getByRole('button', { name: 'Not now' }).click();
  who[name] = { page, context };
  wrongs.push({ name, wrong });
  return page;
}
const nothingWrong = () => assert.deepEqual(wrongs.filter((w) => w.wrong.length > 0), []);
const forget = () => wrongs.forEach((w) => w.wrong.splice(0));
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`) });
};
const report = (page) => page.locator('.row.report').first();
/** Somebody sees a drone and sends no direction: a report that nobody has in hand, and that no warning comes of. */
async function sighting() {
  const link = new URL((await centre.links('visitor')).url).hash.replace('#sign-in=', '');
  const signed = await fetch(`${centre.url}/api/v1/sessions`, { method: 'POST', headers: { 'content-type': 'application/json', origin: centre.url }, body: JSON.stringify({ link }) });
  const cookie = signed.headers.getSetCookie()[0].split(';')[0];
  const now = new Date().toISOString();
  await centre.ask(cookie, 'POST', '/sightings', {
    id: randomUUID(), from: { lat_deg: 31.7636, lon_deg: -106.4922, alt_hae_m: null }, from_accuracy_m: 8, kind: 'fixed_wing', first_seen: now, last_seen: now, sent_at: now,
  });
}
const warning = (page) => page.locator('.row.urgent, .row.caution, .row.advisory').first();
const line = (of) => of.innerText().then((t) => t.replaceAll('\n', ' ')).catch(() => '');

test('two officers at two consoles: each is told that sound is blocked until they click', async () => {
  const cast = await centre.api('GET', '/directory');
  const unit = cast.people?.find?.((p) => p.id === 'watch-1')?.unit ?? 'centre';
  const person = (id, name, roles) => ({ change: 'put_person', person: { id, name, unit, roles, language: 'en' } });
  await centre.api('POST', '/directory', { id: randomUUID(), changes: [person('watch-2', 'South desk', ['watch']), person('auditor-1', 'Auditor', ['auditor'])] });
  const north = await open('north', (await centre.links('watch-1')).url);
  const south = await open('south', (await centre.links('watch-2')).url);
  for (const page of [north, south]) await page.getByRole('region', { name: 'Needs you now' }).waitFor();
  // Neither keys nor time unblock it.
  const blocked = (page) => page.getByRole('button', { name: 'Sound blocked: click to arm' });
  for (const page of [north, south]) {
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    await blocked(page).waitFor();
  }
  await blocked(north).click();
  await until('armed', async () => (await blocked(north).count()) === 0);
  assert.equal(await blocked(south).count(), 1, 'each page for itself');
  await blocked(south).click();
  await until('armed', async () => (await blocked(south).count()) === 0);
  nothingWrong();
});

test('a report that one takes in hand is seen so by the other; handed back with a reason, the other takes it', async () => {
  const { north: { page: north }, south: { page: south } } = who;
  await sighting();
  await report(north).click();
  await north.getByRole('button', { name: /Take the report/ }).waitFor();
  await north.keyboard.press('Space');
  await until('mine', async () => /in hand: you since \d\d:\d\d:\d\d UTC/.test(await line(report(north))));
  await until('his', async () => /in hand: Watch officer since \d\d:\d\d:\d\d UTC/.test(await line(report(south))));
  await report(south).click();
  await south.getByRole('button', { name: 'Take from them…' }).waitFor();
  await look(south, 'report-in-hand-of-another');
  await axe(south, 'in hand of another');
  // Space takes nothing from another; it says how.
  await south.keyboard.press('Space');
  await south.getByText('Watch officer has it in hand. To take it from them, say why, below.').waitFor();
  await north.keyboard.press('b');
  await north.getByLabel('Why, for whoever takes it next').fill('two things at once');
  await axe(north, 'hand back');
  await look(north, 'hand-back');
  await north.keyboard.press('Enter');
  for (const page of [north, south]) await until('handed back', async () => (await line(report(page))).includes('handed back by Watch officer: two things at once'));
  await south.getByRole('button', { name: /Take the report/ }).click();
  await until('hers', async () => (await line(report(north))).includes('in hand: South desk since'));
  nothingWrong();
});

test('a warning sounds at both until one takes it; what is taken stands below and asks the other no more', async () => {
  const { north: { page: north }, south: { page: south } } = who;
  const sounding = (page) => page.getByRole('button', { name: 'Sounding: pause 2 min' });
  for (const page of [north, south]) {
    await page.keyboard.press('Escape');
    await until('a warning that waits', async () => (await warning(page).count()) > 0 && (await sounding(page).count()) > 0, 240_000);
  }
  await look(south, 'warning-waits');
  await until('taken', async () => {
    await north.keyboard.press('Escape');
    await north.keyboard.press('Space');
    return (await north.locator('.row.mine').count()) === 0;
  });
  await until('at the other console', async () => (await south.locator('.row', { hasText: 'in hand: Watch officer since' }).count()) > 0);
  await until('nothing asks or sounds there', async () => (await south.locator('.row.mine').count()) === 0 && (await sounding(south).count()) === 0, 5_000);
  await look(south, 'warning-in-hand');
  const list = await (await fetch(`${centre.url}/api/v1/alarms`, { headers: { cookie: await cookieOf(north) } })).json();
  assert.ok(list.items.some((a) => a.alarm.of === 'notice' && a.holder?.id === 'watch-1' && a.in_hand), JSON.stringify(list.items));
  nothingWrong();
});
const cookieOf = async (page) => (await page.context().cookies()).map((c) => `${c.name}=${c.value}`).join('; ');

test('the program is killed; afterwards everything is in the same hands, and the other takes over with a note', async () => {
  const { north: { page: north }, south: { page: south } } = who;
  // The warning that he took may be over by itself before she takes over; a report is open until somebody decides.
  await sighting();
  const free = north.locator('.row.report', { hasNotText: 'in hand:' }).first();
  await free.click();
  await north.getByRole('button', { name: /Take the report/ }).waitFor();
  await north.keyboard.press('Space');
  await until('his', async () => (await south.locator('.row.report', { hasText: 'in hand: Watch officer since' }).count()) > 0);
  await centre.kill();
  await south.getByText('Not connected to the centre since').waitFor({ timeout: 20_000 });
  await centre.start();
  for (const page of [north, south]) await until('connected again', async () => (await page.getByText('Not connected to the centre since').count()) === 0);
  forget();
  await until('still hers', async () => (await north.locator('.row.report', { hasText: 'in hand: South desk since' }).count()) > 0, 15_000);
  await south.getByRole('button', { name: 'Shift change' }).click();
  await until('how much he has', async () => /Watch officer: \d+ alarms? in hand/.test(await south.locator('#shift-from').innerText()), 15_000);
  await south.getByLabel('Take over from').selectOption('watch-1');
  await south.getByLabel('What they told you').fill('One drone from the north; Picket 3 does not answer.');
  await axe(south, 'shift change');
  await south.getByRole('button', { name: 'Take over', exact: true }).click();
  await south.getByText('South desk took over from Watch officer').waitFor();
  const summary = south.locator('#shift-summary');
  await until('all of it is hers', async () => !(await summary.innerText()).includes('Watch officer\n') && (await summary.locator('tbody td:nth-child(3)').allInnerTexts()).every((t) => t === 'you' || t === 'nobody'));
  assert.match(await summary.innerText(), /“One drone from the north; Picket 3 does not answer\.”/);
  await look(south, 'shift-change');
  await axe(south, 'shift change done');
  await south.emulateMedia({ media: 'print' });
  assert.equal(await south.locator('.needs').first().evaluate((e) => getComputedStyle(e).visibility), 'hidden');
  assert.equal(await summary.evaluate((e) => getComputedStyle(e).visibility), 'visible');
  await look(south, 'shift-change-printed');
  await south.emulateMedia({ media: 'screen' });
  await north.getByRole('button', { name: 'Shift change' }).click();
  await north.getByText('South desk took over from Watch officer').waitFor();
  nothingWrong();
});

test('the auditor finds who read where people are; a person finds who saw them', async () => {
  const auditor = await open('auditor', (await centre.links('auditor-1')).url);
  await auditor.goto(`${centre.url}/office/#audit`);
  await auditor.getByRole('heading', { name: 'Who read what' }).waitFor();
  const row = (text) => auditor.locator('tbody tr', { hasText: text });
  await until('the list of people, read by the officer', async () => (await row('the list of people').filter({ hasText: 'Watch officer' }).count()) > 0);
  await until('the live page, everybody', async () => (await row('everybody they may see').count()) > 0);
  assert.match(await row('the list of people').first().innerText(), /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
  await look(auditor, 'audit');
  await axe(auditor, 'audit');
  await auditor.getByLabel('About (id of a person)').fill('No Such');
  await auditor.getByRole('button', { name: 'Look', exact: true }).click();
  await auditor.getByText("'No Such' is not the id of a person").waitFor();
  await auditor.getByLabel('About (id of a person)').fill('visitor');
  await auditor.getByLabel('By (id of a person)').fill('integrator-9');
  await auditor.getByRole('button', { name: 'Look', exact: true }).click();
  await auditor.getByText('Nothing fits.').waitFor();
  await auditor.getByLabel('By (id of a person)').fill('watch-1');
  await auditor.getByRole('button', { name: 'Look', exact: true }).click();
  await until('only his', async () => (await row('Watch officer').count()) > 0 && (await row('South desk').filter({ hasNot: auditor.locator('td:nth-child(4)', { hasText: 'South desk' }) }).count()) === 0);
  const [file] = await Promise.all([auditor.waitForEvent('download'), auditor.getByRole('button', { name: 'Save as CSV' }).click()]);
  assert.match(file.suggestedFilename(), /^skypicket-audit-.*Z\.csv$/);
  const csv = readFileSync(await file.path(), 'utf8');
  assert.match(csv, /^first,last,times,by,by_name,deed,what,about,/);
  assert.match(csv, /,watch-1,Watch officer,read_positions,GET \/api\/v1\//);
  const { page: south } = who.south;
  await south.goto(`${centre.url}/office/#reads-of-me`);
  await south.getByRole('heading', { name: 'Who saw where I am' }).waitFor();
  await until('the officer beside her', async () => (await south.locator('tbody tr', { hasText: 'Watch officer' }).count()) > 0);
  await look(south, 'reads-of-me');
  await axe(south, 'reads of me');
  // The menu offers the audit to auditors only.
  assert.equal(await south.getByRole('link', { name: 'Who read what' }).count(), 0);
  nothingWrong();
});
