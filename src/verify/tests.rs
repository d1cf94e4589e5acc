//! What answers mean, without a server.

use std::collections::BTreeSet;

use super::*;
use crate::uaa::{Owner, Refusal, Unreached, UnreachedWhy};

fn granted(scopes: &[&str]) -> Granted {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    let Who::User(alana) = alana() else { unreachable!("she is a user") };
    Granted { token: "canary-token".into(), scopes, lasts: Some(600), owner: Some(Owner::User(alana)) }
}

fn answers(scopes: &[&str], clusters: Came<Vec<Cluster>>) -> Answers {
    Answers {
        login: Some(Came::Granted(granted(scopes))),
        validity: Some(Validity::Signed("key-1".to_owned())),
        clusters: Some(clusters),
    }
}

fn refusal(status: u16, word: &str, text: &str) -> Refusal {
    Refusal { status, word: word.to_owned(), text: text.to_owned(), line: format!("{status} {word}: {text}") }
}

fn refused(status: u16, word: &str, text: &str) -> Answers {
    Answers { login: Some(Came::Refused(refusal(status, word, text))), validity: None, clusters: None }
}

fn alana() -> Who {
    use crate::model::{Origin, UserKey, Username};
    Who::User(UserKey::new(Origin::uaa(), Username::new("alana")))
}

fn proof(answers: &Answers, expected: &[Expectation]) -> Proof {
    let through = ClientId::new("pks_cli");
    let case = Case {
        url: "https://api:8443",
        pks_api: "https://api:9021",
        through: &through,
        by_manifest: false,
        by_passcode: false,
        desired: None,
        insight: None,
    };
    prove(&alana(), answers, &expected.iter().collect::<Vec<_>>(), &case)
}

fn list(names: &[&str]) -> Came<Vec<Cluster>> {
    Came::Granted(names.iter().map(|&name| Cluster { name: name.to_owned() }).collect())
}

fn said(proof: &Proof) -> String {
    let failed = proof.steps.iter().filter(|step| step.state == State::Failed);
    failed.flat_map(|step| step.means.iter().chain(&step.next)).cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn a_whole_chain_is_proven_and_no_token_is_in_it() {
    let proof = proof(&answers(&["pks.clusters.manage"], list(&["shop"])), &[]);
    assert!(proof.proven, "{proof:?}");
    assert_eq!(proof.clusters, Some(vec!["shop".to_owned()]));
    assert!(!format!("{proof:?}").contains("canary") && !format!("{:?}", granted(&[])).contains("canary"));
}

#[test]
fn each_refusal_of_uaas_has_its_cause() {
    for (status, word, text, cause) in [
        (401, "unauthorized", "Bad credentials", "UAA answers all alike"),
        (401, "invalid_client", "Bad credentials", "UAA answers all alike"),
        (
            401,
            "unauthorized",
            "Your account has been locked because of too many failed attempts to login.",
            "uaapply unlock alana",
        ),
        (401, "invalid_client", "Unauthorized grant type: password", "may not log users in by password"),
        (
            400,
            "invalid_scope",
            "[x] is invalid. This user is not allowed any of the requested scopes",
            "holds none of the scopes",
        ),
        (
            401,
            "unauthorized_user",
            "User does not meet the client's required group criteria.",
            "required_user_groups",
        ),
        (
            401,
            "access_denied",
            "Client is not authorized for specified user's identity provider.",
            "allowedproviders",
        ),
        (
            403,
            "forbidden",
            "Your current password has expired. Please reset your password.",
            "has to be changed",
        ),
        (429, "", "", "rate limiter"),
        (500, "", "", "UAA failed at this log-in"),
        (400, "odd", "odd", "UAA refuses the log-in"),
    ] {
        let proof = proof(&refused(status, word, text), &[]);
        assert!(!proof.proven);
        assert!(said(&proof).contains(cause), "{text}: {}", said(&proof));
    }
}

#[test]
fn each_answer_of_the_pks_api_has_its_cause() {
    for (status, cause) in [
        (401, "does not accept a token"),
        (403, "has none of the scopes"),
        (404, "is not the PKS API"),
        (302, "is not the PKS API"),
        (200, "is not the PKS API"),
        (503, "load balancer"),
        (500, "failed at it"),
    ] {
        let proof = proof(&answers(&[], Came::Refused(refusal(status, "", ""))), &[]);
        assert!(!proof.proven && said(&proof).contains(cause), "{status}: {}", said(&proof));
    }
    for (why, cause) in [
        (UnreachedWhy::UnknownHost, "is not known here"),
        (UnreachedWhy::NoConnection, "let through UAA's port only"),
        (UnreachedWhy::Certificate, "does not fit"),
        (UnreachedWhy::NotTls, "does not speak TLS"),
        (UnreachedWhy::NoAnswer, "gave no answer"),
    ] {
        let proof = proof(&answers(&[], Came::Unreached(Unreached { why, line: String::new() })), &[]);
        assert!(!proof.proven && said(&proof).contains(cause), "{why:?}: {}", said(&proof));
    }
}

#[test]
fn a_token_that_does_not_hold_is_no_proof_and_one_that_nobody_can_check_is_one() {
    for (validity, proven) in [
        (Validity::Active, true),
        (Validity::Unknown("x".to_owned()), true),
        (Validity::Inactive, false),
        (Validity::Unsound("x".to_owned()), false),
    ] {
        let answers = Answers { validity: Some(validity), ..answers(&[], list(&[])) };
        assert_eq!(proof(&answers, &[]).proven, proven);
    }
    let untried = Answers { login: None, validity: None, clusters: None };
    assert!(!proof(&untried, &[]).proven);
}

#[test]
fn the_token_of_somebody_else_proves_nothing_and_a_403_to_who_holds_a_scope_is_no_denial() {
    let mut other = granted(&["pks.clusters.admin"]);
    other.owner = Some(Owner::Client(ClientId::new("alana")));
    let answers = Answers { login: Some(Came::Granted(other)), ..answers(&[], list(&["a"])) };
    let theirs = proof(&answers, &[]);
    assert!(!theirs.proven && said(&theirs).contains("somebody else logged in"), "{theirs:?}");
    let denied = Expectation::read("alana: denied").expect("it is one");
    for (scopes, proven) in [(&["pks.clusters.admin"][..], false), (&["openid"], true)] {
        let forbidden = self::answers(scopes, Came::Refused(refusal(403, "", "")));
        assert_eq!(proof(&forbidden, &denied).proven, proven, "{scopes:?}");
    }
}

#[test]
fn an_expectation_holds_or_not() {
    let two = answers(&["pks.clusters.manage"], list(&["a", "b"]));
    let none = refused(400, "invalid_scope", "");
    let wrong = refused(401, "unauthorized", "Bad credentials");
    for (text, answers, holds) in [
        ("clusters>=1", &two, true),
        ("clusters >= 3", &two, false),
        ("clusters=2", &two, true),
        ("clusters==2", &two, true),
        ("clusters!=2", &two, false),
        ("clusters<3", &two, true),
        ("clusters<=1", &two, false),
        ("clusters>2", &two, false),
        ("cluster a", &two, true),
        ("cluster c", &two, false),
        ("no cluster c", &two, true),
        ("no cluster a", &two, false),
        ("scope pks.clusters.manage", &two, true),
        ("scope pks.clusters.admin", &two, false),
        ("no scope pks.clusters.admin", &two, true),
        ("denied", &two, false),
        ("denied", &none, true),
        ("denied, clusters=0, no cluster a, no scope x", &none, true),
        // A wrong password proves nothing of anybody's access.
        ("denied", &wrong, false),
        ("clusters=0", &wrong, false),
        ("no cluster a", &wrong, false),
        ("no scope x", &wrong, false),
    ] {
        let expected = Expectation::read(&format!("alana: {text}")).expect("it is one");
        let proof = proof(answers, &expected);
        let all = proof.steps.iter().filter(|step| step.step == StepName::Expected);
        assert_eq!(all.clone().all(|step| step.state == State::Ok), holds, "{text}: {proof:?}");
        assert_eq!(proof.proven, holds, "{text}: {proof:?}");
        assert!(all.count() >= 1);
    }
}

#[test]
fn what_says_nothing_is_no_expectation() {
    for text in [
        "",
        "alana",
        "alana:",
        ": denied",
        "alana: clusters",
        "alana: clusters>=x",
        "alana: clusters~1",
        "alana: cluster ",
        "alana: no denied",
        "alana: denied,",
    ] {
        assert!(Expectation::read(text).is_err(), "{text}");
    }
}

mod by_a_manifest {
    use super::*;
    use crate::desired::{Because, Desired, DesiredGroup, Holds, Wish, WishBy, WishState};
    use crate::model::{GroupName, Member, UserKey};
    use crate::verify::scopes::Given;

    fn because() -> Because {
        Because { file: "pks.yml".to_owned(), line: 3 }
    }

    fn wish(desired: &mut Desired, group: &str, member: Member, state: WishState) {
        let wish = Wish { state, because: because(), by: WishBy::Members };
        desired.memberships.entry(GroupName::new(group)).or_default().insert(member, wish);
    }

    fn user() -> UserKey {
        match alana() {
            Who::User(user) => user,
            Who::Client(_) => unreachable!("she is a user"),
        }
    }

    fn judged(desired: &Desired, scopes: &[&str]) -> (State, String) {
        let through = ClientId::new("pks_cli");
        let case = Case {
            url: "u",
            pks_api: "p",
            through: &through,
            by_manifest: false,
            by_passcode: false,
            desired: Some(desired),
            insight: None,
        };
        let given = Given::by(desired, &alana());
        let step = scopes::step(&alana(), Some(&granted(scopes)), Some(&given), &case);
        (step.state, step.means.join("\n"))
    }

    #[test]
    fn a_token_holds_what_is_given_through_nesting_too_and_nothing_that_is_taken() {
        let mut desired = Desired::default();
        wish(&mut desired, "team", Member::User(user()), WishState::Present);
        wish(&mut desired, "pks.clusters.admin", Member::Group(GroupName::new("team")), WishState::Present);
        wish(&mut desired, "pks.clusters.manage", Member::User(user()), WishState::Absent);
        // A cycle ends.
        wish(&mut desired, "team", Member::Group(GroupName::new("pks.clusters.admin")), WishState::Present);
        assert_eq!(judged(&desired, &["pks.clusters.admin"]).0, State::Ok);
        let (state, said) = judged(&desired, &["pks.clusters.manage"]);
        assert_eq!(state, State::Failed);
        assert!(
            said.contains("pks.yml:3 gives pks.clusters.admin")
                && said.contains("does not leave pks.clusters.manage"),
            "{said}"
        );
        // That `team` is not in pks_cli's tokens is no fault.
        assert!(!said.contains("gives team"), "{said}");
        let (state, said) = judged(&desired, &["pks.clusters.admin", "pks.clusters.admin.read"]);
        assert!(
            state == State::Ok && said.contains("neither gives nor takes pks.clusters.admin.read"),
            "{said}"
        );
    }

    #[test]
    fn an_exact_group_takes_from_whom_it_does_not_list_and_an_absent_user_has_nothing() {
        let mut desired = Desired::default();
        let name = GroupName::new("pks.clusters.admin");
        desired.groups.insert(
            name.clone(),
            DesiredGroup {
                name,
                because: because(),
                description: None,
                holds: Holds::Exactly,
                external_groups: None,
            },
        );
        // The manifest must speak of the user at all.
        assert_eq!(judged(&desired, &["pks.clusters.admin"]).0, State::Unknown);
        wish(&mut desired, "team", Member::User(user()), WishState::Present);
        assert_eq!(judged(&desired, &["pks.clusters.admin"]).0, State::Failed);
        assert_eq!(judged(&desired, &[]).0, State::Ok);
        let mut gone = Desired::default();
        gone.absent.users.insert(user(), because());
        assert_eq!(judged(&gone, &["pks.clusters.manage"]).0, State::Failed);
        let scopes: BTreeSet<&str> = BTreeSet::new();
        assert!(Given::by(&gone, &alana()).gives_no_clusters() && scopes.is_empty());
    }
    #[test]
    fn what_a_log_in_may_bring_is_neither_taken_nor_proven_absent() {
        use crate::model::{ExternalGroup, Mapping, Origin, Username};
        let mut desired = Desired::default();
        let name = GroupName::new("team");
        let mapping = Mapping {
            group: name.clone(),
            origin: Origin::new("ldap"),
            external_group: ExternalGroup::new("cn=team"),
        };
        desired.groups.insert(
            name.clone(),
            DesiredGroup {
                name: name.clone(),
                because: because(),
                description: None,
                holds: Holds::Exactly,
                external_groups: Some([(mapping, because())].into()),
            },
        );
        wish(&mut desired, "pks.clusters.admin", Member::Group(name), WishState::Present);
        for (origin, none) in [("ldap", false), ("uaa", true)] {
            let user = UserKey::new(Origin::new(origin), Username::new("cody"));
            wish(&mut desired, "other", Member::User(user.clone()), WishState::Present);
            assert_eq!(Given::by(&desired, &Who::User(user)).gives_no_clusters(), none, "{origin}");
        }
    }
}
