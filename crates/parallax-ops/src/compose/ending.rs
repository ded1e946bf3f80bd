//! The representation at the end of a chain, and the windows that it stands for.

use std::fmt;
use std::sync::Arc;

use parallax_events::{
    ChainLink, Declaration, Error, Meta, Nanos, OpState, ParamSpec, Params, Represent, Result, WindowCursor,
    WindowSlices, WindowSpec,
};
use parallax_events::{EventBlock, Tensor};

/// The parameters that every representation at the end of a chain takes, beside its own.
pub static WINDOW: Declaration = Declaration::new(
    "window",
    "What part of the stream one tensor stands for: the whole, or windows of time or of events",
    &[
        ParamSpec::time("window")
            .min(Nanos(1))
            .optional()
            .doc("Length of a window; without it, the whole stream"),
        ParamSpec::int("window_events")
            .unit("events")
            .min(1)
            .optional()
            .doc("Length of a window in events"),
        ParamSpec::time("overlap")
            .min(Nanos(0))
            .optional()
            .doc("How much of a window the next one repeats"),
        ParamSpec::bool("incomplete")
            .default(false)
            .doc("Whether a last window that the end cuts short counts"),
    ],
);

/// The end of a chain.
#[derive(Debug)]
pub(super) struct Ending {
    represent: Box<dyn Represent>,
    window: Params,
}

impl Ending {
    /// The arguments of a representation's own, and those for the windows. Its own come first: a representation that
    /// declares `window` itself gets it.
    pub(super) fn split(link: &ChainLink, declaration: &Declaration) -> (ChainLink, ChainLink) {
        let declares =
            |declaration: &Declaration, key: &str| declaration.params().iter().any(|spec| spec.name() == key);
        let (mut own, mut window) = (link.clone(), link.clone());
        let for_window = |key: &str| !declares(declaration, key) && declares(&WINDOW, key);
        own.args.retain(|arg| !for_window(&arg.key));
        window.args.retain(|arg| for_window(&arg.key));
        WINDOW.id().clone_into(&mut window.id);
        (own, window)
    }

    pub(super) fn new(represent: Box<dyn Represent>, window: &ChainLink) -> Result<Self> {
        let params = WINDOW.check(window)?;
        if params.get("window")?.is_some() && params.get("window_events")?.is_some() {
            let error = Error::param("`window=` and `window_events=` are both given").with_hint("keep one");
            return Err(window.point(window.id_span, error));
        }
        if params.get("window")?.is_none() && params.get("overlap")?.is_some() {
            let error = Error::param("`overlap=` needs `window=`");
            return Err(window.point(window.id_span, error));
        }
        Ok(Self {
            represent,
            window: params,
        })
    }

    /// The windows in the unit of a stream; `None` for the whole of it.
    fn spec(&self, meta: &Meta) -> Result<Option<WindowSpec>> {
        let spec = if let Some(length) = self.window.optional_time("window")? {
            let spec = WindowSpec::time(length, meta.time_unit)?;
            match self.window.optional_time("overlap")? {
                Some(overlap) => spec.with_overlap(overlap)?,
                None => spec,
            }
        } else if let Some(events) = self.window.optional_int("window_events")? {
            WindowSpec::count(events.unsigned_abs())?
        } else {
            return Ok(None);
        };
        Ok(Some(spec.include_incomplete(self.window.bool("incomplete")?)))
    }

    pub(super) fn start(self: &Arc<Self>, meta: &Arc<Meta>) -> Result<EndingRun> {
        let spec = self.spec(meta)?;
        Ok(EndingRun {
            state: self.represent.state(meta)?,
            cursor: spec.map(|spec| WindowCursor::new(spec, meta)).transpose()?,
            meta: Arc::clone(meta),
            ending: Arc::clone(self),
        })
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.represent.params())?;
        // Without the id: these stand behind the representation's own.
        let window = format!("{:#}", self.window);
        f.write_str(window.strip_prefix(WINDOW.id()).unwrap_or_default())
    }
}

/// What takes the tensors.
pub(super) type Each<'a> = &'a mut dyn FnMut(Tensor) -> Result<()>;

/// One stream at the end of a chain.
#[derive(Debug)]
pub(super) struct EndingRun {
    ending: Arc<Ending>,
    state: Box<dyn OpState>,
    cursor: Option<WindowCursor>,
    meta: Arc<Meta>,
}

impl EndingRun {
    pub(super) fn push(&mut self, block: &mut EventBlock, each: Each<'_>) -> Result<()> {
        let Self {
            ending,
            state,
            cursor,
            meta,
        } = self;
        let Some(cursor) = cursor else {
            return ending.represent.accumulate(state.as_mut(), block.packed());
        };
        for window in cursor.push(&block.to_batch(meta)?)? {
            each(ending.tensor(state.as_mut(), &window, meta)?)?;
        }
        Ok(())
    }

    pub(super) fn end(&mut self, each: Each<'_>) -> Result<()> {
        let Self {
            ending,
            state,
            cursor,
            meta,
        } = self;
        let Some(cursor) = cursor else {
            return each(ending.represent.tensor(state.as_mut(), meta)?);
        };
        for window in cursor.finish() {
            each(ending.tensor(state.as_mut(), &window, meta)?)?;
        }
        Ok(())
    }
}

impl Ending {
    fn tensor(&self, state: &mut dyn OpState, window: &WindowSlices, meta: &Meta) -> Result<Tensor> {
        for slice in &window.slices {
            self.represent.accumulate(state, slice.columns())?;
        }
        let tensor = self.represent.tensor(state, meta)?;
        state.reset();
        Ok(match &window.window.time {
            Some(time) => tensor.with_time_span(Some((time.start, time.end))),
            None => tensor,
        })
    }
}
