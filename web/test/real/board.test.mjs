// A bulletin to fifty people at the real program: written in one browser, approved in another, told to fifty event streams
// and two real phones; its board watched live while they acknowledge, are reminded, stay silent and are escalated; a call
// on somebody's behalf; a recall, and a phone that comes too late for the original. One story, told in order.
// SKYPICKET_BIN names the program; LOOK names a folder for pictures; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { PHONE, RealCentre } from '../../dev/centre.mjs';
import { axe, until } from '../../dev/steps.mjs';

const LOOK = process.env.LOOK;
const PEOPLE = 50;
/** Silence until a leader is told, and until nobody is left, seconds: long enough for slow machines. */
const ACKNOWLEDGE_S = 45;
const SUPERVISOR_S = 15;
const folder = mkdtempSync(join(tmpdir(), 'skypicket-board-'));
const config = join(folder, 'skypicket.toml');
writeFileSync(config, `[policy.dispatch.bulletin]
acknowledge_s = { urgent = ${ACKNOWLEDGE_S}.0, caution = 600.0, advisory = 600.0 }
remind_s = { urgent = 10.0, caution = 300.0, advisory = 300.0 }
lapse_s = {}
supervisor_s = ${SUPERVISOR_S}.0
retention_s = 3600.0
`);
const centre = new RealCentre(['--config', config]);
const id = (k) => `t-${String(k).padStart(2, '0')}`;
let browser;
const phones = new Map();
const pages = {};
const wrongs = [];
let bulletin;

/** Somebody's phone without a browser: their event stream, their receipts, their acknowledgement. */
class Phone {
  notices = [];
  #abort = new AbortController();
  static async of(person) {
    const phone = new Phone();
    const link = new URL((await centre.links(person)).url).hash.replace('#sign-in=', '');
    const signed = await fetch(`${centre.url}/api/v1/sessions`, { method: 'POST', headers: { 'content-type': 'application/json', origin: centre.url }, body: JSON.stringify({ link }) });
    if (!signed.ok) throw new Error(`${person} is not signed in: ${signed.status} ${await signed.text()}`);
    phone.person = person;
    phone.cookie = signed.headers.getSetCookie()[0].split(';')[0];
    await phone.listen();
    return phone;
  }
  async listen() {
    const answer = await fetch(`${centre.url}/api/v1/events`, { headers: { cookie: this.cookie, origin: centre.url }, signal: this.#abort.signal });
    if (!answer.ok) throw new Error(`no events for ${this.person}: ${answer.status}`);
    void this.#read(answer.body.pipeThrough(new TextDecoderStream())).catch(() => undefined);
  }
  async #read(stream) {
    let rest = '';
    for await (const text of stream) {
      const messages = (rest + text).split('\n\n');
      rest = messages.pop();
      for (const m of messages) {
        if (!/^event: ?notice$/m.test(m)) continue;
        const view = JSON.parse(/^data: ?(.*)$/m.exec(m)[1]);
        if (view.notice.kind !== 'bulletin') continue;
        this.notices.push(view);
        // As a page does: it came.
        const { id: notice, version } = view.notice;
        if (!this.notices.slice(0, -1).some((v) => v.notice.version === version)) await this.#post(`/notices/${notice}/versions/${version}/receipts`, { shown: true }).catch(() => undefined);
      }
    }
  }
  #post(path, body) {
    return centre.ask(this.cookie, 'POST', path, { id: randomUUID(), ...body });
  }
  get last() {
    return this.notices.at(-1)?.notice;
  }
  acknowledge() {
    return this.#post(`/notices/${this.last.id}/versions/${this.last.version}/acknowledgements`, {});
  }
  close() {
    this.#abort.abort();
  }
}

before(async () => {
  if (LOOK) mkdirSync(LOOK, { recursive: true });
  [browser] = await Promise.all([launch(), centre.start()]);
});
after(async () => {
  for (const p of phones.values()) p.close();
  await browser?.close();
  await centre.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function open(name, url, options = {}) {
  const { page, wrong } = await watched(browser, options);
  await page.goto(url);
  const later = page.getByRole('button', { name: /^(Not now|Ahora no)$/ });
  await later.click();
  pages[name] = page;
  wrongs.push({ name, wrong });
  return page;
}
const nothingWrong = () => assert.deepEqual(wrongs.filter((w) => w.wrong.length > 0), []);
const look = async (page, name) => {
  if (LOOK) await page.screenshot({ path: join(LOOK, `${name}.png`) });
};
const office = async (name, person, hash) => open(name, (await centre.links(person)).url.replace('/#', '/office/#')).then(async (page) => {
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
  await page.evaluate((h) => { location.hash = h; }, hash);
  return page;
});
const button = (page, name) => page.getByRole('button', { name });
const boardOf = () => centre.api('GET', `/notices/${bulletin}/board`);
const sum = () => pages.board.locator('.sum').innerText();
const counted = (what) => pages.board.getByRole('group', { name: 'Only those who are' }).getByRole('button', { name: new RegExp(`^${what}`) }).innerText().then((t) => Number(/([\d,]+)$/.exec(t.trim())?.[1].replaceAll(',', '')));

test('fifty people of two units are entered, and listen', async () => {
  const person = (p, name, unit, roles, language = 'en') => ({ change: 'put_person', person: { id: p, name, unit, roles, language } });
  const leader = 'lead-t';
  await centre.api('POST', '/directory', {
    id: randomUUID(),
    changes: [
      { change: 'put_agency', agency: { id: 'county', name: 'County sheriff' } },
      { change: 'put_unit', unit: { id: 'desk-t', name: 'County desk', agency: 'county', leadership: [] } },
      { change: 'put_unit', unit: { id: 'ut-a', name: 'Deputies', agency: 'county', leadership: [leader] } },
      { change: 'put_unit', unit: { id: 'ut-b', name: 'Road patrol', agency: 'county', leadership: [leader] } },
      person(leader, 'County lead', 'desk-t', ['field', 'supervisor']),
      person('watch-2', 'South desk', 'desk-t', ['watch']),
      ...Array.from({ length: PEOPLE }, (_, k) => person(id(k + 1), `Deputy ${k + 1}`, k % 2 ? 'ut-b' : 'ut-a', ['field'], k === 0 ? 'es' : 'en')),
    ],
  });
  // One and two have real phones; fifty has none.
  for (let k = 3; k < PEOPLE; k += 1) phones.set(id(k), await Phone.of(id(k)));
  for (const [name, p] of [['spanish', id(1)], ['lead', 'lead-t']]) {
    const page = await open(name, (await centre.links(p)).field_url, { ...PHONE, locale: name === 'spanish' ? 'es-MX' : 'en-US' });
    await page.locator('.report').waitFor();
    await until('heard', () => page.getByText(/heard \d|oído hace \d/).first().isVisible());
  }
  assert.equal(phones.size, PEOPLE - 3);
});

test('one writes it with a preview, the other reads and approves it; everybody has it at once', async () => {
  const writer = await office('writer', 'watch-2', 'bulletins/new');
  await writer.getByLabel('Title, one line').fill('Officer Safety Alert');
  await writer.getByLabel(/^Text: what is known/).fill('Drones may carry explosives. Take cover when you hear one.');
  await writer.getByLabel('Título en español').fill('Alerta de seguridad');
  await writer.getByLabel(/^Texto en español/).fill('Los drones pueden llevar explosivos. Cúbrase cuando oiga uno.');
  await writer.getByRole('radio', { name: /^urgent/ }).check();
  for (const unit of ['ut-a', 'ut-b']) {
    await writer.getByLabel('Kind of rule').selectOption({ label: 'A unit' });
    await button(writer, 'Add rule').click();
    await writer.getByRole('combobox', { name: /^Unit/ }).last().selectOption(unit);
  }
  const preview = writer.getByRole('region', { name: 'Who would get it' });
  await until('fifty, two of them without a way', async () => /50 people[\s\S]*2 of them cannot be reached now/.test(await preview.innerText()));
  await axe(writer, 'write');
  await look(writer, 'real-write');
  await button(writer, 'Propose (EXERCISE)').click();
  await writer.getByText('You wrote this: somebody else must approve it.').waitFor();
  bulletin = (await writer.evaluate(() => location.hash)).split('/')[1];
  const approver = await office('board', 'watch-1', 'bulletins');
  await approver.getByRole('link', { name: 'Officer Safety Alert', exact: true }).click();
  await approver.getByText('Written by South desk').waitFor();
  await approver.getByText('Los drones pueden llevar explosivos.').waitFor();
  const go = button(approver, 'Approve and issue to 50 people (EXERCISE)');
  await go.waitFor();
  await axe(approver, 'approve');
  await look(approver, 'real-approve');
  await go.click();
  await approver.getByText('Approved: it is on its way.').waitFor();
  await until('all who listen have it', () => [...phones.values()].every((p) => p.last?.state === 'issued'));
  await until('the writer sees it in force', () => writer.getByRole('heading', { name: 'Version 1: in force' }).isVisible());
  assert.ok([...phones.values()].every((p) => p.last.id === bulletin && p.last.approved_by === 'watch-1' && p.last.exercise === 'first-light'));
  nothingWrong();
});

test('the board fills live while they acknowledge, also from a real phone in Spanish', async () => {
  const { board, spanish } = pages;
  await board.evaluate((b) => { location.hash = `board/${b}`; }, bulletin);
  await until('fifty on the list', async () => /of 50 acknowledged/.test(await sum().catch(() => '')));
  const answering = [...phones.values()].slice(0, 40);
  await Promise.all(answering.map((p) => p.acknowledge()));
  await until('forty on the page, by itself', async () => (await sum()).startsWith('40 of 50'));
  const card = spanish.locator('article.bulletin');
  await card.waitFor();
  assert.match(await card.innerText(), /Alerta de seguridad[\s\S]*Los drones pueden llevar explosivos/);
  await look(spanish, 'real-phone-es');
  // A button that has only just appeared takes no touch yet; a drone of the exercise may ask there, too.
  await until('forty-one', async () => {
    const known = card.getByRole('button', { name: /^Enterado/ });
    if (await known.isVisible()) await known.click({ timeout: 2_000 }).catch(() => undefined);
    return (await sum()).startsWith('41 of 50');
  });
  const units = board.getByRole('table', { name: 'By agency and unit' });
  assert.deepEqual((await units.locator('tbody th').allInnerTexts()).sort(), ['County sheriff', 'Deputies', 'Road patrol']);
  await until('two cannot be reached', async () => (await counted('Not reachable')) === 2);
  const { counts } = await boardOf();
  assert.deepEqual([counts.recipients, counts.acknowledged, counts.owing], [50, 41, 9]);
  await look(board, 'real-board');
  await axe(board, 'board');
  await axe(spanish, 'the phone that acknowledged');
  nothingWrong();
});

test('the silent are reminded, then their leader is told, and then they stand on the list to be called', async () => {
  const { board, lead } = pages;
  const silent = phones.get(id(43));
  await until('reminded over the open page, by a number that makes a phone alarm again', () => silent.notices.some((v) => v.recipients.find((r) => r.person === id(43))?.reminder > 0));
  await until('escalated', async () => (await counted('Escalated')) >= 7, 120_000);
  await until('the leader reads who', async () => /Deputy 43/.test(await lead.locator('.home').innerText()), 20_000);
  await look(lead, 'real-phone-lead');
  await until('silent', async () => (await counted('Silent')) >= 7, 120_000);
  await look(board, 'real-board-silent');
  // Late is not too late. The leader is on the list by now, too.
  await phones.get(id(44)).acknowledge();
  await until('one more', async () => (await sum()).startsWith('42 of 51'));
  nothingWrong();
});

test('a call-round by keyboard says for somebody that they know, with the name of who says so', async () => {
  const { board } = pages;
  await button(board, /^Call round/).click();
  const panel = board.getByRole('region', { name: /: call and deliveries$/ });
  await panel.waitFor();
  const name = await panel.getByRole('heading').innerText();
  await panel.getByLabel('Note').fill('by radio');
  await board.keyboard.press('Escape');
  await board.keyboard.press('1');
  await until('the next person', async () => (await panel.getByRole('heading').innerText()) !== name);
  await board.keyboard.press('2');
  await until('counted', async () => (await sum()).startsWith('43 of 51'));
  await look(board, 'real-call');
  await axe(board, 'call');
  await board.keyboard.press('Escape');
  await button(board, 'Show all again').click();
  const row = board.getByRole('table', { name: 'People of this notice' }).locator('tbody tr', { has: board.getByRole('button', { name, exact: true }) });
  await until('with his name', async () => /said for them by Watch officer/.test(await row.innerText().catch(() => '')));
  const { items } = await centre.api('GET', `/notices/${bulletin}/recipients?limit=500`);
  const theirs = items.find((r) => r.name === name);
  assert.deepEqual([theirs.acknowledged_by, theirs.acknowledged_via, theirs.call.status], ['watch-1', 'voice', 'acknowledged']);
  assert.equal(items.filter((r) => r.call?.status === 'no_answer').length, 1);
  nothingWrong();
});

test('recalled by one act it is taken back from every phone, loudly where it was read; who comes late hears nothing', async () => {
  const { writer, spanish, board } = pages;
  await button(writer, 'RECALL (EXERCISE)…').click();
  await writer.getByLabel('Why').fill('It was a mistake');
  await look(writer, 'real-recall');
  const began = Date.now();
  await button(writer, 'RECALL NOW (EXERCISE)').click();
  await until('all who listen know', () => [...phones.values()].every((p) => p.last.state === 'recalled'), 60_000);
  const took = Date.now() - began;
  assert.ok(took < 60_000, `${took} ms`);
  console.log(`recalled from ${phones.size} open pages in ${took} ms`);
  const card = spanish.locator('article.bulletin');
  await until('on the real phone', async () => /RETIRADO[\s\S]*No actúe según lo que decía antes/.test(await card.innerText().catch(() => '')));
  await look(spanish, 'real-phone-recalled');
  await until('on the board', async () => /recalled[\s\S]*It is over/.test(await board.locator('header.top').innerText()));
  assert.equal(await button(board, /^Call round/).count(), 0);
  await look(board, 'real-board-recalled');
  // Number two opens their phone only now.
  const { page: late } = await watched(browser, PHONE);
  await late.addInitScript(() => {
    globalThis.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { globalThis.tones += 1; start.call(this, at); };
  });
  await late.goto((await centre.links(id(2))).field_url);
  await button(late, 'Not now').click();
  await late.locator('.report').click({ trial: true });
  await late.locator('.home').click({ position: { x: 5, y: 5 } });
  await until('heard', () => late.getByText(/heard \d s ago/).first().isVisible());
  await new Promise((r) => setTimeout(r, 3_000));
  assert.equal(await button(late, /^Acknowledge: Urgent, Officer/).count(), 0, 'nothing is asked any more');
  assert.equal(await late.getByText('Do not act on what this said before.').count(), 0, 'there is nothing to take back here');
  await look(late, 'real-phone-late');
  nothingWrong();
});
