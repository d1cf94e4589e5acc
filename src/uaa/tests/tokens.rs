use super::*;
use crate::observed::ReadScope;

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
    let said = text(&refused(no(401, "invalid_client", "Unauthorized grant type: client_credentials")).await);
    assert!(said.contains("grant type client_credentials"), "{said}");
    assert!(text(&refused(ResponseTemplate::new(404).set_body_json(json!({}))).await).contains("zone"));
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
    for at in ["/Groups", "/Groups/External", "/identity-zones/uaa"] {
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(refusal())
            .up_to_n_times(1)
            .with_priority(1)
            .mount(&server)
            .await;
    }
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    let (reader, _) = logged_in(&server).await;
    assert!(reader.observe(&ReadScope::default()).await.is_ok());
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
