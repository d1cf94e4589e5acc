//! See `uaapply::fuzzing::import_uaac`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uaapply::fuzzing::import_uaac(input));
