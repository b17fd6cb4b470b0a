//! What the caller expects evidence to be bound to, and when it is judged.

use anyhow::{Context as _, Result};
use clap::Args;
use sotto_attest::Expected;
use sotto_types::Time;

/// What it must be bound to: one of the three has to be said.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Expect {
    /// The challenge you chose, in the kind's own field for it
    #[arg(long, value_name = "HEX")]
    nonce: Option<String>,

    /// The whole field that the prover fills
    #[arg(long, value_name = "HEX")]
    report_data: Option<String>,

    /// Do not ask what it is bound to: it may be somebody else's, and old; at best a warning
    #[arg(long)]
    unbound: bool,
}

impl Expect {
    pub(crate) fn expected(&self) -> Result<Expected> {
        match (&self.nonce, &self.report_data) {
            (Some(nonce), _) => Ok(Expected::nonce(&digits("--nonce", nonce)?)?),
            (_, Some(data)) => Ok(Expected::report_data(&digits("--report-data", data)?)?),
            (None, None) => Ok(Expected::DangerouslyUnbound),
        }
    }
}

fn digits(name: &str, text: &str) -> Result<Vec<u8>> {
    let text = text.trim();
    hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .with_context(|| format!("{name} takes hexadecimal digits, two for each byte"))
}

/// A moment in RFC 3339, or now.
pub(crate) fn moment(at: Option<&str>) -> Result<Time> {
    let stamp = match at {
        Some(text) => text.parse::<jiff::Timestamp>().with_context(|| {
            format!("--at takes a moment as 2026-01-31T12:00:00Z (RFC 3339), not `{text}`")
        })?,
        None => jiff::Timestamp::now(),
    };
    let seconds = u64::try_from(stamp.as_second()).context("--at lies before 1970")?;
    Ok(Time(seconds))
}
