// Answers that come late, in the built pages, in a real browser against the made-up centre: what is pressed, typed or told
// while something is being read is not lost, and an answer from before does not undo what came since. Each test holds one
// answer back for as long as it likes. Needs `npm run build` first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { mock } from '../../dev/mock-server.mjs';
import { hold, until } from '../../dev/steps.mjs';
import { phone } from '../../field/dev/phone.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

const ISSUED = '018f3c00-0000-8000-8000-000000000600';
const WAITS = '018f3c00-0000-8000-8000-000000000601';
const RAW = '018f3c00-0000-8000-8000-000000000900';

async function office(t, hash, { as = 'watch-1', prepare = () => undefined, ...options } = {}) {
  const m = mock({ bulletins: true, scene: 'calm', ...options });
  const url = await m.listen();
  const { context, page } = await watched(browser, { viewport: { width: 1280, height: 900 } });
  t.after(async () => { await context.close(); m.close(); });
  await prepare(page, m);
  await page.goto(`${url}/office/#sign-in=as-${as}`);
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  return { m, url, page };
}
const button = (page, name) => page.getByRole('button', { name });
const hash = (page) => page.evaluate(() => location.hash);

test('a call is noted while the rows of the board are read again after the one before', async (t) => {
  const { page, m } = await office(t, `board/${ISSUED}`);
  await button(page, 'Call round (6)').click();
  const panel = page.getByRole('region', { name: /: call and deliveries$/ });
  const who = () => panel.getByRole('heading').innerText();
  await until('the first', async () => (await panel.count()) === 1 && (await who()) === 'Agent 108');
  const rows = await hold(page, '**/recipients?*');
  await page.keyboard.press('1');
  await until('the second', async () => (await who()) === 'Agent 118');
  await rows.waits();
  await page.keyboard.press('2');
  await until('the third, with the rows still on their way', async () => (await who()) === 'Agent 128');
  assert.deepEqual(m.desk.list(ISSUED).filter((r) => r.call).map((r) => r.call.status).sort(), ['acknowledged', 'no_answer']);
  await rows.let();
  assert.equal(await who(), 'Agent 128');
});

test('a call-round that is begun while the board is being read waits for its own rows', async (t) => {
  const { page, m } = await office(t, `board/${ISSUED}`);
  const rows = page.getByRole('table', { name: 'People of this notice' }).locator('tbody tr');
  await page.getByRole('group', { name: 'Only those who are' }).getByRole('button', { name: /^Acknowledged/ }).click();
  await until('only those', async () => (await rows.count()) === 30 && (await rows.allInnerTexts()).every((r) => /acknowledged/.test(r)));
  const answers = await hold(page, '**/recipients?*', { first: 1 });
  m.desk.acknowledge(ISSUED, 'p-00006');
  await answers.waits();
  await button(page, /^Call round/).click();
  await answers.let();
  await page.getByRole('region', { name: 'Agent 108: call and deliveries' }).waitFor();
});

test('the next page of a board is asked for once', async (t) => {
  const { page } = await office(t, `board/${ISSUED}`, { people: 2_000 });
  await page.getByText('1 to 100').waitFor();
  const rows = await hold(page, '**/recipients?*cursor=*');
  await button(page, 'Next page').click();
  await rows.waits();
  assert.ok(await button(page, 'Next page').isDisabled(), 'nothing to press while that is on its way');
  await rows.let();
  await page.getByText('101 to 200').waitFor();
  await until('and on', () => button(page, 'Next page').isEnabled());
});

test('a template that comes late does not overwrite what somebody has begun to write', async (t) => {
  const { page } = await office(t, 'bulletins/new', { as: 'lead-1' });
  await page.getByLabel('Template').selectOption({ label: 'Officer Safety Alert (osa, version 1)' });
  const filled = await hold(page, '**/library/drafts', { method: 'POST' });
  await button(page, 'Fill in the form').click();
  await filled.waits();
  await page.getByLabel('Title, one line').fill('My own words');
  await page.getByLabel('Template').waitFor({ state: 'detached' });
  await filled.let();
  assert.equal(await page.getByLabel('Title, one line').inputValue(), 'My own words');
});

test('a list of bulletins from before does not undo what the stream has told since', async (t) => {
  const { page, m } = await office(t, `bulletins/${WAITS}`);
  await button(page, /^Approve and issue/).waitFor();
  const list = await hold(page, /\/api\/v1\/bulletins(\?|$)/);
  await page.evaluate(() => dispatchEvent(new Event('focus')));
  await list.waits();
  const b = m.desk.bulletins.get(WAITS);
  Object.assign(b, { content: { ...b.content, text: 'Use the north road.' }, proposed_at: new Date().toISOString() });
  m.desk.tell(b);
  const changed = page.getByText('It was changed since you opened it: read it again.');
  await changed.waitFor();
  await list.let();
  assert.ok(await changed.isVisible());
  assert.equal(await button(page, /^Approve and issue/).count(), 0);
});

test('whoever has gone elsewhere is not brought back by what they sent', async (t) => {
  const { page, m } = await office(t, 'bulletins', { as: 'lead-1' });
  const id = m.desk.uuid(700);
  m.desk.bulletins.set(id, m.desk.state(id, m.desk.content({ title: 'Road closed' }), 'lead-1', { step: 'draft' }));
  m.desk.tell(m.desk.bulletins.get(id));
  await page.getByRole('link', { name: 'Road closed' }).click();
  const sent = await hold(page, '**/submissions', { method: 'POST' });
  await button(page, 'Propose (EXERCISE)').click();
  await sent.waits();
  await page.evaluate(() => { location.hash = 'subscriptions'; });
  await page.getByRole('heading', { name: 'What you are told of', level: 1 }).waitFor();
  await sent.let();
  assert.equal(await hash(page), '#subscriptions');
});

test('more reports come for whoever asks for them while the list is being read again', async (t) => {
  const { page, m } = await office(t, 'intelligence/raw', { as: 'analyst-2', reports: true });
  for (let k = 0; k < 70; k += 1) m.reports.put(m.reports.uuid(2000 + k), m.reports.content({ title: `Report ${k}` }), 'analyst-1', { filed_at: new Date(Date.now() - k * 60_000).toISOString() });
  m.reports.tell(m.reports.reports.get(m.reports.uuid(2000)));
  const rows = page.getByRole('table', { name: 'Reports: Raw' }).getByRole('row');
  await until('a page of them', async () => (await rows.count()) === 51);
  await page.locator('.list[aria-busy="false"]').waitFor();
  const list = await hold(page, '**/intelligence?step=raw&limit=50', { first: 1 });
  m.reports.tell(m.reports.reports.get(m.reports.uuid(2000)));
  await list.waits();
  await button(page, 'Show more').click({ timeout: 10_000 });
  await until('all of them', async () => (await rows.count()) === 72);
  await list.let();
  await page.locator('.list[aria-busy="false"]').waitFor();
  assert.equal(await rows.count(), 72);
});

test('a report that comes late is not shown as one changed since, where its reader has changed it', async (t) => {
  const { page, m } = await office(t, `intelligence/${RAW}/edit`, { as: 'analyst-1', reports: true });
  await page.getByLabel('Title, one line').fill('Two drones');
  await page.getByLabel('Why it is changed').fill('shorter');
  const before = await hold(page, `**/intelligence/${RAW}`, { first: 1 });
  m.reports.tell(m.reports.reports.get(RAW));
  await before.waits();
  await button(page, /^Change it/).click();
  await page.getByText('Changed. It is raw until').waitFor();
  await before.let();
  await page.getByRole('heading', { name: /Two drones$/ }).waitFor();
  assert.equal(await page.getByText('It was changed since you opened it').count(), 0);
});

test('what a search found before it was told of more says that there is more', async (t) => {
  const id = '018f3c00-0000-7000-8000-0000000000aa';
  const { page, m } = await office(t, 'subscriptions', { search: true });
  const none = { kinds: [], near: null, from: null, until: null, reliability: null, credibility: null };
  await page.evaluate(async (body) => { await fetch('/api/v1/searches', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }); }, { id, name: 'Canisters', search: { q: 'canister', ...none }, notify: true });
  const add = (who) => m.search.add({ text: 'a canister', person_name: who, person: 'agent-2', by: 'agent-2' });
  add('Agent 2');
  const found = await hold(page, '**/searches/*/hits*', { first: 1 });
  await page.evaluate((i) => { location.hash = `search/kept/${i}`; }, id);
  await found.waits();
  add('Agent 4');
  await page.getByRole('navigation', { name: 'Office' }).getByRole('link', { name: 'Search 2 new' }).waitFor();
  await found.let();
  await page.getByText('1 hit', { exact: true }).waitFor();
  await page.getByText('Something new came since you opened this.').waitFor();
});

test('a list of kept searches from before does not undo what was done since', async (t) => {
  const id = '018f3c00-0000-7000-8000-0000000000aa';
  const { page, m } = await office(t, 'subscriptions', { search: true });
  const none = { kinds: [], near: null, from: null, until: null, reliability: null, credibility: null };
  await page.evaluate(async (body) => { await fetch('/api/v1/searches', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }); }, { id, name: 'Canisters', search: { q: 'canister', ...none }, notify: true });
  m.search.add({ text: 'a canister', person_name: 'Agent 2', person: 'agent-2', by: 'agent-2' });
  // This page has no stream: the list is read when the window is looked at again.
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  const news = page.getByRole('navigation', { name: 'Office' }).getByRole('link', { name: 'Search 1 new' });
  await news.waitFor();
  await page.evaluate((i) => { location.hash = `search/kept/${i}`; }, id);
  await page.getByText('1 hit', { exact: true }).waitFor();
  const list = await hold(page, '**/api/v1/searches', { first: 1 });
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await list.waits();
  await button(page, 'Mark as read').click();
  await page.getByText('Read: what comes from now on').waitFor();
  await list.let();
  assert.equal(await news.count(), 0);
});

test('an area that is refused stays as it was typed', async (t) => {
  const { page } = await office(t, 'subscriptions', { as: 'agent-1' });
  await page.route('**/me/subscriptions', (route) => (route.request().method() === 'PUT' ? route.fulfill({ status: 422, contentType: 'application/problem+json', body: JSON.stringify({ title: 'invalid', status: 422, detail: 'not now', code: 'invalid' }) }) : route.fallback()));
  await button(page, 'Only in an area').click();
  await page.getByLabel('Middle').fill('13R CR 59571 15434');
  await page.getByLabel('Radius, km').fill('12');
  await button(page, 'Ask for it').click();
  await page.getByRole('alert').filter({ hasText: 'not now' }).waitFor();
  assert.equal(await page.getByLabel('Middle').inputValue(), '13R CR 59571 15434');
});

test('somebody who is looked for is not called nobody before the answer; a list that comes after the choice stays away', async (t) => {
  const { page } = await office(t, 'bulletins/new', { as: 'watch-1' });
  await page.getByLabel('Kind of rule').selectOption({ label: 'Named people' });
  await button(page, 'Add rule').click();
  const add = page.getByLabel('Add somebody');
  await add.fill('Agent 1');
  const found = page.getByRole('list', { name: 'Found' });
  await found.getByRole('button').first().waitFor();
  const late = await hold(page, '**/directory/people?*');
  await add.fill('Agent 10');
  await late.waits();
  await found.getByRole('button').first().click();
  await late.let();
  assert.equal(await found.count(), 0);
  const again = await hold(page, '**/directory/people?*');
  await add.fill('Agent 20');
  await again.waits();
  await page.getByText('Looking…').waitFor();
  assert.equal(await page.getByText('Nobody fits.').count(), 0);
  await again.let();
});

test('who leads a unit is moved as many steps as there were presses', async (t) => {
  const named = (id) => ({ id, name: `Lead ${id}`, disabled: false });
  const unit = { id: 'north', name: 'North patrol', agency: 'sector', leadership: ['a', 'b', 'c', 'd'].map(named), people: 4, sites: [] };
  const answers = [];
  const { page } = await office(t, 'units', {
    prepare: (p) => p.route('**/api/v1/directory', async (route) => {
      const json = (body) => route.fulfill({ contentType: 'application/json', body: JSON.stringify(body) });
      if (route.request().method() === 'GET') return json({ agencies: [{ id: 'sector', name: 'Sector' }], units: [unit], rosters: [], people: 4, disabled: 0, notes: [] });
      for (const c of route.request().postDataJSON().changes) if (c.change === 'put_unit') unit.leadership = c.unit.leadership.map(named);
      await new Promise((r) => answers.push(r));
      return json({ changes: 1 });
    }),
  });
  await button(page, 'North patrol').click();
  await button(page, '4. Lead d').focus();
  for (let k = 0; k < 3; k += 1) await page.keyboard.press('Alt+ArrowUp');
  for (let k = 0; k < 3; k += 1) {
    await until('a step is sent', () => answers.length > 0);
    answers.shift()();
  }
  await button(page, '1. Lead d').waitFor();
  assert.deepEqual(unit.leadership.map((l) => l.id), ['d', 'a', 'b', 'c']);
  await until('the keys go with them', () => page.evaluate(() => /^1\. Lead d/.test(document.activeElement?.textContent ?? '')));
});

test('two duties that are taken off one after the other are both off', async (t) => {
  const at = (h) => { const d = new Date(); d.setHours(h, 0, 0, 0); return d.toISOString(); };
  let roster = { id: 'desk', name: 'Watch desk', unit: 'centre', duties: [8, 12, 16].map((h) => ({ person: 'agent-1', from: at(h), until: at(h + 3) })) };
  const answers = [];
  const { page } = await office(t, 'rosters', {
    prepare: (p) => p.route('**/api/v1/rosters', async (route) => {
      const json = (body) => route.fulfill({ contentType: 'application/json', body: JSON.stringify(body) });
      if (route.request().method() === 'GET') return json({ items: [{ roster, unit_name: 'Centre', people: { 'agent-1': { name: 'Agent 1', disabled: false, here: true } }, may_write: true }], units: [{ id: 'centre', name: 'Centre' }] });
      ({ roster } = route.request().postDataJSON());
      await new Promise((r) => answers.push(r));
      return json({});
    }),
  });
  const off = page.getByRole('button', { name: /^Take Agent 1 off/ });
  await until('three duties', async () => (await off.count()) === 3);
  await off.nth(0).click();
  await off.nth(1).click({ timeout: 10_000 });
  for (let k = 0; k < 2; k += 1) {
    await until('it is sent', () => answers.length > 0);
    answers.shift()();
  }
  await until('one is left', async () => (await off.count()) === 1);
  assert.deepEqual(roster.duties.map((d) => d.from), [at(16)]);
});

test('a person who was opened last is shown, whichever answer comes last', async (t) => {
  const person = (id, name) => ({ id, name, unit: 'north', unit_name: 'North patrol', agency: 'sector', roles: ['field'], channels: ['web'], tak_uid: null, language: 'en', disabled: false, leads: [], unreachable: false, why: null, since: null });
  const late = [];
  const { page } = await office(t, 'people', {
    prepare: (p) => p.route('**/api/v1/directory/people/*', async (route) => {
      const first = route.request().url().endsWith('/one');
      if (first) await new Promise((r) => late.push(r));
      return route.fulfill({ contentType: 'application/json', body: JSON.stringify(first ? person('one', 'Person One') : person('two', 'Person Two')) });
    }),
  });
  await page.evaluate(() => { location.hash = 'people/one'; });
  await until('asked for', () => late.length > 0);
  await page.evaluate(() => { location.hash = 'people/two'; });
  await page.getByRole('heading', { name: 'Person Two' }).waitFor();
  const came = page.waitForEvent('requestfinished', { predicate: (r) => r.url().endsWith('/one') });
  late.shift()();
  await came;
  await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
  assert.equal(await page.getByRole('heading', { name: 'Person Two' }).count(), 1);
});

test('an auditor’s question is asked at once while the first list is being read, and what was asked last is shown', async (t) => {
  const row = (what) => ({ entry: 1, recorded_at: new Date().toISOString(), by: { id: 'x', name: what }, deed: 'read_positions', what: 'people', about: [], everybody: true, session: null, first: new Date().toISOString(), last: new Date().toISOString(), times: 1 });
  const late = [];
  const { page } = await office(t, 'audit', {
    as: 'auditor-1',
    prepare: (p) => p.route('**/api/v1/audit?*', async (route) => {
      const narrowed = route.request().url().includes('person=');
      if (!narrowed) await new Promise((r) => late.push(r));
      return route.fulfill({ contentType: 'application/json', body: JSON.stringify({ items: [row(narrowed ? 'Who was asked for' : 'Everybody')], next: null }) });
    }),
  });
  await until('the first list is asked for', () => late.length > 0);
  await page.getByLabel('By (id of a person)').fill('agent-3');
  await page.keyboard.press('Enter');
  await page.getByText('Who was asked for').waitFor();
  const came = page.waitForEvent('requestfinished', { predicate: (r) => r.url().includes('/audit?') });
  late.shift()();
  await came;
  await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
  assert.ok(await page.getByText('Who was asked for').isVisible());
});

test('alarms that were taken one after the other stay taken, whichever answer comes last', async (t) => {
  const m = mock({});
  const url = await m.listen();
  const { context, page } = await watched(browser);
  t.after(async () => { await context.close(); m.close(); });
  await page.goto(`${url}/#sign-in=as-watch-1`);
  await page.waitForSelector('.needs[aria-busy="false"]');
  const first = await hold(page, '**/alarms/take', { method: 'POST', first: 1 });
  await page.locator('.row.urgent').first().click();
  await page.keyboard.press('Space');
  await first.waits();
  await page.locator('.row.caution').first().click();
  await page.keyboard.press('Space');
  const second = page.locator('.row.caution').first().getByText(/in hand: you since/);
  await second.waitFor();
  await first.let();
  assert.equal(await second.count(), 1, 'not undone by a list from before it');
  await page.locator('.row.urgent').first().getByText(/in hand: you since/).waitFor();
});

test('a password that is typed anew while the answer to the first is on its way stays', async (t) => {
  const m = mock({});
  const url = await m.listen();
  const { context, page } = await watched(browser);
  t.after(async () => { await context.close(); m.close(); });
  await page.goto(url);
  await page.getByLabel('Name').fill('watch-1');
  await page.getByLabel('Password').fill('pasword12');
  const answer = await hold(page, '**/api/v1/sessions', { method: 'POST', first: 1 });
  await page.keyboard.press('Enter');
  await answer.waits();
  await page.getByLabel('Password').fill('password12');
  await answer.let();
  await page.getByText('Name or password is wrong.').waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Needs you now' }).waitFor();
});

test('a bulletin that is asked for again while the answer to its acknowledgement is on its way is asked for', async (t) => {
  const { centre, page } = await phone(browser, t);
  const id = centre.issue();
  const acknowledge = page.getByRole('button', { name: /^Acknowledge: Urgent/ });
  const answer = await hold(page, '**/acknowledgements', { method: 'POST' });
  // A button that has only just appeared takes no touch yet.
  await until('acknowledged', async () => {
    if (await acknowledge.isVisible()) await acknowledge.click({ timeout: 2_000 }).catch(() => undefined);
    return centre.notices.get(id).acknowledged;
  });
  await page.getByRole('button', { name: '1 bulletin in force' }).waitFor();
  await answer.waits();
  const view = centre.notices.get(id);
  view.acknowledged = false;
  Object.assign(view.recipients[0], { acknowledged_at: null, owes: true });
  centre.send('notice', view);
  await answer.let();
  await acknowledge.waitFor();
});
