//! A verdict for people: one line per finding, and what to do about a bad one.

use crate::screen::Screen;
use anstyle::{AnsiColor, Style};
use sotto_attest::{Appraisal, Code, Effect, Policy, Status};
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// The exit status of a verdict.
pub(crate) fn exit(appraisal: &Appraisal) -> ExitCode {
    ExitCode::from(match (appraisal.authentic, appraisal.status) {
        (Some(true), Status::Affirming) => 0,
        (Some(true), Status::Warning) => 3,
        _ => 2,
    })
}

/// Prints a verdict.
pub(crate) fn tell(appraisal: &Appraisal, name: &str, policy: &Policy, screen: &Screen) {
    let line = |mark: &str, color: AnsiColor, text: &str| {
        screen.say(format!("  {} {text}", paint(color, &format!("{mark:4}"))));
    };
    screen.say(format!("{name}: {} evidence", appraisal.kind.name()));
    match appraisal.authentic {
        Some(true) => {
            let anchor = appraisal.claims.as_ref().map_or("", |claims| &claims.platform.anchor);
            line("ok", AnsiColor::Green, &format!("genuine: signed up to {anchor}"));
        }
        Some(false) => line("BAD", AnsiColor::Red, "not genuine"),
        None => line("?", AnsiColor::Red, "nobody can tell whether it is genuine"),
    }
    if let Some(claims) = &appraisal.claims {
        if let Some(status) = claims.tcb.status {
            line("", AnsiColor::White, &format!("platform {}", status.name()));
        }
        for (name, value) in &claims.platform.identities {
            line("", AnsiColor::White, &format!("{name} {}", hex::encode(value)));
        }
        for (name, value) in &claims.measurements {
            line("", AnsiColor::White, &format!("{name} {}", hex::encode(value)));
        }
        line("", AnsiColor::White, &format!("bound to {}", hex::encode(&claims.bound.report_data)));
    }
    for reason in &appraisal.reasons {
        let (mark, color) = match policy.effect(reason.code) {
            Effect::Note => ("note", AnsiColor::Blue),
            Effect::Warning => ("warn", AnsiColor::Yellow),
            Effect::Contraindicated | Effect::Unknown | Effect::Forged => ("BAD", AnsiColor::Red),
        };
        line(mark, color, &format!("{}: {}", reason.code.name(), reason.detail));
        if let Some(advice) = advice(reason.code) {
            screen.say(format!("         {advice}"));
        }
    }
    let (word, color) = match appraisal.status {
        Status::Affirming => ("affirming", AnsiColor::Green),
        Status::Warning => ("warning", AnsiColor::Yellow),
        Status::Contraindicated => ("contraindicated", AnsiColor::Red),
    };
    screen.say(format!("  status {}", paint(color, word)));
    let grant = &appraisal.grant;
    let may = if grant.grantable { "may be given keys" } else { "no keys" };
    screen.say(format!("  grants {may}: {}", grant.reason));
}

fn paint(color: AnsiColor, text: &str) -> String {
    if !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return text.to_owned();
    }
    let style = Style::new().fg_color(Some(color.into())).bold();
    format!("{style}{text}{style:#}")
}

/// What to do about a finding, where something can be done by whoever reads this.
const fn advice(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::CollateralMissing => {
            "give the collateral of its platform by --collateral FILE (from a PCCS)"
        }
        Code::SignerMissing => {
            "give the certificate or key that signs for this machine by --signer FILE"
        }
        Code::PartMissing => "give a folder or a JSON bundle that holds all parts",
        Code::UntrustedRoot => {
            "if you trust that root, name it in a policy file (--policy) or give it by --chain"
        }
        Code::NotBound => "choose a random challenge, ask for evidence over it, give it by --nonce",
        Code::Expired => "fetch it anew, or judge at a moment inside its dates by --at",
        Code::NotYetValid => "check the clock, or judge at a moment inside its dates by --at",
        Code::TcbStatusRefused => {
            "update the machine's firmware, or take that status for a while in a policy file"
        }
        Code::NoReferenceValues | Code::ReferenceValuesNeeded => {
            "name the measurements you expect in a policy file (--policy), or give --image"
        }
        Code::AkNotBound => "have the TPM activate a credential for this key (sotto tee)",
        _ => return None,
    })
}
