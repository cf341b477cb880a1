//! TAK: how warnings and tracks are put for clients that are bound to people.

use crate::views::{NoticeView, Picture};
use skypicket_link::TakHandle;
use skypicket_model::{Delivery, people::Language};
use skypicket_wire::cot::render;
use std::fmt::Write as _;

/// What the chat line says: marks first, then the warning, then how to acknowledge it.
pub fn chat_text(view: &NoticeView, delivery: &Delivery) -> String {
    let mut text = String::new();
    if view.unrecorded {
        text.push_str("UNRECORDED. ");
    }
    if delivery.may_repeat {
        text.push_str("(may repeat) ");
    }
    let spanish = view.recipients.iter().any(|r| r.person == delivery.person && r.language == Language::Es);
    text.push_str(if spanish { &view.notice.text_es } else { &view.notice.text });
    if view.notice.needs_ack {
        let how = if spanish { "Responda con el código" } else { "Reply with code" };
        let _ = write!(text, " {how} {}.", view.notice.code);
    }
    text
}

/// Sends the sky to every client: they stand for people, and all of them may see tracks; serials only where the
/// centre's own pages show them.
pub fn tracks(tak: &TakHandle, picture: &Picture) {
    for t in &picture.tracks {
        let event = render::track_event(t, tak.centre(), false, picture.now);
        tak.broadcast(&event, |_| true);
    }
}
