//! `uaapply import`: what other tools were told, as a manifest. Offline.

use std::io::Read as _;
use std::path::Path;

use super::console::Console;
use super::{Stop, out_file};
use crate::cli::{From, ImportArgs};
use crate::error::{Error, Exit};
use crate::import::{self, Failure, Form, Source};
use crate::manifest::MAX_FILE_BYTES;
use crate::render::{self, count};
use crate::visible::visible;

/// Runs the command.
pub(super) fn run(args: &ImportArgs, console: &Console) -> Result<Exit, Stop> {
    if let Some(path) = &args.output {
        out_file::check(path, args.force)?;
    }
    let form = args.from.map(|from| match from {
        From::Uaac => Form::Uaac,
        From::UaaYml => Form::UaaYml,
        From::Csv => Form::Csv,
    });
    let sources: Vec<Source> =
        args.files.iter().map(|path| source(path, form)).collect::<Result<_, Error>>()?;
    let imported = import::import(&sources).map_err(|failure| match failure {
        Failure::Error(error) => Stop::Error(error),
        Failure::Problems(problems) => {
            console.say(&render::problems::problems(&problems));
            Stop::Exit(Exit::Error)
        }
    })?;
    for note in &imported.notes {
        console.note(&format!("note: {}", visible(&note.to_string())));
    }
    let written = &imported.written;
    if !written.variables.is_empty() {
        let names: Vec<&str> = written.variables.iter().map(String::as_str).collect();
        console.note(&format!("{} without a value: {}", count(names.len(), "variable"), names.join(", ")));
    }
    match &args.output {
        None => console.out(&written.text),
        Some(path) => {
            out_file::write(path, &written.text, args.force)?;
            Ok(Exit::Done)
        }
    }
}

/// Reads a file, or standard input.
fn source(path: &Path, form: Option<Form>) -> Result<Source, Error> {
    let stdin = path.as_os_str() == "-";
    let name = if stdin { "standard input".to_owned() } else { path.display().to_string() };
    let failed = |why: String| Error::new(format!("cannot read {}", visible(&name))).cause(why);
    let mut bytes = Vec::new();
    let most = MAX_FILE_BYTES as u64 + 1;
    let read = if stdin {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(failed(format!("it is larger than {} MiB", MAX_FILE_BYTES / 1024 / 1024)));
    }
    let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".to_owned()))?;
    if stdin && text.trim().is_empty() {
        return Err(Error::new("nothing came on standard input")
            .hint("pipe what is to be imported into it, or name a file: uaapply import grant-access.sh"));
    }
    Ok(Source { name, text, form })
}
