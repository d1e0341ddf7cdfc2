//! Inside the sandbox: whatever comes to a port of its loopback is handed over to the proxy's socket.
//! It knows no secret and judges nothing.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::path::Path;

use tokio::net::UnixStream;

/// Out of descriptors, which others may give back.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Hands over until it is ended; standard input is what listens. Comes back with an exit code only
/// where that is not so.
pub fn forward(socket: &Path) -> u8 {
    let listener = io::stdin().as_fd().try_clone_to_owned();
    match listener.and_then(|listener| serve(listener.into(), socket)) {
        Ok(never) => match never {},
        Err(_) => 1,
    }
}

fn serve(listener: TcpListener, socket: &Path) -> io::Result<std::convert::Infallible> {
    // On anything else it fails here, and not for ever below.
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    // One thread: threads count as processes, and those are limited inside.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let Ok((mut inside, _)) = listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
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
