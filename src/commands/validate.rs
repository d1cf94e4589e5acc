//! `uaapply validate`: checks manifests, offline.

use super::console::Console;
use super::{Stop, annotations, look};
use crate::cli::ValidateArgs;
use crate::error::Exit;
use crate::render::count;

/// Runs the command.
pub(super) fn run(args: &ValidateArgs, console: &Console) -> Result<Exit, Stop> {
    annotations::check(&args.annotations)?;
    let loaded = look::load_to_look(&args.manifest, console);
    let told = annotations::write(&args.annotations, &args.manifest, console);
    // What is wrong with the manifest is said already, so this error comes besides.
    let untold = told.err().map(|error| console.error(&error));
    let loaded = loaded?;
    if untold.is_some() {
        return Ok(Exit::Error);
    }
    let desired = &loaded.desired;
    let absent = &desired.absent;
    let memberships: usize = desired.memberships.values().map(std::collections::BTreeMap::len).sum();
    let mut also = String::new();
    if memberships > 0 {
        also = format!(", with statements about {}", count(memberships, "membership"));
    }
    let removed = [
        (absent.users.len(), "user"),
        (absent.groups.len(), "group"),
        (absent.clients.len(), "client"),
        (absent.mappings.len(), "mapping"),
    ];
    let removed = removed.into_iter().filter(|(number, _)| *number > 0);
    let removed: Vec<String> = removed.map(|(number, noun)| count(number, noun)).collect();
    if !removed.is_empty() {
        also.push_str(&format!("; to be absent: {}", removed.join(", ")));
    }
    console.out(&format!(
        "Valid: {}, {} and {} in {}{also}.\n",
        count(desired.users.len(), "user"),
        count(desired.groups.len(), "group"),
        count(desired.clients.len(), "client"),
        count(loaded.files, "file"),
    ))
}
