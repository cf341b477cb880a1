//! [`Layer`]: the files of one library folder, read and checked; [`Problem`], what is wrong in one of them and where.

use super::{
    Library,
    files::{Areas, FORMAT, MeasureText, Measures, NamedArea, Template, Wording},
};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, fmt, io::Read, path::Path};

/// Most files in one folder.
const MOST_FILES: usize = 500;
/// Most bytes of a file.
const MOST_BYTES: u64 = 256 << 10;

/// What is wrong in a file, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// A file's name and text.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: String,
}

impl Source {
    /// A problem at the line of the key or table `near`; else at the first that holds it and is no comment; else at the
    /// first line.
    pub(super) fn problem(&self, near: &str, message: impl Into<String>) -> Problem {
        let starts = [format!("[{near}]"), format!("[[{near}]]"), format!("{near} =")];
        let names = |l: &str| starts.iter().any(|s| l.trim_start().starts_with(s.as_str()));
        let holds = |l: &str| !near.is_empty() && !l.trim_start().starts_with('#') && l.contains(near);
        let line = self.text.lines().position(names).or_else(|| self.text.lines().position(holds));
        let line = line.map_or(1, |k| k + 1);
        Problem { file: self.file.clone(), line, message: message.into() }
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(&self.text).map_err(|e| {
            let before = e.span().map_or(0, |s| s.start);
            let line = self.text.bytes().take(before).filter(|b| *b == b'\n').count() + 1;
            Problem { file: self.file.clone(), line, message: crate::config::with_suggestion(e.message()) }
        })
    }
}

/// One entry and the file that it is from.
#[derive(Debug, Clone)]
pub(super) struct Kept<T> {
    pub(super) item: T,
    pub(super) source: usize,
}

/// The entries of one or several folders, by name.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) sources: Vec<Source>,
    pub(super) measures: BTreeMap<String, Kept<MeasureText>>,
    pub(super) templates: BTreeMap<String, Kept<Template>>,
    pub(super) agencies: BTreeMap<String, Kept<Wording>>,
    pub(super) areas: BTreeMap<String, Kept<NamedArea>>,
}

impl Layer {
    /// From names within a folder and texts; `shown` is put before a name in messages.
    pub(super) fn of(shown: &str, files: Vec<(String, String)>, problems: &mut Vec<Problem>) -> Self {
        let mut layer = Self::default();
        for (name, text) in files {
            let source = Source { file: format!("{shown}/{name}"), text };
            if let Err(p) = layer.take(&name, &source, problems) {
                problems.push(p);
            }
            layer.sources.push(source);
        }
        layer
    }

    fn take(&mut self, name: &str, source: &Source, problems: &mut Vec<Problem>) -> Result<(), Problem> {
        let k = self.sources.len();
        let twice = |id: &str| source.problem(&format!("\"{id}\""), format!("'{id}' is there twice: give another id"));
        let format = |n: u32| {
            let message = format!("format is {n}: this program reads {FORMAT}");
            if n == FORMAT { Ok(()) } else { Err(source.problem("format", message)) }
        };
        if name == "measures.toml" {
            let file: Measures = source.parse()?;
            format(file.format)?;
            for m in file.measure {
                let id = m.id.clone();
                if self.measures.insert(id.clone(), Kept { item: m, source: k }).is_some() {
                    problems.push(twice(&id));
                }
            }
        } else if name == "areas.toml" {
            let file: Areas = source.parse()?;
            format(file.format)?;
            for a in file.area {
                let id = a.id.clone();
                if self.areas.insert(id.clone(), Kept { item: a, source: k }).is_some() {
                    problems.push(twice(&id));
                }
            }
        } else if name.starts_with("templates/") {
            let item: Template = source.parse()?;
            format(item.format)?;
            let id = item.id.clone();
            if self.templates.insert(id.clone(), Kept { item, source: k }).is_some() {
                return Err(twice(&id));
            }
        } else if name.starts_with("agencies/") {
            let item: Wording = source.parse()?;
            format(item.format)?;
            let id = item.id.clone();
            if self.agencies.insert(id.clone(), Kept { item, source: k }).is_some() {
                return Err(twice(&id));
            }
        } else {
            let message = "no file of a library: there are measures.toml, areas.toml, and what stands in templates/ and agencies/";
            return Err(source.problem("", message));
        }
        Ok(())
    }

    /// Another folder's entries take the place of those with the same name.
    pub(super) fn over(mut self, above: Self, problems: &mut Vec<Problem>) -> Self {
        let offset = self.sources.len();
        macro_rules! put {
            ($which:ident) => {
                for (id, kept) in above.$which {
                    let before = self.$which.get(&id).map(|b| &b.item);
                    if before.is_some_and(|b| b.version == kept.item.version && *b != kept.item) {
                        let (source, n) = (above.sources.get(kept.source), kept.item.version);
                        problems.extend(source.map(|s| s.problem("version", format!(
                            "'{id}' version {n} has other words in the library that comes with the program: give it another version"
                        ))));
                    }
                    self.$which.insert(id, Kept { source: kept.source + offset, ..kept });
                }
            };
        }
        put!(measures);
        put!(templates);
        put!(agencies);
        put!(areas);
        self.sources.extend(above.sources);
        self
    }
}

/// A problem of a whole file or folder.
fn wrong(path: &Path, message: String) -> Problem {
    Problem { file: path.display().to_string(), line: 1, message }
}

/// A file's text, no more of it than [`MOST_BYTES`], whatever its name says that it is.
fn text_of(file: &Path) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    #[allow(clippy::disallowed_methods)] // bounded by `take`
    std::fs::File::open(file)
        .and_then(|f| f.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|e| wrong(file, format!("it cannot be read: {e}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(wrong(file, format!("over {MOST_BYTES} bytes: give at most so many")));
    }
    String::from_utf8(bytes).map_err(|_| wrong(file, "it is not UTF-8 text".to_owned()))
}

/// The library's files in a folder: names within it, and texts.
pub(super) fn read(folder: &Path) -> Result<Vec<(String, String)>, Problem> {
    let mut files = Vec::new();
    for within in ["", "templates", "agencies"] {
        let path = folder.join(within);
        let listed = match std::fs::read_dir(&path) {
            Ok(l) => l,
            Err(e) if !within.is_empty() && e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(wrong(&path, format!("this folder cannot be read: {e}"))),
        };
        for entry in listed {
            let file = entry.map_err(|e| wrong(&path, e.to_string()))?.path();
            if file.extension().is_none_or(|e| e != "toml") {
                continue;
            }
            if files.len() >= MOST_FILES {
                return Err(wrong(&path, format!("more than {MOST_FILES} files: take some away")));
            }
            let text = text_of(&file)?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((if within.is_empty() { name } else { format!("{within}/{name}") }, text));
        }
    }
    // A folder has no order: messages have one.
    files.sort();
    Ok(files)
}

impl Library {
    /// What comes with the program, with the entries of `folder` added or in the place of those of the same name.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut layer = Layer::of("library", super::embedded(), &mut problems);
        if let Some(folder) = folder {
            match read(folder) {
                Ok(files) => {
                    let above = Layer::of(&folder.display().to_string(), files, &mut problems);
                    layer = layer.over(above, &mut problems);
                }
                Err(p) => problems.push(p),
            }
        }
        // One thing after the other: what does not parse would be missed everywhere.
        if problems.is_empty() {
            let library = Self::of(&layer);
            problems = super::check::problems(&layer, &library);
            if problems.is_empty() {
                return Ok(library);
            }
        }
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Err(problems)
    }

    fn of(layer: &Layer) -> Self {
        Self {
            measures: layer.measures.iter().map(|(id, k)| (id.clone(), k.item.clone())).collect(),
            templates: layer.templates.iter().map(|(id, k)| (id.clone(), k.item.clone())).collect(),
            agencies: layer.agencies.iter().map(|(id, k)| (id.clone(), k.item.clone())).collect(),
            areas: layer.areas.iter().map(|(id, k)| (id.clone(), k.item.clone())).collect(),
        }
    }
}
