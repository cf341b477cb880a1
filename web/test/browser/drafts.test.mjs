// Drafts of bulletins in the built office, in real browsers against the made-up centre: begun from a template, kept while
// they are written, written at by two, commented, sent back, compared, and shown as they will go out. LOOK names a folder
// for pictures. Needs `npm run build` first.
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
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`), fullPage: true });
};
const button = (page, name) => page.getByRole('button', { name });
const ISSUED = '018f3c00-0000-8000-8000-000000000600';

/** A made-up centre, and the office of it as somebody in a browser of their own. */
async function centre(t, options = {}) {
  const m = mock({ bulletins: true, scene: 'calm', ...options });
  const url = await m.listen();
  t.after(() => m.close());
  return {
    m,
    async office(as, hash, { palette } = {}) {
      const { context, page, wrong } = await watched(browser, { viewport: { width: 1280, height: 1000 } });
      t.after(() => context.close());
      await page.goto(`${url}/office/#sign-in=as-${as}`);
      await page.getByRole('navigation', { name: 'Office' }).waitFor();
      if (palette) await page.evaluate((p) => { document.documentElement.dataset.palette = p; }, palette);
      await page.evaluate((h) => { location.hash = h; }, hash);
      return { page, wrong: () => wrong.filter((w) => !/\/api\/v1\/me$/.test(w.trim()) && !/409/.test(w)) };
    },
  };
}
const kept = (page) => page.getByRole('status').filter({ hasText: /^\s*Kept as a draft at/ }).waitFor();

for (const palette of ['night', 'day']) {
  test(`an alert is begun from a template, filled in, kept by itself and read again after the page was closed (${palette})`, async (t) => {
    const { m, office } = await centre(t);
    const { page, wrong } = await office('lead-1', 'bulletins/new', { palette });
    await page.getByLabel('Template').selectOption({ label: 'Officer Safety Alert (osa, version 1)' });
    await page.getByLabel('Where', { exact: true }).fill('Post 2');
    await button(page, 'Fill in the form').click();
    await until('the template', async () => (await page.getByLabel('Title, one line').inputValue()) === 'EXERCISE: drones near Post 2');
    await kept(page);
    // Grades are two choices, and nobody's guess but F6.
    await button(page, 'Add what is known').click();
    assert.equal(await page.getByLabel('Known 2: how reliable the source is').inputValue(), 'F');
    assert.equal(await page.getByLabel('Known 2: how credible the information is').inputValue(), '6');
    await page.getByRole('textbox', { name: 'Known 2' }).fill('Two were seen at Post 2.');
    await page.getByLabel('Known 2: how reliable the source is').selectOption('C');
    await page.getByText('From the library (4)').click();
    await page.getByLabel('Do not touch a drone that came down.').check();
    await page.getByLabel('Own measure').fill('Park vehicles under the trees.');
    await button(page, 'Add the measure').click();
    await button(page, 'Add an area').click();
    await page.getByLabel('an area with corners').check();
    const corners = page.getByLabel(/^Corners, one in each line/);
    await corners.fill('31.76, -106.49\nnowhere');
    await page.getByText('Corner 2 is no MGRS position').waitFor();
    await corners.fill('31.76, -106.49\n31.77, -106.49\n13R CR 59943 15119');
    await page.getByText('Read as 3 corners').waitFor();
    const draft = () => [...m.desk.bulletins.values()].find((b) => b.step === 'draft');
    await until('all of it at the centre', () => draft()?.content.area?.points?.length === 3 && draft().content.sheet.measures.length === 5);
    assert.deepEqual(draft().content.sheet.known[1].grade, { reliability: 'C', credibility: 6 });
    assert.equal(draft().content.sheet.measures[4].id, 'park-vehicles-under-the-trees');
    await kept(page);
    await axe(page, `draft ${palette}`);
    await look(page, `draft-${palette}`);
    // Its address is the draft's by now.
    assert.match(page.url(), new RegExp(`#bulletins/${draft().notice}/edit$`));
    await page.reload();
    await until('the draft again', async () => (await page.getByRole('textbox', { name: 'Known 2' }).inputValue().catch(() => '')) === 'Two were seen at Post 2.');
    assert.equal(await corners.inputValue().then((v) => v.split('\n').length), 3);
    await button(page, 'Show every rendering').click();
    const dialog = page.getByRole('dialog', { name: 'Every rendering, side by side' });
    await dialog.getByText('90 characters, English').waitFor();
    assert.ok(await dialog.getByRole('link', { name: 'Open it in a new tab: PDF, English' }).getAttribute('href').then((h) => h.startsWith('blob:')));
    await axe(page, `renderings ${palette}`);
    await look(page, `renderings-${palette}`);
    await dialog.getByRole('button', { name: 'Close' }).click();
    assert.deepEqual(wrong(), []);
  });
}

test('two write at one draft: neither overwrites what they did not read', async (t) => {
  const { m, office } = await centre(t);
  const id = m.desk.uuid(700);
  m.desk.bulletins.set(id, m.desk.state(id, m.desk.content({ title: 'Road closed' }), 'lead-1', { step: 'draft' }));
  const [a, b] = [await office('lead-1', `bulletins/${id}/edit`), await office('watch-1', `bulletins/${id}/edit`)];
  const title = (p) => p.page.getByLabel('Title, one line');
  await title(a).waitFor();
  await title(b).waitFor();
  // What the other keeps is shown at once to who has not written anything.
  await title(b).fill('Road closed at night');
  await kept(b.page);
  await until('the other one’s words', async () => (await title(a).inputValue()) === 'Road closed at night');
  // Both write: the second is told, with what differs, and chooses.
  m.desk.push = ((push) => (...x) => (x[0] === 'bulletin' ? undefined : push(...x)))(m.desk.push);
  await title(a).fill('Road closed from 22:00');
  await until('the first at the centre', () => m.desk.bulletins.get(id).content.title === 'Road closed from 22:00');
  await title(b).fill('Road closed until 6:00');
  const conflict = b.page.getByRole('region', { name: 'Changed by another' });
  await conflict.waitFor();
  assert.match(await conflict.innerText(), /Changed by another while you wrote \(Lead[\s\S]*Title[\s\S]*Road closed until 6:00[\s\S]*Road closed from 22:00/);
  assert.ok(await button(b.page, 'Propose (EXERCISE)').isDisabled());
  assert.equal(m.desk.bulletins.get(id).content.title, 'Road closed from 22:00', 'nothing was overwritten');
  await axe(b.page, 'conflict');
  await look(b.page, 'conflict');
  await button(b.page, 'Keep mine over theirs').click();
  await until('mine, on purpose', () => m.desk.bulletins.get(id).content.title === 'Road closed until 6:00');
  await title(a).fill('Road closed from 23:00');
  await button(a.page, 'Read theirs; let mine go').click();
  await until('theirs', async () => (await title(a).inputValue()) === 'Road closed until 6:00');
  await conflict.waitFor({ state: 'detached' });
});

test('a draft is commented, proposed, sent back with a reason, written on at and approved by who wrote none of it', async (t) => {
  const { m, office } = await centre(t);
  const id = m.desk.uuid(701);
  const sheet = m.desk.sheet({ rests_on: [{ to: 'report', id: m.desk.uuid(1).replace(/^../, '0a') }, { to: 'report', id: m.desk.uuid(2) }] });
  m.desk.bulletins.set(id, m.desk.state(id, m.desk.content({ title: 'Drones', sheet }), 'lead-1', { step: 'draft' }));
  const [a, b] = [await office('lead-1', `bulletins/${id}`), await office('watch-1', 'bulletins')];
  await b.page.getByRole('rowheader', { name: 'Drafts (1)' }).waitFor();
  await b.page.getByRole('link', { name: 'Drones', exact: true }).click();
  await b.page.getByRole('heading', { name: 'Draft: nobody gets it yet' }).waitFor();
  const rests = b.page.getByRole('region', { name: 'What it rests on' });
  assert.match(await rests.innerText(), /B2 Report: Patrol North 3[\s\S]*TLP:AMBER[\s\S]*Besides one thing, marked TLP:AMBER, that you may not see[\s\S]*Marked less strictly/);
  await b.page.getByLabel('Say something to the others who write at it').fill('Which road?');
  await button(b.page, 'Comment').click();
  await a.page.getByRole('region', { name: 'Comments' }).getByText('Which road?').waitFor();
  // Marked wider than what it rests on: refused until there is a reason.
  await button(a.page, 'Propose (EXERCISE)').click();
  await a.page.getByRole('alert').filter({ hasText: 'what it rests on is marked more strictly' }).waitFor();
  await a.page.getByRole('link', { name: 'Write on at it' }).click();
  await a.page.getByLabel(/^Why it may open to more people/).fill('The source agreed.');
  await kept(a.page);
  await button(a.page, 'Propose (EXERCISE)').click();
  await a.page.getByText('You wrote this: somebody else must approve it.').waitFor();
  // The second person sees the reason, and sends it back.
  await b.page.getByText('Released because: The source agreed.').waitFor();
  // What they may not see is said before they press, in the button's own words, and afterwards by name.
  const blind = button(b.page, /^Approve without seeing 1 of what it rests on and issue to/);
  await blind.waitFor();
  await b.page.getByRole('note').filter({ hasText: /one thing, marked TLP:AMBER, that you may not see/ }).waitFor();
  assert.equal(await button(b.page, /break glass/).count(), 0, 'nobody releases alone');
  await axe(b.page, 'waits');
  await look(b.page, 'waits');
  await button(b.page, 'Send back…').click();
  const dialog = b.page.getByRole('dialog');
  await dialog.getByLabel('Why').fill('No road is named');
  await axe(b.page, 'send back');
  await dialog.getByRole('button', { name: 'Send back' }).click();
  await b.page.getByText('Sent back: its author sees why.').waitFor();
  const said = a.page.getByRole('region', { name: 'Comments' });
  await said.getByText('No road is named').waitFor();
  assert.match(await said.innerText(), /Watch officer sent it back/);
  await a.page.getByRole('link', { name: 'Write on at it' }).click();
  await a.page.getByLabel('Title, one line').fill('Drones at Route 9');
  await button(a.page, 'Propose (EXERCISE)').click();
  await blind.click();
  await b.page.getByText('Approved: it is on its way.').waitFor();
  await b.page.getByRole('heading', { name: 'EX-OSA-2026-0001, version 1: in force' }).waitFor();
  await a.page.getByText('Watch officer issued it without seeing all that it rests on: one thing, marked TLP:AMBER.').waitFor();
  assert.equal(m.desk.bulletins.get(id).content.title, 'Drones at Route 9');
  assert.deepEqual([...a.wrong(), ...b.wrong()].filter((w) => !/422/.test(w)), []);
});

test('what waits says field by field what changed since the version in force, and who wrote at it cannot approve it', async (t) => {
  const { m, office } = await centre(t);
  const b = m.desk.bulletins.get(ISSUED);
  b.content = { ...b.content, sheet: m.desk.sheet({}) };
  const better = m.desk.sheet({ known: [{ ...m.desk.sheet({}).known[0], grade: { reliability: 'A', credibility: 1 } }] });
  Object.assign(b, { authors: ['lead-1', 'watch-1'], correction: { content: { ...b.content, title: 'Drones carry explosives', sheet: better }, by: 'lead-1', at: new Date().toISOString(), why: 'confirmed' } });
  const { page } = await office('watch-1', `bulletins/${ISSUED}`);
  const table = page.getByRole('table', { name: 'What changed' });
  await table.waitFor();
  assert.deepEqual(await table.getByRole('rowheader').allInnerTexts(), ['Title', 'Known']);
  assert.match(await table.innerText(), /B2 The use of[\s\S]*A1 The use of/);
  await page.getByText('You wrote at this: somebody else must approve it.').waitFor();
  assert.equal(await button(page, /^Approve and issue/).count(), 0);
  await axe(page, 'diff');
  await look(page, 'diff');
});

test('what is typed of a correction outlives loading the page again, and overwrites nobody’s correction unread', async (t) => {
  const { m, office } = await centre(t);
  const at = (who) => office(who, `bulletins/${ISSUED}/correct`);
  const [a, b] = [await at('lead-1'), await at('watch-1')];
  const title = (p) => p.page.getByLabel('Title, one line');
  const why = (p) => p.page.getByLabel(/^Why it is corrected/);
  await title(a).fill('Typed by the lead');
  await why(a).fill('the road');
  await a.page.getByRole('status').filter({ hasText: 'Kept in this tab until you propose or cancel it' }).waitFor();
  await a.page.reload();
  await until('what was typed', async () => (await title(a).inputValue().catch(() => '')) === 'Typed by the lead');
  assert.equal(await why(a).inputValue(), 'the road');
  await a.page.getByRole('status').filter({ hasText: 'As you left it before the page was loaded again.' }).waitFor();
  assert.equal(m.desk.bulletins.get(ISSUED).correction, null, 'nobody else has it');

  // The other proposes one: said at once, with what differs and why; nothing of mine goes over it unread.
  await title(b).fill('Typed by the watch');
  await why(b).fill('a second sighting');
  await button(b.page, 'Propose the correction (EXERCISE)').click();
  await b.page.getByText('Correction proposed.').waitFor();
  const conflict = a.page.getByRole('region', { name: 'Changed by another' });
  await conflict.waitFor();
  assert.match(await conflict.innerText(), /Corrected by Watch officer while you wrote, because: a second sighting[\s\S]*Typed by the lead[\s\S]*Typed by the watch/);
  assert.ok(await button(a.page, 'Propose the correction (EXERCISE)').isDisabled());
  await axe(a.page, 'correction conflict');
  await look(a.page, 'correction-conflict');
  // Also after the page was loaded again.
  await a.page.reload();
  await conflict.waitFor();
  assert.equal(await title(a).inputValue(), 'Typed by the lead');
  await button(a.page, 'Keep mine over theirs').click();
  await conflict.waitFor({ state: 'detached' });
  await button(a.page, 'Propose the correction (EXERCISE)').click();
  await a.page.getByText('Correction proposed.').waitFor();
  assert.equal(m.desk.bulletins.get(ISSUED).correction.content.title, 'Typed by the lead');
  assert.equal(await a.page.evaluate(() => Object.keys(sessionStorage).filter((k) => k.startsWith('skypicket-typed')).length), 0, 'nothing is left in the tab');

  // An answer that comes first to the other: refused by the centre, and shown the same way.
  await b.page.evaluate((h) => { location.hash = h; }, `bulletins/${ISSUED}/correct`);
  await until('the lead’s words', async () => (await title(b).inputValue().catch(() => '')) === 'Typed by the lead');
  m.desk.push = ((push) => (...x) => (x[0] === 'bulletin' ? undefined : push(...x)))(m.desk.push);
  await title(b).fill('The watch again');
  const there = m.desk.bulletins.get(ISSUED);
  there.correction = { ...there.correction, content: { ...there.correction.content, title: 'Typed by an analyst' }, at: new Date(Date.now() + 1_000).toISOString(), why: 'more' };
  await button(b.page, 'Propose the correction (EXERCISE)').click();
  const refused = b.page.getByRole('region', { name: 'Changed by another' });
  await refused.waitFor();
  assert.equal(there.correction.content.title, 'Typed by an analyst', 'nothing was overwritten');
  await button(b.page, 'Read theirs; let mine go').click();
  await until('theirs', async () => (await title(b).inputValue()) === 'Typed by an analyst');
  await title(b).fill('Not proposed');
  await button(b.page, 'Cancel').click();
  await b.page.getByRole('link', { name: 'Correct…' }).click();
  await until('what was let go is gone', async () => (await title(b).inputValue().catch(() => '')) === 'Typed by an analyst');
  assert.deepEqual([...a.wrong(), ...b.wrong()], []);
});
