//! `cargo xtask gallery RECORDING`: the pictures of docs/gallery.md, each representation of the same second.
//!
//! In: a recording; those that are committed show `ros/test_events_1.evt3.raw` (see the page for its source and licence).
//! Out: `docs/images/gallery/ID.png`, made by `parallax apply` as the page says, and the page's table.

use anyhow::{Context, Result, bail};

use crate::Outcome;
use crate::workspace::{Workspace, run as run_command};

/// The second that is shown.
const TIME: &str = "+500ms..+1500ms";

/// One picture: its name, the chain, what is to be seen.
struct Picture {
    name: &'static str,
    chain: &'static str,
    shows: &'static str,
}

const PICTURES: &[Picture] = &[
    Picture {
        name: "frame",
        chain: "frame polarity=signed",
        shows: "ON minus OFF events of each pixel",
    },
    Picture {
        name: "frame_bins",
        chain: "frame bins=3 polarity=sum",
        shows: "three thirds of the second, from top to bottom",
    },
    Picture {
        name: "voxel",
        chain: "voxel bins=3",
        shows: "three bins, an event shared between the two that it lies between",
    },
    Picture {
        name: "stacked_histogram",
        chain: "stacked_histogram bins=2",
        shows: "two bins of OFF, then two of ON, from left to right",
    },
    Picture {
        name: "time_surface",
        chain: "time_surface tau=100ms polarity=merged",
        shows: "the last event of each pixel, fading",
    },
    Picture {
        name: "speed_invariant_time_surface",
        chain: "speed_invariant_time_surface polarity=merged",
        shows: "the same by rank: a slow edge is as bright as a fast one",
    },
    Picture {
        name: "averaged_time_surface",
        chain: "averaged_time_surface cell=160 size=31 past=100ms tau=20ms",
        shows: "what an event sees around it on average: OFF and ON side by side, the cells of the sensor downwards",
    },
    Picture {
        name: "bina_rep",
        chain: "bina_rep bits=8 polarity=merged",
        shows: "in which eighths of the second a pixel fired, as the bits of a number",
    },
    Picture {
        name: "mixed_density",
        chain: "mixed_density bins=3",
        shows: "the first quarter, the first half and the whole second, from left to right",
    },
    Picture {
        name: "decay",
        chain: "decay tau=100ms polarity=signed",
        shows: "events that add up and fade",
    },
    Picture {
        name: "pixel_statistics",
        chain: "pixel_statistics",
        shows: "count, ON share, rate, mean and deviation of the intervals, from left to right, in one scale",
    },
];

const BEGIN: &str = "<!-- made by `cargo xtask gallery` -->\n";
const END: &str = "<!-- end of made -->";

/// `cargo xtask gallery`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let [recording] = arguments else {
        bail!("usage: cargo xtask gallery RECORDING")
    };
    let recording = std::path::absolute(recording).with_context(|| format!("`{recording}` is no path"))?;
    let parallax = workspace.parallax(true)?;
    let folder = workspace.root.join("docs/images/gallery");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for Picture { name, chain, .. } in PICTURES {
        let mut command = workspace.command(&parallax);
        command.args(["apply", "--force", "--time", TIME]).arg(&recording);
        run_command(command.arg(folder.join(format!("{name}.png"))).arg(chain))?;
    }
    let page = workspace.root.join("docs/gallery.md");
    let text = std::fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    std::fs::write(&page, with_table(&text)?).with_context(|| format!("cannot write {}", page.display()))?;
    Ok(true)
}

/// The page with its pictures anew.
fn with_table(page: &str) -> Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .context("the page has no place for the pictures")?;
    let (_, after) = rest
        .split_once(END)
        .context("the page's place for the pictures has no end")?;
    let pictures = PICTURES.iter().map(|Picture { name, chain, shows }| {
        format!("\n## {name}\n\n`{chain}`: {shows}.\n\n![{chain}](images/gallery/{name}.png)\n")
    });
    Ok(format!(
        "{before}{BEGIN}{}\n{END}{after}",
        pictures.collect::<String>()
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pictures_go_between_their_marks() {
        let page = format!("a\n{}old\n{}\nb\n", super::BEGIN, super::END);
        let once = super::with_table(&page).unwrap();
        assert!(once.starts_with("a\n") && once.ends_with("\nb\n") && !once.contains("old"));
        assert!(once.contains("images/gallery/voxel.png"));
        assert_eq!(super::with_table(&once).unwrap(), once);
        assert!(super::with_table("no place").is_err());
    }
}
