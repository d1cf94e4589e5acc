//! `--vars-store`: the file of secret values that are generated when missing, in bosh's form `name: value`.
//!
//! Decides what a generated value looks like and how it gets into the file: what stands there stays byte for byte,
//! comments included, and no concurrent run loses anything. Never decides which values are needed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use super::tree::{self, Node, Value};
use crate::error::Error;

/// How long a generated password is when the manifest does not say.
pub(super) const DEFAULT_LENGTH: usize = 32;
/// How long one can be: UAA hashes with bcrypt, which takes 72 bytes.
pub(super) const LENGTHS: RangeInclusive<usize> = 12..=72;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

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

/// Generates a password of letters and digits, some of each kind, the first one a letter.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(super) fn generate(length: usize) -> Result<SecretString, getrandom::Error> {
    loop {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let mut bytes = [0; 64];
            getrandom::fill(&mut bytes)?;
            // Bytes beyond the last whole multiple would make some characters likelier than others.
            let even = bytes.into_iter().map(usize::from).filter(|byte| *byte < 4 * ALPHABET.len());
            text.extend(
                even.map(|byte| char::from(ALPHABET[byte % ALPHABET.len()])).take(length - text.len()),
            );
        }
        let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
        if text.starts_with(|c: char| c.is_ascii_alphabetic())
            && has(char::is_ascii_lowercase)
            && has(char::is_ascii_uppercase)
            && has(char::is_ascii_digit)
        {
            return Ok(text.into());
        }
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
    let _lock = lock(folder);
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
fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    match folder.lock() {
        Ok(()) => Some(folder),
        Err(error) => {
            tracing::warn!("the folder of --vars-store cannot be locked: {error}");
            None
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
        text = text.replacen("{}", "", 1);
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
    use std::collections::BTreeSet;

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
    fn generated_passwords_are_long_and_of_all_kinds_and_never_the_same() {
        let mut seen = BTreeSet::new();
        let mut characters = BTreeSet::new();
        for length in LENGTHS.cycle().take(2000) {
            let value = generate(length).expect("there are random bytes");
            let text = value.expose_secret();
            assert_eq!(text.len(), length);
            assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)));
            assert!(text.starts_with(|c: char| c.is_ascii_alphabetic()));
            for kind in [char::is_ascii_lowercase, char::is_ascii_uppercase, char::is_ascii_digit] {
                assert!(text.chars().any(|c| kind(&c)));
            }
            characters.extend(text.chars());
            assert!(seen.insert(text.to_owned()));
        }
        assert_eq!(characters.len(), ALPHABET.len());
    }

    #[test]
    fn what_stands_in_a_store_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("vars.yml");
        for (before, after) in [
            ("", "a_b: v1\n\"true\": v2\n"),
            ("{}\n", "\na_b: v1\n\"true\": v2\n"),
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
