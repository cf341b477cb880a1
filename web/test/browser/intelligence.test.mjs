// Intelligence reports in the built office, in real browsers against the made-up centre: filed by the keyboard alone,
// refused beside the field, kept when the page is read again, changed by two, vetted, reviewed, purged, and masked. LOOK
// names a folder for pictures. Needs `npm run build` first.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { mock } from '../../dev/mock-server.mjs';
import { axe, typeReport, until } from '../../dev/steps.mjs';

const LOOK = process.env.SKYPICKET_LOOK ?? process.env.LOOK;
let browser;
before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  browser = await launch();
});
after(async () => { await browser?.close(); });
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`), fullPage: true });
};
/** For an input of date and time. */
const inDays = (n) => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 16);
const button = (page, name) => page.getByRole('button', { name });
const RAW = '018f3c00-0000-8000-8000-000000000900';
const OLD = '018f3c00-0000-8000-8000-000000000901';

/** A made-up centre, and the office of it as somebody in a browser of their own. */
async function centre(t, options = {}) {
  const m = mock({ reports: true, bulletins: true, scene: 'calm', ...options });
  const url = await m.listen();
  t.after(() => m.close());
  return {
    m,
    url,
    async office(as, hash, { palette, ...more } = {}) {
      const { context, page, wrong } = await watched(browser, { viewport: { width: 1280, height: 1000 }, ...more });
      t.after(() => context.close());
      await page.goto(`${url}/office/#sign-in=as-${as}`);
      await page.getByRole('navigation', { name: 'Office' }).waitFor();
      if (palette) await page.evaluate((p) => { document.documentElement.dataset.palette = p; }, palette);
      await page.evaluate((h) => { location.hash = h; }, hash);
      return { page, wrong: () => wrong.filter((w) => !/\/api\/v1\/me$/.test(w.trim()) && !/\b(404|409|422)\b/.test(w)) };
    },
  };
}
const quiet = (page) => page.locator('.list[aria-busy="false"]').waitFor();
/** Goes on with the Tab key until what has the focus is called so. */
async function tabTo(page, name) {
  for (let k = 0; k < 60; k += 1) {
    await page.keyboard.press('Tab');
    const is = await page.evaluate(() => {
      const e = document.activeElement;
      return e?.getAttribute('aria-label') ?? (e?.labels?.[0]?.textContent ?? e?.textContent ?? '').trim();
    });
    if (name.test(is)) return;
  }
  assert.fail(`the Tab key does not come to ${name}`);
}

for (const palette of ['night', 'day']) {
  test(`one pasted post is filed by the keyboard alone, and what the centre refuses stands beside its field (${palette})`, async (t) => {
    const { m, office } = await centre(t);
    const { page, wrong } = await office('analyst-1', 'intelligence', { palette });
    await page.getByRole('table', { name: 'Reports: All that are kept' }).waitFor();
    await quiet(page);
    // The badge says its words to whoever does not see it.
    await page.getByRole('img', { name: 'Grade B2: source usually reliable, information probably true' }).waitFor();
    await axe(page, `list ${palette}`);
    await look(page, `reports-${palette}`);
    await tabTo(page, /^File a report/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'File a report (EXERCISE)' }).waitFor();
    await page.getByText('Skypicket gathers nothing itself').waitFor();
    await until('the text is where one begins', () => page.evaluate(() => /^Text/.test(document.activeElement?.labels?.[0]?.textContent ?? '')));
    await page.keyboard.insertText('They fly at night now.\nSeen at the river road.');
    await tabTo(page, /^Kind of source/);
    await page.keyboard.type('one post');
    await tabTo(page, /^Source, in words/);
    await page.keyboard.insertText('a public channel of the county');
    await tabTo(page, /^Origin/);
    await page.keyboard.insertText('https://www.x.example/a/1');
    await tabTo(page, /^When it was learned/);
    await page.keyboard.type('01022026');
    await page.keyboard.press('Tab');
    await page.keyboard.type('0304A');
    await page.getByText('That is 2026-01-02 10:04:00 UTC (03:04:00 MST).').waitFor();
    await tabTo(page, /^How it was learned/);
    await page.keyboard.type('read');
    await tabTo(page, /^Take the first line/);
    await page.keyboard.press('Enter');
    await until('the title', async () => (await page.getByLabel('Title, one line').inputValue()) === 'They fly at night now.');
    assert.equal(await page.getByLabel('The report: how reliable the source is').inputValue(), 'F');
    assert.equal(await page.getByLabel('The report: how credible the information is').inputValue(), '6');
    await page.keyboard.press('Enter');
    // What it is about is missing: said in the words of the centre, and the focus is there.
    await tabTo(page, /^File it/);
    await page.keyboard.press('Enter');
    const about = page.getByText('say at least one thing that it is about');
    await about.waitFor();
    await page.getByText('Not filed. The centre refused a field').waitFor();
    await until('the focus is there', async () => (await page.evaluate(() => document.activeElement?.closest('[role="group"]')?.getAttribute('aria-label'))) === 'It is about');
    await axe(page, `refused ${palette}`);
    await look(page, `report-refused-${palette}`);
    await page.keyboard.press('Space');
    await tabTo(page, /^File it/);
    await page.keyboard.press('Enter');
    await page.getByText('nothing is kept unless whoever files it affirms that it was obtained lawfully (28 CFR 23.20(d))').waitFor();
    await until('the focus is on it', () => page.evaluate(() => document.activeElement?.getAttribute('type') === 'checkbox' && /lawfully/.test(document.activeElement.labels[0].textContent)));
    await page.keyboard.press('Space');
    await tabTo(page, /^File it/);
    await page.keyboard.press('Enter');
    await page.getByText('Filed. It is raw until a second person vets it.').waitFor();
    await page.getByRole('heading', { name: /They fly at night now\./ }).waitFor();
    const filed = [...m.reports.reports.values()].find((r) => r.content.title === 'They fly at night now.');
    assert.equal(filed.content.provenance.kind, 'open_post');
    assert.equal(filed.content.provenance.at, '2026-01-02T10:04:00.000Z');
    assert.deepEqual(filed.content.grade, { reliability: 'F', credibility: 6 });
    assert.match(page.url(), new RegExp(`#intelligence/${filed.id}$`));
    await page.getByRole('list', { name: 'What is not possible now, and why' }).getByText('You wrote at it: somebody else must vet it.').waitFor();
    await axe(page, `report ${palette}`);
    await look(page, `report-${palette}`);
    assert.equal(await page.evaluate(() => Object.keys(sessionStorage).length), 0, 'what was sent is not kept');
    assert.deepEqual(wrong(), []);
  });
}

test('what was typed is there again after the page was read again, and is gone after sign-out', async (t) => {
  const { url, office } = await centre(t);
  const { page } = await office('analyst-1', 'intelligence/new');
  await page.getByLabel(/^Text/).fill('Half a sentence');
  await page.getByLabel('The report: how reliable the source is').selectOption('C');
  await page.getByText('What you type is kept in this tab until it is sent or you sign out.').waitFor();
  await page.reload();
  await page.getByText('What you had typed is here again.').waitFor();
  assert.equal(await page.getByLabel(/^Text/).inputValue(), 'Half a sentence');
  assert.equal(await page.getByLabel('The report: how reliable the source is').inputValue(), 'C');
  await button(page, 'Close; what you typed stays in this tab').click();
  await page.getByText('What you had typed is still there.').waitFor();
  await button(page, 'Sign out').click();
  await page.getByLabel('Password').waitFor();
  await page.goto(`${url}/office/#sign-in=as-analyst-1`);
  await page.reload();
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate(() => { location.hash = 'intelligence/new'; });
  await page.getByLabel(/^Text/).waitFor();
  assert.equal(await page.getByLabel(/^Text/).inputValue(), '');
});

test('an answer that was lost files it once, also when something else is sent then', async (t) => {
  const { m, office } = await centre(t);
  const { page } = await office('analyst-1', 'intelligence/new');
  await typeReport(page, 'Once');
  // A browser tries once more by itself.
  m.reports.lost = 10;
  await button(page, /^File it/).click();
  await page.getByRole('alert').filter({ hasText: 'The centre does not answer' }).waitFor();
  m.reports.lost = 0;
  await page.getByLabel('Title, one line').fill('Once, at night');
  await button(page, /^File it/).click();
  await page.getByText('What you sent first had arrived.').waitFor();
  assert.equal([...m.reports.reports.values()].filter((r) => r.content.title.startsWith('Once')).length, 1);
  // What was typed since is there to be put in as a change.
  await page.getByRole('heading', { name: 'Change: Once' }).waitFor();
  assert.equal(await page.getByLabel('Title, one line').inputValue(), 'Once, at night');
  await page.getByLabel('Why it is changed').fill('it was at night');
  await button(page, /^Change it/).click();
  await page.getByText('Changed. It is raw until').waitFor();
  assert.equal([...m.reports.reports.values()].find((r) => r.content.text === 'Once').content.title, 'Once, at night');
});

test('two change one report: what others changed is shown, what was typed stays, and nothing is overwritten unread', async (t) => {
  const { m, office } = await centre(t);
  const [a, b] = [await office('analyst-1', `intelligence/${RAW}/edit`), await office('analyst-2', `intelligence/${RAW}/edit`)];
  await a.page.getByLabel('Title, one line').waitFor();
  await b.page.getByLabel(/^Text/).waitFor();
  await b.page.getByLabel(/^Text/).fill('They stood there for two minutes.');
  await b.page.getByLabel('Why it is changed').fill('a second look');
  // The first does not hear of it in time.
  m.reports.push = ((push) => (...x) => (x[0] === 'intelligence' ? undefined : push(...x)))(m.reports.push);
  await button(b.page, /^Change it/).click();
  await b.page.getByText('Changed. It is raw until').waitFor();
  await a.page.getByLabel('Title, one line').fill('Two drones with loads');
  await a.page.getByLabel('Why it is changed').fill('shorter');
  await button(a.page, /^Change it/).click();
  const conflict = a.page.getByRole('region', { name: 'Changed by another' });
  await conflict.waitFor();
  assert.match(await conflict.innerText(), /by Analyst Two\. What you typed is still here[\s\S]*Text[\s\S]*for a minute[\s\S]*for two minutes/);
  assert.equal(m.reports.reports.get(RAW).version, 2, 'nothing was overwritten');
  assert.equal(await a.page.getByLabel('Title, one line').inputValue(), 'Two drones with loads');
  assert.ok(await button(a.page, /^Change it/).isDisabled());
  await until('the focus is there', () => a.page.evaluate(() => document.activeElement?.getAttribute('aria-label') === 'Changed by another'));
  await axe(a.page, 'conflict');
  await look(a.page, 'report-conflict');
  await button(a.page, 'Keep what I typed over it').click();
  await conflict.waitFor({ state: 'detached' });
  assert.equal(await a.page.getByLabel(/^Text/).inputValue(), 'They stood there for two minutes.', 'theirs, where nothing was typed');
  await button(a.page, /^Change it/).click();
  await a.page.getByText('Changed. It is raw until').waitFor();
  const now = m.reports.reports.get(RAW);
  assert.deepEqual([now.version, now.content.title, now.content.text], [3, 'Two drones with loads', 'They stood there for two minutes.']);
  assert.match(await a.page.getByRole('table', { name: 'History' }).innerText(), /changed it: title\s+shorter[\s\S]*changed it: text\s+a second look/);
});

test('the second person vets what they read, not what was changed since', async (t) => {
  const { m, office } = await centre(t);
  const { page } = await office('analyst-2', `intelligence/${RAW}`);
  await button(page, 'Vet…').waitFor();
  const r = m.reports.reports.get(RAW);
  Object.assign(r, { version: 2, content: { ...r.content, text: 'Another text.' } });
  r.history.push({ version: 2, at: new Date().toISOString(), by: 'lead-1', what: 'changed', fields: ['text'], grade: null, why: 'x' });
  m.reports.tell(r);
  await page.getByRole('alert').filter({ hasText: 'It was changed since you opened it, by Lead North.' }).waitFor();
  assert.ok(await button(page, 'Vet…').isDisabled());
  assert.equal(await page.getByText('Another text.').count(), 0, 'what was read stays on the screen');
  await button(page, 'Show it as it is now').click();
  await page.getByText('Another text.').waitFor();
  await button(page, 'Vet…').click();
  const dialog = page.getByRole('dialog', { name: 'Does it fit what may be kept?' });
  await dialog.waitFor();
  await axe(page, 'vet');
  await dialog.getByRole('button', { name: 'Vet it (EXERCISE)' }).click();
  await page.getByText('Vetted.', { exact: true }).waitFor();
  assert.equal(m.reports.reports.get(RAW).step, 'vetted');
});

test('the queues say how much is due and for how long; a review takes new dates, within the law', async (t) => {
  const { m, office } = await centre(t);
  const { page } = await office('analyst-2', 'intelligence');
  const parts = page.getByRole('navigation', { name: 'Which reports' });
  await parts.getByRole('link', { name: 'To review (1, oldest due 3 days ago)' }).click();
  await page.getByRole('table', { name: 'Reports: To review' }).waitFor();
  await quiet(page);
  await page.getByText('to be looked at again, 3 days late').waitFor();
  await page.getByText('One of these waits for you.').waitFor();
  await page.getByRole('link', { name: 'Canisters were bought at the market' }).click();
  await button(page, 'Review: new dates…').click();
  const dialog = page.getByRole('dialog', { name: 'Is it still right, and still needed?' });
  await dialog.getByLabel(/^Gone by/).fill(inDays(3_000));
  await dialog.getByRole('button', { name: 'Keep it until then (EXERCISE)' }).click();
  await dialog.getByText('Say why.').waitFor();
  await dialog.getByLabel('Why', { exact: true }).fill('it goes on');
  await dialog.getByRole('button', { name: 'Keep it until then (EXERCISE)' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'nothing is kept over five years without a review' }).waitFor();
  await axe(page, 'review');
  await look(page, 'report-review');
  await dialog.getByLabel(/^Gone by/).fill(inDays(200));
  // Typed over what stands there: while a year is typed it is the year 2, 20 and 202.
  await dialog.getByLabel(/^Looked at again by/).focus();
  const [year, month, day] = inDays(100).slice(0, 10).split('-');
  await page.keyboard.type(`${month}${day}${year}`);
  await until('the date is typed', async () => (await dialog.getByLabel(/^Looked at again by/).inputValue()).startsWith(`${year}-${month}-${day}`));
  await dialog.getByRole('button', { name: 'Keep it until then (EXERCISE)' }).click();
  await page.getByText('Kept until the new dates.').waitFor();
  assert.equal(m.reports.due(m.reports.reports.get(OLD)), null);
  await page.getByRole('link', { name: 'All reports' }).click();
  await parts.getByRole('link', { name: 'To review (0)' }).waitFor();
});

test('whoever asked for a purge does not decide it; the safe answer has the focus; a tombstone is left, and the others are told', async (t) => {
  const { m, office } = await centre(t);
  const [a, b, other] = [await office('auditor-1', `intelligence/${RAW}`), await office('watch-1', 'intelligence/purge'), await office('analyst-2', `intelligence/${RAW}/edit`)];
  await other.page.getByLabel('Title, one line').fill('Drones over the river road');
  await other.page.getByText('What you type is kept in this tab').waitFor();
  await button(a.page, 'Ask for its purge…').click();
  let dialog = a.page.getByRole('dialog', { name: 'Ask that it be purged?' });
  await dialog.getByLabel('Why', { exact: true }).fill('its source took it back');
  await dialog.getByRole('button', { name: 'Ask for its purge (EXERCISE)' }).click();
  await a.page.getByText('Somebody who neither filed it nor asked for its purge must decide that.').waitFor();
  assert.equal(await button(a.page, /^Purge/).count(), 0);
  // The other hears of it at once, and sees since when.
  await b.page.getByRole('navigation', { name: 'Which reports' }).getByRole('link', { name: /^To purge \(1, oldest due/ }).waitFor();
  await b.page.getByRole('link', { name: 'Two drones with loads over the river road' }).click();
  await b.page.getByRole('note').filter({ hasText: 'Auditor asked at' }).waitFor();
  await button(b.page, 'Purge (EXERCISE)…').click();
  dialog = b.page.getByRole('dialog', { name: 'Purge it, for good?' });
  await dialog.waitFor();
  assert.equal(await b.page.evaluate(() => document.activeElement.textContent.trim()), 'Leave it');
  await axe(b.page, 'purge');
  await look(b.page, 'report-purge');
  await b.page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(m.reports.reports.get(RAW).step, 'raw', 'left as it was');
  await button(b.page, 'Purge (EXERCISE)…').click();
  await dialog.getByLabel('Why', { exact: true }).fill('withdrawn by its source');
  await dialog.getByRole('button', { name: 'Purge it (EXERCISE)' }).click();
  const stone = b.page.getByRole('region', { name: 'Tombstone' });
  await stone.waitFor();
  assert.match(await stone.innerText(), /Asked for by\s+Auditor[\s\S]*Decided by\s+Watch officer[\s\S]*withdrawn by its source[\s\S]*[0-9a-f]{64}/);
  assert.ok(!(await b.page.locator('main').innerText()).includes('river road'), 'no word of it is left');
  await axe(b.page, 'tombstone');
  await look(b.page, 'report-tombstone');
  await other.page.getByText('It is not there for you any more').waitFor();
  await until('nor what was begun to change of it', () => other.page.evaluate(() => Object.keys(sessionStorage).length === 0));
  assert.ok(!(await other.page.locator('main').innerText()).includes('river road'));
  await b.page.evaluate(() => { location.hash = 'intelligence/purged'; });
  await b.page.getByRole('link', { name: /^Tombstone of / }).waitFor();
});

test('what was typed of a report that is purged goes from the tab wherever its writer is, and so does what is old', async (t) => {
  const { m, url, office } = await centre(t);
  const { page } = await office('analyst-1', `intelligence/${RAW}/edit`);
  const keys = () => page.evaluate(() => Object.keys(sessionStorage));
  const type = async (id) => {
    await page.evaluate((h) => { location.hash = h; }, `intelligence/${id}/edit`);
    await page.getByLabel('Title, one line').fill('Drones over the river road');
    await until('it is kept', async () => (await keys()).some((k) => k.endsWith(`.${id}`)));
  };
  /** Another page of the office; `hears` when it follows the centre by itself. */
  const goTo = async (hash, name) => {
    await page.evaluate((h) => { location.hash = h; }, hash);
    await page.getByRole('heading', { name, level: 1 }).waitFor();
  };
  const gone = (id) => {
    m.reports.reports.delete(id);
    m.reports.push('intelligence', { report: id, version: null, step: null, gone: true });
  };
  await type(RAW);
  const streams = () => m.log.filter((l) => l === 'GET /events').length;
  const before = streams();
  await goTo('subscriptions', 'What you are told of');
  await until('this page listens', () => streams() > before);
  assert.equal((await keys()).length, 1, 'what was typed is still there');
  gone(RAW);
  await until('told on a page that shows nothing of it', async () => (await keys()).length === 0);
  await type(OLD);
  await goTo('search', 'Search');
  assert.equal((await keys()).length, 1);
  gone(OLD);
  await until('told on a page that listens', async () => (await keys()).length === 0);
  // Its end came while nobody listened.
  const third = m.reports.uuid(902);
  m.reports.put(third, m.reports.content({ title: 'A third' }), 'analyst-1');
  await type(third);
  await goTo('sign-in', 'Your sign-in');
  await fetch(`${url}/mock/cut`, { method: 'POST' });
  await page.getByText('Not connected to the centre').waitFor();
  m.reports.reports.delete(third);
  assert.equal((await keys()).length, 1);
  await fetch(`${url}/mock/mend`, { method: 'POST' });
  await until('asked for after the gap', async () => (await keys()).length === 0);
  // What nobody wrote on at for a day.
  await page.evaluate(() => { location.hash = 'intelligence/new'; });
  await page.getByLabel(/^Text/).fill('Half a sentence');
  await until('it is kept', async () => (await keys()).length === 1);
  await goTo('sign-in', 'Your sign-in');
  await page.reload();
  await page.getByRole('heading', { name: 'Your sign-in', level: 1 }).waitFor();
  assert.equal((await keys()).length, 1, 'it outlives loading the page again');
  await page.evaluate(() => { for (const [k, v] of Object.entries(sessionStorage)) sessionStorage.setItem(k, JSON.stringify({ ...JSON.parse(v), at: Date.now() - 25 * 3_600_000 })); });
  await page.reload();
  await page.getByRole('heading', { name: 'Your sign-in', level: 1 }).waitFor();
  await until('it is gone', async () => (await keys()).length === 0);
});

test('a report that is purged goes from what can be linked, and its words from what is linked', async (t) => {
  const { m, url, office } = await centre(t);
  const { page } = await office('analyst-1', 'intelligence/new');
  await page.locator('label', { hasText: /^Kind Sighting/ }).locator('select').selectOption('report');
  const options = page.getByLabel(/^Choose one/).locator('option');
  const words = 'Canisters were bought at the market';
  await until('both are offered', async () => (await options.count()) === 3);
  await page.getByLabel(/^Choose one/).selectOption(OLD);
  const linked = page.getByRole('list', { name: 'It is linked with' });
  await linked.getByRole('link', { name: words }).waitFor();
  m.reports.push('intelligence', { report: OLD, version: null, step: null, gone: true });
  await linked.getByRole('link', { name: OLD }).waitFor();
  assert.ok(!(await page.locator('main').innerText()).includes(words));
  await button(page, `Take off ${OLD}`).click();
  await linked.waitFor({ state: 'detached' });
  assert.equal(await options.filter({ hasText: words }).count(), 0, 'nor is it offered');
  await fetch(`${url}/mock/cut`, { method: 'POST' });
  await page.getByText('Not connected to the centre').waitFor();
  m.reports.reports.delete(RAW);
  await fetch(`${url}/mock/mend`, { method: 'POST' });
  await until('what was purged meanwhile is not offered', async () => (await options.filter({ hasText: 'river road' }).count()) === 0);
});

test('the focus goes to what was opened, and back to the row that it came from; the list has a heading', async (t) => {
  const { office } = await centre(t);
  const { page } = await office('analyst-2', 'intelligence');
  const focused = () => page.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.textContent?.trim()}`);
  const words = 'Canisters were bought at the market';
  await page.getByRole('heading', { name: 'All that are kept', level: 2 }).waitFor();
  const row = page.getByRole('link', { name: words });
  await row.focus();
  await page.keyboard.press('Enter');
  await until('the heading of the report', async () => new RegExp(`^H2 .*${words}$`).test(await focused()));
  await page.getByRole('link', { name: 'All reports' }).focus();
  await page.keyboard.press('Enter');
  await until('the row that it came from', async () => (await focused()) === `A ${words}`);
  await page.keyboard.press('Enter');
  await until('the heading again', async () => /^H2 /.test(await focused()));
  await page.goBack();
  await until('the row again', async () => (await focused()) === `A ${words}`);
  // Where that row is not in the list: its heading.
  await page.keyboard.press('Enter');
  await until('the heading again', async () => /^H2 /.test(await focused()));
  await page.evaluate(() => { location.hash = 'intelligence/raw'; });
  await until('the heading of the list', async () => (await focused()) === 'H2 Raw');
  await axe(page, 'the list from a report');
  // Whoever goes through the parts of the list stays where they are.
  const part = page.getByRole('link', { name: 'Vetted' });
  await part.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('table', { name: 'Reports: Vetted' }).waitFor();
  await quiet(page);
  assert.equal(await focused(), 'A Vetted');
});

test('what it says about an individual is masked until the supervisor named approves it; nothing of it without a basis', async (t) => {
  const { m, office } = await centre(t);
  const [a, boss, other] = [await office('analyst-1', `intelligence/${RAW}/edit`), await office('lead-1', 'intelligence'), await office('analyst-2', `intelligence/${RAW}`)];
  await button(a.page, 'It has to').click();
  await a.page.getByLabel('What it says about the individual').fill('The pilot wore a grey cap.');
  await a.page.getByLabel('Supervisor who is asked to approve it').selectOption({ label: 'Lead North, Sector' });
  await a.page.getByLabel('Why it is changed').fill('seen again');
  await button(a.page, /^Change it/).click();
  await a.page.getByText('say why they are reasonably suspected of which crime').waitFor();
  await a.page.getByLabel(/^Basis:/).fill('He released a load over the post.');
  await button(a.page, /^Change it/).click();
  await a.page.getByText('The pilot wore a grey cap.').waitFor();
  await button(other.page, 'Show it as it is now').click();
  const part = other.page.getByRole('region', { name: 'About an individual' });
  await part.getByText('Hidden: it waits for Lead North').waitFor();
  assert.ok(!(await other.page.locator('main').innerText()).includes('grey cap'));
  await other.page.getByText('It is vetted once the supervisor named has approved').waitFor();
  await axe(other.page, 'masked');
  await look(other.page, 'report-masked');
  await boss.page.getByRole('row').filter({ hasText: 'read and approve what it says about an individual' }).getByRole('link').click();
  await boss.page.getByText('He released a load over the post.').waitFor();
  await button(boss.page, 'Approve what it says about an individual…').click();
  await boss.page.getByRole('dialog').getByRole('button', { name: 'Approve this part (EXERCISE)' }).click();
  await part.getByText('The pilot wore a grey cap.').waitFor();
  assert.equal(m.reports.reports.get(RAW).individual_approved.by, 'lead-1');
});

test('long lists come in pages, and on a narrow screen nothing is cut off', async (t) => {
  const { m, office } = await centre(t);
  for (let k = 0; k < 70; k += 1) m.reports.put(m.reports.uuid(2000 + k), m.reports.content({ title: `Report ${k}` }), 'analyst-1', { filed_at: new Date(Date.now() - k * 60_000).toISOString() });
  const { page } = await office('analyst-2', 'intelligence/raw', { viewport: { width: 400, height: 900 } });
  const table = page.getByRole('table', { name: 'Reports: Raw' });
  await table.waitFor();
  await quiet(page);
  assert.equal(await table.getByRole('row').count(), 51);
  await button(page, 'Show more').click();
  await until('all of them', async () => (await table.getByRole('row').count()) === 72);
  assert.equal(await button(page, 'Show more').count(), 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'no sideways scrolling of the page');
  await look(page, 'reports-narrow');
  await page.evaluate((id) => { location.hash = `intelligence/${id}`; }, RAW);
  await page.getByRole('article', { name: 'What it says' }).waitFor();
  assert.ok(await page.evaluate(() => document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth), 'the report fits');
  await look(page, 'report-narrow');
});

test('a bulletin’s draft opens the reports that it rests on, and a report names the bulletins that rest on it', async (t) => {
  const { m, office } = await centre(t);
  const bulletin = m.desk.uuid(720);
  m.desk.bulletins.set(bulletin, m.desk.state(bulletin, m.desk.content({ title: 'Drones', sheet: m.desk.sheet({ rests_on: [{ to: 'report', id: RAW }] }) }), 'lead-1', { step: 'draft' }));
  m.reports.reports.get(RAW).cited_by = [{ notice: bulletin, number: null, title: 'Drones', step: 'draft' }];
  const { page } = await office('lead-1', `bulletins/${bulletin}/edit`);
  const chosen = page.getByRole('list', { name: 'It rests on' }).getByRole('link');
  await until('its title', async () => (await chosen.innerText()) === 'B2 Two drones with loads over the river road');
  assert.equal(await chosen.getAttribute('href'), `#intelligence/${RAW}`);
  const [tab] = await Promise.all([page.context().waitForEvent('page'), chosen.click()]);
  await tab.getByRole('article', { name: 'What it says' }).waitFor();
  await tab.getByRole('list', { name: 'Bulletins that rest on it' }).getByRole('link', { name: 'Drones' }).click();
  await tab.getByRole('heading', { name: 'Draft: nobody gets it yet' }).waitFor();
});
