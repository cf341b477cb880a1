// Bulletins on the built field page in a real browser, phone-sized, against a small made-up centre: read whole in the
// person's language, acknowledged also without a signal, reminded, corrected, recalled, expired; large targets, axe clean.
// LOOK names a folder for pictures. Needs `npm run build` first.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from '../../dev/browser.mjs';
import { axe, until } from '../../dev/steps.mjs';
import { phone as openPhone } from '../../field/dev/phone.mjs';

const LOOK = process.env.LOOK;
let browser;
before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  browser = await launch();
});
after(async () => { await browser?.close(); });

const phone = (t, options) => openPhone(browser, t, options);
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`) });
};
/** A button that has just appeared takes no touch for a moment. */
const held = () => new Promise((r) => setTimeout(r, 800));
const WORDS = {
  en: { title: 'Officer Safety Alert', text: 'Drones may carry explosives.', ack: /^Acknowledge: Urgent, Officer Safety Alert/, one: '1 bulletin in force', until: 'Valid until', head: 'Bulletins' },
  es: { title: 'Alerta de seguridad', text: 'Los drones pueden llevar explosivos.', ack: /^Enterado: Urgente, Alerta de seguridad/, one: '1 boletín vigente', until: 'Vigente hasta', head: 'Boletines' },
};

for (const [language, palette, width, height] of [['en', 'night', 390, 844], ['es', 'day', 320, 640], ['es', 'red', 390, 844]]) {
  test(`a bulletin fills the screen, is read in ${language} on ${width} px (${palette}), acknowledged, and stands in the list`, async (t) => {
    const w = WORDS[language];
    const { centre, page, card, wrong } = await phone(t, { language, palette, width, height });
    const id = centre.issue();
    await card.waitFor();
    const words = await card.innerText();
    for (const said of [w.title, w.text, 'TLP:GREEN', 'watch-1', 'lead-2', w.until, '04711']) assert.ok(words.includes(said), `${said} in ${words}`);
    await until('shown is told', () => centre.posts(`/notices/${id}/versions/1/receipts`).some((p) => p.body.shown === true));
    const button = page.getByRole('button', { name: w.ack });
    await button.scrollIntoViewIfNeeded();
    const box = await button.boundingBox();
    assert.ok(box.height >= 72 && box.width >= 72, `${box.width} by ${box.height} px`);
    assert.ok((await card.boundingBox()).height >= Math.min(400, height - 340), 'it fills the screen');
    assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth), 0, 'nothing sticks out sideways');
    await axe(page, `bulletin ${language} ${palette}`);
    await look(page, `phone-bulletin-${language}-${palette}`);
    await held();
    await button.click();
    await until('one in force, behind a button', () => page.getByRole('button', { name: w.one }).isVisible());
    assert.equal(centre.posts(`/notices/${id}/versions/1/acknowledgements`).length, 1);
    assert.equal(await card.count(), 0);
    await page.getByRole('button', { name: w.one }).click();
    await page.getByRole('heading', { name: w.head }).waitFor();
    await card.waitFor();
    await axe(page, `bulletins ${language} ${palette}`);
    await look(page, `phone-bulletins-${language}-${palette}`);
    assert.deepEqual(wrong, []);
  });
}

test('a warning stands above a bulletin, the gravest bulletin above a milder one; on another page it is one line', async (t) => {
  const { centre, page, card } = await phone(t);
  centre.issue({ level: 'advisory', title: 'Milder' });
  centre.issue({ level: 'caution', title: 'Graver' });
  centre.warn();
  await until('all three', async () => (await card.count()) === 2 && (await page.locator('article.warning').count()) === 1);
  const tops = await page.locator('article').evaluateAll((all) => all.map((a) => a.className.split(' ')[0]));
  assert.deepEqual(tops, ['warning', 'bulletin', 'bulletin']);
  assert.match(await card.first().innerText(), /Graver/);
  await page.getByRole('button', { name: 'REPORT DRONE' }).click();
  await until('the warning has the line', () => page.locator('.strip.urgent').isVisible());
  const [warning] = [...centre.notices.values()].filter((v) => v.notice.kind === 'warning');
  centre.update(warning.notice.id, { state: 'cleared' });
  await until('the bulletin has it', async () => /Graver/.test(await page.locator('.strip').innerText().catch(() => '')));
  await look(page, 'phone-bulletin-strip');
  await page.locator('.strip').click();
  await card.first().waitFor();
});

/** Whether the head of the warning, or the line that stands for it, is in what can be seen of the page, on top of everything. */
const onScreen = (locator) => locator.evaluate((e) => {
  const v = globalThis.visualViewport;
  const { left, top, right, bottom } = e.getBoundingClientRect();
  const x = (Math.max(left, v.offsetLeft) + Math.min(right, v.offsetLeft + v.width)) / 2;
  const there = top >= v.offsetTop - 1 && bottom <= v.offsetTop + v.height + 1 && right - v.offsetLeft > 60 && left - v.offsetLeft < v.width - 60;
  return there && e.contains(e.ownerDocument.elementFromPoint(x, (top + bottom) / 2));
});
const LONG = Array.from({ length: 60 }, (_, k) => `Line ${k} of a long alert.`).join('\n');
async function readToTheEnd(page, card) {
  await card.getByText('Line 59').waitFor();
  await page.locator('.home').evaluate((e) => { e.scrollTop = e.scrollHeight; });
}

for (const [width, height] of [[390, 844], [320, 568], [640, 320], [195, 422]]) {
  test(`a warning that comes while somebody reads far down in a long bulletin is on the screen at once (${width} by ${height})`, async (t) => {
    const { centre, page, card } = await phone(t, { width, height });
    centre.issue({ level: 'caution', text: LONG });
    await readToTheEnd(page, card);
    centre.warn();
    const warning = page.locator('article.warning');
    await until('the warning is on the screen', async () => (await warning.count()) === 1 && onScreen(warning.locator('header')));
    await look(page, `phone-warning-far-down-${width}`);
    await axe(page, `a warning over a long bulletin ${width}`);
  });
}

test('a warning that was answered does not move the page when it goes on; one that asks again does; who scrolls away has a line', async (t) => {
  const { centre, page, card } = await phone(t);
  centre.issue({ level: 'caution', text: LONG });
  const id = centre.warn();
  const warning = page.locator('article.warning');
  await warning.waitFor();
  const line = page.locator('.strip.urgent');
  assert.equal(await line.count(), 0, 'no line while the warning itself is there');
  await readToTheEnd(page, card);
  await until('the line', async () => (await line.count()) === 1 && onScreen(line));
  await axe(page, 'the line over a bulletin');
  await line.click();
  await until('the warning is on the screen', () => onScreen(warning.locator('header')));
  await until('no line', async () => (await line.count()) === 0);
  assert.ok(await warning.evaluate((e) => e === document.activeElement), 'reading goes on there');
  await held();
  await warning.getByRole('button', { name: /^Acknowledge/ }).click();
  await until('taken', () => centre.notices.get(id).acknowledged);
  await until('said', () => warning.getByText(/^Acknowledged/).isVisible());
  await readToTheEnd(page, card);
  const last = card.getByText('Line 59');
  centre.update(id, { text: 'It goes on.', needs_ack: false }, { owes: false });
  await warning.getByText('It goes on.').waitFor({ state: 'attached' });
  await until('two measures of the page', () => page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))));
  assert.ok(await card.locator('.end').evaluate((e) => e.getBoundingClientRect().bottom <= innerHeight), 'the reading place is kept');
  assert.equal(await line.count(), 0, 'what asks for nothing has no line');
  centre.update(id, { text: 'Nearer now.' });
  await until('what asks again is on the screen', () => onScreen(warning.locator('header')));
  assert.equal(await last.count(), 1);
});

test('on a low screen that says that the centre is not heard, a warning that waits is on it all the same', async (t) => {
  const { centre, page, card } = await phone(t, { width: 320, height: 320 });
  centre.issue({ level: 'caution', text: LONG });
  centre.warn();
  const warning = page.locator('article.warning');
  await until('the warning is on the screen', async () => (await warning.count()) === 1 && onScreen(warning.locator('header')));
  centre.die();
  await page.getByText('YOU WILL NOT BE WARNED').waitFor({ timeout: 60_000 });
  await readToTheEnd(page, card);
  const line = page.locator('.strip.urgent');
  await until('the line', async () => (await line.count()) === 1 && onScreen(line));
  await look(page, 'phone-warning-low-line');
  await line.click();
  await until('the warning is on the screen', () => onScreen(warning.locator('header')));
  await look(page, 'phone-warning-low');
});

for (const [width, height] of [[390, 844], [320, 568]]) {
  test(`the line of a warning does not come and go by itself where the warning is half gone (${width} by ${height})`, async (t) => {
    const { centre, page, card } = await phone(t, { width, height });
    centre.issue({ level: 'advisory', text: LONG });
    centre.warn();
    const warning = page.locator('article.warning');
    await until('the warning', async () => (await warning.count()) === 1 && (await card.count()) === 1 && onScreen(warning.locator('header')));
    // Every place at which as much is seen of the warning as not, give or take a line's height: each is looked at for a while.
    const flips = await page.evaluate(async () => {
      const home = document.querySelector('.home');
      const frame = () => new Promise((r) => requestAnimationFrame(() => r(true)));
      const shown = () => document.querySelector('.strip.urgent') !== null;
      const card = document.querySelector('article.warning');
      const whole = home.clientHeight;
      const foot = card.offsetTop - home.offsetTop + card.offsetHeight;
      const out = [];
      for (let seen = whole / 2 + 80; seen > whole / 2 - 120; seen -= 8) {
        home.scrollTop = foot - seen;
        const is = [];
        for (let k = 0; k < 12; k += 1) {
          await frame();
          // As whatever changes on the page makes it look again.
          dispatchEvent(new Event('resize'));
          is.push(shown());
        }
        const changes = is.slice(1).filter((x, k) => x !== is[k]).length;
        if (changes > 1) out.push(`${Math.round(seen)} of ${whole} px seen: ${changes} changes`);
      }
      return out;
    });
    assert.deepEqual(flips, []);
  });
}

for (const [width, height] of [[640, 320], [320, 256]]) {
  test(`on a low screen the line stays while the page scrolls, and nothing covers REPORT (${width} by ${height})`, async (t) => {
    const { centre, page, card } = await phone(t, { width, height, prepare: (c) => { c.exercise = 'first-light'; } });
    const report = page.locator('.report');
    const low = async (name) => {
      await report.evaluate((e) => e.scrollIntoView({ block: 'end', behavior: 'instant' }));
      await page.locator('.face').evaluate((e) => { e.scrollTop = e.scrollHeight; });
      const [b, band] = [await report.boundingBox(), await page.locator('footer').boundingBox()];
      assert.ok(b.height >= 72, `${name}: ${b.height} px high`);
      assert.ok(b.y + b.height <= band.y, `${name}: ends at ${b.y + b.height}, the band begins at ${band.y}`);
      assert.ok(await onScreen(report), `${name}: REPORT is there`);
      await look(page, `phone-low-${width}-${name}`);
    };
    await low('calm');
    centre.issue({ level: 'caution', text: LONG });
    centre.warn();
    const warning = page.locator('article.warning');
    await until('the warning is on the screen', async () => (await warning.count()) === 1 && onScreen(warning.locator('header')));
    await readToTheEnd(page, card);
    const line = page.locator('.strip.urgent');
    await until('the line', async () => (await line.count()) === 1 && onScreen(line));
    await low('busy');
    await until('the line is still there', () => onScreen(line));
    await axe(page, `a line that stays ${width}`);
    await line.click();
    await until('the warning is on the screen', () => onScreen(warning.locator('header')));
    await until('no line', async () => (await line.count()) === 0);
    await look(page, `phone-low-${width}-warning`);
  });
}

test('a milder bulletin that comes while an urgent warning waits for an answer does not take its place', async (t) => {
  const { centre, page, card } = await phone(t);
  centre.warn();
  const warning = page.locator('article.warning');
  await until('the warning', async () => (await warning.count()) === 1 && onScreen(warning.locator('header')));
  centre.issue({ level: 'advisory', text: LONG });
  await card.waitFor({ state: 'attached' });
  await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true)))));
  assert.ok(await onScreen(warning.locator('header')));
});

test('on a page that is zoomed in, and while words of a report are typed, a warning is in the part that can be seen; nothing takes the focus', async (t) => {
  const { centre, page, card, context } = await phone(t);
  const devtools = await context.newCDPSession(page);
  const zoom = async (scale) => {
    await devtools.send('Emulation.setPageScaleFactor', { pageScaleFactor: scale });
    await until(`zoomed ${scale}`, () => page.evaluate((s) => Math.abs(globalThis.visualViewport.scale - s) < 0.05, scale));
  };
  /** Looks at the lower right corner of the page. */
  const corner = async () => {
    const touch = (type, touchPoints) => devtools.send('Input.dispatchTouchEvent', { type, touchPoints });
    await touch('touchStart', [{ x: 300, y: 700 }]);
    for (let k = 1; k < 20; k++) await touch('touchMove', [{ x: 300 - 12 * k, y: 700 - 30 * k }]);
    await touch('touchEnd', []);
    await until('the corner', () => page.evaluate(() => globalThis.visualViewport.offsetLeft > 50));
  };
  await page.getByRole('button', { name: 'REPORT DRONE' }).click();
  await page.getByRole('button', { name: /^Wings/ }).click();
  await page.getByRole('button', { name: /^More/ }).click();
  const words = page.getByLabel(/words/i);
  await words.fill('Two of them');
  await zoom(2.5);
  await corner();
  await words.evaluate((e) => e.focus({ preventScroll: true }));
  const id = centre.warn();
  const line = page.locator('.strip.urgent');
  await until('the line is in what can be seen', async () => (await line.count()) === 1 && onScreen(line));
  await look(page, 'phone-warning-zoomed-report');
  assert.ok(await words.evaluate((e) => e === document.activeElement), 'the focus stays with who types');
  await page.keyboard.type(' low');
  assert.match(await words.inputValue(), /low/);
  await zoom(1);
  await until('the line as ever', () => onScreen(line));
  await line.click();
  const warning = page.locator('article.warning');
  await until('the warning', () => onScreen(warning.locator('header')));
  centre.update(id, { state: 'cleared' });
  centre.issue({ level: 'caution', text: LONG });
  await readToTheEnd(page, card);
  await zoom(2.5);
  await corner();
  centre.warn();
  const head = page.locator('article.warning.asked header');
  // A finger's swing may carry the page on after the warning was brought: then its line is there.
  await until('the warning, or its line, is in what can be seen', async () => ((await head.count()) === 1 && (await onScreen(head))) || ((await line.count()) === 1 && (await onScreen(line))));
  await look(page, 'phone-warning-zoomed-home');
});

test('a mild bulletin sounds once, and once more for each reminder', async (t) => {
  const { centre, card, tones } = await phone(t);
  const id = centre.issue({ level: 'advisory' });
  await card.waitFor();
  const first = await until('it sounds', tones);
  await new Promise((r) => setTimeout(r, 1_500));
  assert.equal(await tones(), first, 'not again by itself');
  centre.remind(id);
  const second = await until('it sounds for the reminder', async () => ((await tones()) > first ? tones() : 0));
  // The same once more, as after a lost connection, is no news.
  centre.send('notice', centre.notices.get(id));
  await new Promise((r) => setTimeout(r, 1_500));
  assert.equal(await tones(), second);
});

test('acknowledged without a signal it waits on the phone through a reload, and goes once', async (t) => {
  const { centre, page, context } = await phone(t);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await until('the service worker has the page', () => page.evaluate(() => Boolean(navigator.serviceWorker.controller)));
  const id = centre.issue();
  const button = page.getByRole('button', { name: WORDS.en.ack });
  await button.waitFor();
  await context.setOffline(true);
  await held();
  await button.click();
  await until('kept, and not called taken', () => page.getByText(/Acknowledged on this phone .* Not yet at the centre/).isVisible());
  await page.reload();
  await until('the count on the button', () => page.getByText('1 not yet sent').isVisible());
  assert.equal(centre.posts(`/notices/${id}/versions/1/acknowledgements`).length, 0);
  await context.setOffline(false);
  await until('taken', () => centre.posts(`/notices/${id}/versions/1/acknowledgements`).length > 0, 20_000);
  await until('in the list', () => page.getByRole('button', { name: '1 bulletin in force' }).isVisible());
  assert.equal(centre.posts(`/notices/${id}/versions/1/acknowledgements`).length, 1);
});

test('a list that was written before the acknowledgement, and comes after it, asks for nothing again', async (t) => {
  const { centre, page } = await phone(t);
  const id = centre.issue();
  await page.getByRole('button', { name: WORDS.en.ack }).waitFor();
  centre.held = [];
  centre.cut();
  await until('the list is asked for', () => centre.held.length > 0);
  await held();
  await page.getByRole('button', { name: WORDS.en.ack }).click();
  await until('taken', () => page.getByRole('button', { name: '1 bulletin in force' }).isVisible());
  assert.equal(centre.posts(`/notices/${id}/versions/1/acknowledgements`).length, 1);
  const other = centre.issue({ title: 'Another', text: 'Issued meanwhile.' });
  await page.getByText('Issued meanwhile.').first().waitFor();
  const late = centre.held;
  centre.held = null;
  const came = page.waitForResponse((r) => /\/notices\?/.test(r.url()));
  for (const send of late) send();
  await (await came).finished();
  // What comes after it has been taken in.
  centre.update(other, { text: 'The second words.', needs_ack: true });
  await page.getByText('The second words.').first().waitFor();
  assert.equal(await page.getByRole('button', { name: '1 bulletin in force' }).isVisible(), true);
  assert.equal(await page.getByRole('button', { name: /^Acknowledge/ }).count(), 1, 'of the other alone');
});

test('a list that is refused is asked for again while the stream goes on: what came meanwhile is not missed', async (t) => {
  const { centre, page } = await phone(t);
  centre.lame = 2;
  centre.refusing = 503;
  centre.cut();
  await until('not heard', async () => !(await page.getByText(/heard \d s ago/).first().isVisible()));
  // Issued while nobody listens: no stream will ever tell of it.
  centre.issue({ text: 'Issued while nobody listened.' });
  centre.refusing = 0;
  await page.getByText('Issued while nobody listened.').first().waitFor();
  assert.equal(centre.lame, 0);
});

test('a notice that may not be seen any more goes from the phone, and does not keep the others from being read anew', async (t) => {
  const { centre, page, card } = await phone(t);
  const mine = centre.issue({ level: 'caution', title: 'No longer mine' });
  const other = centre.issue({ level: 'caution', title: 'Still mine' });
  await until('both', async () => (await card.count()) === 2);
  centre.refusing = 503;
  centre.cut();
  // While nobody listens one is kept from its reader, and the other is recalled: neither is among those in force.
  centre.notices.delete(mine);
  Object.assign(centre.notices.get(other).notice, { version: 2, state: 'recalled', needs_ack: false, text: 'Do not act on it.', why: 'It was a mistake' });
  centre.refusing = 0;
  await page.getByText('Do not act on it.').first().waitFor();
  await until('the other is gone', async () => (await card.count()) === 1);
  assert.equal(await page.getByText('No longer mine').count(), 0);
});

test('a recall is loud where the old words were read, and stays until it is put away, also over a reload', async (t) => {
  const { centre, page, card, tones } = await phone(t);
  const id = centre.issue({ level: 'caution' });
  await until('read', () => centre.posts(`/notices/${id}/versions/1/receipts`).length === 1);
  await held();
  await page.getByRole('button', { name: /^Acknowledge: Caution/ }).click();
  await until('behind its button', () => page.getByRole('button', { name: '1 bulletin in force' }).isVisible());
  const original = structuredClone(centre.notices.get(id));
  const before = await tones();
  centre.end(id, 'recalled', 'The alert was sent by mistake.');
  await card.waitFor();
  await until('it sounds', async () => (await tones()) > before);
  assert.match(await card.innerText(), /RECALLED[\s\S]*Do not act on what this said before\.[\s\S]*The alert was sent by mistake\.[\s\S]*Why: It was a mistake/);
  await axe(page, 'recalled');
  await look(page, 'phone-recalled');
  const once = await tones();
  // The original, late: the recall stands, and nothing sounds.
  centre.send('notice', original);
  await new Promise((r) => setTimeout(r, 1_500));
  assert.match(await card.innerText(), /RECALLED/);
  assert.equal(await page.getByRole('button', { name: /^Acknowledge/ }).count(), 0);
  assert.equal(await tones(), once, 'a correction is not repeated');
  // Loaded again: the centre tells it once more, and it is no news.
  await page.reload();
  await page.locator('.report').waitFor();
  await page.locator('.home').click({ position: { x: 5, y: 5 } });
  await until('heard', () => page.getByText(/heard \d s ago/).first().isVisible());
  centre.send('notice', centre.notices.get(id));
  await card.waitFor();
  await new Promise((r) => setTimeout(r, 1_000));
  assert.equal(await tones(), 0);
  await page.getByRole('button', { name: 'Done' }).click();
  await until('put away', async () => (await card.count()) === 0);
});

test('a recall that overtakes its original is shown and silent, and so is the late original; an end by time is quiet', async (t) => {
  const { centre, page, card, tones } = await phone(t);
  const id = randomId();
  const recalled = { id, version: 2, state: 'recalled', needs_ack: false, text: 'The alert was sent by mistake.' };
  centre.issue(recalled);
  await card.waitFor();
  assert.match(await card.innerText(), /RECALLED/);
  assert.ok(!/Do not act/.test(await card.innerText()), 'there is nothing to take back here');
  centre.issue({ id });
  await new Promise((r) => setTimeout(r, 1_500));
  assert.match(await card.innerText(), /RECALLED/);
  assert.equal(await page.getByRole('button', { name: /^Acknowledge/ }).count(), 0);
  assert.equal(await tones(), 0);
  await page.getByRole('button', { name: 'Done' }).click();
  const other = centre.issue({ level: 'advisory', needs_ack: false, expires_at: new Date(Date.now() + 12_000).toISOString() });
  await until('in force', () => page.getByRole('button', { name: '1 bulletin in force' }).isVisible());
  await until('over by the clock, before the centre says so', async () => /Expired/.test(await card.innerText().catch(() => '')));
  centre.end(other, 'expired', 'Its time is over.');
  await until('over by the centre', async () => /Its time is over\./.test(await card.innerText()));
  assert.equal(await tones(), 0);
  await look(page, 'phone-expired');
});
const randomId = () => globalThis.crypto.randomUUID();

test('a correction says so where the old words were read, and asks again; who issued alone, and why, is said', async (t) => {
  const { centre, page, card } = await phone(t);
  const id = centre.issue({ approved_by: null, break_glass: 'Nobody else is awake' });
  await until('read', () => centre.posts(`/notices/${id}/versions/1/receipts`).length === 1);
  assert.match(await card.innerText(), /Issued by one person alone: Nobody else is awake/);
  centre.update(id, { state: 'updated', text: 'Only at Post 2.', why: 'The place was wrong', needs_ack: true });
  await until('corrected', async () => /Corrected: this takes the place of what you had\.[\s\S]*Only at Post 2\.[\s\S]*Why: The place was wrong/.test(await card.innerText()));
  await held();
  await page.getByRole('button', { name: /^Acknowledge.*version 2$/ }).click();
  await until('for its version', () => centre.posts(`/notices/${id}/versions/2/acknowledgements`).length === 1);
});

test('what was acknowledged long ago and is asked for again, is asked for again', async (t) => {
  const { centre, page } = await phone(t);
  const id = centre.issue();
  await page.getByRole('button', { name: WORDS.en.ack }).waitFor();
  await held();
  await page.getByRole('button', { name: WORDS.en.ack }).click();
  await until('taken', () => page.getByRole('button', { name: '1 bulletin in force' }).isVisible());
  const view = centre.notices.get(id);
  view.acknowledged = false;
  Object.assign(view.recipients[0], { acknowledged_at: null, owes: true });
  centre.send('notice', view);
  await page.getByRole('button', { name: WORDS.en.ack }).waitFor();
});
