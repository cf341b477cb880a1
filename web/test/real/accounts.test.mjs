// Signing in, in real browsers against the real program: a password and a code, a passkey in a virtual authenticator, a
// provider of the house that is a process of its own, a reset by two people, and a lost phone that is cut off while its
// page is open. One story, told in order. SKYPICKET_BIN names the program; `npm run build` and `cargo build` first.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { launch, watched } from '../../dev/browser.mjs';
import { BIN, PHONE } from '../../dev/centre.mjs';
import { axe, code } from '../../dev/steps.mjs';

const PASSWORD = 'lluvia en la sierra';
const folder = mkdtempSync(join(tmpdir(), 'skypicket-accounts-'));
const SHOTS = process.env.SKYPICKET_SHOTS;
let browser;
let centre;
let provider;
let url;
let signIn;
let boss;
let key;
let recovery;

const freePort = () => new Promise((resolve) => {
  const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); });
});
const firstLine = (child, what) => new Promise((resolve, reject) => {
  createInterface({ input: child.stdout }).once('line', (l) => resolve(JSON.parse(l)));
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`${what} ended with ${code}`)));
});
const started = (command, args, what) => {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, SKYPICKET_LOG: 'error' } });
  process.once('exit', () => child.kill('SIGKILL'));
  return firstLine(child, what).then((line) => ({ child, line }));
};
async function open(address, options) {
  const made = await watched(browser, options);
  await made.page.goto(address);
  return made;
}
async function shot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
const touch = (page, name) => page.getByRole('button', { name, exact: typeof name === 'string' }).first().click();
const api = (page, method, path, body) => page.evaluate(async ([m, p, b]) => {
  const r = await fetch(`/api/v1${p}`, { method: m, ...(b ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(b) } : {}) });
  const text = await r.text();
  return { status: r.status, body: text === '' ? null : JSON.parse(text) };
}, [method, path, body]);

before(async () => {
  const port = await freePort();
  url = `http://localhost:${port}`;
  [browser, provider] = await Promise.all([launch(), started(process.execPath, [fileURLToPath(new URL('../../dev/provider.mjs', import.meta.url)), `${url}/api/v1/oidc/callback`], 'the provider')]);
  writeFileSync(join(folder, 'secret'), 'a secret: of/the test\n', { mode: 0o600 });
  writeFileSync(join(folder, 'skypicket.toml'), `
public_url = "${url}"
[[agency]]
id = "own"
name = "Own agency"
[[unit]]
id = "desk"
name = "Desk"
agency = "own"
[[unit]]
id = "north"
name = "North pickets"
agency = "own"
leadership = ["north-lead"]
[[person]]
id = "boss"
name = "Shift lead"
unit = "desk"
roles = ["administrator", "watch"]
[[person]]
id = "north-lead"
name = "North lead"
unit = "north"
roles = ["field", "supervisor"]
[[person]]
id = "north-1"
name = "North 1"
unit = "north"
roles = ["field"]
[sign_in]
second_factor = "always"
second_factor_roles = ["administrator"]
[oidc]
issuer = "${provider.line.issuer}"
client_id = "skypicket"
client_secret_file = "${join(folder, 'secret')}"
name = "House account"
people = { "lead@house" = "north-lead" }
`);
  centre = await started(BIN, ['serve', '--config', join(folder, 'skypicket.toml'), '--data', join(folder, 'data'), '--listen', `127.0.0.1:${port}`], 'the centre');
  signIn = centre.line.sign_in;
});
after(async () => {
  await browser?.close();
  for (const p of [centre, provider]) {
    if (!p) continue;
    const ended = new Promise((r) => p.child.once('exit', r));
    p.child.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

test('an administrator sets a password, must set up codes, and is let in only then', async () => {
  assert.ok(signIn.startsWith(url));
  boss = await open(signIn);
  const { page } = boss;
  await page.getByRole('heading', { name: 'Set your password' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Not now' }).count(), 0, 'who must have a second factor cannot put the password off');
  await page.getByLabel('New password').fill('password1234');
  await page.getByLabel('The same again').fill('password1234');
  await touch(page, 'Save password');
  await page.getByText('too easy to guess').waitFor();
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByLabel('The same again').fill(PASSWORD);
  await touch(page, 'Save password');
  await page.getByRole('heading', { name: 'Set up a second factor' }).waitFor();
  await page.getByRole('img', { name: 'QR code for an authenticator app' }).waitFor();
  const drawn = await page.getByRole('img', { name: 'QR code for an authenticator app' }).evaluate((i) => i.naturalWidth);
  assert.ok(drawn >= 200, `the picture is drawn under the page's policy: ${drawn}`);
  await axe(page, 'set up codes');
  await shot(page, '1-set-up-codes');
  // Nothing else is answered before.
  assert.equal((await api(page, 'GET', '/people')).body.code, 'second_factor_required');
  key = await page.locator('.key').innerText();
  await page.getByLabel('The six digits that it shows now').fill('000000');
  await touch(page, 'Go on');
  await page.getByText('That code is wrong').waitFor();
  await page.getByLabel('The six digits that it shows now').fill(await code(key, -1));
  await touch(page, 'Go on');
  await page.getByRole('heading', { name: 'Keep these recovery codes' }).waitFor();
  recovery = await page.locator('.recovery li').allInnerTexts();
  assert.equal(recovery.length, 10);
  await axe(page, 'recovery codes');
  await touch(page, 'I have written them down');
  await page.getByRole('region', { name: 'Needs you now' }).waitFor();
});

test('name, password and code sign in', async () => {
  const { page } = boss;
  await page.goto(`${url}/office/`);
  await touch(page, 'Sign out');
  await page.getByLabel('Name').fill('boss');
  await page.getByLabel('Password').fill('not that one, no');
  await touch(page, 'Sign in');
  await page.getByText('Name or password is wrong.').waitFor();
  await axe(page, 'sign in');
  await shot(page, '2-sign-in');
  assert.equal(await page.getByLabel('Password').getAttribute('autocomplete'), 'current-password');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Your code' }).waitFor();
  assert.equal(await page.getByLabel('Code').getAttribute('autocomplete'), 'one-time-code');
  await axe(page, 'code');
  await shot(page, '3-code');
  await page.getByLabel('Code').fill(await code(key));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
});

test('a passkey is added on the page of one\'s own sign-in, and signs in alone', async () => {
  const { page, context } = boss;
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await page.goto(`${url}/office/#sign-in`);
  await page.getByRole('heading', { name: 'Passkeys' }).waitFor();
  await page.getByLabel('Name of the device').fill('Test key');
  await touch(page, 'Add a passkey');
  await page.getByText('The passkey is added.').waitFor();
  await page.getByRole('cell', { name: 'Test key', exact: true }).waitFor();
  await axe(page, 'own sign-in');
  await shot(page, '4-own-sign-in');
  await touch(page, 'Sign out');
  await touch(page, 'Use a passkey');
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  const mine = (await api(page, 'GET', '/me/sign-in')).body;
  assert.equal(mine.sessions.find((s) => s.this).how, 'passkey');
  assert.notEqual(mine.passkeys[0].used_at, null);
  // One that is removed at the centre signs nobody in, whatever the device holds.
  await page.goto(`${url}/office/#sign-in`);
  await touch(page, 'Remove Test key');
  await page.getByText('is removed here').waitFor();
  await touch(page, 'Sign out');
  await touch(page, 'Use a passkey');
  await page.getByText('The passkey was not used.').waitFor();
  // A recovery code instead of the code.
  await page.getByLabel('Name').fill('boss');
  await page.getByLabel('Password').fill(PASSWORD);
  await touch(page, 'Sign in');
  await page.getByLabel('Code').fill(recovery[0].toUpperCase());
  await touch(page, 'Go on');
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
});

test('on a bare address the page says why there are no passkeys', async () => {
  const { page } = await open(url.replace('localhost', '127.0.0.1'));
  await page.getByLabel('Password').waitFor();
  await page.getByRole('link', { name: 'House account' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Use a passkey' }).count(), 0);
  await page.context().close();
});

test('a lost phone is cut off in one act, and its open page says that nobody is warned there any more', async () => {
  const { page } = boss;
  await page.goto(`${url}/office/#accounts`);
  await page.getByLabel('Find a person').fill('north 1');
  await touch(page, /^North 1/);
  await touch(page, 'Make a sign-in link');
  const link = await page.getByLabel('Link for a phone').inputValue();
  const phone = await open(link, PHONE);
  await phone.page.getByLabel('New password').fill(PASSWORD);
  await phone.page.getByLabel('The same again').fill(PASSWORD);
  await shot(phone.page, '5-phone-password');
  await phone.page.getByRole('button', { name: 'Save password' }).click();
  await phone.page.getByText('REPORT DRONE').waitFor();
  await phone.page.getByText(/heard \d s ago/).first().waitFor();
  await page.reload();
  await page.getByLabel('Find a person').fill('north 1');
  await touch(page, /^North 1/);
  await page.getByRole('cell', { name: 'one-time link' }).waitFor();
  await axe(page, 'sign-ins');
  await shot(page, '6-account');
  await touch(page, 'Lost phone…');
  const cut = Date.now();
  await touch(page, 'Cut the phone off');
  await page.getByText(/Cut off\. Ended: 1 sessions, 1 open pages/).waitFor();
  await phone.page.getByText('Your session is over.').waitFor({ timeout: 10_000 });
  console.log(`# the phone says so after ${Date.now() - cut} ms`);
  await shot(phone.page, '7-phone-cut-off');
  await axe(phone.page, 'phone cut off');
  // The password still holds: it was the phone that was lost.
  await phone.page.getByRole('button', { name: 'Sign in again' }).click();
  await phone.page.getByLabel('Name').fill('north-1');
  await phone.page.getByLabel('Password').fill(PASSWORD);
  await phone.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await phone.page.getByText('REPORT DRONE').waitFor();
  await phone.context.close();
});

test('somebody of the directory comes in through the provider of the house, and nobody else does', async () => {
  const lead = await open(`${url}/office/`);
  const through = async (page, who) => {
    await page.getByRole('link', { name: 'House account' }).click();
    await page.locator('input[name=login]').fill(who);
    await page.locator('input[name=password]').fill('anything');
    await page.locator('button[type=submit]').click();
    await page.getByRole('button', { name: 'Continue' }).click();
  };
  await through(lead.page, 'lead@house');
  await lead.page.waitForURL(`${url}/office/**`);
  await lead.page.getByRole('button', { name: 'Sign out' }).waitFor();
  const me = (await api(lead.page, 'GET', '/me')).body;
  assert.deepEqual([me.person.id, me.must_set_password], ['north-lead', false]);
  assert.equal((await api(lead.page, 'GET', '/me/sign-in')).body.sessions[0].how, 'provider');

  const stranger = await open(`${url}/office/`);
  await through(stranger.page, 'stranger');
  await stranger.page.getByText('nobody has let you in here').waitFor();
  await axe(stranger.page, 'refused');
  await shot(stranger.page, '8-provider-refused');
  assert.ok(!stranger.page.url().includes('refused'), 'the address is clean again');
  // The provider knows the administrator as well: this centre still asks for their code.
  await stranger.context.clearCookies();
  const { page } = stranger;
  await page.goto(`${url}/office/`);
  await through(page, 'boss');
  await page.getByRole('heading', { name: 'Your code' }).waitFor();
  assert.equal((await api(page, 'GET', '/me')).status, 401);
  await page.getByLabel('Code').fill(recovery[1]);
  await touch(page, 'Go on');
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  // A way back that was not begun in this browser is none.
  const forged = await open(`${url}/api/v1/oidc/callback?code=x&state=y`);
  await forged.page.getByText('Signing in there came to nothing').waitFor();
  await forged.context.close();
  await stranger.context.close();
  await lead.context.close();
});

test('a reset is begun by one and confirmed by another on their own page', async () => {
  const { page } = boss;
  await page.goto(`${url}/office/#accounts`);
  await page.reload();
  await page.getByLabel('Find a person').fill('north 1');
  await touch(page, /^North 1/);
  await touch(page, 'Reset the sign-in…');
  await touch(page, 'Begin the reset');
  await page.getByText('waits for a second person').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Confirm the reset' }).count(), 0, 'not by the one who began it');
  const lead = await open(`${url}/office/#sign-in`);
  await lead.page.getByRole('link', { name: 'House account' }).click();
  await lead.page.locator('input[name=login]').fill('lead@house');
  await lead.page.locator('input[name=password]').fill('anything');
  await lead.page.locator('button[type=submit]').click();
  await lead.page.getByRole('button', { name: 'Continue' }).click();
  await lead.page.getByRole('button', { name: 'Sign out' }).waitFor();
  await lead.page.goto(`${url}/office/#sign-in`);
  await touch(lead.page, /^Confirm the reset of North 1/);
  const link = await lead.page.getByLabel('Link for a phone').inputValue();
  await axe(lead.page, 'confirmed');
  await shot(lead.page, '9-confirmed');
  const again = await open(link, PHONE);
  await again.page.getByRole('heading', { name: 'Set your password' }).waitFor();
  await again.context.close();
  await lead.context.close();
});
