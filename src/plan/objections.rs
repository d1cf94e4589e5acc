//! Entries that cannot come true on this server, found before anything is planned.

use std::collections::BTreeSet;

use super::Objection;
use super::scope::{named_origins, vouched_for};
use super::world::World;
use crate::desired::{Because, Desired, DesiredUser, Holds, Wish, WishState};
use crate::model::{ClusterRole, GroupName, Member, UAA_ORIGIN, UserKey};
use crate::observed::MemberKind;

/// Returns all objections, sorted by place.
pub(super) fn objections(desired: &Desired, world: &World<'_>) -> Vec<Objection> {
    let mut found = BTreeSet::new();
    origins(desired, world, &mut found);
    for user in desired.users.values() {
        email(user, world, &mut found);
        password(user, world, &mut found);
    }
    found.extend(super::client_objections::objections(desired, world));
    groups(desired, world, &mut found);
    for (group, wishes) in &desired.memberships {
        missing_group(group, wishes.values(), desired, world, &mut found);
        for (member, wish) in wishes {
            missing_member(member, wish, desired, world, &mut found);
        }
    }
    found.into_iter().collect()
}

/// An origin that nobody knows would make a user whom no login ever finds (UAA takes any text).
fn origins(desired: &Desired, world: &World<'_>, found: &mut BTreeSet<Objection>) {
    for (origin, because) in named_origins(desired) {
        if knows_origin(desired, world, origin.as_str()) != Some(false) {
            continue;
        }
        let listed = desired.pin.origins.iter().flat_map(|said| &said.value);
        let candidates = world.observed.origins.iter().flatten().chain(listed).map(|known| known.as_str());
        let near = nearest(origin.as_str(), candidates.chain([UAA_ORIGIN]));
        let hint = near.map_or_else(
            || format!("if it is right, list it: `target: {{origins: [{origin}]}}`"),
            |near| format!("did you mean `{near}`?"),
        );
        let place = if world.observed.origins.is_some() {
            "the server has no identity provider of this name, and `target.origins` does not list it"
        } else {
            "`target.origins` does not list it"
        };
        found.insert(Objection {
            because: because.clone(),
            message: format!("unknown origin `{origin}`: {place}"),
            hint: Some(hint),
        });
    }
}

/// Tells whether an origin exists; `None` when neither side can say.
pub(super) fn knows_origin(desired: &Desired, world: &World<'_>, origin: &str) -> Option<bool> {
    let origin = crate::model::Origin::new(origin);
    if origin.is_uaa() || vouched_for(desired, &origin) {
        return Some(true);
    }
    match &world.observed.origins {
        Some(providers) => Some(providers.contains(&origin)),
        None => desired.pin.origins.as_ref().map(|_| false),
    }
}

/// UAA stores exactly one e-mail address for each user.
fn email(user: &DesiredUser, world: &World<'_>, found: &mut BTreeSet<Objection>) {
    let exists = world.user(&user.key).is_some();
    let (because, message) = match &user.email {
        Some(said) if !said.value.trim().is_empty() => return,
        // The identity provider's business once the user exists.
        Some(_) if exists && !user.key.origin.is_uaa() => return,
        Some(said) => (&said.because, "has an empty e-mail address; UAA needs one for each user"),
        None if exists || user.key.username.as_str().contains('@') => return,
        None => (&user.because, "does not exist yet, and the entry has no e-mail address to create it with"),
    };
    found.insert(Objection {
        because: because.clone(),
        message: format!("user `{}` {message}", user.key),
        hint: Some(format!("add `email: {}@…`", user.key.username)),
    });
}

fn password(user: &DesiredUser, world: &World<'_>, found: &mut BTreeSet<Objection>) {
    if world.user(&user.key).is_some() || !user.key.origin.is_uaa() || user.password.is_some() {
        return;
    }
    found.insert(Objection {
        because: user.because.clone(),
        message: format!(
            "user `{}` does not exist yet, and the entry has no password to create it with",
            user.key
        ),
        hint: Some(
            "add `password: ((some_variable))`, or the `origin` of the identity provider that knows the user"
                .to_owned(),
        ),
    });
}

/// Names that mean several groups at this server.
fn groups(desired: &Desired, world: &World<'_>, found: &mut BTreeSet<Objection>) {
    let mut object = |because: &Because, group: &GroupName, rest: &str| {
        found.insert(Objection {
            because: because.clone(),
            message: format!("group `{group}`{rest}"),
            hint: Some("delete or rename all but one of them first".to_owned()),
        });
    };
    let several = ": the server has several groups whose names differ from this only in upper and lower case";
    for group in desired.groups.values() {
        if world.is_ambiguous(&group.name) {
            object(&group.because, &group.name, several);
            continue;
        }
        // An exact group would have to lose or keep it, and its name does not say which group that is.
        let Some(observed) = world.group(&group.name).filter(|_| group.holds == Holds::Exactly) else {
            continue;
        };
        for (id, row) in &observed.rows {
            if row.kind == MemberKind::Group
                && let Some(Member::Group(member)) = world.member(id, row.kind)
                && world.is_ambiguous(&member)
            {
                let rest = format!(
                    " has a nested group `{member}`, and the server has several groups whose names differ from that \
                     only in upper and lower case"
                );
                object(&group.because, &group.name, &rest);
            }
        }
    }
    for (group, because) in &desired.absent.groups {
        if world.is_ambiguous(group) {
            object(because, group, several);
        }
    }
    for (group, wishes) in &desired.memberships {
        if world.is_ambiguous(group)
            && !desired.groups.contains_key(group)
            && let Some(because) = wishes.values().map(|wish| &wish.because).min()
        {
            object(because, group, several);
        }
        for (member, wish) in wishes {
            if let Member::Group(name) = member
                && world.is_ambiguous(name)
            {
                object(&wish.because, name, several);
            }
        }
    }
}

/// A group that is granted without a `groups:` entry (`cluster_access`) must exist.
fn missing_group<'w>(
    group: &GroupName,
    wishes: impl Iterator<Item = &'w Wish>,
    desired: &Desired,
    world: &World<'_>,
    found: &mut BTreeSet<Objection>,
) {
    if world.observed.groups.contains_key(group)
        || world.is_ambiguous(group)
        || desired.groups.contains_key(group)
    {
        return;
    }
    let granted = wishes.filter(|wish| wish.state == WishState::Present).map(|wish| &wish.because).min();
    let Some(because) = granted else { return };
    let description =
        ClusterRole::ALL.into_iter().find(|role| role.group() == *group).map(|role| match role {
            ClusterRole::Admin => "Create, use and delete all clusters",
            ClusterRole::Manage => "Create clusters, and use and delete one's own",
            ClusterRole::Read => "See all clusters",
        });
    let description = description.map(|text| format!(", description: {text:?}")).unwrap_or_default();
    found.insert(Objection {
        because: because.clone(),
        message: format!("group `{group}` is granted here, but the server has no such group"),
        hint: Some(format!(
            "to create it, add under `groups:` the entry `- {{name: {group}, additive: true{description}}}`"
        )),
    });
}

/// Whom the manifest puts into a group must exist, or be described so that it can be created.
fn missing_member(
    member: &Member,
    wish: &Wish,
    desired: &Desired,
    world: &World<'_>,
    found: &mut BTreeSet<Objection>,
) {
    let absent = match wish.state {
        WishState::Present => false,
        WishState::Absent => true,
    };
    if absent || world.id(member).is_some() {
        return;
    }
    let (message, hint) = match member {
        Member::User(user) => {
            // An unknown origin is said already.
            if desired.users.contains_key(user)
                || knows_origin(desired, world, user.origin.as_str()) == Some(false)
            {
                return;
            }
            (
                format!("member `{user}` does not exist, and no entry under `users` creates it"),
                user_hint(user, desired),
            )
        }
        Member::Group(group) => {
            if desired.groups.contains_key(group) || world.is_ambiguous(group) {
                return;
            }
            let known = world.observed.groups.keys().chain(desired.groups.keys()).map(GroupName::as_str);
            let hint = nearest(group.as_str(), known).map_or_else(
                || {
                    format!(
                        "to create it, add under `groups:` the entry `- {{name: {group}, additive: true}}`"
                    )
                },
                |near| format!("did you mean `{near}`?"),
            );
            (format!("nested group `{group}` does not exist, and no entry under `groups` creates it"), hint)
        }
    };
    found.insert(Objection { because: wish.because.clone(), message, hint: Some(hint) });
}

fn user_hint(user: &UserKey, desired: &Desired) -> String {
    let elsewhere = desired.users.keys().find(|other| other.username == user.username);
    if let Some(other) = elsewhere {
        return format!(
            "the entry under `users` is of origin `{0}`: `{{username: {1}, origin: {0}}}`",
            other.origin, other.username
        );
    }
    let candidates = desired.users.keys().filter(|other| other.origin == user.origin);
    nearest(user.username.as_str(), candidates.map(|other| other.username.as_str())).map_or_else(
        || {
            format!(
                "add an entry `- username: {}` under `users`, or name its `origin` if it is not `{}`",
                user.username, user.origin
            )
        },
        |near| format!("did you mean `{near}`?"),
    )
}

/// Returns the candidate that is spelt most alike, if one is close.
fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    let folded = name.to_lowercase();
    let limit = (folded.chars().count() / 2).clamp(1, 3);
    candidates
        .filter(|candidate| *candidate != name)
        .map(|candidate| (strsim::osa_distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}
