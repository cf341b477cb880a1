// Tells when something has really been on the screen: most of it visible, on a page that is itself visible, for a
// moment long enough to be seen.

const LONG_ENOUGH_MS = 400;

/** Svelte attachment: calls `then` when what it is put on has been seen. `key` names what is shown there now: with
 *  another one, it must be seen anew. */
export function seenOnScreen(key: string, then: () => void): (node: HTMLElement) => () => void {
  return (node) => {
    node.dataset['shows'] = key;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let inView = false;
    const look = (): void => {
      if (timer !== null) clearTimeout(timer);
      timer = inView && document.visibilityState === 'visible' ? setTimeout(then, LONG_ENOUGH_MS) : null;
    };
    const observer = new IntersectionObserver(
      (entries) => {
        for (const e of entries) {
          // Something taller than the screen is seen when it fills half of the screen.
          inView = e.isIntersecting && (e.intersectionRatio >= 0.6 || e.intersectionRect.height >= innerHeight * 0.5);
        }
        look();
      },
      { threshold: [0, 0.25, 0.5, 0.6, 0.8, 1] },
    );
    observer.observe(node);
    document.addEventListener('visibilitychange', look);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', look);
      if (timer !== null) clearTimeout(timer);
    };
  };
}
