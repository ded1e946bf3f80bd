//! The laws of operators and of elements can fail: rows that are broken on purpose, each in one way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::any::Any;
use std::sync::atomic::{AtomicI64, Ordering};

use parallax_events::{
    Declaration, Error, EventBlock, EventOp, FindingKind, Meta, OpState, Params, Pool, Report, Result,
    Stateless, state_as,
};
use parallax_pipeline::{Built, Element, Out, Packet};
use parallax_testkit::laws::element::{self, ElementSubject};
use parallax_testkit::laws::operator::{self as laws, Op, OperatorRow};
use parallax_testkit::laws::{Lawful, breaches};

static DECLARATION: Declaration = Declaration::new("every_other", "Keeps every other event", &[]);

/// How the operator is broken.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Counts anew in each batch.
    Batches,
    /// Saves nothing.
    Save,
    /// Does not forget.
    Reset,
    /// Counts in the operator instead of the state.
    Shared,
    /// Writes pixels that the stream's facts forbid.
    Facts,
    /// Needs a sensor size and does not say how to give it.
    Need,
    /// Panics on a batch without events.
    Empty,
    /// Calls itself something else.
    Name,
    /// Counts those who ask, too.
    Asked,
    /// Lets every stretch begin at the first event.
    Fork,
}

/// Keeps every other event of a stream.
#[derive(Debug)]
struct EveryOther {
    fault: Fault,
    params: Params,
    shared: AtomicI64,
}

#[derive(Debug)]
struct Count(i64, Fault);

impl EventOp for EveryOther {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        if self.fault == Fault::Need && meta.geometry.is_none() {
            return Err(Error::param("something is missing"));
        }
        Ok(Box::new(Count(0, self.fault)))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        assert!(self.fault != Fault::Empty || !block.is_empty(), "no events");
        let count = state_as::<Count>(state)?;
        if self.fault == Fault::Batches {
            count.0 = 0;
        }
        block.retain(|_| {
            let seen = if self.fault == Fault::Shared {
                self.shared.fetch_add(1, Ordering::Relaxed)
            } else {
                count.0
            };
            count.0 += 1;
            seen % 2 == 0
        });
        if self.fault == Fault::Facts {
            block.pixels_mut().x.fill(u16::MAX);
        }
        Ok(())
    }

    fn fork(&self, state: &mut dyn OpState, block: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let seen = state_as::<Count>(state)?;
        let first = if self.fault == Fault::Fork { 0 } else { seen.0 };
        seen.0 += block.kept() as i64;
        Ok(Some(Box::new(Count(first, self.fault))))
    }

    /// How many events were seen.
    fn report(&self, state: &mut dyn OpState, report: &mut Report) -> Result<()> {
        let count = state_as::<Count>(state)?;
        report.note(
            FindingKind::RateLimited,
            count.0.unsigned_abs(),
            None,
            None,
            String::new,
        );
        if self.fault == Fault::Asked {
            count.0 += 1;
        }
        Ok(())
    }
}

impl OpState for Count {
    fn reset(&mut self) {
        if self.1 != Fault::Reset {
            self.0 = 0;
        }
    }

    fn save(&self) -> Vec<u8> {
        if self.1 == Fault::Save {
            vec![0; 8]
        } else {
            self.0.to_le_bytes().to_vec()
        }
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let bytes = bytes
            .try_into()
            .map_err(|_| Error::malformed("a state has 8 bytes"))?;
        self.0 = i64::from_le_bytes(bytes) & i64::MAX >> 1;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

fn row(fault: Fault) -> OperatorRow {
    let params = DECLARATION.defaults().unwrap();
    let id = if fault == Fault::Name {
        "other"
    } else {
        "every_other"
    };
    OperatorRow::outside(
        id,
        Op::Events(Box::new(EveryOther {
            fault,
            params,
            shared: AtomicI64::new(0),
        })),
    )
}

fn must_reject(name: &str, law: fn(&OperatorRow) -> Lawful, fault: Fault, telling: &str) {
    let found = breaches(name, &[row(Fault::None)], law);
    assert!(found.is_empty(), "the sound operator breaks it: {found:?}");
    let found = breaches(name, &[row(fault)], law);
    let [breach] = found.as_slice() else {
        panic!("{name} let {fault:?} pass")
    };
    assert!(
        breach.contains(&format!("law {name} broken by operator ")) && breach.contains(telling),
        "{breach}"
    );
}

#[test]
fn each_law_rejects_its_fault() {
    must_reject("any_split", laws::any_split, Fault::Batches, "in batches of 1");
    must_reject("huge_batch", laws::huge_batch, Fault::Shared, "a million events");
    must_reject("saved_state", laws::saved_state, Fault::Save, "restored at event");
    must_reject(
        "reset_is_fresh",
        laws::reset_is_fresh,
        Fault::Reset,
        "reset after",
    );
    must_reject(
        "many_streams",
        laws::many_streams,
        Fault::Shared,
        "among other streams",
    );
    must_reject("thread_counts", laws::thread_counts, Fault::Shared, "threads");
    must_reject(
        "forked_states",
        laws::forked_states,
        Fault::Fork,
        "by forked states",
    );
    must_reject("any_split", laws::any_split, Fault::Facts, "wrote an event");
    must_reject("needs_are_said", laws::needs_are_said, Fault::Need, "geometry");
    must_reject(
        "nothing_and_one",
        laws::nothing_and_one,
        Fault::Empty,
        "panicked: no events",
    );
    must_reject("reports", laws::reports, Fault::Batches, "in batches of");
    must_reject("reports", laws::reports, Fault::Save, "restored");
    must_reject("reports", laws::reports, Fault::Reset, "after a reset");
    must_reject("reports", laws::reports, Fault::Asked, "asked again");
    must_reject(
        "declared",
        laws::declared,
        Fault::Name,
        "calls itself every_other",
    );
}

/// A state that is taken from anything.
#[test]
fn a_state_that_takes_any_bytes_is_rejected() {
    #[derive(Debug)]
    struct Gullible(Params);
    #[derive(Debug)]
    struct Anything;
    impl OpState for Anything {
        fn reset(&mut self) {}
        fn save(&self) -> Vec<u8> {
            vec![7; 16]
        }
        fn restore(&mut self, _: &[u8]) -> Result<()> {
            Ok(())
        }
        fn as_any_mut(&mut self) -> &mut dyn Any {
            self
        }
    }
    impl EventOp for Gullible {
        fn params(&self) -> &Params {
            &self.0
        }
        fn state(&self, _: &Meta) -> Result<Box<dyn OpState>> {
            Ok(Box::new(Anything))
        }
        fn run(&self, _: &mut dyn OpState, _: &mut EventBlock, _: Pool<'_>) -> Result<()> {
            Ok(())
        }
    }
    let gullible = Op::Events(Box::new(Gullible(DECLARATION.defaults().unwrap())));
    let found = breaches(
        "hostile_states",
        &[OperatorRow::outside("gullible", gullible)],
        laws::hostile_states,
    );
    assert!(found[0].contains("the first 0 of 16 bytes restore"), "{found:?}");
    assert!(breaches("hostile_states", &[row(Fault::None)], laws::hostile_states).is_empty());
    assert!(Stateless.restore(&[1]).is_err());
}

/// Holds back what it gets; broken, it forgets to forget, or never ends.
#[derive(Debug)]
struct Holder {
    held: Vec<Packet>,
    forgets: bool,
    ends: bool,
}

impl Element for Holder {
    fn process(&mut self, packet: Packet, _: &mut Out<'_>) -> Result<()> {
        self.held.push(packet);
        Ok(())
    }

    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        while let Some(packet) = self.held.last().cloned() {
            out.push(packet)?;
            if self.ends {
                self.held.pop();
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        if self.forgets {
            self.held.clear();
        }
    }
}

#[test]
fn elements_that_do_not_end_or_do_not_forget_are_rejected() {
    let holder = |forgets, ends| {
        ElementSubject::outside("holder", move || {
            Ok(Built::element(Holder {
                held: Vec::new(),
                forgets,
                ends,
            }))
        })
    };
    for (law, check) in [
        (
            "end_comes_once",
            element::end_comes_once as fn(&ElementSubject) -> Lawful,
        ),
        ("flush_is_fresh", element::flush_is_fresh),
        ("stop_from_any_state", element::stop_from_any_state),
    ] {
        assert!(breaches(law, &[holder(true, true)], check).is_empty());
    }
    let found = breaches("end_comes_once", &[holder(true, false)], element::end_comes_once);
    assert!(
        found[0].contains("law end_comes_once broken by element holder: it drains without end"),
        "{found:?}"
    );
    let found = breaches("flush_is_fresh", &[holder(false, true)], element::flush_is_fresh);
    assert!(found[0].contains("held back"), "{found:?}");
    let panics = ElementSubject::outside("panics", || panic!("no"));
    let found = breaches("stop_from_any_state", &[panics], element::stop_from_any_state);
    assert!(found[0].contains("panicked"), "{found:?}");
}
