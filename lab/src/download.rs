//! Where UAA, Tomcat and the libraries come from: Maven coordinates, fetched by `mvn`.
//! Decides the cache's place and what is fetched; never unpacks (see `webapp`).

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::LabError;

/// One artifact by its Maven coordinates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Artifact {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
}

impl Artifact {
    /// The name that `dependency:copy` gives the file.
    pub(crate) fn file(&self) -> String {
        format!("{}-{}.{}", self.name, self.version, self.kind)
    }
}

/// The folder that outlives `cargo clean`.
pub(crate) fn cache() -> Result<PathBuf, LabError> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("UAAPPLY_LAB_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("uaapply-lab")))
        .or_else(|| set("HOME").map(|home| home.join(".cache").join("uaapply-lab")))
        .ok_or_else(|| {
            LabError::Unexpected(
                "no place for the lab's downloads\nhint: set UAAPPLY_LAB_CACHE to a folder".into(),
            )
        })?;
    fs::create_dir_all(&folder).map_err(LabError::io(format!("cannot make {}", folder.display())))?;
    folder.canonicalize().map_err(LabError::io(format!("cannot enter {}", folder.display())))
}

/// Copies the artifacts into `folder`, in one run of Maven.
pub(crate) fn fetch(artifacts: &[Artifact], folder: &Path) -> Result<(), LabError> {
    let pom = folder.join("pom.xml");
    fs::write(&pom, project(artifacts, folder))
        .map_err(LabError::io(format!("cannot write {}", pom.display())))?;
    let output = Command::new("mvn")
        .args(["-B", "-q", "-f"])
        .arg(&pom)
        .arg("dependency:copy")
        .stdin(Stdio::null())
        .output()
        .map_err(LabError::io("cannot run mvn"))?;
    let absent = artifacts.iter().find(|artifact| !folder.join(artifact.file()).is_file());
    if output.status.success() && absent.is_none() {
        return Ok(());
    }
    Err(LabError::Download {
        what: "Maven could not fetch UAA and Tomcat (is there a way out to Maven's repository, or a mirror in ~/.m2/settings.xml?)".into(),
        output: tail(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()), 12),
    })
}

/// A project that does nothing but name what to copy.
fn project(artifacts: &[Artifact], folder: &Path) -> String {
    let mut items = String::new();
    for Artifact { group, name, version, kind } in artifacts {
        // A String never refuses.
        let _ = writeln!(
            items,
            "<artifactItem><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version><type>{kind}</type></artifactItem>"
        );
    }
    let folder = folder.display().to_string().replace('&', "&amp;").replace('<', "&lt;");
    format!(
        r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>uaapply</groupId><artifactId>lab</artifactId><version>1</version><packaging>pom</packaging>
<build><plugins><plugin>
<groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
<configuration><outputDirectory>{folder}</outputDirectory><artifactItems>
{items}</artifactItems></configuration>
</plugin></plugins></build>
</project>
"#
    )
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
