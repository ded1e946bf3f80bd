//! Typed pipelines: a chain whose links the compiler checks, and which it makes into one loop.
//!
//! In: sources, elements and sinks of any item type. Out: a [`Pipeline`] with one element, which the same engine runs as
//! any other: it can be paused and stopped, ends on the bus, and a panic in it becomes an error.
//!
//! ```
//! use parallax_pipeline::TypedPipeline;
//!
//! let mut numbers = 0..10_u32;
//! let (sender, receiver) = std::sync::mpsc::channel();
//! let mut pipeline = TypedPipeline::from_source(move || Ok(numbers.next()))
//!     .then(|number: u32| Ok((number % 2 == 1).then_some(f64::from(number))))
//!     .sink(move |number: f64| {
//!         sender.send(number).ok();
//!         Ok(())
//!     })
//!     .into_pipeline()?;
//! pipeline.run()?;
//! assert_eq!(receiver.try_iter().sum::<f64>(), 25.0);
//! # Ok::<(), parallax_events::Error>(())
//! ```
//!
//! A wrong link does not compile:
//!
//! ```compile_fail,E0277
//! use parallax_pipeline::TypedPipeline;
//!
//! let text = TypedPipeline::from_source(|| Ok(Some(String::from("text"))));
//! let wrong = text.then(|number: u32| Ok(Some(number)));
//! wrong.sink(|_: u32| Ok(())).into_pipeline();
//! ```
//!
//! Neither does a sink of another type, at the end or beside the chain, nor a tee of what cannot be cloned, nor a chain
//! without an end:
//!
//! ```compile_fail,E0277
//! # use parallax_pipeline::TypedPipeline;
//! TypedPipeline::from_source(|| Ok(Some(1_u8))).sink(|_: String| Ok(())).into_pipeline();
//! ```
//! ```compile_fail,E0277
//! # use parallax_pipeline::TypedPipeline;
//! TypedPipeline::from_source(|| Ok(Some(1_u8))).tee(|_: String| Ok(())).sink(|_: u8| Ok(())).into_pipeline();
//! ```
//! ```compile_fail,E0277
//! # use parallax_pipeline::TypedPipeline;
//! struct Once;
//! TypedPipeline::from_source(|| Ok(Some(Once))).tee(|_: Once| Ok(())).sink(|_: Once| Ok(())).into_pipeline();
//! ```
//! ```compile_fail,E0599
//! # use parallax_pipeline::TypedPipeline;
//! TypedPipeline::from_source(|| Ok(Some(1_u8))).into_pipeline();
//! ```
//! ```compile_fail,E0277
//! # use parallax_pipeline::TypedPipeline;
//! // What runs on another thread has to be `Send`.
//! let here = std::rc::Rc::new(0_u8);
//! TypedPipeline::from_source(move || Ok(Some(*here))).sink(|_: u8| Ok(())).into_pipeline();
//! ```

use std::fmt;

use parallax_events::Result;

use crate::{Built, Pipeline};

/// How many items pass between two looks at whether to stop: some microseconds of small items.
const BURST: usize = 256;

/// Begins a typed chain. A closure `FnMut() -> Result<Option<T>>` is one.
pub trait TypedSource {
    /// What it gives.
    type Item;

    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// If the stream cannot go on.
    fn next(&mut self) -> Result<Option<Self::Item>>;
}

/// Stands in a typed chain: one item in, at most one out. A closure `FnMut(T) -> Result<Option<U>>` is one.
pub trait TypedElement<T> {
    /// What it gives.
    type Out;

    /// What becomes of an item.
    ///
    /// # Errors
    /// If the element fails.
    fn apply(&mut self, item: T) -> Result<Option<Self::Out>>;
}

/// Ends a typed chain. A closure `FnMut(T) -> Result<()>` is one.
pub trait TypedSink<T> {
    /// Takes an item.
    ///
    /// # Errors
    /// If the sink fails.
    fn take(&mut self, item: T) -> Result<()>;

    /// The stream has ended. Called once.
    ///
    /// # Errors
    /// If what was begun cannot be completed.
    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<T, F: FnMut() -> Result<Option<T>>> TypedSource for F {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Result<Option<T>> {
        self()
    }
}

impl<T, U, F: FnMut(T) -> Result<Option<U>>> TypedElement<T> for F {
    type Out = U;

    #[inline]
    fn apply(&mut self, item: T) -> Result<Option<U>> {
        self(item)
    }
}

impl<T, F: FnMut(T) -> Result<()>> TypedSink<T> for F {
    #[inline]
    fn take(&mut self, item: T) -> Result<()> {
        self(item)
    }
}

/// A typed chain so far: a source and what stands behind it.
pub struct TypedPipeline<S> {
    source: S,
}

impl<S: TypedSource> TypedPipeline<S> {
    /// Begins a chain.
    pub fn from_source(source: S) -> Self {
        Self { source }
    }

    /// Puts an element behind the chain.
    pub fn then<E: TypedElement<S::Item>>(self, element: E) -> TypedPipeline<Then<S, E>> {
        TypedPipeline {
            source: Then {
                source: self.source,
                element,
            },
        }
    }

    /// Hands a copy of every item to a sink beside the chain, which goes on.
    pub fn tee<K: TypedSink<S::Item>>(self, branch: K) -> TypedPipeline<Tee<S, K>>
    where
        S::Item: Clone,
    {
        TypedPipeline {
            source: Tee {
                source: self.source,
                branch,
            },
        }
    }

    /// Ends the chain.
    pub fn sink<K: TypedSink<S::Item>>(self, sink: K) -> TypedChain<S, K> {
        TypedChain {
            source: self.source,
            sink,
        }
    }
}

impl<S> fmt::Debug for TypedPipeline<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<Self>())
    }
}

/// A source with an element behind it.
pub struct Then<S, E> {
    source: S,
    element: E,
}

impl<S: TypedSource, E: TypedElement<S::Item>> TypedSource for Then<S, E> {
    type Item = E::Out;

    #[inline]
    fn next(&mut self) -> Result<Option<E::Out>> {
        while let Some(item) = self.source.next()? {
            if let Some(out) = self.element.apply(item)? {
                return Ok(Some(out));
            }
        }
        Ok(None)
    }
}

impl<S, E> fmt::Debug for Then<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<Self>())
    }
}

/// A source with a sink beside it.
pub struct Tee<S, K> {
    source: S,
    branch: K,
}

impl<S: TypedSource<Item: Clone>, K: TypedSink<S::Item>> TypedSource for Tee<S, K> {
    type Item = S::Item;

    #[inline]
    fn next(&mut self) -> Result<Option<S::Item>> {
        match self.source.next()? {
            Some(item) => {
                self.branch.take(item.clone())?;
                Ok(Some(item))
            }
            None => {
                self.branch.end()?;
                Ok(None)
            }
        }
    }
}

impl<S, K> fmt::Debug for Tee<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<Self>())
    }
}

/// A whole typed chain.
pub struct TypedChain<S, K> {
    source: S,
    sink: K,
}

impl<S: TypedSource + Send + 'static, K: TypedSink<S::Item> + Send + 'static> TypedChain<S, K> {
    /// A pipeline with this chain as its one element, called `typed`.
    ///
    /// # Errors
    /// As [`Pipeline::add`].
    pub fn into_pipeline(self) -> Result<Pipeline> {
        let mut pipeline = Pipeline::new();
        pipeline.add("typed", self)?;
        Ok(pipeline)
    }
}

impl<S: TypedSource + Send + 'static, K: TypedSink<S::Item> + Send + 'static> From<TypedChain<S, K>>
    for Built
{
    fn from(chain: TypedChain<S, K>) -> Self {
        Self::Typed(Box::new(chain))
    }
}

/// A typed chain as the engine drives it; made by `Built::from`.
pub trait TypedRun: Send + fmt::Debug {
    /// Passes some items on; false at the end of the stream.
    ///
    /// # Errors
    /// That of the part that failed.
    fn burst(&mut self) -> Result<bool>;

    /// Completes the sink.
    ///
    /// # Errors
    /// That of the sink.
    fn end(&mut self) -> Result<()>;
}

impl<S: TypedSource + Send, K: TypedSink<S::Item> + Send> TypedRun for TypedChain<S, K> {
    fn burst(&mut self) -> Result<bool> {
        for _ in 0..BURST {
            match self.source.next()? {
                Some(item) => self.sink.take(item)?,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn end(&mut self) -> Result<()> {
        self.sink.end()
    }
}

impl<S, K> fmt::Debug for TypedChain<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<Self>())
    }
}
