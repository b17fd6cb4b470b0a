//! `sotto evidence forecast`: what about some evidence will turn bad, when, and what newer
//! collateral would say of it, before it does.

use super::{Item, collateral, input, moment, policy, verify::Source};
use crate::screen::Screen;
use anyhow::Result;
use clap::Args;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::{Value, json};
use sotto_attest::{
    Appraisal, Endorsements, Expected, Policy, Window, appraise, date::rfc3339, x509::Cache,
};
use sotto_types::Time;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say what about evidence will turn bad, and when.
#[derive(Args)]
pub(crate) struct Forecast {
    #[command(flatten)]
    source: Source,

    /// Newer collateral (a PCCS gives it with `update=early`): what it would make of the platform
    #[arg(long, value_name = "FILE")]
    next: Option<PathBuf>,

    /// As seen from this moment, as 2026-01-31T12:00:00Z; now by default
    #[arg(long, value_name = "RFC3339")]
    at: Option<String>,

    /// What is accepted, in TOML; the base policy by default
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// What lies ahead of one piece of evidence.
struct Outlook {
    name: String,
    now: Appraisal,
    next: Option<Appraisal>,
    /// What ends, the soonest first.
    ends: Vec<Window>,
}

impl Forecast {
    pub(crate) fn run(self, screen: &Screen) -> Result<ExitCode> {
        let now = moment(self.at.as_deref())?;
        let policy = policy(self.policy.as_deref())?;
        let next = self.next.as_deref().map(collateral).transpose()?;
        let mut cache = Cache::default();
        let mut judge = |item: &Item, endorsements: &Endorsements, policy: &Policy| {
            let unbound = Expected::DangerouslyUnbound;
            appraise(&item.evidence, endorsements, &unbound, policy, now, &mut cache)
        };
        let mut all = Vec::new();
        for item in input::read(&self.source)?.items {
            let verdict = judge(&item, &item.endorsements, &policy);
            let next = next.clone().map(|collateral| {
                let collateral = Some(collateral);
                let newer = Endorsements { collateral, ..item.endorsements.clone() };
                judge(&item, &newer, &policy)
            });
            let mut ends = verdict.claims.as_ref().map_or(vec![], |claims| claims.windows.clone());
            ends.sort_by_key(|window| window.not_after);
            let outlook = Outlook { name: item.name.clone(), now: verdict, next, ends };
            outlook.tell(now, screen);
            all.push(outlook.object(now));
        }
        screen.object(&json!({ "at": rfc3339(now), "forecast": all }));
        Ok(ExitCode::SUCCESS)
    }
}

impl Outlook {
    fn tell(&self, now: Time, screen: &Screen) {
        screen.say(format!("{}: {}", self.name, stands(&self.now)));
        if let Some(next) = &self.next {
            screen.say(format!("  with the newer collateral: {}", stands(next)));
        }
        let mut table = Table::new();
        table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["ends", "in", "what"]);
        for window in &self.ends {
            let left = left(window, now);
            table.add_row([rfc3339(window.not_after), left, window.what.clone()]);
        }
        screen.say(table.to_string());
    }

    fn object(&self, now: Time) -> Value {
        let ends: Vec<_> = self
            .ends
            .iter()
            .map(|window| {
                json!({
                    "what": window.what,
                    "not_before": rfc3339(window.not_before),
                    "not_after": rfc3339(window.not_after),
                    "seconds_left": window.not_after.0.saturating_sub(now.0),
                })
            })
            .collect();
        json!({
            "name": self.name,
            "now": self.now.to_json(),
            "next": self.next.as_ref().map(Appraisal::to_json),
            "ends": ends,
        })
    }
}

/// A verdict in half a line.
fn stands(verdict: &Appraisal) -> String {
    let tcb = verdict.claims.as_ref().and_then(|claims| claims.tcb.status);
    let tcb = tcb.map_or_else(String::new, |status| format!(", platform {}", status.name()));
    format!("{}{tcb}", verdict.status.name())
}

fn left(window: &Window, now: Time) -> String {
    match window.not_after.0.checked_sub(now.0) {
        None => "over".into(),
        Some(seconds) if seconds < 2 * 86_400 => format!("{} h", seconds / 3600),
        Some(seconds) => format!("{} days", seconds / 86_400),
    }
}
