//! Times and sizes as arguments: `33ms`, `64MiB`, in the grammar that parameters have everywhere.

use parallax::events::{Declaration, ParamSpec, Params};
use parallax::{Nanos, Result};

/// Declared so that the library's own readers of quantities do the work, with their messages.
static OPTION: Declaration = Declaration::new(
    "option",
    "A quantity with its unit",
    &[
        ParamSpec::time("time")
            .min(Nanos(1))
            .optional()
            .doc("a length of time, such as 33ms"),
        ParamSpec::size("size")
            .optional()
            .doc("a number of bytes, such as 64MiB"),
    ],
);

/// A length of time, at least 1 ns.
pub(crate) fn time(text: &str) -> Result<Nanos> {
    Params::of(&OPTION).set("time", text)?.build()?.time("time")
}

/// A number of bytes.
pub(crate) fn size(text: &str) -> Result<u64> {
    Params::of(&OPTION).set("size", text)?.build()?.size("size")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_need_their_units() {
        assert_eq!(time("33ms").unwrap(), Nanos(33_000_000));
        assert_eq!(size("64MiB").unwrap(), 64 << 20);
        for wrong in ["33", "0ms", "-1ms", "soon"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        assert!(size("64M").is_err());
    }
}
