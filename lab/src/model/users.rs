//! Users (facts §2): names ignoring case within an origin, one e-mail address, one phone number, PUT replaces all.

use serde_json::{Map, Value, json};

use super::filter::Filter;
use super::list::{Items, Page, attributes, projected};
use super::state::{TIME, meta, version};
use super::{Ask, Reply, State};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// UAA's id.
    pub id: String,
    /// `meta.version`.
    pub version: i64,
    /// `userName`.
    pub user_name: String,
    /// The identity provider.
    pub origin: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// `name.givenName`.
    pub given_name: Option<String>,
    /// `name.familyName`.
    pub family_name: Option<String>,
    /// The one e-mail address.
    pub email: String,
    /// The one phone number.
    pub phone: Option<String>,
    /// Whether the user may log in.
    pub active: bool,
    /// Whether the address is verified.
    pub verified: bool,
    /// `salt`.
    pub salt: Option<String>,
    /// The password, which no answer tells.
    pub password: String,
}

/// What a body may name (4.30 knows no alias).
const KNOWN: [&str; 25] = [
    "id",
    "externalId",
    "userName",
    "name",
    "emails",
    "phoneNumbers",
    "active",
    "verified",
    "origin",
    "salt",
    "password",
    "zoneId",
    "groups",
    "approvals",
    "meta",
    "schemas",
    "displayName",
    "nickName",
    "title",
    "userType",
    "locale",
    "timezone",
    "profileUrl",
    "preferredLanguage",
    "passwordLastModified",
];

const FILTERED: [&str; 3] = ["id", "userName", "origin"];

/// What a body says of a user.
struct Said {
    user_name: String,
    origin: String,
    external_id: Option<String>,
    /// Nothing: a PUT fails.
    name: Option<(Option<String>, Option<String>)>,
    emails: Vec<String>,
    phone: Option<String>,
    active: bool,
    verified: bool,
    salt: Option<String>,
    password: Option<String>,
    version: i64,
}

impl Said {
    fn of(body: &Map<String, Value>) -> Result<Self, Reply> {
        let known = |name: &String| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name));
        if !body.keys().all(known) {
            return Err(Reply::scim(400, "scim", "JSON parse error: unrecognized field"));
        }
        let key =
            |name: &str| body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let fails_on_null = ["emails", "groups", "approvals", "active", "verified"];
        if fails_on_null.iter().any(|name| key(name).is_some_and(Value::is_null)) {
            return Err(Reply::unexpected());
        }
        let odd = |name: &str| Reply::not_played(&format!("a user's `{name}` of this type"));
        let text = |name: &str| match key(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(odd(name)),
        };
        let flag = |name: &str| match key(name) {
            // Traps 3 and 7.
            None => Ok(true),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(odd(name)),
        };
        let values = |name: &str| -> Result<Vec<String>, Reply> {
            let rows = match key(name) {
                None | Some(Value::Null) => return Ok(Vec::new()),
                Some(Value::Array(rows)) => rows,
                Some(_) => return Err(odd(name)),
            };
            rows.iter().map(|row| row["value"].as_str().map(str::to_owned).ok_or_else(|| odd(name))).collect()
        };
        let name = match key("name") {
            None | Some(Value::Null) => None,
            Some(Value::Object(name)) => {
                let part = |part: &str| name.get(part).and_then(Value::as_str).map(str::to_owned);
                Some((part("givenName"), part("familyName")))
            }
            Some(_) => return Err(odd("name")),
        };
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Ok(Self {
            user_name: text("userName")?.unwrap_or_default(),
            origin: text("origin")?.filter(|origin| !origin.is_empty()).unwrap_or_else(|| "uaa".to_owned()),
            external_id: given(text("externalId")?),
            name,
            emails: values("emails")?,
            phone: values("phoneNumbers")?.into_iter().next(),
            active: flag("active")?,
            verified: flag("verified")?,
            salt: text("salt")?,
            password: text("password")?,
            // Trap 11: a POST's seeds the version.
            version: key("meta").and_then(|meta| meta["version"].as_i64()).unwrap_or(0),
        })
    }

    /// `ScimUtils.validate`.
    fn validate(&self) -> Result<(), Reply> {
        let invalid = |message: &str| Err(Reply::scim(400, "invalid_scim_resource", message));
        if self.user_name.is_empty() {
            return invalid("A username must be provided.");
        }
        let plain = |c: char| c.is_alphabetic() || c.is_ascii_digit() || "+-_.@'!".contains(c);
        if self.origin == "uaa" && !self.user_name.chars().all(plain) {
            return invalid(r"Username must match pattern: [\p{L}+0-9+\-_.@'!]+");
        }
        match self.emails.as_slice() {
            [email] if !email.is_empty() => Ok(()),
            [_] => invalid("An email must be provided."),
            _ => invalid("Exactly one email must be provided."),
        }
    }
}

impl User {
    fn json(&self, zone: &str) -> Value {
        let mut name = Map::new();
        let mut user = json!({
            "id": self.id, "meta": meta(self.version), "userName": self.user_name,
            "emails": [{"value": self.email, "primary": false}], "active": self.active, "verified": self.verified,
            "origin": self.origin, "zoneId": zone, "passwordLastModified": TIME, "schemas": ["urn:scim:schemas:core:1.0"],
        });
        for (key, value) in [("givenName", &self.given_name), ("familyName", &self.family_name)] {
            if let Some(value) = value {
                name.insert(key.to_owned(), json!(value));
            }
        }
        user["name"] = Value::Object(name);
        for (key, value) in [("externalId", &self.external_id), ("salt", &self.salt)] {
            if let Some(value) = value {
                user[key] = json!(value);
            }
        }
        if let Some(phone) = &self.phone {
            user["phoneNumbers"] = json!([{"value": phone}]);
        }
        user
    }

    /// Whether these name one user (facts §2.3).
    fn is(&self, origin: &str, user_name: &str) -> bool {
        self.origin == origin && self.user_name.to_lowercase() == user_name.to_lowercase()
    }
}

pub(super) fn not_found(id: &str) -> Reply {
    Reply::scim(404, "scim_resource_not_found", &format!("User {id} does not exist"))
}

impl State {
    pub(super) fn list_users(&self, ask: &Ask) -> Result<Reply, Reply> {
        let page = Page::scim(ask, true)?;
        let filter = match ask.parameter("filter") {
            None => None,
            Some(text) => Some(
                Filter::parse(text, &FILTERED).ok_or_else(|| Reply::not_played("this filter of users"))?,
            ),
        };
        if ask.parameter("sortBy") != Some("id") {
            return Err(Reply::not_played("users in another order than by id"));
        }
        let value = |user: &User, name: &str| match name {
            "id" => Some(user.id.clone()),
            "userName" => Some(user.user_name.clone()),
            "origin" => Some(user.origin.clone()),
            _ => None,
        };
        let is_meant =
            |user: &&User| filter.as_ref().is_none_or(|filter| filter.matches(|name| value(user, name)));
        let mut found: Vec<&User> = self.users.iter().filter(is_meant).collect();
        found.sort_by(|one, other| one.id.cmp(&other.id));
        let attributes = attributes(ask);
        let rows = found.into_iter().map(|user| projected(user.json(&self.zone), attributes.as_deref()));
        Ok(page.reply(rows.collect(), None, Items::Asked))
    }

    pub(super) fn get_user(&self, id: &str) -> Result<Reply, Reply> {
        let user = self.user(id).ok_or_else(|| not_found(id))?;
        Ok(Reply::json(200, user.json(&self.zone)))
    }

    pub(super) fn post_user(&mut self, ask: &Ask) -> Result<Reply, Reply> {
        let said = Said::of(&ask.object()?)?;
        let password = match said.origin.as_str() {
            "uaa" => said.password.clone().unwrap_or_default(),
            _ => String::new(),
        };
        said.validate()?;
        if said.origin == "uaa" && password.is_empty() {
            let message = "Password must be at least 1 characters in length.";
            return Err(Reply::scim(400, "invalid_password", message));
        }
        if let Some(other) = self.users.iter().find(|user| user.is(&said.origin, &said.user_name)) {
            let message = format!("Username already in use: {}", other.user_name);
            let mut reply = Reply::scim(409, "scim_resource_already_exists", &message);
            if let Some(body) = &mut reply.body {
                body["user_id"] = json!(other.id);
                body["active"] = json!(other.active);
                body["verified"] = json!(other.verified);
            }
            return Err(reply);
        }
        let (given_name, family_name) = said.name.unwrap_or_default();
        let user = User {
            id: self.new_id(),
            version: said.version,
            user_name: said.user_name,
            origin: said.origin,
            external_id: said.external_id,
            given_name,
            family_name,
            email: said.emails.into_iter().next().unwrap_or_default(),
            phone: said.phone,
            active: said.active,
            verified: said.verified,
            salt: said.salt,
            password,
        };
        let reply = Reply::json(201, user.json(&self.zone));
        self.users.push(user);
        Ok(reply)
    }

    pub(super) fn put_user(&mut self, id: &str, ask: &Ask) -> Result<Reply, Reply> {
        let said = Said::of(&ask.object()?)?;
        let header = ask.if_match.as_deref();
        let header = header.ok_or_else(|| Reply::scim(400, "scim", "Missing If-Match for PUT"))?;
        let current = self.user(id).map(|user| user.version);
        let wanted = match (header.trim().trim_matches('"'), current) {
            ("*", None) => return Err(not_found(id)),
            (_, current) => version(header, current.unwrap_or_default())?,
        };
        said.validate()?;
        // Trap 6, before anything is looked up.
        let Some((given_name, family_name)) = said.name.clone() else { return Err(Reply::unexpected()) };
        let current = current.ok_or_else(|| not_found(id))?;
        if current != wanted {
            let message = format!(
                "Attempt to update a user ({id}) with wrong version: expected={current} but found={wanted}"
            );
            return Err(Reply::scim(409, "scim_resource_conflict", &message));
        }
        if self.users.iter().any(|user| user.id != id && user.is(&said.origin, &said.user_name)) {
            return Err(Reply::constraint());
        }
        let zone = self.zone.clone();
        let user = self.user_mut(id).ok_or_else(|| not_found(id))?;
        *user = User {
            id: user.id.clone(),
            version: user.version + 1,
            user_name: said.user_name,
            // Trap 5: without one, the user moves to `uaa`.
            origin: said.origin,
            external_id: said.external_id,
            given_name,
            family_name,
            email: said.emails.into_iter().next().unwrap_or_default(),
            phone: said.phone,
            active: said.active,
            verified: said.verified,
            salt: said.salt,
            password: user.password.clone(),
        };
        Ok(Reply::json(200, user.json(&zone)))
    }

    /// Before 76.15 only rows of the user's own origin go along; others outlive it (trap 14).
    pub(super) fn delete_user(&mut self, id: &str, ask: &Ask) -> Result<Reply, Reply> {
        if ask.if_match.is_some() {
            return Err(Reply::not_played("DELETE of a user with If-Match"));
        }
        let at = self.users.iter().position(|user| user.id == id).ok_or_else(|| not_found(id))?;
        let user = self.users.remove(at);
        for group in &mut self.groups {
            group.members.retain(|row| row.member != id || row.origin != user.origin);
        }
        Ok(Reply::json(200, user.json(&self.zone)))
    }
}
