//! See `uaapply::fuzzing::answers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uaapply::fuzzing::answers(input));
