//! The brains of worker, council, gateway and courier: step(input) -> outputs.
//!
//! They decide; `bin/node` carries out. Time is `now`, chance is an argument, a timer is an output.
//! Not here: sockets, disks, devices, components.
#![forbid(unsafe_code)]

pub mod council;
pub mod courier;
pub mod gateway;
mod wanted;
pub mod worker;
#[cfg(test)]
mod world;

pub use wanted::Wanted;
