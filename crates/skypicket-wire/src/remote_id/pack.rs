//! [`Decoded`]: the messages of one payload, that is of a pack (message type 15, spec section 8) or of plain messages.
//!
//! A broken pack is salvaged: every whole member that can be decoded comes out, with what was wrong beside it.

use super::{
    authentication::Authentication,
    basic_id::BasicId,
    error::{DecodeError, ErrorKind},
    flags::Flags,
    header::{Header, MESSAGE_SIZE, Raw},
    location::Location,
    message::Message,
    operator_id::OperatorId,
    self_id::SelfId,
    system::System,
};

/// Most messages of a pack.
pub const MAX_MEMBERS: usize = 9;
/// Bytes of a pack's header.
pub const HEADER_SIZE: usize = 3;

/// At most ten messages (nine of a pack; ten plain ones fit a Wi-Fi element), without allocation.
///
/// They are kept as they stood on the air and each is decoded when it is looked at: all of them were checked to be
/// decodable when they were taken. Most packs repeat what was heard before, and copies of decoded messages cost more
/// than decoding.
#[derive(Clone, Copy)]
pub struct Messages {
    len: usize,
    raw: [Raw; Self::CAPACITY],
}

impl Messages {
    const CAPACITY: usize = 10;

    #[inline]
    const fn new() -> Self {
        Self { len: 0, raw: [[0; MESSAGE_SIZE]; Self::CAPACITY] }
    }

    /// Takes a message that [`Message::check`] has found decodable.
    #[inline]
    fn push(&mut self, raw: &Raw) {
        if let Some(slot) = self.raw.get_mut(self.len) {
            *slot = *raw;
            self.len += 1;
        }
    }

    /// Takes messages that are all decodable, into an empty value. One copy of all is read back faster than a copy of
    /// each: a value that lies across two stores has to wait for both.
    #[inline]
    fn push_all(&mut self, raw: &[Raw]) {
        if let Some(slots) = self.raw.get_mut(..raw.len()) {
            slots.as_flattened_mut().copy_from_slice(raw.as_flattened());
            self.len = raw.len();
        }
    }

    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The messages as they stood on the air, in order.
    #[inline]
    pub fn raw(&self) -> &[Raw] {
        self.raw.get(..self.len).unwrap_or(&self.raw)
    }

    /// The messages in order, each decoded now.
    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Message> + Clone + '_ {
        self.raw().iter().filter_map(|raw| Message::decode_raw(raw).ok())
    }
}

impl PartialEq for Messages {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// How many there are of each message type, four bits each: ten at most.
#[derive(Debug, Clone, Copy, Default)]
struct Tally(u32);

impl Tally {
    #[inline]
    fn add(&mut self, raw: &Raw) {
        self.0 += 1 << (4 * u32::from(Header::decode(raw[0]).message_type & 7));
    }

    fn of(self, message_type: u8) -> u32 {
        self.0 >> (4 * u32::from(message_type & 7)) & 15
    }

    /// No more than one of each type that there may be one of, and no more than two Basic IDs.
    #[inline]
    fn is_allowed(self) -> bool {
        self.0 & 0x00EE_E0E0 == 0 && self.of(BasicId::TYPE) <= 2
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
    pub fn first<T>(&self, pick: impl Fn(Message) -> Option<T>) -> Option<T> {
        self.messages.iter().find_map(pick)
    }

    fn fail(&mut self, error: DecodeError) {
        self.error.get_or_insert(error);
    }

    /// Takes the members of a pack; gives back the first thing wrong with it.
    #[inline]
    fn take_pack(&mut self, b: &[u8], tally: &mut Tally) -> Result<(), DecodeError> {
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
        if whole.iter().all(|raw| Message::check(raw).is_ok()) {
            self.messages.push_all(whole);
            for raw in whole {
                tally.add(raw);
            }
        } else {
            for (i, raw) in whole.iter().enumerate() {
                match Message::check(raw) {
                    Ok(()) => {
                        self.messages.push(raw);
                        tally.add(raw);
                    }
                    Err(e) => first = first.and(self.refuse_member(e, HEADER_SIZE + i * MESSAGE_SIZE)),
                }
            }
        }
        if whole.len() < usize::from(count) {
            self.flags |= Flags::PACK_CLIPPED;
            let whole = u8::try_from(whole.len()).unwrap_or(count);
            first = first.and(Err(ErrorKind::Clipped { whole, said: count }.at(b.len())));
        }
        first
    }

    /// Passes over one member that starts at byte `offset`.
    #[cold]
    fn refuse_member(&mut self, e: DecodeError, offset: usize) -> Result<(), DecodeError> {
        // The reference library passes over a bad page; a pack is not spoiled by it.
        if let ErrorKind::AuthLastPage(_) | ErrorKind::AuthLength { .. } = e.kind {
            self.flags |= Flags::AUTH_PAGE_REFUSED;
            return Ok(());
        }
        let nested = matches!(e.kind, ErrorKind::NestedPack);
        self.flags |= if nested { Flags::MEMBER_IS_PACK } else { Flags::MEMBER_RESERVED };
        Err(e.moved(offset))
    }

    /// Flags what contradicts itself, and pages without their first page.
    #[inline]
    fn look_for_conflicts(&mut self, tally: Tally) {
        if !tally.is_allowed() {
            self.refuse_repeats(tally);
        }
        if tally.of(BasicId::TYPE) > 1 {
            self.flags |= Flags::CONFLICT_BASIC_ID.when(self.basic_ids_clash());
        }
        if tally.of(Authentication::TYPE) > 0 {
            self.flags |= Flags::AUTH_ORPHAN_PAGE.when(self.has_orphan_page());
        }
    }

    #[cold]
    fn refuse_repeats(&mut self, tally: Tally) {
        for (message_type, allowed, what, flag) in [
            (Location::TYPE, 1, "Location", Flags::CONFLICT_LOCATION),
            (System::TYPE, 1, "System", Flags::CONFLICT_SYSTEM),
            (BasicId::TYPE, 2, "Basic ID", Flags::CONFLICT_BASIC_ID),
            (SelfId::TYPE, 1, "Self-ID", Flags::CONFLICT_SELF_ID),
            (OperatorId::TYPE, 1, "Operator ID", Flags::CONFLICT_OPERATOR_ID),
        ] {
            if tally.of(message_type) > u32::from(allowed) {
                self.flags |= flag;
                self.fail(ErrorKind::Conflict { what, allowed }.at(0));
            }
        }
    }

    /// Two Basic IDs of one ID type that differ.
    fn basic_ids_clash(&self) -> bool {
        let mut rest = self.messages.raw();
        while let Some((a, after)) = rest.split_first() {
            if after.iter().any(|b| BasicId::contradict(a, b)) {
                return true;
            }
            rest = after;
        }
        false
    }

    /// A page that no first page of its type in this pack reaches to.
    fn has_orphan_page(&self) -> bool {
        let pages = || self.messages.raw().iter().filter(|r| r[0] >> 4 == Authentication::TYPE);
        let number = |r: &Raw| r[1] & 15;
        // Of each type one more than its last page; 0 where there is no first page.
        let mut ends = [0u8; 16];
        for first in pages().filter(|r| number(r) == 0) {
            if let Some(end) = ends.get_mut(usize::from(first[1] >> 4)) {
                *end = (*end).max(first[2].saturating_add(1));
            }
        }
        pages().any(|r| number(r) != 0 && ends.get(usize::from(r[1] >> 4)).is_none_or(|end| number(r) >= *end))
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
    let mut tally = Tally::default();
    d.error = d.take_pack(b, &mut tally).err();
    d.look_for_conflicts(tally);
}

/// Decodes a lone message.
pub fn decode_message(b: &[u8]) -> Decoded {
    let Some(raw) = b.first_chunk() else {
        return Decoded::refused(ErrorKind::Short { need: MESSAGE_SIZE, have: b.len() }.at(b.len()));
    };
    if let Err(e) = Message::check(raw) {
        return Decoded::refused(e);
    }
    let mut d = Decoded::empty();
    d.flags |= Flags::TRAILING_BYTES.when(b.len() > MESSAGE_SIZE);
    d.messages.push(raw);
    d
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
    let (mut d, mut tally) = (Decoded::empty(), Tally::default());
    d.flags |= Flags::NO_PACK_HEADER.with(Flags::TRAILING_BYTES.when(!rest.is_empty()));
    for (i, raw) in members.iter().take(Messages::CAPACITY).enumerate() {
        match Message::check(raw) {
            Ok(()) => {
                d.messages.push(raw);
                tally.add(raw);
            }
            // Bytes after the first message need not be messages at all.
            Err(e) if i == 0 => return Decoded::refused(e),
            Err(_) => {
                d.flags |= Flags::TRAILING_BYTES;
                break;
            }
        }
    }
    d.look_for_conflicts(tally);
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
