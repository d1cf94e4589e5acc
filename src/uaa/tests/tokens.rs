use super::*;
use crate::model::{ClientId, Guid, Origin};
use crate::observed::{MemberKind, ReadScope};

async fn refused(answer: ResponseTemplate) -> Error {
    let server = MockServer::start().await;
    on(&server, "POST", "/oauth/token", [answer]).await;
    let error =
        super::super::log_in(connection(&server.uri()), Server::default()).await.expect_err("no token");
    text(&error);
    error
}

/// An empty foundation.
async fn empty() -> MockServer {
    let server = uaa().await;
    on(&server, "GET", "/identity-zones/uaa", [ok(json!({"id": "uaa", "subdomain": ""}))]).await;
    on(&server, "GET", "/Groups/External", [page(0, [])]).await;
    server
}

async fn tokens(server: &MockServer) -> usize {
    let all = server.received_requests().await.expect("requests are recorded");
    all.iter().filter(|request| request.url.path() == "/oauth/token").count()
}

#[tokio::test]
async fn credentials_travel_in_the_body_and_ask_for_an_opaque_token() {
    let server = empty().await;
    let (reader, _) = logged_in(&server).await;
    let all = server.received_requests().await.expect("requests are recorded");
    let body: Vec<(String, String)> = url::form_urlencoded::parse(&all[0].body).into_owned().collect();
    let mut body: Vec<String> = body.iter().map(|(name, value)| format!("{name}={value}")).collect();
    body.sort();
    let secret = format!("client_secret={SECRET}");
    assert_eq!(body, ["client_id=admin", &secret, "grant_type=client_credentials", "token_format=opaque"]);
    assert!(!all[0].headers.contains_key("authorization"));
    assert_eq!(reader.requests(), 3);
    assert!(!format!("{reader:?}").contains("canary"));
}

#[tokio::test]
async fn a_refused_log_in_names_both_possibilities_and_where_the_secret_is() {
    for word in ["unauthorized", "invalid_client"] {
        // A server that echoes what it got.
        let said = text(&refused(no(401, word, &format!("Bad credentials {SECRET}"))).await);
        for words in [
            "`admin`",
            "secret is wrong",
            "no such client",
            "401",
            "Pks Uaa Management Admin Client",
            "om credentials",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
    // Only the server's words are masked: to mask our own would tell which of them is the secret.
    let server = MockServer::start().await;
    on(&server, "POST", "/oauth/token", [no(401, "unauthorized", "Bad wrong credentials")]).await;
    let wrong = Connection { login: Login::Secret(SecretString::from("wrong")), ..connection(&server.uri()) };
    let error = super::super::log_in(wrong, Server::default()).await.expect_err("refused");
    assert!(error.message.contains("the secret is wrong"), "{error:?}");
    assert_eq!(error.causes, ["POST /oauth/token: 401 unauthorized: Bad ((redacted)) credentials"]);
    let other = Connection { client_id: ClientId::new("ci"), ..connection(&server.uri()) };
    let said = text(&super::super::log_in(other, Server::default()).await.expect_err("refused"));
    assert!(said.contains("uaapply export --clients 'ci'") && !said.contains("Ops Manager"), "{said}");
    let said = text(&refused(no(401, "invalid_client", "Unauthorized grant type: client_credentials")).await);
    assert!(said.contains("grant type client_credentials"), "{said}");
    assert!(text(&refused(ResponseTemplate::new(404).set_body_json(json!({}))).await).contains("zone"));
}

#[tokio::test]
async fn what_a_server_says_cannot_steer_a_terminal() {
    let hostile = "\u{1b}[31mred\u{202e}\r\n";
    let shown = "\\u{1b}[31mred\\u{202e}\\u{d}\\u{a}";
    for answer in [
        no(401, "unauthorized", hostile),
        no(400, hostile, "x"),
        no(403, hostile, "x"),
        no(500, "x", hostile),
    ] {
        let said = text(&refused(answer).await);
        assert!(said.contains(shown), "{said:?}");
        assert!(!said.chars().any(|c| c != '\n' && crate::visible::is_invisible(c)), "{said:?}");
    }
    let server = empty().await;
    on(&server, "GET", "/Groups", [no(403, "insufficient_scope", hostile)]).await;
    let error = logged_in(&server).await.0.observe(&ReadScope::default()).await.expect_err("refused");
    assert!(text(&error).contains(shown), "{error:?}");
}

#[tokio::test]
async fn a_token_answer_that_cannot_be_read_is_not_shown() {
    for body in [format!(r#"{{"access_token": ["{TOKEN}"]}}"#), format!("{TOKEN} and more")] {
        let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        assert!(refused(answer).await.message.contains("not a token"));
    }
}

#[tokio::test]
async fn a_token_without_authority_is_refused_before_anything_is_read() {
    let server = MockServer::start().await;
    let answer =
        json!({"access_token": TOKEN, "token_type": "bearer", "expires_in": 9, "scope": "clients.read"});
    on(&server, "POST", "/oauth/token", [ok(answer)]).await;
    let error =
        super::super::log_in(connection(&server.uri()), Server::default()).await.expect_err("too little");
    assert!(text(&error).contains("uaac client update admin --authorities \"clients.read scim.read\""));
    assert_eq!(received(&server).await, Vec::<String>::new());
}

#[tokio::test]
async fn many_requests_that_are_refused_at_once_fetch_one_new_token() {
    let server = empty().await;
    let refusal =
        || no(401, "invalid_token", "The token expired, was revoked, or the token ID is incorrect.");
    for at in ["/Groups", "/Groups/External", "/identity-providers"] {
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(refusal())
            .up_to_n_times(1)
            .with_priority(1)
            .mount(&server)
            .await;
    }
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    on(&server, "GET", "/identity-providers", [ok(json!([]))]).await;
    let (reader, _) = logged_in(&server).await;
    let scope = ReadScope { origins: [Origin::new("ldap")].into(), ..ReadScope::default() };
    assert!(reader.observe(&scope).await.is_ok());
    assert_eq!(tokens(&server).await, 2);
}

#[tokio::test]
async fn a_token_that_is_refused_again_and_again_is_an_error_after_one_new_one() {
    let server = empty().await;
    on(&server, "GET", "/Groups", [no(401, "invalid_token", &format!("no {TOKEN}"))]).await;
    let (reader, _) = logged_in(&server).await;
    let error = reader.observe(&ReadScope::default()).await.expect_err("refused");
    assert!(text(&error).contains("refuses the token, a new one too"), "{error:?}");
    assert_eq!(tokens(&server).await, 2);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let server = MockServer::start().await;
    on(&server, "POST", "/oauth/token", [token(1), token(43_199)]).await;
    on(&server, "GET", "/identity-zones/uaa", [ResponseTemplate::new(403)]).await;
    on(&server, "GET", "/Groups/External", [page(0, [])]).await;
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    let (reader, _) = logged_in(&server).await;
    tokio::time::sleep(Duration::from_millis(950)).await;
    assert!(reader.observe(&ReadScope::default()).await.is_ok());
    assert_eq!(tokens(&server).await, 2);
}

#[tokio::test]
async fn a_token_that_lasts_longer_than_any_clock_is_a_token() {
    let server = MockServer::start().await;
    on(&server, "POST", "/oauth/token", [token(u64::MAX)]).await;
    on(&server, "GET", "/identity-zones/uaa", [ResponseTemplate::new(403)]).await;
    on(&server, "GET", "/Groups/External", [page(0, [])]).await;
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    let (reader, _) = logged_in(&server).await;
    assert!(reader.observe(&ReadScope::default()).await.is_ok());
    assert_eq!(tokens(&server).await, 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_asked_for_once_by_all_who_wait_for_it() {
    let server = MockServer::start().await;
    on(&server, "POST", "/oauth/token", [token(43_199), html(503)]).await;
    let (_, writer) = logged_in(&server).await;
    on(&server, "POST", "/Groups/g1/members", [no(401, "invalid_token", "expired")]).await;
    let members: Vec<Guid> = (0..8).map(|n| Guid::new(format!("u{n}"))).collect();
    let group = Guid::new("g1");
    let adds = members.iter().map(|member| writer.add_member(&group, member, MemberKind::User));
    for added in futures_util::future::join_all(adds).await {
        assert_eq!(failure(added.expect_err("no token")).0, WriteErrorKind::Systemic);
    }
    // The first, and what one request costs at a server that is down.
    assert_eq!(tokens(&server).await, 1 + 4);
}

#[tokio::test]
async fn the_default_zone_by_its_id_is_no_switch_and_asks_for_no_authority() {
    let server = MockServer::start().await;
    let least = json!({"access_token": TOKEN, "token_type": "bearer", "expires_in": 9, "scope": "scim.read"});
    on(&server, "POST", "/oauth/token", [ok(least)]).await;
    on(&server, "GET", "/identity-zones/uaa", [no(403, "insufficient_scope", "x")]).await;
    on(&server, "GET", "/Groups/External", [page(0, [])]).await;
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    let in_default = Connection { zone: Some("uaa".to_owned()), ..connection(&server.uri()) };
    let (reader, _) = super::super::log_in(in_default, Server::default()).await.expect("a token");
    let observed = reader.observe(&ReadScope::default()).await.expect("read");
    assert_eq!((observed.server.zone.as_str(), observed.zone_by_header), ("uaa", false));
    for request in server.received_requests().await.expect("requests are recorded") {
        assert!(!request.headers.keys().any(|name| name.as_str().starts_with("x-identity")));
    }
}

#[tokio::test]
async fn another_zone_is_found_in_one_request_and_reached_by_the_header() {
    const ID: &str = "bc2b2bbc-1bfa-4721-aa09-ef55c1352a1b";
    let zone = |id: &str, subdomain: &str, active: bool| json!({"id": id, "subdomain": subdomain, "active": active, "config": {"userConfig": {"defaultGroups": ["openid"]}}});
    for (wanted, id) in [("t1", "t1"), ("Sub", "t2"), (ID, ID), ("t4", ""), ("t1x", "")] {
        let server = uaa().await;
        on(&server, "GET", &format!("/identity-zones/{ID}"), [ok(zone(ID, "random", true))]).await;
        let zones = [
            zone("t0", "t1", true),
            zone("t1", "other", true),
            zone("t2", "sub", true),
            zone("t4", "t4", false),
        ];
        on(&server, "GET", "/identity-zones", [ok(json!(zones))]).await;
        on(&server, "GET", "/Groups/External", [page(0, [])]).await;
        on(&server, "GET", "/Groups", [page(0, [])]).await;
        let in_zone = Connection { zone: Some(wanted.to_owned()), ..connection(&server.uri()) };
        let logged_in = super::super::log_in(in_zone, Server::default()).await;
        assert_eq!(received(&server).await.len(), 1, "{wanted}");
        let (reader, _) = match logged_in {
            Ok(both) => both,
            Err(error) => {
                assert_eq!(id, "", "{error:?}");
                assert!(text(&error).contains(&format!("no identity zone `{wanted}`")), "{error:?}");
                assert!(text(&error).contains("did you mean `t"), "{error:?}");
                continue;
            }
        };
        let observed = reader.observe(&ReadScope::default()).await.expect("read");
        assert_eq!((observed.server.zone.as_str(), observed.zone_by_header), (id, true));
        assert!(observed.default_groups.is_some_and(|groups| groups.len() == 1));
        for request in server.received_requests().await.expect("requests are recorded") {
            let at = request.url.path();
            assert_eq!(request.headers.contains_key("x-identity-zone-id"), at.starts_with("/Groups"), "{at}");
        }
        // Token, zone, groups, mappings.
        assert_eq!(reader.requests(), 2 + 4);
    }
}

#[tokio::test]
async fn a_token_of_one_zone_only_reads_that_zone_there() {
    let server = MockServer::start().await;
    let zoned =
        json!({"access_token": TOKEN, "token_type": "bearer", "expires_in": 9, "scope": "zones.t1.admin"});
    on(&server, "POST", "/oauth/token", [ok(zoned)]).await;
    on(&server, "GET", "/identity-zones/t1", [ok(json!({"id": "t1", "subdomain": "t1"}))]).await;
    on(&server, "GET", "/Groups/External", [page(0, [])]).await;
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    let in_t1 = |zone: &str| Connection { zone: Some(zone.to_owned()), ..connection(&server.uri()) };
    let (reader, _) = super::super::log_in(in_t1("t1"), Server::default()).await.expect("a token");
    assert!(reader.observe(&ReadScope::default()).await.is_ok());
    for request in server.received_requests().await.expect("requests are recorded") {
        let at = request.url.path();
        assert_eq!(request.headers.contains_key("x-identity-zone-id"), at != "/oauth/token", "{at}");
    }
    assert_eq!(reader.requests(), 2 + 4);
    // What no header can hold is no zone, and nothing is asked.
    let before = received(&server).await.len();
    let error = super::super::log_in(in_t1("a\nb"), Server::default()).await.expect_err("no zone");
    assert!(text(&error).contains("no identity zone `a\\u{a}b`"), "{error:?}");
    assert_eq!(received(&server).await.len(), before);
}
