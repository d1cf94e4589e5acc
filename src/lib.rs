//! uaapply.
