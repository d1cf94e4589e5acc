//! A database server of the lab's own, from the system's packages: PostgreSQL or MariaDB, on loopback, with an empty
//! database for one UAA. Decides how it is made and started; it ends as every process of the lab does.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::database::{Address, Product};
use crate::process::{End, Life, Process, server};
use crate::{LabError, download, state, webapp};

/// The database and its user. The password is as public as everything in the lab.
const NAME: &str = "uaa";
const PASSWORD: &str = "lab-database";

/// How long a start may take; a second is usual.
const DEADLINE: Duration = Duration::from_secs(120);

/// The first PostgreSQL that can sort by ICU throughout.
const OLDEST_POSTGRESQL: u32 = 15;

/// A database server that answers.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: Address,
}

/// A server's folder and programs.
struct Kit {
    product: Product,
    /// Where its data is.
    data: PathBuf,
    /// Its log, and what making its data said.
    log: PathBuf,
    /// The folder of its programs.
    programs: PathBuf,
    /// Who it runs as when we are root, which no database server wants to be.
    user: Option<&'static str>,
}

/// Makes a server in a site's folder and starts it; tells its pid as soon as it runs.
pub(crate) fn start(
    product: Product,
    site: &Path,
    webapp: &webapp::Kit,
    life: Life,
    runs: &mut impl FnMut(u32) -> Result<(), LabError>,
) -> Result<Server, LabError> {
    let kit = Kit::find(product, site)?;
    let port = state::port(None, None)?;
    let (command, ready) = match product {
        Product::Postgresql => {
            (kit.postgresql(life, port)?, "database system is ready to accept connections")
        }
        Product::Mysql => (kit.mariadb(life, port, &webapp.first_tables()?)?, "ready for connections"),
    };
    let mut process = Process::start(command, life, &kit.log, product.name())?;
    if let Err(error) = runs(process.id()).and_then(|()| kit.wait(&mut process, ready)) {
        process.end();
        return Err(error);
    }
    let address = Address {
        product,
        place: format!("127.0.0.1:{port}/{NAME}"),
        settings: String::new(),
        user: NAME.to_owned(),
        password: PASSWORD.into(),
    };
    Ok(Server { process, address })
}

/// Checks whether the programs are here; says how to install what is missing.
pub(crate) fn check(product: Product) -> Result<(), LabError> {
    programs(product).map(drop)
}

/// The folder of a server's programs: the search path's, else where Debian puts them.
fn programs(product: Product) -> Result<PathBuf, LabError> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    match product {
        Product::Postgresql => {
            let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|entry| {
                    Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
                })
                .collect();
            versions.sort();
            folders.extend(versions.into_iter().rev().map(|(_, folder)| folder));
            let Some(folder) = folders.into_iter().find(|folder| folder.join("initdb").is_file()) else {
                return Err(missing("PostgreSQL", "initdb", "postgresql", "postgresql@17"));
            };
            let told = said(Command::new(folder.join("postgres")).arg("--version"));
            match told.as_deref().and_then(postgresql_major) {
                Some(major) if major >= OLDEST_POSTGRESQL => Ok(folder),
                Some(major) => Err(LabError::Prerequisite(format!(
                    "PostgreSQL in {} is version {major}; the lab needs {OLDEST_POSTGRESQL} or newer",
                    folder.display()
                ))),
                None => Err(LabError::Prerequisite(format!(
                    "{} does not tell its version",
                    folder.join("postgres").display()
                ))),
            }
        }
        Product::Mysql => {
            folders.push("/usr/sbin".into());
            let server = folders.into_iter().find(|folder| folder.join("mariadbd").is_file());
            server.ok_or_else(|| missing("MariaDB", "mariadbd", "mariadb-server", "mariadb"))
        }
    }
}

fn missing(server: &str, program: &str, debian: &str, brew: &str) -> LabError {
    LabError::Prerequisite(format!(
        "{server} is not here (there is no `{program}`)\n\
         hint: Debian, Ubuntu: sudo apt-get install {debian}   (the lab does not use the service it starts)\n      \
         macOS:          brew install {brew}"
    ))
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn postgresql_major(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What a program prints; nothing when it does not run or fails.
fn said(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Kit {
    /// Finds the programs and makes an empty folder that the server may enter.
    fn find(product: Product, site: &Path) -> Result<Self, LabError> {
        let programs = programs(product)?;
        let (data, log) = (site.join("database"), site.join("logs").join("database.log"));
        for folder in [&data, &site.join("logs")] {
            fs::create_dir_all(folder).map_err(LabError::io(format!("cannot make {}", folder.display())))?;
        }
        let about =
            fs::metadata(&data).map_err(LabError::io(format!("cannot look at {}", data.display())))?;
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700))
            .map_err(LabError::io(format!("cannot protect {}", data.display())))?;
        // Whose folder it is, is who we are.
        let user = (about.uid() == 0).then_some(match product {
            Product::Postgresql => "postgres",
            Product::Mysql => "mysql",
        });
        let kit = Self { product, data, log, programs, user };
        if let Some(user) = user {
            kit.done(Command::new("chown").arg(user).arg(&kit.data), "")?;
            let entered = kit.run("test").arg("-w").arg(&kit.data).status();
            if !entered.is_ok_and(|status| status.success()) {
                return Err(LabError::Unexpected(format!(
                    "{} does not run as root, and the user {user} may not enter {}\n\
                     hint: run the lab as another user, or set CARGO_TARGET_DIR to a folder that everybody may enter",
                    product.name(),
                    kit.data.display()
                )));
            }
        }
        Ok(kit)
    }

    /// What comes before the program so that it does not run as root.
    fn as_user(&self) -> Vec<OsString> {
        let options =
            |user| ["setpriv", "--init-groups", "--regid", user, "--reuid", user].map(OsString::from);
        self.user.map(options).into_iter().flatten().collect()
    }

    /// A command that runs as the server does.
    fn run(&self, program: impl Into<OsString>) -> Command {
        let mut words = self.as_user();
        words.push(program.into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.data);
        command
    }

    /// The server's own command.
    fn server(&self, program: &str, life: Life, end: End) -> Command {
        let mut words = self.as_user();
        words.push(self.programs.join(program).into());
        let mut command = server(&words[0], life, end);
        command.args(&words[1..]).current_dir(&self.data);
        command
    }

    /// Runs something to its end.
    fn done(&self, command: &mut Command, input: &str) -> Result<(), LabError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let cannot = || format!("cannot run {program}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(LabError::io(cannot()))?;
        if let Some(mut pipe) = child.stdin.take() {
            // A program that has ended already says why below.
            let _ = pipe.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(LabError::io(cannot()))?;
        if output.status.success() {
            return Ok(());
        }
        let both = [output.stdout, output.stderr].concat();
        Err(LabError::Unexpected(format!(
            "cannot make a database for {} in {}\n{}",
            self.product.name(),
            self.data.display(),
            download::tail(&String::from_utf8_lossy(&both), 5)
        )))
    }

    /// Writes a file that only the server may read.
    fn file(&self, name: &str, text: &str) -> Result<PathBuf, LabError> {
        let path = self.data.with_file_name(name);
        state::private(&path, text)?;
        if let Some(user) = self.user {
            self.done(Command::new("chown").arg(user).arg(&path), "")?;
        }
        Ok(path)
    }

    /// Sorted by ICU's English: what a locale of people does, and a different order than HSQLDB's.
    fn postgresql(&self, life: Life, port: u16) -> Result<Command, LabError> {
        let password = self.file("database-password", PASSWORD)?;
        let mut initdb = self.run(self.programs.join("initdb"));
        // The driver in UAA 4.10.0 knows no SCRAM; with `md5` here PostgreSQL stores passwords so that it can.
        initdb.args(["--username", NAME, "--auth=md5", "--encoding=UTF8", "--no-sync"]);
        initdb.args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]);
        initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(&self.data);
        self.done(&mut initdb, "")?;
        let mut alone = self.run(self.programs.join("postgres"));
        alone.arg("--single").arg("-D").arg(&self.data).arg("postgres");
        self.done(&mut alone, &format!("CREATE DATABASE {NAME}\n"))?;
        let mut command = self.server("postgres", life, End::Quit);
        command.arg("-D").arg(&self.data).args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""]);
        // Nothing here has to survive a power cut.
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]
        {
            command.args(["-c", setting]);
        }
        Ok(command)
    }

    /// With a collation of the kind that products use: case and accents do not count.
    fn mariadb(&self, life: Life, port: u16, tables: &str) -> Result<Command, LabError> {
        let installer = self.programs.join("mariadb-install-db");
        let installer = if installer.is_file() { installer } else { "mariadb-install-db".into() };
        let mut install = self.run(installer);
        install.args(["--no-defaults", "--skip-test-db"]).arg(option("--datadir", &self.data));
        self.done(&mut install, "")?;
        let first = self.file(
            "database-first.sql",
            &format!(
                "CREATE DATABASE {NAME} CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci;\n\
                 CREATE USER '{NAME}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n\
                 GRANT ALL ON {NAME}.* TO '{NAME}'@'127.0.0.1';\n\
                 USE {NAME};\n{}",
                // UAA's own first tables, with one column named at once as UAA's next step names it: that step takes a
                // default from MySQL's catalogue, where MariaDB since 10.2.7 has it in quotes, and puts more around it.
                tables.replace("expiresAt", "expiresat")
            ),
        )?;
        let mut command = self.server("mariadbd", life, End::Kill);
        command.arg("--no-defaults").arg(option("--datadir", &self.data)).arg(option("--init-file", &first));
        command.args(["--bind-address=127.0.0.1", &format!("--port={port}"), "--skip-name-resolve"]);
        // Relative to the data: a socket's path may not be long.
        command.args(["--socket=database.sock", "--pid-file=database.pid"]);
        command.args(["--character-set-server=utf8mb3", "--collation-server=utf8mb3_unicode_ci"]);
        // Nothing here has to survive a power cut.
        command.args([
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
            "--max-connections=200",
        ]);
        Ok(command)
    }

    /// Waits until the server answers, or says why it does not.
    fn wait(&self, process: &mut Process, ready: &str) -> Result<(), LabError> {
        let started = Instant::now();
        loop {
            let log = fs::read(&self.log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            if log.contains(ready) {
                return Ok(());
            }
            let symptom = match process.ended() {
                Some(status) => format!("it ended ({status})"),
                None if started.elapsed() > DEADLINE => {
                    format!("it was not ready within {} s", DEADLINE.as_secs())
                }
                None => {
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
            };
            let cause =
                log.lines().find(|line| ["FATAL", "ERROR", "could not"].iter().any(|bad| line.contains(bad)));
            let cause = cause.map_or_else(|| symptom.clone(), |cause| format!("{cause} ({symptom})"));
            return Err(LabError::Database { name: self.product.name(), cause, log: self.log.clone() });
        }
    }
}

/// `--name=path`.
fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(format!("{name}="));
    option.push(path);
    option
}

#[cfg(test)]
mod tests {
    use super::{missing, postgresql_major};

    #[test]
    fn the_major_version_of_postgresql_is_read_as_debian_and_others_print_it() {
        assert_eq!(postgresql_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(postgresql_major("postgres (PostgreSQL) 17beta1\n"), Some(17));
        assert_eq!(postgresql_major("postgres\n"), None);
    }

    #[test]
    fn a_server_that_is_missing_is_named_with_its_package() {
        let error = missing("MariaDB", "mariadbd", "mariadb-server", "mariadb").to_string();
        assert!(error.contains("sudo apt-get install mariadb-server"), "{error}");
    }
}
