//! `skypicket serve`: the centre, from its configuration to its end.

use crate::{
    accounts::Provider,
    audit::Audit,
    cap::{CapFeed, keys::Keys},
    carriers::{Carriers, CarriersConfig, TakLoop, Watchdog, WebLoop},
    centre::{Centre, Running, Setup},
    cli::{End, ServeArgs},
    clock,
    config::{Config, ConfigError, TlsConfig},
    doctor::{Listener, Standing},
    exercise::Exercise,
    http::{
        self, App, TakReach,
        auth::{Access, SetUp},
    },
    inbox::{Inbox, Job},
    library::Library,
    links::Links,
    machines::Machines,
    pulse::{self, Pulse},
    push::Push,
    qr,
    searches::Finder,
    sources::{CentreIntake, SourceTable},
    tls::Tls,
    upkeep::Keeper,
};
use anyhow::Context;
use serde_json::json;
use skypicket_link::{
    CaptureTail, ClientCertificates, FeedConnector, Secure, TakServer, TcpLines, UdpLines,
    tls::{ClientAuth, server_config},
};
use skypicket_model::{Channel, Directory, PersonId, Role, Zone};
use skypicket_record::{Options, SqliteRecord, World};
use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    net::TcpListener,
    signal::unix::{self, SignalKind},
    sync::{mpsc, watch},
    task::JoinSet,
};

/// Runs the command.
pub fn run(args: &ServeArgs) -> End {
    let mut config = match Config::load(args.config.as_deref()) {
        Ok(c) => c,
        Err(e @ ConfigError::Read { .. }) => return End::could_not(e),
        Err(e) => return End::usage(e.to_string()),
    };
    if let Some(l) = args.listen {
        config.listen = l;
    }
    if let Some(t) = &args.tls {
        // --tls auto keeps the names of the file.
        if !(matches!(t, TlsConfig::Auto { .. }) && matches!(config.tls, TlsConfig::Auto { .. })) {
            config.tls = t.clone();
        }
    }
    if let Some(d) = &args.data {
        config.data.clone_from(d);
    }
    let library = match config.library() {
        Ok(l) => Arc::new(l),
        Err(e) => return End::usage(e.to_string()),
    };
    let exercise = match &args.exercise {
        None => None,
        Some(name) => match Exercise::new(name, args.seed, clock::now(), Arc::clone(&library)) {
            Some(x) => Some(Arc::new(x)),
            None => return End::usage(format!("there is no exercise '{name}': give first-light")),
        },
    };
    let configured = match config.directory() {
        Ok(d) => d,
        Err(e) => return End::usage(e.to_string()),
    };
    // In an exercise everybody is made up: nobody of the configuration is in it.
    let directory = match &exercise {
        Some(x) => x.directory(),
        None => configured,
    };
    if let Err(message) = crate::log::start() {
        return End::usage(message);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(r) => r,
        Err(e) => return End::could_not(e),
    };
    let end = match runtime.block_on(serve(args, config, (directory, library), exercise)) {
        Ok(()) => End::OK,
        Err(e) => End::could_not(format!("{e:#}")),
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    end
}

/// Live and every exercise have a folder of their own under the data folder.
pub fn folder(data: &Path, exercise: Option<&str>) -> PathBuf {
    match exercise {
        None => data.join("live"),
        Some(name) => data.join(format!("exercise-{name}")),
    }
}

async fn serve(
    args: &ServeArgs,
    config: Config,
    (directory, library): (Directory, Arc<Library>),
    exercise: Option<Arc<Exercise>>,
) -> anyhow::Result<()> {
    let name = exercise.as_ref().map(|x| x.name().to_owned());
    let dir = folder(&config.data, name.as_deref());
    let mut options = Options { reserve_bytes: config.record.reserve_mib << 20, ..Options::default() };
    options.world = name.clone().map_or(World::Live, World::Exercise);
    options.retention = config.record.retention.policy();
    options.test_synchronous_off = args.unsafe_no_sync;
    options.test_commit_delay = args.test_commit_delay_ms.map(std::time::Duration::from_millis);
    options.test_max_page_count = args.test_max_pages;
    if let Some(ms) = args.test_commit_delay_ms {
        let faults = Arc::clone(&options.test_faults);
        tokio::spawn(toggled(unix::signal(SignalKind::user_defined1()), move |slow| {
            faults.commit_delay_ms.store(if slow { ms } else { 0 }, std::sync::atomic::Ordering::Relaxed);
        }));
    }
    if let Some(file) = &args.test_clock_offset_file {
        clock::set_wrong(file);
        tokio::spawn(clock_set_wrong(file.clone()));
    }
    let opening = dir.clone();
    let record = tokio::task::spawn_blocking(move || SqliteRecord::open(&opening, options))
        .await?
        .with_context(|| format!("the record in {} could not be opened", dir.display()))?;
    let record = Arc::new(record);
    // Time goes on from the record's last entry, also where the machine's clock was set back meanwhile.
    if let Some(last) = record.last_recorded_at() {
        clock::not_before(last);
    }
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("{} could not be listened on: is another centre running?", config.listen))?;
    let address = listener.local_addr()?;
    let (tls_config, data) = (config.tls.clone(), config.data.clone());
    let tls = tokio::task::spawn_blocking(move || Tls::start(&tls_config, &data, address, clock::now())).await??;
    let tls = tls.map(Arc::new);
    // An address that a phone can use: 0.0.0.0 is none.
    let best = tls.as_ref().and_then(|t| t.bases().into_iter().next());
    let listening = best.unwrap_or_else(|| format!("http://{address}"));
    let base_url: Arc<str> = config.public_url.clone().unwrap_or_else(|| listening.clone()).into();

    let place = if exercise.is_some() { Exercise::place() } else { config.place.clone() };
    let insecure = config
        .listeners()
        .into_iter()
        .filter(|(_, a, _)| !a.ip().is_loopback())
        .map(|(what, a, _)| format!("Not protected: {what} listens on {a} without TLS."));
    // A feed over UDP listens, and was said above.
    let open = config.open_feeds().filter(|f| f.from.word() != "udp");
    let open =
        open.map(|f| format!("Not protected: source.feed '{}' connects over {} without TLS.", f.id, f.from.word()));
    let setup = Setup {
        directory,
        policies: config.policies(),
        exercise: name.clone(),
        snapshot_s: config.record.snapshot_s,
        checkpoint_s: config.record.checkpoint_s,
        place,
        zone: Zone::new(&config.centre.time_zone).context("[centre] time_zone")?,
        basemap: config.basemap.is_some(),
        warnings: insecure.chain(open).collect(),
    };
    let (centre, running) = Centre::start(Arc::clone(&record), setup).await?;
    if let Some(file) = args.test_stall_file.clone() {
        tokio::spawn(engines_stand_still(file, Arc::clone(&centre.inbox)));
    }
    let push = Push::open(config.push.clone(), Arc::clone(&record), Arc::clone(&centre.inbox), args.test_push_loopback)
        .await?;
    let up = |e: &crate::engines::Engines| {
        let people = e.directory().people.keys();
        people.filter(|p| e.dispatcher().channels_up(p).contains(&Channel::Push)).cloned().collect()
    };
    push.started(&centre.ask(up).await?);
    // The centre was made just now: nobody else has set it.
    let _ = centre.push.set(push);
    let carriers = Carriers::start(
        CarriersConfig::of(&config, exercise.is_some()),
        &centre,
        &base_url,
        Links::open(&record).await?,
    )?;
    let _ = centre.carriers.set(Arc::clone(&carriers));
    let web_loop = WebLoop::new().map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    let web_loop = Arc::new(web_loop);
    let _ = centre.web_loop.set(Arc::clone(&web_loop));
    let sources = Arc::new(SourceTable::default());
    let access = who_is_who(&config, (&base_url, tls.is_some()), &record, &centre, exercise.is_some()).await?;
    let machines_tls = if exercise.is_none() { machines_tls(&config).await? } else { None };
    let authority = machines_tls.as_ref().map(|t| Arc::clone(&t.authority));
    let machines =
        Arc::new(Machines::open(Arc::clone(&record), centre.clone(), Arc::clone(&sources), authority).await?);
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let cap = cap_feed(&config, &centre, &machines, &base_url).await?;
    tasks.spawn(Arc::clone(&cap).run(stopped.clone()));
    let edge = Edge {
        centre: &centre,
        sources: &sources,
        machines: &machines,
        tls: machines_tls.as_deref(),
        stopped: &stopped,
    };
    let revoking = Arc::downgrade(&machines);
    access.cuts.register("certificates", move |person, by| {
        let revoking = revoking.clone();
        async move {
            let machines = revoking.upgrade().ok_or("the centre is shutting down")?;
            let by = by.as_ref().unwrap_or(&person);
            machines.revoke_person(by, &person).await.map(|c| c.len()).map_err(|e| e.to_string())
        }
    });
    tasks.spawn(http::accounts::watch_over(Arc::clone(&access), centre.clone(), stopped.clone()));
    let tak = connect(&config, &edge, &mut tasks, name.as_deref()).await?;
    if let Some(x) = &exercise {
        let x = Arc::clone(x);
        let intake = CentreIntake { centre: centre.clone(), sources: Arc::clone(&sources) };
        let stopped = stopped.clone();
        tasks.spawn(async move { x.run(intake, stopped).await });
    }

    let metrics = crate::meters::install();
    for t in tls.iter().chain(&machines_tls) {
        tasks.spawn(Arc::clone(t).keep(hangups(), stopped.clone()));
    }

    let first = first_person(&centre.roll.load().directory).context("nobody has the role administrator")?;
    let link = access.first_link(&first).await.map_err(|e| anyhow::anyhow!(e))?;
    let keeper = Arc::new(Keeper::new(centre.clone(), config.record.retention.policy(), Arc::clone(&cap)));
    let keeping = tokio::spawn(Arc::clone(&keeper).run(stopped.clone()));
    tasks.spawn(Finder::new(centre.clone()).run(stopped.clone()));
    let audit = Audit::new(centre.clone());
    tasks.spawn(audit.clone().run(stopped.clone()));
    let tak_loop = tak.as_ref().map(|t| TakLoop {
        address: t.address,
        tls: machines_tls.clone().filter(|_| t.tls),
        machines: Arc::clone(&machines),
    });
    let watchdog = Watchdog {
        centre: centre.clone(),
        carriers: Arc::clone(&carriers),
        config: config.watchdog,
        web: Arc::clone(&web_loop),
        address,
        tls: tls.clone(),
        tak: tak_loop,
    };
    let standing = Arc::new(standing(&config, address, exercise.is_none(), tls.as_ref(), machines_tls.as_ref()));
    let app = App {
        centre: centre.clone(),
        access,
        keeper,
        audit: audit.clone(),
        sources: Arc::clone(&sources),
        machines,
        cap,
        tak: tak.map(Arc::new),
        carriers: Arc::clone(&carriers),
        web_loop: Arc::clone(&web_loop),
        positions: Arc::default(),
        basemap: config.basemap.as_ref().map(|b| Arc::new(b.pmtiles.clone())),
        metrics: metrics.clone(),
        base_url: Arc::clone(&base_url),
        standing: Arc::clone(&standing),
        public: config.public_url.is_some(),
        trust: tls.as_ref().filter(|t| t.is_own()).map(|t| http::trust::Trust::new(t, name.as_deref())),
        tls: tls.clone(),
        library,
        exercise: exercise.clone(),
    };
    // Heard from now on: whoever read the first line may stop the centre at once.
    let term = unix::signal(SignalKind::terminate());
    let secured = match &tls {
        None => None,
        Some(t) => Some((t.http_config()?, http::trust::plain(Arc::clone(t), app.trust.clone(), name.as_deref()))),
    };
    let router = http::router(app);
    match http::control::bind(&dir) {
        Ok(control) => drop(tasks.spawn(http::control::serve(control, router.clone(), stopped.clone()))),
        Err(error) => tracing::warn!(%error, folder = %dir.display(), "commands cannot reach this centre"),
    }
    let pulse =
        Pulse { centre: centre.clone(), clocks: Arc::clone(&sources.clocks), metrics, listening: listening.clone() };
    tasks.spawn(watchdog.run(stopped.clone()));
    // Pages wait in the listener since it was bound; commands can come from now on, too.
    announce(&listening, &base_url, link.as_deref(), name.as_deref())?;
    let serving = tokio::spawn(http::serve(listener, http::Listening { router, tls: secured }, stopped.clone()));
    // Its first beat is told after that it is ready.
    pulse::ready(&listening);
    tasks.spawn(pulse.run(stopped));
    signalled(term).await;
    tracing::info!("shutting down: what waits is finished first");
    pulse::stopping();
    drain(centre, running, stop, tasks, (serving, keeping), &audit).await;
    Ok(())
}

/// Bulletins for partners; the key that they are signed with is made at the first start.
async fn cap_feed(
    config: &Config,
    centre: &Centre,
    machines: &Machines,
    base_url: &Arc<str>,
) -> anyhow::Result<Arc<CapFeed>> {
    let name = centre.carriers.get().map(|c| c.signed().centre.to_owned()).unwrap_or_default();
    let keys = Keys::open(Arc::clone(&centre.record), machines.authority().cloned(), &name).await;
    let keys = keys.context("the keys for alerts")?;
    Ok(Arc::new(CapFeed::new(centre, keys, config.cap.sender.as_deref(), base_url)?))
}

/// What the doctor compares with.
fn standing(
    config: &Config,
    address: std::net::SocketAddr,
    connected: bool,
    pages: Option<&Arc<Tls>>,
    machines: Option<&Arc<Tls>>,
) -> Standing {
    let mut listeners = Listener::all(config);
    for l in &mut listeners {
        // Port 0 has become one.
        if l.what == Config::PAGES {
            l.address = address;
        }
    }
    Standing {
        listeners,
        connected,
        reserve_bytes: config.record.reserve_mib << 20,
        watchdog: config.watchdog.every_min > 0.0,
        checkpoint_s: config.record.checkpoint_s,
        tls: [(Config::PAGES, pages), ("sources and TAK", machines)]
            .into_iter()
            .filter_map(|(what, tls)| Some((what, Arc::clone(tls?))))
            .collect(),
        public_host: config.public_host().map(str::to_owned),
    }
}

/// Requests that are under way at shut-down have so long to end before no more is listened for.
const FINISH: std::time::Duration = std::time::Duration::from_secs(3);

/// How people sign in, from the configuration and what the record keeps; told of each change of the directory.
async fn who_is_who(
    config: &Config,
    (base_url, tls): (&str, bool),
    record: &Arc<SqliteRecord>,
    centre: &Centre,
    exercise: bool,
) -> anyhow::Result<Arc<Access>> {
    // In an exercise everybody is made up: no provider knows them.
    let provider = match config.oidc.clone().filter(|_| !exercise) {
        Some(o) => Some(Provider::new(o, base_url)?),
        None => None,
    };
    let tls = tls || base_url.starts_with("https://");
    let behind_proxy = config.public_url.is_some();
    let set_up = SetUp { policy: config.sign_in.clone(), tls, behind_proxy, exercise, provider };
    let directory = centre.ask(|e| e.directory().clone()).await?;
    let access = Access::open(Arc::clone(record), Arc::clone(&centre.hub), &directory, set_up).await?;
    let access = Arc::new(access);
    if let Some(push) = centre.push.get().cloned() {
        let _ = access.push.set(Arc::clone(&push));
        access.cuts.register("push_subscriptions", move |person, _| {
            let push = Arc::clone(&push);
            async move { push.drop_person(&person).await.map_err(|e| e.to_string()) }
        });
    }
    let told = Arc::clone(&access);
    let runtime = tokio::runtime::Handle::current();
    // The centre was made just now: nobody else has set it.
    let _ = centre.on_rights.set(Box::new(move |directory| {
        if let Some(rest) = Access::shut_out(&told, directory) {
            runtime.spawn(rest);
        }
    }));
    Ok(access)
}

/// Who gets the first sign-in link: an administrator who also watches, else any.
fn first_person(directory: &Directory) -> Option<PersonId> {
    let watches = directory.with_role(Role::Administrator).find(|p| p.roles.contains(&Role::Watch));
    watches.or_else(|| directory.with_role(Role::Administrator).next()).map(|p| p.id.clone())
}

/// The first line on standard output: where the centre is reached.
#[allow(clippy::print_stdout)] // the contract with whoever started it
fn announce(listening: &str, base: &str, link: Option<&str>, exercise: Option<&str>) -> anyhow::Result<()> {
    let sign_in = link.map(|l| format!("{base}/#sign-in={l}"));
    println!("{}", json!({"listening": listening, "sign_in": sign_in, "exercise": exercise}));
    std::io::stdout().flush()?;
    // Whoever started it by hand has a phone in the other: not into a log, which others read.
    if std::io::stderr().is_terminal()
        && let Some(code) = sign_in.as_deref().and_then(|s| qr::terminal(s).ok())
    {
        std::io::stderr().write_all(code.as_bytes())?;
    }
    Ok(())
}

/// TLS of sources and TAK clients: with the pages' files where they have some, else own certificates, which stand for
/// every address of this machine, since these listen elsewhere than the pages.
async fn machines_tls(config: &Config) -> anyhow::Result<Option<Arc<Tls>>> {
    let own = match &config.tls {
        TlsConfig::Off if !config.wants_authority() => return Ok(None),
        TlsConfig::Off => TlsConfig::Auto { names: Vec::new() },
        given => given.clone(),
    };
    let data = config.data.clone();
    let everywhere = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
    let tls = tokio::task::spawn_blocking(move || Tls::start(&own, &data, everywhere, clock::now())).await??;
    Ok(tls.map(Arc::new))
}

/// What connectors are made with.
struct Edge<'a> {
    centre: &'a Centre,
    sources: &'a Arc<SourceTable>,
    machines: &'a Arc<Machines>,
    tls: Option<&'a Tls>,
    stopped: &'a watch::Receiver<bool>,
}

impl Edge<'_> {
    fn secure(&self, tls: bool, clients: ClientCertificates) -> anyhow::Result<Option<Secure>> {
        let Some(own) = self.tls.filter(|_| tls) else { return Ok(None) };
        let authority = Arc::clone(&own.authority);
        let auth = match clients {
            ClientCertificates::Required => ClientAuth::Required(authority),
            ClientCertificates::Optional => ClientAuth::Optional(authority),
        };
        let config = server_config(Arc::clone(&own.identity), &[], &auth)?;
        let machines = Arc::clone(self.machines) as Arc<dyn skypicket_link::Machines>;
        Ok(Some(Secure::new(Arc::new(config), machines)))
    }
}

/// Starts every connector of the configuration; how TAK clients reach it.
async fn connect(
    config: &Config,
    edge: &Edge<'_>,
    tasks: &mut JoinSet<()>,
    exercise: Option<&str>,
) -> anyhow::Result<Option<TakReach>> {
    let Edge { centre, sources, stopped, .. } = *edge;
    let intake: Arc<dyn skypicket_link::Intake> =
        Arc::new(CentreIntake { centre: centre.clone(), sources: Arc::clone(sources) });
    if exercise.is_some() {
        // Exercise and live never mix (promise 9): no real sensor or client is heard in an exercise.
        tracing::info!("an exercise: the configured sources and TAK are not opened");
        return Ok(None);
    }
    for s in &config.source.capture {
        let c = CaptureTail::new(s.clone());
        sources.expect(&s.id, "capture", s.expected_interval_s, Some(c.health()), clock::now());
        tasks.spawn(c.run(Arc::clone(&intake), stopped.clone()));
    }
    for s in &config.source.udp {
        let c = UdpLines::bind(s.clone()).await?;
        sources.expect(&s.id, "udp", s.expected_interval_s, Some(c.health()), clock::now());
        tracing::info!(source = %s.id, address = %c.local_addr(), "listening for lines over UDP");
        tasks.spawn(c.run(Arc::clone(&intake), stopped.clone()));
    }
    for s in &config.source.tcp {
        let c = TcpLines::bind(s.clone(), edge.secure(s.tls, s.client_certificates)?).await?;
        sources.expect(&s.id, "tcp", s.expected_interval_s, Some(c.health()), clock::now());
        tracing::info!(source = %s.id, address = %c.local_addr(), "listening for lines over TCP");
        tasks.spawn(c.run(Arc::clone(&intake), stopped.clone()));
    }
    for s in &config.source.feed {
        let c = FeedConnector::open(s.clone()).await?;
        for (id, interval_s, health) in c.sources() {
            sources.expect(&id, c.bearer(), interval_s, Some(health), clock::now());
        }
        if let Some(address) = c.local_addr() {
            tracing::info!(source = %s.id, %address, "listening for a feed");
        } else {
            tracing::info!(source = %s.id, bearer = c.bearer(), "connecting to a feed");
        }
        tasks.spawn(c.run(Arc::clone(&intake), stopped.clone()));
    }
    let mut reach = None;
    if let Some(t) = &config.tak {
        // Asked anew at each self-report: who is who changes while clients are connected.
        let roll = Arc::clone(&centre.roll);
        let lookup: skypicket_link::tak::Lookup = Arc::new(move |uid| roll.load().by_tak.get(uid).cloned());
        let server = TakServer::bind(t.clone(), None, lookup, edge.secure(t.tls, t.client_certificates)?).await?;
        let ip = t.listen.ip();
        let host = if ip.is_unspecified() { config.public_host().map(str::to_owned) } else { Some(ip.to_string()) };
        let address = server.local_addr();
        reach = Some(TakReach { tls: t.tls, host, port: address.port(), callsign: t.callsign.clone(), address });
        sources.expect(&t.id, "tak", None, Some(server.health()), clock::now());
        tracing::info!(address = %server.local_addr(), "listening for TAK clients");
        // The centre was made just now: nobody else has set it.
        let _ = centre.tak.set(server.handle());
        tasks.spawn(server.run(intake, stopped.clone()));
    }
    Ok(reach)
}

/// SIGHUP, as something to wait for: certificate files are then read again.
fn hangups() -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel(1);
    match unix::signal(SignalKind::hangup()) {
        Ok(mut signals) => drop(tokio::spawn(async move {
            while signals.recv().await.is_some() {
                // One that waits is enough.
                let _ = tell.try_send(());
            }
        })),
        Err(error) => tracing::warn!(%error, "SIGHUP cannot be waited for; certificate files are read each minute"),
    }
    told
}

/// Only where a test asked for a slow disk: SIGUSR1 makes it quick, and slow again.
async fn toggled(signals: std::io::Result<unix::Signal>, set: impl Fn(bool)) {
    let Ok(mut signals) = signals else { return };
    let mut slow = true;
    while signals.recv().await.is_some() {
        slow = !slow;
        set(slow);
    }
}

/// Only where a test asked for it: the engines stand still while the file is there.
async fn engines_stand_still(file: PathBuf, inbox: Arc<Inbox>) {
    const LOOK: std::time::Duration = std::time::Duration::from_millis(20);
    loop {
        if file.exists() {
            let still = file.clone();
            let stand = move |_: &crate::engines::Engines| {
                while still.exists() {
                    std::thread::sleep(LOOK);
                }
            };
            if inbox.push(Job::Ask(Box::new(stand))).is_err() {
                return;
            }
        }
        tokio::time::sleep(LOOK * 10).await;
    }
}

/// Only where a test asked for it: the clock is wrong by what the file says.
async fn clock_set_wrong(file: PathBuf) {
    loop {
        clock::set_wrong(&file);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// SIGTERM, or Ctrl-C.
async fn signalled(term: std::io::Result<unix::Signal>) {
    match term {
        Ok(mut term) => {
            tokio::select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be waited for; Ctrl-C ends the centre");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

/// No new work, then what waits, then the record's last snapshot and checkpoint.
async fn drain(
    centre: Centre,
    running: Running,
    stop: watch::Sender<bool>,
    mut tasks: JoinSet<()>,
    (serving, keeping): (tokio::task::JoinHandle<()>, tokio::task::JoinHandle<()>),
    audit: &Audit,
) {
    centre.flags.drain();
    centre.hub.close();
    // Whoever is sending finishes, and hears the answer; `/readyz` says 503 meanwhile. One that is stuck does not hold
    // the others up for long.
    let _ = tokio::time::timeout(FINISH, async {
        while centre.flags.in_flight() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    stop.send_replace(true);
    centre.hub.close();
    // What waits for mail, SMS, webhooks and relays may still go meanwhile, and what became of it is recorded.
    let carriers = centre.carriers.get().cloned();
    let carried = async {
        if let Some(c) = carriers {
            c.drain().await;
        }
    };
    let _ = tokio::join!(tokio::time::timeout(std::time::Duration::from_secs(8), serving), carried);
    // A purge under way stops after its step and says what it did.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(3), keeping).await;
    // A connector that does not end must not keep what is recorded from being closed well.
    if tokio::time::timeout(std::time::Duration::from_secs(5), tasks.shutdown()).await.is_err() {
        tracing::warn!("a connector did not end in time");
    }
    audit.flush(true);
    centre.inbox.close();
    running.ended().await;
}
