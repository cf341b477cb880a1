//! The control socket: the same API for commands on the machine of the centre, over a Unix socket in the data folder
//! that only the owner of the record can open.
//!
//! Whoever can open it could read the record itself, so it asks for no password; but it says who acts: the header
//! `skypicket-as` names the person, or a role that one of them must have (`role:auditor`), else it is the first
//! administrator. The permission table holds for them as anywhere.

use axum::{Extension, Router};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use tokio::{net::UnixListener, sync::watch};

/// Name of the socket in the data folder of a record.
pub const SOCKET: &str = "control.sock";
/// Who acts, as a command says it.
pub const AS: &str = "skypicket-as";

/// Before the name of a role in [`AS`]: whoever has it first, for a command that needs no more.
pub const ROLE: &str = "role:";

/// Marks a request that came in by the control socket.
#[derive(Debug, Clone, Copy)]
pub struct Local;

/// Binds the socket in a record's folder; one that a dead centre left behind is replaced (the record's lock says that
/// no other centre is alive here).
pub fn bind(folder: &Path) -> io::Result<UnixListener> {
    let path = folder.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves commands until `shutdown`; the socket goes with it.
pub async fn serve(listener: UnixListener, router: Router, mut shutdown: watch::Receiver<bool>) {
    let router = router.layer(Extension(Local));
    loop {
        let accepted = tokio::select! {
            a = listener.accept() => a,
            _ = shutdown.wait_for(|s| *s) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a command was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a command's connection ended");
            }
        });
    }
    if let Some(path) = listener.local_addr().ok().as_ref().and_then(|a| a.as_pathname()) {
        let _ = std::fs::remove_file(path);
    }
}
