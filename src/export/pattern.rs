//! `--users`, `--groups`, `--clients`: names with `*` for any text.

/// Which names are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Takes a pattern as typed.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the pattern as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a name is meant, in exactly this case.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }

    /// Tells whether a name is meant, ignoring case.
    #[must_use]
    pub fn matches_folded(&self, name: &str) -> bool {
        Self(self.0.to_lowercase()).matches(&name.to_lowercase())
    }

    /// Tells whether it is a name without `*`: whoever types one means just this.
    #[must_use]
    pub fn is_name(&self) -> bool {
        !self.0.contains('*')
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_star_is_any_text_and_nothing_else_is_special() {
        for (pattern, name, is) in [
            ("*", "", true),
            ("*", "a", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("team.*", "team.a", true),
            ("team.*", "teamxa", false),
            ("*.admin", "a.admin", true),
            ("*a*b", "xaxbxb", true),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("[a]", "a", false),
            ("A", "a", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), is, "{pattern} {name}");
        }
        assert!(Pattern::new("Team.*").matches_folded("TEAM.a"));
    }
}
