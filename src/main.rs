//! Parses, runs, exits; nothing else.

use std::process::ExitCode;

use clap::Parser;
use uaapply::cli::Cli;
use uaapply::commands;

fn main() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(usage) => commands::usage(usage),
    };
    ExitCode::from(exit as u8)
}
