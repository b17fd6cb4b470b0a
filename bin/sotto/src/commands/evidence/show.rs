//! `sotto evidence show`: what evidence says of itself, decoded and not judged.

use super::{input, verify::Source};
use crate::screen::Screen;
use anyhow::{Context as _, Result};
use clap::Args;
use sotto_attest::{Evidence, azure, cca, intel, nitro, nvidia, simulated, snp, tpm};
use sotto_types::TeeKind;
use std::process::ExitCode;

/// Decode evidence without judging it.
#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    source: Source,
}

impl Show {
    pub(crate) fn run(self, screen: &Screen) -> Result<ExitCode> {
        let mut objects = Vec::new();
        for item in input::read(&self.source)?.items {
            let evidence = &item.evidence;
            let fields = describe(evidence).with_context(|| {
                format!("{} is no {} evidence", item.name, evidence.kind.name())
            })?;
            screen.say(format!("{}: {} evidence", item.name, evidence.kind.name()));
            for (name, value) in &fields {
                screen.say(format!("  {name:24} {value}"));
            }
            let fields: serde_json::Map<_, _> =
                fields.into_iter().map(|(name, value)| (name, value.into())).collect();
            objects.push(serde_json::json!({
                "name": item.name, "kind": evidence.kind.name(), "fields": fields,
            }));
        }
        screen.say("\nNot judged: `sotto evidence verify` does that.");
        screen.object(&serde_json::json!({ "judged": false, "evidence": objects }));
        Ok(ExitCode::SUCCESS)
    }
}

/// What it says, field by field.
fn describe(evidence: &Evidence) -> Result<Vec<(String, String)>> {
    let quote = evidence.parts.quote.as_slice();
    Ok(match evidence.kind {
        TeeKind::Tdx | TeeKind::Sgx => intel::parse(quote)?.describe(),
        TeeKind::Snp => snp::parse(quote)?.describe(),
        TeeKind::Nitro => nitro::parse(quote)?.describe(),
        TeeKind::Cca => cca::parse(quote)?.describe(),
        TeeKind::Nvidia => nvidia::parse(quote)?.describe(),
        TeeKind::AzureSnp | TeeKind::AzureTdx => azure::parse(quote)?.describe(),
        TeeKind::Tpm => tpm::describe(&evidence.parts),
        TeeKind::Simulated => simulated::parse(quote)?.describe(),
    })
}
