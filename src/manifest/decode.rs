//! A tree of nodes → the entries of a manifest: which keys there are, and what each takes.
//!
//! Decides everything that can be said about one entry alone. Stops at nothing: what is wrong with one field is noted
//! and the others are looked at. Never compares two entries; that is `resolve`.

use secrecy::{ExposeSecret, SecretString};

use super::interpolate;
use super::problem::{Draft, Drafts, Mark, list, nearest, quote};
use super::tree::{Entry, Node, Value};
use crate::model::{ClusterRole, UAA_ORIGIN};

/// The longest name or text that UAA stores, in characters.
const MAX_CHARS: usize = 255;

/// The keys of a manifest.
pub(super) const TOP: &[&str] = &["version", "target", "users", "groups"];
/// The keys of `target`.
pub(super) const TARGET: &[&str] = &["issuer", "zone", "origins"];
/// The keys of a user.
pub(super) const USER: &[&str] = &[
    "username",
    "origin",
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
    &["name", "description", "additive", "members", "absent_members", "external_groups"];
/// The keys of a member that is written as a map.
pub(super) const MEMBER: &[&str] = &["username", "origin", "group"];
/// The keys of a mapping.
pub(super) const MAPPING: &[&str] = &["origin", "group"];
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

/// One file's entries.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The `target` block and its key's place.
    pub(super) target: Option<(Mark, Target)>,
    /// Whether there is a `users` key.
    pub(super) users_declared: bool,
    /// What is under `users`.
    pub(super) users: Vec<User>,
    /// What is under `groups`.
    pub(super) groups: Vec<Group>,
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

/// A password and the variable that it comes from.
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
    pub(super) description: Option<At<String>>,
    pub(super) additive: Option<At<bool>>,
    /// `additive` is written and could not be read.
    pub(super) additive_broken: bool,
    pub(super) members: Vec<At<MemberName>>,
    pub(super) absent_members: Option<At<Vec<At<MemberName>>>>,
    pub(super) external_groups: Option<Vec<At<(String, String)>>>,
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
        cx.map(root, "a manifest", TOP, "write `version: 1` first, then `users:` and `groups:`")
    else {
        return document;
    };
    match fields.take("version") {
        Some(entry) => cx.version(&entry),
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
    document
}

/// The known keys of one map that are not yet taken.
struct Fields {
    entries: Vec<Entry>,
    mark: Mark,
}

impl Fields {
    fn take(&mut self, key: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.swap_remove(at))
    }

    /// Returns a text without judging it, to name the entry in messages.
    fn peek(&self, key: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        match &entry.node.value {
            Value::Scalar { text, .. } if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

/// What a text field takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// What identifies something: not empty, no blanks around it.
    Name,
    /// Free text in one line; empty clears.
    Line,
    /// Free text that may have several lines.
    Prose,
    /// An e-mail address.
    Email,
    /// The name of an LDAP or SAML group; blanks around it do not count.
    External,
    /// An address.
    Url,
}

struct Decoder<'a> {
    drafts: &'a mut Drafts,
}

impl Decoder<'_> {
    /// Takes a map apart and reports the keys that it should not have. `what` is a phrase such as "a user".
    fn map(&mut self, node: Node, what: &str, known: &[&str], help: &str) -> Option<Fields> {
        let (mark, kind) = (node.mark, node.kind());
        let null = node.is_null();
        let entries = match node.value {
            Value::Map(entries) => entries,
            Value::Broken => return None,
            Value::Secret(_) => {
                self.secret_here(&node, what);
                return None;
            }
            _ => {
                let found = if null { "there is nothing" } else { kind };
                self.drafts.add(
                    Draft::error(
                        "wrong-type",
                        format!("{what} must be a map of keys and values, not {found}"),
                    )
                    .at(mark)
                    .label(format!("expected a map, found {kind}"))
                    .help(help),
                );
                return None;
            }
        };
        let mut fields = Fields { entries: Vec::with_capacity(entries.len()), mark };
        let named = ["username", "name"].iter().find_map(|key| {
            let entry = entries.iter().find(|entry| entry.key == *key)?;
            match (&entry.node.value, what) {
                (Value::Scalar { text, .. }, "a user" | "a group") if !text.is_empty() => {
                    Some(format!("{} {}", &what[2..], quote(text)))
                }
                _ => None,
            }
        });
        let named = named.unwrap_or_else(|| what.to_owned());
        for entry in entries {
            if known.contains(&entry.key.as_str()) {
                fields.entries.push(entry);
            } else {
                self.unknown(&entry, what, &named, known);
            }
        }
        Some(fields)
    }

    fn unknown(&mut self, entry: &Entry, what: &str, named: &str, known: &[&str]) {
        if entry.key.is_empty() && matches!(entry.node.value, Value::Broken) {
            return;
        }
        let later = match (what, entry.key.as_str()) {
            ("a manifest", "clients") => {
                Some("this version manages users and groups; clients come with a later one")
            }
            ("a manifest", "prune") => {
                Some("this version removes nothing that it does not name; pruning comes with a later one")
            }
            ("a manifest", "variables") => Some(
                "this version takes variables by -v, -l and --vars-env; generated ones come with a later one",
            ),
            ("a user", "state") => Some(
                "this version deletes no users; suspend with `active: false`, and `cluster_access: none`",
            ),
            ("a user", "previously") => {
                Some("this version renames no users; renaming comes with a later one")
            }
            ("a group", "state") => Some("this version deletes no groups; `members: []` takes everyone out"),
            _ => None,
        };
        let near = nearest(&entry.key, known.iter().copied());
        let help = match (later, near) {
            (Some(later), _) => later.to_owned(),
            (None, Some(near)) => format!("did you mean {}?", quote(near)),
            (None, None) => format!("the keys are {}", list(known.iter().copied())),
        };
        // Nobody knows what the value of an unknown key is; shown is only what is surely no secret.
        if (near.is_none() || near == Some("password")) && matches!(entry.node.value, Value::Scalar { .. }) {
            let at = entry.node.mark.defined.unwrap_or(entry.node.mark.at);
            self.drafts.mask(at.file, at.start as usize, at.end as usize);
        }
        let message = match what {
            "a manifest" => format!("unknown key {}", quote(&entry.key)),
            _ => format!("unknown key {} in {named}", quote(&entry.key)),
        };
        self.drafts.add(
            Draft::error("unknown-key", message)
                .at(entry.key_mark)
                .label(format!("not a key of {what}"))
                .help(help),
        );
    }

    /// Takes a list apart.
    fn list(&mut self, entry: Entry, key: &str, of: &str) -> Vec<Node> {
        let kind = entry.node.kind();
        if entry.node.is_null() {
            self.drafts.add(
                Draft::error("null-value", format!("`{key}` of {of} has no value"))
                    .at(entry.key_mark)
                    .label("nothing is written after it")
                    .help(format!(
                        "write `{key}: []` for none, or leave the key away so that it is not managed"
                    )),
            );
            return Vec::new();
        }
        match entry.node.value {
            Value::Seq(items) => items,
            Value::Broken => Vec::new(),
            Value::Secret(_) => {
                self.secret_here(&entry.node, &format!("`{key}`"));
                Vec::new()
            }
            Value::Scalar { .. } | Value::Map(_) => {
                self.drafts.add(
                    Draft::error("wrong-type", format!("`{key}` of {of} must be a list, not {kind}"))
                        .at(entry.node.mark)
                        .label(format!("expected a list, found {kind}"))
                        .help(format!("write `{key}: [a, b]`, or one `- …` a line")),
                );
                Vec::new()
            }
        }
    }

    /// Reports a secret variable where a value could be shown.
    fn secret_here(&mut self, node: &Node, place: &str) {
        let name = node.variable.as_deref().unwrap_or_default();
        self.drafts.add(
            Draft::error(
                "secret-in-plain-field",
                format!("the secret variable {} cannot be used for {place}", quote(name)),
            )
            .at(node.mark)
            .label("values from --vars-env go into `password` only")
            .help("give a value that may be shown with -v or -l"),
        );
    }

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
                names.into_iter().filter_map(|node| self.item(node, "a group", Rule::Name)).collect()
            }
            None => Vec::new(),
        };
        Some(User {
            mark,
            username,
            origin,
            origin_broken,
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
            Some(entry) => self.text(Some(entry), &of, Rule::Name),
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
                let group = self.text(Some(group), "a member", Rule::Name)?;
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

    fn mapping(&mut self, node: Node) -> Option<At<(String, String)>> {
        let mark = node.mark;
        let help = "write `{origin: ldap, group: \"cn=…\"}`";
        let mut fields = self.map(node, "an external group", MAPPING, help)?;
        let (origin, group) = (fields.take("origin"), fields.take("group"));
        for (entry, key) in [(&origin, "origin"), (&group, "group")] {
            if entry.is_none() {
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
        Some(At { value: (origin?.value, group?.value), mark, key: mark })
    }

    fn access(&mut self, entry: Entry, of: &str) -> Option<At<Vec<At<ClusterRole>>>> {
        let (mark, key) = (entry.node.mark, entry.key_mark);
        let help = "write `admin`, `manage`, `read` or `none`, or a list of the first three";
        let items = match entry.node.value {
            Value::Seq(items) => items,
            Value::Scalar { .. } if !entry.node.is_null() => {
                let Some(word) = self.word(&entry.node, of) else { return None };
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

    fn password(&mut self, entry: Entry, of: &str) -> Option<At<Password>> {
        let (mark, key) = (entry.node.mark, entry.key_mark);
        let variable = entry.node.variable.as_deref().map(str::to_owned);
        let (null, kind) = (entry.node.is_null(), entry.node.kind());
        let value = match entry.node.value {
            Value::Broken => return None,
            Value::Secret(value) => value,
            Value::Scalar { text, .. } if !null => SecretString::from(text),
            Value::Scalar { .. } => SecretString::from(String::new()),
            Value::Seq(_) | Value::Map(_) => {
                self.drafts.add(
                    Draft::error("wrong-type", format!("`password` of {of} must be a text, not {kind}"))
                        .at(mark)
                        .label("expected a text")
                        .help("use a variable: `password: ((name))`; quote a password that begins with `[` or `{`"),
                );
                return None;
            }
        };
        let text = value.expose_secret();
        let problem = if text.is_empty() {
            Some(("is empty", "give a value, or leave the key away"))
        } else if text.contains(['\n', '\r']) {
            Some((
                "holds a line break",
                "write it on one line; a YAML block is `|-` without a last line break",
            ))
        } else if text.chars().any(char::is_control) {
            Some(("holds a control character", "nobody could type it"))
        } else if variable.is_none() && (text.contains("((") || text.contains("))"))
            || interpolate::leftover(text)
        {
            Some(("looks like a variable and is none", "a variable is written `((name))`"))
        } else {
            None
        };
        if let Some((what, help)) = problem {
            let from = variable
                .as_deref()
                .map_or_else(String::new, |name| format!(" (the variable {})", quote(name)));
            self.drafts.add(
                Draft::error("bad-password", format!("the password of {of}{from} {what}"))
                    .at(if null && variable.is_none() { key } else { mark })
                    .label(what)
                    .help(help),
            );
            return None;
        }
        if variable.is_none() {
            self.drafts.add(
                Draft::warning("literal-secret", format!("the password of {of} is written in the manifest"))
                    .at(key)
                    .label("everyone who may read this file knows it")
                    .help("write `password: ((name))` and give the value with --vars-env, -l or -v"),
            );
        }
        Some(At { value: Password { value, variable }, mark, key })
    }

    /// Decodes a field that is a text.
    fn text(&mut self, entry: Option<Entry>, of: &str, rule: Rule) -> Option<At<String>> {
        let entry = entry?;
        let name = quote(&entry.key);
        if entry.node.is_null() {
            let clears = matches!(rule, Rule::Line | Rule::Prose);
            let help = if clears {
                format!(
                    "write `{}: \"\"` to clear it, or leave the key away so that it is not managed",
                    entry.key
                )
            } else if entry.node.variable.is_some() {
                "the variable's value is empty: give one".to_owned()
            } else {
                "write a value, or leave the key away".to_owned()
            };
            self.drafts.add(
                Draft::error("null-value", format!("{name} of {of} has no value"))
                    .at(if entry.node.variable.is_some() { entry.node.mark } else { entry.key_mark })
                    .label("nothing is written after it")
                    .help(help),
            );
            return None;
        }
        let mark = entry.node.mark;
        let what = format!("{name} of {of}");
        let value = self.plain(entry.node, &what)?;
        self.judge(value, mark, &what, rule).map(|value| At { value, mark, key: entry.key_mark })
    }

    /// Decodes an item of a list that is a text.
    fn item(&mut self, node: Node, what: &str, rule: Rule) -> Option<At<String>> {
        let mark = node.mark;
        if node.is_null() {
            self.drafts.add(
                Draft::error("null-value", format!("{what} in this list has no value"))
                    .at(mark)
                    .label("an empty item")
                    .help("write a name, or remove the item"),
            );
            return None;
        }
        let value = self.plain(node, what)?;
        self.judge(value, mark, what, rule).map(|value| At { value, mark, key: mark })
    }

    fn plain(&mut self, node: Node, what: &str) -> Option<String> {
        let kind = node.kind();
        match node.value {
            Value::Scalar { text, .. } => Some(text),
            Value::Broken => None,
            Value::Secret(_) => {
                self.secret_here(&node, what);
                None
            }
            Value::Seq(_) | Value::Map(_) => {
                self.drafts.add(
                    Draft::error("wrong-type", format!("{what} must be a text, not {kind}"))
                        .at(node.mark)
                        .label(format!("expected a text, found {kind}"))
                        .help("quote a text that begins with `[` or `{`"),
                );
                None
            }
        }
    }

    /// Judges a text by its rule.
    fn judge(&mut self, value: String, mark: Mark, what: &str, rule: Rule) -> Option<String> {
        let trimmed = value.trim();
        let blank = value.is_empty() || trimmed.is_empty();
        let control = |c: char| c.is_control() && !(rule == Rule::Prose && matches!(c, '\n' | '\t'));
        let wrong = if blank && (!matches!(rule, Rule::Line | Rule::Prose) || !value.is_empty()) {
            Some(if value.is_empty() { "is empty" } else { "is blank" })
        } else if value.chars().any(control) {
            Some("holds a control character")
        } else if value.chars().count() > MAX_CHARS {
            Some("is longer than 255 characters")
        } else if trimmed.len() != value.len() && matches!(rule, Rule::Name | Rule::Email | Rule::Url) {
            Some("begins or ends with a blank")
        } else if rule == Rule::Email && value.contains(char::is_whitespace) {
            Some("is no e-mail address: it holds a blank")
        } else if rule == Rule::Url && !is_address(&value) {
            Some("is no http or https address")
        } else {
            None
        };
        let Some(wrong) = wrong else { return Some(value) };
        let code = match rule {
            Rule::Name | Rule::External => "bad-name",
            Rule::Email => "bad-email",
            Rule::Url => "bad-address",
            Rule::Line | Rule::Prose => "bad-text",
        };
        let help = match rule {
            Rule::Url => Some("write it as the server does in /.well-known/openid-configuration".to_owned()),
            _ => None,
        };
        self.drafts.add(Draft::error(code, format!("{what} {wrong}")).at(mark).label(wrong).maybe_help(help));
        None
    }

    /// Reports a username that UAA refuses in its own user store.
    fn username(&mut self, name: &At<String>, origin: &str) {
        if origin != UAA_ORIGIN {
            return;
        }
        // `[\p{L}+0-9+\-_.@'!]+` of UAA's ScimUtils.
        let allowed = |c: char| {
            c.is_ascii_digit()
                || c.is_alphabetic() && !c.is_numeric()
                || matches!(c, '+' | '-' | '_' | '.' | '@' | '\'' | '!')
        };
        let Some(refused) = name.value.chars().find(|c| !allowed(*c)) else { return };
        self.drafts.add(
            Draft::error(
                "bad-username",
                format!(
                    "the username {} holds {}, which UAA refuses",
                    quote(&name.value),
                    quote(&refused.to_string())
                ),
            )
            .at(name.mark)
            .label("letters, digits and + - _ . @ ' ! only")
            .help("a user of an identity provider needs its `origin`, and may have any name"),
        );
    }

    fn boolean(&mut self, entry: Option<Entry>, of: &str) -> Option<At<bool>> {
        let entry = entry?;
        if let Some(value) = entry.node.as_bool() {
            return Some(At { value, mark: entry.node.mark, key: entry.key_mark });
        }
        let found = match &entry.node.value {
            Value::Broken => return None,
            Value::Secret(_) => {
                self.secret_here(&entry.node, &format!("`{}`", entry.key));
                return None;
            }
            Value::Scalar { .. } if entry.node.is_null() => "nothing".to_owned(),
            Value::Scalar { text, plain } => {
                format!("{} {}", if *plain { "the text" } else { "the quoted text" }, quote(text))
            }
            Value::Seq(_) | Value::Map(_) => entry.node.kind().to_owned(),
        };
        let mark = if entry.node.is_null() { entry.key_mark } else { entry.node.mark };
        self.drafts.add(
            Draft::error("wrong-type", format!("`{}` of {of} must be true or false, not {found}", entry.key))
                .at(mark)
                .label("expected true or false")
                .help("write `true` or `false`, without quotes; yes, no, on and off are texts in YAML 1.2"),
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

fn is_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
