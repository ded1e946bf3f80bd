//! The laws of formats, held over every row of the registry of formats.
//!
//! A row is seen through a [`FormatRow`]: its sample, how it is read through every [`Door`], how it is written.
//! Whatever is not about recognising a format reads with the format named, so that damage cannot lead elsewhere.

mod content;
mod cutting;
pub(crate) mod damage;
mod levels;
mod limits;
mod options;
mod reading;
pub(crate) mod recorded;
mod threads;
mod triggers;
mod writing;

pub use content::{own_sample, recognised};
pub use cutting::{cut_anyhow, doors_agree};
pub use damage::{byte_flips, hostile_beginnings, truncation};
pub use levels::simd_levels;
pub use limits::{bounded_memory, event_limit, memory_limit, small_limits};
pub use options::{order_policies, progress, strictness, time_ranges};
pub use reading::{Door, FormatRow, Outcome};
pub use recorded::{recorded_cuts, recorded_flips};
pub use threads::{threads_agree, threads_stop};
pub use triggers::triggers;
pub use writing::{facts_survive, hostile_times, same_bytes, write_then_read};

/// Makes one test of every law, held over the rows in the registry: `format_laws!(parallax_formats::FORMATS);`.
#[macro_export]
macro_rules! format_laws {
    ($rows:expr) => {
        $crate::format_laws!(@each $rows;
            own_sample recognised doors_agree cut_anyhow truncation byte_flips hostile_beginnings event_limit
            memory_limit small_limits time_ranges order_policies strictness progress threads_agree threads_stop
            write_then_read facts_survive hostile_times same_bytes triggers recorded_cuts recorded_flips
        );

        #[test]
        fn simd_levels() {
            let rows = $crate::laws::format::FormatRow::all($rows);
            $crate::laws::format::simd_levels("simd_levels", &rows);
        }
    };
    (@each $rows:expr; $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                let rows = $crate::laws::format::FormatRow::all($rows);
                $crate::laws::hold(stringify!($law), &rows, $crate::laws::format::$law);
            }
        )*
    };
}
