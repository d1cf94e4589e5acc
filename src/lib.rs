//! `uaapply`: users, scopes, LDAP/SAML mappings and clients of a Cloud Foundry UAA, as a manifest.
//!
//! ```text
//! manifest files ──load, validate──▶ Desired ─┐                      ┌─▶ text   json
//!                                             ├─▶ plan() ─▶ Plan ────┤
//! UAA ──Reader (GET only)──▶ Observed ────────┘    (rails inside)    └─▶ apply(Writer) ─▶ Report ─▶ observe and plan again
//!                            └─▶ access::review() ─▶ Access ─▶ text   csv   json   markdown   html
//! ```
//! `Desired`, `Observed`, `Plan` and `Report` are plain, ordered values. `plan` is pure; all I/O is at the two edges
//! (`manifest` reads files, `uaa` speaks HTTP). `commands` wires them together.

pub mod access;
pub mod apply;
pub mod audit;
pub mod cli;
pub mod client;
pub mod commands;
pub mod desired;
pub mod error;
pub mod export;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod import;
pub mod manifest;
pub mod model;
pub mod moment;
pub mod observed;
mod pairs;
pub mod plan;
mod random;
pub mod render;
pub mod report;
pub mod snapshot;
pub mod uaa;
pub mod verify;
pub mod visible;
