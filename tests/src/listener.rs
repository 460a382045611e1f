//! Loopback sockets: one that answers, one that refuses.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::{TcpListener, TcpSocket};

use crate::tap::tap;

/// A free port on loopback.
pub(crate) async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port on loopback");
    let address = listener.local_addr().expect("a bound socket's address");
    (listener, address)
}

/// Serves in the background until the test's runtime ends, with every request recorded; returns
/// `http://127.0.0.1:…`.
pub(crate) async fn serve(routes: Router) -> String {
    let (listener, address) = bind().await;
    // Small answers must not wait for acknowledgements of what was sent before.
    let listener = listener.tap_io(|connection| {
        connection.set_nodelay(true).expect("TCP_NODELAY");
    });
    tokio::spawn(axum::serve(listener, routes).into_future());
    tap(&format!("http://{address}"))
}

/// An endpoint that refuses every connection. The port is held, so nobody else can take it.
#[derive(Debug)]
pub struct Refusing {
    socket: TcpSocket,
}

impl Refusing {
    /// Takes a port without listening on it.
    pub fn start() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind((Ipv4Addr::LOCALHOST, 0).into())
            .expect("a free port on loopback");
        Self { socket }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> String {
        let address = self.socket.local_addr().expect("a bound socket's address");
        format!("http://{address}")
    }
}
