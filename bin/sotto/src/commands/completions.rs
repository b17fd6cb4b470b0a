//! `sotto completions`.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::process::ExitCode;

/// Print completions for a shell.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run<C: CommandFactory>(self) -> Result<ExitCode> {
        clap_complete::generate(self.shell, &mut C::command(), "sotto", &mut std::io::stdout());
        Ok(ExitCode::SUCCESS)
    }
}
