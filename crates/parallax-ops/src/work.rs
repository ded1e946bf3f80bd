//! Pieces of work that do not depend on each other, on the caller's threads.

use parallax_events::Pool;

/// Runs each piece once, in no order. The calling thread takes piece after piece as the pool's threads do: where they need
/// longer to wake than the pieces take, nothing is lost.
#[cfg(feature = "parallel")]
pub(crate) fn for_each<T: Send>(pool: Pool<'_>, pieces: Vec<T>, run: impl Fn(T) + Send + Sync) {
    use std::sync::{Mutex, PoisonError};
    let Some(threads) = pool.rayon().filter(|_| pieces.len() > 1) else {
        return pieces.into_iter().for_each(run);
    };
    let others = threads.current_num_threads().min(pieces.len()) - 1;
    let pieces = Mutex::new(pieces.into_iter());
    // Not held while a piece is worked on.
    let next = || pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || std::iter::from_fn(next).for_each(&run);
    threads.in_place_scope(|scope| {
        (0..others).for_each(|_| scope.spawn(|_| work()));
        work();
    });
}

/// Runs each piece once, on the calling thread.
#[cfg(not(feature = "parallel"))]
pub(crate) fn for_each<T: Send>(_: Pool<'_>, pieces: Vec<T>, run: impl Fn(T) + Send + Sync) {
    pieces.into_iter().for_each(run);
}
