//! One report in all its faces, and a hostile server's names in each.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::{csv, html, markdown, text};
use crate::access::{Access, Asked, compare, review};
use crate::client::{ClientField, ClientFields, ClientValue};
use crate::desired::Desired;
use crate::manifest::write::load;
use crate::model::{ClientId, ExternalGroup, GroupName, Guid, Mapping, Origin, UserKey, Username};
use crate::moment::Moment;
use crate::observed::{
    History, MemberKind, MemberRow, Observed, ObservedClient, ObservedGroup, ObservedUser, Server,
    UserHistory,
};

/// Users alana and `second` in nested groups, one brought by a login, a ghost, a mapping, a client.
fn server(second: &str, group: &str) -> Observed {
    let user = |origin: &str, username: &str, name: &str, active: bool| ObservedUser {
        id: Guid::new(format!("id-{username}")),
        key: UserKey::new(Origin::new(origin), Username::new(username)),
        email: format!("{username}@example.com"),
        given_name: name.to_owned(),
        family_name: String::new(),
        phone: String::new(),
        external_id: String::new(),
        active,
        verified: true,
    };
    let users = [user("uaa", "alana", "Alana Smith", true), user("ldap", second, second, false)];
    let rows = |rows: &[(&str, MemberKind, &str)]| -> BTreeMap<Guid, MemberRow> {
        let row = |(id, kind, origin): &(&str, MemberKind, &str)| {
            (Guid::new(*id), MemberRow { kind: *kind, origin: Origin::new(*origin) })
        };
        rows.iter().map(row).collect()
    };
    let second_id = format!("id-{second}");
    let groups = [
        (
            "pks.clusters.admin",
            rows(&[("id-alana", MemberKind::User, "uaa"), ("id of group", MemberKind::Group, "uaa")]),
        ),
        (
            group,
            rows(&[
                (&second_id, MemberKind::User, "ldap"),
                ("gone", MemberKind::User, "uaa"),
                ("id-alana", MemberKind::User, "uaa"),
            ]),
        ),
    ];
    let observed_group = |(name, rows): (&str, BTreeMap<Guid, MemberRow>)| {
        let id = if name == group { "id of group".to_owned() } else { format!("id of {name}") };
        let observed =
            ObservedGroup { id: Guid::new(id), name: GroupName::new(name), description: String::new(), rows };
        (observed.name.clone(), observed)
    };
    let at = |text: &str| Moment::parse(text);
    let set = |text: &str| ClientValue::Set([text.to_owned()].into());
    let client = |id: &str, grant: &str, scope: &str, authority: &str| {
        let fields = ClientFields::from([
            (ClientField::AuthorizedGrantTypes, set(grant)),
            (ClientField::Scope, set(scope)),
            (ClientField::Authorities, set(authority)),
        ]);
        (ClientId::new(id), ObservedClient { id: ClientId::new(id), fields })
    };
    let times = UserHistory {
        created: at("2026-01-02T03:04:05Z"),
        last_logon: at("2026-06-07T08:09:10Z"),
        previous_logon: None,
        password_changed: at("2026-01-02T03:04:05Z"),
    };
    Observed {
        server: Server {
            url: "https://uaa.example.com".to_owned(),
            issuer: "https://uaa.example.com/oauth/token".to_owned(),
            zone: "uaa".to_owned(),
            uaa_version: "4.30.0".to_owned(),
        },
        users: users.into_iter().map(|user| (user.key.clone(), user)).collect(),
        groups: groups.into_iter().map(observed_group).collect(),
        mappings: BTreeSet::from([Mapping {
            group: GroupName::new("pks.clusters.admin"),
            origin: Origin::new("saml"),
            external_group: ExternalGroup::new("cn=ops|x"),
        }]),
        clients: [
            client("ci", "client_credentials", "uaa.none", "pks.clusters.admin"),
            client("pks_cli", "password", "pks.clusters.*", "uaa.none"),
        ]
        .into(),
        default_groups: None,
        origins: Some(["uaa", "ldap"].map(Origin::new).into()),
        history: Some(History {
            users: [(Guid::new("id-alana"), times), (Guid::new(second_id), UserHistory::default())].into(),
            clients: [(ClientId::new("ci"), at("2025-05-05T05:05:05Z").expect("a time"))].into(),
        }),
        ..Observed::default()
    }
}

fn desired() -> Desired {
    let text = "version: 1\nusers:\n  - {username: alana, cluster_access: admin}\ngroups:\n  - {name: team.ops, additive: true}\n";
    load(text, &BTreeSet::new()).desired
}

fn report(observed: &Observed) -> Access {
    let now = Moment::parse("2026-11-24T12:00:00Z").expect("a time");
    let asked = Asked { scopes: vec!["pks.clusters.admin".to_owned()], stale_days: 90, ..Asked::default() };
    let desired = desired();
    let mut access = review(observed, Some(&desired), &asked, now);
    let mut earlier = observed.clone();
    earlier.users.retain(|key, _| !key.origin.is_uaa());
    earlier.mappings.clear();
    let then = Moment::parse("2026-08-24T12:00:00Z").expect("a time");
    let earlier = review(&earlier, Some(&desired), &asked, then);
    access.changes = Some(compare(&earlier, &access).expect("they ask alike"));
    access
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Names that try to be something else: markup, formulas, commands to a pipeline, right-to-left text, lines of their own.
const HOSTILE: &str = "=x|`<b>@root\u{202e}\n::error::[a](b)";

#[test]
fn as_text() {
    insta::assert_snapshot!(plain(&text::access(&report(&server("dana", "team.ops")))));
}

#[test]
fn as_markdown() {
    insta::assert_snapshot!(markdown::access(&report(&server("dana", "team.ops"))));
}

#[test]
fn as_csv() {
    insta::assert_snapshot!(csv::access(&report(&server("dana", "team.ops"))));
}

#[test]
fn hostile_names_are_inert_in_text() {
    let shown = plain(&text::access(&report(&server(HOSTILE, "a > pks.clusters.admin"))));
    assert!(
        !shown.contains('\u{202e}') && !shown.lines().any(|line| line.trim_start().starts_with("::")),
        "{shown}"
    );
    // A group's name cannot look like a path.
    assert!(shown.contains(r#"login: "a > pks.clusters.admin" > pks.clusters.admin"#), "{shown}");
}

#[test]
fn hostile_names_are_code_in_markdown() {
    let access = report(&server(HOSTILE, HOSTILE));
    let shown = markdown::access(&access);
    let parser = Parser::new_ext(&shown, Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS);
    let (mut cells, mut rows) = (0, 0);
    for event in parser {
        match event {
            Event::Start(Tag::TableCell) => cells += 1,
            Event::Start(Tag::TableRow) => rows += 1,
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => panic!("a link in\n{shown}"),
            Event::Html(html) => assert_eq!(html.trim(), "<!-- uaapply access -->", "{shown}"),
            Event::InlineHtml(html) => assert_eq!(&*html, "<br>", "{shown}"),
            Event::Text(text) => assert!(!text.contains("@root"), "{text}\n{shown}"),
            _ => {}
        }
    }
    assert_eq!((rows, cells), (access.holders.len(), 4 * (access.holders.len() + 1)), "{shown}");
}

#[test]
fn hostile_names_are_no_formula_in_csv() {
    let access = report(&server(HOSTILE, HOSTILE));
    let shown = csv::access(&access);
    let mut reader = ::csv::Reader::from_reader(shown.as_bytes());
    let ways: usize = access.holders.iter().map(|holder| holder.ways.len()).sum();
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), ways);
    let name =
        rows.iter().find(|row| &row[2] == "ldap").expect("dana's row").get(3).expect("a name").to_owned();
    assert_eq!(name, r"'=x|`<b>@root\u{202e}\u{a}::error::[a](b)");
    for cell in rows.iter().flat_map(|row| row.iter()) {
        assert!(!cell.starts_with(['=', '+', '-', '@']) && !cell.contains('\n'), "{cell:?}");
    }
}

#[test]
fn a_page_has_everybody_once_and_needs_no_network() {
    let access = report(&server("dana", "team.ops"));
    let page = html::access(&access);
    let people: BTreeSet<String> = access.holders.iter().map(|holder| holder.key()).collect();
    assert_eq!(page.matches("<tr role=\"row\">").count(), people.len() + 1, "{page}");
    for item in access.findings.iter().flat_map(|finding| &finding.items) {
        assert!(
            page.contains(&format!("<strong><bdi>{}</bdi></strong>", item.key)),
            "{} is not in\n{page}",
            item.key
        );
    }
    for outside in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside} is in\n{page}");
    }
}

#[test]
fn hostile_names_are_text_in_a_page() {
    let hostile = "</bdi><script>alert(1)</script><img onerror=x> \" ' & \u{202e}x\u{5d0}";
    let page = html::access(&report(&server(hostile, hostile)));
    assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (1, 0), "{page}");
    assert!(
        page.contains("&lt;script&gt;alert(1)") && page.contains("&quot; ' &amp; \\u{202e}x\u{5d0}"),
        "{page}"
    );
    // Only this module's own script may run: by its digest, as the browser computes it.
    use base64::Engine as _;
    use sha2::Digest as _;
    let between = |from: &str, to: &str| {
        page.split_once(from).and_then(|(_, rest)| rest.split_once(to)).expect("it is there").0
    };
    for (tag, source) in [("script", "script-src"), ("style", "style-src")] {
        let own = between(&format!("<{tag}>"), &format!("</{tag}>"));
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(own));
        assert!(page.contains(&format!("{source} 'sha256-{digest}'")), "{tag}: {digest}");
    }
}
