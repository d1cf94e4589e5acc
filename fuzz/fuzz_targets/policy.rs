//! See `uaapply::fuzzing::policy`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uaapply::fuzzing::policy(input));
