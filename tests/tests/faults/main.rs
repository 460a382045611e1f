//! Faults F01 to F44, a test each: what is between the caller and the model goes wrong, over real
//! sockets and through the built functions, for answers at once and streamed ones alike.
//!
//! Whatever happens: the status and code of `http-api.md`'s table, advice on retries, as few calls
//! as can be, within the request's time, and the environment lives on.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod answers;
mod connections;
mod images;
mod refusals;
mod streams;
mod told;

#[test]
fn every_fault_of_the_catalogue_is_a_row() {
    let rows = [
        refusals::ROWS,
        connections::ROWS,
        answers::ROWS,
        images::ROWS,
        streams::ROWS,
    ];
    end_to_end::check_rows("fault rows", 'F', 1..=44, &rows.concat());
}
