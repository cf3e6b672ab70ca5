//! Colours: light, dark, or as the reader's system has it.

use crate::maths::word::words;

words! {
    /// In which colours a picture comes.
    pub enum Theme {
        /// As the reader's system has it.
        Auto = "auto",
        /// Dark on light.
        Light = "light",
        /// Light on dark.
        Dark = "dark",
    }
}

impl Theme {
    /// What pictures come in where nothing is said.
    pub fn auto() -> Self {
        Self::Auto
    }
}

/// On a light ground: Okabe and Ito's blue, green, orange, vermilion, purple and sky, darkened where thin lines and
/// small marks need it.
const LIGHT: &str = "--back:#ffffff;--ink:#1d2733;--soft:#55626f;--grid:#e4e8ed;--line:#0072b2;--good:#009e73;\
     --risk:#b87f00;--bad:#d55e00;--none:#6b7783;--note:#a8487e;--ahead:#2f86bd;";
/// The same on a dark ground.
const DARK: &str = "--back:#141b22;--ink:#e4e9ee;--soft:#a9b5c0;--grid:#2a3540;--line:#56b4e9;--good:#2fc79b;\
     --risk:#f0b429;--bad:#ff8f52;--none:#95a2ae;--note:#e29ec4;--ahead:#8fd0f5;";

/// The colours as variables of the root.
pub fn palette(theme: Theme) -> String {
    match theme {
        Theme::Light => format!(":root{{{LIGHT}}}"),
        Theme::Dark => format!(":root{{{DARK}}}"),
        Theme::Auto => {
            format!(":root{{{LIGHT}}}@media (prefers-color-scheme:dark){{:root{{{DARK}}}}}")
        }
    }
}

/// What marks and small lines look like, in pictures and in pages alike.
pub fn sparkline_rules() -> &'static str {
    ".series{fill:none;stroke:var(--line);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\
     .band{fill:var(--good);fill-opacity:.14}\
     .mark{stroke:var(--back);stroke-width:1}\
     .mark.healthy{fill:var(--good)}.mark.at-risk{fill:var(--risk)}.mark.unhealthy{fill:var(--bad)}\
     .mark.unknown{fill:var(--back);stroke:var(--none);stroke-width:2}"
}

/// The style of a picture that stands for itself.
pub fn style(theme: Theme) -> String {
    format!("{}{}{RULES}", palette(theme), sparkline_rules())
}

const RULES: &str = "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:var(--ink)}\
     .title{font-size:15px;font-weight:600}.soft{fill:var(--soft)}.back{fill:var(--back)}\
     .grid{stroke:var(--grid);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}\
     .bound{stroke:var(--good);stroke-width:1.5}\
     .tolerance{stroke:var(--risk);stroke-width:1.5;stroke-dasharray:1 3;stroke-linecap:round}\
     .limit{stroke:var(--soft);stroke-width:1.25;stroke-dasharray:6 4}\
     .centre{stroke:var(--soft);stroke-width:1}\
     .signal{fill:none;stroke:var(--ink);stroke-width:1.5}\
     .ahead{fill:none;stroke:var(--ahead);stroke-width:2;stroke-dasharray:2 4;stroke-linecap:round}\
     .spread{fill:var(--ahead);fill-opacity:.16}\
     .note{stroke:var(--note);stroke-width:1.5;stroke-dasharray:3 3}.flag{fill:var(--note);font-weight:600}\
     .remedy{fill:var(--line);fill-opacity:.13;stroke:var(--line);stroke-width:1}\
     .plain{fill:#fff}.dark{fill:#1d2733}.label{fill:#46525e}\
     .tag.healthy{fill:#006b4f}.tag.at-risk{fill:#e69f00}.tag.unhealthy{fill:#ad4b00}.tag.unknown{fill:#5b6773}\
     .glyph{fill:none;stroke:#fff;stroke-width:1.75}.glyph.at-risk{stroke:#1d2733}";
