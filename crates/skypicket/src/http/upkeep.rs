//! Upkeep: backups that were made, what is due for purging, and purging it now.

use super::{
    App, Caller, Problem,
    body::{Only, Strict},
    ok,
};
use crate::upkeep::KeeperError;
use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::RequestId;

impl From<KeeperError> for Problem {
    fn from(e: KeeperError) -> Self {
        match e {
            KeeperError::NotTaken(n) => n.into(),
            other => Self::internal(other),
        }
    }
}

/// `GET /upkeep`.
pub async fn get(State(app): State<App>) -> Result<Response, Problem> {
    ok(Json(app.keeper.view().await?))
}

/// `POST /upkeep/purge`. A repeat purges what became due since: nothing that a repeat could do twice.
pub async fn purge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Strict { .. }: Strict<Only>,
) -> Result<Response, Problem> {
    ok(Json(app.keeper.purge(Some(caller.id().clone())).await?))
}

/// A backup that was made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupBody {
    #[allow(dead_code)] // every POST has one; here the backup's own id makes a repeat harmless
    id: RequestId,
    backup: String,
    entries: u64,
    to: String,
    recipients: Vec<String>,
}

/// `POST /upkeep/backups`: the command that made one says so. The same backup again changes nothing.
pub async fn backed_up(State(app): State<App>, Strict { body, .. }: Strict<BackupBody>) -> Result<Response, Problem> {
    let named = uuid::Uuid::parse_str(&body.backup).is_ok();
    if !named || body.to.chars().count() > 4_096 || body.recipients.len() > 100 {
        return Err(Problem::invalid("backup: a UUID; to: at most 4,096 characters; recipients: at most 100"));
    }
    if body.recipients.iter().any(|r| r.chars().count() > 4_096) {
        return Err(Problem::invalid("recipients: at most 4,096 characters each"));
    }
    app.keeper.backed_up(body.backup.clone(), body.entries, body.to, body.recipients).await?;
    ok((StatusCode::CREATED, Json(json!({"id": body.backup}))))
}
