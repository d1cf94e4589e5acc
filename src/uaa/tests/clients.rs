use std::collections::BTreeSet;

use wiremock::matchers::body_string_contains;

use super::*;
use crate::client::{ClientField, ClientValue, hidden};
use crate::model::Guid;
use crate::observed::{ClientScope, ObservedClient, ReadScope};
use crate::plan::{FieldChange, FieldValue};
use crate::uaa::Written;

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
    let mut asked: Vec<String> =
        received(server).await.into_iter().filter(|request| request.contains("/oauth/clients")).collect();
    // Those that wait for nothing come in any order.
    asked.sort();
    asked
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
        ..ClientScope::default()
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
async fn what_goes_is_read_whole_if_it_is_there() {
    let server = foundation().await;
    let mut groups = client("a");
    groups["required_user_groups"] = json!(["team.x"]);
    on(&server, "GET", "/oauth/clients", [page(1, [client("a")])]).await;
    on(&server, "GET", "/oauth/clients/a", [ok(groups)]).await;
    on(&server, "GET", "/oauth/clients/a/meta", [ok(json!({"clientId": "a", "showOnHomePage": false}))])
        .await;
    let scope =
        || ClientScope { named: ids(&["a", "gone"]), whole: ids(&["a", "gone"]), ..ClientScope::default() };
    for (n, read_by) in [ReadBy::Fewest, ReadBy::List, ReadBy::LookUp].into_iter().enumerate() {
        let found = observe(&server, read_by, scope()).await.expect("whole");
        assert_eq!(found.len(), 1);
        let groups = ClientValue::Set(["team.x".to_owned()].into());
        assert_eq!(found[0].fields.get(&ClientField::RequiredUserGroups), Some(&groups));
        assert_eq!(found[0].fields.get(&ClientField::ShowOnHomePage), Some(&ClientValue::Flag(false)));
        assert_eq!(asked(&server).await.len(), 3 * (n + 1), "nothing is asked about one that is not there");
    }
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
    let fields = [
        (ClientField::Scope, set(&["a", "b", "c"])),
        (ClientField::Authorities, set(&["uaa.none"])),
        (ClientField::Autoapprove, ClientValue::All),
        (ClientField::AccessTokenValidity, ClientValue::Number(600)),
        (ClientField::Allowedproviders, set(&[])),
        (ClientField::TokenSalt, hidden("canary-salt")),
        (extra("show_on_home_page"), ClientValue::Json(json!("x"))),
        (extra("team"), ClientValue::Json(json!("red"))),
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

const MODIFY: &str = "/oauth/clients/tx/modify";

fn change(name: &str, before: FieldValue, after: FieldValue) -> FieldChange {
    FieldChange { name: name.to_owned(), before, after }
}

fn list(texts: &[&str]) -> FieldValue {
    FieldValue::List(texts.iter().map(|&text| text.to_owned()).collect())
}

fn new_name() -> [FieldChange; 1] {
    [change("name", FieldValue::None, FieldValue::Text("New".to_owned()))]
}

fn named(name: &str) -> Value {
    let mut client = client("a");
    client["name"] = json!(name);
    client
}

/// What `tx/modify` answers: the state that was replaced.
fn replaced(mut old: Value) -> ResponseTemplate {
    old["action"] = json!("update");
    ok(json!([old]))
}

fn gone() -> ResponseTemplate {
    ResponseTemplate::new(404)
}

fn a() -> ClientId {
    ClientId::new("a")
}

async fn update(server: &MockServer, fields: &[FieldChange]) -> Result<Written, WriteError> {
    logged_in(server).await.1.update_client(&a(), fields, None).await
}

async fn create(server: &MockServer) -> Result<Written, WriteError> {
    let fields = [
        change("authorized_grant_types", FieldValue::None, list(&["client_credentials"])),
        change("authorities", FieldValue::None, list(&["a.b"])),
        change("client_secret", FieldValue::None, FieldValue::redacted()),
    ];
    let secret = SecretString::from("canary-password");
    logged_in(server).await.1.create_client(&a(), &fields, Some(&secret), None).await
}

#[tokio::test]
async fn a_replacement_names_all_there_is_and_only_that() {
    let server = uaa().await;
    let mut old = client("a");
    for (key, value) in [
        ("required_user_groups", json!(["team.x"])),
        ("name", json!("Old")),
        ("nothing", Value::Null),
        ("approvals_deleted", json!(true)),
        ("access_token_validity", json!(60)),
        ("redirect_uri", json!(["http://x"])),
        ("levels", json!(["x"])),
        ("token_salt", json!("canary-salt")),
    ] {
        old[key] = value;
    }
    on(&server, "GET", "/oauth/clients/a", [ok(old.clone())]).await;
    on(&server, "POST", MODIFY, [replaced(old)]).await;
    let fields = [
        change("redirect_uri", list(&["http://x"]), FieldValue::None),
        change("access_token_validity", FieldValue::Number(60), FieldValue::None),
        change("extra.levels", list(&["x"]), list(&["y"])),
        change("authorities", list(&["a.b"]), list(&["uaa.none"])),
    ];
    assert_eq!(update(&server, &fields).await, Ok(Written::Done));
    let body = json!([{"action": "update", "client_id": "a", "scope": ["uaa.none"], "authorities": ["uaa.none"], "autoapprove": [],
                       "authorized_grant_types": ["client_credentials"], "resource_ids": ["none"], "name": "Old", "team": {"x": 1}, "levels": ["y"],
                       "required_user_groups": ["team.x"], "token_salt": "canary-salt"}]);
    assert_eq!(sent(&server, "POST").await, [body]);
}

#[tokio::test]
async fn a_client_that_is_as_wished_is_left_alone_and_one_that_is_otherwise_is_drift() {
    for (found, outcome) in [("New", Ok(Written::AlreadySo)), ("Other", Err(WriteErrorKind::Drifted))] {
        let server = uaa().await;
        on(&server, "GET", "/oauth/clients/a", [ok(named(found))]).await;
        assert_eq!(update(&server, &new_name()).await.map_err(|error| failure(error).0), outcome);
        assert_eq!(sent(&server, "POST").await, Vec::<Value>::new());
    }
    let server = uaa().await;
    on(&server, "GET", "/oauth/clients/a", [gone()]).await;
    assert_eq!(failure(update(&server, &new_name()).await.expect_err("gone")).0, WriteErrorKind::Drifted);
}

#[tokio::test]
async fn what_somebody_else_wrote_between_look_and_replacement_is_written_back() {
    let server = uaa().await;
    on(&server, "GET", "/oauth/clients/a", [ok(client("a"))]).await;
    let mut theirs = client("a");
    theirs["scope"] = json!(["their.scope"]);
    on(&server, "POST", MODIFY, [replaced(theirs), replaced(named("New"))]).await;
    assert_eq!(update(&server, &new_name()).await, Ok(Written::Done));
    let bodies = sent(&server, "POST").await;
    assert_eq!(bodies[0][0]["scope"], json!(["uaa.none"]));
    assert_eq!(bodies[1][0]["scope"], json!(["their.scope"]));
    assert_eq!(bodies[1][0]["name"], "New");
}

#[tokio::test]
async fn what_somebody_else_made_of_the_very_field_stays_and_is_drift() {
    let server = uaa().await;
    on(&server, "GET", "/oauth/clients/a", [ok(client("a"))]).await;
    on(&server, "POST", MODIFY, [replaced(named("Theirs")), replaced(named("New"))]).await;
    let (kind, said) = failure(update(&server, &new_name()).await.expect_err("theirs"));
    assert_eq!(kind, WriteErrorKind::Drifted, "{said}");
    let bodies = sent(&server, "POST").await;
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[1][0]["name"], "Theirs");

    // They made the same of it: nothing to write back.
    let server = uaa().await;
    on(&server, "GET", "/oauth/clients/a", [ok(client("a"))]).await;
    on(&server, "POST", MODIFY, [replaced(named("New"))]).await;
    assert_eq!(update(&server, &new_name()).await, Ok(Written::Done));
}

#[tokio::test]
async fn once_a_part_is_written_no_failure_says_that_nothing_was() {
    let mut theirs = client("a");
    theirs["scope"] = json!(["their.scope"]);
    let refusal = || no(400, "invalid_client", "x");
    for (second, kind) in [
        (refusal(), WriteErrorKind::Unsettled),
        (html(504), WriteErrorKind::Unknown),
        (no(403, "insufficient_scope", "x"), WriteErrorKind::Unknown),
        (replaced(client("a")), WriteErrorKind::Unsettled),
    ] {
        let server = uaa().await;
        on(&server, "GET", "/oauth/clients/a", [ok(client("a"))]).await;
        on(&server, "POST", MODIFY, [replaced(theirs.clone()), second]).await;
        assert_eq!(failure(update(&server, &new_name()).await.expect_err("half")).0, kind);
        assert_eq!(sent(&server, "POST").await.len(), 2);
    }

    let launch = || change("app_launch_url", FieldValue::None, FieldValue::Text("http://x".to_owned()));
    let no_metadata = || no(404, "not_found", "No client metadata found for a");
    for (metadata, kind) in [
        (ok(json!({"clientId": "a", "appLaunchUrl": "http://y"})), WriteErrorKind::Unsettled),
        (no(500, "server_error", "x"), WriteErrorKind::Unsettled),
        (no_metadata(), WriteErrorKind::Unsettled),
    ] {
        let server = uaa().await;
        on(&server, "GET", "/oauth/clients/a", [ok(client("a"))]).await;
        on(&server, "POST", MODIFY, [replaced(client("a"))]).await;
        on(&server, "GET", "/oauth/clients/a/meta", [metadata]).await;
        on(&server, "PUT", "/oauth/clients/a/meta", [refusal()]).await;
        let [name] = new_name();
        let (found, said) = failure(update(&server, &[name, launch()]).await.expect_err("half"));
        assert_eq!(found, kind, "{said}");
    }

    let server = uaa().await;
    on(&server, "POST", "/oauth/clients", [ResponseTemplate::new(201)]).await;
    on(&server, "GET", "/oauth/clients/a/meta", [no_metadata()]).await;
    on(&server, "PUT", "/oauth/clients/a/meta", [refusal()]).await;
    let (_, writer) = logged_in(&server).await;
    let created = writer.create_client(&a(), &[launch()], None, None).await;
    let (kind, said) = failure(created.expect_err("half"));
    assert_eq!(kind, WriteErrorKind::Unsettled);
    assert!(said.starts_with("the client is created, and then: "), "{said}");
    // The client itself is as wished already: then nothing was written.
    on(&server, "GET", "/oauth/clients/a", [ok(named("New"))]).await;
    let [name] = new_name();
    assert_eq!(
        failure(update(&server, &[name, launch()]).await.expect_err("refused")).0,
        WriteErrorKind::Refused
    );
}

#[tokio::test]
async fn metadata_whose_answer_is_lost_is_looked_at_and_a_secret_cannot_be() {
    let fields = [change("app_launch_url", FieldValue::None, FieldValue::Text("http://x".to_owned()))];
    let none = || ok(json!({"clientId": "a"}));
    let there = || ok(json!({"clientId": "a", "appLaunchUrl": "http://x"}));
    for (then, outcome) in [
        (there(), Ok(Written::Done)),
        (none(), Err(WriteErrorKind::Faulty)),
        (no(500, "server_error", "x"), Err(WriteErrorKind::Unsettled)),
    ] {
        let server = uaa().await;
        on(&server, "GET", "/oauth/clients/a/meta", [none(), then]).await;
        on(&server, "PUT", "/oauth/clients/a/meta", [no(500, "server_error", "x")]).await;
        assert_eq!(update(&server, &fields).await.map_err(|error| failure(error).0), outcome);
    }
    let server = uaa().await;
    on(&server, "POST", MODIFY, [no(500, "server_error", "x")]).await;
    let (_, writer) = logged_in(&server).await;
    let set = writer.set_client_secret(&a(), &SecretString::from("canary-password")).await;
    assert_eq!(failure(set.expect_err("open")).0, WriteErrorKind::Unsettled);
}

#[tokio::test]
async fn approvals_outside_of_the_scope_are_none_and_do_not_become_some_when_the_scope_grows() {
    let server = uaa().await;
    let mut old = client("a");
    old["scope"] = json!(["a.read"]);
    old["autoapprove"] = json!(["a.read", "a.write"]);
    on(&server, "GET", "/oauth/clients/a", [ok(old.clone())]).await;
    on(&server, "POST", MODIFY, [replaced(old)]).await;
    let grown = change("scope", list(&["a.read"]), list(&["a.read", "a.write"]));
    let asked = change("autoapprove", list(&["a.read"]), FieldValue::None);
    assert_eq!(update(&server, std::slice::from_ref(&grown)).await, Ok(Written::Done));
    assert_eq!(update(&server, &[grown, asked]).await, Ok(Written::Done));
    let bodies = sent(&server, "POST").await;
    assert_eq!(bodies[0][0]["scope"], json!(["a.read", "a.write"]));
    assert_eq!(bodies[0][0]["autoapprove"], json!(["a.read"]));
    assert_eq!(bodies[1][0]["autoapprove"], Value::Null);
}

#[tokio::test]
async fn a_lost_replacement_is_judged_by_a_look() {
    let server = uaa().await;
    cut(&server, "POST", MODIFY, 1).await;
    on(&server, "GET", "/oauth/clients/a", [ok(client("a")), ok(named("New"))]).await;
    assert_eq!(update(&server, &new_name()).await, Ok(Written::Done));
    assert_eq!(
        received(&server).await,
        ["GET /oauth/clients/a", "POST /oauth/clients/tx/modify", "GET /oauth/clients/a"]
    );

    let server = uaa().await;
    on(&server, "POST", MODIFY, [html(504), replaced(client("a"))]).await;
    on(&server, "GET", "/oauth/clients/a", [ok(client("a"))]).await;
    assert_eq!(update(&server, &new_name()).await, Ok(Written::Done));
    assert_eq!(sent(&server, "POST").await.len(), 2);
}

#[tokio::test]
async fn metadata_is_a_resource_of_its_own_and_keeps_what_is_not_meant() {
    let server = uaa().await;
    let old =
        json!({"clientId": "a", "showOnHomePage": true, "appLaunchUrl": "http://x", "appIcon": "aWNvbg=="});
    on(&server, "GET", "/oauth/clients/a/meta", [ok(old)]).await;
    on(&server, "PUT", "/oauth/clients/a/meta", [ok(json!({}))]).await;
    let fields = [change("app_launch_url", FieldValue::Text("http://x".to_owned()), FieldValue::None)];
    assert_eq!(update(&server, &fields).await, Ok(Written::Done));
    assert_eq!(
        sent(&server, "PUT").await,
        [json!({"clientId": "a", "showOnHomePage": true, "appIcon": "aWNvbg=="})]
    );
    assert_eq!(received(&server).await, ["GET /oauth/clients/a/meta", "PUT /oauth/clients/a/meta"]);
    let other = [change("app_launch_url", FieldValue::Text("http://y".to_owned()), FieldValue::None)];
    assert_eq!(failure(update(&server, &other).await.expect_err("drift")).0, WriteErrorKind::Drifted);
}

#[tokio::test]
async fn a_lost_creation_makes_the_client_ours_if_it_is_what_we_would_have_made() {
    let secret_set =
        |changed: bool| ok(json!([{"client_id": "a", "action": "secret", "approvals_deleted": changed}]));
    let server = uaa().await;
    cut(&server, "POST", "/oauth/clients", 1).await;
    on(&server, "GET", "/oauth/clients/a", [ok(client("a"))]).await;
    on(&server, "POST", MODIFY, [secret_set(false)]).await;
    assert_eq!(create(&server).await, Ok(Written::Done));

    let server = uaa().await;
    cut(&server, "POST", "/oauth/clients", 1).await;
    let mut other = client("a");
    other["authorities"] = json!(["uaa.admin"]);
    on(&server, "GET", "/oauth/clients/a", [ok(other)]).await;
    assert_eq!(failure(create(&server).await.expect_err("another's")).0, WriteErrorKind::Drifted);
    assert_eq!(sent(&server, "POST").await.len(), 1);

    let server = uaa().await;
    let exists = no(409, "invalid_client", "Client already exists: a");
    on(&server, "POST", "/oauth/clients", [exists]).await;
    on(&server, "GET", "/oauth/clients/a", [ok(client("a"))]).await;
    assert_eq!(failure(create(&server).await.expect_err("was there")).0, WriteErrorKind::Drifted);
}

#[tokio::test]
async fn a_new_client_is_sent_with_its_secret_and_a_refusal_does_not_show_it() {
    let server = uaa().await;
    let refusal = no(400, "invalid_client", "canary-password is too short");
    on(&server, "POST", "/oauth/clients", [ResponseTemplate::new(201), refusal]).await;
    assert_eq!(create(&server).await, Ok(Written::Done));
    let body = json!({"client_id": "a", "client_secret": "canary-password", "authorities": ["a.b"],
                      "authorized_grant_types": ["client_credentials"]});
    assert_eq!(sent(&server, "POST").await, [body]);
    assert_eq!(failure(create(&server).await.expect_err("refused")).0, WriteErrorKind::Refused);
}

#[tokio::test]
async fn a_secret_counts_as_set_only_where_it_did_not_work() {
    for (changed, outcome) in [(true, Written::Done), (false, Written::AlreadySo)] {
        let server = uaa().await;
        let answer =
            ok(json!([{"scope": [], "client_id": "a", "action": "secret", "approvals_deleted": changed}]));
        on(&server, "POST", MODIFY, [answer]).await;
        let (_, writer) = logged_in(&server).await;
        let secret = SecretString::from("canary-password");
        assert_eq!(writer.set_client_secret(&a(), &secret).await, Ok(outcome));
        let body = json!([{"client_id": "a", "client_secret": "canary-password", "action": "secret"}]);
        assert_eq!(sent(&server, "POST").await, [body]);
    }
    let server = uaa().await;
    on(&server, "POST", MODIFY, [gone()]).await;
    let (_, writer) = logged_in(&server).await;
    let gone = writer.set_client_secret(&a(), &SecretString::from("canary-password")).await;
    assert_eq!(failure(gone.expect_err("gone")).0, WriteErrorKind::Drifted);
}

#[tokio::test]
async fn what_is_gone_already_is_not_deleted_and_a_wrong_zone_is_no_such_thing() {
    let zone = || ResponseTemplate::new(404).set_body_json(json!({}));
    let user_gone = || no(404, "scim_resource_not_found", "User u1 does not exist");
    for (delete, get, outcome) in [
        (ok(json!({})), None, Ok(Written::Done)),
        (gone(), Some(gone()), Ok(Written::AlreadySo)),
        (html(504), Some(gone()), Ok(Written::Done)),
        (zone(), None, Err(WriteErrorKind::Systemic)),
        (no(403, "insufficient_scope", "x"), None, Err(WriteErrorKind::Systemic)),
        (gone(), Some(zone()), Err(WriteErrorKind::Unknown)),
    ] {
        let server = uaa().await;
        on(&server, "DELETE", "/oauth/clients/a", [delete]).await;
        on(&server, "GET", "/oauth/clients/a", get).await;
        let (_, writer) = logged_in(&server).await;
        let deleted = writer.delete_client(&a()).await;
        assert_eq!(deleted.map_err(|error| failure(error).0), outcome);
    }
    let server = uaa().await;
    for at in ["/Users/u1", "/Groups/u1"] {
        on(&server, "DELETE", at, [user_gone()]).await;
        on(&server, "GET", at, [user_gone()]).await;
    }
    let (_, writer) = logged_in(&server).await;
    assert_eq!(writer.delete_user(&Guid::new("u1")).await, Ok(Written::AlreadySo));
    assert_eq!(writer.delete_group(&Guid::new("u1")).await, Ok(Written::AlreadySo));
}

#[tokio::test]
async fn the_host_of_another_zone_is_looked_up_once_for_all_its_clients() {
    let server = uaa().await;
    let zone = json!({"id": "z-1", "subdomain": "t1", "name": "Team 1"});
    on(&server, "GET", "/identity-zones", [ok(json!([zone]))]).await;
    on(&server, "GET", "/identity-zones/z-1", [ok(zone)]).await;
    on(&server, "GET", "/info", [ok(json!({"zone_name": "Team 1"}))]).await;
    let works = no(400, "unsupported_grant_type", "Unsupported grant type: uaapply_probe");
    Mock::given(method("POST"))
        .and(body_string_contains("uaapply_probe"))
        .respond_with(works)
        .with_priority(1)
        .mount(&server)
        .await;
    let connection = Connection { zone: Some("t1".to_owned()), ..connection(&server.uri()) };
    let reader = Reader::log_in(connection, Server::default()).await.expect("a token");
    let secret = SecretString::from("canary-other");
    let (a, b, c) = (ClientId::new("a"), ClientId::new("b"), ClientId::new("c"));
    let together = tokio::join!(reader.secret_works(&a, &secret), reader.secret_works(&b, &secret));
    assert_eq!((together, reader.secret_works(&c, &secret).await), ((Ok(true), Ok(true)), Ok(true)));
    assert_eq!(received(&server).await, ["GET /identity-zones", "GET /identity-zones/z-1", "GET /info"]);
}
