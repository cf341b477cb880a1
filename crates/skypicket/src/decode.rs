//! `skypicket decode`: one JSON line for each input, each independent of the others.

use crate::cli::{DecodeArgs, End};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;
use skypicket_wire::{
    adsb, cap,
    capture::LiveElements,
    cot, mavlink, netrid,
    receivers::{self, antsdr, compressed},
    remote_id,
};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// Longest hex line, bytes: a beacon frame of 2,346 bytes as hex, with room.
const MOST_LINE: u64 = 64 * 1024;
/// Largest CoT stream taken whole, bytes.
const MOST_COT: u64 = 256 << 20;
/// Largest file of certificates, bytes.
const MOST_CERTIFICATES: u64 = 1 << 20;

/// Runs the command.
pub fn run(args: &DecodeArgs) -> End {
    let out = BufWriter::new(io::stdout().lock());
    let done = match args.format.as_str() {
        "remote-id" => {
            let form = args.form.as_deref().unwrap_or("auto");
            match form.parse::<remote_id::As>() {
                Ok(form) => open(args.file.as_deref()).and_then(|r| remote_id_lines(r, form, out)),
                Err(_) => {
                    return End::usage(format!(
                        "--as {form}: give message, pack, beacon, nan, ble-legacy, ble-extended or auto"
                    ));
                }
            }
        }
        "capture" => open(args.file.as_deref()).and_then(|r| capture(r, out)),
        "cot" => open(args.file.as_deref()).and_then(|r| cot_events(r, out)),
        "cap" => match issuers(&args.issuer) {
            Ok(pinned) => open(args.file.as_deref()).and_then(|r| cap_message(r, &pinned, out)),
            Err(message) => return End::usage(message),
        },
        "receivers" => match args.form.as_deref().unwrap_or("auto").parse::<receivers::As>() {
            Ok(form) => open(args.file.as_deref()).and_then(|r| receivers_input(r, form, out)),
            Err(e) => return End::usage(format!("--as {e}")),
        },
        "mavlink" => open(args.file.as_deref())
            .and_then(|r| each_line(r, MOST_LINE, out, |b| mavlink::decode_line(&String::from_utf8_lossy(b)))),
        "adsb" => open(args.file.as_deref()).and_then(|r| aircraft_input(r, out)),
        "netrid" => open(args.file.as_deref()).and_then(|r| network_answer(r, out)),
        "sapient" => return End::not_built("decode sapient"),
        other => {
            return End::usage(format!(
                "there is no format '{other}': give remote-id, capture, cot, cap, receivers, mavlink, adsb or netrid"
            ));
        }
    };
    match done {
        Ok(true) => End::OK,
        Ok(false) => End::refused(None),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => End::OK,
        Err(e) => End::could_not(e),
    }
}

/// A file or standard input.
pub fn open(path: Option<&Path>) -> io::Result<Box<dyn BufRead>> {
    match path {
        Some(p) if p != Path::new("-") => {
            let file = File::open(p).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", p.display())))?;
            Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
        }
        _ => Ok(Box::new(BufReader::new(io::stdin()))),
    }
}

fn line(out: &mut impl Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn is_ok(value: &Value) -> bool {
    value.get("ok").and_then(Value::as_bool).unwrap_or(true)
}

/// The next line without its end; `None` at the end. A line longer than the bound comes cut, and the rest is passed
/// over.
pub fn next_line(input: &mut dyn BufRead, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut input = input;
    if Read::take(&mut input, most + 1).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() as u64 > most {
        input.skip_until(b'\n')?;
    }
    Ok(Some(bytes))
}

fn remote_id_lines(input: Box<dyn BufRead>, form: remote_id::As, out: impl Write) -> io::Result<bool> {
    each_line(input, MOST_LINE, out, |b| remote_id::decode_line(String::from_utf8_lossy(b).trim(), form))
}

/// A line out for each line in.
fn each_line(
    mut input: Box<dyn BufRead>,
    most: u64,
    mut out: impl Write,
    decode: impl Fn(&[u8]) -> Value,
) -> io::Result<bool> {
    let mut all_ok = true;
    while let Some(bytes) = next_line(&mut *input, most)? {
        let value = decode(&bytes);
        all_ok &= is_ok(&value);
        line(&mut out, &value)?;
    }
    out.flush()?;
    Ok(all_ok)
}

/// JSON of receivers as it comes; a compressed payload is taken whole.
fn receivers_input(mut input: Box<dyn BufRead>, form: receivers::As, mut out: impl Write) -> io::Result<bool> {
    let (mut all_ok, mut failed) = (true, Ok(()));
    let mut print = |value: Value| {
        all_ok &= is_ok(&value);
        if failed.is_ok() {
            failed = line(&mut out, &value);
        }
    };
    if form == receivers::As::AntSdr {
        let mut lines = antsdr::Lines::default();
        pieces(&mut *input, |bytes| lines.push(bytes, &mut print))?;
        lines.finish(&mut print);
    } else {
        let mut lines = receivers::Lines::new(form);
        if compressed::is_compressed(input.fill_buf()?) {
            match compressed::unpack(&whole(input, compressed::MAX_OUTPUT as u64)?) {
                Ok(unpacked) => lines.push(&unpacked.unwrap_or_default(), &mut print),
                Err(reason) => print(receivers::refused_line(reason, form)),
            }
        } else {
            pieces(&mut *input, |bytes| lines.push(bytes, &mut print))?;
        }
        lines.finish(&mut print);
    }
    failed?;
    out.flush()?;
    Ok(all_ok)
}

fn aircraft_input(mut input: Box<dyn BufRead>, mut out: impl Write) -> io::Result<bool> {
    let (mut all_ok, mut failed) = (true, Ok(()));
    let mut print = |value: Value| {
        all_ok &= is_ok(&value);
        if failed.is_ok() {
            failed = line(&mut out, &value);
        }
    };
    let mut lines = adsb::Lines::default();
    pieces(&mut *input, |bytes| lines.push(bytes, &mut print))?;
    lines.finish(&mut print);
    failed?;
    out.flush()?;
    Ok(all_ok)
}

/// All of an input, piece by piece.
fn pieces(input: &mut dyn BufRead, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        take(bytes);
        let n = bytes.len();
        input.consume(n);
    }
}

fn network_answer(input: Box<dyn BufRead>, mut out: impl Write) -> io::Result<bool> {
    let value = netrid::decode(&whole(input, netrid::LIMITS.bytes as u64)?);
    line(&mut out, &value)?;
    out.flush()?;
    Ok(is_ok(&value))
}

fn capture(mut input: Box<dyn BufRead>, mut out: impl Write) -> io::Result<bool> {
    let mut reader = LiveElements::new();
    let mut failed = Ok(());
    let mut chunk = vec![0u8; 1 << 16];
    loop {
        let n = input.read(&mut chunk)?;
        let mut print = |e: skypicket_wire::capture::Element<'_>| {
            if failed.is_ok() {
                failed = line(&mut out, &e.to_json());
            }
        };
        if n == 0 {
            reader.finish(&mut print);
            break;
        }
        reader.push(chunk.get(..n).unwrap_or_default(), &mut print);
        if failed.is_err() {
            break;
        }
    }
    failed?;
    let counts = reader.counts();
    line(&mut out, &counts.to_json())?;
    out.flush()?;
    Ok(counts.refused.is_empty())
}

fn cot_events(input: Box<dyn BufRead>, mut out: impl Write) -> io::Result<bool> {
    let bytes = whole(input, MOST_COT)?;
    if bytes.len() as u64 > MOST_COT {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "CoT input is larger than 256 MiB: split it"));
    }
    let mut all_ok = true;
    for value in cot::decode_lines(&bytes) {
        all_ok &= is_ok(&value);
        line(&mut out, &value)?;
    }
    out.flush()?;
    Ok(all_ok)
}

/// The certificates of all files.
fn issuers(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, String> {
    let mut all = Vec::new();
    for file in files {
        let wrong = |why: String| format!("--issuer {}: {why}", file.display());
        let input = open(Some(file)).map_err(|e| format!("--issuer {e}"))?;
        let bytes = whole(input, MOST_CERTIFICATES).map_err(|e| wrong(e.to_string()))?;
        let before = all.len();
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            all.push(certificate.map_err(|e| wrong(e.to_string()))?.to_vec());
        }
        if all.len() == before {
            return Err(wrong("no certificate in it: give PEM".to_owned()));
        }
    }
    Ok(all)
}

/// All of an input, and one byte more when it is longer than the bound.
fn whole(input: Box<dyn BufRead>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    #[allow(clippy::disallowed_methods)] // bounded by `take`
    input.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn cap_message(input: Box<dyn BufRead>, pinned: &[Vec<u8>], mut out: impl Write) -> io::Result<bool> {
    let bytes = whole(input, cap::tree::MAX_BYTES as u64)?;
    let value = cap::decode::decode(&bytes, &cap::signature::Trust { now: crate::clock::now(), pinned });
    line(&mut out, &value)?;
    out.flush()?;
    Ok(is_ok(&value))
}
