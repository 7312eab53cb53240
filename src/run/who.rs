//! Who runs this program: the name of its user id in the user database, and not what the environment says.

use nix::unistd::{Uid, User, getuid};

/// `jesse@jumphost`; for root by way of sudo `root@jumphost (sudo by jesse)`; for an id without a name `uid-1000@jumphost`.
pub fn who() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let sudo = std::env::var("SUDO_UID").ok();
    told(getuid(), machine.trim(), sudo.as_deref(), &name)
}

fn told(own: Uid, machine: &str, sudo: Option<&str>, name: &dyn Fn(Uid) -> String) -> String {
    let by = format!("{}@{machine}", name(own));
    // only root can have set it where the user id is root's; anybody else may write what they like into it
    let caller = sudo.filter(|_| own.is_root()).and_then(|id| id.parse().ok()).map(Uid::from_raw);
    match caller.filter(|caller| *caller != own) {
        Some(caller) => format!("{by} (sudo by {})", name(caller)),
        None => by,
    }
}

/// A user's name, by whatever this machine looks users up with: files, LDAP, SSSD.
fn name(id: Uid) -> String {
    match User::from_uid(id) {
        Ok(Some(user)) => user.name,
        _ => format!("uid-{id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_told_by_its_id() {
        let name = |id: Uid| match id.as_raw() {
            0 => "root".to_string(),
            1000 => "jesse".to_string(),
            other => format!("uid-{other}"),
        };
        let of = |id: u32, sudo: Option<&str>| told(Uid::from_raw(id), "jump", sudo, &name);
        assert_eq!(of(1000, None), "jesse@jump");
        assert_eq!(of(1000, Some("0")), "jesse@jump", "the environment of a user says nothing");
        assert_eq!(of(0, Some("1000")), "root@jump (sudo by jesse)");
        assert_eq!(of(0, Some("4711")), "root@jump (sudo by uid-4711)");
        assert_eq!(of(0, Some("0")), "root@jump");
        assert_eq!(of(0, Some("x")), "root@jump");
        assert_eq!(of(0, None), "root@jump");
    }

    #[test]
    fn this_process_has_a_name_whatever_the_environment_says() {
        let own = name(getuid());
        assert!(!own.is_empty() && who().starts_with(&format!("{own}@")), "{}", who());
    }
}
