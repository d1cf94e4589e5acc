//! The fuzz targets over their seeds and over what once made one of them fail: `fuzz/seeds/TARGET/NAME`, each named by
//! what it is.

use std::path::Path;

/// One function for each target of `fuzz/`.
const TARGETS: [(&str, fn(&[u8])); 9] = [
    ("answers", super::answers),
    ("import_csv", super::import_csv),
    ("import_uaa_yml", super::import_uaa_yml),
    ("import_uaac", super::import_uaac),
    ("manifest", super::manifest),
    ("policy", super::policy),
    ("saved_plan", super::saved_plan),
    ("snapshot", super::snapshot),
    ("variables", super::variables),
];

/// No seed is larger, in bytes.
const LARGEST: u64 = 16 << 10;

fn names(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("UTF-8")
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn every_seed_keeps_what_its_target_wants() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let of_targets: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&root.join("seeds")), of_targets);
    let files: Vec<String> = of_targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&root.join("fuzz_targets")), files);
    for (target, run) in TARGETS {
        let folder = root.join("seeds").join(target);
        let seeds = names(&folder);
        assert!(!seeds.is_empty(), "{target} has no seed");
        for seed in seeds {
            println!("{target}/{seed}");
            let bytes = std::fs::read(folder.join(&seed)).expect("it can be read");
            assert!(bytes.len() as u64 <= LARGEST, "{target}/{seed} is large");
            run(&bytes);
        }
    }
}
