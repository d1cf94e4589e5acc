//! All files' entries → one [`Desired`].
//!
//! Decides what several entries mean together: duplicates, references, and statements about one membership that
//! agree or do not. Never looks at YAML, and never at the server.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use super::decode::{At, Document, External, Group, MemberName, Password, User};
use super::problem::{Draft, Drafts, Mark, list, quote};
use super::source::Texts;
use crate::desired::{
    Because, Desired, DesiredGroup, DesiredUser, Holds, Said, SecretSource, Secrets, TargetPin, Wish, WishBy,
    WishState,
};
use crate::model::{
    ClientId, ClusterRole, ExternalGroup, GroupName, Mapping, Member, Origin, UserKey, Username,
};

/// Builds the desired state; `unreadable` names a file that may say what is missing.
pub(super) fn resolve(
    documents: Vec<Document>,
    unreadable: Option<&str>,
    texts: &Texts,
    drafts: &mut Drafts,
) -> (Desired, Secrets) {
    let mut all = Resolver {
        texts,
        drafts,
        desired: Desired::default(),
        secrets: Secrets::default(),
        user_marks: BTreeMap::new(),
        group_marks: BTreeMap::new(),
        client_marks: BTreeMap::new(),
        statements: Vec::new(),
        secret_marks: BTreeMap::new(),
        absent_users: BTreeMap::new(),
        absent_groups: BTreeMap::new(),
        former: BTreeMap::new(),
        pruned: Vec::new(),
    };
    let mut pinned = None;
    let (mut users, mut groups, mut clients) = (Vec::new(), Vec::new(), Vec::new());
    let mut prune = None;
    for document in documents {
        all.desired.users_declared |= document.users_declared;
        if let Some((mark, target)) = document.target {
            match pinned {
                None => {
                    pinned = Some(mark);
                    all.pin(target);
                }
                Some(first) => all.drafts.add(
                    Draft::error("duplicate-target", "`target` is written twice")
                        .at(mark)
                        .label("the second time")
                        .also(first, "the first time")
                        .help("write it once; it holds for all files"),
                ),
            }
        }
        if let Some(block) = document.prune {
            all.prune(&mut prune, block);
        }
        users.extend(document.users);
        groups.extend(document.groups);
        clients.extend(document.clients);
    }
    for user in &users {
        all.user_key(user);
    }
    for group in &groups {
        all.group_name(group);
    }
    for client in &clients {
        all.client_id(client);
    }
    for group in groups {
        all.group(group);
    }
    for user in users {
        all.user(user, unreadable);
    }
    for client in clients {
        all.client(client);
    }
    all.wishes();
    all.contradictions();
    if unreadable.is_none() {
        all.prune_needs_its_kind();
    }
    (all.desired, all.secrets)
}

/// One statement about one membership.
pub(super) struct Statement {
    pub(super) group: GroupName,
    pub(super) member: Member,
    pub(super) state: WishState,
    by: WishBy,
    pub(super) mark: Mark,
    /// The statement in words, to show beside one that disagrees.
    pub(super) says: String,
}

pub(super) struct Resolver<'a> {
    texts: &'a Texts,
    pub(super) drafts: &'a mut Drafts,
    pub(super) desired: Desired,
    pub(super) secrets: Secrets,
    /// The first entry of each user, and its place.
    pub(super) user_marks: BTreeMap<UserKey, Mark>,
    /// The first entry of each group, as spelt there, and its place.
    pub(super) group_marks: BTreeMap<GroupName, Mark>,
    /// The first entry of each client.
    pub(super) client_marks: BTreeMap<ClientId, Mark>,
    /// Where each variable of a secret is used first, and whose secret it is there.
    secret_marks: BTreeMap<String, (Mark, String)>,
    pub(super) statements: Vec<Statement>,
    /// Users that shall not exist, and where that is said.
    pub(super) absent_users: BTreeMap<UserKey, Mark>,
    /// Groups that shall not exist, and where that is said.
    pub(super) absent_groups: BTreeMap<GroupName, Mark>,
    /// Names that users had before, who has them now, and where that is said.
    pub(super) former: BTreeMap<UserKey, (UserKey, Mark)>,
    /// The kinds that are pruned, and where that is said.
    pub(super) pruned: Vec<(&'static str, Mark)>,
}

impl Resolver<'_> {
    pub(super) fn because(&self, mark: Mark) -> Because {
        let line = u32::try_from(self.texts.line(mark.at) + 1).unwrap_or(u32::MAX);
        Because { file: self.texts.name(mark.at.file).to_owned(), line }
    }

    pub(super) fn said<T>(&self, at: Option<At<T>>) -> Option<Said<T>> {
        at.map(|at| Said { because: self.because(at.key), value: at.value })
    }

    fn pin(&mut self, target: super::decode::Target) {
        let origins = target.origins.map(|origins| {
            let mut names: BTreeMap<Origin, Mark> = BTreeMap::new();
            for name in origins.value {
                match names.entry(Origin::new(name.value)) {
                    Slot::Vacant(slot) => {
                        slot.insert(name.mark);
                    }
                    Slot::Occupied(slot) => self.drafts.add(duplicate_item(
                        &format!("`origins` lists {} twice", quote(slot.key().as_str())),
                        name.mark,
                        *slot.get(),
                    )),
                }
            }
            Said { value: names.into_keys().collect::<BTreeSet<_>>(), because: self.because(origins.key) }
        });
        self.desired.pin =
            TargetPin { issuer: self.said(target.issuer), zone: self.said(target.zone), origins };
    }

    /// Notes who is described, and reports who is described twice.
    fn user_key(&mut self, user: &User) {
        let Some(key) = key_of(user) else { return };
        let mark = user.username.as_ref().map_or(user.mark, |name| name.mark);
        match self.user_marks.entry(key) {
            Slot::Vacant(slot) => {
                slot.insert(mark);
            }
            Slot::Occupied(slot) => {
                let key = slot.key();
                let origin = if key.origin.is_uaa() {
                    String::new()
                } else {
                    format!(" of origin {}", quote(key.origin.as_str()))
                };
                self.drafts.add(
                    Draft::error(
                        "duplicate-user",
                        format!("the user {}{origin} is written twice", quote(key.username.as_str())),
                    )
                    .at(mark)
                    .label("the second entry")
                    .also(*slot.get(), "the first entry")
                    .help("merge the two entries; usernames are compared ignoring case"),
                );
            }
        }
    }

    /// Notes which groups are declared, and reports those that are declared twice.
    fn group_name(&mut self, group: &Group) {
        let Some(name) = &group.name else { return };
        match self.group_marks.entry(GroupName::new(name.value.clone())) {
            Slot::Vacant(slot) => {
                slot.insert(name.mark);
            }
            Slot::Occupied(slot) => self.drafts.add(
                Draft::error(
                    "duplicate-group",
                    format!("the group {} is declared twice", quote(slot.key().as_str())),
                )
                .at(name.mark)
                .label("the second entry")
                .also(*slot.get(), "the first entry")
                .help("merge the two entries; names are compared ignoring case"),
            ),
        }
    }

    /// Returns a group as its declaration spells it.
    fn spelt_group(&self, name: &str) -> GroupName {
        let name = GroupName::new(name);
        self.group_marks.get_key_value(&name).map_or(name, |(declared, _)| declared.clone())
    }

    /// Returns a user as the entry spells it.
    fn spelt_user(&self, origin: &str, username: &str) -> UserKey {
        let key = UserKey::new(Origin::new(origin), Username::new(username));
        self.user_marks.get_key_value(&key).map_or(key, |(declared, _)| declared.clone())
    }

    fn group(&mut self, group: Group) {
        let Some(name_at) = &group.name else {
            return;
        };
        let name = self.spelt_group(&name_at.value);
        let first = self.group_marks.get(&name) == Some(&name_at.mark);
        if let Some(absent) = group.absent {
            if first {
                self.absent_groups.insert(name.clone(), absent);
                let because = self.because(group.mark);
                self.desired.absent.groups.insert(name, because);
            }
            return;
        }
        let additive = group.additive.as_ref().is_some_and(|additive| additive.value);
        self.members(&name, group.members, "members", WishState::Present, WishBy::Members);
        if let Some(absent) = group.absent_members {
            if !additive && !group.additive_broken {
                self.drafts.add(
                    Draft::error(
                        "absent-members-of-exact-group",
                        format!("`absent_members` of group {} says nothing", quote(name.as_str())),
                    )
                    .at(absent.key)
                    .label("this group has exactly the members that the manifest gives it")
                    .help("add `additive: true` if others may be members too, or remove `absent_members`"),
                );
            }
            self.members(&name, absent.value, "absent_members", WishState::Absent, WishBy::AbsentMembers);
        }
        let external_groups = group.external_groups.and_then(|mappings| {
            let mut marks: BTreeMap<Mapping, (Mark, Option<Mark>)> = BTreeMap::new();
            for At { value: External { origin, group, absent }, mark, .. } in mappings {
                let mapping = Mapping {
                    group: name.clone(),
                    origin: Origin::new(origin),
                    external_group: ExternalGroup::new(&group),
                };
                match marks.entry(mapping) {
                    Slot::Vacant(slot) => {
                        slot.insert((mark, absent));
                    }
                    Slot::Occupied(slot) => self.drafts.add(duplicate_item(
                        &format!(
                            "`external_groups` of group {} lists {} twice",
                            quote(name.as_str()),
                            quote(slot.key().external_group.as_str())
                        ),
                        mark,
                        slot.get().0,
                    )),
                }
            }
            // A list of nothing but absent ones speaks about these alone.
            let complete = marks.is_empty() || marks.values().any(|(_, absent)| absent.is_none());
            let mut wanted = BTreeMap::new();
            for (mapping, (mark, absent)) in marks {
                let because = self.because(mark);
                match absent {
                    None => wanted.insert(mapping, because),
                    Some(_) => self.desired.absent.mappings.insert(mapping, because),
                };
            }
            complete.then_some(wanted)
        });
        if !first {
            return;
        }
        let because = self.because(group.mark);
        let description = self.said(group.description);
        let holds = if additive { Holds::AtLeast } else { Holds::Exactly };
        let desired = DesiredGroup { name: name.clone(), because, description, holds, external_groups };
        self.desired.groups.insert(name, desired);
    }

    fn members(
        &mut self,
        group: &GroupName,
        members: Vec<At<MemberName>>,
        key: &str,
        state: WishState,
        by: WishBy,
    ) {
        let mut seen: BTreeMap<Member, Mark> = BTreeMap::new();
        for At { value, mark, .. } in members {
            let (member, shown) = match value {
                MemberName::User { origin, username } => {
                    (Member::User(self.spelt_user(&origin, &username)), username)
                }
                MemberName::Group(name) => (Member::Group(self.spelt_group(&name)), name),
            };
            if member == Member::Group(group.clone()) {
                self.drafts.add(
                    Draft::error(
                        "nested-in-itself",
                        format!("the group {} is a member of itself", quote(group.as_str())),
                    )
                    .at(mark)
                    .label("the same group")
                    .help("remove this member"),
                );
                continue;
            }
            if let Some(first) = seen.get(&member) {
                self.drafts.add(duplicate_item(
                    &format!("`{key}` of group {} lists {} twice", quote(group.as_str()), quote(&shown)),
                    mark,
                    *first,
                ));
                continue;
            }
            seen.insert(member.clone(), mark);
            let says = format!("`{key}` of group {}", quote(group.as_str()));
            self.statements.push(Statement { group: group.clone(), member, state, by, mark, says });
        }
    }

    fn user(&mut self, user: User, unreadable: Option<&str>) {
        let shown = user
            .username
            .as_ref()
            .map_or_else(|| "a user".to_owned(), |name| format!("user {}", quote(&name.value)));
        let key = key_of(&user);
        let mark = user.username.as_ref().map_or(user.mark, |name| name.mark);
        let first = key.as_ref().is_some_and(|key| self.user_marks.get(key) == Some(&mark));
        if let Some(absent) = user.absent {
            if let Some(key) = key.filter(|_| first) {
                let because = self.because(user.mark);
                self.absent_users.insert(key.clone(), absent);
                self.desired.absent.users.insert(key, because);
            }
            return;
        }
        let mut seen: BTreeMap<GroupName, Mark> = BTreeMap::new();
        for listed in &user.groups {
            let group = self.spelt_group(&listed.value);
            if !self.group_marks.contains_key(&group) {
                let draft = self.undeclared(&group, &shown, listed.mark, unreadable);
                self.drafts.add(draft);
            }
            if let Some(first) = seen.get(&group) {
                self.drafts.add(duplicate_item(
                    &format!("`groups` of {shown} lists {} twice", quote(&listed.value)),
                    listed.mark,
                    *first,
                ));
                continue;
            }
            seen.insert(group.clone(), listed.mark);
            if let Some(key) = &key {
                self.statements.push(Statement {
                    group,
                    member: Member::User(self.spelt_user(key.origin.as_str(), key.username.as_str())),
                    state: WishState::Present,
                    by: WishBy::Groups,
                    mark: listed.mark,
                    says: format!("`groups` of {shown}"),
                });
            }
        }
        let Some(key) = key else { return };
        if let Some(password) = &user.password
            && !key.origin.is_uaa()
        {
            self.drafts.add(
                Draft::error(
                    "password-not-used",
                    format!("{shown} of origin {} has a password", quote(key.origin.as_str())),
                )
                .at(password.key)
                .label("UAA never uses it: the identity provider checks passwords")
                .help("remove `password`, or `origin`"),
            );
        }
        let member = Member::User(self.spelt_user(key.origin.as_str(), key.username.as_str()));
        if let Some(access) = &user.cluster_access {
            self.access(access, &member, &shown);
        }
        if !first {
            return;
        }
        if let Some(password) = &user.password {
            self.shared_secret(password, &shown);
        }
        let previously = user.previously.and_then(|at| self.previously(&key, &shown, at));
        let password = user.password.map(|at| {
            self.secrets.passwords.insert(key.clone(), at.value.value);
            let source = at.value.variable.map_or(SecretSource::Literal, SecretSource::Variable);
            Said { value: source, because: self.because(at.key) }
        });
        let because = self.because(user.mark);
        let origin_because = user.origin.as_ref().map_or_else(|| because.clone(), |at| self.because(at.key));
        let desired = DesiredUser {
            key: key.clone(),
            because,
            email: self.said(user.email),
            given_name: self.said(user.given_name),
            family_name: self.said(user.family_name),
            phone: self.said(user.phone),
            external_id: self.said(user.external_id),
            active: self.said(user.active),
            verified: self.said(user.verified),
            password,
            previously,
            origin_because,
        };
        self.desired.users.insert(key, desired);
    }

    /// Warns of a secret that two entries use: whoever knows the one knows the other, and one changed line in a pull
    /// request can give a user the secret of another.
    fn shared_secret(&mut self, password: &At<Password>, shown: &str) {
        let Some(variable) = &password.value.variable else { return };
        match self.secret_marks.entry(variable.clone()) {
            Slot::Vacant(slot) => {
                slot.insert((password.mark, shown.to_owned()));
            }
            Slot::Occupied(slot) => {
                let (first, whose) = slot.get();
                self.drafts.add(
                    Draft::warning(
                        "shared-secret",
                        format!("{shown} has the same password variable as {whose}: {}", quote(variable)),
                    )
                    .at(password.mark)
                    .label(format!("the password of {shown}"))
                    .also(*first, format!("the password of {whose}"))
                    .help("give each its own variable: who knows the one password knows the other"),
                );
            }
        }
    }

    fn access(&mut self, access: &At<Vec<At<ClusterRole>>>, member: &Member, shown: &str) {
        for role in ClusterRole::ALL {
            let named = access.value.iter().find(|named| named.value == role);
            let group = self.spelt_group(role.group().as_str());
            let (state, mark) = match named {
                Some(named) => (WishState::Present, named.mark),
                None => (WishState::Absent, Mark { at: access.key.at, ..access.mark }),
            };
            self.statements.push(Statement {
                group,
                member: member.clone(),
                state,
                by: WishBy::ClusterAccess,
                mark,
                says: format!("`cluster_access` of {shown}"),
            });
        }
    }

    fn undeclared(&self, group: &GroupName, shown: &str, mark: Mark, unreadable: Option<&str>) -> Draft {
        let near = self.drafts.nearest(group.as_str(), self.group_marks.keys().map(GroupName::as_str));
        let near = near.map_or_else(String::new, |near| format!("did you mean {}?\n", quote(near)));
        let elsewhere = unreadable.map_or_else(String::new, |file| {
            format!("\n(or it is declared in {}, which could not be read)", quote(file))
        });
        Draft::error(
            "undeclared-group",
            format!("{shown} lists the group {}, which no manifest declares", quote(group.as_str())),
        )
        .at(mark)
        .label("not declared under `groups`")
        .help(format!(
            "{near}to add members without revoking others, declare it:\ngroups:\n  - name: {}\n    additive: true{elsewhere}",
            yaml_text(group.as_str())
        ))
    }

    /// Makes one wish of all statements about a membership; those that disagree are reported.
    fn wishes(&mut self) {
        self.statements.sort_by_key(|statement| statement.mark.at);
        let statements = std::mem::take(&mut self.statements);
        let mut firsts: BTreeMap<(GroupName, Member), usize> = BTreeMap::new();
        for (n, statement) in statements.iter().enumerate() {
            let slot = match firsts.entry((statement.group.clone(), statement.member.clone())) {
                Slot::Vacant(slot) => {
                    slot.insert(n);
                    let wish = Wish {
                        state: statement.state,
                        because: self.because(statement.mark),
                        by: statement.by,
                    };
                    let group = self.desired.memberships.entry(statement.group.clone()).or_default();
                    group.insert(statement.member.clone(), wish);
                    continue;
                }
                Slot::Occupied(slot) => slot,
            };
            let first = &statements[*slot.get()];
            if first.state == statement.state {
                continue;
            }
            let member = match &first.member {
                Member::User(key) => list([key.username.as_str()]),
                Member::Group(name) => format!("the group {}", quote(name.as_str())),
            };
            let says = |statement: &Statement| {
                let verb = if statement.state == WishState::Present { "puts it in" } else { "takes it out" };
                format!("{} {verb}", statement.says)
            };
            self.drafts.add(
                Draft::error(
                    "disagreement",
                    format!(
                        "two statements disagree whether {member} is in {}",
                        quote(statement.group.as_str())
                    ),
                )
                .at(statement.mark)
                .label(says(statement))
                .also(first.mark, says(first))
                .help("remove one of the two"),
            );
        }
        self.statements = statements;
    }
}

/// Returns who an entry describes.
fn key_of(user: &User) -> Option<UserKey> {
    if user.origin_broken {
        return None;
    }
    let username = user.username.as_ref()?;
    let origin = user.origin.as_ref().map_or_else(Origin::uaa, |origin| Origin::new(origin.value.clone()));
    Some(UserKey::new(origin, Username::new(username.value.clone())))
}

pub(super) fn duplicate_item(message: &str, second: Mark, first: Mark) -> Draft {
    Draft::error("duplicate-item", message)
        .at(second)
        .label("the second time")
        .also(first, "the first time")
        .help("keep one of the two")
}

/// Writes a name as YAML text that can be pasted.
fn yaml_text(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !matches!(
            name.to_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    // JSON strings are YAML strings.
    if plain { name.to_owned() } else { serde_json::Value::from(name).to_string() }
}
