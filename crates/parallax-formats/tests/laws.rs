//! Every law of formats over every row: see `parallax_testkit::laws::format`.

parallax_testkit::format_laws!(parallax_formats::FORMATS);
