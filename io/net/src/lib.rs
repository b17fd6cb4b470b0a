//! The HTTP door, and the TLS by which apps reach hosts outside.
//!
//! [`Door`] serves whatever handler it is given; [`Tls`] sends one HTTPS request and follows
//! nothing. Not here: what a path means (`roles::gateway`), which hosts an app may reach
//! (`io/runtime`, from its manifest), links between nodes (with the engine).

mod door;
#[cfg(test)]
mod tests;
mod tls;

pub use door::{Door, DoorError, Reply, Request};
pub use tls::{Tls, TlsError};

/// Sets the process's cryptography for TLS. Every binary and test calls it first; again does no
/// harm.
pub fn install_default() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
