//! What must never be shown: which keys name a secret, and what of a line hides with them.
//!
//! A frame shows one line of the user's file, and that file may hold passwords, spelt right or wrong, in any form of
//! YAML or in none. Where the file parses, `tree` knows the exact ranges; where it does not, whole lines are guessed
//! here, and rather hidden than shown.

/// What stands in place of hidden text.
pub(super) const HIDDEN: &str = "***";

/// Tells whether a key, however misspelt, looks as if its value were a secret.
pub(crate) fn names_a_secret(key: &str) -> bool {
    match key {
        "username"
        | "email"
        | "origin"
        | "groups"
        | "given_name"
        | "family_name"
        | "cluster_access"
        | "name"
        | "description"
        | "members"
        | "additive"
        | "group"
        | "external_groups"
        | "users"
        | "active"
        | "external_id"
        | "verified"
        | "phone"
        | "version"
        | "target"
        | "absent_members"
        | "clients"
        | "client_id"
        | "authorized_grant_types"
        | "access_token_validity"
        | "refresh_token_validity" => {
            return false;
        }
        "password" => return true,
        _ => {}
    }
    let key: String =
        key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(80).collect();
    const PARTS: [&str; 10] =
        ["pass", "pasw", "pwd", "secret", "token", "credential", "salt", "private", "apikey", "signing"];
    key == "pw"
        || key == "key"
        || key.ends_with("key")
        || PARTS.iter().any(|part| key.contains(part))
        || near(&key, "password", 3)
        || near(&key, "secret", 2)
}

/// Tells whether a word is a misspelling of another.
fn near(word: &str, of: &str, most: usize) -> bool {
    word.len() + most >= of.len() && word.len() <= of.len() + most && strsim::osa_distance(word, of) <= most
}

/// Returns where, inside a text of one line, a secret begins that a secret-looking word announces.
///
/// `loose`: a blank after the word is enough; else it takes `:` or `=`.
pub(super) fn announced(text: &str, loose: bool) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let word_len =
            rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_len);
        if word.is_empty() {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        if names_a_secret(word) {
            let strict = after.trim_start_matches(['"', '\'', ' ', '\t']).starts_with([':', '=', '?']);
            if !after.trim().is_empty() && (strict || (loose && after.starts_with([' ', '\t', '"', '\'']))) {
                return Some(at + word_len + separator(after));
            }
        }
        at += word_len;
    }
    None
}

/// Returns how long the signs are that part a word from its value: they are no secret.
fn separator(after: &str) -> usize {
    let blank = [' ', '\t'];
    let quoted = after.trim_start_matches(['"', '\'']).trim_start_matches(blank);
    let value = match quoted.strip_prefix([':', '=', '?']) {
        Some(value) => value,
        None => after,
    };
    after.len() - value.trim_start_matches(blank).len()
}

/// Returns a text for a message, cut off where a secret is announced in it.
pub(super) fn without_secret(text: &str) -> String {
    match announced(text, true) {
        Some(at) if at < text.len() => format!("{}{HIDDEN}", &text[..at]),
        Some(_) | None => text.to_owned(),
    }
}

/// Returns the ranges of one line that hide, in a text that could not be parsed.
///
/// Looks back from the line: it may continue a secret that began on a line before (a block scalar, an open quote).
pub(super) fn guess(text: &str, line: std::ops::Range<usize>) -> Vec<(usize, usize)> {
    let mut open_since: Option<usize> = None;
    let mut waiting = false;
    let mut start = 0;
    for raw in text[..line.start].split_inclusive('\n') {
        let content = raw.trim_end_matches(['\n', '\r']);
        let indent = indent(content);
        if content.trim().is_empty() {
            start += raw.len();
            continue;
        }
        let continues = open_since.is_some_and(|at| continues_at(content, at));
        let announced = announced(content, true);
        // A value that begins on the next line belongs to the word whatever its indentation.
        let waits = bare(content).is_some();
        if waiting && !waits {
            open_since = Some(open_since.unwrap_or(indent).min(indent));
        }
        waiting = waits;
        if let Some(at) = announced.or_else(|| bare(content)) {
            let value =
                content[at..].trim_start_matches(['"', '\'']).trim_start_matches([' ', '\t', ':', '=', '?']);
            if opens_quote(value) || value.starts_with(['[', '{']) {
                return vec![(line.start, line.end)];
            }
            open_since = Some(indent);
        } else if !continues {
            open_since = None;
        }
        start += raw.len();
    }
    debug_assert_eq!(start, line.start);
    let content = &text[line.clone()];
    if waiting || open_since.is_some_and(|at| continues_at(content, at)) {
        return vec![(line.start, line.end)];
    }
    announced(content, true).map(|at| vec![(line.start + at, line.end)]).unwrap_or_default()
}

/// Tells whether a line may go on with a secret whose key is indented so far: only a plain `key:` that is not deeper
/// ends it.
fn continues_at(line: &str, at: usize) -> bool {
    let content = line.trim_start_matches([' ', '\t', '-']);
    let word = content.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(content.len());
    let rest = &content[word..];
    let key = word > 0 && (rest.starts_with(": ") || rest.trim_end() == ":");
    indent(line) > at || !key
}

/// Returns the end of a line that ends with a secret-looking word, so that what follows on the next lines is its value.
fn bare(line: &str) -> Option<usize> {
    let trimmed = line.trim_end().trim_end_matches([':', '?', '"', '\'', ' ']);
    let word = trimmed.rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).next()?;
    (!word.is_empty() && names_a_secret(word)).then_some(line.len())
}

/// Tells whether a value begins with a quote that does not end on the same line.
fn opens_quote(value: &str) -> bool {
    let mut chars = value.chars();
    let Some(quote @ ('"' | '\'')) = chars.next() else { return false };
    let mut escaped = false;
    for c in chars {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return false,
            _ => {}
        }
    }
    true
}

/// Counts the blanks that a line begins with; a list's dash counts as a blank.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '-']).len()
}

#[cfg(test)]
mod tests {
    use super::{announced, guess, names_a_secret, without_secret};

    #[test]
    fn keys_that_look_like_secrets_are_known_even_misspelt() {
        for key in [
            "password",
            "passwrod",
            "Password",
            "pasword",
            "paswort",
            "client_secret",
            "secrt",
            "api_key",
            "pw",
        ] {
            assert!(names_a_secret(key), "{key}");
        }
        for key in
            ["username", "email", "phone", "external_id", "verified", "members", "zone", "issuer", "version"]
        {
            assert!(!names_a_secret(key), "{key}");
        }
    }

    #[test]
    fn a_text_is_cut_where_a_secret_is_announced() {
        assert_eq!(without_secret("password:hunter2"), "password:***");
        assert_eq!(without_secret("password hunter2"), "password ***");
        assert_eq!(without_secret("\"password\" : \":hunter2\""), "\"password\" : ***");
        assert_eq!(without_secret("password:"), "password:");
        assert_eq!(without_secret("pks.token.admin"), "pks.token.admin");
        assert_eq!(announced("reset password for users", false), None);
    }

    #[test]
    fn a_line_that_continues_a_secret_hides() {
        let text = "users:\n  - username: a\n    password: |\n      hunter2\n    email: [\n";
        let at = text.find("      hunter2").unwrap_or_default();
        assert_eq!(guess(text, at..at + 13), vec![(at, at + 13)]);
        let at = text.find("    email").unwrap_or_default();
        assert_eq!(guess(text, at..at + 12), vec![]);
    }
}
