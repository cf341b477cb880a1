//! [`Carriers`]: the channels that go over others' machines: mail, short messages, webhooks and relays. One courier for
//! mail, one for the gateway, one for each webhook and each relay, so that none waits for another.
//!
//! They decide nothing. A delivery comes from dispatch once it is durable; here it is checked once more that this person
//! may have it, put into words and handed to a courier; what became of it goes back as an input. A newer version of a
//! notice takes back what still waits of the older ones, and a change of who is who takes back what may no longer go.

mod board;
mod config;
mod inbound;
mod letters;
mod tak_loop;
mod watchdog;
mod web_loop;

pub use board::{Board, Round, Standing};
pub use config::{ExerciseConfig, WatchdogConfig};
pub use inbound::Inbounds;
use letters::Signature;
pub use letters::test_nonce;
pub use tak_loop::TakLoop;
pub use watchdog::Watchdog;
pub use web_loop::{OwnReader, PATH as LOOP_PATH, WebLoop};

use crate::{
    centre::{Centre, Roll},
    clock,
    config::Config,
    inbox::{Inbox, NotTaken},
    links::Links,
    news::News as NoticeNews,
};
use arc_swap::ArcSwap;
use skypicket_link::{
    Courier, Outgoing, Sent,
    courier::{News, Report, Settings, Trouble, View, Why},
    post::PosterError,
    relay::{Relay, RelayConfig, RelayLetter},
    sms::{Sms, SmsConfig, SmsLetter},
    smtp::{MailLetter, Smtp, SmtpConfig},
    webhook::{Webhook, WebhookConfig, WebhookLetter},
};
use skypicket_model::{
    Channel, Delivery, DeliveryId, Directory, Level, Marking, Notice, NoticeId, Person, PersonId, ProviderResult, Role,
    SourceId, Time, Tlp, delivery::Outcome, may_see,
};
use skypicket_wire::render::{MOST_BY_STRANGERS, Sending, releases};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

/// What was not taken by a busy centre is offered again after this.
const AGAIN: Duration = Duration::from_millis(100);
/// At shut-down what waits has so long to go.
const DRAIN: Duration = Duration::from_secs(3);

/// Which courier: the channel, and of webhooks and relays which one.
pub type Target = (Channel, Option<SourceId>);

/// What the configuration says of them.
#[derive(Debug, Clone, Default)]
pub struct CarriersConfig {
    /// The mail server.
    pub mail: Option<SmtpConfig>,
    /// The gateway for short messages.
    pub sms: Option<SmsConfig>,
    /// Webhooks.
    pub webhook: Vec<WebhookConfig>,
    /// Relays.
    pub relay: Vec<RelayConfig>,
}

/// One that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {error}")]
pub struct NotSetUp {
    what: String,
    error: PosterError,
}

fn of<T>(what: impl Into<String>, made: Result<T, PosterError>) -> Result<T, NotSetUp> {
    made.map_err(|error| NotSetUp { what: what.into(), error })
}

impl CarriersConfig {
    /// Out of a configuration; in an exercise only the channels that it may use (promise 9).
    pub fn of(config: &Config, exercise: bool) -> Self {
        let may = |c| !exercise || config.exercise.may_use(c);
        Self {
            mail: config.mail.clone().filter(|_| may(Channel::Mail)),
            sms: config.sms.clone().filter(|_| may(Channel::Sms)),
            webhook: if may(Channel::Webhook) { config.webhook.clone() } else { Vec::new() },
            relay: if may(Channel::Relay) { config.relay.clone() } else { Vec::new() },
        }
    }

    /// What keeps any of them from being set up: each is tried, nothing is connected to.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut note = |problem: Option<NotSetUp>| out.extend(problem.map(|p| p.to_string()));
        note(self.mail.as_ref().and_then(|c| of("mail", Smtp::new(c)).err()));
        note(self.sms.as_ref().and_then(|c| of("sms", Sms::new(c)).err()));
        note(Inbounds::of(self).err());
        for c in &self.webhook {
            note(of(format!("webhook '{}'", c.id), Webhook::new(c)).err());
        }
        for c in &self.relay {
            note(of(format!("relay '{}'", c.id), Relay::new(c)).err());
        }
        out
    }

    /// The channels that are set up.
    pub fn channels(&self) -> BTreeSet<Channel> {
        let there = [
            (Channel::Mail, self.mail.is_some()),
            (Channel::Sms, self.sms.is_some()),
            (Channel::Webhook, !self.webhook.is_empty()),
            (Channel::Relay, !self.relay.is_empty()),
        ];
        there.into_iter().filter(|(_, is)| *is).map(|(c, _)| c).collect()
    }

    /// Addresses of people that lead nowhere: a webhook or relay that is not configured, and a channel that is entered for
    /// somebody but not set up here.
    pub fn nowhere(&self, directory: &Directory) -> Vec<String> {
        let webhooks: BTreeSet<&str> = self.webhook.iter().map(|c| c.id.as_str()).collect();
        let relays: BTreeSet<&str> = self.relay.iter().map(|c| c.id.as_str()).collect();
        let set_up = self.channels();
        let mut out = Vec::new();
        let mut without: BTreeMap<Channel, Vec<&str>> = BTreeMap::new();
        for p in directory.people.values().filter(|p| !p.disabled) {
            for (channel, known) in [(Channel::Webhook, &webhooks), (Channel::Relay, &relays)] {
                if let Some(id) = p.addresses.of(channel).filter(|id| !known.contains(id)) {
                    out.push(format!(
                        "'{}' is to be reached over {} '{id}', which is not configured",
                        p.id,
                        channel.word()
                    ));
                }
            }
            for channel in [Channel::Mail, Channel::Sms] {
                if p.channels.contains(&channel) && !set_up.contains(&channel) {
                    without.entry(channel).or_default().push(p.id.as_str());
                }
            }
        }
        for (channel, people) in without {
            let (some, more) = (people.get(..5.min(people.len())).unwrap_or_default().join(", "), people.len());
            out.push(format!("{} is entered for {more} people ({some}) and not set up here", channel.word()));
        }
        out
    }
}

/// What was handed to a courier and is not reported yet.
struct Handed {
    target: Target,
    notice: NoticeId,
    version: u32,
    /// The newest attempt: one that was made while an older one waited is answered by that one's report.
    attempt: u32,
    person: PersonId,
    address: String,
    marking: Marking,
}

/// Of one notice.
struct OfNotice {
    /// No delivery of a version below this is in it.
    lowest: u32,
    deliveries: BTreeSet<DeliveryId>,
}

#[derive(Default)]
struct Table {
    handed: HashMap<DeliveryId, Handed>,
    by_notice: HashMap<NoticeId, OfNotice>,
}

impl Table {
    fn put(&mut self, id: DeliveryId, handed: Handed) {
        let of = self
            .by_notice
            .entry(handed.notice)
            .or_insert_with(|| OfNotice { lowest: handed.version, deliveries: BTreeSet::new() });
        of.lowest = of.lowest.min(handed.version);
        of.deliveries.insert(id);
        self.handed.insert(id, handed);
    }

    fn take(&mut self, id: DeliveryId) -> Option<Handed> {
        let handed = self.handed.remove(&id)?;
        if let Some(of) = self.by_notice.get_mut(&handed.notice) {
            of.deliveries.remove(&id);
            if of.deliveries.is_empty() {
                self.by_notice.remove(&handed.notice);
            }
        }
        Some(handed)
    }

    fn by_target<'a>(handed: impl Iterator<Item = (&'a DeliveryId, &'a Handed)>) -> BTreeMap<Target, Vec<DeliveryId>> {
        let mut out: BTreeMap<Target, Vec<DeliveryId>> = BTreeMap::new();
        for (id, h) in handed {
            out.entry(h.target.clone()).or_default().push(*id);
        }
        out
    }
}

/// What the committer orders.
enum Order {
    Deliver(Box<Delivery>, Arc<NoticeNews>, bool),
    Overtake(NoticeId, u32),
    /// All before it is done.
    Told(oneshot::Sender<()>),
}

/// Orders that wait; a courier's own bound is reached before.
const ORDERS: usize = 65_536;

/// What a test message waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// It came back.
    Back,
    /// It was not taken.
    NotTaken(Trouble),
}

struct Mail {
    config: SmtpConfig,
    courier: Courier<MailLetter>,
    host: String,
}

struct Short {
    config: SmsConfig,
    courier: Courier<SmsLetter>,
    host: String,
}

struct Hook {
    config: WebhookConfig,
    carrier: Arc<Webhook>,
    courier: Courier<WebhookLetter>,
}

struct Siren {
    config: RelayConfig,
    carrier: Arc<Relay>,
    courier: Courier<RelayLetter>,
}

/// One courier, whatever it carries.
trait AnyCourier: Send + Sync {
    fn cancel(&self, deliveries: &[DeliveryId]) -> usize;
    fn view(&self) -> View;
    fn drain(&self, within: Duration) -> futures_util::future::BoxFuture<'_, ()>;
}

impl<L: Send + Sync + 'static> AnyCourier for Courier<L> {
    fn cancel(&self, deliveries: &[DeliveryId]) -> usize {
        Courier::cancel(self, deliveries)
    }
    fn view(&self) -> View {
        Courier::view(self)
    }
    fn drain(&self, within: Duration) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(Courier::drain(self, within))
    }
}

/// The channels that go over others' machines.
pub struct Carriers {
    /// How every channel stands.
    pub board: Board,
    inbox: Arc<Inbox>,
    roll: Arc<ArcSwap<Roll>>,
    exercise: Option<Arc<str>>,
    signature: Signature,
    /// What is set up.
    config: CarriersConfig,
    orders: mpsc::Sender<Order>,
    mail: Option<Mail>,
    sms: Option<Short>,
    webhooks: BTreeMap<SourceId, Hook>,
    relays: BTreeMap<SourceId, Siren>,
    table: Mutex<Table>,
    /// Test messages on their way, by the id of their sending.
    sending: Mutex<HashMap<DeliveryId, String>>,
    /// Who waits for test messages, by nonce.
    tests: Mutex<HashMap<String, (Channel, oneshot::Sender<Tested>)>>,
    /// Signed links in mail and short messages.
    pub links: Links,
    /// What providers post to us by themselves.
    pub inbounds: Inbounds,
    /// Why each target takes nothing.
    down: Mutex<BTreeMap<Target, Why>>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change under these locks is whole by itself.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Carriers {
    /// Sets up what is configured and starts its couriers.
    pub fn start(config: CarriersConfig, centre: &Centre, base_url: &str, links: Links) -> Result<Arc<Self>, NotSetUp> {
        let mut news: Vec<(Target, mpsc::Receiver<News>)> = Vec::new();
        let set_up = config.clone();
        let inbounds = Inbounds::of(&config)?;
        let mail = match config.mail {
            None => None,
            Some(config) => {
                let carrier = of("mail", Smtp::new(&config))?;
                let host = carrier.host().to_owned();
                let (courier, told) = Courier::start(carrier, Smtp::settings(&config));
                news.push(((Channel::Mail, None), told));
                Some(Mail { config, courier, host })
            }
        };
        let sms = match config.sms {
            None => None,
            Some(config) => {
                let carrier = of("sms", Sms::new(&config))?;
                let host = carrier.host().to_owned();
                let (courier, told) = Courier::start(carrier, Sms::settings(&config));
                news.push(((Channel::Sms, None), told));
                Some(Short { config, courier, host })
            }
        };
        let mut webhooks = BTreeMap::new();
        for config in config.webhook {
            let carrier = Arc::new(of(format!("webhook '{}'", config.id), Webhook::new(&config))?);
            let (courier, told) = Courier::start(Arc::clone(&carrier), Settings::named(config.id.as_str()));
            news.push(((Channel::Webhook, Some(config.id.clone())), told));
            webhooks.insert(config.id.clone(), Hook { config, carrier, courier });
        }
        let mut relays = BTreeMap::new();
        for config in config.relay {
            let carrier = Arc::new(of(format!("relay '{}'", config.id), Relay::new(&config))?);
            let (courier, told) = Courier::start(Arc::clone(&carrier), Settings::named(config.id.as_str()));
            news.push(((Channel::Relay, Some(config.id.clone())), told));
            relays.insert(config.id.clone(), Siren { config, carrier, courier });
        }
        let (orders, ordered) = mpsc::channel(ORDERS);
        let named = Some(centre.place.name.trim()).filter(|n| !n.is_empty() && *n != "No place set");
        let this = Arc::new(Self {
            board: Board::new(Arc::clone(&centre.inbox)),
            inbox: Arc::clone(&centre.inbox),
            roll: Arc::clone(&centre.roll),
            exercise: centre.exercise.clone(),
            signature: Signature {
                // An address of this machine alone is of no use to whoever reads it elsewhere.
                link: Some(base_url.to_owned()).filter(|u| !u.contains("://127.") && !u.contains("://[::1]")),
                centre: named.map_or_else(|| "Skypicket".to_owned(), |n| format!("Skypicket, {n}")),
                zone: centre.zone.clone(),
            },
            config: set_up,
            orders,
            mail,
            sms,
            webhooks,
            relays,
            table: Mutex::default(),
            sending: Mutex::default(),
            tests: Mutex::default(),
            links,
            inbounds,
            down: Mutex::default(),
        });
        let channels: BTreeSet<Channel> = news.iter().map(|((c, _), _)| *c).collect();
        for channel in channels {
            this.board.open(channel, clock::now());
        }
        tokio::spawn(Arc::clone(&this).work(ordered));
        for (target, told) in news {
            tokio::spawn(Arc::clone(&this).listen(target, told));
        }
        Ok(this)
    }

    fn couriers(&self) -> Vec<(Target, &dyn AnyCourier, &str)> {
        let mut out: Vec<(Target, &dyn AnyCourier, &str)> = Vec::new();
        out.extend(self.mail.iter().map(|m| ((Channel::Mail, None), &m.courier as &dyn AnyCourier, m.host.as_str())));
        out.extend(self.sms.iter().map(|s| ((Channel::Sms, None), &s.courier as &dyn AnyCourier, s.host.as_str())));
        out.extend(
            self.webhooks
                .iter()
                .map(|(id, h)| ((Channel::Webhook, Some(id.clone())), &h.courier as &dyn AnyCourier, h.carrier.host())),
        );
        out.extend(
            self.relays
                .iter()
                .map(|(id, r)| ((Channel::Relay, Some(id.clone())), &r.courier as &dyn AnyCourier, r.carrier.host())),
        );
        out
    }

    /// Every courier as it stands, with the host that it writes to.
    pub fn views(&self) -> Vec<(Target, View, String)> {
        self.couriers().into_iter().map(|(t, c, host)| (t, c.view(), host.to_owned())).collect()
    }

    /// Strictest label whose content may go over a channel.
    pub fn content_up_to(&self, channel: Channel) -> Tlp {
        match channel {
            Channel::Mail => self.mail.as_ref().map_or(MOST_BY_STRANGERS, |m| m.config.content_up_to),
            _ => MOST_BY_STRANGERS,
        }
    }

    /// What mails and messages have besides a notice: the centre's name, and where its pages are.
    pub fn signed(&self) -> Sending<'_> {
        Sending {
            link: self.signature.link.as_deref(),
            centre: &self.signature.centre,
            zone: Some(&self.signature.zone),
            ..Sending::default()
        }
    }

    /// Addresses of people that lead nowhere.
    pub fn nowhere(&self, directory: &Directory) -> Vec<String> {
        self.config.nowhere(directory)
    }

    /// What a courier tells, until it has ended.
    async fn listen(self: Arc<Self>, target: Target, mut news: mpsc::Receiver<News>) {
        while let Some(n) = news.recv().await {
            match n {
                News::Report(report) => self.reported(target.0, report).await,
                News::Down(why) => {
                    lock(&self.down).insert(target.clone(), why);
                    self.takes(target.0);
                }
                News::Up => {
                    lock(&self.down).remove(&target);
                    self.takes(target.0);
                }
            }
        }
    }

    /// A channel takes messages while one of its targets does.
    fn takes(&self, channel: Channel) {
        let all = match channel {
            Channel::Webhook => self.webhooks.len(),
            Channel::Relay => self.relays.len(),
            _ => 1,
        };
        let down = {
            let down = lock(&self.down);
            let of: Vec<Why> = down.iter().filter(|((c, _), _)| *c == channel).map(|(_, why)| *why).collect();
            of.first().filter(|_| of.len() >= all).map(|why| why.word().to_owned())
        };
        self.board.takes(channel, down, clock::now());
    }

    async fn reported(&self, channel: Channel, report: Report) {
        let Report { delivery, attempt, sent } = report;
        if let Some(nonce) = lock(&self.sending).remove(&delivery) {
            if let Sent::Failed(trouble) | Sent::Ambiguous(trouble) = sent {
                self.answer(&nonce, channel, Tested::NotTaken(trouble));
            }
            return;
        }
        let outcome = sent.outcome();
        count(channel, &outcome);
        let attempt = lock(&self.table).take(delivery).map_or(attempt, |h| h.attempt.max(attempt));
        self.tell(ProviderResult { delivery, attempt, outcome }).await;
    }

    /// Tells what became of an attempt; a centre that is too busy is told again, and the courier waits meanwhile.
    async fn tell(&self, result: ProviderResult) {
        loop {
            match self.inbox.results(vec![result.clone()]) {
                Ok(()) => return,
                Err(NotTaken::Busy) => tokio::time::sleep(AGAIN).await,
                // Without the result the attempt counts as ambiguous at the next start.
                Err(error) => return tracing::warn!(%error, "result of an attempt was not taken"),
            }
        }
    }

    /// What became of an attempt that no courier has; never waits.
    fn at_once(&self, delivery: &Delivery, outcome: Outcome) {
        count(delivery.channel, &outcome);
        let result = ProviderResult { delivery: delivery.id, attempt: delivery.attempts, outcome };
        if let Err(error) = self.inbox.results(vec![result]) {
            // Without the result the attempt counts as ambiguous when its time is up.
            tracing::warn!(%error, "result of an attempt was not taken");
        }
    }

    /// Hands a delivery to its courier; what became of it comes back as an input. Never waits: the words are put beside
    /// the committer, so that ten thousand of them hold up no warning.
    pub fn deliver(&self, delivery: Delivery, news: Arc<NoticeNews>, unrecorded: bool) {
        let order = Order::Deliver(Box::new(delivery), news, unrecorded);
        if let Err(TrySendError::Full(order) | TrySendError::Closed(order)) = self.orders.try_send(order)
            && let Order::Deliver(delivery, ..) = order
        {
            self.at_once(&delivery, Outcome::Failed("queue_full".into()));
        }
    }

    /// A version of a notice is out: what still waits of its older ones does not go any more.
    pub fn overtake(&self, notice: NoticeId, version: u32) {
        // In turn with what was ordered before; where there is no room for it, at once.
        if self.orders.try_send(Order::Overtake(notice, version)).is_err() {
            self.take_back_older(notice, version);
        }
    }

    /// Does what is ordered, in order.
    async fn work(self: Arc<Self>, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Deliver(delivery, news, unrecorded) => {
                    if let Err(outcome) = self.hand_over(&delivery, &news.notice, unrecorded, clock::now()) {
                        self.at_once(&delivery, outcome);
                    }
                }
                Order::Overtake(notice, version) => self.take_back_older(notice, version),
                Order::Told(done) => drop(done.send(())),
            }
        }
    }

    fn hand_over(&self, delivery: &Delivery, notice: &Notice, unrecorded: bool, now: Time) -> Result<(), Outcome> {
        let failed = |why: &str| Outcome::Failed(why.to_owned());
        if notice.exercise.as_deref() != self.exercise.as_deref() {
            return Err(failed("of_another_exercise"));
        }
        let roll = self.roll.load();
        let person = roll.directory.active(&delivery.person).ok_or_else(|| failed("not_in_directory"))?;
        let reader = roll.directory.reader(&person.id).ok_or_else(|| failed("not_in_directory"))?;
        if !may_see(&reader, &notice.marking) {
            return Err(failed("not_releasable"));
        }
        let address = person.addresses.of(delivery.channel).ok_or_else(|| failed("no_address"))?.to_owned();
        let frame = Frame {
            delivery: delivery.id,
            attempt: delivery.attempts,
            reminder: delivery.reminder,
            level: notice.level,
            // That it is over is said also when its time is.
            expires_at: notice.expires_at.filter(|_| !notice.state.ended()),
        };
        let not_set_up = || failed("not_set_up");
        let signature = self.signature_for(notice, person, delivery.channel);
        let s = &signature;
        let taken = match delivery.channel {
            Channel::Mail => {
                let m = self.mail.as_ref().ok_or_else(not_set_up)?;
                let letter = letters::mail_letter(notice, person, &address, delivery, s, m.config.content_up_to);
                self.note((Channel::Mail, None), delivery, notice, &address);
                m.courier.take(frame.with(letter), now)
            }
            Channel::Sms => {
                let short = self.sms.as_ref().ok_or_else(not_set_up)?;
                let letter = letters::sms_letter(notice, person, &address, delivery, s, short.config.parts);
                self.note((Channel::Sms, None), delivery, notice, &address);
                short.courier.take(frame.with(letter), now)
            }
            Channel::Webhook => {
                let id = person.addresses.webhook.as_ref().ok_or_else(not_set_up)?;
                let hook = self.webhooks.get(id).ok_or_else(not_set_up)?;
                let most = hook.config.content_up_to;
                let letter = letters::webhook_letter(notice, unrecorded, person, delivery, s, most);
                self.note((Channel::Webhook, Some(id.clone())), delivery, notice, &address);
                hook.courier.take(frame.with(letter), now)
            }
            Channel::Relay => {
                let id = person.addresses.relay.as_ref().ok_or_else(not_set_up)?;
                let siren = self.relays.get(id).ok_or_else(not_set_up)?;
                self.note((Channel::Relay, Some(id.clone())), delivery, notice, &address);
                siren.courier.take(frame.with(letters::relay_letter(notice, &siren.config)), now)
            }
            Channel::Web | Channel::Tak | Channel::Push | Channel::Voice => return Err(not_set_up()),
        };
        let Err(refused) = taken else { return Ok(()) };
        match refused.sent() {
            // The one before still waits: its report answers for this one, too.
            None => Ok(()),
            Some(sent) => {
                lock(&self.table).take(delivery.id);
                Err(sent.outcome())
            }
        }
    }

    /// Over mail and SMS the link is the reader's own, where they can read and acknowledge by it.
    fn signature_for(&self, notice: &Notice, person: &Person, channel: Channel) -> Signature {
        let mut signature = self.signature.clone();
        let useful = !notice.state.ended()
            && !person.roles.contains(&Role::Device)
            && releases(notice.marking.tlp, self.content_up_to(channel));
        // Over plain HTTP whoever listens could acknowledge by it.
        if useful
            && let Some(base) = signature.link.as_deref().filter(|b| b.starts_with("https://"))
            && let Some(token) = self.links.make(notice, &person.id, channel)
        {
            signature.link = Some(format!("{base}/a#{token}"));
        }
        signature
    }

    /// Before the courier has it: its report may come at once.
    fn note(&self, target: Target, delivery: &Delivery, notice: &Notice, address: &str) {
        let handed = Handed {
            target,
            notice: delivery.notice,
            version: delivery.version,
            attempt: delivery.attempts,
            person: delivery.person.clone(),
            address: address.to_owned(),
            marking: notice.marking.clone(),
        };
        lock(&self.table).put(delivery.id, handed);
    }

    fn take_back(&self, which: &BTreeMap<Target, Vec<DeliveryId>>) {
        if which.is_empty() {
            return;
        }
        for (target, courier, _) in self.couriers() {
            if let Some(ids) = which.get(&target) {
                courier.cancel(ids);
            }
        }
    }

    fn take_back_older(&self, notice: NoticeId, version: u32) {
        let older = {
            let mut table = lock(&self.table);
            let Some(of) = table.by_notice.get_mut(&notice).filter(|of| of.lowest < version) else { return };
            of.lowest = version;
            let ids = of.deliveries.clone();
            let handed = ids.iter().filter_map(|id| Some((id, table.handed.get(id)?)));
            Table::by_target(handed.filter(|(_, h)| h.version < version))
        };
        self.take_back(&older);
    }

    /// Who is who changed: what waits for somebody who may no longer have it, or who is elsewhere now, does not go.
    pub fn renew(&self, directory: &Directory) {
        let may = |h: &Handed| {
            directory.reader(&h.person).is_some_and(|r| may_see(&r, &h.marking))
                && directory.people.get(&h.person).is_some_and(|p| p.addresses.of(h.target.0) == Some(&h.address))
        };
        let gone = Table::by_target(lock(&self.table).handed.iter().filter(|(_, h)| !may(h)));
        self.take_back(&gone);
    }

    /// Takes nothing more; what waits has a few seconds to go, and each is reported.
    pub async fn drain(&self) {
        let (done, told) = oneshot::channel();
        if self.orders.send(Order::Told(done)).await.is_ok() {
            // What was ordered by then is with its courier.
            let _ = tokio::time::timeout(DRAIN, told).await;
        }
        futures_util::future::join_all(self.couriers().into_iter().map(|(_, c, _)| c.drain(DRAIN))).await;
    }
}

/// A message without its content.
struct Frame {
    delivery: DeliveryId,
    attempt: u32,
    reminder: u32,
    level: Level,
    expires_at: Option<Time>,
}

impl Frame {
    fn with<L>(&self, letter: L) -> Outgoing<L> {
        let Self { delivery, attempt, reminder, level, expires_at } = *self;
        Outgoing { delivery, attempt, reminder, level, expires_at, letter }
    }
}

fn count(channel: Channel, outcome: &Outcome) {
    metrics::counter!(crate::meters::CARRIED, "channel" => channel.word(), "outcome" => outcome.word()).increment(1);
}

// ---- test messages ----

impl Carriers {
    /// A test message came back over a channel; whether one was waited for. Whoever takes what comes in calls this with the
    /// nonce that [`test_nonce`] finds.
    pub fn came_back(&self, channel: Channel, nonce: &str) -> bool {
        self.answer(nonce, channel, Tested::Back)
    }

    fn answer(&self, nonce: &str, channel: Channel, tested: Tested) -> bool {
        let mut tests = lock(&self.tests);
        if tests.get(nonce).is_none_or(|(c, _)| *c != channel) {
            return false;
        }
        tests.remove(nonce).is_some_and(|(_, waits)| waits.send(tested).is_ok())
    }

    /// Whether test messages can come back over a channel.
    pub fn has_loop(&self, channel: Channel) -> bool {
        match channel {
            Channel::Mail => self.mail.as_ref().is_some_and(|m| m.config.loop_to.is_some()),
            Channel::Sms => self.sms.as_ref().is_some_and(|s| s.config.loop_to.is_some()),
            _ => true,
        }
    }

    /// Sends a test message round mail or short messages, by the courier as every other message; `None` where none can come
    /// back. Whoever waits no longer calls [`Self::forget`].
    pub fn send_test(&self, channel: Channel, nonce: &str, now: Time) -> Option<oneshot::Receiver<Tested>> {
        let words = letters::test_words(nonce, self.exercise.as_deref());
        let frame =
            Frame { delivery: letters::test_id(), attempt: 1, reminder: 0, level: Level::Urgent, expires_at: None };
        let (answer, waits) = oneshot::channel();
        let watched = |to: &Option<String>| {
            let to = to.clone()?;
            lock(&self.tests).insert(nonce.to_owned(), (channel, answer));
            lock(&self.sending).insert(frame.delivery, nonce.to_owned());
            Some(to)
        };
        let taken = match channel {
            Channel::Mail => {
                let m = self.mail.as_ref()?;
                let to = watched(&m.config.loop_to)?;
                let body = format!("{words}\n{}\n", self.signature.centre);
                m.courier.take(frame.with(MailLetter { to, subject: words, body, thread: None, made_at: now }), now)
            }
            Channel::Sms => {
                let s = self.sms.as_ref()?;
                let to = watched(&s.config.loop_to)?;
                s.courier.take(frame.with(SmsLetter { to, text: words }), now)
            }
            _ => return None,
        };
        if let Err(refused) = taken {
            lock(&self.sending).remove(&frame.delivery);
            if let Some(Sent::Failed(trouble)) = refused.sent() {
                self.answer(nonce, channel, Tested::NotTaken(trouble));
            }
        }
        Some(waits)
    }

    /// Nobody waits for this test message any more.
    pub fn forget(&self, nonce: &str) {
        lock(&self.tests).remove(nonce);
        lock(&self.sending).retain(|_, n| n != nonce);
    }

    /// Asks every webhook, or every relay, whether it answers a signed test; the first that does not, and why.
    pub async fn ask_all(&self, channel: Channel, nonce: &str, now: Time) -> Result<(), String> {
        let exercise = self.exercise.as_deref();
        let failed = |id: &SourceId, t: Trouble| Err(format!("{id}: {t}"));
        match channel {
            Channel::Webhook => {
                let all = self.webhooks.iter().map(|(id, h)| async move {
                    h.carrier.test(nonce, exercise, now).await.or_else(|t| failed(id, t))
                });
                futures_util::future::join_all(all).await.into_iter().collect()
            }
            Channel::Relay => {
                let all = self.relays.iter().map(|(id, r)| async move {
                    r.carrier.test(nonce, exercise, now).await.or_else(|t| failed(id, t))
                });
                futures_util::future::join_all(all).await.into_iter().collect()
            }
            _ => Ok(()),
        }
    }
}
