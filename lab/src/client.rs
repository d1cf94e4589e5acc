//! A client of UAA and of the PKS API that has nothing in common with uaapply's own, and blocks.
//! Decides nothing about what is asked; never retries but once after a 401.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use crate::LabError;
use crate::uaa::ADMIN;

/// The lab's own threads, on which everything asynchronous runs; callers block, from whatever thread they come.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn new() -> Result<Arc<Self>, LabError> {
        let runtime = Builder::new_multi_thread()
            // More than cores: what a test decides at a proxy may block.
            .worker_threads(4)
            .thread_name("lab")
            .enable_all()
            .build()
            .map_err(LabError::io("cannot start the lab's threads"))?;
        Ok(Arc::new(Self(Some(runtime))))
    }

    /// Starts something that runs beside; it ends with the lab at the latest.
    pub(crate) fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let runtime = self.0.as_ref().expect("it is taken only when dropped");
        runtime.spawn(future)
    }

    /// Runs something to its end.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, LabError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.spawn(async move {
            // The receiver waits below.
            let _ = sender.send(future.await);
        });
        receiver.recv().map_err(|_| LabError::Unexpected("the lab's own client failed".into()))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for them would panic on an asynchronous thread.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A client of one UAA.
#[derive(Clone)]
pub(crate) struct Client {
    threads: Arc<Threads>,
    http: reqwest::Client,
    url: String,
    token: Arc<Mutex<Option<String>>>,
}

/// Who a request is from.
enum As {
    /// The admin client in the default zone, or acting in this one.
    Admin(Option<String>),
    Bearer(String),
}

impl Client {
    /// A client of the UAA at `url` that trusts this CA alone.
    pub(crate) fn new(threads: Arc<Threads>, url: String, ca: &Path) -> Result<Self, LabError> {
        Ok(Self { threads, http: http(ca)?, url, token: Arc::default() })
    }

    /// The threads that the requests run on.
    pub(crate) fn threads(&self) -> &Arc<Threads> {
        &self.threads
    }

    /// The status of `/info` and whether it is JSON; nothing when nobody answers.
    pub(crate) fn info(&self) -> Option<(u16, bool)> {
        let request = self.http.get(format!("{}/info", self.url)).header("Accept", "application/json");
        let request = request.timeout(Duration::from_secs(3));
        let answer = self.threads.run(answer(request)).ok()?.ok()?;
        Some((answer.0, answer.1.is_object()))
    }

    /// A request as the admin client, in the default zone or in this one.
    pub(crate) fn admin(
        &self,
        zone: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value), LabError> {
        self.send(As::Admin(zone.map(str::to_owned)), method, format!("{}{path}", self.url), body)
    }

    /// A GET with somebody's token, of any server under this CA.
    pub(crate) fn get(&self, url: String, token: &str) -> Result<(u16, Value), LabError> {
        self.send(As::Bearer(token.to_owned()), "GET", url, None)
    }

    /// A log-in through the product's public client.
    pub(crate) fn password_login(&self, username: &str, password: &str) -> Result<(u16, Value), LabError> {
        let form = [("grant_type", "password"), ("username", username), ("password", password)];
        self.token("pks_cli", "", &form)
    }

    /// A token request.
    pub(crate) fn token(
        &self,
        client: &str,
        secret: &str,
        form: &[(&str, &str)],
    ) -> Result<(u16, Value), LabError> {
        let request =
            self.http.post(format!("{}/oauth/token", self.url)).header("Accept", "application/json");
        self.threads.run(answer(request.basic_auth(client, Some(secret)).form(form)))?
    }

    /// A log-in of a client by its own secret.
    pub(crate) fn client_login(&self, id: &str, secret: &str) -> Result<(u16, Value), LabError> {
        let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let request =
            self.http.post(format!("{}/oauth/token", self.url)).header("Accept", "application/json");
        self.threads.run(answer(request.form(&form)))?
    }

    /// Whether a client's secret is the right one: `GET /clientinfo` at the host of its zone, which takes any grant type.
    pub(crate) fn client_info(
        &self,
        subdomain: &str,
        client_id: &str,
        secret: &str,
    ) -> Result<(u16, Value), LabError> {
        let request = self.http.get(format!("{}/clientinfo", self.url)).header("Accept", "application/json");
        // UAA takes the zone from the host that is asked for (facts §1.6); the name need not resolve.
        let request = request.header("Host", format!("{subdomain}.localhost"));
        self.threads.run(answer(request.basic_auth(client_id, Some(secret))))?
    }

    fn send(
        &self,
        who: As,
        method: &str,
        url: String,
        body: Option<Value>,
    ) -> Result<(u16, Value), LabError> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| LabError::Unexpected(format!("{method:?} is not an HTTP method")))?;
        let client = self.clone();
        self.threads.run(async move {
            let zone = match who {
                As::Bearer(token) => {
                    return answer(client.request(&method, &url, body.as_ref()).bearer_auth(token)).await;
                }
                As::Admin(zone) => zone,
            };
            let mut refused = None;
            loop {
                let token = client.admin_token(refused.as_deref()).await?;
                let mut request = client.request(&method, &url, body.as_ref()).bearer_auth(&token);
                if let Some(zone) = &zone {
                    request = request.header("X-Identity-Zone-Id", zone);
                }
                let answered = answer(request).await?;
                if answered.0 != 401 || refused.is_some() {
                    return Ok(answered);
                }
                refused = Some(token);
            }
        })?
    }

    fn request(&self, method: &Method, url: &str, body: Option<&Value>) -> RequestBuilder {
        let mut request = self.http.request(method.clone(), url).header("Accept", "application/json");
        if matches!(*method, Method::PUT | Method::PATCH) {
            request = request.header("If-Match", "*");
        }
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// The admin client's token; a new one when there is none, or only the one that was just refused.
    async fn admin_token(&self, refused: Option<&str>) -> Result<String, LabError> {
        let mut cached = self.token.lock().await;
        if let Some(token) = cached.as_deref().filter(|&token| Some(token) != refused) {
            return Ok(token.to_owned());
        }
        let (id, secret) = ADMIN;
        let form = [("grant_type", "client_credentials"), ("token_format", "opaque")];
        let request = self.http.post(format!("{}/oauth/token", self.url)).basic_auth(id, Some(secret));
        let (status, body) = answer(request.header("Accept", "application/json").form(&form)).await?;
        let token = body["access_token"].as_str().filter(|_| status == 200);
        let token = token.ok_or_else(|| {
            LabError::Unexpected(format!("UAA gives the admin client no token: HTTP {status} {body}"))
        })?;
        Ok(cached.insert(token.to_owned()).clone())
    }
}

/// An HTTP client that trusts this CA alone, shows every answer as it is, and goes through no proxy.
pub(crate) fn http(ca: &Path) -> Result<reqwest::Client, LabError> {
    let pem = fs::read(ca).map_err(LabError::io(format!("cannot read {}", ca.display())))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem)
        .map_err(|error| LabError::http("the lab's CA", &error))?;
    reqwest::Client::builder()
        .tls_certs_only(certificates)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| LabError::http("the lab's own HTTP client", &error))
}

/// Status and body; a body that is not JSON comes as a string, none at all as null.
async fn answer(request: RequestBuilder) -> Result<(u16, Value), LabError> {
    let response = request.send().await.map_err(|error| LabError::http("no answer", &error.without_url()))?;
    let status = response.status().as_u16();
    let text =
        response.text().await.map_err(|error| LabError::http("half an answer", &error.without_url()))?;
    let body = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    };
    Ok((status, body))
}

/// An LDAP identity provider that reaches nobody: what it takes for users and mappings of origin `ldap` to exist.
/// Inactive, as in the default zone: an active one that reaches nobody turns each wrong password into HTTP 500.
pub(crate) fn ldap_provider() -> Value {
    json!({
        "type": "ldap", "originKey": "ldap", "name": "LDAP", "active": false,
        "config": {
            "ldapProfileFile": "ldap/ldap-search-and-bind.xml", "ldapGroupFile": "ldap/ldap-groups-null.xml",
            "baseUrl": "ldap://localhost:1", "bindUserDn": "cn=nobody", "bindPassword": "none",
            "userSearchBase": "dc=example,dc=com", "userSearchFilter": "cn={0}", "mailAttributeName": "mail",
        },
    })
}
