use proptest::prelude::*;

use super::*;

fn host(text: &str) -> Option<String> {
    Host::parse(text).ok().map(|h| h.to_string())
}

#[test]
fn takes_names_and_addresses_in_one_spelling() {
    for (text, read) in [
        ("example.org", "example.org"),
        ("EXAMPLE.Org", "example.org"),
        ("a-b.c1.xn--p1ai", "a-b.c1.xn--p1ai"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2606:4700::1111]", "[2606:4700::1111]"),
        ("[2606:4700:0:0::1111]", "[2606:4700::1111]"),
    ] {
        assert_eq!(host(text).as_deref(), Some(read), "{text}");
    }
}

#[test]
fn refuses_what_can_be_read_in_two_ways() {
    let long_label = format!("{}.org", "a".repeat(64));
    let long_name = format!("{}org", "a.".repeat(126));
    for text in [
        "",
        "localhost",
        "evil\0.example.org",
        "evil.org\0.example.org",
        "user@example.org",
        "example.org#x",
        "example.org/x",
        "example.org?x",
        "example.org\\x",
        "example.org%2e",
        "example.org.",
        ".example.org",
        "a..b",
        "*.example.org",
        "-a.org",
        "a-.org",
        "a_b.org",
        "exa mple.org",
        "example\u{3002}org",
        "example\u{ff0e}org",
        "ex\u{e4}mple.org",
        "\u{212a}elvin.org",
        "example.org\r\n",
        "0x7f.1",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.01",
        "1.2.3.4.5",
        "1.2.3.256",
        "a.0x7f",
        "a.0x",
        "a.7",
        "::1",
        "[::1",
        "[::ffff:127.0.0.1]",
        "[::1%eth0]",
        "[::1%25eth0]",
        "[1.2.3.4]",
        "[]",
        "[example.org]",
        &long_label,
        &long_name,
    ] {
        assert_eq!(host(text), None, "{text:?}");
    }
}

#[test]
fn a_target_has_one_port() {
    let target = Target::parse("example.org:443").unwrap();
    assert_eq!(
        (target.host.to_string().as_str(), target.port),
        ("example.org", 443)
    );
    assert_eq!(Target::parse("[2606:4700::1]:443").unwrap().port, 443);
    for text in [
        "example.org",
        "example.org:",
        "example.org:0",
        "example.org:0443",
        "example.org:+443",
        "example.org:65536",
        "example.org:443:443",
        "example.org: 443",
        "example.org:\u{664}\u{664}",
        "user@example.org:443",
        "2606:4700::1:443",
        ":443",
    ] {
        assert!(Target::parse(text).is_err(), "{text:?}");
    }
}

proptest! {
    /// Whatever is taken is plain, has no number at its end unless it is an address, and reads as
    /// itself again.
    #[test]
    fn whatever_is_taken_reads_in_one_way(text in "\\PC{0,40}|[a-z0-9.\\-\\[\\]:%@#x]{0,40}") {
        if let Ok(host) = Host::parse(&text) {
            let shown = host.to_string();
            prop_assert_eq!(Host::parse(&shown), Ok(host.clone()));
            match host {
                Host::Name(name) => {
                    prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase()
                        || b.is_ascii_digit() || b == b'-' || b == b'.'));
                    prop_assert!(name.parse::<IpAddr>().is_err());
                    prop_assert_eq!(name, text.to_ascii_lowercase());
                }
                Host::Address(address) => prop_assert!(text.contains(&*address.to_string())
                    || address.is_ipv6()),
            }
        }
    }

    /// A name with anything else in it anywhere is no name.
    #[test]
    fn one_odd_character_is_enough(at in 0..11_usize, odd in "[^A-Za-z0-9.\\-]") {
        let mut text = "example.org".to_owned();
        text.insert_str(at, &odd);
        prop_assert!(Host::parse(&text).is_err());
    }

    /// No spelling of a number of 32 bits passes but the four decimal ones.
    #[test]
    fn numbers_are_addresses_in_four_decimals_only(number: u32, style in 0..5_u8) {
        let [a, b, c, d] = number.to_be_bytes();
        let text = match style {
            0 => format!("{number}"),
            1 => format!("0x{number:x}"),
            2 => format!("0{a:o}.{b}.{c}.{d}"),
            3 => format!("{a}.{b}.{}", u32::from(c) << 8 | u32::from(d)),
            _ => format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        };
        prop_assert!(Host::parse(&text).is_err(), "{}", text);
    }
}
