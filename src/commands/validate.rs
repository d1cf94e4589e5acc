//! `uaapply validate`: checks manifests, offline.

use super::console::Console;
use super::{Stop, look};
use crate::cli::ValidateArgs;
use crate::error::Exit;
use crate::render::count;

/// Runs the command.
pub(super) fn run(args: &ValidateArgs, console: &Console) -> Result<Exit, Stop> {
    let loaded = look::load(&args.manifest, console)?;
    let desired = &loaded.desired;
    let memberships = desired.memberships.values().map(std::collections::BTreeMap::len).sum();
    console.out(&format!(
        "Valid: {}, {} and statements about {} in {}.\n",
        count(desired.users.len(), "user"),
        count(desired.groups.len(), "group"),
        count(memberships, "membership"),
        count(loaded.files, "file"),
    ))
}
