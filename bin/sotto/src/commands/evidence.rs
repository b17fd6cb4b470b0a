//! `sotto evidence`: anybody's attestation evidence, judged or shown, on this machine and offline.
//!
//! Not here: reading the many forms evidence is handed around in (`input`), guessing its kind
//! (`guess`), any judgement (`sotto-attest`).

mod bundle;
mod devices;
mod expect;
mod folder;
mod forecast;
mod guess;
mod input;
mod report;
mod show;
mod verify;

use crate::screen::Screen;
use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;

pub(crate) use bundle::devices;
pub(crate) use expect::{Expect, moment};
pub(crate) use input::{Item, bytes, collateral, digits, item};
pub(crate) use report::{exit, tell};
pub(crate) use verify::policy;

/// Judge or show attestation evidence.
#[derive(Subcommand)]
pub(crate) enum Evidence {
    /// Judge evidence. Exit status: 0 affirming, 3 warning, 2 contraindicated or not authentic,
    /// 1 bad call or unreadable file
    Verify(Box<verify::Verify>),
    /// Decode evidence without judging it
    Show(show::Show),
    /// Say which statements about evidence end when, and what newer collateral would change
    Forecast(forecast::Forecast),
}

impl Evidence {
    pub(crate) fn run(self, screen: &Screen) -> Result<ExitCode> {
        match self {
            Self::Verify(verify) => verify.run(screen),
            Self::Show(show) => show.run(screen),
            Self::Forecast(forecast) => forecast.run(screen),
        }
    }
}
