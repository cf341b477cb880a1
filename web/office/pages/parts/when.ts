// A time as the office shows it: local, with the date, and UTC for whoever points at it.
import type { Time } from '../../../shared/types';

export const when = (t: Time | null): string => (t === null ? 'not known' : new Date(t).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }));
export const utc = (t: Time | null): string => (t === null ? '' : `${t.slice(0, 19).replace('T', ' ')} UTC`);
