use proptest::prelude::*;

use super::*;

#[test]
fn a_text_that_yaml_could_misread_is_quoted() {
    for (text, yaml) in [
        ("alana", "alana"),
        ("All the clusters", "All the clusters"),
        ("山田", "山田"),
        ("no", "\"no\""),
        ("", "\"\""),
        ("0123", "\"0123\""),
        ("a: b", "\"a: b\""),
        ("a #b", "\"a #b\""),
        ("- a", "\"- a\""),
        ("a\"\\\n\u{202e}\u{1f4a9}\u{7}", "\"a\\\"\\\\\\n\\u202e\u{1f4a9}\\x07\""),
        ("((a", "\"((a\""),
        ("a ", "\"a \""),
        ("::error::", "\"::error::\""),
        ("a ##[error] ##vso[x] ## b", "\"a #\\x23[error] #\\x23vso[x] ## b\""),
    ] {
        assert_eq!(scalar(text), yaml);
    }
}

/// Texts of all sorts, those that hurt in YAML and in UAA above all.
fn texts() -> impl Strategy<Value = String> {
    let hurts = [
        "yes",
        "NO",
        "null",
        "~",
        "",
        " ",
        "0123",
        "1e3",
        "-",
        "- a",
        "a: b",
        "a:b",
        "#a",
        "a #b",
        "'",
        "\"",
        "\\",
        "%",
        "%41",
        "((",
        "((a",
        "((a))",
        "x((a b))y",
        "))((",
        "é漢字",
        "\u{202e}gnp",
        "a\u{200b}",
        "{a: b}",
        "[a]",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "@a",
        "`a`",
        "a,b",
        "<<",
        "=",
        ".inf",
        "2026-11-24",
        "12:30:45",
        "cn=a b\\, c,dc=x",
        "a\tb",
        "a\nb",
        "a\n\nb\n",
        " a",
        "a ",
        "---",
        "...",
        "o'brien",
        "\u{7}",
        "\u{85}",
        "\u{feff}a",
        "İ",
    ];
    prop_oneof![
        prop::sample::select(hurts.to_vec()).prop_map(str::to_owned),
        any::<String>(),
        "\\PC{1,255}",
        "[a-z(): #'\"\\\\,-]{1,12}",
    ]
}

/// Texts that every field takes.
fn lines() -> impl Strategy<Value = String> {
    texts().prop_filter_map("a manifest cannot say it", |text| {
        let text: String = text.trim().chars().filter(|c| !c.is_control()).take(255).collect();
        let text = text.trim().to_owned();
        (!text.is_empty() && !super::super::placeholder::leftover(&text)).then_some(text)
    })
}

/// A text of two lines.
fn prose(line: &str) -> String {
    line.chars().take(240).chain("\n\tmore".chars()).collect()
}

/// A manifest with these texts wherever a text can stand.
fn manifest(name: &str, line: &str, other: &str) -> Manifest {
    let ldap = Origin::new("ldap");
    let mut person = User::new(UserKey::new(ldap.clone(), name.into()));
    (person.given_name, person.family_name) = (Some(line.to_owned()), Some(other.to_owned()));
    (person.phone, person.external_id) = (Some(other.to_owned()), Some(line.to_owned()));
    (person.active, person.verified) = (Some(false), Some(true));
    let mut own = User::new(UserKey::new(Origin::uaa(), "own@example.com".into()));
    own.password = Some("own_password".to_owned());
    own.groups = vec!["team.own".into()];
    let mut team = Group::new("team.own".into());
    team.description = Some(prose(line));
    team.members = vec![
        Member::User(UserKey::new(ldap.clone(), name.into())),
        Member::User(UserKey::new(Origin::uaa(), "plain".into())),
        Member::Group("team.inner".into()),
    ];
    team.external_groups =
        Some(vec![External { origin: ldap.clone(), group: other.to_owned(), absent: false }]);
    Manifest {
        head: vec![line.to_owned()],
        target: Target { issuer: None, zone: Some(name.to_owned()), origins: BTreeSet::from([ldap]) },
        users: Some(Section { notes: vec![other.to_owned()], entries: vec![person, own] }),
        groups: Some(Section { notes: vec![line.to_owned()], entries: vec![team] }),
        clients: None,
        generate: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_loads_back_as_it_was(name in lines(), line in lines(), other in lines()) {
        let wanted = manifest(&name, &line, &other);
        let written = write(&wanted).expect("it can be written");
        prop_assert_eq!(&written.left_out, &Vec::<String>::new(), "{}", written.text);
        let desired = load(&written.text, &written.variables).desired;
        let key = UserKey::new(Origin::new("ldap"), name.as_str().into());
        let user = &desired.users[&key];
        let text = |said: &Option<crate::desired::Said<String>>| said.as_ref().map(|said| said.value.clone());
        prop_assert_eq!(user.key.username.as_str(), name.as_str());
        prop_assert_eq!(text(&user.given_name), Some(line.clone()));
        prop_assert_eq!(text(&user.family_name), Some(other.clone()));
        prop_assert_eq!(text(&user.phone), Some(other.clone()));
        prop_assert_eq!(text(&user.external_id), Some(line.clone()));
        prop_assert_eq!(user.active.as_ref().map(|said| said.value), Some(false));
        let group = &desired.groups[&"team.own".into()];
        prop_assert_eq!(text(&group.description), Some(prose(&line)));
        let mappings: Vec<_> = group.external_groups.iter().flatten().map(|(mapping, _)| mapping.external_group.clone()).collect();
        prop_assert_eq!(mappings, [crate::model::ExternalGroup::new(&other)]);
        let members: Vec<&Member> = desired.memberships[&"team.own".into()].keys().collect();
        prop_assert_eq!(members.len(), 4);
        prop_assert!(members.contains(&&Member::User(key)));
        prop_assert_eq!(desired.pin.zone.map(|said| said.value), Some(name));
    }

    // Whatever a server holds: what is not left out is as it was, and what is left out is said.
    #[test]
    fn what_a_manifest_cannot_say_is_a_comment(name in texts(), line in texts(), other in texts()) {
        let wanted = manifest(&name, &line, &other);
        let written = write(&wanted).expect("it can be written");
        let desired = load(&written.text, &written.variables).desired;
        let mut said = 0;
        if let Some(user) = desired.users.values().find(|user| !user.key.origin.is_uaa()) {
            prop_assert_eq!(user.key.username.as_str(), name.as_str());
            for (field, text) in [(&user.given_name, &line), (&user.family_name, &other), (&user.phone, &other), (&user.external_id, &line)] {
                if let Some(field) = field {
                    prop_assert_eq!(&field.value, text);
                    said += 1;
                }
            }
        }
        prop_assert_eq!(said == 4, !written.left_out.iter().any(|text| text.contains("user ")), "{}", written.text);
        let group = &desired.groups[&"team.own".into()];
        let members = desired.memberships[&"team.own".into()].len();
        // Nobody is revoked for having a name that cannot be said.
        prop_assert_eq!(group.holds == crate::desired::Holds::Exactly, members == 4, "{}", written.text);
        prop_assert_eq!(written.text.matches("Left out: ").count(), written.left_out.len());
    }
}

#[test]
fn variables_have_names_that_an_environment_can_hold_and_no_two_are_one() {
    let mut names = VariableNames::default();
    names.take("DANA_password");
    for (of, name) in [
        ("alana", "alana_password"),
        ("A.B@example.com", "a_b_example_com_password"),
        ("a-b@example.com", "a_b_example_com_password_2"),
        ("山田", "password"),
        ("dana", "dana_password_2"),
    ] {
        assert_eq!(names.name(of, "password"), name);
    }
}
