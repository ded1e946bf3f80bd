//! Bytes over TCP, both ends in one program: `cargo run --example pipeline_tcp`.

use std::time::Duration;

use parallax::elements::parse;
use parallax::pipeline::State;

fn main() -> parallax::Result<()> {
    let mut receiver = parse("tcpsrc port=47100 ! nullsink")?;
    receiver.set_state(State::Playing)?;
    parse("fakesrc num_buffers=1000 size=4096 fill=pattern ! tcpsink port=47100")?.run()?;
    receiver.wait_eos_timeout(Duration::from_secs(10))?;
    while let Some(message) = receiver.bus().poll() {
        println!("{message:?}");
    }
    receiver.stop()
}
