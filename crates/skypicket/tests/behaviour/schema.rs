//! Checks a JSON value against the part of JSON Schema 2020-12 that the OpenAPI document uses. A keyword that is not
//! known here fails the test, so that nothing goes unchecked.

use serde_json::Value;

/// What does not fit, each with where; empty when all does.
pub(crate) fn problems(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "$", &mut found);
    found
}

/// The schema of this name.
pub(crate) fn named<'a>(document: &'a Value, name: &str) -> &'a Value {
    document.pointer(&format!("/components/schemas/{name}")).unwrap_or_else(|| panic!("there is no schema {name}"))
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = match schema {
        Value::Object(o) => o,
        Value::Bool(true) => return,
        other => panic!("no schema at {at}: {other}"),
    };
    // One keyword's own complaint; what is inside goes to `found` at once.
    let mut complaints = Vec::new();
    let mut bad = |what: String| {
        complaints.push(format!("{at}: {what}: {}", value.to_string().chars().take(200).collect::<String>()));
    };
    let number = value.as_f64();
    let length = value.as_str().map(|s| s.chars().count() as u64);
    let count = value.as_array().map(|a| a.len() as u64);
    for (keyword, k) in schema {
        let below = |n: Option<u64>| n.is_some_and(|n| n < k.as_u64().unwrap());
        let above = |n: Option<u64>| n.is_some_and(|n| n > k.as_u64().unwrap());
        match keyword.as_str() {
            "type" => {
                let types: Vec<&str> = k
                    .as_str()
                    .map_or_else(|| k.as_array().unwrap().iter().filter_map(Value::as_str).collect(), |t| vec![t]);
                if !types.iter().any(|t| is(value, t)) {
                    bad(format!("is no {types:?}"));
                }
            }
            "const" if k != value => bad(format!("is not {k}")),
            "enum" if !k.as_array().unwrap().contains(value) => bad(format!("is none of {k}")),
            "minimum" if number.is_some_and(|n| n < k.as_f64().unwrap()) => bad(format!("is under {k}")),
            "exclusiveMinimum" if number.is_some_and(|n| n <= k.as_f64().unwrap()) => bad(format!("is not over {k}")),
            "maximum" if number.is_some_and(|n| n > k.as_f64().unwrap()) => bad(format!("is over {k}")),
            "minLength" if below(length) => bad(format!("is shorter than {k}")),
            "maxLength" if above(length) => bad(format!("is longer than {k}")),
            "minItems" if below(count) => bad(format!("has fewer than {k}")),
            "maxItems" if above(count) => bad(format!("has more than {k}")),
            "format" => {
                if let Some(text) = value.as_str()
                    && !has_format(text, k.as_str().unwrap())
                {
                    bad(format!("is no {k}"));
                }
            }
            "pattern" => {
                if let Some(text) = value.as_str()
                    && !fits_pattern(text, k.as_str().unwrap())
                {
                    bad(format!("does not fit {k}"));
                }
            }
            "required" => {
                if let Some(o) = value.as_object() {
                    let missing: Vec<_> = k
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter_map(Value::as_str)
                        .filter(|n| !o.contains_key(*n))
                        .collect();
                    if !missing.is_empty() {
                        bad(format!("lacks {missing:?}"));
                    }
                }
            }
            "additionalProperties" => {
                if let Some(o) = value.as_object() {
                    let known = schema.get("properties").and_then(Value::as_object);
                    for (name, v) in o.iter().filter(|(n, _)| known.is_none_or(|k| !k.contains_key(*n))) {
                        if *k == Value::Bool(false) {
                            found.push(format!("{at}: may not have {name}"));
                        } else {
                            check(document, k, v, &format!("{at}.{name}"), found);
                        }
                    }
                }
            }
            "properties" => {
                for (name, s) in k.as_object().unwrap() {
                    if let Some(v) = value.get(name) {
                        check(document, s, v, &format!("{at}.{name}"), found);
                    }
                }
            }
            "items" => {
                let skip = schema.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                for (n, v) in value.as_array().into_iter().flatten().enumerate().skip(skip) {
                    if *k == Value::Bool(false) {
                        found.push(format!("{at}[{n}]: one too many"));
                    } else {
                        check(document, k, v, &format!("{at}[{n}]"), found);
                    }
                }
            }
            "prefixItems" => {
                for (n, (s, v)) in k.as_array().unwrap().iter().zip(value.as_array().into_iter().flatten()).enumerate()
                {
                    check(document, s, v, &format!("{at}[{n}]"), found);
                }
            }
            "$ref" => {
                let pointer = k.as_str().unwrap().strip_prefix('#').unwrap();
                check(
                    document,
                    document.pointer(pointer).unwrap_or_else(|| panic!("{k} leads nowhere")),
                    value,
                    at,
                    found,
                );
            }
            "anyOf" | "oneOf" => {
                let tried: Vec<Vec<String>> =
                    k.as_array().unwrap().iter().map(|s| problems(document, s, value)).collect();
                let fit = tried.iter().filter(|t| t.is_empty()).count();
                if fit == 0 || keyword == "oneOf" && fit > 1 {
                    found.push(format!("{at}: {fit} of {keyword} fit: {tried:?}"));
                }
            }
            // Said, and kept.
            "description" | "const" | "enum" | "minimum" | "exclusiveMinimum" | "maximum" | "minLength"
            | "maxLength" | "minItems" | "maxItems" => {}
            unknown => panic!("the checker does not know the keyword {unknown}"),
        }
    }
    found.append(&mut complaints);
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract().abs() < f64::EPSILON),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the checker does not know the type {other}"),
    }
}

fn has_format(text: &str, format: &str) -> bool {
    match format {
        "uuid" => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
        "date-time" => text.ends_with('Z') && serde_json::from_value::<skypicket_model::Time>(text.into()).is_ok(),
        other => panic!("the checker does not know the format {other}"),
    }
}

/// The patterns that the document has, by hand: a library for three would be one too many.
fn fits_pattern(text: &str, pattern: &str) -> bool {
    match pattern {
        "^[a-z0-9][a-z0-9._-]{0,63}$" => {
            let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            text.len() <= 64 && text.starts_with(ok) && text.chars().all(|c| ok(c) || "._-".contains(c))
        }
        "^[0-9]{4}$" => text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()),
        "^[0-9]{5}$" => text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit()),
        other => panic!("the checker does not know the pattern {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_found_with_its_place() {
        let document = json!({"components": {"schemas": {"A": {
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"anyOf": [{"type": "null"}, {"type": "string", "format": "uuid"}]}},
        }}}});
        let a = named(&document, "A");
        assert!(problems(&document, a, &json!({"a": 1, "b": null})).is_empty());
        for bad in [
            json!({}),
            json!({"a": 0}),
            json!({"a": 1.5}),
            json!({"a": 1, "c": 2}),
            json!({"a": 1, "b": "x"}),
            json!(3),
        ] {
            assert!(!problems(&document, a, &bad).is_empty(), "{bad}");
        }
    }
}
