//! What may stand between a function and Bedrock: something that speaks HTTP and not Bedrock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::listener;

/// A gateway that answers each request with the same bytes and closes the connection.
#[derive(Debug)]
pub struct Gateway {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Gateway {
    /// Answers with nothing: the connection is closed where an answer would begin.
    pub async fn hanging_up() -> Self {
        Self::answering(String::new()).await
    }

    /// Answers with a page of its own, as proxies do.
    pub async fn with_page(status: u16, page: &str) -> Self {
        Self::answering(format!(
            "HTTP/1.1 {status} Gateway\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{page}",
            page.len()
        ))
        .await
    }

    async fn answering(answer: String) -> Self {
        let (listener, address) = listener::bind().await;
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                if read_request(connection, &answer).await.is_ok() {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self {
            url: format!("http://{address}"),
            requests,
        }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Reads to the end of the head, answers, and closes.
async fn read_request(mut connection: TcpStream, answer: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await?);
    }
    connection.write_all(answer.as_bytes()).await?;
    connection.shutdown().await
}
