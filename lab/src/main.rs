//! `cargo lab`: parses, runs, exits; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    uaapply_lab::command::main()
}
