// The page of upkeep against the real program: no backup yet is a warning with the command to type; purging asks first.
// SKYPICKET_BIN names the program; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, watched } from '../../dev/browser.mjs';
import { BIN, RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const place = join(tmpdir(), `skypicket-upkeep-${process.pid}`);
const wrong = join(place, 'wrong');
const centre = new RealCentre(['--test-clock-offset-file', wrong]);
let browser;
let page;
let wrongs;

before(async () => {
  mkdirSync(place, { recursive: true });
  writeFileSync(wrong, '0');
  [browser] = await Promise.all([launch(), centre.start()]);
  const opened = await watched(browser, { viewport: { width: 1280, height: 900 } });
  ({ page, wrong: wrongs } = opened);
  await page.goto(centre.signIn.replace('/#', '/office/#'));
  await page.getByLabel('New password').fill('correct horse battery');
  await page.getByLabel('The same again').fill('correct horse battery');
  await page.getByRole('button', { name: 'Save password' }).click();
  await page.getByRole('link', { name: 'Upkeep' }).click();
});
after(async () => {
  await browser?.close();
  await centre.stop();
  rmSync(place, { recursive: true, force: true });
});

test('without a backup the page warns and gives the command, which works', async () => {
  await page.getByText('No backup of this record was made yet.').waitFor();
  const command = await page.locator('pre').innerText();
  assert.match(command, /^skypicket record backup --data \S+ --exercise first-light --to \S+\.age --recipient age1…$/);
  // As typed, but with a passphrase and a place of the test's own.
  writeFileSync(join(place, 'words'), 'correct horse battery\n');
  const words = command.split(' ');
  const args = words.slice(1, words.indexOf('--to'));
  execFileSync(BIN, [...args, '--to', join(place, 'b.age'), '--passphrase-file', join(place, 'words')]);
  await page.reload();
  await page.getByText('The last backup was made').waitFor();
  assert.equal(await page.getByRole('cell', { name: join(place, 'b.age') }).count(), 1);
  assert.equal(await page.getByText('passphrase').count(), 1);
});

test('purging says what, asks, and then says what was done', async () => {
  writeFileSync(wrong, '90000');
  // Nobody was here for a day: the session has ended.
  await until('asked to sign in again', async () => {
    await page.reload();
    await page.waitForLoadState('networkidle');
    return page.getByLabel('Name').isVisible();
  });
  await page.getByLabel('Name').fill('watch-1');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.keyboard.press('Enter');
  await page.getByText(/Due now: .*positions of people/).waitFor();
  await page.getByRole('button', { name: 'Purge now' }).click();
  const ask = page.getByRole('alertdialog', { name: 'Purge now' });
  await ask.getByText('cannot be undone').waitFor();
  // The safe answer has the focus.
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Leave it');
  await page.keyboard.press('Enter');
  await ask.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Purge now' }).click();
  await ask.getByRole('button', { name: 'Purge' }).click();
  await page.getByText(/^Purged: .*positions of people/).waitFor();
  await page.getByText('still holds what is purged').first().waitFor();
  if (process.env.SKYPICKET_LOOK) await page.screenshot({ path: join(process.env.SKYPICKET_LOOK, 'upkeep.png'), fullPage: true });
});

test('the page is without faults', async () => {
  await axe(page, 'upkeep');
  // The session that ended is told by the browser as well: by whichever call of the open page came first.
  assert.deepEqual(wrongs.filter((w) => !/status of 401 .*\/api\/v1\/(me|upkeep|events)$/.test(w)), []);
});
