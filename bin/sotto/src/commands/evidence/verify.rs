//! `sotto evidence verify`: the verdict of the library, by the caller's policy.

use super::{Expect, Item, devices, exit, expect, input, tell};
use crate::screen::Screen;
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};
use sotto_attest::{
    Anchors, Appraisal, Code, Grant, Policy, Reason, Status, appraise, x509::Cache,
};
use sotto_types::TeeKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Judge evidence.
#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    source: Source,

    #[command(flatten)]
    expect: Expect,

    /// Judge at this moment, as 2026-01-31T12:00:00Z; now by default
    #[arg(long, value_name = "RFC3339")]
    at: Option<String>,

    /// Compare measured boot with what this image (or prediction in JSON) gives
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,

    /// What to accept, in TOML (docs/guide/attestation-policy.md); the base policy by default
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// The evidence, and what others say about its platform.
#[derive(Args)]
pub(crate) struct Source {
    /// The evidence: raw, hexadecimal or base64; a folder or a JSON bundle naming its parts
    /// (quote, signature, ak, pcrs, event_log, ek_cert, chain, image)
    pub(crate) file: PathBuf,

    /// Its kind; found from the bytes by default
    #[arg(long, value_parser = kind)]
    pub(crate) kind: Option<TeeKind>,

    /// Intel's collateral for the platform (JSON, as a PCCS client writes it)
    #[arg(long, value_name = "FILE")]
    pub(crate) collateral: Option<PathBuf>,

    /// The certificate (DER or PEM) or key (JWK, PEM) of what signed it: VCEK, VLEK, CPAK
    #[arg(long, value_name = "FILE")]
    pub(crate) signer: Option<PathBuf>,

    /// Certificates (DER or PEM) on the way to a root, revocation lists, OCSP answers and vendor
    /// manifests
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) chain: Vec<PathBuf>,
}

fn kind(name: &str) -> Result<TeeKind, String> {
    TeeKind::by_name(name).ok_or_else(|| {
        let names: Vec<_> = TeeKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

impl Verify {
    pub(crate) fn run(self, screen: &Screen) -> Result<ExitCode> {
        let expected = self.expect.expected()?;
        let now = expect::moment(self.at.as_deref())?;
        let policy = policy(self.policy.as_deref())?;
        let found = match input::read(&self.source) {
            Ok(found) => found,
            Err(error) => return malformed(error, screen),
        };
        let mut cache = Cache::default();
        let mut verdicts = Vec::new();
        for item in &found.items {
            let image = self.image.as_ref().or(item.image.as_ref());
            let policy = with_image(&policy, image)?;
            let (evidence, endorsements) = (&item.evidence, &item.endorsements);
            let verdict = appraise(evidence, endorsements, &expected, &policy, now, &mut cache);
            verdicts.push((item, refuse_trailing(item, verdict)));
        }
        for (item, verdict) in &verdicts {
            tell(verdict, &item.name, &policy, screen);
            for note in &item.notes {
                screen.say(format!("  {note}"));
            }
        }
        let mut worst = worst(&verdicts).context("the file holds no evidence")?.clone();
        let mut object = object(&worst, &verdicts);
        for reason in devices::disagreements(&found.devices, &expected) {
            screen.say(format!("  {reason}"));
            worst = devices::lowered(worst, &reason);
            object["reasons"].as_array_mut().into_iter().for_each(|reasons| {
                reasons.push(json!({ "code": reason.code.name(), "detail": reason.detail }));
            });
            object["authentic"] = worst.authentic.into();
            object["status"] = worst.status.name().into();
        }
        screen.object(&object);
        Ok(exit(&worst))
    }
}

/// What can be read and is no evidence is refused like any other malformed evidence.
fn malformed(error: anyhow::Error, screen: &Screen) -> Result<ExitCode> {
    let malformed = error.downcast::<input::Malformed>()?;
    screen.say(format!("{malformed}\n  status contraindicated"));
    let reason = json!({ "code": Code::Malformed.name(), "detail": malformed.why });
    screen.object(&json!({
        "kind": null, "authentic": false, "status": "contraindicated", "tcb_status": null,
        "advisories": [], "debug": null, "platform": null, "measurements": {},
        "report_data": null, "validity": null, "reasons": [reason],
    }));
    Ok(ExitCode::from(2))
}

/// Genuine evidence with something behind it is genuine, and never taken: whoever looks at the file
/// and whoever looks at the quote would see two things.
fn refuse_trailing(item: &Item, mut verdict: Appraisal) -> Appraisal {
    if let Some(trailing) = item.trailing {
        let detail = format!("{trailing} bytes follow the quote");
        verdict.reasons.insert(0, Reason::new(Code::TrailingBytes, detail));
        verdict.status = Status::Contraindicated;
        verdict.grant = Grant::refused(Status::Contraindicated);
    }
    verdict
}

/// The policy in a file, or the base with the well-known anchors of development, under which
/// evidence is at best a warning.
pub(crate) fn policy(path: Option<&Path>) -> Result<Policy> {
    let Some(path) = path else {
        let anchors = Anchors::pinned().and(Anchors::development());
        return Ok(Policy { anchors, ..Policy::base() });
    };
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    Policy::from_toml(&text).with_context(|| format!("in {shown}"))
}

/// The policy with what an image gives as the reference of measured boot.
fn with_image(policy: &Policy, image: Option<&PathBuf>) -> Result<Policy> {
    let mut policy = policy.clone();
    if let Some(path) = image {
        policy.image = Some(crate::commands::image::predicted(path)?);
    }
    Ok(policy)
}

/// Of several pieces of evidence in one file the worst decides.
fn worst<'a>(verdicts: &'a [(&Item, Appraisal)]) -> Option<&'a Appraisal> {
    let rank = |verdict: &Appraisal| (verdict.authentic != Some(true), verdict.status);
    verdicts.iter().map(|(_, verdict)| verdict).max_by_key(|verdict| rank(verdict))
}

/// The worst verdict's object; with several pieces of evidence, each one's under `parts`, and the
/// reasons of all.
fn object(worst: &Appraisal, verdicts: &[(&Item, Appraisal)]) -> Value {
    let mut object = worst.to_json();
    if verdicts.len() == 1 {
        return object;
    }
    let (mut parts, mut reasons) = (Vec::new(), Vec::new());
    for (item, verdict) in verdicts {
        let mut part = verdict.to_json();
        part["name"] = item.name.as_str().into();
        parts.push(part);
        for reason in &verdict.reasons {
            let detail = format!("{}: {}", item.name, reason.detail);
            reasons.push(serde_json::json!({ "code": reason.code.name(), "detail": detail }));
        }
    }
    object["reasons"] = reasons.into();
    object["parts"] = parts.into();
    object
}
