// Answers that come after whoever asked has gone elsewhere, in the built office, in a real browser against the made-up centre:
// nobody is brought back, nothing is said beside the wrong thing, and nothing older takes the place of what is shown. Each test
// holds an answer back until it likes. Needs `npm run build` first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { mock } from '../../dev/mock-server.mjs';
import { hold, typeReport, until } from '../../dev/steps.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

const ISSUED = '018f3c00-0000-8000-8000-000000000600';
const WAITS = '018f3c00-0000-8000-8000-000000000601';
const RAW = '018f3c00-0000-8000-8000-000000000900';
const OLD = '018f3c00-0000-8000-8000-000000000901';

async function office(t, hash, { as, ...options }) {
  const m = mock({ bulletins: true, reports: true, scene: 'calm', ...options });
  const url = await m.listen();
  const { context, page } = await watched(browser, { viewport: { width: 1280, height: 1000 } });
  t.after(async () => { await context.close(); m.close(); });
  await page.goto(`${url}/office/#sign-in=as-${as}`);
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  return { m, page };
}
const button = (page, name) => page.getByRole('button', { name });
const hash = (page) => page.evaluate(() => location.hash);
const go = (page, to) => page.evaluate((h) => { location.hash = h; }, to);
const keys = (page) => page.evaluate(() => Object.keys(sessionStorage));

test('whoever files a report and goes to another stays there, is told by its name, and nothing of it is kept in the tab', async (t) => {
  const { page } = await office(t, 'intelligence/new', { as: 'analyst-1' });
  await typeReport(page, 'Seen at the weir', 'They flew at night.');
  const filed = await hold(page, '**/api/v1/intelligence', { method: 'POST', first: 1 });
  await button(page, /^File it/).click();
  await filed.waits();
  await go(page, `intelligence/${RAW}`);
  await page.getByRole('heading', { name: /Two drones with loads/ }).waitFor();
  await filed.let();
  await page.getByText('“Seen at the weir” is filed.').waitFor();
  assert.equal(await hash(page), `#intelligence/${RAW}`);
  assert.ok(await page.getByRole('heading', { name: /Two drones with loads/ }).isVisible());
  assert.deepEqual(await keys(page), []);
});

test('whoever files a report and leaves for another page of the office is not brought back', async (t) => {
  const { page } = await office(t, 'intelligence/new', { as: 'analyst-1' });
  await typeReport(page, 'Seen at the weir', 'They flew at night.');
  const filed = await hold(page, '**/api/v1/intelligence', { method: 'POST', first: 1 });
  await button(page, /^File it/).click();
  await filed.waits();
  await go(page, 'subscriptions');
  await page.getByRole('heading', { name: 'What you are told of', level: 1 }).waitFor();
  await filed.let();
  assert.equal(await hash(page), '#subscriptions');
  assert.deepEqual(await keys(page), []);
});

test('a refusal that comes after its writer has gone on is said by its name, and what was typed is still there', async (t) => {
  const { page } = await office(t, 'intelligence/new', { as: 'analyst-1' });
  await typeReport(page, 'Seen at the weir', 'They flew at night.');
  const filed = await hold(page, '**/api/v1/intelligence', { method: 'POST', first: 1, fulfil: { status: 422, contentType: 'application/problem+json', body: JSON.stringify({ title: 'unfit', status: 422, code: 'unfit', detail: 'title: not so', request_id: 'r' }) } });
  await button(page, /^File it/).click();
  await filed.waits();
  await go(page, `intelligence/${RAW}/edit`);
  await page.getByRole('heading', { name: /^Change: Two drones/ }).waitFor();
  await filed.let();
  assert.equal(await hash(page), `#intelligence/${RAW}/edit`);
  await page.getByRole('alert').filter({ hasText: '“Seen at the weir” is not filed:' }).waitFor();
  assert.equal(await page.locator('form [aria-invalid="true"], form .refused').count(), 0, 'not beside the fields of another');
  assert.equal((await keys(page)).length, 1);
});

test('what was decided about one report is not shown over another', async (t) => {
  const { page, m } = await office(t, `intelligence/${RAW}`, { as: 'analyst-2' });
  await button(page, 'Vet…').click();
  const vetted = await hold(page, '**/vettings', { method: 'POST', first: 1 });
  await page.getByRole('dialog').getByRole('button', { name: 'Vet it (EXERCISE)' }).click();
  await vetted.waits();
  await go(page, `intelligence/${OLD}`);
  const other = page.getByRole('heading', { name: /Canisters were bought/ });
  await other.waitFor();
  await vetted.let();
  assert.ok(await other.isVisible());
  assert.equal(await page.getByText('Vetted.', { exact: true }).count(), 0);
  assert.equal(m.reports.reports.get(RAW).step, 'vetted');
});

test('a report that was read before and comes after does not take the place of a newer one', async (t) => {
  const { page, m } = await office(t, `intelligence/${RAW}`, { as: 'analyst-2' });
  await button(page, 'Vet…').waitFor();
  const r = m.reports.reports.get(RAW);
  const change = (version, text) => {
    Object.assign(r, { version, content: { ...r.content, text } });
    r.history.push({ version, at: new Date().toISOString(), by: 'lead-1', what: 'changed', fields: ['text'], grade: null, why: 'x' });
    m.reports.tell(r);
  };
  const before = await hold(page, `**/intelligence/${RAW}`, { method: 'GET', first: 1 });
  change(2, 'The second text.');
  await before.waits();
  change(3, 'The third text.');
  await button(page, 'Show it as it is now').click();
  await page.getByText('The third text.').waitFor();
  await before.let();
  assert.ok(await page.getByText('The third text.').isVisible());
  assert.equal(await button(page, 'Show it as it is now').count(), 0);
});

test('whoever proposes a correction and reads another bulletin stays there; what came of it is said by its name', async (t) => {
  const { page } = await office(t, `bulletins/${ISSUED}/correct`, { as: 'watch-1' });
  await page.getByLabel('Title, one line').fill('Corrected');
  await page.getByLabel(/^Why it is corrected/).fill('the place');
  const sent = await hold(page, '**/corrections', { method: 'POST', first: 1 });
  await button(page, 'Propose the correction (EXERCISE)').click();
  await sent.waits();
  await go(page, `bulletins/${WAITS}`);
  const waits = page.getByRole('heading', { name: 'It waits for a second person' });
  await waits.waitFor();
  await sent.let();
  await page.getByText('“Officer Safety Alert: drones may carry explosives”: Correction proposed.').waitFor();
  assert.equal(await hash(page), `#bulletins/${WAITS}`);
  assert.ok(await waits.isVisible(), 'what is read there is still read');
});

test('a kept search that is changed or dropped does not bring back who has gone elsewhere', async (t) => {
  const id = '018f3c00-0000-7000-8000-0000000000ab';
  const { page, m } = await office(t, 'subscriptions', { as: 'watch-1', search: true });
  const none = { kinds: [], near: null, from: null, until: null, reliability: null, credibility: null };
  await page.evaluate(async (body) => { await fetch('/api/v1/searches', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }); }, { id, name: 'Canisters', search: { q: 'canister', ...none }, notify: false });
  await go(page, `search/kept/${id}/all`);
  await page.getByRole('link', { name: 'Change…' }).click();
  await page.getByRole('form', { name: 'Change “Canisters”' }).getByLabel('Name').fill('Grey ones');
  const saved = await hold(page, '**/api/v1/searches', { method: 'POST', first: 1 });
  await button(page, 'Save the change').click();
  await saved.waits();
  await go(page, 'subscriptions');
  await page.getByRole('heading', { name: 'What you are told of', level: 1 }).waitFor();
  await saved.let();
  assert.equal(await hash(page), '#subscriptions');
  await go(page, `search/kept/${id}/all`);
  await button(page, 'Drop…').click();
  const dropped = await hold(page, `**/api/v1/searches/${id}`, { method: 'DELETE', first: 1 });
  await button(page.getByRole('dialog'), 'Drop it').click();
  await dropped.waits();
  await go(page, 'search/q=rotor');
  await page.getByText('Looks for “rotor”').waitFor();
  await dropped.let();
  await page.getByText('“Grey ones” is dropped.').waitFor();
  assert.equal(await hash(page), '#search/q=rotor');
  assert.equal(m.search.kept.get('watch-1').size, 0);
});
