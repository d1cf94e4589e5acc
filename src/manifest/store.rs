//! `--vars-store`: the file of secret values that are generated when missing, in bosh's form `name: value`.
//!
//! Decides how a generated value gets into the file: what stands there stays byte for byte,
//! comments included, and no concurrent run loses anything. Never decides which values are needed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use super::tree::{self, Node, Value};
use crate::error::Error;
pub(super) use crate::random::{LENGTHS, generate};

/// How long a generated password is when the manifest does not say.
pub(super) const DEFAULT_LENGTH: usize = 32;
/// How long to wait for another run that writes into the same folder, which takes it no second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Values that were generated because no source has them, and the store that they belong into.
#[derive(Debug)]
pub struct Generated {
    /// The file of `--vars-store`.
    pub store: PathBuf,
    /// By variable.
    pub values: BTreeMap<String, SecretString>,
}

impl Generated {
    /// Adds the values of these variables to the store; before the first write to the server, so that no value that a
    /// server knows is ever lost. The file is replaced in one step, and only its owner can read it then.
    ///
    /// # Errors
    /// When the file cannot be read or written, or another run has given one of them a value meanwhile. The file is
    /// then as it was.
    pub fn save<'a>(&self, variables: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        let wanted = variables.into_iter().filter_map(|name| Some((name, self.values.get(name)?)));
        let wanted: BTreeMap<&str, &SecretString> = wanted.collect();
        if wanted.is_empty() { Ok(()) } else { add(&self.store, &wanted) }
    }
}

/// Tells whether a store says nothing at all: it is empty, or holds comments only.
pub(super) fn says_nothing(text: &str) -> bool {
    text.lines().map(str::trim_start).all(|line| line.is_empty() || line.starts_with('#'))
}

fn add(path: &Path, values: &BTreeMap<&str, &SecretString>) -> Result<(), Error> {
    let failed = |why: &dyn std::fmt::Display| {
        Error::new(format!("cannot write generated values to {} (--vars-store)", path.display()))
            .cause(why.to_string())
            .hint("nothing was written to the server")
    };
    // A link stays a link: the file behind it is replaced.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _lock = lock(folder, PATIENCE).map_err(|why| failed(&why))?;
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(&error)),
    };
    let before = entries(&text).ok_or_else(|| failed(&"it is no map of names and values any more"))?;
    if let Some(name) = values.keys().find(|name| before.contains_key(**name)) {
        return Err(failed(&format!("another run has given `{name}` a value meanwhile"))
            .hint("run the same command again: it takes the value that is there"));
    }
    let text = appended(text, &before, values);
    let after = entries(&text).unwrap_or_default();
    let kept = before.iter().all(|(name, value)| after.get(name) == Some(value));
    let added = values.iter().all(|(name, value)| {
        after.get(*name).is_some_and(|found| found.as_deref() == Some(value.expose_secret()))
    });
    if !kept || !added || after.len() != before.len() + values.len() {
        return Err(failed(&"nothing can be added at its end")
            .hint("write the file as lines `name: value` that begin in the first column"));
    }
    let mut file = NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// Keeps other runs out of a folder until the file is dropped. Where a file system has no locks it is left to the
/// look right before the file is replaced.
fn lock(folder: &Path, patience: Duration) -> Result<Option<File>, String> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    let begun = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => {
                return Err(format!(
                    "another program holds the lock of its folder {}, for more than {} s now",
                    folder.display(),
                    patience.as_secs()
                ));
            }
            Err(TryLockError::WouldBlock) => {
                if !told && begun.elapsed() >= Duration::from_secs(1) {
                    told = true;
                    tracing::warn!("waiting for another run to be done with the folder of --vars-store");
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::Error(error)) => {
                tracing::warn!("the folder of --vars-store cannot be locked: {error}");
                return Ok(None);
            }
        }
    }
}

/// Adds lines at the end of a text.
fn appended(
    mut text: String,
    before: &BTreeMap<String, Option<String>>,
    values: &BTreeMap<&str, &SecretString>,
) -> String {
    // What bosh leaves of an empty store.
    if before.is_empty() {
        text = without_empty_map(text);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for (name, value) in values {
        // Quoted where YAML 1.1 or 1.2 would take it for something else than text.
        let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !word.contains(&name.to_ascii_lowercase().as_str());
        let quote = if plain { "" } else { "\"" };
        let _ = writeln!(text, "{quote}{name}{quote}: {}", value.expose_secret());
    }
    text
}

/// Takes the `{}` out of a text that is nothing else but comments, which stay as they are.
fn without_empty_map(text: String) -> String {
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let comment = |at: &usize| line[..*at].ends_with([' ', '\t']) || *at == 0;
        let code = line.match_indices('#').map(|(at, _)| at).find(comment).map_or(line, |at| &line[..at]);
        if let Some(at) = code.find("{}") {
            return format!("{}{}", &text[..begin + at], &text[begin + at + 2..]);
        }
        begin += line.len();
    }
    text
}

/// Reads a store's entries: text values as such, others as `None`; `None` when it is no map.
fn entries(text: &str) -> Option<BTreeMap<String, Option<String>>> {
    if says_nothing(text) {
        return Some(BTreeMap::new());
    }
    let node = tree::parse_value(text)?;
    if node.is_null() {
        return Some(BTreeMap::new());
    }
    let Value::Map(entries) = node.value else { return None };
    let text = |node: Node| match node.value {
        Value::Scalar { text, .. } => Some(text),
        Value::Secret(_) | Value::Seq(_) | Value::Map(_) | Value::Broken => None,
    };
    Some(entries.into_iter().map(|entry| (entry.key, text(entry.node))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(store: &Path, values: &[(&str, &str)]) -> Generated {
        let own =
            |(name, value): &(&str, &str)| ((*name).to_owned(), SecretString::from((*value).to_owned()));
        Generated { store: store.to_owned(), values: values.iter().map(own).collect() }
    }

    fn save(store: &Path, name: &str, value: &str) -> Result<(), Error> {
        generated(store, &[(name, value)]).save([name])
    }

    #[test]
    fn what_stands_in_a_store_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("vars.yml");
        for (before, after) in [
            ("", "a_b: v1\n\"true\": v2\n"),
            ("{}\n", "\na_b: v1\n\"true\": v2\n"),
            ("# was {}\n{}\n", "# was {}\n\na_b: v1\n\"true\": v2\n"),
            ("# use {}\n", "# use {}\na_b: v1\n\"true\": v2\n"),
            ("# use {}\r\n---\n", "# use {}\r\n---\na_b: v1\n\"true\": v2\n"),
            ("--- {} # no {}\n", "---  # no {}\na_b: v1\n\"true\": v2\n"),
            ("---\n", "---\na_b: v1\n\"true\": v2\n"),
            ("# mine\n", "# mine\na_b: v1\n\"true\": v2\n"),
            (
                "# mine\nold:   \"1\" # kept\ncert:\n  ca: |\n    line\n\n",
                "# mine\nold:   \"1\" # kept\ncert:\n  ca: |\n    line\n\na_b: v1\n\"true\": v2\n",
            ),
            ("old: 1", "old: 1\na_b: v1\n\"true\": v2\n"),
            ("{old: 1}\n", ""),
            ("  old: 1\n", ""),
            ("old: 1\n...\n", ""),
            ("- old\n", ""),
        ] {
            std::fs::write(&store, before).expect("ours");
            let saved = generated(&store, &[("a_b", "v1"), ("true", "v2"), ("unused", "v3")])
                .save(["a_b", "true", "other"]);
            let now = std::fs::read_to_string(&store).expect("ours");
            assert_eq!(saved.is_ok(), !after.is_empty(), "{before:?}: {saved:?}");
            assert_eq!(now, if after.is_empty() { before } else { after });
        }
    }

    #[test]
    fn a_value_that_another_run_gave_is_never_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("vars.yml");
        save(&store, "pw", "first").expect("it is new");
        let error = save(&store, "pw", "second").expect_err("it is there");
        assert_eq!(error.causes, ["another run has given `pw` a value meanwhile"]);
        assert!(!format!("{error:?}").contains("second"));
        assert_eq!(std::fs::read_to_string(&store).expect("ours"), "pw: first\n");
    }

    #[test]
    fn a_folder_that_stays_locked_is_waited_for_no_longer_than_the_patience() {
        let folder = tempfile::tempdir().expect("a folder");
        let held = lock(folder.path(), Duration::ZERO).expect("nobody has it");
        assert!(held.is_some());
        let waiting = folder.path().to_owned();
        let another = std::thread::spawn(move || lock(&waiting, Duration::from_millis(50)));
        let why = another.join().expect("it ends").expect_err("it is held");
        assert!(
            why.contains("holds the lock") && why.contains(&folder.path().display().to_string()),
            "{why}"
        );
        drop(held);
        assert!(lock(folder.path(), Duration::ZERO).expect("it is free").is_some());
    }

    #[test]
    fn runs_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("vars.yml");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let store = &store;
                scope.spawn(move || {
                    for n in 0..10 {
                        save(store, &format!("pw_{thread}_{n}"), "value").expect("it is new");
                    }
                });
            }
        });
        let text = std::fs::read_to_string(&store).expect("ours");
        assert_eq!(entries(&text).expect("a map").len(), 80);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_a_store_and_a_link_to_one_stays_a_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let (store, link) = (folder.path().join("vars.yml"), folder.path().join("link.yml"));
        std::os::unix::fs::symlink("vars.yml", &link).expect("ours");
        std::fs::write(&store, "old: 1\n").expect("ours");
        std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o644)).expect("ours");
        save(&link, "pw", "value").expect("it is new");
        assert!(link.symlink_metadata().expect("it is there").file_type().is_symlink());
        assert_eq!(std::fs::read_to_string(&store).expect("ours"), "old: 1\npw: value\n");
        let mode = store.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("ours").count(), 2);
    }
}
