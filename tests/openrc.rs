//! The openrc reader held to bash, and to never failing in another way than with an error.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeMap;
use std::process::Command;

use proptest::prelude::*;
use rhumb::site::credentials::{openrc, shell};

fn read(text: &str) -> BTreeMap<String, String> {
    let variables = shell::variables("openrc", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let ours = variables.into_iter().filter(|(name, _)| name.starts_with("OS_"));
    ours.map(|(name, v)| (name, v.value.expose().to_string())).collect()
}

/// What bash has in its environment after reading each of the texts, but for its own variables.
fn bash(texts: &[String]) -> Vec<BTreeMap<String, String>> {
    let dir = tempfile::tempdir().unwrap();
    for (n, text) in texts.iter().enumerate() {
        std::fs::write(dir.path().join(n.to_string()), text).unwrap();
    }
    let each = "cd \"$0\"; for ((n = 0; n < $1; n++)); do (set -a; . ./$n; env -0); printf '\\1'; done";
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", each])
        .arg(dir.path())
        .arg(texts.len().to_string())
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let ours = |line: &str| {
        let (name, value) = line.split_once('=').filter(|(name, _)| name.starts_with("OS_"))?;
        Some((name.to_string(), value.to_string()))
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let environments: Vec<_> =
        text.split('\u{1}').map(|all| all.split('\0').filter_map(ours).collect()).collect();
    environments[..texts.len()].to_vec()
}

/// A text that a variable can hold.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ -~]{0,12}",
        1 => "[a-zA-Z0-9_./:-]{0,20}",
        1 => "[\\t\\n\\r$`\"'\\\\#~{},;& é€😀-]{0,8}",
        1 => "\\PC{0,8}",
    ]
    .prop_map(|text| text.replace(['\0', '\u{1}'], ""))
}

fn name() -> impl Strategy<Value = String> {
    "OS_[A-C]"
}

/// The ways in which people quote.
#[derive(Clone, Copy, Debug)]
enum Quoting {
    Single,
    Double,
    Escaped,
    AnsiC,
}

fn quoted(text: &str, quoting: Quoting) -> String {
    match quoting {
        Quoting::Single => format!("'{}'", text.replace('\'', r"'\''")),
        Quoting::Double => {
            let escape = |c| if "$`\"\\".contains(c) { format!("\\{c}") } else { String::from(c) };
            format!("\"{}\"", text.chars().map(escape).collect::<String>())
        }
        Quoting::Escaped => {
            // as printf %q: a backslash before whatever is special, a line end in quotes
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=+@%".contains(c) || !c.is_ascii();
            let escape = |c: char| match c {
                '\n' => "$'\\n'".to_string(),
                c if plain(c) => c.to_string(),
                c => format!("\\{c}"),
            };
            text.chars().map(escape).collect()
        }
        Quoting::AnsiC => {
            let escape = |c: char| match c {
                '\\' | '\'' => format!("\\{c}"),
                '\n' => "\\n".to_string(),
                '\t' => "\\t".to_string(),
                c if c.is_ascii_control() => format!("\\{:03o}", c as u32),
                c if !c.is_ascii() && (c as u32) > 0xffff => format!("\\U{:08X}", c as u32),
                c if !c.is_ascii() => format!("\\u{:04x}", c as u32),
                c => c.to_string(),
            };
            format!("$'{}'", text.chars().map(escape).collect::<String>())
        }
    }
}

fn quoting() -> impl Strategy<Value = Quoting> {
    prop_oneof![Just(Quoting::Single), Just(Quoting::Double), Just(Quoting::Escaped), Just(Quoting::AnsiC)]
}

/// One line of a plain file.
fn line() -> impl Strategy<Value = String> {
    let assignment =
        (name(), proptest::collection::vec((value(), quoting()), 0..3)).prop_map(|(name, parts)| {
            let value: String = parts.iter().map(|(text, q)| quoted(text, *q)).collect();
            format!("{name}={value}")
        });
    let assignments = proptest::collection::vec(assignment, 1..3).prop_map(|all| all.join(" ")).boxed();
    prop_oneof![
        6 => assignments.clone().prop_map(|a| format!("export {a}")),
        2 => assignments.clone(),
        1 => assignments.prop_map(|a| format!("  export\t{a} ;  # a comment: $(no) `command` 'here")),
        1 => "# [ -~]{0,20}",
        1 => Just(String::new()),
        1 => name().prop_map(|n| format!("unset {n}")),
        1 => name().prop_map(|n| format!("export {n}")),
        1 => name().prop_map(|n| format!("export \\\n  {n}=con\\\ntinued")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_quoted_value_reads_back(text in value(), quoting in quoting()) {
        // a carriage return before a line end is an editor's, not the value's
        prop_assume!(!text.contains("\r\n") && !text.ends_with('\r'));
        let file = format!("export OS_A={}\n", quoted(&text, quoting));
        let value = read(&file).remove("OS_A");
        prop_assert_eq!(value, Some(text), "{}", file);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*|[ -~\\n\\t'\"$`\\\\={}()]*") {
        let _ = shell::variables("openrc", &text);
        let _ = openrc::parse("openrc", &text);
    }

    #[test]
    fn any_bytes_after_an_assignment_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = openrc::parse("openrc", &format!("export OS_A={}", String::from_utf8_lossy(&bytes)));
    }
}

proptest! {
    // each case starts a bash
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plain_file_means_what_it_means_to_bash(lines in proptest::collection::vec(line(), 1..8)) {
        let file = lines.join("\n") + "\n";
        // the one difference that is meant: bash keeps an editor's carriage returns
        prop_assume!(!file.contains("\r\n"));
        prop_assert_eq!(&read(&file), &bash(std::slice::from_ref(&file))[0], "{}", file);
    }
}

/// Whatever the reader takes, bash takes in the same way: the reader refuses rather than guesses.
#[test]
fn what_is_taken_means_what_it_means_to_bash() {
    let pieces = [
        "a", " ", "'", "\"", "\\", "$", "#", "=", "~", "{", ",", "}", ";", ":", "!", "*", "\n", "/", "x y",
        "$'", "\\n", "..",
    ];
    let mut state = 7u64;
    let mut next = |n: usize| {
        // a small deterministic generator: the same texts on every machine
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let texts = std::iter::repeat_with(|| {
        let value: String = (0..1 + next(6)).map(|_| pieces[next(pieces.len())]).collect();
        format!("{}OS_A={value}\n", if next(2) == 0 { "export " } else { "" })
    });
    let taken: Vec<String> =
        texts.take(3000).filter(|text| shell::variables("openrc", text).is_ok()).collect();
    assert!(taken.len() > 400, "only {} texts were taken: the test says little", taken.len());
    for (text, bash) in taken.iter().zip(bash(&taken)) {
        assert_eq!(read(text), bash, "{text}");
    }
}
