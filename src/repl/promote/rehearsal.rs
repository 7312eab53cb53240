//! What stands beside a promoted runbook: the scenario of a lab, and a test that rehearses it there.

use std::fmt::Write as _;

use crate::script::quote::quoted;

/// The scenario that the rehearsal begins with.
pub fn scenario(name: &str, from: &str, base: &str) -> String {
    format!(
        "# What `rhumb rehearse {name} --scenario {name}` begins with.\ntitle = \"What the session {from} found\"\nextends = {base:?}\n"
    )
}

/// The test of a runbook: it passes, goes through these steps, and sends what the session sent. Of a session
/// outside the lab the ids are others, and only how many changes there are is claimed.
pub fn test(name: &str, from: &str, steps: &[String], sent: &[String], in_lab: bool) -> String {
    let mut text = format!(
        "// What {name} comes to in the lab: `rhumb test` in the site's directory. From the session {from}.\n\n\
         test(\"{name} does what its session did\", || {{\n    \
         let r = rehearse({name:?}, #{{ scenario: {name:?} }});\n    \
         assert_eq(\"no error\", r.error, \"\");\n    \
         assert(\"it passes\", r.passed);\n    \
         assert_eq(\"its steps\", r.order, {steps:?});\n"
    );
    match (in_lab, sent) {
        (_, []) => text.push_str("    assert_eq(\"it changes nothing\", r.sent, []);\n"),
        (true, sent) => {
            text.push_str("    assert_eq(\"what it changes\", r.sent, [\n");
            for one in sent {
                let _ = writeln!(text, "        {},", quoted(one)); // a String takes everything
            }
            text.push_str("    ]);\n");
        }
        (false, sent) => {
            let _ = writeln!(text, "    assert_eq(\"how many changes\", r.sent.len(), {});", sent.len());
        }
    }
    text + "});\n"
}

#[cfg(test)]
mod tests {
    use super::test;

    #[test]
    fn a_test_claims_what_was_sent() {
        let steps = ["1".to_string(), "2".to_string()];
        let sent = ["POST compute /servers/x/action".to_string()];
        let text = test("mend", "s", &steps, &sent, true);
        assert!(
            text.contains(r#"r.order, ["1", "2"]"#) && text.contains("\"POST compute /servers/x/action\","),
            "{text}"
        );
        assert!(test("mend", "s", &steps, &sent, false).contains("r.sent.len(), 1"));
        assert!(test("look", "s", &steps, &[], true).contains("it changes nothing"));
    }
}
