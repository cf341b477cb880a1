// What became of the report that was made last on this phone.
import { box } from './box.svelte';
import { centre } from './centre.svelte';

export type Fate =
  /** On this phone, not yet at the centre. */
  | 'kept'
  | 'sent'
  | 'refused'
  /** Taken back; the retraction is at the centre. */
  | 'taken back'
  /** Taken back; the retraction waits on this phone. */
  | 'taking back';

class Last {
  /** The report; null when none was made since the page was opened, or it was put away. */
  id = $state<string | null>(null);
  /** When SEND was touched, device clock. */
  atMs = $state(0);
  undone = $state(false);

  begin(id: string, atMs: number): void {
    this.id = id;
    this.atMs = atMs;
    this.undone = false;
  }

  readonly item = $derived(this.id === null ? undefined : box.find(this.id));
  readonly retraction = $derived(this.id === null ? undefined : box.items.find((i) => i.kind === 'retraction' && i.after === this.id));
  readonly fate: Fate = $derived.by(() => {
    const view = this.id === null ? undefined : centre.sightings.get(this.id);
    if (this.item?.state === 'refused') return 'refused';
    if (view?.retracted_at) return 'taken back';
    if (this.undone) return this.item || this.retraction ? 'taking back' : 'taken back';
    return this.item ? 'kept' : 'sent';
  });
}

export const last = new Last();
