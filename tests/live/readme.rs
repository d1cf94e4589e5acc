//! What the README shows is what a real run prints.

use uaapply_lab::UaaVersion;

use crate::world::{Ran, World, foundation};

/// The block that follows a `<!-- checked: NAME -->` line.
fn checked(readme: &str, name: &str) -> String {
    let marker = format!("<!-- checked: {name} -->\n```text\n");
    let (_, rest) = readme.split_once(&marker).unwrap_or_else(|| panic!("the README has no block `{name}`"));
    rest.split_once("```\n").map(|(block, _)| block.to_owned()).unwrap_or_default()
}

#[test]
fn the_readme_shows_what_the_plan_of_its_example_prints() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let world = World::new(UaaVersion::V4_30_0);
    world.has_pks_groups();
    let ran = Ran::from(
        world
            .command(&["plan", "-f", "manifests/pks.yml"])
            .current_dir(root)
            .envs(["alana", "cody", "dana"].map(|name| (format!("T_{name}_password"), "readme-1")))
            .output()
            .expect("runs"),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let shown = ran
        .stdout
        .replace(foundation(UaaVersion::V4_30_0).uaa_url(), "https://api.pks.example.com:8443")
        .replace(&format!("zone {}", world.zone.id), "zone uaa");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("there is a README");
    assert_eq!(checked(&readme, "plan"), shown, "the README's block `plan` must be:\n{shown}");
}
