//! What the manifest says of a way in.
//!
//! Decides from the manifest alone what a plan would do with each part of a way: `declared`, it gives it; `kept`, it
//! speaks of the group or client and leaves this to others; `unwanted`, the next apply takes it away; `unknown`, it does not
//! speak of it. What `prune` would remove is not judged here: the plan tells.

use std::collections::BTreeMap;

use super::report::Known;
use crate::client::ClientField;
use crate::desired::{Because, Desired, DesiredClient, Holds, WishState};
use crate::model::{ClientId, GroupName, Mapping, Member, UserKey};
use crate::observed::{MemberRow, ObservedGroup};

/// The manifest's word, and the line that has it.
pub(super) type Word<'d> = (Known, Option<&'d Because>);

/// The manifest with its index.
pub(super) struct Manifest<'d> {
    desired: &'d Desired,
    /// By the name that a user has until it is renamed.
    renamed: BTreeMap<UserKey, &'d UserKey>,
}

impl<'d> Manifest<'d> {
    pub(super) fn new(desired: &'d Desired) -> Self {
        let renamed = desired.users.values().filter_map(|user| {
            let former = user.previously.as_ref()?.value.clone();
            Some((UserKey::new(user.key.origin.clone(), former), &user.key))
        });
        Self { desired, renamed: renamed.collect() }
    }

    /// Judges the row of a user; `None` is one who is gone.
    pub(super) fn user_row(
        &self,
        group: &ObservedGroup,
        user: Option<&UserKey>,
        row: &MemberRow,
    ) -> Word<'d> {
        let Some(user) = user else {
            // No plan touches such a row.
            return match self.desired.groups.get(&group.name) {
                Some(declared) => (Known::Kept, Some(&declared.because)),
                None => (Known::Unknown, None),
            };
        };
        let user = self.renamed.get(user).copied().unwrap_or(user);
        if let Some(because) = self.desired.absent.users.get(user) {
            return (Known::Unwanted, Some(because));
        }
        self.row(&group.name, &Member::User(user.clone()), row)
    }

    /// Judges the nesting of one group in another.
    pub(super) fn nesting(&self, group: &ObservedGroup, inner: &ObservedGroup) -> Word<'d> {
        if let Some(because) = self.desired.absent.groups.get(&inner.name) {
            return (Known::Unwanted, Some(because));
        }
        match group.rows.get(&inner.id) {
            Some(row) => self.row(&group.name, &Member::Group(inner.name.clone()), row),
            None => (Known::Unknown, None),
        }
    }

    fn row(&self, group: &GroupName, member: &Member, row: &MemberRow) -> Word<'d> {
        if let Some(because) = self.desired.absent.groups.get(group) {
            return (Known::Unwanted, Some(because));
        }
        let taken = if row.origin.is_uaa() { Known::Unwanted } else { Known::Kept };
        let wish = self.desired.memberships.get(group).and_then(|wishes| wishes.get(member));
        match (wish, self.desired.groups.get(group)) {
            (Some(wish), _) => match wish.state {
                WishState::Present => (Known::Declared, Some(&wish.because)),
                WishState::Absent => (taken, Some(&wish.because)),
            },
            (None, Some(declared)) => match declared.holds {
                Holds::Exactly => (taken, Some(&declared.because)),
                Holds::AtLeast => (Known::Kept, Some(&declared.because)),
            },
            (None, None) => (Known::Unknown, None),
        }
    }

    /// Judges a mapping.
    pub(super) fn mapping(&self, mapping: &Mapping) -> Word<'d> {
        let gone = self.desired.absent.mappings.get(mapping);
        if let Some(because) = gone.or_else(|| self.desired.absent.groups.get(&mapping.group)) {
            return (Known::Unwanted, Some(because));
        }
        let Some(declared) = self.desired.groups.get(&mapping.group) else { return (Known::Unknown, None) };
        match &declared.external_groups {
            None => (Known::Kept, Some(&declared.because)),
            Some(mappings) => match mappings.get(mapping) {
                Some(because) => (Known::Declared, Some(because)),
                None => (Known::Unwanted, Some(&declared.because)),
            },
        }
    }

    /// Judges a client's authority.
    pub(super) fn authority(&self, client: &ClientId, authority: &GroupName) -> Word<'d> {
        if let Some(because) = self.desired.absent.clients.get(client) {
            return (Known::Unwanted, Some(because));
        }
        let Some(declared) = self.desired.clients.get(client) else { return (Known::Unknown, None) };
        let DesiredClient { because, fields, authority_wishes, .. } = declared;
        if let Some(wish) = authority_wishes.get(authority) {
            let known = match wish.value {
                WishState::Present => Known::Declared,
                WishState::Absent => Known::Unwanted,
            };
            return (known, Some(&wish.because));
        }
        let Some(said) = fields.get(&ClientField::Authorities) else { return (Known::Kept, Some(because)) };
        let listed = said.value.as_ref().and_then(|value| value.as_set());
        let is = |name: &String| GroupName::new(name.as_str()) == *authority;
        let known = match listed.is_some_and(|names| names.iter().any(is)) {
            true => Known::Declared,
            false => Known::Unwanted,
        };
        (known, Some(&said.because))
    }
}

/// Returns what is said of a way by what is said of its parts: it ends with any of them, and nobody answers for it where
/// one part is unknown.
pub(super) fn together<'d>(parts: impl IntoIterator<Item = Word<'d>>) -> Word<'d> {
    let weight = |known: Known| match known {
        Known::Declared => 0,
        Known::Kept => 1,
        Known::Unknown => 2,
        Known::Unwanted => 3,
    };
    let heavier = |one: Word<'d>, other: Word<'d>| if weight(other.0) > weight(one.0) { other } else { one };
    parts.into_iter().reduce(heavier).unwrap_or((Known::Unknown, None))
}
