//! The directory over HTTP: agencies, units, people and rosters, looked at and changed; people from and to CSV.
//!
//! Where people are is never here: that is `GET /people`, for those whose work it is.

use super::{
    App, Caller, Problem, Signed,
    body::{Strict, once},
    ok,
};
use crate::{
    people_csv::{self, Plan},
    views::Reachable,
};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skypicket_model::{
    Act, AgencyId, Directory, DirectoryChange, Person, PersonId, RequestId, Role, Roster, Time, Unit, UnitId,
};
use std::{collections::BTreeMap, sync::Arc};

/// Largest body of an import: the file, twice as long where all of it must be escaped, and a little more.
pub const MOST_IMPORT: usize = 2 * people_csv::MOST_BYTES + 1_024;

/// `GET /directory`.
pub async fn show(State(app): State<App>) -> Result<Response, Problem> {
    let roll = app.centre.roll.load_full();
    let d = &roll.directory;
    let mut people_of: BTreeMap<&UnitId, usize> = BTreeMap::new();
    for p in d.people.values() {
        *people_of.entry(&p.unit).or_default() += 1;
    }
    let units: Vec<Value> = d
        .units
        .values()
        .map(|u| {
            let leaders: Vec<Value> = u
                .leadership
                .iter()
                .filter_map(|l| d.people.get(l))
                .map(|p| json!({"id": p.id, "name": p.name, "disabled": p.disabled}))
                .collect();
            json!({"id": u.id, "name": u.name, "agency": u.agency, "leadership": leaders,
                "people": people_of.get(&u.id).copied().unwrap_or_default(),
                "sites": d.sites.values().filter(|s| s.unit == u.id).map(|s| &s.name).collect::<Vec<_>>()})
        })
        .collect();
    let disabled = d.people.values().filter(|p| p.disabled).count();
    ok(Json(json!({
        "agencies": d.agencies.values().collect::<Vec<_>>(),
        "units": units,
        "rosters": d.rosters.values().collect::<Vec<_>>(),
        "people": d.people.len(),
        "disabled": disabled,
        "notes": *app.centre.notes,
    })))
}

/// Which people, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleQuery {
    #[serde(default)]
    cursor: Option<PersonId>,
    #[serde(default)]
    limit: Option<usize>,
    /// Words that all stand in the id, the name, the unit or the TAK uid.
    #[serde(default)]
    q: Option<String>,
    #[serde(default)]
    unit: Option<UnitId>,
    #[serde(default)]
    agency: Option<AgencyId>,
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    disabled: Option<bool>,
}

/// A person as they are entered.
#[derive(Debug, Clone, Serialize)]
struct Entered {
    #[serde(flatten)]
    person: Person,
    unit_name: String,
    agency: Option<AgencyId>,
    /// Units that they lead, with their place from 1.
    leads: Vec<Leads>,
    unreachable: bool,
    why: Option<&'static str>,
    since: Option<Time>,
}

#[derive(Debug, Clone, Serialize)]
struct Leads {
    unit: UnitId,
    place: usize,
}

/// People with how they can be reached; the order is kept.
async fn entered(app: &App, d: &Directory, people: Vec<Person>) -> Result<Vec<Entered>, Problem> {
    let asked = people.clone();
    let reach: Vec<Reachable> =
        app.centre.ask(move |e| asked.iter().map(|p| Reachable::of(e, p)).collect::<Vec<_>>()).await?;
    let shut = people.into_iter().zip(reach).map(|(p, r)| {
        let leads = d.units.values().filter_map(|u| {
            let place = u.leadership.iter().position(|l| *l == p.id)? + 1;
            Some(Leads { unit: u.id.clone(), place })
        });
        Entered {
            leads: leads.collect(),
            unit_name: d.units.get(&p.unit).map(|u| u.name.clone()).unwrap_or_default(),
            agency: d.agency_of(&p.id).cloned(),
            // Absent where it is false, for records of before there was such a thing; a reader of the API is told always.
            person: p,
            unreachable: r.unreachable,
            why: r.why,
            since: r.since,
        }
    });
    Ok(shut.collect())
}

/// As a reader of the API sees them. Where they are reached is for administrators alone, who enter it.
fn shown(e: &Entered, caller: &Caller) -> Value {
    let mut v = serde_json::to_value(e).unwrap_or_default();
    if let Some(o) = v.as_object_mut() {
        o.insert("disabled".into(), e.person.disabled.into());
        o.insert("subscriptions".into(), json!(e.person.subscriptions));
        if sees_addresses(caller) {
            o.insert("addresses".into(), json!(e.person.addresses));
        } else {
            o.remove("addresses");
        }
    }
    v
}

fn sees_addresses(caller: &Caller) -> bool {
    caller.reader.roles.contains(&Role::Administrator)
}

/// `GET /directory/people`.
pub async fn people(
    State(app): State<App>,
    Extension(caller): Signed,
    Query(q): Query<PeopleQuery>,
) -> Result<Response, Problem> {
    let limit = q.limit.unwrap_or(100).clamp(1, 1_000);
    if q.q.as_ref().is_some_and(|t| t.chars().count() > 200) {
        return Err(Problem::invalid("q: at most 200 characters"));
    }
    let roll = app.centre.roll.load_full();
    let d = &roll.directory;
    let words: Vec<String> = q.q.iter().flat_map(|t| t.split_whitespace()).map(str::to_lowercase).collect();
    let fits = |p: &&Person| {
        let unit = d.units.get(&p.unit);
        q.unit.as_ref().is_none_or(|u| *u == p.unit)
            && q.agency.as_ref().is_none_or(|a| unit.is_some_and(|u| u.agency == *a))
            && q.role.is_none_or(|r| p.roles.contains(&r))
            && q.disabled.is_none_or(|x| x == p.disabled)
            && (words.is_empty() || {
                let unit = unit.map(|u| u.name.as_str()).unwrap_or_default();
                let text = format!("{} {} {unit} {}", p.id, p.name, p.tak_uid.as_deref().unwrap_or_default());
                let text = text.to_lowercase();
                words.iter().all(|w| text.contains(w))
            })
    };
    let total = d.people.values().filter(fits).count();
    let after = |p: &&Person| q.cursor.as_ref().is_none_or(|c| p.id > *c);
    let mut found = d.people.values().filter(after).filter(fits);
    let page: Vec<Person> = found.by_ref().take(limit).cloned().collect();
    let next = found.next().and(page.last().map(|p| p.id.clone()));
    let items: Vec<Value> = entered(&app, d, page).await?.iter().map(|e| shown(e, &caller)).collect();
    ok(Json(json!({"items": items, "next": next, "total": total})))
}

/// `GET /directory/people/{id}`.
pub async fn person(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<PersonId>,
) -> Result<Response, Problem> {
    let roll = app.centre.roll.load_full();
    let p = roll.directory.people.get(&id).ok_or_else(Problem::not_found)?.clone();
    let all = entered(&app, &roll.directory, vec![p]).await?;
    ok(Json(all.first().map(|e| shown(e, &caller)).ok_or_else(Problem::not_found)?))
}

/// Changes of the directory as a client sends them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryBody {
    id: RequestId,
    changes: Vec<DirectoryChange>,
}

/// `POST /directory`.
pub async fn change(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<DirectoryBody>,
) -> Result<Response, Problem> {
    if body.changes.is_empty() {
        return Err(Problem::invalid("changes: none is given"));
    }
    done(&app, &caller, (body.id, "POST directory", value), body.changes).await
}

/// Takes the changes once.
async fn done(
    app: &App,
    caller: &Caller,
    request: (RequestId, &str, Value),
    changes: Vec<DirectoryChange>,
) -> Result<Response, Problem> {
    let answer = json!({"id": request.0, "changes": changes.len()});
    once(app, caller, request, (StatusCode::OK, answer), Act::Directory { changes }).await
}

/// A CSV file as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportBody {
    id: RequestId,
    csv: String,
    /// Only say what it would do.
    preview: bool,
    /// Make agencies and units that are not known.
    #[serde(default)]
    create: bool,
}

/// `POST /directory/imports`.
pub async fn import(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<ImportBody, MOST_IMPORT>,
) -> Result<Response, Problem> {
    let roll = app.centre.roll.load_full();
    let ImportBody { id, csv, preview, create } = body;
    let planning = tokio::task::spawn_blocking(move || Plan::read(&csv, &roll.directory, create));
    let mut plan = planning.await.map_err(Problem::internal)?;
    let answer = |plan: &Plan| -> Result<Value, Problem> {
        let mut v = serde_json::to_value(plan).map_err(Problem::internal)?;
        if let Some(o) = v.as_object_mut() {
            o.insert("id".into(), json!(id));
            o.insert("preview".into(), preview.into());
        }
        Ok(v)
    };
    if preview {
        // Nothing is done: a repeat is harmless.
        return ok(Json(answer(&plan)?));
    }
    // What was asked is known by its id and its bytes, whatever the plan is by now: a repeat gets the first answer.
    let changes = if plan.fits() { std::mem::take(&mut plan.changes) } else { Vec::new() };
    if changes.is_empty() && !super::body::was_answered(&app, &caller, id).await? {
        if plan.fits() {
            plan.rows.clear();
            return ok(Json(answer(&plan)?));
        }
        return Err(Problem::new(StatusCode::CONFLICT, "does_not_fit", plan.refusal()));
    }
    // The answer stands in the record: the counts, not every row again.
    plan.rows.clear();
    let answer = answer(&plan)?;
    let request = (id, "POST directory/imports", value);
    once(&app, &caller, request, (StatusCode::OK, answer), Act::Directory { changes }).await
}

/// `GET /directory.csv`.
pub async fn export(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let roll = app.centre.roll.load_full();
    let addresses = sees_addresses(&caller);
    let text = tokio::task::spawn_blocking(move || people_csv::write(&roll.directory, addresses)).await;
    ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"people.csv\""),
        ],
        text.map_err(Problem::internal)?,
    ))
}

/// Whether the caller may write rosters of a unit: an administrator all, a supervisor those of units whose chain they
/// are on.
fn may_write(caller: &Caller, unit: &Unit) -> bool {
    let roles = &caller.reader.roles;
    roles.contains(&Role::Administrator) || roles.contains(&Role::Supervisor) && unit.leadership.contains(caller.id())
}

/// `GET /rosters`.
pub async fn rosters(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let roll = app.centre.roll.load_full();
    let d = &roll.directory;
    let roles = &caller.reader.roles;
    let all = [Role::Watch, Role::Auditor, Role::Administrator].iter().any(|r| roles.contains(r));
    let present = app.centre.hub.present();
    let items: Vec<Value> = d
        .rosters
        .values()
        .filter_map(|r| Some((r, d.units.get(&r.unit)?)))
        .filter(|(_, u)| all || u.leadership.contains(caller.id()))
        .map(|(r, u)| {
            // Who is named in it, and whether a page of theirs is open; no other people.
            let named: BTreeMap<&PersonId, Value> = r
                .duties
                .iter()
                .filter_map(|duty| d.people.get(&duty.person))
                .map(|p| (&p.id, json!({"name": p.name, "disabled": p.disabled, "here": present.contains(&p.id)})))
                .collect();
            json!({"roster": r, "unit_name": u.name, "people": named, "may_write": may_write(&caller, u)})
        })
        .collect();
    let mine = d.units.values().filter(|u| may_write(&caller, u));
    let units: Vec<Value> = mine.map(|u| json!({"id": u.id, "name": u.name})).collect();
    ok(Json(json!({"items": items, "units": units})))
}

/// A roster as a client sends it, or the id of one that goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterBody {
    id: RequestId,
    #[serde(default)]
    roster: Option<Roster>,
    #[serde(default)]
    remove: Option<UnitId>,
}

/// `POST /rosters`.
pub async fn put_roster(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<RosterBody>,
) -> Result<Response, Problem> {
    let roll: Arc<crate::centre::Roll> = app.centre.roll.load_full();
    let d = &roll.directory;
    let (roster, change) = match (body.roster, body.remove) {
        (Some(r), None) => (r.id.clone(), DirectoryChange::PutRoster { roster: r }),
        (None, Some(id)) => (id.clone(), DirectoryChange::RemoveRoster { roster: id }),
        _ => return Err(Problem::invalid("give either roster or remove")),
    };
    let administers = caller.reader.roles.contains(&Role::Administrator);
    let theirs = |unit: &UnitId| d.units.get(unit).is_some_and(|u| may_write(&caller, u));
    // Both the unit that it is of now and the one that it would be of.
    let old = d.rosters.get(&roster).map(|r| r.unit.clone());
    let new = if let DirectoryChange::PutRoster { roster } = &change { Some(&roster.unit) } else { None };
    if !administers && !old.iter().chain(new).all(theirs) {
        return Err(Problem::forbidden("You may write only rosters of units whose leadership you are in."));
    }
    if !administers && let DirectoryChange::PutRoster { roster } = &change {
        // Whom they do not lead, they may not learn of by trying names.
        let of_unit = |p: &PersonId| {
            d.people.get(p).is_some_and(|p| p.unit == roster.unit)
                || d.units.get(&roster.unit).is_some_and(|u| u.leadership.contains(p))
        };
        if let Some(stranger) = roster.duties.iter().map(|x| &x.person).find(|p| !of_unit(p)) {
            let detail =
                format!("duties: '{stranger}' is not of unit '{}': only its own people stand on it.", roster.unit);
            return Err(Problem::invalid(detail));
        }
    }
    done(&app, &caller, (body.id, "POST rosters", value), vec![change]).await
}
