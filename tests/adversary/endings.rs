//! What a step has met stays with the step.

mod scripts;
