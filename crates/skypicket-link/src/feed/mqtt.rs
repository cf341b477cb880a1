//! [`MqttBearer`]: messages of an MQTT broker (version 3.1.1, which every broker speaks).
//!
//! Subscribed with quality 0 and a clean session: what the broker kept while we were away would be old, and old news of
//! the air is worse than none. For the same reason a retained message is only a sign of life. We publish nothing but
//! whether we are there, and that only where a topic for it is configured.

use super::{Ear, MOST_MESSAGE, Unfit, check_plain, pause::Pause};
use crate::{
    listen::{Shutdown, stopped},
    post::{Secret, client_config},
};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Incoming, LastWill, MqttOptions, PublishOptions, QoS,
    TlsConfiguration, Transport,
};
use serde::Deserialize;
use skypicket_model::SourceId;
use skypicket_wire::feed::Piece;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Most topic filters.
const MOST_TOPICS: usize = 64;
/// At the end the broker is given so long to take our good-bye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttBearer {
    /// Name or address of the broker.
    pub host: String,
    /// Its port. Default 1883; with TLS 8883.
    #[serde(default)]
    pub port: Option<u16>,
    /// Topic filters, with `+` and `#`.
    pub topics: Vec<String>,
    /// By what name the broker knows us; no two clients of a broker may have the same. Default `skypicket-` and the
    /// source's id.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Login, where the broker asks for one.
    #[serde(default)]
    pub login: Option<String>,
    /// File with the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// With TLS. Default false.
    #[serde(default)]
    pub tls: bool,
    /// Trust only the certificates of this PEM file. Default what browsers trust.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// Connect to another machine without TLS although nothing proves who sends. Default false.
    #[serde(default)]
    pub insecure: bool,
    /// Topic under which `online` stands while we are connected, and `offline` else (our last will). Default none.
    #[serde(default)]
    pub status_topic: Option<String>,
    /// Seconds after which a silent connection is tried, 5 to 600. Default 30.
    #[serde(default = "MqttBearer::default_keep_alive_s")]
    pub keep_alive_s: u16,
}

/// Checked.
pub(super) struct Ready {
    options: MqttOptions,
    topics: Vec<String>,
    status_topic: Option<String>,
}

impl MqttBearer {
    fn default_keep_alive_s() -> u16 {
        30
    }

    pub(super) fn ready(self, id: &SourceId) -> Result<Ready, Unfit> {
        let setting = |key, problem: &str| Err(Unfit::Setting(key, problem.to_owned()));
        if self.host.is_empty() || self.host.contains(['/', '@', ' ']) {
            return setting("host", "give the name or address of the broker alone");
        }
        check_plain(&self.host, self.tls, self.insecure)?;
        let fits = |t: &String| !t.is_empty() && t.len() <= 1_024 && rumqttc::valid_filter(t);
        if self.topics.is_empty() || self.topics.len() > MOST_TOPICS || !self.topics.iter().all(fits) {
            return setting("topics", "1 to 64 topic filters, such as 'sensor/+/upload' or 'wardragon/#'");
        }
        if self.status_topic.as_ref().is_some_and(|t| t.is_empty() || !rumqttc::valid_topic(t)) {
            return setting("status_topic", "a topic without + and #");
        }
        if !(5..=600).contains(&self.keep_alive_s) {
            return setting("keep_alive_s", "5 to 600 seconds");
        }
        if self.roots.is_some() && !self.tls {
            return setting("roots", "is for tls = true");
        }
        let client = self.client_id.unwrap_or_else(|| format!("skypicket-{id}"));
        if client.is_empty() || client.len() > 256 {
            return setting("client_id", "1 to 256 characters");
        }
        let port = self.port.unwrap_or(if self.tls { 8883 } else { 1883 });
        let mut options = MqttOptions::new(client, (self.host, port));
        options.set_keep_alive(self.keep_alive_s).set_clean_session(true).set_max_packet_size(MOST_MESSAGE, 64 * 1024);
        match (self.login, self.password_file) {
            (None, None) => {}
            (None, Some(_)) => return setting("password_file", "needs a login beside it"),
            (Some(name), None) => drop(options.set_username(name)),
            (Some(name), Some(file)) => drop(options.set_credentials(name, Secret::read(&file)?.expose().to_owned())),
        }
        if self.tls {
            let config = Arc::new(client_config(self.roots.as_deref())?);
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
        }
        if let Some(topic) = &self.status_topic {
            options.set_last_will(LastWill::new(topic.clone(), "offline", QoS::AtLeastOnce, true));
        }
        Ok(Ready { options, topics: self.topics, status_topic: self.status_topic })
    }
}

impl Ready {
    pub(super) async fn run(self, mut ear: Ear, mut shutdown: Shutdown) {
        let mut pause = Pause::new();
        loop {
            // A client of its own for each connection: nothing of the last one is repeated in the next.
            let (client, mut events) = AsyncClient::builder(self.options.clone()).capacity(16).build();
            let done = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => None,
                why = self.once(&client, &mut events, &mut ear, &mut pause) => Some(why),
            };
            let Some(why) = done else {
                let _ = tokio::time::timeout(GOODBYE, self.goodbye(&client, &mut events)).await;
                return;
            };
            ear.disconnected(&why);
            tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                () = tokio::time::sleep(pause.next()) => {}
            }
        }
    }

    /// One connection, to its end; why it ended.
    async fn once(&self, client: &AsyncClient, events: &mut EventLoop, ear: &mut Ear, pause: &mut Pause) -> String {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                    for topic in &self.topics {
                        if let Err(e) = client.try_subscribe(topic.as_str(), QoS::AtMostOnce) {
                            return e.to_string();
                        }
                    }
                    self.say(client, "online");
                }
                Ok(Event::Incoming(Incoming::SubAck(ack))) => {
                    if ack.return_codes.iter().any(|c| matches!(c, rumqttc::SubscribeReasonCode::Failure)) {
                        ear.refuse("mqtt_not_subscribed", &[]);
                        return "the broker does not let us read a topic".into();
                    }
                    ear.connected();
                    pause.over();
                }
                Ok(Event::Incoming(Incoming::Publish(p))) => {
                    ear.hear(&p.payload, Piece::Whole, &String::from_utf8_lossy(&p.topic), p.retain);
                }
                Ok(_) => {}
                Err(e) => return said(&e),
            }
        }
    }

    /// Under the topic for it, whether we are there.
    fn say(&self, client: &AsyncClient, word: &'static str) {
        if let Some(topic) = &self.status_topic {
            let options = PublishOptions::new(QoS::AtLeastOnce).retain(true);
            // Where there is no room for it now, the last will says as much at the end.
            let _ = client.try_publish(topic.as_str(), word, options);
        }
    }

    async fn goodbye(&self, client: &AsyncClient, events: &mut EventLoop) {
        self.say(client, "offline");
        let _ = client.try_disconnect();
        while events.poll().await.is_ok() {}
    }
}

/// In a sentence, without what stands between.
fn said(e: &ConnectionError) -> String {
    match e {
        ConnectionError::ConnectionRefused(code) => format!("the broker refuses us: {code:?}"),
        other => other.to_string(),
    }
}
