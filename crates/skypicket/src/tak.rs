//! TAK: how warnings and tracks are put for clients that are bound to people.

use crate::{news::News, views::Picture};
use skypicket_link::TakHandle;
use skypicket_model::{Delivery, Directory, Tlp, people::Language};
use skypicket_wire::{
    cot::render,
    render::{Sending, Words, package::chat},
};
use std::fmt::Write as _;

/// What the chat line says: marks first, then the warning or bulletin, then how to acknowledge it.
pub fn chat_text(news: &News, delivery: &Delivery, unrecorded: bool) -> String {
    let mut text = String::new();
    if unrecorded {
        text.push_str("UNRECORDED. ");
    }
    if delivery.may_repeat {
        text.push_str("(may repeat) ");
    }
    let language = news.row(&delivery.person).map(|r| r.language).unwrap_or_default();
    if news.notice.bulletin().is_some() {
        // What leaves for others' screens has its marking and number on it. Clients hold certificates of ours and stand for
        // people who may see it.
        let sending = Sending { reminder: delivery.reminder, ..Sending::default() };
        let words = Words::of(&news.notice, &delivery.person, language, sending);
        text.push_str(&chat(&words, Tlp::Red));
        return text;
    }
    let spanish = language == Language::Es;
    text.push_str(if spanish { &news.notice.text_es } else { &news.notice.text });
    if news.notice.needs_ack {
        let how = if spanish { "Responda con el código" } else { "Reply with code" };
        let _ = write!(text, " {how} {}.", news.notice.code);
    }
    text
}

/// Sends the sky to every client: they stand for people, and all of them may see tracks, unless they were shut out since
/// they connected; serials only where the centre's own pages show them.
pub fn tracks(tak: &TakHandle, picture: &Picture, directory: &Directory) {
    for t in &picture.tracks {
        let event = render::track_event(t, tak.centre(), false, picture.now);
        tak.broadcast(&event, |person| directory.active(person).is_some());
    }
}
