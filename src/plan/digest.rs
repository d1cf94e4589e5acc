//! The plan's digest: what an approval is an approval of.

use sha2::{Digest, Sha256};

use super::{BlindSpot, BlindSpotWhat, Change};
use crate::observed::Server;

/// Returns SHA-256 over target and changes, as `sha256:<hex>`; and over the client secrets that apply settles, where
/// there are some, because that can write too.
///
/// Risks and notes are left out: they follow from the rest, and from `--allow`, which is not part of what was
/// reviewed.
#[must_use]
pub fn digest(target: &Server, changes: &[Change], blind_spots: &[BlindSpot]) -> String {
    let bare: Vec<Change> = changes
        .iter()
        .map(|change| Change { risks: Vec::new(), notes: Vec::new(), ..change.clone() })
        .collect();
    let settled: Vec<&BlindSpot> =
        blind_spots.iter().filter(|spot| spot.what == BlindSpotWhat::ClientSecret).collect();
    if settled.is_empty() { of(&(target, bare)) } else { of(&(target, bare, settled)) }
}

/// Returns SHA-256 over a value's JSON.
pub(super) fn of(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_vec(value).expect("what is digested has only text keys");
    let mut shown = String::from("sha256:");
    for byte in Sha256::digest(&text) {
        shown.push_str(&format!("{byte:02x}"));
    }
    shown
}
