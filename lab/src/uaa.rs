//! The real UAA on Tomcat: its configuration, its process, and whether it came up.
//! Decides how it is started and watched; never talks to its API beyond `/info`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ca::{Authority, Identity, LOOPBACK, Validity, service_provider};
use crate::client::Client;
use crate::database::Address;
use crate::process::{End, Life, Process, server};
use crate::webapp::Kit;
use crate::{LabError, UaaVersion, state};

/// The client that may do everything, from UAA's sample data.
pub(crate) const ADMIN: (&str, &str) = ("admin", "adminsecret");
/// The resource client with which the PKS API stand-in asks UAA about tokens.
pub(crate) const RESOURCE: (&str, &str) = ("pks_cluster_api", "labs-resource-secret");

/// How long a start may take: half a minute is usual, and tests start two at once on two cores.
const DEADLINE: Duration = Duration::from_secs(240);

/// Measured on two cores: with C2 17.5 s to the first answer, without (TieredStopAtLevel=1) 22 s. Not verifying the
/// classes of a released web application takes it down to 14 s; a Java that no longer knows the option goes on without.
const JVM: [&str; 11] = [
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:+UseSerialGC",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-BytecodeVerificationRemote",
    // Without it Tomcat goes on for ever without a connector when its port is taken.
    "-Dorg.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true",
    "-Xshare:auto",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.rmi/sun.rmi.transport=ALL-UNNAMED",
];

/// What a start needs to know.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) version: UaaVersion,
    pub(crate) port: u16,
    /// An empty folder of its own.
    pub(crate) folder: PathBuf,
    /// Java's largest heap, in MB.
    pub(crate) heap: u32,
}

/// What a site has once its files are written.
pub(crate) struct Files {
    pub(crate) ca: PathBuf,
    /// The identity of every server of this site.
    pub(crate) server: Identity,
}

impl Site {
    /// The address of this UAA.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Where UAA logs.
    fn log(&self) -> PathBuf {
        self.folder.join("logs").join("uaa.log")
    }

    /// Where java, and Tomcat, print.
    fn console(&self) -> PathBuf {
        self.folder.join("logs").join("console.log")
    }

    /// Writes keys and configuration, with the database that is not in memory.
    pub(crate) fn write(&self, kit: &Kit, database: Option<&Address>) -> Result<Files, LabError> {
        for name in ["conf", "logs", "temp", "work"] {
            let folder = self.folder.join(name);
            fs::create_dir_all(&folder).map_err(LabError::io(format!("cannot make {}", folder.display())))?;
        }
        let authority = Authority::new("uaapply lab CA")?;
        let ca = authority.write(&self.folder)?;
        let server = authority.server(&LOOPBACK, Validity::Now)?;
        let conf = self.folder.join("conf");
        let write = |name: &str, text: &str| {
            let path = conf.join(name);
            fs::write(&path, text).map_err(LabError::io(format!("cannot write {}", path.display())))
        };
        write("server.pem", &server.certificate)?;
        write("server.key", &server.key)?;
        write("server.xml", &self.server_xml(&kit.uaa))?;
        write("log4j.properties", &self.log4j())?;
        let mut uaa_yml = self.uaa_yml(&service_provider()?);
        uaa_yml.push_str(&database.map(Address::uaa_yml).unwrap_or_default());
        state::private(&conf.join("uaa.yml"), &uaa_yml)?;
        let web = kit.tomcat.join("conf").join("web.xml");
        fs::copy(&web, conf.join("web.xml"))
            .map_err(LabError::io(format!("cannot copy {}", web.display())))?;
        Ok(Files { ca, server })
    }

    /// One connector with our certificate, one web application, and no search for annotations in its jars.
    fn server_xml(&self, webapp: &Path) -> String {
        let (conf, port) = (self.folder.join("conf"), self.port);
        let (conf, webapp) = (attribute(&conf), attribute(webapp));
        // maxHttpHeaderSize as in the product's release.
        format!(
            r#"<Server port="-1">
  <Service name="Catalina">
    <Connector port="{port}" address="127.0.0.1" protocol="org.apache.coyote.http11.Http11NioProtocol" SSLEnabled="true" scheme="https" secure="true" maxHttpHeaderSize="14336" maxThreads="50">
      <SSLHostConfig protocols="TLSv1.2+TLSv1.3">
        <Certificate certificateFile="{conf}/server.pem" certificateKeyFile="{conf}/server.key" type="EC"/>
      </SSLHostConfig>
    </Connector>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" unpackWARs="false" autoDeploy="false" deployOnStartup="false">
        <Context path="" docBase="{webapp}" reloadable="false">
          <JarScanner scanClassPath="false" scanManifest="false"><JarScanFilter defaultTldScan="false" defaultPluggabilityScan="false"/></JarScanner>
        </Context>
      </Host>
    </Engine>
  </Service>
</Server>
"#
        )
    }

    fn log4j(&self) -> String {
        let log = self.log();
        format!(
            "log4j.rootCategory=WARN, FILE\n\
             log4j.appender.FILE=org.apache.log4j.FileAppender\n\
             log4j.appender.FILE.File={}\n\
             log4j.appender.FILE.layout=org.apache.log4j.PatternLayout\n\
             log4j.appender.FILE.layout.ConversionPattern=[%d{{yyyy-MM-dd HH:mm:ss.SSS}}] [%t] .... %5p --- %c{{1}}: %m%n\n",
            log.display()
        )
    }

    /// UAA's configuration with the product's clients and groups.
    fn uaa_yml(&self, provider: &Identity) -> String {
        let url = self.url();
        let (resource, resource_secret) = RESOURCE;
        let indent = |pem: &str| pem.trim().lines().map(|line| format!("    {line}\n")).collect::<String>();
        let (key, certificate) = (indent(&provider.key), indent(&provider.certificate));
        // RSA, as the product's: whoever has a token can check it.
        let signing_key: String = provider.key.trim().lines().map(|line| format!("      {line}\n")).collect();
        // `secret: ""` and not none at all: without one no log-in with an empty secret succeeds.
        let log4j = format!("file:{}", self.folder.join("conf").join("log4j.properties").display());
        // Otherwise UAA goes over to a configuration of its own, which prints at DEBUG.
        let log4j = Value::from(log4j);
        format!(
            r#"logging:
  config: {log4j}
issuer:
  uri: {url}
uaa:
  url: {url}
encryption:
  active_key_label: lab
  encryption_keys:
  - label: lab
    passphrase: lab-passphrase
LOGIN_SECRET: loginsecret
jwt:
  token:
    signing-key: |
{signing_key}zones:
  internal:
    hostnames: [localhost]
oauth:
  clients:
    pks_cli:
      authorized-grant-types: password,refresh_token
      scope: pks.clusters.admin,pks.clusters.manage,pks.clusters.admin.read
      authorities: uaa.none
      secret: ""
      access-token-validity: 600
      refresh-token-validity: 21600
    {resource}:
      authorized-grant-types: client_credentials
      authorities: uaa.resource
      secret: {resource_secret}
scim:
  groups:
    pks.clusters.admin: All clusters
    pks.clusters.manage: Own clusters
    pks.clusters.admin.read: Read all clusters
login:
  url: {url}
  entityBaseURL: {url}
  serviceProviderKeyPassword: ""
  serviceProviderKey: |
{key}  serviceProviderCertificate: |
{certificate}"#
        )
    }

    /// Starts java, with the database that it was [written](Self::write) for.
    pub(crate) fn launch(
        &self,
        kit: &Kit,
        life: Life,
        database: Option<&Address>,
    ) -> Result<Process, LabError> {
        let mut command = server("java", life, End::Kill);
        command
            .args(self.java(kit, database))
            .env("CLOUD_FOUNDRY_CONFIG_PATH", self.folder.join("conf"))
            .env_remove("JAVA_TOOL_OPTIONS")
            .env_remove("UAA_CONFIG_YAML")
            .current_dir(&self.folder);
        Process::start(command, life, &self.console(), "java")
    }

    /// Java's arguments.
    fn java(&self, kit: &Kit, database: Option<&Address>) -> Vec<OsString> {
        // `default` brings the sample data.
        let profile = database.map_or("hsqldb", |address| address.product.name());
        let option = |name: &str, path: &Path| {
            let mut option = OsString::from(format!("-D{name}="));
            option.push(path);
            option
        };
        let bin = kit.tomcat.join("bin");
        let mut classes = bin.join("bootstrap.jar").into_os_string();
        classes.push(":");
        classes.push(bin.join("tomcat-juli.jar"));
        let mut log4j = OsString::from("-Dlog4j.configuration=file:");
        log4j.push(self.folder.join("conf").join("log4j.properties"));
        let mut args: Vec<OsString> = JVM.iter().map(OsString::from).collect();
        args.extend([
            format!("-Xmx{}m", self.heap).into(),
            "-Djava.awt.headless=true".into(),
            // Tomcat's first session id waits for nobody's mouse.
            "-Djava.security.egd=file:/dev/./urandom".into(),
            format!("-Dspring.profiles.active=default,{profile}").into(),
            log4j,
            option("catalina.home", &kit.tomcat),
            option("catalina.base", &self.folder),
            option("java.io.tmpdir", &self.folder.join("temp")),
            "-cp".into(),
            classes,
            "org.apache.catalina.startup.Bootstrap".into(),
            "start".into(),
        ]);
        args
    }

    /// Waits until UAA answers, or says why it does not.
    pub(crate) fn wait(&self, process: &mut Process, client: &Client) -> Result<(), LabError> {
        let started = Instant::now();
        loop {
            match client.info() {
                Some((200, true)) => return Ok(()),
                // UAA 4 answers 503 to everything after a failed start, Tomcat 404 when there is no UAA at all.
                Some((status, _)) => {
                    return Err(self.failed(&format!("it answers HTTP {status} to everything")));
                }
                None => {}
            }
            if let Some(status) = process.ended() {
                return Err(self.failed(&format!("java ended ({status})")));
            }
            if started.elapsed() > DEADLINE {
                return Err(self.failed(&format!("it did not answer within {} s", DEADLINE.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(150));
        }
    }

    /// The error with UAA's own last cause, if it told one.
    fn failed(&self, symptom: &str) -> LabError {
        let read = |path: &Path| {
            fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
        };
        let (log, console) = (read(&self.log()), read(&self.console()));
        let (cause, log) = match (last_cause(&log), last_cause(&console)) {
            (Some(cause), _) => (format!("{cause} ({symptom})"), self.log()),
            (None, Some(cause)) => (format!("{cause} ({symptom})"), self.console()),
            (None, None) => (symptom.to_owned(), self.console()),
        };
        LabError::Start { version: self.version, cause, log }
    }
}

/// The innermost cause of the last failure in a log of Java.
fn last_cause(log: &str) -> Option<String> {
    let line = |wanted: fn(&str) -> bool| log.lines().rev().map(str::trim).find(|line| wanted(line));
    line(|line| line.starts_with("Caused by: "))
        .map(|line| line.trim_start_matches("Caused by: "))
        .or_else(|| line(|line| line.contains("Exception: ") || line.contains("Error: ")))
        .map(|cause| cause.chars().take(400).collect())
}

/// A path inside an XML attribute.
fn attribute(path: &Path) -> String {
    path.display().to_string().replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::last_cause;

    #[test]
    fn the_innermost_cause_of_the_last_failure_is_told() {
        let log = "WARN x\norg.A: outer\n\tat a.b\nCaused by: java.io.IOException: inner\n\tat c.d\nCaused by: java.lang.IllegalArgumentException: no key\n\t... 40 more\nWARN y";
        assert_eq!(last_cause(log).as_deref(), Some("java.lang.IllegalArgumentException: no key"));
        assert_eq!(
            last_cause("SEVERE: java.net.BindException: Address already in use").as_deref(),
            Some("SEVERE: java.net.BindException: Address already in use")
        );
        assert_eq!(last_cause("all is well"), None);
    }
}
