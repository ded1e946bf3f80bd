//! Rates, statistics of pixels and intervals, against a few lines each.

use std::collections::HashMap;

use parallax_testkit::naive::extent;

use crate::input::{cells, geometry, made, near, streams};

#[test]
fn rates_are_events_over_seconds() {
    for (name, batch) in streams() {
        let events = batch.to_events();
        let (start, end) = extent(&events).unwrap();
        for bins in [1_usize, 7, 100] {
            let mut wanted = vec![0.0; 2 * bins];
            let seconds = ((end - start) as f64 / bins as f64).max(1.0) / 1e6;
            for event in &events {
                let place = (event.t - start) as u64 * bins as u64;
                let bin = place
                    .checked_div((end - start) as u64)
                    .map_or(0, |bin| (bin as usize).min(bins - 1));
                wanted[2 * bin + usize::from(event.p)] += 1.0 / seconds;
            }
            near(
                &made(&format!("event_rate bins={bins}"), &batch),
                &wanted,
                1e-6,
                name,
            );
        }
    }
}

#[test]
fn statistics_are_those_of_each_pixel() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        let (start, end) = extent(&events).unwrap();
        let pixels = geometry.pixels();
        let mut times: HashMap<usize, Vec<(i64, u8)>> = HashMap::new();
        for event in &events {
            let place = usize::from(event.y) * usize::from(geometry.width) + usize::from(event.x);
            times.entry(place).or_default().push((event.t, event.p));
        }
        let mut wanted = vec![0.0; 5 * pixels];
        for (place, times) in times {
            let mut clock = times[0].0;
            let mut intervals = Vec::new();
            for (t, _) in &times[1..] {
                intervals.push((t - clock).max(0) as f64 / 1e6);
                clock = clock.max(*t);
            }
            let count = times.len() as f64;
            let n = intervals.len().max(1) as f64;
            let mean = intervals.iter().sum::<f64>() / n;
            let variance = intervals
                .iter()
                .map(|one| (one - mean) * (one - mean))
                .sum::<f64>()
                / n;
            let rate = if end > start {
                count / ((end - start) as f64 / 1e6)
            } else {
                0.0
            };
            let on = times.iter().filter(|(_, p)| *p == 1).count() as f64;
            for (plane, value) in [count, on / count, rate, mean, variance.sqrt()]
                .into_iter()
                .enumerate()
            {
                wanted[plane * pixels + place] = value;
            }
        }
        near(&made("pixel_statistics", &batch), &wanted, 1e-6, name);
    }
}

#[test]
fn intervals_are_counted_by_their_length() {
    for (name, batch) in streams() {
        let (events, geometry) = (batch.to_events(), geometry(&batch));
        for (word, separate) in [("separate", true), ("merged", false)] {
            for bins in [32_usize, 3] {
                let channels = if separate { 2 } else { 1 };
                let mut wanted = vec![0.0; channels * bins];
                let mut last: HashMap<(usize, usize), i64> = HashMap::new();
                for event in &events {
                    let channel = if separate { usize::from(event.p) } else { 0 };
                    let place = usize::from(event.y) * usize::from(geometry.width) + usize::from(event.x);
                    if let Some(before) = last.get(&(channel, place)) {
                        let interval = (event.t - before).max(0);
                        let mut bin = 0;
                        while bin + 1 < bins && interval >= 2_i64 << bin {
                            bin += 1;
                        }
                        wanted[channel * bins + bin] += 1.0;
                    }
                    let clock = last.entry((channel, place)).or_insert(event.t);
                    *clock = (*clock).max(event.t);
                }
                let text = format!("intervals bins={bins} polarity={word}");
                assert_eq!(cells(&made(&text, &batch)), wanted, "{name}: {text}");
            }
        }
    }
}
