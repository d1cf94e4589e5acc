//! `--annotations`: what was said of manifest and plan, for a code host to show at the lines.

use std::path::PathBuf;

use super::console::Console;
use super::out_file;
use crate::cli::{AnnotationArgs, CodeHost, ManifestArgs};
use crate::error::Error;
use crate::render::annotations;

const OPTION: &str = "--annotations-file";

/// Says early what cannot become a file.
pub(super) fn check(args: &AnnotationArgs) -> Result<(), Error> {
    args.annotations_file.as_deref().map_or(Ok(()), |path| out_file::check_replaceable(path, OPTION))
}

/// Writes what the command said; an empty file where that was nothing, so that what stood there is resolved.
pub(super) fn write(args: &AnnotationArgs, manifest: &ManifestArgs, console: &Console) -> Result<(), Error> {
    let Some(host) = args.annotations else { return Ok(()) };
    let notes = console.notes.borrow();
    let text = match host {
        CodeHost::Github => annotations::github(&notes),
        CodeHost::Gitlab => {
            let first = manifest.files.first().cloned().unwrap_or_else(|| PathBuf::from("."));
            let first = first.to_string_lossy();
            annotations::gitlab(&notes, first.strip_prefix("./").unwrap_or(&first))
        }
    };
    match &args.annotations_file {
        Some(path) => out_file::replace(path, &text, OPTION),
        None => {
            console.say(&text);
            Ok(())
        }
    }
}
