//! [`Level`]: which instructions a kernel may use.
//!
//! In go the CPU's own answer and the variable `PARALLAX_SIMD`, read once; out comes the level of the process.
//!
//! Contract: [`Level::usable`] never exceeds what the CPU has. Arch files rest their safety on it.

use std::sync::OnceLock;

/// A set of instructions, lowest first. A kernel without code of its own for a level runs the next lower one.
///
/// The variable `PARALLAX_SIMD` set to `scalar`, `avx2` or `avx512` (in any case) lowers the level of the whole
/// process. It never raises it above what the CPU has, and any other value counts as not set, without a
/// warning: the answers are the same at every level, so there is nothing to warn of.
///
/// ```
/// use parallax_simd::Level;
///
/// assert!(Level::available().contains(&Level::detect()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What the compiler makes of plain Rust for the baseline of the target (on x86-64 that includes SSE2).
    Scalar,
    /// x86-64 with AVX2, and BMI1, BMI2 and POPCNT, which came with it or before.
    Avx2,
    /// x86-64 with AVX-512 F, BW, CD, DQ and VL, as every processor has them that has AVX-512 with BW.
    Avx512,
}

impl Level {
    /// All levels, lowest first.
    const ALL: [Level; 3] = [Level::Scalar, Level::Avx2, Level::Avx512];

    /// The level of this process: the CPU's best, or less if `PARALLAX_SIMD` says so. Found once.
    #[inline]
    pub fn detect() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let wish = std::env::var("PARALLAX_SIMD").ok();
            Level::lowered_by(Level::highest(), wish.as_deref())
        })
    }

    /// The levels that this CPU has, lowest first, whatever `PARALLAX_SIMD` says.
    pub fn available() -> Vec<Level> {
        let mut levels = Level::ALL.to_vec();
        levels.retain(|&level| level <= Level::highest());
        levels
    }

    /// The name that `PARALLAX_SIMD` knows the level by.
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// This level, or the CPU's best if that is lower.
    #[inline]
    pub(crate) fn usable(self) -> Level {
        self.min(Level::highest())
    }

    /// The best level of the CPU.
    #[inline]
    fn highest() -> Level {
        static HIGHEST: OnceLock<Level> = OnceLock::new();
        *HIGHEST.get_or_init(ask_cpu)
    }

    fn lowered_by(self, wish: Option<&str>) -> Level {
        let wish = wish.map(|wish| wish.trim().to_ascii_lowercase());
        let wished = Level::ALL
            .into_iter()
            .find(|level| Some(level.name()) == wish.as_deref());
        wished.map_or(self, |level| level.min(self))
    }
}

#[cfg(target_arch = "x86_64")]
fn ask_cpu() -> Level {
    use std::arch::is_x86_feature_detected as has;
    if !(has!("avx2") && has!("bmi1") && has!("bmi2") && has!("popcnt")) {
        Level::Scalar
    } else if has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl")
    {
        Level::Avx512
    } else {
        Level::Avx2
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn ask_cpu() -> Level {
    Level::Scalar
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn the_variable_lowers_and_never_raises() {
        for (highest, wish, expected) in [
            (Level::Avx512, None, Level::Avx512),
            (Level::Avx512, Some("avx2"), Level::Avx2),
            (Level::Avx512, Some(" Scalar\n"), Level::Scalar),
            (Level::Avx2, Some("AVX512"), Level::Avx2),
            (Level::Scalar, Some("avx2"), Level::Scalar),
            (Level::Avx2, Some(""), Level::Avx2),
            (Level::Avx2, Some("neon"), Level::Avx2),
        ] {
            assert_eq!(highest.lowered_by(wish), expected, "{highest:?} {wish:?}");
        }
    }

    #[test]
    fn usable_is_what_the_cpu_has() {
        for level in Level::ALL {
            assert!(Level::available().contains(&level.usable()));
        }
    }
}
