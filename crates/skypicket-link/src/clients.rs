//! [`Clients`]: the tasks of a listener's connections, bounded in number, altogether and from one address.

use crate::Health;
use std::{
    collections::BTreeMap,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinError, JoinSet},
};

pub(crate) struct Clients {
    tasks: JoinSet<IpAddr>,
    by_address: BTreeMap<IpAddr, usize>,
    most: usize,
    most_by_address: usize,
    health: Arc<Health>,
}

impl Clients {
    pub(crate) fn new(most: usize, most_by_address: usize, health: Arc<Health>) -> Self {
        Self { tasks: JoinSet::new(), by_address: BTreeMap::new(), most, most_by_address, health }
    }

    /// The next connection, while the tasks that ended are let go. Cancel safe.
    pub(crate) async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    self.forget(ended);
                }
                accepted = listener.accept() => match accepted {
                    Ok(connection) => return connection,
                    Err(error) => {
                        // Out of descriptors, most likely: the ones in use go on, and one may end soon.
                        tracing::warn!(%error, "accepting a connection failed");
                        self.health.refused("accept", 1);
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }

    /// Whether another connection from there is within the bounds.
    pub(crate) fn may_open(&mut self, from: SocketAddr) -> bool {
        while let Some(ended) = self.tasks.try_join_next() {
            self.forget(ended);
        }
        let here = self.by_address.get(&from.ip()).copied().unwrap_or(0);
        self.tasks.len() < self.most && here < self.most_by_address
    }

    pub(crate) fn open(&mut self, from: SocketAddr, task: impl Future<Output = ()> + Send + 'static) {
        let ip = from.ip();
        *self.by_address.entry(ip).or_default() += 1;
        self.tasks.spawn(async move {
            task.await;
            ip
        });
        self.health.connections(self.tasks.len());
    }

    fn forget(&mut self, ended: Result<IpAddr, JoinError>) {
        match ended {
            Ok(ip) => {
                if let Some(n) = self.by_address.get_mut(&ip) {
                    *n = n.saturating_sub(1);
                    if *n == 0 {
                        self.by_address.remove(&ip);
                    }
                }
            }
            // Its address is gone with it: the count by address stays one too high, which only makes a bound tighter.
            Err(error) => tracing::error!(%error, "a connection's task ended badly"),
        }
        self.health.connections(self.tasks.len());
    }

    /// Waits until every task has seen the shutdown and ended.
    pub(crate) async fn drain(mut self) {
        while self.tasks.join_next().await.is_some() {}
        self.health.connections(0);
    }
}
