//! The options of a command as tables in Markdown, one for each heading of its help.

use clap::{Arg, Command};

/// The tables of `command`.
pub(crate) fn of(mut command: Command) -> String {
    command.build();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let shown: Vec<&Arg> = shown.collect();
    let mut headings: Vec<Option<&str>> = shown.iter().map(|arg| arg.get_help_heading()).collect();
    // options without a heading stand first
    headings.sort_by_key(Option::is_some);
    headings.dedup();
    let tables = headings.iter().map(|heading| {
        let title = heading.map_or_else(String::new, |heading| format!("**{heading}**\n\n"));
        let rows = shown
            .iter()
            .filter(|arg| arg.get_help_heading() == *heading);
        let rows: String = rows.map(|arg| row(arg)).collect();
        format!("{title}| option | variable | meaning |\n| --- | --- | --- |\n{rows}")
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn row(arg: &Arg) -> String {
    let name = match arg.get_short().filter(|_| arg.get_long().is_some()) {
        Some(short) => format!("-{short}, {arg}"),
        None => arg.to_string(),
    };
    let variable = arg.get_env().map(|name| format!("`{}`", name.display()));
    let cells = [
        format!("`{name}`"),
        variable.unwrap_or_default(),
        meaning(arg),
    ];
    format!(
        "| {} |\n",
        cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
    )
}

/// The help of an option, with its values and its default.
fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let help = help
        .split_whitespace()
        .map(in_code)
        .collect::<Vec<_>>()
        .join(" ");
    let (mut text, written) = match help
        .strip_suffix(']')
        .and_then(|help| help.rsplit_once(" [default: "))
    {
        Some((text, default)) => (text.to_owned(), Some(default.to_owned())),
        None => (help, None),
    };
    let values = arg.get_possible_values();
    let values = values
        .iter()
        .filter_map(|value| Some(format!("`{}` ({})", value.get_name(), value.get_help()?)));
    let values = values.collect::<Vec<_>>().join(", ");
    if !values.is_empty() {
        text += &format!(": {values}");
    }
    let is_shown = arg.get_action().takes_values() && !arg.is_hide_default_value_set();
    let default = arg.get_default_values().first().filter(|_| is_shown);
    let default = default.map(|default| default.display().to_string());
    if let Some(default) = written.or(default) {
        text += &format!(". Default: {default}");
    }
    text
}

/// A word of help; the name of an option, or a name in braces, as code.
fn in_code(word: &str) -> String {
    let start = word.find(|c: char| c != '(').unwrap_or(0);
    let (before, rest) = word.split_at(start);
    let is_name = |c: char| c == '-' || c.is_ascii_lowercase();
    let length = match rest.find('}') {
        Some(brace) if rest.starts_with('{') => brace + 1,
        _ => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
    };
    let (name, after) = rest.split_at(length);
    if name.starts_with('{') || name.len() > 2 && name.starts_with("--") {
        format!("{before}`{name}`{after}")
    } else {
        word.to_owned()
    }
}
