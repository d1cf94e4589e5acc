//! A policy file → [`Policy`]: what the rails judge by, apart from the manifests that they judge.
//!
//! Read as manifests are, with the same places and frames; knows no variables. What it does not say stays as the
//! built-in defaults have it. A policy is trusted: whoever may change it decides what is safe.

use std::collections::BTreeSet;
use std::path::Path;

use super::Problems;
use super::decode::At;
use super::field::{Decoder, Fields, Rule};
use super::problem::{Draft, Drafts, Mark, list, nearest, quote};
use super::source::{Kind as TextKind, Texts, read_files};
use super::tree::{self, Entry, Node, Value};
use crate::model::{GroupName, Member, Origin, UserKey, Username};
use crate::plan::Kind;
use crate::plan::policy::{MustHave, NamePattern, Policy};

/// The keys of a policy.
pub(super) const POLICY: &[&str] =
    &["version", "privileged", "removals", "protected", "members", "owners", "prune"];
/// The keys of `privileged`.
pub(super) const PRIVILEGED: &[&str] = &["add", "remove"];
/// The keys of `removals`.
pub(super) const REMOVALS: &[&str] = &["percent", "least", "most"];
/// The keys of a group under `members`.
pub(super) const MUST_HAVE: &[&str] = &["minimum", "required"];
/// The keys of `prune`, and the kinds that they mean.
pub(super) const PRUNE: [(&str, Kind); 3] =
    [("users", Kind::User), ("groups", Kind::Group), ("clients", Kind::Client)];

/// Numbers of removals beyond this are no limit any more.
const MOST: usize = 1_000_000;

/// Reads and checks a policy file.
///
/// # Errors
/// All problems of the file together.
pub fn load_policy(path: &Path) -> Result<Policy, Problems> {
    let (mut texts, mut drafts) = (Texts::default(), Drafts::default());
    read_files(&[path.to_owned()], TextKind::Policy, &mut texts, &mut drafts);
    check(texts, drafts)
}

/// Checks a text that is already read, if it could be.
pub(super) fn check(mut texts: Texts, mut drafts: Drafts) -> Result<Policy, Problems> {
    let mut policy = Policy::default();
    for file in texts.of_kind(TextKind::Policy) {
        if let Some(root) = tree::parse(&texts, file, &mut drafts) {
            Decoder { drafts: &mut drafts }.policy(root, &mut policy);
        }
        texts.close(file, &mut drafts);
    }
    let (errors, _) = drafts.finish(&texts, &[]);
    if errors.is_empty() { Ok(policy) } else { Err(Problems(errors)) }
}

impl Decoder<'_> {
    fn policy(&mut self, root: Node, policy: &mut Policy) {
        let help = "write keys such as `privileged:`, `protected:` and `members:`";
        let Some(mut fields) = self.map(root, "a policy", POLICY, help) else { return };
        if let Some(entry) = fields.take("version") {
            self.number(entry, "the policy", 1..=1);
        }
        if let Some(entry) = fields.take("privileged") {
            self.privileged(entry, policy);
        }
        if let Some(entry) = fields.take("removals") {
            self.removals(entry, policy);
        }
        if let Some(entry) = fields.take("protected") {
            policy.protected = self.name_patterns(entry, "the policy");
        }
        if let Some(entry) = fields.take("members") {
            self.must_have(entry, policy);
        }
        if let Some(entry) = fields.take("owners") {
            self.owners(entry, policy);
        }
        if let Some(entry) = fields.take("prune") {
            self.may_prune(entry, policy);
        }
    }

    fn privileged(&mut self, entry: Entry, policy: &mut Policy) {
        let help = "write `privileged: {add: [pks.clusters.admin]}`";
        let Some(mut fields) = self.below(entry, "`privileged`", PRIVILEGED, help) else { return };
        let added = self.scopes(&mut fields, "add");
        for At { value, .. } in &added {
            policy.add_privileged(value);
        }
        for At { value, mark, .. } in self.scopes(&mut fields, "remove") {
            let both = added.iter().find(|added| added.value.eq_ignore_ascii_case(&value));
            if let Some(both) = both {
                self.drafts.add(
                    Draft::error("contradiction", format!("{} is both added and removed", quote(&value)))
                        .at(mark)
                        .label("removed here")
                        .also(both.mark, "added here")
                        .help("write one of the two"),
                );
                continue;
            }
            let known: Vec<String> = policy.privileged.clone();
            if !policy.remove_privileged(&value) {
                let near = nearest(&value, known.iter().map(String::as_str));
                self.drafts.add(
                    Draft::error("not-privileged", format!("nothing privileged is called {}", quote(&value)))
                        .at(mark)
                        .label("removes nothing")
                        .help(match near {
                            Some(near) => format!("did you mean {}?", quote(near)),
                            None => "remove the line".to_owned(),
                        }),
                );
            }
        }
    }

    fn scopes(&mut self, fields: &mut Fields, key: &str) -> Vec<At<String>> {
        let Some(entry) = fields.take(key) else { return Vec::new() };
        let items = self.list(entry, key, "`privileged`");
        items.into_iter().filter_map(|node| self.item(node, "a scope", Rule::Scope)).collect()
    }

    fn removals(&mut self, entry: Entry, policy: &mut Policy) {
        let help = "write `removals: {percent: 25, least: 2, most: 10}`";
        let Some(mut fields) = self.below(entry, "`removals`", REMOVALS, help) else { return };
        let mut set = |key: &str, range, place: &mut usize| {
            let number = fields.take(key).and_then(|entry| self.number(entry, "`removals`", range));
            *place = number.unwrap_or(*place);
        };
        set("percent", 0..=100, &mut policy.removal_percent);
        set("least", 1..=MOST, &mut policy.removal_at_least);
        set("most", 0..=MOST, &mut policy.removal_at_most);
    }

    fn must_have(&mut self, entry: Entry, policy: &mut Policy) {
        let help = "write `members: {pks.clusters.admin: {minimum: 2, required: [breakglass]}}`";
        let mut seen: Vec<(GroupName, Mark)> = Vec::new();
        for entry in self.free(entry, "`members`", help) {
            let key = entry.key_mark;
            let Some(name) = self.judge(entry.key.clone(), key, "a group", Rule::Name) else { continue };
            let (of, name) = (format!("`members` of {}", quote(&name)), GroupName::new(name));
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
                self.drafts.add(
                    Draft::error("duplicate-key", format!("{of} is written twice"))
                        .at(key)
                        .label("the second time")
                        .also(*first, "the first time")
                        .help("groups are compared ignoring case; write it once"),
                );
                continue;
            }
            seen.push((name.clone(), key));
            let Some(mut fields) = self.below(entry, &of, MUST_HAVE, "write `{minimum: 2}`") else {
                continue;
            };
            let minimum = fields.take("minimum");
            let minimum = minimum.and_then(|entry| self.number(entry, &of, 1..=MOST)).unwrap_or_default();
            let required = fields.take("required").map(|entry| self.list(entry, "required", &of));
            let mut members = BTreeSet::new();
            for node in required.unwrap_or_default() {
                let name = self.item(node, "a member", Rule::Name);
                members.extend(name.and_then(|name| self.member_name(&name)));
            }
            policy.members.insert(name, MustHave { minimum, required: members });
        }
    }

    /// Reads `NAME`, `ORIGIN/NAME` or `group:NAME`.
    fn member_name(&mut self, member: &At<String>) -> Option<Member> {
        let text = &member.value;
        let parts = match (text.strip_prefix("group:"), text.split_once('/')) {
            (Some(group), _) => (!group.is_empty()).then(|| Member::Group(GroupName::new(group))),
            (None, Some((origin, name))) => (!origin.is_empty() && !name.is_empty())
                .then(|| Member::User(UserKey::new(Origin::new(origin), Username::new(name)))),
            (None, None) => Some(Member::User(UserKey::new(Origin::uaa(), Username::new(text.as_str())))),
        };
        if parts.is_none() {
            self.drafts.add(
                Draft::error("bad-name", format!("{} names no member", quote(text)))
                    .at(member.mark)
                    .label("a part is empty")
                    .help("write NAME (origin uaa), ORIGIN/NAME or group:NAME"),
            );
        }
        parts
    }

    fn owners(&mut self, entry: Entry, policy: &mut Policy) {
        let help = "write `owners: {team-a.yml: [group/team-a.*]}`";
        for entry in self.free(entry, "`owners`", help) {
            let of = format!("`owners` of {}", quote(&entry.key));
            let Some(file) = self.judge(entry.key.clone(), entry.key_mark, "a file", Rule::Name) else {
                continue;
            };
            let names = self.name_patterns(entry, &of);
            policy.owners.insert(file, names);
        }
    }

    fn name_patterns(&mut self, entry: Entry, of: &str) -> Vec<NamePattern> {
        let key = entry.key.clone();
        let mut patterns = Vec::new();
        for node in self.list(entry, &key, of) {
            let Some(At { value, mark, .. }) = self.item(node, "a name", Rule::Name) else { continue };
            let Some(pattern) = NamePattern::new(&value) else {
                let kinds = || NamePattern::KINDS.into_iter().map(|(word, _)| word);
                let near =
                    value.split_once('/').and_then(|(word, rest)| Some((nearest(word, kinds())?, rest)));
                let help = match near.filter(|(_, rest)| !rest.is_empty()) {
                    Some((word, rest)) => format!("did you mean {}?", quote(&format!("{word}/{rest}"))),
                    None => format!("the kinds are {}, as in `user/ldap/alana`", list(kinds())),
                };
                self.drafts.add(
                    Draft::error("bad-name", format!("{} is not of the form KIND/NAME", quote(&value)))
                        .at(mark)
                        .label("expected KIND/NAME")
                        .help(help),
                );
                continue;
            };
            patterns.push(pattern);
        }
        patterns
    }

    fn may_prune(&mut self, entry: Entry, policy: &mut Policy) {
        let keys = PRUNE.map(|(key, _)| key);
        let Some(mut fields) = self.below(entry, "`prune`", &keys, "write `prune: {users: true}`") else {
            return;
        };
        for (key, kind) in PRUNE {
            if self.boolean(fields.take(key), "`prune`").is_some_and(|may| may.value) {
                policy.prune.insert(kind);
            }
        }
    }

    /// Takes the map under a key apart.
    fn below(&mut self, entry: Entry, what: &str, known: &[&str], help: &str) -> Option<Fields> {
        let mut node = entry.node;
        if node.is_null() {
            node.mark = entry.key_mark;
        }
        self.map(node, what, known, help)
    }

    /// Takes a map apart whose keys are names.
    fn free(&mut self, entry: Entry, what: &str, help: &str) -> Vec<Entry> {
        let keys: Vec<String> = match &entry.node.value {
            Value::Map(entries) => entries.iter().map(|entry| entry.key.clone()).collect(),
            Value::Scalar { .. } | Value::Secret(_) | Value::Seq(_) | Value::Broken => Vec::new(),
        };
        let known: Vec<&str> = keys.iter().map(String::as_str).collect();
        let Some(mut fields) = self.below(entry, what, &known, help) else { return Vec::new() };
        known.iter().filter_map(|key| fields.take(key)).collect()
    }

    fn number(&mut self, entry: Entry, of: &str, range: std::ops::RangeInclusive<usize>) -> Option<usize> {
        let found = match &entry.node.value {
            Value::Broken => return None,
            Value::Scalar { text, plain: true } => match text.parse::<usize>() {
                Ok(number) if range.contains(&number) => return Some(number),
                _ if entry.node.is_null() => "nothing".to_owned(),
                _ => quote(text),
            },
            Value::Scalar { text, plain: false } => format!("the quoted text {}", quote(text)),
            Value::Secret(_) | Value::Seq(_) | Value::Map(_) => entry.node.kind().to_owned(),
        };
        let expected = match (range.start(), range.end()) {
            (least, most) if least == most => format!("the number {least}"),
            (least, &MOST) => format!("a whole number, at least {least}"),
            (least, most) => format!("a whole number from {least} to {most}"),
        };
        self.drafts.add(
            Draft::error("wrong-type", format!("`{}` of {of} must be {expected}, not {found}", entry.key))
                .at(if entry.node.is_null() { entry.key_mark } else { entry.node.mark })
                .label(format!("expected {expected}")),
        );
        None
    }
}
