//! An EVM development chain in one process: revm under Osaka rules behind Ethereum JSON-RPC over
//! HTTP, complete enough for alloy, viem, ethers and `cast` to deploy, call, send raw
//! transactions, wait for receipts and read logs. What it accepts survives `kill -9` through a
//! journal, which a restart replays to the same blocks, hashes and receipts. NOT here: other
//! nodes (no peers, no consensus; blocks are believed because this process made them), state
//! proofs (a block's `stateRoot` is a running hash over state changes, no Merkle root), blob
//! transactions, the system contracts of the beacon chain (EIP-2935, EIP-4788), keys
//! (`eth_sendTransaction`, `eth_sign`), subscriptions, traces, a lock on the journal (the caller's
//! task), and anything about what runs on the chain. It is open to whoever reaches its port and
//! answers any web page: it is for one machine's loopback.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sotto_devchain::Error> {
//! use sotto_devchain::{Config, Devchain, Mining};
//!
//! let config = Config { block_time: Mining::OnTransaction, ..Config::default() };
//! let chain = Devchain::start(config).await?;
//! assert!(chain.url().starts_with("http://127.0.0.1:"));
//! chain.stop().await;
//! # Ok(())
//! # }
//! ```

mod accounts;
mod block;
mod chain;
mod config;
mod error;
mod evm;
mod journal;
pub mod limits;
mod node;
mod pool;
mod record;
mod rpc;
mod state;
mod tx;

#[cfg(test)]
mod tests;

pub use accounts::{DevAccount, dev_accounts};
pub use config::{Config, Mining};
pub use error::Error;

use crate::{limits::STOP_GRACE, node::Node};
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// A running development chain. Dropping it stops it without answering requests under way. Either
/// way nothing acknowledged is lost, and the journal is free for another chain afterwards.
pub struct Devchain {
    addr: SocketAddr,
    node: Arc<Node>,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
    miner: Option<JoinHandle<()>>,
}

impl Devchain {
    /// Replays the journal, if there is one, and begins to mine and to answer on
    /// [`Config::listen`].
    ///
    /// # Errors
    /// [`Error::Config`] for an impossible configuration, [`Error::Mismatch`] if the journal is
    /// another chain's, [`Error::Io`], [`Error::NotAJournal`], [`Error::Corrupt`] or
    /// [`Error::Replay`] if it cannot be used, [`Error::Listen`] if the address is taken.
    pub async fn start(config: Config) -> Result<Self, Error> {
        config.check()?;
        let listen = config.listen;
        let listener =
            TcpListener::bind(listen).await.map_err(|error| listen_error(listen, &error))?;
        let addr = listener.local_addr().map_err(|error| listen_error(listen, &error))?;
        let opened = tokio::task::spawn_blocking(move || Node::open(&config)).await;
        let node = Arc::new(
            opened.map_err(|error| Error::Execute { number: 0, why: error.to_string() })??,
        );
        let (stop, stopped) = watch::channel(false);
        let miner = tokio::spawn(Arc::clone(&node).mine(stopped.clone()));
        let server = tokio::spawn(rpc::serve(listener, Arc::clone(&node), stopped));
        Ok(Self { addr, node, stop, server: Some(server), miner: Some(miner) })
    }

    /// The address it listens on, with the port the system chose if the configuration left it 0.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The JSON-RPC endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops mining and accepting connections, lets requests under way end (at most
    /// [`limits::STOP_GRACE`]), and closes the journal.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for task in [self.miner.take(), self.server.take()].into_iter().flatten() {
            let abort = task.abort_handle();
            if tokio::time::timeout(STOP_GRACE, task).await.is_err() {
                abort.abort();
            }
        }
        let node = Arc::clone(&self.node);
        if tokio::task::spawn_blocking(move || node.close()).await.is_err() {
            tracing::error!("closing the journal panicked");
        }
    }
}

impl Drop for Devchain {
    fn drop(&mut self) {
        for task in [&self.miner, &self.server].into_iter().flatten() {
            task.abort();
        }
        // A request or a block may still be under way on a blocking thread, which abort does not
        // reach: it ends before the journal is closed, or finds it closed.
        self.node.close();
    }
}

impl std::fmt::Debug for Devchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Devchain").field("addr", &self.addr).finish_non_exhaustive()
    }
}

fn listen_error(addr: SocketAddr, error: &std::io::Error) -> Error {
    Error::Listen { addr, kind: error.kind(), message: error.to_string() }
}
