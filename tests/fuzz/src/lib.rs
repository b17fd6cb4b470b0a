//! The bodies of all fuzz targets: one plain function for every decoder of bytes from outside,
//! which never panics and holds a law (what decodes is encoded to the same bytes; what is believed
//! is genuine; value is conserved). [`drive`] feeds them on the stable toolchain, seeded, in the
//! workspace's tests; `fuzz/` feeds the same functions under libFuzzer.
//!
//! What is not here: coverage feedback (libFuzzer's), and what only a socket reaches: the
//! development chain's JSON-RPC, answers of chain nodes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a law that breaks is a panic")]

mod answers;
mod apps;
mod attest;
mod chance;
mod direct;
mod drive;
mod envelope;
mod evidence;
mod evm;
mod frames;
mod journal;
mod keys;
mod ledger;
mod mutate;
mod network;
mod script;
#[cfg(test)]
mod tests;
mod text;
mod wire;
mod worker;

pub use answers::answers;
pub use apps::{component, words};
pub use attest::{
    azure_bundle, captures, cca_token, certificate, event_log, image, intel_quote, nitro_document,
    pcr_values, policy, snp_report, spdm_report, tpm_quote,
};
pub use chance::Chance;
pub use direct::direct;
pub use drive::{Finding, Report, drive, kept};
pub use envelope::{envelope, session, share};
pub use evidence::evidence;
pub use evm::{request_event, revert_reason};
pub use journal::journal;
pub use keys::{keys, signature};
pub use ledger::{block, proof, receipt};
pub use mutate::mutate;
pub use script::actions;
pub use text::{gateway, hosts, text};
pub use wire::{entry, wire};
pub use worker::worker;

/// How far some bytes came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// They were refused.
    Refused,
    /// They were taken for what they say they are, and the law held.
    Taken,
}

/// One decoder with what it is fed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its function, of its file in `fuzz/fuzz_targets` and of its folder in
    /// `corpus/`.
    pub name: &'static str,
    /// Feeds it bytes. A panic is a finding.
    pub body: fn(&[u8]) -> Reached,
    /// Genuine inputs, made by the encoders, and a few that are nearly so.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// The target whose function has this name, with the function of its module that makes its seeds.
macro_rules! target {
    ($module:ident::$name:ident, $seeds:ident) => {
        Target { name: stringify!($name), body: $module::$name, seeds: $module::$seeds }
    };
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target!(wire::wire, wire_seeds),
    target!(wire::entry, entry_seeds),
    target!(text::text, text_seeds),
    target!(text::hosts, host_seeds),
    target!(text::gateway, gateway_seeds),
    target!(keys::keys, key_seeds),
    target!(keys::signature, signature_seeds),
    target!(envelope::envelope, envelope_seeds),
    target!(envelope::session, session_seeds),
    target!(envelope::share, share_seeds),
    target!(evidence::evidence, seeds),
    target!(ledger::receipt, receipt_seeds),
    target!(ledger::proof, proof_seeds),
    target!(ledger::block, block_seeds),
    target!(script::actions, seeds),
    target!(worker::worker, seeds),
    target!(direct::direct, seeds),
    target!(journal::journal, seeds),
    target!(answers::answers, seeds),
    target!(evm::request_event, event_seeds),
    target!(evm::revert_reason, reason_seeds),
    target!(apps::component, component_seeds),
    target!(apps::words, word_seeds),
    target!(attest::intel_quote, intel_seeds),
    target!(attest::snp_report, snp_seeds),
    target!(attest::nitro_document, nitro_seeds),
    target!(attest::cca_token, cca_seeds),
    target!(attest::spdm_report, spdm_seeds),
    target!(attest::tpm_quote, tpm_seeds),
    target!(attest::pcr_values, pcr_seeds),
    target!(attest::event_log, log_seeds),
    target!(attest::azure_bundle, azure_seeds),
    target!(attest::image, image_seeds),
    target!(attest::policy, policy_seeds),
    target!(attest::certificate, certificate_seeds),
];
