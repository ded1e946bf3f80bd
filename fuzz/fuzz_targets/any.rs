//! Bytes as whatever format they are recognised as.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_testkit::fuzz;

fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = fuzz::any_format(bytes) {
        panic!("{broken}");
    }
});
