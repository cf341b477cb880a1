// Which notices have been on this phone before, over restarts of the page: so that a recall is loud where the old words
// were read, and silent where they never were.
import { ended } from '../../shared/notice';
import type { Notice } from '../../shared/types';
import { keep, kept } from './settings.svelte';

/** So many are remembered. */
const MOST = 300;
/** Where the service worker keeps what push showed. */
const PUSHED = 'skypicket-field-pushed';

class Before {
  /** Notice to the first version of it that was on this phone. */
  had = $state.raw<ReadonlyMap<string, number>>(new Map());
  /** Corrections that have sounded. */
  private told: string[] = [];

  constructor() {
    try {
      const k = JSON.parse(kept('before') ?? 'null') as { had?: unknown; told?: unknown } | null;
      const pairs = Array.isArray(k?.had) ? (k.had as unknown[]) : [];
      this.had = new Map(pairs.filter((p): p is [string, number] => Array.isArray(p) && typeof p[0] === 'string' && typeof p[1] === 'number'));
      this.told = Array.isArray(k?.told) ? k.told.filter((t): t is string => typeof t === 'string') : [];
    } catch {
      // What cannot be read was never kept.
    }
    void this.fromPush();
  }

  /** A version is on the screen. */
  note(n: Notice): void {
    this.add(n.id, n.version);
  }

  /** A correction has sounded. */
  hasTold(key: string): boolean {
    return this.told.includes(key);
  }
  tell(keys: string[]): void {
    const fresh = keys.filter((k) => !this.told.includes(k));
    if (fresh.length === 0) return;
    this.told = [...this.told, ...fresh].slice(-MOST);
    this.save();
  }

  private add(id: string, version: number): void {
    if ((this.had.get(id) ?? Infinity) <= version) return;
    this.had = new Map([...this.had, [id, version] as const].slice(-MOST));
    this.save();
  }
  private save(): void {
    keep('before', JSON.stringify({ had: [...this.had], told: this.told }));
  }

  /** What came by push while this page was closed was read, too. */
  private async fromPush(): Promise<void> {
    try {
      if (!(await caches.has(PUSHED))) return;
      const cache = await caches.open(PUSHED);
      for (const request of await cache.keys()) {
        const p = (await (await cache.match(request))?.json()) as { kind?: unknown; id?: unknown; version?: unknown; state?: unknown } | number;
        if (typeof p !== 'object' || p?.kind !== 'notice' || typeof p.id !== 'string' || typeof p.version !== 'number') continue;
        if (!ended(p.state as Notice['state'])) this.add(p.id, p.version);
      }
    } catch {
      // No such store in this browser, or none now.
    }
  }
}

export const before = new Before();
