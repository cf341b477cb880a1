// A phone on the built field page against a small made-up centre: signed in, heard, and its tones counted.
import { watched } from '../../dev/browser.mjs';
import { until } from '../../dev/steps.mjs';
import { SmallCentre } from './small-centre.mjs';

/** Opens one in `browser` for the test `t`, which closes it. */
export async function phone(browser, t, { language = 'en', palette = 'night', width = 390, height = 844, prepare = () => undefined } = {}) {
  const centre = new SmallCentre();
  prepare(centre);
  const url = await centre.listen();
  const { context, page, wrong } = await watched(browser, {
    viewport: { width, height }, isMobile: true, hasTouch: true, permissions: ['geolocation', 'screen-wake-lock'], geolocation: { latitude: 31.76, longitude: -106.49, accuracy: 8 },
  });
  t.after(async () => { await context.close(); centre.close(); });
  await page.addInitScript(([l, p]) => {
    localStorage.setItem('skypicket-field.language', l);
    localStorage.setItem('skypicket-field.palette', p);
    globalThis.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { globalThis.tones += 1; start.call(this, at); };
  }, [language, palette]);
  await page.goto(`${url}/field/`);
  await page.locator('.report').waitFor();
  // A touch lets the page make sound.
  await page.locator('.home').click({ position: { x: 5, y: 5 } });
  await until('heard', () => page.getByText(language === 'en' ? /heard \d s ago/ : /hace \d s/).first().isVisible());
  return { centre, url, context, page, wrong, card: page.locator('article.bulletin'), tones: () => page.evaluate(() => globalThis.tones) };
}
