//! The name of one grant: which key of which app, for which period. A worker asks for its shares
//! by it, a member looks it up in the ledger by it. Not here: whose grant it is.

use sotto_types::{AppId, Identity, KeyPath};

/// A grant that the ledger gave a worker and whose shares it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The app.
    pub app: AppId,
    /// Which key.
    pub path: KeyPath,
    /// Which period.
    pub identity: Identity,
}
