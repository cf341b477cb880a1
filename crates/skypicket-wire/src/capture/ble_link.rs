//! [`Packet`]: an advertising packet of the Bluetooth LE link layer, as three capture formats have it.
//!
//! Link types 251 (the bare packet), 256 (behind a pseudo-header) and 272 (behind the header of the nRF Sniffer). On
//! the coded PHY one coding indicator stands between access address and packet; only 256 and 272 say the PHY. A packet
//! whose check sequence is wrong is never decoded: where the capture does not judge it, it is computed here.

use super::{counts::Reason, reader::Frame};

/// Link type of bare Bluetooth LE packets.
pub const LINK_BLE: u32 = 251;
/// Link type of Bluetooth LE packets behind a pseudo-header.
pub const LINK_BLE_PHDR: u32 = 256;
/// Link type of packets of the nRF Sniffer for Bluetooth LE.
pub const LINK_NORDIC_BLE: u32 = 272;

/// Access address of advertising, as sent.
const ACCESS_ADDRESS: [u8; 4] = [0xD6, 0xBE, 0x89, 0x8E];
const CRC_LEN: usize = 3;

/// An advertising packet with a sound check sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    /// Extended advertising (PDU type 7), else legacy.
    pub(crate) extended: bool,
    /// Address of the advertiser, most significant byte first.
    pub(crate) advertiser: Option<[u8; 6]>,
    /// Advertising data identifier: joins the packets of one advertisement.
    pub(crate) adi: Option<u16>,
    /// Channel index on which more of it follows.
    pub(crate) more_on: Option<u8>,
    /// Channel index on which it was heard.
    pub(crate) channel: Option<u8>,
    /// Received power, dBm.
    pub(crate) rssi_dbm: Option<i8>,
    /// Advertising data.
    pub(crate) data: &'a [u8],
    /// The snapshot length cut the data.
    pub(crate) clipped: bool,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// An advertising packet.
    Packet(Packet<'a>),
    /// Something else in order: a connection, a request, a message of the sniffer itself.
    Other,
    /// A wrong check sequence.
    CrcBad,
    /// Not to be read.
    Refused(Reason),
}

/// What stands before a packet.
struct Before<'a> {
    packet: &'a [u8],
    coded: bool,
    /// What the capture says of the check sequence.
    crc_ok: Option<bool>,
    rssi_dbm: Option<i8>,
    channel: Option<u8>,
}

/// Reads a frame of one of the three link types.
pub(crate) fn decode<'a>(frame: &Frame<'a>) -> Heard<'a> {
    let before = match frame.link_type {
        LINK_BLE => Ok(Before { packet: frame.data, coded: false, crc_ok: None, rssi_dbm: None, channel: None }),
        LINK_BLE_PHDR => pseudo_header(frame.data),
        _ => nordic(frame.data),
    };
    match before {
        Ok(b) => packet(&b),
        Err(other) => other,
    }
}

/// The ten bytes before a packet of link type 256.
fn pseudo_header(b: &[u8]) -> Result<Before<'_>, Heard<'_>> {
    const DEWHITENED: u16 = 1;
    const POWER_VALID: u16 = 1 << 1;
    const CRC_CHECKED: u16 = 1 << 10;
    const CRC_VALID: u16 = 1 << 11;
    const CODED: u16 = 2;
    let Some((&[rf_channel, power, _, _, _, _, _, _, lo, hi], packet)) = b.split_first_chunk::<10>() else {
        return Err(Heard::Refused(Reason::FrameShort));
    };
    let flags = u16::from_le_bytes([lo, hi]);
    if flags & DEWHITENED == 0 {
        return Err(Heard::Refused(Reason::Whitened));
    }
    Ok(Before {
        packet,
        coded: flags >> 14 == CODED,
        crc_ok: (flags & CRC_CHECKED != 0).then_some(flags & CRC_VALID != 0),
        rssi_dbm: (flags & POWER_VALID != 0).then_some(power.cast_signed()),
        channel: channel_index(rf_channel),
    })
}

/// The header of the nRF Sniffer: board, length, version, counter, kind of message, then what it says of the packet.
fn nordic(b: &[u8]) -> Result<Before<'_>, Heard<'_>> {
    /// The length of what it says of a packet.
    const PACKET_HEADER: u8 = 10;
    let Some((&[_board, _, _, version, _, _, kind], rest)) = b.split_first_chunk::<7>() else {
        return Err(Heard::Refused(Reason::FrameShort));
    };
    // From version 3 on 2 is an advertising packet and 6 one of a connection; before, 6 is any packet.
    match (version, kind) {
        (1 | 2, 6) | (3, 2 | 6) => {}
        (1..=3, _) => return Err(Heard::Other),
        _ => return Err(Heard::Refused(Reason::NordicVersion)),
    }
    let Some((&[length, flags, channel, rssi, _, _, _, _, _, _], packet)) = rest.split_first_chunk::<10>() else {
        return Err(Heard::Refused(Reason::FrameShort));
    };
    if length != PACKET_HEADER {
        return Err(Heard::Refused(Reason::NordicVersion));
    }
    Ok(Before {
        packet,
        coded: flags >> 4 & 7 == 2,
        crc_ok: Some(flags & 1 != 0),
        rssi_dbm: 0i8.checked_sub_unsigned(rssi),
        channel: Some(channel),
    })
}

/// The link layer's index of a radio channel, which counts from 2402 MHz in steps of 2 MHz.
fn channel_index(rf: u8) -> Option<u8> {
    Some(match rf {
        0 => 37,
        1..=11 => rf - 1,
        12 => 38,
        13..=38 => rf - 2,
        39 => 39,
        _ => return None,
    })
}

fn packet<'a>(before: &Before<'a>) -> Heard<'a> {
    const SHORT: Heard<'_> = Heard::Refused(Reason::FrameShort);
    if before.crc_ok == Some(false) {
        return Heard::CrcBad;
    }
    let Some((address, rest)) = before.packet.split_first_chunk::<4>() else { return SHORT };
    if *address != ACCESS_ADDRESS {
        return Heard::Other;
    }
    let Some(pdu) = rest.get(usize::from(before.coded)..) else { return SHORT };
    let Some(&[kind, len]) = pdu.first_chunk::<2>() else { return SHORT };
    let len = usize::from(len);
    let whole = pdu.get(..2 + len).and_then(|body| Some((body, pdu.get(2 + len..)?.first_chunk::<CRC_LEN>()?)));
    let payload = match (whole, before.crc_ok) {
        (Some((body, crc)), None) if crc24(body) != *crc => return Heard::CrcBad,
        // Nobody vouches for what was cut.
        (None, None) => return SHORT,
        _ => pdu.get(2..(2 + len).min(pdu.len())).unwrap_or(&[]),
    };
    let clipped = payload.len() < len;
    let about = Packet {
        extended: false,
        advertiser: None,
        adi: None,
        more_on: None,
        channel: before.channel,
        rssi_dbm: before.rssi_dbm,
        data: &[],
        clipped,
    };
    match kind & 0x0F {
        // ADV_IND, ADV_NONCONN_IND, SCAN_RSP, ADV_SCAN_IND: the address, then data.
        0 | 2 | 4 | 6 => match payload.split_first_chunk() {
            Some((a, data)) => Heard::Packet(Packet { advertiser: Some(reversed(*a)), data, ..about }),
            None => SHORT,
        },
        7 => extended(payload, about).map_or(SHORT, Heard::Packet),
        _ => Heard::Other,
    }
}

/// Reads the extended header: a length of six bits, flags, and a field for each flag.
fn extended<'a>(payload: &'a [u8], about: Packet<'a>) -> Option<Packet<'a>> {
    let (&first, rest) = payload.split_first()?;
    let (header, data) = rest.split_at_checked(usize::from(first & 0x3F))?;
    let mut p = Packet { extended: true, data, ..about };
    let Some((&flags, mut fields)) = header.split_first() else { return Some(p) };
    // Length of the field of each flag: AdvA, TargetA, CTE info, ADI, AuxPtr; what follows is not used.
    for (bit, size) in [6, 6, 1, 2, 3].into_iter().enumerate() {
        if flags >> bit & 1 == 0 {
            continue;
        }
        let (field, after) = fields.split_at_checked(size)?;
        match (bit, field) {
            (0, a) => p.advertiser = a.first_chunk().map(|a| reversed(*a)),
            (3, &[lo, hi]) => p.adi = Some(u16::from_le_bytes([lo, hi])),
            (4, &[channel, ..]) => p.more_on = Some(channel & 0x3F),
            _ => {}
        }
        fields = after;
    }
    Some(p)
}

fn reversed(mut a: [u8; 6]) -> [u8; 6] {
    a.reverse();
    a
}

/// The check sequence of an advertising packet, as sent: polynomial x²⁴+x¹⁰+x⁹+x⁶+x⁴+x³+x+1, started with 0x555555,
/// each byte from its least significant bit.
pub fn crc24(packet: &[u8]) -> [u8; 3] {
    let [after_1, after_2, after_3, after_4, after_5, after_6, after_7, after_8] = &TABLES;
    let step = |table: &[u32; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
    let (eights, rest) = packet.as_chunks::<8>();
    // Eight bytes at a time: what each of them does after the others that follow it.
    let crc = eights.iter().fold(START, |crc, eight| {
        let [a, b, c, d, e, f, g, h] = (u64::from_le_bytes(*eight) ^ u64::from(crc)).to_le_bytes();
        step(after_8, a)
            ^ step(after_7, b)
            ^ step(after_6, c)
            ^ step(after_5, d)
            ^ step(after_4, e)
            ^ step(after_3, f)
            ^ step(after_2, g)
            ^ step(after_1, h)
    });
    let crc = rest.iter().fold(crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        crc >> 8 ^ step(after_1, low ^ byte)
    });
    let [a, b, c, _] = crc.to_le_bytes();
    [a, b, c]
}

/// 0x555555 with its bits in the order of the air.
const START: u32 = 0xAA_AAAA;

/// What a byte does to the check sequence when it is followed by none to seven others.
static TABLES: [[u32; 256]; 8] = tables();

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation)] // the indices run below the lengths, 8 and 256
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut n = 0;
    while n < 256 {
        let (mut crc, mut bit) = (n as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xDA_6000 };
            bit += 1;
        }
        tables[0][n] = crc;
        n += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut n = 0;
        while n < 256 {
            let before = tables[k - 1][n];
            tables[k][n] = before >> 8 ^ tables[0][(before & 0xFF) as usize];
            n += 1;
        }
        k += 1;
    }
    tables
}

/// Makes a legacy packet (ADV_NONCONN_IND), for exercises and tests; data over 31 bytes are cut.
pub fn encode_legacy(src: [u8; 6], data: &[u8]) -> Vec<u8> {
    let data = data.get(..31).unwrap_or(data);
    // 0x40: the address is random.
    packed(0x42, &[&reversed(src), data].concat(), false)
}

/// Makes a packet of extended advertising, for exercises and tests. `src` stands in the first packet of an
/// advertisement, `more_on` in one that another follows; `coded` puts a coding indicator before it. Data over the 255
/// bytes of a packet are cut.
pub fn encode_extended(src: Option<[u8; 6]>, adi: u16, more_on: Option<u8>, coded: bool, data: &[u8]) -> Vec<u8> {
    let mut flags = 1 << 3;
    let mut fields = Vec::new();
    if let Some(src) = src {
        flags |= 1;
        fields.extend(reversed(src));
    }
    fields.extend(adi.to_le_bytes());
    if let Some(channel) = more_on {
        flags |= 1 << 4;
        fields.extend([channel & 0x3F, 10, if coded { 0x40 } else { 0 }]);
    }
    let mut payload = vec![u8::try_from(fields.len() + 1).unwrap_or(0), flags];
    payload.extend(fields);
    payload.extend(data);
    payload.truncate(255);
    packed(0x47, &payload, coded)
}

fn packed(kind: u8, payload: &[u8], coded: bool) -> Vec<u8> {
    let mut body = vec![kind, u8::try_from(payload.len()).unwrap_or(0)];
    body.extend(payload);
    let indicator: &[u8] = if coded { &[0] } else { &[] };
    [&ACCESS_ADDRESS, indicator, &body, &crc24(&body)].concat()
}

/// Puts the pseudo-header of link type 256 before a packet; `crc_ok`: what it says of the check sequence.
pub fn with_pseudo_header(packet: &[u8], rf_channel: u8, power_dbm: i8, coded: bool, crc_ok: Option<bool>) -> Vec<u8> {
    let mut flags = 0b11u16 | if coded { 2 << 14 } else { 0 };
    flags |= crc_ok.map_or(0, |ok| 1 << 10 | u16::from(ok) << 11);
    let mut out = vec![rf_channel, power_dbm.cast_unsigned(), 0, 0];
    out.extend(ACCESS_ADDRESS);
    out.extend(flags.to_le_bytes());
    out.extend(packet);
    out
}

/// Puts the header of the nRF Sniffer, version 3, before a packet.
pub fn with_nordic_header(packet: &[u8], channel: u8, power_dbm: i8, coded: bool, crc_ok: bool) -> Vec<u8> {
    let len = u16::try_from(packet.len() + 10).unwrap_or(u16::MAX);
    let [lo, hi] = len.to_le_bytes();
    let flags = u8::from(crc_ok) | if coded { 2 << 4 } else { 0 };
    let mut out = vec![3, lo, hi, 3, 0, 0, 2, 10, flags, channel, power_dbm.unsigned_abs(), 0, 0, 0, 0, 0, 0];
    out.extend(packet);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SRC: [u8; 6] = [2, 0x53, 0x4B, 0x59, 0, 2];

    fn frame(link_type: u32, data: &[u8]) -> Frame<'_> {
        let original_len = u32::try_from(data.len()).unwrap();
        Frame { number: 1, time: None, link_type, original_len, fcs_len: 0, offset: 0, data }
    }

    fn heard(link_type: u32, data: &[u8]) -> Packet<'_> {
        match decode(&frame(link_type, data)) {
            Heard::Packet(p) => p,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_check_sequence_is_that_of_the_plain_rule() {
        // Bit by bit, as the specification draws it.
        let plain = |bytes: &[u8]| {
            let mut crc = 0x55_5555u32;
            for byte in bytes {
                for bit in 0..8 {
                    let feedback = (crc >> 23 & 1) ^ u32::from(byte >> bit & 1);
                    crc = crc << 1 & 0xFF_FFFF;
                    crc ^= if feedback == 0 { 0 } else { 0x00_065B };
                }
            }
            // The highest bit is sent first.
            let sent = crc.reverse_bits() >> 8;
            [sent & 255, sent >> 8 & 255, sent >> 16].map(|b| u8::try_from(b).unwrap())
        };
        for bytes in
            [&[][..], &[0x42, 0], &[0x42, 3, 1, 2, 3, 4, 5, 6], &[0x42, 3, 1, 2, 3, 9, 8, 7, 6, 5, 4], &[255; 203]]
        {
            assert_eq!(crc24(bytes), plain(bytes));
        }
    }

    #[test]
    fn each_link_type_gives_the_same_packet() {
        let bare = encode_legacy(SRC, &[2, 1, 6]);
        let p = heard(LINK_BLE, &bare);
        assert_eq!((p.advertiser, p.data, p.extended, p.rssi_dbm), (Some(SRC), &[2, 1, 6][..], false, None));
        let ext = encode_extended(Some(SRC), 0x1234, Some(7), true, &[2, 1, 6]);
        let behind = with_pseudo_header(&ext, 8, -70, true, Some(true));
        let p = heard(LINK_BLE_PHDR, &behind);
        assert_eq!((p.advertiser, p.adi, p.more_on), (Some(SRC), Some(0x1234), Some(7)));
        assert_eq!((p.channel, p.rssi_dbm, p.extended), (Some(7), Some(-70), true));
        let nordic = with_nordic_header(&ext, 7, -70, true, true);
        assert_eq!(heard(LINK_NORDIC_BLE, &nordic), p);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_a_bad_check_sequence() {
        let good = encode_extended(Some(SRC), 1, None, false, &[2, 1, 6]);
        for at in 4..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                let h = decode(&frame(LINK_BLE, &bad));
                // A greater length leaves the packet unfinished.
                assert!(matches!(h, Heard::CrcBad | Heard::Refused(Reason::FrameShort)), "{at} {bit} {h:?}");
            }
        }
    }

    #[test]
    fn what_the_capture_says_of_the_check_sequence_counts_before_our_own() {
        let mut bad = encode_legacy(SRC, &[2, 1, 6]);
        *bad.last_mut().unwrap() ^= 1;
        for (said, want) in [(Some(false), true), (None, true), (Some(true), false)] {
            let b = with_pseudo_header(&bad, 0, -70, false, said);
            assert_eq!(decode(&frame(LINK_BLE_PHDR, &b)) == Heard::CrcBad, want, "{said:?}");
        }
        let b = with_nordic_header(&bad, 37, -70, false, false);
        assert_eq!(decode(&frame(LINK_NORDIC_BLE, &b)), Heard::CrcBad);
    }

    #[test]
    fn what_is_cut_is_refused_unless_the_capture_vouches_for_it() {
        let ext = encode_extended(Some(SRC), 1, None, false, &[9; 60]);
        for cut in 1..ext.len() {
            let bare = &ext[..ext.len() - cut];
            assert_eq!(decode(&frame(LINK_BLE, bare)), Heard::Refused(Reason::FrameShort));
            let said = with_pseudo_header(bare, 0, -70, false, Some(true));
            if let Heard::Packet(p) = decode(&frame(LINK_BLE_PHDR, &said)) {
                assert_eq!((p.clipped, p.data.len() < 60), (cut > CRC_LEN, cut > CRC_LEN));
            }
        }
    }

    #[test]
    fn other_packets_and_other_formats_are_told_apart() {
        assert_eq!(decode(&frame(LINK_BLE, &[1; 20])), Heard::Other);
        let request = packed(0x43, &[0; 12], false);
        assert_eq!(decode(&frame(LINK_BLE, &request)), Heard::Other);
        let mut whitened = with_pseudo_header(&encode_legacy(SRC, &[]), 0, -70, false, None);
        whitened[8] &= !1;
        assert_eq!(decode(&frame(LINK_BLE_PHDR, &whitened)), Heard::Refused(Reason::Whitened));
        let mut nordic = with_nordic_header(&encode_legacy(SRC, &[]), 37, -70, false, true);
        nordic[6] = 1;
        assert_eq!(decode(&frame(LINK_NORDIC_BLE, &nordic)), Heard::Other);
        nordic[3] = 9;
        assert_eq!(decode(&frame(LINK_NORDIC_BLE, &nordic)), Heard::Refused(Reason::NordicVersion));
    }
}
