//! Whatever breaks, the next run converges, nobody has in between what neither before nor after allows, the exit code
//! is right and the report tells the truth.
//!
//! The real UAA behind a proxy that breaks things (`uaapply_lab::proxy`); `table` has a line for each fault.

mod facts;
mod kill;
mod others;
mod stage;
mod story;
mod table;
mod told;
