//! The courier: what is watched on a chain, and how what the network has to say gets there.
//!
//! Two players. [`Watcher`] turns blocks into observations: it asks for final blocks only, notices a
//! block that changed below finality, proves by the contract's gapless counter that no request was
//! missed, and keeps nothing: the ledger's cursor is the truth. [`Sender`] carries deliveries: an
//! explicit nonce lane, one journalled state machine for each transaction, fee bumps, retries with
//! typed reasons, and no result broadcast near its deadline. Both take answers as input and give
//! questions as output; whoever drives them carries the outputs out in order. Not here: any chain's
//! encoding (`io/chain-*`), the driving loop (`io/chain`), what is worth delivering (`ledger`).

mod fee;
mod flight;
mod lane;
mod send;
mod tx;
mod watch;

#[cfg(test)]
mod tests;

pub use fee::bumped;
pub use send::{End, SendConfig, SendInput, SendOutput, SendReport, Sender};
pub use tx::{BuildError, Built, Fee, NotAJournal, Raw, SubmitError, Survey, TxStatus};
pub use watch::{Cursor, Gap, WatchConfig, WatchInput, WatchOutput, WatchReport, Watcher};
