//! Receipts: the signed record of one execution, and what it takes to check one offline.

use crate::wire::wire;
use crate::{
    Account, AppId, Attempt, BlockId, ChainId, Epoch, Fuel, Generation, Hash, Height, NetworkId,
    NodeId, RequestId, Root, Time, id::sha256, limits,
};
use borsh::{BorshDeserialize, BorshSerialize};

/// The kind of TEE something ran in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum TeeKind {
    /// No TEE at all: the worker's host could read everything. Development networks only.
    Simulated,
    /// Intel TDX: a trust domain's quote.
    Tdx,
    /// Intel SGX: an enclave's quote.
    Sgx,
    /// AMD SEV-SNP: a guest's report.
    Snp,
    /// AWS Nitro Enclaves: an attestation document.
    Nitro,
    /// A TPM 2.0 quote with its event log: measured boot, no memory encryption.
    Tpm,
    /// An Azure confidential VM on SEV-SNP: report, paravisor's vTPM and its quote.
    AzureSnp,
    /// An Azure confidential VM on TDX.
    AzureTdx,
    /// An NVIDIA GPU or NVSwitch: SPDM measurements.
    Nvidia,
    /// Arm CCA: a realm's token under its platform's.
    Cca,
}

impl TeeKind {
    /// Every kind, in the order of its wire form.
    pub const ALL: [Self; 10] = [
        Self::Simulated,
        Self::Tdx,
        Self::Sgx,
        Self::Snp,
        Self::Nitro,
        Self::Tpm,
        Self::AzureSnp,
        Self::AzureTdx,
        Self::Nvidia,
        Self::Cca,
    ];

    /// The name by which policies, commands and JSON call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Tdx => "tdx",
            Self::Sgx => "sgx",
            Self::Snp => "snp",
            Self::Nitro => "nitro",
            Self::Tpm => "tpm",
            Self::AzureSnp => "azure-snp",
            Self::AzureTdx => "azure-tdx",
            Self::Nvidia => "nvidia",
            Self::Cca => "cca",
        }
    }

    /// The kind of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl core::fmt::Display for TeeKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Simulated => f.write_str("simulated (no protection: the host can read all)"),
            other => f.write_str(other.name()),
        }
    }
}

/// The record of one execution. Public: it holds no output, only a commitment to it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// The network.
    pub network: NetworkId,
    /// The request.
    pub request: RequestId,
    /// The chain it came from.
    pub chain: ChainId,
    /// The Sotto contract it came through.
    pub contract: Account,
    /// Its number there.
    pub number: u64,
    /// Its hash there: binds consumer, context, envelopes, payload, terms.
    pub request_hash: Hash,
    /// The app that ran.
    pub app: AppId,
    /// The generation of its code.
    pub generation: Generation,
    /// SHA-256 of the component that ran.
    pub code: Hash,
    /// Which assignment.
    pub attempt: Attempt,
    /// The epoch of the assignment; the result key is this epoch's.
    pub epoch: Epoch,
    /// The ledger block time the app was given as its now.
    pub time: Time,
    /// How many of the envelopes opened.
    pub opened: u32,
    /// Commitment to the output, blinded: outsiders cannot test a guess.
    pub commitment: Hash,
    /// Fuel used.
    pub fuel: Fuel,
    /// The digest the result key signed for the chain.
    pub on_chain: Hash,
    /// The worker.
    pub worker: NodeId,
    /// What it ran in, as appraised. `Simulated` says plainly that nothing was protected.
    pub tee: TeeKind,
    /// SHA-256 of the worker's evidence.
    pub evidence: Hash,
}

impl Receipt {
    /// What the worker's certified key signs: SHA-256("sotto/receipt/v1" ‖ receipt).
    pub fn digest(&self) -> [u8; 32] {
        use crate::wire::Wire as _;
        sha256(&[b"sotto/receipt/v1", &self.encode()])
    }
}

wire!(Receipt, 1, 4096);

/// A receipt with its worker's signature (r ‖ s ‖ v).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// By the worker's certified key over [`Receipt::digest`].
    pub signature: [u8; 65],
}

wire!(SignedReceipt, 1, 4096);

/// The council's word on one block. Version 0: one member's secp256k1 signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Certificate {
    /// The network.
    pub network: NetworkId,
    /// The block's height.
    pub height: Height,
    /// The block.
    pub block: BlockId,
    /// The ledger's root after it.
    pub root: Root,
    /// Its time.
    pub time: Time,
    /// The vault's public key.
    pub vault: [u8; 96],
    /// The member's signature (r ‖ s ‖ v) over [`Certificate::digest`].
    pub signature: [u8; 65],
}

impl Certificate {
    /// SHA-256("sotto/cert/v0" ‖ network ‖ height u64 BE ‖ block ‖ root ‖ time u64 BE ‖ vault).
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[
            b"sotto/cert/v0",
            &self.network.0,
            &self.height.0.to_be_bytes(),
            &self.block.0,
            &self.root.0,
            &self.time.0.to_be_bytes(),
            &self.vault,
        ])
    }
}

wire!(Certificate, 0, 1024);

/// One entry of the ledger with the path that proves it under a root.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proof {
    /// The entry's key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// The path, as the ledger's tree encodes it.
    pub path: Vec<u8>,
}

wire!(Proof, 1, limits::PROOF_MAX);

/// All that is needed to check a receipt from the genesis, offline.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptBundle {
    /// A certificate of a block after the answer was taken.
    pub certificate: Certificate,
    /// The ledger's entry of the answer (receipt, result, the worker as attested then) under the
    /// certificate's root.
    pub answer: Proof,
}

wire!(ReceiptBundle, 1, 2 * limits::PROOF_MAX);
