//! A terminal that a test types at, by tmux.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::rig::Rig;

/// What a question about a change ends with.
const QUESTION: &str = "[n]o:";

/// Whether somebody is asked for a line.
fn asked(screen: &str) -> bool {
    let last = screen.trim_end().lines().last().unwrap_or_default();
    ["observe>", "changes>", QUESTION].iter().any(|end| last.ends_with(end))
}

/// A terminal of 80 columns with a session in it.
pub(crate) struct Terminal {
    pub(crate) rig: Rig,
    server: String,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.server, "kill-server"]).output();
    }
}

impl Terminal {
    pub(crate) fn open(name: &str, environment: &str, arguments: &str) -> Self {
        let rig = Rig::new("name = \"roosevelt\"\n");
        Terminal::at(rig, name, environment, &format!("--lab restart {arguments}"))
    }

    pub(crate) fn at(rig: Rig, name: &str, environment: &str, arguments: &str) -> Self {
        let server = format!("rhumb-{name}-{}", std::process::id());
        let terminal = Terminal { server, rig };
        let line = format!(
            "env -u RHUMB_SITE -u NO_COLOR PAGER=cat RHUMB_STATE={} {environment} {} repl {arguments}; echo left $?; sleep 600",
            terminal.rig.state().display(),
            env!("CARGO_BIN_EXE_rhumb")
        );
        terminal.tmux(&["new-session", "-d", "-x", "80", "-y", "40", &line]);
        terminal.wait_for("observe>");
        terminal
    }

    pub(crate) fn tmux(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("tmux").args(["-f", "/dev/null", "-L", &self.server]).args(arguments).output();
        let output = output.unwrap_or_else(|e| panic!("tmux (tests/testbed installs it): {e}"));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types a text as it is. tmux takes a semicolon at the end for its own.
    pub(crate) fn text(&self, text: &str) {
        match text.strip_suffix(';') {
            Some(text) => self.tmux(&["send-keys", "-l", &format!("{text}\\;")]),
            None => self.tmux(&["send-keys", "-l", text]),
        };
    }

    /// Presses a key by its name.
    pub(crate) fn key(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Types a line once there is a prompt for it.
    pub(crate) fn line(&self, text: &str) {
        self.wait_until("prompt", asked);
        self.text(text);
        self.key("Enter");
    }

    /// Puts a text where `paste-buffer` takes it from.
    pub(crate) fn load(&self, text: &str) {
        self.rig.file("pasted.txt", text);
        self.tmux(&["load-buffer", self.rig.site().join("pasted.txt").to_str().unwrap()]);
    }

    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// With the escapes of colours.
    pub(crate) fn painted(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Types a line on a cleared screen, or as the answer to a question, and waits until a text stands below it and
    /// somebody is asked for the next one.
    pub(crate) fn fresh(&self, line: &str, seen: &str) {
        let screen = self.wait_until("prompt", asked);
        if !screen.trim_end().ends_with(QUESTION) {
            self.key("C-l");
            self.wait_until("a cleared screen", |screen| screen.trim().lines().count() == 1);
        }
        self.text(line);
        self.key("Enter");
        self.wait_until(seen, |screen| {
            // it may go on in the next row, and stands in errors again
            let begins: String = line.chars().take(16).collect();
            let below = screen.split_once(&begins).map_or(screen, |(_, below)| below);
            below.contains(seen) && asked(below)
        });
    }

    /// Presses a key again and again until a text is on the screen.
    pub(crate) fn press_until(&self, key: &str, text: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.screen().contains(text) {
            assert!(Instant::now() < end, "no `{text}` on the screen:\n{}", self.screen());
            self.key(key);
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Waits until a text is on the screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    pub(crate) fn wait_until(&self, what: &str, seen: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let screen = self.screen();
            if seen(&screen) {
                return screen;
            }
            assert!(Instant::now() < end, "no `{what}` on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
