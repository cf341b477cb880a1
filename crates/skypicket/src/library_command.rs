//! `skypicket bulletin templates` and `bulletin draft`: what bulletins are written from, at a terminal.

use crate::{
    cli::say,
    people_command::{Done, Stop, Where, list, table, text, words_of},
};
use serde_json::{Map, Value, json};
use skypicket_model::people::Language;
use skypicket_wire::render::sheet::area_words;

impl Where {
    /// `bulletin templates`.
    pub fn templates(&self) -> Done {
        let library = self.by_role("watch").get("/library")?;
        if self.json() {
            say(&library.to_string());
            return Ok(());
        }
        say(&shown(&library));
        Ok(())
    }

    /// `bulletin draft`: the content alone goes to standard output, what is not filled in to standard error.
    pub fn draft(&self, template: &str, set: &[String], agency: Option<&str>) -> Done {
        let body = json!({"template": template, "values": values(set)?, "agency": agency});
        let draft = self.by_role("watch").ask("POST", "/library/drafts", Some(&body))?;
        let content = serde_json::to_string_pretty(&draft["content"]).unwrap_or_default();
        say(&content);
        for m in list(&draft["missing"]) {
            eprintln!(
                "skypicket: {} is not filled in: --set {}=WORDS ({})",
                text(&m["name"]),
                text(&m["name"]),
                text(&m["label"])
            );
        }
        Ok(())
    }
}

fn values(set: &[String]) -> Result<Map<String, Value>, Stop> {
    let mut values = Map::new();
    for one in set {
        let Some((name, words)) = one.split_once('=') else {
            return Err(Stop::Refused(format!("--set {one}: give NAME=WORDS")));
        };
        if values.insert(name.to_owned(), json!(words)).is_some() {
            return Err(Stop::Refused(format!("--set {name}: it is there twice")));
        }
    }
    Ok(values)
}

fn shown(library: &Value) -> String {
    let named = |v: &Value| format!("{}@{}", text(&v["id"]), v["version"]);
    let templates: Vec<Vec<String>> = list(&library["templates"])
        .iter()
        .map(|t| {
            let names: Vec<String> = list(&t["placeholders"]).iter().map(|p| text(&p["name"])).collect();
            vec![named(t), text(&t["level"]), text(&t["about"]["en"]), names.join(" ")]
        })
        .collect();
    let measures: Vec<Vec<String>> =
        list(&library["measures"]).iter().map(|m| vec![named(m), text(&m["text"]["en"])]).collect();
    let agencies: Vec<Vec<String>> = list(&library["agencies"])
        .iter()
        .map(|a| {
            let own: Vec<Value> = list(&a["measures"]).iter().map(|m| m["id"].clone()).collect();
            vec![named(a), text(&a["name"]), words_of(&json!(own))]
        })
        .collect();
    let areas: Vec<Vec<String>> =
        list(&library["areas"]).iter().map(|a| vec![named(a), text(&a["name"]["en"]), ground(&a["ground"])]).collect();
    let mut out = vec![table(&["TEMPLATE", "LEVEL", "WHEN", "FILLED IN"], &templates)];
    out.push(table(&["MEASURE", "WORDS"], &measures));
    if !agencies.is_empty() {
        out.push(table(&["AGENCY", "NAME", "OWN WORDS FOR"], &agencies));
    }
    if !areas.is_empty() {
        out.push(table(&["AREA", "NAME", "GROUND"], &areas));
    }
    out.join("\n\n")
}

fn ground(area: &Value) -> String {
    serde_json::from_value(area.clone()).map_or_else(|_| area.to_string(), |a| area_words(&a, Language::En))
}
