//! A receipt that was checked, and how it reads.

use crate::error::NotBelieved;
use core::fmt;
use sotto_crypto::sign::Signature;
use sotto_ledger::state::Answered;
use sotto_types::digest::ResultWords;
use sotto_types::{
    Account, Certificate, Domain, Hash, Height, Measurement, NetworkKind, Receipt, RequestId,
    TeeKind, Time,
};

/// A receipt all of whose signatures and paths were checked from the genesis. Shown with
/// `{}`, it says everything a person may want to know of it, one thing a line.
///
/// It proves that the ledger took this answer from that environment. Whether the request's chain
/// accepted the result is for that chain to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedReceipt {
    /// The record of the execution.
    pub receipt: Receipt,
    /// The result as the chain is given it.
    pub result: Vec<u8>,
    /// The height of the block whose certificate proves it; the answer was taken then or before.
    pub height: Height,
    /// That block's time.
    pub time: Time,
    /// What it ran in, as appraised.
    pub tee: TeeKind,
    /// Whether that TEE is none at all: whoever ran the worker could read and change everything.
    pub simulated: bool,
    /// What the worker ran.
    pub measurement: Measurement,
    /// Who signed the result for the chain: the app's result key of the receipt's epoch.
    pub result_key: Account,
    /// What the network is for.
    pub kind: NetworkKind,
}

impl CheckedReceipt {
    /// `answered` as proved under `certificate`, if it agrees with itself.
    pub(crate) fn new(
        kind: NetworkKind,
        certificate: &Certificate,
        answered: Answered,
    ) -> Result<Self, NotBelieved> {
        let receipt = answered.receipt.receipt;
        if receipt.request != RequestId::new(&receipt.chain, &receipt.contract, receipt.number) {
            return Err(NotBelieved::Request(receipt.request));
        }
        // The worker signed the receipt, and the receipt this digest: so it signed the result too.
        let digest = on_chain(&receipt, &answered.result);
        if digest != receipt.on_chain {
            return Err(NotBelieved::Result(receipt.on_chain));
        }
        let signer = Signature(answered.signature)
            .recover(&digest.0)
            .map_err(|_| NotBelieved::ResultKey(digest))?;
        Ok(Self {
            result: answered.result,
            height: certificate.height,
            time: certificate.time,
            tee: receipt.tee,
            simulated: receipt.tee == TeeKind::Simulated,
            measurement: answered.worker.measurement,
            result_key: Account::from_address(signer.address()),
            kind,
            receipt,
        })
    }
}

fn on_chain(receipt: &Receipt, result: &[u8]) -> Hash {
    Domain::new(&receipt.network, &receipt.chain, &receipt.contract).result(&ResultWords {
        number: receipt.number,
        request: &receipt.request_hash,
        attempt: receipt.attempt,
        app: &receipt.app,
        generation: receipt.generation,
        result: &Hash::of(result),
    })
}

impl fmt::Display for CheckedReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let r = &self.receipt;
        let mut line = |name: &str, value: fmt::Arguments<'_>| writeln!(f, "{name:<12} {value}");
        if self.simulated {
            line(
                "WARNING",
                format_args!("the TEE is SIMULATED: nothing protected this execution"),
            )?;
        }
        line("request", format_args!("{}", r.request))?;
        line("asked", format_args!("number {} of contract {}", r.number, Shown(&r.contract)))?;
        line("chain", format_args!("{}", r.chain))?;
        line("request hash", format_args!("{}", r.request_hash))?;
        line("network", format_args!("{} ({})", r.network, self.kind))?;
        line("app", format_args!("{}, generation {}", r.app, r.generation))?;
        line("code", format_args!("{}", r.code))?;
        line("result", format_args!("{}", Bytes(&self.result)))?;
        line("commitment", format_args!("{}", r.commitment))?;
        line("for chain", format_args!("digest {}", r.on_chain))?;
        let key = Shown(&self.result_key);
        line("result key", format_args!("{key}, of epoch {}", r.epoch))?;
        line("ran", format_args!("assignment {}, at ledger time {}", r.attempt, r.time))?;
        line("opened", format_args!("{} envelopes", r.opened))?;
        line("fuel", format_args!("{}", r.fuel))?;
        line("worker", format_args!("{}", r.worker))?;
        line("measurement", format_args!("{}", self.measurement))?;
        line("evidence", format_args!("{}", r.evidence))?;
        line("TEE", format_args!("{}", self.tee))?;
        line("certified", format_args!("by block {}, time {}", self.height, self.time))?;
        line("not shown", format_args!("whether the chain accepted the result"))
    }
}

/// An account as people write it: 20 bytes where it is an address.
struct Shown<'a>(&'a Account);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.address() {
            Some(address) => write!(f, "0x{}", hex::encode(address)),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The most bytes of a result that are shown.
const SHOWN_MAX: usize = 256;

struct Bytes<'a>(&'a [u8]);

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(SHOWN_MAX)];
        let more = if shown.len() < self.0.len() { "…" } else { "" };
        write!(f, "0x{}{more} ({} bytes)", hex::encode(shown), self.0.len())
    }
}
