//! `uaapply man`: manual pages from the command line's own definition.

use std::path::Path;

use clap::CommandFactory;

use super::Stop;
use super::console::Console;
use crate::cli::Cli;
use crate::error::{Error, Exit};

/// Prints the page of the program, or writes one for each command.
pub(super) fn run(directory: Option<&Path>, console: &Console) -> Result<Exit, Stop> {
    if let Some(directory) = directory {
        let failed = |error: std::io::Error| {
            Error::new(format!("cannot write manual pages to {}", directory.display()))
                .cause(error.to_string())
        };
        std::fs::create_dir_all(directory).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    rendered.map_err(|error| Error::new("cannot make the manual page").cause(error.to_string()))?;
    console.out(&String::from_utf8_lossy(&page))
}
