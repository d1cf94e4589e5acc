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

/// Says early what cannot become a file that is replaced at each run.
pub(super) fn check_replaceable(path: &Path, option: &str) -> Result<(), Error> {
    if path.is_dir() || path.file_name().is_none() {
        return Err(failed_by(path, &"it is a directory", option));
    }
    if !folder(path).is_dir() {
        return Err(failed_by(path, &"its directory does not exist", option));
    }
    Ok(())
}

/// Replaces a file that is written at each run, by another option than `-O`.
pub(super) fn replace(path: &Path, text: &str, option: &str) -> Result<(), Error> {
    let file = beside(path, text).map_err(|error| failed_by(path, &error, option))?;
    file.persist(path).map_err(|error| failed_by(path, &error.error, option))?;
    Ok(())
}

/// Writes the file.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    let file = beside(path, text).map_err(|error| failed(path, &error))?;
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

/// Writes a nameless file into the same directory.
fn beside(path: &Path, text: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The directory that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn exists(path: &Path) -> Error {
    failed(path, &"it exists").hint("--force writes over it")
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Error {
    failed_by(path, error, "-O")
}

fn failed_by(path: &Path, error: &dyn std::fmt::Display, option: &str) -> Error {
    Error::new(format!("cannot write {} ({option})", path.display())).cause(error.to_string())
}
