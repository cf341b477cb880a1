use super::{door::unfit, *};
use skypicket_desk::bulletins::check_bounds;
use skypicket_model::{BulletinAct, NoticeId};
use std::path::{Path, PathBuf};

fn shipped() -> Library {
    Library::load(None).unwrap_or_else(|p| panic!("{p:?}"))
}

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("skypicket-library-{}", uuid::Uuid::now_v7()));
        for (name, text) in files {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Self(path)
    }
    fn load(&self) -> Result<Library, String> {
        Library::load(Some(&self.0)).map_err(|p| p.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn file(name: &str) -> String {
    embedded().into_iter().find(|(n, _)| n == name).unwrap().1
}

fn ask(template: &str, values: &[(&str, &str)]) -> Ask {
    let values = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Ask { template: template.into(), values, agency: None }
}

#[test]
fn what_comes_with_the_program_is_fit_and_whole() {
    let l = shipped();
    let names: Vec<&str> = l.templates.keys().map(String::as_str).collect();
    for live in ["officer-safety-alert", "drone-sightings", "own-flights", "fallen-drone", "all-clear"] {
        assert!(names.contains(&live) && names.contains(&format!("exercise-{live}").as_str()), "{live}: {names:?}");
    }
    assert!((15..=30).contains(&l.measures.len()), "{}", l.measures.len());
    assert_eq!(l.agencies.values().map(|w| w.agency.as_str()).collect::<Vec<_>>(), ["county", "sector"]);
    // Nothing in the folder is left unread.
    let all = 2 + l.templates.len() + l.agencies.len();
    assert_eq!(embedded().len(), all);
}

#[test]
fn an_area_has_a_name_and_sound_ground_and_what_is_made_up_is_never_offered_live() {
    let offered = |l: &Library, exercise| -> Vec<String> {
        l.view(exercise)["areas"].as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect()
    };
    let l = shipped();
    assert_eq!(offered(&l, false), Vec::<String>::new(), "no live centre's ground comes with the program");
    assert_eq!(offered(&l, true), ["exercise-river-road", "exercise-west-line"]);
    let area = |id: &str, exercise: bool, ground: &str| {
        format!(
            "format = 1\n[[area]]\nid = \"{id}\"\nversion = 1\nexercise = {exercise}\nname = {{ en = \"Mile 7\", es = \"Milla 7\" }}\n{ground}\n"
        )
    };
    let circle = "ground = { shape = \"circle\", centre = { lat_deg = 31.7, lon_deg = -106.4 }, radius_m = 900 }";
    let own = Folder::new(&[("areas.toml", &area("mile-7", false, circle))]).load().unwrap();
    assert_eq!(offered(&own, false), ["mile-7"]);
    assert!(offered(&own, true).contains(&"mile-7".to_owned()), "an exercise may be held on real ground");
    let point = |lat: f64, lon: f64| format!("{{ lat_deg = {lat}, lon_deg = {lon} }}");
    let bow = [point(31.7, -106.4), point(31.8, -106.3), point(31.8, -106.4), point(31.7, -106.3)].join(", ");
    let bow = format!("ground = {{ shape = \"polygon\", points = [{bow}] }}");
    for (text, why) in [
        (area("mile-7", true, circle), "areas.toml:5: 'mile-7' is for exercises: its id must begin with 'exercise-'"),
        (
            area("mile-7", false, &bow),
            "areas.toml:3: 'mile-7': ground: the side from point 1 crosses the side from point 3",
        ),
        (area("mile-7", false, &circle.replace("900", "0")), "areas.toml:3: 'mile-7': ground: radius_m is 0"),
        (area("mile-7", false, &circle.replace("circle", "square")), "areas.toml:7: unknown variant `square`"),
    ] {
        let said = Folder::new(&[("areas.toml", &text)]).load().unwrap_err();
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn a_twin_says_what_its_live_one_says_and_that_it_is_an_exercise() {
    let l = shipped();
    for (id, twin) in l.templates.iter().filter_map(|(id, t)| Some((id.strip_prefix(EXERCISE)?, t))) {
        let live = &l.templates[id];
        assert_eq!((&live.measures, &live.series, live.level), (&twin.measures, &twin.series, twin.level), "{id}");
        assert_eq!(live.placeholder, twin.placeholder, "{id}");
        assert!(twin.text.en.ends_with(live.text.en.as_str()) && twin.text.es.ends_with(live.text.es.as_str()), "{id}");
        assert!(twin.title.en.starts_with("EXERCISE") && twin.title.es.starts_with("EJERCICIO"));
    }
}

#[test]
fn a_filled_template_is_what_the_desk_takes_and_says_where_it_is_from() {
    let l = shipped();
    for t in l.templates.values() {
        let values = t
            .placeholder
            .iter()
            .flat_map(|p| [(p.name.clone(), p.example.en.clone()), (format!("{}.es", p.name), p.example.es.clone())]);
        let ask = Ask { template: t.id.clone(), values: values.collect(), agency: None };
        let draft = l.draft(&ask, t.exercise, Time::default()).unwrap();
        assert_eq!(draft.missing, [], "{}", t.id);
        assert_eq!(check_bounds(&draft.content), Vec::<String>::new(), "{}", t.id);
        let sheet = draft.content.sheet.as_ref().unwrap();
        assert_eq!(sheet.template, format!("{}@{}", t.id, t.version));
        let text = serde_json::to_string(&draft.content).unwrap();
        assert!(!text.contains("{centre}") && !text.contains("{area}"), "{text}");
        let spanish = &t.placeholder.iter().find(|p| p.name == "area").unwrap().example.es;
        assert!(draft.content.text_es.contains(spanish) && !draft.content.text.contains(spanish), "{}", t.id);
        let propose = BulletinAct::Propose {
            notice: NoticeId(uuid::Uuid::from_u128(1)),
            content: Box::new(draft.content.clone()),
        };
        assert_eq!(unfit(&propose, None, t.exercise), None, "{}", t.id);
        assert!(unfit(&propose, None, !t.exercise).unwrap().contains(if t.exercise {
            "is for exercises"
        } else {
            "is for live"
        }));
        assert_eq!(l.example(&t.id, None, t.exercise, Time::default()), Some(draft.content));
    }
}

#[test]
fn nothing_is_invented_for_what_is_not_filled_in() {
    let l = shipped();
    let some = ask("drone-sightings", &[("area", "Mile 7"), ("times", " ")]);
    let draft = l.draft(&some, false, Time::default()).unwrap();
    let missing: Vec<&str> = draft.missing.iter().map(PlaceholderView::name).collect();
    assert_eq!(missing, ["pattern", "times", "centre", "report_how", "contact"]);
    assert_eq!(draft.content.title, "Drone sightings: Mile 7");
    assert_eq!(draft.content.title_es, "Avistamientos de drones: Mile 7", "English where there is no Spanish");
    assert!(draft.content.text.contains("{pattern}"));
    let act = |draft| {
        let (notice, content) =
            (NoticeId(uuid::Uuid::from_u128(1)), Box::new(l.draft(&some, false, Time::default()).unwrap().content));
        if draft {
            BulletinAct::Draft { notice, read: None, content }
        } else {
            BulletinAct::Propose { notice, content }
        }
    };
    assert_eq!(unfit(&act(true), None, false), None, "a draft may be unfinished");
    let wrong = unfit(&act(false), None, false).unwrap();
    assert_eq!(wrong.lines().count(), 5, "{wrong}");
    // To submit brings no words of its own: those that are kept count.
    let submit = BulletinAct::Submit { notice: NoticeId(uuid::Uuid::from_u128(1)), read: Time::default() };
    assert!(unfit(&submit, Some(&draft.content), false).unwrap().contains("{pattern}"));
}

#[test]
fn an_agency_says_it_its_own_way() {
    let l = shipped();
    let own = Ask { agency: Some("exercise-sector".into()), ..ask("exercise-officer-safety-alert", &[]) };
    let draft = l.draft(&own, true, Time::default()).unwrap();
    let sheet = draft.content.sheet.unwrap();
    assert_eq!(
        (sheet.issuer.as_str(), sheet.contact.as_str()),
        ("Sector Operations Centre", "Watch officer, extension 100")
    );
    assert!(sheet.report_to.en.starts_with("West lead"));
    let cover = sheet.measures.iter().find(|m| m.id == "cover-overhead").unwrap();
    assert!(cover.text.en.contains("pump house"), "{cover:?}");
    // What the writer gives goes before what the agency has.
    let mine = Ask { values: [("contact".to_owned(), "Me".to_owned())].into(), ..own };
    assert_eq!(l.draft(&mine, true, Time::default()).unwrap().content.sheet.unwrap().contact, "Me");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let l = shipped();
    let long = "x".repeat(81);
    for (ask, exercise, expect) in [
        (ask("nothing", &[]), false, "'nothing' is not there; there are: all-clear"),
        (ask("exercise-all-clear", &[]), false, "is for exercises, and this centre is live"),
        (ask("all-clear", &[]), true, "is for live centres, and this is an exercise"),
        (ask("all-clear", &[("wha", "x")]), false, "'wha' is no placeholder of 'all-clear'; there are: what"),
        (ask("all-clear", &[("area", &long)]), false, "area: 81 characters; give at most 80"),
        (ask("all-clear", &[("area", "{what}")]), false, "without braces"),
        (ask("all-clear", &[("area", "a\nb")]), false, "give one line"),
        (ask("all-clear", &[("area.es", "aquí")]), false, "area: say it in English as well"),
        (Ask { agency: Some("exercise-sector".into()), ..ask("all-clear", &[]) }, false, "there are: none"),
    ] {
        let wrong = l.draft(&ask, exercise, Time::default()).unwrap_err().join("\n");
        assert!(wrong.contains(expect), "{wrong}");
    }
}

#[test]
fn exercise_and_live_never_mix_whatever_the_library_holds() {
    let l = shipped();
    let of = |template: &str, title: &str, exercise: bool| {
        let id = if exercise { "exercise-all-clear" } else { "all-clear" };
        let mut content = l.example(id, None, exercise, Time::default()).unwrap();
        content.sheet.as_mut().unwrap().template = template.into();
        content.title = title.into();
        BulletinAct::Correct {
            notice: NoticeId(uuid::Uuid::from_u128(1)),
            read: None,
            content: Box::new(content),
            why: "x".into(),
        }
    };
    for (template, title, exercise, expect) in [
        // A template that is not in the library any more still says which it is for.
        ("gone@3", "All clear", false, None),
        ("exercise-gone@3", "EXERCISE: all clear", true, None),
        ("exercise-gone@3", "All clear", false, Some("is for exercises")),
        ("gone@3", "EXERCISE", true, Some("is for live centres")),
        ("exercise-all-clear@1", "All clear", true, Some("title: in an exercise it begins with EXERCISE")),
        ("all-clear@1", "EXERCISE: all clear", false, Some("this centre is live")),
        ("all-clear", "All clear", false, Some("NAME@VERSION")),
        ("all-clear@0", "All clear", false, Some("NAME@VERSION")),
        // Without a template nothing is said of it.
        ("", "All clear", false, None),
    ] {
        let wrong = unfit(&of(template, title, exercise), None, exercise);
        match expect {
            None => assert_eq!(wrong, None, "{template} {title}"),
            Some(expect) => assert!(wrong.clone().unwrap_or_default().contains(expect), "{template}: {wrong:?}"),
        }
    }
}

#[test]
fn a_folder_adds_and_replaces_by_id() {
    let own = file("templates/all-clear.toml")
        .replace("version = 1", "version = 7")
        .replace("en = \"All Clear\"", "en = \"Stand down\"");
    let new = file("templates/all-clear.toml").replace("id = \"all-clear\"", "id = \"stand-down\"");
    let measures = "format = 1\n[[measure]]\nid = \"rain\"\nversion = 1\nfits = \"Rain.\"\ntext = { en = \"Coat.\", es = \"Abrigo.\" }\n";
    let folder = Folder::new(&[
        ("templates/a.toml", &own),
        ("templates/b.toml", &new),
        ("measures.toml", measures),
        ("README.md", "x"),
    ]);
    let (l, before) = (folder.load().unwrap(), shipped());
    assert_eq!((l.templates["all-clear"].version, l.templates["all-clear"].kind.en.as_str()), (7, "Stand down"));
    assert_eq!((l.templates.len(), l.measures.len()), (before.templates.len() + 1, before.measures.len() + 1));
    assert_eq!(
        Folder::new(&[("measures.toml", &file("measures.toml"))]).load().unwrap(),
        before,
        "the same again is no change"
    );
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_line() {
    let osa = file("templates/officer-safety-alert.toml");
    let line_of = |text: &str, near: &str| text.lines().position(|l| l.contains(near)).unwrap() + 1;
    let long = format!("en = \"{}\"", "x".repeat(91));
    for (from, to, near, expect) in [
        ("series =", "serie =", "serie =", "unknown key `serie`: did you mean `series`?"),
        ("format = 1", "format = 2", "format = 2", "format is 2: this program reads 1"),
        ("exercise = false", "exercise = true", "exercise = true", "its id must begin with 'exercise-'"),
        ("id = \"officer-safety-alert\"", "id = \"Alert\"", "id = \"Alert\"", "give 1 to 64 of a-z"),
        ("\"vigilance\",", "\"nothing\",", "\"nothing\"", "there is no measure 'nothing'"),
        ("series = \"OSA\"", "series = \"osa\"", "series =", "give 1 to 6 capital letters"),
        ("valid_hours = 72", "valid_hours = 0", "valid_hours", "give over 0 and at most"),
        ("{threat}", "{thread}", "{thread}", "{thread} is not declared"),
        ("{threat}", "{threat", "{threat\n", "a brace that belongs to no {placeholder}"),
        ("name = \"area\"", "name = \"arena\"", "name = \"arena\"", "placeholder 'arena' is used nowhere"),
        ("most = 80", "most = 79000", "name = \"area\"", "most: give 1 to 2000"),
        ("es = \"Alerta de Seguridad para Agentes\"", "es = \"\"", "[kind]", "kind: say it in English and Spanish"),
        (
            "en = \"Drones with explosives may target",
            &format!("{long} #"),
            "[short]",
            "short: 91 characters; give at most 90",
        ),
        ("audience = [{ to = \"everybody\" }]", "audience = []", "audience", "give 1 to 100 rules"),
        ("version = 1", "version = 0", "officer-safety-alert", "versions count from 1"),
        (
            "en = \"This Officer Safety Alert is",
            "en = \"EXERCISE This Officer",
            "recall",
            "must not begin with EXERCISE",
        ),
        ("en = \"Officer Safety Alert\"", "en = \"OSA\"", "version", "give it another version"),
    ] {
        assert!(osa.contains(from), "{from}");
        let mut text = osa.replacen(from, to, 1);
        if from != "version = 1" && !expect.contains("another version") {
            text = text.replacen("version = 1", "version = 2", 1);
        }
        let wrong = Folder::new(&[("templates/osa.toml", &text)]).load().unwrap_err();
        let line = if near.ends_with('\n') { line_of(&text, near.trim_end()) } else { line_of(&text, near) };
        let found = wrong.lines().find(|l| l.contains(expect)).unwrap_or_else(|| panic!("{to}: {wrong}"));
        let at: usize = found.split("osa.toml:").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
        assert!(at.abs_diff(line) <= 1, "{to}: line {line}: {found}");
    }
}

#[test]
fn an_agencys_file_and_the_folder_itself_are_checked_too() {
    let own = |text: &str| {
        format!(
            "format = 1\nid = \"bp\"\nversion = 1\nexercise = false\nagency = \"bp\"\nname = {{ en = \"BP\", es = \"BP\" }}\n{text}"
        )
    };
    let one = |text: &str| Folder::new(&[("agencies/bp.toml", &own(text))]).load();
    assert!(one("").is_ok());
    let measure =
        |id: &str| format!("[[measure]]\nid = \"{id}\"\nversion = 1\ntext = {{ en = \"Coat.\", es = \"Abrigo.\" }}\n");
    for (text, expect) in [
        (measure("nothing"), "there is no measure 'nothing'"),
        (measure("buddy") + &measure("buddy"), "give it once"),
        ("[values]\nweather = { en = \"rain\" }\n".into(), "no template has a placeholder 'weather'"),
        (format!("[values]\narea = {{ en = \"{}\" }}\n", "x".repeat(81)), "values: 'area': give at most 80 characters"),
        (format!("report_to = {{ en = \"{}\", es = \"x\" }}\n", "x".repeat(301)), "give at most 300"),
        ("report_to = { en = \"x\" }\n".into(), "report_to: say it in English and Spanish"),
    ] {
        let wrong = one(&text).unwrap_err();
        assert!(
            wrong.contains(expect) && (wrong.contains("agencies/bp.toml:") || wrong.contains("templates/")),
            "{wrong}"
        );
    }
    let wrong = Folder::new(&[("osa.toml", "")]).load().unwrap_err();
    assert!(wrong.contains("osa.toml:1: no file of a library"), "{wrong}");
    let wrong = Library::load(Some(Path::new("/nothing/here"))).unwrap_err();
    assert!(wrong[0].to_string().contains("this folder cannot be read"), "{wrong:?}");
}
