//! Finding users: all of them, or those that the manifest names, whichever takes fewer requests.
//!
//! Never asks for a user's groups or approvals: each would cost UAA several queries a user (facts §3.3).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;

use super::ReadBy;
use super::pages::{Listing, PAGE};
use super::session::Session;
use super::{path, wire};
use crate::error::Error;
use crate::model::{Guid, Origin, UserKey, Username};
use crate::observed::ObservedUser;

/// A filter's longest encoded form: with token and headers it stays below UAA's limit for a request's head (facts §3.7).
const FILTER_BYTES: usize = 3500;
/// The most terms in a filter: UAA's parser is recursive.
const FILTER_TERMS: usize = 100;
/// So many look-ups are made without asking first how long the list is: that question is a request too.
const FEW: usize = 2;

/// Users, by name.
#[derive(Default)]
pub(super) struct Found {
    pub(super) users: BTreeMap<UserKey, ObservedUser>,
    /// Whether these are all users of the zone.
    pub(super) complete: bool,
}

impl Session {
    /// Finds users by name.
    pub(super) async fn find_users(&self, keys: &BTreeSet<UserKey>, read_by: ReadBy) -> Result<Found, Error> {
        let listing = Listing {
            path: "/Users?sortBy=id&attributes=id,userName,origin,externalId,name,emails,phoneNumbers,active,verified",
            page: PAGE,
            id: |user: &wire::User| user.id.clone(),
        };
        let names: BTreeSet<String> = keys.iter().flat_map(|key| spellings(key.username.as_str())).collect();
        let timestamp = names.iter().any(|name| looks_like_a_timestamp(name));
        let read_by = if timestamp { ReadBy::List } else { read_by };
        let (rows, complete) = self.fewest(&listing, &filters("userName", &names), read_by).await?;
        let mut found = Found { users: BTreeMap::new(), complete };
        for user in rows.into_iter().map(observed) {
            if !complete && !keys.contains(&user.key) {
                // Equal for the database (another origin, or letters that its collation folds), not for us.
                continue;
            }
            if let Some(other) = found.users.insert(user.key.clone(), user)
                && keys.contains(&other.key)
            {
                let name = self.transport.mask.show(&other.key.to_string());
                return Err(Error::new(format!(
                    "several users answer to {name}: their names differ only in upper and lower case"
                ))
                .hint("rename one of them; uaapply takes names that differ only in case for one"));
            }
        }
        Ok(found)
    }

    /// Turns ids into names; ids that no user has stay without.
    pub(super) async fn name_ids(
        &self,
        ids: &BTreeSet<Guid>,
        read_by: ReadBy,
    ) -> Result<BTreeMap<Guid, UserKey>, Error> {
        let listing = Listing {
            path: "/Users?sortBy=id&attributes=id,userName,origin",
            page: PAGE,
            id: |user: &wire::NamedUser| user.id.clone(),
        };
        let texts: BTreeSet<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        let (rows, _) = self.fewest(&listing, &filters("id", &texts), read_by).await?;
        let named = rows.into_iter().map(|user| {
            (Guid::new(user.id), UserKey::new(Origin::new(user.origin), Username::new(user.user_name)))
        });
        Ok(named.filter(|(id, _)| ids.contains(id)).collect())
    }

    /// Reads the rows that the filters select, or the whole list when that takes fewer requests (then: true).
    async fn fewest<T: DeserializeOwned>(
        &self,
        listing: &Listing<'_, T>,
        filters: &[String],
        read_by: ReadBy,
    ) -> Result<(Vec<T>, bool), Error> {
        let list = match read_by {
            _ if filters.is_empty() => return Ok((Vec::new(), false)),
            ReadBy::List => return Ok((self.list(listing).await?, true)),
            ReadBy::LookUp => false,
            ReadBy::Fewest => filters.len() > FEW,
        };
        if list {
            let first = self.page(listing, 1).await?;
            let more = first
                .total_results
                .saturating_sub(first.resources.len())
                .div_ceil(first.resources.len().max(1));
            if more <= filters.len() {
                return Ok((self.list_on(listing, first).await?, true));
            }
        }
        let look_ups = filters.iter().map(|filter| async move {
            let path = format!("{}&filter={filter}", listing.path);
            self.list(&Listing { path: &path, page: listing.page, id: listing.id }).await
        });
        // A row can answer to two filters when a spelling stands in each.
        let mut seen = BTreeSet::new();
        let mut rows: Vec<T> = try_join_all(look_ups).await?.into_iter().flatten().collect();
        rows.retain(|row| seen.insert((listing.id)(row)));
        Ok((rows, false))
    }
}

/// Joins `attribute eq "…"` terms into as few encoded filters as their limits allow.
fn filters(attribute: &str, values: &BTreeSet<String>) -> Vec<String> {
    let mut filters: Vec<(String, usize)> = Vec::new();
    for value in values {
        let term = path::query(&format!("{attribute} eq \"{}\"", escaped(value)));
        match filters.last_mut() {
            Some((filter, terms))
                if *terms < FILTER_TERMS && filter.len() + term.len() + 4 <= FILTER_BYTES =>
            {
                filter.push_str("+or+");
                filter.push_str(&term);
                *terms += 1;
            }
            _ => filters.push((term, 1)),
        }
    }
    filters.into_iter().map(|(filter, _)| filter).collect()
}

/// Escapes a value for UAA's filter grammar, which takes JSON's escapes (facts §3.4).
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Returns the spellings to ask for. The database folds case, but some only that of ASCII letters; we fold all.
fn spellings(name: &str) -> BTreeSet<String> {
    if name.is_ascii() {
        BTreeSet::from([name.to_owned()])
    } else {
        BTreeSet::from([name.to_owned(), name.to_lowercase(), name.to_uppercase()])
    }
}

/// UAA's filters take such a text for a point in time, so that no user is found by it (facts §3.4).
fn looks_like_a_timestamp(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() == 24 && bytes[10] == b'T' && bytes[23] == b'Z'
}

fn observed(user: wire::User) -> ObservedUser {
    let first = |values: Vec<wire::Valued>| values.into_iter().next().unwrap_or_default().value;
    ObservedUser {
        id: Guid::new(user.id),
        key: UserKey::new(Origin::new(user.origin), Username::new(user.user_name)),
        email: first(user.emails),
        given_name: user.name.given_name,
        family_name: user.name.family_name,
        phone: first(user.phone_numbers),
        external_id: user.external_id,
        active: user.active,
        verified: user.verified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> BTreeSet<String> {
        (0..count).map(|n| format!("user{n:04}@example.com")).collect()
    }

    #[test]
    fn fifty_users_are_found_by_one_request_and_no_filter_is_too_long() {
        assert_eq!(filters("userName", &names(50)).len(), 1);
        for filter in filters("userName", &names(1000)) {
            assert!(filter.len() <= FILTER_BYTES);
        }
        assert_eq!(filters("id", &BTreeSet::new()), Vec::<String>::new());
    }

    #[test]
    fn a_quote_in_a_name_cannot_widen_the_filter() {
        let hostile = BTreeSet::from(["x\" or id pr or userName eq \"\\".to_owned()]);
        assert_eq!(
            filters("userName", &hostile),
            ["userName+eq+%22x%5C%22+or+id+pr+or+userName+eq+%5C%22%5C%5C%22"]
        );
    }
}
