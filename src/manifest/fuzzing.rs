//! Texts, read as files are, without files: for fuzzing.

use secrecy::SecretString;

use super::problem::Drafts;
use super::source::{Kind, Texts, take};
use super::{Loaded, Problems, Sources, check, policy};
use crate::plan::policy::Policy;

/// What a run is given, as texts.
#[derive(Debug, Default)]
pub(crate) struct Given<'a> {
    pub(crate) manifest: &'a [u8],
    pub(crate) ops: Option<&'a [u8]>,
    pub(crate) variables: Option<&'a [u8]>,
    pub(crate) store: Option<&'a [u8]>,
    /// `-v NAME=VALUE`
    pub(crate) plain: Vec<(String, String)>,
    /// Secrets of the environment.
    pub(crate) secrets: Vec<(&'a str, &'a str)>,
}

/// Loads texts as [`super::load`] loads files.
pub(crate) fn load(given: &Given<'_>) -> Result<Loaded, Problems> {
    let (mut texts, mut drafts) = (Texts::default(), Drafts::default());
    let files = [
        ("m.yml", Some(given.manifest), Kind::Manifest),
        ("ops.yml", given.ops, Kind::Ops),
        ("vars.yml", given.variables, Kind::Variables),
        ("store.yml", given.store, Kind::Store),
    ];
    for (name, bytes, kind) in files {
        if let Some(bytes) = bytes {
            take(name, bytes.to_vec(), kind, &mut texts, &mut drafts);
        }
    }
    let secret = |&(name, value): &(&str, &str)| {
        ("P".to_owned(), name.to_owned(), SecretString::from(value.to_owned()))
    };
    let sources = Sources {
        vars: given.plain.clone(),
        vars_files: given.variables.iter().map(|_| "vars.yml".into()).collect(),
        vars_env: given.secrets.iter().map(secret).collect(),
        secrets_may_lack: true,
        ..Sources::default()
    };
    check(texts, drafts, &sources, true)
}

/// Reads a policy as [`super::load_policy`] reads a file.
pub(crate) fn load_policy(bytes: &[u8]) -> Result<Policy, Problems> {
    let (mut texts, mut drafts) = (Texts::default(), Drafts::default());
    take("policy.yml", bytes.to_vec(), Kind::Policy, &mut texts, &mut drafts);
    policy::check(texts, drafts)
}
