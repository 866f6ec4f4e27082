//! While a person decides: new answers are looked for, and what waited for them goes on.

use super::Setup;
use super::driver::{Driver, RUN};
use super::frame::Bad;
use crate::doors::Clock;
use kiln_store::{Counts, StoreError};
use std::time::{Duration, Instant};

/// Between two looks at the queue while everything waits for a person.
const PATIENCE: Duration = Duration::from_millis(250);
/// Between two looks at the desk.
const LOOK: Duration = Duration::from_secs(1);

/// Looks at the desk now and then, and for new answers.
pub(super) struct Watch {
    next: Option<Instant>,
    version: u64,
}

impl Watch {
    pub fn new(setup: &Setup) -> Result<Self, StoreError> {
        let version = setup.out.as_ref().map_or(Ok(0), |o| o.folder().reviews().version())?;
        Ok(Self { next: setup.desk.as_ref().map(|_| Instant::now() + LOOK), version })
    }

    /// Looks at the desk, if it is time.
    pub fn look(&mut self, setup: &Setup, resting: bool) {
        if self.next.is_some_and(|n| Instant::now() >= n) {
            if let Some(desk) = &setup.desk {
                desk.look(resting);
            }
            self.next = Some(Instant::now() + LOOK);
        }
    }

    /// Lets a while pass. Tells whether there are new answers.
    pub fn pause(&mut self, setup: &Setup, clock: &dyn Clock) -> Result<bool, StoreError> {
        self.look(setup, true);
        clock.pause(PATIENCE);
        let now = setup.out.as_ref().map_or(Ok(0), |o| o.folder().reviews().version())?;
        Ok(std::mem::replace(&mut self.version, now) != now)
    }

    /// The same while items are parked: those that wait for what the run itself waited for go on as well.
    pub fn wait(
        &mut self,
        driver: &mut Driver<'_>,
        setup: &Setup,
        clock: &dyn Clock,
        batch: &str,
    ) -> Result<(), StoreError> {
        if self.pause(setup, clock)?
            && driver.unpark_run()
            && let Some(out) = &setup.out
        {
            out.folder().reviews().wake_answered(batch)?;
        }
        Ok(())
    }
}

/// The run's own gates wait for a person: stays until they answered, if it is to stay.
pub(super) fn until_answered(
    driver: &mut Driver<'_>,
    setup: &Setup,
    clock: &dyn Clock,
    drive: &mut dyn FnMut(&mut Driver<'_>),
) -> Result<(), StoreError> {
    if !setup.wait || setup.out.is_none() {
        return Ok(());
    }
    let mut watch = Watch::new(setup)?;
    // Answered while the rest was being made?
    let mut news = true;
    while !driver.ends_early()
        && matches!(driver.frames.get(&RUN).and_then(|f| f.worst.as_ref()), Some(Bad::Parked(_)))
    {
        if std::mem::take(&mut news) {
            driver.unpark_run();
            drive(driver);
            continue;
        }
        news = watch.pause(setup, clock)?;
    }
    Ok(())
}

/// Says which item those wait for that stand behind it at an ordered gate.
pub(super) fn say_who_waits(
    driver: &mut Driver<'_>,
    setup: &Setup,
    batch: &str,
    counts: Counts,
) -> Result<(), StoreError> {
    let Some(out) = &setup.out else { return Ok(()) };
    let first = out.folder().reviews().lowest_waiting(batch)?;
    let first = first.map_or_else(|| "an earlier item".to_owned(), |i| format!("item {i}"));
    driver.behind = Some(format!(
        "{} at a gate that decides in item order wait for their turn, until a person has decided on {first}",
        if counts.waiting == 1 { "1 item".to_owned() } else { format!("{} items", counts.waiting) }
    ));
    Ok(())
}
