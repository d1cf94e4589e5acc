//! What is left of a saved plan at a server that may have changed since.
//!
//! The manifest is planned afresh. What comes out must be changes of the saved plan; those that do not come out must be
//! so already. Anything else about an object that the plan touches is drift; about another it is nobody's concern here:
//! it is neither refused nor done.

use std::collections::{BTreeMap, BTreeSet};

use super::{DoomedGroup, Saved, groups_of, ids, listed};
use crate::client::{self, ClientField, ClientFields};
use crate::desired::{Desired, Holds};
use crate::model::{GroupName, Guid, Mapping, UserKey, Username};
use crate::observed::{MemberKind, Observed};
use crate::plan::diff::clients::{client_of, written};
use crate::plan::diff::users::{UserField, user_fields, user_of};
use crate::plan::only::Only;
use crate::plan::policy::{Allow, Policy};
use crate::plan::{Action, Change, FieldValue, Object, Objection, Phase, Plan, client_fields, scope};

/// What a saved plan comes to now.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What is left to do, with findings made now.
    pub plan: Plan,
    /// The saved plan's number of each change that is left.
    pub left: Vec<u32>,
    /// The numbers of those that are so already.
    pub already: BTreeSet<u32>,
    /// The numbers of those that are meant at all: left, or so already, or drifted.
    pub chosen: BTreeSet<u32>,
    /// What is not as the plan knew it; then nothing may be done. Sorted.
    pub drift: Vec<Drift>,
}

/// One thing that changed behind the plan's back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift {
    /// The saved changes concerned.
    pub changes: Vec<u32>,
    /// What is the matter.
    pub message: String,
}

/// Judges a saved plan by what the server has now.
///
/// # Errors
/// Entries of its manifest that cannot come true any more.
pub fn judge(
    saved: &Saved,
    observed: &Observed,
    policy: &Policy,
    allow: &Allow,
) -> Result<Judged, Vec<Objection>> {
    judge_only(saved, observed, policy, allow, &Only::default())
}

/// Judges what `only` names of a saved plan. What else changed since is nobody's concern then.
///
/// # Errors
/// As [`judge`].
pub fn judge_only(
    saved: &Saved,
    observed: &Observed,
    policy: &Policy,
    allow: &Allow,
    only: &Only,
) -> Result<Judged, Vec<Objection>> {
    let desired = saved.manifest();
    let only = only.knowing(desired);
    let chosen = only.chosen(&saved.plan.changes);
    let settle = |client: &_| saved.settles(client) && only.settles(client);
    let whole = crate::plan::make_part(desired, observed, policy, allow, |_| true, settle)?;
    let case = Case::new(saved, desired, observed, policy);

    let mut drift = case.replaced();
    let mut planned = BTreeMap::new();
    for change in &whole.changes {
        match case.same(change) {
            Some(id) => {
                planned.insert(id, change);
            }
            None => drift.extend(case.unforeseen(change)),
        }
    }
    let mut already = BTreeSet::new();
    for change in &saved.plan.changes {
        let trouble = match planned.contains_key(&change.id) {
            true => case.not_what_is_deleted(change),
            false => {
                already.insert(change.id);
                case.not_so(change, &planned)
            }
        };
        drift.extend(trouble.map(|message| Drift { changes: vec![change.id], message }));
    }
    let about =
        |drift: &Drift| drift.changes.is_empty() || drift.changes.iter().any(|id| chosen.contains(id));
    drift.retain(about);
    drift.sort();
    drift.dedup();
    already.retain(|id| chosen.contains(id));

    let keep = |change: &Change| case.same(change).is_some_and(|id| chosen.contains(&id));
    let plan = crate::plan::make_part(desired, observed, policy, allow, keep, settle)?;
    let plan = Plan { only: only.part(saved.plan.changes.len(), chosen.len()), ..plan };
    let left = plan.changes.iter().filter_map(|change| case.same(change)).collect();
    Ok(Judged { plan, left, already, chosen, drift })
}

struct Case<'a> {
    saved: &'a Saved,
    desired: &'a Desired,
    observed: &'a Observed,
    policy: &'a Policy,
    /// Present names of users that the plan renames, by the name that they shall have.
    former: BTreeMap<UserKey, UserKey>,
    /// Saved changes about each object.
    about: BTreeMap<Object, Vec<&'a Change>>,
    /// Every user whose id is known.
    ids: BTreeMap<UserKey, &'a Guid>,
}

impl<'a> Case<'a> {
    fn new(saved: &'a Saved, desired: &'a Desired, observed: &'a Observed, policy: &'a Policy) -> Self {
        let mut former = BTreeMap::new();
        let mut about: BTreeMap<Object, Vec<&Change>> = BTreeMap::new();
        for change in &saved.plan.changes {
            about.entry(change.object.clone()).or_default().push(change);
            let new = change.fields.iter().find(|field| field.name == "username");
            if let (Some(user), Some(FieldValue::Text(name)), Action::UpdateUser) =
                (user_of(&change.object), new.map(|field| &field.after), change.action)
            {
                let new = UserKey::new(user.origin.clone(), Username::new(name.clone()));
                former.insert(new, user);
            }
        }
        Self { saved, desired, observed, policy, former, about, ids: ids(observed) }
    }

    /// The object in the names that the saved plan uses.
    fn called(&self, object: &Object) -> Object {
        let Some(user) = user_of(object) else { return object.clone() };
        let Some(former) = self.former.get(&user) else { return object.clone() };
        match object {
            Object::Member { group, .. } => Object::Member {
                group: group.clone(),
                origin: former.origin.clone(),
                username: former.username.clone(),
            },
            _ => Object::from(former),
        }
    }

    /// The saved change that this one is. The phase is left out: that of our own client's changes depends on who we are.
    fn same(&self, change: &Change) -> Option<u32> {
        let same = |saved: &&&Change| {
            saved.action == change.action
                // What goes is judged by what the plan saw of it: some of it may be gone already.
                && saved.written() == change.written()
                && saved.expects == change.expects
                && saved.implied == change.implied
        };
        self.about.get(&self.called(&change.object))?.iter().find(same).map(|saved| saved.id)
    }

    /// The saved changes that touch what a change is about that the plan does not have.
    fn unforeseen(&self, change: &Change) -> Option<Drift> {
        let object = self.called(&change.object);
        let mut touching: Vec<u32> = self.about.get(&object).into_iter().flatten().map(|c| c.id).collect();
        let exact = |group: &GroupName| {
            self.desired.groups.get(group).is_some_and(|entry| entry.holds == Holds::Exactly)
        };
        let managed = |group: &GroupName| {
            let entry = self.desired.groups.get(group);
            entry.is_some_and(|entry| entry.external_groups.is_some())
        };
        let by_group = match &object {
            Object::Member { group, .. } | Object::NestedGroup { group, .. } if exact(group) => Some(group),
            Object::ExternalGroup { group, .. } if managed(group) => Some(group),
            Object::Group { group } => Some(group),
            _ => None,
        };
        let goes = |saved: &Change| match (saved.action, &saved.object) {
            (Action::DeleteGroup, Object::Group { group }) => groups_of(&object).contains(&group),
            (Action::DeleteUser, user) => user_of(&object).is_some() && user_of(&object) == user_of(user),
            _ => false,
        };
        for saved in &self.saved.plan.changes {
            let groups = groups_of(&saved.object);
            // The first is the group whose members or mappings they are.
            if goes(saved) || by_group.is_some_and(|group| groups.first() == Some(&group)) {
                touching.push(saved.id);
            }
        }
        touching.sort_unstable();
        touching.dedup();
        let message = || {
            let fields: Vec<String> = change
                .written()
                .iter()
                .map(|field| format!("`{}` is {}", field.name, shown(&field.before)))
                .collect();
            let found = if fields.is_empty() || change.fields.iter().all(|f| f.before == FieldValue::None) {
                String::new()
            } else {
                format!(": {}", fields.join(", "))
            };
            format!(
                "the server now also needs {} {}, which the plan does not have{found}",
                word(change.action),
                change.key
            )
        };
        (!touching.is_empty()).then(|| Drift { changes: touching, message: message() })
    }

    /// Users and groups that are others now, or gone although the plan does not delete them.
    fn replaced(&self) -> Vec<Drift> {
        let mut drift = Vec::new();
        let seen = &self.saved.basis.seen;
        let scope = scope(self.desired, self.policy);
        for (user, id) in &seen.users {
            let about: Vec<u32> = self
                .saved
                .plan
                .changes
                .iter()
                .filter(|c| user_of(&c.object).as_ref() == Some(user))
                .map(|c| c.id)
                .collect();
            let new = self.former.iter().find(|(_, former)| *former == user).map(|(new, _)| new);
            let now = self.ids.get(user).or_else(|| self.ids.get(new?));
            let message = match now {
                Some(now) if *now == id => continue,
                Some(now) => format!("user {user} is another account now: {now} instead of {id}"),
                // Nobody asked for it.
                None if !scope.all_users && !scope.users.contains(user) => continue,
                None if seen.doomed_users.contains_key(user) => {
                    let other = self.ids.iter().find(|(_, other)| **other == id).map(|(name, _)| name);
                    let rows = self.observed.groups.values().any(|group| group.rows.contains_key(id));
                    match (other, rows) {
                        (Some(name), _) => format!("user {user} is called {name} now"),
                        (None, true) => {
                            format!("user {user} is not found by its name, and {id} is a member of groups")
                        }
                        (None, false) => continue,
                    }
                }
                None => format!("user {user} is gone"),
            };
            drift.push(Drift { changes: about, message });
        }
        for (group, id) in &seen.groups {
            let about: Vec<u32> = self
                .saved
                .plan
                .changes
                .iter()
                .filter(|c| groups_of(&c.object).contains(&group))
                .map(|c| c.id)
                .collect();
            let message = match self.observed.groups.get(group) {
                Some(now) if now.id == *id => continue,
                Some(now) => format!("group {group} is another one now: {} instead of {id}", now.id),
                None if seen.doomed_groups.contains_key(group) => match self.observed.group_by_id(id) {
                    Some(other) => format!("group {group} is called {} now", other.name),
                    None => continue,
                },
                None => format!("group {group} is gone"),
            };
            drift.push(Drift { changes: about, message });
        }
        drift
    }

    /// Why what is to be deleted is not what the plan saw.
    fn not_what_is_deleted(&self, change: &Change) -> Option<String> {
        let seen = &self.saved.basis.seen;
        match (change.action, &change.object) {
            (Action::DeleteUser, object) => {
                let key = user_of(object)?;
                let now = user_fields(self.observed.users.get(&key)?);
                differing(&now, seen.doomed_users.get(&key)?).map(|what| format!("user {key}: {what}"))
            }
            (Action::DeleteClient, Object::Client { client_id }) => {
                let now = listed(self.observed.clients.get(client_id)?);
                let before = seen.doomed_clients.get(client_id)?;
                differing(&now, before).map(|what| format!("client {client_id}: {what}"))
            }
            (Action::DeleteGroup, Object::Group { group }) => {
                let before = seen.doomed_groups.get(group)?;
                let now = DoomedGroup::of(self.observed.groups.get(group)?);
                // Those that the plan itself removes first may be gone.
                let removed = self.saved.plan.changes.iter().filter(|c| c.action == Action::RemoveMember);
                let removed: BTreeSet<_> = removed
                    .filter(|c| groups_of(&c.object).first() == Some(&group))
                    .filter_map(|c| match &c.object {
                        Object::NestedGroup { member_group, .. } => seen.groups.get(member_group),
                        object => user_of(object).and_then(|user| seen.users.get(&user)),
                    })
                    .chain(seen.doomed_users.keys().filter_map(|user| seen.users.get(user)))
                    .chain(seen.doomed_groups.keys().filter_map(|group| seen.groups.get(group)))
                    .collect();
                let name = |id: &Guid| {
                    self.ids
                        .iter()
                        .find(|(_, other)| **other == id)
                        .map_or_else(|| id.to_string(), |(key, _)| key.to_string())
                };
                let more =
                    now.members.difference(&before.members).map(|id| format!("{} is a member now", name(id)));
                let fewer = before.members.difference(&now.members).filter(|id| !removed.contains(id));
                let fewer = fewer.map(|id| format!("{} is no member any more", name(id)));
                let mut what: Vec<String> = more.chain(fewer).collect();
                if now.description != before.description {
                    what.push(format!("`description` is {:?} now", now.description));
                }
                (!what.is_empty()).then(|| format!("group {group}: {}", what.join(", ")))
            }
            _ => None,
        }
    }

    /// Why a change that needs not be made is not so either.
    fn not_so(&self, change: &Change, planned: &BTreeMap<u32, &Change>) -> Option<String> {
        let key = &change.key;
        match change.action {
            Action::CreateUser => {
                let user = user_of(&change.object)?;
                let Some(now) = self.observed.users.get(&user) else {
                    return Some(format!("user {key} cannot be created"));
                };
                let now = user_fields(now);
                let mut wanted = written_values(change, |name| {
                    UserField::by_name(name).is_some_and(|field| user.origin.is_uaa() || !field.is_profile())
                });
                wanted.entry("active".to_owned()).or_insert(FieldValue::Flag(true));
                differing_in(&now, &wanted)
                    .map(|what| format!("user {key} is there and not as the plan makes it: {what}"))
            }
            Action::CreateGroup => self.created_group(change),
            Action::CreateClient => self.created_client(change),
            Action::UpdateUser | Action::UpdateClient | Action::UpdateGroup => self.updated(change, planned),
            Action::AddMember | Action::RemoveMember => self.row(change),
            Action::MapExternalGroup | Action::UnmapExternalGroup => {
                let Object::ExternalGroup { group, origin, external_group } = &change.object else {
                    return None;
                };
                let mapping = Mapping {
                    group: group.clone(),
                    origin: origin.clone(),
                    external_group: external_group.clone(),
                };
                let there = self.observed.mappings.contains(&mapping);
                (there != (change.action == Action::MapExternalGroup))
                    .then(|| format!("mapping {key} is {} and the manifest keeps it so", presence(there)))
            }
            // It was tried, and works.
            Action::SetClientSecret => {
                let client = client_of(&change.object)?;
                let tried =
                    self.observed.client_secrets_wrong.as_ref().is_some_and(|wrong| !wrong.contains(client));
                (!tried || !self.observed.clients.contains_key(client))
                    .then(|| format!("client {key} is gone, or its secret was not tried"))
            }
            Action::DeleteUser => {
                let there =
                    user_of(&change.object).is_some_and(|user| self.observed.users.contains_key(&user));
                there.then(|| format!("user {key} is kept"))
            }
            Action::DeleteGroup => match &change.object {
                Object::Group { group } if self.observed.groups.contains_key(group) => {
                    Some(format!("group {key} is kept"))
                }
                _ => None,
            },
            Action::DeleteClient => {
                let there = client_of(&change.object)
                    .is_some_and(|client| self.observed.clients.contains_key(client));
                there.then(|| format!("client {key} is kept"))
            }
        }
    }

    /// A group that somebody made meanwhile must hold no more than the plan gives it.
    fn created_group(&self, change: &Change) -> Option<String> {
        let Object::Group { group } = &change.object else { return None };
        let Some(now) = self.observed.groups.get(group) else {
            return Some(format!("group {} cannot be created", change.key));
        };
        let wanted = written_values(change, |_| true);
        let text = FieldValue::Text(now.description.clone());
        let described = wanted.get("description").is_none_or(|wanted| *wanted == text);
        let given: Vec<&Object> = self
            .saved
            .plan
            .changes
            .iter()
            .filter(|change| matches!(change.action, Action::AddMember | Action::MapExternalGroup))
            .map(|change| &change.object)
            .collect();
        let names = |id| match given.iter().find(|object| match object {
            Object::Member { group: outer, .. } => {
                outer == group && user_of(object).is_some_and(|user| self.ids.get(&user) == Some(&id))
            }
            Object::NestedGroup { group: outer, member_group } => {
                outer == group && self.observed.groups.get(member_group).is_some_and(|inner| inner.id == *id)
            }
            _ => false,
        }) {
            Some(_) => None,
            None => Some(id.to_string()),
        };
        let strange: Vec<String> = now.rows.keys().filter_map(names).collect();
        let mapped = self.observed.mappings.iter().filter(|mapping| mapping.group == *group);
        let mapped: Vec<String> = mapped
            .filter(|mapping| !given.contains(&&Object::from(*mapping)))
            .map(ToString::to_string)
            .collect();
        let what = match (described, strange.is_empty(), mapped.is_empty()) {
            (true, true, true) => return None,
            (false, ..) => format!("`description` is {:?}", now.description),
            (_, false, _) => format!("it has other members: {}", strange.join(", ")),
            (..) => format!("it has other mappings: {}", mapped.join(", ")),
        };
        Some(format!("group {} is there and not as the plan makes it: {what}", change.key))
    }

    /// A client that somebody made meanwhile must be the plan's, property by property, where UAA tells.
    fn created_client(&self, change: &Change) -> Option<String> {
        let client = client_of(&change.object)?;
        let Some(now) = self.observed.clients.get(client) else {
            return Some(format!("client {} cannot be created", change.key));
        };
        let mut wanted = written(ClientFields::new(), &change.fields);
        let mut now = client::normal(now.fields.clone());
        let entry = self.desired.clients.get(client)?;
        if let (Some(salt), Some(said)) =
            (wanted.get_mut(&ClientField::TokenSalt), entry.fields.get(&ClientField::TokenSalt))
        {
            *salt = said.value.clone()?;
        } else if let Some(said) =
            entry.fields.get(&ClientField::TokenSalt).and_then(|said| said.value.clone())
        {
            // A variable: `written` knows no value for it.
            wanted.insert(ClientField::TokenSalt, said);
        }
        // Not read unless it is managed; and what UAA fills in itself.
        let told = |field: &ClientField| {
            let own = *field == ClientField::RequiredUserGroups
                || field.is_metadata()
                || *field == ClientField::Createdwith;
            !own || entry.fields.contains_key(field)
        };
        wanted.retain(|field, _| told(field));
        now.retain(|field, _| told(field));
        if now == wanted {
            return None;
        }
        let names: BTreeSet<String> = now
            .keys()
            .chain(wanted.keys())
            .filter(|field| now.get(*field) != wanted.get(*field))
            .map(|field| format!("`{field}`"))
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        Some(format!(
            "client {} is there and differs from what the plan makes in {}",
            change.key,
            names.join(", ")
        ))
    }

    /// What an update wrote must still be there, but for what later updates of the plan change.
    fn updated(&self, change: &Change, planned: &BTreeMap<u32, &Change>) -> Option<String> {
        let now = match &change.object {
            Object::User { .. } => {
                let user = user_of(&change.object)?;
                let new = self.former.iter().find(|(_, former)| **former == user).map(|(new, _)| new);
                let found = self.observed.users.get(&user).or_else(|| self.observed.users.get(new?));
                found.map(user_fields)
            }
            Object::Client { client_id } => self.observed.clients.get(client_id).map(|client| {
                let mut client = client.clone();
                client.fields = client::normal(client.fields);
                client_fields(&client)
            }),
            Object::Group { group } => self.observed.groups.get(group).map(|group| {
                BTreeMap::from([("description".to_owned(), FieldValue::Text(group.description.clone()))])
            }),
            _ => None,
        };
        let Some(now) = now else { return Some(format!("{} is gone", change.key)) };
        let mut wanted = written_values(change, |name| name != "token_salt");
        // The last one that was made speaks.
        for later in self.about.get(&change.object).into_iter().flatten().filter(|later| later.id > change.id)
        {
            for field in &later.fields {
                if !planned.contains_key(&later.id) {
                    wanted.remove(&field.name);
                }
            }
        }
        differing_in(&now, &wanted).map(|what| format!("{}: {what}", change.key))
    }

    /// A membership row must be there or not, as planned.
    fn row(&self, change: &Change) -> Option<String> {
        let (group, id, kind) = match &change.object {
            Object::Member { group, .. } => {
                let user = user_of(&change.object)?;
                let new = self.former.iter().find(|(_, former)| **former == user).map(|(new, _)| new);
                let id = self.ids.get(&user).or_else(|| self.ids.get(new?)).map(|id| (*id).clone());
                (group, id.or_else(|| self.saved.basis.seen.users.get(&user).cloned()), MemberKind::User)
            }
            Object::NestedGroup { group, member_group } => {
                let id = self.observed.groups.get(member_group).map(|group| group.id.clone());
                (group, id, MemberKind::Group)
            }
            _ => return None,
        };
        let rows = self.observed.groups.get(group).map(|group| &group.rows);
        let row = id.and_then(|id| rows?.get(&id)).filter(|row| row.kind == kind);
        let so = match (change.action, row) {
            (Action::AddMember, Some(row)) => row.origin.is_uaa(),
            (Action::AddMember, None) | (_, Some(_)) => false,
            (_, None) => true,
        };
        let brought = row.filter(|row| !row.origin.is_uaa() && change.phase != Phase::Delete);
        (!so).then(|| match brought {
            Some(row) => {
                format!("membership {} is one that a login of origin {} brought", change.key, row.origin)
            }
            None => format!("membership {} is {} and stays so", change.key, presence(row.is_some())),
        })
    }
}

fn presence(there: bool) -> &'static str {
    if there { "there" } else { "not there" }
}

fn word(action: Action) -> String {
    let word = serde_json::to_value(action).ok();
    word.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('_', " ")
}

fn shown(value: &FieldValue) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What a change writes and the server tells.
fn written_values(change: &Change, told: impl Fn(&str) -> bool) -> BTreeMap<String, FieldValue> {
    let visible = change
        .fields
        .iter()
        .filter(|field| !matches!(&*field.name, "password" | "client_secret") && told(&field.name));
    visible.map(|field| (field.name.clone(), field.after.clone())).collect()
}

/// What two states differ in.
fn differing(now: &BTreeMap<String, FieldValue>, before: &BTreeMap<String, FieldValue>) -> Option<String> {
    let mut all: BTreeMap<String, FieldValue> =
        now.keys().map(|name| (name.clone(), FieldValue::None)).collect();
    all.extend(before.clone());
    differing_in(now, &all)
}

/// What `now` has otherwise than `wanted` says.
fn differing_in(now: &BTreeMap<String, FieldValue>, wanted: &BTreeMap<String, FieldValue>) -> Option<String> {
    let differs = wanted.iter().filter(|(name, value)| now.get(*name).unwrap_or(&FieldValue::None) != *value);
    let what: Vec<String> = differs
        .map(|(name, value)| {
            format!(
                "`{name}` is {} instead of {}",
                shown(now.get(name).unwrap_or(&FieldValue::None)),
                shown(value)
            )
        })
        .collect();
    (!what.is_empty()).then(|| what.join(", "))
}
