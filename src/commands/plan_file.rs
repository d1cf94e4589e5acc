//! The file of a saved plan: written by `plan --out`, read by `apply PLAN`.

use std::io::{Read as _, Write as _};
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

/// The largest plan or snapshot that is read, in bytes; a plan of 300,000 changes has half of it.
pub(super) const MOST: usize = MAX_FILE_BYTES * 10;

/// Reads a text of at most so many bytes.
pub(super) fn text_within(path: &Path, most: usize) -> Result<String, Error> {
    let shown = crate::visible::visible(&path.display().to_string());
    let failed = |why: String| Error::new(format!("cannot read {shown}")).cause(why);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() > most {
        return Err(failed(format!("it is larger than {} MiB", most >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".to_owned()))
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<Saved, Error> {
    let unusable = |why: &dyn std::fmt::Display| {
        Error::new(format!("{} is no plan to apply", path.display())).cause(why.to_string())
    };
    let again = "save the plan again: uaapply plan -f PATH --out FILE";
    let text = text_within(path, MOST)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit_and_the_limit_is_named() {
        let file = NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), vec![b'x'; 2 << 20]).expect("written");
        assert_eq!(text_within(file.path(), 2 << 20).expect("as large as may be").len(), 2 << 20);
        let error = text_within(file.path(), (2 << 20) - 1).expect_err("one more");
        assert_eq!(error.causes, ["it is larger than 1 MiB"]);
    }
}
