//! What evidence is bound to: without this, genuine evidence of somebody else would do.

use sha2::{Digest as _, Sha512};
use sotto_types::{Hash, NetworkId, WorkerKeys};

/// The part a node plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs apps.
    Worker,
}

impl Role {
    const fn bytes(self) -> &'static [u8; 8] {
        match self {
            Self::Worker => b"worker\0\0",
        }
    }
}

/// The binding of evidence that goes into the ledger (DESIGN §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The network, hence its kind.
    pub network: NetworkId,
    /// The node's role.
    pub role: Role,
    /// This epoch's challenge.
    pub challenge: Hash,
    /// The node's keys.
    pub keys: WorkerKeys,
}

impl Binding {
    /// SHA-512("sotto/bind/ledger/v1" ‖ network ‖ role (8 bytes) ‖ challenge ‖ signing key (33) ‖
    /// transport key (48)), for fields of 64 bytes. The signing key stands for the operator until
    /// operators are registered apart from their nodes.
    pub fn bytes(&self) -> [u8; 64] {
        let mut hash = Sha512::new();
        hash.update(b"sotto/bind/ledger/v1");
        hash.update(self.network.0);
        hash.update(self.role.bytes());
        hash.update(self.challenge.0);
        hash.update(self.keys.signing);
        hash.update(self.keys.transport);
        hash.finalize().into()
    }
}
