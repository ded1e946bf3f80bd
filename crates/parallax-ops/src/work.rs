//! Pieces of work that do not depend on each other, on the caller's threads.

use parallax_events::Pool;

/// Runs each piece once, in no order; on the calling thread if the pool has no other.
#[cfg(feature = "parallel")]
pub(crate) fn for_each<T: Send>(pool: Pool<'_>, pieces: Vec<T>, run: impl Fn(T) + Send + Sync) {
    use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
    match pool.rayon().filter(|_| pieces.len() > 1) {
        Some(pool) => pool.install(|| pieces.into_par_iter().with_max_len(1).for_each(run)),
        None => pieces.into_iter().for_each(run),
    }
}

/// Runs each piece once, on the calling thread.
#[cfg(not(feature = "parallel"))]
pub(crate) fn for_each<T: Send>(_: Pool<'_>, pieces: Vec<T>, run: impl Fn(T) + Send + Sync) {
    pieces.into_iter().for_each(run);
}
