# Programs that tests drive and that do not run by themselves: a browser for the report, a terminal for the REPL.
# shellcheck shell=bash
install_it() { debian chromium:chromium tmux:tmux; }
up() { :; }
down() { :; }
reset() { :; }
running() { command -v chromium tmux; }
env_of() { :; }
