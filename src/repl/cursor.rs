//! What stands at the cursor: the word that is being typed, and what it is a word of.

use crate::script::survey::lexer::{Lexeme, LexemeKind, Page};

/// What is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typing {
    /// A name of its own: a variable, function, module or word of the language.
    Name,
    /// `receiver.word`: the receiver's text.
    Member(String),
    /// `module::word`: the module's alias.
    Function(String),
    /// Inside quotes, as the first argument of a call: the receiver's text (empty for none) and the function.
    Argument(String, String),
    /// The same, as the second argument behind a quoted first one: receiver, function, the first argument.
    Second(String, String, String),
    /// Inside the quotes of an import.
    Import,
    /// `:word`.
    Command,
    /// What stands behind a command: its name, and the words between.
    CommandArgument(String, String),
    /// Nothing that can be completed.
    Nothing,
}

/// The place of the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Where the word begins, in bytes.
    pub start: usize,
    /// What of it stands before the cursor.
    pub word: String,
    /// What it is a word of.
    pub typing: Typing,
}

impl Cursor {
    /// The cursor at a byte of a text.
    pub fn at(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let found = |start: usize, typing| Cursor { start, word: before[start..].to_string(), typing };
        if let Some(command) = before.trim_start().strip_prefix(':') {
            let start = before.len() - command.len();
            return match command.split_once(' ') {
                None => found(start, Typing::Command),
                Some((name, _)) => {
                    let script = matches!(name, "json" | "yaml" | "diff" | "watch" | "help");
                    match script {
                        true => {
                            let shift = start + name.len() + 1;
                            let inside = Cursor::at(&before[shift..], before.len() - shift);
                            Cursor { start: inside.start + shift, ..inside }
                        }
                        false => {
                            let word = before.rfind(' ').map_or(start, |n| n + 1);
                            let between = before[start + name.len()..word].trim().to_string();
                            found(word, Typing::CommandArgument(name.to_string(), between))
                        }
                    }
                }
            };
        }
        if let Some(topic) = before.strip_prefix("help ") {
            let inside = Cursor::at(topic, topic.len());
            return Cursor { start: inside.start + 5, ..inside };
        }
        let page = Page::of(before);
        let Some((last, rest)) = page.lexemes.split_last() else { return found(before.len(), Typing::Name) };
        let str = |l: &Lexeme| page.str(l);
        if last.kind == LexemeKind::Text {
            let quoted = str(last);
            let open = quoted.starts_with('"') && (quoted.len() == 1 || !quoted.ends_with('"'));
            if !open {
                return found(before.len(), Typing::Nothing);
            }
            return found(last.start + 1, quoted_in(&page, rest));
        }
        if last.kind == LexemeKind::Comment || last.kind == LexemeKind::Number {
            return found(before.len(), Typing::Nothing);
        }
        // a word that the cursor touches is being typed
        let (start, rest) = match last.kind == LexemeKind::Word && last.end == before.len() {
            true => (last.start, rest),
            false => (before.len(), &*page.lexemes),
        };
        let typing = match rest {
            [.., a, b] if str(a) == ":" && str(b) == ":" => {
                let module = rest.len().checked_sub(3).map(|n| str(&rest[n]).to_string());
                module.map_or(Typing::Nothing, Typing::Function)
            }
            [.., dot] if str(dot) == "." && dot.end == start => {
                match receiver(&page, &rest[..rest.len() - 1]) {
                    Some(text) => Typing::Member(text.to_string()),
                    None => Typing::Nothing,
                }
            }
            _ => Typing::Name,
        };
        found(start, typing)
    }
}

/// What a quoted text that is not closed is an argument of.
fn quoted_in(page: &Page<'_>, before: &[Lexeme]) -> Typing {
    let (before, first) = match before {
        [.., word] if page.str(word) == "import" => return Typing::Import,
        [rest @ .., first, comma] if page.str(comma) == "," && first.kind == LexemeKind::Text => {
            (rest, Some(page.str(first).trim_matches('"').to_string()))
        }
        all => (all, None),
    };
    let [rest @ .., name, bracket] = before else { return Typing::Nothing };
    if page.str(bracket) != "(" || name.kind != LexemeKind::Word {
        return Typing::Nothing;
    }
    let of = match rest {
        [chain @ .., dot] if page.str(dot) == "." => match receiver(page, chain) {
            Some(text) => text.to_string(),
            None => return Typing::Nothing,
        },
        _ => String::new(),
    };
    let function = page.str(name).to_string();
    match first {
        Some(first) => Typing::Second(of, function, first),
        None => Typing::Argument(of, function),
    }
}

/// The text of the expression that ends here: words, dots, paths, calls and items.
fn receiver<'t>(page: &Page<'t>, lexemes: &[Lexeme]) -> Option<&'t str> {
    let end = lexemes.last()?.end;
    let mut n = lexemes.len();
    let mut start = None;
    loop {
        // brackets, with what stands before them
        while n > 0 && matches!(page.str(&lexemes[n - 1]), ")" | "]") {
            n = opening(page, &lexemes[..n])?;
            start = Some(lexemes[n].start);
        }
        match n.checked_sub(1).map(|n| &lexemes[n]) {
            Some(l) if matches!(l.kind, LexemeKind::Word | LexemeKind::Text | LexemeKind::Number) => {
                n -= 1;
                start = Some(l.start);
            }
            _ => break,
        }
        match &lexemes[..n] {
            [.., dot] if page.str(dot) == "." => n -= 1,
            [.., a, b] if page.str(a) == ":" && page.str(b) == ":" => n -= 2,
            _ => break,
        }
    }
    page.text.get(start?..end)
}

/// The bracket that the last lexeme closes.
fn opening(page: &Page<'_>, lexemes: &[Lexeme]) -> Option<usize> {
    let mut depth = 0usize;
    for (n, lexeme) in lexemes.iter().enumerate().rev().filter(|(_, l)| l.kind == LexemeKind::Symbol) {
        match page.str(lexeme) {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(n);
                }
            }
            _ => {}
        }
    }
    None
}

/// The call whose brackets the cursor stands in: the text of its name, with its receiver or path.
pub fn call_at(text: &str) -> Option<(String, String)> {
    let page = Page::of(text);
    let bracket = page.unclosed().filter(|l| page.str(l) == "(")?;
    let n = page.lexemes.iter().position(|l| l == bracket)?;
    let name = page.lexemes.get(n.checked_sub(1)?).filter(|l| l.kind == LexemeKind::Word)?;
    let before = &page.lexemes[..n - 1];
    let of = match before {
        [chain @ .., dot] if page.str(dot) == "." => format!("{}.", receiver(&page, chain)?),
        [.., module, a, b] if page.str(a) == ":" && page.str(b) == ":" => format!("{}::", page.str(module)),
        _ => String::new(),
    };
    Some((of, page.str(name).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> (String, Typing) {
        let cursor = Cursor::at(text, text.len());
        (cursor.word, cursor.typing)
    }

    #[test]
    fn it_knows_what_is_typed() {
        let member = |text: &str| Typing::Member(text.into());
        assert_eq!(at(""), (String::new(), Typing::Name));
        assert_eq!(at("let x = adm"), ("adm".into(), Typing::Name));
        assert_eq!(at("capi."), (String::new(), member("capi")));
        assert_eq!(at("f(capi.serv"), ("serv".into(), member("capi")));
        assert_eq!(
            at("x = site.scope(\"a\").servers.list()[0].na"),
            ("na".into(), member("site.scope(\"a\").servers.list()[0]"))
        );
        assert_eq!(at("octavia::bro"), ("bro".into(), Typing::Function("octavia".into())));
        assert_eq!(at("octavia::broken(admin)."), (String::new(), member("octavia::broken(admin)")));
        assert_eq!(
            at("capi.servers.get(\"vm"),
            ("vm".into(), Typing::Argument("capi.servers".into(), "get".into()))
        );
        assert_eq!(at("import \"std/oc"), ("std/oc".into(), Typing::Import));
        assert_eq!(at("kube(\"m"), ("m".into(), Typing::Argument(String::new(), "kube".into())));
        assert_eq!(at(":unl"), ("unl".into(), Typing::Command));
        assert_eq!(
            at("mgmt.get(\"pod\", \"cor"),
            ("cor".into(), Typing::Second("mgmt".into(), "get".into(), "pod".into()))
        );
        let argument = |of: &str, between: &str| Typing::CommandArgument(of.into(), between.into());
        assert_eq!(at(":steps re"), ("re".into(), argument("steps", "")));
        assert_eq!(at(":step phase-08 8."), ("8.".into(), argument("step", "phase-08")));
        assert_eq!(at(":step "), (String::new(), argument("step", "")));
        assert_eq!(at(":yaml capi.se"), ("se".into(), member("capi")));
        assert_eq!(at("help capi.lo"), ("lo".into(), member("capi")));
        assert_eq!(at("\"done\"").1, Typing::Nothing);
    }

    #[test]
    fn it_knows_the_call_it_stands_in() {
        assert_eq!(call_at("capi.servers.get(\"vm\", "), Some(("capi.servers.".into(), "get".into())));
        assert_eq!(call_at("octavia::broken("), Some(("octavia::".into(), "broken".into())));
        assert_eq!(call_at("gate(\"a\", f(1)"), Some((String::new(), "gate".into())));
        assert_eq!(call_at("capi.servers"), None);
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in [")", "].", "..", "::", "a::", "\"", "`${", "(.", "#{a: ", "}.x", "é.ü", ": ", "help "]
        {
            for end in (0..=text.len()).filter(|n| text.is_char_boundary(*n)) {
                let cursor = Cursor::at(text, end);
                assert!(cursor.start <= end, "{text}");
                let _ = call_at(&text[..end]);
            }
        }
    }
}
