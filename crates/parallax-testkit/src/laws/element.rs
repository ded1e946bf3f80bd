//! The laws of elements, as far as their outline goes: the end of a stream comes once, and stopping works from
//! any state. Loans come with the engine.

use std::sync::Arc;

use parallax_events::{Event, EventBatch, Meta, Tensor};
use parallax_pipeline::{Built, Element, ElementRow, Payload};

use super::{Broken, Lawful, Subject, ensure};
use crate::Scene;

/// An element that ends is done after so many calls.
const PATIENCE: usize = 10_000;

/// An element as the laws see it: its id, and how it is made.
pub struct ElementSubject {
    id: String,
    make: Box<dyn Fn() -> Result<Built, Broken> + Send + Sync>,
}

impl std::fmt::Debug for ElementSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ElementSubject")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Subject for ElementSubject {
    const KIND: &'static str = "element";

    fn id(&self) -> &str {
        &self.id
    }
}

impl ElementSubject {
    /// An element that is in no registry.
    pub fn outside(id: &str, make: impl Fn() -> Result<Built, Broken> + Send + Sync + 'static) -> Self {
        Self {
            id: id.to_owned(),
            make: Box::new(make),
        }
    }

    /// Every row that can be made without parameters. One that needs a location or a peer is tested where it lives.
    pub fn all(rows: &[&'static ElementRow]) -> Vec<Self> {
        let alone = rows
            .iter()
            .filter(|row| row.declaration.params().iter().all(|spec| !spec.is_required()));
        alone
            .map(|&row| Self::outside(row.id(), move || Ok((row.build)(row.declaration.defaults()?)?)))
            .collect()
    }

    fn make(&self) -> Result<Built, Broken> {
        (self.make)()
    }
}

/// Makes one test of every law, held over the rows in the registry: `element_laws!(parallax_pipeline::ELEMENTS);`.
#[macro_export]
macro_rules! element_laws {
    ($rows:expr) => {
        $crate::element_laws!(@each $rows; end_comes_once stop_from_any_state flush_is_fresh);
    };
    (@each $rows:expr; $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                let rows = $crate::laws::element::ElementSubject::all($rows);
                $crate::laws::hold(stringify!($law), &rows, $crate::laws::element::$law);
            }
        )*
    };
}

/// The end comes after finitely many payloads and stays: a source says `None` again, a drained element has nothing
/// more, a sink ends without an error.
pub fn end_comes_once(subject: &ElementSubject) -> Lawful {
    for payloads in payloads()? {
        match subject.make()? {
            Built::Source(mut source) => {
                let mut left = PATIENCE;
                while let Some(payload) = source.produce()? {
                    drop(payload);
                    left -= 1;
                    // A live source need not end.
                    if left == 0 {
                        return Ok(());
                    }
                }
                ensure!(source.produce()?.is_none(), "a source that ended goes on");
            }
            Built::Element(mut element) => {
                let _ = run(element.as_mut(), &payloads);
                drained(element.as_mut())?;
            }
            Built::Sink(mut sink) => {
                for payload in payloads {
                    if sink.consume(payload).is_err() {
                        break;
                    }
                }
                sink.end()?;
            }
        }
    }
    Ok(())
}

/// Dropped before the first payload, in the middle, while draining or after the end, flushed or not: no panic.
pub fn stop_from_any_state(subject: &ElementSubject) -> Lawful {
    for payloads in payloads()? {
        for stop in 0..=payloads.len() {
            for flushed in [false, true] {
                match subject.make()? {
                    Built::Source(mut source) => {
                        for _ in 0..stop {
                            let _ = source.produce()?;
                        }
                    }
                    Built::Element(mut element) => {
                        let _ = run(element.as_mut(), &payloads[..stop]);
                        let _ = element.drain();
                        if flushed {
                            element.flush();
                            element.flush();
                        }
                    }
                    Built::Sink(mut sink) => {
                        for payload in &payloads[..stop] {
                            let _ = sink.consume(payload.clone());
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// After a flush an element holds nothing back, and the stream that follows comes out as from a new one.
pub fn flush_is_fresh(subject: &ElementSubject) -> Lawful {
    for payloads in payloads()? {
        let (Built::Element(mut fresh), Built::Element(mut used)) = (subject.make()?, subject.make()?) else {
            return Ok(());
        };
        let _ = run(used.as_mut(), &payloads);
        used.flush();
        ensure!(
            matches!(used.drain(), Ok(None)),
            "after a flush something is held back"
        );
        used.flush();
        let wanted = (run(fresh.as_mut(), &payloads), drained(fresh.as_mut())?);
        let found = (run(used.as_mut(), &payloads), drained(used.as_mut())?);
        ensure!(found == wanted, "after a flush: {found:?} instead of {wanted:?}");
    }
    Ok(())
}

/// What comes out for the payloads, as text; refusals too.
fn run(element: &mut dyn Element, payloads: &[Payload]) -> Vec<String> {
    let process = |payload: &Payload| match element.process(payload.clone()) {
        Ok(out) => format!("{:?}", out.as_ref().map(shown)),
        Err(error) => format!("{error:?}"),
    };
    payloads.iter().map(process).collect()
}

/// What was held back at the end.
fn drained(element: &mut dyn Element) -> Result<Vec<String>, Broken> {
    let mut rest = Vec::new();
    while let Some(payload) = element.drain()? {
        rest.push(shown(&payload));
        ensure!(rest.len() < PATIENCE, "it drains without end");
    }
    Ok(rest)
}

fn shown(payload: &Payload) -> String {
    match payload {
        Payload::Bytes(bytes) => format!("{:?}", bytes.to_vec()),
        Payload::Events(batch) => format!("{:?} {:?}", batch.to_events(), batch.meta()),
        other => format!("{other:?}"),
    }
}

/// Streams of bytes, of events and of tensors, and one of all.
fn payloads() -> Result<Vec<Vec<Payload>>, Broken> {
    let bytes: Vec<Payload> = [vec![], vec![1, 2, 3], vec![0; 5000]]
        .map(|b| Payload::Bytes(b.into()))
        .into();
    let scene = Scene::builder().geometry(20, 10).build()?;
    let meta: &Arc<Meta> = scene.batch().meta();
    let events = vec![
        Payload::Events(EventBatch::empty(Arc::clone(meta))),
        Payload::Events(scene.batch().clone()),
        Payload::Events(EventBatch::from_events(
            &[Event::new(1 << 40, 0, 0, 1)],
            Arc::clone(meta),
        )?),
    ];
    let tensors = vec![Payload::Tensor(Tensor::from_vec(
        vec![1_u8, 2],
        [2],
        ["x"],
        Arc::clone(meta),
    )?)];
    let all = [bytes.clone(), events.clone(), tensors.clone()].concat();
    Ok(vec![bytes, events, tensors, all])
}
