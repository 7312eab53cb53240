//! The values that are known to be secret, and the one function that takes them out of a text from outside.
//!
//! A service, a proxy or a program may repeat in its answer what it was sent. Each text that is kept or shown
//! (an error, a record of the journal) goes through [`mask`], where each known value becomes `***` as a whole.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{MASK, url};

/// A script that prints a secret gets three of these, and not three asterisks: so the host knows such a text again,
/// also a part of it. Outputs show each as `*`. The character is of a private plane that no font and no name uses.
pub const STAND_IN: char = '\u{10F5EC}';

/// From this length in bytes on a value is looked for anywhere in a text.
pub const LONG: usize = 8;
/// From this length on, if it is no plain word, it is looked for where no letter or digit is next to it.
const SHORT: usize = 6;
/// What is longer is not looked for: no service repeats it whole, and texts would be slow to search.
const LONGEST: usize = 16 << 10;
/// What is longer is not looked for in encodings that only headers and URLs have.
const LONGEST_ENCODED: usize = 1 << 10;

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Known {
    values: HashSet<Arc<str>>,
    /// Each form of each value, by its first bytes.
    forms: HashMap<[u8; SHORT], Vec<Arc<str>>>,
}

impl Known {
    fn add(&mut self, form: String) {
        let Some(stem) = stem(form.as_bytes()) else { return };
        let same = self.forms.entry(stem).or_default();
        if !same.iter().any(|known| **known == *form) {
            same.push(form.into());
            // the longest first: a token that begins with another one is masked whole
            same.sort_by_key(|form| std::cmp::Reverse(form.len()));
        }
    }

    /// The length of the known form that begins at a byte of a text.
    fn at(&self, text: &str, start: usize) -> Option<usize> {
        let rest = text.as_bytes().get(start..)?;
        let forms = self.forms.get(&stem(rest)?)?;
        let found = forms.iter().find(|form| {
            rest.starts_with(form.as_bytes())
                && (form.len() >= LONG || stands_alone(text, start, start + form.len()))
        })?;
        Some(found.len())
    }
}

fn stem(bytes: &[u8]) -> Option<[u8; SHORT]> {
    bytes.first_chunk().copied()
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    !before.into_iter().chain(after).any(char::is_alphanumeric)
}

/// Whether a value is long and odd enough to be looked for in texts. A shorter one, such as `admin`, is a word of
/// every other sentence.
pub fn is_recognisable(value: &str) -> bool {
    let odd = || !value.chars().all(char::is_alphabetic);
    match value.trim().len() {
        LONG..=LONGEST => value.chars().any(char::is_alphanumeric),
        SHORT..LONG => odd() && value.chars().any(char::is_alphanumeric),
        _ => false,
    }
}

/// Has a value masked from now on.
pub(super) fn learn(value: &str) {
    if !is_recognisable(value) {
        return;
    }
    let is_known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).values.contains(value);
    if is_known {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.values.insert(value.into());
    forms(value).into_iter().for_each(|form| known.add(form));
}

/// A value as answers repeat it: as it is, in JSON, in a URL, in HTML, and in base64, also behind a user's name as a
/// `Basic` header has it.
fn forms(value: &str) -> Vec<String> {
    // a service quotes in its JSON what it was sent as JSON
    let json = in_json(value);
    let mut forms = vec![value.to_string(), value.trim().to_string(), in_json(&json), json];
    if value.len() <= LONGEST_ENCODED {
        let percent = in_url(value);
        let encoded = [percent.to_lowercase(), percent.replace("%20", "+"), percent, in_html(value, "&#39;")];
        forms.extend(encoded);
        forms.extend([in_html(value, "&#x27;"), in_html(value, "'")]);
        forms.extend((0..3).flat_map(|behind| in_base64(value, behind)));
    }
    forms.retain(|form| form == value.trim() || form.len() >= LONG);
    forms
}

fn in_json(value: &str) -> String {
    let quoted = Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_string()
}

fn in_url(value: &str) -> String {
    value.bytes().fold(String::new(), |mut url, byte| {
        match byte {
            b'-' | b'.' | b'_' | b'~' => url.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
        url
    })
}

fn in_html(value: &str, apostrophe: &str) -> String {
    let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', apostrophe)
}

/// The part of a value's base64 that is the same whatever is before and behind it, where it begins `behind` bytes
/// into a group of three.
fn in_base64(value: &str, behind: usize) -> [String; 2] {
    let mut bytes = vec![0; behind];
    bytes.extend_from_slice(value.as_bytes());
    let (from, to) = ((behind * 8).div_ceil(6), bytes.len() * 8 / 6);
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)].map(|text| text[from..to].to_string())
}

/// A text as it may be kept and shown: each known value is `***`, and so are the user and the password of a URL. Mask
/// first, then cut: of a value that was cut before, a part would stay.
pub fn mask(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let (mut masked, mut taken, mut at) = (String::new(), 0, 0);
    while !known.forms.is_empty() && at + SHORT <= text.len() {
        match known.at(text, at) {
            Some(length) => {
                masked.push_str(&text[taken..at]);
                masked.push_str(MASK);
                at += length;
                taken = at;
            }
            None => at += 1,
        }
    }
    let masked = match taken {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(masked + &text[taken..]),
    };
    let masked = match url::without_passwords(&masked) {
        Some(without) => Cow::Owned(without),
        None => masked,
    };
    match masked.contains(STAND_IN) {
        true => Cow::Owned(masked.replace(STAND_IN, "*")),
        false => masked,
    }
}

/// The same for a text that is at hand.
pub fn masked(text: String) -> String {
    match mask(&text) {
        Cow::Owned(masked) => masked,
        Cow::Borrowed(_) => text,
    }
}

/// The same for each text of a JSON document, its keys as well.
pub fn mask_json(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = mask(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_json),
        Value::Object(map) => {
            map.values_mut().for_each(mask_json);
            if map.keys().any(|key| matches!(mask(key), Cow::Owned(_))) {
                let members = std::mem::take(map);
                *map = members.into_iter().map(|(k, v)| (masked(k), v)).collect::<Map<_, _>>();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What a script prints a secret as.
pub fn stand_in() -> String {
    STAND_IN.to_string().repeat(MASK.len())
}

/// Whether a text was made of a secret that was printed, or holds a part of such a text.
pub fn was_printed(text: &str) -> bool {
    text.contains(STAND_IN)
}

/// A document that was read back from a record, where each mask is a printed secret again: what stands there is not
/// what was meant, so nothing may send it.
pub fn reread(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(MASK) => *text = text.replace(MASK, &stand_in()),
        Value::Array(items) => items.iter_mut().for_each(reread),
        Value::Object(map) => map.values_mut().for_each(reread),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_known_value_is_masked_whole_in_each_form_that_an_answer_repeats() {
        let value = "c4nary \"&' %:/ü";
        learn(value);
        for form in forms(value) {
            let text = format!("before {form} behind");
            assert_eq!(mask(&text), "before *** behind", "{form}");
        }
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("admin:{value}"));
        let shown = mask(&basic).into_owned();
        assert!(shown.contains(MASK) && shown.len() < 16, "{shown}");
    }

    #[test]
    fn a_longer_value_that_begins_with_another_is_masked_whole() {
        learn("gAAAAABcanary-one");
        learn("gAAAAABcanary-one-and-more");
        assert_eq!(mask("gAAAAABcanary-one-and-more, gAAAAABcanary-one"), "***, ***");
        assert_eq!(mask("xgAAAAABcanary-oney"), "x***y");
    }

    #[test]
    fn a_short_value_is_masked_where_it_stands_alone_and_a_word_never_is() {
        for word in ["", "admin", "secret", "a1b2c", "      ", "********", "true"] {
            learn(word);
            assert_eq!(mask(&format!("<{word}>")), format!("<{word}>"));
        }
        learn("kw9-xy");
        assert_eq!(mask("password=kw9-xy, kw9-xyz, 0kw9-xy"), "password=***, kw9-xyz, 0kw9-xy");
    }

    #[test]
    fn each_text_of_a_document_is_masked_and_its_keys() {
        learn("canary-of-a-document");
        let mut value = json!({"canary-of-a-document": [1, {"a": "x canary-of-a-document"}], "n": null});
        mask_json(&mut value);
        assert_eq!(value, json!({"n": null, "***": [1, {"a": "x ***"}]}));
    }

    #[test]
    fn a_printed_secret_is_known_again_and_shown_as_a_mask() {
        let printed = format!("user:{}", stand_in());
        assert_eq!(mask(&printed), "user:***");
        assert!(was_printed(&printed[5..9]) && !was_printed("user:***"));
        let mut value = json!({"a": ["***", "x"]});
        reread(&mut value);
        assert_eq!(value, json!({"a": [stand_in(), "x"]}));
    }

    proptest! {
        /// Whatever stands around it, no form of a known value is left of it.
        #[test]
        fn no_text_keeps_a_known_value(
            value in "[!-)+-~é][!-)+-~é ü]{6,38}[!-)+-~é]", before in "[^*]{0,30}", behind in "[^*]{0,30}", more in "[^*]{0,30}"
        ) {
            prop_assume!(is_recognisable(&value));
            learn(&value);
            for form in forms(&value) {
                let shown = mask(&format!("{before}{form}{behind}{form}{more}")).into_owned();
                prop_assert!(!shown.contains(&form), "{shown}");
                prop_assert!(shown.contains(MASK), "{shown}");
            }
        }
    }
}
