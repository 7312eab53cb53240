//! The escapes of the shell's `$'...'` quoting.

/// Decodes what stands between `$'` and `'`. `None` if the result is no UTF-8 text or holds NUL.
pub(super) fn decode(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            push(&mut bytes, c);
            continue;
        }
        let Some(escape) = chars.next() else {
            bytes.push(b'\\');
            break;
        };
        let mut digits = |radix: u32, most: usize| {
            let mut number = None;
            for _ in 0..most {
                let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
                number = Some(number.unwrap_or(0u32) * radix + digit);
                chars.next();
            }
            number
        };
        match escape {
            'a' => bytes.push(0x07),
            'b' => bytes.push(0x08),
            'e' | 'E' => bytes.push(0x1b),
            'f' => bytes.push(0x0c),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(0x0b),
            '\\' | '\'' | '"' | '?' => push(&mut bytes, escape),
            '0'..='7' => {
                let first = escape.to_digit(8)?;
                // the first digit is read already; a value above 255 keeps its low byte, as in bash
                let mut number = first;
                for _ in 0..2 {
                    match digits(8, 1) {
                        Some(digit) => number = number * 8 + digit,
                        None => break,
                    }
                }
                bytes.push((number & 0xff) as u8);
            }
            'x' => match digits(16, 2) {
                Some(number) => bytes.push(number as u8),
                None => bytes.extend(b"\\x"),
            },
            'u' | 'U' => match digits(16, if escape == 'u' { 4 } else { 8 }) {
                Some(number) => push(&mut bytes, char::from_u32(number)?),
                None => bytes.extend([b'\\', escape as u8]),
            },
            'c' => match chars.next() {
                Some('?') => bytes.push(0x7f),
                Some(c) => bytes.push((c.to_ascii_uppercase() as u32 & 0x1f) as u8),
                None => bytes.extend(b"\\c"),
            },
            other => {
                bytes.push(b'\\');
                push(&mut bytes, other);
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_give_what_bash_gives() {
        for (raw, text) in [
            (r"a\tb\nc", "a\tb\nc"),
            (r"\x41\x4", "A\u{4}"),
            (r"\101\1019\18", "AA9\u{1}8"),
            (r"\u00e9\U0001F600", "é😀"),
            (r"\xc3\xa9", "é"),
            (r"\q\xzz\u", r"\q\xzz\u"),
            (r#"\'\"\\\?"#, r#"'"\?"#),
            (r"\cx\cX\c?", "\u{18}\u{18}\u{7f}"),
        ] {
            assert_eq!(decode(raw).as_deref(), Some(text), "{raw}");
        }
        assert_eq!([decode(r"\xff"), decode(r"a\0"), decode(r"\ud800")], [None, None, None]);
    }
}
