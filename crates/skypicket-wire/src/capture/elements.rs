//! [`Element`]: one piece of broadcast identification found in a captured frame.

use super::{
    counts::{Counts, Reason},
    radiotap::Radiotap,
    reader::{Frame, Frames, Reader, frames},
};
use crate::remote_id::{
    Decoded,
    beacon::{self, ElementKind},
    decode_payload, nan, observe, render, text,
};
use serde_json::{Value, json};
use skypicket_model::{Observation, Place, Signal, SourceId, Time};
use std::collections::VecDeque;
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
}

impl Transport {
    /// Its word in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::WifiBeacon => "wifi_beacon",
            Self::WifiNan => "wifi_nan",
            Self::NanSync => "nan_sync",
        }
    }
}

/// One element.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    /// Number of its frame, from 1.
    pub frame: u64,
    /// When the capturing machine took the frame.
    pub time: Option<Time>,
    /// What carried it.
    pub transport: Transport,
    /// Address of its sender.
    pub src: [u8; 6],
    /// Received signal strength, dBm.
    pub rssi_dbm: Option<i8>,
    /// Message counter.
    pub counter: Option<u8>,
    /// The element says more bytes than the frame has.
    pub clipped: bool,
    /// What the bearer carries after its counter.
    pub payload: &'a [u8],
    /// What came out of it.
    pub decoded: Decoded,
}

impl Element<'_> {
    /// Its line of `decode capture`.
    pub fn to_json(&self) -> Value {
        json!({
            "frame": self.frame, "time_unix": self.time.map(Time::unix_s), "transport": self.transport.word(),
            "src": mac(self.src), "rssi_dbm": self.rssi_dbm, "counter": self.counter, "clipped": self.clipped,
            "payload_hex": text::hex(self.payload), "ok": self.decoded.is_ok(),
            "messages": self.decoded.messages_json(), "flags": render::words(self.decoded.flags),
            "error": self.decoded.error.map(|e| render::error(&e)),
        })
    }

    /// The observation that it makes; see [`observe::observe`]. `received_at` is the capture's time in a replay and the
    /// present when live.
    pub fn observe(
        &self,
        source: &SourceId,
        received_at: Time,
        receiver_at: Option<Place>,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Option<Observation> {
        let signal = Signal {
            transport: Some(self.transport.word().to_owned()),
            address: Some(mac(self.src)),
            rssi_dbm: self.rssi_dbm.map(f64::from),
            counter: self.counter,
            receiver_at,
        };
        observe(&self.decoded, source, received_at, signal, new_id)
    }
}

/// Colon-separated lower-case hexadecimal.
pub fn mac(a: [u8; 6]) -> String {
    a.map(|b| format!("{b:02x}")).join(":")
}

/// Finds the elements of one frame and counts what it refuses.
pub fn in_frame<'a>(frame: &Frame<'a>, counts: &mut Counts, sink: &mut dyn FnMut(Element<'a>)) {
    let refuse = |counts: &mut Counts, reason| counts.refuse(reason, frame.offset, Some(frame.number));
    let mut air = frame.data;
    let mut fcs_len = usize::from(frame.fcs_len);
    let mut rssi_dbm = None;
    match frame.link_type {
        LINK_IEEE802_11 => {}
        LINK_IEEE802_11_RADIOTAP => {
            let Some(r) = Radiotap::decode(air) else { return refuse(counts, Reason::Radiotap) };
            if r.bad_fcs {
                counts.crc_bad += 1;
                return;
            }
            rssi_dbm = r.signal_dbm;
            fcs_len = if r.fcs { 4 } else { 0 };
            air = air.get(r.len..).unwrap_or(&[]);
        }
        other => return refuse(counts, Reason::LinkType(other)),
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
    let about = Element {
        frame: frame.number,
        time: frame.time,
        transport: Transport::WifiBeacon,
        src,
        rssi_dbm,
        counter: None,
        clipped: false,
        payload: &[],
        decoded: Decoded::empty(),
    };
    if is_nan {
        match nan::find(air) {
            Ok(None) => {}
            Ok(Some(f)) => {
                counts.elements += 1;
                let decoded = decode_payload(f.payload);
                sink(Element {
                    transport: Transport::WifiNan,
                    counter: Some(f.counter),
                    clipped: f.clipped,
                    payload: f.payload,
                    decoded: Decoded { flags: decoded.flags.with(f.flags), ..decoded },
                    ..about
                });
            }
            Err(_) => refuse(counts, Reason::NanFrame),
        }
        return;
    }
    let Ok(walk) = beacon::walk(air) else { return refuse(counts, Reason::FrameShort) };
    for e in walk {
        let (transport, counter, decoded) = match e.kind {
            ElementKind::RemoteId { counter } => (Transport::WifiBeacon, Some(counter), decode_payload(e.payload)),
            ElementKind::NanSync => (Transport::NanSync, None, Decoded::empty()),
            ElementKind::French => {
                refuse(counts, Reason::NotBuilt("french_id"));
                continue;
            }
            ElementKind::DjiDroneId => {
                refuse(counts, Reason::NotBuilt("dji_droneid"));
                continue;
            }
        };
        counts.elements += 1;
        sink(Element { transport, counter, clipped: e.clipped, payload: e.payload, decoded, ..about.clone() });
    }
}

/// Finds elements as the bytes of a capture arrive: for a file that is still being written.
#[derive(Debug, Clone, Default)]
pub struct LiveElements {
    reader: Reader,
}

impl LiveElements {
    /// At the start of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives each element that is whole by now to `sink`, in order.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Element<'_>)) {
        self.reader.push(bytes, &mut |frame, counts| in_frame(frame, counts, sink));
    }

    /// There is no more: judges what is left.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Element<'_>)) {
        self.reader.finish(&mut |frame, counts| in_frame(frame, counts, sink));
    }

    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        self.reader.counts()
    }

    /// Bytes kept for a block that is not whole yet.
    pub fn kept(&self) -> usize {
        self.reader.kept()
    }
}

/// The elements of a whole capture in memory.
pub fn elements(bytes: &[u8]) -> Elements<'_> {
    Elements { frames: frames(bytes), waiting: VecDeque::new() }
}

/// Iterator of [`elements`]; its counts are complete when it has ended.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    frames: Frames<'a>,
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
            in_frame(&frame, self.frames.counts_mut(), &mut |e| waiting.push_back(e));
        }
    }
}
