//! `apply --report`: the report's file, replaced in one step.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::Error;
use crate::render;
use crate::report::Report;

/// A place for the report, taken before the first write to the server.
pub(super) struct ReportFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl ReportFile {
    /// Takes the place. What stands there stays until the report is complete.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let file = NamedTempFile::new_in(folder(path)).map_err(|error| {
            failed(path, &error)
                .hint("nothing was written to the server; --report must name a place to write")
        })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Puts the report there.
    pub(super) fn write(mut self, report: &Report) -> Result<(), Error> {
        self.file
            .write_all(render::json(report).as_bytes())
            .and_then(|()| self.file.as_file().sync_all())
            .map_err(|error| failed(&self.path, &error))?;
        self.file.persist(&self.path).map_err(|error| failed(&self.path, &error.error))?;
        Ok(())
    }
}

/// Says early what cannot become a file.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let unusable = |why: &str| Err(failed(path, &why));
    if path.is_dir() || path.file_name().is_none() {
        unusable("it is a directory")
    } else if !folder(path).is_dir() {
        unusable("its directory does not exist")
    } else {
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("cannot write the report to {} (--report)", path.display())).cause(error.to_string())
}
