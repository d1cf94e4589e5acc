use super::*;
use crate::model::{ExternalGroup, GroupName, Guid, Mapping, Origin, UserKey, Username};
use crate::observed::MemberKind;
use crate::plan::{FieldChange, FieldValue};
use crate::uaa::Written;

fn text_field(name: &str, before: &str, after: &str) -> FieldChange {
    let (before, after) = (FieldValue::Text(before.to_owned()), FieldValue::Text(after.to_owned()));
    FieldChange { name: name.to_owned(), before, after }
}

fn alana() -> UserKey {
    UserKey::new(Origin::uaa(), Username::new("Alana"))
}

fn mail() -> [FieldChange; 2] {
    let origin = FieldChange {
        name: "origin".to_owned(),
        before: FieldValue::None,
        after: FieldValue::Text("uaa".to_owned()),
    };
    [FieldChange { before: FieldValue::None, ..text_field("email", "", "a@b") }, origin]
}

fn user(email: &str, version: u64) -> Value {
    json!({"id": "u1", "userName": "alana", "origin": "uaa", "externalId": "x1", "salt": "canary-salt", "zoneId": "uaa",
           "name": {"givenName": "A", "familyName": "B", "formatted": null}, "emails": [{"value": email, "primary": false}],
           "phoneNumbers": [{"value": "1"}], "active": false, "verified": true, "aliasId": null, "groups": [{"value": "g"}],
           "approvals": [], "meta": {"version": version, "created": "x"}, "schemas": ["urn:scim:schemas:core:1.0"]})
}

async fn create(server: &MockServer) -> Result<Guid, WriteError> {
    let password = SecretString::from("canary-password");
    logged_in(server).await.1.create_user(&alana(), &mail(), Some(&password)).await
}

async fn update(server: &MockServer, fields: &[FieldChange]) -> Result<Written, WriteError> {
    logged_in(server).await.1.update_user(&Guid::new("u1"), fields).await
}

fn made() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(json!({"id": "u1"}))
}

#[tokio::test]
async fn a_new_user_is_sent_with_what_is_meant_and_nothing_else() {
    let server = uaa().await;
    on(&server, "POST", "/Users", [made()]).await;
    assert_eq!(create(&server).await, Ok(Guid::new("u1")));
    let body = json!({"userName": "Alana", "origin": "uaa", "name": {}, "emails": [{"value": "a@b"}], "password": "canary-password"});
    assert_eq!(sent(&server, "POST").await, [body]);
    assert_eq!(received(&server).await, ["POST /Users"]);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_user() {
    let server = uaa().await;
    cut(&server, "POST", "/Users", 1).await;
    on(&server, "GET", "/Users", [page(1, [user("a@b", 0)])]).await;
    assert_eq!(create(&server).await, Ok(Guid::new("u1")));
    assert_eq!(received(&server).await, ["POST /Users", "GET /Users"]);
}

#[tokio::test]
async fn a_lost_request_is_sent_again_after_a_look() {
    for fault in [html(502), html(504), no(500, "scim", "Unexpected error")] {
        let server = uaa().await;
        on(&server, "POST", "/Users", [fault, made()]).await;
        on(&server, "GET", "/Users", [page(0, [])]).await;
        assert_eq!(create(&server).await, Ok(Guid::new("u1")));
        assert_eq!(received(&server).await, ["POST /Users", "GET /Users", "POST /Users"]);
    }
}

#[tokio::test]
async fn a_user_that_appears_late_after_a_lost_answer_is_ours() {
    let server = uaa().await;
    on(
        &server,
        "POST",
        "/Users",
        [html(504), no(409, "scim_resource_already_exists", "Username already in use: alana")],
    )
    .await;
    on(&server, "GET", "/Users", [page(0, []), page(1, [user("a@b", 0)])]).await;
    assert_eq!(create(&server).await, Ok(Guid::new("u1")));
}

#[tokio::test]
async fn a_user_that_was_there_is_drift() {
    let server = uaa().await;
    on(
        &server,
        "POST",
        "/Users",
        [no(409, "scim_resource_already_exists", "Username already in use: alana")],
    )
    .await;
    on(&server, "GET", "/Users", [page(1, [user("a@b", 0)])]).await;
    let (kind, message) = failure(create(&server).await.expect_err("exists"));
    assert_eq!(kind, WriteErrorKind::Drifted);
    assert!(message.contains("somebody else has created it"), "{message}");

    let server = uaa().await;
    cut(&server, "POST", "/Users", 1).await;
    on(&server, "GET", "/Users", [page(1, [user("other@b", 0)])]).await;
    assert_eq!(failure(create(&server).await.expect_err("exists")).0, WriteErrorKind::Drifted);
}

#[tokio::test]
async fn what_a_failed_creation_means_for_the_others() {
    for (answer, kind, words) in [
        (
            no(400, "invalid_password", "canary-password is too short"),
            WriteErrorKind::Refused,
            "POST /Users: 400 invalid_password: ((redacted)) is",
        ),
        (no(403, "internal_user_management_disabled", "x"), WriteErrorKind::Refused, "403"),
        (no(403, "insufficient_scope", "x"), WriteErrorKind::Systemic, "403 insufficient_scope"),
        (no(503, "uaa_unavailable", "backup"), WriteErrorKind::Systemic, "limited mode"),
        (ResponseTemplate::new(404).set_body_json(json!({})), WriteErrorKind::Systemic, "404"),
        (
            no(401, "invalid_token", &format!("x {TOKEN}\u{202e}")),
            WriteErrorKind::Systemic,
            "((redacted))\\u{202e}",
        ),
        (html(403), WriteErrorKind::Systemic, "an HTML page"),
    ] {
        let server = uaa().await;
        on(&server, "POST", "/Users", [answer]).await;
        let (found, message) = failure(create(&server).await.expect_err("refused"));
        assert_eq!(found, kind, "{message}");
        assert!(message.contains(words), "{message}");
        let posts = received(&server).await.len();
        assert_eq!(posts, if message.contains("401") { 2 } else { 1 }, "{message}");
    }
}

#[tokio::test]
async fn what_cannot_be_settled_is_unknown_and_what_was_never_sent_is_not() {
    let server = uaa().await;
    cut(&server, "POST", "/Users", 9).await;
    cut(&server, "GET", "/Users", 9).await;
    assert_eq!(failure(create(&server).await.expect_err("lost")).0, WriteErrorKind::Unknown);

    // Not one of wiremock's pool: that would go on listening.
    let server = MockServer::builder().start().await;
    on(&server, "POST", "/oauth/token", [token(43_199)]).await;
    let (_, writer) = logged_in(&server).await;
    drop(server);
    // Time to notice that the idle connection is closed.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let lost = writer.create_user(&alana(), &mail(), None).await.expect_err("nobody there");
    assert_eq!(failure(lost), (WriteErrorKind::Systemic, "POST /Users: connection refused".to_owned()));
}

#[tokio::test]
async fn after_a_failure_over_one_thing_a_look_tells_whether_uaa_is_broken() {
    let change = [text_field("email", "a@b", "new@b")];
    for (groups, answers) in [
        (page(9, [group("d", &[])]), true),
        (no(500, "scim", "Unexpected error"), false),
        (html(200), false),
        (no(401, "invalid_token", "x"), false),
    ] {
        let server = uaa().await;
        on(&server, "GET", "/Users/u1", [no(500, "scim", "Unexpected error")]).await;
        on(&server, "GET", "/Groups", [groups]).await;
        let (_, writer) = logged_in(&server).await;
        let failed = writer.update_user(&Guid::new("u1"), &change).await.expect_err("odd data");
        assert_eq!(failure(failed).0, WriteErrorKind::Faulty);
        assert_eq!(writer.answers().await.is_ok(), answers);
    }
}

#[tokio::test]
async fn a_put_repeats_all_that_uaa_stores_and_the_version() {
    let server = uaa().await;
    on(&server, "GET", "/Users/u1", [ok(user("a@b", 7))]).await;
    on(&server, "PUT", "/Users/u1", [ok(json!({}))]).await;
    let fields = [
        text_field("email", "a@b", "new@b"),
        text_field("given_name", "A", ""),
        text_field("phone", "1", ""),
    ];
    assert_eq!(update(&server, &fields).await, Ok(Written::Done));
    let body = json!({"userName": "alana", "origin": "uaa", "externalId": "x1", "salt": "canary-salt",
                      "name": {"familyName": "B"}, "emails": [{"value": "new@b"}], "active": false, "verified": true});
    assert_eq!(sent(&server, "PUT").await, [body]);
    let all = server.received_requests().await.expect("requests are recorded");
    assert_eq!(
        all.last().map(|request| request.headers["if-match"].clone()),
        Some("\"7\"".parse().expect("a header"))
    );
}

#[tokio::test]
async fn a_user_is_judged_before_it_is_written() {
    let change = [text_field("email", "a@b", "new@b")];
    let server = uaa().await;
    on(&server, "GET", "/Users/u1", [ok(user("new@b", 7))]).await;
    assert_eq!(update(&server, &change).await, Ok(Written::AlreadySo));

    let server = uaa().await;
    on(&server, "GET", "/Users/u1", [ok(user("third@b", 7))]).await;
    let (kind, message) = failure(update(&server, &change).await.expect_err("drift"));
    assert_eq!(
        (kind, message.as_str()),
        (WriteErrorKind::Drifted, "user uaa/alana: email is `third@b`, where the plan saw `a@b`")
    );

    let server = uaa().await;
    on(&server, "GET", "/Users/u1", [no(404, "scim_resource_not_found", "User u1 does not exist")]).await;
    assert_eq!(failure(update(&server, &change).await.expect_err("gone")).0, WriteErrorKind::Drifted);
    assert_eq!(received(&server).await, ["GET /Users/u1"]);
}

#[tokio::test]
async fn another_writer_or_a_lost_answer_is_settled_by_reading() {
    let change = [text_field("email", "a@b", "new@b")];
    let stale = no(409, "scim_resource_conflict", "wrong version");
    // Another field was changed meanwhile: once more with the new version.
    let server = uaa().await;
    on(&server, "GET", "/Users/u1", [ok(user("a@b", 7)), ok(user("a@b", 8))]).await;
    on(&server, "PUT", "/Users/u1", [stale.clone(), ok(json!({}))]).await;
    assert_eq!(update(&server, &change).await, Ok(Written::Done));
    // Handled, but the answer got lost.
    let server = uaa().await;
    cut(&server, "PUT", "/Users/u1", 1).await;
    on(&server, "GET", "/Users/u1", [ok(user("a@b", 7)), ok(user("new@b", 8))]).await;
    assert_eq!(update(&server, &change).await, Ok(Written::Done));
    // Never ending.
    let server = uaa().await;
    on(&server, "GET", "/Users/u1", [ok(user("a@b", 7))]).await;
    on(&server, "PUT", "/Users/u1", [stale]).await;
    assert_eq!(failure(update(&server, &change).await.expect_err("busy")).0, WriteErrorKind::Drifted);
    assert_eq!(sent(&server, "PUT").await.len(), 3);
}

fn group(description: &str, members: &[&str]) -> Value {
    let members: Vec<Value> =
        members.iter().map(|id| json!({"value": id, "type": "USER", "origin": "ldap"})).collect();
    json!({"id": "g1", "displayName": "team", "description": description, "members": members, "meta": {"version": 3}})
}

#[tokio::test]
async fn a_description_is_changed_alone_and_a_member_that_it_costs_is_put_back() {
    let server = uaa().await;
    on(&server, "GET", "/Groups/g1", [ok(group("old", &["u1"]))]).await;
    // Added by somebody while UAA works on the PATCH, which has read the members before.
    let (during, after) =
        (group("", &["u1", "u2"])["members"].clone(), group("", &["u1"])["members"].clone());
    on(&server, "GET", "/Groups/g1/members", [ok(during), ok(after)]).await;
    let slow = ok(json!({})).set_delay(Duration::from_millis(300));
    on(&server, "PATCH", "/Groups/g1", [slow]).await;
    on(&server, "POST", "/Groups/g1/members", [ResponseTemplate::new(201).set_body_json(json!({}))]).await;
    let (_, writer) = logged_in(&server).await;
    let change = text_field("description", "old", "new");
    assert_eq!(writer.describe_group(&Guid::new("g1"), &change).await, Ok(Written::Done));
    assert_eq!(sent(&server, "PATCH").await, [json!({"description": "new"})]);
    assert_eq!(sent(&server, "POST").await, [json!({"value": "u2", "type": "USER", "origin": "ldap"})]);
}

#[tokio::test]
async fn a_group_that_is_there_is_ours_if_it_is_exactly_what_was_meant() {
    for (found, expected) in [
        (group("d", &[]), Ok(Guid::new("g1"))),
        (group("d", &["u1"]), Err(WriteErrorKind::Drifted)),
        (group("other", &[]), Err(WriteErrorKind::Drifted)),
    ] {
        let server = uaa().await;
        on(&server, "POST", "/Groups", [no(409, "scim_resource_already_exists", "exists")]).await;
        on(&server, "GET", "/Groups", [page(1, [found])]).await;
        let made = logged_in(&server).await.1.create_group(&GroupName::new("team"), Some("d")).await;
        assert_eq!(made.map_err(|error| failure(error).0), expected);
    }
}

#[tokio::test]
async fn what_adding_a_member_comes_to() {
    let row = || ok(json!({"value": "u1", "type": "USER", "origin": "uaa"}));
    let none = || no(404, "member_not_found", "Member u1 does not exist in group g1");
    let there = "u1 is already part of the group: g1";
    for (answers, look, expected) in [
        (vec![ResponseTemplate::new(201)], none(), Ok(Written::Done)),
        (vec![no(409, "member_already_exists", there)], none(), Ok(Written::AlreadySo)),
        (vec![html(504), no(409, "member_already_exists", there)], none(), Ok(Written::Done)),
        (
            vec![no(409, "member_already_exists", "Trying to add member to default group")],
            row(),
            Err(WriteErrorKind::Refused),
        ),
        (
            vec![no(404, "scim_resource_not_found", "User u1 does not exist")],
            none(),
            Err(WriteErrorKind::Refused),
        ),
        (vec![ResponseTemplate::new(404).set_body_json(json!({}))], none(), Err(WriteErrorKind::Systemic)),
        (vec![no(400, "scim", "SQL")], row(), Ok(Written::AlreadySo)),
        (vec![no(400, "scim", "SQL")], none(), Err(WriteErrorKind::Refused)),
        (vec![no(422, "scim", "deadlock")], row(), Ok(Written::Done)),
        (vec![no(422, "scim", "deadlock"), ResponseTemplate::new(201)], none(), Ok(Written::Done)),
        (vec![none(), ResponseTemplate::new(201)], none(), Ok(Written::Done)),
        (vec![no(500, "scim", "Unexpected error")], none(), Err(WriteErrorKind::Faulty)),
        (vec![no(500, "scim", "Unexpected error")], no(500, "scim", "x"), Err(WriteErrorKind::Unsettled)),
        (vec![no(500, "scim", "Unexpected error")], no(403, "scim", "x"), Err(WriteErrorKind::Unknown)),
        (vec![html(504)], no(500, "scim", "x"), Err(WriteErrorKind::Unknown)),
        (vec![html(504)], none(), Err(WriteErrorKind::Systemic)),
        (vec![no(503, "uaa_unavailable", "backup")], none(), Err(WriteErrorKind::Systemic)),
    ] {
        let server = uaa().await;
        on(&server, "POST", "/Groups/g1/members", answers).await;
        on(&server, "GET", "/Groups/g1/members/u1", [look]).await;
        let (_, writer) = logged_in(&server).await;
        let added = writer.add_member(&Guid::new("g1"), &Guid::new("u1"), MemberKind::User).await;
        assert_eq!(added.map_err(|error| failure(error).0), expected);
        assert_eq!(sent(&server, "POST").await[0], json!({"value": "u1", "type": "USER", "origin": "uaa"}));
    }
}

#[tokio::test]
async fn what_removing_a_member_comes_to() {
    let gone = || no(404, "member_not_found", "Member u1 does not exist in group g1");
    for (answers, look, expected) in [
        (vec![ok(json!({}))], gone(), Ok(Written::Done)),
        (vec![gone()], gone(), Ok(Written::AlreadySo)),
        (vec![html(502), gone()], gone(), Ok(Written::Done)),
        (vec![ResponseTemplate::new(404).set_body_json(json!({}))], gone(), Err(WriteErrorKind::Systemic)),
        (vec![no(500, "scim", "Unexpected error")], gone(), Ok(Written::Done)),
        (vec![no(500, "scim", "Unexpected error")], ok(json!({})), Err(WriteErrorKind::Faulty)),
        (vec![no(403, "insufficient_scope", "x")], ok(json!({})), Err(WriteErrorKind::Systemic)),
    ] {
        let server = uaa().await;
        on(&server, "DELETE", "/Groups/g1/members/u1", answers).await;
        on(&server, "GET", "/Groups/g1/members/u1", [look]).await;
        let removed = logged_in(&server).await.1.remove_member(&Guid::new("g1"), &Guid::new("u1")).await;
        assert_eq!(removed.map_err(|error| failure(error).0), expected);
    }
}

fn mapping(dn: &str) -> Mapping {
    Mapping {
        group: GroupName::new("team"),
        origin: Origin::new("ldap"),
        external_group: ExternalGroup::new(dn),
    }
}

fn mapped(dn: &str) -> ResponseTemplate {
    page(1, [json!({"groupId": "g1", "displayName": "team", "externalGroup": dn, "origin": "ldap"})])
}

#[tokio::test]
async fn what_mapping_comes_to_is_seen_in_the_list() {
    let made = |dn| {
        let row = json!({"groupId": "g1", "displayName": "team", "externalGroup": dn, "origin": "ldap"});
        ResponseTemplate::new(201).set_body_json(row)
    };
    for (answer, list, expected) in [
        (ResponseTemplate::new(201), page(0, []), Ok(Written::Done)),
        (made("cn=a_b"), page(0, []), Ok(Written::Done)),
        // MySQL, where `_` were an accent.
        (made("cn=axb"), page(0, []), Err(WriteErrorKind::Refused)),
        (no(404, "scim", "not found"), mapped("cn=a_b"), Ok(Written::Done)),
        (no(422, "scim", "Incorrect result size"), mapped("cn=a_b"), Ok(Written::Done)),
        (no(404, "scim", "Group g1 does not exist"), page(0, []), Err(WriteErrorKind::Refused)),
        (no(500, "scim", "Unexpected error"), page(0, []), Err(WriteErrorKind::Faulty)),
    ] {
        let server = uaa().await;
        on(&server, "POST", "/Groups/External", [answer]).await;
        on(&server, "GET", "/Groups/External", [list]).await;
        let (_, writer) = logged_in(&server).await;
        let made = writer.map_external_group(&Guid::new("g1"), &mapping("CN=a_b")).await;
        assert_eq!(made.map_err(|error| failure(error).0), expected);
        assert_eq!(
            sent(&server, "POST").await[0],
            json!({"groupId": "g1", "externalGroup": "cn=a_b", "origin": "ldap"})
        );
    }
}

#[tokio::test]
async fn what_unmapping_comes_to_is_seen_in_the_list() {
    let not_found = || no(404, "scim", "The mapping does not exist");
    for (dn, answer, list, expected) in [
        ("cn=a, b", ok(json!({})), page(0, []), Ok(Written::Done)),
        ("cn=a", not_found(), page(0, []), Ok(Written::AlreadySo)),
        (
            "cn=a",
            ResponseTemplate::new(404).set_body_json(json!({})),
            ResponseTemplate::new(404).set_body_json(json!({})),
            Err(WriteErrorKind::Systemic),
        ),
        ("cn=a/b", html(400), mapped("cn=a/b"), Err(WriteErrorKind::Refused)),
        (
            "cn=a;b",
            ResponseTemplate::new(500).set_body_json(json!({})),
            mapped("cn=a;b"),
            Err(WriteErrorKind::Refused),
        ),
        ("cn=a\\b", not_found(), mapped("cn=a\\b"), Err(WriteErrorKind::Refused)),
        ("cn=a_b", no(500, "scim", "Unexpected error"), mapped("cn=a_b"), Err(WriteErrorKind::Refused)),
        ("cn=a", no(500, "scim", "Unexpected error"), mapped("cn=a"), Err(WriteErrorKind::Faulty)),
        ("..", ok(json!({})), page(0, []), Err(WriteErrorKind::Refused)),
    ] {
        let server = uaa().await;
        Mock::given(method("DELETE")).respond_with(answer).mount(&server).await;
        on(&server, "GET", "/Groups/External", [list]).await;
        let gone = logged_in(&server).await.1.unmap_external_group(&Guid::new("g1"), &mapping(dn)).await;
        assert_eq!(gone.map_err(|error| failure(error).0), expected, "{dn}");
        for request in received(&server).await.iter().filter(|request| request.starts_with("DELETE")) {
            assert_eq!(request.matches('/').count(), 8, "{request}");
        }
    }
}
