//! Label and field selectors.

use serde_json::Value;

use super::refusal::Refusal;

/// One term of a label selector.
#[derive(Clone, Debug, PartialEq)]
enum Term {
    Is(String, Vec<String>),
    Not(String, Vec<String>),
    Has(String),
    Lacks(String),
}

/// What is asked for of a kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Selector {
    labels: Vec<Term>,
    fields: Vec<(String, bool, String)>,
}

impl Selector {
    /// Reads both selectors of a request.
    ///
    /// # Errors
    /// One of them is none.
    pub(super) fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Self, Refusal> {
        let mut selector = Selector::default();
        for term in terms(labels.unwrap_or_default()) {
            selector.labels.push(label(&term)?);
        }
        for term in terms(fields.unwrap_or_default()) {
            let (field, is, value) = match (term.split_once("!="), term.split_once('=')) {
                (Some((field, value)), _) => (field, false, value),
                (None, Some((field, value))) => (field, true, value.trim_start_matches('=')),
                (None, None) => {
                    return Err(Refusal::bad(format!(
                        "invalid selector: '{term}'; can't understand '{term}'"
                    )));
                }
            };
            selector.fields.push((field.trim().into(), is, value.trim().into()));
        }
        Ok(selector)
    }

    pub(super) fn fits(&self, object: &Value) -> bool {
        let value = |label: &str| object["metadata"]["labels"][label].as_str();
        let labels = self.labels.iter().all(|term| match term {
            Term::Is(label, values) => value(label).is_some_and(|v| values.iter().any(|w| w == v)),
            Term::Not(label, values) => !value(label).is_some_and(|v| values.iter().any(|w| w == v)),
            Term::Has(label) => value(label).is_some(),
            Term::Lacks(label) => value(label).is_none(),
        });
        labels
            && self.fields.iter().all(|(field, is, wanted)| {
                let place = format!("/{}", field.replace('.', "/"));
                (object.pointer(&place).and_then(Value::as_str).unwrap_or_default() == wanted) == *is
            })
    }
}

/// The terms of a selector: commas inside of parentheses belong to one.
fn terms(text: &str) -> Vec<String> {
    let (mut all, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        match all.last_mut() {
            Some(last) if c != ',' || depth > 0 => last.push(c),
            _ => all.push(String::new()),
        }
    }
    all.into_iter().map(|t| t.trim().to_string()).filter(|t| !t.is_empty()).collect()
}

fn label(term: &str) -> Result<Term, Refusal> {
    let one = |value: &str| vec![value.trim().to_string()];
    let list = |text: &str| -> Option<Vec<String>> {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|v| v.trim().to_string()).collect())
    };
    let wrong = || Refusal::bad(format!("unable to parse requirement: found '{term}'"));
    if let Some((label, values)) = term.split_once(" notin ") {
        return Ok(Term::Not(label.trim().into(), list(values).ok_or_else(wrong)?));
    }
    if let Some((label, values)) = term.split_once(" in ") {
        return Ok(Term::Is(label.trim().into(), list(values).ok_or_else(wrong)?));
    }
    if let Some((label, value)) = term.split_once("!=") {
        return Ok(Term::Not(label.trim().into(), one(value)));
    }
    if let Some((label, value)) = term.split_once('=') {
        return Ok(Term::Is(label.trim().into(), one(value.trim_start_matches('='))));
    }
    match term.strip_prefix('!') {
        Some(label) => Ok(Term::Lacks(label.trim().into())),
        None if term.contains(' ') => Err(wrong()),
        None => Ok(Term::Has(term.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_choose_by_label_and_by_field() {
        let pod = json!({"metadata": {"name": "p", "labels": {"app": "rr", "tier": "web"}}, "status": {"phase": "Running"}});
        let fits =
            |labels: &str, fields: &str| Selector::parse(Some(labels), Some(fields)).unwrap().fits(&pod);
        for labels in ["", "app=rr", "app==rr,tier", "app in (rr, x),!other", "tier notin (db)", "other!=x"] {
            assert!(fits(labels, ""), "{labels}");
        }
        for labels in ["app=x", "!app", "app notin (rr,x)", "other", "other in (a)"] {
            assert!(!fits(labels, ""), "{labels}");
        }
        assert!(fits("", "metadata.name=p,status.phase!=Pending"));
        assert!(!fits("", "status.phase!=Running"));
        assert!(Selector::parse(Some("a b"), None).is_err());
        assert!(Selector::parse(None, Some("x")).is_err());
    }
}
