// The page of a signed link: shows one notice, and acknowledges it at the press of the button, never by itself.

const WORDS = {
  en: {
    acknowledge: 'ACKNOWLEDGE', done: 'Acknowledged.', wait: 'One moment …', nothing: 'Nothing is asked of you.',
    superseded: 'There is a newer version: open the newest message, or Skypicket.', ended: 'It is over.',
    withheld: 'Something waits for you. Open Skypicket.', wrong_link: 'This link does not work here, or was cut. Open the whole link.',
    link_expired: 'The time of this link is over. Open Skypicket.', too_many_tries: 'Too many tries: wait a little.',
    failed: 'NOT acknowledged. Try again, or reply with the code.', unread: 'The centre could not be reached. Try again.',
    over: 'It is over.', urgent: 'URGENT', caution: 'CAUTION', advisory: 'ADVISORY', exercise: 'EXERCISE', again: 'TRY AGAIN',
  },
  es: {
    acknowledge: 'CONFIRMAR', done: 'Confirmado.', wait: 'Un momento …', nothing: 'No se le pide nada.',
    superseded: 'Hay una versión más nueva: abra el último mensaje, o Skypicket.', ended: 'Terminó.',
    withheld: 'Algo le espera. Abra Skypicket.', wrong_link: 'Este enlace no sirve aquí, o está cortado. Abra el enlace completo.',
    link_expired: 'El tiempo de este enlace terminó. Abra Skypicket.', too_many_tries: 'Demasiados intentos: espere un poco.',
    failed: 'NO confirmado. Intente otra vez, o responda con el código.', unread: 'No se pudo llegar al centro. Intente otra vez.',
    over: 'Terminó.', urgent: 'URGENTE', caution: 'PRECAUCIÓN', advisory: 'AVISO', exercise: 'EXERCISE / EJERCICIO', again: 'OTRA VEZ',
  },
};

const at = (id) => document.getElementById(id);
let language = navigator.language?.startsWith('es') ? 'es' : 'en';
const word = (key) => WORDS[language][key] ?? WORDS[language].unread;
const show = (id, text) => { at(id).textContent = text ?? ''; at(id).hidden = !text; };
const token = location.hash.slice(1);
const button = at('acknowledge');
// The same over all tries, so that the centre takes it once.
const id = crypto.randomUUID?.() ?? '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (c) =>
  (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));

async function post(path, body) {
  const answer = await fetch(`/api/v1/links/${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), cache: 'no-store', credentials: 'omit',
  });
  return { ok: answer.ok, body: await answer.json() };
}

function draw(view) {
  language = view.language === 'es' ? 'es' : 'en';
  document.documentElement.lang = language;
  show('exercise', view.exercise && `${word('exercise')}: ${view.exercise}`);
  show('marking', view.marking);
  show('level', view.level && word(view.level));
  at('level').className = `level ${view.level ?? ''}`;
  show('title', view.title ?? 'Skypicket');
  show('text', view.text);
  const wanted = view.state === 'open' && view.asked && !view.acknowledged_at;
  button.hidden = !wanted;
  button.disabled = false;
  button.textContent = word('acknowledge');
  button.onclick = acknowledge;
  show('said', view.state !== 'open' ? word(view.state) : view.acknowledged_at ? word('done') : view.asked ? '' : word('nothing'));
}

function failed(what, key) {
  show('said', word(WORDS[language][key] ? key : what));
  // What may go another time is offered again; a link that is wrong or over never gets right.
  const final = ['wrong_link', 'link_expired', 'superseded', 'over'].includes(key);
  button.hidden = final;
  button.disabled = false;
  button.textContent = word(what === 'unread' ? 'again' : 'acknowledge');
  button.onclick = what === 'unread' ? read : acknowledge;
}

async function acknowledge() {
  button.disabled = true;
  show('said', word('wait'));
  try {
    const { ok, body } = await post('acknowledge', { token, id });
    if (ok) draw(body); else failed('failed', body.code);
  } catch {
    failed('failed');
  }
}

async function read() {
  show('said', word('wait'));
  try {
    const { ok, body } = await post('read', { token });
    if (ok) draw(body); else failed('unread', body.code);
  } catch {
    failed('unread');
  }
}

if (token) await read(); else show('said', word('wrong_link'));
addEventListener('hashchange', () => location.reload());
