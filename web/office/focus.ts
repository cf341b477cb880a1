// Focus that went with what had it: somebody who opened a row with the keyboard, or went back, goes on where they are now.

/** Gives `to`, a heading or a link, the focus where nothing on the page has it: whoever went on to something else meanwhile
 *  stays there. */
export function takeLostFocus(to: HTMLElement): void {
  const now = document.activeElement;
  if (to.tagName !== 'A') to.tabIndex = -1;
  if (now === null || now === document.body || now.tagName === 'MAIN') to.focus({ preventScroll: to.tagName !== 'A' });
}
