//! [`Counter`]: the numbers that frames count in.

mod sealed {
    pub trait Sealed {}
}

/// A number that a frame's cells count in. Whole numbers stop at the ends of their type instead of wrapping.
pub trait Counter: Copy + PartialEq + Send + Sync + sealed::Sealed {
    /// No event.
    const ZERO: Self;
    /// What an event adds.
    const ONE: Self;
    /// What an event adds that takes away: -1, and for unsigned numbers, which have none, 0.
    const MINUS_ONE: Self;

    /// The sum.
    #[must_use]
    fn plus(self, other: Self) -> Self;
}

macro_rules! counters {
    ($($number:ty, $minus_one:expr, $plus:expr;)*) => {$(
        impl sealed::Sealed for $number {}
        impl Counter for $number {
            const ZERO: Self = 0 as $number;
            const ONE: Self = 1 as $number;
            const MINUS_ONE: Self = $minus_one;

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                $plus(self, other)
            }
        }
    )*};
}
counters! {
    u8, 0, u8::saturating_add;
    u16, 0, u16::saturating_add;
    i16, -1, i16::saturating_add;
    i32, -1, i32::saturating_add;
    f32, -1.0, std::ops::Add::add;
    f64, -1.0, std::ops::Add::add;
}
