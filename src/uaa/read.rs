//! Everything a plan needs to know of the server, in few requests.
//!
//! Decides how users are read (listed, or looked up by name) and that the result is the same either way for all that
//! was asked for. Never writes, and never gives a partial answer.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use tokio::try_join;

use super::authority::DEFAULT_ZONE;
use super::list::{Listing, PAGE};
use super::session::Looking;
use super::{DefaultGroups, ReadBy, clients, trouble, wire, zone};
use crate::error::Error;
use crate::model::{GroupName, Guid, Mapping, Origin, UserKey};
use crate::observed::{MemberKind, Observed, ObservedGroup, ObservedUser, ReadScope, Server};

/// The longest encoded filter. Request line and headers share 8 KB in a plain Tomcat (facts §3.7), of which our own
/// headers and the rest of the address take less than 1 KB: as much as a filter is left for what proxies add.
const FILTER_BYTES: usize = 4500;

/// The most terms of a filter: the parser recurses once for each (facts §3.4). 150 took 219 ms.
const FILTER_TERMS: usize = 150;

/// As many look-ups as are made without asking how long the list is.
pub(super) const FEW: usize = 2;

/// How many mappings are asked for at once: that list has no maximum (facts §5).
const ALL_MAPPINGS: usize = 100_000;

/// What is read of groups and mappings.
pub(super) struct Groups {
    pub(super) groups: BTreeMap<GroupName, ObservedGroup>,
    pub(super) ambiguous: BTreeSet<GroupName>,
    pub(super) mappings: BTreeSet<Mapping>,
    pub(super) zone: Option<String>,
}

/// Users found.
pub(super) struct Users {
    pub(super) found: Vec<ObservedUser>,
    /// Members whose ids were asked for on the way: who is not among the found is a ghost.
    pub(super) asked: BTreeSet<Guid>,
}

/// Reads what `scope` asks for. `default_groups` saves a request if they are known already.
pub(super) async fn observe(
    looking: &Looking,
    read_by: ReadBy,
    server: &Server,
    default_groups: Option<DefaultGroups>,
    scope: &ReadScope,
) -> Result<Observed, Error> {
    let token = looking.token().await?;
    let origins = async {
        match scope.origins.is_empty() {
            true => Ok(None),
            false => zone::read_origins(looking).await,
        }
    };
    let read_users_by = if scope.all_users { ReadBy::List } else { read_by };
    let others = async {
        let (groups, users) = read_groups_and_users(looking, read_users_by, scope).await?;
        // --target can be the host of a zone of its own: the groups tell.
        let zone_id = groups.zone.clone().or_else(|| looking.zone().map(str::to_owned));
        let zone_id = zone_id.unwrap_or_else(|| DEFAULT_ZONE.to_owned());
        let default_groups = async {
            match default_groups {
                Some(known) => Ok(known),
                None => zone::read_default_groups(looking, &token.scopes, &zone_id).await,
            }
        };
        let names = read_names(looking, read_by, &groups.groups, scope, &users);
        let (names, default_groups) = try_join!(names, default_groups)?;
        Ok::<_, Error>((groups, users, zone_id, names, default_groups))
    };
    let clients = clients::read(looking, read_by, &scope.clients);
    let ((groups, users, zone_id, names, default_groups), clients, origins) =
        try_join!(others, clients, origins)?;
    let mut ambiguous_users = BTreeSet::new();
    Ok(Observed {
        server: Server { zone: zone_id, ..server.clone() },
        me: looking.identity(token),
        zone_by_header: looking.zone().is_some(),
        users: by_name(users, &scope.users, &mut ambiguous_users)?,
        ambiguous_users,
        names,
        groups: groups.groups,
        ambiguous_groups: groups.ambiguous,
        mappings: groups.mappings,
        clients,
        client_secrets_wrong: None,
        default_groups,
        origins,
    })
}

/// Groups and users: one after the other where one request can find both the users that are asked for and the
/// members without a name, else at once.
async fn read_groups_and_users(
    looking: &Looking,
    read_by: ReadBy,
    scope: &ReadScope,
) -> Result<(Groups, Users), Error> {
    // Some names cannot be looked up for certain; then only the list is.
    let names = name_terms(scope.users.iter());
    let few = |terms: &BTreeSet<String>| filters(terms.iter().cloned()).len() == 1;
    match (read_by, names) {
        (ReadBy::LookUp, Some(names)) if !names.is_empty() => {
            read_groups_then_users(looking, names, scope).await
        }
        (ReadBy::Fewest, Some(names)) if !names.is_empty() && few(&names) => {
            read_groups_then_users(looking, names, scope).await
        }
        (_, names) => try_join!(read_groups(looking), read_users(looking, read_by, names)),
    }
}

/// Looks up users by name, and in the same requests the members by id where that takes none more.
async fn read_groups_then_users(
    looking: &Looking,
    names: BTreeSet<String>,
    scope: &ReadScope,
) -> Result<(Groups, Users), Error> {
    let groups = read_groups(looking).await?;
    let mut asked: BTreeSet<Guid> = members(&groups.groups, scope).into_iter().cloned().collect();
    let ids = asked.iter().map(id_term).collect::<BTreeSet<_>>();
    let mut both = filters(names.iter().cloned().chain(ids));
    let names = filters(names.into_iter());
    if both.len() > names.len() {
        (both, asked) = (names, BTreeSet::new());
    }
    let found: Vec<wire::User> = look_up(looking, both, wire::USER).await?;
    let found = found.into_iter().map(wire::User::observed).collect();
    Ok((groups, Users { found, asked }))
}

/// All groups with their rows, and all mappings.
async fn read_groups(looking: &Looking) -> Result<Groups, Error> {
    let groups = Listing {
        what: "groups",
        path: "/Groups",
        query: vec![("sortBy", "id".to_owned()), ("attributes", wire::GROUP.to_owned())],
        count: PAGE,
    };
    // The mappings have no order and no paging that could be trusted, so all are asked for at once.
    let mappings = Listing {
        what: "external group mappings",
        path: "/Groups/External",
        query: Vec::new(),
        count: ALL_MAPPINGS,
    };
    let read =
        || async { try_join!(looking.list::<wire::Group>(&groups), looking.list::<wire::Mapped>(&mappings)) };
    let (mut groups, mut mappings) = read().await?;
    let fits = |groups: &[wire::Group], mappings: &[wire::Mapped]| {
        let ids: BTreeSet<&str> = groups.iter().map(|group| group.id.as_str()).collect();
        mappings.iter().all(|mapping| ids.contains(mapping.group_id.as_str()))
    };
    if !fits(&groups, &mappings) {
        // A group was made or deleted between the two reads.
        (groups, mappings) = read().await?;
    }
    Ok(Groups::of(groups, mappings))
}

impl Groups {
    pub(super) fn of(groups: Vec<wire::Group>, mappings: Vec<wire::Mapped>) -> Self {
        let zone = groups.iter().find_map(|group| group.zone_id.clone());
        let names: BTreeMap<String, String> =
            groups.iter().map(|group| (group.id.clone(), group.display_name.clone())).collect();
        let mappings = mappings
            .into_iter()
            .map(|mapping| Mapping {
                // A mapping whose group is not among the groups, in two readings, names it all the same.
                group: GroupName::new(names.get(&mapping.group_id).cloned().unwrap_or(mapping.display_name)),
                origin: Origin::new(mapping.origin),
                external_group: mapping.external_group.into(),
            })
            .collect();
        let mut by_name = BTreeMap::new();
        let mut ambiguous = BTreeSet::new();
        for group in groups {
            let name = GroupName::new(group.display_name);
            let observed = ObservedGroup {
                id: Guid::new(group.id),
                name: name.clone(),
                description: group.description.unwrap_or_default(),
                rows: group.members.into_iter().flatten().map(wire::MemberOf::row).collect(),
            };
            if by_name.insert(name.clone(), observed).is_some() {
                ambiguous.insert(name);
            }
        }
        for name in &ambiguous {
            by_name.remove(name);
        }
        Self { groups: by_name, ambiguous, mappings, zone }
    }
}

fn user_listing(filter: Option<String>, attributes: &str) -> Listing {
    let mut query = vec![("sortBy", "id".to_owned()), ("attributes", attributes.to_owned())];
    query.extend(filter.map(|filter| ("filter", filter)));
    Listing { what: "users", path: "/Users", query, count: PAGE }
}

/// The users that are asked for by name, and maybe others.
async fn read_users(
    looking: &Looking,
    read_by: ReadBy,
    names: Option<BTreeSet<String>>,
) -> Result<Users, Error> {
    let listing = user_listing(None, wire::USER);
    let found: Vec<wire::User> = match (read_by, names.map(|names| filters(names.into_iter()))) {
        (ReadBy::List, _) | (_, None) => looking.list(&listing).await?,
        (ReadBy::LookUp, Some(filters)) => look_up(looking, filters, wire::USER).await?,
        // One page may hold them all.
        (ReadBy::Fewest, Some(filters)) if filters.len() <= 1 => {
            look_up(looking, filters, wire::USER).await?
        }
        (ReadBy::Fewest, Some(filters)) => {
            let first = looking.first_page::<wire::User>(&listing).await?;
            if first.pages_left() <= filters.len() {
                looking.rest(&listing, first).await?
            } else {
                look_up(looking, filters, wire::USER).await?
            }
        }
    };
    Ok(Users { found: found.into_iter().map(wire::User::observed).collect(), asked: BTreeSet::new() })
}

/// The users that are members of the groups in question.
fn members<'g>(groups: &'g BTreeMap<GroupName, ObservedGroup>, scope: &ReadScope) -> BTreeSet<&'g Guid> {
    let groups = groups.values().filter(|group| scope.names_members_of(&group.name));
    let rows = groups.flat_map(|group| &group.rows).filter(|(_, row)| row.kind == MemberKind::User);
    rows.map(|(id, _)| id).collect()
}

/// The names of the users that are members of the groups in question.
async fn read_names(
    looking: &Looking,
    read_by: ReadBy,
    groups: &BTreeMap<GroupName, ObservedGroup>,
    scope: &ReadScope,
    users: &Users,
) -> Result<BTreeMap<Guid, UserKey>, Error> {
    let members = members(groups, scope);
    let mut names: BTreeMap<Guid, UserKey> = users
        .found
        .iter()
        .filter(|user| members.contains(&user.id))
        .map(|user| (user.id.clone(), user.key.clone()))
        .collect();
    let known = |id: &Guid| names.contains_key(id) || users.asked.contains(id);
    let unknown: Vec<&Guid> = members.iter().copied().filter(|id| !known(id)).collect();
    if unknown.is_empty() {
        return Ok(names);
    }
    // After a list too: a user can be made between the list and the groups. What is not found now is a ghost.
    let filters = filters(unknown.into_iter().map(id_term).collect::<BTreeSet<_>>().into_iter());
    let listing = user_listing(None, wire::USER_NAME);
    let found: Vec<wire::Named> = if filters.len() <= FEW || read_by == ReadBy::LookUp {
        look_up(looking, filters, wire::USER_NAME).await?
    } else {
        let first = looking.first_page::<wire::Named>(&listing).await?;
        if first.pages_left() <= filters.len() {
            looking.rest(&listing, first).await?
        } else {
            look_up(looking, filters, wire::USER_NAME).await?
        }
    };
    names.extend(
        found
            .into_iter()
            .map(|user| (Guid::new(user.id.clone()), user.key()))
            .filter(|(id, _)| members.contains(id)),
    );
    Ok(names)
}

/// Users by name. Two accounts of one name (a database that folds less than we do) are an error if one is meant.
pub(super) fn by_name(
    users: Users,
    wanted: &BTreeSet<UserKey>,
    ambiguous: &mut BTreeSet<UserKey>,
) -> Result<BTreeMap<UserKey, ObservedUser>, Error> {
    let mut by_name: BTreeMap<UserKey, ObservedUser> = BTreeMap::new();
    for user in users.found {
        match by_name.get(&user.key) {
            None => {
                by_name.insert(user.key.clone(), user);
            }
            Some(other) if other.id == user.id => {}
            Some(other) if wanted.contains(&user.key) => {
                let error = Error::new(format!("UAA has two users `{}`", user.key))
                    .cause(format!("{} ({}) and {} ({})", other.key, other.id, user.key, user.id))
                    .hint("their names differ only in case: rename or delete one");
                return Err(trouble::shown(error));
            }
            Some(other) => {
                ambiguous.insert(user.key.clone());
                if other.id > user.id {
                    by_name.insert(user.key.clone(), user);
                }
            }
        }
    }
    Ok(by_name)
}

/// Looks up by several filters at once; a filter's answer can have several pages too.
async fn look_up<T: serde::de::DeserializeOwned + super::list::Keyed>(
    looking: &Looking,
    filters: Vec<String>,
    attributes: &str,
) -> Result<Vec<T>, Error> {
    let lists = filters.into_iter().map(|filter| async {
        let listing = user_listing(Some(filter), attributes);
        looking.list::<T>(&listing).await
    });
    Ok(try_join_all(lists).await?.into_iter().flatten().collect())
}

/// Terms that find all these users, in any origin. None when a name cannot be looked up for certain.
fn name_terms<'a>(wanted: impl Iterator<Item = &'a UserKey>) -> Option<BTreeSet<String>> {
    let mut terms = BTreeSet::new();
    for user in wanted {
        for spelling in spellings(user.username.as_str())? {
            terms.insert(term("userName", &spelling));
        }
    }
    Some(terms)
}

/// A term that finds the user with this id, and hardly ever another: the first part of UAA's random UUIDs is as good as
/// the whole, and takes half the room.
fn id_term(id: &Guid) -> String {
    let id = id.as_str();
    match is_uuid(id) {
        true => format!("id sw \"{}\"", &id[..8]),
        false => term("id", id),
    }
}

/// `bc2b2bbc-1bfa-4721-aa09-ef55c1352a1b`
pub(super) fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match dashes.contains(&at) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        })
}

/// The spellings to ask for so that a name is found in whatever case the server has it, or None if no few of them do.
///
/// UAA compares `LOWER(username) = LOWER(?)`. For ASCII every database folds as we do. Beyond that a PostgreSQL with
/// the locale C folds nothing, so each cased letter is asked for in both cases.
fn spellings(name: &str) -> Option<BTreeSet<String>> {
    // A value of this shape becomes a time in the query (facts §3.4).
    if is_timestamp(name) {
        return None;
    }
    const MOST_LETTERS: usize = 3;
    let mut spellings = BTreeSet::from([String::new()]);
    let mut letters = 0;
    for c in name.to_lowercase().chars() {
        let mut forms = vec![c.to_string()];
        if !c.is_ascii() {
            let upper = c.to_uppercase().to_string();
            if upper != forms[0] {
                letters += 1;
                forms.push(upper);
            }
            // Two lower-case sigmas, one upper-case one; which is meant depends on the place in the word.
            if matches!(c, 'σ' | 'ς') {
                forms.extend(["σ".to_owned(), "ς".to_owned()]);
            }
        }
        if letters > MOST_LETTERS {
            return None;
        }
        spellings = spellings
            .iter()
            .flat_map(|begun| forms.iter().map(move |form| format!("{begun}{form}")))
            .collect();
    }
    Some(spellings)
}

/// `yyyy-MM-ddTHH:mm:ss.SSSZ`
pub(super) fn is_timestamp(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00t00:00:00.000z";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => byte.eq_ignore_ascii_case(shape),
        })
}

/// One comparison. UAA's filter takes JSON strings, with JSON's escapes.
pub(super) fn term(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", serde_json::Value::from(value))
}

/// Joins terms with `or` into as few filters as the limits allow.
pub(super) fn filters(terms: impl Iterator<Item = String>) -> Vec<String> {
    const OR: &str = " or ";
    let encoded =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).map(str::len).sum::<usize>();
    let mut filters: Vec<(String, usize, usize)> = Vec::new();
    for term in terms {
        let bytes = encoded(&term);
        match filters.last_mut() {
            Some((filter, length, count))
                if *length + OR.len() + bytes <= FILTER_BYTES && *count < FILTER_TERMS =>
            {
                filter.push_str(OR);
                filter.push_str(&term);
                *length += OR.len() + bytes;
                *count += 1;
            }
            _ => filters.push((term, bytes, 1)),
        }
    }
    filters.into_iter().map(|(filter, ..)| filter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Username;

    #[test]
    fn fifty_users_fit_into_one_look_up() {
        let users: Vec<UserKey> = (0..50)
            .map(|n| UserKey::new(Origin::uaa(), Username::new(format!("firstname.lastname{n}@example.com"))))
            .collect();
        let terms = name_terms(users.iter()).expect("plain names");
        assert_eq!(filters(terms.iter().cloned()).len(), 1);
        // And as many members, with seventeen whom the manifest does not name.
        let ids = (0..67).map(|n| id_term(&Guid::new(format!("{n:08x}-6a1d-4c3b-9d9e-0a1b2c3d4e5f"))));
        assert_eq!(filters(terms.into_iter().chain(ids)).len(), 1);
    }

    #[test]
    fn only_a_uuid_is_asked_for_by_its_beginning() {
        let id = |text: &str| id_term(&Guid::new(text));
        assert_eq!(id("bc2b2bbc-1bfa-4721-aa09-ef55c1352a1b"), r#"id sw "bc2b2bbc""#);
        assert_eq!(
            id("bc2b2bbc-1bfa-4721-aa09-ef55c1352a1%"),
            r#"id eq "bc2b2bbc-1bfa-4721-aa09-ef55c1352a1%""#
        );
        assert_eq!(id("u\"1"), r#"id eq "u\"1""#);
    }

    #[test]
    fn filters_are_cut_by_encoded_bytes_and_lose_no_term() {
        let terms: Vec<String> = (0..300).map(|n| term("userName", &format!("é{n}"))).collect();
        let filters = filters(terms.iter().cloned());
        let split: Vec<String> = filters.iter().flat_map(|f| f.split(" or ").map(str::to_owned)).collect();
        assert_eq!(split, terms);
        for filter in &filters {
            assert!(
                url::form_urlencoded::byte_serialize(filter.as_bytes()).map(str::len).sum::<usize>()
                    <= FILTER_BYTES
            );
        }
    }

    #[test]
    fn a_name_is_quoted_so_that_it_stays_a_name() {
        assert_eq!(term("userName", r#"a" or id pr or "\b"#), r#"userName eq "a\" or id pr or \"\\b""#);
    }

    #[test]
    fn names_beyond_ascii_are_asked_for_in_every_case_or_listed() {
        let found = |name: &str| spellings(name).map(|all| all.into_iter().collect::<Vec<_>>());
        assert_eq!(found("Alice"), Some(vec!["alice".to_owned()]));
        assert_eq!(found("Änne"), Some(vec!["Änne".to_owned(), "änne".to_owned()]));
        assert_eq!(found("ÄÖÜß"), None);
        assert_eq!(found("2026-01-02T03:04:05.006Z"), None);
        assert_eq!(found("山田"), Some(vec!["山田".to_owned()]));
    }
}
