// Reports whose words are not for the reader any more: purged, or kept from them now, as the centre said while this tab was
// open. Whatever page shows or offers such words takes them off at once, and nothing that was typed of one stays in the tab.
import { api, Problem } from '../shared/api';
import { forgetReport, typedReports } from '../shared/typed';
import type { Link, ReportChanged } from '../shared/types';

class Gone {
  reports = $state.raw<ReadonlySet<string>>(new Set());
  /** How often something may have been missed: what a page once read of reports it reads again. */
  gaps = $state(0);

  has(link: Pick<Link, 'to' | 'id'>): boolean {
    return link.to === 'report' && this.reports.has(link.id);
  }
  /** The centre told of a report. */
  take(c: ReportChanged): void {
    if (c.gone || c.step === 'purged') this.#add(c.report);
    else if (this.reports.has(c.report)) this.reports = new Set([...this.reports].filter((id) => id !== c.report));
  }
  /** Asks of each report of which something is typed here whether its words are still for its writer: what became of it may
   *  have been told while nobody listened. */
  async check(person: string): Promise<void> {
    for (const id of typedReports(sessionStorage, person)) {
      try {
        if ((await api.report(id)).sight !== 'whole') this.#add(id);
      } catch (error) {
        if (error instanceof Problem && (error.status === 403 || error.status === 404)) this.#add(id);
      }
    }
  }
  /** Whoever signs in next may see others. */
  clear(): void {
    this.reports = new Set();
  }
  #add(id: string): void {
    forgetReport(sessionStorage, id);
    if (!this.reports.has(id)) this.reports = new Set([...this.reports, id]);
  }
}
export const gone = new Gone();
