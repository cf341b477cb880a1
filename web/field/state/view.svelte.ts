// Which page of the face is open. Pages are in the browser's history, so that the phone's own "back" closes them.

export type View = 'home' | 'kind' | 'point' | 'more' | 'sent' | 'menu' | 'armed' | 'outbox' | 'place' | 'signin' | 'push' | 'install' | 'bulletins';

const isView = (v: unknown): v is View => typeof v === 'string';

class Views {
  at = $state<View>('home');
  /** How many pages lie behind this one. */
  private depth = 0;

  constructor() {
    // A reload begins at home: a half-made report is not kept, and no page must lead back into it.
    history.replaceState({ view: 'home', depth: 0 }, '');
    addEventListener('popstate', (event: PopStateEvent) => {
      const state = event.state as { view?: unknown; depth?: unknown } | null;
      this.depth = typeof state?.depth === 'number' ? state.depth : 0;
      this.at = isView(state?.view) ? state.view : 'home';
    });
  }

  open(view: View): void {
    if (view === this.at) return;
    this.depth += 1;
    history.pushState({ view, depth: this.depth }, '');
    this.at = view;
  }

  /** Takes this page's place in the history: "back" does not come to it again. */
  become(view: View): void {
    history.replaceState({ view, depth: this.depth }, '');
    this.at = view;
  }

  back(): void {
    if (this.depth > 0) history.back();
    else this.at = 'home';
  }

  home(): void {
    if (this.depth > 0) history.go(-this.depth);
    this.depth = 0;
    this.at = 'home';
  }
}

export const views = new Views();
