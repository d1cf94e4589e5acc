//! Clients, read: by list, or only those that the manifest names.
//!
//! Decides how they are read in few requests, and that the result is the same either way for all that was asked
//! for. UAA's list lacks `required_user_groups`, and its `attributes` are broken for clients (facts §3.3, §6.2): where
//! the groups matter, a client is read alone. Never writes.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{try_join, try_join_all};
use reqwest::StatusCode;

use super::client_wire::{Client, Metadata};
use super::http::{Answer, Request, segment};
use super::list::{Listing, PAGE};
use super::read::{FEW, filters, is_timestamp, term};
use super::session::Looking;
use super::{ReadBy, trouble};
use crate::error::Error;
use crate::model::ClientId;
use crate::observed::{ClientScope, ObservedClient};

/// Reads the clients that `scope` asks for, and maybe others.
pub(super) async fn read(
    looking: &Looking,
    read_by: ReadBy,
    scope: &ClientScope,
) -> Result<BTreeMap<ClientId, ObservedClient>, Error> {
    let wanted: BTreeSet<&ClientId> =
        [&scope.named, &scope.required_user_groups, &scope.metadata].into_iter().flatten().collect();
    if wanted.is_empty() && !scope.all {
        return Ok(BTreeMap::new());
    }
    let listing = listing(None);
    let alone = &scope.required_user_groups;
    let (by_name, mut single): (BTreeSet<&ClientId>, BTreeSet<&ClientId>) =
        wanted.iter().partition(|&&id| !alone.contains(id) && !is_timestamp(id.as_str()));
    let look_ups = filters(by_name.iter().map(|id| term("client_id", id.as_str())));
    let list = match read_by {
        _ if scope.all => Some(looking.list::<Client>(&listing).await?),
        ReadBy::List => Some(looking.list(&listing).await?),
        ReadBy::LookUp => None,
        ReadBy::Fewest if look_ups.len() <= FEW => None,
        ReadBy::Fewest => {
            let first = looking.first_page::<Client>(&listing).await?;
            match first.pages_left() <= look_ups.len() {
                true => Some(looking.rest(&listing, first).await?),
                false => None,
            }
        }
    };
    let found = match list {
        Some(list) => {
            // What the list says of these is enough to know whether they exist.
            let listed: BTreeSet<&str> = list.iter().map(Client::id).collect();
            single.retain(|id| alone.contains(id) && listed.contains(id.as_str()));
            list
        }
        None => {
            let lists = look_ups.into_iter().map(|filter| async {
                let listing = self::listing(Some(filter));
                looking.list::<Client>(&listing).await
            });
            try_join_all(lists).await?.into_iter().flatten().collect()
        }
    };
    let found: Vec<Client> = found;
    // Of these the rest is asked for only if they exist.
    let there: BTreeSet<&str> = found.iter().map(Client::id).collect();
    let whole: Vec<&ClientId> = scope.whole.iter().filter(|id| there.contains(id.as_str())).collect();
    single.extend(&whole);
    let tiles: BTreeSet<&ClientId> = scope.metadata.iter().chain(whole).collect();
    let single = try_join_all(single.into_iter().map(|id| get(looking, id)));
    let metadata =
        try_join_all(tiles.into_iter().map(|id| async move { Ok((id, metadata(looking, id).await?)) }));
    let (single, metadata) = try_join(single, metadata).await?;
    let mut clients: BTreeMap<ClientId, ObservedClient> = BTreeMap::new();
    // Those that were read alone, last: they know more.
    for client in found.into_iter().chain(single.into_iter().flatten()) {
        let client = client.observed(looking.mask());
        clients.insert(client.id.clone(), client);
    }
    for (id, metadata) in metadata {
        if let Some(client) = clients.get_mut(id) {
            client.fields.extend(metadata.fields());
        }
    }
    Ok(clients)
}

fn listing(filter: Option<String>) -> Listing {
    let mut query = vec![("sortBy", "client_id".to_owned())];
    query.extend(filter.map(|filter| ("filter", filter)));
    Listing { what: "clients", path: "/oauth/clients", query, count: PAGE }
}

/// The address of a client.
pub(super) fn path(id: &ClientId) -> String {
    format!("/oauth/clients/{}", segment(id.as_str()))
}

/// Reads one client; None when there is none of exactly this id.
async fn get(looking: &Looking, id: &ClientId) -> Result<Option<Client>, Error> {
    let request = Request::get(path(id));
    let name = request.name();
    let answer = looking.get(request).await.map_err(|failure| looking.no_answer(failure))?;
    if is_no_client(&answer) {
        return Ok(None);
    }
    match answer.status {
        StatusCode::OK => looking.parsed(&name, &answer).map(Some),
        StatusCode::BAD_REQUEST => Err(trouble::shown(
            Error::new(format!("the client `{id}` cannot be read alone"))
                .cause(format!("{name}: {}", answer.status))
                .hint("UAA refuses / \\ ; % in an address: leave `required_user_groups` out for this client"),
        )),
        _ => Err(looking.refused(&name, &answer).await),
    }
}

/// Reads a client's metadata; a client without any has none, and so has no client.
async fn metadata(looking: &Looking, id: &ClientId) -> Result<Metadata, Error> {
    let request = Request::get(format!("{}/meta", path(id)));
    let name = request.name();
    let answer = looking.get(request).await.map_err(|failure| looking.no_answer(failure))?;
    match answer.status {
        StatusCode::OK => looking.parsed(&name, &answer),
        _ if is_no_client(&answer) || has_no_metadata(&answer) => Ok(Metadata::default()),
        _ => Err(looking.refused(&name, &answer).await),
    }
}

/// UAA says with an empty body that there is no such client; an unknown zone is `{}` (trap 51).
pub(super) fn is_no_client(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND && answer.body.is_empty()
}

/// The answer for a client without metadata, which UAA words.
pub(super) fn has_no_metadata(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND && answer.error_word().is_some()
}
