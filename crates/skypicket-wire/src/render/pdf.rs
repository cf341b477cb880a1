//! [`pdf`]: a bulletin as a PDF to print or hand on: tagged for screen readers (PDF/UA-1), fonts embedded.
//!
//! On every page: the marking at top and bottom, in the colours and on the black that TLP 2.0 asks for, the number and
//! `page n of m`; in an exercise a violet band with the word at top and bottom, and the word across the page.
//!
//! The same bulletin gives the same bytes: the only date in it is the notice's. Text is set in Noto Sans, which has the
//! Latin, Greek and Cyrillic scripts; a letter that it lacks is printed as [`MISSING`], and the page says so.

use super::sheet::{Body, SheetText};
use krilla::{
    Document, SerializeSettings,
    color::rgb,
    configure::{Accessibility, ConfigurationBuilder, PdfVersion},
    destination::XyzDestination,
    geom::{PathBuilder, Point, Rect, Transform},
    metadata::{DateTime, Metadata},
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::{Fill, Paint, Stroke},
    surface::Surface,
    tagging::{Artifact, ArtifactType, ContentTag, Identifier, ListNumbering, Node, SpanTag, Tag, TagGroup, TagTree},
    text::{Font, GlyphId, KrillaGlyph},
};
use rustybuzz::{Direction, UnicodeBuffer};
use skypicket_model::{Level, NoticeState, Time, Tlp, people::Language};
use std::num::NonZeroU16;

static REGULAR: &[u8] = include_bytes!("../../fonts/NotoSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../fonts/NotoSans-Bold.ttf");

/// What stands for a letter that the font lacks.
pub const MISSING: char = '\u{fffd}';
/// Most pages: far more than the longest bulletin that the desk lets through.
pub const MOST_PAGES: usize = 120;

/// The size of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 inches.
    Letter,
}

impl Paper {
    /// Width and height, points (1/72 inch).
    pub fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (595.28, 841.89),
            Self::Letter => (612.0, 792.0),
        }
    }
}

/// Why there is no PDF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// It is longer than any bulletin may be.
    #[error("it would have more than {MOST_PAGES} pages: shorten it")]
    TooLong,
    /// The library refused it.
    #[error("the PDF could not be made: {0}")]
    Unmade(String),
}

/// Points between the edge of the page and the text.
const SIDE: f32 = 54.0;
const TOP: f32 = 100.0;
const BOTTOM: f32 = 92.0;
/// Height of the bands of an exercise.
const BAND: f32 = 24.0;
/// Indent of what stands beside a label.
const FACT: f32 = 118.0;
const POINT: f32 = 16.0;
const CHECK: f32 = 44.0;

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Colour(u8, u8, u8);

impl Colour {
    fn paint(self) -> Paint {
        rgb::Color::new(self.0, self.1, self.2).into()
    }
}

const INK: Colour = Colour(0x16, 0x20, 0x1d);
const DIM: Colour = Colour(0x55, 0x62, 0x5d);
const LINE: Colour = Colour(0x9a, 0xa6, 0xa1);
const WHITE: Colour = Colour(0xff, 0xff, 0xff);
const BLACK: Colour = Colour(0, 0, 0);
const EXERCISE: Colour = Colour(0x6a, 0x2b, 0xb0);
const EXERCISE_PALE: Colour = Colour(0xec, 0xdf, 0xfa);
const DRAFT: Colour = Colour(0x3f, 0x45, 0x43);
const DRAFT_PALE: Colour = Colour(0xe6, 0xe8, 0xe7);

/// Colours of the labels on black (TLP 2.0, FIRST 2022).
fn label_colour(tlp: Tlp) -> Colour {
    match tlp {
        Tlp::Clear => WHITE,
        Tlp::Green => Colour(0x33, 0xff, 0x00),
        Tlp::Amber | Tlp::AmberStrict => Colour(0xff, 0xc0, 0x00),
        Tlp::Red => Colour(0xff, 0x2b, 0x2b),
    }
}

fn level_colour(state: NoticeState, level: Level) -> Colour {
    match level {
        _ if state.ended() => INK,
        Level::Urgent => Colour(0xb3, 0x16, 0x0b),
        Level::Caution => Colour(0x8a, 0x5a, 0x00),
        Level::Advisory => Colour(0x0b, 0x64, 0x80),
    }
}

// ---- fonts and lines ----

/// One weight of the font.
struct Weight {
    shaper: rustybuzz::Face<'static>,
    font: Font,
    units_per_em: f32,
}

impl Weight {
    fn read(bytes: &'static [u8]) -> Result<Self, PdfError> {
        let unmade = || PdfError::Unmade("the font cannot be read".into());
        let shaper = rustybuzz::Face::from_slice(bytes, 0).ok_or_else(unmade)?;
        let font = Font::new(bytes.into(), 0).ok_or_else(unmade)?;
        let units_per_em = font.units_per_em();
        Ok(Self { shaper, font, units_per_em })
    }

    /// The glyphs of a text, left to right, each with its bytes of the text; lengths in ems.
    #[allow(clippy::cast_possible_truncation)] // a line is no longer than the few thousand characters of its text
    fn shape(&self, text: &str) -> Vec<KrillaGlyph> {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.set_direction(Direction::LeftToRight);
        buffer.guess_segment_properties();
        buffer.set_direction(Direction::LeftToRight);
        let shaped = rustybuzz::shape(&self.shaper, &[], buffer);
        let (infos, positions) = (shaped.glyph_infos(), shaped.glyph_positions());
        let em = |units: i32| units as f32 / self.units_per_em;
        let glyph = |k: usize, info: &rustybuzz::GlyphInfo, p: &rustybuzz::GlyphPosition| {
            let later = infos.iter().skip(k).find(|i| i.cluster != info.cluster);
            let end = later.map_or(text.len(), |i| i.cluster as usize);
            KrillaGlyph {
                glyph_id: GlyphId::new(info.glyph_id),
                text_range: info.cluster as usize..end,
                x_advance: em(p.x_advance),
                x_offset: em(p.x_offset),
                y_offset: em(p.y_offset),
                y_advance: em(p.y_advance),
                location: None,
            }
        };
        infos.iter().zip(positions).enumerate().map(|(k, (i, p))| glyph(k, i, p)).collect()
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        self.shape(text).iter().map(|g| g.x_advance * size).sum()
    }
}

/// Both weights, and how many letters they lacked.
struct Setter {
    regular: Weight,
    bold: Weight,
    missing: usize,
}

/// A text in one weight and size.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    text: String,
    bold: bool,
    size: f32,
    colour: Colour,
    /// From the left edge of the text.
    x: f32,
}

impl Setter {
    fn new() -> Result<Self, PdfError> {
        Ok(Self { regular: Weight::read(REGULAR)?, bold: Weight::read(BOLD)?, missing: 0 })
    }

    fn weight(&self, bold: bool) -> &Weight {
        if bold { &self.bold } else { &self.regular }
    }

    /// A text as it can be set: without marks that show nothing, some of which turn the direction of what follows; letters
    /// that the font lacks are replaced and counted.
    fn clean(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let hidden = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff9}'..='\u{fffb}');
            if hidden {
                continue;
            }
            if c.is_whitespace() || c.is_control() {
                out.push(' ');
            } else if self.regular.shaper.glyph_index(c).is_some() && self.bold.shaper.glyph_index(c).is_some() {
                out.push(c);
            } else {
                self.missing += 1;
                out.push(if self.regular.shaper.glyph_index(MISSING).is_some() { MISSING } else { '?' });
            }
        }
        out
    }

    /// A text in lines no wider than `most` points. All but the last end with a space, so that a reader hears the words
    /// apart. A word that is wider is broken.
    fn lines(&mut self, text: &str, (bold, size): (bool, f32), most: f32) -> Vec<String> {
        let text = self.clean(text);
        let w = self.weight(bold);
        let space = w.width(" ", size);
        let mut lines: Vec<String> = Vec::new();
        let (mut line, mut used) = (String::new(), 0.0_f32);
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            let wide = w.width(word, size);
            if !line.is_empty() && used + space + wide > most {
                line.push(' ');
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            if wide <= most {
                if !line.is_empty() {
                    line.push(' ');
                    used += space;
                }
                line.push_str(word);
                used += wide;
                continue;
            }
            for c in word.chars() {
                let mut one = [0; 4];
                let wide = w.width(c.encode_utf8(&mut one), size);
                if !line.is_empty() && used + wide > most {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(c);
                used += wide;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }
}

// ---- blocks ----

/// What a block is for a screen reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Title,
    Heading,
    Paragraph,
    /// Of the list of this number.
    Point(usize),
    Check(usize),
}

/// Lines that belong together.
#[derive(Debug)]
struct Block {
    role: Role,
    /// Space above it, unless it stands first on a page.
    before: f32,
    /// Height of each line.
    leading: f32,
    lines: Vec<Line>,
    /// It never stands last on a page.
    with_next: bool,
    /// A thin rule above it.
    rule: bool,
}

#[derive(Debug, Default)]
struct Line {
    /// What stands before the text: a number, or a fact's name.
    label: Option<Run>,
    text: Option<Run>,
    /// A box to tick.
    tick: bool,
}

/// How a text is set.
#[derive(Clone, Copy)]
struct Type {
    bold: bool,
    size: f32,
    leading: f32,
    colour: Colour,
}

const BODY: Type = Type { bold: false, size: 10.5, leading: 14.5, colour: INK };

fn block(s: &mut Setter, role: Role, text: &str, t: Type, (x, width): (f32, f32)) -> Block {
    let lines = s.lines(text, (t.bold, t.size), width - x);
    let line = |text: String| Line {
        text: Some(Run { text, bold: t.bold, size: t.size, colour: t.colour, x }),
        ..Line::default()
    };
    let (before, lines) = (0.0, lines.into_iter().map(line).collect());
    Block { role, before, leading: t.leading, lines, with_next: false, rule: false }
}

fn blocks(sheet: &SheetText, s: &mut Setter, width: f32) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let all = (0.0, width);
    let kind = Type { bold: true, size: 11.0, leading: 15.0, colour: DIM };
    out.push(block(s, Role::Paragraph, &sheet.kind, kind, all));
    let title = Type { bold: true, size: 20.0, leading: 25.0, colour: INK };
    out.push(Block { with_next: true, before: 2.0, ..block(s, Role::Title, &sheet.title, title, all) });
    let colour = level_colour(sheet.state, sheet.level);
    let standing = Type { bold: true, size: 12.0, leading: 17.0, colour };
    out.push(Block { before: 4.0, ..block(s, Role::Paragraph, &sheet.standing, standing, all) });
    if let Some(said) = sheet.said {
        out.push(block(s, Role::Paragraph, said, BODY, all));
    }
    let words = PageWords::of(sheet.language);
    let marking = (words.marking, sheet.marking.as_str());
    let number = sheet.number.as_deref().map(|n| (words.number, n));
    let facts = sheet.facts.iter().map(|f| (f.label, f.text.as_str()));
    for (k, (label, text)) in number.into_iter().chain([marking]).chain(facts).enumerate() {
        let mut b = block(s, Role::Paragraph, text, BODY, (FACT, width));
        // A name too long for its column stands on a line of its own.
        let label = format!("{label}: ");
        let run = Run { text: label, bold: true, size: BODY.size, colour: INK, x: 0.0 };
        if s.bold.width(&run.text, run.size) > FACT {
            b.lines.insert(0, Line { label: Some(run), ..Line::default() });
        } else if let Some(first) = b.lines.first_mut() {
            first.label = Some(run);
        }
        b.before = if k == 0 { 8.0 } else { 2.0 };
        out.push(b);
    }
    for (list, section) in sheet.sections.iter().enumerate() {
        let heading = Type { bold: true, size: 12.5, leading: 18.0, colour: INK };
        let b = block(s, Role::Heading, section.heading, heading, all);
        out.push(Block { before: 14.0, with_next: true, rule: true, ..b });
        let items: (&[String], f32) = match &section.body {
            Body::Paragraphs(texts) => (texts, 0.0),
            Body::Points(texts) => (texts, POINT),
            Body::Checklist(texts) => (texts, CHECK),
        };
        for (k, text) in items.0.iter().enumerate() {
            let role = match &section.body {
                Body::Paragraphs(_) => Role::Paragraph,
                Body::Points(_) => Role::Point(list),
                Body::Checklist(_) => Role::Check(list),
            };
            let mut b = block(s, role, text, BODY, (items.1, width));
            b.before = 3.5;
            let label = |text: String, x| Run { text, bold: false, size: BODY.size, colour: INK, x };
            if let Some(first) = b.lines.first_mut() {
                match role {
                    Role::Point(_) => first.label = Some(label("• ".into(), 2.0)),
                    Role::Check(_) => {
                        first.label = Some(label(format!("{}. ", k + 1), 20.0));
                        first.tick = true;
                    }
                    _ => {}
                }
            }
            out.push(b);
        }
    }
    if s.missing > 0 {
        let t = Type { size: 9.0, leading: 12.0, colour: DIM, ..BODY };
        out.push(Block { before: 14.0, ..block(s, Role::Paragraph, words.missing, t, all) });
    }
    out.retain(|b| !b.lines.is_empty());
    out
}

/// The fixed words of a page.
struct PageWords {
    page: &'static str,
    of: &'static str,
    marking: &'static str,
    number: &'static str,
    missing: &'static str,
    agencies: &'static str,
}

impl PageWords {
    fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &Self {
                page: "page",
                of: "of",
                marking: "Marking",
                number: "Number",
                missing: "Some letters of this bulletin cannot be printed here. Read it in Skypicket.",
                agencies: "releasable to the agencies named on page 1",
            },
            Language::Es => &Self {
                page: "página",
                of: "de",
                marking: "Marcado",
                number: "Número",
                missing: "Algunas letras de este boletín no se pueden imprimir aquí. Léalo en Skypicket.",
                agencies: "releasable to: página 1",
            },
        }
    }
}

// ---- pages ----

/// A line and where it stands: block, line, and its top from the top of the page.
type Placed = (usize, usize, f32);

/// Sets blocks onto pages; none is empty.
fn pages(blocks: &[Block], height: f32) -> Result<Vec<Vec<Placed>>, PdfError> {
    let end = height - BOTTOM;
    let mut out: Vec<Vec<Placed>> = vec![Vec::new()];
    let mut y = TOP;
    for (b, block) in blocks.iter().enumerate() {
        let lines = block.lines.len() as f32;
        let first = out.last().is_none_or(Vec::is_empty);
        let before = if first { 0.0 } else { block.before };
        // A heading takes two lines of what follows with it; a short item is not torn apart.
        let next = blocks.get(b + 1).filter(|_| block.with_next);
        let after = next.map_or(0.0, |n| n.before + n.leading * (n.lines.len().min(2)) as f32);
        let whole = if block.lines.len() <= 4 { lines } else { 2.0 };
        if !first && y + before + whole * block.leading + after > end {
            out.push(Vec::new());
            y = TOP;
        } else {
            y += before;
        }
        for line in 0..block.lines.len() {
            if y + block.leading > end {
                out.push(Vec::new());
                y = TOP;
            }
            if let Some(page) = out.last_mut() {
                page.push((b, line, y));
            }
            y += block.leading;
        }
        if out.len() > MOST_PAGES {
            return Err(PdfError::TooLong);
        }
    }
    Ok(out)
}

/// What of a block was drawn: its label and its text.
#[derive(Default)]
struct Drawn {
    label: Vec<Node>,
    text: Vec<Node>,
}

struct Painter<'a> {
    s: &'a Setter,
    sheet: &'a SheetText,
    words: &'static PageWords,
    width: f32,
    height: f32,
}

impl Painter<'_> {
    fn fill(surface: &mut Surface<'_>, colour: Colour) {
        surface.set_stroke(None);
        surface.set_fill(Some(Fill { paint: colour.paint(), ..Fill::default() }));
    }

    fn text(&self, surface: &mut Surface<'_>, run: &Run, (left, baseline): (f32, f32)) {
        let weight = self.s.weight(run.bold);
        Self::fill(surface, run.colour);
        let glyphs = weight.shape(&run.text);
        let at = Point::from_xy(left + run.x, baseline);
        surface.draw_glyphs(at, &glyphs, weight.font.clone(), &run.text, run.size, false);
    }

    fn rect(surface: &mut Surface<'_>, (x, y): (f32, f32), (w, h): (f32, f32)) {
        let mut path = PathBuilder::new();
        if let Some(rect) = Rect::from_xywh(x, y, w, h) {
            path.push_rect(rect);
        }
        if let Some(path) = path.finish() {
            surface.draw_path(&path);
        }
    }

    /// What no screen reader says again on each page.
    fn artifact(surface: &mut Surface<'_>, kind: ArtifactType, draw: impl FnOnce(&mut Surface<'_>)) {
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
        draw(surface);
        surface.end_tagged();
    }

    /// The word of an exercise, a draft or what is over, across the page.
    fn across(&self, surface: &mut Surface<'_>) {
        // In the word that everybody knows, whatever the language of the page.
        let exercise = self.sheet.exercise.then_some("EXERCISE");
        let words: Vec<&str> = exercise.into_iter().chain(self.sheet.edition.word(Language::En)).collect();
        if words.is_empty() {
            return;
        }
        let word = words.join(" – ");
        let colour = if self.sheet.exercise { EXERCISE_PALE } else { DRAFT_PALE };
        let diagonal = libm::hypotf(self.width, self.height);
        let wide = self.s.bold.width(&word, 1.0).max(0.1);
        let size = (0.7 * diagonal / wide).min(130.0);
        let run = Run { text: word, bold: true, size, colour, x: 0.0 };
        Self::artifact(surface, ArtifactType::Watermark, |surface| {
            // From the lower left to the upper right.
            let angle = libm::atan2f(self.height, self.width);
            let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
            let (x, y) = (self.width / 2.0, self.height / 2.0);
            surface.push_transform(&Transform::from_row(cos, -sin, sin, cos, x, y));
            self.text(surface, &run, (-wide * size / 2.0, size * 0.35));
            surface.pop();
        });
    }

    /// The band of an exercise, a draft or what is over.
    fn band(&self, surface: &mut Surface<'_>, y: f32) {
        let Some(front) = &self.sheet.front else { return };
        let colour = if self.sheet.exercise { EXERCISE } else { DRAFT };
        Self::fill(surface, colour);
        Self::rect(surface, (0.0, y), (self.width, BAND));
        let mut run = Run { text: front.clone(), bold: true, size: 12.0, colour: WHITE, x: 0.0 };
        let mut wide = self.s.bold.width(&run.text, run.size);
        let most = self.width - 2.0 * SIDE;
        if wide > most {
            run.size *= most / wide;
            wide = most;
        }
        self.text(surface, &run, ((self.width - wide) / 2.0, y + 16.5));
    }

    /// Number and what else on the left, the marking on the right. `y` is the baseline.
    fn marks(&self, surface: &mut Surface<'_>, left: String, y: f32) {
        let right = self.width - SIDE;
        let label = Run {
            text: self.sheet.tlp.label().into(),
            bold: true,
            size: 12.0,
            colour: label_colour(self.sheet.tlp),
            x: 0.0,
        };
        let wide = self.s.bold.width(&label.text, label.size);
        Self::fill(surface, BLACK);
        Self::rect(surface, (right - wide - 12.0, y - 12.5), (wide + 12.0, 17.0));
        self.text(surface, &label, (right - wide - 6.0, y));
        let mut left = Run { text: left, bold: true, size: 10.0, colour: INK, x: 0.0 };
        let (most, has) = (self.width - 2.0 * SIDE - wide - 24.0, self.s.bold.width(&left.text, left.size));
        if has > most {
            left.size *= most / has;
        }
        self.text(surface, &left, (SIDE, y));
        // Whom it may go to, where that is said.
        if self.sheet.marking != self.sheet.tlp.label() {
            let rest = self.sheet.marking.strip_prefix(self.sheet.tlp.label()).unwrap_or(&self.sheet.marking);
            let rest = rest.trim_start_matches([',', ' ']);
            let most = self.width - 2.0 * SIDE;
            let rest = if self.s.regular.width(rest, 8.5) > most { self.words.agencies } else { rest };
            let run = Run { text: rest.into(), bold: false, size: 8.5, colour: INK, x: 0.0 };
            let wide = self.s.regular.width(&run.text, run.size);
            self.text(surface, &run, (right - wide, y + 15.0));
        }
    }

    fn rule(surface: &mut Surface<'_>, (left, right): (f32, f32), y: f32) {
        surface.set_fill(None);
        surface.set_stroke(Some(Stroke { paint: LINE.paint(), width: 0.6, ..Stroke::default() }));
        let mut path = PathBuilder::new();
        path.move_to(left, y);
        path.line_to(right, y);
        if let Some(path) = path.finish() {
            surface.draw_path(&path);
        }
        surface.set_stroke(None);
    }

    /// What stands on every page.
    fn frame(&self, surface: &mut Surface<'_>, (n, of): (usize, usize)) {
        self.across(surface);
        let number = self.sheet.number.as_deref().unwrap_or(&self.sheet.kind);
        Self::artifact(surface, ArtifactType::Header, |surface| {
            self.band(surface, 0.0);
            let kind = self.sheet.number.as_ref().map(|_| format!(" · {}", self.sheet.kind)).unwrap_or_default();
            self.marks(surface, format!("{number}{kind}"), 52.0);
            Self::rule(surface, (SIDE, self.width - SIDE), 78.0);
        });
        Self::artifact(surface, ArtifactType::Footer, |surface| {
            let top = self.height - 78.0;
            Self::rule(surface, (SIDE, self.width - SIDE), top);
            let page = format!("{number} · {} {n} {} {of}", self.words.page, self.words.of);
            self.marks(surface, page, top + 22.0);
            self.band(surface, self.height - BAND);
        });
    }

    /// One line, and what of it is to be read.
    fn line(&self, surface: &mut Surface<'_>, block: &Block, line: &Line, y: f32, drawn: &mut Drawn) {
        let baseline = y + block.leading * 0.76;
        if line.tick {
            Self::artifact(surface, ArtifactType::Layout, |surface| {
                surface.set_fill(None);
                surface.set_stroke(Some(Stroke { paint: INK.paint(), width: 1.0, ..Stroke::default() }));
                Self::rect(surface, (SIDE + 2.0, baseline - 9.0), (10.5, 10.5));
                surface.set_stroke(None);
            });
        }
        let lang = match self.sheet.language {
            Language::En => "en",
            Language::Es => "es",
        };
        for (run, into) in [(&line.label, &mut drawn.label), (&line.text, &mut drawn.text)] {
            if let Some(run) = run {
                let id: Identifier = surface.start_tagged(ContentTag::Span(SpanTag::empty().with_lang(Some(lang))));
                self.text(surface, run, (SIDE, baseline));
                surface.end_tagged();
                into.push(id.into());
            }
        }
    }
}

/// What a screen reader reads, in order.
fn tree(sheet: &SheetText, blocks: &[Block], drawn: Vec<Drawn>, lang: &str) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some(lang.to_owned()));
    let mut list: Option<(Role, TagGroup)> = None;
    for (block, d) in blocks.iter().zip(drawn) {
        let (Role::Point(_) | Role::Check(_)) = block.role else {
            if let Some((_, done)) = list.take() {
                tree.push(done);
            }
            let children: Vec<Node> = d.label.into_iter().chain(d.text).collect();
            tree.push(match block.role {
                Role::Title => TagGroup::with_children(Tag::Hn(NonZeroU16::MIN, Some(sheet.title.clone())), children),
                Role::Heading => {
                    let level = NonZeroU16::MIN.saturating_add(1);
                    let heading = block.lines.iter().filter_map(|l| l.text.as_ref()).map(|r| r.text.as_str());
                    TagGroup::with_children(Tag::Hn(level, Some(heading.collect())), children)
                }
                _ => TagGroup::with_children(Tag::P, children),
            });
            continue;
        };
        if list.as_ref().is_none_or(|(role, _)| *role != block.role)
            && let Some((_, done)) = list.take()
        {
            tree.push(done);
        }
        let numbering = if matches!(block.role, Role::Check(_)) { ListNumbering::Decimal } else { ListNumbering::Disc };
        let (_, group) = list.get_or_insert_with(|| (block.role, TagGroup::new(Tag::L(numbering))));
        let label = TagGroup::with_children(Tag::Lbl, d.label);
        let body = TagGroup::with_children(Tag::LBody, d.text);
        group.push(TagGroup::with_children(Tag::LI, vec![label.into(), body.into()]));
    }
    if let Some((_, done)) = list {
        tree.push(done);
    }
    tree
}

/// The title that a window shows: front, number, title and label.
fn window_title(sheet: &SheetText) -> String {
    let front = sheet.front.as_ref().map(|f| format!("{f}: ")).unwrap_or_default();
    let number = sheet.number.as_ref().map(|n| format!("{n} ")).unwrap_or_default();
    format!("{front}{number}{} [{}]", sheet.title, sheet.tlp.label())
}

/// The date of a document, out of its RFC 3339 text.
fn date(at: Time) -> DateTime {
    let text = at.to_string();
    let number = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u16>().ok()).unwrap_or_default();
    let small = |from| u8::try_from(number(from, from + 2)).unwrap_or_default();
    DateTime::new(number(0, 4))
        .month(small(5))
        .day(small(8))
        .hour(small(11))
        .minute(small(14))
        .second(small(17))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// Renders. `id` names the document: notice and version.
pub fn pdf(sheet: &SheetText, paper: Paper, id: &str) -> Result<Vec<u8>, PdfError> {
    let unmade = |e: String| PdfError::Unmade(e);
    let (width, height) = paper.size();
    let mut setter = Setter::new()?;
    // Once, so that titles and bands hold nothing that cannot be set.
    let sheet = &SheetText {
        front: sheet.front.as_ref().map(|f| setter.clean(f)),
        marking: setter.clean(&sheet.marking),
        number: sheet.number.as_ref().map(|n| setter.clean(n)),
        kind: setter.clean(&sheet.kind),
        title: setter.clean(&sheet.title),
        ..sheet.clone()
    };
    let blocks = blocks(sheet, &mut setter, width - 2.0 * SIDE);
    let pages = pages(&blocks, height)?;
    let configuration = ConfigurationBuilder::new()
        .with_version(PdfVersion::Pdf17)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|e| unmade(format!("{e:?}")))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let painter = Painter { s: &setter, sheet, words: PageWords::of(sheet.language), width, height };
    let mut drawn: Vec<Drawn> = Vec::new();
    drawn.resize_with(blocks.len(), Drawn::default);
    let mut outline = Outline::new();
    for (n, lines) in pages.iter().enumerate() {
        let settings = PageSettings::from_wh(width, height).ok_or_else(|| unmade("the paper has no size".into()))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        painter.frame(&mut surface, (n + 1, pages.len()));
        for (b, l, y) in lines {
            let (Some(block), Some(drawn)) = (blocks.get(*b), drawn.get_mut(*b)) else { continue };
            let Some(line) = block.lines.get(*l) else { continue };
            if block.rule && *l == 0 {
                Painter::artifact(&mut surface, ArtifactType::Layout, |s| {
                    Painter::rule(s, (SIDE, width - SIDE), *y - 2.0);
                });
            }
            if *l == 0 && matches!(block.role, Role::Title | Role::Heading) {
                let text = block.lines.iter().filter_map(|l| l.text.as_ref()).map(|r| r.text.as_str()).collect();
                outline.push_child(OutlineNode::new(text, XyzDestination::new(n, Point::from_xy(SIDE, *y))));
            }
            painter.line(&mut surface, block, line, *y, drawn);
        }
        surface.finish();
        page.finish();
    }
    let lang = match sheet.language {
        Language::En => "en",
        Language::Es => "es",
    };
    document.set_outline(outline);
    document.set_tag_tree(tree(sheet, &blocks, drawn, lang));
    document.set_metadata(
        Metadata::new()
            .title(window_title(sheet))
            .description(sheet.marking.clone())
            .authors(if sheet.issuer.is_empty() { Vec::new() } else { vec![sheet.issuer.clone()] })
            .creator("Skypicket".into())
            .language(lang.into())
            .creation_date(date(sheet.at))
            .document_id(id.to_owned()),
    );
    document.finish().map_err(|e| unmade(e.to_string()))
}
