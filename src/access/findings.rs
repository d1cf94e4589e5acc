//! What a reviewer should look at: access that is not used, not known, or of no use.
//!
//! Decides from the report's own holders, so that a filter leaves out their findings too; what is said of groups and
//! scopes is said of all of them, whoever the filters leave out.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Finding, FindingWhat, Holder, How, Item, Known, Scope, Way, Who};
use super::review::Sight;
use crate::model::{GroupName, Origin};
use crate::moment::Moment;
use crate::observed::{Observed, UserHistory};
use crate::visible::name;

/// Findings, each with its items by key.
#[derive(Default)]
struct Found(BTreeMap<FindingWhat, BTreeMap<String, (BTreeSet<GroupName>, String)>>);

impl Found {
    /// Adds a scope to what is said of one; the first detail stays.
    fn add(&mut self, what: FindingWhat, key: String, scope: Option<&GroupName>, detail: String) {
        let item = self.0.entry(what).or_default().entry(key);
        let (scopes, _) = item.or_insert_with(|| (BTreeSet::new(), detail));
        scopes.extend(scope.cloned());
    }

    fn findings(self) -> Vec<Finding> {
        let item = |(key, (scopes, detail)): (String, (BTreeSet<GroupName>, String))| Item {
            key,
            scopes: scopes.into_iter().collect(),
            detail,
        };
        let finding = |(what, items): (FindingWhat, BTreeMap<_, _>)| Finding {
            what,
            items: items.into_iter().map(item).collect(),
        };
        self.0.into_iter().map(finding).collect()
    }
}

/// What is to be said of groups through which nobody comes, and of scopes that no token can carry.
pub(super) fn of_groups(sight: &Sight<'_>, scopes: &[Scope], holders: &[Holder]) -> Vec<Finding> {
    let mut found = Found::default();
    let is_default = |group: &GroupName| group.scopes().any(|scope| sight.default_scopes.contains(&scope));
    let used = sight.graph.used(|group| sight.lets_in(group) || is_default(&group.name));
    let client_holds: BTreeSet<&GroupName> = holders
        .iter()
        .filter(|holder| matches!(holder.who, Who::Client { .. }))
        .map(|holder| &holder.scope)
        .collect();
    let member_holds: BTreeSet<&GroupName> = holders
        .iter()
        .filter(|holder| match &holder.who {
            Who::Everyone | Who::User { .. } | Who::ExternalGroup { .. } => true,
            Who::Client { .. } | Who::Ghost { .. } => false,
        })
        .map(|holder| &holder.scope)
        .collect();
    for Scope { scope, groups, through, .. } in scopes {
        let walk = sight.graph.inner(sight.graph.giving(scope).iter().copied());
        for group in walk.groups.iter().filter(|group| !used.contains(&group.id)) {
            // An authority of this name is a use of it, though none of the group.
            if groups.contains(&group.name) && client_holds.contains(scope) {
                continue;
            }
            let detail = if group.rows.is_empty() {
                "no members, no mappings"
            } else {
                "only rows that lead to nobody"
            };
            found.add(
                FindingWhat::UnusedGroup,
                format!("group/{}", key(&group.name)),
                Some(scope),
                detail.to_owned(),
            );
        }
        if through.is_empty() && member_holds.contains(scope) {
            let detail = "no client lists it in `scope`".to_owned();
            found.add(FindingWhat::NotCarried, format!("scope/{}", key(scope)), Some(scope), detail);
        }
    }
    found.findings()
}

fn key(name: &GroupName) -> crate::model::KeyPart<'_> {
    crate::model::KeyPart(name.as_str())
}

/// What is to be said of holders.
pub(super) fn of_holders(
    sight: &Sight<'_>,
    holders: &[Holder],
    stale_days: u32,
    now: Moment,
) -> Vec<Finding> {
    let mut found = Found::default();
    for holder in holders {
        let mut add = |what, detail: String| found.add(what, holder.key(), Some(&holder.scope), detail);
        for (what, known) in
            [(FindingWhat::OutsideManifest, Known::Unknown), (FindingWhat::AgainstManifest, Known::Unwanted)]
        {
            let ways: Vec<String> =
                holder.ways.iter().filter(|way| way.manifest == Some(known)).map(words).collect();
            // A ghost is one of its own.
            if !ways.is_empty() && !matches!(holder.who, Who::Ghost { .. }) {
                add(what, ways.join("; "));
            }
        }
        match &holder.who {
            Who::Everyone => {}
            Who::User { user, active, times, .. } => {
                if *active == Some(false) {
                    add(FindingWhat::Inactive, "the account is not active".to_owned());
                } else if let Some(times) = times {
                    unused(times, stale_days, now, &mut add);
                }
                let rows = holder.ways.iter().any(|way| way.how == How::Login);
                if let Some(detail) = stray(sight.observed, &user.origin) {
                    let detail =
                        if rows { format!("{detail}; a login brought the membership") } else { detail };
                    add(FindingWhat::UnknownOrigin, detail);
                }
            }
            Who::ExternalGroup { origin, .. } => {
                if let Some(detail) = stray(sight.observed, origin) {
                    add(FindingWhat::UnknownOrigin, detail);
                }
            }
            Who::Client { unusable: Some(_), .. } => {
                add(FindingWhat::UnusableAuthority, "its grant types lack client_credentials".to_owned());
            }
            Who::Client { unusable: None, changed, .. } => {
                add(
                    FindingWhat::SecretAge,
                    match changed {
                        Some(changed) => format!("its properties are unchanged since {}", changed.day()),
                        None => "when it was last changed is not known either".to_owned(),
                    },
                );
            }
            Who::Ghost { .. } => {
                let groups = holder.ways.iter().filter_map(|way| Some(name(way.path.first()?.as_str())));
                let groups: BTreeSet<String> = groups.collect();
                add(
                    FindingWhat::Ghost,
                    format!("a row in {}", groups.into_iter().collect::<Vec<_>>().join(", ")),
                );
            }
        }
    }
    found.findings()
}

/// What is to be said of an active user's logons.
fn unused(times: &UserHistory, stale_days: u32, now: Moment, add: &mut impl FnMut(FindingWhat, String)) {
    match times.last_logon {
        None => add(
            FindingWhat::NeverLoggedOn,
            match times.created {
                Some(created) => format!("the account is there since {}", created.day()),
                None => String::new(),
            },
        ),
        Some(last) if now.days_after(last) >= u64::from(stale_days) => {
            add(FindingWhat::Stale, format!("last logon {}, {} days ago", last.day(), now.days_after(last)));
        }
        Some(_) => {}
    }
}

/// What is to be said of an origin that the zone does not have.
fn stray(observed: &Observed, origin: &Origin) -> Option<String> {
    let known = observed.origins.as_ref()?;
    (!known.contains(origin) && !origin.is_uaa())
        .then(|| format!("the zone has no identity provider {}", name(origin.as_str())))
}

/// A way in words: `direct`, `mapping a > b`.
pub(super) fn words(way: &Way) -> String {
    let path: Vec<String> = way.path.iter().map(|group| name(group.as_str())).collect();
    match path.len() {
        0 | 1 => way.how.word().to_owned(),
        _ => format!("{} {}", way.how.word(), path.join(" > ")),
    }
}
