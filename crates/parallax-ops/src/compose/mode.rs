//! How a chain treats time, and how that is written: `exact`, `fixed_step:1000ns`.

use std::fmt;

use parallax_events::{Declaration, Error, Nanos, ParamSpec, Params, Result};

/// How time is treated on the way in.
///
/// ```
/// use parallax_events::Nanos;
/// use parallax_ops::Mode;
///
/// assert_eq!(Mode::parse("fixed_step:1us")?, Mode::FixedStep(Nanos(1_000)));
/// assert_eq!(Mode::FixedStep(Nanos(1_000)).to_string(), "fixed_step:1000ns");
/// assert!(Mode::parse("fixed_step").is_err());
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// As recorded.
    #[default]
    Exact,
    /// Every time becomes the nearest multiple of this step, the later one from the middle on. How far times were
    /// moved is [reported](super::ComposeRun::quantisation_error).
    FixedStep(Nanos),
}

/// Declared, so that the step is read as every other length of time is.
static STEP: Declaration = Declaration::new(
    "fixed_step",
    "Time in multiples of a step",
    &[ParamSpec::time("step")
        .min(Nanos(1))
        .doc("The step, such as 1000ns")],
);

impl Mode {
    /// The mode that `text` says.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) says what the modes are, or what is wrong with the step.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "exact" {
            return Ok(Self::Exact);
        }
        let Some(step) = text.strip_prefix("fixed_step:") else {
            return Err(Error::param(format!("there is no mode `{text}`"))
                .with_context("known", "exact, fixed_step:STEP")
                .with_hint("a step has a unit, as in fixed_step:1000ns"));
        };
        let step = Params::of(&STEP).set("step", step)?.build()?.time("step")?;
        Ok(Self::FixedStep(step))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::FixedStep(step) => write!(f, "fixed_step:{}ns", step.0),
        }
    }
}
