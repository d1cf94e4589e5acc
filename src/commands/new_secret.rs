//! A new secret or password: where it comes from, and where a generated one goes. Never an argument.
//!
//! Decides that nothing is begun before a generated one has a place, and that it is there before the server has it: so
//! it is never lost.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::console::Console;
use super::secret::{from_file, from_reader};
use super::{Stop, secret};
use crate::error::Error;
use crate::random;

/// Where it comes from.
pub(super) enum Source<'a> {
    /// A file.
    File(&'a Path),
    /// Standard input.
    Stdin,
    /// Somebody types it, twice.
    Prompt,
    /// It is made here.
    Generated(u8),
}

/// Where a generated one is handed over.
pub(super) enum Place {
    /// Whoever gave it has it.
    Nowhere,
    /// A new file that only its owner may read.
    File(PathBuf),
    /// Standard output.
    Print,
}

/// Gets it. `option` is the beginning of the options' names, `what` what it is called.
pub(super) fn get(source: &Source<'_>, option: &str, what: &str) -> Result<SecretString, Error> {
    match source {
        Source::File(path) => from_file(path, &format!("{option}-file")),
        Source::Stdin => from_reader(std::io::stdin().lock(), &format!("standard input ({option}-stdin)")),
        Source::Prompt => secret::ask_twice(what),
        Source::Generated(length) => random::generate((*length).into())
            .map_err(|error| Error::new("this system gives no random numbers").cause(error.to_string())),
    }
}

/// Returns the place for a generated one, if one was given.
pub(super) fn place(file: Option<&Path>, print: bool, what: &str) -> Result<Place, Error> {
    match (file, print) {
        (Some(path), _) => Ok(Place::File(path.to_owned())),
        (None, true) => Ok(Place::Print),
        (None, false) => Err(Error::new(format!("the new {what} would be generated, and then lost")).hint(
            "say where it goes: --out-file FILE (made new, for you alone), or --print for standard output",
        )),
    }
}

impl Place {
    /// Says early what cannot be written.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::File(path) if path.exists() => Err(exists(path)),
            Self::File(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                match folder.is_none_or(Path::is_dir) {
                    true => Ok(()),
                    false => Err(failed(path, &"its directory does not exist")),
                }
            }
            Self::Nowhere | Self::Print => Ok(()),
        }
    }

    /// Hands it over.
    pub(super) fn hand_over(&self, secret: &SecretString, console: &Console) -> Result<(), Stop> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Print => console.out(&format!("{}\n", secret.expose_secret())).map(drop),
            Self::File(path) => Ok(write(path, secret)?),
        }
    }

    /// Takes it back, when the server certainly does not have it.
    pub(super) fn take_back(&self) {
        if let Self::File(path) = self {
            // One that stays is of no use, and no harm.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Writes a file that is new and for its owner alone; without line end, so that it is the secret and nothing else.
fn write(path: &Path, secret: &SecretString) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => failed(path, &error),
    })?;
    file.write_all(secret.expose_secret().as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| failed(path, &error))
}

fn exists(path: &Path) -> Error {
    Error::new(format!("{} exists already (--out-file)", path.display()))
        .hint("name a file that does not: what is in this one may still be in use")
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("cannot write {} (--out-file)", path.display())).cause(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handed_over_secret_is_for_its_owner_alone_and_overwrites_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new");
        let place = Place::File(path.clone());
        place.check().expect("there is nothing yet");
        write(&path, &SecretString::from("canary")).expect("it is written");
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "canary");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
        }
        assert!(place.check().is_err());
        assert!(write(&path, &SecretString::from("other")).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "canary");
        place.take_back();
        assert!(!path.exists());
    }
}
