//! `parallax bench`: what it says about a file is true of it. How long anything takes is nobody's test.

use crate::program::{CSV, Folder, run, text};

#[test]
fn the_figures_belong_together() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let json: serde_json::Value =
        serde_json::from_str(&run(["bench", "--json", "--runs", "3", text(&input)]).ok()).unwrap();
    assert_eq!(json["events"], 4);
    assert_eq!(json["bytes"], CSV.len());
    assert_eq!(json["format"], "csv");
    let runs: Vec<f64> = json["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run.as_f64().unwrap())
        .collect();
    assert_eq!(runs.len(), 3);
    let mut sorted = runs;
    sorted.sort_by(f64::total_cmp);
    assert_eq!(json["seconds"].as_f64().unwrap(), sorted[1]);
    let rate = json["events_per_second"].as_f64().unwrap();
    assert!((rate * sorted[1] - 4.0).abs() < 1e-9, "{rate}");
    let page = run(["bench", text(&input)]).ok();
    assert!(
        page.contains("4 events") && page.contains("median of 5") && page.contains("copied"),
        "{page}"
    );
}

#[test]
fn what_cannot_be_measured_is_told() {
    let folder = Folder::new();
    assert!(
        run(["bench", text(&folder.path("none.raw"))])
            .fails(7)
            .contains("none.raw")
    );
    assert!(run(["bench", "-"]).fails(2).contains("several times"));
    run(["bench", "--runs", "0", "x"]).fails(2);
}
