// Search and kept searches in the built office and console, in a real browser against the made-up centre: asked by keyboard,
// narrowed, refused, kept, read, changed, dropped. LOOK names a folder for pictures. Needs `npm run build` first.
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
/** What axe finds in both palettes. */
async function axeBoth(page, name) {
  for (const palette of ['night', 'day']) {
    await page.evaluate((p) => { document.documentElement.dataset.palette = p; }, palette);
    await axe(page, `${name}, ${palette}`);
    await look(page, `${name.replaceAll(' ', '-')}-${palette}`);
  }
  await page.evaluate(() => { delete document.documentElement.dataset.palette; });
}

/** The office at a page, as somebody. */
async function office(t, hash, { as = 'watch-1', m = null, viewport = { width: 1280, height: 900 }, ...options } = {}) {
  const centre = m ?? mock({ search: true, scene: 'calm', ...options });
  centre.url ??= await centre.listen();
  const { context, page, wrong } = await watched(browser, { viewport });
  t.after(async () => {
    await context.close();
    if (!m) centre.close();
  });
  await page.goto(`${centre.url}/office/#sign-in=as-${as}`);
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  return { m: centre, page, context, wrong: () => wrong.filter((w) => !/\/api\/v1\/me$/.test(w.trim())) };
}
const button = (page, name) => page.getByRole('button', { name });
const words = (page) => page.getByRole('textbox', { name: 'Words' });
const results = (page) => page.getByRole('region', { name: 'Hits' });
const submit = (page) => page.getByRole('button', { name: 'Search', exact: true });
const hits = (page) => results(page).getByRole('list').getByRole('listitem');
const hash = (page) => page.evaluate(() => location.hash);
const count = (m, line) => m.log.filter((l) => l === line).length;
const search = async (page, text) => {
  await words(page).fill(text);
  await words(page).press('Enter');
};

test('by keyboard alone: / to the words, Enter, arrows through the hits, Enter opens, Esc clears', async (t) => {
  const { page, wrong } = await office(t, 'search');
  const box = words(page);
  await until('the words have the focus', () => box.evaluate((e) => e === document.activeElement));
  await page.getByRole('link', { name: 'Search', exact: true }).focus();
  await page.keyboard.press('/');
  await page.keyboard.type('canister');
  await page.getByText('Looks for “canister” or a word that begins so.').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('5 hits', { exact: true }).waitFor();
  assert.equal(await hash(page), '#search/q=canister');
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'Canisters under drones');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'Road to Post 2 closed');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  assert.ok(await box.evaluate((e) => e === document.activeElement), 'up from the first is the words again');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await until('the bulletin', async () => (await hash(page)) === '#bulletins/018f3c00-0000-8000-8000-000000000601');
  await page.goBack();
  await page.getByText('5 hits', { exact: true }).waitFor();
  assert.equal(await box.inputValue(), 'canister', 'the address brings it back');
  await box.press('ArrowDown');
  await page.keyboard.press('Escape');
  assert.ok(await box.evaluate((e) => e === document.activeElement), 'first back to the words');
  await page.keyboard.press('Escape');
  await until('cleared', async () => (await hash(page)) === '#search' && (await box.inputValue()) === '');
  await page.getByText('Without any word everything is found').waitFor();
  assert.deepEqual(wrong(), []);
});

test('each hit says what it is, with its words marked, its marking, grade, time and place, and leads to the thing', async (t) => {
  const { page, m, wrong } = await office(t, 'search/q=canister', { scene: 'busy' });
  await page.getByText('5 hits', { exact: true }).waitFor();
  const of = (name) => hits(page).filter({ has: page.getByRole('link', { name }) });
  const href = (name) => of(name).getByRole('link').getAttribute('href');
  const marks = (name) => of(name).locator('mark').allInnerTexts();
  // Two characters that are two UTF-16 units each stand before it.
  assert.deepEqual(await marks('Sighting by Agent 3'), ['canister']);
  assert.match(await of('Sighting by Agent 3').innerText(), /TLP:GREEN[\s\S]*🛸🛸 carrying a grey canister under it[\s\S]*UTC[\s\S]*13R/);
  assert.deepEqual(await marks('Canisters under drones'), ['Canister', 'canister']);
  assert.match(await of('Canisters under drones').innerText(), /Report[\s\S]*vetted[\s\S]*B2[\s\S]*TLP:AMBER for sector, county/);
  assert.match(await of('Officer Safety Alert: a canister may explode').innerText(), /Bulletin[\s\S]*in force[\s\S]*urgent[\s\S]*EX-OSA-2026-0001[\s\S]*within 5,000 m of 13R/);
  assert.match(await of('Road to Post 2 closed').innerText(), /waits for a second person \(did not go out\)/);
  assert.equal(await href('Canisters under drones'), `#intelligence/${m.search.things.at(-1).id}`);
  assert.equal(await href('Officer Safety Alert: a canister may explode'), '#bulletins/018f3c00-0000-8000-8000-000000000600');
  await axeBoth(page, 'search hits');
  await of('Sighting by Agent 3').getByRole('link').click();
  const panel = page.getByRole('region', { name: 'What is selected' });
  await panel.getByText('Something hanging under it').waitFor();
  await page.goBack();
  await page.getByText('5 hits', { exact: true }).waitFor();
  await of('Warning for Agent 4').getByRole('link').click();
  await panel.getByRole('link', { name: 'Board: who has it, and what comes next' }).first().waitFor();
  assert.equal(await hash(page), '#track/018f3c00-0000-8000-8000-000000000001', 'a warning is shown with its drone');
  await page.goto(`${m.url}/#warning/018f3c00-0000-8000-8000-00000000dead`);
  await panel.getByText('This warning is not known here, or you may not see it.').waitFor();
  assert.deepEqual(wrong().filter((w) => !/basemap|dead$/.test(w.trim())), []);
});

test('kind, place, time and grade narrow it; what is typed wrong is said before it is sent; the address can be sent', async (t) => {
  const { page, m, wrong } = await office(t, 'search');
  await page.getByLabel('intelligence reports').check();
  await page.locator('summary').click();
  await page.getByLabel('Near').fill('over there');
  await page.getByLabel('From, this machine').fill('2026-01-02T05:00');
  await page.getByLabel('Until').fill('2026-01-01T05:00');
  await page.getByText('2026-01-02 12:00:00 UTC').waitFor();
  const sent = () => count(m, 'GET /search');
  await submit(page).click();
  await page.getByText('The place is no MGRS position and no pair of degrees').waitFor();
  await page.getByText('The time ends before it begins').waitFor();
  assert.equal(sent(), 0, 'nothing is asked that the centre would refuse');
  await axeBoth(page, 'search form refused');
  await page.getByLabel('Near').fill('13R CR 58800 15100');
  await page.getByText('Read as 13R').waitFor();
  await submit(page).click();
  await page.getByText('Say how far from the place').waitFor();
  await page.getByLabel('Within, metres').fill('9000');
  await page.getByLabel('Until').fill('');
  await page.getByLabel('Source at least').selectOption('B');
  await page.getByLabel('Information at least').selectOption('3');
  await page.getByText('Only intelligence reports have a grade').waitFor();
  await words(page).fill('canister');
  await submit(page).click();
  // The report names no place.
  await page.getByText(/^Nothing that you may see fits canister; only intelligence reports; within 9,000 m of 13R .*; from 2026-01-02 12:00:00 UTC .*; source B or better; information 3 or better\.$/).waitFor();
  await axeBoth(page, 'search nothing');
  await page.getByRole('link', { name: 'Anywhere' }).click();
  await page.getByText('1 hit', { exact: true }).waitFor();
  assert.equal(await hits(page).getByRole('link').innerText(), 'Canisters under drones');
  const address = await hash(page);
  assert.equal(address, '#search/q=canister&kind=report&from=2026-01-02T12%3A00%3A00.000Z&reliability=B&credibility=3');
  // What is typed and not yet asked is said.
  await page.getByLabel('Source at least').selectOption('A');
  await page.getByText('The form was changed: press Enter to search.').waitFor();
  // Somebody else opens the same address: it is their own answer.
  const other = await office(t, address.slice(1), { m, as: 'lead-1' });
  await other.page.getByText(/^Nothing that you may see fits canister/).waitFor();
  assert.equal(await other.page.getByLabel('Source at least').inputValue(), 'B');
  assert.ok(await other.page.getByLabel('intelligence reports').isChecked());
  await other.page.evaluate(() => { location.hash = 'search/q=rotor&kind=person'; });
  await other.page.getByText('In the address this was not understood and is left out: kind=person').waitFor();
  assert.deepEqual([...wrong(), ...other.wrong()], []);
});

test('more than a page is read on; everything, too wide a search, a refusal and a silent centre say what to do', async (t) => {
  const { page, m, wrong } = await office(t, 'search/q=rotor');
  await page.getByText('50 hits, and there are more').waitFor();
  await button(page, 'Show more').click();
  await page.getByText('60 hits', { exact: true }).waitFor();
  assert.equal(await hits(page).count(), 60);
  await until('it goes on where the first page ended', () => page.evaluate(() => [...document.querySelectorAll('[data-hit]')].indexOf(document.activeElement) === 50));
  await words(page).fill('');
  await submit(page).click();
  await page.getByText(/^50 hits, and there are more: everything that you may see\. Give a word/).waitFor();
  m.search.next = [503, 'too_long', 'The search took too long: narrow it by a kind, a time or a place.'];
  await search(page, 'drone');
  await page.getByText('The search took too long').waitFor();
  await axeBoth(page, 'search too wide');
  await page.getByRole('link', { name: 'Only intelligence reports' }).click();
  await page.getByText('1 hit', { exact: true }).waitFor();
  await page.getByLabel('Order').selectOption('best');
  await until('in the address', async () => (await hash(page)) === '#search/q=drone&kind=report&order=best');
  await page.getByText('1 hit', { exact: true }).waitFor();
  m.search.next = [422, 'invalid', 'q: there is something in it that no list has'];
  await search(page, 'odd');
  await results(page).getByText('q: there is something in it that no list has').waitFor();
  m.search.next = [503, 'busy', 'Come back in a moment.'];
  await search(page, 'canister');
  await results(page).getByText('Come back in a moment.').waitFor();
  await button(page, 'Look again').click();
  await hits(page).first().waitFor();
  assert.deepEqual(wrong().filter((w) => !/status of (503|422)/.test(w)), []);
});

test('a search is kept, tells of what is new without being asked, and shows that alone until it is read', async (t) => {
  const { page, m, wrong } = await office(t, 'search/q=canister');
  await page.getByText('None yet. Search for something').waitFor();
  await page.getByText('5 hits', { exact: true }).waitFor();
  await button(page, 'Keep this search…').click();
  const form = page.getByRole('form', { name: 'Keep this search' });
  await form.getByLabel('Name').fill(' ');
  await button(form, 'Keep it').click();
  await form.getByText('Give it a name.').waitFor();
  await form.getByLabel('Name').fill('Canisters');
  await axeBoth(page, 'search keep');
  await button(form, 'Keep it').click();
  await page.getByText('Kept as “Canisters”.').waitFor();
  const menu = page.getByRole('navigation', { name: 'Office' });
  const list = page.getByRole('complementary', { name: 'Kept searches' });
  await list.getByText('1 of at most 20').waitFor();
  assert.equal(await menu.getByText(/\bnew\b/).count(), 0, 'what was there is not new');
  m.search.add({ text: 'another canister', person_name: 'Agent 2', person: 'agent-2', by: 'agent-2' });
  m.search.add({ text: 'a canister of my own', person_name: 'Watch officer', person: 'watch-1', by: 'watch-1' });
  await menu.getByRole('link', { name: 'Search 1 new' }).waitFor();
  await menu.getByRole('status').getByText('New: Canisters, 1 unread').waitFor();
  // On another page too, without a sound, and where no event is heard as soon as the window is looked at.
  await menu.getByRole('link', { name: 'What you are told of' }).click();
  await menu.getByRole('link', { name: 'Search 1 new' }).click();
  await list.getByRole('link', { name: 'Canisters' }).click();
  await page.getByText('1 hit', { exact: true }).waitFor();
  assert.equal(await hits(page).getByRole('link').innerText(), 'Sighting by Agent 2');
  assert.match(await hash(page), /^#search\/kept\/[0-9a-f-]{36}$/);
  await page.getByRole('heading', { name: 'Canisters', exact: true }).waitFor();
  await axeBoth(page, 'search kept');
  // What comes meanwhile does not push away what is read.
  m.search.add({ text: 'one canister more', person_name: 'Agent 4', person: 'agent-4', by: 'agent-4' });
  await page.getByText('Something new came since you opened this.').waitFor();
  assert.equal(await hits(page).count(), 1);
  // Only what was shown is read.
  await button(page, 'Mark as read').click();
  await page.getByText('Read: what comes from now on is new for “Canisters”.').waitFor();
  await menu.getByRole('link', { name: 'Search 1 new' }).waitFor();
  await button(page, 'Show it').click();
  await until('the newer one alone', async () => (await hits(page).getByRole('link').allInnerTexts()).join() === 'Sighting by Agent 4');
  await button(page, 'Mark as read').click();
  await until('the menu is quiet', async () => (await menu.getByText(/\bnew\b/i).count()) === 0);
  await page.reload();
  await page.getByText('Nothing new since you read it.').waitFor();
  await page.getByRole('link', { name: 'Show all that fits' }).click();
  await page.getByText('7 hits', { exact: true }).waitFor();
  assert.equal(await hits(page).getByText('of my own').count(), 0, 'what one wrote oneself is no news');
  // Another's address shows nothing of it.
  const other = await office(t, (await hash(page)).slice(1), { m, as: 'lead-1' });
  await other.page.getByText('There is no such kept search of yours').waitFor();
  assert.deepEqual([...wrong(), ...other.wrong()], []);
});

test('a kept search is changed and the change undone, made quiet, dropped when that is confirmed; twenty are the most', async (t) => {
  const { page, m, wrong } = await office(t, 'search/q=canister');
  const id = (k) => `018f3c00-0000-7000-8000-0000000000${String(k).padStart(2, '0')}`;
  const none = { kinds: [], near: null, from: null, until: null, reliability: null, credibility: null };
  const post = (k, name, q) => page.evaluate(async ([body]) => (await fetch('/api/v1/searches', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).status, [{ id: id(k), name, search: { q, ...none }, notify: true }]);
  for (let k = 0; k < 19; k += 1) assert.equal(await post(k, `Kept ${k}`, `word${k}`), 201);
  await page.reload();
  const list = page.getByRole('complementary', { name: 'Kept searches' });
  await list.getByText('19 of at most 20').waitFor();
  await button(page, 'Keep this search…').click();
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('form', { name: 'Keep this search' }).count(), 0, 'Esc leaves the form');
  assert.equal(await hash(page), '#search/q=canister', 'and only that');
  await button(page, 'Keep this search…').click();
  await page.getByLabel('Name').press('Enter');
  await page.getByText('Kept as “canister”.').waitFor();
  await page.getByText('You keep 20, which is all that can be kept: drop one first.').waitFor();
  assert.ok(await button(page, 'Keep this search…').isDisabled());
  await list.getByRole('link', { name: 'Kept 0', exact: true }).click();
  await page.getByRole('link', { name: 'Change…' }).click();
  const form = page.getByRole('form', { name: 'Change “Kept 0”' });
  await form.getByLabel('Name').fill('Bridges');
  await words(page).fill('bridge');
  await button(form, 'Save the change').click();
  await form.getByText('press Search first').waitFor();
  await words(page).press('Enter');
  await form.getByText('From then on it looks for: bridge.').waitFor();
  assert.equal(await form.getByLabel('Name').inputValue(), 'Bridges', 'what was typed is not lost');
  await form.getByLabel(/Tell me on my pages/).uncheck();
  await axeBoth(page, 'search change');
  await button(form, 'Save the change').click();
  await page.getByText('“Bridges” is changed.').waitFor();
  await page.getByRole('heading', { name: 'Bridges', exact: true }).waitFor();
  assert.match(await list.getByRole('listitem').first().innerText(), /^Bridges\s+bridge · quiet$/);
  m.search.add({ text: 'under the bridge', by: 'agent-2', person: 'agent-2', person_name: 'Agent 2' });
  await page.reload();
  await list.getByText('1 new').waitFor();
  assert.equal(await page.getByRole('navigation', { name: 'Office' }).getByText(/\bnew\b/).count(), 0, 'a quiet one is counted in its list alone');
  await page.getByRole('link', { name: 'Change…' }).click();
  await page.getByRole('form', { name: 'Change “Bridges”' }).getByLabel('Name').fill('Roads');
  await page.keyboard.press('Enter');
  await page.getByText('“Roads” is changed.').waitFor();
  await button(page, 'Undo').click();
  await page.getByText('Undone: it is as it was before.').waitFor();
  await page.getByRole('heading', { name: 'Bridges', exact: true }).waitFor();
  await button(page, 'Drop…').click();
  await page.getByRole('dialog').getByText('Drop “Bridges”?').waitFor();
  await axeBoth(page, 'search drop');
  await button(page.getByRole('dialog'), 'Cancel').click();
  assert.equal(count(m, `DELETE /searches/${id(0)}`), 0);
  await button(page, 'Drop…').click();
  await button(page.getByRole('dialog'), 'Drop it').click();
  await page.getByText('“Bridges” is dropped.').waitFor();
  await list.getByText('19 of at most 20').waitFor();
  assert.equal(await hash(page), '#search');
  assert.deepEqual(wrong(), []);
});

test('the console says quietly that something new fits, and leads there; its own finder leads to the search', async (t) => {
  const m = mock({ search: true, scene: 'empty' });
  m.url = await m.listen();
  const { context, page, wrong } = await watched(browser);
  t.after(async () => { await context.close(); m.close(); });
  await page.goto(`${m.url}/#sign-in=as-watch-1`);
  const needs = page.getByRole('region', { name: 'Needs you now' });
  await needs.getByText('Nothing needs you.').waitFor();
  const none = { kinds: [], near: null, from: null, until: null, reliability: null, credibility: null };
  await page.evaluate(async (body) => { await fetch('/api/v1/searches', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }); }, { id: '018f3c00-0000-7000-8000-0000000000aa', name: 'Canisters', search: { q: 'canister', ...none }, notify: true });
  const asked = () => count(m, 'GET /searches');
  const before = asked();
  for (let k = 0; k < 30; k += 1) m.search.add({ text: `canister ${k}`, by: 'agent-2', person: 'agent-2', person_name: 'Agent 2' });
  const line = needs.getByRole('link', { name: 'New for what you search: Canisters (30)' });
  await line.waitFor();
  assert.ok(asked() - before <= 4, `${asked() - before} readings for 30 hits`);
  await needs.getByText('Nothing needs you.').waitFor();
  assert.equal(await page.getByRole('button', { name: /^Sounding/ }).count(), 0);
  await axeBoth(page, 'console found');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('grey canister');
  await page.keyboard.press('Enter');
  await page.getByText('1 hit', { exact: true }).waitFor();
  assert.equal(await hash(page), '#search/q=grey+canister');
  await page.goBack();
  await line.click();
  await page.getByText('30 hits', { exact: true }).waitFor();
  await button(page, 'Mark as read').click();
  await page.getByText('Read: what comes from now on').waitFor();
  const [answer] = await Promise.all([page.waitForResponse((r) => r.request().method() === 'GET' && r.url().endsWith('/api/v1/searches')), page.goto(`${m.url}/`)]);
  assert.equal((await answer.json()).items[0].unread, 0);
  await needs.getByText('Nothing needs you.').waitFor();
  assert.equal(await line.count(), 0);
  assert.deepEqual(wrong.filter((w) => !/\/api\/v1\/(basemap|me)$/.test(w.trim())), []);
});

test('the words of a report that was purged go from the page: at once, from an answer that was on its way, and after a gap', async (t) => {
  const { page, m } = await office(t, 'search/q=canister');
  const title = 'Canisters under drones';
  await page.getByText('5 hits', { exact: true }).waitFor();
  const [report] = m.search.things.filter((x) => x.kind === 'report');
  const gone = () => m.search.push('intelligence', { report: report.id, version: null, step: null, gone: true });
  const purge = () => { m.search.things = m.search.things.filter((x) => x !== report); };
  gone();
  await page.getByText('4 hits', { exact: true }).waitFor();
  assert.equal(await page.getByText(title).count(), 0);
  // Who may see its tombstone hears another word of it.
  m.search.push('intelligence', { report: report.id, version: 1, step: 'vetted', gone: false });
  await page.evaluate(() => { location.hash = 'search/q=drones'; });
  await page.getByRole('link', { name: title }).waitFor();
  m.search.push('intelligence', { report: report.id, version: 1, step: 'purged', gone: false });
  await page.getByRole('link', { name: title }).waitFor({ state: 'detached' });
  // An answer that was written before, and comes after.
  m.search.push('intelligence', { report: report.id, version: 1, step: 'vetted', gone: false });
  let send;
  const held = new Promise((r) => { send = r; });
  let asked = 0;
  await page.route('**/api/v1/search?*', async (route) => {
    const answer = await route.fetch();
    asked += 1;
    await held;
    await route.fulfill({ response: answer });
  });
  await page.evaluate(() => { location.hash = 'search/q=canister'; });
  await until('it is asked for', () => asked > 0);
  gone();
  await page.evaluate(() => new Promise((r) => setTimeout(r, 0)));
  send();
  await page.getByText('4 hits', { exact: true }).waitFor();
  assert.equal(await page.getByText(title).count(), 0);
  await page.unrouteAll();
  // While nobody listened.
  m.search.push('intelligence', { report: report.id, version: 1, step: 'vetted', gone: false });
  await page.evaluate(() => { location.hash = 'search/q=drones'; });
  await page.getByRole('link', { name: title }).waitFor();
  await fetch(`${m.url}/mock/cut`, { method: 'POST' });
  await page.getByText('Not connected to the centre').waitFor();
  purge();
  await fetch(`${m.url}/mock/mend`, { method: 'POST' });
  await page.getByRole('link', { name: title }).waitFor({ state: 'detached' });
  // A menu that is read again is not what took it away.
  await page.getByText('Nothing that you may see fits drones').or(page.getByText(/^\d hits?$/)).first().waitFor();
});

test('what is kept from one reader is not kept from whoever signs in after them', async (t) => {
  const { page, m } = await office(t, 'search/q=drones');
  const hit = page.getByRole('link', { name: 'Canisters under drones' });
  await hit.waitFor();
  const [report] = m.search.things.filter((x) => x.kind === 'report');
  m.search.push('intelligence', { report: report.id, version: null, step: null, gone: true });
  await hit.waitFor({ state: 'detached' });
  await button(page, 'Sign out').click();
  await page.getByLabel('Name').fill('watch-1');
  await page.getByLabel('Password').fill('password12');
  await page.keyboard.press('Enter');
  await hit.waitFor();
});

test('on a narrow screen it is read and used without scrolling sideways; who may not search has no such page', async (t) => {
  const { page, m, wrong } = await office(t, 'search/q=canister&from=2026-01-01T00%3A00%3A00.000Z', { viewport: { width: 390, height: 844 } });
  await page.getByText('5 hits', { exact: true }).waitFor();
  const over = await page.evaluate(() => document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth);
  assert.ok(over <= 0, `${over} px stick out`);
  await axeBoth(page, 'search narrow');
  const agent = await office(t, 'search', { m, as: 'agent-1' });
  await agent.page.getByRole('link', { name: 'What you are told of' }).waitFor();
  assert.equal(await agent.page.getByRole('link', { name: /^Search/ }).count(), 0);
  assert.deepEqual([...wrong(), ...agent.wrong()], []);
  assert.equal(m.log.filter((l) => l === 'GET /searches').length > 0, true);
});
