//! A pipeline from a text, and one that a program builds: `cargo run --example pipeline_text`.

use parallax::elements::{FakeSink, FakeSource, parse};
use parallax::pipeline::{Built, Pipeline, QueueConfig};

fn main() -> parallax::Result<()> {
    let mut written = parse("fakesrc num_buffers=1000 ! tee name=t ! queue ! fakesink t. ! nullsink")?;
    written.run()?;
    print!("{written}\n{}", written.stats());

    let mut built = Pipeline::new();
    let source = built.add("source", FakeSource::new(64).with_limit(1000))?;
    let queue = built.add("queue", Built::Queue(QueueConfig::default()))?;
    let sink = built.add("sink", FakeSink)?;
    built.link(source, queue)?;
    built.link(queue, sink)?;
    built.run()?;
    print!("{}", built.stats());
    Ok(())
}

#[test]
fn it_runs() -> parallax::Result<()> {
    main()
}
