// The searches that the reader keeps, for the menu and the page: read at the start, when the window is looked at again,
// now and then, and soon after the centre says that something new fits.
import { api } from '../shared/api';
import type { SavedSearch, SearchNews } from '../shared/types';
import { unreadOf, unreadWords } from './search';
import { trouble } from './people';

/** Read again so often where no event says when, and at most so often while events come, milliseconds. */
const AGAIN_MS = 60_000;
const SOON_MS = 1_500;

class Kept {
  /** Null until they were read. */
  items = $state.raw<SavedSearch[] | null>(null);
  wrong = $state('');
  /** What came last, in words: said once, beside the menu. */
  note = $state('');
  readonly unread = $derived(unreadOf(this.items ?? []));
  #timer: ReturnType<typeof setInterval> | null = null;
  #soon: ReturnType<typeof setTimeout> | null = null;
  #reading: Promise<void> | null = null;
  #heard = new Set<string>();
  #readAt = 0;
  /** How often something was done here. */
  #changed = 0;
  readonly #look = (): void => {
    if (document.visibilityState === 'visible') void this.read();
  };

  start(): void {
    this.#timer = setInterval(this.#look, AGAIN_MS);
    document.addEventListener('visibilitychange', this.#look);
    void this.read();
  }
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#soon !== null) clearTimeout(this.#soon);
    this.#timer = this.#soon = null;
    document.removeEventListener('visibilitychange', this.#look);
    this.items = null;
    this.wrong = this.note = '';
    this.#heard.clear();
  }
  /** The centre says that something new fits. */
  heard(news: SearchNews): void {
    if (this.#timer === null) return; // not this reader's
    this.#heard.add(news.search);
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      void this.read();
    }, Math.max(150, this.#readAt + SOON_MS - Date.now()));
  }
  /** Reads the list; what is asked for while one reading runs is answered by the next. */
  async read(): Promise<void> {
    if (this.#timer === null) return; // not this reader's
    if (this.#reading) {
      await this.#reading;
      const next = this.#reading as Promise<void> | null;
      if (next) return next;
    }
    this.#reading = this.#once();
    await this.#reading;
  }
  async #once(): Promise<void> {
    const heard = [...this.#heard];
    this.#readAt = Date.now();
    try {
      let items: SavedSearch[];
      let before: number;
      // What was kept, changed or dropped meanwhile may not be in it: it is read again.
      do {
        before = this.#changed;
        items = await api.searches();
      } while (before !== this.#changed && this.#timer !== null);
      heard.forEach((id) => this.#heard.delete(id));
      if (this.#timer === null) return;
      const told = items.filter((s) => heard.includes(s.id) && s.unread > 0);
      if (told.length > 0) this.note = `New: ${told.map((s) => `${s.name}, ${unreadWords(s)} unread`).join('; ')}`;
      this.items = items;
      if (this.unread.n === 0) this.note = '';
      this.wrong = '';
    } catch (error) {
      this.wrong = trouble(error);
    } finally {
      this.#reading = null;
    }
  }
  /** As the centre answered it. */
  put(s: SavedSearch): void {
    this.#changed += 1;
    const items = this.items ?? [];
    this.items = items.some((x) => x.id === s.id) ? items.map((x) => (x.id === s.id ? s : x)) : [...items, s];
    if (s.unread === 0) this.note = '';
  }
  drop(id: string): void {
    this.#changed += 1;
    this.items = (this.items ?? []).filter((s) => s.id !== id);
    this.note = '';
  }
}
export const kept = new Kept();
