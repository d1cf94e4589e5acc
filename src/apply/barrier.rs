//! The barrier: what is not tried because something earlier failed.
//!
//! When a give failed, taking from the same user, group or client is held, and so is every removal that is only
//! implied. What the manifest says outright of others goes on, so that nobody can block an offboarding with a failing
//! entry — unless the failure was systemic, then all is held (design.md §6). That UAA fails at one change (500) is not
//! systemic while it answers otherwise.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ClientId, GroupName, UserKey};
use crate::plan::{Action, Change, Object, Phase};
use crate::report::Outcome;

/// What has failed so far.
#[derive(Debug, Default)]
pub(super) struct Barrier {
    /// Why nothing more is tried.
    systemic: Option<String>,
    /// Changes that did not come about, by id: what needs them cannot be made.
    missing: BTreeMap<u32, String>,
    /// Everything that a failed give was about.
    failed_gives: BTreeSet<Subject>,
    /// The first failed give, to say why an implied removal is held.
    first_failed_give: Option<String>,
}

/// A user, group or client that a change is about; a membership is about two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    User(UserKey),
    Group(GroupName),
    Client(ClientId),
}

impl Barrier {
    /// Stops everything that has not begun.
    pub(super) fn hold_all(&mut self, why: &str) {
        self.systemic.get_or_insert_with(|| format!("nothing more is written after: {why}"));
    }

    /// Says why `change` must not be tried, if so.
    pub(super) fn holds(&self, change: &Change) -> Option<String> {
        if let Some(why) = &self.systemic {
            return Some(why.clone());
        }
        if let Some(need) = change.needs.iter().find_map(|need| self.missing.get(need)) {
            return Some(format!("it needs {need}, which did not come about"));
        }
        if !takes(change) {
            return None;
        }
        if let Some(subject) = losers(change).into_iter().find(|subject| self.failed_gives.contains(subject))
        {
            return Some(format!("something was to be given to {subject} first, and that failed"));
        }
        match &self.first_failed_give {
            Some(give) if change.implied => Some(format!("it is only implied, and {give} failed")),
            _ => None,
        }
    }

    /// Takes in what became of a change.
    pub(super) fn learn(&mut self, change: &Change, outcome: Outcome) {
        match outcome {
            Outcome::Done | Outcome::AlreadySo => return,
            Outcome::Drifted | Outcome::Failed | Outcome::Held | Outcome::NotTried | Outcome::Unknown => {}
        }
        let name = format!("{} {}", action_words(change.action), change.key);
        self.missing.insert(change.id, name.clone());
        let give = change.phase != Phase::Update && !takes(change);
        // The server is not as the plan saw it: as bad as a failed give for what follows.
        let drift = outcome == Outcome::Drifted;
        if give || drift {
            self.failed_gives.extend(subjects(change));
            self.first_failed_give.get_or_insert(name);
        }
    }
}

/// Tells whether a change takes something away.
fn takes(change: &Change) -> bool {
    match change.phase {
        Phase::Revoke | Phase::Delete => true,
        Phase::Create | Phase::Update | Phase::Grant => false,
        Phase::Own => match change.action {
            Action::CreateUser
            | Action::CreateGroup
            | Action::CreateClient
            | Action::AddMember
            | Action::MapExternalGroup => false,
            Action::UpdateUser
            | Action::DeleteUser
            | Action::UpdateGroup
            | Action::DeleteGroup
            | Action::RemoveMember
            | Action::UnmapExternalGroup
            | Action::UpdateClient
            | Action::SetClientSecret
            | Action::DeleteClient => true,
        },
    }
}

/// Returns everything that a change takes from.
///
/// A membership that the manifest ends outright is the user's matter alone: whoever may add an entry to a group could
/// else keep everybody in it by one that fails.
fn losers(change: &Change) -> Vec<Subject> {
    let mut subjects = subjects(change);
    if !change.implied && matches!(change.object, Object::Member { .. }) {
        subjects.retain(|subject| matches!(subject, Subject::User(_)));
    }
    subjects
}

/// Returns everything that a change is about.
fn subjects(change: &Change) -> Vec<Subject> {
    match &change.object {
        Object::Member { group, origin, username } => {
            vec![Subject::User(UserKey::new(origin.clone(), username.clone())), Subject::Group(group.clone())]
        }
        Object::NestedGroup { group, member_group } => {
            vec![Subject::Group(group.clone()), Subject::Group(member_group.clone())]
        }
        Object::ExternalGroup { group, .. } | Object::Group { group } => vec![Subject::Group(group.clone())],
        Object::User { origin, username } => {
            vec![Subject::User(UserKey::new(origin.clone(), username.clone()))]
        }
        Object::Client { client_id } => vec![Subject::Client(client_id.clone())],
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(user) => write!(f, "user {user}"),
            Self::Group(group) => write!(f, "group {group}"),
            Self::Client(client) => write!(f, "client {client}"),
        }
    }
}

/// Returns the words for an action, as in "it needs creating uaa/alana".
fn action_words(action: Action) -> &'static str {
    match action {
        Action::CreateUser | Action::CreateGroup | Action::CreateClient => "creating",
        Action::UpdateUser | Action::UpdateGroup | Action::UpdateClient => "updating",
        Action::SetClientSecret => "setting the secret of",
        Action::DeleteUser | Action::DeleteGroup | Action::DeleteClient => "deleting",
        Action::AddMember => "adding",
        Action::RemoveMember => "removing",
        Action::MapExternalGroup => "mapping",
        Action::UnmapExternalGroup => "unmapping",
    }
}
