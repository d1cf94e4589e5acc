//! Which rule answers which request.

use serde_json::{Value, json};

use super::{Ask, Reply, State, VERSION, rights};

impl State {
    /// Handles a request whole: nothing comes between its reading and its writing.
    pub fn handle(&mut self, ask: &Ask) -> Reply {
        self.route(ask).unwrap_or_else(|refused| refused)
    }

    fn route(&mut self, ask: &Ask) -> Result<Reply, Reply> {
        let segments = ask.segments()?;
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (ask.method.as_str(), parts.as_slice()) {
            ("GET", ["info"]) => {
                return Ok(Reply::json(200, json!({"app": {"version": VERSION}, "zone_name": self.zone})));
            }
            ("GET", [".well-known", "openid-configuration"]) => {
                return Ok(Reply::json(200, json!({"issuer": "https://uaa.example.com/oauth/token"})));
            }
            ("POST", ["oauth", "token"]) => return self.token(ask),
            _ => {}
        }
        // Before anything else looks at the request.
        if self.limited && !matches!(ask.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            let message = "UAA is currently in limited mode and writes are refused.";
            return Err(Reply::json(503, json!({"error": "uaa_unavailable", "description": message})));
        }
        let scopes = self.scopes(ask.bearer.as_deref())?;
        rights::check(scopes, &ask.method, &parts)?;
        match (ask.method.as_str(), parts.as_slice()) {
            ("GET", ["Users"]) => self.list_users(ask),
            ("POST", ["Users"]) => self.post_user(ask),
            ("GET", ["Users", id]) => self.get_user(id),
            ("PUT", ["Users", id]) => self.put_user(id, ask),
            ("DELETE", ["Users", id]) => self.delete_user(id, ask),
            ("GET", ["Groups"]) => self.list_groups(ask),
            ("POST", ["Groups"]) => self.post_group(ask),
            ("GET", ["Groups", "External"]) => self.list_mappings(ask),
            ("POST", ["Groups", "External"]) => self.post_mapping(ask),
            (
                "DELETE",
                ["Groups", "External", "groupId", group, "externalGroup", external, "origin", origin],
            ) => self.delete_mapping(group, external, origin),
            ("GET", ["Groups", id]) => self.get_group(id),
            ("PATCH", ["Groups", id]) => self.patch_group(id, ask),
            ("DELETE", ["Groups", id]) => self.delete_group(id, ask),
            ("GET", ["Groups", id, "members"]) => self.list_members(id),
            ("POST", ["Groups", id, "members"]) => self.post_member(id, ask),
            ("GET", ["Groups", id, "members", member]) => self.get_member(id, member),
            ("DELETE", ["Groups", id, "members", member]) => self.delete_member(id, member),
            ("GET", ["oauth", "clients"]) => self.list_clients(ask),
            ("POST", ["oauth", "clients"]) => self.post_client(ask),
            ("POST", ["oauth", "clients", "tx", "modify"]) => self.modify_clients(ask),
            ("GET", ["oauth", "clients", id]) => self.get_client(id),
            ("DELETE", ["oauth", "clients", id]) => self.delete_client(id),
            ("PUT", ["oauth", "clients", id, "secret"]) => self.put_secret(id, ask),
            ("GET", ["oauth", "clients", id, "meta"]) => self.get_metadata(id),
            ("PUT", ["oauth", "clients", id, "meta"]) => self.put_metadata(id, ask),
            ("GET", ["identity-providers"]) => Ok(self.list_providers()),
            ("GET", ["identity-zones"]) => Ok(Reply::json(200, json!([self.zone_json()]))),
            ("GET", ["identity-zones", id]) if *id == self.zone => Ok(Reply::json(200, self.zone_json())),
            ("GET", ["identity-zones", _]) => Err(Reply::scim(404, "zone_not_found", "Zone does not exist")),
            _ => Err(Reply::not_played(&format!("{} {}", ask.method, ask.path))),
        }
    }

    fn list_providers(&self) -> Reply {
        let provider =
            |origin: &String| json!({"originKey": origin, "type": origin, "name": origin, "active": true});
        Reply::json(200, Value::Array(self.providers.iter().map(provider).collect()))
    }

    fn zone_json(&self) -> Value {
        json!({"id": self.zone, "subdomain": "", "name": self.zone, "active": true,
            "config": {"userConfig": {"defaultGroups": self.default_groups}}})
    }
}
