//! What a file may be at most: taken at the limit, refused one beyond it, in words that name the limit.

use super::*;
use crate::manifest::{MAX_ALL_BYTES, MAX_FILE_BYTES, MAX_FILES};

fn messages(files: &[(&str, &str)], sources: &Sources) -> Vec<String> {
    let problems = load_texts(files, sources).err().map(|problems| problems.0).unwrap_or_default();
    problems.into_iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect()
}

#[test]
fn a_file_has_twenty_mebibytes() {
    let file = |bytes: usize| {
        let start = "version: 1\nusers: []\n#";
        format!("{start}{}", "x".repeat(bytes - start.len()))
    };
    assert_eq!(messages(&[("m.yml", &file(MAX_FILE_BYTES))], &Sources::default()), Vec::<String>::new());
    let found = messages(&[("m.yml", &file(MAX_FILE_BYTES + 1))], &Sources::default());
    assert_eq!(found, ["too-large: `m.yml` is larger than 20 MiB"]);
}

#[test]
fn all_files_have_sixty_four_mebibytes() {
    let (mut texts, mut drafts) = (Texts::default(), Drafts::default());
    let sixteen = MAX_ALL_BYTES / 4;
    for (name, bytes) in [("a", sixteen), ("b", sixteen), ("c", sixteen), ("d", sixteen), ("e", 0), ("f", 1)]
    {
        take(name, vec![b'#'; bytes], Kind::Manifest, &mut texts, &mut drafts);
    }
    assert_eq!(texts.of_kind(Kind::Manifest).len(), 5);
    let (errors, _) = drafts.finish(&texts, &[]);
    let found: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(found, ["with `f` all files together are larger than 64 MiB"]);
}

#[test]
fn a_run_has_a_thousand_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let sources = Sources { paths: vec![folder.path().to_owned()], ..Sources::default() };
    for n in 0..MAX_FILES {
        std::fs::write(folder.path().join(format!("{n}.yml")), "version: 1\nusers: []\n").expect("written");
    }
    assert_eq!(load(&sources).expect("a thousand are taken").files, MAX_FILES);
    std::fs::write(folder.path().join("one-more.yml"), "version: 1\nusers: []\n").expect("written");
    let Problems(found) = load(&sources).expect_err("one more is not");
    assert_eq!(found[0].message, "-f names 1001 files: more than 1000");
}

#[test]
fn a_manifest_nests_sixty_levels() {
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        messages(&[("m.yml", &format!("version: {open}{close}\n"))], &Sources::default())
    };
    assert!(nested(60).iter().all(|message| !message.starts_with("too-deep")), "{:?}", nested(60));
    assert_eq!(nested(61), ["too-deep: nested more than 60 levels deep"]);
    // An alias brings its own levels along.
    let aliased = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 2), "]".repeat(levels - 2));
        messages(&[("m.yml", &format!("a: &a {open}1{close}\nb: [*a]\n"))], &Sources::default())
    };
    assert!(aliased(60).iter().all(|message| !message.starts_with("too-deep")), "{:?}", aliased(60));
    assert_eq!(aliased(61), ["too-deep: nested more than 60 levels deep"]);
}

/// A text that weighs as much as a tenth of what may be copied.
fn tenth() -> String {
    "x".repeat(64 * 49_999)
}

#[test]
fn aliases_of_long_texts_are_counted_too() {
    let aliases = |number: usize| {
        let text = format!("version: 1\na: &a {}\nb: [{}]\n", tenth(), "*a,".repeat(number));
        let found = messages(&[("m.yml", &text)], &Sources::default());
        found.iter().any(|message| message.starts_with("too-many-aliases"))
    };
    assert!(!aliases(10));
    assert!(aliases(11));
}

#[test]
fn anchors_in_anchors_are_copies_too() {
    let text = |number: usize| {
        let anchors: String = (0..50).map(|n| format!("&a{n} [")).collect();
        format!("version: {anchors}{}{}\n", "1,".repeat(number), "]".repeat(50))
    };
    assert!(!messages(&[("m.yml", &text(1_000))], &Sources::default())[0].starts_with("too-many"));
    assert!(messages(&[("m.yml", &text(61_000))], &Sources::default())[0].starts_with("too-many-aliases"));
}

#[test]
fn what_variables_bring_in_is_counted() {
    let uses = |number: usize| {
        let users: String =
            (0..number).map(|n| format!("- {{username: u{n}, description: ((text))}}\n")).collect();
        let manifest = format!("version: 1\nusers:\n{users}");
        let variables = format!("text: {}\n", tenth());
        let found = messages(&[("m.yml", &manifest), ("v.vars", &variables)], &Sources::default());
        found.into_iter().filter(|message| message.starts_with("too-large")).collect::<Vec<_>>()
    };
    assert_eq!(uses(10), Vec::<String>::new());
    // Said once, however many there are.
    let said = "too-large: variables, `text` last, make the manifests far larger than they look";
    assert_eq!(uses(11), [said]);
    assert_eq!(uses(20), [said]);
}

#[test]
fn an_ops_file_has_ten_thousand_operations() {
    let ops = |number: usize| {
        let ops = "- {type: test, path: /version, value: 1}\n".repeat(number);
        messages(&[("m.yml", "version: 1\nusers: []\n"), ("x.ops", &ops)], &Sources::default())
    };
    assert_eq!(ops(10_000), Vec::<String>::new());
    assert_eq!(ops(10_001), ["too-large: an ops file holds 10001 operations: more than 10000"]);
}

#[test]
fn a_key_that_a_variable_makes_the_same_as_another_is_an_error_wherever_it_stands() {
    for entry in
        ["{((k)): bob, username: alana}", "{username: alana, ((k)): bob}", "{((k)): bob, ((k)): alana}"]
    {
        let text = format!("version: 1\nusers:\n- {entry}\n");
        let found = messages(&[("m.yml", &text)], &given(&[("k", "username")]));
        assert!(found.iter().any(|message| message.starts_with("duplicate-key")), "{entry}: {found:?}");
    }
}

#[test]
fn more_mistakes_than_anybody_reads_take_no_longer_than_reading_does() {
    // Each would be compared with each of the others: minutes.
    let mut text = String::from("version: 1\ngroups:\n");
    (0..4_000).for_each(|n| text += &format!("- {{name: team{n}.x}}\n"));
    text += "users:\n";
    (0..4_000).for_each(|n| text += &format!("- {{username: u{n}, email: a@b.c, groups: [taem{n}.x]}}\n"));
    let begun = std::time::Instant::now();
    let found = messages(&[("m.yml", &text)], &Sources::default());
    assert_eq!(found.len(), 201);
    assert_eq!(found[200], "more: 3800 more are not shown");
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}
