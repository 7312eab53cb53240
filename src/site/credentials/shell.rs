//! The part of the shell's language that only sets variables, read and never run.
//!
//! Real openrc files are mostly `export NAME=value` in some quoting. Whatever else they hold would
//! run something, read something or depend on something; each such construct is refused by name.

use std::collections::BTreeMap;

use super::words::{Reader, Word, is_name, refused};
use crate::base::{Result, Secret};
use crate::site::document::Spot;

/// A variable as a file leaves it. Any may be a password.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its value.
    pub value: Secret,
    /// Where it was last set.
    pub spot: Spot,
}

/// Reads a shell file that only sets variables; `file` is its name in errors.
///
/// # Errors
/// [`ErrorKind::Site`](crate::base::ErrorKind::Site) with the place of the first construct that does
/// more. No error quotes the text, for it may be a password.
pub fn variables(file: &str, text: &str) -> Result<BTreeMap<String, Variable>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let text = text.strip_suffix('\r').unwrap_or(&text);
    let mut reader = Reader::new(file, text);
    let mut variables = BTreeMap::new();
    while let Some(command) = reader.command()? {
        apply(command, &mut variables)?;
    }
    Ok(variables)
}

fn apply(command: Vec<Word>, variables: &mut BTreeMap<String, Variable>) -> Result<()> {
    let Some(first) = command.first() else { return Ok(()) };
    if first.name_end.is_some() {
        if let Some(second) = command.iter().find(|w| w.name_end.is_none()) {
            let error =
                second.spot.error("a word follows the assignment, so the shell would run it as a program");
            return Err(error.help("quote the value if the word belongs to it; there is no space around `=`"));
        }
        command.into_iter().for_each(|word| word.assign(variables));
        return Ok(());
    }
    match first.bare() {
        Some("export") => {
            for word in command.into_iter().skip(1) {
                if word.name_end.is_some() {
                    word.assign(variables);
                } else if !is_name(&word.text) {
                    let error = word.spot.error("`export` is followed by something that is no NAME=value");
                    return Err(error.help("write export NAME=value, without a space around `=`"));
                }
            }
            Ok(())
        }
        Some("unset") => {
            for word in &command[1..] {
                if !is_name(&word.text) {
                    return Err(word.spot.error("`unset` is followed by something that is no name"));
                }
                variables.remove(&word.text);
            }
            Ok(())
        }
        _ => Err(refused(&first.spot, "this line runs a program")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> BTreeMap<String, String> {
        let all = variables("admin-openrc", text).unwrap();
        all.into_iter().map(|(name, v)| (name, v.value.expose().to_string())).collect()
    }

    fn refusal(text: &str) -> String {
        let error = variables("admin-openrc", text).unwrap_err();
        format!("{}: {error}", error.detail().place.as_ref().unwrap())
    }

    #[test]
    fn every_quoting_gives_the_value() {
        for (line, value) in [
            ("export A=plain", "plain"),
            ("A=plain", "plain"),
            ("  export\tA=plain  \t", "plain"),
            ("export A='single $HOME `x` \\ \"'", "single $HOME `x` \\ \""),
            (r#"export A="double \$ \` \" \\ \n '""#, r#"double $ ` " \ \n '"#),
            (r"export A=$'tab\there\x21'", "tab\there!"),
            (r"export A=back\ slash\'\$", "back slash'$"),
            (r#"export A=mixed'a b'"c d"\ e"#, "mixeda bc d e"),
            ("export A=", ""),
            ("export A=\"\"", ""),
            ("export A=a#b # comment", "a#b"),
            ("export A=a=b", "a=b"),
            ("export A=1 A=2", "2"),
            ("A=1; A=3;", "3"),
            ("export A=ends$", "ends$"),
            ("export A=\"ends$\"", "ends$"),
            ("export A='two\nlines'", "two\nlines"),
            ("export A=con\\\ntinued", "continued"),
            ("A=1\nexport A", "1"),
            ("export A=*?[x]!%^+@", "*?[x]!%^+@"),
            ("A={a,b}", "{a,b}"),
            ("export A={a}", "{a}"),
            ("\u{feff}export A=bom", "bom"),
            ("export A=crlf\r\n", "crlf"),
            ("export A=crlf\r", "crlf"),
        ] {
            assert_eq!(read(line).get("A").map(String::as_str), Some(value), "{line:?}");
        }
    }

    #[test]
    fn unset_removes_and_comments_are_nothing() {
        assert_eq!(
            read("#!/bin/bash\n# export B=2\nexport A=1 B=2\nunset A C\n"),
            [("B".into(), "2".into())].into()
        );
    }

    #[test]
    fn whatever_does_more_is_refused_at_its_place() {
        for (text, wanted) in [
            ("A=1\nexport B=$A", "2:10: this line takes in another variable"),
            ("export B=\"x${A}\"", "1:12: this line takes in another variable"),
            ("export B=$(pass show x)", "1:10: this line takes in the output of a command"),
            ("export B=`pass`", "1:10: this line takes in the output of a command"),
            ("read -sr PW", "1:1: `read` asks for input"),
            ("if [ -z \"$A\" ]; then unset A; fi", "1:1: `if` decides"),
            ("for k in $(env); do unset $k; done", "1:1: `for` repeats"),
            ("f() { :; }", "1:2: this line defines a function or starts another shell"),
            ("source other", "1:1: `source` reads another file"),
            (". other", "1:1: `.` reads another file"),
            ("echo hello", "1:1: `echo` prints"),
            ("export A=1 > file", "1:12: this line redirects input or output"),
            ("export A=1 && export B=2", "1:12: this line joins commands"),
            ("A=(1 2)", "1:3: this line sets an array"),
            ("export A=~/ca.pem", "1:10: an unquoted `~` stands for a home directory"),
            ("export A={a,b}", "1:10: the shell would expand these braces into several words"),
            ("juju status", "1:1: this line runs a program"),
        ] {
            assert_eq!(
                refusal(text),
                format!("admin-openrc:{wanted}, and this file is read, never run"),
                "{text:?}"
            );
        }
        assert_eq!(refusal("export A='x"), "admin-openrc:1:10: this quote is never closed");
        assert_eq!(refusal("A=1\n\nA=$'\\0'"), "admin-openrc:3:3: the escapes in this $'...' give no text");
    }

    #[test]
    fn no_refusal_quotes_what_may_be_a_password() {
        for text in [
            "OS_PASSWORD= hunter2",
            "export OS_PASSWORD=x hunter2!",
            "OS_PASSWORD = hunter2",
            "hunter2",
            "export A=x'hunter2",
        ] {
            let error = variables("rc", text).unwrap_err();
            assert!(!format!("{error} {:?}", error.detail()).contains("hunter2"), "{error}");
        }
    }
}
