//! See `uaapply::fuzzing::saved_plan`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uaapply::fuzzing::saved_plan(input));
