//! The `prune` block: what is removed because no manifest names it.
//!
//! Decides its form, and that each kind is pruned only by a manifest that says which of that kind stay. What is pruned
//! in the end depends on the server: `plan` decides that.

use super::decode::At;
use super::field::{Decoder, Rule};
use super::problem::{Draft, Mark, quote};
use super::resolve::Resolver;
use super::tree::{Entry, Node};
use crate::desired::{self, PruneAction};
use crate::model::Origin;

/// The keys of `prune`.
pub(super) const PRUNE: &[&str] = &["users", "groups", "clients"];
/// The keys of its `users`.
pub(super) const PRUNE_USERS: &[&str] = &["origins", "except", "action"];

/// The `prune` block as written.
#[derive(Debug, Default)]
pub(super) struct Prune {
    users: Option<At<Users>>,
    groups: Option<At<Vec<At<String>>>>,
    clients: Option<At<Vec<At<String>>>>,
}

/// Its `users`.
#[derive(Debug)]
struct Users {
    origins: Vec<At<String>>,
    except: Vec<At<String>>,
    action: PruneAction,
}

impl Decoder<'_> {
    /// Decodes the block.
    pub(super) fn prune(&mut self, entry: Entry) -> Option<Prune> {
        let help = "write the keys `users`, `groups` and `clients` below it, indented";
        let mut fields = self.map(marked(entry), "`prune`", PRUNE, help)?;
        let users = fields.take("users").and_then(|entry| self.prune_users(entry));
        let groups = fields.take("groups").and_then(|entry| self.patterns(entry, Rule::Scope, "`prune`"));
        let clients = fields.take("clients").and_then(|entry| self.patterns(entry, Rule::Name, "`prune`"));
        Some(Prune { users, groups, clients })
    }

    fn prune_users(&mut self, entry: Entry) -> Option<At<Users>> {
        let (mark, key) = (entry.node.mark, entry.key_mark);
        let of = "`users` of `prune`";
        let help = "write `users: {origins: [uaa], action: deactivate}`";
        let mut fields = self.map(marked(entry), of, PRUNE_USERS, help)?;
        let except = fields.take("except").map(|entry| {
            let items = self.list(entry, "except", of);
            items.into_iter().filter_map(|node| self.item(node, "a pattern", Rule::Name)).collect()
        });
        let words = [("deactivate", PruneAction::Deactivate), ("delete", PruneAction::Delete)];
        let action = self.choice(fields.take("action"), of, &words);
        let origins = match fields.take("origins") {
            Some(entry) => self.patterns(entry, Rule::Name, of)?.value,
            None => {
                self.drafts.add(
                    Draft::error("missing-key", format!("{of} has no `origins`"))
                        .at(key)
                        .label("users of which identity providers?")
                        .help("add `origins: [uaa]`"),
                );
                return None;
            }
        };
        let value = Users {
            origins,
            except: except.unwrap_or_default(),
            action: action.map_or(PruneAction::Deactivate, |action| action.value),
        };
        Some(At { value, mark, key })
    }

    /// Decodes a list that must name something.
    fn patterns(&mut self, entry: Entry, rule: Rule, of: &str) -> Option<At<Vec<At<String>>>> {
        let (mark, key, name) = (entry.node.mark, entry.key_mark, entry.key.clone());
        let null = entry.node.is_null();
        let items = self.list(entry, &name, of);
        if items.is_empty() && !null {
            self.drafts.add(
                Draft::error("prunes-nothing", format!("`{name}` of {of} is an empty list"))
                    .at(mark)
                    .label("nothing is pruned")
                    .help("name what is pruned (`*` stands for any text), or remove the key"),
            );
        }
        let value = items.into_iter().filter_map(|node| self.item(node, "a pattern", rule)).collect();
        Some(At { value, mark, key })
    }
}

/// Returns the value, at its key's place if there is none.
fn marked(entry: Entry) -> Node {
    let mut node = entry.node;
    if node.is_null() {
        node.mark = entry.key_mark;
    }
    node
}

impl Resolver<'_> {
    /// Takes a file's block in; a second one is an error.
    pub(super) fn prune(&mut self, first: &mut Option<Mark>, (mark, prune): (Mark, Prune)) {
        if let Some(first) = first {
            self.drafts.add(
                Draft::error("duplicate-prune", "`prune` is written twice")
                    .at(mark)
                    .label("the second time")
                    .also(*first, "the first time")
                    .help("write it once; it holds for all files"),
            );
            return;
        }
        *first = Some(mark);
        let texts = |items: Vec<At<String>>| items.into_iter().map(|item| item.value);
        let users = prune.users.map(|At { value: Users { origins, except, action }, mark, key }| At {
            value: desired::PruneUsers {
                origins: texts(origins).map(Origin::new).collect(),
                except: texts(except).collect(),
                action,
            },
            mark,
            key,
        });
        let patterns = |at: At<Vec<At<String>>>| At {
            value: texts(at.value).collect::<Vec<_>>(),
            mark: at.mark,
            key: at.key,
        };
        for (kind, key) in [
            ("users", users.as_ref().map(|at| at.key)),
            ("groups", prune.groups.as_ref().map(|at| at.key)),
            ("clients", prune.clients.as_ref().map(|at| at.key)),
        ] {
            self.pruned.extend(key.map(|key| (kind, key)));
        }
        self.desired.prune = desired::Prune {
            users: self.said(users),
            groups: self.said(prune.groups.map(patterns)),
            clients: self.said(prune.clients.map(patterns)),
        };
    }

    /// A manifest that says of no user that it stays would prune them all.
    pub(super) fn prune_needs_its_kind(&mut self) {
        for (kind, mark) in std::mem::take(&mut self.pruned) {
            let stays = match kind {
                "users" => !self.user_marks.keys().all(|key| self.absent_users.contains_key(key)),
                "groups" => !self.group_marks.keys().all(|name| self.absent_groups.contains_key(name)),
                _ => !self.desired.clients.is_empty(),
            };
            if !stays {
                let kind_quoted = quote(kind);
                self.drafts.add(
                    Draft::error(
                        "prunes-all",
                        format!("`prune` has {kind_quoted}, and no entry names one that stays"),
                    )
                    .at(mark)
                    .label("this would prune them all")
                    .help(format!("describe the {kind} that stay under `{kind}:`, or remove this line")),
                );
            }
        }
    }
}
