//! [`Token`] and [`Certificate`]: what a machine proves with who it is, without the secret; and their [`Life`].

use serde::{Deserialize, Serialize};
use skypicket_link::{Grant, Holder};
use skypicket_model::{PersonId, SourceId, Time};

/// A certificate is renewed when less than this is left, seconds.
pub const SOON_S: f64 = 30.0 * 86_400.0;

/// From its making to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Life {
    /// When it was made.
    pub made_at: Time,
    /// By whom; unknown of those made before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<PersonId>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// When it was used last; to the minute over a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Time>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<PersonId>,
}

/// How it stands with a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It lets its machine in.
    Valid,
    /// It does, and ends within a month.
    EndsSoon,
    /// It ended.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

impl Life {
    /// Begun now.
    pub fn new(by: PersonId, until: Option<Time>, now: Time) -> Self {
        Self { made_at: now, made_by: Some(by), until, last_used: None, revoked_at: None, revoked_by: None }
    }

    /// How it stands.
    pub fn standing(&self, now: Time) -> Standing {
        match (self.revoked_at, self.until) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(until)) if until <= now => Standing::Expired,
            (None, Some(until)) if until.since_s(now) < SOON_S => Standing::EndsSoon,
            _ => Standing::Valid,
        }
    }

    /// Whether it lets its machine in.
    pub fn lives(&self, now: Time) -> bool {
        matches!(self.standing(now), Standing::Valid | Standing::EndsSoon)
    }
}

/// An API token of a source, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its id: the first 16 hex digits of its hash.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Which source it speaks for.
    pub source: SourceId,
    /// What it may bring.
    #[serde(default)]
    pub grant: Grant,
    /// From its making to its end.
    #[serde(flatten)]
    pub life: Life,
}

/// A client certificate of the own authority; its key was handed over and is not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its serial number, lower-case hex.
    pub serial: String,
    /// What it is for.
    pub name: String,
    /// Whose machine it names.
    pub holder: Holder,
    /// What that may bring.
    #[serde(default)]
    pub grant: Grant,
    /// From its making to its end.
    #[serde(flatten)]
    pub life: Life,
}

/// What a certificate names: the URI among its alternative names.
pub fn uri(holder: &Holder) -> String {
    match holder {
        Holder::Source(id) => format!("skypicket:source/{id}"),
        Holder::Person(id) => format!("skypicket:person/{id}"),
    }
}

/// A credential of either kind.
pub trait Credential: Clone + Serialize + for<'a> Deserialize<'a> {
    /// Under which kind it is kept in the private store.
    const KIND: &'static str;
    /// Its life.
    fn life(&self) -> &Life;
    /// Its life.
    fn life_mut(&mut self) -> &mut Life;
    /// Whose it is.
    fn holder(&self) -> Holder;
    /// What it may bring.
    fn grant(&self) -> &Grant;
}

impl Credential for Token {
    const KIND: &'static str = "token";
    fn life(&self) -> &Life {
        &self.life
    }
    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }
    fn holder(&self) -> Holder {
        Holder::Source(self.source.clone())
    }
    fn grant(&self) -> &Grant {
        &self.grant
    }
}

impl Credential for Certificate {
    const KIND: &'static str = "certificate";
    fn life(&self) -> &Life {
        &self.life
    }
    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }
    fn holder(&self) -> Holder {
        self.holder.clone()
    }
    fn grant(&self) -> &Grant {
        &self.grant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_an_old_record_is_valid_for_its_own_lines() {
        let old = r#"{"id":"0123456789abcdef","name":"radar","source":"radar-1","made_at":"2026-01-01T00:00:00Z"}"#;
        let token: Token = serde_json::from_str(old).unwrap();
        assert_eq!(token.grant, Grant::default());
        assert_eq!(token.life.standing("2036-01-01T00:00:00Z".parse().unwrap()), Standing::Valid);
    }

    #[test]
    fn a_life_ends_by_its_time_or_by_hand() {
        let at = |s: f64| Time::from_unix_s(1_800_000_000.0 + s * 86_400.0).unwrap();
        let by = PersonId::new("admin").unwrap();
        let life = Life::new(by.clone(), Some(at(100.0)), at(0.0));
        for (day, standing) in [
            (0.0, Standing::Valid),
            (69.0, Standing::Valid),
            (71.0, Standing::EndsSoon),
            (100.0, Standing::Expired),
            (101.0, Standing::Expired),
        ] {
            assert_eq!(life.standing(at(day)), standing, "{day}");
        }
        let revoked = Life { revoked_at: Some(at(1.0)), revoked_by: Some(by), ..life };
        assert_eq!((revoked.standing(at(0.0)), revoked.lives(at(0.0))), (Standing::Revoked, false));
    }
}
