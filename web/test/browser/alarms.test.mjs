// What interrupts, on the built console against the made-up centre: a flood taken as one, the shelf, the figures, a pause that
// a higher alarm breaks, and an exercise that sounds otherwise than live. LOOK names a folder for pictures; needs
// `npm run build` first.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { mock } from '../../dev/mock-server.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
let browser;
before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  browser = await launch();
});
after(async () => { await browser?.close(); });
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`) });
};

/** Notes every frequency that the page gives to an oscillator. */
const LISTEN = () => {
  globalThis.heard = [];
  const set = AudioParam.prototype.setValueAtTime;
  AudioParam.prototype.setValueAtTime = function at(value, when) {
    if (value > 20) globalThis.heard.push(Math.round(value));
    return set.call(this, value, when);
  };
};

async function open(t, options = {}) {
  const m = mock(options);
  const url = await m.listen();
  const { context, page, wrong } = await watched(browser);
  t.after(async () => { await context.close(); m.close(); });
  await page.addInitScript(LISTEN);
  await page.goto(`${url}/#sign-in=as-watch-1`);
  await page.waitForSelector('.needs[aria-busy="false"]', { timeout: 60_000 });
  const expected = (text) => /\/api\/v1\/(basemap|me)$/.test(text.trim());
  return { m, page, heard: () => page.evaluate(() => globalThis.heard), wrong: () => wrong.filter((w) => !expected(w)) };
}
const last = (m, path) => m.log.filter((l) => l.startsWith('POST') && l.includes(path)).length;
const needs = (page) => page.getByRole('region', { name: 'Needs you now' });

test('a flood stands in the header, is grouped by drone with its count, and is taken as one or one by one', async (t) => {
  const { m, page, wrong } = await open(t, { flood: true });
  await page.getByText(/FLOOD of alarms since \d\d:\d\d:\d\d UTC/).waitFor();
  const row = needs(page).locator('.row.urgent').first();
  await row.getByText('12 alarms').waitFor();
  assert.equal(await needs(page).locator('.row.report').count(), 1, 'only the report that fed nothing stands for itself');
  await row.click();
  const all = page.getByRole('group', { name: 'Alarms of this incident' });
  await all.getByRole('heading', { name: '12 alarms of this incident' }).waitFor();
  assert.equal(await all.getByRole('listitem').count(), 12, 'each is listed');
  assert.equal(await all.getByText('silent in the flood: its drone sounded already').count(), 9);
  await look(page, 'flood');
  await axe(page, 'flood');
  await all.getByRole('button', { name: /^Take Report: .*Agent 2/ }).click();
  await until('one is taken', async () => (await all.getByRole('button').count()) === 11);
  await page.getByRole('button', { name: /Take 11 alarms/ }).click();
  await until('all are', async () => (await all.getByRole('button').count()) === 0);
  assert.equal(last(m, '/alarms/take'), 2, 'one act each');
  assert.equal(await all.getByText('in hand: you').count(), 12);
  await look(page, 'flood-taken');
  assert.deepEqual(wrong(), []);
});

test('by keyboard an alarm is shelved for a time and with a reason, stands in the list with both, and is ended', async (t) => {
  const { m, page, wrong } = await open(t);
  await page.keyboard.press('ArrowDown');
  await page.getByRole('button', { name: /Shelve…/ }).waitFor();
  await page.keyboard.press('s');
  const why = page.getByLabel('Why, for whoever finds it shelved');
  await why.fill('a survey of the power line');
  // Five minutes is the most for what is urgent.
  assert.deepEqual(await page.getByLabel('For how long').locator('option').allInnerTexts(), ['1 min', '2 min', '5 min']);
  await axe(page, 'shelve');
  await look(page, 'shelve');
  await page.keyboard.press('Enter');
  const shelved = page.getByRole('group', { name: 'Shelved' });
  await shelved.getByRole('heading', { name: 'Shelved: 4' }).waitFor();
  const line = await shelved.getByRole('listitem').first().innerText();
  assert.match(line, /until \d\d:\d\d:\d\d UTC \(.+\),\s+by Watch officer: “a survey of the power line”/);
  await needs(page).locator('.row.urgent').getByText(/shelved by you until .*: a survey of the power line/).waitFor();
  assert.equal(await needs(page).locator('.row.urgent.mine').count(), 0, 'it asks no more');
  await axe(page, 'shelved');
  await look(page, 'shelved');
  await page.getByRole('button', { name: 'Shift change' }).click();
  await page.locator('#shift-summary').getByText('shelved by you until').first().waitFor();
  assert.match(await page.locator('#shift-summary').innerText(), /4 of them shelved/);
  await page.locator('#shift-summary').scrollIntoViewIfNeeded();
  await look(page, 'shelved-shift-change');
  await shelved.getByRole('button', { name: /^Unshelve drone .* and 3 more/ }).click();
  await until('none is shelved', async () => (await shelved.count()) === 0);
  assert.equal(last(m, '/alarms/unshelve'), 1);
  assert.deepEqual(wrong(), []);
});

test('a flood, the shelf and the figures can be read in every palette', async (t) => {
  const { page } = await open(t, { flood: true });
  await page.locator('.needs .row.urgent').first().click();
  await page.keyboard.press('s');
  await page.getByLabel('Why, for whoever finds it shelved').fill('x');
  await page.keyboard.press('Enter');
  await page.getByRole('group', { name: 'Shelved' }).waitFor();
  await page.getByRole('button', { name: 'Figures', exact: true }).click();
  await page.getByRole('heading', { name: 'At the centre' }).waitFor();
  for (const palette of ['night', 'day', 'red']) {
    await page.evaluate((p) => { document.documentElement.dataset.palette = p; }, palette);
    await axe(page, palette);
    await look(page, `palette-${palette}`);
  }
});

test('the figures stand beside what is aimed at, and say that they are of an exercise', async (t) => {
  for (const live of [false, true]) {
    const { page, wrong } = await open(t, { live, flood: true });
    const button = page.getByRole('button', { name: 'Figures', exact: true });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: live ? 'Alarm figures' : 'EXERCISE first-light: alarm figures', exact: true }).waitFor();
    const row = (name) => page.getByRole('row', { name });
    assert.match(await row(/Interruptions in 10 min, on average/).innerText(), /0\.7\s+at most 1/);
    assert.equal(await row(/The most in 10 min/).locator('td.bad').innerText(), '3');
    assert.match(await row(/^Urgent/).innerText(), /10 %\s+at most 5 %/);
    assert.match(await row(/^you/).innerText(), /on shift|0\.7 of 21/i);
    await axe(page, 'figures');
    await look(page, live ? 'figures-live' : 'figures');
    assert.equal(await page.evaluate(() => location.hash), '#figures');
    assert.deepEqual(wrong(), []);
  }
});

test('a pause is counted down, and a higher alarm breaks it', async (t) => {
  const { m, page, heard } = await open(t, { live: true, loud: false });
  await page.getByRole('button', { name: 'Sound blocked: click to arm' }).click();
  await until('the caution is heard', async () => (await heard()).includes(660));
  await page.getByRole('button', { name: 'Sounding: pause 2 min' }).click();
  await page.getByRole('button', { name: /Sound paused \d+ s: resume/ }).waitFor();
  assert.ok(!(await heard()).includes(880));
  m.loud();
  await page.getByRole('button', { name: 'Sounding: pause 2 min' }).waitFor();
  await until('the urgent one is heard', async () => (await heard()).includes(880));
});

test('no tone of an exercise is one of a live alarm, and its page and title say what it is', async (t) => {
  const tones = [];
  for (const live of [true, false]) {
    const { page, heard } = await open(t, { live });
    await page.getByRole('button', { name: 'Sound blocked: click to arm' }).click();
    tones.push(new Set(await until('something is heard', async () => { const h = await heard(); return h.length > 0 && h; })));
    assert.equal(/^EXERCISE/.test(await page.title()), !live);
    assert.equal(await page.locator('.band', { hasText: 'EXERCISE' }).count() > 0, !live);
  }
  const [live, exercise] = tones;
  assert.ok(live.has(880) && exercise.size > 0);
  assert.deepEqual([...exercise].filter((tone) => live.has(tone)), []);
  assert.ok(exercise.has(175) && exercise.has(140), 'it begins with the sign of an exercise');
});
