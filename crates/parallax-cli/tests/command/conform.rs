//! `parallax conform`: its verdict, its three files, its exit code.

use std::path::Path;

use crate::program::{CSV, Folder, run, text};

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_chain_conforms_and_says_how() {
    let folder = Folder::new();
    let input = folder.path("in.csv");
    // 30 ms of events every 100 us, two pixels in turn, every third one OFF.
    let lines: String = (0..300)
        .map(|i| format!("{},{},1,{}\n", i * 100, i % 2, u8::from(i % 3 != 0)))
        .collect();
    std::fs::write(&input, format!("t,x,y,p\n{lines}")).unwrap();
    let out = folder.path("report");
    let arguments = [
        "conform",
        text(&input),
        "--geometry",
        "4x4",
        "--budget",
        "10s",
        "--out",
        text(&out),
    ];
    let page = run(arguments.into_iter().chain(["--chain", "polarity keep=on"])).ok();
    assert!(page.ends_with("conforms\n"), "{page}");
    let equivalence = json(&out.join("equivalence.json"));
    assert_eq!(equivalence["pass"], true);
    let probes = equivalence["probes"].as_array().unwrap();
    assert!(
        probes.len() >= 5
            && probes
                .iter()
                .all(|probe| probe["identical"] == true && probe["items"] == 200)
    );
    let metrics = json(&out.join("metrics.json"));
    assert_eq!(
        (&metrics["chunks"], &metrics["events_in"]),
        (&3.into(), &300.into())
    );
    assert_eq!(
        (&metrics["events_out"], &metrics["quantisation"]),
        (&200.into(), &serde_json::Value::Null)
    );
    let record = json(&out.join("run.json"));
    assert_eq!(record["chain"], "polarity keep=on");
    // sha256sum of the file, by another program.
    if let Ok(sums) = std::process::Command::new("sha256sum").arg(&input).output() {
        let sums = String::from_utf8(sums.stdout).unwrap();
        assert_eq!(sums.split_whitespace().next(), record["inputs_sha256"].as_str());
    }

    // In steps of 1 ms the nine times between two steps move by 100, 200, 300, 400, 500, 400, 300, 200 and 100 us.
    let arguments = [
        "conform",
        text(&input),
        "--geometry",
        "4x4",
        "--budget",
        "10s",
        "--out",
        text(&out),
    ];
    run(arguments.into_iter().chain([
        "--mode",
        "fixed_step:1ms",
        "--profile",
        "realtime",
        "--chain",
        "frame",
    ]))
    .ok();
    let metrics = json(&out.join("metrics.json"));
    assert_eq!(
        (&metrics["tensors"], &metrics["quantisation"]["max"]),
        (&1.into(), &500.into())
    );
    assert_eq!(metrics["quantisation"]["mean"], 250.0);
    assert_eq!(json(&out.join("run.json"))["mode"], "fixed_step:1000000ns");
}

#[test]
fn over_the_budget_is_exit_code_one() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let ran = run([
        "conform",
        text(&input),
        "--chain",
        "polarity keep=on",
        "--budget",
        "1ns",
    ]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(
        ran.out.contains("EXCEEDED") && ran.out.ends_with("does not conform\n"),
        "{}",
        ran.out
    );
}

#[test]
fn bad_requests_are_told() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let chain = |chain: &str, code| run(["conform", text(&input), "--chain", chain]).fails(code);
    assert!(chain("polarty", 7).contains("did you mean `polarity`"));
    assert!(
        run(["conform", text(&folder.path("none.raw")), "--chain", "frame"])
            .fails(7)
            .contains("none.raw")
    );
    assert!(
        run(["conform", text(&input), "--chain", "frame", "--mode", "loose"])
            .fails(2)
            .contains("fixed_step")
    );
}

#[test]
fn what_a_rate_limit_drops_is_counted() {
    let folder = Folder::new();
    let input = folder.path("in.csv");
    // 100 events in each of three windows of 10 ms, of which half may pass.
    let lines: String = (0..300).map(|i| format!("{},1,1,1\n", i * 100)).collect();
    std::fs::write(&input, format!("t,x,y,p\n{lines}")).unwrap();
    let out = folder.path("report");
    let arguments = [
        "conform",
        text(&input),
        "--geometry",
        "4x4",
        "--budget",
        "10s",
        "--out",
        text(&out),
        "--chain",
        "rate_limit rate=5kHz window=10ms",
    ];
    let page = run(arguments).ok();
    let told = "report    events over the rate limit dropped: drop_tail (150 times), first at event 50";
    assert!(page.contains(told), "{page}");
    let overflow = &json(&out.join("metrics.json"))["overflow"];
    assert_eq!(
        (&overflow["dropped_tail"], &overflow["dropped_head"]),
        (&150.into(), &0.into())
    );
}
