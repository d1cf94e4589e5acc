//! See `uaapply::fuzzing::manifest`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uaapply::fuzzing::manifest(input));
