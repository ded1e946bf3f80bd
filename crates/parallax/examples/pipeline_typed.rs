//! A chain whose links the compiler checks: `cargo run --example pipeline_typed`.

use parallax::pipeline::TypedPipeline;

fn main() -> parallax::Result<()> {
    let mut ticks = 0..1_000_000_u64;
    let mut pipeline = TypedPipeline::from_source(move || Ok(ticks.next()))
        .then(|tick: u64| Ok(tick.is_multiple_of(250_000).then_some(tick)))
        .then(|tick: u64| Ok(Some(format!("tick {tick}"))))
        .sink(|line: String| {
            println!("{line}");
            Ok(())
        })
        .into_pipeline()?;
    pipeline.run()
}

#[test]
fn it_runs() -> parallax::Result<()> {
    main()
}
