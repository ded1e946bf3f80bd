//! How a device's clock maps to the host's: a straight line through the last beacons.
//!
//! The model is `T_host = alpha * T_dev + beta`, fitted by least squares over a rolling window. Unix time in nanoseconds
//! has 61 bits and an `f64` holds 53, so nothing absolute is ever a float: times are taken relative to the oldest beacon
//! of the window in integers, and what is fitted is the *difference* of the two clocks, `alpha - 1`, which is a few
//! millionths. The mapping adds that small correction to an integer, so it is exact to the nanosecond.
//!
//! Every beacon weighs the same. One that was delayed pulls at the line, and shows in the jitter, until it has
//! left the window. After a device was restarted, call [`ClockEstimator::clear`].

use std::collections::VecDeque;

use crate::Nanos;

/// One moment, as both clocks saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeBeacon {
    /// The device's time.
    pub device: Nanos,
    /// The host's time.
    pub host: Nanos,
}

/// How well two clocks agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SyncStatus {
    /// How much faster the host's clock runs than the device's, in parts per million: `(alpha - 1) * 1e6`.
    pub drift_ppm: f64,
    /// Root mean square of the beacons' distance from the line, in nanoseconds of host time.
    pub jitter_ns: f64,
    /// Host time of the beacon that came last.
    pub last_sync: Nanos,
}

/// Estimates the mapping from a device's clock to the host's.
///
/// ```
/// use parallax_events::{ClockEstimator, Nanos, TimeBeacon};
///
/// // The device started at host time 1.7e18 ns, and its clock is 50 ppm slow.
/// let mut estimator = ClockEstimator::new(8);
/// for second in 0..4 {
///     let device = Nanos(second * 1_000_000_000);
///     let host = Nanos(1_700_000_000_000_000_000 + second * 1_000_050_000);
///     estimator.push(TimeBeacon { device, host });
/// }
/// let status = estimator.status().unwrap();
/// assert!((status.drift_ppm - 50.0).abs() < 1e-6 && status.jitter_ns < 1e-3);
/// assert_eq!(estimator.to_host(Nanos(10_000_000_000)), Some(Nanos(1_700_000_010_000_500_000)));
/// assert_eq!(estimator.to_device(Nanos(1_700_000_010_000_500_000)), Some(Nanos(10_000_000_000)));
/// ```
#[derive(Debug, Clone)]
pub struct ClockEstimator {
    capacity: usize,
    beacons: VecDeque<TimeBeacon>,
    line: Option<Line>,
}

/// `host - host0 = u + offset + slope * (u - middle)` with `u = device - device0`.
#[derive(Debug, Clone, Copy)]
struct Line {
    origin: TimeBeacon,
    /// Mean of `u`.
    middle: f64,
    /// Mean of `(host - host0) - u`.
    offset: f64,
    /// `alpha - 1`.
    slope: f64,
    jitter: f64,
}

impl Default for ClockEstimator {
    /// A window of 64 beacons.
    fn default() -> Self {
        Self::new(64)
    }
}

impl ClockEstimator {
    /// An estimator over the last `beacons` beacons, at least 2.
    pub fn new(beacons: usize) -> Self {
        Self {
            capacity: beacons.max(2),
            beacons: VecDeque::new(),
            line: None,
        }
    }

    /// Adds a beacon and forgets the oldest if the window is full. Costs time in proportion to the window.
    pub fn push(&mut self, beacon: TimeBeacon) {
        if self.beacons.len() == self.capacity {
            self.beacons.pop_front();
        }
        self.beacons.push_back(beacon);
        self.line = fit(&self.beacons);
    }

    /// Forgets every beacon: the device was restarted, or its clock was set.
    pub fn clear(&mut self) {
        self.beacons.clear();
        self.line = None;
    }

    /// How many beacons the window holds.
    pub fn len(&self) -> usize {
        self.beacons.len()
    }

    /// Whether there is no beacon.
    pub fn is_empty(&self) -> bool {
        self.beacons.is_empty()
    }

    /// Drift, jitter and the last beacon; `None` until two beacons with different device times determine a line.
    pub fn status(&self) -> Option<SyncStatus> {
        let (drift_ppm, jitter_ns) = (self.drift_ppm()?, self.jitter_ns()?);
        Some(SyncStatus {
            drift_ppm,
            jitter_ns,
            last_sync: self.last_sync()?,
        })
    }

    /// See [`SyncStatus::drift_ppm`].
    pub fn drift_ppm(&self) -> Option<f64> {
        self.line.map(|line| line.slope * 1e6)
    }

    /// See [`SyncStatus::jitter_ns`].
    pub fn jitter_ns(&self) -> Option<f64> {
        self.line.map(|line| line.jitter)
    }

    /// Host time of the beacon that came last.
    pub fn last_sync(&self) -> Option<Nanos> {
        self.beacons.back().map(|beacon| beacon.host)
    }

    /// Host time of a device time, to the nearest nanosecond; `None` without a line, or if it leaves 64 bits.
    pub fn to_host(&self, device: Nanos) -> Option<Nanos> {
        let line = self.line?;
        let from_origin = difference(device, line.origin.device);
        let correction = line.offset + line.slope * (from_origin as f64 - line.middle);
        shifted(line.origin.host, from_origin, correction)
    }

    /// Device time of a host time: the inverse of [`to_host`](Self::to_host), up to a nanosecond of rounding.
    pub fn to_device(&self, host: Nanos) -> Option<Nanos> {
        let line = self.line?;
        let from_origin = difference(host, line.origin.host);
        let from_middle = from_origin as f64 - line.offset - line.middle;
        let correction = line.offset + line.slope / (1.0 + line.slope) * from_middle;
        shifted(line.origin.device, from_origin, -correction)
    }
}

/// Least squares. `None` if the device times do not differ, or if one clock runs backwards against the other.
fn fit(beacons: &VecDeque<TimeBeacon>) -> Option<Line> {
    let origin = *beacons.front()?;
    let count = beacons.len() as f64;
    // Device time since the origin, and by how much the host's clock has gained on it: both small, both exact.
    let points = || {
        beacons.iter().map(|beacon| {
            let device = difference(beacon.device, origin.device);
            (
                device as f64,
                (difference(beacon.host, origin.host) - device) as f64,
            )
        })
    };
    let middle = points().map(|(device, _)| device).sum::<f64>() / count;
    let offset = points().map(|(_, gain)| gain).sum::<f64>() / count;
    let (mut spread, mut common) = (0.0, 0.0);
    for (device, gain) in points() {
        spread += (device - middle) * (device - middle);
        common += (device - middle) * (gain - offset);
    }
    let slope = common / spread;
    if !slope.is_finite() || slope <= -1.0 {
        return None;
    }
    let square = |(device, gain): (f64, f64)| {
        let residual = gain - offset - slope * (device - middle);
        residual * residual
    };
    let jitter = (points().map(square).sum::<f64>() / count).sqrt();
    Some(Line {
        origin,
        middle,
        offset,
        slope,
        jitter,
    })
}

fn difference(a: Nanos, b: Nanos) -> i128 {
    i128::from(a.0) - i128::from(b.0)
}

fn shifted(origin: Nanos, step: i128, correction: f64) -> Option<Nanos> {
    // A cast of a float saturates, so a wild line ends in the checked conversion.
    let time = i128::from(origin.0)
        .checked_add(step)?
        .checked_add(correction.round() as i128)?;
    i64::try_from(time).ok().map(Nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIX: i64 = 1_700_000_000_123_456_789;

    /// Exact host time of a device time that started at [`UNIX`] and lags by `ppm`.
    fn host(device: i64, ppm: i64) -> i64 {
        UNIX + device + i64::try_from(i128::from(device) * i128::from(ppm) / 1_000_000).unwrap()
    }

    fn push(estimator: &mut ClockEstimator, device: i64, host: i64) {
        estimator.push(TimeBeacon {
            device: Nanos(device),
            host: Nanos(host),
        });
    }

    #[test]
    fn drift_is_recovered_at_the_size_of_unix_time() {
        for ppm in [-200, -50, 0, 50, 100_000] {
            let mut estimator = ClockEstimator::new(32);
            for step in 0..100 {
                let device = 5_000_000_000_000 + step * 1_000_000_000;
                push(&mut estimator, device, host(device, ppm));
            }
            assert_eq!(estimator.len(), 32);
            let status = estimator.status().unwrap();
            assert!((status.drift_ppm - ppm as f64).abs() < 1e-6, "{status:?}");
            assert!(status.jitter_ns < 1e-3, "{status:?}");
            assert_eq!(status.last_sync.0, host(5_099_000_000_000, ppm));
            // An hour ahead, and back before the first beacon.
            for device in [0, 5_098_765_432_000, 8_700_000_000_000] {
                let mapped = estimator.to_host(Nanos(device)).unwrap();
                assert!(
                    (mapped.0 - host(device, ppm)).abs() <= 1,
                    "{ppm} {device}: {mapped}"
                );
                let back = estimator.to_device(mapped).unwrap();
                assert!((back.0 - device).abs() <= 1, "{ppm} {device}: {back}");
            }
        }
    }

    #[test]
    fn least_squares_agrees_with_fractions_of_integers() {
        // Four beacons with gains 0, 10, 0, 10 ns at 0, 1, 2, 3 us: by hand the slope is 2/1000 and the residuals
        // are -2, 6, -6, 2 ns, so their mean square is 20.
        let mut estimator = ClockEstimator::new(4);
        for (step, gain) in [(0, 0), (1_000, 10), (2_000, 0), (3_000, 10)] {
            push(&mut estimator, step, UNIX + step + gain);
        }
        assert!((estimator.drift_ppm().unwrap() - 2_000.0).abs() < 1e-9);
        assert!((estimator.jitter_ns().unwrap() - 20.0_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn jitter_is_what_was_put_in() {
        let mut estimator = ClockEstimator::new(1_000);
        let noise = crate::Philox::new(7, "jitter");
        for step in 0..1_000_u32 {
            // Uniform in ±1000 ns: the root mean square is 1000 / sqrt(3) = 577.
            let late = i64::from(noise.below(u64::from(step), 0, 2_001)) - 1_000;
            let device = i64::from(step) * 10_000_000;
            push(&mut estimator, device, host(device, 50) + late);
        }
        let status = estimator.status().unwrap();
        assert!((status.jitter_ns - 577.0).abs() < 30.0, "{status:?}");
        assert!((status.drift_ppm - 50.0).abs() < 0.05, "{status:?}");
    }

    #[test]
    fn an_outlier_shows_and_is_forgotten() {
        let mut estimator = ClockEstimator::new(16);
        for step in 0..64 {
            let device = step * 1_000_000_000;
            let late = if step == 20 { 5_000_000 } else { 0 };
            push(&mut estimator, device, host(device, 50) + late);
            let jitter = estimator.jitter_ns().unwrap_or(0.0);
            let inside = (20..36).contains(&step);
            assert_eq!(jitter > 1_000.0, inside, "{step}: {jitter}");
        }
        assert!((estimator.drift_ppm().unwrap() - 50.0).abs() < 1e-6);
    }

    #[test]
    fn no_line_without_two_device_times() {
        let mut estimator = ClockEstimator::new(0);
        assert!(estimator.is_empty() && estimator.status().is_none() && estimator.last_sync().is_none());
        push(&mut estimator, 5, 7);
        assert_eq!(
            (estimator.to_host(Nanos(5)), estimator.last_sync()),
            (None, Some(Nanos(7)))
        );
        push(&mut estimator, 5, 9);
        assert!(estimator.status().is_none());
        push(&mut estimator, 6, 1);
        assert!(
            estimator.status().is_none(),
            "a clock that runs backwards has no inverse"
        );
        push(&mut estimator, 8, 5);
        assert_eq!(estimator.to_host(Nanos(7)), Some(Nanos(3)));
        estimator.clear();
        assert!(estimator.is_empty() && estimator.to_device(Nanos(0)).is_none());
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let mut estimator = ClockEstimator::new(4);
        push(&mut estimator, i64::MIN, i64::MIN);
        push(&mut estimator, i64::MAX, i64::MAX);
        assert_eq!(estimator.to_host(Nanos(i64::MAX)), Some(Nanos(i64::MAX)));
        push(&mut estimator, 0, i64::MAX);
        for time in [i64::MIN, -1, 0, i64::MAX] {
            let _ = (estimator.to_host(Nanos(time)), estimator.to_device(Nanos(time)));
        }
    }
}
