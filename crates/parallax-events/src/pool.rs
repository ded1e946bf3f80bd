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

    /// Runs each piece once, in no order, and returns the answers in the order of the pieces. The calling thread takes piece
    /// after piece as the pool's threads do: where they need longer to wake than the pieces take, little is lost.
    ///
    /// ```
    /// let squares = parallax_events::Pool::serial().map(vec![1, 2, 3], |piece| piece * piece);
    /// assert_eq!(squares, [1, 4, 9]);
    /// ```
    pub fn map<T: Send, R: Send>(self, pieces: Vec<T>, run: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        #[cfg(feature = "parallel")]
        if let Some(threads) = self.rayon().filter(|_| pieces.len() > 1) {
            return map_on(threads, pieces, run);
        }
        pieces.into_iter().map(run).collect()
    }

    /// Which of the threads that share a [`map`](Self::map) this is: 0 for one from outside the pool, the pool's own from 1 on.
    /// What a thread has changed comes slowly to another one, so who adds up in a memory of each thread goes by this.
    pub fn place(self) -> usize {
        #[cfg(feature = "parallel")]
        if let Some(index) = self.threads.and_then(rayon::ThreadPool::current_thread_index) {
            return index + 1;
        }
        0
    }

    /// The Rayon pool, if work may run on more than the calling thread.
    #[cfg(feature = "parallel")]
    pub fn rayon(self) -> Option<&'a rayon::ThreadPool> {
        self.threads.filter(|threads| threads.current_num_threads() > 1)
    }
}

#[cfg(feature = "parallel")]
fn map_on<T: Send, R: Send>(
    threads: &rayon::ThreadPool,
    pieces: Vec<T>,
    run: impl Fn(T) -> R + Send + Sync,
) -> Vec<R> {
    use std::sync::{Mutex, PoisonError};
    let others = threads.current_num_threads().min(pieces.len()) - 1;
    let answers = Mutex::new(Vec::with_capacity(pieces.len()));
    let pieces = Mutex::new(pieces.into_iter().enumerate());
    // Not held while a piece is worked on.
    let next = || pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let own: Vec<_> = std::iter::from_fn(next)
            .map(|(index, piece)| (index, run(piece)))
            .collect();
        answers.lock().unwrap_or_else(PoisonError::into_inner).extend(own);
    };
    threads.in_place_scope(|scope| {
        (0..others).for_each(|_| scope.spawn(|_| work()));
        work();
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_unstable_by_key(|&(index, _)| index);
    answers.into_iter().map(|(_, answer)| answer).collect()
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

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use std::sync::Mutex;

    use super::SharedPool;
    use crate::Result;

    #[test]
    fn pieces_are_shared_and_their_answers_in_order() -> Result<()> {
        let shared = SharedPool::new(3)?;
        let pool = shared.pool();
        for count in [0, 1, 2, 1000] {
            let places = Mutex::new(Vec::new());
            let answers = pool.map((0..count).collect(), |piece: usize| {
                if let Ok(mut places) = places.lock() {
                    places.push(pool.place());
                }
                // Pieces of a pool's thread go to the same pool.
                let inner = pool.map(vec![piece; 3], |piece| piece);
                inner.iter().sum::<usize>()
            });
            assert_eq!(answers, (0..count).map(|piece| 3 * piece).collect::<Vec<_>>());
            let places = places.into_inner().unwrap_or_default();
            assert_eq!(places.len(), count);
            assert!(places.iter().all(|&place| place <= pool.threads()));
        }
        assert_eq!(pool.place(), 0);
        Ok(())
    }
}
