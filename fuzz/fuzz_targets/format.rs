//! Bytes as one format, which the first byte chooses.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use parallax_testkit::fuzz;
use parallax_testkit::laws::format::FormatRow;

static ROWS: LazyLock<Vec<FormatRow>> = LazyLock::new(|| FormatRow::all(parallax_formats::FORMATS));

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let row = &ROWS[usize::from(first) % ROWS.len()];
    if let Err(broken) = fuzz::one_format(row, bytes) {
        panic!("{}: {broken}", row.format.id());
    }
});
