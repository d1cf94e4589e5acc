use super::*;
use crate::uaa::identify;

async fn refusal(target: &str) -> Error {
    let error = identify(&connection(target)).await.expect_err("that is no UAA");
    text(&error);
    assert!(!error.hints.is_empty(), "{error:?}");
    error
}

#[tokio::test]
async fn a_uaa_names_its_version_and_issuer_and_is_asked_without_credentials() {
    let server = MockServer::start().await;
    on(&server, "GET", "/uaa/info", [ok(json!({"app": {"version": "4.30.0"}}))]).await;
    on(
        &server,
        "GET",
        "/uaa/.well-known/openid-configuration",
        [ok(json!({"issuer": "https://x/oauth/token"}))],
    )
    .await;
    let target = server.uri().replace("http://", "http://me:canary@") + "/uaa/?q=1";
    let found = identify(&Connection { zone: Some("t1".to_owned()), ..connection(&target) }).await;
    let expected = Server {
        url: format!("{}/uaa", server.uri()),
        issuer: "https://x/oauth/token".to_owned(),
        zone: String::new(),
        uaa_version: "4.30.0".to_owned(),
    };
    assert_eq!(found, Ok(expected));
    for request in server.received_requests().await.expect("requests are recorded") {
        assert!(!request.headers.contains_key("authorization"));
        assert!(!request.headers.keys().any(|name| name.as_str().starts_with("x-identity")));
        assert_eq!(request.headers["accept"], "application/json");
    }
}

#[tokio::test]
async fn a_version_without_openid_configuration_has_no_issuer() {
    let server = MockServer::start().await;
    on(&server, "GET", "/info", [ok(json!({"app": {"version": "4.10.0"}}))]).await;
    assert_eq!(identify(&connection(&server.uri())).await.map(|found| found.issuer), Ok(String::new()));
}

#[tokio::test]
async fn whatever_is_no_uaa_is_named_with_its_cause() {
    let failed =
        ResponseTemplate::new(503).insert_header("x-cf-uaa-error", "no key").set_body_string("FAILURE");
    let tls = "This combination of host and port requires TLS.";
    for (answer, words) in [
        (html(200), "an HTML page instead of JSON"),
        (ok(json!({"name": "PKS"})), "JSON without `app.version`"),
        (html(404), "404"),
        (ResponseTemplate::new(302).insert_header("location", "/login"), "redirects"),
        (ResponseTemplate::new(404).set_body_json(json!({})), "no identity zone"),
        (failed, "did not start\nno key"),
        (ResponseTemplate::new(400).set_body_raw(tls, "text/plain"), "wants https"),
    ] {
        let server = MockServer::start().await;
        on(&server, "GET", "/info", [answer]).await;
        let error = refusal(&server.uri()).await;
        assert!(text(&error).contains(words), "{words}: {error:?}");
    }
}

#[tokio::test]
async fn a_uaa_at_another_path_of_the_host_is_found() {
    for (typed, right) in [("/uaa", ""), ("", "/uaa"), ("/uaa/oauth/token", "/uaa"), ("/login", "")] {
        let server = MockServer::start().await;
        on(&server, "GET", &format!("{right}/info"), [ok(json!({"app": {"version": "4.30.0"}}))]).await;
        let error = refusal(&format!("{}{typed}", server.uri())).await;
        assert_eq!(error.hints, [format!("UAA answers at {}{right}: write that in --target", server.uri())]);
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_port_names_the_address_to_write() {
    for body in [
        "Bad Request\r\nThis combination of host and port requires TLS.\r\n",
        "<html>The plain HTTP request was sent to HTTPS port</html>",
        "Client sent an HTTP request to an HTTPS server.",
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(400).set_body_raw(body, "text/html");
        on(&server, "GET", "/info", [answer]).await;
        let error = refusal(&server.uri()).await;
        let right = server.uri().replace("http://", "https://");
        assert_eq!(error.hints, [format!("write {right} in --target")]);
        assert_eq!(received(&server).await.iter().filter(|request| request.ends_with("/info")).count(), 1);
    }
    // Others only send a TLS alert, or hang up.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = silent.accept().await {
            drop(stream)
        }
    });
    let error = refusal(&format!("http://127.0.0.1:{port}")).await;
    assert!(text(&error).contains(&format!("write https://127.0.0.1:{port}")), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_hangs_is_tried_once_and_its_time_is_named() {
    // Listens, and never answers the TLS handshake.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let impatient = Connection {
        timeout: Duration::from_millis(800),
        ..connection(&format!("https://127.0.0.1:{port}"))
    };
    let begun = std::time::Instant::now();
    let error = identify(&impatient).await.expect_err("silence");
    assert!(begun.elapsed() < Duration::from_millis(700), "{:?}", begun.elapsed());
    assert_eq!(error.message, format!("no connection to https://127.0.0.1:{port} within 0.4 s"));
    assert!(error.hints[0].contains("firewall"), "{error:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let server = MockServer::start().await;
    let long = ResponseTemplate::new(200).set_body_raw("x".repeat(2 << 20), "application/json");
    on(&server, "GET", "/info", [long]).await;
    let error = identify(&connection(&server.uri())).await.expect_err("too long");
    assert!(text(&error).contains("longer than 1 MiB"), "{error:?}");
}

#[tokio::test]
async fn a_load_balancer_without_uaa_is_asked_again_and_then_named() {
    let server = MockServer::start().await;
    on(&server, "GET", "/info", [html(502)]).await;
    assert!(refusal(&server.uri()).await.message.contains("not available"));
    assert_eq!(received(&server).await.iter().filter(|request| *request == "GET /info").count(), 4);
}

#[tokio::test]
async fn each_way_to_miss_a_server_has_its_own_words() {
    for (target, words) in [
        ("https://127.0.0.1:1", "nothing listens"),
        ("https://uaa.invalid", "resolve"),
        ("http://uaa.example.com", "clear text"),
        ("ftp://uaa.example.com", "not an https address"),
    ] {
        assert!(text(&refusal(target).await).contains(words), "{target}");
    }
    let server = MockServer::start().await;
    let tls_to_plain = server.uri().replace("http://", "https://");
    let said = text(&refusal(&tls_to_plain).await);
    assert!(
        said.contains("does not speak TLS") && said.contains(&format!("write {} in", server.uri())),
        "{said}"
    );
}

#[tokio::test]
async fn a_server_that_is_silent_costs_two_tries() {
    let server = MockServer::start().await;
    on(&server, "GET", "/info", [ok(json!({})).set_delay(Duration::from_secs(9))]).await;
    let impatient = Connection { timeout: Duration::from_millis(200), ..connection(&server.uri()) };
    let error = identify(&impatient).await.expect_err("silence");
    assert!(text(&error).contains("no answer within 0.2 s"), "{error:?}");
    assert_eq!(received(&server).await.iter().filter(|request| *request == "GET /info").count(), 2);
}

#[tokio::test]
async fn a_ca_file_without_certificate_is_told_before_anything_is_sent() {
    let error =
        identify(&Connection { ca_cert: Some(b"hello".to_vec()), ..connection("https://localhost:1") })
            .await
            .expect_err("no certificate");
    assert!(text(&error).contains("BEGIN CERTIFICATE"));
}

#[test]
fn a_secret_too_short_to_be_masked_is_told_once_and_not_shown() {
    let with = |mask: &[&str]| Connection {
        mask: mask.iter().map(|&secret| SecretString::from(secret)).collect(),
        ..connection("https://localhost:1")
    };
    assert_eq!(with(&["long enough", ""]).warning(), None);
    let one = with(&["xyz", "long enough"]).warning().expect("a warning");
    assert!(one.contains("a secret has fewer than 4") && !one.contains("xyz"), "{one}");
    assert!(with(&["xyz", "a"]).warning().expect("a warning").starts_with("2 secrets"));
}
