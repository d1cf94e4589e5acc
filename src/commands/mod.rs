//! One file per command: wiring, one screen each.

mod access;
mod annotations;
mod apply;
mod audit_log;
mod connection;
mod console;
mod export;
mod generated;
mod import;
mod look;
mod man;
mod metrics;
mod needs;
mod new_secret;
mod out_file;
mod password;
mod plan;
mod plan_file;
mod progress;
mod record;
mod report_file;
mod rotate;
mod saved;
mod saved_login;
mod secret;
mod snapshot;
mod undo;
mod validate;
mod verify;
mod whoami;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::{Cli, Command};
use crate::error::{Error, Exit};
use console::Console;

/// Why a command ends early.
enum Stop {
    /// Everything is said already.
    Exit(Exit),
    /// This is to be said.
    Error(Error),
}

impl Stop {
    /// Returns what is still to be said.
    fn error(self) -> Option<Error> {
        match self {
            Self::Exit(_) => None,
            Self::Error(error) => Some(error),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Runs a command and says how it ended.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    let console = Console::new(&cli.output);
    let result = match cli.command {
        Command::Plan(args) => block_on(plan::run(&args, &console)),
        Command::Apply(args) => block_on(apply::run(&args, &console)),
        Command::Undo(args) => block_on(undo::run(&args, &console)),
        Command::Validate(args) => validate::run(&args, &console),
        Command::Snapshot(args) => block_on(snapshot::run(&args, &console)),
        Command::Export(args) => block_on(export::run(&args, &console)),
        Command::Import(args) => import::run(&args, &console),
        Command::Rotate(args) => block_on(rotate::run(&args, &console)),
        Command::Password(args) => block_on(password::run(&args, &console)),
        Command::Unlock(args) => block_on(password::unlock(&args, &console)),
        Command::Access(args) => block_on(access::run(&args, &console)),
        Command::Verify(args) => block_on(verify::run(&args, &console)),
        Command::Whoami(args) => block_on(whoami::run(&args, &console)),
        Command::Schema { policy: false } => console.json(&crate::manifest::schema()),
        Command::Schema { policy: true } => console.json(&crate::manifest::policy_schema()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "uaapply", &mut script);
            console.out(&String::from_utf8_lossy(&script))
        }
        Command::Man { directory } => man::run(directory.as_deref(), &console),
    };
    match result {
        Ok(exit) | Err(Stop::Exit(exit)) => exit,
        Err(Stop::Error(error)) => {
            console.error(&error);
            Exit::Error
        }
    }
}

/// Shows help, the version, or what is wrong with a command line. That is exit code 1: clap's own 2 would read as
/// "changes pending" in a pipeline.
#[must_use]
pub fn usage(mut usage: clap::Error) -> Exit {
    if usage.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(path)) = usage.get(ContextKind::InvalidArg)
        && !path.starts_with('-')
        && [".yml", ".yaml"].iter().any(|ending| path.ends_with(ending))
    {
        let tip = format!("did you mean '-f {path}'?").into();
        usage.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    // Who does not listen to help needs none.
    let _ = usage.print();
    if usage.use_stderr() { Exit::Error } else { Exit::Done }
}

/// Runs what talks to a server. One thread is enough: UAA, not this program, is what takes time.
fn block_on(command: impl Future<Output = Result<Exit, Stop>>) -> Result<Exit, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::new("cannot start").cause(error.to_string()))?.block_on(command)
}
