//! Whatever the server says, made fit to be shown: known secrets masked, invisible characters made visible.

use std::sync::Mutex;

use secrecy::{ExposeSecret, SecretString};

use crate::plan::FieldValue;

/// The longest text of a server that is shown.
const SHOWN: usize = 600;

/// Knows the secrets that must never be shown.
pub(super) struct Mask {
    secrets: Mutex<Vec<SecretString>>,
}

impl Mask {
    /// Knows these secrets.
    pub(super) fn new(secrets: Vec<SecretString>) -> Self {
        Self { secrets: Mutex::new(secrets) }
    }

    /// Learns one more: a token.
    pub(super) fn learn(&self, secret: SecretString) {
        if let Ok(mut secrets) = self.secrets.lock() {
            secrets.push(secret);
        }
    }

    /// Returns `text` without secrets, without characters that could forge output, and not endless.
    pub(super) fn show(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Ok(secrets) = self.secrets.lock() {
            for secret in
                secrets.iter().map(|secret| secret.expose_secret()).filter(|secret| !secret.is_empty())
            {
                text = text.replace(secret, FieldValue::REDACTED);
            }
        }
        let mut shown: String = text.chars().take(SHOWN).flat_map(visible).collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        shown
    }
}

/// Returns the character, or its escape when a terminal would not show it as one plain character.
fn visible(c: char) -> impl Iterator<Item = char> {
    let hidden = c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    let (escaped, plain) = if hidden { (Some(c.escape_unicode()), None) } else { (None, Some(c)) };
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_the_server_echoes_is_masked_and_a_forged_line_is_visible() {
        let mask = Mask::new(vec!["s3cret".into()]);
        assert_eq!(mask.show("bad s3cret\n\u{1b}[2J\u{202e}x"), "bad ((redacted))\\u{a}\\u{1b}[2J\\u{202e}x");
    }

    #[test]
    fn a_page_of_html_is_cut() {
        assert_eq!(Mask::new(vec![]).show(&"x".repeat(10_000)).chars().count(), SHOWN + 1);
    }
}
