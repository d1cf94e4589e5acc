//! What cannot come back, by name.

use std::collections::{BTreeMap, BTreeSet};

use super::past::{Fate, is_secret};
use super::{Lost, LostWhy, Undo};
use crate::client::ClientField;
use crate::model::KeyPart;
use crate::plan::only::Only;
use crate::plan::{Action, Kind, Object, Plan, Presence};

impl Undo {
    /// Returns what the way back that is planned lacks, of what `only` names.
    pub(super) fn lost(&self, skipped: &BTreeSet<Object>, plan: &Plan, only: &Only) -> Vec<Lost> {
        let mut lost: BTreeMap<(LostWhy, Kind), BTreeSet<String>> = BTreeMap::new();
        let mut lose = |why, kind, key: &str| {
            lost.entry((why, kind)).or_default().insert(key.to_owned());
        };
        for change in &plan.changes {
            let Object::User { origin, .. } = &change.object else {
                match change.action {
                    Action::CreateGroup => lose(LostWhy::NewId, Kind::Group, &change.key),
                    Action::CreateClient => lose(LostWhy::NewClientSecret, Kind::Client, &change.key),
                    _ => {}
                }
                continue;
            };
            if change.action == Action::CreateUser {
                lose(LostWhy::NewId, Kind::User, &change.key);
                if origin.is_uaa() {
                    lose(LostWhy::Password, Kind::User, &change.key);
                }
            }
        }
        for client in self.past.secrets.iter().filter(|client| only.settles(client)) {
            lose(LostWhy::ClientSecret, Kind::Client, &KeyPart(client.as_str()).to_string());
        }
        for (id, thing) in self.past.clients.iter().filter(|(id, _)| only.settles(id)) {
            let key = KeyPart(id.as_str()).to_string();
            let there = plan.changes.iter().any(|change| change.object == Object::from(id));
            match thing.fate {
                Fate::Created => continue,
                Fate::Deleted if !there => {
                    if !thing.knows_who_may_come_in() {
                        lose(LostWhy::NotInReport, Kind::Client, &key);
                    }
                    continue;
                }
                Fate::Updated | Fate::Deleted => {}
            }
            for (name, trace) in &thing.fields {
                let salt = *name == ClientField::TokenSalt.name();
                let had = match thing.fate {
                    Fate::Deleted => is_secret(&trace.before),
                    Fate::Updated | Fate::Created => is_secret(&trace.before) || is_secret(&trace.after),
                };
                match (salt, had) {
                    (true, true) => lose(LostWhy::TokenSalt, Kind::Client, &key),
                    (false, true) => lose(LostWhy::Secret, Kind::Client, &key),
                    (_, false) => {}
                }
            }
        }
        for (row, past) in &self.past.rows {
            if past.derived && past.before == Presence::Present && only.names(&Object::from(row)) {
                lose(LostWhy::DerivedMembership, Kind::Member, &row.to_string());
            }
        }
        for (name, thing) in &self.past.groups {
            let object = Object::from(name);
            if super::judge::unnamed(thing) && only.names(&object) && !skipped.contains(&object) {
                lose(LostWhy::UnnamedMembers, Kind::Group, &KeyPart(name.as_str()).to_string());
            }
        }
        for (kind, key, object) in self.past.ended.iter().filter(|(.., object)| only.names(object)) {
            if !skipped.contains(object) {
                lose(LostWhy::Tokens, *kind, key);
            }
        }
        let speak = |((why, kind), items): ((LostWhy, Kind), BTreeSet<String>)| Lost {
            why,
            kind,
            items: items.into_iter().collect(),
        };
        lost.into_iter().map(speak).collect()
    }
}
