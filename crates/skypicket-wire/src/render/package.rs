//! [`chat`]: a bulletin as a line of TAK chat; [`data_package`]: the same with its PDF and text as a TAK data package.

use super::{Words, front_words, one_line, plain, releases, short, withheld};
use skypicket_model::{NoticeId, Tlp, people::Language};
use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// Longest chat text, characters: clients show a few lines.
const MOST_CHAT: usize = 800;

/// A line of chat: exercise and draft first, then what it is, then what to do; number and marking at the end. `most` is the
/// strictest label that the way may carry.
pub fn chat(w: &Words<'_>, most: Tlp) -> String {
    let front = front_words(w).map(|f| format!("{f}: ")).unwrap_or_default();
    let may = releases(w.tlp, most);
    let mut end = String::new();
    if let Some(code) = w.asked().filter(|_| may) {
        let how = if w.language == Language::Es { "Responda con el código" } else { "Reply with code" };
        let _ = write!(end, " {how} {}.", one_line(code));
    }
    if let Some(number) = w.number_words().filter(|_| may) {
        let _ = write!(end, " {number}");
    }
    let _ = write!(end, " {}", one_line(&w.marking));
    let middle = if may {
        let said = short::own_brief(w).unwrap_or_else(|| one_line(w.text));
        format!("{}. {said}", plain::heading(w))
    } else {
        withheld(w.language).to_owned()
    };
    let room = MOST_CHAT.saturating_sub(front.chars().count() + end.chars().count()).max(120);
    format!("{front}{}{end}", short::cut(&middle, room))
}

/// What is in a data package.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Which notice.
    pub notice: NoticeId,
    /// Which version.
    pub version: u32,
    /// Name of the package and its files: the number where there is one.
    pub name: &'a str,
    /// The PDF.
    pub pdf: &'a [u8],
    /// The plain text.
    pub text: &'a str,
}

/// A data package that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the data package could not be made: {0}")]
pub struct PackageError(String);

/// A zip file with `MANIFEST/manifest.xml` (version 2, as ATAK, WinTAK and iTAK read it), the PDF and the text. The same
/// parts give the same bytes. A later version takes the place of an earlier one: both have the notice's uid.
pub fn data_package(p: Parts<'_>) -> Result<Vec<u8>, PackageError> {
    let unmade = |e: &dyn std::fmt::Display| PackageError(e.to_string());
    let name = file_name(p.name);
    let (pdf, text) = (format!("{name}.pdf"), format!("{name}.txt"));
    let manifest = manifest(p, &name, [&pdf, &text]);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Stored: a PDF is compressed already. No time of its own: the same bytes each time.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let files = [("MANIFEST/manifest.xml", manifest.as_bytes()), (&pdf, p.pdf), (&text, p.text.as_bytes())];
    for (path, bytes) in files {
        zip.start_file(path, options).map_err(|e| unmade(&e))?;
        zip.write_all(bytes).map_err(|e| unmade(&e))?;
    }
    Ok(zip.finish().map_err(|e| unmade(&e))?.into_inner())
}

/// A name that every file system takes: letters, digits, `-`, `_` and `.`.
pub fn file_name(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = name.trim().chars().map(kept).take(80).collect();
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() { "bulletin".to_owned() } else { name.to_owned() }
}

fn manifest(p: Parts<'_>, name: &str, files: [&str; 2]) -> String {
    let mut contents = String::new();
    for (file, kind) in files.into_iter().zip(["application/pdf", "text/plain"]) {
        let _ = write!(
            contents,
            "    <Content ignore=\"false\" zipEntry=\"{file}\">\n      <Parameter name=\"name\" value=\"{file}\"/>\n      <Parameter name=\"contentType\" value=\"{kind}\"/>\n    </Content>\n"
        );
    }
    // File names hold nothing that XML would read otherwise ([`file_name`]).
    format!(
        "<MissionPackageManifest version=\"2\">\n  <Configuration>\n    <Parameter name=\"uid\" value=\"{}\"/>\n    <Parameter name=\"name\" value=\"{name} v{}\"/>\n    <Parameter name=\"onReceiveImport\" value=\"true\"/>\n    <Parameter name=\"onReceiveDelete\" value=\"false\"/>\n  </Configuration>\n  <Contents>\n{contents}  </Contents>\n</MissionPackageManifest>\n",
        p.notice, p.version
    )
}
