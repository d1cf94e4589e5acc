use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::observed::{ClientScope, Observed, ReadScope};

/// What a server has, with everything that it may tell in any order.
#[derive(Clone, Debug)]
struct Lists {
    users: Vec<Value>,
    groups: Vec<Value>,
    members: Vec<Value>,
    mappings: Vec<Value>,
    clients: Vec<Value>,
    scopes: Vec<&'static str>,
}

fn lists() -> Lists {
    let user = |n: usize| {
        json!({"id": format!("u{n}"), "userName": format!("user{n}"), "origin": "uaa", "active": true,
               "emails": [{"value": "a@b"}], "name": {}, "verified": true})
    };
    let group =
        |n: usize| json!({"id": format!("g{n}"), "displayName": format!("group{n}"), "zoneId": "uaa"});
    let member = |(value, kind): (String, &str)| json!({"value": value, "type": kind, "origin": "uaa"});
    let mapping = |n: usize| {
        json!({"groupId": format!("g{}", n % 3), "displayName": format!("group{}", n % 3), "origin": "ldap",
               "externalGroup": format!("cn={n}")})
    };
    let members = (0..6).map(|n| (format!("u{n}"), "USER")).chain([("g1".to_owned(), "GROUP")]);
    Lists {
        users: (0..6).map(user).collect(),
        groups: (0..5).map(group).collect(),
        members: members.map(member).collect(),
        mappings: (0..6).map(mapping).collect(),
        clients: (0..4).map(|n| json!({"client_id": format!("c{n}")})).collect(),
        scopes: vec!["a", "b", "c", "d"],
    }
}

fn shuffled() -> impl Strategy<Value = Lists> {
    let Lists { users, groups, members, mappings, clients, scopes } = lists();
    (
        Just(users).prop_shuffle(),
        Just(groups).prop_shuffle(),
        Just(members).prop_shuffle(),
        Just(mappings).prop_shuffle(),
        Just(clients).prop_shuffle(),
        Just(scopes).prop_shuffle(),
    )
        .prop_map(|(users, groups, members, mappings, clients, scopes)| Lists {
            users,
            groups,
            members,
            mappings,
            clients,
            scopes,
        })
}

async fn observe(mut lists: Lists) -> Observed {
    let server = uaa().await;
    on(&server, "GET", "/identity-zones/uaa", [ResponseTemplate::new(403)]).await;
    for group in lists.groups.iter_mut().filter(|group| group["id"] == "g0") {
        group["members"] = json!(lists.members);
    }
    for client in &mut lists.clients {
        client["scope"] = json!(lists.scopes);
        client["authorized_grant_types"] = json!(["password", "refresh_token"]);
    }
    for (at, rows) in [
        ("/Users", lists.users),
        ("/Groups", lists.groups),
        ("/Groups/External", lists.mappings),
        ("/oauth/clients", lists.clients),
    ] {
        on(&server, "GET", at, [page(rows.len(), rows)]).await;
    }
    let clients = ClientScope { all: true, ..ClientScope::default() };
    let scope = ReadScope { all_users: true, clients, ..ReadScope::default() };
    let observed = logged_in(&server).await.0.observe(&scope).await.expect("whole");
    // Each server has its own address.
    Observed { server: Server::default(), ..observed }
}

#[tokio::test]
async fn the_order_in_which_the_server_answers_is_nobodys_concern() {
    let first = observe(lists()).await;
    assert_eq!(
        (first.users.len(), first.groups.len(), first.mappings.len(), first.clients.len()),
        (6, 5, 6, 4)
    );
    assert_eq!(first.groups[&"group0".into()].rows.len(), 7);
    let mut runner = TestRunner::deterministic();
    for _ in 0..50 {
        let lists = shuffled().new_tree(&mut runner).expect("lists").current();
        assert_eq!(observe(lists.clone()).await, first, "{lists:?}");
    }
}
