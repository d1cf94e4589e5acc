//! The command line of `cargo lab`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::{Database, LabError, Options, UaaVersion, demo, up};

/// A throw-away foundation on loopback: the real UAA, a stand-in for the PKS API, and their own CA.
#[derive(Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a lab that stays until `down`, and print what to type next.
    Up(Up),
    /// End the lab that `up` started.
    Down,
    /// Show whether a lab runs, and the lines for your shell again; exit code 1 when none runs.
    Status,
    /// The whole story on a fresh lab: validate, plan, apply, and who sees which clusters.
    Demo(Demo),
    /// The PKS API stand-in, as `up` starts it.
    #[command(hide = true)]
    ServeApi(ServeApi),
}

#[derive(Args)]
struct Up {
    /// UAA's version: 4.30.0 or 4.10.0.
    #[arg(long, value_name = "VERSION", default_value = "4.30.0")]
    uaa: UaaVersion,
    /// UAA's port [default: 8443, or a free one when that is taken].
    #[arg(long, value_name = "PORT")]
    uaa_port: Option<u16>,
    /// The PKS API's port [default: 9021, or a free one when that is taken].
    #[arg(long, value_name = "PORT")]
    api_port: Option<u16>,
    #[command(flatten)]
    stored: Stored,
}

#[derive(Args)]
struct Stored {
    /// UAA's database: hsqldb (in memory), postgresql or mysql (a server of the lab's own, from the system's packages;
    /// mysql is MariaDB), or the address of an empty one such as postgresql://USER@HOST:PORT/DATABASE. An address with a
    /// password belongs in UAAPPLY_LAB_DATABASE, which counts where this is not given [default: hsqldb].
    #[arg(long, value_name = "DATABASE")]
    database: Option<String>,
}

impl Stored {
    /// Not a parser of clap's: its errors would repeat an address with its password.
    fn database(&self) -> Result<Database, LabError> {
        Database::chosen(self.database.as_deref())
    }
}

#[derive(Args)]
struct Demo {
    /// UAA's version: 4.30.0 or 4.10.0.
    #[arg(long, value_name = "VERSION", default_value = "4.30.0")]
    uaa: UaaVersion,
    /// Leave the lab running.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    stored: Stored,
}

#[derive(Args)]
struct ServeApi {
    #[arg(long)]
    uaa: String,
    #[arg(long)]
    port: u16,
    #[arg(long)]
    broker: PathBuf,
    folder: PathBuf,
}

/// Runs `cargo lab` with this process's arguments.
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) if error.is_reader_gone() => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody can act on a closed stderr.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, LabError> {
    let mut out = io::stdout();
    match command {
        Command::Up(Up { uaa, uaa_port, api_port, stored }) => {
            let options = Options { uaa_port, api_port, database: stored.database()?, ..Options::default() };
            let (running, _) = up::up(uaa, &options)?;
            up::welcome(&running, &mut out).map_err(LabError::Print)?;
        }
        Command::Down => up::down(&mut out)?,
        Command::Status => {
            if !up::status(&mut out)? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Demo(Demo { uaa, keep, stored }) => demo::demo(uaa, stored.database()?, keep, &mut out)?,
        Command::ServeApi(ServeApi { uaa, port, broker, folder }) => {
            up::serve_api(&folder, &uaa, port, &broker)?
        }
    }
    Ok(ExitCode::SUCCESS)
}
