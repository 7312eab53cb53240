//! Where a password comes from when no file of credentials holds it. The site file names the source;
//! it never holds the secret itself.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::base::{Error, ErrorKind, Result, Secret, line};
use crate::site::document::{Node, Shape, Spot};
use crate::site::paths::Paths;
use crate::site::trust;

const HELP: &str = "write { env = \"NAME\" }, { file = \"PATH\" } (mode 0600), { prompt = \"TEXT\" } or \
                    { command = [\"PROGRAM\", \"ARGUMENT\"] }";

/// Where a secret comes from. Two are equal that give the same secret, wherever they are written.
#[derive(Clone, Debug)]
pub struct SecretSource {
    from: From,
    spot: Spot,
}

impl PartialEq for SecretSource {
    fn eq(&self, other: &Self) -> bool {
        self.from == other.from
    }
}

impl Eq for SecretSource {}

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Env(String),
    File(PathBuf),
    Prompt(String),
    Command(Vec<String>),
}

/// Who can be asked for a secret.
pub trait Ask: Send + Sync {
    /// Asks, without showing what is typed.
    ///
    /// # Errors
    /// [`ErrorKind::NeedsApproval`] where nobody can be asked, [`ErrorKind::Interrupted`] for Ctrl-C.
    fn secret(&self, prompt: &str) -> Result<Secret>;
}

/// Refuses every question: for runs without a terminal.
pub struct NobodyToAsk;

impl Ask for NobodyToAsk {
    fn secret(&self, prompt: &str) -> Result<Secret> {
        let what = format!("nobody can be asked for \"{prompt}\"");
        let help =
            "run on a terminal, or give the site file another source of this secret: env, file or command";
        Err(Error::new(ErrorKind::NeedsApproval, what).help(help))
    }
}

impl SecretSource {
    pub(in crate::site) fn read(node: &Node, paths: &Paths) -> Result<Self> {
        if matches!(node.shape, Shape::Text(_)) {
            return Err(node.spot.error(format!("`{}`: a site file holds no secret", node.path)).help(HELP));
        }
        let fields = node.fields(&["env", "file", "prompt", "command"])?;
        let [only] = node.entries()? else {
            return Err(node.spot.error(format!("`{}` must name one source", node.path)).help(HELP));
        };
        let from = match &*only.key {
            "env" => From::Env(variable_name(&only.node)?),
            "file" => From::File(paths.resolve(&only.node)?),
            "prompt" => From::Prompt(only.node.text()?.to_string()),
            _ => From::Command(only.node.argv()?),
        };
        Ok(SecretSource { from, spot: fields.node().spot.clone() })
    }

    /// Gets the secret. A command inherits the terminal and the environment: it is the operator's own
    /// password tool, which may ask for a PIN.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] at the line that names the source, and what [`Ask`] answers.
    pub fn resolve(&self, ask: &dyn Ask) -> Result<Secret> {
        Ok(self.given(ask)?.listed())
    }

    fn given(&self, ask: &dyn Ask) -> Result<Secret> {
        match &self.from {
            From::Env(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
                Ok(_) => Err(self.spot.error(format!("the environment variable {name} is empty"))),
                Err(std::env::VarError::NotPresent) => {
                    Err(self.spot.error(format!("the environment variable {name} is not set")))
                }
                Err(_) => Err(self.spot.error(format!("the environment variable {name} is not UTF-8 text"))),
            },
            From::File(path) => trust::read_secret(path).map_err(|e| self.at(&e)),
            From::Prompt(text) => ask.secret(text).map_err(|e| self.at(&e)),
            From::Command(argv) => self.run(argv),
        }
    }

    /// Gets the secret as what becomes a part of a request: one line.
    ///
    /// # Errors
    /// As [`SecretSource::resolve`].
    pub fn resolve_line(&self, ask: &dyn Ask) -> Result<Secret> {
        let secret = self.resolve(ask)?;
        match line::flaw(secret.expose()) {
            Some(flaw) => Err(self
                .spot
                .error(format!("the secret from this source holds {flaw}"))
                .help("a password or a token is one line of visible characters")),
            None => Ok(secret),
        }
    }

    /// Whether it can be had without asking anybody and without running a program that may ask.
    pub fn is_at_hand(&self) -> bool {
        match &self.from {
            From::Env(name) => std::env::var_os(name).is_some_and(|value| !value.is_empty()),
            From::File(path) => path.exists(),
            From::Prompt(_) | From::Command(_) => false,
        }
    }

    fn at(&self, error: &Error) -> Error {
        error.clone().place(self.spot.file(), self.spot.line, self.spot.column)
    }

    fn run(&self, argv: &[String]) -> Result<Secret> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(self.spot.error("the command for this secret names no program"));
        };
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::inherit())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| {
                self.spot.error(format!("`{program}` cannot be run for this secret")).from_source(&e)
            })?;
        if !output.status.success() {
            return Err(self
                .spot
                .error(format!("`{program}` gives no secret: it ended with {}", output.status)));
        }
        let text = String::from_utf8(output.stdout)
            .map_err(|_| self.spot.error(format!("what `{program}` printed is not UTF-8 text")))?;
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() || text.contains('\n') {
            let what = format!("`{program}` must print the secret as one line, and printed {}", lines(text));
            return Err(self.spot.error(what));
        }
        Ok(Secret::new(text))
    }
}

fn lines(text: &str) -> String {
    match text.lines().count() {
        0 => "nothing".to_string(),
        n => format!("{n} lines"),
    }
}

fn variable_name(node: &Node) -> Result<String> {
    let name = node.text()?;
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(name.to_string());
    }
    // it may be the secret itself, put here by mistake
    Err(node.spot.error(format!("`{}` must be the name of an environment variable", node.path)))
}

/// The source itself, never what it gives.
impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.from {
            From::Env(name) => write!(f, "environment variable {name}"),
            From::File(path) => write!(f, "file {}", path.display()),
            From::Prompt(_) => f.write_str("asked on the terminal"),
            From::Command(argv) => write!(f, "command {}", argv.first().map_or("", String::as_str)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn source(toml: &str) -> Result<SecretSource> {
        let node = Node::from_toml("site.toml", &format!("password = {toml}")).unwrap();
        SecretSource::read(&node.entries().unwrap()[0].node, &Paths::of(None))
    }

    fn refusal(toml: &str) -> String {
        source(toml).unwrap_err().to_string()
    }

    struct Answer(&'static str);

    impl Ask for Answer {
        fn secret(&self, prompt: &str) -> Result<Secret> {
            Ok(Secret::new(format!("{prompt}:{}", self.0)))
        }
    }

    #[test]
    fn each_source_gives_its_secret() {
        let command = source("{ command = [\"printf\", \"%s\\\\n\", \"from printf\"] }").unwrap();
        assert_eq!(command.resolve(&NobodyToAsk).unwrap().expose(), "from printf");
        let prompt = source("{ prompt = \"Password\" }").unwrap();
        assert_eq!(prompt.resolve(&Answer("typed")).unwrap().expose(), "Password:typed");
        assert_eq!(prompt.resolve(&NobodyToAsk).unwrap_err().kind(), ErrorKind::NeedsApproval);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pw");
        std::fs::write(&path, "from file\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let file = source(&format!("{{ file = \"{}\" }}", path.display())).unwrap();
        assert_eq!(file.resolve(&NobodyToAsk).unwrap().expose(), "from file");
        // the one variable that every test process surely has
        let env = source("{ env = \"PATH\" }").unwrap();
        assert_eq!(env.resolve(&NobodyToAsk).unwrap().expose(), std::env::var("PATH").unwrap());
    }

    #[test]
    fn a_source_that_gives_nothing_says_why() {
        for (toml, why) in [
            (
                "{ env = \"RHUMB_NO_SUCH_VARIABLE\" }",
                "the environment variable RHUMB_NO_SUCH_VARIABLE is not set",
            ),
            ("{ command = [\"false\"] }", "`false` gives no secret: it ended with exit status: 1"),
            ("{ command = [\"true\"] }", "`true` must print the secret as one line, and printed nothing"),
            (
                "{ command = [\"printf\", \"a\\nb\"] }",
                "`printf` must print the secret as one line, and printed 2 lines",
            ),
        ] {
            let error = source(toml).unwrap().resolve(&NobodyToAsk).unwrap_err();
            assert_eq!(error.to_string(), why);
            assert_eq!(error.detail().place.as_ref().unwrap().to_string(), "site.toml:1:12");
        }
    }

    #[test]
    fn a_secret_in_the_site_file_is_refused_and_not_quoted() {
        assert_eq!(refusal("\"hunter2\""), "`password`: a site file holds no secret");
        assert_eq!(
            refusal("{ env = \"hunter2!\" }"),
            "`password.env` must be the name of an environment variable"
        );
        assert_eq!(refusal("{ env = \"A\", prompt = \"B\" }"), "`password` must name one source");
        assert_eq!(refusal("{ comand = [\"x\"] }"), "`password` has no key `comand`");
        assert_eq!(refusal("{ command = [] }"), "`password.command` names no program");
    }
}
