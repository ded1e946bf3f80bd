//! [`Place`]: on which core and with which priority a thread runs.

use crate::bus::{Bus, Message};

/// What was asked for; `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) core: Option<usize>,
    /// Of the real-time policy FIFO, 1 to 99.
    pub(crate) priority: Option<u8>,
}

impl Place {
    /// Moves this thread there. What the system refuses is a warning: the pipeline works all the same.
    pub(crate) fn take(self, element: &str, bus: &Bus) {
        let warn = |text: String| {
            bus.post(Message::Warning {
                element: element.to_owned(),
                text,
            });
        };
        if let Some(core) = self.core
            && !core_affinity::set_for_current(core_affinity::CoreId { id: core })
        {
            warn(format!("its thread cannot be bound to core {core}"));
        }
        if let Some(priority) = self.priority
            && let Err(error) = set_priority(priority)
        {
            warn(format!(
                "its thread cannot have the real-time priority {priority}: {error}"
            ));
        }
    }
}

#[cfg(target_os = "linux")]
fn set_priority(priority: u8) -> Result<(), String> {
    use thread_priority::unix::{
        RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    use thread_priority::{ThreadPriority, ThreadPriorityValue};

    let value = ThreadPriorityValue::try_from(priority)?;
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(value), policy)
        .map_err(|error| error.to_string())
}

#[cfg(not(target_os = "linux"))]
fn set_priority(_: u8) -> Result<(), String> {
    Err("only on Linux".to_owned())
}
