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
    threads: Option<Threads<'a>>,
    borrowed: PhantomData<&'a ()>,
}

/// The threads of a [`Pool`].
#[cfg(feature = "parallel")]
#[derive(Debug, Clone, Copy)]
struct Threads<'a> {
    /// For work that is handed over whole: as many as work runs on.
    all: &'a rayon::ThreadPool,
    /// For work that the calling thread takes part in.
    helpers: &'a rayon::ThreadPool,
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
            return threads.all.current_num_threads();
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
        if let Some(threads) = self.threads
            && self.threads() > 1
            && pieces.len() > 1
        {
            return map_on(threads, pieces, run);
        }
        pieces.into_iter().map(run).collect()
    }

    /// Which of the threads that share a [`map`](Self::map) this is: 0 for one from outside the pool, the pool's own from 1 on.
    /// What a thread has changed comes slowly to another one, so who adds up in a memory of each thread goes by this.
    pub fn place(self) -> usize {
        #[cfg(feature = "parallel")]
        if let Some(index) = self
            .threads
            .and_then(|threads| threads.helpers.current_thread_index())
        {
            return index + 1;
        }
        0
    }

    /// The Rayon pool, if work may run on more than the calling thread.
    #[cfg(feature = "parallel")]
    pub fn rayon(self) -> Option<&'a rayon::ThreadPool> {
        self.threads
            .map(|threads| threads.all)
            .filter(|threads| threads.current_num_threads() > 1)
    }
}

/// How often the calling thread looks for the end of the others' pieces before it sleeps: some tens of microseconds.
#[cfg(feature = "parallel")]
const AWAKE: usize = 2_000;

#[cfg(feature = "parallel")]
fn map_on<T: Send, R: Send>(
    threads: Threads<'_>,
    pieces: Vec<T>,
    run: impl Fn(T) -> R + Send + Sync,
) -> Vec<R> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, PoisonError};
    let others = threads.all.current_num_threads().min(pieces.len()) - 1;
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
    let working = AtomicUsize::new(others);
    threads.helpers.in_place_scope(|scope| {
        for _ in 0..others {
            scope.spawn(|_| {
                work();
                working.fetch_sub(1, Ordering::Release);
            });
        }
        work();
        // They are on their last piece: whoever falls asleep over it is woken late.
        for _ in 0..AWAKE {
            if working.load(Ordering::Acquire) == 0 {
                break;
            }
            std::hint::spin_loop();
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_unstable_by_key(|&(index, _)| index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(feature = "parallel")]
impl<'a> From<&'a rayon::ThreadPool> for Pool<'a> {
    fn from(threads: &'a rayon::ThreadPool) -> Self {
        Self {
            threads: Some(Threads {
                all: threads,
                helpers: threads,
            }),
            borrowed: PhantomData,
        }
    }
}

/// A thread pool that is kept: everybody who holds it uses the same threads. By default none.
///
/// It has threads of two kinds, which sleep while the others work: as many as were asked for, for work that is handed over
/// whole, and one fewer, who help a thread that takes part itself. With one more than there are cores, whoever has nothing to
/// do looks for work on the core that another one is to be woken on, and that one then waits for the caller's core.
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
    threads: Option<std::sync::Arc<Kept>>,
}

#[cfg(feature = "parallel")]
#[derive(Debug)]
struct Kept {
    all: std::sync::Arc<rayon::ThreadPool>,
    /// None of their own in a pool that somebody else made.
    helpers: Option<rayon::ThreadPool>,
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
            let build = |threads: usize, name: &'static str| {
                let named = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .thread_name(move |index| format!("{name}-{index}"));
                named
                    .build()
                    .map_err(|error| Error::new(ErrorKind::Io, "no threads for a pool").with_source(error))
            };
            let kept = Kept {
                all: build(threads, "parallax")?.into(),
                helpers: Some(build(threads - 1, "parallax-help")?),
            };
            return Ok(Self {
                threads: Some(kept.into()),
            });
        }
        let _ = threads;
        Ok(Self::default())
    }

    /// The same with a thread for each core.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn for_all_cores() -> Result<Self> {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// The pool, borrowed.
    pub fn pool(&self) -> Pool<'_> {
        #[cfg(feature = "parallel")]
        if let Some(threads) = &self.threads {
            return Pool {
                threads: Some(Threads {
                    all: &threads.all,
                    helpers: threads.helpers.as_ref().unwrap_or(&threads.all),
                }),
                borrowed: PhantomData,
            };
        }
        Pool::serial()
    }
}

#[cfg(feature = "parallel")]
impl From<std::sync::Arc<rayon::ThreadPool>> for SharedPool {
    fn from(threads: std::sync::Arc<rayon::ThreadPool>) -> Self {
        let kept = Kept {
            all: threads,
            helpers: None,
        };
        Self {
            threads: Some(kept.into()),
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
