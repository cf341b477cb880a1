// The real program for the browser tests and the pictures: starts it with the exercise in a folder of its own, signs
// people in by their links, and ends it by its process id. SKYPICKET_BIN names the binary.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const BIN = process.env.SKYPICKET_BIN ?? fileURLToPath(new URL('../../target/debug/skypicket', import.meta.url));

export class RealCentre {
  /** http://127.0.0.1:PORT */
  url = '';
  /** The watch officer's one-time link, printed at the start. */
  signIn = null;
  /** What the program said besides its first line. */
  said = '';
  #child = null;
  #flags;
  #data = mkdtempSync(join(tmpdir(), 'skypicket-browser-'));
  #cookie = null;

  /** With more flags of `serve`. */
  constructor(flags = []) {
    this.#flags = flags;
  }

  /** Starts, or starts again, on the same data and the same port. */
  async start() {
    if (!existsSync(BIN)) throw new Error(`there is no program at ${BIN}: cargo build -p skypicket, or set SKYPICKET_BIN`);
    const listen = this.url === '' ? '127.0.0.1:0' : new URL(this.url).host;
    const child = spawn(BIN, ['serve', '--exercise', 'first-light', '--data', this.#data, '--listen', listen, ...this.#flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    // A test that is cut short must not leave the program running.
    process.once('exit', () => child.kill('SIGKILL'));
    child.stderr.on('data', (d) => { this.said = (this.said + d).slice(-20_000); });
    const first = await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the program ended with ${code}: ${this.said}`)));
    });
    const { listening, sign_in, exercise } = JSON.parse(first);
    if (exercise !== 'first-light') throw new Error(`not the exercise: ${first}`);
    this.url = listening.replace(/\/$/, '');
    this.signIn = sign_in;
    return this;
  }

  /** SIGKILL: nothing is drained. */
  async kill() {
    await this.#end('SIGKILL');
  }
  /** SIGSTOP and SIGCONT: the process stands still, and its connections stay open and say nothing. */
  freeze() {
    this.#child.kill('SIGSTOP');
  }
  thaw() {
    this.#child?.kill('SIGCONT');
  }
  async stop() {
    this.thaw();
    await this.#end('SIGTERM');
    rmSync(this.#data, { recursive: true, force: true });
  }
  async #end(signal) {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((r) => child.once('exit', r));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
  }

  /** The API as the watch officer, outside of any browser. The printed link works once: call this OR open it in a page. */
  async api(method, path, body) {
    if (this.#cookie === null) {
      const answer = await fetch(`${this.url}/api/v1/sessions`, {
        method: 'POST', headers: { 'content-type': 'application/json', origin: this.url }, body: JSON.stringify({ link: new URL(this.signIn).hash.replace('#sign-in=', '') }),
      });
      if (!answer.ok) throw new Error(`not signed in: ${answer.status} ${await answer.text()}`);
      this.#cookie = answer.headers.getSetCookie()[0].split(';')[0];
    }
    return this.ask(this.#cookie, method, path, body);
  }
  /** The API under somebody's session cookie. */
  async ask(cookie, method, path, body) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method, headers: { cookie, origin: this.url, ...(body ? { 'content-type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }
  /** Sign-in links of a person, made by the watch officer. */
  links(person) {
    return this.api('POST', `/people/${person}/sign-in-links`, { id: randomUUID() });
  }
}

/** A phone near the scene's western pickets, with a touch screen. */
export const PHONE = {
  viewport: { width: 390, height: 844 }, deviceScaleFactor: 1, isMobile: true, hasTouch: true, permissions: ['geolocation', 'screen-wake-lock'],
  geolocation: { latitude: 31.7636, longitude: -106.4922, accuracy: 6 },
};
