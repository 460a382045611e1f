//! Faults F45 to F72, a test each: S3, SQS and Lambda itself go wrong around a request that nobody
//! waits for, over real sockets and through the built functions.
//!
//! Whatever happens: no message is acknowledged that has no result, no result is paid for more often
//! than `docs/events.md` says, no word of a request is logged, and the environment lives on.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod batches;
mod breaker;
mod deliveries;
mod environments;
mod locks;
mod panics;
mod requests;
mod storage;
mod uploads;

#[test]
fn every_fault_of_the_catalogue_is_a_row() {
    let rows = [
        storage::ROWS,
        locks::ROWS,
        uploads::ROWS,
        panics::ROWS,
        batches::ROWS,
        deliveries::ROWS,
        environments::ROWS,
        breaker::ROWS,
    ];
    end_to_end::check_rows("fault rows", 'F', 45..=72, &rows.concat());
}
