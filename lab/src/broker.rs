//! The clusters of the foundation, and who may see which. Pure but for reading the file; never asks UAA.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One cluster of the broker file, with the names of fields that the product's API gives them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) uuid: String,
    pub(crate) owner: String,
    pub(crate) plan_name: String,
    #[serde(default = "created")]
    pub(crate) last_action: String,
    #[serde(default = "succeeded")]
    pub(crate) last_action_state: String,
    pub(crate) kubernetes_master_host: String,
}

fn created() -> String {
    "CREATE".to_owned()
}

fn succeeded() -> String {
    "succeeded".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    clusters: Vec<Cluster>,
}

/// What a token lets its bearer see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Every cluster.
    All,
    /// The clusters of this owner.
    Own(String),
    /// None: the token has no scope of the PKS API.
    Nothing,
}

impl Sight {
    /// From the claims of a valid token, as UAA's introspection tells them.
    pub(crate) fn of(claims: &Value) -> Self {
        let has = |wanted: &str| match &claims["scope"] {
            Value::Array(scopes) => scopes.iter().any(|scope| scope == wanted),
            Value::String(scopes) => scopes.split_whitespace().any(|scope| scope == wanted),
            _ => false,
        };
        if has("pks.clusters.admin") || has("pks.clusters.admin.read") {
            return Self::All;
        }
        // A client's own token has no user_name.
        let bearer = claims["user_name"].as_str().or_else(|| claims["client_id"].as_str());
        match bearer {
            Some(bearer) if has("pks.clusters.manage") => Self::Own(bearer.to_owned()),
            _ => Self::Nothing,
        }
    }

    /// The clusters among these that the bearer sees, in the file's order.
    pub(crate) fn among(&self, clusters: Vec<Cluster>) -> Vec<Cluster> {
        clusters
            .into_iter()
            .filter(|cluster| match self {
                Self::All => true,
                Self::Own(owner) => cluster.owner == *owner,
                Self::Nothing => false,
            })
            .collect()
    }
}

/// Reads the broker file.
pub(crate) fn read(path: &Path) -> Result<Vec<Cluster>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Cluster>, String> {
    serde_saphyr::from_str::<File>(text).map(|file| file.clusters).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Sight, parse};

    #[test]
    fn a_token_shows_what_its_scopes_say() {
        let own = |name: &str| Sight::Own(name.to_owned());
        for (claims, sight) in [
            (json!({"user_name": "cody", "scope": ["pks.clusters.admin"]}), Sight::All),
            (json!({"user_name": "rita", "scope": ["pks.clusters.admin.read"]}), Sight::All),
            (json!({"user_name": "alana", "scope": ["openid", "pks.clusters.manage"]}), own("alana")),
            (json!({"user_name": "alana", "scope": "openid pks.clusters.manage"}), own("alana")),
            (
                json!({"user_name": "both", "scope": ["pks.clusters.manage", "pks.clusters.admin"]}),
                Sight::All,
            ),
            (json!({"client_id": "ci", "scope": ["pks.clusters.admin"]}), Sight::All),
            (json!({"client_id": "ci", "scope": ["pks.clusters.manage"]}), own("ci")),
            (json!({"user_name": "dana", "scope": ["openid"]}), Sight::Nothing),
            (
                json!({"user_name": "dana", "scope": ["pks.clusters.administrator", "xpks.clusters.manage"]}),
                Sight::Nothing,
            ),
            (json!({"user_name": "dana"}), Sight::Nothing),
            (json!({"scope": ["pks.clusters.manage"]}), Sight::Nothing),
        ] {
            assert_eq!(Sight::of(&claims), sight, "{claims}");
        }
    }

    #[test]
    fn the_labs_own_broker_file_has_two_clusters_of_alanas_and_one_of_codys() {
        let clusters = parse(include_str!("../broker.yml")).expect("it is ours");
        let names = |sight: Sight| -> Vec<String> {
            sight.among(clusters.clone()).into_iter().map(|cluster| cluster.name).collect()
        };
        assert_eq!(names(Sight::Own("alana".into())), ["shop-prod", "shop-staging"]);
        assert_eq!(names(Sight::Own("cody".into())), ["data-lake"]);
        assert_eq!(names(Sight::All).len(), 5);
        assert!(names(Sight::Nothing).is_empty());
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        let file = |owner: &str| {
            format!("clusters: [{{name: a, uuid: u, {owner}: b, plan_name: c, kubernetes_master_host: h}}]")
        };
        assert_eq!(parse(&file("owner")).expect("complete")[0].last_action_state, "succeeded");
        assert!(parse(&file("ovner")).is_err());
    }
}
