//! Plans to show, for tests.

use std::collections::BTreeMap;

use crate::desired::Because;
use crate::model::{ClientId, GroupName, KeyPart, Member, Membership, Origin, UserKey, Username};
use crate::observed::Server;
use crate::plan::{
    Action, BlindSpot, BlindSpotWhat, Change, Expects, FieldChange, FieldValue, Finding, Kept, KeptWhy, Kind,
    Object, Phase, Plan, Rail, Risk, Summary,
};

pub(crate) fn change(phase: Phase, action: Action, kind: Kind, object: Object, key: String) -> Change {
    Change {
        id: 0,
        phase,
        action,
        kind,
        key,
        object,
        fields: Vec::new(),
        needs: Vec::new(),
        because: Because { file: "pks.yml".to_owned(), line: 7 },
        implied: false,
        expects: Expects::ABSENT,
        risks: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn user(name: &str) -> UserKey {
    UserKey::new(Origin::uaa(), Username::new(name))
}

pub(crate) fn member(phase: Phase, action: Action, group: &str, name: &str) -> Change {
    let membership = Membership { group: GroupName::new(group), member: Member::User(user(name)) };
    change(phase, action, Kind::Member, Object::from(&membership), membership.to_string())
}

pub(crate) fn plan_of(mut changes: Vec<Change>) -> Plan {
    for (id, change) in changes.iter_mut().enumerate() {
        change.id = u32::try_from(id).expect("few");
    }
    Plan {
        format: 1,
        tool: "uaapply 0.1.0".to_owned(),
        target: Server {
            url: "https://api.pks.example.com:8443".to_owned(),
            issuer: "https://api.pks.example.com:8443/oauth/token".to_owned(),
            zone: "uaa".to_owned(),
            uaa_version: "4.30.0".to_owned(),
        },
        manifest_digest: "sha256:0".to_owned(),
        plan_digest: "sha256:1".to_owned(),
        only: None,
        summary: Summary::of(&changes),
        changes,
        kept: Vec::new(),
        blind_spots: Vec::new(),
        findings: Vec::new(),
    }
}

/// Something of everything that a plan can say.
pub(crate) fn day() -> Plan {
    let mut alana = change(
        Phase::Create,
        Action::CreateUser,
        Kind::User,
        Object::from(&user("alana")),
        "uaa/alana".to_owned(),
    );
    let field = |name: &str, before, after| FieldChange { name: name.to_owned(), before, after };
    alana.fields = vec![
        field("email", FieldValue::None, FieldValue::Text("alana@example.com".to_owned())),
        field("password", FieldValue::None, FieldValue::Variable { variable: "alana_password".to_owned() }),
    ];
    let mut erin = change(
        Phase::Update,
        Action::UpdateUser,
        Kind::User,
        Object::from(&user("erin")),
        "uaa/erin".to_owned(),
    );
    erin.fields =
        vec![field("phone", FieldValue::Text(String::new()), FieldValue::Text("+1 555".to_owned()))];
    let grant = member(Phase::Grant, Action::AddMember, "pks.clusters.admin", "alana");
    let mut revoke = member(Phase::Revoke, Action::RemoveMember, "pks.clusters.manage", "frank");
    revoke.risks = vec![Risk::EndsSessions];
    revoke.notes = vec!["ends the sessions that use this scope: UAA refuses their tokens at once".to_owned()];
    let mut plan = plan_of(vec![alana, erin, grant, revoke]);
    plan.kept = vec![Kept {
        why: KeptWhy::UnaccountedAccess,
        kind: Kind::Member,
        items: vec!["pks.clusters.admin/uaa/olduser".to_owned()],
    }];
    plan.blind_spots = vec![BlindSpot {
        what: BlindSpotWhat::Password,
        items: vec!["uaa/erin".to_owned()],
        values: BTreeMap::new(),
        why: "initial passwords are used at creation only".to_owned(),
    }];
    plan.findings = vec![Finding {
        rail: Rail::Removals,
        key: Some("removals:pks.clusters.manage".to_owned()),
        changes: vec![3],
        allowed: false,
        message: "1 of 3 members would lose pks.clusters.manage.".to_owned(),
    }];
    plan
}

/// A client made, and one changed in every way.
pub(crate) fn clients() -> Plan {
    let client = |phase, action, id: &str| {
        change(phase, action, Kind::Client, Object::from(&ClientId::new(id)), id.to_owned())
    };
    let field = |name: &str, before, after| FieldChange { name: name.to_owned(), before, after };
    let list = |texts: &[&str]| FieldValue::List(texts.iter().map(|&text| text.to_owned()).collect());
    let mut made = client(Phase::Create, Action::CreateClient, "cluster-ci");
    made.fields = vec![
        field("authorized_grant_types", FieldValue::None, list(&["client_credentials"])),
        field("authorities", FieldValue::None, list(&["pks.clusters.admin"])),
        field("client_secret", FieldValue::None, FieldValue::Variable { variable: "ci_secret".to_owned() }),
    ];
    let mut given = client(Phase::Grant, Action::UpdateClient, "dashboard");
    given.fields = vec![
        field("scope", list(&["openid", "a"]), list(&["a", "openid", "team.read"])),
        field("redirect_uri", list(&["https://a", "https://b"]), list(&["https://a", "https://c"])),
        field("required_user_groups", FieldValue::None, list(&["team"])),
        field("allowedproviders", FieldValue::None, list(&["ldap"])),
        field("autoapprove", list(&["openid"]), FieldValue::Flag(true)),
        field("extra.order", list(&["a", "b"]), list(&["b", "a"])),
        field("token_salt", FieldValue::redacted(), FieldValue::Variable { variable: "salt".to_owned() }),
    ];
    given.risks = vec![Risk::EndsSessions];
    given.notes = vec!["Another token salt ends all tokens of client `dashboard` at once.".to_owned()];
    let mut taken = client(Phase::Revoke, Action::UpdateClient, "dashboard");
    taken.fields = vec![
        field("authorities", list(&["a", "b"]), list(&["uaa.none"])),
        field("access_token_validity", FieldValue::Number(3600), FieldValue::None),
        field("redirect_uri", list(&["https://a"]), FieldValue::None),
        field("extra.note", FieldValue::None, FieldValue::Json { json: serde_json::json!({"a": [1, null]}) }),
    ];
    let mut plan = plan_of(vec![made, given, taken]);
    plan.kept =
        vec![Kept { why: KeptWhy::SecretUnchecked, kind: Kind::Client, items: vec!["admin".to_owned()] }];
    plan.blind_spots = vec![BlindSpot {
        what: BlindSpotWhat::ClientSecret,
        items: vec!["dashboard".to_owned(), "pks_cli".to_owned()],
        values: BTreeMap::from([
            ("dashboard".to_owned(), FieldValue::Variable { variable: "dashboard_secret".to_owned() }),
            ("pks_cli".to_owned(), FieldValue::Text(String::new())),
        ]),
        why: "UAA never tells secrets. Checked at apply.".to_owned(),
    }];
    plan
}

/// Names that try to forge lines, colours and order.
pub(crate) fn hostile(evil: &str) -> Plan {
    let mut plan = plan_of(vec![member(Phase::Grant, Action::AddMember, evil, evil)]);
    plan.changes[0].notes = vec![evil.to_owned()];
    plan.changes[0].fields = vec![FieldChange {
        name: format!("extra.{evil}"),
        before: FieldValue::List(vec![evil.to_owned()]),
        after: FieldValue::Json { json: serde_json::json!({ evil: evil }) },
    }];
    plan.target.zone = format!("z{evil}");
    plan.kept = vec![Kept {
        why: KeptWhy::UnaccountedAccess,
        kind: Kind::Member,
        items: vec![format!("pks.clusters.admin/uaa/{}", KeyPart(evil))],
    }];
    plan.findings = vec![Finding {
        rail: Rail::Escalates,
        key: Some(format!("escalates:{evil}")),
        changes: vec![0],
        allowed: false,
        message: evil.to_owned(),
    }];
    plan
}

/// So many grants.
pub(crate) fn grants(number: usize) -> Plan {
    let grant = |n| member(Phase::Grant, Action::AddMember, &format!("team.{}", n % 7), &format!("user{n}"));
    plan_of((0..number).map(grant).collect())
}
