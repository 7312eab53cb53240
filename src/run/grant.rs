//! What one `--approve` names, in forms that cannot be taken for each other: a step, what destroys in it, or one thing.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::base::{Error, ErrorKind, Result, is_uuid};

/// What ends a step's id in a form.
const DESTROYS: &str = ":destroys";

/// What ends it where a change that is in doubt is meant.
const AGAIN: &str = ":again";

/// What ends it where such a change is said to be done.
const DONE: &str = ":done";

/// What is written otherwise in a step's id: a form is one word for a shell, has no comma, and no `:` of its own.
const IN_STEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// What is written otherwise in the id of a thing.
const IN_ID: &AsciiSet = &IN_STEP.remove(b'/').remove(b':').remove(b'@').remove(b'+');

/// One thing that is approved beforehand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// `step:5.1`: the step's changes that destroy nothing.
    Step(String),
    /// `step:5.1:destroys`: those that do.
    Destroys(String),
    /// `step:5.1:again`: those of them that are in doubt since a cut, whatever they do: somebody has looked.
    Again(String),
    /// `step:5.1:done`: those of them that no look can settle took effect: somebody has looked. It lets nothing be sent.
    Done(String),
    /// `id:UUID`: whatever is aimed at this one thing. Never a word of a command.
    Id(String),
}

impl Grant {
    /// The step that it names.
    pub fn step(&self) -> Option<&str> {
        match self {
            Grant::Step(step) | Grant::Destroys(step) | Grant::Again(step) | Grant::Done(step) => Some(step),
            Grant::Id(_) => None,
        }
    }
}

impl fmt::Display for Grant {
    /// The form that approves it, to the letter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grant::Step(step) => write!(f, "step:{}", utf8_percent_encode(step, IN_STEP)),
            Grant::Destroys(step) => write!(f, "step:{}{DESTROYS}", utf8_percent_encode(step, IN_STEP)),
            Grant::Again(step) => write!(f, "step:{}{AGAIN}", utf8_percent_encode(step, IN_STEP)),
            Grant::Done(step) => write!(f, "step:{}{DONE}", utf8_percent_encode(step, IN_STEP)),
            Grant::Id(id) => write!(f, "id:{}", utf8_percent_encode(id, IN_ID)),
        }
    }
}

impl FromStr for Grant {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(wrong(
                "an empty entry approves nothing".into(),
                "step:5.1, step:5.1:destroys or id:UUID",
            ));
        }
        let written = |part: &str| {
            let decoded = percent_decode_str(part).decode_utf8();
            decoded
                .map(|text| text.into_owned())
                .map_err(|e| wrong(format!("`{text}` is not a text"), "").from_source(&e))
        };
        match text.split_once(':') {
            Some(("step", step)) => {
                type Form = fn(String) -> Grant;
                let forms: [(&str, Form); 3] =
                    [(DESTROYS, Grant::Destroys), (AGAIN, Grant::Again), (DONE, Grant::Done)];
                let form = forms.iter().find_map(|(end, form)| Some((step.strip_suffix(end)?, *form)));
                let (step, form) = form.unwrap_or((step, Grant::Step));
                if step.is_empty() || step.contains(':') {
                    return Err(wrong(
                        format!("`{text}` names no step"),
                        "step:5.1, step:5.1:destroys, step:5.1:again or step:5.1:done",
                    ));
                }
                written(step).map(form)
            }
            Some(("id", id)) => match written(id)? {
                id if is_uuid(&id) => Ok(Grant::Id(id.to_ascii_lowercase())),
                id if is_path(&id) => Ok(Grant::Id(id)),
                _ => Err(wrong(
                    format!("`{text}` names nothing: a number or a word is not an id"),
                    "id:UUID, id:/PATH/OF/A/FILE or id:SCOPE/KIND/NAME, as a run that needs the approval prints it",
                )),
            },
            Some((prefix, _)) => Err(wrong(
                format!("`{text}`: there is no `{prefix}:`"),
                "step:5.1, step:5.1:destroys or id:UUID",
            )),
            None if is_uuid(text) => {
                Err(wrong(format!("`{text}` does not say what it is"), &format!("id:{text}")))
            }
            None => Err(wrong(
                format!("`{text}` does not say what it is"),
                &format!("{} for a step, id:UUID for one thing", Grant::Step(text.into())),
            )),
        }
    }
}

/// A file's path in full, or a scope or a server with the kind and the name of something that it reaches.
fn is_path(id: &str) -> bool {
    match id.strip_prefix('/') {
        Some(path) => !path.is_empty(),
        None => id.split('/').count() >= 3 && id.split('/').all(|part| !part.is_empty()),
    }
}

fn wrong(what: String, form: &str) -> Error {
    Error::new(ErrorKind::Usage, what).help(format!("write {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0F968008-8429-4ac3-8b82-452e126982cf";

    #[test]
    fn each_form_is_one_thing() {
        for (text, grant) in [
            ("step:5.1".to_string(), Grant::Step("5.1".into())),
            ("step:5.1:destroys".into(), Grant::Destroys("5.1".into())),
            ("step:destroys".into(), Grant::Step("destroys".into())),
            ("step:5.1:again".into(), Grant::Again("5.1".into())),
            ("step:again".into(), Grant::Step("again".into())),
            ("step:5.1:done".into(), Grant::Done("5.1".into())),
            ("step:done".into(), Grant::Step("done".into())),
            ("step:a%20b".into(), Grant::Step("a b".into())),
            (format!("id:{ID}"), Grant::Id(ID.to_lowercase())),
            ("id:/home/ops/image.qcow2".into(), Grant::Id("/home/ops/image.qcow2".into())),
            (
                "id:k8s:6443/configmaps/default/drill".into(),
                Grant::Id("k8s:6443/configmaps/default/drill".into()),
            ),
        ] {
            assert_eq!(text.parse::<Grant>().unwrap(), grant, "{text}");
        }
    }

    #[test]
    fn what_has_no_form_is_a_usage_error_that_says_the_form() {
        for (text, form) in [
            ("", "step:5.1"),
            (" ", "step:5.1"),
            ("5.1", "step:5.1"),
            ("1", "step:1 "),
            (ID, "id:0F968008"),
            ("virsh", "id:UUID"),
            ("id:1", "id:UUID"),
            ("id:undefine", "id:UUID"),
            ("id:", "id:UUID"),
            ("id:a/b", "id:UUID"),
            ("id:a//b", "id:UUID"),
            ("step:", "step:5.1"),
            ("step::destroys", "step:5.1"),
            ("step:5.1:destroy", "step:5.1"),
            ("target:x", "step:5.1"),
            (" step:5.1", "step:5.1"),
        ] {
            let e = text.parse::<Grant>().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Usage, "{text:?}");
            assert!(e.detail().help.clone().unwrap().contains(form), "{text:?}: {:?}", e.detail().help);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_what_is_read(step in "\\PC{1,12}", name in "[^/\\x00]{1,12}") {
            for grant in [
                Grant::Step(step.clone()),
                Grant::Destroys(step.clone()),
                Grant::Again(step.clone()),
                Grant::Done(step.clone()),
                Grant::Id(format!("mgmt/nodes/{name}")),
                Grant::Id(format!("/home/{name}")),
            ] {
                let text = grant.to_string();
                prop_assert_eq!(&text.parse::<Grant>().unwrap(), &grant);
                prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b":/._-%@+".contains(&b)), "{}", text);
            }
        }
    }
}
