//! Commands in texts: `` `rhumb …` ``, or a line that begins with one. They are there to be copied, so no layout breaks one
//! where a shell would read other words.

use std::borrow::Cow;

use textwrap::core::display_width;

/// Stands for a blank of a command while a text is laid out. It is no character of Unicode, so no text has it of its own.
const HELD: char = '\u{fdd0}';

/// What a command in a text begins and ends with.
const OPENS: &str = "`rhumb ";
const CLOSES: char = '`';

/// How much deeper a command goes on than it began.
const DEEPER: usize = 2;

/// A text whose commands are one word each, for a layout that breaks at blanks.
pub fn held(text: &str) -> Cow<'_, str> {
    if !text.contains(OPENS) {
        return Cow::Borrowed(text);
    }
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(OPENS) {
        let Some(end) = closing(&rest[at + 1..]) else { break };
        let (command, behind) = rest[at..].split_at(end + 2);
        made.push_str(&rest[..at]);
        made.extend(command.chars().map(|c| if c == ' ' { HELD } else { c }));
        rest = behind;
    }
    made.push_str(rest);
    Cow::Owned(made)
}

/// Where a command ends: at a mark outside of its quotes, on the same line.
fn closing(command: &str) -> Option<usize> {
    let ends = |(_, c, quoted): &(usize, char, bool)| *c == '\n' || (*c == CLOSES && !quoted);
    marks(command).find(ends).filter(|(_, c, _)| *c == CLOSES).map(|(at, ..)| at)
}

/// The characters of a command that a shell does not take for themselves, and whether they stand in single quotes; those behind
/// a backslash are none.
fn marks(command: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let (mut quoted, mut escaped) = (false, false);
    command.char_indices().filter_map(move |(at, c)| {
        if std::mem::take(&mut escaped) {
            return None;
        }
        match c {
            '\'' => quoted = !quoted,
            '\\' if !quoted => escaped = true,
            _ => return Some((at, c, quoted)),
        }
        None
    })
}

/// Whether a held text has a command that is wider than this.
pub fn is_wider(text: &str, width: usize) -> bool {
    text.split([' ', '\n']).any(|word| word.contains(HELD) && display_width(word) > width)
}

/// What was laid out of a held text. A command that does not fit into its line stands on one of its own, without the marks
/// around it.
pub fn freed(text: String, width: usize) -> String {
    if !text.contains(HELD) {
        return text;
    }
    let lines = text.split('\n').map(|line| match apart(line, width) {
        Some(lines) => Cow::Owned(lines),
        None => Cow::Borrowed(line),
    });
    lines.collect::<Vec<_>>().join("\n").replace(HELD, " ")
}

fn apart(line: &str, width: usize) -> Option<String> {
    if display_width(line) <= width {
        return None;
    }
    let at = line.find("`rhumb\u{fdd0}")?;
    let end = at + 1 + closing(&line[at + 1..])?;
    let blanks = line.len() - line.trim_start_matches(' ').len();
    let before = line[..at].trim_end_matches(['(', ' ']);
    let behind = line[end + 1..].trim_start_matches([':', ';', ',', '.', ')', ' ']);
    let alone = before.is_empty();
    let deeper = " ".repeat(if alone { blanks } else { blanks + 2 * DEEPER });
    let mut lines = Vec::new();
    if !alone {
        lines.push(before.to_string());
    }
    lines.push(format!("{deeper}{}", &line[at + 1..end]));
    if !behind.is_empty() {
        let behind = format!("{deeper}{behind}");
        lines.push(apart(&behind, width).unwrap_or(behind));
    }
    Some(lines.join("\n"))
}

/// A line that is a command and too long for a terminal, as a shell reads it over several lines: each but the last ends with
/// a backslash. `None`: it is no command, or has a quoted word that is too long itself: where the terminal would go on with
/// that, nobody could tell it from lines of the host.
pub fn continued(line: &str, columns: usize) -> Option<String> {
    let plain = console::strip_ansi_codes(line);
    let command = plain.trim_start_matches(' ');
    if !command.starts_with("rhumb ") {
        return None;
    }
    let blanks = plain.len() - command.len();
    let deeper = (blanks + DEEPER).min(columns / 2);
    let mut lines: Vec<String> = Vec::new();
    let mut open = " ".repeat(blanks.min(columns / 2));
    let mut begins = true;
    for word in words(line.trim_start_matches(' ')) {
        if word.contains(' ') && display_width(word) + deeper + 2 > columns {
            return None;
        }
        if !begins && display_width(&open) + 1 + display_width(word) + 2 > columns {
            lines.push(format!("{open} \\"));
            open = format!("{}{word}", " ".repeat(deeper));
        } else {
            open.push_str(if begins { "" } else { " " });
            open.push_str(word);
        }
        begins = false;
    }
    lines.push(open);
    Some(lines.join("\n"))
}

/// The words of a command, each as it is quoted.
fn words(command: &str) -> Vec<&str> {
    let (mut words, mut begins) = (Vec::new(), 0);
    for (at, ..) in marks(command).filter(|(_, c, quoted)| *c == ' ' && !quoted) {
        words.push(&command[begins..at]);
        begins = at + 1;
    }
    words.push(&command[begins..]);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::super::Drawn;

    const COMMAND: &str = "rhumb resume 20261201T020000.000Z-phase-08-1a2b --approve step:1:again --site '/home/o p/it'\\''s here' \
                           --set 'image=a b' --state-dir /var/lib/rhumb/vr0-dc0";

    fn shell(text: &str) -> Vec<String> {
        let script = format!("rhumb() {{ printf '%s\\n' \"$@\"; }}\n{text}\n");
        let out = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(out.status.success(), "{text}");
        String::from_utf8(out.stdout).unwrap().lines().map(str::to_string).collect()
    }

    /// What somebody copies of a text: the lines of its one command.
    fn copied(text: &str) -> String {
        let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with("rhumb "));
        let mut copied = Vec::new();
        for line in &mut lines {
            copied.push(line);
            if !line.ends_with('\\') {
                break;
            }
        }
        copied.join("\n")
    }

    #[test]
    fn a_command_is_copied_as_it_is_typed_from_every_layout() {
        let due = shell(COMMAND);
        assert_eq!(due.len(), 10);
        let texts = [
            format!(
                "it may have taken effect, or may still: `{COMMAND}` looks for it first, and asks where a look cannot tell"
            ),
            format!("keep one and remove the others, then `{COMMAND}`"),
            format!("remove it (`{COMMAND}`): the step makes it anew"),
            format!("`{COMMAND}` shows it"),
        ];
        for text in &texts {
            for columns in [40, 60, 80, 120, 300] {
                let text = Drawn::lines(text);
                let laid = [
                    text.filled(Some(columns), "  ", "      "),
                    text.wrapped(columns.saturating_sub(7)).hanging(7),
                    text.clone(),
                ];
                for drawn in laid {
                    let fitted = drawn.fitted(columns).plain().into_owned();
                    let shown = match fitted.contains(&format!("`{COMMAND}`")) {
                        true => COMMAND.to_string(),
                        false => copied(&fitted),
                    };
                    assert_eq!(shell(&shown), due, "at {columns} columns:\n{fitted}");
                    let widest = shell(COMMAND).iter().map(String::len).max().unwrap() + 14;
                    assert!(
                        fitted.lines().all(|line| line.chars().count() <= columns.max(widest)),
                        "{fitted}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_poses_as_a_command_stays_off_the_left_edge() {
        let name = format!("`rhumb resume 'x{}5.3      Delete   PASS'`", " ".repeat(30));
        for text in [format!("      server {name}"), format!("      {}", name.trim_matches('`'))] {
            for columns in [20, 40, 60] {
                let fitted = Drawn::lines(&text).fitted(columns).plain().into_owned();
                assert!(
                    fitted.lines().all(|line| line.starts_with("    ") && line.len() <= columns.max(46)),
                    "{fitted}"
                );
            }
        }
    }
}
