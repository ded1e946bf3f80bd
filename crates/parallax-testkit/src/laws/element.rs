//! The laws of elements: the end of a stream comes once, a flush forgets, stopping works from any state and takes no
//! longer than a second, nobody hangs under back-pressure, every loan is back in its pool, caps are honoured.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use parallax_events::{Chain, Event, EventBatch, Meta, Tensor};
use parallax_memory::{Bytes, MemoryPool, PoolConfig};
use parallax_pipeline::{
    Aggregator, Built, Caps, Collector, Context, Element, ElementRow, Media, Out, Packet, Payload, Pipeline,
    Ports, Produced, QueueConfig, Sink, Source, State,
};

use super::{Broken, Lawful, Subject, ensure};
use crate::Scene;

/// An element that ends is done after so many packets.
const PATIENCE: usize = 10_000;
/// A source that gives nothing for so long is live.
const LIVE: Duration = Duration::from_millis(300);
/// Longer than this, and it hangs.
const HANG: Duration = Duration::from_secs(20);

/// An element as the laws see it: its id, how it is made, and its pads.
pub struct ElementSubject {
    id: String,
    ports: Option<Ports>,
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
            ports: None,
            make: Box::new(make),
        }
    }

    /// Every row: made as `texts` says of its id, `("tcpsrc", "tcpsrc port=0")`, or else without parameters. A row that
    /// cannot be made so breaks every law.
    pub fn all(rows: &[&'static ElementRow], texts: &[(&str, String)]) -> Vec<Self> {
        let subject = |&row: &&'static ElementRow| {
            let given = texts.iter().find(|(id, _)| *id == row.id());
            let text = given.map_or_else(|| row.id().to_owned(), |(_, text)| text.clone());
            let make = move || {
                let chain = Chain::parse(&text)?;
                let link = chain
                    .links
                    .first()
                    .ok_or_else(|| Broken("no element in the text".to_owned()))?;
                Ok((row.build)(row.declaration.check(link)?)?)
            };
            Self {
                ports: Some(row.ports),
                ..Self::outside(row.id(), make)
            }
        };
        rows.iter().map(subject).collect()
    }

    fn make(&self) -> Result<Built, Broken> {
        (self.make)()
    }

    /// As the engine would start it.
    fn started(&self) -> Result<Built, Broken> {
        let context = Context::alone();
        let mut built = self.make()?;
        match &mut built {
            Built::Source(source) => source.start(&context)?,
            Built::Element(element) => element.start(&context)?,
            Built::Sink(sink) => sink.start(&context)?,
            Built::Aggregator(aggregator) => aggregator.start(&context, FED)?,
            _ => {}
        }
        Ok(match built {
            Built::Aggregator(aggregator) => Built::element(Fed::new(aggregator)),
            built => built,
        })
    }

    fn pads(&self) -> usize {
        self.ports.map_or(1, |ports| ports.outputs.min(2))
    }
}

/// Makes one test of every law, held over the subjects: `element_laws!(ElementSubject::all(registry().rows(), &[]));`.
#[macro_export]
macro_rules! element_laws {
    ($subjects:expr) => {
        $crate::element_laws!(@each $subjects; end_comes_once stop_from_any_state flush_is_fresh caps_are_honoured
            runs_to_its_end_under_back_pressure);
    };
    (@each $subjects:expr; $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                $crate::laws::hold(stringify!($law), &$subjects, $crate::laws::element::$law);
            }
        )*
    };
}

/// The end comes after finitely many packets and stays: a source ends, a drained element is done, a sink ends without
/// an error.
pub fn end_comes_once(subject: &ElementSubject) -> Lawful {
    for packets in streams()? {
        match subject.started()? {
            Built::Source(mut source) => {
                // A live source need not end.
                let begun = Instant::now();
                for _ in 0..PATIENCE {
                    if begun.elapsed() > LIVE {
                        break;
                    }
                    if let Produced::End = source.produce()? {
                        break;
                    }
                }
            }
            Built::Element(mut element) => {
                let _ = run(subject, element.as_mut(), &packets);
                drained(subject, element.as_mut())?;
            }
            Built::Sink(mut sink) => {
                for packet in packets {
                    if sink.consume(packet).is_err() {
                        break;
                    }
                }
                sink.end()?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Dropped before the first packet, in the middle, after draining, flushed or not, stopped or not: no panic.
pub fn stop_from_any_state(subject: &ElementSubject) -> Lawful {
    for packets in streams()? {
        for stop in 0..=packets.len() {
            for flushed in [false, true] {
                match subject.started()? {
                    Built::Source(mut source) => {
                        for _ in 0..stop {
                            let _ = source.produce()?;
                        }
                        if flushed {
                            source.stop();
                            source.stop();
                        }
                    }
                    Built::Element(mut element) => {
                        let _ = run(subject, element.as_mut(), &packets[..stop]);
                        let _ = drained(subject, element.as_mut());
                        if flushed {
                            element.flush();
                            element.flush();
                            element.stop();
                        }
                    }
                    Built::Sink(mut sink) => {
                        for packet in &packets[..stop] {
                            let _ = sink.consume(packet.clone());
                        }
                        if flushed {
                            sink.stop();
                            sink.stop();
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// After a flush an element holds nothing back, and the stream that follows comes out as from a new one.
pub fn flush_is_fresh(subject: &ElementSubject) -> Lawful {
    for packets in streams()? {
        let (Built::Element(mut fresh), Built::Element(mut used)) = (subject.started()?, subject.started()?)
        else {
            return Ok(());
        };
        let _ = run(subject, used.as_mut(), &packets);
        used.flush();
        let Built::Element(mut untouched) = subject.started()? else {
            return Ok(());
        };
        ensure!(
            drained(subject, used.as_mut())? == drained(subject, untouched.as_mut())?,
            "after a flush something is held back"
        );
        used.flush();
        let wanted = (
            run(subject, fresh.as_mut(), &packets),
            drained(subject, fresh.as_mut()),
        );
        let found = (
            run(subject, used.as_mut(), &packets),
            drained(subject, used.as_mut()),
        );
        ensure!(found == wanted, "after a flush: {found:?} instead of {wanted:?}");
    }
    Ok(())
}

/// What an element gives is what its caps say; what they refuse is an error that names the medium.
pub fn caps_are_honoured(subject: &ElementSubject) -> Lawful {
    for packets in streams()? {
        let Built::Element(mut element) = subject.started()? else {
            return Ok(());
        };
        for packet in packets {
            let input = Caps::of(packet.payload.media());
            let accepted = !element.accepts(&Caps::ANY).meet(&input).is_empty();
            let offered = element.offers(&input);
            let mut collector = Collector::with_limit(subject.pads(), PATIENCE);
            let media = packet.payload.media();
            let result = element.process(packet, &mut collector.out());
            if !accepted {
                let text = result.err().map(|error| error.to_string()).unwrap_or_default();
                ensure!(
                    text.contains(media.name()),
                    "{media} is not accepted, and the error is: {text:?}"
                );
                continue;
            }
            for out in (0..subject.pads()).flat_map(|pad| collector.take(pad)) {
                offered
                    .check(&out)
                    .map_err(|error| Broken(format!("it breaks its caps: {error}")))?;
            }
        }
    }
    Ok(())
}

/// In a pipeline with a slow sink behind a queue of one: it runs to its end or says why not, does not hang, and every
/// slot is back. Stopped in the middle, it ends within a second, and every slot is back.
pub fn runs_to_its_end_under_back_pressure(subject: &ElementSubject) -> Lawful {
    for media in Media::ALL {
        for stopped in [false, true] {
            let pool = MemoryPool::new(&PoolConfig::new(6, 4096))?;
            let seen = Arc::new(Mutex::new(Vec::new()));
            let feed = Feed {
                packets: one_medium(media)?,
                left: if stopped { usize::MAX } else { 40 },
                pool: pool.clone(),
                media,
            };
            let mut pipeline = Pipeline::new();
            let outputs = match subject.make()? {
                built @ Built::Source(_) => {
                    // Sources need not end by themselves.
                    if !stopped {
                        return Ok(());
                    }
                    vec![pipeline.add("subject", built)?]
                }
                built => {
                    let source = pipeline.add("feed", Built::source(feed))?;
                    let is_sink = matches!(built, Built::Sink(_));
                    let ports = subject.ports.unwrap_or_else(|| built.ports());
                    let is_aggregator = matches!(built, Built::Aggregator(_));
                    let middle = pipeline.add_with_ports("subject", built, ports)?;
                    if is_aggregator {
                        // One stream on two pads: one thread feeds both.
                        let tee = pipeline.add_with_ports("both", Built::element(Both), Ports::BRANCHES)?;
                        pipeline.link(source, tee)?;
                        pipeline.link(tee, middle)?;
                        pipeline.link(tee, middle)?;
                    } else {
                        pipeline.link(source, middle)?;
                    }
                    if is_sink {
                        Vec::new()
                    } else {
                        vec![middle; ports.outputs.min(2)]
                    }
                }
            };
            for (index, output) in outputs.into_iter().enumerate() {
                let queue = QueueConfig {
                    buffers: 1,
                    ..QueueConfig::default()
                };
                let queue = pipeline.add(&format!("queue{index}"), Built::Queue(queue))?;
                let slow = Slow {
                    seen: Arc::clone(&seen),
                };
                let sink = pipeline.add(&format!("slow{index}"), Built::sink(slow))?;
                pipeline.link(output, queue)?;
                pipeline.link(queue, sink)?;
            }
            // Caps that do not fit are an answer too.
            if pipeline.set_state(State::Playing).is_ok() {
                if stopped {
                    std::thread::sleep(Duration::from_millis(5));
                } else if let Ok(false) = pipeline.wait_eos_timeout(HANG) {
                    return Err(Broken(format!("it hangs on {media}")));
                }
                let begun = Instant::now();
                pipeline.stop()?;
                let took = begun.elapsed();
                ensure!(took < Duration::from_secs(1), "a stop took {took:?}");
            }
            let stats = pipeline.stats();
            drop(pipeline);
            seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
            let in_use = pool.stats().in_use;
            ensure!(in_use == 0, "{in_use} slots did not come back from {media}");
            ensure!(
                stats.elements.iter().all(|element| element.bytes < u64::MAX / 2),
                "the figures wrapped"
            );
        }
    }
    Ok(())
}

/// Gives the packets again and again; bytes in slots of the pool.
#[derive(Debug)]
struct Feed {
    packets: Vec<Packet>,
    left: usize,
    pool: MemoryPool,
    media: Media,
}

impl Source for Feed {
    fn offers(&self) -> Caps {
        Caps::of(self.media)
    }

    fn produce(&mut self) -> parallax_events::Result<Produced> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(Produced::End);
        };
        let packet = match self.media {
            Media::Bytes => match self.pool.loan_timeout(Duration::from_millis(50)) {
                Ok(mut loan) => {
                    loan.write_bytes(&[left as u8; 100])?;
                    Packet::from(loan.seal())
                }
                Err(_) => return Ok(Produced::Nothing),
            },
            _ => match self.packets.get(left % self.packets.len().max(1)) {
                Some(packet) => packet.clone(),
                None => return Ok(Produced::End),
            },
        };
        self.left = left;
        Ok(Produced::Packet(packet))
    }
}

/// So many pads are fed of an element with several inputs.
const FED: usize = 2;

/// An element with several inputs that gets every packet on each pad, in the order in which it wants them, as the engine
/// would hand them over.
#[derive(Debug)]
struct Fed {
    aggregator: Box<dyn Aggregator>,
    waiting: [VecDeque<Packet>; FED],
}

impl Fed {
    fn new(aggregator: Box<dyn Aggregator>) -> Self {
        Self {
            aggregator,
            waiting: Default::default(),
        }
    }

    fn feed(&mut self, out: &mut Out<'_>) -> parallax_events::Result<()> {
        let next = |fed: &mut Self| {
            let wanted = (0..FED).find(|&pad| !fed.waiting[pad].is_empty() && fed.aggregator.wants(pad))?;
            Some((wanted, fed.waiting[wanted].pop_front()?))
        };
        while let Some((pad, packet)) = next(self) {
            self.aggregator.process(pad, packet, out)?;
        }
        Ok(())
    }
}

impl Element for Fed {
    fn accepts(&self, wanted: &Caps) -> Caps {
        self.aggregator.accepts(0, wanted)
    }

    fn offers(&self, input: &Caps) -> Caps {
        self.aggregator
            .offers(&std::array::from_fn::<_, FED, _>(|_| input.clone()))
    }

    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> parallax_events::Result<()> {
        for waiting in &mut self.waiting {
            waiting.push_back(packet.clone());
        }
        self.feed(out)
    }

    fn drain(&mut self, out: &mut Out<'_>) -> parallax_events::Result<()> {
        for pad in 0..FED {
            // An end comes behind the last packet of its pad.
            self.feed(out)?;
            if self.waiting[pad].is_empty() {
                self.aggregator.end(pad, out)?;
            }
        }
        self.feed(out)?;
        self.aggregator.drain(out)
    }

    fn flush(&mut self) {
        self.waiting.iter_mut().for_each(VecDeque::clear);
        self.aggregator.flush();
    }

    fn stop(&mut self) {
        self.aggregator.stop();
    }
}

/// Hands every packet to each branch.
#[derive(Debug)]
struct Both;

impl Element for Both {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> parallax_events::Result<()> {
        (0..out.pads()).try_for_each(|pad| out.push_to(pad, packet.clone()))
    }
}

/// Takes its time, and keeps what it saw last.
#[derive(Debug)]
struct Slow {
    seen: Arc<Mutex<Vec<Packet>>>,
}

impl Sink for Slow {
    fn consume(&mut self, packet: Packet) -> parallax_events::Result<()> {
        std::thread::sleep(Duration::from_micros(200));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clear();
        seen.push(packet);
        Ok(())
    }
}

/// What comes out for the packets, as text; refusals too.
fn run(subject: &ElementSubject, element: &mut dyn Element, packets: &[Packet]) -> Vec<String> {
    let process = |packet: &Packet| {
        let mut collector = Collector::with_limit(subject.pads(), PATIENCE);
        match element.process(packet.clone(), &mut collector.out()) {
            Ok(()) => format!("{:?}", taken(subject, &mut collector)),
            Err(error) => format!("{error:?}"),
        }
    };
    packets.iter().map(process).collect()
}

/// What was held back at the end.
fn drained(subject: &ElementSubject, element: &mut dyn Element) -> Result<Vec<String>, Broken> {
    let mut collector = Collector::with_limit(subject.pads(), PATIENCE);
    let ended = element.drain(&mut collector.out());
    let rest = taken(subject, &mut collector);
    ensure!(rest.len() < PATIENCE, "it drains without end");
    Ok(match ended {
        Ok(()) => rest,
        // A decoder of nonsense says so at the end.
        Err(error) => vec![format!("{error:?}")],
    })
}

fn taken(subject: &ElementSubject, collector: &mut Collector) -> Vec<String> {
    (0..subject.pads())
        .flat_map(|pad| collector.take(pad))
        .map(|packet| shown(&packet))
        .collect()
}

fn shown(packet: &Packet) -> String {
    match &packet.payload {
        Payload::Bytes(bytes) => format!("{:?}", bytes.to_vec()),
        Payload::Events(batch) => format!("{:?} {:?}", batch.to_events(), batch.meta()),
        Payload::Tensor(tensor) => {
            let bytes = tensor.buffer().as_slice();
            format!(
                "{} {:?} {bytes:?} {:?}",
                tensor.dtype(),
                tensor.shape(),
                tensor.meta()
            )
        }
        other => format!("{other:?}"),
    }
}

fn one_medium(media: Media) -> Result<Vec<Packet>, Broken> {
    let all = streams()?.pop().unwrap_or_default();
    Ok(all
        .into_iter()
        .filter(|packet| packet.payload.media() == media)
        .collect())
}

/// Streams of bytes, of events and of tensors, and one of all.
fn streams() -> Result<Vec<Vec<Packet>>, Broken> {
    let bytes: Vec<Packet> = [vec![], vec![1, 2, 3], vec![0; 5000]]
        .map(|bytes| Packet::from(Bytes::from(bytes)))
        .into();
    let scene = Scene::builder().geometry(20, 10).build()?;
    let meta: &Arc<Meta> = scene.batch().meta();
    let events: Vec<Packet> = vec![
        EventBatch::empty(Arc::clone(meta)).into(),
        scene.batch().clone().into(),
        EventBatch::from_events(&[Event::new(1 << 40, 0, 0, 1)], Arc::clone(meta))?.into(),
    ];
    let tensors: Vec<Packet> = vec![Tensor::from_vec(vec![1_u8, 2], [2], ["x"], Arc::clone(meta))?.into()];
    let all = [bytes.clone(), events.clone(), tensors.clone()].concat();
    Ok(vec![bytes, events, tensors, all])
}
