//! What stands behind the cursor, in grey.

use rustyline::hint::Hinter;

use super::helper::Assistant;

impl Hinter for Assistant {
    type Hint = String;
}
