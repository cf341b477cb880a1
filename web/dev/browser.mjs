// Headless Chromium for looking at the pages and for the browser tests: the flags make WebGL draw in software and keep
// the browser from calling home. CHROMIUM names the binary where it is not at Debian's place.
import { chromium } from 'playwright-core';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const launch = (options = {}) =>
  chromium.launch({
    executablePath: CHROMIUM,
    ...options,
    args: [
      '--no-sandbox', '--disable-gpu', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps', '--autoplay-policy=user-gesture-required',
    ],
  });

/** A page that notes everything that would be wrong on it: errors, refused loads, calls to anywhere else. */
export async function watched(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, timezoneId: 'America/Denver', locale: 'en-US', ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (m) => { if (m.type() === 'error' || /Content.Security|Refused/i.test(m.text())) wrong.push(m.text() + ' ' + (m.location().url ?? '')); });
  page.on('pageerror', (e) => wrong.push(String(e.stack ?? e)));
  page.on('request', (r) => { const u = new URL(r.url()); if (!['127.0.0.1', 'localhost'].includes(u.hostname) && !u.hostname.endsWith('.localhost') && !['data:', 'blob:'].includes(u.protocol)) wrong.push(`call to ${u.href}`); });
  return { context, page, wrong };
}
