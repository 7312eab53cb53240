//! How a list goes on. Every service says it in its own way; what counts is the query of the next page.

use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};
use crate::systems::http::Url;

/// The query of the page after this one; `None` at the end.
///
/// Only the query of a link is used: behind a proxy the link's host and scheme are often wrong, and a
/// token goes to no address that an answer names.
///
/// # Errors
/// [`ErrorKind::Protocol`] where the service cut the list without a way to go on.
pub(super) fn next(page: &Value, collection_key: &str) -> Result<Option<Vec<(String, String)>>> {
    if page["truncated"] == true {
        return Err(Error::new(ErrorKind::Protocol, "the service shows only a part of the list")
            .help("ask for less: a filter by name or domain"));
    }
    let of_rel = |links: &Value| {
        let next = links.as_array()?.iter().find(|l| l["rel"] == "next")?;
        next["href"].as_str().map(str::to_string)
    };
    let text = |v: &Value| v.as_str().filter(|t| !t.is_empty()).map(str::to_string);
    let link = of_rel(&page[format!("{collection_key}_links")])
        .or_else(|| text(&page["links"]["next"]))
        .or_else(|| text(&page["next"]));
    let Some(link) = link else { return Ok(None) };
    let wrong = || Error::new(ErrorKind::Protocol, format!("the list goes on at `{link}`, which is no link"));
    let base = Url::parse("http://page/").map_err(|_| wrong())?;
    let url = base.join(&link).map_err(|_| wrong())?;
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if query.is_empty() { Err(wrong()) } else { Ok(Some(query)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pairs(text: &str) -> Vec<(String, String)> {
        Url::parse(&format!("http://h/?{text}")).unwrap().query_pairs().into_owned().collect()
    }

    #[test]
    fn each_service_links_its_next_page_in_its_own_way() {
        for (page, key, query) in [
            (
                json!({"servers": [], "servers_links": [{"rel": "next", "href": "http://nova/v2.1/servers/detail?limit=1&marker=a"}]}),
                "servers",
                "limit=1&marker=a",
            ),
            (
                json!({"ports": [], "ports_links": [{"rel": "previous", "href": "http://x?page_reverse=True"}, {"rel": "next", "href": "http://x?marker=b"}]}),
                "ports",
                "marker=b",
            ),
            (
                json!({"images": [], "next": "/v2/images?marker=c", "first": "/v2/images"}),
                "images",
                "marker=c",
            ),
            (
                json!({"clusters": [], "next": "http://h:9511/v1/clusters?limit=2&marker=d"}),
                "clusters",
                "limit=2&marker=d",
            ),
        ] {
            assert_eq!(next(&page, key).unwrap(), Some(pairs(query)));
        }
    }

    #[test]
    fn a_list_ends() {
        for page in [
            json!({"servers": []}),
            json!({"projects": [], "links": {"next": null, "self": "http://k/v3/projects"}}),
            json!({"ports": [], "ports_links": [{"rel": "previous", "href": "http://x?marker=b"}]}),
        ] {
            assert_eq!(next(&page, "ports").unwrap(), None);
        }
    }

    #[test]
    fn a_cut_list_is_an_error() {
        let e = next(&json!({"projects": [], "truncated": true}), "projects").unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Protocol);
        assert!(next(&json!({"x": [], "next": "http://h/no-query"}), "x").is_err());
    }
}
