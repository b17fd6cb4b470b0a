//! Certificates and what is believed through them: from the genesis, one signature and one Merkle
//! path prove any entry of the ledger, and so a receipt, trusting no node. Version 0: the one
//! member of the genesis signs; the council's threshold certificate replaces this type, not its
//! users.

use crate::state::{Answered, Batched};
use crate::tree::{BadProof, check_proof};
use crate::view::{Entry, Head, key, parse};
use sotto_crypto::sign::{PublicKey, Signature, SigningKey};
use sotto_types::{
    Certificate, Genesis, NetworkId, NodeId, Proof, ReceiptBundle, RequestId, SessionBundle, merkle,
};

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
    /// The receipt is not in the batch that is proved.
    #[error("the receipt is not in batch {0} of its worker's process")]
    Batch(u64),
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

/// A receipt of a direct call checked offline: certificate → path → batch → its worker's
/// signature → the receipt's leaf. Returns the batch as the ledger took it.
pub fn check_session_receipt(
    genesis: &Genesis,
    bundle: &SessionBundle,
) -> Result<Batched, NotBelieved> {
    let SessionBundle { receipt, proof } = bundle;
    let ReceiptBundle { certificate, answer } = &proof.batch;
    let prefix = [&[Batched::TABLE][..], &receipt.worker.0, &receipt.boot.0].concat();
    let number = answer.key.strip_prefix(prefix.as_slice()).and_then(|key| key.try_into().ok());
    let number = u64::from_be_bytes(number.ok_or(BadProof::WrongRoot)?);
    let place = (receipt.worker, (receipt.boot, number));
    let batched: Batched = check_entry(genesis, certificate, &place, answer)?;
    let batch = &batched.signed.batch;
    let networks = [receipt.network, batch.network];
    if let Some(other) = networks.into_iter().find(|other| *other != certificate.network) {
        return Err(NotBelieved::Network(other));
    }
    let signing = &batched.worker.keys.signing;
    let signature = Signature(batched.signed.signature);
    let signed = PublicKey::from_bytes(signing)
        .is_ok_and(|key| key.verify(&batch.digest(), &signature).is_ok());
    if receipt.worker != NodeId::of_key(signing) || !signed {
        return Err(NotBelieved::Worker);
    }
    if receipt.tee != batched.worker.tee {
        return Err(NotBelieved::Environment);
    }
    let (count, index) = (u64::from(batch.count), u64::from(proof.index));
    if !merkle::check(&batch.root, count, index, &receipt.leaf(), &proof.path) {
        return Err(NotBelieved::Batch(number));
    }
    Ok(batched)
}
