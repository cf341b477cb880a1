//! [`MailLetter`]: one mail to one person, and its form on the wire (RFC 5322).

use crate::courier::{Outgoing, Trouble, Why, key};
use lettre::{
    Message,
    address::{Address, Envelope},
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use skypicket_model::{DeliveryId, Level, Time};
use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

/// Longest address, octets (RFC 5321 section 4.5.3.1.3, without its brackets).
const MOST_ADDRESS: usize = 254;
/// Longest text, octets.
const MOST_TEXT: usize = 256 * 1024;

/// What mail carries.
#[derive(Clone, PartialEq, Eq)]
pub struct MailLetter {
    /// To whom: one address, ASCII.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text, lines ended by `\n`.
    pub body: String,
    /// What this one hangs on in the reader's list of threads: the first message that this person got by mail about the
    /// notice, or a name that all of them share. `None`, or this very one: it begins the thread.
    pub thread: Option<DeliveryId>,
    /// When its version of the notice was made: the mail's date, the same over all attempts.
    pub made_at: Time,
}

impl fmt::Debug for MailLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailLetter { .. }")
    }
}

/// Who writes, on every mail.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    /// The envelope's sender.
    pub(super) reports_to: Address,
    /// Behind the @ of message ids.
    pub(super) domain: String,
}

/// Ready to go.
pub(super) struct Ready {
    pub(super) envelope_from: Address,
    pub(super) to: Address,
    /// The delivery and its reminder, for the envelope.
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
}

/// An address that mail can be sent to. Others (with letters beyond ASCII) would need SMTPUTF8 along the whole way.
pub fn is_address(text: &str) -> bool {
    text.len() <= MOST_ADDRESS && text.is_ascii() && text.parse::<Address>().is_ok()
}

impl Sender {
    fn message_id(&self, delivery: DeliveryId, reminder: u32) -> String {
        format!("<{}@{}>", key(delivery, reminder), self.domain)
    }

    /// Writes a mail.
    pub(super) fn write(&self, message: &Outgoing<MailLetter>) -> Result<Ready, Trouble> {
        let letter = &message.letter;
        let fault = |_| Trouble::of_message(Why::Fault);
        if !is_address(&letter.to) {
            return Err(Trouble::of_message(Why::BadAddress));
        }
        if letter.body.len() > MOST_TEXT || letter.subject.len() > MOST_TEXT {
            return Err(Trouble::of_message(Why::Refused));
        }
        let to: Address = letter.to.parse().map_err(|_| Trouble::of_message(Why::BadAddress))?;
        let made = Duration::from_micros(u64::try_from(letter.made_at.as_micros()).unwrap_or(0));
        let raw = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .date(UNIX_EPOCH + made)
            .message_id(Some(self.message_id(message.delivery, message.reminder)))
            .subject(letter.subject.replace(|c: char| c.is_control(), " "))
            // No absence notices and no answers of other machines (RFC 3834).
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .header(ContentType::TEXT_PLAIN)
            .envelope(Envelope::new(Some(self.reports_to.clone()), vec![to.clone()]).map_err(fault)?);
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        if message.level == Level::Urgent {
            builder = builder.raw_header(raw("Importance", "high"));
        }
        let first = letter.thread.unwrap_or(message.delivery);
        if first != message.delivery || message.reminder > 0 {
            let first = self.message_id(first, 0);
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        let written = builder.body(letter.body.clone()).map_err(|_| Trouble::of_message(Why::Fault))?;
        Ok(Ready { envelope_from: self.reports_to.clone(), to, id: message.key(), bytes: written.formatted() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn sender() -> Sender {
        Sender {
            from: "Sector Watch <watch@centre.example>".parse().unwrap(),
            reply_to: Some("answers@centre.example".parse().unwrap()),
            reports_to: "reports@centre.example".parse().unwrap(),
            domain: "centre.example".into(),
        }
    }

    fn message(n: u128, thread: Option<u128>) -> Outgoing<MailLetter> {
        Outgoing {
            delivery: DeliveryId(Uuid::from_u128(n)),
            attempt: 1,
            reminder: 0,
            level: Level::Urgent,
            expires_at: None,
            letter: MailLetter {
                to: "agent@example.org".into(),
                subject: "EXERCISE first-light: URGENTE: señal".into(),
                body: "EXERCISE first-light\nTLP:GREEN\n.\nñandú\n".into(),
                thread: thread.map(|n| DeliveryId(Uuid::from_u128(n))),
                made_at: Time::from_micros(1_790_000_000_000_000),
            },
        }
    }

    fn text(m: &Outgoing<MailLetter>) -> String {
        String::from_utf8(sender().write(m).unwrap().bytes).unwrap().replace("\r\n ", " ")
    }

    #[test]
    fn a_mail_is_the_same_over_all_attempts_and_says_who_what_and_that_a_machine_wrote_it() {
        let first = message(1, None);
        let text_of_first = text(&first);
        for header in [
            "From: \"Sector Watch\" <watch@centre.example>",
            "To: agent@example.org",
            "Reply-To: answers@centre.example",
            "Message-ID: <00000000-0000-0000-0000-000000000001@centre.example>",
            "Date: Mon, 21 Sep 2026 14:13:20 +0000",
            "Auto-Submitted: auto-generated",
            "Importance: high",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(text_of_first.lines().any(|l| l == header), "{header} in:\n{text_of_first}");
        }
        assert!(text_of_first.is_ascii());
        assert!(text_of_first.contains("Subject: EXERCISE first-light: "), "{text_of_first}");
        assert!(!text_of_first.contains("In-Reply-To") && !text_of_first.contains("References"));
        assert_eq!(text_of_first, text(&Outgoing { attempt: 2, ..first }));
    }

    #[test]
    fn reminders_and_later_versions_hang_on_the_first_message() {
        let first = "<00000000-0000-0000-0000-000000000001@centre.example>";
        for (m, own) in [
            (Outgoing { reminder: 2, ..message(1, None) }, "<00000000-0000-0000-0000-000000000001.r2@centre.example>"),
            (message(7, Some(1)), "<00000000-0000-0000-0000-000000000007@centre.example>"),
        ] {
            let text = text(&m);
            for line in [format!("Message-ID: {own}"), format!("In-Reply-To: {first}"), format!("References: {first}")]
            {
                assert!(text.lines().any(|l| l == line), "{line} in:\n{text}");
            }
        }
        assert!(!text(&message(1, Some(1))).contains("In-Reply-To"), "it begins the thread");
    }

    #[test]
    fn no_subject_or_address_can_add_a_header() {
        let mut m = message(1, None);
        m.letter.subject = "a\r\nBcc: all@example.org\r\n\r\nx".into();
        let text = text(&m);
        assert!(!text.lines().any(|l| l.starts_with("Bcc")), "{text}");
        for to in
            ["", "a", "a@b\r\nRCPT TO:<c@d>", "a@b>,<c@d", "ñ@example.org", &format!("{}@example.org", "x".repeat(250))]
        {
            m.letter.to = to.into();
            assert_eq!(sender().write(&m).err(), Some(Trouble::of_message(Why::BadAddress)), "{to}");
        }
    }
}
