//! Random sequences of the requests that uaapply sends, over few names, so that they meet.
//! A name in «» stands for the id that the thing has on either side.

use std::fmt;

use fastrand::Rng;
use serde_json::{Value, json};

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) if_match: IfMatch,
    pub(super) body: Option<Value>,
    /// In the place of a JSON body; such a request has no token.
    pub(super) form: Option<String>,
    /// The name of what it makes, if it makes something with an id.
    pub(super) makes: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum IfMatch {
    None,
    Text(&'static str),
    /// The version that was last seen of this, and how far off.
    Of(String, i64),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        match &self.if_match {
            IfMatch::None => {}
            IfMatch::Text(text) => write!(f, " If-Match {text}")?,
            IfMatch::Of(name, off) => write!(f, " If-Match {name}{off:+}")?,
        }
        match (&self.body, &self.form) {
            (Some(body), _) => write!(f, " {body}"),
            (None, Some(form)) => write!(f, " {form}"),
            (None, None) => Ok(()),
        }
    }
}

impl Step {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), if_match: IfMatch::None, body: None, form: None, makes: None }
    }

    fn json(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    fn makes(self, name: String) -> Self {
        Self { makes: Some(name), ..self }
    }

    fn if_match(self, if_match: IfMatch) -> Self {
        Self { if_match, ..self }
    }
}

const USERS: [(&str, &str); 4] =
    [("uaa", "alice"), ("uaa", "bob@example.com"), ("ldap", "alice"), ("ldap", "carol x")];
const GROUPS: [&str; 3] = ["team.a", "team.b", "Team.A"];
const CLIENTS: [&str; 3] = ["ci", "web", "CI"];
const DNS: [&str; 6] = ["cn=a_b,dc=x", "cn=axb,dc=x", " CN=Devs,dc=X ", "cn=s/p", "cn=s;p", "plain"];
const SECRETS: [&str; 3] = ["s1", "s2", ""];
const USER_ATTRIBUTES: &str = "id,userName,origin,externalId,name,emails,phoneNumbers,active,verified";

/// The sequence of a seed.
pub(super) fn sequence(seed: u64, steps: usize) -> Vec<Step> {
    let mut rng = Rng::with_seed(seed);
    // Most sequences are about few kinds, so that things meet.
    let about: Vec<fn(&mut Rng) -> Step> = match rng.u8(0..4) {
        0 => vec![user, user, user, list],
        1 => vec![user, group, member, member, member, list],
        2 => vec![group, group, mapping, mapping, mapping, list],
        _ => vec![client, client, client, client, list],
    };
    let mut all = Vec::new();
    for at in 0..steps {
        let pick = if at % 7 == 6 {
            [user, group, member, mapping, client][rng.usize(0..5)]
        } else {
            about[rng.usize(0..about.len())]
        };
        all.push(pick(&mut rng));
    }
    all
}

/// What shows everything that there is.
pub(super) fn after_all() -> Vec<Step> {
    [
        "/Users?sortBy=id&count=500",
        "/Groups?sortBy=id&count=500",
        "/Groups/External?count=1000",
        "/oauth/clients?sortBy=client_id&count=500",
    ]
    .map(|path| Step::new("GET", path))
    .to_vec()
}

fn one<T: Clone>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(0..all.len())].clone()
}

/// Now and then.
fn rarely(rng: &mut Rng) -> bool {
    rng.u8(0..8) == 0
}

fn user_name(rng: &mut Rng) -> (String, &'static str, String) {
    let (origin, name) = one(rng, &USERS);
    // The names of uaa's make most of what there is.
    let (origin, name) = if rng.bool() { USERS[rng.usize(0..2)] } else { (origin, name) };
    (format!("u:{origin}/{name}"), origin, name.to_owned())
}

fn if_match(rng: &mut Rng, name: &str) -> IfMatch {
    match rng.u8(0..12) {
        0 => IfMatch::None,
        1 => IfMatch::Text("*"),
        2 => IfMatch::Text("W/\"0\""),
        3 => IfMatch::Of(name.to_owned(), -1),
        4 => IfMatch::Of(name.to_owned(), 5),
        _ => IfMatch::Of(name.to_owned(), 0),
    }
}

fn user_body(rng: &mut Rng, origin: &str, name: &str) -> Value {
    let spelt = if rarely(rng) { name.to_uppercase() } else { name.to_owned() };
    let mut body = json!({"userName": spelt, "origin": origin, "name": {}, "emails": [{"value": one(rng, &["a@x.test", "B@x.test"])}]});
    if rng.bool() {
        body["name"]["givenName"] = json!(one(rng, &["G", "Ü"]));
    }
    if rng.bool() {
        body["name"]["familyName"] = json!("F");
    }
    for (key, value) in [
        ("externalId", json!("ext")),
        ("phoneNumbers", json!([{"value": "+1 23"}])),
        ("active", json!(rng.bool())),
        ("verified", json!(rng.bool())),
    ] {
        if rng.bool() {
            body[key] = value;
        }
    }
    if rarely(rng) {
        match rng.u8(0..8) {
            0 => body["nosuch"] = json!(1),
            1 => body["emails"] = json!([]),
            2 => body["emails"] = json!([{"value": "a@x.test"}, {"value": "b@x.test"}]),
            3 => drop(body.as_object_mut().expect("an object").remove("name")),
            4 => drop(body.as_object_mut().expect("an object").remove("origin")),
            5 => body["active"] = Value::Null,
            6 => body["userName"] = json!(""),
            _ => body["salt"] = json!("salt"),
        }
    }
    body
}

fn user(rng: &mut Rng) -> Step {
    let (symbol, origin, name) = user_name(rng);
    let path = format!("/Users/«{symbol}»");
    match rng.u8(0..10) {
        0..4 => {
            let mut body = user_body(rng, origin, &name);
            if !rarely(rng) {
                body["password"] = json!("pw");
            }
            Step::new("POST", "/Users").json(body).makes(symbol)
        }
        4 => Step::new("GET", path),
        5..8 => {
            // Now and then a rename, onto a name that may be taken.
            let name = if rarely(rng) { user_name(rng).2 } else { name };
            let body = user_body(rng, origin, &name);
            let version = if_match(rng, &symbol);
            Step::new("PUT", path).json(body).if_match(version)
        }
        8 => {
            let name = if rng.bool() { name.to_uppercase() } else { name };
            let term = |attribute: &str, value: &str| format!("{attribute} eq {}", json!(value));
            let filter = match rng.u8(0..3) {
                0 => term("userName", &name),
                1 => format!("{} and {}", term("userName", &name), term("origin", origin)),
                _ => format!("id sw \"«{symbol}…»\" or {}", term("userName", "nobody")),
            };
            let filter = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
            // The name's own signs were encoded too.
            let filter = filter.replace("%C2%AB", "«").replace("%C2%BB", "»").replace("%E2%80%A6", "…");
            let filter = unescaped_name(&filter);
            Step::new(
                "GET",
                format!("/Users?sortBy=id&attributes={USER_ATTRIBUTES}&count=500&filter={filter}"),
            )
        }
        _ => Step::new("DELETE", path),
    }
}

/// Takes the encoding off between « and ».
fn unescaped_name(text: &str) -> String {
    match text.split_once('«').and_then(|(before, rest)| Some((before, rest.split_once('»')?))) {
        Some((before, (name, after))) => {
            let name = name.replace("%3A", ":").replace("%2F", "/").replace("%40", "@").replace('+', " ");
            format!("{before}«{name}»{after}")
        }
        None => text.to_owned(),
    }
}

fn group(rng: &mut Rng) -> Step {
    let name = one(rng, &GROUPS);
    let symbol = format!("g:{name}");
    let path = format!("/Groups/«{symbol}»");
    match rng.u8(0..10) {
        0..4 => {
            let mut body = json!({"displayName": name});
            if rng.bool() {
                body["description"] = json!(one(rng, &["d", "", "two words"]));
            }
            Step::new("POST", "/Groups").json(body).makes(symbol)
        }
        4 => Step::new("GET", path),
        5..8 => {
            let body = match rng.u8(0..4) {
                0 => json!({"meta": {"attributes": ["description"]}}),
                1 => json!({"description": ""}),
                _ => json!({"description": one(rng, &["d", "e"])}),
            };
            let version = if_match(rng, &symbol);
            Step::new("PATCH", path).json(body).if_match(version)
        }
        8 => {
            let name = if rng.bool() { name.to_uppercase() } else { name.to_owned() };
            let attributes = one(rng, &["id,displayName,description,members,zoneId", "id,zoneId"]);
            Step::new(
                "GET",
                format!(
                    "/Groups?sortBy=id&attributes={attributes}&count=500&filter=displayName+eq+%22{name}%22"
                ),
            )
        }
        _ => Step::new("DELETE", path),
    }
}

fn member(rng: &mut Rng) -> Step {
    let group = if rarely(rng) { "uaa.user" } else { one(rng, &GROUPS) };
    let path = format!("/Groups/«g:{group}»/members");
    let (member, is_group) = match rng.u8(0..6) {
        0 => (format!("g:{}", one(rng, &GROUPS)), true),
        1 => ("u:nobody".to_owned(), false),
        _ => (user_name(rng).0, false),
    };
    match rng.u8(0..8) {
        0..5 => {
            let mut body = json!({"value": format!("«{member}»"), "type": if is_group { "GROUP" } else { "USER" }, "origin": one(rng, &["uaa", "uaa", "ldap"])});
            if rarely(rng) {
                body.as_object_mut().expect("an object").remove(one(rng, &["type", "origin"]));
            }
            Step::new("POST", path).json(body)
        }
        5 => Step::new("DELETE", format!("{path}/«{member}»")),
        6 => Step::new("GET", format!("{path}/«{member}»")),
        _ => Step::new("GET", path),
    }
}

fn encoded(text: &str) -> String {
    use fmt::Write as _;
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() {
            true => encoded.push(char::from(byte)),
            false => write!(encoded, "%{byte:02X}").expect("a string grows"),
        }
    }
    encoded
}

fn mapping(rng: &mut Rng) -> Step {
    let group = if rarely(rng) { "nosuch" } else { one(rng, &GROUPS) };
    let (dn, origin) = (one(rng, &DNS), one(rng, &["ldap", "saml"]));
    match rng.u8(0..6) {
        0..3 => {
            let mut body = json!({"groupId": format!("«g:{group}»"), "externalGroup": if rarely(rng) { "" } else { dn }, "origin": origin});
            if rarely(rng) {
                body.as_object_mut().expect("an object").remove("origin");
            }
            Step::new("POST", "/Groups/External").json(body)
        }
        3 | 4 => Step::new(
            "DELETE",
            format!("/Groups/External/groupId/«g:{group}»/externalGroup/{}/origin/{origin}", encoded(dn)),
        ),
        _ => {
            let dn = encoded(&dn.trim().to_lowercase());
            Step::new(
                "GET",
                format!("/Groups/External?origin={origin}&externalGroup={dn}&startIndex=1&count=100000"),
            )
        }
    }
}

fn client_body(rng: &mut Rng, id: &str) -> Value {
    let grants = one(
        rng,
        &[
            json!(["client_credentials"]),
            json!(["authorization_code"]),
            json!(["password"]),
            json!(["client_credentials", "password", "refresh_token"]),
            json!(["implicit"]),
        ],
    );
    let mut body = json!({"client_id": id, "authorized_grant_types": grants});
    let optional = [
        ("scope", one(rng, &[json!(["a.b", "openid"]), json!([]), json!(["openid"])])),
        ("authorities", one(rng, &[json!(["scim.read", "pks.clusters.admin"]), json!(["uaa.none"])])),
        ("redirect_uri", json!(["https://a.example.com/x", "https://b.example.com/**"])),
        (
            "autoapprove",
            one(rng, &[json!(true), json!(false), json!([]), json!(["openid"]), json!(["other"])]),
        ),
        ("access_token_validity", json!(600)),
        ("refresh_token_validity", json!(1200)),
        ("required_user_groups", json!(["a.b"])),
        ("name", json!("N")),
        ("allowedproviders", json!(["uaa", "ldap"])),
        ("token_salt", json!("salt")),
        ("x_extra", one(rng, &[json!({"a": [1, "b"]}), json!("text")])),
        ("resource_ids", json!(["none"])),
    ];
    for (key, value) in optional {
        if rng.bool() || key == "redirect_uri" {
            body[key] = value;
        }
    }
    if rarely(rng) {
        match rng.u8(0..3) {
            0 => body["authorized_grant_types"] = json!([]),
            1 => body["authorized_grant_types"] = json!(["bogus"]),
            _ => drop(body.as_object_mut().expect("an object").remove("redirect_uri")),
        }
    }
    body
}

fn client(rng: &mut Rng) -> Step {
    let id = if rng.bool() { "ci" } else { one(rng, &CLIENTS) };
    let path = format!("/oauth/clients/{id}");
    match rng.u8(0..16) {
        0..4 => {
            let mut body = client_body(rng, id);
            if !rarely(rng) {
                body["client_secret"] = json!(one(rng, &SECRETS));
            }
            Step::new("POST", "/oauth/clients").json(body)
        }
        4 => Step::new("GET", path),
        5..8 => {
            let mut body = client_body(rng, id);
            body["action"] = json!("update");
            Step::new("POST", "/oauth/clients/tx/modify").json(json!([body]))
        }
        8 | 9 => Step::new("POST", "/oauth/clients/tx/modify")
            .json(json!([{"client_id": id, "client_secret": one(rng, &SECRETS), "action": "secret"}])),
        10 => {
            let mode = one(rng, &["ADD", "DELETE"]);
            let mut body = json!({"clientId": id, "changeMode": mode});
            if mode == "ADD" {
                body["secret"] = json!(one(rng, &["s1", "s2"]));
            }
            Step::new("PUT", format!("{path}/secret")).json(body)
        }
        11 => Step::new("GET", format!("{path}/meta")),
        12 => {
            let mut body = json!({"clientId": id});
            for (key, value) in [
                ("showOnHomePage", json!(rng.bool())),
                ("appLaunchUrl", json!("https://a.example.com")),
                ("appIcon", json!("aWNvbg==")),
            ] {
                if rng.bool() {
                    body[key] = value;
                }
            }
            Step::new("PUT", format!("{path}/meta")).json(body)
        }
        13 | 14 => {
            let grant = one(rng, &["client_credentials", "client_credentials", "uaapply_probe"]);
            let form = format!(
                "grant_type={grant}&client_id={id}&client_secret={}&token_format=opaque",
                one(rng, &SECRETS)
            );
            Step { form: Some(form), ..Step::new("POST", "/oauth/token") }
        }
        _ => Step::new("DELETE", path),
    }
}

fn list(rng: &mut Rng) -> Step {
    let ids = ["ci", "CI", "nosuch"];
    match rng.u8(0..6) {
        0 => Step::new("GET", "/Users?sortBy=id&startIndex=2&count=2"),
        1 => {
            Step::new("GET", format!("/Users?sortBy=id&attributes={USER_ATTRIBUTES}&startIndex=1&count=500"))
        }
        2 => Step::new(
            "GET",
            "/Groups?sortBy=id&attributes=id,displayName,description,members,zoneId&startIndex=1&count=500",
        ),
        3 => Step::new("GET", "/Groups?sortBy=id&attributes=id,zoneId&startIndex=3&count=2"),
        4 => Step::new(
            "GET",
            format!("/oauth/clients?sortBy=client_id&count=500&filter=client_id+eq+%22{}%22", one(rng, &ids)),
        ),
        _ => Step::new("GET", "/oauth/clients?sortBy=client_id&startIndex=2&count=2"),
    }
}
