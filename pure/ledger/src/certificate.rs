//! Certificates and what is believed through them: from the genesis, one signature and one Merkle
//! path prove any entry of the ledger, and so a receipt, trusting no node. Version 0: the one
//! member of the genesis signs; the council's threshold certificate replaces this type, not its
//! users.

use crate::state::Answered;
use crate::tree::{BadProof, check_proof};
use crate::view::{Entry, Head, key, parse};
use sotto_crypto::sign::{PublicKey, Signature, SigningKey};
use sotto_types::{Certificate, Genesis, NetworkId, NodeId, Proof, ReceiptBundle, RequestId};

/// Why a certificate, an entry or a receipt is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// Another network's.
    #[error("it is of network {0}")]
    Network(NetworkId),
    /// Another vault's.
    #[error("the certificate names another vault key than the genesis")]
    Vault,
    /// No member of the genesis signed it.
    #[error("the certificate is not signed by the member in the genesis")]
    Certificate,
    /// The path does not prove the entry.
    #[error("{0}")]
    Path(#[from] BadProof),
    /// The entry proved is not the one it is said to be.
    #[error("the entry is not the answer to request {0}")]
    Entry(RequestId),
    /// The receipt is not signed by the worker that was attested.
    #[error("the receipt is not signed by its worker")]
    Worker,
    /// The receipt's environment is not the one that was appraised.
    #[error("the receipt's environment is not the one appraised")]
    Environment,
}

/// The member's certificate of a block.
pub fn certify(key: &SigningKey, genesis: &Genesis, head: &Head) -> Certificate {
    let mut certificate = Certificate {
        network: genesis.id(),
        height: head.height,
        block: head.id,
        root: head.root,
        time: head.time,
        vault: genesis.vault,
        signature: [0; 65],
    };
    certificate.signature = key.sign(&certificate.digest()).0;
    certificate
}

/// That the network's council certified this.
pub fn check_certificate(genesis: &Genesis, certificate: &Certificate) -> Result<(), NotBelieved> {
    if certificate.network != genesis.id() {
        return Err(NotBelieved::Network(certificate.network));
    }
    if certificate.vault != genesis.vault {
        return Err(NotBelieved::Vault);
    }
    let [member] = genesis.members.as_slice() else { return Err(NotBelieved::Certificate) };
    let key = PublicKey::from_bytes(member).map_err(|_| NotBelieved::Certificate)?;
    key.verify(&certificate.digest(), &Signature(certificate.signature))
        .map_err(|_| NotBelieved::Certificate)
}

/// The entry at `rest`, if the certificate and the path prove it.
pub fn check_entry<T: Entry>(
    genesis: &Genesis,
    certificate: &Certificate,
    rest: &T::Key,
    proof: &Proof,
) -> Result<T, NotBelieved> {
    check_certificate(genesis, certificate)?;
    if proof.key != key::<T>(rest) {
        return Err(BadProof::WrongRoot.into());
    }
    check_proof(&certificate.root, proof)?;
    parse(&proof.value).map_err(|_| BadProof::Malformed.into())
}

/// A receipt checked offline: certificate → path → attested worker → signature. Returns the answer
/// as the ledger took it.
pub fn check_receipt(genesis: &Genesis, bundle: &ReceiptBundle) -> Result<Answered, NotBelieved> {
    let id = bundle
        .answer
        .key
        .strip_prefix(&[Answered::TABLE])
        .and_then(|id| id.try_into().ok())
        .map(RequestId)
        .ok_or(NotBelieved::Path(BadProof::Malformed))?;
    let answered: Answered = check_entry(genesis, &bundle.certificate, &id, &bundle.answer)?;
    let receipt = &answered.receipt.receipt;
    if receipt.network != bundle.certificate.network {
        return Err(NotBelieved::Network(receipt.network));
    }
    if receipt.request != id {
        return Err(NotBelieved::Entry(id));
    }
    let worker = &answered.worker;
    let signature = Signature(answered.receipt.signature);
    let signed = PublicKey::from_bytes(&worker.keys.signing)
        .is_ok_and(|key| key.verify(&receipt.digest(), &signature).is_ok());
    if receipt.worker != NodeId::of_key(&worker.keys.signing) || !signed {
        return Err(NotBelieved::Worker);
    }
    if receipt.tee != worker.tee || receipt.evidence != worker.evidence {
        return Err(NotBelieved::Environment);
    }
    Ok(answered)
}
