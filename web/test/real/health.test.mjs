// The page Health of the office against the real program: what is wrong is said with what to do, goes when it is mended, and the
// page says so when the centre is gone. SKYPICKET_BIN names the program; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const centre = new RealCentre();
let browser;
before(async () => {
  [browser] = await Promise.all([launch(), centre.start()]);
});
after(async () => {
  await browser?.close();
  await centre.stop();
});

test('what is wrong is named with what to do, and goes when it is mended', async () => {
  const { page, context, wrong } = await watched(browser, { viewport: { width: 1280, height: 900 } });
  await page.goto(centre.signIn);
  await page.getByLabel('New password').fill('correct horse battery');
  await page.getByLabel('The same again').fill('correct horse battery');
  await page.getByRole('button', { name: 'Save password' }).click();
  await page.getByRole('region', { name: 'Needs you now' }).waitFor();

  await page.goto(`${centre.url}/office/#health`);
  await page.getByRole('heading', { name: 'Health', level: 1 }).waitFor();
  // The console was left: nobody watches, once the centre has noticed.
  const nobody = page.getByRole('listitem').filter({ hasText: 'Nobody is on watch' });
  const again = page.getByRole('button', { name: 'Look again' });
  const looked = async () => { await again.click(); await page.getByRole('button', { name: 'Look again' }).and(page.locator(':enabled')).waitFor(); };
  await until('nobody watches', async () => { await looked(); return nobody.isVisible(); });
  assert.match(await nobody.innerText(), /Do: Open the console at the watch desk/);
  assert.ok(await page.getByRole('heading', { name: 'Wrong', exact: true }).isVisible());
  await axe(page, 'health');
  if (process.env.SKYPICKET_PICTURES) await page.screenshot({ path: `${process.env.SKYPICKET_PICTURES}/health.png` });

  // Somebody sits down at the console.
  const console_ = await context.newPage();
  await console_.goto(`${centre.url}/`);
  await console_.getByRole('region', { name: 'Needs you now' }).waitFor();
  await until('somebody watches', async () => { await looked(); return (await nobody.count()) === 0; });
  await page.locator('summary').click();
  await page.getByRole('row', { name: /centre Runs for .* EXERCISE first-light/i }).waitFor();
  if (process.env.SKYPICKET_PICTURES) {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: `${process.env.SKYPICKET_PICTURES}/health-small.png` });
    await page.setViewportSize({ width: 1280, height: 900 });
  }
  assert.deepEqual(wrong, []);
  await console_.close();

  // The centre is gone: the page says so and keeps what it knew.
  await centre.kill();
  await again.click();
  await page.getByRole('alert').filter({ hasText: 'The centre does not answer' }).waitFor();
  assert.ok(await page.locator('.sum').isVisible());
});
