//! [`Log`]: the dissemination log of a notice as a file, JSON lines or CSV: for each person on each version's list by
//! which rule they are on it, over what it was tried when and what came of that, and what they did. No address and no
//! place stands in it.

use crate::{
    board::{BoardNotice, Scope},
    checklists::Checklists,
    people_csv,
    views::name_of,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skypicket_model::{AgencyId, Channel, Directory, Notice, PersonId, Reached, Time};
use skypicket_record::{DeliveryTimes, DisseminationRow, MeasuresRow};
use std::collections::BTreeMap;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// RFC 4180, for spreadsheets.
    Csv,
    /// One JSON object a line: the notice, everybody, and a summary by which one knows that it is whole.
    Jsonl,
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl; charset=utf-8",
        }
    }

    /// How its files' names end, and how it is called in a query.
    pub fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// A version that a partner's system fetched from the CAP feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Which version.
    pub version: u32,
    /// Not the version itself, but that the agency is no longer released what came before it.
    pub withdrawal: bool,
    /// As whom the audit names the partner.
    pub reader: PersonId,
    /// For which agency it reads.
    pub agency: AgencyId,
    /// Id of its token.
    pub token: String,
    /// When, the first time.
    pub at: Time,
}

/// How many of a version's list did what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
struct Sum {
    version: u32,
    recipients: u32,
    delivered: u32,
    acknowledged: u32,
    measures: BTreeMap<String, u32>,
}

/// A log while it is written.
pub struct Log {
    format: Format,
    head: BoardNotice,
    number: Option<String>,
    versions: Vec<Value>,
    checklists: Checklists,
    sums: BTreeMap<u32, Sum>,
    partners: u32,
    /// Partners that were told that they are no longer released it: nothing was delivered by that.
    withdrawals: u32,
}

/// How far a version came to whom was told only that it is not released to them.
const WITHDRAWAL: &str = "withdrawal";

/// Columns of the CSV before those of the measures.
const COLUMNS: [&str; 32] = [
    "notice",
    "number",
    "marking",
    "exercise",
    "version",
    "person",
    "name",
    "unit",
    "agency",
    "rule",
    "reached",
    "channels",
    "attempts",
    "first_at",
    "last_at",
    "delivered_at",
    "shown_at",
    "trouble",
    "may_repeat",
    "reminders",
    "acknowledged_at",
    "acknowledged_via",
    "acknowledged_by",
    "lapsed_at",
    "call",
    "called_by",
    "called_at",
    "escalated_at",
    "escalated_to",
    "silent_at",
    "measures_at",
    "measures",
];

impl Log {
    /// Of a notice with all its versions, the oldest first; `None` when there are none.
    pub fn new(format: Format, directory: &Directory, scope: &Scope, versions: &[Notice]) -> Option<Self> {
        let newest = versions.last()?;
        let version = |n: &Notice| {
            json!({
                "version": n.version, "state": n.state, "level": n.level, "at": n.at, "needs_ack": n.needs_ack,
                "marking": n.marking, "measures": crate::checklists::names_of(n),
            })
        };
        Some(Self {
            format,
            head: BoardNotice::of(directory, scope, newest),
            number: newest.bulletin().and_then(|b| b.number.clone()),
            versions: versions.iter().map(version).collect(),
            checklists: Checklists::of(versions),
            sums: versions.iter().map(|n| (n.version, Sum { version: n.version, ..Sum::default() })).collect(),
            partners: 0,
            withdrawals: 0,
        })
    }

    /// What the file is called.
    pub fn file_name(&self) -> String {
        let exercise = self.head.exercise.as_ref().map(|_| "exercise-").unwrap_or_default();
        let named = self.number.clone().unwrap_or_else(|| self.head.id.to_string());
        format!("skypicket-{exercise}{named}-dissemination.{}", self.format.word())
    }

    /// What stands before everybody: of which notice it is, who asked for it and when.
    pub fn begin(&self, by: &PersonId, now: Time) -> String {
        match self.format {
            Format::Jsonl => line(&json!({
                "type": "notice", "notice": self.head.id, "number": self.number, "kind": self.head.kind,
                "title": self.head.title, "state": self.head.state, "level": self.head.level,
                "marking": self.head.marking, "exercise": self.head.exercise, "versions": self.versions,
                "exported_at": now, "exported_by": by,
            })),
            Format::Csv => {
                let measures = self.checklists.all().into_iter().map(|m| format!("measure:{m}"));
                row(COLUMNS.iter().map(|c| (*c).to_owned()).chain(measures))
            }
        }
    }

    /// A person on a version's list.
    pub fn person(&mut self, d: &Directory, r: &DisseminationRow) -> String {
        let list = self.checklists.list(r.version);
        let done: Vec<&String> = self.checklists.done(r.version, &r.measures).of(list).collect();
        let said_at = r.measures.last().map(|m: &MeasuresRow| m.at);
        let best = r.deliveries.iter().map(|t| t.delivery.reached).max().unwrap_or(Reached::Queued);
        let sum = self.sums.entry(r.version).or_insert_with(|| Sum { version: r.version, ..Sum::default() });
        sum.recipients += 1;
        sum.delivered += u32::from(best >= Reached::Delivered);
        sum.acknowledged += u32::from(r.recipient.acknowledged.is_some());
        for m in list {
            *sum.measures.entry(m.clone()).or_default() += u32::from(done.contains(&m));
        }
        match self.format {
            Format::Jsonl => line(&object(d, r, best, &done, said_at)),
            Format::Csv => {
                let ticks = self.checklists.all().into_iter().map(|m| {
                    let word = match (list.contains(m), done.contains(&m)) {
                        (false, _) => "",
                        (true, true) => "yes",
                        (true, false) => "no",
                    };
                    word.to_owned()
                });
                row(self.cells(d, r, best, &done, said_at).into_iter().chain(ticks))
            }
        }
    }

    /// A partner's system that fetched a version, or that it is no longer released it; after everybody.
    pub fn partner(&mut self, d: &Directory, g: &Given) -> String {
        let count = if g.withdrawal { &mut self.withdrawals } else { &mut self.partners };
        *count += 1;
        let name = d.agencies.get(&g.agency).map(|a| a.name.clone());
        match self.format {
            Format::Jsonl => line(&json!({
                "type": "partner", "version": g.version, "partner": g.reader, "agency": g.agency, "agency_name": name,
                "token": g.token, "given_at": g.at, "withdrawal": g.withdrawal,
            })),
            Format::Csv => {
                let cell = |column: &str| match column {
                    "notice" => self.head.id.to_string(),
                    "number" => self.number.clone().unwrap_or_default(),
                    "marking" => self.head.marking.tlp.label().to_owned(),
                    "exercise" => self.head.exercise.clone().unwrap_or_default(),
                    "version" => g.version.to_string(),
                    "person" => g.reader.to_string(),
                    "name" => name.clone().unwrap_or_default(),
                    "agency" => g.agency.to_string(),
                    "rule" => if g.withdrawal { "cap_feed_withdrawal" } else { "cap_feed" }.to_owned(),
                    // Of that version they got nothing.
                    "reached" => if g.withdrawal { WITHDRAWAL } else { reached(Reached::Delivered) }.to_owned(),
                    "channels" if g.withdrawal => format!("cap_feed:{WITHDRAWAL}"),
                    "channels" => "cap_feed:delivered".to_owned(),
                    "delivered_at" if g.withdrawal => String::new(),
                    "first_at" | "last_at" | "delivered_at" => g.at.to_string(),
                    _ => String::new(),
                };
                let none = self.checklists.all().into_iter().map(|_| String::new());
                row(COLUMNS.iter().map(|c| cell(c)).chain(none))
            }
        }
    }

    /// What stands after everybody.
    pub fn end(&self) -> String {
        match self.format {
            Format::Jsonl => {
                let lines: u32 = self.sums.values().map(|s| s.recipients).sum();
                let sums: Vec<&Sum> = self.sums.values().collect();
                line(&json!({
                    "type": "summary", "notice": self.head.id, "recipients": lines, "partners": self.partners,
                    "withdrawals": self.withdrawals, "versions": sums,
                }))
            }
            Format::Csv => String::new(),
        }
    }

    fn cells(
        &self,
        d: &Directory,
        r: &DisseminationRow,
        best: Reached,
        done: &[&String],
        said_at: Option<Time>,
    ) -> [String; COLUMNS.len()] {
        let of = &r.recipient;
        let time = |t: Option<Time>| t.map(|t| t.to_string()).unwrap_or_default();
        let first = |f: fn(&DeliveryTimes) -> Option<Time>| time(r.deliveries.iter().filter_map(f).min());
        let channels: Vec<String> = r
            .deliveries
            .iter()
            .map(|t| format!("{}:{}", t.delivery.channel.word(), reached(t.delivery.reached)))
            .collect();
        let troubles: Vec<&str> = r.deliveries.iter().filter_map(|t| t.delivery.trouble.as_deref()).collect();
        let unit = d.people.get(&of.person).map(|p| p.unit.to_string()).unwrap_or_default();
        let (called, called_by, called_at) = match &of.call {
            Some((status, by, at)) => (status.word().to_owned(), by.to_string(), at.to_string()),
            None => <(String, String, String)>::default(),
        };
        let tlp = serde_json::to_value(self.head.marking.tlp).ok();
        [
            self.head.id.to_string(),
            self.number.clone().unwrap_or_default(),
            tlp.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            self.head.exercise.clone().unwrap_or_default(),
            r.version.to_string(),
            of.person.to_string(),
            name_of(d, &of.person),
            unit,
            d.agency_of(&of.person).map(ToString::to_string).unwrap_or_default(),
            of.rule.map(|r| r.word().to_owned()).unwrap_or_default(),
            reached(best).to_owned(),
            channels.join(" "),
            r.deliveries.iter().map(|t| t.delivery.attempts).sum::<u32>().to_string(),
            first(|t| t.sent_at),
            time(r.deliveries.iter().filter_map(|t| t.tried_at).max()),
            first(|t| t.delivered_at),
            first(|t| t.shown_at),
            troubles.join(" "),
            r.deliveries.iter().any(|t| t.delivery.may_repeat).to_string(),
            r.deliveries.iter().map(|t| t.delivery.reminder).max().unwrap_or_default().to_string(),
            time(of.acknowledged.map(|(at, _)| at)),
            of.acknowledged.map(|(_, via)| via.word().to_owned()).unwrap_or_default(),
            of.acknowledged_by.as_ref().map(ToString::to_string).unwrap_or_default(),
            time(of.lapsed_at),
            called,
            called_by,
            called_at,
            time(of.escalated.as_ref().map(|(at, _)| *at)),
            of.escalated.as_ref().and_then(|(_, to)| to.as_ref()).map(ToString::to_string).unwrap_or_default(),
            time(of.silent_at),
            time(said_at),
            done.iter().map(|m| m.as_str()).collect::<Vec<_>>().join(" "),
        ]
    }
}

fn object(d: &Directory, r: &DisseminationRow, best: Reached, done: &[&String], said_at: Option<Time>) -> Value {
    let of = &r.recipient;
    let unit = d.people.get(&of.person).map(|p| &p.unit);
    let deliveries: Vec<Value> = r
        .deliveries
        .iter()
        .map(|t| {
            let x = &t.delivery;
            json!({
                "delivery": x.id, "channel": x.channel, "attempts": x.attempts, "first_at": t.sent_at,
                "last_at": t.tried_at, "reached": x.reached, "delivered_at": t.delivered_at, "shown_at": t.shown_at,
                "trouble": x.trouble, "may_repeat": x.may_repeat, "reminder": x.reminder, "heard_at": t.moved_at,
            })
        })
        .collect();
    let via: Option<Channel> = of.acknowledged.map(|(_, via)| via);
    json!({
        "type": "recipient", "version": r.version, "person": of.person, "name": name_of(d, &of.person),
        "unit": unit, "unit_name": unit.and_then(|u| d.units.get(u)).map(|u| &u.name),
        "agency": d.agency_of(&of.person), "rule": of.rule, "reached": best, "deliveries": deliveries,
        "acknowledged_at": of.acknowledged.map(|(at, _)| at), "acknowledged_via": via,
        "acknowledged_by": of.acknowledged_by, "lapsed_at": of.lapsed_at,
        "call": of.call.as_ref().map(|(status, by, at)| json!({"status": status, "by": by, "at": at})),
        "escalated_at": of.escalated.as_ref().map(|(at, _)| *at),
        "escalated_to": of.escalated.as_ref().and_then(|(_, to)| to.as_ref()), "silent_at": of.silent_at,
        "measures": done, "measures_at": said_at,
    })
}

fn reached(r: Reached) -> &'static str {
    match r {
        Reached::Queued => "queued",
        Reached::Sent => "sent",
        Reached::Delivered => "delivered",
        Reached::Shown => "shown",
    }
}

fn line(v: &Value) -> String {
    format!("{v}\n")
}

/// No cell of it is a formula to a spreadsheet.
fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|c| people_csv::cell(&c)).collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{Delivery, DeliveryId, Marking, NoticeId, NoticeState, Person, UnitId, delivery::Rule};
    use skypicket_record::RecipientRow;

    fn notice(version: u32, state: &str, measures: &[&str]) -> Notice {
        let measures: Vec<Value> = measures.iter().map(|m| json!({"id": m, "text": {"en": m}})).collect();
        serde_json::from_value(json!({
            "id": NoticeId(uuid::Uuid::from_u128(1)), "version": version, "state": state, "level": "urgent",
            "at": "2026-11-26T18:00:00Z", "needs_ack": true, "marking": Marking::default(), "exercise": null,
            "code": "1234", "text": "t", "text_es": "t", "title": "=HYPERLINK(\"x\")", "title_es": "", "audience": [],
            "issued_by": "watch", "number": "OSA-2026-0001",
            "sheet": {"series": "OSA", "kind": {"en": "Officer Safety Alert"}, "issuer": "Centre", "measures": measures},
        }))
        .unwrap()
    }

    fn directory() -> Directory {
        let mut d = Directory::default();
        let person = json!({"id": "a1", "name": "=1+1", "unit": "a", "roles": ["field"]});
        let person: Person = serde_json::from_value(person).unwrap();
        d.people.insert(person.id.clone(), person);
        d
    }

    fn tried(version: u32, measures: Vec<MeasuresRow>) -> DisseminationRow {
        let person = PersonId::new("a1").unwrap();
        let at = |s: i64| Some(Time::from_micros(s * 1_000_000));
        let delivery = Delivery {
            id: DeliveryId(uuid::Uuid::from_u128(7)),
            notice: NoticeId(uuid::Uuid::from_u128(1)),
            version,
            person: person.clone(),
            channel: Channel::Web,
            reached: Reached::Shown,
            attempts: 2,
            may_repeat: false,
            trouble: None,
            reminder: 0,
        };
        DisseminationRow {
            version,
            recipient: RecipientRow {
                person,
                rule: Some(Rule::Unit),
                acknowledged: (version == 1).then(|| (Time::from_micros(9_000_000), Channel::Web)),
                escalated: None,
                silent_at: None,
                acknowledged_by: None,
                call: None,
                lapsed_at: None,
            },
            deliveries: vec![DeliveryTimes {
                delivery,
                sent_at: at(1),
                tried_at: at(2),
                delivered_at: at(3),
                shown_at: at(4),
                moved_at: Time::from_micros(4_000_000),
            }],
            measures,
        }
    }

    fn said(version: u32, done: &[&str]) -> MeasuresRow {
        let done = done.iter().map(|m| (*m).to_owned()).collect();
        MeasuresRow { person: PersonId::new("a1").unwrap(), version, at: Time::from_micros(5_000_000), done }
    }

    /// The whole file.
    fn written(format: Format) -> String {
        let d = directory();
        let versions = [
            notice(1, "issued", &["armour", "kit"]),
            notice(2, "updated", &["kit", "cover"]),
            notice(3, "recalled", &[]),
        ];
        let mut log = Log::new(format, &d, &Scope::All, &versions).unwrap();
        let one = said(1, &["armour", "kit"]);
        let mut out = log.begin(&PersonId::new("auditor").unwrap(), Time::default());
        out += &log.person(&d, &tried(1, vec![one.clone()]));
        out += &log.person(&d, &tried(2, vec![one]));
        let given = Given {
            version: 2,
            withdrawal: false,
            reader: PersonId::new("partner.south").unwrap(),
            agency: AgencyId::new("south").unwrap(),
            token: "0123456789abcdef".into(),
            at: Time::from_micros(6_000_000),
        };
        out += &log.partner(&d, &given);
        out += &log.partner(&d, &Given { version: 3, withdrawal: true, ..given });
        out + &log.end()
    }

    #[test]
    fn every_line_says_which_version_what_was_tried_and_what_was_kept_of_the_measures() {
        let lines: Vec<Value> = written(Format::Jsonl).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!((&lines[0]["type"], &lines[0]["number"]), (&json!("notice"), &json!("OSA-2026-0001")));
        assert_eq!(lines[0]["versions"][1]["measures"], json!(["kit", "cover"]));
        assert_eq!((&lines[1]["measures"], &lines[2]["measures"]), (&json!(["armour", "kit"]), &json!(["kit"])));
        let d = &lines[1]["deliveries"][0];
        let times = ["first_at", "last_at", "delivered_at", "shown_at"].map(|k| d[k].as_str().unwrap());
        assert_eq!(times.map(|t| t.get(17..19).unwrap()), ["01", "02", "03", "04"]);
        assert_eq!(
            (&lines[3]["type"], &lines[3]["version"], &lines[3]["agency"]),
            (&json!("partner"), &json!(2), &json!("south"))
        );
        assert_eq!((&lines[3]["withdrawal"], &lines[4]["withdrawal"]), (&json!(false), &json!(true)));
        assert_eq!((&lines[5]["partners"], &lines[5]["withdrawals"]), (&json!(1), &json!(1)));
        assert!(lines[1]["acknowledged_at"].is_string() && lines[2]["acknowledged_at"].is_null());
        let end = lines.last().unwrap();
        assert_eq!((&end["type"], &end["recipients"]), (&json!("summary"), &json!(2)));
        assert_eq!(
            end["versions"][1],
            json!({"version": 2, "recipients": 1, "delivered": 1, "acknowledged": 0, "measures": {"kit": 1, "cover": 0}})
        );
    }

    #[test]
    fn a_spreadsheet_finds_no_formula_and_each_line_has_every_column() {
        let text = written(Format::Csv);
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
        assert_eq!(lines.len(), 5);
        assert_eq!((lines[3][5], lines[3][9], lines[3][COLUMNS.len()]), ("partner.south", "cap_feed", ""));
        // Told that it is no longer released: nothing of that version was delivered.
        let of = |line: &[&str], column: &str| line[COLUMNS.iter().position(|c| *c == column).unwrap()].to_owned();
        let words = |line: &[&str]| ["rule", "reached", "channels"].map(|c| of(line, c));
        assert_eq!(words(&lines[3]), ["cap_feed", "delivered", "cap_feed:delivered"]);
        assert_eq!(words(&lines[4]), ["cap_feed_withdrawal", "withdrawal", "cap_feed:withdrawal"]);
        assert!(!of(&lines[3], "delivered_at").is_empty() && of(&lines[4], "delivered_at").is_empty());
        assert_eq!(of(&lines[4], "first_at"), "1970-01-01T00:00:06Z");
        assert!(lines.iter().all(|l| l.len() == COLUMNS.len() + 3), "{text}");
        assert_eq!(lines[0][COLUMNS.len()..], ["measure:armour", "measure:kit", "measure:cover"]);
        assert_eq!(lines[1][COLUMNS.len()..], ["yes", "yes", ""]);
        assert_eq!(lines[2][COLUMNS.len()..], ["", "yes", "no"]);
        assert!(text.contains(",'=1+1,") && !text.contains(",=1+1"), "{text}");
        let unit = UnitId::new("a").unwrap();
        assert_eq!(lines[1][7], unit.as_str());
        assert_eq!(NoticeState::ALL.len(), 6);
    }
}
