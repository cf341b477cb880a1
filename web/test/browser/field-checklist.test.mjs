// The checklist of a bulletin on the built field page in a real browser, phone-sized, against a small made-up centre: number,
// measures ticked by a thumb and also without a signal, what is known and not known; large targets, axe clean.
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
const p = (en, es) => ({ en, es });
const SHEET = {
  template: 'osa@1', series: 'OSA', kind: p('Officer Safety Alert', 'Alerta de seguridad'), issuer: 'Sector centre',
  known: [{ text: p('The use of explosive drones against personnel was authorised.', 'Se autorizó el uso de drones explosivos contra el personal.'), grade: { reliability: 'B', credibility: 2 } }],
  not_known: [p('When and where.', 'Cuándo y dónde.')],
  measures: [{ id: 'cover', text: p('Take cover under something solid when you hear a drone.', 'Cúbrase bajo algo sólido cuando oiga un dron.') }, { id: 'first-aid-kit', text: p('Carry a first-aid kit with a tourniquet.', 'Lleve un botiquín con torniquete.') }, { id: 'fallen', text: p('Do not touch a drone that came down.', '') }],
  area_name: p('West sector', 'Sector oeste'), valid_from: null, report_to: p('Your leader and the centre, at once.', 'A su jefe y al centro, de inmediato.'), contact: 'Watch desk', rests_on: [], release_why: '', short: p('', ''), brief: p('', ''),
};
const WORDS = {
  en: { kit: 'Carry a first-aid kit with a tourniquet.', list: 'Do this', none: '0 of 3 done', two: '2 of 3 done', known: 'What is known (1)', grade: 'Source usually reliable; information probably true', report: 'Your leader and the centre, at once.', kept: 'Ticks are kept on this phone', ack: /^Acknowledge/ },
  es: { kit: 'Lleve un botiquín con torniquete.', list: 'Haga esto', none: '0 de 3 hecho', two: '2 de 3 hecho', known: 'Lo que se sabe (1)', grade: 'Fuente: normalmente fiable; información: probablemente cierta', report: 'A su jefe y al centro, de inmediato.', kept: 'Lo marcado se guarda en este teléfono', ack: /^Enterado/ },
};

for (const [language, palette, width, height] of [['en', 'night', 390, 844], ['es', 'day', 320, 640], ['es', 'red', 390, 844]]) {
  test(`measures are a checklist for a thumb in ${language} on ${width} px (${palette}), ticked before and after the acknowledgement`, async (t) => {
    const w = WORDS[language];
    const { centre, page, card, wrong } = await phone(t, { language, palette, width, height });
    const id = centre.issue({ number: 'OSA-2026-0007', sheet: SHEET });
    await card.waitFor();
    const words = await card.innerText();
    for (const said of ['OSA-2026-0007', w.kit, w.none, w.report, w.known]) assert.ok(words.includes(said), `${said} in ${words}`);
    if (language === 'es') assert.ok(words.includes('Do not touch a drone that came down.'), 'what has no Spanish words is said in English');
    const kit = page.getByRole('checkbox', { name: w.kit });
    const boxes = page.getByRole('checkbox');
    assert.equal(await boxes.count(), 3);
    let below = 0;
    for (let k = 0; k < 3; k += 1) {
      await boxes.nth(k).scrollIntoViewIfNeeded();
      const box = await boxes.nth(k).boundingBox();
      assert.ok(box.height >= 72 && box.width >= 200, `${box.width} by ${box.height} px`);
      const top = await boxes.nth(k).evaluate((e) => e.offsetTop);
      assert.ok(k === 0 || top >= below + 8, 'targets stand apart');
      below = top + box.height;
    }
    await held();
    await boxes.first().click();
    await kit.click();
    await until('both at the centre', () => centre.notices.get(id).recipients[0].done?.length === 2);
    const sent = centre.posts(`/notices/${id}/versions/1/measures`);
    assert.deepEqual(sent.at(-1).body.done, ['cover', 'first-aid-kit'], 'the whole list each time');
    await page.getByText(w.two).waitFor();
    await page.getByText(w.known).click();
    await page.getByText(w.grade).waitFor();
    assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth), 0, 'nothing sticks out sideways');
    await axe(page, `checklist ${language} ${palette}`);
    await look(page, `phone-checklist-${language}-${palette}`);
    await page.getByRole('button', { name: w.ack }).click();
    await until('acknowledged', () => centre.notices.get(id).acknowledged);
    assert.deepEqual(wrong, []);
  });
}

test('a tick without a signal stands on the phone, is sent when there is one, and survives a newer version', async (t) => {
  const { centre, page, card } = await phone(t);
  const id = centre.issue({ number: 'OSA-2026-0007', sheet: SHEET });
  await card.waitFor();
  await held();
  centre.die();
  const kit = page.getByRole('checkbox', { name: WORDS.en.kit });
  await kit.click();
  await page.getByText(WORDS.en.kept).waitFor();
  assert.equal(await kit.getAttribute('aria-checked'), 'true');
  centre.revive();
  await until('it is at the centre', () => centre.notices.get(id).recipients[0].done?.[0] === 'first-aid-kit');
  await until('nothing is kept any more', async () => (await page.getByText(WORDS.en.kept).count()) === 0);
  // A newer version: what is on its list too stays ticked, and it is asked for anew.
  const fewer = { ...SHEET, measures: SHEET.measures.slice(1) };
  centre.update(id, { state: 'updated', sheet: fewer });
  await page.getByText('1 of 2 done').waitFor();
  assert.equal(await kit.getAttribute('aria-checked'), 'true');
  // Recalled: nobody ticks any more.
  centre.end(id, 'recalled', 'It was a mistake.');
  await until('no list', async () => (await page.getByRole('checkbox').count()) === 0);
});

test('the word of a level stands whole on one line, however long the kind beside it is', async (t) => {
  for (const [language, width] of [['en', 390], ['en', 320], ['es', 320]]) {
    const { centre, card } = await phone(t, { language, width });
    centre.issue({ level: 'caution', sheet: { ...SHEET, kind: p('EXERCISE Officer Safety Alert', 'EJERCICIO Alerta de seguridad para agentes') } });
    await card.waitFor();
    const lines = await card.locator('header .word').evaluate((e) => {
      const range = document.createRange();
      range.selectNodeContents(e);
      return range.getClientRects().length;
    });
    assert.equal(lines, 1, `${language} on ${width} px`);
    assert.ok(await card.evaluate((e) => e.scrollWidth <= e.clientWidth), 'nothing runs out of the card');
  }
});
