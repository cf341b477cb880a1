//! [`Device`]: a browser that somebody signed in with before. Its cookie opens nothing: it only gives its owner a budget of
//! tries that nobody else can use up.

use super::secret;
use crate::{
    clock,
    http::auth::{Access, AccessError, hash},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{PersonId, Time};

/// Most devices of one person.
const MOST: usize = 10;
/// A device is known for so long, seconds.
pub const KNOWN_S: f64 = 180.0 * 86_400.0;

/// A device.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Device {
    person: PersonId,
    until: Time,
}

impl Access {
    /// The id of the device that this cookie is of, when it is this person's.
    pub async fn device(&self, cookie: &str, person: &PersonId) -> Result<Option<String>, AccessError> {
        if cookie.len() > 128 {
            return Ok(None);
        }
        let key = hash(cookie);
        let known = self.get::<Device>("device", &key).await?;
        let theirs = known.is_some_and(|d| d.person == *person && d.until > clock::now());
        Ok(theirs.then(|| key.chars().take(16).collect()))
    }

    /// Remembers a device; its cookie.
    pub async fn remember_device(&self, person: &PersonId) -> Result<String, AccessError> {
        let mut mine = self.list::<Device>("device").await?;
        mine.retain(|(_, d)| d.person == *person);
        mine.sort_by_key(|(_, d)| d.until);
        for (key, _) in mine.iter().take((mine.len() + 1).saturating_sub(MOST)) {
            self.drop_key("device", key).await?;
        }
        let s = secret()?;
        let device = Device { person: person.clone(), until: clock::now().plus_s(KNOWN_S) };
        self.put("device", &hash(&s), &device).await?;
        Ok(s)
    }

    /// Forgets a person's devices.
    pub async fn drop_devices(&self, person: &PersonId) -> Result<usize, AccessError> {
        let mut dropped = 0;
        for (key, d) in self.list::<Device>("device").await? {
            if d.person == *person {
                dropped += usize::from(self.drop_key("device", &key).await?);
            }
        }
        Ok(dropped)
    }
}
