//! See `uaapply::fuzzing::variables`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uaapply::fuzzing::variables(input));
