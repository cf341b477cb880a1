//! The pages, embedded in the binary, and the own map.

use super::{App, Problem, ok};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;
use std::{borrow::Cow, path::PathBuf};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// What `npm run build` made.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Dist;

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, e)| e) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("ico") => "image/x-icon",
        _ => "application/octet-stream",
    }
}

/// Every path that is not the API's.
pub async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if path.starts_with("/api/") {
        return Problem::not_found().into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let name = match path {
        "/" => "index.html",
        "/field" => {
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "/field/")]).into_response();
        }
        "/office" => {
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "/office/")]).into_response();
        }
        "/field/" => "field/index.html",
        "/office/" => "office/index.html",
        other => other.trim_start_matches('/'),
    };
    let Some(file) = Dist::get(name) else {
        return (
            StatusCode::NOT_FOUND,
            "There is no such page. The centre is at /, the field page at /field/, the office at /office/.\n",
        )
            .into_response();
    };
    let etag = format!(
        "\"{}\"",
        file.metadata.sha256_hash().iter().take(16).fold(String::new(), |s, b| format!("{s}{b:02x}"))
    );
    if headers.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == etag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let bytes = match file.data {
        Cow::Borrowed(b) => Bytes::from_static(b),
        Cow::Owned(b) => Bytes::from(b),
    };
    let mut r = Response::new(Body::from(bytes));
    let h = r.headers_mut();
    h.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    // Names under /assets/ hold a hash of their content; all else must be asked for again.
    let cache = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    h.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(v) = HeaderValue::from_str(&etag) {
        h.insert(header::ETAG, v);
    }
    if name == "field/sw.js" {
        h.insert("service-worker-allowed", HeaderValue::from_static("/field/"));
    }
    r
}

/// Largest piece of the own map in one answer, bytes.
const PIECE: u64 = 8 << 20;

/// `GET /basemap`: PMTiles are read by byte ranges (RFC 9110, section 14).
pub async fn basemap(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(path) = app.basemap.as_deref() else { return Err(Problem::not_found()) };
    let path: PathBuf = path.clone();
    let mut file = tokio::fs::File::open(&path).await.map_err(Problem::internal)?;
    let size = file.metadata().await.map_err(Problem::internal)?.len();
    let range = headers.get(header::RANGE).and_then(|v| v.to_str().ok()).and_then(|v| byte_range(v, size));
    let Some((first, last)) = range else {
        let all = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
        return ok((StatusCode::RANGE_NOT_SATISFIABLE, all));
    };
    let last = last.min(first + PIECE - 1);
    file.seek(std::io::SeekFrom::Start(first)).await.map_err(Problem::internal)?;
    let mut bytes = vec![0u8; usize::try_from(last - first + 1).unwrap_or_default()];
    file.read_exact(&mut bytes).await.map_err(Problem::internal)?;
    ok((
        StatusCode::PARTIAL_CONTENT,
        [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}")),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
        ],
        bytes,
    ))
}

/// One range of `bytes=a-b`, `bytes=a-` or `bytes=-n`, both ends included.
fn byte_range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (a, b) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (a.trim(), b.trim()) {
        ("", n) => (size.checked_sub(n.parse::<u64>().ok()?.min(size))?, size.checked_sub(1)?),
        (a, "") => (a.parse().ok()?, size.checked_sub(1)?),
        (a, b) => (a.parse().ok()?, b.parse::<u64>().ok()?.min(size.checked_sub(1)?)),
    };
    (first <= last && first < size).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::byte_range;

    #[test]
    fn byte_ranges_are_cut_to_the_file() {
        for (text, expect) in [
            ("bytes=0-99", Some((0, 99))),
            ("bytes=900-", Some((900, 999))),
            ("bytes=-10", Some((990, 999))),
            ("bytes=0-5000", Some((0, 999))),
            ("bytes=1000-", None),
            ("bytes=5-4", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(byte_range(text, 1000), expect, "{text}");
        }
    }
}
