//! The reader.

/// A piece of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    List(Vec<Expr>),
    Symbol(String),
    Text(String),
    /// `#"…"`, whose backslashes are its own.
    Regex(String),
}

impl Expr {
    pub(crate) fn list(&self) -> &[Expr] {
        match self {
            Self::List(all) => all,
            other => panic!("no list: {other:?}"),
        }
    }

    pub(crate) fn symbol(&self) -> &str {
        match self {
            Self::Symbol(name) => name,
            other => panic!("no symbol: {other:?}"),
        }
    }
}

/// Reads a whole profile.
pub(crate) fn read(text: &str) -> Result<Vec<Expr>, String> {
    let mut stack: Vec<Vec<Expr>> = vec![Vec::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let expr = match c {
            c if c.is_whitespace() => continue,
            ';' => {
                while rest.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            '(' => {
                stack.push(Vec::new());
                continue;
            }
            ')' => {
                let list = stack.pop().unwrap_or_default();
                if stack.is_empty() {
                    return Err("a ) too many".to_owned());
                }
                Expr::List(list)
            }
            '"' => Expr::Text(quoted(&mut rest, true)?),
            '#' if rest.next_if_eq(&'"').is_some() => Expr::Regex(quoted(&mut rest, false)?),
            c => {
                let mut name = String::from(c);
                while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !"()\";".contains(*c)) {
                    name.push(c);
                }
                Expr::Symbol(name)
            }
        };
        stack.last_mut().ok_or("nothing is open")?.push(expr);
    }
    match (stack.pop(), stack.is_empty()) {
        (Some(all), true) => Ok(all),
        _ => Err("a ( too many".to_owned()),
    }
}

fn quoted(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    escapes: bool,
) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match rest.next() {
            Some('"') => return Ok(text),
            Some('\\') if escapes => text.push(rest.next().ok_or("a text without end")?),
            // In a regex a quote is escaped for the reader, and stays escaped for the regex.
            Some('\\') if rest.peek() == Some(&'"') => {
                text.extend(['\\', rest.next().unwrap_or('"')]);
            }
            Some(c) => text.push(c),
            None => return Err("a text without end".to_owned()),
        }
    }
}

#[test]
fn reads_what_is_not_plain_scheme_too() {
    let symbol = |s: &str| Expr::Symbol(s.to_owned());
    let all = read("; a (comment\n(deny file* (regex #\"^/a\\.b(/|$)\") \"q\\\"(\")").unwrap();
    let regex = Expr::List(vec![
        symbol("regex"),
        Expr::Regex("^/a\\.b(/|$)".to_owned()),
    ]);
    let wanted = [
        symbol("deny"),
        symbol("file*"),
        regex,
        Expr::Text("q\"(".to_owned()),
    ];
    assert_eq!(all, [Expr::List(wanted.to_vec())]);
    for broken in ["(a", "a)", "(a \"b)", "(a #\"b)"] {
        assert!(read(broken).is_err(), "{broken}");
    }
}
