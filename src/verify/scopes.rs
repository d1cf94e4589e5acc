//! What the manifest gives somebody, and whether the token holds it: no less, and of cluster access no more.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, State, Step, StepName, Who};
use crate::client::{ClientField, ClientValue};
use crate::desired::{Because, Desired, Holds, Said, WishState};
use crate::model::{ClusterRole, GroupName, Guid, Member, UserKey};
use crate::observed::{MemberKind, Observed};
use crate::uaa::Granted;

/// What a manifest says of somebody's scopes.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Whether it speaks of them at all.
    known: bool,
    /// Scopes that it gives, nested groups included, and where.
    gives: BTreeMap<GroupName, Because>,
    /// Scopes that it takes.
    takes: BTreeMap<GroupName, Because>,
    /// Scopes that a log-in may bring: groups that the user's identity provider is mapped to, and what these nest in.
    may: BTreeSet<GroupName>,
}

impl Given {
    pub(super) fn by(desired: &Desired, who: &Who) -> Self {
        match who {
            Who::User(user) => Self::to_user(desired, user),
            Who::Client(client) => {
                let mut given = Self::default();
                if let Some(because) = desired.absent.clients.get(client) {
                    given.known = true;
                    given.takes = cluster_groups().map(|group| (group, because.clone())).collect();
                }
                let Some(entry) = desired.clients.get(client) else { return given };
                given.known = true;
                if let Some(Said { value: Some(ClientValue::Set(authorities)), because }) =
                    entry.fields.get(&ClientField::Authorities)
                {
                    let gives: BTreeSet<GroupName> =
                        authorities.iter().map(|name| GroupName::new(name.as_str())).collect();
                    given.takes = cluster_groups()
                        .filter(|group| !gives.contains(group))
                        .map(|group| (group, because.clone()))
                        .collect();
                    given.gives = gives.into_iter().map(|group| (group, because.clone())).collect();
                }
                for (group, wish) in &entry.authority_wishes {
                    let (to, from) = match wish.value {
                        WishState::Present => (&mut given.gives, &mut given.takes),
                        WishState::Absent => (&mut given.takes, &mut given.gives),
                    };
                    from.remove(group);
                    to.insert(group.clone(), wish.because.clone());
                }
                given.gives.remove(&GroupName::new("uaa.none"));
                given
            }
        }
    }

    fn to_user(desired: &Desired, user: &UserKey) -> Self {
        let mut given = Self::default();
        if let Some(because) = desired.absent.users.get(user) {
            given.known = true;
            given.takes = cluster_groups().map(|group| (group, because.clone())).collect();
            return given;
        }
        given.known = desired.users.contains_key(user);
        let mut ways = vec![Member::User(user.clone())];
        while let Some(member) = ways.pop() {
            for (group, wishes) in &desired.memberships {
                let Some(wish) = wishes.get(&member) else { continue };
                given.known = true;
                match wish.state {
                    WishState::Present if !given.gives.contains_key(group) => {
                        given.gives.insert(group.clone(), wish.because.clone());
                        ways.push(Member::Group(group.clone()));
                    }
                    WishState::Absent if matches!(member, Member::User(_)) => {
                        given.takes.insert(group.clone(), wish.because.clone());
                    }
                    WishState::Present | WishState::Absent => {}
                }
            }
        }
        for group in desired.groups.values().filter(|group| group.holds == Holds::Exactly) {
            given.takes.entry(group.name.clone()).or_insert_with(|| group.because.clone());
        }
        let mapped = desired.groups.values().filter(|group| {
            let mappings = group.external_groups.iter().flat_map(BTreeMap::keys);
            mappings.into_iter().any(|mapping| mapping.origin == user.origin)
        });
        let mut ways: Vec<GroupName> = mapped.map(|group| group.name.clone()).collect();
        while let Some(group) = ways.pop() {
            if given.may.insert(group.clone()) {
                let member = Member::Group(group);
                let outer = desired.memberships.iter().filter(|(_, wishes)| {
                    wishes.get(&member).is_some_and(|wish| wish.state == WishState::Present)
                });
                ways.extend(outer.map(|(group, _)| group.clone()));
            }
        }
        // What a nested group or a log-in gives, no single row takes.
        let Self { gives, takes, may, .. } = &mut given;
        takes.retain(|group, _| !gives.contains_key(group) && !may.contains(group));
        given
    }

    /// Whether the manifest speaks of this one and gives no way to any cluster.
    pub(super) fn gives_no_clusters(&self) -> bool {
        self.known
            && !cluster_groups().any(|group| self.gives.contains_key(&group) || self.may.contains(&group))
    }

    /// The cluster scopes that it gives, for a text.
    pub(super) fn cluster_scopes(&self) -> Vec<String> {
        let given = cluster_groups().filter_map(|group| Some((self.gives.get(&group)?, group)));
        given.map(|(because, group)| format!("{group} ({because})")).collect()
    }
}

fn is_cluster(group: &GroupName) -> bool {
    cluster_groups().any(|cluster| cluster == *group)
}

/// The groups that give access to clusters.
pub(super) fn cluster_groups() -> impl Iterator<Item = GroupName> {
    ClusterRole::ALL.into_iter().map(ClusterRole::group)
}

/// Compares the token's scopes with what the manifest gives.
pub(super) fn step(who: &Who, granted: Option<&Granted>, given: Option<&Given>, case: &Case<'_>) -> Step {
    let asked = match given {
        Some(_) => "what the manifest gives",
        None => "the token's scopes",
    };
    let Some(granted) = granted else { return Step::skipped(StepName::Scopes, asked) };
    let came = match granted.scopes.is_empty() {
        true => "none".to_owned(),
        false => granted.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
    };
    let came = crate::visible::visible(&came);
    let Some(given) = given else { return Step::new(StepName::Scopes, State::Ok, asked, came) };
    if !given.known {
        return Step::new(StepName::Scopes, State::Unknown, asked, came)
            .means(format!("the manifest says nothing of {who}"));
    }
    let holds: BTreeSet<GroupName> =
        granted.scopes.iter().map(|scope| GroupName::new(scope.as_str())).collect();
    let carries = carried(who, case);
    let missing: Vec<(&GroupName, &Because)> =
        given.gives.iter().filter(|(group, _)| carries(group) && !holds.contains(*group)).collect();
    let excess: Vec<(&GroupName, &Because)> =
        given.takes.iter().filter(|(group, _)| is_cluster(group) && holds.contains(*group)).collect();
    let state = if missing.is_empty() && excess.is_empty() { State::Ok } else { State::Failed };
    let mut step = Step::new(StepName::Scopes, state, asked, came);
    for (group, because) in missing {
        step = step.means(format!("{because} gives {group}, and the token does not hold it"));
        step = why_missing(step, who, group, case);
    }
    for (group, because) in excess {
        step = step.means(format!("{because} does not leave {group} to {who}, and the token holds it"));
        step = why_held(step, who, group, case);
    }
    let silent: Vec<String> = cluster_groups()
        .filter(|group| {
            holds.contains(group) && !given.gives.contains_key(group) && !given.takes.contains_key(group)
        })
        .map(|group| group.to_string())
        .collect();
    if !silent.is_empty() {
        step = step.means(format!("the manifest neither gives nor takes {}", silent.join(" and ")));
    }
    step
}

/// Which scopes a token of this log-in can hold at all.
fn carried(who: &Who, case: &Case<'_>) -> Box<dyn Fn(&GroupName) -> bool> {
    let Who::User(_) = who else { return Box::new(|_| true) };
    let client = case.insight.and_then(|insight| insight.clients.get(case.through));
    match client.and_then(|client| client.fields.get(&ClientField::Scope)) {
        // That it lacks a cluster scope is a fault of the client's, and told.
        Some(ClientValue::Set(scopes)) => {
            let scopes: BTreeSet<GroupName> = scopes.iter().map(|s| GroupName::new(s.as_str())).collect();
            Box::new(move |group| scopes.contains(group) || is_cluster(group))
        }
        _ => Box::new(is_cluster),
    }
}

fn why_missing(step: Step, who: &Who, group: &GroupName, case: &Case<'_>) -> Step {
    let Who::User(user) = who else {
        return step.next("apply the manifest: uaapply plan -f PATH shows what is left to do");
    };
    let Some(insight) = case.insight else {
        return step.next("uaapply plan -f PATH shows whether the manifest is applied").next(
            "with UAA_CLIENT_SECRET set, verify looks at the group and the client, and says which it is",
        );
    };
    if ways(insight, user, group).is_empty() {
        return step
            .means(format!("at the server {user} is not in {group}: the manifest is not applied"))
            .next("uaapply plan -f PATH shows what is left to do");
    }
    let through = case.through;
    match insight.clients.get(through).and_then(|client| client.fields.get(&ClientField::Scope)) {
        Some(ClientValue::Set(scopes)) if !scopes.contains(group.as_str()) => step
            .means(format!("{user} is in {group}, but client {through} does not have it in `scope`: no token of it holds it"))
            .next(format!("add {group} to the scope of client {through}")),
        _ => step.means(format!("{user} is in {group}, and UAA leaves it out all the same")),
    }
}

fn why_held(step: Step, who: &Who, group: &GroupName, case: &Case<'_>) -> Step {
    let (Who::User(user), Some(insight)) = (who, case.insight) else {
        return step.next("uaapply plan -f PATH shows what is left to do, and what else gives access");
    };
    let ways = ways(insight, user, group);
    let told = ways.iter().fold(step, |step, way| step.means(format!("it comes by {way}")));
    told.next("uaapply plan -f PATH shows what is left to do, and what else gives access")
}

/// How a user is in a group at the server: each way as people say it.
pub(super) fn ways(insight: &Observed, user: &UserKey, wanted: &GroupName) -> Vec<String> {
    let Some(id) = insight.users.get(user).map(|user| user.id.clone()) else { return Vec::new() };
    let mut ways = Vec::new();
    let by_id: BTreeMap<&Guid, &GroupName> =
        insight.groups.values().map(|group| (&group.id, &group.name)).collect();
    if insight.default_groups.as_ref().is_some_and(|groups| groups.contains(wanted)) {
        ways.push(format!("the zone's default groups: everyone holds {wanted}"));
    }
    // From the group wanted inward, each group once: cycles are legal.
    let mut seen = BTreeSet::from([wanted.clone()]);
    let mut inward = vec![(wanted.clone(), Vec::<GroupName>::new())];
    while let Some((group, path)) = inward.pop() {
        let Some(found) = insight.groups.get(&group) else { continue };
        if let Some(row) = found.rows.get(&id) {
            let mut way = match path.is_empty() {
                true => format!("membership of {group}"),
                false => format!("membership of {group}, nested in {}", joined(&path)),
            };
            if !row.origin.is_uaa() {
                way += &format!(", which a log-in of {} brought", row.origin);
            }
            ways.push(way);
        }
        for (member, row) in &found.rows {
            if row.kind == MemberKind::Group
                && let Some(&nested) = by_id.get(member)
                && seen.insert(nested.clone())
            {
                let mut path = path.clone();
                path.insert(0, group.clone());
                inward.push((nested.clone(), path));
            }
        }
    }
    ways.sort();
    ways
}

fn joined(path: &[GroupName]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(", nested in ")
}
