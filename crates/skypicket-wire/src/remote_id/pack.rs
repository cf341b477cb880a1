//! [`Decoded`]: the messages of one payload, that is of a pack (message type 15, spec section 8) or of plain messages.
//!
//! A broken pack is salvaged: every whole member that can be decoded comes out, with what was wrong beside it.

use super::{
    authentication::Authentication,
    error::{DecodeError, ErrorKind},
    flags::Flags,
    header::{Header, MESSAGE_SIZE, Raw},
    message::Message,
    operator_id::OperatorId,
};
use std::ops::Deref;

/// Most messages of a pack.
pub const MAX_MEMBERS: usize = 9;
/// Bytes of a pack's header.
pub const HEADER_SIZE: usize = 3;

/// At most ten messages (nine of a pack; ten plain ones fit a Wi-Fi element), without allocation.
#[derive(Clone, Copy)]
pub struct Messages {
    len: usize,
    items: [Message; Self::CAPACITY],
}

impl Messages {
    const CAPACITY: usize = 10;
    const FILLER: Message =
        Message::OperatorId(OperatorId { version: 0, operator_id_type: 0, id: [0; 20], flags: Flags::NONE });

    #[inline]
    const fn new() -> Self {
        Self { len: 0, items: [Self::FILLER; Self::CAPACITY] }
    }

    #[inline]
    fn push(&mut self, m: Message) {
        if let Some(slot) = self.items.get_mut(self.len) {
            *slot = m;
            self.len += 1;
        }
    }
}

impl Deref for Messages {
    type Target = [Message];
    #[inline]
    fn deref(&self) -> &[Message] {
        self.items.get(..self.len).unwrap_or(&self.items)
    }
}

impl PartialEq for Messages {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What came out of one payload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decoded {
    /// Protocol version of the pack header (that of its members is their own).
    pub version: Option<u8>,
    /// The messages, in order.
    pub messages: Messages,
    /// Findings about the payload as a whole; each message has its own.
    pub flags: Flags,
    /// The first thing that the standard does not allow; with messages beside it they are salvaged.
    pub error: Option<DecodeError>,
}

impl Decoded {
    /// Nothing.
    #[inline]
    pub const fn empty() -> Self {
        Self { version: None, messages: Messages::new(), flags: Flags::NONE, error: None }
    }

    fn refused(error: DecodeError) -> Self {
        Self { error: Some(error), ..Self::empty() }
    }

    /// Nothing was against the standard.
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }

    /// The findings of the payload and of all its messages.
    pub fn all_flags(&self) -> Flags {
        self.messages.iter().fold(self.flags, |f, m| f.with(m.flags()))
    }

    /// The first message that `pick` takes. With two of a kind (a flagged conflict) the first one counts.
    pub fn first<'a, T>(&'a self, pick: impl Fn(&'a Message) -> Option<&'a T>) -> Option<&'a T> {
        self.messages.iter().find_map(pick)
    }

    fn fail(&mut self, error: DecodeError) {
        self.error.get_or_insert(error);
    }

    /// Takes the members of a pack; gives back the first thing wrong with it.
    #[inline]
    fn take_pack(&mut self, b: &[u8]) -> Result<(), DecodeError> {
        let Some((&[header, size, count], body)) = b.split_first_chunk::<HEADER_SIZE>() else {
            return Err(ErrorKind::Short { need: HEADER_SIZE, have: b.len() }.at(b.len()));
        };
        let Header { message_type, version } = Header::decode(header);
        if message_type != Header::PACK {
            return Err(ErrorKind::NotAPack(message_type).at(0));
        }
        if usize::from(size) != MESSAGE_SIZE {
            return Err(ErrorKind::PackSize(size).at(1));
        }
        if usize::from(count) > MAX_MEMBERS {
            return Err(ErrorKind::PackCount(count).at(2));
        }
        self.version = Some(version);
        self.flags |= Flags::PACK_COUNT_ZERO.when(count == 0);
        let (members, _) = body.as_chunks::<MESSAGE_SIZE>();
        let whole = members.get(..usize::from(count)).unwrap_or(members);
        let mut first = Ok(());
        for (i, raw) in whole.iter().enumerate() {
            let member = self.member(raw, HEADER_SIZE + i * MESSAGE_SIZE);
            first = first.and(member);
        }
        if whole.len() < usize::from(count) {
            self.flags |= Flags::PACK_CLIPPED;
            let whole = u8::try_from(whole.len()).unwrap_or(count);
            first = first.and(Err(ErrorKind::Clipped { whole, said: count }.at(b.len())));
        }
        first
    }

    /// Takes one member that starts at byte `offset`.
    #[inline]
    fn member(&mut self, raw: &Raw, offset: usize) -> Result<(), DecodeError> {
        match Message::decode_raw(raw) {
            Ok(m) => self.messages.push(m),
            // The reference library passes over a bad page; a pack is not spoiled by it.
            Err(DecodeError { kind: ErrorKind::AuthLastPage(_) | ErrorKind::AuthLength { .. }, .. }) => {
                self.flags |= Flags::AUTH_PAGE_REFUSED;
            }
            Err(e) => {
                let nested = matches!(e.kind, ErrorKind::NestedPack);
                self.flags |= if nested { Flags::MEMBER_IS_PACK } else { Flags::MEMBER_RESERVED };
                return Err(e.moved(offset));
            }
        }
        Ok(())
    }

    /// Flags what contradicts itself, and pages without their first page.
    #[inline]
    fn look_for_conflicts(&mut self) {
        let (mut basic, mut location, mut self_id, mut system, mut operator) = (0u8, 0u8, 0u8, 0u8, 0u8);
        let mut any_auth = false;
        for m in self.messages.iter() {
            match m {
                Message::BasicId(_) => basic += 1,
                Message::Location(_) => location += 1,
                Message::Authentication(_) => any_auth = true,
                Message::SelfId(_) => self_id += 1,
                Message::System(_) => system += 1,
                Message::OperatorId(_) => operator += 1,
            }
        }
        if location.max(self_id).max(system).max(operator) > 1 || basic > 2 {
            for (count, allowed, what, flag) in [
                (location, 1, "Location", Flags::CONFLICT_LOCATION),
                (system, 1, "System", Flags::CONFLICT_SYSTEM),
                (basic, 2, "Basic ID", Flags::CONFLICT_BASIC_ID),
                (self_id, 1, "Self-ID", Flags::CONFLICT_SELF_ID),
                (operator, 1, "Operator ID", Flags::CONFLICT_OPERATOR_ID),
            ] {
                if count > allowed {
                    self.flags |= flag;
                    self.fail(ErrorKind::Conflict { what, allowed }.at(0));
                }
            }
        }
        if basic > 1 {
            self.basic_id_conflict();
        }
        if any_auth {
            self.orphan_pages();
        }
    }

    /// Two Basic IDs of one ID type that differ.
    fn basic_id_conflict(&mut self) {
        let ids = || self.messages.iter().filter_map(|m| if let Message::BasicId(b) = m { Some(b) } else { None });
        let clash = ids().enumerate().any(|(i, a)| ids().skip(i + 1).any(|b| a.id_type == b.id_type && a.id != b.id));
        self.flags |= Flags::CONFLICT_BASIC_ID.when(clash);
    }

    fn orphan_pages(&mut self) {
        let page = |m: &Message| if let Message::Authentication(a) = m { Some(*a) } else { None };
        let last = |a: Authentication| a.first.map(|f| f.last_page_index);
        let orphan = self.messages.iter().filter_map(page).filter(|a| a.first.is_none()).any(|a| {
            let mut firsts = self.messages.iter().filter_map(page).filter(|f| f.auth_type == a.auth_type);
            !firsts.any(|f| last(f).is_some_and(|l| a.page <= l))
        });
        self.flags |= Flags::AUTH_ORPHAN_PAGE.when(orphan);
    }
}

/// Decodes a pack. What follows the last message is normal and not looked at.
#[inline]
pub fn decode(b: &[u8]) -> Decoded {
    let mut d = Decoded::empty();
    decode_into(b, &mut d);
    d
}

/// Decodes a pack into a value that is used again and again: what it held before is gone.
#[inline]
pub fn decode_into(b: &[u8], d: &mut Decoded) {
    (d.version, d.messages.len, d.flags) = (None, 0, Flags::NONE);
    d.error = d.take_pack(b).err();
    d.look_for_conflicts();
}

/// Decodes a lone message.
pub fn decode_message(b: &[u8]) -> Decoded {
    match Message::decode(b) {
        Ok(m) => {
            let mut d = Decoded::empty();
            d.flags |= Flags::TRAILING_BYTES.when(b.len() > MESSAGE_SIZE);
            d.messages.push(m);
            d
        }
        Err(e) => Decoded::refused(e),
    }
}

/// Decodes what a bearer carries after its counter: a pack, or plain messages one after the other (older senders).
pub fn decode_payload(b: &[u8]) -> Decoded {
    let is_pack = b.first().is_none_or(|h| Header::decode(*h).message_type == Header::PACK);
    if is_pack {
        return decode(b);
    }
    let (members, rest) = b.as_chunks::<MESSAGE_SIZE>();
    if members.is_empty() {
        return Decoded::refused(ErrorKind::Short { need: MESSAGE_SIZE, have: b.len() }.at(b.len()));
    }
    let mut d = Decoded::empty();
    d.flags |= Flags::NO_PACK_HEADER.with(Flags::TRAILING_BYTES.when(!rest.is_empty()));
    for (i, raw) in members.iter().take(Messages::CAPACITY).enumerate() {
        match Message::decode_raw(raw) {
            Ok(m) => d.messages.push(m),
            // Bytes after the first message need not be messages at all.
            Err(e) if i == 0 => return Decoded::refused(e),
            Err(_) => {
                d.flags |= Flags::TRAILING_BYTES;
                break;
            }
        }
    }
    d.look_for_conflicts();
    d
}

/// Decodes what Bluetooth advertising carries after its counter: legacy a plain message, extended a pack; either is
/// taken in both.
pub fn decode_advertised(b: &[u8]) -> Decoded {
    match b.first() {
        Some(h) if Header::decode(*h).message_type == Header::PACK => decode(b),
        _ => decode_message(b),
    }
}

/// Makes a pack of one to nine messages.
pub fn encode(version: u8, messages: &[Message]) -> Result<Vec<u8>, DecodeError> {
    let count = u8::try_from(messages.len()).unwrap_or(u8::MAX);
    if messages.is_empty() || messages.len() > MAX_MEMBERS {
        return Err(ErrorKind::PackCount(count).at(2));
    }
    let mut out = Vec::with_capacity(HEADER_SIZE + messages.len() * MESSAGE_SIZE);
    out.push(Header { message_type: Header::PACK, version }.encode());
    out.extend([25, count]);
    for m in messages {
        out.extend(m.encode());
    }
    Ok(out)
}
