//! Posting through serenity to a server that speaks Discord's REST API.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secloop::clock::Clock;
use secloop::config::{DiscordConfig, Secret};
use secloop::ledger::Ledger;
use secloop::outbox::deliver;
use secloop::report::discord::{Delivery, Discord};

use crate::support::discord::{Answer, Discord as Server};

const TOKEN: &str = "test-bot-token-0123456789";

fn channel(base_url: &str) -> Discord {
    Discord::new(&DiscordConfig {
        base_url: base_url.to_owned(),
        channel_id: "4711".to_owned(),
        token: Secret::new(TOKEN),
    })
}

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

async fn send(answer: Answer) -> Delivery {
    channel(&Server::start([answer]).base_url)
        .send("hello", "nonce")
        .await
}

#[tokio::test]
async fn a_post_mentions_nobody_and_carries_its_nonce() {
    let server = Server::start([]);
    let sent = channel(&server.base_url)
        .send("**done** @everyone", "n-1")
        .await;
    assert_eq!(
        sent,
        Delivery::Delivered {
            message_id: "9000".to_owned()
        }
    );
    let request = server.requests().remove(0);
    assert!(
        request
            .line
            .starts_with("POST /api/v10/channels/4711/messages "),
        "{}",
        request.line
    );
    assert_eq!(request.authorization, format!("Bot {TOKEN}"));
    assert_eq!(request.body["content"], "**done** @everyone");
    assert_eq!(
        request.body["allowed_mentions"]["parse"],
        serde_json::json!([])
    );
    assert_eq!(request.body["enforce_nonce"], true);
    assert_eq!(request.body["nonce"], "n-1");
    assert_eq!(request.body["flags"], 4, "no embeds");
}

#[tokio::test]
async fn every_answer_says_what_to_do_next() {
    let later = |d: Delivery| match d {
        Delivery::Later(wait, why) => (wait, why),
        other => panic!("{other:?}"),
    };
    let (wait, _) = later(send(Answer::LimitedBody(2.5)).await);
    assert_eq!(wait, Duration::from_millis(2_500));
    let (wait, _) = later(send(Answer::LimitedHeader(7)).await);
    assert_eq!(wait, Duration::from_secs(7));
    let (_, why) = later(send(Answer::Status(503, "upstream")).await);
    assert!(why.contains("503") && why.contains("upstream"), "{why}");
    let (_, why) = later(send(Answer::AcceptAndBreak).await);
    assert!(why.contains("Discord"), "{why}");
    for (status, cure) in [(401, "token"), (403, "channel"), (404, "channel")] {
        match send(Answer::Status(status, "no")).await {
            Delivery::Refused(why) => {
                assert!(why.contains(cure) && !why.contains(TOKEN), "{why}");
            }
            other => panic!("{status}: {other:?}"),
        }
    }
    // Nobody listens there any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (_, why) = later(channel(&format!("http://{gone}")).send("x", "n").await);
    assert!(why.contains("can't be reached"), "{why}");
}

#[tokio::test]
async fn a_server_that_never_answers_does_not_hold_up_the_loop() {
    let server = Server::start([Answer::Silence]);
    let discord = channel(&server.base_url).with_timeout(Duration::from_millis(200));
    match discord.send("x", "n").await {
        Delivery::Later(_, why) => assert!(why.contains("in time"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_reason_is_plain() {
    let discord = Discord::new(&DiscordConfig {
        base_url: "http://127.0.0.1:9".to_owned(),
        channel_id: String::new(),
        token: Secret::default(),
    });
    match discord.send("x", "n").await {
        Delivery::Refused(why) => assert!(why.contains("DISCORD_BOT_TOKEN"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_outbox_keeps_order_waits_and_never_posts_twice() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let clock = Clock::manual(now(), chrono_tz::Tz::UTC);
    let server = Server::start([
        Answer::Accept,
        Answer::LimitedBody(30.0),
        Answer::AcceptAndBreak,
    ]);
    let discord = channel(&server.base_url);
    for n in 1..=3 {
        ledger
            .queue_post(&format!("turn/{n}"), &format!("post {n}"), clock.now())
            .await
            .unwrap();
        // The same key again is the same post.
        ledger
            .queue_post(&format!("turn/{n}"), "again", clock.now())
            .await
            .unwrap();
    }
    let round = deliver(&ledger, &discord, &clock).await.unwrap();
    assert_eq!((round.delivered, round.stuck.is_some()), (1, true));
    // Before its time nothing is sent: order is kept.
    let requests = server.requests().len();
    assert_eq!(
        deliver(&ledger, &discord, &clock).await.unwrap().delivered,
        0
    );
    assert_eq!(server.requests().len(), requests);
    // The answer to the second breaks off after the message was made: the repeat is no second one.
    clock.advance(TimeDelta::seconds(31));
    assert_eq!(
        deliver(&ledger, &discord, &clock).await.unwrap().delivered,
        0
    );
    clock.advance(TimeDelta::minutes(2));
    let round = deliver(&ledger, &discord, &clock).await.unwrap();
    assert_eq!((round.delivered, round.stuck), (2, None));
    assert_eq!(server.messages(), ["post 1", "post 2", "post 3"]);
    assert_eq!(ledger.waiting_posts().await.unwrap(), 0);
}
