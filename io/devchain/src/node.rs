//! What the server's tasks share: the chain, the way it mines, and the filters clients installed.

use crate::{
    Config, Error, Mining, chain::Chain, limits::REQUESTS_AT_ONCE, record::Genesis,
    rpc::filters::Filters,
};
use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, MissedTickBehavior, interval_at},
};

/// The parts of a running chain.
pub(crate) struct Node {
    pub(crate) chain: RwLock<Chain>,
    pub(crate) mining: watch::Sender<Mining>,
    pub(crate) filters: Mutex<Filters>,
    /// Limits the requests worked on at once.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) max_log_range: u64,
}

impl Node {
    /// Opens the chain and brings it up to date with its way of mining.
    pub(crate) fn open(config: &Config) -> Result<Self, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let genesis = Genesis {
            chain_id: config.chain_id,
            timestamp: config.genesis_time.unwrap_or(now),
            gas_limit: config.block_gas_limit,
            accounts: config.accounts.clone(),
        };
        let timed = config.genesis_time.is_some();
        let mut chain = Chain::open(genesis, timed, config.journal.as_deref())?;
        if config.block_time == Mining::OnTransaction {
            // Accepted before a crash, not mined before it.
            chain.together(Chain::mine_ready)?;
        }
        Ok(Self {
            chain: RwLock::new(chain),
            mining: watch::Sender::new(config.block_time),
            filters: Mutex::default(),
            places: Arc::new(Semaphore::new(REQUESTS_AT_ONCE)),
            max_log_range: config.max_log_range,
        })
    }

    /// Ends all changes and closes the journal, after any change under way.
    pub(crate) fn close(&self) {
        self.chain.write().unwrap_or_else(PoisonError::into_inner).close();
    }

    /// Mines at intervals, when that is the way, until told to stop.
    pub(crate) async fn mine(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut mining = self.mining.subscribe();
        loop {
            let way = *mining.borrow_and_update();
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                changed = mining.changed() => if changed.is_err() { return },
                () = self.mine_every(way) => {}
            }
        }
    }

    async fn mine_every(self: &Arc<Self>, way: Mining) {
        let Mining::Interval(period) = way else { return std::future::pending().await };
        // A period too long to add to the clock is as good as never.
        let Some(first) = Instant::now().checked_add(period) else {
            return std::future::pending().await;
        };
        let mut ticks = interval_at(first, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let node = Arc::clone(self);
            let mined = tokio::task::spawn_blocking(move || match node.chain.write() {
                Ok(mut chain) => chain.mine().map_err(|error| error.to_string()),
                Err(_) => Err("an earlier request panicked".to_owned()),
            });
            if let Ok(Err(error)) = mined.await {
                tracing::error!(%error, "no block was mined");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
