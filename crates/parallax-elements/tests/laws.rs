//! Every law of elements over every row: see `parallax_testkit::laws::element`.

parallax_testkit::element_laws!(parallax_elements::registry().rows());
