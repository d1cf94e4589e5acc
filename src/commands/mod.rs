//! One file per command: wiring, one screen each.
