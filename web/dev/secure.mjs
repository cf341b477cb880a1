// A live centre with TLS by its own authority, and browsers that come to trust it the way a phone does: by adding the
// authority's certificate to the store of a user of their own (Chromium on Linux reads it from the NSS database in HOME).
// Also: what a code says, read from a picture of it; and drones to send as a sensor would.
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import jsqr from 'jsqr';
import { BIN } from './centre.mjs';
import { decode } from './png.mjs';

/** Where the phone of the tests stands. */
export const HERE = { lat: 31.76, lon: -106.49 };

export class SecureCentre {
  /** The first line. */
  first = null;
  said = '';
  #child = null;
  #folder = mkdtempSync(join(tmpdir(), 'skypicket-secure-'));
  #udp = 0;

  /** On all addresses of this machine; links are to `name`; `flags` are more flags of `serve`. */
  async start(name, flags = []) {
    this.#udp = await freePort();
    const config = join(this.#folder, 'skypicket.toml');
    writeFileSync(config, `
listen = "0.0.0.0:0"
[tls]
names = ["${name}"]
[place]
name = "Test"
lat_deg = ${HERE.lat}
lon_deg = ${HERE.lon}
zoom = 13
[[agency]]
id = "north"
name = "Agency North"
[[unit]]
id = "centre"
name = "Centre"
agency = "north"
[[unit]]
id = "a"
name = "Unit A"
agency = "north"
leadership = ["lead-a"]
[[person]]
id = "watch"
name = "Watch officer"
unit = "centre"
roles = ["watch", "administrator"]
[[person]]
id = "lead-a"
name = "Leader A"
unit = "a"
roles = ["field", "supervisor"]
[[person]]
id = "agent-a1"
name = "Agent A1"
unit = "a"
roles = ["field"]
[[source.udp]]
id = "rid-1"
listen = "127.0.0.1:${this.#udp}"
`);
    const child = spawn(BIN, ['serve', '--config', config, '--data', join(this.#folder, 'data'), ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    // A test that is cut short must not leave the program running.
    process.once('exit', () => child.kill('SIGKILL'));
    child.stderr.on('data', (d) => { this.said = (this.said + d).slice(-20_000); });
    const line = await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the program ended with ${code}: ${this.said}`)));
    });
    this.first = JSON.parse(line);
    return this;
  }
  get url() {
    return this.first.listening;
  }
  /** The authority's certificate, as it lies at the centre. */
  get authority() {
    return join(this.#folder, 'data', 'tls', 'ca.crt');
  }
  get authorityWithKey() {
    return join(this.#folder, 'data', 'tls', 'authority.pem');
  }

  /** A drone that flies from so far east and north of HERE, metres, at this speed, until `stop()`; five lines a second. */
  drone(serial, [east, north, up], [vEast, vNorth]) {
    const socket = createSocket('udp4');
    const began = Date.now();
    const send = () => {
      const s = (Date.now() - began) / 1_000;
      const [e, n] = [east + vEast * s, north + vNorth * s];
      const lat = HERE.lat + n / 110_870;
      const lon = HERE.lon + e / (111_320 * Math.cos((HERE.lat * Math.PI) / 180));
      const line = {
        type: 'observation', t: Date.now() / 1_000, transport: 'wifi_beacon',
        claims: { ids: [{ kind: 'serial', value: serial }], class: 'rotor', velocity_enu_mps: [vEast, vNorth, 0] },
        lla: [lat, lon, 1_200 + up], cov_enu_m2: [[9, 0, 0], [0, 9, 0], [0, 0, 25]],
      };
      socket.send(`${JSON.stringify(line)}\n`, this.#udp, '127.0.0.1');
    };
    send();
    const timer = setInterval(send, 200);
    return { stop: () => { clearInterval(timer); socket.close(); } };
  }

  async stop() {
    const child = this.#child;
    this.#child = null;
    if (child && child.exitCode === null) {
      const ended = new Promise((r) => child.once('exit', r));
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(late);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const s = createSocket('udp4');
    s.once('error', reject);
    s.bind(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

/** A home folder of its own for a browser, with an empty certificate store. */
export class Home {
  path = mkdtempSync(join(tmpdir(), 'skypicket-home-'));
  constructor() {
    mkdirSync(join(this.path, '.pki', 'nssdb'), { recursive: true });
    this.#certutil('-N', '--empty-password');
  }
  get env() {
    // Chromium keeps to HOME only where nothing else names its folders.
    const { XDG_CONFIG_HOME: _config, XDG_DATA_HOME: _data, ...rest } = process.env;
    return { ...rest, HOME: this.path };
  }
  /** As a user does in the settings. A browser reads the store when it starts. */
  trust(file) {
    this.#certutil('-A', '-n', 'Skypicket', '-t', 'C,,', '-i', file);
  }
  #certutil(...args) {
    execFileSync('certutil', ['-d', `sql:${join(this.path, '.pki', 'nssdb')}`, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  }
  remove() {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What a code on a picture (PNG) says. */
export function readCode(png) {
  const { width, height, rgb } = decode(png);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i += 1) rgba.set([rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 255], 4 * i);
  const found = (jsqr.default ?? jsqr)(rgba, width, height);
  if (!found) throw new Error('no code on this picture');
  return found.data;
}
