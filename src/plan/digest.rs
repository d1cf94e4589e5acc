//! The plan's digest: what an approval is an approval of.

use sha2::{Digest, Sha256};

use super::Change;
use crate::observed::Server;

/// Returns SHA-256 over target and changes, as `sha256:<hex>`.
///
/// Risks and notes are left out: they follow from the rest, and from `--allow`, which is not part of what was
/// reviewed.
#[must_use]
pub fn digest(target: &Server, changes: &[Change]) -> String {
    let bare: Vec<Change> = changes
        .iter()
        .map(|change| Change { risks: Vec::new(), notes: Vec::new(), ..change.clone() })
        .collect();
    let text = serde_json::to_vec(&(target, bare)).expect("a plan has only text keys");
    let mut shown = String::from("sha256:");
    for byte in Sha256::digest(&text) {
        shown.push_str(&format!("{byte:02x}"));
    }
    shown
}
