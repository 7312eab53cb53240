//! What a step has met stays with the step.
