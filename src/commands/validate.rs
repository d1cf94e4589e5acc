//! `uaapply validate`: checks manifests, offline.

use super::console::Console;
use super::{Stop, annotations, look};
use crate::cli::ValidateArgs;
use crate::error::Exit;
use crate::render::count;

/// Runs the command.
pub(super) fn run(args: &ValidateArgs, console: &Console) -> Result<Exit, Stop> {
    annotations::check(&args.annotations)?;
    let loaded = look::load(&args.manifest, console);
    let told = annotations::write(&args.annotations, &args.manifest, console);
    // What is wrong with the manifest is said already, so this error comes besides.
    let untold = told.err().map(|error| console.error(&error));
    let loaded = loaded?;
    if untold.is_some() {
        return Ok(Exit::Error);
    }
    let desired = &loaded.desired;
    let memberships: usize = desired.memberships.values().map(std::collections::BTreeMap::len).sum();
    let spoken_of = if memberships == 0 {
        String::new()
    } else {
        format!(", with statements about {}", count(memberships, "membership"))
    };
    console.out(&format!(
        "Valid: {} and {} in {}{spoken_of}.\n",
        count(desired.users.len(), "user"),
        count(desired.groups.len(), "group"),
        count(loaded.files, "file"),
    ))
}
