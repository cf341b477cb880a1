//! [`Inbox`]: what a received alert does to those before it, and they to it.
//!
//! Known by sender, identifier and the instant of `sent`, for two texts can be one instant. A message may come twice, or
//! after the one that replaces it: what is referenced before it came leaves a tombstone, so that it is never alarmed late.
//!
//! A message ends only those of its own sender and of its own status: an exercise takes back nothing real, and nobody
//! takes back what somebody else said. What it references beyond that is named, for a person to decide.

use super::{
    alert::{Alert, MsgType, Reference, Status},
    time::DateTime,
};
use ring::digest;
use skypicket_model::Time;
use std::collections::BTreeMap;

/// What a message is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its sender.
    pub sender: String,
    /// Its identifier.
    pub identifier: String,
    /// When it was sent; `None` in a reference whose time is no dateTime, which then fits every time.
    pub sent: Option<Time>,
}

impl Key {
    /// Of a message.
    pub fn of(a: &Alert) -> Self {
        Self {
            sender: a.sender.as_str().to_owned(),
            identifier: a.identifier.as_str().to_owned(),
            sent: Some(a.sent.at()),
        }
    }

    /// Of a reference.
    pub fn of_reference(r: &Reference) -> Self {
        let sent = DateTime::read(&r.sent).map(|(t, _)| t.at());
        Self { sender: r.sender.clone(), identifier: r.identifier.clone(), sent }
    }

    fn at_any_time(&self) -> Self {
        Self { sent: None, ..self.clone() }
    }

    fn fits(&self, other: &Self) -> bool {
        self.sender == other.sender
            && self.identifier == other.identifier
            && (self.sent.is_none() || self.sent == other.sent)
    }
}

/// What to do with a message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// New: show it.
    New(New),
    /// The same again: to be logged, nothing else.
    Duplicate,
    /// Another message under a name that is taken: to be shown to a person. What came first stands.
    Conflict {
        /// What has the name.
        with: Key,
    },
    /// There is no room among messages that still count: say so to whom it came from, who tries again later.
    Full,
}

/// A message that was not here before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct New {
    /// Whether it may alarm: Actual, Alert or Update, neither expired nor ended.
    pub alarm: bool,
    /// Expired when it came: show it as "expired by" the issuer's time, for clocks differ.
    pub expired: Option<DateTime>,
    /// It came after what replaced it or took it back: show it as that.
    pub ended_by: Option<Key>,
    /// Messages here that it replaces or takes back: stop them.
    pub ends: Vec<Key>,
    /// Messages of its sender that it references and that have not come.
    pub unknown: Vec<Key>,
    /// Messages of other senders or another status that it would end if it could.
    pub of_others: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Kept {
    content: [u8; 32],
    status: Status,
    /// When it can be forgotten.
    until: Time,
    ended_by: Option<Key>,
}

#[derive(Debug, Clone)]
struct Tombstone {
    by: Key,
    status: Status,
    until: Time,
}

/// The messages of all senders.
#[derive(Debug, Clone)]
pub struct Inbox {
    kept: BTreeMap<Key, Kept>,
    tombstones: BTreeMap<Key, Tombstone>,
    most: usize,
}

/// How long a message is kept after it came and after it expired, and a tombstone after it was set: seconds.
pub const KEEP_S: f64 = 7.0 * 86_400.0;

impl Inbox {
    /// An inbox for at most so many messages, and as many tombstones.
    pub fn new(most: usize) -> Self {
        Self { kept: BTreeMap::new(), tombstones: BTreeMap::new(), most }
    }

    /// How many messages are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What ended a message that is here.
    pub fn ended_by(&self, key: &Key) -> Option<&Key> {
        self.kept.get(key).and_then(|k| k.ended_by.as_ref())
    }

    /// Takes a message. Two are the same when they say the same: a relay may sign or indent anew.
    pub fn take(&mut self, a: &Alert, now: Time) -> Outcome {
        let key = Key::of(a);
        let content = content(a);
        if let Some((taken, kept)) = self.named(&key) {
            let same = *taken == key && kept.content == content;
            return if same { Outcome::Duplicate } else { Outcome::Conflict { with: taken.clone() } };
        }
        let mut targets: Vec<Key> = a.references.iter().map(Key::of_reference).filter(|k| !k.fits(&key)).collect();
        targets.sort_unstable();
        targets.dedup();
        if !self.has_room(targets.len()) {
            self.kept.retain(|_, k| k.until > now);
            self.tombstones.retain(|_, t| t.until > now);
            if !self.has_room(targets.len()) {
                return Outcome::Full;
            }
        }
        let expires = expires(a);
        let until = now.max(expires.map_or(now, DateTime::at)).plus_s(KEEP_S);
        let tombstones = [Some(&key), Some(&key.at_any_time())];
        let tombstone = tombstones.into_iter().flatten().find_map(|k| self.tombstones.get(k));
        let ended_by = tombstone.filter(|t| t.status == a.status).map(|t| t.by.clone());
        let mut new = New { expired: expires.filter(|e| e.at() <= now), ended_by, ..New::default() };
        self.kept.insert(key.clone(), Kept { content, status: a.status, until, ended_by: new.ended_by.clone() });
        if matches!(a.msg_type, MsgType::Update | MsgType::Cancel) {
            for target in targets {
                self.end(target, &key, a.status, until, &mut new);
            }
        }
        let says = matches!(a.msg_type, MsgType::Alert | MsgType::Update);
        new.alarm = a.is_actual() && says && new.expired.is_none() && new.ended_by.is_none();
        Outcome::New(new)
    }

    fn end(&mut self, target: Key, by: &Key, status: Status, until: Time, new: &mut New) {
        if target.sender != by.sender {
            new.of_others.push(target);
            return;
        }
        let here = self.named(&target).map(|(k, _)| k.clone()).filter(|k| target.fits(k));
        let Some(kept) = here.as_ref().and_then(|k| self.kept.get_mut(k)) else {
            let tombstone = Tombstone { by: by.clone(), status, until };
            self.tombstones.entry(target.clone()).or_insert(tombstone);
            new.unknown.push(target);
            return;
        };
        let here = here.unwrap_or(target);
        if kept.status != status {
            new.of_others.push(here);
        } else if kept.ended_by.is_none() {
            kept.ended_by = Some(by.clone());
            new.ends.push(here);
        }
    }

    fn has_room(&self, targets: usize) -> bool {
        self.kept.len() < self.most && self.tombstones.len() + targets <= self.most
    }

    /// The message of that sender and identifier, whatever its time.
    fn named(&self, key: &Key) -> Option<(&Key, &Kept)> {
        let next = self.kept.range(key.at_any_time()..).next();
        next.filter(|(k, _)| k.sender == key.sender && k.identifier == key.identifier)
    }
}

fn content(a: &Alert) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, a.to_xml().as_bytes());
    hash.as_ref().try_into().unwrap_or_default()
}

/// When the last of its infos expires; nothing when one never says.
fn expires(a: &Alert) -> Option<DateTime> {
    let each = a.info.iter().map(|i| i.expires).collect::<Option<Vec<_>>>()?;
    each.into_iter().max_by_key(|e| e.at())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cap::{Category, Info, Name, Scope};

    /// Seconds from an arbitrary start.
    fn at(s: i64) -> Time {
        Time::from_micros((1_700_000_000 + s) * 1_000_000)
    }

    /// `type identifier[@seconds] [status] [expires=seconds] [from=sender] [refs…]`, sent at 0 unless said.
    fn message(text: &str) -> Alert {
        let mut words = text.split(' ');
        let kind = MsgType::of(words.next().unwrap()).unwrap();
        let (id, sent) = words.next().map(|w| w.split_once('@').unwrap_or((w, "0"))).unwrap();
        let sent = DateTime::utc(at(sent.parse().unwrap()));
        let mut a = Alert::new(Name::new(id).unwrap(), Name::new("s").unwrap(), sent);
        (a.status, a.scope, a.msg_type) = (Status::Actual, Scope::Public, kind);
        let mut info = Info::new(Category::Security, "Drone");
        for word in words {
            if let Some(status) = Status::of(word) {
                a.status = status;
            } else if let Some(s) = word.strip_prefix("expires=") {
                info.expires = Some(DateTime::utc(at(s.parse().unwrap())));
            } else if let Some(s) = word.strip_prefix("from=") {
                a.sender = Name::new(s).unwrap();
            } else if let Some(s) = word.strip_prefix("says=") {
                info.headline = Some(s.to_owned());
            } else {
                a.references.push(Reference::read(word).unwrap());
            }
        }
        if kind != MsgType::Cancel {
            a.info.push(info);
        }
        a
    }

    fn names(keys: &[Key]) -> String {
        keys.iter().map(|k| k.identifier.as_str()).collect::<Vec<_>>().join("+")
    }

    fn told(o: &Outcome) -> String {
        match o {
            Outcome::Duplicate => "duplicate".into(),
            Outcome::Full => "full".into(),
            Outcome::Conflict { with } => format!("conflict {}", with.identifier),
            Outcome::New(n) => {
                let mut out = String::from(if n.alarm { "alarm" } else { "quiet" });
                for (word, keys) in [("ends", &n.ends), ("unknown", &n.unknown), ("others", &n.of_others)] {
                    if !keys.is_empty() {
                        out.extend([" ", word, " ", &names(keys)]);
                    }
                }
                if let Some(by) = &n.ended_by {
                    out.extend([" ended by ", &by.identifier]);
                }
                if n.expired.is_some() {
                    out += " expired";
                }
                out
            }
        }
    }

    const R: &str = "s,1,2023-11-14T22:13:20-00:00";

    #[test]
    fn each_rule_of_the_life_of_a_message() {
        let two = format!("{R} s,2,2023-11-14T22:13:21-00:00");
        let cases: &[(&str, &[(&str, &str)])] = &[
            (
                "an update ends all that it names, once",
                &[
                    ("Alert 1", "alarm"),
                    (&format!("Update 2@1 {R}"), "alarm ends 1"),
                    (&format!("Update 3@2 {two}"), "alarm ends 2"),
                ],
            ),
            (
                "a cancel without info ends by references alone, and never alarms",
                &[("Alert 1", "alarm"), (&format!("Cancel 2@1 {R}"), "quiet ends 1")],
            ),
            ("the same triple again is a duplicate", &[("Alert 1", "alarm"), ("Alert 1", "duplicate")]),
            (
                "the same name with another time or text is a conflict, and the first stands",
                &[
                    ("Alert 1", "alarm"),
                    ("Alert 1@5", "conflict 1"),
                    ("Alert 1 says=other", "conflict 1"),
                    ("Alert 1", "duplicate"),
                    ("Alert 1 from=t", "alarm"),
                ],
            ),
            (
                "what comes after its cancel is shown as ended, never alarmed",
                &[
                    (&format!("Cancel 2@1 {R}"), "quiet unknown 1"),
                    ("Alert 1", "quiet ended by 2"),
                    ("Alert 1", "duplicate"),
                ],
            ),
            (
                "an update that comes after the next one still ends what was before it",
                &[
                    ("Alert 1", "alarm"),
                    ("Update 3@2 s,2,2023-11-14T22:13:21-00:00", "alarm unknown 2"),
                    (&format!("Update 2@1 {R}"), "quiet ends 1 ended by 3"),
                ],
            ),
            (
                "times are compared as instants, and one that is none fits every time",
                &[
                    ("Alert 1", "alarm"),
                    ("Cancel 2 s,1,2023-11-15T00:13:20+02:00", "quiet ends 1"),
                    ("Cancel 4 s,3,yesterday", "quiet unknown 3"),
                    ("Alert 3@9", "quiet ended by 4"),
                ],
            ),
            (
                "a reference to another time is to another message",
                &[("Alert 1", "alarm"), ("Cancel 2 s,1,2023-11-14T22:13:21-00:00", "quiet unknown 1")],
            ),
            (
                "an answer ends nothing",
                &[
                    ("Alert 1", "alarm"),
                    (&format!("Ack 2 {R}"), "quiet"),
                    (&format!("Error 3 {R}"), "quiet"),
                    (&format!("Update 4 {R}"), "alarm ends 1"),
                ],
            ),
            (
                "what is expired is kept and does not alarm; at its very end it is expired",
                &[
                    ("Alert 1 expires=9", "quiet expired"),
                    ("Alert 2 expires=10", "quiet expired"),
                    ("Alert 3 expires=11", "alarm"),
                ],
            ),
            (
                "nothing but Actual alarms, and none of it ends what is real",
                &[
                    ("Alert 1", "alarm"),
                    (&format!("Cancel 2 Exercise {R}"), "quiet others 1"),
                    (&format!("Cancel 3 Test {R}"), "quiet others 1"),
                    ("Alert 4 Exercise", "quiet"),
                    ("Alert 5 Test", "quiet"),
                    ("Alert 6 System", "quiet"),
                    ("Alert 7 Draft", "quiet"),
                    ("Cancel 8 Exercise s,4,2023-11-14T22:13:20-00:00", "quiet ends 4"),
                    ("Cancel 10 Exercise s,9,2023-11-14T22:13:20-00:00", "quiet unknown 9"),
                    ("Alert 9", "alarm"),
                ],
            ),
            (
                "nobody takes back what somebody else said",
                &[
                    ("Alert 1", "alarm"),
                    (&format!("Cancel 2 from=t {R}"), "quiet others 1"),
                    ("Cancel 3 from=t s,9,2023-11-14T22:13:20-00:00", "quiet others 9"),
                    ("Alert 9", "alarm"),
                ],
            ),
            ("a message does not end itself", &[(&format!("Update 1 {R}"), "alarm")]),
        ];
        for (name, steps) in cases {
            let mut inbox = Inbox::new(100);
            for (text, expect) in *steps {
                assert_eq!(told(&inbox.take(&message(text), at(10))), *expect, "{name}: {text}");
            }
        }
    }

    #[test]
    fn it_is_bounded_and_forgets_only_what_no_longer_counts() {
        let mut inbox = Inbox::new(2);
        assert_eq!(told(&inbox.take(&message("Alert 1 expires=100"), at(10))), "alarm");
        assert_eq!(told(&inbox.take(&message("Alert 2"), at(10))), "alarm");
        assert_eq!(told(&inbox.take(&message("Alert 3"), at(10))), "full");
        let week = 7 * 86_400;
        // The second is forgotten a week after it came, the first a week after it expired.
        assert_eq!(told(&inbox.take(&message("Alert 3"), at(week + 10))), "alarm");
        assert_eq!(told(&inbox.take(&message("Alert 4"), at(week + 99))), "full");
        assert_eq!(told(&inbox.take(&message("Alert 4"), at(week + 100))), "alarm");
        let many: Vec<_> = (10..20).map(|k| format!("s,{k},2023-11-14T22:13:20-00:00")).collect();
        let mut inbox = Inbox::new(9);
        assert_eq!(told(&inbox.take(&message(&format!("Cancel 5 {}", many.join(" "))), at(0))), "full");
        assert!(inbox.is_empty());
    }
}
