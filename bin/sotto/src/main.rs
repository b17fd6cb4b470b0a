//! The one program of Sotto: a development network, its commands and its demonstration.
//!
//! One file per command in `commands`; each reads its arguments, does one thing and says what it
//! did, to people or, with `--json`, to programs. Not here: any rule of the protocol (`pure/`),
//! driving the roles (`bin/node`).

mod apps;
mod bindings;
mod commands;
mod demo;
mod guest;
mod local;
mod screen;
mod web;

use clap::{Parser, Subcommand};
use screen::Screen;
use std::process::ExitCode;

/// Runs code on other people's machines so that nobody there sees it, and anybody can believe the
/// answer because of where it ran.
#[derive(Parser)]
#[command(name = "sotto", version, long_version = long_version(), max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Answer with one JSON object on standard output
    #[arg(long, global = true)]
    json: bool,

    /// Log what happens inside, to standard error (also: SOTTO_LOG=debug)
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole idea at work on this machine: a sealed-bid auction, and cheating at it
    Demo(commands::demo::Demo),
    /// Run a development network on this machine until stopped
    Up(commands::up::Up),
    /// Make an app's package into a component
    Build(commands::build::Build),
    /// Publish an app
    Deploy(commands::deploy::Deploy),
    /// Ask an app through the chain, or directly, and wait for the answer
    Call(commands::call::Call),
    /// Show or verify receipts
    #[command(subcommand)]
    Receipt(commands::receipt::Receipt),
    /// Judge anybody's attestation evidence, or show it
    #[command(subcommand)]
    Evidence(commands::evidence::Evidence),
    /// Judge a running service by the evidence it gives over a fresh nonce
    Verify(commands::verify::Verify),
    /// Predict what a TPM measures of an image
    #[command(subcommand)]
    Image(commands::image::Image),
    /// What this machine can attest with
    #[command(subcommand)]
    Tee(commands::tee::Tee),
    /// Say how the network stands
    Status(commands::status::Status),
    /// Say what this machine has and what is missing
    Doctor(commands::doctor::Doctor),
    /// Print completions for a shell
    Completions(commands::completions::Completions),
}

fn long_version() -> &'static str {
    concat!(
        env!("CARGO_PKG_VERSION"),
        "\ncommit   ",
        env!("SOTTO_COMMIT"),
        "\nengine   one member's certificates (v0)",
        "\nruntime  wasmtime 48",
    )
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => return bad_call(&told),
    };
    watch_logs(arguments.verbose);
    sotto_net::install_default();
    let screen = Screen::new(arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return screen.failed(&error.into()),
    };
    match runtime.block_on(run(arguments.command, &screen)) {
        Ok(code) => code,
        Err(error) => screen.failed(&error),
    }
}

/// Help and versions are answers; anything else is a bad call, of exit status 1: clap's own 2 is what
/// judging commands say of what they refuse.
fn bad_call(told: &clap::Error) -> ExitCode {
    // Where even that cannot be printed nobody listens.
    let _ = told.print();
    if told.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn run(command: Command, screen: &Screen) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(demo) => demo.run(screen).await,
        Command::Up(up) => up.run(screen).await,
        Command::Build(build) => build.run(screen),
        Command::Deploy(deploy) => deploy.run(screen).await,
        Command::Call(call) => call.run(screen).await,
        Command::Receipt(receipt) => receipt.run(screen).await,
        Command::Evidence(evidence) => evidence.run(screen),
        Command::Verify(verify) => verify.run(screen).await,
        Command::Image(image) => image.run(screen),
        Command::Tee(tee) => tee.run(screen),
        Command::Status(status) => status.run(screen).await,
        Command::Doctor(doctor) => doctor.run(screen).await,
        Command::Completions(completions) => completions.run::<Arguments>(),
    }
}

/// Logs go to standard error. Secrets never reach them: their types cannot be printed.
fn watch_logs(verbose: bool) {
    use tracing_subscriber::EnvFilter;
    let quiet = if verbose { "info" } else { "error" };
    let filter = EnvFilter::try_from_env("SOTTO_LOG").unwrap_or_else(|_| EnvFilter::new(quiet));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
