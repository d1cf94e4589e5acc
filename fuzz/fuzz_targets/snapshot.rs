//! See `uaapply::fuzzing::snapshot`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uaapply::fuzzing::snapshot(input));
