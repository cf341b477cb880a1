//! Desk: what people decide about sightings.
//!
//! A sighting comes in and goes at the same moment to the centre and to the reporter's own leadership; each has it on
//! their screen for the first time (the reporter's second and third receipt); the centre confirms, merges or dismisses
//! it; the reporter may take it back while nobody decided. It is not for measuring (that is `track`), for storing
//! history (that is `record`: the desk keeps what is open and the newest of what is settled) or for own flights and
//! bulletins, which are not built yet.
//!
//! Pure: [`Desk::check`] says at the door whether an act can be taken, [`Desk::decide`] what follows from it, and
//! [`Desk::apply`] takes that. An act that `check` refuses decides nothing.
//!
//! # Refusals (`code`)
//! | code | when |
//! |---|---|
//! | `bad_sighting` | a field is out of its range ([`Sighting::check`]) |
//! | `unknown_person` | the reporter is not in the directory |
//! | `not_yours` | reported in another's name; taken back by another than the reporter |
//! | `duplicate_sighting` | the id is taken |
//! | `desk_full` | [`Desk::MOST_OPEN`] sightings wait for triage: try again later |
//! | `unknown_sighting` | not here, or this person may not see it |
//! | `not_allowed` | triage by somebody not at the centre |
//! | `not_addressed` | seen by somebody neither at the centre nor a leader of the reporter |
//! | `retracted` | its reporter took it back |
//! | `not_a_verdict` | triage to "new" |
//! | `already_decided` | decided the same already; or differently, and no reason is given for the change; or taken back after triage |
//! | `why_needed` | a dismissal or merge without a reason |
//! | `why_too_long` | over [`Desk::MOST_WHY`] characters |
//! | `merge_into_itself`, `merge_into_unknown`, `merge_into_retracted`, `merge_cycle` | a merge that leads nowhere |
//! | `others_merged` | taken back although another sighting was merged into it |
//! | `too_late` | taken back more than [`Desk::RETRACT_S`] after it was stored |

mod shelf;

use crate::shelf::{Shelf, is_settled};
use serde::{Deserialize, Serialize};
pub use skypicket_model::Refusal;
use skypicket_model::{
    Act, DeskEvent, Directory, PersonId, Reader, Role, Sighting, SightingId, SightingState, Time, TrackId, Triage,
    Verdict, entry::ActEntry, may_see,
};

/// The engine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Desk {
    directory: Directory,
    shelf: Shelf,
}

impl Desk {
    /// Seconds after storing in which a reporter may take a sighting back, as long as nobody decided.
    pub const RETRACT_S: f64 = 600.0;
    /// Settled sightings kept in memory; older ones are in the record's views only and can no longer be changed.
    pub const MOST_SETTLED: usize = 10_000;
    /// Sightings that may wait for triage; beyond it new ones are refused at the door, none is dropped.
    pub const MOST_OPEN: usize = 100_000;
    /// Most characters of a reason.
    pub const MOST_WHY: usize = 2_000;

    /// With nobody and nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who is who from now on. Who leads whom is fixed for a sighting when it comes in.
    pub fn configure(&mut self, directory: &Directory) {
        self.directory = directory.clone();
    }

    /// Whether the act can be taken. Acts that are not the desk's are taken.
    pub fn check(&self, by: &PersonId, act: &Act, now: Time) -> Result<(), Refusal> {
        match act {
            Act::Sighting { sighting } => self.check_sighting(by, sighting),
            Act::Retract { sighting } => self.check_retract(by, *sighting, now),
            Act::SeeSighting { sighting } => self.check_see(by, *sighting),
            Act::Triage(triage) => self.check_triage(by, triage),
            Act::Receipt { .. } | Act::Acknowledge { .. } | Act::OwnFlight(_) | Act::Conflict { .. } => Ok(()),
        }
    }

    /// What follows from an act; nothing when it is refused, not the desk's, or changes nothing.
    pub fn decide(&self, act: &ActEntry, now: Time) -> Vec<DeskEvent> {
        if self.check(&act.by, &act.act, now).is_err() {
            return Vec::new();
        }
        let next = match &act.act {
            Act::Sighting { sighting } => Some(SightingState {
                leaders: self.directory.leaders_of(&sighting.reporter),
                sighting: (**sighting).clone(),
                stored_at: now,
                verdict: Verdict::New,
                decided_by: None,
                decided_at: None,
                why: String::new(),
                seen_by_centre: None,
                seen_by_leadership: None,
                retracted_at: None,
                track: None,
            }),
            Act::Retract { sighting } => {
                self.sighting(*sighting).map(|s| SightingState { retracted_at: Some(now), ..s.clone() })
            }
            Act::SeeSighting { sighting } => self.sighting(*sighting).map(|s| self.seen(s, &act.by, now)),
            Act::Triage(t) => self.sighting(t.sighting).map(|s| SightingState {
                verdict: t.verdict,
                decided_by: Some(act.by.clone()),
                decided_at: Some(now),
                why: t.why.trim().into(),
                ..s.clone()
            }),
            Act::Receipt { .. } | Act::Acknowledge { .. } | Act::OwnFlight(_) | Act::Conflict { .. } => None,
        };
        let changed = |s: &SightingState| self.sighting(s.sighting.id) != Some(s);
        next.filter(changed).map(|s| DeskEvent::Sighting { state: Box::new(s) }).into_iter().collect()
    }

    /// What follows from the tracker having used a sighting for a track (again with another track, when tracks merge).
    pub fn fed(&self, sighting: SightingId, track: TrackId) -> Vec<DeskEvent> {
        let fed = |s: &SightingState| {
            let change = s.retracted_at.is_none() && s.track != Some(track);
            change.then(|| SightingState { track: Some(track), ..s.clone() })
        };
        let state = self.sighting(sighting).and_then(fed);
        state.map(|s| DeskEvent::Sighting { state: Box::new(s) }).into_iter().collect()
    }

    /// Takes a decision.
    pub fn apply(&mut self, event: &DeskEvent) {
        let DeskEvent::Sighting { state } = event;
        self.shelf.put(state, Self::MOST_SETTLED);
    }

    // ---- to look at ----

    /// A sighting, if it is kept.
    pub fn sighting(&self, id: SightingId) -> Option<&SightingState> {
        self.shelf.get(id)
    }

    /// All that are kept, in the order in which they were stored.
    pub fn sightings(&self) -> impl DoubleEndedIterator<Item = &SightingState> {
        self.shelf.iter()
    }

    /// How many wait for triage.
    pub fn open(&self) -> usize {
        self.shelf.open()
    }

    /// What this person may see, newest first.
    pub fn visible_to(&self, person: &PersonId) -> Vec<&SightingState> {
        let reader = self.directory.reader(person);
        self.shelf.iter().rev().filter(|s| shows(s, person, reader.as_ref())).collect()
    }

    /// Whether this person may see this sighting: its reporter always; their leaders and the centre as its marking
    /// lets them; nobody else.
    pub fn may_see(&self, person: &PersonId, state: &SightingState) -> bool {
        shows(state, person, self.directory.reader(person).as_ref())
    }

    /// The people to whom a change of this sighting is to be shown, in order of id.
    pub fn audience(&self, state: &SightingState) -> Vec<PersonId> {
        self.directory.people.keys().filter(|p| self.may_see(p, state)).cloned().collect()
    }

    // ---- at the door ----

    /// The sighting, if this person may know of it: what they may not see is unknown to them.
    fn known(&self, by: &PersonId, id: SightingId) -> Result<&SightingState, Refusal> {
        self.sighting(id)
            .filter(|s| self.may_see(by, s))
            .ok_or_else(|| Refusal::new("unknown_sighting", format!("there is no sighting {id} for you")))
    }

    fn check_sighting(&self, by: &PersonId, sighting: &Sighting) -> Result<(), Refusal> {
        if sighting.reporter != *by {
            return Err(Refusal::new("not_yours", "a sighting is reported in one's own name"));
        }
        if !self.directory.people.contains_key(by) {
            return Err(Refusal::new("unknown_person", format!("'{by}' is not in the directory")));
        }
        sighting.check().map_err(|e| Refusal::new("bad_sighting", e.to_string()))?;
        if self.sighting(sighting.id).is_some() {
            return Err(Refusal::new("duplicate_sighting", format!("there is a sighting {} already", sighting.id)));
        }
        if self.open() >= Self::MOST_OPEN {
            return Err(Refusal::new("desk_full", "too many sightings wait for triage; keep it and try again"));
        }
        Ok(())
    }

    fn check_retract(&self, by: &PersonId, id: SightingId, now: Time) -> Result<(), Refusal> {
        let s = self.known(by, id)?;
        if s.sighting.reporter != *by {
            return Err(Refusal::new("not_yours", "only its reporter can take a sighting back"));
        }
        not_retracted(s)?;
        if s.verdict != Verdict::New {
            return Err(Refusal::new("already_decided", "the centre has decided about it; call the centre"));
        }
        if self.shelf.iter().any(|other| other.verdict == Verdict::Merged { into: id }) {
            return Err(Refusal::new("others_merged", "another sighting was merged into it; call the centre"));
        }
        if now.since_s(s.stored_at) > Self::RETRACT_S {
            return Err(Refusal::new("too_late", "it can be taken back in the first 10 minutes only; call the centre"));
        }
        Ok(())
    }

    fn check_see(&self, by: &PersonId, id: SightingId) -> Result<(), Refusal> {
        let s = self.known(by, id)?;
        if self.is_centre(by) || s.leaders.contains(by) {
            return Ok(());
        }
        Err(Refusal::new("not_addressed", "its receipts are given by the centre and by the reporter's leaders"))
    }

    fn check_triage(&self, by: &PersonId, t: &Triage) -> Result<(), Refusal> {
        let s = self.known(by, t.sighting)?;
        if !self.is_centre(by) {
            return Err(Refusal::new("not_allowed", "sightings are decided about at the centre"));
        }
        not_retracted(s)?;
        let why = t.why.trim();
        if why.chars().count() > Self::MOST_WHY {
            return Err(Refusal::new("why_too_long", format!("a reason has at most {} characters", Self::MOST_WHY)));
        }
        if t.verdict == Verdict::New {
            return Err(Refusal::new("not_a_verdict", "a sighting is confirmed, merged or dismissed"));
        }
        if s.verdict == t.verdict {
            return Err(Refusal::new("already_decided", "that is what was decided already"));
        }
        if s.verdict != Verdict::New && why.is_empty() {
            return Err(Refusal::new("already_decided", "it was decided otherwise; say why that changes"));
        }
        match t.verdict {
            Verdict::New | Verdict::Confirmed => return Ok(()),
            Verdict::Dismissed => {}
            Verdict::Merged { into } => self.check_merge(by, t.sighting, into)?,
        }
        if why.is_empty() {
            return Err(Refusal::new("why_needed", "say why"));
        }
        Ok(())
    }

    fn check_merge(&self, by: &PersonId, from: SightingId, into: SightingId) -> Result<(), Refusal> {
        if from == into {
            return Err(Refusal::new("merge_into_itself", "a sighting cannot be merged into itself"));
        }
        let unknown = |_| Refusal::new("merge_into_unknown", format!("there is no sighting {into} for you"));
        let mut at = self.known(by, into).map_err(unknown)?;
        if at.retracted_at.is_some() {
            return Err(Refusal::new("merge_into_retracted", "its reporter took that sighting back"));
        }
        // There is no cycle yet, so this ends.
        while let Verdict::Merged { into: next } = at.verdict {
            if next == from {
                return Err(Refusal::new("merge_cycle", "that sighting was merged into this one"));
            }
            let Some(state) = self.sighting(next) else { break };
            at = state;
        }
        Ok(())
    }

    /// Decides at the centre, as opposed to only reading there.
    fn is_centre(&self, person: &PersonId) -> bool {
        let roles = self.directory.people.get(person).map(|p| &p.roles);
        roles.is_some_and(|r| r.contains(&Role::Watch) || r.contains(&Role::Analyst))
    }

    fn seen(&self, s: &SightingState, by: &PersonId, now: Time) -> SightingState {
        let mut s = s.clone();
        if self.is_centre(by) && s.seen_by_centre.is_none() {
            s.seen_by_centre = Some((by.clone(), now));
        }
        if s.leaders.contains(by) && s.seen_by_leadership.is_none() {
            s.seen_by_leadership = Some((by.clone(), now));
        }
        s
    }
}

fn not_retracted(s: &SightingState) -> Result<(), Refusal> {
    if s.retracted_at.is_some() {
        return Err(Refusal::new("retracted", "its reporter took it back"));
    }
    Ok(())
}

fn shows(s: &SightingState, person: &PersonId, reader: Option<&Reader>) -> bool {
    let addressed = |r: &Reader| (r.is_centre() || s.leaders.contains(person)) && may_see(r, &s.sighting.marking);
    s.sighting.reporter == *person || reader.is_some_and(addressed)
}

/// Whether a sighting is decided or taken back.
pub fn settled(state: &SightingState) -> bool {
    is_settled(state)
}
