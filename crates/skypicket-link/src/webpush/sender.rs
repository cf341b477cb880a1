//! [`WebPush`]: sends one message to one subscription and says what became of it.

use super::{
    endpoint::{Endpoint, is_public},
    seal::{Keys, seal},
    vapid::VapidKey,
};
use crate::courier::Breaker;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, body::Bytes, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    collections::HashMap,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// A name must be found, and then a connection stand, within this each: both fail surely.
const CONNECT: Duration = Duration::from_secs(4);
/// The whole exchange.
const EXCHANGE: Duration = Duration::from_secs(12);
/// Messages to one host at a time; more wait, and no other host waits for them.
const AT_ONCE: usize = 32;
/// How long one waits for its turn at a host.
const TURN: Duration = Duration::from_secs(20);
/// Hosts that are remembered.
const MOST_HOSTS: usize = 256;
/// Of an answer's body nothing is needed; so much is read, that the connection can be used again.
const MOST_ANSWER: usize = 4_096;

/// How a [`WebPush`] is set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whom the maker of a browser can write to about misuse: `mailto:` or `https:`. Some refuse to work without.
    pub contact: Option<String>,
    /// Only for tests: plain http to 127.0.0.1 as well.
    pub loopback: bool,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    /// At most [`super::MOST_TEXT`] octets; nobody in between can read it.
    pub text: Vec<u8>,
    /// Seconds that the maker's server keeps it for a phone that is off; over 0.
    pub ttl_s: u32,
    /// Wakes the phone.
    pub urgent: bool,
    /// A later message of the same topic takes the place of an undelivered one; at most 32 letters of base64url.
    pub topic: Option<String>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The maker's server took it. Nobody knows whether the phone gets it.
    Accepted,
    /// The subscription is no more: forget it.
    Gone,
    /// It surely was not taken; why, without secrets.
    Failed(String),
    /// Nobody can tell.
    Ambiguous(String),
}

/// Looks names up, and takes only addresses that may be meant.
#[derive(Clone)]
struct Lookup {
    loopback: bool,
}

impl tower_service::Service<Name> for Lookup {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::time::timeout(CONNECT, tokio::net::lookup_host((name.as_str(), 0)))
                .await
                .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the name was not found in time"))??;
            let may = |a: &SocketAddr| is_public(a.ip()) || (loopback && a.ip().is_loopback());
            let found: Vec<SocketAddr> = found.filter(may).collect();
            if found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "no public address has this name"));
            }
            Ok(found.into_iter())
        })
    }
}

type Connector = HttpsConnector<HttpConnector<Lookup>>;

/// One maker's server.
struct Host {
    breaker: Mutex<Breaker>,
    turns: Semaphore,
    /// The signed word, and until when it is used, Unix seconds.
    word: Mutex<Option<(String, i64)>>,
}

/// Sends push messages under the centre's own key.
pub struct WebPush {
    key: VapidKey,
    settings: Settings,
    client: Client<Connector, Full<Bytes>>,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

impl WebPush {
    /// With a key. Fails when the machine's TLS cannot be set up.
    pub fn new(key: VapidKey, settings: Settings) -> io::Result<Self> {
        let mut http = HttpConnector::new_with_resolver(Lookup { loopback: settings.loopback });
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        http.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(io::Error::other)?;
        let builder = if settings.loopback { builder.https_or_http() } else { builder.https_only() };
        let connector = builder.enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_mins(1))
            .pool_max_idle_per_host(4)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { key, settings, client, hosts: Mutex::default() })
    }

    /// What browsers need to subscribe.
    pub fn public_key(&self) -> String {
        self.key.public()
    }

    /// Whether a contact is set: some makers refuse messages without.
    pub fn has_contact(&self) -> bool {
        self.settings.contact.is_some()
    }

    /// Checks an address that a browser gave.
    pub fn endpoint(&self, text: &str) -> Result<Endpoint, super::EndpointError> {
        Endpoint::parse(text, self.settings.loopback)
    }

    /// Sends; ends within half a minute, whatever the other side does. `now_s` is Unix seconds.
    pub async fn send(&self, to: &Endpoint, keys: &Keys, message: &Message, now_s: i64) -> Sent {
        let host = self.host(to);
        let Ok(Ok(_turn)) = tokio::time::timeout(TURN, host.turns.acquire()).await else {
            return Sent::Failed(format!("{} is too slow for all that waits for it", to.host));
        };
        if let Err(rest) = lock(&host.breaker).enter(Instant::now()) {
            return Sent::Failed(format!("{} rests for {} s after failures", to.host, rest.as_secs() + 1));
        }
        let request = match self.request(to, keys, message, &host, now_s) {
            Ok(r) => r,
            Err(why) => return Sent::Failed(why),
        };
        let exchanged = tokio::time::timeout(EXCHANGE, self.client.request(request)).await;
        let now = Instant::now();
        let answer = match exchanged {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                lock(&host.breaker).bad(now);
                let why = format!("{}: {}", to.host, reason(&error));
                return if error.is_connect() { Sent::Failed(why) } else { Sent::Ambiguous(why) };
            }
            Err(_) => {
                lock(&host.breaker).bad(now);
                return Sent::Ambiguous(format!("{} did not answer in {} s", to.host, EXCHANGE.as_secs()));
            }
        };
        let status = answer.status();
        let rest = retry_after(answer.headers());
        let sent = judge(status, &to.host);
        {
            let mut breaker = lock(&host.breaker);
            match status {
                StatusCode::TOO_MANY_REQUESTS => breaker.asked(now, rest.unwrap_or(Duration::from_secs(5))),
                s if s.is_server_error() => {
                    breaker.bad(now);
                    if let Some(rest) = rest {
                        breaker.asked(now, rest);
                    }
                }
                _ => breaker.good(),
            }
        }
        // Read to its end, if that is near: the connection can then be used again.
        let body = Limited::new(answer.into_body(), MOST_ANSWER);
        let _ = tokio::time::timeout(Duration::from_secs(1), body.collect()).await;
        sent
    }

    fn request(
        &self,
        to: &Endpoint,
        keys: &Keys,
        message: &Message,
        host: &Host,
        now_s: i64,
    ) -> Result<Request<Full<Bytes>>, String> {
        let body = seal(keys, &message.text).map_err(|e| e.to_string())?;
        let word = self.word(to, host, now_s)?;
        let mut request = Request::post(to.uri.clone())
            .header(header::AUTHORIZATION, word)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header("ttl", message.ttl_s.max(1))
            .header("urgency", if message.urgent { "high" } else { "normal" });
        if let Some(topic) = &message.topic {
            request = request.header("topic", topic);
        }
        request.body(Full::new(Bytes::from(body))).map_err(|e| e.to_string())
    }

    /// The signed word for a host, made anew when it nears its end.
    fn word(&self, to: &Endpoint, host: &Host, now_s: i64) -> Result<String, String> {
        let mut kept = lock(&host.word);
        if let Some((word, until)) = kept.as_ref()
            && now_s < *until
            // A clock that was set back would leave a word that holds for more than a day.
            && until - now_s <= 86_400
        {
            return Ok(word.clone());
        }
        let made =
            self.key.authorization(&to.origin, self.settings.contact.as_deref(), now_s).map_err(|e| e.to_string())?;
        *kept = Some(made.clone());
        Ok(made.0)
    }

    fn host(&self, to: &Endpoint) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if let Some(h) = hosts.get(&to.origin) {
            return Arc::clone(h);
        }
        if hosts.len() >= MOST_HOSTS {
            // Those that nobody uses and that did nothing wrong; a fault is forgotten last.
            hosts.retain(|_, h| Arc::strong_count(h) > 1 || !lock(&h.breaker).is_clear());
            if hosts.len() >= MOST_HOSTS {
                hosts.retain(|_, h| Arc::strong_count(h) > 1);
            }
        }
        let host = Arc::new(Host { breaker: Mutex::default(), turns: Semaphore::new(AT_ONCE), word: Mutex::default() });
        hosts.insert(to.origin.clone(), Arc::clone(&host));
        host
    }
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Each change under these locks is whole by itself.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an answer means (RFC 8030 sections 5 and 7.3).
fn judge(status: StatusCode, host: &str) -> Sent {
    match status {
        s if s.is_success() => Sent::Accepted,
        StatusCode::NOT_FOUND | StatusCode::GONE => Sent::Gone,
        StatusCode::PAYLOAD_TOO_LARGE => Sent::Failed(format!("{host}: the message is too large (413)")),
        StatusCode::TOO_MANY_REQUESTS => Sent::Failed(format!("{host}: too many messages (429)")),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Sent::Failed(format!("{host} refuses this centre's key or contact ({})", status.as_u16()))
        }
        s => Sent::Failed(format!("{host} answered {}", s.as_u16())),
    }
}

/// Seconds only: a date would need a clock that agrees.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The innermost cause, which says most, without the address.
fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::elliptic_curve::sec1::ToEncodedPoint;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    fn sender(loopback: bool) -> WebPush {
        let key = VapidKey::from_pkcs8(&VapidKey::generate().unwrap()).unwrap();
        WebPush::new(key, Settings { contact: Some("mailto:a@example.org".into()), loopback }).unwrap()
    }

    fn keys() -> Keys {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
        let point = p256::SecretKey::from_slice(&[7; 32]).unwrap().public_key().to_encoded_point(false);
        Keys::from_texts(&B64.encode(point.as_bytes()), &B64.encode([9; 16])).unwrap()
    }

    fn message() -> Message {
        Message { text: b"{}".to_vec(), ttl_s: 60, urgent: true, topic: Some("abc".into()) }
    }

    /// A maker's server that gives each connection this answer, and what it was asked first.
    async fn answering(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/secret", listener.local_addr().unwrap());
        let first = tokio::spawn(async move {
            let mut first = None;
            // As many connections as a test makes; the task ends with the runtime.
            for _ in 0..20 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 16_384];
                let mut n = 0;
                while !request[..n].windows(4).any(|w| w == b"\r\n\r\n") {
                    n += stream.read(&mut request[n..]).await.unwrap();
                }
                let head = String::from_utf8_lossy(&request[..n]).to_ascii_lowercase();
                first.get_or_insert(head);
                stream.write_all(answer.as_bytes()).await.unwrap();
                if answer.is_empty() || answer.contains("201") {
                    return first.unwrap();
                }
            }
            first.unwrap()
        });
        (url, first)
    }

    #[tokio::test]
    async fn a_message_has_a_life_an_urgency_a_topic_and_the_signed_word() {
        let (url, asked) = answering("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
        let push = sender(true);
        let to = push.endpoint(&url).unwrap();
        assert_eq!(push.send(&to, &keys(), &message(), 1_790_000_000).await, Sent::Accepted);
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("post /secret http/1.1"), "{asked}");
        for line in ["ttl: 60", "urgency: high", "topic: abc", "content-encoding: aes128gcm", "authorization: vapid t="]
        {
            assert!(asked.contains(line), "{line} in {asked}");
        }
    }

    #[tokio::test]
    async fn answers_mean_what_the_standard_says() {
        for (answer, expect) in [
            ("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", "gone"),
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", "gone"),
            ("HTTP/1.1 413 Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", "failed: 413"),
            ("HTTP/1.1 403 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", "failed: contact"),
            ("HTTP/1.1 503 Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", "failed: 503"),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                "failed: 302",
            ),
            ("", "ambiguous"),
        ] {
            let (url, _) = answering(answer).await;
            let push = sender(true);
            let to = push.endpoint(&url).unwrap();
            let sent = push.send(&to, &keys(), &message(), 1_790_000_000).await;
            let fits = match &sent {
                Sent::Accepted => false,
                Sent::Gone => expect == "gone",
                Sent::Failed(why) => expect.strip_prefix("failed: ").is_some_and(|w| why.contains(w)),
                Sent::Ambiguous(_) => expect == "ambiguous",
            };
            assert!(fits, "{answer}: {sent:?}");
            assert!(!format!("{sent:?}").contains("secret"));
        }
    }

    #[tokio::test]
    async fn a_host_that_asks_for_rest_is_not_asked_again_and_one_that_is_not_there_rests_after_five() {
        let (url, _) =
            answering("HTTP/1.1 429 Slow\r\nretry-after: 9\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        let push = sender(true);
        let to = push.endpoint(&url).unwrap();
        let send = || push.send(&to, &KEYS, &MESSAGE, 1_790_000_000);
        assert!(matches!(send().await, Sent::Failed(w) if w.contains("429")));
        assert!(matches!(send().await, Sent::Failed(w) if w.contains("rests for 9 s") || w.contains("rests for 10 s")));

        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let to = push.endpoint(&format!("http://{closed}/x")).unwrap();
        for _ in 0..5 {
            let sent = push.send(&to, &KEYS, &MESSAGE, 1_790_000_000).await;
            assert!(matches!(&sent, Sent::Failed(w) if !w.contains("rests")), "{sent:?}");
        }
        assert!(matches!(push.send(&to, &KEYS, &MESSAGE, 0).await, Sent::Failed(w) if w.contains("rests")));
    }

    static MESSAGE: std::sync::LazyLock<Message> = std::sync::LazyLock::new(message);
    static KEYS: std::sync::LazyLock<Keys> = std::sync::LazyLock::new(keys);

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_followed() {
        use tower_service::Service;
        // `localhost` is a name that every machine knows for itself.
        let name = || "localhost".parse::<Name>().unwrap();
        let error = Lookup { loopback: false }.call(name()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(Lookup { loopback: true }.call(name()).await.is_ok());
    }
}
