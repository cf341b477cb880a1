// What an officer says of a track, in the built console against the made-up centre: the same thing as another, two things,
// what it is and back again; all of it by the keyboard, with nothing that axe finds. Needs `npm run build` first.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { mock } from '../../dev/mock-server.mjs';
import { until } from '../../dev/steps.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const id = (n) => `018f3c00-0000-8000-8000-${String(n).padStart(12, '0')}`;
const [DRONE, WING, OWN, SUSPECT] = [1, 2, 3, 5].map(id);
let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

async function open(t, track, options = {}) {
  const m = mock(options);
  const url = await m.listen();
  const { context, page } = await watched(browser);
  t.after(async () => { await context.close(); m.close(); });
  await page.goto(`${url}/#sign-in=as-${options.as ?? 'watch-1'}`);
  await page.waitForSelector('.needs[aria-busy="false"]', { timeout: 60_000 });
  await page.evaluate((to) => { location.hash = `#track/${to}`; }, track);
  await page.getByRole('heading', { name: 'Its story' }).waitFor();
  return { m, page, acts: page.getByRole('region', { name: 'What you say it is' }) };
}
const posted = (m, what) => m.log.filter((l) => l.startsWith('POST /tracks/') && l.endsWith(what)).length;
const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim());
async function axe(page, name) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const r = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return r.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`);
  });
  assert.deepEqual(found, [], name);
}

test('a track says how sure it is, how it began and what became of it', async (t) => {
  const { page } = await open(t, DRONE);
  const panel = page.locator('.section');
  await panel.getByText(/over 99 % sure/).waitFor();
  await panel.getByText(/ m by .* m \(2 sigma\)/).waitFor();
  await panel.getByText('Began with a radar plot from radar-1.').waitFor();
  await panel.getByText('Known as serial 1581F5FKD232600B4D1A.').waitFor();
  await axe(page, 'a track');
});

test('the same thing as another: by the keyboard, with a reason, once; one track is left and selected', async (t) => {
  const { m, page, acts } = await open(t, SUSPECT);
  await acts.getByRole('button', { name: 'Same thing as…' }).focus();
  await page.keyboard.press('Enter');
  await until('the list has the focus', () => page.evaluate(() => document.activeElement?.tagName === 'SELECT'));
  const options = await acts.locator('option').allTextContents();
  assert.ok(options.some((o) => /^drone …B4D1A, .* (m|km) \d{3}°, seen by /.test(o)), options.join(' | '));
  assert.ok(!options.some((o) => o.includes('BQRS7')), 'not itself');
  const send = acts.getByRole('button', { name: 'Merge', exact: true });
  assert.equal(await send.isDisabled(), true);
  const here = options.findIndex((o) => o.startsWith('drone …B4D1A'));
  // The first option only says what to do, and cannot be chosen.
  for (let k = 0; k < here; k += 1) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.type('one light');
  await axe(page, 'merging');
  await page.keyboard.press('Enter');
  await page.getByText('Merged: one track now.').waitFor();
  assert.equal(posted(m, '/merges'), 1);
  assert.equal(await page.evaluate(() => location.hash), `#track/${DRONE}`);
  await page.getByText(/Took over .*, merged by Watch officer: “one light”\./).waitFor();
});

test('two things: a source gets a track of its own, and the focus goes back to where it was', async (t) => {
  const { m, page, acts } = await open(t, DRONE);
  await acts.getByRole('button', { name: 'Two things…' }).click();
  await acts.getByLabel('What is another thing').selectOption({ label: 'radar-1' });
  await acts.getByLabel('Why').fill('two lights');
  await axe(page, 'splitting');
  await acts.getByRole('button', { name: 'Split', exact: true }).click();
  await page.getByText('Split: two tracks now.').waitFor();
  assert.equal(posted(m, '/splits'), 1);
  await until('the focus is on the button', async () => (await focused(page)) === 'Two things…');
  await page.getByText(/radar-1 became .*, split off by Watch officer: “two lights”\./).waitFor();
  // From the one to the other.
  await page.locator('.story').getByRole('button', { name: /^Open / }).click();
  await page.getByText(/Split from .* \(radar-1\) by Watch officer: “two lights”\./).waitFor();
});

test('what it is: said with a reason, shown beside what the tracker believes, and taken back', async (t) => {
  const { m, page, acts } = await open(t, WING);
  await acts.getByRole('button', { name: 'Classify…' }).click();
  await acts.getByLabel('It is').selectOption({ label: 'bird' });
  await acts.getByLabel('And whose, or how meant').selectOption({ label: 'harmless' });
  const send = acts.getByRole('button', { name: 'Classify', exact: true });
  assert.equal(await send.isDisabled(), true, 'not without a reason');
  await acts.getByLabel('Why').fill('it flaps');
  await axe(page, 'classifying');
  await send.click();
  await page.getByText('Classified.', { exact: true }).waitFor();
  await page.getByText(/Called bird, harmless by Watch officer .*: “it flaps”\./).waitFor();
  await page.getByText(/The tracker itself believes: fixed wing \(70 %\), unknown\./).waitFor();
  await acts.getByRole('button', { name: 'Undo the classification' }).click();
  await page.getByText('Taken back: the tracker decides again.').waitFor();
  await page.getByText(/The tracker itself believes/).waitFor({ state: 'detached' });
  await page.getByText('Watch officer took the classification back.').waitFor();
  assert.equal(posted(m, '/classifications'), 2);
});

test('what there is nothing to choose from says so, and what is refused is told', async (t) => {
  const { page, acts } = await open(t, OWN, { scene: 'calm' });
  await acts.getByRole('button', { name: 'Same thing as…' }).click();
  await acts.getByText('No other track is within 5.0 km.').waitFor();
  await acts.getByRole('button', { name: 'Classify…' }).click();
  await acts.getByLabel('It is').selectOption({ label: 'bird' });
  await acts.getByLabel('Why').fill('it flaps');
  await page.route('**/classifications', (route) => route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify({ status: 409, code: 'track_over', title: 'Conflict', detail: 'This track is over.' }) }));
  await acts.getByRole('button', { name: 'Classify', exact: true }).click();
  await page.getByText('Not classified: This track is over.').waitFor();
  assert.equal(await acts.getByLabel('Why').inputValue(), 'it flaps', 'what was typed stays');
});
