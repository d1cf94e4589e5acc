//! From what was observed to the report: every way into every scope that was asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::choice::{Asked, Choice};
use super::findings;
use super::graph::{Graph, Walk};
use super::known::{Manifest, Word, together};
use super::report::{
    Access, BlindSpot, FORMAT, Holder, How, Known, Nesting, Scope, Summary, Unusable, Way, Who,
};
use crate::client::{ClientField, ClientFields, NONE};
use crate::desired::Desired;
use crate::model::{ClientId, ExternalGroup, GroupName, Guid, Mapping, Origin, UserKey};
use crate::moment::Moment;
use crate::observed::{MemberKind, MemberRow, Observed, ObservedClient, ObservedGroup, ObservedUser};
use crate::plan::default_groups;

/// Grants by which a client gets tokens that are nobody's.
const CLIENT_CREDENTIALS: &str = "client_credentials";

/// What a report is made from.
pub(super) struct Sight<'a> {
    pub(super) observed: &'a Observed,
    pub(super) graph: Graph<'a>,
    pub(super) default_scopes: BTreeSet<GroupName>,
    manifest: Option<Manifest<'a>>,
    users: HashMap<&'a Guid, &'a ObservedUser>,
    mappings: BTreeMap<&'a GroupName, Vec<&'a Mapping>>,
}

/// Who a holder is, in the order of reports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Everyone,
    User(UserKey, Guid),
    ExternalGroup(Origin, ExternalGroup),
    Client(ClientId),
    Ghost(Guid),
}

/// Makes the report.
pub(super) fn make(observed: &Observed, desired: Option<&Desired>, asked: &Asked, now: Moment) -> Access {
    let sight = Sight::new(observed, desired);
    let choice = Choice::new(asked);
    let mut scopes = Vec::new();
    let mut holders = Vec::new();
    for name in sight.scopes(&choice) {
        let walk = sight.graph.inner(sight.graph.giving(&name).iter().copied());
        scopes.push(sight.scope(&name, &walk));
        holders.extend(sight.holders(&name, &walk));
    }
    let groups = findings::of_groups(&sight, &scopes, &holders);
    holders.retain(|holder| choice.holder(holder));
    let mut findings = findings::of_holders(&sight, &holders, asked.stale_days, now);
    findings.extend(groups);
    findings.sort_by_key(|finding| finding.what);
    Access {
        format: FORMAT,
        tool: concat!("uaapply ", env!("CARGO_PKG_VERSION")).to_owned(),
        target: observed.server.clone(),
        made: now,
        asked: asked.clone(),
        manifest_digest: desired.map(|desired| desired.digest.clone()),
        summary: summary(&holders, findings.iter().map(|finding| finding.items.len()).sum()),
        blind_spots: sight.blind_spots(),
        scopes,
        holders,
        findings,
        changes: None,
    }
}

fn summary(holders: &[Holder], findings: usize) -> Summary {
    let mut seen = BTreeSet::new();
    let mut summary = Summary { findings, ..Summary::default() };
    for holder in holders {
        let key = match &holder.who {
            Who::User { id, .. } => format!("user/{id}"),
            who => who.to_string(),
        };
        if seen.insert(key) {
            match &holder.who {
                Who::Everyone => {}
                Who::User { .. } => summary.users += 1,
                Who::ExternalGroup { .. } => summary.external_groups += 1,
                Who::Client { .. } => summary.clients += 1,
                Who::Ghost { .. } => summary.ghosts += 1,
            }
        }
    }
    summary
}

impl<'a> Sight<'a> {
    fn new(observed: &'a Observed, desired: Option<&'a Desired>) -> Self {
        let mut mappings: BTreeMap<&GroupName, Vec<&Mapping>> = BTreeMap::new();
        for mapping in &observed.mappings {
            mappings.entry(&mapping.group).or_default().push(mapping);
        }
        Self {
            observed,
            graph: Graph::new(&observed.groups),
            default_scopes: default_groups(observed).iter().flat_map(GroupName::scopes).collect(),
            manifest: desired.map(Manifest::new),
            users: observed.users.values().map(|user| (&user.id, user)).collect(),
            mappings,
        }
    }

    /// Returns the scopes that were asked for: those of groups, of clients' authorities and of everyone, and those that
    /// were named.
    fn scopes(&self, choice: &Choice<'_>) -> BTreeSet<GroupName> {
        let groups = self.graph.scopes().map(|(scope, _)| scope.clone());
        let authorities = self
            .observed
            .clients
            .values()
            .flat_map(|client| texts(&client.fields, &ClientField::Authorities));
        let authorities = authorities.filter(|&name| name != NONE).map(|name| GroupName::new(name.as_str()));
        // The spelling of a group stays where several are of one name.
        let mut scopes: BTreeSet<GroupName> = BTreeSet::new();
        for scope in groups.chain(self.default_scopes.iter().cloned()).chain(authorities) {
            if choice.scope(&scope) && !scopes.contains(&scope) {
                scopes.insert(scope);
            }
        }
        for scope in choice.named() {
            if !scopes.contains(&scope) {
                scopes.insert(scope);
            }
        }
        scopes
    }

    fn scope(&self, name: &GroupName, walk: &Walk<'_>) -> Scope {
        let mut nested = BTreeSet::new();
        for &outer in &walk.groups {
            for inner in self.graph.nested(outer) {
                nested.insert(Nesting {
                    group: inner.name.clone(),
                    nested_in: outer.name.clone(),
                    manifest: self.manifest.as_ref().map(|manifest| manifest.nesting(outer, inner).0),
                });
            }
        }
        let carries = |client: &&ObservedClient| {
            let tokens_of_users = texts(&client.fields, &ClientField::AuthorizedGrantTypes)
                .any(|grant| grant != CLIENT_CREDENTIALS && grant != "refresh_token");
            tokens_of_users
                && texts(&client.fields, &ClientField::Scope).any(|pattern| carries(pattern, name.as_str()))
        };
        Scope {
            scope: name.clone(),
            groups: self.graph.giving(name).iter().map(|group| group.name.clone()).collect(),
            nested: nested.into_iter().collect(),
            through: self.observed.clients.values().filter(carries).map(|client| client.id.clone()).collect(),
        }
    }

    fn holders(&self, scope: &GroupName, walk: &Walk<'a>) -> Vec<Holder> {
        let mut found: BTreeMap<Key, BTreeSet<Way>> = BTreeMap::new();
        let mut add = |key, how, path, word| {
            found.entry(key).or_default().insert(self.way(how, path, word));
        };
        if self.default_scopes.contains(scope) {
            add(Key::Everyone, How::DefaultGroup, vec![scope.clone()], vec![(Known::Kept, None)]);
        }
        for &group in &walk.groups {
            let path = walk.path(group);
            let names: Vec<GroupName> = path.iter().map(|group| group.name.clone()).collect();
            let onward = |first: Option<Word<'a>>| -> Vec<Word<'a>> {
                let steps = path.windows(2).map(|step| (step[1], step[0]));
                let steps =
                    steps.filter_map(|(outer, inner)| Some(self.manifest.as_ref()?.nesting(outer, inner)));
                first.into_iter().chain(steps).collect()
            };
            for (id, row) in group.rows.iter().filter(|(_, row)| row.kind == MemberKind::User) {
                let user = self.user(id);
                let word = self.manifest.as_ref().map(|manifest| manifest.user_row(group, user, row));
                let key = match user {
                    Some(user) => Key::User(user.clone(), id.clone()),
                    None => Key::Ghost(id.clone()),
                };
                add(key, how(row, path.len()), names.clone(), onward(word));
            }
            for &mapping in self.mappings.get(&group.name).into_iter().flatten() {
                let word = self.manifest.as_ref().map(|manifest| manifest.mapping(mapping));
                let key = Key::ExternalGroup(mapping.origin.clone(), mapping.external_group.clone());
                add(key, How::Mapping, names.clone(), onward(word));
            }
        }
        for client in self.observed.clients.values() {
            let mut authorities = texts(&client.fields, &ClientField::Authorities);
            if authorities.any(|name| GroupName::new(name.as_str()) == *scope) {
                let word = self.manifest.as_ref().map(|manifest| manifest.authority(&client.id, scope));
                add(Key::Client(client.id.clone()), How::Authority, Vec::new(), word.into_iter().collect());
            }
        }
        let holder = |(key, ways): (Key, BTreeSet<Way>)| Holder {
            scope: scope.clone(),
            who: self.who(key),
            ways: ways.into_iter().collect(),
        };
        found.into_iter().map(holder).collect()
    }

    fn way(&self, how: How, path: Vec<GroupName>, words: Vec<Word<'_>>) -> Way {
        let word = self.manifest.as_ref().map(|_| together(words));
        Way {
            how,
            path,
            manifest: word.map(|(known, _)| known),
            because: word.and_then(|(_, because)| because.cloned()),
        }
    }

    fn user(&self, id: &Guid) -> Option<&'a UserKey> {
        self.users.get(id).map(|user| &user.key).or_else(|| self.observed.names.get(id))
    }

    fn who(&self, key: Key) -> Who {
        let history = self.observed.history.as_ref();
        match key {
            Key::Everyone => Who::Everyone,
            Key::User(user, id) => {
                let found = self.users.get(&id);
                let name = found.map(|user| format!("{} {}", user.given_name, user.family_name));
                Who::User {
                    user,
                    name: name.map(|name| name.trim().to_owned()).unwrap_or_default(),
                    email: found.map(|user| user.email.clone()).unwrap_or_default(),
                    active: found.map(|user| user.active),
                    times: history.and_then(|history| history.users.get(&id).cloned()),
                    id,
                }
            }
            Key::ExternalGroup(origin, external_group) => Who::ExternalGroup { origin, external_group },
            Key::Client(client_id) => {
                let fields = self.observed.clients.get(&client_id).map(|client| &client.fields);
                let mut grants =
                    fields.into_iter().flat_map(|fields| texts(fields, &ClientField::AuthorizedGrantTypes));
                let unusable = (!grants.any(|grant| grant == CLIENT_CREDENTIALS))
                    .then_some(Unusable::NoClientCredentials);
                let changed = history.and_then(|history| history.clients.get(&client_id).copied());
                Who::Client { client_id, unusable, changed }
            }
            Key::Ghost(id) => Who::Ghost { id },
        }
    }

    /// Tells whether anybody comes in through a row or mapping of this very group.
    pub(super) fn lets_in(&self, group: &ObservedGroup) -> bool {
        let mut users = group.rows.iter().filter(|(_, row)| row.kind == MemberKind::User);
        users.any(|(id, _)| self.user(id).is_some()) || self.mappings.contains_key(&group.name)
    }

    fn blind_spots(&self) -> Vec<BlindSpot> {
        let spots = [
            (self.observed.default_groups.is_none(), BlindSpot::DefaultGroups),
            (self.observed.origins.is_none(), BlindSpot::Origins),
            (self.observed.history.is_none(), BlindSpot::History),
            (!self.observed.ambiguous_groups.is_empty(), BlindSpot::AmbiguousGroups),
        ];
        spots.into_iter().filter(|(is, _)| *is).map(|(_, spot)| spot).collect()
    }
}

fn how(row: &MemberRow, steps: usize) -> How {
    match (row.origin.is_uaa(), steps) {
        (false, _) => How::Login,
        (true, 1) => How::Direct,
        (true, _) => How::Nested,
    }
}

/// The texts of a property that is a set.
fn texts<'f>(fields: &'f ClientFields, field: &ClientField) -> impl Iterator<Item = &'f String> {
    fields.get(field).and_then(|value| value.as_set()).into_iter().flatten()
}

/// Tells whether a client's `scope` lets a scope into its users' tokens: `*` is one part of a name between dots. In
/// authorities UAA takes it literally.
fn carries(pattern: &str, scope: &str) -> bool {
    let (pattern, scope) = (pattern.to_lowercase(), scope.to_lowercase());
    let (mut ours, mut theirs) = (pattern.split('.'), scope.split('.'));
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some(ours), Some(theirs)) => {
                let filled = !ours.contains('*') || !theirs.is_empty();
                if !filled || !crate::export::Pattern::new(ours).matches(theirs) {
                    return false;
                }
            }
            (None, Some(_)) | (Some(_), None) => return false,
        }
    }
}

#[cfg(test)]
mod pattern {
    use super::carries;

    #[test]
    fn a_star_in_a_clients_scope_is_one_part_of_a_name() {
        for (pattern, scope, is) in [
            ("pks.clusters.admin", "pks.clusters.admin", true),
            ("pks.clusters.*", "pks.clusters.admin", true),
            ("pks.clusters.*", "pks.clusters.admin.read", false),
            ("pks.*", "pks.clusters.admin", false),
            ("*", "acme", true),
            ("*", "pks.clusters.admin", false),
            ("*.clusters.*", "pks.clusters.admin", true),
            ("pks.clusters.admin.*", "pks.clusters.admin", false),
        ] {
            assert_eq!(carries(pattern, scope), is, "{pattern} {scope}");
        }
    }
}
