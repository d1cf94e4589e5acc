//! Stories through the binary: given files, environment and a server, run, and expect all of standard output, standard
//! error and the exit code.
//!
//! The server is a stand-in that plays what a real UAA cannot be made to do (fail at one call, forget, be slow); what
//! UAA really does is told in `tests/live`.

mod apply;
mod commands;
#[cfg(target_os = "linux")]
mod consent;
mod docs;
mod export;
mod fake_uaa;
mod hosts;
mod import;
#[cfg(unix)]
mod interrupted;
mod only;
mod plan;
mod policy;
mod record;
mod removal;
mod saved;
mod saved_login;
mod secrets;
mod story;
mod streams;
mod usage;
mod validate;
mod variables;
