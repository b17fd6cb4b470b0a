//! Verify the network, seal a request, send it, check the receipt.
//!
//! A [`Network`] is made from a genesis and trusts nobody else: it seals, signs and checks without
//! a socket, a clock or chance of its own. [`http`] holds the questions a gateway answers, also
//! without a socket, so that both work anywhere, WebAssembly included; with feature `http`,
//! `Gateway` asks them. Not here: chains (a consumer contract asks, the chain's own library sends
//! it its envelopes and reads its result), relays, keeping of keys, and proofs that something is *not* in the ledger.
//!
//! # A sealed bid
//! ```
//! use rand::{SeedableRng, rngs::StdRng};
//! use sotto_client::crypto::{sign::SigningKey, vet::VaultSecret};
//! use sotto_client::types::*;
//! use sotto_client::{Network, NotBelieved, Recipient, ledger};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut rng = StdRng::seed_from_u64(7); // for secrets: rand::rngs::OsRng
//!
//! // A network: whoever runs it makes this once, and everybody else is given its bytes.
//! let member = SigningKey::generate(&mut rng);
//! let genesis = Genesis {
//!     kind: NetworkKind::Development,
//!     name: "example".into(),
//!     time: Time(1_700_000_000),
//!     members: vec![member.public().to_bytes()],
//!     vault: VaultSecret::generate(&mut rng).public().to_bytes(),
//!     epoch_blocks: 30,
//!     block_seconds: 1,
//!     releases: vec![],
//! };
//! let network = Network::from_genesis(&genesis.encode())?;
//!
//! // A bid for one auction: only enclaves running this app can open it, for this auction of this
//! // contract, as Ada's. Its hash goes on the chain, its bytes there or to a gateway.
//! let to = Recipient {
//!     app: AppId([1; 32]),
//!     generation: Generation(1),
//!     chain: ChainId::from_caip2("eip155:31337"),
//!     contract: Account::from_address([2; 20]),
//!     consumer: Account::from_address([3; 20]),
//!     submitter: Account::from_address([4; 20]), // Ada
//!     context: Context([5; 32]),
//! };
//! let envelope = network.seal(&to, b"42000", &mut rng)?;
//! assert_eq!(envelope.len(), 217 + 64); // the size class, and nothing of the bid
//!
//! // What the network says is believed by its certificate, and not for ever.
//! let founded = ledger::found(&genesis)?;
//! let certificate = ledger::certificate::certify(&member, &genesis, &founded.head);
//! let now = Time(1_700_000_002);
//! network.check_certificate(&certificate, now)?;
//! assert_eq!(
//!     network.check_certificate(&certificate, now.plus(3600)),
//!     Err(NotBelieved::Stale { time: genesis.time, now: now.plus(3600), max: 70 }),
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # The answer
//! ```no_run
//! # #[cfg(feature = "http")]
//! # async fn example() -> Result<(), sotto_client::ClientError> {
//! use sotto_client::Gateway;
//! # let (id, request) = Default::default();
//! let gateway = Gateway::new("http://127.0.0.1:4690")?;
//! let network = gateway.genesis().await?.pinned(&id)?; // the id comes from somebody you trust
//! gateway.wait_for(&request, std::time::Duration::from_secs(60)).await?;
//! let receipt = network.check_receipt(&gateway.receipt(&request).await?)?;
//! println!("{receipt}"); // says plainly when the TEE is simulated
//! # Ok(())
//! # }
//! ```
//!
//! # A direct call
//! Without a chain: a session at a seat, one envelope for all of it, and a receipt of each call that
//! the ledger proves some blocks later ([`DirectSession`] is the same without a socket).
//! ```no_run
//! # #[cfg(feature = "http")]
//! # async fn example() -> Result<(), sotto_client::ClientError> {
//! use core::time::Duration;
//! use sotto_client::Gateway;
//! # let (id, app) = Default::default();
//! # let mut rng = rand::rngs::OsRng;
//! let gateway = Gateway::new("http://127.0.0.1:4690")?;
//! let network = gateway.genesis().await?.pinned(&id)?;
//! let patience = Duration::from_secs(30);
//! let mut session = gateway.direct(&network, &app, patience, &mut rng).await?;
//! let answer = session.call("what nobody else may know").await?;
//! println!("{:?}", answer.outcome);
//! let bundle = gateway.prove(&network, &answer, patience).await?; // anybody may check it
//! # let _ = bundle;
//! # Ok(())
//! # }
//! ```
//! The last two examples need feature `http`, on by default.
#![forbid(unsafe_code)]

mod direct;
mod error;
#[cfg(feature = "http")]
mod gateway;
pub mod http;
mod network;
mod receipt;
#[cfg(test)]
mod tests;

pub use direct::{CheckedCall, DirectAnswer, DirectSession, Heard, Seat};
pub use error::{ClientError, NotBelieved};
#[cfg(feature = "http")]
pub use gateway::{Direct, Gateway};
pub use network::{AGE_BLOCKS, AGE_MAX, AHEAD_MAX, Network, Recipient};
pub use receipt::CheckedReceipt;
pub use sotto_crypto as crypto;
pub use sotto_ledger as ledger;
pub use sotto_types as types;
