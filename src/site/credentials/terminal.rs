//! Asking for a secret on the terminal.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::secret_source::Ask;
use crate::base::{Error, ErrorKind, Result, Secret, screen};

/// The controlling terminal of this process, whatever standard input is.
pub struct Terminal;

impl Ask for Terminal {
    fn secret(&self, prompt: &str) -> Result<Secret> {
        let nobody = |e: &dyn std::error::Error| {
            Error::new(ErrorKind::NeedsApproval, format!("there is no terminal to ask for \"{prompt}\""))
                .help("run on a terminal, or give the site file another source of this secret")
                .from_source(e)
        };
        let mut tty = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(|e| nobody(&e))?;
        let quiet = Quiet::new(tty.try_clone().map_err(|e| nobody(&e))?).map_err(|e| nobody(&e))?;
        let _ = write!(tty, "{}: ", screen::line(prompt));
        let typed = typed(BufReader::new(&tty));
        drop(quiet);
        let _ = writeln!(tty);
        typed
    }
}

/// A terminal that shows nothing of what is typed until this is dropped. Ctrl-C arrives as a character,
/// so that the terminal is put right whatever happens.
struct Quiet {
    tty: File,
    before: Termios,
}

impl Quiet {
    fn new(tty: File) -> std::io::Result<Self> {
        let before = tcgetattr(&tty)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&tty, OptionalActions::Flush, &quiet)?;
        Ok(Quiet { tty, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.tty, OptionalActions::Flush, &self.before);
    }
}

fn typed(tty: impl BufRead) -> Result<Secret> {
    let interrupted = || Error::new(ErrorKind::Interrupted, "interrupted while asking for a secret");
    let mut line = Vec::new();
    for byte in tty.bytes() {
        match byte.map_err(|e| interrupted().from_source(&e))? {
            b'\n' | b'\r' => break,
            3 => return Err(interrupted()),
            4 if line.is_empty() => return Err(interrupted()),
            // backspace takes a whole character, not one of its bytes
            8 | 127 => while line.pop().is_some_and(|b| b & 0xc0 == 0x80) {},
            // Ctrl-U begins anew
            21 => line.clear(),
            byte => line.push(byte),
        }
    }
    match String::from_utf8(line) {
        Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
        Ok(_) => Err(Error::new(ErrorKind::Declined, "no secret was typed")),
        Err(_) => Err(Error::new(ErrorKind::Argument, "what was typed is not UTF-8 text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_can_be_corrected_and_interrupted() {
        for (keys, secret) in [
            ("s3cret\n", "s3cret"),
            ("wrong\x15s3cret\r", "s3cret"),
            ("s3creé\x7ft\n", "s3cret"),
            (" kept \n", " kept "),
        ] {
            assert_eq!(typed(keys.as_bytes()).unwrap().expose(), secret);
        }
        assert_eq!(typed(&b"s3c\x03"[..]).unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(typed(&b"\x04"[..]).unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(typed(&b"\n"[..]).unwrap_err().kind(), ErrorKind::Declined);
    }
}
