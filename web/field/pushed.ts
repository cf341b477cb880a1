// A push message, and the notification that is shown for it: pure, so that the service worker only carries it out.
//
// A browser demands that every message shows something. What is old, over, repeated or needs no act is shown without a
// sound. The words stand here and not with the page's other texts: the service worker is one small file.
import type { Level, NoticeState } from '../shared/types';

/** What the centre sends. Above TLP:GREEN it has no `text`, `mine` or `about`. */
export interface PushNotice {
  kind: 'notice';
  id: string;
  version: number;
  notice_kind?: 'warning' | 'bulletin';
  state: NoticeState;
  level: Level;
  expires_at: string;
  delivery: string;
  /** The centre waits for this person's acknowledgement. */
  asks: boolean;
  language: 'en' | 'es';
  exercise: string | null;
  may_repeat: boolean;
  unrecorded: boolean;
  /** Which reminder this is; 0 is none. A higher one alarms again. */
  reminder?: number;
  text?: string;
  mine?: boolean;
  about?: string;
  /** Of a bulletin: its number and marking; above TLP:GREEN the marking's label alone. */
  foot?: string;
}
export interface PushTest {
  kind: 'test';
  id: string;
  at: string;
  language: 'en' | 'es';
  exercise: string | null;
}
export type Pushed = PushNotice | PushTest;

/** What is shown. */
export interface Shown {
  title: string;
  body: string;
  lang: string;
  /** A newer one under the same tag takes the place of this one. */
  tag: string;
  /** No sound, no vibration, goes away by itself. */
  quiet: boolean;
}

const WORDS = {
  en: {
    urgent: 'URGENT', caution: 'CAUTION', advisory: 'ADVISORY', exercise: 'EXERCISE', you: 'drone near you', about: 'drone near {name}', bare: 'a warning for you',
    bulletin: 'a bulletin for you', recalled: 'RECALLED', expired: 'Expired', again_first: 'Reminder. ',
    open: 'Open Skypicket to read it.', over: 'Over', late: 'Late, may be over', unrecorded: 'UNRECORDED. ', again: 'Open Skypicket and acknowledge.',
    test: 'Push reaches this phone', tested: 'A test, sent {time}. No warning.', unknown: 'Open Skypicket: something came that cannot be shown here.',
  },
  es: {
    urgent: 'URGENTE', caution: 'PRECAUCIÓN', advisory: 'AVISO', exercise: 'EJERCICIO', you: 'dron cerca de usted', about: 'dron cerca de {name}', bare: 'una alerta para usted',
    bulletin: 'un boletín para usted', recalled: 'RETIRADO', expired: 'Vencido', again_first: 'Recordatorio. ',
    open: 'Abra Skypicket para leerla.', over: 'Terminada', late: 'Tarde, quizá ya terminó', unrecorded: 'SIN REGISTRAR. ', again: 'Abra Skypicket y confirme.',
    test: 'Las notificaciones push llegan a este teléfono', tested: 'Una prueba, enviada {time}. No es una alerta.', unknown: 'Abra Skypicket: llegó algo que aquí no se puede mostrar.',
  },
} as const;

/** The same as in shared/notice.ts: the service worker is one file without imports. */
const ended = (state: NoticeState): boolean => state === 'cleared' || state === 'recalled' || state === 'expired';

/** A clock that nobody has compared with the centre's may be off by so much before a warning is called late. */
const UNSURE_MS = 10 * 60_000;

/** Reads a message; null where it is none of ours. */
export function read(text: string): Pushed | null {
  try {
    const p = (JSON.parse(text) ?? {}) as Omit<Partial<PushNotice>, 'kind'> & { kind?: string };
    if (p.kind === 'test' && typeof p.id === 'string') return p as unknown as PushTest;
    const fits =
      p.kind === 'notice' && typeof p.id === 'string' && Number.isInteger(p.version) && typeof p.level === 'string' && p.level in WORDS.en && typeof p.state === 'string';
    return fits ? (p as unknown as PushNotice) : null;
  } catch {
    return null;
  }
}

/**
 * What to show for a message. `known` is the newest version of the same notice that came before; `centreMs` is the
 * centre's time as far as this device knows it, `sure` whether it has compared clocks.
 */
export function show(p: Pushed | null, known: PushNotice | null, centreMs: number, sure: boolean): Shown {
  if (p === null) return { title: 'Skypicket', body: WORDS.en.unknown, lang: 'en', tag: 'unknown', quiet: false };
  const w = WORDS[p.language] ?? WORDS.en;
  const mark = p.exercise === null || p.exercise === undefined ? '' : `${w.exercise} · `;
  const lang = p.language;
  if (p.kind === 'test') {
    const time = `${p.at.slice(11, 19)}Z`;
    return { title: `${mark}${w.test}`, body: w.tested.replace('{time}', time), lang, tag: 'test', quiet: false };
  }
  // An older one overtook nobody: the newest stays in its place. The same again says nothing new.
  if (known !== null && known.id === p.id && known.version > p.version) return { ...show(known, null, centreMs, sure), quiet: true };
  const before = known !== null && known.id === p.id ? known : null;
  const reminder = p.reminder ?? 0;
  const again = before !== null && before.version === p.version && (before.reminder ?? 0) >= reminder;
  const late = centreMs > Date.parse(p.expires_at) + (sure ? 0 : UNSURE_MS);
  const over = ended(p.state);
  // Who has read the old words must hear that they no longer hold; to anybody else it is no news.
  const corrects = before !== null && before.version < p.version && !ended(before.state) && (p.state === 'recalled' || (p.notice_kind === 'bulletin' && p.state === 'updated'));
  const bulletin = p.notice_kind === 'bulletin';
  const what = bulletin ? (p.text === undefined ? w.bulletin : (p.about ?? w.bulletin)) : p.text === undefined ? w.bare : p.mine ? w.you : w.about.replace('{name}', p.about ?? '');
  const level = p.state === 'recalled' ? w.recalled : p.state === 'expired' ? w.expired : over ? w.over : late ? w.late : w[p.level];
  const words = `${p.unrecorded ? w.unrecorded : ''}${reminder > 0 && p.asks && !over ? w.again_first : ''}${p.text ?? w.open}`;
  const asked = p.asks && !over && !late && p.text !== undefined ? `${words}\n${w.again}` : words;
  const body = p.foot === undefined ? asked : `${asked}\n${p.foot}`;
  const quiet = !corrects && (over || late || again || !p.asks);
  return { title: `${mark}${level}: ${what}`, body, lang, tag: p.id, quiet };
}

/** How it feels in the hand: on, off, on … in milliseconds. */
export const PUSH_BUZZ: Record<Level, number[]> = {
  urgent: [130, 90, 130, 90, 130, 330, 130, 90, 130, 420, 130, 90, 130, 90, 130, 330, 130, 90, 130],
  caution: [220, 200, 220, 200, 220],
  advisory: [180, 80, 180],
};
