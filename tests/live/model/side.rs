//! The two that are asked, and the one form of their answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uaapply_lab::Foundation;
use uaapply_lab::model::{Ask, Group, State};

use super::Body;
use super::sequence::{IfMatch, Step};

/// An answer in the form in which both sides are compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: Body,
}

/// What one side calls the things that a sequence names.
#[derive(Debug, Clone, Default)]
struct Names {
    ids: BTreeMap<String, String>,
    /// Also of what is gone: rows outlive users.
    of_ids: BTreeMap<String, String>,
    versions: BTreeMap<String, i64>,
    /// How often a name was made.
    made: BTreeMap<String, usize>,
    zone: String,
}

impl Names {
    fn learn(&mut self, name: &str, id: &str) {
        let made = self.made.entry(name.to_owned()).or_default();
        *made += 1;
        self.of_ids.insert(id.to_owned(), format!("{name}#{made}"));
        self.ids.insert(name.to_owned(), id.to_owned());
    }

    /// Puts ids in the places of names.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('«') {
            let (name, after) = after.split_once('»').expect("a name ends");
            // The beginning of an id is enough for a look-up.
            let (name, most) = name.strip_suffix('…').map_or((name, usize::MAX), |name| (name, 8));
            // Of what was never made, another for each name.
            let none =
                || format!("{:08x}-0bad-4bad-8bad-0badbad0badb", name.bytes().map(u32::from).sum::<u32>());
            let id = self.ids.get(name).cloned().unwrap_or_else(none);
            filled.push_str(before);
            filled.push_str(&id[..most.min(id.len())]);
            rest = after;
        }
        filled + rest
    }

    fn if_match(&self, wanted: &IfMatch) -> Option<String> {
        let version = |name: &str| self.versions.get(self.ids.get(name)?).copied();
        match wanted {
            IfMatch::None => None,
            IfMatch::Text(text) => Some((*text).to_owned()),
            IfMatch::Of(name, off) => Some(format!("\"{}\"", version(name).unwrap_or(0) + off)),
        }
    }

    /// Takes in what an answer tells, and puts it into the form for comparison.
    fn said(&mut self, step: &Step, status: u16, body: Body) -> Said {
        let mut body = body;
        if let Some(body) = &body {
            let id = body["id"].as_str();
            if let (201, Some(name), Some(id)) = (status, &step.makes, id) {
                self.learn(name, id);
            }
            if let (Some(id), Some(version)) = (id, body["meta"]["version"].as_i64()) {
                self.versions.insert(id.to_owned(), version);
            }
        }
        if let Some(body) = &mut body {
            self.normalise(body);
            let paged = step.path.contains("count=2");
            if let Some(rows) = body.get_mut("resources").filter(|_| paged) {
                // Of rows that are sorted by their ids.
                *rows = json!(rows.as_array().map(Vec::len));
            }
        }
        Said { status, body }
    }

    fn normalise(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for (id, name) in &self.of_ids {
                    if text.contains(id.as_str()) {
                        *text = text.replace(id.as_str(), name);
                    }
                }
                if *text == self.zone {
                    "<zone>".clone_into(text);
                }
                for (head, whole) in CUT {
                    if text.starts_with(head) || (head.ends_with("type.") && text.contains(head)) {
                        whole.clone_into(text);
                    }
                }
            }
            Value::Array(items) => {
                items.iter_mut().for_each(|item| self.normalise(item));
                items.sort_by_key(Value::to_string);
            }
            Value::Object(object) => {
                object.retain(|key, _| !["groups", "approvals"].contains(&key.as_str()));
                for (key, value) in object.iter_mut() {
                    match (key.as_str(), &mut *value) {
                        // Seconds pass, and scopes have no order.
                        ("expires_in", value) => {
                            *value = json!(value.as_f64().map(|left| (left / 10.0).ceil()))
                        }
                        ("scope", Value::String(scopes)) => {
                            let mut words: Vec<&str> = scopes.split(' ').collect();
                            words.sort_unstable();
                            *scopes = words.join(" ");
                        }
                        _ => {}
                    }
                    match TIMES.contains(&key.as_str()) {
                        true => *value = json!("<time>"),
                        false => self.normalise(value),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

const TIMES: [&str; 5] = ["created", "lastModified", "passwordLastModified", "access_token", "jti"];

/// Messages of which only the beginning counts.
const CUT: [(&str, &str); 6] = [
    ("PreparedStatementCallback; SQL", "<constraint>"),
    ("JSON parse error:", "<JSON parse error>"),
    ("An authorized grant type must be provided.", "<grants>"),
    ("is not an allowed grant type.", "<grants>"),
    ("<!doctype html>", "<html>"),
    ("<html><body>", "<html>"),
];

/// The model.
pub(super) struct Modelled {
    state: State,
    names: Names,
    token: String,
}

impl Modelled {
    /// A model of a zone as it was made.
    pub(super) fn like(real: &Real) -> Self {
        let mut state = State::new("<zone>", "zone-admin-secret");
        let mut names = Names { zone: "<zone>".to_owned(), ..Names::default() };
        for group in &real.groups {
            let text = |key: &str| group[key].as_str().map(str::to_owned);
            let (id, name) = (text("id").expect("an id"), text("displayName").expect("a name"));
            // Ids as the real one's: the model has no say in them.
            names.learn(&format!("g:{name}"), &id);
            let description = text("description");
            state.groups.push(Group { id, version: 0, name, description, members: Vec::new() });
        }
        state.default_groups = real.default_groups.iter().cloned().collect();
        let form = "grant_type=client_credentials&client_id=admin&client_secret=zone-admin-secret";
        let login = Ask { body: form.into(), ..Ask::new("POST", "/oauth/token", None) };
        let token = state.handle(&login).body.expect("a token")["access_token"].as_str().map(str::to_owned);
        Self { state, names, token: token.expect("a token") }
    }

    pub(super) fn send(&mut self, step: &Step) -> Said {
        let body = step.body.as_ref().map(|body| self.names.filled(&body.to_string()));
        let mut ask = Ask::new(step.method, &self.names.filled(&step.path), None);
        ask.if_match = self.names.if_match(&step.if_match);
        ask.bearer = Some(self.token.clone());
        ask.body = body.or_else(|| step.form.clone()).unwrap_or_default().into_bytes();
        let reply = self.state.handle(&ask);
        self.names.said(step, reply.status, reply.body)
    }
}

/// A zone of the real UAA.
pub(super) struct Real {
    http: reqwest::Client,
    url: String,
    token: String,
    zone: String,
    subdomain: String,
    names: Names,
    groups: Vec<Value>,
    default_groups: Vec<String>,
}

impl Real {
    pub(super) async fn in_new_zone(foundation: &Foundation) -> Self {
        let zone = foundation.new_zone("m").expect("UAA makes a zone");
        let pem = std::fs::read(foundation.ca_file()).expect("the lab wrote it");
        let ca = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        let http = reqwest::Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let url = foundation.uaa_url().to_owned();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "admin"),
            ("client_secret", foundation.admin_secret()),
            ("token_format", "opaque"),
        ];
        let answer = http.post(format!("{url}/oauth/token")).form(&form).send().await.expect("UAA answers");
        let answer: Value = answer.json().await.expect("a token");
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        let mut real = Self {
            http,
            url,
            token,
            names: Names { zone: zone.id.clone(), ..Names::default() },
            zone: zone.id,
            subdomain: zone.subdomain,
            groups: Vec::new(),
            default_groups: Vec::new(),
        };
        let zone = real.get(&format!("/identity-zones/{}", real.zone)).await;
        let groups = zone["config"]["userConfig"]["defaultGroups"].as_array().expect("a list").clone();
        real.default_groups = groups.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        real.groups = rows(&real.get("/Groups?count=500").await);
        // As the model's own.
        let admin = State::new("", "").clients.remove("admin").expect("it is there");
        let mut body = Map::from_iter(admin.fields);
        body.insert("client_id".to_owned(), json!("admin"));
        body.insert("client_secret".to_owned(), json!("zone-admin-secret"));
        let (status, answer) =
            real.request("POST", "/oauth/clients", None, Some(Value::Object(body)), None).await;
        assert_eq!(status, 201, "{answer:?}");
        real
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.request("GET", path, None, None, None).await;
        assert_eq!(status, 200, "GET {path}: {body:?}");
        body.expect("a body")
    }

    /// Takes away what an earlier sequence made.
    pub(super) async fn reset(&mut self) {
        for user in rows(&self.get("/Users?count=500&attributes=id").await) {
            self.delete(&format!("/Users/{}", user["id"].as_str().expect("an id"))).await;
        }
        let known: Vec<&Value> = self.groups.iter().map(|group| &group["id"]).collect();
        for group in rows(&self.get("/Groups?count=500&attributes=id").await) {
            if !known.contains(&&group["id"]) {
                self.delete(&format!("/Groups/{}", group["id"].as_str().expect("an id"))).await;
            }
        }
        for client in rows(&self.get("/oauth/clients?count=500").await) {
            if client["client_id"] != "admin" {
                self.delete(&format!("/oauth/clients/{}", client["client_id"].as_str().expect("an id")))
                    .await;
            }
        }
        self.names = Names { zone: self.zone.clone(), ..Names::default() };
        for group in &self.groups {
            let text = |key: &str| group[key].as_str().expect("a text");
            self.names.learn(&format!("g:{}", text("displayName")), text("id"));
        }
    }

    async fn delete(&self, path: &str) {
        let (status, body) = self.request("DELETE", path, None, None, None).await;
        assert_eq!(status, 200, "DELETE {path}: {body:?}");
    }

    pub(super) async fn send(&mut self, step: &Step) -> Said {
        let body = step.body.as_ref().map(|body| self.names.filled(&body.to_string()));
        let body = body.map(|text| serde_json::from_str(&text).expect("ids are no syntax"));
        let if_match = self.names.if_match(&step.if_match);
        let path = self.names.filled(&step.path);
        let (status, body) = self.request(step.method, &path, if_match, body, step.form.clone()).await;
        self.names.said(step, status, body)
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        if_match: Option<String>,
        body: Option<Value>,
        form: Option<String>,
    ) -> (u16, Body) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request =
            self.http.request(method, format!("{}{path}", self.url)).header("Accept", "application/json");
        let mut request = match form {
            // The zone's clients log in at the zone's own host.
            Some(form) => request
                .header("Host", format!("{}.localhost", self.subdomain))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(form),
            None => request.bearer_auth(&self.token).header("X-Identity-Zone-Id", &self.zone),
        };
        if let Some(version) = if_match {
            request = request.header("If-Match", version);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("UAA answers");
        let (status, text) = (answer.status().as_u16(), answer.text().await.expect("a whole answer"));
        let body = match text.as_str() {
            "" => None,
            text => Some(serde_json::from_str(text).unwrap_or_else(|_| json!(text))),
        };
        (status, body)
    }
}

fn rows(page: &Value) -> Vec<Value> {
    page["resources"].as_array().cloned().unwrap_or_default()
}
