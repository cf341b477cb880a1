// Bulletins and the board in the built office and console, in a real browser against the made-up centre: written,
// approved by a second person, issued alone, corrected, recalled; watched, filtered and called. LOOK names a folder for
// pictures. Needs `npm run build` first.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
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

/** The office at a page, as somebody. */
async function office(t, hash, { as = 'watch-1', m = null, viewport = { width: 1280, height: 900 }, ...options } = {}) {
  const centre = m ?? mock({ bulletins: true, scene: 'calm', ...options });
  const url = m ? m.url : await centre.listen();
  centre.url = url;
  const { context, page, wrong } = await watched(browser, { acceptDownloads: true, viewport });
  t.after(async () => {
    await context.close();
    if (!m) centre.close();
  });
  await page.goto(`${url}/office/#sign-in=as-${as}`);
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  return { m: centre, page, context, wrong: () => wrong.filter((w) => !/\/api\/v1\/me$/.test(w.trim())) };
}
const ISSUED = '018f3c00-0000-8000-8000-000000000600';
const WAITS = '018f3c00-0000-8000-8000-000000000601';
const button = (page, name) => page.getByRole('button', { name });
/** What was last sent to a path. */
const posted = (m, path) => m.log.filter((l) => l.startsWith('POST') && l.endsWith(path)).length;

test('a bulletin is written with whom it is for and previewed, proposed, and not to be approved by who wrote it', async (t) => {
  const { page, m, wrong } = await office(t, 'bulletins');
  await page.getByRole('link', { name: 'Write a bulletin (EXERCISE)' }).click();
  await page.getByText('EXERCISE first-light: this is marked EXERCISE').waitFor();
  await button(page, 'Propose (EXERCISE)').click();
  await page.getByText('The title is missing.').waitFor();
  assert.equal(posted(m, '/bulletins'), 0, 'nothing is sent that is not whole');
  await page.getByLabel('Title, one line').fill('Road closed');
  await page.getByLabel(/^Text: what is known/).fill('Use the river road.');
  await page.getByText('Whoever reads Spanish gets the English words').waitFor();
  await page.getByLabel('Título en español').fill('Camino cerrado');
  await page.getByLabel(/^Texto en español/).fill('Use el camino del río.');
  const add = async (kind) => {
    await page.getByLabel('Kind of rule').selectOption({ label: kind });
    await button(page, 'Add rule').click();
  };
  await add('A unit');
  await page.getByText('Rule 1: Choose the unit.').first().waitFor();
  await page.getByRole('combobox', { name: /^Unit/ }).selectOption('north');
  await page.getByLabel('and its leadership, wherever they belong').check();
  await until('twelve people', async () => /12 people/.test(await page.getByRole('region', { name: 'Who would get it' }).innerText()));
  await add('Whoever is in an area');
  await page.getByLabel('Around').fill('31.76, -106.49');
  await page.getByText(/Read as 13R CR/).waitFor();
  await add('Named people');
  await page.getByLabel('Add somebody').fill('Agent 10');
  await page.getByRole('list', { name: 'Found' }).getByRole('button').first().click();
  await until('more people, and who cannot be reached', async () => /36 people[\s\S]*3 of them cannot be reached now by any way\./.test(await page.getByRole('region', { name: 'Who would get it' }).innerText()));
  await axe(page, 'write');
  await look(page, 'office-write');
  await button(page, 'Propose (EXERCISE)').click();
  await page.getByText('You wrote this: somebody else must approve it.').waitFor();
  assert.equal(posted(m, '/bulletins'), 1);
  const [made] = [...m.desk.bulletins.values()].filter((b) => b.content.title === 'Road closed');
  assert.deepEqual(made.content.audience.map((a) => a.to), ['unit', 'in_area', 'people']);
  assert.deepEqual(made.content.audience[0], { to: 'unit', unit: 'north', leadership: true });
  assert.equal(made.content.audience[1].area.centre.lat_deg, 31.76);
  assert.match(await page.evaluate(() => location.hash), new RegExp(`^#bulletins/${made.notice}$`));
  assert.equal(await button(page, /^Approve and issue/).count(), 0);
  await look(page, 'office-own');
  assert.deepEqual(wrong(), []);
});

test('a second person reads exactly what waits; what was changed since is not approved unread', async (t) => {
  const { page, m, wrong } = await office(t, `bulletins/${WAITS}`);
  await page.getByText('Use the river road.').waitFor();
  await button(page, /^Approve and issue to 24 people \(EXERCISE\)$/).waitFor();
  await axe(page, 'approve');
  await look(page, 'office-approve');
  const b = m.desk.bulletins.get(WAITS);
  Object.assign(b, { content: { ...b.content, text: 'Use the north road.' }, proposed_at: new Date().toISOString() });
  m.desk.tell(b);
  await page.getByText('It was changed since you opened it: read it again.').waitFor();
  assert.ok(await page.getByText('Use the river road.').isVisible(), 'what is being read stays on the screen');
  assert.equal(await button(page, /^Approve and issue/).count(), 0);
  await button(page, 'Show what waits now').click();
  await page.getByText('Use the north road.').waitFor();
  await button(page, /^Approve and issue/).click();
  await page.getByText('Approved: it is on its way.').waitFor();
  await page.getByRole('heading', { name: 'Version 1: in force' }).waitFor();
  assert.ok((await page.locator('main').innerText()).includes('approved by Watch officer'));
  assert.equal(posted(m, '/approvals'), 1);
  assert.deepEqual(wrong(), []);
});

test('the focus goes to what was opened, and back to the row that it came from', async (t) => {
  const { page } = await office(t, 'bulletins');
  const focused = () => page.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.textContent?.trim()}`);
  await page.getByRole('heading', { name: 'All bulletins', level: 2 }).waitFor();
  for (const [title, heading] of [['Road to Post 2 closed', 'H2 It waits for a second person'], ['Officer Safety Alert: drones may carry explosives', /^H2 .*version \d+: /i]]) {
    await page.getByRole('link', { name: title, exact: true }).focus();
    await page.keyboard.press('Enter');
    await until(`the heading of ${title}`, async () => (typeof heading === 'string' ? (await focused()) === heading : heading.test(await focused())));
    await page.getByRole('link', { name: 'All bulletins' }).focus();
    await page.keyboard.press('Enter');
    await until('the row that it came from', async () => (await focused()) === `A ${title}`);
  }
});

test('breaking the glass takes a reason and a second confirmation; withdrawing takes a reason', async (t) => {
  const { page, m } = await office(t, `bulletins/${WAITS}`);
  await button(page, 'No second person: break glass…').click();
  const dialog = page.getByRole('dialog');
  const go = dialog.getByRole('button', { name: 'Issue alone now (EXERCISE)' });
  assert.ok(await go.isDisabled());
  await dialog.getByLabel('Why').fill('Nobody else is awake');
  assert.ok(await go.isDisabled(), 'a reason alone is not enough');
  await dialog.getByLabel('No second person can be reached in time.').check();
  await axe(page, 'break glass');
  await look(page, 'office-glass');
  await go.click();
  await page.getByText('Issued by one person alone: Nobody else is awake').waitFor();
  assert.equal(posted(m, '/break-glass'), 1);
  await page.goto(`${m.url}/office/#bulletins`);
  m.desk.bulletins.set('w', m.desk.state('w', m.desk.content({ title: 'Second' }), 'lead-1', {}));
  m.desk.tell(m.desk.bulletins.get('w'));
  await page.getByRole('link', { name: 'Second' }).click();
  await button(page, 'Withdraw…').click();
  await page.getByLabel('Why').fill('Not true');
  await page.keyboard.press('Enter');
  await page.getByText('Withdrawn: nobody gets it.').waitFor();
});

test('a correction begins with what is in force, says why, and waits while that holds; a recall is one act and a reason', async (t) => {
  const { page, m, wrong } = await office(t, `bulletins/${ISSUED}`);
  await page.getByRole('link', { name: 'Correct…' }).click();
  assert.equal(await page.getByLabel('Title, one line').inputValue(), 'Officer Safety Alert: drones may carry explosives');
  await page.getByLabel(/^Text: what is known/).fill('Only at Post 2.');
  await button(page, 'Propose the correction (EXERCISE)').click();
  await page.getByText('Say why it is corrected.').waitFor();
  await page.getByLabel(/^Why it is corrected/).fill('The place was wrong');
  await button(page, 'Propose the correction (EXERCISE)').click();
  await page.getByRole('heading', { name: 'A correction waits for a second person' }).waitFor();
  assert.match(await page.locator('main').innerText(), /Because: The place was wrong[\s\S]*Only at Post 2\.[\s\S]*Version 1: in force[\s\S]*Take cover when you hear one/);
  await look(page, 'office-correction');
  await button(page, 'RECALL (EXERCISE)…').click();
  await page.getByLabel('Why').fill('It was a mistake');
  await axe(page, 'recall');
  await look(page, 'office-recall');
  await button(page, 'RECALL NOW (EXERCISE)').click();
  await page.getByText('Recalled: it is being taken back everywhere.').waitFor();
  await page.getByRole('heading', { name: /recalled$/ }).waitFor();
  assert.equal(posted(m, '/recalls'), 1);
  assert.equal(await button(page, /RECALL/).count(), 0);
  assert.deepEqual(wrong(), []);
});

test('live and exercise say so in words and in colour', async (t) => {
  const shades = {};
  for (const live of [false, true]) {
    const { page } = await office(t, `bulletins/${ISSUED}`, { live });
    const mode = live ? 'LIVE' : 'EXERCISE';
    const recall = button(page, `RECALL (${mode})…`);
    await recall.waitFor();
    await recall.click();
    await button(page, `RECALL NOW (${mode})`).waitFor();
    assert.equal(await page.getByText(live ? 'EXERCISE' : 'LIVE', { exact: false }).count(), 0, `nothing says the other in ${mode}`);
    shades[mode] = await page.evaluate(() => [getComputedStyle(document.querySelector('dialog')).borderColor, getComputedStyle(document.querySelector('dialog .mode')).backgroundColor]);
    await look(page, `office-recall-${mode.toLowerCase()}`);
  }
  assert.notDeepEqual(shades.LIVE, shades.EXERCISE);
});

test('the board shows who has it by agency and unit, narrows, pages through thousands, and follows events', async (t) => {
  const { page, m, wrong } = await office(t, `board/${ISSUED}`, { people: 2_000 });
  await page.getByRole('heading', { name: /Officer Safety Alert/ }).waitFor();
  const rows = page.getByRole('table', { name: 'People of this notice' }).locator('tbody tr');
  await until('a page of rows', async () => (await rows.count()) === 100);
  const sum = () => page.locator('.sum').innerText();
  assert.equal(await sum(), '1,000 of 2,000 acknowledged');
  const units = page.getByRole('table', { name: 'By agency and unit' });
  assert.deepEqual(await units.locator('tbody th').allInnerTexts(), ['Sector', 'North patrol', 'South patrol', 'County sheriff', 'Deputies', 'County dispatch']);
  assert.equal(await units.getByRole('img', { name: '500 of 1,000 acknowledged, 100 silent, 100 escalated, 100 not reachable' }).count(), 2);
  assert.match(await page.locator('header.top').innerText(), /Next: they are reminded in (8[4-9]|9\d) s/);
  const before = await page.locator('header.top').innerText();
  await until('it counts down', async () => (await page.locator('header.top').innerText()) !== before);
  // Those who need somebody come first.
  assert.match(await rows.first().innerText(), /silent: call/);
  await page.getByRole('group', { name: 'Only those who are' }).getByRole('button', { name: /^Escalated 200/ }).click();
  await until('only those', async () => /escalated/.test(await rows.first().innerText().catch(() => '')));
  await button(page, 'Next page').click();
  await page.getByText('101 to 200').waitFor();
  await button(page, 'Page before').click();
  await page.getByText('1 to 100').waitFor();
  await button(page, 'Show all again').click();
  await units.getByRole('button', { name: 'Deputies' }).click();
  await page.getByText('Only: County sheriff, Deputies').waitFor();
  await until('only deputies', async () => (await rows.allInnerTexts()).every((r) => r.includes('Deputies')));
  await page.getByLabel('Name, id or unit').fill('Agent 106');
  await until('one that fits', async () => /Agent 106\b/.test(await rows.first().innerText().catch(() => '')));
  await axe(page, 'board');
  // News: the counts come with the event, before anything is read again.
  m.desk.acknowledge(ISSUED, 'p-00006');
  await until('counted', async () => (await sum()) === '1,001 of 2,000 acknowledged');
  await until('in its row', async () => /acknowledged \d\d:\d\d:\d\d UTC/.test(await rows.first().innerText()));
  const asked = () => m.log.filter((l) => l.endsWith('/board')).length;
  await new Promise((r) => setTimeout(r, 2_000));
  const [quiet, began] = [asked(), Date.now()];
  for (let k = 10; k < 40; k += 1) m.desk.acknowledge(ISSUED, `p-0${String(k * 10 + 6).padStart(4, '0')}`);
  await until('all counted', async () => (await sum()) === '1,031 of 2,000 acknowledged');
  await new Promise((r) => setTimeout(r, 2_500));
  // Not oftener than each 1.5 s, however long this has taken.
  const most = 2 + Math.floor((Date.now() - began) / 1_500);
  assert.ok(asked() - quiet <= most, `${asked() - quiet} readings for 30 events`);
  await look(page, 'office-board-narrowed');
  assert.deepEqual(wrong(), []);
});

test('the board counts the measures by agency and unit, shows who acknowledged and has not done one, and what each has done', async (t) => {
  const { page, wrong } = await office(t, `board/${ISSUED}`);
  const table = page.getByRole('table', { name: 'Protective measures' });
  await table.waitFor();
  assert.deepEqual(await table.locator('thead th').allInnerTexts(), ['Measure', 'Done by', 'Acknowledged, not done', 'Sector', 'County sheriff']);
  const kit = table.locator('tbody tr', { hasText: 'first-aid kit' });
  const [, done, , sector, county] = await kit.locator('th, td').allInnerTexts();
  const n = (s) => Number(/^(\d+) of \d+/.exec(s)[1]);
  assert.equal(n(done), n(sector) + n(county));
  assert.match(done, / of 60\b/);
  const rows = page.getByRole('table', { name: 'People of this notice' }).locator('tbody tr');
  await until('everybody', async () => (await rows.count()) === 60);
  await kit.getByRole('button', { name: /who acknowledged and has not done/ }).click();
  await page.getByText('Only: Acknowledged, not done: Check that your first-aid kit with tourniquet is with you.').waitFor();
  await until('only those', async () => {
    const texts = await rows.allInnerTexts();
    return texts.length > 0 && texts.length < 60 && texts.every((r) => /acknowledged/.test(r) && /[012] of 3 measures done/.test(r));
  });
  await rows.first().getByRole('button').click();
  const list = page.getByRole('list', { name: /^Measures of / }).getByRole('listitem');
  await until('each measure', async () => (await list.count()) === 3);
  assert.ok((await list.allInnerTexts()).includes('not done: Check that your first-aid kit with tourniquet is with you.'));
  await page.keyboard.press('Escape');
  await axe(page, 'board with measures');
  await look(page, 'office-board-measures');
  await kit.getByRole('button', { name: /have done:/ }).click();
  await until('who has done it', async () => (await rows.count()) === n(done));
  await button(page, 'Show all again').click();
  await page.getByRole('table', { name: 'By agency and unit' }).getByRole('button', { name: 'Sector' }).click();
  await until('its units', async () => (await table.locator('thead th').allInnerTexts()).join() === 'Measure,Done by,Acknowledged, not done,North patrol,South patrol');
  assert.deepEqual(await page.getByText('Log for the record').getByRole('link').evaluateAll((all) => all.map((a) => a.getAttribute('href'))), ['csv', 'jsonl'].map((f) => `/api/v1/notices/${ISSUED}/export?format=${f}`));
  assert.deepEqual(wrong(), []);
});

test('a call-round by keyboard: the silent one after the other, a status with a note, and the name of who says so', async (t) => {
  const { page, m, wrong } = await office(t, `board/${ISSUED}`);
  await button(page, 'Call round (6)').click();
  const panel = page.getByRole('region', { name: /: call and deliveries$/ });
  await panel.waitFor();
  const who = () => panel.getByRole('heading').innerText();
  const first = await who();
  assert.equal(first, 'Agent 108');
  await axe(page, 'call');
  await look(page, 'office-call');
  await panel.getByLabel('Note').fill('reached by radio');
  await page.keyboard.press('Escape');
  await page.keyboard.press('1');
  await until('the next one', async () => (await who()) !== first);
  assert.equal(await who(), 'Agent 118');
  await page.keyboard.press('2');
  await until('and the next', async () => (await who()) === 'Agent 128');
  await page.keyboard.press('p');
  await until('back', async () => (await who()) === 'Agent 118');
  assert.match(await panel.innerText(), /Agent 118[\s\S]*They know now/, 'no answer leaves them on the list');
  await page.keyboard.press('n');
  await page.keyboard.press('3');
  await until('noted', () => m.desk.list(ISSUED).some((r) => r.call?.status === 'unavailable'));
  assert.equal(posted(m, '/calls'), 3);
  await button(page, 'Show all again').click();
  const row = page.getByRole('table', { name: 'People of this notice' }).locator('tbody tr', { hasText: 'Agent 108' });
  await until('with the name', async () => /said for them by Watch officer/.test(await row.innerText().catch(() => '')));
  await page.keyboard.press('Escape');
  await until('closed', async () => (await panel.count()) === 0);
  const [file] = await Promise.all([page.waitForEvent('download'), button(page, 'Save as CSV').click()]);
  assert.match(file.suggestedFilename(), /^skypicket-board-exercise-.*\.csv$/);
  const csv = readFileSync(await file.path(), 'utf8').trim().split('\r\n');
  assert.equal(csv.length, 61);
  assert.ok(csv.some((l) => /^p-00008,Agent 108,.*,acknowledged,.*,voice,watch-1,acknowledged,watch-1,/.test(l)), csv.find((l) => l.startsWith('p-00008')));
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.getByRole('navigation', { name: 'Office' }).isVisible(), false);
  assert.ok(await page.getByRole('table', { name: 'People of this notice' }).isVisible());
  assert.deepEqual(wrong(), []);
});

test('the board of a warning is one click from the console, and the list of boards names what is in force', async (t) => {
  const { page, m } = await office(t, 'board', { scene: 'busy' });
  await page.getByRole('link', { name: 'Warning to Agent 4' }).waitFor();
  await page.getByRole('link', { name: 'Bulletin: Officer Safety Alert: drones may carry explosives' }).click();
  await page.getByRole('heading', { name: /Officer Safety Alert/ }).waitFor();
  await page.evaluate(() => { location.hash = 'board/018f3c00-0000-8000-8000-00000000dead'; });
  await page.getByText('The centre keeps no board of this notice').waitFor();
  await page.goto(`${m.url}/#track/018f3c00-0000-8000-8000-000000000001`);
  const link = page.getByRole('link', { name: 'Board: who has it, and what comes next' }).first();
  await link.waitFor();
  await link.click();
  await page.getByRole('heading', { name: /urgent/ }).waitFor();
  assert.match(await page.locator('header.top').innerText(), /warning, version 1, raised/);
});

test('the console lists bulletins with who is silent, asks for an approval, and does not sound for them', async (t) => {
  const m = mock({ bulletins: true, scene: 'calm' });
  const url = await m.listen();
  const { context, page, wrong } = await watched(browser, { viewport: { width: 1280, height: 800 } });
  t.after(async () => { await context.close(); m.close(); });
  await page.goto(`${url}/#sign-in=as-watch-1`);
  const needs = page.getByRole('region', { name: 'Needs you now' });
  await until('what waits for me', async () => /to approve[\s\S]*Road to Post 2 closed/.test(await needs.innerText().catch(() => '')));
  assert.match(await needs.innerText(), /bulletin[\s\S]*Officer Safety Alert/);
  assert.equal(await page.locator('.row.urgent, .row.caution, .row.advisory').count(), 0, 'a bulletin is no alarm');
  await page.getByRole('button', { name: 'Sound blocked: click to arm' }).click();
  await page.getByText('sound armed').waitFor();
  await page.getByRole('button', { name: 'Bulletins', exact: true }).click();
  const panel = page.getByRole('region', { name: 'What is selected' });
  await until('the list', async () => /Waits for a second person: Road to Post 2 closed[\s\S]*Officer Safety Alert[\s\S]*30 of 60 acknowledged, 6 escalated, 6 silent: call, 6 not reachable/.test(await panel.innerText()));
  await look(page, 'console-bulletins');
  await panel.getByRole('button', { name: /^Officer Safety Alert/ }).click();
  await panel.getByRole('button', { name: 'Acknowledge the bulletin' }).waitFor();
  await axe(page, 'console bulletin');
  await look(page, 'console-bulletin');
  await page.locator('h2', { hasText: 'Needs you now' }).click();
  await page.keyboard.press('Space');
  await until('acknowledged', () => posted(m, '/acknowledgements') === 1);
  await until('asks no more', async () => !/Officer Safety/.test(await needs.innerText()));
  await page.keyboard.press('Control+k');
  await page.keyboard.type('explosives');
  await page.keyboard.press('Enter');
  await until('found', async () => (await page.evaluate(() => location.hash)).startsWith('#bulletin/'));
  assert.deepEqual(wrong.filter((w) => !/\/api\/v1\/(basemap|me)$/.test(w.trim())), []);
});

test('subscriptions are added and taken off; an area that cannot be read is not sent', async (t) => {
  const { page, m, wrong } = await office(t, 'subscriptions', { as: 'agent-1' });
  await page.getByText('You have asked for nothing more.').waitFor();
  await page.getByLabel('From this level on').selectOption('caution');
  await button(page, 'Only in an area').click();
  await button(page, 'Ask for it').click();
  await page.getByText('Say where, and how far around').waitFor();
  await page.getByLabel('Middle').fill('13R CR 59571 15434');
  await page.getByLabel('Radius, km').fill('12');
  await axe(page, 'subscriptions');
  await button(page, 'Ask for it').click();
  await page.getByText(/^Added: caution and worse, within 12 km of 13R CR/).waitFor();
  await look(page, 'office-subscriptions');
  const [s] = m.desk.subscriptions.get('agent-1');
  assert.deepEqual([s.level, s.area.shape, s.area.radius_m], ['caution', 'circle', 12_000]);
  await button(page, /^Take off: caution/).click();
  await page.getByText('You have asked for nothing more.').waitFor();
  // A field agent's menu has neither bulletins to write nor boards.
  assert.equal(await page.getByRole('link', { name: 'Bulletins' }).count(), 0);
  assert.deepEqual(wrong(), []);
});

test('on a narrow screen the pages are read and used without scrolling sideways', async (t) => {
  const { page } = await office(t, `board/${ISSUED}`, { viewport: { width: 390, height: 844 } });
  await page.getByRole('heading', { name: /Officer Safety Alert/ }).waitFor();
  const fits = async (what) => {
    const over = await page.evaluate(() => document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth);
    assert.ok(over <= 0, `${what}: ${over} px stick out`);
  };
  await fits('board');
  await axe(page, 'narrow board');
  await look(page, 'office-board-narrow');
  await page.evaluate((id) => { location.hash = `bulletins/${id}`; }, WAITS);
  await button(page, /^Approve and issue/).waitFor();
  await fits('approve');
  await page.evaluate(() => { location.hash = 'bulletins/new'; });
  await page.getByLabel('Title, one line').waitFor();
  await fits('write');
  await axe(page, 'narrow write');
  await look(page, 'office-write-narrow');
});
