//! UAA's web application and Tomcat, unpacked once and made to run on Java 17. Never starts them.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::download::{self, Artifact};
use crate::{LabError, UaaVersion};

const TOMCAT: Artifact =
    Artifact { group: "org.apache.tomcat", name: "tomcat", version: "9.0.98", kind: "tar.gz" };

/// What Java 17 lacks (JAXB left the JDK), and a groovy that knows Java newer than 13: without them UAA does not boot.
const LIBRARIES: [Artifact; 4] = [
    Artifact { group: "javax.xml.bind", name: "jaxb-api", version: "2.3.1", kind: "jar" },
    Artifact { group: "com.sun.xml.bind", name: "jaxb-impl", version: "2.3.1", kind: "jar" },
    Artifact { group: "com.sun.xml.bind", name: "jaxb-core", version: "2.3.0.1", kind: "jar" },
    Artifact { group: "org.codehaus.groovy", name: "groovy", version: "2.5.23", kind: "jar" },
];

/// The two folders that a start needs.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) tomcat: PathBuf,
    pub(crate) uaa: PathBuf,
}

impl Kit {
    /// The SQL with which UAA begins on MySQL; its next steps follow when it finds these tables.
    pub(crate) fn first_tables(&self) -> Result<String, LabError> {
        const SQL: &str = "org/cloudfoundry/identity/uaa/db/mysql/V1_5_2__initial_db.sql";
        let lib = self.uaa.join("WEB-INF").join("lib");
        let names = fs::read_dir(&lib).map_err(LabError::io(format!("there is no {}", lib.display())))?;
        let mut jars = names.flatten().map(|entry| entry.path());
        let is_server = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"cloudfoundry-identity-server-"))
        };
        let jar = jars.find(is_server).ok_or_else(|| {
            LabError::Unexpected(format!("there is no cloudfoundry-identity-server in {}", lib.display()))
        })?;
        let folder = tempfile::tempdir().map_err(LabError::io("cannot make a temporary folder"))?;
        unpack("jar", &["xf"], &jar, &[SQL], folder.path())?;
        fs::read_to_string(folder.path().join(SQL))
            .map_err(LabError::io(format!("there is no {SQL} in {}", jar.display())))
    }
}

/// Finds the kit in the cache, or fetches and unpacks it. Of two processes one does it and the other waits.
pub(crate) fn kit(version: UaaVersion) -> Result<Kit, LabError> {
    let cache = download::cache()?;
    let tomcat = cache.join(format!("tomcat-{}", TOMCAT.version));
    let uaa = cache.join(format!("uaa-{version}"));
    if !(tomcat.is_dir() && uaa.is_dir()) {
        let lock = cache.join("lock");
        let lock = File::create(&lock).map_err(LabError::io(format!("cannot write {}", lock.display())))?;
        lock.lock().map_err(LabError::io("cannot lock the lab's cache"))?;
        // Another process may have made them meanwhile.
        if !(tomcat.is_dir() && uaa.is_dir()) {
            make(version, &cache, &tomcat, &uaa)?;
        }
    }
    Ok(Kit { tomcat, uaa })
}

/// Makes what is missing in a folder beside, and publishes it by rename: a killed run leaves nothing half done.
fn make(version: UaaVersion, cache: &Path, tomcat: &Path, uaa: &Path) -> Result<(), LabError> {
    let war = Artifact {
        group: "org.cloudfoundry.identity",
        name: "cloudfoundry-identity-uaa",
        version: match version {
            UaaVersion::V4_10_0 => "4.10.0",
            UaaVersion::V4_30_0 => "4.30.0",
        },
        kind: "war",
    };
    let work = tempfile::Builder::new()
        .prefix("making-")
        .tempdir_in(cache)
        .map_err(LabError::io(format!("cannot make a folder in {}", cache.display())))?;
    let mut wanted = Vec::new();
    if !tomcat.is_dir() {
        wanted.push(TOMCAT);
    }
    if !uaa.is_dir() {
        wanted.push(war);
        wanted.extend(LIBRARIES);
    }
    // Whoever waits for it should know; nobody can act on a closed stderr.
    let _ = writeln!(
        io::stderr(),
        "lab: fetching UAA {version} and what it runs on with Maven, about 60 MB; once, into {}",
        cache.display()
    );
    download::fetch(&wanted, work.path())?;
    let publish = |from: &Path, to: &Path| {
        fs::rename(from, to).map_err(LabError::io(format!(
            "cannot move {} to {}",
            from.display(),
            to.display()
        )))
    };
    if !tomcat.is_dir() {
        unpack("tar", &["xzf"], &work.path().join(TOMCAT.file()), &[], work.path())?;
        publish(&work.path().join(format!("apache-tomcat-{}", TOMCAT.version)), tomcat)?;
    }
    if !uaa.is_dir() {
        let exploded = work.path().join("uaa");
        fs::create_dir(&exploded).map_err(LabError::io(format!("cannot make {}", exploded.display())))?;
        unpack("jar", &["xf"], &work.path().join(war.file()), &[], &exploded)?;
        equip(&exploded.join("WEB-INF").join("lib"), work.path())?;
        publish(&exploded, uaa)?;
    }
    Ok(())
}

/// Puts the libraries into the web application, and takes its own groovy out.
fn equip(lib: &Path, from: &Path) -> Result<(), LabError> {
    let names = fs::read_dir(lib).map_err(LabError::io(format!("there is no {}", lib.display())))?;
    for entry in names.flatten() {
        let name = entry.file_name();
        let bundled = name.to_string_lossy();
        let core = bundled
            .strip_prefix("groovy-")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if core {
            fs::remove_file(entry.path())
                .map_err(LabError::io(format!("cannot remove {}", entry.path().display())))?;
        }
    }
    for library in LIBRARIES {
        let (from, to) = (from.join(library.file()), lib.join(library.file()));
        fs::rename(&from, &to).map_err(LabError::io(format!("cannot move {}", from.display())))?;
    }
    Ok(())
}

/// Unpacks an archive, or only these of its files, into a folder.
fn unpack(program: &str, args: &[&str], archive: &Path, files: &[&str], into: &Path) -> Result<(), LabError> {
    let output = Command::new(program)
        .args(args)
        .arg(archive)
        .args(files)
        .current_dir(into)
        .stdin(Stdio::null())
        .output()
        .map_err(LabError::io(format!("cannot run {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(LabError::Download {
        what: format!("`{program}` could not unpack {}", archive.display()),
        output: download::tail(&String::from_utf8_lossy(&output.stderr), 5),
    })
}
