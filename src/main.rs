//! Parses, runs, exits; nothing else.

use std::process::ExitCode;

use clap::Parser;
use uaapply::cli::Cli;

fn main() -> ExitCode {
    ExitCode::from(uaapply::commands::run(Cli::parse()) as u8)
}
