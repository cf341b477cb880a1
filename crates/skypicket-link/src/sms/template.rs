//! [`Template`]: a gateway's fields with places for number, text and id.

use super::BodyFormat;
use serde_json::{Map, Value};

/// Most fields, those inside others counted.
const MOST_FIELDS: usize = 64;
/// Deepest.
const MOST_DEPTH: usize = 6;

/// What is put in.
pub(super) struct Fill<'a> {
    pub(super) to: &'a str,
    pub(super) text: &'a str,
    pub(super) id: &'a str,
}

/// Checked fields.
#[derive(Debug, Clone)]
pub(super) struct Template {
    format: BodyFormat,
    fields: Map<String, Value>,
}

impl Template {
    /// Checks: number and text have a place, a form is flat, and there are not too many.
    pub(super) fn new(format: BodyFormat, fields: &Map<String, Value>) -> Result<Self, String> {
        let mut all = Vec::new();
        for value in fields.values() {
            leaves(value, 0, &mut all)?;
        }
        if all.len() > MOST_FIELDS {
            return Err(format!("more than {MOST_FIELDS} fields"));
        }
        for needed in ["{to}", "{text}"] {
            if !all.iter().any(|v| v.as_str().is_some_and(|s| s.contains(needed))) {
                return Err(format!("no field holds {needed}"));
            }
        }
        if format == BodyFormat::Form && fields.values().any(|v| v.is_object() || v.is_array() || v.is_null()) {
            return Err("a form has texts, numbers and true or false only: use format = \"json\"".into());
        }
        Ok(Self { format, fields: fields.clone() })
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self.format {
            BodyFormat::Json => "application/json",
            BodyFormat::Form => "application/x-www-form-urlencoded",
        }
    }

    /// The body.
    pub(super) fn fill(&self, with: &Fill<'_>) -> Vec<u8> {
        let filled: Map<String, Value> = self.fields.iter().map(|(k, v)| (k.clone(), put(v, with))).collect();
        match self.format {
            BodyFormat::Json => Value::Object(filled).to_string().into_bytes(),
            BodyFormat::Form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (key, value) in &filled {
                    match value {
                        Value::String(s) => form.append_pair(key, s),
                        other => form.append_pair(key, &other.to_string()),
                    };
                }
                form.finish().into_bytes()
            }
        }
    }
}

fn leaves<'a>(value: &'a Value, depth: usize, out: &mut Vec<&'a Value>) -> Result<(), String> {
    if depth > MOST_DEPTH {
        return Err(format!("fields lie more than {MOST_DEPTH} deep in each other"));
    }
    match value {
        Value::Array(a) => a.iter().try_for_each(|v| leaves(v, depth + 1, out)),
        Value::Object(o) => o.values().try_for_each(|v| leaves(v, depth + 1, out)),
        leaf => {
            out.push(leaf);
            Ok(())
        }
    }
}

fn put(value: &Value, with: &Fill<'_>) -> Value {
    match value {
        Value::String(s) => Value::String(put_text(s, with)),
        Value::Array(a) => a.iter().map(|v| put(v, with)).collect(),
        Value::Object(o) => Value::Object(o.iter().map(|(k, v)| (k.clone(), put(v, with))).collect()),
        other => other.clone(),
    }
}

/// In one pass: what is put in is not looked at again, so a text that says `{to}` stays as it is.
fn put_text(template: &str, with: &Fill<'_>) -> String {
    let mut out = String::with_capacity(template.len() + with.text.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let place = [("to}", with.to), ("text}", with.text), ("id}", with.id)];
        let found = place.iter().find_map(|(name, value)| after.strip_prefix(name).map(|rest| (*value, rest)));
        let (value, behind) = found.unwrap_or(("{", after));
        out.push_str(value);
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WITH: Fill<'static> = Fill { to: "+15550100", text: "a & \"b\" {to}\n=é", id: "d1" };

    fn template(format: BodyFormat, fields: &Value) -> Result<Template, String> {
        Template::new(format, fields.as_object().unwrap())
    }

    #[test]
    fn what_is_put_in_cannot_become_a_field_of_its_own() {
        let fields =
            json!({"to": "{to}", "m": [{"body": "x {text} y", "n": 1}], "ref": "{id}{id}", "from": "{sender}"});
        let body = template(BodyFormat::Json, &fields).unwrap().fill(&WITH);
        let read: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            read,
            json!({"to": "+15550100", "m": [{"body": "x a & \"b\" {to}\n=é y", "n": 1}], "ref": "d1d1", "from": "{sender}"})
        );
        let form = template(BodyFormat::Form, &json!({"to": "{to}", "text": "{text}", "flash": true})).unwrap();
        let read: Vec<(String, String)> =
            form_urlencoded::parse(&form.fill(&WITH)).map(|(k, v)| (k.into(), v.into())).collect();
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        let mut expect = vec![pair("flash", "true"), pair("text", WITH.text), pair("to", WITH.to)];
        expect.sort();
        let mut read = read;
        read.sort();
        assert_eq!(read, expect);
    }

    #[test]
    fn a_template_without_a_place_for_number_or_text_is_refused() {
        for (format, fields, word) in [
            (BodyFormat::Json, json!({"text": "{text}"}), "{to}"),
            (BodyFormat::Json, json!({"to": "{to}", "text": "hello"}), "{text}"),
            (BodyFormat::Form, json!({"to": "{to}", "m": {"text": "{text}"}}), "format"),
            (BodyFormat::Json, json!({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":"{to}{text}"}}}}}}}}), "deep"),
        ] {
            let error = template(format, &fields).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
