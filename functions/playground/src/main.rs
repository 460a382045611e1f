//! The function's binary: it only wires.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    playground::run().await
}
