//! `skypicket serve`: the centre, from its configuration to its end.

use crate::{
    centre::{Centre, Running, Setup},
    cli::{End, ServeArgs},
    clock,
    config::{Config, ConfigError},
    exercise::Exercise,
    http::{self, App, auth::Access},
    sources::{CentreIntake, SourceTable},
};
use anyhow::Context;
use serde_json::json;
use skypicket_link::{CaptureTail, TakServer, TcpLines, UdpLines};
use skypicket_model::{Directory, PersonId, Role};
use skypicket_record::{Options, SqliteRecord, World};
use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    net::TcpListener,
    signal::unix::{self, SignalKind},
    sync::watch,
    task::JoinSet,
};

/// Runs the command.
pub fn run(args: &ServeArgs) -> End {
    if args.tls.is_some() {
        return End::not_built("serve --tls");
    }
    let mut config = match Config::load(args.config.as_deref()) {
        Ok(c) => c,
        Err(e @ ConfigError::Read { .. }) => return End::could_not(e),
        Err(e) => return End::usage(e.to_string()),
    };
    if let Some(l) = args.listen {
        config.listen = l;
    }
    if let Some(d) = &args.data {
        config.data.clone_from(d);
    }
    let exercise = match &args.exercise {
        None => None,
        Some(name) => match Exercise::new(name, args.seed, clock::now()) {
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
    log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(r) => r,
        Err(e) => return End::could_not(e),
    };
    let end = match runtime.block_on(serve(args, config, directory, exercise)) {
        Ok(()) => End::OK,
        Err(e) => End::could_not(format!("{e:#}")),
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    end
}

/// Structured lines on standard error; `SKYPICKET_LOG` sets what (default `info`).
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SKYPICKET_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A second subscriber in one process (tests) is no fault.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).json().try_init();
}

/// Live and every exercise have a folder of their own under the data folder.
fn folder(data: &Path, exercise: Option<&str>) -> PathBuf {
    match exercise {
        None => data.join("live"),
        Some(name) => data.join(format!("exercise-{name}")),
    }
}

async fn serve(
    args: &ServeArgs,
    config: Config,
    directory: Directory,
    exercise: Option<Arc<Exercise>>,
) -> anyhow::Result<()> {
    let name = exercise.as_ref().map(|x| x.name().to_owned());
    let dir = folder(&config.data, name.as_deref());
    let mut options = Options { reserve_bytes: config.record.reserve_mib << 20, ..Options::default() };
    options.world = name.clone().map_or(World::Live, World::Exercise);
    options.test_synchronous_off = args.unsafe_no_sync;
    options.test_commit_delay = args.test_commit_delay_ms.map(std::time::Duration::from_millis);
    options.test_max_page_count = args.test_max_pages;
    if let Some(ms) = args.test_commit_delay_ms {
        let faults = Arc::clone(&options.test_faults);
        tokio::spawn(toggled(unix::signal(SignalKind::user_defined1()), move |slow| {
            faults.commit_delay_ms.store(if slow { ms } else { 0 }, std::sync::atomic::Ordering::Relaxed);
        }));
    }
    let opening = dir.clone();
    let record = tokio::task::spawn_blocking(move || SqliteRecord::open(&opening, options))
        .await?
        .with_context(|| format!("the record in {} could not be opened", dir.display()))?;
    let record = Arc::new(record);
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("{} could not be listened on: is another centre running?", config.listen))?;
    let address = listener.local_addr()?;
    let listening = format!("http://{address}");
    let base_url: Arc<str> = config.public_url.clone().unwrap_or_else(|| listening.clone()).into();

    let place = if exercise.is_some() { Exercise::place() } else { config.place.clone() };
    let insecure = config
        .listeners()
        .into_iter()
        .filter(|(_, a, _)| !a.ip().is_loopback())
        .map(|(what, a, _)| format!("Not protected: {what} listens on {a} without TLS."));
    let setup = Setup {
        directory: directory.clone(),
        policies: config.policy.clone(),
        exercise: name.clone(),
        snapshot_s: config.record.snapshot_s,
        checkpoint_s: config.record.checkpoint_s,
        place,
        basemap: config.basemap.is_some(),
        warnings: insecure.collect(),
    };
    let (centre, running) = Centre::start(Arc::clone(&record), setup).await?;
    let sources = Arc::new(SourceTable::default());
    let access = Arc::new(Access::new(Arc::clone(&record)));
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    connect(&config, &directory, &centre, &sources, &stopped, &mut tasks, name.as_deref()).await?;
    if let Some(x) = &exercise {
        let x = Arc::clone(x);
        let intake = CentreIntake { centre: centre.clone(), sources: Arc::clone(&sources) };
        let stopped = stopped.clone();
        tasks.spawn(async move { x.run(intake, stopped).await });
    }

    let first = first_person(&directory).context("nobody has the role administrator")?;
    let link = access.first_link(&first).await.map_err(|e| anyhow::anyhow!(e))?;
    let app = App {
        centre: centre.clone(),
        access,
        sources,
        positions: Arc::default(),
        basemap: config.basemap.as_ref().map(|b| Arc::new(b.pmtiles.clone())),
        metrics: metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().ok(),
        base_url: Arc::clone(&base_url),
        exercise: exercise.clone(),
    };
    // Heard from now on: whoever read the first line may stop the centre at once.
    let term = unix::signal(SignalKind::terminate());
    announce(&listening, &base_url, link.as_deref(), name.as_deref())?;
    let router = http::router(app);
    let serving = tokio::spawn(http::serve(listener, router, stopped));
    signalled(term).await;
    tracing::info!("shutting down: what waits is finished first");
    drain(centre, running, stop, tasks, serving).await;
    Ok(())
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
    Ok(())
}

/// Starts every connector of the configuration.
async fn connect(
    config: &Config,
    directory: &Directory,
    centre: &Centre,
    sources: &Arc<SourceTable>,
    stopped: &watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
    exercise: Option<&str>,
) -> anyhow::Result<()> {
    let intake: Arc<dyn skypicket_link::Intake> =
        Arc::new(CentreIntake { centre: centre.clone(), sources: Arc::clone(sources) });
    if exercise.is_some() {
        // Exercise and live never mix (promise 9): no real sensor or client is heard in an exercise.
        tracing::info!("an exercise: the configured sources and TAK are not opened");
        return Ok(());
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
        let c = TcpLines::bind(s.clone()).await?;
        sources.expect(&s.id, "tcp", s.expected_interval_s, Some(c.health()), clock::now());
        tracing::info!(source = %s.id, address = %c.local_addr(), "listening for lines over TCP");
        tasks.spawn(c.run(Arc::clone(&intake), stopped.clone()));
    }
    if let Some(t) = &config.tak {
        let people: BTreeMap<String, PersonId> =
            directory.people.values().filter_map(|p| Some((p.tak_uid.clone()?, p.id.clone()))).collect();
        let lookup: skypicket_link::tak::Lookup = Arc::new(move |uid| people.get(uid).cloned());
        let server = TakServer::bind(t.clone(), None, lookup).await?;
        sources.expect(&t.id, "tak", None, Some(server.health()), clock::now());
        tracing::info!(address = %server.local_addr(), "listening for TAK clients");
        // The centre was made just now: nobody else has set it.
        let _ = centre.tak.set(server.handle());
        tasks.spawn(server.run(intake, stopped.clone()));
    }
    Ok(())
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
    serving: tokio::task::JoinHandle<()>,
) {
    stop.send_replace(true);
    centre.hub.close();
    let _ = tokio::time::timeout(std::time::Duration::from_secs(8), serving).await;
    // A connector that does not end must not keep what is recorded from being closed well.
    if tokio::time::timeout(std::time::Duration::from_secs(5), tasks.shutdown()).await.is_err() {
        tracing::warn!("a connector did not end in time");
    }
    centre.inbox.close();
    running.ended().await;
}
