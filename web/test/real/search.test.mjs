// Search at the real program: an analyst keeps a search, others report and file something that fits, and the analyst's pages
// say so by themselves; it is opened, read and followed to the thing. A leader of another agency who keeps the same search finds
// what is theirs and nothing else, neither in a list nor in a number. One story, told in order.
// SKYPICKET_BIN names the program; LOOK names a folder for pictures; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
/** A word that nobody in the exercise says. */
const WORD = 'zanzibar';
const centre = new RealCentre();
let browser;
const pages = {};
const wrongs = [];
const cookies = new Map();

before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  [browser] = await Promise.all([launch(), centre.start()]);
  // The link of the start works once: used before two ask at the same time.
  await centre.api('GET', '/me');
});
after(async () => {
  await browser?.close();
  await centre.stop();
});

/** The API as somebody, beside their browser. */
async function as(person, method, path, body) {
  if (!cookies.has(person)) {
    const link = new URL((await centre.links(person)).url).hash.replace('#sign-in=', '');
    const signed = await fetch(`${centre.url}/api/v1/sessions`, { method: 'POST', headers: { 'content-type': 'application/json', origin: centre.url }, body: JSON.stringify({ link }) });
    assert.ok(signed.ok, `${person} is not signed in: ${signed.status}`);
    cookies.set(person, signed.headers.getSetCookie()[0].split(';')[0]);
  }
  return centre.ask(cookies.get(person), method, path, body);
}
const iso = (s = 0) => new Date(Date.now() + s * 1_000).toISOString();
async function sight(person, words) {
  const id = randomUUID();
  await as(person, 'POST', '/sightings', {
    id, from: { lat_deg: 31.9, lon_deg: -106.3, alt_hae_m: null }, from_accuracy_m: 10, bearing: null, range: 'farther', elevation_deg: null, kind: 'multirotor', count: 1, activity: 'leaving',
    lights: null, sound: null, payload: null, words, first_seen: iso(-5), last_seen: iso(-1), sent_at: iso(),
  });
  return id;
}
async function file(person, title, marking) {
  const day = 86_400;
  const { report } = await as(person, 'POST', '/intelligence', {
    id: randomUUID(),
    content: {
      title, text: `A patrol heard of ${WORD} twice.`, about: ['drone'], provenance: { kind: 'officer', obtained: 'observed', at: iso(-60), source: 'patrol North 3', lawful: true },
      grade: { reliability: 'B', credibility: 3 }, marking, review_by: iso(30 * day), purge_by: iso(80 * day),
    },
  });
  return report;
}
async function office(name, person, hash) {
  const { page, wrong } = await watched(browser);
  await page.goto((await centre.links(person)).url.replace('/#', '/office/#'));
  await page.getByRole('button', { name: /^(Not now|Ahora no)$/ }).click();
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  pages[name] = page;
  wrongs.push({ name, wrong });
  return page;
}
const nothingWrong = () => assert.deepEqual(wrongs.map(({ name, wrong }) => [name, wrong.filter((w) => !/basemap/.test(w))]).filter(([, w]) => w.length > 0), []);
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`) });
};
const menu = (page) => page.getByRole('navigation', { name: 'Office' });
const links = (page) => page.getByRole('region', { name: 'Hits' }).getByRole('list').getByRole('link');
async function keepIt(page) {
  const nothing = page.getByText(`Nothing that you may see fits ${WORD}.`);
  await nothing.waitFor();
  await page.getByRole('button', { name: 'Keep this search…' }).click();
  await page.getByLabel('Name').fill('Islands');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByText('Kept as “Islands”.').waitFor();
}

test('an analyst and a leader of another agency find nothing yet, and keep the search', async () => {
  const [analyst, lead] = await Promise.all([office('analyst', 'analyst-1', `search/q=${WORD}`), office('lead', 'east-lead', `search/q=${WORD}`)]);
  await keepIt(analyst);
  await keepIt(lead);
  assert.equal(await menu(analyst).getByText(/\bnew\b/i).count(), 0);
  nothingWrong();
});

test('what others report and file comes as unread by itself: to each of it what they may see', async () => {
  const { analyst, lead } = pages;
  const seen = await sight('picket-1', `🛸 it said ${WORD} on its side`);
  const report = await file('watch-1', `Drones from ${WORD}`, { tlp: 'TLP:AMBER', owner: 'sector', releasable_to: [], named: [] });
  await menu(analyst).getByRole('link', { name: 'Search 2 new' }).waitFor();
  await menu(analyst).getByText('New: Islands, 2 unread').waitFor();
  // What the leader leads is told to them, so what was before it has been looked at for them as well.
  await sight('picket-6', `${WORD} again`);
  await menu(lead).getByRole('link', { name: 'Search 1 new' }).waitFor();
  await menu(analyst).getByRole('link', { name: 'Search 3 new' }).waitFor();
  await look(analyst, 'search-real-new');

  await lead.getByRole('link', { name: 'Islands' }).click();
  await lead.getByText('1 hit', { exact: true }).waitFor();
  assert.deepEqual(await links(lead).allInnerTexts(), ['Sighting by Picket 6']);
  await lead.getByRole('link', { name: 'All that fits' }).click();
  await lead.getByText('1 hit', { exact: true }).waitFor();
  await lead.getByRole('textbox', { name: 'Words' }).fill(`${WORD} drones`);
  await lead.getByRole('textbox', { name: 'Words' }).press('Enter');
  await lead.getByText(`Nothing that you may see fits ${WORD} drones.`).waitFor();
  const [theirs] = (await as('east-lead', 'GET', '/searches')).items;
  assert.deepEqual([theirs.name, theirs.unread], ['Islands', 1], 'nor in the number');

  await analyst.getByRole('link', { name: 'Islands' }).click();
  await analyst.getByText('3 hits', { exact: true }).waitFor();
  assert.deepEqual(await links(analyst).allInnerTexts(), ['Sighting by Picket 6', `Drones from ${WORD}`, 'Sighting by Picket 1']);
  assert.deepEqual(await links(analyst).evaluateAll((all) => all.slice(1).map((a) => a.getAttribute('href'))), [`#intelligence/${report}`, `/#sighting/${seen}`]);
  const of = (text) => analyst.getByRole('region', { name: 'Hits' }).getByRole('listitem').filter({ hasText: text });
  assert.deepEqual(await of('Picket 1').locator('mark').allInnerTexts(), [WORD], 'what the centre counted is what is marked');
  assert.match(await of('Drones from').innerText(), /raw, not vetted[\s\S]*B3[\s\S]*TLP:AMBER for sector/);
  await axe(analyst, 'what is new');
  await look(analyst, 'search-real-hits');
  nothingWrong();
});

test('the analyst follows one to the console, which says quietly what is unread; reading it ends that on both', async () => {
  const { analyst } = pages;
  const kept = analyst.url();
  await links(analyst).last().click();
  await analyst.getByRole('region', { name: 'What is selected' }).getByText(`🛸 it said ${WORD} on its side`).waitFor();
  const line = analyst.getByRole('link', { name: 'New for what you search: Islands (3)' });
  await line.waitFor();
  await line.click();
  await until('the kept search', () => analyst.url() === kept);
  await analyst.getByText('3 hits', { exact: true }).waitFor();
  await analyst.getByRole('button', { name: 'Mark as read' }).click();
  await analyst.getByText('Read: what comes from now on is new for “Islands”.').waitFor();
  await until('the menu is quiet', async () => (await menu(analyst).getByText(/\bnew\b/i).count()) === 0);
  await analyst.reload();
  await analyst.getByText('Nothing new since you read it.').waitFor();
  await sight('picket-2', `one more ${WORD}`);
  await analyst.getByText('Something new came since you opened this.').waitFor();
  await analyst.getByRole('button', { name: 'Show it' }).click();
  await analyst.getByText('1 hit', { exact: true }).waitFor();
  assert.deepEqual(await links(analyst).allInnerTexts(), ['Sighting by Picket 2']);
  nothingWrong();
});
