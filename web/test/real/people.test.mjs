// The office's pages about people against the real program: find, change, undo, disable, lead, import, rosters; what is
// changed here is seen on the console at once. Told in order: each test goes on where the one before it ended.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

/** Where pictures go, when somebody wants to look. */
const LOOK = process.env.SKYPICKET_LOOK;
const centre = new RealCentre();
let browser;
let page;
let context;
let wrong;

before(async () => {
  [browser] = await Promise.all([launch(), centre.start()]);
});
after(async () => {
  await browser?.close();
  await centre.stop();
});

async function look(name) {
  if (LOOK) {
    mkdirSync(LOOK, { recursive: true });
    await page.screenshot({ path: join(LOOK, `${name}.png`) });
  }
  await axe(page, name);
  // A refusal that a test provokes is told by the browser as well.
  const expected = /status of (409|422|401)/;
  assert.deepEqual(wrong.filter((w) => !expected.test(w)), [], name);
}
const ask = (path) => page.evaluate(async (p) => (await fetch(`/api/v1${p}`)).json(), path);
const button = (name) => page.getByRole('button', { name, exact: typeof name === 'string' });
const said = (text) => page.getByText(text).first().waitFor();

test('an administrator signs in at the office and finds people', async () => {
  ({ page, context, wrong } = await watched(browser));
  await page.goto(centre.signIn.replace('/#', '/office/#'));
  const password = page.getByLabel('New password');
  await Promise.race([password.waitFor(), page.getByRole('table', { name: 'People' }).waitFor()]);
  if (await password.isVisible()) {
    await password.fill('correct horse battery');
    await page.getByLabel('The same again').fill('correct horse battery');
    await button('Save password').click();
  }
  await page.getByRole('link', { name: 'People', exact: true }).click();
  const table = page.getByRole('table', { name: 'People' });
  await table.waitFor();
  const all = (await ask('/directory')).people;
  await said(`1 to ${all} of ${all}`);
  await look('people');
  await page.getByLabel('Find').fill('lead');
  await until('only leads', async () => (await table.locator('tbody tr').count()) === 2);
  await page.getByLabel('Find').fill('nobody-like-this');
  await said('Nobody fits.');
  await page.getByLabel('Find').fill('');
  await page.getByLabel('Role').selectOption('administrator');
  await until('only administrators', async () => (await table.locator('tbody tr').count()) < all);
  await page.getByLabel('Role').selectOption('');
});

test('a person is added, changed, undone, disabled after a question, enabled and removed', async () => {
  await button('Add a person').click();
  await page.getByLabel('Id: how they sign in').fill('Gate 9');
  await said(/Only a-z, 0-9/);
  await page.getByLabel('Id: how they sign in').fill('gate-9');
  await page.getByLabel(/^Call-sign or role/).fill('Gate 9');
  await page.getByLabel('Unit').selectOption({ index: 1 });
  await look('person-new');
  await button('Add').click();
  await said('Added Gate 9.');
  await page.getByRole('heading', { name: 'Gate 9' }).waitFor();
  await said('never seen here');
  await button('tak: earlier').click();
  await page.getByLabel(/^Call-sign or role/).fill('Gate Nine');
  await button('Save').click();
  await said('Changed Gate Nine.');
  assert.deepEqual((await ask('/directory/people/gate-9')).channels, ['web', 'tak', 'push']);
  await look('person-changed');
  await button('Undo').click();
  await said('Undone');
  await page.getByRole('heading', { name: 'Gate 9', exact: true }).waitFor();
  assert.deepEqual((await ask('/directory/people/gate-9')).channels, ['web', 'push', 'tak']);
  await button('Disable…').click();
  await page.getByRole('heading', { name: 'Disable Gate 9?' }).waitFor();
  await look('person-disable');
  await button('Cancel').click();
  assert.equal((await ask('/directory/people/gate-9')).disabled, false);
  await button('Disable…').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await said('Disabled Gate 9');
  assert.equal((await ask('/directory/people/gate-9')).disabled, true);
  await button('Enable').click();
  await said('Enabled Gate 9.');
  await button('Remove…').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await said('Removed Gate 9.');
  await page.getByRole('table', { name: 'People' }).waitFor();
  await button('Undo').click();
  await page.getByRole('link', { name: 'Gate 9' }).waitFor();
});

test('the last administrator cannot be disabled, and the page says why', async () => {
  const me = (await ask('/me')).person.id;
  const admins = (await ask('/directory/people?role=administrator')).items;
  for (const a of admins.filter((a) => a.id !== me)) {
    const { id, name, unit, roles, channels, tak_uid, language } = a;
    const changes = [{ change: 'put_person', person: { id, name, unit, roles: roles.filter((r) => r !== 'administrator').concat('field'), channels, tak_uid, language } }];
    await page.evaluate((body) => fetch('/api/v1/directory', { method: 'POST', headers: { 'content-type': 'application/json' }, body }), JSON.stringify({ id: crypto.randomUUID(), changes }));
  }
  await page.goto(`${centre.url}/office/#people/${me}`);
  await button('Disable…').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await said(/last administrator who can sign in/);
  await look('person-last');
});

test('a file is looked at before it is imported, all of it or nothing', async () => {
  await page.getByRole('link', { name: 'People', exact: true }).click();
  await button('Import…').click();
  const unit = (await ask('/directory')).units[0].id;
  const choose = (text) => page.locator('input[type=file]').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
  await choose(`id;name;unit;roles\r\ngate-9;Gate Nine;${unit};field\r\nnew-1;"<b>One</b>";${unit};field\r\nnew-2;Two;nowhere;field\r\n`);
  await said(/there is no unit 'nowhere'/);
  await said('<b>One</b>');
  assert.equal(await button('Import all of it').count(), 0);
  await look('import-refused');
  await choose(Buffer.from([0x69, 0x64, 0x0a, 0xff]));
  await said(/is not UTF-8/);
  const rows = Array.from({ length: 300 }, (_, n) => `crowd-${String(n).padStart(3, '0')},Crowd ${n},${unit},field`).join('\n');
  await choose(`id,name,unit,roles\n${rows}\n`);
  await until('300 new', async () => (await page.locator('.counts').innerText()).startsWith('300 new'));
  await look('import-fits');
  await button('Import all of it').click();
  await said('Imported people.csv: 300 new, 0 changed.');
  const all = (await ask('/directory')).people;
  await said(`1 to 100 of ${all}`);
  await button('Next 100').click();
  await said(`101 to 200 of ${all}`);
  await button('Back', { exact: true }).click();
  await said(`1 to 100 of ${all}`);
});

test('who leads a unit is moved by keyboard and undone', async () => {
  const unit = (await ask('/directory')).units.find((u) => u.leadership.length > 0);
  await page.getByRole('link', { name: 'Units and agencies' }).click();
  await button(unit.name).click();
  await page.getByLabel('Add somebody at the end').fill('gate-9');
  await page.getByRole('button', { name: /^Gate 9/ }).click();
  await said(/Gate 9 leads .*, too/);
  const chain = async () => (await ask('/directory')).units.find((u) => u.id === unit.id).leadership.map((l) => l.id);
  const before = await chain();
  assert.equal(before.at(-1), 'gate-9');
  const row = page.getByRole('button', { name: new RegExp(`^${before.length}\\. Gate 9`) });
  await row.focus();
  await page.keyboard.press('Alt+ArrowUp');
  await until('one up', async () => (await chain()).indexOf('gate-9') === before.length - 2);
  await until('the keys follow', async () => page.evaluate(() => document.activeElement?.textContent?.includes('. Gate 9')));
  await look('units');
  await button('Undo').click();
  await until('as before', async () => (await chain()).join() === before.join());
  // A unit that is in use says who is in it.
  await button(`Remove unit ${unit.name}`).click();
  await said(/cannot be removed/);
});

test('a duty is written, a gap is shown, and the console says who is missing', async () => {
  await page.getByRole('link', { name: 'Duty rosters' }).click();
  await said('There is no roster yet');
  const form = page.getByRole('form', { name: 'New roster' });
  await form.getByLabel('Id').fill('gates');
  await form.getByLabel('Name').fill('Gates');
  await form.getByLabel('Unit').selectOption({ index: 1 });
  await button('Add roster').click();
  await said('Added roster Gates.');
  const duty = page.getByRole('form', { name: 'New duty' });
  const put = async (words, who, from, to) => {
    await duty.getByLabel('Who').fill(words);
    await duty.getByRole('button', { name: who }).first().click();
    await duty.getByLabel(/^From/).fill(from);
    await duty.getByLabel('Until').fill(to);
    await button('Put on duty').click();
  };
  const [yesterday, tomorrow] = await page.evaluate(() => [-1, 1].map((n) => {
    const d = new Date(Date.now() + n * 86_400_000);
    return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')}`;
  }));
  await put('gate-9', /^Gate 9/, `${yesterday}T20:00`, `${tomorrow}T06:00`);
  await said(/Gate 9 is on duty/);
  await put('crowd-001', /^Crowd 1/, `${tomorrow}T05:00`, `${tomorrow}T14:00`);
  await said(/Crowd 1 is on duty/);
  await page.getByRole('button', { name: 'This week' }).click();
  await said('Gaps and overlaps');
  await page.getByText(/Nobody: /).first().waitFor();
  await page.getByText(/Crowd 1 and Gate 9:|Gate 9 and Crowd 1:/).first().waitFor();
  await said('no page open');
  await look('rosters');
  const console_ = await context.newPage();
  await console_.goto(centre.url);
  await console_.getByText('on duty: Gate 9 (no page open)').waitFor({ timeout: 20_000 });
  if (LOOK) await console_.screenshot({ path: join(LOOK, 'console-duty.png') });
  // A change of the directory is on the console without reading the page anew.
  await console_.getByRole('button', { name: 'People', exact: true }).click();
  await console_.getByLabel('Only people whose name or unit has').fill('gate-9');
  await console_.getByText('never seen here').waitFor();
  if (LOOK) await console_.screenshot({ path: join(LOOK, 'console-people.png') });
  const p = await ask('/directory/people/gate-9');
  const { id, unit, roles, channels, tak_uid, language } = p;
  const body = JSON.stringify({ id: crypto.randomUUID(), changes: [{ change: 'put_person', person: { id, unit, roles, channels, tak_uid, language, name: 'Gate renamed' } }] });
  const answered = await page.evaluate(async (b) => (await fetch('/api/v1/directory', { method: 'POST', headers: { 'content-type': 'application/json' }, body: b })).text(), body);
  assert.equal(JSON.parse(answered).changes, 1, answered);
  await console_.getByRole('button', { name: 'Gate renamed' }).waitFor({ timeout: 15_000 });
  await console_.close();
});
