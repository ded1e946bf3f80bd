//! Every law of operators over every row: see `parallax_testkit::laws::operator`.

parallax_testkit::operator_laws!(parallax_ops::OPERATORS);
