//! `parallax completions SHELL` and `parallax man FOLDER`: what shells and `man` want to know about the command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;
use parallax::Error;

use crate::output::Output;
use crate::{reading, streams};

/// Print the completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax completions bash > ~/.local/share/bash-completion/completions/parallax
  parallax completions zsh > ~/.zfunc/_parallax
  parallax completions fish > ~/.config/fish/completions/parallax.fish")]
pub(crate) struct CompletionArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Write the manual pages into a folder.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax man ~/.local/share/man/man1")]
pub(crate) struct ManArguments {
    /// The folder, which must exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Replace pages that exist
    #[arg(long, short)]
    force: bool,
}

pub(crate) fn completions(arguments: &CompletionArguments, mut command: Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "parallax", &mut script);
    streams::print(&String::from_utf8(script).context("the completions are not UTF-8")?)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man(arguments: &ManArguments, mut command: Command) -> anyhow::Result<ExitCode> {
    // Only a built command knows the names of its subcommands in full: `parallax-info`.
    command.build();
    let mut pages = vec![command.clone()];
    pages.extend(
        command
            .get_subcommands()
            .filter(|page| page.get_name() != "help")
            .cloned(),
    );
    for page in &pages {
        let name = page.get_display_name().unwrap_or_else(|| page.get_name());
        write_page(&arguments.folder.join(format!("{name}.1")), page, arguments.force)?;
    }
    streams::tell(&format!("{}: {} pages", arguments.folder.display(), pages.len()));
    Ok(ExitCode::SUCCESS)
}

fn write_page(path: &Path, command: &Command, force: bool) -> anyhow::Result<()> {
    let output = Output::create(path, force)?;
    let mut writer = output.writer();
    clap_mangen::Man::new(command.clone())
        .render(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(|error| reading::in_output(Error::from(error), path))?;
    drop(writer);
    output.commit()?;
    Ok(())
}
