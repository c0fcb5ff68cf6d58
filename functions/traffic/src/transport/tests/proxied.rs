//! Requests through a proxy: as a whole URL without TLS, through a tunnel with it.

use super::*;

fn through(proxy: &Target, variable: &str) -> Http {
    let set = format!("http://me:secret@127.0.0.1:{}", proxy.port);
    let proxies = Proxies::read(&|name| (name == variable).then(|| set.clone())).unwrap();
    with(HttpSettings {
        proxies,
        ..HttpSettings::default()
    })
}

#[tokio::test]
async fn a_proxy_gets_the_whole_url_and_who_we_are() {
    let proxy = Target::ok().await;
    let http = through(&proxy, "http_proxy");
    for _ in 0..2 {
        let url = "http://target.invalid:81/path?q#f".parse().unwrap();
        assert_eq!(get(&http, url, &of_user(0)).await.unwrap().body, "here");
    }
    let got = proxy.got();
    assert_eq!(got[1].line(), "GET http://target.invalid:81/path?q");
    assert_eq!(got[1].header("Host"), Some("target.invalid:81"));
    assert_eq!(
        got[1].header("Proxy-Authorization"),
        Some("Basic bWU6c2VjcmV0")
    );
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_tunnel_is_asked_for_and_its_refusal_is_said() {
    let proxy =
        Target::new(|_| Closes("HTTP/1.1 407 Who Are You\r\nContent-Length: 0\r\n\r\n".to_owned()))
            .await;
    let http = through(&proxy, "HTTPS_PROXY");
    let url = "https://target.invalid/".parse().unwrap();
    let error = get(&http, url, &of_user(0)).await.unwrap_err();
    assert_eq!(error, "proxy: it answered CONNECT with status 407");
    let got = proxy.got();
    assert_eq!(got[0].line(), "CONNECT target.invalid:443");
    assert_eq!(got[0].header("Host"), Some("target.invalid:443"));
    assert_eq!(
        got[0].header("Proxy-Authorization"),
        Some("Basic bWU6c2VjcmV0")
    );
}

#[tokio::test]
async fn https_goes_through_the_tunnel_and_the_proxy_sees_none_of_it() {
    let (tls, acceptor) = warm::certificate();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (tunnel, _) = request_of(&mut stream).await.unwrap();
        let yes = b"HTTP/1.1 200 Connection established\r\n\r\n";
        stream.write_all(yes).await.unwrap();
        // the target behind it
        let mut stream = acceptor.accept(stream).await.unwrap();
        let (inner, _) = request_of(&mut stream).await.unwrap();
        stream.write_all(ok("inside").as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        (tunnel, inner)
    });
    let set = address.to_string();
    let proxies = Proxies::read(&|name| (name == "https_proxy").then(|| set.clone())).unwrap();
    let settings = HttpSettings {
        proxies,
        ..HttpSettings::default()
    };
    let http = Http::with_tls(tls, Clock::system(), settings);
    let url = "https://localhost/deep".parse().unwrap();
    assert_eq!(get(&http, url, &of_user(0)).await.unwrap().body, "inside");
    let (tunnel, inner) = proxy.await.unwrap();
    assert!(
        tunnel.starts_with("CONNECT localhost:443 HTTP/1.1\r\n"),
        "{tunnel}"
    );
    assert!(
        inner.starts_with("GET /deep HTTP/1.1\r\nHost: localhost\r\n"),
        "{inner}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_said_to_be_the_proxy() {
    let closed = Target::ok().await;
    let set = "127.0.0.1:1".to_owned();
    let proxies = Proxies::read(&|name| (name == "all_proxy").then(|| set.clone())).unwrap();
    let http = with(HttpSettings {
        proxies,
        ..HttpSettings::default()
    });
    let error = get(&http, closed.url("/"), &of_user(0)).await.unwrap_err();
    assert_eq!(error, "proxy: connection refused");
}
