//! `roosevelt capi-mgmt(member) observe>`: where the session is, as whom, and whether it can change things.

use anstyle::{AnsiColor, Style};

use crate::base::screen::{self, Drawn, drawn};

/// While nothing can be changed.
pub const OBSERVE: &str = "observe>";
/// While it can. As wide as the other: the line editor reckons with the prompt's width.
pub const CHANGES: &str = "changes>";

const SITE: Style = Style::new().bold();
const CALM: Style = AnsiColor::Cyan.on_default();
const DANGER: Style = AnsiColor::Red.on_default().bold();

/// The prompt. `who` is the scope that the last value came from, with its roles.
pub fn text(site: &str, who: Option<&str>) -> String {
    let who = who.map(|who| format!("{who} ")).unwrap_or_default();
    screen::line(&format!("{site} {who}{OBSERVE} ")).into_owned()
}

/// `capi-mgmt(member)`: a scope with its roles, as many as there is room for.
pub fn scope(handle: &str, roles: &[String]) -> String {
    const ROOM: usize = 24;
    let roles: Vec<_> = roles.iter().map(|role| screen::line(role)).collect();
    let (handle, all) = (screen::line(handle), roles.join(","));
    match roles.as_slice() {
        [] => handle.to_string(),
        [first, ..] if all.len() > ROOM => format!("{handle}({first},…)"),
        _ => format!("{handle}({all})"),
    }
}

/// Keystone's own roles, each of which implies those behind it.
const IMPLYING: &[&str] = &["admin", "manager", "member", "reader"];

/// A token's roles, those that the site counts on first; without what another one implies.
pub fn telling(proven: &[String], declared: &[String]) -> Vec<String> {
    let rank = |role: &String| IMPLYING.iter().position(|own| own == role);
    let most = proven.iter().filter_map(rank).min();
    let told = |role: &&String| declared.contains(role) || rank(role).is_none_or(|rank| Some(rank) == most);
    let mut roles: Vec<String> = proven.iter().filter(told).cloned().collect();
    roles.sort_by_key(|role| (!declared.contains(role), rank(role).unwrap_or(IMPLYING.len())));
    roles
}

/// The prompt as it is at this moment.
pub fn present(prompt: &str, open: bool, colours: bool) -> Drawn {
    let now = if open { prompt.replacen(OBSERVE, CHANGES, 1) } else { prompt.to_string() };
    if !colours {
        return now.into();
    }
    if open {
        return Drawn::from(now).painted(DANGER);
    }
    match now.split_once(' ') {
        Some((site, rest)) => {
            drawn!("{} {}", Drawn::line(site).painted(SITE), Drawn::line(rest).painted(CALM))
        }
        None => now.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roles_that_tell_most_stand_first_and_implied_ones_nowhere() {
        let roles = |all: &[&str]| all.iter().map(|r| (*r).to_string()).collect::<Vec<_>>();
        let proven = roles(&["reader", "member", "load-balancer_member", "admin"]);
        assert_eq!(telling(&proven, &[]), roles(&["admin", "load-balancer_member"]));
        assert_eq!(
            telling(&proven, &roles(&["member"])),
            roles(&["member", "admin", "load-balancer_member"])
        );
        assert_eq!(telling(&roles(&["reader", "member"]), &[]), roles(&["member"]));
    }

    #[test]
    fn it_says_where_as_whom_and_what_may_be_done() {
        let prompt = text("roosevelt", Some(&scope("capi-mgmt", &["member".into()])));
        assert_eq!(prompt, "roosevelt capi-mgmt(member) observe> ");
        assert_eq!(&*present(&prompt, true, false), "roosevelt capi-mgmt(member) changes> ");
        assert_eq!(console::measure_text_width(&present(&prompt, true, true)), prompt.len());
        assert!(present(&prompt, true, true).starts_with(&DANGER.to_string()));
        assert_eq!(OBSERVE.len(), CHANGES.len());
    }
}
