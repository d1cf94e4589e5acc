//! For each rail of a policy: a plan that it refuses, the same one allowed by its key, and near misses that pass.

use super::super::policy::{MustHave, NamePattern, Policy};
use super::super::worlds::{Manifest, Site, findings, kept, lines, member};
use super::super::{Kind, unused_allows};
use crate::desired::{PruneAction, SecretSource};
use crate::model::ClusterRole::{Admin, Manage};
use crate::model::Username;

/// The findings, each of which its own key allows, alone.
fn refused(manifest: &Manifest, site: &Site) -> Vec<String> {
    let plan = manifest.plan(site);
    let keys: Vec<&str> = plan.findings.iter().filter_map(|finding| finding.key.as_deref()).collect();
    for key in &keys {
        let allowed = manifest.allowing(site, &[key]);
        let named = |finding: &&super::super::Finding| finding.key.as_deref() == Some(key);
        assert!(allowed.findings.iter().filter(named).all(|finding| finding.allowed), "{key}");
        assert!(allowed.findings.iter().filter(|f| !named(f)).all(|finding| !finding.allowed), "{key}");
        assert_eq!(unused_allows(&allowed, &[(*key).to_owned()].into()), [""; 0]);
        assert_eq!(allowed.plan_digest, plan.plan_digest);
    }
    assert_eq!(manifest.allowing(site, &keys).refusals().count(), plan.findings.len() - keys.len());
    findings(&plan)
}

fn passes(manifest: &Manifest, site: &Site) {
    assert_eq!(findings(&manifest.plan(site)), [""; 0], "{:?}", lines(&manifest.plan(site)));
    assert_ne!(lines(&manifest.plan(site)), [""; 0], "a near miss changes something");
}

fn patterns(texts: &[&str]) -> Vec<NamePattern> {
    texts.iter().map(|text| NamePattern::new(text).expect("a pattern")).collect()
}

// Takeover.

/// `erin` is an admin through a nested group, `frank` is nobody.
fn people() -> Site {
    Site::new()
        .users(&["erin", "frank"])
        .group("inner", &["erin"])
        .group("uaa.admin", &["group:inner"])
        .edit("erin", |erin| erin.active = false)
        .edit("frank", |frank| frank.active = false)
}

fn another_address(name: &str) -> Manifest {
    Manifest::new().user(name).edit(name, |user, said| user.email = said("x@evil.example"))
}

#[test]
fn whoever_holds_something_privileged_does_not_become_another() {
    assert_eq!(
        refused(&another_address("erin"), &people()),
        ["takeover:user/uaa/erin [0]: `uaa/erin`, who holds `uaa.admin`, would get the e-mail address \
             `x@evil.example`, by which the password can be reset."]
    );
    let active = |name: &str| Manifest::new().user(name).active(name, true);
    assert_eq!(
        refused(&active("erin"), &people()),
        ["takeover:user/uaa/erin [0]: `uaa/erin`, who holds `uaa.admin`, would be let in again."]
    );
    let renamed = |new: &str, old: &str| {
        Manifest::new().user(new).previously(new, old).edit(new, |user, _| user.email = None)
    };
    assert_eq!(
        refused(&renamed("eve", "erin"), &people()),
        ["takeover:user/uaa/erin [0]: `uaa/erin`, who holds `uaa.admin`, would be called `eve`."]
    );
    passes(&another_address("frank"), &people());
    passes(&active("frank"), &people());
    passes(&renamed("fred", "frank"), &people());
    // What changes nothing about who it is.
    passes(&Manifest::new().user("erin").edit("erin", |erin, said| erin.given_name = said("E")), &people());
    let suspended = people().edit("erin", |erin| erin.active = true);
    passes(&Manifest::new().user("erin").active("erin", false), &suspended);
}

#[test]
fn whoever_will_hold_it_or_holds_it_until_the_same_plan_takes_it_does_not_either() {
    let gains = another_address("frank").additive("inner").member("inner", "frank");
    let keys: Vec<_> = gains.plan(&people()).findings.into_iter().filter_map(|finding| finding.key).collect();
    assert_eq!(keys, ["escalates:uaa.admin/uaa/frank", "takeover:user/uaa/frank"]);
    let loses = another_address("erin").additive("inner").absent("inner", "erin");
    assert_eq!(refused(&loses, &people()).len(), 1);
    // What a login brought counts, and what the policy calls privileged.
    let site =
        Site::new().user("ldap/d").edit("ldap/d", |d| d.active = false).group("uaa.admin", &["~ldap/d"]);
    assert_eq!(refused(&Manifest::new().user("ldap/d").active("ldap/d", true), &site).len(), 1);
    let clusters = Site::new().user("frank").group("pks.clusters.admin", &["frank"]);
    passes(&another_address("frank"), &clusters);
    let stricter = another_address("frank").policy(|policy| policy.add_privileged("pks.clusters.*"));
    assert_eq!(refused(&stricter, &clusters).len(), 1);
}

/// `boss` has something privileged, `ci` has not.
fn clients() -> Site {
    let usual = [
        "authorized_grant_types=password",
        "redirect_uri=https://a,https://b",
        "allowedproviders=uaa,ldap",
        "required_user_groups=x,y",
    ];
    Site::new()
        .client("boss", &usual)
        .client("boss", &["authorities=clients.admin"])
        .client("ci", &usual)
        .client("ci", &["authorities=team.read"])
}

#[test]
fn a_privileged_clients_way_in_does_not_widen() {
    for (field, would) in [
        ("authorized_grant_types=implicit,password", "get the grant type `implicit`"),
        ("redirect_uri=https://b,https://evil", "send users back to `https://evil`"),
        ("allowpublic=true", "be usable without its secret"),
        ("allowedproviders=uaa,saml", "be open to users of `saml`"),
        ("allowedproviders=", "be open to users of every identity provider"),
        ("required_user_groups=y", "be open to users who are not in `x`"),
        ("required_user_groups=y,z", "be open to users who are not in `x`"),
    ] {
        let site = clients().change(|observed| {
            observed.origins.as_mut().expect("known").insert("saml".into());
        });
        let found = refused(&Manifest::new().client("boss", &[field]), &site);
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert!(found[0].starts_with("takeover:client/boss [0"), "{found:?}");
        assert!(found[0].contains(would), "{found:?}");
        passes(&Manifest::new().client("ci", &[field]), &site);
    }
    for narrower in [
        "redirect_uri=https://b",
        "allowedproviders=uaa",
        "required_user_groups=x,y,z",
        "name=Boss",
        "access_token_validity=60",
    ] {
        passes(&Manifest::new().client("boss", &[narrower]), &clients());
    }
}

#[test]
fn a_client_that_becomes_privileged_in_the_same_plan_is_judged_and_a_new_one_is_not() {
    let both = Manifest::new().client("ci", &["authorities=uaa.admin", "allowpublic=true"]);
    let keys: Vec<_> = both.plan(&clients()).findings.into_iter().filter_map(|finding| finding.key).collect();
    assert_eq!(keys, ["escalates:uaa.admin/client:ci", "takeover:client/ci"]);
    let new = Manifest::new()
        .client("new", &["authorized_grant_types=client_credentials", "authorities=uaa.admin"])
        .secret("new", SecretSource::Literal);
    assert_eq!(refused(&new, &clients()).len(), 1);
    // To set anybody's password is an authority.
    let password = Manifest::new().client("ci", &["authorities=password.write"]);
    assert_eq!(
        refused(&password, &clients()),
        [
            "escalates:password.write/client:ci [0]: Client `ci` would hold the privileged authority `password.write`."
        ]
    );
    passes(&Manifest::new().client("ci", &["scope=password.write"]), &clients());
}

#[test]
fn a_secret_that_was_tried_in_vain_is_one_finding_with_all_else_about_the_client() {
    let site = clients().change(|observed| {
        observed.client_secrets_wrong = Some(["boss", "ci"].map(crate::model::ClientId::new).into());
    });
    let with_secret = |id: &str| Manifest::new().client(id, &[]).secret(id, SecretSource::Literal);
    assert_eq!(
        refused(&with_secret("boss"), &site),
        [
            "takeover:client/boss [0]: The privileged client `boss` would get another secret: whoever gets in by it \
             can do all that the client can."
        ]
    );
    passes(&with_secret("ci"), &site);
    assert_eq!(refused(&with_secret("boss").client("boss", &["allowpublic=true"]), &site).len(), 1);
}

// Members.

fn must(minimum: usize, required: &[&str]) -> impl Fn(&mut Policy) + Clone {
    let required = required.iter().map(|text| member(text)).collect();
    let must = MustHave { minimum, required };
    move |policy: &mut Policy| drop(policy.members.insert("Ops".into(), must.clone()))
}

#[test]
fn a_group_does_not_fall_below_what_the_policy_wants() {
    let site = Site::new().users(&["a", "b", "c", "d"]).group("ops", &["a", "b", "group:inner"]);
    let site = site.group("inner", &["c"]);
    let site = site.group("other", &["d"]);
    let takes =
        |who: &[&str]| who.iter().fold(Manifest::new().additive("ops"), |m, who| m.absent("ops", who));
    let three = takes(&["a"]).policy(must(3, &[]));
    assert_eq!(
        refused(&three, &site),
        ["members:Ops [0]: Group `Ops` would have 2 members, and the policy wants at least 3."]
    );
    passes(&takes(&["a"]).policy(must(2, &[])), &site);
    // Who comes in the same plan counts.
    passes(&takes(&["a"]).user("d").member("ops", "d").policy(must(3, &[])), &site);
    // Whoever is deleted or suspended is none, a nested group's too.
    assert_eq!(refused(&Manifest::new().no_user("c").policy(must(3, &[])), &site).len(), 1);
    let suspended = Manifest::new().user("c").active("c", false).policy(must(3, &[]));
    assert_eq!(
        refused(&suspended, &site),
        ["members:Ops [0]: Group `Ops` would have 2 members, and the policy wants at least 3."]
    );
    passes(&Manifest::new().user("d").active("d", false).policy(must(3, &[])), &site);
    // One that has too few already may get more, and another plan is not about it.
    passes(&Manifest::new().additive("ops").user("d").member("ops", "d").policy(must(9, &[])), &site);
    passes(&Manifest::new().additive("other").absent("other", "d").policy(must(9, &[])), &site);
    // A group that goes, and one that comes with too few.
    let gone = Manifest::new().no_group("ops").policy(must(1, &[])).plan(&site);
    assert_eq!(gone.findings[0].key.as_deref(), Some("members:Ops"));
    let comes = |n| Manifest::new().exact("ops").user("a").member("ops", "a").policy(must(n, &[]));
    assert_eq!(refused(&comes(2), &Site::new().user("a")).len(), 1);
    passes(&comes(1), &Site::new().user("a"));
}

#[test]
fn rows_of_logins_and_of_nobody_are_no_members() {
    let site = Site::new().users(&["a", "ldap/b"]).group("ops", &["a", "~ldap/b", "!gone"]);
    let takes = Manifest::new().additive("ops").absent("ops", "a").policy(must(1, &[]));
    assert_eq!(
        refused(&takes, &site),
        ["members:Ops [0]: Group `Ops` would have 0 members, and the policy wants at least 1."]
    );
}

#[test]
fn a_required_member_stays_directly_or_nested_or_as_a_group() {
    let site = Site::new()
        .users(&["root", "b", "ldap/c"])
        .group("inner", &["ldap/c"])
        .group("ops", &["root", "b", "group:inner"]);
    let required = must(0, &["root", "ldap/c", "group:inner", "nobody"]);
    let takes = |who: &str| Manifest::new().additive("ops").absent("ops", who).policy(required.clone());
    assert_eq!(
        refused(&takes("root"), &site),
        ["members:Ops [0]: Group `Ops` would lack `uaa/root`, whom the policy requires."]
    );
    passes(&takes("b"), &site);
    assert_eq!(
        refused(&takes("group:inner"), &site),
        ["members:Ops [0]: Group `Ops` would lack `ldap/c`, `group:inner`, whom the policy requires."]
    );
    // Another way in is one: the row goes, the membership does not.
    let twice = site.clone().group("inner", &["root"]);
    passes(&takes("root"), &twice);
    // A manifest that does not name a required user prunes it all the same, and that is refused.
    let prunes = Manifest::new().user("b").prune_users(&["uaa"], &[], PruneAction::Delete);
    let found = refused(&prunes.policy(required).policy(|p| p.prune = [Kind::User].into()), &site);
    assert_eq!(found.len(), 1, "{found:?}");
}

// Protected and owner.

#[test]
fn what_the_policy_protects_is_not_touched() {
    let site = Site::new()
        .users(&["root", "ann"])
        .group("vault", &["root"])
        .group("inner", &[])
        .group("team", &[])
        .client("pks_cli", &["authorized_grant_types=password"])
        .client("ci", &["authorized_grant_types=password"]);
    let protecting = |manifest: Manifest| {
        manifest.policy(|policy| policy.protected = patterns(&["user/root", "group/vault*", "client/pks_*"]))
    };
    let named = |manifest: Manifest| refused(&protecting(manifest), &site);
    let field = |name: &str| Manifest::new().user(name).edit(name, |user, said| user.phone = said("1"));
    assert_eq!(
        named(field("root")),
        ["protected:user/uaa/root [0]: The policy protects `user/uaa/root`, and this plan would change it."]
    );
    passes(&protecting(field("ann")), &site);
    let keys = |manifest: Manifest| -> Vec<String> {
        let plan = protecting(manifest).plan(&site);
        let ours = plan.findings.into_iter().filter_map(|finding| finding.key);
        ours.filter(|key| key.starts_with("protected:")).collect()
    };
    let joins = |group: &str, who: &str| Manifest::new().additive(group).member(group, who);
    assert_eq!(keys(joins("vault", "ann")), ["protected:group/vault"]);
    assert_eq!(keys(joins("team", "root")), ["protected:user/uaa/root"]);
    assert_eq!(keys(joins("team", "group:vault")), ["protected:group/vault"]);
    assert_eq!(keys(joins("team", "ann")), [""; 0]);
    assert_eq!(
        keys(Manifest::new().additive("vault").maps("vault", &[("ldap", "cn=x")])),
        ["protected:group/vault"]
    );
    assert_eq!(keys(Manifest::new().no_user("root")), ["protected:group/vault", "protected:user/uaa/root"]);
    assert_eq!(keys(Manifest::new().exact("vault.new")), ["protected:group/vault.new"]);
    let renamed =
        Manifest::new().user("vip").previously("vip", "ann").edit("vip", |user, _| user.email = None);
    let vip = renamed.policy(|policy| policy.protected = patterns(&["user/vip"]));
    assert_eq!(vip.plan(&site).findings[0].key.as_deref(), Some("protected:user/uaa/vip"));
    assert_eq!(keys(Manifest::new().no_client("pks_cli")), ["protected:client/pks_cli"]);
    assert_eq!(keys(Manifest::new().no_client("ci")), [""; 0]);
    // A group that goes leaves the one that it is nested in.
    let nested = site.clone().group("vault", &["group:inner"]);
    let gone = protecting(Manifest::new().no_group("inner")).plan(&nested);
    assert_eq!(gone.findings[0].key.as_deref(), Some("protected:group/vault"));
}

#[test]
fn a_secret_that_apply_would_check_waits_for_leave_where_the_client_is_protected_or_anothers() {
    let site = Site::new().client("ci", &["authorized_grant_types=password"]);
    let manifest = Manifest::new().client("ci", &[]).secret("ci", SecretSource::Literal).policy(|policy| {
        policy.protected = patterns(&["client/ci"]);
        policy.owners.insert("other.yml".to_owned(), patterns(&["client/c*"]));
    });
    for keys in [&[][..], &["protected:client/ci"], &["owner:pks.yml/client/ci"]] {
        let plan = manifest.allowing(&site, keys);
        assert_eq!((kept(&plan), plan.findings.len()), (vec!["SecretUnchecked Client ci".to_owned()], 0));
    }
    let plan = manifest.allowing(&site, &["protected:client/ci", "owner:pks.yml/client/ci"]);
    assert_eq!((kept(&plan), plan.findings.len(), plan.blind_spots.len()), (vec![], 2, 1));
}

#[test]
fn a_file_speaks_about_its_own_only() {
    let site = Site::new().users(&["ann", "bob"]).group("team-a.dev", &["bob"]).group("free", &[]);
    let owned = |manifest: Manifest| {
        manifest.policy(|policy| {
            policy.owners.insert("team-a.yml".to_owned(), patterns(&["group/team-a.*"]));
            policy.owners.insert("people/*.yml".to_owned(), patterns(&["user/*"]));
            policy.owners.insert("platform.yml".to_owned(), patterns(&["group/pks.clusters.*"]));
        })
    };
    let joins = |file, group: &str| owned(Manifest::new().file(file).additive(group).member(group, "ann"));
    assert_eq!(
        refused(&joins("manifests/team-b.yml", "team-a.dev"), &site),
        ["owner:manifests%2Fteam-b.yml/group/team-a.dev [0]: `manifests/team-b.yml` speaks about \
             `group/team-a.dev`, which the policy gives to `team-a.yml`."]
    );
    passes(&joins("manifests/team-a.yml", "team-a.dev"), &site);
    passes(&joins("team-a.yml", "team-a.dev"), &site);
    passes(&joins("team-b.yml", "free"), &site);
    assert_eq!(refused(&joins("not-team-a.yml", "team-a.dev"), &site).len(), 1);
    // Cluster access is the group's matter, although the user's entry says it.
    let access = |file| owned(Manifest::new().file(file).user("ann").access("ann", &[Admin, Manage]));
    assert_eq!(refused(&access("people/a.yml"), &site).len(), 2);
    passes(&access("platform.yml"), &site);
    // Whoever may delete a user takes its memberships along.
    let gone = |file| owned(Manifest::new().file(file).no_user("bob"));
    passes(&gone("x/people/b.yml"), &site);
    assert_eq!(
        refused(&gone("team-b.yml"), &site),
        [
            "owner:team-b.yml/user/uaa/bob [1]: `team-b.yml` speaks about `user/uaa/bob`, which the policy gives to \
             `people/*.yml`."
        ]
    );
}

// Lookalike.

#[test]
fn a_name_that_can_be_taken_for_another_takes_consent() {
    let site = Site::new().user("\u{430}dmin").group("team", &[]);
    let new = |name: &str| Manifest::new().user(name);
    assert_eq!(
        refused(&new("\u{430}lana"), &site),
        ["lookalike:\u{430}lana [0]: The name `\u{430}lana` mixes scripts within one word: U+0430."]
    );
    assert_eq!(
        refused(&new("ldap/alana\u{200b}"), &site),
        ["lookalike:alana\u{200b} [0]: The name `alana\u{200b}` holds characters that do not show: U+200B."]
    );
    passes(&new("Анна"), &site);
    passes(&new("jürgen"), &site);
    // One that exists and is only kept as it is is no news; one that is given something is.
    passes(&new("\u{430}dmin").edit("\u{430}dmin", |user, said| user.phone = said("1")), &site);
    let joins = Manifest::new().additive("team").member("team", "\u{430}dmin");
    assert_eq!(refused(&joins, &site).len(), 1);
    passes(&Manifest::new().additive("team").maps("team", &[("ldap", "cn=админы,dc=example")]), &site);
    let mapped = Manifest::new().additive("team").maps("team", &[("ldap", "cn=\u{430}dmins")]);
    assert_eq!(refused(&mapped, &site).len(), 1);
    let renamed = Manifest::new().user("Gr\u{435}ta").edit("Gr\u{435}ta", |user, _| {
        user.previously =
            Some(crate::desired::Said { value: Username::new("greta"), because: user.because.clone() });
        user.email = None;
    });
    assert_eq!(refused(&renamed, &Site::new().user("greta")).len(), 1);
}

// Thresholds and prune.

#[test]
fn the_policy_says_how_many_removals_are_many_and_what_may_be_pruned() {
    let site = Site::new().users(&["a", "b", "c", "d", "e"]).group("team", &["a", "b", "c", "d"]);
    let takes = Manifest::new().additive("team").absent("team", "a");
    passes(&takes, &site);
    let strict = |least, percent, most| {
        takes.clone().policy(move |policy| {
            (policy.removal_at_least, policy.removal_percent, policy.removal_at_most) =
                (least, percent, most);
        })
    };
    for refusing in [strict(1, 24, 10), strict(9, 100, 0)] {
        assert_eq!(
            refused(&refusing, &site),
            ["removals:team [0]: Group `team` would lose 1 of its 4 members."]
        );
    }
    for near in [strict(1, 25, 10), strict(2, 0, 1)] {
        passes(&near, &site);
    }
    let prunes = ["a", "b", "c", "d"].into_iter().fold(Manifest::new(), Manifest::user).prune_users(
        &["uaa"],
        &[],
        PruneAction::Delete,
    );
    assert_eq!(refused(&prunes, &site), ["prune:users [0]: 1 user that no manifest names would be deleted."]);
    passes(&prunes.clone().policy(|policy| policy.prune = [Kind::User].into()), &site);
    let other = prunes.policy(|policy| policy.prune = [Kind::Client].into());
    assert_eq!(refused(&other, &site).len(), 1);
}
