//! [`SmsConfig`]: settings of a gateway for short messages.

use serde::Deserialize;
use std::path::PathBuf;

/// How the fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// A JSON object.
    #[default]
    Json,
    /// As a form of a web page (`application/x-www-form-urlencoded`).
    Form,
}

/// Settings of an [`super::Sms`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsConfig {
    /// Where to post.
    pub url: String,
    /// http although the address is not this machine. Default false.
    #[serde(default)]
    pub insecure: bool,
    /// Trust only the certificates of this PEM file. Default: what browsers trust.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// How the fields are written. Default `json`.
    #[serde(default)]
    pub format: BodyFormat,
    /// The fields; `{to}`, `{text}` and `{id}` stand for number, text and id. Default `{to = "{to}", text = "{text}", id =
    /// "{id}"}`.
    #[serde(default = "SmsConfig::default_fields")]
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// File with the value of the header that says who we are, such as `Bearer abc`. Default none.
    #[serde(default)]
    pub login_file: Option<PathBuf>,
    /// That header. Default `authorization`.
    #[serde(default = "SmsConfig::default_login_header")]
    pub login_header: String,
    /// Where in the gateway's JSON answer its own id stands, as a JSON pointer. Default nowhere.
    #[serde(default)]
    pub id_pointer: Option<String>,
    /// Most parts of one message, 1 to 10. Default 3.
    #[serde(default = "SmsConfig::default_parts")]
    pub parts: usize,
    /// Messages a second, over time, where the gateway wants no more. Default: as many as it takes.
    #[serde(default)]
    pub per_s: Option<f64>,
    /// Messages at once before that rate counts, 3 to 1,000. Default 16.
    #[serde(default = "SmsConfig::default_burst")]
    pub burst: usize,
    /// A number whose messages come back to the centre (`POST /api/v1/inbound/sms`): test messages go round by it.
    /// Default none: whether a message that was taken arrives anywhere is then not known.
    #[serde(default, rename = "loop")]
    pub loop_to: Option<String>,
    /// File with the key, or the two keys, that the gateway signs with what it posts to us (`POST /api/v1/inbound/sms`).
    /// Default none: nothing is taken from it.
    #[serde(default)]
    pub inbound_keys: Option<PathBuf>,
}

impl SmsConfig {
    /// All defaults at an address.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            insecure: false,
            roots: None,
            format: BodyFormat::default(),
            fields: Self::default_fields(),
            login_file: None,
            login_header: Self::default_login_header(),
            id_pointer: None,
            parts: Self::default_parts(),
            per_s: None,
            burst: Self::default_burst(),
            loop_to: None,
            inbound_keys: None,
        }
    }

    fn default_fields() -> serde_json::Map<String, serde_json::Value> {
        ["to", "text", "id"].into_iter().map(|k| (k.to_owned(), format!("{{{k}}}").into())).collect()
    }

    fn default_parts() -> usize {
        3
    }

    fn default_burst() -> usize {
        16
    }

    fn default_login_header() -> String {
        "authorization".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_enough_and_unknown_keys_are_refused() {
        let c: SmsConfig = toml::from_str("url = \"https://sms.example.net/\"").unwrap();
        assert_eq!(c, SmsConfig::at("https://sms.example.net/"));
        assert!(toml::from_str::<SmsConfig>("url = \"https://x/\"\nfeilds = {}").is_err());
    }

    #[test]
    fn fields_may_lie_within_each_other() {
        let c: SmsConfig = toml::from_str(
            "url = \"https://x/\"\nfields = { messages = [{ destination = \"{to}\", body = \"{text}\" }], test = false }",
        )
        .unwrap();
        assert_eq!(c.fields["messages"][0]["destination"], "{to}");
        assert_eq!(c.fields["test"], false);
    }
}
