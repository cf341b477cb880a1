//! [`Rendering`]: a bulletin as each channel carries it, over HTTP: of what was issued for whoever may see it, and of what
//! somebody writes side by side, marked as a draft.
//!
//! Nothing here sends anything. What passes strangers' machines is rendered as they would get it: above TLP:GREEN it says
//! only to open Skypicket.

use super::{App, Caller, Problem, Signed, body::Strict, bulletins::own_marking, notices, ok};
use crate::{clock, engines::Engines, inbox::NotTaken};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use skypicket_model::{
    Act, BulletinAct, BulletinContent, Channel, DeskEvent, Notice, NoticeId, PersonId, Reader, Refusal, Time, Tlp,
    Zone, may_see, people::Language,
};
use skypicket_record::Record;
use skypicket_wire::{
    cap::Name,
    render::{
        Edition, Words, cap, mail,
        package::{Parts, chat, data_package, file_name},
        pdf::{Paper, PdfError, pdf},
        plain, push,
        sheet::SheetText,
        short,
    },
};

/// One way of putting a bulletin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rendering {
    Page,
    Pdf,
    Alert,
    Package,
    Chat,
    Mail,
    Push,
    Short,
    Brief,
}

impl Rendering {
    const ALL: [Self; 9] = [
        Self::Page,
        Self::Pdf,
        Self::Alert,
        Self::Package,
        Self::Chat,
        Self::Mail,
        Self::Push,
        Self::Short,
        Self::Brief,
    ];

    /// Its file name, by which it is asked for.
    fn name(self) -> &'static str {
        match self {
            Self::Page => "page.txt",
            Self::Pdf => "bulletin.pdf",
            Self::Alert => "alert.xml",
            Self::Package => "tak.zip",
            Self::Chat => "chat.txt",
            Self::Mail => "mail.txt",
            Self::Push => "push.txt",
            Self::Short => "sms-90.txt",
            Self::Brief => "sms-360.txt",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Alert => "application/cap+xml",
            Self::Package => "application/zip",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// How what is saved of it ends.
    fn ending(self) -> &'static str {
        self.name().rsplit_once('.').map_or("txt", |(_, ending)| ending)
    }
}

/// What is rendered, with all that goes into it besides: it is done away from the threads that answer.
struct Source {
    notice: Notice,
    earlier: Vec<Notice>,
    edition: Edition,
    reader: PersonId,
    centre: String,
    link: Option<String>,
    /// The centre's time.
    zone: Zone,
    /// The strictest label that goes by mail.
    mail: Tlp,
    /// Who sends alerts.
    sender: Name,
}

impl Source {
    fn new(app: &App, caller: &Caller, notice: Notice, earlier: Vec<Notice>, edition: Edition) -> Self {
        let signed = app.carriers.signed();
        Self {
            notice,
            earlier,
            edition,
            reader: caller.id().clone(),
            centre: signed.centre.to_owned(),
            link: signed.link.map(str::to_owned),
            zone: signed.zone.cloned().unwrap_or_default(),
            mail: app.carriers.content_up_to(Channel::Mail),
            sender: app.cap.sender().clone(),
        }
    }

    fn words(&self, language: Language) -> Words<'_> {
        let sending = skypicket_wire::render::Sending {
            link: self.link.as_deref(),
            centre: &self.centre,
            zone: Some(&self.zone),
            ..Default::default()
        };
        Words { edition: self.edition, ..Words::of(&self.notice, &self.reader, language, sending) }
    }

    /// The bytes of a rendering; `None` where there is none of that kind.
    fn render(&self, what: Rendering, language: Language, paper: Paper) -> Result<Option<Vec<u8>>, Problem> {
        let w = self.words(language);
        // Whoever may see it reads it here whatever its label; it has it on it.
        let own = Tlp::Red;
        let text = match what {
            Rendering::Page => plain::plain(&w.handed_on(), own),
            Rendering::Chat => chat(&w, own),
            Rendering::Mail => {
                let m = mail::mail(&w, self.mail);
                format!("Subject: {}\n\n{}", m.subject, m.body)
            }
            Rendering::Push => {
                let p = push::push(&w);
                format!("{}\n{}\n", p.title, p.body)
            }
            Rendering::Short => short::short(&w),
            Rendering::Brief => short::brief(&w),
            Rendering::Pdf => return self.pdf(language, paper).map(Some),
            Rendering::Alert => {
                let issuer = cap::Issuer { sender: &self.sender, name: &self.centre, web: self.link.as_deref() };
                let alert = cap::alert(&self.notice, &self.earlier, self.edition, issuer);
                return Ok(alert.map(|a| a.to_xml().into_bytes()));
            }
            Rendering::Package => {
                let pdf = self.pdf(language, paper)?;
                let parts = Parts {
                    notice: self.notice.id,
                    version: self.notice.version,
                    name: &self.file(),
                    pdf: &pdf,
                    text: &plain::plain(&w.handed_on(), own),
                };
                return data_package(parts).map(Some).map_err(Problem::internal);
            }
        };
        Ok(Some(text.into_bytes()))
    }

    fn pdf(&self, language: Language, paper: Paper) -> Result<Vec<u8>, Problem> {
        let sheet = SheetText::of(&self.notice, language, self.edition, &self.zone).ok_or_else(Problem::not_found)?;
        pdf(&sheet, paper, &format!("{}.{}", self.notice.id, self.notice.version)).map_err(|e| match e {
            PdfError::TooLong => Problem::invalid(e.to_string()),
            PdfError::Unmade(_) => Problem::internal(e),
        })
    }

    /// What a saved file is called, without its ending: the number and version.
    fn file(&self) -> String {
        let past = if self.edition == Edition::Past { "-not-in-force" } else { "" };
        file_name(&format!("{}{past}", saved_name(&self.notice)))
    }
}

/// The size of a page, as it is asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PaperSize {
    #[default]
    A4,
    Letter,
}

impl From<PaperSize> for Paper {
    fn from(size: PaperSize) -> Self {
        match size {
            PaperSize::A4 => Self::A4,
            PaperSize::Letter => Self::Letter,
        }
    }
}

/// How it is to be put.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderingQuery {
    /// The reader's own where it is left out.
    #[serde(default)]
    lang: Option<Language>,
    #[serde(default)]
    paper: PaperSize,
}

/// `GET /notices/{id}/versions/{v}/renderings/{name}`.
pub async fn one(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((id, version, name)): Path<(NoticeId, u32, String)>,
    Query(q): Query<RenderingQuery>,
) -> Result<Response, Problem> {
    let what = Rendering::ALL.into_iter().find(|r| r.name() == name).ok_or_else(|| {
        let names: Vec<&str> = Rendering::ALL.iter().map(|r| r.name()).collect();
        Problem::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such rendering: {}.", names.join(", ")))
    })?;
    let newest = notices::view(&app, &caller, id).await?.ok_or_else(Problem::not_found)?.notice;
    let kept = app.centre.record.notice_versions(id).await.map_err(Problem::internal)?;
    let mut versions: Vec<Notice> = kept.into_iter().map(|row| row.notice).collect();
    let recorded = versions.iter().any(|n| n.version == version);
    // The newest may not have been written yet.
    if versions.iter().all(|n| n.version != newest.version) {
        versions.push(newest.clone());
    }
    let notice = versions.iter().find(|n| n.version == version).cloned().ok_or_else(Problem::not_found)?;
    // An earlier version may have been marked more strictly.
    if !may_see(&caller.reader, &notice.marking) || notice.bulletin().is_none() {
        return Err(Problem::not_found());
    }
    let own = app.centre.roll.load().directory.people.get(caller.id()).map(|p| p.language);
    if what == Rendering::Alert {
        // One message has one text, signed once: partners get the same. What a crash could still take back is not signed.
        if !recorded {
            return Err(NotTaken::Unwritten.into());
        }
        let signed = app.cap.alert(&notice, &versions).await?.ok_or_else(Problem::not_found)?;
        let file = format!("{}.xml", file_name(&saved_name(&notice)));
        return Ok(saved_as(signed.xml.clone().into_response(), what, &file));
    }
    let edition = if notice.version < newest.version { Edition::Past } else { Edition::InForce };
    let earlier = versions.into_iter().filter(|n| n.version < version).collect();
    let language = q.lang.or(own).unwrap_or_default();
    let source = Source::new(&app, &caller, notice, earlier, edition);
    let file = format!("{}.{}", source.file(), what.ending());
    let paper = q.paper.into();
    let made = tokio::task::spawn_blocking(move || source.render(what, language, paper));
    let bytes = made.await.map_err(Problem::internal)??.ok_or_else(Problem::not_found)?;
    Ok(saved_as(bytes.into_response(), what, &file))
}

/// With its media type; what is no text is saved under this name.
fn saved_as(mut r: Response, what: Rendering, file: &str) -> Response {
    r.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(what.media_type()));
    let saved = HeaderValue::from_str(&format!("attachment; filename=\"{file}\""));
    if let (false, Ok(saved)) = (what.media_type().starts_with("text/"), saved) {
        r.headers_mut().insert(header::CONTENT_DISPOSITION, saved);
    }
    r
}

/// What a saved version is called, without its ending: the number and version.
fn saved_name(notice: &Notice) -> String {
    let number = notice.bulletin().and_then(|b| b.number.as_deref());
    let front = if notice.exercise.is_some() { "EXERCISE-" } else { "" };
    format!("{front}{}-v{}", number.unwrap_or("bulletin"), notice.version)
}

/// What somebody writes, as far as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    content: BulletinContent,
    #[serde(default)]
    paper: PaperSize,
}

/// One rendering of a draft.
#[derive(Debug, Serialize)]
struct Item {
    name: &'static str,
    language: Language,
    media_type: &'static str,
    /// What it says; `None` of a PDF.
    text: Option<String>,
    /// Its bytes; only of a PDF.
    base64: Option<String>,
    /// How long its text is, characters.
    characters: Option<usize>,
}

/// `POST /bulletins/preview/renderings`: changes nothing, so that it needs no id.
pub async fn preview(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { body, .. }: Strict<PreviewBody>,
) -> Result<Response, Problem> {
    own_marking(&caller, &body.content)?;
    let (reader, exercise, now) = (caller.reader.clone(), app.centre.exercise.clone(), clock::now());
    let content = body.content;
    let drafted = app.centre.ask(move |e| drafted(e, &reader, content, exercise.as_deref(), now)).await?;
    let notice = drafted.map_err(|r| NotTaken::Refused { code: r.code, message: r.message })?;
    let notice = notice.ok_or_else(|| Problem::internal("a draft gave no notice"))?;
    let exercise = notice.exercise.clone();
    let source = Source::new(&app, &caller, notice, Vec::new(), Edition::Draft);
    let paper: Paper = body.paper.into();
    let items = tokio::task::spawn_blocking(move || all(&source, paper)).await.map_err(Problem::internal)??;
    ok(Json(json!({"exercise": exercise, "items": items})))
}

/// Every rendering in every language; not the data package, which holds two of the others.
fn all(source: &Source, paper: Paper) -> Result<Vec<Item>, Problem> {
    let mut items = Vec::new();
    for language in [Language::En, Language::Es] {
        for what in Rendering::ALL.into_iter().filter(|r| *r != Rendering::Package) {
            let Some(bytes) = source.render(what, language, paper)? else { continue };
            let (text, base64) = match what {
                Rendering::Pdf => (None, Some(STANDARD.encode(bytes))),
                _ => (Some(String::from_utf8(bytes).map_err(Problem::internal)?), None),
            };
            let characters = text.as_ref().map(|t| t.chars().count());
            items.push(Item { name: what.name(), language, media_type: what.media_type(), text, base64, characters });
        }
    }
    Ok(items)
}

/// The notice that a draft would become; refused as the draft would be.
fn drafted(
    e: &Engines,
    reader: &Reader,
    content: BulletinContent,
    exercise: Option<&str>,
    now: Time,
) -> Result<Option<Notice>, Refusal> {
    // An id that no bulletin has, and that none becomes.
    let notice = NoticeId(uuid::Uuid::now_v7());
    let draft = BulletinAct::Draft { notice, read: None, content: Box::new(content.clone()) };
    e.desk().check(&reader.person, &Act::Bulletin(draft), now)?;
    let state = crate::bulletins::as_issued(notice, content, &reader.person, now);
    Ok(e.desk().version(&DeskEvent::Bulletin { state: Box::new(state) }, exercise, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_rendering_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Rendering::ALL.iter().map(|r| r.name()).collect();
        assert_eq!(names.len(), Rendering::ALL.len());
        assert_eq!(Rendering::Package.ending(), "zip");
    }
}
