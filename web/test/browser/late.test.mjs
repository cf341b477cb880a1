// Answers that come late, in the built pages, in a real browser against the made-up centre: what is pressed, typed or told
// while something is being read is not lost, and an answer from before does not undo what came since. Each test holds one
// answer back for as long as it likes. Needs `npm run build` first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { mock } from '../../dev/mock-server.mjs';
import { until } from '../../dev/steps.mjs';
import { phone } from '../../field/dev/phone.mjs';

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

const ISSUED = '018f3c00-0000-8000-8000-000000000600';
const WAITS = '018f3c00-0000-8000-8000-000000000601';
const RAW = '018f3c00-0000-8000-8000-000000000900';

async function office(t, hash, { as = 'watch-1', prepare = () => undefined, ...options } = {}) {
  const m = mock({ bulletins: true, scene: 'calm', ...options });
  const url = await m.listen();
  const { context, page } = await watched(browser, { viewport: { width: 1280, height: 900 } });
  t.after(async () => { await context.close(); m.close(); });
  await prepare(page, m);
  await page.goto(`${url}/office/#sign-in=as-${as}`);
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  return { m, url, page };
}
const button = (page, name) => page.getByRole('button', { name });
const hash = (page) => page.evaluate(() => location.hash);
/** Holds back answers, as the centre gave them, until `let()`; what is asked after that goes on as ever. */
async function hold(page, address, { method = 'GET', first = Infinity } = {}) {
  const held = [];
  let open = false;
  let all = 0;
  await page.route(address, async (route) => {
    if (open || route.request().method() !== method || all >= first) return route.fallback();
    all += 1;
    const answer = await route.fetch();
    await new Promise((r) => held.push(r));
    const fulfilled = route.fulfill({ response: answer }).catch(() => undefined); // the page may have given it up
    return fulfilled;
  });
  return {
    waits: (n = 1) => until(`${address} is asked for`, () => held.length >= n),
    /** Lets the answers go, and is done when the page has taken them in. */
    let: async () => {
      open = true;
      const came = held.length === 0 ? null : page.waitForEvent('requestfinished', { predicate: (r) => r.method() === method });
      held.splice(0).forEach((go) => go());
      await came;
      await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
    },
  };
}

test('a call is noted while the rows of the board are read again after the one before', async (t) => {
  const { page, m } = await office(t, `board/${ISSUED}`);
  await button(page, 'Call round (6)').click();
  const panel = page.getByRole('region', { name: /: call and deliveries$/ });
  const who = () => panel.getByRole('heading').innerText();
  await until('the first', async () => (await panel.count()) === 1 && (await who()) === 'Agent 108');
  const rows = await hold(page, '**/recipients?*');
  await page.keyboard.press('1');
  await until('the second', async () => (await who()) === 'Agent 118');
  await rows.waits();
  await page.keyboard.press('2');
  await until('the third, with the rows still on their way', async () => (await who()) === 'Agent 128');
  assert.deepEqual(m.desk.list(ISSUED).filter((r) => r.call).map((r) => r.call.status).sort(), ['acknowledged', 'no_answer']);
  await rows.let();
  assert.equal(await who(), 'Agent 128');
});

test('a call-round that is begun while the board is being read waits for its own rows', async (t) => {
  const { page, m } = await office(t, `board/${ISSUED}`);
  const rows = page.getByRole('table', { name: 'People of this notice' }).locator('tbody tr');
  await page.getByRole('group', { name: 'Only those who are' }).getByRole('button', { name: /^Acknowledged/ }).click();
  await until('only those', async () => (await rows.count()) === 30 && (await rows.allInnerTexts()).every((r) => /acknowledged/.test(r)));
  const answers = await hold(page, '**/recipients?*', { first: 1 });
  m.desk.acknowledge(ISSUED, 'p-00006');
  await answers.waits();
  await button(page, /^Call round/).click();
  await answers.let();
  await page.getByRole('region', { name: 'Agent 108: call and deliveries' }).waitFor();
});

test('the next page of a board is asked for once', async (t) => {
  const { page } = await office(t, `board/${ISSUED}`, { people: 2_000 });
  await page.getByText('1 to 100').waitFor();
  const rows = await hold(page, '**/recipients?*cursor=*');
  await button(page, 'Next page').click();
  await rows.waits();
  assert.ok(await button(page, 'Next page').isDisabled(), 'nothing to press while that is on its way');
  await rows.let();
  await page.getByText('101 to 200').waitFor();
  await until('and on', () => button(page, 'Next page').isEnabled());
});
