// A centre that is far away, for the made-up centres. SKYPICKET_MOCK_LAG=MS makes each request of the API wait a random 0 to
// MS milliseconds before it is looked at, and its answer as long again before it goes out; an event stream waits before it
// opens. What was answered then comes late, out of order and after events: a page that loses what is done meanwhile is found
// so. SKYPICKET_MOCK_SEED=N (1) gives other waits, the same ones each time.
const LAG_MS = Number(process.env.SKYPICKET_MOCK_LAG ?? 0);
const SEED = Number(process.env.SKYPICKET_MOCK_SEED ?? 1);

/** Waits of 0 to LAG_MS for one centre (mulberry32): `far(res)` is done when a request may be looked at, and has its answer
 *  wait from there on. */
export function lags() {
  let state = SEED >>> 0;
  const wait = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    const ms = (((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * LAG_MS;
    return new Promise((r) => { setTimeout(r, ms).unref(); });
  };
  return async function far(res) {
    if (LAG_MS === 0) return;
    await wait();
    const end = res.end.bind(res);
    res.end = (...rest) => { void wait().then(() => end(...rest)); return res; };
  };
}
