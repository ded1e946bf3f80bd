//! Figures for the recorder of the crate `metrics`, whichever a program has installed.
//!
//! Counters, gauges and levels are read now and then ([`Pipeline::publish_metrics`]) and cost the packets nothing. A
//! histogram of every packet ([`Pipeline::meter_packets`]) costs two looks at the clock for each element.

use std::time::Instant;

use crate::Pipeline;

impl Pipeline {
    /// From the next start on, each packet's size in bytes and the seconds that it took go into the histograms
    /// `parallax_packet_bytes` and `parallax_packet_seconds`, by element and pad. Elements that call each other count
    /// within each other: the time is that of the element and of all that stands behind it on its thread.
    #[must_use]
    pub fn meter_packets(mut self) -> Self {
        self.is_metered = true;
        self
    }

    /// Hands what passed so far to the recorder: counters for each element's input, gauges for queues and pools,
    /// histograms of their levels. Call it now and then.
    pub fn publish_metrics(&self) {
        let stats = self.stats();
        for element in &stats.elements {
            let name = element.name.clone();
            metrics::counter!("parallax_element_packets", "element" => name.clone())
                .absolute(element.packets);
            metrics::counter!("parallax_element_bytes", "element" => name.clone()).absolute(element.bytes);
            let Some((waiting, bytes, dropped)) = element.queue else {
                continue;
            };
            metrics::gauge!("parallax_queue_packets", "element" => name.clone()).set(waiting as f64);
            metrics::gauge!("parallax_queue_bytes", "element" => name.clone()).set(bytes as f64);
            metrics::histogram!("parallax_queue_level", "element" => name.clone()).record(waiting as f64);
            metrics::counter!("parallax_queue_dropped", "element" => name).absolute(dropped);
        }
        for (number, (element, pool)) in stats.pools.iter().enumerate() {
            let labels = [("element", element.clone()), ("pool", number.to_string())];
            metrics::gauge!("parallax_pool_slots_in_use", &labels).set(pool.in_use as f64);
            metrics::gauge!("parallax_pool_slots", &labels).set(pool.slots as f64);
            metrics::histogram!("parallax_pool_level", &labels).record(pool.in_use as f64);
            metrics::counter!("parallax_pool_loans", &labels).absolute(pool.loans);
            metrics::counter!("parallax_pool_exhausted", &labels).absolute(pool.exhausted);
        }
    }
}

/// The histograms of one pad.
pub(crate) struct Meter {
    bytes: metrics::Histogram,
    seconds: metrics::Histogram,
}

impl Meter {
    pub(crate) fn new(element: &str, pad: String) -> Self {
        let labels = [("element", element.to_owned()), ("pad", pad)];
        Self {
            bytes: metrics::histogram!("parallax_packet_bytes", &labels),
            seconds: metrics::histogram!("parallax_packet_seconds", &labels),
        }
    }

    pub(crate) fn begin(&self, bytes: usize) -> Instant {
        self.bytes.record(bytes as f64);
        Instant::now()
    }

    pub(crate) fn end(&self, began: Instant) {
        self.seconds.record(began.elapsed().as_secs_f64());
    }
}
