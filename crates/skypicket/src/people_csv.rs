//! People as CSV (RFC 4180, also with `;`): [`Plan::read`] says what a file would change in the directory, line by line,
//! without changing anything; [`write`] is the same table the other way round.
//!
//! Columns, in any order: `id, name, unit, agency, roles, leads, channels, mail, sms, webhook, relay, language, tak_uid,
//! disabled`. A column that is left out keeps what is known; an empty cell of an address takes it away. Lists in a cell are parted by spaces, commas or `|`. `leads` names units with the
//! person's place in their leadership, `a:1 b:2`. A text that a spreadsheet would take for a formula is written with an
//! apostrophe in front, and read without it.

use serde::Serialize;
use skypicket_model::{
    Agency, AgencyId, Channel, Directory, DirectoryChange, Person, PersonId, Role, SourceId, Unit, UnitId,
    people::{Addresses, Language},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Most bytes of a file.
pub const MOST_BYTES: usize = 5_000_000;
/// Most rows of a file.
pub const MOST_ROWS: usize = 50_000;
/// Rows shown of a plan.
pub const MOST_SHOWN: usize = 1_000;

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 14] = [
    "id", "name", "unit", "agency", "roles", "leads", "channels", "mail", "sms", "webhook", "relay", "language",
    "tak_uid", "disabled",
];

/// Every role with its word.
pub const ROLES: [(Role, &str); 8] = [
    (Role::Field, "field"),
    (Role::Watch, "watch"),
    (Role::Analyst, "analyst"),
    (Role::Supervisor, "supervisor"),
    (Role::Integrator, "integrator"),
    (Role::Auditor, "auditor"),
    (Role::Administrator, "administrator"),
    (Role::Device, "device"),
];

/// The word of a role.
pub fn role_word(role: Role) -> &'static str {
    ROLES.iter().find(|(r, _)| *r == role).map_or("", |(_, w)| w)
}

/// The word of a language.
pub fn language_word(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Es => "es",
    }
}

/// What a row would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Nothing: it is refused.
    Refused,
    /// Change somebody.
    Changed,
    /// Add somebody.
    New,
    /// Nothing: all of it is so already.
    Unchanged,
}

/// One field that a row would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Column.
    pub field: &'static str,
    /// As it is.
    pub from: String,
    /// As it would be.
    pub to: String,
}

/// One row of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Line of the file, from 1.
    pub line: u64,
    /// Whose.
    pub id: String,
    /// Their name.
    pub name: String,
    /// What it would do.
    pub does: Does,
    /// Which fields, when somebody would change.
    pub fields: Vec<Difference>,
    /// Why it is refused.
    pub why: Option<String>,
}

/// How many rows do what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Would add somebody.
    pub new: usize,
    /// Would change somebody.
    pub changed: usize,
    /// Would change nothing.
    pub unchanged: usize,
    /// Refused.
    pub refused: usize,
}

/// What a file would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// How many rows do what.
    pub counts: Counts,
    /// The rows that matter most, at most [`MOST_SHOWN`]: refused, changed, new, unchanged.
    pub rows: Vec<Row>,
    /// Rows that are not shown.
    pub more: usize,
    /// Agencies that it would make.
    pub new_agencies: Vec<AgencyId>,
    /// Units that it would make.
    pub new_units: Vec<UnitId>,
    /// What is wrong with the file, or with all of the rows together.
    pub problems: Vec<String>,
    /// What to do, when nothing is refused.
    #[serde(skip)]
    pub changes: Vec<DirectoryChange>,
}

impl Plan {
    /// Whether it may be done.
    pub fn fits(&self) -> bool {
        self.counts.refused == 0 && self.problems.is_empty()
    }

    /// Reads a file. With `create`, agencies and units that are not known are made.
    pub fn read(text: &str, known: &Directory, create: bool) -> Self {
        match Reading::of(text, known, create) {
            Ok(reading) => reading.plan(),
            Err(problem) => Self { problems: vec![problem], ..Self::default() },
        }
    }

    /// What keeps it from being done, in a few lines.
    pub fn refusal(&self) -> String {
        let mut out = String::new();
        for r in self.rows.iter().filter(|r| r.does == Does::Refused).take(20) {
            let _ = writeln!(out, "line {}: {}", r.line, r.why.as_deref().unwrap_or_default());
        }
        if self.counts.refused > 20 {
            let _ = writeln!(out, "and {} more lines", self.counts.refused - 20);
        }
        for p in &self.problems {
            let _ = writeln!(out, "{p}");
        }
        out.trim_end().to_owned()
    }
}

/// Counts lines up to a row; the reader's own count stands before the empty lines in front of it.
struct Lines<'a> {
    text: &'a [u8],
    byte: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of what begins at or after this byte; bytes only go forward.
    fn line(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(b) = self.text.get(self.byte) {
            if self.byte >= from && !matches!(b, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(*b == b'\n');
            self.byte += 1;
        }
        self.line
    }
}

/// A row that could be read.
struct Wanted {
    line: u64,
    person: Person,
    /// Units and places; `None` keeps what is.
    leads: Option<BTreeMap<UnitId, u32>>,
}

struct Reading<'a> {
    known: &'a Directory,
    create: bool,
    /// The directory with the agencies and units that the file makes.
    agencies: BTreeMap<AgencyId, Agency>,
    units: BTreeMap<UnitId, Unit>,
    wanted: Vec<Wanted>,
    refused: Vec<Row>,
    lines: BTreeMap<PersonId, u64>,
}

impl<'a> Reading<'a> {
    fn of(text: &str, known: &'a Directory, create: bool) -> Result<Self, String> {
        if text.len() > MOST_BYTES {
            return Err(format!("The file has {} bytes; at most {MOST_BYTES} are taken.", text.len()));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let head = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
        let count = |c: char| head.matches(c).count();
        let delimiter = if count(';') > count(',') { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let header = match records.next() {
            Some(Ok(h)) => h,
            Some(Err(e)) => return Err(format!("The file is not CSV: {e}.")),
            None => return Err("The file is empty.".into()),
        };
        let columns = columns(&header)?;
        let mut reading = Self {
            known,
            create,
            agencies: BTreeMap::new(),
            units: BTreeMap::new(),
            wanted: Vec::new(),
            refused: Vec::new(),
            lines: BTreeMap::new(),
        };
        let mut at = Lines { text: text.as_bytes(), byte: 0, line: 1 };
        for (n, record) in records.enumerate() {
            if n >= MOST_ROWS {
                return Err(format!("The file has more than {MOST_ROWS} rows: import it in parts."));
            }
            let record = record.map_err(|e| format!("The file is not CSV: {e}."))?;
            if record.iter().all(|c| c.trim().is_empty()) {
                continue;
            }
            let line = at.line(record.position().map_or(0, csv::Position::byte));
            let cells = Cells { columns: &columns, record: &record };
            if let Err(why) = reading.row(line, &cells) {
                let [id, name] = ["id", "name"].map(|c| cells.get(c).unwrap_or_default().chars().take(100).collect());
                let why = Some(why);
                reading.refused.push(Row { line, id, name, does: Does::Refused, fields: Vec::new(), why });
            }
        }
        Ok(reading)
    }

    fn row(&mut self, line: u64, cells: &Cells<'_>) -> Result<(), String> {
        if cells.record.len() != cells.columns.len() {
            return Err(format!("has {} cells, the first line {}", cells.record.len(), cells.columns.len()));
        }
        let id = cells.get("id").unwrap_or_default();
        let id = PersonId::new(&id).map_err(|e| format!("id: {e}"))?;
        if let Some(before) = self.lines.get(&id) {
            return Err(format!("'{id}' stands on line {before}, too"));
        }
        let old = self.known.people.get(&id);
        let unit = self.unit(cells, old)?;
        let person = Person {
            name: match (cells.get("name"), old) {
                (Some(n), _) => n,
                (None, Some(p)) => p.name.clone(),
                (None, None) => return Err("is new and has no name: add the column 'name'".into()),
            },
            roles: match (cells.get("roles"), old) {
                (Some(cell), _) => roles(&cell)?,
                (None, Some(p)) => p.roles.clone(),
                (None, None) => return Err("is new and has no roles: add the column 'roles'".into()),
            },
            channels: match (cells.filled("channels"), old) {
                (Some(cell), _) => channels(&cell)?,
                (None, Some(p)) => p.channels.clone(),
                (None, None) => vec![Channel::Web, Channel::Push, Channel::Tak],
            },
            language: match (cells.filled("language"), old) {
                (Some(cell), _) => language(&cell)?,
                (None, old) => old.map(|p| p.language).unwrap_or_default(),
            },
            tak_uid: match (cells.get("tak_uid"), old) {
                (Some(cell), _) => Some(cell).filter(|c| !c.is_empty()),
                (None, old) => old.and_then(|p| p.tak_uid.clone()),
            },
            disabled: match (cells.get("disabled"), old) {
                (Some(cell), _) => yes_or_no(&cell)?,
                (None, old) => old.is_some_and(|p| p.disabled),
            },
            addresses: addresses(cells, old)?,
            // What they asked for themselves is no column: it stays.
            subscriptions: old.map(|p| p.subscriptions.clone()).unwrap_or_default(),
            unit,
            id: id.clone(),
        };
        if let [first, ..] = person.problems().as_slice() {
            let named = format!("person '{id}': ");
            return Err(first.strip_prefix(&named).unwrap_or(first).to_owned());
        }
        let leads = cells.get("leads").map(|c| leads(&c)).transpose()?;
        for unit in leads.iter().flat_map(BTreeMap::keys) {
            if !self.known.units.contains_key(unit) && !self.units.contains_key(unit) {
                // A unit may be made by a later row; whether it was is seen at the end.
                if !self.create {
                    return Err(format!("leads: there is no unit '{unit}'"));
                }
            }
        }
        self.lines.insert(id, line);
        self.wanted.push(Wanted { line, person, leads });
        Ok(())
    }

    /// The row's unit; made when it is new and that is allowed.
    fn unit(&mut self, cells: &Cells<'_>, old: Option<&Person>) -> Result<UnitId, String> {
        let unit = match (cells.get("unit"), old) {
            (Some(cell), _) => UnitId::new(&cell).map_err(|e| format!("unit: {e}"))?,
            (None, Some(p)) => p.unit.clone(),
            (None, None) => return Err("is new and has no unit: add the column 'unit'".into()),
        };
        let agency =
            cells.filled("agency").map(|c| AgencyId::new(&c).map_err(|e| format!("agency: {e}"))).transpose()?;
        if let Some(u) = self.known.units.get(&unit).or_else(|| self.units.get(&unit)) {
            return match agency {
                Some(a) if a != u.agency => Err(format!("unit '{unit}' is in agency '{}', not in '{a}'", u.agency)),
                _ => Ok(unit),
            };
        }
        if !self.create {
            return Err(format!(
                "there is no unit '{unit}': add it first, or allow the import to make new units (`--create`)"
            ));
        }
        let Some(agency) = agency else {
            return Err(format!("unit '{unit}' is new: say in the column 'agency' whose it is"));
        };
        if !self.known.agencies.contains_key(&agency) {
            let new = Agency { id: agency.clone(), name: agency.to_string() };
            self.agencies.entry(agency.clone()).or_insert(new);
        }
        let new = Unit { id: unit.clone(), name: unit.to_string(), agency, leadership: Vec::new() };
        self.units.insert(unit.clone(), new);
        Ok(unit)
    }

    /// The leadership of each unit that it changes; rows that ask for the same place, or a unit that is none, are
    /// refused.
    fn leadership(&mut self) -> BTreeMap<UnitId, Vec<PersonId>> {
        let mut places: BTreeMap<UnitId, BTreeMap<PersonId, u32>> = BTreeMap::new();
        for u in self.known.units.values() {
            let kept = (1..).zip(&u.leadership).map(|(place, p)| (p.clone(), place)).collect();
            places.insert(u.id.clone(), kept);
        }
        let mut taken: BTreeMap<(UnitId, u32), u64> = BTreeMap::new();
        let mut refused = Vec::new();
        for w in &self.wanted {
            let Some(leads) = &w.leads else { continue };
            for kept in places.values_mut() {
                kept.remove(&w.person.id);
            }
            for (unit, place) in leads {
                if !self.known.units.contains_key(unit) && !self.units.contains_key(unit) {
                    refused.push((w.line, format!("leads: there is no unit '{unit}'")));
                } else if let Some(other) = taken.insert((unit.clone(), *place), w.line) {
                    refused.push((w.line, format!("leads: line {other} has place {place} of unit '{unit}', too")));
                } else {
                    places.entry(unit.clone()).or_default().insert(w.person.id.clone(), *place);
                }
            }
        }
        for (line, why) in refused {
            self.refuse(line, why);
        }
        let named: BTreeSet<&PersonId> =
            self.wanted.iter().filter(|w| w.leads.is_some()).map(|w| &w.person.id).collect();
        places
            .into_iter()
            .map(|(unit, people)| {
                let mut order: Vec<(u32, bool, PersonId)> =
                    people.into_iter().map(|(p, place)| (place, !named.contains(&p), p)).collect();
                // Whom the file names comes before whoever held the place and is not in the file.
                order.sort();
                (unit, order.into_iter().map(|(_, _, p)| p).collect())
            })
            .collect()
    }

    fn refuse(&mut self, line: u64, why: String) {
        let Some(k) = self.wanted.iter().position(|w| w.line == line) else { return };
        let w = self.wanted.remove(k);
        let (id, name) = (w.person.id.to_string(), w.person.name);
        self.refused.push(Row { line, id, name, does: Does::Refused, fields: Vec::new(), why: Some(why) });
    }

    fn plan(mut self) -> Plan {
        let leadership = self.leadership();
        let before = leads_of_all(self.known.units.values().map(|u| (&u.id, u.leadership.as_slice())));
        let after = leads_of_all(leadership.iter().map(|(u, l)| (u, l.as_slice())));
        let mut plan = Plan {
            new_agencies: self.agencies.keys().cloned().collect(),
            new_units: self.units.keys().cloned().collect(),
            ..Plan::default()
        };
        let mut rows = std::mem::take(&mut self.refused);
        let mut people = Vec::new();
        for w in self.wanted {
            let none = String::new();
            let led = |all: &BTreeMap<&PersonId, String>| all.get(&w.person.id).unwrap_or(&none).clone();
            let (id, name) = (w.person.id.to_string(), w.person.name.clone());
            let (does, fields) = match self.known.people.get(&w.person.id) {
                None => (Does::New, Vec::new()),
                Some(old) => {
                    let mut fields = differences(old, &w.person);
                    if led(&before) != led(&after) {
                        fields.push(Difference { field: "leads", from: led(&before), to: led(&after) });
                    }
                    (if fields.is_empty() { Does::Unchanged } else { Does::Changed }, fields)
                }
            };
            if self.known.people.get(&w.person.id) != Some(&w.person) {
                people.push(DirectoryChange::PutPerson { person: w.person });
            }
            rows.push(Row { line: w.line, id, name, does, fields, why: None });
        }
        for r in &rows {
            match r.does {
                Does::New => plan.counts.new += 1,
                Does::Changed => plan.counts.changed += 1,
                Does::Unchanged => plan.counts.unchanged += 1,
                Does::Refused => plan.counts.refused += 1,
            }
        }
        rows.sort_by_key(|r| (r.does, r.line));
        plan.more = rows.len().saturating_sub(MOST_SHOWN);
        rows.truncate(MOST_SHOWN);
        plan.rows = rows;
        // New units come before their people, leadership after them.
        let mut changes: Vec<DirectoryChange> =
            self.agencies.into_values().map(|agency| DirectoryChange::PutAgency { agency }).collect();
        changes.extend(self.units.values().cloned().map(|unit| DirectoryChange::PutUnit { unit }));
        changes.append(&mut people);
        for (id, chain) in leadership {
            let Some(unit) = self.known.units.get(&id).or_else(|| self.units.get(&id)) else { continue };
            if unit.leadership != chain {
                changes.push(DirectoryChange::PutUnit { unit: Unit { leadership: chain, ..unit.clone() } });
            }
        }
        if plan.counts.refused == 0
            && !changes.is_empty()
            && let Err(problems) = self.known.changed(&changes)
        {
            plan.problems = problems;
        }
        plan.changes = changes;
        plan
    }
}

/// What everybody leads, as a cell.
fn leads_of_all<'a>(units: impl Iterator<Item = (&'a UnitId, &'a [PersonId])>) -> BTreeMap<&'a PersonId, String> {
    let mut all: BTreeMap<&PersonId, String> = BTreeMap::new();
    for (unit, chain) in units {
        for (place, p) in (1..).zip(chain) {
            let cell = all.entry(p).or_default();
            let space = if cell.is_empty() { "" } else { " " };
            let _ = write!(cell, "{space}{unit}:{place}");
        }
    }
    all
}

fn differences(old: &Person, new: &Person) -> Vec<Difference> {
    let (a, b) = (cells(old), cells(new));
    let all = PERSON_COLUMNS.iter().zip(a.into_iter().zip(b));
    all.filter(|(_, (a, b))| a != b).map(|(field, (from, to))| Difference { field, from, to }).collect()
}

/// The columns that are a person's own.
const PERSON_COLUMNS: [&str; 11] =
    ["name", "unit", "roles", "channels", "mail", "sms", "webhook", "relay", "language", "tak_uid", "disabled"];

/// A person as those columns.
fn cells(p: &Person) -> [String; 11] {
    let join = |words: Vec<&str>| words.join(" ");
    let address = |c: Channel| p.addresses.of(c).unwrap_or_default().to_owned();
    [
        p.name.clone(),
        p.unit.to_string(),
        join(p.roles.iter().map(|r| role_word(*r)).collect()),
        if p.channels.is_empty() { "none".into() } else { join(p.channels.iter().map(|c| c.word()).collect()) },
        address(Channel::Mail),
        address(Channel::Sms),
        address(Channel::Webhook),
        address(Channel::Relay),
        language_word(p.language).into(),
        p.tak_uid.clone().unwrap_or_default(),
        if p.disabled { "yes".into() } else { "no".into() },
    ]
}

struct Cells<'a> {
    columns: &'a [&'static str],
    record: &'a csv::StringRecord,
}

impl Cells<'_> {
    /// A cell; `None` when the file has no such column.
    fn get(&self, column: &str) -> Option<String> {
        let k = self.columns.iter().position(|c| *c == column)?;
        Some(plain(self.record.get(k).unwrap_or_default().trim()).to_owned())
    }

    /// A cell with something in it.
    fn filled(&self, column: &str) -> Option<String> {
        self.get(column).filter(|c| !c.is_empty())
    }
}

fn columns(header: &csv::StringRecord) -> Result<Vec<&'static str>, String> {
    let mut found = Vec::new();
    for name in header {
        let name = name.trim().to_lowercase();
        let Some(column) = COLUMNS.iter().find(|c| **c == name) else {
            let name: String = name.chars().take(40).collect();
            return Err(format!("The first line names a column '{name}'; known are {}.", COLUMNS.join(", ")));
        };
        if found.contains(column) {
            return Err(format!("The first line names the column '{column}' twice."));
        }
        found.push(*column);
    }
    if !found.contains(&"id") {
        return Err(format!(
            "The first line must name the columns, 'id' among them; known are {}.",
            COLUMNS.join(", ")
        ));
    }
    Ok(found)
}

/// Words of a list in a cell.
fn words(cell: &str) -> impl Iterator<Item = String> {
    cell.split([' ', '\t', '|', ',', '/']).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

fn roles(cell: &str) -> Result<BTreeSet<Role>, String> {
    let one = |w: String| {
        let role = ROLES.iter().find(|(_, word)| *word == w).map(|(role, _)| *role);
        role.ok_or_else(|| {
            let known: Vec<&str> = ROLES.iter().map(|(_, w)| *w).collect();
            format!("roles: there is no role '{w}'; known are {}", known.join(", "))
        })
    };
    words(cell).map(one).collect()
}

/// Where a row's person is reached.
fn addresses(cells: &Cells<'_>, old: Option<&Person>) -> Result<Addresses, String> {
    let before = old.map(|p| p.addresses.clone()).unwrap_or_default();
    let of_config = |column: &str, before: Option<SourceId>| match cells.get(column) {
        None => Ok(before),
        Some(cell) if cell.is_empty() => Ok(None),
        Some(cell) => SourceId::new(&cell).map(Some).map_err(|e| format!("{column}: {e}")),
    };
    let typed = |column: &str, before: Option<String>| match cells.get(column) {
        None => before,
        Some(cell) => Some(cell).filter(|c| !c.is_empty()),
    };
    Ok(Addresses {
        mail: typed("mail", before.mail),
        sms: typed("sms", before.sms),
        webhook: of_config("webhook", before.webhook)?,
        relay: of_config("relay", before.relay)?,
    })
}

fn known_channels() -> String {
    Channel::ALL.map(Channel::word).join(", ")
}

fn channels(cell: &str) -> Result<Vec<Channel>, String> {
    if cell.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    let one = |w: String| {
        let channel = Channel::ALL.into_iter().find(|c| c.word() == w);
        channel.ok_or_else(|| format!("channels: there is no channel '{w}'; known are {}, or none", known_channels()))
    };
    words(cell).map(one).collect()
}

fn language(cell: &str) -> Result<Language, String> {
    match cell.to_lowercase().as_str() {
        "en" => Ok(Language::En),
        "es" => Ok(Language::Es),
        other => Err(format!("language: '{other}' is neither en nor es")),
    }
}

fn yes_or_no(cell: &str) -> Result<bool, String> {
    match cell.to_lowercase().as_str() {
        "" | "no" | "false" | "0" => Ok(false),
        "yes" | "true" | "1" => Ok(true),
        other => Err(format!("disabled: '{other}' is neither yes nor no")),
    }
}

fn leads(cell: &str) -> Result<BTreeMap<UnitId, u32>, String> {
    let mut out = BTreeMap::new();
    for w in words(cell) {
        let (unit, place) = w.split_once(':').unwrap_or((&w, "1"));
        let unit = UnitId::new(unit).map_err(|e| format!("leads: {e}"))?;
        let place = place.parse::<u32>().ok().filter(|p| (1..=50).contains(p));
        let Some(place) = place else { return Err(format!("leads: '{w}': the place must be 1 to 50, as in a:1")) };
        if out.insert(unit.clone(), place).is_some() {
            return Err(format!("leads: unit '{unit}' stands in it twice"));
        }
    }
    Ok(out)
}

/// What a spreadsheet would run instead of show.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\''])
}

/// Without the apostrophe that keeps a spreadsheet from running it.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(cell)
}

/// So that no spreadsheet runs it, and so that it is one cell.
pub(crate) fn cell(text: &str) -> String {
    let guarded = if is_formula(text) { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', ';', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

/// Everybody, as the import takes them.
pub fn write(directory: &Directory, addresses: bool) -> String {
    let leads = leads_of_all(directory.units.values().map(|u| (&u.id, u.leadership.as_slice())));
    let shown = |column: &str| addresses || !["mail", "sms", "webhook", "relay"].contains(&column);
    let mut out = COLUMNS.into_iter().filter(|c| shown(c)).collect::<Vec<_>>().join(",");
    out.push_str("\r\n");
    for p in directory.people.values() {
        let [name, unit, roles, channels, mail, sms, webhook, relay, language, tak_uid, disabled] = cells(p);
        let agency = directory.agency_of(&p.id).map(ToString::to_string).unwrap_or_default();
        let leads = leads.get(&p.id).cloned().unwrap_or_default();
        let id = p.id.to_string();
        let row =
            [id, name, unit, agency, roles, leads, channels, mail, sms, webhook, relay, language, tak_uid, disabled];
        let row: Vec<String> =
            COLUMNS.iter().zip(&row).filter(|(column, _)| shown(column)).map(|(_, c)| cell(c)).collect();
        let _ = write!(out, "{}\r\n", row.join(","));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known() -> Directory {
        let text = "id,name,unit,agency,roles,leads\nadmin,Admin,centre,north,administrator,\nlead,Lead,a,north,field supervisor,a:1\n\
             agent,Agent,a,north,field,\n";
        let plan = Plan::read(text, &Directory::default(), true);
        assert!(plan.fits(), "{plan:?}");
        Directory::default().changed(&plan.changes).unwrap()
    }

    fn one(text: &str) -> (Does, String) {
        let plan = Plan::read(text, &known(), false);
        let Some(r) = plan.rows.first() else { return (Does::Refused, plan.problems.join("\n")) };
        let fields: Vec<String> = r.fields.iter().map(|f| format!("{}: {} > {}", f.field, f.from, f.to)).collect();
        (r.does, r.why.clone().unwrap_or_else(|| fields.join(", ")))
    }

    #[test]
    fn each_row_is_new_changed_unchanged_or_refused_with_its_reason() {
        let h = "id,name,unit,agency,roles,leads,channels,language,tak_uid,disabled\n";
        for (row, does, says) in [
            ("agent,Agent,a,north,field,,web push tak,en,,no", Does::Unchanged, ""),
            ("agent,Agent 1,a,north,field,,,,,", Does::Changed, "name: Agent > Agent 1"),
            ("agent,Agent,a,,Field|WATCH,,,,,", Does::Changed, "roles: field > field watch"),
            (
                "agent,Agent,a,,field,,tak web,es,TAK-1,yes",
                Does::Changed,
                "channels: web push tak > tak web, language: en > es, tak_uid:  > TAK-1, disabled: no > yes",
            ),
            ("agent,Agent,a,,field,,none,,,", Does::Changed, "channels: web push tak > none"),
            ("agent,Agent,a,,field,a:1,,,,", Does::Changed, "leads:  > a:1"),
            ("lead,Lead,a,,field supervisor,,,,,", Does::Changed, "leads: a:1 > "),
            ("new,New,a,,field,,,,,", Does::New, ""),
            ("new,New,b,,field,,,,,", Does::Refused, "there is no unit 'b'"),
            ("new,New,a,south,field,,,,,", Does::Refused, "unit 'a' is in agency 'north', not in 'south'"),
            ("New,New,a,,field,,,,,", Does::Refused, "id: 'New' is not a configured name"),
            ("new,,a,,field,,,,,", Does::Refused, "name: is empty"),
            ("new,New,a,,boss,,,,,", Does::Refused, "there is no role 'boss'; known are field, watch"),
            ("new,New,a,,,,,,,", Does::Refused, "roles: none is given"),
            ("new,New,a,,field,,fax,,,", Does::Refused, "there is no channel 'fax'"),
            ("new,New,a,,field,,web web,,,", Does::Refused, "channels: one stands in it twice"),
            ("new,New,a,,field,,,fr,,", Does::Refused, "'fr' is neither en nor es"),
            ("new,New,a,,field,,,,,perhaps", Does::Refused, "'perhaps' is neither yes nor no"),
            ("new,New,a,,field,a:0,,,,", Does::Refused, "the place must be 1 to 50"),
            ("new,New,a,,field,zoo:1,,,,", Does::Refused, "leads: there is no unit 'zoo'"),
            ("new,New,a", Does::Refused, "has 3 cells, the first line 10"),
            ("new,\"New, the \"\"second\"\"\",a,,field,,,,,", Does::New, ""),
        ] {
            let (did, said) = one(&format!("{h}{row}\n"));
            assert_eq!(did, does, "{row}: {said}");
            assert!(said.contains(says) && (does == Does::Refused || said == says), "{row}: {said}");
        }
    }

    #[test]
    fn files_as_spreadsheets_write_them_are_read_and_others_refused_as_a_whole() {
        let semicolons =
            "\u{feff}id;name;unit;roles\r\nagent;Agent;a;field\r\n\r\n;;;\r\nnew;\"A;b\";a;field,watch\r\n";
        let plan = Plan::read(semicolons, &known(), false);
        assert_eq!(plan.counts, Counts { unchanged: 1, new: 1, ..Counts::default() }, "{plan:?}");
        assert_eq!((plan.rows[0].line, plan.rows[0].name.as_str()), (5, "A;b"));
        for (text, says) in [
            ("", "is empty"),
            ("name,unit\nx,y\n", "'id' among them"),
            ("id,nmae\nx,y\n", "a column 'nmae'; known are id, name"),
            ("id,id\nx,y\n", "twice"),
            (&format!("id\n{}", "agent\n".repeat(MOST_ROWS + 1)), "more than 50000 rows"),
            (&" ".repeat(MOST_BYTES + 1), "at most 5000000"),
        ] {
            let plan = Plan::read(text, &known(), true);
            assert!(!plan.fits() && plan.problems.join("\n").contains(says), "{says}: {:?}", plan.problems);
        }
        let twice = Plan::read("id\nagent\nagent\n", &known(), false);
        assert_eq!(twice.rows[0].why.as_deref(), Some("'agent' stands on line 2, too"));
        assert_eq!(twice.rows[0].line, 3);
    }

    #[test]
    fn new_units_and_agencies_are_made_only_when_that_is_asked_for() {
        let text = "id,name,unit,agency,roles,leads\np1,P,b,south,field,\np2,P,b,south,supervisor,b:1 a:1\n";
        assert_eq!(Plan::read(text, &known(), false).counts.refused, 2);
        let plan = Plan::read(text, &known(), true);
        assert!(plan.fits(), "{plan:?}");
        assert_eq!((plan.new_units.len(), plan.new_agencies.len(), plan.counts.new), (1, 1, 2));
        let next = known().changed(&plan.changes).unwrap();
        let chain = |d: &Directory, u: &str| {
            d.units[&UnitId::new(u).unwrap()].leadership.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!((chain(&next, "b"), chain(&next, "a")), (vec!["p2".into()], vec!["p2".into(), "lead".into()]));
        let clash = "id,name,unit,roles,leads\np1,P,a,field,a:1\np2,P,a,field,a:1\n";
        let plan = Plan::read(clash, &known(), false);
        assert_eq!(plan.rows[0].why.as_deref(), Some("leads: line 2 has place 1 of unit 'a', too"));
    }

    #[test]
    fn what_does_not_fit_as_a_whole_is_told_before_anything_is_done() {
        let plan = Plan::read("id,disabled\nadmin,yes\n", &known(), false);
        assert!(!plan.fits() && plan.refusal().contains("last administrator"), "{plan:?}");
        assert_eq!(plan.counts.changed, 1);
    }

    #[test]
    fn addresses_are_set_kept_and_taken_away_by_their_columns_and_written_only_for_who_may_see_them() {
        let one = |d: &Directory, text: &str| {
            let plan = Plan::read(text, d, false);
            assert!(plan.fits(), "{plan:?}");
            d.changed(&plan.changes).unwrap()
        };
        let of = |d: &Directory| d.people[&PersonId::new("agent").unwrap()].addresses.clone();
        let d = one(&known(), "id,mail,sms,relay\nagent,a@example.org,'+19155550123,siren\n");
        let said = of(&d);
        assert_eq!((said.mail.as_deref(), said.sms.as_deref()), (Some("a@example.org"), Some("+19155550123")));
        assert_eq!(of(&one(&d, "id,name\nagent,New\n")), said, "no column keeps what is");
        let less = of(&one(&d, "id,mail,sms\nagent,,+19155550124\n"));
        assert_eq!((less.mail, less.sms.as_deref()), (None, Some("+19155550124")));
        let bad = Plan::read("id,sms\nagent,911\n", &d, false);
        assert!(bad.refusal().contains("E.164"), "{}", bad.refusal());
        let (whole, bare) = (write(&d, true), write(&d, false));
        assert!(whole.contains("a@example.org") && whole.contains("'+19155550123"), "{whole}");
        assert!(!bare.contains("example.org") && !bare.contains("9155550123") && !bare.contains("mail"), "{bare}");
        assert_eq!(Plan::read(&bare, &d, false).counts.unchanged, d.people.len(), "and read again it changes nothing");
    }

    #[test]
    fn no_cell_that_is_written_is_run_by_a_spreadsheet() {
        let mut d = known();
        for (k, name) in ["=1+1", "+1", "-1", "@x", "'=1", "'a", "a;b", "a,\"b\""].iter().enumerate() {
            let id = PersonId::new(&format!("n{k}")).unwrap();
            let agent = d.people[&PersonId::new("agent").unwrap()].clone();
            d.people.insert(id.clone(), Person { id, name: (*name).into(), ..agent });
        }
        let text = write(&d, true);
        for line in text.lines().skip(1) {
            for c in csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes()).records().flatten() {
                assert!(c.iter().all(|c| !c.starts_with(['=', '+', '-', '@'])), "{line}");
            }
        }
        let again = Plan::read(&text, &d, false);
        assert_eq!(again.counts, Counts { unchanged: d.people.len(), ..Counts::default() }, "{again:?}");
    }

    proptest! {
        /// Whatever text there is, reading it neither panics nor plans what the directory would refuse.
        #[test]
        fn any_text_at_all_is_read_or_refused(text in "(id|name|unit|roles|[a-z,;\"\r\n =']|\u{feff}|é){0,60}", create: bool) {
            let d = known();
            let plan = Plan::read(&text, &d, create);
            if plan.fits() && !plan.changes.is_empty() {
                prop_assert!(d.changed(&plan.changes).is_ok());
            }
        }

        /// What is written is read as the same, whatever people are called.
        #[test]
        fn what_is_written_is_read_back_unchanged(
            people in prop::collection::btree_map("[a-z0-9][a-z0-9._-]{0,8}", ("[ -~é]{0,12}[!-~]", any::<[bool; 6]>()), 1..12)
        ) {
            let mut d = known();
            for (id, (name, bits)) in people {
                let id = PersonId::new(&id).unwrap();
                let roles: BTreeSet<Role> =
                    ROLES.iter().zip(bits).filter(|(_, b)| *b).map(|((r, _), _)| *r).chain([Role::Field]).collect();
                let tak_uid = bits[0].then(|| format!("=uid-{id}"));
                let channels = if bits[1] { vec![Channel::Tak] } else { Vec::new() };
                let language = if bits[2] { Language::Es } else { Language::En };
                let unit = UnitId::new("a").unwrap();
                if bits[3] && id.as_str() != "lead" {
                    d.units.get_mut(&unit).unwrap().leadership.push(id.clone());
                }
                let addresses = Addresses {
                    mail: bits[5].then(|| format!("{id}@example.org")),
                    sms: bits[0].then(|| "+19155550123".to_owned()),
                    webhook: None,
                    relay: bits[4].then(|| SourceId::new("siren").unwrap()),
                };
                let name = name.trim().to_owned();
                d.people.insert(id.clone(), Person {
                    id, name, unit, roles, channels, addresses, subscriptions: Vec::new(), tak_uid, language, disabled: bits[4],
                });
            }
            let plan = Plan::read(&write(&d, true), &d, false);
            prop_assert_eq!(plan.counts.unchanged, d.people.len(), "{:?}", plan.rows);
            prop_assert!(plan.changes.is_empty());
            // And into a new centre, all of it.
            let empty = Plan::read(&write(&d, true), &Directory::default(), true);
            prop_assert_eq!(empty.counts.new, d.people.len());
            if let Ok(made) = Directory::default().changed(&empty.changes) {
                prop_assert_eq!(&made.people, &d.people);
            }
        }
    }
}
