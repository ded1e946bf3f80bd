//! Bytes as arrays of NumPy's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_testkit::fuzz;

fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = fuzz::tensors(bytes) {
        panic!("{broken}");
    }
});
