//! One identity zone on a real UAA, a folder for manifests, and the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::{Value, json};
use uaapply_lab::{Database, Foundation, Options, UaaVersion, Zone};

/// Every password that a test's manifest uses; none may ever be printed.
pub(crate) const CANARY: &str = "canary-Pa55word";

/// Starts the server of this version once per run.
pub(crate) fn foundation(version: UaaVersion) -> &'static Foundation {
    static OLD: OnceLock<Foundation> = OnceLock::new();
    static NEW: OnceLock<Foundation> = OnceLock::new();
    let cell = match version {
        UaaVersion::V4_10_0 => &OLD,
        UaaVersion::V4_30_0 => &NEW,
    };
    let started = || {
        // UAAPPLY_LAB_DATABASE: the same stories on another database than HSQLDB.
        let options = Options { database: Database::chosen(None)?, ..Options::default() };
        Foundation::start(version, &options)
    };
    cell.get_or_init(|| match started() {
        Ok(foundation) => foundation,
        Err(error) => panic!("a live test cannot start its server: {error}"),
    })
}

/// A zone of its own, and everything a story does in it.
pub(crate) struct World {
    pub(crate) foundation: &'static Foundation,
    pub(crate) zone: Zone,
    folder: tempfile::TempDir,
}

/// What a run of the binary printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl World {
    pub(crate) fn new(version: UaaVersion) -> Self {
        let foundation = foundation(version);
        let zone = foundation.new_zone("t").expect("UAA makes a zone");
        Self { foundation, zone, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Writes a manifest as `name` in the story's folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.folder.path().join(name), text).expect("the folder is ours");
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary in the story's folder, with a clean environment that reaches this zone.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uaapply"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("UAA_TARGET", self.foundation.uaa_url())
            .env("UAA_CA_CERT", self.foundation.ca_file())
            .env("UAA_CLIENT_SECRET", self.foundation.admin_secret())
            .env("UAA_ZONE", &self.zone.id)
            .env("T_password", CANARY)
            .env("UAAPPLY_VARS_ENV", "T")
            .stdin(std::process::Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().expect("the binary starts"))
    }

    /// `plan --format json` of pks.yml.
    pub(crate) fn plan(&self) -> Value {
        let ran = self.run(&["plan", "-f", "pks.yml", "--format", "json"]);
        assert!(matches!(ran.code, 0 | 3), "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    /// `apply --yes` of pks.yml, which must come to this exit code.
    pub(crate) fn apply(&self, code: i32) -> Ran {
        let ran = self.run(&["apply", "-f", "pks.yml", "--yes"]);
        assert_eq!(ran.code, code, "{}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// Applies pks.yml and checks that nothing is left to do.
    pub(crate) fn converge(&self) {
        self.apply(0);
        self.expect_no_changes();
    }

    /// A second plan finds nothing to do.
    pub(crate) fn expect_no_changes(&self) {
        let ran = self.run(&["plan", "-f", "pks.yml", "--detailed-exitcode"]);
        assert_eq!(ran.code, 0, "the second plan is not empty:\n{}\n{}", ran.stdout, ran.stderr);
    }

    /// One request to UAA in this zone, with a client that has nothing in common with uaapply's.
    pub(crate) fn api(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.zone.request(method, path, body).expect("UAA answers")
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.api("GET", path, None);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    fn made(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.api("POST", path, Some(body));
        assert_eq!(status, 201, "POST {path}: {answer}");
        answer
    }

    /// Makes a user of an origin, as an administrator with another tool would; returns the id.
    pub(crate) fn has_user(&self, username: &str, origin: &str) -> String {
        let user = self.made(
            "/Users",
            json!({"userName": username, "origin": origin, "password": "initial-1", "emails": [{"value": format!("{username}@example.com")}],
                   "name": {"givenName": "G", "familyName": "F"}}),
        );
        text(&user["id"])
    }

    /// Makes a group with these members; returns the id.
    pub(crate) fn has_group(&self, name: &str, members: &[&str]) -> String {
        let group = text(&self.made("/Groups", json!({"displayName": name}))["id"]);
        for member in members {
            self.has_member(&group, member, "USER", "uaa");
        }
        group
    }

    /// Makes a membership row.
    pub(crate) fn has_member(&self, group: &str, member: &str, kind: &str, origin: &str) {
        self.made(
            &format!("/Groups/{group}/members"),
            json!({"value": member, "type": kind, "origin": origin}),
        );
    }

    /// Makes the three groups of a PKS foundation; returns their ids by name.
    pub(crate) fn has_pks_groups(&self) -> BTreeMap<String, String> {
        ["pks.clusters.admin", "pks.clusters.manage", "pks.clusters.admin.read"]
            .into_iter()
            .map(|name| (name.to_owned(), self.has_group(name, &[])))
            .collect()
    }

    /// All users by id.
    pub(crate) fn users(&self) -> BTreeMap<String, Value> {
        let users = self.get("/Users?count=500&sortBy=id");
        rows(&users["resources"]).into_iter().map(|user| (text(&user["id"]), user)).collect()
    }

    /// One user, or nothing.
    pub(crate) fn user(&self, username: &str) -> Option<Value> {
        self.users().into_values().find(|user| user["userName"] == username)
    }

    /// The members of a group as `origin/name`, users and groups alike, with ` (row origin)` where it is not `uaa`.
    pub(crate) fn members(&self, group: &str) -> BTreeSet<String> {
        let groups = rows(&self.get("/Groups?count=500&sortBy=id")["resources"]);
        let users = self.users();
        let names: BTreeMap<String, String> =
            groups.iter().map(|group| (text(&group["id"]), text(&group["displayName"]))).collect();
        let Some(group) = groups.iter().find(|found| found["displayName"] == group) else {
            panic!("there is no group {group}");
        };
        rows(&group["members"])
            .iter()
            .map(|row| {
                let id = text(&row["value"]);
                let name = match users.get(&id) {
                    Some(user) => format!("{}/{}", text(&user["origin"]), text(&user["userName"])),
                    None => {
                        names.get(&id).map_or_else(|| format!("ghost:{id}"), |name| format!("group:{name}"))
                    }
                };
                match &*text(&row["origin"]) {
                    "uaa" => name,
                    origin => format!("{name} ({origin})"),
                }
            })
            .collect()
    }

    /// A group's description; empty when there is none.
    pub(crate) fn description(&self, group: &str) -> String {
        let groups = rows(&self.get("/Groups?count=500&sortBy=id")["resources"]);
        groups
            .iter()
            .find(|found| found["displayName"] == group)
            .map_or_else(String::new, |group| text(&group["description"]))
    }

    /// All mappings as `group <- origin:dn`.
    pub(crate) fn mappings(&self) -> BTreeSet<String> {
        rows(&self.get("/Groups/External?count=1000")["resources"])
            .iter()
            .map(|row| {
                format!(
                    "{} <- {}:{}",
                    text(&row["displayName"]),
                    text(&row["origin"]),
                    text(&row["externalGroup"])
                )
            })
            .collect()
    }
}

/// A set of names, for comparison with [`World::members`].
pub(crate) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The keys of a plan's changes with their actions, in order.
pub(crate) fn changes(plan: &Value) -> Vec<String> {
    rows(&plan["changes"])
        .iter()
        .map(|change| format!("{} {}", text(&change["action"]), text(&change["key"])))
        .collect()
}

/// What a plan keeps for this reason.
pub(crate) fn kept(plan: &Value, why: &str) -> BTreeSet<String> {
    rows(&plan["kept"])
        .iter()
        .filter(|kept| kept["why"] == why)
        .flat_map(|kept| rows(&kept["items"]))
        .map(|item| text(&item))
        .collect()
}

/// The keys of a plan's findings.
pub(crate) fn findings(plan: &Value) -> Vec<String> {
    rows(&plan["findings"]).iter().map(|finding| text(&finding["key"])).collect()
}

pub(crate) fn rows(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}
