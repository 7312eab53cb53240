//! Requirements on versions: `<1.4.0`, `>=1.2, <2`.

use std::cmp::Ordering;

use crate::base::Result;
use crate::site::document::Node;

/// A requirement on a version: all its parts hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement(Vec<(Comparison, Vec<u64>)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

const SIGNS: &[(&str, Comparison)] = &[
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    (">", Comparison::More),
    ("=", Comparison::Equal),
];

impl Requirement {
    pub(super) fn read(node: &Node) -> Result<Self> {
        let part = |part: &str| {
            let part = part.trim();
            let (sign, number) = SIGNS.iter().find_map(|(s, c)| Some((*c, part.strip_prefix(s)?)))?;
            Some((sign, numbers(number.trim())?))
        };
        let parts: Option<Vec<_>> = node.text()?.split(',').map(part).collect();
        parts.map(Requirement).ok_or_else(|| {
            let error = node.spot.error(format!("`{}` is not a requirement on a version", node.path));
            error.help("write one such as \"<1.4.0\" or \">=1.2, <2\"")
        })
    }

    /// Whether a version (`1.3.0`, `v1.34.8`, `1.3.0-rc1`) meets it. One that cannot be read does not.
    pub fn admits(&self, version: &str) -> bool {
        let version = version.trim();
        let version = version.strip_prefix('v').unwrap_or(version);
        let plain = version.split(['-', '+']).next().unwrap_or_default();
        let Some(version) = numbers(plain) else { return false };
        self.0.iter().all(|(comparison, wanted)| {
            let order = compare(&version, wanted);
            match comparison {
                Comparison::Less => order.is_lt(),
                Comparison::AtMost => order.is_le(),
                Comparison::Equal => order.is_eq(),
                Comparison::AtLeast => order.is_ge(),
                Comparison::More => order.is_gt(),
            }
        })
    }
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split('.')
        .map(|n| if n.bytes().all(|b| b.is_ascii_digit()) { n.parse().ok() } else { None })
        .collect()
}

/// By number, a missing one counting as 0.
fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let at = |v: &[u64], n: usize| v.get(n).copied().unwrap_or(0);
    (0..a.len().max(b.len())).map(|n| at(a, n).cmp(&at(b, n))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(text: &str) -> Result<Requirement> {
        let node = Node::from_toml("known-issues.toml", &format!("v = \"{text}\"")).unwrap();
        Requirement::read(&node.entries().unwrap()[0].node)
    }

    #[test]
    fn versions_are_compared_by_number() {
        for (wanted, version, admitted) in [
            ("<1.4.0", "1.3.9", true),
            ("<1.4.0", "1.4.0", false),
            ("<1.10", "1.9", true),
            ("<1.4", "v1.3.0-rc1", true),
            (">=1.2, <2", "1.2", true),
            (">=1.2, <2", "2.0.0", false),
            ("=1.4", "1.4.0", true),
            ("<1.4", "unknown", false),
            ("<1.4", "", false),
        ] {
            assert_eq!(requirement(wanted).unwrap().admits(version), admitted, "{version} {wanted}");
        }
        for text in ["", "1.4", "~1.4", "<one", "<1.4,", "<1..4"] {
            assert!(requirement(text).is_err(), "{text}");
        }
    }
}
