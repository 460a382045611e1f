//! What stands before a server that keeps no record of who calls it.

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::{calls, request};

/// The same server at another address, where every request is recorded before it goes on, as it came.
pub fn tap(url: &str) -> String {
    let server = url.strip_prefix("http://").expect("an http: URL");
    let server = server.to_owned();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    listener.set_nonblocking(true).expect("a socket's option");
    let listener = TcpListener::from_std(listener).expect("a runtime");
    let address = listener.local_addr().expect("a bound socket's address");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move { drop(pass(connection, &server).await) });
        }
    });
    format!("http://{address}")
}

/// Passes everything on until either side goes; then both are gone.
async fn pass(mut client: TcpStream, server: &str) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    for side in [&client, &server] {
        side.set_nodelay(true)?;
    }
    let (asking, mut asked) = client.split();
    let (mut answering, mut answered) = server.split();
    let requests = async {
        let mut asking = BufReader::new(asking);
        loop {
            let request = request::read(&mut asking).await?;
            calls::record(&request.head, &request.body);
            answered.write_all(&request.text).await?;
            answered.write_all(&request.body).await?;
        }
    };
    tokio::select! {
        ended = requests => ended,
        ended = tokio::io::copy(&mut answering, &mut asked) => ended.map(drop),
    }
}
