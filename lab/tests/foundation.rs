//! The lab itself against the real UAA: what every live test relies on.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uaapply_lab::proxy::{Action, Proxy, Reply, Seen};
use uaapply_lab::{Foundation, Options, UaaVersion, certificates};

fn foundation(version: UaaVersion) -> &'static Foundation {
    static OLD: OnceLock<Foundation> = OnceLock::new();
    static NEW: OnceLock<Foundation> = OnceLock::new();
    let cell = match version {
        UaaVersion::V4_10_0 => &OLD,
        UaaVersion::V4_30_0 => &NEW,
    };
    cell.get_or_init(|| match Foundation::start(version, &Options::default()) {
        Ok(foundation) => foundation,
        Err(error) => panic!("the lab does not start: {error}"),
    })
}

/// Makes a user of the default zone with these scopes; returns an access token through `pks_cli`.
fn token(foundation: &Foundation, name: &str, scopes: &[&str]) -> String {
    has_user(foundation, name, scopes);
    let (status, body) = foundation.password_login(name, "a-Pa55word").expect("UAA answers");
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().expect("a token").to_owned()
}

fn has_user(foundation: &Foundation, name: &str, scopes: &[&str]) {
    let user = json!({"userName": name, "password": "a-Pa55word", "emails": [{"value": format!("{name}@example.com")}]});
    let (status, user) = foundation.request("POST", "/Users", Some(user)).expect("UAA answers");
    assert_eq!(status, 201, "{user}");
    for scope in scopes {
        let path = format!("/Groups?filter=displayName%20eq%20%22{scope}%22");
        let (_, groups) = foundation.request("GET", &path, None).expect("UAA answers");
        let group = groups["resources"][0]["id"].as_str().expect("the product's group is there");
        let member = json!({"value": user["id"], "type": "USER", "origin": "uaa"});
        let (status, body) = foundation
            .request("POST", &format!("/Groups/{group}/members"), Some(member))
            .expect("UAA answers");
        assert_eq!(status, 201, "{body}");
    }
}

fn names(clusters: &Value) -> Vec<&str> {
    clusters
        .as_array()
        .map(|all| all.iter().filter_map(|cluster| cluster["name"].as_str()).collect())
        .unwrap_or_default()
}

fn shows_clusters_by_scope(version: UaaVersion) {
    let foundation = foundation(version);
    let (_, info) = foundation.request("GET", "/info", None).expect("UAA answers");
    assert_eq!(info["app"]["version"], version.to_string());

    let all = ["shop-prod", "shop-staging", "data-lake", "billing", "sandbox"];
    for (name, scope, sees) in [
        ("cody", "pks.clusters.admin", &all[..]),
        ("rita", "pks.clusters.admin.read", &all),
        ("alana", "pks.clusters.manage", &all[..2]),
        ("newt", "pks.clusters.manage", &[]),
    ] {
        let token = token(foundation, name, &[scope]);
        let (status, clusters) = foundation.clusters(&token).expect("the PKS API answers");
        assert_eq!((status, names(&clusters)), (200, sees.to_vec()), "{name}: {clusters}");
        for cluster in clusters.as_array().into_iter().flatten() {
            let fields: Vec<&str> =
                cluster.as_object().expect("a cluster").keys().map(String::as_str).collect();
            assert_eq!(
                fields,
                [
                    "kubernetes_master_host",
                    "last_action",
                    "last_action_state",
                    "name",
                    "owner",
                    "plan_name",
                    "uuid"
                ]
            );
        }
    }
    has_user(foundation, "dana", &[]);
    let (status, body) = foundation.password_login("dana", "a-Pa55word").expect("UAA answers");
    assert_eq!((status, &body["error"]), (400, &json!("invalid_scope")), "{body}");
    let (status, body) = foundation.password_login("alana", "wrong").expect("UAA answers");
    assert_eq!(status, 401, "{body}");
    assert_eq!(foundation.clusters("nonsense").expect("the PKS API answers").0, 401);

    let (id, secret) = foundation.has_client("reader", &["scim.read"]);
    let (status, client) =
        foundation.request("GET", &format!("/oauth/clients/{id}"), None).expect("UAA answers");
    assert_eq!((status, &client["authorities"]), (200, &json!(["scim.read"])), "{secret}");
    let (_, admin) = foundation.request("GET", "/oauth/clients/admin", None).expect("UAA answers");
    let authorities = admin["authorities"].as_array().expect("a list");
    for needed in ["uaa.admin", "scim.write", "clients.secret", "password.write"] {
        assert!(authorities.iter().any(|held| held == needed), "{needed}: {admin}");
    }
}

fn gives_zones_with_ldap(version: UaaVersion) {
    let foundation = foundation(version);
    let (one, two) = (foundation.new_zone("t").expect("a zone"), foundation.new_zone("t").expect("a zone"));
    assert_ne!(one.id, two.id);
    let user = json!({"userName": "gina", "origin": "ldap", "emails": [{"value": "gina@example.com"}]});
    let (status, body) = one.request("POST", "/Users", Some(user.clone())).expect("UAA answers");
    assert_eq!(status, 201, "{body}");
    let total = |body: &Value| body["totalResults"].as_u64();
    assert_eq!(total(&one.request("GET", "/Users", None).expect("UAA answers").1), Some(1));
    assert_eq!(total(&two.request("GET", "/Users", None).expect("UAA answers").1), Some(0));
    let group = json!({"displayName": "team"});
    let (status, group) = one.request("POST", "/Groups", Some(group)).expect("UAA answers");
    assert_eq!(status, 201, "{group}");
    let put = json!({"displayName": "team", "description": "d", "members": []});
    let path = format!("/Groups/{}", group["id"].as_str().expect("an id"));
    assert_eq!(one.request("PUT", &path, Some(put)).expect("UAA answers").0, 200);
    let (status, body) = foundation.request("POST", "/Users", Some(user)).expect("UAA answers");
    assert_eq!(status, 201, "{body}");
}

#[test]
fn each_sees_the_clusters_of_their_scope_on_4_30_0() {
    shows_clusters_by_scope(UaaVersion::V4_30_0);
}

#[test]
fn each_sees_the_clusters_of_their_scope_on_4_10_0() {
    shows_clusters_by_scope(UaaVersion::V4_10_0);
}

#[test]
fn zones_are_apart_and_know_ldap_on_4_30_0() {
    gives_zones_with_ldap(UaaVersion::V4_30_0);
}

#[test]
fn zones_are_apart_and_know_ldap_on_4_10_0() {
    gives_zones_with_ldap(UaaVersion::V4_10_0);
}

/// One request by hand, through std alone; what came back before the connection ended or this time was over.
fn raw(address: &str, request: &str, patience: Duration) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream =
        std::net::TcpStream::connect(address.trim_start_matches("http://")).expect("the proxy listens");
    stream.write_all(request.as_bytes()).expect("the proxy reads");
    stream.set_read_timeout(Some(patience)).expect("a time");
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => text.extend_from_slice(&buffer[..n]),
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                text.extend_from_slice(b"(still open)");
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn the_proxy_does_what_it_is_told() {
    let foundation = foundation(UaaVersion::V4_30_0);
    let proxy = Proxy::start(foundation, |seen| match &*seen.query {
        "hold" => Action::Hold,
        "then-hold" => Action::ForwardThenHold,
        "drop" => Action::Drop,
        "then-drop" => Action::ForwardThenDrop,
        "delay" => Action::Delay(Duration::from_millis(300)),
        "answer" => Action::Answer(Reply::html(503, "<p>later</p>").retry_after(7)),
        "then-answer" => Action::ForwardThenAnswer(Reply::json(500, "{}")),
        "truncate" => Action::Truncate,
        "stall" => Action::Stall(Duration::from_millis(300)),
        _ => Action::Forward,
    })
    .expect("the proxy starts");
    let url = proxy.url();
    let get = |query: &str, patience: u64| {
        let request = format!(
            "GET /info?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        );
        raw(&url, &request, Duration::from_millis(patience))
    };
    let answer = get("a=b", 20_000);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("zone_name"), "{answer}");
    assert_eq!(get("drop", 20_000), "");
    assert_eq!(get("then-drop", 20_000), "");
    let answer = get("answer", 20_000);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("\r\n\r\n<p>later</p>"), "{answer}");
    assert!(answer.contains("retry-after: 7") && answer.contains("content-type: text/html"), "{answer}");
    let answer = get("then-answer", 20_000);
    assert!(answer.starts_with("HTTP/1.1 500") && answer.ends_with("\r\n\r\n{}"), "{answer}");
    let length = |answer: &str| {
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let announced =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        (announced.parse::<usize>().expect("a number"), body.len())
    };
    let (announced, arrived) = length(&get("truncate", 20_000));
    assert!(arrived > 0 && arrived == announced / 2, "{arrived} of {announced}");
    for slow in ["delay", "stall"] {
        let started = Instant::now();
        let answer = get(slow, 20_000);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let (announced, arrived) = length(&answer);
        assert_eq!(announced, arrived);
        assert!(started.elapsed() >= Duration::from_millis(300));
    }
    assert!(!proxy.holding());
    for held in ["hold", "then-hold"] {
        std::thread::scope(|scope| {
            let request = scope.spawn(|| get(held, 2_000));
            let started = Instant::now();
            while !proxy.holding() {
                assert!(started.elapsed() < Duration::from_secs(2), "{held}: nothing is held");
                std::thread::sleep(Duration::from_millis(2));
            }
            assert_eq!(request.join().expect("no panic"), "(still open)");
        });
        // The client went; the proxy notices.
        std::thread::sleep(Duration::from_millis(300));
        assert!(!proxy.holding(), "{held}");
    }
    let seen: Vec<_> = proxy.seen().into_iter().map(|seen| (seen.number, seen.query, seen.status)).collect();
    let expected = [
        ("a=b", Some(200)),
        ("drop", None),
        ("then-drop", None),
        ("answer", Some(503)),
        ("then-answer", Some(500)),
        ("truncate", Some(200)),
        ("delay", Some(200)),
        ("stall", Some(200)),
        ("hold", None),
        ("then-hold", None),
    ];
    let expected: Vec<_> =
        expected.iter().enumerate().map(|(n, &(query, status))| (n + 1, query.to_owned(), status)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_test_can_look_at_uaa_whenever_it_has_handled_a_request_and_when_nothing_is_under_way() {
    let foundation = foundation(UaaVersion::V4_30_0);
    let (say, heard) = std::sync::mpsc::channel();
    let looks = move |seen: &Seen| {
        // By a client of its own, which must not be kept waiting by what waits for us.
        let (status, _) = foundation.request("GET", "/Groups?count=1", None).expect("UAA answers");
        say.send((seen.query.clone(), seen.status, status)).expect("the test waits");
    };
    let decide = |seen: &Seen| {
        if seen.query == "then-drop" { Action::ForwardThenDrop } else { Action::Answer(Reply::status(204)) }
    };
    let proxy = Proxy::watched(foundation, decide, looks).expect("the proxy starts");
    let ask = |query: &str| {
        let request = format!(
            "GET /info?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        );
        raw(&proxy.url(), &request, Duration::from_secs(20))
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(ask("then-drop"), ""));
        }
    });
    assert!(ask("answer").starts_with("HTTP/1.1 204"));
    proxy.settle().expect("nothing is under way");
    let all: Vec<_> = heard.try_iter().collect();
    assert_eq!(all, vec![("then-drop".to_owned(), Some(200), 200); 8]);
}

/// Asks a server for its page as a client that trusts what it is told to; the page, or all that is wrong.
fn page(server: &certificates::Server) -> Result<String, String> {
    let ca = reqwest::Certificate::from_pem(server.ca_pem().as_bytes()).expect("a certificate");
    let http = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().expect("a client");
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(async {
        let answer = http.get(server.url()).send().await.map_err(|error| format!("{error:?}"))?;
        answer.text().await.map_err(|error| format!("{error:?}"))
    })
}

#[test]
fn each_bad_certificate_is_refused_for_its_own_reason() {
    for (kind, reason) in [
        (certificates::Expired, "Expired"),
        (certificates::OtherAuthority, "UnknownIssuer"),
        (certificates::WrongName, "NotValidForName"),
    ] {
        let server = certificates::serving(kind).expect("it starts");
        let error = page(&server).expect_err("it is bad");
        assert!(error.contains(reason), "{kind:?}: {error}");
    }
    let server = certificates::serving(certificates::NoUaa).expect("it starts");
    assert!(page(&server).expect("its certificate is good").contains("It works!"));
    assert_eq!(std::fs::read_to_string(server.ca_file()).expect("a file"), server.ca_pem());
}
