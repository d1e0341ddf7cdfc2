//! `CONNECT`, for tools.

use std::time::Duration;

use secloop::egress::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Bench, LIMITS, Net, PUBLIC, status};

#[tokio::test]
async fn a_host_on_the_list_is_reached_at_the_address_it_had_when_it_was_judged() {
    let bench = Bench::new(&["*.example.org"]).await;
    // Whoever asks again is told another address: a rebinding.
    bench.net.knows(
        "www.example.org",
        &[&[PUBLIC], &["127.0.0.1"], &["169.254.169.254"]],
    );
    let (mut tunnel, head) = bench.connect("www.example.org:443").await;
    assert_eq!(status(&head), 200, "{head}");
    tunnel.write_all(b"there and back").await.unwrap();
    let mut back = [0; 14];
    tunnel.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"there and back");
    assert_eq!(bench.net.dialled(), ["93.184.216.34:443"]);
    assert_eq!(bench.net.asked.lock().unwrap().len(), 1, "it asked again");
    for _ in 0..2 {
        assert_eq!(bench.status("www.example.org:443").await, 403);
    }
    assert_eq!(bench.net.dialled().len(), 1);
    assert_eq!(
        bench.decisions().await,
        [
            "no www.example.org:443 its address is not on the open internet: loopback x1",
            "no www.example.org:443 its address is not on the open internet: metadata x1",
            "yes www.example.org:443 allow *.example.org x1",
        ]
    );
}

#[tokio::test]
async fn nothing_is_reached_without_a_list() {
    let bench = Bench::new(&[]).await;
    bench.net.knows("example.org", &[&[PUBLIC]]);
    for target in [
        "example.org:443",
        "93.184.216.34:443",
        "[2606:4700::1111]:443",
    ] {
        assert_eq!(bench.status(target).await, 403, "{target}");
    }
    // Not even a name is asked for: that would be a way out, too.
    assert!(bench.net.asked.lock().unwrap().is_empty());
    assert!(bench.net.dialled().is_empty());
}

#[tokio::test]
async fn only_what_is_on_the_open_internet_is_dialled() {
    let own = "198.41.0.4";
    let net = Net {
        own: vec![own.parse().unwrap()],
        ..Net::default()
    };
    let bench = Bench::with(
        &["*.example.org", "10.0.0.1", "93.184.216.34"],
        LIMITS,
        None,
        net,
    )
    .await;
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "0.0.0.0",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fd00:ec2::254",
        own,
    ] {
        bench.net.knows("a.example.org", &[&[address]]);
        assert_eq!(bench.status("a.example.org:443").await, 403, "{address}");
    }
    // On the list, and private all the same.
    assert_eq!(bench.status("10.0.0.1:443").await, 403);
    assert!(bench.net.dialled().is_empty());
    // Of several the good one is taken.
    bench.net.knows("a.example.org", &[&["127.0.0.1", PUBLIC]]);
    assert_eq!(bench.status("a.example.org:443").await, 200);
    assert_eq!(bench.status("93.184.216.34:443").await, 200);
    assert_eq!(
        bench.net.dialled(),
        ["93.184.216.34:443", "93.184.216.34:443"]
    );
}

#[tokio::test]
async fn what_is_no_host_is_refused_and_not_repeated() {
    let bench = Bench::new(&["*.example.org"]).await;
    for target in [
        "a.example.org.:443",
        "user@a.example.org:443",
        "a.example.org",
        "a.example.org:0443",
        "127.1:443",
        "0x7f.1:443",
        "[::ffff:127.0.0.1]:443",
        "a.ex%61mple.org:443",
        "secret-in-a-host_.example.org:443",
    ] {
        let status = bench.status(target).await;
        assert!([400, 403, 0].contains(&status), "{target}: {status}");
    }
    for raw in [
        "evil.net\0.example.org:443",
        "a.example.org:443#",
        "\u{ff41}.example.org:443",
    ] {
        let request = format!("CONNECT {raw} HTTP/1.1\r\n\r\n");
        let (_, head) = bench.send(request.as_bytes()).await;
        assert_ne!(status(&head), 200, "{raw:?}");
    }
    assert!(bench.net.asked.lock().unwrap().is_empty());
    let decisions = bench.decisions().await.join("\n");
    assert!(
        decisions.contains("no host") && !decisions.contains("secret"),
        "{decisions}"
    );
}

#[tokio::test]
async fn deny_list_and_ports_are_looked_at_before_any_name_is_asked_for() {
    let bench = Bench::new(&["*.example.org"]).await;
    for target in [
        "bad.example.org:443",
        "a.example.org:22",
        "a.example.org:80",
    ] {
        assert_eq!(bench.status(target).await, 403, "{target}");
    }
    assert!(bench.net.asked.lock().unwrap().is_empty());
    let decisions = bench.decisions().await;
    assert!(decisions.contains(&"no bad.example.org:443 deny bad.example.org x1".to_owned()));
    assert!(decisions.contains(&"no a.example.org:22 not in egress.ports x1".to_owned()));
}

#[tokio::test]
async fn whoever_does_not_know_the_token_gets_nothing() {
    let bench = Bench::new(&["*.example.org"]).await;
    bench.net.knows("a.example.org", &[&[PUBLIC]]);
    for header in [
        "",
        "Proxy-Authorization: Basic c2VjbG9vcDp4\r\n",
        "Proxy-Authorization: Bearer x\r\n",
        "Authorization: Basic c2VjbG9vcDp4\r\n",
    ] {
        let request = format!("CONNECT a.example.org:443 HTTP/1.1\r\n{header}\r\n");
        let (_, head) = bench.send(request.as_bytes()).await;
        assert_eq!(status(&head), 407, "{head}");
        assert!(
            head.to_ascii_lowercase()
                .contains("proxy-authenticate: basic"),
            "{head}"
        );
    }
    // Another run's token is none of this one.
    let other = Bench::new(&["*.example.org"]).await;
    assert_ne!(other.proxy.token(), bench.proxy.token());
    assert!(bench.net.asked.lock().unwrap().is_empty());
}

/// Two readers of the same bytes must see the same requests.
#[tokio::test]
async fn a_request_within_a_request_is_not_seen() {
    let bench = Bench::new(&["*.example.org"]).await;
    let inner = "CONNECT a.example.org:443 HTTP/1.1\r\n\r\n";
    for framing in [
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\n".to_owned(),
        "Transfer-Encoding: identity\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        format!("Content-Length: 0\r\nContent-Length: {}\r\n", inner.len()),
        "Content-Length: +5\r\n".to_owned(),
        "Content-Length: 5, 5\r\n".to_owned(),
    ] {
        let request =
            format!("POST /model/v1/messages HTTP/1.1\r\nHost: x\r\n{framing}\r\n{inner}");
        let (_, head) = bench.send(request.as_bytes()).await;
        assert!([0, 400].contains(&status(&head)), "{framing:?}: {head}");
    }
    assert!(bench.net.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn plain_http_is_not_proxied() {
    let bench = Bench::new(&["*.example.org"]).await;
    let request = "GET http://a.example.org/?secret HTTP/1.1\r\nHost: a.example.org\r\n\r\n";
    let (_, head) = bench.send(request.as_bytes()).await;
    assert_eq!(status(&head), 403);
    assert_eq!(bench.decisions().await, ["no ?:0 plain HTTP x1"]);
    let (_, head) = bench.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(status(&head), 404);
}

#[tokio::test]
async fn a_run_may_ask_so_often_and_move_so_much() {
    let limits = Limits {
        per_minute: 3,
        bytes: 100,
        ..LIMITS
    };
    let bench = Bench::with(&["*.example.org"], limits, None, Net::default()).await;
    bench
        .net
        .knows("a.example.org", &[&[PUBLIC], &[PUBLIC], &[PUBLIC]]);
    let (mut tunnel, head) = bench.connect("a.example.org:443").await;
    assert_eq!(status(&head), 200);
    tunnel.write_all(&[b'x'; 80]).await.unwrap();
    // 20 of the way back are left: it is cut.
    let mut back = Vec::new();
    let _ = tunnel.read_to_end(&mut back).await;
    assert!(back.len() < 80, "{}", back.len());
    assert_eq!(bench.status("a.example.org:443").await, 429);
    assert_eq!(bench.status("a.example.org:443").await, 429);
    assert_eq!(bench.status("a.example.org:443").await, 429);
    let decisions = bench.decisions().await.join("\n");
    assert!(
        decisions.contains("egress.megabytes is used up x2"),
        "{decisions}"
    );
    assert!(
        decisions.contains("egress.per_minute is used up x1"),
        "{decisions}"
    );
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_closed() {
    let limits = Limits {
        idle: Duration::from_millis(50),
        ..LIMITS
    };
    let bench = Bench::with(&["*.example.org"], limits, None, Net::default()).await;
    bench.net.knows("a.example.org", &[&[PUBLIC]]);
    let (mut tunnel, head) = bench.connect("a.example.org:443").await;
    assert_eq!(status(&head), 200);
    let mut rest = Vec::new();
    let _ = tunnel.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

/// More connections wait until one has gone, and none outlives the proxy.
#[tokio::test]
async fn connections_are_counted_and_end_with_the_proxy() {
    let limits = Limits {
        connections: 1,
        ..LIMITS
    };
    let bench = Bench::with(&["*.example.org"], limits, None, Net::default()).await;
    bench.net.knows("a.example.org", &[&[PUBLIC], &[PUBLIC]]);
    let (first, head) = bench.connect("a.example.org:443").await;
    assert_eq!(status(&head), 200);
    let mut second = Box::pin(bench.connect("a.example.org:443"));
    let waited = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
    assert!(waited.is_err(), "it was not one at a time");
    drop(first);
    let (mut tunnel, head) = second.await;
    assert_eq!(status(&head), 200);
    drop(bench);
    let mut rest = Vec::new();
    let _ = tunnel.read_to_end(&mut rest).await;
}
