//! External group mappings (facts §5): stored trimmed and in lower case, looked up with LIKE after the write.

use serde_json::{Value, json};

use super::list::{Items, Page};
use super::state::meta;
use super::{Ask, Reply, State};

/// A mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The group's id.
    pub group: String,
    /// The identity provider.
    pub origin: String,
    /// The name there.
    pub external_group: String,
}

impl State {
    fn mapping_json(&self, mapping: &Mapping, whole: bool) -> Value {
        let name = self.group(&mapping.group).map(|group| group.name.clone()).unwrap_or_default();
        let mut json = json!({"groupId": mapping.group, "displayName": name, "externalGroup": mapping.external_group,
            "origin": mapping.origin});
        if whole {
            json["meta"] = meta(0);
            json["schemas"] = json!(["urn:scim:schemas:core:1.0"]);
        }
        json
    }

    pub(super) fn list_mappings(&self, ask: &Ask) -> Result<Reply, Reply> {
        if ask.parameter("filter").is_some() {
            return Err(Reply::not_played("the filter of mappings"));
        }
        let page = Page::of(ask, true, None)?;
        let is = |name: &str, value: &str| ask.parameter(name).is_none_or(|wanted| wanted == value);
        let found = self
            .mappings
            .iter()
            .filter(|mapping| is("origin", &mapping.origin) && is("externalGroup", &mapping.external_group));
        Ok(page.reply(found.map(|mapping| self.mapping_json(mapping, false)).collect(), None, Items::Here))
    }

    /// Another word than elsewhere.
    fn must_have_group(&self, id: &str) -> Result<(), Reply> {
        match self.group(id) {
            Some(_) => Ok(()),
            None => Err(Reply::scim(404, "scim", &format!("Group {id} does not exist"))),
        }
    }

    /// The mapping that UAA finds by LIKE, in which `_` and `%` stand for others too (trap 38).
    fn find_mapping(&self, group: &str, external: &str, origin: &str) -> Result<&Mapping, Reply> {
        let mut found = self.mappings.iter().filter(|mapping| {
            mapping.group == group
                && mapping.origin == origin
                && is_like(&mapping.external_group, &external.to_lowercase())
        });
        match (found.next(), found.next()) {
            (Some(mapping), None) => Ok(mapping),
            (Some(_), Some(_)) => Err(Reply::unexpected()),
            (None, _) => {
                let message = format!(
                    "The mapping between groupId {group} and external group {external} does not exist"
                );
                Err(Reply::scim(404, "scim", &message))
            }
        }
    }

    pub(super) fn post_mapping(&mut self, ask: &Ask) -> Result<Reply, Reply> {
        let body = ask.object()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some(group) = text("groupId") else {
            return Err(Reply::not_played("a mapping without `groupId`"));
        };
        // Trap 37.
        let origin = text("origin").filter(|origin| !origin.is_empty()).unwrap_or_else(|| "ldap".to_owned());
        self.must_have_group(&group)?;
        let external = text("externalGroup").unwrap_or_default().trim().to_lowercase();
        if external.is_empty() {
            let message = "external group must not be null when mapping an external group";
            return Err(Reply::scim(412, "scim_resource_constraint_failed", message));
        }
        let mapping =
            Mapping { group: group.clone(), origin: origin.clone(), external_group: external.clone() };
        if !self.mappings.contains(&mapping) {
            self.mappings.push(mapping);
        }
        let found = self.find_mapping(&group, &external, &origin)?;
        Ok(Reply::json(201, self.mapping_json(found, true)))
    }

    pub(super) fn delete_mapping(
        &mut self,
        group: &str,
        external: &str,
        origin: &str,
    ) -> Result<Reply, Reply> {
        self.must_have_group(group)?;
        let external = external.trim();
        let found = self.find_mapping(group, external, origin)?.clone();
        let reply = Reply::json(200, self.mapping_json(&found, true));
        self.mappings.retain(|mapping| {
            mapping.group != group
                || mapping.origin != origin
                || mapping.external_group != external.to_lowercase()
        });
        Ok(reply)
    }
}

/// SQL's LIKE, as HSQLDB has it: nothing escapes.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '%' => (0..=text.len()).filter(|&at| text.is_char_boundary(at)).any(|at| is_like(&text[at..], rest)),
        _ => text
            .chars()
            .next()
            .is_some_and(|c| (first == '_' || first == c) && is_like(&text[c.len_utf8()..], rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn like_takes_one_character_for_an_underscore_and_any_text_for_a_percent_sign() {
        for (text, pattern, is) in [
            ("cn=axb", "cn=a_b", true),
            ("cn=ab", "cn=a_b", false),
            ("cn=ab", "cn=%", true),
            ("cn=ab", "cn=a", false),
            ("", "", true),
        ] {
            assert_eq!(is_like(text, pattern), is, "{text} {pattern}");
        }
    }
}
