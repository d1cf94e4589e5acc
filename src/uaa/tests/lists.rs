use std::collections::BTreeSet;

use super::*;
use crate::model::{GroupName, Guid, Origin, UserKey, Username};
use crate::observed::{Observed, ReadScope};

fn group(n: usize) -> Value {
    json!({"id": format!("g{n:03}"), "displayName": format!("group{n}"), "description": null, "members": [], "zoneId": "uaa"})
}

fn user(n: usize) -> Value {
    json!({"id": format!("u{n:03}"), "userName": format!("User{n}"), "origin": "uaa", "externalId": null,
           "name": {"givenName": "G"}, "emails": [{"value": "a@b", "primary": false}], "phoneNumbers": null,
           "active": true, "verified": false})
}

/// Serves rows by `startIndex`, at most so many at once, as the page function decides.
async fn rows(
    server: &MockServer,
    at: &str,
    serve: impl Fn(usize, &Request) -> ResponseTemplate + Send + Sync + 'static,
) {
    let respond = move |request: &Request| {
        let start = request.url.query_pairs().find(|(name, _)| name == "startIndex");
        serve(start.and_then(|(_, value)| value.parse().ok()).expect("a start"), request)
    };
    Mock::given(method("GET")).and(path(at)).respond_with(respond).mount(server).await;
}

async fn foundation() -> MockServer {
    let server = uaa().await;
    on(&server, "GET", "/identity-zones/uaa", [ResponseTemplate::new(403)]).await;
    on(&server, "GET", "/Groups/External", [page(0, [])]).await;
    server
}

async fn observe(server: &MockServer, scope: &ReadScope) -> Result<Observed, Error> {
    logged_in(server).await.0.observe(scope).await
}

fn slice(start: usize, most: usize, total: usize, row: fn(usize) -> Value) -> ResponseTemplate {
    page(total, (start..=total).take(most).map(row))
}

fn key(n: usize) -> UserKey {
    UserKey::new(Origin::uaa(), Username::new(format!("user{n}")))
}

#[tokio::test]
async fn pages_that_the_server_clamps_make_a_whole() {
    let server = foundation().await;
    rows(&server, "/Groups", |start, _| slice(start, 3, 10, group)).await;
    let observed = observe(&server, &ReadScope::default()).await.expect("whole");
    assert_eq!(observed.groups.len(), 10);
    assert_eq!(received(&server).await.iter().filter(|request| *request == "GET /Groups").count(), 4);
}

#[tokio::test]
async fn pages_that_shrink_on_the_way_make_a_whole() {
    let server = foundation().await;
    rows(&server, "/Groups", |start, _| slice(start, if start == 1 { 4 } else { 1 }, 10, group)).await;
    assert_eq!(observe(&server, &ReadScope::default()).await.expect("whole").groups.len(), 10);
}

#[tokio::test]
async fn a_list_that_moved_is_read_once_more() {
    let server = foundation().await;
    on(
        &server,
        "GET",
        "/Groups",
        [page(3, [group(1), group(2)]), page(2, [group(2)]), page(2, [group(1), group(2)])],
    )
    .await;
    assert_eq!(observe(&server, &ReadScope::default()).await.expect("whole").groups.len(), 2);
}

#[tokio::test]
async fn a_list_that_stays_contradictory_is_an_error_and_never_a_part() {
    for answer in [
        page(2, [group(1), group(1)]),
        page(3, [group(1), group(2), group(3), group(4)]),
        page(3, []),
        ok(json!({"resources": [group(1)]})),
        ok(json!({"totalResults": 1})),
        ok(json!({"resources": [{"id": "canary", "displayName": 7}], "totalResults": 1})),
        html(200),
    ] {
        let server = foundation().await;
        on(&server, "GET", "/Groups", [answer]).await;
        let error = observe(&server, &ReadScope::default()).await.expect_err("not whole");
        assert!(text(&error).contains("Groups"), "{error:?}");
    }
}

#[tokio::test]
async fn a_rate_limiter_is_waited_for_a_second_at_least() {
    let server = foundation().await;
    let busy = ResponseTemplate::new(429).set_body_string("429 - Too Many Request");
    on(&server, "GET", "/Groups", [busy.clone(), busy, page(1, [group(1)])]).await;
    let begun = std::time::Instant::now();
    assert!(observe(&server, &ReadScope::default()).await.is_ok());
    assert!(begun.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn passing_faults_of_reads_are_overcome() {
    let server = foundation().await;
    cut(&server, "GET", "/Groups", 1).await;
    on(&server, "GET", "/Groups", [html(503), html(504), page(1, [group(1)])]).await;
    assert_eq!(observe(&server, &ReadScope::default()).await.expect("whole").groups.len(), 1);
}

#[tokio::test]
async fn a_server_that_stays_down_is_named_after_four_tries() {
    let server = foundation().await;
    on(&server, "GET", "/Groups", [html(503)]).await;
    let error = observe(&server, &ReadScope::default()).await.expect_err("down");
    assert!(error.message.contains("not available"), "{error:?}");
    assert_eq!(received(&server).await.iter().filter(|request| *request == "GET /Groups").count(), 4);
}

#[tokio::test]
async fn few_names_are_looked_up_and_only_equal_ones_count() {
    let server = foundation().await;
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    let mut other = user(1);
    (other["id"], other["origin"]) = (json!("u900"), json!("ldap"));
    on(&server, "GET", "/Users", [page(2, [user(1), other])]).await;
    let scope = ReadScope { users: [key(1), key(2)].into(), ..ReadScope::default() };
    let observed = observe(&server, &scope).await.expect("whole");
    assert_eq!(observed.users[&key(1)].id, Guid::new("u001"));
    assert!(!observed.users.contains_key(&key(2)));
    let all = server.received_requests().await.expect("requests are recorded");
    let query =
        all.iter().find(|request| request.url.path() == "/Users").and_then(|request| request.url.query());
    let query = query.expect("a filter").to_owned();
    assert!(query.contains("filter=userName+eq+%22user1%22+or+userName+eq+%22user2%22"), "{query}");
}

#[tokio::test]
async fn many_names_are_listed_where_that_is_fewer_requests_and_looked_up_where_not() {
    for (total, users_requests) in [(600, 2), (5_000, 4)] {
        let server = foundation().await;
        on(&server, "GET", "/Groups", [page(0, [])]).await;
        rows(&server, "/Users", move |start, request| {
            match request.url.query_pairs().find(|(name, _)| name == "filter") {
                None => slice(start, 500, total, user),
                Some((_, filter)) => {
                    let wanted: Vec<usize> = filter
                        .split(" or ")
                        .filter_map(|term| term[17..term.len() - 1].parse().ok())
                        .collect();
                    page(wanted.len(), wanted.into_iter().map(user))
                }
            }
        })
        .await;
        let users: BTreeSet<UserKey> = (1..=450).map(key).collect();
        let observed = observe(&server, &ReadScope { users: users.clone(), ..ReadScope::default() })
            .await
            .expect("whole");
        assert!(users.iter().all(|user| observed.users.contains_key(user)), "{total}");
        let requests = received(&server).await.iter().filter(|request| *request == "GET /Users").count();
        assert_eq!(requests, users_requests, "{total}");
    }
}

#[tokio::test]
async fn members_get_their_names_and_ghosts_none() {
    let server = foundation().await;
    let member = |id: &str, kind: &str| json!({"value": id, "type": kind, "origin": "uaa"});
    let mut named = group(1);
    named["members"] = json!([
        member("u001", "USER"),
        member("u002", "USER"),
        member("gone", "USER"),
        member("g009", "GROUP")
    ]);
    on(&server, "GET", "/Groups", [page(1, [named])]).await;
    // As UAA does: a list without filter, or what is equal to one of the terms.
    rows(&server, "/Users", |_, request| {
        let filter = request.url.query_pairs().find(|(name, _)| name == "filter");
        let filter = filter.map(|(_, filter)| filter.into_owned());
        let asked = |term: &str| filter.as_ref().is_none_or(|filter| filter.contains(term));
        let mut other = user(2);
        other["origin"] = json!("ldap");
        let found = [
            (asked("userName eq \"user1\"") || asked("id eq \"u001\""), user(1)),
            (asked("id eq \"u002\""), other),
        ];
        let found: Vec<Value> = found.into_iter().filter(|(asked, _)| *asked).map(|(_, user)| user).collect();
        page(found.len(), found)
    })
    .await;
    on(&server, "GET", "/identity-providers", [ok(json!([{"originKey": "ldap"}]))]).await;
    let scope = ReadScope {
        users: [key(1)].into(),
        name_members_of: [GroupName::new("GROUP1")].into(),
        origins: [Origin::new("ldap")].into(),
        ..ReadScope::default()
    };
    for (read_by, requests) in [(ReadBy::Fewest, 8), (ReadBy::LookUp, 8), (ReadBy::List, 9)] {
        let before = received(&server).await.len();
        let connection = Connection { read_by, ..connection(&server.uri()) };
        let (reader, _) = super::super::log_in(connection, Server::default()).await.expect("a token");
        let observed = reader.observe(&scope).await.expect("whole");
        let names: Vec<String> = observed.names.iter().map(|(id, user)| format!("{id} {user}")).collect();
        assert_eq!(names, ["u001 uaa/User1", "u002 ldap/User2"]);
        assert_eq!(observed.users[&key(1)].id, Guid::new("u001"));
        // info and openid-configuration, token, groups, mappings, users and members, zone, identity providers; after
        // a list the ghost.
        assert_eq!(received(&server).await.len() - before + 3, requests, "{read_by:?}");
    }
}

#[tokio::test]
async fn members_that_do_not_fit_into_the_look_up_are_asked_for_afterwards_and_only_the_unknown() {
    let server = foundation().await;
    let members: Vec<Value> =
        (1..=200).map(|n| json!({"value": format!("u{n:03}"), "type": "USER", "origin": "uaa"})).collect();
    let mut big = group(1);
    big["members"] = members.into();
    on(&server, "GET", "/Groups", [page(1, [big])]).await;
    rows(&server, "/Users", |_, request| {
        let (_, filter) = request.url.query_pairs().find(|(name, _)| name == "filter").expect("a look-up");
        let of = |term: &str| -> Option<usize> {
            let digits: String = term.chars().filter(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let found: Vec<Value> = filter.split(" or ").filter_map(of).map(user).collect();
        page(found.len(), found)
    })
    .await;
    let users: BTreeSet<UserKey> = (1..=80).map(key).collect();
    let scope =
        ReadScope { users, name_members_of: [GroupName::new("group1")].into(), ..ReadScope::default() };
    let observed = observe(&server, &scope).await.expect("whole");
    assert_eq!((observed.names.len(), observed.users.len()), (200, 80));
    assert_eq!(received(&server).await.iter().filter(|request| *request == "GET /Users").count(), 2);
}

#[tokio::test]
async fn groups_that_differ_only_in_case_are_set_apart() {
    let server = foundation().await;
    let mut upper = group(1);
    (upper["id"], upper["displayName"]) = (json!("g100"), json!("GROUP1"));
    on(&server, "GET", "/Groups", [page(3, [group(1), group(2), upper])]).await;
    let observed = observe(&server, &ReadScope::default()).await.expect("whole");
    assert_eq!(observed.groups.keys().map(GroupName::as_str).collect::<Vec<_>>(), ["group2"]);
    assert!(observed.ambiguous_groups.contains(&GroupName::new("group1")));
}

#[tokio::test]
async fn a_second_user_of_a_name_that_is_meant_is_an_error() {
    let server = foundation().await;
    on(&server, "GET", "/Groups", [page(0, [])]).await;
    let mut double = user(1);
    (double["id"], double["userName"]) = (json!("u900"), json!("USER1"));
    on(&server, "GET", "/Users", [page(2, [user(1), double])]).await;
    let scope = ReadScope { users: [key(1)].into(), ..ReadScope::default() };
    let error = observe(&server, &scope).await.expect_err("two");
    assert!(text(&error).contains("two users"), "{error:?}");
}

#[tokio::test]
async fn a_mapping_of_a_group_that_was_made_between_two_reads_finds_its_group() {
    let server = uaa().await;
    on(&server, "GET", "/identity-zones/uaa", [ResponseTemplate::new(403)]).await;
    let mapping =
        json!({"groupId": "g002", "displayName": "group2", "externalGroup": "cn=a", "origin": "ldap"});
    on(&server, "GET", "/Groups/External", [page(1, [mapping])]).await;
    on(&server, "GET", "/Groups", [page(1, [group(1)]), page(2, [group(1), group(2)])]).await;
    let observed = observe(&server, &ReadScope::default()).await.expect("whole");
    assert_eq!((observed.groups.len(), observed.mappings.len(), observed.default_groups), (2, 1, None));
}
