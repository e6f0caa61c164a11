//! A socket against a server that sends a given script.

use anyhow::Result;
use client::Socket;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// A socket, and the server's end of it.
async fn pair() -> Result<(Socket, WebSocketStream<TcpStream>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("ws://{}/local?ticket=any", listener.local_addr()?);
    let accept = async { Ok(accept_async(listener.accept().await?.0).await?) };
    tokio::try_join!(Socket::connect(&url), accept)
}

async fn send(server: &mut WebSocketStream<TcpStream>, frames: &[Value]) -> Result<()> {
    for frame in frames {
        server.send(Message::text(frame.to_string())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn answers_are_matched_by_id_in_any_order() -> Result<()> {
    let (socket, mut server) = pair().await?;
    let (one, other) = (socket.send("ping", &json!({}))?, socket.send("ping", &json!({}))?);
    let push = json!({"t": "message.created", "d": {"id": "a"}});
    let answer = |id: &str| json!({"t": "pong", "re": id});

    send(&mut server, &[push.clone(), answer(&other), answer(&one)]).await?;

    assert_eq!(socket.answer(&one).await?, answer(&one));
    assert_eq!(socket.answer(&other).await?, answer(&other));
    assert_eq!(socket.push().await?, push);
    Ok(())
}

#[tokio::test]
async fn packed_frames_arrive_one_by_one() -> Result<()> {
    let (socket, mut server) = pair().await?;
    let push = |id: &str| json!({"t": "message.created", "d": {"id": id}});

    send(&mut server, &[json!({"t": "batch", "d": [push("a"), push("b")]}), push("c")]).await?;

    for id in ["a", "b", "c"] {
        assert_eq!(socket.push().await?, push(id));
    }
    assert_eq!(socket.packed(), 2);
    Ok(())
}

#[tokio::test]
async fn gateway_error_answers_every_frame_under_way() -> Result<()> {
    let (socket, mut server) = pair().await?;
    let (one, other) = (socket.send("send", &json!({}))?, socket.send("send", &json!({}))?);
    let error = json!({"message": "Internal server error", "connectionId": "a=", "requestId": "b"});
    server.next().await;
    server.next().await;

    send(&mut server, &[error.clone(), error.clone()]).await?;

    assert_eq!(socket.answer(&one).await?, error);
    assert_eq!(socket.answer(&other).await?, error);
    assert_eq!(socket.push().await?, error, "no frame was under way at the second error");
    Ok(())
}

#[tokio::test]
async fn frames_before_the_close_are_kept() -> Result<()> {
    let (socket, mut server) = pair().await?;
    let push = json!({"t": "session.revoked"});

    send(&mut server, std::slice::from_ref(&push)).await?;
    server.close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })).await?;

    assert_eq!(socket.closed().await?, Some(1001));
    assert_eq!(socket.drain(), [push]);
    assert!(socket.frame().await.is_err());
    Ok(())
}
