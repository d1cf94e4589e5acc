//! Text from a server, made fit to show: known secrets masked, control and invisible characters made visible.
//!
//! Decides what counts as a known secret and how it may be spelt in an answer. Never decides what is shown where,
//! and never changes a name that goes into `Observed`: those stay raw.

use std::sync::{PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

use crate::plan::FieldValue;
use crate::visible::visible;

/// The secrets that no text may hold. Learns more of them on the way: tokens, and the salts of users.
#[derive(Debug, Default)]
pub(super) struct Mask {
    known: RwLock<Vec<SecretString>>,
}

impl Mask {
    /// Takes the secrets that are known from the start.
    pub(super) fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mask = Self::default();
        for secret in secrets {
            mask.learn(secret);
        }
        mask
    }

    /// Masks this value too from now on.
    pub(super) fn learn(&self, secret: SecretString) {
        if secret.expose_secret().is_empty() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|other| other.expose_secret() == secret.expose_secret()) {
            return;
        }
        known.push(secret);
        // Longest first: a secret inside a longer one must not leave the longer one's rest behind.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
    }

    /// Returns the text as it may be shown.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.known.read().unwrap_or_else(PoisonError::into_inner).iter() {
            for spelling in spellings(secret.expose_secret()) {
                if text.contains(&spelling) {
                    text = text.replace(&spelling, FieldValue::REDACTED);
                }
            }
        }
        visible(&text)
    }
}

/// The ways in which an answer may spell a value: as it is, inside JSON, inside HTML (77.x escapes its messages),
/// inside a form or an address.
fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut all =
        vec![secret.to_owned(), json[1..json.len() - 1].to_owned(), html, form.replace('+', "%20"), form];
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_in_every_spelling_an_answer_may_use() {
        let mask = Mask::new([SecretString::from(r#"p"q&r s"#), SecretString::from("p")]);
        for text in [
            r#"x p"q&r s y"#,
            r#"x p\"q&r s y"#,
            "x p&quot;q&amp;r s y",
            "x p%22q%26r+s y",
            "x p%22q%26r%20s y",
        ] {
            assert_eq!(mask.text(text), "x ((redacted)) y");
        }
    }

    #[test]
    fn the_debug_form_of_a_mask_shows_nothing() {
        assert!(!format!("{:?}", Mask::new([SecretString::from("canary")])).contains("canary"));
    }
}
