//! Reading ahead: the next batch is decoded while the caller works on the one before.

use std::sync::Arc;

use parallax_events::{Error, EventBatch, Pool, Result, Triggers};

use super::EventReader;

/// What one read gave: a batch or the end, and the external triggers that came with it.
type Read = (Result<Option<EventBatch>>, Triggers);

impl EventReader {
    /// Hands every batch that is left to `work`, in order, with the external triggers that come before its end; those
    /// after the last batch come with an empty one. Where `pool` has threads for it, the next batch is decoded
    /// meanwhile, so that two batches are held; what `work` gets is the same.
    ///
    /// Returns the error that ended the input, if it is damaged or a limit was met: everything before was handed out.
    ///
    /// ```
    /// use parallax_events::Pool;
    /// use parallax_formats::{EventReader, ReadOptions};
    ///
    /// let mut reader = EventReader::from_bytes(b"t,x,y,p\n1,2,3,0\n4,5,6,1\n".to_vec(), None, &ReadOptions::default())?;
    /// let mut last = 0;
    /// let damage = reader.for_each_batch(Pool::serial(), |batch, _| {
    ///     last = batch.columns().t[batch.len() - 1];
    ///     Ok(())
    /// })?;
    /// assert!(damage.is_none());
    /// assert_eq!(last, 4);
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    ///
    /// # Errors
    /// The first of `work`; nothing is handed out after it.
    pub fn for_each_batch(
        &mut self,
        pool: Pool<'_>,
        mut work: impl FnMut(EventBatch, Triggers) -> Result<()> + Send,
    ) -> Result<Option<Error>> {
        let mut next = self.read();
        loop {
            let (batch, triggers, damage) = match next {
                (Ok(Some(batch)), triggers) => (batch, triggers, None),
                (Ok(None), triggers) if triggers.is_empty() => return Ok(None),
                (Err(error), triggers) if triggers.is_empty() => return Ok(Some(error)),
                (end, triggers) => (
                    EventBatch::empty(Arc::clone(&self.meta())),
                    triggers,
                    Some(end.err()),
                ),
            };
            if let Some(damage) = damage {
                work(batch, triggers)?;
                return Ok(damage);
            }
            #[cfg(feature = "parallel")]
            if let Some(threads) = pool.rayon() {
                let (done, read) = threads.join(|| work(batch, triggers), || self.read());
                done?;
                next = read;
                continue;
            }
            let _ = pool;
            work(batch, triggers)?;
            next = self.read();
        }
    }

    fn read(&mut self) -> Read {
        let batch = self.next_batch();
        (batch, self.take_triggers())
    }
}
