//! Entries → the text of a manifest: for `export` and `import`.
//!
//! Decides the layout, how each text is quoted, and that the result loads: the text is loaded before it is handed out,
//! and whatever the loader refuses is left out with a comment that says so, so that the rules stand in one place only.
//! A group that loses a member this way becomes additive, since an exact one would revoke that member. Never decides
//! what is worth writing, and never sees a secret's value: a secret is the name of a variable here.

mod entries;
mod names;
mod page;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;

pub(crate) use names::VariableNames;
use page::{Lists, Part};
#[cfg(test)]
pub(crate) use yaml::scalar;

use super::problem::Drafts;
use super::source::{Kind as TextKind, Texts};
use super::{Problem, Sources, check};
use crate::client::ClientFields;
use crate::error::Error;
use crate::model::{ClientId, GroupName, Member, Origin, UserKey};

/// What is written. A list that is `None` is not written at all.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Comments at the top.
    pub head: Vec<String>,
    /// The `target` block.
    pub target: Target,
    /// The `users` list.
    pub users: Option<Section<User>>,
    /// The `groups` list.
    pub groups: Option<Section<Group>>,
    /// The `clients` list.
    pub clients: Option<Section<Client>>,
    /// Whether users' passwords are declared under `variables`, so that `--vars-store` generates those that nothing
    /// gives. Secrets of clients never are: their owners know them.
    pub generate: bool,
}

/// A list of entries, and comments about what is not among them.
#[derive(Clone, Debug)]
pub struct Section<T> {
    /// Comments above the first entry.
    pub notes: Vec<String>,
    /// The entries, in their order.
    pub entries: Vec<T>,
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self { notes: Vec::new(), entries: Vec::new() }
    }
}

/// The `target` block; an empty one is not written.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The issuer.
    pub issuer: Option<String>,
    /// The zone's id.
    pub zone: Option<String>,
    /// Identity providers.
    pub origins: BTreeSet<Origin>,
}

/// Where an entry comes from and what is to be said about it.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Comments above the entry.
    pub notes: Vec<String>,
    /// The place in a file that was imported, such as `access.sh:12`.
    pub source: Option<String>,
    /// Whether it is written as `state: absent`.
    pub absent: bool,
}

/// An entry under `users`.
#[derive(Clone, Debug)]
pub struct User {
    /// What is said about it.
    pub about: About,
    /// Who.
    pub key: UserKey,
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// The identity provider's id of the user.
    pub external_id: Option<String>,
    /// Whether the account may log in.
    pub active: Option<bool>,
    /// Whether the e-mail address counts as verified.
    pub verified: Option<bool>,
    /// The variable with the initial password.
    pub password: Option<String>,
    /// Words of `cluster_access`.
    pub cluster_access: Vec<String>,
    /// Groups that it is in.
    pub groups: Vec<GroupName>,
}

impl User {
    /// An entry that says only that the user exists.
    #[must_use]
    pub fn new(key: UserKey) -> Self {
        Self {
            about: About::default(),
            key,
            email: None,
            given_name: None,
            family_name: None,
            phone: None,
            external_id: None,
            active: None,
            verified: None,
            password: None,
            cluster_access: Vec::new(),
            groups: Vec::new(),
        }
    }
}

/// An entry under `groups`.
#[derive(Clone, Debug)]
pub struct Group {
    /// What is said about it.
    pub about: About,
    /// Its name.
    pub name: GroupName,
    /// What it is for.
    pub description: Option<String>,
    /// Whether others manage it too.
    pub additive: bool,
    /// Its members.
    pub members: Vec<Member>,
    /// Who must not be one.
    pub absent_members: Vec<Member>,
    /// LDAP or SAML groups mapped to it; `None`: not managed.
    pub external_groups: Option<Vec<External>>,
}

impl Group {
    /// An entry without members.
    #[must_use]
    pub fn new(name: GroupName) -> Self {
        Self {
            about: About::default(),
            name,
            description: None,
            additive: false,
            members: Vec::new(),
            absent_members: Vec::new(),
            external_groups: None,
        }
    }
}

/// An entry under `external_groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The identity provider.
    pub origin: Origin,
    /// The LDAP DN or SAML group value.
    pub group: String,
    /// Whether it is written as `state: absent`.
    pub absent: bool,
}

/// A client's secret as a manifest writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientSecret {
    /// In this variable.
    Variable(String),
    /// The empty one of a public client.
    Empty,
}

/// An entry under `clients`.
#[derive(Clone, Debug)]
pub struct Client {
    /// What is said about it.
    pub about: About,
    /// Its id.
    pub id: ClientId,
    /// Its secret.
    pub secret: Option<ClientSecret>,
    /// Its properties; a hidden one cannot be written.
    pub fields: ClientFields,
}

/// A manifest's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The YAML.
    pub text: String,
    /// What a manifest cannot say and is only a comment in it, one sentence each.
    pub left_out: Vec<String>,
    /// The variables that need a value.
    pub variables: BTreeSet<String>,
}

/// Writes a manifest that loads.
///
/// # Errors
/// When something is refused that cannot be left out; that would be a mistake in this program.
pub fn write(manifest: &Manifest) -> Result<Written, Error> {
    let mut lists = Lists::of(manifest);
    let mut left_out = Vec::new();
    loop {
        let page = lists.render(&manifest.head);
        let variables = lists.variables();
        let problems = refusals(&page.text, &variables);
        if problems.is_empty() {
            return Ok(Written { text: page.text, left_out, variables });
        }
        let before = left_out.len();
        let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        let mut lines: BTreeMap<Part, String> = BTreeMap::new();
        for problem in problems {
            let line = problem.at.as_ref().map_or(0, |at| at.line as usize);
            if let Some(part) = line.checked_sub(1).and_then(|line| page.parts.get(line)).copied().flatten() {
                lines.entry(part).or_insert(problem.message);
            }
        }
        lists.leave_out(lines, &mut left_out);
        if left_out.len() == before {
            return Err(Error::new("cannot write these entries as a manifest: the result would not load")
                .cause(first)
                .hint("this is a mistake in uaapply; choose fewer entries by patterns meanwhile"));
        }
    }
}

/// What the loader says against a text, each variable having a value.
fn refusals(text: &str, variables: &BTreeSet<String>) -> Vec<Problem> {
    /// Stands for every secret while the text is checked.
    const STAND_IN: &str = "any-value-at-all-of-a-variable";
    let mut texts = Texts::default();
    texts.add("manifest".to_owned(), text.to_owned(), TextKind::Manifest);
    let secret = |name: &String| ("ANY".to_owned(), name.clone(), SecretString::from(STAND_IN.to_owned()));
    let sources = Sources { vars_env: variables.iter().map(secret).collect(), ..Sources::default() };
    match check(texts, Drafts::of_all(), &sources, true) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0,
    }
}

/// Loads a text that was written, each variable having a value.
#[cfg(test)]
pub(crate) fn load(text: &str, variables: &BTreeSet<String>) -> super::Loaded {
    let mut texts = Texts::default();
    texts.add("m.yml".to_owned(), text.to_owned(), TextKind::Manifest);
    let secret =
        |name: &String| ("P".to_owned(), name.clone(), SecretString::from("some-password".to_owned()));
    let sources = Sources { vars_env: variables.iter().map(secret).collect(), ..Sources::default() };
    match check(texts, Drafts::default(), &sources, true) {
        Ok(loaded) => loaded,
        Err(problems) => panic!("{text}\n{problems:?}"),
    }
}
