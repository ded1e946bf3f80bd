//! Events over TCP, server and client in one program: `cargo run --example pipeline_tcp`.

use std::time::Duration;

use parallax::elements::{Checksum, NullSink, parse, registry};
use parallax::pipeline::{Message, Pipeline, State};
use parallax::{Error, Result};

fn main() -> Result<()> {
    // The server lets the system choose a port and says which.
    let (sink, found) = NullSink::new(Checksum::Crc32);
    let mut server = Pipeline::new();
    server.add("out", sink)?;
    let mut server = server.with_text("tcpsrc port=0 ! queue ! out.", registry())?;
    server.set_state(State::Playing)?;
    let bus = server.bus();
    let port = loop {
        match bus.wait(Duration::from_secs(10)) {
            Some(Message::Info { text, .. }) => break text.rsplit(':').next().unwrap_or_default().to_owned(),
            Some(_) => {}
            None => return Err(Error::internal("the server does not say where it listens")),
        }
    };

    let client = format!("fakesrc num_buffers=1000 size=4096 fill=pattern ! tcpsink port={port}");
    parse(&client)?.run()?;
    server.wait_eos_timeout(Duration::from_secs(10))?;
    println!("{}", found.get().unwrap_or_default());
    server.stop()
}

#[test]
fn it_runs() -> Result<()> {
    main()
}
