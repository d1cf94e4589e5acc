use std::collections::BTreeSet;

use super::*;
use crate::client::{ClientField, ClientValue, hidden};
use crate::observed::{ClientScope, ObservedClient, ReadScope};

fn client(id: &str) -> Value {
    json!({"client_id": id, "scope": ["uaa.none"], "authorities": ["a.b"], "resource_ids": ["none"], "redirect_uri": [],
           "authorized_grant_types": ["client_credentials"], "autoapprove": [], "lastModified": 5, "team": {"x": 1}})
}

fn ids(ids: &[&str]) -> BTreeSet<ClientId> {
    ids.iter().map(|&id| ClientId::new(id)).collect()
}

async fn foundation() -> MockServer {
    let server = uaa().await;
    on(&server, "GET", "/identity-zones/uaa", [ResponseTemplate::new(403)]).await;
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    on(&server, "GET", "/Groups/External", [page(0, [])]).await;
    on(&server, "GET", "/Users", [page(0, [])]).await;
    server
}

async fn observe(
    server: &MockServer,
    read_by: ReadBy,
    clients: ClientScope,
) -> Result<Vec<ObservedClient>, Error> {
    let connection = Connection { read_by, ..connection(&server.uri()) };
    let reader = Reader::log_in(connection, Server::default()).await.expect("a token");
    let observed = reader.observe(&ReadScope { clients, ..ReadScope::default() }).await?;
    Ok(observed.clients.into_values().collect())
}

/// The requests about clients.
async fn asked(server: &MockServer) -> Vec<String> {
    received(server).await.into_iter().filter(|request| request.contains("/oauth/clients")).collect()
}

#[tokio::test]
async fn nothing_asked_is_no_request() {
    let server = foundation().await;
    for read_by in [ReadBy::Fewest, ReadBy::List, ReadBy::LookUp] {
        assert_eq!(observe(&server, read_by, ClientScope::default()).await, Ok(Vec::new()));
    }
    assert_eq!(asked(&server).await, Vec::<String>::new());
}

#[tokio::test]
async fn both_ways_of_reading_come_to_the_same_and_groups_and_metadata_cost_a_request_only_where_asked() {
    let mut groups = client("a");
    groups["required_user_groups"] = json!(["team.x"]);
    let server = foundation().await;
    on(&server, "GET", "/oauth/clients", [page(2, [client("a"), client("b")])]).await;
    on(&server, "GET", "/oauth/clients/a", [ok(groups)]).await;
    on(&server, "GET", "/oauth/clients/gone", [ResponseTemplate::new(404)]).await;
    let metadata = json!({"clientId": "b", "clientName": "b", "showOnHomePage": true, "appLaunchUrl": "http://b", "appIcon": null});
    on(&server, "GET", "/oauth/clients/b/meta", [ok(metadata)]).await;
    let scope = || ClientScope {
        named: ids(&["a", "b", "gone"]),
        required_user_groups: ids(&["a", "gone"]),
        metadata: ids(&["b"]),
        all: false,
    };
    let listed = observe(&server, ReadBy::List, scope()).await.expect("whole");
    assert_eq!(
        asked(&server).await,
        ["GET /oauth/clients", "GET /oauth/clients/a", "GET /oauth/clients/b/meta"]
    );
    assert_eq!(observe(&server, ReadBy::LookUp, scope()).await, Ok(listed.clone()));
    assert_eq!(observe(&server, ReadBy::Fewest, scope()).await, Ok(listed.clone()));
    assert_eq!(listed.len(), 2);
    assert_eq!(
        listed[0].fields.get(&ClientField::RequiredUserGroups),
        Some(&ClientValue::Set(["team.x".to_owned()].into()))
    );
    assert_eq!(listed[1].fields.get(&ClientField::ShowOnHomePage), Some(&ClientValue::Flag(true)));
    assert_eq!(listed[1].fields.get(&ClientField::AppIcon), None);
}

#[tokio::test]
async fn many_clients_are_listed_when_that_takes_fewer_requests() {
    let server = foundation().await;
    on(&server, "GET", "/oauth/clients", [page(1, [client("c7")])]).await;
    let named: Vec<String> = (0..400).map(|n| format!("c{n}")).collect();
    let named = named.iter().map(ClientId::new).collect();
    let found = observe(&server, ReadBy::Fewest, ClientScope { named, ..ClientScope::default() })
        .await
        .expect("whole");
    assert_eq!((found.len(), asked(&server).await.len()), (1, 1));
}

#[tokio::test]
async fn a_client_is_read_in_normal_form_without_its_secrets() {
    let server = foundation().await;
    // Twice in one object, as lists have it: the last one is meant.
    let row = r#"{"client_id": "cf", "scope": "a,b c", "authorities": ["uaa.none"], "autoapprove": [], "autoapprove": "true",
        "access_token_validity": 600, "name": "", "allowpublic": false, "allowedproviders": [], "token_salt": "canary-salt",
        "secondary_client_secret": "canary-stray", "resource_ids": ["none"], "approvals_deleted": true, "lastModified": 1,
        "required_user_groups": [], "show_on_home_page": "x", "redirect_uri": null, "team": "red", "levels": [1]}"#;
    let body = format!(r#"{{"resources": [{row}], "startIndex": 1, "itemsPerPage": 1, "totalResults": 1}}"#);
    on(&server, "GET", "/oauth/clients", [ResponseTemplate::new(200).set_body_raw(body, "application/json")])
        .await;
    let scope = ClientScope { all: true, ..ClientScope::default() };
    let found = observe(&server, ReadBy::Fewest, scope).await.expect("whole");
    let set = |texts: &[&str]| ClientValue::Set(texts.iter().map(|&text| text.to_owned()).collect());
    let extra = |key: &str| ClientField::Extra(key.to_owned());
    let text = |text: &str| ClientValue::Text(text.to_owned());
    let fields = [
        (ClientField::Scope, set(&["a", "b", "c"])),
        (ClientField::Authorities, set(&["uaa.none"])),
        (ClientField::Autoapprove, ClientValue::All),
        (ClientField::AccessTokenValidity, ClientValue::Number(600)),
        (ClientField::Allowedproviders, set(&[])),
        (ClientField::TokenSalt, hidden("canary-salt")),
        (extra("show_on_home_page"), text("x")),
        (extra("team"), text("red")),
        (extra("levels"), ClientValue::Json(json!([1]))),
    ];
    assert_eq!(found, [ObservedClient { id: ClientId::new("cf"), fields: fields.into() }]);
    assert!(!format!("{found:?}").contains("canary"));
}

#[tokio::test]
async fn a_refused_read_names_the_authority_and_never_counts_as_no_clients() {
    let server = foundation().await;
    let lacking = json!({"error": "insufficient_scope", "error_description": "x", "scope": "uaa.admin clients.read clients.admin"});
    on(&server, "GET", "/oauth/clients", [ResponseTemplate::new(403).set_body_json(lacking)]).await;
    // An unknown zone answers 404 with `{}`.
    on(&server, "GET", "/oauth/clients/a", [ResponseTemplate::new(404).set_body_json(json!({}))]).await;
    let named = ClientScope { named: ids(&["a"]), ..ClientScope::default() };
    let said = text(&observe(&server, ReadBy::Fewest, named).await.expect_err("refused"));
    assert!(said.contains("lacks the authority clients.read"), "{said}");
    let alone = ClientScope { required_user_groups: ids(&["a"]), ..ClientScope::default() };
    observe(&server, ReadBy::Fewest, alone).await.expect_err("no such zone");
}
