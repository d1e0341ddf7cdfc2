//! Inside the sandbox: whatever comes to a port of its loopback is handed over to the proxy's socket.
//! It knows no secret and judges nothing.

use std::io;
use std::net::TcpListener;
use std::path::Path;

use tokio::net::UnixStream;

/// Hands over until it is ended. `listener` listens already, so that nobody comes too early.
///
/// # Errors
/// When the listener can't be used.
pub fn serve(listener: TcpListener, socket: &Path) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    // One thread: threads count as processes, and those are limited inside.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let Ok((mut inside, _)) = listener.accept().await else {
                tokio::task::yield_now().await;
                continue;
            };
            let socket = socket.to_owned();
            tokio::spawn(async move {
                if let Ok(mut outside) = UnixStream::connect(socket).await {
                    // A side that goes away is its own business.
                    let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
                }
            });
        }
    })
}
