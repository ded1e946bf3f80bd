//! Bytes as the text of a pipeline.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_testkit::fuzz;

fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = fuzz::pipeline(bytes, parallax_elements::registry()) {
        panic!("{broken}");
    }
});
