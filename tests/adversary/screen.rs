//! Nothing from outside draws on the operator's terminal.
