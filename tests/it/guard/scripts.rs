//! Random scripts with something dangerous in them, hidden the way shells allow it.

use super::random::Random;

/// What nothing may run, as words.
pub(crate) const DANGERS: &[&[&str]] = &[
    &["rm", "-rf", "/"],
    &["git", "push", "--force"],
    &["mkfs.ext4", "/dev/sda"],
    &["chmod", "-R", "777", "/"],
];

/// Pieces of shell in no order.
const PIECES: &[&str] = &[
    " ",
    " ",
    "\n",
    "\n",
    ";",
    "&",
    " && ",
    " || ",
    " | ",
    "(",
    ")",
    "{ ",
    "; }",
    "'",
    "\"",
    "`",
    "$(",
    "${x}",
    "${x:-",
    "}",
    "$x",
    "$",
    "\\",
    "\\\n",
    "#",
    " #",
    "==",
    "=~",
    "<<E\n",
    "<<'E'\n",
    "\nE\n",
    "<<-E\n",
    "E",
    " >f ",
    " 2>&1 ",
    " <f ",
    "if ",
    "then ",
    "else ",
    "fi",
    "for i in a; do ",
    " do ",
    "done",
    "case x in x) ",
    ";;",
    "esac",
    "x=1 ",
    "x=(a b) ",
    "a[0]=b ",
    "[[ ",
    " ]]",
    "((",
    "))",
    "! ",
    "echo ",
    "echo a",
    "true",
    "false",
    ":",
    "time ",
    "f() ",
    "function f ",
    "$'",
    "$\"",
    "~",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "<(",
    ">(",
    "<<<",
    "a",
    "b",
    "-",
    "--",
    "=",
    "1",
    "coproc ",
    "&>f ",
    "\t",
    "set -- ",
    "export ",
    "declare ",
    "x+=",
    "${#x}",
    "${x##",
    "@",
    "!",
    ",",
    "E;",
    "in ",
    "select ",
    "while ",
    "until ",
    "return",
    "eval ",
    "command ",
    "exec ",
    "unset x",
    "let x=1",
    "$((",
    "$[",
    "]",
];

/// A script.
pub(crate) fn script(random: &mut Random) -> String {
    if random.below(2) == 0 {
        return soup(random);
    }
    let depth = 1 + random.below(3);
    let mut text = compound(random, depth);
    for _ in 0..random.below(3) {
        let more = compound(random, 1);
        let glue = random.pick(&["\n", "; ", " && ", " || ", "\n\\\n", " | ", " & "]);
        text = match random.below(2) {
            0 => format!("{text}{glue}{more}"),
            _ => format!("{more}{glue}{text}"),
        };
    }
    if random.below(4) == 0 {
        text = mangled(random, &text);
    }
    text
}

fn soup(random: &mut Random) -> String {
    let count = 2 + random.below(10);
    let place = random.below(count + 1);
    let mut text = String::new();
    for at in 0..=count {
        if at == place {
            text.push_str(random.pick(&["", "", "\n", " ", ";"]));
            text.push_str(&danger(random).join(" "));
            text.push_str(random.pick(&["", "", "\n", " ", ";"]));
        } else {
            text.push_str(random.pick(PIECES));
        }
    }
    text
}

/// One piece put in, taken out or doubled somewhere.
fn mangled(random: &mut Random, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = random.below(chars.len());
    match random.below(3) {
        0 => {
            let piece = random.pick(PIECES);
            chars.splice(at..at, piece.chars());
        }
        1 if !chars.is_empty() => {
            chars.remove(at);
        }
        _ => {
            let some: Vec<char> = chars.iter().skip(at).take(4).copied().collect();
            chars.splice(at..at, some);
        }
    }
    chars.into_iter().collect()
}

fn danger(random: &mut Random) -> Vec<String> {
    let words = DANGERS[random.below(DANGERS.len())];
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// A word whose value is this one, written otherwise.
pub(crate) fn disguised(random: &mut Random, word: &str) -> String {
    let (head, tail) = word.split_at(random.below(word.len()));
    match random.below(9) {
        0 => format!("'{word}'"),
        1 => format!("\"{word}\""),
        2 => format!("{head}''{tail}"),
        3 => format!("{head}\"{tail}\""),
        4 => format!("{head}\\\n{tail}"),
        5 => word.chars().map(|c| format!("\\{c}")).collect(),
        6 => {
            let hex: String = word.bytes().map(|b| format!("\\x{b:02x}")).collect();
            format!("$'{hex}'")
        }
        7 => {
            let octal: String = word.bytes().map(|b| format!("\\{b:03o}")).collect();
            format!("{head}$'{}'", &octal[head.len() * 4..])
        }
        _ => format!("{head}${{nothing}}{tail}"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A command that runs something dangerous by itself.
fn simple(random: &mut Random) -> String {
    let words = danger(random);
    let plain = words.join(" ");
    let (first, rest) = (words[0].clone(), words[1..].join(" "));
    let reversed: String = first.chars().rev().collect();
    match random.below(34) {
        0..=5 => plain,
        6..=9 => {
            let disguised: Vec<String> = words
                .iter()
                .map(|w| match random.below(2) {
                    0 => w.clone(),
                    _ => disguised(random, w),
                })
                .collect();
            disguised.join(" ")
        }
        10 => format!("x={first}; $x {rest}"),
        11 => format!("x='{plain}'; $x"),
        12 => format!("x='{plain}'; eval \"$x\""),
        13 => format!("${{nothing:-{first}}} {rest}"),
        14 => format!("{{{}}}", words.join(",")),
        15 => format!("set -- {plain}; \"$@\""),
        16 => format!("a=({plain}); \"${{a[@]}}\""),
        17 => format!("f() {{ {first} \"$@\"; }}; f {rest}"),
        18 => format!("bash -c {}", quoted(&plain)),
        19 => format!("echo {} | bash", quoted(&plain)),
        20 => format!("bash <<< '{plain}'"),
        21 => format!("bash <<E\n{plain}\nE\n"),
        22 => format!("read -r c <<< '{plain}'; $c"),
        23 => format!("printf -v c %s {first}; $c {rest}"),
        24 => format!("c=_{first}; ${{c#_}} {rest}"),
        25 => format!("c={reversed}_; for d in {first}; do $d {rest}; done"),
        26 => format!("declare -n r=c; c='{plain}'; $r"),
        27 => format!("IFS=,; c={}; $c", words.join(",")),
        28 => format!("trap {} EXIT", quoted(&plain)),
        29 => format!("$(echo {first}) {rest}"),
        30 => format!(
            "{} {plain}",
            random.pick(&["command", "builtin eval", "eval", "time", "! ", "x=1"])
        ),
        31 => format!("x={}; y={}; $x$y {rest}", &first[..1], &first[1..]),
        32 => format!("x+={first}; ${{x}} {rest}"),
        _ => format!("c=({first}); ${{c}} {rest}; ${{c[0]@Q}}"),
    }
}

fn compound(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return match random.below(5) {
            0 => format!("echo {}", danger(random).join(" ")),
            1 => "echo a".to_owned(),
            2 => format!("x={}", quoted(&danger(random).join(" "))),
            _ => simple(random),
        };
    }
    let inner = compound(random, depth - 1);
    match random.below(28) {
        0 => format!("if true; then {inner}; fi"),
        1 => format!("if false; then :; else {inner}\nfi"),
        2 => format!("for i in a b; do {inner}; done"),
        3 => format!("while true; do {inner}; break; done"),
        4 => format!("case x in a) :;; x) {inner};; esac"),
        5 => format!("case x in (x) {inner}\nesac"),
        6 => format!("( {inner} )"),
        7 => format!("{{ {inner}; }}"),
        8 => format!("f() {{ {inner}; }}; f"),
        9 => format!("function f {{ {inner}\n}}\nf a"),
        10 => format!("echo \"$( {inner} )\""),
        11 => format!("x=`{}`", inner.replace('\\', "\\\\").replace('`', "\\`")),
        12 => format!("echo $(( $( {inner} ) + 1 ))"),
        13 => format!("echo \"${{nothing:-$( {inner} )}}\""),
        14 => format!("cat <( {inner} )"),
        15 => format!("cat <<E\n$( {inner} )\nE"),
        16 => format!("[[ $( {inner} ) == a ]]"),
        17 => format!("a[$( {inner} )]=1"),
        18 => format!("echo a | {{ {inner}; }}"),
        19 => format!("echo a > \"$( {inner} )f\""),
        20 => format!("{inner} # {}", danger(random).join(" ")),
        21 => format!("cat <<'E' > f; {inner}\nx\nE\n"),
        22 => format!("cat <<A <<B; {inner}\na\nA\nb\nB\n"),
        23 => format!("eval {}", quoted(&inner)),
        24 => format!("bash -c {}", quoted(&inner)),
        25 => format!("until {inner}; do break; done"),
        26 => format!("for ((i=0; i<1; i++)); do {inner}; done"),
        _ => format!("true && {inner} || :"),
    }
}
