//! Names for the variables that stand for secrets: no two alike, all of them names that an environment can hold.

use std::collections::{BTreeMap, BTreeSet};

/// Names for variables, no two alike even where only case differs, all of them names that an environment can hold.
#[derive(Debug, Default)]
pub(crate) struct VariableNames {
    taken: BTreeSet<String>,
    /// The last number that each name was given.
    numbers: BTreeMap<String, usize>,
}

impl VariableNames {
    /// Notes that a name is in use.
    pub(crate) fn take(&mut self, name: &str) {
        self.taken.insert(name.to_lowercase());
    }

    /// Returns a name for the secret of somebody: `alana_password`.
    pub(crate) fn name(&mut self, of: &str, suffix: &str) -> String {
        let mut base = String::new();
        // Long enough for whoever types it, short enough for every rule about names.
        for c in of.chars().take(100) {
            match c {
                c if c.is_ascii_alphanumeric() => base.push(c.to_ascii_lowercase()),
                _ if base.is_empty() || base.ends_with('_') => {}
                _ => base.push('_'),
            }
        }
        let base = base.trim_end_matches('_');
        let base = if base.is_empty() { suffix.to_owned() } else { format!("{base}_{suffix}") };
        let mut name = base.clone();
        while !self.taken.insert(name.clone()) {
            let number = self.numbers.entry(base.clone()).or_insert(1);
            *number += 1;
            name = format!("{base}_{number}");
        }
        name
    }
}
