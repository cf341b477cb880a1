//! [`alert`]: a bulletin as a CAP 1.2 alert, in English and Spanish.
//!
//! One version is one message; what is in force of the versions before is what it references. In an exercise the status is
//! `Exercise`, of a draft `Draft`: one function says so ([`status`]), and the texts say it again for receivers that look at
//! no status. What a bulletin rests on is not in it.
//!
//! Who was given a version and is not released the next one is given its end all the same: [`withdrawal`].

use super::{
    Edition, marking_line, one_line,
    sheet::{Body, Part, SheetText, area_words},
    short,
};
use crate::cap::{
    Alert, Area as CapArea, Category, Certainty, Circle, DateTime, Info, MsgType, Name, Polygon, Reference,
    ResponseType, Scope, Severity, Status, Urgency, check,
};
use skypicket_model::{
    Area, Bulletin, Level, Marking, Notice, NoticeState, Tlp, Zone, intelligence::Credibility, notice::WITHDRAWN,
    people::Language,
};
use std::collections::BTreeSet;

/// Who sends.
#[derive(Debug, Clone, Copy)]
pub struct Issuer<'a> {
    /// Unique in the world, and the same for all messages of a centre.
    pub sender: &'a Name,
    /// The centre's name, where the bulletin names no issuer.
    pub name: &'a str,
    /// Where it can be read, a whole URI.
    pub web: Option<&'a str>,
}

/// What a receiver may do with it: the only place that can say `Actual`.
pub fn status(exercise: Option<&str>, edition: Edition) -> Status {
    match (edition, exercise) {
        (Edition::Draft, _) => Status::Draft,
        (Edition::InForce | Edition::Past, Some(_)) => Status::Exercise,
        (Edition::InForce | Edition::Past, None) => Status::Actual,
    }
}

/// The alert of one version of a bulletin. (Its times are elements of the standard's own, in UTC; no text has any.) `earlier` are the versions before it, in any order. `None` for a warning, and
/// for what expired: its alerts said themselves when they would.
pub fn alert<'a>(
    notice: &Notice,
    earlier: impl IntoIterator<Item = &'a Notice>,
    edition: Edition,
    issuer: Issuer<'_>,
) -> Option<Alert> {
    let bulletin = notice.bulletin()?;
    if notice.state == NoticeState::Expired {
        return None;
    }
    let sent = DateTime::utc(notice.at);
    let mut alert = Alert::new(identifier(notice)?, issuer.sender.clone(), sent);
    alert.status = status(notice.exercise.as_deref(), edition);
    // The name of an exercise belongs here, as the standard has it.
    alert.note = SheetText::of(notice, Language::En, edition, &Zone::default())?.front;
    alert.source = Some("Skypicket".into());
    mark(&mut alert, &notice.marking);
    let references = references(notice, earlier, issuer.sender);
    let kind = match notice.state {
        NoticeState::Recalled => MsgType::Cancel,
        // (All before it may be over by now: then it begins anew.)
        NoticeState::Updated if !references.is_empty() => MsgType::Update,
        _ => MsgType::Alert,
    };
    alert = alert.about(kind, references);
    for language in [Language::En, Language::Es] {
        alert.info.push(info(notice, bulletin, language, edition, issuer)?);
    }
    Some(alert)
}

/// Of a version: notice and version, so that it is the same whenever it is made.
pub fn identifier(notice: &Notice) -> Option<Name> {
    Name::new(&format!("{}.{}", notice.id, notice.version)).ok()
}

/// Of the withdrawal that a version makes necessary.
pub fn withdrawal_identifier(notice: &Notice) -> Option<Name> {
    Name::new(&format!("{}{WITHDRAWN}", identifier(notice)?.as_str())).ok()
}

/// The end of a bulletin for whoever was released the version before `notice` and is not released `notice`: a Cancel of
/// all that came before. Of `notice` it has the number of the version and its time; its words, its marking and its level
/// are another's, and stay there: what it says of itself is from `last`, the newest version that its readers were given.
/// `None` where nothing of what came before still holds: those alerts said their end themselves.
pub fn withdrawal<'a>(
    notice: &Notice,
    last: &Notice,
    earlier: impl IntoIterator<Item = &'a Notice>,
    issuer: Issuer<'_>,
) -> Option<Alert> {
    let bulletin = last.bulletin()?;
    let references = references(notice, earlier, issuer.sender);
    if references.is_empty() || last.version >= notice.version {
        return None;
    }
    let sent = DateTime::utc(notice.at);
    let mut alert = Alert::new(withdrawal_identifier(notice)?, issuer.sender.clone(), sent);
    alert.status = status(notice.exercise.as_deref(), Edition::InForce);
    let front = SheetText::of(last, Language::En, Edition::InForce, &Zone::default())?.front;
    let words = "withdrawn from this feed";
    alert.note = Some(front.map_or_else(|| words.to_owned(), |f| format!("{f}: {words}")));
    alert.source = Some("Skypicket".into());
    mark(&mut alert, &last.marking);
    alert = alert.about(MsgType::Cancel, references);
    for language in [Language::En, Language::Es] {
        let text = SheetText::of(last, language, Edition::InForce, &Zone::default())?;
        let mut info = heading(&text, language, issuer);
        (info.urgency, info.severity, info.certainty) = (Urgency::Past, Severity::Unknown, Certainty::Unknown);
        info.response_type = vec![ResponseType::Nothing];
        info.expires = last.expires_at.map(DateTime::utc).filter(|e| e.at() > sent.at());
        let front = text.front.as_ref().map(|f| format!("{f}: ")).unwrap_or_default();
        let (headline, description) = match language {
            Language::En => (
                "WITHDRAWN FROM THIS FEED",
                "This bulletin is no longer given to systems that read this feed: what they were given of it no longer \
                 holds. This does not say that the danger is over. Ask whoever issued it.",
            ),
            Language::Es => (
                "RETIRADO DE ESTE CANAL",
                "Este boletín ya no se entrega a los sistemas que leen este canal: lo que recibieron de él ya no está \
                 vigente. Esto no significa que el peligro haya pasado. Pregunte a quien lo emitió.",
            ),
        };
        info.headline = Some(short::cut(&format!("{front}{headline}: {}", text.title), check::HEADLINE));
        info.description = Some(format!("{front}{description}"));
        let contact = bulletin.sheet.as_deref().map(|s| one_line(&s.contact));
        info.contact = contact.filter(|c| !c.is_empty());
        parameters(&mut info, &last.marking, BTreeSet::new(), text.number.as_deref());
        alert.info.push(info);
    }
    Some(alert)
}

/// Who may have it.
fn mark(alert: &mut Alert, marking: &Marking) {
    if marking.tlp == Tlp::Clear && marking.releasable_to.is_empty() {
        alert.scope = Scope::Public;
    } else {
        alert.scope = Scope::Restricted;
        alert.restriction = Some(one_line(&marking_line(marking)));
    }
}

/// What kind of bulletin it is, in which language, and whose.
fn heading(text: &SheetText, language: Language, issuer: Issuer<'_>) -> Info {
    let mut info = Info::new(Category::Security, text.kind.clone());
    info.category.push(Category::Safety);
    info.language = Some(if language == Language::Es { "es" } else { "en" }.into());
    info.sender_name = Some(if text.issuer.is_empty() { issuer.name.to_owned() } else { text.issuer.clone() });
    info.web = issuer.web.map(str::to_owned);
    info
}

/// Marking, grades and number, for machines.
fn parameters(info: &mut Info, marking: &Marking, grades: BTreeSet<String>, number: Option<&str>) {
    info.parameter("TLP", marking.tlp.label());
    if !marking.releasable_to.is_empty() {
        let agencies: Vec<&str> = marking.releasable_to.iter().map(skypicket_model::AgencyId::as_str).collect();
        info.parameter("Releasability", agencies.join(", "));
    }
    if !grades.is_empty() {
        info.parameter("SourceGrade", grades.into_iter().collect::<Vec<_>>().join(" "));
    }
    if let Some(number) = number {
        info.parameter("BulletinNo", number);
    }
}

/// The versions before that receivers may still hold.
fn references<'a>(notice: &Notice, earlier: impl IntoIterator<Item = &'a Notice>, sender: &Name) -> Vec<Reference> {
    let holds = |n: &&Notice| {
        n.id == notice.id
            && n.version < notice.version
            && !n.state.ended()
            && n.expires_at.is_none_or(|t| t > notice.at)
    };
    let reference = |n: &Notice| {
        Some(Reference {
            sender: sender.as_str().to_owned(),
            identifier: identifier(n)?.as_str().to_owned(),
            sent: DateTime::utc(n.at).to_string(),
        })
    };
    let mut all: Vec<Reference> = earlier.into_iter().filter(holds).filter_map(reference).collect();
    all.sort_by(|a, b| (&a.sent, &a.identifier).cmp(&(&b.sent, &b.identifier)));
    all
}

fn info(
    notice: &Notice,
    bulletin: &Bulletin,
    language: Language,
    edition: Edition,
    issuer: Issuer<'_>,
) -> Option<Info> {
    let text = SheetText::of(notice, language, edition, &Zone::default())?;
    let sheet = bulletin.sheet.as_deref();
    let ended = notice.state.ended();
    let mut info = heading(&text, language, issuer);
    let begins = sheet.and_then(|s| s.valid_from).filter(|t| *t > notice.at);
    (info.urgency, info.severity) = match notice.level {
        _ if ended => (Urgency::Past, Severity::Unknown),
        Level::Urgent => (Urgency::Immediate, Severity::Severe),
        Level::Caution => (Urgency::Expected, Severity::Moderate),
        Level::Advisory => (Urgency::Future, Severity::Minor),
    };
    if begins.is_some() && !ended {
        info.urgency = Urgency::Future;
    }
    info.certainty = if ended { Certainty::Unknown } else { certainty(bulletin) };
    info.response_type = match sheet {
        _ if ended => vec![ResponseType::Nothing],
        Some(s) if !s.measures.is_empty() => vec![ResponseType::Prepare, ResponseType::Monitor],
        _ => vec![ResponseType::Monitor],
    };
    let front = text.front.as_ref().map(|f| format!("{f}: ")).unwrap_or_default();
    info.effective = begins.filter(|_| !ended).map(DateTime::utc);
    let starts = info.effective.unwrap_or_else(|| DateTime::utc(notice.at)).at();
    info.expires = notice.expires_at.map(DateTime::utc).filter(|e| e.at() > starts);
    let headline = format!("{front}{}: {}", text.standing, text.title);
    info.headline = Some(short::cut(&headline, check::HEADLINE));
    let said = |parts: &[Part]| {
        let sections = text.sections.iter().filter(|s| parts.contains(&s.part));
        let blocks: Vec<String> = sections
            .map(|s| {
                let lines: Vec<String> = match &s.body {
                    Body::Paragraphs(t) => t.clone(),
                    Body::Points(t) => t.iter().map(|t| format!("- {t}")).collect(),
                    Body::Checklist(t) => t.iter().enumerate().map(|(k, t)| format!("{}. {t}", k + 1)).collect(),
                };
                let heading = if s.part == Part::Threat { String::new() } else { format!("{}:\n", s.heading) };
                format!("{heading}{}", lines.join("\n"))
            })
            .collect();
        (!blocks.is_empty()).then(|| format!("{front}{}", blocks.join("\n\n")))
    };
    info.description = said(&[Part::Threat, Part::Known, Part::NotKnown]);
    info.instruction = said(&[Part::Measures, Part::Report]);
    info.contact = sheet.map(|s| one_line(&s.contact)).filter(|c| !c.is_empty() && !ended);
    let known = sheet.iter().flat_map(|s| &s.known).filter(|_| !ended);
    let grades: BTreeSet<String> = known.map(|k| k.grade.to_string()).collect();
    parameters(&mut info, &notice.marking, grades, text.number.as_deref());
    if !ended {
        info.area.extend(area(bulletin, language));
    }
    Some(info)
}

/// How sure: the most doubtful of what is said to be known and was judged; unknown where nothing was.
fn certainty(bulletin: &Bulletin) -> Certainty {
    let known = bulletin.sheet.iter().flat_map(|s| &s.known).map(|k| k.grade.credibility);
    match known.filter(|c| *c != Credibility::Unknown).max() {
        Some(Credibility::Confirmed) => Certainty::Observed,
        Some(Credibility::Probable) => Certainty::Likely,
        Some(Credibility::Possible) => Certainty::Possible,
        Some(Credibility::Doubtful | Credibility::Improbable) => Certainty::Unlikely,
        Some(Credibility::Unknown) | None => Certainty::Unknown,
    }
}

fn area(bulletin: &Bulletin, language: Language) -> Option<CapArea> {
    let named = bulletin.sheet.as_ref().map(|s| one_line(s.area_name.in_spanish(language == Language::Es)));
    let named = named.filter(|n| !n.is_empty());
    let Some(drawn) = &bulletin.area else { return named.map(CapArea::new) };
    let mut area = CapArea::new(named.unwrap_or_else(|| area_words(drawn, language)));
    match drawn {
        // Kilometres.
        Area::Circle { centre, radius_m } => {
            area.circle.extend(Circle::new(centre.lat_deg, centre.lon_deg, radius_m / 1_000.0));
        }
        Area::Polygon { points } => {
            let ring = points.iter().chain(points.first()).copied().collect();
            area.polygon.extend(Polygon::new(ring));
        }
    }
    Some(area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cap::read,
        render::{
            all_tests::exercise_words_first,
            sheet::tests::{alert as bulletin, in_exercise, read as notice},
        },
    };
    use serde_json::json;

    fn made(n: &Notice, earlier: &[&Notice], edition: Edition) -> Alert {
        let sender = Name::new("skypicket.example").unwrap();
        let issuer = Issuer { sender: &sender, name: "Centre", web: Some("https://picket.example") };
        let made = alert(n, earlier.iter().copied(), edition, issuer).unwrap();
        // It keeps the standard's rules, and comes back as it was.
        assert_eq!(check::alert(&made), []);
        let received = read::read(made.to_xml().as_bytes()).unwrap();
        assert!(received.is_valid(), "{:?}", received.problems);
        assert_eq!(received.alert.as_ref(), Some(&made));
        made
    }

    #[test]
    fn an_alert_has_the_bulletin_in_both_languages() {
        insta::assert_snapshot!("cap_live", made(&notice(bulletin()), &[], Edition::InForce).to_xml());
        insta::assert_snapshot!("cap_exercise", made(&in_exercise(bulletin()), &[], Edition::InForce).to_xml());
    }

    #[test]
    fn an_exercise_or_a_draft_is_never_actual_in_any_state() {
        for state in ["issued", "updated", "recalled"] {
            for (exercise, edition, expect) in [
                (None, Edition::InForce, Status::Actual),
                (None, Edition::Past, Status::Actual),
                (None, Edition::Draft, Status::Draft),
                (Some("x"), Edition::InForce, Status::Exercise),
                (Some("x"), Edition::Past, Status::Exercise),
                (Some("x"), Edition::Draft, Status::Draft),
                (Some(""), Edition::InForce, Status::Exercise),
            ] {
                let mut v = bulletin();
                v["state"] = json!(state);
                v["version"] = json!(2);
                v["exercise"] = json!(exercise);
                let n = notice(v.clone());
                v["version"] = json!(1);
                v["state"] = json!("issued");
                let a = made(&n, &[&notice(v)], edition);
                assert_eq!(a.status, expect, "{state} {exercise:?} {edition:?}");
                for i in &a.info {
                    for text in [&i.headline, &i.description].into_iter().flatten().chain(&i.instruction) {
                        assert_eq!(exercise.is_some(), exercise_words_first(text), "{text}");
                        assert_eq!(edition == Edition::Draft, text.contains("DRAFT"), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_update_and_a_cancel_name_every_version_that_still_holds() {
        let version = |version: u32, state: &str, at: &str, expires: &str| {
            let mut v = bulletin();
            v["version"] = json!(version);
            v["state"] = json!(state);
            v["at"] = json!(at);
            v["expires_at"] = json!(expires);
            notice(v)
        };
        let one = version(1, "issued", "2026-11-26T18:00:00.25Z", "2026-11-26T19:00:00Z");
        let two = version(2, "updated", "2026-11-26T18:10:00Z", "2026-11-27T18:00:00Z");
        let three = version(3, "updated", "2026-11-26T18:20:00Z", "2026-11-27T18:00:00Z");
        let names = |a: &Alert| a.references.iter().map(ToString::to_string).collect::<Vec<_>>();
        let id = one.id;
        let a = made(&three, &[&two, &one], Edition::InForce);
        assert_eq!(a.msg_type, MsgType::Update);
        assert_eq!(
            names(&a),
            [
                format!("skypicket.example,{id}.1,2026-11-26T18:00:00-00:00"),
                format!("skypicket.example,{id}.2,2026-11-26T18:10:00-00:00")
            ]
        );
        // What has expired by then is not named, and a version does not name itself or later ones.
        let end = version(4, "recalled", "2026-11-26T19:30:00Z", "2026-11-27T18:00:00Z");
        let a = made(&end, &[&one, &two, &three, &end], Edition::InForce);
        assert_eq!(a.msg_type, MsgType::Cancel);
        assert_eq!(names(&a).len(), 2);
        let xml = a.to_xml();
        assert!(!xml.contains("armour") && !xml.contains("<area>") && xml.contains("RECALLED"), "{xml}");
        // The same triple each time: a receiver compares its text.
        assert_eq!(
            made(&one, &[], Edition::Past).reference().to_string(),
            names(&made(&two, &[&one], Edition::InForce))[0]
        );
    }

    #[test]
    fn a_withdrawal_ends_what_was_given_and_has_nothing_of_what_took_its_place() {
        let version = |version: u32, change: serde_json::Value| {
            let mut v = in_exercise(bulletin());
            v["version"] = json!(version);
            v["at"] = json!(format!("2026-11-26T18:{version}0:00Z"));
            v["expires_at"] = json!("2026-11-27T18:00:00Z");
            change.as_object().unwrap().iter().for_each(|(k, x)| v[k] = x.clone());
            notice(v)
        };
        let one = version(1, json!({"marking": {"tlp": "TLP:GREEN"}}));
        let mut secret = json!({"state": "updated", "level": "urgent",
            "marking": {"tlp": "TLP:AMBER+STRICT", "owner": "secretagency", "releasable_to": ["secretagency"]}});
        for live in [false, true] {
            secret["title"] = json!("Secret title");
            let two = version(2, secret.clone());
            let (one, two) = if live {
                (Notice { exercise: None, ..one.clone() }, Notice { exercise: None, ..two })
            } else {
                (one.clone(), two)
            };
            let sender = Name::new("skypicket.example").unwrap();
            let issuer = Issuer { sender: &sender, name: "Centre", web: None };
            let a = withdrawal(&two, &one, [&one, &two], issuer).unwrap();
            assert_eq!(check::alert(&a), []);
            assert_eq!(read::read(a.to_xml().as_bytes()).unwrap().alert.as_ref(), Some(&a));
            assert_eq!(a.status, if live { Status::Actual } else { Status::Exercise });
            assert_eq!((a.msg_type, a.identifier.as_str()), (MsgType::Cancel, &*format!("{}.2.withdrawn", one.id)));
            let names: Vec<String> = a.references.iter().map(ToString::to_string).collect();
            assert_eq!(names, [format!("skypicket.example,{}.1,2026-11-26T18:10:00-00:00", one.id)]);
            let xml = a.to_xml();
            assert!(!xml.to_lowercase().contains("secret") && !xml.contains("STRICT"), "{xml}");
            assert!(xml.contains("TLP:GREEN") && !xml.contains("armour") && !xml.contains("<area>"), "{xml}");
            for i in &a.info {
                let text = i.headline.as_ref().unwrap();
                assert_eq!(exercise_words_first(text), !live, "{text}");
                assert!(["WITHDRAWN", "RETIRADO"].iter().any(|w| text.contains(w)), "{text}");
            }
            // What came before is over by itself by then: nothing to end.
            let over = Notice { expires_at: Some(one.at), ..one.clone() };
            assert_eq!(withdrawal(&two, &over, [&over], issuer), None);
        }
    }

    #[test]
    fn what_it_rests_on_and_why_it_was_released_is_never_in_it() {
        let mut v = bulletin();
        v["sheet"]["rests_on"] = json!([{"to": "report", "id": "018f0000-0000-7000-8000-00000000beef"}]);
        v["sheet"]["release_why"] = json!("imminent danger");
        let xml = made(&notice(v), &[], Edition::InForce).to_xml();
        assert!(!xml.contains("beef") && !xml.contains("imminent danger"), "{xml}");
    }

    #[test]
    fn scope_follows_the_marking() {
        for (marking, scope) in [
            (json!({"tlp": "TLP:CLEAR"}), Scope::Public),
            (json!({"tlp": "TLP:CLEAR", "releasable_to": ["bp"]}), Scope::Restricted),
            (json!({"tlp": "TLP:GREEN"}), Scope::Restricted),
            (json!({"tlp": "TLP:AMBER+STRICT"}), Scope::Restricted),
        ] {
            let mut v = bulletin();
            v["marking"] = marking;
            let a = made(&notice(v), &[], Edition::InForce);
            assert_eq!((a.scope, a.restriction.is_some()), (scope, scope == Scope::Restricted));
        }
    }

    #[test]
    fn certainty_is_that_of_the_most_doubtful_that_was_judged() {
        for (credibility, expect) in [
            (vec![1], Certainty::Observed),
            (vec![1, 2], Certainty::Likely),
            (vec![3, 1, 6], Certainty::Possible),
            (vec![5], Certainty::Unlikely),
            (vec![6], Certainty::Unknown),
            (vec![], Certainty::Unknown),
        ] {
            let mut v = bulletin();
            v["sheet"]["known"] = credibility
                .iter()
                .map(|c| json!({"text": {"en": "x"}, "grade": {"reliability": "B", "credibility": c}}))
                .collect();
            assert_eq!(made(&notice(v), &[], Edition::InForce).info[0].certainty, expect, "{credibility:?}");
        }
    }

    #[test]
    fn a_drawn_area_is_closed_and_a_bulletin_for_later_is_of_the_future() {
        let mut v = bulletin();
        let p = |lat: f64, lon: f64| json!({"lat_deg": lat, "lon_deg": lon});
        v["area"] = json!({"shape": "polygon", "points": [p(31.7, -106.5), p(31.8, -106.5), p(31.8, -106.4)]});
        v["sheet"]["valid_from"] = json!("2026-11-27T00:00:00Z");
        let a = made(&notice(v), &[], Edition::InForce);
        assert_eq!(a.info[0].area[0].polygon[0].to_string(), "31.7,-106.5 31.8,-106.5 31.8,-106.4 31.7,-106.5");
        assert_eq!(a.info[0].urgency, Urgency::Future);
        let mut v = bulletin();
        v["state"] = json!("expired");
        let sender = Name::new("x").unwrap();
        let issuer = Issuer { sender: &sender, name: "", web: None };
        assert_eq!(alert(&notice(v), [], Edition::InForce, issuer), None);
    }
}
