// Headless Chromium for looking at the pages and for the browser tests: the flags make WebGL draw in software and keep
// the browser from calling home. CHROMIUM names the binary where it is not at Debian's place.
import { chromium } from 'playwright-core';

/** How many times slower the pages' processor seems: SKYPICKET_TEST_SLOW=6 is a weak machine that has other work. */
const SLOW = Number(process.env.SKYPICKET_TEST_SLOW ?? 1);

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const launch = (options = {}) =>
  chromium.launch({
    executablePath: CHROMIUM,
    timeout: 120_000,
    ...options,
    args: [
      '--no-sandbox', '--disable-gpu', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps', '--autoplay-policy=user-gesture-required',
    ],
  });

/** How the tests open a context: what is waited for may take long on a machine that is slow or has other work. */
export async function opened(browser, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(60_000);
  if (SLOW > 1) {
    const slow = async (page) => { await (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: SLOW }); };
    const { newPage } = context;
    // A page that a test opens is slow before it is handed out; one that opens by itself as soon as it is known.
    context.newPage = async () => { const page = await newPage.call(context); await slow(page); return page; };
    context.on('page', (page) => void slow(page).catch(() => {}));
  }
  return context;
}

/** A page that notes everything that would be wrong on it: errors, refused loads, calls to anywhere else. */
export async function watched(browser, options = {}) {
  const context = await opened(browser, { viewport: { width: 1280, height: 800 }, timezoneId: 'America/Denver', locale: 'en-US', ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (m) => { if (m.type() === 'error' || /Content.Security|Refused/i.test(m.text())) wrong.push(m.text() + ' ' + (m.location().url ?? '')); });
  page.on('pageerror', (e) => wrong.push(String(e.stack ?? e)));
  page.on('request', (r) => { const u = new URL(r.url()); if (!['127.0.0.1', 'localhost'].includes(u.hostname) && !u.hostname.endsWith('.localhost') && !['data:', 'blob:'].includes(u.protocol)) wrong.push(`call to ${u.href}`); });
  return { context, page, wrong };
}
