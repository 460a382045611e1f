//! Bad input B42 to B60, a test each: what is wrong with an event, a record, a message or an object
//! befalls that record alone, under its own code; no model is called for it, the log says nothing of
//! its content, and the function lives on.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod bench;
mod case;
mod foreign;
mod messages;
mod notifications;
mod objects;

#[test]
fn every_bad_event_of_the_catalogue_is_a_row() {
    let rows = [
        foreign::ROWS,
        messages::ROWS,
        notifications::ROWS,
        objects::ROWS,
    ];
    end_to_end::check_rows("bad-input rows", 'B', 42..=60, &rows.concat());
}
