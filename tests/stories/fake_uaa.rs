//! A stand-in for UAA: it keeps users, groups, memberships and mappings, and does at one call what it is told to.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// What a story wants of single calls: `None` leaves the call to the server.
type Quirk = dyn Fn(&Seen, &mut State) -> Option<ResponseTemplate> + Send + Sync;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET`, …
    pub(crate) method: String,
    /// Its path, without the query.
    pub(crate) path: String,
    /// How many requests with this method and path there were before.
    pub(crate) before: usize,
}

impl Seen {
    /// Tells whether it is this method on a path that begins so.
    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.starts_with(path)
    }
}

/// What the server has.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) users: Vec<Value>,
    pub(crate) groups: Vec<Value>,
    pub(crate) mappings: Vec<Value>,
    scope: String,
    seen: Vec<Seen>,
    made: usize,
}

/// A running server.
pub(crate) struct FakeUaa {
    // Dropped before the runtime it lives on.
    server: MockServer,
    state: Arc<Mutex<State>>,
    _runtime: Runtime,
}

impl FakeUaa {
    /// Starts a server with the groups that PKS brings along.
    pub(crate) fn start() -> Self {
        Self::with(|_, _| None)
    }

    /// Starts one that does something special at some calls.
    pub(crate) fn with(
        quirk: impl Fn(&Seen, &mut State) -> Option<ResponseTemplate> + Send + Sync + 'static,
    ) -> Self {
        Self::quirky(Box::new(quirk))
    }

    fn quirky(quirk: Box<Quirk>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let state = Arc::new(Mutex::new(State {
            scope: "scim.read scim.write zones.read idps.read".to_owned(),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            let respond = move |request: &Request| {
                let mut state = shared.lock().expect("no story panics in here");
                let (method, path) = (request.method.to_string(), request.url.path().to_owned());
                let before =
                    state.seen.iter().filter(|seen| seen.method == method && seen.path == path).count();
                let seen = Seen { method, path, before };
                state.seen.push(seen.clone());
                quirk(&seen, &mut state).unwrap_or_else(|| state.answer(&seen, request))
            };
            Mock::given(any()).respond_with(respond).mount(&server).await;
            server
        });
        let fake = Self { server, state, _runtime: runtime };
        for name in ["pks.clusters.admin", "pks.clusters.manage", "pks.clusters.admin.read"] {
            fake.group(name, &[]);
        }
        fake
    }

    /// Adds a user; returns its id.
    pub(crate) fn user(&self, username: &str) -> String {
        let id = format!("id-{username}");
        self.state()
            .users
            .push(json!({"id": id, "userName": username, "origin": "uaa", "active": true, "verified": true,
            "emails": [{"value": format!("{username}@example.com")}], "name": {}, "meta": {"version": 0}}));
        id
    }

    /// Adds a group with members.
    pub(crate) fn group(&self, name: &str, members: &[String]) {
        let rows: Vec<Value> =
            members.iter().map(|id| json!({"value": id, "type": "USER", "origin": "uaa"})).collect();
        self.state()
            .groups
            .push(json!({"id": format!("id-{name}"), "displayName": name, "zoneId": "uaa", "members": rows,
            "description": "", "meta": {"version": 0}}));
    }

    /// Lets the token have these authorities.
    pub(crate) fn authorities(&self, scope: &str) {
        scope.clone_into(&mut self.state().scope);
    }

    /// Every request that is not a GET, the token's left out.
    pub(crate) fn writes(&self) -> Vec<String> {
        let state = self.state();
        let writes = state.seen.iter().filter(|seen| seen.method != "GET" && seen.path != "/oauth/token");
        writes.map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }

    /// How many tokens were asked for.
    pub(crate) fn logins(&self) -> usize {
        self.state().seen.iter().filter(|seen| seen.path == "/oauth/token").count()
    }

    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no story panics in here")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.address().port()
    }
}

/// UAA's form of an error.
pub(crate) fn error(status: u16, error: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({"error": error, "error_description": message, "message": message}))
}

impl State {
    fn answer(&mut self, seen: &Seen, request: &Request) -> ResponseTemplate {
        let page = |rows: &[Value]| json!({"resources": rows, "totalResults": rows.len(), "startIndex": 1, "itemsPerPage": rows.len()});
        let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let parts: Vec<&str> = seen.path.trim_matches('/').split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["info"]) => ok(json!({"app": {"version": "77.0.0"}})),
            ("GET", [".well-known", "openid-configuration"]) => {
                ok(json!({"issuer": "https://uaa.example.com/oauth/token"}))
            }
            ("POST", ["oauth", "token"]) => self.token(request),
            ("GET", ["Users"]) => ok(page(&self.users)),
            ("GET", ["Groups"]) => ok(page(&self.groups)),
            ("GET", ["Groups", "External"]) => ok(page(&self.mappings)),
            ("GET", ["oauth", "clients"]) => ok(page(&[])),
            ("GET", ["identity-zones", ..]) => ok(
                json!({"id": "uaa", "subdomain": "", "config": {"userConfig": {"defaultGroups": ["openid"]}}}),
            ),
            ("GET", ["identity-providers"]) => ok(json!([{"originKey": "uaa"}, {"originKey": "ldap"}])),
            ("POST", ["Users"]) => {
                let user = self.made(body, json!({"active": true, "verified": true}));
                self.users.push(user.clone());
                ResponseTemplate::new(201).set_body_json(user)
            }
            ("POST", ["Groups"]) => {
                let group = self.made(body, json!({"members": [], "zoneId": "uaa", "description": ""}));
                self.groups.push(group.clone());
                ResponseTemplate::new(201).set_body_json(group)
            }
            ("POST", ["Groups", "External"]) => {
                self.mappings.push(body.clone());
                ResponseTemplate::new(201).set_body_json(body)
            }
            ("POST", ["Groups", id, "members"]) => {
                self.rows(id).push(body.clone());
                ResponseTemplate::new(201).set_body_json(body)
            }
            ("DELETE", ["Groups", id, "members", member]) => {
                self.rows(id).retain(|row| row["value"] != *member);
                ok(json!({}))
            }
            ("DELETE", ["Groups", "External", "groupId", id, "externalGroup", name, "origin", _]) => {
                let name = name.replace("%3D", "=").replace("%2C", ",");
                self.mappings.retain(|row| row["groupId"] != *id || row["externalGroup"] != name);
                ok(json!({}))
            }
            ("DELETE", ["Groups", id]) => {
                self.groups.retain(|group| group["id"] != *id);
                ok(json!({}))
            }
            // As UAA before 76.15: it forgets the user's memberships.
            ("DELETE", ["Users", id]) => {
                self.users.retain(|user| user["id"] != *id);
                ok(json!({}))
            }
            ("GET", ["Users", id]) => match self.users.iter().find(|user| user["id"] == *id) {
                Some(user) => ok(user.clone()),
                None => error(404, "scim_resource_not_found", "there is no such user"),
            },
            ("PUT", ["Users", id]) => match self.users.iter_mut().find(|user| user["id"] == *id) {
                Some(user) => {
                    for (name, value) in body.as_object().into_iter().flatten() {
                        user[name] = value.clone();
                    }
                    ok(user.clone())
                }
                None => error(404, "scim_resource_not_found", "there is no such user"),
            },
            _ => error(404, "not_found", "the stand-in does not play this"),
        }
    }

    fn token(&self, request: &Request) -> ResponseTemplate {
        let form = String::from_utf8_lossy(&request.body).into_owned();
        if form.contains(&format!("client_secret={}", crate::story::SECRET)) {
            let token = json!({"access_token": "opaque", "token_type": "bearer", "expires_in": 43199, "scope": self.scope, "jti": "opaque"});
            return ResponseTemplate::new(200).set_body_json(token);
        }
        error(401, "unauthorized", "Bad credentials")
    }

    fn made(&mut self, mut body: Value, defaults: Value) -> Value {
        self.made += 1;
        body["id"] = format!("made-{}", self.made).into();
        body["meta"] = json!({"version": 0});
        for (name, value) in defaults.as_object().into_iter().flatten() {
            if body[name].is_null() {
                body[name] = value.clone();
            }
        }
        body
    }

    fn rows(&mut self, id: &str) -> &mut Vec<Value> {
        let group = self.groups.iter_mut().find(|group| group["id"] == *id).expect("the group is there");
        group["members"].as_array_mut().expect("a list")
    }
}
