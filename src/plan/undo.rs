//! The way back: what would undo what a report says was done.
//!
//! ```text
//! Report ─ past ─▶ what was made of what ─┬─ judge ─▶ drift: what is no longer as the report left it
//! UAA ──Reader──▶ Observed ───────────────┴─ wishes ─▶ Desired ─▶ make_part() ─▶ the inverse changes, rails and all
//! ```
//! Decides what is wished for, and which changes of the plan of these wishes are inverses of the report's; order,
//! projection and rails are those of every plan. A report is data, not an authority: whoever wrote it, what
//! would result is judged as if a manifest said it. What no plan can bring back is named.

mod judge;
mod lost;
mod past;
#[cfg(test)]
mod tests;
mod wishes;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diff::users::user_of;
use super::only::{Only, Unmatched};
use super::policy::{Allow, Policy};
use super::risks::membership;
use super::{Action, Change, KeptWhy, Kind, Object, Objection, Phase, Plan, Presence, make_part, scope};
use crate::model::{ClientId, Mapping, Member, UserKey, Username};
use crate::observed::{Observed, ReadScope};
use crate::report::Report;
use past::{Fate, Past};

/// What a report says was done, to be undone.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    past: Past,
    digest: String,
}

/// What undoing comes to now.
#[derive(Clone, Debug, PartialEq)]
pub struct Undone {
    /// The inverse changes that are left to make.
    pub plan: Plan,
    /// What is no longer as the report left it, nor as it was before; then nothing may be done. Sorted.
    pub drift: Vec<Drift>,
    /// Names of `--only` that the report does not speak about.
    pub unmatched: Vec<Unmatched>,
}

/// One thing that changed since.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift {
    /// What.
    pub object: Object,
    /// In which way.
    pub message: String,
}

/// What an undo cannot bring back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// What of it is lost.
    pub why: LostWhy,
    /// What it is.
    pub kind: Kind,
    /// Keys, sorted.
    pub items: Vec<String>,
}

/// The closed list of what cannot come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LostWhy {
    /// It is made again, with a new id; approvals that hung on the old one are gone.
    NewId,
    /// The user comes back with a password that nobody knows.
    Password,
    /// The client comes back with a secret that nobody knows.
    NewClientSecret,
    /// The client's secret was set; the one before is not known.
    ClientSecret,
    /// The client's token salt was set; the one before is not known.
    TokenSalt,
    /// A value that reports do not show, because it is a secret or looks like one.
    Secret,
    /// Tokens that ended.
    Tokens,
    /// A login had brought the membership, and the next one may bring it again.
    DerivedMembership,
    /// The group had members whose names the report does not know.
    UnnamedMembers,
    /// The report does not say all that it takes to make it again.
    NotInReport,
}

impl Undo {
    /// Takes in what a report says was done, surely or perhaps.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self { past: Past::of(report), digest: report.plan_digest.clone() }
    }

    /// Tells whether the report says that anything was done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.past.is_empty()
    }

    /// Returns the users that may come back with a password that nobody knows.
    pub fn returning_users(&self) -> impl Iterator<Item = &UserKey> {
        let back = self.past.users.iter().filter(|(_, thing)| thing.fate == Fate::Deleted);
        back.map(|(key, _)| key).filter(|key| key.origin.is_uaa())
    }

    /// Returns the clients that may come back with a secret that nobody knows.
    pub fn returning_clients(&self) -> impl Iterator<Item = &ClientId> {
        let back = self.past.clients.iter().filter(|(_, thing)| thing.fate == Fate::Deleted);
        back.map(|(id, _)| id)
    }

    /// Returns what it takes to know of the server.
    #[must_use]
    pub fn scope(&self, policy: &Policy) -> ReadScope {
        scope(&self.desired(&BTreeSet::new(), None), policy)
    }

    /// Plans the way back of what `only` names.
    ///
    /// # Errors
    /// What cannot come true on this server, such as a membership of somebody of an origin that is gone.
    pub fn plan(
        &self,
        observed: &Observed,
        policy: &Policy,
        allow: &Allow,
        only: &Only,
    ) -> Result<Undone, Vec<Objection>> {
        let everything = self.desired(&BTreeSet::new(), Some(observed));
        let only = only.knowing(&everything);
        let judged = self.judge(observed);
        let skipped: BTreeSet<Object> =
            judged.drift.iter().map(|drift| drift.object.clone()).chain(judged.so_already).collect();
        let mut drift = judged.drift;
        // What would be given to somebody, or in a group, that is another by now is no less strange for being named alone.
        drift.retain(|drift| {
            only.names(&drift.object) || self.given_back_to(&drift.object).any(|row| only.names(&row))
        });
        drift.sort();

        let desired = self.desired(&skipped, Some(observed));
        let inverse = |change: &Change| self.is_inverse(change, &skipped);
        let whole = make_part(&desired, observed, policy, allow, inverse, |_| false)?;
        let chosen = only.chosen(&whole.changes);
        let names = |change: &Change| (change.phase, change.action, change.object.clone());
        let kept: BTreeSet<(Phase, Action, Object)> =
            whole.changes.iter().filter(|change| chosen.contains(&change.id)).map(names).collect();
        let mut plan = match only.is_all() {
            true => whole,
            false => {
                let part = only.part(whole.changes.len(), chosen.len());
                let keep = |change: &Change| inverse(change) && kept.contains(&names(change));
                let plan = make_part(&desired, observed, policy, allow, keep, |_| false)?;
                Plan { only: part, ..plan }
            }
        };
        self.keep_own_words(&mut plan);
        plan.lost = self.lost(&skipped, &plan, &only);
        plan.undoes = Some(self.digest.clone());
        let unmatched = only.unmatched(&everything, &plan.changes);
        Ok(Undone { plan, drift, unmatched })
    }

    /// The memberships and mappings that the way back would make of a user, or of a group that was deleted: who or what is
    /// there by the name now may be another.
    fn given_back_to<'a>(&'a self, object: &'a Object) -> impl Iterator<Item = Object> + 'a {
        let comes_back = |past: &past::Row| past.before == Presence::Present;
        let may_be_another = match object {
            Object::Group { group } => {
                self.past.groups.get(group).is_some_and(|thing| thing.fate == Fate::Deleted)
            }
            _ => true,
        };
        let rows = self.past.rows.iter().filter(move |(row, past)| {
            let member = match &row.member {
                Member::User(user) => Object::from(user),
                Member::Group(group) => Object::from(group),
            };
            may_be_another && comes_back(past) && (member == *object || Object::from(&row.group) == *object)
        });
        let mappings = self
            .past
            .mappings
            .iter()
            .filter(move |(mapping, past)| comes_back(past) && Object::from(&mapping.group) == *object);
        rows.map(|(row, _)| Object::from(row)).chain(mappings.map(|(mapping, _)| Object::from(mapping)))
    }

    /// Of what is kept only what is about the report's own things: the rest is a manifest's matter.
    fn keep_own_words(&self, plan: &mut Plan) {
        // Each side may spell a group as it likes.
        let keys: BTreeSet<String> = self.past.keys().iter().map(|key| key.to_lowercase()).collect();
        for kept in &mut plan.kept {
            kept.items.retain(|item| keys.contains(&item.to_lowercase()));
        }
        plan.kept.retain(|kept| {
            let of_undo = match kept.why {
                KeptWhy::UnaccountedAccess
                | KeptWhy::DerivedMembership
                | KeptWhy::DefaultGroup
                | KeptWhy::ServerOwned
                | KeptWhy::Profile
                | KeptWhy::Undeletable => true,
                KeptWhy::Ghost
                | KeptWhy::Description
                | KeptWhy::Spelling
                | KeptWhy::Renamed
                | KeptWhy::Privileged
                | KeptWhy::BuiltIn
                | KeptWhy::OwnIdentity
                | KeptWhy::SecretUnchecked => false,
            };
            of_undo && !kept.items.is_empty()
        });
    }

    /// Tells whether a change takes back one of the report's.
    fn is_inverse(&self, change: &Change, skipped: &BTreeSet<Object>) -> bool {
        let object = self.past.called(&change.object);
        let fate = |fate: Option<Fate>, wanted: Fate| fate == Some(wanted) && !skipped.contains(&object);
        match change.action {
            Action::CreateUser => fate(self.user(&object), Fate::Deleted),
            Action::UpdateUser => fate(self.user(&object), Fate::Updated),
            Action::DeleteUser => fate(self.user(&object), Fate::Created),
            Action::CreateGroup => fate(self.group(&object), Fate::Deleted),
            Action::UpdateGroup => fate(self.group(&object), Fate::Updated),
            Action::DeleteGroup => fate(self.group(&object), Fate::Created),
            Action::CreateClient => fate(self.client(&object), Fate::Deleted),
            Action::UpdateClient => fate(self.client(&object), Fate::Updated),
            Action::DeleteClient => fate(self.client(&object), Fate::Created),
            // Nobody knows the one before.
            Action::SetClientSecret => false,
            Action::AddMember => self.row(&object) == Some(Presence::Present) && !skipped.contains(&object),
            Action::RemoveMember => {
                let goes_with_its_user = || {
                    let user = user_of(&object).map(|user| Object::from(&user));
                    let created = user.as_ref().is_some_and(|user| self.user(user) == Some(Fate::Created));
                    change.phase == Phase::Delete
                        && created
                        && !user.is_some_and(|user| skipped.contains(&user))
                };
                self.row(&object) == Some(Presence::Absent) && !skipped.contains(&object)
                    || goes_with_its_user()
            }
            Action::MapExternalGroup => {
                self.mapping(&object) == Some(Presence::Present) && !skipped.contains(&object)
            }
            Action::UnmapExternalGroup => {
                self.mapping(&object) == Some(Presence::Absent) && !skipped.contains(&object)
            }
        }
    }

    fn user(&self, object: &Object) -> Option<Fate> {
        let Object::User { origin, username } = object else { return None };
        let user = UserKey::new(origin.clone(), username.clone());
        self.past.users.get(&user).map(|past| past.fate)
    }

    fn group(&self, object: &Object) -> Option<Fate> {
        let Object::Group { group } = object else { return None };
        self.past.groups.get(group).map(|past| past.fate)
    }

    fn client(&self, object: &Object) -> Option<Fate> {
        let Object::Client { client_id } = object else { return None };
        self.past.clients.get(client_id).map(|past| past.fate)
    }

    fn row(&self, object: &Object) -> Option<Presence> {
        self.past.rows.get(&membership(object)?).map(|row| row.before)
    }

    fn mapping(&self, object: &Object) -> Option<Presence> {
        let Object::ExternalGroup { group, origin, external_group } = object else { return None };
        let mapping =
            Mapping { group: group.clone(), origin: origin.clone(), external_group: external_group.clone() };
        self.past.mappings.get(&mapping).map(|row| row.before)
    }
}

/// The user by another name.
fn renamed(user: &UserKey, name: &Username) -> UserKey {
    UserKey::new(user.origin.clone(), name.clone())
}
