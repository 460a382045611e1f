//! Bad input B01 to B41, a test each: every request is refused with its own status, code and field,
//! nothing is paid for or stored, the log says nothing of it, and the same process answers the next.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod bad;
mod bodies;
mod callers;
mod chat;
mod envelopes;
mod files;
mod images;
mod lists;
mod text;

#[test]
fn every_bad_input_of_the_catalogue_is_a_row() {
    let rows = [
        bodies::ROWS,
        callers::ROWS,
        chat::ROWS,
        envelopes::ROWS,
        images::ROWS,
        lists::ROWS,
        text::ROWS,
    ];
    end_to_end::check_rows("bad input rows", 'B', 1..=41, &rows.concat());
}
