//! Endpoints whose TLS goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::listener;

/// An endpoint that nobody can come to a secure connection with.
#[derive(Debug)]
pub struct Insecure {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Insecure {
    /// Its certificate is signed by nobody that is known.
    pub async fn with_own_certificate() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
                .expect("a certificate");
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], PrivateKeyDer::Pkcs8(key))
            .expect("a certificate with its key");
        Self::start(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    /// It takes connections and says nothing.
    pub async fn stalling() -> Self {
        Self::start(None).await
    }

    async fn start(acceptor: Option<TlsAcceptor>) -> Self {
        let (listener, address) = listener::bind().await;
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(refuse(acceptor.clone(), connection));
            }
        });
        Self {
            url: format!("https://{address}"),
            connections,
        }
    }

    /// `https://127.0.0.1:…`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many connections came so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn refuse(acceptor: Option<TlsAcceptor>, connection: TcpStream) {
    match acceptor {
        Some(acceptor) => {
            let accepted = acceptor.accept(connection).await;
            assert!(accepted.is_err(), "a client that trusts anybody");
        }
        // Open for as long as the client bears it.
        None => {
            let _ = connection.readable().await;
            std::future::pending::<()>().await;
        }
    }
}
