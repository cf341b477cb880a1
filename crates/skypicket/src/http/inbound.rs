//! What came by SMS and mail, posted to us by the gateway or whoever takes our mail in: replies and delivery reports.
//!
//! There is no session: the post is signed (Standard Webhooks) with a key of that channel's own, fresh, and not heard
//! before. Who wrote is found by their address in the directory: it must be exactly one person's. What is not believed
//! changes nothing; it is counted as bad input of the source `inbound-sms` or `inbound-mail`, with the gateway's own id of
//! it as sample: addresses and words are nobody else's business there, and stand in no log.
//!
//! What we have to say in return goes into the answer, for gateways that send it back; there is no second way out.

use super::{App, Problem, ok};
use crate::{
    carriers::test_nonce,
    clock,
    inbox::{Job, NotTaken},
};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use skypicket_link::webhook::{Heard, NotBelieved};
use skypicket_model::{
    Access, Act, Channel, DeliveryId, Directory, NoticeId, Person, PersonId, ProviderResult, Role, SourceId,
    access::Deed, delivery::Outcome, entry::ActEntry, people::Language,
};
use skypicket_wire::{
    json as strict,
    render::releases,
    reply::{Reply, Word},
};

/// Largest body, bytes.
pub const MOST: usize = 64 * 1_024;
/// Longest id and address, bytes.
const MOST_ID: usize = 256;
const MOST_ADDRESS: usize = 320;

/// `POST /inbound/sms`.
pub async fn sms(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    take(&app, Channel::Sms, &headers, &body).await
}

/// `POST /inbound/mail`.
pub async fn mail(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    take(&app, Channel::Mail, &headers, &body).await
}

/// Somebody wrote.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    id: String,
    from: String,
    #[serde(default)]
    #[allow(dead_code)] // gateways say it; who they are is told by the key
    to: Option<String>,
    text: String,
}

/// What became of a message of ours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    id: String,
    delivery: String,
    status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Delivered,
    Failed,
    Refused,
}

enum Came {
    Message(Message),
    Report(Report),
}

/// A refusal with the word that it is counted under.
struct Refused {
    reason: &'static str,
    problem: Problem,
}

impl Refused {
    fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, problem: Problem::new(status, reason, detail) }
    }
}

enum End {
    /// It is to be counted as bad input.
    Refused(Refused),
    /// The centre could not take it now: it may come again.
    NotTaken(NotTaken),
}

impl From<Refused> for End {
    fn from(r: Refused) -> Self {
        Self::Refused(r)
    }
}

impl From<NotTaken> for End {
    fn from(n: NotTaken) -> Self {
        Self::NotTaken(n)
    }
}

async fn take(app: &App, channel: Channel, headers: &HeaderMap, body: &[u8]) -> Result<Response, Problem> {
    let Some(inbound) = app.carriers.inbounds.get(channel) else { return Err(Problem::not_found()) };
    let source = SourceId::new(&format!("inbound-{}", channel.word())).map_err(Problem::internal)?;
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let id = header("webhook-id");
    let now = clock::now();
    let now_s = now.as_micros().div_euclid(1_000_000);
    let heard = inbound.hear(id, header("webhook-timestamp"), header("webhook-signature"), body, now_s);
    let mut sample = String::new();
    let done = match heard {
        Err(e) => Err(End::Refused(not_believed(e))),
        Ok(Heard::Again) => {
            app.sources.count_refused(&source, "replay");
            return ok(Json(json!({"reply": null})));
        }
        Ok(Heard::First) => match read(body) {
            Ok(Came::Message(m)) => {
                let done = message(app, channel, &m).await;
                sample = m.id;
                done
            }
            Ok(Came::Report(r)) => {
                let done = report(app, channel, &r).await;
                sample = r.id;
                done.map(|()| None)
            }
            Err(refused) => Err(refused.into()),
        },
    };
    match done {
        Ok(reply) => {
            app.sources.decoded(&source, channel.word(), 1, 1, now);
            ok(Json(json!({"reply": reply})))
        }
        Err(End::Refused(Refused { reason, problem })) => {
            app.sources.refused(&source, reason, sample.as_bytes());
            Err(problem)
        }
        Err(End::NotTaken(n)) => {
            if let Some(id) = id {
                inbound.forget(id);
            }
            Err(n.into())
        }
    }
}

fn not_believed(e: NotBelieved) -> Refused {
    let (status, reason) = match e {
        NotBelieved::Headers | NotBelieved::Signature => (StatusCode::UNAUTHORIZED, "not_signed"),
        NotBelieved::Stale => (StatusCode::UNAUTHORIZED, "stale"),
        NotBelieved::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
    };
    Refused::new(status, reason, e.to_string())
}

fn read(body: &[u8]) -> Result<Came, Refused> {
    let limits = strict::Limits { bytes: MOST, ..strict::Limits::LINE };
    let bad = |detail: String| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_message", detail);
    let value = strict::parse(body, &limits).map_err(|e| bad(e.to_string()))?;
    let came = if value.get("delivery").is_some() {
        strict::from_value::<Report>(value).map(Came::Report).map_err(|e| bad(e.to_string()))?
    } else {
        strict::from_value::<Message>(value).map(Came::Message).map_err(|e| bad(e.to_string()))?
    };
    let (id, from) = match &came {
        Came::Message(m) => (&m.id, m.from.as_str()),
        Came::Report(r) => (&r.id, ""),
    };
    if id.is_empty() || id.len() > MOST_ID || from.len() > MOST_ADDRESS {
        return Err(bad(format!("id must have 1 to {MOST_ID} bytes, from at most {MOST_ADDRESS}")));
    }
    Ok(came)
}

/// An address as the directory has it: a number without what people put between its digits; what stands within `<>` of a
/// mail address, in lower case.
fn plain_address(channel: Channel, text: &str) -> String {
    let text = text.trim();
    if channel == Channel::Mail {
        let inner = text.rsplit_once('<').and_then(|(_, a)| a.strip_suffix('>'));
        return inner.unwrap_or(text).trim().to_ascii_lowercase();
    }
    text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/')).collect()
}

/// The one active person with this address.
fn person_of<'a>(directory: &'a Directory, channel: Channel, from: &str) -> Result<&'a Person, Refused> {
    let from = plain_address(channel, from);
    let is = |p: &&Person| {
        let own = p.addresses.of(channel).map(|a| plain_address(channel, a));
        !p.disabled && !p.roles.contains(&Role::Device) && own.is_some_and(|a| a == from)
    };
    let mut found = directory.people.values().filter(is);
    let refused = |reason, detail| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, reason, detail);
    match (found.next(), found.next()) {
        (Some(p), None) => Ok(p),
        (None, _) => Err(refused("unknown_sender", "nobody in the directory who is active has this address")),
        (Some(_), Some(_)) => {
            Err(refused("shared_address", "several people have this address: nobody can tell who wrote"))
        }
    }
}

async fn message(app: &App, channel: Channel, m: &Message) -> Result<Option<String>, End> {
    // The watchdog's own message, wherever it came from: nobody else knows what stands in it.
    if let Some(nonce) = test_nonce(&m.text) {
        app.carriers.came_back(channel, nonce);
        return Ok(None);
    }
    let (person, language) = {
        let roll = app.centre.roll.load();
        let p = person_of(&roll.directory, channel, &m.from)?;
        (p.id.clone(), p.language)
    };
    let say = |en: String, es: String| Some(if language == Language::Es { es } else { en });
    let reply = Reply::read(&m.text);
    let word = channel.word().to_uppercase();
    match reply.word {
        Some(Word::Stop) => {
            set(app, &person, channel, false).await?;
            return Ok(say(
                format!("No more over {word}. Warnings try your other channels. START undoes this."),
                format!("No recibirá más por {word}. Los avisos usan sus otros medios. START lo deshace."),
            ));
        }
        Some(Word::Start) => {
            set(app, &person, channel, true).await?;
            return Ok(say(
                format!("Warnings come over {word} again."),
                format!("Los avisos llegan otra vez por {word}."),
            ));
        }
        Some(Word::Help) => {
            return Ok(say(
                format!("Skypicket. Reply with the code of a warning to acknowledge it. STOP: no more over {word}."),
                format!("Skypicket. Responda con el código de un aviso para confirmarlo. STOP: no más por {word}."),
            ));
        }
        None => {}
    }
    if reply.codes.is_empty() {
        return Ok(say(
            "Nothing acknowledged: reply with the code alone.".into(),
            "Nada confirmado: responda solo con el código.".into(),
        ));
    }
    let mut said = Vec::new();
    for code in &reply.codes {
        said.extend(acknowledge(app, channel, (&person, language), code).await?);
    }
    Ok(Some(said.join(" ")))
}

/// Acknowledges what a code means; what to say of it.
async fn acknowledge(
    app: &App,
    channel: Channel,
    (person, language): (&PersonId, Language),
    code: &str,
) -> Result<Option<String>, End> {
    let say = |en: String, es: String| Some(if language == Language::Es { es } else { en });
    let (asked, wanted) = (person.clone(), code.to_owned());
    let found = app.centre.ask(move |e| e.dispatcher().by_code(&asked, &wanted)).await?;
    let Some((notice, version)) = found else {
        return Ok(say(
            format!("No open notice has the code {code}."),
            format!("Ningún aviso abierto tiene el código {code}."),
        ));
    };
    let act = Act::Acknowledge { notice, version, channel };
    let entry = ActEntry { by: person.clone(), via: channel.word().into(), request: None, act };
    match app.centre.act(entry).await {
        Ok(()) => Ok(say(format!("Acknowledged {code}."), format!("Confirmado {code}."))),
        Err(NotTaken::Refused { code: "superseded", .. }) => {
            let newest = newest_code(app, channel, notice).await?;
            Ok(match newest {
                Some(newest) => say(
                    format!("NOT acknowledged: {code} is superseded. The newest code is {newest}."),
                    format!("NO confirmado: {code} fue reemplazado. El código nuevo es {newest}."),
                ),
                None => say(
                    format!("NOT acknowledged: {code} is superseded. Open Skypicket."),
                    format!("NO confirmado: {code} fue reemplazado. Abra Skypicket."),
                ),
            })
        }
        Err(NotTaken::Refused { message, .. }) => {
            Ok(say(format!("NOT acknowledged: {code}: {message}."), format!("NO confirmado: {code}.")))
        }
        Err(e) => Err(e.into()),
    }
}

/// The code of the newest version, where it may go over this channel.
async fn newest_code(app: &App, channel: Channel, notice: NoticeId) -> Result<Option<String>, NotTaken> {
    let most = app.carriers.content_up_to(channel);
    let newest = move |e: &crate::engines::Engines| {
        e.notice(notice).filter(|n| releases(n.marking.tlp, most)).map(|n| n.code.clone())
    };
    app.centre.ask(newest).await
}

/// STOP or START; resolves after it is durable.
async fn set(app: &App, person: &PersonId, channel: Channel, up: bool) -> Result<(), NotTaken> {
    app.centre.inbox.push(Job::Reach(person.clone(), channel, up))?;
    // Taken in their order: when this row is durable, so is what stands before it.
    let what = format!("{} {}", channel.word(), if up { "START" } else { "STOP" });
    app.centre.access(vec![Access::once(Some(person.clone()), Deed::ChannelSet, what, clock::now())]).await
}

/// What became of a message of ours. A handset's receipt is a machine's of the person; a mail server's is not: that a
/// mailbox took it says nothing of any person's machine, so only that it failed counts.
async fn report(app: &App, channel: Channel, r: &Report) -> Result<(), End> {
    let unknown = || {
        Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown_delivery",
            "this centre sent no such message over this channel",
        )
    };
    // A reminder has `.rN` behind the id.
    let (id, reminder) = r.delivery.split_once(".r").unwrap_or((&r.delivery, "0"));
    let id: DeliveryId = id.parse().map_err(|_| unknown())?;
    // Of an older version: nobody waits for it any more.
    let Some(d) = app.centre.ask(move |e| e.dispatcher().delivery(id)).await? else { return Ok(()) };
    if d.channel != channel {
        return Err(unknown().into());
    }
    let outcome = match (r.status, channel) {
        (Status::Delivered, Channel::Sms) => {
            let act = Act::Receipt { notice: d.notice, version: d.version, channel, shown: false };
            let entry = ActEntry { by: d.person, via: channel.word().into(), request: None, act };
            return match app.centre.act(entry).await {
                // They were taken off, or a newer version is out.
                Ok(()) | Err(NotTaken::Refused { .. }) => Ok(()),
                Err(e) => Err(e.into()),
            };
        }
        (Status::Delivered, _) => return Ok(()),
        // Another handing over is on its way since, and has a report of its own.
        _ if reminder.parse() != Ok(d.reminder) => return Ok(()),
        (Status::Failed, _) => Outcome::Failed("reported_failed".into()),
        (Status::Refused, _) => Outcome::Refused("reported_refused".into()),
    };
    app.centre.inbox.results(vec![ProviderResult { delivery: id, attempt: d.attempts, outcome }])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(people: &[(&str, bool, &str)]) -> Directory {
        let mut d = Directory::default();
        for (id, disabled, number) in people {
            let p: Person = serde_json::from_value(json!({
                "id": id, "name": id, "unit": "u", "roles": ["field"], "language": "en", "disabled": disabled,
                "addresses": {"sms": number, "mail": format!("{id}@Field.example")},
            }))
            .unwrap();
            d.people.insert(p.id.clone(), p);
        }
        d
    }

    #[test]
    fn who_wrote_is_exactly_one_active_person() {
        let d = directory(&[
            ("a", false, "+19155550001"),
            ("b", false, "+19155550002"),
            ("c", false, "+19155550002"),
            ("d", true, "+19155550003"),
        ]);
        let by = |channel, from| person_of(&d, channel, from).map(|p| p.id.to_string()).map_err(|r| r.reason);
        assert_eq!(by(Channel::Sms, "+1 (915) 555-0001"), Ok("a".into()));
        assert_eq!(by(Channel::Sms, "+19155550002"), Err("shared_address"));
        for stranger in ["+19155550003", "+29155550001", "9155550001", "", "a@field.example"] {
            assert_eq!(by(Channel::Sms, stranger), Err("unknown_sender"), "{stranger}");
        }
        assert_eq!(by(Channel::Mail, "\"A\" <A@field.EXAMPLE>"), Ok("a".into()));
        assert_eq!(by(Channel::Mail, "a@field.example <x@evil.example>"), Err("unknown_sender"));
    }
}
