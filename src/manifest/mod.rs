//! Manifest files → [`Desired`]: read, parse, substitute variables, validate. All errors at once.
//!
//! A manifest can run nothing, read no file and see no environment variable. Never talks to a server, and writes no
//! file unless it is told to save what it generated (`store`).
//!
//! ```text
//! paths ──source──▶ texts ──tree──▶ positioned nodes ──ops, interpolate──▶ nodes ──decode──▶ entries ──resolve──▶ Desired
//!                                └─────────── every step adds to one list of problems (problem) ───────────┘
//! ```
//! `placeholder` knows `((name))` in a text; `ops` changes the trees by `patch` at a `pointer`; `declare` reads which variables are generated, `store` generates and
//! keeps them; `field` judges single values for `decode`; `clients` and `redirect` know OAuth clients, `prune` and
//! `removal` what goes; `mask` knows which text must never be shown; `schema` describes the manifest for editors, `write`
//! goes the other way, from entries to a text that loads. `policy` reads what manifests are judged by, from a file of its own.

mod clients;
mod declare;
mod decode;
mod field;
pub(crate) mod foreign;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod interpolate;
mod mask;
mod ops;
mod patch;
mod placeholder;
mod pointer;
mod policy;
pub mod policy_schema;
mod problem;
mod prune;
mod redirect;
mod removal;
mod resolve;
pub mod schema;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod tree;
mod values;
pub mod write;

use std::collections::BTreeSet;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::desired::{Because, Desired, Secrets};

pub(crate) use problem::nearest;

pub(crate) use mask::names_a_secret;
pub(crate) use placeholder::whole as placeholder;

use interpolate::Variables;
use problem::{Draft, Drafts, quote};
use source::{Kind, Texts};

pub use policy::load_policy;
pub use policy_schema::policy_schema;
pub use store::Generated;
pub use values::values;

/// The most that one file may hold, in bytes.
pub const MAX_FILE_BYTES: usize = 20 * 1024 * 1024;

/// What `-f`, `-o`, `-v`, `--var-file`, `-l`, `--vars-env` give.
#[derive(Debug, Default)]
pub struct Sources {
    /// Files and directories, in the order given; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// `-o PATH`: operations on the manifests, in this order.
    pub ops_files: Vec<PathBuf>,
    /// `-v NAME=VALUE`: plain values.
    pub vars: Vec<(String, String)>,
    /// `-v` without `=`: shown only where a manifest uses the name, because it may be a secret.
    pub bare_vars: Vec<String>,
    /// `--var-file NAME=PATH`: each file holds one secret value.
    pub var_files: Vec<(String, PathBuf)>,
    /// `-l PATH`: files of plain values, later wins.
    pub vars_files: Vec<PathBuf>,
    /// `--vars-env PREFIX`, in the order given.
    pub vars_env_prefixes: Vec<String>,
    /// What the environment has under these: (prefix, name without `PREFIX_`, secret value). The library never reads
    /// the environment itself.
    pub vars_env: Vec<(String, String, SecretString)>,
    /// `--vars-store PATH`: a file of secret values, which need not exist.
    pub vars_store: Option<PathBuf>,
    /// A variable that is a whole secret may have no value: the manifest is judged, and not sent anywhere.
    pub secrets_may_lack: bool,
}

/// A valid manifest.
#[derive(Debug)]
pub struct Loaded {
    /// What is wanted.
    pub desired: Desired,
    /// The secret values that go with it.
    pub secrets: Secrets,
    /// Things worth saying that are no errors, such as a literal secret.
    pub warnings: Vec<Problem>,
    /// How many files were read.
    pub files: usize,
    /// Values among the secrets that no source has: whoever writes them to a server saves them first.
    pub generated: Option<Generated>,
    /// Variables of secrets that have no value; what stands for them among the secrets is not to be sent. Only with
    /// [`Sources::secrets_may_lack`].
    pub lacking: BTreeSet<String>,
    /// The files' lines, to show where a wish comes from.
    lines: Lines,
}

impl Loaded {
    /// Returns the line that a wish comes from, to be shown as [`Problem`]s show theirs: secrets masked.
    #[must_use]
    pub fn place(&self, because: &Because) -> Option<Place> {
        problem::line(&self.lines.texts, because, &self.secrets.others)
    }
}

/// The texts of the files. Its `Debug` shows nothing of them: a manifest may hold secrets.
struct Lines {
    texts: Texts,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lines")
    }
}

/// One thing wrong, or worth a warning, in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A short stable name, such as `undeclared-group`.
    pub code: &'static str,
    /// What is wrong, naming the thing.
    pub message: String,
    /// The place; `None` only where no file is concerned (an unused `-v`) or none could be read.
    pub at: Option<Place>,
    /// A second place (the other one of two that disagree) and its label.
    pub also: Option<(Place, String)>,
    /// What is said under the marked text.
    pub label: String,
    /// What to do; may have several lines.
    pub help: Option<String>,
}

/// A span of one line of one file, with that line's text for the frame (secrets masked).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as named to the user.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The offending line only, any secret value in it masked, a very long line cut around the marked part.
    pub text: String,
    /// The marked part of `text`, in bytes.
    pub span: std::ops::Range<usize>,
}

/// Everything that is wrong, in order of file and line.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

/// Reads and checks manifests.
///
/// # Errors
/// All problems of all files together.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    let mut texts = Texts::default();
    let mut drafts = Drafts::default();
    source::read_manifests(&sources.paths, &mut texts, &mut drafts);
    source::read_files(&sources.ops_files, Kind::Ops, &mut texts, &mut drafts);
    source::read_files(&sources.vars_files, Kind::Variables, &mut texts, &mut drafts);
    let store = sources.vars_store.as_deref();
    let whole = store.is_none_or(|path| source::read_store(path, &mut texts, &mut drafts));
    check(texts, drafts, sources, whole)
}

/// Checks texts that are already read; `store_read`: what `--vars-store` has is among them.
fn check(
    mut texts: Texts,
    mut drafts: Drafts,
    sources: &Sources,
    store_read: bool,
) -> Result<Loaded, Problems> {
    let mut variables = Variables::collect(&mut texts, &mut drafts, sources, store_read);
    let mut roots = Vec::new();
    let mut unreadable = None;
    let files = texts.of_kind(Kind::Manifest);
    for &file in &files {
        match tree::parse(&texts, file, &mut drafts) {
            Some(root) => roots.push((file, root)),
            None => unreadable = unreadable.or(Some(file)),
        }
    }
    let partly = unreadable.is_some() || roots.is_empty();
    ops::apply(&mut roots, partly, &texts, &mut drafts);
    declare::declare(&mut roots, &mut variables, &mut drafts);
    let mut documents = Vec::new();
    for (file, mut root) in roots {
        variables.substitute(&mut root, &mut drafts);
        let document = decode::document(root, &mut drafts);
        if let Some(mark) = document.says_nothing.filter(|_| !variables.declares_in(file)) {
            drafts.add(
                Draft::warning("declares-nothing", format!("{} declares nothing", quote(texts.name(file))))
                    .at(mark)
                    .label("a version, and nothing else")
                    .help("write `users:` and `groups:`; nothing is managed without them"),
            );
        }
        documents.push(document);
    }
    for file in files.iter().copied().chain(texts.of_kind(Kind::Ops)) {
        texts.close(file, &mut drafts);
    }
    let files = files.len();
    variables.report_unused(unreadable.is_some() || files == 0, &mut drafts);
    let unreadable = unreadable.map(|file| texts.name(file).to_owned());
    let (mut desired, mut secrets) = resolve::resolve(documents, unreadable.as_deref(), &texts, &mut drafts);
    desired.digest = texts.digest();
    // An empty text is in every text: masking it would mask everything.
    secrets.others = variables.secrets().filter(|value| !value.expose_secret().is_empty()).collect();
    let (errors, warnings) = drafts.finish(&texts, &secrets.others);
    let generated = variables.take_generated();
    let lacking = variables.take_lacking();
    if errors.is_empty() {
        Ok(Loaded { desired, secrets, warnings, files, generated, lacking, lines: Lines { texts } })
    } else {
        Err(Problems(errors))
    }
}

/// Returns the JSON Schema of a manifest, generated from the types.
#[must_use]
pub fn schema() -> schemars::Schema {
    schema::generate()
}
