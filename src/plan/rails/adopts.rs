//! A privileged grant to an account that was there before and that nobody vouches for.

use std::collections::{BTreeMap, BTreeSet};

use super::escalates::{Gain, Subject};
use super::{Case, finding};
use crate::model::{GroupName, Member, UserKey};
use crate::plan::{Finding, Rail, Risk};

/// What one account gains.
type Gains<'g> = BTreeMap<&'g UserKey, (BTreeSet<&'g GroupName>, BTreeSet<u32>)>;

/// An unverified account may be anyone's: whoever registered first under the name that the manifest expects.
pub(super) fn findings(case: &Case<'_>, gains: &[Gain]) -> Vec<Finding> {
    let unverified = |user: &UserKey| {
        user.origin.is_uaa() && case.before.user(user).is_some_and(|observed| !observed.verified)
    };
    by_user(gains)
        .into_iter()
        .filter(|(user, _)| unverified(user))
        .map(|(user, (groups, changes))| {
            let groups: Vec<String> = groups.into_iter().map(|group| format!("`{group}`")).collect();
            let message = format!(
                "The account `{user}` exists and is not verified; whoever registered it would hold {}.",
                groups.join(", ")
            );
            finding(Rail::Adopts, Some(format!("adopts:{user}")), changes.into_iter().collect(), message)
        })
        .collect()
}

/// That the account exists although its entry brings a password is only worth a remark: after a run that was killed it
/// looks the same.
pub(super) fn notices(case: &Case<'_>, gains: &[Gain]) -> Vec<(u32, Risk, String)> {
    let mut notices = Vec::new();
    for (user, (_, changes)) in by_user(gains) {
        let brings_password = case.desired.users.get(user).is_some_and(|entry| entry.password.is_some());
        if brings_password && user.origin.is_uaa() && case.before.user(user).is_some() {
            let note = format!(
                "The account `{user}` was there before: its password is not the one that the manifest gives to a new \
                 account."
            );
            notices.extend(changes.into_iter().map(|id| (id, Risk::Adopts, note.clone())));
        }
    }
    notices
}

fn by_user(gains: &[Gain]) -> Gains<'_> {
    let mut users = Gains::new();
    for gain in gains {
        if let Subject::Member(Member::User(user)) = &gain.subject {
            let (groups, changes) = users.entry(user).or_default();
            groups.insert(&gain.privileged);
            changes.extend(&gain.direct);
        }
    }
    users
}
