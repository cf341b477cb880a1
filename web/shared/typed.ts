// What somebody typed and has not sent, as pages keep it in their tab: under one prefix and its writer's id, so that every
// page on which one can sign out takes all of it away.

/** Before the writer's id and a dot. */
export const TYPED = 'skypicket-typed.';

/** At sign-out all of it goes; when somebody signs in, what others left goes. */
export function forgetTyped(store: Storage, but: string | null = null): void {
  try {
    const keys = Array.from({ length: store.length }, (_, k) => store.key(k) ?? '');
    for (const k of keys) if (k.startsWith(TYPED) && (but === null || !k.startsWith(`${TYPED}${but}.`))) store.removeItem(k);
  } catch {
    // The browser keeps nothing: then there is nothing to forget.
  }
}
