// Intelligence reports at the real program, by people in browsers of their own: filed by pasting, vetted by another, linked
// in a bulletin, its purge asked for and decided by a third; and what it says about an individual, masked until the
// supervisor named approves it. One story, told in order.
// SKYPICKET_BIN names the program; LOOK names a folder for pictures; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.SKYPICKET_LOOK ?? process.env.LOOK;
const centre = new RealCentre();
let browser;
let report;
const pages = {};
const wrongs = [];

before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  [browser] = await Promise.all([launch(), centre.start()]);
});
after(async () => {
  await browser?.close();
  await centre.stop();
});

/** What a browser said; that something is refused, or gone, is told on purpose. */
const nothingWrong = () => assert.deepEqual(wrongs.map(({ name, wrong }) => [name, wrong.filter((w) => !/\b(404|409|422)\b/.test(w))]).filter(([, w]) => w.length > 0), []);
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`), fullPage: true });
};
async function office(person, hash) {
  const { page, wrong } = await watched(browser, { viewport: { width: 1280, height: 1000 } });
  await page.goto((await centre.links(person)).url.replace('/#', '/office/#'));
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  pages[person] = page;
  wrongs.push({ name: person, wrong });
  return page;
}
const go = (page, hash) => page.evaluate((h) => { location.hash = h; }, hash);
const button = (page, name) => page.getByRole('button', { name });
const status = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor();
/** The fields that are to be filled in of a post that was pasted. */
async function paste(page, text, source, origin) {
  await page.getByLabel(/^Text/).fill(text);
  await page.getByLabel('Kind of source').selectOption('open_post');
  await page.getByLabel(/^Source, in words/).fill(source);
  await page.getByLabel(/^Origin/).fill(origin);
  await button(page, 'Now').click();
  await page.getByLabel('How it was learned').selectOption('read');
  await page.getByLabel(/I affirm/).check();
  await button(page, 'Take the first line of the text').click();
  await page.getByLabel('drones, their flights and loads').check();
}

test('two analysts, a supervisor and an auditor are entered', async () => {
  const person = (id, name, roles) => ({ change: 'put_person', person: { id, name, unit: 'desk-i', roles, language: 'en' } });
  await centre.api('POST', '/directory', {
    id: randomUUID(),
    changes: [
      { change: 'put_agency', agency: { id: 'county-i', name: 'County sheriff' } },
      { change: 'put_unit', unit: { id: 'desk-i', name: 'County desk', agency: 'county-i', leadership: [] } },
      person('ana-i', 'Analyst Ana', ['analyst']), person('bo-i', 'Analyst Bo', ['analyst']), person('lead-i', 'County lead', ['field', 'supervisor']), person('audit-i', 'County auditor', ['auditor']),
    ],
  });
});

test('one files a report by pasting a post; without a lawful source it is refused beside its field', async () => {
  const ana = await office('ana-i', 'intelligence');
  await ana.getByText('No report is kept that you may see.').waitFor();
  await ana.getByRole('link', { name: 'File a report (EXERCISE)' }).click();
  await paste(ana, 'They fly at night now.\nSeen at the river road.', 'a public channel of the county', 'https://www.x.example/a/1?s=20');
  await ana.getByLabel(/I affirm/).uncheck();
  await button(ana, 'File it (EXERCISE)').click();
  await ana.getByText('nothing is kept unless whoever files it affirms that it was obtained lawfully (28 CFR 23.20(d))').waitFor();
  await ana.getByLabel(/I affirm/).check();
  await ana.getByLabel('The report: how credible the information is').selectOption('1');
  await button(ana, 'File it (EXERCISE)').click();
  await ana.getByText('credibility 1 needs two linked reports of independent sources').waitFor();
  await ana.getByLabel('The report: how reliable the source is').selectOption('C');
  await ana.getByLabel('The report: how credible the information is').selectOption('3');
  await axe(ana, 'form');
  await look(ana, 'real-form');
  await button(ana, 'File it (EXERCISE)').click();
  await status(ana, 'Filed. It is raw until a second person vets it.');
  report = /#intelligence\/([0-9a-f-]{36})$/.exec(ana.url())[1];
  await ana.getByText('You wrote at it: somebody else must vet it.').waitFor();
  await axe(ana, 'report');
  await look(ana, 'real-report');
  nothingWrong();
});

test('another is told that it waits for them, reads it, and vets it', async () => {
  const bo = await office('bo-i', 'intelligence');
  const row = bo.getByRole('row').filter({ hasText: 'They fly at night now.' });
  await row.getByText('waits for you: read and vet it').waitFor();
  await row.getByRole('img', { name: 'Grade C3: source fairly reliable, information possibly true' }).waitFor();
  await row.getByRole('link').click();
  await button(bo, 'Vet…').click();
  await bo.getByRole('dialog').getByRole('button', { name: 'Vet it (EXERCISE)' }).click();
  await status(bo, 'Vetted.');
  // Its author's page says so by itself.
  await pages['ana-i'].getByText('vetted, version 1').waitFor();
  assert.match(await pages['ana-i'].getByRole('table', { name: 'History' }).innerText(), /Analyst Bo\s+vetted it[\s\S]*Analyst Ana\s+filed it[\s\S]*F6[\s\S]*C3/);
  nothingWrong();
});

test('a bulletin’s draft rests on it: each opens the other', async () => {
  const ana = pages['ana-i'];
  await go(ana, 'bulletins/new');
  await ana.getByLabel('Title, one line').fill('Drones at night');
  await button(ana, 'Add the fields of an Officer Safety Alert').click();
  await ana.getByRole('group', { name: 'What it rests on: it stays at the centre' }).getByLabel('Kind').selectOption('report');
  await ana.getByLabel('Choose one').selectOption({ label: 'C3 They fly at night now.' });
  await ana.getByRole('status').filter({ hasText: /^\s*Kept as a draft at/ }).waitFor();
  const chosen = ana.getByRole('list', { name: 'It rests on' }).getByRole('link', { name: 'C3 They fly at night now.' });
  assert.equal(await chosen.getAttribute('href'), `#intelligence/${report}`);
  const cited = pages['bo-i'].getByRole('list', { name: 'Bulletins that rest on it' }).getByRole('link', { name: 'Drones at night' });
  await cited.waitFor();
  await cited.click();
  await pages['bo-i'].getByRole('region', { name: 'What it rests on' }).getByRole('link', { name: 'They fly at night now.' }).click();
  await pages['bo-i'].getByRole('article', { name: 'What it says' }).waitFor();
  nothingWrong();
});

test('two change it at once: the second sees what the first changed, and keeps what they typed', async () => {
  const [ana, bo] = [pages['ana-i'], pages['bo-i']];
  await go(ana, `intelligence/${report}/edit`);
  await go(bo, `intelligence/${report}/edit`);
  await ana.getByLabel('Title, one line').fill('They fly at night');
  await bo.getByLabel(/^Text/).fill('They fly at night now. Two were seen at the river road.');
  await bo.getByLabel('Why it is changed').fill('counted');
  await button(bo, 'Change it (EXERCISE)').click();
  await status(bo, 'Changed. It is raw until');
  const conflict = ana.getByRole('region', { name: 'Changed by another' });
  await conflict.getByText('by Analyst Bo').waitFor();
  await axe(ana, 'conflict');
  await look(ana, 'real-conflict');
  await button(ana, 'Keep what I typed over it').click();
  await ana.getByLabel('Why it is changed').fill('shorter');
  await button(ana, 'Change it (EXERCISE)').click();
  await status(ana, 'Changed. It is raw until');
  await ana.getByRole('heading', { name: /They fly at night$/ }).waitFor();
  await ana.getByText('Two were seen at the river road.').waitFor();
  nothingWrong();
});

test('its author asks for its purge, an auditor decides it, and a tombstone is left; the others learn that it is gone', async () => {
  const [ana, bo] = [pages['ana-i'], pages['bo-i']];
  await button(ana, 'Ask for its purge…').click();
  await ana.getByRole('dialog').getByLabel('Why', { exact: true }).fill('its source took it back');
  await ana.getByRole('dialog').getByRole('button', { name: 'Ask for its purge (EXERCISE)' }).click();
  await status(ana, 'Asked for: another decides whether it goes.');
  const audit = await office('audit-i', 'intelligence');
  await audit.getByRole('navigation', { name: 'Which reports' }).getByRole('link', { name: /^To purge \(1, oldest due/ }).click();
  await audit.getByRole('row').filter({ hasText: 'waits for you: decide whether it goes' }).getByRole('link').click();
  await go(bo, `intelligence/${report}`);
  await bo.getByText('Two were seen at the river road.').waitFor();
  await button(audit, 'Purge (EXERCISE)…').click();
  const dialog = audit.getByRole('dialog', { name: 'Purge it, for good?' });
  await dialog.waitFor();
  assert.equal(await audit.evaluate(() => document.activeElement.textContent.trim()), 'Leave it');
  await dialog.getByLabel('Why', { exact: true }).fill('withdrawn by its source');
  await dialog.getByRole('button', { name: 'Purge it (EXERCISE)' }).click();
  const stone = audit.getByRole('region', { name: 'Tombstone' });
  await stone.waitFor();
  assert.match(await stone.innerText(), /Asked for by\s+Analyst Ana[\s\S]*Decided by\s+County auditor[\s\S]*withdrawn by its source[\s\S]*[0-9a-f]{64}/);
  assert.ok(!/river road|took it back/.test(await audit.locator('main').innerText()), 'no word of it is left');
  await axe(audit, 'tombstone');
  await look(audit, 'real-tombstone');
  await bo.getByText('It is not there for you any more').waitFor();
  assert.ok(!(await bo.locator('main').innerText()).includes('river road'));
  nothingWrong();
});

test('what a report says about an individual is seen by nobody else until the supervisor who is named approves it', async () => {
  const [ana, bo] = [pages['ana-i'], pages['bo-i']];
  await go(ana, 'intelligence/new');
  await paste(ana, 'A load was released over the post.', 'patrol North 3', 'patrol log 26-1108');
  await button(ana, 'It has to').click();
  await ana.getByLabel('What it says about the individual').fill('The pilot wore a grey cap.');
  await ana.getByLabel('Supervisor who is asked to approve it').selectOption({ label: 'County lead, County sheriff' });
  await button(ana, 'File it (EXERCISE)').click();
  await ana.getByText('say why they are reasonably suspected of which crime').waitFor();
  await ana.getByLabel(/^Basis:/).fill('He released the load.');
  await button(ana, 'File it (EXERCISE)').click();
  await status(ana, 'Filed. It is raw until');
  await ana.getByText('The pilot wore a grey cap.').waitFor();
  const id = /#intelligence\/([0-9a-f-]{36})$/.exec(ana.url())[1];
  await go(bo, `intelligence/${id}`);
  const part = bo.getByRole('region', { name: 'About an individual' });
  await part.getByText('Hidden: it waits for County lead').waitFor();
  assert.ok(!/grey cap|released the load/.test(await bo.locator('main').innerText()));
  await bo.getByText('It is vetted once the supervisor named has approved').waitFor();
  assert.equal(await button(bo, 'Vet…').count(), 0);
  const lead = await office('lead-i', 'intelligence');
  await lead.getByRole('row').filter({ hasText: 'waits for you: read and approve' }).getByRole('link').click();
  await lead.getByText('He released the load.').waitFor();
  await button(lead, 'Approve what it says about an individual…').click();
  await lead.getByRole('dialog').getByRole('button', { name: 'Approve this part (EXERCISE)' }).click();
  await part.getByText('The pilot wore a grey cap.').waitFor();
  await button(bo, 'Vet…').waitFor();
  await axe(bo, 'individual');
  await look(bo, 'real-individual');
  nothingWrong();
});
