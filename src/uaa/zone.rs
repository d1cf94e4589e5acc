//! Which identity zone requests are about, and what everyone in it holds.

use std::collections::BTreeSet;

use super::session::{Session, ZoneHeader};
use super::wire;
use crate::error::Error;
use crate::model::GroupName;

/// Finds out whether `asked` is a zone's id or its subdomain.
///
/// A token that may read zones is told by UAA; another one has to try (facts §7.1).
pub(super) async fn find(session: &Session, asked: &str) -> Result<ZoneHeader, Error> {
    let encoded = super::path::segment(asked);
    let call = session.get(format!("/identity-zones/{encoded}"));
    let answer = session.repeatedly(&call).await.map_err(|error| session.transport.explain(&error))?;
    if answer.status == 200 && !encoded.is_empty() {
        let zone: wire::Zone = parsed(&answer.body)?;
        // UAA's own zone is the one of the token: the header would be refused.
        let header = if zone.id == "uaa" { ZoneHeader::None } else { ZoneHeader::Id(zone.id.clone()) };
        // The same answer tells the default groups.
        let _ = session.default_groups.set(named(zone));
        return Ok(header);
    }
    let call = session.get("/identity-zones");
    let answer = session.repeatedly(&call).await.map_err(|error| session.transport.explain(&error))?;
    if answer.status == 200 {
        let zones: Vec<wire::Zone> = parsed(&answer.body)?;
        // UAA stores subdomains in lower case. A list may be of only those zones that the token administers.
        if let Some(zone) =
            zones.into_iter().find(|zone| zone.subdomain == asked.to_lowercase() || zone.id == asked)
        {
            return Ok(ZoneHeader::Id(zone.id));
        }
    }
    for header in [ZoneHeader::Id(asked.to_owned()), ZoneHeader::Subdomain(asked.to_owned())] {
        let mut call = session.get("/Groups?count=1&attributes=id");
        call.zone = header.clone();
        let answer = session.repeatedly(&call).await.map_err(|error| session.transport.explain(&error))?;
        if answer.status == 200 {
            return Ok(header);
        }
    }
    let shown = session.transport.mask.show(asked);
    Err(Error::new(format!(
        "there is no identity zone `{shown}`, or client `{}` has no authority in it",
        session.credentials.client_id
    ))
    .hint("--zone (UAA_ZONE) takes a zone's id or subdomain; `uaac curl /identity-zones` lists them")
    .hint(session.grant_hint(&[&format!("zones.{shown}.admin")])))
}

/// Returns the groups that everyone in the zone holds; `None` when the token may not read them, or the server does not
/// say.
pub(super) async fn default_groups(
    session: &Session,
    zone: &str,
) -> Result<Option<BTreeSet<GroupName>>, Error> {
    session.default_groups.get_or_try_init(|| read_default_groups(session, zone)).await.cloned()
}

async fn read_default_groups(session: &Session, zone: &str) -> Result<Option<BTreeSet<GroupName>>, Error> {
    let mut call = session.get(format!("/identity-zones/{}", super::path::segment(zone)));
    // A zone is read from where its token lives: the zone of the address.
    call.zone = ZoneHeader::None;
    let answer = session.repeatedly(&call).await.map_err(|error| session.transport.explain(&error))?;
    match answer.status {
        200 => Ok(named(parsed(&answer.body)?)),
        403 | 404 => Ok(None),
        _ => Err(session.unexpected(&call, &answer)),
    }
}

fn named(zone: wire::Zone) -> Option<BTreeSet<GroupName>> {
    let groups = zone.config.user_config.and_then(|config| config.default_groups);
    groups.map(|groups| groups.into_iter().map(GroupName::new).collect())
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new("UAA's answer cannot be read").cause(format!("GET /identity-zones: {error}"))
    })
}
