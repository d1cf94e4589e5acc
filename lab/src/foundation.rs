//! A foundation that a test starts and talks to: UAA, the PKS API stand-in, and identity zones to be alone in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::client::{Client, Threads, ldap_provider};
use crate::process::{Life, Process};
use crate::uaa::{ADMIN, Files, Site};
use crate::{Database, LabError, UaaVersion, database_server, pks_api, prerequisites, state, webapp};

/// What may be chosen about a foundation; the default chooses for you.
#[derive(Debug, Clone)]
pub struct Options {
    /// UAA's port; a free one unless given.
    pub uaa_port: Option<u16>,
    /// The PKS API's port; a free one unless given.
    pub api_port: Option<u16>,
    /// Java's largest heap, in MB.
    pub heap: u32,
    /// The clusters; `lab/broker.yml` unless given.
    pub broker: PathBuf,
    /// Where UAA keeps its data; in memory unless given.
    pub database: Database,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            uaa_port: None,
            api_port: None,
            heap: 1024,
            broker: Path::new(env!("CARGO_MANIFEST_DIR")).join("broker.yml"),
            database: Database::default(),
        }
    }
}

/// A running foundation. It ends when it is dropped, or when this process ends, however it ends.
pub struct Foundation {
    version: UaaVersion,
    url: String,
    api_url: String,
    ca: PathBuf,
    client: Client,
    folder: PathBuf,
    process: Mutex<Process>,
    /// UAA's own database server; it must end after UAA.
    database: Mutex<Option<Process>>,
    zones: AtomicUsize,
}

/// An identity zone of a foundation: a UAA to be alone in.
pub struct Zone {
    /// The zone's id, as in `X-Identity-Zone-Id`.
    pub id: String,
    /// The zone's subdomain, which is not its id.
    pub subdomain: String,
    client: Client,
}

/// A UAA that has come up.
pub(crate) struct Booted {
    pub(crate) client: Client,
    pub(crate) process: Process,
    pub(crate) database: Option<Process>,
    pub(crate) files: Files,
}

/// A process that a boot has started, by its pid.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Runs {
    Database(u32),
    Uaa(u32),
}

/// Brings a site up: its database, files, java, and the provider of origin `ldap`; tells of a process as soon as it runs.
pub(crate) fn boot(
    site: &Site,
    database: &Database,
    life: Life,
    mut runs: impl FnMut(Runs) -> Result<(), LabError>,
) -> Result<Booted, LabError> {
    prerequisites::check()?;
    let kit = webapp::kit(site.version)?;
    let (address, mut database) = match database {
        Database::Hsqldb => (None, None),
        Database::At(address) => (Some(address.clone()), None),
        Database::Own(product) => {
            let mut told = |pid| runs(Runs::Database(pid));
            let server = database_server::start(*product, &site.folder, &kit, life, &mut told)?;
            (Some(server.address), Some(server.process))
        }
    };
    let address = address.as_ref();
    let booted = site.write(&kit, address).and_then(|files| {
        let client = Client::new(Threads::new()?, site.url(), &files.ca)?;
        let mut process = site.launch(&kit, life, address)?;
        let up = runs(Runs::Uaa(process.id()))
            .and_then(|()| site.wait(&mut process, &client))
            .and_then(|()| equip(&client));
        if up.is_err() {
            process.end();
        }
        up.map(|()| (files, client, process))
    });
    match booted {
        Ok((files, client, process)) => Ok(Booted { client, process, database, files }),
        Err(error) => {
            if let Some(server) = &mut database {
                server.end();
            }
            Err(error)
        }
    }
}

/// Makes what the product has and UAA's sample data lack.
fn equip(client: &Client) -> Result<(), LabError> {
    // The sample data's `admin` comes after the configuration's clients and wins, so it gets the rest here: what the
    // product's has (facts 1.2), of which `password.write` counts only when it is held by name.
    let authorities = [
        "uaa.admin",
        "clients.admin",
        "clients.read",
        "clients.write",
        "clients.secret",
        "scim.read",
        "scim.write",
        "password.write",
    ];
    let admin = json!({"client_id": ADMIN.0, "authorities": authorities});
    let path = format!("/oauth/clients/{}", ADMIN.0);
    expect(client.admin(None, "PUT", &path, Some(admin))?, 200, "give the admin client its authorities")?;
    has_ldap(client)
}

/// UAA's default zone brings an inactive provider of origin `ldap`, which is what users and mappings need.
/// It stays inactive: an active one that reaches nobody turns each wrong password into HTTP 500.
fn has_ldap(client: &Client) -> Result<(), LabError> {
    let providers =
        expect(client.admin(None, "GET", "/identity-providers", None)?, 200, "list identity providers")?;
    let there =
        providers.as_array().is_some_and(|all| all.iter().any(|provider| provider["originKey"] == "ldap"));
    if !there {
        expect(
            client.admin(None, "POST", "/identity-providers", Some(ldap_provider()))?,
            201,
            "make the LDAP provider",
        )?;
    }
    Ok(())
}

/// The body of an answer with this status.
fn expect((status, body): (u16, Value), wanted: u16, what: &str) -> Result<Value, LabError> {
    if status == wanted {
        return Ok(body);
    }
    Err(LabError::Unexpected(format!("UAA does not {what}: HTTP {status} {body}")))
}

impl Foundation {
    /// Starts UAA and the PKS API; takes half a minute, and longer the first time, when they are fetched.
    ///
    /// # Errors
    /// When Java or Maven is missing, when UAA cannot be fetched, or when it does not come up.
    pub fn start(version: UaaVersion, options: &Options) -> Result<Self, LabError> {
        state::sweep();
        let mut tries = 3;
        let (site, Booted { client, process, database, files }) = loop {
            let port = state::port(options.uaa_port, None)?;
            let folder = state::folder(&format!("test-{}-{version}-{port}", std::process::id()))?;
            let site = Site { version, port, folder, heap: options.heap };
            match boot(&site, &options.database, Life::Ours, |_| Ok(())) {
                Ok(booted) => break (site, booted),
                // A free port is free until somebody else takes it, which may be before a server of ours does.
                Err(error) if error.is_port_taken() && options.uaa_port.is_none() && tries > 1 => tries -= 1,
                Err(error) => return Err(error),
            }
        };

        let listener = pks_api::listen(options.api_port.unwrap_or(0))?;
        let api_port = listener.local_addr().map_err(LabError::io("the PKS API has no port"))?.port();
        let api = pks_api::Api::new(&site.url(), &files.ca, options.broker.clone())?;
        client.threads().spawn(pks_api::serve(listener, files.server, pks_api::router(api)));
        Ok(Self {
            version,
            url: site.url(),
            api_url: format!("https://localhost:{api_port}"),
            ca: files.ca,
            client,
            folder: site.folder,
            process: Mutex::new(process),
            database: Mutex::new(database),
            zones: AtomicUsize::new(1),
        })
    }

    /// The version that was started.
    pub fn version(&self) -> UaaVersion {
        self.version
    }

    /// UAA's address, `https://localhost:PORT`.
    pub fn uaa_url(&self) -> &str {
        &self.url
    }

    /// The PKS API's address.
    pub fn api_url(&self) -> String {
        self.api_url.clone()
    }

    /// The CA that vouches for both, as a PEM file.
    pub fn ca_file(&self) -> &Path {
        &self.ca
    }

    /// The secret of the client `admin`.
    pub fn admin_secret(&self) -> &str {
        ADMIN.1
    }

    /// Makes an identity zone with a provider of origin `ldap`.
    ///
    /// # Errors
    /// When UAA refuses.
    pub fn new_zone(&self, prefix: &str) -> Result<Zone, LabError> {
        let id = self.unique(prefix).to_lowercase();
        let subdomain = format!("at-{id}");
        let body = json!({"id": id, "subdomain": subdomain, "name": id});
        expect(self.client.admin(None, "POST", "/identity-zones", Some(body))?, 201, "make a zone")?;
        let zone = Zone { id, subdomain, client: self.client.clone() };
        expect(
            zone.request("POST", "/identity-providers", Some(ldap_provider()))?,
            201,
            "make a zone's LDAP provider",
        )?;
        Ok(zone)
    }

    /// Makes a client in the default zone that has these authorities; returns its id and its secret.
    ///
    /// # Panics
    /// When UAA refuses: a test can do nothing about it.
    pub fn has_client(&self, id_prefix: &str, authorities: &[&str]) -> (String, String) {
        let (id, secret) = (self.unique(id_prefix), "labs-client-secret".to_owned());
        let body = json!({"client_id": id, "client_secret": secret, "authorized_grant_types": ["client_credentials"],
                          "authorities": authorities, "scope": ["uaa.none"]});
        match self.request("POST", "/oauth/clients", Some(body)) {
            Ok((201, _)) => (id, secret),
            other => panic!("UAA does not make the client {id}: {other:?}"),
        }
    }

    /// A request in the default zone as the client `admin`: status, and body (a string where it is not JSON).
    ///
    /// # Errors
    /// When there is no answer.
    pub fn request(&self, method: &str, path: &str, body: Option<Value>) -> Result<(u16, Value), LabError> {
        self.client.admin(None, method, path, body)
    }

    /// Logs a user of the default zone in as `pks login` does: password grant, client `pks_cli`, empty secret.
    ///
    /// # Errors
    /// When there is no answer; a refused log-in is an answer.
    pub fn password_login(&self, username: &str, password: &str) -> Result<(u16, Value), LabError> {
        self.client.password_login(username, password)
    }

    /// Logs a client of the default zone in by its own secret.
    ///
    /// # Errors
    /// When there is no answer; a refused log-in is an answer.
    pub fn client_login(&self, id: &str, secret: &str) -> Result<(u16, Value), LabError> {
        self.client.client_login(id, secret)
    }

    /// Reads something of UAA's default zone with somebody's token.
    ///
    /// # Errors
    /// When there is no answer; a refused token is an answer.
    pub fn get_with(&self, token: &str, path: &str) -> Result<(u16, Value), LabError> {
        self.client.get(format!("{}{path}", self.uaa_url()), token)
    }

    /// Asks for a token of the default zone as this client, with further fields such as `grant_type`.
    ///
    /// # Errors
    /// When there is no answer; a refusal is an answer.
    pub fn token(&self, client: &str, secret: &str, form: &[(&str, &str)]) -> Result<(u16, Value), LabError> {
        self.client.token(client, secret, form)
    }

    /// Lists the clusters that this token shows, at the PKS API.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn clusters(&self, token: &str) -> Result<(u16, Value), LabError> {
        self.client.get(format!("{}/v1/clusters", self.api_url), token)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    fn unique(&self, prefix: &str) -> String {
        format!("{prefix}-{:x}-{}", std::process::id(), self.zones.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Foundation {
    fn drop(&mut self) {
        self.process.get_mut().unwrap_or_else(PoisonError::into_inner).end();
        if let Some(database) = self.database.get_mut().unwrap_or_else(PoisonError::into_inner) {
            database.end();
        }
        // What stays is swept at the next start.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Zone {
    /// A request in this zone as the default zone's client `admin`, with `If-Match: *` where UAA wants one.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn request(&self, method: &str, path: &str, body: Option<Value>) -> Result<(u16, Value), LabError> {
        self.client.admin(Some(&self.id), method, path, body)
    }

    /// Logs a client of this zone in with its own secret; a refused log-in is an answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn client_login(&self, client_id: &str, secret: &str) -> Result<(u16, Value), LabError> {
        self.client.client_info(&self.subdomain, client_id, secret)
    }
}
