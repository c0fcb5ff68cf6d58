//! Tables that fit the width of a terminal: names are shortened, and columns that matter less are left out.

use console::{Alignment, measure_text_width, pad_str, style, truncate_str};

/// The columns between two cells.
const GAP: usize = 2;

/// Names have at least so many columns, or as many as the longest one, before a column is left out.
const NAME_LEAST: usize = 24;

/// A column of figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its heading.
    pub(super) title: &'static str,
    /// The column with the highest rank is left out first; 0 stays.
    pub(super) rank: u8,
}

/// A row: its name, and a cell for each column.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    pub(super) name: String,
    pub(super) figures: Vec<String>,
    /// True if something in it failed: then it is red where colours are shown.
    pub(super) has_failed: bool,
}

impl Column {
    pub(super) const fn new(title: &'static str, rank: u8) -> Self {
        Self { title, rank }
    }
}

/// The lines of a table of at most `width` columns: a heading, the rows, and the total below a rule.
pub(super) fn table(
    columns: &[Column],
    rows: &[Cells],
    total: &Cells,
    width: usize,
) -> Vec<String> {
    let all = || rows.iter().chain([total]);
    let names = all().map(|row| measure_text_width(&row.name)).max();
    let longest_name = names.unwrap_or(0).max("Name".len());
    let mut kept: Vec<(usize, usize)> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = all().map(|row| measure_text_width(&row.figures[index]));
            let title = measure_text_width(column.title);
            (index, cells.max().unwrap_or(0).max(title))
        })
        .collect();
    let left = |kept: &[(usize, usize)]| {
        let taken: usize = kept.iter().map(|(_, width)| width + GAP).sum();
        width.saturating_sub(taken)
    };
    while left(&kept) < longest_name.min(NAME_LEAST) {
        let rank = |(index, _): &(usize, usize)| columns[*index].rank;
        let Some(least) = (0..kept.len()).max_by_key(|at| rank(&kept[*at])) else {
            break;
        };
        if rank(&kept[least]) == 0 {
            break;
        }
        kept.remove(least);
    }
    let name_width = left(&kept).min(longest_name).max(1);
    let line = |name: &str, cell: &dyn Fn(usize) -> String| {
        let name = truncate_str(name, name_width, "…");
        let mut line = pad_str(&name, name_width, Alignment::Left, None).into_owned();
        for (index, width) in &kept {
            line.push_str(&" ".repeat(GAP));
            line.push_str(&pad_str(&cell(*index), *width, Alignment::Right, None));
        }
        truncate_str(&line, width, "…").into_owned()
    };
    let heading = line("Name", &|index| columns[index].title.to_owned());
    let rule = "─".repeat(measure_text_width(&heading));
    let row = |row: &Cells| {
        let line = line(&row.name, &|index| row.figures[index].clone());
        if row.has_failed {
            style(line).for_stderr().red().to_string()
        } else {
            line
        }
    };
    let mut lines = vec![style(heading).for_stderr().bold().to_string()];
    lines.extend(rows.iter().map(row));
    lines.push(style(rule).for_stderr().dim().to_string());
    lines.push(row(total));
    lines
}

/// A text in lines of at most `width` columns; all but the first are indented.
pub(super) fn wrapped(text: &str, indent: usize, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut filled = 0;
    for character in text.chars() {
        let columns = measure_text_width(character.encode_utf8(&mut [0; 4]));
        if filled + columns > width && filled > indent {
            lines.push(" ".repeat(indent));
            filled = indent;
        }
        if let Some(line) = lines.last_mut() {
            line.push(character);
        }
        filled += columns;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::new("# reqs", 0),
        Column::new("Min", 2),
        Column::new("Max", 1),
        Column::new("req/s", 0),
    ];

    fn row(name: &str) -> Cells {
        Cells {
            name: name.to_owned(),
            figures: ["1200", "3", "4500", "12.34"].map(str::to_owned).into(),
            has_failed: false,
        }
    }

    fn lines(name: &str, width: usize) -> Vec<String> {
        table(&COLUMNS, &[row(name)], &row("Aggregated"), width)
    }

    #[test]
    fn a_table_is_no_wider_than_the_terminal() {
        let name = "/a/name/that/is/longer/than/any/terminal/has/columns/日本語/".repeat(4);
        for width in [20, 40, 60, 80, 120, 200] {
            for line in lines(&name, width) {
                assert!(measure_text_width(&line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn the_column_that_matters_least_is_left_out_first() {
        let name = "/a/name/of/thirty/characters/x";
        let headings = [80, 45, 42, 36].map(|width| lines(name, width)[0].clone());
        let shown = headings.map(|heading| {
            let titles = COLUMNS
                .iter()
                .filter(|column| heading.contains(column.title));
            titles.count()
        });
        assert_eq!(shown, [4, 3, 2, 2]);
        // columns that stay are there at any width
        assert!(lines(name, 20)[0].contains("req/s"));
    }

    #[test]
    fn a_table_is_no_wider_than_what_it_has_to_say() {
        assert_eq!(
            lines("/short", 200),
            [
                "Name        # reqs  Min   Max  req/s",
                "/short        1200    3  4500  12.34",
                "────────────────────────────────────",
                "Aggregated    1200    3  4500  12.34",
            ]
        );
    }

    #[test]
    fn a_long_text_is_wrapped() {
        assert_eq!(wrapped("abcdef", 2, 4), ["abcd", "  ef"]);
        assert_eq!(wrapped("", 2, 4), [""]);
        assert_eq!(wrapped("日本語", 0, 4), ["日本", "語"]);
    }
}
