//! What people and programs see: prose and progress for people, one JSON object for programs.

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;

/// Where a command speaks.
pub(crate) struct Screen {
    json: bool,
}

impl Screen {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people; nothing with `--json`.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        if !self.json {
            println!("{}", line.as_ref());
        }
    }

    /// The one object for programs; nothing without `--json`.
    pub(crate) fn object(&self, value: &Value) {
        if self.json {
            println!("{value}");
        }
    }

    /// Something that takes long, shown on standard error until it is dropped.
    pub(crate) fn progress(&self, what: impl Into<String>) -> Progress {
        let what = what.into();
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        if bar.is_hidden() {
            // No terminal: one line when it begins.
            eprintln!("… {what}");
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(bar)
    }

    /// Says what failed and why; exit status 1.
    pub(crate) fn failed(&self, error: &anyhow::Error) -> ExitCode {
        if self.json {
            println!("{}", serde_json::json!({ "error": format!("{error:#}") }));
        } else {
            eprintln!("sotto: {error:#}");
        }
        ExitCode::FAILURE
    }
}

/// Something under way.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn now(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Wei as ether, exactly.
pub(crate) fn ether(wei: u128) -> String {
    let (whole, rest) = (wei / 1_000_000_000_000_000_000, wei % 1_000_000_000_000_000_000);
    if rest == 0 {
        return format!("{whole} ETH");
    }
    let digits = format!("{rest:018}");
    format!("{whole}.{} ETH", digits.trim_end_matches('0'))
}

/// The first and last digits of something long in hexadecimal.
pub(crate) fn short(text: &str) -> String {
    match (text.get(..10), text.len().checked_sub(6).and_then(|from| text.get(from..))) {
        (Some(head), Some(tail)) if text.len() > 20 => format!("{head}…{tail}"),
        _ => text.to_owned(),
    }
}
