//! The parameters that every representation has: into which windows the stream is cut.

use parallax_events::{Error, Nanos, ParamSpec, Params, Result, TimeUnit, WindowSpec};

/// The parameters of a representation: its own, then those of the windows.
macro_rules! params {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            crate::represent::windows::WINDOW,
            crate::represent::windows::WINDOW_EVENTS,
            crate::represent::windows::OVERLAP,
            crate::represent::windows::OVERLAP_EVENTS,
            crate::represent::windows::INCOMPLETE,
        ]
    };
}
pub(super) use params;

pub(super) const WINDOW: ParamSpec = ParamSpec::time("window")
    .min(Nanos(1))
    .optional()
    .doc("Makes a tensor of each stretch of time of this length, from the first event on; otherwise the whole stream becomes one");
pub(super) const WINDOW_EVENTS: ParamSpec = ParamSpec::int("window_events")
    .unit("events")
    .min(1)
    .optional()
    .doc("Makes a tensor of each so many events");
pub(super) const OVERLAP: ParamSpec = ParamSpec::time("overlap")
    .min(Nanos(0))
    .optional()
    .doc("Each window begins so long before the end of the one before it; shorter than window=");
pub(super) const OVERLAP_EVENTS: ParamSpec = ParamSpec::int("overlap_events")
    .unit("events")
    .min(0)
    .optional()
    .doc("Each window begins so many events before the end of the one before it; fewer than window_events=");
pub(super) const INCOMPLETE: ParamSpec = ParamSpec::bool("incomplete")
    .default(false)
    .doc("Whether the window that the end of the stream cuts short becomes a tensor, too");

/// An error if the parameters of windows contradict each other, whatever the stream's unit; or if windows overlap of which
/// each goes on counting where the one before it ended.
pub(super) fn check(params: &Params, counts_on: bool) -> Result<()> {
    let spec = of(params, TimeUnit::Nanos, false)?;
    check_overlap(params, counts_on, spec.as_ref())
}

/// An error if these windows overlap and each goes on counting where the one before it ended.
pub(crate) fn check_overlap(params: &Params, counts_on: bool, windows: Option<&WindowSpec>) -> Result<()> {
    if !counts_on || !windows.is_some_and(WindowSpec::overlaps) {
        return Ok(());
    }
    let message = format!("windows of `{}` cannot overlap with `memory=stream`", params.id());
    Err(Error::param(message).with_hint("what two windows share would count twice; use memory=window"))
}

/// The windows that the parameters ask for. Closed windows reach one unit of time further, into the next.
pub(super) fn of(params: &Params, unit: TimeUnit, is_closed: bool) -> Result<Option<WindowSpec>> {
    let (window, events) = (
        params.optional_time("window")?,
        params.optional_int("window_events")?,
    );
    let (overlap, overlap_events) = (
        params.optional_time("overlap")?,
        params.optional_int("overlap_events")?,
    );
    let named = |error: Error| error.with_context("operator", params.id());
    let lacks =
        |what: &str, needs: &str| Error::param(format!("`{what}` of `{}` needs `{needs}=`", params.id()));
    if overlap.is_some() && window.is_none() {
        return Err(lacks("overlap", "window"));
    }
    if overlap_events.is_some() && events.is_none() {
        return Err(lacks("overlap_events", "window_events"));
    }
    let spec = match (window, events) {
        (Some(_), Some(_)) => {
            return Err(Error::param(format!(
                "`{}` takes `window=` or `window_events=`, not both",
                params.id()
            ))
            .with_hint("leave one out"));
        }
        (None, None) => return Ok(None),
        (None, Some(events)) => WindowSpec::count(events.unsigned_abs())
            .and_then(|spec| spec.with_overlap_events(overlap_events.unwrap_or(0).unsigned_abs())),
        (Some(window), None) => {
            let length = window.to_unit(unit).map_err(named)?;
            let overlap = overlap.unwrap_or(Nanos(0)).to_unit(unit).map_err(named)?;
            let further = i64::from(is_closed);
            WindowSpec::time(length.saturating_add(further), unit)
                .and_then(|spec| spec.with_overlap(overlap.saturating_add(further)))
        }
    };
    Ok(Some(
        spec.map_err(named)?
            .include_incomplete(params.bool("incomplete")?),
    ))
}
