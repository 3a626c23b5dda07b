// SPDX-License-Identifier: MIT
// echo_tokio.rs - an echo server with tokio, on one thread: a task for each connection.
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut guest: TcpStream) -> std::io::Result<()> {
    let mut bytes = [0u8; 1024];
    loop {
        let n = guest.read(&mut bytes).await?;
        if n == 0 {
            return Ok(());
        }
        guest.write_all(&bytes[..n]).await?;
    }
}

async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (guest, _) = listener.accept().await?;
        tokio::spawn(echo(guest));
    }
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(serve())
}
