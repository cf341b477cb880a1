// The access audit in words, and as CSV. Pure, so that it is tested.
import type { AuditRow } from '../shared/types';

/** What a deed is called, in the order of the filter. */
export const DEEDS: readonly (readonly [string, string])[] = [
  ['read_positions', 'read where people are'],
  ['read_intelligence', 'read an intelligence report'],
  ['read', 'read something'],
  ['signed_in', 'signed in'],
  ['sign_in_refused', 'sign-in refused'],
  ['signed_out', 'signed out'],
  ['link_made', 'made a sign-in link'],
  ['password_set', 'set a password'],
  ['second_factor_set', 'changed a second factor or passkey'],
  ['reset', 'reset of a sign-in'],
  ['session_ended', 'ended a session'],
  ['phone_lost', 'cut off a lost phone'],
  ['token_made', 'made a token'],
  ['token_revoked', 'revoked a token'],
  ['certificate_issued', 'issued a certificate'],
  ['certificate_revoked', 'revoked a certificate'],
  ['push_set', 'changed push'],
  ['channel_set', 'stopped or started a channel'],
  ['alert_given', 'was given an alert of the CAP feed'],
  ['partner_token_made', 'made a token for a partner'],
  ['partner_token_revoked', 'revoked a token of a partner'],
  ['glass_broken', 'issued a bulletin alone'],
  ['release_widened', 'approved a wider release'],
  ['approved_unseen', 'issued without seeing all that it rests on'],
];
const WORDS = new Map(DEEDS);
export const deedName = (deed: string): string => WORDS.get(deed) ?? deed.replaceAll('_', ' ');

const PLACES: readonly (readonly [RegExp, string])[] = [
  [/^\/people$/, 'the list of people'],
  [/^\/people\/(.+)$/, 'person $1'],
  [/^\/events$/, 'the live page (event stream)'],
  [/^\/sightings$/, 'reports'],
  [/^\/sightings\/(.+)$/, 'report $1'],
  [/^\/notices$/, 'warnings'],
  [/^\/notices\/(.+)$/, 'warning $1'],
  [/^\/dangers$/, 'who is in danger'],
  [/^\/search$/, 'what a search found'],
  [/^\/searches\/.+\/hits$/, 'what fits a kept search'],
  [/^\/audit$/, 'this audit'],
];
/** "GET /api/v1/people, everybody" in words; what is not known stays as it is. */
export function whatName(what: string): string {
  const m = /^GET \/api\/v1(\/[^?,]*)(\?[^,]*)?(?:, (.*))?$/.exec(what);
  if (!m) return what;
  const more = (m[3] ?? '').split(', ').filter((w) => w !== '' && w !== 'everybody');
  for (const [path, words] of PLACES) {
    if (path.test(m[1]!)) return [m[1]!.replace(path, words) + (m[2] ? ` (${decode(m[2].slice(1))})` : ''), ...more].join(', ');
  }
  return what;
}
function decode(query: string): string {
  try {
    return decodeURIComponent(query).replaceAll('&', ', ');
  } catch {
    return query;
  }
}

const COLUMNS = ['first', 'last', 'times', 'by', 'by_name', 'deed', 'what', 'about', 'everybody', 'session', 'recorded_at', 'entry'] as const;
/** As `skypicket audit` prints it (RFC 4180); a cell that a spreadsheet would take for a formula is quoted with '. */
export function csv(rows: readonly AuditRow[]): string {
  const cell = (v: string): string => {
    const text = /^[=+\-@\t\r]/.test(v) ? `'${v}` : v;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const line = (r: AuditRow): string =>
    [r.first, r.last, String(r.times), r.by?.id ?? '', r.by?.name ?? '', r.deed, r.what, r.about.map((p) => p.id).join(' '), String(r.everybody), r.session ?? '', r.recorded_at, String(r.entry)]
      .map(cell).join(',');
  return [COLUMNS.join(','), ...rows.map(line)].join('\r\n') + '\r\n';
}

/** A field of day and time as the browser gives it (local), as the API takes it; nothing while it is not whole. */
export function timeOf(field: string): string | undefined {
  if (field === '') return undefined;
  const ms = new Date(field).getTime();
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}
