//! The laws of operators, held over every row of the registry of operators.
//!
//! A row is seen as its [`Variant`]s: the operator with its defaults, and with every word of every choice. What a
//! variant makes of a stream, events or a tensor, is an [`Answer`]; the laws compare answers.

mod answer;
mod cutting;
mod state;
mod streams;
mod threads;
mod windows;

pub use answer::{Answer, Op, OperatorRow, Variant};
pub use cutting::{any_split, declared, huge_batch, needs_are_said, nothing_and_one};
pub use state::{foreign_states, hostile_states, many_streams, reports, reset_is_fresh, saved_state};
pub use threads::{forked_states, simd_levels, thread_counts};
pub use windows::window_by_window;

/// Makes one test of every law, held over the rows in the registry: `operator_laws!(parallax_ops::OPERATORS);`.
#[macro_export]
macro_rules! operator_laws {
    ($rows:expr) => {
        $crate::operator_laws!(@each $rows;
            declared any_split nothing_and_one huge_batch needs_are_said saved_state hostile_states foreign_states
            reset_is_fresh reports many_streams thread_counts forked_states window_by_window
        );

        #[test]
        fn simd_levels() {
            $crate::laws::operator::simd_levels("simd_levels", &$crate::laws::operator::OperatorRow::all($rows));
        }
    };
    (@each $rows:expr; $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                let rows = $crate::laws::operator::OperatorRow::all($rows);
                $crate::laws::hold(stringify!($law), &rows, $crate::laws::operator::$law);
            }
        )*
    };
}
