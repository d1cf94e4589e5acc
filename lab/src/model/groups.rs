//! Groups and their rows (facts §4). As on HSQLDB, names that differ only in case are two groups.

use serde_json::{Value, json};

use super::filter::Filter;
use super::list::{Items, Page, attributes, projected};
use super::state::{meta, version};
use super::{Ask, Reply, State, users};

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// UAA's id.
    pub id: String,
    /// `meta.version`.
    pub version: i64,
    /// `displayName`.
    pub name: String,
    /// `description`.
    pub description: Option<String>,
    /// The rows.
    pub members: Vec<Row>,
}

/// A membership: one for a group and a member, whatever its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The member's id.
    pub member: String,
    /// Whether it is a group.
    pub is_group: bool,
    /// Who made the row: `uaa` an administrator, another a login.
    pub origin: String,
}

impl Row {
    fn json(&self) -> Value {
        json!({"value": self.member, "type": if self.is_group { "GROUP" } else { "USER" }, "origin": self.origin})
    }
}

impl Group {
    fn json(&self, zone: &str) -> Value {
        let members: Vec<Value> = self.members.iter().map(Row::json).collect();
        let mut group = json!({
            "id": self.id, "meta": meta(self.version), "displayName": self.name, "zoneId": zone, "members": members,
            "schemas": ["urn:scim:schemas:core:1.0"],
        });
        if let Some(description) = &self.description {
            group["description"] = json!(description);
        }
        group
    }
}

pub(super) fn not_found(id: &str) -> Reply {
    Reply::scim(404, "scim_resource_not_found", &format!("Group {id} does not exist"))
}

fn no_member(group: &str, member: &str) -> Reply {
    Reply::scim(404, "member_not_found", &format!("Member {member} does not exist in group {group}"))
}

impl State {
    pub(super) fn list_groups(&self, ask: &Ask) -> Result<Reply, Reply> {
        let page = Page::scim(ask, false)?;
        let filter = match ask.parameter("filter") {
            None => None,
            Some(text) => Some(
                Filter::parse(text, &["displayName", "id"])
                    .ok_or_else(|| Reply::not_played("this filter of groups"))?,
            ),
        };
        let mut found: Vec<&Group> = self.groups.iter().collect();
        match ask.parameter("sortBy") {
            Some("id") => found.sort_by(|one, other| one.id.cmp(&other.id)),
            None if page.is_one() => {}
            _ => return Err(Reply::not_played("groups in another order than by id")),
        }
        let value = |group: &Group, name: &str| match name {
            "id" => Some(group.id.clone()),
            "displayName" => Some(group.name.clone()),
            _ => None,
        };
        found.retain(|group| filter.as_ref().is_none_or(|filter| filter.matches(|name| value(group, name))));
        let attributes = attributes(ask);
        let rows = found.into_iter().map(|group| projected(group.json(&self.zone), attributes.as_deref()));
        Ok(page.reply(rows.collect(), None, Items::Asked))
    }

    pub(super) fn get_group(&self, id: &str) -> Result<Reply, Reply> {
        Ok(Reply::json(200, self.group(id).ok_or_else(|| not_found(id))?.json(&self.zone)))
    }

    pub(super) fn post_group(&mut self, ask: &Ask) -> Result<Reply, Reply> {
        let body = ask.object()?;
        if body.get("members").is_some_and(|members| *members != json!([])) {
            return Err(Reply::not_played("a new group with members"));
        }
        let Some(name) = body.get("displayName").and_then(Value::as_str).map(str::to_owned) else {
            return Err(Reply::constraint());
        };
        if self.groups.iter().any(|group| group.name == name) {
            let message = format!("A group with displayName: {name} already exists.");
            return Err(Reply::scim(409, "scim_resource_already_exists", &message));
        }
        let description = body.get("description").and_then(Value::as_str).map(str::to_owned);
        let group = Group { id: self.new_id(), version: 0, name, description, members: Vec::new() };
        let reply = Reply::json(201, group.json(&self.zone));
        self.groups.push(group);
        Ok(reply)
    }

    /// The description alone, as uaapply sends it. UAA merges the patch into what it reads and replaces the group.
    pub(super) fn patch_group(&mut self, id: &str, ask: &Ask) -> Result<Reply, Reply> {
        let body = ask.object()?;
        if body.keys().any(|key| key != "description" && key != "meta") {
            return Err(Reply::not_played("a PATCH of more than a group's description"));
        }
        let header = ask.if_match.as_deref();
        let header = header.ok_or_else(|| Reply::scim(400, "scim", "Missing If-Match for PATCH"))?;
        let zone = self.zone.clone();
        let current = self.group(id).map(|group| group.version);
        let wanted = match (header.trim().trim_matches('"'), current) {
            ("*", None) => return Err(not_found(id)),
            (_, current) => version(header, current.unwrap_or_default())?,
        };
        let group = self.group_mut(id).ok_or_else(|| not_found(id))?;
        // Trap 29: what fails bumps the version all the same.
        group.version += 1;
        if group.version - 1 != wanted {
            return Err(Reply::scim(409, "scim", "Incorrect result size: expected 1, actual 0"));
        }
        let cleared = &body.get("meta").cloned().unwrap_or_default()["attributes"];
        if cleared.as_array().is_some_and(|names| names.contains(&json!("description"))) {
            group.description = None;
        }
        if let Some(text) = body.get("description").and_then(Value::as_str) {
            group.description = Some(text.to_owned());
        }
        Ok(Reply::json(200, group.json(&zone)))
    }

    /// Replaces the rows of a group.
    pub(super) fn write_rows(&mut self, id: &str, rows: Vec<Row>) {
        if let Some(group) = self.group_mut(id) {
            group.members = rows;
        }
    }

    pub(super) fn delete_group(&mut self, id: &str, ask: &Ask) -> Result<Reply, Reply> {
        if ask.if_match.is_some() {
            return Err(Reply::not_played("DELETE of a group with If-Match"));
        }
        let at = self.groups.iter().position(|group| group.id == id).ok_or_else(|| not_found(id))?;
        let group = self.groups.remove(at);
        for other in &mut self.groups {
            other.members.retain(|row| row.member != id);
        }
        self.mappings.retain(|mapping| mapping.group != id);
        Ok(Reply::json(200, group.json(&self.zone)))
    }

    pub(super) fn list_members(&self, id: &str) -> Result<Reply, Reply> {
        let group = self.group(id).ok_or_else(|| not_found(id))?;
        Ok(Reply::json(200, Value::Array(group.members.iter().map(Row::json).collect())))
    }

    pub(super) fn get_member(&self, group: &str, member: &str) -> Result<Reply, Reply> {
        let found = self.group(group).and_then(|group| group.members.iter().find(|row| row.member == member));
        Ok(Reply::json(200, found.ok_or_else(|| no_member(group, member))?.json()))
    }

    pub(super) fn post_member(&mut self, id: &str, ask: &Ask) -> Result<Reply, Reply> {
        let body = ask.object()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some(member) = text("value") else { return Err(Reply::not_played("a member without `value`")) };
        let is_group = match text("type").as_deref() {
            None | Some("USER") => false,
            Some("GROUP") => true,
            Some(_) => return Err(Reply::not_played("another type of member")),
        };
        let origin = text("origin").unwrap_or_else(|| "uaa".to_owned());
        let exists = |message: &str| Err(Reply::scim(409, "member_already_exists", message));
        let group = self.group(id);
        if group.is_some_and(|group| self.default_groups.contains(&group.name)) {
            return exists("Trying to add member to default group");
        }
        if member == id {
            let message = "trying to nest group within itself, aborting";
            return Err(Reply::scim(400, "invalid_scim_resource", message));
        }
        let group = group.ok_or_else(|| not_found(id))?;
        match is_group {
            true => drop(self.group(&member).ok_or_else(|| not_found(&member))?),
            false => drop(self.user(&member).ok_or_else(|| users::not_found(&member))?),
        }
        if group.members.iter().any(|row| row.member == member) {
            return exists(&format!("{member} is already part of the group: {id}"));
        }
        let row = Row { member, is_group, origin };
        let reply = Reply::json(201, row.json());
        self.group_mut(id).ok_or_else(|| not_found(id))?.members.push(row);
        Ok(reply)
    }

    pub(super) fn delete_member(&mut self, id: &str, member: &str) -> Result<Reply, Reply> {
        // An unknown group has no member either.
        let group = self.group_mut(id).ok_or_else(|| no_member(id, member))?;
        let at =
            group.members.iter().position(|row| row.member == member).ok_or_else(|| no_member(id, member))?;
        Ok(Reply::json(200, group.members.remove(at).json()))
    }
}
