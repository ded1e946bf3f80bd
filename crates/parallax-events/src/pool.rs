//! Where parallel work runs: on a thread pool that the caller owns, or on the calling thread.
//!
//! Libraries never start threads of their own and never touch Rayon's global pool. What they return does
//! not depend on the pool's size. The type exists with the feature `parallel` off as well, so signatures do
//! not change with it.

use std::marker::PhantomData;

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
