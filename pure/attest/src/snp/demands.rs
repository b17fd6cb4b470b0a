//! What a policy may demand of a guest and its report beyond the base. Not here: the judging.

use serde::{Deserialize, Serialize};

/// Demands on SEV-SNP evidence. The default demands nothing that the base does not refuse anyway:
/// clouds run guests with SMT and over two sockets, and a guest names its oldest firmware itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Demands {
    /// The guest must refuse to run with other threads on its cores.
    pub smt_off: bool,
    /// The guest must be bound to one socket.
    pub single_socket: bool,
    /// The guest's policy must demand at least this firmware interface (major, minor).
    pub guest_abi: (u8, u8),
    /// Report versions taken, first and last.
    pub report_versions: (u32, u32),
}

impl Default for Demands {
    fn default() -> Self {
        Self { smt_off: false, single_socket: false, guest_abi: (0, 0), report_versions: (2, 5) }
    }
}
