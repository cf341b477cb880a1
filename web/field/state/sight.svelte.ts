// Which of the cards on the page are before the eyes now: in the part of the page that scrolling, a zoom and an on-screen
// keyboard leave to be seen.
import { cardSeen, common, headSeen, toBring, type Asking, type Box } from '../sight';

class Sight {
  /** Notices whose card is on the page, but not before the eyes. */
  out = $state.raw<ReadonlySet<string>>(new Set());
  /** The part of the page that a zoom or a keyboard leaves to be seen; null when that is all of it. */
  part = $state.raw<{ left: number; top: number; width: number; scale: number } | null>(null);
  private known: ReadonlySet<string> = new Set();
  /** Notices whose card was before the eyes when the page was measured last. */
  private before: ReadonlySet<string> = new Set();
  private waits = false;

  constructor() {
    const soon = (): void => {
      if (this.waits) return;
      this.waits = true;
      requestAnimationFrame(() => {
        this.waits = false;
        this.look();
      });
    };
    document.addEventListener('scroll', soon, { capture: true, passive: true });
    addEventListener('resize', soon);
    document.addEventListener('visibilitychange', () => this.look());
    // Words that fold out, a card that grows or goes: no event of the window tells.
    new ResizeObserver(soon).observe(document.body);
    globalThis.visualViewport?.addEventListener('resize', soon);
    globalThis.visualViewport?.addEventListener('scroll', soon);
  }

  /** Measures, after the page has been changed. */
  look(): void {
    const { out } = this.measure();
    if (out.size !== this.out.size || [...out].some((id) => !this.out.has(id))) this.out = out;
    const v = globalThis.visualViewport;
    const whole = !v || (Math.abs(v.scale - 1) < 0.01 && v.offsetTop < 1 && v.offsetLeft < 1);
    const part = whole ? null : { left: v.offsetLeft, top: v.offsetTop, width: v.width * v.scale, scale: 1 / v.scale };
    if (JSON.stringify(part) !== JSON.stringify(this.part)) this.part = part;
  }

  /** Brings what asks anew before the eyes: at once, not sliding, and without taking the focus from anything. */
  bring(asking: readonly Asking[]): void {
    const { heads, cards } = this.measure();
    const notice = toBring(asking, this.known, heads, cards);
    // One whose card is not on the page, because a report is being made, is brought when it is.
    this.known = new Set(asking.filter((a) => document.getElementById(`notice-${a.notice}`) !== null).map((a) => a.key));
    if (notice !== null) this.show(notice);
    this.look();
  }

  /** Brings a card before the eyes; with `focus` reading goes on there, since the line that was touched goes. */
  show(notice: string, focus = false): void {
    const card = document.getElementById(`notice-${notice}`);
    // Where the whole page scrolls, the line that stays on top of it would cover what is brought there.
    const face = document.querySelector<HTMLElement>('.face');
    if (face) face.style.scrollPaddingTop = `${line()?.height ?? 0}px`;
    card?.scrollIntoView({ block: 'start', inline: 'start', behavior: 'instant' });
    if (focus && card) {
      card.tabIndex = -1;
      card.focus({ preventScroll: true });
    }
    this.look();
  }

  private measure(): { heads: Set<string>; cards: Set<string>; out: Set<string> } {
    const heads = new Set<string>();
    const cards = new Set<string>();
    const out = new Set<string>();
    const v = globalThis.visualViewport;
    const screen: Box = v
      ? { left: v.offsetLeft, top: v.offsetTop, right: v.offsetLeft + v.width, bottom: v.offsetTop + v.height }
      : { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const zoomed = v !== null && v.scale > 1.01;
    const strip = line();
    // It lies over what scrolls under it.
    if (strip !== null) screen.top = Math.max(screen.top, strip.bottom);
    for (const card of document.querySelectorAll<HTMLElement>('article[id^="notice-"]')) {
      const notice = card.id.slice('notice-'.length);
      const area = card.closest('.scroll');
      const window = area === null ? screen : common(area.getBoundingClientRect(), screen);
      const head = (card.querySelector('header') ?? card).getBoundingClientRect();
      if (window !== null && headSeen(head, window)) heads.add(notice);
      // Of a warning on a zoomed page some part says nothing: its head must be there.
      const before = { seen: this.before.has(notice), line: strip?.height ?? 0 };
      const reads = window !== null && !(zoomed && card.classList.contains('warning')) && cardSeen(card.getBoundingClientRect(), head, window, before);
      if (reads || heads.has(notice)) cards.add(notice);
      else out.add(notice);
    }
    this.before = cards;
    return { heads, cards, out };
  }
}

/** The line on top of the page, where it takes room there; null where none stands, or where it is pinned over a zoomed page. */
function line(): DOMRect | null {
  return document.querySelector('.strips:not(.pinned)')?.getBoundingClientRect() ?? null;
}

export const sight = new Sight();
