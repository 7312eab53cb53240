//! Prompts that met the end of their input. A program run without a terminal cannot ask; what
//! it then prints looks like another fault. One row per way that is known.

/// What the output holds (all of it, in lower case) and what that means.
const PROMPTS: &[(&[&str], &str)] = &[
    (
        &["cannot get discharge", "eof"],
        "juju's login (macaroon) has expired, and the password prompt met a closed standard input. \
         Run `juju login` in a terminal, then again. This is not a controller outage if `juju status` works there",
    ),
    (
        &["please enter password"],
        "juju asked for a password, and its standard input is closed. Run `juju login` in a terminal, then again",
    ),
    (
        &["sudo:", "a terminal is required"],
        "sudo asked for a password, and there is no terminal. Allow this command without one (NOPASSWD) on that machine",
    ),
    (
        &["sudo:", "a password is required"],
        "sudo asked for a password, and there is no terminal. Allow this command without one (NOPASSWD) on that machine",
    ),
    (
        &["host key verification failed"],
        "a nested ssh does not know the host's key, and could not ask whether to accept it",
    ),
];

/// Ends of an output that stopped at a question.
const QUESTIONS: &[&str] = &["password:", "passphrase:", "[y/n]", "[y/n]:", "(y/n)", "(yes/no)?", "[y/n]?"];

/// Says what a failed command that could not ask would have asked.
pub(super) fn explain(stdout: &str, stderr: &str) -> Option<&'static str> {
    let said = format!("{stdout}\n{stderr}").to_lowercase();
    let known = PROMPTS.iter().find(|(signs, _)| signs.iter().all(|sign| said.contains(sign)));
    if let Some((_, explanation)) = known {
        return Some(explanation);
    }
    let stopped_at_question = [stdout, stderr].iter().any(|text| {
        let end = text.trim_end().to_lowercase();
        QUESTIONS.iter().any(|question| end.ends_with(question))
    });
    stopped_at_question.then_some(
        "it stopped at a question: it has no terminal to ask on. Give the answer as an option or as its standard input",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_prompts_are_told_from_other_failures() {
        for (said, part) in [
            (
                "ERROR cannot get discharge from \"https://c:17070/auth\": Post: EOF",
                "not a controller outage",
            ),
            ("please enter password for admin on maas-controller: ", "juju login"),
            ("sudo: a terminal is required to read the password; use -S", "NOPASSWD"),
            ("Overwrite? [y/N]", "stopped at a question"),
            ("Password: ", "stopped at a question"),
        ] {
            assert!(explain("", said).is_some_and(|e| e.contains(part)), "{said}");
        }
        for said in ["ERROR cannot get discharge: connection refused", "EOF", "password: wrong\nbye", ""] {
            assert_eq!(explain("", said), None, "{said}");
        }
    }
}
