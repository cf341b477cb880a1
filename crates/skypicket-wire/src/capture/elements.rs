//! [`Element`]: one piece of broadcast identification found in a captured frame.

use super::{
    ble_link::{self, Heard, LINK_BLE, LINK_BLE_PHDR, LINK_NORDIC_BLE},
    chains::{Chains, Joined},
    counts::{Counts, Reason},
    radiotap::Radiotap,
    reader::{Frame, Frames, Reader, frames},
};
use crate::{
    dji_droneid::{self, DroneId},
    french_id,
    remote_id::{
        Authentication, AuthenticationSet, DecodeError, Decoded, Flags, Gatherer, Header,
        beacon::{self, ElementKind},
        ble, decode_advertised, decode_payload,
        gatherer::{Emitter, Taken},
        nan,
        observe::{self, Seen},
        render, text,
    },
};
use serde_json::{Value, json};
use skypicket_model::{Observation, Place, Signal, SourceId, Time};
use std::{borrow::Cow, collections::VecDeque};
use uuid::Uuid;

/// Link type of bare 802.11 frames.
pub const LINK_IEEE802_11: u32 = 105;
/// Link type of 802.11 frames behind a radiotap header.
pub const LINK_IEEE802_11_RADIOTAP: u32 = 127;

/// What carried an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A vendor element of a Wi-Fi beacon or probe response.
    WifiBeacon,
    /// A Wi-Fi NAN service discovery frame.
    WifiNan,
    /// A NAN synchronisation beacon: something may be there, no content.
    NanSync,
    /// A vendor element of DJI DroneID in a Wi-Fi beacon or probe response.
    DjiDroneId,
    /// Bluetooth LE legacy advertising.
    BleLegacy,
    /// Bluetooth LE extended advertising, on the coded PHY or not.
    BleExtended,
}

impl Transport {
    /// Its word in the signal of an observation.
    pub fn word(self) -> &'static str {
        match self {
            Self::WifiBeacon => "wifi_beacon",
            Self::WifiNan => "wifi_nan",
            Self::NanSync => "nan_sync",
            Self::DjiDroneId => "dji_droneid",
            Self::BleLegacy => "ble_legacy",
            Self::BleExtended => "ble_extended",
        }
    }

    /// Its word in the lines of `decode capture`, which are those of the reference captures.
    pub fn capture_word(self) -> &'static str {
        if self == Self::BleExtended { "ble_ext" } else { self.word() }
    }
}

/// One element.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    /// Number of its frame, from 1; of its last frame where it is spread over several.
    pub frame: u64,
    /// When the capturing machine took the frame.
    pub time: Option<Time>,
    /// What carried it.
    pub transport: Transport,
    /// Address of its sender; Bluetooth has advertisements without one.
    pub src: Option<[u8; 6]>,
    /// Received signal strength, dBm.
    pub rssi_dbm: Option<i8>,
    /// Message counter.
    pub counter: Option<u8>,
    /// The element says more bytes than the frame has.
    pub clipped: bool,
    /// What the bearer carries after its counter; of other schemes than Remote ID the element from its OUI on.
    pub payload: Cow<'a, [u8]>,
    /// What came out of it.
    pub content: Content,
    /// Sets of authentication pages that this element made whole.
    pub auth_sets: Vec<AuthenticationSet>,
}

/// What came out of an element, by its scheme.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // most elements are the large one, and none is kept
pub enum Content {
    /// Remote ID: ASTM F3411 and ASD-STAN 4709-002.
    RemoteId(Decoded),
    /// The French national scheme.
    French(french_id::Decoded),
    /// DJI DroneID.
    Dji(Result<DroneId, DecodeError>),
    /// A NAN synchronisation beacon: whether it names the Remote ID service.
    NanSync {
        /// It announces the service that Remote ID is sent under.
        names_remote_id: bool,
    },
}

impl Content {
    /// What was against its scheme.
    pub fn error(&self) -> Option<DecodeError> {
        match self {
            Self::RemoteId(d) => d.error,
            Self::French(d) => d.error,
            Self::Dji(d) => d.as_ref().err().copied(),
            Self::NanSync { .. } => None,
        }
    }

    fn messages(&self) -> Value {
        match self {
            Self::RemoteId(d) => d.messages_json(),
            Self::French(d) => d.message.iter().map(french_id::FrenchId::to_json).collect(),
            Self::Dji(d) => d.iter().map(DroneId::to_json).collect(),
            Self::NanSync { .. } => json!([]),
        }
    }

    /// Findings about the element as a whole.
    fn flags(&self) -> Flags {
        if let Self::RemoteId(d) = self { d.flags } else { Flags::NONE }
    }

    fn seen(&self, received_at: Time) -> Option<Seen> {
        match self {
            Self::RemoteId(d) => observe::seen(d, received_at),
            Self::French(d) => d.message.as_ref().map(french_id::observe),
            Self::Dji(d) => d.as_ref().ok().map(dji_droneid::observe),
            Self::NanSync { names_remote_id } => {
                names_remote_id.then(|| Seen { flags: vec!["nan_sync_only".into()], ..Seen::default() })
            }
        }
    }
}

impl Element<'_> {
    /// Nothing was against its scheme.
    pub fn is_ok(&self) -> bool {
        self.content.error().is_none()
    }

    /// Its line of `decode capture`.
    pub fn to_json(&self) -> Value {
        let mut line = json!({
            "frame": self.frame, "time_unix": self.time.map(Time::unix_s), "transport": self.transport.capture_word(),
            "src": self.src.map(mac), "rssi_dbm": self.rssi_dbm, "counter": self.counter, "clipped": self.clipped,
            "payload_hex": text::hex(&self.payload), "ok": self.is_ok(),
            "messages": self.content.messages(), "flags": render::words(self.content.flags()),
            "error": self.content.error().map(|e| render::error(&e)),
        });
        render::put_sets(&mut line, self.auth_sets.iter().map(AuthenticationSet::to_json).collect());
        line
    }

    /// The observation that it makes: a position where it has one, else a presence with its claims; see
    /// [`observe::observe`]. `received_at` is the capture's time in a replay and the present when live. `None` when
    /// nothing could be decoded, and for a NAN synchronisation beacon of other services, which any phone may send.
    pub fn observe(
        &self,
        source: &SourceId,
        received_at: Time,
        receiver_at: Option<Place>,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Option<Observation> {
        /// Most seconds between a set's own time and its receipt before it is flagged: it may be a replay.
        const FRESH_S: f64 = 60.0;
        let mut seen = self.content.seen(received_at)?;
        for set in &self.auth_sets {
            if !seen.claims.auth_types.contains(&set.auth_type) {
                seen.claims.auth_types.push(set.auth_type);
            }
            if !set.is_of(received_at, FRESH_S) {
                seen.flags.push("auth_time_implausible".into());
            }
        }
        let signal = Signal {
            transport: Some(self.transport.word().to_owned()),
            address: self.src.map(mac),
            rssi_dbm: self.rssi_dbm.map(f64::from),
            counter: self.counter,
            receiver_at,
        };
        Some(seen.observation(source, received_at, signal, new_id))
    }
}

/// Colon-separated lower-case hexadecimal.
pub fn mac(a: [u8; 6]) -> String {
    a.map(|b| format!("{b:02x}")).join(":")
}

/// What is put together over several frames: chained advertisements and pages of authentication. Bounded.
#[derive(Debug, Clone, Default)]
pub struct Assembly {
    chains: Chains,
    pages: Gatherer,
    /// The latest time of a frame: by it pages expire in frames that have none.
    now: Option<Time>,
}

impl Assembly {
    /// Nothing begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Things begun and kept: at most 64 advertisements and [`Gatherer::MOST`] sets of pages.
    pub fn kept(&self) -> usize {
        self.chains.kept() + self.pages.kept()
    }

    /// The sets of pages that an element makes whole.
    fn sets(&mut self, transport: Transport, src: Option<[u8; 6]>, decoded: &Decoded) -> Vec<AuthenticationSet> {
        let mut sets = Vec::new();
        for raw in decoded.messages.raw() {
            if Header::decode(raw[0]).message_type != Authentication::TYPE {
                continue;
            }
            let Ok(page) = Authentication::decode(raw) else { continue };
            let emitter = Emitter { bearer: transport as u8, address: src.unwrap_or_default() };
            let now = self.now.unwrap_or(Time::from_micros(0));
            if let Taken::Whole(set) = self.pages.take(emitter, now, &page) {
                sets.push(*set);
            }
        }
        sets
    }
}

/// Finds the elements of one frame and counts what it refuses.
pub fn in_frame<'a>(
    frame: &Frame<'a>,
    assembly: &mut Assembly,
    counts: &mut Counts,
    sink: &mut dyn FnMut(Element<'a>),
) {
    assembly.now = frame.time.or(assembly.now);
    match frame.link_type {
        LINK_IEEE802_11 | LINK_IEEE802_11_RADIOTAP => wifi(frame, assembly, counts, sink),
        LINK_BLE | LINK_BLE_PHDR | LINK_NORDIC_BLE => bluetooth(frame, assembly, counts, sink),
        other => counts.refuse(Reason::LinkType(other), frame.offset, Some(frame.number)),
    }
}

/// An element of a frame, to be filled.
fn about<'a>(frame: &Frame<'a>, content: Content) -> Element<'a> {
    Element {
        frame: frame.number,
        time: frame.time,
        transport: Transport::WifiBeacon,
        src: None,
        rssi_dbm: None,
        counter: None,
        clipped: false,
        payload: Cow::Borrowed(&[]),
        content,
        auth_sets: Vec::new(),
    }
}

fn wifi<'a>(frame: &Frame<'a>, assembly: &mut Assembly, counts: &mut Counts, sink: &mut dyn FnMut(Element<'a>)) {
    let refuse = |counts: &mut Counts, reason| counts.refuse(reason, frame.offset, Some(frame.number));
    let mut air = frame.data;
    let mut fcs_len = usize::from(frame.fcs_len);
    let mut rssi_dbm = None;
    if frame.link_type == LINK_IEEE802_11_RADIOTAP {
        let Some(r) = Radiotap::decode(air) else { return refuse(counts, Reason::Radiotap) };
        if r.bad_fcs {
            counts.crc_bad += 1;
            return;
        }
        rssi_dbm = r.signal_dbm;
        fcs_len = if r.fcs { 4 } else { 0 };
        air = air.get(r.len..).unwrap_or(&[]);
    }
    // A snapshot length may have cut the check sequence, or some of it, already.
    let cut = (frame.original_len as usize).saturating_sub(frame.data.len());
    let keep = air.len().saturating_sub(fcs_len.saturating_sub(cut));
    let air = air.get(..keep).unwrap_or(air);
    let is_nan = nan::is_nan(air);
    match air.first() {
        Some(&(beacon::BEACON | beacon::PROBE_RESPONSE)) => {}
        Some(_) if !is_nan => return,
        Some(_) => {}
        None => return refuse(counts, Reason::FrameShort),
    }
    let Some(src) = air.get(10..).and_then(|a| a.first_chunk()).copied() else {
        return refuse(counts, Reason::FrameShort);
    };
    let mut element = |transport, counter, clipped, payload: &'a [u8], content: Content| {
        counts.elements += 1;
        let auth_sets = match &content {
            Content::RemoteId(d) => assembly.sets(transport, Some(src), d),
            _ => Vec::new(),
        };
        let (src, payload) = (Some(src), Cow::Borrowed(payload));
        sink(Element { transport, src, rssi_dbm, counter, clipped, payload, auth_sets, ..about(frame, content) });
    };
    if is_nan {
        match nan::find(air) {
            Ok(None) => {}
            Ok(Some(f)) => {
                let d = decode_payload(f.payload);
                let content = Content::RemoteId(Decoded { flags: d.flags.with(f.flags), ..d });
                element(Transport::WifiNan, Some(f.counter), f.clipped, f.payload, content);
            }
            Err(_) => refuse(counts, Reason::NanFrame),
        }
        return;
    }
    let Ok(walk) = beacon::walk(air) else { return refuse(counts, Reason::FrameShort) };
    for e in walk {
        let (transport, counter, content) = match e.kind {
            ElementKind::RemoteId { counter } => {
                (Transport::WifiBeacon, Some(counter), Content::RemoteId(decode_payload(e.payload)))
            }
            ElementKind::French => (Transport::WifiBeacon, None, Content::French(french_id::decode(e.payload))),
            ElementKind::DjiDroneId => (Transport::DjiDroneId, None, Content::Dji(DroneId::decode(e.payload))),
            ElementKind::NanSync => {
                let names_remote_id = nan::sync_names_remote_id(e.payload);
                (Transport::NanSync, None, Content::NanSync { names_remote_id })
            }
        };
        element(transport, counter, e.clipped, e.payload, content);
    }
}

fn bluetooth<'a>(frame: &Frame<'a>, assembly: &mut Assembly, counts: &mut Counts, sink: &mut dyn FnMut(Element<'a>)) {
    let p = match ble_link::decode(frame) {
        Heard::Packet(p) => p,
        Heard::Other => return,
        Heard::CrcBad => {
            counts.crc_bad += 1;
            return;
        }
        Heard::Refused(reason) => return counts.refuse(reason, frame.offset, Some(frame.number)),
    };
    let transport = if p.extended { Transport::BleExtended } else { Transport::BleLegacy };
    let Joined { advertiser: src, data, before, goes_on } = assembly.chains.join(&p, frame.number, frame.time);
    for found in ble::walk(&data) {
        let end = found.offset + found.payload.len();
        // What ended in an earlier packet was given with it.
        if !found.clipped && end <= before {
            continue;
        }
        let mut d = decode_advertised(found.payload);
        d.flags |= Flags::CHAIN_INCOMPLETE.when(found.clipped && goes_on);
        let payload = match &data {
            Cow::Borrowed(data) => Cow::Borrowed(data.get(found.offset..end).unwrap_or(&[])),
            Cow::Owned(_) => Cow::Owned(found.payload.to_vec()),
        };
        counts.elements += 1;
        let auth_sets = assembly.sets(transport, src, &d);
        let (counter, rssi_dbm, clipped) = (Some(found.counter), p.rssi_dbm, found.clipped);
        let content = Content::RemoteId(d);
        sink(Element { transport, src, rssi_dbm, counter, clipped, payload, auth_sets, ..about(frame, content) });
    }
}

/// Finds elements as the bytes of a capture arrive: for a file that is still being written.
#[derive(Debug, Clone, Default)]
pub struct LiveElements {
    reader: Reader,
    assembly: Assembly,
}

impl LiveElements {
    /// At the start of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives each element that is whole by now to `sink`, in order.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Element<'_>)) {
        let Self { reader, assembly } = self;
        reader.push(bytes, &mut |frame, counts| in_frame(frame, assembly, counts, sink));
    }

    /// There is no more: judges what is left.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Element<'_>)) {
        let Self { reader, assembly } = self;
        reader.finish(&mut |frame, counts| in_frame(frame, assembly, counts, sink));
    }

    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        self.reader.counts()
    }

    /// Bytes kept for a block that is not whole yet.
    pub fn kept(&self) -> usize {
        self.reader.kept()
    }

    /// What is put together over several frames.
    pub fn assembly(&self) -> &Assembly {
        &self.assembly
    }
}

/// The elements of a whole capture in memory.
pub fn elements(bytes: &[u8]) -> Elements<'_> {
    Elements { frames: frames(bytes), assembly: Assembly::new(), waiting: VecDeque::new() }
}

/// Iterator of [`elements`]; its counts are complete when it has ended.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    frames: Frames<'a>,
    assembly: Assembly,
    waiting: VecDeque<Element<'a>>,
}

impl Elements<'_> {
    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        self.frames.counts()
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            if let Some(e) = self.waiting.pop_front() {
                return Some(e);
            }
            let frame = self.frames.next()?;
            let waiting = &mut self.waiting;
            in_frame(&frame, &mut self.assembly, self.frames.counts_mut(), &mut |e| waiting.push_back(e));
        }
    }
}
