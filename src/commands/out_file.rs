//! `-O FILE`: a product that goes into a file instead of standard output, in one step.
//!
//! Never writes over a file that is there, unless told to. What is written holds no secret, so the file gets the rights
//! that any new file gets.

use std::io::Write as _;
use std::path::Path;

use crate::error::Error;

/// Says early what cannot become a file.
pub(super) fn check(path: &Path, force: bool) -> Result<(), Error> {
    if path.is_dir() || path.file_name().is_none() {
        return Err(failed(path, &"it is a directory"));
    }
    if !folder(path).is_dir() {
        return Err(failed(path, &"its directory does not exist"));
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(exists(path));
    }
    Ok(())
}

/// Writes the file.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder(path)).map_err(|error| failed(path, &error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(path, &error))?;
    if force {
        file.persist(path).map_err(|error| failed(path, &error.error))?;
        return Ok(());
    }
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(failed(path, &error.error)),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn exists(path: &Path) -> Error {
    failed(path, &"it exists").hint("--force writes over it")
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("cannot write {} (-O)", path.display())).cause(error.to_string())
}
