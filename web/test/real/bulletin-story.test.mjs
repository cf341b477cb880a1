// An Officer Safety Alert at the real program, by two people in two browsers and a third with a phone: begun as a draft and
// kept by itself, commented, sent back, written on at, proposed, approved, read and ticked on the phone, corrected with what
// changed shown, and recalled. One story, told in order.
// SKYPICKET_BIN names the program; LOOK names a folder for pictures; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { PHONE, RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
const centre = new RealCentre();
let browser;
let bulletin;
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

async function open(name, url, options = {}) {
  const { page, wrong } = await watched(browser, options);
  await page.goto(url);
  await page.getByRole('button', { name: /^(Not now|Ahora no)$/ }).click();
  pages[name] = page;
  wrongs.push({ name, wrong });
  return page;
}
/** What a browser said; that an act was refused is told on purpose. */
const nothingWrong = () => assert.deepEqual(wrongs.map(({ name, wrong }) => [name, wrong.filter((w) => !/\b(409|422)\b/.test(w))]).filter(([, w]) => w.length > 0), []);
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`) });
};
const office = async (name, person, hash) => {
  const page = await open(name, (await centre.links(person)).url.replace('/#', '/office/#'));
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  return page;
};
const button = (page, name) => page.getByRole('button', { name });
const kept = (page) => page.getByRole('status').filter({ hasText: /^\s*Kept as a draft at/ }).waitFor();
const read = () => centre.api('GET', `/bulletins/${bulletin}`);

test('two desks and an agent of a county are entered', async () => {
  const person = (id, name, unit, roles) => ({ change: 'put_person', person: { id, name, unit, roles, language: 'en' } });
  await centre.api('POST', '/directory', {
    id: randomUUID(),
    changes: [
      { change: 'put_agency', agency: { id: 'county', name: 'County sheriff' } },
      { change: 'put_unit', unit: { id: 'desk-s', name: 'County desk', agency: 'county', leadership: [] } },
      { change: 'put_unit', unit: { id: 'deputies-s', name: 'Deputies', agency: 'county', leadership: ['boss-s'] } },
      person('boss-s', 'County lead', 'desk-s', ['field', 'supervisor']),
      person('desk-s', 'South desk', 'desk-s', ['watch']),
      person('deputy-s', 'Deputy 1', 'deputies-s', ['field']),
    ],
  });
  const phone = await open('phone', (await centre.links('deputy-s')).field_url, PHONE);
  await phone.locator('.report').waitFor();
  await until('heard', () => phone.getByText(/heard \d/).first().isVisible());
});

test('one begins an alert; it is kept by itself, and the other reads it, comments, and sends it back', async () => {
  const writer = await office('writer', 'desk-s', 'bulletins/new');
  await writer.getByLabel('Template').selectOption('alert');
  await button(writer, 'Fill in the form').click();
  await writer.getByLabel('Title, one line').fill('Explosive drones against personnel');
  await writer.getByLabel(/^Text: what is known/).fill('The use of explosive drones against personnel was authorised.');
  await writer.getByRole('radio', { name: /^urgent/ }).check();
  await button(writer, 'Add what is known').click();
  await writer.getByRole('textbox', { name: 'Known 1' }).fill('A partner heard of it from two sources.');
  await writer.getByLabel('Known 1: how reliable the source is').selectOption('B');
  await writer.getByLabel('Known 1: how credible the information is').selectOption('2');
  await button(writer, 'Add what is not known').click();
  await writer.getByRole('textbox', { name: 'Not known 1' }).fill('When and where.');
  for (const measure of ['Carry a first-aid kit with a tourniquet.', 'Take cover when you hear a drone.']) {
    await writer.getByLabel('Own measure').fill(measure);
    await button(writer, 'Add the measure').click();
  }
  await writer.getByLabel('To whom each sighting is reported, at once').fill('Your leader and this centre, at once.');
  await writer.getByLabel('Kind of rule').selectOption({ label: 'A unit' });
  await button(writer, 'Add rule').click();
  await writer.getByRole('combobox', { name: /^Unit/ }).selectOption('deputies-s');
  await button(writer, 'Add an area').click();
  await writer.getByLabel('an area with corners').check();
  await writer.getByLabel(/^Corners, one in each line/).fill('31.76, -106.49\n31.78, -106.49\n31.78, -106.46');
  await writer.getByText('Read as 3 corners').waitFor();
  await until('all of it is kept', async () => {
    bulletin ??= /#bulletins\/([0-9a-f-]{36})\/edit$/.exec(writer.url())?.[1];
    const b = bulletin === undefined ? null : await read();
    return b?.step === 'draft' && b.content.area?.points?.length === 3 && b.content.audience.length === 1 && b.content.sheet.measures.length === 2;
  });
  await kept(writer);
  await axe(writer, 'draft');
  await look(writer, 'story-draft');

  const second = await office('second', 'watch-1', 'bulletins');
  await second.getByRole('rowheader', { name: /^Drafts/ }).waitFor();
  await second.getByRole('link', { name: 'Explosive drones against personnel' }).click();
  await second.getByRole('heading', { name: 'Draft: nobody gets it yet' }).waitFor();
  await second.getByLabel('Say something to the others who write at it').fill('Which road?');
  await button(second, 'Comment').click();
  await second.getByRole('region', { name: 'Comments' }).getByText('Which road?').waitFor();
  await button(writer, 'Propose (EXERCISE)').click();
  await writer.getByText('You wrote this: somebody else must approve it.').waitFor();
  await writer.getByRole('region', { name: 'Comments' }).getByText('Which road?').waitFor();
  await button(second, 'Send back…').click();
  await second.getByRole('dialog').getByLabel('Why').fill('No road is named');
  await second.getByRole('dialog').getByRole('button', { name: 'Send back' }).click();
  await second.getByText('Sent back: its author sees why.').waitFor();
  assert.equal(await pages.phone.locator('article.bulletin').count(), 0, 'nobody has it');
  nothingWrong();
});

test('its author writes on at it, the other approves exactly that, and the phone has it with its number and a checklist', async () => {
  const { writer, second, phone } = pages;
  await writer.getByRole('region', { name: 'Comments' }).getByText('No road is named').waitFor();
  await writer.getByRole('link', { name: 'Write on at it' }).click();
  await writer.getByLabel('Title, one line').fill('Explosive drones at Route 9');
  await button(writer, 'Propose (EXERCISE)').click();
  await writer.getByText('You wrote this: somebody else must approve it.').waitFor();
  assert.equal(await button(writer, /^Approve and issue/).count(), 0);
  const go = button(second, 'Approve and issue to 1 person (EXERCISE)');
  await go.waitFor();
  assert.match(await second.getByRole('region', { name: 'What waits for a second person' }).innerText(), /Explosive drones at Route 9[\s\S]*B2 A partner heard[\s\S]*Carry a first-aid kit/);
  await axe(second, 'approve');
  await look(second, 'story-approve');
  await go.click();
  await second.getByText('Approved: it is on its way.').waitFor();
  const { number } = await read();
  assert.match(number, /^EX-OSA-\d{4}-\d{4}$/);
  await second.getByRole('heading', { name: `${number}, version 1: in force` }).waitFor();
  const card = phone.locator('article.bulletin').filter({ hasText: number });
  await card.waitFor();
  const words = await card.innerText();
  for (const said of ['Explosive drones at Route 9', 'Carry a first-aid kit', '0 of 2 done', 'Your leader and this centre', 'What is known (1)', 'South desk', 'approved by Watch officer']) assert.ok(words.includes(said), `${said} in ${words}`);
  assert.ok(!/Which road|No road is named/.test(words), 'what was said at the centre stays there');
  await axe(phone, 'alert on the phone');
  await look(phone, 'story-phone');
  const kit = card.getByRole('checkbox', { name: /first-aid kit/ });
  await until('ticked, and the centre has it', async () => {
    if ((await kit.getAttribute('aria-checked')) !== 'true') await kit.click();
    const { items } = await centre.api('GET', `/notices/${bulletin}/recipients?limit=50`);
    return items.find((r) => r.person === 'deputy-s')?.done?.length === 1;
  });
  // A button that has only just appeared takes no touch yet.
  await until('acknowledged', async () => {
    const button = card.getByRole('button', { name: /^Acknowledge/ });
    if (await button.isVisible()) await button.click({ timeout: 2_000 }).catch(() => undefined);
    return (await centre.api('GET', `/notices/${bulletin}/board`)).counts.acknowledged === 1;
  });
  nothingWrong();
});

test('corrected, the second person sees what changed; recalled, the phone says so', async () => {
  const { writer, second, phone } = pages;
  await writer.getByRole('link', { name: 'Correct…' }).click();
  await writer.getByLabel('Title, one line').fill('Explosive drones at Route 10');
  await writer.getByLabel(/^Why it is corrected/).fill('The road was wrong');
  await button(writer, 'Propose the correction (EXERCISE)').click();
  await writer.getByRole('heading', { name: 'A correction waits for a second person' }).waitFor();
  const table = second.getByRole('table', { name: 'What changed' });
  await table.waitFor();
  assert.deepEqual(await table.getByRole('rowheader').allInnerTexts(), ['Title']);
  await axe(second, 'correction');
  await look(second, 'story-correction');
  await button(second, /^Approve and issue/).click();
  await second.getByText('Approved: it is on its way.').waitFor();
  const card = phone.locator('article.bulletin').filter({ hasText: 'Explosive drones at Route 10' });
  await card.getByText('Corrected: this takes the place of what you had.').waitFor();
  assert.equal(await card.getByRole('checkbox', { name: /first-aid kit/ }).getAttribute('aria-checked'), 'true', 'what was done stays done');
  await button(second, 'RECALL (EXERCISE)…').click();
  await second.getByRole('dialog').getByLabel('Why').fill('It was a mistake');
  await button(second, 'RECALL NOW (EXERCISE)').click();
  await second.getByText('Recalled: it is being taken back everywhere.').waitFor();
  await phone.locator('article.bulletin').filter({ hasText: 'Explosive drones at Route 10' }).getByText('RECALLED', { exact: true }).waitFor();
  assert.equal(await phone.getByRole('checkbox').count(), 0);
  await look(phone, 'story-recalled');
  nothingWrong();
});

test('a template of the library is filled in, and every rendering of it says EXERCISE and its marking before anybody gets it', async () => {
  const { writer } = pages;
  await writer.evaluate(() => { location.hash = 'bulletins/new'; });
  await writer.getByLabel('Template').selectOption('exercise-officer-safety-alert');
  const places = writer.getByRole('group', { name: 'Begin with' }).getByRole('textbox');
  await places.first().waitFor();
  for (let k = 0, n = await places.count(); k < n; k += 1) await places.nth(k).fill('Route 9');
  await button(writer, 'Fill in the form').click();
  await until('the template', async () => /^EXERCISE/.test(await writer.getByLabel('Title, one line').inputValue()));
  await kept(writer);
  await writer.getByLabel('Kind of rule').selectOption({ label: 'A unit' });
  await button(writer, 'Add rule').click();
  await writer.getByRole('combobox', { name: /^Unit/ }).last().selectOption('deputies-s');
  const show = button(writer, 'Show every rendering');
  await until('it is whole', () => show.isEnabled());
  await show.click();
  const dialog = writer.getByRole('dialog', { name: 'Every rendering, side by side' });
  await dialog.getByText('CAP alert, English').waitFor();
  const items = await dialog.locator('pre').evaluateAll((list) => list.map((e) => [e.getAttribute('aria-label'), e.textContent]));
  assert.ok(items.length >= 14, `${items.length} renderings`);
  for (const [name, text] of items) assert.ok(/EXERCISE|EJERCICIO|<status>Exercise<\/status>/.test(text), `${name} says that it is an exercise: ${text}`);
  assert.match(await dialog.getByRole('link', { name: 'Open it in a new tab: PDF, English' }).getAttribute('href'), /^blob:/);
  await axe(writer, 'renderings');
  await look(writer, 'story-renderings');
  nothingWrong();
});
