//! Bodies of answers, read as a [`Reader`](super::Reader) reads them, without a server: for fuzzing.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use super::client_wire::{Client, Metadata};
use super::http::Answer;
use super::list::Page;
use super::mask::Mask;
use super::read::{Groups, Users, by_name};
use super::trouble;
use super::wire;
use crate::model::{ClientId, GroupName, Guid, UserKey};
use crate::observed::{Identity, Observed, Server};

/// What a server answers to each request, in the order of the requests.
#[derive(Debug, Default)]
pub(crate) struct Bodies<'a> {
    pub(crate) users: &'a str,
    pub(crate) groups: &'a str,
    pub(crate) mappings: &'a str,
    pub(crate) clients: &'a str,
    pub(crate) metadata: &'a str,
    pub(crate) zone: &'a str,
}

fn answer(status: StatusCode, body: &str) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec(), earlier_lost: false }
}

fn rows<T: DeserializeOwned>(body: &str) -> Vec<T> {
    answer(StatusCode::OK, body).parse::<Page<T>>().map(|page| page.resources).unwrap_or_default()
}

/// Takes what can be read of the bodies; each of the others counts as an empty list.
pub(crate) fn observed(bodies: &Bodies<'_>) -> Observed {
    let found: Vec<_> = rows::<wire::User>(bodies.users).into_iter().map(wire::User::observed).collect();
    let named: Vec<(Guid, UserKey)> = rows::<wire::Named>(bodies.users)
        .into_iter()
        .map(|user| (Guid::new(user.id.clone()), user.key()))
        .collect();
    let Groups { groups, ambiguous, mappings, zone } = Groups::of(rows(bodies.groups), rows(bodies.mappings));
    let mask = Mask::default();
    let clients = rows::<Client>(bodies.clients).into_iter().map(|client| {
        let mut client = client.observed(&mask);
        if let Ok(metadata) = answer(StatusCode::OK, bodies.metadata).parse::<Metadata>() {
            client.fields.extend(metadata.fields());
        }
        (client.id.clone(), client)
    });
    let default_groups = answer(StatusCode::OK, bodies.zone).parse::<wire::Zone>().ok();
    let default_groups = default_groups.and_then(wire::Zone::default_groups);
    let mut ambiguous_users = std::collections::BTreeSet::new();
    let users = Users { found, asked: std::collections::BTreeSet::new() };
    Observed {
        server: Server {
            url: "https://uaa.example.com".to_owned(),
            zone: zone.unwrap_or_else(|| "uaa".to_owned()),
            ..Server::default()
        },
        me: Identity { client_id: Some(ClientId::new("uaapply")), ..Identity::default() },
        users: by_name(users, &std::collections::BTreeSet::new(), &mut ambiguous_users).unwrap_or_default(),
        ambiguous_users,
        names: named.into_iter().collect(),
        groups,
        ambiguous_groups: ambiguous,
        mappings,
        clients: clients.collect(),
        default_groups: default_groups.map(|names| names.into_iter().map(GroupName::new).collect()),
        ..Observed::default()
    }
}

/// What is said of a body that is a refusal, or that makes no sense, as it would be printed.
pub(crate) fn refusals(body: &str) -> Vec<String> {
    let mask = Mask::new(["canary-password".into()]);
    let mut said = Vec::new();
    for status in [400, 401, 403, 404, 409, 422, 429, 500, 503] {
        let Ok(status) = StatusCode::from_u16(status) else { continue };
        let answer = answer(status, body);
        said.push(trouble::line("POST /Users", &answer, &mask));
        let lacks = |wanted: Option<&str>| crate::error::Error::new(format!("lacks {wanted:?}"));
        let error = trouble::refusal("GET /Users", &answer, "https://uaa.example.com", &mask, lacks);
        said.push(crate::render::problems::error(&error));
        if let Err(why) = answer.parse::<Page<wire::User>>() {
            let error = trouble::not_understood("GET /Users", &answer, &why, &mask);
            said.push(crate::render::problems::error(&error));
        }
    }
    said
}
