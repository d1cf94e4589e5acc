//! Values of variables without a manifest: what a saved plan names.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};

use super::interpolate::Variables;
use super::problem::Drafts;
use super::source::{self, Kind, Texts};
use super::{Problems, Sources};

/// What the sources give.
#[derive(Debug)]
pub struct Values {
    /// The value of each variable that was asked for.
    pub asked: BTreeMap<String, SecretString>,
    /// All secret values of the sources, to be masked.
    pub all: Vec<SecretString>,
}

/// Looks variables up in the sources of `-v`, `--var-file`, `-l`, `--vars-env` and `--vars-store`.
///
/// # Errors
/// All variables without a value, and all sources that cannot be read.
pub fn values(names: &BTreeSet<&str>, sources: &Sources) -> Result<Values, Problems> {
    let mut texts = Texts::default();
    let mut drafts = Drafts::default();
    source::read_files(&sources.vars_files, Kind::Variables, &mut texts, &mut drafts);
    let store = sources.vars_store.as_deref();
    let whole = store.is_none_or(|path| source::read_store(path, &mut texts, &mut drafts));
    let mut variables = Variables::collect(&mut texts, &mut drafts, sources, whole);
    let found = names.iter().filter_map(|&name| Some((name.to_owned(), variables.text(name, &mut drafts)?)));
    let asked: BTreeMap<String, SecretString> = found.collect();
    let secrets = variables.secrets().chain(asked.values().cloned());
    let all: Vec<SecretString> = secrets.filter(|value| !value.expose_secret().is_empty()).collect();
    let (errors, _) = drafts.finish(&texts, &all);
    if errors.is_empty() { Ok(Values { asked, all }) } else { Err(Problems(errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_without_a_value_is_an_error_and_one_with_a_value_is_found() {
        let sources = Sources {
            vars: vec![("plain".to_owned(), "x".to_owned())],
            vars_env: vec![("T".to_owned(), "password".to_owned(), "canary".into())],
            vars_env_prefixes: vec!["T".to_owned()],
            ..Sources::default()
        };
        let found = values(&["plain", "password"].into(), &sources).expect("both are given");
        assert_eq!(found.asked["password"].expose_secret(), "canary");
        assert_eq!(found.asked["plain"].expose_secret(), "x");
        let Problems(problems) = values(&["password", "other"].into(), &sources).expect_err("one is missing");
        let said: Vec<_> = problems.iter().map(|problem| &*problem.message).collect();
        assert_eq!(said, ["the variable `other` of the plan has no value"]);
        assert!(problems[0].help.as_ref().is_some_and(|help| help.contains("T_other")), "{problems:?}");
    }
}
