//! Posting to Discord: one try, one answer that says what to do next.
//!
//! Requests are built by serenity (route, body, headers) and sent as they are, since its own rate
//! limiter would sleep inside and knows no other address than Discord's.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serenity::builder::{CreateAllowedMentions, CreateMessage};
use serenity::http::{LightMethod, Request, Route};
use serenity::model::channel::{MessageFlags, Nonce};
use serenity::model::id::ChannelId;

use crate::config::{DiscordConfig, Secret};
use crate::text::{clamp, one_line, redact};

/// Discord's limit for a message, in characters.
const MAX: usize = 2_000;
/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// When to try again after an outage.
const OUTAGE: Duration = Duration::from_mins(1);
/// No answer may put the outbox off for longer than this.
const LONGEST: Duration = Duration::from_hours(1);
/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// The status channel.
#[derive(Debug, Clone)]
pub struct Discord {
    client: Option<reqwest::Client>,
    timeout: Duration,
    base_url: String,
    channel: Option<ChannelId>,
    token: Secret,
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It is there, under this id.
    Delivered {
        /// Discord's id of the message.
        message_id: String,
    },
    /// Not now; try again after this time.
    Later(Duration, String),
    /// Not before a person mends something: token, channel, rights.
    Refused(String),
}

/// What of an answer is of use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    id: String,
    message: String,
    retry_after: Option<f64>,
}

impl Discord {
    /// A channel; without id or token nothing is ever sent.
    pub fn new(config: &DiscordConfig) -> Self {
        // The token goes to the configured place and nowhere else.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .ok();
        Self {
            client,
            timeout: TIMEOUT,
            base_url: config.base_url.clone(),
            channel: config
                .channel_id
                .parse()
                .ok()
                .filter(|n| *n != 0)
                .map(ChannelId::new),
            token: config.token.clone(),
        }
    }

    /// Gives up on a try after this time.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Tries once. The receiver drops a second message with the same `nonce` (at most 25
    /// characters, remembered for minutes), so a repeat after a crash is not a second post.
    pub async fn send(&self, text: &str, nonce: &str) -> Delivery {
        let (Some(channel_id), false) = (self.channel, self.token.is_empty()) else {
            return Delivery::Refused(
                "DISCORD_BOT_TOKEN and DISCORD_STATUS_CHANNEL_ID are not both set".to_owned(),
            );
        };
        let Some(client) = &self.client else {
            return Delivery::Refused("no TLS client can be made on this machine".to_owned());
        };
        let message = CreateMessage::new()
            .content(clamp(text, MAX))
            .allowed_mentions(CreateAllowedMentions::new())
            .flags(MessageFlags::SUPPRESS_EMBEDS)
            .nonce(Nonce::String(nonce.to_owned()))
            .enforce_nonce(true);
        let Ok(body) = serde_json::to_vec(&message) else {
            return Delivery::Refused("the message can't be written as JSON".to_owned());
        };
        let request =
            Request::new(Route::ChannelMessages { channel_id }, LightMethod::Post).body(Some(body));
        let token = format!("Bot {}", self.token.expose());
        let place = Some(self.base_url.trim_end_matches('/'));
        // The error is not shown: it may hold the token.
        let Ok(built) = request.build(client, &token, place) else {
            let why = "discord.base_url or DISCORD_BOT_TOKEN is malformed";
            return Delivery::Refused(why.to_owned());
        };
        match built.timeout(self.timeout).send().await {
            Ok(response) => judge(response).await,
            Err(error) => Delivery::Later(OUTAGE, unreachable(&error)),
        }
    }
}

fn unreachable(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "does not answer in time"
    } else {
        "can't be reached"
    };
    format!("Discord {what}")
}

async fn judge(response: reqwest::Response) -> Delivery {
    let status = response.status();
    let headers = response.headers().clone();
    let Some(bytes) = read(response).await else {
        // It may have been posted: the repeat carries the same nonce.
        return Delivery::Later(OUTAGE, "Discord's answer broke off".to_owned());
    };
    let answer: Answer = serde_json::from_slice(&bytes).unwrap_or_default();
    let said = if answer.message.is_empty() {
        String::new()
    } else {
        format!(": {}", one_line(&redact(&answer.message), 160))
    };
    let why = format!("Discord answered {}{said}", status.as_u16());
    match status {
        s if s.is_success() && !answer.id.is_empty() => Delivery::Delivered {
            message_id: one_line(&answer.id, 40),
        },
        StatusCode::TOO_MANY_REQUESTS => Delivery::Later(retry_after(&headers, &answer), why),
        s if s.is_server_error() || s.is_success() || s == StatusCode::REQUEST_TIMEOUT => {
            Delivery::Later(OUTAGE, why)
        }
        StatusCode::UNAUTHORIZED => {
            Delivery::Refused(format!("{why}; the bot token is not accepted"))
        }
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Delivery::Refused(format!(
            "{why}; let the bot see the channel and send messages, or correct the channel id"
        )),
        _ => Delivery::Refused(why),
    }
}

async fn read(mut response: reqwest::Response) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_ANSWER {
            return None;
        }
    }
    Some(bytes)
}

/// Seconds, from the body (exact) or the header (rounded up); at least one, at most an hour.
fn retry_after(headers: &HeaderMap, answer: &Answer) -> Duration {
    let header = || {
        headers
            .get("retry-after")?
            .to_str()
            .ok()?
            .trim()
            .parse::<f64>()
            .ok()
    };
    let seconds = answer.retry_after.or_else(header).unwrap_or(60.0);
    Duration::try_from_secs_f64(seconds)
        .unwrap_or(OUTAGE)
        .clamp(Duration::from_secs(1), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_comes_from_body_or_header_and_is_bounded() {
        let mut headers = HeaderMap::new();
        let with = |seconds| Answer {
            retry_after: seconds,
            ..Answer::default()
        };
        assert_eq!(
            retry_after(&headers, &with(Some(2.5))),
            Duration::from_millis(2_500)
        );
        assert_eq!(retry_after(&headers, &with(Some(-1.0))), OUTAGE);
        assert_eq!(retry_after(&headers, &with(Some(1e30))), OUTAGE);
        assert_eq!(retry_after(&headers, &with(Some(1e5))), LONGEST);
        assert_eq!(retry_after(&headers, &with(None)), OUTAGE);
        headers.insert("retry-after", "3".parse().unwrap());
        assert_eq!(retry_after(&headers, &with(None)), Duration::from_secs(3));
    }
}
