//! The adapter for EVM chains: both traits of `sotto-chain` over JSON-RPC and HTTP.
//!
//! Stateless, and by polling alone: subscriptions drop logs silently, and a filler of nonces jams
//! an account after one rejected transaction, so nonces, fees and retries come from the courier.
//! The contract's interface is that of its committed artifact. Not here: what to send and when
//! (`roles::courier`), digests (`types`), a node (`devchain`, or any EVM node).

mod abi;
mod chain;
mod key;
mod reason;
mod rpc;
mod sink;
mod source;
mod wallet;

#[cfg(test)]
mod tests;

pub use abi::{deploy_code, deployed_code, sotto_abi};
pub use chain::{Config, ConnectError, EvmChain};
pub use key::{BadKey, Key};
pub use reason::reason;
pub use source::read_request;
pub use wallet::{EventLog, Receipt, Wallet, WalletError};
