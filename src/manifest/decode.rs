//! A tree of nodes → the entries of a manifest: which keys there are, and what each takes.
//!
//! Decides everything that can be said about one entry alone. Stops at nothing: what is wrong with one field is noted
//! and the others are looked at. Never compares two entries; that is `resolve`.

use secrecy::SecretString;

use super::clients::Client;
use super::field::{Decoder, Fields, Rule};
use super::problem::{Draft, Drafts, Mark, list, nearest, quote};
use super::prune::Prune;
use super::tree::{Entry, Node, Value};
use crate::model::{ClusterRole, UAA_ORIGIN};

/// The keys of a manifest.
pub(super) const TOP: &[&str] = &["version", "target", "users", "groups", "clients", "prune", "variables"];
/// The keys of `target`.
pub(super) const TARGET: &[&str] = &["issuer", "zone", "origins"];
/// The keys of a user.
pub(super) const USER: &[&str] = &[
    "username",
    "origin",
    "state",
    "previously",
    "email",
    "given_name",
    "family_name",
    "phone",
    "external_id",
    "active",
    "verified",
    "password",
    "cluster_access",
    "groups",
];
/// The keys of a group.
pub(super) const GROUP: &[&str] =
    &["name", "state", "description", "additive", "members", "absent_members", "external_groups"];
/// The keys of a member that is written as a map.
pub(super) const MEMBER: &[&str] = &["username", "origin", "group"];
/// The keys of a mapping.
pub(super) const MAPPING: &[&str] = &["origin", "group", "state"];
/// The words of `cluster_access`.
const ACCESS: &[&str] = &["admin", "manage", "read", "none"];

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    /// The value.
    pub(super) value: T,
    /// Where the value stands.
    pub(super) mark: Mark,
    /// Where its key stands; of a list's item, the item.
    pub(super) key: Mark,
}

/// What an entry's `state` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As if it were not written.
    Present,
    /// It shall not exist.
    Absent,
}

impl At<State> {
    /// Returns the place that says `absent`, if it does.
    fn absent(this: Option<&Self>) -> Option<Mark> {
        this.filter(|state| state.value == State::Absent).map(|state| state.mark)
    }
}

/// One file's entries.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Where it stands, when it has a version and nothing else.
    pub(super) says_nothing: Option<Mark>,
    /// The `target` block and its key's place.
    pub(super) target: Option<(Mark, Target)>,
    /// Whether there is a `users` key.
    pub(super) users_declared: bool,
    /// What is under `users`.
    pub(super) users: Vec<User>,
    /// What is under `groups`.
    pub(super) groups: Vec<Group>,
    /// What is under `clients`.
    pub(super) clients: Vec<Client>,
    /// The `prune` block and its key's place.
    pub(super) prune: Option<(Mark, Prune)>,
}

/// The `target` block.
#[derive(Debug, Default)]
pub(super) struct Target {
    pub(super) issuer: Option<At<String>>,
    pub(super) zone: Option<At<String>>,
    pub(super) origins: Option<At<Vec<At<String>>>>,
}

/// An entry under `users`.
#[derive(Debug)]
pub(super) struct User {
    pub(super) mark: Mark,
    /// `None`: it has none that could be read, which is said already.
    pub(super) username: Option<At<String>>,
    /// `None`: not written.
    pub(super) origin: Option<At<String>>,
    /// The origin is written and could not be read.
    pub(super) origin_broken: bool,
    /// Where it says that the user shall not exist.
    pub(super) absent: Option<Mark>,
    pub(super) previously: Option<At<String>>,
    pub(super) email: Option<At<String>>,
    pub(super) given_name: Option<At<String>>,
    pub(super) family_name: Option<At<String>>,
    pub(super) phone: Option<At<String>>,
    pub(super) external_id: Option<At<String>>,
    pub(super) active: Option<At<bool>>,
    pub(super) verified: Option<At<bool>>,
    pub(super) password: Option<At<Password>>,
    pub(super) cluster_access: Option<At<Vec<At<ClusterRole>>>>,
    pub(super) groups: Vec<At<String>>,
}

/// A password or another secret, and the variable that it comes from.
#[derive(Debug)]
pub(super) struct Password {
    pub(super) value: SecretString,
    pub(super) variable: Option<String>,
}

/// An entry under `groups`.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) mark: Mark,
    pub(super) name: Option<At<String>>,
    /// Where it says that the group shall not exist.
    pub(super) absent: Option<Mark>,
    pub(super) description: Option<At<String>>,
    pub(super) additive: Option<At<bool>>,
    /// `additive` is written and could not be read.
    pub(super) additive_broken: bool,
    pub(super) members: Vec<At<MemberName>>,
    pub(super) absent_members: Option<At<Vec<At<MemberName>>>>,
    pub(super) external_groups: Option<Vec<At<External>>>,
}

/// An entry under `external_groups`.
#[derive(Clone, Debug)]
pub(super) struct External {
    pub(super) origin: String,
    pub(super) group: String,
    /// Where it says that the mapping shall not exist.
    pub(super) absent: Option<Mark>,
}

/// A member as written.
#[derive(Clone, Debug)]
pub(super) enum MemberName {
    User { origin: String, username: String },
    Group(String),
}

/// Decodes a file.
pub(super) fn document(root: Node, drafts: &mut Drafts) -> Document {
    let mut cx = Decoder { drafts };
    let mut document = Document::default();
    let mark = root.mark;
    let Some(mut fields) =
        cx.map(root, "a manifest", TOP, "write `version: 1` first, then `users:`, `groups:` and `clients:`")
    else {
        return document;
    };
    document.says_nothing = (fields.only("version")).then_some(mark);
    match fields.take("version") {
        Some(entry) => cx.version(&entry),
        None if fields.meant("version") => {}
        None => cx.drafts.add(
            Draft::error("missing-version", "the manifest does not say its version")
                .at(mark)
                .label("`version` is missing")
                .help("add the line `version: 1`"),
        ),
    }
    if let Some(entry) = fields.take("target") {
        let at = entry.key_mark;
        document.target = cx.target(entry).map(|target| (at, target));
    }
    if let Some(entry) = fields.take("users") {
        document.users_declared = true;
        document.users =
            cx.list(entry, "users", "the manifest").into_iter().filter_map(|node| cx.user(node)).collect();
    }
    if let Some(entry) = fields.take("groups") {
        document.groups =
            cx.list(entry, "groups", "the manifest").into_iter().filter_map(|node| cx.group(node)).collect();
    }
    if let Some(entry) = fields.take("clients") {
        let clients = cx.list(entry, "clients", "the manifest");
        document.clients = clients.into_iter().filter_map(|node| cx.client(node)).collect();
    }
    if let Some(entry) = fields.take("prune") {
        let at = entry.key_mark;
        document.prune = cx.prune(entry).map(|prune| (at, prune));
    }
    document
}

impl Decoder<'_> {
    fn version(&mut self, entry: &Entry) {
        let what = match &entry.node.value {
            Value::Broken => return,
            Value::Secret(_) => return self.secret_here(&entry.node, "`version`"),
            Value::Scalar { text, plain: true } if text == "1" => return,
            Value::Scalar { text, plain: true } if text.parse::<f64>().is_ok() => {
                self.drafts.add(
                    Draft::error(
                        "unsupported-version",
                        format!("version {} of the manifest is not known", quote(text)),
                    )
                    .at(entry.node.mark)
                    .label("only version 1 is known")
                    .help("write `version: 1`, or use the uaapply that knows this version"),
                );
                return;
            }
            Value::Scalar { text, .. } if text == "1" => "text in quotes",
            _ => entry.node.kind(),
        };
        let mark = if entry.node.is_null() { entry.key_mark } else { entry.node.mark };
        self.drafts.add(
            Draft::error("wrong-type", format!("`version` must be the number 1, not {what}"))
                .at(mark)
                .label("expected the number 1")
                .help("write `version: 1`, without quotes"),
        );
    }

    fn target(&mut self, entry: Entry) -> Option<Target> {
        let mut node = entry.node;
        if node.is_null() {
            node.mark = entry.key_mark;
        }
        let mut fields = self.map(
            node,
            "`target`",
            TARGET,
            "write the keys `issuer`, `zone` and `origins` below it, indented",
        )?;
        let of = "`target`";
        let issuer = self.text(fields.take("issuer"), of, Rule::Url);
        let zone = self.text(fields.take("zone"), of, Rule::Name);
        let origins = fields.take("origins").map(|entry| {
            let (mark, key) = (entry.node.mark, entry.key_mark);
            let names = self.list(entry, "origins", of);
            let names =
                names.into_iter().filter_map(|node| self.item(node, "an origin", Rule::Name)).collect();
            At { value: names, mark, key }
        });
        Some(Target { issuer, zone, origins })
    }

    fn user(&mut self, node: Node) -> Option<User> {
        let mut fields = self.map(node, "a user", USER, "write `- username: …`")?;
        let of = fields
            .peek("username")
            .map_or_else(|| "a user".to_owned(), |name| format!("user {}", quote(name)));
        let mark = fields.mark;
        let username = match fields.take("username") {
            Some(entry) => self.text(Some(entry), &of, Rule::Name),
            None if fields.meant("username") => None,
            None => {
                self.drafts.add(
                    Draft::error("missing-key", "a user has no `username`")
                        .at(mark)
                        .label("`username` is missing in this entry")
                        .help("add `username: …`"),
                );
                None
            }
        };
        let origin_entry = fields.take("origin");
        let origin_written = origin_entry.is_some();
        let origin = self.text(origin_entry, &of, Rule::Name);
        let origin_broken = origin_written && origin.is_none();
        if let Some(name) = &username
            && !origin_broken
        {
            self.username(name, origin.as_ref().map_or(UAA_ORIGIN, |origin| &origin.value));
        }
        let absent = self.absent(&mut fields, &of);
        let previously = self.text(fields.take("previously"), &of, Rule::Name);
        let email = self.text(fields.take("email"), &of, Rule::Email);
        let given_name = self.text(fields.take("given_name"), &of, Rule::Line);
        let family_name = self.text(fields.take("family_name"), &of, Rule::Line);
        let phone = self.text(fields.take("phone"), &of, Rule::Line);
        let external_id = self.text(fields.take("external_id"), &of, Rule::Line);
        let active = self.boolean(fields.take("active"), &of);
        let verified = self.boolean(fields.take("verified"), &of);
        let password = fields.take("password").and_then(|entry| self.password(entry, &of));
        let cluster_access = fields.take("cluster_access").and_then(|entry| self.access(entry, &of));
        let groups = match fields.take("groups") {
            Some(entry) => {
                let names = self.list(entry, "groups", &of);
                names.into_iter().filter_map(|node| self.item(node, "a group", Rule::Scope)).collect()
            }
            None => Vec::new(),
        };
        Some(User {
            mark,
            username,
            origin,
            origin_broken,
            absent,
            previously,
            email,
            given_name,
            family_name,
            phone,
            external_id,
            active,
            verified,
            password,
            cluster_access,
            groups,
        })
    }

    fn group(&mut self, node: Node) -> Option<Group> {
        let mut fields = self.map(node, "a group", GROUP, "write `- name: …`")?;
        let of =
            fields.peek("name").map_or_else(|| "a group".to_owned(), |name| format!("group {}", quote(name)));
        let mark = fields.mark;
        let name = match fields.take("name") {
            Some(entry) => self.text(Some(entry), &of, Rule::Scope),
            None if fields.meant("name") => None,
            None => {
                self.drafts.add(
                    Draft::error("missing-key", "a group has no `name`")
                        .at(mark)
                        .label("`name` is missing in this entry")
                        .help("add `name: …`"),
                );
                None
            }
        };
        let absent = self.absent(&mut fields, &of);
        let description = self.text(fields.take("description"), &of, Rule::Prose);
        let additive_entry = fields.take("additive");
        let additive_written = additive_entry.is_some();
        let additive = self.boolean(additive_entry, &of);
        let additive_broken = additive_written && additive.is_none();
        let members = match fields.take("members") {
            Some(entry) => self.members(entry, "members", &of),
            None => Vec::new(),
        };
        let absent_members = fields.take("absent_members").map(|entry| {
            let (mark, key) = (entry.node.mark, entry.key_mark);
            At { value: self.members(entry, "absent_members", &of), mark, key }
        });
        let external_groups = fields.take("external_groups").map(|entry| {
            let items = self.list(entry, "external_groups", &of);
            items.into_iter().filter_map(|node| self.mapping(node)).collect()
        });
        Some(Group {
            mark,
            name,
            absent,
            description,
            additive,
            additive_broken,
            members,
            absent_members,
            external_groups,
        })
    }

    fn members(&mut self, entry: Entry, key: &str, of: &str) -> Vec<At<MemberName>> {
        self.list(entry, key, of).into_iter().filter_map(|node| self.member(node)).collect()
    }

    fn member(&mut self, node: Node) -> Option<At<MemberName>> {
        let mark = node.mark;
        if matches!(node.value, Value::Scalar { .. }) && !node.is_null() {
            let name = self.item(node, "a member", Rule::Name)?;
            self.username(&name, UAA_ORIGIN);
            let value = MemberName::User { origin: UAA_ORIGIN.to_owned(), username: name.value };
            return Some(At { value, mark, key: mark });
        }
        let help = "write a username (origin uaa), `{username: …, origin: …}` or `{group: …}`";
        let mut fields = self.map(node, "a member", MEMBER, help)?;
        let (username, origin, group) =
            (fields.take("username"), fields.take("origin"), fields.take("group"));
        match (username, group) {
            (Some(username), None) => {
                let broken_origin = origin.is_some();
                let origin = self.text(origin, "a member", Rule::Name);
                let broken_origin = broken_origin && origin.is_none();
                let username = self.text(Some(username), "a member", Rule::Name)?;
                if broken_origin {
                    return None;
                }
                let origin = origin.map_or_else(|| UAA_ORIGIN.to_owned(), |origin| origin.value);
                self.username(&username, &origin);
                Some(At { value: MemberName::User { origin, username: username.value }, mark, key: mark })
            }
            (None, Some(group)) => {
                if let Some(origin) = origin {
                    self.drafts.add(
                        Draft::error("bad-member", "a nested group has no `origin`")
                            .at(origin.key_mark)
                            .label("only a user has one")
                            .help("write `{group: …}`"),
                    );
                }
                let group = self.text(Some(group), "a member", Rule::Scope)?;
                Some(At { value: MemberName::Group(group.value), mark, key: mark })
            }
            (Some(_), Some(group)) => {
                self.drafts.add(
                    Draft::error("bad-member", "a member is a user or a group, not both")
                        .at(group.key_mark)
                        .label("a second kind of member")
                        .help("write two entries: `{username: …}` and `{group: …}`"),
                );
                None
            }
            (None, None) if fields.meant("username") || fields.meant("group") => None,
            (None, None) => {
                self.drafts.add(
                    Draft::error("missing-key", "a member has neither `username` nor `group`")
                        .at(mark)
                        .label("who is it?")
                        .help(help),
                );
                None
            }
        }
    }

    /// Takes `state` out of an entry whose name is taken already. Of what shall not exist nothing else can be said.
    pub(super) fn absent(&mut self, fields: &mut Fields, of: &str) -> Option<Mark> {
        let state = self.state(fields.take("state"), of);
        let absent = At::absent(state.as_ref())?;
        let others = fields.left();
        if let Some((_, first)) = others.first() {
            let keys = list(others.iter().map(|(key, _)| *key));
            self.drafts.add(
                Draft::error(
                    "absent-with-fields",
                    format!("{of} shall be absent, and the entry has {keys} too"),
                )
                .at(*first)
                .label("what does not exist has no fields")
                .also(absent, "here it is to be removed")
                .help(format!("remove {keys}, or `state: absent`")),
            );
        }
        Some(absent)
    }

    fn mapping(&mut self, node: Node) -> Option<At<External>> {
        let mark = node.mark;
        let help = "write `{origin: ldap, group: \"cn=…\"}`";
        let mut fields = self.map(node, "an external group", MAPPING, help)?;
        let (origin, group) = (fields.take("origin"), fields.take("group"));
        for (entry, key) in [(&origin, "origin"), (&group, "group")] {
            if entry.is_none() && !fields.meant(key) {
                self.drafts.add(
                    Draft::error("missing-key", format!("an external group has no `{key}`"))
                        .at(mark)
                        .label(format!("`{key}` is missing"))
                        .help(help),
                );
            }
        }
        let origin = self.text(origin, "an external group", Rule::Name);
        let group = self.text(group, "an external group", Rule::External);
        let state = self.state(fields.take("state"), "an external group");
        let absent = At::absent(state.as_ref());
        let value = External { origin: origin?.value, group: group?.value, absent };
        Some(At { value, mark, key: mark })
    }

    pub(super) fn access(&mut self, entry: Entry, of: &str) -> Option<At<Vec<At<ClusterRole>>>> {
        let (mark, key) = (entry.node.mark, entry.key_mark);
        let help = "write `admin`, `manage`, `read` or `none`, or a list of the first three";
        let items = match entry.node.value {
            Value::Seq(items) => items,
            Value::Scalar { .. } if !entry.node.is_null() => {
                let word = self.word(&entry.node, of)?;
                let roles = role(word).map(|value| At { value, mark, key }).into_iter().collect();
                return Some(At { value: roles, mark, key });
            }
            Value::Broken => return None,
            Value::Secret(_) => {
                self.secret_here(&entry.node, "`cluster_access`");
                return None;
            }
            Value::Scalar { .. } | Value::Map(_) => {
                let kind = entry.node.kind();
                self.drafts.add(
                    Draft::error(
                        "wrong-type",
                        format!("`cluster_access` of {of} must be a word or a list, not {kind}"),
                    )
                    .at(if entry.node.is_null() { key } else { mark })
                    .label("expected a word or a list")
                    .help(help),
                );
                return None;
            }
        };
        if items.is_empty() {
            self.drafts.add(
                Draft::error("bad-access", format!("`cluster_access` of {of} is an empty list"))
                    .at(mark)
                    .label("no access is `none`")
                    .help("write `cluster_access: none` to take all three, or leave the key away"),
            );
            return None;
        }
        let mut roles: Vec<At<ClusterRole>> = Vec::new();
        let mut broken = false;
        for item in items {
            let at = item.mark;
            let Some(word) = self.word(&item, of) else {
                broken = true;
                continue;
            };
            let Some(value) = role(word) else {
                broken = true;
                self.drafts.add(
                    Draft::error("bad-access", format!("`cluster_access` of {of}: `none` stands in a list"))
                        .at(at)
                        .label("`none` stands alone")
                        .help("write `cluster_access: none`, or only the levels to have"),
                );
                continue;
            };
            if let Some(first) = roles.iter().find(|role| role.value == value) {
                self.drafts.add(
                    Draft::error(
                        "duplicate-item",
                        format!("`cluster_access` of {of} lists {} twice", quote(word)),
                    )
                    .at(at)
                    .label("the second time")
                    .also(first.mark, "the first time")
                    .help("keep one of the two"),
                );
            } else {
                roles.push(At { value, mark: at, key: at });
            }
        }
        if broken { None } else { Some(At { value: roles, mark, key }) }
    }

    /// Returns a word of `cluster_access`.
    fn word(&mut self, node: &Node, of: &str) -> Option<&'static str> {
        let text = match &node.value {
            Value::Broken => return None,
            Value::Secret(_) => {
                self.secret_here(node, "`cluster_access`");
                return None;
            }
            Value::Scalar { text, .. } => text.as_str(),
            Value::Seq(_) | Value::Map(_) => "",
        };
        if let Some(word) = ACCESS.iter().find(|word| **word == text) {
            return Some(word);
        }
        let near = nearest(text, ACCESS.iter().copied());
        let found = if text.is_empty() { node.kind().to_owned() } else { quote(text) };
        self.drafts.add(
            Draft::error("bad-access", format!("`cluster_access` of {of} cannot be {found}"))
                .at(node.mark)
                .label("not a level of access")
                .help(match near {
                    Some(near) => format!("did you mean {}?", quote(near)),
                    None => {
                        "write `admin`, `manage`, `read` or `none`, or a list of the first three".to_owned()
                    }
                }),
        );
        None
    }
}

/// Returns the level that a word names; `none` is none.
fn role(word: &str) -> Option<ClusterRole> {
    match word {
        "admin" => Some(ClusterRole::Admin),
        "manage" => Some(ClusterRole::Manage),
        "read" => Some(ClusterRole::Read),
        _ => None,
    }
}
