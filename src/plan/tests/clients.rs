//! Stories of clients: given this server and this manifest, exactly this plan.

use super::super::policy::Policy;
use super::super::worlds::{Manifest, Site, findings, kept, lines};
use super::super::{
    BlindSpotWhat, Expects, FieldValue, Object, Plan, client_fields, missing_authorities, scope,
    unused_allows,
};
use crate::client::ClientField;
use crate::desired::SecretSource;
use crate::model::ClientId;
use crate::model::ClusterRole::{Admin, Manage, Read};

const NOTHING: [&str; 0] = [];

fn variable(name: &str) -> SecretSource {
    SecretSource::Variable(name.to_owned())
}

/// Shows a plan's fields, one a line: number, name, before, after.
fn fields(plan: &Plan) -> Vec<String> {
    let json = |value: &FieldValue| serde_json::to_string(value).expect("a value is JSON");
    let of = |change: &super::super::Change| -> Vec<String> {
        let show = |field: &super::super::FieldChange| {
            format!("{} {} {} -> {}", change.id, field.name, json(&field.before), json(&field.after))
        };
        change.fields.iter().map(show).collect()
    };
    plan.changes.iter().flat_map(of).collect()
}

fn ci() -> Site {
    Site::new()
        .client("ci", &["authorized_grant_types=client_credentials", "authorities=team.read", "name=CI"])
}

#[test]
fn a_new_client_is_written_with_what_uaa_makes_of_it_and_where_its_secret_comes_from() {
    let plan = Manifest::new()
        .client(
            "app",
            &[
                "name=App",
                "authorized_grant_types=authorization_code",
                "scope=openid,team.read",
                "autoapprove=openid,other",
                "redirect_uri=https://b,https://a",
                "token_salt=salt",
                "access_token_validity=",
                "extra.team={\"variable\":\"x\"}",
            ],
        )
        .secret("app", variable("app_secret"))
        .client_access("app", &[Manage])
        .plan(&Site::new());
    assert_eq!(
        lines(&plan),
        [
            "0 create create_client app name authorized_grant_types scope authorities redirect_uri autoapprove token_salt \
          extra.team client_secret"
        ]
    );
    assert_eq!(
        fields(&plan),
        [
            r#"0 name null -> "App""#,
            r#"0 authorized_grant_types null -> ["authorization_code","refresh_token"]"#,
            r#"0 scope null -> ["openid","team.read"]"#,
            r#"0 authorities null -> ["pks.clusters.manage"]"#,
            r#"0 redirect_uri null -> ["https://a","https://b"]"#,
            r#"0 autoapprove null -> ["openid"]"#,
            r#"0 token_salt null -> {"variable":"app_salt"}"#,
            r#"0 extra.team null -> {"json":{"variable":"x"}}"#,
            r#"0 client_secret null -> {"variable":"app_secret"}"#,
        ]
    );
    assert_eq!(plan.changes[0].expects, Expects::ABSENT);
    assert_eq!(plan.changes[0].object, Object::Client { client_id: ClientId::new("app") });
    assert_eq!((plan.summary.create, plan.blind_spots.len()), (1, 0));
}

#[test]
fn a_public_client_is_told_from_one_without_a_secret() {
    let entry = Manifest::new().client("cli", &["authorized_grant_types=password"]);
    let without = entry.clone().plan(&Site::new());
    let public = entry.secret("cli", SecretSource::Empty).plan(&Site::new());
    assert_eq!(lines(&without), ["0 create create_client cli authorized_grant_types"]);
    assert_eq!(lines(&public), ["0 create create_client cli authorized_grant_types client_secret"]);
    assert_eq!(public.changes[0].fields[1].after, FieldValue::Text(String::new()));
}

#[test]
fn authorities_that_are_exchanged_are_first_all_there_and_then_only_the_new_ones() {
    let plan = Manifest::new().client("ci", &["authorities=team.write", "name=Pipeline"]).plan(&ci());
    assert_eq!(
        lines(&plan),
        [
            "0 update update_client ci name",
            "1 grant update_client ci authorities",
            "2 revoke update_client ci authorities needs [1] [EndsSessions]",
        ]
    );
    assert_eq!(
        fields(&plan),
        [
            r#"0 name "CI" -> "Pipeline""#,
            r#"1 authorities ["team.read"] -> ["team.read","team.write"]"#,
            r#"2 authorities ["team.read","team.write"] -> ["team.write"]"#,
        ]
    );
    let Expects::State { id, fields } = &plan.changes[2].expects else { panic!("an update expects a state") };
    assert_eq!(id.as_str(), "ci");
    assert_eq!(
        serde_json::to_string(fields).expect("it is JSON"),
        r#"{"authorities":["team.read","team.write"]}"#
    );
    assert_eq!(plan.changes[2].because.line, 2);
    assert_eq!(plan.changes[2].notes, ["UAA refuses tokens of client `ci` that carry `team.read` at once."]);
}

#[test]
fn what_uaa_would_make_of_it_is_no_difference() {
    let site = Site::new()
        .client(
            "app",
            &[
                "authorized_grant_types=password,client_credentials",
                "scope=a,b",
                "autoapprove=a",
                "redirect_uri=x,y",
            ],
        )
        .client("all", &["authorized_grant_types=implicit", "autoapprove=true"]);
    let plan = Manifest::new()
        .client(
            "app",
            &[
                "authorized_grant_types=client_credentials,password",
                "scope=b,a,uaa.none",
                "authorities=",
                "autoapprove=z,a",
                "redirect_uri=y,x",
                "allowpublic=false",
                "required_user_groups=",
                "extra.x=null",
                "name=",
            ],
        )
        .client("all", &["autoapprove=true", "redirect_uri="])
        .plan(&site);
    assert_eq!(lines(&plan), NOTHING);
}

#[test]
fn null_clears_and_a_shorter_list_is_one_request() {
    let site = Site::new().client(
        "app",
        &[
            "authorized_grant_types=password",
            "scope=a,b,c",
            "autoapprove=a,c",
            "redirect_uri=https://a",
            "access_token_validity=600",
            "refresh_token_validity=600",
            "extra.note=[1,\"x\"]",
        ],
    );
    let plan = Manifest::new()
        .client(
            "app",
            &[
                "redirect_uri=",
                "access_token_validity=",
                "refresh_token_validity=60",
                "scope=a",
                "extra.note=",
            ],
        )
        .plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 update update_client app extra.note",
            "1 revoke update_client app scope redirect_uri autoapprove access_token_validity \
             refresh_token_validity [EndsSessions]",
        ]
    );
    // `autoapprove` is not in the manifest: UAA takes from it what is no longer in `scope`.
    assert!(fields(&plan).contains(&r#"1 autoapprove ["a","c"] -> ["a"]"#.to_owned()), "{:?}", fields(&plan));
    assert!(fields(&plan).contains(&r#"0 extra.note {"json":[1,"x"]} -> null"#.to_owned()));
}

#[test]
fn redirect_uris_are_added_before_others_go_and_validities_grow_beside_them() {
    let site = Site::new().client(
        "app",
        &["authorized_grant_types=implicit", "redirect_uri=https://a", "access_token_validity=60"],
    );
    let plan =
        Manifest::new().client("app", &["redirect_uri=https://b", "access_token_validity=61"]).plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 update update_client app redirect_uri access_token_validity",
            "1 revoke update_client app redirect_uri needs [0]",
        ]
    );
    assert_eq!(
        plan.changes[0].fields[0].after,
        FieldValue::List(vec!["https://a".to_owned(), "https://b".to_owned()])
    );
}

#[test]
fn the_way_in_is_narrowed_in_the_request_that_gives_something() {
    let site = Site::new().client(
        "app",
        &[
            "authorized_grant_types=password",
            "scope=a",
            "redirect_uri=https://a,https://b",
            "allowpublic=true",
        ],
    );
    let entry = [
        "required_user_groups=team",
        "allowedproviders=ldap",
        "allowpublic=",
        "redirect_uri=https://a",
        "token_salt=new",
    ];
    let manifest = Manifest::new().client("app", &entry);
    let narrowing = "allowpublic token_salt";
    assert_eq!(
        lines(&manifest.plan(&site)),
        [format!(
            "0 revoke update_client app redirect_uri allowedproviders required_user_groups {narrowing} [EndsSessions]"
        )]
    );
    let plan = manifest.client("app", &["scope=b"]).plan(&site);
    assert_eq!(
        lines(&plan),
        [
            format!(
                "0 grant update_client app scope redirect_uri allowedproviders required_user_groups {narrowing} [EndsSessions]"
            ),
            "1 revoke update_client app scope needs [0] [EndsSessions]".to_owned(),
        ]
    );
    assert_eq!(plan.changes[0].fields[5].before, FieldValue::None);
    assert_eq!(plan.changes[0].fields[5].after, FieldValue::Variable { variable: "app_salt".to_owned() });
}

#[test]
fn who_may_use_a_client_is_replaced_at_once_and_nobody_else_gets_in_on_the_way() {
    let site = Site::new().client(
        "app",
        &["authorized_grant_types=password", "required_user_groups=a", "allowedproviders=ldap,okta"],
    );
    let plan = |fields: &[&str]| {
        let plan =
            Manifest::new().client("app", fields).plan(&site.clone().change(|site| site.origins = None));
        lines(&plan)
    };
    assert_eq!(
        plan(&["required_user_groups=b"]),
        ["0 grant update_client app required_user_groups [EndsSessions]"]
    );
    assert_eq!(plan(&["required_user_groups="]), ["0 grant update_client app required_user_groups"]);
    assert_eq!(
        plan(&["required_user_groups=a,b"]),
        ["0 revoke update_client app required_user_groups [EndsSessions]"]
    );
    assert_eq!(plan(&["allowedproviders=ldap,x"]), ["0 grant update_client app allowedproviders"]);
    assert_eq!(plan(&["allowedproviders=ldap"]), ["0 revoke update_client app allowedproviders"]);
    assert_eq!(plan(&["allowedproviders="]), ["0 grant update_client app allowedproviders"]);
}

#[test]
fn a_grant_type_that_needs_a_redirect_uri_goes_with_the_last_one() {
    let site =
        Site::new().client("app", &["authorized_grant_types=authorization_code", "redirect_uri=https://a"]);
    let plan = Manifest::new()
        .client("app", &["authorized_grant_types=client_credentials", "redirect_uri="])
        .plan(&site);
    assert_eq!(
        fields(&plan),
        [
            r#"0 authorized_grant_types ["authorization_code","refresh_token"] -> ["client_credentials","refresh_token"]"#,
            r#"0 redirect_uri ["https://a"] -> null"#,
            r#"1 authorized_grant_types ["client_credentials","refresh_token"] -> ["client_credentials"]"#,
        ]
    );
}

#[test]
fn cluster_access_adds_and_removes_authorities_and_leaves_the_others() {
    let site = Site::new()
        .client(
            "a",
            &["authorized_grant_types=client_credentials", "authorities=pks.clusters.admin,team.read"],
        )
        .client("b", &["authorized_grant_types=client_credentials", "authorities=pks.clusters.admin"])
        .client("c", &["authorized_grant_types=client_credentials", "authorities=pks.clusters.admin.read"]);
    let plan = Manifest::new()
        .client("a", &[])
        .client_access("a", &[Manage])
        .client("b", &[])
        .client_access("b", &[])
        .client("c", &["authorities=team.read"])
        .client_access("c", &[Read])
        .plan(&site);
    assert_eq!(
        fields(&plan),
        [
            r#"0 authorities ["pks.clusters.admin","team.read"] -> ["pks.clusters.admin","pks.clusters.manage","team.read"]"#,
            r#"1 authorities ["pks.clusters.admin.read"] -> ["pks.clusters.admin.read","team.read"]"#,
            r#"2 authorities ["pks.clusters.admin","pks.clusters.manage","team.read"] -> ["pks.clusters.manage","team.read"]"#,
            r#"3 authorities ["pks.clusters.admin"] -> ["uaa.none"]"#,
        ]
    );
    assert_eq!(plan.changes[0].because.line, 2);
}

#[test]
fn a_secret_is_not_planned_but_named_and_checked_at_apply() {
    let manifest = Manifest::new().client("ci", &[]).secret("ci", variable("ci_secret"));
    let plan = manifest.plan(&ci());
    assert_eq!(lines(&plan), NOTHING);
    let spot = &plan.blind_spots[0];
    assert_eq!((spot.what, &spot.items), (BlindSpotWhat::ClientSecret, &vec!["ci".to_owned()]));
    assert_eq!(spot.values["ci"], FieldValue::Variable { variable: "ci_secret".to_owned() });
    let observed = ci().change(|observed| observed.me.scopes = ["scim.write".to_owned()].into()).0;
    let missing = missing_authorities(&plan, &observed);
    assert_eq!((missing.len(), &*missing[0].needed_for), (1, "set client secrets"));
}

#[test]
fn the_secret_of_a_privileged_client_takes_an_allow_and_our_own_is_never_sent() {
    let site = ci()
        .client("admin", &["authorities=uaa.admin"])
        .client("boss", &["authorized_grant_types=client_credentials", "authorities=clients.admin"]);
    let manifest = Manifest::new()
        .client("admin", &[])
        .secret("admin", variable("x"))
        .client("boss", &[])
        .secret("boss", variable("y"))
        .client("ci", &[])
        .secret("ci", variable("z"));
    let plan = manifest.plan(&site);
    assert_eq!(kept(&plan), ["SecretUnchecked Client admin", "SecretUnchecked Client boss"]);
    assert_eq!(plan.blind_spots[0].items, ["ci"]);
    assert_eq!(plan.findings, []);
    let keys = ["takeover:client/boss", "takeover:client/admin"];
    let plan = manifest.allowing(&site, &keys);
    assert_eq!(kept(&plan), ["SecretUnchecked Client admin"]);
    assert_eq!(plan.blind_spots[0].items, ["boss", "ci"]);
    assert_eq!(
        findings(&plan),
        [
            "takeover:client/boss [] allowed: The secret of the privileged client `boss` is set if it does not work."
        ]
    );
    assert_eq!(unused_allows(&plan, &keys.map(str::to_owned).into()), ["takeover:client/admin"]);
}

#[test]
fn a_client_that_cannot_be_made_is_an_objection() {
    let objections = |manifest: Manifest, site: &Site| -> Vec<String> {
        let show =
            |objection: &super::super::Objection| format!("{} {}", objection.because.line, objection.message);
        manifest.objections(site).iter().map(show).collect()
    };
    assert_eq!(
        objections(
            Manifest::new()
                .client("a", &[])
                .client("b", &["authorized_grant_types=client_credentials"])
                .client("c", &["authorized_grant_types=authorization_code"])
                .secret("c", SecretSource::Empty)
                .client("d", &["allowedproviders=lpad"]),
            &Site::new().client("d", &["authorized_grant_types=password"]),
        ),
        [
            "1 client `a` does not exist yet, and the entry has no grant types to create it with",
            "2 client `b` does not exist yet, and UAA wants a secret that is not empty with the grant type `client_credentials`",
            "4 client `c` does not exist yet, and UAA wants a secret that is not empty with the grant type `authorization_code`",
            "5 client `c` would have no redirect URI, and UAA wants one with the grant type `authorization_code`",
            "8 unknown origin `lpad`: the server has no identity provider of this name, and `target.origins` does not list it",
        ]
    );
    let new = Site::new().change(|observed| observed.server.uaa_version = "77.18.0".to_owned());
    let public = Manifest::new()
        .client("c", &["authorized_grant_types=authorization_code", "redirect_uri=https://a"])
        .secret("c", SecretSource::Empty);
    assert_eq!(lines(&public.plan(&new)).len(), 1);
    let site = Site::new().client("app", &["authorized_grant_types=implicit", "redirect_uri=https://a"]);
    assert_eq!(
        objections(Manifest::new().client("app", &["redirect_uri="]), &site),
        ["2 client `app` would have no redirect URI, and UAA wants one with the grant type `implicit`"]
    );
    // What is so already, and stays as it is, is nobody's business.
    let odd = Site::new().client("app", &["authorized_grant_types=implicit"]);
    assert_eq!(lines(&Manifest::new().client("app", &["redirect_uri="]).plan(&odd)), NOTHING);
}

#[test]
fn what_is_privileged_and_a_client_gains_is_a_finding_whichever_way_it_has_it() {
    let site = Site::new()
        .client("a", &["authorized_grant_types=client_credentials", "authorities=scim.write"])
        .client("b", &["authorized_grant_types=password", "scope=clients.admin,openid"]);
    let manifest = Manifest::new()
        .client("a", &["authorities=uaa.admin", "scope=uaa.admin"])
        .client("b", &["autoapprove=true"])
        .client("c", &["authorized_grant_types=password", "scope=zones.*.admin,openid", "autoapprove=true"])
        .client(
            "d",
            &[
                "authorized_grant_types=client_credentials",
                "authorities=openid,password.write",
                "scope=password.write",
            ],
        )
        .secret("d", variable("d"));
    let plan = manifest.plan(&site);
    assert_eq!(
        findings(&plan),
        [
            "escalates:clients.admin/client:b [3]: Users of client `b` would no longer be asked about the privileged scope `clients.admin`.",
            "escalates:password.write/client:d [1]: Client `d` would hold the privileged authority `password.write`.",
            "escalates:uaa.admin/client:a [2]: Client `a` would hold the privileged authority `uaa.admin`, and users could get `uaa.admin` through client `a`.",
            "escalates:zones.*.admin/client:c [0]: Through client `c` users could get the privileged scope `zones.*.admin`, and are not asked.",
        ]
    );
    let allowed = manifest.allowing(&site, &["escalates:uaa.admin/client:a"]);
    assert!(lines(&allowed)[2].contains("Escalates"), "{:?}", lines(&allowed));
    assert_eq!(lines(&allowed).iter().filter(|line| line.contains("Escalates")).count(), 1);
}

#[test]
fn our_own_client_changes_last_and_is_not_locked_out() {
    let own = |fields: &[&str]| {
        let site = Site::new().client(
            "admin",
            &["authorized_grant_types=client_credentials", "authorities=uaa.admin,team.read", "name=Admin"],
        );
        let plan = Manifest::new().client("admin", fields).plan(&site);
        (lines(&plan), findings(&plan))
    };
    let (changes, refused) = own(&["name=Boss", "authorities=uaa.admin", "scope=x"]);
    assert_eq!(
        changes,
        [
            "0 own update_client admin name [Bootstrapped]",
            "1 own update_client admin scope [Bootstrapped]",
            "2 own update_client admin authorities [EndsSessions, Bootstrapped]",
        ]
    );
    // The token does not carry `team.read`.
    assert_eq!(refused, NOTHING);
    for (fields, why) in [
        (&["authorities=team.read"][..], "lose the authority `uaa.admin`, which this run's token holds"),
        (&["authorities="], "lose the authority `uaa.admin`, which this run's token holds"),
        (
            &["authorized_grant_types=password"],
            "lose the grant type `client_credentials`, and so its way to log in",
        ),
        (&["token_salt=x"], "have another token salt, and this run's token would be refused at once"),
        (&["access_token_validity=10"], "get tokens that last 10 seconds, too short for a run"),
    ] {
        let (changes, refused) = own(fields);
        let id = changes.len() - 1;
        // Another grant type is a takeover besides, which could be allowed.
        let refused: Vec<_> = refused.into_iter().filter(|finding| finding.starts_with('-')).collect();
        assert_eq!(
            refused,
            [format!("- [{id}]: The client that this run is logged in as would {why}.")],
            "{fields:?}"
        );
    }
    // Users may be kept out of it, it logs in by itself.
    assert_eq!(own(&["required_user_groups=x", "allowedproviders=uaa"]).1, NOTHING);
}

#[test]
fn the_client_through_which_our_user_is_logged_in_keeps_letting_it_in() {
    let own = |fields: &[&str]| {
        let site = Site::new()
            .user("me")
            .client("cli", &["authorized_grant_types=password", "scope=scim.write,x", "allowpublic=true"])
            .change(|observed| {
                observed.me.client_id = Some(ClientId::new("cli"));
                observed.me.user = Some(super::super::worlds::user("me"));
                observed.me.scopes = ["scim.write".to_owned()].into();
            });
        findings(&Manifest::new().client("cli", fields).plan(&site))
    };
    for (fields, why) in [
        (&["scope=x"][..], "lose the scope `scim.write`, which this run's token holds"),
        (
            &["authorized_grant_types=refresh_token"],
            "lose the grant type `password`, and so its way to log in",
        ),
        (
            &["required_user_groups=x"],
            "be closed to users who are not in `x`, and nothing shows that `uaa/me` is",
        ),
        (&["allowedproviders=ldap"], "be closed to users of origin `ldap`"),
        (&["allowpublic="], "no longer be public, which may be how this run logged in"),
    ] {
        let refused = own(fields);
        assert_eq!(refused.len(), 1, "{fields:?}: {refused:?}");
        if why.starts_with("be closed to users of origin") {
            assert!(refused[0].contains("be closed to users of origin `uaa`"), "{refused:?}");
        } else {
            assert!(refused[0].contains(why), "{refused:?}");
        }
    }
    assert_eq!(
        own(&["scope=scim.write", "required_user_groups=scim.write", "allowedproviders=uaa"]),
        NOTHING
    );
}

#[test]
fn a_plan_asks_for_what_the_entries_manage() {
    let manifest = Manifest::new()
        .client("a", &["name=A"])
        .client("b", &["required_user_groups=x"])
        .client("c", &["app_icon="]);
    let scope = scope(&manifest.desired, &Policy::default()).clients;
    let ids = |ids: &[&str]| ids.iter().map(|&id| ClientId::new(id)).collect();
    assert_eq!(scope.named, ids(&["a", "b", "c"]));
    assert_eq!((scope.required_user_groups, scope.metadata, scope.all), (ids(&["b"]), ids(&["c"]), false));
}

#[test]
fn a_token_salt_is_compared_and_never_shown() {
    let site = Site::new().client("app", &["authorized_grant_types=password", "token_salt=canary-one"]);
    let plan = |salt: &str| Manifest::new().client("app", &[&format!("token_salt={salt}")]).plan(&site);
    assert_eq!(lines(&plan("canary-one")), NOTHING);
    let other = plan("canary-two");
    assert_eq!(fields(&other), [r#"0 token_salt "((redacted))" -> {"variable":"app_salt"}"#]);
    let shown = client_fields(&site.0.clients[&ClientId::new("app")]);
    assert_eq!(shown["token_salt"], FieldValue::redacted());
    let hidden = format!("{:?}", site.0.clients[&ClientId::new("app")].fields[&ClientField::TokenSalt]);
    assert!(!serde_json::to_string(&other).expect("JSON").contains(&hidden[8..20]));
}

#[test]
fn access_of_a_new_client_to_clusters_is_one_creation() {
    let plan = Manifest::new()
        .client("ci", &["authorized_grant_types=client_credentials"])
        .client_access("ci", &[Admin])
        .secret("ci", variable("s"))
        .plan(&Site::new());
    assert_eq!(lines(&plan), ["0 create create_client ci authorized_grant_types authorities client_secret"]);
    let missing = missing_authorities(
        &plan,
        &Site::new().change(|o| o.me.scopes = ["clients.write".to_owned()].into()).0,
    );
    assert_eq!(missing[0].any_of, ["clients.admin", "uaa.admin"]);
}

#[test]
fn a_client_that_shows_on_the_home_page_is_as_if_nothing_was_said() {
    for (observed, changes) in [("show_on_home_page=true", 0), ("show_on_home_page=false", 1)] {
        let site = Site::new().client("app", &[observed]);
        let plan = Manifest::new().client("app", &["show_on_home_page="]).plan(&site);
        assert_eq!(plan.changes.len(), changes, "{observed}");
    }
}
