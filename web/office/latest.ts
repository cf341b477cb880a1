// Answers that come in another order than they were asked for: of one thing that is read again and again only the newest
// question's answer counts, so that a slow one does not bring back how it was before.

/** Numbers the readings of one thing. */
export class Latest {
  #asked = 0;
  /** Begins a reading; gives whether it is still the newest. */
  begin(): () => boolean {
    const mine = (this.#asked += 1);
    return () => mine === this.#asked;
  }
}
