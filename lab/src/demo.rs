//! The README's first command: a manifest applied to a real UAA, and who then sees which clusters.
//! Decides the order and what must come out; knows the people of `manifests/pks.yml` and nothing else of it.

use std::env;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::client::Client;
use crate::database::VARIABLE;
use crate::state::Running;
use crate::up;
use crate::{
    Database, Foundation, LabError, Options, UaaVersion, database_server, prerequisites, state, webapp,
};

const MANIFEST: &str = "manifests/pks.yml";
/// The prefix of the variables that hold the passwords.
pub(crate) const VARIABLES: &str = "DEMO";

/// The manifest's people with a password each, and what they must see.
const PEOPLE: [(&str, &str, Sees); 3] = [
    (
        "cody",
        "cluster_access: admin",
        Sees::Clusters(&["shop-prod", "shop-staging", "data-lake", "billing", "sandbox"]),
    ),
    ("alana", "cluster_access: manage", Sees::Clusters(&["shop-prod", "shop-staging"])),
    ("dana", "no cluster_access", Sees::Refused),
];

/// What somebody must see.
#[derive(Debug, Clone, Copy)]
enum Sees {
    Clusters(&'static [&'static str]),
    /// No token at all, or none that the PKS API takes.
    Refused,
}

/// A started lab, by which way ever.
struct Stage {
    uaa_url: String,
    api_url: String,
    ca: PathBuf,
    client: Client,
    /// A lab that stays; otherwise the other one.
    running: Option<Running>,
    /// A lab that ends with the demo.
    _foundation: Option<Foundation>,
}

/// Runs the whole demo.
pub(crate) fn demo(
    version: UaaVersion,
    database: Database,
    keep: bool,
    out: &mut impl Write,
) -> Result<(), LabError> {
    heading(out, "What the lab needs")?;
    prerequisites::check()?;
    if let Database::Own(product) = database {
        database_server::check(product)?;
    }
    webapp::kit(version)?;
    say(out, "Java and Maven are there, UAA is unpacked.")?;

    heading(out, "Build uaapply")?;
    let uaapply = build(out)?;

    heading(out, &format!("Start UAA {version} and the PKS API (half a minute)"))?;
    let stage = start(version, Options { database, ..Options::default() }, keep)?;
    say(out, &format!("UAA     {}\nPKS API {}", stage.uaa_url, stage.api_url))?;

    // In a lab that stays people log in by hand afterwards.
    let passwords = PEOPLE.map(|(name, ..)| if keep { known_password(name) } else { password() });
    let steps: [(&str, &[&str]); 4] = [
        ("Check the manifest, offline", &["validate", "-f", MANIFEST]),
        ("What would change", &["plan", "-f", MANIFEST]),
        ("Change it", &["apply", "-f", MANIFEST, "--yes"]),
        ("Is anything left to do? (exit code 0: no)", &["plan", "-f", MANIFEST, "--detailed-exitcode"]),
    ];
    for (title, args) in steps {
        heading(out, title)?;
        say(out, &format!("$ uaapply {}", args.join(" ")))?;
        let mut command = Command::new(&uaapply);
        command.args(args).current_dir(workspace()).env_remove(VARIABLE).envs(environment(&stage));
        command.envs(PEOPLE.iter().zip(&passwords).map(|((name, ..), password)| (variable(name), password)));
        let status = command.status().map_err(LabError::io(format!("cannot run {}", uaapply.display())))?;
        if !status.success() {
            return Err(LabError::Unexpected(format!("`uaapply {}` failed ({status})", args.join(" "))));
        }
    }

    heading(out, "Who sees which clusters")?;
    let mut wrong = Vec::new();
    for ((name, access, sees), password) in PEOPLE.into_iter().zip(&passwords) {
        let (seen, right) = look(&stage, name, password, sees)?;
        say(out, &format!("{name:<6} {access:<23} {seen}"))?;
        if !right {
            wrong.push(name);
        }
    }
    if !wrong.is_empty() {
        return Err(LabError::Unexpected(format!("not what {MANIFEST} says: {}", wrong.join(", "))));
    }
    next(out, stage.running.as_ref())
}

/// The variable of a person's password.
fn variable(name: &str) -> String {
    format!("{VARIABLES}_{name}_password")
}

/// The password of a person in a lab that stays: as public as everything in it.
fn known_password(name: &str) -> String {
    format!("lab-{name}-1")
}

/// The variables that the manifest asks for, in a lab that stays.
pub(crate) fn known_passwords() -> impl Iterator<Item = (String, String)> {
    PEOPLE.into_iter().map(|(name, ..)| (variable(name), known_password(name)))
}

/// Builds uaapply beside this program; `UAAPPLY_BIN` names one that is there already.
fn build(out: &mut impl Write) -> Result<PathBuf, LabError> {
    if let Some(given) = env::var_os("UAAPPLY_BIN").filter(|given| !given.is_empty()) {
        let given = std::path::absolute(&given).unwrap_or_else(|_| given.into());
        say(out, &format!("UAAPPLY_BIN says {}", given.display()))?;
        return Ok(given);
    }
    let args = ["build", "--quiet", "--package", "uaapply", "--bin", "uaapply"];
    say(out, &format!("$ cargo {}", args.join(" ")))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.args(args).current_dir(workspace()).env("CARGO_TARGET_DIR", state::target());
    let status = command.status().map_err(LabError::io("cannot run cargo"))?;
    if !status.success() {
        return Err(LabError::Unexpected("uaapply does not build".into()));
    }
    Ok(state::target().join("debug").join("uaapply"))
}

/// Starts the lab so that it ends with us, or stays.
fn start(version: UaaVersion, options: Options, keep: bool) -> Result<Stage, LabError> {
    if keep {
        let (running, client) = up::up(version, &options)?;
        let (uaa_url, api_url, ca) = (running.uaa_url(), running.api_url(), running.ca_file());
        return Ok(Stage { uaa_url, api_url, ca, client, running: Some(running), _foundation: None });
    }
    let foundation = Foundation::start(version, &options)?;
    Ok(Stage {
        uaa_url: foundation.uaa_url().to_owned(),
        api_url: foundation.api_url(),
        ca: foundation.ca_file().to_path_buf(),
        client: foundation.client().clone(),
        running: None,
        _foundation: Some(foundation),
    })
}

/// How uaapply reaches the lab.
fn environment(stage: &Stage) -> [(&'static str, String); 4] {
    [
        ("UAA_TARGET", stage.uaa_url.clone()),
        ("UAA_CA_CERT", stage.ca.display().to_string()),
        ("UAA_CLIENT_SECRET", crate::uaa::ADMIN.1.to_owned()),
        ("UAAPPLY_VARS_ENV", VARIABLES.to_owned()),
    ]
}

/// Logs somebody in as `pks login` does and lists their clusters: what came out, and whether it is what must.
fn look(stage: &Stage, name: &str, password: &str, sees: Sees) -> Result<(String, bool), LabError> {
    let (status, login) = stage.client.password_login(name, password)?;
    let Some(token) = login["access_token"].as_str().filter(|_| status == 200) else {
        let error = login["error"].as_str().unwrap_or("no reason");
        let means = match error {
            "invalid_scope" => {
                "UAA gives no token (invalid_scope: none of the pks.clusters scopes is theirs)".to_owned()
            }
            other => format!("UAA gives no token (HTTP {status}, {other})"),
        };
        return Ok((means, matches!(sees, Sees::Refused) && error == "invalid_scope"));
    };
    let (status, clusters) = stage.client.get(format!("{}/v1/clusters", stage.api_url), token)?;
    match status {
        200 => {
            let names = names(&clusters);
            let text = if names.is_empty() { "no cluster".to_owned() } else { names.join(", ") };
            Ok((text, matches!(sees, Sees::Clusters(wanted) if names == wanted)))
        }
        403 => Ok((
            "the PKS API refuses the token (HTTP 403: no pks.clusters scope)".into(),
            matches!(sees, Sees::Refused),
        )),
        other => Ok((format!("the PKS API answers HTTP {other}"), false)),
    }
}

fn names(clusters: &Value) -> Vec<&str> {
    clusters
        .as_array()
        .map(|all| all.iter().filter_map(|cluster| cluster["name"].as_str()).collect())
        .unwrap_or_default()
}

/// What to type after the demo.
fn next(out: &mut impl Write, running: Option<&Running>) -> Result<(), LabError> {
    heading(out, "Next")?;
    if let Some(running) = running {
        say(out, "The lab stays. In your shell:\n")?;
        up::environment(running, out).map_err(LabError::Print)?;
        return say(
            out,
            &format!(
                "\nThen edit {MANIFEST} and\n\n  cargo run -q -- plan -f {MANIFEST}\n\n\
                 `cargo lab status` shows the lines again, `cargo lab down` ends the lab."
            ),
        );
    }
    say(
        out,
        &format!(
            "  cargo lab up               a lab that stays, and the lines for your shell\n  \
             $EDITOR {MANIFEST}\n  \
             cargo run -q -- plan -f {MANIFEST}\n  \
             cargo lab down"
        ),
    )
}

/// A password that nobody knows: the standard library's hash keys are random.
fn password() -> String {
    let part = || RandomState::new().hash_one(std::time::SystemTime::now());
    format!("Demo-{:016x}{:016x}", part(), part())
}

/// The folder with the manifests.
fn workspace() -> &'static Path {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    lab.parent().unwrap_or(lab)
}

fn heading(out: &mut impl Write, title: &str) -> Result<(), LabError> {
    say(out, &format!("\n== {title}"))
}

/// Prints; a child prints to the same terminal, so nothing is left in a buffer.
fn say(out: &mut impl Write, text: &str) -> Result<(), LabError> {
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(LabError::Print)
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn passwords_are_long_and_each_another() {
        let (one, two) = (password(), password());
        assert_ne!(one, two);
        assert_eq!(one.len(), 37);
    }
}
