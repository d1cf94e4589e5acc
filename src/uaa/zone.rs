//! The identity zone: which one `-z` means, its default groups, its identity providers.
//!
//! Decides how an id or subdomain becomes an id, with whatever the token may read. Never changes a zone.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use reqwest::header::{HeaderName, HeaderValue};

use super::authority;
use super::http::{Answer, Request, segment};
use super::read::is_uuid;
use super::session::Looking;
use super::token::Token;
use super::{DefaultGroups, trouble, wire};
use crate::error::Error;
use crate::model::{GroupName, Origin};

/// Switches a default-zone token to the zone with this id.
pub(super) const BY_ID: &str = "x-identity-zone-id";

/// The same by subdomain.
const BY_SUBDOMAIN: &str = "x-identity-zone-subdomain";

/// The zone that `-z` means.
pub(super) struct Found {
    /// Its id.
    pub(super) id: String,
    /// Its default groups, where the zone was read on the way.
    pub(super) default_groups: DefaultGroups,
}

/// Finds the zone: as an id or subdomain among the zones that the token may read, or else by asking with the headers,
/// which works with any right in the zone.
pub(super) async fn find(looking: &Looking, token: &Token, wanted: &str) -> Result<Found, Error> {
    if authority::reads_zones(&token.scopes) {
        // Zones that were made by a tile have random ids, and no subdomain looks like one. Whatever else is typed is
        // mostly a subdomain, and the list finds an id too.
        let by_id = match is_uuid(wanted) {
            true => read_by_id(looking, wanted).await?,
            false => None,
        };
        return match by_id {
            Some(found) => Ok(found),
            None => read_from_list(looking, wanted).await,
        };
    }
    // The scopes of a zone are named after its id.
    if token.scopes.iter().any(|scope| scope.starts_with(&format!("zones.{wanted}."))) {
        return Ok(Found { id: wanted.to_owned(), default_groups: None });
    }
    if HeaderValue::from_str(wanted).is_err() {
        return Err(unknown(looking, wanted, None));
    }
    let mut forbidden = false;
    for header in [BY_ID, BY_SUBDOMAIN] {
        let request = Request::get("/Groups")
            .query("startIndex", "1")
            .query("count", "1")
            .query("attributes", "id,zoneId")
            .header(HeaderName::from_static(header), wanted);
        let answer = get(looking, request).await?;
        match answer.status {
            StatusCode::OK => {
                let page: Probe = looking.parsed("GET /Groups", &answer)?;
                if let Some(id) = page.resources.into_iter().find_map(|group| group.zone_id) {
                    return Ok(Found { id, default_groups: None });
                }
            }
            StatusCode::FORBIDDEN => forbidden = true,
            StatusCode::NOT_FOUND => {}
            _ => return Err(looking.refused("GET /Groups", &answer).await),
        }
    }
    if !forbidden {
        return Err(unknown(looking, wanted, None));
    }
    let client = looking.client_id();
    let error = Error::new(format!("client `{client}` has no right in identity zone `{wanted}`"))
        .cause("UAA switches zones for tokens of the default zone that hold uaa.admin or zones.ID.admin")
        .hint(format!(
            "grant it in the default zone: uaac client update {client} --authorities \"… zones.ID.admin\""
        ))
        .hint("if --target is already the zone's own host name, leave --zone out");
    Err(trouble::shown(error))
}

async fn read_by_id(looking: &Looking, id: &str) -> Result<Option<Found>, Error> {
    let name = "GET /identity-zones";
    let answer = get(looking, Request::get(format!("/identity-zones/{}", segment(id)))).await?;
    match answer.status {
        StatusCode::OK => Ok(Some(found(looking.parsed(name, &answer)?))),
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(looking.refused(name, &answer).await),
    }
}

async fn read_from_list(looking: &Looking, wanted: &str) -> Result<Found, Error> {
    let request = Request::get("/identity-zones").long();
    let name = request.name();
    let answer = get(looking, request).await?;
    if answer.status != StatusCode::OK {
        return Err(looking.refused(&name, &answer).await);
    }
    let mut zones: Vec<wire::Zone> = looking.parsed(&name, &answer)?;
    // UAA acts as if an inactive one were not there.
    zones.retain(|zone| zone.active != Some(false));
    // UAA stores subdomains in lower case.
    let is_named =
        |zone: &wire::Zone| zone.subdomain.as_deref().is_some_and(|sub| sub.eq_ignore_ascii_case(wanted));
    let zone = zones.iter().position(|zone| zone.id == wanted);
    match zone.or_else(|| zones.iter().position(is_named)) {
        Some(at) => Ok(found(zones.swap_remove(at))),
        None => Err(unknown(looking, wanted, near(wanted, &zones))),
    }
}

fn found(zone: wire::Zone) -> Found {
    Found { id: zone.id.clone(), default_groups: default_groups(zone) }
}

#[derive(serde::Deserialize)]
struct Probe {
    resources: Vec<ProbedGroup>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProbedGroup {
    zone_id: Option<String>,
}

async fn get(looking: &Looking, request: Request) -> Result<Answer, Error> {
    looking.get_at_home(request).await.map_err(|failure| looking.no_answer(failure))
}

fn unknown(looking: &Looking, wanted: &str, near: Option<String>) -> Error {
    let error = Error::new(format!("the UAA at {} has no identity zone `{wanted}`", looking.address()))
        .cause("neither an id nor a subdomain of that name, or the zone is inactive");
    let error = near.iter().fold(error, |error, near| error.hint(format!("did you mean `{near}`?")));
    trouble::shown(error.hint("uaac curl /identity-zones lists them; the default zone is `uaa`"))
}

/// The id or subdomain that a name is most likely a misspelling of.
fn near(wanted: &str, zones: &[wire::Zone]) -> Option<String> {
    let wanted = wanted.to_lowercase();
    let most = (wanted.chars().count() / 3).clamp(1, 3);
    let names = zones.iter().flat_map(|zone| zone.subdomain.iter().chain([&zone.id]));
    names
        .map(|name| (strsim::osa_distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= most && !name.is_empty())
        .min()
        .map(|(_, name)| name.clone())
}

fn default_groups(zone: wire::Zone) -> DefaultGroups {
    Some(zone.default_groups()?.into_iter().map(GroupName::new).collect())
}

/// Reads the groups that everyone in the zone holds: no rows say so (facts §4.6). None when the token may not read
/// the zone (it takes `zones.read`), or when the version does not tell.
pub(super) async fn read_default_groups(
    looking: &Looking,
    scopes: &BTreeSet<String>,
    zone: &str,
) -> Result<DefaultGroups, Error> {
    let request = Request::get(format!("/identity-zones/{}", segment(zone)));
    let name = request.name();
    // Without the zone header: through it `zones.read` is dropped. With it `zones.ID.admin` counts.
    let answer = match looking.zone().is_none() || authority::reads_zones(scopes) {
        true => get(looking, request).await?,
        false => looking.get(request).await.map_err(|failure| looking.no_answer(failure))?,
    };
    match answer.status {
        StatusCode::OK => Ok(default_groups(looking.parsed(&name, &answer)?)),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Ok(None),
        _ => Err(looking.refused(&name, &answer).await),
    }
}

/// Reads the origins that users of the zone can have, active or not. None when the token may not (`idps.read`).
pub(super) async fn read_origins(looking: &Looking) -> Result<Option<BTreeSet<Origin>>, Error> {
    // Without rawConfig UAA parses each provider's configuration into its own types; the text is enough, as nothing
    // of it is read.
    let request = Request::get("/identity-providers").query("rawConfig", "true").long();
    let name = request.name();
    let answer = looking.get(request).await.map_err(|failure| looking.no_answer(failure))?;
    match answer.status {
        StatusCode::OK => {
            let providers: Vec<wire::IdentityProvider> = looking.parsed(&name, &answer)?;
            Ok(Some(providers.into_iter().map(|provider| Origin::new(provider.origin_key)).collect()))
        }
        StatusCode::FORBIDDEN => Ok(None),
        _ => Err(looking.refused(&name, &answer).await),
    }
}
