//! Stories through the binary without a server: what is said, and how it ends.

mod offline;
