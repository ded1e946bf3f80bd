//! Where parallel work runs: on a thread pool that the caller owns, or on the calling thread.
//!
//! Libraries never start threads of their own and never touch Rayon's global pool. What they return does
//! not depend on the pool's size. The type exists with the feature `parallel` off as well, so signatures do
//! not change with it.

use std::marker::PhantomData;

use crate::Result;
#[cfg(feature = "parallel")]
use crate::{Error, ErrorKind};

/// A borrowed thread pool, or none: then work runs on the calling thread.
///
/// ```
/// use parallax_events::Pool;
///
/// assert_eq!(Pool::serial().threads(), 1);
/// # #[cfg(feature = "parallel")]
/// # {
/// let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
/// assert_eq!(Pool::from(&threads).threads(), 2);
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Pool<'a> {
    #[cfg(feature = "parallel")]
    threads: Option<&'a rayon::ThreadPool>,
    borrowed: PhantomData<&'a ()>,
}

impl<'a> Pool<'a> {
    /// The calling thread alone.
    pub const fn serial() -> Self {
        Self {
            #[cfg(feature = "parallel")]
            threads: None,
            borrowed: PhantomData,
        }
    }

    /// On how many threads work runs.
    pub fn threads(self) -> usize {
        #[cfg(feature = "parallel")]
        if let Some(threads) = self.threads {
            return threads.current_num_threads();
        }
        1
    }

    /// The Rayon pool, if work may run on more than the calling thread.
    #[cfg(feature = "parallel")]
    pub fn rayon(self) -> Option<&'a rayon::ThreadPool> {
        self.threads.filter(|threads| threads.current_num_threads() > 1)
    }
}

#[cfg(feature = "parallel")]
impl<'a> From<&'a rayon::ThreadPool> for Pool<'a> {
    fn from(threads: &'a rayon::ThreadPool) -> Self {
        Self {
            threads: Some(threads),
            borrowed: PhantomData,
        }
    }
}

/// A thread pool that is kept: everybody who holds it uses the same threads. By default none.
///
/// ```
/// use parallax_events::SharedPool;
///
/// assert_eq!(SharedPool::default().pool().threads(), 1);
/// # #[cfg(feature = "parallel")]
/// assert_eq!(SharedPool::new(2)?.pool().threads(), 2);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SharedPool {
    #[cfg(feature = "parallel")]
    threads: Option<std::sync::Arc<rayon::ThreadPool>>,
}

impl SharedPool {
    /// Starts a pool of so many threads; none for 0 and 1, where work runs on the calling thread, and with the
    /// feature `parallel` off.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new(threads: usize) -> Result<Self> {
        #[cfg(feature = "parallel")]
        if threads > 1 {
            let built = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|index| format!("parallax-{index}"))
                .build();
            let threads = built
                .map_err(|error| Error::new(ErrorKind::Io, "no threads for a pool").with_source(error))?;
            return Ok(Self {
                threads: Some(std::sync::Arc::new(threads)),
            });
        }
        let _ = threads;
        Ok(Self::default())
    }

    /// The pool, borrowed.
    pub fn pool(&self) -> Pool<'_> {
        #[cfg(feature = "parallel")]
        if let Some(threads) = &self.threads {
            return Pool::from(&**threads);
        }
        Pool::serial()
    }
}

#[cfg(feature = "parallel")]
impl From<std::sync::Arc<rayon::ThreadPool>> for SharedPool {
    fn from(threads: std::sync::Arc<rayon::ThreadPool>) -> Self {
        Self {
            threads: Some(threads),
        }
    }
}
