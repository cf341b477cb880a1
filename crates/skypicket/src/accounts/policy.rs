//! [`SignInPolicy`]: what an administrator writes about signing in: who needs a second factor, how long a session lasts.

use serde::Deserialize;
use skypicket_model::{PersonId, Role};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// When the second factor is asked for at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// When pages are reached by TLS: without it only the machine itself can sign in.
    #[default]
    WithTls,
    /// Always.
    Always,
    /// Never; whoever wants one may still have it.
    Never,
}

/// The table `[sign_in]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInPolicy {
    /// When a second factor is asked for.
    pub second_factor: SecondFactor,
    /// Which roles must have one: whoever sees everybody or changes anything for others. A field agent's phone is a
    /// device of its own with a lock of its own, and must open in seconds.
    pub second_factor_roles: BTreeSet<Role>,
    /// A session of somebody with only the roles field and supervisor ends after so many days.
    pub field_session_days: f64,
    /// And after so many days without use.
    pub field_idle_days: f64,
    /// A session of anybody else ends after so many days.
    pub centre_session_days: f64,
    /// And after so many hours without use; a page that is open is in use.
    pub centre_idle_hours: f64,
}

impl Default for SignInPolicy {
    fn default() -> Self {
        use Role::{Administrator, Analyst, Auditor, Integrator, Supervisor, Watch};
        Self {
            second_factor: SecondFactor::WithTls,
            second_factor_roles: [Watch, Analyst, Supervisor, Integrator, Auditor, Administrator].into(),
            field_session_days: 30.0,
            field_idle_days: 14.0,
            centre_session_days: 7.0,
            centre_idle_hours: 12.0,
        }
    }
}

impl SignInPolicy {
    /// What is out of its range.
    pub fn check(&self) -> Result<(), String> {
        let days = 0.01..=366.0;
        for (name, value) in [
            ("field_session_days", self.field_session_days),
            ("field_idle_days", self.field_idle_days),
            ("centre_session_days", self.centre_session_days),
            ("centre_idle_hours", self.centre_idle_hours / 24.0),
        ] {
            if !days.contains(&value) {
                return Err(format!("{name} must be between a quarter of an hour and a year"));
            }
        }
        Ok(())
    }

    /// Whether somebody with these roles must have a second factor.
    pub fn needs_factor(&self, roles: &BTreeSet<Role>, tls: bool) -> bool {
        let asked = match self.second_factor {
            SecondFactor::WithTls => tls,
            SecondFactor::Always => true,
            SecondFactor::Never => false,
        };
        asked && roles.iter().any(|r| self.second_factor_roles.contains(r))
    }

    /// How long a session of theirs lasts, and how long without use, seconds.
    pub fn lasts(&self, roles: &BTreeSet<Role>) -> (f64, f64) {
        if roles.iter().all(|r| matches!(r, Role::Field | Role::Supervisor)) {
            (self.field_session_days * 86_400.0, self.field_idle_days * 86_400.0)
        } else {
            (self.centre_session_days * 86_400.0, self.centre_idle_hours * 3_600.0)
        }
    }

    /// The longest that any session lasts, seconds.
    pub fn longest_s(&self) -> f64 {
        self.field_session_days.max(self.centre_session_days) * 86_400.0
    }
}

/// The table `[oidc]`: signing in through a provider of the house.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The provider, exactly as it names itself.
    pub issuer: String,
    /// This centre's id there.
    pub client_id: String,
    /// File with this centre's secret there; none for a public client (PKCE protects it either way).
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What the button says.
    #[serde(default = "OidcConfig::default_name")]
    pub name: String,
    /// The claim that says who it is.
    #[serde(default = "OidcConfig::default_claim")]
    pub claim: String,
    /// Scopes asked for, besides `openid`.
    #[serde(default = "OidcConfig::default_scopes")]
    pub scopes: Vec<String>,
    /// The claim's value → the id of a person; values that are not here are taken as the id itself.
    #[serde(default)]
    pub people: BTreeMap<String, PersonId>,
    /// Who asks for the second factor.
    #[serde(default)]
    pub second_factor: FactorBy,
    /// Certificates (PEM) of an own authority that the provider's certificate comes from, instead of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// Who asks for the second factor of somebody who comes through the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorBy {
    /// This centre, as for a password.
    #[default]
    Centre,
    /// The provider: this centre asks no more.
    Provider,
}

impl OidcConfig {
    fn default_name() -> String {
        "Single sign-on".into()
    }
    fn default_claim() -> String {
        "preferred_username".into()
    }
    fn default_scopes() -> Vec<String> {
        vec!["profile".into()]
    }

    /// What does not fit.
    pub fn check(&self) -> Result<(), String> {
        let host = |rest: &str| rest.split(['/', ':']).next().unwrap_or_default().to_owned();
        let local = |h: &str| h == "localhost" || h.parse::<std::net::Ipv4Addr>().is_ok_and(|a| a.is_loopback());
        match (self.issuer.strip_prefix("https://"), self.issuer.strip_prefix("http://")) {
            (Some(rest), _) if !host(rest).is_empty() => {}
            (_, Some(rest)) if local(&host(rest)) => {}
            _ => {
                return Err(format!(
                    "issuer '{}': give an https:// address (http:// only on this machine)",
                    self.issuer
                ));
            }
        }
        if self.client_id.is_empty() || self.claim.is_empty() {
            return Err("client_id and claim must not be empty".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_factor_is_for_whoever_sees_or_changes_for_others_where_others_can_reach_the_page() {
        let p = SignInPolicy::default();
        for (roles, tls, needs) in [
            (vec![Role::Field], true, false),
            (vec![Role::Field, Role::Supervisor], true, true),
            (vec![Role::Watch], true, true),
            (vec![Role::Administrator], false, false),
        ] {
            assert_eq!(p.needs_factor(&roles.clone().into_iter().collect(), tls), needs, "{roles:?} {tls}");
        }
        let always = SignInPolicy { second_factor: SecondFactor::Always, ..p };
        assert!(always.needs_factor(&[Role::Administrator].into(), false));
    }

    #[test]
    fn a_phone_in_the_field_stays_signed_in_for_longer() {
        let p = SignInPolicy::default();
        assert!(p.lasts(&[Role::Field].into()).0 > p.lasts(&[Role::Field, Role::Administrator].into()).0);
    }

    #[test]
    fn a_provider_without_tls_is_only_taken_on_this_machine() {
        let of = |issuer: &str| {
            toml::from_str::<OidcConfig>(&format!("issuer = \"{issuer}\"\nclient_id = \"x\"\n")).unwrap().check()
        };
        assert!(of("https://id.example").is_ok());
        assert!(of("http://127.0.0.1:9000").is_ok());
        assert!(of("http://id.example").is_err());
        assert!(of("http://127.0.0.1.evil.example").is_err());
        assert!(of("https://").is_err());
    }
}
