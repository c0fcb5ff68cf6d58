//! The name and the note of a run, and what they may be.

use traffic::run_rules::InvalidField;

/// The most characters of a run's name.
const NAME_CHARS: usize = 80;

/// The most characters of what is noted of a run: every process reads it again and again with the run.
const NOTE_CHARS: usize = 500;

/// What is said of a run; what is `None` stays as it is, and an empty text says nothing from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunLabels {
    /// Its name, in one line.
    pub name: Option<String>,
    /// A note, in some lines.
    pub note: Option<String>,
}

impl RunLabels {
    pub(crate) fn checked(&self) -> Result<(), InvalidField> {
        let is_long = |text: &Option<String>, most| {
            text.as_ref()
                .is_some_and(|text| text.chars().count() > most)
        };
        let has_lines = |text: &String| text.contains(char::is_control);
        if is_long(&self.name, NAME_CHARS) || self.name.as_ref().is_some_and(has_lines) {
            let problem = format!("must be one line of at most {NAME_CHARS} characters");
            return Err(InvalidField::new("name", problem));
        }
        let is_odd = |char: char| char.is_control() && char != '\n';
        let is_odd = self.note.as_ref().is_some_and(|note| note.contains(is_odd));
        if is_long(&self.note, NOTE_CHARS) || is_odd {
            let problem = format!("must be a text of at most {NOTE_CHARS} characters");
            return Err(InvalidField::new("note", problem));
        }
        if self.name.is_none() && self.note.is_none() {
            return Err(InvalidField::new("name", "and note are missing: write one"));
        }
        Ok(())
    }
}
