//! The file of a saved plan: written by `plan --out`, read by `apply PLAN`.

use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;

use super::console::Console;
use crate::desired::Desired;
use crate::error::Error;
use crate::manifest::MAX_FILE_BYTES;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::plan::saved::{Saved, Unreadable};

/// Says early what cannot become a file.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    if path.is_dir() || path.file_name().is_none() {
        Err(failed(path, &"it is a directory"))
    } else if !folder(path).is_dir() {
        Err(failed(path, &"its directory does not exist"))
    } else {
        Ok(())
    }
}

/// Saves a plan, in one step and for its owner alone: it tells who may do what.
pub(super) fn write(
    path: &Path,
    plan: &Plan,
    desired: &Desired,
    observed: &Observed,
    console: &Console,
) -> Result<(), Error> {
    let saved = Saved::new(plan, desired, observed).map_err(|literal| {
        failed(path, &format!("it would have to hold {}", literal.join(", ")))
            .hint("a saved plan holds no secret: write variables, `((name))`, in their places")
    })?;
    // Others cannot read it from the start.
    let mut file = NamedTempFile::new_in(folder(path)).map_err(|error| failed(path, &error))?;
    file.write_all(saved.text().as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(path, &error))?;
    file.persist(path).map_err(|error| failed(path, &error.error))?;
    console.note(&format!("Saved to {}: {}", path.display(), plan.plan_digest));
    Ok(())
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<Saved, Error> {
    let unusable = |why: &dyn std::fmt::Display| {
        Error::new(format!("{} is no plan to apply", path.display())).cause(why.to_string())
    };
    let again = "save the plan again: uaapply plan -f PATH --out FILE";
    let file = std::fs::File::open(path)
        .map_err(|error| Error::new(format!("cannot read {}", path.display())).cause(error.to_string()))?;
    let mut text = String::new();
    let most = u64::try_from(MAX_FILE_BYTES * 10).unwrap_or(u64::MAX);
    std::io::Read::read_to_string(&mut std::io::Read::take(file, most), &mut text)
        .map_err(|error| unusable(&error))?;
    Saved::read(&text).map_err(|unreadable| match unreadable {
        Unreadable::NotOne(why) => unusable(&crate::visible::visible(&why)).hint(again),
        Unreadable::Newer(format) => {
            unusable(&format!("it has format {format}, which this version does not know"))
                .hint("use the version of uaapply that saved it, or save the plan again")
        }
        Unreadable::OnlyShown => unusable(&"it is a plan that --format json printed").hint(again),
        Unreadable::Damaged => {
            unusable(&"it is damaged: what it says is not what its digests are of").hint(again)
        }
    })
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("cannot save the plan to {} (--out)", path.display())).cause(error.to_string())
}
