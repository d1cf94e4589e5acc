//! Text from a server, made fit to show: known secrets masked, control and invisible characters made visible.
//!
//! Decides what counts as a known secret and how it may be spelt in an answer. Never decides what is shown where,
//! and never changes a name that goes into `Observed`: those stay raw.

use std::sync::{PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

use crate::plan::FieldValue;
use crate::visible::visible;

/// The fewest characters of a value that is masked. Shorter ones stand in half the words there are: masking them would
/// make an answer unreadable, and where the holes are would tell the letters.
const SHORTEST: usize = 4;

/// Whether a value is too short to be masked.
pub(super) fn is_too_short(secret: &SecretString) -> bool {
    secret.expose_secret().chars().nth(SHORTEST - 1).is_none()
}

/// The secrets that no text may hold. Learns more of them on the way: tokens, and the salts of users.
#[derive(Debug, Default)]
pub(super) struct Mask {
    /// In each spelling, every one once.
    known: RwLock<Vec<SecretString>>,
}

impl Mask {
    /// Takes the secrets that are known from the start.
    pub(super) fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mask = Self::default();
        for secret in secrets {
            mask.learn(&secret);
        }
        mask
    }

    /// Masks this value too from now on, if it is long enough.
    pub(super) fn learn(&self, secret: &SecretString) {
        if is_too_short(secret) {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for spelling in spellings(secret.expose_secret()) {
            if known.iter().all(|other| other.expose_secret() != spelling) {
                known.push(SecretString::from(spelling));
            }
        }
    }

    /// Returns the text as it may be shown. One pass: what stands for one secret is not searched for another, and
    /// where two overlap, both are gone.
    pub(super) fn text(&self, text: &str) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut shown = String::with_capacity(text.len());
        let mut masked_to = 0;
        for (at, c) in text.char_indices() {
            let here = known.iter().map(ExposeSecret::expose_secret);
            let longest = here.filter(|secret| text[at..].starts_with(secret)).map(str::len).max();
            if let Some(length) = longest {
                if at >= masked_to {
                    shown.push_str(FieldValue::REDACTED);
                }
                masked_to = masked_to.max(at + length);
            }
            if at >= masked_to {
                shown.push(c);
            }
        }
        visible(&shown)
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

    fn mask(secrets: &[&str]) -> Mask {
        Mask::new(secrets.iter().map(|&secret| SecretString::from(secret)))
    }

    #[test]
    fn a_secret_is_masked_in_every_spelling_an_answer_may_use() {
        let mask = mask(&[r#"p"q&r s"#]);
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
    fn what_stands_for_a_secret_is_not_masked_again() {
        assert_eq!(mask(&["abcd", "redacted", "((re"]).text("abcd redacted"), "((redacted)) ((redacted))");
    }

    #[test]
    fn the_longest_secret_wins_and_overlapping_ones_leave_no_rest() {
        let mask = mask(&["abcd", "abcdef", "efgh", "ghij"]);
        assert_eq!(mask.text("-abcdef-"), "-((redacted))-");
        assert_eq!(mask.text("-abcdefgh-"), "-((redacted))-");
        assert_eq!(mask.text("-abcdefghij-"), "-((redacted))-");
        assert_eq!(mask.text("-abcdabcd-"), "-((redacted))((redacted))-");
    }

    #[test]
    fn values_too_short_to_be_masked_leave_the_words_whole() {
        let mask = mask(&["", "a", "se", "use", "éèê"]);
        assert_eq!(mask.text("user a is in use, éèê"), "user a is in use, éèê");
        assert_eq!(mask.known.read().map(|known| known.len()).unwrap_or_default(), 0);
        assert!(!is_too_short(&SecretString::from("éèêë")));
    }

    #[test]
    fn the_debug_form_of_a_mask_shows_nothing() {
        assert!(!format!("{:?}", Mask::new([SecretString::from("canary")])).contains("canary"));
    }
}
