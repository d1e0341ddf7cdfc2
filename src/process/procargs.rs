//! What macOS tells about the arguments and the environment of a process (`KERN_PROCARGS2`).
//!
//! ```text
//! argc (native int) │ path of the program \0 │ \0… │ argc arguments, each \0 │ variables, each \0 │ \0 …
//! ```

/// The value of a variable.
pub(super) fn variable(buffer: &[u8], name: &str) -> Option<String> {
    let (argc, rest) = buffer.split_first_chunk::<4>()?;
    let argc = usize::try_from(i32::from_ne_bytes(*argc)).ok()?;
    let path = rest.iter().position(|b| *b == 0)?;
    let rest = rest.get(path..)?;
    let arguments = rest.iter().position(|b| *b != 0)?;
    let mut strings = rest.get(arguments..)?.split(|b| *b == 0).skip(argc);
    strings
        .by_ref()
        .take_while(|string| !string.is_empty())
        .find_map(|string| {
            let value = string.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            String::from_utf8(value.to_vec()).ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(argc: i32, rest: &str) -> Vec<u8> {
        [&argc.to_ne_bytes()[..], rest.as_bytes()].concat()
    }

    #[test]
    fn only_the_environment_is_looked_at() {
        let found = |argc, rest| variable(&buffer(argc, rest), "MARK");
        let is = |value: &str| Some(value.to_owned());
        assert_eq!(
            found(2, "/bin/x\0\0\0\0x\0-v\0A=1\0MARK=7\0Z=\0\0apple=1\0"),
            is("7")
        );
        assert_eq!(found(1, "/bin/x\0x\0MARK=\0"), is(""));
        assert_eq!(found(2, "/bin/x\0\0x\0\0MARK=7\0"), is("7"));
        for (argc, rest) in [
            // An argument, a longer name, and what the system adds behind the environment.
            (2, "/bin/x\0x\0MARK=7\0A=1\0\0"),
            (1, "/bin/x\0x\0MARK2=7\0XMARK=7\0\0"),
            (1, "/bin/x\0x\0A=1\0\0MARK=7\0"),
            // No environment is shown.
            (1, "/bin/x\0x\0"),
            (9, "/bin/x\0x\0MARK=7\0"),
            (-1, "/bin/x\0x\0MARK=7\0"),
            (1, "/bin/x"),
            (1, ""),
        ] {
            assert_eq!(found(argc, rest), None, "{argc} {rest:?}");
        }
        assert_eq!(variable(&[1, 0], "MARK"), None);
    }
}
