//! A request as the rules see it, and what they answer.

use reqwest::Url;
use serde_json::{Map, Value, json};

/// A request, whole.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// `GET`, …
    pub method: String,
    /// The path as it came, percent-encoded, without the query.
    pub path: String,
    /// The query's parameters, decoded.
    pub query: Vec<(String, String)>,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    /// The token of the `Authorization` header.
    pub bearer: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Ask {
    /// A request with a JSON body, or with none; `address` may have a query.
    #[must_use]
    pub fn new(method: &str, address: &str, body: Option<&Value>) -> Self {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs(query),
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The value of a query's parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as a form.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }

    /// The body as a JSON object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Reply> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(Reply::scim(400, "scim", "JSON parse error: it is no object")),
        }
    }

    /// The parts of the path, decoded; the error is what Tomcat and Spring's firewall say of some characters.
    pub(super) fn segments(&self) -> Result<Vec<String>, Reply> {
        let lower = self.path.to_ascii_lowercase();
        if ["%2f", "%5c"].iter().any(|refused| lower.contains(refused)) {
            return Err(Reply::html(400));
        }
        if ["%3b", "%25"].iter().any(|refused| lower.contains(refused)) {
            return Err(Reply::json(500, json!({})));
        }
        let parts = self.path.trim_matches('/').split('/');
        Ok(parts
            .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect())
    }
}

/// The pairs of a query or form.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    Url::parse(&format!("http://model/?{text}")).map_or_else(
        |_| Vec::new(),
        |url| url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
    )
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body; nothing for an empty one, a text for what is no JSON.
    pub body: Option<Value>,
}

impl Reply {
    /// An answer in JSON.
    #[must_use]
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body) }
    }

    /// An answer without body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, body: None }
    }

    /// A page of Tomcat's.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::json(status, Value::from(format!("<html><body><h1>HTTP Status {status}</h1></body></html>")))
    }

    /// An error of users and groups.
    #[must_use]
    pub fn scim(status: u16, word: &str, message: &str) -> Self {
        Self::json(status, json!({"error": word, "message": message, "error_description": message}))
    }

    /// An error of clients and tokens.
    #[must_use]
    pub fn oauth(status: u16, word: &str, message: &str) -> Self {
        Self::json(status, json!({"error": word, "error_description": message}))
    }

    /// What UAA says when it expected nothing of the kind.
    pub(super) fn unexpected() -> Self {
        Self::scim(500, "scim", "Unexpected error")
    }

    /// UAA's words for what a database constraint refuses.
    pub(super) fn constraint() -> Self {
        Self::scim(400, "scim", "PreparedStatementCallback; SQL")
    }

    /// What the model does not know.
    pub(super) fn not_played(what: &str) -> Self {
        Self::scim(501, "not_played", &format!("the model does not play this: {what}"))
    }

    /// Whether it says that all went well.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
