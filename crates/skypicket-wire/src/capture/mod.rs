//! Captured radio frames: pcap and pcapng files of Wi-Fi (802.11) and Bluetooth LE, whole or still being written.
//!
//! [`elements()`] gives each piece of broadcast identification in a capture in memory; [`LiveElements`] does the same
//! for bytes as they arrive. A bad frame never stops either: it is counted with its reason and offset in [`Counts`].
//! Memory is bounded by one block whatever the file says. Not for transmitting, and not for reading files: bytes come
//! from `skypicket-link`.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod ble_link;
mod chains;
pub mod counts;
pub mod elements;
mod format;
pub mod radiotap;
pub mod reader;
pub mod write;

pub use ble_link::{LINK_BLE, LINK_BLE_PHDR, LINK_NORDIC_BLE};
pub use counts::{Counts, Reason, Refused};
pub use elements::{Assembly, Content, Element, Elements, LiveElements, Transport, elements};
pub use format::{MAX_BLOCK, MAX_FRAME};
pub use radiotap::Radiotap;
pub use reader::{Frame, Frames, Reader, frames};
pub use write::PcapWriter;
