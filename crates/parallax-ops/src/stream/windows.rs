//! Windows of a stream, as soon as each is complete.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use parallax_events::{Error, Result, WindowCursor, WindowSlices, WindowSpec};

use super::EventStream;

impl EventStream {
    /// Cuts the stream into windows: by time, by count, at given times or indices, with overlap, as `spec` says.
    /// They are those of the whole recording, however it is cut into chunks.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if the windows are counted in another unit. Windows of time
    /// of a stream whose time goes back are an error when that happens.
    pub fn windows(self, spec: WindowSpec) -> Result<Windowed> {
        let cursor = WindowCursor::new(spec, self.meta())?;
        Ok(Windowed {
            stream: self,
            cursor,
            error: None,
            ended: false,
        })
    }
}

/// The windows of a stream. See [`EventStream::windows`].
#[derive(Debug)]
pub struct Windowed {
    stream: EventStream,
    cursor: WindowCursor,
    /// Waits until the windows before it are out.
    error: Option<Error>,
    ended: bool,
}

impl Stream for Windowed {
    type Item = Result<WindowSlices>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(window) = self.cursor.completed().next() {
                return Poll::Ready(Some(Ok(window)));
            }
            if let Some(error) = self.error.take() {
                self.ended = true;
                return Poll::Ready(Some(Err(error)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(chunk)) => {
                    let pushed = self.cursor.push(&chunk).map(|_| ());
                    self.error = pushed.err();
                }
                // What is incomplete stays unfinished: the stream did not end, it broke.
                Some(Err(error)) => self.error = Some(error),
                None => {
                    self.ended = true;
                    self.cursor.finish();
                }
            }
        }
    }
}
