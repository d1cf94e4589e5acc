//! Reading what a plan needs, in as few requests as there can be, all at once.

use std::collections::{BTreeMap, BTreeSet};

use tokio::try_join;

use super::pages::Listing;
use super::session::{Session, ZoneHeader};
use super::users::Found;
use super::{ReadBy, Reader, groups, wire, zone};
use crate::error::Error;
use crate::model::{ExternalGroup, GroupName, Guid, Mapping, Origin, UserKey};
use crate::observed::{Identity, MemberKind, Observed, ObservedGroup, ReadScope, Server};

impl Reader {
    /// Reads what a plan needs.
    ///
    /// # Errors
    /// Any read that is refused, fails, or stays incomplete after a second try: never a partial answer.
    pub async fn observe(&self, scope: &ReadScope) -> Result<Observed, Error> {
        let session = &*self.session;
        let groups_then_zone = async {
            let groups = groups::read(session).await?;
            // Every zone has groups, and each tells its zone: no request is spent on that.
            let zone = match &session.zone {
                ZoneHeader::Id(id) => id.clone(),
                ZoneHeader::None | ZoneHeader::Subdomain(_) => groups.zone.clone().unwrap_or_default(),
            };
            let default_groups = zone::default_groups(session, &zone).await?;
            Ok::<_, Error>((groups, zone, default_groups))
        };
        let ((groups, zone, default_groups), mappings, origins, found) = try_join!(
            groups_then_zone,
            mappings(session),
            origins(session, scope),
            session.find_users(&scope.users, self.read_by),
        )?;
        let names = names(session, scope, &groups.groups, &found, self.read_by).await?;
        let server = Server { zone, ..self.server.clone() };
        let me = Identity {
            client_id: Some(session.credentials.client_id.clone()),
            user: None,
            scopes: session.scopes.clone(),
        };
        Ok(Observed {
            server,
            me,
            users: found.users,
            names,
            groups: groups.groups,
            ambiguous_groups: groups.ambiguous,
            mappings,
            default_groups,
            origins,
        })
    }

    /// Returns how many requests were sent so far, those for the token included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.session.transport.sent()
    }
}

/// Reads all mappings: the list has no maximum (facts §5).
async fn mappings(session: &Session) -> Result<BTreeSet<Mapping>, Error> {
    let listing = Listing {
        path: "/Groups/External",
        page: 100_000,
        id: |row: &wire::MappingRow| format!("{}\n{}\n{}", row.display_name, row.origin, row.external_group),
    };
    let rows = session.list(&listing).await?;
    Ok(rows
        .into_iter()
        .map(|row| Mapping {
            group: GroupName::new(row.display_name),
            origin: Origin::new(row.origin),
            external_group: ExternalGroup::new(&row.external_group),
        })
        .collect())
}

/// Reads which identity providers there are, if some entry's origin depends on it; `None` when the token may not.
async fn origins(session: &Session, scope: &ReadScope) -> Result<Option<BTreeSet<Origin>>, Error> {
    if scope.origins.is_empty() {
        return Ok(None);
    }
    let call = session.get("/identity-providers?rawConfig=false");
    let answer = session.repeatedly(&call).await.map_err(|error| session.transport.explain(&error))?;
    match answer.status {
        200 => {
            let providers: Vec<wire::Provider> = serde_json::from_slice(&answer.body).map_err(|error| {
                Error::new("UAA's answer cannot be read").cause(format!("GET /identity-providers: {error}"))
            })?;
            Ok(Some(providers.into_iter().map(|provider| Origin::new(provider.origin_key)).collect()))
        }
        403 => Ok(None),
        _ => Err(session.unexpected(&call, &answer)),
    }
}

/// Turns the ids of members whose names are asked for into names. Ids without an answer are ghosts.
async fn names(
    session: &Session,
    scope: &ReadScope,
    groups: &BTreeMap<GroupName, ObservedGroup>,
    found: &Found,
    read_by: ReadBy,
) -> Result<BTreeMap<Guid, UserKey>, Error> {
    let mut names: BTreeMap<Guid, UserKey> = BTreeMap::new();
    let mut unknown: BTreeSet<Guid> = BTreeSet::new();
    let known: BTreeMap<&Guid, &UserKey> = found.users.values().map(|user| (&user.id, &user.key)).collect();
    let rows = scope.name_members_of.iter().filter_map(|name| groups.get(name)).flat_map(|group| &group.rows);
    for (id, _) in rows.filter(|(_, row)| row.kind == MemberKind::User) {
        match known.get(id) {
            Some(&key) => drop(names.insert(id.clone(), key.clone())),
            // A complete list that lacks the id: nobody has it.
            None if found.complete => {}
            None => drop(unknown.insert(id.clone())),
        }
    }
    names.extend(session.name_ids(&unknown, read_by).await?);
    Ok(names)
}
