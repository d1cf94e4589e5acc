//! `--expect 'alana: clusters>=1'`: what a smoke test wants to be so.
//!
//! ```text
//! WHO: CONDITION[, CONDITION]…
//! CONDITION = clusters>=N (also =, !=, <, <=, >) | cluster NAME | no cluster NAME | scope NAME | no scope NAME | denied
//! ```

use std::collections::BTreeSet;

use super::{State, Step, StepName};

/// One condition about one user or client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The name before the colon, as written.
    pub who: String,
    condition: Condition,
    /// The condition as written.
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Clusters(Compare, usize),
    Cluster(String),
    NoCluster(String),
    Scope(String),
    NoScope(String),
    Denied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Longer ones first, so that `>=` is not read as `>`.
const COMPARISONS: [(&str, Compare); 7] = [
    (">=", Compare::AtLeast),
    ("<=", Compare::AtMost),
    ("!=", Compare::Other),
    ("==", Compare::Equal),
    ("=", Compare::Equal),
    (">", Compare::More),
    ("<", Compare::Less),
];

/// Why a text says no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// What a condition is judged by.
pub(super) struct Outcome<'a> {
    pub(super) tried: bool,
    pub(super) denied: bool,
    pub(super) scopes: &'a BTreeSet<String>,
    pub(super) clusters: Option<&'a [String]>,
}

impl Expectation {
    /// Reads the value of one `--expect`.
    ///
    /// # Errors
    /// The part that says nothing that can be checked.
    pub fn read(text: &str) -> Result<Vec<Self>, Unreadable> {
        let unreadable = |what: &str| Unreadable(format!("`{what}` is no expectation"));
        let (who, conditions) = text.split_once(':').ok_or_else(|| unreadable(text))?;
        let who = who.trim();
        if who.is_empty() {
            return Err(unreadable(text));
        }
        let read = |part: &str| {
            let condition = Condition::read(part.trim()).ok_or_else(|| unreadable(part.trim()))?;
            Ok(Self { who: who.to_owned(), condition, text: part.trim().to_owned() })
        };
        conditions.split(',').map(read).collect()
    }

    pub(super) fn expects_denial(&self) -> bool {
        match &self.condition {
            Condition::Denied => true,
            Condition::Clusters(..)
            | Condition::Cluster(_)
            | Condition::NoCluster(_)
            | Condition::Scope(_)
            | Condition::NoScope(_) => false,
        }
    }

    pub(super) fn step(&self, outcome: &Outcome<'_>) -> Step {
        let holds = outcome.tried && self.condition.holds(outcome);
        let state = if holds { State::Ok } else { State::Failed };
        let came = match &self.condition {
            Condition::Clusters(..) | Condition::Cluster(_) | Condition::NoCluster(_) => {
                match outcome.clusters {
                    Some(names) => crate::render::count(names.len(), "cluster"),
                    None => "no list of clusters".to_owned(),
                }
            }
            Condition::Scope(_) | Condition::NoScope(_) => match outcome.scopes.is_empty() {
                true => "no scope".to_owned(),
                false => outcome.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
            },
            Condition::Denied if outcome.denied => "no access".to_owned(),
            Condition::Denied => "no denial".to_owned(),
        };
        Step::new(StepName::Expected, state, &*self.text, crate::visible::visible(&came))
    }
}

impl Condition {
    fn read(text: &str) -> Option<Self> {
        if text == "denied" {
            return Some(Self::Denied);
        }
        let named = |text: &str, word: &str| {
            let name = text.strip_prefix(word)?.strip_prefix(' ')?.trim();
            (!name.is_empty()).then(|| name.to_owned())
        };
        if let Some(rest) = text.strip_prefix("no ") {
            return named(rest, "cluster")
                .map(Self::NoCluster)
                .or_else(|| named(rest, "scope").map(Self::NoScope));
        }
        if let Some(rest) = text.strip_prefix("clusters") {
            let rest = rest.trim();
            let (sign, compare) = COMPARISONS.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
            return Some(Self::Clusters(compare, rest[sign.len()..].trim().parse().ok()?));
        }
        named(text, "cluster").map(Self::Cluster).or_else(|| named(text, "scope").map(Self::Scope))
    }

    fn holds(&self, outcome: &Outcome<'_>) -> bool {
        let lists = |name: &String| outcome.clusters.is_some_and(|names| names.contains(name));
        match self {
            // Who is denied sees none, and that is known.
            Self::Clusters(compare, number) => match outcome.clusters {
                Some(names) => compare.holds(names.len(), *number),
                None => outcome.denied && compare.holds(0, *number),
            },
            Self::Cluster(name) => lists(name),
            Self::NoCluster(name) => !lists(name) && (outcome.clusters.is_some() || outcome.denied),
            Self::Scope(name) => outcome.scopes.contains(name),
            Self::NoScope(name) => {
                !outcome.scopes.contains(name) && (!outcome.scopes.is_empty() || outcome.denied)
            }
            Self::Denied => outcome.denied,
        }
    }
}

impl Compare {
    fn holds(self, found: usize, wanted: usize) -> bool {
        match self {
            Self::Equal => found == wanted,
            Self::Other => found != wanted,
            Self::Less => found < wanted,
            Self::AtMost => found <= wanted,
            Self::More => found > wanted,
            Self::AtLeast => found >= wanted,
        }
    }
}
