# Programs that tests drive and that do not run by themselves: a browser for the report, a terminal for the REPL.
# shellcheck shell=bash
install_it() { debian chromium:chromium tmux:tmux; }
up() { :; }
down() { :; }
reset() { :; }
# of several names `command -v` is content with one
running() { command -v chromium && command -v tmux; }
env_of() { :; }
