//! How one version of a notice becomes what each channel carries to one person.
//!
//! What leaves the house over others' machines has its marking on it, and above what that machine may carry only says that
//! something waits.

use serde::Serialize;
use sha2::{Digest, Sha256};
use skypicket_link::{
    relay::{RelayConfig, RelayLetter},
    sms::SmsLetter,
    smtp::MailLetter,
    webhook::WebhookLetter,
};
use skypicket_model::{
    Delivery, DeliveryId, Level, Notice, NoticeId, NoticeState, Person, PersonId, Role, Time, Tlp, Zone,
};
use skypicket_wire::render::{Sending, Words, mail, releases, sms};
use uuid::Uuid;

/// What is said besides the notice.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Where the page is.
    pub link: Option<String>,
    /// The centre's name.
    pub centre: String,
    /// The centre's time.
    pub zone: Zone,
}

impl Signature {
    fn words<'a>(&'a self, notice: &'a Notice, to: &Person, delivery: &Delivery) -> Words<'a> {
        let sending = Sending {
            link: self.link.as_deref(),
            centre: &self.centre,
            reminder: delivery.reminder,
            may_repeat: delivery.may_repeat,
            zone: Some(&self.zone),
        };
        let mut words = Words::of(notice, &to.id, to.language, sending);
        if to.roles.contains(&Role::Device) {
            // It is asked for nothing.
            words.code = None;
        }
        words
    }
}

/// What all mails to one person about one notice hang on in the reader's list of threads: the same over versions and
/// restarts.
fn thread(notice: NoticeId, person: &PersonId) -> DeliveryId {
    let hash = Sha256::new().chain_update(notice.0.as_bytes()).chain_update(person.as_str()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(hash.get(..16).unwrap_or(&[0; 16]));
    DeliveryId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// As mail.
pub fn mail_letter(
    notice: &Notice,
    to: &Person,
    address: &str,
    delivery: &Delivery,
    s: &Signature,
    most: Tlp,
) -> MailLetter {
    let said = mail::mail(&s.words(notice, to, delivery), most);
    MailLetter {
        to: address.to_owned(),
        subject: said.subject,
        body: said.body,
        thread: Some(thread(notice.id, &to.id)),
        made_at: notice.at,
    }
}

/// As a short message.
pub fn sms_letter(
    notice: &Notice,
    to: &Person,
    number: &str,
    delivery: &Delivery,
    s: &Signature,
    parts: usize,
) -> SmsLetter {
    SmsLetter { to: number.to_owned(), text: sms::sms(&s.words(notice, to, delivery), parts).text }
}

/// The body of a webhook. Fields may be added, none renamed.
#[derive(Serialize)]
struct Hook<'a> {
    r#type: &'static str,
    kind: &'static str,
    notice: NoticeId,
    version: u32,
    state: NoticeState,
    at: Time,
    expires_at: Option<Time>,
    exercise: Option<&'a str>,
    marking: &'a str,
    to: &'a PersonId,
    delivery: DeliveryId,
    reminder: u32,
    may_repeat: bool,
    unrecorded: bool,
    link: Option<&'a str>,
    centre: &'a str,
    level: Option<Level>,
    title: Option<&'a str>,
    text: Option<&'a str>,
    code: Option<&'a str>,
}

/// As the body of a webhook.
pub fn webhook_letter(
    notice: &Notice,
    unrecorded: bool,
    to: &Person,
    delivery: &Delivery,
    s: &Signature,
    most: Tlp,
) -> WebhookLetter {
    let words = s.words(notice, to, delivery);
    let may = releases(notice.marking.tlp, most);
    let hook = Hook {
        r#type: "notice",
        kind: if notice.bulletin().is_some() { "bulletin" } else { "warning" },
        notice: notice.id,
        version: notice.version,
        state: notice.state,
        at: notice.at,
        expires_at: notice.expires_at,
        exercise: notice.exercise.as_deref(),
        marking: &words.marking,
        to: &to.id,
        delivery: delivery.id,
        reminder: delivery.reminder,
        may_repeat: delivery.may_repeat,
        unrecorded,
        link: words.link,
        centre: words.centre,
        level: may.then_some(notice.level),
        title: may.then_some(&*words.title),
        text: may.then_some(words.text),
        code: words.code.filter(|_| may && !notice.state.ended()),
    };
    // Texts and numbers are always written.
    WebhookLetter { body: serde_json::to_vec(&hook).unwrap_or_default() }
}

/// As the state of an alarm device.
pub fn relay_letter(notice: &Notice, config: &RelayConfig) -> RelayLetter {
    let silent_at = notice.at.plus_s(config.most_on_s);
    RelayLetter {
        notice: notice.id,
        version: notice.version,
        on: !notice.state.ended(),
        until: Some(notice.expires_at.map_or(silent_at, |t| t.min(silent_at))),
        tlp: notice.marking.tlp,
        exercise: notice.exercise.clone(),
    }
}

/// A test message round a channel: its words, by which it is known when it comes back.
pub fn test_words(nonce: &str, exercise: Option<&str>) -> String {
    let marked = exercise.map(|e| format!("EXERCISE {e}: ")).unwrap_or_default();
    format!("{marked}{TEST} {nonce}")
}

const TEST: &str = "Skypicket test";

/// The nonce of a test message that came back, out of its subject or text: 16 hex digits.
pub fn test_nonce(text: &str) -> Option<&str> {
    let (_, after) = text.split_once(TEST)?;
    let nonce = after.trim_start().get(..16)?;
    nonce.bytes().all(|b| b.is_ascii_hexdigit()).then_some(nonce)
}

/// An id for a test message: never one of a delivery's.
pub fn test_id() -> DeliveryId {
    DeliveryId(Uuid::now_v7())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use skypicket_model::{Channel, Reached};

    fn notice(tlp: &str, state: &str) -> Notice {
        serde_json::from_value(json!({
            "id": "018f0000-0000-7000-8000-000000000001", "version": 2, "state": state, "level": "urgent",
            "at": "2026-11-26T18:00:00Z", "needs_ack": true, "exercise": null, "code": "12345",
            "expires_at": "2026-11-26T18:05:00Z", "marking": {"tlp": tlp, "releasable_to": []},
            "text": "Take cover", "text_es": "Cúbrase", "title": "Alert", "title_es": "Alerta",
            "audience": [{"to": "in_danger"}], "issued_by": "watch"
        }))
        .unwrap()
    }

    fn person(roles: &[&str]) -> Person {
        serde_json::from_value(json!({"id": "p", "name": "P", "unit": "u", "roles": roles, "language": "es"})).unwrap()
    }

    fn delivery() -> Delivery {
        Delivery {
            id: DeliveryId(Uuid::from_u128(7)),
            notice: NoticeId(Uuid::from_u128(1)),
            version: 2,
            person: PersonId::new("p").unwrap(),
            channel: Channel::Webhook,
            reached: Reached::Queued,
            attempts: 2,
            may_repeat: true,
            trouble: None,
            reminder: 1,
        }
    }

    fn signature() -> Signature {
        Signature { link: Some("https://picket.example".into()), centre: "Sector".into(), zone: Zone::default() }
    }

    fn hook(tlp: &str, state: &str, roles: &[&str]) -> Value {
        let l = webhook_letter(&notice(tlp, state), false, &person(roles), &delivery(), &signature(), Tlp::Green);
        serde_json::from_slice(&l.body).unwrap()
    }

    #[test]
    fn a_webhook_says_all_up_to_its_label_and_above_only_that_something_is_there() {
        let whole = hook("TLP:GREEN", "updated", &["field"]);
        assert_eq!(
            (&whole["text"], &whole["title"], &whole["level"]),
            (&json!("Cúbrase"), &json!("Alerta"), &json!("urgent"))
        );
        assert_eq!(
            (&whole["code"], &whole["may_repeat"], &whole["reminder"]),
            (&json!("12345"), &json!(true), &json!(1))
        );
        let bare = hook("TLP:AMBER", "updated", &["field"]);
        for key in ["text", "title", "level", "code"] {
            assert_eq!(bare[key], Value::Null, "{key}");
        }
        assert_eq!((&bare["marking"], &bare["version"]), (&json!("TLP:AMBER"), &json!(2)));
    }

    #[test]
    fn neither_a_device_nor_anybody_after_the_end_is_asked_for_an_answer() {
        assert_eq!(hook("TLP:GREEN", "updated", &["device"])["code"], Value::Null);
        assert_eq!(hook("TLP:GREEN", "recalled", &["field"])["code"], Value::Null);
        let (n, s) = (notice("TLP:GREEN", "updated"), signature());
        assert!(sms_letter(&n, &person(&["field"]), "+19155550123", &delivery(), &s, 3).text.contains("12345"));
        assert!(!sms_letter(&n, &person(&["device"]), "+19155550123", &delivery(), &s, 3).text.contains("12345"));
    }

    #[test]
    fn a_siren_is_on_while_a_notice_stands_and_falls_silent_by_itself_at_its_end_or_its_time() {
        let config: RelayConfig =
            toml::from_str("id = \"siren\"\nurl = \"http://127.0.0.1/\"\nsecret_file = \"x\"\nmost_on_s = 60.0")
                .unwrap();
        let l = relay_letter(&notice("TLP:GREEN", "updated"), &config);
        assert!(l.on);
        assert_eq!(l.until, Some(notice("TLP:GREEN", "updated").at.plus_s(60.0)));
        let l = relay_letter(&notice("TLP:GREEN", "issued"), &RelayConfig { most_on_s: 3_600.0, ..config.clone() });
        assert_eq!(l.until, notice("TLP:GREEN", "issued").expires_at);
        assert!(!relay_letter(&notice("TLP:GREEN", "recalled"), &config).on);
    }

    #[test]
    fn all_mails_about_one_notice_to_one_person_hang_together() {
        let letter = |state| {
            mail_letter(
                &notice("TLP:GREEN", state),
                &person(&["field"]),
                "p@example.org",
                &delivery(),
                &signature(),
                Tlp::Green,
            )
        };
        assert_eq!(letter("issued").thread, letter("recalled").thread);
        assert_ne!(letter("issued").thread, Some(thread(NoticeId(Uuid::from_u128(2)), &PersonId::new("p").unwrap())));
    }

    #[test]
    fn a_test_message_is_known_again_wherever_it_stands() {
        let words = test_words("0123456789abcdef", Some("first-light"));
        assert!(words.starts_with("EXERCISE first-light"));
        assert_eq!(test_nonce(&format!("Re: {words}, thanks")), Some("0123456789abcdef"));
        for none in ["", "Skypicket test", "Skypicket test 0123", "Skypicket test 0123456789abcdeñ"] {
            assert_eq!(test_nonce(none), None, "{none}");
        }
    }
}
