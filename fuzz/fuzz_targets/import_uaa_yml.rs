//! See `uaapply::fuzzing::import_uaa_yml`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uaapply::fuzzing::import_uaa_yml(input));
